"""What a model would get at the next call, as a table by component whose texts open."""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from lash_nb.plots import counted, one_line, token_count
from lash_nb.views._markup import BORDER, CODE, MUTED, RIGHT, SUNK, Html, bar, el, heading, joined
from lash_nb.views._text import aligned, clipped

__all__ = ["PromptComponentLike", "PromptLike", "prompt_html", "prompt_text"]

_KINDS: Final = {"system": "system prompt", "tool": "tools", "history": "history", "input": "input"}
"""In the order of the request, and what a group is called."""
_FILLS: Final = {"system": "#0072B2", "tool": "#E69F00", "history": "#8A9099", "input": "#009E73"}
"""Fills beside words, never text."""
_FIRST, _LAST = 3, 20
"""Messages of a long history that are shown; those between them are counted."""
_NAMED: Final = 4
"""As many hooks does a note name."""
_TEXT: Final = 20_000
"""Characters of a text that opens; a longer one is cut aloud."""
_CUT: Final = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap;"
_ROW: Final = "display:flex;gap:12px;padding:2px 12px;"


class PromptComponentLike(Protocol):
    """One piece, as a preview gives it."""

    @property
    def kind(self) -> str:
        """`system`, `tool`, `history` or `input`."""
        ...

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def source(self) -> str:
        """Who put it there."""
        ...

    @property
    def text(self) -> str:
        """What the model reads."""
        ...

    @property
    def images(self) -> int:
        """Pictures beside the text."""
        ...

    @property
    def chars(self) -> int:
        """Its length in characters."""
        ...

    @property
    def tokens(self) -> int:
        """About how many tokens."""
        ...


class PromptLike(Protocol):
    """What would be asked, as `session.control.state.preview_prompt()` gives it."""

    @property
    def session_id(self) -> str:
        """The session."""
        ...

    @property
    def model(self) -> str:
        """The model."""
        ...

    @property
    def context_window(self) -> int | None:
        """Size of the context window, in tokens."""
        ...

    @property
    def components(self) -> Sequence[PromptComponentLike]:
        """The pieces, in order."""
        ...

    @property
    def last_tokens(self) -> int | None:
        """Tokens of the prompt of the last call, as the provider counted them."""
        ...

    @property
    def during_turn(self) -> bool:
        """Whether a turn runs."""
        ...

    @property
    def unasked(self) -> Sequence[str]:
        """The hooks that were not asked and may change the call."""
        ...

    @property
    def ended_by(self) -> str:
        """The plugin that would end the turn, and why."""
        ...

    @property
    def tokens(self) -> int:
        """About how many tokens there are in all."""
        ...

    @property
    def chars(self) -> int:
        """Characters of all components."""
        ...


def prompt_html(preview: PromptLike) -> str:
    """Return a preview as HTML that needs no script, style block or kernel: each text opens where its row is."""
    longest = max((one.tokens for one in preview.components), default=1)
    return joined(
        heading(f"Next call of {one_line(preview.session_id, 40)}", _total(preview)),
        _bar(preview),
        el("div", el("span", style="flex:1;"), *_numbers(("characters", "tokens", "window")), style=_ROW + MUTED),
        *(piece for kind in _KINDS for piece in _group(preview, kind, longest)),
        el("div", " ".join(_notes(preview)), style=f"{MUTED}font-size:11px;padding:4px 0;overflow-wrap:anywhere;"),
    )


def prompt_text(preview: PromptLike) -> str:
    """Return the same as text, without the texts themselves."""
    cells = [["", "what", "who", "chars", "≈ tokens", "share"]]
    for kind, words in _KINDS.items():
        held = [one for one in preview.components if one.kind == kind]
        if held:
            cells.append([words, "", "", *_sizes(preview, held)])
        cells += [_text_cells(preview, one) for one in _shown(held)]
    head = f"Next call of {one_line(preview.session_id, 40)}  {_total(preview)}"
    return clipped([head, *aligned(cells, right=(3, 4, 5)), *_notes(preview)])


def _text_cells(preview: PromptLike, one: PromptComponentLike | int) -> list[str]:
    if isinstance(one, int):
        return ["", f"… {counted(one, 'message')} more", "", "", "", ""]
    return ["", one_line(one.name, 32), one_line(one.source, 24), *_sizes(preview, [one])]


def _group(preview: PromptLike, kind: str, longest: int) -> Iterator[Html]:
    held = [one for one in preview.components if one.kind == kind]
    if not held:
        return
    square = el(
        "span",
        style=f"display:inline-block;width:9px;height:9px;margin-right:6px;border:{BORDER};background:{_FILLS[kind]};",
    )
    yield el(
        "div",
        el("b", square, _KINDS[kind], style="flex:1;"),
        *_numbers(_sizes(preview, held)),
        style=f"{_ROW}border-top:{BORDER};padding-top:6px;",
    )
    for one in _shown(held):
        yield (
            el("div", f"… {counted(one, 'message')} more", style=_ROW + MUTED)
            if isinstance(one, int)
            else _component(preview, one, longest)
        )


def _component(preview: PromptLike, one: PromptComponentLike, longest: int) -> Html:
    name = el("span", one_line(one.name, 60), style=f"flex:0 0 180px;{_CUT}", title=one_line(one.name, 200))
    source = el("span", one_line(one.source, 60), style=f"{MUTED}flex:0 0 96px;{_CUT}", title=one_line(one.source, 200))
    begin = el(
        "span",
        one_line(one.text, 90),
        style=f"{MUTED}flex:1;min-width:0;{_CUT}",
    )
    line = el(
        "div",
        name,
        source,
        begin,
        _length(one, longest),
        *_numbers(_sizes(preview, [one])),
        style="display:inline-flex;gap:12px;width:calc(100% - 18px);",
    )
    rest = (
        f"\n… {counted(len(one.text) - _TEXT, 'character')} more: preview.components[…].text"
        if len(one.text) > _TEXT
        else ""
    )
    pictures = f"\n[{counted(one.images, 'picture')}, not counted]" if one.images else ""
    text = el(
        "pre",
        one.text[:_TEXT] + rest + pictures,
        style=f"margin:2px 12px 6px 30px;padding:6px 8px;white-space:pre-wrap;overflow-wrap:anywhere;{SUNK}{CODE}",
    )
    return el("details", el("summary", line, style="padding:2px 12px;cursor:pointer;"), text)


def _shown(held: Sequence[PromptComponentLike]) -> Iterator[PromptComponentLike | int]:
    """The pieces, and in place of the middle of many how many they are."""
    if len(held) <= _FIRST + _LAST + 1:
        yield from held
        return
    yield from held[:_FIRST]
    yield len(held) - _FIRST - _LAST
    yield from held[-_LAST:]


def _bar(preview: PromptLike) -> Html:
    """The window, and what each group fills of it."""
    whole = max(preview.context_window or 0, preview.tokens, 1)
    parts = [sum(one.tokens for one in preview.components if one.kind == kind) for kind in _KINDS]
    drawn = bar(parts, fills=list(_FILLS.values()), whole=whole)
    return el("div", drawn, style=f"border:{BORDER};line-height:0;margin:2px 0 6px;", aria_hidden="true")


def _length(one: PromptComponentLike, longest: int) -> Html:
    """How long a piece is, beside the longest one."""
    drawn = bar([one.tokens], fills=[_FILLS[one.kind]], whole=longest) if one.tokens else None
    return el("span", drawn, style="flex:0 0 96px;")


def _sizes(preview: PromptLike, held: Sequence[PromptComponentLike]) -> tuple[str, str, str]:
    tokens = sum(one.tokens for one in held)
    return f"{sum(one.chars for one in held):,}", f"≈ {token_count(tokens)}", _share(preview, tokens)


def _numbers(sizes: tuple[str, str, str]) -> Iterator[Html]:
    for text, wide in zip(sizes, (72, 62, 52), strict=True):
        yield el("span", text, style=f"{RIGHT}min-width:{wide}px;")


def _share(preview: PromptLike, tokens: int) -> str:
    return f"{tokens / preview.context_window:.1%}" if preview.context_window else ""


def _total(preview: PromptLike) -> str:
    window = (
        f" of {token_count(preview.context_window)}, {_share(preview, preview.tokens)}"
        if preview.context_window
        else ""
    )
    return (
        f"{one_line(preview.model, 40)} · {preview.chars:,} characters · ≈ {token_count(preview.tokens)} tokens{window}"
    )


def _notes(preview: PromptLike) -> list[str]:
    last = preview.last_tokens
    return [
        *(["A turn runs: this is its next call."] if preview.during_turn else []),
        *([f"The last prompt had {token_count(last)} tokens by the provider's count."] if last else []),
        *_hook_notes(preview),
        "≈: a token for four characters, pictures not counted.",
    ]


def _hook_notes(preview: PromptLike) -> list[str]:
    if preview.ended_by:
        return [f"No call would be made, a plugin would end the turn: {one_line(preview.ended_by, 200)}."]
    if not preview.unasked:
        return []
    named = ", ".join(one_line(one, 60) for one in preview.unasked[:_NAMED])
    more = f" and {len(preview.unasked) - _NAMED} more" if len(preview.unasked) > _NAMED else ""
    ask = "" if preview.during_turn else " Ask: %lash prompt --hooks."
    return [f"Not asked, may change it: {named}{more}.{ask}"]
