"""Step through a turn from cells: stop, look, go on, answer in its place, end it."""

import pytest

from lash_nb import TurnResult
from lash_nb.views import StepperView
from tests.magics.conftest import Shell


@pytest.fixture
def turn(shell: Shell) -> Shell:
    """A session whose model calls a tool, then answers with what it got."""
    shell.run(
        "def answer(request):\n"
        "    results = [block.ToolResult.content for block in request.messages[-1].blocks if block.ToolResult]\n"
        "    return reply(f'It says {results[0]}.') if results else call('weather', {'city': 'Oslo'})\n"
        "provider = ScriptedProvider(answer)\n"
        "%lash new demo"
    )
    return shell


def pending(shell: Shell) -> str:
    """The kind of the effect that waits."""
    return str(shell.run("%lash envelope").envelope.kind)


def test_a_turn_advances_one_effect_at_a_time(turn: Shell) -> None:
    """`%lash step` before a prompt makes it stop; each further one performs what waits."""
    assert turn.run("%lash step") is None
    views = [turn.run("%%lash -o result\nWhat is the weather?"), turn.run("%lash step"), turn.run("%lash step")]
    result = turn.run("%lash step")

    assert all(isinstance(view, StepperView) for view in views)
    assert isinstance(result, TurnResult)
    assert turn["result"] is result
    assert "celsius" in result.reply


def test_a_prompt_may_stop_by_itself(turn: Shell) -> None:
    """`%%lash --step` and `%lash step PROMPT` need no step before."""
    assert isinstance(turn.run("%%lash --step\nHello"), StepperView)
    turn.run("%lash continue")
    assert isinstance(turn.run('%lash step "What is the weather?"'), StepperView)
    assert pending(turn) == "llm_call"


def test_where_a_turn_will_stop_is_said_as_it_is(turn: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Bookkeeping passes, so that the first stop is not before the turn's first effect."""
    turn.run("%lash step")
    said = capsys.readouterr().out
    turn.run("%%lash\nWhat is the weather?")

    assert said == "The next %%lash of session demo stops before its first model or tool call.\n"
    assert pending(turn) == "llm_call"
    assert turn.run("%lash envelope").envelope.invocation.effect_id == "2"


def test_the_turn_after_a_stepped_one_runs_through(turn: Shell) -> None:
    """Stepping is asked for each time."""
    turn.run("%%lash --step\nHello")
    turn.run("%lash continue")

    assert isinstance(turn.run("%%lash\nAgain"), TurnResult)


def test_continue_runs_to_a_kind(turn: Shell) -> None:
    """`--to` stops before the next effect of that kind, of whatever kind it is."""
    turn.run("%%lash --step\nHello")
    turn.run("%lash continue --to checkpoint")

    assert pending(turn) == "checkpoint"


def test_a_kind_that_never_comes_is_said(turn: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """The turn is over then, and nobody wonders why it did not stop."""
    turn.run("%%lash --step\nHello")
    assert isinstance(turn.run("%lash continue --to sleep"), TurnResult)

    assert "No sleep came any more: turn 1 went on to its end.\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%lash inject '{\"celsius\": 30}'", "30"),
        ('%lash inject {"celsius": 31}', "31"),
        ("%lash inject 'closed for the day'", None),
        ('%lash inject {"status": "success", "payload": {"celsius": 32}}', "32"),
        (
            '%lash inject {"status": "failure", "payload": {"code": "frozen", "message": "the thermometer is frozen"}}',
            "frozen",
        ),
        ('%lash inject {"status": "cancelled", "payload": {}}', "cancelled"),
        ('%lash inject "calm"', "calm"),
    ],
)
def test_an_outcome_is_injected(turn: Shell, line: str, said: str | None) -> None:
    """The tool is not called, and the model reads what was given in its place; what is no JSON is refused and the effect waits on."""
    turn.run("%%lash --step\nHello")
    turn.run("%lash step")

    if said is None:
        assert "takes JSON" in turn.refuse(line)
        assert pending(turn) == "tool_call"
    else:
        turn.run(line)
        assert said in turn.run("%lash continue").reply
        assert [one for one in turn.run("%lash effects")["origin"] if one != "executed"] == ["injected"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%lash inject hello", "hello"),
        ('%lash inject "hello"', "hello"),
        ("%lash inject '\"hello\"'", "hello"),
        ("%lash inject It is 4 °C, isn't it", "It is 4 °C, isn't it"),
    ],
)
def test_what_the_model_says_needs_no_quotes(turn: Shell, line: str, said: str) -> None:
    """A text is what a model call takes, so it is taken as it stands."""
    turn.run("%lash step Hello")
    assert pending(turn) == "llm_call"

    assert turn.run(line).reply == said


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('%lash inject {"type": "llm_call", ', "takes JSON"),
        ("%lash inject {}", "a model call takes a text"),
        ("%lash inject 4", "a model call takes a text"),
    ],
)
def test_what_no_model_says_is_refused_with_an_example_of_what_it_may_say(turn: Shell, line: str, told: str) -> None:
    """JSON that is mistyped is not taken for a text."""
    turn.run("%lash step Hello")

    refused = turn.refuse(line)

    assert told in refused
    assert "write e.g. %lash inject It is 4 °C." in refused
    assert pending(turn) == "llm_call"


def test_an_injected_value_may_be_an_expression(turn: Shell) -> None:
    """Expressions in braces work in lines, too."""
    turn.run("degrees = 33\n%lash step Hello")
    turn.run("%lash step")
    turn.run('%lash inject {"celsius": {{degrees}}}')

    assert "33" in turn.run("%lash continue").reply


def test_a_paused_turn_refuses_another_prompt(turn: Shell) -> None:
    """The line says where it stands and how to end it; nothing of it is lost."""
    turn.run("%%lash --step\nHello")

    message = turn.refuse("%%lash\nAnd now?")

    assert "turn 1 of demo is paused before llm_call scripted-model" in message
    assert "%lash continue" in message
    assert isinstance(turn.run("%lash continue"), TurnResult)


def test_a_paused_turn_is_cancelled(turn: Shell) -> None:
    """Its result says so, nothing more is called, and the session takes the next prompt."""
    turn.run("%%lash --step\nHello")
    turn.run("%lash step")

    cancelled = turn.run("%lash cancel")

    assert cancelled.outcome.reason == "cancelled"
    assert [kind for kind in turn.run("%lash effects").query("status == 'ok'")["kind"] if "call" in kind] == [
        "llm_call"
    ]
    assert turn.run("%%lash\nAgain").is_success


def test_any_effect_can_be_looked_at(turn: Shell) -> None:
    """By effect id, by replay key, by position."""
    turn.run("%%lash\nHello")
    entry = next(one for one in turn.run("%lash use demo").effects if one.envelope.kind == "tool_call")
    invocation = entry.envelope.invocation

    assert turn.run(f"%lash envelope {invocation.effect_id}") == entry
    assert turn.run(f"%lash envelope {invocation.replay_key}") == entry
    assert turn.run("%lash envelope 7").order == 7


def test_an_effect_of_an_earlier_turn_is_named_with_it(turn: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Ids repeat in every turn: alone they mean the latest one, and the table says how to name another."""
    for _ in range(2):
        turn.run("%%lash\nHello")
    session = turn.run("%lash use demo")
    first = next(one for one in session.effects if one.envelope.invocation.effect_id == "2")

    assert turn.run("%lash envelope 1:2") == first
    assert turn.run("%lash envelope 2").envelope.invocation.scope.turn_index == 2
    hint = "one in full: %lash envelope EFFECT, of an earlier turn TURN:EFFECT"
    assert hint in turn.faces(turn.run("%lash effects"))["text/plain"]
    assert turn.run("%lash envelope 1:3:call-1").envelope.kind == "tool_call"
    told = turn.refuse("%lash envelope 3:2")
    assert told.startswith("magics_effect: no effect 3:2; ")
    assert "the last ones are 1:7, 2:1, 2:2, 2:3:call-2, " in told
    capsys.readouterr()
    turn.run("%lash explain envelope 1:2")
    assert eval(capsys.readouterr().out, {"session": session}) == first  # noqa: S307 - what explain prints is Python
    turn.run("%lash explain envelope 3:call-1")
    assert "scope" not in capsys.readouterr().out


def test_a_turn_that_buttons_end_is_kept_all_the_same(turn: Shell) -> None:
    """`-o` is set when the turn ends, whoever drives it there."""
    view = turn.run("%%lash --step -o result\nHello")
    turn.ip.user_ns["view"] = view

    turn.run("await view.perform({'do': 'continue'})")

    assert turn["result"].is_success
    assert turn.run("%lash result") is turn["result"]


def test_a_turn_that_python_awaits_is_stepped_through(turn: Shell) -> None:
    """Paused by whoever has the session, it is gone on with by lines; its end is the value of both."""
    turn.run("import asyncio\nsession = %lash use demo")
    turn.run(
        "session.stepper.pause()\n"
        "awaited = asyncio.ensure_future(session.turn('Hello').run())\n"
        "while not session.stepper.pending:\n"
        "    await asyncio.sleep(0)"
    )

    assert pending(turn) == "llm_call"
    assert "turn 1 of demo is paused before llm_call" in turn.refuse("%%lash\nAnd now?")
    assert isinstance(turn.run("%lash step"), StepperView)
    assert turn.run("%lash continue") is turn.run("await awaited")


@pytest.mark.parametrize(("steps", "asked"), [(0, 0), (1, 1), (2, 1)])
def test_a_cancelled_turn_counts_the_calls_that_reached_the_model(turn: Shell, steps: int, asked: int) -> None:
    """Cancelled before its first call, before its tool, before its second call: what was announced alone is no call."""
    turn.run("%%lash --step\nHello")
    for _ in range(steps):
        turn.run("%lash step")

    cancelled = turn.run("%lash cancel")

    assert cancelled.model_calls == len(turn["provider"].requests) == asked
    assert f"{asked} model call{'' if asked == 1 else 's'}" in turn.faces(cancelled)["text/plain"]


def test_nothing_to_cancel_says_what_to_do(shell: Shell) -> None:
    """Before any turn, after one, with work that waits; in another session, by its name."""
    shell.run("provider = provider_of('Hello.')\nsession = %lash new demo")
    assert "nothing to cancel; begin a turn: a prompt below %%lash" in shell.refuse("%lash cancel")
    shell.run("%%lash\nHi")
    assert "turn 1 is over, see %lash result; begin the next one" in shell.refuse("%lash cancel")
    shell.run("batch = await session.queue('Later')\n%lash new other")
    said = shell.refuse("%lash cancel --session demo")
    assert "1 batch waits in its queue (%lash queue --session demo)" in said
    shell.run(said.rpartition(": ")[2])
    assert "Nothing waits" not in said
    assert shell.run("await session.queued_work()") == ()


def test_the_stepper_of_a_cell_stays_with_its_turn(turn: Shell) -> None:
    """Turns that come after it are of other cells; its own, that is over, keeps its numbers, its effects and what was said."""
    first = turn.run("%%lash --step\nfirst prompt")
    assert first.text().startswith("Stepper  demo · turn 1 · paused before llm_call")
    turn.run("%lash continue")
    turn.run("import asyncio; await asyncio.sleep(0)")
    told = dict(first.state), dict(first.rail), dict(first.conversation), first.text(), first.static_html()
    turn.run("%%lash\nsecond prompt")
    third = turn.run("%%lash --step\nthird prompt")

    assert told == (first.state, first.rail, first.conversation, first.text(), first.static_html())
    assert third is not first
    assert third.text().startswith("Stepper  demo · turn 3 · paused before llm_call")
    assert first.text().startswith("Stepper  demo · turn 1 · completed ")
    assert (first.state["turn"], first.state["phase"], first.state["kept"]) == ("turn 1", "finished", True)
    assert [one["label"] for one in first.rail["turns"]] == ["turn 1"]
    assert "second prompt" not in str(first.conversation)
    assert turn.run("%lash step") is third
    assert third.state["turn"] == "turn 3"


def test_the_stepper_of_a_turn_that_is_over_steps_no_other_one(turn: Shell) -> None:
    """What a page that is old may still send is refused or does nothing; the turn that is under way waits on."""
    first = turn.run("%%lash --step\nfirst prompt")
    turn.run("%lash continue")
    third = turn.run("%%lash --step\nthird prompt")
    pending = third.envelope["order"]

    turn.ip.user_ns["old"] = first
    for command in ("step", "continue", "inject", "stop_at", "cancel"):
        turn.run(f"await old.perform({{'do': {command!r}}})")
        assert bool(first.problem) == (command != "cancel")
    turn.run(f"await old.perform({{'do': 'show', 'order': {first.rail['turns'][0]['rows'][0]['order']}}})")

    assert first.envelope["order"] > 0
    assert third.state["phase"] == "paused"
    assert third.envelope["order"] == pending
    assert turn.run("%lash envelope").order == pending


def test_the_stepper_of_the_session_goes_on_with_each_turn(turn: Shell) -> None:
    """It is shown by hand by who wants it so."""
    turn.run("from lash_nb.views import StepperView\nsession = %lash new live")
    turn.run("%%lash --step\nfirst prompt")
    live = turn.run("view = StepperView(session.stepper); view")
    turn.run("%lash continue")
    turn.run("%%lash --step\nsecond prompt")
    turn.run("import asyncio; await asyncio.sleep(0)")

    assert (live.state["turn"], live.state["phase"], live.state["kept"]) == ("turn 2", "paused", False)
