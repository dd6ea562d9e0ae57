"""While nothing can be kept: the disk is full, read-only, or broken.

What is not kept may not be told, and what may not be told may not be billed: so nothing flows and nobody begins (a
fault on every EVSE opens the power paths at once), no record is told (`core.outbox`), and nothing is promised. A
transaction that runs goes on, or ends, as with any other fault that stops charging; its samples are not taken. What
tells how things are goes on: statuses, heartbeats, the boot, security events, the answers to questions. All else that
is asked is refused with the reason. When the disk is back the fault is gone, and what waited is told in its order.

A disk that fails again and again (a worn card pauses, and is back) would open and close the power paths for hours. From
its second failure on all is kept and told as soon as it can be, but the fault stays until the disk has been quiet for a
while, which doubles with each failure; it is forgotten when the disk was sound for an hour.
"""

from collections.abc import Callable, Mapping

from chargepointd.core import commands as c
from chargepointd.core.availability import Statuses
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note
from chargepointd.core.events import DamageMet, StorageFailed
from chargepointd.core.evse import Evse
from chargepointd.core.outbox import Outbox
from chargepointd.core.reports import GetBaseReport, GetReport
from chargepointd.core.topic import Topic
from chargepointd.core.values import Fault

SOURCE = "storage"
DAMAGE = "damage"
ANSWERED_S = 5.0
QUIET_S = (30.0, 1800.0)
"""how long a disk that has failed again has to be sound: at first, and at most"""
FORGOTTEN_S = 3600.0
WRITABLE = "make room on the disk, or make it writable, or replace it: all goes on by itself then"
REMEDY = "replace the card, or make room on it where it is full"
MAY = (c.TriggerMessage, c.Reset, c.UnlockConnector, c.TransferData, GetBaseReport, GetReport)
"""beside questions: what promises nothing that a power cut could take back. A restart may be what helps, and who is
plugged in must be able to leave"""


class Keeping(Topic):
    name = "keeping"

    def __init__(
        self,
        context: Context,
        outbox: Outbox,
        statuses: Statuses,
        evses: Mapping[int, Evse],
        restart_when_idle: Callable[[], None],
    ) -> None:
        self._restart_when_idle = restart_when_idle
        self._restart_at = NEVER
        """s, monotonic clock: when a restart is planned, for damage that was met"""
        self._context = context
        self._outbox = outbox
        self._statuses = statuses
        self._evses = evses
        self._failures = 0
        """without an hour between two of them"""
        self._sound_at = -NEVER
        """s, monotonic clock: when it was back from the last one"""
        self._held_s = 0.0
        """how long it has to be quiet, as told last"""
        self._until = NEVER
        """s, monotonic clock: it is believed if it fails no more before that"""

    def failed(self, event: StorageFailed, step: Step) -> None:
        context, before = self._context, self._context.unkept
        self._outbox.withdraw(event.unsent)
        if event.reason == before:
            return
        if not before:
            if step.mono - self._sound_at >= FORGOTTEN_S:
                self._failures, self._held_s = 0, 0.0
            self._failures += 1
            self._until = NEVER
        context.unkept = event.reason
        self._fault(f"nothing can be kept: {event.reason}", step)
        said = f"nothing can be kept, so nobody may charge: {event.reason}; {WRITABLE}"
        step.emit(Note("storage", 0, said))
        if not before and not context.suspect:
            context.happened("MemoryExhaustion", said, step)

    def sound(self, step: Step) -> None:
        reason, self._context.unkept, self._sound_at = self._context.unkept, "", step.mono
        if self._failures < 2:
            self._trust(step, "sound again: all is kept that waited")
            return
        held_s = min(QUIET_S[0] * 2 ** min(self._failures - 2, 10), QUIET_S[1])
        self._until = step.mono + held_s
        said = f"the disk has failed {self._failures} times, each within an hour of the last ({reason}): "
        said += f"nobody may charge before it has been sound for {_words(held_s)}; {REMEDY}"
        self._context.suspect = said
        self._fault(said, step)
        step.emit(Note("storage", 0, said))
        if held_s != self._held_s:
            self._held_s = held_s
            self._context.happened("MemoryExhaustion", said, step)

    def damage_met(self, event: DamageMet, step: Step) -> None:
        """It can wait until nobody charges: the next start saves what is whole. First who has asked gets the answer."""
        fault = Fault("InternalError", DAMAGE, event.what, stops_charging=False)
        self._statuses.station_faults[(fault.code, DAMAGE)] = fault
        self._restart_at = step.mono + ANSWERED_S
        step.emit(Note("storage", 0, event.what))

    def deadline(self) -> float:
        return min(self._until, self._restart_at)

    def tick(self, step: Step) -> None:
        if step.mono >= self._restart_at:
            self._restart_at = NEVER
            self._restart_when_idle()
        if step.mono >= self._until:
            self._trust(step, f"the disk was sound for {_words(self._held_s)}: it is believed again")

    def _fault(self, info: str, step: Step) -> None:
        fault = Fault("InternalError", SOURCE, info)
        self._statuses.station_faults[(fault.code, SOURCE)] = fault
        for evse in self._evses.values():
            evse.fault(fault, step)

    def _trust(self, step: Step, said: str) -> None:
        self._until, self._context.suspect = NEVER, ""
        self._statuses.station_faults.pop(("InternalError", SOURCE), None)
        for evse in self._evses.values():
            evse.mend("InternalError", SOURCE, step)
        step.emit(Note("storage", 0, said))


def _words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


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
