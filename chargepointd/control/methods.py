"""The methods of the control socket and what they take: one line a param, with type and limits.

`check` holds params against the table before a method sees them; `chargepointctl` uses the same table, so a wrong
argument is told without asking the daemon. A method that is not in the table (a plug-in's own) checks for itself.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from chargepointd.control.protocol import INVALID_PARAMS, NOT_AVAILABLE, UNKNOWN_METHOD, ControlError, named


class Param(NamedTuple):
    kind: str
    """integer, number, text, flag, or a list: integers, texts"""
    required: bool = False
    low: float = 0
    """least value; of a text or a list, least length"""
    high: float = 0
    """greatest value; of a text (and each of texts), greatest length"""
    one_of: tuple[str, ...] = ()
    letters: str = ""
    """what else than ASCII letters and digits the text may hold; empty: anything printable"""


class Method(NamedTuple):
    params: Mapping[str, Param]
    exactly_one: tuple[str, ...] = ()
    """of these params one is given, and one only"""
    needs: tuple[str, str] | None = None
    """the first of the two makes no sense without the second"""


TOKEN_LIMIT = 36
"""characters: idToken is identifierString[0..36] in OCPP 2.0.1, Part 2, IdTokenType"""
TOKEN_TYPES = ("ISO14443", "ISO15693", "KeyCode", "Local", "Central", "eMAID", "MacAddress")
"""IdTokenEnumType of OCPP 2.0.1 without NoAuthorization, which is not something one presents"""
ATTRIBUTES = ("Actual", "Target", "MinSet", "MaxSet")
LIST_LIMIT = 1000
SIM_LIMIT = 10_000

_EVSE = Param("integer", low=1, high=65535)
_THE_EVSE = _EVSE._replace(required=True)
# OCPP 2.0.1, Part 2: identifierString allows a-z, A-Z, 0-9, '*', '-', '_', '=', ':', '+', '|', '@', '.'
_TOKEN = Param("text", low=1, high=TOKEN_LIMIT, letters="*-_=:+|@.")
_THE_TOKEN = _TOKEN._replace(required=True)
_TYPE = Param("text", one_of=TOKEN_TYPES)
_EVSE_OR_ALL = _EVSE._replace(low=0)
_NAME = Param("text", low=1, high=300)
_PEM = Param("text", required=True, low=1, high=20_000, letters="+/=- \r\n")
_SIM_ERROR = Param("text", low=1, high=50)

METHODS: dict[str, Method] = {
    "status": Method({}),
    "watch": Method({}),
    "start": Method({"evse": _THE_EVSE, "token": _THE_TOKEN, "type": _TYPE}),
    "stop": Method(
        {"evse": _EVSE, "transaction_id": Param("text", low=1, high=36)}, exactly_one=("evse", "transaction_id")
    ),
    "availability": Method(
        {"evse": _EVSE, "connector": _EVSE, "operative": Param("flag", required=True)}, needs=("connector", "evse")
    ),
    "get": Method(
        {"variable": _NAME, "variables": Param("texts", low=1, high=300), "prefix": Param("text", high=300)},
        exactly_one=("variable", "variables", "prefix"),
    ),
    "set": Method(
        {
            "variable": _NAME._replace(required=True),
            "value": Param("text", required=True, high=2500),
            "attribute": Param("text", one_of=ATTRIBUTES),
        }
    ),
    "unlock": Method({"evse": _THE_EVSE, "connector": _EVSE}),
    "reset": Method({"evse": _EVSE, "mode": Param("text", required=True, one_of=("immediate", "onidle", "resume"))}),
    "reset_csms": Method({}),
    "grid": Method({"lost": Param("flag", required=True)}),
    "outbox": Method(
        {
            "act": Param("text", one_of=("waiting", "dead", "export", "retry", "forget")),
            "limit": Param("integer", low=0, high=10_000),
            "after": Param("integer", low=0, high=2**53),
            "ids": Param("integers", low=1, high=2**53),
        }
    ),
    "schedule": Method(
        {
            "evse": _EVSE_OR_ALL,
            "duration": Param("integer", low=1, high=366 * 86_400),
            "unit": Param("text", one_of=("A", "W")),
        }
    ),
    "profiles": Method({}),
    "list": Method({"token": _TOKEN, "type": _TYPE}),
    "drivers": Method({}),
    "pics": Method({"version": Param("text", one_of=("1.6", "2.0.1"))}),
    "bundle": Method({"since_s": Param("integer", low=1, high=10 * 366 * 86_400)}),
    "reservations": Method({}),
    "security_log": Method({"limit": Param("integer", low=0, high=10_000)}),
    "limit": Method(
        {
            "act": Param("text", required=True, one_of=("set", "clear", "show")),
            "evse": _EVSE_OR_ALL,
            "current_a": Param("number", low=0, high=10_000),
            "power_w": Param("number", low=0, high=100_000_000),
            "for_s": Param("integer", low=1, high=366 * 86_400),
        }
    ),
    "sim.plug_in": Method({"evse": _THE_EVSE, "connector": _EVSE}),
    "sim.plug_out": Method(
        {"evse": _THE_EVSE, "force": Param("flag"), "side": Param("text", one_of=("station", "ev"))}
    ),
    "sim.drive_in": Method({"evse": _THE_EVSE}),
    "sim.drive_out": Method({"evse": _THE_EVSE}),
    "sim.swipe": Method({"token": _THE_TOKEN, "type": _TYPE, "reader": Param("text", low=1, high=100)}),
    "sim.press": Method({"key": Param("text", required=True, low=1, high=1), "device": Param("text", low=1, high=100)}),
    "sim.contract": Method({"evse": _THE_EVSE, "emaid": _THE_TOKEN, "chain": _PEM}),
    "sim.want_contract": Method(
        {
            "evse": _THE_EVSE,
            "action": Param("text", one_of=("Install", "Update")),
            "exi": Param("text", required=True, low=1, high=5600),
            "schema": Param("text", low=1, high=50),
        }
    ),
    "sim.pause": Method({"evse": _THE_EVSE}),
    "sim.resume": Method({"evse": _THE_EVSE}),
    "sim.raise_error": Method({"evse": _EVSE_OR_ALL, "error": _SIM_ERROR._replace(required=True)}),
    "sim.clear_error": Method({"evse": _EVSE_OR_ALL, "error": _SIM_ERROR}),
    "sim.meter": Method({"evse": _THE_EVSE, "energy_wh": Param("number", low=0, high=1e12)}),
    "sim.contact": Method({"closed": Param("flag", required=True), "device": Param("text", low=1, high=100)}),
    "sim.site": Method({"current_a": Param("number", low=0, high=10_000), "dead": Param("flag")}),
    "sim.state": Method({}),
    "sim.display": Method({}),
    "sim.disconnect": Method({}),
    "sim.connect": Method({}),
    "sim.transactions": Method(
        {"count": Param("integer", required=True, low=1, high=SIM_LIMIT), "evse": _EVSE, "token": _TOKEN}
    ),
}


def unknown_method(method: str, offered: Collection[str]) -> ControlError:
    """Why there is no such method here, and which one was probably meant."""
    if method in METHODS:
        why = "needs the simulator driver" if method.startswith("sim.") else "not offered by this station"
        return ControlError(NOT_AVAILABLE, f"{method}: not available here; {why}")
    near = _near(method, offered)
    remedy = f'did you mean "{near}"?' if near else f"known here: {', '.join(sorted(offered))}"
    return ControlError(UNKNOWN_METHOD, f"{named(method)}: unknown method; {remedy}")


def check(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """`params` as the method takes them; those that are null are left out. ControlError names param and limit."""
    given = {name: value for name, value in params.items() if value is not None}
    table = METHODS.get(method)
    if table is None:
        return given
    for name, value in given.items():
        _check_one(name, value, table.params)
    missing = [name for name, param in table.params.items() if param.required and name not in given]
    if missing:
        raise _wrong(f"{missing[0]}: missing; expected {_wanted(table.params[missing[0]])}")
    _check_together(table, given)
    return given


def _check_together(table: Method, given: Mapping[str, Any]) -> None:
    if table.exactly_one and len([name for name in table.exactly_one if name in given]) != 1:
        raise _wrong(f"expected exactly one of {', '.join(table.exactly_one)}")
    if table.needs and table.needs[0] in given and table.needs[1] not in given:
        raise _wrong(f"{table.needs[1]}: missing; expected together with {table.needs[0]}")


def _check_one(name: str, value: Any, known: Mapping[str, Param]) -> None:
    if name not in known:
        near = _near(name, known)
        remedy = f'did you mean "{near}"?' if near else f"known here: {', '.join(known) or 'none'}"
        raise _wrong(f"{named(name)}: unknown param; {remedy}")
    if not _fits(value, known[name]):
        raise _wrong(f"{name}: expected {_wanted(known[name])}, got {named(value)}")


def _fits(value: Any, param: Param) -> bool:
    match param.kind:
        case "flag":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool) and param.low <= value <= param.high
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool) and param.low <= value <= param.high
        case "integers":
            one = param._replace(kind="integer")
            return isinstance(value, list) and 1 <= len(value) <= LIST_LIMIT and all(_fits(v, one) for v in value)
        case "texts":
            return isinstance(value, list) and 1 <= len(value) <= LIST_LIMIT and all(_is_text(v, param) for v in value)
    return _is_text(value, param)


def _is_text(value: Any, param: Param) -> bool:
    if not isinstance(value, str):
        return False
    if param.one_of:
        return value in param.one_of
    if not param.low <= len(value) <= param.high:
        return False
    if param.letters:
        return all((c.isascii() and c.isalnum()) or c in param.letters for c in value)
    return value.isprintable()


def _wanted(param: Param) -> str:
    if param.one_of:
        return " or ".join(f'"{each}"' for each in param.one_of)
    match param.kind:
        case "flag":
            return "true or false"
        case "integers":
            return f"a list of 1-{LIST_LIMIT} whole numbers from {param.low:.0f} to {param.high:.0f}"
        case "integer" | "number":
            whole = "a whole number" if param.kind == "integer" else "a number"
            return f"{whole} from {param.low:.0f} to {param.high:.0f}"
    text = f"{param.low:.0f}-{param.high:.0f} " + (
        f"letters, digits or {' '.join(param.letters)}" if param.letters else "printable characters"
    )
    return f"a list of 1-{LIST_LIMIT} texts of {text}" if param.kind == "texts" else text


def _wrong(message: str) -> ControlError:
    return ControlError(INVALID_PARAMS, message)


def _near(word: str, known: Collection[str]) -> str:
    from difflib import get_close_matches  # costs 10 ms on a board, and is needed for typing errors only

    return next(iter(get_close_matches(word[:100], known, 1)), "")
