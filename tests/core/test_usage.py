"""What was used between two moments of a session."""

import pytest

from lash_nb.core import USAGE_SOURCES, diff_token_ledger, diff_usage_reports
from lash_nb.errors import CallerError
from lash_nb.wire import TokenLedgerEntry, TokenUsage
from tests.runtime.desk import answers, open_session


def row(source: str, given: int, cached: int = 0, reasoning: int = 0, model: str = "m") -> TokenLedgerEntry:
    """A row of a ledger."""
    usage = TokenUsage(input_tokens=given, output_tokens=0, cached_input_tokens=cached, reasoning_tokens=reasoning)
    return TokenLedgerEntry(source=source, model=model, usage=usage)


def test_a_difference_has_what_is_new_by_source_and_model() -> None:
    """Sorted; rows of nothing are left out, rows of cached tokens alone are not; what was not there was zero."""
    before = [row("turn", 5), row("child", 1), row("turn", 1, model="a")]
    after = [row("turn", 7, reasoning=2), row("turn", 1, 4, model="a"), row("child", 1), row("new", 3)]
    assert diff_token_ledger(before, after) == (
        row("new", 3),
        row("turn", 0, 4, model="a"),
        row("turn", 2, reasoning=2),
    )
    assert diff_token_ledger(after, after) == ()


@pytest.mark.parametrize("after", [[], [row("turn", 4)], [row("turn", 9, cached=1)]])
def test_a_ledger_that_shrank_is_refused(after: list[TokenLedgerEntry]) -> None:
    """In any counter, or by a whole row: those are not two moments of one session."""
    with pytest.raises(
        CallerError, match="turn used less of m after than before; give two ledgers of one session"
    ) as e:
        diff_token_ledger([row("turn", 5, cached=2)], after)
    assert e.value.code == "usage_decreased"


async def test_reports_of_a_session_tell_what_a_turn_cost() -> None:
    """The same as the turn's own usage."""
    session = await open_session(answers())
    before = session.usage_report()
    result = await session.turn("hi")
    (used,) = diff_usage_reports(before, session.usage_report())
    assert (used.source, used.usage) == (USAGE_SOURCES[0], result.usage)
