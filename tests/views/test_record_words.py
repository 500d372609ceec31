"""What records say, of every kind and release: in words, with their facts, and aloud where the host kept texts out."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest

from lash_nb.trace import kind_of, read_fact, read_trace
from lash_nb.views import TraceExplorerView, TraceTimelineView, summary_text, text, trace_report
from lash_nb.views._json import inline
from lash_nb.views._trace_explorer_said import said
from tests.trace.golden import golden_records
from tests.trace.lines import record

TOLD: Final[Mapping[str, Sequence[str]]] = {
    "llm_call_failed": ["error_code"],
    "tool_call_started": ["name", "args"],
    "tool_call_completed": ["name"],
    "tool_receipt": ["name", "terminal"],
    "turn_completed": ["status", "done_reason", "next_frame"],
    "provider_request": ["name", "raw_json"],
    "provider_stream_event": ["name", "raw_json"],
    "provider_event": ["name", "direction", "raw_json"],
    "runtime_stream_event": ["name", "stream_text", "tool_name", "input_json", "block_phase"],
    "lashlang_execution": ["name", "entry_name", "label", "error_message"],
    "protocol_step": ["name", "phase", "code", "output"],
    "custom": ["name", "payload"],
    "exec_code_started": ["code"],
    "exec_code_completed": ["output", "error_message"],
    "exec_code_failed": ["error_message"],
    "composition_changed": ["prompt_text"],
    "journaled_effect_settled": ["name", "status"],
    "durable_wait_resolved": ["name", "status"],
    "store_error_observed": ["name", "error_class", "error_message"],
}
"""The facts that a record of each kind shows in its row."""


def as_text(value: Any) -> str:
    """A fact as it is written in a row."""
    return value if isinstance(value, str) else inline(value)


def bare(body: Mapping[str, Any]) -> str:
    """A record as JSON, without what its columns show."""
    head = {"schema_version", "id", "timestamp", "context", "type", "content"}
    return inline({name: value for name, value in body.items() if name not in head})


@pytest.mark.parametrize("kind", TOLD)
def test_a_record_shows_its_facts_whatever_release_wrote_it(kind: str) -> None:
    """Every golden record of a kind is told by its facts, not by its JSON."""
    bodies = [body for body in golden_records() if kind_of(body["type"]) == kind]
    told = [(body, [fact for fact in TOLD[kind] if read_fact(fact, body) not in (None, "")]) for body in bodies]
    missing = [
        (body["schema_version"], fact, said(kind, body))
        for body, facts in told
        for fact in facts
        if as_text(read_fact(fact, body)) not in said(kind, body)
    ]
    raw = [body for body, facts in told if facts and said(kind, body) == bare(body)]

    assert bodies
    assert missing == []
    assert raw == []


def of_version_1(kind: str, **members: Any) -> dict[str, Any]:
    """A record of version 1."""
    return {**record(0, kind, **members), "schema_version": 1}


OLD_RESULTS: Final = [
    (of_version_1("tool_call_completed", call_id="c", name="read", args={}, success=True, result="12 lines"), "read → 12 lines"),
    (of_version_1("tool_call_completed", call_id="c", name="read", success=True, result={"a": 1}), 'read → {"a": 1}'),
    (of_version_1("tool_call_completed", call_id="c", name="read", success=False, result="no file"), "read: no file"),
    (of_version_1("mode_step", mode="runtime", payload={"x": 1}), 'runtime {"x": 1}'),
    (of_version_1("turn_completed", status="failed", done_reason="max_turns"), "max_turns · failed"),
    (of_version_1("turn_completed", status="failed", done_reason="cancelled"), "cancelled · written as failed"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "words"), OLD_RESULTS, ids=[words for _, words in OLD_RESULTS])
def test_the_oldest_release_says_its_results(body: dict[str, Any], words: str) -> None:
    """Version 1 has a truth value and a result beside each other."""
    assert said(kind_of(body["type"]), body) == words


def test_messages_of_every_release_are_told_alike() -> None:
    """No request or reply of any release is shown as the JSON of its blocks."""
    told = [
        said(body["type"], body)
        for body in golden_records()
        if body["type"] in ("llm_call_started", "llm_call_completed") and body.get("content") != "omitted"
    ]

    assert [words for words in told if '"blocks"' in words or words.startswith(('{"request"', '{"response"'))] == []
    assert any("[" in words and "image/png" in words for words in told)


WITHHELD: Final[Mapping[str, Mapping[str, Any]]] = {
    "llm_call_started": {"request": {"model": "m", "messages": []}},
    "llm_call_completed": {"response": {"text": ""}},
    "tool_call_started": {"call_id": "c", "name": "read", "args": None},
    "tool_call_completed": {"call_id": "c", "name": "read", "args": None, "output": {"outcome": {"status": "success"}}},
    "composition_changed": {"fingerprint": "ab", "rendered_system_prompt": "", "tool_schemas": []},
    "exec_code_started": {"code": "", "code_chars": 9},
    "exec_code_completed": {"output": "", "error": None},
    "exec_code_failed": {"error": ""},
    "protocol_step": {"plugin_id": "notes", "payload": None},
    "provider_event": {"event": {"direction": {"direction": "response", "event_name": "x"}, "raw_len": 9, "raw_json_omitted_reason": "content_policy"}},
    "runtime_stream_event": {"event": {"payload": {"type": "text_part", "text": ""}}},
}  # fmt: skip
"""Records of version 36 as the host's default writes them."""


def withheld_records() -> list[dict[str, Any]]:
    """One of each kind."""
    return [
        {**record(at, kind, context={"llm_call_id": "l"}, **members), "schema_version": 36, "content": "omitted"}
        for at, (kind, members) in enumerate(WITHHELD.items())
    ]


@pytest.mark.parametrize("kind", WITHHELD)
def test_a_withheld_text_is_not_an_empty_one(kind: str) -> None:
    """A row of a record whose texts the host kept out says so, and so does the record beside it."""
    view = TraceExplorerView(read_trace([one for one in withheld_records() if one["type"] == kind]))
    view.select(0)

    assert "withheld" in "".join(view.first["rows"][0]["what"])
    assert view.detail["note"] == f"{kind} · texts withheld by the host"
    assert "withheld" in text(view)


def test_a_text_that_is_there_is_not_called_withheld() -> None:
    """The same records of a host that writes everything say nothing of the sort."""
    view = TraceExplorerView(read_trace([{**one, "content": "captured"} for one in withheld_records()]))
    rows = ["".join(row["what"]) for row in view.first["rows"] if row["word"] != "stream"]

    assert not any("withheld" in words for words in rows)


def test_the_timeline_tells_old_results_and_withheld_ones() -> None:
    """The call beside the timeline reads its record as every other face does."""
    old = TraceTimelineView(read_trace([OLD_RESULTS[0][0]]), selection="tool_call c")
    new = TraceTimelineView(
        read_trace([one for one in withheld_records() if "tool" in one["type"]]), selection="tool_call c"
    )

    assert {one["name"]: one["json"] for one in old.detail["sections"]} == {"Arguments": "{}", "Result": '"12 lines"'}
    assert [one["json"] for one in new.detail["sections"]] == ['"withheld"', '"withheld"']


def test_the_faces_of_a_whole_trace_say_what_was_withheld() -> None:
    """Summary and report tell of how many records, and the report says it at each call."""
    trace = read_trace([record(0, "turn_started"), *withheld_records()])
    page = "".join(trace_report(trace))

    assert "withheld     11 records" in summary_text(trace)
    assert "withheld</dt><dd>11 records" in page
    assert "texts withheld by the host" in page
    assert "(withheld)" in page
    assert "withheld" not in summary_text(read_trace([record(0, "turn_started")]))
