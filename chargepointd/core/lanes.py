"""What has to arrive once, whenever that is, but is no part of a transaction (security events, how an upload went).

Its topic keeps it durable. In order within its lane; lanes do not wait for each other. An answer that does not come is
asked for again, later each time, up to an hour; what the CSMS refuses three times, or does not know, is settled as
refused. Meanwhile all else goes on.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.messages import Message
from chargepointd.core.tuples import NamedTuple

if TYPE_CHECKING:
    from chargepointd.core.outbox import Heard, Refused

ATTEMPTS = 3
RETRY_S = 60.0
RETRY_MAX_S = 3600.0
UNKNOWN = ("NotImplemented", "NotSupported")
"""codes that will not change: the CSMS has no such message"""


class Kept(NamedTuple):
    """What has to arrive."""

    lane: str
    message_id: str
    message: Callable[[], Message | None]
    """what it is now; None: no longer to be told"""
    heard: "Heard"
    """of the answer, or of the last refusal"""


class Tries(NamedTuple):
    """Of the first of a lane."""

    refused: int = 0
    unanswered: int = 0
    not_before: float = -NEVER


class Lanes:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: deque[Kept] = deque()
        self._tries: dict[str, Tries] = {}
        """of lanes whose first message was sent in vain"""

    def add(self, kept: Kept) -> None:
        self._kept.append(kept)

    def __len__(self) -> int:
        return len(self._kept)

    def next(self, step: Step) -> tuple[Kept, Message] | None:
        """Whose turn it is. It stays the first of its lane until it is settled."""
        while (kept := self._first(step.mono)) is not None:
            message = kept.message()
            if message is not None:
                return kept, message
            self._kept.remove(kept)
        return None

    def _first(self, mono: float) -> Kept | None:
        """The first of a lane that does not wait."""
        if not self._kept:
            return None
        waiting = {lane for lane, tries in self._tries.items() if tries.not_before > mono}
        return next((kept for kept in self._tellable() if kept.lane not in waiting), None)

    def _tellable(self) -> Iterable[Kept]:
        """While nothing can be kept only what says so: security events."""
        return self._kept if self._context.keeps else [kept for kept in self._kept if kept.lane == "security"]

    def due(self) -> float:
        if not self._kept:
            return NEVER
        lanes = {kept.lane for kept in self._tellable()}
        return min((self._tries.get(lane, Tries()).not_before for lane in lanes), default=NEVER)

    def refused_for_good(self, kept: Kept, refused: "Refused", step: Step) -> bool:
        """If not: when it is tried again."""
        before = self._tries.get(kept.lane, Tries())
        unanswered = before.unanswered + (refused.code == "Timeout")
        times = before.refused + (refused.code != "Timeout")
        wait = min(RETRY_S * 2 ** min(unanswered + times - 1, 10), RETRY_MAX_S)
        self._tries[kept.lane] = Tries(times, unanswered, step.mono + wait)
        return refused.code in UNKNOWN or times >= ATTEMPTS

    def settle(self, kept: Kept) -> None:
        """Answered, or refused for good."""
        self._kept.remove(kept)
        self._tries.pop(kept.lane, None)

    def hurry(self) -> None:
        """Over the next connection nothing waits for what was in vain over this one."""
        self._tries = {lane: tries._replace(not_before=-NEVER) for lane, tries in self._tries.items()}
