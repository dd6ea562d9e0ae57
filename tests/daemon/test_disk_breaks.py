"""A disk that breaks while a car charges: the kernel makes it read-only, it gives errors, or what it holds is no longer
what was written. The real process; its system calls fail under strace, which comes and goes while it runs."""

import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chargepointd.core import effects as f
from chargepointd.storage.store import Store
from tests.csms import Csms
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
        assert event["techInfo"] == f"nothing can be kept, so nobody may charge: {SAID[error]}"
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


def test_damage_that_is_met_in_mid_flight_ends_the_process_and_the_next_goes_on_with_what_is_whole(
    csms: Csms, dialect: str
) -> None:
    station = Station(brisk(csms.url, dialect))
    store = Store(station.state_dir)
    store.open()
    store.commit([f.SaveRecord(n, f"m-{n}", record(n)) for n in range(1, LETTERS)], durable=True)
    store.commit([f.SettleRecord(n, "refused") for n in range(1, LETTERS)], durable=True)
    store.close()
    with station:
        csms.wait_status("Available", 1)
        station.ctl("sim.plug_in", evse=1)
        station.ctl("sim.swipe", token=TOKEN)
        running = csms.books.of(csms.wait_event("Started"))
        shown_charging(station)
        database = station.state_dir / "chargepointd.db"
        chance = random.Random(1)
        with database.open("r+b") as file:
            for at in range(0, database.stat().st_size, 1024):
                file.seek(at)
                if file.read(1024).count(b"MeterValuePeriodic") > 2:
                    file.seek(at)
                    file.write(chance.randbytes(1024))
        with pytest.raises(AssertionError, match="closed without an answer"):
            station.ctl("outbox", act="dead")
        assert station.expect_exit() == 1
        assert "what can be read of it is saved at the next start" in station.log
        station.start()
        station.wait_ready()
        event = csms.wait("SecurityEventNotification", type="StateDamaged")
        assert "rows of dead" in event["techInfo"]
        assert station.ctl("status")["damaged"] == ["rows of dead"]
        shown_charging(station)
        ended = finish(station, csms)
        assert ended.id == running.id
        until(lambda: station.ctl("outbox")["queued"] == 0, "empty outbox")
        assert csms.books.check() == []
