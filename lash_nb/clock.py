"""Time, identity and cancellation as ports: the runtime asks for them here and nowhere else.

`SystemClock` and `RandomIds` are the real world; `ManualClock` and `CountingIds` are the shipped deterministic doubles
that make a whole session reproducible byte for byte.
"""

import datetime
import os
import re
import time
import uuid
import weakref
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final, Protocol

__all__ = [
    "NS_PER_MS",
    "CancellationToken",
    "Clock",
    "CountingIds",
    "IdSource",
    "ManualClock",
    "RandomIds",
    "SystemClock",
    "parse_rfc3339",
    "rfc3339",
]

NS_PER_MS: Final = 1_000_000
"""Nanoseconds of a millisecond: times are counted in the ones, durations told in the others."""
_NS: Final = 1_000_000_000
_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_DRAWN_AT_ONCE: Final = 256
"""How many identities are drawn together: nine turns of them, each for a tenth of what it costs alone."""
_VERSION: Final = bytes(byte & 0x0F | 0x40 for byte in range(256))
_VARIANT: Final = bytes(byte & 0x3F | 0x80 for byte in range(256))
"""What becomes of the two bytes of a UUID that are not all random (RFC 4122)."""
_DRAWN: Final[list[str]] = []
"""Identities that nobody has yet."""
if hasattr(os, "register_at_fork"):  # where processes fork, two of them would give out the same
    os.register_at_fork(after_in_child=_DRAWN.clear)
_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
).fullmatch
"""Date, time, fraction, offset; the standard library passes over letters behind the seconds, and over bytes behind the `Z`."""


class Clock(Protocol):
    """Where the runtime reads the time and waits."""

    def now_ns(self) -> int:
        """Return nanoseconds since the Unix epoch, UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds of a clock that never goes back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        ...


class IdSource(Protocol):
    """Where random identities come from."""

    def uuid(self) -> str:
        """Return a fresh UUID in its dashed, lower-case form."""
        ...

    def hex(self) -> str:
        """Return 32 fresh lower-case hex digits."""
        ...


class SystemClock:
    """The machine's own clock."""

    now_ns = staticmethod(time.time_ns)
    """Return the wall clock in nanoseconds since the Unix epoch."""
    monotonic_ns = staticmethod(time.perf_counter_ns)
    """Return the performance counter in nanoseconds."""

    async def sleep(self, seconds: float) -> None:
        """Wait on the running event loop."""
        import asyncio  # noqa: PLC0415 - who only reads times, as of a trace, does not wait for the loop to load

        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until it is told to move; a sleep moves it at once."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now = start_ns

    def now_ns(self) -> int:
        """Return the time the clock was set to."""
        return self._now

    def monotonic_ns(self) -> int:
        """Return the same hand, for durations."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`."""
        self._now += round(seconds * _NS)

    async def sleep(self, seconds: float) -> None:
        """Move the clock forward and let other tasks run once."""
        import asyncio  # noqa: PLC0415 - as above

        self.advance(seconds)
        await asyncio.sleep(0)


class RandomIds:
    """Random version 4 UUIDs."""

    def uuid(self) -> str:
        """Return a random UUID, dashed."""
        try:
            return _DRAWN.pop()
        except IndexError:
            _DRAWN.extend(_drawn())
            return self.uuid()

    def hex(self) -> str:
        """Return a random UUID without dashes."""
        return self.uuid().replace("-", "")


def _drawn() -> list[str]:
    """Draw and write many at once, column by column."""
    numbers = bytearray(os.urandom(16 * _DRAWN_AT_ONCE))
    numbers[6::16] = numbers[6::16].translate(_VERSION)
    numbers[8::16] = numbers[8::16].translate(_VARIANT)
    lines = bytearray(numbers.hex("-", 2).encode() + b"\n")
    lines[39::40] = b"\n" * _DRAWN_AT_ONCE
    for dash, width in ((34, 40), (29, 39), (4, 38)):  # the first group has eight digits, the last one twelve
        del lines[dash::width]
    return lines.decode().split()


class CountingIds:
    """Identities that count from one: reproducible, of the same shape as the random ones; not for two cores that share a store."""

    def __init__(self) -> None:
        self._count = 0

    def uuid(self) -> str:
        """Return the next number as a dashed UUID."""
        return str(uuid.UUID(self.hex()))

    def hex(self) -> str:
        """Return the next number as 32 hex digits."""
        self._count += 1
        return f"{self._count:032x}"


class CancellationToken:
    """Tells whoever holds it that work is no longer wanted; cancelling reaches all children, never the parent.

    Not bound to an event loop before somebody waits on it.
    """

    __slots__ = ("__weakref__", "_callbacks", "_cancelled", "_children")

    def __init__(self) -> None:
        self._cancelled = False
        self._children: dict[weakref.ref[CancellationToken], None] = {}
        """No `WeakSet`: each tool gets a child, and that one is made and walked in Python."""
        self._callbacks: dict[Callable[[], None], None] = {}
        """Both are there from the beginning, as threads may ask at the same time; the garbage collector leaves empty dicts alone, but no sets."""

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called here or above."""
        return self._cancelled

    def cancel(self) -> None:
        """Cancel this token and its children, from any thread."""
        if self._cancelled:
            return
        self._cancelled = True
        for callback in tuple(self._callbacks):
            callback()
        for known in tuple(self._children):
            child = known()
            if child is not None:
                child.cancel()

    def child(self) -> "CancellationToken":
        """Return a token that this one cancels."""
        token = CancellationToken()
        if self._cancelled:
            token.cancel()
        else:
            self._children[weakref.ref(token, self._children.pop)] = None
        return token

    async def wait(self) -> None:
        """Return once the token is cancelled."""
        if self._cancelled:
            return
        import asyncio  # noqa: PLC0415 - as above

        from lash_nb.tasks import on_this_loop  # noqa: PLC0415 - as above

        waiter = asyncio.get_running_loop().create_future()
        unsubscribe = self.subscribe(on_this_loop(lambda: None if waiter.done() else waiter.set_result(None)))
        try:
            await waiter
        finally:
            unsubscribe()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when the token is cancelled, at once if it already is; return what takes it off again."""
        if self._cancelled:
            callback()
        self._callbacks[callback] = None
        return partial(self._callbacks.pop, callback, None)


def rfc3339(ns: int) -> str:
    """Write nanoseconds since the epoch as RFC 3339 with offset `+00:00`.

    The fraction has 0, 3, 6 or 9 digits, as many as the value needs (the reference's own layout of graph nodes and trace records).
    """
    seconds, fraction = divmod(ns, _NS)
    if fraction % 1_000:
        return f"{_second(seconds)}.{str(fraction).zfill(9)}+00:00"  # `:09` costs more than twice as much
    return f"{_second(seconds)}{_rounded(fraction)}+00:00"


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    """Write the whole seconds: times that follow each other have them in common."""
    return (_EPOCH + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def parse_rfc3339(text: str) -> int:
    """Read an RFC 3339 time as nanoseconds since the epoch; a time without an offset counts as UTC, a date alone as its midnight.

    Raises:
        ValueError: the text is no such time.
    """
    found = _RFC3339(text)
    if found is None:
        message = f"{text[:40]!r} is not an RFC 3339 time"
        raise ValueError(message)
    date, time_of_day, fraction, offset = found.groups("")
    moment = datetime.datetime.fromisoformat(f"{date}T{time_of_day or '00:00:00'}{offset.upper() or 'Z'}")
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * _NS + int(fraction[:9].ljust(9, "0"))


def _rounded(fraction: int) -> str:
    """Write a fraction of whole microseconds."""
    if not fraction:
        return ""
    digits = str(fraction).zfill(9)
    return f".{digits[:6] if fraction % NS_PER_MS else digits[:3]}"
