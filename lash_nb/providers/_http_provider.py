"""What all providers share that ask a model over HTTP: an account, options, one endpoint."""

from collections.abc import Mapping
from typing import Final

from pydantic import SecretStr

from lash_nb.providers._account import Account
from lash_nb.providers._endpoint import Endpoint
from lash_nb.providers._options import ProviderOptions

__all__ = ["HttpProvider"]


class HttpProvider:
    """Somebody who asks at one address, with a key that nobody sees: no repr, error, trace or pickle has it."""

    def __init__(
        self,
        account: Account,
        path: str,
        *,
        who: str,
        key_header: str,
        before_key: str = "",
        headers: Mapping[str, str | SecretStr] | None,
        options: ProviderOptions | None,
    ) -> None:
        """Get ready; nothing is sent yet.

        Args:
            account: The address and the key.
            path: Where bodies are posted to, below the address.
            who: Name of the endpoint, for messages.
            key_header: The header that has the key.
            before_key: What stands before the key in it.
            headers: Further headers that a person gave.
            options: Timeouts, retries, limits.

        Raises:
            CallerError: `api_key`, a key or header that cannot be sent.
        """
        self.options: Final = options or ProviderOptions()
        """Timeouts, retries, limits."""
        self._account: Final = account
        self._endpoint: Final = Endpoint(
            f"{account.base_url}{path}",
            who=who,
            secrets=account.secrets(key_header, before=before_key, others=headers),
            timeouts=self.options.reliability.timeouts,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._account})"

    @property
    def base_url(self) -> str:
        """Address of the API."""
        return self._account.base_url

    @property
    def has_key(self) -> bool:
        """Whether it has a key; the key itself is seen nowhere."""
        return self._account.key is not None
