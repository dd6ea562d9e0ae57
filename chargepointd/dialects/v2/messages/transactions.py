"""Authorization, transactions, meter values (C01, E01 to E15, J01, J02)."""

from typing import Any

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
from chargepointd.dialects.v2.messages.common import Answers, Calls, Said, message_text, token, token_info
from chargepointd.dialects.v2.samples import meter_values
from chargepointd.dialects.v2.words import Words

_STOP_REASONS = {"HardReset": "ImmediateReset", "SoftReset": "ImmediateReset"}
"""words of 1.6 that have another name here; what is in neither is Other"""

VENDOR = "chargepointd"
"""of customData: "timeSource" of a TransactionEvent says how its timestamp is known (`core.values.Stamp`)"""

_TRIGGERS = {"TxResumed": "ChargingStateChanged"}
"""words of 2.1: the state is told anew"""

_LARGEST_COST = 1e9
"""as in `dialects.pricing`, which is imported when a cost comes with its prices"""


def _authorize(asked: Authorize, words: Words) -> Said | None:
    """A token that does not fit is not asked for: cut, it would be another one."""
    id_token = token(asked.token, words)
    if id_token is None:
        return None
    payload: Payload = {"idToken": id_token}
    if asked.hashes:
        from chargepointd.dialects.certificates import ocsp_request  # few stations need it

        payload["iso15118CertificateHashData"] = [ocsp_request(row) for row in asked.hashes]
    if asked.chain:
        payload["certificate"] = asked.chain
    return "Authorize", payload


def _meters(read: MetersRead, words: Words) -> Said | None:
    values = meter_values(read.values, words.measurands)
    return ("MeterValues", {"evseId": read.evse_id, "meterValue": values}) if values else None


def _record(record: TransactionRecord, words: Words) -> Said:
    payload: Payload = {
        "eventType": record.kind,
        "timestamp": format_time(record.stamp.at),
        "triggerReason": _trigger(record.trigger, words),
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
    id_token = record.token and token(record.token, words)
    if id_token:
        payload["idToken"] = id_token
    values = meter_values(record.values, words.measurands)
    if values:
        payload["meterValue"] = values
    if record.stamp.how not in ("", "system"):  # its time is not simply what the clock said
        payload["customData"] = {"vendorId": VENDOR, "timeSource": record.stamp.how}
    return "TransactionEvent", payload


def _trigger(trigger: str, words: Words) -> str:
    return trigger if trigger in words.triggers else _TRIGGERS.get(trigger, "AbnormalCondition")


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


def _recorded(payload: Payload) -> Answer:
    info = payload.get("idTokenInfo")
    return RecordAnswered(
        info=token_info(info) if info else None,
        total_cost=_total(payload),
        charging_priority=payload.get("chargingPriority"),
        message=message_text(payload.get("updatedPersonalMessage")),
        cost=_cost(payload),
    )


def _total(payload: Payload) -> float | None:
    """None where it does not say, or nothing that could be owed."""
    total: float | None = payload.get("totalCost")
    return None if total is None or abs(total) > _LARGEST_COST else total


def _cost(payload: Payload) -> Any:
    """The prices behind the cost, where the CSMS tells them too (application note of the OCA)."""
    if "customData" not in payload or _total(payload) is None:
        return None
    from chargepointd.dialects.v2.messages.pricing import running  # few a CSMS does

    return running(payload)


def _authorized(payload: Payload) -> Answer:
    return AuthorizeAnswered(token_info(payload["idTokenInfo"]), payload.get("certificateStatus", "Accepted"))


CALLS: Calls = {
    Authorize: _authorize,
    MetersRead: _meters,
    TransactionRecord: _record,
}
ANSWERS: Answers = {
    Authorize: _authorized,
    TransactionRecord: _recorded,
}
