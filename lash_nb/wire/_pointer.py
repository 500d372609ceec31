"""JSON pointers into free values, with the reference's reading of list indices (lash 0.1.0-alpha.37, processes §3.2)."""

import re
from typing import Final

from msgspec import UNSET, UnsetType

from lash_nb.wire._base import Json

__all__ = ["pointed_at"]

_INDEX: Final = re.compile(r"0|[1-9][0-9]*")
"""No sign, no leading zero, and no digits but ASCII ones; `-`, the place behind the end, is never there."""


def pointed_at(value: Json, pointer: str) -> Json | UnsetType:
    """Return what stands at `pointer`, `UNSET` when nothing does; the empty pointer means `value` itself."""
    head, *steps = pointer.split("/")
    if head:
        return UNSET
    for step in steps:
        value = _step(value, step.replace("~1", "/").replace("~0", "~"))
    return value


def _step(value: Json, key: str) -> Json | UnsetType:
    if isinstance(value, dict):
        return value.get(key, UNSET)
    if isinstance(value, list) and _INDEX.fullmatch(key) and len(key) <= len(str(len(value))):
        return value[int(key)] if int(key) < len(value) else UNSET
    return UNSET
