"""What the CSMS asks in 1.6, and the answers. A request that is not in the table is not offered."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chargepointd.core import commands as c
from chargepointd.core.values import Token
from chargepointd.dialects.codec import parse_time
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v16.connectors import NOWHERE, Connectors
from chargepointd.dialects.v16.keys import Keys


class Request(NamedTuple):
    command: Callable[[Payload, Connectors], c.Command | Refusal]
    statuses: Mapping[str, str] = {}
    """what the station replies -> what 1.6 says for it, where that differs"""
    response: Callable[[Any], Payload] | None = None
    """where the answer is more than a status"""


def command(action: str, payload: Payload, connectors: Connectors, keys: Keys) -> c.Command | Refusal:
    if action == "GetConfiguration":
        return keys.get(payload.get("key") or ())
    if action == "ChangeConfiguration":
        return keys.change(payload["key"], payload["value"])
    request = REQUESTS.get(action)
    if request is None:
        return Refusal("NotSupported", f"{action} is not offered by this charge point")
    return request.command(payload, connectors)


def response(action: str, payload: Payload, reply: Any, keys: Keys) -> Payload:
    if action == "GetConfiguration":
        return keys.got(payload.get("key") or (), reply)
    if action == "ChangeConfiguration":
        return {"status": keys.changed(payload["key"], reply)}
    request = REQUESTS[action]
    if request.response:
        return request.response(reply)
    return {"status": request.statuses.get(reply.status, reply.status)}


def _start(payload: Payload, connectors: Connectors) -> c.Command:
    """An idTag has no type. It is one that may be asked for (`Central` would not be, AuthorizeRemoteTxRequests)."""
    number = payload.get("connectorId")
    # Without a connector the station chooses; 0 is none to start on (§5.11, TC_027).
    evse_id, _ = (0, 0) if number is None else connectors.place(number) if number else NOWHERE
    return c.RequestStart(Token(payload["idTag"]), evse_id, profile=payload.get("chargingProfile"))


def _unlock(payload: Payload, connectors: Connectors) -> c.Command:
    return c.UnlockConnector(*(connectors.place(payload["connectorId"]) if payload["connectorId"] else NOWHERE))


def _change_availability(payload: Payload, connectors: Connectors) -> c.Command:
    return c.ChangeAvailability(payload["type"] == "Operative", *connectors.place(payload["connectorId"]))


def _trigger(payload: Payload, connectors: Connectors) -> c.Command:
    kind = payload["requestedMessage"]
    place = connectors.place(payload.get("connectorId", 0))
    return c.TriggerMessage("LogStatusNotification" if kind == "DiagnosticsStatusNotification" else kind, *place)


def _get_log(payload: Payload, _: Connectors) -> c.Command | Refusal:
    log = payload["log"]
    asked = c.GetLog(payload["logType"], log["remoteLocation"], payload["requestId"])
    return _upload(asked, payload, log.get("oldestTimestamp"), log.get("latestTimestamp"))


def _get_diagnostics(payload: Payload, _: Connectors) -> c.Command | Refusal:
    asked = c.GetLog("DiagnosticsLog", payload["location"])
    return _upload(asked, payload, payload.get("startTime"), payload.get("stopTime"))


def _upload(asked: c.GetLog, payload: Payload, oldest: str | None, latest: str | None) -> c.Command | Refusal:
    try:
        return asked._replace(
            oldest=parse_time(oldest) if oldest else None,
            latest=parse_time(latest) if latest else None,
            retries=max(0, payload.get("retries", asked.retries)),
            retry_interval_s=max(0, payload.get("retryInterval", asked.retry_interval_s)),
        )
    except ValueError as error:
        return Refusal("PropertyConstraintViolation", str(error))


def _log_promised(reply: c.LogPromised) -> Payload:
    return {"status": reply.status, "filename": reply.filename[:255]}


def _diagnostics_promised(reply: c.LogPromised) -> Payload:
    return {"fileName": reply.filename[:255]}


REQUESTS: Mapping[str, Request] = {
    "ChangeAvailability": Request(_change_availability),
    "ClearCache": Request(lambda p, _: c.ClearCache()),
    "GetDiagnostics": Request(_get_diagnostics, response=_diagnostics_promised),
    "GetLog": Request(_get_log, response=_log_promised),
    "DataTransfer": Request(lambda p, _: c.TransferData(p["vendorId"], p.get("messageId"), p.get("data"))),
    "RemoteStartTransaction": Request(_start),
    "RemoteStopTransaction": Request(lambda p, _: c.RequestStop(reference=p["transactionId"])),
    "Reset": Request(lambda p, _: c.Reset(on_idle=False, hard=p["type"] == "Hard"), {"Scheduled": "Accepted"}),
    "TriggerMessage": Request(_trigger),
    "UnlockConnector": Request(
        _unlock,  # errata v4.0 3.87: an unknown connector is NotSupported too
        {"UnknownConnector": "NotSupported", "OngoingAuthorizedTransaction": "UnlockFailed"},
    ),
}
