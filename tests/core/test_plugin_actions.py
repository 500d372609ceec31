"""What plugins let their host do, and what they tell about tools."""

from collections.abc import Sized
from typing import Any

import pytest

from lash_nb.core import LashCore, LashSession
from lash_nb.errors import PluginActionError, PluginError
from lash_nb.plugins import (
    FunctionToolProvider,
    PluginActionContext,
    PluginActionDef,
    PluginRegistrar,
    PluginSpec,
    PluginSpecFactory,
    ToolDiscovery,
    tool,
    tool_err,
)
from lash_nb.providers import ScriptedProvider


def action(name: str, session_param: Any = "required") -> PluginActionDef:
    """Return the definition of an action."""
    return PluginActionDef(name=name, description="Says it again.", kind="query", session_param=session_param)


async def echo(context: PluginActionContext, args: Any) -> Any:
    """Return the arguments with the session."""
    return {"session": context.session_id, "args": args}


async def opened(**spec: Any) -> LashSession:
    """Open a session with one plugin."""
    plugin = PluginSpecFactory("notes", lambda _: PluginSpec(**spec))
    core = LashCore.standard().in_memory().provider(ScriptedProvider([])).model("m").plugin(plugin).build()
    return await core.session("s").open()


async def test_an_action_is_done() -> None:
    """It gets the session and its arguments, and its value comes back."""
    session = await opened(plugin_actions=((action("notes.echo"), echo),))
    assert [one.name for one in session.plugin_actions.definitions] == ["notes.echo"]
    assert await session.plugin_actions.call("notes.echo", [1]) == {"session": "s", "args": [1]}


@pytest.mark.parametrize(
    ("name", "variant"), [("nobody", "Unknown"), ("alone", "UnexpectedSession")], ids=["unknown", "forbidden"]
)
async def test_an_action_that_cannot_be_tried(name: str, variant: str) -> None:
    """The error says which rule it broke, and what there is."""
    session = await opened(plugin_actions=((action("alone", "forbidden"), echo),))
    with pytest.raises(PluginActionError, match=name) as refused:
        await session.plugin_actions.invoke(name)
    assert refused.value.variant == variant


@pytest.mark.parametrize(
    ("handler", "text"),
    [(lambda *_: 1 / 0, "ZeroDivisionError"), (lambda *_: object(), "NotJsonError"), (lambda *_: tool_err("no"), "no")],
    ids=["raises", "no JSON", "fails"],
)
async def test_an_action_that_fails(handler: Any, text: str) -> None:
    """Whatever goes wrong is an error of the plugin."""
    session = await opened(plugin_actions=((action("bad"), handler),))
    with pytest.raises(PluginError, match=text):
        await session.plugin_actions.call("bad")


async def test_an_action_twice() -> None:
    """Two actions of one name: the session does not open."""
    with pytest.raises(Exception, match="duplicate plugin action `a`"):
        await opened(plugin_actions=((action("a"), echo), (action("a"), lambda *_: None)))


@tool
def forecast(city: str) -> str:
    """Tell the weather."""
    return city


async def test_the_catalog_of_tools() -> None:
    """Contributors add names under which a tool is found; those that fail add nothing."""
    additions = ToolDiscovery(tool_name="forecast", namespace=" sky ", aliases=("weather", " rain ", ""))
    session = await opened(
        tool_providers=(FunctionToolProvider([forecast]),),
        tool_discovery_contributors=(lambda _: [additions, ToolDiscovery(tool_name="nobody")],),
    )
    entry = next(one for one in session.tool_catalog() if one["name"] == "forecast")
    assert (entry["namespace"], entry["aliases"], entry["call"]) == ("sky", ["rain", "weather"], "tools.forecast")
    assert entry["callable"]

    failing = await opened(
        tool_providers=(FunctionToolProvider([forecast]),),
        tool_discovery_contributors=(lambda _: [additions], lambda _: 1),
    )
    assert "namespace" not in next(one for one in failing.tool_catalog() if one["name"] == "forecast")


def test_a_spec_brings_every_field() -> None:
    """What stands in a field is with the registrar afterwards; a field that nobody registers would be lost in silence."""
    given: Any = {field: (_Anything(),) for field in PluginSpec.__dataclass_fields__}
    brought = PluginSpec(**{**given, "plugin_actions": ((action("a"), echo),)})
    registrar = PluginRegistrar()
    registrar.begin("notes")
    brought.register(registrar)
    hooks = registrar.hooks
    lists: list[Sized] = [
        registrar.tool_providers,
        registrar.prompt_contributors,
        registrar.tool_surface_contributors,
        registrar.tool_discovery_contributors,
        registrar.turn_context_transforms,
        registrar.history_rewriters,
        hooks.before_turn,
        hooks.before_tool_call,
        hooks.after_tool_call,
        hooks.after_turn,
        hooks.checkpoint,
        hooks.assistant_stream,
        hooks.assistant_response,
        hooks.lifecycle,
        hooks.config_mutators,
        registrar.plugin_actions,
    ]
    assert [len(held) for held in lists] == [1] * 16
    assert registrar.tool_result_projector is not None
    assert len(PluginSpec.__dataclass_fields__) == len(lists) + 1


class _Anything:
    """Stands in every field: a tool provider without tools."""

    def tool_manifests(self) -> tuple[()]:
        """Offer nothing."""
        return ()
