"""OCPP-J frames: text to a checked frame, by the RPC rules of OCPP-J 1.6 chapter 4 and OCPP 2.0.1 part 4 chapter 4."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Literal, NamedTuple

Kind = Literal["call", "result", "error"]

_KINDS: dict[int, tuple[Kind, int]] = {2: ("call", 4), 3: ("result", 3), 4: ("error", 5)}
_COMMON_CODES = {
    "NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError", "PropertyConstraintViolation",
    "TypeConstraintViolation", "GenericError", "OccurenceConstraintViolation", "OccurrenceConstraintViolation",
}  # fmt: skip
_CODES_2X = _COMMON_CODES | {"FormatViolation", "MessageTypeNotSupported", "RpcFrameworkError"}
CODES = {"1.6": _COMMON_CODES | {"FormationViolation"}, "2.0.1": _CODES_2X, "2.1": _CODES_2X}
"""CALLERROR codes by version. One r or two: the 1.6 table prints "Occurence", errata allow both."""


class Frame(NamedTuple):
    kind: Kind
    id: str
    action: str  # of a call; of an answer it is only known to who sent the request
    payload: dict[str, Any]  # of an error: {"code", "description", "details"}
    exact: dict[str, Any]  # the payload with Decimals for its fractions


class BadFrame(Exception):
    """Not a frame of OCPP-J."""


def parse(text: str, version: str) -> Frame:
    """A frame of the text. BadFrame says which rule it breaks."""
    parts, exact = _load(text), _load(text, parse_float=Decimal)
    if not isinstance(parts, list) or not parts:
        raise BadFrame("not a JSON array with something in it")
    kind, length = _KINDS.get(parts[0] if type(parts[0]) is int else -1, (None, 0))
    if kind is None:
        raise BadFrame(f"unknown message type {parts[0]!r}")
    _demand(len(parts) == length, f"a {kind} has {length} elements, this has {len(parts)}")
    _demand(isinstance(parts[1], str) and len(parts[1]) <= 36, "the message id is no text of at most 36 characters")
    _demand(isinstance(parts[-1], dict), "the last element is no object")
    if kind == "error":
        return Frame(kind, parts[1], "", *(_error(each, version) for each in (parts, exact)))
    _demand(kind == "result" or isinstance(parts[2], str), "the action is no text")
    return Frame(kind, parts[1], parts[2] if kind == "call" else "", parts[-1], exact[-1])


def dump(*parts: Any) -> str:
    return json.dumps(parts, separators=(",", ":"), ensure_ascii=False)


def exact(value: Any) -> Any:
    """A Python value as it will stand on the wire, with Decimals for its fractions."""
    return json.loads(json.dumps(value), parse_float=Decimal)


def _error(parts: list[Any], version: str) -> dict[str, Any]:
    _, _, code, description, details = parts
    _demand(isinstance(code, str) and code in CODES[version], f"{code!r} is no error code of OCPP {version}")
    _demand(isinstance(description, str) and len(description) <= 255, "the error description is no text up to 255")
    return {"code": code, "description": description, "details": details}


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise BadFrame(otherwise)


def _load(text: str, **how: Any) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant, **how)
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"not JSON: {error}") from None


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    pairs = list(pairs)
    made = dict(pairs)
    if len(made) < len(pairs):
        raise BadFrame(f"a key stands twice in {sorted(key for key, _ in pairs)}")
    return made


def _constant(word: str) -> Any:
    raise BadFrame(f"{word} is not JSON")
