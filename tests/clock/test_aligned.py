"""C2 on the real process: clock-aligned values and schedules, across whatever befalls a clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.clock.shifted import COMMAND, SystemClock
from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import TOKEN, Desk, begin, brisk, charging, delivered, finish, until, world

pytestmark = pytest.mark.process

DARK = 300.0
"""s since 1970: a board without a battery"""
HOUR = 3600.0
ALIGNED = {"AlignedDataCtrlr.Interval": 1, "AlignedDataCtrlr.SendDuringIdle": "false"}


@pytest.fixture
def clock(tmp_path: Path) -> SystemClock:
    made = SystemClock(tmp_path / "clock.json")
    made.set(DARK)
    return made


@pytest.fixture
def station(csms: Csms, dialect: str, clock: SystemClock) -> Iterator[Station]:
    config = brisk(csms.url, dialect, **ALIGNED, **{"AuthCtrlr.OfflineTxForUnknownIdEnabled": True})
    with Station(config, command=COMMAND, env=clock.env) as made:
        yield made


def tell_time(station: Station, csms: Csms, offset_s: float) -> None:
    """The CSMS says that the true time is so much later, until it is believed."""
    csms.desk.clock_offset_s = offset_s

    def believed() -> bool:
        csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        shown = datetime.fromisoformat(station.ctl("status")["time"])
        return abs((shown - datetime.now(UTC)).total_seconds() - offset_s) < 3

    until(believed, f"time that is {offset_s} s later")


def aligned(csms: Csms) -> list[float]:
    """The moments of the aligned values of EVSE 1, as they were told."""
    told = csms.calls("MeterValues") + csms.calls("TransactionEvent", lambda m: "meterValue" in m.payload)
    values = [(m, value) for m in told for value in m["meterValue"] if m.get("connectorId", m.get("evseId", 1)) == 1]
    return [
        datetime.fromisoformat(value["timestamp"]).timestamp()
        for message, value in sorted(values, key=lambda each: each[0].number)
        if any(sample.get("context") == "Sample.Clock" for sample in value["sampledValue"])
    ]


def test_aligned_values_are_told_once_for_each_moment_whatever_the_clock_does(
    station: Station, csms: Csms, dialect: str
) -> None:
    """Hours on, some seconds back, another zone: none is repeated, each is at a full second, and they go on."""
    transaction = begin(station, csms)
    zone = ("TimeOffset", "ClockCtrlr.TimeOffset", "+05:30")

    def more() -> None:
        count = len(aligned(csms))
        until(lambda: len(aligned(csms)) > count, "aligned values")

    more()
    tell_time(station, csms, 5 * HOUR)
    more()
    assert Desk(csms).set(*zone) == "Accepted"
    more()
    tell_time(station, csms, 5 * HOUR - 4)
    more()
    finish(station, csms)
    delivered(station)
    moments = aligned(csms)
    assert all(moment % 1 == 0 for moment in moments)
    assert all(one < other for one, other in pairwise(moments)), moments
    assert sum(other - one > HOUR for one, other in pairwise(moments)) == 1
    assert transaction.check() == []


def test_a_schedule_follows_the_clock_and_no_zone(
    station: Station, csms: Csms, dialect: str, clock: SystemClock
) -> None:
    """10 A for half an hour, 20 A from then on; a power cut after which nobody knows the time is no half hour."""
    begins = datetime.now(UTC) - timedelta(minutes=1)
    periods = [{"startPeriod": 0, "limit": 10.0}, {"startPeriod": 1800, "limit": 20.0}]
    schedule = {
        "chargingRateUnit": "A", "chargingSchedulePeriod": periods,
        "startSchedule": begins.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }  # fmt: skip
    profile = {"stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute"}
    csms.wait_status("Available")
    if dialect == "1.6":
        old = profile | {"chargingProfileId": 1, "chargingSchedule": schedule}
        reply = csms.call("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": old})
    else:
        new = profile | {"id": 1, "chargingSchedule": [schedule | {"id": 1}]}
        reply = csms.call("SetChargingProfile", {"evseId": 1, "chargingProfile": new})
    assert reply["status"] == "Accepted"

    def offered(amperes: float) -> None:
        until(lambda: world(station)["offer_a"] == amperes, f"offer of {amperes} A")

    station.ctl("sim.plug_in", evse=1)
    station.ctl("sim.swipe", token=TOKEN)
    csms.wait_event("Started")
    offered(10)
    tell_time(station, csms, HOUR)
    offered(20)
    assert Desk(csms).set("TimeOffset", "ClockCtrlr.TimeOffset", "-11:00") == "Accepted"
    tell_time(station, csms, 0.0)
    offered(10)
    delivered(station)
    csms.offline()
    csms.forget()
    station.kill()
    clock.power_cut(DARK)
    station.start()
    station.wait_ready()
    charging(station)
    offered(10)
    csms.online()
    csms.wait("BootNotification")
    delivered(station)
    offered(10)
    finish(station, csms)
    delivered(station)
    assert csms.books.check() == []
