"""How numbers, ids and texts are written."""

import math
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.plots import byte_size, counted, duration, one_line, printable, short_id, token_count


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, ""),
        (math.nan, ""),
        (0, "0 ms"),
        (0.02, "< 0.1 ms"),
        (0.05, "0.1 ms"),
        (0.4, "0.4 ms"),
        (340, "340 ms"),
        (999.4, "999 ms"),
        (999.6, "1.0 s"),
        (1234, "1.2 s"),
        (59_960, "1 min 00 s"),
        (185_000, "3 min 05 s"),
        (7_800_000, "2 h 10 min"),
        (-20, "-20 ms"),
    ],
)
def test_durations(ms: float | None, text: str) -> None:
    """Milliseconds, seconds, minutes, hours; not known is empty, zero is zero."""
    assert duration(ms) == text


@pytest.mark.parametrize(
    ("count", "text"), [(None, ""), (0, "0"), (446, "446"), (12_400, "12.4k"), (999_960, "1.0M"), (3_100_000, "3.1M")]
)
def test_token_counts(count: int | None, text: str) -> None:
    """Tokens in thousands and millions."""
    assert token_count(count) == text


@pytest.mark.parametrize(("count", "text"), [(None, ""), (512, "512 B"), (10_900, "10.9 kB"), (4_200_000, "4.2 MB")])
def test_byte_sizes(count: int | None, text: str) -> None:
    """Bytes in decimal units."""
    assert byte_size(count) == text


@pytest.mark.parametrize(
    ("whole", "text"),
    [
        (None, ""),
        ("70aad46f-9ff1-4f6c-817c-25496e3790ac", "70aad46f"),
        ("2fb9d3e3ec938614949b7ed93424836b2da281f6cc944cb4a40ddac85ddc4de7", "2fb9d3e3"),
        ("m2a4b526e6cb442b49138adf514a9d0e7", "m2a4b526"),
        ("main:1:0:0", "main:1:0:0"),
        ("a-session-that-somebody-named", "a-session-that-somebody…"),
    ],
)
def test_ids(whole: str | None, text: str) -> None:
    """Hashes and UUIDs are cut to eight characters; an id that says something keeps saying it."""
    assert short_id(whole) == text


def test_counts_with_their_noun() -> None:
    """One is singular, everything else is not, thousands are grouped."""
    assert [counted(1, "tool"), counted(0, "tool"), counted(1204, "record")] == ["1 tool", "0 tools", "1,204 records"]
    assert counted(2, "branch", "branches") == "2 branches"


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_any_text_becomes_one_printable_line(text: str, limit: int) -> None:
    """No text breaks a line, turns its direction or is longer than asked; a cut is always shown."""
    line = one_line(text, limit=limit)

    assert len(line) <= limit
    assert line.isprintable()
    assert line.endswith("…") or len(" ".join(text.split())) <= limit


def test_nothing_gives_orders_to_a_terminal() -> None:
    """Lines and tabs stay; escapes, carriage returns and marks that turn the direction do not."""
    assert printable("a\n\tb") == "a\n\tb"
    assert printable("\x1b]52;c;eA==\x07 \x9b31m \r \u202e") == "\ufffd]52;c;eA==\ufffd \ufffd31m \ufffd \ufffd"


@given(st.text(string.ascii_letters + " \n\t\u2028", max_size=30))
def test_short_text_is_kept(text: str) -> None:
    """Text that fits loses nothing but its white space."""
    assert one_line(text, limit=40).split() == text.split()


@given(st.floats(min_value=0, max_value=1e12) | st.integers(min_value=0, max_value=10**12))
def test_numbers_keep_their_size(value: Any) -> None:
    """What is written is within half a percent, or half a unit, of what was measured."""
    number, unit = duration(value).split(" ", 1) if value < 59_000 else ("0", "")
    factor = {"ms": 1, "s": 1000}.get(unit)

    assert factor is None or abs(float(number) * factor - value) <= max(0.5 * factor, 0.05 * value)
