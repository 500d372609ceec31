"""How the tests are shared out: what shares a fixture that takes long to make is of one worker."""

import pytest


def test_every_group_of_tests_is_kept_together(request: pytest.FixtureRequest) -> None:
    """A group stands behind the id of its tests; where pytest and xdist lose it, they share the tests out as if there were none, and say nothing."""
    shared_out = request.config.getoption("loadgroup", default=False)
    grouped = [(item, mark.args[0]) for item in request.session.items for mark in item.iter_markers("xdist_group")]

    assert not shared_out or [item.nodeid for item, group in grouped if not item.nodeid.endswith(f"@{group}")] == []
