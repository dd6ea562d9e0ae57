"""A control server on a real Unix socket, in a loop of its own thread, with a small station behind it."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from chargepointd.control.protocol import unknown_evse
from chargepointd.control.server import ControlServer

LIMIT_S = 20.0
ROOT = Path(__file__).parents[2]

STATUS = {
    "station": {
        "id": "DEMO001",
        "vendor": "chargepointd",
        "model": "Bench station",
        "serial_number": "0001",
        "firmware_version": "0.1.0",
        "started_at": "2026-03-01T09:00:00Z",
        "uptime_s": 5400,
    },
    "csms": {
        "url": "ws://127.0.0.1:9180/ocpp",
        "connected": True,
        "subprotocol": "ocpp2.0.1",
        "registration": "Accepted",
        "since": "2026-03-01T09:00:02Z",
        "offline_s": None,
    },
    "availability": "Operative",
    "faults": [],
    "evses": [
        {
            "id": 1,
            "availability": "Operative",
            "faults": [],
            "connectors": [{"id": 1, "type": "sType2", "status": "Occupied"}],
            "session": {
                "cable": True,
                "authorized": True,
                "token": "****E5F6",
                "transaction_id": "tx-1",
                "started_at": "2026-03-01T10:00:00Z",
                "charging_state": "Charging",
                "energy_wh": 3210.0,
                "power_w": 7200.0,
                "limit_a": 32.0,
            },
        },
        {
            "id": 2,
            "availability": "Operative",
            "faults": ["ground fault"],
            "connectors": [{"id": 1, "type": "sType2", "status": "Faulted"}],
        },
    ],
    "outbox": {"queued": 0, "sent": 12},
}


class Station:
    """What stands behind the socket: answers like a station, and remembers what it was asked."""

    def __init__(self, path: Path, group: str = "") -> None:
        self.path = path
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}
        self._watchers: list[Callable[[dict[str, Any]], None]] = []
        self._changed = threading.Condition()
        names = (
            "status",
            "start",
            "stop",
            "availability",
            "get",
            "set",
            "unlock",
            "reset",
            "limit",
            "outbox",
            "drivers",
            "reset_csms",
            "grid",
            "schedule",
            "profiles",
            "reservations",
            "security_log",
            "list",
            "bundle",
        )
        methods = {
            name: self._method(name)
            for name in (
                *names,
                "bug",
                "sim.plug_in",
                "sim.swipe",
                "sim.state",
                "sim.transactions",
                "sim.contact",
                "sim.site",
            )
        }
        self.server = ControlServer(path, group, methods, self._subscribe)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="control server")
        self._running = threading.Event()

    def __enter__(self) -> "Station":
        self.server.open()
        self._thread.start()
        assert self._running.wait(LIMIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        self._loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._task = task
        self._running.set()
        with suppress(asyncio.CancelledError):
            await self.server.run()

    def _method(self, name: str) -> Callable[[dict[str, Any]], Any]:
        async def answer(params: dict[str, Any]) -> Any:
            self.asked.append((name, params))
            if params.get("evse", 1) not in (1, 2):
                raise unknown_evse(params["evse"], (1, 2))
            result = self.answers.get(name, STATUS if name == "status" else {"taken": True})
            if isinstance(result, Exception):
                raise result
            return result

        return answer

    def _subscribe(self, callback: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        def leave() -> None:
            with self._changed:
                self._watchers.remove(callback)
                self._changed.notify_all()

        with self._changed:
            self._watchers.append(callback)
            self._changed.notify_all()
        return leave

    def wait_for_watchers(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._watchers) == count, LIMIT_S)

    def emit(self, *events: dict[str, Any]) -> None:
        """Tell all watchers; returns when the loop has had a turn after it."""

        async def tell() -> None:
            for event in events:
                for watcher in list(self._watchers):
                    watcher(event)
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(tell(), self._loop).result(LIMIT_S)


class Wire:
    """A bare connection: any bytes go out, lines come back."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(LIMIT_S)
        self.socket.connect(str(path))
        self._file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def line(self) -> dict[str, Any]:
        line = self._file.readline()
        assert line.endswith(b"\n"), f"the connection ended: {line!r}"
        message: dict[str, Any] = json.loads(line)
        return message

    def ask(self, method: str, call_id: Any = 1, **params: Any) -> dict[str, Any]:
        self.send(json.dumps({"jsonrpc": "2.0", "id": call_id, "method": method, "params": params}).encode() + b"\n")
        return self.line()

    def rest(self) -> list[dict[str, Any]]:
        """All lines until the other side closes."""
        return [json.loads(line) for line in self._file]

    def raw(self) -> bytes:
        """All bytes until the other side closes."""
        return self._file.read()

    def close(self) -> None:
        self._file.close()
        self.socket.close()


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.fixture
def station(socket_path: Path) -> Iterator[Station]:
    with Station(socket_path) as station:
        yield station


@pytest.fixture
def connect(station: Station) -> Iterator[Callable[[], Wire]]:
    wires: list[Wire] = []

    def connect() -> Wire:
        wires.append(Wire(station.path))
        return wires[-1]

    yield connect
    for wire in wires:
        wire.close()


@pytest.fixture
def wire(connect: Callable[[], Wire]) -> Wire:
    return connect()


def environment(**more: str) -> dict[str, str]:
    """The environment of a child: ours without what changes the answers."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CHARGEPOINTD_SOCKET", "COLUMNS")}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm", "TZ": "UTC", **more}


CTL = (sys.executable, "-m", "chargepointd.cli")


def ctl(*args: object, **more: str) -> subprocess.CompletedProcess[str]:
    """chargepointctl as a process."""
    command = [*CTL, *map(str, args)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT_S, check=False, env=environment(**more)
    )


def deadline() -> Callable[[], bool]:
    """Whether there is still time."""
    end = time.monotonic() + LIMIT_S
    return lambda: time.monotonic() < end
