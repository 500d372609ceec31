"""The tables of a session: effects, graph nodes, messages and attachments."""

from typing import Any, Final

import pandas as pd
import pytest

from lash_nb.frames import attachments_df, effects_df, messages_df, nodes_df
from lash_nb.wire import AttachmentRow, EffectEntry, SessionGraph, from_builtins
from tests.frames.graphs import NODE_TIME, graph


def test_one_row_per_node() -> None:
    """Every node is a row in the order in which it was stored, with what it is and where it hangs."""
    frame = nodes_df(graph())

    assert list(frame["graph_node_id"]) == ["u", "a", "b", "r", "n"]
    assert list(frame["role"]) == ["user", "assistant", "assistant", "user", "memo"]
    assert list(frame["is_on_active_path"]) == [True, True, False, True, True]
    assert list(frame["is_leaf"]) == [False, False, False, False, True]
    assert list(frame["text"].fillna("-")) == ["How warm?\n[Image attached]", "Let me look.", "Warm.", "11 °C", "-"]
    assert list(frame["tool_calls"]) == [[], ["weather"], [], [], []]
    assert list(frame["images"]) == [1, 0, 0, 0, 0]
    assert frame["timestamp"].iloc[0] == pd.Timestamp("2026-11-21T15:07:45.288925864", tz="UTC")


def test_messages_of_the_path_to_the_leaf() -> None:
    """Only messages, only those the session stands on, oldest first."""
    frame = messages_df(graph())

    assert list(frame["graph_node_id"]) == ["u", "a", "r"]
    assert list(frame["order"]) == [0, 1, 2]
    assert list(frame["tool_results"]) == [[], [], ["weather"]]


def entry(order: int, kind: str, command: dict[str, Any], **members: Any) -> EffectEntry:
    """A journal entry of one effect."""
    invocation = {
        "scope": {"session_id": "s", "turn_id": "turn-1", "turn_index": 1, "protocol_iteration": 0},
        "subject": {"type": "effect", "effect_id": str(order), "kind": kind},
        "replay": {"key": f"s:turn-1:{order}"},
    }
    envelope = {"invocation": invocation, "command": {"type": kind, **command}}
    facts = {
        "order": order,
        "envelope": envelope,
        "status": "ok",
        "started_at": NODE_TIME,
        "duration_ms": 1.5,
        **members,
    }
    found: EffectEntry = from_builtins(facts, EffectEntry)
    return found


REQUEST: Final = {"model": "m", "messages": [], "attachments": [], "tools": [], "tool_choice": "Auto"}
COMMANDS: Final[list[tuple[str, dict[str, Any], str | None]]] = [
    ("llm_call", {"request": REQUEST}, "m"),
    ("direct", {"request": REQUEST, "usage_source": "x"}, "m"),
    ("tool_call", {"call": {"call_id": "c", "tool_name": "weather", "args": {}}}, "weather"),
    ("process", {"command": {"op": "cancel", "process_id": "p1"}}, "cancel"),
    ("exec_code", {"code": "\nx = 1\ny"}, "x = 1"),
    ("checkpoint", {"checkpoint": "after_work"}, "after_work"),
    ("sync_execution_surface", {"update_machine_config": True}, "surface"),
    ("sleep", {"duration_ms": 250}, "250 ms"),
]


def test_one_row_per_effect() -> None:
    """Every kind of envelope is a row with its identity and one word on what it asks for."""
    entries = [entry(order, kind, command) for order, (kind, command, _) in enumerate(COMMANDS, 1)]
    frame = effects_df(entries)

    assert list(frame["kind"]) == [kind for kind, _, _ in COMMANDS]
    assert [None if pd.isna(what) else what for what in frame["what"]] == [what for _, _, what in COMMANDS]
    assert list(frame["effect_id"]) == [str(order) for order in range(1, 9)]
    assert frame["replay_key"].iloc[0] == "s:turn-1:1"
    assert set(frame["session_id"]) == {"s"}
    assert set(frame["duration_ms"]) == {1.5}


def test_an_effect_that_the_host_refused() -> None:
    """The code of the host's own error is in the row."""
    error = {"code": "no_host", "message": "there is none"}
    frame = effects_df([entry(1, "sleep", {"duration_ms": 1}, status="error", duration_ms=None, error=error)])

    assert (frame["status"].iloc[0], frame["error_code"].iloc[0]) == ("error", "no_host")
    assert pd.isna(frame["duration_ms"].iloc[0])


@pytest.mark.parametrize("status", ["pending", "running"])
def test_an_effect_without_an_outcome_has_no_origin(status: str) -> None:
    """What still waits or runs was not executed, so the table does not say so."""
    told = [
        entry(1, "sleep", {"duration_ms": 1}, status=status, duration_ms=None),
        entry(2, "sleep", {"duration_ms": 1}),
    ]

    assert list(effects_df(told)["origin"].isna()) == [True, False]


def test_one_row_per_attachment() -> None:
    """An attachment is a row with its content id, type, size, state and who refers to it."""
    ref = {
        "id": "ab" * 32,
        "media_type": {"kind": "image", "type": "png"},
        "byte_len": 10_900,
        "width": 320,
        "height": 180,
    }
    row: AttachmentRow = from_builtins(
        {"ref": ref, "state": "intended", "references": ["node u", "llm_call 2"]}, AttachmentRow
    )
    found = attachments_df([row]).iloc[0]

    assert (found["attachment_id"], found["media_type"], found["byte_len"]) == ("ab" * 32, "image/png", 10_900)
    assert (found["width"], found["height"], found["state"], found["references"]) == (320, 180, "intended", 2)
    assert found["referenced_by"] == ["node u", "llm_call 2"]
    assert row.id == found["attachment_id"]


@pytest.mark.parametrize(
    ("table", "empty", "full"),
    [
        (nodes_df, SessionGraph(), graph()),
        (messages_df, SessionGraph(), graph()),
        (effects_df, [], [entry(1, "sleep", {"duration_ms": 1})]),
    ],
)
def test_no_rows_have_the_same_columns_and_types(table: Any, empty: Any, full: Any) -> None:
    """A table without rows has the columns and types of one with rows."""
    assert [(name, str(kind)) for name, kind in table(empty).dtypes.items()] == [
        (name, str(kind)) for name, kind in table(full).dtypes.items()
    ]
