"""What the CSMS is told of firmware updates: every status, in order, until it has answered.

Over the loss of the link, and over a restart: whoever keeps an update keeps `kept()` with it. A status that the CSMS
refuses (CALLERROR) is told again like any message that is kept; after `lanes.ATTEMPTS` refusals it makes way for the
next, or one that the CSMS cannot take would hold up `Installed` for ever.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note
from chargepointd.core.lanes import ATTEMPTS, UNKNOWN
from chargepointd.core.messages import FirmwareStatus
from chargepointd.core.outbox import Outbox, Outcome, Refused, unheard

RETELL_S = 10.0
"""a status that the CSMS did not answer is told again after this time"""


class FirmwareNews:
    """`done` is called with each status that is over: answered, or refused for good."""

    def __init__(self, context: Context, outbox: Outbox, done: Callable[[FirmwareStatus, Step], None]) -> None:
        self._context = context
        self._outbox = outbox
        self._done = done
        self._untold: deque[FirmwareStatus] = deque()
        """what the CSMS has not answered yet; the first is under way while `_saying`"""
        self._sent: FirmwareStatus | None = None
        """the last one that was sent of this update"""
        self._saying = False
        self._say_at = -NEVER
        self._refusals = 0
        """of the status that is told"""

    @property
    def waiting(self) -> bool:
        """Something is still to be told."""
        return bool(self._untold)

    def kept(self) -> dict[str, Any]:
        return {
            "untold": [list(status[:2]) for status in self._untold],
            "sent": self._sent and list(self._sent[:2]),
        }

    def load(self, kept: dict[str, Any]) -> None:
        self._untold.extend(FirmwareStatus(*row) for row in kept["untold"])
        self._sent = FirmwareStatus(*kept["sent"]) if kept["sent"] else None

    def begin(self) -> None:
        """Another update: nothing was sent of it."""
        self._sent = None

    def add(self, request_id: int | None, status: str) -> None:
        self._untold.append(FirmwareStatus(request_id, status))

    def repeat(self, step: Step, *, under_way: bool, numbered: bool) -> None:
        """The status that was sent last, while an update is under way; else Idle (F06.FR.16, L01.FR.25, L01.FR.26)."""
        if not under_way and not self._untold:
            self._outbox.say(FirmwareStatus(None, "Idle", True, numbered), unheard, step, asked=True)
        elif self._sent is None:
            self._say_at = step.mono  # the first status is still to be sent: now
        else:
            self._outbox.say(self._sent._replace(asked=True, numbered=numbered), unheard, step, asked=True)

    def tell(self, step: Step) -> None:
        if self._untold and not self._saying and self._context.online and step.mono >= self._say_at:
            self._saying, self._sent = True, self._untold[0]
            self._outbox.say(self._untold[0], self._heard, step)

    def deadline(self) -> float:
        return self._say_at if self._untold and not self._saying and self._context.online else NEVER

    def _heard(self, _: Any, outcome: Outcome, step: Step) -> None:
        self._saying = False
        if isinstance(outcome, Refused) and self._told_again(outcome, step):
            return
        self._refusals = 0
        self._done(self._untold.popleft(), step)

    def _told_again(self, refused: Refused, step: Step) -> bool:
        """Unanswered: until it is. Refused: a few times, unless the CSMS has no such message."""
        wait = 0.0 if refused.code == "Offline" else RETELL_S
        if refused.code not in ("Offline", "Timeout"):
            self._refusals += 1
            if refused.code in UNKNOWN or self._refusals >= ATTEMPTS:
                step.emit(Note("firmware", 0, f"{self._untold[0].status}: not taken by the CSMS: {refused.code}"))
                return False
            wait *= self._refusals
        self._say_at = step.mono + wait
        return True
