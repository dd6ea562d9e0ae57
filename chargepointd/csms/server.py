"""Who may connect, and as what: a websocket server for stations with ocpp1.6 or ocpp2.0.1."""

import asyncio
import base64
import binascii
import hmac
import http
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from chargepointd.csms import v16, v201
from chargepointd.csms.books import Books
from chargepointd.csms.desk import Desk, Payload, Words
from chargepointd.csms.line import ANSWER_LIMIT_S, CallFailed, Line
from chargepointd.csms.show import Event
from chargepointd.dialects.codec import format_time

WORDS: dict[str, Words] = {"ocpp1.6": v16.WORDS, "ocpp2.0.1": v201.WORDS}
VERSIONS = tuple(words.version for words in WORDS.values())
PATH = "/ocpp"
MAX_SIZE = 2_000_000
_NO_SUBPROTOCOL = 1002
_BEGAN_AT = 1_700_000_000


class Address(NamedTuple):
    host: str = "127.0.0.1"
    port: int = 9180
    """0: a free one"""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class PortTaken(Exception):
    """Nobody can listen there. The text names the address and the remedy."""


class BenchCsms:
    """`tell` is called with everything that happens, in the loop that runs this.

    password: asked of every station by basic authentication, with the station's identity as the user; "" asks nothing.
    versions: those offered; of them the station's preference wins.
    """

    def __init__(
        self,
        tell: Callable[[Event], None],
        address: Address = Address(),  # noqa: B008
        desk: Desk = Desk(),  # noqa: B008
        password: str = "",
        versions: Sequence[str] = VERSIONS,
    ) -> None:
        self.address = address
        self.desk = desk
        # Numbers of 1.6 transactions begin at the present second: a station that still has a transaction of an
        # earlier run of this program in its queue must not get the number of another one.
        self.books = Books(first_id=int(time.time()) - _BEGAN_AT)
        self.lines: dict[str, Line] = {}
        self.listening = asyncio.Event()
        self._sockets: dict[str, ServerConnection] = {}
        self._show = tell
        self._password = password
        self._offered = [name for name, words in WORDS.items() if words.version in versions]

    @property
    def url(self) -> str:
        """What belongs into [csms] of a station on this machine; the identity is appended by it."""
        return f"ws://{self.address}{PATH}"

    async def run(self) -> None:
        """Listen until cancelled. Raises PortTaken."""
        server = serve(
            self._talk,
            self.address.host,
            self.address.port,
            process_request=self._admit,
            select_subprotocol=self._agree,
            max_size=MAX_SIZE,
            compression=None,
            close_timeout=2,
        )
        try:
            started = await server
        except OSError as error:
            raise PortTaken(
                f"cannot listen on {self.address}: {error.strerror or error}; "
                "give another address with --listen HOST:PORT, or end what listens there"
            ) from error
        async with started:
            self.address = self.address._replace(port=next(iter(started.sockets)).getsockname()[1])
            self.listening.set()
            await started.serve_forever()

    def line(self, station: str) -> Line:
        """The connection of a station. CallFailed when there is none."""
        if station in self.lines:
            return self.lines[station]
        known = ", ".join(sorted(self.lines)) or "none"
        raise CallFailed(f"{station} is not connected; connected: {known}")

    async def call(self, station: str, action: str, payload: Payload, limit_s: float = ANSWER_LIMIT_S) -> Payload:
        """The station's answer. Raises CallFailed."""
        return await self.line(station).call(action, payload, limit_s)

    def tell(self, station: str, kind: str, text: str, data: dict[str, Any] | None = None) -> None:
        self._show(Event(format_time(time.time()), station, kind, text, data or {}))

    # -- who may connect -----------------------------------------------------------------------------------------------

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        station = _identity(request.path)
        if not station:
            self.tell("", "refused", f"{request.path}: expected {PATH}/IDENTITY")
            return connection.respond(http.HTTPStatus.NOT_FOUND, f"expected {PATH}/IDENTITY\n")
        if self._password and not _knows(request, station, self._password):
            self.tell(station, "refused", "wrong or missing password")
            response = connection.respond(http.HTTPStatus.UNAUTHORIZED, "wrong or missing password\n")
            response.headers["WWW-Authenticate"] = 'Basic realm="OCPP"'
            return response
        return None

    def _agree(self, connection: ServerConnection, theirs: Sequence[Subprotocol]) -> Subprotocol | None:
        return next((each for each in theirs if each in self._offered), None)

    async def _talk(self, socket: ServerConnection) -> None:
        assert socket.request
        station = _identity(socket.request.path)
        if socket.subprotocol is None:  # the handshake is completed, then closed (OCPP-J 1.6 §3.2, 2.0.1 part 4 §3.1.2)
            wanted = socket.request.headers.get("Sec-WebSocket-Protocol", "none")
            self.tell(station, "refused", f"subprotocol: the station offers {wanted}, here: {', '.join(self._offered)}")
            await socket.close(_NO_SUBPROTOCOL, "no common subprotocol")
            return
        earlier, line = self._sockets.get(station), self._line(station, socket)
        self.lines[station], self._sockets[station] = line, socket
        self.tell(station, "connected", socket.subprotocol)
        try:
            if earlier:  # it was lost without our noticing, or there are two stations of one name
                self.tell(station, "disconnected", "the earlier connection, since there is a new one")
                await earlier.close(1000, "connected anew")
            async for text in socket:
                await line.heard(text)
        except ConnectionClosed:
            pass  # without a closing handshake; told below like any other end
        finally:
            self._left(station, line, socket)

    def _line(self, station: str, socket: ServerConnection) -> Line:
        def tell(kind: str, text: str, data: Payload) -> None:
            self.tell(station, kind, text, data)

        words = WORDS[str(socket.subprotocol)]
        return Line(station, words, socket, self.desk, self.books, lambda: format_time(time.time()), tell)

    def _left(self, station: str, line: Line, socket: ServerConnection) -> None:
        line.lost()
        if self.lines.get(station) is line:
            del self.lines[station], self._sockets[station]
            reason = f" {socket.close_reason}" if socket.close_reason else ""
            self.tell(station, "disconnected", f"code {socket.close_code}{reason}")


def _identity(path: str) -> str:
    """The last segment of the path, when there is one before it too, as in every OCPP url."""
    _, _, last = urlsplit(path).path.rpartition("/")
    return unquote(last)


def _knows(request: Request, station: str, password: str) -> bool:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(given, f"{station}:{password}".encode())
