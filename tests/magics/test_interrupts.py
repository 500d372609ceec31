"""A waiting cell shows news at once, and not more often than anybody sees."""

import asyncio

import pytest

from lash_nb.magics import _interrupts
from lash_nb.magics._interrupts import attend


async def test_news_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait for the heartbeat, which would never come here."""
    monkeypatch.setattr(_interrupts, "HEARTBEAT", 1_000.0)
    news, told = asyncio.Event(), asyncio.Event()

    async def talk() -> str:
        news.set()
        await told.wait()
        return "heard"

    work = asyncio.ensure_future(talk())
    assert await attend(work, interrupted=lambda _: None, beat=told.set, news=news) == 0
    assert work.result() == "heard"


async def test_much_news_is_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand pieces that come in no time make two pictures: of the first one, and of all."""
    monkeypatch.setattr(_interrupts, "LEAST_GAP", 1_000.0)
    news, beats = asyncio.Event(), 0

    def beat() -> None:
        nonlocal beats
        beats += 1

    async def talk() -> None:
        for _ in range(1_000):
            news.set()
            await asyncio.sleep(0)

    await attend(asyncio.ensure_future(talk()), interrupted=lambda _: None, beat=beat, news=news)
    assert beats == 2


async def test_without_news_it_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time goes on, and a card that counts it is drawn again."""
    monkeypatch.setattr(_interrupts, "HEARTBEAT", 0.0)
    beats, enough = 0, asyncio.Event()

    def beat() -> None:
        nonlocal beats
        beats += 1
        if beats == 3:
            enough.set()

    await attend(asyncio.ensure_future(enough.wait()), interrupted=lambda _: None, beat=beat, news=asyncio.Event())
    assert beats >= 3
