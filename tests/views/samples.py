"""What the tests of this room show: the weather desk's trace and pictures, a graph with two branches, a turn that is stepped through."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from lash_nb.errors import AttachmentStoreError
from lash_nb.stores import AttachmentListing, StoredAttachment
from lash_nb.trace import Trace, read_trace
from lash_nb.wire import (
    AttachmentRef,
    AttachmentRow,
    AttachmentState,
    EffectEntry,
    ImageMediaType,
    MediaType,
    Message,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    SessionGraph,
    TokenUsage,
    ToolCallActivityCompleted,
    ToolCallRecord,
    TurnActivity,
    TurnIssue,
    TurnOutcome,
    content_id,
    from_builtins,
)

DATA: Final = Path(__file__).parents[2] / "notebooks" / "data"
STARTED: Final = "2026-11-21T14:21:18.449000000+00:00"
HOSTILE: Final = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</pre></div><svg onload=alert(1)>",
    "javascript:alert(1)",
    "\u202etxt.exe\u0000\u001b[31mred",
    "{{7*7}} ${7*7} `x` %(x)s",
)
"""Texts that a model, a tool or a trace may carry."""

CHART_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "values": {"type": "array", "items": {"type": "number"}},
        "scale": {"type": "string", "enum": ["linear", "log"]},
        "width": {"type": "integer", "minimum": 100, "maximum": 2000},
    },
    "required": ["title", "values"],
}


def station_trace() -> Trace:
    """The trace of the weather desk: 23 turns, written by the reference."""
    return read_trace(DATA / "station.trace.jsonl")


def charts() -> list[bytes]:
    """The two pictures that the weather desk drew."""
    folder = DATA / "station_attachments" / "sha256"
    return [path.read_bytes() for path in sorted(folder.glob("*/*")) if path.suffix == ""]


def node(key: str, parent: str | None, role: str, *parts: tuple[str, str], minute: int = 0) -> dict[str, Any]:
    """One message node; parts are `(kind, content)`."""
    pieces = [
        {
            "id": f"{key}.p{place}",
            "kind": kind,
            "content": content,
            "prune_state": "Intact",
            "tool_name": "station_reading" if "Tool" in kind else None,
            "tool_call_id": f"call_{key}" if "Tool" in kind else None,
        }
        for place, (kind, content) in enumerate(parts)
    ]
    message = {"id": key, "role": role, "parts": pieces}
    return {
        "node_id": key,
        "parent_node_id": parent,
        "timestamp": f"2026-11-21T15:{minute:02d}:45.288925864+00:00",
        "kind": "event",
        "event": {"Conversation": message},
    }


def graph_of(turns: Sequence[tuple[int, int | None, str]], leaf: int) -> SessionGraph:
    """A graph of turns `(number, parent turn, text)`, each with a question, a tool call, its result and an answer."""
    nodes: list[dict[str, Any]] = []
    for number, parent, text in turns:
        result = "[Tool execution failed]\nno answer" if "Perth" in text else '{"temp_c":10.6}'
        head = f"a{parent}" if parent is not None else None
        nodes += [
            node(f"q{number}", head, "User", ("Text", text), minute=number),
            node(
                f"c{number}",
                f"q{number}",
                "Assistant",
                ("Prose", "Let me look."),
                ("ToolCall", '{"station":"Oslo"}'),
                minute=number,
            ),
            node(f"r{number}", f"c{number}", "User", ("ToolResult", result), minute=number),
            node(f"a{number}", f"r{number}", "Assistant", ("Prose", f"Answer {number}."), minute=number),
        ]
    return from_builtins({"nodes": nodes, "leaf_node_id": f"a{leaf}"}, SessionGraph)


def replied(*replies: str) -> SessionGraph:
    """A graph of one turn, whose question is answered with these texts, in parts of one message."""
    asked = node("q1", None, "User", ("Text", "How is the weather?"), minute=1)
    answered = node("a1", "q1", "Assistant", *(("Prose", reply) for reply in replies), minute=1)
    return from_builtins({"nodes": [asked, answered], "leaf_node_id": "a1"}, SessionGraph)


def station_graph() -> SessionGraph:
    """Twelve turns: eight on a first branch, four on the one that is current; one failed on the first."""
    first = [(number, number - 1 or None, f"Question {number}?") for number in range(1, 9)]
    first[4] = (5, 4, "And Perth?")
    second = [
        (9, 2, "Instead: how warm is it in Quito?"),
        *((number, number - 1, "A quick reading?") for number in range(10, 19)),
    ]
    return graph_of([*first, *second], leaf=18)


def envelope(
    order: int, command: dict[str, Any], *, effect_id: str | None = None, turn: int = 4
) -> RuntimeEffectEnvelope:
    """An envelope of turn 4 of session `main`."""
    kind = command["type"]
    effect = effect_id or str(order)
    key = f"main:turn-{turn:02d}:{turn}:0:{kind}:{effect}"
    scope = {"session_id": "main", "turn_id": f"turn-{turn:02d}", "turn_index": turn, "protocol_iteration": 0}
    cause = {"type": "effect", "session_id": "main", "turn_id": f"turn-{turn:02d}", "effect_id": str(order - 1)}
    invocation = {
        "scope": scope,
        "subject": {"type": "effect", "effect_id": effect, "kind": kind},
        "caused_by": cause,
        "replay": {"key": key},
    }
    return from_builtins({"invocation": invocation, "command": command}, RuntimeEffectEnvelope)


def llm_command(text: str = "Draw the last ten days of Hanoi.") -> dict[str, Any]:
    """A model call with one user message."""
    blocks = [{"Text": {"text": text, "response_meta": None, "cache_breakpoint": False}}]
    request: dict[str, Any] = {
        "model": "desk-model",
        "messages": [{"role": "User", "blocks": blocks}],
        "attachments": [],
        "tools": [],
        "tool_choice": "Auto",
        "model_variant": None,
        "generation": {},
        "session_id": "main",
        "output_spec": None,
    }
    return {"type": "llm_call", "request": request}


def tool_command(name: str = "draw_chart", call_id: str = "call_06", **args: Any) -> dict[str, Any]:
    """A tool call."""
    return {"type": "tool_call", "call": {"call_id": call_id, "tool_name": name, "args": args}}


def llm_outcome(text: str) -> dict[str, Any]:
    """A reply of the model."""
    usage = {"input_tokens": 978, "output_tokens": 26, "cached_input_tokens": 421, "reasoning_tokens": 0}
    response: dict[str, Any] = {
        "full_text": text,
        "parts": [],
        "usage": usage,
        "terminal_reason": "stop",
        "terminal_diagnostic": None,
        "provider_usage": None,
        "request_body": None,
        "http_summary": None,
    }
    return {"type": "llm_call", "result": {"Ok": response}, "text_streamed": True}


def tool_outcome(command: dict[str, Any], outcome: dict[str, Any]) -> dict[str, Any]:
    """The result of a tool call."""
    call = command["call"]
    model_return = {"call_id": call["call_id"], "tool_name": call["tool_name"], "parts": []}
    return {
        "type": "tool_call",
        "result": {
            **call,
            "output": {"outcome": outcome},
            "model_return": model_return,
            "duration_ms": 111,
            "replay": None,
        },
    }


def entry(order: int, command: dict[str, Any], outcome: dict[str, Any] | None = None, **more: Any) -> EffectEntry:
    """An effect of the journal; pending without an outcome."""
    kept = {
        "status": "ok" if outcome else "pending",
        "started_at": STARTED,
        "duration_ms": 111.0 if outcome else None,
        **more,
    }
    effect_id, turn = kept.pop("effect_id", None), kept.pop("turn", 4)
    return EffectEntry(
        order=order,
        envelope=envelope(order, command, effect_id=effect_id, turn=turn),
        outcome=from_builtins(outcome, RuntimeEffectOutcome) if outcome else None,
        **kept,
    )


HISTORY: Final = tool_command("station_history", "call_05", days=10, station="Hanoi")
CHART: Final = tool_command(title="Hanoi, ten days", values=[3.3, 5.7, 7.7, 5.4, 4.4, 7.8, 2.3, 7.1, 3.7, 2.8])


def journal(pending: dict[str, Any] | None = None) -> list[EffectEntry]:
    """Three finished turns in short, and a fourth that waits before its second tool call."""
    history = {
        "days": list(range(1, 11)),
        "station": "Hanoi",
        "temp_c": [3.3, 5.7, 7.7, 5.4, 4.4, 7.8, 2.3, 7.1, 3.7, 2.8],
    }
    surface = (
        {"type": "sync_execution_surface", "update_machine_config": True},
        {"type": "sync_execution_surface", "result": {"Ok": None}},
    )
    checkpoint = (
        {"type": "checkpoint", "checkpoint": "after_work"},
        {"type": "checkpoint", "result": {"Ok": {"messages": [], "transient_messages": [], "turn_causes": []}}},
    )
    reading = tool_command("station_reading", "call_03", station="Perth")
    offline = {
        "status": "failure",
        "payload": {
            "class": "external",
            "code": "station_offline",
            "message": "the station in Perth does not answer",
            "source": "tool",
            "retry": {"type": "never"},
        },
    }
    return [
        entry(1, llm_command(), llm_outcome("Six stations."), turn=1, duration_ms=152),
        entry(2, llm_command(), llm_outcome(""), turn=2, duration_ms=98),
        entry(3, reading, tool_outcome(reading, offline), turn=2, duration_ms=81, status="failed"),
        entry(4, llm_command(), llm_outcome("It is cool."), turn=2, duration_ms=100),
        entry(5, *surface, duration_ms=1),
        entry(6, llm_command(), llm_outcome(""), duration_ms=142),
        entry(
            7,
            HISTORY,
            tool_outcome(HISTORY, {"status": "success", "payload": history}),
            effect_id="3:call_05",
            origin="edited",
        ),
        entry(8, *checkpoint, duration_ms=1),
        entry(9, *surface, duration_ms=1),
        entry(10, llm_command(), llm_outcome(""), duration_ms=92),
        entry(11, pending or CHART, effect_id="7:call_06"),
    ]


def talk() -> list[Message]:
    """What the model knows before the second tool call."""
    raw = [
        {
            "id": "m1",
            "role": "User",
            "parts": [
                {"id": "m1.p0", "kind": "Text", "content": "Draw the last ten days of Hanoi.", "prune_state": "Intact"}
            ],
        },
        {
            "id": "m2",
            "role": "Assistant",
            "parts": [
                {
                    "id": "m2.p0",
                    "kind": "ToolCall",
                    "content": '{"days":10,"station":"Hanoi"}',
                    "tool_name": "station_history",
                    "tool_call_id": "call_05",
                    "prune_state": "Intact",
                }
            ],
        },
        {
            "id": "m3",
            "role": "User",
            "parts": [
                {
                    "id": "m3.p0",
                    "kind": "ToolResult",
                    "content": '{"days":[1,2,3,4,5,6,7,8,9,10],"station":"Hanoi","temp_c":[3.3,5.7,7.7,5.4]}',
                    "tool_name": "station_history",
                    "tool_call_id": "call_05",
                    "prune_state": "Intact",
                }
            ],
        },
        {
            "id": "m4",
            "role": "Assistant",
            "parts": [
                {
                    "id": "m4.p0",
                    "kind": "ToolCall",
                    "content": '{"title":"Hanoi, ten days","values":[3.3,5.7,7.7,5.4,4.4]}',
                    "tool_name": "draw_chart",
                    "tool_call_id": "call_06",
                    "prune_state": "Intact",
                }
            ],
        },
    ]
    return [from_builtins(message, Message) for message in raw]


class RecordedSteppable:
    """A steppable that notes what it is asked, and goes on to a list of entries given before."""

    def __init__(
        self, entries: list[EffectEntry], *, then: Sequence[EffectEntry] = (), said: Sequence[Message] | None = None
    ) -> None:
        self.session_id = "main"
        self._said = talk() if said is None else said
        self.state: Any = "paused" if entries and entries[-1].status == "pending" else "idle"
        self.is_kept = False
        self.entries = entries
        self.first_order = 0
        self.stop_at = frozenset({"llm_call", "tool_call", "exec_code", "process"})
        self.result: Any = None
        self.error: BaseException | None = None
        self.asked: list[tuple[str, Any]] = []
        self.gate: asyncio.Event | None = None
        self._then = list(then)
        self._callbacks: list[Callable[[], None]] = []

    @property
    def pending(self) -> EffectEntry | None:
        """The last entry, while it waits."""
        last = self.entries[-1] if self.entries else None
        return last if last is not None and last.status == "pending" else None

    @property
    def listeners(self) -> int:
        """How many views watch."""
        return len(self._callbacks)

    def conversation(self) -> Sequence[Message]:
        """What the model knows."""
        return self._said

    def tool_schema(self, name: str) -> dict[str, Any] | None:
        """The schema of `draw_chart`."""
        return CHART_SCHEMA if name == "draw_chart" else None

    def attachment_data(self, attachment_id: str) -> bytes:
        """The charts, by their ids."""
        found = next((chart for chart in charts() if content_id(chart) == attachment_id), None)
        if found is None:
            raise AttachmentStoreError("NotFound", attachment_id)
        return found

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after each change."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    async def step(self, edited: RuntimeEffectEnvelope | None = None) -> None:
        """Go on to the next entry."""
        await self._go("step", edited)

    async def continue_(self, to: str | None = None) -> None:
        """Go on to the next entry."""
        await self._go("continue", to)

    async def inject(self, outcome: RuntimeEffectOutcome) -> None:
        """Go on to the next entry."""
        await self._go("inject", outcome)

    async def cancel(self) -> None:
        """End the turn."""
        self.asked.append(("cancel", None))
        self.state = "finished"
        self._told()

    async def _go(self, verb: str, value: Any) -> None:
        self.asked.append((verb, value))
        if self.gate is not None:
            await self.gate.wait()
        self.entries = [*self.entries[:-1], *self._then[:1]]
        del self._then[:1]
        self.state = "paused" if self.pending else "finished"
        self.result = None if self.pending else FinishedTurn()
        self._told()

    def _told(self) -> None:
        for callback in list(self._callbacks):
            callback()


class FinishedTurn:
    """A turn that is over, as the runtime's result gives it."""

    def __init__(self, activities: Sequence[TurnActivity] = (), **more: Any) -> None:
        self.session_id = "main"
        self.turn_id = "turn-03"
        self.turn_index = 3
        self.outcome: TurnOutcome = more.get("outcome", TurnOutcome.answered("Lima is the warmest."))
        self.reply: str = more.get("reply", "Lima is the warmest.")
        self.usage = TokenUsage(input_tokens=1400, output_tokens=81, cached_input_tokens=421, reasoning_tokens=16)
        self.duration_ms: float = more.get("duration_ms", 694)
        self.waited_ms: float = more.get("waited_ms", 0)
        self.model_calls = 2
        self.errors: Sequence[TurnIssue] = more.get("errors", ())
        self.activities = activities
        self.pictures: Sequence[AttachmentRef] = more.get("pictures", ())
        done = [activity.event for activity in activities if isinstance(activity.event, ToolCallActivityCompleted)]
        self.tool_calls: tuple[ToolCallRecord, ...] = tuple(
            ToolCallRecord(
                call_id=event.call_id,
                tool=event.name,
                args=event.args,
                output=event.output,
                duration_ms=event.duration_ms,
            )
            for event in done
        )
        self.is_success = self.outcome.is_success


def activities(*events: dict[str, Any]) -> list[TurnActivity]:
    """Activities in order; text events share the correlation of their kind."""
    return [
        from_builtins({"id": str(place), "correlation_id": event.get("call_id", event["type"]), **event}, TurnActivity)
        for place, event in enumerate(events)
    ]


def tool_events(
    call_id: str, name: str, args: Any, outcome: dict[str, Any], duration_ms: int = 91
) -> list[dict[str, Any]]:
    """Start and end of a tool call."""
    head = {"call_id": call_id, "name": name, "args": args}
    return [
        {"type": "tool_call_started", **head},
        {"type": "tool_call_completed", **head, "output": {"outcome": outcome}, "duration_ms": duration_ms},
    ]


class MemoryListing(AttachmentListing):
    """Attachments in memory."""

    def __init__(self, *contents: tuple[bytes | None, str], kind: ImageMediaType = "png") -> None:
        self._stored: dict[str, StoredAttachment] = {}
        super().__init__([self._row(data, label, kind) for data, label in contents], self._get)

    def _row(self, data: bytes | None, label: str, kind: ImageMediaType) -> AttachmentRow:
        ref = AttachmentRef(
            id=content_id(data if data is not None else label.encode()),
            media_type=MediaType(type=kind),
            byte_len=len(data or b"1234"),
            width=320,
            height=180,
            label=label,
        )
        if data is not None:
            self._stored[ref.id] = StoredAttachment(meta=ref, data=data)
        state: AttachmentState = "intended" if data is not None else "missing"
        return AttachmentRow(ref=ref, state=state, references=("node m694ba22", "llm_call 6"))

    def _get(self, attachment_id: str) -> StoredAttachment:
        if attachment_id not in self._stored:
            raise AttachmentStoreError("NotFound", f"no attachment {attachment_id}")
        return self._stored[attachment_id]


def station_listing() -> MemoryListing:
    """Two charts, JSON, CSV, bytes, a hostile SVG and a missing one."""
    first, second = charts()
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='40' height='40'><script>document.title='owned'</script><rect width='40' height='40' fill='teal'/></svg>"
    return MemoryListing(
        (None, "gone"),
        (bytes(range(160, 250)) * 4, "sensor dump"),
        (svg, HOSTILE[1]),
        (b"<html><script>document.title='owned'</script></html>", "page"),
        (b"day,temp_c\n1,3.3\n2,5.7\n3,7.7\n", "table"),
        (b'{"results": [1, 2, 3]}', "readings"),
        (first, "Lima, five days"),
        (second, "Hanoi, ten days"),
    )
