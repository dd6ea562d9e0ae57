"""Firmware updates (L01)."""

from chargepointd.dialects import firmware
from chargepointd.dialects.v2.requests.common import Request, Requests, plain

REQUESTS: Requests = {"UpdateFirmware": Request(lambda payload, _: firmware.signed(payload), plain)}
