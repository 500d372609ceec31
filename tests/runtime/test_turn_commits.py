"""What the commits of a turn say of its model, its usage and its id."""

import pytest

from lash_nb.errors import LashRuntimeError
from lash_nb.providers import reply
from lash_nb.wire import LlmUsage, PromptUsage
from tests.runtime.desk import ActingStore, answers, open_session


async def test_a_turn_names_its_own_model_until_it_is_over() -> None:
    """The last commit names the session's again."""
    store = ActingStore()
    session = await open_session(answers("done"), store=store)
    await session.turn("hi").model("other-model")
    assert [commit.config.model.id for commit in store.commits] == ["other-model", "scripted-model"]


async def test_usage_below_nothing_has_no_row() -> None:
    """A provider that corrects itself downwards takes nothing off the bill."""
    usage = LlmUsage(input_tokens=-5, output_tokens=3, cached_input_tokens=0, reasoning_tokens=0)
    store = ActingStore()
    session = await open_session([reply("done", usage=usage)], store=store)
    await session.turn("hi")
    assert store.commits[-1].usage_deltas == ()


def test_the_prompt_of_a_call_counts_what_the_provider_told() -> None:
    """Cached tokens stand beside the input; only the budget does not count them twice."""
    usage = LlmUsage(input_tokens=70, output_tokens=5, cached_input_tokens=50, reasoning_tokens=0)
    told = PromptUsage(prompt_context_tokens=70, input_tokens=70, cached_input_tokens=50, context_budget_tokens=75)
    assert PromptUsage.from_usage(usage) == told


async def test_a_turn_whose_id_is_blank_is_refused() -> None:
    """It would have no scope."""
    session = await open_session(answers("done"))
    with pytest.raises(LashRuntimeError) as error:
        await session.turn("hi").turn_id("")
    assert error.value.code == "missing_effect_scope_id"
