"""What each EVSE may draw now (K01 to K04, K11 to K13): its own composite schedule, and its share of the station's.

Nothing here ticks. What is allowed is reckoned anew when something that it rests on changes (`Facts.ration`: before
anything else follows from the facts), and at the next change of a profile. While something bounds the station (its
connection, its profiles, limits from outside) its EVSEs share it: `sharing`.
"""

from collections.abc import Mapping
from math import floor, inf
from typing import TYPE_CHECKING

from chargepointd.core.charging.profiles import Profiles
from chargepointd.core.charging.schedules import outlet, use
from chargepointd.core.consequences import NO_CAUSE, Cause
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.evse import Evse
from chargepointd.core.topic import Topic

if TYPE_CHECKING:
    from chargepointd.core.charging.composite import Use
    from chargepointd.core.charging.profile import Profile
    from chargepointd.core.charging.sharing import Sharing

LEAST_A = 6.0
"""no duty cycle of the pilot says less (IEC 61851-1, A.3)"""
GRID_V = 230.0
"""of a phase, where DC outputs alone do not tell"""
Cap = tuple[float, float, int]
"""What the own profiles and the outlet of an EVSE allow: A, W (DC: at the output; AC: no limit), phases"""


class Limits(Topic):
    name = "limits"

    def __init__(self, context: Context, evses: Mapping[int, Evse], profiles: Profiles) -> None:
        self._context = context
        self._evses = evses
        self._profiles = profiles
        self._sharing: Sharing | None = None
        """while something bounds the station"""
        self._told: dict[int, tuple[str, float]] = {}
        """id of the transaction at an EVSE, and the rate that was told last"""
        self._looked_at = -1
        """`context.settled` when it was looked last for transactions that have begun"""
        self._felt: set[int] = set()
        """EVSEs where a limit from outside held when their rate changed last"""
        self._rests_on: object = None
        self._unbounded: int | None = None
        """the revision of the profiles at which nothing but the outlets bounded anybody: then no fact matters"""
        self._offset = 0.0
        """UTC less monotonic clock, when it was reckoned last"""
        self._due = NEVER
        self._outside = False
        """a limit from outside holds"""
        self._moved: set[int] = set()
        """EVSEs that may draw another limit, from which is to follow what follows"""
        for evse in evses.values():
            evse.ration = self._ration

    # -- when ----------------------------------------------------------------------------------------------------------

    def _ration(self, step: Step) -> None:
        if self._unbounded == self._profiles.revision:  # as most of the time: it is asked several times in each step
            return
        rests_on = (
            self._profiles.revision,
            self._context.clock.sure,
            *[self._facts(evse, step) for evse in self._evses.values()],
        )
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
            evse.profiled_as,
            transaction.ready_at if transaction else None,
            evse.priority,
        )
        return (*facts, *self._sharing.seen(evse, step)) if self._sharing else facts

    def follow(self, step: Step) -> None:
        self._ration(step)
        if self._looked_at != self._context.settled:
            self._looked_at = self._context.settled
            for evse in self._evses.values():
                transaction = evse.session.transaction
                if transaction and self._told.get(evse.id, ("",))[0] != transaction.id:
                    self._told[evse.id] = transaction.id, _rate(evse)
        while self._moved:
            evse = self._evses[self._moved.pop()]
            evse.settle(evse.conditions(), self._cause(evse), step)

    def deadline(self) -> float:
        return self._due

    # -- what ----------------------------------------------------------------------------------------------------------

    def _reckon(self, step: Step) -> None:
        installed = profiles = self._profiles.installed
        self._outside = any(profile.purpose == "ChargingStationExternalConstraints" for profile in profiles)
        if profiles and not self._context.clock.sure:
            from chargepointd.core.charging.composite import at_any_time

            uses = {evse.id: use(evse) for evse in self._evses.values()}
            profiles = at_any_time(profiles, uses, step.utc)
        caps = {evse.id: self._cap(evse, profiles, step) for evse in self._evses.values()}
        levels = {n: cap[self._evses[n].plan.supply == "DC"] for n, cap in caps.items()}
        bounds = self._of_station(profiles, step)
        self._unbounded = self._profiles.revision if not installed and bounds == (inf, inf) else None
        if bounds == (inf, inf):
            self._sharing, self._due = None, NEVER
        else:
            levels |= self._shared(bounds, caps, profiles, step)
        for evse in self._evses.values():
            self._allow(evse, levels[evse.id], caps[evse.id])
        if profiles:
            from chargepointd.core.charging.composite import next_change

            at = next_change(profiles, {evse.id: _use(evse, step) for evse in self._evses.values()}, step.utc)
            self._due = min(self._due, step.mono + at - step.utc + 0.001)

    def _shared(
        self, bounds: tuple[float, float], caps: dict[int, Cap], profiles: "tuple[Profile, ...]", step: Step
    ) -> dict[int, float]:
        if self._sharing is None:
            from chargepointd.core.charging.sharing import Sharing

            self._sharing = Sharing(self._evses, step)
        levels = self._sharing.levels(bounds, caps, profiles, step)
        self._due = self._sharing.due
        return levels

    def _allow(self, evse: Evse, level: float, cap: Cap) -> None:
        if evse.plan.supply == "DC":
            allowed = (cap[0], level, 0)
        else:
            amps = floor(level * 10 + 1e-6) / 10
            allowed = (amps if amps >= LEAST_A else 0.0, inf, cap[2])
        if allowed != (evse.allowed_a, evse.allowed_w, evse.allowed_phases):
            evse.allowed_a, evse.allowed_w, evse.allowed_phases = allowed
            evse.settled = self._context.settled
            self._moved.add(evse.id)

    def _cap(self, evse: Evse, profiles: "tuple[Profile, ...]", step: Step) -> Cap:
        plan = evse.plan
        amps, watts, phases = plan.max_current_a, plan.max_power_w, plan.phases
        if profiles:
            from chargepointd.core.charging.composite import in_force

            amps, watts, phases = in_force(profiles, evse.id, outlet(plan), _use(evse, step), step.utc)
        if plan.supply == "DC":
            return min(amps, self._of_outputs(profiles, step)), watts, 0
        used = 1 if phases == 1 and plan.switches_phases else plan.phases
        return min(amps, watts / (plan.voltage_v * used)), inf, used

    def _of_station(self, profiles: "tuple[Profile, ...]", step: Step) -> tuple[float, float]:
        """K04.FR.02, .05: configured, and by profiles. Where all is DC, the A of profiles are those of the outputs, as
        composite schedules have it."""
        plan = self._context.plan
        if all(profile.evse_id for profile in profiles):
            return plan.max_current_a, plan.max_power_w
        from chargepointd.core.charging.composite import Outlet, of_supply

        amps, watts = of_supply(profiles, Outlet(0, GRID_V, inf, plan.max_power_w), step.utc)
        if self._alternating():
            return min(plan.max_current_a, amps), watts
        return plan.max_current_a, min(watts, amps * min(evse.plan.voltage_v for evse in self._evses.values()))

    def _of_outputs(self, profiles: "tuple[Profile, ...]", step: Step) -> float:
        """A that no DC output may exceed, for all together may not."""
        if self._alternating() or all(profile.evse_id for profile in profiles):
            return inf
        from chargepointd.core.charging.composite import Outlet, of_supply

        return of_supply(profiles, Outlet(0, GRID_V, inf, inf), step.utc)[0]

    def _alternating(self) -> bool:
        return any(evse.plan.phases for evse in self._evses.values())

    def supply(self) -> tuple[float, float]:
        """What its connection bears, as composite schedules have it."""
        plan = self._context.plan
        if self._alternating():
            return plan.max_current_a, plan.max_power_w
        return inf, min(plan.max_power_w, 3 * GRID_V * plan.max_current_a)

    # -- what is told --------------------------------------------------------------------------------------------------

    def _cause(self, evse: Evse) -> Cause:
        """K11.FR.04, K13.FR.03: a limit from outside has changed the rate of a transaction by more than counts."""
        transaction, outside = evse.transaction, self._outside or evse.id in self._felt
        self._felt = self._felt | {evse.id} if self._outside else self._felt - {evse.id}
        if transaction is None or not evse.running:
            return NO_CAUSE
        rate, (_, before) = _rate(evse), self._told[evse.id]
        if outside and not significant(self._context, before, rate):
            return NO_CAUSE
        self._told[evse.id] = transaction.id, rate
        return Cause("ChargingRateChanged") if outside else NO_CAUSE


def significant(context: Context, before: float, after: float) -> bool:
    """SmartChargingCtrlr.LimitChangeSignificance, in percent of what was."""
    if before == after:
        return False
    percent = float(context.variables.text("SmartChargingCtrlr.LimitChangeSignificance") or 0)
    return abs(after - before) * 100 > percent * before


def _use(evse: Evse, step: Step) -> "Use":
    """A clock that was put back since does not put off what counts from the start of charging."""
    found = use(evse)
    return found if found.since is None else found._replace(since=min(found.since, step.utc))


def _rate(evse: Evse) -> float:
    return evse.allowed_w if evse.plan.supply == "DC" else evse.allowed_a * evse.allowed_phases
