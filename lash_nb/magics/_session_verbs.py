"""Verbs about sessions: open one, choose one, list them, the last result."""

from argparse import Namespace
from typing import Final

import pandas as pd

from lash_nb.core import LashSession
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._bench import Bench
from lash_nb.magics._namespace import chosen_provider, default_model, tool_names
from lash_nb.magics._verb import Argument, Verb
from lash_nb.runtime import TurnResult

__all__ = ["SESSION_VERBS"]

_SYSTEM: Final = "builder.prompt_contribution(lash_nb.wire.PromptContribution(slot='guidance', content={text!r}))"
_TEE: Final = "builder.trace_sink(lash_nb.trace.TeeTraceSink(memory, lash_nb.JsonlTraceSink({file!r})))"


async def _new(bench: Bench, asked: Namespace) -> LashSession:
    opened, older = await bench.open(
        asked.name,
        provider=asked.provider,
        tools=_tools(asked),
        model=asked.model,
        system=asked.system,
        trace=asked.trace,
    )
    if older is not None:
        print(f"There was a session {asked.name} before; it is {older} now: %lash use {older}")  # noqa: T201 - said in the cell
    return opened.session


def _new_python(bench: Bench, asked: Namespace) -> str:
    """The builder's calls, one a line."""
    provider, expression = chosen_provider(bench.namespace, asked.provider)
    tools = _tools(asked)
    named = tool_names(bench.namespace) if tools is None else tools
    lines = [
        "memory = lash_nb.MemoryTraceSink()",
        "builder = lash_nb.LashCore.standard().in_memory()",
        f"builder.provider({expression}).model({asked.model or default_model(provider)!r})",
        *([f"builder.tools({', '.join(named)})"] if named else []),
        *([_SYSTEM.format(text=asked.system)] if asked.system else []),
        _TEE.format(file=asked.trace) if asked.trace else "builder.trace_sink(memory)",
        f"session = await builder.build().session({asked.name!r}).open()",
    ]
    return "\n".join(["import lash_nb", *lines])


def _tools(asked: Namespace) -> list[str] | None:
    return [name.strip() for name in asked.tools.split(",") if name.strip()] if asked.tools else None


def _sessions(bench: Bench, _asked: Namespace) -> pd.DataFrame:
    rows = [
        {
            "session": name,
            "current": name == bench.current,
            "state": one.state,
            "turns": one.session.turn_index,
            "effects": len(one.session.effects),
            "model": one.session.policy_snapshot().model.id,
            "provider": one.session.policy_snapshot().provider_id,
        }
        for name, one in bench.sessions.items()
    ]
    return pd.DataFrame(rows, columns=["session", "current", "state", "turns", "effects", "model", "provider"])


def _result(bench: Bench, _asked: Namespace) -> TurnResult:
    result = bench.session().result
    if result is None:
        message = f"session {bench.current} has no finished turn yet; write a prompt below %%lash"
        raise CallerError(message, code="magics_result")
    return result


SESSION_VERBS: Final = (
    Verb(
        name="new",
        summary="open a session and make it the current one",
        run=_new,
        python=_new_python,
        arguments=(
            Argument(name="NAME", help="its name"),
            Argument(
                name="--provider",
                help="variable of the provider that answers (default: provider, the only one there is, or the offline stand-in)",
                values=values.providers,
                settings={"metavar": "VAR"},
            ),
            Argument(
                name="--tools",
                help="variables of its tools, A,B (default: every @lash_nb.tool in the notebook, read again before each prompt)",
                values=values.listed_tools,
                settings={"metavar": "A,B"},
            ),
            Argument(name="--model", help="id of the model", settings={"metavar": "ID"}),
            Argument(name="--system", help="text for the system prompt", settings={"metavar": "TEXT"}),
            Argument(
                name="--trace",
                help="write the trace to this file too",
                values=values.files,
                settings={"metavar": "FILE"},
            ),
        ),
    ),
    Verb(
        name="use",
        summary="make a session the current one",
        run=lambda bench, asked: bench.use(asked.name).session,
        python=lambda _bench, asked: (
            f"session = sessions[{asked.name!r}]  # a session is a value: keep yours in a dict"
        ),
        arguments=(Argument(name="NAME", help="its name", values=values.sessions),),
    ),
    Verb(
        name="sessions",
        summary="list the open sessions",
        run=_sessions,
        python=lambda _bench, _asked: "list(sessions)  # a session is a value: keep yours in a dict",
    ),
    Verb(
        name="result",
        summary="the result of the last turn that was begun with %lash or %%lash",
        run=_result,
        python=lambda _bench, _asked: 'result = await session.turn("…").run()',
    ),
)
