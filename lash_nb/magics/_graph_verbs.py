"""Verbs about the session graph: look at it, at one node, stand elsewhere in it, begin another session from it."""

from argparse import Namespace
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
from lash_nb.views import SessionGraphView, session_graph_svg, session_graph_text, turn_ends
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
    title, turns = f"session {bench.current}", _known_turns(bench, opened)
    if asked.svg:
        return Svg(session_graph_svg(graph, turns=turns), session_graph_text(graph, title=title, turns=turns))
    return SessionGraphView(graph, title=title, turns=turns, attachment_data=opened.session.attachment_data)


def _known_turns(bench: Bench, opened: OpenSession) -> list[Turn]:
    """The turns that a trace at hand tells of: that of this kernel, the file that the session is traced to, the one opened last.

    The way of a fork begins with turns of another session.
    """
    name, last = opened.session.session_id, bench.trace.turns if bench.trace else ()
    own = [*opened.trace.turns, *opened.earlier_turns, *(turn for turn in last if turn.session_id == name)]
    return [*opened.turns_before, *{turn.turn_id: turn for turn in reversed(own)}.values()]


async def _node(bench: Bench, asked: Namespace) -> SessionNodeRecord:
    """One node; one that is not in memory is asked of the store under its whole id."""
    opened = bench.session()
    resident = _meant(bench, opened, asked.id)
    if len(resident) == 1:
        return resident[0]
    stored = await opened.session.control.state.get_historic_node(asked.id) if opened.session.store else None
    if stored is None:
        raise _unknown(bench, opened, asked.id, resident)
    return stored


async def _fork(bench: Bench, asked: Namespace) -> LashSession:
    opened = bench.session()
    node = await _node(bench, Namespace(id=asked.node))
    if asked.name in bench.sessions:
        raise CallerError(
            f"session {asked.name} is open already; choose another name: --as NAME", code="session_exists"
        )
    fork = await opened.core.session(asked.name).open_fork(opened.session, node.node_id)
    begun = OpenSession(fork, opened.core, opened.opening, bench.raised)
    begun.forked_from = opened.session.session_id
    return bench.put(begun).session


async def _checkout(bench: Bench, asked: Namespace) -> None:
    opened = bench.session()
    await opened.refuse_during_turn()
    node = await _node(bench, Namespace(id=asked.node))
    state = opened.session.control.state
    await state.branch_to_node(node.node_id)
    behind = len(await state.orphaned_node_ids())  # of the store: in memory there may be the path alone
    print(  # noqa: T201 - said in the cell
        f"Session {plots.printable(bench.current)} stands at {plots.printable(node.node_id)}; "
        f"the next prompt goes on from there ({counted(behind, 'node')} {'is' if behind == 1 else 'are'} on other branches: %lash graph)"
    )


def _meant(bench: Bench, opened: OpenSession, wanted: str) -> list[SessionNodeRecord]:
    """The nodes whose id begins so, else the last one of the turn with that number."""
    nodes = opened.session.graph.nodes
    found = [node for node in nodes if node.node_id.startswith(wanted)]
    if not found:
        return [node for number, node in _ends(bench, opened) if str(number) == wanted]
    return [node for node in found if node.node_id == wanted] or found


def _ends(bench: Bench, opened: OpenSession) -> list[tuple[int, SessionNodeRecord]]:
    return turn_ends(opened.session.graph, _known_turns(bench, opened))


def _unknown(bench: Bench, opened: OpenSession, wanted: str, found: list[SessionNodeRecord]) -> CallerError:
    named = found or list(opened.session.graph.nodes)[-_SHOWN:]
    ids = ", ".join(node.node_id[:_PREFIX] for node in named[:_SHOWN]) or "none"
    value = "; the value of a variable is written {{variable}}" if wanted.startswith("{") else ""
    if found:
        sort = "have an id that begins with" if found[0].node_id.startswith(wanted) else "end a turn with the number"
        told = f"{len(found)} nodes {sort} {wanted}; there are {ids}"
    else:
        turns = ", ".join(str(number) for number, _ in _ends(bench, opened)[:_SHOWN]) or "none"
        told = f"no node and no turn {wanted}; the last turns are {turns} (%lash graph), the last nodes {ids}"
    return CallerError(f"{told}; all of them: %lash graph --table{value}", code="unknown_node")


def _whole_id(bench: Bench, typed: str) -> str:
    """What Python takes: the id of the node that is meant, where that can be told."""
    meant = _meant(bench, bench.session(), typed) if bench.current in bench.sessions else []
    return meant[0].node_id if len(meant) == 1 else typed


def _graph_python(bench: Bench, asked: Namespace) -> str:
    if asked.table:
        return "lash_nb.frames.nodes_df(session.graph)"
    if asked.plot:
        return "lash_nb.plots.session_graph(session.graph)"
    opened = bench.sessions.get(bench.current)
    kept = "core.trace" if opened and opened.turns_before else "session.trace"
    trace = f"lash_nb.read_trace({opened.opening.trace!r})" if opened and opened.opening.trace else kept
    drawn_by = "session_graph_svg" if asked.svg else "SessionGraphView"
    return f"lash_nb.views.{drawn_by}(session.graph, turns={trace})"


_MEANT: Final = "its id or the beginning of it, or the number of a turn in %%lash graph, whose last node is meant"
_NODE: Final = Argument(name="NODE", help=_MEANT, values=values.nodes)

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
        python=lambda bench, asked: f"await session.control.state.get_historic_node({_whole_id(bench, asked.id)!r})",
        arguments=(Argument(name="ID", help=_MEANT, values=values.nodes),),
    ),
    Verb(
        name="fork",
        summary="open a new session that begins with the way to a node, and make it the current one",
        run=_fork,
        python=lambda bench, asked: (
            f"fork = await core.session({asked.name!r}).open_fork(session, {_whole_id(bench, asked.node)!r})"
        ),
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
        python=lambda bench, asked: f"await session.control.state.branch_to_node({_whole_id(bench, asked.node)!r})",
        arguments=(_NODE,),
    ),
)
