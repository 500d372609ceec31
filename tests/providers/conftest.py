"""What the tests of providers share: one protocol after the other, and an environment without keys and proxies."""

import os

import pytest

from tests.providers.servers import DIALECTS, Dialect


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.kind)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Every protocol."""
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds the keys or the proxies of the machine that it runs on."""
    for name in list(os.environ):
        if name.upper().endswith(("_API_KEY", "_BASE_URL", "_PROXY")) or name.startswith("SSL_CERT"):
            monkeypatch.delenv(name)
