"""What a tool may return of other libraries: tables are summed up, pictures become attachments of the session."""

import asyncio
import dataclasses
import datetime
import threading
import uuid
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import image, pyplot, rc_context
from matplotlib.figure import Figure
from PIL import Image
from pydantic import BaseModel, ConfigDict

from lash_nb import LashCore, LashSession, ScriptedProvider, call, reply, tool
from lash_nb.plugins._library_values import PictureFound
from lash_nb.plugins._plain import plain_json
from lash_nb.stores import InMemoryAttachmentStore
from lash_nb.wire import AttachmentId, AttachmentRef, MediaType, ToolFailed, ToolOutcome, ToolSuccess
from tests.work import lines_run


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


LONG = "wörd\n" * 4_000


@pytest.mark.parametrize("mark", ["head", "label", "cell", "one", "other", "dict", "key", "set", "deep"])
async def test_a_long_text_of_a_table_is_cut_aloud(mark: str) -> None:
    """Wherever it stands: a table is summed up, and a thousand cells of megabytes would take minutes."""
    given = {
        "head": pd.DataFrame({LONG: [1]}),
        "label": pd.Series([1], index=[LONG]),
        "cell": pd.DataFrame({"a": [[LONG]]}),
        "one": np.array([LONG] * 30, dtype=object),
        "other": pd.Series([SyntaxError(LONG)]),
        "dict": pd.DataFrame({"a": [{"k": LONG}]}),
        "key": pd.Series([{LONG: 1}]),
        "set": pd.Series([{LONG}]),
        "deep": pd.Series([{"a": [{"b": ({frozenset({LONG})},)}]}]),
    }
    told = str(await value_of(given[mark]))

    assert "wörd" in told
    assert " … [10,000 characters left out]" in told
    assert LONG[:10_001] not in told


async def test_of_two_long_keys_that_begin_alike_both_are_told() -> None:
    """What one of them stands for is not lost."""
    (cell,) = (await value_of(pd.Series([{LONG: 1, LONG[:-1] + "!": 2}])))["data"]

    assert list(cell.values()) == [1, 2]


def nested(depth: int) -> list[Any]:
    """A list in a list, so deep that Python does not go through it."""
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def endless() -> dict[str, Any]:
    """A value that contains itself, several times."""
    value: dict[str, Any] = {"n": 1}
    value["again"] = [value] * 100
    return value


async def test_a_cell_that_contains_itself_is_told() -> None:
    """The rest of the table is, too; and each time that it comes again is one mark."""
    told = await value_of(pd.DataFrame({"a": [endless(), nested(10_000), 5]}))

    assert told["data"][0] == [{"n": 1, "again": ["… [nested too deeply]"] * 100}]
    assert "[" * 19 + "'… [nested too deeply]'" in str(told["data"][1])
    assert told["data"][2] == [5]


async def test_a_picture_in_a_cell_stays_one() -> None:
    """Whether it was stored already or is stored now."""
    reference = AttachmentRef(id=AttachmentId("a"), media_type=MediaType(type="png"), byte_len=1)

    found = plain_json(pd.Series([reference, {"shown": reference}]))

    assert isinstance(found, dict)
    assert found["data"] == [reference, {"shown": reference}]


def test_bytes_on_an_event_loop_are_looked_at_no_further_than_their_header() -> None:
    """Millions of blocks would hold every other turn."""
    screen = b"GIF89a" + b"\1\0\1\0\0\0\0"

    def found(count: int) -> int:
        """The lines that are run to see that it is a picture."""

        def look() -> None:
            with pytest.raises(PictureFound):
                plain_json(screen + b"!\xfe\0" * count, InMemoryAttachmentStore(), on_loop=True)

        return lines_run(look)

    assert found(10_000) == found(1)


async def test_a_text_of_ten_thousand_characters_is_whole() -> None:
    """Nothing is cut that is shorter, and a text that stands in no table is never cut."""
    assert (await value_of(pd.Series([LONG[:10_000]])))["data"] == [LONG[:10_000]]
    assert await value_of(LONG) == LONG


async def test_a_short_table_is_given_whole() -> None:
    """Columns, types and rows; what has no value is null, times are ISO 8601."""
    frame = pd.DataFrame({"city": ["Oslo", "Rome"], "at": [pd.Timestamp("2026-02-03"), pd.NaT], "temp": [1.5, None]})

    told = await value_of(frame)

    assert {key: told[key] for key in ("type", "rows", "columns", "data")} == {
        "type": "DataFrame",
        "rows": 2,
        "columns": ["city", "at", "temp"],
        "data": [["Oslo", "2026-02-03T00:00:00", 1.5], ["Rome", None, None]],
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


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ([0.1 + 0.2, np.inf, -np.inf, np.nan], [0.30000000000000004, "inf", "-inf", None]),
        ([pd.Timestamp("2026-02-03T00:00:00.000000001Z"), pd.NaT], ["2026-02-03T00:00:00.000000001Z", None]),
        (pd.Categorical(["b", "a", None]), ["b", "a", None]),
        (pd.interval_range(0, 2), ["(0, 1]", "(1, 2]"]),
        (pd.period_range("2026-01", periods=2, freq="M"), ["2026-01", "2026-02"]),
        ([1 + 2j, uuid.UUID(int=1)], ["(1+2j)", "00000000-0000-0000-0000-000000000001"]),
        ([np.arange(2), {"a": 1}, [None, np.nan]], [[0, 1], {"a": 1}, [None, None]]),
        (["NaT", "nan"], ["NaT", "nan"]),
    ],
)
async def test_cells_lose_nothing(cells: Any, told: list[Any]) -> None:
    """Numbers stay to the bit and times to the nanosecond; what only its library knows is the text that a table shows."""
    series = pd.Series(cells)

    assert (await value_of(series))["data"] == told
    assert [row[0] for row in (await value_of(pd.DataFrame({"a": series})))["data"]] == told


async def test_labels_are_told_with_their_names() -> None:
    """What a table was grouped by is the name of its index; columns may have the same name."""
    frame = pd.DataFrame(
        [[1, 2], [3, 4]], columns=["n", "n"], index=pd.MultiIndex.from_tuples([("a", 1), ("b", pd.NaT)])
    )
    frame.index.names = ["letter", None]

    told = await value_of(frame)

    assert {key: told[key] for key in ("columns", "index", "index_names", "data")} == {
        "columns": ["n", "n"],
        "index": [["a", 1], ["b", None]],
        "index_names": ["letter", None],
        "data": [[1, 2], [3, 4]],
    }


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.array(["2026-02-03T00:00:00.000000001", "NaT"], "datetime64[ns]"), ["2026-02-03T00:00:00.000000001", None]),
        (np.datetime64("2026-02-03T00:00:00.000000001"), "2026-02-03T00:00:00.000000001"),
        (np.array([[1, np.nan], [np.inf, 2]]), [[1, None], ["inf", 2]]),
        (np.longdouble(1.5), 1.5),
        (np.array(5), 5),
        (pd.array([1, None], dtype="Int64"), [1, None]),
        (np.zeros((10**9, 0)), {"type": "ndarray", "shape": [10**9, 0], "dtype": "float64", "data": []}),
        (
            np.zeros(1, [("a", "i4"), ("b", "f8")]),
            {"type": "ndarray", "shape": [1], "dtype": "[('a', '<i4'), ('b', '<f8')]", "data": [[0, 0.0]]},
        ),
    ],
)
async def test_arrays_of_every_kind(array: Any, told: Any) -> None:
    """Times are texts in every unit, records keep the names of their fields, and nothing is copied whole."""
    assert await value_of(array) == told


async def test_of_an_array_only_the_first_entries_are_looked_at() -> None:
    """A view of eight terabytes takes no more than one of eight bytes."""
    assert (await value_of(np.broadcast_to(np.zeros(1), (10**12,))))["omitted_entries"] == 10**12 - 20


class Sulky:
    """What cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("not today")


class Strange(pd.DataFrame):
    """A table that cannot be read."""

    @property
    def iloc(self) -> Any:
        """Raise."""
        raise KeyError("lost")


class Spoilt(Figure):
    """A figure that cannot be drawn."""

    def savefig(self, *_: Any, **__: Any) -> None:
        """Raise."""
        raise ValueError("out of ink")


def removed() -> Any:
    """Axes that are in no figure any more."""
    axes = plot().axes[0]
    axes.remove()
    return axes


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (
            {"t": pd.DataFrame({"a": [Sulky()]})},
            "result['t'] is of type DataFrame and cannot be read: RuntimeError: not",
        ),
        (Strange({"a": [1]}), "result is of type Strange and cannot be read: KeyError: 'lost'; return a dict"),
        ([Spoilt()], "result[0] is of type Spoilt and cannot be read: ValueError: out of ink; return a dict"),
        (pd.DataFrame({"a": [b"\xff"]}), "result['data'][0][0] is bytes and no picture that can be stored"),
        (pd.Series([2**70]), "result['data'][0] is an integer of more than 64 bits"),
        (
            Figure(figsize=(500, 500), dpi=100),
            "result is a figure of 50,000 × 50,000 pixels, and no provider takes a side",
        ),
        (Image.new("1", (9_000, 10)), "result is an image of 9,000 × 10 pixels, and no provider takes a side"),
        (removed(), "result belongs to no figure any more; return the figure"),
        (
            picture()[:16] + (100_000).to_bytes(4, "big") + (7).to_bytes(4, "big") + picture()[24:],
            "result is a picture of 100,000 × 7 pixels, and no provider takes a side of more than 8,000; make it smaller",
        ),
        (picture() + bytes(20_000_000), "bytes, and no provider takes more than 20,000,000; make it smaller"),
        (picture()[:-1], "result is a png picture whose end is missing; make it anew"),
        (b"\x89PNG\r\n\x1a\nnothing", "result is bytes and no picture that can be stored"),
        (b"BMW is a car that drives on streets", "result is bytes and no picture that can be stored"),
        (memoryview(picture() * 2)[::2], "result is memoryview and no picture that can be stored"),
    ],
)
async def test_what_cannot_be_kept_says_why(returned: Any, message: str) -> None:
    """Whatever a class of somebody's own does, the call fails, and says where and what to return."""
    _, outcome = await called(lambda: returned)

    assert isinstance(outcome, ToolFailed), outcome
    assert outcome.payload.code == "tool_result_not_json"
    assert message in outcome.payload.message


@dataclasses.dataclass
class Found:
    """What a tool found."""

    shown: Any


class Report(BaseModel):
    """The same for pydantic."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    day: datetime.date
    shown: Any
    also: Figure


@pytest.mark.parametrize("hold", [lambda one: [one, {"a": one}], lambda one: Found([one])])
async def test_figures_stand_anywhere_in_a_result(hold: Callable[[Any], Any]) -> None:
    """Several of them, too; figures that look alike are one attachment."""
    session, outcome = await called(lambda: hold(plot()))

    assert isinstance(outcome, ToolSuccess), outcome
    references = list(outcome.payload.attachments())
    assert references
    assert len(session.attachments) == 1
    assert {reference.id for reference in references} == {session.attachments[0].ref.id}


async def test_beside_a_picture_what_can_be_read_once_is_kept() -> None:
    """Drawing begins anew elsewhere, and the items of a generator are gone by then."""
    value = await value_of({"rows": (row for row in [1, 2]), "shown": plot(), "after": (row for row in [3])})

    assert (value["rows"], value["after"]) == ([1, 2], [3])
    assert isinstance(value["shown"], AttachmentRef)


async def test_a_model_may_hold_figures() -> None:
    """Its other fields are what pydantic makes of them."""
    value = await value_of(Report(day=datetime.date(2026, 2, 3), shown=picture(), also=plot()))

    assert value["day"] == "2026-02-03"
    assert isinstance(value["shown"], AttachmentRef)
    assert isinstance(value["also"], AttachmentRef)


async def test_a_figure_is_as_large_as_it_says() -> None:
    """Settings of saved pictures may make it as wide as what stands outside of it."""
    figure = plot()
    figure.axes[0].text(50, 0, "far away")

    with rc_context({"savefig.bbox": "tight", "savefig.dpi": 1000}):
        reference = await value_of(figure)

    assert (reference.width, reference.height) == (200, 100)


async def test_a_closed_figure_of_pyplot_is_drawn_and_stays_what_it_was() -> None:
    """Its canvas and its window are its own again."""
    figure = pyplot.figure(figsize=(2, 1), dpi=100)
    pyplot.close(figure)
    canvas = figure.canvas

    part: Any = figure.subfigures(1, 1)

    assert (await value_of({"part": part, "axes": part.subplots()}))["axes"].width == 200
    assert figure.canvas is canvas


async def test_a_figure_that_a_tool_made_with_pyplot_is_closed_there() -> None:
    """A notebook shows what pyplot knows below the cell, where the result has shown it already; it can still be changed and saved."""
    made: list[Figure] = []

    def give() -> Any:
        """Give."""
        made.extend((pyplot.figure(figsize=(2, 1)), pyplot.figure()))
        return {"shown": made[0].subplots()}

    try:
        await called(give)
        known = [pyplot.figure(number) for number in pyplot.get_fignums()]
        assert [figure in known for figure in made] == [False, True]
    finally:
        pyplot.close(made[1])
    made[0].savefig(BytesIO())


async def test_a_figure_that_was_there_before_the_call_stays_open() -> None:
    """Whoever made it wants to see it."""
    figure = pyplot.figure(figsize=(2, 1))
    try:
        await called(lambda: figure)
        assert pyplot.fignum_exists(figure.number)
    finally:
        pyplot.close(figure)


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK", "F"])
async def test_an_image_of_pil_is_a_picture(mode: str) -> None:
    """Of whatever mode: colors that PNG does not have are written in others."""
    reference = (await value_of({"shown": Image.new(mode, (30, 20))}))["shown"]

    assert (reference.media_type.mime, reference.width, reference.height) == ("image/png", 30, 20)


class Watched(Figure):
    """A figure that knows where it was drawn."""

    drawn_in: threading.Thread | None = None

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Note the thread."""
        self.drawn_in = threading.current_thread()
        super().savefig(*args, **kwargs)


@pytest.mark.parametrize("is_async", [True, False])
async def test_no_event_loop_draws(is_async: bool) -> None:
    """Other turns go on meanwhile."""
    figure = Watched(figsize=(2, 1))

    async def give() -> Any:
        """Give."""
        return figure

    _, outcome = await called(give if is_async else lambda: figure)

    assert isinstance(outcome, ToolSuccess), outcome
    assert figure.drawn_in is not None
    assert figure.drawn_in is not threading.current_thread()


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
    assert session.attachment_data(reference.id) == saved.read_bytes()
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


async def test_nobody_shows_or_closes_what_a_tool_is_drawing() -> None:
    """A notebook does so whenever a cell or a message of a widget is over: the picture is that of a tool that nobody disturbs."""
    begun, closed = threading.Event(), threading.Event()

    def give() -> Any:
        """Give."""
        pyplot.figure(figsize=(2, 1))
        pyplot.plot([1, 3, 2])
        begun.set()
        assert closed.wait(5)
        pyplot.title("late")
        return pyplot.gcf()

    own = pyplot.figure(figsize=(1, 1))
    turn = asyncio.create_task(called(give))
    await asyncio.to_thread(begun.wait, 5)
    assert [pyplot.figure(number) for number in pyplot.get_fignums()] == [own]
    pyplot.close("all")
    closed.set()
    (_, disturbed), (_, alone) = await turn, await called(give)

    assert disturbed.payload.value == alone.payload.value
    assert pyplot.get_fignums() == []


async def test_tools_do_not_draw_into_each_others_figures() -> None:
    """Each has a current figure of its own, on the event loop, too."""
    meeting = asyncio.Barrier(3)

    def drawing(title: str) -> Callable[[], Any]:
        async def give() -> Any:
            """Give."""
            pyplot.figure(figsize=(2, 1))
            await meeting.wait()
            pyplot.title(title)
            await meeting.wait()
            return {"titles": [axes.get_title() for axes in pyplot.gcf().axes], "figures": pyplot.get_fignums()}

        return give

    found = await asyncio.gather(*(called(drawing(title)) for title in "abc"))

    assert [outcome.payload.value for _, outcome in found] == [{"titles": [title], "figures": [1]} for title in "abc"]
    assert len(pyplot.get_fignums()) == 3
    pyplot.close("all")


async def test_what_a_cancelled_tool_was_drawing_is_not_shown() -> None:
    """It may still be drawing it."""
    begun = asyncio.Event()

    async def give() -> Any:
        """Give."""
        pyplot.figure(figsize=(2, 1))
        begun.set()
        await asyncio.Event().wait()

    turn = asyncio.create_task(called(give))
    await begun.wait()
    turn.cancel()
    await asyncio.wait({turn})

    assert pyplot.get_fignums() == []
