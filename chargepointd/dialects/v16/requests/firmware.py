"""Firmware updates (1.6 §5.18; security extension, L01)."""

from chargepointd.core import commands as c
from chargepointd.dialects import firmware
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.requests.common import ChargePoint, Request, Requests, plain


def _update(payload: Payload, _: ChargePoint) -> c.Command:
    return firmware.asked(payload, payload["location"], payload["retrieveDate"])


REQUESTS: Requests = {
    "UpdateFirmware": Request(_update, lambda payload, reply, point: {}),  # how it goes is told by its statuses
    "SignedUpdateFirmware": Request(lambda payload, _: firmware.signed(payload), plain),
}
