"""What is logged of what somebody else does again and again: a CSMS that is away for a month, or that sends nonsense a
thousand times a second, must not fill the log."""

import logging
import time

AT_ONCE = 5
EVERY_S = 1800.0


class Repeats:
    """Of each key the first AT_ONCE lines are logged at their level, then one in EVERY_S, which says how many were not.

    Keys are few: kinds of things, never what somebody else has sent.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._left: dict[str, tuple[float, float, int]] = {}
        """key -> how many may be logged, at which moment, how many were passed over since"""

    def say(self, key: str, level: int, text: str, *args: object) -> None:
        now = time.monotonic()
        left, at, passed_over = self._left.get(key, (AT_ONCE, now, 0))
        left = min(left + (now - at) / EVERY_S, AT_ONCE)
        if left < 1:
            self._left[key] = left, now, passed_over + 1
            return
        self._left[key] = left - 1, now, 0
        if passed_over:
            text, args = f"{text} (and %d like it before)", (*args, passed_over)
        self._log.log(level, text, *args)
