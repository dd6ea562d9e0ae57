"""TLS on a board whose clock stands in 1970: the CSMS is reached, and its certificate judged as soon as can be."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.clock.shifted import COMMAND, SystemClock
from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import begin, brisk, delivered, finish, until
from tests.pki import Authority, server_context, show
from tests.servers.ftp import ftp_server
from tests.servers.web import web_server

pytestmark = pytest.mark.process

HOST = "localhost"
DAY = 86_400.0
DARK = 300.0
"""s since 1970"""
EVENT = {"1.6": "InvalidCentralSystemCertificate", "2.0.1": "InvalidCsmsCertificate"}


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority("Root", starts_in=-4000)


@pytest.fixture
def tls(root: Authority) -> Any:
    return server_context(root.issue(HOST, HOST))


@pytest.fixture
def csms(tls: Any, dialect: str) -> Iterator[Csms]:
    with Csms(versions=(dialect,), tls=tls, host=HOST) as csms:
        yield csms


@pytest.fixture
def clock(tmp_path: Path) -> SystemClock:
    return SystemClock(tmp_path / "clock.json", DARK)


@pytest.fixture
def station(csms: Csms, root: Authority, clock: SystemClock, dialect: str, tmp_path: Path) -> Station:
    """Not yet started."""
    config = brisk(csms.url, dialect)
    (tmp_path / "root.pem").write_text(root.pem)
    config["csms"]["ca_file"] = str(tmp_path / "root.pem")
    return Station(config, command=COMMAND, env=clock.env)


def test_a_good_certificate_is_enough_and_later_ones_are_judged_by_the_time_that_was_told(
    station: Station, csms: Csms, tls: Any, root: Authority, dialect: str
) -> None:
    with station:
        begin(station, csms)
        assert station.ctl("status")["clock"] == "told"
        show(tls, root.issue(HOST, HOST, starts_in=-3, ends_in=-1))
        csms.drop()
        assert "expired" in station.wait_log("the certificate of the CSMS is not good")
        show(tls, root.issue(HOST, HOST, starts_in=1))
        station.wait_log("is not good: certificate is not yet valid")
        assert len(csms.calls("BootNotification")) == 1
        show(tls, root.issue(HOST, HOST))
        finish(station, csms)
        delivered(station)
        csms.wait("SecurityEventNotification", type=EVENT[dialect], timeout=20)


@pytest.mark.parametrize("days", [(-3.0, -1.0), (1.0, 2.0)], ids=["expired", "not yet valid"])
def test_a_certificate_that_is_bad_at_the_time_that_is_told_ends_the_connection_and_the_time_is_not_taken(
    station: Station, csms: Csms, tls: Any, root: Authority, dialect: str, days: tuple[float, float]
) -> None:
    show(tls, root.issue(HOST, HOST, starts_in=days[0], ends_in=days[1]))
    with station:
        csms.wait("BootNotification", timeout=20)
        csms.wait_disconnected()
        station.wait_log("InvalidCsmsCertificate")
        assert station.ctl("status")["clock"] == "not known"
        csms.wait("BootNotification", timeout=20)  # it does try again
        assert {call.action for call in _told(csms)} == {"BootNotification"}
        show(tls, root.issue(HOST, HOST))
        csms.wait_status("Available")
        assert station.ctl("status")["clock"] == "told"
        csms.wait("SecurityEventNotification", type=EVENT[dialect], timeout=20)


LOGIN = ("ute", "geheim")
SHOWN = {"has expired": (-3.0, -1.0), "is not yet valid": (1.0, 2.0), "": (-1.0, 1.0)}


@pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
@pytest.mark.parametrize("scheme", ["https", "ftpes"])
def test_a_file_server_is_judged_by_the_time_that_was_told(
    station: Station, csms: Csms, root: Authority, tmp_path: Path, scheme: str
) -> None:
    left = tmp_path / "left"
    left.mkdir()
    with station, ExitStack() as servers:
        csms.wait_status("Available")
        station.wait_log("CSMSRootCertificate installed")
        for number, (wrong, (starts_in, ends_in)) in enumerate(SHOWN.items()):
            issued = root.issue(HOST, HOST, starts_in=starts_in, ends_in=ends_in).file(tmp_path, f"{number}.pem")
            server: Any = (
                web_server(left, issued, LOGIN) if scheme == "https" else ftp_server(left, issued, LOGIN, "explicit")
            )
            log = {"remoteLocation": servers.enter_context(server).url("", login=LOGIN)}
            csms.call("GetLog", {"logType": "SecurityLog", "requestId": number, "log": log})
            status = "UploadFailure" if wrong else "Uploaded"
            csms.wait("LogStatusNotification", requestId=number, status=status, timeout=60)
            assert not wrong or station.wait_log(f"certificate is not trusted: certificate {wrong}")
            assert len(list(left.iterdir())) == (not wrong)


def _told(csms: Csms) -> list[Any]:
    return [call for action in ("BootNotification", "StatusNotification", "SecurityEventNotification", "Heartbeat")
            for call in csms.calls(action)]  # fmt: skip


def test_one_that_had_expired_before_any_time_that_can_be_gets_no_request(
    station: Station, csms: Csms, tls: Any, root: Authority
) -> None:
    show(tls, root.issue(HOST, HOST, starts_in=-3900, ends_in=-3600))
    with station:
        assert "expired" in station.wait_log("the certificate of the CSMS is not good")
        assert not csms.calls("BootNotification")


def test_what_was_known_before_a_power_cut_is_the_least_that_it_can_be(
    station: Station, csms: Csms, clock: SystemClock, tls: Any, root: Authority
) -> None:
    with station:
        begin(station, csms)
        station.kill()
        clock.power_cut(DARK)
        show(tls, root.issue(HOST, HOST, starts_in=-3, ends_in=-1))
        boots = len(csms.calls("BootNotification"))
        station.start()
        station.wait_ready()
        assert "expired" in station.wait_log("the certificate of the CSMS is not good")
        assert len(csms.calls("BootNotification")) == boots
        show(tls, root.issue(HOST, HOST))
        finish(station, csms)
        delivered(station)


def test_a_clock_that_is_right_refuses_as_openssl_does(
    station: Station, csms: Csms, clock: SystemClock, tls: Any, root: Authority
) -> None:
    clock.set(None)
    show(tls, root.issue(HOST, HOST, starts_in=-3, ends_in=-1))
    with station:
        assert "expired" in station.wait_log("the certificate of the CSMS is not good")
        assert not csms.calls("BootNotification")
        show(tls, root.issue(HOST, HOST, starts_in=1))
        station.wait_log("is not good: certificate is not yet valid")
        csms.wait("BootNotification", timeout=20)  # who could say for sure that it is not?
        assert station.ctl("status")["clock"] == "system clock, not confirmed"
        csms.wait_disconnected()
        assert {call.action for call in _told(csms)} == {"BootNotification"}
        show(tls, root.issue(HOST, HOST))
        until(lambda: station.ctl("status")["clock"] == "told", "the time")


def test_a_board_that_wakes_up_when_its_image_was_made_reaches_a_csms_with_a_newer_certificate(
    station: Station, csms: Csms, clock: SystemClock, tls: Any, root: Authority
) -> None:
    clock.set(time.time() - 200 * DAY)
    show(tls, root.issue(HOST, HOST))
    with station:
        begin(station, csms)
        assert station.ctl("status")["clock"] == "told"
        csms.drop()  # and again, though the system's clock says of the certificate what it said
        csms.wait_connected()
        finish(station, csms)
        delivered(station)
        station.kill()
        clock.power_cut(time.time() - 200 * DAY)
        station.start()
        station.wait_ready()
        until(lambda: station.ctl("status")["clock"] == "told", "the time")


def test_a_csms_cannot_tell_a_time_at_which_its_own_certificate_is_not_good(
    station: Station, csms: Csms, clock: SystemClock, tls: Any, root: Authority
) -> None:
    """Or a wrong word, that is kept over a power cut, would lock it out for good."""
    with station:
        begin(station, csms)
        csms.desk.clock_offset_s = 5 * 365 * DAY
        for _ in range(3):
            csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        station.wait_log("when its own certificate is not good: the time is not taken")
        finish(station, csms)
        delivered(station)
        csms.desk.clock_offset_s = 0.0
        station.kill()
        clock.power_cut(DARK)
        station.start()
        station.wait_ready()
        until(lambda: station.ctl("status")["clock"] == "told", "the time")
        assert "is not good: certificate" not in station.log


@pytest.mark.parametrize(("dialect", "at"), [("1.6", DARK), ("2.0.1", None)], indirect=["dialect"])
def test_a_wrong_time_that_was_kept_over_a_power_cut_gives_way_to_a_system_clock_that_is_set(
    station: Station, csms: Csms, clock: SystemClock, tls: Any, root: Authority, at: float | None
) -> None:
    """The last way out, by NTP or a person: the certificate is a new one, which ends before the time that was told. A
    clock that shows the right time from the start is not believed before it is set again."""
    csms.desk.clock_offset_s = 100 * DAY
    with station:
        begin(station, csms)
        finish(station, csms)
        delivered(station)  # so the time is kept, too
        station.kill()
        csms.desk.clock_offset_s = 0.0
        clock.power_cut(at)
        show(tls, root.issue(HOST, HOST, ends_in=30))
        boots = len(csms.calls("BootNotification"))
        station.start()
        station.wait_ready()
        assert "expired" in station.wait_log("the certificate of the CSMS is not good")
        assert len(csms.calls("BootNotification")) == boots
        assert ("set it once more while chargepointd runs" in station.log) == (at is None)
        clock.tell(ahead_s=1.0)
        until(lambda: station.ctl("status")["clock"] == "told", "the time")
        assert abs(datetime.fromisoformat(station.ctl("status")["time"]).timestamp() - time.time()) < 60
