"""What a driver is, and what it is given.

A driver is a value, not a class to inherit from:

    class Config(NamedTuple):
        port: str
        baud: int = 9600

    @asynccontextmanager
    async def open_meter(config: Config, site: Site) -> AsyncIterator[Mapping[str, Device]]:
        async with SerialStream(config.port, config.baud) as stream:
            yield {"meter": MyMeter(stream)}

    DRIVER = Driver("my-meter", Config, open_meter)

and a line in the package's pyproject.toml: `[project.entry-points."chargepointd.drivers"] my-meter = "my_pkg:DRIVER"`.

The contract (`hal.testing` checks it):
- Entering the context reaches the device or raises `NotConnected` (worth trying again), `BadConfig` (a person must act)
  or `DeviceFault`. It does not switch anything on: contactors are open and supplies off when it yields.
- While it is open a background task may raise; that ends the context (use `asyncio.TaskGroup`), and the supervisor
  makes safe, reports and opens again.
- Leaving it puts what moves power into its safe state first, within 2 s, and gives every port back.
- A device never answers from memory: a value is fresh or the call raises.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, NamedTuple

from hal.devices import Device


class Site(NamedTuple):
    """Where an open driver stands."""

    name: str
    """the name of its section in the configuration: [drivers.NAME]"""
    state_dir: Path
    """a directory that survives power cuts, for the few drivers that need one; shared: put the name into file names"""


class Driver(NamedTuple):
    name: str
    """as in the configuration: driver = "modbus-meter" """
    config: type[Any]
    """a NamedTuple or dataclass; `hal.config.parse` fills it from the TOML table"""
    open: Callable[[Any, Site], AbstractAsyncContextManager[Mapping[str, Device]]]
    """open(config, site): the devices by name, for as long as the context lives"""
    measures: Callable[[Any], frozenset[str]] | None = None
    """measures(config): the fields of MeterReading that its meters tell, at most. None: nobody knows before they are
    asked, so any. A station offers its CSMS no measurand that no meter has"""
    wraps_at_wh: Callable[[Any], float | None] | None = None
    """wraps_at_wh(config): where the registers of its meters begin again at 0; None: nobody knows, so a register that
    goes back is taken for that of another meter"""
    token_kinds: tuple[str, ...] = ()
    """the kinds of TokenReading that its readers give"""
    senses_plugs: bool = True
    """its pilots tell of a plug in a socket (PilotReading.plug). False: none of their sockets can be kept shut"""
