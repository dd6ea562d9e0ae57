"""Firmware updates: what is told, in which order, what is waited for, and what a power cut leaves of it (L01)."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core import update as u
from chargepointd.core.firmware import UpdateFirmware
from chargepointd.core.firmware_news import RETELL_S
from chargepointd.core.jobs import JobFailed
from chargepointd.core.plan import FirmwarePlan
from chargepointd.core.updating import RETRY_S, image_name
from tests.core.world import PLAN, World

INSTALLER = FirmwarePlan(("install",))
ASKED = FirmwarePlan(("install",), ("status",))
ALLOW_NEW = {"ChargingStation.AllowNewSessionsPendingFirmwareUpdate": "true"}
DIGEST = "00ff"
DONE = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed"]


class Depot(World):
    """A station with an installer. Its jobs are done when the test says how: `ends`."""

    def __init__(
        self, firmware: FirmwarePlan = INSTALLER, variables: dict[str, str] | None = None, version: str = "2.0.1"
    ) -> None:
        self.jobs: dict[str, Any] = {}
        """by id, those that run"""
        self.ran: list[str] = []
        self.reconnects = 0
        super().__init__(version, variables, plan=PLAN._replace(firmware=firmware))

    def boot(self) -> None:
        self.jobs.clear()
        super().boot()

    def _obey(self, effect: Any) -> None:
        if isinstance(effect, f.SendCall) and not self.linked:
            return  # the link went in this step
        super()._obey(effect)
        if isinstance(effect, f.Reconnect) and self.linked:
            self.offline().online()
            self.reconnects += 1
        if isinstance(effect, f.StartJob) and effect.topic == "firmware":
            self.jobs[effect.id] = effect.job
            self.ran.append(type(effect.job).__name__)
        elif isinstance(effect, f.StopJob):
            self.jobs.pop(effect.id, None)

    def ends(self, outcome: Any, kind: type | None = None) -> "Depot":
        """The only job that runs ends so."""
        (job_id, job), *others = self.jobs.items()
        assert not others
        assert kind is None or type(job) is kind, job
        del self.jobs[job_id]
        self.tell(e.JobEnded("firmware", job_id, outcome))
        return self

    def news(self, news: Any) -> "Depot":
        (job_id,) = self.jobs
        self.tell(e.JobTold("firmware", job_id, news))
        return self

    def update(self, request_id: int = 1, signer: Any = "", **fields: Any) -> str:
        """The CSMS asks; the status of the answer, after its certificate was checked."""
        command = UpdateFirmware(
            request_id, "https://fw.example/image.bin", 0.0, certificate="PEM", signature="c2ln"
        )._replace(**fields)
        given = self.ask(command)
        if given is None:
            (job_id,) = [n for n, job in self.jobs.items() if isinstance(job, u.CheckSigner)]
            del self.jobs[job_id]
            self.tell(e.JobEnded("firmware", job_id, signer))
            given = self.replies[f"csms-{self._next_call}"]
        return str(given.status)

    def fetched(self) -> "Depot":
        return self.ends(None, u.FetchImage)

    def verified(self) -> "Depot":
        return self.fetched().ends(u.Verified("verified", DIGEST), u.VerifyImage)

    @property
    def told_of(self) -> list[tuple[int | None, str]]:
        """As the CSMS got them, repeats of one that was not answered left out."""
        return [tuple(row[:2]) for row in self.told(m.FirmwareStatus)]

    def statuses_of(self, request_id: int = 1) -> list[str]:
        return [status for number, status in self.told_of if number == request_id]

    @property
    def events(self) -> list[str]:
        return [event.kind for event in self.told(m.SecurityEvent)]

    @property
    def shown(self) -> dict[int, str]:
        return {evse: self.statuses[(evse, 1)] for evse in (1, 2)}


@pytest.fixture
def depot() -> Depot:
    w = Depot()
    w.online()
    return w


def charging(w: Depot) -> Depot:
    w.plug().present("CARD1", 1).after(10)
    assert w.on[1]
    return w


def leave(w: Depot) -> Depot:
    w.present("CARD1", 1).after(10).unplug()
    return w


# -- the answer --------------------------------------------------------------------------------------------------------


def test_an_update_from_request_to_installed(depot: Depot) -> None:
    assert depot.update() == "Accepted"
    depot.verified()
    assert depot.statuses_of() == DONE[:-1]
    job = next(iter(depot.jobs.values()))
    assert job.command == ("install",)
    assert job.digest == DIGEST
    assert job.name == "image.bin"
    depot.ends(u.Installation("installed"), u.InstallImage)
    assert depot.statuses_of() == DONE
    assert depot.events[-1] == "FirmwareUpdated"
    assert depot.reconnects == 1
    assert depot.shown == {1: "Available", 2: "Available"}
    assert depot.disk.state["firmware"] is None


def test_a_technician_sees_it(depot: Depot) -> None:
    assert depot.station.firmware.show() is None
    depot.update(7)
    assert depot.station.firmware.show() == {"request": 7, "state": "Downloading"}


def test_without_an_installer_nothing_is_accepted() -> None:
    w = Depot(FirmwarePlan())
    w.online()
    assert w.update() == "Rejected"
    assert not w.told(m.FirmwareStatus)
    assert w.variables.text("FirmwareCtrlr.Available") == "false"


@pytest.mark.parametrize("missing", ["certificate", "signature"])
def test_unsigned_firmware_is_refused(depot: Depot, missing: str) -> None:
    assert depot.update(**{missing: ""}) == "Rejected"
    assert not depot.ran


UNSIGNED = {"certificate": "", "signature": ""}
UNSIGNED_1_6 = UNSIGNED | {"request_id": None}
OPEN = INSTALLER._replace(allow_unsigned=True)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_unsigned_firmware_where_the_owner_allows_it(version: str) -> None:
    w = Depot(OPEN, version=version)
    w.online()
    assert w.variables.text("FirmwareCtrlr.AllowUnsigned") == "true"
    number = None if version == "1.6" else 4
    assert w.update(**UNSIGNED_1_6 | {"request_id": number}) == "Accepted"
    w.fetched()
    w.ends(u.Verified("verified", DIGEST), u.VerifyImage)
    w.ends(u.Installation("installed"), u.InstallImage)
    assert w.told_of == [(number, s) for s in ("Downloading", "Downloaded", "Installing", "Installed")]
    assert w.ran == ["FetchImage", "VerifyImage", "InstallImage"], "no certificate to check"
    assert w.events[-1] == "FirmwareUpdated"


@pytest.mark.parametrize("missing", ["certificate", "signature"])
def test_half_a_signature_is_none_even_where_none_is_needed(missing: str) -> None:
    w = Depot(OPEN)
    w.online()
    assert w.update(**{missing: ""}) == "Rejected"
    assert not w.ran


def test_a_forged_image_is_not_let_in_where_none_needs_a_signature() -> None:
    w = Depot(OPEN)
    w.online()
    w.update()
    w.fetched().ends(u.Verified("forged", "no"), u.VerifyImage)
    assert w.statuses_of() == ["Downloading", "Downloaded", "InvalidSignature"]


def test_a_request_that_has_no_answer_is_refused_by_its_status(depot: Depot) -> None:
    """1.6: UpdateFirmware.conf is empty."""
    assert depot.update(**UNSIGNED_1_6) == "Rejected"
    assert depot.told_of == [(None, "DownloadFailed")]
    assert not depot.ran
    assert depot.disk.state["firmware"] is None


def test_a_refused_request_is_not_told_as_the_end_of_another(depot: Depot) -> None:
    depot.update()
    assert depot.update(**UNSIGNED_1_6) == "Rejected"
    assert depot.told_of == [(1, "Downloading")]


def test_an_unsigned_update_goes_on_over_a_power_cut() -> None:
    w = Depot(OPEN, version="1.6")
    w.online()
    w.update(**UNSIGNED_1_6)
    w.plug().present("CARD1", 1).fetched()
    w.ends(u.Verified("verified", DIGEST), u.VerifyImage)
    w.cut()
    w.online()
    assert not w.jobs, "the transaction is waited for"
    w.unplug().ends(u.Installation("installed"), u.InstallImage)
    assert w.told_of[-1] == (None, "Installed")


def test_a_status_that_is_refused_is_told_again_but_not_for_ever(depot: Depot) -> None:
    depot.refuses[m.FirmwareStatus] = "InternalError"
    depot.update()
    depot.after(RETELL_S)
    assert depot.statuses_of() == ["Downloading"] * 2
    depot.after(2 * RETELL_S).after(600)
    assert depot.statuses_of() == ["Downloading"] * 3
    depot.refuses[m.FirmwareStatus] = "NotSupported"
    depot.fetched().after(600)
    assert depot.statuses_of()[3:] == ["Downloaded"], "it never will"
    depot.refuses.clear()
    depot.ends(u.Verified("forged", "no"))
    assert depot.statuses_of()[4:] == ["InvalidSignature"]


def test_a_trigger_is_answered_in_the_message_it_asks_for(depot: Depot) -> None:
    for numbered in (False, True):
        depot.ask(c.TriggerMessage("FirmwareStatusNotification", numbered=numbered))
    depot.update()
    depot.ask(c.TriggerMessage("FirmwareStatusNotification", numbered=True))
    assert depot.told(m.FirmwareStatus) == [
        m.FirmwareStatus(None, "Idle", asked=True, numbered=False),
        m.FirmwareStatus(None, "Idle", asked=True, numbered=True),
        m.FirmwareStatus(1, "Downloading"),
        m.FirmwareStatus(1, "Downloading", asked=True, numbered=True),
    ]


@pytest.mark.parametrize("location", ["", "image.bin", "gopher://x/y", "https:///image", "http://[x", "ftp:image"])
def test_a_location_that_cannot_be_reached_is_refused(depot: Depot, location: str) -> None:
    assert depot.update(location=location) == "Rejected"
    assert not depot.ran


def test_a_bad_certificate_is_refused_and_told(depot: Depot) -> None:
    assert depot.update(signer="expired") == "InvalidCertificate"
    assert depot.events[-1] == "InvalidFirmwareSigningCertificate"
    assert depot.ran == ["CheckSigner"]
    assert not depot.told_of


def test_a_bad_certificate_does_not_cancel_what_is_under_way(depot: Depot) -> None:
    depot.update(1)
    assert depot.update(2, signer="expired") == "InvalidCertificate"
    depot.verified().ends(u.Installation("installed"))
    assert depot.statuses_of(1) == DONE
    assert not depot.statuses_of(2)


def test_a_check_that_fails_is_a_refusal(depot: Depot) -> None:
    assert depot.update(signer=JobFailed("a bug")) == "Rejected"


def test_asked_again_before_the_answer(depot: Depot) -> None:
    first = UpdateFirmware(1, "https://fw.example/a", 0.0, certificate="PEM", signature="c2ln")
    assert depot.ask(first) is None
    assert depot.update(2) == "Accepted"
    assert depot.replies["csms-1"].status == "Rejected"
    assert {number for number, _ in depot.told_of} == {2}


# -- cancelling --------------------------------------------------------------------------------------------------------


def test_a_new_request_cancels_a_download(depot: Depot) -> None:
    depot.update(1)
    assert depot.update(2) == "AcceptedCanceled"
    assert depot.told_of == [(1, "Downloading"), (1, "DownloadFailed"), (2, "Downloading")]
    assert len(depot.jobs) == 1
    depot.verified().ends(u.Installation("installed"))
    assert depot.statuses_of(2) == DONE


@pytest.mark.parametrize("waits", [False, True])
def test_a_new_request_is_refused_where_what_has_begun_is_finished(waits: bool) -> None:
    depot = Depot(FirmwarePlan(("install",), can_cancel=False)).online()
    at = depot.utc + 60 if waits else 0.0
    assert depot.update(1, retrieve_at=at) == "Accepted"
    assert depot.update(2) == "Rejected"
    depot.after(61)
    depot.verified().ends(u.Installation("installed"))
    assert depot.statuses_of(1)[-1] == "Installed"
    assert not depot.statuses_of(2)
    assert depot.update(3) == "Accepted", "the next one finds nothing under way"


def test_a_new_request_cancels_what_waits(depot: Depot) -> None:
    depot.update(1, install_at=depot.utc + 3600)
    depot.verified()
    assert depot.update(2, retrieve_at=depot.utc + 60) == "AcceptedCanceled"
    assert depot.told_of[-2:] == [(1, "InstallationFailed"), (2, "DownloadScheduled")]
    assert depot.update(3) == "AcceptedCanceled"
    assert depot.told_of[-2:] == [(2, "DownloadFailed"), (3, "Downloading")]


def test_what_is_being_installed_is_not_cancelled(depot: Depot) -> None:
    depot.update(1)
    depot.verified()
    assert depot.update(2) == "Rejected"
    depot.ends(u.Installation("installed"), u.InstallImage)
    assert depot.statuses_of(1) == DONE


def test_a_download_that_ends_as_it_is_cancelled_counts_for_nobody(depot: Depot) -> None:
    depot.update(1)
    (late,) = depot.jobs
    depot.update(2)
    depot.tell(e.JobEnded("firmware", late, None))
    depot.tell(e.JobTold("firmware", late, 5))
    assert depot.told_of[-1] == (2, "Downloading")


# -- downloads ---------------------------------------------------------------------------------------------------------


def test_retries_as_the_csms_wants_them(depot: Depot) -> None:
    depot.update(retries=2, retry_interval_s=7)
    for _ in range(2):
        depot.ends(u.Unfetched("gone", hopeless=True), u.FetchImage)
        assert not depot.jobs
        depot.after(6)
        assert not depot.jobs
        depot.after(2)
    depot.ends(u.Unfetched("gone", hopeless=True), u.FetchImage)
    depot.after(100)
    assert depot.statuses_of() == ["Downloading", "DownloadFailed"]
    assert not depot.jobs


def test_retries_of_our_own_only_where_they_may_help(depot: Depot) -> None:
    depot.update()
    depot.ends(u.Unfetched("cut off", hopeless=False))
    depot.after(RETRY_S + 1)
    depot.ends(u.Unfetched("not there", hopeless=True))
    assert depot.statuses_of() == ["Downloading", "DownloadFailed"]


def test_retries_are_counted_over_a_restart(depot: Depot) -> None:
    depot.update(retries=1, retry_interval_s=0)
    depot.ends(u.Unfetched("gone", hopeless=False))
    depot.cut()
    depot.online()
    depot.ends(u.Unfetched("gone", hopeless=False))
    assert depot.statuses_of() == ["Downloading", "DownloadFailed"]


def test_a_forged_image_is_not_installed(depot: Depot) -> None:
    depot.update()
    depot.fetched().ends(u.Verified("forged", "not by this certificate"))
    assert depot.statuses_of() == ["Downloading", "Downloaded", "InvalidSignature"]
    assert depot.events[-1] == "InvalidFirmwareSignature"
    assert not depot.jobs


def test_an_image_that_is_gone_is_no_forgery(depot: Depot) -> None:
    depot.update()
    depot.fetched().ends(u.Verified("failed", "no such file"))
    assert depot.statuses_of() == ["Downloading", "Downloaded", "InstallationFailed"]
    assert "InvalidFirmwareSignature" not in depot.events


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("https://x/a/fw-1.2.raucb", "image.raucb"), ("ftp://x/fw.deb?a=/b.c", "image.deb"), ("http://x/fw", "image"),
        ("http://x/..%2F", "image"), ("http://x/a.b/", "image"), ("http://x/a.;rm -rf", "image"), ("http://x", "image"),
    ],
)  # fmt: skip
def test_the_image_keeps_its_ending(location: str, name: str) -> None:
    assert image_name(location) == name


# -- waiting -----------------------------------------------------------------------------------------------------------


def test_later_survives_restarts(depot: Depot) -> None:
    depot.update(retrieve_at=depot.utc + 100, install_at=depot.utc + 300)
    assert depot.statuses_of() == ["DownloadScheduled"]
    depot.cut()
    depot.online().after(90)
    assert depot.statuses_of() == ["DownloadScheduled"]
    depot.after(20)
    depot.verified()
    assert depot.statuses_of() == ["DownloadScheduled", "Downloading", "Downloaded", "SignatureVerified",
                                   "InstallScheduled"]  # fmt: skip
    assert depot.shown == {1: "Available", 2: "Available"}, "nobody is kept off before it is time"
    depot.cut()
    depot.online().after(170)
    assert depot.statuses_of()[-1] == "InstallScheduled"
    depot.after(30)
    assert depot.statuses_of()[-1] == "Installing"


def test_an_installation_waits_for_transactions_and_keeps_others_off(depot: Depot) -> None:
    charging(depot).update()
    depot.verified()
    assert depot.statuses_of()[-1] == "InstallScheduled"
    assert depot.shown == {1: "Occupied", 2: "Unavailable"}
    depot.cut()
    depot.online().after(10)
    assert depot.on[1]
    assert depot.shown == {1: "Occupied", 2: "Unavailable"}
    leave(depot)
    assert depot.statuses_of()[-1] == "Installing"
    assert depot.shown == {1: "Unavailable", 2: "Unavailable"}
    depot.ends(u.Installation("installed"), u.InstallImage)
    assert depot.shown == {1: "Available", 2: "Available"}
    assert depot.statuses_of()[-1] == "Installed"


def test_free_evses_are_kept_free_in_every_version(version: str) -> None:
    w = Depot(version=version)
    w.online()
    charging(w).update()
    w.verified()
    assert w.shown[2] == "Unavailable"
    w.plug(2).present("CARD2", 2).after(10)
    assert not w.on[2]
    w.unplug(2)
    leave(w)
    assert w.shown == {1: "Unavailable", 2: "Unavailable"}
    w.ends(u.Installation("restart needed"), u.InstallImage)
    w.online()
    assert w.shown == {1: "Available", 2: "Available"}
    if version == "1.6":
        assert w.statuses[(0, 0)] == "Available"


def test_new_sessions_where_they_are_allowed() -> None:
    w = Depot(variables=ALLOW_NEW)
    w.online()
    charging(w).update()
    w.verified()
    assert w.shown == {1: "Occupied", 2: "Available"}
    w.plug(2).present("CARD2", 2).after(10)
    leave(w).after(10)
    assert w.statuses_of()[-1] == "InstallScheduled"
    w.present("CARD2", 2).after(10)
    assert w.statuses_of()[-1] == "Installing"
    assert w.shown == {1: "Unavailable", 2: "Unavailable"}, "nobody begins in the middle of it"


def test_what_was_out_of_service_stays_so(depot: Depot) -> None:
    depot.ask(c.ChangeAvailability(False, 2, 0))
    depot.update()
    depot.verified().ends(u.Installation("installed"))
    assert depot.shown == {1: "Available", 2: "Unavailable"}


def test_who_has_just_presented_a_card_is_waited_for(depot: Depot) -> None:
    depot.present("CARD1", 1)
    depot.update()
    depot.verified()
    assert depot.statuses_of()[-1] == "InstallScheduled"
    depot.plug().after(10)
    assert depot.on[1]
    leave(depot)
    assert depot.statuses_of()[-1] == "Installing"


def test_who_may_still_choose_an_evse_finds_one(depot: Depot) -> None:
    charging(depot).present("CARD2", 1, 2)
    depot.update()
    depot.verified()
    assert depot.shown == {1: "Occupied", 2: "Available"}
    depot.plug(2).after(10)
    assert depot.on[2]
    leave(depot)
    assert depot.shown[1] == "Unavailable"
    depot.present("CARD2", 1, 2).after(10).unplug(2)
    assert depot.statuses_of()[-1] == "Installing"


def test_an_installer_that_disturbs_nobody() -> None:
    w = Depot(FirmwarePlan(("install",), during_transactions=True))
    w.online()
    charging(w).update()
    w.verified()
    assert w.shown == {1: "Occupied", 2: "Available"}
    w.ends(u.Installation("restart needed"), u.InstallImage)
    assert w.shown == {1: "Occupied", 2: "Unavailable"}, "the restart waits (L01.FR.33)"
    assert not w.restarts
    leave(w).after(1)
    assert [restart.reason for restart in w.restarts] == ["FirmwareUpdate"]
    w.online()
    assert w.statuses_of() == [*DONE[:-1], "InstallRebooting", "Installed"]


def test_a_download_that_waits_for_transactions() -> None:
    w = Depot(FirmwarePlan(("install",), download_during_transactions=False))
    w.online()
    charging(w).update()
    assert w.statuses_of() == ["DownloadScheduled"]
    assert w.shown == {1: "Occupied", 2: "Unavailable"}
    leave(w)
    assert w.statuses_of() == ["DownloadScheduled", "Downloading"]


def test_a_download_that_a_transaction_interrupts() -> None:
    w = Depot(FirmwarePlan(("install",), download_during_transactions=False), ALLOW_NEW)
    w.online()
    w.update()
    charging(w)
    assert w.statuses_of() == ["Downloading", "DownloadPaused"]
    assert not w.jobs
    leave(w)
    w.verified()
    assert w.statuses_of()[1:] == ["DownloadPaused", *DONE[:-1]]


# -- the installer -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "status"), [("failed", "InstallationFailed"), ("unfit", "InstallVerificationFailed")]
)
def test_an_installation_that_fails(depot: Depot, result: str, status: str) -> None:
    depot.update()
    depot.verified().ends(u.Installation(result, "why"))
    assert depot.statuses_of()[-1] == status
    assert "FirmwareUpdated" not in depot.events
    assert depot.shown == {1: "Available", 2: "Available"}


def test_the_station_restarts_to_use_what_was_installed(depot: Depot) -> None:
    depot.update()
    depot.verified().ends(u.Installation("restart needed", hard=True))
    assert [restart.hard for restart in depot.restarts] == [True]
    assert depot.disk.state["boot_reason"] is None, "used up by the boot"
    depot.online()
    assert depot.told(m.Boot)[-1].reason == "FirmwareUpdate"
    assert depot.statuses_of() == [*DONE[:-1], "InstallRebooting", "Installed"]
    assert depot.events[-1] == "FirmwareUpdated"
    assert depot.reconnects == 0
    assert depot.shown == {1: "Available", 2: "Available"}


def test_the_installer_is_asked_after_the_restart() -> None:
    w = Depot(ASKED)
    w.online()
    w.update()
    w.verified().ends(u.Installation("restart needed"))
    w.online()
    assert w.shown == {1: "Unavailable", 2: "Unavailable"}
    w.ends(u.Installation("failed", "the old one was booted"), u.AskInstaller)
    assert w.statuses_of()[-2:] == ["InstallRebooting", "InstallationFailed"]
    assert w.shown == {1: "Available", 2: "Available"}


def test_a_restart_is_not_asked_for_again_and_again() -> None:
    w = Depot(ASKED)
    w.online()
    w.update()
    w.verified().ends(u.Installation("restart needed"))
    w.online()
    w.ends(u.Installation("restart needed"), u.AskInstaller)
    assert w.statuses_of()[-1] == "InstallationFailed"
    assert len(w.restarts) == 1


@pytest.mark.parametrize("result", ["installed", "failed"])
def test_an_installation_that_was_cut_off_is_asked_for(result: str) -> None:
    w = Depot(ASKED)
    w.online()
    w.update()
    w.verified().cut()
    w.online()
    w.ends(u.Installation(result), u.AskInstaller)
    assert w.statuses_of()[-1] == ("Installed" if result == "installed" else "InstallationFailed")
    assert w.ran.count("InstallImage") == 1


def test_an_installation_that_nobody_knows_of_has_failed(depot: Depot) -> None:
    depot.update()
    depot.verified().cut()
    depot.online()
    assert depot.statuses_of() == [*DONE[:-1], "InstallationFailed"]


def test_an_installer_that_restarts_the_board_itself() -> None:
    w = Depot(ASKED)
    w.online()
    w.update()
    w.verified().news("progress 40").news("rebooting").news("rebooting").cut()
    w.online()
    assert w.told(m.Boot)[-1].reason == "FirmwareUpdate"
    w.ends(u.Installation("installed"), u.AskInstaller)
    assert w.statuses_of() == [*DONE[:-1], "InstallRebooting", "Installed"]


def test_an_installer_that_did_not_restart_after_all(depot: Depot) -> None:
    depot.update()
    depot.verified().news("rebooting").ends(u.Installation("failed"))
    assert depot.statuses_of()[-2:] == ["InstallRebooting", "InstallationFailed"]
    depot.cut()
    depot.online()
    assert depot.told(m.Boot)[-1].reason == "PowerUp"


@pytest.mark.parametrize("on_idle", [True, False])
def test_a_reset_waits_for_the_installer(depot: Depot, on_idle: bool) -> None:
    depot.update()
    depot.verified()
    assert depot.ask(c.Reset(on_idle)).status == "Scheduled"
    depot.after(60)
    assert not depot.restarts
    depot.ends(u.Installation("installed"), u.InstallImage).after(1)
    assert [restart.reason for restart in depot.restarts] == ["ScheduledReset" if on_idle else "RemoteReset"]
    depot.online()
    assert depot.statuses_of() == DONE


def test_a_reset_does_not_wait_for_a_download(depot: Depot) -> None:
    depot.update()
    assert depot.ask(c.Reset(False)).status == "Accepted"
    assert len(depot.restarts) == 1
    depot.online().verified()
    assert depot.statuses_of() == DONE[:-1]


# -- telling -----------------------------------------------------------------------------------------------------------


def test_all_is_told_in_order_after_the_link_was_gone(depot: Depot) -> None:
    depot.update()
    depot.offline()
    depot.verified().ends(u.Installation("restart needed"))
    assert len(depot.restarts) == 1
    depot.online()
    assert depot.statuses_of() == [*DONE[:-1], "InstallRebooting", "Installed"]
    assert depot.events[-1] == "FirmwareUpdated"


def test_what_was_not_answered_is_told_again(depot: Depot) -> None:
    depot.mute = True
    depot.update()
    depot.after(31)
    depot.mute = False
    depot.after(RETELL_S + 1)
    depot.fetched()
    assert depot.statuses_of() == ["Downloading", "Downloading", "Downloaded"]


def test_what_was_not_answered_is_told_again_after_a_restart() -> None:
    depot = Depot(FirmwarePlan(("install",), during_transactions=True))
    depot.online()
    depot.update()
    depot.verified()
    depot.mute = True
    depot.ends(u.Installation("installed"))
    assert depot.events[-1] != "FirmwareUpdated", "it comes after the status"
    depot.mute = False
    depot.cut()
    depot.online()
    assert depot.statuses_of()[-2:] == ["Installed", "Installed"]
    assert depot.events[-1] == "FirmwareUpdated"
    depot.cut()
    depot.online().after(60)
    assert depot.statuses_of().count("Installed") == 2


def trigger(w: Depot) -> list[tuple[int | None, str]]:
    before = len(w.told_of)
    assert w.ask(c.TriggerMessage("FirmwareStatusNotification", 1)).status == "Accepted"
    return w.told_of[before:]


def test_the_triggered_status(depot: Depot) -> None:
    assert trigger(depot) == [(None, "Idle")]
    depot.update()
    assert trigger(depot) == [(1, "Downloading")]
    depot.verified()
    assert trigger(depot) == [(1, "Installing")]
    depot.ends(u.Installation("installed"))
    assert trigger(depot) == [(None, "Idle")]


def test_the_triggered_status_does_not_overtake(depot: Depot) -> None:
    depot.slow = True
    depot.update()
    depot.verified()
    assert trigger(depot) == []
    for _ in range(20):
        depot.answer()
    assert depot.statuses_of() == ["Downloading", "Downloading", *DONE[1:-1]]


# -- whatever the order ------------------------------------------------------------------------------------------------

_AFTER = {
    "": {"DownloadScheduled", "Downloading"},
    "DownloadScheduled": {"Downloading", "DownloadFailed"},
    "Downloading": {"DownloadPaused", "Downloaded", "DownloadFailed"},
    "DownloadPaused": {"Downloading", "DownloadFailed"},
    "Downloaded": {"SignatureVerified", "InvalidSignature", "InstallationFailed"},
    "SignatureVerified": {"InstallScheduled", "Installing", "InstallationFailed"},
    "InstallScheduled": {"Installing", "InstallationFailed"},
    "Installing": {"InstallRebooting", "Installed", "InstallVerificationFailed", "InstallationFailed"},
    "InstallRebooting": {"InstallRebooting", "Installed", "InstallVerificationFailed", "InstallationFailed"},
}
"""what may follow a status, by the diagrams of L01"""
OVER = {"DownloadFailed", "InvalidSignature", "Installed", "InstallVerificationFailed", "InstallationFailed"}

_OUTCOMES: dict[type, tuple[Any, ...]] = {
    u.CheckSigner: ("", "expired"),
    u.FetchImage: (None, None, u.Unfetched("cut off", False), u.Unfetched("not there", True), JobFailed("a bug")),
    u.VerifyImage: (
        u.Verified("verified", DIGEST),
        u.Verified("verified", DIGEST),
        u.Verified("forged", "forged"),
        JobFailed("a bug"),
    ),
    u.InstallImage: tuple(u.Installation(result) for result in ("installed", "restart needed", "unfit", "failed")),
    u.AskInstaller: tuple(u.Installation(result) for result in ("installed", "restart needed", "unfit", "failed")),
}


class Fate:
    """What may happen to a station in the middle of an update."""

    def __init__(self, w: Depot) -> None:
        self.w = w
        self.requests = 0

    def ask(self, n: int) -> None:
        self.requests += 1
        at = (0.0, self.w.utc + 20)[n & 1]
        install_at = (None, self.w.utc + 40)[n >> 1 & 1]
        self.w.ask(UpdateFirmware(self.requests, "http://h/x", at, install_at, None, 5, "PEM", "c2ln"))

    def end(self, n: int) -> None:
        for job_id, job in list(self.w.jobs.items())[:1]:
            del self.w.jobs[job_id]
            outcomes = _OUTCOMES[type(job)]
            self.w.tell(e.JobEnded("firmware", job_id, outcomes[n % len(outcomes)]))

    def reboots(self, _: int) -> None:
        for job_id, job in list(self.w.jobs.items()):
            if isinstance(job, u.InstallImage | u.AskInstaller):
                self.w.tell(e.JobTold("firmware", job_id, "rebooting"))

    def act(self, name: str, n: int) -> None:
        acts: dict[str, Callable[[int], Any]] = {
            "ask": self.ask,
            "end": self.end,
            "reboots": self.reboots,
            "online": lambda _: self.w.online(),
            "offline": lambda _: self.w.offline(),
            "cut": lambda _: self.w.cut(),
            "cut in": lambda n: self.w.cut_in(1 + n % 3, committed=n % 2 == 0),
            "wait": lambda n: self.w.after((1, 15, 60)[n % 3]),
            "plug": lambda _: self.w.plug(),
            "unplug": lambda _: self.w.unplug(),
            "card": lambda _: self.w.present("CARD1", 1),
            "mute": lambda n: setattr(self.w, "mute", n % 2 == 0),
        }
        acts[name](n)


ACTS = ("ask", "end", "end", "end", "reboots", "online", "offline", "cut", "cut in", "wait", "plug", "unplug", "card",
        "mute")  # fmt: skip
PLANS = (
    INSTALLER,
    ASKED,
    FirmwarePlan(("install",), during_transactions=True),
    FirmwarePlan(("install",), ("status",), download_during_transactions=False),
    FirmwarePlan(("install",), ("status",), allow_unsigned=True),
)


@given(
    st.sampled_from(PLANS),
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 7)), min_size=5, max_size=40),
)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_each_request_is_told_in_order_to_one_end(
    plan: FirmwarePlan, allow: bool, acts: list[tuple[str, int]]
) -> None:
    w = Depot(plan, ALLOW_NEW if allow else None)
    fate = Fate(w)
    w.online()
    fate.ask(0)
    for name, n in acts:
        fate.act(name, n)
    _to_the_end(w, fate)
    for number in range(1, fate.requests + 1):
        _in_order(_once(w.statuses_of(number)))
    assert w.shown == {1: "Available", 2: "Available"}


def _to_the_end(w: Depot, fate: Fate) -> None:
    """Everything is given its time: the driver goes, the link is there, every job ends."""
    w.mute = False
    w.offline()
    w.online().after(1)
    w.unplug().after(200)
    for _ in range(8):
        for _ in range(4):
            fate.end(0)
        w.online().after(100)
    assert not w.jobs
    assert not w.disk.state.get("firmware")


def _once(statuses: list[str]) -> list[str]:
    """Without repeats: the same again at once is one that was not answered, or not known to be."""
    return [status for n, status in enumerate(statuses) if n == 0 or statuses[n - 1] != status]


def _in_order(statuses: list[str]) -> None:
    for before, after in zip(["", *statuses], statuses, strict=False):
        assert after in _AFTER.get(before, set()), f"{after} after {before or 'nothing'}: {statuses}"
    if statuses:
        assert statuses[-1] in OVER, statuses
