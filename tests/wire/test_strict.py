"""What only a careful reading finds: keys given twice, numbers at the edges, missing tags, depth."""

from typing import Any

import pytest

from lash_nb.errors import WireError
from lash_nb.wire import (
    AttachmentRef,
    Json,
    LlmContentBlock,
    MediaType,
    ModelLimits,
    ProcessValueSelector,
    ProtocolEvent,
    RuntimeScope,
    RuntimeSubject,
    SessionNodeRecord,
    SessionPolicy,
    SubagentSessionContext,
    TokenUsage,
    ToolCallOutput,
    ToolValue,
    TraceRecord,
    TurnActivity,
    from_json,
    to_json,
)

_RECORD = '{"schema_version":2,"id":"i","timestamp":"t","context":{},"type":"custom","name":"n","payload":1'
_MARGIN = 127


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"session_id":"s","session_id":"s"}', RuntimeScope),
        ('{"session_id":"s","session\\u005fid":"s"}', RuntimeScope),
        ('{"session_id": "s", "session_id" : "s"}', RuntimeScope),
        ('{"type":"process","type":"process","process_id":"p"}', RuntimeSubject),
        ('{"Text":null,"Text":{"text":"a","cache_breakpoint":false}}', LlmContentBlock),
        (f'{_RECORD},"payload":2}}', TraceRecord),
        (f'{_RECORD},"id":"j"}}', TraceRecord),
        (f'{_RECORD},"type":"custom"}}', TraceRecord),
        ('{"id":"a","id":"b","correlation_id":"c","type":"error","message":"m"}', TurnActivity),
    ],
)
def test_known_key_given_twice_is_refused(text: str, kind: Any) -> None:
    """A field or tag of a typed record may be given once, however it is spelled."""
    with pytest.raises(WireError, match=r"given twice|exactly one"):
        from_json(text, kind)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"Image":null,"Text":{"text":"a","cache_breakpoint":false}}', LlmContentBlock),
        ('{"Text":{"text":"a","cache_breakpoint":false},"Image":null}', LlmContentBlock),
        ('{"pointer":"/a","present":"/a"}', ProcessValueSelector),
        ("{}", ProcessValueSelector),
    ],
)
def test_a_union_with_its_tag_outside_has_one_key(text: str, kind: Any) -> None:
    """A second variant is refused, and be it null."""
    with pytest.raises(WireError, match=r"one key|exactly one"):
        from_json(text, kind)


@pytest.mark.parametrize(
    ("text", "kind", "written"),
    [
        ('{"a":1,"a":2}', Json, '{"a":2}'),
        ('{"session_id":"s","x":1,"x":2}', RuntimeScope, '{"session_id":"s"}'),
        (
            '{"plugin_id":null,"plugin_id":"p","payload":{"a":1,"a":2}}',
            ProtocolEvent,
            '{"plugin_id":"p","payload":{"a":2}}',
        ),
        ('{"a":{"b":1,"b":2}}', ToolValue, '{"a":{"b":2}}'),
    ],
)
def test_last_one_wins_in_free_values(text: str, kind: Any, written: str) -> None:
    """Free values, unknown fields, and records that the reference reads as free values take the last of equal keys."""
    assert to_json(from_json(text, kind)).decode() == written


def test_session_policy_is_read_freely() -> None:
    """A policy, with everything in it, takes the last of equal keys and loses white space around the provider's id alone."""
    policy: SessionPolicy = from_json(
        '{"provider_id":"a","autonomous":null,"provider_id":" \\u001fb ","autonomous":true}', SessionPolicy
    )
    assert (policy.provider_id, policy.autonomous) == ("\x1fb", True)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("-0", "-0.0"),
        ("[-0]", "[-0.0]"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "1.8446744073709552e+19"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("-9223372036854775809", "-9.223372036854776e+18"),
        ("1" + "0" * 300, "1e+300"),
        ("1797" + "0" * 308 + ".25E-003", "1.797e+308"),
        ("[1.50,1e3,1E5]", "[1.5,1000.0,100000.0]"),
        ('"18446744073709551616"', '"18446744073709551616"'),
    ],
)
def test_free_numbers_follow_the_reference(text: str, written: str) -> None:
    """Integers beyond 64 bits and the integer -0 are floats in free values; text is left alone."""
    assert to_json(from_json(text)).decode() == written


@pytest.mark.parametrize("text", ["1" + "0" * 400, "-1e400", "[1e309]", "1" + "0" * 310 + "e-1"])
def test_numbers_beyond_every_double_are_refused(text: str) -> None:
    """A number that no double can hold is an error."""
    with pytest.raises(WireError):
        from_json(text)


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("turn_index", "-1", RuntimeScope),
        ("turn_index", "-0", RuntimeScope),
        ("turn_index", "1.0", RuntimeScope),
        ("turn_index", "18446744073709551616", RuntimeScope),
        ("turn_index", "true", RuntimeScope),
        ("input_tokens", "9223372036854775808", TokenUsage),
        ("depth", "256", SubagentSessionContext),
        ("context_window_tokens", "0", ModelLimits),
        ("width", "4294967296", AttachmentRef),
    ],
)
def test_integers_keep_to_their_range(field: str, value: str, kind: Any) -> None:
    """An integer field takes integers of its range, and nothing that only looks like one."""
    blank: dict[Any, str] = {
        RuntimeScope: '"session_id":"s"',
        TokenUsage: '"output_tokens":0,"cached_input_tokens":0',
        SubagentSessionContext: '"parent_session_id":"p","capability":"c","max_depth":1',
        ModelLimits: '"output_token_capacity":1',
        AttachmentRef: '"id":"a","media_type":{"kind":"image","type":"png"},"byte_len":1',
    }
    with pytest.raises(WireError):
        from_json(f'{{{blank[kind]},"{field}":{value}}}', kind)
    assert from_json(f'{{{blank[kind]},"{field}":1}}', kind)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('{"a":[', "]}")])
def test_depth_has_a_limit(opening: str, closing: str) -> None:
    """127 nested containers are read, 128 are refused; brackets inside texts do not count."""
    levels = _MARGIN if len(closing) == 1 else _MARGIN // 2
    rest = _MARGIN - levels * len(closing)
    text = "[" * rest + opening * levels + '"[[[{{{\\"[\\\\"' + closing * levels + "]" * rest
    assert from_json(text)
    with pytest.raises(WireError, match="deep"):
        from_json(f"[{text}]")


def test_many_containers_are_not_deep() -> None:
    """A wide document is no deep one."""
    text = "[" + ",".join(['{"a":[]}'] * 500) + "]"
    found: list[Json] = from_json(text, list[Json])
    assert len(found) == 500


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"type":"png"}', MediaType),
        ('{"id":"a","media_type":{"type":"png"},"byte_len":1}', AttachmentRef),
        (
            (
                '{"outcome":{"status":"success","payload":{"$lash_tool_value":"attachment",'
                '"ref":{"id":"a","media_type":{"type":"png"},"byte_len":1}}}}'
            ),
            ToolCallOutput,
        ),
    ],
)
def test_missing_tag_is_refused(text: str, kind: Any) -> None:
    """A tag is required, also where there is only one thing that it could say."""
    with pytest.raises(WireError):
        from_json(text, kind)


@pytest.mark.parametrize(
    "fields", ['"kind":"event"', '"kind":"plugin","plugin_type":"p"', '"kind":"plugin","body":1', '"kind":"plugin"']
)
def test_node_has_the_payload_of_its_kind(fields: str) -> None:
    """An event node needs its event, a plugin node its type and its body, which may be null."""
    with pytest.raises(WireError, match="needs"):
        from_json(f'{{"node_id":"n","timestamp":"t",{fields}}}', SessionNodeRecord)
    whole = '{"node_id":"n","timestamp":"t","kind":"plugin","plugin_type":"p","body":null}'
    assert to_json(from_json(whole, SessionNodeRecord)).decode() == whole
