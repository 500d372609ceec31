"""A session that begins where another one stood, and nodes that are deleted for good."""

from pathlib import Path
from typing import Any

import pytest

from lash_nb import LashCore, MemoryTraceSink, ScriptedProvider, frames, open_store, reply
from lash_nb.errors import CallerError


def core(folder: Path | None) -> LashCore:
    """A core whose model always has something to say."""
    builder = LashCore.standard()
    builder = builder.in_memory() if folder is None else builder.stored_in(folder)
    return (
        builder.provider(ScriptedProvider(lambda request: reply(f"Reply {len(request.messages)}.")))
        .model("m")
        .trace_sink(MemoryTraceSink())
        .build()
    )


@pytest.fixture(params=["memory", "folder"])
def any_core(request: pytest.FixtureRequest, tmp_path: Path) -> LashCore:
    """Cores that keep sessions in memory and in files."""
    return core(tmp_path if request.param == "folder" else None)


async def test_a_fork_begins_with_the_way_to_its_node(any_core: LashCore) -> None:
    """It has the messages until there, goes on alone, and leaves the other session as it is."""
    first = await any_core.session("one").open()
    await first.turn("One.").run()
    await first.turn("Two.").run()
    path = first.graph.nodes

    fork = await any_core.session("two").open_fork(first, path[1].node_id)
    assert (fork.turn_index, fork.graph.nodes, fork.usage_report().entry_count) == (1, path[:2], 0)
    result = await fork.turn("Other two.").run()
    assert result.is_success
    assert [message.parts[0].content for message in fork.read_view().messages][:3] == ["One.", "Reply 2.", "Other two."]
    assert first.graph.nodes == path

    await fork.close()
    again = await any_core.session("two").open()
    assert again.graph.leaf_node_id == fork.graph.leaf_node_id


async def test_a_fork_tells_its_own_turns(any_core: LashCore) -> None:
    """Neither the turns of the session that it was forked from nor those that this runs later, nor the other way round; the core tells all."""
    first = await any_core.session("one").open()
    await first.turn("One.").run()
    fork = await any_core.session("two").open_fork(first, first.graph.nodes[-1].node_id)
    (trace,) = [fork.trace]
    assert trace is not None
    assert (len(trace), trace.name, trace.turns) == (0, "session two", ())
    await first.turn("Two.").run()
    await fork.turn("Other two.").run()
    assert trace.refresh()

    of_core = any_core.trace
    assert of_core is not None
    assert of_core is any_core.trace
    for told, turns in (
        (trace, [("two", 2)]),
        (first.trace, [("one", 1), ("one", 2)]),
        (of_core, [("one", 1), ("one", 2), ("two", 2)]),
    ):
        assert told is not None
        assert [(turn.session_id, turn.turn_index) for turn in told.turns] == turns
    assert frames.usage_df(trace)["input_tokens"].sum() == fork.usage_report().usage.input_tokens


async def test_a_fork_of_a_core_that_keeps_no_records_has_no_trace() -> None:
    """Nor has the core."""
    made = LashCore.standard().in_memory().provider(ScriptedProvider(["One."])).model("m").build()
    assert made.trace is None
    assert (await made.session("one").open()).trace is None


async def test_a_fork_is_no_other_session(any_core: LashCore) -> None:
    """Neither an unknown node nor a session that is stored already is guessed at."""
    first = await any_core.session("one").open()
    await first.turn("One.").run()
    with pytest.raises(CallerError, match="no node m0; the last ones are m"):
        await any_core.session("two").open_fork(first, "m0")
    await any_core.session("two").open_fork(first, first.graph.nodes[0].node_id)
    with pytest.raises(CallerError, match="two is stored already"):
        await any_core.session("two").open_fork(first, first.graph.nodes[0].node_id)


async def test_a_vacuum_deletes_what_is_on_no_way_to_the_leaf(any_core: LashCore) -> None:
    """A dry run only tells; afterwards neither store nor memory has the other branch, and turns go on."""
    session = await any_core.session("one").open()
    await session.turn("One.").run()
    stand = session.graph.leaf_node_id
    await session.turn("Two.").run()
    lost = tuple(node.node_id for node in session.graph.nodes[2:])
    await session.control.state.branch_to_node(stand)

    told = await session.control.state.vacuum_orphans(dry_run=True)
    assert (told.node_ids, told.dry_run, len(session.graph.nodes)) == (lost, True, 4)
    done = await session.control.state.vacuum_orphans()
    assert (done.node_ids, done.removed_node_count) == (lost, 2)
    assert len(session.graph.nodes) == 2
    await session.turn("Other two.").run()
    assert list(await session.control.state.orphaned_node_ids()) == []
    assert await session.control.state.get_historic_node(lost[0]) is None


async def test_a_fork_in_a_folder_can_be_looked_at(tmp_path: Path) -> None:
    """It is stored at once, before its first turn."""
    first = await core(tmp_path).session("one").open()
    await first.turn("One.").run()
    await core(tmp_path).session("two").open_fork(first, first.graph.nodes[-1].node_id)
    assert {row.session_id: row.nodes for row in open_store(tmp_path).sessions} == {"one": 2, "two": 2}


async def test_a_fork_is_of_a_session(any_core: LashCore) -> None:
    """Its name alone is refused with what belongs there."""
    named: Any = "demo"
    with pytest.raises(CallerError, match=r"a session belongs here, not str: await core\.session\("):
        await any_core.session("fork").open_fork(named, "n")
