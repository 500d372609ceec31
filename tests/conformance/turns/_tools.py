"""The tools of a scenario: each has its own script, whose last entry repeats."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from lash_nb.errors import LashError
from lash_nb.plugins import ToolCall, ToolProvider, tool_failure
from lash_nb.wire import (
    AttachmentCreateMeta,
    AttachmentRef,
    DirectRequest,
    Json,
    RetryNever,
    ToolCallOutput,
    ToolCancellation,
    ToolCancelled,
    ToolContract,
    ToolControl,
    ToolDefinition,
    ToolFailed,
    ToolFailure,
    ToolManifest,
    ToolSuccess,
    ToolValue,
    from_builtins,
    to_builtins,
    to_json,
)
from tests.conformance.turns._gates import Gates
from tests.conformance.turns._recorder import Recorder

__all__ = ["ENTRY_KEYS", "TOOL_KEYS", "ScriptTools"]

Entry: TypeAlias = dict[str, Any]

TOOL_KEYS: Final = frozenset({"definition", "script"})


class ScriptTools(ToolProvider):
    """Offers the tools of a list and acts their scripts."""

    def __init__(self, tools: list[dict[str, Any]], gates: Gates, recorder: Recorder) -> None:
        definitions = [_definition(tool["definition"]) for tool in tools]
        self.gates = gates
        self._manifests = [definition.manifest() for definition in definitions]
        self._definitions = {definition.name: definition for definition in definitions}
        self._scripts = {tool["definition"]["name"]: list(tool.get("script") or [{"echo": True}]) for tool in tools}
        self._recorder = recorder

    def tool_manifests(self) -> Sequence[ToolManifest]:
        """Return the manifests in list order."""
        return self._manifests

    def resolve_contract(self, name: str) -> ToolContract | None:
        """Return the contract of a tool of the list."""
        return self._definitions[name].contract() if name in self._definitions else None

    async def execute(self, call: ToolCall) -> ToolCallOutput:
        """Record the execution and act the next entry."""
        of = self._recorder.push("tool_execute", **_execution(call))
        script = self._scripts[call.name]
        entry = script.pop(0) if len(script) > 1 else script[0]
        for key, act in ACTIONS.items():
            if key in entry and (output := await act(self, entry, call)) is not None:
                control = from_builtins(entry["control"], ToolControl) if "control" in entry else output.control
                if key == "hang":
                    self._recorder.push("tool_cancel_seen", of=of)
                return ToolCallOutput(outcome=output.outcome, control=control)
        message = f"the entry {entry} gives no output"
        raise AssertionError(message)


def _definition(given: dict[str, Any]) -> ToolDefinition:
    return from_builtins({"id": f"tool:{given['name']}", "description": "", **given}, ToolDefinition)


def _execution(call: ToolCall) -> dict[str, Any]:
    context = call.context
    return {
        "name": call.name,
        "args": call.args,
        "call_id": context.tool_call_id,
        "attempt": context.attempt_number,
        "max_attempts": context.max_attempts,
        "replay_key": context.replay_key,
        "session_id": context.session_id,
        "async_process_id": context.async_process_id,
    }


async def _gate(tools: ScriptTools, entry: Entry, _call: ToolCall) -> None:
    await tools.gates.passing(entry["gate"])


async def _open_gate(tools: ScriptTools, entry: Entry, _call: ToolCall) -> None:
    tools.gates.release(entry["open_gate"])


async def _sleep(_tools: ScriptTools, entry: Entry, _call: ToolCall) -> None:
    await asyncio.sleep(entry["sleep_ms"] / 1000)


async def _hang(tools: ScriptTools, entry: Entry, call: ToolCall) -> ToolCallOutput:
    if "hang_gate" in entry:
        tools.gates.enter(entry["hang_gate"])
    if call.context.cancellation is None:
        await asyncio.Event().wait()
    else:
        await call.context.cancellation.wait()
    return _cancelled("cancelled by token", "cancellation")


async def _direct(_tools: ScriptTools, entry: Entry, call: ToolCall) -> ToolCallOutput:
    given = entry["direct"]
    request: DirectRequest = from_builtins(given["request"], DirectRequest)
    try:
        completion = await call.context.direct.complete(request, usage_source=given.get("source"))
    except LashError as error:
        return _tool_error(str(error))
    return _success({"text": completion.text})


async def _attachment_value(_tools: ScriptTools, entry: Entry, call: ToolCall) -> ToolCallOutput:
    given = entry["attachment_value"]
    refs = {f"${number}": _put(call, image) for number, image in enumerate(given["images"], 1)}
    value = ToolValue(_named(given.get("wrap", "$1"), refs))
    if given.get("failure"):
        return tool_failure("external", "drawing_failed", "could not finish the drawing", source="tool", raw=value)
    return ToolCallOutput(outcome=ToolSuccess(payload=value))


def _put(call: ToolCall, image: dict[str, Any]) -> AttachmentRef:
    assert call.context.attachments is not None
    meta: AttachmentCreateMeta = from_builtins(image["meta"], AttachmentCreateMeta)
    return call.context.attachments.put(base64.b64decode(image["base64"]), meta)


def _named(value: Json, refs: Mapping[str, AttachmentRef]) -> Json:
    """The value with attachments in the places that name them."""
    if isinstance(value, list):
        return [_named(item, refs) for item in value]
    if isinstance(value, dict):
        return {key: _named(item, refs) for key, item in value.items()}
    return refs.get(value, value) if isinstance(value, str) else value


async def _echo(_tools: ScriptTools, _entry: Entry, call: ToolCall) -> ToolCallOutput:
    return _success(call.args)


async def _ok(_tools: ScriptTools, entry: Entry, _call: ToolCall) -> ToolCallOutput:
    return _success(entry["ok"])


async def _err(_tools: ScriptTools, entry: Entry, _call: ToolCall) -> ToolCallOutput:
    return _tool_error(entry["err"])


async def _err_text(_tools: ScriptTools, entry: Entry, _call: ToolCall) -> ToolCallOutput:
    return _tool_error(entry["err_text"])


async def _cancelled_entry(_tools: ScriptTools, entry: Entry, _call: ToolCall) -> ToolCallOutput:
    return _cancelled(entry["cancelled"], "cancellation")


async def _failure(_tools: ScriptTools, entry: Entry, _call: ToolCall) -> ToolCallOutput:
    return ToolCallOutput(outcome=ToolFailed(payload=from_builtins(entry["failure"], ToolFailure)))


async def _output(_tools: ScriptTools, entry: Entry, _call: ToolCall) -> ToolCallOutput:
    return from_builtins(entry["output"], ToolCallOutput)


async def _attachment(_tools: ScriptTools, entry: Entry, call: ToolCall) -> ToolCallOutput:
    given = entry["attachment"]
    if call.context.attachments is None:
        return _tool_error("there is no attachment store")
    meta: AttachmentCreateMeta = from_builtins(given["meta"], AttachmentCreateMeta)
    ref = call.context.attachments.put(base64.b64decode(given["base64"]), meta)
    if given.get("as") == "json":
        return _success(to_builtins(ref))
    return _success(_wrapped(given.get("wrap", _PLACEHOLDERS[0]), ref))


_PLACEHOLDERS: Final[tuple[Json, ...]] = ({"$lash_tool_value": "attachment"}, {"type": "attachment"})


def _wrapped(value: Json, ref: Any) -> Json:
    if value in _PLACEHOLDERS:
        return ref
    if isinstance(value, list):
        return [_wrapped(item, ref) for item in value]
    if isinstance(value, dict):
        return {key: _wrapped(item, ref) for key, item in value.items()}
    return value


def _success(value: Json) -> ToolCallOutput:
    return ToolCallOutput(outcome=ToolSuccess(payload=ToolValue(value)))


def _tool_error(value: Json) -> ToolCallOutput:
    message = value if isinstance(value, str) else to_json(value).decode()
    return ToolCallOutput(
        outcome=ToolFailed(
            payload=ToolFailure(
                class_="execution",
                code="tool_error",
                message=message,
                source="tool",
                retry=RetryNever(),
                raw=ToolValue(value),
            )
        )
    )


def _cancelled(message: str, source: Any) -> ToolCallOutput:
    return ToolCallOutput(outcome=ToolCancelled(payload=ToolCancellation(message=message, source=source)))


Action: TypeAlias = Callable[[ScriptTools, Entry, ToolCall], Awaitable[ToolCallOutput | None]]
ACTIONS: Final[Mapping[str, Action]] = {
    "gate": _gate,
    "open_gate": _open_gate,
    "sleep_ms": _sleep,
    "hang": _hang,
    "direct": _direct,
    "attachment_value": _attachment_value,
    "echo": _echo,
    "ok": _ok,
    "err": _err,
    "err_text": _err_text,
    "cancelled": _cancelled_entry,
    "failure": _failure,
    "output": _output,
    "attachment": _attachment,
}
"""What an entry does, in the order in which its keys act; the first output ends it."""
ENTRY_KEYS: Final = ACTIONS.keys() | {"hang_gate", "control"}
