"""What a turn's streams add up to."""

from typing import Any

import pytest

from lash_nb.plugins import tool_failure
from lash_nb.runtime._assembler import Assembly, TurnAssembler
from lash_nb.wire import (
    AssistantProseDelta,
    ChildTokenUsageEvent,
    DoneEvent,
    ErrorEnvelope,
    ErrorEvent,
    Message,
    Part,
    SubmittedValueFinish,
    TokenUsage,
    ToolCallEvent,
    ToolCallOutput,
    ToolFailed,
    ToolSuccess,
    ToolValue,
    TurnActivity,
    TurnFinish,
    TurnOutcome,
    TurnOutcomeEvent,
)

DONE = DoneEvent()


def said(role: Any, content: str, kind: Any = "Prose") -> Message:
    """A message of one part."""
    return Message(id=content, role=role, parts=(Part(id="p", kind=kind, content=content, prune_state="Intact"),))


def prose(text: str, correlation_id: str = "call-1") -> TurnActivity:
    """A piece of the answer."""
    return TurnActivity(id="a", correlation_id=correlation_id, event=AssistantProseDelta(text=text))


def called(output: ToolCallOutput) -> ToolCallEvent:
    """A tool call that is over."""
    return ToolCallEvent(call_id="c", name="weather", args={}, output=output, duration_ms=1)


def ended(outcome: TurnOutcome) -> TurnOutcomeEvent:
    """The machine's own word on the outcome."""
    return TurnOutcomeEvent(outcome=outcome)


def assembled(
    *stream: Any, messages: tuple[Message, ...] = (), cancelled: bool = False, missing_done_fails: bool = True
) -> Assembly:
    """The sum of a stream."""
    assembler = TurnAssembler()
    for item in stream:
        if isinstance(item, TurnActivity):
            assembler.activities.append(item)
        else:
            assembler.on_event(item)
    return assembler.assemble(messages, cancelled=cancelled, missing_done_fails=missing_done_fails)


def test_the_last_call_gives_the_answer() -> None:
    """Only the prose of the last correlation id counts, all pieces of it."""
    given = assembled(prose("Let me look.", "1"), prose("Clear ", "2"), prose("sky.", "2"), DONE)
    assert given.assistant_output.raw_text == "Clear sky."
    assert given.outcome == TurnOutcome.answered("Clear sky.")


def test_the_safe_text_has_no_blanks_at_its_ends() -> None:
    """Each line loses its trailing blanks, the whole its surrounding ones; the outcome says the safe text."""
    given = assembled(prose("\n  Clear  \nsky \n\n"), ended(TurnOutcome.answered("other")), DONE)
    assert given.assistant_output.raw_text == "\n  Clear  \nsky \n\n"
    assert given.assistant_output.safe_text == "Clear\nsky"
    assert given.outcome == TurnOutcome.answered("Clear\nsky")


@pytest.mark.parametrize(("value", "text"), [(None, ""), ("as is", "as is"), ({"b": 1}, '{\n  "b": 1\n}')])
def test_a_submitted_value_is_the_answer(value: Any, text: str) -> None:
    """It goes before prose: nothing for null, a text as it is, else JSON."""
    finish = TurnFinish(submitted_value=SubmittedValueFinish(value=value))
    given = assembled(prose("prose"), ended(TurnOutcome(finished=finish)), DONE)
    assert given.assistant_output.raw_text == text
    assert given.outcome.finished == finish


def test_without_prose_the_outcome_gives_the_text() -> None:
    """A text that was never streamed comes from the outcome."""
    assert assembled(ended(TurnOutcome.answered("Clear.")), DONE).assistant_output.raw_text == "Clear."


def test_without_any_text_the_last_answer_of_the_session_counts() -> None:
    """An answer in the session's last message is taken, and said to be taken; it blocks nothing."""
    given = assembled(DONE, messages=(said("User", "hi"), said("Assistant", "Clear.")))
    assert given.assistant_output.raw_text == "Clear."
    assert [issue.code for issue in given.errors] == ["assistant_output_recovered_from_state"]
    assert given.assistant_output.state == "usable"
    assert given.outcome == TurnOutcome.answered("Clear.")


def test_an_answer_before_the_user_spoke_is_not_this_turns() -> None:
    """What the model said in an earlier turn is not recovered."""
    given = assembled(DONE, messages=(said("Assistant", "old"), said("User", "hi")))
    assert (given.assistant_output.raw_text, given.assistant_output.state) == ("", "empty_output")
    assert given.errors == ()


def test_a_cancelled_turn_is_cancelled_whatever_it_said() -> None:
    """The token wins over every outcome."""
    given = assembled(prose("done"), ended(TurnOutcome.answered("done")), DONE, cancelled=True)
    assert given.outcome == TurnOutcome.stop("cancelled")
    assert given.assistant_output.raw_text == "done"


def test_a_turn_without_an_end_has_failed() -> None:
    """Without `done` the turn stopped with an issue that says so, unless the host does not mind."""
    strict = assembled(prose("x"))
    assert strict.outcome == TurnOutcome.stop("runtime_error")
    assert [issue.code for issue in strict.errors] == ["missing_done"]
    assert assembled(prose("x"), missing_done_fails=False).outcome == TurnOutcome.answered("x")


def test_an_error_stops_the_turn() -> None:
    """An error without an outcome is a runtime error; with a failed tool it is the tool's."""
    envelope = ErrorEnvelope(kind="k", code="c", user_message="m", raw="r")
    plain = assembled(ErrorEvent(message="m", envelope=envelope), DONE)
    assert plain.outcome == TurnOutcome.stop("runtime_error")
    assert [(issue.kind, issue.code, issue.message, issue.raw) for issue in plain.errors] == [("k", "c", "m", "r")]
    failed = called(tool_failure("execution", "x", "y"))
    assert assembled(failed, ErrorEvent(message="m"), DONE).outcome == TurnOutcome.stop("tool_failure")
    assert assembled(ErrorEvent(message="m"), DONE).errors[0].kind == "runtime"


def test_prose_beside_an_error_is_recovered_from_it() -> None:
    """A text that is there in spite of an error says so."""
    given = assembled(prose("half"), ErrorEvent(message="m"), DONE)
    assert given.assistant_output.state == "recovered_from_error"


def test_blanks_alone_are_usable() -> None:
    """The reference calls a raw text of blanks usable; only an empty one is empty."""
    assert assembled(prose("  "), DONE).assistant_output.state == "usable"


def test_the_turn_limit_shows_in_a_system_message() -> None:
    """Without an outcome, a note of the limit among the last eight messages tells why the turn ended."""
    note = said("System", "Turn limit reached (3). Answer now.", "Text")
    assert assembled(DONE, messages=(note,)).outcome == TurnOutcome.stop("max_turns")
    buried = (note, *(said("User", str(n)) for n in range(8)))
    assert assembled(DONE, messages=buried).outcome == TurnOutcome.answered("")
    quoted = said("User", "Turn limit reached (3)", "Text")
    assert assembled(DONE, messages=(quoted,)).outcome == TurnOutcome.answered("")


def test_tool_calls_come_from_the_raw_stream() -> None:
    """Each tool call that ended is a record, in order."""
    ok = ToolCallOutput(outcome=ToolSuccess(payload=ToolValue(1)))
    given = assembled(called(ok), called(tool_failure("execution", "x", "y")), DONE)
    assert [record.output.status for record in given.tool_calls] == ["success", "failure"]
    assert isinstance(given.tool_calls[1].output.outcome, ToolFailed)
    assert given.execution.had_tool_calls
    assert not assembled(DONE).execution.had_tool_calls


def test_children_count_with_their_last_word() -> None:
    """A child's usage is cumulative: the last one counts; children of one source and model are summed and sorted."""

    def child(session: str, source: str, tokens: int) -> ChildTokenUsageEvent:
        usage = TokenUsage(input_tokens=tokens, output_tokens=0, cached_input_tokens=0)
        return ChildTokenUsageEvent(
            session_id=session, source=source, model="m", protocol_iteration=0, usage=usage, cumulative=usage
        )

    given = assembled(child("s1", "z", 1), child("s1", "z", 5), child("s2", "z", 2), child("s3", "a", 3), DONE)
    assert [(row.source, row.usage.input_tokens) for row in given.children_usage] == [("a", 3), ("z", 7)]
