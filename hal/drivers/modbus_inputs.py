"""Contacts at a Modbus I/O module, RTU or TCP: a grid operator's relay, a back-up supply that tells of a lost grid.

    [drivers.io]
    driver = "modbus-inputs"
    host = "10.0.0.6"                   # or port = "/dev/ttyS2"
    inputs = {relay = 0, grid = 1}      # device name = address of the discrete input: io.relay, io.grid

Each input is a device of its own, read every `poll_s` (function 2, or 1 for modules that have only coils). One that is
wired so that an open contact reads 1 is named in `inverted`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple

from hal.buses.modbus import ModbusBus, SerialLine, TcpLine
from hal.buses.serial import Parity
from hal.devices import Device
from hal.driver import Driver, Site
from hal.errors import BadConfig
from hal.readings import ContactReading


class Config(NamedTuple):
    inputs: dict[str, int]
    """device name to address, counted from 0"""
    port: str = ""
    """the serial port; either this or host"""
    host: str = ""
    tcp_port: int = 502
    unit: int = 1
    function: Literal[1, 2] = 2
    """2: discrete inputs, 1: coils"""
    inverted: tuple[str, ...] = ()
    """the devices whose contact is closed while the input reads 0"""
    baud: int = 9600
    parity: Parity = "N"
    stop_bits: Literal[1, 2] = 1
    poll_s: float = 0.25
    timeout_s: float = 0.5
    retries: int = 2


class _Contact:
    def __init__(self, bus: ModbusBus, config: Config, name: str) -> None:
        self._bus, self._config = bus, config
        self._address, self._inverted = config.inputs[name], name in config.inverted

    async def watch(self) -> AsyncIterator[ContactReading]:
        before = None
        while True:
            (bit,) = await self._bus.read(self._config.unit, self._config.function, self._address, 1)
            closed = bool(bit) is not self._inverted
            if closed is not before:
                yield ContactReading(time.monotonic(), closed)
            before = closed
            await asyncio.sleep(self._config.poll_s)


@asynccontextmanager
async def open_inputs(config: Config, site: Site) -> AsyncIterator[Mapping[str, Device]]:
    """NotConnected when the module does not answer, Refused (a DeviceFault) when it has no such input."""
    problems = _problems(config)
    if problems:
        raise BadConfig("\n".join(f"drivers.{site.name}.{problem}" for problem in problems))
    line: SerialLine | TcpLine = TcpLine(config.host, config.tcp_port)
    if config.port:
        line = SerialLine(config.port, config.baud, config.parity, config.stop_bits)
    async with ModbusBus(line, timeout_s=config.timeout_s, retries=config.retries) as bus:
        for address in config.inputs.values():
            await bus.read(config.unit, config.function, address, 1)
        yield {name: _Contact(bus, config, name) for name in config.inputs}


def _problems(config: Config) -> list[str]:
    problems = []
    if bool(config.port) == bool(config.host):
        found = "both" if config.port else "neither"
        problems.append(f'port: expected either port, such as "/dev/ttyS2", or host, such as "10.0.0.6"; {found} given')
    if not config.inputs:
        problems.append("inputs: expected at least one device, such as {relay = 0}")
    for name, address in config.inputs.items():
        if not 0 <= address <= 65535:
            problems.append(f"inputs.{name}: expected an address from 0 to 65535, got {address}")
    for name in config.inverted:
        if name not in config.inputs:
            problems.append(f'inverted: no input "{name}"; known: {", ".join(sorted(config.inputs)) or "none"}')
    if not 1 <= config.unit <= 255:
        problems.append(f"unit: expected 1 to 255, got {config.unit}")
    for key in ("poll_s", "timeout_s"):
        if not 0 < getattr(config, key) <= 60:
            problems.append(f"{key}: expected more than 0 and at most 60, got {getattr(config, key):g}")
    return problems


DRIVER = Driver("modbus-inputs", Config, open_inputs)
