"""Start, stop, unlock, trigger (F01 to F06), the state of a transaction (E14), data transfer (P01)."""

from chargepointd.core import commands as c
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v2.requests.common import Request, Requests, place, plain, status, token

NO_EVSE = -1
"""An EVSE that is named "SHALL be > 0" (part 2, RequestStartTransactionRequest); without one the station chooses."""


def _request_start(payload: Payload, _: Registry) -> c.Command | Refusal:
    group, told = payload.get("groupIdToken"), payload.get("chargingProfile")
    evse_id = (payload["evseId"] or NO_EVSE) if "evseId" in payload else 0
    start = c.RequestStart(
        token(payload["idToken"]), evse_id, payload["remoteStartId"], token(group) if group else None
    )
    if told is None:
        return start
    from chargepointd.dialects.v2.charging import profile  # few starts have one

    return start._replace(profile=profile(told, start.evse_id), schedules=len(told["chargingSchedule"]))


def _start_requested(_: Payload, reply: c.StartRequested) -> Payload:
    said = status(reply.status, reply.reason, reply.code or "Unspecified")
    if reply.transaction_id is not None:
        said["transactionId"] = reply.transaction_id
    return said


def _unlock(payload: Payload, _: Registry) -> c.Command:
    return c.UnlockConnector(payload["evseId"], payload["connectorId"])


def _unlocked(_: Payload, reply: c.Status) -> Payload:
    """2.x has no "NotSupported" here: a cable that cannot be let go is an unlock that failed, with the reason."""
    if reply.status == "NotSupported":
        return status("UnlockFailed", reply.reason, "FixedCable")
    return status(reply.status, reply.reason)


def _trigger(payload: Payload, _: Registry) -> c.Command:
    return c.TriggerMessage(payload["requestedMessage"], *place(payload))


def _transaction_status(_: Payload, reply: c.TransactionStatus) -> Payload:
    said = {"messagesInQueue": reply.messages_in_queue}
    if reply.ongoing is not None:
        said["ongoingIndicator"] = reply.ongoing
    return said


REQUESTS: Requests = {
    "RequestStartTransaction": Request(_request_start, _start_requested),
    "RequestStopTransaction": Request(lambda p, _: c.RequestStop(p["transactionId"]), plain),
    "UnlockConnector": Request(_unlock, _unlocked),
    "DataTransfer": Request(lambda p, _: c.TransferData(p["vendorId"], p.get("messageId"), p.get("data")), plain),
    "GetTransactionStatus": Request(lambda p, _: c.GetTransactionStatus(p.get("transactionId")), _transaction_status),
    "TriggerMessage": Request(_trigger, plain),
}
