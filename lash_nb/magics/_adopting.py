"""Who answers a session that is gone on with: whoever the line names, or the notebook has, in place of whoever answered it before."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lash_nb.core import MODEL_SERVICES, ProviderChoice, choose_provider
from lash_nb.magics._namespace import chosen_provider
from lash_nb.magics._open_session import OpenSession
from lash_nb.magics._typed_model import TypedModel
from lash_nb.wire import ModelSpec, SessionPolicy

__all__ = ["adopt_provider", "adoption_python"]


async def adopt_provider(
    opened: OpenSession, namespace: Mapping[str, Any], name: str | None, model: TypedModel
) -> str | None:
    """Let a provider answer from now on; return what changed with it, in a sentence, if anything did.

    A session asks for the provider by its kind, and without one of that kind its next turn would fail.

    Args:
        opened: The session.
        namespace: The user's variables.
        name: Variable of the provider; None for the one that the notebook has.
        model: What was typed of the model; nothing for the one that the session asked before.

    Raises:
        CallerError: there is no such provider, or a turn is under way.
    """
    choice = choose_provider(chosen_provider(namespace, name)[0])
    provider, before = choice.provider, opened.session.policy_snapshot()
    asks = _asked_model(choice, before, model)
    if (provider.kind, asks) == (before.provider_id, before.model):
        return None
    await opened.refuse_during_turn()
    await opened.answer_by(name or provider.kind, provider, asks)
    session_id = opened.session.session_id
    return (
        f"Session {session_id} worked with {before.model.id} of {before.provider_id or 'no provider'} before; from now on"
        f" {asks.id} of {provider.kind} answers. Others: %lash open {session_id} --provider VAR --model ID"
    )


def adoption_python(namespace: Mapping[str, Any], name: str | None, model: TypedModel, kind: str | None) -> str:
    """Return the same in Python, for a session that a provider of this kind answered."""
    given, expression = chosen_provider(namespace, name)
    if expression not in namespace:
        expression = f"lash_nb.core.choose_provider({expression or None}).provider"
    asked = _with_own_model(choose_provider(given), kind, model).python
    patch = f"provider={expression}" + (f", model={asked}" if asked else "")
    return f"await session.configure(lash_nb.core.SessionConfigPatch({patch}))"


def _with_own_model(choice: ProviderChoice, kind: str | None, typed: TypedModel) -> TypedModel:
    """What was typed; where no model was, that of a provider of another kind than the last one with models of its own."""
    if typed.id is None and choice.provider.kind != kind and choice.provider.kind in MODEL_SERVICES:
        return replace(typed, id=choice.model)
    return typed


def _asked_model(choice: ProviderChoice, before: SessionPolicy, typed: TypedModel) -> ModelSpec:
    """The model that is named, else the one of before, unless the provider has models of its own."""
    named = _with_own_model(choice, before.provider_id, typed)
    return before.model if named == TypedModel(before.model.id) else named.known_to(choice.provider, before.model)
