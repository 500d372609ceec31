"""What the reference refuses or reads differently and msgspec does not see (lash 0.1.0-alpha.37, effect wire format §1.3, §1.6, §1.8).

Rule 1: text that equals its own canonical form hides nothing; only other text is read again here, slowly and with care.
Rule 2: a known key given twice in a typed record is refused; in free values, and in records that the reference reads as free values
first, the last one wins.
"""

import json
import re
from typing import Any, Final

from lash_nb.errors import WireError
from lash_nb.wire._faults import Doubled, Fault, check_of
from lash_nb.wire._number import read_float, read_integer

__all__ = ["is_settled", "read_strictly"]

_MAX_DEPTH: Final = 127
_BRACES: Final = bytes.maketrans(b"[]", b"{}")
_OTHERS: Final = bytes(set(range(256)) - set(b'[]{}"'))
_STRING: Final = re.compile(rb'"[^"]*"')


def is_settled(raw: bytes, canonical: bytes) -> bool:
    """Tell whether a document that was read, and is written as `canonical`, needs no second look."""
    return raw == canonical and not _nests_too_deep(raw)


def read_strictly(raw: bytes, kind: Any) -> Any:
    """Return the document as dicts and lists, its numbers by the reference's rules.

    Raises:
        WireError: it nests too deep, has a number that no double can hold, or breaks a rule of its type `kind`.
    """
    if _nests_too_deep(raw):
        raise WireError(f"nested more than {_MAX_DEPTH} levels deep; flatten the document", code="wire_decode")
    tree = _PARSER.decode(raw.decode())
    try:
        check_of(kind)(tree)
    except Fault as fault:
        path = f"${fault.path}"
        raise WireError(f"not a valid document: {fault.reason} at `{path}`", path=path, code="wire_decode") from None
    return tree


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    return entries if len(entries) == len(pairs) else Doubled(pairs)


_PARSER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=read_float, parse_int=read_integer)


def _nests_too_deep(raw: bytes) -> bool:
    """Tell whether JSON text nests too deep: take away everything but the brackets, then pair after pair from the inside."""
    if raw.count(b"{") + raw.count(b"[") <= _MAX_DEPTH:
        return False
    marks = raw.replace(b"\\\\", b"").replace(b'\\"', b"").translate(_BRACES, _OTHERS).replace(b'""', b"")
    marks = _STRING.sub(b"", marks)
    depth = 0
    while marks and depth < _MAX_DEPTH:
        marks = marks.replace(b"{}", b"")
        depth += 1
    return bool(marks)
