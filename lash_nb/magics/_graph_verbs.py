"""Verbs about the session graph: look at it, at one node, stand elsewhere in it, begin another session from it."""

from argparse import Namespace
from collections.abc import Iterable
from typing import Any, Final

from lash_nb import frames, plots
from lash_nb.core import LashSession
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._bench import Bench
from lash_nb.magics._open_session import OpenSession
from lash_nb.magics._pictures import Svg, drawn
from lash_nb.magics._verb import Argument, Verb
from lash_nb.trace import Turn
from lash_nb.views import SessionGraphView, static_svg
from lash_nb.wire import SessionNodeRecord
from lash_nb.words import counted

__all__ = ["GRAPH_VERBS"]

_SHOWN: Final = 6
"""As many ids does a message name."""
_PREFIX: Final = 9
"""As many characters of each: the letter of its kind, and enough to tell it apart."""


def _graph(bench: Bench, asked: Namespace) -> Any:
    opened = bench.session()
    graph = opened.session.graph
    if asked.table:
        return frames.nodes_df(graph)
    if asked.plot:
        return drawn(bench, plots.session_graph(graph))
    view = SessionGraphView(graph, title=f"session {bench.current}", turns=_known_turns(bench, opened))
    return Svg(static_svg(view), view.text()) if asked.svg else view


def _known_turns(bench: Bench, opened: OpenSession) -> list[Turn]:
    """The turns that a trace at hand tells of: that of this kernel, the file that the session is traced to, the one opened last."""
    others = [*opened.earlier_turns, *(bench.trace.turns if bench.trace else ())]
    name, known = opened.session.session_id, {turn.turn_id: turn for turn in opened.trace.turns}
    for turn in others:
        if turn.session_id == name:
            known.setdefault(turn.turn_id, turn)
    return list(known.values())


async def _node(bench: Bench, asked: Namespace) -> SessionNodeRecord:
    """One node; one that is not in memory is asked of the store under its whole id."""
    session = bench.session().session
    resident = _beginning_with(session.graph.nodes, asked.id)
    if len(resident) == 1:
        return resident[0]
    stored = await session.control.state.get_historic_node(asked.id) if session.store else None
    if stored is None:
        raise _unknown(session, asked.id, resident)
    return stored


async def _fork(bench: Bench, asked: Namespace) -> LashSession:
    opened = bench.session()
    node = await _node(bench, Namespace(id=asked.node))
    if asked.name in bench.sessions:
        raise CallerError(
            f"session {asked.name} is open already; choose another name: --as NAME", code="session_exists"
        )
    fork = await opened.core.session(asked.name).open_fork(opened.session, node.node_id)
    return bench.put(OpenSession(fork, opened.core, opened.opening)).session


async def _checkout(bench: Bench, asked: Namespace) -> None:
    opened = bench.session()
    opened.refuse_during_turn()
    node = await _node(bench, Namespace(id=asked.node))
    state = opened.session.control.state
    await state.branch_to_node(node.node_id)
    behind = len(await state.orphaned_node_ids())  # of the store: in memory there may be the path alone
    print(  # noqa: T201 - said in the cell
        f"Session {plots.printable(bench.current)} stands at {plots.printable(node.node_id)}; "
        f"the next prompt goes on from there ({counted(behind, 'node')} {'is' if behind == 1 else 'are'} on other branches: %lash graph)"
    )


def _beginning_with(nodes: Iterable[SessionNodeRecord], prefix: str) -> list[SessionNodeRecord]:
    found = [node for node in nodes if node.node_id.startswith(prefix)]
    return [node for node in found if node.node_id == prefix] or found


def _unknown(session: LashSession, wanted: str, found: list[SessionNodeRecord]) -> CallerError:
    named = found or list(session.graph.nodes)[-_SHOWN:]
    ids = ", ".join(node.node_id[:_PREFIX] for node in named[:_SHOWN]) or "none"
    what = f"{len(found)} nodes have an id that begins with {wanted}" if found else f"no node {wanted}"
    value = "; the value of a variable is written {{variable}}" if wanted.startswith("{") else ""
    return CallerError(f"{what}; there are {ids}; all of them: %lash graph --table{value}", code="unknown_node")


def _graph_python(bench: Bench, asked: Namespace) -> str:
    if asked.table:
        return "lash_nb.frames.nodes_df(session.graph)"
    if asked.plot:
        return "lash_nb.plots.session_graph(session.graph)"
    file = bench.sessions[bench.current].opening.trace if bench.current in bench.sessions else None
    trace = f"lash_nb.read_trace({file!r})" if file else "session.trace"
    view = f"lash_nb.views.SessionGraphView(session.graph, turns={trace})"
    return f"lash_nb.views.static_svg({view})" if asked.svg else view


_NODE: Final = Argument(name="NODE", help="its id, or the beginning of it", values=values.nodes)

GRAPH_VERBS: Final = (
    Verb(
        name="graph",
        summary="the session graph",
        run=_graph,
        python=_graph_python,
        arguments=(
            Argument(name="--table", help="as a table of its nodes", settings={"action": "store_true"}),
            Argument(name="--plot", help="as a matplotlib plot", settings={"action": "store_true"}),
            Argument(name="--svg", help="as a picture without a widget", settings={"action": "store_true"}),
        ),
    ),
    Verb(
        name="node",
        summary="one node of the session, also one that is only stored",
        run=_node,
        python=lambda _bench, asked: f"await session.control.state.get_historic_node({asked.id!r})",
        arguments=(Argument(name="ID", help="its id, or the beginning of it", values=values.nodes),),
    ),
    Verb(
        name="fork",
        summary="open a new session that begins with the way to a node, and make it the current one",
        run=_fork,
        python=lambda _bench, asked: f"fork = await core.session({asked.name!r}).open_fork(session, {asked.node!r})",
        arguments=(
            _NODE,
            Argument(
                name="--as",
                help="name of the new session",
                settings={"dest": "name", "required": True, "metavar": "NAME"},
            ),
        ),
    ),
    Verb(
        name="checkout",
        summary="stand at a node: the next prompt goes on from there, beside what followed",
        run=_checkout,
        python=lambda _bench, asked: f"await session.control.state.branch_to_node({asked.node!r})",
        arguments=(_NODE,),
    ),
)
