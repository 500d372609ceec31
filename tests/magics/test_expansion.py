"""Prompts are text; only what stands in double braces is evaluated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.errors import CallerError
from lash_nb.magics._expansion import expanded


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("It is {{celsius}} degrees in {{city}}.", "It is 4 degrees in Oslo."),
        ('{{ {"a": {"b": 1}}["a"] }}', "{'b': 1}"),
        ("{{'}}'}} and {{ city.upper() }}", "}} and OSLO"),
        ("{{[n for n in range(3)]}}", "[0, 1, 2]"),
        ("{{'{{'}}", "{{"),
    ],
)
def test_an_expression_is_replaced_by_its_value(body: str, said: str) -> None:
    """The expression may hold braces itself; what it gives is not looked at again."""
    assert said == expanded(body, {"celsius": 4, "city": "Oslo"})


@pytest.mark.parametrize(
    "body",
    [
        '{"a": {"b": 1}}',
        "{not_a_variable}",
        "$x ${y} %s %(z)s",
        "{ {x} }",
        "a {{ b",
        "}} {",
        "{% if x %}",
        "\\frac{a}{b}",
    ],
)
def test_braces_alone_are_text(body: str) -> None:
    """JSON, format strings, shell variables and TeX pass untouched."""
    assert body == expanded(body, {})


@given(st.text(alphabet=st.characters(exclude_characters="{")))
def test_text_without_double_braces_never_changes(body: str) -> None:
    """Whatever else is in it."""
    assert body == expanded(body, {})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{{missing}}", "missing"),
        ("{{1 / 0}}", "ZeroDivisionError"),
        ("{{ }}", "it is empty"),
        ("{{def}}", "no Python expression"),
        ("{{import os}}", "no Python expression"),
    ],
)
def test_an_expression_that_fails_says_so_in_one_line(body: str, said: str) -> None:
    """The line holds the expression and the reason."""
    with pytest.raises(CallerError, match="prompt") as caught:
        expanded(body, {})

    assert said in caught.value.message
    assert "\n" not in caught.value.message
