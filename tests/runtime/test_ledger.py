"""What a session has used."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb.runtime._ledger import merged, usage_report
from lash_nb.wire import TokenLedgerEntry, TokenUsage


def row(source: str, model: str, tokens: int, cached: int = 0) -> TokenLedgerEntry:
    """A row of the ledger."""
    usage = TokenUsage(input_tokens=tokens, output_tokens=0, cached_input_tokens=cached)
    return TokenLedgerEntry(source=source, model=model, usage=usage)


rows = st.lists(
    st.builds(row, st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 9), st.integers(0, 3)), max_size=8
)


def test_rows_of_one_source_and_model_are_one_row() -> None:
    """Rows are added up and stay in the order in which they first came."""
    ledger = merged((row("turn", "m", 1), row("child", "m", 2)), (row("turn", "m", 4), row("turn", "n", 8)))
    assert ledger == (row("turn", "m", 5), row("child", "m", 2), row("turn", "n", 8))


def test_a_row_without_tokens_is_dropped_unless_something_was_cached() -> None:
    """Nothing used is no row; cached tokens alone are one."""
    assert merged((), (row("turn", "m", 0), row("turn", "n", 0, cached=1))) == (row("turn", "n", 0, cached=1),)


def test_a_report_sums_by_source_model_and_both() -> None:
    """The report's sums are those of its rows."""
    report = usage_report((row("turn", "m", 1), row("turn", "n", 2), row("child", "m", 4, cached=3)))
    assert (report.entry_count, report.usage.input_tokens, report.usage.cached_input_tokens) == (3, 7, 3)
    assert {key: totals.input_tokens for key, totals in report.by_source.items()} == {"turn": 3, "child": 4}
    assert {key: totals.input_tokens for key, totals in report.by_model.items()} == {"m": 5, "n": 2}
    assert [(held.source, held.model, held.usage.total_tokens) for held in report.by_source_model] == [
        ("turn", "m", 1),
        ("turn", "n", 2),
        ("child", "m", 4),
    ]
    assert report.usage.context_total_tokens == report.usage.total_tokens + 3


def test_an_empty_ledger_reports_nothing() -> None:
    """A session that used nothing has zeros."""
    report = usage_report(())
    assert (report.entry_count, report.usage.total_tokens, report.by_source_model) == (0, 0, ())


@settings(max_examples=60)
@given(rows, rows, rows)
def test_it_does_not_matter_in_how_many_steps_rows_are_added(
    one: list[TokenLedgerEntry], two: list[TokenLedgerEntry], three: list[TokenLedgerEntry]
) -> None:
    """Adding rows turn by turn gives the same ledger as adding them at once."""
    assert merged(merged(merged((), one), two), three) == merged((), (*one, *two, *three))
