"""Questions to InfyPower modules and their answers, and who of them has fallen silent."""

import asyncio
import time

from hal.buses.can import CanBus
from hal.drivers.infypower_protocol import (
    ERRORS,
    NOTHING,
    OK,
    ONE,
    READ_STATUS,
    STARTING,
    Identifier,
    Rating,
    decode_identifier,
)

ANSWER_S = 0.15
"""s a module may take for its answer; it usually takes a few milliseconds"""
ACKNOWLEDGE_S = 0.1
"""s to wait for the answer to a set command; not every firmware gives one"""

SILENT = "does not answer"


class Module:
    """What is known of one module."""

    def __init__(self, address: int) -> None:
        self.address = address
        self.active = False
        """It answers and takes its share."""
        self.rating: Rating | None = None
        self.trouble = SILENT
        """Why the last question got no value; empty when it did."""
        self.error = OK
        """The error code of the last answer."""
        self.refusal = ""
        """Why the module did not take the last set command; empty when it did, or said nothing."""
        self.tells_available = True
        self.available_a: float | None = None
        self.heard_at = 0.0
        self.silent_s = 0.0
        """From the first to the latest question without an answer: silence nobody asked into is none."""
        self._first_missed_at: float | None = None
        self.probe_at = 0.0

    def __str__(self) -> str:
        return f"module {self.address}"

    def heard(self) -> None:
        self.heard_at = time.monotonic()
        self.silent_s, self._first_missed_at = 0.0, None

    def missed(self, asked_at: float) -> None:
        self.trouble, self.error = SILENT, OK
        if self._first_missed_at is None:
            self._first_missed_at = asked_at
        self.silent_s = asked_at - self._first_missed_at


class Link:
    """One question at a time, as an answer carries no number that tells it from the one before."""

    def __init__(self, bus: CanBus, controller: int, modules: tuple[Module, ...]) -> None:
        self._bus = bus
        self._controller = controller
        self._modules = {module.address: module for module in modules}
        self._one = asyncio.Lock()
        self._awaited: tuple[int, int] | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    async def run(self) -> None:
        """Takes what comes from the bus; ends only by raising NotConnected."""
        while True:
            frame = await self._bus.receive()
            identifier = decode_identifier(frame.identifier)
            if identifier and identifier.destination == self._controller and len(frame.data) == len(NOTHING):
                self._take(identifier, frame.data)

    def _take(self, identifier: Identifier, data: bytes) -> None:
        module = self._modules.get(identifier.source)
        if module is None:
            return
        module.heard()
        if self._answer and not self._answer.done() and self._awaited == (identifier.source, identifier.command):
            self._answer.set_result((identifier.error, data))

    async def send(self, device: int, destination: int, command: int, data: bytes) -> None:
        """A frame nobody waits for, in the order of the calls."""
        await self._bus.send(Identifier(command, destination, self._controller, device).encode(), data)

    async def ask(self, module: Module, command: int = READ_STATUS, patience_s: float = ANSWER_S) -> bytes | None:
        """The payload of the answer. None when there is none or the module refuses: then `module.trouble` says why."""
        asked_at = time.monotonic()
        answer = await self._exchange(module, command, NOTHING, patience_s)
        if answer is None:
            module.missed(asked_at)
            return None
        module.error, data = answer
        module.trouble = _refusal(command, module.error)
        return None if module.trouble else data

    async def tell(self, module: Module, command: int, data: bytes) -> None:
        """A set command. What the module has against it stands in `module.refusal`."""
        answer = await self._exchange(module, command, data, ACKNOWLEDGE_S)
        module.refusal = _refusal(command, answer[0]) if answer else ""

    async def _exchange(self, module: Module, command: int, data: bytes, patience_s: float) -> tuple[int, bytes] | None:
        async with self._one:
            self._awaited = (module.address, command)
            self._answer = asyncio.get_running_loop().create_future()
            try:
                await self.send(ONE, module.address, command, data)
                async with asyncio.timeout(patience_s):
                    return await self._answer
            except TimeoutError:
                return None
            finally:
                self._awaited = self._answer = None


def _refusal(command: int, error: int) -> str:
    if error == OK:
        return ""
    if error == STARTING:
        return "is starting"
    return f"refuses command 0x{command:02X}: {ERRORS.get(error, f'error code {error}')}"
