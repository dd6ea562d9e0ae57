"""Keys whose value is a JSON object (DefaultPrice, DefaultPriceText,<language>), made of several variables: two texts
and, in DefaultPrice, three amounts (`keys.TABLE`).

An empty variable is left out of the object, and what the object leaves out is emptied.
"""

from collections.abc import Sequence
from typing import Any

from chargepointd.dialects import codec, pricing

_TEXTS = ("priceText", "priceTextOffline")
_AMOUNTS = ("kWhPrice", "hourPrice", "flatFee")
_LONGEST = 255
"""characters, TariffFallbackMessage"""


def composed(values: Sequence[str]) -> str:
    """From the values of the variables; empty where none is set."""
    said: dict[str, Any] = {name: text for name, text in zip(_TEXTS, values, strict=False) if text}
    amounts = dict(zip(_AMOUNTS, values[len(_TEXTS) :], strict=False))
    if any(float(amount) for amount in amounts.values()):
        said["chargingPrice"] = {name: _number(amount) for name, amount in amounts.items()}
    return codec.encode(said) if said else ""


def parts(value: str, count: int) -> tuple[str, ...]:
    """The values of so many variables. ValueError says what does not fit."""
    said = codec.decode(value or "{}")
    if not isinstance(said, dict):
        raise ValueError("expected a JSON object")
    texts = [pricing.text(said, name) if said.get(name) is not None else "" for name in _TEXTS]
    if max(map(len, texts)) > _LONGEST:
        raise ValueError(f"a text is longer than {_LONGEST} characters")
    charging = said.get("chargingPrice") or {}
    if not isinstance(charging, dict):
        raise ValueError("chargingPrice: expected an object")
    amounts = [f"{pricing.amount(charging, name, pricing.NOTHING):f}" for name in _AMOUNTS]
    return (*texts, *amounts)[:count]


def _number(text: str) -> int | float:
    return int(text) if text.isdecimal() else float(text)
