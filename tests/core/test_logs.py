"""The CSMS asks for a log, and hears how it went: once, and whatever happens in between (N01)."""

from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core.jobs import JobFailed
from chargepointd.core.logs import LogFailed
from tests.core.world import World

URL = "ftp://u:p@host/logs/"
NOT_FOUND = LogFailed("NotFound", "no such folder")


class Uploading(World):
    """Notes the jobs; the test says how they end."""

    def boot(self) -> None:
        self.jobs: list[f.StartJob] = []
        self.stopped: list[str] = []
        super().boot()

    def _obey(self, effect: Any) -> None:
        if isinstance(effect, f.StartJob) and effect.topic == "log":
            self.jobs.append(effect)
        elif isinstance(effect, f.StopJob) and effect.topic == "log":
            self.stopped.append(effect.id)
        super()._obey(effect)

    def get(self, request_id: int = 1, kind: str = "DiagnosticsLog", **more: Any) -> c.LogPromised:
        return self.ask(c.GetLog(kind, URL, request_id, **more))

    def end(self, outcome: Any = "") -> "Uploading":
        self.tell(e.JobEnded("log", self.jobs[-1].id, outcome))
        return self

    def log_told(self) -> list[tuple[str, int | None]]:
        return [(status.status, status.request_id) for status in self.told(m.LogStatus)]


@pytest.fixture
def w(version: str) -> Uploading:
    made = Uploading(version)
    made.online()
    return made


def test_a_log_is_promised_uploaded_and_told_of(w: Uploading) -> None:
    promised = w.get(5)
    assert promised.status == "Accepted"
    assert promised.filename == w.jobs[0].job.name
    assert promised.filename.startswith("diagnostics-CS1-2027")
    w.end()
    assert w.log_told() == [("Uploading", 5), ("Uploaded", 5)]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (NOT_FOUND, "UploadFailure"),
        (LogFailed("PermissionDenied", ""), "PermissionDenied"),
        (LogFailed("BadMessage", ""), "BadMessage"),
        (LogFailed("NotSupportedOperation", ""), "NotSupportedOperation"),
        (JobFailed("a bug"), "UploadFailure"),
    ],
)
def test_what_went_wrong_is_told_in_the_words_of_the_standard(outcome: Any, status: str) -> None:
    w = Uploading("2.0.1")
    w.online()
    w.get()
    w.end(outcome)
    assert w.log_told() == [("Uploading", 1), (status, 1)]


def test_it_is_tried_again_as_often_and_as_far_apart_as_the_csms_says(w: Uploading) -> None:
    w.get(retries=2, retry_interval_s=20)
    times = []
    for _ in range(3):
        times.append(w.mono)
        w.end(NOT_FOUND)
        w.after(21)
    assert len(w.jobs) == 3
    assert times[1] - times[0] == pytest.approx(21, abs=1)
    assert w.log_told() == [("Uploading", 1), ("UploadFailure", 1)]


def test_a_second_request_takes_the_place_of_the_first(w: Uploading) -> None:
    w.get(1)
    assert w.get(2).status == "AcceptedCanceled"
    w.end()
    assert w.stopped == ["1"]
    assert w.log_told() == [("Uploading", 1), ("AcceptedCanceled", 1), ("Uploading", 2), ("Uploaded", 2)]


def test_a_second_request_also_cancels_one_that_waits_for_its_next_try(w: Uploading) -> None:
    w.get(1, retries=5, retry_interval_s=100)
    w.end(NOT_FOUND)
    assert w.get(2).status == "AcceptedCanceled"
    w.after(200)
    assert len(w.jobs) == 2


def test_an_upload_goes_on_after_a_power_cut(w: Uploading) -> None:
    w.get(1, retries=1)
    w.cut()
    w.online()
    assert w.jobs[0].job.url == URL
    w.end()
    assert w.log_told() == [("Uploading", 1), ("Uploaded", 1)]


def test_an_upload_that_is_cut_off_again_and_again_fails_in_the_end(w: Uploading) -> None:
    w.get(1, retries=1)
    for _ in range(4):
        w.cut()
        w.online()
    assert w.log_told() == [("Uploading", 1), ("UploadFailure", 1)]
    assert w.jobs == []


def test_an_end_that_the_csms_has_not_heard_is_told_after_a_power_cut(w: Uploading) -> None:
    w.get(1)
    w.offline()
    w.end()
    w.cut()
    w.online()
    assert w.log_told() == [("Uploading", 1), ("Uploaded", 1)]
    assert w.disk.state["log"] is None


def test_the_security_log_goes_with_its_events_of_that_time() -> None:
    w = Uploading("2.0.1")
    w.online()
    w.get(kind="SecurityLog")
    assert [entry.kind for entry in w.jobs[0].job.events] == ["StartupOfTheDevice"]
    w.get(kind="SecurityLog", latest=w.utc - 10_000)
    assert w.jobs[1].job.events == ()


def test_a_trigger_tells_how_it_is(w: Uploading) -> None:
    w.ask(c.TriggerMessage("LogStatusNotification"))
    w.get(3)
    w.ask(c.TriggerMessage("LogStatusNotification"))
    w.end()
    w.ask(c.TriggerMessage("LogStatusNotification"))
    assert w.log_told() == [("Idle", None), ("Uploading", 3), ("Uploading", 3), ("Uploaded", 3), ("Idle", None)]


def test_news_of_an_upload_that_was_given_up_is_none(w: Uploading) -> None:
    w.get(1)
    first = w.jobs[0].id
    w.get(2)
    w.tell(e.JobEnded("log", first, ""))
    assert w.log_told()[-1] == ("Uploading", 2)
