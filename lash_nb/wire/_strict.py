"""What the reference refuses or reads differently and msgspec does not see (lash 0.1.0-alpha.37, effect wire format §1.3, §1.6, §1.8).

Rule 1: text that equals its own canonical form hides nothing; only other text is read again here, slowly and with care.
Rule 2: a known key given twice in a typed record is refused; in free values, and in records that the reference reads as free values
first, the last one wins.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final, NoReturn

from lash_nb.errors import WireError
from lash_nb.wire._faults import check_of
from lash_nb.wire._number import read_float, read_integer
from lash_nb.wire._unread import MAX_DEPTH, blank_unread, refuse_unreadable
from lash_nb.wire._visit import Doubled, Fault

__all__ = ["is_settled", "nests_deeper", "read_strictly"]

_BRACES: Final = bytes.maketrans(b"[]", b"{}")
_OTHERS: Final = bytes(set(range(256)) - set(b'[]{}"'))
_STRING: Final = re.compile(rb'"[^"]*"')
_PAIR: Final = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..")
_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def is_settled(raw: bytes, canonical: bytes) -> bool:
    """Tell whether a document that was read, and is written as `canonical`, needs no second look."""
    return raw == canonical and not nests_deeper(raw, MAX_DEPTH)


def nests_deeper(raw: bytes, levels: int) -> bool:
    """Tell whether JSON text nests deeper than so many levels: take away everything but the brackets, then pair after pair from the inside."""
    if raw.count(b"{") + raw.count(b"[") <= levels:
        return False
    marks = raw.replace(b"\\\\", b"").replace(b'\\"', b"").translate(_BRACES, _OTHERS).replace(b'""', b"")
    marks = _STRING.sub(b"", marks)
    for _ in range(levels):
        if not marks:
            break
        marks = marks.replace(b"{}", b"")
    return bool(marks)


def read_strictly(raw: bytes, kind: Any) -> Any:
    """Return the document as dicts and lists, its numbers by the reference's rules.

    Raises:
        WireError: it is no JSON, holds what cannot be read, or breaks a rule of its type `kind`.
    """
    try:
        tree = _parsed(raw, kind)
        check_of(kind)(tree)
    except json.JSONDecodeError as error:
        raise WireError(f"not JSON: {error}", code="wire_decode") from None
    except Fault as fault:
        raise fault.error("not a valid document", "wire_decode") from None
    return tree


def _parsed(raw: bytes, kind: Any) -> Any:
    """Parse; what cannot be read is looked for only where there is a sign of it, as it may stand where nobody reads it."""
    text = raw.decode()
    try:
        tree = _PARSER.decode(text)
        if not nests_deeper(raw, MAX_DEPTH) and not _holds_half_a_pair(raw):
            return tree
    except Fault:  # a number is too large
        tree = _PATIENT_PARSER.decode(text)
    blank_unread(tree, kind)
    refuse_unreadable(tree)
    return tree


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    return entries if len(entries) == len(pairs) else Doubled(pairs)


def _refuse_constant(name: str) -> NoReturn:
    raise Fault(f"{name} is no JSON; write null or a text")


def _patient(read: Callable[[str], float]) -> Callable[[str], float | Fault]:
    """Return `read`, but with a fault in place of what cannot be read; without its frames, as there may be very many."""

    def read_or_fault(token: str) -> float | Fault:
        try:
            return read(token)
        except Fault as fault:
            return fault.with_traceback(None)

    return read_or_fault


_PARSER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=read_float, parse_int=read_integer, parse_constant=_refuse_constant
)
_PATIENT_PARSER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_patient(read_float),
    parse_int=_patient(read_integer),
    parse_constant=_refuse_constant,
)
"""Puts a fault in the place of a number that is too large."""


def _holds_half_a_pair(raw: bytes) -> bool:
    """Tell whether a surrogate escape may lack its other half; a text of ASCII escapes has pairs, and they are common."""
    return bool(_HALF.search(raw) and _HALF.search(_PAIR.sub(b"", raw.replace(b"\\\\", b"  "))))
