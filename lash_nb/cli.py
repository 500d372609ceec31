"""The command line: `lash-nb demo` shows a first turn and opens the notebooks, `lash-nb trace FILE` looks into a trace.

A thin shell over the public API, as the magics are; nothing here is known to any other room.
"""

import argparse
import asyncio
import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lash_nb.core import LashCore, LashSession
from lash_nb.errors import CallerError, LashError
from lash_nb.frames import effects_df, llm_calls_df, records_df, tool_calls_df, turns_df, usage_df
from lash_nb.plugins import tool
from lash_nb.providers import ScriptedProvider, call, reply
from lash_nb.trace import Trace, read_trace

__all__ = ["main"]

FIRST_NOTEBOOK: Final = "01_first_turn.ipynb"
DEMO_TRACE: Final = Path("data") / "station.trace.jsonl"
EXECUTED: Final = Path("_executed")
ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")
CELL_SECONDS: Final = 120
"""No cell of a notebook of ours takes longer, on the slowest machine."""

QUIET_KERNEL: Final = "--IPKernelApp.log_level=ERROR"
"""Without it every kernel warns, between the results, that it talks unencrypted: it does so over loopback."""

EFFECT_COLUMNS: Final = ["order", "kind", "effect_id", "status", "duration_ms"]
"""What fits the width of a terminal."""

BAD_LINES: Final = 20
"""As many bad lines and cells are told one by one."""

TABLES: Final[Mapping[str, Callable[..., Any]]] = {
    "records": records_df,
    "turns": turns_df,
    "llm_calls": llm_calls_df,
    "tool_calls": tool_calls_df,
    "usage": usage_df,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, 1 after an error that is told in one line."""
    asked = _parser().parse_args(arguments)
    verb: Callable[[argparse.Namespace], int] = asked.verb
    try:
        code = verb(asked)
        sys.stdout.flush()
    except (
        BrokenPipeError
    ):  # whoever read, as in `… | head`, has seen enough; the interpreter must not write the rest at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except LashError as error:
        print(f"lash-nb: {_printable(str(error))}", file=sys.stderr)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lash-nb", description="Build, watch and take apart LLM agents.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    demo = verbs.add_parser("demo", help="run a first turn here, then open the notebooks")
    demo.add_argument(
        "--check", action="store_true", help=f"execute every notebook into {EXECUTED}/ instead of opening one"
    )
    demo.add_argument("--notebooks", type=Path, default=Path("notebooks"), metavar="DIR", help="default: %(default)s")
    demo.set_defaults(verb=_demo)
    trace = verbs.add_parser("trace", help="look into a trace (JSONL)")
    trace.add_argument("file", type=Path, metavar="FILE")
    shown = trace.add_mutually_exclusive_group()
    shown.add_argument("--summary", action="store_true", help="print what is in it; the default")
    shown.add_argument("--table", choices=TABLES, help="print one table")
    trace.set_defaults(verb=_trace)
    return parser


def _trace(asked: argparse.Namespace) -> int:
    trace = read_trace(asked.file)
    if not asked.table:
        print(_printable(_summary(trace)))
        return 0
    table, problems = TABLES[asked.table](trace, strict=False)
    print(_printable(table.to_string(index=False)))
    for problem in problems[:BAD_LINES]:
        print(_printable(f"lash-nb: {problem}"), file=sys.stderr)
    if len(problems) > BAD_LINES:
        print(f"lash-nb: and {len(problems) - BAD_LINES} more", file=sys.stderr)
    return 0


def _printable(text: str) -> str:
    """Replace what is no letter but an order to the terminal; a trace's text may hold anything."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in text)


def _summary(trace: Trace) -> str:
    told = trace.summary()
    tokens = {name: told.usage.get(f"{name}_tokens", 0) for name in ("input", "output")}
    counts = {"record": told.records, "session": told.sessions, "turn": told.turns}
    more = told.bad_lines - BAD_LINES
    lines = [
        f"{trace.name}: {', '.join(map(_counted, counts, counts.values()))}",
        f"  model calls  {told.llm_calls}, {tokens['input']} tokens in, {tokens['output']} out",
        f"  tool calls   {told.tool_calls}{_counts(call.status for call in trace.tool_calls)}",
        f"  bad lines    {told.bad_lines}",
        *(f"    line {error.line}: {error.reason}" for error in trace.errors[:BAD_LINES]),
        *([f"    and {more} more"] if more > 0 else []),
    ]
    return "\n".join(lines)


def _counted(noun: str, count: int) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _counts(statuses: Iterable[str]) -> str:
    counted = [f"{count} {status}" for status, count in Counter(statuses).most_common()]
    return f": {', '.join(counted)}" if counted else ""


def _demo(asked: argparse.Namespace) -> int:
    notebooks: Path = asked.notebooks
    if not (notebooks / FIRST_NOTEBOOK).is_file():
        message = f"no {FIRST_NOTEBOOK} in {notebooks}: give the notebooks of a clone with --notebooks DIR"
        raise CallerError(message)
    asyncio.run(_first_turn())
    print(f"\nA trace that the reference wrote:\n{_summary(read_trace(notebooks / DEMO_TRACE))}\n", flush=True)
    if asked.check or not sys.stdout.isatty():
        return _execute_all(notebooks)
    return _open_lab(notebooks / FIRST_NOTEBOOK)


@tool
def weather(city: str) -> dict[str, Any]:
    """Look up the weather of a city, now."""
    return {"city": city, "sky": "clear", "celsius": 4}


async def _first_turn() -> None:
    """Run one scripted turn with a tool and print what came of it."""
    provider = ScriptedProvider([call("weather", {"city": "Oslo"}), reply("Oslo is clear, at 4 °C.")])
    core = LashCore.standard().in_memory().provider(provider).model("scripted-model").tools(weather).build()
    session: LashSession = await core.session("demo").open()
    question = "What is the weather in Oslo?"
    result = await session.turn(question).run()
    print(f"> {question}\n{result.reply}\n")
    print("Its effects, each a value to look at, edit, replay and fork:")
    print(effects_df(session.effects)[EFFECT_COLUMNS].to_string(index=False))


def _open_lab(notebook: Path) -> int:
    """Open JupyterLab on the notebook and wait for its end: Ctrl-C stops it, unasked."""
    _require_lab()
    # JupyterLab refuses to run as root, which is who one is in most containers; it still listens on loopback only, with a token.
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    # Given as default address, the notebook is in the address that is printed too: a machine may have no browser of its own.
    first = [f"--ServerApp.root_dir={notebook.parent.resolve()}", f"--LabApp.default_url=/lab/tree/{notebook.name}"]
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", "-y", *as_root, *first])  # noqa: S603  # our own program
    # Ctrl-C reaches the server as well, which ends its kernels; here there is nothing to do but to wait for it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return server.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def _execute_all(notebooks: Path) -> int:
    """Execute every notebook into `_executed`; returns 1 if one of them failed."""
    _require_lab()
    EXECUTED.mkdir(exist_ok=True)
    failures = [_execute(notebook, EXECUTED / notebook.name) for notebook in sorted(notebooks.glob("*.ipynb"))]
    print(f"The executed notebooks are in {EXECUTED}/.")
    return int(any(failures))


def _execute(notebook: Path, target: Path) -> bool:
    """Execute one notebook in the folder it lies in; write it as far as it came and tell whether it failed."""
    import nbformat  # noqa: PLC0415  # only the extra `lab` brings these two
    from nbclient import NotebookClient, exceptions  # noqa: PLC0415

    document = nbformat.read(notebook, as_version=4)
    folder = {"metadata": {"path": str(notebook.parent)}}
    client = NotebookClient(document, timeout=CELL_SECONDS, resources=folder, extra_arguments=[QUIET_KERNEL])
    failure = ""
    try:
        client.execute()
    except (exceptions.CellControlSignal, exceptions.DeadKernelError) as error:
        failure = ANSI.sub("", str(error)).strip().splitlines()[-1]
    nbformat.write(document, target)
    print(f"{'FAILED' if failure else 'ok':6} {notebook.name}{': ' if failure else ''}{failure}", flush=True)
    return bool(failure)


def _require_lab() -> None:
    if importlib.util.find_spec("jupyterlab") is None or importlib.util.find_spec("nbclient") is None:
        message = "JupyterLab is not installed: pip install 'lash-nb[lab]'"
        raise CallerError(message)


if __name__ == "__main__":
    sys.exit(main())
