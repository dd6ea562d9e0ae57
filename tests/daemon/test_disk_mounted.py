"""A file system of its own for the state, really full and really read-only. Where the tests may mount one (root, or
user namespaces); `test_disk_failure.py` has the same stories without."""

import os
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.csms import Csms
from tests.daemon.control import ControlError
from tests.daemon.process import COMMAND, Station
from tests.daemon.visit import OTHER, begin, brisk, delivered, finish, safe, shown_charging, until

pytestmark = pytest.mark.process

UNSHARE = ("unshare", "-m") if os.geteuid() == 0 else ("unshare", "-r", "-m")
_MOUNT = 'for last; do :; done; mount -t tmpfs -o size=3m none "$last" && {} exec "$@"'


def can_mount() -> bool:
    tried = [*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(tried, capture_output=True, timeout=20, check=False).returncode == 0
    except OSError:
        return False


if not can_mount():
    pytest.skip("no file system may be mounted here", allow_module_level=True)


def mounted(csms: Csms, dialect: str, then: str = "") -> Station:
    """Its state directory is 3 MB large, and the shell does `then` before it starts."""
    station = Station(brisk(csms.url, dialect), command=(*UNSHARE, "sh", "-c", _MOUNT.format(then), "sh", *COMMAND))
    station.config["control"]["socket"] = str(station.home / "control.sock")
    return station


def within(station: Station, *command: str) -> None:
    """Run in its mount namespace."""
    user: Sequence[str] = () if os.geteuid() == 0 else ("-U", "--preserve-credentials")
    subprocess.run(["nsenter", "-t", str(station.pid), "-m", *user, *command], check=True, timeout=20)


def inside(station: Station) -> Path:
    """The state directory as the process sees it."""
    return Path(f"/proc/{station.pid}/root{station.state_dir}")


def fill(directory: Path) -> Path:
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 1024, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    return filler


def written(station: Station) -> str:
    """One commit more; why that cannot be kept."""
    with suppress(ControlError):
        station.ctl("set", variable="TxCtrlr.EVConnectionTimeOut", value=str(60 + time.monotonic_ns() % 60))
    return str(station.ctl("status")["storage"])


def test_a_disk_that_is_really_full_stops_the_charging_until_there_is_room(csms: Csms, dialect: str) -> None:
    with mounted(csms, dialect) as station:
        running = begin(station, csms)
        filler = fill(inside(station))
        until(lambda: written(station), "end of the room that the log still has")
        csms.wait_status("Faulted", 1)
        safe(station)
        assert station.ctl("status")["storage"] == "No space left on device"
        filler.unlink()
        csms.wait_status("Occupied", 1, timeout=60.0)
        shown_charging(station)
        assert finish(station, csms).id == running.id
        delivered(station)
        assert csms.books.check() == []


def test_a_read_only_disk_at_the_start_is_told_until_it_can_be_written(csms: Csms, dialect: str) -> None:
    with mounted(csms, dialect, 'mount -o remount,ro "$last" &&') as station:
        csms.wait_status("Faulted", 1)
        assert station.ctl("status")["storage"] == "Read-only file system"
        station.ctl("sim.plug_in", evse=1)
        within(station, "mount", "-o", "remount,rw", str(station.state_dir))
        csms.wait_status("Occupied", 1, timeout=60.0)
        station.ctl("sim.swipe", token=OTHER)
        csms.wait_event("Started")
        shown_charging(station)
        finish(station, csms, token=OTHER)
        assert csms.books.check() == []
