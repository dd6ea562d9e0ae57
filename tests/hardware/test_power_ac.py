"""The order of pilot and contactor, whatever fails."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chargepointd.hardware import power_ac
from chargepointd.hardware.power_ac import AcPower
from hal.errors import DeviceFault, NotConnected
from hal.readings import PilotReading


class Outlet:
    """A pilot and a contactor; what was done to them, in order. A device in `dead` does not answer, a device in
    `hanging` answers when it is let go."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.dead: set[str] = set()
        self.hanging: dict[str, asyncio.Event] = {}
        self.changed = asyncio.Event()

    async def call(self, role: str, act: Callable[[Any], Awaitable[Any]]) -> Any:
        if role in self.hanging:
            await self.hanging[role].wait()
        if role in self.dead:
            self.note(f"{role} dead")
            raise NotConnected(f"{role} does not answer")
        return await act(self)

    def note(self, what: str) -> None:
        self.done.append(what)
        self.changed.set()

    async def offer(self, limit_a: float) -> None:
        self.note(f"offer {limit_a:g}")

    async def close(self) -> None:
        self.note("close")

    async def open(self) -> None:
        self.note("open")

    async def use(self, phases: int) -> None:
        self.note(f"use {phases}")

    # what the inputs are told
    def phases_switched(self, evse_id: int, phases: int) -> None:
        self.note(f"phases {phases}")

    def switched(self, evse_id: int, on: bool) -> None:
        self.note(f"power {'on' if on else 'off'}")

    def failed(self, evse_id: int, role: str, info: str) -> None:
        self.note(f"failed {role}")

    def works(self, evse_id: int, role: str) -> None:
        """Told after each success."""

    async def until(self, what: str, times: int = 1) -> None:
        async with asyncio.timeout(60):
            while self.done.count(what) < times:
                self.changed.clear()
                await self.changed.wait()


Story = Callable[[AcPower, Outlet], Awaitable[None]]


def run(story: Story, outlet_of: Callable[[], Outlet] = Outlet) -> list[str]:
    """What was done, in order."""

    async def main() -> list[str]:
        outlet = outlet_of()
        async with asyncio.TaskGroup() as tasks:
            power = AcPower(1, outlet.call, outlet, tasks)  # type: ignore[arg-type]
            life = tasks.create_task(power.run())
            await story(power, outlet)
            life.cancel()
        return outlet.done

    return asyncio.run(main())


def pilot(state: Any, power_on: bool | None = None) -> PilotReading:
    return PilotReading(0.0, state, power_on=power_on)


async def charge(power: AcPower, outlet: Outlet) -> None:
    power.pilot(pilot("B"))
    power.close(16.0)
    await outlet.until("offer 16")
    power.pilot(pilot("C"))
    await outlet.until("power on")


def test_the_contactor_closes_when_the_car_asks_and_not_before() -> None:
    assert run(charge)[:3] == ["offer 16", "close", "power on"]


def test_it_opens_when_the_car_no_longer_asks_and_closes_again() -> None:
    async def story(power: AcPower, outlet: Outlet) -> None:
        await charge(power, outlet)
        power.pilot(pilot("B"))
        await outlet.until("power off")
        power.pilot(pilot("C"))
        await outlet.until("power on", 2)

    assert run(story) == ["offer 16", "close", "power on", "open", "power off", "close", "power on"]


def test_an_ordinary_end_withdraws_the_offer_and_waits_for_the_car() -> None:
    async def story(power: AcPower, outlet: Outlet) -> None:
        await charge(power, outlet)
        power.open(urgent=False)
        await outlet.until("offer 0")
        assert "open" not in outlet.done
        power.pilot(pilot("B"))
        await outlet.until("power off")

    assert run(story)[-3:] == ["offer 0", "open", "power off"]


def test_a_car_that_goes_on_drawing_is_opened_under_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power_ac, "YIELD_S", 0.05)

    async def story(power: AcPower, outlet: Outlet) -> None:
        await charge(power, outlet)
        power.open(urgent=False)
        await outlet.until("power off")

    assert run(story)[-3:] == ["offer 0", "open", "power off"]


def test_a_lower_limit_is_offered_and_a_closing_is_not_made_of_it() -> None:
    async def story(power: AcPower, outlet: Outlet) -> None:
        power.pilot(pilot("B"))
        power.lower(10.0, 0.0)  # nothing is offered: it says nothing
        await charge(power, outlet)
        power.lower(10.0, 0.0)
        await outlet.until("offer 10")
        power.lower(13.0, 0.0)
        power.close(16.0)
        await outlet.until("offer 16", 2)

    assert run(story) == ["offer 16", "close", "power on", "offer 10", "offer 16"]


def test_phases_are_switched_without_offer_and_load_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power_ac, "PHASE_PAUSE_S", 0.05)

    async def story(power: AcPower, outlet: Outlet) -> None:
        power.pilot(pilot("B"))
        power.close(16.0, phases=3)
        await outlet.until("offer 16")
        power.pilot(pilot("C"))
        await outlet.until("power on")
        power.close(10.0, phases=1)
        await outlet.until("offer 0")
        assert "open" not in outlet.done  # the car has its time
        power.pilot(pilot("B"))
        await outlet.until("offer 10")
        power.pilot(pilot("C"))
        await outlet.until("power on", 2)

    assert run(story) == [
        "use 3", "phases 3", "offer 16", "close", "power on",
        "offer 0", "open", "power off", "use 1", "phases 1", "offer 10", "close", "power on",
    ]  # fmt: skip


def test_phases_are_switched_after_the_pause_whoever_made_it_dark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power_ac, "PHASE_PAUSE_S", 60.0)

    async def story(power: AcPower, outlet: Outlet) -> None:
        power.pilot(pilot("B"))
        power.close(16.0, phases=3)
        await outlet.until("offer 16")
        power.open(urgent=False)
        await outlet.until("offer 0")
        power.close(10.0, phases=1)
        for _ in range(20):
            await asyncio.sleep(0)

    assert "use 1" not in run(story)


def test_an_end_during_the_pause_switches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power_ac, "PHASE_PAUSE_S", 60.0)

    async def story(power: AcPower, outlet: Outlet) -> None:
        power.pilot(pilot("B"))
        power.close(16.0, phases=3)
        await outlet.until("offer 16")
        power.close(10.0, phases=1)
        await outlet.until("open")
        power.open(urgent=False)
        power.close(16.0, phases=3)
        await outlet.until("offer 16", 2)

    assert run(story)[-3:] == ["open", "power off", "offer 16"]


def test_a_phase_switch_that_fails_is_told_and_nothing_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power_ac, "RETRY_S", 0.01)

    async def story(power: AcPower, outlet: Outlet) -> None:
        outlet.dead.add("phase_switch")
        power.pilot(pilot("B"))
        power.close(16.0, phases=1)
        await outlet.until("failed phase_switch", 2)
        assert "offer 16" not in outlet.done
        outlet.dead.clear()
        await outlet.until("offer 16")

    assert run(story)[-3:] == ["use 1", "phases 1", "offer 16"]


def test_an_urgent_end_waits_for_nothing() -> None:
    async def story(power: AcPower, outlet: Outlet) -> None:
        await charge(power, outlet)
        outlet.hanging["pilot"] = asyncio.Event()
        power.close(10.0)  # an offer that hangs
        await asyncio.sleep(0)
        power.open(urgent=True)
        await outlet.until("open")
        outlet.hanging["pilot"].set()

    assert "open" in run(story)


def test_a_dead_pilot_does_not_keep_the_contactor_closed() -> None:
    async def story(power: AcPower, outlet: Outlet) -> None:
        await charge(power, outlet)
        outlet.dead.add("pilot")
        power.open(urgent=False)
        await outlet.until("power off")

    assert run(story)[:6] == ["offer 16", "close", "power on", "pilot dead", "open", "power off"]


def test_a_contactor_that_does_not_open_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power_ac, "RETRY_S", 0.01)

    async def story(power: AcPower, outlet: Outlet) -> None:
        await charge(power, outlet)
        outlet.dead.add("contactor")
        power.open(urgent=True)
        await outlet.until("contactor dead", 3)
        outlet.dead.clear()
        await outlet.until("power off")

    done = run(story)
    assert "failed contactor" in done
    assert done.index("failed contactor") < done.index("open")


def test_a_close_that_is_overtaken_by_an_urgent_open_ends_open() -> None:
    async def story(power: AcPower, outlet: Outlet) -> None:
        power.pilot(pilot("B"))
        power.close(16.0)
        await outlet.until("offer 16")
        outlet.hanging["contactor"] = asyncio.Event()
        power.pilot(pilot("C"))
        await asyncio.sleep(0)
        power.open(urgent=True)
        outlet.hanging["contactor"].set()
        await outlet.until("offer 0")
        await outlet.until("power off")

    done = run(story)
    assert "power on" not in done
    assert "close" not in done or done.index("close") < len(done) - 1 - done[::-1].index("open")


def test_a_board_that_switches_itself_is_given_the_permission_with_the_offer() -> None:
    async def story(power: AcPower, outlet: Outlet) -> None:
        power.pilot(pilot("B", power_on=False))
        power.close(16.0)
        await outlet.until("close")

    assert run(story) == ["offer 16", "close"]


def test_after_a_driver_came_back_it_is_offered_and_closed_anew() -> None:
    async def story(power: AcPower, outlet: Outlet) -> None:
        await charge(power, outlet)
        power.reopened("pilot")
        power.reopened("contactor")
        await outlet.until("close", 2)

    assert run(story)[-3:] == ["offer 16", "close", "power on"]


def test_a_contactor_stays_known_as_closed_when_only_the_pilots_driver_came_back() -> None:
    async def story(power: AcPower, outlet: Outlet) -> None:
        await charge(power, outlet)
        power.reopened("pilot")
        power.open(urgent=False)
        power.pilot(pilot("B"))
        await outlet.until("power off")

    assert run(story)[-3:] == ["offer 0", "open", "power off"]


class Stiff(Outlet):
    """Its contactor opens but does not close, and the station does as it is told: it opens on a fault, and closes when
    there is none."""

    power: AcPower

    async def close(self) -> None:
        self.note("close")
        assert self.done.count("close") <= 2, "again and again"
        raise DeviceFault("stuck open")

    def failed(self, evse_id: int, role: str, info: str) -> None:
        super().failed(evse_id, role, info)
        self.power.open(urgent=True)

    def works(self, evse_id: int, role: str, info: str = "") -> None:
        self.note(f"works {info}")
        self.power.close(16.0)


def test_a_contactor_that_does_not_close_is_not_told_to_without_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time would be two records of the transaction, and a blow to the contactor."""
    monkeypatch.setattr(power_ac, "RETRY_S", 0.01)
    monkeypatch.setattr(power_ac, "REST_S", 0.2)

    async def story(power: AcPower, outlet: Outlet) -> None:
        assert isinstance(outlet, Stiff)
        outlet.power = power
        power.pilot(pilot("C"))
        power.close(16.0)
        await outlet.until("close", 2)

    done = run(story, Stiff)
    first, second = [at for at, what in enumerate(done) if what == "close"]
    assert done[first:second].count("open") >= 1
    assert [what for what in done[:second] if what.startswith("works")] == ["works stuck open"]
