"""Nodes of the session graph: each kind has its own payload and leaves the other's unread."""

import pytest

from lash_nb.errors import WireError
from lash_nb.wire import (
    AppendGraph,
    GraphCommitDelta,
    PluginNodePayload,
    PromptLayer,
    SessionGraph,
    SessionNodePayload,
    SessionNodeRecord,
    UnchangedGraph,
    from_json,
    to_json,
)

NODE = '{"node_id":"n","timestamp":"t"'
EVENT = '"event":{"Protocol":{"plugin_id":"p","payload":1}}'


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        (f'"kind":"event",{EVENT},"plugin_type":"x","body":2', f'"kind":"event",{EVENT}'),
        (f'"plugin_type":7,"kind":"event","body":2,"body":3,{EVENT}', f'"kind":"event",{EVENT}'),
        ('"event":"no event","kind":"plugin","plugin_type":"x","body":2', '"kind":"plugin","plugin_type":"x","body":2'),
        (f'{EVENT},"kind":"plugin","plugin_type":"x","body":null', '"kind":"plugin","plugin_type":"x","body":null'),
    ],
)
def test_payload_of_another_kind_is_left_unread(fields: str, kept: str) -> None:
    """Whatever stands in the other kind's fields, also twice, is gone after reading."""
    node = from_json(f"{NODE},{fields}}}", SessionNodeRecord)
    assert to_json(node).decode() == f"{NODE},{kept}}}"
    assert node.payload == from_json(f"{{{kept}}}", SessionNodePayload)


def test_payload_by_itself() -> None:
    """A payload without its node is a tagged record."""
    payload: SessionNodePayload = from_json('{"body":null,"plugin_type":"x","kind":"plugin"}', SessionNodePayload)
    assert payload == PluginNodePayload(plugin_type="x", body=None)


@pytest.mark.parametrize("first", ["null", '{"reset":true,"reset":true}'])
def test_a_replaced_entry_of_a_map_is_looked_at_too(first: str) -> None:
    """Of equal keys of a map the last one wins; the first must not be null, nor have a field twice."""
    text = '{{"slots":{{"intro":{},"intro":{{}}}}}}'
    with pytest.raises(WireError):
        from_json(text.format(first), PromptLayer)
    assert from_json(text.format('{"reset":true}'), PromptLayer) == from_json(text.format("{}"), PromptLayer)


def test_a_delta_tells_which_nodes_it_brings() -> None:
    """Those that are appended, or all of a graph that is written anew; moving the leaf brings none."""
    node = from_json(f'{NODE},"kind":"event",{EVENT}}}', SessionNodeRecord)
    assert GraphCommitDelta(Append=AppendGraph(nodes=(node,))).nodes == (node,)
    assert GraphCommitDelta(ReplaceFull=SessionGraph(nodes=(node,))).nodes == (node,)
    assert GraphCommitDelta(Unchanged=UnchangedGraph(leaf_node_id="n")).nodes == ()
