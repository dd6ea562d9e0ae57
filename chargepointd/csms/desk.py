"""What the dialects have in common: a question of a station and the answer to it, in neutral words."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chargepointd.csms.books import Books

Payload = dict[str, Any]
DAY_S = 86_400


class Desk(NamedTuple):
    """What the person at the bench has decided."""

    interval_s: int = 300
    """between two heartbeats, told in the answer to BootNotification"""
    refused: frozenset[str] = frozenset()
    """tokens that are not accepted; all others are"""

    def opinion(self, token: str) -> str:
        """AuthorizationStatus, whose words are the same in 1.6 and 2.0.1. Tokens do not care for case (IdToken)."""
        return "Blocked" if token.casefold() in {each.casefold() for each in self.refused} else "Accepted"


class Case(NamedTuple):
    """A question and what is needed to answer it."""

    station: str
    desk: Desk
    books: Books
    now: str
    """RFC 3339, UTC"""


class Answered(NamedTuple):
    payload: Payload
    kind: str
    """what it was about, for the line that is shown: "boot", "status", "transaction" …"""
    text: str


class WrongArguments(ValueError):
    """What is wrong with the arguments of a command, in words for the person who typed it."""


Answer = Callable[[Payload, Case], Answered]
Request = Callable[[list[str]], tuple[str, Payload]]
"""arguments of a command -> action and payload; raises WrongArguments"""


class Words(NamedTuple):
    """One version of OCPP, as a CSMS speaks it."""

    version: str
    answers: Mapping[str, Answer]
    requests: Mapping[str, Request]
    """by the name of the command at the console"""


def plain(kind: str, payload: Payload | None = None) -> Answer:
    """Answer always the same, and tell the whole message."""
    return lambda request, _: Answered(dict(payload or {}), kind, fields(request))


def security_event(request: Payload, case: Case) -> Answered:
    """SecurityEventNotification, the same in 2.0.1 and in the security extension of 1.6."""
    return Answered({}, "security", f"{request['type']} {request.get('techInfo', '')}".rstrip())


def fields(payload: Payload) -> str:
    """A payload on one line for people."""
    return " ".join(f"{key}={_short(value)}" for key, value in payload.items())


def _short(value: Any) -> str:
    text = ",".join(map(_short, value)) if isinstance(value, list) else value
    text = "{" + fields(value) + "}" if isinstance(value, dict) else str(text)
    return text if len(text) <= 200 else text[:199] + "…"


def soon(minutes: int = 0) -> str:
    """So many minutes from now, RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60 * minutes))


def flat(text: str) -> Payload:
    """A ChargingSchedule from now on, with one limit: "16A", "11000W"."""
    limit, unit = text[:-1], text[-1:].upper()
    if unit not in ("A", "W") or not limit.replace(".", "", 1).isdecimal():
        raise WrongArguments(f"LIMIT: expected one such as 16A or 11000W, got {text!r}")
    periods = [{"startPeriod": 0, "limit": float(limit)}]
    return {"startSchedule": soon(), "chargingRateUnit": unit, "chargingSchedulePeriod": periods}


def limiting(place: int, whole: str) -> Payload:
    """What a profile with one limit says in either version. `whole`: its purpose where it is for the station."""
    return {
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile" if place else whole,
        "chargingProfileKind": "Absolute",
    }


def cancel(args: list[str]) -> tuple[str, Payload]:
    return "CancelReservation", {"reservationId": number(args[0], "NUMBER")}


def number(text: str, what: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    raise WrongArguments(f"{what}: expected a whole number, got {text!r}")
