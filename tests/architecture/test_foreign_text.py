"""What a person reads of somebody else's text: one rule for errors, reprs and rows, so that no text gives orders to a terminal."""

import copy
import pickle
from collections.abc import Callable
from typing import Final

import pytest

from lash_nb.errors import CallerError, LashError, LlmTransportError, TraceReadError, WireError
from lash_nb.trace import TraceError, read_trace
from lash_nb.views import TraceExplorerView, TraceTimelineView
from lash_nb.wire import TurnInput, from_json
from lash_nb.words import legible, printable
from tests.trace.lines import line, record

EVIL: Final = "\x1b]0;owned\x07\u202egnp.exe\x9b2J\ud800"


@pytest.mark.parametrize("make", [CallerError, TraceReadError, WireError, LlmTransportError, LashError])
def test_no_error_gives_the_terminal_orders(make: Callable[[str], LashError]) -> None:
    """What an error shows is printable, and of bounded length that tells what is left out; its code and type stay."""
    error = make(f"before {EVIL} {'x' * 100_000} and what to do next")

    for shown in (str(error), *error._render_traceback_()):
        assert shown.isprintable()
        assert len(shown) < 3_000
        assert "characters left out]" in shown
        assert shown.endswith("and what to do next")


def test_an_error_of_ours_quotes_legibly() -> None:
    """Also where its message goes elsewhere: into a view, a journal, another process."""
    error = pickle.loads(pickle.dumps(CallerError(f"there is no {EVIL}")))  # noqa: S301 - our own

    assert error.message.isprintable()
    assert copy.deepcopy(error).message == error.message


def test_a_message_of_somebody_else_stays_as_it_was_told() -> None:
    """A provider's words are a fact, which records keep; only what is shown of them is changed."""
    assert LlmTransportError(EVIL).message == EVIL


def test_a_wrong_value_is_not_quoted_whole() -> None:
    """A document that is wrong in a text of a megabyte makes no message of a megabyte."""
    with pytest.raises(WireError) as raised:
        from_json(b'{"' + b"x" * 1_000_000 + b'": "' + "\u202e".encode() * 100_000 + b'"', TurnInput)

    assert len(raised.value.message) < 3_000
    assert raised.value.message.isprintable()


def test_spans_and_bad_lines_are_told_legibly() -> None:
    """Their words come from the file."""
    trace = read_trace(line(record(0, "turn_started")) + line(record(1, "turn_completed", status=EVIL[:-1])))
    spans = [node for root in trace.spans() for node in root.walk()]
    bad = TraceError(source=EVIL, line=1, offset=0, reason=EVIL, text=EVIL)

    assert [repr(node) for node in spans if not repr(node).isprintable()] == []
    assert str(bad).isprintable()


def test_what_is_asked_for_in_vain_is_told_legibly() -> None:
    """Errors that name the trace or its keys quote what its host wrote."""
    trace = read_trace(line(record(0, "turn_started")), name=EVIL)
    asked: list[Callable[[], object]] = [
        lambda: trace.lashlang_graph(EVIL),
        lambda: TraceTimelineView(trace, turn=99),
        lambda: TraceExplorerView(trace).select(99),
        lambda: TraceExplorerView(trace).show_bad_line(99),
    ]

    for ask in asked:
        with pytest.raises(CallerError) as raised:
            ask()
        assert raised.value.message.isprintable()


def test_letters_of_all_scripts_stay() -> None:
    """Only what cannot be seen is replaced."""
    words = "Ærø, 東京, שלום\tand a line\nmore"

    assert printable(words) == legible(words) == words
    assert printable("a\u202eb\x1bc") == "a\ufffdb\ufffdc"
