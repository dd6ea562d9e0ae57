"""The contract holds for the simulator, and finds what a careless driver does."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from hal.driver import Driver, Site
from hal.drivers.simulator import DRIVER
from hal.errors import BadConfig, DeviceFault, NotConnected
from hal.readings import ContactReading, DcCapability, DcReading, MeterReading, PilotReading
from hal.testing.contracts import ContractBroken, Patience, check_driver

SHORT = Patience(open_s=0.3, call_s=0.1, leave_s=0.1)


@pytest.mark.parametrize("supply", ["AC", "DC"])
@pytest.mark.parametrize("may_switch", [False, True])
def test_the_simulator_keeps_the_contract(tmp_path, supply, may_switch):
    table = {"evses": 2, "connectors": 2, "supply": supply}
    asyncio.run(check_driver(DRIVER, table, Site("sim", tmp_path), may_switch=may_switch))


class Config(NamedTuple):
    wrong: str = ""


class Meter:
    def __init__(self, wrong: str) -> None:
        self.wrong = wrong
        self.register_wh = 1000.0
        self.made_at = time.monotonic()
        self.open = True

    async def read(self) -> MeterReading:
        if not self.open and self.wrong != "remembers":
            raise NotConnected("closed")
        if self.wrong == "never answers":
            await asyncio.Event().wait()
        self.register_wh += -1 if self.wrong == "register falls" else 1
        taken_at = self.made_at if self.wrong == "old readings" else time.monotonic()
        energy_wh = None if self.wrong == "knows nothing" else self.register_wh
        return MeterReading(taken_at, energy_wh)


class Pilot:
    def __init__(self, wrong: str) -> None:
        self.wrong = wrong

    async def watch(self) -> AsyncIterator[PilotReading]:
        if self.wrong == "silent watch":
            await asyncio.Event().wait()
        yield PilotReading(time.monotonic(), "A", power_on=self.wrong == "power on")

    async def offer(self, limit_a: float) -> None:
        if limit_a and limit_a < 6 and self.wrong != "offers 3 A":
            raise ValueError("6 A at least")


class Supply:
    def __init__(self, wrong: str) -> None:
        self.is_on = False
        self.open = True
        self.wrong = wrong

    async def read(self) -> DcReading:
        if not self.open:
            raise NotConnected("closed")
        return DcReading(time.monotonic(), 0.0, 0.0, self.is_on)

    async def capability(self) -> DcCapability:
        return DcCapability(1000, 150, 100, 30_000)

    async def set(self, voltage_v: float, current_a: float) -> None: ...

    async def on(self) -> None:
        self.is_on = True

    async def off(self) -> None:
        if self.wrong == "off fails":
            raise NotConnected("off")
        self.is_on = False


class Phases:
    def __init__(self, wrong: str) -> None:
        self.wrong = wrong

    async def use(self, phases: int) -> None:
        if phases == 1 and self.wrong == "no single phase":
            raise DeviceFault("stuck")
        if phases not in (1, 3) and self.wrong != "uses 2 phases":
            raise ValueError("1 or 3")


class Lamp:
    def __init__(self, wrong: str) -> None:
        self.wrong = wrong

    async def indicate(self, colour: str, blink: bool, intensity_percent: int) -> None:
        if self.wrong == "dark":
            raise DeviceFault("burnt out")
        if colour == "pink" and self.wrong != "pink lamp":
            raise ValueError("colour")
        if intensity_percent > 100 and self.wrong != "too bright":
            raise ValueError("intensity_percent")

    async def signal(self, colour: str, times: int, intensity_percent: int) -> None:
        if self.wrong == "counts aloud":
            await asyncio.Event().wait()


class Contact:
    def __init__(self, wrong: str) -> None:
        self.wrong = wrong

    async def watch(self) -> AsyncIterator[ContactReading]:
        if self.wrong == "silent contact":
            await asyncio.Event().wait()
        yield ContactReading(time.monotonic(), True)


SHARED: dict[str, Any] = {}


@asynccontextmanager
async def open_careless(config: Config, site: Site) -> AsyncIterator[Mapping[str, Any]]:
    wrong = config.wrong
    if wrong == "opens slowly":
        await asyncio.Event().wait()
    if wrong == "no device":
        yield {}
        return
    meter, supply = Meter(wrong), SHARED.setdefault(str(site.state_dir), Supply(wrong))
    supply.open = True
    task = None
    if wrong == "leaves a task":
        task = asyncio.create_task(asyncio.Event().wait(), name="forgotten")
    try:
        odd = {"odd-one": 1} if wrong == "odd" else {}
        others = {"phases": Phases(wrong), "contact": Contact(wrong), "lamp": Lamp(wrong)}
        yield {"meter": meter, "pilot": Pilot(wrong), "supply": supply, **others, **odd}
    except BaseException:
        if wrong != "swallows":
            raise
    finally:
        SHARED["task"] = task
        meter.open = supply.open = False
        if wrong != "stays on":
            supply.is_on = False
        if wrong == "leaves slowly":
            await asyncio.Event().wait()


def check(wrong: str, tmp_path: Any, driver: Driver = Driver("careless", Config, open_careless)) -> None:  # noqa: B008
    asyncio.run(check_driver(driver, {"wrong": wrong}, Site("it", tmp_path), may_switch=True, patience=SHORT))


def test_a_driver_without_fault_passes(tmp_path):
    check("", tmp_path)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("never answers", "meter: cannot be read: TimeoutError"),
        ("register falls", "meter: the register fell from 999.0 to 998.0 Wh"),
        ("old readings", "meter: taken_at is not the moment of the reading"),
        ("knows nothing", "meter: a meter that knows neither energy"),
        ("remembers", "meter: still gives readings after its driver was left"),
        ("silent watch", r"pilot: watch\(\) does not yield the present state at once"),
        ("power on", "pilot: the power is on when the driver is opened"),
        ("offers 3 A", "pilot: an offer of 3 A must raise ValueError"),
        ("no single phase", "phases: 1 of the phases cannot be used: DeviceFault stuck"),
        ("uses 2 phases", "phases: to use 2 phases must raise ValueError"),
        ("silent contact", r"contact: watch\(\) does not yield the present state at once"),
        ("dark", "lamp: cannot be lit: DeviceFault burnt out"),
        ("counts aloud", "lamp: cannot be lit: TimeoutError"),
        ("pink lamp", "lamp: pink at 50 % must raise ValueError"),
        ("too bright", "lamp: green at 101 % must raise ValueError"),
        ("off fails", "supply: the safe state is not reached at any time: NotConnected"),
        ("stays on", "supply: the supply is on when the driver is opened"),
        ("leaves slowly", r"leaving takes more than 0\.1 s"),
        ("opens slowly", r"opening takes more than 0\.3 s"),
        ("leaves a task", "tasks are left behind: forgotten"),
        ("no device", "no device is yielded"),
        ("odd", "'odd-one': a device name of letters"),
        ("odd", "odd-one: satisfies none of the protocols"),
        ("swallows", "leaving swallows CancelledError"),
    ],
)
def test_what_a_careless_driver_does_is_found(tmp_path, wrong, told):
    with pytest.raises(ContractBroken, match=told):
        check(wrong, tmp_path)


def test_a_wrong_configuration_passes_through(tmp_path):
    with pytest.raises(BadConfig, match=r"drivers\.it\.wrong: expected a text, got 3"):
        asyncio.run(check_driver(Driver("careless", Config, open_careless), {"wrong": 3}, Site("it", tmp_path)))


def test_what_open_raises_passes_through(tmp_path):
    @asynccontextmanager
    async def absent(config: Config, site: Site) -> AsyncIterator[Mapping[str, Any]]:
        raise NotConnected("no such port")
        yield {}

    with pytest.raises(NotConnected, match="no such port"):
        check("", tmp_path, Driver("absent", Config, absent))
