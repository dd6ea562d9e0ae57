"""Devices that die or complain in a running session: the CSMS and the technician are told, the hardware is safe, and
when the device is back the station is, too, by itself."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.csms import Csms, Message
from tests.csms.books import Sample, samples
from tests.daemon.process import Station
from tests.daemon.visit import (
    TOKEN,
    Desk,
    begin,
    charging,
    delivered,
    finish,
    leave,
    register_wh,
    safe,
    session,
    true_to,
    until,
    world,
)

pytestmark = pytest.mark.process

RECOVERY_S = 30.0
"""a driver that was down is opened again after 0.5 to 15 s"""


def now() -> datetime:
    return datetime.now(UTC)


def faulted(csms: Csms, code: str, timeout: float = 15.0) -> Message:
    """The CSMS is told of EVSE 1; in 1.6 with the code."""
    told = csms.wait_status("Faulted", timeout=timeout)
    assert told.version != "1.6" or told["errorCode"] == code, told
    return told


def faults(station: Station, evse: int = 1) -> str:
    """What the technician reads of an EVSE."""
    return "; ".join(station.ctl("status")["evses"][evse - 1]["faults"])


def driver(station: Station) -> dict[str, Any]:
    [shown] = station.ctl("drivers")["drivers"]
    return dict(shown)


def device(station: Station, name: str) -> dict[str, Any]:
    return next(each for each in driver(station)["devices"] if each["name"] == name)


def told_samples(csms: Csms) -> Iterator[Sample]:
    for transaction in csms.books.transactions.values():
        for report in transaction.in_order:
            yield from samples(report)


@pytest.mark.parametrize(
    "error, code, known_as",
    [
        ("ground_fault", "GroundFailure", "ground fault"),
        ("over_current", "OverCurrentFailure", "over current"),
        ("over_temperature", "HighTemperature", "over temperature"),
        ("pilot_fault", "OtherError", "pilot shorted"),
    ],
)
def test_a_fault_of_the_board_stops_the_charging_and_passes(
    station: Station, csms: Csms, dialect: str, error: str, code: str, known_as: str
) -> None:
    before = register_wh(station)
    begin(station, csms)
    station.ctl("sim.raise_error", evse=1, error=error)
    faulted(csms, code)
    safe(station)
    assert known_as in faults(station)
    assert station.ctl("status")["evses"][1]["faults"] == []
    rest = register_wh(station)

    station.ctl("sim.clear_error", evse=1)
    until(lambda: faults(station) == "", "end of the fault")
    csms.wait_status("Occupied", timeout=RECOVERY_S)
    _end_visit(station, csms)
    assert register_wh(station) >= rest
    energy = csms.books.energy_wh
    assert true_to(register_wh(station) - before, energy, dialect)


def _end_visit(station: Station, csms: Csms) -> None:
    """Whether the fault has ended the transaction, or it went on."""
    if session(station).get("authorized"):
        charging(station)
        finish(station, csms)
    else:
        leave(station)
        csms.wait_status("Available")
    delivered(station)
    [transaction] = csms.books.transactions.values()
    assert transaction.ended


def test_a_dead_meter_stops_the_charging_and_nothing_is_invented(
    station: Station, csms: Csms, desk: Desk, dialect: str
) -> None:
    begin(station, csms)
    csms.wait_event("Updated", lambda m: "meterValue" in m.payload)
    station.ctl("sim.raise_error", evse=1, error="meter_dead")
    died_at = now()
    faulted(csms, "PowerMeterFailure")
    safe(station)
    assert "PowerMeterFailure (sim.meter1)" in faults(station)
    shown = device(station, "meter1")
    assert (shown["state"], "no answer" in shown["reason"]) == ("down", True)
    assert driver(station)["state"] == "up"

    # Nobody gets a reading of a dead meter, whoever asks.
    assert desk.sample() in ("Accepted", "Rejected")
    until(lambda: device(station, "meter1").get("age_s", 99) > 3, "older reading")
    csms.call("ClearCache")
    stale = [s for s in told_samples(csms) if s.at > died_at]
    assert stale == []
    asked = [m for m in csms.calls("MeterValues") if "transactionId" not in m.payload]
    assert all(datetime.fromisoformat(v["timestamp"]) <= died_at for m in asked for v in m["meterValue"])

    station.ctl("sim.clear_error", evse=1, error="meter_dead")
    back_at = now()
    until(lambda: faults(station) == "", "living meter", RECOVERY_S)
    csms.wait_status("Occupied")
    if session(station).get("authorized"):
        charging(station)
        csms.wait_event("Updated", lambda m: any(s.at >= back_at for s in _of(csms, m)))
    _end_visit(station, csms)


def _of(csms: Csms, message: Message) -> list[Sample]:
    transaction = csms.books.of(message)
    return [s for report in transaction.in_order if report.message.number == message.number for s in samples(report)]


def test_a_dead_driver_is_safe_is_told_and_comes_back_by_itself(station: Station, csms: Csms) -> None:
    begin(station, csms)
    station.ctl("sim.raise_error", error="driver_dead")
    died_at = now()
    csms.wait_status("Faulted", evse=1)
    csms.wait_status("Faulted", evse=2)
    safe(station)
    shown = driver(station)
    assert shown["state"] == "down"
    assert "the driver is dead" in shown["reason"]
    assert {each["state"] for each in shown["devices"]} <= {"down"}
    assert faults(station, 1)
    assert faults(station, 2)
    csms.call("ClearCache")
    assert [s for s in told_samples(csms) if s.at > died_at] == []

    station.ctl("sim.clear_error", error="driver_dead")
    until(lambda: driver(station)["state"] == "up", "open driver", RECOVERY_S)
    csms.wait_status("Occupied", evse=1, timeout=RECOVERY_S)
    csms.wait_status("Available", evse=2, timeout=RECOVERY_S)
    assert (faults(station, 1), faults(station, 2)) == ("", "")
    _end_visit(station, csms)


def test_a_card_at_a_station_whose_driver_is_dead_starts_nothing(station: Station, csms: Csms, desk: Desk) -> None:
    csms.wait_status("Available", evse=2)
    station.ctl("sim.raise_error", error="driver_dead")
    csms.wait_status("Faulted", evse=1)
    csms.wait_status("Faulted", evse=2)
    assert desk.start() == "Rejected"
    station.ctl("start", evse=1, token=TOKEN)
    csms.call("ClearCache")
    assert csms.books.transactions == {}
    station.ctl("sim.clear_error", error="driver_dead")
    csms.wait_status("Available", evse=1, timeout=RECOVERY_S)
    csms.wait_status("Available", evse=2, timeout=RECOVERY_S)
    begin_again(station, csms)


def begin_again(station: Station, csms: Csms) -> None:
    station.ctl("sim.plug_in", evse=1)
    csms.wait_status("Occupied")
    station.ctl("sim.swipe", token=TOKEN)
    csms.wait_event("Started")
    charging(station)


def test_a_lock_that_does_not_hold_lets_nothing_flow(station: Station, csms: Csms) -> None:
    csms.wait_status("Available", evse=2)
    station.ctl("sim.raise_error", evse=1, error="lock_failure")
    station.ctl("sim.plug_in", evse=1)
    csms.wait_status("Occupied")
    station.ctl("sim.swipe", token=TOKEN)
    faulted(csms, "ConnectorLockFailure")
    assert "ConnectorLockFailure" in faults(station)
    assert (world(station)["contactor"], world(station)["offer_a"], world(station)["locked"]) == ("open", 0, False)
    assert csms.books.energy_wh == 0


def test_the_emergency_stop_stops_all(csms: Csms, station: Station, dialect: str) -> None:
    station.config["emergency_stop"] = ["sim.estop"]
    station.restart()
    begin(station, csms, 1)
    csms.wait_status("Available", evse=2)
    station.ctl("sim.raise_error", error="emergency_stop")
    csms.wait_status("Faulted", evse=1)
    csms.wait_status("Faulted", evse=2)
    safe(station, 1)
    assert "EmergencyStop" in faults(station, 1) + "; ".join(station.ctl("status")["faults"])
    station.ctl("sim.clear_error", error="emergency_stop")
    csms.wait_status("Occupied", evse=1)
    csms.wait_status("Available", evse=2)
    _end_visit(station, csms)
