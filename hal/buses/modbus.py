"""A Modbus bus, RTU on a serial port or TCP: one owner per port, one request at a time.

    async with ModbusBus(SerialLine("/dev/ttyS1", 9600), timeout_s=0.5) as bus:
        words = await bus.read(unit=1, function=4, address=0x0034, size=2)

The only module that knows pymodbus; written for 3.16. pymodbus makes the frames and the transport and is imported
when a bus is opened (0.1 s on a desktop). Repeating, reconnecting and pacing are done here, because:

- An RTU answer carries no number. One that comes too late looks like the answer to the next request of the same unit
  and length, so after a silence the unit is asked nothing more until it had as much time again. Only repeating the
  same request needs no such wait: a late answer to it is a true answer.
- pymodbus would reconnect in a task that nobody owns. Here a lost port is opened again by the next request, once; that
  fails with NotConnected while the port is away.
"""

import asyncio
import logging
import termios
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from hal.buses.serial import Parity, open_failure
from hal.errors import DeviceFault, NotConnected

if TYPE_CHECKING:
    from pymodbus.client import ModbusBaseClient

_CONNECT_S = 3.0
_SILENCES_TO_RECONNECT = 4
_ACKNOWLEDGE, _BUSY, _NO_PATH, _NO_TARGET = 5, 6, 10, 11
_BITS = (1, 2)
_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    _ACKNOWLEDGE: "acknowledge",
    _BUSY: "device busy",
    _NO_PATH: "gateway path unavailable",
    _NO_TARGET: "gateway target does not respond",
}


class SerialLine(NamedTuple):
    port: str
    baud: int = 9600
    parity: Parity = "N"
    stop_bits: Literal[1, 2] = 1

    def __str__(self) -> str:
        return self.port

    @property
    def character_s(self) -> float:
        return (9 + self.stop_bits + (self.parity != "N")) / self.baud


class TcpLine(NamedTuple):
    host: str
    port: int = 502

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def character_s(self) -> float:
        return 0.0


class Refused(DeviceFault):
    """The device answered with a Modbus exception."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class _Request(NamedTuple):
    unit: int
    function: int
    address: int
    size: int


class _Unit:
    """What is remembered of one device on the bus."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.trouble = ""
        """why the last request failed; empty when it was answered"""
        self.owes_until = 0.0
        """until then an answer may come to a request that was given up"""


class ModbusBus:
    """For any number of devices and callers. All times in seconds.

    timeout_s: to the first byte of an answer; the time the bytes need on the wire is added.
    gap_s: silence between an answer and the next request; at least the 3.5 characters of the standard.
    retries: how often a request is repeated; a unit that was silent altogether is asked only once until it answers, so
    that a missing device does not stop the others.
    """

    def __init__(
        self, line: SerialLine | TcpLine, *, timeout_s: float = 0.5, retries: int = 2, gap_s: float = 0.02
    ) -> None:
        self.line = line
        self._timeout_s = timeout_s
        self._attempts = retries + 1
        self._gap_s = max(gap_s, 3.5 * line.character_s)
        self._wire = asyncio.Lock()
        self._quiet_at = 0.0
        self._silences = 0
        self._units: dict[int, _Unit] = {}
        self._client: ModbusBaseClient | None = None
        self._failure: Exception | None = None

    async def __aenter__(self) -> Self:
        """NotConnected when the port is missing or taken, or nobody listens; BadConfig when a person must act."""
        self._client = self._made()
        try:
            await self._connect(self._client)
        except BaseException:
            self._client.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def read(self, unit: int, function: int, address: int, size: int, *, repeat: bool = True) -> tuple[int, ...]:
        """`size` registers from `address`; function 3 holding, 4 input registers; 1 coils, 2 discrete inputs, each 0 or
        1. repeat=False asks only once.

        NotConnected when the unit stays silent, Refused when it answers with an exception.
        """
        request = _Request(unit, function, address, size)
        state = self._units.setdefault(unit, _Unit())
        async with state.lock:
            await self._until(state.owes_until)
            unanswered = False
            for _ in range(self._attempts if repeat and not state.trouble else 1):
                answer = await self._exchanged(request, state)
                if answer is None:
                    unanswered = True
                    continue
                if not unanswered:
                    state.owes_until = 0.0
                state.trouble = _busy(answer)
                if not state.trouble:
                    return self._words(answer, request)
            raise NotConnected(f"{self.line}: unit {unit} {state.trouble}")

    async def _exchanged(self, request: _Request, state: _Unit) -> Any:
        """pymodbus's answer, or None when nothing fitting came in time."""
        async with self._wire:
            client = await self._connected()
            await self._until(self._quiet_at)
            limit_s = self._limit_s(request)
            state.trouble = "does not answer"
            if isinstance(self.line, SerialLine):  # on TCP answers are numbered
                state.owes_until = self._now() + 2 * limit_s
            try:
                answer = await self._answer(client, request, limit_s)
            finally:
                self._quiet_at = self._now() + self._gap_s
            if answer is None or not _fits(answer, request):
                self._note_silence(client)
                return None
            self._silences = 0
            return answer

    async def _answer(self, client: "ModbusBaseClient", request: _Request, limit_s: float) -> Any:
        from pymodbus.exceptions import ModbusException

        ask = {
            1: client.read_coils,
            2: client.read_discrete_inputs,
            3: client.read_holding_registers,
            4: client.read_input_registers,
        }[request.function]
        try:
            async with asyncio.timeout(limit_s):
                return await ask(request.address, count=request.size, device_id=request.unit)
        except (TimeoutError, ModbusException):
            return None

    def _words(self, answer: Any, request: _Request) -> tuple[int, ...]:
        if not answer.isError():
            bits = request.function in _BITS
            return tuple(int(bit) for bit in answer.bits[: request.size]) if bits else tuple(answer.registers)
        code = answer.exception_code
        what = _EXCEPTIONS.get(code, "unknown exception")
        if code in (_NO_PATH, _NO_TARGET):
            raise NotConnected(f"{self.line}: unit {request.unit}: {what}")
        what_of = "inputs" if request.function in _BITS else "registers"
        raise Refused(
            f"{self.line}: unit {request.unit} refuses {what_of} 0x{request.address:04X} to "
            f"0x{request.address + request.size - 1:04X} (function {request.function}): {what} ({code})",
            code,
        )

    def _note_silence(self, client: "ModbusBaseClient") -> None:
        """A TCP peer that lost its power leaves a connection that looks alive; a new one tells."""
        self._silences += 1
        if isinstance(self.line, TcpLine) and self._silences >= _SILENCES_TO_RECONNECT:
            self._silences = 0
            client.close()

    def _limit_s(self, request: _Request) -> float:
        """The request is 8 characters on the wire, the answer 5 and two a register."""
        return self._timeout_s + (13 + 2 * request.size) * self.line.character_s

    async def _until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - self._now()))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def _connected(self) -> "ModbusBaseClient":
        if self._client is None:
            raise NotConnected(f"{self.line}: not open")
        if not self._client.connected:
            await self._connect(self._client)
        return self._client

    async def _connect(self, client: "ModbusBaseClient") -> None:
        """pymodbus says only whether it connected; the reason is caught on its way."""
        self._failure = None
        try:
            connected = await client.connect()
        except (termios.error, ValueError) as error:  # settings that the port does not take
            raise open_failure(str(self.line), error) from error
        if connected:
            return
        failure = self._failure
        if isinstance(self.line, SerialLine) and failure is not None:
            raise open_failure(self.line.port, failure) from failure
        raise NotConnected(f"{self.line}: {failure or 'no connection in time'}") from failure

    def _made(self) -> "ModbusBaseClient":
        _hush()
        # Waiting for an answer is ended here, before pymodbus does it.
        waits_s = max(_CONNECT_S, 2 * self._timeout_s + 1)
        client: ModbusBaseClient
        if isinstance(self.line, SerialLine):
            from pymodbus.client.serial import AsyncModbusSerialClient

            client = AsyncModbusSerialClient(
                self.line.port,
                baudrate=self.line.baud,
                parity=self.line.parity,
                stopbits=self.line.stop_bits,
                reconnect_delay=0,
                timeout=waits_s,
                retries=0,
            )
        else:
            from pymodbus.client.tcp import AsyncModbusTcpClient

            client = AsyncModbusTcpClient(
                self.line.host, port=self.line.port, reconnect_delay=0, timeout=waits_s, retries=0
            )
        self._attach(client)
        return client

    def _attach(self, client: "ModbusBaseClient") -> None:
        from pymodbus.exceptions import ModbusException

        create, received = client.ctx.call_create, client.ctx.callback_data

        async def noting_the_failure() -> Any:
            try:
                return await create()
            except OSError as error:
                self._failure = error
                raise

        def dropping_nonsense(data: bytes, addr: tuple[Any, ...] | None = None) -> int:
            # A frame with a right checksum and a wrong content would otherwise raise into the event loop.
            try:
                return received(data, addr=addr)
            except (ModbusException, LookupError):
                return len(data)

        client.ctx.call_create = noting_the_failure
        client.ctx.callback_data = dropping_nonsense  # type: ignore[method-assign]


def _fits(answer: Any, request: _Request) -> bool:
    """An answer of another function or length belongs to an earlier request, or to nobody."""
    if answer.function_code & 0x7F != request.function:
        return False
    if answer.isError():
        return True
    if request.function in _BITS:  # in whole bytes
        return len(answer.bits) == 8 * -(-request.size // 8)
    return len(answer.registers) == request.size


def _busy(answer: Any) -> str:
    return "is busy" if answer.isError() and answer.exception_code in (_ACKNOWLEDGE, _BUSY) else ""


def _hush() -> None:
    """pymodbus logs every silence as an error; the caller says it once. DEBUG set on its logger still shows frames."""
    logger = logging.getLogger("pymodbus.logging")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.CRITICAL)
