"""What lamps show: how the EVSEs are that each is of, and for a moment what became of a card.

| an EVSE is | when | its lamp |
|---|---|---|
| Free | anybody may come | green |
| Awaited | who is authorized has to plug in, or who has plugged in a card to present | yellow, blinking |
| Flowing | the car takes energy | blue, blinking |
| Waiting | it takes none: it is full, or paused, or about to begin | blue |
| Taken | reserved; or over, or refused later, and the cable is still in | yellow |
| Closed | out of service | red |
| Faulted | something has to be repaired | red, blinking |

A lamp of several EVSEs is for who looks for one: it shows the first of these that one of them is. An accepted card is
signalled in green, a refused one in red, by `BlinkRepeat` blinks; then the lamp goes on with what it shows.
"""

from collections.abc import Mapping, Sequence

from chargepointd.core.authorization import Authorization
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import Indicate
from chargepointd.core.evse import Evse
from chargepointd.core.lobby import Lobby
from chargepointd.core.topic import Topic

INTENSITY, REPEAT = "ChargingStatusIndicator.LightIntensity", "ChargingStatusIndicator.BlinkRepeat"
LIGHTS = {
    "Free": ("green", False),
    "Awaited": ("yellow", True),
    "Flowing": ("blue", True),
    "Waiting": ("blue", False),
    "Taken": ("yellow", False),
    "Closed": ("red", False),
    "Faulted": ("red", True),
}
"""colour, and whether it blinks"""
_ORDER = list(LIGHTS)


def state(evse: Evse, step: Step, *, expected: bool = False, shut: bool = False) -> str:
    """A row of the table. expected: somebody who has not plugged in yet may choose it. shut: nobody may begin."""
    if evse.stopping_faults:
        return "Faulted"
    if not any(evse.usable(n) for n in ([evse.place] if evse.place else evse.connectors_operative)):
        return "Closed"
    if evse.charging_state(step) == "Charging":
        return "Flowing"
    session = evse.session
    if session.authorized and not session.suspended:
        return "Waiting" if evse.plugged else "Awaited"
    kept = session.ended or session.held or evse.reserved or (session.suspended and evse.plugged)
    if kept or (evse.transaction and session.token):
        return "Taken"
    if shut:
        return "Closed"
    return "Awaited" if evse.plugged or evse.transaction or expected else "Free"


class Lamps(Topic):
    name = "lamps"

    def __init__(self, context: Context, evses: Mapping[int, Evse], lobby: Lobby, authorization: Authorization) -> None:
        self._context = context
        self._evses = evses
        self._lobby = lobby
        self._lit: dict[int, Indicate] = {}
        authorization.on_verdict = self._signal

    def follow(self, step: Step) -> None:
        intensity = self._context.variables.integer(INTENSITY)
        states = {evse.id: self._state(evse, step) for evse in self._evses.values()}
        for n, evse_ids in enumerate(self._context.plan.lamps):
            lit = Indicate(n, *LIGHTS[min((states[each] for each in evse_ids), key=_ORDER.index)], intensity)
            if lit != self._lit.get(n):
                self._lit[n] = lit
                step.emit(lit)

    def _state(self, evse: Evse, step: Step) -> str:
        waiting = (seat.session for seat in self._lobby.seats.values())
        expected = any(session.authorized and evse.id in session.choice for session in waiting)
        return state(evse, step, expected=expected, shut=self._context.closed)

    def _signal(self, accepted: bool, evse_ids: Sequence[int], step: Step) -> None:
        times = self._context.variables.integer(REPEAT)
        intensity = self._context.variables.integer(INTENSITY)
        for n, served in enumerate(self._context.plan.lamps):
            if times and set(served) & set(evse_ids):
                step.emit(Indicate(n, "green" if accepted else "red", True, intensity, times))
