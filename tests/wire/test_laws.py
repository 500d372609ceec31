"""Laws of reading and writing, on documents of every large type."""

import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb import wire
from lash_nb.wire import Json, from_builtins, from_json, to_builtins, to_json
from tests.wire.documents import documents, free_values

KINDS: Final[dict[str, Any]] = {
    "Json": Json,
    "LlmRequest": wire.LlmRequest,
    "Message": wire.Message,
    "PluginMessage": wire.PluginMessage,
    "ProcessCommand": wire.ProcessCommand,
    "ProcessEffectOutcome": wire.ProcessEffectOutcome,
    "ProcessEventType": wire.ProcessEventType,
    "ProcessRecord": wire.ProcessRecord,
    "ProcessWakeDelivery": wire.ProcessWakeDelivery,
    "QueuedWorkBatch": wire.QueuedWorkBatch,
    "RuntimeEffectEnvelope": wire.RuntimeEffectEnvelope,
    "RuntimeEffectOutcome": wire.RuntimeEffectOutcome,
    "SessionCreateRequest": wire.SessionCreateRequest,
    "SessionEvent": wire.SessionEvent,
    "SessionGraph": wire.SessionGraph,
    "SessionPolicy": wire.SessionPolicy,
    "ToolCallOutput": wire.ToolCallOutput,
    "ToolDefinition": wire.ToolDefinition,
    "TraceRecord": wire.TraceRecord,
    "TurnActivity": wire.TurnActivity,
    "TurnInput": wire.TurnInput,
    "TurnOutcome": wire.TurnOutcome,
}
FLAT: Final = {"TraceRecord": (wire.TraceRecord, "event"), "TurnActivity": (wire.TurnActivity, "event")}


def _given(data: st.DataObject, name: str) -> Any:
    """Draw a value of a kind; of a flat record, whose document is not its fields, head and event are joined."""
    document = data.draw(documents(KINDS[name]))
    if name in FLAT:
        document |= document.pop("event")
    return from_builtins(document, KINDS[name])


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@settings(max_examples=15)
def test_what_is_written_is_read_back(name: str, data: st.DataObject) -> None:
    """Decoding undoes encoding, from text and from dicts and lists."""
    value = _given(data, name)
    assert from_json(to_json(value), KINDS[name]) == value
    assert from_builtins(to_builtins(value), KINDS[name]) == value


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@settings(max_examples=15)
def test_canonical_form_does_not_depend_on_how_it_was_written(name: str, data: st.DataObject) -> None:
    """White space, escapes and the order of keys change nothing; writing twice gives the same bytes."""
    value = _given(data, name)
    written = to_json(value)
    shuffled = _shuffled(json.loads(written), data.draw(st.randoms(use_true_random=False)))
    indent = data.draw(st.sampled_from([None, 1]))
    again = from_json(json.dumps(shuffled, indent=indent, ensure_ascii=data.draw(st.booleans())), KINDS[name])
    assert to_json(again) == written


def _shuffled(value: Any, random: Any) -> Any:
    if isinstance(value, list):
        return [_shuffled(item, random) for item in value]
    if isinstance(value, dict):
        keys = random.sample(list(value), len(value))
        return {key: _shuffled(value[key], random) for key in keys}
    return value


@given(value=free_values())
def test_free_values_are_json_with_sorted_keys(value: Any) -> None:
    """A free value is written as Python's own encoder would, but for floats; keys are sorted by code point."""
    assert json.loads(to_json(value)) == json.loads(json.dumps(value))
    assert [*_keys(json.loads(to_json(value)))] == [*_keys(json.loads(json.dumps(value, sort_keys=True)))]


def _keys(value: Any) -> Any:
    if isinstance(value, dict):
        yield list(value)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(item)


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_floats_keep_every_bit(value: float) -> None:
    """A float is written with digits that give the same float, and in the layout of the reference."""
    written = to_json(value).decode()
    assert float(written).hex() == value.hex()
    assert written == _reference_layout(value)


def _reference_layout(value: float) -> str:
    """Lay a float out as the reference does (effect wire format §1.4), from Python's own shortest digits."""
    digits, _, exponent = repr(value).partition("e")
    if not exponent:
        return digits
    if int(exponent) == -5:
        sign = "-" if digits.startswith("-") else ""
        return f"{sign}0.0000{digits.lstrip('-').replace('.', '')}"
    return f"{digits}e{'+' if int(exponent) > 0 else '-'}{abs(int(exponent))}"
