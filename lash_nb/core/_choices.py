"""What a core is made of, as a person may write it: who answers, which model, what else it is given."""

from typing import Final, TypeVar

from lash_nb.errors import CallerError, wrong_type
from lash_nb.providers import LlmProvider, ProviderHandle, known_model, model_spec
from lash_nb.wire import ModelSpec

__all__ = ["DEFAULT_CONTEXT_WINDOW", "chosen_model", "chosen_provider", "having"]

T = TypeVar("T")

DEFAULT_CONTEXT_WINDOW: Final = 200_000
"""Context window, in tokens, of a model that is given by its id alone and that nobody here knows."""
_PORT: Final = ("kind", "options", "complete")


def chosen_provider(given: LlmProvider | ProviderHandle) -> ProviderHandle:
    """Return the handle of a provider.

    Raises:
        CallerError: `provider`, it is none.
    """
    if isinstance(given, ProviderHandle):
        return given
    missing = [name for name in _PORT if not hasattr(given, name)]
    if missing or isinstance(given, type):
        shown = repr(given) if isinstance(given, str) else type(given).__name__
        raise CallerError(
            f"{shown} is no provider; give an object such as OpenAiProvider(), or a name to LashCore.notebook(…)",
            code="provider",
        )
    return ProviderHandle(given)


def chosen_model(given: ModelSpec | str) -> ModelSpec:
    """Return a model with its limits; an id alone gets those that are known of it, else `DEFAULT_CONTEXT_WINDOW`.

    Raises:
        CallerError: `model`, it is neither a model nor an id.
    """
    if isinstance(given, ModelSpec):
        return given
    if not isinstance(given, str) or not given.strip():
        raise CallerError(f"{given!r} is no model; give its id, or model_spec(id, window=…)", code="model")
    return model_spec(given, window=None if known_model(given) else DEFAULT_CONTEXT_WINDOW)


def having(given: T, *members: str, wanted: str, instead: str) -> T:
    """Return what has these members, as `wanted` has them, and may be given to a builder; `instead` says what to write.

    Raises:
        CallerError: it has not; it is refused where it is given, since a session that opens later tells of it in words of its own.
    """
    if not all(hasattr(given, member) for member in members):
        raise wrong_type(wanted, given, instead=instead)
    return given
