"""OCPP 1.6 as a CSMS speaks it: what is answered, what is booked, what is asked. Connector numbers count as EVSEs."""

from chargepointd.csms.books import Reading, Report
from chargepointd.csms.desk import (
    DAY_S,
    Answered,
    Case,
    Payload,
    Words,
    WrongArguments,
    cancel,
    fields,
    flat,
    limiting,
    number,
    plain,
    security_event,
    soon,
)
from chargepointd.csms.samples import readings, shown, told
from chargepointd.dialects import codec

# -- what is answered --------------------------------------------------------------------------------------------------


def _boot(request: Payload, case: Case) -> Answered:
    answer = {"status": "Accepted", "currentTime": case.now, "interval": case.desk.interval_s}
    firmware = f", firmware {request['firmwareVersion']}" if "firmwareVersion" in request else ""
    return Answered(answer, "boot", f"{request['chargePointVendor']} {request['chargePointModel']}{firmware}: Accepted")


def _authorize(request: Payload, case: Case) -> Answered:
    opinion = case.desk.opinion(request["idTag"])
    return Answered({"idTagInfo": {"status": opinion}}, "token", f"{request['idTag']}: {opinion}")


def _status(request: Payload, case: Case) -> Answered:
    place = f"connector {request['connectorId']}" if request["connectorId"] else "station"
    fault = "" if request["errorCode"] == "NoError" else f", {request['errorCode']} {request.get('info', '')}".rstrip()
    return Answered({}, "status", f"{place} {request['status']}{fault}")


def _start(request: Payload, case: Case) -> Answered:
    mark = codec.encode(request)
    given = case.books.give_id(case.station, mark)
    report = Report(
        "Started",
        str(given),
        request["timestamp"],
        mark,
        request["connectorId"],
        request["idTag"],
        readings=(Reading(float(request["meterStart"])),),
    )
    opinion = case.desk.opinion(request["idTag"])
    answer = {"transactionId": given, "idTagInfo": {"status": opinion}}
    return Answered(answer, "transaction", _booked(report, case) + ("" if opinion == "Accepted" else f": {opinion}"))


def _stop(request: Payload, case: Case) -> Answered:
    last = Reading(float(request["meterStop"]))
    report = Report(
        "Ended",
        str(request["transactionId"]),
        request["timestamp"],
        codec.encode(request),
        token=request.get("idTag", ""),
        reason=request.get("reason", "Local"),
        readings=(*readings(request.get("transactionData", [])), last),
    )
    answer = {"idTagInfo": {"status": case.desk.opinion(report.token)}} if report.token else {}
    return Answered(answer, "transaction", _booked(report, case))


def _meter_values(request: Payload, case: Case) -> Answered:
    values = readings(request["meterValue"])
    if "transactionId" not in request:
        return Answered({}, "meter", f"connector {request['connectorId']}: {_last(values)}")
    report = Report(
        "Updated",
        str(request["transactionId"]),
        request["meterValue"][-1]["timestamp"],
        codec.encode(request),
        request["connectorId"],
        readings=values,
    )
    return Answered({}, "transaction", _booked(report, case))


def _last(values: tuple[Reading, ...]) -> str:
    return (shown(values[-1]) if values else "") or "no values"


def _booked(report: Report, case: Case) -> str:
    if report.transaction_id == "-1":  # of a start that never got its number (1.6 errata v4.0, 3.18)
        return f"without a number, {report.kind.lower()}, not booked"
    transaction, new = case.books.enter(case.station, report)
    return told(report, transaction, new)


ANSWERS = {
    "BootNotification": _boot,
    "Heartbeat": lambda request, case: Answered({"currentTime": case.now}, "heartbeat", ""),
    "Authorize": _authorize,
    "StatusNotification": _status,
    "StartTransaction": _start,
    "StopTransaction": _stop,
    "MeterValues": _meter_values,
    "DataTransfer": plain("data", {"status": "UnknownVendorId"}),
    "DiagnosticsStatusNotification": plain("log"),
    "FirmwareStatusNotification": plain("firmware"),
    "LogStatusNotification": plain("log"),
    "SecurityEventNotification": security_event,
    "SignedFirmwareStatusNotification": plain("firmware"),
    "SignCertificate": plain("security", {"status": "Rejected"}),
}


# -- what is asked -----------------------------------------------------------------------------------------------------


def _remote_start(args: list[str]) -> tuple[str, Payload]:
    return "RemoteStartTransaction", {"connectorId": number(args[0], "EVSE"), "idTag": args[1]}


def _remote_stop(args: list[str]) -> tuple[str, Payload]:
    return "RemoteStopTransaction", {"transactionId": number(args[0], "TRANSACTION")}


def _get(args: list[str]) -> tuple[str, Payload]:
    return "GetConfiguration", {"key": args} if args else {}


def _availability(args: list[str]) -> tuple[str, Payload]:
    *place, kind = args
    if len(place) > 1:
        raise WrongArguments("CONNECTOR: 1.6 has no connectors below an EVSE; leave it out")
    return "ChangeAvailability", {"connectorId": number(place[0], "EVSE") if place else 0, "type": kind.capitalize()}


def _unlock(args: list[str]) -> tuple[str, Payload]:
    return "UnlockConnector", {"connectorId": number(args[0], "EVSE")}


def _trigger(args: list[str]) -> tuple[str, Payload]:
    place = {"connectorId": number(args[1], "EVSE")} if args[1:] else {}
    return "TriggerMessage", {"requestedMessage": args[0], **place}


def _profile(args: list[str]) -> tuple[str, Payload]:
    """One each connector: the next takes its place."""
    connector = number(args[0], "EVSE")
    profile = {
        "chargingProfileId": connector + 1,
        **limiting(connector, "ChargePointMaxProfile"),
        "chargingSchedule": flat(args[1]),
    }
    return "SetChargingProfile", {"connectorId": connector, "csChargingProfiles": profile}


def _schedule(args: list[str]) -> tuple[str, Payload]:
    seconds = number(args[1], "SECONDS") if args[1:] else DAY_S
    return "GetCompositeSchedule", {"connectorId": number(args[0], "EVSE"), "duration": seconds}


def _reserve(args: list[str]) -> tuple[str, Payload]:
    reservation, connector, token, *minutes = args
    return "ReserveNow", {
        "connectorId": number(connector, "EVSE"),
        "expiryDate": soon(number(minutes[0], "MINUTES") if minutes else 60),
        "idTag": token,
        "reservationId": number(reservation, "NUMBER"),
    }


def _list(args: list[str]) -> tuple[str, Payload]:
    entries = [{"idTag": token, "idTagInfo": {"status": "Accepted"}} for token in args[1:]]
    listed = {"localAuthorizationList": entries} if entries else {}
    return "SendLocalList", {"listVersion": number(args[0], "VERSION"), "updateType": "Full", **listed}


REQUESTS = {
    "start": _remote_start,
    "stop": _remote_stop,
    "reset": lambda args: ("Reset", {"type": "Hard" if args else "Soft"}),
    "get": _get,
    "set": lambda args: ("ChangeConfiguration", {"key": args[0], "value": args[1]}),
    "availability": _availability,
    "unlock": _unlock,
    "trigger": _trigger,
    "profile": _profile,
    "clear-profiles": lambda args: ("ClearChargingProfile", {}),
    "schedule": _schedule,
    "reserve": _reserve,
    "cancel": cancel,
    "list": _list,
}

WORDS = Words("1.6", ANSWERS, REQUESTS)


def configuration(answer: Payload) -> list[str]:
    """A GetConfiguration.conf, a line each key."""
    lines = [
        f"{key['key']} = {key.get('value', '')}{' (read only)' if key['readonly'] else ''}"
        for key in answer.get("configurationKey", [])
    ]
    return [*lines, *(f"{key}: unknown key" for key in answer.get("unknownKey", []))] or [fields(answer) or "nothing"]
