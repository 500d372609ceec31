"""What all providers share that ask a model over HTTP: an account, options, one endpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from pydantic import SecretStr

from lash_nb.providers._account import Account
from lash_nb.providers._endpoint import Endpoint
from lash_nb.providers._options import ProviderOptions

__all__ = ["HttpApi", "HttpProvider"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApi:
    """An API of models: where it is asked, and how it learns who asks."""

    who: str
    """Its name, for messages."""
    account: Callable[[str | None, SecretStr | None], Account]
    """Makes an account of the address and the key that a person gave, or did not give."""
    path: str
    """Where bodies are posted to, below the address."""
    key_header: str = "Authorization"
    """The header that has the key."""
    before_key: str = "Bearer "
    """What stands before the key in it."""


class HttpProvider:
    """Somebody who asks at one address, with a key that nobody sees: no repr, error, trace or pickle has it."""

    _api: ClassVar[HttpApi]
    """Whom it asks."""

    def __init__(
        self,
        *,
        api_key: SecretStr | None = None,
        base_url: str | None = None,
        headers: Mapping[str, str | SecretStr] | None = None,
        options: ProviderOptions | None = None,
    ) -> None:
        """Get ready; nothing is sent yet.

        Args:
            api_key: The key. What it is when absent, the class says.
            base_url: Address of the API. What it is when absent, the class says.
            headers: Further headers; their values are held as secrets, too.
            options: Timeouts, retries, limits.

        Raises:
            CallerError: `base_url`, no address of an API; `api_key`, a key or header that cannot be sent, or a key that is no `SecretStr`.
        """
        account = self._api.account(base_url, api_key)
        self.options: Final = options or ProviderOptions()
        """Timeouts, retries, limits."""
        self._account: Final = account
        self._endpoint: Final = Endpoint(
            f"{account.base_url}{self._api.path}",
            who=self._api.who,
            secrets=account.secrets(self._api.key_header, before=self._api.before_key, others=headers),
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
