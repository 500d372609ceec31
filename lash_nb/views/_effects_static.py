"""Effects and envelopes where no script runs: a table with `<details>`, a card, aligned text."""

from collections.abc import Sequence
from typing import Final

from lash_nb.plots import KIND_COLORS, MARKS, counted, duration, one_line, token_count
from lash_nb.views._effect_words import (
    arguments,
    cause_text,
    describe,
    failure_of,
    last_turn,
    python_of,
    subject_of,
    usage_of,
)
from lash_nb.views._fields import fields_of
from lash_nb.views._json import json_html, pretty_capped
from lash_nb.views._markup import CODE, FAILURE, MUTED, RIGHT, Html, el, heading, joined, table
from lash_nb.views._small_pictures import AttachmentBytes, SmallPictures, effect_attachments, given_attachments
from lash_nb.views._text import aligned, clipped
from lash_nb.wire import EffectEntry

__all__ = ["effect_pictures_html", "effects_html", "effects_text", "envelope_html", "envelope_line", "envelope_text"]

_ROWS: Final = 30
"""Of a long turn its end is shown."""
_JSON: Final = 24_000
"""Characters of JSON in a table, the same for each row: a notebook keeps a table of each stop, and five times as many of markup."""
_FIELD: Final = 2_000
"""Characters of one field."""
_ENVELOPE: Final = 20_000
"""Characters of JSON of one effect that is looked at by itself, and of its outcome."""
_ASCII: Final = {
    "ok": "ok",
    "failed": "! failed",
    "error": "! error",
    "cancelled": "x cancelled",
    "running": "running",
    "pending": "pending",
}


def effects_html(
    entries: Sequence[EffectEntry], *, title: str = "Effects", attachment_data: AttachmentBytes | None = None
) -> str:
    """Return the last effects as a table for GitHub, nbviewer and a notebook without a kernel, with the small pictures that tools gave."""
    shown = last_turn(entries)[-_ROWS:]
    heads = [
        ("#", RIGHT),
        ("kind", "white-space:nowrap;"),
        ("what", "width:100%;overflow-wrap:anywhere;"),
        ("effect", f"white-space:nowrap;{CODE}"),
        ("status", "white-space:nowrap;"),
        ("took", RIGHT),
        ("tokens", RIGHT),
    ]
    pictures = SmallPictures(attachment_data)
    body = table(heads, [_html_row(entry, pictures, limit=_JSON // len(shown)) for entry in shown])
    cut = (
        f"{len(shown)} of {counted(len(entries), 'effect')}. The others: session.effects"
        if len(shown) < len(entries)
        else counted(len(entries), "effect")
    )
    return joined(
        heading(title),
        body,
        el("div", cut, style=f"font-size:12px;margin-top:4px;{MUTED}"),
    )


def effects_text(
    entries: Sequence[EffectEntry], *, title: str = "Effects", next_commands: str = "next: %lash effects"
) -> str:
    """Return the last effects as aligned text, the pending one with its arguments."""
    shown = last_turn(entries)[-_ROWS:]
    cells = [["", "#", "kind", "what", "effect", "status", "took"]]
    for entry in shown:
        row = describe(entry)
        took = "" if row.pending else row.took
        cells.append(
            [
                ">" if row.pending else "",
                str(row.order),
                _kind_word(row.kind),
                row.what,
                _effect_id(entry),
                _ASCII[row.status],
                took,
            ]
        )
    lines = [title, *aligned(cells, right=(1, 6), limits={3: 24, 4: 22})]
    if shown and shown[-1].status == "pending":
        lines += [f"      {line}" for line in _argument_lines(shown[-1])]
    if len(shown) < len(entries):
        lines.append(f"{len(shown)} of {counted(len(entries), 'effect')}: session.effects")
    return clipped([*lines, next_commands])


def effect_pictures_html(entries: Sequence[EffectEntry], *, attachment_data: AttachmentBytes | None = None) -> str:
    """Return the small pictures that the last tools gave, each below the number of its effect; empty when there are none.

    Args:
        entries: The effects.
        attachment_data: Gives the bytes of attachments.
    """
    pictures = SmallPictures(attachment_data)
    drawn = [(entry, pictures.drawn(given_attachments(entry))) for entry in entries[-_ROWS:]]
    return joined(
        *(
            el("div", el("div", f"effect {entry.order}", style=MUTED), shown)
            for entry, shown in drawn
            if shown is not None
        )
    )


def envelope_html(entry: EffectEntry, *, attachment_data: AttachmentBytes | None = None) -> str:
    """Return one envelope as a card: identity, fields, small pictures, outcome, JSON.

    Args:
        entry: The effect.
        attachment_data: Gives the bytes of attachments.
    """
    row, invocation = describe(entry), entry.envelope.invocation
    identity = [
        ("effect", invocation.effect_id or ""),
        ("replay key", invocation.replay_key or ""),
        ("hash", entry.envelope.hash()),
        ("from", cause_text(invocation.caused_by)),
        ("turn", f"{invocation.scope.turn_index or ''} {invocation.scope.turn_id or ''}".strip()),
    ]
    fields = [(field.label, _shortened(field.value)) for field in fields_of(entry.envelope, None)]
    took = "" if row.pending else f"{row.took} · {row.origin}" if row.origin else row.took
    head = el(
        "div",
        _swatch(row.kind),
        el("b", f" {one_line(row.what)} ", style=CODE),
        el("span", f"{row.kind} · {row.status} {took}", style=MUTED),
        style="margin:4px 0;",
    )
    failure = failure_of(entry)
    parts = [
        head,
        el("div", el("b", one_line(failure[0])), f" · {failure[1]}", style=f"overflow-wrap:anywhere;{FAILURE}")
        if failure
        else None,
        _pairs([pair for pair in identity if pair[1]]),
        el("div", "Fields", style=f"margin-top:8px;font-size:11px;{MUTED}"),
        _pairs(fields),
        SmallPictures(attachment_data).drawn(effect_attachments(entry)),
        el(
            "details",
            el("summary", "JSON"),
            json_html(entry.envelope, whole=f"{python_of(entry)}.envelope", limit=_ENVELOPE),
            style="margin-top:6px;",
        ),
        el(
            "details",
            el("summary", "Outcome"),
            json_html(entry.outcome, whole=f"{python_of(entry)}.outcome", limit=_ENVELOPE),
        )
        if entry.outcome is not None
        else None,
    ]
    return el("div", *parts, style="font-size:13px;")


def envelope_text(entry: EffectEntry) -> str:
    """Return one envelope as text: identity, fields, whole hash, JSON."""
    row, invocation = describe(entry), entry.envelope.invocation
    pairs = [
        ["effect", invocation.effect_id or ""],
        ["replay key", invocation.replay_key or ""],
        ["hash", entry.envelope.hash()],
        ["from", cause_text(invocation.caused_by)],
        *[[field.label, " ".join(field.value.split())] for field in fields_of(entry.envelope, None)],
    ]
    head = f"Envelope  {row.order} · {row.kind} {row.what} · {row.status}"
    commands = "next: %lash step, %lash inject '…'" if row.pending else f"outcome: {python_of(entry)}.outcome"
    text, cut = pretty_capped(entry.envelope, whole=f"{python_of(entry)}.envelope")
    return clipped(
        [
            head,
            *aligned([["", *pair] for pair in pairs if pair[1]], limits={2: 84}),
            *text.splitlines(),
            cut or commands,
        ]
    )


def envelope_line(entry: EffectEntry) -> str:
    """Return one envelope in one line, to stand among others."""
    row = describe(entry)
    facts = filter(None, (f"{row.kind} {row.what}".rstrip(), row.status, row.origin))
    return one_line(f"<EffectEntry {row.order}: {', '.join(facts)}>")


def _html_row(entry: EffectEntry, pictures: SmallPictures, *, limit: int) -> list[str]:
    row = describe(entry)
    usage = usage_of(entry)
    tokens = f"{token_count(usage.input_tokens)} → {token_count(usage.output_tokens)}" if usage else ""
    mark = el("span", f"{MARKS.get(row.mark or 'paused', '')} ", style=FAILURE if row.mark == "failed" else None)
    origin = f" · {row.origin}" if row.origin else ""
    took = "" if entry.duration_ms is None else duration(entry.duration_ms)
    return [
        str(row.order),
        joined(_swatch(row.kind), f" {_kind_word(row.kind)}"),
        _html_what(entry, pictures, limit=limit),
        one_line(_effect_id(entry), 24),
        joined(mark, row.status, origin),
        took,
        tokens,
    ]


def _html_what(entry: EffectEntry, pictures: SmallPictures, *, limit: int) -> Html:
    failure = failure_of(entry)
    said = joined(
        el("span", one_line(subject_of(entry.envelope), 48), style=CODE),
        el("span", f" {arguments(entry.envelope)}", style=CODE + MUTED),
        el("span", f" {failure[0]} · {failure[1]}", style=FAILURE) if failure else None,
    )
    if entry.envelope.kind in {"checkpoint", "sync_execution_surface", "sleep"}:
        return said
    shown = entry.outcome if entry.outcome is not None else entry.envelope.command
    inner = getattr(getattr(getattr(shown, "result", None), "output", None), "outcome", shown)
    return joined(
        el("details", el("summary", said), json_html(inner, whole=python_of(entry), limit=limit)),
        pictures.drawn(given_attachments(entry)),
    )


def _kind_word(kind: str) -> str:
    return "sync" if kind == "sync_execution_surface" else kind


def _swatch(kind: str) -> Html:
    style = f"display:inline-block;width:9px;height:9px;border-radius:2px;border:1px solid rgba(128,128,128,.5);background:{KIND_COLORS.get(kind, '#8A9099')}"
    return el("span", style=style)


def _pairs(pairs: list[tuple[str, str]]) -> Html:
    rows = [
        el(
            "tr",
            el("td", one_line(name, 40), style=f"text-align:left;padding:1px 16px 1px 0;vertical-align:top;{MUTED}"),
            el("td", value, style=f"text-align:left;padding:1px 0;overflow-wrap:anywhere;white-space:pre-wrap;{CODE}"),
        )
        for name, value in pairs
    ]
    return el("table", *rows, style="border-collapse:collapse;table-layout:auto;margin:0;font-size:12px;")


def _shortened(value: str) -> str:
    more = counted(len(value) - _FIELD, "character")
    return f"{value[:_FIELD]} … {more} more, see the JSON" if len(value) > _FIELD else value


def _effect_id(entry: EffectEntry) -> str:
    return entry.envelope.invocation.effect_id or ""


def _argument_lines(entry: EffectEntry) -> list[str]:
    fields = [field for field in fields_of(entry.envelope, None) if field.group == "args"]
    return aligned([[field.label, " ".join(field.value.split())] for field in fields], limits={1: 70})
