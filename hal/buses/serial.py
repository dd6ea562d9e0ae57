"""A serial port as a byte stream for asyncio.

    async with SerialStream("/dev/serial/by-id/usb-FTDI_…", 115200) as stream:
        await stream.write(b"$GV^35\r")
        line = await stream.read_until(b"\r")

The port is locked against a second program (flock). What comes in is read as it comes; of what nobody fetches the last
4 KiB are kept, for in a serial protocol the newest bytes are those worth having.

No call has a time limit of its own: put `asyncio.timeout` around it. A cancelled read loses nothing.
"""

import asyncio
import errno
import grp
import os
import select
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from hal.errors import BadConfig, HalError, NotConnected

if TYPE_CHECKING:
    from serial import Serial

Parity = Literal["N", "E", "O"]
_KEPT_BYTES = 4096
_ABSENT = {errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO}
_IN_USE = {errno.EAGAIN, errno.EBUSY}


class SerialStream:
    """An open port, for one reader and any number of writers whose writes are not to be mixed.

    All calls raise NotConnected, naming the port, once it is gone: adapter pulled out, hung up, I/O error.
    """

    def __init__(self, port: str, baud: int, *, parity: Parity = "N", stop_bits: Literal[1, 2] = 1) -> None:
        self.port = port
        self._baud = baud
        self._parity = parity
        self._stop_bits = stop_bits
        self._serial: Serial | None = None
        self._kept = bytearray()
        self._arrived = asyncio.Event()
        self._lost: str | None = None

    async def __aenter__(self) -> Self:
        """NotConnected when the port is missing or taken, BadConfig when a person must act."""
        try:
            self._serial = self._opened()
        except (OSError, termios.error, ValueError) as error:
            raise open_failure(self.port, error) from error
        asyncio.get_running_loop().add_reader(self._serial.fileno(), self._fetch)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._lose("closed")
        serial, self._serial = self._serial, None
        if serial is not None:
            serial.close()

    def _opened(self) -> "Serial":
        # Imported here: it costs start time, and a daemon without serial devices does not need it. pyserial itself
        # passes over the RTS and DTR requests that a pseudo-terminal refuses (EINVAL, ENOTTY).
        from serial import Serial

        return Serial(
            self.port,
            self._baud,
            parity=self._parity,
            stopbits=self._stop_bits,
            timeout=0,
            write_timeout=0,
            exclusive=True,
        )

    async def write(self, data: bytes) -> None:
        """Hand all of `data` to the kernel; waits only while its buffer is full."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._fd(), view) :]
            except BlockingIOError:
                await self._writable()
            except OSError as error:
                self._lose(error.strerror or str(error))

    async def read_some(self) -> bytes:
        """What has come in, at least one byte."""
        while not self._kept:
            await self._more()
        return self._take(len(self._kept))

    async def read_exactly(self, count: int) -> bytes:
        """`count` bytes, at most 4096."""
        if count > _KEPT_BYTES:
            raise ValueError(f"at most {_KEPT_BYTES} bytes are kept, {count} asked for")
        while len(self._kept) < count:
            await self._more()
        return self._take(count)

    async def read_until(self, end: bytes) -> bytes:
        """Everything up to and with `end`."""
        while (at := self._kept.find(end)) < 0:
            await self._more()
        return self._take(at + len(end))

    def discard(self) -> None:
        """Forget what has come in and was not read, in the kernel's buffer too."""
        self._kept.clear()
        try:
            termios.tcflush(self._fd(), termios.TCIFLUSH)
        except termios.error as error:
            self._lose(f"lost ({error.args[-1]})")

    def _take(self, count: int) -> bytes:
        taken = bytes(self._kept[:count])
        del self._kept[:count]
        return taken

    async def _more(self) -> None:
        """Wait until more has come in."""
        if self._lost is not None:
            raise NotConnected(f"{self.port}: {self._lost}")
        self._arrived.clear()
        await self._arrived.wait()

    def _fd(self) -> int:
        if self._serial is None or self._lost is not None:
            raise NotConnected(f"{self.port}: {self._lost or 'not open'}")
        return int(self._serial.fileno())

    def _fetch(self) -> None:
        """Called by the loop when the port is readable."""
        fd = self._fd()
        try:
            data = os.read(fd, _KEPT_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(f"lost ({error.strerror}); is the adapter plugged in?")
            return
        if not data and _hung_up(fd):
            self._lose("lost (hung up); is the adapter plugged in?")
            return
        self._kept += data
        del self._kept[:-_KEPT_BYTES]
        self._arrived.set()

    def _lose(self, why: str) -> None:
        if self._lost is None:
            if self._serial is not None:
                asyncio.get_running_loop().remove_reader(self._serial.fileno())
            self._lost = why
            self._arrived.set()

    async def _writable(self) -> None:
        loop, fd, ready = asyncio.get_running_loop(), self._fd(), asyncio.Event()
        loop.add_writer(fd, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(fd)


def _hung_up(fd: int) -> bool:
    """Reading nothing alone does not tell: `discard` may have emptied the port between its event and the read."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0))


def open_failure(port: str, error: Exception) -> HalError:
    """The complaint for a port that did not open: who is to do what."""
    code = error.args[0] if isinstance(error, termios.error) else getattr(error, "errno", None)
    if code in _ABSENT:
        return NotConnected(f"{port}: no such port; is the adapter plugged in?")
    if code in _IN_USE:
        return NotConnected(f"{port}: in use by another program or another driver")
    if code in (errno.EACCES, errno.EPERM):
        return BadConfig(f"{port}: permission denied; add the daemon's user to the group {_group_of(port)}")
    if isinstance(error, ValueError):
        return BadConfig(f"{port}: the port does not take these settings: {error}")
    return BadConfig(f"{port}: not a usable serial port: {error}")


def _group_of(port: str) -> str:
    try:
        return f'"{grp.getgrgid(Path(port).stat().st_gid).gr_name}"'
    except (OSError, KeyError):
        return "that owns the port"
