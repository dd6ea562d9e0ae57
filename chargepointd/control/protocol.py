"""JSON-RPC 2.0 as it runs on the control socket, without the socket: bytes to requests, answers to bytes.

One object a line, UTF-8, at most 64 KiB, at most 8 levels deep. No batches and no positional params: nobody needs them
on a local socket. What cannot be taken becomes a `Failure` that says what was expected; the connection goes on.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

LINE_LIMIT = 64 * 1024
"""bytes of one request, without its newline"""
DEPTH_LIMIT = 8
ID_LIMIT = 64

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
UNKNOWN_METHOD = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
REFUSED = 1
UNKNOWN_EVSE = 2
UNKNOWN_VARIABLE = 3
NOT_AVAILABLE = 4
BUSY = 5

Id = int | str | None


class ControlError(Exception):
    """What a method raises to refuse: one of the codes above and a text for the person at the keyboard."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def unknown_evse(evse: int, known: Iterable[int]) -> ControlError:
    """The refusal of an EVSE that is not there; names those that are."""
    names = ", ".join(str(each) for each in known)
    return ControlError(UNKNOWN_EVSE, f"evse {evse}: unknown; this station has {names or 'none'}")


class Request(NamedTuple):
    id: Id
    method: str
    params: dict[str, Any]


class Notification(NamedTuple):
    """A request that wants no answer."""

    method: str
    params: dict[str, Any]


class Failure(NamedTuple):
    """The answer to what could not be done; `id` is None when the request did not get as far as that."""

    id: Id
    code: int
    message: str


class Lines:
    """Bytes as they come, to lines. Holds at most one line of LINE_LIMIT and the piece just given."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that are complete now. One that is too long comes cut, as soon as that is known; the rest of it is
        thrown away, so the next line is read as usual."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = b""
        for line in lines:
            if not self._skipping and line.strip():
                yield line[: LINE_LIMIT + 1]
            self._skipping = False
        if self._skipping:
            return
        if len(rest) > LINE_LIMIT:
            self._skipping = True
            yield rest[: LINE_LIMIT + 1]
        else:
            self._rest = rest


def parse(line: bytes) -> Request | Notification | Failure:
    """What one line asks for. The params are an object, not yet checked against the method's table."""
    if len(line) > LINE_LIMIT:
        return Failure(None, INVALID_REQUEST, f"line: longer than {LINE_LIMIT} bytes")
    try:
        message = json.loads(line.decode(), parse_constant=_no_constant)
    except RecursionError:
        return Failure(None, INVALID_REQUEST, _TOO_DEEP)
    except ValueError as error:
        return Failure(None, PARSE_ERROR, f"not JSON: {error}")
    if not isinstance(message, dict):
        return Failure(None, INVALID_REQUEST, f"expected one object a line, got {named(message)}")
    return _request(message)


_TOO_DEEP = f"nested deeper than {DEPTH_LIMIT} levels"


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _request(message: dict[str, Any]) -> Request | Notification | Failure:
    call_id = message.get("id")
    if not _is_id(call_id):
        return Failure(None, INVALID_REQUEST, f"id: expected a whole number or a text of at most {ID_LIMIT} characters")
    method, params = message.get("method"), message.get("params")
    if message.get("jsonrpc") != "2.0":
        return Failure(call_id, INVALID_REQUEST, 'jsonrpc: expected "2.0"')
    if not isinstance(method, str) or not method:
        return Failure(call_id, INVALID_REQUEST, f"method: expected a text, got {named(method)}")
    if not isinstance(params, dict | None):
        return Failure(call_id, INVALID_PARAMS, f"params: expected an object, got {named(params)}")
    if _deeper(params, DEPTH_LIMIT - 1):
        return Failure(call_id, INVALID_REQUEST, f"params: {_TOO_DEEP}")
    if "id" in message:
        return Request(call_id, method, params or {})
    return Notification(method, params or {})


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= ID_LIMIT
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    inner = value.values() if isinstance(value, dict) else value
    return any(_deeper(each, levels - 1) for each in inner)


def named(value: Any) -> str:
    """A value as a complaint shows it: short, and never all of a long one."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= 48 else f"{text[:45]}... ({len(str(value))} characters)"


def encode_request(call_id: int, method: str, params: Mapping[str, Any]) -> bytes:
    return _line({"jsonrpc": "2.0", "id": call_id, "method": method, "params": params})


def encode_result(call_id: Id, result: Any) -> bytes:
    """TypeError or ValueError when the result is not JSON."""
    return _line({"jsonrpc": "2.0", "id": call_id, "result": result})


def encode_failure(failure: Failure) -> bytes:
    error = {"code": failure.code, "message": failure.message}
    return _line({"jsonrpc": "2.0", "id": failure.id, "error": error})


def encode_notification(method: str, params: Mapping[str, Any]) -> bytes:
    """TypeError or ValueError when the params are not JSON."""
    return _line({"jsonrpc": "2.0", "method": method, "params": params})


def _line(message: dict[str, Any]) -> bytes:
    # ASCII only: a text with a lone surrogate or a line separator can then neither fail nor split a line.
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
