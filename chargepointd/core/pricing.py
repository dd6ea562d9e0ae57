"""What a station with a display has to do with money. It begins when it is first needed, or soon after the start: a
start is made of imports, and `core.tariff` and `core.display` are many."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from chargepointd.core.authorization import Authorization
from chargepointd.core.availability import Statuses
from chargepointd.core.clock import Righting
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.evse import Evse
from chargepointd.core.lobby import Lobby
from chargepointd.core.messages import Message, RecordAnswered
from chargepointd.core.outbox import Outbox, Outcome
from chargepointd.core.topic import Obey, Topic
from chargepointd.core.values import Token, TokenInfo

if TYPE_CHECKING:
    from chargepointd.core.tariff import Tariffs

SOON_S = 2.0


class Pricing(Topic):
    name = "tariff"

    def __init__(
        self,
        context: Context,
        outbox: Outbox,
        evses: Mapping[int, Evse],
        lobby: Lobby,
        statuses: Statuses,
        wall_offset_s: Callable[[float], int],
        saved: Any,
    ) -> None:
        self._context = context
        self._outbox = outbox
        self._evses = evses
        self._lobby = lobby
        self._statuses = statuses
        self._wall_offset_s = wall_offset_s
        self._saved = saved
        self._begin_at = NEVER
        self._parts: tuple[Topic, ...] = ()
        self.tariffs: Tariffs | None = None
        """None: nobody has needed it yet"""

    def begun(self, step: Step) -> "Tariffs":
        """Begins, if it has not yet."""
        if self.tariffs is None:
            from chargepointd.core.display import Screens  # see above
            from chargepointd.core.tariff import Tariffs

            self._begin_at = NEVER
            self.tariffs = Tariffs(self._context, self._outbox, self._evses, self._statuses, self._saved)
            screens = Screens(self._context, self.tariffs, self._evses, self._lobby, self._wall_offset_s)
            self._parts = (self.tariffs, screens)
            self.tariffs.power_up(step)
        return self.tariffs

    def obeyed(self, step: Step) -> Mapping[type, Obey]:
        """The commands, which only who needs them imports."""
        return self.begun(step).commands()

    def hear(self, authorization: Authorization) -> None:
        """Of who is authorized, from now on."""
        authorization.on_info, authorization.waits = self._told, self._waits

    def forget(self, key: str) -> None:
        """A customer's token."""
        if self.tariffs:
            self.tariffs.forget(key)

    def _told(self, token: Token, info: TokenInfo, step: Step) -> None:
        if info.message or info.language:
            self.begun(step).told(token, info, step)

    def _waits(self, token: Token, go_on: Callable[[Step], None], step: Step) -> bool:
        return self.begun(step).prices.waits(token, go_on, step)

    def record_answered(self, message: Message, outcome: Outcome, step: Step) -> None:
        if self.tariffs and isinstance(outcome, RecordAnswered):
            self.tariffs.record_answered(message, outcome, step)

    # -- a topic -------------------------------------------------------------------------------------------------------

    def power_up(self, step: Step) -> None:
        if self._saved:
            self.begun(step)
        else:
            self._begin_at = step.mono + SOON_S

    def changed(self, names: list[str], step: Step) -> None:
        for part in self._parts:
            part.changed(names, step)

    def put_right(self, right: Righting, step: Step) -> None:
        for part in self._parts:
            part.put_right(right, step)

    def follow(self, step: Step) -> None:
        if self.tariffs is None and (step.mono >= self._begin_at or any(map(_used, self._evses.values()))):
            self.begun(step)
        for part in self._parts:
            part.follow(step)

    def deadline(self) -> float:
        due = self._begin_at  # never, once it has begun
        for part in self._parts:
            due = min(due, part.deadline())
        return due

    def tick(self, step: Step) -> None:
        for part in self._parts:
            part.tick(step)


def _used(evse: Evse) -> bool:
    return bool(evse.plugged or evse.session.authorized or evse.transaction)
