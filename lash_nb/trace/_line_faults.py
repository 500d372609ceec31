"""Why a line of a trace is no record, in words."""

from typing import Any, Final

import msgspec

from lash_nb.trace._peek import LONGEST_TEXT, decode_body
from lash_nb.trace._room import with_room
from lash_nb.trace._stamps import time_ns

__all__ = ["fault_of"]

_JSON_NAMES: Final[dict[type, str]] = {list: "a list", str: "text", bool: "true or false", type(None): "null"}


def fault_of(line: bytes) -> str:
    """Return what is wrong with a line that is no record."""
    if line.startswith(b"\x1f\x8b"):
        return "not JSON: this looks like gzip inside a trace"
    try:
        line.decode()
        return _fault_of_value(with_room(lambda: decode_body(line)))
    except msgspec.DecodeError as error:
        return f"not JSON: {str(error).removeprefix('JSON is malformed: ')}"
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte 0x{line[error.start]:02x} at column {error.start + 1}"
    except RecursionError:
        return "nested too deeply to be read"
    except ValueError as error:
        return str(error)


def _fault_of_value(record: Any) -> str:
    if not isinstance(record, dict):
        return f"not an object but {_JSON_NAMES.get(type(record), 'a number')}"
    for member in ("type", "timestamp"):
        if not isinstance(record.get(member), str):
            what = "has no" if record.get(member) is None else "has a non-text"
            return f"the record {what} {member!r}"
    if len(record["type"]) > LONGEST_TEXT:
        return f"the record's 'type' is longer than {LONGEST_TEXT:,} characters"
    time_ns(record["timestamp"])
    return "not a record"
