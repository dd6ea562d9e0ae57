"""Whether a charging profile is one that this station can keep (K01, K05; 1.6 §3.13). Pure.

The first thing that is wrong is the answer, with a reason code of 2.0.1 (part 2, appendix 5).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from chargepointd.core.charging.profile import Period, Profile
from chargepointd.core.commands import Status
from chargepointd.core.plan import EvsePlan
from chargepointd.core.rules import Rules
from chargepointd.core.tuples import NamedTuple

_EVER = float("inf")
_LONGEST_CUSTOM = 150_000
"""characters of a profile as it came, where it says more than is understood: what is kept has a bound"""


class Site(NamedTuple):
    """What a profile is held against."""

    evses: Mapping[int, EvsePlan]
    running: Mapping[int, str]
    """the id of the transaction that runs at an EVSE"""
    installed: tuple[Profile, ...]
    units: tuple[str, ...]
    most_periods: int
    highest_level: int
    most_profiles: int
    rules: Rules


def wrong(profile: Profile, schedules: int, site: Site) -> Status | None:
    """Why it is refused when the CSMS sets it; `schedules`: how many it came with. None: it may be installed."""
    return next(_complaints(profile, schedules, site), None)


def wrong_at_start(profile: Profile, schedules: int, site: Site) -> Status | None:
    """The same of one that comes with a remote start: for a transaction that is still to begin (K05.FR.02, F01)."""
    if profile.purpose != "TxProfile":
        return _refused("InvalidProfile", "only a TxProfile can come with the start of a transaction")
    if profile.transaction_id is not None:
        return _refused("InvalidProfile", "its transaction has not begun: transactionId must be left out")
    return next(_of_itself(profile, schedules, site), None) or _no_room(profile, site)


def clashing(profile: Profile, installed: Iterable[Profile]) -> Iterator[Profile]:
    """Those of another id between which and this one nothing decides: same purpose, stack level and place."""
    for other in installed:
        same = (other.purpose, other.stack_level, other.evse_id) == (
            profile.purpose, profile.stack_level, profile.evse_id
        )  # fmt: skip
        if same and other.id != profile.id and other.transaction_id == profile.transaction_id:
            yield other


def _complaints(profile: Profile, schedules: int, site: Site) -> Iterator[Status]:
    yield from _of_itself(profile, schedules, site)
    if profile.purpose == "TxProfile":
        yield from _of_transaction(profile, site)
    yield from _of_others(profile, site)


def _of_itself(profile: Profile, schedules: int, site: Site) -> Iterator[Status]:
    if profile.evse_id and profile.evse_id not in site.evses:
        yield _refused("UnknownEvse", f"no EVSE {profile.evse_id}")  # K01.FR.28
    if profile.custom is not None and len(repr(profile.custom)) > _LONGEST_CUSTOM:
        yield _refused("TooLargeElement", f"more than {_LONGEST_CUSTOM} characters, with its customData")
    yield from _of_purpose(profile)
    yield from _of_time(profile, site)
    yield from _of_schedule(profile, schedules, site)


def _of_purpose(profile: Profile) -> Iterator[Status]:
    purpose = profile.purpose
    if purpose == "ChargingStationExternalConstraints":
        yield _refused("InvalidProfile", "external constraints are not the CSMS's to set")  # K01.FR.22
    if purpose == "ChargingStationMaxProfile" and profile.evse_id:
        yield _refused("InvalidProfile", "ChargingStationMaxProfile is for EVSE 0 only")  # K04.FR.03
    if purpose == "ChargingStationMaxProfile" and profile.kind == "Relative":
        yield _refused("InvalidProfile", "ChargingStationMaxProfile cannot be Relative")  # K01.FR.38
    if purpose == "TxProfile" and not profile.evse_id:
        yield _refused("InvalidProfile", "TxProfile is for one EVSE, not for 0")  # K01.FR.16


def _of_time(profile: Profile, site: Site) -> Iterator[Status]:
    if not 0 <= profile.stack_level <= site.highest_level:
        yield _refused("InvalidStackLevel", f"stackLevel is 0 to {site.highest_level}")
    begins, ends = profile.valid_from, profile.valid_to
    if ends is not None and ends <= (-_EVER if begins is None else begins):
        yield _refused("InvalidProfile", "validTo is not after validFrom: it would never be valid")
    if profile.kind == "Recurring" and profile.recurrency is None:
        yield _refused("InvalidProfile", "a Recurring profile needs recurrencyKind")
    if profile.kind != "Relative" and profile.schedule.starts_at is None:
        yield _refused("InvalidSchedule", f"an {profile.kind} profile needs startSchedule")  # K01.FR.40
    if profile.kind == "Relative" and profile.schedule.starts_at is not None:
        yield _refused("InvalidSchedule", "a Relative profile has no startSchedule")  # K01.FR.41


def _of_schedule(profile: Profile, schedules: int, site: Site) -> Iterator[Status]:
    schedule, periods = profile.schedule, profile.schedule.periods
    if schedules != 1:
        yield _refused("InvalidSchedule", "exactly one schedule, where the car chooses none")  # K01.FR.34
    if schedule.unit not in site.units:
        yield _refused("UnsupportedRateUnit", f"chargingRateUnit is {' or '.join(site.units)}")  # K01.FR.26
    if len(periods) > site.most_periods:
        yield _refused("TooManyElements", f"{len(periods)} periods, at most {site.most_periods}")
    if not periods or periods[0].start_s != 0:
        yield _refused("InvalidSchedule", "the first period starts at 0")  # K01.FR.31
    starts = [period.start_s for period in periods]
    if any(later <= earlier for earlier, later in pairwise(starts)):
        yield _refused("InvalidSchedule", "each period starts after the one before")  # K01.FR.35
    if schedule.duration_s is not None and schedule.duration_s <= 0:
        yield _refused("InvalidSchedule", "duration is more than 0")
    if any(period.limit < 0 for period in periods) or (schedule.min_rate or 0) < 0:
        yield _refused("InvalidSchedule", "no limit and no rate is less than 0")
    if profile.purpose != "ChargingStationMaxProfile" and not site.rules.loose_profiles:
        yield from _of_phases(profile, site)


def _of_phases(profile: Profile, site: Site) -> Iterator[Status]:
    """Of an outlet; the connection of the station to the grid has the phases that it has."""
    plans = [site.evses[profile.evse_id]] if profile.evse_id in site.evses else list(site.evses.values())
    for plan in plans:
        for period in profile.schedule.periods if plan.supply == "AC" else ():  # K01.FR.44: of no meaning on DC
            text = _phases_wrong(period, plan)
            if text:
                yield _refused("InvalidSchedule", f"EVSE {plan.id}: {text}")


def _phases_wrong(period: Period, plan: EvsePlan) -> str:
    """More phases than there are run on those that there are (K01.FR.45)."""
    phases = period.phases
    if period.phase_to_use is not None:
        if phases != 1:
            return "phaseToUse is for numberPhases 1"
        if not (plan.phases == 1 or plan.switches_phases) or period.phase_to_use != 1:
            return f"phase {period.phase_to_use} cannot be chosen"  # K01.FR.48
    if phases is None or phases >= plan.phases or (phases == 1 and plan.switches_phases):  # K01.FR.46, .47
        return ""
    return f"it cannot charge with {phases} of its {plan.phases} phases"  # K01.FR.43


def _of_transaction(profile: Profile, site: Site) -> Iterator[Status]:
    running = site.running.get(profile.evse_id)
    if running is None:
        yield _refused("TxNotFound", f"no transaction runs at EVSE {profile.evse_id}")  # K01.FR.09
    if profile.transaction_id is None:
        yield _refused("MissingParam", "a TxProfile needs transactionId")  # K01.FR.03
    if profile.transaction_id != running:
        yield _refused("TxNotFound", f"another transaction runs at EVSE {profile.evse_id}")  # K01.FR.33


def _of_others(profile: Profile, site: Site) -> Iterator[Status]:
    known = next((p for p in site.installed if p.id == profile.id), None)
    if known and known.purpose == "ChargingStationExternalConstraints":
        yield _refused("DuplicateProfile", f"{profile.id} is an external constraint")  # K01.FR.05
    no_room = _no_room(profile, site)
    if no_room:
        yield no_room
    if site.rules.level_replaces:
        return
    for other in clashing(profile, site.installed):  # K01.FR.06, .39
        if at_the_same_time(profile, other):
            yield _duplicate(profile, other)
    for other in site.installed:  # K01.FR.52, .53
        both = profile.purpose == other.purpose == "TxDefaultProfile" and profile.stack_level == other.stack_level
        if both and other.id != profile.id and 0 in (profile.evse_id, other.evse_id):
            yield _duplicate(profile, other)


def _no_room(profile: Profile, site: Site) -> Status | None:
    if len(site.installed) < site.most_profiles or any(other.id == profile.id for other in site.installed):
        return None
    return _refused("OutOfStorage", f"{site.most_profiles} profiles are installed, as many as there is room for")


def at_the_same_time(one: Profile, other: Profile) -> bool:
    """There is a moment at which both are valid."""
    begins = [-_EVER if p.valid_from is None else p.valid_from for p in (one, other)]
    ends = [_EVER if p.valid_to is None else p.valid_to for p in (one, other)]
    return max(begins) < min(ends)


def _duplicate(profile: Profile, other: Profile) -> Status:
    where = f"EVSE {other.evse_id}" if other.evse_id else "all EVSEs"
    return _refused(
        "DuplicateProfile", f"profile {other.id} for {where} has stackLevel {profile.stack_level} at the same time"
    )


def _refused(code: str, reason: str) -> Status:
    return Status("Rejected", reason, code)
