"""What the station tells in 2.x, and what it is answered."""

from collections.abc import Callable, Mapping
from typing import Any

from chargepointd.core.messages import (
    Acknowledged,
    Answer,
    Authorize,
    AuthorizeAnswered,
    Boot,
    BootAnswered,
    Heartbeat,
    HeartbeatAnswered,
    Message,
    MetersRead,
    RecordAnswered,
    SecurityEvent,
    StatusChanged,
    TransactionRecord,
)
from chargepointd.core.values import Token, TokenInfo
from chargepointd.dialects.codec import format_time, parse_time
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v2.samples import meter_values
from chargepointd.dialects.v2.words import Words

LONGEST_TOKEN = 36
"""characters, IdTokenType.idToken"""

_STOP_REASONS = {"HardReset": "ImmediateReset", "SoftReset": "ImmediateReset"}
"""words of 1.6 that have another name here; what is in neither is Other"""

Said = tuple[str, Payload]

# -- what is told ------------------------------------------------------------------------------------------------------


def call(message: Message, words: Words) -> Said | None:
    """Action and payload; None for what 2.x does not say."""
    return _CALLS[type(message)](message, words)


def _boot(boot: Boot, words: Words) -> Said:
    # Names are cut to what fits: a station with a long name must still be able to boot.
    station = {"model": boot.model[:20], "vendorName": boot.vendor[:50]}
    if boot.serial_number:
        station["serialNumber"] = boot.serial_number[:25]
    if boot.firmware_version:
        station["firmwareVersion"] = boot.firmware_version[:50]
    reason = boot.reason if boot.reason in words.boot_reasons else "Unknown"
    return "BootNotification", {"reason": reason, "chargingStation": station}


def _authorize(asked: Authorize, words: Words) -> Said | None:
    """A token that does not fit is not asked for: cut, it would be another one."""
    token = _token(asked.token, words)
    return ("Authorize", {"idToken": token}) if token else None


def _status(changed: StatusChanged, words: Words) -> Said | None:
    """The station itself has no status in 2.x: neither id is ever 0 (B01.FR.05)."""
    if not (changed.evse_id and changed.connector_id):
        return None
    return "StatusNotification", {
        "timestamp": format_time(changed.at),
        "connectorStatus": changed.status,
        "evseId": changed.evse_id,
        "connectorId": changed.connector_id,
    }


def _meters(read: MetersRead, words: Words) -> Said | None:
    values = meter_values(read.values, words.measurands)
    return ("MeterValues", {"evseId": read.evse_id, "meterValue": values}) if values else None


def _security_event(event: SecurityEvent, words: Words) -> Said:
    payload = {"type": event.kind[:50], "timestamp": format_time(event.at)}
    if event.info:
        payload["techInfo"] = event.info[:255]
    return "SecurityEventNotification", payload


def _record(record: TransactionRecord, words: Words) -> Said:
    payload: Payload = {
        "eventType": record.kind,
        "timestamp": format_time(record.stamp.at),
        "triggerReason": record.trigger if record.trigger in words.triggers else "AbnormalCondition",
        "seqNo": record.seq_no,
        "transactionInfo": _transaction_info(record, words),
    }
    if record.offline:
        payload["offline"] = True
    if record.evse_id:
        payload["evse"] = {"id": record.evse_id}
        if record.connector_id:
            payload["evse"]["connectorId"] = record.connector_id
    if record.phases and record.charging_state == "Charging":  # before and after, none is used
        payload["numberOfPhasesUsed"] = record.phases
    if record.cable_limit_a is not None:
        payload["cableMaxCurrent"] = int(record.cable_limit_a)
    if record.reservation_id is not None:
        payload["reservationId"] = record.reservation_id
    token = record.token and _token(record.token, words)
    if token:
        payload["idToken"] = token
    values = meter_values(record.values, words.measurands)
    if values:
        payload["meterValue"] = values
    return "TransactionEvent", payload


def _transaction_info(record: TransactionRecord, words: Words) -> Payload:
    info: Payload = {"transactionId": record.transaction_id}
    if record.charging_state:
        info["chargingState"] = record.charging_state
    if record.stopped_reason:
        reason = _STOP_REASONS.get(record.stopped_reason, record.stopped_reason)
        info["stoppedReason"] = reason if reason in words.stop_reasons else "Other"
    if record.remote_start_id is not None:
        info["remoteStartId"] = record.remote_start_id
    return info


def _token(token: Token, words: Words) -> Payload | None:
    if len(token.value) > LONGEST_TOKEN:
        return None
    return {"idToken": token.value, "type": token.kind if token.kind in words.token_kinds else "Local"}


_CALLS: Mapping[type, Callable[[Any, Words], Said | None]] = {
    Boot: _boot,
    Heartbeat: lambda message, words: ("Heartbeat", {}),
    Authorize: _authorize,
    StatusChanged: _status,
    MetersRead: _meters,
    SecurityEvent: _security_event,
    TransactionRecord: _record,
}


# -- what is answered --------------------------------------------------------------------------------------------------


def answer(message: Message, payload: Payload) -> Answer:
    answered = _ANSWERS.get(type(message))
    return answered(payload) if answered else Acknowledged()


def _booted(payload: Payload) -> Answer:
    return BootAnswered(payload["status"], max(0, payload["interval"]), _time(payload["currentTime"]))


def _recorded(payload: Payload) -> Answer:
    info = payload.get("idTokenInfo")
    message = payload.get("updatedPersonalMessage")
    return RecordAnswered(
        info=token_info(info) if info else None,
        total_cost=payload.get("totalCost"),
        message=message["content"] if message else None,
    )


def token_info(info: Payload) -> TokenInfo:
    """IdTokenInfoType."""
    expiry = info.get("cacheExpiryDateTime")
    group = info.get("groupIdToken")
    message = info.get("personalMessage")
    return TokenInfo(
        info["status"],
        _time(expiry) if expiry else None,
        group["idToken"] if group else None,
        info.get("language1"),
        message["content"] if message else None,
    )


def _time(text: str) -> float | None:
    try:
        return parse_time(text)
    except ValueError:
        return None


_ANSWERS: Mapping[type, Callable[[Payload], Answer]] = {
    Boot: _booted,
    Heartbeat: lambda payload: HeartbeatAnswered(_time(payload["currentTime"])),
    Authorize: lambda payload: AuthorizeAnswered(token_info(payload["idTokenInfo"])),
    TransactionRecord: _recorded,
}
