"""Views: widgets with a static twin each, and the cards and texts that need no widget at all."""

from typing import TYPE_CHECKING

from lash_nb.lazy import lazy_face

if TYPE_CHECKING:
    from lash_nb.views._attachments import AttachmentsView
    from lash_nb.views._base import EMPTY_BUNDLE, View, static_html, static_svg, text
    from lash_nb.views._effects_static import (
        effect_pictures_html,
        effects_html,
        effects_text,
        envelope_html,
        envelope_line,
        envelope_text,
    )
    from lash_nb.views._frame import FrameFace, Share
    from lash_nb.views._graph import SessionGraphView
    from lash_nb.views._graph_rows import turn_ends
    from lash_nb.views._live_turn import LiveTurnView, TurnDesk
    from lash_nb.views._markup import THEME_RULE, untypeset
    from lash_nb.views._node_face import node_html, node_line, node_text
    from lash_nb.views._prompt_preview import PromptComponentLike, PromptLike, prompt_html, prompt_text
    from lash_nb.views._record_faces import (
        session_graph_html,
        session_graph_svg,
        session_graph_text,
        trace_html,
        trace_svg,
        trace_text,
    )
    from lash_nb.views._report import trace_report
    from lash_nb.views._report_file import write_trace_report
    from lash_nb.views._report_text import summary_text
    from lash_nb.views._small_pictures import AttachmentBytes
    from lash_nb.views._steppable import Steppable, StepperState
    from lash_nb.views._stepper import StepperView
    from lash_nb.views._store_faces import (
        attachment_check_html,
        attachment_check_text,
        attachment_collection_html,
        attachment_collection_text,
        store_html,
        store_text,
        stored_session_html,
        stored_session_text,
    )
    from lash_nb.views._timeline import TraceTimelineView
    from lash_nb.views._tool import ToolLike, tool_html, tool_line, tool_text, tool_trial_html, tool_trial_text
    from lash_nb.views._tools import ToolsFace, trial_line
    from lash_nb.views._trace_explorer import TraceExplorerView
    from lash_nb.views._turn import TurnDisplay
    from lash_nb.views._turn_card import turn_html
    from lash_nb.views._turn_places import turn_places
    from lash_nb.views._turn_text import turn_text
    from lash_nb.views._turn_words import TurnLike, TurnState

__all__ = [
    "EMPTY_BUNDLE",
    "THEME_RULE",
    "AttachmentBytes",
    "AttachmentsView",
    "FrameFace",
    "LiveTurnView",
    "PromptComponentLike",
    "PromptLike",
    "SessionGraphView",
    "Share",
    "Steppable",
    "StepperState",
    "StepperView",
    "ToolLike",
    "ToolsFace",
    "TraceExplorerView",
    "TraceTimelineView",
    "TurnDesk",
    "TurnDisplay",
    "TurnLike",
    "TurnState",
    "View",
    "attachment_check_html",
    "attachment_check_text",
    "attachment_collection_html",
    "attachment_collection_text",
    "effect_pictures_html",
    "effects_html",
    "effects_text",
    "envelope_html",
    "envelope_line",
    "envelope_text",
    "node_html",
    "node_line",
    "node_text",
    "prompt_html",
    "prompt_text",
    "session_graph_html",
    "session_graph_svg",
    "session_graph_text",
    "static_html",
    "static_svg",
    "store_html",
    "store_text",
    "stored_session_html",
    "stored_session_text",
    "summary_text",
    "text",
    "tool_html",
    "tool_line",
    "tool_text",
    "tool_trial_html",
    "tool_trial_text",
    "trace_html",
    "trace_report",
    "trace_svg",
    "trace_text",
    "trial_line",
    "turn_ends",
    "turn_html",
    "turn_places",
    "turn_text",
    "untypeset",
    "write_trace_report",
]

_HOMES = {
    "AttachmentBytes": "_small_pictures",
    "AttachmentsView": "_attachments",
    "EMPTY_BUNDLE": "_base",
    "FrameFace": "_frame",
    "LiveTurnView": "_live_turn",
    "PromptComponentLike": "_prompt_preview",
    "PromptLike": "_prompt_preview",
    "SessionGraphView": "_graph",
    "Share": "_frame",
    "Steppable": "_steppable",
    "StepperState": "_steppable",
    "StepperView": "_stepper",
    "THEME_RULE": "_markup",
    "ToolLike": "_tool",
    "ToolsFace": "_tools",
    "TraceExplorerView": "_trace_explorer",
    "TraceTimelineView": "_timeline",
    "TurnDesk": "_live_turn",
    "TurnDisplay": "_turn",
    "TurnLike": "_turn_words",
    "TurnState": "_turn_words",
    "View": "_base",
    "attachment_check_html": "_store_faces",
    "attachment_check_text": "_store_faces",
    "attachment_collection_html": "_store_faces",
    "attachment_collection_text": "_store_faces",
    "effect_pictures_html": "_effects_static",
    "effects_html": "_effects_static",
    "effects_text": "_effects_static",
    "envelope_html": "_effects_static",
    "envelope_line": "_effects_static",
    "envelope_text": "_effects_static",
    "node_html": "_node_face",
    "node_line": "_node_face",
    "node_text": "_node_face",
    "prompt_html": "_prompt_preview",
    "prompt_text": "_prompt_preview",
    "session_graph_html": "_record_faces",
    "session_graph_svg": "_record_faces",
    "session_graph_text": "_record_faces",
    "static_html": "_base",
    "static_svg": "_base",
    "store_html": "_store_faces",
    "store_text": "_store_faces",
    "stored_session_html": "_store_faces",
    "stored_session_text": "_store_faces",
    "summary_text": "_report_text",
    "text": "_base",
    "tool_html": "_tool",
    "tool_line": "_tool",
    "tool_text": "_tool",
    "tool_trial_html": "_tool",
    "tool_trial_text": "_tool",
    "trace_html": "_record_faces",
    "trace_report": "_report",
    "trace_svg": "_record_faces",
    "trace_text": "_record_faces",
    "trial_line": "_tools",
    "turn_ends": "_graph_rows",
    "turn_html": "_turn_card",
    "turn_places": "_turn_places",
    "turn_text": "_turn_text",
    "untypeset": "_markup",
    "write_trace_report": "_report_file",
}

if not TYPE_CHECKING:  # or every name that is not there would be one for type checkers
    __getattr__, __dir__ = lazy_face(__name__, _HOMES)
