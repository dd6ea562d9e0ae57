"""Meters that lie, at the real process: what is billed is what one register has shown, and people are told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import (
    OTHER,
    TOKEN,
    begin,
    brisk,
    charging,
    delivered,
    finish,
    leave,
    register_wh,
    true_to,
    until,
    world,
)
from tests.daemon.visit import session as seen

pytestmark = pytest.mark.process

CLOCKS = timedelta(seconds=5)
"""so far the clock of the station may be from that of the CSMS, whose answer was late on a busy machine"""


@pytest.fixture
def station(csms: Csms, dialect: str) -> Iterator[Station]:
    with Station(brisk(csms.url, dialect)) as made:
        yield made


def faults(station: Station) -> str:
    return " ".join(station.ctl("status")["evses"][0]["faults"])


def registers(message: Any) -> list[tuple[datetime, float]]:
    """What a message tells of the register, and of when."""
    payload = message.payload
    told = payload.get("meterValue") or payload.get("transactionData") or []
    return [
        (datetime.fromisoformat(value["timestamp"]), float(sampled["value"]))
        for value in told
        for sampled in value["sampledValue"]
        if sampled.get("measurand", "Energy.Active.Import.Register") == "Energy.Active.Import.Register"
    ]


@pytest.mark.parametrize("new_wh", [5.0, 1e9], ids=["back", "ahead"])
def test_a_meter_exchanged_in_a_visit_ends_it_with_what_the_old_one_showed(
    station: Station, csms: Csms, dialect: str, new_wh: float
) -> None:
    station.ctl("sim.meter", evse=1, energy_wh=50_000.0)
    transaction = begin(station, csms)
    first = transaction.samples[0].energy_wh
    last = register_wh(station)
    station.ctl("sim.meter", evse=1, energy_wh=new_wh)
    ended = csms.wait_event("Ended")
    delivered(station)
    assert transaction.check() == []
    assert transaction.samples[-1].energy_wh <= last + 100
    assert 0 <= transaction.energy_wh <= last - first + 100
    assert all(shown <= last + 100 for _, shown in registers(ended))
    assert transaction.reason == "Other"
    leave(station)
    until(lambda: "PowerMeterFailure" not in faults(station), "trust in the new one")
    next_one = begin(station, csms, token=OTHER)
    finish(station, csms, token=OTHER)
    delivered(station)
    assert next_one.samples[0].energy_wh == pytest.approx(new_wh, abs=200)
    assert true_to(register_wh(station), next_one.samples[-1].energy_wh, dialect)
    assert next_one.energy_wh > -0.6, "meterStart of 1.6 is a whole number"


def test_a_meter_that_tells_no_number_stops_charging_and_people_see_why(
    station: Station, csms: Csms, dialect: str
) -> None:
    transaction = begin(station, csms)
    station.ctl("sim.raise_error", evse=1, error="meter_nan")
    last, at = register_wh(station), datetime.now(UTC)
    csms.wait_status("Faulted", timeout=40)
    assert "the meter tells no energy that can be; check or exchange it" in faults(station)
    [meter] = [d for d in station.ctl("drivers")["drivers"][0]["devices"] if d["name"] == "meter1"]
    assert meter["reading"]["energy_import_wh"] == "nan", "and the list of drivers is still told"
    station.ctl("sim.swipe", token=TOKEN)
    ended = csms.wait_event("Ended")
    delivered(station)
    assert transaction.check() == []
    assert transaction.samples[-1].energy_wh <= last + 1
    assert all(when <= at + CLOCKS for when, _ in registers(ended)), "when it was read"


def test_a_meter_dead_at_the_start_tells_nothing_and_what_flows_is_stopped_until_it_lives(
    station: Station, csms: Csms, dialect: str
) -> None:
    """It is found out when somebody comes: nothing is told of the register before it has been read."""
    csms.wait_status("Available")
    before = register_wh(station)
    station.ctl("sim.raise_error", evse=1, error="meter_dead")
    station.ctl("sim.plug_in", evse=1)
    station.ctl("sim.swipe", token=TOKEN)
    csms.wait("Authorize")
    csms.wait_status("Faulted", timeout=40)
    assert "PowerMeterFailure" in faults(station)
    until(lambda: world(station)["contactor"] == "open", "open contactor")
    stopped, at = register_wh(station), datetime.now(UTC)
    csms.call("ClearCache")
    told = [value for each in csms.books.transactions.values() for value in each.samples]
    assert {value.energy_wh for value in told} <= {before}
    station.ctl("sim.clear_error", evse=1, error="meter_dead")
    assert register_wh(station) == stopped
    until(lambda: "PowerMeterFailure" not in faults(station), "meter that lives")
    charging(station)
    finish(station, csms)
    delivered(station)
    transaction = csms.books.only()
    assert transaction.check() == []
    assert transaction.energy_wh <= register_wh(station) - before + 1
    assert transaction.samples[-1].at > at - CLOCKS
    assert true_to(register_wh(station), transaction.samples[-1].energy_wh, dialect)


def test_a_meter_that_dies_in_the_middle_and_comes_back_has_counted(station: Station, csms: Csms, dialect: str) -> None:
    """Nothing is told of the register meanwhile, and what it shows then is billed, in one transaction."""
    before = register_wh(station)
    transaction = begin(station, csms)
    station.ctl("sim.raise_error", evse=1, error="meter_dead")
    csms.wait_status("Faulted", timeout=40)
    until(lambda: world(station)["contactor"] == "open", "open contactor")
    stopped, at = register_wh(station), datetime.now(UTC)
    csms.call("ClearCache")
    assert all(value.at <= at + CLOCKS for value in transaction.samples)
    station.ctl("sim.clear_error", evse=1, error="meter_dead")
    until(lambda: register_wh(station) > stopped, "energy that flows again")
    assert world(station)["contactor"] == "closed"
    finish(station, csms)
    delivered(station)
    assert csms.books.only() is transaction
    assert transaction.check() == []
    assert true_to(register_wh(station) - before, transaction.energy_wh, dialect)


def test_a_meter_dead_at_the_end_is_told_as_it_was_last(station: Station, csms: Csms, dialect: str) -> None:
    transaction = begin(station, csms)
    csms.wait_event("Updated", lambda m: bool(registers(m)))
    station.ctl("sim.raise_error", evse=1, error="meter_dead")
    last, at = register_wh(station), datetime.now(UTC)
    csms.wait_status("Faulted", timeout=40)
    station.ctl("sim.swipe", token=TOKEN)
    ended = csms.wait_event("Ended")
    delivered(station)
    assert transaction.check() == []
    assert transaction.samples[-1].energy_wh <= last + 1
    assert registers(ended)
    assert all(when <= at + CLOCKS for when, _ in registers(ended))
    if dialect == "1.6":
        assert abs(ended.payload["meterStop"] - registers(ended)[-1][1]) <= 1


def test_a_register_that_wraps_counts_on(csms: Csms, dialect: str) -> None:
    config = brisk(csms.url, dialect)
    config["drivers"]["sim"]["wraps_at_kwh"] = 20.0
    with Station(config) as station:
        station.ctl("sim.meter", evse=1, energy_wh=19_995.0)
        transaction = begin(station, csms)
        until(lambda: _known(station) < 1000, "a register that has wrapped")
        station.restart(Station.kill)
        charging(station)
        csms.wait_event("Updated", lambda m: bool(registers(m)))
        finish(station, csms)
        delivered(station)
        assert transaction.check() == []
        assert transaction.samples[0].energy_wh == pytest.approx(19_995, abs=1)
        assert transaction.samples[-1].energy_wh == pytest.approx(20_000 + register_wh(station), abs=1)


def _known(station: Station) -> float:
    devices = station.ctl("drivers")["drivers"][0]["devices"]
    return float(next(d["reading"]["energy_import_wh"] for d in devices if d["name"] == "meter1"))


def test_a_register_that_stands_still_is_told_of_and_charging_goes_on(csms: Csms, dialect: str) -> None:
    config = brisk(csms.url, dialect)
    config["drivers"]["sim"] |= {"car_current_a": 600.0, "max_current_a": 600.0, "cable_limit_a": 600.0}
    config["drivers"]["sim"]["battery_wh"] = 1e6
    config["drivers"]["sim"]["voltage_v"] = 10_000.0  # so that it is found out in seconds
    config["evse"][0] |= {"max_current_a": 80.0, "voltage_v": 10_000.0}
    with Station(config) as station:
        transaction = begin(station, csms)
        station.ctl("sim.raise_error", evse=1, error="meter_still")
        still = register_wh(station)
        until(lambda: "register still" in faults(station), "fault")
        assert "what flows is not billed; exchange the meter" in faults(station)
        assert seen(station)["charging_state"] == "Charging"
        finish(station, csms)
        delivered(station)
        assert transaction.samples[-1].energy_wh <= still + 1
