"""What goes to one client of the control socket: one answer at most, and a bounded number of events."""

import asyncio
import logging
import socket
from collections import deque
from typing import Any

from chargepointd.control.protocol import encode_notification

log = logging.getLogger(__name__)

EVENT_LIMIT = 1000
"""events a watcher may be behind"""
FAREWELL_LIMIT_S = 10.0
"""how long a client that is being left may take to read the rest"""

Event = dict[str, Any]


class Output:
    """The writing half of a connection; `run` is its life."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._waiting: deque[bytes | Event] = deque()
        self._more = asyncio.Event()
        self._empty = asyncio.Event()
        self._ended = False
        self._limit: asyncio.Timeout | None = None

    async def send(self, line: bytes) -> None:
        """Send an answer; returns when it and all before it have been taken by the client's socket."""
        if not self._ended:
            self._waiting.append(line)
            self._empty.clear()
            self._more.set()
            await self._empty.wait()

    def event(self, event: Event) -> None:
        """Queue an event: no encoding and no socket here, for this is called within the engine's step."""
        if self._ended:
            return
        if len(self._waiting) >= EVENT_LIMIT:
            log.warning("control: a watching client is %d events behind, dropped", EVENT_LIMIT)
            text = f"dropped: {EVENT_LIMIT} events behind; read faster, or watch again"
            self._waiting.clear()
            self._waiting.append(encode_notification("dropped", {"text": text}))
            self.end()
            return
        self._waiting.append(event)
        self._empty.clear()
        self._more.set()

    def end(self) -> None:
        """Nothing more will come: `run` returns when what waits is out, or after FAREWELL_LIMIT_S."""
        if not self._ended:
            self._ended = True
            self._more.set()
            self._hurry()

    def _hurry(self) -> None:
        if self._ended and self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time() + FAREWELL_LIMIT_S)

    async def run(self) -> None:
        """Send what waits, until `end`. OSError when the client is gone."""
        try:
            async with asyncio.timeout(None) as self._limit:
                self._hurry()
                await self._send_all()
        except TimeoutError:
            log.debug("control: client did not read its last lines within %g s", FAREWELL_LIMIT_S)
        finally:
            self._ended, self._limit = True, None

    async def _send_all(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while self._waiting:
                await loop.sock_sendall(self._sock, _encoded(self._waiting.popleft()))
            self._empty.set()
            if self._ended:
                return
            self._more.clear()
            await self._more.wait()


def _encoded(item: bytes | Event) -> bytes:
    if isinstance(item, bytes):
        return item
    try:
        return encode_notification("event", item)
    except (TypeError, ValueError):
        log.exception("control: an event is not JSON and was left out")
        return b""
