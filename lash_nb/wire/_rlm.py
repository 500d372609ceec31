"""Options of the rlm protocol (lash 0.1.0-alpha.37, facade §3)."""

from typing import TypeAlias

from msgspec import field

from lash_nb.wire._base import Json, Wire, none

__all__ = [
    "CustomFinalAnswer",
    "MarkdownFinalAnswer",
    "ProseOrSubmit",
    "RawSubmitValue",
    "RlmCreateExtras",
    "RlmFinalAnswerFormat",
    "RlmTermination",
    "SubmitRequired",
]


class SubmitRequired(Wire, frozen=True, kw_only=True, tag_field="kind", tag="submit_required"):
    """A turn ends with a submitted value, and with nothing else."""

    schema: Json = field(default_factory=none)
    """What the value must fit; None for any value."""


class ProseOrSubmit(Wire, frozen=True, kw_only=True, tag_field="kind", tag="prose_or_submit"):
    """A turn ends with a submitted value or with prose."""


RlmTermination: TypeAlias = SubmitRequired | ProseOrSubmit
"""How a turn may end."""


class MarkdownFinalAnswer(Wire, frozen=True, kw_only=True, tag_field="kind", tag="markdown"):
    """The answer is told as Markdown."""


class CustomFinalAnswer(Wire, frozen=True, kw_only=True, tag_field="kind", tag="custom"):
    """The answer is told as the host says."""

    guidance: str
    """What the host says."""


class RawSubmitValue(Wire, frozen=True, kw_only=True, tag_field="kind", tag="raw_submit_value"):
    """The answer is the submitted value."""


RlmFinalAnswerFormat: TypeAlias = MarkdownFinalAnswer | CustomFinalAnswer | RawSubmitValue
"""How a final answer is told."""


class RlmCreateExtras(Wire, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the protocol is told about a session, or about one turn."""

    termination: RlmTermination = field(default_factory=SubmitRequired)
    """How turns may end."""
    final_answer_format: RlmFinalAnswerFormat | None = None
    """How answers are told."""
