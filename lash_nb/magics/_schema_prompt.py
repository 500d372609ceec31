"""`%%lash --schema MODEL`: the answer as an instance of a pydantic model of the notebook's own."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from pydantic import BaseModel

from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._bench import Bench
from lash_nb.magics._interrupts import attend
from lash_nb.magics._open_session import Interrupted, OpenSession
from lash_nb.magics._verb import Argument
from lash_nb.plugins import DirectCompletion
from lash_nb.tasks import carried, let_out
from lash_nb.wire import TurnInput

__all__ = ["SCHEMA", "ask_for", "schema_python"]

SCHEMA: Final = Argument(
    name="--schema",
    help="ask beside the conversation, and get the answer as an instance of this pydantic model; `json` for any JSON object",
    values=values.schemas,
    settings={"metavar": "MODEL"},
)
"""The flag."""


def schema_python(name: str, images: Sequence[str]) -> str:
    """Return the expression in Python that does the same."""
    pictures = f", pictures={list(images)!r}" if images else ""
    return f'(await session.direct("…", output={repr(name) if name == "json" else name}{pictures})).value'


async def ask_for(bench: Bench, opened: OpenSession, turn_input: TurnInput, text: str, schema: str) -> Any:
    """Ask once, without tools and without what was said before; what it cost is in a ledger row of its own.

    Raises:
        CallerError: there is no such model.
        DirectCompletionError: the call failed, or the answer has not the form, not even when the model was told.
        Interrupted: Ctrl-C was pressed meanwhile.
    """
    output = _output(bench, schema)
    pictures = [bytes(data) for data in turn_input.image_blobs.values()]
    asking: Coroutine[Any, Any, DirectCompletion[Any]] = opened.session.direct(text, output=output, pictures=pictures)
    work = asyncio.ensure_future(carried(asking))

    def stop(_press: int) -> None:
        work.cancel()

    presses = await attend(work, interrupted=stop, beat=lambda: None)
    if presses and work.cancelled():
        raise Interrupted("Stopped; nothing was kept of it. The session takes the next prompt: %%lash")
    return (await let_out(work)).value


def _output(bench: Bench, schema: str) -> Any:
    found = bench.namespace.get(schema)
    if isinstance(found, type) and issubclass(found, BaseModel):
        return found
    if schema == "json":
        return "json"
    known = ", ".join(values.schemas(bench, ""))
    what = f"{schema} is a {type(found).__name__}" if schema in bench.namespace else f"there is no {schema}"
    raise CallerError(
        f"{what}; a schema is a pydantic model class of the notebook, or json; to choose from: {known}",
        code="magics_schema",
    )
