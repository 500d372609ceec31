"""Whether what somebody gives as a session store has all that sessions ask of one: else a turn would find out in its middle."""

from collections.abc import Callable, Iterator
from inspect import Parameter, getmembers, isfunction, signature
from typing import Any, Final
from weakref import WeakSet

from lash_nb.errors import SessionError
from lash_nb.stores import SessionStore

__all__ = ["refuse_partial_store"]

_WHOLE: "Final[WeakSet[type]]" = WeakSet()
"""Types of stores that were found to be whole."""
_PORT: Final = [(name, asked) for name, asked in getmembers(SessionStore, isfunction) if not name.startswith("_")]


def refuse_partial_store(store: SessionStore) -> None:
    """Refuse a store without some method of `SessionStore`, or with one that does not take what it is asked by name, as one made for another release.

    Raises:
        SessionError: `Protocol`; the message names all that is missing.
    """
    kind = type(store)
    if kind in _WHOLE:
        return
    missing = ", ".join(_missing(store))
    if missing:
        told = f"{kind.__name__} is no whole session store, it lacks {missing}; add what lash_nb.stores.SessionStore says of it"
        raise SessionError("Protocol", told)
    _WHOLE.add(kind)


def _missing(store: SessionStore) -> Iterator[str]:
    for name, asked in _PORT:
        given = getattr(store, name, None)
        if (
            given is None or getattr(given, "__func__", None) is asked
        ):  # a class that names the port as its base has its empty methods
            yield f"{name}()"
        else:
            yield from (f"{name}(…, {term}=…)" for term in _untaken(given, asked))


def _untaken(given: Callable[..., Any], asked: Callable[..., Any]) -> Iterator[str]:
    """The names by which the port gives something that a method does not take."""
    taken = signature(given).parameters
    if any(term.kind is Parameter.VAR_KEYWORD for term in taken.values()):
        return
    for name, term in signature(asked).parameters.items():
        if term.kind is Parameter.KEYWORD_ONLY and name not in taken:
            yield name
