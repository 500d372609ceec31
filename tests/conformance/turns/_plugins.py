"""The plugins of a scenario: counters with state, and a rewriter of the history."""

from typing import Any, Final

from lash_nb.errors import PluginError
from lash_nb.plugins import (
    HistoryRewriteMetadata,
    HistoryState,
    PluginBuildContext,
    RewriteContext,
    RewriteTrigger,
    SessionPlugin,
    StaticPlugin,
)
from lash_nb.wire import Octets, PluginArtifact, PluginMeta, PluginSnapshot
from tests.conformance.turns._recorder import Recorder

__all__ = ["COUNTER_KEYS", "REWRITER_KEYS", "Counter", "CounterFactory", "KeepLast", "rewriter"]

COUNTER_KEYS: Final = frozenset({"id", "version", "fail_snapshot"})
REWRITER_KEYS: Final = frozenset({"n", "summary"})


class Counter(SessionPlugin):
    """Counts; its number is its revision and its state."""

    def __init__(self, given: dict[str, Any], recorder: Recorder) -> None:
        self.id = given["id"]
        self.version = given.get("version", "1")
        self.count = 0
        self._failure: str | None = given.get("fail_snapshot")
        self._recorder = recorder

    def snapshot_revision(self) -> int:
        """Return the number."""
        return self.count

    def snapshot(self) -> PluginSnapshot:
        """Return the number as meta and as bytes."""
        self._recorder.push("plugin_snapshot", plugin=self.id, count=self.count)
        if self._failure is not None and self.count >= 2:
            raise PluginError("snapshot", self._failure)
        meta = PluginMeta(
            plugin_id=self.id, plugin_version=self.version, revision=self.count, state={"count": self.count}
        )
        return PluginSnapshot(meta=meta, artifacts=(PluginArtifact(name="count.bin", data=Octets([self.count, 7])),))

    def restore(self, snapshot: PluginSnapshot) -> None:
        """Take the number from the meta."""
        blob = next((list(one.data) for one in snapshot.artifacts if one.name == "count.bin"), None)
        self._recorder.push("plugin_restore", plugin=self.id, meta=snapshot.meta, blob=blob)
        state = snapshot.meta.state
        self.count = state.get("count", 0) if isinstance(state, dict) else 0


class CounterFactory:
    """Builds a counter for each session; the last one is found in `built`."""

    def __init__(self, given: dict[str, Any], recorder: Recorder, built: dict[str, Counter]) -> None:
        self.id: str = given["id"]
        self._given = given
        self._recorder = recorder
        self._built = built

    def build(self, context: PluginBuildContext) -> Counter:
        """Begin at 0."""
        self._recorder.push("plugin_build", plugin=self.id, session_id=context.session_id)
        counter = self._built[self.id] = Counter(self._given, self._recorder)
        return counter


class KeepLast:
    """Keeps the last messages of a history, whatever the reason."""

    priority = 0

    def __init__(self, given: dict[str, Any]) -> None:
        self._count: int = given["n"]
        self._summary: bool = given.get("summary", False)

    def accepts(self, trigger: RewriteTrigger) -> bool:  # noqa: ARG002 - every reason will do
        """Always."""
        return True

    async def rewrite(self, context: RewriteContext, state: HistoryState) -> HistoryState:  # noqa: ARG002 - for whom does not matter
        """Drop what comes before the last messages."""
        dropped = max(len(state.messages) - self._count, 0)
        if dropped == 0:
            return state
        metadata = HistoryRewriteMetadata(pruned_message_count=dropped, produced_summary=self._summary)
        return HistoryState(messages=state.messages[dropped:], metadata=metadata)


def rewriter(given: dict[str, Any]) -> StaticPlugin:
    """Return the plugin that brings a rewriter."""
    return StaticPlugin("scenario_rewriter", lambda registrar: registrar.add_history_rewriter(KeepLast(given)))
