"""What a process wrote, synced and told, in order, as strace saw it; and what a power cut may leave of it.

with traced() as command: Station(…, command=command)      # strace around the real daemon
for op in operations(trace): …
disk = Disk(); disk.do(op); disk.after_a_cut(chance)       # files with what was synced, and any part of the rest
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CALLS = "pwrite64,ftruncate,fdatasync,fsync,unlink,unlinkat,sendto"
UNITS = {"sectors": 512, "blocks": 4096}
"""what a disk writes as one, and a file system"""
_CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>")
_FD = re.compile(r"^\d+<([^>]*)>(?:, )?(.*)$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(?:\.\.\.)?(?:, )?(.*)$')


class Write(NamedTuple):
    file: str
    at: int
    data: bytes


class Cut(NamedTuple):
    """The file is so long from now on."""

    file: str
    size: int


class Sync(NamedTuple):
    file: str


class Gone(NamedTuple):
    file: str


class Told(NamedTuple):
    text: str


Operation = Write | Cut | Sync | Gone | Told


def command(trace: Path, *program: str) -> tuple[str, ...]:
    return ("strace", "-f", "-y", "-xx", "-s", "100000", "-e", f"trace={CALLS}", "-o", str(trace), *program)


def operations(trace: Path) -> Iterator[Operation]:
    """A write counts from when it was begun, a sync from when it was done."""
    syncing: dict[str, str] = {}
    for line in trace.read_text().splitlines():
        resumed = _RESUMED.match(line)
        if resumed and resumed[2] in ("fsync", "fdatasync") and line.endswith("= 0"):
            yield Sync(syncing.pop(resumed[1]))
        call = _CALL.match(line)
        if not call:
            continue
        thread, name, rest = call.groups()
        if name in ("unlink", "unlinkat"):
            yield Gone(Path(_text(rest[rest.index('"') :])[0].decode()).name)
            continue
        found = _FD.match(rest)
        if not found:
            continue
        file, rest = Path(_plain(found[1])).name, found[2]
        if name == "pwrite64":
            data, rest = _text(rest)
            yield Write(file, int(re.split(r"[,) <]+", rest)[1]), data)
        elif name == "ftruncate":
            yield Cut(file, int(re.split(r"[,) <]+", rest)[0]))
        elif name in ("fsync", "fdatasync"):
            if "<unfinished" in line:
                syncing[thread] = file
            elif line.endswith("= 0"):
                yield Sync(file)
        elif name == "sendto":
            yield from map(Told, _texts(_text(rest)[0]))


def _plain(path: str) -> str:
    return bytes.fromhex(path.replace("\\x", "")).decode() if "\\x" in path else path


def _text(rest: str) -> tuple[bytes, str]:
    found = _TEXT.match(rest)
    assert found, rest[:200]
    return bytes.fromhex(found[1].replace("\\x", "")), found[2]


def _texts(data: bytes) -> Iterator[str]:
    """Of the masked text frames of a websocket's client."""
    while len(data) > 6 and data[0] == 0x81 and data[1] & 0x80:
        size, start = data[1] & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        mask, body = data[start : start + 4], data[start + 4 : start + 4 + size]
        yield bytes(byte ^ mask[n % 4] for n, byte in enumerate(body)).decode()
        data = data[start + 4 + size :]


class Disk:
    """Files, as they are synced, and what was done to each since."""

    def __init__(self) -> None:
        self._synced: dict[str, bytes] = {}
        self._since: dict[str, list[Write | Cut]] = {}

    def do(self, op: Operation) -> None:
        if isinstance(op, Write | Cut):
            self._since.setdefault(op.file, []).append(op)
            self._synced.setdefault(op.file, b"")
        elif isinstance(op, Sync) and op.file in self._since:
            self._synced[op.file] = _applied(self._synced[op.file], self._since.pop(op.file))
        elif isinstance(op, Gone):
            self._synced.pop(op.file, None)
            self._since.pop(op.file, None)

    def after_a_cut(self, how: str, chance: random.Random) -> dict[str, bytes]:
        """how: "none" of what was not synced, "all" of it, any "sectors", each as it was at any moment, or any
        "blocks", each as it was synced or as it was to be."""
        left = {}
        for file, synced in self._synced.items():
            since: list[Write | Cut] = self._since.get(file, [])
            if how == "none":
                since = []
            elif how in UNITS:
                since = list(_reached(since, how, chance))
            left[file] = _applied(synced, since)
        return left


def _reached(since: list[Write | Cut], how: str, chance: random.Random) -> Iterator[Write | Cut]:
    """Of each unit what was written to it up to some moment: later writes to it contain the earlier ones."""
    until: dict[int, int] = {}
    unit, whole = UNITS[how], (-1, len(since))
    for moment, op in enumerate(since):
        if isinstance(op, Cut):
            yield op
            continue
        for part in _parts(op, unit):
            number = part.at // unit
            if number not in until:
                until[number] = chance.choice((*whole, chance.randrange(len(since))) if how == "sectors" else whole)
            if moment <= until[number]:
                yield part


def _parts(op: Write, unit: int) -> Iterator[Write]:
    start = 0
    while start < len(op.data):
        end = min(len(op.data), ((op.at + start) // unit + 1) * unit - op.at)
        yield Write(op.file, op.at + start, op.data[start:end])
        start = end


def _applied(data: bytes, ops: list[Write | Cut]) -> bytes:
    content = bytearray(data)
    for op in ops:
        if isinstance(op, Cut):
            content = content[: op.size].ljust(op.size, b"\0")
        else:
            content.extend(bytes(max(0, op.at - len(content))))
            content[op.at : op.at + len(op.data)] = op.data
    return bytes(content)
