"""Where a provider asks and with whose key: what is given, else what the environment says.

Rule: nobody gets the key of somebody else. A key of the environment goes to the address that it belongs to, and nowhere else.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from lash_nb.providers._endpoint import checked_base_url
from lash_nb.providers._secret import Secrets, key_from

__all__ = ["ANTHROPIC_URL", "OPENAI_URL", "OPENROUTER_URL", "Account", "anthropic_account", "openai_account"]

OPENAI_URL: Final = "https://api.openai.com/v1"
"""OpenAI's own address."""
OPENROUTER_URL: Final = "https://openrouter.ai/api/v1"
"""OpenRouter's address: the one Chat Completions server with variants and with breakpoints of the prompt cache."""
ANTHROPIC_URL: Final = "https://api.anthropic.com"
"""Anthropic's own address."""
_KEYS: Final[Mapping[str, str]] = {
    OPENAI_URL: "OPENAI_API_KEY",
    OPENROUTER_URL: "OPENROUTER_API_KEY",
    ANTHROPIC_URL: "ANTHROPIC_API_KEY",
}
"""The variable of the environment that has the key for an address."""


@dataclass(frozen=True, slots=True)
class Account:
    """An address of an API, and the key for it."""

    base_url: str
    """The address, without a slash at its end."""
    key: SecretStr | None
    """The key; None where there is none, as for a local server."""

    def __str__(self) -> str:
        return f"{self.base_url}, {'without' if self.key is None else 'with'} key"

    def secrets(self, header: str, *, before: str = "", others: Mapping[str, str | SecretStr] | None = None) -> Secrets:
        """Return the headers that nobody may see.

        Args:
            header: The one that has the key.
            before: What stands before the key in it.
            others: Headers that a person gave.
        """
        if self.key is None:
            return Secrets(others or {})
        return Secrets({**(others or {}), header: f"{before}{self.key.get_secret_value()}"}, keys=(self.key,))


def openai_account(base_url: str | None, api_key: SecretStr | None) -> Account:
    """Return the account of a server that speaks one of OpenAI's protocols; an absent address is that of `OPENAI_BASE_URL`, else OpenAI's.

    Raises:
        CallerError: `base_url` or `api_key`, one that cannot be used.
    """
    named = os.environ.get("OPENAI_BASE_URL", "").strip()
    if base_url is None and named:
        return Account(checked_base_url(named, name="OPENAI_BASE_URL"), key_from(api_key, variable="OPENAI_API_KEY"))
    return _account(OPENAI_URL if base_url is None else base_url, api_key)


def anthropic_account(base_url: str | None, api_key: SecretStr | None) -> Account:
    """Return the account of a server that speaks Anthropic's protocol; an absent address is Anthropic's. Errors as in `openai_account`."""
    return _account(ANTHROPIC_URL if base_url is None else base_url, api_key)


def _account(base_url: str, api_key: SecretStr | None) -> Account:
    checked = checked_base_url(base_url)
    return Account(checked, key_from(api_key, variable=_KEYS.get(checked)))
