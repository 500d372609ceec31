"""What the model sees of a result that is too long."""

import json
from pathlib import Path
from typing import Any

import pytest

from lash_nb.clock import ManualClock
from lash_nb.errors import PluginError
from lash_nb.plugins import (
    PluginHost,
    StaticPlugin,
    ToolContext,
    ToolDispatcher,
    ToolOutputBudget,
    ToolResultProjection,
    embed_tools,
    standard_protocol,
    tool_cancelled,
    tool_err,
    tool_ok,
    tool_output_budget,
)
from lash_nb.stores import InMemoryAttachmentStore
from lash_nb.wire import (
    AttachmentCreateMeta,
    AttachmentReturnPart,
    MediaType,
    ModelToolReturn,
    PreparedToolCall,
    TextReturnPart,
    ToolCallOutput,
)
from tests.plugins.offered import Offered, definition

LINES = "\n".join(f"l{number}" for number in range(1, 9))


async def shown(
    folder: Path, output: ToolCallOutput, tool: str = "lines", args: Any = None, **budget: Any
) -> tuple[Any, ...]:
    """The parts that the model sees of an output; five lines are allowed."""
    settings = ToolOutputBudget(**{"max_lines": 5, "folder": folder, **budget})
    provider = Offered(definition(tool), answer=lambda _call: output)
    stack = [standard_protocol(), embed_tools([provider]), tool_output_budget(settings)]
    plugins = PluginHost(stack).build_session("s")
    by = ToolDispatcher(
        plugins.tool_surface(), plugins.surface_registry, clock=ManualClock(), project=plugins.tool_result_projector
    )
    call = PreparedToolCall(call_id="c", tool_name=tool, args=args or {})
    done = await by.execute(call, ToolContext.of_call(call, session_id="s", agent_frame_id="f"))
    assert done.output == output
    return done.model_return.parts


async def text(folder: Path, value: Any, tool: str = "lines", **more: Any) -> str:
    """The one text that the model sees of a value."""
    (part,) = await shown(folder, tool_ok(value), tool, **more)
    assert isinstance(part, TextReturnPart)
    return part.text


def files(folder: Path) -> list[Path]:
    """What was written there."""
    return list(folder.iterdir())


def only_file(folder: Path) -> Path:
    """The one file there."""
    (file,) = files(folder)
    return file


async def test_a_long_text_shows_its_start_and_where_the_rest_is(tmp_path: Path) -> None:
    """Preview, marker, hint; the file has all of it."""
    seen = await text(tmp_path, LINES)

    assert seen.startswith("l1\nl2\nl3\nl4\nl5\n\n...3 lines truncated...\n\nThe tool output was truncated. ")
    assert f"Full output saved to: {only_file(tmp_path)}\n" in seen
    assert only_file(tmp_path).read_text() == LINES


@pytest.mark.parametrize("tool", ["exec_command", "write_stdin"])
async def test_a_command_shows_its_end(tmp_path: Path, tool: str) -> None:
    """Marker and hint come first, the last lines last."""
    seen = await text(tmp_path, LINES, tool)

    assert seen.startswith("...3 lines truncated...\n\nThe tool output was truncated. ")
    assert seen.endswith("\n\nl4\nl5\nl6\nl7\nl8")


async def test_what_fits_is_shown_as_it_is(tmp_path: Path) -> None:
    """No file either."""
    assert await text(tmp_path, {"b": [1, "two"], "a": None}) == '{"a":null,"b":[1,"two"]}'
    assert files(tmp_path) == []


async def test_each_text_in_a_value_has_the_budget(tmp_path: Path) -> None:
    """The structure stays, numbers too."""
    seen: Any = json.loads(await text(tmp_path, {"log": LINES, "code": 7, "all": ["ok", LINES]}))

    assert (seen["code"], seen["all"][0]) == (7, "ok")
    assert seen["log"].startswith("l1\nl2\nl3\nl4\nl5\n\n...3 lines truncated...")
    assert seen["all"][1] == seen["log"]


async def test_a_tool_that_keeps_its_output_is_named_as_the_place(tmp_path: Path) -> None:
    """No second copy is written."""
    seen = await text(tmp_path, {"text": LINES, "full_output_path": "/data/out.txt"})

    assert "Full output saved to: /data/out.txt" in seen
    assert files(tmp_path) == []


async def test_a_structure_that_is_all_small_texts_is_cut_as_one(tmp_path: Path) -> None:
    """A million numbers have no text to cut; the model sees the start of their JSON."""
    seen = await text(tmp_path, list(range(1000)), limit=64)

    assert seen.startswith("[0,1,2,3,")
    assert " bytes truncated..." in seen
    assert only_file(tmp_path).read_text().endswith("998,999]")


@pytest.mark.parametrize(("mode", "marker"), [("bytes", "…23 chars truncated…"), ("tokens", "…6 tokens truncated…")])
@pytest.mark.parametrize("nothing", [{"limit": 0}, {"max_lines": 0}])
async def test_a_budget_of_nothing_leaves_the_marker(
    tmp_path: Path, mode: str, marker: str, nothing: dict[str, Any]
) -> None:
    """How much there was, and nothing else."""
    assert await text(tmp_path, LINES, mode=mode, **nothing) == marker


async def test_attachments_stay_where_they_are(tmp_path: Path) -> None:
    """Texts around a picture are cut, the picture is shown."""
    ref = InMemoryAttachmentStore().put(b"x", AttachmentCreateMeta(media_type=MediaType(type="png")))
    parts = await shown(tmp_path, tool_ok({"log": LINES, "plot": ref}))

    assert [type(part) for part in parts] == [TextReturnPart, AttachmentReturnPart, TextReturnPart]
    assert "lines truncated" in parts[0].text


@pytest.mark.parametrize("output", [tool_err(LINES), tool_cancelled(LINES)])
async def test_failures_are_told_whole(tmp_path: Path, output: ToolCallOutput) -> None:
    """What went wrong is not cut."""
    (part,) = await shown(tmp_path, output)

    assert part.text.endswith(LINES)


def batched(folder: Path, *results: Any) -> Any:
    """What the model sees of a batch with these results."""
    settings = tool_output_budget(ToolOutputBudget(max_lines=5, folder=folder))
    project = PluginHost([standard_protocol(), settings]).build_session("s").tool_result_projector
    asked = {"tool_calls": [{"tool": "lines", "parameters": {}}]}
    output = tool_ok({"results": list(results)})
    (part,) = project(ToolResultProjection(call_id="c", tool_name="batch", args=asked, output=output)).parts
    assert isinstance(part, TextReturnPart)
    return json.loads(part.text)["results"]


def test_a_batch_is_cut_result_by_result(tmp_path: Path) -> None:
    """Each by the rules of its own tool, errors too; a text that looks like a number stays a text."""
    seen = batched(
        tmp_path,
        {"tool": "lines", "result": LINES},
        {"tool": "exec_command", "result": {"out": LINES}},
        {"tool": "lines", "error": {"message": LINES}},
        {"tool": "lines", "result": "21"},
        "odd",
    )

    assert seen[0]["result"].startswith("l1\nl2\nl3\nl4\nl5\n\n...3 lines truncated...")
    assert seen[1]["result"]["out"].startswith("...3 lines truncated...")
    assert "lines truncated" in seen[2]["error"]["message"]
    assert seen[3:] == [{"tool": "lines", "result": "21"}, "odd"]
    assert len({path.name.partition("-")[0] for path in tmp_path.iterdir()}) == 2


async def test_a_batch_that_fails_as_a_whole_tells_why(tmp_path: Path) -> None:
    """Its error reaches the model."""
    settings = tool_output_budget(ToolOutputBudget(folder=tmp_path))
    project = PluginHost([standard_protocol(), settings]).build_session("s").tool_result_projector
    given = ToolResultProjection(call_id="c", tool_name="batch", args={}, output=tool_err("no calls"))

    assert project(given).parts == (TextReturnPart(text="[Tool execution failed]\nno calls"),)


async def test_where_nothing_can_be_saved_the_hint_says_so(tmp_path: Path) -> None:
    """The preview is there all the same."""
    (tmp_path / "file").write_text("in the way")
    seen = await text(tmp_path / "file", LINES)

    assert seen.endswith("The tool output was truncated, and the full output could not be saved.")


async def test_a_session_has_one_projector() -> None:
    """A second plugin that decides what the model sees is refused."""
    other = StaticPlugin("other", lambda registrar: registrar.set_tool_result_projector(lambda _: 1 / 0))  # type: ignore[arg-type,return-value]  # never called

    with pytest.raises(PluginError, match="duplicate tool result projector for `other`: `tool_output_budget`"):
        PluginHost([standard_protocol(), tool_output_budget(), other]).build_session("s")


async def test_a_projector_that_fails_is_seen_instead_of_the_result() -> None:
    """Its text is what the model gets; the result itself is not touched."""

    def broken(_result: ToolResultProjection) -> ModelToolReturn:
        raise ValueError("cannot show this")

    stack = [
        standard_protocol(),
        embed_tools([Offered(definition("lines"))]),
        StaticPlugin("mine", lambda registrar: registrar.set_tool_result_projector(broken)),
    ]
    plugins = PluginHost(stack).build_session("s")
    by = ToolDispatcher(
        plugins.tool_surface(), plugins.surface_registry, clock=ManualClock(), project=plugins.tool_result_projector
    )
    call = PreparedToolCall(call_id="c", tool_name="lines", args={"a": 1})
    done = await by.execute(call, ToolContext.of_call(call, session_id="s", agent_frame_id="f"))

    assert done.model_return.parts == (TextReturnPart(text="cannot show this"),)
    assert done.output == tool_ok({"a": 1})
