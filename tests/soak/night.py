"""The census of a night, and what may have grown since the nights before it."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

BLOCKS = 0.02
"""by which share what Python has allocated, without the ring of the log, may grow over that of an earlier night with as
much loaded"""
RSS_KB = 4 * 1024
"""by which a process may grow: the rings of the log and of the recorder, which take days to fill, have 2 MB, and Python
takes and keeps memory by the MB"""
HEAP_KB = 1024
"""by which what is in use of the C library's heap may grow, but for SQLite and the ring of the log"""
HEAP_KB_A_NIGHT = 2.0
"""by which it may grow in half of all nights: tables grow by steps, seldom; what is lost with each connection, each
file, each visit is lost every day"""
WARM = 4
"""nights after something was loaded, or begun, in which its tables fill"""
NIGHTS = 5
"""to the night before each, from which on that is judged"""
SQLITE_KB = 1500
"""what SQLite may have: its cache (1000), and statements"""


class Night(NamedTuple):
    """The census of a night, and the day before it."""

    day: int
    version: str
    visits: int
    energy_kwh: float
    messages: int
    records: int
    starts: int
    troubles: int
    queued: int
    dead: int
    db_kb: int
    wal_kb: int
    files: int
    rss_kb: int
    heap_kb: int
    sqlite_kb: int
    objects: int
    modules: int
    blocks: int
    tasks: int
    fds: int
    threads: int
    log_lines: int
    leaps: int
    real_s: float


TITLES = (
    "day", "ocpp", "visits", "kWh", "messages", "records", "starts", "troubles", "queued", "dead", "db kB", "WAL kB",
    "files", "RSS kB", "heap kB", "SQLite", "objects", "modules", "blocks", "tasks", "fds", "threads", "log", "leaps",
    "real s",
)  # fmt: skip


def growth(nights: Sequence[Night]) -> list[str]:
    """What is wrong with the last of them.

    Of the same process, from the second night on in which nothing more was loaded: what few stations have is imported
    when it is first needed, which is once."""
    night = nights[-1]
    wrong = []
    same = [one for one in nights if (one.starts, one.modules) == (night.starts, night.modules)]
    if len(same) > 2:
        before = same[1]
        if night.blocks > before.blocks * (1 + BLOCKS):
            wrong.append(f"{night.blocks} blocks, {before.blocks} on night {before.day}")
        if night.heap_kb - before.heap_kb > HEAP_KB:
            wrong.append(f"{night.heap_kb} kB of heap, {before.heap_kb} on night {before.day}")
        if night.rss_kb - before.rss_kb > RSS_KB:
            wrong.append(f"{night.rss_kb} kB of memory, {before.rss_kb} on night {before.day}")
    if night.sqlite_kb > SQLITE_KB:
        wrong.append(f"SQLite has {night.sqlite_kb} kB")
    warm = [one.heap_kb for one in same[WARM:]]
    if len(warm) > NIGHTS and (more := median(after - before for before, after in pairwise(warm))) > HEAP_KB_A_NIGHT:
        wrong.append(f"the heap has grown by {more:.1f} kB a night")
    return [f"night {night.day}: {each}" for each in wrong]


def row(values: Any) -> str:
    return " ".join(f"{_shown(value):>{max(len(title), 6)}}" for value, title in zip(values, TITLES, strict=True))


def _shown(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)
