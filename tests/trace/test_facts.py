"""What facts are called in which release: the table is held to the golden records of all releases."""

import re
from collections import defaultdict
from typing import Any, Final

import pytest

from lash_nb.trace import CONTEXT_FACTS, RECORD_FACTS, is_withheld, kind_of, member, read_fact
from lash_nb.trace._facts import ATTEMPT_FACTS, RECORD_TYPES
from lash_nb.trace._told import plain_schema
from tests.trace.golden import golden, golden_records

NO_GOLDEN: Final = frozenset({"1", "36"})
"""Versions of which golden data has nothing, or a little put together by hand."""
OURS: Final = frozenset({"waited_ms"})
"""Facts that no release of lash writes: it steps through no turn."""
RARE: Final = frozenset({("served_model", "llm_call_failed"), ("cause", "llm_call_failed")})
"""Facts that a kind of record can have and no golden one has."""


def by_kind() -> dict[str, list[dict[str, Any]]]:
    """All golden records by what they are about."""
    found = defaultdict(list)
    for record in golden_records():
        found[kind_of(record["type"])].append(record)
    return found


def test_each_place_is_one_where_lash_wrote_the_fact() -> None:
    """Some golden record has a value at each place of the table, but for versions of which there is no golden data."""
    records = by_kind()
    places = [(name, kind, place) for name, kinds in RECORD_FACTS.items() for kind in kinds for place in kinds[kind]]
    missing = {
        (name, kind, place.path)
        for name, kind, place in places
        if place.versions not in NO_GOLDEN
        and (name, kind) not in RARE
        and all(member(record, place.path) is None for record in records[kind])
    }

    assert missing == set()


def test_each_place_of_a_context_and_of_an_attempt_is_one_where_lash_wrote_the_fact() -> None:
    """The same for contexts and for the attempts of calls."""
    contexts = [record["context"] for record in golden_records()]
    attempts = [attempt for record in golden_records() for attempt in record.get("attempts", ())]
    missing = {
        (name, place.path)
        for facts, values in ((CONTEXT_FACTS, contexts), (ATTEMPT_FACTS, attempts))
        for name, places in facts.items()
        for place in places
        if name not in OURS
        and place.versions not in NO_GOLDEN
        and all(member(value, place.path) is None for value in values)
    }

    assert missing == set()


def test_a_fact_is_asked_of_known_kinds() -> None:
    """No kind in the table is misspelt: each is one that some type of record has."""
    kinds = {known.kind for known in RECORD_TYPES.values()}

    assert {kind for kinds_of in RECORD_FACTS.values() for kind in kinds_of} <= kinds


@pytest.mark.parametrize(
    "name", ["v2_alpha9_types", "v2_alpha12_types", "v2_frame_switch", "v7_frame_switch", "v36_byhand"]
)
def test_where_a_switched_turn_goes_on(name: str) -> None:
    """The next session or frame is one fact, whether it is a handoff, a frame's id or its key."""
    trace = golden(name)
    (turn, *_) = [turn for turn in trace.turns if turn.status == "switched"]
    body = trace[turn.end_row or 0]

    assert read_fact("next_frame", body)
    assert read_fact("next_frame", body) in str(body)


@pytest.mark.parametrize(
    ("name", "version"),
    [("v2_alpha9_types", 2), ("v2_types", 2), ("v7_types", 7), ("v8_to_v24_byhand", 8), ("v25_to_v35_byhand", 25)],
)
def test_how_a_turn_ended(name: str, version: int) -> None:
    """Status and reason are found at the top of the record and, since version 8, in its outcome."""
    ends = [body for body in golden(name) if body["type"] == "turn_completed" and body["schema_version"] >= version]

    assert {read_fact("status", body) for body in ends} <= {"completed", "failed", "agent_frame_switch", "cancelled"}
    assert all(isinstance(read_fact("done_reason", body), str) for body in ends if "done_reason" in str(body))


def test_who_cancelled_a_turn() -> None:
    """Since version 8 the end of a cancelled turn says who asked for it and why."""
    told = {
        (read_fact("cancel_request_id", body), read_fact("cancel_origin", body), read_fact("cancel_reason", body))
        for body in golden("v36_byhand")
        if read_fact("status", body) == "cancelled" and body["type"] == "turn_completed"
    }

    assert told == {("internal:provider-cancelled:0", None, None), ("req-1", "button", "stöp")}


def test_a_tool_is_told_with_its_plain_schema() -> None:
    """Whether the schema stands bare or beside its projection, the fact is the schema."""
    schemas = [
        tool["input_schema"]
        for name in ("v2_alpha18_types", "v2_alpha77_types", "v2_one_tool", "v7_one_tool")
        for body in golden(name)
        for tool in read_fact("tools", body) or ()
    ]

    assert schemas
    assert all("canonical" not in schema for schema in schemas if isinstance(schema, dict))
    assert plain_schema({"type": "object", "canonical": 1}) == {"type": "object", "canonical": 1}
    assert plain_schema({"canonical": True, "projection": {}}) is True


def test_the_code_of_an_error_without_its_namespace() -> None:
    """Version 26 puts the namespace beside the code, version 36 before it: the facts are the same."""
    failed = {
        body["schema_version"]: (read_fact("error_namespace", body), read_fact("error_code", body))
        for name in ("v8_to_v24_byhand", "v25_to_v35_byhand", "v36_byhand")
        for body in golden(name)
        if body["type"] == "llm_call_failed"
    }

    assert failed == {
        24: (None, "slow_down"),
        26: ("provider", "slow_down"),
        35: ("provider", "slow_down"),
        36: ("provider", "slow_down"),
    }


def test_the_error_of_code_is_a_text_in_all_versions() -> None:
    """Since version 15 the error is an object with kind and message."""
    failed = {
        body["schema_version"]: (read_fact("error_kind", body), read_fact("error_message", body))
        for name in ("v8_to_v24_byhand", "v25_to_v35_byhand")
        for body in golden(name)
        if body["type"] == "exec_code_completed" and body["error"]
    }

    assert failed[9] == (None, "unknown name")
    assert failed[35] == ("host", "unknown name")


def test_classes_of_store_errors_are_written_alike() -> None:
    """Version 36 writes them in snake case, the others in one word with capitals."""
    classes = [
        {read_fact("error_class", body) for body in golden(name) if body["type"] == "store_error_observed"}
        for name in ("v3_types", "v7_types", "v36_byhand")
    ]

    assert classes == [{"stored_data_corrupt", "monotonic_counter_overflow"}] * 3


def test_parts_of_an_answer_have_a_tag_in_all_versions() -> None:
    """Version 36 names a part by its only member; what is read has a tag as everywhere else."""
    parts = [{"Text": {"text": "hi"}}, {"type": "text", "text": "hi"}, {"ToolCall": {"call_id": "c"}}, {"Other": 1}, 7]
    body = {"type": "llm_call_completed", "response": {"parts": parts}}

    assert read_fact("parts", body) == [
        {"type": "text", "text": "hi"},
        {"type": "text", "text": "hi"},
        {"type": "tool_call", "call_id": "c"},
        {"Other": 1},
        7,
    ]


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("v2_alpha18_types", 2, {"mime", "filename", "sha256", "byte_len"}),
        ("v2_types", 2, {"source", "mime", "filename", "sha256", "byte_len"}),
        ("v8_to_v24_byhand", 18, {"source", "mime", "filename", "sha256", "byte_len"}),
        ("v25_to_v35_byhand", 33, {"source", "mime", "filename", "sha256", "byte_len"}),
        ("v36_byhand", 36, {"id", "mime", "byte_len"}),
    ],
)
def test_attachments_are_told_alike(name: str, version: int, expected: set[str]) -> None:
    """They stand beside the messages or in them, in results of tools too, with members of other names."""
    requests = [
        body for body in golden(name) if body["type"] == "llm_call_started" and body["schema_version"] == version
    ]
    attachments = [one for body in requests for one in read_fact("attachments", body)]

    assert set().union(*attachments) == expected
    assert len(attachments) >= str(requests).count("'attachment', 'source'") + str(requests).count("'reference'")


def test_withheld_is_not_empty() -> None:
    """A host that withholds texts says so in each record."""
    withheld = [body for body in golden("v36_byhand") if is_withheld(body)]

    assert [body["request"]["messages"] for body in withheld] == [[]]
    assert not any(is_withheld(body) for body in golden("v7_types"))


def test_a_place_that_leads_nowhere_is_no_fact() -> None:
    """Whatever stands in the way, a fact that cannot be read is none."""
    assert read_fact("served_model", {"type": "llm_call_completed", "attempts": []}) is None
    assert read_fact("served_model", {"type": "llm_call_completed", "attempts": "x"}) is None
    assert read_fact("next_frame", {"type": "turn_completed", "outcome": 3}) is None
    assert read_fact("session_id", {"type": "x", "context": None}) is None
    assert read_fact("name", {}) is None
    assert member([1, [2]], "-1.0") == 2
    assert member([1], "5") is None


def test_versions_of_the_table_can_be_read() -> None:
    """Each place and type says since when and until when, as a version or a shape of version 2."""
    told = [place.versions for kinds in RECORD_FACTS.values() for places in kinds.values() for place in places]
    told += [
        place.versions for facts in (CONTEXT_FACTS, ATTEMPT_FACTS) for places in facts.values() for place in places
    ]
    told += [known.versions for known in RECORD_TYPES.values()]

    assert [versions for versions in told if not re.fullmatch(r"\d+[a-h]?(–(\d+[a-h]?)?)?", versions)] == []
