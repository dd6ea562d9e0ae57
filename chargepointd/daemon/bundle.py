"""What a person needs who looks for a fault from afar: the parts of the archive that `chargepointctl bundle` writes and
the CSMS may fetch (N01.FR.04).

    recording.jsonl.gz                                        what the station was told and did (`recording.py`)
    log.txt            the daemon's last log lines            journal.txt       the system's journal, where readable
    crash-*.jsonl.gz   what led to earlier bugs               missing.txt       what could not be had, and why
    status.json  drivers.json  outbox.json  set_aside.json  variables.json  profiles.json  reservations.json
    limits.json  list.json  security_log.json                 the state, as `chargepointctl` shows it
    configuration.json  versions.json  system.json            what it runs on

No part has a token, a password or a key; who is meant by a pseudonym in one is meant by it in all others. Crash reports
are of other processes, with other pseudonyms.
"""

import asyncio
import io
import json
import os
import platform
import shutil
import sys
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from chargepointd import __version__
from chargepointd.control.protocol import ControlError
from chargepointd.core.masking import masked
from chargepointd.daemon.log_ring import LogRing
from chargepointd.daemon.pseudonyms import Pseudonyms
from chargepointd.daemon.recorder import Recorder
from chargepointd.daemon.recording import ALL, write
from chargepointd.jobs.diagnostics import archive

RECORDING = "recording.jsonl.gz"
JOURNAL = ("journalctl", "--unit=chargepointd", "--no-pager", "--output=short-iso-precise", "--lines=20000", "--quiet")
JOURNAL_S = 10.0
ASK_S = 5.0
"""for each answer: what an engine that stands still does not tell is missing, and no more than that"""
CRASHES = 5
"""the newest so many reports"""
_SECRET = ("password", "authorizationkey", "secret", "token", "pin", "passphrase")
_PACKAGES = ("websockets", "ocpp", "pyserial", "pymodbus", "python-can", "cryptography", "asyncssh", "orjson")
_ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "status": ("status", {}),
    "drivers": ("drivers", {}),
    "outbox": ("outbox", {"limit": 1000}),
    "set_aside": ("outbox", {"act": "dead"}),
    "security_log": ("security_log", {"limit": 10_000}),
    "variables": ("get", {"prefix": ""}),
    "profiles": ("profiles", {}),
    "reservations": ("reservations", {}),
    "limits": ("limit", {"act": "show"}),
    "list": ("list", {}),
}
"""part -> method and params"""

Ask = Callable[[dict[str, Any]], Awaitable[Any]]
Parts = dict[str, str | bytes]


class Bundle:
    """`asks`: the local methods by name, as `chargepointctl` calls them; `clock`: what is known of the time."""

    def __init__(
        self,
        config: Any,
        state_dir: Path,
        ring: LogRing,
        recorder: Recorder,
        asks: Mapping[str, Ask],
        clock: Callable[[], dict[str, Any]],
    ) -> None:
        self._config = config
        self._state_dir = state_dir
        self._ring = ring
        self._recorder = recorder
        self._asks = asks
        self._clock = clock

    async def gather(self, oldest: float | None, latest: float | None, *, whole: bool = False) -> Parts:
        """oldest, latest: UTC, s since 1970; they bound what has a time. Of a recording half cannot be replayed: it is
        bounded as well unless `whole`."""
        first, last = oldest or 0.0, float("inf") if latest is None else latest
        missing: dict[str, str] = {}
        asks = [self._ask(part, *of, missing) for part, of in _ASKED.items()]
        asked = dict(zip(_ASKED, await asyncio.gather(*asks), strict=True))
        _leave_out_words(asked["set_aside"])
        asked |= about(self._config, self._state_dir, self._clock())
        parts = {f"{name}.json": json.dumps(value, indent=1, default=str) for name, value in asked.items() if value}
        parts["log.txt"] = self._ring.text(first, last)
        parts["journal.txt"] = await journal(oldest, latest)
        taken, span = self._recorder.taken(), ALL if whole else (first, last)
        recording, names = await asyncio.to_thread(_recorded, taken, span)
        return await asyncio.to_thread(finished, parts, names, missing) | {
            RECORDING: recording,
            **await asyncio.to_thread(crashes, self._state_dir, first, last),
        }

    async def _ask(self, part: str, method: str, params: dict[str, Any], missing: dict[str, str]) -> Any:
        try:
            async with asyncio.timeout(ASK_S):
                return await self._asks[method](params)
        except ControlError as refused:
            missing[f"{part}.json"] = refused.message
        except TimeoutError:
            missing[f"{part}.json"] = f"the station did not answer within {ASK_S:.0f} s"
        return None


async def packed(station_id: str, asked_at: float, parts: Parts) -> dict[str, Any]:
    """As `chargepointctl` gets it."""
    name = f"bundle-{station_id}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(asked_at))}"
    archived = await asyncio.to_thread(archive, name, parts)
    return {"filename": f"{name}.tar.gz", "archive": b64encode(archived).decode(), "parts": sorted(parts)}


def _leave_out_words(set_aside: Any) -> None:
    """Of a CSMS that refused: they may name a token of which this process has never heard. The code is left."""
    for letter in set_aside["letters"] if set_aside else ():
        letter["reason"] = letter["reason"].partition(":")[0]


def _recorded(taken: Any, span: tuple[float, float]) -> tuple[bytes, Pseudonyms]:
    file = io.BytesIO()
    names = write(taken, file, "asked for", span)
    return file.getvalue(), names


def finished(parts: Mapping[str, str], names: Pseudonyms, missing: Mapping[str, str]) -> Parts:
    """The texts without secrets; those that are empty are left out."""
    told: Parts = {name: masked(names.text(text)) for name, text in parts.items() if text}
    if missing:
        told["missing.txt"] = "".join(f"{name}: {why}\n" for name, why in sorted(missing.items()))
    return told


def about(config: Any, state_dir: Path, clock: dict[str, Any]) -> dict[str, Any]:
    """What it runs on."""
    return {
        "configuration": without_secrets(config),
        "versions": _versions(),
        "system": _system(state_dir) | {"clock": clock},
    }


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
    if callable(value):  # of a driver; where in memory it lies tells nobody anything
        return f"{value.__module__}.{value.__qualname__}"
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
    room: dict[str, int] = {}
    with suppress(OSError):  # where there is no such folder, or its disk is gone, there is no more to say
        disk = shutil.disk_usage(state_dir)
        room = {"total_bytes": disk.total, "free_bytes": disk.free}
    files = {str(f.relative_to(state_dir)): f.stat().st_size for f in sorted(state_dir.rglob("*")) if f.is_file()}
    memory = {}
    with suppress(OSError):
        lines = Path("/proc/meminfo").read_text().splitlines()[:5] + Path("/proc/self/status").read_text().splitlines()
        memory = {k: v.strip() for k, _, v in (line.partition(":") for line in lines) if k[:2] in ("Me", "Vm", "Th")}
    return {
        "disk": room,
        "state_files_bytes": files,
        "memory": memory,
        "load": os.getloadavg(),
        "uptime_s": round(time.clock_gettime(time.CLOCK_BOOTTIME)),
        "process_id": os.getpid(),
    }


def crashes(state_dir: Path, first: float, last: float) -> dict[str, bytes]:
    """The reports of that time."""
    found = sorted(f for f in state_dir.glob("crash-*.jsonl*") if first <= f.stat().st_mtime <= last)[-CRASHES:]
    return {file.name: file.read_bytes() for file in found}


async def journal(oldest: float | None, latest: float | None) -> str:
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
