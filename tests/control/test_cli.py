import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chargepointd.cli import main, socket_path
from chargepointd.control.protocol import INVALID_PARAMS, REFUSED, ControlError
from chargepointd.ctl.arguments import parse
from tests.control.conftest import CTL, LIMIT_S, STATUS, Station, ctl, environment

VARIABLES = {
    "variables": [
        {
            "name": "SampledDataCtrlr.TxUpdatedInterval",
            "value": "60",
            "attribute": "Actual",
            "mutability": "ReadWrite",
            "type": "integer",
            "unit": "s",
            "status": "Accepted",
        }
    ]
}


def run(station: Station, *args: object, **more: str) -> subprocess.CompletedProcess[str]:
    return ctl("--socket", station.path, *args, **more)


@pytest.mark.parametrize(
    "words, method, params",
    [
        ("status", "status", {}),
        ("grid lost", "grid", {"lost": True}),
        ("grid back", "grid", {"lost": False}),
        ("start 1 --token AB12", "start", {"evse": 1, "token": "AB12", "type": "ISO14443"}),
        ("start 1 --token 1234 --type KeyCode", "start", {"evse": 1, "token": "1234", "type": "KeyCode"}),
        ("stop 2", "stop", {"evse": 2}),
        ("stop --transaction tx-1", "stop", {"transaction_id": "tx-1"}),
        ("availability operative", "availability", {"operative": True}),
        (
            "availability inoperative --evse 1 --connector 1",
            "availability",
            {"evse": 1, "connector": 1, "operative": False},
        ),
        ("get", "get", {"prefix": ""}),
        ("get A.B C.D", "get", {"variables": ["A.B", "C.D"]}),
        ("get --prefix A", "get", {"prefix": "A"}),
        ("set A.B 5", "set", {"variable": "A.B", "value": "5"}),
        ("set A.B 5 --attribute Target", "set", {"variable": "A.B", "value": "5", "attribute": "Target"}),
        ("unlock 1", "unlock", {"evse": 1}),
        ("unlock 1 2", "unlock", {"evse": 1, "connector": 2}),
        ("reset", "reset", {"mode": "immediate"}),
        ("reset --evse 2 --on-idle", "reset", {"evse": 2, "mode": "onidle"}),
        ("reset --resume", "reset", {"mode": "resume"}),
        ("reset --evse 2 --resume", "reset", {"evse": 2, "mode": "resume"}),
        ("outbox --limit 3", "outbox", {"limit": 3}),
        ("outbox --dead", "outbox", {"act": "dead"}),
        ("outbox --retry all", "outbox", {"act": "retry"}),
        ("outbox --retry 17 18", "outbox", {"act": "retry", "ids": [17, 18]}),
        ("outbox --forget 17", "outbox", {"act": "forget", "ids": [17]}),
        ("limit set 16A", "limit", {"act": "set", "current_a": 16.0}),
        ("limit set 11kW --evse 1 --for 2h", "limit", {"act": "set", "power_w": 11000.0, "evse": 1, "for_s": 7200}),
        ("limit set 500W --for 90s", "limit", {"act": "set", "power_w": 500.0, "for_s": 90}),
        ("limit clear --evse 2", "limit", {"act": "clear", "evse": 2}),
        ("limit show", "limit", {"act": "show"}),
        ("sim contact closed", "sim.contact", {"closed": True}),
        ("sim contact open --device contact2", "sim.contact", {"closed": False, "device": "contact2"}),
        ("sim site 20 --dead", "sim.site", {"current_a": 20.0, "dead": True}),
        ("drivers", "drivers", {}),
        ("sim plug-in 1 --connector 2", "sim.plug_in", {"evse": 1, "connector": 2}),
        ("sim swipe AB12", "sim.swipe", {"token": "AB12", "type": "ISO14443"}),
        ("sim state", "sim.state", {}),
    ],
)
def test_a_command_asks_its_method(
    station: Station, capsys: pytest.CaptureFixture[str], words: str, method: str, params: dict[str, Any]
) -> None:
    accepted = {"availability": "Scheduled", "set": "RebootRequired", "unlock": "Unlocked", "reset": "Accepted"}
    if method in accepted:
        station.answers[method] = {"status": accepted[method]}
    code = main(["--socket", str(station.path), *words.split()])
    assert (code, station.asked) == (0, [(method, params)]), capsys.readouterr().err
    assert capsys.readouterr().out.strip()


def test_status_is_a_table_without_colours_in_a_pipe(station: Station) -> None:
    done = run(station, "status")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    head, row, other = done.stdout.splitlines()[-3:]
    assert head.split()[:4] == ["EVSE", "CONNECTOR", "STATUS", "SERVICE"]
    assert row.index("3.21 kWh") == head.index("ENERGY")
    assert row.index("Charging") == head.index("CHARGING")
    assert "ground fault" in other
    assert "DEMO001" in done.stdout
    assert "1 h 30 min" in done.stdout
    assert "connected since 2026-03-01 09:00:02, ocpp2.0.1, Accepted" in done.stdout


def test_status_tells_of_a_firmware_update(station: Station) -> None:
    assert "Firmware" not in run(station, "status").stdout
    station.answers["status"] = {**STATUS, "firmware": {"request": 7, "state": "Downloading"}}
    assert "Firmware update 7: Downloading" in run(station, "status").stdout


def test_status_tells_that_the_grid_is_away(station: Station) -> None:
    assert "Supply" not in run(station, "status").stdout
    station.answers["status"] = {**STATUS, "on_battery": True}
    assert "Supply   the grid is away" in run(station, "status").stdout


def test_status_tells_who_has_not_plugged_in_yet(station: Station) -> None:
    assert "To plug" not in run(station, "status").stdout
    station.answers["status"] = {**STATUS, "lobby": [{"token": "…E680", "evses": [1, 2]}]}
    assert "…E680 at EVSE 1, 2" in run(station, "status").stdout


def test_status_tells_what_drivers_are_told_of_money(station: Station) -> None:
    assert "Money" not in run(station, "status").stdout
    first, *others = STATUS["evses"]
    told = {"price": "0.30 per kWh", "cost": "1.23", "currency": "EUR", "cost_at": None, "final": True}
    station.answers["status"] = {**STATUS, "evses": [{**first, "money": told}, *others]}
    assert "Money    EVSE 1: EUR 1.23 in all, 0.30 per kWh" in run(station, "status").stdout
    told |= {"cost_at": "2026-03-01T09:00:02Z", "final": False}
    assert "EUR 1.23 so far (2026-03-01 09:00:02)" in run(station, "status").stdout
    told |= {"cost": None, "price": None}
    assert "Money" not in run(station, "status").stdout


def test_status_tells_that_the_csms_is_away(station: Station) -> None:
    station.answers["status"] = {**STATUS, "csms": {"url": "ws://x", "connected": False, "offline_s": 90.5}}
    assert "ws://x, not connected for 1 min 30 s" in run(station, "status").stdout


def test_status_tells_of_the_proxy_on_the_way_to_the_csms(station: Station) -> None:
    station.answers["status"] = {**STATUS, "csms": {**STATUS["csms"], "proxy": "[::1]:3128"}}
    assert "ws://127.0.0.1:9180/ocpp by the proxy [::1]:3128, connected" in run(station, "status").stdout


def test_json_is_the_result_as_it_came(station: Station) -> None:
    for args in (("--json", "status"), ("status", "--json")):
        done = run(station, *args)
        assert (done.returncode, json.loads(done.stdout)) == (0, STATUS)


def on_terminal(station: Station, *args: str, **more: str) -> str:
    """The output of chargepointctl on a pseudo-terminal."""
    ours, its = pty.openpty()
    command = [*CTL, "--socket", str(station.path), *args]
    with subprocess.Popen(command, stdout=its, stderr=its, stdin=its, env=environment(**more)) as process:
        os.close(its)
        output = b"".join(iter(lambda: read_terminal(ours), b""))
        assert process.wait(LIMIT_S) == 0
    os.close(ours)
    return output.decode()


def read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # EIO: the last one on the other side has left
        return b""


def test_status_has_colours_on_a_terminal(station: Station) -> None:
    text = on_terminal(station, "status")
    assert "\x1b[31mFaulted\x1b[0m" in text
    assert "\x1b[1mEVSE\x1b[0m" in text
    plain = re.sub(r"\x1b\[\d+m", "", text).replace("\r\n", "\n")
    assert plain == run(station, "status").stdout


@pytest.mark.parametrize("args, more", [(["--no-color"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})])
def test_colours_can_be_declined_on_a_terminal(station: Station, args: list[str], more: dict[str, str]) -> None:
    text = on_terminal(station, "status", *args, **more)
    assert "Faulted" in text
    assert "\x1b" not in text


def test_what_would_steer_the_terminal_is_made_harmless(station: Station) -> None:
    station.answers["status"] = {**STATUS, "faults": ["\x1b]0;owned\x07"]}
    text = on_terminal(station, "status", "--no-color")
    assert "owned" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_an_error_cannot_steer_the_terminal_either(station: Station) -> None:
    station.answers["unlock"] = ControlError(REFUSED, "\x1b[2Jgone")
    done = run(station, "unlock", 1)
    assert done.returncode == 1
    assert "gone" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_name_that_the_terminal_cannot_write_is_no_error(station: Station) -> None:
    station.answers["status"] = {**STATUS, "station": {"id": "LADESÄULE"}}
    done = run(station, "status", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "LADES?ULE" in done.stdout


def test_variables_are_a_table(station: Station) -> None:
    station.answers["get"] = VARIABLES
    head, row = run(station, "get").stdout.splitlines()
    assert head.split() == ["NAME", "VALUE", "MUTABILITY", "TYPE"]
    assert row.split() == ["SampledDataCtrlr.TxUpdatedInterval", "60", "s", "ReadWrite", "integer"]


def test_a_variable_that_is_not_there_is_told_with_those_that_are(station: Station) -> None:
    unknown = {"name": "A.B", "value": None, "status": "UnknownComponent"}
    station.answers["get"] = {"variables": [*VARIABLES["variables"], unknown]}
    done = run(station, "get", "SampledDataCtrlr.TxUpdatedInterval", "A.B")
    assert done.returncode == 1
    assert "60 s" in done.stdout
    assert "A.B: UnknownComponent" in done.stderr


def test_drivers_and_their_devices_are_tables(station: Station) -> None:
    reading = {"energy_import_wh": 5.5, "power_w": None, "current_a": [1.0, None, None]}
    device = {"name": "meter1", "abilities": ["Meter"], "state": "up", "reading": reading, "age_s": 0.42}
    down = {"name": "bus", "driver": "modbus-meter", "state": "down", "reason": "no answer", "since": None}
    up = {"name": "sim", "driver": "simulator", "state": "up", "since": None, "devices": [{**device, "used_by": ["1"]}]}
    station.answers["drivers"] = {"drivers": [up, down]}
    text = run(station, "drivers").stdout
    assert re.search(r"^bus +modbus-meter +down +no answer$", text, re.MULTILINE)
    assert re.search(r"^sim\.meter1 +up +energy_import_wh=5\.5 current_a=1 +0\.4 s +1 +Meter$", text, re.MULTILINE)


def test_the_outbox_is_a_table(station: Station) -> None:
    message = {"id": 3, "kind": "TransactionEnded", "at": "2026-03-01T10:00:00Z", "transaction_id": "tx-1", "seq_no": 4}
    station.answers["outbox"] = {"queued": 1, "dead": 0, "messages": [{**message, "attempts": 2, "state": "queued"}]}
    text = run(station, "outbox").stdout
    assert text.startswith("1 waiting, 0 set aside\n")
    assert re.search(r"^3 +TransactionEnded +2026-03-01 10:00:00 +tx-1 +4 +2 +queued$", text, re.MULTILINE)


def test_what_was_set_aside_is_a_table(station: Station) -> None:
    letter = {
        "id": 17,
        "kind": "Ended",
        "transaction_id": "tx-1",
        "seq_no": 4,
        "attempts": 3,
        "reason": "no",
    }
    station.answers["outbox"] = {"letters": [{**letter, "at": None, "set_aside_at": None}], "more": False}
    assert re.search(r"^17 +Ended +tx-1 +4 +3 +no$", run(station, "outbox", "--dead").stdout, re.M)
    station.answers["outbox"] = {"letters": [], "more": False}
    assert run(station, "outbox", "--dead").stdout == "nothing is set aside\n"


def test_what_is_sent_again_is_told_and_what_is_not(station: Station) -> None:
    station.answers["outbox"] = {"sent": 2, "refused": [{"id": 9, "why": "there is none"}], "dead": 1}
    done = run(station, "outbox", "--retry", "7", "8", "9")
    assert done.stdout == "2 sent again, 1 set aside\n"
    assert (done.returncode, done.stderr) == (1, "chargepointctl: refused by the station: 9: there is none\n")


@pytest.mark.parametrize("words", ["--dead --retry all", "--retry x", "--forget all", "--export f --forget 1"])
def test_the_outbox_is_asked_one_thing_at_a_time(station: Station, words: str) -> None:
    assert run(station, "outbox", *words.split()).returncode == 2


def test_a_reset_waits_for_transactions_or_has_them_go_on_not_both(station: Station) -> None:
    assert run(station, "reset", "--on-idle", "--resume").returncode == 2
    assert not station.asked


def test_what_was_set_aside_is_exported_for_its_owner_alone(station: Station, tmp_path: Path) -> None:
    station.answers["outbox"] = {"letters": [{"id": 1, "payload": {"idTag": "04A1"}}, {"id": 2}], "more": False}
    file = tmp_path / "unbilled.jsonl"
    file.write_text("what was there")
    file.chmod(0o644)
    assert run(station, "outbox", "--export", file).stdout == "2 records\n"
    assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == [1, 2]
    assert file.stat().st_mode & 0o777 == 0o600
    assert run(station, "outbox", "--export", "-").stdout.count("\n") == 2
    assert run(station, "outbox", "--export", tmp_path / "no" / "where").returncode == 1


def test_an_unknown_result_of_the_simulator_is_shown_all_the_same(station: Station) -> None:
    station.answers["sim.state"] = {"time": 3, "evses": [{"id": 1, "pilot": "C"}, {"id": 2, "pilot": "A"}]}
    assert run(station, "sim", "state").stdout.split() == ["time", "3", "evses", "ID", "PILOT", "1", "C", "2", "A"]


def test_a_refusal_is_exit_code_1_with_the_reason(station: Station) -> None:
    station.answers["unlock"] = ControlError(REFUSED, "evse 1: a transaction is going on")
    done = run(station, "unlock", 1)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "chargepointctl: evse 1: a transaction is going on\n"


def test_a_status_that_means_no_is_exit_code_1(station: Station) -> None:
    station.answers["set"] = {"status": "Rejected", "reason": "read only"}
    done = run(station, "set", "A.B", "1")
    assert (done.returncode, done.stderr) == (1, "chargepointctl: refused by the station: Rejected: read only\n")
    again = run(station, "set", "A.B", "1", "--json")
    assert (again.returncode, json.loads(again.stdout)) == (1, station.answers["set"])


def test_an_unknown_evse_names_the_known_ones(station: Station) -> None:
    done = run(station, "start", 9, "--token", "AB12")
    assert done.returncode == 1
    assert "evse 9: unknown; this station has 1, 2" in done.stderr


def test_sim_without_the_simulator_says_so(station: Station) -> None:
    done = run(station, "sim", "pause", 1)
    assert done.returncode == 1
    assert "needs the simulator driver" in done.stderr


@pytest.mark.parametrize(
    "words, complaint",
    [
        ("", "required: COMMAND"),
        ("stauts", "invalid choice"),
        ("start 1", "--token"),
        ("start one --token A", "EVSE"),
        ("start 0 --token A", "evse: expected a whole number from 1"),
        (f"start 1 --token {'A' * 300}", "token: expected 1-36"),
        ("stop", "exactly one of evse, transaction_id"),
        ("stop 1 --transaction x", "exactly one of evse, transaction_id"),
        ("availability operative --connector 1", "evse: missing"),
        ("get A.B --prefix C", "exactly one of"),
        ("limit set", "LIMIT: expected one such as 16A (per phase), 11000W or 11kW\n"),
        ("limit set 16", 'LIMIT: expected one such as 16A (per phase), 11000W or 11kW, got "16"'),
        ("limit set infA", 'got "infA"'),
        ("limit set 16A --for 5", '--for: expected one such as 90s, 30min or 8h, got "5"'),
        ("limit clear 16A", "LIMIT: only where one is set"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_asks_nothing(station: Station, words: str, complaint: str) -> None:
    done = run(station, *words.split())
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert station.asked == []


def test_params_that_only_the_daemon_knows_to_be_wrong_are_exit_code_2(station: Station) -> None:
    station.answers["set"] = ControlError(INVALID_PARAMS, "variable: expected Component.Variable")
    assert run(station, "set", "AB", "1").returncode == 2


def test_no_socket_is_exit_code_3_with_the_remedy(tmp_path: Path) -> None:
    done = ctl("--state-dir", tmp_path, "status")
    assert done.returncode == 3
    assert f"chargepointd is not running (no socket at {tmp_path}/control.sock)" in done.stderr
    assert "systemctl start chargepointd" in done.stderr


def test_a_socket_without_a_daemon_is_exit_code_3(socket_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path))
    done = ctl("--socket", socket_path, "status")
    assert done.returncode == 3
    assert "nobody listens" in done.stderr


def test_a_socket_that_speaks_something_else_is_exit_code_3(socket_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(socket_path))
        other.listen(1)
        command = [*CTL, "--socket", str(socket_path), "status"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment()) as process:
            other.settimeout(LIMIT_S)
            client, _ = other.accept()
            with client:
                client.sendall(b"220 smtp ready\n")
                _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 3
    assert "is not chargepointd" in errors


def test_no_permission_is_exit_code_4_with_the_remedy(station: Station) -> None:
    station.path.chmod(0)
    # Root may do everything, so the command gives that up; before, it loads what an ordinary user may not read here.
    code = """if True:
        import os, sys, chargepointd.cli as cli
        cli.parse(["status"])
        os.getuid() or os.setuid(65534)
        sys.exit(cli.main())
    """
    command = [sys.executable, "-c", code, "--socket", str(station.path), "status"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False, env=environment())
    assert done.returncode == 4
    assert f"no permission on {station.path}: add yourself to group chargepoint or use sudo" in done.stderr


@contextmanager
def watching(station: Station, *args: str) -> Iterator["subprocess.Popen[str]"]:
    """A running `watch`, one hour east of Greenwich."""
    # A shell that starts the tests with "&" has SIGINT ignored, and children inherit that.
    code = "import signal, sys, chargepointd.cli as c; signal.signal(2, signal.default_int_handler); sys.exit(c.main())"
    command = [sys.executable, "-c", code, "--socket", str(station.path), "watch", *args]
    pipe, env = subprocess.PIPE, environment(TZ="EAST-1")
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=env) as process:
        try:
            station.wait_for_watchers(1)
            yield process
        finally:
            process.kill()  # does nothing when it has ended, as it should have


EVENT = {"at": "2026-03-01T10:00:00Z", "kind": "plugged", "evse": 1, "connector": 1, "text": "cable plugged in"}


def test_watch_gives_a_line_an_event_with_local_time_until_ctrl_c(station: Station) -> None:
    with watching(station) as process:
        assert process.stdout is not None
        station.emit(EVENT, {"at": EVENT["at"], "kind": "link", "text": "connected"})
        assert process.stdout.readline() == "2026-03-01 11:00:00  evse 1.1  cable plugged in\n"
        assert process.stdout.readline() == "2026-03-01 11:00:00  station   connected\n"
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, rest, errors) == (0, "", "")
    station.wait_for_watchers(0)


def test_watch_gives_json_lines_for_scripts(station: Station) -> None:
    with watching(station, "--json") as process:
        assert process.stdout is not None
        station.emit(EVENT)
        assert json.loads(process.stdout.readline()) == EVENT
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 0


def test_watch_ends_with_the_daemon(station: Station) -> None:
    with watching(station) as process:
        station.stop()
        _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 3
    assert "ended the connection" in errors


def test_a_reader_that_has_enough_is_no_error(station: Station) -> None:
    with watching(station) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        station.emit(EVENT, EVENT)
        assert process.wait(LIMIT_S) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    "argv, environ, path",
    [
        ("--socket /a --state-dir /b status", {"CHARGEPOINTD_SOCKET": "/c"}, "/a"),
        ("--state-dir /b status", {"CHARGEPOINTD_SOCKET": "/c"}, "/b/control.sock"),
        ("status --state-dir /b", {}, "/b/control.sock"),
        ("--socket /a sim state", {}, "/a"),
        ("sim state --socket /a", {}, "/a"),
        ("status", {"CHARGEPOINTD_SOCKET": "/c"}, "/c"),
        ("status", {}, "/run/chargepointd/control.sock"),
    ],
)
def test_where_the_socket_is_looked_for(argv: str, environ: dict[str, str], path: str) -> None:
    assert socket_path(parse(argv.split()), environ) == Path(path)


def test_the_command_starts_without_the_heavy_modules() -> None:
    code = "import sys, chargepointd.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=LIMIT_S, env=environment()
    )
    assert not {"asyncio", "dataclasses", "difflib", "importlib.metadata", "ocpp"} & set(done.stdout.split())


def test_the_security_log_is_a_table(station: Station) -> None:
    event = {
        "id": 1,
        "at": "2026-11-26T12:00:00Z",
        "kind": "TamperDetectionActivated",
        "info": "lid",
        "state": "settled",
    }
    station.answers["security_log"] = {"kept": 7, "events": [event]}
    text = run(station, "security-log").stdout
    assert "7 events" in text
    assert "TamperDetectionActivated" in text
    assert "lid" in text


def test_a_composite_schedule_is_a_table(station: Station) -> None:
    later = {"start_s": 90, "at": "2026-11-26T12:01:30Z", "limit": 6.5, "phases": 1, "phase_to_use": 2}
    station.answers["schedule"] = {
        "evse": 1, "starts_at": "2026-11-26T12:00:00Z", "duration_s": 3600, "unit": "A",
        "periods": [{"start_s": 0, "at": "2026-11-26T12:00:00Z", "limit": 16.0, "phases": 3}, later],
    }  # fmt: skip
    text = run(station, "schedule", "1", "--duration", "3600", "--unit", "A").stdout
    assert station.asked[-1] == ("schedule", {"evse": 1, "duration": 3600, "unit": "A"})
    assert "EVSE 1" in text
    assert "16 A" in text
    assert "1 min 30 s  6.5 A    1 (L2)" in text


def test_limits_from_outside_are_a_table(station: Station) -> None:
    relay = {"evse": 0, "limit": 4200.0, "unit": "W", "source": "SO", "by": "contact", "until": None}
    ems = {
        "evse": 2,
        "limit": 16.0,
        "unit": "A",
        "source": "EMS",
        "by": "control socket",
        "until": "2026-11-26T12:00:00Z",
    }
    station.answers["limit"] = {"limits": [relay, ems]}
    _, first, second = run(station, "limit", "show").stdout.strip().splitlines()
    assert first.split() == ["station", "4200", "W", "SO", "contact", "-"]
    assert second.split()[:4] == ["2", "16", "A", "EMS"]
    station.answers["limit"] = {"limits": []}
    assert run(station, "limit", "show").stdout.strip() == "no limit from outside"


def test_the_charging_profiles_are_a_table(station: Station) -> None:
    common = {"level": 2, "source": "CSO", "unit": "A", "periods": [{"start_s": 0, "limit": 6.5}]}
    awaited = {"id": 7, "evse": 1, "purpose": "TxProfile", "kind": "Relative", "awaited": True, **common}
    periods = [{"start_s": 0, "limit": 16}, {"start_s": 60, "limit": 0}]
    weekly = common | {
        "id": 8, "evse": 0, "purpose": "TxDefaultProfile", "kind": "Recurring", "recurrency": "Weekly",
        "starts_at": "2026-11-26T12:00:00Z", "duration_s": 90, "valid_to": "2026-11-27T12:00:00Z", "periods": periods,
    }  # fmt: skip
    outside = {"id": -10, "evse": 0, "purpose": "ChargingStationExternalConstraints", "kind": "Absolute", **common}
    outside |= {"source": "EMS", "starts_at": "1970-01-01T00:00:00.000Z"}
    station.answers["profiles"] = {"profiles": [awaited, weekly, outside]}
    _, first, second, third = run(station, "profiles").stdout.strip().splitlines()
    assert first.split() == ["7", "1", "TxProfile", "2", "Relative", "6.5", "A", "-", "awaited", "CSO"]
    assert third.split()[-5:] == ["6.5", "A", "-", "-", "EMS"]
    for text in ("8    all   TxDefaultProfile", "Recurring Weekly", "0 to 16 A, 2 periods, 1 min 30 s from 2", "to 2"):
        assert text in second
    station.answers["profiles"] = {"profiles": []}
    assert run(station, "profiles").stdout == "no charging profile\n"


def test_a_technician_sees_whether_a_card_is_known(station: Station) -> None:
    station.answers["list"] = {"known_by": "list", "status": "Blocked", "evses": [1, 2]}
    assert run(station, "list", "04A1B2C3D4E5F6").stdout.split() == [
        "known_by", "list", "status", "Blocked", "evses", "1/2"
    ]  # fmt: skip
    assert station.asked[-1] == ("list", {"token": "04A1B2C3D4E5F6", "type": "ISO14443"})


def test_the_bundle_is_written_to_a_file_or_into_a_folder(station: Station, tmp_path: Path) -> None:
    station.answers["bundle"] = {"filename": "d.tar.gz", "archive": "AAEC", "parts": ["log.txt"]}
    assert run(station, "bundle", tmp_path).stdout == f"{tmp_path / 'd.tar.gz'}\n"
    assert (tmp_path / "d.tar.gz").read_bytes() == b"\x00\x01\x02"
    told = run(station, "bundle", tmp_path / "x", "--json", "--since", "2h")
    assert json.loads(told.stdout) == {"file": str(tmp_path / "x"), "parts": ["log.txt"]}
    assert station.asked[-1] == ("bundle", {"since_s": 7200})
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600
    nowhere = run(station, "bundle", tmp_path / "nowhere" / "x")
    assert nowhere.returncode == 1
    assert "No such file or directory" in nowhere.stderr
    assert run(station, "bundle", tmp_path, "--since", "yesterday").returncode == 2


def test_the_reservations_are_a_table(station: Station) -> None:
    until = "2026-11-26T12:00:00Z"
    mine = {"id": 7, "evse": 1, "connector": 2, "token": "…0001", "group": "…EET1", "expires_at": until}
    any_ = {"id": 8, "connector_type": "cCCS2", "token": "…0002", "expires_at": until}
    station.answers["reservations"] = {"reservations": [mine, any_]}
    _, first, second = run(station, "reservations").stdout.strip().splitlines()
    assert first.split()[:5] == ["7", "1.2", "-", "…0001", "…EET1"]
    assert second.split()[:5] == ["8", "any", "cCCS2", "…0002", "-"]
    station.answers["reservations"] = {"reservations": []}
    assert run(station, "reservations").stdout == "no reservation\n"


def test_many_transactions_are_asked_for_part_by_part(station: Station) -> None:
    """Each part is over within the daemon's limit for an answer, however many there are."""
    station.answers["sim.transactions"] = {"made": 50}
    done = run(station, "sim", "transactions", 2000, "--token", "AB12")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2000" in done.stdout
    counts = [params["count"] for method, params in station.asked if method == "sim.transactions"]
    assert counts == [50] * 40
