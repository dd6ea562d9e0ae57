"""The system's clock: the kernel is asked, and a real command is run."""

import asyncio
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chargepointd.core.jobs import JobFailed
from chargepointd.core.timekeeping import AskSystemClock, SetNtpServers
from chargepointd.jobs import clock
from chargepointd.jobs.runner import Place


def unheard(news: Any) -> None: ...


def test_the_kernel_says_whether_its_clock_is_synchronised(tmp_path: Path) -> None:
    told = asyncio.run(clock.ask(AskSystemClock(), Place(tmp_path), unheard))
    assert isinstance(told.synchronised, bool)
    assert time.monotonic() + told.ahead_s == pytest.approx(time.time(), abs=1)


@pytest.mark.parametrize(("state", "synchronised"), [(0, True), (1, True), (5, False)], ids=["ok", "leap", "error"])
def test_it_is_synchronised_where_the_kernel_finds_no_error(
    monkeypatch: pytest.MonkeyPatch, state: int, synchronised: bool
) -> None:
    answering(monkeypatch, state)
    assert clock.synchronised() is synchronised


def test_a_kernel_that_does_not_say_vouches_for_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answering(monkeypatch, -1)
    told = asyncio.run(clock.ask(AskSystemClock(), Place(tmp_path), unheard))
    assert isinstance(told, JobFailed)
    assert told.reason.startswith("the kernel does not say whether its clock is synchronised: ")


def answering(monkeypatch: pytest.MonkeyPatch, state: int) -> None:
    """As adjtimex(2) does in that state of the clock."""
    libc = SimpleNamespace(adjtimex=lambda timex: state)
    monkeypatch.setattr("chargepointd.jobs.clock.ctypes.CDLL", lambda name, use_errno: libc)


def test_the_command_gets_the_servers(tmp_path: Path) -> None:
    script = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(' '.join(sys.argv[2:]))"
    command = (sys.executable, "-c", script, str(tmp_path / "servers"))
    asyncio.run(clock.set_servers(SetNtpServers(command, ("a.example", "b.example")), Place(tmp_path), unheard))
    assert (tmp_path / "servers").read_text() == "a.example b.example"


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('no timesyncd here')")
    said = asyncio.run(clock.set_servers(SetNtpServers(command, ()), Place(tmp_path), unheard))
    assert said == JobFailed(f"{sys.executable} ended with 1: no timesyncd here")


def test_a_command_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "COMMAND_S", 0.1)
    command = (sys.executable, "-c", "import signal; signal.pause()")
    said = asyncio.run(clock.set_servers(SetNtpServers(command, ()), Place(tmp_path), unheard))
    assert said == JobFailed(f"{sys.executable} did not end within 0.1 s")


def test_a_command_that_is_not_there_says_so(tmp_path: Path) -> None:
    said = asyncio.run(clock.set_servers(SetNtpServers(("/nowhere/set-ntp",), ()), Place(tmp_path), unheard))
    assert said == JobFailed("[Errno 2] No such file or directory: '/nowhere/set-ntp'")
