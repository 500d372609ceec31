"""Who answers a session that is gone on with: whoever the line names, or the notebook has, in place of whoever answered it before."""

from collections.abc import Mapping
from typing import Any

from lash_nb.core import DEFAULT_CONTEXT_WINDOW, SessionConfigPatch
from lash_nb.magics._namespace import chosen_provider
from lash_nb.magics._open_session import OpenSession
from lash_nb.wire import ModelSpec

__all__ = ["adopt_provider", "adoption_python"]


async def adopt_provider(
    opened: OpenSession, namespace: Mapping[str, Any], name: str | None, model: str | None
) -> str | None:
    """Let a provider answer from now on; return what changed with it, in a sentence, if anything did.

    A session asks for the provider by its kind, and without one of that kind its next turn would fail.

    Args:
        opened: The session.
        namespace: The user's variables.
        name: Variable of the provider; None for the one that the notebook has.
        model: Id of the model; None for the one that the session asked before.

    Raises:
        CallerError: there is no such provider, or a turn is under way.
    """
    provider, _ = chosen_provider(namespace, name)
    before = opened.session.policy_snapshot()
    asks = before.model if model in {None, before.model.id} else _model(model)
    if (provider.kind, asks) == (before.provider_id, before.model):
        return None
    opened.refuse_during_turn()
    await opened.session.configure(SessionConfigPatch(provider=provider, model=asks))
    session_id = opened.session.session_id
    return (
        f"Session {session_id} worked with {before.model.id} of {before.provider_id or 'no provider'} before; from now on"
        f" {asks.id} of {provider.kind} answers. Others: %lash open {session_id} --provider VAR --model ID"
    )


def adoption_python(namespace: Mapping[str, Any], name: str | None, model: str | None) -> str:
    """Return the same in Python."""
    _, expression = chosen_provider(namespace, name)
    given = f"provider={expression}"
    if model is not None:
        given += f", model=lash_nb.wire.ModelSpec.from_token_limits({model!r}, context_window_tokens={DEFAULT_CONTEXT_WINDOW})"
    return f"await session.configure(lash_nb.core.SessionConfigPatch({given}))"


def _model(model: str | None) -> ModelSpec:
    return ModelSpec.from_token_limits(model or "", context_window_tokens=DEFAULT_CONTEXT_WINDOW)
