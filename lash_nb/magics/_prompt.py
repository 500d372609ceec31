"""`%%lash`: a prompt becomes a turn."""

import re
from argparse import Namespace
from collections.abc import Coroutine, Mapping
from keyword import iskeyword
from typing import Any, Final, NamedTuple

from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._arguments import SESSION
from lash_nb.magics._bench import Bench
from lash_nb.magics._desk import Desk
from lash_nb.magics._expansion import expanded
from lash_nb.magics._live import LiveDisplay, NoDisplay, live_display
from lash_nb.magics._open_session import OpenSession, Stop
from lash_nb.magics._schema_prompt import SCHEMA, ask_for, schema_python
from lash_nb.magics._verb import Argument, Usage
from lash_nb.runtime import TurnResult
from lash_nb.wire import TurnInput

__all__ = ["PROMPT", "begin", "read_assignment", "run_prompt", "shown_live"]

_ASSIGNMENT: Final = re.compile(r"(?:^|\s)(?P<name>[^\W\d]\w*)\s*(?P<shown>=?)\s*<<\s*$")


class Assignment(NamedTuple):
    """Where the result goes: `name <<`, or `name= <<` to show it as well."""

    name: str
    """The variable."""
    is_shown: bool
    """Whether the cell shows the result."""


def read_assignment(line: str) -> tuple[str, Assignment | None]:
    """Return the line without its `name <<` at the end, and that."""
    found = _ASSIGNMENT.search(line)
    if found is None:
        return line, None
    return line[: found.start()], Assignment(found["name"], bool(found["shown"]))


async def run_prompt(bench: Bench, line: str, body: str, scope: Mapping[str, Any]) -> Any:
    """Run the cell: read its flags, expand its body, run the turn to its end or to its first stop, or ask for a value."""
    rest, assignment = read_assignment(line)
    asked = PROMPT.parse(expanded(rest, scope))
    opened = bench.session(asked.session)
    text = expanded(body, scope).strip()
    if not text:
        raise CallerError("the prompt is empty; write it below %%lash", code="magics_prompt")
    turn = opened.session.turn(text)
    for path in asked.image:
        turn.image(path)
    names = [_variable(name) for name in (asked.output, assignment and assignment.name) if name]
    quiet = assignment is not None and not assignment.is_shown
    if asked.schema:
        value = await _as_value(bench, opened, turn.turn_input, text, asked)
        for name in names:
            bench.assign(name, value)
        return None if quiet else value
    stop = await begin(bench, opened, turn.turn_input, step=asked.step, names=names, quiet=quiet)
    return None if quiet and isinstance(stop, TurnResult) else stop


async def _as_value(bench: Bench, opened: OpenSession, turn_input: TurnInput, text: str, asked: Namespace) -> Any:
    if asked.step:
        message = "--step stops before the effects of a turn, and --schema asks beside the turns; leave one of them out"
        raise CallerError(message, code="magics_usage")
    return await ask_for(bench, opened, turn_input, text, asked.schema)


def _variable(name: str) -> str:
    if not name.isidentifier() or iskeyword(name):
        message = f"{name} cannot name a variable, and the result would be lost; write e.g. %%lash -o turn"
        raise CallerError(message, code="magics_usage")
    return name


async def begin(
    bench: Bench,
    opened: OpenSession,
    turn_input: TurnInput | None,
    *,
    step: bool,
    names: list[str] | None = None,
    quiet: bool = False,
) -> Stop:
    """Start a turn and wait for its end, or for its first stop.

    Args:
        bench: Where the session lies.
        opened: The session.
        turn_input: What the user gives; None for what comes first in the queue.
        step: Stop before the first model or tool call.
        names: Variables that get the result, whenever the turn ends and whoever drives it there.
        quiet: Show nothing.
    """
    bench.trace = None

    def keep(result: TurnResult) -> None:
        for name in names or ():
            bench.assign(name, result)

    await opened.refuse_during_turn()
    turn_index = opened.session.turn_index + 1
    opened.start(turn_input, step=step, then=keep)
    doing = opened.session.stepper.stopped()
    if quiet or opened.session.stepper.armed:
        return await opened.until_stop(doing, NoDisplay())
    return await shown_live(bench, opened, doing, turn_index=turn_index)


async def shown_live(bench: Bench, opened: OpenSession, doing: Coroutine[Any, Any, Any], *, turn_index: int) -> Stop:
    """Wait for a turn and show it meanwhile; the finished one is not shown again as the cell's value."""
    running = opened.session.stepper.running
    live: LiveDisplay = NoDisplay()
    if running is not None:
        live = live_display(bench.shell, running, Desk(opened.session), session=opened.session, turn_index=turn_index)
    stop = await opened.until_stop(doing, live)
    if isinstance(stop, TurnResult) and live.shows_result:
        bench.shown.add(stop)
    return stop


def _python(_bench: Bench, asked: Namespace) -> str:
    if asked.schema:
        return f"{asked.output or 'value'} = {schema_python(asked.schema, asked.image)}"
    turn = "".join(['session.turn("…")', *(f".image({path!r})" for path in asked.image)])
    if asked.step:
        return f"await session.step({turn})" if asked.image else 'await session.step("…")'
    return f"{asked.output or 'result'} = await {turn}.run()"


PROMPT: Final = Usage(
    name="",
    summary="run a turn with the prompt in the cell's body, in which {{expression}} is replaced by its value; `NAME <<` at the"
    " end of the line keeps the result in a variable, `NAME= <<` shows it as well",
    instead="the prompt, which stands below this line (see %%lash --help), or a path with blanks, which is quoted: --image '… {}'",
    python=_python,
    arguments=(
        Argument(
            name="-o",
            help="keep the result in this variable",
            values=values.variables,
            settings={"metavar": "NAME", "dest": "output"},
        ),
        Argument(
            name="--image",
            help="give this picture to the model; may be repeated",
            values=values.files,
            settings={"metavar": "PATH", "action": "append", "default": []},
        ),
        SESSION,
        SCHEMA,
        Argument(name="--step", help="stop before the first model or tool call", settings={"action": "store_true"}),
    ),
)
"""The cell magic: its flags, its help, its Python."""
