"""What a person may set about a provider."""

import pytest
from pydantic import ValidationError

from lash_nb.providers import ProviderOptions


def test_the_defaults_are_the_references() -> None:
    """Four attempts, two seconds doubled up to ten, a retry-after of at most a minute."""
    retry = ProviderOptions().reliability.retry

    assert (retry.enabled, retry.max_attempts, retry.base_delay_ms, retry.max_delay_ms) == (True, 4, 2_000, 10_000)
    assert (retry.jitter_ms, retry.retry_after_cap_ms) == (0, 60_000)


def test_options_are_read_from_json() -> None:
    """A nested object of settings becomes options; `false` switches a timeout off."""
    options = ProviderOptions.model_validate(
        {
            "reliability": {"timeouts": {"request_timeout": False}, "retry": {"max_attempts": 2}},
            "cache_retention": "long",
        }
    )

    assert options.reliability.timeouts.request_timeout is False
    assert options.reliability.retry.max_attempts == 2
    assert options.cache_retention == "long"


@pytest.mark.parametrize(
    "given", [{"timeout": 3}, {"reliability": {"retries": 1}}, {"reliability": {"retry": {"max_attempts": 0}}}]
)
def test_an_unknown_or_senseless_setting_is_refused(given: dict[str, object]) -> None:
    """A key that is not known, or a number that makes no sense, is an error and never ignored."""
    with pytest.raises(ValidationError):
        ProviderOptions.model_validate(given)
