"""Everything that the reference's facade offers is here, under its name or under one that says the same."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from lash_nb.core import LashCore, LashSession, ModePreset, RuntimeHostConfig
from lash_nb.errors import EmbedError
from lash_nb.runtime import TurnResult
from lash_nb.stores import InMemoryHostEventStore, InMemoryProcessRegistry
from lash_nb.wire import TokenUsage, TurnInput
from tests.runtime.desk import answers, builder

PROMPT: Final = "prompt_template prompt_contribution replace_prompt_slot clear_prompt_slot prompt_layer"  # facade §11
NAMES: Final[Mapping[str, tuple[Callable[[LashSession], Any], str]]] = {
    "presets": (lambda _: LashCore, "builder standard rlm"),
    "builder": (
        lambda _: LashCore.builder(),
        (
            f"install_mode default_mode provider model max_turns session_spec store_factory child_store_factory attachment_store"
            f" lashlang_artifact_store effect_host host_event_store tools plugin plugins configure_plugins trace_sink lashlang_execution_sink"
            f" trace_jsonl_path lashlang_execution_jsonl_path trace_level trace_context termination residency process_registry"
            f" process_work_driver queued_work_poke live_replay_store {PROMPT} advanced build"
        ),
    ),
    "advanced builder": (lambda _: LashCore.builder().advanced(), "runtime_host_config plugin_host build"),
    "core": (
        lambda _: builder([]).build(),
        (
            "session host_events effect_host delete_session installed_modes process_observer process_registry"
            " durable_process_worker_config durable_process_worker_config_with_plugins process_work_poke"
        ),
    ),
    "modes": (
        lambda _: ModePreset,
        "standard rlm rlm_with_config rlm_with_projection_resolver rlm_with_config_and_projection_resolver",
    ),
    "session builder": (
        lambda _: builder([]).build().session("s"),
        f"standard rlm mode provider session_spec parent store plugin {PROMPT} final_answer_format open open_fresh open_with_state",
    ),
    "session": (
        lambda session: session,
        (
            "close session_id policy_snapshot mode parent_session_id read_view usage_report observe turn next_queued_turn queue queued_work"
            " cancel_queued_work_batch await_queued_work_batch cancel_running_turns effect_host control tools commands triggers"
            " process_control plugin_actions configure set_turn_phase_probe"
        ),
    ),
    "queue input": (lambda session: session.queue("q"), "id delivery_policy slot_policy send"),
    "observable": (
        lambda session: session.observe(),
        (
            "session_id policy_snapshot read_view usage_report tool_state active_tool_manifests list_process_handles"
            " list_all_process_handles process_scope current_observation resume_from_cursor subscribe_from_cursor"
        ),
    ),
    "turn": (
        lambda session: session.turn("t"),
        (
            f"cancel protocol_turn_options provider model {PROMPT} plugin_input turn_id run stream_to stream effects"
            " collect_session_events_with require_submit require_submit_schema allow_prose_or_submit"
        ),
    ),
    "queued turn": (lambda session: session.next_queued_turn(), "cancel batch_ids drain_id run stream_to effects"),
    "turn result": (
        lambda _: TurnResult,
        (
            "state outcome assistant_output children_usage tool_calls execution errors assistant_message submitted_value tool_value"
            " is_success total_usage"
        ),
    ),
    "config": (
        lambda session: session.control.config,
        (
            "update update_session_config set_prompt_template clear_prompt_template add_prompt_contribution replace_prompt_slot"
            " clear_prompt_slot"
        ),
    ),
    "tools": (
        lambda session: session.control.tools,
        (
            "state set_availability set_availability_many clear_availability_override active_definitions add_provider remove_source"
            " apply_state restore_state"
        ),
    ),
    "commands": (lambda session: session.control.commands, "refresh_tool_surface reset"),
    "triggers": (lambda session: session.control.triggers, "list_all by_source_type"),
    "state": (
        lambda session: session.control.state,
        (
            "export append_messages append_plugin_body set_persisted branch_to_node persist_current session_state_service"
            " snapshot_execution restore_execution rewrite_history get_historic_node orphaned_node_ids"
        ),
    ),
    "state service": (
        lambda session: session.control.state.session_state_service(),
        "snapshot_current snapshot_session tool_catalog tool_state apply_tool_state set_tools_availability set_tool_availability",
    ),
    "children": (
        lambda session: session.control.children,
        "create_session close_session activate_managed_session start_turn",
    ),
    "injection": (lambda session: session.control.injection, "inject_turn_input inject_turn_inputs"),
    "mode": (lambda session: session.control.mode, "apply_session_extension"),
    "processes": (lambda session: session.control.processes, "start list list_all await_all cancel cancel_all"),
    "plugin actions": (lambda session: session.plugin_actions, "call"),
    "host events": (lambda _: builder([]).build().host_events(), "emit subscriptions"),
    "host config": (
        lambda _: RuntimeHostConfig.in_memory(),
        (
            "effect_host attachment_store lashlang_artifact_store host_profile_id process_cancel_ability providers prompt trace_sink lashlang_execution_sink"
            " trace_level trace_context termination"
        ),
    ),
    "turn input": (lambda _: TurnInput.text("t"), "items image_blobs protocol_turn_options trace_turn_id with_image"),
    "usage": (lambda _: TokenUsage.zero(), "input_tokens output_tokens cached_input_tokens reasoning_tokens"),
}
"""Where to look, and the names that the reference has there, or ours for what it has. Of turns: `effects` is its scopes, `stream` its pull
streams, `plugin_input` its `with_plugin_input`."""


@pytest.mark.parametrize("where", NAMES)
async def test_a_name_of_the_facade_is_there(where: str) -> None:
    """All of them."""
    session = await builder(answers()).build().session("demo").open()
    find, names = NAMES[where]
    found = find(session)
    assert [name for name in names.split() if not hasattr(found, name)] == []


def test_every_setter_returns_what_it_was_called_on(tmp_path: Path) -> None:
    """So that they can be written in one breath; the last of the two sources of background work counts."""
    made = LashCore.standard()
    chained = (
        made.install_mode(ModePreset.rlm())
        .default_mode("rlm")
        .max_turns(3)
        .host_event_store(InMemoryHostEventStore())
        .process_registry(InMemoryProcessRegistry())
        .trace_jsonl_path(tmp_path / "trace.jsonl")
        .lashlang_execution_jsonl_path(tmp_path / "programs.jsonl")
        .residency("active_path_only")
        .queue_lease_ms(1_000)
    )
    assert chained is made


def test_every_error_of_the_facade_has_its_fields() -> None:
    """Those of the reference, by variant; what it wraps is raised as it is."""
    assert set(EmbedError.variants) == {
        "NoModesInstalled",
        "DefaultModeNotInstalled",
        "ModeNotInstalled",
        "MissingModelSpec",
        "MissingEffectHost",
        "MissingLashlangArtifactStore",
        "MissingAttachmentStore",
        "StoreFactory",
        "StoreSessionMismatch",
        "MissingProcessWorkerStoreFactory",
        "DurableStorePeerRequired",
        "DurableProcessRegistryRequiresStoreFactory",
        "ProcessRegistryRequiresStoreFactory",
        "MissingProcessRegistry",
        "MissingSessionStoreFactory",
        "SessionDeleteProcess",
        "MissingPluginTurnInput",
        "ProtocolTurnOptions",
        "DurableEffectHostRequiresHandlerContext",
    }
