"""chargepointd-csms and the demo as processes: what they print and how they end."""

import asyncio
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from chargepointd.control.client import Client
from tests.csms_bench.bench import Station

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
LIMIT_S = 90.0


@contextmanager
def running(module: str, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A program of ours; whatever it leaves running is killed at the end."""
    command = [sys.executable, "-u", "-m", module, *arguments]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL, **options}
    process = subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, **pipe)
    try:
        yield process
    finally:
        with closing(process.stdout) if process.stdout else closing(socket.socket()):
            with suppress(ProcessLookupError):  # all of it has ended
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(LIMIT_S)


def csms(*arguments: str) -> Any:
    return running("chargepointd.csms.app", "--listen", "127.0.0.1:0", *arguments)


def line_with(process: subprocess.Popen[str], part: str) -> str:
    """The next line with this in it."""
    assert process.stdout
    seen = []
    for line in process.stdout:
        seen.append(line)
        if part in line:
            return line
    raise AssertionError(f"no line with {part!r} before the end:\n{''.join(seen)}")


def url(process: subprocess.Popen[str]) -> str:
    match = re.search(r"ws://[^/]+/ocpp", line_with(process, "listening"))
    assert match
    return match[0]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chargepointd.csms.app", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=LIMIT_S)


# -- chargepointd-csms -------------------------------------------------------------------------------------------------


def test_help_has_the_options_examples_and_commands() -> None:
    text = run("--help").stdout
    for each in ("--listen HOST:PORT", "--refuse TOKEN", "examples:", "in memory only", "availability STATION"):
        assert each in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["--listen", "9180"],
        ["--listen", "x:99999"],
        ["--interval", "0"],
        ["--do", "dance"],
        ["--do", ""],
        ["--ocpp", "3"],
    ],
)
def test_a_wrong_argument_is_said_and_ends_it_with_2(arguments: Sequence[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"argument {arguments[0]}" in done.stderr


def test_a_taken_port_ends_it_with_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "{}:{}".format(*taken.getsockname())
        done = run("--listen", address)
    assert done.returncode == 1
    assert done.stderr.startswith(f"chargepointd-csms: cannot listen on {address}: ")
    assert "--listen" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_0(number: signal.Signals) -> None:
    with csms() as process:
        url(process)
        process.send_signal(number)
        assert process.wait(LIMIT_S) == 0
        assert process.stdout and process.stdout.read() == ""


async def visit(at: str) -> None:
    async with connect(f"{at}/CP1", subprotocols=[Subprotocol("ocpp1.6")], proxy=None) as socket:
        await Station(socket).boot("1.6")


def test_events_are_plain_lines_in_a_pipe() -> None:
    with csms() as process:
        asyncio.run(visit(url(process)))
        assert re.fullmatch(r"\d\d:\d\d:\d\d CP1 boot         V M: Accepted\n", line_with(process, "boot"))


def test_json_is_an_object_a_line() -> None:
    with csms("--json") as process:
        asyncio.run(visit(url(process)))
        told = json.loads(line_with(process, '"boot"'))
        assert (told["station"], told["kind"], told["action"]) == ("CP1", "boot", "BootNotification")
        assert told["payload"] == {"chargePointVendor": "V", "chargePointModel": "M"}


@pytest.mark.parametrize(("answer", "code"), [({"status": "Accepted"}, 0), ({}, 1)])
def test_do_waits_for_the_station_does_it_and_ends(answer: dict[str, str], code: int) -> None:
    async def story(at: str) -> None:
        async with connect(f"{at}/CP1", subprotocols=[Subprotocol("ocpp1.6")], proxy=None) as socket:
            await Station(socket).boot("1.6")
            assert (await Station(socket).obey(answer))[2] == "Reset"

    with csms("--do", "reset CP1") as process:
        asyncio.run(story(url(process)))
        line_with(process, 'Reset: {"status":"Accepted"}' if code == 0 else "error: Reset: the answer breaks")
        assert process.wait(LIMIT_S) == code


def test_do_for_a_station_that_does_not_come_ends_with_1() -> None:
    with csms("--do", "reset CP1", "--wait", "1") as process:
        line_with(process, "error: CP1 did not connect and boot within 1 s")
        assert process.wait(LIMIT_S) == 1


def test_at_a_terminal_it_takes_commands_in_colour_until_ctrl_d() -> None:
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm"}
    with csms_at(theirs, environment) as process:
        os.close(theirs)
        assert "listening" in _read_until(ours, b"IDENTITY")
        os.write(ours, b"stations\n")
        assert "no station is connected" in _read_until(ours, b"no station is connected")
        os.write(ours, b"\x04")
        assert process.wait(LIMIT_S) == 0
    os.close(ours)


def test_a_terminal_that_is_closed_ends_it() -> None:
    ours, theirs = pty.openpty()
    with csms_at(theirs, dict(os.environ)) as process:
        os.close(theirs)
        _read_until(ours, b"IDENTITY")
        os.close(ours)
        assert process.wait(LIMIT_S) == 0


def csms_at(terminal: int, environment: dict[str, str]) -> Any:
    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal, "env": environment}
    return running("chargepointd.csms.app", "--listen", "127.0.0.1:0", **streams)


def _read_until(terminal: int, wanted: bytes) -> str:
    seen, by = b"", time.monotonic() + LIMIT_S
    while wanted not in seen:
        assert select.select([terminal], [], [], max(0.0, by - time.monotonic()))[0], f"no {wanted!r}, only {seen!r}"
        seen += os.read(terminal, 4096)
    return seen.decode()


def _ctrl_c(process: "subprocess.Popen[str]") -> None:
    """As a terminal does it: to the whole group, the station too."""
    os.killpg(process.pid, signal.SIGINT)


def _terminate(process: "subprocess.Popen[str]") -> None:
    process.terminate()


# -- the demo ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path) -> Path:
    assert len(str(tmp_path)) < 80, "the path of a Unix socket has room for 107 bytes"
    return tmp_path / "run"


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_the_demo_shows_a_whole_visit_and_ends_with_0(version: str, state: Path) -> None:
    with running("chargepointd.csms.demo", "--once", "--ocpp", version, "--state-dir", str(state)) as process:
        output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, output
    steps = [
        f"csms     connected    ocpp{version}",
        "csms     boot ",
        ">> a car is plugged in at EVSE 1",
        ">> the driver presents the card",
        "csms     token        04A1B2C3D4E5F6: Accepted",
        ">> the car charges",
        "11.04 kW",
        ">> the driver presents the card again",
        "reason Local",
        ">> the car is unplugged and leaves",
        ">> in the books: DEMO001 ",
        "csms     disconnected",
    ]
    places = [output.find(step) for step in steps]
    assert -1 not in places, f"no {steps[places.index(-1)]!r} in:\n{output}"
    ended = output.index("reason Local")
    ordered = [place for place, step in zip(places, steps, strict=True) if step != "reason Local"]
    assert ordered == sorted(ordered), output
    assert places[7] < ended < places[10], output
    assert "violation" not in output


@pytest.mark.parametrize("send", [_ctrl_c, _terminate], ids=["ctrl-c", "sigterm"])
def test_the_demo_stays_until_a_signal_and_ends_both_programs(
    send: Callable[["subprocess.Popen[str]"], None], state: Path
) -> None:
    with running("chargepointd.csms.demo", "--state-dir", str(state)) as process:
        line_with(process, "the station stays up until Ctrl-C")
        line_with(process, "drivers")
        send(process)
        assert process.wait(LIMIT_S) == 0
        assert process.stdout and "disconnected" in process.stdout.read()
    assert not (state / "control.sock").exists()


def test_what_somebody_tried_at_the_demo_is_no_end_of_the_next(state: Path) -> None:
    with running("chargepointd.csms.demo", "--state-dir", str(state)) as process:
        line_with(process, "drivers")
        with Client(state / "control.sock") as client:
            client.call("sim.plug_in", {"evse": 2})
            client.call("sim.swipe", {"token": "04A1B2C3D4E5F6"})
            client.call("limit", {"act": "set", "current_a": 0})
            client.call("availability", {"evse": 1, "operative": False})
            client.call("set", {"variable": "SampledDataCtrlr.TxUpdatedInterval", "value": "86400"})
        _terminate(process)
        assert process.wait(LIMIT_S) == 0
    with running("chargepointd.csms.demo", "--once", "--state-dir", str(state)) as process:
        output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, output
    assert "EVSE 1  token 04A1B2C3D4E5F6" in output.partition(">> in the books: ")[2]


def test_a_daemon_that_dies_is_told_with_its_log(state: Path) -> None:
    state.parent.mkdir(exist_ok=True)
    state.mkdir()
    (state / "control.sock").mkdir()  # where the daemon must put its socket
    with running("chargepointd.csms.demo", "--once", "--state-dir", str(state)) as process:
        output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert "demo: the station ended with exit code 1" in output
    assert "control.sock" in output.partition("the end of")[2]
    assert "Traceback" not in output


def test_a_daemon_that_is_killed_in_the_middle_of_the_visit_is_told(state: Path) -> None:
    with running("chargepointd.csms.demo", "--once", "--state-dir", str(state)) as process:
        line_with(process, ">> the car charges")
        os.kill(child_of(process.pid), signal.SIGKILL)
        line_with(process, "demo: the station ended with exit code -9")
        assert process.wait(LIMIT_S) == 1


def child_of(parent: int) -> int:
    """Its only child process, by the fourth field of /proc/PID/stat (proc_pid_stat(5))."""
    (child,) = [pid for pid in (int(path.name) for path in Path("/proc").glob("[0-9]*")) if parent_of(pid) == parent]
    return child


def parent_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None  # it has ended meanwhile
