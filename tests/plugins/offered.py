"""Tools by definition alone, for tests of everything around a tool."""

from collections.abc import Callable, Sequence

from lash_nb.plugins import ToolCall, ToolProvider, tool_ok
from lash_nb.wire import ToolCallOutput, ToolContract, ToolDefinition, ToolManifest, from_builtins


def definition(name: str, **fields: object) -> ToolDefinition:
    """A definition from its wire form; id `tool:NAME` unless given."""
    read: ToolDefinition = from_builtins({"id": f"tool:{name}", "name": name, **fields}, ToolDefinition)
    return read


class Offered(ToolProvider):
    """Offers definitions and answers each call with `answer`, by default with its arguments."""

    def __init__(
        self,
        *definitions: ToolDefinition,
        unlisted: Sequence[ToolDefinition] = (),
        answer: Callable[[ToolCall], ToolCallOutput] = lambda call: tool_ok(call.args),
    ) -> None:
        self.listed = list(definitions)
        self.known = {one.name: one for one in (*definitions, *unlisted)}
        self.answer = answer
        self.calls: list[ToolCall] = []

    def tool_manifests(self) -> Sequence[ToolManifest]:
        """The listed tools."""
        return [one.manifest() for one in self.listed]

    def resolve_manifest(self, name: str) -> ToolManifest | None:
        """A listed or unlisted tool."""
        return self.known[name].manifest() if name in self.known else None

    def resolve_contract(self, name: str) -> ToolContract | None:
        """Its schemas."""
        return self.known[name].contract() if name in self.known else None

    async def execute(self, call: ToolCall) -> ToolCallOutput:
        """Answer."""
        self.calls.append(call)
        return self.answer(call)
