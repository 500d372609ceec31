"""What each kind of record is called in the explorer: its chip, its word, whether it begins or ends something."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from lash_nb.trace import AS_OF_TURNS, FAILED_STATUSES, GOOD_STATUSES, TURN_STATUSES

__all__ = ["GROUPS", "STATUSES", "STATUS_CODES", "KindWords", "words_of"]

GROUPS: Final[Mapping[str, str]] = {
    "llm call": "llm_call",
    "tool call": "tool_call",
    "code": "exec_code",
    "turn": "commit",
    "prompt": "sync_execution_surface",
    "stream": "direct",
    "durable": "sleep",
    "custom": "process",
    "other": "checkpoint",
    "unknown": "",
}
"""The chips in their order, with the color of their dot; the last one holds what no release describes."""

_MARKS: Final[Mapping[str, str]] = {
    **dict.fromkeys(GOOD_STATUSES, "success"),
    **dict.fromkeys(FAILED_STATUSES, "failed"),
    "cancelled": "cancelled",
}
STATUSES: Final[Mapping[str, str]] = {"": "", **{status: _MARKS.get(status, "idle") for status in TURN_STATUSES}}
"""How a record says that something ended, with its mark; the first for records that say nothing."""

STATUS_CODES: Final[Mapping[str, int]] = {word: list(STATUSES).index(status) for word, status in AS_OF_TURNS.items()}
"""Positions in `STATUSES` of the words that traces use."""


class KindWords(NamedTuple):
    """How a kind of record is written in the table."""

    group: str
    """Its chip."""
    word: str
    """What it is about."""
    phase: str = ""
    """`start`, `end`, or what else tells it from its neighbors."""


def _steps(group: str, word: str, **phases: str) -> dict[str, KindWords]:
    return {kind: KindWords(group, word, phase.replace("_", " ")) for kind, phase in phases.items()}


_KINDS: Final[Mapping[str, KindWords]] = {
    **_steps(
        "llm call",
        "llm",
        llm_call_started="start",
        llm_call_completed="end",
        llm_call_failed="end",
        llm_attempt_completed="attempt",
        provider_request="request",
    ),
    **_steps("tool call", "tool", tool_call_started="start", tool_call_completed="end", tool_receipt="receipt"),
    **_steps("turn", "turn", turn_started="start", turn_completed="end"),
    **_steps("turn", "session", session_started="start"),
    **_steps("turn", "tokens", token_usage=""),
    **_steps("prompt", "prompt", prompt_built="", prompt_composition_failed="failed", composition_changed="changed"),
    **_steps("prompt", "prompt", prompt_view_pruned="pruned", prompt_view_attachments_pruned="pruned"),
    **_steps("prompt", "compact", compaction_needed="needed", compaction_started="start", compaction_completed="end"),
    **_steps("stream", "stream", provider_stream_event="provider", provider_event="provider", runtime_stream_event=""),
    **_steps("code", "code", exec_code_started="start", exec_code_completed="end", exec_code_failed="end"),
    **_steps("code", "code", lashlang_execution="", program_step="step", step_body_started="body"),
    **_steps("code", "code", observation_projection="projection"),
    **_steps("durable", "effect", journaled_effect_started="start", journaled_effect_settled="end"),
    **_steps("durable", "wait", durable_wait_parked="start", durable_wait_resolved="end"),
    **_steps("durable", "timer", durable_timer_started="start", durable_timer_resolved="end"),
    **_steps("durable", "segment", durable_segment_boundary=""),
    **_steps("custom", "custom", custom=""),
    **_steps("other", "step", protocol_step=""),
}
"""By the kind of a record; a known kind that is not here is named as it is."""


def words_of(kind: str, *, is_known: bool) -> KindWords:
    """Return how a kind is written; what no release describes goes by its own name."""
    if kind in _KINDS:
        return _KINDS[kind]
    return KindWords("other" if is_known else "unknown", kind)
