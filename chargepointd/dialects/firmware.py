"""What both versions say alike when the CSMS asks for a firmware update."""

from chargepointd.core.firmware import UpdateFirmware
from chargepointd.dialects.codec import parse_optional_time, parse_time
from chargepointd.dialects.dialect import Payload


def signed(payload: Payload) -> UpdateFirmware:
    """FirmwareType, in 2.x and in SignedUpdateFirmware of 1.6; in 2.x the signature may be missing."""
    firmware = payload["firmware"]
    update = asked(payload, firmware["location"], firmware["retrieveDateTime"], firmware.get("installDateTime"))
    return update._replace(
        request_id=payload["requestId"],
        certificate=firmware.get("signingCertificate", ""),
        signature=firmware.get("signature", ""),
    )


def asked(payload: Payload, location: str, retrieve: str, install: str | None = None) -> UpdateFirmware:
    """retrieve, install: RFC 3339; ValueError for a time that is none."""
    return UpdateFirmware(
        None,
        location,
        parse_time(retrieve),
        parse_optional_time(install),
        _count(payload.get("retries")),
        _count(payload.get("retryInterval")),
    )


def _count(number: int | None) -> int | None:
    """The schema lets less than nothing pass."""
    return None if number is None else max(0, number)
