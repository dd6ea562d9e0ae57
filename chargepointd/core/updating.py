"""How a firmware update goes on, once it is accepted: through the states of `core.update`, each with a job or something
to wait for: a time, the end of the transactions. `follow` looks, after every step, whether the wait is over.

Of an installation that was cut off by a restart the installer is asked what became of it.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note, Restart, SaveState, StartJob, StopJob
from chargepointd.core.evse import Evse
from chargepointd.core.firmware import TOPIC, UpdateFirmware
from chargepointd.core.firmware_news import FirmwareNews
from chargepointd.core.jobs import JobFailed
from chargepointd.core.outbox import Outbox
from chargepointd.core.update import (
    INTERRUPTED,
    AskInstaller,
    FetchImage,
    Installation,
    InstallImage,
    Update,
    Verified,
    VerifyImage,
)

ALLOW_NEW = "ChargingStation.AllowNewSessionsPendingFirmwareUpdate"
RETRY_S = 30.0
"""between two downloads, where the CSMS names no interval"""
RETRIES = 3
"""where the CSMS names no number, and the way to the server is at fault"""
FLUSH_S = 5.0
"""how long a restart waits for the CSMS to take what is still to be told; the rest is told after it"""


class Updating:
    """One update at a time; what it needs is kept by `save`, so that it goes on where it was after a restart."""

    def __init__(
        self,
        context: Context,
        outbox: Outbox,
        evses: Mapping[int, Evse],
        news: FirmwareNews,
        save: Callable[[Step], None],
    ) -> None:
        self._context = context
        self._plan = context.plan.firmware
        self._outbox = outbox
        self._evses = evses
        """the seats of the lobby among them: their numbers are negative"""
        self._news = news
        self._save = save
        self.update: Update | None = None
        """the one under way"""
        self._job = ""
        """the id of the job that is under way for it"""
        self._jobs = 0
        self._retry_at = -NEVER
        self._restart_by = NEVER
        self._interrupted = False
        """an earlier process was installing; only the installer knows what became of it"""
        self.reconnects = False
        """the CSMS is to see the station come anew, as it does after a restart (TC_L_01)"""

    def begin(self, request: UpdateFirmware) -> None:
        self.update = Update(request)
        self._retry_at = -NEVER

    def resume(self, update: Update) -> None:
        """Of an earlier process."""
        self.update = update
        self._interrupted = update.state in INTERRUPTED

    # -- the states ----------------------------------------------------------------------------------------------------

    def happened(self, event: str, step: Step, info: str = "", **facts: Any) -> None:
        """The update goes on to its next state, which is to be told."""
        assert self.update is not None
        after = self.update.after(event)
        assert after is not None, f"{event} in state {self.update.state}"
        self._stop(step)
        if after.told_as:
            self._news.add(after.request.request_id, after.told_as)
        step.emit(Note("firmware", 0, f"{after.state} {info}".rstrip(), {"request": after.request.request_id}))
        self.update = None if after.over else after._replace(**facts)
        self._save(step)

    def _stop(self, step: Step) -> None:
        if self._job:
            step.emit(StopJob(TOPIC, self._job))
            self._job = ""

    def _start(self, kind: str, job: Any, step: Step) -> None:
        self._jobs += 1
        self._job = f"{kind} {self._jobs}"  # of its own: a job may end before it hears that it is stopped
        step.emit(StartJob(TOPIC, self._job, job))

    def follow(self, step: Step) -> None:
        while (update := self.update) is not None:
            _FOLLOW[update.state](self, update, step)
            if self.update is update or (self.update and self.update.state == update.state):
                break

    def _waiting(self, update: Update, step: Step) -> None:
        """Accepted, DownloadScheduled, DownloadPaused."""
        if step.mono < self._moment(update.request.retrieve_at) or self._blocks_download():
            if update.after("delayed"):
                self.happened("delayed", step)
        else:
            self.happened("began", step)

    def _downloading(self, update: Update, step: Step) -> None:
        if self._blocks_download():
            self.happened("paused", step)
        elif not self._job and step.mono >= self._retry_at:
            request = update.request
            job = FetchImage(request.location, image_name(request.location), self._plan.limit_bytes)
            self._start("download", job, step)

    def _downloaded(self, update: Update, step: Step) -> None:
        if not self._job:
            request = update.request
            job = VerifyImage(image_name(request.location), request.certificate, request.signature)
            self._start("verify", job, step)

    def _ready(self, update: Update, step: Step) -> None:
        """SignatureVerified, Unsigned, InstallScheduled."""
        if self._install_due(update, step) and not self._blocks_install():
            self.happened("began", step)
        elif update.after("delayed"):
            self.happened("delayed", step)

    def _installing(self, update: Update, step: Step) -> None:
        """Installing, InstallRebooting; Activating after the restart."""
        if self._job:
            return
        plan, name = self._plan, image_name(update.request.location)
        if not self._interrupted:
            self._start("install", InstallImage(plan.install_command, name, update.digest, plan.timeout_s), step)
        elif plan.status_command:
            self._start("status", AskInstaller(plan.status_command, name, update.state, plan.timeout_s), step)
        elif update.state == "Activating":
            self._installed(Installation("installed"), step)
        else:
            reason = "cut off; no firmware.status_command is configured that could tell what became of it"
            self._installed(Installation("failed", reason), step)

    def _to_be_activated(self, update: Update, step: Step) -> None:
        if not self._in_use():
            self.happened("began", step)
            self._restart_by = step.mono + FLUSH_S

    def _activating(self, update: Update, step: Step) -> None:
        if self._interrupted:
            self._installing(update, step)
            return
        told = not self._news.waiting and not len(self._outbox)
        if self._in_use() or not (told or not self._context.online or step.mono >= self._restart_by):
            return
        if not any(evse.power_asked for evse in self._evses.values()) and self._restart_by < NEVER:
            self._restart_by = NEVER
            self._restarting(step)
            retries = self._context.variables.integer("OCPPCommCtrlr.ResetRetries")
            step.emit(Restart(update.hard, "FirmwareUpdate", retries))

    def _restarting(self, step: Step) -> None:
        step.emit(SaveState("boot_reason", "FirmwareUpdate"))

    # -- what is waited for --------------------------------------------------------------------------------------------

    def _moment(self, at: float) -> float:
        """A moment of UTC on the monotonic clock."""
        return at - self._context.clock.utc(0.0)

    def _in_use(self) -> bool:
        """A transaction, or somebody who was authorized and may be about to begin one."""
        return any(evse.transaction is not None or evse.session.authorized for evse in self._evses.values())

    def _chosen(self) -> bool:
        """Somebody was authorized and is about to choose one of the free EVSEs."""
        return any(evse.id < 0 and evse.session.authorized for evse in self._evses.values())

    def _blocks_download(self) -> bool:
        return not self._plan.download_during_transactions and self._in_use()

    def _blocks_install(self) -> bool:
        """L01.FR.06"""
        return not self._plan.during_transactions and self._in_use()

    def _install_due(self, update: Update, step: Step) -> bool:
        at = update.request.install_at
        return at is None or step.mono >= self._moment(at)

    def holds(self, step: Step) -> bool:
        """Free EVSEs are out of service: while transactions are waited for, if no new ones may begin (L01.FR.07), and
        while what bears no transaction is under way."""
        update = self.update
        if update is None:
            return False
        plan = self._plan
        if update.state in ("Installing", "InstallRebooting"):
            return not plan.during_transactions or update.state == "InstallRebooting"
        if update.state == "Activating":
            return True
        if self._context.variables.boolean(ALLOW_NEW) or self._chosen():
            return False
        if update.state == "ToBeActivated":
            return True
        if update.state == "InstallScheduled":
            return not plan.during_transactions and self._install_due(update, step)
        due = step.mono >= self._moment(update.request.retrieve_at)
        return not plan.download_during_transactions and due

    def moments(self) -> list[float]:
        """At which something may be due, s, monotonic clock."""
        moments = [self._restart_by]
        update = self.update
        if update:
            moments.append(self._moment(update.request.retrieve_at))
            moments.append(self._moment(update.request.install_at or -NEVER))
            moments.append(self._retry_at)
        return moments

    # -- jobs ----------------------------------------------------------------------------------------------------------

    def job_told(self, job_id: str, news: Any, step: Step) -> None:
        if job_id != self._job:
            return
        step.emit(Note("firmware progress", 0, f"{job_id.partition(' ')[0]}: {news}"))
        if news == "rebooting" and self.update and self.update.after("rebooting"):
            self._restarting(step)
            self._rebooting(step)

    def _rebooting(self, step: Step) -> None:
        """The installer goes on meanwhile."""
        job, self._job = self._job, ""
        self.happened("rebooting", step)
        self._job = job

    def job_ended(self, job_id: str, outcome: Any, step: Step) -> None:
        if job_id == self._job:
            self._job = ""
            _ENDED[job_id.partition(" ")[0]](self, outcome, step)

    def _fetched(self, outcome: Any, step: Step) -> None:
        """None, `Unfetched`, or a `JobFailed`."""
        assert self.update is not None
        if outcome is None:
            self.happened("downloaded", step)
            return
        request, failures = self.update.request, self.update.failures + 1
        hopeless = isinstance(outcome, JobFailed) or outcome.hopeless
        retries = (0 if hopeless else RETRIES) if request.retries is None else request.retries
        if failures > retries:
            self.happened("failed", step, outcome.reason)
            return
        interval = RETRY_S if request.retry_interval_s is None else request.retry_interval_s
        self._retry_at = step.mono + interval
        self.update = self.update._replace(failures=failures)
        step.emit(Note("firmware", 0, f"download failed, again in {interval:.0f} s: {outcome.reason}"))
        self._save(step)

    def _verified(self, outcome: Verified | JobFailed, step: Step) -> None:
        if isinstance(outcome, JobFailed):
            self.happened("failed", step, outcome.reason)
        elif outcome.result == "verified":
            assert self.update is not None
            event = "taken" if self.update.request.unsigned else "verified"
            self.happened(event, step, digest=outcome.info)
        else:
            self.happened(outcome.result, step, outcome.info)
            if outcome.result == "forged":
                self._context.happened("InvalidFirmwareSignature", outcome.info, step)

    def _installed(self, outcome: Installation | JobFailed, step: Step) -> None:
        assert self.update is not None
        if self.update.state == "InstallRebooting" and not self._interrupted:
            step.emit(SaveState("boot_reason", None))  # it did not come to that
        interrupted, self._interrupted = self._interrupted, False
        if isinstance(outcome, JobFailed):
            self.happened("failed", step, outcome.reason)
        elif self.update.after(outcome.result):
            self.happened(outcome.result, step, outcome.info, hard=outcome.hard)
            self.reconnects = outcome.result == "installed" and not interrupted
        else:
            self.happened("failed", step, "the installer wants another restart after the one it asked for")


def image_name(location: str) -> str:
    """The name of the file on our disk. It ends as the one in the URL does: installers go by it."""
    _, dot, ending = urlsplit(location).path.rpartition("/")[2].rpartition(".")
    return f"image.{ending}" if dot and ending.isascii() and ending.isalnum() and len(ending) <= 10 else "image"


_FOLLOW: dict[str, Callable[[Updating, Update, Step], None]] = {
    "Accepted": Updating._waiting,
    "DownloadScheduled": Updating._waiting,
    "DownloadPaused": Updating._waiting,
    "Downloading": Updating._downloading,
    "Downloaded": Updating._downloaded,
    "SignatureVerified": Updating._ready,
    "Unsigned": Updating._ready,
    "InstallScheduled": Updating._ready,
    "Installing": Updating._installing,
    "InstallRebooting": Updating._installing,
    "ToBeActivated": Updating._to_be_activated,
    "Activating": Updating._activating,
}

_ENDED: dict[str, Callable[[Updating, Any, Step], None]] = {
    "download": Updating._fetched,
    "verify": Updating._verified,
    "install": Updating._installed,
    "status": Updating._installed,
}
