"""Copies of the database, for the day on which the disk has damaged it. Two generations, made by the writer's thread.

One is made when something was committed and the last is a day old; a station that does nothing writes nothing.
"""

import logging
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

COPIES = ("chargepointd.db.copy-1", "chargepointd.db.copy-2")
"""the newest first"""
EVERY_S = 86_400.0
FIRST_S = 600.0
"""after a start, which has other things to do"""


class Copies:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._due_at = 0.0
        """s, monotonic clock"""

    def begin(self) -> None:
        """When the next is due."""
        try:
            age_s = time.time() - (self._directory / COPIES[0]).stat().st_mtime
        except OSError:
            age_s = EVERY_S
        left_s = EVERY_S - age_s if 0 <= age_s <= EVERY_S else 0.0  # a clock that went back says nothing
        self._due_at = time.monotonic() + max(FIRST_S, left_s)

    def make_if_due(self, db: sqlite3.Connection) -> None:
        """After a commit. One that fails is told, and tried again a day later: the commits go on without it."""
        if time.monotonic() < self._due_at:
            return
        self._due_at = time.monotonic() + EVERY_S
        newest, older = (self._directory / name for name in COPIES)
        new = newest.with_name(newest.name + ".new")
        try:
            new.unlink(missing_ok=True)
            os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            db.execute("VACUUM INTO ?", (str(new),))
            sync(new)
            if newest.exists():
                newest.replace(older)
            new.replace(newest)
            sync(self._directory)
        except (sqlite3.Error, OSError) as error:
            log.warning("state: no copy could be made: %s", error)
            with suppress(OSError):  # where nothing can be written nothing can be removed
                new.unlink()


def sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
