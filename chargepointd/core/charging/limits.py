"""What each EVSE may draw now (K01 to K04, K11 to K13): its own composite schedule, and its share of the station's.

Each EVSE has one *level*: A per phase on AC, W at a DC output. What may flow of two resources together, A per phase and
W of the supply, bounds the levels: charging profiles of the station, its connection to the grid, limits from outside.
Where nothing bounds the station, an EVSE has its own limit, and nothing is shared.

Nothing here ticks. What is allowed is reckoned anew when something that it rests on changes (`Facts.ration`: before
anything else follows from the facts), and at the next change of a profile. What is lowered is lowered at once. What is
raised waits until the others have been *seen* to draw less, by their meters: until then they count as they were. So no
order of events, and no car that ignores its offer, lets the station draw more than it may.

Whose car takes less than it is offered lends the rest to the others: it keeps a margin, by which it is seen to want
more.
All phases are counted as one: EVSEs of one phase as if they were on the same.
"""

from collections.abc import Iterable, Mapping
from math import ceil, floor, inf
from typing import TYPE_CHECKING, NamedTuple

from chargepointd.core.charging.profiles import Profiles
from chargepointd.core.charging.schedules import outlet, use
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.evse import NO_CAUSE, Cause, Evse
from chargepointd.core.facts import REACTION_S
from chargepointd.core.topic import Topic

if TYPE_CHECKING:
    from chargepointd.core.charging.profile import Profile

LEAST_A = 6.0
"""no duty cycle of the pilot says less (IEC 61851-1, A.3)"""
LEAST_W = 1000.0
"""no DC car charges with less"""
GRID_V = 230.0
"""of a phase, where DC outputs alone do not tell"""
OBEY_S = 10.0
"""a car has followed its offer by then (IEC 61851-1: 5 s), where no meter tells"""
SETTLE_S = 20.0
"""an offer this old shows what a car can take"""
_MARGIN = (2.0, 2000.0)
"""A and W that a car keeps beyond what it draws"""
_NEAR = (1.0, 1000.0)
"""it draws all that it is offered, less so much"""


class _Cap(NamedTuple):
    """What the own profiles and the outlet of an EVSE allow."""

    amps: float
    watts: float
    """DC: at the output; AC: none"""
    phases: int


class _Taker(NamedTuple):
    """An EVSE that wants a share."""

    evse: Evse
    cap: float
    least: float
    weights: tuple[float, float]
    """A per phase and W of the supply, for each unit of its level"""


class _Flow:
    """What may flow at an EVSE."""

    def __init__(self) -> None:
        self.granted = 0.0
        self.granted_at = -NEVER
        self.most = 0.0
        """what may still flow: more than is granted until it was seen to obey"""
        self.need: float | None = None
        """what its car can take, where that is less than it could have"""
        self.outside = False
        """a limit from outside holds, or did when the EVSE was told of a limit last"""
        self.told = ("", 0.0)
        """id of the transaction, and the rate that was told last"""


class Limits(Topic):
    name = "limits"

    def __init__(self, context: Context, evses: Mapping[int, Evse], profiles: Profiles) -> None:
        self._context = context
        self._evses = evses
        self._profiles = profiles
        self._flows = {evse_id: _Flow() for evse_id in evses}
        self._rests_on: object = None
        self._offset = 0.0
        """UTC less monotonic clock, when it was reckoned last"""
        self._due = NEVER
        self._outside = False
        """a limit from outside holds"""
        self._moved: set[int] = set()
        """EVSEs that may draw another limit, from which is to follow what follows"""
        self._bounds = (inf, inf)
        """of the station, A per phase and W: while they bind, it is shared"""
        for evse in evses.values():
            evse.ration = self._ration

    # -- when ----------------------------------------------------------------------------------------------------------

    def _ration(self, step: Step) -> None:
        rests_on = (self._profiles.revision, *[self._facts(evse, step) for evse in self._evses.values()])
        offset = step.utc - step.mono
        if rests_on != self._rests_on or step.mono >= self._due or abs(offset - self._offset) > 0.5:
            self._rests_on, self._offset = rests_on, offset
            self._reckon(step)

    def _facts(self, evse: Evse, step: Step) -> tuple[object, ...]:
        transaction = evse.transaction
        facts = (
            evse.power.claims(evse),
            evse.power_on,
            evse.cable_limit_a,
            transaction.id if transaction else None,
            transaction.ready_at if transaction else None,
            evse.priority,
        )
        if self._bounds == (inf, inf):
            return facts
        return *facts, self._obeys(evse, step), self._need(evse, step)

    def follow(self, step: Step) -> None:
        self._ration(step)
        for evse in self._evses.values():
            transaction, flow = evse.transaction, self._flows[evse.id]
            if transaction and flow.told[0] != transaction.id:
                flow.told = (transaction.id, _rate(evse))
        while self._moved:
            evse = self._evses[self._moved.pop()]
            evse.settle(evse.conditions(), self._cause(evse), step)

    def deadline(self) -> float:
        return self._due

    # -- what ----------------------------------------------------------------------------------------------------------

    def _reckon(self, step: Step) -> None:
        profiles = self._profiles.installed
        caps = {evse.id: self._cap(evse, profiles, step) for evse in self._evses.values()}
        self._bounds = self._of_station(profiles, step)
        levels = {n: cap.watts if self._evses[n].plan.supply == "DC" else cap.amps for n, cap in caps.items()}
        self._due = NEVER
        if self._bounds != (inf, inf):
            levels |= self._granted(caps, profiles, step)
        for evse in self._evses.values():
            self._allow(evse, levels[evse.id], caps[evse.id])
        self._outside = any(profile.purpose == "ChargingStationExternalConstraints" for profile in profiles)
        if profiles:
            from chargepointd.core.charging.composite import next_change

            at = next_change(profiles, {evse.id: use(evse) for evse in self._evses.values()}, step.utc)
            self._due = min(self._due, step.mono + at - step.utc + 0.001)

    def _allow(self, evse: Evse, level: float, cap: _Cap) -> None:
        if evse.plan.supply == "DC":
            allowed = (cap.amps, level, 0)
        else:
            amps = floor(level * 10 + 1e-6) / 10
            allowed = (amps if amps >= LEAST_A else 0.0, NEVER, cap.phases)
        if allowed != (evse.allowed_a, evse.allowed_w, evse.allowed_phases):
            evse.allowed_a, evse.allowed_w, evse.allowed_phases = allowed
            self._moved.add(evse.id)

    def _cap(self, evse: Evse, profiles: "tuple[Profile, ...]", step: Step) -> _Cap:
        plan = evse.plan
        amps, watts, phases = plan.max_current_a, plan.max_power_w, plan.phases
        if profiles:
            from chargepointd.core.charging.composite import in_force

            amps, watts, phases = in_force(profiles, evse.id, outlet(plan), use(evse), step.utc)
        if plan.supply == "DC":
            return _Cap(amps, watts, 0)
        used = 1 if phases == 1 and plan.switches_phases else plan.phases
        return _Cap(min(amps, watts / (plan.voltage_v * used)), NEVER, used)

    def _of_station(self, profiles: "tuple[Profile, ...]", step: Step) -> tuple[float, float]:
        """K04.FR.02, .05: configured, and by profiles."""
        plan = self._context.plan
        bounds = (plan.max_current_a, plan.max_power_w)
        if any(not profile.evse_id for profile in profiles):
            from chargepointd.core.charging.composite import Outlet, of_supply

            return of_supply(profiles, Outlet(0, GRID_V, *bounds), step.utc)
        return bounds

    def supply(self) -> float | None:
        """What its connection bears, as composite schedules have it; None: as much as the EVSEs can draw."""
        plan = self._context.plan
        ac = any(evse.plan.phases for evse in self._evses.values())
        bound = min(plan.max_current_a, plan.max_power_w / (3 * GRID_V)) if ac else plan.max_power_w
        return None if bound == inf else bound

    # -- shares --------------------------------------------------------------------------------------------------------

    def _granted(self, caps: dict[int, _Cap], profiles: "tuple[Profile, ...]", step: Step) -> dict[int, float]:
        """The levels of those who charge, or would. Others may have all that is their own, when they come."""
        for evse in self._evses.values():
            if not (evse.power_on or evse.power_asked):
                self._flows[evse.id].most = 0.0
            elif self._obeys(evse, step):
                self._flows[evse.id].most = self._flows[evse.id].granted
        takers = [
            self._taker(evse, caps[evse.id], profiles, step) for evse in self._evses.values() if evse.power.claims(evse)
        ]
        targets = self._targets(takers)
        ordered = sorted(takers, key=lambda taker: (-taker.evse.priority, _since(taker.evse), taker.evse.id))
        for taker in [t for t in ordered if targets[t.evse.id] < self._flows[t.evse.id].granted]:
            self._grant(taker.evse, targets[taker.evse.id], step)
        for evse in self._evses.values():
            if not evse.power.claims(evse):
                self._grant(evse, 0.0, step)
        for taker in [t for t in ordered if targets[t.evse.id] > self._flows[t.evse.id].granted]:
            level = min(targets[taker.evse.id], self._room(taker))
            if level >= taker.least and level > self._flows[taker.evse.id].granted:
                self._grant(taker.evse, level, step)
        self._due = min([self._due, *(self._look_again_at(evse) for evse in self._evses.values())])
        return {taker.evse.id: self._flows[taker.evse.id].granted for taker in takers}

    def _taker(self, evse: Evse, cap: _Cap, profiles: "Iterable[Profile]", step: Step) -> _Taker:
        if evse.plan.supply == "DC":
            least, level = LEAST_W, cap.watts
        else:
            least, level = LEAST_A, min(cap.amps, evse.cable_limit_a or cap.amps)
        need = self._need(evse, step)
        least = max(least, min(_least_wanted(evse, profiles, cap), level))
        return _Taker(evse, level if need is None else min(level, max(least, need)), least, _weights(evse, cap.phases))

    def _targets(self, takers: list[_Taker]) -> dict[int, float]:
        """The share of each, of whatever binds."""
        from chargepointd.core.charging.share import Want, shared

        targets = {taker.evse.id: taker.cap for taker in takers}
        for n, bound in enumerate(self._free({taker.evse.id for taker in takers})):
            if bound == inf:
                continue
            wants = [
                Want(
                    taker.evse.id, taker.cap * taker.weights[n], taker.least * taker.weights[n], taker.evse.priority,
                    _since(taker.evse),
                )
                for taker in takers
            ]  # fmt: skip
            shares = shared(max(0.0, bound), wants)
            for taker in takers:
                targets[taker.evse.id] = min(targets[taker.evse.id], shares[taker.evse.id] / taker.weights[n])
        return {t.evse.id: targets[t.evse.id] if targets[t.evse.id] >= t.least - 1e-9 else 0.0 for t in takers}

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
                for n, weight in enumerate(_weights(evse, evse.phases)):
                    left[n] -= max(flow.granted, flow.most) * weight
        return min(free / weight for free, weight in zip(left, taker.weights, strict=True))

    def _grant(self, evse: Evse, level: float, step: Step) -> None:
        flow = self._flows[evse.id]
        if level != flow.granted:
            flow.granted, flow.granted_at = level, step.mono
            flow.most = max(flow.most, level)
            flow.need = None if level <= 0 else flow.need

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
        waits = evse.power_asked and not evse.wanted and flow.need is None
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
        if not evse.power_asked:
            return None
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

    # -- what is told --------------------------------------------------------------------------------------------------

    def _cause(self, evse: Evse) -> Cause:
        """K11.FR.04, K13.FR.03: a limit from outside has changed the rate of a transaction by more than counts."""
        flow, transaction = self._flows[evse.id], evse.transaction
        outside, flow.outside = self._outside or flow.outside, self._outside
        rate = _rate(evse)
        if transaction is None or not (outside and evse.running):
            flow.told = (transaction.id if transaction else "", rate)
            return NO_CAUSE
        if not significant(self._context, flow.told[1], rate):
            return NO_CAUSE
        flow.told = (transaction.id, rate)
        return Cause("ChargingRateChanged")


def significant(context: Context, before: float, after: float) -> bool:
    """SmartChargingCtrlr.LimitChangeSignificance, in percent of what was."""
    if before == after:
        return False
    percent = float(context.variables.text("SmartChargingCtrlr.LimitChangeSignificance") or 0)
    return abs(after - before) * 100 > percent * before


def _rate(evse: Evse) -> float:
    return evse.allowed_w if evse.plan.supply == "DC" else evse.allowed_a * evse.allowed_phases


def _since(evse: Evse) -> float:
    return evse.transaction.started_at if evse.transaction else inf


def _weights(evse: Evse, phases: int) -> tuple[float, float]:
    plan = evse.plan
    if plan.supply == "DC":
        return 1 / (3 * GRID_V), 1.0
    return 1.0, plan.voltage_v * max(1, phases)


def _least_wanted(evse: Evse, profiles: "Iterable[Profile]", cap: _Cap) -> float:
    """minChargingRate (K02.FR.06, K03.FR.07, K04.FR.04), as a level."""
    least, transaction = 0.0, evse.transaction
    for profile in profiles:
        rate = profile.schedule.min_rate
        mine = profile.purpose == "TxDefaultProfile" and profile.evse_id in (0, evse.id)
        mine = mine or (profile.purpose == "TxProfile" and bool(transaction) and profile.evse_id == evse.id)
        if mine and rate:
            volts = evse.plan.voltage_v * max(1, cap.phases)
            amps = rate if profile.schedule.unit == "A" else rate / volts
            least = max(least, amps * volts if evse.plan.supply == "DC" else amps)
    return least
