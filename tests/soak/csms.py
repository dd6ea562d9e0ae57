"""The CSMS of a soak: on the conductor's loop, so that it lives in virtual time, and without a memory of all it heard.

It has the frames, schemas, usual answers and books of `tests.csms`.
"""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO
from uuid import UUID

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.csms import frames
from tests.csms.answers import Desk, Payload, Refusal
from tests.csms.books import Books
from tests.csms.listener import Line, basic_credentials, bound, identity_of
from tests.csms.schemas import known, schema_problem
from tests.csms.transcript import Message

CALL_S = 120.0
TAIL = 60
"""lines of the transcript that are kept, for whoever has to find out what went wrong"""
OFTEN = frozenset(("Heartbeat", "MeterValues", "StatusNotification", "TransactionEvent"))
SAMPLE = 10
"""one in so many of those that come often is held against its schema"""


class CallRefused(Exception):
    """The station answered with a CALLERROR."""


class Lost(Exception):
    """There is no connection, or it went before the answer."""


class Csms:
    def __init__(self, versions: Sequence[str], wall: Callable[[], float], chance: Any) -> None:
        """wall: its clock, s since 1970. chance: what it draws latencies and message ids from."""
        self.versions = tuple(versions)
        self.books = Books()
        self.desk = Desk()
        self.passwords: list[str] = []
        """of the station: while it is not known whether it took a new one, two. Empty: it needs none"""
        self.changing = False
        """it is being told a new one"""
        self.requests: deque[str] = deque(maxlen=1)
        """the last certificate that was asked for, until it is signed"""
        self.wall = wall
        self.violations: list[str] = []
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.transcript: TextIO | None = None
        """where all of it is written to"""
        self.counts: Counter[str] = Counter()
        self.refuse: Callable[[Message], Refusal | None] = lambda message: None
        self.answers: dict[str, Callable[[Payload], Payload]] = {}
        self.heard: Callable[[Message], None] = lambda message: None
        self.firmware = ""
        """the last status of an update that was told"""
        self.latency_s = (0.01, 0.2)
        self._chance = chance
        self._keeper = bound(0)
        self.port: int = self._keeper.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/ocpp"
        self._server: Server | None = None
        self._line: Line | None = None
        self._said: dict[str, int] = {}
        self._open_call: tuple[str, str, asyncio.Future[frames.Frame]] | None = None
        self._calling = asyncio.Lock()
        self._arrived = asyncio.Condition()
        self._lines = self._messages = 0
        self._tasks: set[asyncio.Task[None]] = set()

    # -- the link ------------------------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        return self._line is not None

    @property
    def version(self) -> str:
        """Spoken at present; empty while not connected."""
        return self._line.version if self._line else ""

    @property
    def listening(self) -> bool:
        return self._server is not None

    async def online(self) -> None:
        if self._server is None:
            self._server = await serve(
                self._serve, sock=bound(self.port), select_subprotocol=self._select, process_request=self._admit,
                compression=None, ping_interval=None, max_size=None, close_timeout=2,
            )  # fmt: skip

    async def offline(self) -> None:
        """Refuse connections, and break the one there is."""
        server, self._server = self._server, None
        if server is not None:
            server.close(close_connections=False)
            for connection in list(server.all_connections):
                connection.transport.abort()
            await server.wait_closed()

    async def drop(self) -> None:
        """Break the connection without a closing handshake."""
        if self._line:
            self._line.abort()

    async def close(self) -> None:
        if self._line:
            await self._line.close(1001, "restart")

    def freeze(self) -> None:
        """Go deaf on the present connection."""
        if self._line:
            self._line.freeze()

    def end(self) -> None:
        self._keeper.close()

    def _select(self, _: ServerConnection, offered: Sequence[Any]) -> Any:
        ours = [f"ocpp{version}" for version in self.versions]
        return next((each for each in offered if each in ours), None)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if not self.passwords:
            return None
        user, secret = basic_credentials(request.headers)
        password = (secret or b"").decode()
        if user != identity_of(request) or password not in self.passwords:
            self.violations.append(f"{user} came with a password that is none, one of {len(self.passwords)}")
            return connection.respond(401, "wrong name or password\n")
        if [password] == self.passwords[-1:] or not self.changing:  # it comes by the newest that it has
            self.passwords = [password]
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        self._lines += 1
        line, earlier = Line(self._lines, connection), self._line
        self._line = line
        if earlier is not None:
            earlier.abort()
        self.counts["connections"] += 1
        self._note("--", f"connected, {line.subprotocol}")
        try:
            async for data in connection:
                self._received(line, data)
        except ConnectionClosed:
            pass
        finally:
            self._note("--", "disconnected")
            if self._line is line:
                self._line = None
                if self._open_call:
                    self._open_call[2].cancel()

    # -- what the station says -----------------------------------------------------------------------------------------

    def _received(self, line: Line, data: str | bytes) -> None:
        text = data if isinstance(data, str) else repr(data)
        self._note("S>", text)
        try:
            frame = frames.parse(text, line.version)
        except frames.BadFrame as bad:
            self.violations.append(f"bad frame: {bad}: {text[:300]}")
            return
        if frame.kind == "call":
            self._request(line, frame, text)
        else:
            self._settle(line, frame)

    def _request(self, line: Line, frame: frames.Frame, text: str) -> None:
        self._messages += 1
        self.counts[frame.action] += 1
        self.counts["messages"] += 1
        # 1.6 has another message for an update that 2.0.1 asked for.
        if frame.action in ("FirmwareStatusNotification", "SignedFirmwareStatusNotification"):
            self.firmware = frame.payload["status"]
        if frame.action == "SignCertificate":
            self.requests.append(frame.payload["csr"])
        content = hash(json.dumps([frame.action, frame.payload], sort_keys=True))
        earlier = self._said.setdefault(frame.id, content)
        if earlier != content:
            self.violations.append(f"message id {frame.id} has two contents, the second: {text[:500]}")
        if frame.action not in OFTEN or self.counts[frame.action] % SAMPLE == 1:
            self._check(line.version, frame.action, False, frame.exact)
        message = Message(
            "station", "call", "", frame.id, frame.action, frame.payload, line.version, line.identity, line.number,
            number=self._messages, at=self.wall(),
        )  # fmt: skip
        given = self.refuse(message) or self._usual(message)
        self.heard(message)
        if isinstance(given, Refusal):
            answer = frames.dump(4, frame.id, given.code, given.description, dict(given.details))
        else:
            answer = frames.dump(3, frame.id, given)
        self._later(line, answer)

    def _usual(self, message: Message) -> Payload | Refusal:
        if message.action in ("Heartbeat", "BootNotification"):
            given: Payload = {"currentTime": _text(self.wall())}
            if message.action == "BootNotification":
                given |= {"status": "Accepted", "interval": self.desk.boot_interval_s}
            return given
        if message.action in self.answers:
            return self.answers[message.action](message.payload)
        usual = self.desk.usual(message.version, message.action, message.payload)
        if usual is None:
            self.violations.append(f"{message.action} is no request of a station")
            return Refusal("NotSupported" if known(message.version, message.action) else "NotImplemented")
        self.books.enter(message, usual)
        return usual

    def _later(self, line: Line, text: str) -> None:
        async def answer() -> None:
            await asyncio.sleep(self._chance.uniform(*self.latency_s))
            if self._line is line:
                self._note("T>", text)
                await line.send(text)

        task = asyncio.get_running_loop().create_task(answer())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- what the CSMS asks --------------------------------------------------------------------------------------------

    async def call(self, action: str, payload: Payload | None = None) -> Payload:
        """The station's answer. CallRefused, Lost, and TimeoutError when none comes."""
        async with self._calling:
            line = self._line
            if line is None:
                raise Lost(action)
            problem = schema_problem(line.version, action, False, frames.exact(payload or {}))
            assert not problem, f"the soak's own {action}: {problem}"
            id_ = str(UUID(int=self._chance.getrandbits(128), version=4))
            answered: asyncio.Future[frames.Frame] = asyncio.get_running_loop().create_future()
            self._open_call = (id_, action, answered)
            text = frames.dump(2, id_, action, payload or {})
            self._note("T>", text)
            self.counts[f"asked {action}"] += 1
            try:
                await line.send(text)
                async with asyncio.timeout(CALL_S):
                    await asyncio.wait([answered])
            finally:
                self._open_call = None
            if answered.cancelled():
                raise Lost(action)
            frame = answered.result()
            if frame.kind == "error":
                raise CallRefused(f"{action}: {frame.payload}")
            return frame.payload

    def _settle(self, line: Line, frame: frames.Frame) -> None:
        if self._open_call is None or self._open_call[0] != frame.id:
            self.violations.append(f"answer to nothing that was asked: {frame}")
            return
        _, action, answered = self._open_call
        if frame.kind == "result":
            self._check(line.version, action, True, frame.exact)
        if not answered.done():
            answered.set_result(frame)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _check(self, version: str, action: str, answer: bool, payload: Payload) -> None:
        problem = schema_problem(version, action, answer, payload)
        if problem:
            self.violations.append(f"{'answer to ' if answer else ''}{action} breaks its schema: {problem}")

    def _note(self, arrow: str, text: str) -> None:
        line = f"{_text(self.wall())} {arrow} {text}"
        self.tail.append(line[:300])
        if self.transcript:
            print(line, file=self.transcript)


def _text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
