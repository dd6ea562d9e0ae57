"""A link under test, and servers that behave oddly on purpose."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from chargepointd.link.backoff import Retry
from chargepointd.link.connection import Link
from chargepointd.link.ended import Ended
from chargepointd.link.profile import Profile

LIMIT_S = 30.0
SHORT = Retry(0, 0, 0, floor_s=0.01)
NEVER = Retry(3600, 0, 0)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def profile(port: int, **changes: Any) -> Profile:
    scheme = changes.pop("scheme", "ws")
    host = changes.pop("host", "127.0.0.1")
    base = Profile(f"{scheme}://{host}:{port}/ocpp", "CS 1/ä", ("ocpp2.0.1", "ocpp1.6"), open_timeout_s=5.0)
    return base._replace(**changes)


class Rig:
    """Keeps what a link tells, and waits for it."""

    def __init__(self, made: Profile, retry: Retry = SHORT, echo: bool = False, **options: Any) -> None:
        self.profile = made
        self.retry = retry
        self.after_text: Callable[[str], None] = (lambda text: self.link.send(text)) if echo else (lambda text: None)
        self.after_close: Callable[[], None] = lambda: None
        self.opened: list[str] = []
        self.texts: list[str] = []
        self.closed: list[Ended] = []
        self.failed: list[Ended] = []
        self.order: list[str] = []
        self._news = asyncio.Event()
        self.link = Link(
            profile=lambda: self.profile,
            retry=lambda: self.retry,
            on_open=lambda it: self._note("open", self.opened, it),
            on_text=self._text,
            on_close=self._close,
            on_failed=lambda it: self._note("failed", self.failed, it),
            **options,
        )

    def _note(self, what: str, where: list[Any], it: Any) -> None:
        where.append(it)
        self.order.append(what)
        self._news.set()

    def _text(self, text: str) -> None:
        self._note("text", self.texts, text)
        self.after_text(text)

    def _close(self, ended: Ended) -> None:
        self._note("close", self.closed, ended)
        self.after_close()

    async def until(self, reached: Callable[[], Any]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not reached():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def running(made: Profile, retry: Retry = SHORT, echo: bool = False, **options: Any) -> AsyncIterator[Rig]:
    rig = Rig(made, retry, echo, **options)
    task = asyncio.create_task(rig.link.run())
    try:
        yield rig
        assert not task.done(), "the link must run until cancelled"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Raw:
    """A server that does with each connection what the test says."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.port = 0
        self.connections = 0
        self._news = asyncio.Event()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._news.set()
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def until_connections(self, count: int) -> None:
        async with asyncio.timeout(LIMIT_S):
            while self.connections < count:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def raw(serve: Serve, **options: Any) -> AsyncIterator[Raw]:
    made = Raw(serve)
    server = await asyncio.start_server(made._accept, "127.0.0.1", 0, **options)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


async def upgrade(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *lines: str, subprotocol: str | None = "ocpp1.6"
) -> bytes:
    """The server's side of the opening handshake; gives the request."""
    request = await reader.readuntil(b"\r\n\r\n")
    key = next(line.split(b": ")[1] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    head += [f"Sec-WebSocket-Accept: {accept}", *lines]
    head += [f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []
    writer.write("\r\n".join([*head, "", ""]).encode())
    return request


def frame(opcode: int, data: bytes, fin: bool = True) -> bytes:
    """An unmasked frame, as servers send them (RFC 6455 §5.2)."""
    size = len(data)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2) if size < 65536 else b"\x7f" + size.to_bytes(8)
    return bytes([opcode | (0x80 if fin else 0)]) + length + data


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Opcode and payload of the next frame of the client, which must be masked."""
    first, second = await reader.readexactly(2)
    assert second & 0x80, "a client masks"
    size = second & 0x7F
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
    mask = await reader.readexactly(4)
    data = await reader.readexactly(size)
    return first & 0x0F, bytes(byte ^ mask[n % 4] for n, byte in enumerate(data))


async def until_gone(reader: asyncio.StreamReader) -> None:
    """Read and say nothing until the client leaves."""
    while await reader.read(65536):
        pass


TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
