"""What a person needs who looks for a fault from afar: the parts of the diagnostics archive (N01.FR.04).

    log.txt            the daemon's last log lines            journal.txt        the system's journal, where readable
    events.jsonl       what the station was last told         crash-*.jsonl      what led to earlier bugs
    status.json  drivers.json  outbox.json  variables.json    what `chargepointctl` shows
    security_log.json  configuration.json  versions.json  system.json

Tokens are masked, passwords and keys left out, everywhere.
"""

import asyncio
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from chargepointd import __version__
from chargepointd.core.masking import masked
from chargepointd.daemon.log_ring import LogRing
from chargepointd.daemon.recorder import Recorder

JOURNAL = ("journalctl", "--unit=chargepointd", "--no-pager", "--output=short-iso-precise", "--lines=20000", "--quiet")
JOURNAL_S = 10.0
CRASHES = 5
"""the newest so many reports"""
_SECRET = ("password", "authorizationkey", "secret", "token", "pin", "passphrase")
_PACKAGES = ("websockets", "ocpp", "pyserial", "pymodbus", "python-can", "cryptography", "asyncssh", "orjson")

Ask = Callable[[dict[str, Any]], Awaitable[Any]]


class Diagnostics:
    """`asks`: the local methods by name, as `chargepointctl` calls them; `clock`: what is known of the time."""

    def __init__(
        self,
        config: Any,
        state_dir: Path,
        ring: LogRing,
        recorder: Recorder,
        asks: dict[str, Ask],
        clock: Callable[[], dict[str, Any]],
    ) -> None:
        self._config = config
        self._state_dir = state_dir
        self._ring = ring
        self._recorder = recorder
        self._asks = asks
        self._clock = clock

    async def gather(self, oldest: float | None, latest: float | None) -> dict[str, str]:
        """File name -> text. oldest, latest: UTC, s since 1970; they bound what has a time."""
        first, last = oldest or 0.0, float("inf") if latest is None else latest
        asked = {
            "status": await self._asks["status"]({}),
            "drivers": await self._asks["drivers"]({}),
            "outbox": await self._asks["outbox"]({"limit": 1000}),
            "security_log": await self._asks["security_log"]({"limit": 10_000}),
            "variables": await self._asks["get"]({"prefix": ""}),
            "configuration": without_secrets(self._config),
            "versions": _versions(),
            "system": _system(self._state_dir) | {"clock": self._clock()},
        }
        parts = {f"{name}.json": json.dumps(value, indent=1, default=str) for name, value in asked.items()}
        parts["log.txt"] = self._ring.text(first, last)
        parts["events.jsonl"] = self._recorder.text(first, last)
        parts |= await asyncio.to_thread(_crashes, self._state_dir, first, last)
        journal = await _journal(oldest, latest)
        if journal:
            parts["journal.txt"] = journal
        return {name: masked(text) for name, text in parts.items()}


def without_secrets(value: Any, name: str = "") -> Any:
    """The configuration as plain data; what is a secret by its name is only told to be there."""
    if any(word in name.lower() for word in _SECRET):
        return "…" if value else value
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: without_secrets(each, key) for key, each in value._asdict().items()}
    if isinstance(value, dict):
        return {str(key): without_secrets(each, str(key)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _versions() -> dict[str, Any]:
    packages = {}
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            packages[name] = metadata.version(name)
    system = {}
    with suppress(OSError):
        system = platform.freedesktop_os_release()
    return {
        "chargepointd": __version__,
        "python": sys.version,
        "machine": platform.machine(),
        "kernel": platform.release(),
        "system": system.get("PRETTY_NAME", platform.system()),
        "packages": packages,
    }


def _system(state_dir: Path) -> dict[str, Any]:
    """Disk, memory, load: what a station that runs for years runs out of."""
    disk = shutil.disk_usage(state_dir)
    files = {str(f.relative_to(state_dir)): f.stat().st_size for f in sorted(state_dir.rglob("*")) if f.is_file()}
    memory = {}
    with suppress(OSError):
        lines = Path("/proc/meminfo").read_text().splitlines()[:5] + Path("/proc/self/status").read_text().splitlines()
        memory = {k: v.strip() for k, _, v in (line.partition(":") for line in lines) if k[:2] in ("Me", "Vm", "Th")}
    return {
        "disk": {"total_bytes": disk.total, "free_bytes": disk.free},
        "state_files_bytes": files,
        "memory": memory,
        "load": os.getloadavg(),
        "uptime_s": round(time.clock_gettime(time.CLOCK_BOOTTIME)),
        "process_id": os.getpid(),
    }


def _crashes(state_dir: Path, first: float, last: float) -> dict[str, str]:
    found = sorted(f for f in state_dir.glob("crash-*.jsonl") if first <= f.stat().st_mtime <= last)[-CRASHES:]
    return {file.name: file.read_text("utf-8", "replace") for file in found}


async def _journal(oldest: float | None, latest: float | None) -> str:
    """Empty where there is none, or it is not for us to read."""
    if shutil.which(JOURNAL[0]) is None:
        return ""
    command = list(JOURNAL)
    command += [f"--since=@{oldest:.0f}"] if oldest is not None else []
    command += [f"--until=@{latest:.0f}"] if latest is not None else []
    pipe, none = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdin=none, stdout=pipe, stderr=none)
    try:
        async with asyncio.timeout(JOURNAL_S):
            output, _ = await process.communicate()
            return output.decode("utf-8", "replace")
    except TimeoutError:
        return ""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
