"""While nothing can be kept: the disk is full, read-only, or broken.

What is not kept may not be told, and what may not be told may not be billed: so nothing flows and nobody begins (a
fault on every EVSE opens the power paths at once), no record is told (`core.outbox`), and nothing is promised. A
transaction that runs goes on, or ends, as with any other fault that stops charging; its samples are not taken. What
tells how things are goes on: statuses, heartbeats, the boot, security events, the answers to questions. All else that
is asked is refused with the reason. When the disk is back the fault is, and what waited is told in its order.
"""

from typing import TYPE_CHECKING

from chargepointd.core import commands as c
from chargepointd.core.context import Step
from chargepointd.core.effects import Note
from chargepointd.core.events import StorageFailed
from chargepointd.core.reports import GetBaseReport, GetReport
from chargepointd.core.values import Fault

if TYPE_CHECKING:
    from chargepointd.core.station import Station

SOURCE = "storage"
MAY = (c.TriggerMessage, c.Reset, c.UnlockConnector, c.TransferData, GetBaseReport, GetReport)
"""beside questions: what promises nothing that a power cut could take back. A restart may be what helps, and who is
plugged in must be able to leave"""


def failed(station: "Station", event: StorageFailed, step: Step) -> None:
    context, before = station.context, station.context.unkept
    station.outbox.withdraw(event.unsent)
    if event.reason == before:
        return
    context.unkept = event.reason
    fault = Fault("InternalError", SOURCE, f"nothing can be kept: {event.reason}")
    station.statuses.station_faults[(fault.code, SOURCE)] = fault
    for evse in station.evses.values():
        evse.fault(fault, step)
    said = f"nothing can be kept, so nobody may charge: {event.reason}"
    step.emit(Note("storage", 0, said))
    if not before:
        context.happened("MemoryExhaustion", said, step)


def sound(station: "Station", step: Step) -> None:
    station.context.unkept = ""
    station.statuses.station_faults.pop(("InternalError", SOURCE), None)
    for evse in station.evses.values():
        evse.mend("InternalError", SOURCE, step)
    step.emit(Note("storage", 0, "sound again: all is kept that waited"))


def refusal(command: c.Command, reason: str) -> c.Reply | None:
    """What is answered to what would have to be kept; None where the request has no word for it."""
    reason = f"nothing can be kept: {reason}"
    if isinstance(command, c.SetVariables):
        refused = [c.VariableSet(ref, attribute, "Rejected", reason) for ref, attribute, _ in command.items]
        return c.VariablesSet(tuple(refused))
    if isinstance(command, c.RequestStart):
        return c.StartRequested("Rejected", reason=reason)
    if isinstance(command, c.RequestStop | c.StopLocally | c.ChangeAvailability | c.ClearCache):
        return c.Status("Rejected", reason)
    return None
