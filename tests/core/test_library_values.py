"""What a tool may return of other libraries: tables are summed up, pictures become attachments of the session."""

import datetime
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import image
from matplotlib.figure import Figure

from lash_nb import LashCore, LashSession, ScriptedProvider, call, reply, tool
from lash_nb.wire import AttachmentRef, ToolFailed, ToolOutcome, ToolSuccess


async def called(give: Callable[[], Any]) -> tuple[LashSession, Any]:
    """A session whose model called this function, and what became of the call."""
    provider = ScriptedProvider([call("give", {}), reply("Done.")])
    core = LashCore.standard().in_memory().provider(provider).model("scripted").tools(tool(name="give")(give)).build()
    session = await core.session("values").open()
    assert (await session.turn("Go.").run()).reply == "Done."
    (outcome,) = (entry.outcome for entry in session.effects if isinstance(entry.outcome, ToolOutcome))
    return session, outcome.result.output.outcome


async def value_of(returned: Any) -> Any:
    """What a tool's result is in the session."""

    def give() -> Any:
        """Give."""
        return returned

    _, outcome = await called(give)
    assert isinstance(outcome, ToolSuccess), outcome
    return outcome.payload.value


def plot() -> Figure:
    """A figure that no window and no notebook knows of."""
    figure = Figure(figsize=(2, 1), dpi=100)
    figure.subplots().plot([1, 3, 2])
    return figure


def picture() -> bytes:
    """A PNG."""
    written = BytesIO()
    plot().savefig(written, format="png")
    return written.getvalue()


async def test_a_short_table_is_given_whole() -> None:
    """Columns, types and rows; what has no value is null, times are ISO 8601."""
    frame = pd.DataFrame({"city": ["Oslo", "Rome"], "at": [pd.Timestamp("2026-02-03"), pd.NaT], "temp": [1.5, None]})

    told = await value_of(frame)

    assert {key: told[key] for key in ("type", "rows", "columns", "data")} == {
        "type": "DataFrame",
        "rows": 2,
        "columns": ["city", "at", "temp"],
        "data": [["Oslo", "2026-02-03T00:00:00.000", 1.5], ["Rome", None, None]],
    }
    assert told["dtypes"] == list(map(str, frame.dtypes))


async def test_a_long_table_is_summed_up() -> None:
    """The first rows and columns go to the model, and how many there are beside them."""
    told = await value_of({"days": pd.DataFrame(np.zeros((1000, 80)))})

    assert (told["days"]["rows"], told["days"]["omitted_rows"], told["days"]["omitted_columns"]) == (1000, 980, 30)
    assert (len(told["days"]["data"]), len(told["days"]["data"][0])) == (20, 50)


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (
            pd.Series([1, 2], index=["a", "b"], name="n"),
            {"type": "Series", "rows": 2, "name": "n", "index": ["a", "b"], "data": [1, 2], "dtype": "int64"},
        ),
        (pd.RangeIndex(30)[:2], {"type": "RangeIndex", "rows": 2, "data": [0, 1]}),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        ({"mean": np.float64(1.5), "n": np.int64(3), "none": pd.NA, "never": pd.NaT}, None),
        (np.datetime64("2026-02-03"), datetime.date(2026, 2, 3).isoformat()),
    ],
)
async def test_columns_arrays_and_scalars_become_json(returned: Any, told: Any) -> None:
    """Whatever a table is taken apart into can be returned, too."""
    assert await value_of(returned) == (told or {"mean": 1.5, "n": 3, "none": None, "never": None})


async def test_a_long_array_is_summed_up() -> None:
    """Its shape and its first entries."""
    told = await value_of(np.ones((30, 30), np.uint8))

    assert told == {
        "type": "ndarray",
        "shape": [30, 30],
        "dtype": "uint8",
        "data": [1] * 20,
        "omitted_entries": 880,
    }


@pytest.mark.parametrize("give", [plot, picture, lambda: plot().axes[0], lambda: {"shown": [memoryview(picture())]}])
async def test_pictures_become_attachments(give: Callable[[], Any], tmp_path: Path) -> None:
    """A figure is drawn, a picture is kept as it is; the result has the reference, the session the bytes."""
    session, outcome = await called(give)

    assert isinstance(outcome, ToolSuccess), outcome
    value = outcome.payload.value
    reference = value["shown"][0] if isinstance(value, dict) else value
    assert isinstance(reference, AttachmentRef)
    assert (reference.media_type.mime, reference.width, reference.height) == ("image/png", 200, 100)
    saved = session.save_attachment(reference.id, tmp_path / "shown.png")
    assert image.imread(saved).shape[:2] == (100, 200)


async def test_bytes_that_are_no_picture_are_refused() -> None:
    """The wire knows pictures only: what would be declared as one and is none would break the next request."""

    def give() -> bytes:
        """Give."""
        return b"a,b\n1,2\n"

    _, outcome = await called(give)

    assert isinstance(outcome, ToolFailed)
    assert outcome.payload.code == "tool_result_not_json"
    assert "is bytes and no picture that can be stored" in outcome.payload.message
