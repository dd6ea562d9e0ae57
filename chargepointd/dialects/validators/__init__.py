"""Validation of OCPP messages by code generated ahead of time from the schemas of the `ocpp` library.

One module a message (`v201.BootNotification`, `v201.BootNotificationResponse`), imported when that message is first
seen. `build` writes them: with the wheel, with an editable install, or by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from chargepointd.dialects.codec import parse_time

Validator = Callable[[Any], None]

_PACKAGES = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
_loaded: dict[tuple[str, str, bool], Validator] = {}


class Invalid(Exception):
    """A payload breaks its schema.

    rule: the JSON schema keyword that is broken, such as "required" or "maxLength".
    path: where, such as "evse.id" or "getVariableData[3].component"; "" is the payload itself.
    limit: what the schema says there, for "required" and "additionalProperties" the fields at fault.
    """

    def __init__(self, rule: str, path: tuple[Any, ...], limit: Any = None) -> None:
        self.rule = rule
        self.path = _text(path).removeprefix(".")
        self.message = f"{self.path or 'payload'}: {_sentence(rule, limit)}"
        super().__init__(self.message)


def _text(path: tuple[Any, ...]) -> str:
    """A generated function hands on (path of the caller, part, part, ...): joined only when something is wrong."""
    return "".join(_text(part) if isinstance(part, tuple) else str(part) for part in path)


def _sentence(rule: str, limit: Any) -> str:
    match rule:
        case "type":
            return f"must be of type {limit}"
        case "required":
            return f"{', '.join(limit)} missing"
        case "additionalProperties":
            return f"{', '.join(limit)} not allowed"
        case "enum":
            return "not one of the allowed values"
        case _:
            return f"breaks {rule} {limit}"


def is_time(text: str) -> bool:
    """An RFC 3339 timestamp that `parse_time` can read."""
    try:
        parse_time(text)
    except ValueError:
        return False
    return True


def is_uri(text: str) -> bool:
    """A URI with a scheme (RFC 3986 §3) and no white space. More is for whoever fetches it to say."""
    scheme, _, rest = text.partition(":")
    plain = scheme.replace("+", "").replace("-", "").replace(".", "")
    return bool(rest) and scheme.isascii() and scheme[:1].isalpha() and plain.isalnum() and not _has_space(rest)


def _has_space(text: str) -> bool:
    return len(text.split(maxsplit=1)) != 1 or text != text.strip()


def actions(version: str) -> frozenset[str]:
    """The requests that OCPP `version` ("1.6", "2.0.1", "2.1") knows, its security extension included."""
    names: frozenset[str] = _package(version).ACTIONS
    return names


def load(version: str, action: str, response: bool = False) -> Validator | None:
    """The validator of a request or response; None when OCPP `version` has no such message."""
    key = (version, action, response)
    if (known := _loaded.get(key)) is not None:
        return known
    # The action comes from the wire: it must be a name of ours before it may become a module name.
    messages: frozenset[str] = _package(version).RESPONSES if response else _package(version).ACTIONS
    if action not in messages:
        return None
    module = import_module(f"{__name__}.{_PACKAGES[version]}.{action}{'Response' if response else ''}")
    return _loaded.setdefault(key, module.validate)


def _package(version: str) -> Any:
    name = _PACKAGES[version]
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as missing:
        raise RuntimeError(f"no validators for OCPP {version}: run python -m {__name__}.build {name}") from missing
