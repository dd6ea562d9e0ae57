"""The last lines of the daemon's own log, in memory: they are there where no journal can be read."""

import logging
import time
from collections import deque

KEPT = 5000
"""lines; at most 500 characters each, so at most 2.5 MB"""
LINE_LIMIT = 500


class LogRing(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[tuple[float, str]] = deque(maxlen=KEPT)
        self.setFormatter(logging.Formatter("%(levelname)-7s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append((record.created, self.format(record)[:LINE_LIMIT]))

    def text(self, oldest: float, latest: float) -> str:
        """The lines of that time; UTC, s since 1970, as the system's clock says it."""
        return "".join(f"{_stamp(at)} {line}\n" for at, line in tuple(self._lines) if oldest <= at <= latest)


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03}Z"
