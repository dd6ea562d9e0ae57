"""What the station is going to allow, told to whoever asks: composite schedules (K08; 1.6 §5.7)."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from chargepointd.core.commands import Status
from chargepointd.core.context import Context, Step
from chargepointd.core.topic import Answer, Obey, Topic
from chargepointd.core.tuples import NamedTuple

if TYPE_CHECKING:
    from chargepointd.core.charging.composite import CompositeSchedule, Outlet, Use
    from chargepointd.core.charging.profile import Profile, Unit
    from chargepointd.core.evse import Evse
    from chargepointd.core.plan import EvsePlan

MAX_PERIODS = 1024
"""in one answer (ChargingScheduleType): a schedule with more is told as far as they go"""
LONGEST_S = 366 * 86_400
"""likewise: nothing recurs at longer intervals than a week, and the station has other things to do"""
MOST_CHANGES = 50_000
"""of limits that are looked at for one answer: where profiles that recur have more, less of the time is told"""


class GetCompositeSchedule(NamedTuple):
    evse_id: int
    """0: the station"""
    duration_s: int
    unit: "Unit | None" = None
    """None: as the station likes"""


class Schedules(Topic):
    name = "schedules"

    def __init__(
        self,
        context: Context,
        evses: "Mapping[int, Evse]",
        installed: "Callable[[], tuple[Profile, ...]]",
        site: Callable[[], tuple[float, float]],
    ) -> None:
        """installed: the profiles in force. site: what the supply bears, as `composite.of_station` has it."""
        self._context = context
        self._evses = evses
        self._installed = installed
        self._site = site

    def commands(self) -> Mapping[type, Obey]:
        return {GetCompositeSchedule: self._get}

    def _get(self, command: GetCompositeSchedule, step: Step, answer: Answer) -> None:
        units = self._context.variables.members("SmartChargingCtrlr.RateUnit")
        if command.evse_id and command.evse_id not in self._evses:
            answer(Status("Rejected", f"there is no EVSE {command.evse_id}", "UnknownEvse"), step)  # K08.FR.05
        elif command.unit is not None and command.unit not in units:
            reason = f"{command.unit} is not used here, but {', '.join(units)}"
            answer(Status("Rejected", reason, "UnsupportedRateUnit"), step)  # K08.FR.07
        elif command.duration_s < 0:
            answer(Status("Rejected", "a duration is 0 s or more", "ValuePositiveOnly"), step)
        else:
            answer(self._schedule(command, command.unit or self._liked(command.evse_id, units), step), step)

    def _liked(self, evse_id: int, units: tuple[str, ...]) -> "Unit":
        """A where current is alternating, W where it is not; if the other is not the only one used here."""
        direct = all(evse.plan.phases == 0 for evse in self._evses.values() if evse_id in (0, evse.id))
        liked: Unit = "W" if direct else "A"
        return liked if liked in units else "A" if liked == "W" else "W"

    def _schedule(self, command: GetCompositeSchedule, unit: "Unit", step: Step) -> "CompositeSchedule":
        # They are imported when a schedule is asked for: many stations never are.
        from chargepointd.core.charging.composite import changes_per_s, of_evse, of_station, told

        at, evse_id = float(step.utc // 1), command.evse_id  # what is told begins with a whole second
        profiles, most = self._installed(), MAX_PERIODS + 1
        places = 1 if evse_id else len(self._evses)
        duration = min(command.duration_s, LONGEST_S, int(MOST_CHANGES / (places * changes_per_s(profiles) or 1e-9)))
        uses = {evse.id: use(evse) for evse in self._evses.values()}
        outlets = {evse.id: self._outlet(evse.plan) for evse in self._evses.values() if evse_id in (0, evse.id)}
        if evse_id:
            alone = self._behind_supply(outlets[evse_id])
            spans = of_evse(profiles, evse_id, alone, uses[evse_id], at, duration, unit, most)
        else:
            spans = of_station(profiles, outlets, uses, at, duration, unit, self._site(), most)
        return told(evse_id, spans, at, duration, unit, MAX_PERIODS)

    def _outlet(self, plan: "EvsePlan") -> "Outlet":
        ac = [evse.plan.voltage_v for evse in self._evses.values() if evse.plan.phases]
        return outlet(plan)._replace(grid_v=min(ac) if ac and not plan.phases else 0.0)

    def _behind_supply(self, outlet: "Outlet") -> "Outlet":
        """What it can deliver when nobody else charges."""
        amps, watts = self._site()
        if outlet.phases:
            return outlet._replace(
                max_current_a=min(outlet.max_current_a, amps), max_power_w=min(outlet.max_power_w, watts)
            )
        if outlet.grid_v:
            watts = min(watts, amps * 3 * outlet.grid_v)
        return outlet._replace(max_power_w=min(outlet.max_power_w, watts))


def outlet(plan: "EvsePlan") -> "Outlet":
    from chargepointd.core.charging.composite import Outlet

    return Outlet(plan.phases, plan.voltage_v, plan.max_current_a, plan.max_power_w, plan.switches_phases)


def use(evse: "Evse") -> "Use":
    from chargepointd.core.charging.composite import IDLE, Use

    transaction = evse.transaction
    since = transaction.ready_at if transaction and evse.running else None
    return Use(evse.profiled_as, since) if evse.profiled_as or since is not None else IDLE
