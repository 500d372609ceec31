"""What a docstring says of parameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.plugins._docstring import read_docstring

GOOGLE = """Looks up the weather.

    Also of tomorrow.

    Args:
        city: Its name,
            in English.
        days (int, optional): How many: at least 1.

    Returns:
        A forecast.
    """
NUMPY = """Looks up the weather.

    Also of tomorrow.

    Parameters
    ----------
    city : str
        Its name,
        in English.
    days : int, optional
        How many: at least 1.

    Returns
    -------
    dict
        A forecast.
    """
SPHINX = """Looks up the weather.

    Also of tomorrow.

    :param city: Its name,
        in English.
    :param int days: How many: at least 1.
    :returns: A forecast.
    """


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX])
def test_three_styles_say_the_same(text: str) -> None:
    """Google, NumPy and Sphinx docstrings give the same description and the same texts of parameters."""
    description, parameters = read_docstring(text)

    assert description == "Looks up the weather.\n\nAlso of tomorrow."
    assert parameters == {"city": "Its name, in English.", "days": "How many: at least 1."}


def test_no_docstring_says_nothing() -> None:
    """A function without a docstring has neither."""
    assert read_docstring(None) == ("", {})


@given(text=st.text(alphabet=st.sampled_from("ab: \n-()*Args"), max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    """Whatever a docstring holds, reading it does not fail and invents no words."""
    description, parameters = read_docstring(text)

    assert set(description.split()) <= set(text.split())
    assert all(name in text for name in parameters)
