"""How keys are held: read once, sent in headers, shown nowhere.

Rule: the plain text of a secret leaves this file for a request's headers, and for the mask of its answer, only. What others say about a call is scrubbed of
it, since servers like to repeat what they got.
"""

import json
import os
import re
from collections.abc import Mapping
from typing import Final, NoReturn
from urllib.parse import quote

from pydantic import SecretStr

from lash_nb.errors import CallerError
from lash_nb.providers._masking import HIDDEN

__all__ = ["Secrets", "key_from"]

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
"""A name of a header."""
_SHORTEST: Final = 8
"""Characters. Shorter ones, as local servers take (`ollama`), are words that texts have for other reasons."""
_SHORTEST_SAID: Final = 16
"""Characters of a key that a model may not say. Shorter ones, as local servers take (`lm-studio`), are words that models have other reasons to say."""


def key_from(given: SecretStr | None, *, variable: str | None) -> SecretStr | None:
    """Return the key that was given, else the one in the environment, else None.

    Args:
        given: The key, wrapped so that no cell shows it.
        variable: Name of the environment variable.

    Raises:
        CallerError: `api_key`, a key that is no `SecretStr`, or one that no header can carry.
    """
    if given is not None and not isinstance(given, SecretStr):
        raise CallerError(
            "api_key must be a pydantic SecretStr, so that no cell, repr or trace shows it:"
            f" leave it out and set {variable or 'an environment variable'}, or give SecretStr(getpass())",
            code="api_key",
        )
    plain = given.get_secret_value() if given is not None else os.environ.get(variable or "", "")
    if not plain.strip():
        return None
    return SecretStr(_checked(plain.strip(), "api_key" if given is not None else str(variable)))


def _checked(plain: str, name: str) -> str:
    if plain.isascii() and plain.isprintable():
        return plain
    raise CallerError(
        f"{name} has characters that no HTTP header can carry; copy it again, without quotes and line breaks",
        code="api_key",
    )


class Secrets:
    """The headers that nobody may see, and how texts are cleaned of what is in them."""

    def __init__(self, headers: Mapping[str, str | SecretStr], *, keys: tuple[SecretStr, ...] = ()) -> None:
        """Keep `headers`, each of them as a secret; `keys` are what parts of them are made of."""
        self._headers: Final = {name: _sealed(name, value) for name, value in headers.items()}
        held = (*keys, *self._headers.values())
        plain = {one.get_secret_value() for one in held if len(one) >= _SHORTEST}
        named = (value for value in headers.values() if isinstance(value, SecretStr))
        self._unsaid: Final = tuple(
            {SecretStr(one.get_secret_value().strip()) for one in (*keys, *named) if len(one) >= _SHORTEST_SAID}
        )
        self._spellings: Final = SecretStr("\n".join(sorted({way for one in plain for way in _ways(one)}, key=len)))

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._headers))})"

    def __reduce__(self) -> NoReturn:
        message = "a provider holds a key, so it is not pickled or copied; make a new one where it is needed"
        raise TypeError(message)

    def headers(self) -> dict[str, str]:
        """Return the headers in plain text, to send them."""
        return {name: value.get_secret_value() for name, value in self._headers.items()}

    @property
    def keys(self) -> tuple[SecretStr, ...]:
        """What no answer may say: the keys, and the headers that were given as secrets."""
        return self._unsaid

    def scrub(self, text: str) -> str:
        """Return `text` with every secret replaced by `[secret]`."""
        for spelling in reversed(self._spellings.get_secret_value().split("\n")):
            if spelling:
                text = text.replace(spelling, HIDDEN)
        return text


def _sealed(name: str, value: str | SecretStr) -> SecretStr:
    if not (isinstance(name, str) and _TOKEN(name) and isinstance(value, str | SecretStr)):
        raise CallerError(
            'a header cannot be sent: name and value must be texts, e.g. {"X-Team": "blue"}, the name without blanks',
            code="api_key",
        )
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    return SecretStr(_checked(plain, f"header {name}"))


def _ways(plain: str) -> set[str]:
    """How a text is written as itself, in JSON and in a URL."""
    return {plain, json.dumps(plain)[1:-1], quote(plain), quote(plain, safe="")}
