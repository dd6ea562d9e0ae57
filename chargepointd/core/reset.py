"""Reset of the station or of one EVSE (B11, B12; 1.6 §5.14); a loss of power that is told before it comes.

What runs is waited for, or ended, or interrupted (2.1 B13): then its energy is stopped, that is told when the meter has
been read, before a restart of the station who is plugged in is let go, and `core.resumption` has it go on.

The station restarts as a program. An EVSE is reset in steps, while the others go on: its transaction is waited for or
ended, its power path opened, then its devices are made safe and asked anew; what they said before is forgotten, what
was decided stays. Meanwhile its connectors are Unavailable.

    Waiting ──no transaction──► Ending ──power path open──► Restarting ──devices anew──► Listening ──pilot spoke──► over
                                                              ▲    │
                                                              └────┘ failed: again after RETRY_S, ResetRetries times
"""

from collections.abc import Callable, Mapping
from typing import Literal

from chargepointd.core.availability import Statuses
from chargepointd.core.commands import Reset, Status
from chargepointd.core.consequences import LAST_READING_S, NO_CAUSE, Cause
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note, Restart, RestartEvse, SaveState
from chargepointd.core.events import EvseRestarted, GridChanged
from chargepointd.core.evse import Evse
from chargepointd.core.facts import RESUMPTION_TIMEOUT
from chargepointd.core.outbox import Outbox
from chargepointd.core.topic import Answer
from chargepointd.core.tuples import NamedTuple

FLUSH_S = 5.0
"""how long a reset waits for the CSMS to take the last records; what is left is delivered after the boot"""
ENDING_S = LAST_READING_S + 2.0
"""a power path that is not open by then is made safe all the same"""
LISTEN_S = 10.0
"""a pilot that is silent for longer is a fault, told as such"""
RETRY_S = 5.0
DIP_S = 1.0
"""a grid that is back by then was not away"""


class Planned(NamedTuple):
    """A reset of the station."""

    command: Reset
    restart_by: float
    interrupts: bool = False
    """what runs is interrupted, or is being so"""

    @property
    def waits(self) -> bool:
        """For an installation alone: what it is to end, or to interrupt, still runs."""
        begun = self.interrupts if self.command.resumes else self.restart_by < NEVER
        return not (self.command.on_idle or begun)


class Single(NamedTuple):
    """A reset of one EVSE."""

    state: Literal["Waiting", "Ending", "Restarting", "Failed", "Listening"]
    by: float = NEVER
    failures: int = 0


class Resets:
    def __init__(self, context: Context, outbox: Outbox, evses: Mapping[int, Evse], statuses: Statuses) -> None:
        self._context = context
        self._outbox = outbox
        self._evses = evses
        self._statuses = statuses
        self._planned: Planned | None = None
        self._singles: dict[int, Single] = {}
        self.on_battery = False
        """the grid is away, a back-up supply runs"""
        self._end_all_at = NEVER
        self.not_now: Callable[[], bool] = lambda: False
        """something is under way that a restart would spoil"""

    def obey(self, command: Reset, step: Step, answer: Answer) -> None:
        status = self._plan(command)
        answer(status, step)
        if status.status == "Accepted":
            self._begin(command, step)

    def when_idle(self) -> None:
        """A restart for the station's own sake, unless there is one to come."""
        if self._planned is None:
            self._planned = Planned(Reset(on_idle=True), NEVER)

    def _plan(self, command: Reset) -> Status:
        """Accepted; Scheduled where it waits for transactions, or for an installation, to end; Rejected for an EVSE
        that cannot be reset alone (B11.FR.09), or that is none, and where nothing would go on (B13.FR.01)."""
        if command.resumes and (reason := self._resumes_nothing()):
            return Status("Rejected", reason)
        waits = command.on_idle and any(evse.transaction for evse in self._concerned(command))
        if not command.evse_id:
            waits = waits or self.not_now()
            interrupts = self._planned is not None and self._planned.interrupts
            if not (command.on_idle and interrupts):  # it comes sooner than asked for
                self._planned = Planned(command, NEVER, interrupts)
        elif command.evse_id < 0 or command.evse_id not in self._evses:
            return Status("Rejected", f"no EVSE {command.evse_id}")
        elif not self._evses[command.evse_id].plan.allow_reset:
            return Status("Rejected", "this EVSE cannot be reset alone")
        elif waits:  # one that is under way comes sooner than asked for
            self._singles.setdefault(command.evse_id, Single("Waiting"))
        return Status("Scheduled" if waits else "Accepted")

    def _resumes_nothing(self) -> str:
        if not self._context.keeps:
            return f"nothing can be kept: {self._context.unkept}"
        allowed = self._context.variables.integer(RESUMPTION_TIMEOUT)
        return "" if allowed else f"{RESUMPTION_TIMEOUT} is 0: no transaction goes on after a reset"

    def _concerned(self, command: Reset) -> list[Evse]:
        return [evse for evse in self._evses.values() if command.evse_id in (0, evse.id)]

    def _begin(self, command: Reset, step: Step) -> None:
        """End what runs, or interrupt it, if it is not to be waited for."""
        if command.evse_id:
            self._end(self._evses[command.evse_id], step, resumes=command.resumes)
        elif self._planned and command.resumes:
            self._context.restarting = True
            self._planned = self._planned._replace(interrupts=True)
            for evse in self._evses.values():
                evse.interrupt(step)
        elif self._planned and not command.on_idle:
            self._context.restarting = True  # who came in the meantime would have the reset wait for hours
            reason = "HardReset" if command.hard else "ImmediateReset"
            for evse in self._evses.values():
                evse.stop(Cause("ResetCommand", reason), step)
            self._planned = self._planned._replace(restart_by=step.mono + FLUSH_S)

    def grid_changed(self, event: GridChanged, step: Step) -> None:
        """The back-up supply lasts for a last reading and the messages, not for charging: what runs ends, and nobody
        begins until the grid is back. A dip that is over at once ends nothing."""
        if event.lost == self.on_battery:
            return
        self.on_battery = event.lost
        step.emit(Note("supply", 0, "the grid is away, the back-up supply runs" if event.lost else "the grid is back"))
        planned = self._planned is not None and not (self._planned.command.on_idle or self._planned.waits)
        self._context.restarting = event.lost or planned
        self._end_all_at = step.mono + DIP_S if event.lost else NEVER
        for evse in self._evses.values():
            evse.settle(evse.conditions(), NO_CAUSE, step)

    def _end_all_if_due(self, step: Step) -> None:
        if step.mono >= self._end_all_at:
            self._end_all_at = NEVER
            for evse in self._evses.values():
                evse.stop(Cause("AbnormalCondition", "PowerLoss"), step)

    def deadline(self) -> float:
        singles = min([single.by for single in self._singles.values()]) if self._singles else NEVER
        restart_by = self._planned.restart_by if self._planned and not self._busy() else NEVER
        return min(restart_by, singles, self._end_all_at)

    def _busy(self) -> bool:
        """What runs has its own deadlines, and is waited for; what rests only for the reset of its EVSE goes on."""
        runs = _runs if self._planned and self._planned.interrupts else _has_one
        return self.not_now() or any(runs(evse) or evse.power_asked for evse in self._evses.values())

    def tick(self, step: Step) -> None:
        self._end_all_if_due(step)
        for evse_id, single in list(self._singles.items()):
            self._advance(self._evses[evse_id], single, step)
        self._restart_if_due(step)

    # -- the station ---------------------------------------------------------------------------------------------------

    def _restart_if_due(self, step: Step) -> None:
        """Restart as soon as nothing runs and the CSMS has all, or has had its time."""
        planned = self._planned
        if planned and planned.waits and not self.not_now():
            self._begin(planned.command, step)
        if self._planned is None or self._busy():
            return
        command = self._planned.command
        if self._planned.restart_by == NEVER:
            self._planned = self._planned._replace(restart_by=step.mono + FLUSH_S)
            for evse in self._evses.values():
                evse.let_go(step)
        waits = (len(self._outbox) and self._context.online) or any(_holds(evse) for evse in self._evses.values())
        if waits and step.mono < self._planned.restart_by:
            return
        self._planned = None
        reason = "ScheduledReset" if command.on_idle else "RemoteReset"
        step.emit(SaveState("boot_reason", reason))
        step.emit(Note("reset", 0, reason))
        step.emit(Restart(command.hard, reason, self._retries()))

    def _retries(self) -> int:
        return self._context.variables.integer("OCPPCommCtrlr.ResetRetries")

    # -- one EVSE ------------------------------------------------------------------------------------------------------

    def _advance(self, evse: Evse, single: Single, step: Step) -> None:
        late = step.mono >= single.by
        if single.state == "Waiting" and evse.transaction is None:
            self._end(evse, step)
        elif (late and single.state in ("Ending", "Failed")) or (single.state == "Ending" and _at_rest(evse)):
            self._restart(evse, single.failures, step)
        elif single.state == "Listening" and (late or evse.seen):
            self._over(evse, step)

    def _end(self, evse: Evse, step: Step, *, resumes: bool = False) -> None:
        """Out of service, and what runs there ends (B12.FR.08), or is interrupted (B13.FR.10)."""
        step.emit(Note("reset", evse.id, "begins"))
        single = self._singles.get(evse.id)
        if single is None or single.state != "Restarting":  # its devices are asked anew as it is
            self._singles[evse.id] = Single("Ending", step.mono + ENDING_S)
        evse.resetting = True
        if resumes:
            evse.interrupt(step)
        else:
            evse.stop(Cause("ResetCommand", "ImmediateReset"), step)
        self._statuses.tell(step)

    def _restart(self, evse: Evse, failures: int, step: Step) -> None:
        self._singles[evse.id] = Single("Restarting", failures=failures)
        evse.forget(step)
        step.emit(RestartEvse(evse.id))

    def restarted(self, event: EvseRestarted, step: Step) -> None:
        """Its devices are as new; or one could not be made safe, or does not answer."""
        evse, single = self._evses[event.evse_id], self._singles.get(event.evse_id)
        if single is None or single.state != "Restarting":
            return
        if not event.failed:
            self._singles[evse.id] = Single("Listening", step.mono + LISTEN_S)
            return
        step.emit(Note("reset", evse.id, f"failed: {event.failed}"))
        if single.failures < self._retries():
            self._singles[evse.id] = Single("Failed", step.mono + RETRY_S, single.failures + 1)
        else:
            self._over(evse, step)

    def _over(self, evse: Evse, step: Step) -> None:
        del self._singles[evse.id]
        evse.resetting = False
        self._statuses.forget(evse.id)
        if self._planned is None or not self._planned.interrupts:
            evse.resume(step)
        self._statuses.tell(step)
        step.emit(Note("reset", evse.id, "over"))


def _at_rest(evse: Evse) -> bool:
    return not (_runs(evse) or evse.power_asked or evse.power_on)


def _has_one(evse: Evse) -> bool:
    return evse.transaction is not None


def _runs(evse: Evse) -> bool:
    return _has_one(evse) and not evse.rests


def _holds(evse: Evse) -> bool:
    """A plug that is to be let go, and is not yet."""
    if evse.interrupting != "LettingGo":
        return False
    return any(locked and not evse.power.keeps_plug(evse, number) for number, locked in evse.locked.items())
