"""Arguments that verbs share."""

from typing import Final

from lash_nb.magics import _values as values
from lash_nb.magics._verb import Argument

__all__ = ["SESSION", "session_python"]

SESSION: Final = Argument(
    name="--session",
    help="another session than the current one",
    values=values.sessions,
    settings={"metavar": "NAME"},
)
"""Which session is meant; `Bench.session` takes what it gives."""


def session_python(name: str) -> str:
    """Return the Python that means the session `name`."""
    return f"session = sessions[{name!r}]  # a session is a value: keep yours in a dict"
