"""What is left out when records of a turn are shown."""

import asyncio
import re
from typing import Final

import pytest
from msgspec.structs import replace

from lash_nb import LashCore, ScriptedProvider
from lash_nb.clock import CancellationToken
from lash_nb.errors import LlmTransportError
from lash_nb.providers import ScriptedReply, reply
from lash_nb.runtime import TurnOptions
from lash_nb.wire import (
    AgentFrameSwitch,
    LlmUsage,
    SubmittedErrorStop,
    SubmittedValueFinish,
    ToolErrorStop,
    ToolValueFinish,
    TurnFinish,
    TurnIssue,
    TurnOutcome,
    TurnStopDetail,
)


def test_what_a_caller_gives_to_plugins_is_not_shown() -> None:
    """Inputs of plugins may be any object of the caller, secrets among them."""
    shown = repr(TurnOptions(plugin_inputs={"vault": "hunter2"}))
    assert "hunter2" not in shown
    assert "plugin_inputs" not in shown
    assert shown.startswith("TurnOptions(cancel=")


async def shown(answer: ScriptedReply) -> str:
    """The `repr` of a turn, without the time that it took."""
    core = LashCore.standard().in_memory().provider(ScriptedProvider([answer])).model("m").build()
    session = await core.session("s").open()
    result = await session.turn("hello").turn_id("t").run()
    return repr(result).replace(f"duration_ms={round(result.duration_ms, 1)}", "duration_ms=…")


async def test_a_result_says_how_its_turn_ended() -> None:
    """Who prints one, or a list of some, sees which turn it was, what came of it and what it used."""
    assert await shown(
        reply("Hi!", usage=LlmUsage(input_tokens=12, output_tokens=3, cached_input_tokens=0, reasoning_tokens=0))
    ) == (
        "TurnResult(session_id='s', turn_id='t', turn_index=1, is_success=True, outcome.reason='assistant_message', reply='Hi!',"
        " duration_ms=…, usage.input_tokens=12, usage.output_tokens=3)"
    )


async def test_a_result_of_a_failed_turn_says_why() -> None:
    """It does not look like one of a good turn."""
    said = await shown(LlmTransportError("the model is on fire"))
    assert "is_success=False, outcome.reason='provider_error', errors[0].message='" in said
    assert "the model is on fire" in said
    assert "reply" not in said


async def test_a_result_of_a_cancelled_turn_says_that_alone() -> None:
    """No error of the model, which did nothing wrong; its issues are the reference's, and what else went wrong is told."""
    token = CancellationToken()

    async def cancels(_: object) -> str:
        token.cancel()
        await asyncio.Event().wait()
        return ""

    core = LashCore.standard().in_memory().provider(ScriptedProvider(cancels)).model("m").build()
    result = await (await core.session("s").open()).turn("hello").cancel(token)

    assert [issue.message for issue in result.errors] == ["LLM error: cancelled"]
    assert "outcome.reason='cancelled', duration_ms=" in repr(result)
    issue = TurnIssue(kind="runtime", message="it failed")
    other = replace(result, assembly=replace(result.assembly, errors=(*result.errors, issue)))
    assert "errors[1].message='it failed'" in repr(other)


ENDS: Final = (
    TurnOutcome.answered("a"),
    TurnOutcome.stop("cancelled"),
    TurnOutcome(agent_frame_switch=AgentFrameSwitch(frame_id="f")),
    TurnOutcome(finished=TurnFinish(submitted_value=SubmittedValueFinish(value=[1]))),
    TurnOutcome(finished=TurnFinish(tool_value=ToolValueFinish(tool_name="t", value="v"))),
    TurnOutcome(stopped=TurnStopDetail(submitted_error=SubmittedErrorStop(value="e"))),
    TurnOutcome(stopped=TurnStopDetail(tool_error=ToolErrorStop(tool_name="t", value={"e": 1}))),
)


@pytest.mark.parametrize("outcome", ENDS, ids=lambda outcome: outcome.reason)
async def test_what_a_result_shows_can_be_written(outcome: TurnOutcome) -> None:
    """Each name, behind the result and a dot, is what stands beside it."""
    core = LashCore.standard().in_memory().provider(ScriptedProvider(["Hi!"])).model("m").build()
    result = await (await core.session("s").open()).turn("hello").run()
    issue = TurnIssue(kind="runtime", message="it failed")
    result = replace(result, assembly=replace(result.assembly, outcome=outcome, errors=(issue,)))

    pairs = re.findall(r"([\w.\[\]]+)=(.+?)(?:, (?=[a-z_.\[\]0]+=)|\)$)", repr(result).removeprefix("TurnResult("))
    assert len(pairs) >= 9
    for name, shown in pairs:
        written = eval(f"result.{name}", {"result": result})  # noqa: S307 - that is the promise
        assert shown == repr(round(written, 1) if name == "duration_ms" else written)


async def test_a_result_shows_a_long_or_hostile_reply_in_one_short_line() -> None:
    """Both ends of it, how much is left out, and nothing that a terminal obeys."""
    said = await shown("\x1b]0;owned\x07\u202e\r\nfirst " + "x" * 100_000 + " last")
    assert said.isprintable()
    assert len(said) < 400
    assert "first" in said
    assert "last', duration_ms=" in said
    assert "characters left out" in said
