"""Verbs about sessions: open one, choose one, list them, the last result."""

from argparse import Namespace
from typing import Final, get_args

from lash_nb import plots
from lash_nb.core import LashSession, choose_provider
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._adopting import adopt_provider, adoption_python
from lash_nb.magics._arguments import SESSION, session_python
from lash_nb.magics._bench import Bench
from lash_nb.magics._namespace import chosen_provider
from lash_nb.magics._opening import Opening
from lash_nb.magics._provider_verbs import MODEL_ARGUMENTS, say_choice
from lash_nb.magics._session_table import session_table
from lash_nb.magics._stored import asked_folder, find_stored, stored_folders
from lash_nb.magics._table import Table
from lash_nb.magics._typed_model import TypedModel
from lash_nb.magics._verb import Argument, Verb
from lash_nb.runtime import Residency, TurnResult
from lash_nb.stores import StoredSession, open_store

__all__ = ["SESSION_VERBS"]

RESIDENCIES: Final = get_args(Residency)
"""Which nodes may be in memory."""


async def _new(bench: Bench, asked: Namespace) -> LashSession:
    opening = _opening(bench, asked)
    _refuse_stored(bench, asked.name, opening)
    opened, older = await bench.open(asked.name, opening)
    if older is not None:
        print(f"There was a session {asked.name} before; it is {older} now: %lash use {older}")  # noqa: T201 - said in the cell
    say_choice(bench, opened.core, opening)
    return opened.session


def _refuse_stored(bench: Bench, name: str, opening: Opening) -> None:
    """A session that has turns is not begun again by a cell that is run again."""
    if opening.store is None:
        return
    if name in bench.sessions and bench.sessions[name].opening.store == opening.store:
        raise CallerError(f"session {name} is open already; choose it: %lash use {name}", code="session_exists")
    try:
        stored = open_store(opening.store)
    except CallerError:  # nothing was written there yet
        return
    if name in stored and stored[name].row.state == "committed":
        message = f"session {name} is stored in {opening.store} already; go on with it: %lash open {name} --store {opening.store}"
        raise CallerError(message, code="session_exists")


async def _open(bench: Bench, asked: Namespace) -> LashSession:
    """Go on with a session, wherever it is; the provider of the notebook answers a stored one, whoever did before."""
    model, is_stored = TypedModel.of(asked).whole(), False
    if asked.name in bench.sessions:
        opened = bench.use(asked.name)
    elif asked.name in bench.parked:
        opened = await bench.resume(asked.name)
    else:
        is_stored = bool(_find(bench, asked).row.turns)
        opened = (await bench.open(asked.name, _opening(bench, asked)))[0]
    if is_stored or asked.provider or model.id:
        told = await adopt_provider(opened, bench.namespace, asked.provider, model)
        if told is not None:
            print(told)  # noqa: T201 - said in the cell
    return opened.session


def _find(bench: Bench, asked: Namespace) -> StoredSession:
    """Return a stored session; say where it is, and what model it last worked with, where the line does not."""
    folder, stored = find_stored(bench, asked.name, asked_folder(bench, asked.store))
    asked.store, asked.model = folder, asked.model or stored.row.model or None
    return stored


def _opening(bench: Bench, asked: Namespace) -> Opening:
    return Opening(
        provider=asked.provider or bench.settings.provider or None,
        tools=[name.strip() for name in asked.tools.split(",") if name.strip()] if asked.tools else None,
        model=TypedModel(
            asked.model or (not asked.provider and bench.settings.model) or None, asked.window, asked.variant
        ),
        system=asked.system,
        trace=asked.trace,
        store=asked_folder(bench, asked.store),
        residency=asked.residency or (bench.settings.residency if asked_folder(bench, asked.store) else "keep_all"),
    )


def _open_python(bench: Bench, asked: Namespace) -> str:
    lines = _opening(bench, asked).python(bench.namespace)
    return "\n".join([*lines, f"session = await core.session({asked.name!r}).open()"])


def _sessions(bench: Bench, asked: Namespace) -> Table:
    stored = stored_folders(bench, asked.store)
    for error in (error for reader in stored.values() for error in reader.errors):
        print(f"Not listed: {plots.one_line(error.message, 300)}")  # noqa: T201 - said in the cell
    if asked.store and asked.store not in stored:
        print(f"Nothing is stored in {plots.one_line(asked.store)} yet: %lash new NAME --store DIR")  # noqa: T201 - said in the cell
    return session_table(bench, stored)


def _open_stored_python(bench: Bench, asked: Namespace) -> str:
    model = TypedModel.of(asked).whole()
    differs, kind = bool(asked.provider or model.id), _kind(bench, asked.name)
    if asked.name in bench.sessions:
        line = f"session = sessions[{asked.name!r}]  # it is open: keep yours in a dict"
    elif asked.name in bench.parked:
        line = "session = await core.resume(parked)"
    else:
        row = _find(bench, asked).row
        kind = row.provider_id
        line = _open_python(bench, asked)
        provider = choose_provider(chosen_provider(bench.namespace, asked.provider)[0]).provider
        differs = bool(row.turns) and (provider.kind, model.id or row.model) != (row.provider_id, row.model)
    return "\n".join([line, *([adoption_python(bench.namespace, asked.provider, model, kind)] if differs else [])])


def _kind(bench: Bench, name: str) -> str | None:
    """The kind of provider that answers a session of this notebook."""
    session = bench.sessions.get(name) or bench.parked.get(name)
    return session.provider.kind if session and session.provider else None


def _sessions_python(bench: Bench, asked: Namespace) -> str:
    folder = asked_folder(bench, asked.store)
    listed = f"lash_nb.frames.sessions_df(lash_nb.open_store({folder!r}))" if folder else "list(sessions)"
    return f"{listed}  # a session is a value: keep open ones in a dict"


def _result(bench: Bench, asked: Namespace) -> TurnResult:
    opened = bench.session(asked.session)
    result = opened.session.last_result
    if result is None:
        message = f"session {opened.session.session_id} has no finished turn yet; write a prompt below %%lash"
        raise CallerError(message, code="magics_result")
    return result


_NAME: Final = Argument(name="NAME", help="its name")
_STORE: Final = Argument(
    name="--store",
    help="folder that keeps it (default: %%config Lash.store, else memory)",
    values=values.files,
    settings={"metavar": "DIR"},
)
_OPENING: Final = (
    Argument(
        name="--provider",
        help="who answers: a variable, or openai, anthropic, ollama … (default: the variable provider, the only one there is,"
        " whoever the environment has a key of, or the offline stand-in)",
        values=values.answerers,
        settings={"metavar": "NAME"},
    ),
    Argument(
        name="--tools",
        help="variables of its tools, A,B (default: every @lash_nb.tool in the notebook, read again before each prompt)",
        values=values.listed_tools,
        settings={"metavar": "A,B"},
    ),
    *MODEL_ARGUMENTS,
    Argument(name="--system", help="text for the system prompt", settings={"metavar": "TEXT"}),
    Argument(
        name="--trace", help="write the trace to this file too", values=values.files, settings={"metavar": "FILE"}
    ),
    _STORE,
    Argument(
        name="--residency",
        help="which nodes are in memory: all, or those on the way to where it stands",
        values=lambda _bench, _typed: RESIDENCIES,
        settings={"choices": RESIDENCIES},
    ),
)

SESSION_VERBS: Final = (
    Verb(
        name="new",
        summary="open a session and make it the current one",
        run=_new,
        python=_open_python,
        arguments=(_NAME, *_OPENING),
    ),
    Verb(
        name="open",
        summary="go on with a session that is stored, parked or open",
        run=_open,
        python=_open_stored_python,
        arguments=(Argument(name="NAME", help="its name", values=values.stored_sessions), *_OPENING),
    ),
    Verb(
        name="use",
        summary="make a session the current one",
        run=lambda bench, asked: bench.use(asked.name).session,
        python=lambda _bench, asked: session_python(asked.name),
        arguments=(Argument(name="NAME", help="its name", values=values.sessions),),
    ),
    Verb(
        name="sessions",
        summary="list the sessions: open, parked and stored",
        run=_sessions,
        python=_sessions_python,
        arguments=(_STORE,),
    ),
    Verb(
        name="result",
        summary="the result of the last turn that was begun with %lash or %%lash",
        run=_result,
        python=lambda _bench, _asked: 'result = await session.turn("…").run()',
        arguments=(SESSION,),
    ),
)
