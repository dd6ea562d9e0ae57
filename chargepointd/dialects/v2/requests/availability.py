"""Availability, reset, the authorization cache (G03, G04, B11, B12, C11)."""

from chargepointd.core import commands as c
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v2.requests.common import Request, Requests, place, plain


def _change_availability(payload: Payload, _: Registry) -> c.Command:
    return c.ChangeAvailability(payload["operationalStatus"] == "Operative", *place(payload))


def _reset(payload: Payload, _: Registry) -> c.Command:
    return c.Reset(payload["type"] == "OnIdle", payload.get("evseId", 0))


REQUESTS: Requests = {
    "ChangeAvailability": Request(_change_availability, plain),
    "Reset": Request(_reset, plain),
    "ClearCache": Request(lambda p, _: c.ClearCache(), plain),
}
