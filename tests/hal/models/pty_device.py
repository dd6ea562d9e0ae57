"""A device at the end of a serial line: a real pseudo-terminal, a stable symlink as its port, a thread of its own.

Independent of the code under test, and usable by tests that start the daemon as a process of its own: nothing here
needs the event loop of the test. What the test does to the device (plug a cable, hold a card) takes effect at once,
under a lock; what the device does in time happens in its thread. `wait` blocks until the device is in a state, never
longer than its time limit.
"""

import contextlib
import heapq
import itertools
import os
import selectors
import shutil
import tempfile
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self


class PtyDevice:
    """To be extended by a model that answers: `received(data)` and `powered_up()`, both called with the lock held."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="pty-device-"))
        self._link = self._directory / "ttyDEVICE"
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._appointments: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._master: int | None = None
        self._slave: int | None = None
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        self._leaving = False
        self._thread = threading.Thread(target=self._live, name=type(self).__name__, daemon=True)
        self._crash: Exception | None = None
        self.piecemeal = False
        """deliver every byte alone"""

    @property
    def port(self) -> str:
        return str(self._link)

    def __enter__(self) -> Self:
        self.attach()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving = True
        self._wake()
        self._thread.join(timeout=5)
        self.detach()
        os.close(self._wake_read)
        os.close(self._wake_write)
        shutil.rmtree(self._directory, ignore_errors=True)
        if self._crash is not None and kind is None:
            raise AssertionError(f"the model of the device crashed: {self._crash!r}") from self._crash

    def attach(self) -> None:
        """The USB adapter is plugged in: the port appears, always under the same name."""
        with self._lock:
            self._master, self._slave = os.openpty()
            # The model keeps the slave side open as well: a master without any slave only yields EIO.
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            self._link.symlink_to(os.ttyname(self._slave))
            self.powered_up()
            self._wake()

    def detach(self) -> None:
        """The USB adapter is pulled out: the port vanishes, an open one hangs up."""
        with self._lock:
            self._link.unlink(missing_ok=True)
            for fd in (self._slave, self._master):
                if fd is not None:
                    os.close(fd)
            self._master = self._slave = None
            self._wake()

    def wait(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Until `condition` holds; AssertionError after `timeout_s`."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout_s), f"did not come about within {timeout_s} s"

    def received(self, data: bytes) -> None:
        raise NotImplementedError

    def powered_up(self) -> None:
        raise NotImplementedError

    def transmit(self, data: bytes) -> None:
        for piece in (data[n : n + 1] for n in range(len(data))) if self.piecemeal else (data,):
            if self._master is not None:
                with contextlib.suppress(OSError):
                    os.write(self._master, piece)
            if self.piecemeal:
                time.sleep(0.0003)  # the pace of the wire, so that the bytes do not come out together again

    def later(self, delay_s: float, act: Callable[[], None]) -> None:
        with self._lock:
            heapq.heappush(self._appointments, (time.monotonic() + delay_s, next(self._numbers), act))
            self._wake()

    def told(self) -> None:
        """Something changed: whoever waits may look."""
        self._changed.notify_all()

    def _wake(self) -> None:
        os.write(self._wake_write, b"!")

    def _live(self) -> None:
        try:
            while not self._leaving:
                self._turn()
        except Exception as error:  # noqa: BLE001 - the test is told when it leaves the device
            self._crash = error

    def _turn(self) -> None:
        with self._lock:
            master = self._master
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            if master is not None:
                with contextlib.suppress(OSError, ValueError):  # detached since
                    selector.register(master, selectors.EVENT_READ)
            selector.select(self._pause())
        with self._lock:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
            self._keep_appointments()
            self._read()
            self.told()

    def _pause(self) -> float | None:
        with self._lock:
            return max(0.0, self._appointments[0][0] - time.monotonic()) if self._appointments else None

    def _keep_appointments(self) -> None:
        while self._appointments and self._appointments[0][0] <= time.monotonic():
            heapq.heappop(self._appointments)[2]()

    def _read(self) -> None:
        if self._master is None:
            return
        with contextlib.suppress(OSError):  # EAGAIN nothing there, EIO nobody at the other end
            self.received(os.read(self._master, 4096))
