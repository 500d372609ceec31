"""The part of a long text that fits into a budget (lash 0.1.0-alpha.37, turns §13)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from lash_nb.errors import CallerError

__all__ = ["BudgetUnit", "TextBudget", "TextWindow"]

BudgetUnit: TypeAlias = Literal["bytes", "tokens"]
"""How a budget is counted; a token is taken for four bytes."""

_BYTES_PER_TOKEN: Final = {"bytes": 1, "tokens": 4}
_MOST_BYTES_OF_A_CHARACTER: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWindow:
    """What is left of a text."""

    preview: str
    """Lines from its start or from its end."""
    removed: int
    """How much is missing."""
    unit: str
    """What `removed` counts: `lines`, `bytes` (characters, as the reference counts them) or `tokens`."""

    @property
    def marker(self) -> str:
        """The line that stands for what is missing."""
        return f"...{self.removed} {self.unit} truncated..."


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBudget:
    """How much of a text may be shown."""

    unit: BudgetUnit
    """How `limit` is counted."""
    limit: int
    """Most bytes or tokens."""
    max_lines: int
    """Most lines."""

    def __post_init__(self) -> None:
        if self.unit not in _BYTES_PER_TOKEN:
            raise CallerError(f"a budget cannot count in {self.unit!r}; give bytes or tokens")
        if min(self.limit, self.max_lines) < 0:
            raise CallerError(
                f"a budget of {self.limit} {self.unit} and {self.max_lines} lines; give 0 or more of each"
            )

    @property
    def most_bytes(self) -> int:
        """The limit in UTF-8 bytes."""
        return self.limit * _BYTES_PER_TOKEN[self.unit]

    @property
    def is_nothing(self) -> bool:
        """Whether no text at all may be shown."""
        return not (self.limit and self.max_lines)

    def is_far_from(self, text: str) -> bool:
        """Tell whether a text is so short that it fits whatever stands in it: each character a line of its own, and of as many bytes as there are."""
        length = len(text)
        return length < self.max_lines and length * _MOST_BYTES_OF_A_CHARACTER <= self.limit

    def holds(self, written: Iterable[str]) -> bool:
        """Tell whether all texts in what is `written`, plainly or as JSON, are sure to fit: JSON makes no text shorter."""
        left = self.most_bytes
        lines = 0
        for text in written:
            left = self._left(left, text)
            if left < 0:
                return False
            lines += text.count("\n") + text.count("\\n")
        return lines < self.max_lines

    def cut(self, text: str, *, tail: bool) -> TextWindow | None:
        """Return the window on `text`, from its end if `tail`; None when all of it fits.

        Only a piece as long as the window is taken apart, however long the text.
        """
        if self._left(self.most_bytes, text) >= 0 and _lines(text) <= self.max_lines:
            return None
        if self.is_nothing:
            return self._of_bytes(text, "")
        preview, kept = self._window(text, tail=tail)
        if kept is None:
            return self._of_bytes(text, preview)
        missing = _lines(text) - kept
        return TextWindow(preview=preview, removed=missing, unit="lines") if missing else None

    @staticmethod
    def _left(left: int, text: str) -> int:
        """Return how much of `left` bytes a text leaves over, less than nothing when it does not fit; nobody counts the bytes of a long one."""
        return left - (_size(text) if len(text) <= left else len(text))

    def _of_bytes(self, text: str, preview: str) -> TextWindow:
        if self.unit == "bytes":
            return TextWindow(preview=preview, removed=len(text) - len(preview), unit="bytes")
        tokens = -(-(_size(text) - _size(preview)) // _BYTES_PER_TOKEN["tokens"])
        return TextWindow(preview=preview, removed=tokens, unit="tokens")

    def _window(self, text: str, *, tail: bool) -> tuple[str, int | None]:
        """The lines that fit and how many they are, None for how many when the bytes ran out; the last one may end in a newline."""
        # a character has at least one byte, but for the `\r` of each line: what lies beyond cannot fit
        reach = 2 * (self.most_bytes + 2)
        end = _end(text)
        told = text[max(0, end - reach) : end + 1] if tail else text[: min(reach, end) + 1]
        lines = told.replace("\r\n", "\n").removesuffix("\n").split("\n")  # a `\r` alone ends no line
        lines = lines[::-1] if tail else lines
        kept: list[str] = []
        left = self.most_bytes
        for line in lines[: self.max_lines]:
            left -= _size(line) + bool(kept)
            if left < 0:
                return (_joined(kept, tail=tail) if kept else self._piece(text, tail=tail)), None
            kept.append(line)
        return _joined(kept, tail=tail), len(kept)

    def _piece(self, text: str, *, tail: bool) -> str:
        """The start of a line that is too long by itself."""
        end = _end(text)
        start = text.rfind("\n", 0, end) + 1 if tail else 0
        return text[start : min(start + self.most_bytes, end)].encode()[: self.most_bytes].decode(errors="ignore")


def _joined(lines: list[str], *, tail: bool) -> str:
    return "\n".join(reversed(lines) if tail else lines)


def _end(text: str) -> int:
    """Where the last line ends."""
    return len(text) - text.endswith("\n")


def _lines(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n"))


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
