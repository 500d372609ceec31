"""What the reference leaves unread may hold what it could not read; what it reads may not."""

from contextlib import suppress
from typing import Any, Final

import pytest

from lash_nb import wire
from lash_nb.errors import WireError
from lash_nb.wire import (
    Json,
    MediaType,
    ModelLimits,
    ProcessHandleGrantEntry,
    ProcessValueSelector,
    ProtocolEvent,
    RuntimeEffectCommand,
    RuntimeInvocation,
    RuntimeScope,
    RuntimeSubject,
    SessionGraph,
    SessionPolicy,
    ToolCallOutcome,
    ToolDefinition,
    ToolValue,
    TraceRecord,
    TurnActivity,
    TurnInput,
    from_json,
    to_json,
)

UNREADABLE: Final = {
    "large number": "1e400",
    "long number": "9" * 400,
    "number within": '[{"a":-1e999}]',
    "half a pair": '"\\ud800"',
    "other half": '["\\udc00\\ud800"]',
    "half a pair in a key": '{"\\ud83d":1}',
    "many lists": "[" * 128 + "]" * 128,
    "many objects": '{"a":' * 300 + "1" + "}" * 300,
    "given twice": '1e400,"unknown":1',
}

_SCOPE: Final = '{"session_id":"s"X}'
_CANCELLED: Final = '"payload":{"message":"m","source":"tool"'
_ENTRY: Final = (
    '[{"session_id":"s","process_id":"p","descriptor":{}X},'
    '{"id":"p","registration_hash":"h","input":{"type":"external"},"provenance":'
    '{"owner_scope":{"session_id":"s"},"host_profile_id":"h"}}]'
)

UNREAD: Final = [
    (_SCOPE, RuntimeScope),
    (f'{{"scope":{_SCOPE},"subject":{{"type":"process","process_id":"p"}}}}', RuntimeInvocation),
    ('{"nodes":[]X}', SessionGraph),
    ('{"kind":"image","type":"png"X}', MediaType),
    (_ENTRY, ProcessHandleGrantEntry),
    (f'{{"status":"cancelled",{_CANCELLED}X}}}}', ToolCallOutcome),
    (f'{{{_CANCELLED}}},"status":"cancelled"X}}', ToolCallOutcome),
    ('{"template":{"template":"t","fields":{"a":{"template":{"template":""X}}}}}', ProcessValueSelector),
    ('{"schema_version":2,"id":"i","timestamp":"t","context":{"run_id":"r"X},"type":"turn_started"}', TraceRecord),
]
"""Records that are read straight from the text; `X` is where something unknown may stand."""

READ: Final = [
    ("[1X]", Json),
    ('{"a":1X}', ToolValue),
    ('{"plugin_id":"p","payload":1X}', ProtocolEvent),
    ('{"provider_id":"p"X}', SessionPolicy),
    ('{"context_window_tokens":1X}', ModelLimits),
    ('{"type":"process","process_id":"p"X}', RuntimeSubject),
    ('{"type":"sleep","duration_ms":1X}', RuntimeEffectCommand),
    ('{"type":"tool_call","call":{"call_id":"c","tool_name":"t","args":1X}}', RuntimeEffectCommand),
    (f'{{{_CANCELLED}X}},"status":"cancelled"}}', ToolCallOutcome),
    ('{"id":"t","name":"n","description":"d"X}', ToolDefinition),
    ('{"id":"a","correlation_id":"c","type":"error","message":"m"X}', TurnActivity),
    ('{"schema_version":2,"id":"i","timestamp":"t","context":{},"type":"turn_started"X}', TraceRecord),
    (
        '{"nodes":[{"node_id":"n","timestamp":"t","kind":"plugin","plugin_type":"p","body":1X}]}',
        SessionGraph,
    ),
]
"""Records that are read as a whole first."""


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize(("text", "kind"), UNREAD)
def test_what_is_left_unread_need_only_be_json(text: str, kind: Any, value: str) -> None:
    """The value of a key that a record does not know may be anything, and changes nothing."""
    plain = from_json(text.replace("X", ""), kind)
    assert from_json(text.replace("X", f',"unknown":{value}'), kind) == plain
    with pytest.raises(WireError, match="not JSON"):
        from_json(text.replace("X", f',"unknown":[{value},01]'), kind)


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize(("text", "kind"), READ)
def test_what_is_read_must_be_readable(text: str, kind: Any, value: str) -> None:
    """Free values, and what stands behind a tag or in a flat record, are read whether known or not."""
    separator = "," if text.startswith("[") else ',"unknown":'
    with pytest.raises(WireError):
        from_json(text.replace("X", f"{separator}{value}"), kind)
    assert from_json(text.replace("X", ""), kind) is not None


def test_an_unread_key_is_read() -> None:
    """The key itself must be a text, though nobody wants what it leads to."""
    with pytest.raises(WireError, match="surrogate"):
        from_json(_SCOPE.replace("X", ',"\\ud800":1'), RuntimeScope)


def test_the_fault_is_named_with_its_place() -> None:
    """The message tells the number and the path to it."""
    with pytest.raises(WireError, match=r"1e400.* at `\$.turn_index`"):
        from_json('{"session_id":"s","x":"\\ud800","turn_index":1e400}', RuntimeScope)


def test_pairs_of_surrogates_are_characters() -> None:
    """Two halves are one character, whatever stands around them; an escaped backslash separates them."""
    assert from_json('"\\ud83d\\ude00\\\\ud800"') == "😀\\ud800"
    for text in ('"\\ud83d\\\\\\ude00"', '"\\\\\\ud83d\\\\ude00"', '"\\ud83d\\ud83d\\ude00\\ude00"'):
        with pytest.raises(WireError, match="surrogate"):
            from_json(text)


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("text", ["{}", '{{"session_id":1,"x":{}}}'])
def test_names_of_numbers_are_no_json(text: str, name: str) -> None:
    """JSON has no word for what is no number."""
    with pytest.raises(WireError):
        from_json(text.format(name), RuntimeScope if "session" in text else Json)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"items":[],"image_blobs":{"a":"no bytes","a":[1]}}', TurnInput),
        ('{"items":[],"image_blobs":{"a":[256],"a":[1]}}', TurnInput),
        ('{"template":{"template":"t","fields":{"a":1,"a":"payload"}}}', ProcessValueSelector),
        ('{"template":{"template":"t","fields":{"a":{"pointer":1},"a":"payload"}}}', ProcessValueSelector),
        ('{"template":{"template":"t","fields":{"a":null,"a":"payload"}}}', ProcessValueSelector),
        ('{"template":{"template":"t","fields":{"a":{"const":1,"const":1},"a":"payload"}}}', ProcessValueSelector),
        ('{"slots":{"guidance":{"reset":1},"guidance":{}}}', wire.PromptLayer),
    ],
)
def test_a_replaced_entry_of_a_map_is_read(text: str, kind: Any) -> None:
    """Of equal keys in a map of typed values the last one wins, but each must be such a value."""
    with pytest.raises(WireError, match=r"twice|not a valid"):
        from_json(text, kind)


def test_the_last_entry_of_a_map_wins() -> None:
    """Where all values of a key are of the map's type, the last one is taken."""
    text = '{"template":{"template":"t","fields":{"a":"payload","a":{"pointer":"/a"}}}}'
    written = '{"template":{"template":"t","fields":{"a":{"pointer":"/a"}}}}'
    assert to_json(from_json(text, ProcessValueSelector)).decode() == written


def test_every_type_is_read_with_care() -> None:
    """No type is too special to be checked: an object that fits hardly anything ends in an error or a value."""
    for name in wire.__all__:
        kind = getattr(wire, name)
        if isinstance(kind, type) and issubclass(kind, wire.Wire):
            with suppress(WireError):
                from_json('{"a":1e400,"a":1}', kind)


def test_what_is_left_unread_has_an_end() -> None:
    """Hundreds of levels in a value that nobody reads are passed over; without end they are refused in one line, not a crash."""
    text = '{"session_id":"s","turn_id":"t","turn_index":1,"protocol_iteration":0,"unknown":DEEP}'

    assert from_json(text.replace("DEEP", "[" * 900 + "]" * 900), RuntimeScope).session_id == "s"
    with pytest.raises(WireError, match="not a valid RuntimeScope"):
        from_json(text.replace("DEEP", "[" * 100_000 + "]" * 100_000), RuntimeScope)
