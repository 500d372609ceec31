"""Outcomes that a person writes: what a form makes, what the model sees of it, and what is refused."""

from typing import Any, get_args

import pytest

from lash_nb.errors import CallerError, WireError
from lash_nb.views._injection import forms, magic, model_sees, outcome_of
from lash_nb.wire import LlmOutcome, RuntimeEffectKind, SleepOutcome, ToolFailed, ToolOutcome, effect_kind, to_builtins
from tests.views import samples

COMMANDS: dict[str, dict[str, Any]] = {
    "llm_call": samples.llm_command(),
    "direct": {**samples.llm_command(), "type": "direct", "usage_source": "plugin"},
    "tool_call": samples.CHART,
    "process": {"type": "process", "command": {"op": "await", "process_id": "p1"}},
    "exec_code": {"type": "exec_code", "code": "print 1"},
    "checkpoint": {"type": "checkpoint", "checkpoint": "after_work"},
    "sync_execution_surface": {"type": "sync_execution_surface", "update_machine_config": True},
    "sleep": {"type": "sleep", "duration_ms": 250},
}


def test_every_kind_of_effect_has_a_form() -> None:
    """The samples name every kind, so that none is forgotten."""
    assert set(COMMANDS) == set(get_args(RuntimeEffectKind))


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_form_as_it_opens_is_a_valid_outcome(kind: str) -> None:
    """Whoever opens a form and sends it unchanged injects an outcome of the pending effect's kind."""
    envelope = samples.envelope(1, COMMANDS[kind])
    for status, fields in forms(envelope).items():
        values = {field.label: field.value for field in fields}

        assert effect_kind(outcome_of(envelope, {"status": status, "values": values})) == kind


def test_a_tool_result_is_what_the_tool_would_have_returned() -> None:
    """Success carries the payload, the call's identity, and what the model sees of it."""
    outcome = outcome_of(
        samples.envelope(1, samples.CHART),
        {"status": "success", "values": {"payload": '{"chart": null, "note": "ten points"}', "duration": "74"}},
    )

    assert isinstance(outcome, ToolOutcome)
    assert to_builtins(outcome.result.output) == {
        "outcome": {"status": "success", "payload": {"chart": None, "note": "ten points"}}
    }
    assert (outcome.result.call_id, outcome.result.duration_ms) == ("call_06", 74)
    assert model_sees(outcome) == '{"chart":null,"note":"ten points"}'


def test_a_tool_failure_has_class_code_and_message() -> None:
    """Failing on purpose looks to the model like a tool that failed."""
    values = {"class": '"timeout"', "code": '"slow"', "message": '"too slow"', "retry": '"safe"', "duration": "0"}
    outcome = outcome_of(samples.envelope(1, samples.CHART), {"status": "failure", "values": values})

    assert isinstance(outcome, ToolOutcome)
    assert isinstance(outcome.result.output.outcome, ToolFailed)
    assert to_builtins(outcome.result.output.outcome.payload) == {
        "class": "timeout",
        "code": "slow",
        "message": "too slow",
        "source": "tool",
        "retry": {"type": "safe"},
    }
    assert model_sees(outcome) == "[Tool execution failed]\ntoo slow"


def test_a_reply_of_the_model_can_be_written() -> None:
    """An injected reply is a response that used no tokens; nothing of it was streamed."""
    outcome = outcome_of(
        samples.envelope(1, COMMANDS["llm_call"]), {"status": "success", "values": {"text": '"It is cold."'}}
    )

    assert isinstance(outcome, LlmOutcome)
    assert outcome.result.Ok.full_text == "It is cold."  # type: ignore[union-attr]  # is_ok below
    assert outcome.result.is_ok
    assert not outcome.text_streamed


def test_other_effects_take_a_whole_outcome() -> None:
    """A sleep is over when one says so."""
    outcome = outcome_of(
        samples.envelope(1, COMMANDS["sleep"]), {"status": "success", "values": {"outcome": '{"type": "sleep"}'}}
    )

    assert outcome == SleepOutcome()


def test_what_cannot_be_an_outcome_is_refused_with_a_reason() -> None:
    """An unknown status, an outcome of another kind, text that is no JSON: each says what would do."""
    sleep = samples.envelope(1, COMMANDS["sleep"])

    with pytest.raises(CallerError, match="a sleep effect has no status 'failure'; use one of success"):
        outcome_of(sleep, {"status": "failure"})
    with pytest.raises(CallerError, match="this is a checkpoint outcome; the pending effect is a sleep"):
        outcome_of(
            sleep,
            {
                "status": "success",
                "values": {"outcome": forms(samples.envelope(1, COMMANDS["checkpoint"]))["success"][0].value},
            },
        )
    with pytest.raises(WireError, match="not JSON: "):
        outcome_of(samples.envelope(1, samples.CHART), {"status": "success", "values": {"payload": "{"}})


def test_the_magic_that_does_the_same_is_shown() -> None:
    """The form names its command."""
    assert (
        magic(samples.envelope(1, samples.CHART), {"status": "success", "values": {"payload": "null"}})
        == """%lash inject '{"status": "success", "payload": null}'"""
    )


@pytest.mark.parametrize("kind", ["llm_call", "direct"])
def test_the_magic_that_says_what_a_model_would_say_gives_its_text(kind: str) -> None:
    """A model call takes the reply, as JSON that quotes within it do not end; only a failure is a whole outcome."""
    envelope = samples.envelope(1, COMMANDS[kind])

    said = magic(envelope, {"status": "success", "values": {"text": '"It\'s 4 °C."'}})

    assert said == r"""%lash inject '"It\u0027s 4 °C."'"""
    assert magic(envelope, {"status": "failure", "values": {"message": '"no"'}}) == "%lash inject '{…}'"
