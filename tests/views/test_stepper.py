"""The stepper's Python half: what a button does, in which order, on which loop, and what the page is told."""

import asyncio
import threading
from typing import Any

import msgspec
import pytest

from lash_nb import LashCore, ScriptedProvider, calls, reply, tool
from lash_nb.errors import CallerError
from lash_nb.views import StepperView, effects_html, envelope_html, turn_html, turn_text
from lash_nb.wire import RuntimeEffectEnvelope, RuntimeScope, ToolOutcome, to_json
from tests.views import samples


def stepper(**more: Any) -> tuple[StepperView, samples.RecordedSteppable]:
    """A view on a turn that waits before `draw_chart`."""
    steppable = samples.RecordedSteppable(samples.journal(), **more)
    return StepperView(steppable), steppable


def test_the_rail_folds_finished_turns_and_opens_the_last() -> None:
    """Each turn is one row with a tick per model or tool effect; failures are counted on it."""
    view, _ = stepper()

    assert [
        (turn["label"], turn["took"], turn["open"], turn["ticks"], turn["failed"]) for turn in view.rail["turns"]
    ] == [
        ("turn 1", "152 ms", False, ["llm_call"], 0),
        ("turn 2", "279 ms", False, ["llm_call", "tool_call", "llm_call"], 1),
        ("turn 4", "paused", True, ["llm_call", "tool_call", "llm_call", "tool_call"], 0),
    ]
    assert [row["origin"] for row in view.rail["turns"][2]["rows"] if row["origin"]] == ["edited"]
    assert view.rail["notes"][-1] == "sync and checkpoint pass without a stop"


def test_a_tool_that_is_tried_beside_a_turn_does_not_split_it() -> None:
    """The turn stands whole behind it, and is what text and tokens tell of; what has not taken any time yet has no time."""
    entries = samples.journal()
    tried = samples.entry(14, samples.HISTORY, status="running")
    tried = msgspec.structs.replace(tried, envelope=outside_of_turns(tried.envelope))
    beside = samples.RecordedSteppable([*entries[:-1], tried, entries[-1]])
    view, plain = StepperView(beside), stepper()[0]

    assert [(turn["label"], turn["took"]) for turn in view.rail["turns"]] == [
        ("turn 1", "152 ms"),
        ("turn 2", "279 ms"),
        ("no turn", ""),
        ("turn 4", "paused"),
    ]
    assert view.rail["turns"][-1] == plain.rail["turns"][-1]
    assert view.conversation["tokens"] == plain.conversation["tokens"]
    assert view.text().splitlines()[1:-2] == plain.text().splitlines()[1:-2]
    alone = StepperView(samples.RecordedSteppable([tried]))
    assert not alone.rail["turns"][0]["open"]


def test_a_turn_that_runs_on_says_so() -> None:
    """Its cell may be over, and the stepper is where one sees what became of it; as text it says how to wait for it and how to end it."""
    entries = [*samples.journal()[:-1], samples.entry(12, samples.llm_command(), status="running")]
    steppable = samples.RecordedSteppable(entries)
    steppable.state = "running"
    view = StepperView(steppable)

    assert [turn["took"] for turn in view.rail["turns"]] == ["152 ms", "279 ms", "still running"]
    assert view.rail["turns"][-1]["open"]
    assert (
        view.text().splitlines()[-1] == "still running; next: %lash continue, which waits for its end, or %lash cancel"
    )

    steppable.first_order = 13
    starting = StepperView(steppable)
    assert [turn["took"] for turn in starting.rail["turns"]][:-1] == ["152 ms", "279 ms"]
    assert "still running" not in str(starting.rail)
    assert (starting.state["title"], starting.state["detail"]) == ("Running", "starting")

    steppable.state = "finished"
    assert "still running" not in StepperView(steppable).text()
    assert "still running" not in str(StepperView(steppable).rail)


def outside_of_turns(envelope: RuntimeEffectEnvelope) -> RuntimeEffectEnvelope:
    """The envelope as an operation of its own."""
    invocation = msgspec.structs.replace(envelope.invocation, scope=RuntimeScope(session_id="main"))
    return msgspec.structs.replace(envelope, invocation=invocation)


def test_the_pending_envelope_is_in_the_middle() -> None:
    """It has its identity, its hash, its fields and the forms that can answer it."""
    view, steppable = stepper()
    shown = view.envelope
    assert steppable.pending is not None

    assert (shown["title"], shown["kind"], shown["pending"]) == ("draw_chart", "tool_call", True)
    assert shown["hash"] == steppable.pending.envelope.hash()
    assert shown["replay_short"] == "…tool_call:7:call_06"
    assert shown["cause"] == "effect 10"
    assert set(shown["inject"]) == {"success", "failure", "cancelled"}
    assert view.state["detail"] == "before tool_call draw_chart"


def test_the_tokens_of_the_turn_are_summed_up() -> None:
    """Those of its calls together, beside what the last one alone was asked with; those of other turns are not among them."""
    view, _ = stepper()

    assert (view.conversation["tokens"], view.conversation["last_call"]) == (
        "2.0k in · 52 out",
        "in this turn; its last call 978 in · 26 out",
    )
    empty = StepperView(samples.RecordedSteppable([]))
    assert (empty.conversation["tokens"], empty.conversation["last_call"]) == ("", "")


async def test_the_end_tells_work_and_waiting_apart() -> None:
    """In the state line and on the card: who thought for a minute has no slow turn."""
    view, steppable = stepper()
    await view.perform({"do": "cancel"})
    turn = samples.FinishedTurn(duration_ms=60_694, waited_ms=60_000)
    steppable.result = turn
    await view.perform({"do": "show", "order": -1})

    assert view.state["title"] == "Completed"
    assert view.state["detail"] == "694 ms, paused 1 min 00 s · 1.4k in · 421 cached · 81 out · 16 reasoning"
    assert "694 ms, paused 1 min 00 s" in turn_html(turn)
    assert "694 ms, paused 1 min 00 s" in turn_text(turn)
    assert "paused" not in turn_text(samples.FinishedTurn())


async def test_next_performs_the_pending_envelope() -> None:
    """The page's `step` reaches the steppable, and the page sees what is pending then."""
    view, steppable = stepper(then=[samples.entry(12, samples.llm_command())])
    await view.perform({"do": "step"})

    assert steppable.asked == [("step", None)]
    assert view.envelope["title"] == "desk-model"
    assert view.problem == {}


async def test_an_edit_goes_with_the_step() -> None:
    """What was typed is decoded here and handed over as an envelope."""
    view, steppable = stepper()
    await view.perform({"do": "check", "edited": {"changes": [[["title"], '"Hanoi"']]}})
    await view.perform({"do": "step", "edited": {"changes": [[["title"], '"Hanoi"']]}})
    (verb, edited) = steppable.asked[0]

    assert verb == "step"
    assert isinstance(edited, RuntimeEffectEnvelope)
    assert view.checked == {"hash": edited.hash(), "problem": ""}


async def test_a_wrong_edit_is_told_and_runs_nothing() -> None:
    """The message says which field; the turn waits as before."""
    view, steppable = stepper()
    await view.perform({"do": "step", "edited": {"changes": [[["title"], "{"]]}})

    assert steppable.asked == []
    assert view.problem["path"] == "title"
    assert view.envelope["pending"]


async def test_an_injected_outcome_is_previewed_and_sent() -> None:
    """While it is written, one sees what the model will see; then it takes the place of the tool."""
    view, steppable = stepper()
    form = {"status": "success", "values": {"payload": '{"chart": null}', "duration": "74"}}
    await view.perform({"do": "preview", "outcome": form})
    await view.perform({"do": "inject", "outcome": form})

    assert view.preview["model_sees"] == '{"chart":null}'
    assert isinstance(steppable.asked[0][1], ToolOutcome)


async def test_continue_cancel_and_stops_reach_the_turn() -> None:
    """The other buttons do what they say."""
    view, steppable = stepper()
    await view.perform({"do": "stop_at", "kinds": ["tool_call"]})
    await view.perform({"do": "continue", "to": "tool_call"})
    await view.perform({"do": "cancel"})

    assert steppable.stop_at == {"tool_call"}
    assert steppable.asked == [("continue", "tool_call"), ("cancel", None)]
    assert [stop["kind"] for stop in view.state["stops"] if stop["on"]] == ["tool_call"]


async def test_a_past_effect_can_be_looked_at() -> None:
    """Clicking a row shows its envelope and outcome, and the way back leads to the pending one."""
    view, _ = stepper()
    await view.perform({"do": "show", "order": 3})
    past = view.envelope
    await view.perform({"do": "show", "order": -1})

    assert (past["title"], past["status"], past["pending"], past["inject"]) == ("station_reading", "failed", False, {})
    assert "station_offline" in past["outcome"]
    assert view.envelope["pending"]


@pytest.mark.parametrize("command", [{"do": "explode"}, {}, {"do": "stop_at", "kinds": ["nap"]}])
async def test_an_unknown_command_is_told(command: dict[str, Any]) -> None:
    """A command that does not exist changes nothing and names those that do."""
    view, steppable = stepper()
    await view.perform(command)

    assert "use" in view.problem["message"]
    assert steppable.asked == []


async def test_an_error_of_the_turn_is_shown_and_the_stepper_goes_on() -> None:
    """What a provider or a tool raises stands on the page; the next command works."""
    view, steppable = stepper()

    async def broken(edited: Any = None) -> None:
        raise RuntimeError(f"wires crossed {edited}")

    async def refused(to: str | None = None) -> None:
        raise CallerError(f"nothing is pending {to}; run %lash step")

    steppable.step, steppable.continue_ = broken, refused  # type: ignore[method-assign]  # two turns that fail
    await view.perform({"do": "step"})
    first = view.problem["message"]
    await view.perform({"do": "continue", "to": None})
    second = view.problem["message"]
    await view.perform({"do": "cancel"})

    assert (first, second) == ("RuntimeError: wires crossed None", "nothing is pending None; run %lash step")
    assert view.problem == {}


async def test_a_message_from_another_thread_runs_on_the_loop(sent: list[dict[str, Any]]) -> None:
    """JupyterLab delivers widget messages on subshell threads; the command still runs on the view's own loop."""
    view, steppable = stepper()
    seen: list[asyncio.AbstractEventLoop] = []
    steppable.subscribe(lambda: seen.append(asyncio.get_running_loop()))
    thread = threading.Thread(target=lambda: view.comm.receive({"do": "step"}))
    thread.start()
    thread.join()
    for _ in range(5):
        await asyncio.sleep(0)

    assert steppable.asked == [("step", None)]
    assert seen == [asyncio.get_running_loop()]
    assert any("envelope" in message["data"].get("state", {}) for message in sent)


async def test_commands_wait_for_each_other_but_cancel_does_not() -> None:
    """Two quick clicks on Next are two steps one after the other; Cancel gets through at once."""
    view, steppable = stepper(then=[samples.entry(12, samples.CHART)])
    steppable.gate = asyncio.Event()
    for verb in ("step", "step", "cancel"):
        view._receive(None, {"do": verb}, [])
    for _ in range(5):
        await asyncio.sleep(0)
    waiting = [verb for verb, _ in steppable.asked]
    steppable.gate.set()
    for _ in range(5):
        await asyncio.sleep(0)

    assert waiting == ["step", "cancel"]
    assert [verb for verb, _ in steppable.asked] == ["step", "cancel", "step"]


def test_without_a_loop_the_page_is_told() -> None:
    """Where no loop runs, a click is answered with the command that works."""
    view, steppable = stepper()
    view._receive(None, {"do": "step"}, [])

    assert view.problem["message"] == "no event loop runs in this kernel; use %lash step"
    assert steppable.asked == []


def test_a_closed_view_watches_no_more() -> None:
    """Closing takes the view off its steppable; closing twice is no error."""
    view, steppable = stepper()
    before = steppable.listeners
    view.close()
    view.close()

    assert (before, steppable.listeners) == (1, 0)


def test_a_huge_envelope_is_cut_aloud() -> None:
    """Above 100 kB the page gets the first part, the size, and the call that gives all."""
    command = samples.tool_command(title="x" * 300_000)
    view = StepperView(samples.RecordedSteppable(samples.journal(command)))

    assert len(view.envelope["json"]) == 100_000
    assert view.envelope["cut"].startswith("first 100.0 kB, indented, of 300.")
    assert view.envelope["cut"].endswith("all of it: session.stepper.pending.envelope")


def test_a_stop_keeps_little_of_large_effects() -> None:
    """A notebook keeps the table of every stop: of thirty large results each row says how much there is, and where."""
    commands = [samples.tool_command(call_id=f"c{order}", title="x" * 50_000) for order in range(1, 31)]
    kept = effects_html([samples.entry(order, command) for order, command in enumerate(commands, 1)])

    assert len(kept) < 120_000
    assert kept.count("indented, of 50.") == 30
    assert len(envelope_html(samples.entry(1, samples.tool_command(title="[1], " * 50_000)))) < 200_000


def test_an_effect_is_drawn_once() -> None:
    """A step tells of several changes; what is shown of a long model call is made anew only when it changed."""

    class Counted(samples.RecordedSteppable):
        drawn = 0

        def tool_schema(self, name: str) -> dict[str, Any] | None:
            self.drawn += 1
            return super().tool_schema(name)

    command = samples.tool_command("draw_chart", "c1")
    steppable = Counted([samples.entry(1, command)])
    view = StepperView(steppable)
    view._refresh()  # as after any change elsewhere
    same, steppable.entries = steppable.drawn, [samples.entry(1, command)]
    view._refresh()

    assert (same, steppable.drawn) == (1, 2)


def test_a_long_session_sends_its_end_only() -> None:
    """Ten thousand effects behind, the page gets the last two hundred and says so."""
    entries = [
        samples.entry(order, samples.llm_command(), samples.llm_outcome("x"), turn=order) for order in range(1, 1001)
    ]
    view = StepperView(samples.RecordedSteppable(entries))

    assert sum(len(turn["rows"]) for turn in view.rail["turns"]) == 200
    assert "the last 200 of 1,000 effects; all of them: session.effects" in view.rail["notes"]
    assert len(to_json(dict(view.rail))) < 100_000


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (asyncio.CancelledError(), "broken off, by Ctrl-C or whoever awaited it; what it had not committed is lost"),
        (CallerError("the queue is empty", code="queue_empty"), "no result: CallerError"),
        (None, "no result"),
    ],
)
def test_a_turn_without_a_result_says_why(error: BaseException | None, words: str) -> None:
    """In the state line, and where the envelope would stand."""
    steppable = samples.RecordedSteppable(samples.journal()[:-1])
    steppable.state, steppable.error = "finished", error
    view = StepperView(steppable)

    assert view.state["detail"] == words
    assert f"The turn is over: {words}." in view.state["empty"]


async def test_a_turn_that_runs_through_hundreds_of_effects_is_not_held_up() -> None:
    """It is drawn now and then, and whole once it waits or is over; each effect told of several changes, and each was drawn."""

    @tool
    def quick() -> str:
        """Be quick."""
        return "done"

    script = [calls(*((f"c{number}", "quick", {}) for number in range(200))), reply("All.")]
    core = LashCore.notebook().provider(ScriptedProvider(script)).model("m").tools(quick).build()
    session = await core.session("many").open()
    await session.step("Go.")
    view, drawn = StepperView(session.stepper), list[str]()
    view.observe(lambda change: drawn.append(change["new"]["phase"]), "state")
    view.observe(lambda _: drawn.append("rail"), "rail")
    await session.continue_()
    await asyncio.sleep(0)

    assert drawn.count("rail") < 100
    assert view.state["phase"] == "finished"
    assert view.rail["notes"][0] == "197 model and tool effects done"
