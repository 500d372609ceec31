"""Attachments over whole turns: bytes that are lost before the model sees them, bytes that no intent covers, and what a collection leaves."""

from pathlib import Path

from lash_nb.clock import ManualClock
from lash_nb.core import LashCore
from lash_nb.errors import AttachmentStoreError, StoreError
from lash_nb.plugins import ToolContext, tool
from lash_nb.providers import ScriptedProvider, call, reply
from lash_nb.stores import (
    AttachmentIntent,
    InMemoryAttachmentStore,
    InMemorySessionStore,
    StoredAttachment,
    StoreFolder,
    attachment_users,
    collect_attachments,
    verify_attachments,
)
from lash_nb.wire import AttachmentRef, LlmRequest, LlmResponse, TurnOutcome, content_id
from tests.runtime.desk import START_NS, answers, builder
from tests.stores.material import PIXEL, png

LATER = ManualClock(4 * 10**18)
"""Long after all that is stored."""


class LosingStore(InMemoryAttachmentStore):
    """A store whose disk goes bad when it is told to."""

    lost = False

    def get(self, attachment_id: str) -> StoredAttachment:
        """Find nothing any more."""
        if self.lost:
            raise AttachmentStoreError("NotFound", f"attachment `{attachment_id}` was not found")
        return super().get(attachment_id)


async def test_a_turn_whose_picture_is_lost_ends_without_asking_the_model() -> None:
    """The failure has its own code and is not tried again; with the bytes back the session goes on."""
    store, asked = LosingStore(), []

    def answer(request: LlmRequest) -> LlmResponse:
        asked.append(request.attachments)
        return reply("ok")

    session = await builder(answer).attachment_store(store).build().session("demo").open()
    store.lost = True
    result = await session.turn("look").image(png(3, 2)).run()

    assert (result.outcome, asked) == (TurnOutcome.stop("provider_error"), [])
    assert [(issue.kind, issue.code, issue.terminal_reason) for issue in result.errors] == [
        ("llm_provider", "attachment_resolution_failed", "provider_error")
    ]
    assert f"attachment `{content_id(png(3, 2))}` was not found" in result.errors[0].message
    store.lost = False
    assert (await session.turn("and now?").run()).is_success
    assert [bytes(found.data) for found in asked[0]] == [png(3, 2)]


class FullManifest(InMemorySessionStore):
    """A session store that has no room for another intent."""

    def record_intent(self, intent: AttachmentIntent) -> None:
        """Refuse."""
        raise StoreError("Backend", f"no room for {intent.canonical_uri}")


async def test_a_manifest_failure_ends_the_turn_and_leaves_no_bytes() -> None:
    """The input counts as invalid, and nothing is kept of it."""
    attachments = InMemoryAttachmentStore()
    core = builder(answers()).attachment_store(attachments).build()
    session = await core.session("demo").store(FullManifest()).open()
    result = await session.turn("look").image(png(3, 2)).run()

    assert result.outcome == TurnOutcome.stop("invalid_input")
    assert f"no room for sha256:{content_id(png(3, 2))}" in result.errors[0].message
    assert (attachments.ids(), session.graph.nodes) == ((), ())


@tool
def draw(context: ToolContext, title: str) -> AttachmentRef:
    """Draw a chart.

    Args:
        context: Where charts go.
        title: What it says.
    """
    assert context.attachments is not None
    return context.attachments.put(title.encode(), PIXEL)


def stored_in(folder: Path) -> LashCore:
    """A core that keeps everything in a folder."""
    drawn = [call("draw", {"title": "a chart"}, id="c1"), reply("Drawn.")]
    made = LashCore.standard().clock(ManualClock(START_NS)).stored_in(folder).provider(ScriptedProvider(drawn * 2))
    return made.model("scripted-model").tools(draw).build()


async def test_attachments_of_turns_outlive_every_collection_and_go_with_their_sessions(tmp_path: Path) -> None:
    """Pictures of users and tools are stamped and named; two sessions share bytes; the last one that goes takes them along."""
    core, folder = stored_in(tmp_path), StoreFolder(tmp_path)
    for name in ("one", "two"):
        session = await core.session(name).open()
        await session.turn("draw").image(png(3, 2), label=name).run()
        await session.close()
    orphan = folder.attachments.put(b"of nobody", PIXEL)
    done = await collect_attachments(folder.attachments, attachment_users(tmp_path), dry_run=False, clock=LATER)

    assert [row.attachment_id for row in done.rows] == [orphan.id]
    assert set(folder.attachments.ids()) == {content_id(png(3, 2)), content_id(b"a chart")}
    for user in attachment_users(tmp_path):
        assert all(entry.committed_at_epoch_ms is not None for entry in user.list_attachments())
    assert (await verify_attachments(folder.attachments, attachment_users(tmp_path))).rows == ()

    kept = []
    for name in ("one", "two"):
        await folder.sessions.delete_session(name)
        await collect_attachments(folder.attachments, attachment_users(tmp_path), dry_run=False, clock=LATER)
        kept.append(len(folder.attachments.ids()))
    assert kept == [2, 0]
