"""The other end of sd_notify: what a daemon tells systemd, collected."""

import os
import socket
import threading
import time
from typing import NamedTuple
from uuid import uuid4

_FLUSH, _END = b"\0flush", b"\0end"


class Told(NamedTuple):
    at: float  # time.monotonic()
    fields: dict[str, str]  # READY=1, STATUS=…, WATCHDOG=1, STOPPING=1, …


class NotifySocket:
    """An abstract datagram socket, read by a thread; `name` is the NOTIFY_SOCKET to give the daemon."""

    def __init__(self) -> None:
        self.name = f"@chargepointd-test-{os.getpid()}-{uuid4().hex}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.name[1:])
        self.changed = threading.Condition()
        self._told: list[Told] = []
        self._flushes = self._flushed = 0
        self._thread = threading.Thread(target=self._read, name="notify", daemon=True)
        self._thread.start()

    @property
    def told(self) -> list[Told]:
        with self.changed:
            return list(self._told)

    def find(self, key: str, value: str | None = None, skip: int = 0) -> Told | None:
        """The first that says `key` (and `value`), after `skip` such."""
        fits = [t for t in self.told if key in t.fields and value in (None, t.fields[key])]
        return fits[skip] if len(fits) > skip else None

    def clear(self) -> None:
        with self.changed:
            self._told.clear()

    def flush(self) -> None:
        """Return when all is read that was sent before."""
        with self.changed:
            self._flushes += 1
            mark = self._flushes
        self._send(_FLUSH)
        with self.changed:
            assert self.changed.wait_for(lambda: self._flushed >= mark, 5), "the notify socket is not read"

    def close(self) -> None:
        self._send(_END)
        self._thread.join(5)
        self._socket.close()

    def _read(self) -> None:
        while (data := self._socket.recv(65536)) != _END:
            if data == _FLUSH:
                self._note_flush()
                continue
            lines = (line.partition("=") for line in data.decode(errors="replace").splitlines())
            told = Told(time.monotonic(), {key: value for key, _, value in lines})
            with self.changed:
                self._told.append(told)
                self.changed.notify_all()

    def _note_flush(self) -> None:
        with self.changed:
            self._flushed += 1
            self.changed.notify_all()

    def _send(self, data: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(data, "\0" + self.name[1:])
