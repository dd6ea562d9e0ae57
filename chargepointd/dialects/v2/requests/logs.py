"""Logs (N01)."""

from chargepointd.core import commands as c
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.codec import parse_time
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v2.requests.common import Request, Requests


def _get_log(payload: Payload, _: Registry) -> c.Command | Refusal:
    log = payload["log"]
    try:
        oldest, latest = (parse_time(log[n]) if n in log else None for n in ("oldestTimestamp", "latestTimestamp"))
    except ValueError as error:
        return Refusal("PropertyConstraintViolation", f"log: {error}")
    asked = c.GetLog(payload["logType"], log["remoteLocation"], payload["requestId"], oldest, latest)
    return asked._replace(
        retries=max(0, payload.get("retries", asked.retries)),
        retry_interval_s=max(0, payload.get("retryInterval", asked.retry_interval_s)),
    )


def _promised(_: Payload, reply: c.LogPromised) -> Payload:
    return {"status": reply.status, "filename": reply.filename[:255]}


REQUESTS: Requests = {"GetLog": Request(_get_log, _promised)}
