"""The thread that owns the file. It commits what is there in one group, and tells when a batch is safe.

Batches are committed in the order they were submitted. While one commit waits for the disk, what arrives meanwhile
forms the next: under load a sync carries many steps. Lazy batches (settled records) wait for company, at most
`LAZY_S`. A failed commit is final: `failed` is called, and nothing is reported safe any more.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence

from chargepointd.core.effects import Save
from chargepointd.storage.store import Store

LAZY_S = 0.25
GROUP = 2000
"""saves in one transaction at most, so that the first of them does not wait for ever under a flood"""

Done = Callable[[], None]
_STOP = None


class Writer:
    """`submit` never blocks. The queue is not bounded by itself: the engine takes in no more events while a full
    group is under way."""

    def __init__(
        self, store: Store, call_soon: Callable[[Done], object], failed: Callable[[BaseException], None]
    ) -> None:
        self._store = store
        self._call_soon = call_soon
        self._failed = failed
        self._queue: queue.SimpleQueue[tuple[Sequence[Save], Done | None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="storage", daemon=True)
        self.commits = 0
        """synchronous commits so far"""

    def start(self) -> None:
        self._thread.start()

    def submit(self, saves: Sequence[Save], done: Done) -> None:
        """`done` is called in the loop when the batch survives a power cut."""
        self._queue.put((saves, done))

    def submit_lazily(self, saves: Sequence[Save]) -> None:
        """To be kept soon; nobody waits for it."""
        self._queue.put((saves, None))

    def stop(self) -> None:
        """Commit what is there, close the file. Blocks, bounded by the disk."""
        self._queue.put(_STOP)
        self._thread.join()

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._turn():
                pass
            self._store.close()
        except BaseException as error:
            self._call_soon(lambda error=error: self._failed(error))  # type: ignore[misc]
            raise

    def _turn(self) -> bool:
        saves: list[Save] = []
        dones: list[Done] = []
        going = self._collect(saves, dones)
        if saves:
            self._store.commit(saves, durable=bool(dones) or not going)
            self.commits += bool(dones)
        if dones:
            self._call_soon(lambda: _all(dones))
        return going

    def _collect(self, saves: list[Save], dones: list[Done]) -> bool:
        """What is queued now; lazy batches alone wait for more. False when it is time to stop."""
        wait_until: float | None = None
        while True:
            try:
                item = self._next(wait_until)
            except queue.Empty:
                return True
            if item is _STOP:
                return False
            saves.extend(item[0])
            if item[1] is not None:
                dones.append(item[1])
                wait_until = 0.0
            elif wait_until is None:
                wait_until = time.monotonic() + LAZY_S
            if len(saves) >= GROUP:
                return True

    def _next(self, wait_until: float | None) -> tuple[Sequence[Save], Done | None] | None:
        if wait_until is None:
            return self._queue.get()
        left = wait_until - time.monotonic()
        return self._queue.get(timeout=left) if left > 0 else self._queue.get_nowait()


def _all(dones: list[Done]) -> None:
    for done in dones:
        done()
