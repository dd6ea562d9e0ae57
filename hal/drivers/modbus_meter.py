"""Energy meters on Modbus, RTU or TCP; which ones: `hal.drivers.meter_tables`.

    [drivers.meter]
    driver = "modbus-meter"
    model = "sdm630"
    port = "/dev/ttyS1"                 # or host = "10.0.0.5"
    units = {meter1 = 1, meter2 = 2}    # device name = unit id: meter.meter1, meter.meter2

One section is one bus with meters of one model. A meter that is silent does not disturb the others: only its own
`read` raises NotConnected. When all are silent the driver does not open.
"""

import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple

from hal.buses.modbus import ModbusBus, Refused, SerialLine, TcpLine
from hal.buses.registers import Block, Register, Value, plan
from hal.buses.serial import Parity
from hal.devices import Device
from hal.driver import Driver, Site
from hal.drivers.meter_tables import MODELS, Model, ModelName
from hal.errors import BadConfig, DeviceFault, NotConnected
from hal.readings import MeterReading, Phases

log = logging.getLogger(__name__)
_Values = dict[tuple[str, int], Value]
_NO_SUCH_REGISTER = (1, 2, 3)


class Config(NamedTuple):
    model: ModelName
    port: str = ""
    """the serial port; either this or host"""
    host: str = ""
    """a meter with Modbus TCP, or a gateway that speaks it"""
    tcp_port: int = 502
    units: dict[str, int] = {"meter": 1}
    """device name to unit id"""
    baud: int | None = None
    """this and parity: None is the model's delivery state"""
    parity: Parity | None = None
    stop_bits: Literal[1, 2] = 1
    timeout_s: float = 0.5
    retries: int = 2
    gap_s: float | None = None
    """silence between an answer and the next request; None is what the model needs"""
    invert: bool = False
    """the meters are wired upside down: import and export change places, power changes its sign"""
    wraps_at_kwh: float | None = None
    """where the register begins again at 0; None: not known, so a register that goes back is that of another meter"""
    check_identity: bool = True
    """refuse a meter that says it is of another model"""


class ModbusMeter:
    def __init__(self, bus: ModbusBus, unit: int, model: Model, *, invert: bool, check_identity: bool) -> None:
        self._bus = bus
        self._unit = unit
        self._model = model
        self._invert = invert
        self._blocks = plan(model.registers, model.max_registers)
        self._refused: set[Block] = set()
        self._to_check = model.identity if check_identity else None

    async def check(self) -> None:
        """Reach the meter and see that it is of the model configured: NotConnected, BadConfig, DeviceFault.

        Asks only once: the time to open a driver is limited, and a bus with many silent meters must not use it up.
        """
        if self._to_check is None:
            first = self._blocks[0]
            await self._bus.read(self._unit, first.function, first.address, first.size, repeat=False)
            return
        found = str(await self._one(self._to_check.register, repeat=False))
        if found not in self._to_check.accepted:
            raise BadConfig(
                f"{self._bus.line}: unit {self._unit} says it is model {found!r}, not one of {self._model.make} "
                f"({', '.join(sorted(self._to_check.accepted))}); correct the key model or set check_identity = false"
            )
        self._to_check = None

    async def read(self) -> MeterReading:
        """One fresh reading; `taken_at` is when the first of its answers was in, so that its age is never too small.

        NotConnected when the meter is silent, DeviceFault when it refuses a register that the model has.
        """
        await self._check_late()
        values: _Values = {}
        taken_at = None
        for block in self._blocks:
            values.update(await self._values(block))
            taken_at = taken_at or time.monotonic()
        return reading(values, taken_at or time.monotonic(), self._invert)

    async def _check_late(self) -> None:
        """A meter that was silent when the driver opened tells now what it is."""
        if self._to_check is not None:
            try:
                await self.check()
            except BadConfig as error:
                raise DeviceFault(str(error)) from error

    async def identity(self) -> str:
        """The serial number as printed on the meter; empty when the model does not tell it."""
        register = self._model.serial_number
        if register is None:
            return ""
        value = await self._one(register)
        return "" if value is None else str(value)

    async def _values(self, block: Block) -> Mapping[tuple[str, int], Value]:
        if block in self._refused:
            return {}
        try:
            words = await self._bus.read(self._unit, block.function, block.address, block.size)
        except Refused as refusal:
            if not block.optional or refusal.code not in _NO_SUCH_REGISTER:
                raise
            log.info("unit %d: has no %s", self._unit, ", ".join(sorted({r.target for r in block.registers} - {""})))
            self._refused.add(block)
            return {}
        return block.values(words)

    async def _one(self, register: Register, repeat: bool = True) -> Value:
        (block,) = plan((register,), self._model.max_registers)
        words = await self._bus.read(self._unit, block.function, block.address, block.size, repeat=repeat)
        return block.values(words)[register.target, register.phase]


def reading(values: _Values, taken_at: float, invert: bool) -> MeterReading:
    """What the registers say. Currents are magnitudes, as most meters tell them: the direction is that of the power."""
    imported, exported = _number(values, "energy_import_wh"), _number(values, "energy_export_wh")
    power = _number(values, "power_w")
    phases = _phases(values, "power_phases_w")
    if phases == (None, None, None) and _number(values, "voltage_v", 2) is None:
        phases = (power, None, None)  # single-phase meters of a three-phase family leave the phases out
    if invert:
        imported, exported = exported, imported
        power, phases = _negated(power), (_negated(phases[0]), _negated(phases[1]), _negated(phases[2]))
    amps = _phases(values, "current_a")
    return MeterReading(
        taken_at=taken_at,
        energy_import_wh=imported,
        energy_export_wh=exported,
        power_w=power,
        current_a=(_magnitude(amps[0]), _magnitude(amps[1]), _magnitude(amps[2])),
        voltage_v=_phases(values, "voltage_v"),
        power_phases_w=phases,
        frequency_hz=_number(values, "frequency_hz"),
        power_factor=_number(values, "power_factor"),
    )


def _number(values: _Values, target: str, phase: int = 0) -> float | None:
    value = values.get((target, phase))
    return None if value is None else float(value)


def _phases(values: _Values, target: str) -> Phases:
    return _number(values, target, 1), _number(values, target, 2), _number(values, target, 3)


def _negated(value: float | None) -> float | None:
    return None if value is None else 0.0 - value


def _magnitude(value: float | None) -> float | None:
    return None if value is None else abs(value)


@asynccontextmanager
async def open_meters(config: Config, site: Site) -> AsyncIterator[Mapping[str, Device]]:
    """The meters by the names in `units`. NotConnected when the port is not there or no meter answers."""
    check_config(config, f"drivers.{site.name}")
    model = MODELS[config.model]
    gap_s = model.gap_s if config.gap_s is None else config.gap_s
    line = line_of(config)
    async with ModbusBus(line, timeout_s=config.timeout_s, retries=config.retries, gap_s=gap_s) as bus:
        meters = {
            name: ModbusMeter(bus, unit, model, invert=config.invert, check_identity=config.check_identity)
            for name, unit in config.units.items()
        }
        await _reach(meters)
        yield meters


async def _reach(meters: Mapping[str, ModbusMeter]) -> None:
    """One meter that works is enough; what the others lack shows when they are read."""
    failures: list[NotConnected | DeviceFault] = []
    for meter in meters.values():
        try:
            await meter.check()
        except (NotConnected, DeviceFault) as error:
            failures.append(error)
    if len(failures) == len(meters):
        # Silence may pass by itself: only when nobody is silent it is a fault.
        raise next((e for e in failures if isinstance(e, NotConnected)), failures[0])


def line_of(config: Config) -> SerialLine | TcpLine:
    if config.host:
        return TcpLine(config.host, config.tcp_port)
    model = MODELS[config.model]
    return SerialLine(config.port, config.baud or model.baud, config.parity or model.parity, config.stop_bits)


def check_config(config: Config, where: str) -> None:
    """BadConfig with a line for each key that cannot be."""
    problems = list(_problems(config))
    if problems:
        raise BadConfig("\n".join(f"{where}.{problem}" for problem in problems))


def _problems(config: Config) -> list[str]:
    problems = []
    if bool(config.port) == bool(config.host):
        found = "both" if config.port else "neither"
        problems.append(
            f'port: expected either port, such as "/dev/ttyS1", or host, such as "10.0.0.5"; {found} is given'
        )
    if not config.units:
        problems.append("units: expected at least one device, such as {meter = 1}")
    top = 255 if config.host else 247
    for name, unit in config.units.items():
        if not 1 <= unit <= top:
            problems.append(f"units.{name}: expected a unit id from 1 to {top}, got {unit}")
    if len(set(config.units.values())) < len(config.units):
        problems.append("units: two devices have the same unit id")
    if config.baud is not None and config.baud < 1:
        problems.append(f"baud: expected a rate such as 9600, got {config.baud}")
    if not 1 <= config.tcp_port <= 65535:
        problems.append(f"tcp_port: expected 1 to 65535, got {config.tcp_port}")
    if not 0 < config.timeout_s <= 60:
        problems.append(f"timeout_s: expected more than 0 and at most 60, got {config.timeout_s}")
    if not 0 <= config.retries <= 10:
        problems.append(f"retries: expected 0 to 10, got {config.retries}")
    if config.gap_s is not None and not 0 <= config.gap_s <= 10:
        problems.append(f"gap_s: expected 0 to 10, got {config.gap_s}")
    if config.wraps_at_kwh is not None and config.wraps_at_kwh <= 0:
        problems.append(f"wraps_at_kwh: expected more than 0, such as 100000.0, got {config.wraps_at_kwh}")
    return problems


def _measures(config: Config) -> frozenset[str]:
    return frozenset(register.target for register in MODELS[config.model].registers if register.target)


def _wraps_at_wh(config: Config) -> float | None:
    return None if config.wraps_at_kwh is None else config.wraps_at_kwh * 1000


DRIVER = Driver("modbus-meter", Config, open_meters, _measures, _wraps_at_wh)
