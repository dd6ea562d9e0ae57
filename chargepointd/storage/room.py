"""Room in SQLite's log, made ahead of its writes.

A write behind the end of a file makes the file system write its own journal with the sync, for the file has grown: a
commit takes a third longer. So zeros are written there first, many at a time. They go to the disk with the next sync.
To whoever reads the log they are frames that were never written (`log.py`).
"""

import os
from pathlib import Path

from chargepointd.storage.database import PAGE_SIZE

HEADER, FRAME = 32, 24
"""bytes at the beginning of the log, and before each page in it"""
_STEP = FRAME + PAGE_SIZE
FRAMES = 250
"""that there is made room for at a time: a quarter of a megabyte"""
LEFT = 50
"""frames, more than most commits have: when there is room for fewer, more is made"""
_BLOCK = 4096
"""written at once: of what is written as one the kernel makes one page of its memory, as large as it may be, and counts
all of that as written with each frame"""
_SALT = 8
"""where in a frame's head that of its log stands, which is never zero"""


class Room:
    """Of the log of an open database, for the thread that commits. `look` costs a read of the kernel's memory."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + "-wal")
        self._fd = -1
        self._frames = 0

    def look(self) -> None:
        """After a commit: where it has come near the end, move that on. (A log that is written anew from its beginning
        has had its room.) A disk that has none is not told of here: the commits go on without."""
        try:
            if self._fd < 0:
                self._fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
                self._frames = self._there()  # after a power cut it has that of the process before
            if self._frames < LEFT or any(os.pread(self._fd, 8, _at(self._frames - LEFT) + _SALT)):
                self._make()
        except OSError:
            self._frames = LEFT

    def _make(self) -> None:
        size, self._frames = os.fstat(self._fd).st_size, self._there() + FRAMES
        while (left := _at(self._frames) - size) > 0:
            size += os.pwrite(self._fd, bytes(min(left, _BLOCK - size % _BLOCK)), size)

    def _there(self) -> int:
        return max(0, os.fstat(self._fd).st_size - HEADER) // _STEP

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _at(frame: int) -> int:
    return HEADER + frame * _STEP
