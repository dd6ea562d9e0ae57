"""A CSMS that costs next to nothing: RFC 6455 on an asyncio.Protocol, every CALL answered, nothing validated.

For measuring only: the moment a message arrives is noted before it is looked at.
"""

import asyncio
import base64
import hashlib
import json
import struct
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, NamedTuple, Self

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TIMEOUT_S = 60.0
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
RECORDS = frozenset({"StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent"})


class Heard(NamedTuple):
    at: float  # perf_counter
    action: str


class Answer(NamedTuple):
    seconds: float
    """from writing the CALL to the arrival of its answer"""
    accepted: bool
    """a CALLRESULT"""
    payload: Any


class Party:
    """One charge point, over all its connections."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.opened_at = 0.0
        self.accepted_at = 0.0
        self.muted: frozenset[str] = frozenset()
        """actions that are not answered"""
        self.on_boot: Callable[[], None] = lambda: None
        """called before a BootNotification is answered"""
        self.line: Line | None = None
        self._changed = asyncio.Event()

    def note(self, at: float, action: str) -> None:
        if action == "BootNotification":
            self.on_boot()
            self.accepted_at = perf_counter()
        self.heard.append(Heard(at, action))
        self.changed()

    def changed(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def of(self, actions: frozenset[str], since: int = 0) -> list[Heard]:
        return [heard for heard in self.heard[since:] if heard.action in actions]

    async def until(self, look: Callable[[], bool]) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while not look():
                await self._changed.wait()

    async def heard_of(self, action: str, count: int = 1, since: int = 0) -> Heard:
        """The count-th CALL of this action after the first `since` of any."""
        wanted = frozenset({action})
        await self.until(lambda: len(self.of(wanted, since)) >= count)
        return self.of(wanted, since)[count - 1]

    async def records(self, since: int, count: int, silence_s: float = 2.0) -> list[Heard]:
        """Transaction messages after the first `since`: `count` of them, or what came before a silence."""
        while len(got := self.of(RECORDS, since)) < count:
            try:
                async with asyncio.timeout(silence_s):
                    await self._changed.wait()
            except TimeoutError:
                break
        return got

    async def ask(self, action: str, payload: Any) -> Answer:
        assert self.line is not None, "not connected"
        return await self.line.ask(action, json.dumps(payload, separators=(",", ":")))


class Line(asyncio.Protocol):
    def __init__(self, party: Callable[[str], Party]) -> None:
        self._party_of = party
        self._party: Party | None = None
        self._buffer = bytearray()
        self._asked: dict[str, tuple[float, asyncio.Future[Answer]]] = {}
        self._next = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        for _, future in self._asked.values():
            if not future.done():
                future.set_exception(ConnectionError("the charge point is gone"))
        if self._party and self._party.line is self:
            self._party.line = None
            self._party.changed()

    def data_received(self, data: bytes) -> None:
        at = perf_counter()
        self._buffer += data
        if self._party is None and not self._handshake(at):
            return
        while (frame := self._frame()) is not None:
            self._take(at, *frame)

    # -- RFC 6455 ------------------------------------------------------------------------------------------------------

    def _handshake(self, at: float) -> bool:
        head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not found:
            return False
        self._buffer = bytearray(rest)
        request, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        accept = base64.b64encode(hashlib.sha1(headers["sec-websocket-key"].encode() + GUID).digest()).decode()
        self._transport.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {headers['sec-websocket-protocol']}\r\n\r\n"
            .encode()
        )  # fmt: skip
        self._party = self._party_of(request.split(" ")[1].rpartition("/")[2])
        self._party.line, self._party.opened_at = self, at
        self._party.changed()
        return True

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame; a charge point masks them all and has no reason to fragment them."""
        buffer = self._buffer
        if len(buffer) < 6:
            return None
        length, begin = buffer[1] & 127, 2
        if length >= 126:
            kind, begin = ("!H", 4) if length == 126 else ("!Q", 10)
            if len(buffer) < begin + 4:
                return None
            (length,) = struct.unpack_from(kind, buffer, 2)
        end = begin + 4 + length
        if len(buffer) < end:
            return None
        first, mask, masked = buffer[0], bytes(buffer[begin : begin + 4]), bytes(buffer[begin + 4 : end])
        del buffer[:end]
        assert first & 128, "a fragmented message"
        key = int.from_bytes((mask * (length // 4 + 1))[:length], "little")
        return first & 15, (int.from_bytes(masked, "little") ^ key).to_bytes(length, "little")

    def _send(self, opcode: int, data: bytes) -> None:
        size = len(data)
        if size < 126:
            head = bytes((128 | opcode, size))
        else:
            head = struct.pack("!BBH", 128 | opcode, 126, size) if size < 65536 else struct.pack(
                "!BBQ", 128 | opcode, 127, size
            )  # fmt: skip
        self._transport.write(head + data)

    # -- OCPP-J --------------------------------------------------------------------------------------------------------

    def _take(self, at: float, opcode: int, data: bytes) -> None:
        if opcode == TEXT:
            self._message(at, json.loads(data))
        elif opcode == PING:
            self._send(PONG, data)
        elif opcode == CLOSE:
            self._send(CLOSE, data[:2])
            self._transport.close()

    def _message(self, at: float, message: list[Any]) -> None:
        assert self._party
        if message[0] == 2:
            self._party.note(at, message[2])
            if message[2] not in self._party.muted:
                answer = json.dumps([3, message[1], _answer(message[2], message[3])], separators=(",", ":"))
                self._send(TEXT, answer.encode())
            return
        asked = self._asked.pop(message[1], None)
        if asked is not None and not asked[1].done():
            asked[1].set_result(Answer(at - asked[0], message[0] == 3, message[2]))

    def unsent(self) -> int:
        """Bytes that the charge point has left unread, as far as the system does not hold them."""
        return self._transport.get_write_buffer_size()

    def ask(self, action: str, payload: str, *, byte_by_byte: bool = False) -> Awaitable[Answer]:
        self._next += 1
        message_id = str(self._next)
        text = f'[2,"{message_id}","{action}",{payload}]'.encode()
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[message_id] = (perf_counter(), future)
        if byte_by_byte:
            head = struct.pack("!BBH", 128 | TEXT, 126, len(text))
            loop = asyncio.get_running_loop()
            for n, byte in enumerate(head + text):
                loop.call_later(n * 0.005, self._transport.write, bytes((byte,)))
        else:
            self._send(TEXT, text)
        return future


class Csms:
    """`async with Csms() as csms`: listens on loopback; `csms.party(identity)` is who connects under that name."""

    def __init__(self) -> None:
        self._parties: dict[str, Party] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(lambda: Line(self.party), "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ocpp"
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()

    def party(self, identity: str) -> Party:
        return self._parties.setdefault(identity, Party())


_transactions = iter(range(1, 1 << 31))


def _answer(action: str, payload: Any) -> Any:
    accepted = {"status": "Accepted"}
    match action:
        case "BootNotification":
            return {"currentTime": _now(), "interval": 3600, **accepted}
        case "Heartbeat":
            return {"currentTime": _now()}
        case "Authorize":
            return {"idTagInfo": accepted} if "idTag" in payload else {"idTokenInfo": accepted}
        case "StartTransaction":
            return {"transactionId": next(_transactions), "idTagInfo": accepted}
        case "TransactionEvent" if "idToken" in payload:
            return {"idTokenInfo": accepted}
    return {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
