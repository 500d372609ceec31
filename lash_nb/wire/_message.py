"""Messages and their parts (lash 0.1.0-alpha.37, sessions §2, turns §1.1)."""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from msgspec.structs import replace

from lash_nb.wire._base import U64, External, Octets, Wire
from lash_nb.wire._invocation import CausalRef
from lash_nb.wire._llm import ProviderReasoningReplay, ProviderReplayMeta, ResponseTextMeta
from lash_nb.wire._media import AttachmentRef

__all__ = [
    "DeletedPart",
    "Message",
    "MessageOrigin",
    "MessageRole",
    "Part",
    "PartAttachment",
    "PartKind",
    "PluginMessage",
    "PluginOrigin",
    "ProcessOrigin",
    "PruneState",
    "PrunedPart",
    "ResumeSafety",
    "SummarizedPart",
    "TurnCause",
    "messages_are_prompt_resume_safe",
    "reassign_part_ids",
]

MessageRole: TypeAlias = Literal["User", "Assistant", "System", "Event"]
"""Who speaks; `Event` is the runtime itself."""
PartKind: TypeAlias = Literal[
    "Text", "Image", "Code", "Output", "Error", "Prose", "ToolCall", "ToolResult", "Reasoning"
]
"""What a part is."""


class DeletedPart(Wire, frozen=True, kw_only=True):
    """A part whose content was taken out."""

    breadcrumb: str
    """What it was about."""
    archive_hash: str
    """Where the content went."""


class SummarizedPart(Wire, frozen=True, kw_only=True):
    """A part whose content was replaced by a summary."""

    summary: str
    """The summary."""
    archive_hash: str
    """Where the content went."""


class PrunedPart(External, frozen=True, kw_only=True):
    """How a part was pruned."""

    Deleted: DeletedPart | None = None
    """Taken out."""
    Summarized: SummarizedPart | None = None
    """Replaced by a summary."""


PruneState: TypeAlias = Literal["Intact", "Cleared"] | PrunedPart
"""Whether the content of a part is still what it was."""


class PluginOrigin(Wire, frozen=True, kw_only=True, tag_field="kind", tag="plugin"):
    """Injected by a plugin."""

    plugin_id: str
    """The plugin."""
    transient: bool = False
    """Seen by the model in the running turn, never kept."""


class ProcessOrigin(Wire, frozen=True, kw_only=True, tag_field="kind", tag="process"):
    """Injected by a background process."""

    process_id: str
    """The process."""
    event_type: str
    """Type of its event."""
    sequence: U64
    """Number of its event."""
    wake_id: str | None = None
    """The wake that delivered it."""
    caused_by: CausalRef | None = None
    """What led to it."""


MessageOrigin: TypeAlias = PluginOrigin | ProcessOrigin
"""Who injected a message."""


class PartAttachment(Wire, frozen=True, kw_only=True):
    """The attachment of an image part."""

    reference: AttachmentRef
    """Where the bytes are stored."""


class Part(Wire, frozen=True, kw_only=True):
    """One part of a message."""

    id: str
    """`MESSAGE.pN`."""
    kind: PartKind
    """What it is."""
    content: str
    """Text, arguments as JSON text, a tool's result as text, or a summary of reasoning."""
    attachment: PartAttachment | None = None
    """The picture, for image parts."""
    tool_call_id: str | None = None
    """Pairs a call with its result."""
    tool_name: str | None = None
    """The tool of a call or result."""
    tool_replay: ProviderReplayMeta | None = None
    """Provider metadata of a call."""
    prune_state: PruneState
    """Whether the content is still what it was."""
    reasoning_meta: ProviderReasoningReplay | None = None
    """Provider metadata of reasoning."""
    response_meta: ResponseTextMeta | None = None
    """Provider metadata of text."""

    def rendered(self) -> str:
        """Return the content as a text context shows it."""
        if self.kind == "Image" and (self.attachment is not None or not self.content.strip()):
            return "[Image attached]"
        match self.prune_state:
            case "Intact":
                pass
            case "Cleared":
                return "[Old tool result content cleared]"
            case PrunedPart(Deleted=DeletedPart(breadcrumb=breadcrumb, archive_hash=archive)):
                return f"[pruned:{archive} — {breadcrumb}]"
            case PrunedPart(Summarized=SummarizedPart(summary=summary, archive_hash=archive)):
                return f"[SUMMARY of original {archive}]\n{summary}"
        return self.content


class Message(Wire, frozen=True, kw_only=True):
    """One message of a session."""

    id: str
    """Its id, also that of its graph node."""
    role: MessageRole
    """Who speaks."""
    parts: tuple[Part, ...]
    """What is said, in order."""
    origin: MessageOrigin | None = None
    """Who injected it, if it was not said by user or model."""

    @property
    def is_transient(self) -> bool:
        """Whether the message lives in the running turn only."""
        return self.origin is not None and isinstance(self.origin, PluginOrigin) and self.origin.transient


class PluginMessage(Wire, frozen=True, kw_only=True):
    """A message as plugins and injections give it, before it has an id."""

    role: MessageRole
    """Who speaks."""
    content: str
    """The text."""
    origin: MessageOrigin | None = None
    """Who injected it."""
    parts: tuple[Part, ...] = ()
    """Parts instead of the text."""
    images: tuple[Octets, ...] = ()
    """Pictures, as bytes."""

    def to_message(self, message_id: str, default_origin: MessageOrigin) -> Message:
        """Return the message with an id, its parts renumbered; images are not carried over."""
        parts = self.parts or (Part(id="", kind="Text", content=self.content, prune_state="Intact"),)
        return Message(
            id=message_id,
            role=self.role,
            parts=reassign_part_ids(message_id, parts),
            origin=self.origin or default_origin,
        )


class TurnCause(Wire, frozen=True, kw_only=True):
    """An event that woke a turn or arrived in it."""

    id: str
    """The event; also the id of its message."""
    event_type: str
    """Its type."""
    origin: MessageOrigin
    """Where it comes from."""
    text: str
    """What the model reads."""

    def to_message(self) -> Message:
        """Return the event as a message of the graph."""
        part = Part(id=f"{self.id}.p0", kind="Text", content=self.text, prune_state="Intact")
        return Message(id=self.id, role="Event", parts=(part,), origin=self.origin)


def reassign_part_ids(message_id: str, parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return `parts` renumbered as parts of `message_id`."""
    return tuple([replace(part, id=f"{message_id}.p{index}") for index, part in enumerate(parts)])


class ResumeSafety:
    """Tells, message by message, whether a turn could go on from here: every tool call has exactly one result.

    Progress is committed only at such points (lash 0.1.0-alpha.37, sessions §2.3). The id of a call that has its result is free again: some
    models number the calls of each reply anew, for which the reference commits no progress any more.
    """

    def __init__(self) -> None:
        self._open: dict[str, None] = {}
        """Ids of calls without a result, of no interest once something was broken; no set, at which the garbage collector would look."""
        self._broken = False

    def fork(self) -> "ResumeSafety":
        """Return a checker that goes on from here by itself."""
        forked = ResumeSafety()
        forked._open.update(self._open)
        forked._broken = self._broken
        return forked

    def feed(self, messages: Iterable[Message]) -> "ResumeSafety":
        """Take the next messages into account and return the checker itself."""
        open_ids = (
            self._open
        )  # one loop, not a table of checks: each commit of progress looks at every part of its turn
        for message in messages:
            role = message.role
            for part in message.parts:
                if part.kind == "ToolCall":
                    call_id = (part.tool_call_id or "").strip()
                    if role != "Assistant" or not call_id or call_id in open_ids:
                        self._broken = True
                    open_ids[call_id] = None
                elif part.kind == "ToolResult":
                    call_id = (part.tool_call_id or "").strip()
                    if role != "User" or call_id not in open_ids:
                        self._broken = True
                    open_ids.pop(call_id, None)
        return self

    @property
    def is_safe(self) -> bool:
        """Whether what was fed so far is a point to go on from."""
        return not self._broken and not self._open


def messages_are_prompt_resume_safe(messages: Iterable[Message]) -> bool:
    """Tell whether a turn could go on from `messages`; see `ResumeSafety`."""
    return ResumeSafety().feed(messages).is_safe
