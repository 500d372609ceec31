"""Where a turn could go on: every tool call has one result, and an id is free again once its call has one."""

import pytest

from lash_nb.wire import Message, Part, PartKind, ResumeSafety, messages_are_prompt_resume_safe


def message(kind: PartKind, call_id: str, *, role: str = "") -> Message:
    """A message with one part of a tool call."""
    part = Part(id="m.p0", kind=kind, content="", prune_state="Intact", tool_call_id=call_id, tool_name="weather")
    usual = "Assistant" if kind == "ToolCall" else "User"
    return Message(id="m", role=role or usual, parts=(part,))  # type: ignore[arg-type]  # a role


CALL, RESULT = message("ToolCall", "a"), message("ToolResult", "a")
OTHER_CALL, OTHER_RESULT = message("ToolCall", "b"), message("ToolResult", "b")


@pytest.mark.parametrize(
    ("messages", "is_safe"),
    [
        ([], True),
        ([CALL], False),
        ([CALL, RESULT], True),
        ([CALL, OTHER_CALL, RESULT, OTHER_RESULT], True),
        ([CALL, RESULT, CALL], False),
        ([CALL, RESULT, CALL, RESULT], True),
        ([CALL, CALL, RESULT, RESULT], False),
        ([CALL, RESULT, RESULT], False),
        ([RESULT, CALL], False),
        ([CALL, OTHER_RESULT], False),
        ([message("ToolCall", " "), message("ToolResult", " ")], False),
        ([message("ToolCall", "a", role="User"), RESULT], False),
        ([CALL, message("ToolResult", "a", role="Assistant")], False),
    ],
)
def test_a_point_to_go_on_from_has_one_result_for_each_call(messages: list[Message], is_safe: bool) -> None:
    """Read at once, and with a checker that forks after every message while the first one goes on."""
    assert messages_are_prompt_resume_safe(messages) is is_safe
    checker = ResumeSafety()
    for one in messages:
        before, checker = checker, checker.fork().feed([one])
        before.feed([CALL])
    assert checker.is_safe is is_safe
