"""The last lines of the daemon's own log, in memory: they are there where no journal can be read."""

import logging
import time
from collections import deque

KEPT = 5000
"""lines"""
LINE_LIMIT = 500
"""characters, so 2.5 MB in all"""
TRACEBACK_LIMIT = 8000


class LogRing(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[tuple[float, str]] = deque(maxlen=KEPT)
        self.setFormatter(logging.Formatter("%(levelname)-7s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        limit = TRACEBACK_LIMIT if record.exc_info else LINE_LIMIT
        self._lines.append((record.created, self.format(record)[:limit]))

    def text(self, oldest: float, latest: float) -> str:
        """The lines of that time; UTC, s since 1970, as the system's clock says it."""
        return "".join(f"{_stamp(at)} {line}\n" for at, line in tuple(self._lines) if oldest <= at <= latest)


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03}Z"
