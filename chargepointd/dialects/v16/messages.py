"""What the station tells in 1.6, and what it is answered.

An idTag has at most 20 characters. A longer token is never cut, it would be somebody else's: it is not asked for
(`Authorize` has no words for it, so what the station knows itself decides), and what such a token began is told with an
empty idTag, since the energy has to be accounted for.
"""

from collections.abc import Callable, Mapping
from typing import Any

from chargepointd.core.messages import (
    Acknowledged,
    Answer,
    Authorize,
    AuthorizeAnswered,
    Boot,
    BootAnswered,
    FirmwareStatus,
    Heartbeat,
    HeartbeatAnswered,
    LogStatus,
    Message,
    MetersRead,
    RecordAnswered,
    SecurityEvent,
    StatusChanged,
    TransactionRecord,
)
from chargepointd.core.values import Fault, Token, TokenInfo
from chargepointd.dialects.codec import format_time, parse_time
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.connectors import Connectors
from chargepointd.dialects.v16.samples import meter_values

LONGEST_TAG = 20
UNKNOWN_TRANSACTION = -1
"""the CSMS never gave the transaction a number: its StartTransaction was given up (errata v4.0, 3.18)"""

ERROR_CODES = frozenset((
    "ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature", "InternalError", "OtherError",
    "OverCurrentFailure", "OverVoltage", "PowerMeterFailure", "PowerSwitchFailure", "ReaderFailure", "UnderVoltage",
))  # fmt: skip
"""what of ChargePointErrorCode is the name of a `Fault` too; the others are OtherError, named in `info`"""

REASONS = {
    "DeAuthorized": "DeAuthorized",
    "EmergencyStop": "EmergencyStop",
    "EVDisconnected": "EVDisconnected",
    "HardReset": "HardReset",
    "ImmediateReset": "SoftReset",
    "Local": "Local",
    "MasterPass": "Local",
    "PowerLoss": "PowerLoss",
    "Reboot": "Reboot",
    "Remote": "Remote",
    "SoftReset": "SoftReset",
    "UnlockCommand": "UnlockCommand",
}
"""2.x ReasonEnumType, and what the core says besides -> 1.6 Reason; what is not here is Other"""

FIRMWARE_STATUSES = frozenset((
    "Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed",
))  # fmt: skip
"""of an update that was asked for without a signature (FirmwareStatus)"""

Said = tuple[str, Payload]

# -- what is told ------------------------------------------------------------------------------------------------------


def call(message: Message, reference: int | None, connectors: Connectors) -> Said | None:
    """Action and payload; None for what 1.6 does not say."""
    if isinstance(message, TransactionRecord):
        return _RECORDS[message.kind](message, UNKNOWN_TRANSACTION if reference is None else reference, connectors)
    said = _CALLS.get(type(message))
    return said(message, connectors) if said else None


def _boot(boot: Boot, _: Connectors) -> Said:
    # Names are cut to what fits: a station with a long name must still be able to boot.
    payload = {"chargePointVendor": boot.vendor[:20], "chargePointModel": boot.model[:20]}
    if boot.serial_number:
        payload["chargePointSerialNumber"] = boot.serial_number[:25]
    if boot.firmware_version:
        payload["firmwareVersion"] = boot.firmware_version[:50]
    return "BootNotification", payload


def _authorize(asked: Authorize, _: Connectors) -> Said | None:
    tag = _tag(asked.token)
    return None if tag is None else ("Authorize", {"idTag": tag})


def _tag(token: Token | None) -> str | None:
    return token.value if token and len(token.value) <= LONGEST_TAG else None


def _status(changed: StatusChanged, connectors: Connectors) -> Said:
    payload = {
        "connectorId": connectors.number(changed.evse_id, changed.connector_id),
        "status": changed.status,
        "timestamp": format_time(changed.at),
        "errorCode": "NoError",
    }
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


def _meters(read: MetersRead, connectors: Connectors) -> Said | None:
    values = meter_values(read.values)
    if not values:
        return None
    return "MeterValues", {"connectorId": connectors.number(read.evse_id, 0), "meterValue": values}


def _security_event(event: SecurityEvent, _: Connectors) -> Said:
    """Of the security extension; a CSMS without it answers NotImplemented, and that is that."""
    payload = {"type": event.kind[:50], "timestamp": format_time(event.at)}
    if event.info:
        payload["techInfo"] = event.info[:255]
    return "SecurityEventNotification", payload


def _firmware(told: FirmwareStatus, _: Connectors) -> Said | None:
    """An update that has a request id was asked for by SignedUpdateFirmware (whitepaper L01), or by 2.x."""
    if told.request_id is not None:
        return "SignedFirmwareStatusNotification", {"status": told.status, "requestId": told.request_id}
    return ("FirmwareStatusNotification", {"status": told.status}) if told.status in FIRMWARE_STATUSES else None


_DIAGNOSTICS = {"Idle": "Idle", "Uploading": "Uploading", "Uploaded": "Uploaded", "AcceptedCanceled": None}


def _log_status(log: LogStatus, _: Connectors) -> Said | None:
    """An upload that GetDiagnostics asked for, and no upload, has no id; GetLog is of the security extension, which has
    no word for a cancelled one."""
    if log.request_id is None:
        status = _DIAGNOSTICS.get(log.status, "UploadFailed")
        return ("DiagnosticsStatusNotification", {"status": status}) if status else None
    if log.status == "AcceptedCanceled":
        return None
    return "LogStatusNotification", {"status": log.status, "requestId": log.request_id}


_CALLS: Mapping[type, Callable[[Any, Connectors], Said | None]] = {
    Boot: _boot,
    Heartbeat: lambda message, connectors: ("Heartbeat", {}),
    Authorize: _authorize,
    StatusChanged: _status,
    MetersRead: _meters,
    SecurityEvent: _security_event,
    FirmwareStatus: _firmware,
    LogStatus: _log_status,
}


# -- transaction records -----------------------------------------------------------------------------------------------


def _started(record: TransactionRecord, _: int, connectors: Connectors) -> Said:
    payload = {
        "connectorId": connectors.number(record.evse_id, record.connector_id),
        "idTag": _tag(record.token or record.starter) or "",
        "meterStart": _register(record),
        "timestamp": format_time(record.stamp.at),
    }
    if record.reservation_id is not None:
        payload["reservationId"] = record.reservation_id
    return "StartTransaction", payload


def _updated(record: TransactionRecord, reference: int, connectors: Connectors) -> Said | None:
    """States are told by StatusNotification; only measured values belong to the transaction in between."""
    values = meter_values(record.values)
    if not values:
        return None
    number = connectors.number(record.evse_id, record.connector_id)
    return "MeterValues", {"connectorId": number, "transactionId": reference, "meterValue": values}


def _ended(record: TransactionRecord, reference: int, _: Connectors) -> Said:
    payload = {
        "transactionId": reference,
        "meterStop": _register(record),
        "timestamp": format_time(record.stamp.at),
    }
    tag = _tag(record.token)
    if tag:
        payload["idTag"] = tag
    if record.stopped_reason:
        payload["reason"] = REASONS.get(record.stopped_reason, "Other")
    values = meter_values(record.values)
    if values:
        payload["transactionData"] = values
    return "StopTransaction", payload


def _register(record: TransactionRecord) -> int:
    """Wh. The field is mandatory, so what no meter measured counts as 0, at the start and at the end alike."""
    return 0 if record.energy_wh is None else round(record.energy_wh)


_RECORDS: Mapping[str, Callable[[TransactionRecord, int, Connectors], Said | None]] = {
    "Started": _started,
    "Updated": _updated,
    "Ended": _ended,
}


# -- what is answered --------------------------------------------------------------------------------------------------


def answer(message: Message, payload: Payload) -> Answer:
    answered = _ANSWERS.get(type(message))
    return answered(payload) if answered else Acknowledged()


def _booted(payload: Payload) -> Answer:
    return BootAnswered(payload["status"], max(0, payload["interval"]), _time(payload["currentTime"]))


def _recorded(payload: Payload) -> Answer:
    """StartTransaction.conf has a number, StopTransaction.conf at most an idTagInfo, MeterValues.conf nothing."""
    info = payload.get("idTagInfo")
    return RecordAnswered(payload.get("transactionId"), token_info(info) if info else None)


def token_info(info: Payload) -> TokenInfo:
    """IdTagInfo; the statuses of 1.6 have the same names in 2.x."""
    expiry = info.get("expiryDate")
    return TokenInfo(info["status"], _time(expiry) if expiry else None, info.get("parentIdTag"))


def _time(text: str) -> float | None:
    try:
        return parse_time(text)
    except ValueError:
        return None


_ANSWERS: Mapping[type, Callable[[Payload], Answer]] = {
    Boot: _booted,
    Heartbeat: lambda payload: HeartbeatAnswered(_time(payload["currentTime"])),
    Authorize: lambda payload: AuthorizeAnswered(token_info(payload["idTagInfo"])),
    TransactionRecord: _recorded,
}
