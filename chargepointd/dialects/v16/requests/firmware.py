"""Firmware updates (1.6 §5.18; security extension, L01)."""

from chargepointd.core import commands as c
from chargepointd.core.firmware import UpdateFirmware
from chargepointd.dialects.codec import parse_time
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v16.requests.common import ChargePoint, Request, Requests, plain


def _update(payload: Payload, _: ChargePoint) -> c.Command | Refusal:
    return _asked(payload, UpdateFirmware(None, payload["location"], 0.0), payload["retrieveDate"])


def _signed(payload: Payload, _: ChargePoint) -> c.Command | Refusal:
    firmware = payload["firmware"]
    asked = UpdateFirmware(payload["requestId"], firmware["location"], 0.0)
    signed = asked._replace(certificate=firmware["signingCertificate"], signature=firmware["signature"])
    return _asked(payload, signed, firmware["retrieveDateTime"], firmware.get("installDateTime"))


def _asked(payload: Payload, asked: UpdateFirmware, retrieve: str, install: str | None = None) -> c.Command | Refusal:
    try:
        return asked._replace(
            retrieve_at=parse_time(retrieve),
            install_at=parse_time(install) if install else None,
            retries=_count(payload.get("retries")),
            retry_interval_s=_count(payload.get("retryInterval")),
        )
    except ValueError as error:
        return Refusal("PropertyConstraintViolation", str(error))


def _count(number: int | None) -> int | None:
    """The schema lets less than nothing pass."""
    return None if number is None else max(0, number)


REQUESTS: Requests = {
    "UpdateFirmware": Request(_update, lambda payload, reply, point: {}),  # how it goes is told by its statuses
    "SignedUpdateFirmware": Request(_signed, plain),
}
