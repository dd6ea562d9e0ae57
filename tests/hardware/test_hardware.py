"""Devices in their roles: what is missing or silent is a fault, and stays one."""

import asyncio
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chargepointd.config import load
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.values import Token
from chargepointd.hardware.bindings import plan
from chargepointd.hardware.hardware import Hardware
from tests.daemon import toml
from tests.daemon.config import Config, ac_station


class Heard:
    """The events the hardware posts."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.changed = asyncio.Event()

    def post(self, event: Any) -> None:
        self.events.append(event)
        self.changed.set()

    async def until(self, what: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(10):
            while True:
                found = next((event for event in self.events if what(event)), None)
                if found is not None:
                    return found
                self.changed.clear()
                await self.changed.wait()


def with_hardware(tmp_path: Path, config: Config, story: Callable[[Hardware, Heard], Any]) -> None:
    file = tmp_path / "station.toml"
    file.write_text(toml.dumps(config))

    async def main() -> None:
        heard = Heard()
        hardware = Hardware(load(file), tmp_path, heard.post)
        async with asyncio.TaskGroup() as tasks:
            life = tasks.create_task(hardware.run(lambda: None))
            await story(hardware, heard)
            life.cancel()

    asyncio.run(main())


def test_a_device_that_the_driver_does_not_have_is_a_fault_that_names_what_there_is(tmp_path: Path) -> None:
    config = ac_station("ws://127.0.0.1:1/ocpp")
    config["evse"][0]["meter"] = "sim.meter9"

    async def story(hardware: Hardware, heard: Heard) -> None:
        raised = await heard.until(lambda event: isinstance(event, e.FaultRaised))
        assert raised.evse_id == 1
        assert (raised.fault.code, raised.fault.source) == ("PowerMeterFailure", "sim.meter9")
        assert "it has: " in raised.fault.info
        assert "meter1" in raised.fault.info

    with_hardware(tmp_path, config, story)


def test_a_device_bound_as_what_it_is_not_is_a_fault_there_and_nowhere_else(tmp_path: Path) -> None:
    config = ac_station("ws://127.0.0.1:1/ocpp")
    config["evse"][0]["bay_sensor"] = "sim.meter1"

    async def story(hardware: Hardware, heard: Heard) -> None:
        await heard.until(lambda event: isinstance(event, e.MeterRead))
        raised = [event.fault for event in heard.events if isinstance(event, e.FaultRaised)]
        assert [(fault.code, fault.source) for fault in raised] == [("OtherError", "sim.meter1")]
        assert "is no OccupancySensor, so no bay sensor; driver sim has: bay1" in raised[0].info

    with_hardware(tmp_path, config, story)


@pytest.mark.parametrize(
    ("role", "device", "needs"),
    [
        ("pilot", "estop", "ControlPilot"),
        ("contactor", "contact1", "Contactor"),
        ("meter", "contactor1", "Meter"),
        ("lock", "contact1", "ConnectorLock"),
        ("phase_switch", "contact1", "PhaseSwitch"),
        ("plug_and_charge", "site_meter", "PlugAndCharge"),
        ("bay_sensor", "site_meter", "OccupancySensor"),
    ],
)
def test_what_a_device_that_is_something_else_tells_is_no_news_and_what_is_asked_of_it_fails(
    tmp_path: Path, role: str, device: str, needs: str
) -> None:
    config = ac_station("ws://127.0.0.1:1/ocpp", evses=2)
    config["evse"][0][role] = f"sim.{device}"

    async def story(hardware: Hardware, heard: Heard) -> None:
        raised = await heard.until(
            lambda event: isinstance(event, e.FaultRaised) and event.fault.source == f"sim.{device}"
        )
        assert raised.fault.info.startswith(f"is no {needs}, so no {role.replace('_', ' ')}; driver sim has: ")
        hardware.perform(f.ClosePowerPath(1, 16.0, 11040.0, 1))
        hardware.perform(f.MoveLock(1, 1, locked=True))
        hardware.perform(f.AnswerContract(1, accepted=True)) if role == "plug_and_charge" else None
        await hardware.read_meter(1)
        controls = hardware.controls()
        await controls.call("sim.contact", {"closed": True, "device": "contact1"})
        await controls.call("sim.plug_in", {"evse": 2})
        await heard.until(lambda event: isinstance(event, e.CablePlugged) and event.evse_id == 2)
        assert not any(isinstance(event, e.ContactMoved) for event in heard.events)
        assert not any(isinstance(event, e.FaultCleared) and event.source == f"sim.{device}" for event in heard.events)

    with_hardware(tmp_path, config, story)


@pytest.mark.parametrize(
    ("section", "device"),
    [("limit", "meter1"), ("reader", "meter1"), ("display", "contact1"), ("button", "contact2"), ("keypad", "meter2")],
)
def test_what_a_device_of_another_kind_tells_is_no_news_of_the_station_either(
    tmp_path: Path, section: str, device: str
) -> None:
    config = ac_station("ws://127.0.0.1:1/ocpp", evses=2)
    config[section] = [{"device": f"sim.{device}", **({"max_current_a": 8} if section == "limit" else {})}]

    async def story(hardware: Hardware, heard: Heard) -> None:
        raised = await heard.until(lambda event: isinstance(event, e.FaultRaised))
        assert raised.fault.source == f"sim.{device}"
        await hardware.supervisors["sim"].read("meter1")
        await hardware.supervisors["sim"].read("meter2")
        assert {event.evse_id for event in heard.events if isinstance(event, e.MeterRead)} == {1, 2}
        assert [event.closed for event in heard.events if isinstance(event, e.ContactMoved)] in ([], [None])

    with_hardware(tmp_path, config, story)


def test_what_cannot_stop_anything_is_no_emergency_stop(tmp_path: Path) -> None:
    config = {"emergency_stop": ["sim.contact1"], **ac_station("ws://127.0.0.1:1/ocpp", evses=2)}

    async def story(hardware: Hardware, heard: Heard) -> None:
        raised = await heard.until(lambda event: isinstance(event, e.FaultRaised))
        assert (raised.evse_id, raised.fault.code, raised.fault.stops_charging) == (0, "EmergencyStop", True)
        assert "is no EmergencyStop or ResidualCurrentMonitor" in raised.fault.info

    with_hardware(tmp_path, config, story)


def test_a_silent_meter_is_not_well_because_its_driver_was_opened_again(tmp_path: Path) -> None:
    async def story(hardware: Hardware, heard: Heard) -> None:
        await heard.until(lambda event: isinstance(event, e.MeterRead))
        hardware.supervisors["sim"].pace("meter1", 0.05)
        controls = hardware.controls()
        await controls.call("sim.raise_error", {"evse": 1, "error": "meter_dead"})
        await heard.until(lambda event: isinstance(event, e.FaultRaised) and event.fault.source == "sim.meter1")
        await controls.call("sim.raise_error", {"evse": 1, "error": "driver_dead"})
        await heard.until(lambda event: isinstance(event, e.FaultRaised) and event.fault.source == "sim.pilot1")
        await controls.call("sim.clear_error", {"evse": 1, "error": "driver_dead"})
        await heard.until(lambda event: isinstance(event, e.FaultCleared) and event.source == "sim.pilot1")
        assert not any(isinstance(event, e.FaultCleared) and event.source == "sim.meter1" for event in heard.events)

    with_hardware(tmp_path, ac_station("ws://127.0.0.1:1/ocpp"), story)


def test_a_plug_without_a_car_and_a_car_without_a_plug_are_told(tmp_path: Path) -> None:
    config = ac_station("ws://127.0.0.1:1/ocpp")
    config["evse"][0]["bay_sensor"] = "sim.bay1"

    async def story(hardware: Hardware, heard: Heard) -> None:
        async def told(act: str, *expected: Any, **params: Any) -> None:
            heard.events.clear()
            await hardware.controls().call(act, {"evse": 1} | params)
            for event in expected:
                await heard.until(lambda other, event=event: type(other) is type(event) and other == event)  # type: ignore[misc]

        await heard.until(lambda event: event == e.BayChanged(1, False))
        await told("sim.drive_in", e.BayChanged(1, True))
        await told("sim.plug_in", e.PlugMoved(1, 1, True), e.CablePlugged(1, 1, 32.0))
        await told("sim.plug_out", e.CableUnplugged(1, 1), side="ev")
        assert not any(isinstance(event, e.PlugMoved) for event in heard.events)
        await told("sim.plug_out", e.PlugMoved(1, 1, False))
        await told("sim.drive_out", e.BayChanged(1, False))

    with_hardware(tmp_path, config, story)


def test_a_meter_signs_when_it_is_asked_to(tmp_path: Path) -> None:
    config = ac_station("ws://127.0.0.1:1/ocpp")
    config["evse"][0]["meter_signs"] = True

    async def story(hardware: Hardware, heard: Heard) -> None:
        await heard.until(lambda event: isinstance(event, e.MeterRead) and event.measured.signed is None)
        hardware.perform(f.ReadMeter(1, signed=True))
        read = await heard.until(lambda event: isinstance(event, e.MeterRead) and event.measured.signed)
        signed = read.measured.signed
        assert b64decode(signed.data).startswith(b"OCMF|{")
        assert (signed.encoding, signed.method) == ("OCMF", "ECDSA-secp256r1-SHA256")
        assert bytes.fromhex(signed.public_key)

    with_hardware(tmp_path, config, story)


def test_a_meter_that_cannot_sign_is_no_reason_to_read_it_no_more(tmp_path: Path) -> None:
    """Nor is one that refuses at this moment."""
    config = ac_station("ws://127.0.0.1:1/ocpp")
    config["evse"][0]["meter_signs"] = True

    async def story(hardware: Hardware, heard: Heard) -> None:
        await heard.until(lambda event: isinstance(event, e.MeterRead))
        (tmp_path / "sim-sim.key").mkdir()  # the key can be neither read nor made
        heard.events.clear()
        hardware.perform(f.ReadMeter(1, signed=True))
        read = await heard.until(lambda event: isinstance(event, e.MeterRead))
        assert read.measured.signed is None

    with_hardware(tmp_path, config, story)


def test_a_keypad_tells_keys_and_a_button_that_nobody_is_asked(tmp_path: Path) -> None:
    config = ac_station("ws://127.0.0.1:1/ocpp", evses=2)
    config["keypad"] = [{"device": "sim.keypad", "evses": [2]}]
    config["button"] = [{"device": "sim.button1", "evses": [1]}]

    async def story(hardware: Hardware, heard: Heard) -> None:
        await heard.until(lambda event: isinstance(event, e.LockMoved))
        await hardware.controls().call("sim.press", {"key": "7"})
        assert await heard.until(lambda event: isinstance(event, e.KeyPressed)) == e.KeyPressed("7", (2,))
        await hardware.controls().call("sim.press", {"key": "#", "device": "button1"})
        pushed = await heard.until(lambda event: isinstance(event, e.TokenPresented))
        assert pushed == e.TokenPresented(Token("", "NoAuthorization"), (1,))

    with_hardware(tmp_path, config, story)


def test_what_a_station_can_be_given_follows_from_its_devices(tmp_path: Path) -> None:
    def kinds(**more: Any) -> set[str]:
        file = tmp_path / "station.toml"
        file.write_text(toml.dumps(ac_station("ws://127.0.0.1:1/ocpp") | more))
        return set(plan(load(file), "1").token_kinds)

    assert kinds(reader=[]) == {"Central", "NoAuthorization"}
    assert kinds(reader=[], keypad=[{"device": "sim.keypad"}]) == {"Central", "NoAuthorization", "KeyCode"}
    assert kinds() == {"Central", "NoAuthorization", "ISO14443", "ISO15693", "KeyCode", "Local"}
    pn532 = {"pn532": {"driver": "pn532", "port": "/dev/ttyS1"}}
    drivers = ac_station("ws://127.0.0.1:1/ocpp")["drivers"] | pn532
    assert kinds(drivers=drivers, reader=[{"device": "pn532.reader"}]) == {"Central", "NoAuthorization", "ISO14443"}


def test_an_evse_begins_anew_and_says_again_how_it_is_and_the_other_goes_on(tmp_path: Path) -> None:
    async def story(hardware: Hardware, heard: Heard) -> None:
        controls = hardware.controls
        for evse in (1, 2):
            await heard.until(lambda event, evse=evse: event == e.LockMoved(evse, 1, False))
            await controls().call("sim.plug_in", {"evse": evse})
            await heard.until(lambda event, evse=evse: type(event) is e.CablePlugged and event.evse_id == evse)
        heard.events.clear()
        hardware.perform(f.RestartEvse(1))
        assert (await heard.until(lambda event: type(event) is e.EvseRestarted)) == e.EvseRestarted(1)
        await heard.until(lambda event: type(event) is e.CablePlugged)
        await heard.until(lambda event: type(event) is e.LockMoved)
        assert {event.evse_id for event in heard.events if type(event) is not e.MeterRead} == {1}

    with_hardware(tmp_path, ac_station("ws://127.0.0.1:1/ocpp", evses=2), story)


def test_an_evse_whose_driver_is_down_cannot_begin_anew(tmp_path: Path) -> None:
    async def story(hardware: Hardware, heard: Heard) -> None:
        await heard.until(lambda event: isinstance(event, e.MeterRead))
        await hardware.controls().call("sim.raise_error", {"evse": 1, "error": "driver_dead"})
        await heard.until(lambda event: isinstance(event, e.FaultRaised) and event.fault.source == "sim.pilot1")
        hardware.perform(f.RestartEvse(1))
        restarted = await heard.until(lambda event: isinstance(event, e.EvseRestarted))
        assert restarted.failed.startswith("driver sim: ")

    with_hardware(tmp_path, ac_station("ws://127.0.0.1:1/ocpp"), story)


def test_a_back_up_supply_tells_that_the_grid_is_away_and_back(tmp_path: Path) -> None:
    config = ac_station("ws://127.0.0.1:1/ocpp")
    config["station"]["on_battery"] = "sim.contact2"

    async def story(hardware: Hardware, heard: Heard) -> None:
        await heard.until(lambda event: isinstance(event, e.GridChanged) and not event.lost)
        controls = hardware.controls()
        for closed in (True, False):
            heard.events.clear()
            await controls.call("sim.contact", {"device": "contact2", "closed": closed})
            await heard.until(lambda event, lost=closed: isinstance(event, e.GridChanged) and event.lost is lost)

    with_hardware(tmp_path, config, story)
