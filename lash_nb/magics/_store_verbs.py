"""Verbs about what the store of a session keeps: park, resume, delete, orphans, vacuum."""

from argparse import Namespace
from typing import Final

import pandas as pd

from lash_nb import frames, plots
from lash_nb.core import LashSession
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._bench import Bench, Parked
from lash_nb.magics._open_session import OpenSession
from lash_nb.magics._opening import Opening
from lash_nb.magics._stored import asked_folder, find_stored
from lash_nb.magics._verb import Argument, Verb
from lash_nb.runtime import OrphanVacuum
from lash_nb.wire import SessionGraph
from lash_nb.words import counted

__all__ = ["STORE_VERBS"]

_ORPHAN_COLUMNS: Final = ("graph_node_id", "role", "text", "tool_calls", "timestamp", "parent_node_id")
"""What a person chooses by stands first."""


async def _park(bench: Bench, asked: Namespace) -> None:
    name = asked.name or bench.current
    await bench.park(name)
    print(f"Parked {plots.printable(name)}; go on with it: %lash resume {plots.printable(name)}")  # noqa: T201 - said in the cell


async def _resume(bench: Bench, asked: Namespace) -> LashSession:
    if asked.name not in bench.parked:
        known = f"parked: {', '.join(bench.parked)}" if bench.parked else "none is"
        message = f"session {asked.name} is not parked; {known}; a stored one goes on with %lash open {asked.name}"
        raise CallerError(message, code="magics_session")
    return (await bench.resume(asked.name)).session


async def _delete(bench: Bench, asked: Namespace) -> None:
    """Delete a stored session; without --yes, say what that would be."""
    if asked.name in bench.sessions:
        await bench.session(asked.name).refuse_during_turn()
    folder, stored = find_stored(bench, asked.name, asked_folder(bench, asked.store) or _own_folder(bench, asked.name))
    row, name = stored.row, plots.printable(asked.name)
    what = f"{counted(row.turns, 'turn')}, {counted(row.nodes, 'node')}, {plots.byte_size(row.byte_len)} in {row.path.name}"
    if not asked.yes:
        print(f"This would delete session {name}: {what}. Nothing was deleted. To delete it: %lash delete {name} --yes")  # noqa: T201 - said in the cell
        return
    if asked.name in bench.sessions:
        bench.sessions[asked.name].close()
        await bench.sessions[asked.name].session.close()
        bench.take_away(asked.name)
    bench.parked.pop(asked.name, None)
    await Opening(store=folder).core(bench.namespace).delete_session(asked.name)
    print(f"Deleted session {name}: {what}")  # noqa: T201 - said in the cell


def _own_folder(bench: Bench, name: str) -> str | None:
    known: dict[str, OpenSession | Parked] = {**bench.parked, **bench.sessions}
    return known[name].opening.store if name in known else None


async def _orphans(bench: Bench, _asked: Namespace) -> pd.DataFrame:
    session = bench.session().session
    orphans = await session.control.state.orphaned_node_ids()
    if not orphans:
        print(f"Session {plots.printable(bench.current)}: every stored node is on the way to where it stands")  # noqa: T201 - said in the cell
    resident = {node.node_id: node for node in session.graph.nodes}
    found = [resident.get(one) or await session.control.state.get_historic_node(one) for one in orphans]
    table = frames.nodes_df(SessionGraph(nodes=tuple(node for node in found if node is not None)))
    return table[[*_ORPHAN_COLUMNS]]


async def _vacuum(bench: Bench, asked: Namespace) -> None:
    """Delete what is on no way to the leaf; without --yes, only say what that is."""
    opened = bench.session()
    await opened.refuse_during_turn()
    dry = asked.dry_run or not asked.yes
    done = await opened.session.control.state.vacuum_orphans(dry_run=dry)
    print(f"Session {plots.printable(bench.current)}: {_vacuum_words(done)}")  # noqa: T201 - said in the cell


def _vacuum_words(done: OrphanVacuum) -> str:
    if not done.dry_run:
        return f"deleted {counted(done.removed_node_count, 'node')} and {counted(done.deleted_blob_count, 'blob')}"
    if not done.node_ids:
        return "no other branches, there is nothing to delete"
    nodes = counted(len(done.node_ids), "node")
    return f"would delete {nodes} of other branches (%lash orphans); to delete them: %lash vacuum --yes"


def _delete_python(bench: Bench, asked: Namespace) -> str:
    folder = asked_folder(bench, asked.store) or _own_folder(bench, asked.name)
    lines = Opening(store=folder).python(bench.namespace)
    return "\n".join([*lines, f"await core.delete_session({asked.name!r})"])


_YES: Final = Argument(name="--yes", help="do it", settings={"action": "store_true"})

STORE_VERBS: Final = (
    Verb(
        name="park",
        summary="store a session and take it out of memory",
        run=_park,
        python=lambda _bench, _asked: "parked = await session.park()",
        arguments=(
            Argument(
                name="NAME", help="its name (default: the current one)", values=values.sessions, settings={"nargs": "?"}
            ),
        ),
    ),
    Verb(
        name="resume",
        summary="go on with a parked session",
        run=_resume,
        python=lambda _bench, _asked: "session = await core.resume(parked)",
        arguments=(Argument(name="NAME", help="its name", values=values.parked_sessions),),
    ),
    Verb(
        name="delete",
        summary="delete a stored session for good",
        run=_delete,
        python=_delete_python,
        arguments=(
            Argument(name="NAME", help="its name", values=values.stored_sessions),
            Argument(name="--store", help="folder that keeps it", values=values.files, settings={"metavar": "DIR"}),
            _YES,
        ),
    ),
    Verb(
        name="orphans",
        summary="the stored nodes that are on no way to where the session stands, as a table",
        run=_orphans,
        python=lambda _bench, _asked: "orphans = await session.control.state.orphaned_node_ids()",
    ),
    Verb(
        name="vacuum",
        summary="delete the orphans for good",
        run=_vacuum,
        python=lambda _bench, asked: (
            f"await session.control.state.vacuum_orphans(dry_run={asked.dry_run or not asked.yes})"
        ),
        arguments=(
            Argument(name="--dry-run", help="only say what would be deleted", settings={"action": "store_true"}),
            _YES,
        ),
    ),
)
