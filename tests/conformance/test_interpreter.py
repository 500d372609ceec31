"""The tools of the conformance tests themselves: a comparison that finds things, words that are known, gates."""

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.turns.__main__ import main as record
from tests.conformance.turns._compare import differences
from tests.conformance.turns._gates import Gates
from tests.conformance.turns._interpret import interpret, unknown_words
from tests.conformance.turns._recorder import Recorder


def _recording(**changes: Any) -> dict[str, Any]:
    """Return a recording of one trace record, one activity and one result."""
    record_ = {"type": "custom", "timestamp": "t", "id": "0" * 32, "text": "a", **changes}
    return {
        "scenario": {"name": "n", "steps": []},
        "recorded": [
            {"kind": "trace", "record": record_},
            {"kind": "activity", "session": "main", "activity": {"type": "x", "correlation_id": "1" * 32}},
            {"kind": "step_result", "index": 0, "result": {"error": {"variant": "Runtime", "code": "c", "text": "t"}}},
        ],
    }


def _scenario(*steps: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"name": "probe", "provider": {"script": [{"text": "Hello."}]}, "steps": list(steps), **keys}


def test_recording_equals_itself() -> None:
    """A recording has no difference to itself."""
    assert differences(_recording(), _recording()) == {}


@pytest.mark.parametrize(("key", "value"), [("timestamp", "later"), ("id", "f" * 32)])
def test_volatile_things_do_not_count(key: str, value: str) -> None:
    """Times and random ids may differ."""
    assert differences(_recording(), _recording(**{key: value})) == {}


def test_changed_text_is_found_where_it_is() -> None:
    """A changed text is a difference of its stream alone, with its place."""
    assert differences(_recording(), _recording(text="b")) == {"traces": '/0/text: "a" ≠ "b"'}


def test_types_of_events_are_compared_in_order() -> None:
    """Another type of trace record shows in the order as well."""
    assert differences(_recording(), _recording(type="protocol_step")).keys() == {"order", "traces"}


def test_missing_event_is_found() -> None:
    """An event that did not happen is a difference."""
    shorter = copy.deepcopy(_recording())
    del shorter["recorded"][1]
    assert differences(_recording(), shorter).keys() == {"activities"}


def test_wording_stands_for_any_text() -> None:
    """A whole text that is masked in the recording may be anything but empty."""
    expected = _recording(text="<wording 12 chars>")
    assert differences(expected, _recording(text="whatever we say")) == {}
    assert differences(expected, _recording(text="")).keys() == {"traces"}


def test_text_of_errors_is_information_only() -> None:
    """Variant and code of an error count, its text does not."""
    other = copy.deepcopy(_recording())
    other["recorded"][2]["result"]["error"]["text"] = "in other words"
    assert differences(_recording(), other) == {}
    other["recorded"][2]["result"]["error"]["code"] = "d"
    assert differences(_recording(), other).keys() == {"results"}


def test_unknown_words_are_named() -> None:
    """Every op and key without a row is named, wherever it stands."""
    scenario = _scenario(
        {"op": "fly"},
        {"op": "turn", "text": "Hi.", "loudly": True},
        tools=[{"definition": {}, "script": [{"sing": 1}]}],
        mood="x",
    )
    assert set(unknown_words(scenario)) == {"op fly", "op turn key loudly", "tool script key sing", "scenario key mood"}


def test_unknown_word_fails_the_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A scenario with an unknown word gets no file, is named with the word, and makes the exit status 1."""
    scenarios, out = tmp_path / "scenarios", tmp_path / "out"
    scenarios.mkdir()
    (scenarios / "probe.json").write_text(json.dumps({"scenario": _scenario({"op": "fly"})}), encoding="utf-8")
    assert record([str(scenarios), str(out)]) == 1
    assert list(out.iterdir()) == []
    assert "probe: not known to this interpreter: op fly" in capsys.readouterr().out
    assert record([str(scenarios), str(out), "--allow-unknown"]) == 0


def test_known_scenario_is_written(tmp_path: Path) -> None:
    """A scenario of known words leaves a recording that begins with its first step."""
    scenarios, out = tmp_path / "scenarios", tmp_path / "out"
    scenarios.mkdir()
    document = {"scenario": _scenario({"op": "open"}, {"op": "turn", "text": "Hi."})}
    (scenarios / "probe.json").write_text(json.dumps(document), encoding="utf-8")
    assert record([str(scenarios), str(out), "--only", "pro*"]) == 0
    recorded = json.loads((out / "probe.json").read_text(encoding="utf-8"))["recorded"]
    assert recorded[0] == {"seq": 0, "kind": "step", "index": 0, "op": "open"}
    assert recorded[-1]["result"]["ok"]["assistant_output"]["safe_text"] == "Hello."


async def test_words_that_no_recording_uses_yet_are_played() -> None:
    """A window that shrinks lets the rewriter act, and a snapshot that was kept is a state where one is wanted."""
    steps = [{"op": "open"}, {"op": "turn", "text": "Hi."}, {"op": "export", "as": "kept"}, {"op": "rewrite_window"}]
    again = [{"op": "set_persisted", "state": "kept"}, {"op": "rt_open", "state": "kept"}]
    events = await interpret(_scenario(*steps, *again, keep_last={"n": 1}, store="none"))
    results = [event["result"]["ok"] for event in events if event["kind"] == "step_result"]
    assert results[3:] == [True, None, None]


async def test_gate_counts_both_ways() -> None:
    """A release may come first, and whoever waits for an entry takes it away."""
    gates = Gates()
    gates.release("g")
    await gates.passing("g")
    await gates.wait("g")
    second = asyncio.create_task(gates.wait("g"))
    await asyncio.sleep(0)
    assert not second.done()
    gates.enter("g")
    await second


async def test_gate_serves_first_come_first_served() -> None:
    """One release lets one waiter pass, the one that came first."""
    gates, passed = Gates(), list[int]()

    async def walker(number: int) -> None:
        await gates.passing("g")
        passed.append(number)

    walkers = [asyncio.create_task(walker(number)) for number in (1, 2)]
    await asyncio.sleep(0)
    gates.release("g")
    await asyncio.wait(walkers, return_when=asyncio.FIRST_COMPLETED)
    assert passed == [1]
    gates.release("g")
    await asyncio.gather(*walkers)


def test_recorder_refuses_foreign_keys() -> None:
    """An event of a kind has the keys of its kind and no other."""
    recorder = Recorder()
    assert recorder.push("step", index=0, op="open") == 0
    with pytest.raises(KeyError, match="step has no mood"):
        recorder.push("step", index=1, op="open", mood="x")
