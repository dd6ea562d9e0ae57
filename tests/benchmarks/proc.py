"""What Linux tells of a process and of the disk below a directory (proc(5))."""

import os
from pathlib import Path
from typing import NamedTuple

SECTOR = 512


class Usage(NamedTuple):
    """Since the start of the process, all threads that still live."""

    cpu_s: float
    wakeups: int
    """voluntary context switches"""
    written: int
    """bytes that it caused to be written to the storage layer"""


class Memory(NamedTuple):
    rss_mb: float
    pss_mb: float
    """shared pages divided by those who share them: less when other interpreters run"""


def cpu_s(pid: int) -> float:
    return sum(int((task / "schedstat").read_text().split()[0]) for task in _tasks(pid)) / 1e9


def usage(pid: int) -> Usage:
    wakeups = sum(_number(task / "status", "voluntary_ctxt_switches") for task in _tasks(pid))
    return Usage(cpu_s(pid), wakeups, _number(Path(f"/proc/{pid}/io"), "write_bytes"))


def memory(pid: int) -> Memory:
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    return Memory(_number(rollup, "Rss") / 1024, _number(rollup, "Pss") / 1024)


def device_written(directory: Path) -> int | None:
    """Bytes written to the block device below it, by whomever; None where there is none to be seen."""
    device = directory.stat().st_dev
    path = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    return int(path.read_text().split()[6]) * SECTOR if path.exists() else None


def _tasks(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


def _number(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise LookupError(f"{path}: no {name}")
