"""Where a fact stands in a record, and in which releases."""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["ByKind", "Place", "Places", "at"]


class Place(NamedTuple):
    """Where a fact stands."""

    path: str
    """Members from the record (or its context) down, with dots; `-1` is the last item of a list."""
    versions: str
    """Schema versions, or shapes of version 2 (a letter), that have it there."""


Places = tuple[Place, ...]
"""All places of a fact, those of later releases first."""
ByKind = Mapping[str, Places]
"""The places of a fact by kind of record."""


def at(path: str, versions: str = "1–") -> Places:
    """Return a fact's only place."""
    return (Place(path, versions),)
