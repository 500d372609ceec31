"""The records of one session among those of many."""

from collections.abc import Sequence
from typing import Any, overload

from lash_nb.wire import TraceRecord

__all__ = ["SessionRecords"]


class SessionRecords(Sequence[TraceRecord]):
    """A sequence that grows as the list does that it is taken from; what came to that list since is looked through when somebody asks.

    Args:
        records: The records of all sessions; only its end may change.
        session_id: The session whose records these are: those that name it.
    """

    def __init__(self, records: Sequence[TraceRecord], session_id: str) -> None:
        self._all = records
        self._session_id = session_id
        self._seen = 0
        self._own: list[TraceRecord] = []

    def __len__(self) -> int:
        return len(self._caught_up())

    @overload
    def __getitem__(self, place: int) -> TraceRecord: ...
    @overload
    def __getitem__(self, place: slice) -> list[TraceRecord]: ...
    def __getitem__(self, place: Any) -> Any:
        return self._caught_up()[place]

    def _caught_up(self) -> list[TraceRecord]:
        if len(self._all) > self._seen:
            new = self._all[self._seen :]
            self._seen += len(new)
            self._own += [record for record in new if record.context.session_id == self._session_id]
        return self._own
