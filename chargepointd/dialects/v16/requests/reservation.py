"""Reservations (1.6 §5.3, §5.13)."""

from chargepointd.core import commands as c
from chargepointd.core.reservation import CancelReservation, ReserveNow
from chargepointd.core.values import Token
from chargepointd.dialects.codec import parse_time
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v16.requests.common import ChargePoint, Request, Requests, plain


def _reserve(payload: Payload, point: ChargePoint) -> c.Command | Refusal:
    """Connector 0 is any connector."""
    expires_at = parse_time(payload["expiryDate"])
    place = point.connectors.place(payload["connectorId"])
    tag = Token(payload["idTag"])
    return ReserveNow(payload["reservationId"], expires_at, tag, payload.get("parentIdTag"), *place)


REQUESTS: Requests = {
    "ReserveNow": Request(_reserve, plain),
    "CancelReservation": Request(lambda p, _: CancelReservation(p["reservationId"]), plain),
}
