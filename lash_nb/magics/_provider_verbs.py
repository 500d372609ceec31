"""`%lash provider` and `%lash model`: who answers, and with which model."""

from argparse import Namespace
from typing import Final

from lash_nb import frames, views
from lash_nb.core import LashCore, SessionConfigPatch
from lash_nb.magics import _values as values
from lash_nb.magics._answerers import answerer_table
from lash_nb.magics._bench import Bench
from lash_nb.magics._namespace import chosen_provider
from lash_nb.magics._opening import Opening
from lash_nb.magics._table import Table
from lash_nb.magics._typed_model import TypedModel
from lash_nb.magics._verb import Argument, Verb
from lash_nb.providers import known_models
from lash_nb.words import printable

__all__ = ["MODEL_ARGUMENTS", "PROVIDER_VERBS", "say_choice"]

_MODELS: Final = {
    "model": "model",
    "provider": "provider",
    "prompt_tokens": "prompt, at most",
    "output_tokens": "answer, at most",
    "variants": "variants",
}

_WINDOW: Final = Argument(
    name="--window",
    help="most tokens of a prompt, for a model whose limits nobody here knows",
    settings={"metavar": "N", "type": int},
)
_VARIANT: Final = Argument(name="--variant", help="its reasoning effort, e.g. low", settings={"metavar": "EFFORT"})
MODEL_ARGUMENTS: Final = (
    Argument(name="--model", help="id of the model", values=values.models, settings={"metavar": "ID"}),
    _WINDOW,
    _VARIANT,
)
"""How a line says which model is asked."""


def say_choice(bench: Bench, core: LashCore, opening: Opening) -> None:
    """Say who answers where nobody was named."""
    if chosen_provider(bench.namespace, opening.provider)[0] is None:
        print(printable(str(core.provider_choice)))  # noqa: T201 - said in the cell


async def _provider(bench: Bench, asked: Namespace) -> Table | None:
    if asked.name is None:
        return answerer_table(bench)
    core = _core_of(bench, asked)
    provider, model = core.parts.provider, core.parts.policy.model
    bench.settings.provider, bench.settings.model = asked.name, asked.model or ""
    if bench.current and provider is not None:
        opened = bench.session()
        await opened.refuse_during_turn()
        await opened.answer_by(asked.name, provider, model)
    where = f"session {bench.current} and in those" if bench.current else "sessions"
    who = printable(str(core.provider_choice))
    print(f"{who}. It does so in {where} that are opened from now on; another model: %lash model ID")  # noqa: T201 - said in the cell
    return None


def _core_of(bench: Bench, asked: Namespace) -> LashCore:
    """A core of this provider; building it refuses what cannot answer."""
    return _opening(asked).core(bench.namespace)


def _opening(asked: Namespace) -> Opening:
    return Opening(provider=asked.name, model=TypedModel.of(asked), tools=[])


async def _model(bench: Bench, asked: Namespace) -> Table | None:
    if asked.id is None:
        return _models(bench)
    opened = bench.session()
    await opened.refuse_during_turn()
    spec = TypedModel(asked.id, asked.window, asked.variant).known_to(opened.provider, asked.id)
    await opened.session.configure(SessionConfigPatch(model=spec))
    window, name = spec.limits.context_window_tokens, f"{spec.id}, {spec.variant}" if spec.variant else spec.id
    print(f"{printable(name)} is asked from the next turn on; it takes {window:,} tokens")  # noqa: T201 - said in the cell
    return None


def _models(bench: Bench) -> Table:
    now = bench.session().session.policy_snapshot().model.id if bench.current else "nothing yet"
    face = views.FrameFace(
        columns=_MODELS,
        title="Models whose limits are known",
        note=f"now: {printable(now)}",
        hint="choose one: %lash model ID · one that is not listed: %lash model ID --window N",
    )
    return Table(frames.models_df(known_models()), face)


def _provider_python(bench: Bench, asked: Namespace) -> str:
    if asked.name is None:
        return "lash_nb.core.MODEL_SERVICES  # and every provider of yours"
    change = "lash_nb.core.SessionConfigPatch(provider=core.parts.provider, model=core.parts.policy.model)"
    return "\n".join([*_opening(asked).python(bench.namespace), f"await session.configure({change})"])


def _model_python(_bench: Bench, asked: Namespace) -> str:
    if asked.id is None:
        return "lash_nb.frames.models_df(lash_nb.known_models())"
    model = TypedModel(asked.id, asked.window, asked.variant).python
    return f"await session.configure(lash_nb.core.SessionConfigPatch(model={model}))"


PROVIDER_VERBS: Final = (
    Verb(
        name="provider",
        summary="who can answer; with a NAME: let it answer from now on",
        run=_provider,
        python=_provider_python,
        arguments=(
            Argument(
                name="NAME",
                help="a variable, or openai, anthropic, ollama …",
                values=values.answerers,
                settings={"nargs": "?"},
            ),
            *MODEL_ARGUMENTS,
        ),
    ),
    Verb(
        name="model",
        summary="the models whose limits are known; with an ID: ask it from the next turn on",
        run=_model,
        python=_model_python,
        arguments=(
            Argument(name="ID", help="id of the model", values=values.models, settings={"nargs": "?"}),
            _WINDOW,
            _VARIANT,
        ),
    ),
)
