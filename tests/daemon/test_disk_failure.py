"""A disk that takes nothing any more while a car charges: power is off at once, CSMS and technician are told why,
nothing is promised or told that could be lost; and when the disk is back all goes on by itself, with complete books."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import OTHER, Desk, begin, delivered, finish, register_wh, session, true_to, until, world

pytestmark = pytest.mark.process


@contextmanager
def full_disk(station: Station) -> Iterator[None]:
    """No file of the process grows any more, nor is it written."""
    before = resource.prlimit(station.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(station.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(station.pid, resource.RLIMIT_FSIZE, before)


def safe(station: Station) -> None:
    until(lambda: (world(station)["contactor"], world(station)["offer_a"]) == ("open", 0), "safe state")


def test_a_full_disk_stops_the_charging_is_told_and_all_goes_on_by_itself(
    station: Station, csms: Csms, desk: Desk, dialect: str
) -> None:
    running = begin(station, csms)
    with full_disk(station):
        csms.wait_status("Faulted", 1)
        csms.wait_status("Faulted", 2)
        safe(station)
        event = csms.wait("SecurityEventNotification", type="MemoryExhaustion")
        assert event["techInfo"] == "nothing can be kept, so nobody may charge: File too large"
        assert station.ctl("status")["storage"] == "File too large"
        until(lambda: any("File too large" in each.fields.get("STATUS", "") for each in station.notify.told), "STATUS")
        seen = len(running.in_order)
        assert desk.operate(False, 2) == "Rejected"
        assert desk.start(2, OTHER) == "Rejected"
        station.ctl("sim.plug_in", evse=2)
        station.ctl("sim.swipe", token=OTHER)
        assert desk.sample(2) == "Accepted"
        csms.wait("MeterValues")
        assert len(running.in_order) == seen, "a record was told that is not kept"
        assert station.ctl("outbox")["queued"] > 0
    csms.wait_status("Occupied", 1)
    until(lambda: session(station).get("charging_state") == "Charging", "charging again")
    ended = finish(station, csms)
    assert ended.id == running.id
    assert true_to(register_wh(station), ended.energy_wh, dialect)
    delivered(station)
    assert station.ctl("status")["storage"] == ""
    assert csms.books.check() == []
