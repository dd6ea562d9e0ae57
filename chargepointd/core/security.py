"""The security log, and what of it the CSMS is told (A04; 2.0.1 part 2, appendix "Security events").

Every event is logged, durably, in a ring. Those that the standard calls critical, and those it wants to be reported
where they arise, are told by SecurityEventNotification, in order and as often as it takes: over a loss of the link, and
over a restart. Topics say what happened by `context.happened(kind, info, step)`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from chargepointd.core import commands as c
from chargepointd.core.boot import Registration
from chargepointd.core.clock import Righting
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note, SaveSecurityEvent, SaveState, SettleSecurityEvent
from chargepointd.core.messages import Message, SecurityEvent
from chargepointd.core.outbox import Outbox, Outcome, Refused
from chargepointd.core.topic import Answer, Obey, Topic
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Stamp

KEPT = 2000
"""entries; the oldest goes first, told or not"""
SILENT = "SecurityCtrlr.DisableSecurityEventNotifications"
"""what happens while it is true is logged and never told"""
INFO_LIMIT = 255
"""characters, SecurityEventNotification.techInfo"""
QUIET_S = 600.0
"""an invalid message is logged; what else is invalid within that time is only counted"""
TOLD = frozenset((
    # critical
    "FirmwareUpdated", "SettingSystemTime", "StartupOfTheDevice", "ResetOrReboot", "SecurityLogWasCleared",
    "MemoryExhaustion", "TamperDetectionActivated", "MaintenanceLoginAccepted", "MaintenanceLoginFailed",
    # ours: a person has to come
    "StateDamaged",
    # wanted where they arise: A00.FR.310, .316, .419; A02.FR.07, .28; L01.FR.02, .03
    "InvalidCsmsCertificate", "InvalidTLSVersion", "InvalidTLSCipherSuite", "InvalidChargingStationCertificate",
    "InvalidFirmwareSignature", "InvalidFirmwareSigningCertificate", "DiscardedRenewedClientCertificate",
    "DiscardedRenewedClientCertificate",  # A02.FR.29
))  # fmt: skip
_THIS_LOG = frozenset(("all that was kept", "rows of security"))
"""in words of `storage.salvage`"""
LOST = "lost"
"""the state that names what was found lost on the disk, until it is told"""
_RESETS = ("RemoteReset", "ScheduledReset", "LocalReset", "ApplicationReset", "Watchdog", "FirmwareUpdate")


class Logged(NamedTuple):
    id: int
    kind: str
    stamp: Stamp
    info: str = ""
    message_id: str = ""
    """of the message that still is to be delivered; empty: none"""


class Security(Topic):
    name = "security"

    def __init__(
        self,
        context: Context,
        outbox: Outbox,
        registration: Registration,
        saved: Iterable[Logged] = (),
        lost: bool = False,
        damaged: tuple[str, ...] = (),
    ) -> None:
        self._lost = lost
        self.damaged = damaged
        """what this process found damaged, at its start or since"""
        self._context = context
        self._outbox = outbox
        self._registration = registration
        self._log = {entry.id: entry for entry in saved}
        self._next_id = max(self._log, default=0) + 1
        self._quiet_until = -NEVER
        self._uncounted = 0
        context.happened = self.happened
        for entry in self._log.values():
            self._deliver(entry)

    def commands(self) -> Mapping[type, Obey]:
        return {c.ShowSecurityLog: self._show}

    # -- what happened -------------------------------------------------------------------------------------------------

    def happened(self, kind: str, info: str, step: Step) -> None:
        """kind: a security event of the standard. info: for a person, without secrets."""
        told = kind in TOLD and not self._context.variables.boolean(SILENT)
        message_id = self._context.new_id() if told else ""
        entry = Logged(self._next_id, kind, self._context.clock.stamp(step.mono), info[:INFO_LIMIT], message_id)
        self._next_id += 1
        self._keep(entry, step)
        step.emit(Note("security", 0, f"{kind}: {info}" if info else kind))
        self._deliver(entry)
        if len(self._log) > KEPT:
            self._log.pop(next(iter(self._log)))

    def _keep(self, entry: Logged, step: Step) -> None:
        self._log[entry.id] = entry
        step.emit(SaveSecurityEvent(entry.id, entry.kind, entry.stamp.at, entry.info, entry.message_id))

    def _deliver(self, entry: Logged) -> None:
        if not entry.message_id:
            return

        def message() -> Message | None:
            now = self._log.get(entry.id)  # its time may have been put right
            return SecurityEvent(now.kind, now.stamp.at, now.info) if now else None

        def heard(_: Message, outcome: Outcome, step: Step) -> None:
            if isinstance(outcome, Refused):
                step.emit(Note("security", 0, f"{entry.kind}: not taken by the CSMS: {outcome.code}"))
            if entry.id in self._log:  # else so much has happened since it was told that it is the ring's no more
                self._log[entry.id] = self._log[entry.id]._replace(message_id="")
                step.emit(SettleSecurityEvent(entry.id))

        self._outbox.keep("security", entry.message_id, message, heard)

    def put_right(self, right: Righting, step: Step) -> None:
        """The clock was wrong: what was logged before it was known gets the time that was."""
        for entry in list(self._log.values()):
            at = right.fact(entry.stamp.at)
            if at != entry.stamp.at:
                self._keep(entry._replace(stamp=entry.stamp._replace(at=at, sure=True)), step)

    def clock_changed(self, right: Righting, why: str, step: Step) -> None:
        if abs(right.change_s) > self._context.variables.integer("ClockCtrlr.TimeAdjustmentReportingThreshold"):
            self.happened("SettingSystemTime", f"{why} ({right.change_s:+.1f} s)", step)

    # -- what this topic sees itself -----------------------------------------------------------------------------------

    def power_up(self, step: Step) -> None:
        """TC_B_01"""
        if _THIS_LOG & set(self.damaged):
            self.happened("SecurityLogWasCleared", "by damage on the disk", step)
        if self._lost or self.damaged:
            self.happened("StateDamaged", _listed(self.damaged), step)
            step.emit(SaveState(LOST, None))
        reason = self._registration.reason
        self.happened("ResetOrReboot" if reason in _RESETS else "StartupOfTheDevice", reason, step)

    def changed(self, names: list[str], step: Step) -> None:
        of_security = [name for name in names if name.startswith("SecurityCtrlr.")]
        if of_security:
            self.happened("ReconfigurationOfSecurityParameters", ", ".join(of_security), step)

    def invalid_message(self, reason: str, step: Step) -> None:
        if step.mono < self._quiet_until:
            self._uncounted += 1
            return
        more = f" (and {self._uncounted} more before)" if self._uncounted else ""
        self._quiet_until, self._uncounted = step.mono + QUIET_S, 0
        self.happened("InvalidMessages", reason[:200] + more, step)

    def storage_low(self, free_bytes: int, step: Step) -> None:
        self.happened("MemoryExhaustion", f"{free_bytes // 1_000_000} MB are left on the disk", step)

    def damage_met(self, what: str, step: Step) -> None:
        self.damaged = (*self.damaged, what)
        self.happened("StateDamaged", what, step)

    # -- what others ask -----------------------------------------------------------------------------------------------

    def between(self, oldest: float | None, latest: float | None) -> tuple[Logged, ...]:
        """The log, oldest first; oldest, latest: UTC, s since 1970, both included."""
        first, last = -NEVER if oldest is None else oldest, NEVER if latest is None else latest
        return tuple(entry for entry in self._log.values() if first <= entry.stamp.at <= last)

    def _show(self, command: c.ShowSecurityLog, step: Step, answer: Answer) -> None:
        entries = list(self._log.values())[-command.limit :] if command.limit else []
        answer(c.Shown({"kept": len(self._log), "events": [shown(entry) for entry in entries]}), step)


def _listed(lost: tuple[str, ...]) -> str:
    """As many as there is room for."""
    if not lost:
        return "the database was damaged on the disk, and all of it was saved"
    text = f"changed on the disk, not used: {'; '.join(lost)}"
    return text if len(text) <= INFO_LIMIT else f"{text[: INFO_LIMIT - 20]}… ({len(lost)} in all)"


def shown(entry: Logged) -> dict[str, Any]:
    """settled: sent, refused by the CSMS, or not to be told."""
    return {
        "id": entry.id,
        "at": entry.stamp.at,
        "kind": entry.kind,
        "info": entry.info,
        "state": "waiting" if entry.message_id else "settled" if entry.kind in TOLD else "logged",
    }
