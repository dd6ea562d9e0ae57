"""Charging profiles in the words of 2.x (ChargingProfileType), both ways."""

from chargepointd.core.charging.profile import Period, Profile, Schedule
from chargepointd.dialects import charging
from chargepointd.dialects.codec import format_time
from chargepointd.dialects.dialect import Payload


def profile(told: Payload, evse_id: int) -> Profile:
    """Of several schedules the first; ValueError for a time that is none. What was told is kept beside the values
    where they alone would not give it back: customData, times in other words."""
    made = charging.profile(told, told["id"], evse_id, told["chargingProfilePurpose"], told["chargingSchedule"][0])
    made = made._replace(transaction_id=told.get("transactionId"))
    return made if said(made) == told else made._replace(custom=told)


def said(profile: Profile) -> Payload:
    """As it was told; with the transaction that it is bound to."""
    bound = {"transactionId": profile.transaction_id} if profile.transaction_id is not None else {}
    if profile.custom is not None:
        return {**profile.custom, **bound}
    return {
        "id": profile.id,
        "stackLevel": profile.stack_level,
        "chargingProfilePurpose": profile.purpose,
        "chargingProfileKind": profile.kind,
        "chargingSchedule": [schedule_said(profile.schedule)],
        **({"recurrencyKind": profile.recurrency} if profile.recurrency is not None else {}),
        **({"validFrom": format_time(profile.valid_from)} if profile.valid_from is not None else {}),
        **({"validTo": format_time(profile.valid_to)} if profile.valid_to is not None else {}),
        **bound,
    }


def schedule_said(schedule: Schedule) -> Payload:
    """ChargingScheduleType"""
    told: Payload = {
        "id": schedule.id,
        "chargingRateUnit": schedule.unit,
        "chargingSchedulePeriod": [period_said(period) for period in schedule.periods],
    }
    if schedule.starts_at is not None:
        told["startSchedule"] = format_time(schedule.starts_at)
    if schedule.duration_s is not None:
        told["duration"] = schedule.duration_s
    if schedule.min_rate is not None:
        told["minChargingRate"] = schedule.min_rate
    return told


def period_said(period: Period) -> Payload:
    """ChargingSchedulePeriodType"""
    told: Payload = {"startPeriod": period.start_s, "limit": period.limit}
    if period.phases is not None:
        told["numberPhases"] = period.phases
    if period.phase_to_use is not None:
        told["phaseToUse"] = period.phase_to_use
    return told
