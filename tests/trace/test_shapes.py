"""Which release wrote a record: version 2 is told apart by members alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.trace import SHAPES, Shape, read_trace, shape_of
from tests.trace.golden import golden, golden_records
from tests.trace.lines import STATION, record


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("v2_alpha9_types", "a"),
        ("v2_alpha12_types", "b"),
        ("v2_alpha18_types", "c"),
        ("v2_alpha20_types", "d"),
        ("v2_alpha110_types", "g"),
        ("v2_types", "h"),
        ("v2_unreleased_types", "h'"),
    ],
)
def test_a_file_of_each_shape_is_recognized(name: str, shape: str) -> None:
    """One of the ranges that its records leave holds the shape that it has."""
    names = list(SHAPES)

    assert any(names.index(one.first) <= names.index(shape) <= names.index(one.last) for one in golden(name).shapes)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("v2_image_input", "schema 2 (since alpha.111)"),
        ("v2_alpha110_image_input", "schema 2 (alpha.79–110)"),
        ("rlm_tool_ok", "schema 2 (alpha.10–74)"),
        ("proc_start_await.lashlang", "schema 2 (since alpha.21)"),
        ("v7_one_tool", "schema 7 (unreleased)"),
    ],
)
def test_a_shape_in_words(name: str, words: str) -> None:
    """The range of releases that may have written a file."""
    assert [str(shape) for shape in golden(name).shapes] == [words]


def test_a_file_that_an_upgraded_host_went_on_writing() -> None:
    """Records that no one release writes are two entries."""
    old = record(1, "turn_completed", status="completed", done_reason="r", handoff={"successor_session_id": "t"})
    trace = read_trace([old, *golden("v2_alpha110_image_input"), *golden("v7_one_tool")])

    assert [str(shape) for shape in trace.shapes] == [
        "schema 2 (alpha.10–12)",
        "schema 2 (alpha.79–110)",
        "schema 7 (unreleased)",
    ]


@pytest.mark.parametrize(
    ("members", "first", "last"),
    [
        ({"type": "mode_step"}, "a", "a"),
        ({"type": "protocol_step"}, "b", "h'"),
        ({"context": {"originating_tool_call_id": "c"}}, "a", "b"),
        ({"agent_frame_switch": {"frame_id": "f"}}, "c", "h'"),
        ({"type": "process_tracking"}, "d", "d"),
        ({"done_reason": "submitted_value"}, "a", "e"),
        ({"done_reason": "final_value"}, "e'", "h'"),
        ({"usage": {"cached_input_tokens": 0}}, "a", "f"),
        ({"usage": {"cache_read_input_tokens": 0}}, "g", "h'"),
        ({"type": "turn_started", "context": {"session_id": "s"}}, "a", "e'"),
        ({"type": "turn_started", "context": {"session_id": "s", "graph_node_id": "turn:s:t"}}, "f", "h'"),
        ({"type": "rolling_history_prompt_pruned"}, "h'", "h'"),
        ({"request": {"messages": [{"blocks": [{"kind": "image"}]}]}}, "a", "g"),
        ({"request": {"messages": [{"blocks": [{"kind": "attachment", "attachment_idx": 0}]}]}}, "h", "h'"),
        ({}, "a", "h'"),
    ],
)
def test_a_telling_member(members: dict[str, Any], first: str, last: str) -> None:
    """Each member leaves the releases that write it."""
    body = {
        **members,
        **({} if "context" not in members else {"context": {"graph_node_id": None, **members["context"]}}),
    }

    assert shape_of({"schema_version": 2, **body}) == Shape(2, first, last)


def test_every_golden_record_has_a_shape() -> None:
    """Its version is the one it says, and the range is never empty."""
    names = list(SHAPES)
    for body in golden_records():
        shape = shape_of(body)
        assert shape.version == body["schema_version"]
        assert shape.version != 2 or names.index(shape.first) <= names.index(shape.last)


@given(
    st.dictionaries(
        st.sampled_from(["schema_version", "type", "context", "usage", "request", "name"]),
        st.sampled_from([None, 2, "x", [], [{}], {}, True, 10**30]),
    )
)
def test_whatever_a_record_holds_it_has_a_shape(body: dict[str, Any]) -> None:
    """A record with other things in the place of members is of any release, or of none."""
    assert str(shape_of(body)).startswith("schema ")


def test_our_own_demo() -> None:
    """The station of the notebooks is of the release that is followed here."""
    (shape,) = read_trace(STATION).shapes

    assert shape.narrowed(Shape(2, "e", "e")) == Shape(2, "e", "e")
