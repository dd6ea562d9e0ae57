"""Ping and pong: finds out that a link is half-open. Nothing ticks while the interval is 0."""

import asyncio
from collections.abc import Callable


class Pulse:
    """Calls `ping` when nothing was heard for an interval, and `dead` when nothing came after it.

    interval: s between pings on an idle link (WebSocketPingInterval), asked anew each time; 0 is off.
    answer_s: how long an answer may take; None: as long as the interval. Whatever arrives counts as answer.
    """

    def __init__(
        self, interval: Callable[[], float], answer_s: float | None, ping: Callable[[], None], dead: Callable[[], None]
    ) -> None:
        self._interval = interval
        self._answer_s = answer_s
        self._ping = ping
        self._dead = dead
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._asked_at: float | None = None
        self.deaf = False  # the socket is not read at present: silence means nothing
        self._heard_at = self._loop.time()

    def heard(self) -> None:
        """Something arrived. Must not be judged by the time alone: uvloop's clock moves once a turn."""
        self._heard_at = self._loop.time()
        self._asked_at = None

    def start(self) -> None:
        """Begin, or begin anew with a changed interval."""
        self.stop()
        self._asked_at = None
        if (interval := self._interval()) > 0:
            self._wake(max(self._heard_at, self._loop.time() - interval) + interval)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self, at: float) -> None:
        self._timer = self._loop.call_at(at, self._tick)

    def _tick(self) -> None:
        """One timer for all: what was heard meanwhile only moves it on, so that a message costs no timer."""
        self._timer = None
        if (interval := self._interval()) <= 0:
            return
        now = self._loop.time()
        if self.deaf:
            self.heard()
        if self._asked_at is not None:
            self._await_answer(now, self._asked_at + (self._answer_s or interval))
        elif now < self._heard_at + interval:
            self._wake(self._heard_at + interval)
        else:
            self._asked_at = now
            self._wake(now + (self._answer_s or interval))
            self._ping()

    def _await_answer(self, now: float, until: float) -> None:
        if now < until:
            self._wake(until)
        else:
            self._dead()
