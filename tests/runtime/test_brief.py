"""What is left out when records of a turn are shown."""

from lash_nb import LashCore, ScriptedProvider
from lash_nb.runtime import TurnOptions


def test_what_a_caller_gives_to_plugins_is_not_shown() -> None:
    """Inputs of plugins may be any object of the caller, secrets among them."""
    shown = repr(TurnOptions(plugin_inputs={"vault": "hunter2"}))
    assert "hunter2" not in shown
    assert "plugin_inputs" not in shown
    assert shown.startswith("TurnOptions(cancel=")


async def test_a_result_is_shown_without_what_is_long() -> None:
    """Who shows a result sees which turn it was and what it used."""
    core = LashCore.standard().in_memory().provider(ScriptedProvider(["hi"])).model("m").build()
    session = await core.session("s").open()
    result = await session.turn("hello").turn_id("t").run()
    assert repr(result) == (
        f"TurnResult(session_id='s', turn_id='t', turn_index=1, usage={result.usage!r},"
        f" duration_ms={result.duration_ms!r}, waited_ms=0.0, unasked=0)"
    )
