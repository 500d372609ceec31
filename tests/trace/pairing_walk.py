"""How starts and ends belong together, told plainly: a walk from record to record that remembers."""

from collections import defaultdict
from collections.abc import Hashable
from typing import Any

from lash_nb.trace import Trace, read_fact

__all__ = ["Walk"]


class Walk:
    """Goes from record to record and remembers: spans as lists of first, start, end, receipt and turn, in the order in which they were met."""

    def __init__(self, trace: Trace) -> None:
        self.turns, self.llm, self.tools = list[list[int]](), list[list[int]](), list[list[int]]()
        self.waiting: dict[Hashable, list[list[int]]] = defaultdict(list)
        self.running: dict[Hashable, list[int]] = {}
        self.open: dict[Hashable, list[int]] = {}
        self.latest: dict[Hashable, list[int]] = {}
        self.caller: dict[Hashable, list[int] | None] = {}
        for row, body in enumerate(trace):
            self.step(row, body["type"], body)
        for number, turn in enumerate(self.turns):
            turn[4] = number
        for tool in self.tools:
            tool[2] = tool[3] if tool[2] < 0 else tool[2]

    def step(self, row: int, kind: str, body: dict[str, Any]) -> None:
        """Take in one record."""
        session, turn = self.turn_key(body)
        if kind == "turn_started":
            span = self.begin(self.turns, row, ("turn", session, turn))
            self.running[session, turn] = self.open[session] = span
        elif kind == "turn_completed":
            running = self.running.get((session, turn))
            if running and running[1] == running[2] == -1:
                running[2] = row
            else:
                self.end(self.turns, row, ("turn", session, turn))
            self.open.pop(session, None)
        elif kind.startswith("llm_call"):
            call = body["context"].get("llm_call_id")
            key = ("llm", session, call) if call else ("llm", session, turn, body["context"].get("effect_id"))
            meet = self.begin if kind == "llm_call_started" else self.end
            self.belongs(meet(self.llm, row, key), body)
        elif kind.startswith("tool_call"):
            meet = self.begin if kind == "tool_call_started" else self.end
            self.heard_of(meet(self.tools, row, self.tool_key(body)), body)
        elif kind == "tool_receipt":
            self.receipt(row, body)

    def begin(self, spans: list[list[int]], row: int, key: Hashable) -> list[int]:
        """A start waits for its end."""
        spans.append([row, row, -1, -1, -1])
        self.waiting[key].append(spans[-1])
        return spans[-1]

    def end(self, spans: list[list[int]], row: int, key: Hashable) -> list[int] | None:
        """An end goes to the start that waits longest; else it is a new span."""
        if self.waiting[key]:
            self.waiting[key].pop(0)[2] = row
            return None
        spans.append([row, -1, row, -1, -1])
        return spans[-1]

    def receipt(self, row: int, body: dict[str, Any]) -> None:
        """A receipt goes to the latest call of its key, if that has none; else it is a new call."""
        span = self.latest.get(self.tool_key(body))
        if span is None or span[3] >= 0:
            span = [row, -1, -1, -1, -1]
            self.tools.append(span)
            self.heard_of(span, body)
        span[3] = row

    def heard_of(self, span: list[int] | None, body: dict[str, Any]) -> None:
        """A new tool call may cause model calls."""
        self.belongs(span, body)
        if span:
            self.latest[self.tool_key(body)] = span
            turn = None if span[4] < 0 else self.turns[span[4]]
            self.caller[body["context"].get("session_id"), body["call_id"]] = turn

    def belongs(self, span: list[int] | None, body: dict[str, Any]) -> None:
        """A new call belongs to the turn that it names; else to its caller's, else to the one that is open."""
        if span is None:
            return
        session, turn = self.turn_key(body)
        if turn is not None:
            found: list[int] | None = self.named(span[0], body)
        else:
            cause, running = read_fact("cause_call_id", body), self.open.get(session)
            found = self.caller.get((session, cause), running) if cause else running
        span[4] = -1 if found is None else next(at for at, one in enumerate(self.turns) if one is found)

    def named(self, row: int, body: dict[str, Any]) -> list[int]:
        """A turn that was never seen to start is known by the first call that names it."""
        key = self.turn_key(body)
        if key not in self.running:
            self.turns.append([row, -1, -1, -1, -1])
            self.running[key] = self.turns[-1]
        return self.running[key]

    @staticmethod
    def turn_key(body: dict[str, Any]) -> tuple[Hashable, Hashable]:
        """Session, and number or id of the turn there."""
        context = body["context"]
        return context.get("session_id"), context.get("turn_index", context.get("turn_id"))

    def tool_key(self, body: dict[str, Any]) -> Hashable:
        """Turn, and id of the call or its tool."""
        call = body["call_id"]
        return ("tool", *self.turn_key(body), call is None, body["name"] if call is None else call)
