"""A tool from a plain typed function: `@tool`."""

import asyncio
import functools
import inspect
import os
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, ClassVar, Final, Generic, ParamSpec, TypeVar, overload

from pydantic import ValidationError

from lash_nb.errors import CallerError
from lash_nb.plugins._compact import compact_contract
from lash_nb.plugins._context import ToolCall, ToolContext
from lash_nb.plugins._plain_call import PlainCall
from lash_nb.plugins._quick_lane import QuickLane
from lash_nb.plugins._result import tool_failure, tool_ok
from lash_nb.plugins._signature import read_signature
from lash_nb.plugins._tool_provider import ToolProvider
from lash_nb.plugins._tool_threads import TOOL_THREADS, NoThreadError
from lash_nb.tasks import NEXT_ROUND
from lash_nb.wire import (
    Availability,
    Json,
    NeverRetryPolicy,
    ToolAgentSurface,
    ToolAvailability,
    ToolCallOutput,
    ToolContract,
    ToolDefinition,
    ToolManifest,
    ToolRetryPolicy,
    ToolScheduling,
    ToolValue,
)

__all__ = ["FunctionTool", "FunctionToolProvider", "tool"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_NEVER: Final = NeverRetryPolicy()
_QUICK_NS: Final = 50_000
"""What a function takes at most that is quick: less than it costs to be woken by a thread."""
_QUICK_LANE: Final = QuickLane()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_QUICK_LANE.begin_afresh)
_OPERATION: Final = re.compile(r"(?=[^a-z]*[a-z])[a-z0-9_]+")


class FunctionTool(Generic[P, R]):
    """A function that a model may call; people call it as before.

    A plain function runs in a thread, so that it does not hold up the event loop, an async one is awaited. What it returns must be JSON, or a
    pydantic model, a dataclass and the like; tables of pandas are summed up, figures of matplotlib, images of PIL and bytes that are a
    picture become attachments (a figure that the call made with pyplot is closed there, so that a notebook shows it once); a `ToolCallOutput`
    is taken as it is.

    A plain function whose call is cancelled runs on in its thread, and nobody hears its result: one that takes long looks at
    `context.cancellation.cancelled` now and then. `left_running` names those that run on; the end of the process waits for them for three
    seconds.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        availability: Availability = "showcased",
        scheduling: ToolScheduling = "parallel",
        retry_policy: ToolRetryPolicy = _NEVER,
        examples: Iterable[str] = (),
    ) -> None:
        self._function = function
        self._signature = read_signature(function, name=name)
        self.definition: Final = ToolDefinition(
            id=f"tool:{self._signature.name}",
            name=self._signature.name,
            description=self._signature.description if description is None else description,
            availability=ToolAvailability(base=availability),
            scheduling=scheduling,
            retry_policy=retry_policy,
            agent_surface=_agent_surface(self._signature.name),
            input_schema=self._signature.input_schema,
            output_schema=self._signature.output_schema,
            examples=tuple(examples),
        )
        """What the tool declares of itself."""
        self._manifest: Final = self.definition.manifest()
        self._contract: Final = self.definition.contract()
        self._is_async: Final = inspect.iscoroutinefunction(function)
        self._was_quick = False
        functools.update_wrapper(self, function)

    @property
    def name(self) -> str:
        """The name that the model calls."""
        return self.definition.name

    @property
    def was_quick(self) -> bool:
        """Whether the function is a plain one that was over at once when it was called last."""
        return self._was_quick

    @property
    def manifest(self) -> ToolManifest:
        """How the tool is offered: always the same object."""
        return self._manifest

    @property
    def contract(self) -> ToolContract:
        """Its schemas: always the same object."""
        return self._contract

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself."""
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        compact = compact_contract(self._manifest, self._contract)
        return f"FunctionTool({compact.signature} -> {compact.returns})"

    async def run(self, args: Json, context: ToolContext) -> ToolCallOutput:
        """Call the function with a model's arguments; its exceptions, and what is no JSON, are the dispatcher's to report."""
        try:
            arguments = self._signature.arguments(args, context)
        except ValidationError as error:
            return tool_failure("invalid_request", "invalid_tool_args", _complaint(error))
        function: Callable[..., Any] = self._function
        returned = await (function(**arguments) if self._is_async else self._beside_the_loop(arguments, context))
        if isinstance(returned, ToolCallOutput):
            return returned
        return tool_ok(returned.value if isinstance(returned, ToolValue) else returned)

    async def _beside_the_loop(self, arguments: dict[str, Any], context: ToolContext) -> Any:
        call = PlainCall(self.name, self._function, arguments, replay_key=context.replay_key)
        try:
            job = _QUICK_LANE.begin(call) if self._was_quick else None
            returned = await (TOOL_THREADS.run(call) if job is None else job.result())
        except (asyncio.CancelledError, GeneratorExit):
            call.leave()
            raise
        except NoThreadError as error:
            return tool_failure("resource_limit", "tool_threads", str(error), source="tool")
        finally:
            self._was_quick = call.took_ns is not None and call.took_ns < _QUICK_NS
        return await _in_next_round(returned) if inspect.isawaitable(returned) else returned


class FunctionToolProvider(ToolProvider):
    """Offers function tools."""

    makes_schemas: ClassVar[bool] = True

    def __init__(self, tools: Iterable[FunctionTool[..., Any] | Callable[..., Any]]) -> None:
        made = [given if isinstance(given, FunctionTool) else FunctionTool(given) for given in tools]
        self._tools = {one.name: one for one in made}
        if len(self._tools) < len(made):
            names = [one.name for one in made]
            twice = next(name for name in names if names.count(name) > 1)
            raise CallerError(f"two tools are named {twice}; rename one: @tool(name='…')")

    def __repr__(self) -> str:
        return f"FunctionToolProvider({', '.join(self._tools)})"

    def tool_manifests(self) -> Sequence[ToolManifest]:
        """Return the tools in the order in which they were given."""
        return [one.manifest for one in self._tools.values()]

    def resolve_contract(self, name: str) -> ToolContract | None:
        """Return the schemas of a tool."""
        found = self._tools.get(name)
        return None if found is None else found.contract

    def is_quick(self, name: str) -> bool:
        """Tell whether a call of a tool is expected to be over at once, and has no task before it waits; what somebody derived from one may need it."""
        found = self._tools[name]
        return type(found) is FunctionTool and found.was_quick

    def execute(self, call: ToolCall) -> Coroutine[Any, Any, ToolCallOutput]:
        """Call the function."""
        return self._tools[call.name].run(call.args, call.context)


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    availability: Availability = "showcased",
    scheduling: ToolScheduling = "parallel",
    retry_policy: ToolRetryPolicy = _NEVER,
    examples: Iterable[str] = (),
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...
def tool(function: Callable[..., Any] | None = None, /, **settings: Any) -> Any:
    """Make a tool of a typed function; the schema comes from its signature, the texts from its docstring.

    Raises:
        CallerError: a parameter has no type hint, or none that a model could fill.
    """
    if function is None:
        return lambda given: FunctionTool(given, **settings)
    return FunctionTool(function, **settings)


async def _in_next_round(work: Awaitable[T]) -> T:
    """Await what a function returned; what waits looks for its task, which a quick call has from the next round on."""
    try:
        await NEXT_ROUND
    except BaseException:
        if inspect.iscoroutine(work):
            work.close()  # it was never begun
        raise
    return await work


def _agent_surface(name: str) -> ToolAgentSurface:
    """Agent code calls tools by lower-case names; a name that is none gets one."""
    if _OPERATION.fullmatch(name):
        return ToolAgentSurface()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return ToolAgentSurface(operation=words if _OPERATION.fullmatch(words) else f"tool_{words}")


def _complaint(error: ValidationError) -> str:
    """The first thing that is wrong, in one line."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"])) or "arguments"
    return f"{place}: {first['msg']}, got {first['input']!r:.200}"
