"""What was tried for one call: each try of a model or tool call that lash repeats by itself.

Told since version 3; of earlier releases nothing is known, which is not the same as one attempt. Attempts take a call apart: their tokens are
in those of the call already.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from lash_nb.trace._execution_events import Records, int_of, text_of
from lash_nb.trace._facts import read_attempt_fact, read_fact
from lash_nb.trace._select import rows_of
from lash_nb.trace._usage import Usage, read_usage

__all__ = ["Attempt", "find_attempts"]

_ALONE: Final = "llm_attempt_completed"
"""Type of the record that tells of one try when it ends; the end of the call tells of it again (version 36)."""
_TELLING: Final = frozenset({"llm_call_completed", "llm_call_failed", "tool_call_completed", _ALONE})
_FIRST_VERSION: Final = 3


class Attempt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One try of a model or tool call."""

    row: int
    """Number of the record that tells of it: the end of the call, in most releases."""
    of_tool: bool
    """Whether it is a try of a tool call; else of a model call."""
    session_id: str | None
    """The session."""
    turn_id: str | None
    """The turn."""
    turn_index: int | None
    """Number of the turn in its session."""
    llm_call_id: str | None
    """The model call."""
    call_id: str | None
    """The tool call."""
    ordinal: int | None
    """Which try, from 1."""
    outcome: str | None
    """`completed`, `failed`, `aborted`, `interrupted` or `cancelled`."""
    duration_ms: float | None
    """How long it took, in milliseconds."""
    delay_ms: float | None
    """How long lash meant to wait before the next try, in milliseconds."""
    reason: str | None
    """Why it failed and why it was tried again, in prose."""
    error_class: str | None
    """Class of the failure (tools, version 36)."""
    error_code: str | None
    """Machine-readable cause of the failure (tools, version 36)."""
    started_at_ms: int | None
    """When it began, in milliseconds since the Unix epoch (version 36)."""
    ended_at_ms: int | None
    """When it ended, in milliseconds since the Unix epoch (version 36)."""
    served_model: str | None
    """The model that answered, as the provider calls it (since version 4)."""
    provider_request_id: str | None
    """The provider's id of the request (since version 4)."""
    provider_response_id: str | None
    """The provider's id of the answer (since version 4)."""
    finish_reason: str | None
    """Why the model stopped, in the provider's word (since version 4)."""
    interruption: str | None
    """What kept the answer from being collected whole (since version 4)."""
    charge: str | None
    """Whether another try was `authorized` or `denied` for its cost (11 to 35)."""
    charge_reason: str | None
    """Why it was denied."""
    tokens_at_stake: int | None
    """Tokens that another try would cost once more."""
    generation_disposition: Any
    """What became of each setting of the generation, as a plain object (12 to 35)."""
    usage: Usage | None
    """Tokens (since version 12)."""
    usage_disposition: str | None
    """Whether the provider reported tokens, and if not, why (since version 19)."""


_TEXTS: Final = (
    "outcome",
    "reason",
    "error_class",
    "error_code",
    "served_model",
    "provider_request_id",
    "provider_response_id",
    "finish_reason",
    "interruption",
    "charge",
    "charge_reason",
    "usage_disposition",
)
_NUMBERS: Final = ("ordinal", "tokens_at_stake", "started_at_ms", "ended_at_ms")


def find_attempts(trace: Records) -> tuple[Attempt, ...]:
    """Return the attempts of all calls, in the order of the records that tell of them; each once."""
    versions = trace.index.text("schema_version")
    telling = [version for version in versions.values if version >= _FIRST_VERSION]
    rows = rows_of(trace.index, _TELLING, versions=telling) if telling else []
    attempts: dict[tuple[int, int], Attempt] = {}
    alone: dict[Any, tuple[int, int]] = {}
    for row, body in zip(rows, trace.bodies(rows), strict=True):
        for number, members in enumerate(_tries(body)):
            attempts[row, number] = attempt = _attempt(row, body, members)
            told = (attempt.session_id, attempt.llm_call_id, attempt.ordinal)
            if body["type"] == _ALONE:
                alone[told] = (row, number)
            elif told in alone:
                del attempts[alone.pop(told)]
    return tuple(attempts.values())


def _tries(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the attempts of a record: the list of its call, or the one that it tells of alone."""
    listed = read_fact("attempts", body)
    if body["type"] == _ALONE:
        attempt, seen = read_fact("attempt", body), read_fact("observation", body)
        members = attempt if isinstance(attempt, dict) else {"ordinal": attempt}
        listed = [{**members, **(seen if isinstance(seen, dict) else {})}]
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _attempt(row: int, body: Mapping[str, Any], members: Mapping[str, Any]) -> Attempt:
    facts: dict[str, Any] = {
        **{name: text_of(read_fact(name, body)) for name in ("session_id", "turn_id", "llm_call_id", "call_id")},
        **{name: text_of(read_attempt_fact(name, members)) for name in _TEXTS},
        **{name: int_of(read_attempt_fact(name, members)) for name in _NUMBERS},
        **{name: _milliseconds(read_attempt_fact(name, members)) for name in ("duration_ms", "delay_ms")},
        "generation_disposition": read_attempt_fact("generation_disposition", members),
        "usage": read_usage(read_attempt_fact("usage", members)),
    }
    is_tool = body["type"] == "tool_call_completed"
    return Attempt(row=row, of_tool=is_tool, turn_index=int_of(read_fact("turn_index", body)), **facts)


def _milliseconds(value: Any) -> float | None:
    """Read a duration: a number of milliseconds, or seconds and nanoseconds (version 36)."""
    if isinstance(value, dict):
        seconds, nanos = int_of(value.get("secs")), int_of(value.get("nanos"))
        return None if seconds is None else seconds * 1000 + (nanos or 0) / 1_000_000
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
