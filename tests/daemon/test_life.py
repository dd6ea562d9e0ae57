"""The life of the process: what systemd is told, how it ends, what a bug leaves, how it restarts itself."""

import gzip
import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from chargepointd.core.events import TokenPresented
from chargepointd.daemon.recording import read
from tests.csms import Csms
from tests.daemon import control
from tests.daemon.failing_daemon import BUG
from tests.daemon.process import COMMAND, ROOT, Station
from tests.daemon.test_bad_input import run
from tests.daemon.visit import (
    TOKEN,
    Desk,
    begin,
    brisk,
    charging,
    delivered,
    finish,
    leave,
    register_wh,
    true_to,
    whole_visit,
)
from tests.replay.replaying import differing

pytestmark = pytest.mark.process

NEW = pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
EX_SOFTWARE, EX_IOERR = 70, 74
STOP_S = 5.0
"""how long an end may take at most, whatever hangs; systemd would wait for 90 s"""


def failing(csms: Csms, dialect: str, where: str) -> Station:
    program = str(Path(__file__).with_name("failing_daemon.py"))
    env = {"PYTHONPATH": str(ROOT)}
    return Station(brisk(csms.url, dialect), command=(sys.executable, program, where), env=env)


# -- systemd -----------------------------------------------------------------------------------------------------------


@NEW
def test_systemd_is_told_how_it_stands(csms: Csms, dialect: str) -> None:
    csms.offline()
    with Station(brisk(csms.url, dialect)) as station:
        ready = station.wait_notify("READY", "1")
        assert ready.fields["STATUS"].startswith("not connected to ws://127.0.0.1")
        assert station.ctl("status")["csms"]["connected"] is False  # it answers before and without the CSMS
        csms.online()
        csms.wait("BootNotification")
        connected = f"connected to {csms.url} by ocpp2.0.1"
        station.wait_notify("STATUS", connected)
        csms.drop()
        station.wait_notify("STATUS", connected, skip=1)
        assert station.terminate().code == 0
        assert station.wait_notify("STOPPING", "1").fields["STATUS"] == "Stopping"


@NEW
def test_the_watchdog_is_fed_as_long_as_steps_are_made(csms: Csms, dialect: str) -> None:
    with Station(brisk(csms.url, dialect), watchdog_s=0.6) as station:
        told = [station.wait_notify("WATCHDOG", "1", skip=n) for n in range(8)]
        assert median(later.at - sooner.at for sooner, later in pairwise(told)) < 0.6  # the machine may stand still


@NEW
def test_without_a_watchdog_nothing_ticks(csms: Csms, dialect: str) -> None:
    with Station(brisk(csms.url, dialect)) as station:
        csms.wait_status("Available")
        assert station.notify.find("WATCHDOG") is None


# -- its end -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("csms_is", ["there", "away", "deaf"])
def test_a_stop_with_a_transaction_is_prompt_and_loses_nothing(
    station: Station, csms: Csms, dialect: str, csms_is: str
) -> None:
    before = register_wh(station)
    transaction = begin(station, csms)
    with station.watch() as events:
        if csms_is == "away":
            csms.offline()
        if csms_is == "deaf":
            csms.freeze()
        events.wait(kind="record", text="updated: MeterValuePeriodic, Charging")
        events.wait(kind="record", text="updated: MeterValuePeriodic, Charging")
    if csms_is != "there":
        assert station.ctl("outbox")["queued"] >= 2

    ended = station.terminate(STOP_S)
    assert ended.code == 0
    csms.forget()
    csms.online()
    station.start()
    station.wait_ready()

    charging(station)
    csms.wait("BootNotification")
    station.ctl("sim.swipe", token=TOKEN)
    csms.wait_event("Ended")
    delivered(station)
    assert csms.books.only() is transaction
    assert true_to(register_wh(station) - before, transaction.energy_wh, dialect)


@NEW
def test_a_stop_makes_the_hardware_safe(csms: Csms, dialect: str) -> None:
    with failing(csms, dialect, "none") as station:
        begin(station, csms)
        assert "contactor 1 opened" not in station.log
        assert station.terminate(STOP_S).code == 0
        assert "contactor 1 opened" in station.log


@NEW
def test_a_stop_makes_the_hardware_safe_before_anything_that_may_wait_for_a_disk(csms: Csms, dialect: str) -> None:
    with failing(csms, dialect, "close") as station:
        begin(station, csms)
        try:
            os.kill(station.pid, signal.SIGTERM)
            station.wait_log("contactor 1 opened")
        finally:
            (station.home / "goes_on").touch()
        assert station.expect_exit() == 0


@NEW
def test_a_stop_with_clients_at_the_control_socket(station: Station, csms: Csms) -> None:
    csms.wait_status("Available")
    with station.watch(), station.watch():
        assert station.terminate(STOP_S).code == 0
    assert not station.socket.exists()


# -- two of them -------------------------------------------------------------------------------------------------------


@NEW
def test_a_second_daemon_on_the_same_state_is_refused(station: Station, csms: Csms) -> None:
    csms.wait_status("Available", evse=2)
    second = run(station.config_file, station.state_dir)
    assert second.returncode == 1
    assert "another chargepointd runs on this state directory; stop it, or give --state-dir" in second.stderr
    assert "Traceback" not in second.stderr
    assert station.ctl("status")["csms"]["connected"]  # the first one has not noticed


@NEW
def test_a_second_daemon_on_the_same_socket_is_refused(station: Station, csms: Csms, tmp_path: Path) -> None:
    station.config["control"]["socket"] = str(station.socket)
    station.restart()
    second = run(station.config_file, tmp_path / "other")
    assert second.returncode == 1
    assert "another chargepointd answers there; stop it first" in second.stderr
    assert "Traceback" not in second.stderr
    assert station.ctl("status")


@NEW
def test_the_socket_is_for_the_group_and_a_stale_one_is_replaced(station: Station) -> None:
    assert stat.S_IMODE(station.socket.stat().st_mode) == 0o660
    station.kill()
    assert station.socket.exists()
    station.start()
    station.wait_ready()
    assert station.ctl("status")
    assert stat.S_IMODE(station.socket.stat().st_mode) == 0o660


@NEW
def test_what_is_kept_is_for_the_daemon_alone(station: Station, csms: Csms) -> None:
    begin(station, csms)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in station.state_dir.iterdir()}
    assert modes["chargepointd.db"] == 0o600
    assert {name: mode for name, mode in modes.items() if mode & stat.S_IRWXO} == {}


# -- reset -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect, on_idle", [("1.6", False), ("2.0.1", False), ("2.0.1", True)], indirect=["dialect"])
def test_a_reset_begins_anew_in_the_same_process(station: Station, csms: Csms, desk: Desk, on_idle: bool) -> None:
    csms.wait("BootNotification")
    csms.wait_status("Available", evse=2)
    pid = station.pid
    csms.forget()
    assert desk.reset(on_idle) == "Accepted"
    boot = csms.wait("BootNotification")
    assert boot.get("reason") in (None, "ScheduledReset" if on_idle else "RemoteReset")
    assert (boot.get("reason") is None) == (boot.version == "1.6")
    csms.wait_status("Available", evse=1)
    csms.wait_status("Available", evse=2)
    station.wait_notify("READY", "1", skip=1)
    assert (station.running, station.pid) == (True, pid)
    # the reason is told once
    station.restart()
    assert csms.wait("BootNotification").get("reason") in (None, "PowerUp")


def test_a_reset_at_once_ends_the_transaction_and_tells_it_before(
    station: Station, csms: Csms, desk: Desk, dialect: str
) -> None:
    before = register_wh(station)
    transaction = begin(station, csms)
    csms.wait("BootNotification")
    assert desk.reset() == "Accepted"
    ended, boot = csms.wait_event("Ended"), csms.wait("BootNotification")
    assert ended.number < boot.number
    assert transaction.reason == ("SoftReset" if dialect == "1.6" else "ImmediateReset")
    csms.wait_status("Occupied")
    leave(station)
    csms.wait_status("Available")
    assert true_to(register_wh(station) - before, transaction.energy_wh, dialect)


@NEW
def test_a_reset_on_idle_waits_for_the_end_of_the_transaction(station: Station, csms: Csms, desk: Desk) -> None:
    csms.wait("BootNotification")
    begin(station, csms)
    assert desk.reset(on_idle=True) == "Scheduled"
    csms.forget()
    csms.wait_event("Updated", lambda m: "meterValue" in m.payload)
    assert csms.calls("BootNotification")[1:] == []
    station.ctl("sim.swipe", token=TOKEN)
    csms.wait_event("Ended")
    assert csms.wait("BootNotification")["reason"] == "ScheduledReset"


@pytest.mark.parametrize("dialect", ["1.6"], indirect=True)
def test_a_hard_reset_runs_the_command_that_the_file_names(csms: Csms, dialect: str, tmp_path: Path) -> None:
    config, witness = brisk(csms.url, dialect), tmp_path / "rebooted"
    config["station"]["reboot_command"] = ["touch", str(witness)]
    with Station(config) as station:
        csms.wait_status("Available")
        assert csms.call("Reset", {"type": "Hard"})["status"] == "Accepted"
        assert station.expect_exit() == 0
    assert witness.exists()


@pytest.mark.parametrize("dialect", ["1.6"], indirect=True)
def test_a_command_that_cannot_be_run_is_tried_again_and_the_program_begins_anew(csms: Csms, dialect: str) -> None:
    config = brisk(csms.url, dialect)
    config["station"]["reboot_command"] = ["/nowhere/reboot"]
    config["variables"]["OCPPCommCtrlr.ResetRetries"] = 2
    with Station(config) as station:
        csms.wait_status("Available")
        csms.wait("BootNotification")
        assert csms.call("Reset", {"type": "Hard"})["status"] == "Accepted"
        csms.wait("BootNotification")
        assert station.log.count("cannot run /nowhere/reboot") == 3


# -- a bug -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["step", "commit", "after"])
def test_a_bug_makes_safe_leaves_its_story_and_costs_no_record(csms: Csms, dialect: str, where: str) -> None:
    with failing(csms, dialect, where) as station:
        station.allow_tracebacks = True
        before = register_wh(station)
        begin(station, csms)
        csms.wait_event("Updated", lambda m: "meterValue" in m.payload)

        _present_the_bug(station)
        assert station.expect_exit() == EX_SOFTWARE
        assert "contactor 1 opened" in station.log
        assert "a bug: the station was made safe and ends" in station.log
        _check_story(station)

        station.start()
        station.wait_ready()
        whole_visit(station, csms, dialect, before)


def _present_the_bug(station: Station) -> None:
    """The socket may break before it answers."""
    with suppress(OSError, ValueError):
        control.call(station.socket, "sim.swipe", {"token": BUG}, STOP_S)


def _check_story(station: Station) -> None:
    """What led to it, in which nothing gives a token away, and which can be replayed."""
    [file] = station.state_dir.glob("crash-*.jsonl.gz")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    recording = read(file)
    assert "bug for the test" in recording.about["why"] or "disk is full" in recording.about["why"]
    assert any(isinstance(step.event, TokenPresented) for step in recording.steps)
    text = gzip.decompress(file.read_bytes()).decode()
    for token in (TOKEN, BUG):
        assert token not in text
        assert token not in station.log
    assert [step.number for step in recording.steps] == list(range(1, len(recording.steps) + 1))
    assert next(differing(recording), None) is None


@NEW
def test_a_damaged_state_is_set_aside_and_the_station_goes_on(station: Station, csms: Csms) -> None:
    begin(station, csms)
    finish(station, csms)
    delivered(station)
    station.terminate()
    csms.forget()
    database = station.state_dir / "chargepointd.db"
    database.write_bytes(b"not a database at all" * 500)
    station.start()
    station.wait_ready()
    assert "is damaged" in station.wait_log("state:")
    assert list(station.state_dir.glob("chargepointd.db.broken-*"))
    begin(station, csms)


@NEW
def test_a_state_directory_that_cannot_be_is_explained_and_waited_for(station: Station, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    arguments = ["--config", str(station.config_file), "--state-dir", str(tmp_path / "file" / "state")]
    with subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert any("is the state directory writable" in line for line in process.stderr)
        assert process.poll() is None
        process.terminate()
        _, rest = process.communicate(timeout=60)
    assert "Traceback" not in rest
    assert "could not be written, and is lost: " in rest
    assert process.returncode == EX_IOERR


@NEW
def test_certificates_and_keys_outlive_a_database_that_cannot_be_read(csms: Csms, dialect: str) -> None:
    """Which of them count stands there."""
    station = Station(brisk(csms.url, dialect))
    (station.state_dir / "chargepointd.db").mkdir(parents=True)
    key = station.state_dir / "certificates" / "ChargingStationCertificate" / "a.key"
    key.parent.mkdir(parents=True)
    key.write_text("not to be had again")
    with station:
        csms.wait_connected()
        assert "nothing can be kept" in str(station.ctl("status"))
        assert station.terminate().code == EX_IOERR
        assert key.exists()
