"""Envelopes as forms and back: from the tool's schema, exact, with errors that name the field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.errors import RuntimeEffectControllerError, WireError
from lash_nb.views._fields import edited_envelope, fields_of
from lash_nb.wire import ToolCallCommand, to_json
from tests.views import samples

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_fields_come_from_the_schema_in_its_order() -> None:
    """Each argument has the control of its type, its range and its choices; missing ones are there to be filled in."""
    fields = fields_of(samples.envelope(1, samples.CHART), samples.CHART_SCHEMA)

    assert [(field.label, field.type, field.hint) for field in fields] == [
        ("tool_name", "readonly", ""),
        ("call_id", "readonly", ""),
        ("title", "string", "string, required"),
        ("values", "array", "array of number, 10 items, required"),
        ("scale", "enum", "string, optional"),
        ("width", "integer", "integer, 100–2000, optional"),
    ]
    assert fields[2].value == '"Hanoi, ten days"'
    assert fields[4].options == ('"linear"', '"log"')
    assert (fields[5].minimum, fields[5].maximum, fields[5].value) == (100, 2000, "")


def test_an_argument_that_the_schema_does_not_name_is_shown_all_the_same() -> None:
    """What the model made up can be seen and edited as JSON."""
    command = samples.tool_command(title="x", depth={"a": [1, 2]})
    last = fields_of(samples.envelope(1, command), samples.CHART_SCHEMA)[-1]

    assert (last.label, last.type, last.value) == ("depth", "json", '{"a": [1, 2]}')


def test_an_object_with_properties_is_a_sub_form() -> None:
    """Inner arguments have their own path and heading."""
    schema = {
        "type": "object",
        "properties": {"style": {"type": "object", "properties": {"dark": {"type": "boolean"}}}},
    }
    field = fields_of(samples.envelope(1, samples.tool_command(style={"dark": True})), schema)[-1]

    assert (field.path, field.group, field.type, field.value) == (("style", "dark"), "style", "boolean", "true")


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": 3},
        {"type": ["string", "null"]},
        {"properties": {"title": True, "values": {"items": [1]}}},
        {"properties": {"title": {"enum": "x", "minimum": "low"}}},
    ],
)
def test_a_strange_schema_gives_a_form_not_an_error(schema: dict[str, object]) -> None:
    """Whatever a tool declares, its arguments can be edited."""
    assert fields_of(samples.envelope(1, samples.CHART), schema)


def test_a_model_call_is_shown_by_its_parts() -> None:
    """Of a long request one sees the model, the last words of the user, and how long the lists are."""
    fields = {field.label: field.value for field in fields_of(samples.envelope(1, samples.llm_command()), None)}

    assert fields == {
        "model": "desk-model",
        "last user text": "Draw the last ten days of Hanoi.",
        "messages": "1 message",
        "tools": "none",
        "tool_choice": "Auto",
    }


def test_a_changed_field_changes_the_hash_and_nothing_else() -> None:
    """The edited envelope is the old one with one argument changed; back again it has the old hash."""
    before = samples.envelope(1, samples.CHART)
    after = edited_envelope(before, {"changes": [[["title"], '"Hanoi"']]})

    assert isinstance(after.command, ToolCallCommand)
    assert after.command.call.args == {"title": "Hanoi", "values": samples.CHART["call"]["args"]["values"]}
    assert after.hash() != before.hash()
    assert edited_envelope(after, {"changes": [[["title"], '"Hanoi, ten days"']]}).hash() == before.hash()


@given(JSON)
def test_any_value_comes_back_as_it_was_typed(value: object) -> None:
    """A value goes through a field without being rounded or changed."""
    text = to_json(value).decode()
    after = edited_envelope(samples.envelope(1, samples.CHART), {"changes": [[["style", "deep"], text]]})

    assert isinstance(after.command, ToolCallCommand)
    assert to_json(after.command.call.args["style"]["deep"]).decode() == text


def test_a_whole_envelope_can_be_written_as_json() -> None:
    """The JSON tab gives back any envelope of the same shape."""
    before = samples.envelope(1, samples.llm_command())
    text = to_json(before).decode().replace("desk-model", "other-model")

    assert (
        edited_envelope(before, {"json": text}).hash()
        == samples.envelope(
            1, {**samples.llm_command(), "request": {**samples.llm_command()["request"], "model": "other-model"}}
        ).hash()
    )


def test_what_is_wrong_is_told_with_its_place() -> None:
    """No JSON, no envelope, a contradiction: each is an error that says where, and nothing is changed."""
    before = samples.envelope(1, samples.CHART)

    with pytest.raises(WireError, match="title: not JSON: ") as wrong:
        edited_envelope(before, {"changes": [[["title"], "{"]]})
    assert wrong.value.path == "title"
    with pytest.raises(WireError, match="not a valid RuntimeEffectEnvelope"):
        edited_envelope(before, {"json": "{}"})
    with pytest.raises(RuntimeEffectControllerError, match="runtime_effect_invocation_kind"):
        edited_envelope(before, {"json": to_json(before).decode().replace('"kind":"tool_call"', '"kind":"sleep"')})
    with pytest.raises(WireError, match="edit it in its JSON tab"):
        edited_envelope(samples.envelope(1, samples.llm_command()), {"changes": []})


def test_what_is_too_long_for_a_form_is_said() -> None:
    """A page is not sent megabytes to edit: it gets the beginning to read, and where the rest is."""
    field = next(
        field
        for field in fields_of(samples.envelope(1, samples.tool_command(title="x" * 3_000_000)), None)
        if field.label == "title"
    )

    assert (field.type, len(field.value)) == ("readonly", 100_000)
    assert field.hint.startswith(
        "first 100.0 kB, indented, of 3.0 MB; all of it: ….envelope.command.call.args; too long"
    )
