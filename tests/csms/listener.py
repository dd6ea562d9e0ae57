"""The listening side of the test CSMS: a websocket server in a thread of its own, on one port for its whole life.

Everything here runs in that thread's loop but what says "from any thread".
"""

import asyncio
import base64
import binascii
import http
import socket
import ssl
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

T = TypeVar("T")
LIMIT_S = 30.0


class Line:
    """One connection of a station."""

    def __init__(self, number: int, socket_: ServerConnection) -> None:
        request = socket_.request
        assert request is not None
        self.number = number
        self.path = request.path
        self.headers = request.headers
        self.identity = identity_of(request)
        self.subprotocol = socket_.subprotocol or ""
        self.version = self.subprotocol.removeprefix("ocpp")
        self.peer_certificate = peer_certificate(socket_)
        tls = socket_.transport.get_extra_info("ssl_object")
        self.tls_version: str = tls.version() if tls else ""
        self.shared_ciphers = [name for name, *_ in tls.shared_ciphers() or ()] if tls else []
        self._socket = socket_

    async def send(self, text: str) -> bool:
        """False when the connection is gone."""
        try:
            await self._socket.send(text)
        except ConnectionClosed:
            return False
        return True

    async def close(self, code: int, reason: str) -> None:
        await self._socket.close(code, reason)

    def abort(self) -> None:
        self._socket.transport.abort()

    def freeze(self) -> None:
        """Read nothing more, so that neither messages nor pings are answered."""
        transport = self._socket.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()


class Listens(Protocol):
    """What the listener tells, in its thread."""

    def admits(self, identity: str, user: str | None, password: bytes | None) -> bool: ...
    def refused(self, identity: str, why: str) -> None: ...
    def on_connected(self, line: Line) -> None: ...
    def received(self, line: Line, data: str | bytes) -> None: ...
    def on_disconnected(self, line: Line, why: str) -> None: ...
    def noted(self, text: str) -> None: ...


class Listener:
    def __init__(self, owner: Listens, subprotocols: Sequence[str], tls: ssl.SSLContext | None) -> None:
        self.subprotocols = tuple(subprotocols)
        self.tls = tls
        self._owner = owner
        # Bound for the whole life and never listening: while offline a connection is refused and no one gets the port.
        self._keeper = bound(0)
        self.port: int = self._keeper.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _, context: owner.noted(_described(context)))
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"csms:{self.port}", daemon=True)
        self._server: Server | None = None
        self._lines = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """From any other thread: the result of a coroutine run in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT_S)

    def later(self, delay_s: float, work: Coroutine[Any, Any, None]) -> None:
        """From the loop: do `work` after a while, in the order of the calls."""

        async def delayed() -> None:
            await asyncio.sleep(delay_s)
            await work

        task = self._loop.create_task(delayed())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def open(self) -> None:
        """From any other thread: listen."""
        self.run(self._open())

    def shut(self) -> None:
        """From any other thread: stop listening and break every connection, without a closing handshake."""
        self.run(self._shut())

    def end(self) -> None:
        """From any other thread: nothing of this is left afterwards."""
        self.shut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT_S)
        self._loop.close()
        self._keeper.close()

    async def _open(self) -> None:
        if self._server is not None:
            return
        listening = bound(self.port)
        self._server = await serve(
            self._serve, sock=listening, ssl=self.tls, select_subprotocol=self._select, process_request=self._admit,
            compression=None, ping_interval=None, max_size=None, close_timeout=2,
        )  # fmt: skip

    async def _shut(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close(close_connections=False)
        for connection in list(server.all_connections):
            connection.transport.abort()
        await server.wait_closed()
        await asyncio.gather(*self._tasks)

    def _select(self, _: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return next((each for each in offered if each in self.subprotocols), None)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        identity = identity_of(request)
        user, password = basic_credentials(request.headers)
        if self._owner.admits(identity, user, password):
            return None
        self._owner.refused(identity, "401 Unauthorized")
        response = connection.respond(http.HTTPStatus.UNAUTHORIZED, "wrong name or password\n")
        response.headers["WWW-Authenticate"] = 'Basic realm="OCPP"'
        return response

    async def _serve(self, connection: ServerConnection) -> None:
        self._lines += 1
        line = Line(self._lines, connection)
        if not line.subprotocol:  # the handshake is completed without one, then closed (OCPP 2.0.1 part 4, 3.1.2)
            offered = ", ".join(line.headers.get_all("Sec-WebSocket-Protocol")) or "none"
            self._owner.refused(line.identity, f"no common subprotocol, offered: {offered}")
            return
        self._owner.on_connected(line)
        why = "closed normally"
        try:
            async for data in connection:
                self._owner.received(line, data)
        except ConnectionClosed as closed:
            why = str(closed)
        finally:
            self._owner.on_disconnected(line, why)


def identity_of(request: Request) -> str:
    return unquote(request.path.partition("?")[0].rsplit("/", 1)[-1])


def basic_credentials(headers: Headers) -> tuple[str | None, bytes | None]:
    """User and password of the Authorization header; the password in bytes, as 1.6 allows any."""
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
    except binascii.Error:
        return None, None
    return (user.decode(errors="replace"), password) if scheme.lower() == "basic" and colon else (None, None)


def peer_certificate(connection: ServerConnection) -> bytes | None:
    """The station's certificate in DER, when it showed one."""
    tls = connection.transport.get_extra_info("ssl_object")
    der: bytes | None = tls.getpeercert(binary_form=True) if tls else None
    return der


def bound(port: int) -> socket.socket:
    # With its protocol named asyncio sets TCP_NODELAY; else an answer waits up to 40 ms for an acknowledgement.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    return made


def _described(context: dict[str, Any]) -> str:
    error = context.get("exception")
    return f"{context.get('message')}: {type(error).__name__}: {error}" if error else str(context.get("message"))
