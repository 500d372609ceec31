"""The explorer's search against a simple model: decode each record, write it out, look for the words in that."""

import json
import re
import sys
import time
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lash_nb.errors import CallerError
from lash_nb.trace import read_trace
from lash_nb.views import TraceExplorerView
from lash_nb.views._trace_explorer_search import Search, folded, spellings
from tests.trace.lines import record

SIGNS: Final = st.sampled_from(
    [*'\\\\\\""n n\n\t/u05cbaAkK,:', "é", "É", "ß", "ẞ", "σΣ", "ς", "İ", "\u212a", "漢", "😀", "\x00"]
)
"""What JSON spells in several ways, and what looks like a part of such a spelling."""
TEXTS: Final = st.lists(SIGNS, max_size=12).map("".join)
WRITERS: Final = [
    {"ensure_ascii": escaped, "separators": (comma, colon)}
    for escaped in (True, False)
    for comma, colon in ((",", ":"), (", ", ": "))
]


def written(texts: list[str], **style: Any) -> bytes:
    """Records with these texts, as one writer writes them."""
    lines = [json.dumps(record(at, "custom", payload=[text, {text: at}]), **style) for at, text in enumerate(texts)]
    return "\n".join(lines).encode() + b"\n"


def read_out(value: object) -> str:
    """A value as a person reads it: texts as they are, with no escapes."""
    match value:
        case dict():
            return "{" + ", ".join(f'"{name}": {read_out(one)}' for name, one in value.items()) + "}"
        case list():
            return f"[{', '.join(map(read_out, value))}]"
        case str():
            return f'"{value}"'
    return json.dumps(value)


def plain(text: str) -> str:
    """Text without its case, and without what nobody tells apart: which blanks, and whether there are some behind a comma or colon."""
    small = "".join("σ" if sign == "ς" else sign.lower() for sign in text)
    return re.sub(r"(?<=[,:]) ", "", " ".join(small.split()))


def bare(text: str) -> str:
    """The same of text in which quotes are quoted, as in JSON that is a text of JSON."""
    return re.sub(r'\\+"', '"', plain(text))


def says(line: bytes, words: str) -> bool:
    """The model: whether a decoded record says it."""
    told = read_out(json.loads(line))
    return plain(words) in plain(told) or bare(words) in bare(told)


def found(data: bytes, words: str) -> list[int]:
    """Records that the search finds."""
    trace = read_trace(data)
    view = TraceExplorerView(trace)
    view.filter(text=words)
    return sorted(view.rows)


@settings(max_examples=40)
@given(st.lists(TEXTS, min_size=1, max_size=5), TEXTS, st.sampled_from(WRITERS))
@example(["\\" * 9, "\\" * 3], "\\" * 4, WRITERS[0])
@example(['a\\"b', 'a"b', 'a\\\\\\"b'], 'a"b', WRITERS[1])
@example(["a\nb", "a\\nb", "ab"], "a b", WRITERS[0])
@example(["é", "É", "e", "\\u00e9"], "É", WRITERS[0])
@example(["é", "É", "e", "\\u00e9"], "é", WRITERS[2])
@example(["ΟΔΟΣ", "οδός", "οδοσα"], "οδος", WRITERS[2])
@example(["\u212aelvin", "İstanbul", "x"], "k", WRITERS[0])
def test_the_search_finds_what_the_model_finds(texts: list[str], words: str, writer: dict[str, Any]) -> None:
    """Whatever stands in the texts, and however JSON spells it."""
    data = written(texts, **writer)
    lines = data.splitlines()

    assert found(data, words) == [at for at, line in enumerate(lines) if not words.strip() or says(line, words)]


@settings(max_examples=40)
@given(TEXTS, TEXTS, TEXTS, st.sampled_from(WRITERS))
def test_a_part_of_a_text_is_found_in_it(before: str, words: str, after: str, writer: dict[str, Any]) -> None:
    """What is cut out of a text and looked for is there."""
    line = json.dumps(before + words + after, **writer).encode()

    assert not words.strip() or Search(words.strip()).says(line)


@pytest.mark.parametrize("words", ["\\" * 250, "\\" * 999 + "x", '"' + "\\" * 250, "=" * 999 + "!"])
@pytest.mark.parametrize("text", ["\\" * 100_000, '\\"' * 50_000, "=" * 100_000])
def test_no_text_makes_the_search_slow(words: str, text: str) -> None:
    """A hundred thousand backslashes are looked through once, also to show the record."""
    view = TraceExplorerView(read_trace([record(0, "custom", payload=text)]))
    began = time.perf_counter()
    view.filter(text=words)

    assert time.perf_counter() - began < 2  # minutes, where each way to share a run is tried
    assert len(view.rows) == (words in f'"{text}"')


def test_a_text_that_is_too_long_is_refused() -> None:
    """A thousand characters are looked for, one more are not; the table stays."""
    view = TraceExplorerView(read_trace([record(0, "custom", payload="x" * 2_000)]))
    view.filter(text="x" * 1_000)
    with pytest.raises(CallerError, match=r"1,001 characters: give at most 1,000"):
        view.filter(text="x" * 1_001)

    assert (view.rows, view.query["text"]) == ((0,), "x" * 1_000)


def test_every_character_is_known_by_what_it_is_folded_to() -> None:
    """No letter is passed over: whatever a letter is folded to, it is among the spellings of that."""
    changed = (chr(code) for code in range(sys.maxunicode + 1) if folded(chr(code)) != chr(code))

    assert [sign for sign in changed for part in folded(sign) if sign not in spellings(part)] == []


def test_what_is_found_is_marked_where_quotes_are_quoted() -> None:
    """In JSON in JSON, and behind a comma where one typed no blank."""
    view = TraceExplorerView(read_trace([record(0, "custom", payload='{"a": "b", "c": [1, 2]}')]))
    for words, marked in (('"a": "b"', '"a": "b"'), ('"a":"b","c"', '"a": "b", "c"'), ("[1,2]", "[1, 2]")):
        view.filter(text=words)

        assert [piece.replace("\\", "") for piece in view.first["rows"][0]["what"][1::2]] == [marked]
