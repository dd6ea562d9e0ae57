"""The NXP PN532 on a serial port (HSU): its frames, and one command at a time.

Source: NXP UM0701-02, PN532 user manual, chapter 6.2 (frames) and 7 (commands).

    00 00 FF LEN LCS TFI PD… DCS 00    LEN counts TFI and PD; LEN + LCS = 0 and TFI + PD + DCS = 0 (mod 256);
                                       TFI D4 to the chip, D5 from it
    00 00 FF 00 FF 00                  ACK: follows each command within 15 ms, the reply comes later
    00 00 FF FF 00 00                  NACK
    00 00 FF 01 FF 7F 81 00            error frame: the chip does not understand the command

The chip falls asleep, restarts and loses bytes: whatever was not answered is aborted (ACK from the host), and the chip
woken up and set up again before the next attempt.
"""

import asyncio
import logging
from typing import NamedTuple

from hal.buses.serial import SerialStream
from hal.errors import DeviceFault, NotConnected

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a command is tried before the chip counts as gone."""
_ACK_WITHIN_S = 0.1
"""15 ms by the manual; USB adapters collect bytes for 16 ms, and the machine may be busy."""

_START = b"\x00\xff"
_ACK, _NACK = b"\x00\xff\x00\xff", b"\x00\xff\xff\x00"
_HOST, _CHIP, _SYNTAX_ERROR = 0xD4, 0xD5, 0x7F
_WAKE_UP = b"\x55\x55" + bytes(14)
_ABORT = b"\x00\x00\xff\x00\xff\x00"

_GET_FIRMWARE_VERSION, _SAM_CONFIGURATION, _RF_CONFIGURATION = 0x02, 0x14, 0x32
_NORMAL_NO_TIMEOUT_IRQ = b"\x01\x00\x01"
_RETRIES_FINITE = b"\x05\xff\x01\x02"
"""Item 5: passive activation is tried 3 times, then InListPassiveTarget answers "none" instead of waiting for ever."""
_PN532 = 0x32


class Frame(NamedTuple):
    kind: str
    """"ack", "nack" or "data" """
    data: bytes = b""
    """TFI and what follows; an error frame is TFI 7F alone"""


def encode(data: bytes) -> bytes:
    """The normal information frame with `data` (TFI first, 1 to 255 bytes)."""
    if not 0 < len(data) <= 255:
        raise ValueError(f"1 to 255 bytes make a frame, not {len(data)}")
    return b"\x00" + _START + bytes([len(data), -len(data) & 0xFF]) + data + bytes([-sum(data) & 0xFF, 0])


class FrameParser:
    """Finds frames in a stream of bytes, however it is cut, whatever stands between them. Keeps less than 600 bytes."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now."""
        frames = []
        for start in range(0, len(data), 256):
            self._bytes += data[start : start + 256]
            while (frame := self._next()) is not None:
                frames.append(frame)
        return frames

    def give_up(self) -> list[Frame]:
        """No more is coming: the frame that seemed to have begun was none. What stands behind its start?"""
        frames = []
        while self._bytes.startswith(_START):
            del self._bytes[0]
            while (frame := self._next()) is not None:
                frames.append(frame)
        self._bytes.clear()
        return frames

    def _next(self) -> Frame | None:
        while self._to_start():
            if len(self._bytes) < 4:
                return None
            if self._bytes.startswith((_ACK, _NACK)):
                kind = "ack" if self._bytes.startswith(_ACK) else "nack"
                del self._bytes[:4]
                return Frame(kind)
            length = self._bytes[2]
            plausible = length > 0 and not (length + self._bytes[3]) & 0xFF
            if plausible and len(self._bytes) < 5 + length:
                return None
            body = bytes(self._bytes[4 : 5 + length])
            if plausible and not sum(body) & 0xFF:
                del self._bytes[: 5 + length]
                return Frame("data", body[:-1])
            del self._bytes[0]
        return None

    def _to_start(self) -> bool:
        """Drop what cannot be part of a frame."""
        at = self._bytes.find(_START)
        if at < 0:
            del self._bytes[: len(self._bytes) - self._bytes.endswith(b"\x00")]
            return False
        del self._bytes[:at]
        return True


class _Unanswered(Exception):
    """This attempt failed; the next may not."""


class _NotUnderstood(_Unanswered):
    """The chip answered with an error frame: it does not know the command, or the command came garbled."""


class Pn532:
    """A chip that is set up to look for cards. One command at a time."""

    def __init__(self, stream: SerialStream, reply_within_s: float) -> None:
        self._stream = stream
        self._reply_within_s = reply_within_s
        self._parser = FrameParser()
        self._frames: list[Frame] = []
        self._turn = asyncio.Lock()
        self._is_set_up = False

    async def begin(self) -> None:
        """Wake it up and see who it is. DeviceFault when it is another chip."""
        chip, version, revision = (await self.call(_GET_FIRMWARE_VERSION, answers=4))[:3]
        if chip != _PN532:
            raise DeviceFault(f"{self._stream.port}: not a PN532, the chip calls itself {chip:02X}")
        log.info("%s: PN532 firmware %d.%d", self._stream.port, version, revision)

    async def call(self, command: int, parameters: bytes = b"", answers: int = 0) -> bytes:
        """The reply without its code, at least `answers` bytes.

        NotConnected after three attempts without a proper reply, DeviceFault when the chip does not know the command.
        """
        async with self._turn:
            for _ in range(ATTEMPTS):
                try:
                    return await self._attempt(command, parameters, answers)
                except _Unanswered as error:
                    log.debug("%s: command %02X: %s", self._stream.port, command, error)
                    failure = error
        if isinstance(failure, _NotUnderstood):
            raise DeviceFault(f"{self._stream.port}: PN532: {failure}")
        raise NotConnected(f"{self._stream.port}: PN532: {failure}; is the reader powered?")

    async def abort(self) -> None:
        """Stop what the chip is doing."""
        await self._stream.write(_ABORT)

    async def _attempt(self, command: int, parameters: bytes, answers: int) -> bytes:
        begun, self._is_set_up = self._is_set_up, False  # whatever ends this early: abort and wake up next time
        if not begun:
            await self._stream.write(_ABORT + _WAKE_UP)
            await self._exchange(_SAM_CONFIGURATION, _NORMAL_NO_TIMEOUT_IRQ, 0)
            await self._exchange(_RF_CONFIGURATION, _RETRIES_FINITE, 0)
        reply = await self._exchange(command, parameters, answers)
        self._is_set_up = True
        return reply

    async def _exchange(self, command: int, parameters: bytes, answers: int) -> bytes:
        self._forget()
        await self._stream.write(encode(bytes([_HOST, command]) + parameters))
        clock = asyncio.get_running_loop().time
        deadline, acknowledged = clock() + _ACK_WITHIN_S, False
        while True:
            frame = await self._frame(deadline)
            if frame.kind == "nack":
                raise _Unanswered(f"command {command:02X} came garbled")
            if frame.kind == "ack" and not acknowledged:
                deadline, acknowledged = clock() + self._reply_within_s, True
            if frame.data[:1] == bytes([_SYNTAX_ERROR]):
                raise _NotUnderstood(f"command {command:02X} not understood")
            if frame.data[:2] == bytes([_CHIP, command + 1]) and len(frame.data) >= 2 + answers:
                return frame.data[2:]

    async def _frame(self, deadline: float) -> Frame:
        try:
            async with asyncio.timeout_at(deadline):
                while not self._frames:
                    self._frames += self._parser.feed(await self._stream.read_some())
        except TimeoutError:
            self._frames += self._parser.give_up()
            if not self._frames:
                raise _Unanswered("no answer") from None
        return self._frames.pop(0)

    def _forget(self) -> None:
        self._stream.discard()
        self._parser = FrameParser()
        self._frames.clear()
