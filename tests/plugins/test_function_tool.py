"""A tool from a plain typed function."""

import asyncio
import dataclasses
import datetime
import enum
import json
import math
import threading
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, cast

import pytest
from msgspec import Struct
from pydantic import BaseModel, Field, field_serializer, model_validator

from lash_nb.clock import SystemClock
from lash_nb.errors import CallerError
from lash_nb.machine import PendingToolCall
from lash_nb.plugins import (
    PLUGINS_SOURCE,
    FunctionTool,
    FunctionToolProvider,
    ToolContext,
    ToolDispatcher,
    ToolPrepareContext,
    ToolRegistry,
    ToolSurface,
    tool,
    tool_cancelled,
)
from lash_nb.wire import (
    AttachmentRef,
    CompletedToolCall,
    MediaType,
    PreparedToolCall,
    SafeRetryPolicy,
    ToolCallOutput,
    ToolCancelled,
    ToolFailed,
    ToolSuccess,
    ToolValue,
)
from tests.work import lines_run

REF = AttachmentRef(id="a" * 64, media_type=MediaType(type="png"), byte_len=1)


class Unit(enum.Enum):
    """Units."""

    C = "c"
    F = "f"


class Place(BaseModel):
    """A place on earth."""

    lat: float
    lon: float = Field(default=0, description="East is positive.")


@dataclasses.dataclass
class Forecast:
    """What a tool may return."""

    day: datetime.date
    picture: AttachmentRef | None = None


class Deferred(Struct):
    """What has a field that is no JSON."""

    call: Callable[..., Any]


async def outcome_of(function: FunctionTool[..., Any] | Callable[..., Any], **args: Any) -> CompletedToolCall:
    """What a model's call of the function comes to, the whole way."""
    provider = FunctionToolProvider([function])
    registry = ToolRegistry()
    registry.upsert_source(PLUGINS_SOURCE, [provider])
    dispatcher = ToolDispatcher(ToolSurface(registry), registry, clock=SystemClock())
    name = provider.tool_manifests()[0].name
    ready = await dispatcher.prepare(
        PendingToolCall(call_id="c1", tool_name=name, args=args), ToolPrepareContext(session_id="s", call_id="c1")
    )
    if not isinstance(ready, PreparedToolCall):
        return ready
    return await dispatcher.execute(ready, ToolContext.of_call(ready, session_id="s", agent_frame_id="f"))


async def value_of(function: Callable[..., Any], **args: Any) -> Any:
    """The value of a call that succeeds."""
    outcome = (await outcome_of(function, **args)).output.outcome
    assert isinstance(outcome, ToolSuccess), outcome
    return outcome.payload.value


async def message_of(function: Callable[..., Any], **args: Any) -> str:
    """The message of a call that fails."""
    outcome = (await outcome_of(function, **args)).output.outcome
    assert isinstance(outcome, ToolFailed), outcome
    return outcome.payload.message


def test_the_definition_comes_from_signature_and_docstring() -> None:
    """Types make the schemas, the docstring makes the texts, and the function stays callable."""

    @tool
    def weather(city: str, days: int = 1) -> dict[str, float]:
        """The weather of a city.

        Args:
            city: Its name.
            days: How many.
        """
        return {city: days}

    declared = weather.definition

    assert (declared.id, declared.name, declared.description) == (
        "tool:weather",
        "weather",
        "The weather of a city.",
    )
    assert declared.input_schema == {
        "additionalProperties": False,
        "properties": {
            "city": {"description": "Its name.", "type": "string"},
            "days": {"default": 1, "description": "How many.", "type": "integer"},
        },
        "required": ["city"],
        "type": "object",
    }
    assert declared.output_schema == {"additionalProperties": {"type": "number"}, "type": "object"}
    assert weather("Oslo", days=3) == {"Oslo": 3}
    assert repr(weather) == "FunctionTool(await tools.weather({ city: str, days?: int = 1 })? -> record)"


def test_a_decorator_may_say_more() -> None:
    """Name, description, availability, scheduling, retries and examples can be given."""
    policy = SafeRetryPolicy(max_attempts=2, base_delay_ms=1, max_delay_ms=0)

    @tool(
        name="look",
        description="Looks.",
        availability="callable",
        scheduling="serial",
        retry_policy=policy,
        examples=["x"],
    )
    def find(q: str) -> str:
        """Not shown."""
        return q

    declared = find.definition

    assert (declared.name, declared.description, declared.availability.base) == ("look", "Looks.", "callable")
    assert (declared.scheduling, declared.retry_policy, declared.examples) == ("serial", policy, ("x",))


def append_any(rows: Any) -> None:
    """Change what it gets."""
    rows.append("mine")


def append_within(rows: dict[str, Any]) -> None:
    """Change what it gets."""
    rows["a"].append("mine")


def append_bare(rows: list) -> None:  # type: ignore[type-arg]  # a person may leave them out
    """Change what it gets."""
    rows[0].append("mine")


def append_maybe(rows: int | list[Annotated[Any, Field(description="Anything.")]]) -> None:
    """Change what it gets."""
    append_bare(cast("list[Any]", rows))


class Renamed(BaseModel):
    """A form whose validator changes what it looks at."""

    mine: int

    @model_validator(mode="before")
    @classmethod
    def take_the_old_name(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Take what earlier forms called otherwise."""
        given["mine"] = given.pop("old")
        return given


def take_form(rows: Renamed) -> None:
    """Change nothing itself."""


@pytest.mark.parametrize(
    ("function", "rows"),
    [
        (append_any, [1]),
        (append_within, {"a": [1]}),
        (append_bare, [[1]]),
        (append_maybe, [[1]]),
        (take_form, {"old": 1}),
    ],
)
async def test_a_tool_cannot_change_what_it_was_asked(function: Callable[..., Any], rows: Any) -> None:
    """The journal and every card tell the arguments of the model, whatever the function does with its own."""
    done = await outcome_of(function, rows=rows)

    assert isinstance(done.output.outcome, ToolSuccess)
    assert "mine" not in str(rows)
    assert "mine" not in str(done.args)


def test_names_of_parameters_are_free() -> None:
    """Names that mean something to pydantic, or begin with an underscore, are names like others."""

    @tool
    def odd(schema: str, model_config: int, _private: bool, json: str = "") -> None:
        """Odd names."""

    assert list(odd.definition.input_schema["properties"]) == ["schema", "model_config", "_private", "json"]


def test_a_name_that_agent_code_cannot_write_gets_an_operation() -> None:
    """`getWeather` is called `get_weather` by agent code; the model keeps the name."""

    @tool(name="getWeather")
    def weather(city: str) -> str:
        """The weather."""
        return city

    assert weather.definition.agent_surface.operation == "get_weather"


def untyped(x):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - the fault under test
    """No hint."""
    return x


def starred(*numbers: int) -> int:
    """No name."""
    return sum(numbers)


def opaque(lock: threading.Lock) -> None:
    """No schema."""


def boundless(x: Annotated[int, Field(ge=-(2**70))]) -> None:
    """A limit beyond 64 bits."""


def unresolved(x: "Nowhere") -> None:  # type: ignore[name-defined]  # noqa: F821 - the fault under test
    """No such type."""


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (untyped, "tool untyped: parameter x has no type hint; write untyped(x: str)"),
        (starred, "tool starred: *numbers: int cannot be filled by a model; use parameters with names and types"),
        (opaque, "tool opaque: a parameter has a type without a JSON Schema"),
        (boundless, "tool boundless: a parameter has a type without a JSON Schema (dict cannot be written as JSON"),
        (unresolved, "tool unresolved: a type hint cannot be resolved (name 'Nowhere' is not defined)"),
        (lambda: 1, "'<lambda>' is no tool name; give one of letters, digits and _: @tool(name='…')"),
    ],
)
def test_a_function_that_cannot_be_a_tool_says_why(function: Callable[..., Any], message: str) -> None:
    """The error comes where the function is written, names it, and tells what to write."""
    with pytest.raises(CallerError) as caught:
        tool(function)

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_two_tools_cannot_have_one_name() -> None:
    """A provider refuses a name given twice."""
    with pytest.raises(CallerError, match="two tools are named starred; rename one"):
        FunctionToolProvider([tool(name="starred")(opaque_free), tool(name="starred")(opaque_free)])


def opaque_free(x: int) -> int:
    """Any tool."""
    return x


async def test_arguments_arrive_with_their_types() -> None:
    """Enums, models and dates are made of JSON before the function runs."""

    def typed(unit: Unit, place: Place, days: list[datetime.date]) -> list[Any]:
        """Types."""
        return [unit is Unit.F, place.lat, place.lon, days[0].year]

    assert await value_of(typed, unit="f", place={"lat": 1.5}, days=["2026-02-03"]) == [True, 1.5, 0, 2026]


async def test_an_argument_left_out_takes_the_default() -> None:
    """The function's own default counts, also one that no schema can show."""
    missing = object()

    def lenient(x: Annotated[Any, "anything"] = missing, y: int = 2) -> list[bool | int]:
        """Defaults."""
        return [x is missing, y]

    assert await value_of(lenient) == [True, 2]
    assert tool(lenient).definition.input_schema.get("required") is None


async def test_an_argument_of_the_wrong_form_is_the_models_fault() -> None:
    """What the shallow check lets through is caught by the types, with place and reason."""

    def typed(place: Place, n: Annotated[int, Field(multiple_of=5)] = 5) -> None:
        """Types."""

    assert await message_of(typed, place={"lon": 1}) == "place.lat: Field required, got {'lon': 1}"
    assert await message_of(typed, place={"lat": 1}, n=3) == "n: Input should be a multiple of 5, got 3"


async def test_a_context_is_given_and_not_shown() -> None:
    """A parameter of type ToolContext is filled by the runtime and is not in the schema."""

    def where(city: str, call: ToolContext) -> str:
        """Where."""
        return f"{city} in {call.session_id}, {call.replay_key}"

    assert list(tool(where).definition.input_schema["properties"]) == ["city"]
    assert await value_of(where, city="Oslo") == "Oslo in s, lash-tool:s:c1:where"


async def test_a_plain_function_runs_beside_the_loop() -> None:
    """A function that blocks does so in a thread, an async one on the loop."""

    def plain() -> bool:
        """Plain."""
        return threading.current_thread() is threading.main_thread()

    async def on_loop() -> bool:
        """On the loop."""
        return threading.current_thread() is threading.main_thread()

    assert (await value_of(plain), await value_of(on_loop)) == (False, True)


@pytest.mark.parametrize(
    ("returned", "value"),
    [
        ("text", "text"),
        ((1, [None, True]), [1, [None, True]]),
        ({"b": 1.5, 3: "x"}, {"b": 1.5, "3": "x"}),
        (Forecast(datetime.date(2026, 2, 3), REF), {"day": "2026-02-03", "picture": REF}),
        (Place(lat=1), {"lat": 1.0, "lon": 0}),
        (
            [0.00012345678901234567, 2**64 - 1, -(2**63), "9" * 20],
            [0.00012345678901234567, 2**64 - 1, -(2**63), "9" * 20],
        ),
        ({"at": datetime.datetime(2026, 2, 3, tzinfo=datetime.UTC)}, {"at": "2026-02-03T00:00:00Z"}),
        ([Counter("aab"), True, 1], [{"a": 2, "b": 1}, True, 1]),
        ({Unit.C: Unit.F}, None),
        ({"b", "a"}, ["a", "b"]),
        (ToolValue({"a": REF}), {"a": REF}),
        (REF, REF),
    ],
)
async def test_results_become_json(returned: Any, value: Any) -> None:
    """Plain values, models, dataclasses and attachments make a result; a key that is no text does not."""

    def give() -> Any:
        """Give."""
        return returned

    if value is None:
        assert "use text keys" in await message_of(give)
    else:
        assert await value_of(give) == value


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ([{1: "a", "1": "b"}], "tool give: result[0] has two keys that are both '1' as text; use text keys"),
        (threading.Lock(), "tool give: result is of type lock, which is not JSON; return a dict, list, text or number"),
        (
            [Deferred(print)],
            "tool give: result[0] is of type Deferred, which is not JSON: objects of type builtin_function_or_method are not",
        ),
        (
            [b"x"],
            "tool give: result[0] is bytes and no picture that can be stored (PNG, JPEG, GIF, WebP or BMP); return",
        ),
        ({"a": float("nan")}, "tool give: result['a'] is nan, which JSON cannot carry; return None or a text instead"),
        ([1, 2**64], "tool give: result[1] is an integer of more than 64 bits, which JSON readers round"),
        ({"a": "\ud800"}, "tool give: ToolValue cannot be written as JSON: str with half of a surrogate pair"),
    ],
)
async def test_a_result_that_is_no_json_says_what_to_return(returned: Any, message: str) -> None:
    """The failure names the tool, the place, the type, and what to return instead."""

    def give() -> Any:
        """Give."""
        return returned

    assert (await message_of(give)).startswith(message)


async def test_a_result_that_contains_itself_is_a_failure() -> None:
    """A cycle ends, with a message."""
    knot: list[Any] = []
    knot.append(knot)

    def give() -> Any:
        """Give."""
        return knot

    assert "nested too deeply or contains itself" in await message_of(give)


@pytest.mark.parametrize("levels", [122, 500])
async def test_a_result_that_nests_too_deep_is_a_failure(levels: int) -> None:
    """What nobody reads again is not taken, whether it holds itself or not."""
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]

    def give() -> Any:
        """Give."""
        return {"brackets": "[{" * 100, "nested": nested}

    assert "nested too deeply" in await message_of(give)


@dataclasses.dataclass
class City:
    """A city is known by its id, and knows nothing of what is no city."""

    id: int
    name: str

    def __eq__(self, other: object) -> bool:
        return self.id == cast("City", other).id

    def __hash__(self) -> int:
        return hash(self.id)


@dataclasses.dataclass
class Agreeing:
    """Equal to everything."""

    content: bytes

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


@pytest.mark.parametrize("held", [lambda one: one, lambda one: [one], lambda one: {"rows": (one,)}])
async def test_a_result_is_not_asked_whether_it_is_equal(held: Callable[[Any], Any]) -> None:
    """What a class says of equality is for whoever wrote it: a result becomes what its fields say."""

    def give() -> Any:
        """Give."""
        return held(City(1, "Oslo"))

    assert await value_of(give) == json.loads(json.dumps(held({"id": 1, "name": "Oslo"})))


async def test_bytes_are_refused_whatever_their_holder_is_equal_to() -> None:
    """A holder that calls itself equal to anything does not get its bytes to the model as text."""

    def give() -> Any:
        """Give."""
        return Agreeing(b"x")

    assert (await message_of(give)).startswith("tool give: result['content'] is bytes")


class Unlisted(dict[str, Any]):
    """A dict that fails when somebody asks for what it holds."""

    def items(self) -> Any:
        """Fail."""
        message = "no items"
        raise LookupError(message)


class Endless(set[int]):
    """A set that nobody can walk through."""

    def __iter__(self) -> Any:
        message = "no end"
        raise LookupError(message)


class Unwritten(BaseModel):
    """A model that cannot be written."""

    days: int = 1

    @field_serializer("days")
    def write(self, _days: int) -> str:
        """Fail."""
        message = "no unit"
        raise ValueError(message)


@pytest.mark.parametrize("held", [lambda one: one, lambda one: [one], lambda one: {"rows": (one,)}])
@pytest.mark.parametrize(
    ("returned", "said"), [(Unlisted(a=1), "no items"), (Endless({1}), "no end"), (Unwritten(), "no unit")]
)
async def test_a_result_whose_own_code_fails_is_a_failure(returned: Any, said: str, held: Callable[[Any], Any]) -> None:
    """The call fails as any other whose result is no JSON, and the message has what the code said."""

    def give() -> Any:
        """Give."""
        return held(returned)

    outcome = (await outcome_of(give)).output.outcome

    assert isinstance(outcome, ToolFailed)
    assert outcome.payload.code == "tool_result_not_json"
    assert outcome.payload.message.startswith("tool give: ")
    assert said in outcome.payload.message


def test_rows_that_are_tuples_take_no_step_of_their_own() -> None:
    """A result with tuples in it runs as many lines of Python as one with lists, and is equal to it."""
    tuples = [(number, 2.5, "[(", (None, "(")) for number in range(200)]

    def work(rows: list[Any]) -> int:
        def give() -> Any:
            """Give."""
            return rows

        return lines_run(lambda: given.append(asyncio.run(value_of(give))))

    given: list[Any] = []
    lists = json.loads(json.dumps(tuples))
    work(lists)
    assert work(tuples) < work(lists) + len(tuples)
    assert given == [lists] * 3


async def test_a_result_is_what_it_was_when_it_was_given() -> None:
    """A tool may go on changing what it returned: the result stays."""
    counts = {"calls": [1]}

    def give() -> Any:
        """Give."""
        return counts

    given = await value_of(give)
    counts["calls"].append(2)

    assert given == {"calls": [1]}


async def test_a_tool_may_give_a_whole_output() -> None:
    """A function that wants control, or says that it was stopped, returns the output itself."""

    def stop() -> ToolCallOutput:
        """Stop."""
        return tool_cancelled("enough")

    assert isinstance((await outcome_of(stop)).output.outcome, ToolCancelled)


async def test_a_stop_iteration_does_not_hang() -> None:
    """`next()` on an empty iterator is a failure like any other, although a thread cannot hand it on."""

    def first() -> int:
        """First."""
        return next(iter([]))

    assert "StopIteration" in await message_of(first)


async def test_what_is_meant_for_a_coroutine_does_not_come_from_a_thread() -> None:
    """A plain function that raises it has failed; the loop and the turn go on."""

    def stop() -> int:
        """Stop."""
        raise GeneratorExit

    assert "the function raised GeneratorExit" in await message_of(stop)


def interrupted() -> None:
    """Stop."""
    raise KeyboardInterrupt


async def interrupted_on_the_loop() -> None:
    """Stop."""
    interrupted()


async def interrupted_after_a_wait() -> None:
    """Stop."""
    await asyncio.sleep(0)
    interrupted()


@pytest.mark.parametrize("function", [interrupted, interrupted_on_the_loop, interrupted_after_a_wait])
@pytest.mark.parametrize("before", [0, 2])
async def test_an_interrupt_ends_a_tool_alike_wherever_it_runs(function: Callable[[], Any], before: int) -> None:
    """The call was cancelled, not failed; the loop goes on. A plain function may run in either of two kinds of threads."""
    made = tool(function)
    for _ in range(before):
        await outcome_of(made)

    outcome = (await outcome_of(made)).output.outcome

    assert isinstance(outcome, ToolCancelled)
    assert outcome.payload.message == "the tool was interrupted"


def test_a_default_that_json_cannot_carry_is_not_shown() -> None:
    """A parameter whose default is NaN is optional; its schema says nothing of the NaN."""

    @tool
    def graded(limit: float = math.nan) -> None:
        """Grade."""

    assert graded.definition.input_schema["properties"]["limit"] == {"type": "number"}
