"""No secret in any artefact: keys are planted wherever a key may stand, turns end in every way, and all that is left of them is searched."""

import asyncio
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from itertools import count, cycle, product
from pathlib import Path
from typing import Any, Final, NamedTuple

import nbformat
import pytest
from nbclient import NotebookClient
from pydantic import SecretStr

from lash_nb import (
    AnthropicProvider,
    LashCore,
    LashSession,
    OpenAiCompatibleProvider,
    OpenAiProvider,
    TurnResult,
    open_store,
    tool,
)
from lash_nb.clock import CancellationToken, ManualClock
from lash_nb.errors import CallerError, DirectCompletionError, LlmTransportError
from lash_nb.frames import records_df
from lash_nb.providers import DeltaEvent, LlmProvider, LlmStreamEvent, ProviderOptions, ReasoningDeltaStream
from lash_nb.providers._masking import AnswerMask, without_keys
from lash_nb.trace import JsonlTraceSink, read_trace
from lash_nb.views import (
    SessionGraphView,
    TraceExplorerView,
    TraceTimelineView,
    effects_html,
    effects_text,
    trace_report,
    turn_html,
    turn_text,
)
from lash_nb.wire import (
    AssistantProseDelta,
    LlmOutputPart,
    ModelLimits,
    ModelSpec,
    TextPart,
    ToolCallPart,
)
from tests.providers.requests import request, user
from tests.providers.servers import (
    DIALECTS,
    DROP,
    HANG,
    Answer,
    Answers,
    Asked,
    Called,
    Dialect,
    ModelServer,
    Said,
    answered,
)

PROVIDERS: Final[dict[str, Any]] = {
    "openai-compatible": OpenAiCompatibleProvider,
    "openai": OpenAiProvider,
    "anthropic": AnthropicProvider,
}
HELLO: Final = Said(text=("Hel", "lo"))
LOOK: Final = Said(text=("I look.",), calls=(Called("c1", "look", ('{"what": "it"}',)),), reason="tool_use")
QUICK: Final = {"timeouts": {"chunk_timeout": 80}, "retry": {"enabled": False}}
PATIENT: Final = {"retry": {"max_attempts": 2}}
NOBODY: Final = "nobody there"


@tool
def look(what: str) -> str:
    """Look at something.

    Args:
        what: At what.
    """
    return f"seen: {what}"


def echo(asked: Asked) -> str:
    """All that the server got, as a careless one repeats it."""
    return f"bad request {[*asked.headers.values()][::-1]}, that is {json.dumps(dict(asked.headers))}"


def until_lo(dialect: Dialect) -> list[bytes]:
    """The events of `HELLO` up to the one that ends its text."""
    stream = dialect.stream(HELLO)
    return stream[: 1 + next(place for place, event in enumerate(stream) if b'"lo"' in event)]


def refusing(status: int) -> Callable[[Dialect], Answers]:
    """A server that refuses and repeats the request."""
    return lambda dialect: lambda asked: Answer.of_json(dialect.failure(echo(asked), "bad", status), status)


def saying(content_type: str, write: Callable[[str], bytes]) -> Callable[[Dialect], Answers]:
    """A server that answers with what `write` makes of the request."""
    return lambda _: lambda asked: Answer([write(echo(asked))], content_type=content_type)


def busy_then_well(dialect: Dialect) -> Answers:
    """A server that refuses once."""
    refusals = iter([503])

    def answer(asked: Asked) -> Answer:
        status = next(refusals, 200)
        if status == 200:
            return answered(dialect, HELLO)
        return Answer.of_json(dialect.failure(echo(asked), "busy", status), status)

    return answer


def failing_within(dialect: Dialect) -> Answers:
    """A server whose stream ends in a failure that repeats the request."""
    return lambda asked: Answer([*until_lo(dialect), dialect.failure_event(echo(asked), passes=False)])


SCENARIOS: Final[dict[str, Callable[[Dialect], Answers]]] = {
    "well": lambda dialect: [answered(dialect, LOOK), answered(dialect, HELLO)],
    "busy, then well": busy_then_well,
    "key refused": refusing(401),
    "bad request": refusing(400),
    "quota": refusing(429),
    "server error": refusing(500),
    "error page": lambda _: lambda asked: Answer([f"<p>{echo(asked)}".encode()], 502, "text/html"),
    "redirect": lambda _: Answer(status=307, headers={"location": "http://127.0.0.1:9/elsewhere"}),
    "failure in the stream": failing_within,
    "no JSON": saying("application/json", lambda text: b"{" + text.encode()),
    "no UTF-8": saying("application/json", lambda text: b'"\xff' + text.encode()),
    "page": saying("text/html", lambda text: f"<html>{text}".encode()),
    "bad event": saying("text/event-stream", lambda text: f"data: {{{text}\n\n".encode()),
    "broken stream": lambda dialect: Answer([*until_lo(dialect), DROP]),
    "stalled stream": lambda dialect: Answer([*until_lo(dialect), HANG]),
    "no start": lambda _: Answer(before=5),
    "cancelled": lambda dialect: Answer([*until_lo(dialect), HANG]),
    NOBODY: lambda dialect: answered(dialect, HELLO),
}
WAYS: Final = ("argument", "environment", "secret header", "plain header")


class Plant(NamedTuple):
    """A key, where it is planted, and what happens then."""

    key: str
    dialect: Dialect
    scenario: str
    way: str

    @property
    def core(self) -> str:
        """The part of the key that no encoding changes."""
        return self.key[3:15]


def _plants() -> Iterator[Plant]:
    numbers, ways = count(1), cycle(WAYS)
    for scenario, dialect in product(SCENARIOS, DIALECTS):
        yield Plant(f"sk-planted{next(numbers):05}/+=._~", dialect, scenario, next(ways))


PLANTS: Final = tuple(_plants())


def provider_of(plant: Plant, url: str, monkeypatch: pytest.MonkeyPatch) -> LlmProvider:
    """A provider that has the key in its way."""
    make, secret = PROVIDERS[plant.dialect.kind], SecretStr(plant.key)
    named: dict[str, Any] = {"base_url": url if plant.dialect.kind == "anthropic" else f"{url}/v1"}
    reliability = QUICK if plant.scenario in {"stalled stream", "no start"} else PATIENT
    named["options"] = ProviderOptions.model_validate({"reliability": reliability})
    way = plant.way
    if way == "environment":
        if plant.dialect.kind == "anthropic":  # its key of the environment goes to no other server
            monkeypatch.setenv("ANTHROPIC_API_KEY", plant.key)
            named["api_key"] = secret
        else:
            monkeypatch.setenv("OPENAI_API_KEY", plant.key)
            monkeypatch.setenv("OPENAI_BASE_URL", named.pop("base_url"))
    elif way == "argument":
        named["api_key"] = secret
    else:
        named["headers"] = {"X-Gateway-Key": secret if way == "secret header" else plant.key}
    provider: LlmProvider = make(**named)
    return provider


def faces(value: object) -> Iterator[str]:
    """All ways in which a value shows itself, and the way in which it travels."""
    yield repr(value)
    yield str(value)
    for name in ("_repr_html_", "_repr_mimebundle_", "get_state", "_render_traceback_"):
        show = getattr(value, name, None)
        if callable(show):
            yield repr(show())
    try:
        yield repr(pickle.dumps(value))
    except Exception as error:  # noqa: BLE001 - what cannot travel says why
        yield repr(error)


def told_by(error: BaseException) -> str:
    """The traceback with the values of all variables of the library and of those below it."""
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    tests = str(Path(__file__).parent)
    parts: list[traceback.TracebackException | None] = [whole]
    for part in parts:
        if part is not None:
            kept = [frame for frame in part.stack if not frame.filename.startswith(tests)]
            part.stack = traceback.StackSummary.from_list(kept)
            parts += [part.__cause__, part.__context__]
    return "".join(whole.format(chain=True))


async def run_turn(session: LashSession, plant: Plant) -> TurnResult:
    """Run a turn to the end that the scenario has for it."""
    token = CancellationToken()
    turn = session.turn("look").cancel(token)
    if plant.scenario != "cancelled":
        return await turn.run()
    stream = turn.stream()
    async for activity in stream:
        if isinstance(activity.event, AssistantProseDelta):
            token.cancel()
    return await stream.result()


async def failures(session: LashSession, provider: LlmProvider) -> list[BaseException]:
    """How a direct completion and a call of the provider itself end; what answers well, or not at all, is not waited for."""
    errors: list[BaseException] = []
    for ask in (session.direct("hi"), provider.complete(request(user("hi")), lambda _: None)):
        try:
            async with asyncio.timeout(0.1):
                await ask
        except (DirectCompletionError, LlmTransportError, TimeoutError) as error:
            errors.append(error)
    return errors


async def live_artefacts(plant: Plant, folder: Path, provider: LlmProvider) -> list[str]:
    """All that shows itself of a turn while its session is open."""
    model = ModelSpec(id="gpt-test", limits=ModelLimits(context_window_tokens=100_000))
    builder = LashCore.standard().clock(ManualClock()).stored_in(folder / "store").provider(provider).model(model)
    builder.tools(look).trace_sink(JsonlTraceSink(folder / "trace.jsonl")).trace_level("extended")
    core = builder.build()
    session = await core.session("demo").open()
    result = await run_turn(session, plant)
    errors = await failures(session, provider)
    shown = (provider, builder, core, session, result, *errors, SessionGraphView(session.graph))
    left = [face for value in shown for face in faces(value)]
    left += map(told_by, errors)
    left += [turn_html(result), turn_text(result), effects_html(session.effects), effects_text(session.effects)]
    assert result.is_success is (plant.scenario in {"well", "busy, then well"})
    await session.close()
    return left


def kept_artefacts(folder: Path) -> list[str]:
    """All that shows itself of what was written."""
    trace = read_trace(folder / "trace.jsonl")
    shown = (trace, TraceExplorerView(trace), TraceTimelineView(trace), records_df(trace), open_store(folder / "store"))
    return [*(face for value in shown for face in faces(value)), *trace_report(trace)]


def files_in(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.dialect.kind}, {plant.scenario}, {plant.way}")
async def test_no_artefact_has_a_key(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The server got the key, and repeats it where it can; nothing that the turn leaves behind has any of it."""
    caplog.set_level(logging.DEBUG)
    async with ModelServer(SCENARIOS[plant.scenario](plant.dialect)) as server:
        url = server.url
        if plant.scenario == NOBODY:
            async with ModelServer(Answer()) as gone:
                url = gone.url
        provider = provider_of(plant, url, monkeypatch)
        shown = await live_artefacts(plant, tmp_path, provider)
    shown += [*kept_artefacts(tmp_path), caplog.text, *(repr(vars(record)) for record in caplog.records)]
    files = files_in(tmp_path)

    assert [text for text in shown if plant.core in text] == []
    assert [name for name, content in files.items() if plant.core.encode() in content] == []
    assert any(name.endswith(".db") for name in files)
    assert "trace.jsonl" in files
    assert "httpcore" in caplog.text
    assert all(any(plant.key in value for value in asked.headers.values()) for asked in server.asked)
    assert bool(server.asked) is (plant.scenario != NOBODY)


@pytest.mark.parametrize("way", ["argument", "environment", "secret header"])
async def test_no_artefact_has_a_key_that_the_model_says(
    dialect: Dialect, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, cut into pieces, thought, or as the argument of a call: its listeners, the trace and the store have `[secret]`."""
    plant = Plant("sk-planted55555/+=._~", dialect, "well", way)
    pieces = (f"It is {plant.key}: s", *plant.key, " sk", "-planted", f" {plant.key[:12]}", plant.key[12:], "s")
    look = Called("c1", "look", ('{"what": "', plant.key[:9], f'{plant.key[9:]}"}}'))
    said = [Said(text=pieces, thought=pieces, calls=(look,), reason="tool_use"), Said(text=pieces)]
    async with ModelServer(lambda asked: answered(dialect, said[b"c1" in asked.body])) as server:
        provider = provider_of(plant, server.url, monkeypatch)
        shown = await live_artefacts(plant, tmp_path, provider)
        told: list[LlmStreamEvent] = []
        response = await provider.complete(request(user("hi")), told.append)
    heard = "".join(event.text for event in told if isinstance(event, DeltaEvent))
    files = files_in(tmp_path)

    assert heard == response.full_text == "It is [secret]: s[secret] sk-planted [secret]s"
    assert [text for text in [*shown, *kept_artefacts(tmp_path)] if plant.core in text] == []
    assert [name for name, content in files.items() if plant.core.encode() in content] == []


def test_a_key_around_a_thought_is_not_told() -> None:
    """Its halves belong together, whatever is thought between them; what turns out to be no key is told in the end."""
    told: list[LlmStreamEvent] = []
    mask = AnswerMask(told.append, [SecretStr("sk-planted55555")])

    for event in (
        DeltaEvent("It is sk-pl"),
        ReasoningDeltaStream("hm s"),
        DeltaEvent("anted55555."),
        DeltaEvent(" sk"),
    ):
        mask.hear(event)
    mask.end()

    assert "".join(event.text for event in told if isinstance(event, DeltaEvent)) == "It is [secret]. sk"
    assert "".join(event.text for event in told if isinstance(event, ReasoningDeltaStream)) == "hm s"


def test_a_key_is_found_however_json_writes_it() -> None:
    """A quote and a backslash are written with a backslash before them, twice so in the arguments of a call."""
    key = 'sk-"planted\\55555'
    call = ToolCallPart(call_id="c", tool_name="look", input_json=json.dumps({"what": key}))

    said = without_keys(LlmOutputPart(Text=TextPart(text=f"It is {key}.")), LlmOutputPart, [SecretStr(key)])
    called = without_keys(LlmOutputPart(ToolCall=call), LlmOutputPart, [SecretStr(key)])

    assert said == LlmOutputPart(Text=TextPart(text="It is [secret]."))
    assert json.loads(called.variant.input_json) == {"what": "[secret]"}


async def test_a_model_may_say_the_short_key_of_a_local_server(dialect: Dialect) -> None:
    """Such a key is a word, and no secret."""
    async with ModelServer(answered(dialect, Said(text=("I am lm-", "studio")))) as server:
        response = await dialect.provider(server.url, key="lm-studio").complete(request(user("hi")))

    assert response.full_text == "I am lm-studio"


def test_there_are_fifty_keys_and_every_way_to_give_one() -> None:
    """No two are the same."""
    assert len({plant.core for plant in PLANTS}) >= 50
    assert {(plant.dialect.kind, plant.way) for plant in PLANTS} == set(product(PROVIDERS, WAYS))


@pytest.mark.parametrize("make", PROVIDERS.values(), ids=PROVIDERS)
@pytest.mark.parametrize(
    "named",
    [
        {"base_url": "http://sk-planted99999:x@127.0.0.1/v1"},
        {"base_url": "http://user:sk-planted99999@127.0.0.1/v1"},
        {"base_url": "http://127.0.0.1/v1?key=sk-planted99999"},
        {"base_url": "sk-planted99999"},
        {"base_url": "http://127.0.0.1/v1", "api_key": "sk-planted99999"},
        {"base_url": "http://127.0.0.1/v1", "api_key": SecretStr("sk-planted99999\n.")},
        {"base_url": "http://127.0.0.1/v1", "headers": {"X-Key": "sk-planted99999\n."}},
    ],
    ids=str,
)
def test_a_key_in_the_wrong_place_is_refused_without_being_shown(
    make: Callable[..., Any], named: dict[str, Any]
) -> None:
    """Neither the error nor the traceback has it, whatever a debugger shows of the library's own variables."""
    with pytest.raises(CallerError) as raised:
        make(**named)

    assert [text for text in faces(raised.value) if "planted99999" in text] == []


CELLS: Final = (
    "%load_ext lash_nb",
    "from lash_nb import LashCore, OpenAiCompatibleProvider\nprovider = OpenAiCompatibleProvider()\nprovider",
    "core = LashCore.notebook(provider, ModelSpec(id='gpt-test', limits=ModelLimits(context_window_tokens=1_000)))",
    "session = await core.build().session('demo').open()\ncore, session",
    "await session.turn('look').run()",
    "await session.turn('look').run()",
    "session.trace",
    "await session.direct('hi')",
    "%xmode Verbose",
    "await session.direct('hi')",
    "OpenAiCompatibleProvider(base_url=BAD_URL)",
)
"""What a person may run: two turns, of which the second fails, and errors that show all variables."""


@pytest.mark.slow
async def test_no_notebook_has_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a kernel by nbclient and saved with all outputs, errors and widgets."""
    key = "sk-planted77777/+=._~"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    setting = "import os\nfrom lash_nb.wire import ModelLimits, ModelSpec\nBAD_URL = os.environ['BAD_URL']"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(setting))
    dialect = DIALECTS[0]

    def answer(asked: Asked) -> Answer:
        if len(server.asked) == 1:
            return answered(dialect, HELLO)
        return Answer.of_json(dialect.failure(echo(asked), "bad", 401), 401)

    async with ModelServer(answer) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", key)
        monkeypatch.setenv("BAD_URL", f"http://me:{key}@127.0.0.1/v1")
        await NotebookClient(notebook, timeout=300, allow_errors=True, resources={}).async_execute()
    saved = nbformat.writes(notebook)
    errors = [output.ename for cell in notebook.cells for output in cell.outputs if output.output_type == "error"]

    assert "planted77777" not in saved
    assert errors == ["DirectCompletionError", "DirectCompletionError", "CallerError"]
    assert "[secret]" in saved
    assert "Hello" in saved
