"""What both versions say alike when the CSMS asks for a log."""

from chargepointd.core.commands import GetLog, LogPromised
from chargepointd.dialects.codec import parse_optional_time
from chargepointd.dialects.dialect import Payload

LONGEST_FILENAME = 255


def get_log(payload: Payload) -> GetLog:
    log = payload["log"]
    asked = GetLog(payload["logType"], log["remoteLocation"], payload["requestId"])
    return upload(asked, payload, log.get("oldestTimestamp"), log.get("latestTimestamp"))


def upload(asked: GetLog, payload: Payload, oldest: str | None, latest: str | None) -> GetLog:
    """oldest, latest: RFC 3339; ValueError for a time that is none. The schema lets less than no retries pass."""
    return asked._replace(
        oldest=parse_optional_time(oldest),
        latest=parse_optional_time(latest),
        retries=max(0, payload.get("retries", asked.retries)),
        retry_interval_s=max(0, payload.get("retryInterval", asked.retry_interval_s)),
    )


def promised(reply: LogPromised) -> Payload:
    return {"status": reply.status, "filename": reply.filename[:LONGEST_FILENAME]}
