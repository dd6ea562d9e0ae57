"""The station's side of the virtual time.

The daemon asks for the time in three ways only: `time.monotonic()`, `time.time()`, and the loop's clock, which is the
first of them. Here all three stand still while the program works, and leap to the loop's next timer where it would wait
for it. Nothing leaps while a thread is at work, and none beyond what the conductor has granted.

One socket to the conductor, a JSON object a line:

    station:    hello, with its pid                     once
    conductor:  now, mono, wall, machine                the answer: the virtual time, what the two clocks show then, and
                                                        which boot of the machine it is
    station:    idle = N, at, next                      nothing to do until `next`; it waits for
    conductor:  go = N, until                           leave from there, up to and with `until`
    conductor:  census                                  station: census, what there is in the process
    conductor:  die, turns                              SIGKILL to itself, that many turns of the loop later
    conductor:  skew                                    seconds by which the system's clock is put on

A `go` whose number is not that of the present `idle` came too late: something arrived meanwhile, and another `idle`
follows. A station that has said something to anybody asks before it leaps, however much it was granted: whoever heard
it may have an answer.
"""

import asyncio
import gc
import json
import logging
import os
import queue  # noqa: F401 - it and threading keep the real clock: they are there before another is put in its place
import selectors
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import heap
from tests.soak.wires import Loop, Wires, ours

if TYPE_CHECKING:
    from chargepointd.daemon.log_ring import LogRing

INF = float("inf")
TURN_S = 1e-6
"""what a turn of the loop takes: time that stands still for ever would hold whoever waits for it to pass a moment"""
LINE_BLOCKS = 3
"""of memory for a line in the ring of the log: a tuple, a number and a text"""
GLANCE_S = 0.005
"""real seconds between two looks at threads that are at work"""


class Clock:
    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._buffer = b""
        self.tell(hello=os.getpid())
        told = self._wait()
        self.machine: str = told["machine"]
        """the boot of it"""
        self.now: float = told["now"]
        """s, of the conductor and all it conducts"""
        self._origin: float = self.now - told["mono"]
        self._wall: float = told["wall"] - self.now
        self.granted = self.now
        self.touched = True
        """something was said to somebody since the last `idle`"""
        self.going = 0
        self.turns = 0
        self.leaps = 0
        self.batches = 0
        """that the loop waits for, and the storage has not committed yet"""
        self._dies_at = INF
        self.survey: Callable[[], Any] = dict
        self.wires = Wires(ours, self._touch)

    def _touch(self) -> None:
        self.touched = True

    def monotonic(self) -> float:
        return self.now - self._origin

    def time(self) -> float:
        return self.now + self._wall

    def turn(self) -> None:
        self.turns += 1
        self.now += TURN_S
        if self.turns >= self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    # -- the conductor -------------------------------------------------------------------------------------------------

    def fileno(self) -> int:
        return self._socket.fileno()

    def tell(self, **message: Any) -> None:
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            os._exit(75)  # nobody conducts any more

    def _wait(self) -> dict[str, Any]:
        while not (told := self.heard()):
            pass
        return told[0]

    def heard(self) -> list[dict[str, Any]]:
        """What has come; blocks where nothing has."""
        data = self._socket.recv(65536)
        if not data:
            os._exit(75)
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def take(self) -> None:
        """Obey what has come."""
        for told in self.heard():
            if "go" in told:
                self.going, self.granted = told["go"], told["until"]
                self.wires.hear(told["wires"])
            elif "census" in told:
                self.tell(census=self.survey())
            elif "die" in told:
                self._dies_at = self.turns + told["turns"]
            elif "skew" in told:
                self._wall += told["skew"]


class Leaping(selectors.EpollSelector):
    """What asyncio waits in. Real sockets are watched as ever; waiting for a moment is a leap to it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._asked = 0
        self.at_work: Callable[[], bool] = lambda: False
        self.register(clock, selectors.EVENT_READ)

    def select(self, timeout: float | None = None) -> list[Any]:
        clock = self._clock
        clock.turn()
        ready = self._look(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        while self.at_work():
            if ready := self._look(GLANCE_S):
                return ready
        due = INF if timeout is None else clock.now + timeout
        if not clock.touched and due <= clock.granted:
            return self._leap(due)
        return self._ask(due)

    def _look(self, timeout: float | None) -> list[Any]:
        found = super().select(timeout)
        ready = [(key, events) for key, events in found if key.fileobj is not self._clock]
        if len(ready) < len(found):
            self._clock.take()
        return ready

    def _connecting(self) -> bool:
        """A connection is under way, which the other side takes or refuses at once."""
        writers = [key.data[1] for key in self.get_map().values() if key.events & selectors.EVENT_WRITE]
        return any(getattr(writer._callback, "__name__", "") == "_sock_connect_cb" for writer in writers)

    def _leap(self, due: float) -> list[Any]:
        self._clock.leaps += 1
        self._clock.now = max(due, self._clock.now) + TURN_S  # never short of it by a rounding
        return []

    def _ask(self, due: float) -> list[Any]:
        clock = self._clock
        while True:
            self._asked += 1
            while self._connecting():
                if ready := self._look(GLANCE_S):
                    return ready
            clock.tell(idle=self._asked, at=clock.now, next=None if due == INF else due, wires=clock.wires.tell())
            clock.touched = False
            while clock.going != self._asked:
                if ready := self._look(None):
                    clock.granted = clock.now  # it is idle no more; what was granted before is void
                    return ready
            while not (ready := self._look(0)) and clock.wires.lacking():
                ready = self._look(GLANCE_S)
            if ready:
                return ready
            if due <= clock.granted:
                return self._leap(due)
            clock.now = max(clock.now, clock.granted)


class LeapingLoop(Loop):
    """What the daemon runs in."""

    def __init__(self, clock: Clock) -> None:
        self.wires = clock.wires
        self._clock = clock
        self._jobs: set[asyncio.Future[Any]] = set()
        selector = Leaping(clock)
        selector.at_work = self._at_work
        super().__init__(selector)
        clock.survey = lambda: census(self, clock)

    def run_in_executor(  # type: ignore[override]  # of asyncio, with the types of the arguments
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> "asyncio.Future[Any]":
        future = super().run_in_executor(executor, func, *args)
        self._jobs.add(future)
        future.add_done_callback(self._jobs.discard)
        return future

    def _at_work(self) -> bool:
        return bool(self._clock.batches or self._jobs) or any(map(_hired, threading.enumerate()))


class Policy(asyncio.DefaultEventLoopPolicy):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return LeapingLoop(self._clock)


def _hired(thread: threading.Thread) -> bool:
    """Whether it lives for a piece of work only: a transfer, a name to resolve, a command to end."""
    return thread is not threading.main_thread() and not thread.name.startswith(("storage", "asyncio_"))


def census(loop: asyncio.AbstractEventLoop, clock: Clock) -> dict[str, Any]:
    """What there is in this process."""
    gc.collect()
    tasks = Counter(task.get_name() for task in asyncio.all_tasks(loop))
    descriptors = [str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    return {
        "tasks": sorted(tasks.elements()),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "fds": sorted(descriptors),
        "rss_kb": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024,
        "heap_kb": _heap() // 1024,
        "sqlite_kb": heap.of_sqlite() // 1024,
        "objects": len(gc.get_objects()),
        "modules": len(sys.modules),
        "blocks": sys.getallocatedblocks() - LINE_BLOCKS * _lines(),
        "turns": clock.turns,
        "leaps": clock.leaps,
    }


def _heap() -> int:
    """Bytes in use of the C library's heap, without those of SQLite and of the ring of the log."""
    kept = [handler._lines for handler in _rings()]
    texts = [sys.getsizeof(text) for lines in kept for _, text in lines]
    ring = sum(map(sys.getsizeof, kept)) + sum(size for size in texts if size > heap.PYTHONS_OWN)
    return heap.in_use() - heap.of_sqlite() - ring


def _rings() -> "list[LogRing]":
    from chargepointd.daemon.log_ring import LogRing

    return [handler for handler in logging.getLogger().handlers if isinstance(handler, LogRing)]


def _lines() -> int:
    """In the ring of the log, which takes days to fill."""
    return sum(len(handler._lines) for handler in _rings())


def install(clock: Clock) -> None:
    """Put this clock in the place of the real one, for all that comes after."""
    time.monotonic, time.time = clock.monotonic, clock.time
    asyncio.set_event_loop_policy(Policy(clock))
