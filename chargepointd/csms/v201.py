"""OCPP 2.0.1 as a CSMS speaks it: what is answered, what is booked, what is asked."""

import re
from itertools import count

from chargepointd.csms.books import Report
from chargepointd.csms.desk import (
    DAY_S,
    Answered,
    Case,
    Payload,
    Words,
    WrongArguments,
    cancel,
    flat,
    limiting,
    number,
    plain,
    security_event,
    soon,
)
from chargepointd.csms.samples import readings, shown, told

# -- what is answered --------------------------------------------------------------------------------------------------


def _boot(request: Payload, case: Case) -> Answered:
    station = request["chargingStation"]
    answer = {"status": "Accepted", "currentTime": case.now, "interval": case.desk.interval_s}
    firmware = f", firmware {station['firmwareVersion']}" if "firmwareVersion" in station else ""
    text = f"{station['vendorName']} {station['model']}{firmware}, {request['reason']}: Accepted"
    return Answered(answer, "boot", text)


def _authorize(request: Payload, case: Case) -> Answered:
    token = request["idToken"]["idToken"]
    opinion = case.desk.opinion(token)
    return Answered({"idTokenInfo": {"status": opinion}}, "token", f"{token}: {opinion}")


def _status(request: Payload, case: Case) -> Answered:
    place = f"EVSE {request['evseId']} connector {request['connectorId']}"
    return Answered({}, "status", f"{place} {request['connectorStatus']}")


def _transaction_event(request: Payload, case: Case) -> Answered:
    info = request["transactionInfo"]
    token = request.get("idToken", {}).get("idToken", "")
    report = Report(
        request["eventType"],
        info["transactionId"],
        request["timestamp"],
        request["seqNo"],
        request.get("evse", {}).get("id"),
        token,
        info.get("chargingState", ""),
        info.get("stoppedReason", "Local") if request["eventType"] == "Ended" else "",
        readings(request.get("meterValue", [])),
    )
    text = f"{told(report, *case.books.enter(case.station, report))} ({request['triggerReason']})"
    if "idToken" not in request:
        return Answered({}, "transaction", text)
    opinion = case.desk.opinion(token)
    text += "" if opinion == "Accepted" else f": {opinion}"
    return Answered({"idTokenInfo": {"status": opinion}}, "transaction", text)


def _meter_values(request: Payload, case: Case) -> Answered:
    values = readings(request["meterValue"])
    return Answered({}, "meter", f"EVSE {request['evseId']}: {shown(values[-1]) or 'no values'}")


def _report(request: Payload, case: Case) -> Answered:
    rows = [_row(each) for each in request.get("reportData", [])]
    more = ", more follows" if request.get("tbc") else ""
    head = f"report {request['requestId']}, part {request['seqNo']}, {len(rows)} variables{more}"
    return Answered({}, "report", "; ".join([head, *rows]))


def _row(data: Payload) -> str:
    actual: Payload = next((a for a in data["variableAttribute"] if a.get("type", "Actual") == "Actual"), {})
    return f"{name(data)}={actual.get('value', '')}"


def _event(request: Payload, case: Case) -> Answered:
    return Answered(
        {}, "event", "; ".join(f"{name(e)}={e['actualValue']} ({e['trigger']})" for e in request["eventData"])
    )


ANSWERS = {
    "BootNotification": _boot,
    "Heartbeat": lambda request, case: Answered({"currentTime": case.now}, "heartbeat", ""),
    "Authorize": _authorize,
    "StatusNotification": _status,
    "TransactionEvent": _transaction_event,
    "MeterValues": _meter_values,
    "NotifyReport": _report,
    "NotifyEvent": _event,
    "NotifyMonitoringReport": plain("report"),
    "NotifyCustomerInformation": plain("report"),
    "NotifyDisplayMessages": plain("report"),
    "ReportChargingProfiles": plain("report"),
    "SecurityEventNotification": security_event,
    "SignCertificate": plain("security", {"status": "Rejected"}),
    "FirmwareStatusNotification": plain("firmware"),
    "PublishFirmwareStatusNotification": plain("firmware"),
    "LogStatusNotification": plain("log"),
    "ReservationStatusUpdate": plain("reservation"),
    "ClearedChargingLimit": plain("limit"),
    "NotifyChargingLimit": plain("limit"),
    "NotifyEVChargingNeeds": plain("limit", {"status": "Rejected"}),
    "NotifyEVChargingSchedule": plain("limit", {"status": "Accepted"}),
    "Get15118EVCertificate": plain("security", {"status": "Failed", "exiResponse": ""}),
    "GetCertificateStatus": plain("security", {"status": "Failed"}),
    "DataTransfer": plain("data", {"status": "UnknownVendorId"}),
}


# -- variables by name -------------------------------------------------------------------------------------------------

_NAME = re.compile(
    r"(?P<component>[^.\[\]#]+)(\[(?P<instance>[^\]]+)\])?(#(?P<evse>\d+)(\.(?P<connector>\d+))?)?"
    r"\.(?P<variable>[^.\[\]#]+)(\[(?P<which>[^\]]+)\])?",
    re.ASCII,
)


def name(data: Payload) -> str:
    """ "Component[instance]#evse.connector.Variable[instance]" of something with a component and a variable."""
    component, variable = data["component"], data["variable"]
    evse = component.get("evse")
    place = "" if evse is None else f"#{evse['id']}" + (f".{evse['connectorId']}" if "connectorId" in evse else "")
    return f"{_one(component)}{place}.{_one(variable)}"


def _one(part: Payload) -> str:
    instance = f"[{part['instance']}]" if "instance" in part else ""
    return f"{part['name']}{instance}"


def _place(text: str) -> Payload:
    """The component and variable that `name` would name."""
    match = _NAME.fullmatch(text)
    if match is None:
        raise WrongArguments(f'NAME: expected COMPONENT.VARIABLE such as "AuthCtrlr.Enabled", got {text!r}')
    component: Payload = {"name": match["component"]}
    if match["instance"]:
        component["instance"] = match["instance"]
    if match["evse"]:
        connector = {"connectorId": int(match["connector"])} if match["connector"] else {}
        component["evse"] = {"id": int(match["evse"]), **connector}
    which = {"instance": match["which"]} if match["which"] else {}
    return {"component": component, "variable": {"name": match["variable"], **which}}


# -- what is asked -----------------------------------------------------------------------------------------------------

_remote_ids = count(1)


def _remote_start(args: list[str]) -> tuple[str, Payload]:
    token = {"idToken": args[1], "type": "Central"}
    place = {"evseId": number(args[0], "EVSE"), "remoteStartId": next(_remote_ids)}
    return "RequestStartTransaction", {**place, "idToken": token}


def _get(args: list[str]) -> tuple[str, Payload]:
    if not args:
        return "GetBaseReport", {"requestId": next(_remote_ids), "reportBase": "FullInventory"}
    return "GetVariables", {"getVariableData": [_place(each) for each in args]}


def _set(args: list[str]) -> tuple[str, Payload]:
    return "SetVariables", {"setVariableData": [{**_place(args[0]), "attributeValue": args[1]}]}


def _availability(args: list[str]) -> tuple[str, Payload]:
    *place, status = args
    return "ChangeAvailability", {"operationalStatus": status.capitalize(), **_evse(place)}


def _evse(place: list[str]) -> Payload:
    if not place:
        return {}
    connector = {"connectorId": number(place[1], "CONNECTOR")} if place[1:] else {}
    return {"evse": {"id": number(place[0], "EVSE"), **connector}}


def _unlock(args: list[str]) -> tuple[str, Payload]:
    connector = number(args[1], "CONNECTOR") if args[1:] else 1
    return "UnlockConnector", {"evseId": number(args[0], "EVSE"), "connectorId": connector}


def _profile(args: list[str]) -> tuple[str, Payload]:
    """One each EVSE: the next takes its place."""
    evse = number(args[0], "EVSE")
    profile = {
        "id": evse + 1,
        **limiting(evse, "ChargingStationMaxProfile"),
        "chargingSchedule": [{"id": evse + 1, **flat(args[1])}],
    }
    return "SetChargingProfile", {"evseId": evse, "chargingProfile": profile}


def _schedule(args: list[str]) -> tuple[str, Payload]:
    seconds = number(args[1], "SECONDS") if args[1:] else DAY_S
    return "GetCompositeSchedule", {"evseId": number(args[0], "EVSE"), "duration": seconds}


def _reserve(args: list[str]) -> tuple[str, Payload]:
    reservation, place, token, *minutes = args
    evse = number(place, "EVSE")
    return "ReserveNow", {
        "id": number(reservation, "NUMBER"),
        "expiryDateTime": soon(number(minutes[0], "MINUTES") if minutes else 60),
        "idToken": _card(token),
        **({"evseId": evse} if evse else {}),
    }


def _list(args: list[str]) -> tuple[str, Payload]:
    entries = [{"idToken": _card(token), "idTokenInfo": {"status": "Accepted"}} for token in args[1:]]
    listed = {"localAuthorizationList": entries} if entries else {}
    return "SendLocalList", {"versionNumber": number(args[0], "VERSION"), "updateType": "Full", **listed}


def _card(token: str) -> Payload:
    return {"idToken": token, "type": "ISO14443"}


REQUESTS = {
    "start": _remote_start,
    "stop": lambda args: ("RequestStopTransaction", {"transactionId": args[0]}),
    "reset": lambda args: ("Reset", {"type": "Immediate" if args else "OnIdle"}),
    "get": _get,
    "set": _set,
    "availability": _availability,
    "unlock": _unlock,
    "trigger": lambda args: ("TriggerMessage", {"requestedMessage": args[0], **_evse(args[1:])}),
    "profile": _profile,
    "clear-profiles": lambda args: ("ClearChargingProfile", {"chargingProfileCriteria": {}}),  # all fulfil none
    "schedule": _schedule,
    "reserve": _reserve,
    "cancel": cancel,
    "list": _list,
}

WORDS = Words("2.0.1", ANSWERS, REQUESTS)


def variables(answer: Payload) -> list[str]:
    """The results of GetVariables or SetVariables, a line each."""
    results = answer.get("getVariableResult") or answer.get("setVariableResult") or []
    return [_result(each) for each in results]


def _result(result: Payload) -> str:
    status = result.get("attributeStatus", "")
    reason = result.get("attributeStatusInfo", {}).get("reasonCode", "")
    value = f" = {result['attributeValue']}" if "attributeValue" in result else ""
    return f"{name(result)}{value}: {status}" + (f" ({reason})" if reason else "")
