"""What the CSMS asks in 2.x, and the answers. A request that is not in the table is not offered."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chargepointd.core import commands as c
from chargepointd.core.values import Token
from chargepointd.core.variables.model import Ref
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload, Refusal


class Request(NamedTuple):
    command: Callable[[Payload, Registry], c.Command | Refusal]
    response: Callable[[Payload, Any], Payload]
    """from the request and the station's reply"""


def command(action: str, payload: Payload, variables: Registry) -> c.Command | Refusal:
    request = REQUESTS.get(action)
    if request is None:
        return Refusal("NotSupported", f"{action} is not offered by this station")
    return request.command(payload, variables)


def response(action: str, payload: Payload, reply: c.Reply) -> Payload:
    return REQUESTS[action].response(payload, reply)


# -- variables (B05, B06) ----------------------------------------------------------------------------------------------


def _get_variables(payload: Payload, variables: Registry) -> c.Command | Refusal:
    items = payload["getVariableData"]
    most = variables.integer("DeviceDataCtrlr.ItemsPerMessage[GetVariables]")
    if len(items) > most:
        return _too_many(len(items), most)
    return c.GetVariables(tuple([(_ref(item), item.get("attributeType", "Actual")) for item in items]))


def _set_variables(payload: Payload, variables: Registry) -> c.Command | Refusal:
    items = payload["setVariableData"]
    most = variables.integer("DeviceDataCtrlr.ItemsPerMessage[SetVariables]")
    if len(items) > most:
        return _too_many(len(items), most)
    return c.SetVariables(
        tuple([(_ref(item), item.get("attributeType", "Actual"), item["attributeValue"]) for item in items])
    )


def _too_many(items: int, most: int) -> Refusal:
    """B06.FR.16, B05.FR.11"""
    return Refusal("OccurrenceConstraintViolation", f"{items} items, at most {most} in a message")


def _ref(item: Payload) -> Ref:
    component, variable = item["component"], item["variable"]
    evse = component.get("evse")
    if evse is None:
        return Ref(component["name"], variable["name"], variable.get("instance"), component.get("instance"))
    return Ref(
        component["name"],
        variable["name"],
        variable.get("instance"),
        component.get("instance"),
        evse["id"],
        evse.get("connectorId"),
    )


def _variables_got(payload: Payload, reply: c.VariablesGot) -> Payload:
    """Component and variable are echoed as they were written (B06.FR.02)."""
    return {
        "getVariableResult": [
            {
                "attributeStatus": got.status,
                "attributeType": got.attribute,
                "component": item["component"],
                "variable": item["variable"],
            }
            if got.value is None
            else {
                "attributeStatus": got.status,
                "attributeType": got.attribute,
                "attributeValue": got.value,
                "component": item["component"],
                "variable": item["variable"],
            }
            for item, got in zip(payload["getVariableData"], reply.items, strict=True)
        ]
    }


def _variables_set(payload: Payload, reply: c.VariablesSet) -> Payload:
    return {
        "setVariableResult": [
            _variable_set(item, result) for item, result in zip(payload["setVariableData"], reply.items, strict=True)
        ]
    }


def _variable_set(item: Payload, result: c.VariableSet) -> Payload:
    said = {
        "attributeStatus": result.status,
        "attributeType": result.attribute,
        "component": item["component"],
        "variable": item["variable"],
    }
    if result.status == "Rejected" and result.reason:
        code = "ReadOnly" if result.reason == "read-only" else "InvalidValue"
        said["attributeStatusInfo"] = {"reasonCode": code, "additionalInfo": result.reason[:512]}
    return said


# -- availability, reset, cache ----------------------------------------------------------------------------------------


def _place(payload: Payload) -> tuple[int, int]:
    """EVSEType to (EVSE, connector); 0 where it does not say."""
    evse = payload.get("evse")
    return (evse["id"], evse.get("connectorId", 0)) if evse else (0, 0)


def _change_availability(payload: Payload, _: Registry) -> c.Command:
    return c.ChangeAvailability(payload["operationalStatus"] == "Operative", *_place(payload))


def _reset(payload: Payload, _: Registry) -> c.Command:
    return c.Reset(payload["type"] == "OnIdle", payload.get("evseId", 0))


# -- start, stop, unlock, trigger (F01 to F06) -------------------------------------------------------------------------


def _request_start(payload: Payload, _: Registry) -> c.Command:
    group = payload.get("groupIdToken")
    return c.RequestStart(
        _token(payload["idToken"]),
        payload.get("evseId", 0),
        payload["remoteStartId"],
        _token(group) if group else None,
        payload.get("chargingProfile"),
    )


def _token(payload: Payload) -> Token:
    return Token(payload["idToken"], payload["type"])


def _start_requested(_: Payload, reply: c.StartRequested) -> Payload:
    said = _status(reply.status, reply.reason)
    if reply.transaction_id is not None:
        said["transactionId"] = reply.transaction_id
    return said


def _unlock(payload: Payload, _: Registry) -> c.Command:
    return c.UnlockConnector(payload["evseId"], payload["connectorId"])


def _unlocked(_: Payload, reply: c.Status) -> Payload:
    """2.x has no "NotSupported" here: a cable that cannot be let go is an unlock that failed, with the reason."""
    if reply.status == "NotSupported":
        return _status("UnlockFailed", reply.reason, "FixedCable")
    return _status(reply.status, reply.reason)


def _trigger(payload: Payload, _: Registry) -> c.Command:
    return c.TriggerMessage(payload["requestedMessage"], *_place(payload))


def _transaction_status(_: Payload, reply: c.TransactionStatus) -> Payload:
    said = {"messagesInQueue": reply.messages_in_queue}
    if reply.ongoing is not None:
        said["ongoingIndicator"] = reply.ongoing
    return said


# -- the plain answer --------------------------------------------------------------------------------------------------


def _plain(_: Payload, reply: c.Status) -> Payload:
    return _status(reply.status, reply.reason)


def _status(status: str, reason: str, code: str = "Unspecified") -> Payload:
    """With why, where there is something to say (StatusInfoType; codes: 2.0.1 part 2, appendix 5)."""
    if not reason:
        return {"status": status}
    return {"status": status, "statusInfo": {"reasonCode": code, "additionalInfo": reason[:512]}}


REQUESTS: Mapping[str, Request] = {
    "GetVariables": Request(_get_variables, _variables_got),
    "SetVariables": Request(_set_variables, _variables_set),
    "ChangeAvailability": Request(_change_availability, _plain),
    "RequestStartTransaction": Request(_request_start, _start_requested),
    "RequestStopTransaction": Request(lambda p, _: c.RequestStop(p["transactionId"]), _plain),
    "UnlockConnector": Request(_unlock, _unlocked),
    "Reset": Request(_reset, _plain),
    "ClearCache": Request(lambda p, _: c.ClearCache(), _plain),
    "DataTransfer": Request(lambda p, _: c.TransferData(p["vendorId"], p.get("messageId"), p.get("data")), _plain),
    "GetTransactionStatus": Request(lambda p, _: c.GetTransactionStatus(p.get("transactionId")), _transaction_status),
    "TriggerMessage": Request(_trigger, _plain),
}
