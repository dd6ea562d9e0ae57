"""Firmware updates (L01; unsigned ones, L02 and 1.6 §5.18, where the owner of the station allows them).

The CSMS asks, the signing certificate is checked, then the answer is given (L01.FR.21). How the update goes on from
there is in `core.updating`. Every state is told (`core.firmware_news`).
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chargepointd.core.commands import Status, TriggerMessage
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note, Reconnect, SaveState, StartJob, StopJob
from chargepointd.core.evse import Evse
from chargepointd.core.firmware_news import FirmwareNews
from chargepointd.core.jobs import JobFailed
from chargepointd.core.messages import FirmwareStatus
from chargepointd.core.outbox import Outbox
from chargepointd.core.topic import Act, Answer, Obey, Topic, Trigger
from chargepointd.core.tuples import NamedTuple

if TYPE_CHECKING:  # most stations that start have no update under way: imported when one is asked for
    from chargepointd.core.update import Update
    from chargepointd.core.updating import Updating

TOPIC = "firmware"

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
    name = TOPIC

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
        self._hold = hold
        self._updating: Updating | None = None
        """as soon as there was an update in this process"""
        self._news = FirmwareNews(context, outbox, self._told)
        self._checking: tuple[str, UpdateFirmware, Answer] | None = None
        """a request whose certificate is being checked, by the job of this id"""
        self._checks = 0
        self._deadline = NEVER
        if saved:
            self._load(saved)

    def _load(self, saved: Any) -> None:
        self._news.load(saved)
        if saved["update"]:
            from chargepointd.core.update import loaded

            self._made().resume(loaded(saved["update"]))

    def _made(self) -> "Updating":
        from chargepointd.core.updating import Updating

        if self._updating is None:
            self._updating = Updating(self._context, self._outbox, self._evses, self._news, self._save)
        return self._updating

    @property
    def _update(self) -> "Update | None":
        return self._updating.update if self._updating else None

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

        self._checks += 1
        self._checking = (f"signer {self._checks}", command, answer)
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
        updating = self._made()
        answer(Status("AcceptedCanceled" if updating.update else "Accepted"), step)
        if updating.update:
            updating.happened("cancelled", step, "by a new request")
        updating.begin(command)
        self._news.begin()
        what = "unsigned update" if command.unsigned else f"update {command.request_id}"
        step.emit(Note("firmware", 0, f"{what} accepted"))
        self._save(step)

    def triggers(self) -> Mapping[str, Trigger]:
        return {"FirmwareStatusNotification": self._triggered}

    def _triggered(self, command: TriggerMessage, step: Step) -> Status | Act:
        return lambda step: self._news.repeat(step, under_way=self._update is not None, numbered=command.numbered)

    # -- how it goes on ------------------------------------------------------------------------------------------------

    def follow(self, step: Step) -> None:
        updating = self._updating
        if updating is None and not self._news.waiting and self._deadline == NEVER:
            return  # as most of the time
        if updating:
            updating.follow(step)
        self._hold(updating is not None and updating.holds(step), step)
        self._news.tell(step)
        moments = [NEVER, self._news.deadline(), *(updating.moments() if updating else ())]
        self._deadline = min([moment for moment in moments if moment > step.mono])

    def deadline(self) -> float:
        return self._deadline

    def job_told(self, job_id: str, news: Any, step: Step) -> None:
        if self._updating:
            self._updating.job_told(job_id, news, step)

    def job_ended(self, job_id: str, outcome: Any, step: Step) -> None:
        if self._checking and job_id == self._checking[0]:
            _, command, answer = self._checking
            self._checking = None
            self._checked(outcome, command, answer, step)
        elif self._updating:
            self._updating.job_ended(job_id, outcome, step)

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
        if self._updating and self._updating.reconnects:
            self._updating.reconnects = False
            step.emit(Reconnect("firmware updated"))
