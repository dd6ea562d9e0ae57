"""A CAN port: paced sending, receiving without a thread, and a loss that is told instead of kept.

Three interfaces of python-can: `socketcan` (a network interface of the kernel), `slcan` (a LAWICEL adapter on a serial
port) and `udp_multicast` (frames between the programs of one machine, for benches and tests; it never leaves the
machine). Receiving is by readiness of the file descriptor, so a silent bus costs no wake-up. Opening, sending and
closing may block and belong to one thread of the port.

The kernel's interface is set up by the system, not here, as that needs CAP_NET_ADMIN. For systemd-networkd:
`[CAN] BitRate=125K RestartSec=100ms`.
"""

import asyncio
import errno
import fcntl
import logging
import os
import select
import time
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from hal.errors import BadConfig, NotConnected

if TYPE_CHECKING:
    import can

log = logging.getLogger(__name__)

QUEUE_FRAMES = 256
SEND_S = 0.5
CLOSE_S = 0.5
_BUS_OFF = 0x40  # error class CAN_ERR_BUSOFF of linux/can/error.h

_CHECK = {
    "socketcan": "check that the interface is up at the right bit rate: ip -details link show {0}",
    "slcan": "check that the adapter is plugged in and that {0} is its path (see /dev/serial/by-id)",
    "udp_multicast": "check that {0} is a multicast address and that this machine has a route for it",
}


class CanPort(NamedTuple):
    interface: Literal["socketcan", "slcan", "udp_multicast"]
    channel: str
    """socketcan: "can0"; slcan: a path such as "/dev/serial/by-id/usb-..."; udp_multicast: a multicast address"""
    bitrate: int = 125_000
    """bit/s; slcan only, the kernel's interface has its own"""
    pace_s: float = 0.05
    """s, the least distance of two frames sent"""
    udp_port: int = 43113
    tty_baud: int = 115_200
    settle_s: float = 2.0
    """s between opening a slcan adapter and the first command: some restart when their port is opened"""

    def __str__(self) -> str:
        return f"{self.interface} {self.channel}"

    def check(self) -> str:
        """What a person looks at when this port does not work."""
        return _CHECK[self.interface].format(self.channel)


class CanFilter(NamedTuple):
    """Lets a frame pass when identifier & mask == value & mask; 29-bit identifiers only."""

    value: int
    mask: int


class CanFrame(NamedTuple):
    identifier: int
    data: bytes
    received_at: float
    """s, monotonic clock"""


class CanBus:
    """An open port. One task may receive, any number may send.

    The queue of received frames holds `QUEUE_FRAMES`; when it is full the oldest frame goes, because the newest is
    nearer to the truth, and `dropped` counts it.
    """

    def __init__(self, raw: "can.BusABC", port: CanPort, thread: ThreadPoolExecutor) -> None:
        self.port = port
        self.dropped = 0
        self._raw = raw
        self._fd = raw.fileno()
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._frames: deque[CanFrame] = deque(maxlen=QUEUE_FRAMES)
        self._news = asyncio.Event()
        self._turn = asyncio.Lock()
        self._free_at = 0.0
        self._sent: set[int] = set()
        self._lost: NotConnected | None = None
        self._closed = False
        self._hangup = select.poll()
        self._hangup.register(self._fd, 0)
        self._loop.add_reader(self._fd, self._readable)

    async def send(self, identifier: int, data: bytes) -> None:
        """One frame with a 29-bit identifier, in the order of the calls, `pace_s` after the one before.

        Raises NotConnected when the interface is down, nobody acknowledges (ENOBUFS) or the adapter is gone. It is
        tried even after the port was found lost: an order to switch off is worth the attempt. That the call returns
        does not say that anybody has received the frame.
        """
        from can import CanError, Message

        message = Message(arbitration_id=identifier, is_extended_id=True, data=data)
        async with self._turn:
            await asyncio.sleep(self._free_at - self._loop.time())
            if self._closed:
                raise NotConnected(f"{self.port}: closed")
            self._free_at = self._loop.time() + self.port.pace_s
            if self.port.interface == "udp_multicast":
                self._sent.add(identifier)
            try:
                async with asyncio.timeout(2 * SEND_S):
                    await self._loop.run_in_executor(self._thread, self._raw.send, message, SEND_S)
            except (CanError, OSError, TimeoutError) as error:
                raise self._lose(_send_failure(error)) from error

    async def receive(self) -> CanFrame:
        """The next data frame that passes the filter, never one sent here; NotConnected once the port is lost."""
        while not self._frames:
            if self._lost:
                raise self._lost
            self._news.clear()
            await self._news.wait()
        return self._frames.popleft()

    async def close(self) -> None:
        """Gives the port back, within `CLOSE_S` unless the system hangs in it."""
        from can import CanError

        self._closed = True
        self._loop.remove_reader(self._fd)
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._loop.run_in_executor(self._thread, self._raw.shutdown)
        except (CanError, OSError, TimeoutError) as error:
            log.debug("%s: closing: %s", self.port, error)  # an unplugged adapter cannot take the closing command

    def _readable(self) -> None:
        from can import CanError

        try:
            message = self._raw.recv(0)
        except (ValueError, IndexError) as error:  # slcan: half a line
            self._garbled(error)
        except (CanError, OSError) as error:
            if _is_loss(error):
                self._lose(str(error))
            else:
                self._garbled(error)
        else:
            self._take(message)

    def _take(self, message: "can.Message | None") -> None:
        if message is None:
            # A descriptor that is ready for ever and gives nothing: the adapter was pulled.
            if any(event & (select.POLLHUP | select.POLLNVAL) for _, event in self._hangup.poll(0)):
                self._lose("the adapter has hung up")
        elif message.is_error_frame:
            if message.arbitration_id & _BUS_OFF:
                self._lose("bus-off: check wiring, termination and bit rate")
        elif message.is_extended_id and not message.is_remote_frame and message.arbitration_id not in self._sent:
            # On CAN an identifier has one sender: what carries one of ours is the echo that multicast gives back.
            self.dropped += len(self._frames) == QUEUE_FRAMES
            self._frames.append(CanFrame(message.arbitration_id, bytes(message.data), time.monotonic()))
            self._news.set()

    def _garbled(self, error: Exception) -> None:
        log.debug("%s: garbled input dropped: %s", self.port, error)
        flush = getattr(self._raw, "flush", None)
        if flush and self.port.interface == "slcan":  # python-can keeps a line it could not decode and fails for ever
            from can import CanError

            try:
                flush()
            except (CanError, OSError) as lost:
                self._lose(str(lost))

    def _lose(self, reason: str) -> NotConnected:
        error = NotConnected(f"{self.port}: {reason}; {self.port.check()}")
        if self._lost is None:
            self._lost = error
            self._loop.remove_reader(self._fd)
            self._news.set()
        return error


@asynccontextmanager
async def open_can(port: CanPort, where: str, filters: tuple[CanFilter, ...] = ()) -> AsyncIterator[CanBus]:
    """The port, for as long as the context lives. Opening takes `settle_s` with slcan; importing `can` is in it.

    filters: a frame that passes one of them is received; none: all are. socketcan filters in the kernel.
    Raises NotConnected (not there, not up, in use) or BadConfig, which names the keys as `where.key`.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix=f"can-{port.channel}")
    claim: int | None = None
    try:
        opening = thread.submit(_open, port, where, filters)
        try:
            raw, claim = await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise
        bus = CanBus(raw, port, thread)
        try:
            yield bus
        finally:
            await bus.close()
    finally:
        if claim is not None:
            os.close(claim)
        thread.shutdown(wait=False)


def _close_late(opening: "Future[tuple[can.BusABC, int | None]]") -> None:
    """Runs in the port's thread, when the opening was cancelled while the adapter settled."""
    if opening.cancelled() or opening.exception():
        return
    from can import CanError

    raw, claim = opening.result()
    with suppress(CanError, OSError):
        raw.shutdown()
    if claim is not None:
        os.close(claim)


def _open(port: CanPort, where: str, filters: tuple[CanFilter, ...]) -> "tuple[can.BusABC, int | None]":
    import can

    if port.interface == "udp_multicast":
        _check_multicast(port, where)
    claim = None
    try:
        if port.interface == "slcan":
            claim = _claim(port)
        return can.Bus(can_filters=_filters(filters), **_options(port)), claim
    except BaseException as error:
        if claim is not None:
            os.close(claim)
        if isinstance(error, can.CanInterfaceNotImplementedError) or isinstance(error.__cause__, ValueError):
            raise BadConfig(f"{where}.interface, .channel, .bitrate: {port}: {error}; {port.check()}") from error
        if isinstance(error, can.CanError | OSError):
            raise NotConnected(f"{port}: cannot be opened: {error}; {port.check()}") from error
        raise


def _check_multicast(port: CanPort, where: str) -> None:
    from ipaddress import ip_address

    try:
        multicast = ip_address(port.channel).is_multicast
    except ValueError:
        multicast = False
    if not multicast:
        raise BadConfig(f'{where}.channel: expected a multicast address such as "239.74.163.2", got "{port.channel}"')


def _claim(port: CanPort) -> int:
    """Holds the serial port against a second driver; the same lock that pyserial's `exclusive` takes."""
    claim = os.open(port.channel, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(claim)
        raise NotConnected(f"{port}: in use by another driver or program") from error
    return claim


def _options(port: CanPort) -> dict[str, Any]:
    options: dict[str, Any] = {"interface": port.interface, "channel": port.channel, "ignore_config": True}
    if port.interface == "slcan":
        options |= {"bitrate": port.bitrate, "tty_baudrate": port.tty_baud, "sleep_after_open": port.settle_s}
    if port.interface == "udp_multicast":
        options |= {"port": port.udp_port, "hop_limit": 0, "fd": False}  # 0: the frames stay on this machine
    return options


def _filters(filters: tuple[CanFilter, ...]) -> Any:
    return [{"can_id": value, "can_mask": mask, "extended": True} for value, mask in filters] or None


def _is_loss(error: BaseException) -> bool:
    """Whether the port itself failed. python-can wraps the system's error; what it could not decode is only garbled."""
    return isinstance(error, OSError) or isinstance(error.__cause__, OSError)


def _send_failure(error: BaseException) -> str:
    if getattr(error, "error_code", None) == errno.ENOBUFS:
        return "no room to send (ENOBUFS): nobody on the bus acknowledges"
    return f"sending failed: {error or 'timed out'}"
