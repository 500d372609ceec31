"""Attachments against a model of them: whoever puts, commits, hides, deletes and collects in whatever order, no needed byte is ever missing."""

import asyncio
import os
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lash_nb.clock import NS_PER_MS, ManualClock
from lash_nb.stores import (
    AttachmentArchive,
    AttachmentCollection,
    AttachmentUser,
    FileAttachmentStore,
    InMemoryAttachmentStore,
    InMemorySessionStore,
    SessionScopedAttachmentStore,
    SessionStore,
    SqliteSessionStore,
    attachment_users,
    collect_attachments,
    session_attachment_user,
    verify_attachments,
)
from lash_nb.wire import AttachmentCreateMeta, AttachmentId, AttachmentRef, Part, PartAttachment
from tests.stores.material import PIXEL, append, commit, node

T = TypeVar("T")
GRACE_MS = 10_000
BYTES = st.sampled_from([bytes([number]) for number in range(5)])
SESSIONS = st.sampled_from(["a", "b"])


@dataclass
class Model:
    """What one session should know."""

    nodes: dict[str, AttachmentId] = field(default_factory=dict)
    """Live nodes and what they name."""
    stamped: set[AttachmentId] = field(default_factory=set)
    """What a commit stamped."""
    intents: dict[AttachmentId, int] = field(default_factory=dict)
    """First intents that no commit stamped, in epoch milliseconds."""


class AttachmentLaws(RuleBasedStateMachine):
    """Drives two sessions that share a store, and a model of them."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock(10**15)
        self.count = 0
        self.last_put: dict[AttachmentId, tuple[int, bytes]] = {}
        self.refs: dict[AttachmentId, AttachmentRef] = {}
        self.models = {"a": Model(), "b": Model()}
        self.store, self.sessions = self.make()

    def make(self) -> tuple[AttachmentArchive, dict[str, SessionStore]]:
        """Return the store and the sessions."""
        return InMemoryAttachmentStore(self.clock), {name: InMemorySessionStore(self.clock) for name in "ab"}

    def users(self) -> list[AttachmentUser]:
        """Return who is asked by a collection."""
        return [session_attachment_user(name, session) for name, session in self.sessions.items()]

    def teardown(self) -> None:
        """Close the loop."""
        self.runner.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end."""
        return self.runner.run(work)

    @property
    def now_ms(self) -> int:
        """The time."""
        return self.clock.now_ns() // NS_PER_MS

    def needed(self) -> set[AttachmentId]:
        """What must be there: named by a node, or stamped by a commit."""
        return {
            found for model in self.models.values() for found in (*model.nodes.values(), *model.stamped)
        } & self.last_put.keys()

    def kept(self) -> set[AttachmentId]:
        """What a collection leaves: that, what was put within the grace time, and what is intended within it."""
        border = self.now_ms - GRACE_MS
        young = {found for found, (at, _) in self.last_put.items() if at > border}
        intended = {found for model in self.models.values() for found, at in model.intents.items() if at > border}
        return self.needed() | young | (intended & self.last_put.keys())

    @initialize()
    def begin(self) -> None:
        """Each session has put something of its own, and both something that they share."""
        for name, data in (("a", b"\x00"), ("b", b"\x01"), ("a", b"\x02"), ("b", b"\x02")):
            self.put(name, data)

    @rule(name=SESSIONS, data=BYTES)
    def put(self, name: str, data: bytes) -> None:
        """A session puts bytes."""
        scoped = SessionScopedAttachmentStore(self.store, self.sessions[name], name, self.clock)
        ref = scoped.put(data, PIXEL)
        self.refs[ref.id] = ref
        self.last_put[ref.id] = self.now_ms, data
        model = self.models[name]
        if ref.id not in model.stamped:
            model.intents.setdefault(ref.id, self.now_ms)

    @precondition(lambda self: bool(self.last_put))
    @rule(name=SESSIONS, choice=st.integers(0, 9), stamps=st.booleans())
    def commit(self, name: str, choice: int, stamps: bool) -> None:
        """A session commits a node with a picture, and stamps it or, like the reference, does not."""
        attachment_id = sorted(self.last_put)[choice % len(self.last_put)]
        self.count += 1
        part = Part(
            id="p",
            kind="Image",
            content="",
            prune_state="Intact",
            attachment=PartAttachment(reference=self.refs[attachment_id]),
        )
        made = append(node(f"n{self.count}", part=part))
        ids = (attachment_id,) if stamps else ()
        self.run(self.sessions[name].commit_runtime_state(commit(made, session_id=name, committed_attachment_ids=ids)))
        model = self.models[name]
        model.nodes[f"n{self.count}"] = attachment_id
        if stamps and model.intents.pop(attachment_id, None) is not None:
            model.stamped.add(attachment_id)

    @rule(name=SESSIONS, choice=st.integers(0, 9))
    def remove(self, name: str, choice: int) -> None:
        """A session hides a node and deletes it for good."""
        nodes = self.models[name].nodes
        if nodes:
            gone = sorted(nodes)[choice % len(nodes)]
            self.run(self.sessions[name].tombstone_nodes([gone]))
            self.run(self.sessions[name].vacuum())
            del nodes[gone]

    @rule(after=st.sampled_from([1, GRACE_MS // 2, 2 * GRACE_MS]))
    def collect(self, after: int) -> None:
        """Time goes by, then: a dry run changes nothing and says what a run deletes; a run deletes just that, and a second one finds nothing."""
        self.clock.advance(after / 1000)
        before, kept = self.store.ids(), self.kept()
        planned = self.collected(dry_run=True)
        assert self.store.ids() == before
        done, again = self.collected(dry_run=False), self.collected(dry_run=False)

        assert (done.rows, again.rows, done.errors) == (planned.rows, (), ())
        assert set(self.store.ids()) == kept
        assert {row.attachment_id for row in done.rows if row.put_at_epoch_ms is not None} == set(before) - kept
        self.last_put = {found: put for found, put in self.last_put.items() if found in kept}
        gone = {row.attachment_id for row in done.rows}
        for model in self.models.values():
            model.intents = {found: at for found, at in model.intents.items() if found not in gone}

    def collected(self, *, dry_run: bool) -> AttachmentCollection:
        """Run a collection."""
        work = collect_attachments(self.store, self.users(), grace_ms=GRACE_MS, dry_run=dry_run, clock=self.clock)
        return self.run(work)

    @invariant()
    def what_is_there_is_whole(self) -> None:
        """All that was put and not collected comes back, and nothing else."""
        assert set(self.store.ids()) == self.last_put.keys()
        for attachment_id, (_, data) in self.last_put.items():
            assert self.store.get(attachment_id).data == data

    @invariant()
    def a_check_finds_no_harm(self) -> None:
        """Whatever a session needs is sound."""
        assert self.run(verify_attachments(self.store, self.users())).ok

    @invariant()
    def manifests_are_those_of_the_model(self) -> None:
        """Intents and stamps are where they belong."""
        for name, model in self.models.items():
            entries = self.sessions[name].list_attachments()
            stamped = {entry.attachment_id for entry in entries if entry.committed_at_epoch_ms is not None}
            open_ones = {
                entry.attachment_id: entry.intent_at_epoch_ms
                for entry in entries
                if entry.committed_at_epoch_ms is None
            }
            assert (stamped, open_ones) == (model.stamped, model.intents)


class TimedFileStore(FileAttachmentStore):
    """A folder whose files have the times of a manual clock."""

    def __init__(self, root: Path, clock: ManualClock) -> None:
        super().__init__(root)
        self.clock = clock

    def put(self, data: bytes, meta: AttachmentCreateMeta) -> AttachmentRef:
        """Put, and set the times of both files."""
        ref = super().put(data, meta)
        for path in (self.root / "sha256" / ref.id[:2]).glob(f"{ref.id}*"):
            os.utime(path, ns=(self.clock.now_ns(), self.clock.now_ns()))
        return ref


class FolderLaws(AttachmentLaws):
    """The same over a store folder, with databases that are opened anew for each collection."""

    def make(self) -> tuple[AttachmentArchive, dict[str, SessionStore]]:
        """Return a folder of attachments and two databases."""
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        return TimedFileStore(root / "attachments", self.clock), {
            name: SqliteSessionStore(root / f"{name}.db", clock=self.clock) for name in "ab"
        }

    def users(self) -> list[AttachmentUser]:
        """Return all databases."""
        return list(attachment_users(self.folder.name))

    def teardown(self) -> None:
        """Delete the folder."""
        super().teardown()
        for session in self.sessions.values():
            session.release()
        self.folder.cleanup()


TestAttachmentLaws = AttachmentLaws.TestCase
TestAttachmentLaws.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
TestFolderLaws = pytest.mark.slow(FolderLaws.TestCase)
FolderLaws.TestCase.settings = settings(max_examples=10, stateful_step_count=15, deadline=None)
