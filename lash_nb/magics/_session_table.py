"""`%lash sessions`: open, parked and stored sessions in one table."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import pandas as pd

from lash_nb import views
from lash_nb.magics._bench import Bench
from lash_nb.magics._table import Table
from lash_nb.stores import StoredSessionRow, StoreReader

__all__ = ["session_table"]

_DTYPES: Final = {
    "session": "string",
    "current": "bool",
    "state": "string",
    "turns": "Int64",
    "nodes": "Int64",
    "tokens": "Int64",
    "last_use": "datetime64[ns, UTC]",
    "model": "string",
    "provider": "string",
    "store": "string",
}
"""The columns in order, with their types."""


_COLUMNS: Final = {
    "session": "session",
    "current": "current",
    "state": "state",
    "turns": "turns",
    "nodes": "nodes",
    "tokens": "tokens",
    "last_use": "last use, UTC",
    "model": "model",
    "provider": "answered by",
    "store": "folder",
}
_WORDS: Final = {"current": {True: "yes", False: ""}}


def session_table(bench: Bench, stored: Mapping[str, StoreReader]) -> Table:
    """Return one row per session: those that are open, then those that are parked or stored, last used first.

    Args:
        bench: Where the open ones lie.
        stored: The folders of stored ones.
    """
    in_folders = {(place, row.session_id): row for place, reader in stored.items() for row in reader.sessions}
    listed = {name: (one.opening.store or "", one.session.session_id) for name, one in bench.sessions.items()}
    rows = [_open_row(bench, name, in_folders.get(key)) for name, key in listed.items()]
    for place, name in in_folders.keys() - set(listed.values()):
        is_parked = name in bench.parked and bench.parked[name].opening.store == place
        rows.append(_stored_row(place, in_folders[place, name], "parked" if is_parked else "stored"))
    rows += [{"session": name, "state": "parked"} for name, one in bench.parked.items() if one.opening.store is None]
    columns = {name: [row.get(name) for row in rows] for name in _DTYPES} | {
        "current": [row.get("current", False) for row in rows]
    }
    table = pd.DataFrame({name: pd.Series(columns[name], dtype=dtype) for name, dtype in _DTYPES.items()})
    table["last_use"] = table["last_use"].dt.floor("s")
    ordered = table.sort_values(
        "last_use",
        ascending=False,
        kind="stable",
        key=lambda times: times.where(~table["state"].isin(("stored", "parked"))),
    ).reset_index(drop=True)
    return Table(ordered, _face(ordered))


def _face(table: pd.DataFrame) -> views.FrameFace:
    """Columns in which nothing stands are left out: most notebooks keep all in memory."""
    by_state = Counter(state.partition(" ")[0] for state in table["state"])
    return views.FrameFace(
        columns={name: head for name, head in _COLUMNS.items() if name != "store" or table[name].notna().any()},
        title="Sessions",
        note=", ".join(f"{count} {state}" for state, count in by_state.items()),
        empty="No sessions. Begin one: %lash new NAME. Those of a folder: %lash sessions --store DIR",
        hint="choose an open one: %lash use NAME · go on with a parked or stored one: %lash open NAME",
        words=_WORDS,
    )


def _open_row(bench: Bench, name: str, stored: StoredSessionRow | None) -> dict[str, Any]:
    """An open session may have but its path in memory; what it has beside is known where it is stored."""
    one = bench.sessions[name]
    session, policy = one.session, one.session.policy_snapshot()
    path = session.graph.nodes
    return {
        "session": name,
        "current": name == bench.current,
        "state": one.state,
        "turns": session.turn_index,
        "nodes": max(len(path), stored.nodes if stored else 0),
        "tokens": session.usage_report().usage.total_tokens,
        "last_use": datetime.fromisoformat(path[-1].timestamp) if path else None,
        "model": policy.model.id,
        "provider": policy.provider_id,
        "store": one.opening.store,
    }


def _stored_row(folder: str, row: StoredSessionRow, state: str) -> dict[str, Any]:
    return {
        "session": row.session_id,
        "state": state,
        "turns": row.turns,
        "nodes": row.nodes,
        "tokens": row.tokens,
        "last_use": row.last_use,
        "model": row.model,
        "provider": row.provider_id,
        "store": folder,
    }
