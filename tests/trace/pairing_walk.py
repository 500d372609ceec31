"""How starts and ends belong together, told plainly: a walk from record to record that remembers."""

from collections import defaultdict
from collections.abc import Hashable
from typing import Any

from lash_nb.trace import Trace, read_fact

__all__ = ["Walk"]

Row = list[int]


class Walk:
    """Goes from record to record and remembers: spans as lists of first, start, end, receipt and turn, in the order in which they were met."""

    def __init__(self, trace: Trace) -> None:
        self.turns, self.llm, self.tools = list[Row](), list[Row](), list[Row]()
        self.numbers = dict[int, Hashable]()
        """Session and number (or id) of each turn, by its first row."""
        self.waiting: dict[Hashable, list[Row]] = defaultdict(list)
        self.ready: dict[Hashable, Row | None] = {}
        self.started: dict[Hashable, Row] = {}
        self.unseen: dict[Hashable, Row] = {}
        self.open: dict[Hashable, Row] = {}
        self.latest: dict[Hashable, Row] = {}
        self.caller: dict[Hashable, Row | None] = {}
        for row, body in enumerate(trace):
            self.step(row, body["type"], body)
        self.give_lone_ends()
        for number, turn in enumerate(self.turns):
            turn[4] = number
        for call in (*self.llm, *self.tools):
            call[4] = next((at for at, turn in enumerate(self.turns) if turn[0] == call[4]), -1)
        for tool in self.tools:
            tool[2] = tool[3] if tool[2] < 0 else tool[2]

    def step(self, row: int, kind: str, body: dict[str, Any]) -> None:
        """Take in one record."""
        if kind.startswith("turn"):
            self.turn(row, kind, body)
        elif kind.startswith("llm_call"):
            call, session = body["context"].get("llm_call_id"), body["context"].get("session_id")
            key = (session, call) if call else (session, self.run(body), body["context"].get("effect_id"))
            meet = self.restart if kind == "llm_call_started" else self.last_end
            self.belongs(meet(self.llm, row, ("llm", *key)), body)
        elif kind.startswith("tool_call"):
            meet = self.begin if kind == "tool_call_started" else self.end
            self.heard_of(meet(self.tools, row, self.tool_key(body)), body)
        elif kind == "tool_receipt":
            self.receipt(row, body)

    def turn(self, row: int, kind: str, body: dict[str, Any]) -> None:
        """A turn starts or ends; it is open in its session until one ends there."""
        by_id, by_number = self.turn_keys(body)
        self.numbers[row] = by_number
        if kind == "turn_started":
            span = self.restart(self.turns, row, by_id)
            self.started[by_id] = self.started[by_number] = self.open[by_number[0]] = span
        else:
            self.last_end(self.turns, row, by_id)
            self.open.pop(by_number[0], None)

    def restart(self, spans: list[Row], row: int, key: Hashable) -> Row:
        """A start takes the place of the one before."""
        spans.append([row, row, -1, -1, -1])
        self.ready[key] = spans[-1]
        return spans[-1]

    def last_end(self, spans: list[Row], row: int, key: Hashable) -> Row | None:
        """An end goes to the start right before it; else it is a new span."""
        span, self.ready[key] = self.ready.get(key), None
        if span:
            span[2] = row
            return None
        spans.append([row, -1, row, -1, -1])
        return spans[-1]

    def begin(self, spans: list[Row], row: int, key: Hashable) -> Row:
        """A start waits for its end."""
        spans.append([row, row, -1, -1, -1])
        self.waiting[key].append(spans[-1])
        return spans[-1]

    def end(self, spans: list[Row], row: int, key: Hashable) -> Row | None:
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

    def heard_of(self, span: Row | None, body: dict[str, Any]) -> None:
        """A new tool call may cause model calls."""
        self.belongs(span, body)
        if span:
            self.latest[self.tool_key(body)] = span
            self.caller[body["context"].get("session_id"), body["call_id"]] = [span[4]]

    def belongs(self, span: Row | None, body: dict[str, Any]) -> None:
        """A new call belongs to the turn that it names; else to its caller's, else to the one that is open: noted by its first row."""
        if span is None:
            return
        session, turn = self.turn_keys(body)[1]
        cause, running = read_fact("cause_call_id", body), self.open.get(session)
        if turn is not None:
            running = self.named(span[0], body)
        elif cause:
            running = self.caller.get((session, cause), running)
        span[4] = running[0] if running else -1

    def named(self, row: int, body: dict[str, Any]) -> Row:
        """A turn that was never seen to start is known by the first call that names it."""
        by_id, by_number = self.turn_keys(body)
        found = self.started.get(by_id) or self.started.get(by_number) or self.unseen.get(by_id)
        if found is None:
            self.turns.append([row, -1, -1, -1, -1])
            found = self.unseen[by_id] = self.ready[by_id] = self.turns[-1]
            self.numbers[row] = by_number
        return found

    def give_lone_ends(self) -> None:
        """An end of no turn of its id goes to one of its number that calls made known, if nothing came between; such a turn has no end yet."""
        before: dict[Hashable, Row | None] = {}
        unseen = [turn[0] for turn in self.unseen.values()]
        for turn in self.turns.copy():
            key = self.numbers[turn[0]]
            if turn[0] in unseen and turn[2] < 0:
                before[key] = turn
            elif turn[0] == turn[2]:
                opened, before[key] = before.get(key), None
                if opened:
                    opened[2] = turn[2]
                    self.turns.remove(turn)

    def run(self, body: dict[str, Any]) -> Hashable:
        """The last start of the turn of a record; of a turn that was never seen to start its id."""
        by_id, by_number = self.turn_keys(body)
        if by_number[1] is None:
            return by_id
        found = self.started.get(by_id) or self.started.get(by_number)
        return found[0] if found else by_id

    @staticmethod
    def turn_keys(body: dict[str, Any]) -> tuple[Hashable, tuple[Hashable, Hashable]]:
        """Session, number and id of the turn; and session, and number or id."""
        context = body["context"]
        session, number, turn = (context.get(name) for name in ("session_id", "turn_index", "turn_id"))
        return ("turn", session, number, turn), (session, turn if number is None else number)

    def tool_key(self, body: dict[str, Any]) -> Hashable:
        """Session, start of the turn there, and id of the call or its tool."""
        call, session = body["call_id"], body["context"].get("session_id")
        return ("tool", session, self.run(body), call is None, body["name"] if call is None else call)
