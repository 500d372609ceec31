"""How bytes become events."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.errors import LlmTransportError
from lash_nb.providers._sse import SseParser  # bytes in, events out: no call is needed to see it

LINES = st.one_of(
    st.text().map(lambda text: f"data: {text}"),
    st.sampled_from(["", " ", "data:", "data", "event: ping", "id: 7", ": heartbeat", "retry: 10", "data:x"]),
)
ENDS = st.sampled_from(["\n", "\r", "\r\n"])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=12).map(
    lambda lines: "".join(map("".join, lines)).encode("utf-8", "replace")
)


def events(*chunks: bytes) -> list[bytes]:
    """All events of a stream."""
    parser = SseParser()
    return [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"", []),
        (b"data: a\n\n", [b"a"]),
        (b"data:a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"event: x\nid: 1\ndata: a\nretry: 3\n: c\n\n", [b"a"]),
        (b"data:\n\ndata: a\n  \n\n\n", [b"a"]),
        (b"data: a", [b"a"]),
        (b"data: a\n", [b"a"]),
        (b"database: a\n\nnothing\n\n", []),
        (b"data:a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data:a\r\n\ndata: b\n\rdata: c\n\r\n", [b"a", b"b", b"c"]),
        (b"data: a\rdata: b\r\ndata: c\n\r", [b"a\nb\nc"]),
        (b"data: a\rb\n\n", [b"a"]),
        (b"\rdata: a\r\n\r\n\r\n", [b"a"]),
        (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", [b"a"]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    ],
)
def test_events(stream: bytes, expected: list[bytes]) -> None:
    """Lines of data, joined; all else is left out; the end ends the last one."""
    assert events(stream) == expected


@given(STREAMS)
def test_every_cut_gives_the_same_events(stream: bytes) -> None:
    """Once at each place, and at all places."""
    whole = events(stream)

    assert all(events(stream[:cut], stream[cut:]) == whole for cut in range(len(stream) + 1))
    assert events(*(stream[place : place + 1] for place in range(len(stream)))) == whole


@given(STREAMS, st.lists(st.integers(0, 400)))
def test_any_cuts_give_the_same_events(stream: bytes, cuts: list[int]) -> None:
    """Pieces of all sizes, empty ones too."""
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]

    assert events(*(stream[start:end] for start, end in pairwise(places))) == events(stream)


@given(st.lists(LINES.map(lambda line: "".join(line.splitlines())), max_size=12), st.data())
def test_every_way_to_end_a_line_gives_the_same_events(lines: list[str], data: st.DataObject) -> None:
    """Mixed in one stream, too."""
    plain = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    mixed = "".join(f"{line}{data.draw(ENDS)}" for line in lines).encode("utf-8", "replace")

    assert events(plain.replace(b"\n", b"\r")) == events(plain)
    assert events(mixed.replace(b"\r\n", b"\n").replace(b"\r", b"\n")) == events(mixed)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_an_event_is_told_with_the_line_that_ends_it(end: bytes) -> None:
    """Nobody waits for the byte behind it, which a CR may have."""
    parser = SseParser()

    assert (parser.feed(b"data: a" + end), parser.feed(end)) == ([], [b"a"])


@given(st.binary())
def test_any_bytes(stream: bytes) -> None:
    """Whatever comes, events have no line ends at their ends, and something in them."""
    assert all(event and event == event.strip() for event in events(stream))


@pytest.mark.parametrize("chunk", [b"data: 4567890123456789", b"x" * 21, b"data: 89\ndata: " + b"1" * 20])
def test_an_event_has_a_largest_size(chunk: bytes) -> None:
    """A line, or lines, that never end are not kept for ever."""
    with pytest.raises(LlmTransportError, match="larger than 20 bytes") as raised:
        SseParser(limit=20).feed(chunk)

    assert raised.value.provider_code == "sse_event_too_large"


@pytest.mark.parametrize("chunk", [b"data:\n" * 5_000, b"data: ab\n" * 5_000, b"xx"])
def test_what_has_no_text_takes_room_too(chunk: bytes) -> None:
    """Lines without data, and pieces of two bytes, are not kept for ever either, however many chunks they fill."""
    parser = SseParser(limit=1_000_000)

    with pytest.raises(LlmTransportError, match="larger than 1,000,000 bytes"):
        any(parser.feed(chunk) for _ in range(20_000))


def test_a_long_stream_of_events_is_not_too_large() -> None:
    """Only what is not told yet counts."""
    parser = SseParser(limit=1_000)

    assert sum(len(parser.feed(b"data: abc\ndata: d\n\ndata:")) for _ in range(1_000)) == 1_000


def test_a_line_that_comes_in_many_pieces_is_taken_apart_once() -> None:
    """Ten megabytes in pieces of a hundred bytes: what is there already is not looked at again."""
    parser, piece = SseParser(), b"x" * 100

    assert parser.feed(b"data: ") == []
    assert all(parser.feed(piece) == [] for _ in range(100_000))
    assert parser.feed(b"\n\n") == [piece * 100_000]
