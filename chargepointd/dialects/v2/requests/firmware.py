"""Firmware updates (L01)."""

from chargepointd.core import commands as c
from chargepointd.core.firmware import UpdateFirmware
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.codec import parse_time
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v2.requests.common import Request, Requests, plain


def _update(payload: Payload, _: Registry) -> c.Command | Refusal:
    firmware = payload["firmware"]
    try:
        retrieve_at = parse_time(firmware["retrieveDateTime"])
        install_at = parse_time(firmware["installDateTime"]) if "installDateTime" in firmware else None
    except ValueError as error:
        return Refusal("PropertyConstraintViolation", str(error))
    return UpdateFirmware(
        payload["requestId"],
        firmware["location"],
        retrieve_at,
        install_at,
        _count(payload.get("retries")),
        _count(payload.get("retryInterval")),
        firmware.get("signingCertificate", ""),
        firmware.get("signature", ""),
    )


def _count(number: int | None) -> int | None:
    """The schema lets less than nothing pass."""
    return None if number is None else max(0, number)


REQUESTS: Requests = {"UpdateFirmware": Request(_update, plain)}
