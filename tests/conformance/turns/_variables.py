"""Names that stand for values which an earlier step found: `$node0`, `$orphan1`, or what an `as` says."""

from collections.abc import Iterable
from typing import Any, Final

__all__ = ["Variables"]

_LITERAL_KEYS: Final = frozenset({"op", "as"})
"""Keys of a step whose texts never stand for anything else."""


class Variables:
    """Values by name; they last until they are overwritten."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def set(self, name: str, value: str) -> None:
        """Let `name` stand for `value`."""
        self._values[name] = value

    def number(self, name: str, values: Iterable[str]) -> None:
        """Let `$name0`, `$name1` … stand for the values; higher numbers stay as they were."""
        self._values.update((f"${name}{index}", value) for index, value in enumerate(values))

    def resolved(self, step: dict[str, Any]) -> dict[str, Any]:
        """Return a step in which every text that is a known name is replaced by what it stands for."""
        return {key: value if key in _LITERAL_KEYS else self._value(value) for key, value in step.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._values.get(value, value)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if isinstance(value, dict):
            return {key: self._value(item) for key, item in value.items()}
        return value
