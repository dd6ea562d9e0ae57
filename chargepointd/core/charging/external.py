"""Limits from outside (K11 to K13): a contact of the grid operator, the meter of the building, an EMS on the gateway.

Each that holds is a profile of purpose ChargingStationExternalConstraints among the installed ones: composed, shared
and reported like any other, and not the CSMS's to set or to clear. What its source tells again at once is not kept over
a restart; until it does, the safe limit holds. A contact that is lost limits, and so does a meter that is silent:
losing certainty never leads to more current.

The CSMS is told of a limit when it comes, when it changes by more than LimitChangeSignificance, and when it is gone;
what could not be told while offline is told as it is by then. 1.6 has no words for it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from chargepointd.core.charging.limits import GRID_V, significant
from chargepointd.core.charging.profiles import Profiles
from chargepointd.core.clock import Righting
from chargepointd.core.commands import Shown, Status
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note, PaceMeter, SaveState
from chargepointd.core.evse import Evse
from chargepointd.core.outbox import Outbox, Refused
from chargepointd.core.topic import Answer, Obey, Topic
from chargepointd.core.tuples import NamedTuple

if TYPE_CHECKING:
    from chargepointd.core.charging.profile import Profile, Schedule, Unit
    from chargepointd.core.messages import Message
    from chargepointd.core.outbox import Outcome
    from chargepointd.core.values import Measured

OUTSIDE: Final = "ChargingStationExternalConstraints"
_SITE, _LOCAL, _CONTACT = -1, -10, -1000
"""ids of profiles, counted down; a CSMS counts up"""
SILENT_S, SILENT_IDLE_S = 5.0, 30.0
"""a meter of the building that has told nothing for so long, while a car is there or none is, is silent"""
_UNTOLD = ("Offline", "Timeout")


class LimitLocally(NamedTuple):
    """Whoever has the control socket sets a limit, clears it, or looks at all from outside."""

    act: str
    """set, clear, show"""
    evse_id: int = 0
    """0: the station"""
    unit: "Unit" = "A"
    limit: float = 0.0
    for_s: int | None = None
    """None: until it is cleared"""


class Bound(NamedTuple):
    """What a source allows; in the words of `LimitPlan`."""

    evse_id: int
    """0: the station"""
    unit: "Unit"
    limit: float
    source: Any
    """ChargingLimitSourceEnumType"""


class ChargingLimit(NamedTuple):
    """NotifyChargingLimit, and ClearedChargingLimit."""

    evse_id: int
    source: str
    cleared: bool
    schedules: "tuple[Schedule, ...]" = ()


class External(Topic):
    name = "external"

    def __init__(
        self,
        context: Context,
        outbox: Outbox,
        evses: Mapping[int, Evse],
        profiles: Profiles,
        saved: Mapping[str, float] | None,
    ) -> None:
        self._context = context
        self._outbox = outbox
        self._evses = evses
        self._profiles = profiles
        self._told = dict(saved or {})
        """by source and EVSE, as "SO/1": A per phase (a DC output: W) that the CSMS knows"""
        self._asked: set[str] = set()
        self._looked_at: tuple[int, bool] = (-1, False)
        self._spoken = ""
        """the version of OCPP in which the CSMS was told"""
        self._over_at = NEVER
        """s, monotonic clock: when the next that has an end is over"""
        self._site = None
        if context.plan.site:
            from chargepointd.core.charging.site import Site

            self._site = Site(context.plan.site, evses)
        self._active: bool | None = None

    # -- sources -------------------------------------------------------------------------------------------------------

    def power_up(self, step: Step) -> None:
        """Nothing is heard of contacts and of the meter of the building yet."""
        for number in range(len(self._context.plan.limits)):
            self.contact(number, None, step)
        self._follow_site(step)

    def contact(self, number: int, closed: bool | None, step: Step) -> None:
        """It has moved; None: it does not tell, so it is taken to limit."""
        plan = self._context.plan.limits[number]
        if closed is None or closed == plan.closed:
            why = "its contact does not tell" if closed is None else "contact"
            bound = Bound(plan.evse_id, plan.unit, plan.limit, plan.source)
            self._hold(_CONTACT - number, bound, step, kept=False, why=why)
        else:
            self._release(_CONTACT - number, step)

    def building(self, measured: "Measured | None", step: Step) -> None:
        """What the meter of the building says; None: it is lost."""
        if self._site:
            self._site.read(measured)
            self._follow_site(step)

    def commands(self) -> Mapping[type, Obey]:
        return {LimitLocally: self._limit_locally}

    def _limit_locally(self, command: LimitLocally, step: Step, answer: Answer) -> None:
        if command.act == "show":
            answer(Shown({"limits": [_shown(profile) for profile in self._profiles_of_others()]}), step)
        elif command.evse_id and command.evse_id not in self._evses:
            answer(Status("Rejected", f"no EVSE {command.evse_id}"), step)
        elif command.act == "clear":
            known = self._release(_LOCAL - command.evse_id, step)
            answer(Status("Accepted" if known else "Rejected", "" if known else "no limit was set here"), step)
        else:
            bound = Bound(command.evse_id, command.unit, command.limit, "EMS")
            self._hold(_LOCAL - command.evse_id, bound, step, for_s=command.for_s, why="set")
            answer(Status("Accepted"), step)

    def _follow_site(self, step: Step) -> None:
        if self._site:
            silent_s = SILENT_S if self._active else SILENT_IDLE_S
            self._hold(_SITE, Bound(0, "A", self._site.leaves(step.mono, silent_s), "EMS"), step, kept=False)

    def _hold(
        self, id_: int, bound: Bound, step: Step, *, kept: bool = True, for_s: int | None = None, why: str = ""
    ) -> None:
        """This limit holds from now on; nothing, where it does already."""
        from chargepointd.core.charging.profile import Period, Profile, Schedule

        evse_id, unit, limit, source = bound
        if unit == "A" and not evse_id and not any(evse.plan.phases for evse in self._evses.values()):
            unit, limit = "W", limit * 3 * GRID_V  # where all are DC, A of profiles are those of the outputs
        known = next((profile for profile in self._profiles_of_others() if profile.id == id_), None)
        has = (known.schedule.periods[0].limit, known.schedule.unit, known.valid_to) if known else ()
        if has == (limit, unit, None) and for_s is None:
            return
        # It began long ago: a clock that is put back must not take it for one of the future.
        ends_at = None if for_s is None else float(step.utc // 1) + for_s
        schedule = Schedule(unit, (Period(0, limit),), starts_at=0.0, id=-id_)
        profile = Profile(id_, evse_id, 0, OUTSIDE, "Absolute", schedule, valid_to=ends_at, source=source)
        self._profiles.install(profile, step, kept=kept)
        if why:
            step.emit(Note("limit", evse_id, f"{limit:g} {unit} from outside ({source}): {why}"))

    def _release(self, id_: int, step: Step) -> bool:
        gone = [profile for profile in self._profiles_of_others() if profile.id == id_]
        self._profiles.remove(lambda profile: profile in gone, step)
        for profile in gone:
            step.emit(Note("limit", profile.evse_id, f"released ({profile.source})"))
        return bool(gone)

    def _profiles_of_others(self) -> "list[Profile]":
        return [profile for profile in self._profiles.installed if profile.purpose == OUTSIDE]

    # -- time ----------------------------------------------------------------------------------------------------------

    def deadline(self) -> float:
        silent = self._site.silent_at(SILENT_S if self._active else SILENT_IDLE_S) if self._site else NEVER
        return min(silent, self._over_at)

    def tick(self, step: Step) -> None:
        self._follow_site(step)
        for profile in self._profiles_of_others():
            if profile.valid_to is not None and step.utc >= profile.valid_to:
                self._release(profile.id, step)
        self._look_at_ends(step)

    def put_right(self, right: Righting, step: Step) -> None:
        """Who said "for an hour" meant an hour, whatever the clock said."""
        for profile in self._profiles_of_others():
            ends_at = profile.valid_to and right.interval(profile.valid_to)
            if ends_at != profile.valid_to:
                self._profiles.install(profile._replace(valid_to=ends_at), step)

    def _look_at_ends(self, step: Step) -> None:
        ends = [profile.valid_to for profile in self._profiles_of_others() if profile.valid_to is not None]
        self._over_at = step.mono + max(0.001, min(ends) - step.utc) if ends else NEVER

    def follow(self, step: Step) -> None:
        if self._site:
            self._site.look()
            active = any(evse.plugged or evse.session.authorized for evse in self._evses.values())
            if active != self._active:
                self._active = active
                step.emit(PaceMeter(0, active, "site_meter"))
                self._follow_site(step)
        seen = (self._profiles.revision, self._context.online)
        if seen != self._looked_at:
            self._looked_at = seen
            self._look(step)

    # -- what the CSMS is told -----------------------------------------------------------------------------------------

    def _look(self, step: Step) -> None:
        holding: dict[str, list[Profile]] = {}
        for profile in self._profiles_of_others():
            holding.setdefault(f"{profile.source}/{profile.evse_id}", []).append(profile)
        self._look_at_ends(step)
        if not (self._context.online and self._profiles.in_use):
            return
        spoken = self._context.rules.subprotocol
        if self._spoken not in ("", spoken):
            self._told.clear()  # who has changed the version may not have had words for it
        self._spoken = spoken
        for key in [key for key in self._told if key not in holding]:
            self._say(key, None, (), step)
        for key, some in holding.items():
            level = min(self._level(profile) for profile in some)
            known = self._told.get(key)
            if known is None or significant(self._context, known, level):
                self._say(key, level, tuple(profile.schedule for profile in some), step)

    def _level(self, profile: "Profile") -> float:
        """To be compared: A per phase; W at a DC output."""
        plan = self._evses[profile.evse_id].plan if profile.evse_id else None
        volts = plan.voltage_v * plan.phases if plan and plan.phases else 3 * GRID_V
        limit, dc = profile.schedule.periods[0].limit, bool(plan and not plan.phases)
        if profile.schedule.unit == ("W" if dc else "A"):
            return limit
        return limit * volts if dc else limit / volts

    def _say(self, key: str, level: float | None, schedules: "tuple[Schedule, ...]", step: Step) -> None:
        if key in self._asked:
            return

        def heard(message: "Message", outcome: "Outcome", step: Step) -> None:
            self._asked.discard(key)
            if isinstance(outcome, Refused) and outcome.code in _UNTOLD:
                return
            new = (key in self._told) != (level is not None)
            if level is None:
                self._told.pop(key, None)
            else:
                self._told[key] = level
            if new:
                step.emit(SaveState(self.name, dict(self._told) or None))
            self._looked_at = (-1, False)  # it may have changed meanwhile

        source, _, evse = key.partition("/")
        whole = self._context.variables.boolean("SmartChargingCtrlr.NotifyChargingLimitWithSchedules")
        self._asked.add(key)
        self._outbox.say(ChargingLimit(int(evse), source, level is None, schedules if whole else ()), heard, step)


def _shown(profile: "Profile") -> dict[str, Any]:
    return {
        "evse": profile.evse_id,
        "limit": profile.schedule.periods[0].limit,
        "unit": profile.schedule.unit,
        "source": profile.source,
        "by": "site meter" if profile.id == _SITE else "contact" if profile.id <= _CONTACT else "control socket",
        "until": profile.valid_to,
    }
