"""What a call of a turn says in a report: a sentence, then the texts that it does not hold whole.

A model call tells what it said or which tools it called, a tool call its arguments and its result or failure, a block of code its source and
what it printed. Of what is long the beginning is shown with its size and the expression that gives all of it. A record may have any shape.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lash_nb.plots import MARKS, byte_size, one_line
from lash_nb.trace import CodeBlock, Piece, Span, ToolCall, is_withheld, read_fact, read_reply
from lash_nb.views._json import call_text, inline, pretty, summary
from lash_nb.views._markup import Html, el, filled, joined
from lash_nb.views._record_words import TEXTS_WITHHELD, cause_of, unless_withheld
from lash_nb.words import NO_MODEL, NO_TOOL

__all__ = ["block_parts", "call_parts", "cut", "end_row"]

_TEXT: Final = 1_500
"""Characters of a text, an argument list or a result."""
_LINE: Final = 160
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_OUTCOMES: Final = {"failure": "failure", "cancelled": "cancellation"}
_NAMED: Final = "<small>{}</small><pre>{}</pre>"
_FOLDED: Final = "<details><summary><small>{}</small></summary>{}</details>"


def call_parts(call: Span, body: Mapping[str, Any]) -> Iterator[Html]:
    """Yield what a call says: its sentence first."""
    return _tool(call, body) if isinstance(call, ToolCall) else _model(call, body)


def block_parts(block: CodeBlock, told: Sequence[Mapping[str, Any]]) -> Iterator[Html]:
    """Yield how a block of code went, then the code and what it printed."""
    if block.error is not None:
        yield _failure(block.error_kind, block.error, None)
    else:
        yield filled("{}", {"open": f"{MARKS['running']} open"}.get(block.status, ""))
    for name, fact, body in (("code", "code", told[0]), ("output", "output", told[-1])):
        text = read_fact(fact, body)
        text = unless_withheld(text if isinstance(text, str) else "", body)
        if text:
            yield filled(_NAMED, name, cut(text, f"trace[{end_row(block)}]"))


def end_row(call: Span) -> int:
    """Return the record of its end, of an open call that of its start."""
    return call.order if call.end_row is None else call.end_row


def _model(call: Span, body: Mapping[str, Any]) -> Iterator[Html]:
    name = one_line(getattr(call, "model", None) or NO_MODEL, 60)
    pieces = read_reply(body)
    if call.has_failed:
        yield filled("<code>{}</code> {}", name, _failure(*cause_of(body), body.get("error")))
    else:
        yield filled('<code>{}</code><span class="muted"> {}</span>', name, _ending(call, body, pieces))
    thought, said = _said(body, pieces)
    if thought:
        yield filled(_FOLDED, f"reasoning, {_size(thought)}", cut(thought, f"trace[{end_row(call)}]"))
    if said:
        yield filled("{}", cut(said, f"trace[{end_row(call)}]"))


def _ending(call: Span, body: Mapping[str, Any], pieces: Sequence[Piece]) -> str:
    """Return what a model did besides speaking: the tools that it called, or why it stopped."""
    if call.status == "cancelled":
        return _cancelled(call)
    if call.status == "open":
        return f"{MARKS['running']} open"
    names = [piece.name for piece in pieces if piece.kind == "tool_call"]
    tools = [one_line(name, 40) for name in names if name]
    reason = read_fact("done_reason", body)
    words = [f"calls {', '.join(tools[:8])}{' …' if len(tools) > 8 else ''}"] if tools else []
    if isinstance(reason, str) and reason not in ("stop", "tool_use"):
        words.append(one_line(reason, 40))
    if is_withheld(body):
        words.append(TEXTS_WITHHELD)
    return ", ".join(words)


def _said(body: Mapping[str, Any], pieces: Sequence[Piece]) -> tuple[str, str]:
    """Return the reasoning and the text of a reply."""
    thought = "\n".join([str(piece.text) for piece in pieces if piece.kind == "reasoning" and piece.text])
    whole = read_fact("text", body)
    if isinstance(whole, str) and whole:
        return thought, whole
    return thought, "\n".join([str(piece.text) for piece in pieces if piece.kind == "text" and piece.text])


def _tool(call: Span, body: Mapping[str, Any]) -> Iterator[Html]:
    """Yield a call as a sentence, then its arguments and its result where the sentence does not hold them whole."""
    args, payload = read_fact("args", body), read_fact("result", body)
    withheld = unless_withheld("", body)
    head = filled(
        '<code>{}</code><span class="mono muted">{}</span> ',
        one_line(getattr(call, "name", None) or NO_TOOL, 60),
        f"({withheld if args is None else call_text(args, _LINE)})" if withheld or args is not None else "",
    )
    if call.has_failed:
        yield joined(head, _failure(*cause_of(body), payload))
    elif call.status == "cancelled":
        yield joined(head, f"{_cancelled(call)} ", el("span", one_line(cause_of(body)[1], 200)))
    elif call.status == "open":
        yield joined(head, f"{MARKS['running']} no end in the file")
    else:
        result = withheld if withheld and payload is None else summary(payload, _LINE)
        yield filled('{}→ <span class="mono">{}</span>', head, result)
    values = {"arguments": args, _OUTCOMES.get(call.status, "result"): payload}
    more = {name: value for name, value in values.items() if not _is_plain(value)}
    if more:
        blocks = [filled(_NAMED, name, cut(pretty(value), f"trace[{end_row(call)}]")) for name, value in more.items()]
        yield filled(_FOLDED, " and ".join(more), joined(*blocks))


def _cancelled(call: Span) -> str:
    """Say of what has no end of its own that it was its turn that was cancelled."""
    return f"{MARKS['cancelled']} cancelled{' with its turn' if call.end_row is None else ''}"


def _is_plain(value: Any) -> bool:
    """Whether the sentence of a call holds the value whole."""
    scalars = value.values() if isinstance(value, dict) else (value,)
    return _SCALARS.issuperset(map(type, scalars)) and len(inline(value)) <= _LINE


def _failure(code: Any, message: Any, whole: Any) -> Html:
    words = [one_line(str(word), 400) for word in (code, message) if word]
    first = words[0] if words else "failed" if whole is None else inline(whole, 200)
    return el("span", f"{MARKS['failed']} ", el("b", first), *(f" · {word}" for word in words[1:]), class_="bad")


def cut(text: str, whole: str) -> str:
    """Return a text; of a long one the beginning, and what is missing."""
    if len(text) <= _TEXT:
        return text
    return joined(text[:_TEXT], el("small", f" … first {_TEXT:,} of {len(text):,} characters; all: {whole}"))


def _size(text: str) -> str:
    return byte_size(len(text.encode(errors="replace")))
