"""Charging profiles: set and clear (1.6 §3.13, §5.5, §5.16)."""

from typing import Any

from chargepointd.core import commands as c
from chargepointd.core.charging.profile import Profile, Purpose
from chargepointd.core.charging.profiles import ClearChargingProfile, SetChargingProfile
from chargepointd.dialects import charging
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.requests.common import ChargePoint, Request, Requests, plain

_PURPOSES: dict[str, Purpose] = {"ChargePointMaxProfile": "ChargingStationMaxProfile"}
"""in the words of 2.x, where they differ"""


def profile(told: Payload, evse_id: int) -> Profile:
    """Without its transaction, which has a number here. ValueError for a time that is none."""
    purpose: Any = told["chargingProfilePurpose"]
    meant = _PURPOSES.get(purpose, purpose)
    return charging.profile(told, told["chargingProfileId"], evse_id, meant, told["chargingSchedule"])


def _set(payload: Payload, point: ChargePoint) -> c.Command:
    evse_id, _ = point.connectors.place(payload["connectorId"])
    told = payload["csChargingProfiles"]
    number = told.get("transactionId")
    return SetChargingProfile(profile(told, evse_id), reference=number, of_running=number is None)


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
