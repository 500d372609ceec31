"""Steps on the controls of a session, and on what it is as a value."""

from collections.abc import Mapping
from typing import Any, Final

from lash_nb.core import SessionConfigPatch
from lash_nb.plugins import WindowShrinkRewrite
from lash_nb.runtime import state_builtins
from lash_nb.wire import ModelSpec, PluginMessage, PromptLayer, from_builtins, to_builtins
from tests.conformance.turns._ops import Op, Step
from tests.conformance.turns._run import Run

__all__ = ["CONTROL_OPS"]


async def _branch(run: Run, step: Step) -> Any:
    return to_builtins(await run.session(step).control.state.branch_to_node(step["node"]))


async def _append_messages(run: Run, step: Step) -> None:
    messages = [from_builtins(message, PluginMessage) for message in step["messages"]]
    await run.session(step).control.state.append_messages(messages)


async def _append_plugin_body(run: Run, step: Step) -> None:
    await run.session(step).control.state.append_plugin_body(step["plugin_type"], step["body"])


async def _persist(run: Run, step: Step) -> Any:
    state = await run.session(step).control.state.persist_current()
    if "as" in step:
        run.states[step["as"]] = state
    return state_builtins(state) if step.get("show") else None


async def _set_persisted(run: Run, step: Step) -> None:
    await run.session(step).control.state.set_persisted(run.state(step["state"]))


async def _rewrite_history(run: Run, step: Step) -> bool:
    return await run.session(step).control.state.rewrite_history()


async def _rewrite_window(run: Run, step: Step) -> bool:
    return await run.session(step).control.state.rewrite_history(WindowShrinkRewrite(old_max=1000, new_max=500))


async def _configure(run: Run, step: Step) -> None:
    patch = SessionConfigPatch(
        model=from_builtins(step["model"], ModelSpec) if "model" in step else None,
        prompt=from_builtins(step["prompt"], PromptLayer) if "prompt" in step else None,
    )
    await run.session(step).control.config.update(patch)


async def _bump(run: Run, step: Step) -> int:
    counter = run.counters[step["plugin"]]
    counter.count += step.get("by", 1)
    return int(counter.count)


async def _count(run: Run, step: Step) -> int:
    return int(run.counters[step["plugin"]].count)


async def _read_view(run: Run, step: Step) -> Any:
    view = run.session(step).read_view()
    fields = {name: getattr(view, name) for name in VIEW_FIELDS}
    told = {name: to_builtins(field() if callable(field) else field) for name, field in fields.items()}
    return told | {"message_tree": [_branch_of(node) for node in told["message_tree"]]}


def _branch_of(node: dict[str, Any]) -> dict[str, Any]:
    return {
        "node_id": node["node_id"],
        "parent_message_node_id": node.get("parent_message_node_id"),
        "message_id": node["message"]["id"],
        "role": node["message"]["role"],
        "active": node["active"],
        "children": [_branch_of(child) for child in node["children"]],
    }


VIEW_FIELDS: Final = (
    "session_id",
    "turn_index",
    "token_usage",
    "last_prompt_usage",
    "protocol_turn_options",
    "policy",
    "messages",
    "active_events",
    "chronological_projection",
    "message_tree",
    "user_message_count",
    "first_user_message",
    "leaf_node_id",
    "node_count",
)

CONTROL_OPS: Final[Mapping[str, Op]] = {
    "branch": Op(_branch, frozenset({"node"})),
    "append_messages": Op(_append_messages, frozenset({"messages"})),
    "append_plugin_body": Op(_append_plugin_body, frozenset({"plugin_type", "body"})),
    "persist": Op(_persist, frozenset({"as", "show"})),
    "set_persisted": Op(_set_persisted, frozenset({"state"})),
    "rewrite_history": Op(_rewrite_history),
    "rewrite_window": Op(_rewrite_window),
    "configure": Op(_configure, frozenset({"model", "prompt"})),
    "bump": Op(_bump, frozenset({"plugin", "by"})),
    "count": Op(_count, frozenset({"plugin"})),
    "read_view": Op(_read_view),
}
