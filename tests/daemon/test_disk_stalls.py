"""A disk that stands still and says nothing: what makes safe waits for nothing, what rests on it waits; and where that
takes long, nobody charges on credit."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chargepointd.core.keeping import WRITABLE
from chargepointd.storage.stall import REASON
from tests.csms import Csms
from tests.daemon import stalled
from tests.daemon.control import ControlError
from tests.daemon.process import Station
from tests.daemon.visit import (
    OTHER,
    begin,
    brisk,
    delivered,
    finish,
    register_wh,
    safe,
    shown_charging,
    true_to,
    until,
    world,
)

pytestmark = pytest.mark.process


@contextmanager
def standing(station: Station) -> Iterator[None]:
    (station.home / "stalled").touch()
    try:
        yield
    finally:
        (station.home / "stalled").unlink()


def test_a_car_that_leaves_meanwhile_is_cut_off_at_once_and_let_go_when_that_is_kept(csms: Csms, dialect: str) -> None:
    with Station(brisk(csms.url, dialect), command=stalled.COMMAND, env={"STALL_LOOK_S": "60"}) as station:
        before = register_wh(station)
        running = begin(station, csms)
        with standing(station):
            station.ctl("sim.plug_out", evse=1, side="ev")
            safe(station)
            until(lambda: station.ctl("outbox")["queued"], "record that waits for the disk")
            over = time.monotonic() + 2.0
            while time.monotonic() < over:
                assert world(station)["locked"], "let go before its end is kept"
            assert running.ended is None
        csms.wait_event("Ended")
        until(lambda: not world(station)["locked"], "unlocked plug")
        delivered(station)
        assert csms.books.only() is running
        assert running.kinds.count("Ended") == 1
        assert true_to(register_wh(station) - before, running.energy_wh, dialect)


def test_where_it_lasts_no_energy_flows_the_csms_hears_of_it_and_all_goes_on_by_itself(
    csms: Csms, dialect: str
) -> None:
    env = {"STALL_LOOK_S": "0.6"}
    with Station(brisk(csms.url, dialect), command=stalled.COMMAND, env=env) as station:
        before = register_wh(station)
        running = begin(station, csms)
        with standing(station):
            csms.wait_status("Faulted", 1)
            until(lambda: world(station)["contactor"] == "open", "open contactor")
            event = csms.wait("SecurityEventNotification", type="MemoryExhaustion")
            assert event["techInfo"] == f"nothing can be kept, so nobody may charge: {REASON}; {WRITABLE}"
            assert station.ctl("status")["storage"] == REASON
            flowed, told = register_wh(station), len(running.in_order)
            assert csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})["status"] == "Accepted"
            csms.wait("Heartbeat")
            assert register_wh(station) == flowed
            assert len(running.in_order) == told, "a record was told that is not kept"
        csms.wait_status("Occupied", 1)
        shown_charging(station)
        ended = finish(station, csms)
        delivered(station)
        assert csms.books.only() is ended
        assert true_to(register_wh(station) - before, ended.energy_wh, dialect)
        assert station.ctl("status")["storage"] == ""
        assert csms.books.check() == []


@pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
def test_where_it_does_so_again_nobody_charges_until_it_was_quiet_and_people_are_told_to_replace_it(
    csms: Csms, dialect: str
) -> None:
    env = {"STALL_LOOK_S": "0.3", "STALL_QUIET_S": "6"}
    with Station(brisk(csms.url, dialect), command=stalled.COMMAND, env=env) as station:
        running = begin(station, csms)
        for _ in range(2):
            with standing(station):
                csms.wait_status("Faulted", 1)
                safe(station)
            until(lambda: not station.ctl("status")["storage"], "disk that is written again")
            told = station.ctl("status").get("suspect")
            if not told:
                csms.wait_status("Occupied", 1)
                shown_charging(station)
        assert "replace the card" in told
        assert world(station)["contactor"] == "open"
        csms.wait("SecurityEventNotification", type="MemoryExhaustion", techInfo=told)
        assert any("replace the card" in each.fields.get("STATUS", "") for each in station.notify.told)
        with pytest.raises(ControlError, match="replace the card"):
            station.ctl("start", evse=1, token=OTHER)
        csms.wait_status("Occupied", 1)
        assert "suspect" not in station.ctl("status")
        shown_charging(station)
        assert finish(station, csms).id == running.id
        delivered(station)
        assert csms.books.check() == []


EX_IOERR = 74
NEW = pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
WAITS = "waits {} s for the disk to take what is to be kept"


def told_to_end(station: Station, end_s: str) -> None:
    """While the end of a visit waits for the disk."""
    station.ctl("sim.plug_out", evse=1, side="ev")
    safe(station)
    until(lambda: station.ctl("outbox")["queued"], "record that waits for the disk")
    os.kill(station.pid, signal.SIGTERM)
    station.wait_log(WAITS.format(end_s))


def goes_on(station: Station, csms: Csms) -> None:
    """Nothing was told that was not kept: the next start has it all, or does it again."""
    station.start()
    station.wait_ready()
    csms.wait_event("Ended")
    delivered(station)
    assert len(csms.books.transactions) == 1
    assert csms.books.check() == []


@NEW
@pytest.mark.parametrize("twice", [False, True])
def test_the_end_of_the_process_is_bounded_and_says_what_is_not_kept(csms: Csms, dialect: str, *, twice: bool) -> None:
    """Within its time, or at once if it is told so again; what is not kept was not told."""
    end_s = "3600" if twice else "1"
    env = {"STALL_LOOK_S": "60", "STALL_END_S": end_s}
    with Station(brisk(csms.url, dialect), command=stalled.COMMAND, env=env) as station:
        begin(station, csms)
        with standing(station):
            told_to_end(station, end_s)
            if twice:
                os.kill(station.pid, signal.SIGTERM)
            assert station.expect_exit() == EX_IOERR
        assert "Ended" in station.wait_log("the disk does not answer; not known to be kept: ")
        goes_on(station, csms)


@NEW
def test_a_write_that_comes_back_within_that_time_is_kept(csms: Csms, dialect: str) -> None:
    env = {"STALL_LOOK_S": "60", "STALL_END_S": "60"}
    with Station(brisk(csms.url, dialect), command=stalled.COMMAND, env=env) as station:
        begin(station, csms)
        with standing(station):
            told_to_end(station, "60")
        assert station.expect_exit() == 0
        goes_on(station, csms)


@NEW
def test_a_restart_does_not_wait_for_the_disk_for_ever(csms: Csms, dialect: str) -> None:
    env = {"STALL_LOOK_S": "0.3", "STALL_END_S": "1"}
    with Station(brisk(csms.url, dialect), command=stalled.COMMAND, env=env) as station:
        csms.wait("BootNotification")
        running = begin(station, csms)
        with standing(station):
            csms.wait_status("Faulted", 1)
            assert csms.call("Reset", {"type": "Immediate"})["status"] == "Accepted"
            station.wait_log("not known to be kept: ")
        csms.wait("BootNotification")
        csms.wait_status("Occupied", 1)
        shown_charging(station)
        assert finish(station, csms).id == running.id
        delivered(station)
