"""`%lash queue`: what waits for the session, and more of it: for a turn of its own, or for the turn that runs."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any, Final

from lash_nb import frames, views
from lash_nb.errors import CallerError
from lash_nb.magics._arguments import SESSION
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
_NAMED: Final = 5
"""How many of the batches that wait an error names."""
_WORDS: Final[Mapping[str, Mapping[Any, str]]] = {
    "delivery_policy": {
        "earliest_safe_boundary": "into the turn that runs",
        "after_current_turn_commit": "as a turn of its own",
    },
    "pictures": {0: ""},
}


async def _queue(bench: Bench, asked: Namespace) -> Any:
    opened = bench.session(asked.session)
    text = " ".join(asked.text)
    if asked.run:
        return await _run(bench, opened, text)
    if not text:
        if asked.now:
            example = bench.line(opened, "queue", "--now 'Use metric units.'")
            raise CallerError(f"queue what? e.g. {example}", code="magics_usage")
        return await _listed(bench, opened)
    if asked.now:
        batch = await opened.session.control.injection.inject_turn_input(text)
    else:
        batch = await opened.session.queue(text)
    waiting = await opened.queued()
    print(f"Queued {batch.batch_id}: {_next(bench, opened, len(waiting), now=asked.now)}")  # noqa: T201 - said in the cell
    return None


async def _run(bench: Bench, opened: OpenSession, text: str) -> Any:
    """Run what comes first as a turn, shown as every other; say what waits still."""
    if text:
        await opened.session.queue(text)
    if not await opened.queued():
        print(_nothing_waits(bench, opened))  # noqa: T201 - said in the cell
        return None
    stop = await begin(bench, opened, None, step=False)
    if rest := await opened.queued():
        waits = counted(len(rest), "batch still waits", "batches still wait")
        print(f"{waits}: {bench.line(opened, 'queue', '--run')}")  # noqa: T201 - said in the cell
    return stop


async def _listed(bench: Bench, opened: OpenSession) -> Table | None:
    batches = await opened.queued()
    if not batches:
        print(_nothing_waits(bench, opened))  # noqa: T201 - said in the cell
        return None
    run, take = bench.line(opened, "queue", "--run"), bench.line(opened, "cancel", batches[0].batch_id)
    face = views.FrameFace(
        columns=_COLUMNS,
        title=f"Queue of {opened.session.session_id}",
        hint=f"run the first: {run} · take it out: {take}",
        words=_WORDS,
    )
    return Table(frames.queue_df(batches), face)


def _nothing_waits(bench: Bench, opened: OpenSession) -> str:
    add, now = bench.line(opened, "queue", "TEXT"), bench.line(opened, "queue", "--now TEXT")
    during = f"; for turn {opened.session.turn_index}, which is under way: {now}" if opened.is_under_way else ""
    return f"Nothing waits for {_name(opened)}. Queue something for a turn of its own: {add}{during}"


def _next(bench: Bench, opened: OpenSession, waiting: int, *, now: bool) -> str:
    """What happens to a batch that was just queued."""
    session, run = opened.session, bench.line(opened, "queue", "--run")
    if now and opened.is_under_way:
        goes_on = " once it goes on" if session.stepper.state == "paused" else ""
        return f"turn {session.turn_index} takes it in at its next checkpoint{goes_on}; too late for that, it waits for the next turn."
    if now:
        return f"no turn runs; the next one takes it in: a prompt below %%lash, or {run}."
    after = f"once turn {session.turn_index} is over" if opened.is_under_way else "now or later"
    return f"{counted(waiting, 'batch', 'batches')} in the queue of {_name(opened)}. A turn of its own takes it, {after}: {run}"


async def cancel_batch(opened: OpenSession, batch_id: str) -> None:
    """Take a batch out of the queue and say so.

    Raises:
        CallerError: no such batch waits.
    """
    session = opened.session
    if await session.cancel_queued_work_batch(batch_id) is None:
        await opened.queued()
        first, rest = opened.batches[:_NAMED], opened.batches[_NAMED:]
        waiting = ", ".join(first) + (f" and {len(rest):,} more" if rest else "")
        message = (
            f"no batch {batch_id} waits: it is unknown, or a turn has taken it; what waits: {waiting or 'nothing'}"
        )
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
        SESSION,
    ),
)
"""The verb."""
