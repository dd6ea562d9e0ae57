"""The objects of "OCPP & California Pricing Requirements" (OCA): 1.6 has them as the text of a DataTransfer, 2.x as
customData. A ValueError names what does not fit."""

from decimal import Decimal
from math import isfinite
from typing import Any

from chargepointd.core.cost import Rate
from chargepointd.core.tariff import UpdateCost
from chargepointd.core.values import Token
from chargepointd.core.visit import Triggers
from chargepointd.core.wording import Texts
from chargepointd.dialects.codec import parse_time

VENDOR = "org.openchargealliance.costmsg"
_MOST = 1e9
"""no price, cost or register is larger: with six decimal places it still is exact"""
_LONGEST, _TEXTS = 1024, 20
"""characters of a text, and languages: the prices of fifty tokens are kept"""
_TOKEN = 36
NOTHING = Decimal(0)
_FORMATS = ("ASCII", "UTF8")
"""what a display shows as it is"""


def amount(data: Any, name: str, default: Decimal | None = None) -> Decimal:
    """A number as it was written: what JSON makes a binary fraction is the shortest decimal that gives it."""
    value = data.get(name)
    if value is None and default is not None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or abs(value) > _MOST:
        raise ValueError(f"{name}: expected a number")
    return Decimal(repr(value))


def text(data: Any, name: str, most: int = _LONGEST) -> str:
    value = data.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise ValueError(f"{name}: expected a text of at most {most} characters")
    return value


def token(data: Any, name: str) -> Token:
    return Token(text(data, name, _TOKEN))


def whole(data: Any, name: str) -> int:
    value = amount(data, name)
    if value != int(value):
        raise ValueError(f"{name}: expected a whole number")
    return int(value)


def texts(data: Any) -> Texts:
    """priceText, and priceTextExtra in other languages; what no display shows as it is stays out."""
    found = [("", text(data, "priceText"))] if data.get("priceText") is not None else []
    extra = data.get("priceTextExtra") or []
    if not isinstance(extra, list) or len(extra) > _TEXTS:
        raise ValueError(f"priceTextExtra: expected a list of at most {_TEXTS} texts")
    for one in extra:
        fields = _object({"priceTextExtra": one}, "priceTextExtra")
        if fields.get("format", "UTF8") in _FORMATS:
            language = text(fields, "language") if fields.get("language") else ""
            found.append((language, text(fields, "content")))
    return tuple(found)


def cost(data: Any, told: Decimal) -> UpdateCost:
    """A running cost, and what comes after it; of which transaction is for the caller to say."""
    state = data.get("state")
    if state not in (None, "Charging", "Idle"):
        raise ValueError('state: expected "Charging" or "Idle"')
    following = _object(data, "nextPeriod")
    return UpdateCost(
        told,
        at=_moment(data, "timestamp"),
        register_wh=float(amount(data, "meterValue")) if data.get("meterValue") is not None else None,
        idle=None if state is None else state == "Idle",
        rate=_rate(data),
        next_at=_moment(following, "atTime"),
        next_rate=_rate(following),
        triggers=_triggers(_object(data, "triggerMeterValue")),
    )


def _rate(data: Any) -> Rate | None:
    """A flat fee is in the cost already."""
    charging, idle = _object(data, "chargingPrice"), _object(data, "idlePrice")
    if not charging and not idle:
        return None
    return Rate(
        amount(charging, "kWhPrice", NOTHING),
        amount(charging, "hourPrice", NOTHING),
        amount(idle, "hourPrice", NOTHING),
        max(0, int(amount(idle, "graceMinutes", NOTHING))),
    )


def _triggers(data: Any) -> Triggers:
    energy, power = data.get("atEnergykWh"), data.get("atPowerkW")
    statuses = data.get("atCPStatus") or []
    statuses = [statuses] if isinstance(statuses, str) else statuses
    if not isinstance(statuses, list) or len(statuses) > _TEXTS or not all(isinstance(each, str) for each in statuses):
        raise ValueError(f"atCPStatus: expected a list of at most {_TEXTS} texts")
    return Triggers(
        _moment(data, "atTime"),
        None if energy is None else float(amount(data, "atEnergykWh") * 1000),
        None if power is None else float(amount(data, "atPowerkW") * 1000),
        tuple(statuses),
    )


def _moment(data: Any, name: str) -> float | None:
    return None if data.get(name) is None else parse_time(text(data, name))


def _object(data: Any, name: str) -> Any:
    value = data.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{name}: expected an object")
    return value
