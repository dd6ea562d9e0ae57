"""Charging profiles (2.x ChargingProfileType, 1.6 ChargingProfile) as values, in the words of 2.x."""

from typing import Any, Literal, get_args

from chargepointd.core.tuples import NamedTuple

Purpose = Literal[
    "ChargingStationExternalConstraints", "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
]  # fmt: skip
"""1.6 ChargePointMaxProfile is ChargingStationMaxProfile"""
Kind = Literal["Absolute", "Recurring", "Relative"]
Recurrency = Literal["Daily", "Weekly"]
Unit = Literal["A", "W"]
Source = Literal["EMS", "Other", "SO", "CSO"]
"""ChargingLimitSourceEnumType; what the CSMS sets is of the CSO"""


class Period(NamedTuple):
    """Until the next one begins, or the schedule is over."""

    start_s: int
    """s from the start of the schedule"""
    limit: float
    """A per phase, or W over all phases; at a DC output A or W of the output"""
    phases: int | None = None
    """None: not said; 3 on AC (K01.FR.49), of no meaning on DC"""
    phase_to_use: int | None = None
    """1, 2 or 3, with one phase only"""


class Schedule(NamedTuple):
    unit: Unit
    periods: tuple[Period, ...]
    """at least one; the first starts at 0, the others in rising order (K01.FR.31, .35)"""
    duration_s: int | None = None
    """None: the last period lasts for ever"""
    starts_at: float | None = None
    """UTC, s since 1970; None for a relative one"""
    min_rate: float | None = None
    """in `unit`: what charging should not fall below, a hint for sharing (K01.FR.21)"""
    id: int = 0


class Profile(NamedTuple):
    id: int
    evse_id: int
    """0: the whole station; for a TxDefaultProfile: each EVSE"""
    stack_level: int
    purpose: Purpose
    kind: Kind
    schedule: Schedule
    recurrency: Recurrency | None = None
    valid_from: float | None = None
    """UTC, s since 1970: from then on; None: always was"""
    valid_to: float | None = None
    """UTC, s since 1970: before it; None: always will be"""
    transaction_id: str | None = None
    """the station's own id of a transaction; of a TxProfile only"""
    source: Source = "CSO"
    custom: Any = None
    """what else the sender wrote (2.x customData), to be reported as it came"""


# -- on disk -----------------------------------------------------------------------------------------------------------


def packed(profile: Profile) -> list[Any]:
    """As plain JSON. Fields are only ever added at the end, with a default, so that what was kept can be read."""
    schedule = profile.schedule
    periods = [list(period) for period in schedule.periods]
    return [*profile[:5], [schedule.unit, periods, *schedule[2:]], *profile[6:]]


def unpacked(kept: Any) -> Profile:
    """ValueError, TypeError or IndexError for what is none."""
    unit, periods, *more = kept[5]
    schedule = Schedule(unit, tuple(Period(*period) for period in periods), *more)
    profile = Profile(*[*kept[:5], schedule, *kept[6:]])
    words = ((profile.purpose, Purpose), (profile.kind, Kind), (unit, Unit), (profile.source, Source))
    numbers = [profile.id, profile.evse_id, profile.stack_level, *(p.limit for p in schedule.periods)]
    numbers += [p.start_s for p in schedule.periods]
    sound = all(word in get_args(known) for word, known in words) and bool(periods)
    if not sound or not all(isinstance(number, int | float) for number in numbers):
        raise ValueError("no charging profile")
    return profile
