"""The standard protocol (turns §9): what a response and tool results lead to."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.machine import (
    STANDARD_EXECUTION_SECTION,
    DriverContext,
    Finish,
    PendingToolCall,
    StandardDriver,
    ToolCalls,
    TurnMachine,
    WaitingExec,
    append_assistant_text_part,
    normalized_response_parts,
)
from lash_nb.wire import (
    AttachmentRef,
    ErrorEvent,
    ExecResult,
    FailControl,
    FinishControl,
    LlmResponseEvent,
    LlmResult,
    MediaType,
    Message,
    Part,
    ProviderReasoningReplay,
    ProviderReplayMeta,
    ReasoningPart,
    ResponseTextMeta,
    RetryNever,
    SwitchAgentFrameControl,
    TextDeltaEvent,
    TextPart,
    ToolCallOutput,
    ToolCallPart,
    ToolControl,
    ToolFailed,
    ToolFailure,
    ToolValue,
    TurnOutcome,
    to_builtins,
)
from tests.machine.play import (
    ScriptedHost,
    call,
    config,
    deliver,
    end,
    events,
    machine,
    message,
    names,
    outcome,
    play,
    printed,
    requests,
    respond,
    say,
    success,
)

SIGNED = ProviderReasoningReplay(signature="s")
FAILURE = ToolFailure(class_="external", code="no", message="No.", source="tool", retry=RetryNever())


def conversation(*replies: LlmResult, **host: Any) -> Sequence[Message]:
    """Return the messages at the end of a turn with these replies."""
    return end(play(machine(), ScriptedHost(replies=replies, **host))).messages


def controlled(*controls: ToolControl | None, failing: bool = False) -> TurnOutcome:
    """Return the outcome of a turn whose calls c0, c1 … return these controls."""

    def run(pending: PendingToolCall) -> ToolCallOutput:
        output = ToolFailed(payload=FAILURE) if failing else success(1).outcome
        return ToolCallOutput(outcome=output, control=controls[int(pending.call_id[1:])])

    calls = [call(f"c{index}") for index in range(len(controls))]
    return outcome(play(machine(), ScriptedHost(replies=[respond(*calls), say("went on")], run=run)))


def test_prose_ends_the_turn() -> None:
    """All text of the response is the answer; several parts stand a blank line apart."""
    effects = play(machine(), ScriptedHost(replies=[respond(TextPart(text="One.\n"), TextPart(text="Two."))]))

    assert outcome(effects) == TurnOutcome.answered("One.\n\nTwo.")
    assert [event.content for event in events(effects) if isinstance(event, TextDeltaEvent | LlmResponseEvent)] == [
        *("One.\n", "\nTwo.", "One.\n\nTwo.")
    ]


def test_a_response_without_parts_is_its_full_text() -> None:
    """A provider may give the text alone."""
    assert outcome(play(machine(), ScriptedHost(replies=[respond(full_text="Yes.")]))) == TurnOutcome.answered("Yes.")


def test_reasoning_alone_is_an_answer_without_words() -> None:
    """A model that thought and said nothing has finished."""
    thought = respond(ReasoningPart(text="Hm."))

    assert outcome(play(machine(), ScriptedHost(replies=[thought]))) == TurnOutcome.answered("")


@pytest.mark.parametrize("reply", [respond(), respond(TextPart(text=" \n")), respond(ReasoningPart(text=" "))])
def test_nothing_at_all_is_a_fault_of_the_provider(reply: LlmResult) -> None:
    """Blank text and blank reasoning count as nothing."""
    effects = play(machine(), ScriptedHost(replies=[reply]))

    assert outcome(effects) == TurnOutcome.stop("provider_error")
    (error,) = (event for event in events(effects) if isinstance(event, ErrorEvent))
    assert error.envelope is not None
    assert error.envelope.code == "empty_response"


def test_nothing_after_tool_results_is_a_quiet_end() -> None:
    """The model has nothing to add to what the tools did."""
    effects = play(machine(), ScriptedHost(replies=[respond(call("c1")), respond()]))

    assert outcome(effects) == TurnOutcome.answered("")


def test_a_result_in_another_role_is_no_work_of_the_model() -> None:
    """Only a message of results makes an empty answer a quiet end."""
    part = Part(id="s1.p0", kind="ToolResult", content="1", tool_call_id="c1", prune_state="Intact")
    live = TurnMachine(config(), messages=[Message(id="s1", role="System", parts=(part,))])

    assert outcome(play(live, ScriptedHost(replies=[respond()]))) == TurnOutcome.stop("provider_error")


def test_an_empty_part_is_no_text() -> None:
    """It is neither emitted nor kept."""
    effects = play(machine(), ScriptedHost(replies=[respond(TextPart(text=""), call("c1"))]))

    assert "text_delta" not in names(effects)[: names(effects).index("ToolCalls")]
    assert [part.kind for part in end(effects).messages[1].parts] == ["ToolCall"]


def test_a_tool_step_is_one_message_prose_first() -> None:
    """Then each call behind the reasoning that led to it, trailing reasoning last; provider metadata is kept."""
    meta, replay = ResponseTextMeta(id="t1"), ProviderReplayMeta(item_id="i1")
    reply = respond(
        ReasoningPart(text=" first ", replay=SIGNED),
        ToolCallPart(call_id="c1", tool_name="weather", input_json="{}", replay=replay),
        TextPart(text="Words.", response_meta=meta),
        ReasoningPart(text=" "),
        ReasoningPart(text="second"),
        call("c2"),
        ReasoningPart(text="third"),
    )

    step = conversation(reply)[1]

    assert [(part.id, part.kind, part.content) for part in step.parts] == [
        ("m1.p0", "Prose", "Words."),
        ("m1.p1", "Reasoning", "first"),
        ("m1.p2", "ToolCall", "{}"),
        ("m1.p3", "Reasoning", "second"),
        ("m1.p4", "ToolCall", '{"city":"Oslo"}'),
        ("m1.p5", "Reasoning", "third"),
    ]
    assert (step.role, step.parts[0].response_meta, step.parts[1].reasoning_meta) == ("Assistant", meta, SIGNED)
    assert step.parts[2].tool_replay == replay


@pytest.mark.parametrize(
    ("input_json", "args"), [('{"a":1}', {"a": 1}), ("[1]", [1]), ("", {}), ("{broken", {}), ("NaN", {})]
)
def test_arguments_are_parsed_or_empty(input_json: str, args: Any) -> None:
    """What is no JSON becomes an empty object; what the model wrote stays in its message."""
    effects = play(machine(), ScriptedHost(replies=[respond(call("c1", input_json=input_json))]))

    (asked,) = (effect for effect in effects if isinstance(effect, ToolCalls))
    assert asked.calls == (PendingToolCall(call_id="c1", tool_name="weather", args=args),)
    assert end(effects).messages[1].parts[0].content == input_json


def test_the_arguments_of_each_call_are_read_by_themselves() -> None:
    """What is no JSON in one call changes nothing for the others of its reply, and a null is no empty object."""
    written = [' {"a": 1}', "{broken", " null", "null", "\ud800", "[1e16]", "\u00a0null"]

    effects = play(
        machine(), ScriptedHost(replies=[respond(*(call(f"c{i}", input_json=t) for i, t in enumerate(written)))])
    )

    (asked,) = [effect for effect in effects if isinstance(effect, ToolCalls)]
    assert [one.args for one in asked.calls] == [{"a": 1}, {}, None, None, {}, [1e16], {}]


def test_every_call_has_one_result_with_its_pictures_behind_it() -> None:
    """Several texts become one, with a mark where a picture stood; a result without text says so in words."""
    picture = AttachmentRef(id="0" * 64, media_type=MediaType(type="png"), byte_len=3)
    values = {"c1": [1, picture], "c2": "", "c3": "plain", "c4": picture}

    results = conversation(
        respond(call("c1"), call("c2"), call("c3"), call("c4")), run=lambda pending: success(values[pending.call_id])
    )[2]

    assert [(part.kind, part.content, part.tool_call_id, part.tool_name) for part in results.parts] == [
        ("ToolResult", "[1,[Image attached]]", "c1", "weather"),
        ("Image", "", "c1", "weather"),
        ("ToolResult", "[No output]", "c2", "weather"),
        ("ToolResult", "plain", "c3", "weather"),
        ("ToolResult", "[Image attached]", "c4", "weather"),
        ("Image", "", "c4", "weather"),
    ]
    assert results.parts[1].attachment is not None
    assert results.parts[1].attachment.reference == picture


def test_a_tool_may_finish_fail_or_hand_over_the_turn() -> None:
    """Each control has its outcome."""
    finish = controlled(FinishControl(value=ToolValue("ready"))).finished
    assert finish is not None
    assert to_builtins(finish) == {"tool_value": {"tool_name": "weather", "value": "ready"}}
    assert to_builtins(controlled(FailControl(failure=FAILURE)).stopped) == {
        "tool_error": {"tool_name": "weather", "value": to_builtins(FAILURE)}
    }
    switch = controlled(SwitchAgentFrameControl(frame_id="f2")).agent_frame_switch
    assert switch is not None
    assert switch.frame_id == "f2"


def test_the_first_control_of_a_successful_call_counts() -> None:
    """Later ones, those of failed calls, and a switch to no frame decide nothing."""
    one, two = (FinishControl(value=ToolValue(value)) for value in ("one", "two"))

    assert controlled(None, one, two) == controlled(one)
    assert controlled(SwitchAgentFrameControl(frame_id=" "), two) == controlled(two)
    assert controlled(one, failing=True) == TurnOutcome.answered("went on")


def test_a_control_keeps_the_results_of_its_step() -> None:
    """The results are part of the conversation, and the turn is worth storing, before it ends."""
    effects = play(
        machine(),
        ScriptedHost(
            replies=[respond(call("c1"))],
            run=lambda _pending: ToolCallOutput(outcome=success(1).outcome, control=FinishControl(value=ToolValue(2))),
        ),
    )

    assert names(effects)[-5:] == ["tool_call", "Progress", "turn_outcome", "done", "Done"]
    assert [held.role for held in end(effects).messages] == ["User", "Assistant", "User"]


def test_input_that_joins_after_tools_comes_behind_their_results() -> None:
    """The checkpoint after work lets it in before the next model call."""
    effects = play(machine(), ScriptedHost(replies=[respond(call("c1"))], deliveries=[deliver("Wait.")]))

    assert requests(effects)[1][-1] == "Wait."


def test_a_result_of_code_ends_the_turn() -> None:
    """The standard protocol starts no code; whoever has a result of some has mixed up turns."""
    settings = config()
    context = DriverContext(
        config=settings,
        protocol_iteration=0,
        protocol_run_offset=0,
        turn_limit_final_scheduled=False,
        messages=[message("u1", "Hi.")],
        events=[],
        turn_causes=[],
    )
    waiting = WaitingExec(effect_id=1, code="1", driver_state=None)

    assert StandardDriver().handle_exec_result(context, waiting, ExecResult(Ok=printed())) == (
        Finish(outcome=TurnOutcome.stop("runtime_error")),
    )
    assert not context.should_force_exit_after_grace_turn


@given(st.lists(st.text(alphabet="a \n"), max_size=6))
def test_joined_parts_stand_a_blank_line_apart(parts: list[str]) -> None:
    """Joining loses nothing and adds newlines alone, at most two per seam."""
    text = ""
    for part in parts:
        text = append_assistant_text_part(text, part)

    assert text.replace("\n", "") == "".join(parts).replace("\n", "")
    assert len(text) <= sum(map(len, parts)) + 2 * len(parts)


@pytest.mark.parametrize(
    ("text", "part", "joined"),
    [("", "\n\nb", "\n\nb"), ("a", "b", "a\n\nb"), ("a\n", "\nb", "a\n\nb"), ("a\n\n\n", "\nb", "a\n\n\n\nb")],
)
def test_newlines_that_are_there_count(text: str, part: str, joined: str) -> None:
    """Two newlines separate parts; more are left as they are."""
    assert append_assistant_text_part(text, part) == joined


def test_parts_win_over_full_text() -> None:
    """The full text stands in only for missing parts."""
    both = respond(TextPart(text="part"), full_text="full").variant
    none = respond().variant

    assert [part.variant.text for part in normalized_response_parts(both)] == ["part"]
    assert normalized_response_parts(none) == ()


def test_the_execution_section_tells_how_to_batch() -> None:
    """The prompt names the tool, its limit and an example of its arguments."""
    assert "`batch`" in STANDARD_EXECUTION_SECTION
    assert "25" in STANDARD_EXECUTION_SECTION
    assert '"tool_calls"' in STANDARD_EXECUTION_SECTION
