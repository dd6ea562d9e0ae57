"""A disk that breaks while a car charges: the kernel makes it read-only, it gives errors, or what it holds is no longer
what was written. The real process; its system calls fail under strace, which comes and goes while it runs."""

import base64
import io
import random
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chargepointd.core import effects as f
from chargepointd.core.keeping import WRITABLE
from chargepointd.storage.store import Store
from tests.csms import Csms, Transaction
from tests.daemon.bad_sector import COMPILER, bad_sector
from tests.daemon.control import ControlError
from tests.daemon.process import Station
from tests.daemon.visit import (
    OTHER,
    TOKEN,
    Desk,
    begin,
    brisk,
    delivered,
    finish,
    leave,
    register_wh,
    safe,
    shown_charging,
    true_to,
    until,
)
from tests.storage.test_damage import record

pytestmark = pytest.mark.process

CALLS = "pwrite64,write,fdatasync,fsync,ftruncate,openat"
SAID = {"EROFS": "Read-only file system", "EIO": "Input/output error"}


@contextmanager
def failing(station: Station, error: str) -> Iterator[None]:
    """Whatever is to be written of the database fails, in all threads of the process."""
    paths = [station.state_dir / name for name in ("chargepointd.db", "chargepointd.db-wal", "probe")]
    command = ["strace", "-f", "-p", str(station.pid), "-o", "/dev/null", *(f"-P{path}" for path in paths)]
    command += ["-e", f"trace={CALLS}", "-e", f"inject={CALLS}:error={error}"]
    strace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert strace.stderr
    try:
        for line in strace.stderr:
            if "attached" in line:
                break
        else:
            pytest.skip("strace may not be attached to a process here")
        yield
    finally:
        strace.terminate()
        strace.communicate(timeout=20)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("error", SAID)
def test_a_disk_that_takes_no_write_any_more_stops_the_charging_until_it_does(
    error: str, station: Station, csms: Csms, desk: Desk, dialect: str
) -> None:
    running = begin(station, csms)
    with failing(station, error):
        csms.wait_status("Faulted", 1)
        safe(station)
        event = csms.wait("SecurityEventNotification", type="MemoryExhaustion")
        assert event["techInfo"] == f"nothing can be kept, so nobody may charge: {SAID[error]}; {WRITABLE}"
        ctl = [sys.executable, "-m", "chargepointd.cli", "--state-dir", str(station.state_dir), "status"]
        shown = subprocess.run(ctl, capture_output=True, text=True, timeout=60)
        assert f"nothing can be kept, nobody may charge: {SAID[error]}; make room on the disk" in shown.stdout
        assert station.ctl("status")["storage"] == SAID[error]
        assert desk.start(2, OTHER) == "Rejected"
        with pytest.raises(ControlError, match=SAID[error]):
            station.ctl("start", evse=2, token=OTHER)
    csms.wait_status("Occupied", 1, timeout=60.0)
    shown_charging(station)
    ended = finish(station, csms)
    assert ended.id == running.id
    assert true_to(register_wh(station), ended.energy_wh, dialect)
    delivered(station)
    assert station.ctl("status")["storage"] == ""
    assert csms.books.check() == []


LETTERS = 12_000
"""records that were set aside: more than the process has in its cache"""
NEW = pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
REASON = "the records that were set aside cannot be read"


def with_letters(station: Station) -> None:
    """In a file without free pages: what is found in it stands in a table."""
    store = Store(station.state_dir)
    store.open()
    cards = tuple((f"CARD{n}", '["Accepted"]') for n in range(5000))
    store.commit([f.SaveListed(full=True, entries=cards), f.SaveState("local_list", 7)], durable=True)
    store.commit([f.SaveRecord(n, f"m-{n}", record(n)) for n in range(1, LETTERS)], durable=True)
    store.commit([f.SettleRecord(n, "refused") for n in range(1, LETTERS)], durable=True)
    store.close()
    with sqlite3.connect(station.state_dir / "chargepointd.db", isolation_level=None) as db:
        db.execute("VACUUM")
    db.close()


def damage(station: Station, text: bytes) -> None:
    """Every page that has it more than twice."""
    database, chance = station.state_dir / "chargepointd.db", random.Random(1)
    with database.open("r+b") as file:
        for at in range(0, database.stat().st_size, 1024):
            file.seek(at)
            if file.read(1024).count(text) > 2:
                file.seek(at)
                file.write(chance.randbytes(1024))


@NEW
def test_damage_that_a_person_meets_is_answered_and_saved_when_nobody_charges(csms: Csms, dialect: str) -> None:
    station = Station(brisk(csms.url, dialect))
    with_letters(station)
    with station:
        csms.wait("BootNotification")
        running = begin_with_letters(station, csms)
        damage(station, b"MeterValuePeriodic")
        for act in ("dead", "export", "retry"):
            with pytest.raises(ControlError, match=REASON):
                station.ctl("outbox", act=act)
        told = csms.wait("SecurityEventNotification", type="StateDamaged")["techInfo"]
        assert REASON in told
        assert station.ctl("status")["damaged"] == [told]
        assert f"set_aside.json: {REASON}" in bundle(station)["missing.txt"].decode()
        shown_charging(station)
        station.ctl("sim.swipe", token=TOKEN)
        assert csms.books.of(csms.wait_event("Ended")).id == running.id
        leave(station)
        csms.wait("BootNotification")
        assert "rows of dead" in csms.wait("SecurityEventNotification", type="StateDamaged")["techInfo"]
        until(lambda: station.ctl("status")["damaged"] == ["rows of dead"], "what is lost")
        assert "letters" in station.ctl("outbox", act="dead"), "it can be asked again"
        assert csms.books.check() == []


@NEW
def test_damage_of_what_is_written_ends_the_process_and_the_next_goes_on_with_what_is_whole(
    csms: Csms, dialect: str
) -> None:
    station = Station(brisk(csms.url, dialect))
    with_letters(station)
    with station:
        running = begin_with_letters(station, csms)
        damage(station, b"MeterValuePeriodic")
        damage(station, b"CARD")
        with pytest.raises(AssertionError, match="closed without an answer"):
            station.ctl("outbox", act="dead")
        assert station.expect_exit() == 1
        assert "what can be read of it is saved at the next start" in station.log
        station.start()
        station.wait_ready()
        event = csms.wait("SecurityEventNotification", type="StateDamaged")
        assert "rows of dead" in event["techInfo"]
        assert "rows of dead" in station.ctl("status")["damaged"]
        shown_charging(station)
        ended = finish(station, csms)
        assert ended.id == running.id
        until(lambda: station.ctl("outbox")["queued"] == 0, "empty outbox")
        assert csms.books.check() == []


def fold(station: Station) -> None:
    """All that the log holds into the database."""
    with sqlite3.connect(station.state_dir / "chargepointd.db", isolation_level=None) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def begin_with_letters(station: Station, csms: Csms) -> Transaction:
    csms.wait_status("Available", 1)
    station.ctl("sim.plug_in", evse=1)
    station.ctl("sim.swipe", token=TOKEN)
    running = csms.books.of(csms.wait_event("Started"))
    shown_charging(station)
    return running


def bundle(station: Station) -> dict[str, bytes]:
    """Its parts, by name."""
    packed = base64.b64decode(station.ctl("bundle")["archive"])
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        files = [each for each in archive.getmembers() if each.isfile()]
        return {each.name.rpartition("/")[2]: archive.extractfile(each).read() for each in files}  # type: ignore[union-attr]


BRISK = "import sys; from chargepointd.storage import writer; writer.RETRY_S = (0.2, 0.4); "
BRISK += "from chargepointd.__main__ import main; sys.exit(main())"
"""the daemon, which tries soon again what could not be done"""


@pytest.mark.skipif(COMPILER is None, reason="there is no compiler for what stands between the process and its files")
@pytest.mark.parametrize("part", ["", "-wal"])
def test_a_sector_that_cannot_be_read_costs_what_is_in_it_and_no_more(part: str, tmp_path: Path) -> None:
    """In the log: what was written last may have been told, so there is a gap (S5)."""
    with (
        Csms(versions=("2.0.1",), audit=not part) as csms,
        Station(brisk(csms.url, "2.0.1"), command=(sys.executable, "-c", BRISK)) as station,
    ):
        running = begin(station, csms)
        station.kill()
        if not part:
            fold(station)
        file = station.state_dir / f"chargepointd.db{part}"
        end = len(file.read_bytes().rstrip(b"\0"))
        station.env |= bad_sector(file, end - 1 if part else end * 3 // 4, tmp_path)
        csms.forget()
        station.start()
        station.wait_ready()
        csms.wait_status("Faulted", 1)
        told = csms.wait("SecurityEventNotification", type="MemoryExhaustion")
        assert "a part of the disk cannot be read" in told["techInfo"]
        csms.wait("SecurityEventNotification", type="StateDamaged")
        until(lambda: not station.ctl("status")["storage"], "disk that is relied on")
        assert station.ctl("status")["damaged"]
        assert (station.state_dir / f"chargepointd.db.broken-1{part}").exists()
        csms.wait_status("Occupied", 1)
        shown_charging(station)
        ended = finish(station, csms)
        assert ended.id == running.id
        delivered(station)
