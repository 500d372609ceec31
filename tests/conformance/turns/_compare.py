"""Compare two recordings of one scenario, stream by stream.

A recording is cut into streams, each is normalized on its own and compared, so that one wrong thing does not hide the others.
Normal form: random ids by order of first appearance, times and durations masked, built-in wordings masked.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

__all__ = ["differences"]

Event = dict[str, Any]

_RANDOM_ID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"
)
_HASH: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_WORDING: Final = "<wording>"
_MASKS: Final = (
    (
        (
            r"(?s)(=== (?:FINALIZATION|FINAL ANSWER FORMAT|REQUIRED OUTPUT|SOFT WARNING|CONTEXT WARNING)[^\n]*===\n\n)"
            r".*?(?=\n\n===|\Z)"
        ),
        r"\1<wording>",
    ),
    (r"(?s)Turn limit reached \((\d+)\)\..*", r"Turn limit reached (\1). <wording>"),
    (r"(?s)Deliver the final answer from a fenced.*", _WORDING),
    (r"<wording(?: \d+ chars)?>", _WORDING),
    (
        (
            r"Turn limit reached \(\d+\) before .*|Model returned no .*|Model produced no output .*|Tool is unavailable .*"
            r"|Invalid image_ref.*|Unsupported variant .*|Model `.*` on .* does not expose .*"
            r"|\b\w+ does not support message injection|Use `read_file` with .*"
        ),
        _WORDING,
    ),
    (r"(?<![^\s\"'])[^\s\"']*/lash-tool-output/([\w.-]+?)-[0-9a-f]{12}\.txt", r"<tmp>/lash-tool-output/\1-<id>.txt"),
    (r"(\\*\"duration_ms\\*\":) ?\d+", r"\1 0"),
    (r"· (system|user|assistant) message · \d+ chars", r"· \1 message · N chars"),
)
_TEXT_MASKS: Final = tuple((re.compile(pattern), into) for pattern, into in _MASKS)
_VOLATILE: Final = frozenset(
    [
        "timestamp",
        "duration_ms",
        "elapsed_ms",
        "lease_token",
        "claim_token",
        "owner_id",
        "claim_id",
        "first_visible_token_latency_ms",
        "stream_duration_ms",
        "provider_ttfb_ms",
        "nanos_since_epoch",
        "secs_since_epoch",
        "seq",
        "of",
        "cwd",
    ]
)
_VOLATILE_END: Final = ("_at_ms", "_epoch_ms", "_at", "_duration_ms", "_latency_ms", "_ref")
_DECLARATION: Final = frozenset({"input_schema", "id", "availability", "activation"})


def differences(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> dict[str, str]:
    """Return the first difference of each stream that differs, by name; empty when the recordings agree."""
    stable = frozenset(expected.get("stable_hashes", ()))
    wanted, found = _streams(expected, stable), _streams(actual, stable)
    pairs = ((name, _first_difference(wanted[name], found[name], "")) for name in wanted)
    return {name: difference for name, difference in pairs if difference}


def _streams(recording: Mapping[str, Any], stable: frozenset[str]) -> dict[str, list[Any]]:
    own = frozenset(tool["definition"]["name"] for tool in recording["scenario"].get("tools", ()))
    events = [_unworded(event, own) for event in recording["recorded"]]
    cut: dict[str, list[Any]] = {"order": [_step_of(event) for event in events if event["kind"] in _ORDERED]}
    for name, (kinds, pick) in STREAMS.items():
        normal = _Normal(stable)
        cut[name] = [normal.value(pick(event)) for event in events if event["kind"] in kinds]
    return cut


_ORDERED: Final = frozenset(
    {"step", "step_result", "effect", "outcome", "trace", "commit", "commit_result", "tool_execute", "llm_request"}
)
_COMMIT_KEYS: Final = (
    "session_id",
    "expected_head_revision",
    "config",
    "current_agent_frame_id",
    "usage_deltas",
    "turn_commit",
)


def _step_of(event: Event) -> list[Any]:
    match event:
        case {"kind": "effect", "envelope": envelope}:
            return ["effect", envelope["invocation"]["subject"]["kind"]]
        case {"kind": "trace", "record": record}:
            return ["trace", record.get("type")]
    return [event["kind"]]


def _whole(event: Event) -> Event:
    return {key: value for key, value in event.items() if key not in ("seq", "of")}


def _commit(event: Event) -> Event:
    commit = event["commit"]
    claims = len(commit.get("completed_queue_claims") or ())
    return {**{key: commit.get(key) for key in _COMMIT_KEYS}, "claims": claims}


STREAMS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[Event], Any]]]] = {
    "effects": (("scope", "effect", "outcome"), _whole),
    "requests": (("llm_request",), lambda event: event["request"]),
    "tools": (("tool_execute", "tool_cancel_seen"), _whole),
    "traces": (("trace",), lambda event: event["record"]),
    "lashlang": (("lashlang_trace",), lambda event: event["record"]),
    "session_events": (("session_events",), lambda event: {key: event[key] for key in ("session", "events")}),
    "hooks": (("hook", "plugin_build", "plugin_snapshot", "plugin_restore"), _whole),
    "activities": (("activity",), lambda event: {"session": event.get("session"), **event["activity"]}),
    "commits": (("commit",), _commit),
    "results": (("step_result", "build_error"), _whole),
}
"""The streams beside `order`: which events, and what of each."""


class _Normal:
    """Normal form of the values of one stream; numbers random ids as they appear."""

    def __init__(self, stable: frozenset[str]) -> None:
        self.stable = stable
        self.ids: dict[str, str] = {}

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.hidden(key): self.entry(key, item) for key, item in sorted(value.items())}
        return value

    def entry(self, key: str, value: Any) -> Any:
        masked = key in _VOLATILE or key.endswith(_VOLATILE_END)
        return (
            "<volatile>" if masked and value is not None and not isinstance(value, dict | list) else self.value(value)
        )

    def text(self, text: str) -> str:
        for pattern, into in _TEXT_MASKS:
            text = pattern.sub(into, text)
        return self.hidden(text)

    def hidden(self, text: str) -> str:
        text = _RANDOM_ID.sub(lambda found: self.ids.setdefault(found[0], f"<id {len(self.ids) + 1}>"), text)
        return _HASH.sub(lambda found: found[0] if found[0] in self.stable else "<hash>", text)


def _unworded(value: Any, own: frozenset[str]) -> Any:
    """Mask descriptions and examples of built-in tools, and drop the text of errors: wording is everybody's own."""
    if isinstance(value, list):
        return [_unworded(item, own) for item in value]
    if not isinstance(value, dict):
        return value
    error = value.get("error")
    if isinstance(error, dict) and "variant" in error:
        value = value | {"error": {key: item for key, item in error.items() if key != "text"}}
    if _is_builtin_tool(value, own):
        value = _worded(value)
    return {key: _unworded(item, own) for key, item in value.items()}


def _is_builtin_tool(value: Event, own: frozenset[str]) -> bool:
    named = isinstance(value.get("name"), str) and isinstance(value.get("description"), str)
    return named and value["name"] not in own and bool(_DECLARATION & value.keys())


def _worded(value: Any) -> Any:
    if isinstance(value, list):
        return [_worded(item) for item in value]
    if isinstance(value, dict):
        worded = ("description", "examples")
        return {key: _WORDING if key in worded and item else _worded(item) for key, item in value.items()}
    return value


def _first_difference(expected: Any, actual: Any, path: str) -> str:
    """Return where and how `actual` first differs, or an empty text; a whole text that is wording stands for any text."""
    if expected == _WORDING and isinstance(actual, str) and actual:
        return ""
    if type(expected) is not type(actual):
        return f"{path or '/'}: {_short(expected)} ≠ {_short(actual)}"
    if isinstance(expected, dict):
        return next(filter(None, _entry_differences(expected, actual, path)), "")
    if isinstance(expected, list):
        return next(filter(None, _item_differences(expected, actual, path)), "")
    return "" if expected == actual else f"{path or '/'}: {_short(expected)} ≠ {_short(actual)}"


def _entry_differences(expected: Event, actual: Event, path: str) -> Iterator[str]:
    for key in sorted(expected.keys() | actual.keys()):
        if key not in actual:
            yield f"{path}/{key}: missing"
        elif key not in expected:
            yield f"{path}/{key}: unexpected {_short(actual[key])}"
        else:
            yield _first_difference(expected[key], actual[key], f"{path}/{key}")


def _item_differences(expected: list[Any], actual: list[Any], path: str) -> Iterator[str]:
    for index, (wanted, found) in enumerate(zip(expected, actual, strict=False)):
        yield _first_difference(wanted, found, f"{path}/{index}")
    if len(expected) != len(actual):
        what, longer = ("missing", expected) if len(expected) > len(actual) else ("unexpected", actual)
        first = longer[min(len(expected), len(actual))]
        yield f"{path}: {len(expected)} expected, {len(actual)} found; first {what}: {_short(first)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:157]}…"
