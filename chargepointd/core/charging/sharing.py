"""How EVSEs share what the station may draw: who gets how much, and when (K03.FR.04, K04.FR.05).

What is lowered is lowered at once. What is raised waits until the others have been *seen* to draw less, by their
meters: until then they count as they were. So no order of events, and no car that ignores its offer, lets the station
draw more than it may. Whose car takes less than it is offered lends the rest: it keeps a margin, by which it is seen to
want more.

The *level* of an EVSE is A per phase on AC, W at a DC output. Two resources bound the levels: A per phase and W of the
supply. All phases are counted as one: EVSEs of one phase as if they were on the same.

Imported when something bounds the station.
"""

from collections.abc import Iterable, Mapping
from math import ceil, inf
from typing import TYPE_CHECKING

from chargepointd.core.charging.limits import GRID_V, LEAST_A, Cap
from chargepointd.core.charging.share import Want, shared
from chargepointd.core.context import NEVER, Step
from chargepointd.core.evse import Evse
from chargepointd.core.facts import REACTION_S
from chargepointd.core.tuples import NamedTuple

if TYPE_CHECKING:
    from chargepointd.core.charging.profile import Profile

LEAST_W = 1000.0
"""no DC car charges with less"""
OBEY_S = 10.0
"""a car has followed its offer by then (IEC 61851-1: 5 s), where no meter tells"""
SETTLE_S = 20.0
"""an offer this old shows what a car can take"""
_IDLE = 100
"""chargingPriority is -9 to 9"""
_MARGIN = (2.0, 2000.0)
"""A and W that a car keeps beyond what it draws"""
_NEAR = (1.0, 1000.0)
"""it draws all that it is offered, less so much"""


class _Taker(NamedTuple):
    """An EVSE that wants a share."""

    evse: Evse
    cap: float
    least: float
    weights: tuple[float, float]
    """A per phase and W of the supply, for each unit of its level"""


class _Flow:
    """What may flow at an EVSE."""

    def __init__(self, offered: float, phases: int, mono: float) -> None:
        self.granted = self.most = offered
        """`most` is what may still flow: more than is granted until it was seen to obey"""
        self.granted_at = mono
        self.phases = phases
        """on which it is granted"""
        self.need: float | None = None
        """what its car can take, where that is less than it could have"""

    def use(self, phases: int) -> None:
        """On more phases the same A are more W: they are to be granted anew."""
        if phases > self.phases > 0:
            self.granted *= self.phases / phases
        self.phases = phases


class Sharing:
    def __init__(self, evses: Mapping[int, Evse], step: Step) -> None:
        """It begins with what the cars are offered."""
        self._evses = evses
        self._flows = {
            evse.id: _Flow(evse.power.asked[evse.plan.supply == "DC"], evse.power.asked[2] or evse.phases, step.mono)
            for evse in evses.values()
        }
        self._bounds = (inf, inf)
        self.due = NEVER
        """s, monotonic clock: when to look again though nothing happens"""

    def seen(self, evse: Evse, step: Step) -> tuple[bool, float | None]:
        """What shares rest on besides the facts of an EVSE."""
        return self._obeys(evse, step), self._need(evse, step)

    def levels(
        self, bounds: tuple[float, float], caps: Mapping[int, Cap], profiles: "Iterable[Profile]", step: Step
    ) -> dict[int, float]:
        """The shares of those who charge, or would. Whoever else comes may have at most all that is there."""
        self._bounds = bounds
        for evse in self._evses.values():
            self._flows[evse.id].use(caps[evse.id][2])
            if not (evse.power_on or evse.power_asked):
                self._flows[evse.id].most = 0.0
            elif self._obeys(evse, step):
                self._flows[evse.id].most = self._flows[evse.id].granted
        takers = [
            self._taker(evse, caps[evse.id], profiles, step) for evse in self._evses.values() if evse.power.claims(evse)
        ]
        targets = self._targets(takers)
        ordered = sorted(takers, key=lambda taker: (-self._priority(taker), _since(taker.evse), taker.evse.id))
        for taker in [t for t in ordered if targets[t.evse.id] < self._flows[t.evse.id].granted]:
            self._grant(taker.evse, targets[taker.evse.id], step)
        for evse in self._evses.values():
            if not evse.power.claims(evse):
                self._grant(evse, 0.0, step)
                self._flows[evse.id].need = None
        for taker in [t for t in ordered if targets[t.evse.id] > self._flows[t.evse.id].granted]:
            level = min(targets[taker.evse.id], self._room(taker))
            if level >= taker.least and level > self._flows[taker.evse.id].granted:
                self._grant(taker.evse, level, step)
        self.due = min([NEVER, *(self._look_again_at(evse) for evse in self._evses.values())])
        shares = {taker.evse.id: self._flows[taker.evse.id].granted for taker in takers}
        return {evse.id: shares.get(evse.id, self._alone(evse, caps[evse.id])) for evse in self._evses.values()}

    def _alone(self, evse: Evse, cap: Cap) -> float:
        own = cap[evse.plan.supply == "DC"]
        return min(own, *(max(0.0, n) / weight for n, weight in zip(self._bounds, _weights(evse, cap[2]), strict=True)))

    def _taker(self, evse: Evse, cap: Cap, profiles: "Iterable[Profile]", step: Step) -> _Taker:
        if evse.plan.supply == "DC":
            least, level = LEAST_W, cap[1]
        else:
            least, level = LEAST_A, min(cap[0], evse.cable_limit_a or cap[0])
        need = self._need(evse, step)
        least = max(least, min(_least_wanted(evse, profiles, cap), level))
        return _Taker(evse, level if need is None else min(level, max(least, need)), least, _weights(evse, cap[2]))

    def _targets(self, takers: list[_Taker]) -> dict[int, float]:
        """The share of each, of whatever binds."""
        targets = {taker.evse.id: taker.cap for taker in takers}
        for n, bound in enumerate(self._free({taker.evse.id for taker in takers})):
            if bound == inf:
                continue
            wants = [
                Want(
                    taker.evse.id, taker.cap * taker.weights[n], taker.least * taker.weights[n], self._priority(taker),
                    _since(taker.evse),
                )
                for taker in takers
            ]  # fmt: skip
            shares = shared(max(0.0, bound), wants)
            for taker in takers:
                targets[taker.evse.id] = min(targets[taker.evse.id], shares[taker.evse.id] / taker.weights[n])
        return {t.evse.id: targets[t.evse.id] if targets[t.evse.id] >= t.least - 1e-9 else 0.0 for t in takers}

    def _priority(self, taker: _Taker) -> int:
        """Who was offered energy and did not want it comes after all who do."""
        return taker.evse.priority - (_IDLE if self._flows[taker.evse.id].need == 0.0 else 0)

    def _free(self, wanting: set[int]) -> tuple[float, ...]:
        """What flows where nothing is wanted any more is not there to be shared."""
        left = list(self._bounds)
        for evse in self._evses.values():
            if evse.id not in wanting:
                for n, weight in enumerate(_weights(evse, evse.phases)):
                    left[n] -= self._flows[evse.id].most * weight
        return tuple(left)

    def _room(self, taker: _Taker) -> float:
        """How high its level may be while the others draw what they still may."""
        left = list(self._bounds)
        for evse in self._evses.values():
            if evse is not taker.evse:
                flow = self._flows[evse.id]
                now, then = _weights(evse, evse.phases), _weights(evse, flow.phases)
                for n in range(len(left)):
                    left[n] -= max(flow.granted * then[n], flow.granted * now[n], flow.most * now[n])
        return min(free / weight for free, weight in zip(left, taker.weights, strict=True))

    def _grant(self, evse: Evse, level: float, step: Step) -> None:
        flow = self._flows[evse.id]
        if level != flow.granted:
            flow.granted, flow.granted_at = level, step.mono
            flow.most = max(flow.most, level)

    # -- what is seen --------------------------------------------------------------------------------------------------

    def _obeys(self, evse: Evse, step: Step) -> bool:
        """It was seen to draw no more than it is granted, or cannot draw anything."""
        flow = self._flows[evse.id]
        if flow.most <= flow.granted:
            return True
        if not evse.power_on:
            return not evse.power_asked or flow.granted > 0
        if flow.granted <= 0:
            return False
        seen = self._seen(evse, flow.granted_at)
        if seen is None:
            return not evse.plan.meter and step.mono >= flow.granted_at + OBEY_S
        return seen <= flow.granted + _NEAR[evse.plan.supply == "DC"] / 2

    def _look_again_at(self, evse: Evse) -> float:
        flow = self._flows[evse.id]
        if flow.most > flow.granted > 0 and not evse.plan.meter:
            return flow.granted_at + OBEY_S
        waits = evse.power_asked and not evse.wanted and flow.need is None and not evse.switching_phases
        return evse.power.offered_at + REACTION_S if waits else NEVER

    def _seen(self, evse: Evse, since: float) -> float | None:
        """The level that the meter shows, by a reading taken after `since`."""
        measured = evse.measured
        if measured is None or measured.taken_at <= since:
            return None
        if evse.plan.supply == "DC":
            return measured.power_w
        known = [amps for amps in measured.current_a if amps is not None]
        if known:
            return max(known)
        return None if measured.power_w is None else measured.power_w / (evse.plan.voltage_v * max(1, evse.phases))

    def _need(self, evse: Evse, step: Step) -> float | None:
        """What the car can take; None: not known, so all that it may have."""
        flow, dc = self._flows[evse.id], evse.plan.supply == "DC"
        if not evse.power_asked or evse.switching_phases:
            return flow.need
        if not evse.wanted:
            if step.mono >= evse.power.offered_at + REACTION_S:
                flow.need = 0.0  # its least is left to it: with that it can begin again
            return flow.need
        seen = self._seen(evse, flow.granted_at)
        if seen is None:
            return flow.need if flow.need else None
        if seen >= flow.granted - _NEAR[dc] or flow.need == 0.0:
            flow.need = None
        elif step.mono >= flow.granted_at + SETTLE_S:
            wanted = float(ceil(seen + _MARGIN[dc]))
            if wanted < (flow.granted if flow.need is None else flow.need):
                flow.need = wanted
        return flow.need


def _since(evse: Evse) -> float:
    return evse.transaction.started_at if evse.transaction else inf


def _weights(evse: Evse, phases: int) -> tuple[float, float]:
    plan = evse.plan
    if plan.supply == "DC":
        return 1 / (3 * GRID_V), 1.0
    return 1.0, plan.voltage_v * max(1, phases)


def _least_wanted(evse: Evse, profiles: "Iterable[Profile]", cap: Cap) -> float:
    """minChargingRate (K02.FR.06, K03.FR.07, K04.FR.04), as a level."""
    least, transaction = 0.0, evse.transaction
    for profile in profiles:
        rate = profile.schedule.min_rate
        mine = profile.purpose == "TxDefaultProfile" and profile.evse_id in (0, evse.id)
        mine = mine or (profile.purpose == "TxProfile" and bool(transaction) and profile.evse_id == evse.id)
        if mine and rate:
            volts = evse.plan.voltage_v * max(1, cap[2])
            amps = rate if profile.schedule.unit == "A" else rate / volts
            least = max(least, amps * volts if evse.plan.supply == "DC" else amps)
    return least
