"""Reservations (H01, H02)."""

from chargepointd.core import commands as c
from chargepointd.core.reservation import CancelReservation, ReserveNow
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.codec import parse_time
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v2.requests.common import Request, Requests, plain, token


def _reserve(payload: Payload, _: Registry) -> c.Command | Refusal:
    expires_at = parse_time(payload["expiryDateTime"])
    group = payload.get("groupIdToken")
    return ReserveNow(
        payload["id"],
        expires_at,
        token(payload["idToken"]),
        group["idToken"] if group else None,
        payload.get("evseId", 0),
        connector_type=payload.get("connectorType"),
    )


REQUESTS: Requests = {
    "ReserveNow": Request(_reserve, plain),
    "CancelReservation": Request(lambda p, _: CancelReservation(p["reservationId"]), plain),
}
