"""`%lash tools`: the session's tools, one of them in full, or one that is tried from the cell."""

import asyncio
import json
from argparse import Namespace
from typing import Any, Final

from lash_nb import frames, views
from lash_nb.clock import CancellationToken
from lash_nb.core import ToolDescription
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._arguments import SESSION
from lash_nb.magics._bench import Bench
from lash_nb.magics._interrupts import attend
from lash_nb.magics._open_session import Interrupted, OpenSession
from lash_nb.magics._raised import noting_raised
from lash_nb.magics._table import Table
from lash_nb.magics._verb import Argument, Verb
from lash_nb.plugins import left_words
from lash_nb.wire import CompletedToolCall, Json, ToolFailed
from lash_nb.words import printable

__all__ = ["TOOLS_VERB"]

_COLUMNS: Final = {
    "tool": "tool",
    "availability": "offered",
    "scheduling": "scheduling",
    "retry": "retry",
    "source": "source",
    "generation": "generation",
    "description": "description",
}


def _tools(bench: Bench, asked: Namespace) -> Any:
    opened = bench.session(asked.session)
    opened.refresh_tools()
    if not asked.name:
        return _table(opened, bench.line(opened, "tools"))
    return _tried(bench, opened, asked) if asked.json else _described(opened, asked.name)


def _table(opened: OpenSession, line: str) -> Table:
    session = opened.session
    tools = session.control.tools.listing()
    plain = views.FrameFace(
        columns=_COLUMNS,
        title=f"Tools of {session.session_id}",
        empty="No tools. Define one with @lash_nb.tool; %lash tools shows it then.",
        hint=f"one in full: {line} NAME · call it: {line} NAME '{{…}}' · scheduling is for calls of one batch; those of one reply run one by one",
    )
    return Table(frames.tools_df(tools), views.ToolsFace(tools=tools, plain=plain, line=line))


def _described(opened: OpenSession, name: str) -> ToolDescription:
    return opened.session.control.tools.describe(name)


async def _tried(bench: Bench, opened: OpenSession, asked: Namespace) -> CompletedToolCall:
    """Call the tool; where it raised, say in which line of the user's."""
    with noting_raised(bench.shell) as raised:
        done = await _called(opened, asked.name, _arguments(opened, asked))
    if raised and isinstance(done.output.outcome, ToolFailed):
        print(*raised.values(), sep="\n")  # noqa: T201 - said in the cell
    return done


async def _called(opened: OpenSession, name: str, arguments: Json) -> CompletedToolCall:
    """Ctrl-C tells the tool that nobody waits any more, and waits for it no longer."""
    cancel = CancellationToken()
    trial = opened.session.control.tools.try_call(name, arguments, cancellation=cancel)
    work = asyncio.ensure_future(trial)

    def interrupted(_number: int) -> None:
        cancel.cancel()
        work.cancel()

    presses = await attend(work, interrupted=interrupted, beat=lambda: None)
    if presses and work.cancelled():
        raise Interrupted(f"Stopped waiting for {printable(name)}; what it did until now is done.{left_words()}")
    return work.result()


def _arguments(opened: OpenSession, asked: Namespace) -> Json:
    try:
        arguments: Json = json.loads(asked.json)
    except (ValueError, RecursionError) as error:  # nested deeper than can be read
        line = views.trial_line(_described(opened, asked.name))
        message = f"%lash tools {asked.name} takes JSON, this is not JSON: {error}; write e.g. {line}"
        raise CallerError(message, code="magics_json") from error
    return arguments


def _python(bench: Bench, asked: Namespace) -> str:
    if not asked.name:
        return "lash_nb.frames.tools_df(session.control.tools.listing())"
    if not asked.json:
        return f"session.control.tools.describe({asked.name!r})"
    return f"await session.control.tools.try_call({asked.name!r}, {_arguments(bench.session(asked.session), asked)!r})"


TOOLS_VERB: Final = Verb(
    name="tools",
    summary="the session's tools as a table, one of them in full, or one called with arguments of yours",
    run=_tools,
    python=_python,
    arguments=(
        Argument(name="NAME", help="a tool: its contract", values=values.session_tools, settings={"nargs": "?"}),
        Argument(
            name="JSON",
            help='call it with these arguments, as in \'{"city": "Oslo"}\'; the conversation does not hear of it',
            settings={"nargs": "?"},
        ),
        SESSION,
    ),
    takes_rest=True,
)
"""The verb."""
