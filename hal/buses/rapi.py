"""RAPI, the ASCII protocol of OpenEVSE boards: its lines, and one request at a time over a serial port.

Source: OpenEVSE/open_evse, firmware/open_evse/rapi_proc.h.

    $GS :1F^6A\r           request: words, from protocol 3 on a sequence id (two hex digits, not 00), checksum
    $OK 02 0 02 0100 :1F^…  reply with the same id, or $NK
    $AT 03 03 16 0140^…     told unasked, also between a request and its reply

The checksum is the XOR of all characters before "^", "$" included.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import reduce
from operator import xor
from typing import NamedTuple

from hal.buses.serial import SerialStream
from hal.errors import DeviceFault, NotConnected

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a request is sent before the board counts as gone."""
_SEQUENCED_SINCE = 3
"""The first protocol version with sequence ids; earlier ones may leave the checksum of a reply out."""


class Line(NamedTuple):
    kind: str
    """"OK", "NK", or the name of what is told unasked: "AT", "AB" …"""
    words: tuple[str, ...]
    sequence: int | None = None
    checked: bool = True
    """False when it came without a checksum"""


def encode(words: tuple[str, ...], sequence: int | None = None) -> bytes:
    """A request as it goes over the wire."""
    text = "$" + " ".join(words) + ("" if sequence is None else f" :{sequence:02X}")
    return f"{text}^{_checksum(text.encode('ascii')):02X}\r".encode("ascii")


def decode(raw: bytes) -> Line | None:
    """A line as it came, None when it is garbled. What stands before the last "$" is the rest of something lost."""
    start = raw.rfind(b"$")
    line = raw[start:].rstrip(b"\r\n")
    if start < 0 or not line.isascii():
        return None
    body, caret, check = line.partition(b"^")
    if caret and not _is_checksum_of(body, check):
        return None
    words = body[1:].decode("ascii").split()
    sequence = _sequence(words[-1]) if words else None
    if sequence is not None:
        words.pop()
    if not words or not body.decode("ascii").isprintable() or body[1:2] == b" ":
        return None
    return Line(words[0], tuple(words[1:]), sequence, checked=bool(caret))


def _checksum(body: bytes) -> int:
    return reduce(xor, body, 0)


def _is_checksum_of(body: bytes, check: bytes) -> bool:
    return len(check) == 2 and _hex(check.decode("ascii")) == _checksum(body)


def _sequence(word: str) -> int | None:
    return _hex(word[1:]) if len(word) == 3 and word[0] == ":" else None


def _hex(text: str) -> int | None:
    return int(text, 16) if all(c in "0123456789abcdefABCDEF" for c in text) else None


class RapiLink:
    """Requests to the board, one in flight; what it tells unasked goes to `tell`, from within `run`."""

    def __init__(self, stream: SerialStream, reply_within_s: float, tell: Callable[[Line], None]) -> None:
        self._stream = stream
        self._reply_within_s = reply_within_s
        self._tell = tell
        self._sequenced = False
        self._checked = False
        self._sequence = 0
        self._turn = asyncio.Lock()
        self._awaited: asyncio.Future[Line] | None = None
        self._awaited_sequence: int | None = None
        self._stale_until = 0.0

    def speaks(self, protocol: str) -> None:
        """The version the board told: from 3 on requests are numbered, and replies without checksum are refused."""
        major = protocol.partition(".")[0]
        self._sequenced = self._checked = major.isdecimal() and int(major) >= _SEQUENCED_SINCE

    async def run(self) -> None:
        """Read lines until the port is lost, which raises NotConnected, here and in the request that waits."""
        try:
            while True:
                self._take(await self._stream.read_until(b"\r"))
        except NotConnected as error:
            if self._awaited is not None and not self._awaited.done():
                self._awaited.set_exception(error)
            raise

    async def request(self, *words: str, answers: int | None = 0) -> tuple[str, ...]:
        """Ask, and return the words of the reply: at least `answers`, none for 0, any number for None.

        NotConnected when no proper reply came after three attempts, DeviceFault when the board refused three times.
        """
        line = await self.ask(*words, answers=answers)
        if line.kind != "OK":
            raise DeviceFault(f"{self._stream.port}: the board refuses ${' '.join(words)}")
        return line.words

    async def ask(self, *words: str, answers: int | None = 0) -> Line:
        """As `request`, but a refusal ($NK) is returned. A bare one is asked again: the board may have misheard."""
        async with self._turn:
            reply = None
            for _ in range(ATTEMPTS):
                reply = await self._attempt(words, answers) or reply
                if reply is not None and (reply.kind == "OK" or reply.words):
                    return reply
        if reply is None:
            raise NotConnected(f"{self._stream.port}: no answer to ${' '.join(words)}; is the board powered?")
        return reply

    async def _attempt(self, words: tuple[str, ...], answers: int | None) -> Line | None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._stale_until - loop.time())
        self._awaited, self._awaited_sequence = loop.create_future(), self._next_sequence()
        line, stale_until = None, loop.time() + 2 * self._reply_within_s
        try:
            await self._stream.write(encode(words, self._awaited_sequence))
            async with asyncio.timeout(self._reply_within_s):
                line = await self._awaited
        except TimeoutError:
            log.debug("%s: no reply to $%s within %s s", self._stream.port, words[0], self._reply_within_s)
        finally:
            self._awaited = None
            if line is None and self._awaited_sequence is None:
                # Without sequence ids a late reply would be taken for the next one: let it pass first. (Where all of
                # us stood still, it is as late as we are.)
                self._stale_until = max(stale_until, loop.time() + self._reply_within_s)
        if line is not None and line.kind == "OK" and not _fits(line, answers):
            log.debug("%s: unexpected reply to $%s: %s", self._stream.port, words[0], line)
            return None
        return line

    def _next_sequence(self) -> int | None:
        if not self._sequenced:
            return None
        self._sequence = self._sequence % 255 + 1
        return self._sequence

    def _take(self, raw: bytes) -> None:
        line = decode(raw)
        if line is None or (self._checked and not line.checked):
            log.debug("%s: garbled line dropped: %r", self._stream.port, raw[-80:])
        elif line.kind not in ("OK", "NK"):
            self._tell(line)
        elif self._awaited is not None and not self._awaited.done() and line.sequence == self._expected(line):
            self._awaited.set_result(line)
        else:
            log.debug("%s: reply nobody waits for dropped: %s", self._stream.port, line)

    def _expected(self, line: Line) -> int | None:
        """A board that could not read a request refuses it without its number."""
        return None if line.kind == "NK" and line.sequence is None else self._awaited_sequence


def _fits(line: Line, answers: int | None) -> bool:
    if answers is None:
        return True
    return not line.words if answers == 0 else len(line.words) >= answers
