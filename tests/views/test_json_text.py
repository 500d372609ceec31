"""JSON as people read it."""

import json
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from lash_nb.views._json import pretty  # what every view shows of a value
from lash_nb.wire import to_builtins

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
