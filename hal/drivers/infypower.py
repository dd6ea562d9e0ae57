"""DC power modules InfyPower REG/CEG on CAN (protocol V1.13): one or several in parallel as one supply.

Device `supply`: a DcSupply. The current is shared equally by the modules that answer.

Theory of operation. A module switches itself off when it hears nothing for 10 s; while the supply is on the set points
are therefore repeated more than once a second. While it is off nothing is sent but what a call asks for. A module that
does not answer for `lost_after_s` is told to switch off, left out, and the others take its share; it is looked for
every 5 s and taken in again. When none is left the context ends with NotConnected, so that the port is opened anew:
a serial CAN adapter that has lost its state looks just like modules without supply.

Sources: see `infypower_protocol`; the timing and the rule for faults are EVerest's.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple

from hal.buses.can import CanFilter, CanPort, open_can
from hal.devices import Device
from hal.driver import Driver, Site
from hal.drivers import infypower_protocol as infy
from hal.drivers.infypower_link import Link, Module
from hal.drivers.infypower_supply import Limits, Supply
from hal.errors import BadConfig, HalError, NotConnected

log = logging.getLogger(__name__)

LEAVE_S = 1.2


class Config(NamedTuple):
    interface: Literal["socketcan", "slcan", "udp_multicast"] = "socketcan"
    channel: str = "can0"
    bitrate: int = 125_000
    modules: int | tuple[int, ...] = 1
    """how many (then at the addresses 0, 1, ...), or the list of their addresses"""
    group: int | None = None
    """the group all of them and no others are in: switching off then takes one frame"""
    controller: int = infy.CONTROLLER
    pace_s: float = 0.05
    """s between two frames sent, 0.05 to 0.2 for real modules"""
    module_timeout_s: float = 10.0
    """s of silence after which a module switches itself off"""
    lost_after_s: float = 15.0
    """s; longer than module_timeout_s, or less capability is told than is delivered"""
    max_module_voltage_v: float | None = None
    max_module_current_a: float | None = None
    max_module_power_w: float | None = None
    udp_port: int = 43113
    tty_baud: int = 115_200
    settle_s: float = 2.0
    """s an slcan adapter needs after its port was opened; 0 for one that does not restart then"""


def _addresses(config: Config) -> tuple[int, ...]:
    return tuple(range(config.modules)) if isinstance(config.modules, int) else config.modules


def _check(config: Config, where: str) -> None:
    addresses = _addresses(config)
    known = range(infy.LAST_ADDRESS + 1)
    checks = {
        "modules: expected a number from 1 to 63 or a list of different addresses from 0 to 62": bool(addresses)
        and len(set(addresses)) == len(addresses)
        and all(address in known for address in addresses),
        "group: expected 0 to 62": config.group is None or config.group in known,
        "controller: expected 0xF0 to 0xF8": 0xF0 <= config.controller <= 0xF8,
        "pace_s: expected 0 to 0.2": 0 <= config.pace_s <= 0.2,
        "lost_after_s: must be longer than module_timeout_s": config.lost_after_s > config.module_timeout_s,
    }
    wrong = [f"{where}.{text}" for text, right in checks.items() if not right]
    if wrong:
        raise BadConfig("\n".join(wrong))


def _limits(config: Config) -> Limits:
    return Limits(config.max_module_voltage_v, config.max_module_current_a, config.max_module_power_w)


def _port(config: Config) -> CanPort:
    return CanPort(
        interface=config.interface,
        channel=config.channel,
        bitrate=config.bitrate,
        pace_s=config.pace_s,
        udp_port=config.udp_port,
        tty_baud=config.tty_baud,
        settle_s=config.settle_s,
    )


@asynccontextmanager
async def open_supply(config: Config, site: Site) -> AsyncIterator[Mapping[str, Device]]:
    where = f"drivers.{site.name}"
    _check(config, where)
    modules = tuple(Module(address) for address in _addresses(config))
    port = _port(config)
    only_to_us = (CanFilter(config.controller << 8, 0xFF00),)
    try:
        async with open_can(port, where, only_to_us) as bus, asyncio.TaskGroup() as tasks:
            link = Link(bus, config.controller, modules)
            supply = Supply(link, modules, site.name, _limits(config), config.group, config.lost_after_s)
            listening = tasks.create_task(link.run(), name=f"{site.name} listens")
            try:
                await _started(supply, port)
                repeating = tasks.create_task(supply.run(), name=f"{site.name} repeats")
                try:
                    yield {"supply": supply}
                finally:
                    await _leave(supply, site.name)
                    repeating.cancel()
            finally:
                listening.cancel()
    except BaseExceptionGroup as group:
        # A lost port ends every task alike: then one of them tells. What the user of it raised stays as is.
        first = group.exceptions[0]
        if len(group.exceptions) == 1 or all(isinstance(error, NotConnected) for error in group.exceptions):
            raise first from first.__cause__
        raise


async def _started(supply: Supply, port: CanPort) -> None:
    try:
        await supply.start()
    except NotConnected as error:
        raise NotConnected(
            f"{port}: {error}; check the modules' AC supply and addresses, CAN-H and CAN-L, "
            f"120 ohm at both ends, 125 kbit/s; {port.check()}"
        ) from error


async def _leave(supply: Supply, name: str) -> None:
    try:
        async with asyncio.timeout(LEAVE_S):
            await supply.off()
    except (HalError, TimeoutError) as error:
        log.warning("%s: not seen off when leaving: %s", name, error or "no time")


DRIVER = Driver("infypower", Config, open_supply)
