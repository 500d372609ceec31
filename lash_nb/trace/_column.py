"""Columns that grow: numbers in one block of memory, texts that repeat as numbers of a list."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["CodedColumn", "Codes", "Grown", "Ints"]

Ints = npt.NDArray[Any]
"""A column of numbers, one per record."""

_FIRST: Final = 1024


class Grown:
    """A column that grows at its end; what was handed out of it stays as it is."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self._block: Ints = np.empty(_FIRST, dtype)
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def __getstate__(self) -> dict[str, Any]:
        """Leave the spare room here: it was never written, so it has what this process had in that memory before."""
        return {"_block": self._block[: self._used].copy(), "_used": self._used}

    @property
    def values(self) -> Ints:
        """What is there now; later growth does not change it."""
        view = self._block[: self._used]
        view.flags.writeable = False
        return view

    def extend(self, values: Any) -> None:
        """Append values: a growth by half keeps the copying small and the memory that waits for more, too."""
        end = self._used + len(values)
        if end > len(self._block):
            grown = np.empty(max(end, len(self._block) * 3 // 2), self._block.dtype)
            grown[: self._used] = self._block[: self._used]
            self._block = grown
        self._block[self._used : end] = values
        self._used = end


class Codes:
    """The number of each different text; new ones get the next."""

    def __init__(self, words: Mapping[Any, str] | None = None) -> None:
        self._numbers: dict[Any, int] = {None: 0}
        self._texts: list[Any] = []
        self._words = words

    @property
    def texts(self) -> list[Any]:
        """Each different text, in the order in which it first came."""
        if len(self._texts) < len(self._numbers) - 1:
            self._texts = list(self._numbers)[1:]
        return self._texts

    def encode(self, values: Sequence[Any]) -> Ints:
        """Return the numbers of `values`."""
        if self._words:
            values = [self._words.get(value, value) for value in values]
        if values and values[0] == values[-1] and values.count(values[0]) == len(values):
            return np.full(len(values), self._look_up(values[:1])[0], "i4")
        return self._look_up(values)

    def _look_up(self, values: Sequence[Any]) -> Ints:
        """Find each value; a new one gets as its number how many there are by then."""
        try:
            return np.fromiter(map(self._numbers.__getitem__, values), "i4", len(values)) - 1
        except KeyError:  # mostly all are known
            numbers = map(self._numbers.setdefault, values, iter(self._numbers.__len__, -1))
            return np.fromiter(numbers, "i4", len(values)) - 1


class CodedColumn(Sequence[Any]):
    """A column of texts that repeat: each different one once, and one small number per record."""

    def __init__(self, different: Sequence[Any], codes: Ints) -> None:
        self.values = different
        """Each different text, in the order in which it first came."""
        self.codes = codes
        """Position in `values` for each record; -1 where the record has none."""

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: Any) -> Any:
        found = self.codes[row]
        return self.at(found) if isinstance(found, np.ndarray) else self.at([found])[0]

    def at(self, codes: Iterable[int]) -> list[Any]:
        """Return the texts of these numbers."""
        return [None if code < 0 else self.values[code] for code in codes]
