"""The core's values as JSON data, and back.

named tuple       {"$": "events.MeterRead", "evse_id": 1, …}: fields by name, without those that are as by default,
                  so that fields may be added (at the end, with a default) and old recordings can still be read
tuple             [ … ]
JSON data         {"$json": …}: lists and dicts as SaveState has them
list, dict, set   {"$list": […]}, {"$dict": [[key, value], …]}, {"$set": […]}
Decimal, bytes, infinity, the rules of a dialect: {"$decimal": "0.25"}, {"$bytes": "0aff"}, {"$float": "inf"},
                  {"$rules": "ocpp1.6"}
"""

import math
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any

from chargepointd.core.effects import SaveRecord
from chargepointd.core.rules import Rules
from chargepointd.daemon.recorder import RulesOf

CORE = "chargepointd.core."
DERIVED: dict[type, tuple[str, ...]] = {SaveRecord: ("body",)}
"""fields that say in another way what others say"""


class NoSuchValue(Exception):
    """The text says what this program does not know, and what to do about it."""


# -- to JSON -----------------------------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """JSON data. NoSuchValue for what a recording cannot hold: a step is made of the core's values."""
    kind = type(value)
    if value is None or kind in (str, int, bool):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is tuple:
        return [plain(item) for item in value]
    if kind in (Rules, RulesOf):
        return {"$rules": value.subprotocol}
    if isinstance(value, tuple):
        return _named(value)
    return _collected(value)


def _named(value: Any) -> dict[str, Any]:
    kind = type(value)
    if not kind.__module__.startswith(CORE):
        raise NoSuchValue(f"{kind.__module__}.{kind.__name__} is no value of the core")
    default, left_out = kind._field_defaults, DERIVED.get(kind, ())
    fields = {
        name: plain(item)
        for name, item in zip(kind._fields, value, strict=True)
        if not callable(item) and not (name in default and default[name] == item) and name not in left_out
    }
    return {"$": f"{kind.__module__.removeprefix(CORE)}.{kind.__name__}"} | fields


def _collected(value: Any) -> Any:
    if isinstance(value, dict | list):
        if _is_json(value):
            return {"$json": value}
        if isinstance(value, list):
            return {"$list": [plain(item) for item in value]}
        return {"$dict": [[plain(key), plain(item)] for key, item in value.items()]}
    if isinstance(value, set | frozenset):
        return {"$set": sorted(plain(item) for item in value)}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    raise NoSuchValue(f"{value!r:.100} is no value of the core")


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(type(key) is str and _is_json(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    return value is None or type(value) in (str, int, bool) or (type(value) is float and math.isfinite(value))


# -- and back ----------------------------------------------------------------------------------------------------------


def valued(data: Any) -> Any:
    """The value. NoSuchValue for a type or field of another version of the program."""
    if isinstance(data, list):
        return tuple([valued(item) for item in data])
    if not isinstance(data, dict):
        return data
    if "$" in data:
        return _of(data)
    (word, inner), *more = data.items()
    if more or word not in _READ:
        raise NoSuchValue(f"{', '.join(data)}: a recording of this format has no such words")
    return _READ[word](inner)


_READ: dict[str, Callable[[Any], Any]] = {
    "$json": lambda data: data,
    "$list": lambda data: [valued(item) for item in data],
    "$dict": lambda data: {valued(key): valued(item) for key, item in data},
    "$set": lambda data: frozenset(valued(item) for item in data),
    "$decimal": Decimal,
    "$bytes": bytes.fromhex,
    "$float": float,
    "$rules": RulesOf,
}


def _of(data: dict[str, Any]) -> Any:
    name = data["$"]
    kind = _type(name)
    fields = {field: valued(item) for field, item in data.items() if field != "$"}
    unknown = [field for field in fields if field not in kind._fields]
    if unknown:
        raise NoSuchValue(f"{name} has no field {', '.join(unknown)} here: it was recorded by another version")
    missing = [field for field in kind._fields if field not in fields and field not in kind._field_defaults]
    if missing:
        raise NoSuchValue(f"{name} was recorded without {', '.join(missing)}, by another version")
    return kind(**fields)


@cache
def _type(name: str) -> Any:
    module, _, kind = name.rpartition(".")
    try:
        found = getattr(import_module(CORE + module), kind)
    except (ImportError, AttributeError):
        raise NoSuchValue(f"{name}: there is no such value here: it was recorded by another version") from None
    if not hasattr(found, "_fields"):
        raise NoSuchValue(f"{name} is no value of the core")
    return found
