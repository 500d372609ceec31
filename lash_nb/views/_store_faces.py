"""How stored sessions look when they are the value of a cell: a folder of them, one of them, and what a check or a collection found."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from lash_nb.errors import StoreError
from lash_nb.plots import byte_size, counted, one_line, short_id, token_count
from lash_nb.stores import (
    AttachmentCheck,
    AttachmentCollection,
    AttachmentFinding,
    CollectedAttachment,
    StoredSession,
    StoredSessionRow,
    StoreReader,
)
from lash_nb.views._markup import CODE, FAILURE, MUTED, RIGHT, Html, el, heading, joined, table
from lash_nb.views._record_faces import session_graph_html, session_graph_text
from lash_nb.views._text import aligned, clipped

__all__ = [
    "attachment_check_html",
    "attachment_check_text",
    "attachment_collection_html",
    "attachment_collection_text",
    "store_html",
    "store_text",
    "stored_session_html",
    "stored_session_text",
]

_ROWS: Final = 50
"""As many sessions or findings does a table show."""
_LINES: Final = 30
"""As many does a text show."""
_FAULTS: Final = 5
_DRAWN: Final = 20_000
"""Of a session with more nodes the graph is drawn when it is asked for: that takes a second."""
_UNDRAWN: Final = "a long session: its `graph` draws it, lash_nb.views.SessionGraphView(….graph) lets you search it"
_HARMLESS: Final = frozenset({"orphaned", "unwritten"})
_BREAKS: Final = "width:100%;overflow-wrap:anywhere;"
_SESSION_HEADS: Final = [
    ("session", ""),
    ("turns", RIGHT),
    ("nodes", RIGHT),
    ("tokens", RIGHT),
    ("last use, UTC", "white-space:nowrap;"),
    ("model", ""),
    ("file", f"{CODE}{_BREAKS}"),
    ("size", RIGHT),
]
_FINDING_HEADS: Final = [
    ("id", CODE),
    ("fault", "white-space:nowrap;"),
    ("what was found", _BREAKS),
    ("named by", "min-width:12em;"),
]
_COLLECTED_HEADS: Final = [("id", CODE), ("size", RIGHT), ("put, UTC", "white-space:nowrap;"), ("meant by", _BREAKS)]


def store_html(store: StoreReader) -> str:
    """Return the sessions of a folder as a table, and what could not be read."""
    rows = [_session_cells(row) for row in store.sessions[:_ROWS]]
    rest = _rest(len(store.sessions), _ROWS, "lash_nb.frames.sessions_df(…)")
    return joined(
        heading(f"Store {store.path}", _store_counts(store)),
        table(_SESSION_HEADS, rows) if rows else None,
        _note(rest),
        *[el("div", words, style=f"overflow-wrap:anywhere;{FAILURE}") for words in _faults(store.errors)],
    )


def store_text(store: StoreReader) -> str:
    """Return the same as text."""
    cells = [
        [label for label, _ in _SESSION_HEADS],
        *[_session_cells(row) for row in store.sessions[:_LINES]],
    ]
    lines = [f"Store {one_line(str(store.path), 60)}  {_store_counts(store)}"]
    lines += aligned(cells, right=(1, 2, 3, 7), limits={0: 24, 5: 16, 6: 16}) if store.sessions else []
    lines += filter(None, [_rest(len(store.sessions), _LINES, "lash_nb.frames.sessions_df(…)")])
    first = store.sessions[0].session_id if store.sessions else ""
    return clipped([*lines, *_faults(store.errors), f"next: …[{one_line(first, 40)!r}]" if first else "no session"])


def stored_session_html(session: StoredSession) -> str:
    """Return a stored session: what it is, and its graph."""
    try:
        facts = _facts(session)
        graph = Html(session_graph_html(session.graph)) if _is_drawn(session) else _note(_UNDRAWN)
    except StoreError as error:
        facts = []
        graph = el("div", error.message, style=f"overflow-wrap:anywhere;{FAILURE}")
    body = table([("", "white-space:nowrap;"), ("", _BREAKS)], [list(fact) for fact in facts]) if facts else None
    return joined(heading(f"Stored session {session.session_id}", _session_counts(session.row)), body, graph)


def stored_session_text(session: StoredSession) -> str:
    """Return the same as text."""
    try:
        lines = [
            *aligned([list(fact) for fact in _facts(session)], limits={1: 80}),
            *(session_graph_text(session.graph).splitlines()[:-1] if _is_drawn(session) else [_UNDRAWN]),
        ]
    except StoreError as error:
        lines = [one_line(error.message, 400)]
    head = f"Stored session {one_line(session.session_id, 40)}  {_session_counts(session.row)}"
    return clipped([head, *lines, f"next: %lash open {one_line(session.session_id, 60)} --store DIR"])


def attachment_check_html(check: AttachmentCheck) -> str:
    """Return what a check of attachments found."""
    rows = [_finding_cells(row) for row in check.rows[:_ROWS]]
    marked = [
        [*cells[:1], cells[1] if row.fault in _HARMLESS else el("span", f"× {cells[1]}", style=FAILURE), *cells[2:]]
        for row, cells in zip(check.rows, rows, strict=False)
    ]
    return joined(
        heading("Attachments checked", _check_counts(check)),
        table(_FINDING_HEADS, marked) if marked else None,
        _note(_rest(len(check.rows), _ROWS, "the value's `rows`")),
    )


def attachment_check_text(check: AttachmentCheck) -> str:
    """Return the same as text."""
    cells = [[label for label, _ in _FINDING_HEADS], *[_finding_cells(row) for row in check.rows[:_LINES]]]
    lines = [f"Attachments checked  {_check_counts(check)}", *(aligned(cells, limits={2: 60}) if check.rows else [])]
    return clipped([*lines, *filter(None, [_rest(len(check.rows), _LINES, "the value's `rows`")])])


def attachment_collection_html(collection: AttachmentCollection) -> str:
    """Return what a collection of attachments did, or would do."""
    rows = [_collected_cells(row) for row in collection.rows[:_ROWS]]
    return joined(
        heading("Attachments collected", _collection_counts(collection)),
        table(_COLLECTED_HEADS, rows) if rows else None,
        _note(_rest(len(collection.rows), _ROWS, "the value's `rows`")),
        _note(_then(collection)),
        *[el("div", words, style=f"overflow-wrap:anywhere;{FAILURE}") for words in _faults(collection.errors)],
    )


def attachment_collection_text(collection: AttachmentCollection) -> str:
    """Return the same as text."""
    cells = [[label for label, _ in _COLLECTED_HEADS], *[_collected_cells(row) for row in collection.rows[:_LINES]]]
    lines = [f"Attachments collected  {_collection_counts(collection)}"]
    lines += aligned(cells, right=(1,), limits={3: 40}) if collection.rows else []
    lines += filter(None, [_rest(len(collection.rows), _LINES, "the value's `rows`")])
    return clipped([*lines, *_faults(collection.errors), *filter(None, [_then(collection)])])


def _store_counts(store: StoreReader) -> str:
    size = byte_size(sum(row.byte_len for row in store.sessions))
    unreadable = counted(len(store.errors), "file cannot be read", "files cannot be read") if store.errors else ""
    return " · ".join(filter(None, [counted(len(store.sessions), "session"), size, unreadable]))


def _session_cells(row: StoredSessionRow) -> list[str]:
    return [
        one_line(row.session_id, 40) + ("" if row.state == "committed" else f" ({row.state})"),
        f"{row.turns:,}",
        f"{row.nodes:,}",
        token_count(row.tokens),
        _moment(row.last_use),
        one_line(row.model, 40),
        one_line(row.path.name),
        byte_size(row.byte_len),
    ]


def _session_counts(row: StoredSessionRow) -> str:
    return f"{counted(row.turns, 'turn')} · {counted(row.nodes, 'node')} · {token_count(row.tokens)} tok"


def _facts(session: StoredSession) -> list[tuple[str, str]]:
    """What there is of a session, each with what gives all of it; what there is none of is left out."""
    row = session.row
    found = [
        ("model", " by ".join(filter(None, [one_line(row.model), one_line(row.provider_id)]))),
        ("last use", f"{_moment(row.last_use)} UTC" if row.last_use else ""),
        ("file", f"{one_line(row.path.name)}, {byte_size(row.byte_len)}"),
        ("opened under", one_line(row.parent_session_id or "")),
        (
            "agent frames",
            ", ".join(f"{one_line(one.frame_id, 40)} ({one.status})" for one in session.frames[-_FAULTS:]),
        ),
        ("other branches", _count(len(session.orphans), "node", "orphans")),
        ("attachments", _count(len(session.attachments), "attachment", "attachments")),
        ("queue", _count(len(session.queue), "piece of work waits", "queue", "pieces of work wait")),
        ("unreadable", counted(session.unread, "node") if session.unread else ""),
    ]
    return [(name, words) for name, words in found if words]


def _is_drawn(session: StoredSession) -> bool:
    return len(session.graph.nodes) <= _DRAWN


def _count(count: int, noun: str, attribute: str, plural: str = "") -> str:
    return f"{counted(count, noun, plural)}: .{attribute}" if count else ""


def _check_counts(check: AttachmentCheck) -> str:
    lost = sum(row.fault not in _HARMLESS for row in check.rows)
    harmless = len(check.rows) - lost
    words = [
        counted(check.attachment_count, "attachment"),
        f"{byte_size(check.byte_count)} hashed",
        f"{lost:,} lost or broken" if lost else "nothing is lost or broken",
        f"{harmless:,} harmless" if harmless else "",
    ]
    return " · ".join(filter(None, words))


def _finding_cells(row: AttachmentFinding) -> list[str]:
    return [short_id(row.attachment_id), row.fault.replace("_", " "), one_line(row.detail, 300), _named(row.references)]


def _named(references: Sequence[str]) -> str:
    return one_line(
        ", ".join(references[:2]) + (f" and {len(references) - 2} more" if len(references) > 2 else ""), 120
    )


def _collection_counts(collection: AttachmentCollection) -> str:
    verb = "would delete" if collection.dry_run else "deleted"
    words = [
        f"{verb} {counted(len(collection.rows), 'attachment')}, {byte_size(collection.byte_count)}",
        counted(collection.draft_count, "half-written file") if collection.draft_count else "",
        f"keeps {collection.kept_needed:,} needed, {collection.kept_young:,} young",
    ]
    return " · ".join(filter(None, words))


def _then(collection: AttachmentCollection) -> str:
    return "to delete them: dry_run=False" if collection.dry_run and collection.rows else ""


def _collected_cells(row: CollectedAttachment) -> list[str]:
    put = "" if row.put_at_epoch_ms is None else _epoch(row.put_at_epoch_ms)
    return [short_id(row.attachment_id), byte_size(row.byte_len), put, one_line(", ".join(row.intended_by))]


def _epoch(milliseconds: int) -> str:
    try:
        return _moment(datetime.fromtimestamp(milliseconds / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        return ""


def _moment(time: datetime | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S") if time else ""


def _faults(errors: Sequence[Exception]) -> list[str]:
    rest = [f"{len(errors) - _FAULTS} more: the value's `errors`"] if len(errors) > _FAULTS else []
    return [*[one_line(str(error), 400) for error in errors[:_FAULTS]], *rest]


def _rest(count: int, shown: int, whole: str) -> str:
    return f"{count - shown:,} more: {whole}" if count > shown else ""


def _note(words: str) -> Html | None:
    return el("div", words, style=f"font-size:12px;{MUTED}") if words else None
