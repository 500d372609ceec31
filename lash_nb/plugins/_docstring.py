"""What a docstring says of a function and of its parameters, in the three styles people write."""

import inspect
import re
from itertools import pairwise
from typing import Final, NamedTuple

__all__ = ["Docs", "read_docstring"]

_SECTION: Final = re.compile(
    r"^(args|arguments|parameters|params|returns?|yields?|raises|examples?|notes?|see also|references|warnings?)\s*:?$",
    re.IGNORECASE,
)
_PARAMETERS: Final = frozenset({"args", "arguments", "parameters", "params"})
_FIELD: Final = re.compile(r"^:(?:param|parameter|arg)\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:\s*(.*)$")
_OTHER_FIELD: Final = re.compile(r"^:\w+[^:]*:")
_GOOGLE: Final = re.compile(r"^\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
_NUMPY: Final = re.compile(r"^\*{0,2}(\w+)(?:\s*:\s*.*)?$")
_UNDERLINE: Final = re.compile(r"^-{3,}$")


class Docs(NamedTuple):
    """A docstring in parts."""

    description: str
    """Everything before the first section."""
    parameters: dict[str, str]
    """What is said of each parameter."""


def read_docstring(text: str | None) -> Docs:
    """Read a Google, NumPy or Sphinx docstring."""
    lines = inspect.cleandoc(text or "").splitlines()
    end = next((at for at, line in enumerate(lines) if _ends_description(line.strip())), len(lines))
    return Docs("\n".join(lines[:end]).strip(), {**_section_parameters(lines[end:]), **_field_parameters(lines[end:])})


def _ends_description(line: str) -> bool:
    return bool(_SECTION.match(line) or _OTHER_FIELD.match(line))


def _field_parameters(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        field = _FIELD.match(line.strip())
        if field:
            name = field[1]
            found[name] = field[2]
        elif _OTHER_FIELD.match(line.strip()) or not line.strip():
            name = ""
        elif name:
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _section_parameters(lines: list[str]) -> dict[str, str]:
    body = _parameter_section(lines)
    is_numpy = bool(body) and bool(_UNDERLINE.match(body[0].strip()))
    body = body[1:] if is_numpy else body
    indent = min((_indent(line) for line in body if line.strip()), default=0)
    found: dict[str, str] = {}
    name = ""
    for line in body:
        head = (
            (_NUMPY if is_numpy else _GOOGLE).match(line.strip()) if line.strip() and _indent(line) == indent else None
        )
        if head:
            name = head[1]
            found[name] = "" if is_numpy else head[2]
        elif name and line.strip():
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _parameter_section(lines: list[str]) -> list[str]:
    """The lines under `Args:` or `Parameters`, up to the next section."""
    heads = [at for at, line in enumerate(lines) if _SECTION.match(line.strip())]
    for at, following in pairwise([*heads, len(lines)]):
        if lines[at].strip().rstrip(":").strip().lower() in _PARAMETERS:
            return lines[at + 1 : following]
    return []


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
