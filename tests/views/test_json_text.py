"""JSON as people read it."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lash_nb.views import effects_html
from lash_nb.views._fields import fields_of
from lash_nb.views._json import pretty, pretty_capped, summary  # what every view shows of a value
from lash_nb.wire import EffectEntry, SharedSequence, to_builtins
from tests.views import samples
from tests.work import lines_run

WIDTH: Final = 68
VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text("ab", max_size=30), inner, max_size=6),
    max_leaves=20,
)


def plain(value: Any, indent: str = "") -> str:
    """Write every container on one line that fits there."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(indent) + len(flat) <= WIDTH:
        return flat
    deeper = indent + "  "
    if isinstance(value, dict):
        inside = [f"{deeper}{json.dumps(key)}: {plain(item, deeper)}" for key, item in value.items()]
    else:
        inside = [deeper + plain(item, deeper) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return "\n".join([opening, ",\n".join(inside), indent + closing])


@given(VALUES)
def test_what_fits_stands_on_one_line(value: Any) -> None:
    """Of what does not fit only as much is looked at as it takes to know that."""
    assert pretty(value) == plain(to_builtins(value))


def test_attachments_in_a_list_are_told_by_their_ids() -> None:
    """As those that stand alone are: what is around them is of the wire."""
    tagged = {"$lash_tool_value": "attachment", "ref": {"id": "0123456789abcdef"}}

    assert summary({"charts": [tagged, tagged], "one": tagged}) == "charts [01234567, 01234567] · one 01234567"


@given(VALUES, st.integers(1, 300))
def test_the_beginning_is_that_of_the_whole(value: Any, limit: int) -> None:
    """Of a large value no more is written than is shown, which is what would stand there anyway."""
    text, cut = pretty_capped(value, whole="it", limit=limit)

    assert text == pretty(value)[:limit]
    assert bool(cut) == (len(pretty(value)) > limit)


def test_a_tuple_is_set_as_a_list() -> None:
    """What records hold in tuples is no one line of any length."""
    assert pretty(({"text": "x" * 40}, {"text": "y" * 40})) == pretty([{"text": "x" * 40}, {"text": "y" * 40}])


def asked(count: int) -> EffectEntry:
    """A model call in a long session, whose messages were written before."""
    entry = samples.entry(1, samples.llm_command("How is the weather?"))
    command: Any = entry.envelope.command
    request = replace(command.request, messages=SharedSequence(command.request.messages * count))
    entry = replace(entry, envelope=replace(entry.envelope, command=replace(command, request=request)))
    entry.envelope.hash()
    return entry


@pytest.mark.parametrize(
    "show",
    [
        lambda entry: pretty_capped(entry.envelope, whole="it", limit=5_000),
        lambda entry: effects_html([entry]),
        lambda entry: fields_of(entry.envelope, None),
    ],
    ids=["text", "table", "fields"],
)
def test_what_is_left_out_is_not_looked_at(show: Callable[[EffectEntry], object]) -> None:
    """A conversation of twenty times as many messages costs the same, and what is missing is told by its size."""
    few, many = asked(500), asked(10_000)
    work = [lines_run(lambda entry=entry: show(entry)) for entry in (few, many)]  # type: ignore[misc]  # a default

    assert work[1] < 1.2 * work[0]
    assert ", indented, of 1.1 MB" in pretty_capped(many.envelope, whole="it", limit=5_000)[1]
