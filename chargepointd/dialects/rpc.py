"""OCPP-J framing: text -> message, message -> text. Sans-I/O: what to send and when is for the caller.

    2  CALL             [2, id, action, payload]                  a request
    3  CALLRESULT       [3, id, payload]                          its answer
    4  CALLERROR        [4, id, code, description, details]       its refusal
    5  CALLRESULTERROR  [5, id, code, description, details]       2.1 only: the answer could not be used
    6  SEND             [6, id, action, payload]                  2.1 only: a request that nobody answers

`version` is "1.6", "2.0.1" or "2.1" everywhere. A frame that is no message never raises: it is `Bad`, and says what to
send back. Only what may be a request is answered: an error about an answer could be answered by an error for ever.
Of 1.6 a frame without a readable id is not answered, since its errors must carry the id of the request (OCPP-J 1.6
§4.2.3); 2.x has the id "-1" for it (2.0.1 part 4, §4.2.3).
"""

from __future__ import annotations

from typing import Any, Literal

from chargepointd.core.tuples import NamedTuple
from chargepointd.dialects import codec, validators

Direction = Literal["request", "response"]

MAX_ID = 36
"""characters of a message id (OCPP-J 1.6 §4.1.4, 2.0.1 part 4 §4.1.4)"""
MAX_DESCRIPTION = 255
"""characters of errorDescription (2.0.1 part 4 §4.2.3)"""
MAX_FRAME = 400_000
"""characters of a frame; a longer one is refused unread. To read the worst of that length (nothing but empty lists)
takes some 40 ms, in which nothing else is done. What the station announces as BytesPerMessage (300,000) fits, and so
do three times the largest that has no such bound: a profile of three schedules of 1024 periods"""
UNREADABLE_ID = "-1"


class Call(NamedTuple):
    message_id: str
    action: str
    payload: dict[str, Any]


class Send(NamedTuple):
    """2.1: must not be answered, neither with a result nor with an error."""

    message_id: str
    action: str
    payload: dict[str, Any]


class Result(NamedTuple):
    message_id: str
    payload: dict[str, Any]


class Error(NamedTuple):
    message_id: str
    code: str
    description: str
    details: dict[str, Any]


class ResultError(NamedTuple):
    """2.1: message_id is that of their request, whose answer from us they could not use."""

    message_id: str
    code: str
    description: str
    details: dict[str, Any]


class Bad(NamedTuple):
    """A frame that is no message.

    reply: the frame to send back, if any.
    answer_to: the id of our request when this was meant as the answer; waiting on for it is in vain.
    """

    reply: str | None
    reason: str
    answer_to: str | None = None


class Refusal(NamedTuple):
    """Why a payload is not taken: `code` as this version writes it on the wire."""

    code: str
    description: str


Message = Call | Send | Result | Error | ResultError

_CODES_2 = (
    "FormatViolation",
    "GenericError",
    "InternalError",
    "MessageTypeNotSupported",
    "NotImplemented",
    "NotSupported",
    "OccurrenceConstraintViolation",
    "PropertyConstraintViolation",
    "ProtocolError",
    "RpcFrameworkError",
    "SecurityError",
    "TypeConstraintViolation",
)
_SPELLED_16 = {
    "FormatViolation": "FormationViolation",
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",  # sic, kept by the errata
    "MessageTypeNotSupported": "GenericError",
    "RpcFrameworkError": "GenericError",
}
CODES: dict[str, dict[str, str]] = {
    "1.6": {name: _SPELLED_16.get(name, name) for name in _CODES_2},
    "2.0.1": {name: name for name in _CODES_2},
    "2.1": {name: name for name in _CODES_2},
}
"""by version: the 2.x name of an error code (2.0.1 part 4 §4.3) -> what this version writes for it"""

_BROKEN_RULE = {
    "type": "TypeConstraintViolation",
    "required": "OccurrenceConstraintViolation",
    "additionalProperties": "OccurrenceConstraintViolation",
    "minItems": "OccurrenceConstraintViolation",
    "maxItems": "OccurrenceConstraintViolation",
}
"""schema keyword -> code; all others (enum, maxLength, format, minimum ...) are PropertyConstraintViolation"""


def call(message_id: str, action: str, payload: dict[str, Any]) -> str:
    return codec.encode([2, message_id, action, payload])


def result(message_id: str, payload: dict[str, Any]) -> str:
    return codec.encode([3, message_id, payload])


def error(message_id: str, code: str, description: str = "", details: dict[str, Any] | None = None) -> str:
    """`code` as the version writes it, see CODES. The description is cut to what fits."""
    return codec.encode([4, message_id, code, description[:MAX_DESCRIPTION], details or {}])


def result_error(message_id: str, code: str, description: str = "", details: dict[str, Any] | None = None) -> str:
    """2.1 only: their answer to our request `message_id` cannot be used."""
    return codec.encode([5, message_id, code, description[:MAX_DESCRIPTION], details or {}])


def send(message_id: str, action: str, payload: dict[str, Any]) -> str:
    """2.1 only."""
    return codec.encode([6, message_id, action, payload])


def parse(text: str, version: str) -> Message | Bad:
    """What a frame says. Whether anybody asked for an answer in it, and the payload itself, are not looked at."""
    if len(text) > MAX_FRAME:
        return _bad(version, None, "RpcFrameworkError", f"frame of {len(text)} characters, at most {MAX_FRAME}")
    try:
        frame = codec.decode(text)
    except ValueError as reason:
        return _bad(version, None, "RpcFrameworkError", f"not JSON: {reason}")
    if not isinstance(frame, list) or not frame:
        return _bad(version, None, "RpcFrameworkError", "not a list with a message type in it")
    return _message(frame, version)


def _message(frame: list[Any], version: str) -> Message | Bad:
    kind = None if isinstance(frame[0], bool) or not isinstance(frame[0], int) else frame[0]
    readable = len(frame) > 1 and isinstance(frame[1], str) and len(frame[1]) <= MAX_ID
    message_id: str | None = frame[1] if readable else None
    if kind == 2:
        return _call(frame, message_id, version)
    if kind == 3:
        return _result(frame, message_id)
    if kind == 4 or (kind == 5 and version == "2.1"):
        return _error(frame, message_id)
    if kind == 6 and version == "2.1":
        return _send(frame, message_id)
    if version == "1.6":  # "it SHALL ignore the message payload" (OCPP-J 1.6 §4.1.3)
        return Bad(None, f"message type {frame[0]!r:.20}")
    return _bad(version, message_id, "MessageTypeNotSupported", f"message type {frame[0]!r:.20}")


def _call(frame: list[Any], message_id: str | None, version: str) -> Call | Bad:
    if message_id is None:
        return _bad(version, None, "RpcFrameworkError", f"no message id of at most {MAX_ID} characters")
    match frame:
        case [_, _, str(action), dict(payload)]:
            return Call(message_id, action, payload)
        case [_, _, str(), _]:
            return _bad(version, message_id, "FormatViolation", "the payload is no object")
        case [_, _, _, _]:
            fault = "ProtocolError" if version == "1.6" else "RpcFrameworkError"
            return _bad(version, message_id, fault, "the action is no string")
        case _:
            fault = "ProtocolError" if version == "1.6" else "RpcFrameworkError"
            return _bad(version, message_id, fault, f"a CALL of {len(frame)} elements instead of 4")


def _result(frame: list[Any], message_id: str | None) -> Result | Bad:
    if message_id is not None and len(frame) == 3 and isinstance(frame[2], dict):
        return Result(message_id, frame[2])
    return Bad(None, "a CALLRESULT that is not [3, id, object]", message_id)


def _error(frame: list[Any], message_id: str | None) -> Error | ResultError | Bad:
    """Generous: an error without description or details, or with null for them, is still an error to its request."""
    kind = Error if frame[0] == 4 else ResultError
    if message_id is None or not 3 <= len(frame) <= 5 or not isinstance(frame[2], str):
        return Bad(None, f"message type {frame[0]} that is not [{frame[0]}, id, code, ...]", _asked(kind, message_id))
    description, details = [*frame[3:], None, None][:2]
    return kind(
        message_id,
        frame[2],
        description if isinstance(description, str) else "",
        details if isinstance(details, dict) else {},
    )


def _asked(kind: type[Error | ResultError], message_id: str | None) -> str | None:
    return message_id if kind is Error else None


def _send(frame: list[Any], message_id: str | None) -> Send | Bad:
    match frame:
        case [_, _, str(action), dict(payload)] if message_id is not None:
            return Send(message_id, action, payload)
        case _:
            return Bad(None, "a SEND that is not [6, id, action, object]")


def _bad(version: str, message_id: str | None, fault: str, reason: str) -> Bad:
    if message_id is None and version == "1.6":
        return Bad(None, reason)
    return Bad(error(UNREADABLE_ID if message_id is None else message_id, CODES[version][fault], reason), reason)


def check(version: str, action: str, payload: dict[str, Any], direction: Direction) -> Refusal | None:
    """Hold a payload against the schema; None when it fits. Known actions that this station does not offer pass."""
    codes = CODES[version]
    validate = validators.load(version, action, direction == "response")
    if validate is None:
        return Refusal(codes["NotImplemented"], f"OCPP {version} has no {action[:50]}")
    try:
        validate(payload)
    except validators.Invalid as invalid:
        fault = _BROKEN_RULE.get(invalid.rule, "PropertyConstraintViolation")
        return Refusal(codes[fault], invalid.message[:MAX_DESCRIPTION])
    return None
