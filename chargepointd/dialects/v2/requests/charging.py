"""Charging profiles: set, clear, get (K01, K09, K10)."""

from chargepointd.core import commands as c
from chargepointd.core.charging.profiles import ClearChargingProfile, GetChargingProfiles, SetChargingProfile
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v2.charging import profile
from chargepointd.dialects.v2.requests.common import Request, Requests, not_available, plain


def _set(payload: Payload, variables: Registry) -> c.Command | Refusal:
    refused = not_available("SmartChargingCtrlr", variables)  # K01.FR.29
    if refused:
        return refused
    told = payload["chargingProfile"]
    return SetChargingProfile(profile(told, payload["evseId"]), len(told["chargingSchedule"]))


def _was_set(payload: Payload, reply: c.Status) -> Payload | Refusal:
    """2.x has no status for a station without smart charging: it is a CALLERROR (K01.FR.29)."""
    if reply.status == "NotSupported":
        return Refusal("NotSupported", reply.reason)
    return plain(payload, reply)


def _clear(payload: Payload, variables: Registry) -> c.Command | Refusal:
    criteria = payload.get("chargingProfileCriteria", {})
    return not_available("SmartChargingCtrlr", variables) or ClearChargingProfile(
        payload.get("chargingProfileId"),
        criteria.get("evseId"),
        criteria.get("chargingProfilePurpose"),
        criteria.get("stackLevel"),
    )


def _get(payload: Payload, variables: Registry) -> c.Command | Refusal:
    criteria = payload["chargingProfile"]
    return not_available("SmartChargingCtrlr", variables) or GetChargingProfiles(
        payload["requestId"],
        payload.get("evseId"),
        criteria.get("chargingProfilePurpose"),
        criteria.get("stackLevel"),
        tuple(criteria.get("chargingProfileId", ())),
        tuple(criteria.get("chargingLimitSource", ())),
    )


REQUESTS: Requests = {
    "ClearChargingProfile": Request(_clear, plain),
    "GetChargingProfiles": Request(_get, plain),
    "SetChargingProfile": Request(_set, _was_set),
}
