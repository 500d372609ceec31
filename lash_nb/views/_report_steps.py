"""What happened in one turn, in order, as the rows of a report: the question, model calls with what they said, tool calls with their results.

Bodies are read one by one and let go; of what is long the beginning is shown with its size and the expression that gives all of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lash_nb.plots import MARKS, byte_size, counted, duration, one_line
from lash_nb.trace import CodeBlock, LlmCall, Span, ToolCall, Trace, Turn, member, read_fact
from lash_nb.views._json import call_text, inline, pretty, summary
from lash_nb.views._markup import Html, el, filled, joined
from lash_nb.views._report_numbers import FAILED, tokens_words

__all__ = ["Shown", "calls_html", "turn_html"]

_STEPS: Final = 60
"""As many calls of one turn are shown: those that failed, then the first and the last."""
_BODY_BYTES: Final = 1_000_000
"""A longer record is not decoded: it would take more memory than the page is worth."""
_TEXT: Final = 1_500
"""Characters of a text, an argument list or a result."""
_LINE: Final = 160
_OUTCOMES: Final = {"failure": "failure", "cancelled": "cancellation"}
_TOO_LONG: Final[Mapping[str, Any]] = {}

Scale = tuple[int, int]
"""When a turn began and how long it took, in nanoseconds."""


class Shown(NamedTuple):
    """A turn as the report shows it."""

    question: str
    """What was asked, on one line."""
    body: Html
    """What happened."""


def turn_html(trace: Trace, turn: Turn, blocks: Sequence[CodeBlock] = ()) -> Shown:
    """Return what happened in a turn, its blocks of code included."""
    calls = sorted((*turn.calls, *blocks), key=lambda call: call.order)
    shown = _chosen(calls, _STEPS)
    first = next((call.start_row for call in calls if isinstance(call, LlmCall) and call.start_row is not None), None)
    rows = ([] if first is None else [first]) + [row for call in shown for row in _rows(call)]
    bodies = _bodies(trace, rows)
    asked = _question(next(bodies, {})) if first is not None else ""
    steps = _steps(shown, bodies, (turn.began_ns, max(turn.over_ns - turn.began_ns, 1)))
    parts = [
        el("div", *_cut(asked, f"trace[{first}]"), class_="said") if asked else None,
        *steps,
        _left_out(len(calls) - len(shown)),
    ]
    return Shown(one_line(asked, 120), joined(*parts))


def calls_html(trace: Trace, calls: Sequence[Span], most: int) -> Html:
    """Return at most so many of the calls that belong to no turn."""
    shown = _chosen(sorted(calls, key=lambda call: call.order), most)
    return joined(
        *_steps(shown, _bodies(trace, [row for call in shown for row in _rows(call)]), None),
        _left_out(len(calls) - len(shown)),
    )


def _chosen(calls: Sequence[Span], most: int) -> Sequence[Span]:
    """Return the calls that are shown, in order; a failure is left out last."""
    if len(calls) <= most:
        return calls
    end = len(calls) - 1
    wanted = sorted(
        range(len(calls)), key=lambda place: (calls[place].status not in FAILED, min(place, 3 * (end - place)))
    )
    return [calls[place] for place in sorted(wanted[:most])]


def _left_out(count: int) -> Html | None:
    words = f"{counted(count, 'more call')} left out: trace.llm_calls and trace.tool_calls have them all"
    return el("p", words, class_="muted") if count else None


def _row(call: Span) -> int:
    return call.order if call.end_row is None else call.end_row


def _rows(call: Span) -> tuple[int, ...]:
    """Return the records that tell of a call: its end has it all; of a block of code the start has the code."""
    if isinstance(call, CodeBlock) and call.start_row is not None and call.start_row != call.end_row:
        return (call.start_row, _row(call))[: 1 if call.end_row is None else 2]
    return (_row(call),)


def _bodies(trace: Trace, rows: Sequence[int]) -> Iterator[Mapping[str, Any]]:
    """Yield the records one by one; a very long one as nothing."""
    lengths = trace.index.length
    readable = trace.bodies([row for row in rows if lengths[row] <= _BODY_BYTES])
    for row in rows:
        yield next(readable) if lengths[row] <= _BODY_BYTES else _TOO_LONG


def _steps(calls: Sequence[Span], bodies: Iterator[Mapping[str, Any]], scale: Scale | None) -> Iterator[Html]:
    for call in calls:
        told = [next(bodies) for _ in _rows(call)]
        yield _step(call, told[-1], _block(call, told) if isinstance(call, CodeBlock) else _call(call, told[0]), scale)


def _step(call: Span, body: Mapping[str, Any], parts: Iterable[Html], scale: Scale | None) -> Html:
    kind = _kind(call)
    what, *more = parts
    attempts = body.get("attempts")
    retried = len(attempts) if isinstance(attempts, list) else 0
    said = [filled('<div class="x">{}</div>', part) for part in more]
    if body is _TOO_LONG:
        said.append(el("div", f"a record too long for this page: trace[{_row(call)}]", class_="x muted"))
    return filled(
        '<div class="step"><span class="k {}">{}</span><span>{}{}</span>{}<u>{}</u><u>{}</u>{}</div>',
        kind,
        kind,
        what,
        el("small", f" {counted(retried, 'attempt')}") if retried > 1 else "",
        _track(call, scale, kind),
        tokens_words(getattr(call, "usage", None)),
        duration(call.duration_ms) if call.status != "open" else "open",
        joined(*said),
    )


def _kind(call: Span) -> str:
    if isinstance(call, CodeBlock):
        return "exec_code"
    if isinstance(call, ToolCall):
        return "tool_call"
    return "direct" if isinstance(call, LlmCall) and call.is_direct else "llm_call"


def _call(call: Span, body: Mapping[str, Any]) -> Iterator[Html]:
    return _tool(call, body) if isinstance(call, ToolCall) else _model(call, body)


def _block(block: CodeBlock, told: Sequence[Mapping[str, Any]]) -> Iterator[Html]:
    """Yield how a block of code went, then the code and what it printed."""
    if block.error is not None:
        yield _failure(block.error_kind, block.error, None)
    else:
        yield filled("{}", {"open": f"{MARKS['running']} open"}.get(block.status, ""))
    for name, fact, body in (("code", "code", told[0]), ("output", "output", told[-1])):
        text = read_fact(fact, body) if body is not _TOO_LONG else None
        if isinstance(text, str) and text:
            yield joined(el("small", name), el("pre", *_cut(text, f"trace[{_row(block)}]")))


def _track(call: Span, scale: Scale | None, kind: str) -> Html:
    """Return where in its turn a call ran."""
    if scale is None:
        return el("span")
    zero, whole = scale
    left = min(max((call.began_ns - zero) / whole * 100, 0), 99)
    width = min(max((call.duration_ms or 0) * 100e6 / whole, 0), 100 - left)
    template = _FAILED_BAR if call.status in FAILED else _BAR
    return filled(template, kind, f"{left:.1f}", f"{width:.1f}")


_BAR: Final = '<span class="track {}"><i style="left:{}%;width:{}%"></i></span>'
_FAILED_BAR: Final = '<span class="track {}"><i class="no" style="left:{}%;width:{}%"></i></span>'


def _model(call: Span, body: Mapping[str, Any]) -> Iterator[Html]:
    name = el("code", one_line(getattr(call, "model", None) or "model not recorded", 60))
    error = body.get("error")
    if call.status in FAILED or error is not None:
        yield joined(name, " ", _failure(member(error, "code"), member(error, "message"), error))
    else:
        yield filled('{}<span class="muted"> {}</span>', name, _ending(call, body))
    thought, said = _said(body)
    if thought:
        yield el(
            "details",
            el("summary", el("small", f"reasoning, {_size(thought)}")),
            *_cut(thought, f"trace[{_row(call)}]"),
        )
    if said:
        yield joined(*_cut(said, f"trace[{_row(call)}]"))


def _ending(call: Span, body: Mapping[str, Any]) -> str:
    """Return what a model did besides speaking: the tools that it called, or why it stopped."""
    if call.status in ("open", "cancelled"):
        return f"{MARKS['running' if call.status == 'open' else 'cancelled']} {call.status}"
    parts = member(body, "response.parts")
    names = [part.get("tool_name") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    tools = [one_line(name, 40) for name in names if isinstance(name, str)]
    reason = member(body, "response.terminal_reason")
    words = [f"calls {', '.join(tools[:8])}{' …' if len(tools) > 8 else ''}"] if tools else []
    if isinstance(reason, str) and reason not in ("stop", "tool_use"):
        words.append(one_line(reason, 40))
    if body.get("content") == "omitted":
        words.append("texts withheld by the host")
    return ", ".join(words)


def _said(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the reasoning and the text of a reply."""
    parts = member(body, "response.parts")
    known = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    texts = {
        kind: "\n".join(str(part["text"]) for part in known if part.get("type") == kind and part.get("text"))
        for kind in ("reasoning", "text")
    }
    whole = member(body, "response.text")
    return texts["reasoning"], whole if isinstance(whole, str) and whole else texts["text"]


def _tool(call: Span, body: Mapping[str, Any]) -> Iterator[Html]:
    """Yield a call as a sentence, then its arguments and its result where the sentence does not hold them whole."""
    args, outcome = body.get("args"), member(body, "output.outcome")
    payload = member(outcome, "payload") if isinstance(outcome, dict) else body.get("result")
    head = filled(
        '<code>{}</code><span class="mono muted">{}</span> ',
        one_line(getattr(call, "name", None) or "tool not recorded", 60),
        f"({call_text(args, _LINE)})" if args is not None else "",
    )
    if call.status in FAILED:
        yield joined(head, _failure(member(payload, "code"), member(payload, "message"), payload))
    elif call.status == "cancelled":
        yield joined(
            head, f"{MARKS['cancelled']} cancelled ", el("span", one_line(str(member(payload, "message") or ""), 200))
        )
    elif call.status == "open":
        yield joined(head, f"{MARKS['running']} no end in the file")
    else:
        yield filled('{}→ <span class="mono">{}</span>', head, summary(payload, _LINE))
    values = {"arguments": args, _OUTCOMES.get(call.status, "result"): payload}
    more = {name: value for name, value in values.items() if not _is_plain(value)}
    if more:
        blocks = (
            joined(el("small", name), el("pre", *_cut(pretty(value), f"trace[{_row(call)}]")))
            for name, value in more.items()
        )
        yield el("details", el("summary", el("small", " and ".join(more))), *blocks)


def _is_plain(value: Any) -> bool:
    """Whether the sentence of a call holds the value whole."""
    scalars = value.values() if isinstance(value, dict) else (value,)
    return all(isinstance(one, str | int | float | None) for one in scalars) and len(inline(value)) <= _LINE


def _failure(code: Any, message: Any, whole: Any) -> Html:
    words = [one_line(str(word), 400) for word in (code, message) if word]
    first = words[0] if words else "failed" if whole is None else inline(whole, 200)
    return el("span", f"{MARKS['failed']} ", el("b", first), *(f" · {word}" for word in words[1:]), class_="bad")


def _question(body: Mapping[str, Any]) -> str:
    """Return what was asked last in a request: the text of its last message from a user."""
    messages = member(body, "request.messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        blocks = message.get("blocks") if isinstance(message, dict) and message.get("role") == "user" else None
        texts = [
            block["text"]
            for block in (blocks if isinstance(blocks, list) else [])
            if isinstance(block, dict) and block.get("kind") == "text" and isinstance(block.get("text"), str)
        ]
        if texts:
            return "\n".join(texts).strip()
    return ""


def _cut(text: str, whole: str) -> Iterator[Html | str]:
    """Yield the beginning of a text, and what is missing."""
    if len(text) <= _TEXT:
        yield text
        return
    yield text[:_TEXT]
    yield el("small", f" … first {_TEXT:,} of {len(text):,} characters; all: {whole}")


def _size(text: str) -> str:
    return byte_size(len(text.encode(errors="replace")))
