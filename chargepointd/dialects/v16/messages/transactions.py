"""Tokens, transactions, meter values."""

from collections.abc import Callable, Mapping

from chargepointd.core.messages import (
    Answer,
    Authorize,
    AuthorizeAnswered,
    MetersRead,
    RecordAnswered,
    TransactionRecord,
)
from chargepointd.dialects.codec import format_time
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.connectors import Connectors
from chargepointd.dialects.v16.messages.common import Answers, Calls, Said, tag, token_info
from chargepointd.dialects.v16.samples import meter_values

UNKNOWN_TRANSACTION = -1
"""the CSMS never gave the transaction a number: its StartTransaction was given up (errata v4.0, 3.18)"""

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


def _authorize(asked: Authorize, _: int | None, connectors: Connectors) -> Said | None:
    if asked.hashes or asked.chain:
        from chargepointd.dialects.v16.messages.plug_and_charge import authorize  # few stations need it

        return authorize(asked)
    text = tag(asked.token)
    return None if text is None else ("Authorize", {"idTag": text})


def _meters(read: MetersRead, _: int | None, connectors: Connectors) -> Said | None:
    values = meter_values(read.values)
    if not values:
        return None
    number = connectors.number(read.evse_id, read.connector_id)
    return "MeterValues", {"connectorId": number, "meterValue": values}


def _record(record: TransactionRecord, reference: int | None, connectors: Connectors) -> Said | None:
    return _RECORDS[record.kind](record, UNKNOWN_TRANSACTION if reference is None else reference, connectors)


def _started(record: TransactionRecord, _: int, connectors: Connectors) -> Said:
    payload = {
        "connectorId": connectors.number(record.evse_id, record.connector_id),
        "idTag": tag(record.token or record.starter) or "",
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
    text = tag(record.token)
    if text:
        payload["idTag"] = text
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


def _recorded(payload: Payload) -> Answer:
    """StartTransaction.conf has a number, StopTransaction.conf at most an idTagInfo, MeterValues.conf nothing."""
    info = payload.get("idTagInfo")
    return RecordAnswered(payload.get("transactionId"), token_info(info) if info else None)


def _authorized(payload: Payload) -> Answer:
    if "idTagInfo" in payload:
        return AuthorizeAnswered(token_info(payload["idTagInfo"]))
    from chargepointd.dialects.v16.messages.plug_and_charge import authorized

    return authorized(payload)


CALLS: Calls = {
    Authorize: _authorize,
    MetersRead: _meters,
    TransactionRecord: _record,
}
ANSWERS: Answers = {
    Authorize: _authorized,
    TransactionRecord: _recorded,
}
