"""The rules of processes: what they may register, what their events mean, and how events enter a log."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb import wire
from lash_nb.errors import PluginError, WireError
from lash_nb.wire import (
    ProcessAwaitCancelled,
    ProcessAwaitSuccess,
    ProcessEventAppendRequest,
    ProcessRecord,
    ProcessRegistration,
    ProcessScope,
    RuntimeReplay,
    SystemTime,
    from_builtins,
    from_json,
    materialize_process_event_semantics,
    prepare_process_event_append,
    to_builtins,
    to_json,
)
from tests.wire.documents import documents, free_values

EXTERNAL: Final = {
    "id": "p1",
    "input": {"type": "external"},
    "provenance": {"owner_scope": {"session_id": "root"}, "host_profile_id": "default"},
}
WAKE: Final = {
    "name": "note.wake",
    "payload_schema": {"schema": {"type": "object", "required": ["text"]}},
    "semantics": {"wake": {"when": {"present": "/text"}, "input": {"pointer": "/text"}}},
}


def registration(**changes: Any) -> ProcessRegistration:
    """A registration of something that runs elsewhere."""
    return from_builtins(EXTERNAL | changes, ProcessRegistration)


def record(**changes: Any) -> ProcessRecord:
    """A running process that can wake."""
    prepared = registration(event_types=[WAKE]).prepare()
    return from_builtins(
        to_builtins(prepared) | {"registration_hash": prepared.hash(), "created_at_ms": 1} | changes, ProcessRecord
    )


def request(event_type: str, payload: Any, key: str | None = "k") -> ProcessEventAppendRequest:
    """A request that wakes one agent frame, if it wakes."""
    scope = ProcessScope(session_id="s", agent_frame_id="f")
    replay = None if key is None else RuntimeReplay(key=key)
    return ProcessEventAppendRequest(event_type=event_type, payload=payload, replay=replay, wake_target_scope=scope)


def meaning(payload: Any, **spec: Any) -> Any:
    """What an event with this payload means, as JSON."""
    semantics = from_builtins(spec, wire.ProcessEventSemanticsSpec)
    return to_builtins(materialize_process_event_semantics("p1", 7, payload, semantics))


def told(payload: Any, selector: Any) -> str:
    """What a wake with this selector tells."""
    text: str = meaning(payload, wake={"input": selector})["wake"]["input"]
    return text


def test_a_prepared_registration_has_the_core_event_types_and_a_known_hash() -> None:
    """Every store of the reference would give the plainest process the same hash."""
    prepared = registration().prepare()

    assert [declared.name for declared in prepared.event_types] == [
        "process.cancel_requested",
        "process.completed",
        "process.failed",
        "process.cancelled",
    ]
    assert prepared.hash() == "47dadf550f903d5cd3cd49ef0910c9106d52c9873c20ca4d19be8b991f0f9a3b"
    assert prepared.prepare() == prepared


def test_a_core_event_type_of_the_processes_own_stays_where_it_is() -> None:
    """What is declared is neither moved nor replaced; what is missing comes behind it."""
    own = {"name": "process.failed", "payload_schema": {"schema": {}}, "semantics": {}}
    prepared = registration(event_types=[WAKE, own]).prepare()

    assert [declared.name for declared in prepared.event_types] == [
        "note.wake",
        "process.failed",
        "process.cancel_requested",
        "process.completed",
        "process.cancelled",
    ]
    assert prepared.event_types[1].semantics.terminal is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": "\u3000 "}, "blank"),
        ({"provenance": {"owner_scope": {"session_id": ""}, "host_profile_id": "h"}}, "owner"),
        ({"provenance": {"owner_scope": {"session_id": " "}, "host_profile_id": "\n"}}, "host profile"),
        ({"event_types": [WAKE, WAKE]}, "`note.wake` twice"),
        ({"event_types": [WAKE | {"name": ""}]}, "without a name"),
        ({"event_types": [WAKE | {"semantics": {"terminal": {"state": "failed"}}}]}, "await_output"),
    ],
)
def test_an_unfit_registration_is_refused(changes: dict[str, Any], reason: str) -> None:
    """Each rule has its own message, which names the process."""
    with pytest.raises(PluginError, match=reason) as caught:
        registration(**changes).prepare()
    assert caught.value.code == "plugin"


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ("payload", '{"a":[1,{"b":"x"}],"n":0.00001}'),
        ({"pointer": ""}, '{"a":[1,{"b":"x"}],"n":0.00001}'),
        ({"pointer": "/a/1/b"}, "x"),
        ({"pointer": "/n"}, "0.00001"),
        ({"const": None}, "null"),
        ({"present": "/a/1"}, "true"),
        ({"present": "/a/01"}, "false"),
        ({"present": "/a/+1"}, "false"),
        ({"present": "/a/-"}, "false"),
        ({"present": "a"}, "false"),
        ({"template": {"template": "{y}{x}", "fields": {"y": {"const": "Y"}, "x": {"const": "{y}"}}}}, "YY"),
        ({"template": {"template": "{y}{x}", "fields": {"x": {"const": "X"}, "y": {"const": "{x}"}}}}, "{x}X"),
    ],
)
def test_a_selector_finds_its_value(selector: Any, text: str) -> None:
    """Text is told as it is, other values as JSON; templates are filled in by name."""
    assert told({"n": 1e-5, "a": [1, {"b": "x"}]}, selector) == text


@pytest.mark.parametrize("value", [None, False, "", [], {}, 0, 0.0, True, "x", [0]])
def test_a_wake_waits_for_its_condition(value: Any) -> None:
    """Nothing, false and what is empty hold a wake back; numbers never do."""
    woken = meaning(value, wake={"when": "payload", "input": "payload", "dedupe_key": {"const": "d"}})

    assert bool(woken) == (value not in (None, False, "", [], {}) or type(value) in (int, float))


def test_a_pointer_that_finds_nothing_is_an_error() -> None:
    """Nothing is guessed: the event does not enter the log."""
    with pytest.raises(PluginError, match="/b` did not match"):
        told({"a": 1}, {"pointer": "/b"})


def test_an_output_is_taken_as_it_is_and_other_words_by_the_declared_state() -> None:
    """A process that tells an output tells how it ended; the declared state stands beside it unchanged."""
    spec = {"state": "failed", "await_output": {"pointer": "/out"}}

    assert meaning({"out": {"type": "success", "value": 1}}, terminal=spec) == {
        "terminal": {"state": "failed", "await_output": {"type": "success", "value": 1}}
    }
    assert meaning({"out": {"type": "success"}}, terminal=spec)["terminal"]["await_output"] == {
        "type": "failure",
        "class": "execution",
        "code": "process_failed",
        "message": '{"type":"success"}',
        "raw": {"type": "success"},
    }


def test_a_null_that_was_selected_is_written_and_reads_back_as_nothing() -> None:
    """The event says what was selected; whoever reads it again learns only that there was nothing."""
    semantics = from_builtins(
        {"terminal": {"state": "cancelled", "await_output": "payload"}}, wire.ProcessEventSemanticsSpec
    )
    written = to_json(materialize_process_event_semantics("p1", 1, None, semantics))

    assert b'"message":"null","raw":null' in written
    read = from_json(written, wire.ProcessEventSemantics)
    assert read.terminal is not None
    assert read.terminal.await_output == ProcessAwaitCancelled(message="null")


def test_a_terminal_event_ends_its_process_once() -> None:
    """The status follows from the event; after that only a replay is accepted."""
    ended = prepare_process_event_append(
        record(), request("process.completed", {"await_output": 5}), sequence=1, occurred_at_ms=1_234
    )
    assert ended.status_update == wire.ProcessCompleted(await_output=ProcessAwaitSuccess(value=5))
    assert ended.event.occurred_at == SystemTime(secs_since_epoch=1, nanos_since_epoch=234_000_000)

    terminal = record(status=to_builtins(ended.status_update))
    with pytest.raises(PluginError, match="already terminal"):
        prepare_process_event_append(
            terminal, request("process.failed", {"await_output": 5}, "k2"), sequence=2, occurred_at_ms=2
        )


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (request("note.other", {}), "not declared"),
        (request("process.completed", {"await_output": 1}, None), "replay key"),
        (request("process.cancel_requested", {}, ""), "replay key"),
        (request("note.wake", {}), "text: required property missing"),
        (ProcessEventAppendRequest(event_type="note.wake", payload={"text": "x"}), "without a wake target scope"),
    ],
)
def test_an_unfit_event_is_refused(asked: ProcessEventAppendRequest, reason: str) -> None:
    """Nothing enters the log, and the message names process and type."""
    with pytest.raises(PluginError, match=reason):
        prepare_process_event_append(record(), asked, sequence=1, occurred_at_ms=1)


@given(
    event_type=st.sampled_from(["note.wake", "process.failed", "process.cancel_requested"]),
    text=free_values(),
    later=st.integers(0, 2**64 - 1),
)
def test_a_replay_gives_the_event_that_is_there(event_type: str, text: Any, later: int) -> None:
    """Same key, same payload: same event and wake, whatever sequence and time it would have now, and no change of status."""
    asked = request(event_type, {"text": text, "await_output": text})
    first = prepare_process_event_append(record(), asked, sequence=3, occurred_at_ms=9)
    stored = (first.payload_hash, first.event)
    again = prepare_process_event_append(record(), asked, sequence=later, stored=stored, occurred_at_ms=later)

    assert (again.event, again.wake_delivery) == (first.event, first.wake_delivery)
    assert (again.replayed, again.status_update, again.occurred_at_ms) == (True, None, later)
    other = request(event_type, {"text": [text], "await_output": text})
    with pytest.raises(PluginError, match="conflicts"):
        prepare_process_event_append(record(), other, sequence=4, stored=stored, occurred_at_ms=9)


def test_a_wake_names_its_target_and_reads_well() -> None:
    """The delivery aims at the frame of the request; its text is what the model reads."""
    woken = prepare_process_event_append(
        record(), request("note.wake", {"text": "done"}, None), sequence=4, occurred_at_ms=5
    ).wake_delivery
    assert woken is not None
    cause = wire.process_wake_turn_cause(woken)

    assert (woken.target_session_id, woken.target_scope_id) == ("s", "session:s/frame:f")
    assert woken.dedupe_key == "p1:4"
    assert cause.id == woken.wake_id == "wake:" + wire.stable_hash(["session:s/frame:f", "p1:4"])
    assert cause.text == "Background process wake\nProcess: p1\nEvent: note.wake #4\nWake input:\ndone"


@pytest.mark.parametrize(
    ("payload", "text"),
    [({"text": None, "value": 1}, "null"), ({"value": "v"}, "v"), ([1], "[1]"), ("plain", '"plain"'), ({}, "{}")],
)
def test_a_raw_wake_tells_its_text_else_its_value_else_all(payload: Any, text: str) -> None:
    """What stands there counts, and be it null."""
    assert wire.process_wake_input_from_event_payload(payload) == text


@given(output=documents(wire.ProcessAwaitOutput))
def test_an_output_survives_being_a_tools(output: Any) -> None:
    """From process to tool and back nothing is lost, but for plain JSON that looks like an attachment."""
    value = from_builtins(output, wire.ProcessAwaitOutput)
    back = wire.process_await_output(value.into_tool_output())

    assert back == value
    assert back.terminal_state == value.terminal_state


@given(milliseconds=st.integers(0, 2**64 - 1))
def test_a_time_point_keeps_its_milliseconds(milliseconds: int) -> None:
    """Milliseconds make a time point, and the time point gives them back."""
    assert SystemTime.from_epoch_ms(milliseconds).epoch_ms == milliseconds


def test_nanoseconds_carry_into_seconds() -> None:
    """Two spellings of one time point are equal; the carry may not lead past the last second."""
    assert from_json(b'{"nanos_since_epoch":4000000007,"secs_since_epoch":1}', SystemTime) == SystemTime(
        secs_since_epoch=5, nanos_since_epoch=7
    )
    with pytest.raises(WireError, match="too many"):
        from_json(b'{"secs_since_epoch":9223372036854775807,"nanos_since_epoch":1000000000}', SystemTime)
