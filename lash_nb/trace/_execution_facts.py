"""Where each fact about running code stands, by release: a part of the table of record facts."""

from collections.abc import Mapping
from typing import Final

from lash_nb.trace._place import ByKind, Place, at

__all__ = ["EXECUTION_FACTS"]

_CODE: Final = "lashlang_execution"

EXECUTION_FACTS: Final[Mapping[str, ByKind]] = {
    name: {_CODE: places}
    for name, places in {
        "language": at("language", "7–"),
        "event_key": at("event.event_key", "2d–"),
        "identity": at("event.identity", "2e–"),
        "scope": at("event.identity.scope", "2e–"),
        "subject": at("event.identity.subject", "2e–"),
        "process_id": (Place("event.identity.subject.process_id", "2e–"), Place("event.process_id", "2d")),
        "effect_of_code": at("event.identity.subject.effect_id", "2e–"),
        "process_session_id": at("event.session_id", "2d"),
        "module_ref": (
            Place("event.identity.document.module_ref", "36"),
            Place("event.identity.module_ref", "2e–35"),
            Place("event.module_ref", "2d"),
        ),
        "entry_kind": (Place("event.identity.document.entry.kind", "36"), Place("event.identity.entry_kind", "2e–35")),
        "entry_ref": (
            Place("event.identity.document.entry.process_ref", "36"),
            Place("event.identity.entry_ref", "2e–35"),
            Place("event.process_ref", "2d"),
        ),
        "entry_name": (Place("event.identity.entry_name", "2e–"), Place("event.process_name", "2d")),
        "engine_execution_id": (
            Place("event.identity.engine_execution_id", "35–"),
            Place("event.identity.restate_invocation_id", "27–34"),
        ),
        "execution_attempt": at("event.identity.attempt", "28–"),
        "incarnation": at("event.identity.incarnation", "28–35"),
        "execution_map": (Place("event.execution_map", "2e–35"), Place("event.process_map", "2d")),
        "execution_status": at("event.status", "2d–"),
        "node_id": (Place("event.node_id", "2d–"), Place("event.parent_node_id", "2d–")),
        "node_kind": at("event.node_kind", "2d–35"),
        "label": at("event.label", "2d–35"),
        "occurrence": at("event.occurrence", "2d–"),
        "site_path": at("event.context.site_path", "36"),
        "loops": at("event.context.loops", "36"),
        "edge_id": at("event.edge_id", "2d–35"),
        "selected": at("event.selected", "2d–"),
        "node_call_id": at("event.call_id", "27–"),
        "awaited": at("event.awaited", "31–"),
        "resolution": at("event.resolution", "31–"),
        "failure": at("event.failure", "30–"),
        "child_scope": at("event.child.scope", "2e–"),
        "child_subject": at("event.child.subject", "2e–27"),
        "child_process_id": (
            Place("event.child.process_id", "28–"),
            Place("event.child.subject.process_id", "2e–27"),
            Place("event.child_process_id", "2d"),
        ),
        "child_attempt": at("event.child.attempt", "28–"),
        "child_incarnation": at("event.child.incarnation", "28–35"),
        "child_module_ref": (
            Place("event.child.document.module_ref", "36"),
            Place("event.child.module_ref", "2e–35"),
            Place("event.child_module_ref", "2d"),
        ),
        "child_entry_ref": (
            Place("event.child.document.entry.process_ref", "36"),
            Place("event.child.entry_ref", "2e–35"),
            Place("event.child_process_ref", "2d"),
        ),
        "child_entry_name": (Place("event.child.entry_name", "2e–"), Place("event.child_process_name", "2d")),
    }.items()
}
"""Facts of the records that the sink for code writes."""
