"""A Modbus device on a pseudo-terminal (RTU) or a listening socket (TCP), in a thread of its own; makes: modbus_meters.

    with RtuBus(Sdm630(1), Sdm630(2)) as bus: ...     # several on one line: bus.port

Written from the Modbus specifications (Application Protocol 1.1b3, Serial Line 1.02),
with framing, checksum and encoding of its own: independent of the driver under test and of pymodbus.
"""

import asyncio
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

from tests.hal.models.pty_device import PtyDevice

Three = tuple[float | None, float | None, float | None]
READ_FUNCTIONS = (3, 4)


class Request(NamedTuple):
    at: float
    """s, monotonic"""
    unit: int
    function: int
    address: int
    size: int


class Faults:
    """What goes wrong. Numbers are how many answers it still befalls."""

    def __init__(self) -> None:
        self.silent = False
        self.mute = 0
        """requests not answered"""
        self.exception = 0
        """the code that every request is answered with; 0: none"""
        self.busy = 0
        """answers that are exception 6"""
        self.refused: set[int] = set()
        """addresses that are not there: exception 2"""
        self.bad_crc = 0
        self.half = 0
        """answers that break off in the middle"""
        self.garbage = b""
        """line noise before each answer"""
        self.noisy = 0
        """answers with `garbage` before them"""
        self.slow_s = 0.0
        """the second half of each answer comes so much later"""
        self.held = 0
        """answers that come when `release` is called, however late that is"""
        self.wrong_unit = 0
        self.wrong_function = 0
        self.wrong_length = 0
        """answers with one register more than asked for"""
        self.nonsense = 0
        """answers whose frame is right and whose content cannot be"""
        self.wrong_number = 0
        """TCP: answers with another transaction number"""

    def strikes(self, name: str) -> bool:
        left: int = getattr(self, name)
        setattr(self, name, max(0, left - 1))
        return left > 0


class ModbusMeter:
    """The meter's registers and how it answers; a model of a make fills them in `set`."""

    max_registers = 125

    def __init__(self, unit: int = 1, *, tcp: bool = False) -> None:
        self.unit = unit
        self.tcp = tcp
        self.faults = Faults()
        self.requests: list[Request] = []
        self._words: dict[tuple[int, int], int] = {}
        self._held: deque[Callable[[], None]] = deque()
        self._lock = threading.RLock()
        self._bus: RtuBus | TcpBus = TcpBus(self) if tcp else RtuBus(self)
        self.factory_state()

    def factory_state(self) -> None:
        self.set(
            voltage_v=(230.0, 231.0, 229.0),
            current_a=(0.0, 0.0, 0.0),
            power_phases_w=(0.0, 0.0, 0.0),
            power_w=0.0,
            energy_wh=0.0,
            export_wh=0.0,
            frequency_hz=50.0,
            power_factor=1.0,
        )

    def set(self, **quantities: float | Three | None) -> None:
        """What the meter measures now: power_w, energy_wh, export_wh, frequency_hz, power_factor, and by phase
        voltage_v, current_a, power_phases_w. None: it does not know and says so. What is not given stays.
        """
        with self._lock:
            for name, value in quantities.items():
                getattr(self, f"_put_{name}")(value)

    def raw(self, function: int, address: int, *words: int) -> None:
        with self._lock:
            for n, word in enumerate(words):
                self._words[function, address + n] = word & 0xFFFF

    def answer(self, function: int, address: int, size: int) -> bytes | None:
        """The answer's PDU, or None when it stays silent."""
        with self._lock:
            self.requests.append(Request(time.monotonic(), self.unit, function, address, size))
            if self.faults.silent or self.faults.strikes("mute"):
                return None
            code = self._complaint(function, address, size)
            if code:
                return bytes([function | 0x80, code])
            if self.faults.strikes("nonsense"):
                return bytes([0x80, 2])  # an exception to no function
            if self.faults.strikes("wrong_function"):
                function = 7 - function
            words = [self._words.get((function, address + n), 0) for n in range(size)]
            if self.faults.strikes("wrong_length"):
                words.append(0x4343)
            return bytes([function, 2 * len(words)]) + b"".join(word.to_bytes(2, "big") for word in words)

    def _complaint(self, function: int, address: int, size: int) -> int:
        if self.faults.exception:
            return self.faults.exception
        if self.faults.strikes("busy"):
            return 6
        if function not in READ_FUNCTIONS:
            return 1
        if not 1 <= size <= self.max_registers:
            return 3
        asked = range(address, address + size)
        missing = any((function, a) not in self._words or a in self.faults.refused for a in asked)
        return 2 if missing else 0

    @property
    def port(self) -> str:
        assert isinstance(self._bus, RtuBus)
        return self._bus.port

    @property
    def host(self) -> str:
        return "127.0.0.1"

    @property
    def tcp_port(self) -> int:
        assert isinstance(self._bus, TcpBus)
        return self._bus.tcp_port

    @property
    def connections(self) -> int:
        """How often somebody connected over TCP."""
        assert isinstance(self._bus, TcpBus)
        return self._bus.connections

    def unplug(self) -> None:
        """The adapter is pulled out, or the network cable with the connection lost."""
        self._bus.detach()

    def plug(self) -> None:
        self._bus.attach()

    def hold(self, send: Callable[[], None]) -> None:
        self._held.append(send)

    def release(self) -> None:
        """Let the oldest answer go that was held back."""
        self._held.popleft()()

    def wait_for_requests(self, count: int, timeout_s: float = 60.0) -> None:
        """Until so many requests came in altogether."""
        self._bus.wait(lambda: len(self.requests) >= count, timeout_s)

    def __enter__(self) -> Self:
        self._bus.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bus.__exit__(kind, error, trace)


class RtuBus(PtyDevice):
    """Meters on one RS-485 line. A unit that is not there stays silent."""

    def __init__(self, *meters: ModbusMeter) -> None:
        super().__init__()
        self._meters = {meter.unit: meter for meter in meters}
        self._buffer = b""
        self.bad_requests = 0

    def powered_up(self) -> None:
        self._buffer = b""

    def received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 8:  # a request to read is eight bytes
            frame, self._buffer = self._buffer[:8], self._buffer[8:]
            if crc16(frame[:-2]) != frame[-2:]:
                self.bad_requests += 1
                self._buffer = b""
            elif frame[0] in self._meters:
                self._serve(self._meters[frame[0]], *struct.unpack(">xBHH2x", frame))

    def _serve(self, meter: ModbusMeter, function: int, address: int, size: int) -> None:
        pdu = meter.answer(function, address, size)
        if pdu is None:
            return
        faults = meter.faults
        body = bytes([meter.unit + faults.strikes("wrong_unit")]) + pdu
        check = crc16(body)
        frame = body + (bytes([check[0] ^ 0x55, check[1]]) if faults.strikes("bad_crc") else check)
        if faults.strikes("half"):
            frame = frame[: len(frame) // 2]
        if faults.strikes("noisy"):
            frame = faults.garbage + frame
        if faults.strikes("held"):
            meter.hold(lambda: self.transmit(frame))
        elif faults.slow_s:
            half = len(frame) // 2
            self.transmit(frame[:half])
            self.later(faults.slow_s, lambda: self.transmit(frame[half:]))
        else:
            self.transmit(frame)


class TcpBus:
    """A Modbus TCP server (or a gateway) on a port of its own, kept over `detach` and `attach`."""

    def __init__(self, *meters: ModbusMeter) -> None:
        self._meters = {meter.unit: meter for meter in meters}
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="TcpBus", daemon=True)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._talks: set[asyncio.Task[None] | None] = set()
        self.connections = 0
        self.tcp_port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.attach()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def attach(self) -> None:
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)

    def detach(self) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(5)

    def wait(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, timeout_s), f"did not come about within {timeout_s} s"

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.tcp_port)
        self.tcp_port = self._server.sockets[0].getsockname()[1]

    async def _hang_up(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._talks.add(asyncio.current_task())
        self.connections += 1
        try:
            while True:
                number, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                function, address, size = struct.unpack(">BHH", await reader.readexactly(length - 1))
                if unit in self._meters:
                    await self._serve(writer, self._meters[unit], number, function, address, size)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            self._talks.discard(asyncio.current_task())
            writer.close()

    async def _serve(
        self, writer: asyncio.StreamWriter, meter: ModbusMeter, number: int, function: int, address: int, size: int
    ) -> None:
        pdu = meter.answer(function, address, size)
        with self._changed:
            self._changed.notify_all()
        if pdu is None:
            return
        faults = meter.faults
        number ^= 0x0101 if faults.strikes("wrong_number") else 0
        unit = meter.unit + faults.strikes("wrong_unit")
        frame = struct.pack(">HHHB", number, 0, len(pdu) + 1, unit) + pdu
        if faults.strikes("half"):
            frame = frame[: len(frame) // 2]
        if faults.strikes("held"):
            meter.hold(lambda: self._loop.call_soon_threadsafe(writer.write, frame) and None)
        elif faults.slow_s:
            half = len(frame) // 2
            writer.write(frame[:half])
            self._loop.call_later(faults.slow_s, writer.write, frame[half:])
        else:
            writer.write(frame)


def crc16(data: bytes) -> bytes:
    """Modbus over Serial Line 1.02, 6.2.2, bit by bit; low byte first on the wire."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return bytes([crc & 0xFF, crc >> 8])
