"""The thread that owns the file. It commits what is there in one group, and tells when a batch is safe.

Batches are committed in the order they were submitted. While one commit waits for the disk, what arrives meanwhile
forms the next: under load a sync carries many steps. What nobody waits for stays in the loop's thread for company, at
most twice `LAZY_S`: lazy batches (settled records), which need no sync at all, and owed ones, which need theirs before
anything is told. Owed samples are written then, so that they outlive the process, but may wait `SAMPLES_S` for a sync.

A disk that cannot be written (full, read-only, broken) is told by `on_unwritable`, once for each reason. The group that
it refused is tried again until it is kept, what was submitted since waits behind it, in order, and then `on_sound` is
called. A disk that stands still and says nothing is told in the same way (`stall.py`), and is sound when it has done
what it was asked. Every other failure is final: `failed` is called, and nothing is reported safe any more.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from chargepointd.core.effects import Save
from chargepointd.storage import stall
from chargepointd.storage.store import PATIENCE, Store, Unwritable

LAZY_S = 0.1
SAMPLES_S = 60.0
"""so much of what was sampled and told to nobody may a power cut take back"""
RETRY_S = (1.0, 30.0)
"""how long a disk that cannot be written is left alone: at first, and at most"""
QUIET_S = 0.5
"""without anything to do, before a long log is folded"""
GROUP = 2000
"""saves in one transaction at most, so that the first of them does not wait for ever under a flood"""

Done = Callable[[], None]
T = TypeVar("T")
_STOP = None


class _Question:
    """What is read in the thread, when all that was submitted before is committed."""

    def __init__(self, ask: Callable[[Store], Callable[[], object]]) -> None:
        self.ask = ask


class Writer:
    """`submit` never blocks. The queue is not bounded by itself: the engine takes in no more events while a full
    group is under way."""

    def __init__(
        self,
        store: Store,
        call_soon: Callable[[Callable[[], object]], object],
        call_later: Callable[[float, Done], object],
        failed: Callable[[BaseException], None],
    ) -> None:
        """call_soon: of the loop, thread-safe. call_later: of the loop. failed: called in the loop."""
        self._store = store
        self._call_soon = call_soon
        self._call_later = call_later
        self._waiting: list[Save] = []
        """for company"""
        self._attending: list[Done] = []
        """until what waits is kept"""
        self._left = 0
        """how often what waited has gone to the thread"""
        self._timed = False
        self.owing = False
        """something is not synced that has to be before anything is told"""
        self._soon = False
        """of that there is something that needs its sync with the next write"""
        self._synced = 0
        """how often what was owed has gone to the thread to be synced"""
        self._samples_timed = False
        self._failed = failed
        self._queue: queue.SimpleQueue[tuple[Sequence[Save], Sequence[Done]] | _Question | None] = queue.SimpleQueue()
        self._stall = stall.Stall()
        store.progressed = self._stall.moves
        self._looking = False
        self._given = self._taken = self._worked_off = 0
        """items of the queue"""
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="storage", daemon=True)
        self._ending = threading.Event()
        self._ended: Done = _nobody
        self._over = False
        """the file is closed"""
        self._saving: Sequence[Save] = ()
        """what is on its way to the disk"""
        self.on_unwritable: Callable[[Unwritable], None] = lambda error: None
        self.on_sound: Done = lambda: None
        self.on_reopened: Done = lambda: None
        """a disk that could not be written at the start can be. All are called in the loop"""
        self.commits = 0
        """synchronous commits so far"""

    def start(self) -> None:
        self._thread.start()

    def submit(self, saves: Sequence[Save], done: Done) -> None:
        """`done` is called in the loop when the batch survives a power cut. What was submitted before, and waits for
        company, goes with it."""
        self._waiting.extend(saves)
        self._go(done)

    def owe(self, saves: Sequence[Save], *, sampled: bool = False) -> None:
        """To survive a power cut soon (what was `sampled`: within SAMPLES_S), and before anything is told: whoever
        tells has to look at `owing`, and submit first. So steps that follow each other share one sync."""
        self.owing = True
        if not sampled:
            self._soon = True
        elif not self._samples_timed:
            self._time_samples()
        self._wait(saves)

    def attend(self, done: Done) -> None:
        """`done` is called in the loop when what is owed survives a power cut. It has a moment's time for company:
        it goes with the next that cannot wait."""
        self._soon = True
        self._attending.append(done)
        if not self._timed:
            self._time()

    def _time_samples(self) -> None:
        self._samples_timed = True
        self._call_later(SAMPLES_S, partial(self._samples_due, self._synced))

    def _samples_due(self, synced: int) -> None:
        self._samples_timed = False
        if self.owing and synced != self._synced:
            self._time_samples()
        elif self.owing:
            self._go(_nobody)

    def submit_lazily(self, saves: Sequence[Save], *, at_once: bool = False) -> None:
        """To be kept soon, or `at_once`; nobody waits for it. Else it costs the loop an append, not a thread's
        waking."""
        self._wait(saves)
        if at_once:
            self._flush()

    def _wait(self, saves: Sequence[Save]) -> None:
        self._waiting.extend(saves)
        if len(self._waiting) >= GROUP:
            self._flush()
        elif not self._timed:
            self._time()

    def _time(self) -> None:
        self._timed = True
        self._call_later(LAZY_S, partial(self._due, self._left))

    def _due(self, left: int) -> None:
        """What waits has waited long enough, or came while the time ran."""
        self._timed = False
        if (self._waiting or self._attending) and left != self._left:
            self._time()
        else:
            self._flush()

    def _flush(self) -> None:
        if self._waiting or self._attending:
            self._go(_nobody if self._soon else None)

    def _go(self, done: Done | None) -> None:
        saves, self._waiting = self._waiting, []
        dones, self._attending = self._attending, []
        self._left += 1
        if done:
            dones.append(done)
            self.owing = self._soon = False
            self._synced += 1
        self._give((saves, dones))

    def _give(self, item: tuple[Sequence[Save], Sequence[Done]] | _Question) -> None:
        self._given += 1
        self._queue.put(item)
        if not self._looking:
            self._looking = True
            self._call_later(stall.LOOK_S, self._look)

    def _look(self) -> None:
        """While something is to be done: whether it is."""
        if self._stall.look():
            self.on_unwritable(Unwritable(stall.REASON, stall.REASON))
        self._looking = self._worked_off < self._given
        if self._looking:
            self._call_later(stall.LOOK_S, self._look)

    def ask(self, question: Callable[[Store], T], answered: Callable[[T], object]) -> None:
        """Read something from the store, in the thread, as all that was submitted before has left it; `answered` is
        called in the loop. What cannot be read ends like a failed commit."""
        self._flush()
        self._give(_Question(lambda store: partial(answered, question(store))))

    def end(self, ended: Done) -> None:
        """Commit what is there, close the file; a disk that cannot be written is tried once more. `ended` is called in
        the loop when that is over."""
        self._flush()
        self._ended = ended
        self._ending.set()
        self._queue.put(_STOP)
        if self._over:
            ended()

    def stop(self) -> None:
        """The same, and waits for it: as long as the disk takes. Raises what a commit failed with."""
        if not self._ending.is_set():
            self.end(_nobody)
        self._thread.join()
        if self._error:
            raise self._error

    def left(self) -> list[Save]:
        """What is not known to be kept, when no more is to be."""
        saves = list(self._saving)
        while not self._queue.empty():
            item = self._queue.get()
            if isinstance(item, tuple):
                saves.extend(item[0])
        return saves

    def _closed(self) -> None:
        self._over = True
        self._ended()

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            if self._store.trouble:
                self._wait_for_disk(self._store.trouble)
                return
            while self._turn():
                pass
        except BaseException as error:  # noqa: BLE001 - told to the loop, whatever it is, and raised by `stop`
            self._error = error
            self._call_soon(partial(self._failed, error))
        finally:
            self._store.close()
            self._call_soon(self._closed)

    def _turn(self) -> bool:
        saves: list[Save] = []
        dones: list[Done] = []
        item = self._collect(saves, dones)
        going = item is not _STOP
        if saves or dones:
            self._saving = saves
            self._commit(saves, durable=bool(dones) or not going)
            self._saving = ()
            self.commits += bool(dones)
        if dones:
            self._call_soon(lambda: _all(dones))
        if saves:
            with self._stall.long():
                self._store.tend()
            self._say_if_over()
        if isinstance(item, _Question):
            with self._stall:
                answer = item.ask(self._store)
            self._say_if_over()
            self._call_soon(answer)
        self._worked_off = self._taken
        return going

    def _say_if_over(self) -> None:
        if self._stall.over():
            self._call_soon(self.on_sound)

    def _next(self) -> Any:
        """The next item. While none comes, the log is folded: that takes long, and nobody waits for it now."""
        if self._store.log_is_long:
            try:
                return self._queue.get(timeout=QUIET_S)
            except queue.Empty:
                self._fold()
        return self._queue.get()

    def _fold(self) -> None:
        try:
            with self._stall.long():
                self._store.fold()
        except Unwritable as error:
            self._commit([], durable=True, told=f"while the log was folded: {error}")
        self._say_if_over()

    def _commit(self, saves: list[Save], *, durable: bool, told: str = "") -> None:
        """However often it takes; but what needs something that cannot be read is for the next start, which saves what
        is readable. `told`: what was wrong before it began."""
        wait_s, unread = RETRY_S[0], 0
        while True:
            last = self._ending.is_set()
            try:
                with self._stall:
                    if told:
                        self._store.recover()
                    self._store.commit(saves, durable=durable)
                break
            except Unwritable as error:
                unread += error.unread
                if last or unread > PATIENCE:
                    raise
                if self._stall.over() or str(error) != told:
                    told = str(error)
                    self._call_soon(partial(self.on_unwritable, error))
            self._ending.wait(wait_s)
            wait_s = min(2 * wait_s, RETRY_S[1])
        if self._stall.over() or told:
            self._call_soon(self.on_sound)

    def _wait_for_disk(self, trouble: Unwritable) -> None:
        """It could not be written at the start: what is in it is not what this process goes by, so it is not what is
        committed to it either. When it can be written the station begins anew."""
        wait_s = RETRY_S[0]
        while not self._ending.wait(wait_s):
            try:
                self._store.try_again()
            except Unwritable as error:
                if str(error) != str(trouble):
                    trouble = error
                    self._call_soon(partial(self.on_unwritable, error))
                wait_s = min(2 * wait_s, RETRY_S[1])
            else:
                self._call_soon(self.on_reopened)
                return

    def _collect(self, saves: list[Save], dones: list[Done]) -> object:
        """What is queued now, waiting for the first of it. Returns the last item: a question, or that it is time to
        stop, stands behind what was collected."""
        item = self._next()
        self._taken += 1
        while isinstance(item, tuple):
            saves.extend(item[0])
            dones.extend(item[1])
            if len(saves) >= GROUP:
                return item
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return ()
            self._taken += 1
        return item


def _nobody() -> None:
    """Waits for it, but it needs its sync."""


def _all(dones: list[Done]) -> None:
    for done in dones:
        done()
