"""What is left of a long text."""

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb.errors import CallerError
from lash_nb.plugins import TextBudget, TextWindow

SMALL = TextBudget(unit="bytes", limit=10, max_lines=3)


@pytest.mark.parametrize("text", ["", "a\nb\nc", "a\nb\nc\n", "0123456789", "éèüöä"])
@pytest.mark.parametrize("tail", [True, False])
def test_what_fits_stays(text: str, tail: bool) -> None:
    """Ten bytes, three lines: a newline at the end begins no line."""
    assert SMALL.cut(text, tail=tail) is None


@pytest.mark.parametrize(
    ("text", "tail", "preview", "marker"),
    [
        ("a\nb\nc\nd\ne", False, "a\nb\nc", "...2 lines truncated..."),
        ("a\nb\nc\nd\ne\n", True, "c\nd\ne", "...2 lines truncated..."),
        ("1234\n6789\nabcd", False, "1234\n6789", "...5 bytes truncated..."),
        ("1234\n6789\nabcd", True, "6789\nabcd", "...5 bytes truncated..."),
        ("0123456789abc", False, "0123456789", "...3 bytes truncated..."),
        ("éééééé", False, "ééééé", "...1 bytes truncated..."),
        ("x\n0123456789abc", True, "0123456789", "...5 bytes truncated..."),
        ("xéééééé", False, "xéééé", "...2 bytes truncated..."),
        ("\n\n\n\n", False, "\n\n", "...1 lines truncated..."),
    ],
)
def test_a_window_has_whole_lines_or_a_piece_of_one(text: str, tail: bool, preview: str, marker: str) -> None:
    """Lines while they fit; a first line that is too long is cut between two characters."""
    window = SMALL.cut(text, tail=tail)

    assert window is not None
    assert (window.preview, window.marker) == (preview, marker)


def test_tokens_are_four_bytes() -> None:
    """A limit of two tokens is one of eight bytes, and what is missing is told in tokens."""
    budget = replace(SMALL, unit="tokens", limit=2)

    assert budget.cut("01234567", tail=False) is None
    assert budget.cut("0123456789abc", tail=False) == TextWindow(preview="01234567", removed=2, unit="tokens")


@settings(max_examples=25)
@given(
    st.text(alphabet="aé€😀\n", max_size=60),
    st.builds(
        TextBudget, unit=st.sampled_from(["bytes", "tokens"]), limit=st.integers(0, 20), max_lines=st.integers(1, 5)
    ),
    st.booleans(),
)
def test_a_window_is_within_its_budget(text: str, budget: TextBudget, tail: bool) -> None:
    """The preview is a part of the text that fits; without a window the text itself fits, but for a last newline."""
    window = budget.cut(text, tail=tail)
    shown = text.removesuffix("\n") if window is None else window.preview

    assert shown in text
    assert len(shown.encode()) <= budget.most_bytes
    assert shown.count("\n") < budget.max_lines
    assert window is None or window.removed > 0


@settings(max_examples=40)
@given(
    st.lists(st.text(alphabet='aé"\\\n', max_size=8), max_size=4),
    st.builds(
        TextBudget, unit=st.sampled_from(["bytes", "tokens"]), limit=st.integers(0, 40), max_lines=st.integers(0, 5)
    ),
)
def test_what_is_sure_to_fit_fits(leaves: list[str], budget: TextBudget) -> None:
    """When the JSON of a value is held, none of its texts would be cut."""
    written = json.dumps(leaves, ensure_ascii=False)

    assert not budget.holds([written]) or all(budget.cut(leaf, tail=False) is None for leaf in leaves)


@pytest.mark.parametrize("wrong", [{"unit": "words"}, {"limit": -1}, {"max_lines": -1}])
def test_a_budget_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """The message says what to give."""
    with pytest.raises(CallerError, match="; give "):
        replace(SMALL, **wrong)


def test_a_huge_text_is_not_taken_apart() -> None:
    """Twenty megabytes of one line and of a million lines end in a small window."""
    budget = TextBudget(unit="bytes", limit=16_384, max_lines=400)

    for text in ("x" * 20_000_000, "twenty-five characters..\n" * 800_000):
        window = budget.cut(text, tail=True)
        assert window is not None
        assert len(window.preview) <= 16_384


def lines_of(text: str) -> list[str]:
    """The lines as Rust has them: a carriage return belongs to the end of a line, where it has one."""
    *ended, last = text.split("\n")
    return [*(line.removesuffix("\r") for line in ended), *([last] if last else [])]


def test_lines_of_windows_are_told_without_their_carriage_returns() -> None:
    """What is shown of them is joined by newlines alone, as far as it fits; a carriage return without a newline is a character of its line."""
    texts = map("".join, itertools.chain.from_iterable(itertools.product("a\r\n", repeat=size) for size in range(1, 6)))
    for text, limit, most, tail in itertools.product(texts, range(1, 6), (1, 2), (False, True)):
        window = TextBudget(unit="bytes", limit=limit, max_lines=most).cut(text, tail=tail)
        if window is None:
            continue
        whole = lines_of(text)
        count = next(n for n in range(most, -1, -1) if len("\n".join(_part(whole, n, tail=tail)).encode()) <= limit)
        shown = "\n".join(_part(whole, count, tail=tail))
        if count:
            assert (window.preview, window.unit == "lines") == (shown, count == min(most, len(whole)))


def _part(lines: list[str], count: int, *, tail: bool) -> list[str]:
    return lines[len(lines) - min(count, len(lines)) :] if tail else lines[:count]
