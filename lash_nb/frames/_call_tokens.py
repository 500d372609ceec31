"""The tokens of a trace's model calls as columns of numbers: what adds them up asks here, not call by call."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lash_nb.trace import LlmCall, Trace

__all__ = ["CallTokens", "Numbers", "Positions", "call_tokens"]

Numbers = npt.NDArray[np.float64]
"""One number per entry; NaN where it is not known."""

Positions = npt.NDArray[np.int64]
"""One position in a list per entry; -1 where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTokens:
    """Tokens of the model calls that reported any, one entry per call in each column."""

    call: Positions
    """Position in `Trace.llm_calls`."""
    turn: Positions
    """Position in `Trace.turns`; -1 for a call outside any turn."""
    model: Positions
    """Position in `models`."""
    models: tuple[str | None, ...]
    """Each different model, in the order in which it first came; None where the trace does not name it."""
    uncached_input: Numbers
    """Tokens that the model read and no cache had."""
    cache_read: Numbers
    """Tokens that it read from the provider's cache."""
    cache_write: Numbers
    """Tokens that it read and wrote to the cache; NaN where the trace does not tell."""
    output: Numbers
    """Tokens that it wrote, reasoning included."""
    reasoning: Numbers
    """Of these, tokens of reasoning."""
    approximate: npt.NDArray[np.bool_]
    """Whether the output may count reasoning twice."""
    silent: int
    """Model calls that ended well and report no tokens."""

    @property
    def input(self) -> Numbers:
        """All tokens that the model read, as far as they are known."""
        return self.uncached_input + self.cache_read + np.nan_to_num(self.cache_write)


def call_tokens(trace: Trace) -> CallTokens:
    """Return the tokens of the model calls of a trace."""
    turn_of = {call.order: turn for turn, one in enumerate(trace.turns) for call in one.llm_calls}
    models: dict[str | None, int] = {}
    rows = [
        (number, turn_of.get(call.order, -1), models.setdefault(call.model, len(models)), *counts)
        for number, call in enumerate(trace.llm_calls)
        if (counts := _counts(call)) is not None
    ]
    values = np.array(rows, dtype=np.float64).reshape(len(rows), _WIDTH).T
    call, turn, model = values[:3].astype(np.int64)
    uncached, read, write, output, reasoning, approximate = values[3:]
    return CallTokens(
        call=call,
        turn=turn,
        model=model,
        models=tuple(models),
        uncached_input=uncached,
        cache_read=read,
        cache_write=write,
        output=output,
        reasoning=reasoning,
        approximate=approximate.astype(np.bool_),
        silent=sum(one.usage is None and one.status == "completed" for one in trace.llm_calls),
    )


_WIDTH: Final = 9
"""Numbers per call: where it is, and what `_counts` gives."""

_UNKNOWN: Final = float("nan")


def _counts(call: LlmCall) -> tuple[float, float, float, float, float, bool] | None:
    """Return what one call reported, in the order of the columns above."""
    usage = call.usage
    if usage is None:
        return None
    written = _UNKNOWN if usage.cache_write is None else usage.cache_write
    return usage.uncached_input, usage.cache_read, written, usage.output, usage.reasoning, usage.approximate
