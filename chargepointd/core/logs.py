"""Logs for the CSMS: the diagnostics archive and the security log, uploaded on request (N01; 1.6 GetDiagnostics).

One upload at a time; a second request takes the place of the first (AcceptedCanceled). The request is kept until the
CSMS has heard how it went: after a restart the upload goes on, or its end is told again. `Uploading` is told once, when
the first attempt begins, and the failure once, when the last has failed.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chargepointd.core.commands import GetLog, LogPromised, Status, TriggerMessage
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note, SaveState, StartJob, StopJob
from chargepointd.core.jobs import JobFailed
from chargepointd.core.messages import LogStatus, Message
from chargepointd.core.outbox import Outbox, Outcome, unheard
from chargepointd.core.security import Logged, Security
from chargepointd.core.topic import Act, Answer, Obey, Topic, Trigger
from chargepointd.core.tuples import NamedTuple

RETRIES_MAX = 100
_FAILURES = {
    "BadMessage": "BadMessage",
    "PermissionDenied": "PermissionDenied",
    "NotSupportedOperation": "NotSupportedOperation",
}
"""kind of a failed transfer -> UploadLogStatusEnumType; else UploadFailure"""


class UploadLog(NamedTuple):
    """The job: make the file, leave it there. Returns "" or the kind of the failure (`jobs.transfer`)."""

    kind: str
    """LogEnumType"""
    name: str
    url: str
    oldest: float | None
    latest: float | None
    events: tuple[Logged, ...]
    """of the security log, in that time"""


class LogFailed(NamedTuple):
    kind: str
    """of `jobs.transfer.TransferFailed`"""
    reason: str


class Upload(NamedTuple):
    """The request that is obeyed."""

    command: GetLog
    name: str
    number: int
    """tells it from the one before: the id of its job"""
    tries_left: int
    told: str = ""
    """how it ended; until the CSMS has heard it"""


class Logs(Topic):
    name = "log"

    def __init__(self, context: Context, outbox: Outbox, security: Security, saved: Any = None) -> None:
        self._context = context
        self._outbox = outbox
        self._security = security
        self._upload = Upload(GetLog(*saved[0]), *saved[1:]) if saved else None
        self._retry_at = NEVER

    def commands(self) -> Mapping[type, Obey]:
        return {GetLog: self._get}

    def triggers(self) -> Mapping[str, Trigger]:
        return {"LogStatusNotification": self._triggered}

    def power_up(self, step: Step) -> None:
        """What the last process began goes on; what it could not tell any more is told."""
        upload = self._upload
        if upload and upload.told:
            self._tell(upload, upload.told, step)
        elif upload and upload.tries_left > 0:
            self._attempt(upload, step)
        elif upload:
            self._end(upload, "UploadFailure", step)

    # -- the request ---------------------------------------------------------------------------------------------------

    def _get(self, command: GetLog, step: Step, answer: Answer) -> None:
        running = self._running
        number = self._upload.number + 1 if self._upload else 1
        tries = 1 + min(max(0, command.retries), RETRIES_MAX)
        upload = Upload(command, self._name(command, step), number, tries)
        answer(LogPromised("AcceptedCanceled" if running else "Accepted", upload.name), step)
        if running:
            step.emit(StopJob(self.name, str(running.number)))
            self._tell(running, "AcceptedCanceled", step)
        step.emit(Note("log", 0, f"{command.kind} is asked for"))
        self._tell(upload, "Uploading", step)
        self._attempt(upload, step)

    def _name(self, command: GetLog, step: Step) -> str:
        station = re.sub(r"[^A-Za-z0-9_-]", "_", self._context.plan.id)
        at = datetime.fromtimestamp(step.utc, UTC).strftime("%Y%m%dT%H%M%SZ")
        kind, suffix = ("security", "jsonl") if command.kind == "SecurityLog" else ("diagnostics", "tar.gz")
        return f"{kind}-{station}-{at}.{suffix}"

    @property
    def _running(self) -> Upload | None:
        """None, too, when it is over and only the CSMS has not heard of it yet."""
        return self._upload if self._upload and not self._upload.told else None

    # -- attempts ------------------------------------------------------------------------------------------------------

    def _attempt(self, upload: Upload, step: Step) -> None:
        self._retry_at = NEVER
        self._keep(upload._replace(tries_left=upload.tries_left - 1), step)
        kind, oldest, latest = upload.command.kind, upload.command.oldest, upload.command.latest
        events = self._security.between(oldest, latest) if kind == "SecurityLog" else ()
        job = UploadLog(kind, upload.name, upload.command.url, oldest, latest, events)
        step.emit(StartJob(self.name, str(upload.number), job))

    def job_ended(self, job_id: str, outcome: Any, step: Step) -> None:
        upload = self._running
        if upload is None or str(upload.number) != job_id:
            return
        if not isinstance(outcome, LogFailed | JobFailed):
            step.emit(Note("log", 0, f"{upload.name} is uploaded"))
            self._end(upload, "Uploaded", step)
            return
        step.emit(Note("log", 0, f"{upload.name}: not uploaded: {outcome.reason}"))
        if upload.tries_left > 0:
            self._retry_at = step.mono + upload.command.retry_interval_s
        else:
            kind = outcome.kind if isinstance(outcome, LogFailed) else ""
            self._end(upload, _FAILURES.get(kind, "UploadFailure"), step)

    def _end(self, upload: Upload, status: str, step: Step) -> None:
        self._keep(upload._replace(told=status), step)
        self._tell(upload, status, step)

    def deadline(self) -> float:
        return self._retry_at

    def tick(self, step: Step) -> None:
        if self._running and step.mono >= self._retry_at:
            self._attempt(self._running, step)

    # -- what the CSMS hears -------------------------------------------------------------------------------------------

    def _tell(self, upload: Upload, status: str, step: Step) -> None:
        message = LogStatus(status, upload.command.request_id)

        def heard(_: Message, outcome: Outcome, step: Step) -> None:
            if self._upload and self._upload.number == upload.number and self._upload.told == status:
                self._keep(None, step)

        self._outbox.keep(self.name, self._context.new_id(), lambda: message, heard)

    def _triggered(self, command: TriggerMessage, step: Step) -> Status | Act:
        """F06.FR.14, .15"""
        running = self._running
        message = LogStatus("Uploading", running.command.request_id) if running else LogStatus("Idle")
        message = message._replace(numbered=command.numbered)
        return lambda step: self._outbox.say(message, unheard, step, asked=True)

    def _keep(self, upload: Upload | None, step: Step) -> None:
        self._upload = upload
        step.emit(SaveState("log", upload))
