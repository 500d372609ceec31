"""Axes without a window."""

import json
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

from lash_nb.trace import Trace, read_trace
from tests.trace.lines import STATION


@pytest.fixture(autouse=True)
def canvas() -> Iterator[None]:
    """Draw without a window, and leave nothing open."""
    with mpl.rc_context({"backend": "agg"}):
        yield
        plt.close("all")


@pytest.fixture(scope="session")
def station() -> Trace:
    """The trace of the weather desk."""
    return read_trace(STATION)


@pytest.fixture(scope="session")
def records() -> list[dict[str, Any]]:
    """The records of the weather desk, as any JSON reader sees them."""
    return [json.loads(one) for one in STATION.read_text(encoding="utf-8").splitlines()]
