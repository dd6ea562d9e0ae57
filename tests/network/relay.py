"""A relay of TCP connections between a station and the CSMS, for one test.

    with Relay(csms.listener.port) as relay, Station(brisk(relay.url, dialect)) as station:
        relay.stall()               # the present connections stand still and stay open: half-open
        relay.wait_left(1)          # the station has given up its first connection

New connections pass, whatever was done to those before.
"""

import asyncio
import select
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")
LIMIT_S = 30.0
PATIENCE_S = 60.0
CHUNK = 65536


class Passage:
    """One connection of a station; two directions."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.opened_at = time.monotonic()
        self.left_at: float | None = None
        """when the station closed it, or it was cut"""
        self.to_csms, self.to_station = Direction(), Direction()
        self.writers: list[asyncio.StreamWriter] = []

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


class Direction:
    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.passed = 0
        """bytes"""
        self.most: int | None = None
        """bytes after which it stands still"""
        self.piece = CHUNK
        """bytes handed on at a time"""
        self.pause_s = 0.0
        """after each piece"""

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            while data:
                await self.open.wait()
                piece, data = self._cut(data)
                writer.write(piece)
                await writer.drain()
                if self.pause_s:
                    await asyncio.sleep(self.pause_s)

    def _cut(self, data: bytes) -> tuple[bytes, bytes]:
        size = self.piece if self.most is None else min(self.piece, self.most - self.passed)
        piece, rest = data[:size], data[size:]
        self.passed += len(piece)
        if self.most is not None and self.passed >= self.most:
            self.open.clear()
        return piece, rest


class Relay:
    """target: the port of the CSMS, may be changed. receive_buffer: bytes the system takes in for it from the station,
    for tests of somebody who does not read."""

    def __init__(self, target: int, host: str = "127.0.0.1", port: int = 0, receive_buffer: int | None = None) -> None:
        self.target = target
        self.host = host
        self.passages: list[Passage] = []
        self.changed = threading.Condition()
        self.on_passage: Callable[[Passage], None] = lambda passage: None
        """of a new connection, in the relay's thread"""
        self._socket = _listening(host, port, receive_buffer)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"ws://{f'[{host}]' if ':' in host else host}:{self.port}/ocpp"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"relay:{self.port}", daemon=True)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self.run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT_S)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """From any other thread: the result of a coroutine run in the relay's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT_S)

    # -- what tests do -------------------------------------------------------------------------------------------------

    def stall(self, *, to_csms: bool = True, to_station: bool = True) -> None:
        """Hand on nothing more over the connections there are, and leave them open."""

        def close(passage: Passage) -> None:
            for wanted, direction in ((to_csms, passage.to_csms), (to_station, passage.to_station)):
                if wanted:
                    direction.open.clear()

        self.each(close)

    def cut(self) -> None:
        """Break the connections there are."""
        self.each(Passage.cut)

    def each(self, do: Callable[[Passage], None]) -> None:
        """With each connection that the station has not left."""

        async def work() -> None:
            for passage in self.passages:
                if passage.left_at is None:
                    do(passage)

        self.run(work())

    def wait_passages(self, count: int, timeout: float = PATIENCE_S) -> None:
        """Until so many connections have been made, over the whole time."""
        with self.changed:
            reached = self.changed.wait_for(lambda: len(self.passages) >= count, timeout)
        assert reached, f"{len(self.passages)} connections instead of {count} within {timeout} s"

    def wait_left(self, number: int, timeout: float = PATIENCE_S) -> Passage:
        """Until the station has left its connection of this number, from 1."""
        with self.changed:
            left = self.changed.wait_for(
                lambda: len(self.passages) >= number and self.passages[number - 1].left_at is not None, timeout
            )
        assert left, f"connection {number} of {len(self.passages)} is still there after {timeout} s"
        return self.passages[number - 1]

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._socket)

    async def _shut(self) -> None:
        assert self._server is not None
        self._server.close()
        for passage in self.passages:
            passage.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        passage = Passage(len(self.passages) + 1)
        passage.writers.append(writer)
        self.on_passage(passage)
        with self.changed:
            self.passages.append(passage)
            self.changed.notify_all()
        try:
            await self._carry(passage, reader, writer)
        finally:
            with self.changed:
                passage.left_at = time.monotonic()
                self.changed.notify_all()
            passage.cut()
            self._tasks.discard(task)

    async def _carry(self, passage: Passage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            far = await self._reach(reader, writer)
            if far is None:
                return
            far_reader, far_writer = far
            passage.writers.append(far_writer)
            there = asyncio.create_task(passage.to_csms.carry(reader, far_writer))
            back = asyncio.create_task(passage.to_station.carry(far_reader, writer))
            gone = asyncio.create_task(_gone(writer))
            done, others = await asyncio.wait({there, back, gone}, return_when=asyncio.FIRST_COMPLETED)
            for other in others:
                other.cancel()
            await asyncio.gather(*done, *others, return_exceptions=True)

    async def _reach(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        return await asyncio.open_connection("127.0.0.1", self.target)


async def _gone(writer: asyncio.StreamWriter) -> None:
    """Until the station has closed, though nothing of it is read any more."""
    poll = select.epoll()
    poll.register(writer.get_extra_info("socket").fileno(), select.EPOLLRDHUP)
    hung_up, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(poll.fileno(), hung_up.set)
    try:
        await hung_up.wait()
    finally:
        loop.remove_reader(poll.fileno())
        poll.close()


def _listening(host: str, port: int, receive_buffer: int | None) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if receive_buffer is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.bind((host, port))
    return made
