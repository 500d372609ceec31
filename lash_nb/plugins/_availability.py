"""How far a tool is offered, as an order (lash 0.1.0-alpha.37, turns §11.1)."""

from typing import Final

from lash_nb.wire import Availability

__all__ = ["AVAILABILITY_ORDER", "at_least"]

AVAILABILITY_ORDER: Final[tuple[Availability, ...]] = ("off", "searchable", "callable", "showcased")
"""Least first."""


def at_least(level: Availability, minimum: Availability) -> bool:
    """Tell whether `level` reaches `minimum`."""
    return AVAILABILITY_ORDER.index(level) >= AVAILABILITY_ORDER.index(minimum)
