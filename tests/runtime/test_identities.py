"""What random ids look like, and times."""

import datetime
import os
import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.clock import RandomIds, parse_rfc3339, rfc3339
from tests.effects.processes import FORKING, ended, forked


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


@pytest.mark.filterwarnings(FORKING)
def test_two_processes_have_no_identity_in_common() -> None:
    """What was drawn before a fork is given out on one side of it."""
    ids = RandomIds()
    ids.uuid()
    readable, writable = os.pipe()

    async def draw() -> None:
        os.write(writable, " ".join(ids.uuid() for _ in range(100)).encode())

    assert ended(forked(draw)) == 0
    os.close(writable)
    with os.fdopen(readable) as told:
        drawn = told.read().split()
    assert len(set(drawn) | {ids.uuid() for _ in range(100)}) == 200


def test_identities_are_drawn_where_no_process_forks() -> None:
    """As on Windows."""
    code = "import os; del os.fork, os.register_at_fork; from lash_nb.clock import RandomIds; print(RandomIds().uuid())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert uuid.UUID(done.stdout.strip()).version == 4


@given(
    st.integers(0, 2_000_000_000), st.integers(0, 999_999_999), st.sampled_from([1, 1_000, 1_000_000, 1_000_000_000])
)
def test_a_time_has_as_many_digits_as_it_needs(seconds: int, fraction: int, unit: int) -> None:
    """None, three, six or nine of them."""
    fraction -= fraction % unit
    digits = f"{fraction:09d}".removesuffix("000").removesuffix("000").removesuffix("000")
    whole = datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert rfc3339(seconds * 1_000_000_000 + fraction) == f"{whole}{'.' if digits else ''}{digits}+00:00"
