"""Errors as data (lash 0.1.0-alpha.37, effect wire format §6.4, §13.1)."""

from typing import Literal

from lash_nb.errors import LashError, PluginError, StoreError, exception_text
from lash_nb.wire._base import Wire

__all__ = ["EffectErrorRecord", "PluginErrorRecord"]


class EffectErrorRecord(Wire, frozen=True, kw_only=True):
    """A controller error as data."""

    code: str
    """Machine-readable cause."""
    message: str
    """What happened."""

    @classmethod
    def of(cls, error: BaseException) -> "EffectErrorRecord":
        """Return any error as a controller tells it: a failed store is `runtime_store`, a foreign exception goes by its type's name."""
        if isinstance(error, StoreError):
            return cls(code="runtime_store", message=error.message)
        if isinstance(error, LashError):
            return cls(code=error.code, message=error.message)
        return cls(code=type(error).__name__, message=exception_text(error))


class PluginErrorRecord(Wire, frozen=True, kw_only=True):
    """A plugin's failure as data."""

    type: Literal["registration", "snapshot", "invoke", "session"]
    """In which of its duties the plugin failed."""
    message: str
    """The plugin's own text."""

    def to_error(self) -> PluginError:
        """Return the failure as an exception."""
        return PluginError(self.type, self.message)
