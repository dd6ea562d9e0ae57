"""Boot, heartbeat, status, security events (B01, G01, G02, A04)."""

from chargepointd.core.messages import (
    Answer,
    Boot,
    BootAnswered,
    Heartbeat,
    HeartbeatAnswered,
    SecurityEvent,
    StatusChanged,
)
from chargepointd.dialects.codec import format_time, readable_time
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v2.messages.common import Answers, Calls, Said
from chargepointd.dialects.v2.words import Words


def _boot(boot: Boot, words: Words) -> Said:
    # Names are cut to what fits: a station with a long name must still be able to boot.
    station = {"model": boot.model[:20], "vendorName": boot.vendor[:50]}
    if boot.serial_number:
        station["serialNumber"] = boot.serial_number[:25]
    if boot.firmware_version:
        station["firmwareVersion"] = boot.firmware_version[:50]
    reason = boot.reason if boot.reason in words.boot_reasons else "Unknown"
    return "BootNotification", {"reason": reason, "chargingStation": station}


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


def _security_event(event: SecurityEvent, words: Words) -> Said:
    payload = {"type": event.kind[:50], "timestamp": format_time(event.at)}
    if event.info:
        payload["techInfo"] = event.info[:255]
    return "SecurityEventNotification", payload


def _booted(payload: Payload) -> Answer:
    return BootAnswered(payload["status"], max(0, payload["interval"]), readable_time(payload["currentTime"]))


CALLS: Calls = {
    Boot: _boot,
    Heartbeat: lambda message, words: ("Heartbeat", {}),
    StatusChanged: _status,
    SecurityEvent: _security_event,
}
ANSWERS: Answers = {
    Boot: _booted,
    Heartbeat: lambda payload: HeartbeatAnswered(readable_time(payload["currentTime"])),
}
