"""Documents that are read together come out as they do one by one."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb.errors import WireError
from lash_nb.wire import RuntimeScope, SessionNodeRecord, from_json, from_json_rows, to_json
from tests.wire.documents import free_values

PLAIN: Final = b'{"node_id":"a","timestamp":"t","kind":"plugin","plugin_type":"p","body":%b}'
ODD: Final = [
    b"",
    b"null",
    b"{}",
    b"{",
    b"\xff",
    PLAIN % b"1" + b"," + PLAIN % b"2",
    PLAIN % b"1.50",
    PLAIN % b"123456789012345678901234",
    PLAIN % b"NaN",
    PLAIN % b'{"a":1,"a":2}',
    PLAIN % (b"[" * 200 + b"]" * 200),
    PLAIN.replace(b"a", b"\\ud800") % b"1",
]


def one_by_one(rows: list[bytes], kind: type[Any]) -> list[Any]:
    """What each row is by itself."""

    def read(row: bytes) -> object:
        try:
            return from_json(row, kind)
        except WireError:
            return None

    return [read(row) for row in rows]


@settings(max_examples=40)
@given(rows=st.lists(free_values().map(lambda value: PLAIN % to_json(value)) | st.sampled_from(ODD), max_size=4))
def test_rows_are_read_as_one_by_one(rows: list[bytes]) -> None:
    """What is no such value is None in its place, and spoils no other."""
    assert from_json_rows(rows, SessionNodeRecord) == one_by_one(rows, SessionNodeRecord)


@pytest.mark.parametrize(
    "split", [lambda text: [text + b"},{" + text[1:-1], b'"z":2}'], lambda text: [text + b',{"k":[{}', b"{}]}"]]
)
def test_rows_do_not_run_into_each_other(split: Callable[[bytes], list[bytes]]) -> None:
    """Rows that are documents only when they are put together are none."""
    rows = split(to_json(RuntimeScope(session_id="s")))
    assert from_json_rows(rows, RuntimeScope) == [None, None]
