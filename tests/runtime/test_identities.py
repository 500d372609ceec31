"""What random ids look like, and times."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from lash_nb.clock import RandomIds, parse_rfc3339, rfc3339


def test_random_ids_are_uuids_of_version_4() -> None:
    """Dashed and plain, in the one form that a parser gives back, and each only once."""
    ids = RandomIds()
    dashed, plain = [ids.uuid() for _ in range(200)], [ids.hex() for _ in range(200)]
    parsed = [uuid.UUID(text) for text in dashed + plain]
    assert {(one.version, one.variant) for one in parsed} == {(4, uuid.RFC_4122)}
    assert [str(one) for one in parsed[:200]] == dashed
    assert [one.hex for one in parsed[200:]] == plain
    assert len(set(parsed)) == 400
    assert {text[19] for text in dashed} == set("89ab")


@given(st.lists(st.integers(0, 4_000_000_000_000_000_000), max_size=5))
def test_a_time_is_read_back_whatever_was_written_before(times: list[int]) -> None:
    """Seconds are written once for all times within them, which shows nowhere."""
    for ns in [*times, *[ns + 1 for ns in times]]:
        assert parse_rfc3339(rfc3339(ns)) == ns
