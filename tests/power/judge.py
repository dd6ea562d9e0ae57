"""What the CSMS, and the station, know after a visit: the same with power cuts as without."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from tests.csms import Csms, Message
from tests.daemon.visit import true_to
from tests.power.visit import Visit
from tests.power.words import CLOSED_EVSE, RESERVED_EVSE

EVSES = (1, RESERVED_EVSE, CLOSED_EVSE)


class Outcome(NamedTuple):
    transactions: tuple[tuple[Any, ...], ...]
    """token, reason, EVSE, number of starts, of ends, all numbers there"""
    statuses: tuple[str, ...]
    """of each EVSE, as the CSMS was told last"""
    firmware: tuple[str, ...]
    """as told, one after the other"""
    events: tuple[str, ...]
    """of the security log that the CSMS was told, without starts: by message id"""
    station: dict[str, Any]
    """what was set, as the station shows it"""


def outcome(csms: Csms, visit: Visit) -> Outcome:
    return Outcome(
        tuple(
            (each.token, each.reason, each.evse, each.kinds.count("Started"), each.kinds.count("Ended"))
            for each in csms.books.transactions.values()
        ),
        tuple(_status(csms, evse) for evse in EVSES),
        tuple(status for status, _ in groupby(m["status"] for m in csms.calls("FirmwareStatusNotification"))),
        _events(csms),
        _shown(visit),
    )


def complaints(csms: Csms, visit: Visit, uncut: Outcome | None, dialect: str) -> list[str]:
    """All that is wrong, and where it differs from the visit without a cut."""
    found = [*csms.violations, *csms.mistakes, *csms.books.check()]
    register = visit.after_wh - visit.before_wh
    if not true_to(register, csms.books.energy_wh, dialect):
        found.append(f"the meter counted {register:.1f} Wh, the books say {csms.books.energy_wh:.1f} Wh")
    dead = visit.ask("outbox")["dead"]
    if dead:
        found.append(f"{dead} messages were given up")
    return found + (list(_differences(uncut, outcome(csms, visit))) if uncut else [])


def _differences(uncut: Outcome, cut: Outcome) -> Iterator[str]:
    for name, before, after in zip(Outcome._fields, uncut, cut, strict=True):
        if before != after:
            yield f"{name}: {before} without a cut, {after} with"


def _status(csms: Csms, evse: int) -> str:
    told = [m for m in csms.calls("StatusNotification") if m.get("connectorId" if _old(m) else "evseId") == evse]
    return str(told[-1]["status" if _old(told[-1]) else "connectorStatus"])


def _old(message: Message) -> bool:
    return message.version == "1.6"


def _events(csms: Csms) -> tuple[str, ...]:
    told = {m.id: m["type"] for m in csms.calls("SecurityEventNotification")}
    return tuple(kind for kind in told.values() if kind not in ("StartupOfTheDevice", "ResetOrReboot"))


def _shown(visit: Visit) -> dict[str, Any]:
    shown = visit.ask("status")
    reservations = [{k: v for k, v in each.items() if k != "expires_at"} for each in shown["reservations"]]
    variables = visit.ask("get", variables=["TxCtrlr.EVConnectionTimeOut", "LocalAuthListCtrlr.Entries"])["variables"]
    return {
        "reservations": reservations,
        "variables": [each["value"] for each in variables],
        "list": visit.ask("list"),
        "profiles": visit.ask("profiles"),
        "status": [[c["status"] for c in evse["connectors"]] for evse in shown["evses"]],
        "sessions": [evse.get("session") for evse in shown["evses"]],
        "locked": [visit.world(evse)["locked"] for evse in EVSES],
    }
