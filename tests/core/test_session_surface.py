"""What a session and its turns offer beside running them: who is poked, what plugins ask of turns, and what is said where nothing runs yet."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lash_nb.core import (
    DEFAULT_CONTEXT_WINDOW,
    LashCore,
    LashSession,
    PluginBinding,
    RuntimeHostConfig,
    SessionConfigPatch,
)
from lash_nb.effects import SqliteEffectHost
from lash_nb.errors import CallerError, EmbedError, PluginError, SessionError
from lash_nb.plugins import PluginFactory, StaticPlugin, tool
from lash_nb.providers import ScriptedProvider, call
from lash_nb.stores import InMemoryProcessRegistry, SqliteHostEventStore
from lash_nb.wire import (
    HostEventOccurrenceRequest,
    ModelLimits,
    ModelSpec,
    PromptContribution,
    ProtocolTurnOptions,
    RuntimeOperationScope,
    TurnInput,
    stable_hash,
)
from tests.runtime.desk import answers, builder, open_session


class Pokes:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def poke_session(self, session_id: str, reason: str) -> None:
        """Remember."""
        self.told.append((session_id, reason))


class Notes(PluginBinding[bool]):
    """A plugin that wants something of every turn, if its settings say so."""

    id = "notes"

    @classmethod
    def factory(cls, config: bool) -> PluginFactory:  # noqa: ARG003 - the settings say nothing about the plugin itself
        """Return a plugin that shows what the turn gives it."""

        def contribute(context: Any) -> list[PromptContribution]:
            return [PromptContribution(slot="guidance", content=str(context.plugin_inputs.get(cls.id)))]

        return StaticPlugin(cls.id, lambda registrar: registrar.add_prompt_contributor(contribute))

    @classmethod
    def requires_turn_input(cls, config: bool) -> bool:
        """Whatever the settings say."""
        return config


async def test_who_runs_queued_turns_is_told_of_input_and_commands() -> None:
    """With the session and the reason; a session without a store queues nothing and tells nobody."""
    pokes = Pokes()
    session = await builder(answers()).queued_work_poke(pokes).build().session("demo").open()
    await session.queue("later")
    await session.control.injection.inject_turn_input("now")
    await session.commands.refresh_tool_surface(reason="new tools")
    assert pokes.told == [
        ("demo", "queued_turn_input"),
        ("demo", "queued_turn_input"),
        ("demo", "session_command"),
    ]


async def test_a_turn_gives_plugins_what_they_ask_for() -> None:
    """A missing one is named before anything happens; by the binding or by its id it is given to one turn."""
    core = builder(answers()).build()
    made = core.session("demo").plugin(Notes, config=True)
    session = await made.open()
    with pytest.raises(EmbedError, match="plugin_input\\('notes', …\\)") as error:
        await session.turn("hi")
    assert (error.value.variant, error.value.fields) == ("MissingPluginTurnInput", {"plugin_id": "notes"})
    assert session.turn_index == 0

    kept = await _without_store().session("kept").plugin(Notes, config=True).open()
    assert (await kept.turn("hi").plugin_input(Notes, {"a": 1})).reply == "ok 1"
    assert (await kept.turn("hi").plugin_input("notes", 2)).reply == "ok 2"
    optional = await core.session("other").plugin(Notes, config=False).open()
    assert await optional.turn("hi")


def _without_store() -> Any:
    return LashCore(replace(builder(answers()).build().parts, store_factory=None))


async def test_turns_that_nobody_started_as_tasks_are_cancelled_too() -> None:
    """All that run through the handle, however they were begun; not those of another handle; afterwards there are none."""
    going = asyncio.Event()

    @tool
    async def wait() -> str:
        """Wait for ever."""
        going.set()
        await asyncio.sleep(3600)
        return "never"

    session = await builder([call("wait", {}, id="c1")], wait).build().session("demo").open()
    turn = asyncio.ensure_future(session.turn("go").run())
    await asyncio.wait_for(going.wait(), 5)
    assert session.cancel_running_turns() == 1
    assert (await asyncio.wait_for(turn, 5)).outcome.stopped == "cancelled"
    assert session.cancel_running_turns() == 0


async def test_a_turn_says_how_it_may_end_over_what_was_said_before() -> None:
    """Key by key over the options that the turn has."""
    session = await open_session(answers())
    before = ProtocolTurnOptions(payload={"mine": 1})
    made = session.turn(TurnInput.text("hi")).protocol_turn_options(before)
    assert made.require_submit().turn_options.payload == {
        "mine": 1,
        "termination": {"kind": "submit_required", "schema": None},
    }
    schema = {"type": "object"}
    assert made.require_submit_schema(schema).turn_options.payload["termination"]["schema"] == schema
    assert made.allow_prose_or_submit().turn_options.payload["termination"] == {"kind": "prose_or_submit"}


async def test_a_turn_has_all_five_operations_on_its_prompt() -> None:
    """Adding, replacing and clearing a slot, in this turn only."""
    asked: list[str] = []

    def model(request: Any) -> Any:
        asked.append(str(request.messages[0]))
        return answers()(request)

    session = await open_session(model)
    piece = PromptContribution(slot="guidance", content="one more word")
    await session.turn("a").prompt_contribution(piece)
    await session.turn("b").prompt_contribution(piece).clear_prompt_slot("guidance")
    await session.turn("c").replace_prompt_slot("guidance", [piece])
    await session.turn("d")
    assert ["one more word" in prompt for prompt in asked] == [True, False, True, False]


Ask = Callable[[LashSession], Awaitable[Any]]
NEEDS_WORKERS: dict[str, Ask] = {
    "start": lambda session: session.process_control.start("p"),
    "cancel": lambda session: session.process_control.cancel("p"),
    "cancel ability of a host": lambda _: RuntimeHostConfig.in_memory().process_cancel_ability.cancel("p"),
    "list": lambda session: session.process_control.list(),
    "observed handles": lambda session: session.observe().list_process_handles(),
    "all observed handles": lambda session: session.observe().list_all_process_handles(),
    "list_all": lambda session: session.process_control.list_all(),
    "cancel_all": lambda session: session.process_control.cancel_all(),
    "triggers": lambda session: session.triggers.list_all(),
    "triggers by type": lambda session: session.triggers.by_source_type("clock"),
    "child": lambda session: session.control.children.create_session("c"),
    "close child": lambda session: session.control.children.close_session("c"),
    "activate child": lambda session: session.control.children.activate_managed_session("c"),
    "child turn": lambda session: session.control.children.start_turn("c", "t", "hi"),
}


@pytest.mark.parametrize("ask", NEEDS_WORKERS.values(), ids=list(NEEDS_WORKERS))
async def test_what_needs_somebody_who_runs_processes_says_so(ask: Ask) -> None:
    """With what was asked for and what to do instead; the session stays usable."""
    core = builder(answers()).process_registry(InMemoryProcessRegistry()).build()
    session = await core.session("demo").open()
    with pytest.raises(PluginError, match=r"is unavailable in this runtime: .*; do the work in a tool") as error:
        await ask(session)
    assert error.value.kind == "session"
    assert (await session.turn("hi")).reply == "ok 1"


NOON = HostEventOccurrenceRequest(source_type="clock", source_key="noon", payload={"hour": 12}, idempotency_key="n-1")


async def test_a_host_event_that_nobody_waits_for_is_kept_once() -> None:
    """The same key is the same occurrence; it touches no session; who listens cannot be asked yet."""
    core = builder(answers()).build()
    session = await core.session("demo").open()
    first, again = await core.host_events().emit(NOON), await core.host_events().emit(NOON)
    assert first == again
    assert first.occurrence_id == "host_event:" + stable_hash(("clock", "noon", "n-1"))
    assert (first.started_process_ids, len(session.graph.nodes), await session.queued_work()) == ((), 0, ())
    with pytest.raises(PluginError, match="listing trigger subscriptions is unavailable"):
        await core.host_events().subscriptions()


async def test_a_host_event_that_somebody_waits_for_says_that_nothing_runs_it(tmp_path: Path) -> None:
    """A trigger that another program registered is not passed over in silence."""
    store = SqliteHostEventStore(tmp_path / "events.db")
    await store.open()
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute(
            "INSERT INTO host_event_trigger_subscriptions VALUES ('s', 'a', 'trigger:1', 'clock', 'noon', 1, 0, 0, '{}')"
        )
    core = LashCore.standard().stored_in(tmp_path).model("m").host_event_store(store).build()
    with pytest.raises(PluginError, match="starting what waits for host event 'clock' is unavailable"):
        await core.host_events().emit(NOON)
    other = replace_key(NOON, source_key="midnight")
    assert (await core.host_events().emit(other)).started_process_ids == ()
    store.release()


def replace_key(request: HostEventOccurrenceRequest, *, source_key: str) -> HostEventOccurrenceRequest:
    """The request about another source, under a key of its own."""
    return msgspec.structs.replace(request, source_key=source_key, idempotency_key=source_key)


async def test_a_host_that_records_wants_a_scope_for_host_events(tmp_path: Path) -> None:
    """As for a deletion."""
    host = SqliteEffectHost(tmp_path / "effects.db")
    core = LashCore.standard().stored_in(tmp_path).effect_host(host).model("m").build()
    with pytest.raises(EmbedError) as error:
        await core.host_events().emit(NOON)
    assert (error.value.variant, error.value.fields) == (
        "DurableEffectHostRequiresHandlerContext",
        {"operation": "host event"},
    )
    scope = core.effect_host().scoped(RuntimeOperationScope(operation_id="noon"))
    assert (await core.host_events().emit(NOON, scope)).occurrence_id


async def test_without_a_registry_there_are_no_processes() -> None:
    """To list, to cancel or to wait for."""
    session = await open_session(answers())
    processes = session.process_control
    assert (await processes.list(), await processes.list_all(), await processes.cancel_all()) == ((), (), ())
    observed = session.observe()
    assert (await observed.list_process_handles(), await observed.list_all_process_handles()) == ((), ())
    await processes.await_all()
    assert session.effect_host().durability_tier == "inline"


async def test_a_session_without_programs_has_none_to_snapshot() -> None:
    """It says so by the reference's variant."""
    state = (await open_session(answers())).control.state
    for ask in (state.snapshot_execution(), state.restore_execution(b"")):
        with pytest.raises(SessionError, match="runs no programs") as error:
            await ask
        assert error.value.variant == "CodeExecutionUnavailable"


async def test_configuration_is_set_by_its_parts_too() -> None:
    """What is not given stays."""
    session = await open_session(answers())
    model = ModelSpec(id="other", limits=ModelLimits(context_window_tokens=9_000))
    await session.control.config.update_session_config(model=model)
    policy = session.policy_snapshot()
    assert (policy.model, policy.provider_id) == (model, "scripted")


async def test_a_stream_is_read_one_by_one_until_there_is_no_more() -> None:
    """The same activities as the turn's, then None for ever."""
    session = await open_session(answers())
    stream = session.turn("hi").stream()
    read = []
    while (activity := await stream.next_activity()) is not None:
        read.append(activity)
    assert tuple(read) == (await stream.result()).activities
    assert await stream.next_activity() is None


@pytest.mark.parametrize("given", ["openai", 7, ScriptedProvider])
async def test_what_is_no_provider_is_refused_where_it_is_given(given: Any) -> None:
    """To a core, a session, a turn, or while a session is open: with what it is, and what to give."""
    session = await open_session(answers())
    places = (
        lambda: LashCore.standard().provider(given),
        lambda: builder(answers()).build().session("s").provider(given),
        lambda: session.turn("hi").provider(given),
    )
    for place in places:
        with pytest.raises(CallerError, match="is no provider; give an object such as OpenAiProvider"):
            place()
    with pytest.raises(CallerError, match="is no provider") as error:
        await session.configure(SessionConfigPatch(provider=given))
    assert error.value.code == "provider"


async def test_a_model_may_be_named_wherever_it_is_given() -> None:
    """By its id alone, with the limits that are known of it; what is no model is refused there."""
    core = builder(answers()).build()
    session = await core.session("s").model("gpt-4o").open()
    assert session.policy_snapshot().model.limits.context_window_tokens == 128_000
    await session.turn("hi").model("gpt-5-mini")
    await session.configure(SessionConfigPatch(model="of mine"))
    assert session.policy_snapshot().model.limits.context_window_tokens == DEFAULT_CONTEXT_WINDOW
    for wrong in ("", 7):
        with pytest.raises(CallerError, match="is no model; give its id") as error:
            session.turn("hi").model(wrong)  # type: ignore[arg-type]  # what a person may write
        assert error.value.code == "model"
