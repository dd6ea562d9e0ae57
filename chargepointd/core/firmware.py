"""Firmware updates (L01; unsigned ones, L02 and 1.6 §5.18, where the owner of the station allows them).

The CSMS asks, the signing certificate is checked, then the answer is given (L01.FR.21). From there the update goes
through the states of `core.update`, each with a job or something to wait for: a time, the end of the transactions.
`follow` looks, after every step, whether the wait is over.

Every state is told (`core.firmware_news`). What an update needs is kept, so that it goes on where it was after a
restart; of an installation that was cut off the installer is asked what became of it.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chargepointd.core.commands import Status, TriggerMessage
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note, Reconnect, Restart, SaveState, StartJob, StopJob
from chargepointd.core.evse import Evse
from chargepointd.core.firmware_news import FirmwareNews
from chargepointd.core.jobs import JobFailed
from chargepointd.core.messages import FirmwareStatus
from chargepointd.core.outbox import Outbox
from chargepointd.core.topic import Act, Answer, Obey, Topic, Trigger
from chargepointd.core.tuples import NamedTuple

if TYPE_CHECKING:  # most stations that start have no update under way: `core.update` is imported when one is asked for
    from chargepointd.core.update import Installation, Update, Verified

ALLOW_NEW = "ChargingStation.AllowNewSessionsPendingFirmwareUpdate"
RETRY_S = 30.0
"""between two downloads, where the CSMS names no interval"""
RETRIES = 3
"""where the CSMS names no number, and the way to the server is at fault"""
FLUSH_S = 5.0
"""how long a restart waits for the CSMS to take what is still to be told; the rest is told after it"""

Hold = Callable[[bool, Step], None]
"""whether EVSEs that are free are out of service until further notice"""


class UpdateFirmware(NamedTuple):
    request_id: int | None
    """in every status told of it; None for the UpdateFirmware of 1.6, whose answer cannot say no either"""
    location: str
    """URL"""
    retrieve_at: float
    """UTC, s since 1970: not before"""
    install_at: float | None = None
    """UTC, s since 1970: not before; None: as soon as possible"""
    retries: int | None = None
    """further attempts to download after one that failed"""
    retry_interval_s: int | None = None
    certificate: str = ""
    """PEM: the signing certificate, or a chain, leaf first"""
    signature: str = ""
    """base64, over the whole image"""

    @property
    def unsigned(self) -> bool:
        return not (self.certificate or self.signature)


class Firmware(Topic):
    name = "firmware"

    def __init__(
        self,
        context: Context,
        outbox: Outbox,
        evses: Mapping[int, Evse],
        hold: Hold,
        saved: Any,
    ) -> None:
        self._context = context
        self._plan = context.plan.firmware
        self._outbox = outbox
        self._evses = evses
        """the seats of the lobby among them: their numbers are negative"""
        self._hold = hold
        self._update: Update | None = None
        self._news = FirmwareNews(context, outbox, self._told)
        self._checking: tuple[str, UpdateFirmware, Answer] | None = None
        """a request whose certificate is being checked, by the job of this id"""
        self._job = ""
        """the id of the job that is under way for the update"""
        self._jobs = 0
        self._retry_at = -NEVER
        self._restart_by = NEVER
        self._interrupted = False
        """an earlier process was installing; only the installer knows what became of it"""
        self._reconnects = False
        """the CSMS is to see the station come anew, as it does after a restart (TC_L_01)"""
        self._deadline = NEVER
        if saved:
            self._load(saved)

    def _load(self, saved: Any) -> None:
        from chargepointd.core.update import INTERRUPTED, loaded

        self._update = loaded(saved["update"]) if saved["update"] else None
        self._news.load(saved)
        self._interrupted = self._update is not None and self._update.state in INTERRUPTED

    def _save(self, step: Step) -> None:
        update = self._update
        kept = {"update": update and [list(update.request), *update[1:]], **self._news.kept()}
        step.emit(SaveState(self.name, kept if update or self._news.waiting else None))

    # -- what the CSMS asks --------------------------------------------------------------------------------------------

    def commands(self) -> Mapping[type, Obey]:
        return {UpdateFirmware: self._asked}

    def _asked(self, command: UpdateFirmware, step: Step, answer: Answer) -> None:
        """Rejected at once, or the answer comes when the certificate has been checked."""
        wrong = self._refusal(command)
        if wrong:
            answer(Status("Rejected", wrong), step)
            self._refused(command, wrong, step)
            return
        self._superseded(step)
        if command.unsigned:
            self._accept(command, step, answer)
            return
        from chargepointd.core.update import CheckSigner

        self._checking = (self._new_job("signer"), command, answer)
        step.emit(StartJob(self.name, self._checking[0], CheckSigner(command.certificate, step.utc)))

    def _refused(self, command: UpdateFirmware, wrong: str, step: Step) -> None:
        """Where the answer had no words for it, the status tells: nothing will come. While another update is under way
        it would be taken for that one's."""
        step.emit(Note("firmware", 0, f"update refused: {wrong}"))
        if command.request_id is None and self._update is None:
            self._news.add(None, "DownloadFailed")
            self._save(step)

    def _refusal(self, command: UpdateFirmware) -> str:
        if not self._plan.install_command:
            return "no installer is configured (firmware.install_command)"
        if not (command.certificate and command.signature) and not (command.unsigned and self._plan.allow_unsigned):
            return "unsigned firmware is not installed: signingCertificate and signature are needed"
        return self._immovable() or self._unreachable(command.location)

    def _immovable(self) -> str:
        """Why what is under way cannot be given up for something new."""
        update = self._update
        if update is None:
            return ""
        if not self._plan.can_cancel:  # L01.FR.27
            return "an update is under way, and is not given up (firmware.can_cancel)"
        return "" if update.after("cancelled") else "an installation is under way"

    def _unreachable(self, location: str) -> str:
        try:
            scheme, host = urlsplit(location).scheme.upper(), urlsplit(location).hostname
        except ValueError:
            scheme, host = "", None
        spoken = self._context.variables.members("OCPPCommCtrlr.FileTransferProtocols")
        if scheme not in spoken:
            return f"no protocol of this station: {', '.join(spoken) or 'none'}"
        return "" if host else "the location names no host"

    def _superseded(self, step: Step) -> None:
        """A CSMS that asks again has given up waiting for the answer."""
        if self._checking:
            job_id, _, answer = self._checking
            step.emit(StopJob(self.name, job_id))
            answer(Status("Rejected", "another request came before the answer"), step)

    def _checked(self, wrong: Any, command: UpdateFirmware, answer: Answer, step: Step) -> None:
        """The signing certificate; `wrong` is a text, or a `JobFailed`."""
        refused = wrong.reason if isinstance(wrong, JobFailed) else self._immovable()
        if refused:
            answer(Status("Rejected", refused), step)
        elif wrong:
            answer(Status("InvalidCertificate", wrong), step)
            self._context.happened("InvalidFirmwareSigningCertificate", wrong, step)
        else:
            self._accept(command, step, answer)

    def _accept(self, command: UpdateFirmware, step: Step, answer: Answer) -> None:
        from chargepointd.core.update import Update

        answer(Status("AcceptedCanceled" if self._update else "Accepted"), step)
        if self._update:
            self._happened("cancelled", step, "by a new request")
        self._update = Update(command)
        self._news.begin()
        self._retry_at = -NEVER
        what = "unsigned update" if command.unsigned else f"update {command.request_id}"
        step.emit(Note("firmware", 0, f"{what} accepted"))
        self._save(step)

    def triggers(self) -> Mapping[str, Trigger]:
        return {"FirmwareStatusNotification": self._triggered}

    def _triggered(self, command: TriggerMessage, step: Step) -> Status | Act:
        return lambda step: self._news.repeat(step, under_way=self._update is not None, numbered=command.numbered)

    # -- the states ----------------------------------------------------------------------------------------------------

    def _happened(self, event: str, step: Step, info: str = "", **facts: Any) -> None:
        """The update goes on to its next state, which is to be told."""
        assert self._update is not None
        after = self._update.after(event)
        assert after is not None, f"{event} in state {self._update.state}"
        self._stop(step)
        if after.told_as:
            self._news.add(after.request.request_id, after.told_as)
        step.emit(Note("firmware", 0, f"{after.state} {info}".rstrip(), {"request": after.request.request_id}))
        self._update = None if after.over else after._replace(**facts)
        self._save(step)

    def _stop(self, step: Step) -> None:
        if self._job:
            step.emit(StopJob(self.name, self._job))
            self._job = ""

    def _start(self, kind: str, job: Any, step: Step) -> None:
        self._job = self._new_job(kind)
        step.emit(StartJob(self.name, self._job, job))

    def _new_job(self, kind: str) -> str:
        """An id of its own: a job may end before it hears that it is stopped."""
        self._jobs += 1
        return f"{kind} {self._jobs}"

    def follow(self, step: Step) -> None:
        while (update := self._update) is not None:
            _FOLLOW[update.state](self, update, step)
            if self._update is update or (self._update and self._update.state == update.state):
                break
        self._hold(self._holds(step), step)
        self._news.tell(step)
        self._deadline = self._next(step)

    def _waiting(self, update: "Update", step: Step) -> None:
        """Accepted, DownloadScheduled, DownloadPaused."""
        if step.mono < self._moment(update.request.retrieve_at) or self._blocks_download():
            if update.after("delayed"):
                self._happened("delayed", step)
        else:
            self._happened("began", step)

    def _downloading(self, update: "Update", step: Step) -> None:
        if self._blocks_download():
            self._happened("paused", step)
        elif not self._job and step.mono >= self._retry_at:
            from chargepointd.core.update import FetchImage

            request = update.request
            job = FetchImage(request.location, image_name(request.location), self._plan.limit_bytes)
            self._start("download", job, step)

    def _downloaded(self, update: "Update", step: Step) -> None:
        if not self._job:
            from chargepointd.core.update import VerifyImage

            request = update.request
            job = VerifyImage(image_name(request.location), request.certificate, request.signature)
            self._start("verify", job, step)

    def _ready(self, update: "Update", step: Step) -> None:
        """SignatureVerified, Unsigned, InstallScheduled."""
        if self._install_due(update, step) and not self._blocks_install():
            self._happened("began", step)
        elif update.after("delayed"):
            self._happened("delayed", step)

    def _installing(self, update: "Update", step: Step) -> None:
        """Installing, InstallRebooting; Activating after the restart."""
        if self._job:
            return
        from chargepointd.core.update import AskInstaller, Installation, InstallImage

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

    def _to_be_activated(self, update: "Update", step: Step) -> None:
        if not self._in_use():
            self._happened("began", step)
            self._restart_by = step.mono + FLUSH_S

    def _activating(self, update: "Update", step: Step) -> None:
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

    def _install_due(self, update: "Update", step: Step) -> bool:
        at = update.request.install_at
        return at is None or step.mono >= self._moment(at)

    def _holds(self, step: Step) -> bool:
        """Free EVSEs are out of service: while transactions are waited for, if no new ones may begin (L01.FR.07), and
        while what bears no transaction is under way."""
        update = self._update
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

    def deadline(self) -> float:
        return self._deadline

    def _next(self, step: Step) -> float:
        moments = [NEVER, self._restart_by, self._news.deadline()]
        update = self._update
        if update:
            moments.append(self._moment(update.request.retrieve_at))
            moments.append(self._moment(update.request.install_at or -NEVER))
            moments.append(self._retry_at)
        return min([moment for moment in moments if moment > step.mono])

    # -- jobs ----------------------------------------------------------------------------------------------------------

    def job_told(self, job_id: str, news: Any, step: Step) -> None:
        if job_id != self._job:
            return
        step.emit(Note("firmware progress", 0, f"{job_id.partition(' ')[0]}: {news}"))
        if news == "rebooting" and self._update and self._update.after("rebooting"):
            self._restarting(step)
            self._rebooting(step)

    def _rebooting(self, step: Step) -> None:
        """The installer goes on meanwhile."""
        job, self._job = self._job, ""
        self._happened("rebooting", step)
        self._job = job

    def job_ended(self, job_id: str, outcome: Any, step: Step) -> None:
        if self._checking and job_id == self._checking[0]:
            _, command, answer = self._checking
            self._checking = None
            self._checked(outcome, command, answer, step)
        elif job_id == self._job:
            self._job = ""
            _ENDED[job_id.partition(" ")[0]](self, outcome, step)

    def _fetched(self, outcome: Any, step: Step) -> None:
        """None, `Unfetched`, or a `JobFailed`."""
        assert self._update is not None
        if outcome is None:
            self._happened("downloaded", step)
            return
        request, failures = self._update.request, self._update.failures + 1
        hopeless = isinstance(outcome, JobFailed) or outcome.hopeless
        retries = (0 if hopeless else RETRIES) if request.retries is None else request.retries
        if failures > retries:
            self._happened("failed", step, outcome.reason)
            return
        interval = RETRY_S if request.retry_interval_s is None else request.retry_interval_s
        self._retry_at = step.mono + interval
        self._update = self._update._replace(failures=failures)
        step.emit(Note("firmware", 0, f"download failed, again in {interval:.0f} s: {outcome.reason}"))
        self._save(step)

    def _verified(self, outcome: "Verified | JobFailed", step: Step) -> None:
        if isinstance(outcome, JobFailed):
            self._happened("failed", step, outcome.reason)
        elif outcome.result == "verified":
            assert self._update is not None
            event = "taken" if self._update.request.unsigned else "verified"
            self._happened(event, step, digest=outcome.info)
        else:
            self._happened(outcome.result, step, outcome.info)
            if outcome.result == "forged":
                self._context.happened("InvalidFirmwareSignature", outcome.info, step)

    def _installed(self, outcome: "Installation | JobFailed", step: Step) -> None:
        assert self._update is not None
        if self._update.state == "InstallRebooting" and not self._interrupted:
            step.emit(SaveState("boot_reason", None))  # it did not come to that
        interrupted, self._interrupted = self._interrupted, False
        if isinstance(outcome, JobFailed):
            self._happened("failed", step, outcome.reason)
        elif self._update.after(outcome.result):
            self._happened(outcome.result, step, outcome.info, hard=outcome.hard)
            self._reconnects = outcome.result == "installed" and not interrupted
        else:
            self._happened("failed", step, "the installer wants another restart after the one it asked for")

    def installing(self) -> bool:
        """A restart now would cut the installer off."""
        return self._update is not None and self._update.state in ("Installing", "InstallRebooting")

    def show(self) -> dict[str, Any] | None:
        update = self._update
        return update and {"request": update.request.request_id, "state": update.state}

    def _told(self, status: FirmwareStatus, step: Step) -> None:
        if status.status == "Installed":
            info = "unsigned" if status.request_id is None else f"request {status.request_id}"
            self._context.happened("FirmwareUpdated", info, step)  # L01.FR.31
            self._connect_anew(step)
        self._save(step)

    def _connect_anew(self, step: Step) -> None:
        """After an installation that took no restart."""
        if self._reconnects:
            self._reconnects = False
            step.emit(Reconnect("firmware updated"))


def image_name(location: str) -> str:
    """The name of the file on our disk. It ends as the one in the URL does: installers go by it."""
    _, dot, ending = urlsplit(location).path.rpartition("/")[2].rpartition(".")
    return f"image.{ending}" if dot and ending.isascii() and ending.isalnum() and len(ending) <= 10 else "image"


_FOLLOW: dict[str, Callable[[Firmware, "Update", Step], None]] = {
    "Accepted": Firmware._waiting,
    "DownloadScheduled": Firmware._waiting,
    "DownloadPaused": Firmware._waiting,
    "Downloading": Firmware._downloading,
    "Downloaded": Firmware._downloaded,
    "SignatureVerified": Firmware._ready,
    "Unsigned": Firmware._ready,
    "InstallScheduled": Firmware._ready,
    "Installing": Firmware._installing,
    "InstallRebooting": Firmware._installing,
    "ToBeActivated": Firmware._to_be_activated,
    "Activating": Firmware._activating,
}

_ENDED: dict[str, Callable[[Firmware, Any, Step], None]] = {
    "download": Firmware._fetched,
    "verify": Firmware._verified,
    "install": Firmware._installed,
    "status": Firmware._installed,
}
