"""Models whose limits are known, as a table."""

from collections.abc import Iterable
from typing import Any, Final, Protocol

from lash_nb.frames._column import Column
from lash_nb.frames._table import Rows, table

__all__ = ["MODEL_COLUMNS", "DescribedModel", "models_df"]


class DescribedModel(Protocol):
    """A model and its limits, as `lash_nb.known_models()` gives it."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def provider(self) -> str:
        """Kind of the provider that asks its vendor."""
        ...


_IDS: Final = (
    Column("model", "id", "string", "Its id, as its vendor's API has it."),
    Column("provider", "provider", "category", "Kind of the provider that asks its vendor."),
)

MODEL_COLUMNS: Final = (
    *_IDS,
    Column("context_window", "context_window", "Int64", "Most tokens of prompt and answer together."),
    Column("prompt_tokens", "prompt_tokens", "Int64", "Most tokens of a prompt."),
    Column("output_tokens", "output_tokens", "Int64", "Most tokens of an answer, reasoning included."),
    Column("variants", lambda model: ", ".join(model.variants) or None, "string", "Its reasoning efforts."),
)
"""What each model can take."""


@table(MODEL_COLUMNS, always=_IDS, listing="lash_nb.known_models()")
def models_df(models: Iterable[DescribedModel]) -> Rows:
    """One row per model, as `lash_nb.known_models()` gives them; a column's function gets the model."""
    found: list[Any] = list(models)
    return Rows(found)
