"""A handle of a session: what it shows of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from lash_nb.clock import ManualClock
from lash_nb.core import LashCore
from lash_nb.errors import AttachmentStoreError, CallerError
from lash_nb.runtime import SessionReadView
from lash_nb.stores import InMemoryAttachmentStore, InMemorySessionStore
from lash_nb.trace import MemoryTraceSink
from lash_nb.wire import RuntimeEffectEnvelope, SessionSnapshot, content_id, from_json, stable_hash, to_json
from tests.runtime.desk import answers, builder, legal, messages_of, open_session, texts, tool_then_answer, weather
from tests.stores.material import png


def names_in(folder: Path) -> list[str]:
    """The names of the files in a folder."""
    return [path.name for path in folder.iterdir()]


async def test_a_handle_tells_what_it_is() -> None:
    """One line: id, turns, nodes."""
    session = await open_session(answers())
    assert repr(session) == "LashSession('demo', 0 turns, 0 nodes)"
    await session.turn("hi").run()
    assert repr(session) == "LashSession('demo', 1 turn, 2 nodes)"
    assert (session.session_id, session.mode, session.parent_session_id) == ("demo", "standard", None)


async def test_the_graph_is_a_value() -> None:
    """What was taken stays as it was; each turn adds to the path."""
    session = await open_session(tool_then_answer, weather)
    await session.turn("hi").run()
    first = session.graph
    legal(first)
    assert len(first.nodes) == 4
    await session.turn("again").run()
    assert len(first.nodes) == 4
    assert session.graph.nodes[:4] == first.nodes
    assert {node.agent_frame_id for node in session.graph.nodes} == {"root:frame:initial"}


async def test_every_effect_is_a_value() -> None:
    """In order, typed, with status and time; an envelope written and read is the same, to its hash."""
    session = await open_session(tool_then_answer, weather)
    await session.turn("hi").run()
    entries = session.effects
    assert [entry.order for entry in entries] == list(range(1, 8))
    assert {entry.status for entry in entries} == {"ok"}
    assert {entry.origin for entry in entries} == {"executed"}
    for entry in entries:
        read = from_json(to_json(entry.envelope), RuntimeEffectEnvelope)
        assert read == entry.envelope
        assert stable_hash(read) == stable_hash(entry.envelope)


async def test_attachments_say_who_refers_to_them(tmp_path: Path) -> None:
    """A picture of a turn is committed with it, is named by its node and by the model call that saw it, and can be saved."""
    session = await open_session(answers())
    picture = png(3, 2)
    await session.turn("look").image(picture, label="shot").run()
    [row] = session.attachments
    node = session.graph.nodes[0].node_id
    assert (row.ref.id, row.ref.label, row.ref.byte_len, row.state) == (
        content_id(picture),
        "shot",
        len(picture),
        "committed",
    )
    assert row.references == (f"node {node}", "llm_call 2")
    saved = session.save_attachment(row.ref.id[:8], tmp_path / "shot.png")
    assert saved.read_bytes() == picture


async def test_the_commit_of_a_turn_stamps_its_pictures() -> None:
    """With the first commit that holds the message its picture is no mere intent any more: a sweep spares it."""
    clock, store = ManualClock(1_000_000_000), InMemorySessionStore(ManualClock(2_000_000_000))
    session = await open_session(answers(), store=store, clock=clock)
    await session.turn("look").image(png(3, 2), label="shot").run()

    assert [entry.committed_at_epoch_ms for entry in store.list_attachments()] == [2_000]
    assert store.list_uncommitted(10_000) == ()


async def test_saving_never_overwrites_and_names_what_is_there(tmp_path: Path) -> None:
    """A file that exists, a folder that does not, an unknown id: one line each, nothing written."""
    session = await open_session(answers())
    await session.turn("look").image(png(1, 1)).run()
    [row] = session.attachments
    taken = tmp_path / "taken"
    taken.write_bytes(b"mine")
    with pytest.raises(CallerError, match="choose another path"):
        session.save_attachment(row.ref.id, taken)
    assert taken.read_bytes() == b"mine"
    with pytest.raises(CallerError, match="choose another path"):
        session.save_attachment(row.ref.id, tmp_path / "none" / "x")
    with pytest.raises(CallerError, match=f"there are: {row.ref.id[:8]}"):
        session.save_attachment("zzz", tmp_path / "x")
    assert names_in(tmp_path) == ["taken"]


async def test_an_attachment_whose_bytes_are_gone_is_said_to_be_missing(tmp_path: Path) -> None:
    """It stays listed, with its size and who names it; saving it fails without a file."""
    core = builder(answers()).build()
    session = await core.session("demo").open()
    await session.turn("look").image(png(1, 1)).run()
    emptied_host = replace(core.parts.host, attachment_store=InMemoryAttachmentStore())
    emptied = LashCore(replace(core.parts, host=emptied_host))
    again = await emptied.session("demo").open()
    [row] = again.attachments
    assert (row.state, row.ref.byte_len) == ("missing", len(png(1, 1)))
    with pytest.raises(AttachmentStoreError):
        again.save_attachment(row.ref.id, tmp_path / "x")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("stored", [True, False])
async def test_usage_adds_up_over_the_sessions_life(stored: bool) -> None:
    """The report is the sum of all turns; the read view tells of the last one."""
    session = await open_session(answers(), stored=stored)
    used = [(await session.turn("hi").run()).usage.total for _ in range(3)]
    report = session.usage_report()
    assert (report.usage.total_tokens, list(report.by_source), list(report.by_model)) == (
        sum(used),
        ["turn"],
        ["scripted-model"],
    )
    assert session.read_view().token_usage.total == used[-1]


async def test_a_read_view_stays_as_it_was() -> None:
    """Counters, messages and graph are those of the moment, also when they are read later."""
    session = await open_session(answers("a", "b"))
    await session.turn("hi").run()
    view = session.read_view()
    await session.turn("more").run()
    assert isinstance(view, SessionReadView)
    assert (view.turn_index, texts(view.messages), texts(messages_of(view.session_graph))) == (
        1,
        ["hi", "a"],
        ["hi", "a"],
    )
    assert view.last_prompt_usage is not None
    assert view.last_prompt_usage.prompt_context_tokens == 100


async def test_an_export_can_be_written_and_read() -> None:
    """A snapshot is a value of the wire."""
    session = await open_session(tool_then_answer, weather)
    await session.turn("hi").run()
    exported = session.control.state.export()
    assert from_json(to_json(exported), SessionSnapshot) == exported
    assert exported.session_graph == session.graph


async def test_the_repr_of_an_export_and_of_a_graph_is_short() -> None:
    """They say what they are: what they hold may be megabytes, and is asked for by name."""
    session = await open_session(answers("x" * 5_000, "b"))
    await session.turn("hi").run()
    await session.turn("more").run()
    leaf = session.graph.leaf_node_id
    assert repr(session.control.state.export()) == "SessionSnapshot('demo', 2 turns, 4 nodes)"
    assert repr(session.graph) == f"SessionGraph(4 nodes, leaf_node_id={leaf!r})"


async def test_a_trace_in_memory_is_the_sessions() -> None:
    """With a memory sink the session has its trace; without one it has none."""
    made = builder(tool_then_answer, weather).trace_sink(MemoryTraceSink())
    session = await made.build().session("demo").open()
    await session.turn("hi").turn_id("t").run()
    trace = session.trace
    assert trace is not None
    assert [record["type"] for record in trace] == [
        "turn_started",
        "prompt_built",
        "llm_call_started",
        "llm_call_completed",
        "tool_call_started",
        "tool_call_completed",
        "llm_call_started",
        "llm_call_completed",
        "turn_completed",
    ]
    calls = [record["context"]["llm_call_id"] for record in trace if record["type"] == "llm_call_started"]
    assert calls == ["demo:1:0:0", "demo:1:1:1"]
    assert (await open_session(answers())).trace is None


async def test_refreshed_tools_are_offered_from_the_next_turn_on() -> None:
    """The generation tells that something was asked again."""
    session = await open_session(answers(), weather)
    before = session.refresh_tools()
    assert session.refresh_tools(only_changed=True) == before
    assert session.refresh_tools() > before
    assert (await session.turn("hi").run()).is_success


async def test_a_closed_sessions_id_is_free() -> None:
    """The same core opens it again, with everything that was committed."""
    core = builder(answers("a", "b")).build()
    session = await core.session("demo").open()
    await session.turn("hi").run()
    await session.close()
    again = await core.session("demo").open()
    assert (await again.turn("more").run()).reply == "b"
    assert texts(messages_of(again.graph)) == ["hi", "a", "more", "b"]
