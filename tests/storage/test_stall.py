"""A disk that stands still and says nothing: it is noticed, told once, and over when it has done what it was asked."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from chargepointd.storage import stall
from chargepointd.storage import writer as w
from chargepointd.storage.stall import LOOKS, LOOKS_LONG, REASON, Stall
from chargepointd.storage.store import Store, Unwritable
from tests.storage.saves import waiting
from tests.storage.test_writer import LIMIT_S, Bench, running


def looks(watched: Stall) -> int:
    """How many until it is given up; none more than a day's."""
    return next((n for n in range(1, 40_000) if watched.look()), 0)


def test_a_visit_that_lasts_is_given_up_once_and_is_over_when_the_thread_is_back() -> None:
    watched = Stall()
    with watched:
        assert looks(watched) == 1 + LOOKS
        assert looks(watched) == 0
    assert watched.over()
    assert not watched.over()
    with watched:
        assert looks(watched) == 1 + LOOKS


def test_many_visits_are_no_long_one_and_none_is_none() -> None:
    watched = Stall()
    for _ in range(5 * LOOKS):
        with watched:
            assert not watched.look()
        assert not watched.look()
    assert looks(watched) == 0
    assert not watched.over()


def test_what_moves_does_not_stand_still_and_a_copy_has_longer() -> None:
    watched = Stall()
    with watched:
        for _ in range(5 * LOOKS):
            assert not watched.look()
            watched.moves()
    with watched.long():
        assert looks(watched) == 1 + LOOKS_LONG
    with watched:
        assert looks(watched) == 1 + LOOKS, "what follows a copy is none"


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stall, "LOOK_S", 0.01)


def looked_no_more(bench: Bench) -> None:
    """From the first time on that it is told: a machine under load is no disk that stands still."""
    told = bench.writer.on_unwritable

    def tell(error: Unwritable) -> None:
        stall.LOOK_S = 3600.0
        told(error)

    bench.writer.on_unwritable = tell


def test_it_is_told_while_the_disk_stands_still_and_what_was_given_is_kept_in_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        with running(tmp_path) as bench:
            looked_no_more(bench)
            bench.store.may.clear()
            bench.submit(1)
            await bench.until(lambda: bool(bench.unwritable))
            bench.submit(2)
            assert (bench.unwritable[0].reason, bench.sound, bench.done) == (REASON, 0, [])
            bench.store.may.set()
            await bench.until(lambda: bench.sound == 1 and bench.done == [1, 2])
            assert len(bench.unwritable) == 1

    asyncio.run(main())
    assert [entry.id for entry in waiting(tmp_path)] == [1, 2]


def test_an_error_at_the_end_of_it_is_told_as_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(w, "RETRY_S", (0.01, 0.01))
    broken = [True]
    commit = Store.commit

    def refusing(self: Store, saves: object, **how: bool) -> None:
        if broken and broken.pop():
            raise Unwritable("state: broken", "broken")
        commit(self, saves, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "commit", refusing)

    async def main() -> None:
        with running(tmp_path) as bench:
            looked_no_more(bench)
            bench.store.may.clear()
            bench.submit(1)
            await bench.until(lambda: bool(bench.unwritable))
            bench.store.may.set()
            await bench.until(lambda: bench.done == [1])
            assert [error.reason for error in bench.unwritable] == [REASON, "broken"]
            assert bench.sound == 1

    asyncio.run(main())


def test_a_question_that_is_not_answered_is_noticed_too(tmp_path: Path) -> None:
    async def main() -> None:
        with running(tmp_path) as bench:
            looked_no_more(bench)
            bench.store.may.clear()
            bench.writer.ask(lambda store: bench.store.may.wait(LIMIT_S), bench._finished)
            await bench.until(lambda: bool(bench.unwritable))
            bench.store.may.set()
            await bench.until(lambda: bench.sound == 1 and bench.done == [True])

    asyncio.run(main())


def test_nobody_looks_at_a_disk_that_has_nothing_to_do(tmp_path: Path) -> None:
    timers: list[float] = []

    async def main() -> None:
        bench, loop = Bench(tmp_path), asyncio.get_running_loop()

        def call_later(seconds: float, call: Callable[[], None]) -> None:
            timers.append(seconds)
            loop.call_later(seconds, lambda: (call(), bench._changed.set()))

        bench.writer._call_later = call_later  # type: ignore[assignment]
        bench.writer.start()
        assert timers == []
        bench.submit(1)
        assert timers == [stall.LOOK_S]
        await bench.until(lambda: bench.done == [1])
        await bench.until(lambda: not bench.writer._looking)
        seen = len(timers)
        await asyncio.sleep(3 * stall.LOOK_S)
        assert len(timers) == seen
        bench.writer.stop()

    asyncio.run(main())


def test_a_correction_of_a_long_queue_shows_that_it_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from chargepointd.core import effects as f
    from chargepointd.storage import waiting
    from tests.storage.saves import batch

    monkeypatch.setattr(waiting, "PAGE", 2)
    store = Store(tmp_path)
    store.open()
    told = threading.Semaphore(0)
    store.progressed = told.release  # type: ignore[assignment]
    for n in range(1, 6):
        store.commit(batch(n), durable=True)
    store.commit([f.AmendRecords(0, offline=True)], durable=True)
    store.close()
    assert [told.acquire(blocking=False) for _ in range(4)] == [True, True, True, False]
