"""The order of supply, vehicle and contactor, whatever fails."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chargepointd.hardware import power_dc
from chargepointd.hardware.power_dc import DcPower
from hal.errors import DeviceFault, NotConnected
from hal.readings import DcReading, VehicleReading

CAR = VehicleReading(0.0, connected=True, wants_energy=True, target_voltage_v=400.0, target_current_a=200.0)


class Output:
    """A supply, a vehicle's link and a contactor; what was done to them, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.dead: set[str] = set()
        self.failing: set[str] = set()
        self.hanging: set[str] = set()
        self.volts: float | None = None
        """None: what is set"""
        self.fault = ""
        self.faults: dict[str, str] = {}
        """what is told of each role, by its text"""
        self.set_to = (0.0, 0.0)
        self.changed = asyncio.Event()

    async def call(self, role: str, act: Callable[[Any], Awaitable[Any]]) -> Any:
        if role in self.hanging:
            await asyncio.Event().wait()
        if role in self.dead:
            raise NotConnected(f"{role} does not answer")
        return await act(_As(self, role))

    def note(self, what: str) -> None:
        self.done.append(what)
        self.changed.set()

    # what the inputs are told
    def switched(self, evse_id: int, on: bool) -> None:
        self.note(f"power {'on' if on else 'off'}")

    def failed(self, evse_id: int, role: str, info: str) -> None:
        self.faults[role] = info
        self.note(f"failed {role}")

    def works(self, evse_id: int, role: str, info: str = "") -> None:
        if role in self.faults and info in ("", self.faults[role]):
            del self.faults[role]
            self.note(f"works {role}")

    async def until(self, what: str, times: int = 1) -> None:
        async with asyncio.timeout(60):
            while self.done.count(what) < times:
                self.changed.clear()
                await self.changed.wait()


class _As:
    """The device in one role."""

    def __init__(self, output: Output, role: str) -> None:
        self._output, self._role = output, role

    async def set(self, voltage_v: float, current_a: float) -> None:
        if self._output.set_to != (voltage_v, current_a):
            self._output.set_to = (voltage_v, current_a)
            self._output.note(f"set {voltage_v:g} V {current_a:g} A")

    async def on(self) -> None:
        self._output.note("supply on")

    async def off(self) -> None:
        if "off" in self._output.failing:
            raise DeviceFault("it stays on")
        self._output.note("supply off")

    async def read(self) -> DcReading:
        output = self._output
        volts = output.set_to[0] if output.volts is None else output.volts
        return DcReading(0.0, volts, 10.0, on=True, fault=output.fault)

    async def present(self, voltage_v: float, current_a: float) -> None:
        """What the vehicle is told changes nothing here."""

    async def stop(self) -> None:
        self._output.note("vehicle stop")

    async def close(self) -> None:
        self._output.note("close")

    async def open(self) -> None:
        self._output.note("open")


Story = Callable[[DcPower, Output], Awaitable[None]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power_dc, "CYCLE_S", 0.02)
    monkeypatch.setattr(power_dc, "RETRY_S", 0.02)
    monkeypatch.setattr(power_dc, "PRECHARGE_S", 0.1)
    monkeypatch.setattr(power_dc, "REST_S", 0.2)


def run(story: Story) -> Output:
    async def main() -> Output:
        output = Output()
        async with asyncio.TaskGroup() as tasks:
            power = DcPower(1, output.call, output, tasks)  # type: ignore[arg-type]
            life = tasks.create_task(power.run())
            await story(power, output)
            life.cancel()
        return output

    return asyncio.run(main())


async def charge(power: DcPower, output: Output) -> None:
    power.vehicle(CAR)
    power.close(100.0, 50_000.0)
    await output.until("set 400 V 100 A")


def test_the_contactor_closes_on_a_precharged_output_and_opens_without_load() -> None:
    async def story(power: DcPower, output: Output) -> None:
        await charge(power, output)
        power.open(urgent=False)
        await output.until("power off")

    assert run(story).done == [
        "set 400 V 2 A", "supply on", "close", "power on", "set 400 V 100 A",
        "vehicle stop", "supply off", "open", "power off",
    ]  # fmt: skip


def test_the_set_point_follows_amperes_and_watts_and_the_vehicle() -> None:
    async def story(power: DcPower, output: Output) -> None:
        await charge(power, output)
        power.lower(60.0, 50_000.0)
        await output.until("set 400 V 60 A")
        power.lower(60.0, 20_000.0)
        await output.until("set 400 V 50 A")
        power.close(500.0, 400_000.0)
        await output.until("set 400 V 200 A")
        power.vehicle(CAR._replace(target_current_a=30.0))
        await output.until("set 400 V 30 A")
        assert "supply off" not in output.done

    run(story)


def test_nothing_is_switched_on_by_a_lower_limit() -> None:
    async def story(power: DcPower, output: Output) -> None:
        power.vehicle(CAR)
        power.lower(60.0, 20_000.0)
        await asyncio.sleep(0)
        await asyncio.sleep(0.05)

    assert run(story).done == []


def test_a_failed_precharge_is_told_and_can_be_tried_again_after_a_rest() -> None:
    """Nobody may charge while the fault stands: it must go by itself, or the outlet would be dead for ever."""

    async def story(power: DcPower, output: Output) -> None:
        output.volts = 0.0
        power.vehicle(CAR)
        power.close(100.0, 50_000.0)
        await output.until("failed supply")
        power.open(urgent=True)  # so the station does because of the fault
        output.volts = None
        await output.until("works supply")
        assert "close" not in output.done
        await charge(power, output)

    assert run(story).faults == {}


def test_a_supply_that_stays_on_is_told_until_it_is_off() -> None:
    async def story(power: DcPower, output: Output) -> None:
        await charge(power, output)
        output.failing.add("off")
        power.open(urgent=False)
        await output.until("failed supply", 12)  # longer than the rest
        assert "works supply" not in output.done
        output.failing.clear()
        await output.until("works supply")

    assert run(story).done[-1] == "works supply"


def test_a_fault_of_the_supply_ends_the_energy() -> None:
    async def story(power: DcPower, output: Output) -> None:
        await charge(power, output)
        output.fault = "over temperature"
        await output.until("failed supply")

    done = run(story).done
    assert done.index("open") < done.index("failed supply")


def test_a_silent_vehicle_ends_the_energy() -> None:
    async def story(power: DcPower, output: Output) -> None:
        await charge(power, output)
        output.dead.add("vehicle")
        await output.until("open")

    assert "supply off" in run(story).done


def test_the_end_of_the_process_waits_for_no_device_that_is_gone() -> None:
    async def story(power: DcPower, output: Output) -> None:
        await charge(power, output)
        output.dead |= {"vehicle", "supply", "contactor"}

    run(story)  # cancels, and would wait for ever


def test_an_urgent_end_waits_neither_for_the_vehicle_nor_for_the_supply() -> None:
    async def story(power: DcPower, output: Output) -> None:
        await charge(power, output)
        output.hanging.add("vehicle")
        output.failing.add("off")
        power.open(urgent=True)
        await output.until("open")

    run(story)
