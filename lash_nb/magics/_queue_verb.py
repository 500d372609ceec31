"""`%lash queue`: what waits for the session, and more of it: for a turn of its own, or for the turn that runs."""

from argparse import Namespace
from typing import Any, Final

from lash_nb import frames
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._bench import Bench
from lash_nb.magics._open_session import OpenSession
from lash_nb.magics._prompt import begin
from lash_nb.magics._table import Table
from lash_nb.magics._verb import Argument, Verb
from lash_nb.plots import one_line
from lash_nb.words import counted

__all__ = ["QUEUE_VERB", "cancel_batch"]

_COLUMNS: Final = {
    "order": "",
    "batch_id": "batch",
    "what": "what",
    "text": "text",
    "pictures": "pictures",
    "delivery_policy": "may come in",
    "enqueued_at": "since, UTC",
}
_UNDER_WAY: Final = ("running", "paused")


async def _queue(bench: Bench, asked: Namespace) -> Any:
    opened = bench.session(asked.session)
    text = " ".join(asked.text)
    if asked.run:
        return await _run(bench, opened, text)
    if not text:
        if asked.now:
            raise CallerError("queue what? e.g. %lash queue --now 'Use metric units.'", code="magics_usage")
        return await _listed(opened)
    if asked.now:
        batch = await opened.session.control.injection.inject_turn_input(text)
    else:
        batch = await opened.session.queue(text)
    await opened.queued()
    print(f"Queued {batch.batch_id}: {await _next(opened, now=asked.now)}")  # noqa: T201 - said in the cell
    return None


async def _run(bench: Bench, opened: OpenSession, text: str) -> Any:
    """Run what comes first as a turn, shown as every other; say what waits still."""
    if text:
        await opened.session.queue(text)
    if not await opened.queued():
        print(f"Nothing waits for {_name(opened)}; queue something: %lash queue TEXT")  # noqa: T201 - said in the cell
        return None
    stop = await begin(bench, opened, None, step=False)
    if rest := await opened.queued():
        verb = "waits" if len(rest) == 1 else "wait"
        print(f"{counted(len(rest), 'batch', 'batches')} still {verb}: %lash queue --run")  # noqa: T201 - said in the cell
    return stop


async def _listed(opened: OpenSession) -> Table | None:
    session, batches = opened.session, await opened.queued()
    if not batches:
        print(f"Nothing waits for {one_line(session.session_id, 40)}; queue something: %lash queue TEXT")  # noqa: T201 - said in the cell
        return None
    note = "run the first: %lash queue --run; take one out: %lash cancel BATCH"
    return Table(frames.queue_df(batches), columns=_COLUMNS, title=f"Queue of {session.session_id}", note=note)


async def _next(opened: OpenSession, *, now: bool) -> str:
    """What happens to a batch that was just queued."""
    session = opened.session
    under_way = session.stepper.state in _UNDER_WAY
    if now and under_way:
        goes_on = " once it goes on" if session.stepper.state == "paused" else ""
        return f"turn {session.turn_index} takes it in at its next checkpoint{goes_on}; too late for that, it waits for the next turn."
    if now:
        return "no turn runs; the next one takes it in: a prompt below %%lash, or %lash queue --run."
    waiting = counted(len(await opened.queued()), "batch", "batches")
    after = f"once turn {session.turn_index} is over" if under_way else "now or later"
    return f"{waiting} in the queue of {_name(opened)}. A turn of its own takes it, {after}: %lash queue --run"


async def cancel_batch(opened: OpenSession, batch_id: str) -> None:
    """Take a batch out of the queue and say so.

    Raises:
        CallerError: no such batch waits.
    """
    session = opened.session
    if await session.cancel_queued_work_batch(batch_id) is None:
        waiting = ", ".join(batch.batch_id for batch in await opened.queued()) or "nothing"
        message = f"no batch {batch_id} waits: it is unknown, or a turn has taken it; what waits: {waiting}"
        raise CallerError(message, code="magics_queue")
    await opened.queued()
    print(f"Took {batch_id} out of the queue of {_name(opened)}.")  # noqa: T201 - said in the cell


def _name(opened: OpenSession) -> str:
    return one_line(opened.session.session_id, 40)


def _python(_bench: Bench, asked: Namespace) -> str:
    text = " ".join(asked.text)
    run = ["result = await session.next_queued_turn()"] if asked.run else []
    if text and asked.now:
        return f"await session.control.injection.inject_turn_input({text!r})"
    if text:
        return "\n".join([f"await session.queue({text!r})", *run])
    return run[0] if run else "lash_nb.frames.queue_df(await session.queued_work())"


QUEUE_VERB: Final = Verb(
    name="queue",
    summary="put a text into the session's queue, for a turn of its own or (--now) for the turn that runs; or list what waits",
    run=_queue,
    python=_python,
    arguments=(
        Argument(
            name="TEXT",
            help="what to say; in quotes when it ends in a question mark (default: list what waits)",
            settings={"nargs": "*"},
        ),
        Argument(
            name="--now",
            help="into the turn that runs, at its next checkpoint; works from a subshell console, too, while the prompt has its cell",
            settings={"action": "store_true"},
        ),
        Argument(name="--run", help="run a turn of what comes first", settings={"action": "store_true"}),
        Argument(
            name="--session",
            help="another session than the current one",
            values=values.sessions,
            settings={"metavar": "NAME"},
        ),
    ),
)
"""The verb."""
