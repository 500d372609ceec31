"""Plugins have a say in a turn: before it, at its checkpoints, around tools, in model calls, after it."""

import asyncio
import contextlib
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any

import pytest

from lash_nb.clock import CancellationToken
from lash_nb.core import LashSession, SessionConfigPatch
from lash_nb.errors import LashRuntimeError, PluginError
from lash_nb.plugins import (
    AbortTurn,
    AssistantResponseTransform,
    AssistantStreamTransform,
    CreateSession,
    EmitRuntimeEvents,
    EmitTrace,
    EnqueueMessages,
    PluginLifecycleEvent,
    PluginRegistrar,
    ReplaceToolArgs,
    SessionConfigChanged,
    ShortCircuitTool,
    StaticPlugin,
    tool,
    tool_ok,
)
from lash_nb.providers import call, reply
from lash_nb.trace import MemoryTraceSink
from lash_nb.wire import (
    Custom,
    CustomRuntimeEvent,
    EmptyStart,
    LlmRequest,
    ModelSpec,
    PluginMessage,
    PluginRuntime,
    PromptContribution,
    SessionCreateRequest,
    SessionPolicy,
    TraceContext,
    TurnActivity,
    from_builtins,
    to_builtins,
)
from tests.runtime.desk import answers, builder, said, texts, tool_then_answer, weather

OTHER_MODEL = {"id": "other", "limits": {"context_window_tokens": 200_000}}
Register = Callable[[PluginRegistrar], None]
SPAN: ContextVar[str] = ContextVar("span", default="none")


async def _cancelled_while_it_waits(point: str) -> tuple[str, list[str]]:
    """How a turn ends that is cancelled while a hook of the point waits, and what the hook did."""
    began, done = asyncio.Event(), []

    async def wait(_: Any) -> None:
        began.set()
        try:
            await asyncio.sleep(0.01 if point == "after_turn" else 60)
            done.append("ended")
        finally:
            done.append("left")

    session = await _session(tool_then_answer, lambda registrar: getattr(registrar, point)(wait), weather)
    running = session.start("Hi.")
    await began.wait()
    running.cancel()
    result = await running
    return result.outcome.reason or "", done


@pytest.mark.parametrize("point", ["before_turn", "checkpoint"])
async def test_a_hook_that_waits_does_not_hold_up_a_cancelled_turn(point: str) -> None:
    """It is broken off, and the turn is committed as cancelled."""
    assert await _cancelled_while_it_waits(point) == ("cancelled", ["left"])


async def test_a_hook_behind_a_turn_is_asked_to_its_end() -> None:
    """The turn is over by then: what it came to is what is committed."""
    assert await _cancelled_while_it_waits("after_turn") == ("assistant_message", ["ended", "left"])


@pytest.mark.parametrize("waits", [False, True])
async def test_what_a_hook_sets_in_the_context_is_the_turns(*, waits: bool) -> None:
    """As telemetry does it: tools see the variable, and the hook behind the turn puts it back."""
    seen: list[str] = []
    tokens: list[Token[str]] = []

    async def enter(_: Any) -> None:
        if waits:
            await asyncio.sleep(0)
        tokens.append(SPAN.set("turn"))

    async def leave(_: Any) -> None:
        SPAN.reset(tokens.pop())

    def register(registrar: PluginRegistrar) -> None:
        registrar.before_turn(enter)
        registrar.after_turn(leave)

    @tool
    async def probe() -> str:
        """Look."""
        seen.append(SPAN.get())
        return "done"

    session = await _session([call("probe"), "Done."], register, probe)
    assert (await session.turn("Hi.").run()).is_success
    assert (seen, tokens) == (["turn"], [])


@pytest.mark.parametrize("gives_way", [False, True])
async def test_a_turn_whose_hook_was_broken_off_can_wait_again(*, gives_way: bool) -> None:
    """The cancellation is taken back from its task, also where the hook cancelled the turn itself, or did not give way."""

    async def cancel(_: Any) -> None:
        token.cancel()
        with contextlib.nullcontext() if gives_way else contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    token, task = CancellationToken(), asyncio.current_task()
    session = await _session(answers("Hi!"), lambda registrar: registrar.before_turn(cancel))
    result = await session.turn("Hi.").cancel(token).run()
    await asyncio.sleep(0)
    assert (result.outcome.stopped, task and task.cancelling()) == ("cancelled", 0)


async def _session(replies: Any, register: Register, *tools: Any) -> LashSession:
    """An open session with one plugin, `helper`."""
    return await builder(replies, *tools).plugin(StaticPlugin("helper", register)).build().session("demo").open()


def _say(text: str, role: Any = "User") -> EnqueueMessages:
    return EnqueueMessages(messages=(PluginMessage(role=role, content=text),))


def _note(name: str) -> EmitRuntimeEvents:
    return EmitRuntimeEvents(events=(CustomRuntimeEvent(name=name, payload=1),))


def _notes(activities: tuple[TurnActivity, ...]) -> list[str]:
    """The names of what plugins told."""
    events = [item.event for item in activities if isinstance(item.event, PluginRuntime)]
    return [event.event.name for event in events if isinstance(event.event, CustomRuntimeEvent)]


def _once(*directives: Any) -> Callable[[Any], list[Any]]:
    """A hook that wants this, once."""
    left = [list(directives)]
    return lambda _: left.pop() if left else []


def test_before_turn_adds_messages() -> None:
    """What a hook adds stands behind the user's message; only users and the system are heard."""

    async def run() -> None:
        hook = _once(_say("Note."), _say("Sys.", "System"), _say("No.", "Assistant"))
        session = await _session(answers("Hello."), lambda plugins: plugins.before_turn(hook))
        result = await session.turn("Hi.")
        assert said(result.state.session_graph) == ["Hi.", "Note.", "Sys.", "Hello."]

    asyncio.run(run())


def test_hook_sees_the_conversation() -> None:
    """A hook reads the messages that are there, the new input among them, and may be a coroutine."""
    seen: list[list[str]] = []

    async def hook(context: Any) -> None:
        await asyncio.sleep(0)
        seen.append(texts(context.messages))

    async def run() -> None:
        def register(plugins: PluginRegistrar) -> None:
            plugins.before_turn(hook)
            plugins.checkpoint(hook)

        session = await _session(answers("Hello."), register)
        await session.turn("Hi.")

    asyncio.run(run())
    assert seen[0] == ["Hi."]
    assert seen[1][0] == "Hi."


def test_abort_before_turn_keeps_nothing() -> None:
    """The last abort counts; the result shows what would have begun, the session goes on without it."""

    async def run() -> None:
        hook = _once(_say("Kept?"), AbortTurn(code="one", message="1"), AbortTurn(code="two", message="2"))
        session = await _session(answers("Hello."), lambda plugins: plugins.before_turn(hook))
        result = await session.turn("Hi.")
        assert result.outcome.reason == "plugin_abort"
        assert [(issue.code, issue.message) for issue in result.errors] == [("two", "2")]
        assert said(result.state.session_graph) == ["Hi.", "Kept?"]
        assert said(session.control.state.export().session_graph) == []
        after = await session.turn("Again.")
        assert said(after.state.session_graph) == ["Again.", "Hello."]

    asyncio.run(run())


def test_abort_puts_queued_work_off() -> None:
    """Input whose turn a plugin aborts stays in the queue, and runs later."""

    async def run() -> None:
        hook = _once(AbortTurn(code="later", message="not now"))
        session = await _session(answers("Hello."), lambda plugins: plugins.before_turn(hook))
        await session.queue("Hi.").send()
        first = await session.next_queued_turn()
        assert first is not None
        assert first.outcome.reason == "plugin_abort"
        second = await session.next_queued_turn()
        assert second is not None
        assert second.reply == "Hello."

    asyncio.run(run())


def test_checkpoint_messages_go_on_with_the_turn() -> None:
    """What a hook adds at a checkpoint is committed, told, and answered."""

    async def run() -> None:
        hook = _once(_say("More."), _note("noted"))
        session = await _session(answers("First.", "Second."), lambda plugins: plugins.checkpoint(hook))
        result = await session.turn("Hi.")
        assert result.reply == "Second."
        assert "More." in said(result.state.session_graph)
        assert _notes(result.activities) == ["noted"]

    asyncio.run(run())


def test_checkpoint_abort_ends_the_turn() -> None:
    """The turn stops with the plugin's code; input that was taken there waits for the next turn."""

    async def run() -> None:
        hook = _once(AbortTurn(code="enough", message="stop here"))
        session = await _session(answers("First.", "Second."), lambda plugins: plugins.checkpoint(hook))
        await session.control.injection.inject_turn_input(PluginMessage(role="User", content="Injected."))
        result = await session.turn("Hi.")
        assert [issue.code for issue in result.errors] == ["enough"]
        queued = await session.queued_work()
        assert len(queued) == 1
        assert (await session.turn("Again.")).is_success

    asyncio.run(run())


def test_after_turn_message_stands_before_the_answer() -> None:
    """After the turn a hook may add messages and events; it knows what the turn gave."""
    seen: list[str] = []

    def hook(context: Any) -> list[Any]:
        seen.append(context.turn.assistant_output.safe_text)
        return [_say("Remember."), _note("over")]

    async def run() -> None:
        session = await _session(answers("Hello."), lambda plugins: plugins.after_turn(hook))
        result = await session.turn("Hi.")
        assert said(result.state.session_graph) == ["Hi.", "Remember.", "Hello."]
        assert _notes(result.activities) == ["over"]

    asyncio.run(run())
    assert seen == ["Hello."]


def test_hooks_around_tools() -> None:
    """Arguments are replaced before a call, the result after it, and a message comes in at the next checkpoint."""
    seen: list[Any] = []

    def after(context: Any) -> list[Any]:
        seen.append((context.args, context.output.outcome.payload.value))
        return [ShortCircuitTool(output=tool_ok("replaced")), _say("After the tool.")]

    def register(plugins: PluginRegistrar) -> None:
        plugins.before_tool_call(lambda _: [ReplaceToolArgs(args={"city": "Rome"}), _note("before")])
        plugins.after_tool_call(after)

    requests: list[LlmRequest] = []

    def model(request: LlmRequest) -> Any:
        requests.append(request)
        return tool_then_answer(request) if len(requests) == 1 else reply("Done.")

    async def run() -> None:
        session = await _session(model, register, weather)
        result = await session.turn("Hi.")
        assert seen == [({"city": "Rome"}, {"city": "Rome", "sky": "clear"})]
        assert result.tool_calls[0].output == tool_ok("replaced")
        assert "After the tool." in said(result.state.session_graph)
        assert _notes(result.activities) == ["before"]

    asyncio.run(run())


def test_short_circuit_runs_no_tool() -> None:
    """A call that a hook answers is no effect."""
    ran: list[str] = []

    def lookup(city: str) -> str:
        """Look up."""
        ran.append(city)
        return city

    async def run() -> None:
        hook = _once(ShortCircuitTool(output=tool_ok("known")))
        session = await _session(tool_then_answer, lambda plugins: plugins.before_tool_call(hook), weather, lookup)
        result = await session.turn("Hi.")
        assert result.tool_calls[0].output == tool_ok("known")
        assert ran == []

    asyncio.run(run())


def test_trace_record_of_a_hook() -> None:
    """A hook writes into the trace, in its session."""

    async def run() -> None:
        hook = _once(EmitTrace(name="mark", payload={"x": 1}))
        sink = MemoryTraceSink()
        plugin = StaticPlugin("helper", lambda plugins: plugins.before_turn(hook))
        session = await builder(answers()).plugin(plugin).trace_sink(sink).build().session("demo").open()
        await session.turn("Hi.")
        (record,) = [record for record in sink.records if isinstance(record.event, Custom)]
        assert record.event == Custom(name="plugin.helper.mark", payload={"x": 1})
        assert record.context == TraceContext(session_id="demo")

    asyncio.run(run())


def test_lifecycle_in_order() -> None:
    """Plugins follow a session from its beginning; what one raises changes nothing."""
    told: list[str] = []

    def follow(event: PluginLifecycleEvent) -> None:
        told.append(event.type)
        raise RuntimeError

    async def run() -> None:
        session = await _session(answers(), lambda plugins: plugins.lifecycle(follow))
        assert (await session.turn("Hi.")).is_success
        await session.control.config.update(SessionConfigPatch(model=from_builtins(OTHER_MODEL, ModelSpec)))
        assert (await session.turn("Again.")).is_success

    asyncio.run(run())
    turn = ["turn_finalized", "turn_persisted"]
    assert told == ["session_restored", *turn, "session_config_changed", *turn]


def test_config_mutators_are_chained() -> None:
    """A mutator changes what is about to be set; one that fails is left out, and what it came to is told."""
    told: list[SessionConfigChanged] = []

    def limited(_: SessionConfigChanged, policy: SessionPolicy) -> SessionPolicy:
        return policy.replace(max_turns=3)

    def broken(_: SessionConfigChanged, policy: SessionPolicy) -> SessionPolicy:
        raise ValueError(policy)

    def register(plugins: PluginRegistrar) -> None:
        plugins.session_config_mutator(limited)
        plugins.session_config_mutator(broken)
        plugins.lifecycle(lambda event: told.append(event) if isinstance(event, SessionConfigChanged) else None)

    async def run() -> None:
        session = await _session(answers(), register)
        contribution = PromptContribution(slot="guidance", content="Be brief.")
        await session.control.config.add_prompt_contribution(contribution)
        assert session.policy_snapshot().max_turns == 3
        assert told[0].current.max_turns == 3
        assert told[0].previous.max_turns is None

    asyncio.run(run())


def _raise(*_: Any) -> Any:
    message = "hook broke"
    raise RuntimeError(message)


RAISING: dict[str, tuple[Callable[[PluginRegistrar, Any], None], str]] = {
    "before_turn": (PluginRegistrar.before_turn, "plugin_prepare_turn"),
    "after_turn": (PluginRegistrar.after_turn, "plugin_finalize_turn"),
    "checkpoint": (PluginRegistrar.checkpoint, "plugin_checkpoint"),
    "before_tool_call": (PluginRegistrar.before_tool_call, "before_tool_call_failed"),
    "after_tool_call": (PluginRegistrar.after_tool_call, "after_tool_call_failed"),
    "assistant_stream": (PluginRegistrar.assistant_stream, "plugin_assistant_stream"),
    "assistant_response": (PluginRegistrar.assistant_response, "plugin_assistant_response"),
    "prompt": (PluginRegistrar.add_prompt_contributor, "plugin_prompt"),
}
"""How each hook is registered, and the code of what it raises."""


def _whim(number: int) -> Callable[..., Any]:
    """A hook that misbehaves the first time, in one of several ways, and then keeps out of the way."""
    left = [0]

    def hook(context: Any) -> Any:
        if not left:
            return _harmless(context)
        left.pop()
        match number:
            case 0:
                _raise()
            case 1:
                raise PluginError("session", "hook broke")
            case 2:
                raise asyncio.CancelledError
            case 3:
                raise SystemExit
        return 42

    return hook


def _harmless(context: Any) -> Any:
    if hasattr(context, "chunk"):
        return AssistantStreamTransform(chunk=context.chunk)
    return AssistantResponseTransform(response=context.response) if hasattr(context, "response") else []


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("point", RAISING)
def test_what_hooks_raise_has_a_code(point: str, number: int) -> None:
    """Whatever a plugin does in a hook ends in the documented error, and the session takes the next turn."""
    add, code = RAISING[point]

    async def run() -> None:
        session = await _session(tool_then_answer, lambda plugins: add(plugins, _whim(number)), weather)
        try:
            result = await session.turn("Hi.")
            told = {issue.code or issue.kind for issue in result.errors}
            told |= {str(to_builtins(record.output)["outcome"]["payload"].get("code")) for record in result.tool_calls}
        except LashRuntimeError as error:
            told = {error.code}
        assert code in told
        assert (await session.turn("Again.")).is_success

    asyncio.run(run())


def test_hook_cannot_wait_for_a_turn_of_its_session() -> None:
    """A hook that asks for a turn of the session that waits for it is told so, at once, at every point."""
    held: list[LashSession] = []

    async def ask(_: Any) -> None:
        await held[0].turn("Inside.")

    def register(plugins: PluginRegistrar) -> None:
        plugins.before_tool_call(ask)
        plugins.lifecycle(ask)
        plugins.after_turn(ask)

    async def run() -> None:
        held.append(await _session(tool_then_answer, register, weather))
        with pytest.raises(LashRuntimeError, match="turn of its session") as raised:
            await held[0].turn("Hi.")
        assert raised.value.code == "plugin_finalize_turn"

    asyncio.run(run())


def test_failed_after_turn_keeps_what_was_stored() -> None:
    """Without a final commit the user's message stays, the answer does not; the next turn goes on from there."""

    async def run() -> None:
        hook = _once(AbortTurn(code="no", message="too late"))
        session = await _session(answers("First.", "Second."), lambda plugins: plugins.after_turn(hook))
        with pytest.raises(LashRuntimeError, match="the turn is over") as raised:
            await session.turn("Hi.")
        assert raised.value.code == "plugin_finalize_turn"
        result = await session.turn("Again.")
        assert said(result.state.session_graph) == ["Hi.", "Again.", "Second."]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("before", "directive", "shown"),
    [
        (True, AbortTurn(code="no", message="not this tool"), "not this tool"),
        (True, _say("No."), "before_tool_call does not support message injection"),
        (False, AbortTurn(code="no", message="not this result"), "not this result"),
        (False, ReplaceToolArgs(args={}), "the call ran already"),
        (True, CreateSession(request=SessionCreateRequest(start=EmptyStart())), "cannot be made"),
        (False, CreateSession(request=SessionCreateRequest(start=EmptyStart())), "cannot be made"),
    ],
)
def test_directives_that_fail_a_call(before: bool, directive: Any, shown: str) -> None:
    """What is not possible around a tool call is the call's failure, and the turn goes on."""

    async def run() -> None:
        hook = _once(directive)
        session = await _session(
            tool_then_answer,
            lambda plugins: (plugins.before_tool_call if before else plugins.after_tool_call)(hook),
            weather,
        )
        result = await session.turn("Hi.")
        assert result.is_success
        assert shown in to_builtins(result.tool_calls[0].output)["outcome"]["payload"]["message"]

    asyncio.run(run())
