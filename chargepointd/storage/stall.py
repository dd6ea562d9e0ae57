"""Whether the disk stands still: a call that does not come back raises nothing either.

The thread says when it goes to the disk and when it is back; the loop looks, while there is something to do. Looks are
counted, not seconds: a process that stood still as a whole has seen nothing of its disk.
"""

import threading
from types import TracebackType
from typing import Self

from chargepointd.storage.database import StoreError

LOOK_S = 2.5
LOOKS = 4
"""in vain, and the disk is taken for one that cannot be written"""
LOOKS_LONG = 24
"""while all of the database is copied, or a long log brought into it"""
REASON = "the disk does not answer"


class StandsStill(StoreError):
    """At the end of the process: the thread waits for the disk, and there is no end in order."""


class Stall:
    """Entered by the thread for each visit to the disk."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._step = 0
        """odd while the thread is at the disk; another one shows that something moves"""
        self._seen = 0
        self._looks = 0
        self._most = LOOKS
        self._given_up = False

    # -- the thread ----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._step += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with self._lock:
            self._step += 1
            self._most = LOOKS

    def long(self) -> Self:
        """What comes takes its time on a slow disk too."""
        self._most = LOOKS_LONG
        return self

    def moves(self) -> None:
        """Within a visit: a part of it is done."""
        self._step += 2

    def over(self) -> bool:
        """After a visit: it had been given up."""
        given_up, self._given_up = self._given_up, False
        return given_up

    # -- the loop ------------------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """True once for a visit that takes too long: it is given up. What comes of it then is told by the thread."""
        with self._lock:
            if self._step != self._seen or not self._step % 2:
                self._seen, self._looks = self._step, 0
                return False
            self._looks += 1
            if self._looks != self._most:
                return False
            self._given_up = True
            return True
