"""What a tool's output is to code, to the model and to a list of attachments."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.errors import PluginError, RuntimeEffectControllerError, StoreError
from lash_nb.wire import (
    AttachmentRef,
    EffectErrorRecord,
    Json,
    MediaType,
    PluginErrorRecord,
    PreparedToolCall,
    RetryNever,
    SleepOutcome,
    TextReturnPart,
    ToolCallEffectOutcome,
    ToolCallOutput,
    ToolCancellation,
    ToolCancelled,
    ToolFailed,
    ToolFailure,
    ToolOutcome,
    ToolSuccess,
    ToolValue,
    TraceToolCallOutput,
    completed_call,
    expect_outcome,
    format_tool_output_content,
    from_json,
    to_json,
)
from tests.work import lines_run

REF = AttachmentRef(id="a", media_type=MediaType(type="png"), byte_len=1)
REFS = (REF, AttachmentRef(id="b", media_type=MediaType(type="jpeg"), byte_len=2, label='"'))
CALL = PreparedToolCall(call_id="c", tool_name="t", args={})
ATTACHED = {
    "$lash_tool_value": "attachment",
    "ref": {"byte_len": 1, "id": "a", "media_type": {"kind": "image", "type": "png"}},
}
SUCCESS = ToolCallOutput(outcome=ToolSuccess(payload=ToolValue({"picture": REF, "n": [1.0]})))
FAILURE = ToolCallOutput(
    outcome=ToolFailed(
        payload=ToolFailure(
            class_="timeout",
            code="t",
            message="slow",
            source="tool",
            retry=RetryNever(),
            raw=ToolValue([REF]),
        )
    )
)
CANCELLED = ToolCallOutput(outcome=ToolCancelled(payload=ToolCancellation(message="", source="cancellation")))


@pytest.mark.parametrize(
    ("output", "plain", "text", "attachments"),
    [
        (
            SUCCESS,
            {"n": [1.0], "picture": ATTACHED},
            (
                '{"n":[1.0],"picture":{"$lash_tool_value":"attachment",'
                '"ref":{"byte_len":1,"id":"a","media_type":{"kind":"image","type":"png"}}}}'
            ),
            (REF,),
        ),
        (
            FAILURE,
            {
                "class": "timeout",
                "code": "t",
                "message": "slow",
                "raw": [ATTACHED],
                "retry": {"type": "never"},
                "source": "tool",
            },
            "[Tool execution failed]\nslow",
            (REF,),
        ),
        (CANCELLED, {"message": "", "source": "cancellation"}, "[Tool execution cancelled]", ()),
        (ToolCallOutput(outcome=ToolSuccess(payload=ToolValue("as it is"))), "as it is", "as it is", ()),
    ],
)
def test_output_as_value_text_and_attachments(
    output: ToolCallOutput, plain: Json, text: str, attachments: tuple[AttachmentRef, ...]
) -> None:
    """Code sees a free value, a log sees one text, and attachments are found wherever they stand."""
    assert output.value_for_projection() == plain
    assert format_tool_output_content(output) == text
    assert output.attachments() == attachments


def test_a_free_value_is_never_an_attachment() -> None:
    """The reserved key means something only where a tool value is read; in a free value it is escaped when written."""
    value = ToolValue.from_value(ATTACHED)
    assert list(value.attachments()) == []
    assert value.to_json_value() == {"$lash_tool_value": "object", "entries": ATTACHED}
    assert from_json(to_json(value), ToolValue) == value
    assert from_json(to_json(ATTACHED), ToolValue).value == REF


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text('a"é$', max_size=3) | st.sampled_from(REFS),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["b", "a", "media_type", "$lash_tool_value"]), inner)
        ),
    )
)
def test_the_model_sees_the_json_around_attachments(value: Json) -> None:
    """The texts and the attachments between them, put together, are the value's canonical JSON, in which each attachment is its reference."""
    shown = completed_call(CALL, ToolCallOutput(outcome=ToolSuccess(payload=ToolValue(value)))).model_return.parts
    texts = [part.text if isinstance(part, TextReturnPart) else to_json(part.ref).decode() for part in shown]

    assert "".join(texts) == (value if isinstance(value, str) else to_json(value).decode())
    assert all(isinstance(a, AttachmentRef) or isinstance(b, AttachmentRef) for a, b in pairwise(shown))


def test_a_long_result_costs_little_for_each_item() -> None:
    """What the model sees, and what is traced, is made of the whole value at once."""
    numbers = list(range(5_000))
    output = ToolCallOutput(outcome=ToolSuccess(payload=ToolValue({"rows": numbers})))

    assert lines_run(lambda: completed_call(CALL, output)) < 3 * len(numbers)
    assert lines_run(lambda: TraceToolCallOutput.of(output)) < 100
    assert lines_run(output.attachments) < 100


@pytest.mark.parametrize("value", [{"rows": [[1], {"a": []}]}, [REF, []], "text"])
def test_what_is_traced_of_a_call_is_its_own(value: Json) -> None:
    """Whoever changes the value of a result later changes no record of it."""
    output = ToolCallOutput(outcome=ToolSuccess(payload=ToolValue(value)))
    traced = TraceToolCallOutput.of(output)
    before = to_json(traced)

    if isinstance(value, dict):
        value["rows"][1]["a"].append(2)
        value["more"] = 3
    elif isinstance(value, list):
        value[1].append(4)

    assert to_json(traced) == before


def test_a_completed_call_has_what_the_call_had() -> None:
    """Ids, arguments and provider metadata are the call's own; what the model sees follows from the output."""
    call = PreparedToolCall(call_id="c", tool_name="t", args={"a": 1})
    completed = completed_call(call, CANCELLED, duration_ms=7)
    assert (completed.call_id, completed.tool_name, completed.args, completed.duration_ms) == ("c", "t", {"a": 1}, 7)
    assert completed.model_return.parts == (TextReturnPart(text="[Tool execution cancelled]"),)
    assert to_json(completed).endswith(b'"duration_ms":7,"replay":null}')
    outcome = ToolOutcome(result=completed)
    assert expect_outcome(outcome, ToolOutcome).untagged() == ToolCallEffectOutcome(result=completed)


def test_an_outcome_of_another_kind_is_not_taken() -> None:
    """The error names both kinds."""
    with pytest.raises(RuntimeEffectControllerError, match="expected tool_call outcome, got sleep") as raised:
        expect_outcome(SleepOutcome(), ToolOutcome)
    assert raised.value.code == "runtime_effect_wrong_outcome"


@pytest.mark.parametrize(
    ("error", "record"),
    [
        (PluginError("session", "gone"), EffectErrorRecord(code="plugin", message="plugin session error: gone")),
        (StoreError("HeadRevisionConflict", "moved"), EffectErrorRecord(code="runtime_store", message="moved")),
        (RuntimeEffectControllerError("c", "m"), EffectErrorRecord(code="c", message="m")),
        (KeyError("k"), EffectErrorRecord(code="KeyError", message="'k'")),
    ],
)
def test_errors_become_controller_errors(error: Exception, record: EffectErrorRecord) -> None:
    """A plugin's and a store's errors have one code each, others keep theirs."""
    assert EffectErrorRecord.of(error) == record


def test_plugin_error_travels() -> None:
    """A written plugin error is the same one again."""
    text = '{"type":"snapshot","message":"no"}'
    record = from_json(text, PluginErrorRecord)
    assert (to_json(record).decode(), str(record.to_error())) == (text, "plugin snapshot error: no")
