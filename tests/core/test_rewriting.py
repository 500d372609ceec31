"""Rewriting the history of a session for good."""

from typing import Any

import pytest

from lash_nb.core import LashSession, SessionConfigPatch
from lash_nb.errors import PluginError
from lash_nb.plugins import (
    HistoryRewriteMetadata,
    HistoryRewriter,
    HistoryState,
    ManualRewrite,
    RewriteContext,
    RewriteTrigger,
    StaticPlugin,
    WindowShrinkRewrite,
)
from lash_nb.stores import InMemorySessionStore
from lash_nb.wire import (
    ModelLimits,
    ModelSpec,
)
from tests.runtime.desk import (
    ActingStore,
    answers,
    builder,
    legal,
    messages_of,
    said,
    stored_graph,
    texts,
)


class KeepLast:
    """Keeps the last messages, if it is asked for one of its reasons."""

    def __init__(self, count: int, *, priority: int = 0, only: type | None = None, summary: bool = False) -> None:
        self.count = count
        self.priority = priority
        self.only = only
        self.summary = summary
        self.contexts: list[RewriteContext] = []

    def accepts(self, trigger: RewriteTrigger) -> bool:
        """Look at the reason."""
        return self.only is None or isinstance(trigger, self.only)

    async def rewrite(self, context: RewriteContext, state: HistoryState) -> HistoryState:
        """Keep the last ones."""
        self.contexts.append(context)
        metadata = HistoryRewriteMetadata(produced_summary=self.summary)
        return HistoryState(messages=state.messages[-self.count :], metadata=metadata)


class Failing(KeepLast):
    """Fails."""

    async def rewrite(self, context: RewriteContext, state: HistoryState) -> HistoryState:
        """Fail."""
        message = f"no summary of {len(state.messages)} messages of {context.session_id}"
        raise OSError(message)


async def rewriting(*rewriters: HistoryRewriter, store: InMemorySessionStore | None = None) -> LashSession:
    """A session of two turns whose history can be rewritten."""

    def register(registrar: Any) -> None:
        for rewriter in rewriters:
            registrar.add_history_rewriter(rewriter)

    opening = builder(answers("a", "b", "c")).plugin(StaticPlugin("rewriter", register)).build().session("demo")
    session = await (opening.store(store) if store else opening).open()
    await session.turn("one").run()
    await session.turn("two").run()
    return session


async def test_a_rewritten_history_stays_rewritten() -> None:
    """The path reads as the rewriter says, now and in the store; the old nodes stay off it."""
    store = InMemorySessionStore()
    session = await rewriting(KeepLast(2), store=store)
    assert await session.control.state.rewrite_history()
    assert texts(messages_of(await stored_graph(store))) == ["two", "b"]
    await session.turn("three").run()
    assert texts(session.read_view().messages) == ["two", "b", "three", "c"]
    assert said(await stored_graph(store)) == ["one", "a", "two", "b", "two", "b", "three", "c"]
    legal(await stored_graph(store))


async def test_nothing_is_rewritten_without_a_rewriter_or_a_change() -> None:
    """The answer says so, and nothing is committed."""
    assert not await (await rewriting()).control.state.rewrite_history()
    store = ActingStore()
    session = await rewriting(KeepLast(9), store=store)
    commits = len(store.commits)
    assert not await session.control.state.rewrite_history()
    assert len(store.commits) == commits


async def test_rewriters_follow_each_other_by_priority_and_reason() -> None:
    """The higher priority comes first; one that does not take the reason is passed over."""
    late, early = KeepLast(1, priority=1), KeepLast(3, priority=5)
    never = KeepLast(0, priority=9, only=WindowShrinkRewrite)
    session = await rewriting(late, early, never)
    await session.control.state.rewrite_history(ManualRewrite("keep names"))
    assert texts(session.read_view().messages) == ["b"]
    assert [len(one.contexts) for one in (late, early, never)] == [1, 1, 0]
    assert (early.contexts[0].session_id, early.contexts[0].trigger) == ("demo", ManualRewrite("keep names"))
    assert early.contexts[0].effect_controller.scope.id == "demo:rewrite-history:manual:2"


async def test_a_rewriter_that_fails_changes_nothing() -> None:
    """The plugin is named."""
    session = await rewriting(KeepLast(1, priority=1), Failing(0))
    with pytest.raises(PluginError, match="`rewriter` raised OSError: no summary of 1 messages of demo"):
        await session.control.state.rewrite_history()
    assert texts(session.read_view().messages) == ["one", "a", "two", "b"]


async def test_a_smaller_window_lets_the_history_be_rewritten(caplog: pytest.LogCaptureFixture) -> None:
    """Only a smaller one does; a rewriter that fails is told in the log, and the model is set all the same."""

    def window(tokens: int) -> SessionConfigPatch:
        return SessionConfigPatch(model=ModelSpec(id="m", limits=ModelLimits(context_window_tokens=tokens)))

    keep, fail = KeepLast(1, only=WindowShrinkRewrite, summary=True), Failing(0, only=WindowShrinkRewrite)
    session, failing = await rewriting(keep), await rewriting(fail)
    await session.configure(window(1000))
    await session.configure(window(2000))
    await failing.configure(window(1000))
    assert texts(session.read_view().messages) == ["b"]
    assert [context.trigger for context in keep.contexts] == [WindowShrinkRewrite(200_000, 1000)]
    assert texts(failing.read_view().messages) == ["one", "a", "two", "b"]
    assert failing.policy_snapshot().model.id == "m"
    assert "no summary of 4 messages" in caplog.text
