"""Asking a model beside the conversation, from the handle of a session."""

import pickle
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest
from msgspec.structs import replace
from pydantic import BaseModel

from lash_nb.core import LashCore, LashSession
from lash_nb.errors import CallerError, DirectCompletionError, LlmTransportError, RuntimeEffectControllerError
from lash_nb.providers import ScriptedProvider, reply
from lash_nb.trace import read_trace
from lash_nb.wire import (
    DirectCommand,
    DirectMessage,
    DirectPart,
    DirectRequest,
    LlmAttachment,
    LlmRequest,
    LlmTerminalReason,
    ModelLimits,
    ModelSpec,
    Octets,
    OutputJsonSchema,
    from_json,
)
from tests.runtime.desk import answers, builder, open_session
from tests.stores.material import png


class City(BaseModel):
    """What the model is to fill."""

    name: str
    people: int


T = TypeVar("T")


class Several(BaseModel, Generic[T]):
    """A generic model, whose name has brackets."""

    items: list[T]


async def asked(*replies: Any) -> tuple[LashSession, list[LlmRequest]]:
    """A session over a script, and the requests that will come."""
    provider = ScriptedProvider(replies)
    core = builder([]).provider(provider).build()
    return await core.session("demo").open(), provider.requests


async def test_a_text_is_answered_by_the_session_s_model() -> None:
    """No tool, no history, and nothing of it in the session but its cost."""
    session, requests = await asked("first", "second")
    await session.turn("hi").run()
    given = await session.direct("And now?", system="Be short.")
    assert (given.value, given.text, given.usage.output_tokens) == ("second", "second", 10)
    assert [(m.role, m.blocks[0].Text and m.blocks[0].Text.text) for m in requests[-1].messages] == [
        ("System", "Be short."),
        ("User", "And now?"),
    ]
    assert (requests[-1].model, requests[-1].tools, requests[-1].tool_choice) == ("scripted-model", (), "None")
    assert (len(session.graph.nodes), session.turn_index) == (2, 1)


async def test_a_json_object_is_read() -> None:
    """The provider is asked for one; the value is a dict."""
    session, requests = await asked('{"n": 3}')
    assert (await session.direct("Give n.", output="json")).value == {"n": 3}
    assert requests[0].output_spec == "JsonObject"


async def test_a_model_class_gives_its_schema_and_gets_an_instance() -> None:
    """The schema goes to the provider under the name of the class."""
    session, requests = await asked('{"name": "Oslo", "people": 700000}', '{"items": [1]}')
    city = (await session.direct("Which city?", output=City)).value
    assert city == City(name="Oslo", people=700_000)
    spec = requests[0].output_spec
    assert isinstance(spec, OutputJsonSchema)
    assert spec.JsonSchema is not None
    assert (spec.JsonSchema.name, spec.JsonSchema.schema, spec.JsonSchema.strict) == (
        "City",
        City.model_json_schema(),
        True,
    )
    assert (await session.direct("Which?", output=Several[int])).value.items == [1]
    spec = requests[1].output_spec
    assert isinstance(spec, OutputJsonSchema)
    assert spec.JsonSchema is not None
    assert spec.JsonSchema.name == "Several_int_"


async def test_its_repr_begins_with_the_value() -> None:
    """In one short line, a first answer of another form included; each name can be written behind it."""
    session, _ = await asked('{"name": "Oslo", "people": 1}', reply("Hm.\x1b[2J"), '{"a": 1}', "x" * 9_000)
    city = await session.direct("Which city?", output=City)
    usage = "usage.input_tokens=100, usage.output_tokens=10"
    assert repr(city) == f"DirectCompletion(value=City(name='Oslo', people=1), {usage})"
    again = repr(await session.direct("Give a.", output="json"))
    assert again.startswith("DirectCompletion(value={'a': 1}, first.full_text='Hm.\ufffd[2J', usage.input_tokens=")
    assert len(repr(await session.direct("Much?"))) < 400


@pytest.mark.parametrize(
    ("output", "text", "told"),
    [
        ("json", "Sure!", "no JSON object"),
        ("json", "[1]", "no JSON object"),
        ("json", "", "no JSON object"),
        (City, "Sure!", "no City"),
        (City, '{"name": "Oslo"}', "no City (people: Field required)"),
    ],
)
async def test_an_answer_of_another_form_is_an_error_that_has_it(output: Any, text: str, told: str) -> None:
    """What was said stays at hand, and was paid for."""
    session, _ = await asked(reply(text))
    with pytest.raises(DirectCompletionError) as caught:
        await session.direct("Give it.", output=output)
    assert caught.value.answer == text
    assert told in str(caught.value)
    assert session.usage_report().by_source["direct"].output_tokens == 10
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own error
    assert (str(again), again.answer, again.kind) == (str(caught.value), text, "session")


def said_in(request: LlmRequest) -> list[tuple[str, str]]:
    """Who says what."""
    return [(message.role, block.Text.text) for message in request.messages for block in message.blocks if block.Text]


@pytest.mark.parametrize(
    ("output", "first", "second", "value", "fault"),
    [
        (City, '{"name": "Oslo"}', '{"name": "Oslo", "people": 7}', City(name="Oslo", people=7), "no City (people:"),
        ("json", "Sure! {}", '{"n": 3}', {"n": 3}, "no JSON object"),
    ],
)
async def test_an_answer_of_another_form_goes_back_once(
    output: Any, first: str, second: str, value: object, fault: str
) -> None:
    """With what is wrong with it; both answers are paid for, and both are there."""
    session, requests = await asked(first, second)
    given = await session.direct("Give it.", output=output, replay_key="mine")
    assert (given.value, given.text) == (value, second)
    assert given.first is not None
    assert given.first.full_text == first
    assert [one.output_spec for one in requests] == [requests[0].output_spec] * 2
    assert said_in(requests[1])[:-1] == [("User", "Give it."), ("Assistant", first)]
    assert fault in said_in(requests[1])[-1][1]
    assert given.usage.output_tokens == session.usage_report().by_source["direct"].output_tokens == 20
    keys = [str(entry.envelope.invocation.replay) for entry in session.effects if entry.envelope.kind == "direct"]
    assert len(set(keys)) == 2


async def test_two_answers_of_another_form_are_an_error() -> None:
    """There is no third round; the second answer stays at hand."""
    session, requests = await asked("Sure!", "Really!", "{}")
    with pytest.raises(DirectCompletionError, match="no JSON object, though the model was asked twice") as caught:
        await session.direct("Give it.", output="json")
    assert (caught.value.answer, len(requests)) == ("Really!", 2)


async def test_asking_again_may_fail() -> None:
    """The error says both, and has the answer that there is."""
    session, _ = await asked("Sure!", LlmTransportError("no credit", kind="quota", code="insufficient_quota"))
    with pytest.raises(DirectCompletionError, match="no JSON object, and asking again failed: no credit") as caught:
        await session.direct("Give it.", output="json")
    assert (caught.value.answer, caught.value.failure_code) == ("Sure!", "insufficient_quota")


@pytest.mark.parametrize(
    ("reason", "told"), [("output_limit", "allow more output tokens"), ("content_filter", "content filter")]
)
async def test_an_answer_that_was_cut_off_does_not_go_back(reason: LlmTerminalReason, told: str) -> None:
    """It would be cut off again."""
    session, requests = await asked(replace(reply('{"n": '), terminal_reason=reason), "{}")
    with pytest.raises(DirectCompletionError, match=told):
        await session.direct("Give it.", output="json")
    assert len(requests) == 1


async def test_a_call_that_fails_says_why() -> None:
    """The provider's words and code; nothing was used."""
    session, _ = await asked(LlmTransportError("no credit", kind="quota", code="insufficient_quota"))
    with pytest.raises(DirectCompletionError, match="plugin session error: no credit") as caught:
        await session.direct("Hello?")
    assert (caught.value.failure_code, caught.value.answer) == ("insufficient_quota", None)
    assert session.usage_report().entry_count == 0
    assert session.effects[-1].status == "failed"


async def test_another_model_cap_and_source() -> None:
    """Each call may say them; without another model the session's variant holds."""
    provider = ScriptedProvider(["a", "b"], variants=["high"])
    model = ModelSpec(id="big", variant="high", limits=ModelLimits(context_window_tokens=1000))
    session = await builder([]).provider(provider).model(model).build().session("demo").open()
    await session.direct("Hello?")
    await session.direct("Hello?", model="small", output_token_cap=9, usage_source="titles")
    assert [(r.model, r.model_variant, r.generation.output_token_cap) for r in provider.requests] == [
        ("big", "high", None),
        ("small", None, 9),
    ]
    assert {(row.source, row.model) for row in session.usage_report().by_source_model} == {
        ("direct", "big"),
        ("titles", "small"),
    }


async def test_pictures_are_stored_and_resolved() -> None:
    """The envelope has the reference, the provider the bytes, and the listing says who refers to it."""
    session, requests = await asked("a dot")
    picture = png(3, 2)
    await session.direct("What is it?", pictures=[picture])
    command = session.effects[-1].envelope.command
    assert isinstance(command, DirectCommand)
    [row] = session.attachments
    assert command.request.attachments[0].reference.id == row.ref.id
    assert (requests[0].attachments[0].data, requests[0].attachments[0].mime) == (picture, "image/png")
    assert [block.tag for block in requests[0].messages[0].blocks] == ["Text", "Image"]
    assert row.references == (f"direct {session.effects[-1].envelope.invocation.effect_id}",)


async def test_a_picture_is_whatever_a_person_has_of_it(tmp_path: Path) -> None:
    """The path of a file as well as its bytes, as for a turn."""
    session, requests = await asked("two dots")
    (tmp_path / "dot.png").write_bytes(png(2, 1))
    await session.direct("What?", pictures=[png(3, 2), tmp_path / "dot.png"])
    assert [attachment.data for attachment in requests[0].attachments] == [png(3, 2), png(2, 1)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([b"junk"], "what was given, 4 bytes, is no PNG, JPEG, GIF, WebP or BMP picture; convert it"),
        ([png(3, 2)[:-1]], "is a png picture whose end is missing; make it anew"),
        ([png(1, 1) + bytes(20_000_000)], "no provider takes more than 20,000,000; make it smaller"),
        (["none.png"], "'none.png' cannot be read: No such file or directory; check the path, or .*: pictures=.fig."),
        ([5], "a picture is bytes, .* not int; write pictures=.'photo.png'."),
        (png(1, 1), "in a list, not one bytes; write"),
        ("photo.png", "in a list, not one str; write"),
        (None, "in a list, not one NoneType; write"),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_what_is_no_picture_is_refused(given: Any, told: str) -> None:
    """Before anybody is asked, with the errors of a turn."""
    session, requests = await asked("unheard")
    with pytest.raises(CallerError, match=told) as caught:
        await session.direct("What is it?", pictures=given)
    assert (caught.value.code, requests, list(session.attachments)) == ("direct_request", [], [])


@pytest.mark.parametrize(
    ("prompt", "settings"),
    [
        (b"Hello?", {}),
        ("Hello?", {"output": "xml"}),
        ("Hello?", {"output": {"type": "object"}}),
        ("Hello?", {"output": int}),
        ("Hello?", {"output_token_cap": 0}),
    ],
)
async def test_what_cannot_be_asked_is_refused_at_once(prompt: Any, settings: dict[str, Any]) -> None:
    """The provider hears nothing of it."""
    session, requests = await asked("unheard")
    with pytest.raises(CallerError) as caught:
        await session.direct(prompt, **settings)
    assert (caught.value.code, requests) == ("direct_request", [])


async def test_a_whole_request_is_checked_too() -> None:
    """A picture that is not there, and one that is no picture."""
    session, requests = await asked("unheard")
    request = from_json(b'{"model": "m", "messages": [{"role": "user", "parts": [{"Image": 0}]}]}', DirectRequest)
    assert request == DirectRequest(model="m", messages=(DirectMessage(role="user", parts=(DirectPart(Image=0),)),))
    with pytest.raises(CallerError, match="picture 0, the request has 0"):
        await session.direct.complete(request)
    text = LlmAttachment(mime="image/png", data=Octets(b"junk"))
    with pytest.raises(
        CallerError, match="what was given, 4 bytes, is no PNG, JPEG, GIF, WebP or BMP picture"
    ) as refused:
        await session.direct.complete(replace(request, attachments=(text,)))
    assert refused.value.code == "direct_request"
    odd = from_json(
        b'{"model": "m", "messages": [], "attachments": [{"mime": "text/html", "data": [1]}]}', DirectRequest
    )
    with pytest.raises(RuntimeEffectControllerError) as caught:
        await session.direct.complete(odd)
    assert (caught.value.code, requests) == ("runtime_effect_attachment_media_type", [])


async def test_what_asks_shows_whose_rows_it_writes() -> None:
    """One short line in a notebook."""
    session, _ = await asked()
    assert repr(session.direct) == "DirectCompletions(usage_source='direct', caused_by=None)"


async def test_a_closed_session_answers_nothing() -> None:
    """As for a turn: open it again."""
    session = await open_session(answers())
    await session.close()
    with pytest.raises(CallerError) as caught:
        await session.direct("Hello?")
    assert caught.value.code == "session_closed"


async def test_a_completion_beside_the_turns_is_in_the_file_at_once(tmp_path: Path) -> None:
    """Nothing may follow it for long, and whoever reads the file finds it."""
    builder = LashCore.notebook(ScriptedProvider(["yes"]), trace=tmp_path / "run.jsonl")
    session = await builder.build().session("demo").open()
    await session.direct("Well?")
    assert len(read_trace(tmp_path / "run.jsonl").pairs.llm_calls.start) == 1
