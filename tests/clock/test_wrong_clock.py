"""The real daemon on a board whose clock is wrong: what is told has the right time, and says how it is known."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.clock.shifted import COMMAND, SystemClock
from tests.csms import Csms, Transaction
from tests.daemon.process import Station
from tests.daemon.visit import TOKEN, ahead_s, brisk, charging, delivered, finish, leave, session, until

pytestmark = pytest.mark.process

DARK = 300.0
"""s since 1970: a board without a battery"""
OFFLINE = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": True}
HOUR, DAY = 3600.0, 86_400.0
ON_ITS_WAY = timedelta(seconds=10)
"""so long the answer that tells the time may take on a busy machine"""


@pytest.fixture
def clock(tmp_path: Path) -> SystemClock:
    return SystemClock(tmp_path / "clock.json")


@pytest.fixture
def make(csms: Csms, dialect: str, clock: SystemClock) -> Iterator[Any]:
    """A station by this clock, not yet started."""
    made: list[Station] = []

    def station(**variables: Any) -> Station:
        config = brisk(csms.url, dialect, **OFFLINE, **variables)
        made.append(Station(config, command=COMMAND, env=clock.env))
        return made[-1]

    yield station
    for each in made:
        if each.running:
            each.terminate()


def in_the_dark(csms: Csms, clock: SystemClock) -> datetime:
    """The station's clock will stand in 1970, and the CSMS is away. What the time really is."""
    clock.set(DARK)
    csms.offline()
    return now()


def begin_offline(station: Station) -> None:
    station.ctl("sim.plug_in", evse=1)
    station.ctl("sim.swipe", token=TOKEN)
    charging(station)
    until(lambda: station.ctl("outbox")["queued"] >= 3, "records in the queue")


def back_online(csms: Csms) -> None:
    csms.online()
    csms.wait("BootNotification")


def end(station: Station, csms: Csms) -> Transaction:
    """End what runs. Gives what the CSMS has booked of it."""
    transaction = finish(station, csms)
    delivered(station)
    in_order(transaction)
    return transaction


def power_cut(station: Station, clock: SystemClock, at: float | None = None) -> None:
    station.kill()
    clock.power_cut(at)
    station.start()
    station.wait_ready()


def now() -> datetime:
    return datetime.now(UTC)


def in_order(transaction: Transaction) -> None:
    assert transaction.check() == []
    times = [report.at for report in transaction.in_order]
    assert times == sorted(times)


def how(csms: Csms) -> set[str]:
    """What customData of events says of their time (2.x)."""
    events = csms.calls("TransactionEvent")
    return {event.payload["customData"]["timeSource"] for event in events if "customData" in event.payload}


def settings(csms: Csms) -> list[str]:
    """What the security event says, each time the clock was set."""
    told = csms.calls("SecurityEventNotification")
    return [event.payload["techInfo"] for event in told if event.payload["type"] == "SettingSystemTime"]


def test_a_visit_in_1970_is_told_with_the_time_that_was(
    make: Any, csms: Csms, clock: SystemClock, dialect: str
) -> None:
    before = in_the_dark(csms, clock)
    with make() as station:
        begin_offline(station)
        shown = station.ctl("outbox")["messages"]
        assert {message["time"] for message in shown} == {"not known yet"}
        assert station.ctl("status")["clock"] == "not known"
        back_online(csms)
        delivered(station)
        assert station.ctl("status")["clock"] == "told"
        transaction = end(station, csms)
    assert before - ON_ITS_WAY <= transaction.in_order[0].at <= now()
    assert len(settings(csms)) == 1
    assert "1970" in settings(csms)[0]
    if dialect == "2.0.1":
        assert how(csms) == {"put right"}


def test_a_power_cut_in_the_dark_leaves_an_estimate_that_says_so(
    make: Any, csms: Csms, clock: SystemClock, dialect: str
) -> None:
    before = in_the_dark(csms, clock)
    with make() as station:
        begin_offline(station)
        power_cut(station, clock, DARK)
        charging(station)
        back_online(csms)
        delivered(station)
        transaction = end(station, csms)
    # As late as it can have been, less what a dark clock counts on over a power cut.
    assert before - timedelta(minutes=11) <= transaction.in_order[0].at <= now()
    if dialect == "2.0.1":
        assert how(csms) == {"estimated", "put right"}


def test_a_process_that_is_killed_in_the_dark_loses_no_time(make: Any, csms: Csms, clock: SystemClock) -> None:
    before = in_the_dark(csms, clock)
    with make() as station:
        begin_offline(station)
        station.restart(Station.kill)
        charging(station)
        back_online(csms)
        transaction = end(station, csms)
    assert before - ON_ITS_WAY <= transaction.in_order[0].at <= now()
    assert how(csms) <= {"put right"}


@pytest.mark.parametrize("wrong_s", [200 * DAY, 7 * HOUR])
def test_a_wrong_but_plausible_clock_is_put_right_before_anything_is_told(
    make: Any, csms: Csms, clock: SystemClock, wrong_s: float
) -> None:
    clock.tell(ahead_s=wrong_s)
    csms.offline()
    before = now()
    with make() as station:
        begin_offline(station)
        assert station.ctl("status")["clock"] == "system clock, not confirmed"
        back_online(csms)
        transaction = end(station, csms)
    assert all(before - ON_ITS_WAY <= report.at <= now() + ON_ITS_WAY for report in transaction.in_order)


def test_a_system_clock_that_jumps_while_the_station_runs_moves_nothing(
    make: Any, csms: Csms, clock: SystemClock
) -> None:
    with make() as station:
        csms.wait_status("Available")
        station.ctl("sim.plug_in", evse=1)
        station.ctl("sim.swipe", token=TOKEN)
        charging(station)
        for ahead_s in (5 * HOUR, -5 * HOUR, 400 * DAY):
            clock.tell(ahead_s=ahead_s)
            count = len(_samples(csms))
            until(lambda n=count: len(_samples(csms)) > n, "a sample")
        transaction = end(station, csms)
    assert all(abs((report.at - now()).total_seconds()) < 300 for report in transaction.in_order)
    gaps = [(b.at - a.at).total_seconds() for a, b in pairwise(transaction.in_order)]
    assert max(gaps) < 60, "a jump moves no interval"
    assert not settings(csms)


def _samples(csms: Csms) -> list[Any]:
    return csms.calls("MeterValues") + csms.calls("TransactionEvent", lambda m: "meterValue" in m.payload)


def test_a_csms_that_tells_an_absurd_time_once_is_asked_again_and_not_believed(
    make: Any, csms: Csms, clock: SystemClock
) -> None:
    csms.offline()
    with make() as station:
        begin_offline(station)
        csms.answers["BootNotification"] = {
            "status": "Accepted", "currentTime": "2033-03-03T03:03:03Z", "interval": 300,
        }  # fmt: skip
        csms.online()
        csms.wait("Heartbeat")
        transaction = end(station, csms)
    assert all(abs((report.at - now()).total_seconds()) < 300 for report in transaction.in_order)
    assert not settings(csms)


def test_a_csms_that_puts_the_clock_back_turns_no_order_round(
    make: Any, csms: Csms, clock: SystemClock, dialect: str
) -> None:
    csms.desk.clock_offset_s = HOUR
    with make(**{"OCPPCommCtrlr.HeartbeatInterval": 1}) as station:
        csms.desk.boot_interval_s = 1
        csms.wait_status("Available")
        until(lambda: ahead_s(station) > HOUR / 2, "the wrong time")
        station.ctl("sim.plug_in", evse=1)
        station.ctl("sim.swipe", token=TOKEN)
        charging(station)
        csms.wait_event("Started")
        delivered(station)
        csms.desk.clock_offset_s = 0.0
        csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        until(lambda: ahead_s(station) < 60, "the right time")
        end(station, csms)
    assert len(settings(csms)) == 2
    if dialect == "2.0.1":
        assert how(csms) == {"held"}


def test_ntp_tells_the_time_where_no_csms_does(make: Any, csms: Csms, clock: SystemClock) -> None:
    in_the_dark(csms, clock)
    with make() as station:
        begin_offline(station)
        clock.set(None)
        clock.kernel("synchronised")
        until(lambda: station.ctl("status")["clock"] != "not known", "the time")
        told = station.ctl("outbox")["messages"]
        # By what comes first: a look at the system's clock, which is right by now, or the word of who keeps it.
        assert {message["time"] for message in told[:3]} <= {"system", "put right"}
        assert all(message["at"].startswith(str(now().year)) for message in told)
        assert abs(ahead_s(station)) < 60
        until(lambda: session(station).get("started_at", "").startswith(str(now().year)), "the year of the start")
        station.ctl("sim.swipe", token=TOKEN)
        leave(station)
