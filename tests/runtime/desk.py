"""A desk to run turns at: a core in which nothing is left to chance, hosts and stores that act on command, and what a test looks at."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from lash_nb.clock import Clock, CountingIds, ManualClock
from lash_nb.core import LashCore, LashCoreBuilder, LashSession
from lash_nb.effects import EffectHost, InlineEffectHost, LocalExecutor, ScopedEffectController
from lash_nb.plugins import tool
from lash_nb.providers import ScriptedProvider, call, reply
from lash_nb.providers import calls as several
from lash_nb.stores import (
    FullGraph,
    InMemoryAttachmentStore,
    InMemoryLashlangArtifactStore,
    InMemorySessionStore,
    SessionStore,
)
from lash_nb.wire import (
    DurabilityTier,
    EffectScope,
    Json,
    LlmRequest,
    LlmResponse,
    Message,
    RuntimeCommit,
    RuntimeCommitResult,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    SessionGraph,
    active_path,
    conversation_messages,
)

__all__ = [
    "ActingHost",
    "ActingStore",
    "Perform",
    "abort",
    "after",
    "answers",
    "builder",
    "kinds_of",
    "legal",
    "messages_of",
    "open_session",
    "roles",
    "said",
    "settle",
    "stored_graph",
    "texts",
    "tool_then_answer",
    "two_tools_then_answer",
    "weather",
]

Perform: TypeAlias = Callable[[], Awaitable[RuntimeEffectOutcome]]
"""Performs the effect for real."""
Act: TypeAlias = Callable[[RuntimeEffectEnvelope, Perform], Awaitable[RuntimeEffectOutcome]]
"""What a host does with an effect."""
START_NS: Final = 1_800_000_000_000_000_000


@tool
def weather(city: str) -> dict[str, Any]:
    """Tell the weather.

    Args:
        city: Where.
    """
    return {"city": city, "sky": "clear"}


def builder(
    replies: Iterable[Any] | Callable[[LlmRequest], Any], *tools: Any, clock: Clock | None = None
) -> LashCoreBuilder:
    """A builder of a core whose clock and ids only count."""
    made = LashCore.standard().clock(clock or ManualClock(START_NS)).ids(CountingIds())
    return made.in_memory().provider(ScriptedProvider(replies)).model("scripted-model").tools(*tools)


async def open_session(
    replies: Iterable[Any] | Callable[[LlmRequest], Any],
    *tools: Any,
    host: EffectHost | None = None,
    store: InMemorySessionStore | None = None,
    stored: bool = True,
    clock: Clock | None = None,
) -> LashSession:
    """An open session `demo`, kept in a store unless `stored` is false."""
    made = builder(replies, *tools, clock=clock)
    if host is not None:
        made.effect_host(host)
    if host is not None and host.durability_tier == "durable":
        made.attachment_store(KeptAttachments()).lashlang_artifact_store(KeptArtifacts())
        store = store or ActingStore()
        store.durability_tier = "durable"
    core = made.build()
    if not stored:
        parts = {name: getattr(core.parts, name) for name in type(core.parts).__dataclass_fields__}
        core = LashCore(type(core.parts)(**{**parts, "store_factory": None}))
    opening = core.session("demo")
    return await (opening.store(store) if store and stored else opening).open()


def answers(*texts: str) -> Callable[[LlmRequest], LlmResponse]:
    """A model that answers these texts, then `ok N`, for ever."""
    given = list(texts)
    count = 0

    def answer(_: LlmRequest) -> LlmResponse:
        nonlocal count
        count += 1
        return reply(given.pop(0) if given else f"ok {count}")

    return answer


def tool_then_answer(request: LlmRequest) -> LlmResponse:
    """A model that calls `weather` in reply to what a user says, and answers a tool's result."""
    last = request.messages[-1]
    if any(block.ToolResult for block in last.blocks):
        return reply("The sky is clear.")
    return call("weather", {"city": "Oslo"}, id=f"c{len(request.messages)}")


def two_tools_then_answer(request: LlmRequest) -> LlmResponse:
    """A model that calls `weather` twice at once, then answers."""
    last, number = request.messages[-1], len(request.messages)
    if any(block.ToolResult for block in last.blocks):
        return reply("Clear in both.")
    return several((f"a{number}", "weather", {"city": "Oslo"}), (f"b{number}", "weather", {"city": "Rome"}))


class KeptAttachments(InMemoryAttachmentStore):
    """Attachments that outlive the session, which is all that durable means at a desk."""

    persistence = "durable"


class KeptArtifacts(InMemoryLashlangArtifactStore):
    """Artifacts that outlive the session."""

    durability_tier = "durable"


class ActingHost:
    """A host that performs effects as `act` says.

    Attributes:
        seen: The envelopes that came, in order.
    """

    def __init__(self, act: Act, tier: DurabilityTier = "inline") -> None:
        self.durability_tier = tier
        self.seen: list[RuntimeEffectEnvelope] = []
        self._act = act
        self._inner = InlineEffectHost()

    def scoped(self, scope: EffectScope) -> "_ActingController":
        """Return the controller of a scope."""
        return _ActingController(self, self._inner.scoped(scope))

    async def perform(self, envelope: RuntimeEffectEnvelope, perform: Perform) -> RuntimeEffectOutcome:
        """Remember the envelope and act."""
        self.seen.append(envelope)
        return await self._act(envelope, perform)


class _ActingController:
    def __init__(self, host: ActingHost, inner: ScopedEffectController) -> None:
        self._host = host
        self._inner = inner

    @property
    def scope(self) -> EffectScope:
        return self._inner.scope

    @property
    def durability_tier(self) -> DurabilityTier:
        return self._host.durability_tier

    async def execute_effect(self, envelope: RuntimeEffectEnvelope, local: LocalExecutor) -> RuntimeEffectOutcome:
        return await self._host.perform(envelope, lambda: self._inner.execute_effect(envelope, local))

    async def recall(self, name: str, fact: Json) -> Json:
        return await self._inner.recall(name, fact)


class ActingStore(InMemorySessionStore):
    """A store in memory that does something of the test's before and after each commit.

    Attributes:
        commits: The commits that came, refused ones too.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock or ManualClock(START_NS))
        self.commits: list[RuntimeCommit] = []
        self.before: Callable[[int], Awaitable[None]] = _nothing
        self.after: Callable[[int], Awaitable[None]] = _nothing

    async def commit_runtime_state(self, commit: RuntimeCommit, *, begins: bool = False) -> RuntimeCommitResult:
        """Commit between what the test wants."""
        self.commits.append(commit)
        number = len(self.commits)
        await self.before(number)
        result = await super().commit_runtime_state(commit, begins=begins)
        await self.after(number)
        return result


async def _nothing(_: int) -> None:
    """Let the commit pass."""


async def abort() -> None:
    """Cancel the task that runs this, as a Ctrl-C would; the cancellation arrives here."""
    current = asyncio.current_task()
    assert current is not None
    current.cancel()
    await asyncio.sleep(0)


def after(number: int, act: Act) -> Act:
    """Perform effects, but let `act` do the one of that number, counted from 1."""
    count = 0

    async def counting(envelope: RuntimeEffectEnvelope, perform: Perform) -> RuntimeEffectOutcome:
        nonlocal count
        count += 1
        return await (act(envelope, perform) if count == number else perform())

    return counting


async def settle() -> None:
    """Let every task of the loop go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def legal(graph: SessionGraph) -> None:
    """Check that ids are unique, and that parents and leaf exist."""
    ids = [node.node_id for node in graph.nodes]
    assert len(set(ids)) == len(ids)
    assert {node.parent_node_id for node in graph.nodes} - {None} <= set(ids)
    assert graph.leaf_node_id in ids or (graph.leaf_node_id is None and not ids)


def messages_of(graph: SessionGraph) -> list[Message]:
    """The messages on the active path."""
    return conversation_messages(active_path({node.node_id: node for node in graph.nodes}, graph.leaf_node_id))


def roles(messages: Iterable[Message]) -> list[str]:
    """Who speaks, in order."""
    return [message.role for message in messages]


def texts(messages: Iterable[Message]) -> list[str]:
    """What is said in prose, message by message."""
    return ["".join(p.content for p in message.parts if p.kind in ("Text", "Prose")) for message in messages]


def said(graph: SessionGraph) -> list[str]:
    """What is said in all branches, in storage order."""
    return texts(node.message for node in graph.nodes if node.message)


async def stored_graph(store: SessionStore) -> SessionGraph:
    """All nodes of a store in which something was committed."""
    read = await store.load_session(FullGraph())
    assert read is not None
    return read.graph


def kinds_of(envelopes: Sequence[RuntimeEffectEnvelope]) -> list[str]:
    """The kinds of effects, in order."""
    return [envelope.kind for envelope in envelopes]
