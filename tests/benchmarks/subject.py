"""A charge point under measurement: the daemon, or the floor."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.benchmarks import proc
from tests.benchmarks.csms import Csms
from tests.daemon import control, toml
from tests.daemon.config import ac_station

ROOT = Path(__file__).parents[2]
FLOOR = Path(__file__).with_name("floor.py")
TIMEOUT_S = 60.0
POLL_S = 0.01
SETTLE_S = 0.05
CALM = {
    "SampledDataCtrlr.TxUpdatedInterval": 0,  # no record but those that a phase asks for
    "OCPPCommCtrlr.WebSocketPingInterval": 0,
}


class Subject:
    """One process after another under one name. `cpus`: where it may run; None: anywhere."""

    def __init__(self, csms: Csms, name: str, cpus: set[int] | None) -> None:
        self.party = csms.party(name)
        self.party.on_boot = self._booted
        self.boot_cpu_s = 0.0
        """CPU time used until the latest BootNotification"""
        self._name = name
        self._cpus = cpus
        self._process: subprocess.Popen[bytes] | None = None
        # The start that is measured finds its byte code, as an installed one does.
        self._env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self._name} does not run"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def log(self) -> str:
        return ""

    async def start(self) -> float:
        """Seconds from the start of the process to its BootNotification."""
        since = len(self.party.heard)
        command, began = self.command(), perf_counter()
        self._process = self._spawn(command)
        try:
            boot = await self.party.heard_of("BootNotification", since=since)
        except TimeoutError:
            raise SystemExit(f"{self._name}: no BootNotification within {TIMEOUT_S:.0f} s\n{self.log()}") from None
        return boot.at - began

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """A child has the CPUs of the thread that makes it; to set them in the child would cost a slower fork."""
        own = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self._cpus or own)
        try:
            return subprocess.Popen(
                command, cwd=ROOT, env=self._env, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._errors(),
            )  # fmt: skip
        finally:
            os.sched_setaffinity(0, own)

    def _errors(self) -> Any:
        return subprocess.DEVNULL

    def _booted(self) -> None:
        self.boot_cpu_s = proc.cpu_s(self.pid)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Seconds from the signal to the end of the process."""
        process = self._process
        assert process is not None, f"{self._name} does not run"
        began = perf_counter()
        process.send_signal(number)
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.to_thread(process.wait)
        took = perf_counter() - began
        self._process = None
        await self.party.until(lambda: self.party.line is None)
        return took

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Floor(Subject):
    def __init__(self, csms: Csms, ocpp: str, cpus: set[int] | None) -> None:
        super().__init__(csms, "FLOOR", cpus)
        self._arguments = (f"{csms.url}/FLOOR", ocpp)

    def command(self) -> Sequence[str]:
        return sys.executable, "-P", str(FLOOR), *self._arguments  # -P: a module here is not one of the library


class Daemon(Subject):
    """directory: on the disk that is to be measured."""

    name = "BENCH"

    def __init__(self, csms: Csms, ocpp: str, cpus: set[int] | None, directory: Path) -> None:
        super().__init__(csms, self.name, cpus)
        self.home = Path(tempfile.mkdtemp(prefix="cpb-", dir=directory))
        self.state = self.home / "state"
        self._config = self.home / "station.toml"
        config = ac_station(csms.url, evses=2, versions=(ocpp,), identity=self.name, variables=CALM)
        self._config.write_text(toml.dumps(config | {"log": {"level": "info"}}), encoding="utf-8")

    def command(self) -> Sequence[str]:
        self.state.mkdir(exist_ok=True)
        arguments = ("--config", str(self._config), "--state-dir", str(self.state))
        return sys.executable, "-m", "chargepointd", *arguments

    def forget(self) -> None:
        """The next start finds nothing of an earlier one."""
        assert not self.running
        shutil.rmtree(self.state, ignore_errors=True)

    def _errors(self) -> Any:
        return (self.home / "log").open("ab")

    def log(self) -> str:
        return (self.home / "log").read_text(errors="replace")[-4000:]

    async def settled(self) -> None:
        """Both EVSEs have told their status, and the control socket answers."""
        await self.party.until(lambda: len(self._statuses()) >= 2)
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                if (self.state / "control.sock").exists():
                    return
                await asyncio.sleep(POLL_S)

    def _statuses(self) -> list[float]:
        told = self.party.of(frozenset({"StatusNotification"}))
        return [heard.at for heard in told if heard.at > self.party.opened_at]

    async def ctl(self, method: str, **params: Any) -> Any:
        try:
            return await asyncio.to_thread(control.call, self.state / "control.sock", method, params, TIMEOUT_S)
        except OSError as error:
            raise AssertionError(f"{method}: {error!r}\n{self.log()}") from error

    async def queued(self) -> int:
        shown = await self.ctl("status")
        return int(shown["outbox"]["queued"])

    async def away(self) -> None:
        """Out of reach of the CSMS, as long as it runs."""
        await self.ctl("sim.disconnect")
        await self.party.until(lambda: self.party.line is None)

    async def make(self, transactions: int) -> None:
        await self.ctl("sim.transactions", count=transactions)

    def close(self) -> None:
        super().close()
        shutil.rmtree(self.home, ignore_errors=True)


class Watched(Daemon):
    """Under a stop-watch, see `watched.py`."""

    name = "WATCHED"

    def command(self) -> Sequence[str]:
        python, _, _, *arguments = super().command()
        self._env["WATCHED"] = str(self._told)
        return python, "-m", "tests.benchmarks.watched", *arguments

    @property
    def _told(self) -> Path:
        return self.home / "watched.json"

    async def watched(self) -> Any:
        """What was taken since the last time."""
        await asyncio.sleep(SETTLE_S)  # what was answered last is over
        self._told.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR2)
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                if self._told.exists():
                    return json.loads(self._told.read_text())
                await asyncio.sleep(POLL_S)
