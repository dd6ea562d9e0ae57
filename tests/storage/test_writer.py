"""The thread that commits: order, grouping, company for what can wait, and what a full disk does."""

import asyncio
import contextlib
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chargepointd.core import effects as f
from chargepointd.storage import store as store_module
from chargepointd.storage import writer as w
from chargepointd.storage.store import Store, StoreError, Unwritable
from chargepointd.storage.writer import Writer
from tests.storage.saves import batch, reopened, waiting

LIMIT_S = 20.0


class Gate(Store):
    """A store whose disk takes as long as a test wants, and that remembers its commits."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.begun = threading.Semaphore(0)
        self.may = threading.Event()
        self.may.set()
        self.groups: list[tuple[int, bool]] = []
        self.folded: list[int] = []
        """how many groups there were when the log was folded"""
        self.fold_done = threading.Event()
        self.unfoldable = ""

    def fold(self) -> None:
        if self.unfoldable:
            raise Unwritable("state: broken", self.unfoldable)
        super().fold()
        self.folded.append(len(self.groups))
        self.fold_done.set()

    def commit(self, saves: Any, *, durable: bool) -> None:
        self.begun.release()
        assert self.may.wait(LIMIT_S)
        super().commit(saves, durable=durable)
        self.groups.append((len(saves), durable))

    def recover(self) -> None:
        self.begun.release()
        super().recover()


class Bench:
    """A writer on a loop."""

    def __init__(self, directory: Path) -> None:
        loop = asyncio.get_running_loop()
        self.store = Gate(directory)
        self.store.open()
        self.failures: list[BaseException] = []
        self.done: list[int] = []
        self._changed = asyncio.Event()
        self.writer = Writer(self.store, loop.call_soon_threadsafe, loop.call_later, self._failed)
        self.unwritable: list[Unwritable] = []
        self.sound = 0
        self.writer.on_unwritable, self.writer.on_sound = self._unwritable, self._sound

    def _unwritable(self, error: Unwritable) -> None:
        self.unwritable.append(error)
        self._changed.set()

    def _sound(self) -> None:
        self.sound += 1
        self._changed.set()

    def _failed(self, error: BaseException) -> None:
        self.failures.append(error)
        self._changed.set()

    def _finished(self, number: int) -> None:
        self.done.append(number)
        self._changed.set()

    def submit(self, number: int, saves: Sequence[f.Save] | None = None) -> None:
        self.writer.submit(batch(number) if saves is None else saves, lambda: self._finished(number))

    def attend(self, number: int) -> None:
        self.writer.attend(lambda: self._finished(number))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Bench]:
    bench = Bench(directory)
    bench.writer.start()
    try:
        yield bench
    finally:
        bench.store.may.set()
        with contextlib.suppress(StoreError, KeyError):
            bench.writer.stop()


def test_batches_are_done_in_the_order_they_came(tmp_path: Path) -> None:
    async def main() -> None:
        with running(tmp_path) as bench:
            for n in range(1, 301):
                bench.submit(n)
            await bench.until(lambda: len(bench.done) == 300)
            assert bench.done == list(range(1, 301))

    asyncio.run(main())
    assert [entry.id for entry in waiting(tmp_path)] == list(range(1, 301))


def test_what_comes_while_the_disk_works_shares_the_next_commit(tmp_path: Path) -> None:
    async def main() -> None:
        with running(tmp_path) as bench:
            bench.store.may.clear()
            bench.submit(1)
            assert bench.store.begun.acquire(timeout=LIMIT_S)
            for n in range(2, 101):
                bench.submit(n)
            bench.store.may.set()
            await bench.until(lambda: len(bench.done) == 100)
            assert bench.store.groups == [(2, True), (198, True)]
            assert bench.writer.commits == 2

    asyncio.run(main())


def test_a_group_has_an_end(tmp_path: Path) -> None:
    async def main() -> None:
        with running(tmp_path) as bench:
            bench.store.may.clear()
            bench.submit(1)
            assert bench.store.begun.acquire(timeout=LIMIT_S)
            for n in range(2, 2 + w.GROUP):
                bench.submit(n)
            bench.store.may.set()
            await bench.until(lambda: len(bench.done) == 1 + w.GROUP)
            assert bench.store.groups == [(2, True), (w.GROUP, True), (w.GROUP, True)]

    asyncio.run(main())


def test_what_can_wait_goes_with_the_next_that_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(w, "LAZY_S", 3600.0)

    async def main() -> None:
        with running(tmp_path) as bench:
            bench.submit(1)
            await bench.until(lambda: bench.done == [1])
            bench.writer.submit_lazily([f.SettleRecord(1)])
            bench.submit(2)
            await bench.until(lambda: bench.done == [1, 2])
            assert bench.store.groups == [(2, True), (3, True)]

    asyncio.run(main())
    assert [entry.id for entry in waiting(tmp_path)] == [2]


def test_what_can_wait_waits_for_company_but_not_longer_than_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(w, "LAZY_S", 0.05)

    async def main() -> None:
        with running(tmp_path) as bench:
            for n in range(1, 4):
                bench.writer.submit_lazily([f.SettleRecord(n)])
            begun = await asyncio.to_thread(bench.store.begun.acquire, timeout=LIMIT_S)
            assert begun
            bench.submit(9)
            await bench.until(lambda: bench.done == [9])
            assert bench.store.groups == [(3, False), (2, True)]

    asyncio.run(main())


def test_what_is_lazy_may_be_hurried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(w, "LAZY_S", 3600.0)

    async def main() -> None:
        with running(tmp_path) as bench:
            bench.writer.submit_lazily([f.SettleRecord(1)], at_once=True)
            assert await asyncio.to_thread(bench.store.begun.acquire, timeout=LIMIT_S)

    asyncio.run(main())


def test_a_later_save_wins_over_an_earlier_lazy_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(w, "LAZY_S", 3600.0)

    async def main() -> None:
        with running(tmp_path) as bench:
            bench.submit(1)
            bench.writer.submit_lazily([f.SaveSession(1, None)])
            bench.submit(2)
            bench.writer.submit_lazily([f.SaveSession(1, None)])
            bench.submit(3)
            await bench.until(lambda: bench.done == [1, 2, 3])

    asyncio.run(main())
    session = reopened(tmp_path).sessions[1]
    assert session.transaction
    assert session.transaction.seq_no == 3


def test_what_is_owed_goes_with_the_next_that_cannot_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(w, "LAZY_S", 3600.0)

    async def main() -> None:
        with running(tmp_path) as bench:
            for n in range(1, 4):
                bench.writer.owe(batch(n))
            assert bench.writer.owing
            bench.submit(4)
            assert not bench.writer.owing
            await bench.until(lambda: bench.done == [4])
            assert bench.store.groups == [(8, True)]

    asyncio.run(main())
    assert [entry.id for entry in reopened(tmp_path).records] == [1, 2, 3, 4]


def test_who_tells_something_has_what_is_owed_synced_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(w, "LAZY_S", 3600.0)

    async def main() -> None:
        with running(tmp_path) as bench:
            bench.store.may.clear()
            bench.writer.owe(batch(1))
            bench.submit(2, [])
            assert bench.store.begun.acquire(timeout=LIMIT_S)
            assert bench.done == []
            bench.store.may.set()
            await bench.until(lambda: bench.done == [2])
            assert bench.store.groups == [(2, True)]

    asyncio.run(main())


def test_who_attends_shares_the_sync_of_the_next_that_cannot_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(w, "LAZY_S", 3600.0)

    async def main() -> None:
        with running(tmp_path) as bench:
            bench.writer.owe(batch(1))
            bench.attend(1)
            bench.submit(2)
            bench.attend(3)
            bench.submit(4, [])
            await bench.until(lambda: len(bench.done) == 4)
            assert bench.done == [1, 2, 3, 4]
            assert bench.store.groups[0] == (4, True)

    asyncio.run(main())


def test_who_attends_does_so_no_longer_than_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though what is owed are samples, which have been written and have time until they are synced."""
    monkeypatch.setattr(w, "LAZY_S", 0.05)

    async def main() -> None:
        with running(tmp_path) as bench:
            bench.writer.owe(batch(1), sampled=True)
            assert await asyncio.to_thread(bench.store.begun.acquire, timeout=LIMIT_S)
            assert bench.writer.owing
            bench.attend(1)
            await bench.until(lambda: bench.done == [1])
            assert bench.store.groups == [(2, False), (0, True)]

    asyncio.run(main())


@pytest.mark.parametrize("hurried", [False, True])
def test_what_is_owed_is_synced_whatever_takes_it_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hurried: bool
) -> None:
    """Its time, or something lazy that is hurried."""
    monkeypatch.setattr(w, "LAZY_S", 3600.0 if hurried else 0.05)

    async def main() -> None:
        with running(tmp_path) as bench:
            bench.writer.owe(batch(1))
            bench.writer.submit_lazily([f.SettleRecord(1)], at_once=hurried)
            assert await asyncio.to_thread(bench.store.begun.acquire, timeout=LIMIT_S)
            bench.submit(9)
            await bench.until(lambda: bench.done == [9])
            assert bench.store.groups == [(3, True), (2, True)]

    asyncio.run(main())


def test_samples_are_written_soon_and_synced_with_the_first_thing_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(w, "LAZY_S", 0.05)

    async def main() -> None:
        with running(tmp_path) as bench:
            for n in range(1, 4):
                bench.writer.owe(batch(n), sampled=True)
            assert await asyncio.to_thread(bench.store.begun.acquire, timeout=LIMIT_S)
            assert bench.writer.owing
            bench.submit(4, [])
            assert not bench.writer.owing
            await bench.until(lambda: bench.done == [4])
            assert bench.store.groups == [(6, False), (0, True)]

    asyncio.run(main())


@pytest.mark.parametrize("sampled_first", [True, False])
def test_what_is_no_sample_takes_the_samples_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sampled_first: bool
) -> None:
    monkeypatch.setattr(w, "LAZY_S", 0.05)

    async def main() -> None:
        with running(tmp_path) as bench:
            bench.writer.owe(batch(1), sampled=sampled_first)
            bench.writer.owe(batch(2), sampled=not sampled_first)
            assert await asyncio.to_thread(bench.store.begun.acquire, timeout=LIMIT_S)
            bench.submit(9)
            await bench.until(lambda: bench.done == [9])
            assert bench.store.groups == [(4, True), (2, True)]

    asyncio.run(main())


def test_samples_do_not_wait_longer_than_their_time(tmp_path: Path) -> None:
    """A clock that a test winds."""
    timers: list[tuple[float, Callable[[], None]]] = []
    store = Gate(tmp_path)
    store.open()
    writer = Writer(store, lambda call: call(), lambda s, call: timers.append((s, call)), lambda error: None)
    writer.owe(batch(1), sampled=True)
    (long_s, long), (short_s, short) = timers
    assert (long_s, short_s) == (w.SAMPLES_S, w.LAZY_S)
    short()
    assert writer.owing
    writer.submit([], lambda: None)
    writer.owe(batch(2), sampled=True)
    long()
    assert writer.owing, "of another time"
    assert timers[-1][0] == w.SAMPLES_S
    timers[-1][1]()
    assert not writer.owing
    writer.start()
    writer.stop()
    assert store.groups == [(4, True)]


def test_a_sync_of_what_was_written_before_is_one(tmp_path: Path) -> None:
    """SQLite syncs its log when it has written to it."""
    store = Store(tmp_path)
    store.open()
    log = tmp_path / "chargepointd.db-wal"
    store.commit(batch(1), durable=False)
    written = log.stat().st_size
    store.commit([], durable=True)
    synced = log.stat().st_size
    assert synced > written
    store.commit([], durable=True)
    store.commit([], durable=False)
    assert log.stat().st_size == synced
    store.close()


def test_a_long_log_is_folded_when_nothing_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(w, "QUIET_S", 0.01)
    monkeypatch.setattr(store_module, "FOLD_AFTER", 3)

    async def main() -> None:
        with running(tmp_path) as bench:
            for n in range(1, 3):
                bench.submit(n)
                await bench.until(lambda n=n: bench.done[-1:] == [n])  # type: ignore[misc]
                assert bench.store.begun.acquire(timeout=LIMIT_S)
            bench.store.may.clear()
            bench.submit(3)
            assert bench.store.begun.acquire(timeout=LIMIT_S)
            bench.submit(4)
            bench.store.may.set()
            await bench.until(lambda: bench.done[-1:] == [4])
            assert await asyncio.to_thread(bench.store.fold_done.wait, LIMIT_S)
            bench.submit(5)
            await bench.until(lambda: bench.done[-1:] == [5])
        assert bench.store.folded == [4], "once, and not while something waited"

    asyncio.run(main())
    assert [entry.id for entry in waiting(tmp_path)] == [1, 2, 3, 4, 5]


def test_a_disk_that_does_not_take_the_log_is_told_of_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(w, "QUIET_S", 0.01)
    monkeypatch.setattr(store_module, "FOLD_AFTER", 1)
    told: list[str] = []

    async def main() -> None:
        with running(tmp_path) as bench:
            bench.store.unfoldable = "broken"
            recovered = threading.Event()
            recover = bench.store.recover

            def watched() -> None:
                if not told:
                    told.append("recovering")
                    raise Unwritable("still broken", "broken")
                recover()
                recovered.set()

            monkeypatch.setattr(bench.store, "recover", watched)
            monkeypatch.setattr(w, "RETRY_S", (0.01, 0.01))
            bench.writer.on_unwritable = lambda error: told.append(str(error))
            bench.writer.on_sound = lambda: told.append("sound")
            bench.submit(1)
            assert await asyncio.to_thread(recovered.wait, LIMIT_S)
            bench.submit(2)
            await bench.until(lambda: bench.done == [1, 2])
            assert told == ["recovering", "still broken", "sound"]

    asyncio.run(main())


def test_what_comes_late_has_its_own_time_for_company(tmp_path: Path) -> None:
    """A clock that a test winds: the time of what has left does not hurry what came after."""
    timers: list[Callable[[], None]] = []
    store = Store(tmp_path)
    store.open()
    writer = Writer(
        store, lambda call: call(), lambda s, call: timers.append(call) if s == w.LAZY_S else None, lambda error: None
    )
    writer.owe(batch(1))
    writer.submit([], lambda: None)
    writer.owe(batch(2))
    assert len(timers) == 1
    timers.pop()()
    assert writer.owing
    assert len(timers) == 1
    timers.pop()()
    assert not writer.owing
    assert timers == []
    writer.start()
    writer.stop()


def test_stop_keeps_what_was_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(w, "LAZY_S", 3600.0)

    async def main() -> None:
        bench = Bench(tmp_path)
        bench.writer.start()
        bench.submit(1)
        bench.submit(2)
        bench.writer.submit_lazily([f.SettleRecord(1)])
        bench.writer.stop()

    asyncio.run(main())
    assert [entry.id for entry in waiting(tmp_path)] == [2]


@contextmanager
def full_disk() -> Iterator[None]:
    """No file grows any more: what a full disk looks like to a process. Over with the block, for pytest itself may
    write into a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_told_with_a_remedy_and_all_is_kept_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(w, "RETRY_S", (0.01, 0.02))

    async def main() -> None:
        with running(tmp_path) as bench:
            bench.submit(1)
            await bench.until(lambda: bench.done == [1])
            bench.store.may.clear()
            bench.submit(2)
            assert bench.store.begun.acquire(timeout=LIMIT_S)
            bench.submit(3)
            with full_disk():
                bench.store.may.set()
                await bench.until(lambda: bool(bench.unwritable))
                bench.submit(4)
                for _ in range(3):  # it is tried again and again, and told once
                    assert await asyncio.to_thread(bench.store.begun.acquire, timeout=LIMIT_S)
                assert (bench.done, bench.sound, len(bench.unwritable)) == ([1], 0, 1)
            await bench.until(lambda: bench.done == [1, 2, 3, 4])
            assert str(tmp_path / "chargepointd.db") in str(bench.unwritable[0])
            assert bench.unwritable[0].reason == "File too large"
            assert "is the state directory writable, and the disk not full" in str(bench.unwritable[0])
            assert (bench.sound, bench.failures) == (1, [])

    asyncio.run(main())
    assert [entry.id for entry in reopened(tmp_path).records] == [1, 2, 3, 4]


def test_what_needs_something_that_cannot_be_read_is_for_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(w, "RETRY_S", (0.01, 0.02))
    tries: list[bool] = []

    def unread(self: Store, saves: object, **how: bool) -> None:
        tries.append(True)
        raise Unwritable("state: gone", "gone", unread=True)

    async def main() -> None:
        with running(tmp_path) as bench:
            monkeypatch.setattr(Store, "commit", unread)
            bench.submit(1)
            await bench.until(lambda: bool(bench.failures))
            assert (len(tries), [error.reason for error in bench.unwritable]) == (1 + w.PATIENCE, ["gone"])

    asyncio.run(main())


def test_a_bug_in_a_commit_is_no_matter_of_the_disk(tmp_path: Path) -> None:
    async def main() -> None:
        with running(tmp_path) as bench:
            bench.submit(1, ["no save"])  # type: ignore[list-item]
            await bench.until(lambda: bool(bench.failures))
            bench.submit(2)
            with pytest.raises(KeyError):
                bench.writer.stop()
            assert (bench.done, bench.unwritable) == ([], [])

    asyncio.run(main())


def test_a_failure_at_the_very_end_is_not_lost(tmp_path: Path) -> None:
    async def main() -> None:
        bench = Bench(tmp_path)
        bench.writer.start()
        with full_disk():
            bench.writer.submit_lazily([f.SettleRecord(1)])
            with pytest.raises(StoreError):
                bench.writer.stop()

    asyncio.run(main())


_CHILD = """
import os, sys
from pathlib import Path
from chargepointd.core import effects as f
from chargepointd.storage.store import Store
from chargepointd.storage.writer import Writer
from tests.storage.saves import batch
store = Store(Path(sys.argv[1]))
store.open()
writer = Writer(store, lambda call: call(), lambda s, call: None, lambda error: sys.exit(str(error)))
writer.start()
number = 0
for line in sys.stdin.buffer:
    for _ in range(10):
        number += 1
        writer.submit(batch(number), lambda n=number: os.write(1, b"%d\\n" % n))
        if number % 3 == 0:
            writer.submit_lazily([f.SettleRecord(number // 3)])
"""


@pytest.mark.parametrize("kill_after", [1, 17, 90, 333])
def test_after_a_kill_exactly_what_was_reported_done_is_there(tmp_path: Path, kill_after: int) -> None:
    """And what was still under way, but in order and without a gap."""
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    assert child.stdin
    assert child.stdout
    told = b""
    child.stdin.write(b"go\n" * (kill_after // 10 + 20))
    while told.count(b"\n") < kill_after:
        more = child.stdout.read(4096)
        assert more, "the child ended by itself"
        told += more
    child.kill()
    told += child.stdout.read()
    child.communicate(timeout=LIMIT_S)
    reported = [int(line) for line in told.split(b"\n")[:-1]]
    assert reported == list(range(1, len(reported) + 1))
    saved = reopened(tmp_path)
    first = saved.state.get("settled", 0) + 1
    kept = [entry.id for entry in waiting(tmp_path)]
    assert kept == list(range(first, first + len(kept)))
    assert first + len(kept) - 1 >= len(reported)
    assert saved.sessions[1].transaction
    assert saved.sessions[1].transaction.seq_no == first + len(kept) - 1


def test_a_commit_that_returned_is_in_the_file_without_a_close(tmp_path: Path) -> None:
    """Another connection sees it: nothing of it is only in memory."""
    store = Store(tmp_path)
    store.open()
    store.commit(batch(1), durable=True)
    copy = tmp_path / "copy"
    copy.mkdir()
    for part in tmp_path.glob("chargepointd.db*"):
        (copy / part.name).write_bytes(part.read_bytes())
    db = sqlite3.connect(copy / "chargepointd.db")
    assert db.execute("SELECT count(*) FROM record").fetchone() == (1,)
    db.close()
    store.close()
