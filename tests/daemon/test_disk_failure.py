"""A disk that takes nothing any more while a car charges: power is off at once, CSMS and technician are told why,
nothing is promised or told that could be lost; and when the disk is back all goes on by itself, with complete books."""

import os
import resource
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from chargepointd.core import effects as f
from chargepointd.core.keeping import WRITABLE
from chargepointd.storage.store import Store
from tests.csms import Csms
from tests.daemon import stalled
from tests.daemon.control import ControlError
from tests.daemon.process import COMMAND, Station
from tests.daemon.visit import (
    OTHER,
    TOKEN,
    Desk,
    begin,
    brisk,
    delivered,
    finish,
    register_wh,
    safe,
    shown_charging,
    true_to,
    until,
)
from tests.pki import Authority

EXIT_UNKEPT = 74

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


def nobody_begins(station: Station, evse: int) -> None:
    """And who tries it is told why, and what to do."""
    remedy = "nothing can be kept: File too large; make room on the disk of the state directory"
    for method, params in (("start", {"evse": evse}), ("sim.swipe", {})):
        with pytest.raises(ControlError, match=remedy):
            station.ctl(method, token=OTHER, **params)


def test_a_full_disk_stops_the_charging_is_told_and_all_goes_on_by_itself(
    station: Station, csms: Csms, desk: Desk, dialect: str
) -> None:
    running = begin(station, csms)
    with full_disk(station):
        csms.wait_status("Faulted", 1)
        csms.wait_status("Faulted", 2)
        safe(station)
        event = csms.wait("SecurityEventNotification", type="MemoryExhaustion")
        assert event["techInfo"] == f"nothing can be kept, so nobody may charge: File too large; {WRITABLE}"
        assert station.ctl("status")["storage"] == "File too large"
        until(lambda: any("File too large" in each.fields.get("STATUS", "") for each in station.notify.told), "STATUS")
        seen = len(running.in_order)
        assert desk.operate(False, 2) == "Rejected"
        assert desk.start(2, OTHER) == "Rejected"
        station.ctl("sim.plug_in", evse=2)
        nobody_begins(station, 2)
        assert desk.sample(2) == "Accepted"
        csms.wait("MeterValues")
        assert len(running.in_order) == seen, "a record was told that is not kept"
        assert station.ctl("outbox")["queued"] > 0
        assert station.ctl("profiles") == {"profiles": []}
        assert "missing.txt" in station.ctl("bundle")["parts"], "an archive of what can be had"
        for method, act in (("outbox", "retry"), ("outbox", "dead"), ("limit", "show")):
            with pytest.raises(ControlError, match="nothing can be kept: File too large"):
                station.ctl(method, act=act)
    csms.wait_status("Occupied", 1)
    shown_charging(station)
    ended = finish(station, csms)
    assert ended.id == running.id
    assert true_to(register_wh(station), ended.energy_wh, dialect)
    delivered(station)
    assert station.ctl("status")["storage"] == ""
    assert csms.books.check() == []


def test_what_waits_for_a_disk_that_stands_still_does_not_count_as_unanswered(csms: Csms, dialect: str) -> None:
    impatient = {"OCPPCommCtrlr.MessageTimeout[Default]": 2, "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": 2}
    with Station(brisk(csms.url, dialect, **impatient), command=stalled.COMMAND) as station:
        begin(station, csms)
        (station.home / "stalled").touch()
        station.ctl("sim.swipe", token=TOKEN)
        until(lambda: station.ctl("outbox")["queued"], "record that waits for the disk")
        over = time.monotonic() + 5.0
        until(lambda: time.monotonic() > over, "end of the time for both attempts")
        (station.home / "stalled").unlink()
        csms.wait_event("Ended")
        delivered(station)
        assert station.ctl("outbox")["dead"] == 0
        assert csms.books.check() == []


UNWRITABLE = ("prlimit", "--fsize=0:unlimited", *COMMAND)
"""as `full_disk`, from the start on"""


def test_a_disk_that_is_full_at_the_start_is_told_and_the_station_begins_anew_when_it_is_not(
    csms: Csms, dialect: str
) -> None:
    station = Station(brisk(csms.url, dialect), command=UNWRITABLE)
    with station:
        csms.wait_status("Faulted", 1)
        event = csms.wait("SecurityEventNotification", type="MemoryExhaustion")
        assert "nobody may charge: File too large" in event["techInfo"]
        assert station.ctl("status")["storage"] == "File too large"
        station.ctl("sim.plug_in", evse=1)
        nobody_begins(station, 1)
        pid = station.pid
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        csms.wait_status("Occupied", 1)
        until(lambda: not station.ctl("status")["storage"], "sound storage")
        assert station.pid == pid
        station.ctl("sim.swipe", token=OTHER)
        csms.wait_event("Started")
        shown_charging(station)
        finish(station, csms, token=OTHER)
        delivered(station)
        assert csms.books.check() == []


def test_an_end_while_nothing_can_be_kept_says_what_is_lost(station: Station, csms: Csms, dialect: str) -> None:
    running = begin(station, csms)
    resource.prlimit(station.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    csms.wait_status("Faulted", 1)
    safe(station)
    os.kill(station.pid, signal.SIGTERM)
    assert station.expect_exit() == EXIT_UNKEPT
    assert f"of transaction {running.id if dialect == '2.0.1' else ''}" in station.wait_log("is lost: ")
    station.start()
    station.wait_ready()
    shown_charging(station)
    assert finish(station, csms).id == running.id
    delivered(station)
    assert csms.books.check() == []


def test_a_directory_in_place_of_the_database_is_told_until_it_is_gone(csms: Csms, dialect: str) -> None:
    station = Station(brisk(csms.url, dialect))
    (station.state_dir / "chargepointd.db").mkdir(parents=True)
    with station:
        csms.wait_status("Faulted", 1)
        assert station.ctl("status")["storage"] == "unable to open database file"
        (station.state_dir / "chargepointd.db").rmdir()
        assert begin(station, csms).started


def test_a_damaged_file_is_told_and_what_is_readable_of_it_goes_on(station: Station, csms: Csms) -> None:
    """Somebody's card list is gone; the transaction that runs goes on and ends as if nothing had been."""
    running = begin(station, csms)
    station.kill()
    database = station.state_dir / "chargepointd.db"
    log = database.with_name("chargepointd.db-wal")
    changed = bytearray(log.read_bytes())
    changed[len(changed.rstrip(b"\0")) // 2] ^= 4  # behind what was written there is room
    log.write_bytes(changed)
    station.start()
    station.wait_ready()
    station.wait_log("its log was changed on the disk")
    shown_charging(station)
    assert finish(station, csms).id == running.id
    delivered(station)
    assert csms.books.check() == []


COPYING = "import sys; from chargepointd.storage import copies; copies.FIRST_S = 0.0; "
COPYING += "from chargepointd.__main__ import main; sys.exit(main())"
"""the daemon, which makes its daily copy at its first commit"""


def _cut_off(data: bytearray) -> None:
    del data[len(data) // 2 :]


def _flipped(data: bytearray) -> None:
    """A bit of each hundredth byte."""
    for at in range(50, len(data), 100):
        data[at] ^= 1 << at % 8


def _zeroed(data: bytearray) -> None:
    data[:] = bytes(len(data))


@pytest.mark.parametrize(
    ("dialect", "damage"), [("1.6", _cut_off), ("2.0.1", _flipped), ("2.0.1", _zeroed)], indirect=["dialect"]
)
def test_of_a_file_that_is_lost_what_was_set_comes_from_the_newest_copy_and_people_are_told(
    csms: Csms, dialect: str, damage: Callable[[bytearray], None]
) -> None:
    station, desk = Station(brisk(csms.url, dialect), command=(sys.executable, "-c", COPYING)), Desk(csms)
    with station:
        before = begin(station, csms)
        finish(station, csms)
        assert desk.set("ConnectionTimeOut", "TxCtrlr.EVConnectionTimeOut", "77") == "Accepted"
        delivered(station)
        copy = station.state_dir / "chargepointd.db.copy-1"
        station.terminate()
        copy.unlink()
        station.start()  # the next copy knows the visit and the setting
        station.wait_ready()
        begin(station, csms)
        finish(station, csms)
        delivered(station)
        assert copy.exists()
        station.terminate()
        database = station.state_dir / "chargepointd.db"
        data = bytearray(database.read_bytes())
        damage(data)
        database.write_bytes(data)
        database.with_name("chargepointd.db-wal").unlink(missing_ok=True)
        station.start()
        station.wait_ready()
        told = csms.wait("SecurityEventNotification", type="StateDamaged")
        assert told["techInfo"]
        assert any("StateDamaged" in event.values() for event in station.ctl("security_log")["events"])
        assert station.ctl("status")["damaged"]
        assert desk.get("ConnectionTimeOut", "TxCtrlr.EVConnectionTimeOut") == "77"
        after = begin(station, csms)
        finish(station, csms)
        delivered(station)
        assert after.id != before.id
        assert len(csms.books.transactions) == 3
        assert csms.books.check() == []


@pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
def test_what_is_lost_of_a_file_while_the_disk_is_full_is_told_when_it_can_be_saved(csms: Csms, dialect: str) -> None:
    """What is readable is brought into a new file before the station begins anew with it."""
    station = Station(brisk(csms.url, dialect), command=UNWRITABLE)
    store = Store(station.state_dir)
    store.open()
    store.commit([f.SaveVariable(f"AuthCtrlr.Nothing[{n}]", "true") for n in range(500)], durable=True)
    store.close()
    database = station.state_dir / "chargepointd.db"
    data = bytearray(database.read_bytes())
    _flipped(data)
    database.write_bytes(data)
    with station:
        csms.wait_status("Faulted", 1)
        assert not list(station.state_dir.glob("*.broken-1"))
        resource.prlimit(station.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        csms.wait_status("Available", 1)
        csms.wait("SecurityEventNotification", type="StateDamaged")
        assert station.ctl("status")["damaged"]
        assert list(station.state_dir.glob("*.broken-1"))


@pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
def test_certificates_and_keys_outlive_that_the_disk_has_lost_which_of_them_count(
    station: Station, csms: Csms, dialect: str
) -> None:
    def installed() -> list[str]:
        rows = csms.call("GetInstalledCertificateIds")["certificateHashDataChain"]
        return [row["certificateHashData"]["serialNumber"] for row in rows]

    csms.wait_status("Available", 1)
    for use in ("CSMSRootCertificate", "ManufacturerRootCertificate"):
        payload = {"certificateType": use, "certificate": Authority(use).pem}
        assert csms.call("InstallCertificate", payload)["status"] == "Accepted"
    before = installed()
    station.terminate()
    with closing(sqlite3.connect(station.state_dir / "chargepointd.db")) as database:
        changed = database.execute("UPDATE state SET value = replace(value, 'CN=', 'CM=') WHERE name = 'certificates'")
        assert changed.rowcount == 1
        database.commit()
    for start in range(2):
        csms.forget()
        station.start()
        csms.wait_status("Available", 1)
        assert installed() == before
        if not start:
            csms.wait("SecurityEventNotification", type="StateDamaged")
        station.terminate()
