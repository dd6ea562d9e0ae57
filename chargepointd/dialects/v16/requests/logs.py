"""Uploads of logs (1.6 §5.9; security extension, GetLog)."""

from chargepointd.core import commands as c
from chargepointd.dialects.codec import parse_time
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v16.requests.common import ChargePoint, Request, Requests


def _get_log(payload: Payload, _: ChargePoint) -> c.Command | Refusal:
    log = payload["log"]
    asked = c.GetLog(payload["logType"], log["remoteLocation"], payload["requestId"])
    return _upload(asked, payload, log.get("oldestTimestamp"), log.get("latestTimestamp"))


def _get_diagnostics(payload: Payload, _: ChargePoint) -> c.Command | Refusal:
    asked = c.GetLog("DiagnosticsLog", payload["location"])
    return _upload(asked, payload, payload.get("startTime"), payload.get("stopTime"))


def _upload(asked: c.GetLog, payload: Payload, oldest: str | None, latest: str | None) -> c.Command | Refusal:
    try:
        return asked._replace(
            oldest=parse_time(oldest) if oldest else None,
            latest=parse_time(latest) if latest else None,
            retries=max(0, payload.get("retries", asked.retries)),
            retry_interval_s=max(0, payload.get("retryInterval", asked.retry_interval_s)),
        )
    except ValueError as error:
        return Refusal("PropertyConstraintViolation", str(error))


def _log_promised(_: Payload, reply: c.LogPromised, __: ChargePoint) -> Payload:
    return {"status": reply.status, "filename": reply.filename[:255]}


def _diagnostics_promised(_: Payload, reply: c.LogPromised, __: ChargePoint) -> Payload:
    return {"fileName": reply.filename[:255]}


REQUESTS: Requests = {
    "GetDiagnostics": Request(_get_diagnostics, _diagnostics_promised),
    "GetLog": Request(_get_log, _log_promised),
}
