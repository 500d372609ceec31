"""Models whose limits are known, as a table."""

from collections.abc import Iterable
from typing import Any, Final

from lash_nb.frames._column import Column
from lash_nb.frames._table import Rows, table
from lash_nb.providers import KnownModel

__all__ = ["MODEL_COLUMNS", "models_df"]

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


@table(MODEL_COLUMNS, always=_IDS)
def models_df(models: Iterable[KnownModel]) -> Rows:
    """One row per model, as `lash_nb.known_models()` gives them; a column's function gets the model."""
    found: list[Any] = list(models)
    return Rows(found)
