"""What is shown of an effect cannot be changed in place: neither what is performed nor what is told of it would be right."""

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from msgspec.structs import replace

from lash_nb.clock import ManualClock
from lash_nb.effects import InlineEffectHost, JournalEffectHost, LocalExecutor, StepEffectHost
from lash_nb.errors import CallerError
from lash_nb.wire import (
    DurabilityTier,
    EffectEntry,
    EffectScope,
    Json,
    LlmToolSpec,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    ToolOutcome,
    ToolSuccess,
    to_json,
)
from tests.effects.material import SCOPE, World, called, model_call, tool_call

Decide: TypeAlias = Callable[[RuntimeEffectEnvelope], RuntimeEffectEnvelope | None]
"""Returns what is performed in its place, if anything is."""


class Desk:
    """A journal and a stepper around a world that writes down what it is asked."""

    def __init__(self) -> None:
        clock = ManualClock()
        self.journal = JournalEffectHost(InlineEffectHost(), clock)
        self.host = StepEffectHost(self.journal, clock)
        self.world = World()

    async def performed(self, envelope: RuntimeEffectEnvelope) -> EffectEntry:
        """Perform an envelope and return what the journal tells of it."""
        await self.host.scoped(SCOPE).execute_effect(envelope, self.world)
        return self.journal.entries[-1]

    async def stepped(self, envelope: RuntimeEffectEnvelope, decided: "Decide | ToolOutcome") -> EffectEntry:
        """Perform an envelope as decided of what is shown of it, or give it an outcome."""
        control = self.host.control

        def decide() -> None:
            if control.pending is None:
                return
            if isinstance(decided, ToolOutcome):
                control.inject(decided)
            else:
                control.perform(decided(control.pending.envelope))

        control.subscribe(decide)
        control.arm()
        return await self.performed(envelope)


def args_of(envelope: RuntimeEffectEnvelope) -> Json:
    """The arguments of a tool call."""
    return envelope.command.call.args  # type: ignore[union-attr]  # of a tool call


def with_args(envelope: RuntimeEffectEnvelope, args: Json) -> RuntimeEffectEnvelope:
    """The envelope with other arguments, as docs/stepping.md says it."""
    command: Any = envelope.command
    return replace(envelope, command=replace(command, call=replace(command.call, args=args)))


def nested() -> RuntimeEffectEnvelope:
    """A call with dicts and lists in its arguments."""
    return tool_call(city="Oslo", days=[1, {"night": True}])


CHANGES: dict[str, Callable[[Any], Any]] = {
    "set": lambda args: args.__setitem__("city", "Rome"),
    "del": lambda args: args.__delitem__("city"),
    "update": lambda args: args.update(city="Rome"),
    "|=": lambda args: args.__ior__({"city": "Rome"}),
    "clear": lambda args: args.clear(),
    "pop": lambda args: args.pop("city"),
    "popitem": lambda args: args.popitem(),
    "setdefault": lambda args: args.setdefault("land", "Norway"),
    "list set": lambda args: args["days"].__setitem__(0, 2),
    "list del": lambda args: args["days"].__delitem__(0),
    "+=": lambda args: args["days"].__iadd__([2]),
    "*=": lambda args: args["days"].__imul__(2),
    "append": lambda args: args["days"].append(2),
    "list clear": lambda args: args["days"].clear(),
    "extend": lambda args: args["days"].extend([2]),
    "insert": lambda args: args["days"].insert(0, 2),
    "list pop": lambda args: args["days"].pop(),
    "remove": lambda args: args["days"].remove(1),
    "reverse": lambda args: args["days"].reverse(),
    "sort": lambda args: args["days"].sort(key=str),
    "deep": lambda args: args["days"][1].update(night=False),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_what_waits_cannot_be_changed_in_place(change: Callable[[Any], Any]) -> None:
    """The error says how it is edited, and what was asked for is performed."""
    refused: list[CallerError] = []

    def decide(envelope: RuntimeEffectEnvelope) -> None:
        with pytest.raises(
            CallerError, match=r"stepper\.step\(msgspec\.structs\.replace\(envelope, command=…\)\)"
        ) as error:
            change(args_of(envelope))
        refused.append(error.value)

    desk = Desk()
    entry = await desk.stepped(nested(), decide)

    assert [error.code for error in refused] == ["effect_in_place"]
    assert desk.world.asked == [nested()]
    assert (entry.envelope, entry.origin) == (nested(), "executed")


async def test_what_is_performed_is_plain() -> None:
    """A tool may change the dicts and lists that it is given, stepped through or not, edited or not."""
    desk = Desk()
    await desk.performed(nested())
    await desk.stepped(nested(), lambda envelope: with_args(envelope, {**args_of(envelope), "city": "Rome"}))

    for asked, city in zip(desk.world.asked, ("Oslo", "Rome"), strict=True):
        args = args_of(asked)
        assert args == {"city": city, "days": [1, {"night": True}]}
        assert [type(args), type(args["days"]), type(args["days"][1])] == [dict, list, dict]


async def test_an_unstepped_effect_is_performed_as_it_was_made() -> None:
    """Nothing of it is copied."""
    desk, envelope = Desk(), nested()
    await desk.performed(envelope)

    assert desk.world.asked[0] is envelope


async def test_who_gave_an_edit_may_change_it_later() -> None:
    """What was performed and what is told of it stay as they were when it was given."""
    desk, mine = Desk(), {"days": [1]}
    entry = await desk.stepped(nested(), lambda envelope: with_args(envelope, mine))
    mine["days"].append(2)

    assert (args_of(desk.world.asked[0]), args_of(entry.envelope)) == ({"days": [1]}, {"days": [1]})


class Repeating:
    """A host of a user's own, which repeats what a journal shows: it performs that envelope, or gives that outcome."""

    durability_tier: DurabilityTier = "inline"

    def __init__(self, shown: RuntimeEffectEnvelope | RuntimeEffectOutcome) -> None:
        self.shown = shown
        self._inner = InlineEffectHost()

    def scoped(self, scope: EffectScope) -> Any:
        """Return what performs the effects of a scope."""
        self.scope, self.recall = scope, self._inner.scoped(scope).recall
        return self

    async def execute_effect(self, envelope: RuntimeEffectEnvelope, local: LocalExecutor) -> RuntimeEffectOutcome:
        """Repeat."""
        if isinstance(self.shown, RuntimeEffectEnvelope):
            return await self._inner.scoped(self.scope).execute_effect(
                replace(envelope, command=self.shown.command), local
            )
        return self.shown


async def repeated(shown: RuntimeEffectEnvelope | RuntimeEffectOutcome | None) -> tuple[World, RuntimeEffectOutcome]:
    """Perform a call at a host that repeats; return who was asked, and what came of it."""
    assert shown is not None
    world, journal = World(), JournalEffectHost(Repeating(shown), ManualClock())
    return world, await journal.scoped(SCOPE).execute_effect(nested(), world)


async def test_a_host_may_answer_with_what_is_shown() -> None:
    """A turn gets a plain outcome, which its tools and hooks may change; what was shown stays as it was."""
    entry = await Desk().performed(nested())
    _, outcome = await repeated(entry.outcome)

    value: Any = outcome.result.output.outcome.payload.value  # type: ignore[union-attr]  # of a tool call
    value["days"][1]["night"] = False
    assert value_of(entry) == args_of(nested())


async def test_a_host_may_perform_what_is_shown() -> None:
    """So is what a tool is given."""
    entry = await Desk().performed(nested())
    world, _ = await repeated(entry.envelope)

    args_of(world.asked[0])["days"][1]["night"] = False
    assert args_of(entry.envelope) == args_of(nested())


async def test_a_host_that_performs_what_it_is_given_copies_nothing() -> None:
    """Neither the envelope nor the outcome: the way of other hosts costs no more than it has to."""
    envelope, given = nested(), called()
    journal = JournalEffectHost(StepEffectHost(InlineEffectHost()), ManualClock())

    async def give(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        return given

    world = World(give)
    assert await journal.scoped(SCOPE).execute_effect(envelope, world) is given
    assert world.asked[0] is envelope


async def test_who_gave_an_outcome_may_change_it_later() -> None:
    """So does an outcome that was injected."""
    desk, mine = Desk(), {"rain": [1]}
    entry = await desk.stepped(tool_call(), called(value=mine))
    mine["rain"].append(2)

    assert value_of(entry) == {"rain": [1]}


def value_of(entry: EffectEntry) -> Json:
    """What the tool gave."""
    outcome = entry.outcome
    assert isinstance(outcome, ToolOutcome)
    assert isinstance(outcome.result.output.outcome, ToolSuccess)
    return outcome.result.output.outcome.payload.value


async def test_what_passed_cannot_be_changed_in_place() -> None:
    """The journal tells what was performed and what it gave."""
    entry = await Desk().performed(nested())

    for shown in (args_of(entry.envelope), value_of(entry)):
        with pytest.raises(CallerError) as error:
            shown["days"].append(2)
        assert error.value.code == "effect_in_place"


async def test_the_tools_that_a_model_is_offered_cannot_be_changed_in_place() -> None:
    """They are those of the whole session; however many calls show them, they are in memory once more."""
    desk = Desk()
    spec = LlmToolSpec(
        name="weather",
        description="",
        input_schema={"type": "object"},
        output_schema={},
        input_schema_projections=(),
        output_schema_projections=(),
    )
    command: Any = model_call().command
    offering = replace(model_call(), command=replace(command, request=replace(command.request, tools=(spec,))))
    entries = [await desk.performed(offering), await desk.performed(offering)]

    shown: list[Any] = [entry.envelope.command.request.tools for entry in entries]  # type: ignore[union-attr]  # of a model call
    assert shown[0] is shown[1]
    assert shown[0] == (spec,)
    with pytest.raises(CallerError):
        shown[0][0].input_schema["type"] = "array"


async def test_what_holds_nothing_that_can_be_changed_is_not_copied() -> None:
    """A model call without tools is shown as it is."""
    envelope = model_call()
    assert (await Desk().performed(envelope)).envelope is envelope


async def test_what_is_shown_is_read_as_a_plain_value() -> None:
    """It is equal, written alike, and its copies are plain: they can be changed."""
    args, plain = args_of((await Desk().performed(nested())).envelope), args_of(nested())

    assert args == plain
    assert repr(args) == repr(plain)
    assert to_json(args) == to_json(plain)
    assert json.dumps(args) == json.dumps(plain)
    for made in (copy.deepcopy(args), pickle.loads(pickle.dumps(args))):  # noqa: S301 - our own bytes
        made["days"][1]["night"] = False
        made["days"].append(2)
        assert type(made) is dict
    assert [type(copied) for copied in (copy.copy(args), args.copy(), args | {}, {**args})] == [dict] * 4
    assert args == plain


async def test_arguments_may_be_nested_as_deep_as_json_may() -> None:
    """Deeper than calls of functions may be."""
    deep: Json = {}
    for _ in range(450):
        deep = {"in": [deep]}
    entry = await Desk().stepped(tool_call(deep=deep), lambda _: None)
    assert to_json(args_of(entry.envelope)) == to_json({"deep": deep})


async def test_an_edit_that_holds_itself_does_not_hang() -> None:
    """It is refused or performed as any other; here the world answers with it."""
    ring: dict[str, Any] = {"city": "Rome"}
    ring["self"] = ring
    desk = Desk()
    await desk.stepped(tool_call(), lambda envelope: with_args(envelope, ring))
    assert args_of(desk.world.asked[0])["self"]["self"]["city"] == "Rome"
