"""Charging profiles as both versions read them (ChargingProfileType; 1.6 §7.8): 1.6 has another name for one purpose, a
single schedule, and neither an id for it nor a phase to use."""

from chargepointd.core.charging.profile import Period, Profile, Purpose, Schedule
from chargepointd.dialects.codec import parse_optional_time
from chargepointd.dialects.dialect import Payload


def profile(told: Payload, number: int, evse_id: int, purpose: Purpose, schedule: Payload) -> Profile:
    """Without its transaction. ValueError for a time that is none."""
    return Profile(
        number,
        evse_id,
        told["stackLevel"],
        purpose,
        told["chargingProfileKind"],
        _schedule(schedule),
        told.get("recurrencyKind"),
        parse_optional_time(told.get("validFrom")),
        parse_optional_time(told.get("validTo")),
    )


def _schedule(told: Payload) -> Schedule:
    return Schedule(
        told["chargingRateUnit"],
        tuple(_period(period) for period in told["chargingSchedulePeriod"]),
        told.get("duration"),
        parse_optional_time(told.get("startSchedule")),
        told.get("minChargingRate"),
        told.get("id", 0),
    )


def _period(told: Payload) -> Period:
    return Period(told["startPeriod"], told["limit"], told.get("numberPhases"), told.get("phaseToUse"))
