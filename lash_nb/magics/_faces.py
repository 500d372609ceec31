"""How our objects look as the value of a cell: HTML for notebooks, text for terminals. The runtime itself never draws."""

import shlex
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from IPython.core.interactiveshell import InteractiveShell

from lash_nb import views
from lash_nb.core import LashSession, ToolDescription
from lash_nb.effects import EffectEntries
from lash_nb.magics._bench import Bench
from lash_nb.magics._effects_table import entries_table
from lash_nb.magics._open_session import OpenSession
from lash_nb.magics._part_lines import PART_LINES
from lash_nb.magics._shown import display_formatter
from lash_nb.magics._usage_verb import report_table
from lash_nb.plots import one_line
from lash_nb.runtime import PromptPreview, TurnResult
from lash_nb.stores import AttachmentCheck, AttachmentCollection, AttachmentListing, StoredSession, StoreReader
from lash_nb.trace import Trace
from lash_nb.wire import CompletedToolCall, EffectEntry, SessionGraph, SessionNodeRecord, SessionUsageReport

__all__ = ["Faces"]

_HTML, _TEXT = "text/html", "text/plain"


class Face(NamedTuple):
    """How objects of a type look."""

    text: Callable[[Any], str]
    """As text."""
    html: Callable[[Any], str] | None = None
    """As HTML."""
    line: Callable[[Any], str] = repr
    """As text among others, in a list or dict."""


class Faces:
    """Tells a shell how to show our types, and takes it back."""

    def __init__(self, shell: InteractiveShell, bench: Bench) -> None:
        self._formatters: Final = display_formatter(shell).formatters
        self._faces: Final[Mapping[type, Face]] = {
            TurnResult: Face(
                lambda result: views.turn_text(result, raised=bench.raised.of(result)),
                lambda result: views.turn_html(
                    result,
                    effects=_effects_of(bench, result),
                    raised=bench.raised.of(result),
                    attachment_data=bench.attachment_data,
                ),
            ),
            EffectEntry: Face(
                views.envelope_text,
                partial(views.envelope_html, attachment_data=bench.attachment_data),
                views.envelope_line,
            ),
            EffectEntries: Face(
                lambda entries: repr(entries_table(entries, attachment_data=bench.attachment_data)),
                lambda entries: entries_table(entries, attachment_data=bench.attachment_data)._repr_html_(),
            ),
            Trace: Face(views.trace_text, views.trace_html),
            SessionGraph: Face(
                views.session_graph_text,
                _themed(partial(views.session_graph_html, attachment_data=bench.attachment_data)),
            ),
            ToolDescription: Face(views.tool_text, views.tool_html, views.tool_line),
            CompletedToolCall: Face(
                views.tool_trial_text, partial(views.tool_trial_html, attachment_data=bench.attachment_data)
            ),
            PromptPreview: Face(views.prompt_text, views.prompt_html),
            LashSession: Face(partial(_session_text, bench)),
            SessionNodeRecord: Face(
                views.node_text, partial(views.node_html, attachment_data=bench.attachment_data), views.node_line
            ),
            StoreReader: Face(views.store_text, views.store_html),
            StoredSession: Face(views.stored_session_text, _themed(views.stored_session_html)),
            AttachmentListing: Face(lambda found: _listing(found).text(), lambda found: _listing(found).static_html()),
            AttachmentCheck: Face(views.attachment_check_text, views.attachment_check_html),
            **{kind: Face(line, line=line) for kind, line in PART_LINES.items()},
            SessionUsageReport: Face(
                lambda report: repr(report_table(report)), lambda report: report_table(report)._repr_html_()
            ),
            AttachmentCollection: Face(views.attachment_collection_text, views.attachment_collection_html),
        }
        self._before: dict[tuple[str, type], Any] = {}

    def put_on(self) -> None:
        """Show our types in our way."""
        for kind, face in self._faces.items():
            self._set(_TEXT, kind, _printer(face))
            if face.html is not None:
                self._set(_HTML, kind, _framed(face.html))

    def take_off(self) -> None:
        """Show them as before."""
        for (mime, kind), before in self._before.items():
            self._formatters[mime].pop(kind, None)
            if before is not None:
                self._formatters[mime].for_type(kind, before)
        self._before.clear()

    def _set(self, mime: str, kind: type, show: Callable[..., Any]) -> None:
        formatter = self._formatters[mime]
        self._before[mime, kind] = formatter.type_printers.get(kind)
        formatter.for_type(kind, show)


def _framed(html: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: views.untypeset(html(value))


def _printer(face: Face) -> Callable[[Any, Any, bool], None]:
    """Text printers of IPython write to a pretty printer; what is printed already stands on its stack, with the value on top."""
    return lambda value, printer, _cycle: printer.text((face.line if printer.stack[1:] else face.text)(value))


def _effects_of(bench: Bench, result: TurnResult) -> list[EffectEntry]:
    """The effects of a turn, if its session is open."""
    return [
        entry
        for opened in _opened(bench, result)
        for entry in opened.session.effects
        if entry.envelope.invocation.scope.turn_id == result.turn_id
    ]


def _opened(bench: Bench, result: TurnResult) -> list[OpenSession]:
    return [one for one in bench.sessions.values() if one.session.session_id == result.session_id]


def _themed(html: Callable[[Any], str]) -> Callable[[Any], str]:
    """Let the pictures in it follow the notebook's theme."""
    return lambda value: f"{views.THEME_RULE}<div data-lash-static>{html(value)}</div>"


def _listing(found: AttachmentListing) -> views.AttachmentsView:
    return views.AttachmentsView(found)


def _session_text(bench: Bench, session: LashSession) -> str:
    policy = session.policy_snapshot()
    turns = f"{session.turn_index} turn{'' if session.turn_index == 1 else 's'}"
    return f"Session {one_line(session.session_id)} · {policy.model.id} by {policy.provider_id} · {turns} · {_next(bench, session)}"


def _next(bench: Bench, session: LashSession) -> str:
    """How this session goes on: a prompt of a cell is for the current one, and an object that was parked is left behind."""
    name = session.session_id
    typed = shlex.quote(one_line(name))
    if name in bench.parked:
        return f"parked; next: %lash resume {typed}"
    if name not in bench.sessions:
        return "next: await session.turn('…')"
    if bench.sessions[name].session is not session:
        return f"next: session = %lash use {typed}"
    return "next: a prompt below %%lash" if name == bench.current else f"next: %lash use {typed}"
