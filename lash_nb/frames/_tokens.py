"""Columns of tokens, alike in every table that has some."""

from typing import Final

from lash_nb.frames._column import Column

__all__ = ["TOKEN_COLUMNS", "token_columns"]


def token_columns(path: str) -> tuple[Column, ...]:
    """Return columns of the tokens to which a path leads, a `Usage`."""
    return (
        Column("input_tokens", f"{path}.input", "integer", "Tokens the model read, cached ones included."),
        Column(
            "cached_input_tokens", f"{path}.cache_read", "integer", "Of these, tokens read from the provider's cache."
        ),
        Column(
            "cache_write_input_tokens",
            f"{path}.cache_write",
            "integer",
            "Of these, tokens written to the provider's cache; empty where the release does not tell.",
        ),
        Column("output_tokens", f"{path}.output", "integer", "Tokens the model wrote, reasoning included."),
        Column("reasoning_tokens", f"{path}.reasoning", "integer", "Of these, tokens of reasoning."),
        Column(
            "is_approximate",
            f"{path}.approximate",
            "boolean",
            "Whether the output may count reasoning twice: releases until 0.1.0-alpha.78 did not say whether it was in there.",
        ),
    )


TOKEN_COLUMNS: Final = token_columns("span.usage")
"""Tokens of a turn or model call."""
