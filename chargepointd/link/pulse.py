"""Finds out that a link is half-open: ping and pong, and what follows from a CALL that nobody answers.

Silence. Where nothing came for a ping interval a ping goes out, and where nothing comes after it the link is dead.
One way. That something comes does not prove that what is sent arrives: only a pong does, or the answer to a CALL. For
each interval without such proof a ping goes out; after `UNPROVEN` of them in vain the link is dead too.
Open CALL. Whatever the interval, 0 as well: a CALL that has no answer after half of its time is followed by a ping; if
nothing at all comes before the time is over, the link is dead. So it is the link that failed, not the CALL.

What still leaves. A pong cannot come before the ping has left, behind all that was sent before it: on a slow line the
other side has another time for its answer, as long as what waits to leave grows less.

One timer serves all; nothing ticks while the interval is 0 and no CALL is open.
"""

import asyncio
from collections.abc import Callable

UNPROVEN = 3
PROGRESS = 1024
"""bytes that have to leave within the time for an answer; else who does not read would be waited for for ever"""
LEAST_ANSWER_S = 5.0
"""to a ping for an open CALL, however short its time is"""


class Pulse:
    """Calls `ping`, and `dead`.

    interval: s between pings (WebSocketPingInterval), asked anew each time; 0 is off.
    answer_s: how long an answer may take; None: as long as the interval.
    unsent: bytes that wait to leave.
    """

    def __init__(
        self,
        interval: Callable[[], float],
        answer_s: float | None,
        ping: Callable[[], None],
        dead: Callable[[], None],
        unsent: Callable[[], int] = lambda: 0,
    ) -> None:
        self._interval = interval
        self._answer_s = answer_s
        self._ping = ping
        self._dead = dead
        self._unsent = unsent
        self._left = 0  # of that, when it was looked at last
        self._answer_within = 0.0
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._wake_at = 0.0
        self._started = False
        self.deaf = False  # the socket is not read at present: silence means nothing
        self._dead_by: float | None = None  # unless something is heard
        self._ask_at: float | None = None  # unless the open CALL is answered
        self._answer_by = 0.0  # of that CALL
        self._unanswered = 0  # pings since the last proof
        self._proven_at = self._pinged_at = self._loop.time()

    def heard(self) -> None:
        """Something arrived. Must not be judged by the time alone: uvloop's clock moves once a turn."""
        self._dead_by = None

    def ponged(self) -> None:
        """What was sent has arrived."""
        self._proven_at = self._loop.time()
        self._dead_by = None
        self._unanswered = 0

    def answered(self) -> None:
        """So has the CALL, whose answer this is."""
        self.ponged()
        self._ask_at = None

    def asked(self, within_s: float) -> None:
        """A CALL was sent, whose answer may take so long. The one before it is not waited for any more."""
        now = self._loop.time()
        self._ask_at, self._answer_by = now + within_s / 2, now + within_s * 0.9
        if self._started and (self._timer is None or self._wake_at > self._ask_at):
            self._wake(self._ask_at)

    def start(self) -> None:
        """Begin, or begin anew with a changed interval."""
        self.stop()
        self._started, self._dead_by = True, None
        if (interval := self._interval()) > 0:
            now = self._loop.time()
            self._pinged_at = max(self._pinged_at, self._proven_at, now - interval)
        self._arm()

    def stop(self) -> None:
        self._started = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._wake_at = at
        self._timer = self._loop.call_at(at, self._tick)

    def _arm(self) -> None:
        due = [at for at in (self._dead_by, self._ask_at, self._ping_at()) if at is not None]
        if due and self._started:
            self._wake(min(due))

    def _ping_at(self) -> float | None:
        interval = self._interval()
        if interval <= 0 or self._dead_by is not None:
            return None
        return max(self._proven_at, self._pinged_at) + interval

    def _tick(self) -> None:
        """What was heard meanwhile only moves the timer on, so that a message costs no timer."""
        self._timer = None
        now = self._loop.time()
        if self.deaf:
            self.answered()
        if self._dead_by is not None and now >= self._dead_by:
            if self._still_leaving():
                self._dead_by = now + self._answer_within
                self._arm()
            else:
                self._die()
        elif self._ask_at is not None and now >= self._ask_at:
            self._ask_at = None
            self._ask(now, max(self._answer_by, now + LEAST_ANSWER_S))
        elif (ping_at := self._ping_at()) is not None and now >= ping_at:
            self._ask(now, now + (self._answer_s or self._interval()))
        else:
            self._arm()

    def _ask(self, now: float, dead_by: float) -> None:
        if self._unanswered >= UNPROVEN and not self._still_leaving():
            self._die()
            return
        self._pinged_at = now
        self._unanswered += 1
        self._dead_by = dead_by if self._dead_by is None else min(dead_by, self._dead_by)
        self._answer_within, self._left = self._dead_by - now, self._unsent()
        self._arm()
        self._ping()

    def _still_leaving(self) -> bool:
        before, self._left = self._left, self._unsent()
        return before > 0 and (self._left == 0 or self._left <= before - PROGRESS)

    def _die(self) -> None:
        self.stop()
        self._dead()
