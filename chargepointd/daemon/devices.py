"""Drivers and devices, as a technician is shown them."""

from collections.abc import Callable
from math import isfinite
from typing import Any

from chargepointd.core.values import Token
from chargepointd.dialects.codec import format_time
from hal.health import DeviceStatus, DriverStatus

_PRIVATE = frozenset({"TokenReader", "Keypad", "PlugAndCharge"})
"""a token, a key of a code, a contract: nobody's business"""


UsedBy = Callable[[str, str], list[str]]
"""as what a device of a driver is bound"""


def shown(status: DriverStatus, used_by: UsedBy, now: float, utc: Callable[[float], float]) -> dict[str, Any]:
    """now: s, monotonic clock. utc: s since 1970, of such a moment."""
    return {
        "name": status.name,
        "driver": status.driver,
        "state": status.state,
        "since": format_time(utc(status.since)),
        "devices": [_device(device, used_by(status.name, device.name), now) for device in status.devices],
    } | ({"reason": status.reason} if status.reason else {})


def _device(device: DeviceStatus, used_by: list[str], now: float) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": device.name,
        "abilities": list(device.abilities),
        "state": device.state,
        "used_by": used_by,
    }
    if device.reason:
        told["reason"] = device.reason
    if device.reading is not None:
        values = device.reading._asdict()
        told["age_s"] = round(now - values.pop("taken_at"), 1)
        if values.get("mac"):
            values["mac"] = Token(values["mac"]).masked
        if not _PRIVATE.intersection(device.abilities):
            told["reading"] = {name: _told(value) for name, value in values.items()}
    return told


def _told(value: Any) -> Any:
    """What is no number, as a broken device tells it, has no place in JSON; that it was told is for a person to see."""
    if isinstance(value, tuple):
        return [_told(each) for each in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value
