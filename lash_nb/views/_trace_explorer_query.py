"""Which records are asked for and in which order, and what was found."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from lash_nb.errors import CallerError
from lash_nb.plots import one_line
from lash_nb.trace import Trace
from lash_nb.views._trace_explorer_facts import TraceFacts
from lash_nb.views._trace_explorer_rows import clock
from lash_nb.views._trace_explorer_search import Search
from lash_nb.views._trace_explorer_words import GROUPS, STATUSES

__all__ = ["AS_ASKED", "SORTS", "Query", "choices", "found_rows"]

_MOST_LISTED: Final = 1_000
"""Turns or sessions that a menu lists; above, one types the number or the id."""
_WIDEST: Final = 8
"""Characters of a turn for which there is room in the table of records."""

SORTS: Final[Mapping[str, Callable[[TraceFacts], NDArray[Any]]]] = {
    "line": lambda facts: np.arange(facts.count),
    "time": lambda facts: facts.ms,
    "type": lambda facts: _type_order(facts)[facts.kind],
    "turn": lambda facts: np.where(facts.turn < 0, np.nan, facts.turn),
    "status": lambda facts: np.where(facts.status == 0, np.nan, facts.status),
    "took": lambda facts: facts.took_ms,
    "tokens": lambda facts: facts.tokens,
}
"""The columns by which the table can be sorted; records without a value come last in both directions."""


AS_ASKED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "kinds": lambda kinds: None if kinds is None else _listed_words("kinds", kinds),
    "session": lambda session: _word("session", session),
    "turn": lambda turn: "" if turn is None else str(turn),
    "status": lambda status: _word("status", status),
    "text": lambda text: _whole(_word("text", text)).strip(),
    "sort": str,
    "descending": bool,
}
"""What a person or the page asks for, as the query holds it."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    kinds: tuple[str, ...] | None = None
    """Chips that are on; all of them when none is given."""
    session: str = ""
    """Id or name of a session."""
    turn: str = ""
    """Number, id or name of a turn."""
    status: str = ""
    """How the record says that something ended."""
    text: str = ""
    """Words that stand in the record."""
    sort: str = "time"
    """Column that it is sorted by."""
    descending: bool = False
    """Whether the largest comes first."""

    def checked(self, facts: TraceFacts) -> "Query":
        """Return the query, or say what it cannot ask for.

        Raises:
            CallerError: no such chip, status, column, session or turn.
        """
        _refuse_unknown("kind", self.kinds or (), GROUPS)
        _refuse_unknown("status", [self.status] if self.status else (), list(STATUSES)[1:])
        _refuse_unknown("column", [self.sort], SORTS)
        if self.session and facts.session_called(self.session) is None:
            names = facts.session_names
            known = f"it has {', '.join(names[:3])}{' …' if len(names) > 3 else ''}" if names else "it names none"
            raise CallerError(f"the trace has no session {one_line(self.session, 40)!r}; {known}")
        if self.turn and not len(facts.turns_called(self.turn)):
            names = facts.turn_names
            known = f"it has {names[0]} to {names[-1]}" if names else "it has none at all"
            raise CallerError(f"the trace has no turn {one_line(self.turn, 40)}; {known}")
        return self

    @property
    def is_all(self) -> bool:
        """Whether it asks for every record."""
        return self.kinds is None and not (self.session or self.turn or self.status or self.text)


def _word(name: str, given: object) -> str:
    if given is None or isinstance(given, str):
        return given or ""
    raise CallerError(f"{name} is a text, not {type(given).__name__}: filter({name}={str(given)[:40]!r})")


def _listed_words(name: str, given: object) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        message = f"{name} is a list of chips, not {type(given).__name__}: filter({name}=['llm call', 'tool call'])"
        raise CallerError(message)
    return tuple(given)


def _whole(text: str) -> str:
    """Return a text without half letters, which no page could be told of: two halves are joined, one alone becomes `�`."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refuse_unknown(what: str, given: Sequence[str], known: Sequence[str] | Mapping[str, Any]) -> None:
    for word in given:
        if word not in known:
            raise CallerError(f"no {what} {one_line(str(word), 40)!r}; use one of {', '.join(known)}")


def found_rows(query: Query, trace: Trace, facts: TraceFacts, search: Search | None) -> NDArray[Any]:
    """Return the records that were found, in the order that was asked for."""
    mask = np.ones(facts.count, dtype=bool)
    if query.kinds is not None:
        mask &= np.isin(facts.group, [list(GROUPS).index(kind) for kind in query.kinds])
    if query.session:
        mask &= facts.session == facts.session_called(query.session)
    if query.turn:
        mask &= np.isin(facts.turn, facts.turns_called(query.turn))
    if query.status:
        mask &= facts.status == list(STATUSES).index(query.status)
    rows = np.flatnonzero(mask)
    return _sorted(rows if search is None else search.among(trace, rows), query, facts)


def _sorted(rows: NDArray[Any], query: Query, facts: TraceFacts) -> NDArray[Any]:
    if query.sort == "line" and not query.descending:
        return rows
    values = SORTS[query.sort](facts)[rows].astype(np.float64)
    order = np.argsort(-values if query.descending else values, kind="stable")  # NaN is sorted to the end
    return rows[order]


def _type_order(facts: TraceFacts) -> NDArray[Any]:
    """The place of each kind when they are sorted by what is written in the table."""
    ranked = sorted(range(len(facts.words)), key=lambda code: facts.words[code][1:])
    return np.argsort(np.array(ranked, dtype=np.int64))


def choices(facts: TraceFacts, query: Query) -> dict[str, Any]:
    """Return what can be chosen: chips and statuses that the trace has, with their numbers, the turns unless they are too many for a menu, and how wide times and turns are."""
    groups, ends = _counts(facts.group, len(GROUPS)), _counts(facts.status, len(STATUSES))
    chips = [
        {"name": name, "color": color, "count": count, "on": query.kinds is None or name in query.kinds}
        for (name, color), count in zip(GROUPS.items(), groups, strict=True)
        if count
    ]
    told = [(name, count) for name, count in zip(STATUSES, ends, strict=True) if name and count]
    return {
        "chips": chips,
        "statuses": told,
        "turns": _listed(_turn_names(facts, query.session)),
        "sessions": _listed(facts.session_names if len(facts.session_names) > 1 else ()),
        "chars": {
            "time": len(clock(facts.total_ms)),
            "turn": min(max(map(len, facts.turn_labels), default=0), _WIDEST),
        },
    }


def _turn_names(facts: TraceFacts, session: str) -> Sequence[str]:
    """The turns of a session, or all of them."""
    if not session:
        return facts.turn_names
    sessions = facts.session[facts.turn_rows]
    return [facts.turn_names[place] for place in np.flatnonzero(sessions == facts.session_called(session)).tolist()]


def _listed(names: Sequence[str]) -> list[str] | None:
    return list(names) if len(names) <= _MOST_LISTED else None


def _counts(column: NDArray[Any], size: int) -> list[int]:
    counts: list[int] = np.bincount(column, minlength=size).tolist()
    return counts
