"""Every combination of durable and other stores, built or refused by the rules that the builder states."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest

from lash_nb.core import LashCore, LashCoreBuilder
from lash_nb.effects import InlineEffectHost, SqliteEffectHost
from lash_nb.errors import EmbedError
from lash_nb.stores import (
    FileAttachmentStore,
    InMemoryAttachmentStore,
    InMemoryHostEventStore,
    InMemoryLashlangArtifactStore,
    InMemoryProcessRegistry,
    InMemorySessionStoreFactory,
    SqliteHostEventStore,
    SqliteLashlangArtifactStore,
    SqliteProcessRegistry,
    SqliteSessionStoreFactory,
)

Set: TypeAlias = Callable[[LashCoreBuilder, Path], Any]

CHOICES: dict[str, dict[str, Set]] = {
    "effects": {
        "inline": lambda made, _: made.effect_host(InlineEffectHost()),
        "durable": lambda made, path: made.effect_host(SqliteEffectHost(path / "effects.db")),
    },
    "attachments": {
        "inline": lambda made, _: made.attachment_store(InMemoryAttachmentStore()),
        "durable": lambda made, path: made.attachment_store(FileAttachmentStore(path)),
    },
    "artifacts": {
        "inline": lambda made, _: made.lashlang_artifact_store(InMemoryLashlangArtifactStore()),
        "durable": lambda made, path: made.lashlang_artifact_store(SqliteLashlangArtifactStore(path / "a.db")),
    },
    "sessions": {
        "none": lambda made, _: made,
        "inline": lambda made, _: made.store_factory(InMemorySessionStoreFactory()),
        "durable": lambda made, path: made.store_factory(SqliteSessionStoreFactory(path)),
    },
    "processes": {
        "none": lambda made, _: made,
        "inline": lambda made, _: made.process_registry(InMemoryProcessRegistry()),
        "durable": lambda made, path: made.process_registry(SqliteProcessRegistry(path / "p.db")),
    },
    "host_events": {
        "none": lambda made, _: made,
        "inline": lambda made, _: made.host_event_store(InMemoryHostEventStore()),
        "durable": lambda made, path: made.host_event_store(SqliteHostEventStore(path / "h.db")),
    },
}


class Chosen(NamedTuple):
    """One combination."""

    effects: str
    attachments: str
    artifacts: str
    sessions: str
    processes: str
    host_events: str


def expected(chosen: Chosen) -> tuple[str, dict[str, str]] | None:
    """The error that the rules ask for, in their order; None for a core that can be built. Who performs effects never counts."""
    durable = {name for name, tier in chosen._asdict().items() if tier == "durable"}
    peer = "DurableStorePeerRequired"
    rules: tuple[tuple[bool, bool, tuple[str, dict[str, str]]], ...] = (
        ("sessions" in durable, "attachments" in durable, (peer, {"facet": "attachment store"})),
        ("sessions" in durable, "artifacts" in durable, (peer, {"facet": "artifact store"})),
        ("processes" in durable, "sessions" in durable, ("DurableProcessRegistryRequiresStoreFactory", {})),
        ("processes" in durable, "host_events" in durable, (peer, {"facet": "host event store"})),
        ("host_events" in durable, "sessions" in durable, (peer, {"facet": "session store factory"})),
        ("host_events" in durable, chosen.processes != "inline", (peer, {"facet": "process registry"})),
        (chosen.processes == "inline", chosen.sessions != "none", ("ProcessRegistryRequiresStoreFactory", {})),
    )
    return next((error for asked, kept, error in rules if asked and not kept), None)


COMBINATIONS = [Chosen(*tiers) for tiers in itertools.product(*CHOICES.values())]


@pytest.mark.parametrize("chosen", COMBINATIONS, ids="-".join)
def test_every_combination_is_built_or_refused_by_the_rules(chosen: Chosen, tmp_path: Path) -> None:
    """216 of them; the error carries its variant's fields and says what to do."""
    made = LashCore.standard().model("m")
    for name, tier in chosen._asdict().items():
        CHOICES[name][tier](made, tmp_path)
    error = expected(chosen)
    if error is None:
        assert made.build().installed_modes() == ("standard",)
        return

    with pytest.raises(EmbedError) as refused:
        made.build()
    assert (refused.value.variant, refused.value.fields) == error
    assert "give" in refused.value.message
    assert tuple(refused.value.fields) == EmbedError.variants[refused.value.variant]


def test_there_are_as_many_combinations_as_were_recorded() -> None:
    """Two effect hosts, attachment and artifact stores; three of all others."""
    assert len(COMBINATIONS) == 216
