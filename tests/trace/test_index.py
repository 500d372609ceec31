"""The index of a trace: where each record lies, and what of it is known without its body."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lash_nb.clock import parse_rfc3339
from lash_nb.trace import Usage, read_fact, read_trace
from tests.trace.lines import STATION, line, llm_end, record, tool_end, whole_lines


def test_the_index_tells_where_each_record_lies() -> None:
    """Offset and length of the index cut the record out of the file."""
    trace, data = read_trace(STATION), STATION.read_bytes()
    index = trace.index

    cut = [data[index.offset[row] : index.offset[row] + index.length[row]] for row in range(len(trace))]

    assert cut == whole_lines(data)
    assert list(index.line) == list(range(1, len(trace) + 1))


def test_times_keep_their_nanoseconds() -> None:
    """Fractions of no, three and nine digits, other offsets, and none, which counts as UTC, are exact nanoseconds since the epoch."""
    stamps = [
        "2026-11-21T15:00:00",
        "2026-11-21T15:00:00+00:00",
        "2026-11-21T15:00:00.250Z",
        "2026-11-21T17:00:00.123456789+02:00",
    ]
    trace = read_trace(b"".join(line({**record(0, "custom"), "timestamp": stamp}) for stamp in stamps))

    start = 1_795_273_200_000_000_000
    assert list(trace.index.time_ns) == [start, start, start + 250_000_000, start + 123_456_789]


STAMP = "2026-11-21T15:00:00.123456789+00:00"
SIGNS = ["", "\0", "0", "00", "9", ".", "-", ":", "Z", '"', "+", "é", "\0\0\0\0\0"]
STAMPS = st.builds(
    lambda place, sign, cut: STAMP[:place] + sign + STAMP[place + cut :],
    st.integers(0, len(STAMP)),
    st.sampled_from(SIGNS),
    st.integers(0, 3),
)


def time_of(stamp: str) -> int | None:
    """Read one time by itself; None for what is none, or lies beyond what a column holds."""
    try:
        value = parse_rfc3339(stamp)
    except (ValueError, OverflowError):
        return None
    return value if -(1 << 63) < value < 1 << 63 else None


@settings(max_examples=40)
@given(st.lists(STAMPS, min_size=1, max_size=6))
@example([STAMP, STAMP[:-1], f"{STAMP}\0"])
@example([f"{STAMP}\0\0\0\0\0{STAMP}"])
def test_times_read_together_are_those_read_one_by_one(stamps: list[str]) -> None:
    """However long the others are, and whatever they hold, each time is read as it stands, or its line is bad."""
    trace = read_trace(b"".join(line({**record(0, "custom"), "timestamp": stamp}) for stamp in stamps))

    times = {number: time_of(stamp) for number, stamp in enumerate(stamps, 1)}
    found = dict(zip(trace.index.line.tolist(), trace.index.time_ns.tolist(), strict=True))
    assert found == {number: time for number, time in times.items() if time is not None}
    assert len(found) + len(trace.errors) == len(stamps)


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-21T15:00:00,250Z",
        "2026-11-21T15:00:00.25000000x+00:00",
        "2026-11-21T15:00:00Z\0",
        "2026-11-21T15:00:00+00:00.5",
        "2026-11-21.5",
    ],
)
def test_a_time_is_read_as_it_stands_or_not_at_all(stamp: str) -> None:
    """No part of a time is passed over: not a fraction behind a comma, nor letters within."""
    trace = read_trace([{**record(0, "custom"), "timestamp": stamp}])

    assert [error.reason for error in trace.errors] == [f"timestamp {stamp!r} is not an RFC 3339 time"]


def test_letters_of_times_may_be_small() -> None:
    """RFC 3339 has `t` and `z` in both cases."""
    trace = read_trace([{**record(0, "custom"), "timestamp": "2026-11-21t15:00:00.5z"}])

    assert list(trace.index.time_ns) == [1_795_273_200_500_000_000]
    assert not len(trace.index.without_zone)


@pytest.mark.parametrize(
    "strange",
    [{"schema_version": 99}, {"type": "seen_never"}, {"schema_version": "two"}, {"context": [1]}, {"usage": 7}],
    ids=str,
)
def test_what_is_not_known_is_kept_and_counted(strange: dict[str, Any]) -> None:
    """A record of a later version, an unknown type or a strange shape is a record still, and what fits of it is indexed."""
    body = {**record(1, "tool_call_completed", call_id="c", name="t"), **strange}
    trace = read_trace(line(body))

    assert trace.errors == ()
    assert trace[0] == body
    assert trace.index.text("call_id")[0] == "c"
    assert trace.unknown == int("schema_version" in strange or "type" in strange)


def test_numbers_beyond_64_bits_are_no_error() -> None:
    """A number that no column can hold is empty in the index and exact in the record."""
    body = record(1, "custom", context={"turn_index": 2**63, "protocol_iteration": -(2**63) - 1}, duration_ms=2**64)
    trace = read_trace(line(body) + line(record(2, "custom")))

    assert (len(trace), trace.errors) == (2, ())
    assert trace[0]["context"]["turn_index"] == 2**63


def test_durations_and_tokens_that_cannot_be_are_empty() -> None:
    """What no clock and no counter can say (endless, beyond 64 bits, no number) is empty in the index and stays in the record.

    Of tokens of which one number is none, nothing is told: the others would pass for all there were.
    """
    usage = {"input_tokens": [1], "output_tokens": 10**30, "cached_input_tokens": True, "reasoning_tokens": 7}
    text = line(record(1, "llm_call_completed", response={"duration_ms": 1e300}, usage=usage))
    trace = read_trace(text + text.replace(b"1e+300", b"1e999"))

    assert trace.errors == ()
    assert all(took != took for took in trace.index.duration_ms)  # noqa: PLR0124 - the shortest test for NaN
    assert trace.index.usages([0, 1]) == [None, None] == [call.usage for call in trace.llm_calls]
    assert trace[0]["usage"] == usage


def test_the_largest_numbers_that_a_release_writes_are_told() -> None:
    """Tokens are exact to 64 bits, and so are their sums; a duration is as near as a float comes; what is absent counts nothing."""
    usage = {"output_tokens": 2**63 - 1, "cache_read_input_tokens": -(2**63)}
    ends = [llm_end(at, f"x{at}", usage=usage, response={"duration_ms": 2**64 - 1}) for at in (1, 2)]
    trace = read_trace(ends)
    told = Usage(output=2**63 - 1, cache_read=-(2**63))

    assert trace.index.usages([0, 1]) == [told, told]
    assert (trace.summary().usage.output, trace.summary().usage.total) == (2**64 - 2, -2)
    assert trace.index.duration_ms.tolist() == [2.0**64] * 2
    assert [call.duration_ms for call in trace.llm_calls] == [2.0**64] * 2
    assert read_fact("duration_ms", trace[0]) == 2**64 - 1
    assert all(-(2**63) < call.began_ns <= call.over_ns < 2**63 for call in (*trace.llm_calls, *trace.turns))


def test_a_line_longer_than_a_piece() -> None:
    """A record of several megabytes between small ones is one record."""
    small, large = line(record(1, "custom")), line(record(2, "custom", payload="x" * 3_000_000))
    trace = read_trace(small + large + small)

    assert [trace.index.length[row] for row in range(3)] == [len(small) - 1, len(large) - 1, len(small) - 1]
    assert len(trace[1]["payload"]) == 3_000_000


@pytest.mark.parametrize("cut", [bytes, bytes.splitlines, lambda data: data.decode().splitlines()])
def test_a_byte_order_mark_is_no_part_of_the_first_record(cut: Callable[[bytes], Any]) -> None:
    """A file that an editor has marked as UTF-8 has all its records, also when its lines are given; their offsets count the mark."""
    trace = read_trace(cut(b"\xef\xbb\xbf" + line(record(1, "custom")) + line(record(2, "custom"))))

    assert (len(trace), trace.errors) == (2, ())
    assert [body["id"] for body in trace] == ["r1", "r2"]
    assert [trace.raw(0) + b"\n", trace.index.offset[0], trace.index.line[0]] == [line(record(1, "custom")), 3, 1]


def test_times_out_of_order_and_ids_given_twice_are_kept() -> None:
    """A clock that was set back, ids that come again and durations below zero change no order and drop no record."""
    bodies = [record(at, "custom", duration_ms=-5) | {"id": "same"} for at in (5, 3, 4)]
    ends = [record(6, "tool_call_completed", call_id="c", name="t", duration_ms=-5)]
    trace = read_trace([*bodies, *ends])

    assert [body["timestamp"] for body in trace] == [body["timestamp"] for body in [*bodies, *ends]]
    assert trace.index.duration_ms[3] == -5
    assert trace.errors == ()


def test_blanks_behind_a_record_are_no_part_of_it() -> None:
    """The length of a record does not count the line ends of another system, nor blanks before them."""
    good = line(record(1, "custom"))[:-1]
    trace = read_trace(good + b"\r\n" + good + b" \t \n" + good)

    assert list(trace.index.length) == [len(good)] * 3
    assert [trace.raw(row) for row in range(3)] == [good] * 3


def test_contexts_that_come_back_are_read_right() -> None:
    """More contexts than are remembered, told in turns, are each told right."""
    numbers = [number % 3000 for number in range(9000)]
    trace = read_trace(
        b"".join(line(record(1, "custom", turn=number, context={"run": "x" * 600})) for number in numbers)
    )

    assert list(trace.index.turn_index) == numbers
    assert list(trace.index.text("turn_id")) == [f"turn-{number}" for number in numbers]


def test_records_are_read_in_any_order() -> None:
    """Bodies come in the order asked for, from far and near, forth and back, twice."""
    trace = read_trace(
        b"".join(line(record(1, "custom", number=number, x="x" * (number % 50) * 99)) for number in range(2000))
    )
    rows = [5, 6, 7, 1999, 0, 0, 1200, 3, *range(400, 1100), 2]

    assert [body["number"] for body in trace.bodies(rows)] == rows
    assert [body["number"] for body in trace[::-7]] == list(range(1999, -1, -7))
    assert list(trace.bodies([])) == []


def test_words_that_come_late_are_read_right() -> None:
    """In a long trace each word is told as it stands: one that was never met before, and after many of these another, a null or a number."""
    names = [name for late in (*map("tool {}".format, range(12)), "größer", None, 5) for name in ("t", late)]
    padding = "x" * 100_000
    data = b"".join(
        line(tool_end(0, f"call {at}", "cancelled" if at % 100 == 99 else "success", name=name, args=padding))
        for at, name in enumerate(name for name in names for _ in range(10))
    )
    index = read_trace(data).index

    told = index.text("name")
    assert [told[row] for row in range(0, len(index), 10)] == [
        name if isinstance(name, str) else None for name in names
    ]
    assert len(data) > 12 << 21
    assert [row for row in range(len(index)) if index.text("status")[row] == "cancelled"] == [99, 199, 299]
    assert index.text("call_id").values == [f"call {at}" for at in range(len(index))]


@pytest.mark.parametrize("type_name", ["rlm_step", "program_step"])
def test_a_member_that_is_missing_is_no_status(type_name: str) -> None:
    """Also where other releases have an object there."""
    written = line(record(0, type_name))
    for records in (written, written * 5_000):
        assert set(read_trace(records).index.text("status")) == {None}
