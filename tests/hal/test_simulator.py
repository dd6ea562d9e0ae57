"""The simulated station: the physics by a moved clock, the driver by its devices and commands."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from hal.driver import Site
from hal.drivers.simulator import DRIVER, Config
from hal.drivers.simulator.controls import ERRORS
from hal.drivers.simulator.physics import Evse
from hal.errors import BadConfig, DeviceFault, NotConnected
from hal.readings import SignedReading
from hal.supervisor import DeviceHealth, Limits, Supervisor

PATIENCE_S = 30.0
AT_ONCE = Config(reaction_s=0.0)


# -- physics: a moved clock --------------------------------------------------------------------------------------------


def car_at(config: Config = Config(), offer_a: float = 16.0) -> Evse:  # noqa: B008 - a value
    """A car plugged in at 0 s, offered `offer_a`, the contactor closed."""
    evse = Evse(1, config, 0.0)
    evse.plug_in(1)
    evse.settle(0.0)
    evse.offer(1, offer_a)
    evse.settle(0.0)
    evse.close()
    evse.settle(0.0)
    return evse


def test_a_plugged_car_asks_a_second_after_it_is_offered_current():
    evse = car_at()
    assert evse.pilot_state(1) == "B"
    evse.advance(0.99)
    assert evse.pilot_state(1) == "B"
    evse.advance(1.0)
    assert evse.pilot_state(1) == "C"


def test_a_car_that_is_offered_nothing_does_not_ask():
    evse = car_at(offer_a=0.0)
    evse.advance(3600.0)
    assert evse.pilot_state(1) == "B" and evse.energy_wh == 0.0


def test_the_register_integrates_the_power_however_seldom_one_looks():
    seldom, often = car_at(), car_at()
    seldom.advance(3601.0)
    for second in range(3602):
        often.advance(float(second))
    assert seldom.energy_wh == pytest.approx(16 * 3 * 230)
    assert often.energy_wh == pytest.approx(seldom.energy_wh)


@pytest.mark.parametrize(
    ("config", "offer_a", "flows_a"),
    [
        (Config(), 32.0, 16.0),
        (Config(), 10.0, 10.0),
        (Config(car_current_a=32, cable_limit_a=20), 32.0, 20.0),
        (Config(car_current_a=32, cable_limit_a=63), 80.0, 32.0),
        (Config(car_current_a=32, car_power_w=6_900), 32.0, 10.0),
        (Config(phases=1), 16.0, 16.0),
    ],
)
def test_what_flows_is_the_least_of_offer_car_cable_and_station(config, offer_a, flows_a):
    evse = car_at(config, offer_a)
    evse.advance(1.0)
    reading = evse.meter(1.0)
    assert evse.current_a() == flows_a
    assert reading.power_w == flows_a * config.phases * 230
    assert reading.current_a == ((flows_a,) * 3 if config.phases == 3 else (flows_a, None, None))


def test_nothing_flows_without_contactor_cable_or_wish():
    for act in (Evse.open, Evse.plug_out, lambda evse: setattr(evse, "paused", True), lambda evse: evse.offer(1, 0.0)):
        evse = car_at()
        evse.advance(10.0)
        assert evse.power_w() > 0
        act(evse)
        evse.settle(10.0)
        assert evse.power_w() == 0


def test_a_car_that_is_paused_and_offered_again_needs_its_time_again():
    evse = car_at()
    evse.advance(10.0)
    evse.offer(1, 0.0)
    evse.settle(10.0)
    assert evse.pilot_state(1) == "B"
    evse.offer(1, 6.0)
    evse.settle(10.0)
    assert evse.due_at() == 11.0


def test_a_full_car_stops_by_itself():
    evse = car_at(Config(battery_wh=1000.0, soc_percent=50.0))
    evse.advance(3600.0)
    assert evse.energy_wh == pytest.approx(500.0)
    assert evse.pilot_state(1) == "B" and evse.soc_percent == 100


def test_a_dc_car_counts_percents():
    evse = Evse(1, Config(supply="DC", battery_wh=50_000.0, soc_percent=20.0), 0.0)
    evse.plug_in(1)
    evse.presented, evse.supply_on, evse.set_voltage_v, evse.set_current_a = True, True, 400.0, 125.0
    evse.close()
    evse.settle(0.0)
    evse.advance(1.0)
    assert evse.power_w() == 50_000.0
    assert evse.due_at() == pytest.approx(1.0 + 36.0)  # 1 % of 50 kWh at 50 kW
    evse.advance(1.0 + 36.0 * 10)
    assert evse.vehicle(361.0).soc_percent == 30.0
    evse.advance(100_000.0)
    assert evse.vehicle(100_000.0).soc_percent == 100.0
    assert evse.power_w() == 0.0


def test_an_idle_evse_is_never_due():
    assert Evse(1, Config(), 0.0).due_at() == float("inf")


# -- the driver --------------------------------------------------------------------------------------------------------


class Station:
    def __init__(self, devices: Any, path: Path) -> None:
        self.devices = devices
        self.register = path

    def __getattr__(self, name: str) -> Any:
        return self.devices[name]

    async def sim(self, method: str, **params: Any) -> Any:
        return await self.controls.call(f"sim.{method}", params)

    async def charge(self, n: int = 1) -> None:
        """A car at EVSE n, offered 16 A, the contactor closed, and energy flowing."""
        await self.sim("plug_in", evse=n)
        await self.devices[f"pilot{n}"].offer(16.0)
        await self.devices[f"contactor{n}"].close()
        await self.pilot_says(n, "C")

    async def pilot_says(self, n: int, state: str) -> Any:
        return await until(self.devices[f"pilot{n}"], lambda reading: reading.state == state)


async def until(device: Any, fits: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        async for reading in device.watch():
            if fits(reading):
                return reading
    raise AssertionError("the watch ended")


def station(
    tmp_path: Path, config: Config = AT_ONCE, name: str = "sim"
) -> Callable[[Callable[[Station], Awaitable[Any]]], Any]:
    """Run the decorated coroutine with the devices of an open simulator; the name becomes what it returns."""

    def run(tell: Callable[[Station], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            async with DRIVER.open(config, Site(name, tmp_path)) as devices:
                return await tell(Station(devices, tmp_path / f"sim-{name}.register"))

        return asyncio.run(main())

    return run


def test_a_visit_from_plug_in_to_leaving(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.charge()
        assert (await s.meter1.read()).power_w == 11_040.0
        assert (await s.pilot_says(1, "C")).power_on
        await s.sim("pause", evse=1)
        assert (await s.meter1.read()).power_w == 0.0
        await s.sim("resume", evse=1)
        await s.pilot_says(1, "C")
        await s.contactor1.open()
        await s.pilot1.offer(0.0)
        reading = await s.pilot_says(1, "B")
        assert reading.power_on is False and reading.cable_limit_a == 32.0
        await s.sim("plug_out", evse=1)
        await s.pilot_says(1, "A")


def test_one_phase_is_used_when_nothing_is_offered_and_the_meter_shows_it(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.charge()
        with pytest.raises(DeviceFault, match="under load"):
            await s.phases1.use(1)
        await s.pilot1.offer(0.0)
        with pytest.raises(DeviceFault, match="under load"):
            await s.phases1.use(1)  # the contactor is closed yet
        await s.contactor1.open()
        await s.phases1.use(1)
        await s.pilot1.offer(16.0)
        await s.contactor1.close()
        await s.pilot_says(1, "C")
        reading = await s.meter1.read()
        assert (reading.power_w, reading.current_a) == (3680.0, (16.0, 0.0, 0.0))


def test_a_contact_tells_its_changes_and_stays_as_it_is_without_power(tmp_path):
    @station(tmp_path)
    async def _(s):
        assert not (await until(s.contact1, lambda r: True)).closed
        await s.sim("contact", closed=True)
        assert (await until(s.contact1, lambda r: True)).closed
        assert not (await until(s.contact2, lambda r: True)).closed

    @station(tmp_path)
    async def _(s):
        assert (await until(s.contact1, lambda r: True)).closed
        with pytest.raises(ValueError, match="contact3"):
            await s.sim("contact", closed=True, device="contact3")


def test_the_meter_of_the_building_sees_building_and_cars(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.sim("site", current_a=5)
        assert (await s.site_meter.read()).current_a == (5.0, 5.0, 5.0)
        await s.charge()
        assert (await s.site_meter.read()).current_a == (21.0, 21.0, 21.0)
        await s.sim("site", dead=True)
        with pytest.raises(NotConnected):
            await s.site_meter.read()


def test_the_pilot_of_the_connector_tells_and_the_other_does_not(tmp_path):
    @station(tmp_path, Config(connectors=2))
    async def _(s):
        await s.sim("plug_in", evse=1, connector=2)
        assert (await until(s.pilot1_2, lambda r: True)).state == "B"
        assert (await until(s.pilot1, lambda r: True)).state == "A"


def test_watchers_get_each_change_once(tmp_path):
    @station(tmp_path)
    async def _(s):
        seen: list[str] = []
        watching = asyncio.Event()

        async def watch() -> None:
            async for reading in s.pilot1.watch():
                watching.set()
                seen.append(reading.state)
                if reading.state == "A" and len(seen) > 1:
                    return

        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
            tasks.create_task(watch())
            await watching.wait()
            await s.sim("plug_in", evse=1)
            await s.sim("meter", evse=1)
            await s.sim("plug_out", evse=1)
        assert seen == ["A", "B", "A"]


def test_dc_current_flows_with_contactor_and_supply(tmp_path):
    @station(tmp_path, Config(supply="DC", reaction_s=0.0))
    async def _(s):
        await s.sim("plug_in", evse=1)
        vehicle = await until(s.vehicle1, lambda r: r.connected)
        assert vehicle.soc_percent == 20.0 and not vehicle.wants_energy
        await s.vehicle1.present(0.0, 0.0)
        vehicle = await until(s.vehicle1, lambda r: r.wants_energy)
        await s.contactor1.close()
        await s.supply1.set(vehicle.target_voltage_v, 50.0)
        assert (await s.supply1.read()).current_a == 0.0
        await s.supply1.on()
        reading = await s.supply1.read()
        assert (reading.voltage_v, reading.current_a, reading.on) == (400.0, 50.0, True)
        meter = await s.meter1.read()
        assert (meter.power_w, meter.voltage_v, meter.current_a) == (
            20_000.0,
            (400.0, None, None),
            (50.0, None, None),
        )
        await s.vehicle1.stop()
        await until(s.vehicle1, lambda r: not r.wants_energy)
        assert (await s.supply1.read()).current_a == 0.0
        await s.supply1.off()


def test_a_locked_plug_cannot_be_pulled_without_force(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.sim("plug_in", evse=1)
        await s.lock1.lock()
        assert (await until(s.lock1, lambda r: True)).locked
        with pytest.raises(ValueError, match="plug is locked: unlock first, or use force=true"):
            await s.sim("plug_out", evse=1)
        assert (await s.sim("plug_out", evse=1, force=True))["connector"] == 0


def test_a_card_is_told_once_and_only_to_who_watches(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.sim("swipe", token="LOST")
        watch = s.reader.watch()
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
            first = tasks.create_task(anext(watch))
            await asyncio.sleep(0)  # the task runs until it waits for a card
            await s.sim("swipe", token="04A1B2C3", type="KeyCode", reader="sim.reader")
        assert (first.result().value, first.result().kind) == ("04A1B2C3", "KeyCode")


@pytest.mark.parametrize("device", ["keypad", "button1", "button2"])
def test_a_key_is_told_once(tmp_path, device):
    @station(tmp_path)
    async def _(s):
        await s.sim("press", key="9", device=device)
        watch = s.devices[device].watch()
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
            first = tasks.create_task(anext(watch))
            await asyncio.sleep(0)  # the task runs until it waits for a key
            await s.sim("press", key="#", device=f"sim.{device}")
        assert first.result().key == "#"


def test_the_display_can_be_read(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.display.show(("Please present", "your card", "x" * 99, "4", "5"))
        assert await s.sim("display") == {"lines": ["Please present", "your card", "x" * 20, "4"], "code": ""}
        await s.display.show_code(("Pay",), "https://pay")
        assert await s.sim("display") == {"lines": ["Pay"], "code": "https://pay"}
        await s.display.show(("Thanks",))
        assert (await s.sim("display"))["code"] == ""


def test_the_lamp_can_be_seen(tmp_path):
    @station(tmp_path)
    async def _(s):
        state = await s.sim("state")
        assert (state["indicator"], state["signal"]) == ("off", "")
        await s.indicator.indicate("green", True, 40)
        await s.indicator.signal("red", 3, 100)
        state = await s.sim("state")
        assert (state["indicator"], state["signal"]) == ("green, blinking, 40 %", "red, 3 times, 100 %")
        await s.indicator.indicate("blue", False, 100)
        assert (await s.sim("state"))["indicator"] == "blue, 100 %"
        with pytest.raises(ValueError, match="colour"):
            await s.indicator.indicate("pink", False, 100)
        with pytest.raises(ValueError, match="intensity_percent"):
            await s.indicator.signal("red", 1, -1)
        with pytest.raises(ValueError, match="times"):
            await s.indicator.signal("red", 0, 100)


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["ground_fault", "over_current", "over_temperature", "emergency_stop"])
def test_the_board_itself_cuts_the_power(tmp_path, error):
    @station(tmp_path)
    async def _(s):
        await s.charge()
        await s.sim("raise_error", evse=1, error=error)
        reading = await until(s.pilot1, lambda r: r.fault)
        assert reading.fault == error.replace("_", " ") and reading.power_on is False
        assert (await s.meter1.read()).power_w == 0.0
        with pytest.raises(DeviceFault, match=reading.fault):
            await s.contactor1.close()
        await s.sim("clear_error", evse=1, error=error)
        await s.contactor1.close()
        assert not (await until(s.pilot1, lambda r: True)).fault


def test_a_stuck_relay_stays_closed(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.charge()
        await s.sim("raise_error", evse=1, error="stuck_relay")
        await s.contactor1.open()
        reading = await until(s.pilot1, lambda r: True)
        assert reading.power_on and reading.fault == "stuck relay"


def test_alarms_temperature_isolation_lock_meter_and_pilot_can_fail(tmp_path):
    @station(tmp_path, Config(supply="DC", reaction_s=0.0))
    async def _(s):
        await s.sim("raise_error", evse=2, error="GroundFailure")
        assert (await until(s.rcm, lambda r: r.tripped)).detail == "evse 2"
        await s.sim("raise_error", evse=0, error="emergency_stop")
        await until(s.estop, lambda r: r.tripped)
        await s.sim("raise_error", evse=1, error="over_temperature")
        assert (await s.temperature1.read()).celsius > 100 > (await s.temperature2.read()).celsius
        await s.sim("raise_error", evse=1, error="isolation_fault")
        assert (await s.isolation1.read()).resistance_ohm < 100_000
        await s.sim("raise_error", evse=1, error="lock_failure")
        with pytest.raises(DeviceFault, match="bolt"):
            await s.lock1.lock()
        await s.sim("raise_error", evse=1, error="meter_dead")
        with pytest.raises(NotConnected):
            await s.meter1.read()
        await s.sim("raise_error", evse=1, error="pilot_fault")
        await s.pilot_says(1, "E")
        await s.sim("raise_error", evse=1, error="supply_fault")
        with pytest.raises(DeviceFault):
            await s.supply1.on()
        for n in (1, 2):
            await s.sim("clear_error", evse=n)
        assert all(evse["errors"] == [] for evse in (await s.sim("state"))["evses"])
        await s.meter1.read()
        await until(s.estop, lambda r: not r.tripped)


def test_each_error_can_be_raised_and_cleared(tmp_path):
    @station(tmp_path)
    async def _(s):
        for error in ERRORS:
            if error != "driver_dead":
                assert error in (await s.sim("raise_error", evse=1, error=error))["evses"][0]["errors"]
                assert (await s.sim("clear_error", evse=1, error=error))["evses"][0]["errors"] == []


def test_a_dead_driver_comes_back_when_the_error_is_cleared(tmp_path):
    async def main() -> None:
        reports: asyncio.Queue[Any] = asyncio.Queue()
        limits = Limits(retry_first_s=0.01, retry_max_s=0.02)
        supervisor = Supervisor("sim", DRIVER, AT_ONCE, Site("sim", tmp_path), reports.put_nowait, limits)

        async def health(up: bool) -> None:
            async with asyncio.timeout(PATIENCE_S):
                while (report := await reports.get()) is None or not (
                    isinstance(report, DeviceHealth) and report.device == "" and report.up == up
                ):
                    pass

        async def sim(method: str, **params: Any) -> Any:
            return await supervisor.call("controls", lambda controls: controls.call(f"sim.{method}", params))

        life = asyncio.get_running_loop().create_task(supervisor.run())
        try:
            await health(True)
            await sim("plug_in", evse=1)
            await sim("raise_error", evse=1, error="driver_dead")
            await health(False)
            with pytest.raises(NotConnected, match="dead"):
                await supervisor.call("contactor1", lambda contactor: contactor.close())
            await sim("clear_error", evse=1, error="driver_dead")
            await health(True)
            assert (await sim("state"))["evses"][0]["connector"] == 1
        finally:
            life.cancel()
            await asyncio.wait({life})

    asyncio.run(main())


# -- what people get wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "params", "told"),
    [
        ("sim.plug_inn", {"evse": 1}, r'sim\.plug_inn: unknown method; did you mean "sim\.plug_in"\?'),
        ("sim.plug_in", {}, r"sim\.plug_in: evse is missing; expected the number of an EVSE"),
        ("sim.plug_in", {"evse": 7}, r"sim\.plug_in: no evse 7; known: 1, 2"),
        ("sim.plug_in", {"evse": "1"}, r"sim\.plug_in: evse: expected the number of an EVSE, got '1'"),
        ("sim.plug_in", {"evse": True}, "got True"),
        ("sim.plug_in", {"evse": 1, "connector": 2}, r"evse 1 has no connector 2; known: 1"),
        ("sim.plug_in", {"evse": 1, "conector": 1}, r'unknown param conector; did you mean "connector"\?'),
        ("sim.plug_out", {"evse": 1}, "no car is plugged in; sim.plug_in one first"),
        ("sim.pause", {"evse": 1}, "no car is plugged in"),
        ("sim.raise_error", {"evse": 1, "error": "ground"}, r'unknown error "ground"; did you mean "ground_fault"\?'),
        ("sim.swipe", {"token": "A", "type": "eMAID"}, 'type: expected ISO14443 or .*, got "eMAID"'),
        ("sim.swipe", {"token": "A", "reader": "door"}, 'no reader "door"; known: reader'),
        ("sim.swipe", {"token": ""}, "token"),
        ("sim.press", {"key": "A"}, 'key: expected one of 0 1 .*, got "A"'),
        ("sim.press", {"key": "12"}, "key: expected one of"),
        ("sim.press", {"key": "1", "device": "buton1"}, r'no keypad or button "buton1"; did you mean "button1"\?'),
        ("sim.meter", {"evse": 1, "energy_wh": "5"}, "energy_wh: expected a number of Wh, got '5'"),
    ],
)
def test_wrong_commands_are_told_with_the_remedy(tmp_path, method, params, told):
    @station(tmp_path)
    async def _(s):
        with pytest.raises(ValueError, match=told):
            await s.controls.call(method, params)


def test_a_second_car_does_not_fit(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.sim("plug_in", evse=1)
        with pytest.raises(ValueError, match=r"a car is at connector 1; sim\.plug_out it first"):
            await s.sim("plug_in", evse=1)


def test_a_senseless_configuration_is_refused(tmp_path):
    with pytest.raises(BadConfig, match=r"drivers\.sim\.evses: expected 1 to 100, got 0"):

        @station(tmp_path, Config(evses=0))
        async def _(s): ...


# -- what survives -----------------------------------------------------------------------------------------------------

CUT = """
import asyncio, sys
from pathlib import Path
from hal.driver import Site
from hal.drivers.simulator import DRIVER, Config

async def main():
    async with DRIVER.open(Config(reaction_s=0.0), Site("sim", Path(sys.argv[1]))) as d:
        async def sim(method, **params):
            return await d["controls"].call("sim." + method, params)
        await sim("meter", evse=1, energy_wh=5000)
        await sim("plug_in", evse=1)
        await d["pilot1"].offer(16.0)
        await d["contactor1"].close()
        while (reading := await d["meter1"].read()).energy_import_wh < 5000.5:
            await asyncio.sleep(0.01)
        print(reading.energy_import_wh, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def test_register_and_cable_survive_a_power_cut(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", CUT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        told_wh = float(process.stdout.readline())
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)

    @station(tmp_path)
    async def _(s):
        reading = await s.meter1.read()
        assert reading.energy_import_wh >= told_wh
        assert reading.power_w == 0.0
        state = await until(s.pilot1, lambda r: True)
        assert state.state == "B" and state.power_on is False


def test_the_car_stays_plugged_in_and_the_power_is_off_after_closing_and_opening(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.charge()
        await s.sim("meter", evse=1, energy_wh=777_000)

    @station(tmp_path)
    async def _(s):
        state = (await s.sim("state"))["evses"][0]
        assert (state["connector"], state["contactor"], state["offer_a"]) == (1, "open", 0.0)
        assert state["energy_wh"] >= 777_000


def test_a_register_that_is_shorter_than_before_leaves_no_rest(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.sim("meter", evse=1, energy_wh=123_456_789)
        await s.sim("meter", evse=1, energy_wh=1)
        assert json.loads(s.register.read_text())["1"]["energy_wh"] == 1.0


def test_a_damaged_register_is_told_and_begun_anew(tmp_path, caplog):
    (tmp_path / "sim-sim.register").write_bytes(b"\x00\xff{torn")

    @station(tmp_path)
    async def _(s):
        assert (await s.meter1.read()).energy_import_wh == 0.0
        await s.sim("meter", evse=1, energy_wh=5)
        assert json.loads(s.register.read_text())["1"]["energy_wh"] == 5.0

    assert "damaged" in caplog.text


def test_a_register_that_cannot_be_written_is_told_of_once_and_the_hardware_goes_on(tmp_path, caplog):
    @station(tmp_path / "absent")
    async def _(s):
        await s.sim("plug_in", evse=1)
        await s.sim("meter", evse=1, energy_wh=5.0)
        assert caplog.text.count("cannot be written") == 1
        (tmp_path / "absent").mkdir()
        await s.sim("meter", evse=1, energy_wh=6.0)
        assert json.loads(s.register.read_text())["1"]["energy_wh"] == 6.0


def test_set_points_and_offers_out_of_range_are_refused(tmp_path):
    @station(tmp_path, Config(supply="DC"))
    async def _(s):
        assert (await s.supply1.capability()).max_voltage_v == 1000.0
        for voltage_v, current_a in ((1001.0, 1.0), (-1.0, 1.0), (400.0, -1.0)):
            with pytest.raises(ValueError, match="V expected"):
                await s.supply1.set(voltage_v, current_a)
        for limit_a in (3.0, 81.0):
            with pytest.raises(ValueError, match="0 or 6 to 80 A"):
                await s.pilot1.offer(limit_a)


def test_nothing_is_written_while_idle(tmp_path):
    @station(tmp_path)
    async def _(s):
        before = s.register.stat().st_mtime_ns
        s.register.chmod(0o400)
        s.register.unlink()  # a write would make it again
        for _ in range(3):
            await s.meter1.read()
        await s.pilot1.offer(0.0)
        await s.contactor1.open()
        assert before and not s.register.exists()


def test_closed_devices_do_not_answer(tmp_path):
    @station(tmp_path)
    async def devices(s):
        return s.devices

    async def main() -> None:
        for device in (devices["meter1"], devices["temperature1"]):
            with pytest.raises(NotConnected, match="closed"):
                await device.read()
        with pytest.raises(NotConnected):
            await devices["contactor1"].close()

    asyncio.run(main())


def test_a_watch_ends_with_an_error_when_the_driver_is_closed(tmp_path):
    async def main() -> None:
        async with DRIVER.open(AT_ONCE, Site("sim", tmp_path)) as devices:
            watch = devices["pilot1"].watch()
            await anext(watch)
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(NotConnected, match="closed"):
                await anext(watch)

    asyncio.run(main())


def test_a_reading_is_of_now(tmp_path):
    @station(tmp_path)
    async def _(s):
        before = time.monotonic()
        assert before <= (await s.meter1.read()).taken_at <= time.monotonic()


# -- the two ends of a cable, and the bay ------------------------------------------------------------------------------


def test_a_car_that_is_unplugged_at_its_own_end_leaves_the_plug_in_the_socket(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.sim("plug_in", evse=1)
        await s.lock1.lock()
        await s.sim("plug_out", evse=1, side="ev")
        reading = await s.pilot_says(1, "A")
        assert (reading.plug, reading.cable_limit_a) == (True, None)
        with pytest.raises(ValueError, match="locked"):
            await s.sim("plug_out", evse=1)
        await s.lock1.unlock()
        await s.sim("plug_out", evse=1)
        assert (await until(s.pilot1, lambda r: not r.plug)).state == "A"


def test_a_fixed_cable_is_no_plug(tmp_path):
    @station(tmp_path, Config(fixed_cable=True))
    async def _(s):
        await s.sim("plug_in", evse=1)
        assert (await s.pilot_says(1, "B")).plug is None


def test_a_plug_in_the_socket_survives_a_power_cut(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.sim("plug_in", evse=1)
        await s.sim("plug_out", evse=1, side="ev")

    @station(tmp_path)
    async def _again(s):
        assert (await s.pilot_says(1, "A")).plug is True


def test_the_bay_is_taken_before_and_after_the_cable(tmp_path):
    @station(tmp_path)
    async def _(s):
        assert not (await until(s.bay1, lambda r: True)).occupied
        await s.sim("drive_in", evse=1)
        assert (await until(s.bay1, lambda r: True)).occupied
        await s.sim("plug_in", evse=1)
        with pytest.raises(ValueError, match="plugged in"):
            await s.sim("drive_out", evse=1)
        await s.sim("plug_out", evse=1)
        assert (await until(s.bay1, lambda r: True)).occupied
        await s.sim("drive_out", evse=1)
        assert not (await until(s.bay1, lambda r: True)).occupied


def test_a_car_that_only_comes_to_charge_is_in_the_bay_as_long_as_its_cable_is_in(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.sim("plug_in", evse=1)
        assert (await s.sim("plug_out", evse=1, side="ev"))["in_bay"]
        assert not (await s.sim("plug_out", evse=1))["in_bay"]


# -- what the meter signs ----------------------------------------------------------------------------------------------


def verify(signed: SignedReading) -> dict[str, Any]:
    """As a transparency software does it: the payload, if its signature holds."""
    name, payload, seal = signed.data.decode().split("|")
    assert name == signed.encoding == "OCMF"
    assert json.loads(seal)["SA"] == signed.method
    key = load_der_public_key(signed.public_key)
    assert isinstance(key, EllipticCurvePublicKey)
    key.verify(bytes.fromhex(json.loads(seal)["SD"]), payload.encode(), ECDSA(SHA256()))
    return dict(json.loads(payload))


def test_the_meter_signs_what_it_reads(tmp_path):
    @station(tmp_path)
    async def _(s):
        await s.sim("meter", evse=1, energy_wh=1234.5)
        signed = await s.meter1.read_signed()
        payload = verify(signed)
        assert signed.reading.energy_import_wh == 1234.5
        energy = payload["RD"][0]
        assert (energy["RI"], energy["RV"], energy["RU"]) == ("1-0:1.8.0", 1234.5, "Wh")
        with pytest.raises(InvalidSignature):
            verify(signed._replace(data=signed.data.replace(b"1234.5", b"1134.5")))


def test_the_key_is_the_same_over_a_power_cut_and_nobody_elses_to_read(tmp_path):
    keys = []
    for _ in range(2):

        @station(tmp_path)
        async def _(s):
            keys.append((await s.meter2.read_signed()).public_key)

    assert keys[0] == keys[1]
    assert (tmp_path / "sim-sim.key").stat().st_mode & 0o777 == 0o600


def test_who_looks_at_the_car_at_the_moment_it_asks_does_not_make_hours_pass(tmp_path):
    @station(tmp_path, Config(reaction_s=0.01))
    async def _(s):
        await s.sim("plug_in", evse=1)
        await s.contactor1.close()
        await s.pilot1.offer(16.0)
        time.sleep(0.02)  # noqa: ASYNC251 - the loop is busy: the moment has come, and its timer has not
        assert (await s.sim("state"))["evses"][0]["power_w"] > 0
        for _ in range(3):  # the turn of the loop in which the timer is served
            await asyncio.sleep(0)
        assert (await s.meter1.read()).energy_import_wh < 10
