"""Charging profiles: set and clear (1.6 §3.13, §5.5, §5.16)."""

from typing import Any

from chargepointd.core import commands as c
from chargepointd.core.charging.profile import Period, Profile, Schedule
from chargepointd.core.charging.profiles import ClearChargingProfile, SetChargingProfile
from chargepointd.dialects.codec import parse_time
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v16.requests.common import ChargePoint, Request, Requests, plain

_PURPOSES: dict[str, Any] = {"ChargePointMaxProfile": "ChargingStationMaxProfile"}
"""in the words of 2.x, where they differ"""


def profile(told: Payload, evse_id: int) -> Profile:
    """Without its transaction, which has a number here. ValueError for a time that is none."""
    schedule = told["chargingSchedule"]
    purpose = told["chargingProfilePurpose"]
    return Profile(
        told["chargingProfileId"],
        evse_id,
        told["stackLevel"],
        _PURPOSES.get(purpose) or purpose,
        told["chargingProfileKind"],
        Schedule(
            schedule["chargingRateUnit"],
            tuple(_period(period) for period in schedule["chargingSchedulePeriod"]),
            schedule.get("duration"),
            _time(schedule.get("startSchedule")),
            schedule.get("minChargingRate"),
        ),
        told.get("recurrencyKind"),
        _time(told.get("validFrom")),
        _time(told.get("validTo")),
    )


def _period(period: Payload) -> Period:
    return Period(period["startPeriod"], period["limit"], period.get("numberPhases"))


def _time(text: str | None) -> float | None:
    return None if text is None else parse_time(text)


def _set(payload: Payload, point: ChargePoint) -> c.Command | Refusal:
    evse_id, _ = point.connectors.place(payload["connectorId"])
    told = payload["csChargingProfiles"]
    number = told.get("transactionId")
    try:
        made = profile(told, evse_id)
    except ValueError as error:
        return Refusal("PropertyConstraintViolation", str(error))
    return SetChargingProfile(made, reference=number, of_running=number is None)


def _clear(payload: Payload, point: ChargePoint) -> c.Command:
    number, purpose = payload.get("connectorId"), payload.get("chargingProfilePurpose")
    return ClearChargingProfile(
        payload.get("id"),
        None if number is None else point.connectors.place(number)[0],
        None if purpose is None else _PURPOSES.get(purpose, purpose),
        payload.get("stackLevel"),
    )


REQUESTS: Requests = {
    "ClearChargingProfile": Request(_clear, plain),
    "SetChargingProfile": Request(_set, plain),
}
