"""What each command asks the daemon, and when the answer means that the station did not do it."""

from argparse import Namespace
from collections.abc import Container
from math import isfinite, nan
from pathlib import Path
from typing import Any, NamedTuple

from chargepointd.control.protocol import INVALID_PARAMS, ControlError


class Call(NamedTuple):
    method: str
    params: dict[str, Any]


def call_for(args: Namespace) -> Call:
    """The call behind parsed arguments. What was not given is left out."""
    method: str = args.method
    params = {name: getattr(args, name) for name in args.takes}
    match method:
        case "availability":
            params = {**params, "operative": args.state == "operative"}
        case "grid":
            params = {**params, "lost": args.state == "lost"}
        case "get":
            params = _get_params(args)
        case "outbox":
            params = {**params, **_outbox_params(args)}
        case "reset":
            params = {**params, "mode": _reset_mode(args)}
        case "limit":
            params = {**params, **_limit_params(args)}
        case "bundle" if args.since_s is not None:
            params = {**params, "since_s": _seconds("--since", args.since_s, "such as 90min, 2h or 3d")}
        case "sim.contact":
            params = {**params, "closed": args.contact == "closed"}
        case "sim.contract":
            params = {**params, "chain": _text(args.chain)}
        case "sim.plug_out" if not args.force:
            params.pop("force")
    return Call(method, {name: value for name, value in params.items() if value is not None})


def _reset_mode(args: Namespace) -> str:
    if args.on_idle and args.resume:
        raise ControlError(INVALID_PARAMS, "expected one of --on-idle and --resume, got both")
    return "onidle" if args.on_idle else "resume" if args.resume else "immediate"


def _outbox_params(args: Namespace) -> dict[str, Any]:
    acts = {"dead": args.set_aside, "retry": args.retry, "export": args.export, "forget": args.forget}
    given = [act for act, value in acts.items() if value]
    if len(given) > 1:
        raise ControlError(INVALID_PARAMS, f"expected one of --dead, --retry, --export and --forget, got {len(given)}")
    if not given:
        return {}
    params: dict[str, Any] = {"act": given[0]}
    if args.forget or (args.retry and args.retry != ["all"]):
        params["ids"] = [_id(text) for text in args.forget or args.retry]
    return params


def _id(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        what = "expected the numbers of records, as --dead shows them"
        raise ControlError(INVALID_PARAMS, f"{what}, got {text}") from None


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no text"
        raise ControlError(INVALID_PARAMS, f"{path}: {why}; expected certificates in PEM") from None


_UNITS = {"A": ("current_a", 1), "W": ("power_w", 1), "kW": ("power_w", 1000)}
_TIMES = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


def _limit_params(args: Namespace) -> dict[str, Any]:
    params: dict[str, Any] = {}
    if args.rate is not None and args.act != "set":
        raise ControlError(INVALID_PARAMS, f"LIMIT: only where one is set; leave {args.rate} out")
    if args.act == "set":
        value, unit = _measure("LIMIT", args.rate or "", _UNITS, "such as 16A (per phase), 11000W or 11kW")
        name, factor = _UNITS[unit]
        params[name] = value * factor
    if args.for_s is not None:
        params["for_s"] = _seconds("--for", args.for_s, "such as 90s, 30min or 8h")
    return params


def _seconds(what: str, text: str, expected: str) -> int:
    value, unit = _measure(what, text, _TIMES, expected)
    return round(value * _TIMES[unit])


def _measure(what: str, text: str, units: Container[str], expected: str) -> tuple[float, str]:
    """ "16A" -> 16, "A" """
    number = text.rstrip("AWkminhsd")
    unit = text[len(number) :]
    try:
        value = float(number)
    except ValueError:
        value = nan
    if unit not in units or not isfinite(value):
        raise ControlError(INVALID_PARAMS, f"{what}: expected one {expected}" + (f', got "{text}"' if text else ""))
    return value, unit


def _get_params(args: Namespace) -> dict[str, Any]:
    if args.names and args.prefix is not None:
        return {"variables": args.names, "prefix": args.prefix}  # the table of methods says what is wrong with that
    return {"variables": args.names} if args.names else {"prefix": args.prefix or ""}


_DONE = {
    "availability": ("Accepted", "Scheduled"),
    "set": ("Accepted", "RebootRequired"),
    "unlock": ("Unlocked",),
    "reset": ("Accepted", "Scheduled"),
    "reset_csms": ("Accepted",),
    "limit": ("Accepted",),
}
"""statuses that mean yes, in the words of OCPP 2.0.1 (…StatusEnumType)"""


def refusal(call: Call, result: Any) -> str:
    """Why the station did not do it; empty when it did, or will."""
    method = call.method
    if not isinstance(result, dict):
        return ""
    if "variables" in call.params:
        return "; ".join(
            f"{each.get('name')}: {each['status']}"
            for each in result.get("variables", ())
            if each.get("status", "Accepted") != "Accepted"
        )
    if method == "outbox":
        return "; ".join(f"{each.get('id')}: {each.get('why')}" for each in result.get("refused", ()))
    status = result.get("status")
    if method not in _DONE or status in _DONE[method] or (method == "limit" and "status" not in result):
        return ""
    reason = result.get("reason")
    return f"{status}: {reason}" if reason else str(status)
