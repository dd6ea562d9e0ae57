"""Reset of the station or of an EVSE (B11, B12; 1.6 §5.14)."""

from collections.abc import Mapping
from typing import NamedTuple

from chargepointd.core.commands import Reset, Status
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note, Restart, SaveState
from chargepointd.core.evse import Cause, Evse
from chargepointd.core.outbox import Outbox

FLUSH_S = 5.0
"""how long a reset waits for the CSMS to take the last records; what is left is delivered after the boot"""


class Planned(NamedTuple):
    command: Reset
    restart_by: float


class Resets:
    def __init__(self, context: Context, outbox: Outbox, evses: Mapping[int, Evse]) -> None:
        self._context = context
        self._outbox = outbox
        self._evses = evses
        self._planned: Planned | None = None

    def reset(self, command: Reset, step: Step) -> Status:
        """Accepted; Scheduled where it waits for transactions to end; Rejected for an EVSE alone or a stranger."""
        if command.evse_id:
            # AllowReset is false for an EVSE alone: the boards of a station share one supply (B11.FR.09).
            return Status("Rejected", "an EVSE cannot be reset alone")
        busy = any(evse.transaction for evse in self._evses.values())
        self._planned = Planned(command, NEVER)
        return Status("Scheduled" if command.on_idle and busy else "Accepted")

    def begin(self, step: Step) -> None:
        """After the answer: end what runs, if it is not to be waited for."""
        if self._planned and not self._planned.command.on_idle:
            reason = "HardReset" if self._planned.command.hard else "ImmediateReset"
            for evse in self._evses.values():
                evse.stop(Cause("ResetCommand", reason), step)
            self._planned = self._planned._replace(restart_by=step.mono + FLUSH_S)

    def deadline(self) -> float:
        return self._planned.restart_by if self._planned else NEVER

    def tick(self, step: Step) -> None:
        """Restart as soon as nothing runs and the CSMS has all, or has had its time."""
        if self._planned is None or any(evse.transaction or evse.power_asked for evse in self._evses.values()):
            return
        command, by = self._planned
        if by == NEVER:
            self._planned = Planned(command, step.mono + FLUSH_S)
        if len(self._outbox) and self._context.online and step.mono < self._planned.restart_by:
            return
        self._planned = None
        reason = "ScheduledReset" if command.on_idle else "RemoteReset"
        step.emit(SaveState("boot_reason", reason))
        step.emit(Note("reset", 0, reason))
        step.emit(Restart(command.hard, reason))
