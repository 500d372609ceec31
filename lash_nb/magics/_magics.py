"""`%lash` and `%%lash`: from the line to the verb, and from an error of the library to one line in the cell."""

import inspect
from collections.abc import Coroutine, Mapping
from typing import Any, Final, NamedTuple

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand

from lash_nb.errors import LashError
from lash_nb.magics._bench import Bench
from lash_nb.magics._bridge import run_sync
from lash_nb.magics._expansion import expanded
from lash_nb.magics._prompt import run_prompt
from lash_nb.magics._verb import HelpWanted
from lash_nb.magics._verbs import overview, verb_named

__all__ = ["LashMagics"]


class _Ended(NamedTuple):
    """How a verb ended; carried as a value, because an exception must not be torn through a loop that is entered twice."""

    value: Any = None
    error: BaseException | None = None


@magics_class
class LashMagics(Magics):
    """The magics of one shell.

    At the top level of a cell `run_line` and `run_cell` are awaited; everywhere else the real magic `lash` runs the same coroutines.
    """

    def __init__(self, shell: InteractiveShell, bench: Bench) -> None:
        super().__init__(shell)
        self.bench: Final = bench

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def lash(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Build, run and watch agents.

        `%lash VERB …` opens sessions, steps through their turns and looks at what they did; `%lash help` lists the verbs.
        `%%lash`, with a prompt in the lines below, runs a turn. `%lash explain …` prints the Python of a line.
        """
        doing = self._line(line, local_ns) if cell is None else self._cell(line, cell, local_ns)
        self.bench.home.come_by()
        try:
            run = self.bench.home.wait_for if self.bench.home.is_elsewhere else run_sync
            ended = run(_ended(doing))
        except LashError as error:
            raise _usage_error(error) from None
        if ended.error is not None:
            raise ended.error
        return ended.value

    async def run_line(self, line: str, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Run `%lash LINE`."""
        return await self.bench.home.run(self._line(line, local_ns))

    async def run_cell(self, line: str, cell: str, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Run `%%lash LINE` over a body."""
        return await self.bench.home.run(self._cell(line, cell, local_ns))

    async def _line(self, line: str, local_ns: Mapping[str, Any] | None) -> Any:
        quiet = line.rstrip().endswith(";")
        try:
            name, _, rest = expanded(line.rstrip().removesuffix(";").strip(), self._scope(local_ns)).partition(" ")
            value = await self._verb(name, rest)
        except HelpWanted as wanted:
            return print(wanted)  # noqa: T201 - said in the cell
        except LashError as error:
            raise _usage_error(error) from None
        return None if quiet else value

    async def _cell(self, line: str, cell: str, local_ns: Mapping[str, Any] | None) -> Any:
        try:
            return await run_prompt(self.bench, line, cell, self._scope(local_ns))
        except HelpWanted as wanted:
            return print(wanted)  # noqa: T201 - said in the cell
        except LashError as error:
            raise _usage_error(error) from None

    async def _verb(self, name: str, rest: str) -> Any:
        if name in ("", "-h", "--help"):
            raise HelpWanted(overview())
        verb = verb_named(name)
        value = verb.run(self.bench, verb.parse(rest))
        return await value if inspect.isawaitable(value) else value

    def _scope(self, local_ns: Mapping[str, Any] | None) -> Mapping[str, Any]:
        return {**self.bench.namespace, **(local_ns or {})}


async def _ended(doing: Coroutine[Any, Any, Any]) -> _Ended:
    try:
        return _Ended(value=await doing)
    except (Exception, KeyboardInterrupt, SystemExit) as error:  # noqa: BLE001 - raised again on the other side of the loop
        return _Ended(error=error)


def _usage_error(error: LashError) -> UsageError:
    """The shell prints it as one line, without a traceback: code, what happened, what to do next."""
    return UsageError(" ".join(error.coded.split()))
