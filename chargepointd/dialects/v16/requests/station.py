"""Start, stop, unlock, trigger, availability, reset (1.6 §5)."""

from chargepointd.core import commands as c
from chargepointd.core.values import Token
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v16.connectors import NOWHERE
from chargepointd.dialects.v16.requests.common import ChargePoint, Request, Requests, plain, renamed, trigger


def _start(payload: Payload, point: ChargePoint) -> c.Command | Refusal:
    """An idTag has no type. It is one that may be asked for (`Central` would not be, AuthorizeRemoteTxRequests)."""
    number = payload.get("connectorId")
    # Without a connector the station chooses; 0 is none to start on (§5.11, TC_027).
    evse_id, _ = (0, 0) if number is None else point.connectors.place(number) if number else NOWHERE
    start, told = c.RequestStart(Token(payload["idTag"]), evse_id), payload.get("chargingProfile")
    if told is None:
        return start
    from chargepointd.dialects.v16.requests.charging import profile  # few starts have one

    return start._replace(profile=profile(told, evse_id))


def _unlock(payload: Payload, point: ChargePoint) -> c.Command:
    return c.UnlockConnector(*(point.connectors.place(payload["connectorId"]) if payload["connectorId"] else NOWHERE))


def _change_availability(payload: Payload, point: ChargePoint) -> c.Command:
    place = point.connectors.place(payload["connectorId"])
    return c.ChangeAvailability(payload["type"] == "Operative", *place, knows_evses=False)


def _trigger(payload: Payload, point: ChargePoint) -> c.Command:
    kind = payload["requestedMessage"]
    return trigger(payload, point, "LogStatusNotification" if kind == "DiagnosticsStatusNotification" else kind)


REQUESTS: Requests = {
    "ChangeAvailability": Request(_change_availability, plain),
    "ClearCache": Request(lambda p, _: c.ClearCache(), plain),
    "RemoteStartTransaction": Request(_start, plain),
    "RemoteStopTransaction": Request(lambda p, _: c.RequestStop(reference=p["transactionId"]), plain),
    "Reset": Request(lambda p, _: c.Reset(on_idle=False, hard=p["type"] == "Hard"), renamed(Scheduled="Accepted")),
    "TriggerMessage": Request(_trigger, plain),
    "UnlockConnector": Request(
        _unlock,  # errata v4.0 3.87: an unknown connector is NotSupported too
        renamed(UnknownConnector="NotSupported", OngoingAuthorizedTransaction="UnlockFailed"),
    ),
}
