"""Errors as results show them: the reference's variant and code for each of the library's classes."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from lash_nb.errors import (
    AttachmentStoreError,
    EmbedError,
    LashError,
    LashRuntimeError,
    PluginError,
    SessionError,
    StoreError,
    ToolRegistryError,
)

__all__ = ["error_result"]

VARIANTS: Final[Mapping[type[LashError], Callable[[Any], tuple[str, str | None]]]] = {
    LashRuntimeError: lambda error: ("Runtime", error.code.partition(":")[0]),
    SessionError: lambda _: ("Session", None),
    ToolRegistryError: lambda _: ("Session", None),
    PluginError: lambda _: ("Plugin", None),
    EmbedError: lambda error: (error.variant, None),
    StoreError: lambda error: (error.variant, None),
    AttachmentStoreError: lambda error: (error.variant, None),
}
"""Variant and code of an error, by its class or the nearest of its bases."""


def error_result(error: LashError) -> dict[str, Any]:
    """Return the result of a step that failed with `error`.

    Raises:
        LashError: the error itself, when no row says how the reference shows it.
    """
    row = next((VARIANTS[kind] for kind in type(error).__mro__ if kind in VARIANTS), None)
    if row is None:
        raise error
    variant, code = row(error)
    return {"error": {"variant": variant, "code": code, "text": str(error)}}
