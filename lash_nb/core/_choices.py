"""Who answers and which model, as a person may write them."""

from typing import Final

from lash_nb.errors import CallerError
from lash_nb.providers import LlmProvider, ProviderHandle, known_model, model_spec
from lash_nb.wire import ModelSpec

__all__ = ["DEFAULT_CONTEXT_WINDOW", "chosen_model", "chosen_provider"]

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
