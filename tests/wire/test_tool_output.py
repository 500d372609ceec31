"""What a tool's output is to code, to the model and to a list of attachments."""

import pytest

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
    completed_call,
    expect_outcome,
    format_tool_output_content,
    from_json,
    to_json,
)

REF = AttachmentRef(id="a", media_type=MediaType(type="png"), byte_len=1)
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
