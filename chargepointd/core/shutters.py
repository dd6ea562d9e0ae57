"""Sockets that are shut while they are empty, and open for whoever is authorized: the token first, then the plug. An
EVSE's `power` moves the lock; here is said for whom.
"""

from collections.abc import Mapping

from chargepointd.core.authorization import NOBODY_ASKED
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.evse import Evse
from chargepointd.core.lobby import Lobby
from chargepointd.core.topic import Topic


class Shutters(Topic):
    name = "shutters"

    def __init__(self, context: Context, evses: Mapping[int, Evse], lobby: Lobby) -> None:
        self._context = context
        self._evses = evses
        self._lobby = lobby

    def follow(self, step: Step) -> None:
        for evse in self._evses.values():
            freed = step.mono < evse.freed_until
            invites = not evse.plugged and (freed or self._expects(evse))
            if invites != evse.invites:
                evse.invites = invites
                evse.power.follow(evse, step)

    def deadline(self) -> float:
        return min([evse.freed_until for evse in self._evses.values() if evse.freed_until > -NEVER], default=NEVER)

    def tick(self, step: Step) -> None:
        for evse in self._evses.values():
            if step.mono >= evse.freed_until:
                evse.freed_until = -NEVER

    def _expects(self, evse: Evse) -> bool:
        asks = self._context.variables.boolean("AuthCtrlr.Enabled")  # else a car need only be plugged in
        anybody = not asks and evse.open_to(NOBODY_ASKED)
        return anybody or evse.session.authorized or self._lobby.expects(evse)
