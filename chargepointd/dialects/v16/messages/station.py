"""Boot, heartbeat, the status of connectors, security events."""

from chargepointd.core.messages import (
    Answer,
    Boot,
    BootAnswered,
    Heartbeat,
    HeartbeatAnswered,
    SecurityEvent,
    StatusChanged,
)
from chargepointd.core.values import Fault
from chargepointd.dialects.codec import format_time, readable_time
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.connectors import Connectors
from chargepointd.dialects.v16.messages.common import Answers, Calls, Said

ERROR_CODES = frozenset((
    "ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature", "InternalError",
    "LocalListConflict", "OtherError", "OverCurrentFailure", "OverVoltage", "PowerMeterFailure", "PowerSwitchFailure",
    "ReaderFailure", "UnderVoltage",
))  # fmt: skip
"""what of ChargePointErrorCode is the name of a `Fault` too; the others are OtherError, named in `info`"""
SECURITY_EVENTS = {
    "CsmsFailedToAuthenticate": "CentralSystemFailedToAuthenticate",
    "FailedToAuthenticateAtCsms": "FailedToAuthenticateAtCentralSystem",
    "InvalidChargingStationCertificate": "InvalidChargePointCertificate",
    "InvalidCsmsCertificate": "InvalidCentralSystemCertificate",
}
"""2.x -> the security extension, where that differs; its list is open, so what only 2.x has keeps its name"""


def _boot(boot: Boot, _: int | None, connectors: Connectors) -> Said:
    # Names are cut to what fits: a station with a long name must still be able to boot.
    payload = {"chargePointVendor": boot.vendor[:20], "chargePointModel": boot.model[:20]}
    if boot.serial_number:
        payload["chargePointSerialNumber"] = boot.serial_number[:25]
    if boot.firmware_version:
        payload["firmwareVersion"] = boot.firmware_version[:50]
    return "BootNotification", payload


def _status(changed: StatusChanged, _: int | None, connectors: Connectors) -> Said:
    payload = {
        "connectorId": connectors.number(changed.evse_id, changed.connector_id),
        "status": changed.status,
        "timestamp": format_time(changed.at),
        "errorCode": "NoError",
    }
    if changed.info:
        payload["info"] = changed.info
    return "StatusNotification", payload | _fault(changed.fault) if changed.fault else payload


def _fault(fault: Fault) -> dict[str, str]:
    known = fault.code in ERROR_CODES
    said: dict[str, str] = {"errorCode": fault.code if known else "OtherError"}
    info = ": ".join(filter(None, ("" if known else fault.code, fault.info)))
    if info:
        said["info"] = info[:50]
    if fault.source:
        said["vendorErrorCode"] = fault.source[:50]
    return said


def _security_event(event: SecurityEvent, _: int | None, connectors: Connectors) -> Said:
    """Of the security extension; a CSMS without it answers NotImplemented, and that is that."""
    kind = SECURITY_EVENTS.get(event.kind, event.kind)
    payload = {"type": kind[:50], "timestamp": format_time(event.at)}
    if event.info:
        payload["techInfo"] = event.info[:255]
    return "SecurityEventNotification", payload


def _booted(payload: Payload) -> Answer:
    return BootAnswered(payload["status"], max(0, payload["interval"]), readable_time(payload["currentTime"]))


CALLS: Calls = {
    Boot: _boot,
    Heartbeat: lambda message, _, connectors: ("Heartbeat", {}),
    StatusChanged: _status,
    SecurityEvent: _security_event,
}
ANSWERS: Answers = {
    Boot: _booted,
    Heartbeat: lambda payload: HeartbeatAnswered(readable_time(payload["currentTime"])),
}
