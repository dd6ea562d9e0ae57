"""The real daemon process, started and maltreated by tests. Shares no code with it.

    with Station(ac_station(csms.url, evses=2)) as station:     # started, and ready by sd_notify
        station.ctl("sim.plug_in", evse=1)
        station.kill()                                          # SIGKILL: a power cut
        station.start(); station.wait_ready()                   # the same state directory

`config` may be changed between two starts. Everything waits with an end. A daemon that exits by itself, or that writes
a traceback into its log, fails the test when the context ends; `expect_exit()` and `allow_tracebacks` say it is meant.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests import evidence
from tests.daemon import control, toml
from tests.daemon.config import Config
from tests.daemon.notify import NotifySocket, Told

COMMAND = (sys.executable, "-m", "chargepointd")
ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60.0


class Exit(NamedTuple):
    code: int  # negative: the signal
    seconds: float  # from the signal to the end


class Station:
    """watchdog_s: what systemd's WatchdogSec would be. ready_within_s: the limit of `wait_ready`.

    command: what is run, for tests of this harness.
    """

    def __init__(
        self,
        config: Config,
        *,
        watchdog_s: float | None = None,
        ready_within_s: float = TIMEOUT_S,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.config = config
        self.home = Path(tempfile.mkdtemp(prefix="cpd-"))  # short: a Unix socket's path has at most 107 characters
        self.state_dir = self.home / "state"
        self.config_file = self.home / "chargepointd.toml"
        self.notify = NotifySocket()
        self.ready_within_s = ready_within_s
        self.allow_tracebacks = False
        self.started_at = 0.0
        self.env = self._environment(watchdog_s, env or {})
        self._command = command
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lines: list[str] = []
        self._first_line = 0  # of the latest start
        self._ended = True
        self._changed = self.notify.changed
        evidence.offer(f"log of {config['station']['id']}", lambda: self.log)

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_ready()
        except BaseException:
            self._clean_up()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            code = self._process.poll() if self._process else None
            ended = self.terminate() if self.running else None
        finally:
            self._clean_up()
        if kind is None:
            self._verify(code, ended)

    # -- its life ------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> None:
        """Start it; `wait_ready` waits until it is up."""
        assert not self.running, "it runs already"
        self.state_dir.mkdir(exist_ok=True)
        self.config_file.write_text(toml.dumps(self.config), encoding="utf-8")
        self.notify.clear()
        self.started_at, self._ended, self._first_line = time.monotonic(), False, len(self._lines)
        arguments = ["--config", str(self.config_file), "--state-dir", str(self.state_dir)]
        self._process = subprocess.Popen(
            [*self._command, *arguments], cwd=ROOT, env=self.env, text=True, errors="replace", start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read_log, args=(self._process,), name="log", daemon=True)
        self._reader.start()

    def wait_ready(self) -> float:
        """Seconds from start to READY=1; fails when it exits first."""
        return self.wait_notify("READY", "1", timeout=self.ready_within_s).at - self.started_at

    def kill(self) -> None:
        """SIGKILL to it and its children: what a power cut leaves of a process."""
        self._signal(signal.SIGKILL)
        self._wait_end(TIMEOUT_S)
        self._process = None

    def terminate(self, timeout: float = TIMEOUT_S) -> Exit:
        """SIGTERM to it alone, as systemd first does; fails when it is not gone in time."""
        assert self._process is not None and self.running, f"it does not run\n{self.tail()}"
        began = time.monotonic()
        self._process.terminate()
        code = self._wait_end(timeout)
        self._process = None
        return Exit(code, time.monotonic() - began)

    def restart(self, how: Callable[["Station"], Any] | None = None) -> None:
        """End it (by SIGTERM, or `Station.kill`), start it again with the same state, wait until it is ready."""
        (how or Station.terminate)(self)
        self.start()
        self.wait_ready()

    def expect_exit(self, timeout: float = TIMEOUT_S) -> int:
        """Wait until it exits by itself, as it shall here; its exit code."""
        code = self._wait_end(timeout)
        self._process = None
        return code

    # -- talking to it -------------------------------------------------------------------------------------------

    @property
    def socket(self) -> Path:
        return self.state_dir / str(self.config["control"]["socket"])

    def ctl(self, method: str, timeout: float = TIMEOUT_S, **params: Any) -> Any:
        """The result of a method of the control socket. ControlError with its code when it refuses."""
        try:
            return control.call(self.socket, method, params, timeout)
        except OSError as error:
            raise AssertionError(f"{method}: {error!r}\n{self.tail()}") from error

    def watch(self, timeout: float = TIMEOUT_S) -> control.Watch:
        """`with station.watch() as events: …; events.wait(kind=…, evse=1)`."""
        return control.Watch(self.socket, timeout)

    # -- watching it ---------------------------------------------------------------------------------------------

    @property
    def log(self) -> str:
        """All it wrote, over all starts."""
        with self._changed:
            return "".join(self._lines)

    def tail(self, lines: int = 30) -> str:
        with self._changed:
            return "".join(self._lines[-lines:])

    def wait_log(self, text: str, timeout: float = TIMEOUT_S) -> str:
        """The first line since the latest start with this text in it."""

        def look() -> str | None:
            return next((line for line in self._lines[self._first_line :] if text in line), None)

        return str(self._until(look, f"{text!r} in the log", timeout))

    def wait_notify(self, key: str, value: str | None = None, skip: int = 0, timeout: float = TIMEOUT_S) -> Told:
        """What it told systemd since its start, such as ("STATUS", None) or ("STOPPING", "1"); after `skip` such."""
        found: Told = self._until(
            lambda: self.notify.find(key, value, skip), f"{key}={value or '…'} to systemd", timeout
        )
        return found

    # -- inside --------------------------------------------------------------------------------------------------

    def _environment(self, watchdog_s: float | None, more: Mapping[str, str]) -> dict[str, str]:
        env = {**os.environ, "NOTIFY_SOCKET": self.notify.name, "PYTHONUNBUFFERED": "1", **more}
        env.pop("WATCHDOG_USEC", None)
        return env if watchdog_s is None else env | {"WATCHDOG_USEC": str(int(watchdog_s * 1e6))}

    def _read_log(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for line in stream:
                self._note(line)
        code = process.wait()
        self.notify.flush()  # what it told before its end counts
        with self._changed:
            self._ended = True
        self._note(f"[exit code {code}]\n")

    def _note(self, line: str) -> None:
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    def _until(self, look: Callable[[], Any], what: str, timeout: float) -> Any:
        with self._changed:
            self._changed.wait_for(lambda: look() or self._ended, timeout)
            found = look()
        assert found, f"no {what} within {timeout} s or before its end\n{self.tail()}"
        return found

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "not started"
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            assert self._process.poll() is not None, "the process group is gone, the process is not"

    def _wait_end(self, timeout: float) -> int:
        assert self._process is not None and self._reader is not None, "not started"
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {timeout} s\n{self.tail()}") from None
        self._reader.join(timeout)
        return code

    def _clean_up(self) -> None:
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._wait_end(TIMEOUT_S)
        self.notify.close()
        shutil.rmtree(self.home)

    def _verify(self, code: int | None, ended: Exit | None) -> None:
        assert code is None, f"it exited by itself with code {code}\n{self.tail()}"
        assert ended is None or ended.code == 0, f"exit code {ended.code if ended else 0} on SIGTERM\n{self.tail()}"
        broken = "Traceback (most recent call last)" in self.log and not self.allow_tracebacks
        assert not broken, f"a traceback in the log\n{self.log}"
