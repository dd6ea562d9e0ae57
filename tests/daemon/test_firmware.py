"""A firmware update that is cut off: the process is killed in the middle, and tells afterwards how it went."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.firmware import DOWNLOAD, Maker, soon
from tests.conformance.stations import PASSWORD, ac_socket, with_installer
from tests.conformance.tester import Tester
from tests.csms import Csms
from tests.daemon.process import Station
from tests.servers.web import WebServer, web_server

pytestmark = pytest.mark.process


@pytest.fixture
def csms() -> Iterator[Csms]:
    with Csms(versions=("2.0.1",), password=PASSWORD) as made:
        yield made


@pytest.fixture
def station(csms: Csms) -> Iterator[Station]:
    with Station(with_installer(ac_socket)(csms.url)) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "served").mkdir()
    return tmp_path / "served"


@pytest.fixture
def web(folder: Path) -> Iterator[WebServer]:
    with web_server(folder) as server:
        yield server


@pytest.fixture
def maker(csms: Csms, station: Station, folder: Path) -> Maker:
    tester = Tester(csms, station)
    tester.booted()
    return Maker(tester, folder)


def told_in_order(maker: Maker, *statuses: str) -> None:
    """These and no others, in this order. The last one before the cut may come twice: nobody knows of its answer."""
    told = [m["status"] for m in maker.csms.calls("FirmwareStatusNotification")]
    once = [status for n, status in enumerate(told) if n == 0 or told[n - 1] != status]
    assert once == list(statuses), maker.csms.told(f"{told}")


def test_killed_while_downloading_it_downloads_again(maker: Maker, station: Station, web: WebServer) -> None:
    web.go_on.clear()
    maker.ask(web.url(maker.image("")))
    maker.status("Downloading")
    assert web.busy.wait(10)
    station.restart(Station.kill)
    web.go_on.set()
    maker.statuses(*DOWNLOAD[1:], "Installing", "Installed")
    maker.event("FirmwareUpdated")
    told_in_order(maker, *DOWNLOAD, "Installing", "Installed")
    assert {file.suffix for file in (station.state_dir / "firmware").iterdir()} == {".pid", ".result"}


def test_the_version_is_the_one_that_runs(maker: Maker, csms: Csms, station: Station, web: WebServer) -> None:
    version = station.home / "version"
    station.config["station"]["firmware_version_file"] = str(version)
    version.write_text("2.0.0\nbuilt on a Monday\n")
    station.restart()
    maker.tester.booted()
    assert maker.tester.get("ChargingStation.FirmwareVersion") == "2.0.0"
    version.write_text("2.1.0\n")  # as an installer would
    maker.ask(web.url(maker.image()))
    maker.status("InstallRebooting")
    boot = csms.wait("BootNotification")
    assert boot["chargingStation"]["firmwareVersion"] == "2.1.0"
    maker.status("Installed")
    version.unlink()
    station.restart()
    assert csms.wait("BootNotification")["chargingStation"]["firmwareVersion"], "there is always one"


def test_killed_while_waiting_it_goes_on_waiting(maker: Maker, station: Station, web: WebServer) -> None:
    at = soon(3)
    maker.ask(web.url(maker.image("")), installDateTime=at)
    maker.statuses(*DOWNLOAD, "InstallScheduled")
    assert station.ctl("status")["firmware"] == {"request": 1, "state": "InstallScheduled"}
    station.restart(Station.kill)
    maker.statuses("Installing", "Installed")
    assert soon(0) >= at
    told_in_order(maker, *DOWNLOAD, "InstallScheduled", "Installing", "Installed")


def test_killed_while_installing_it_asks_the_installer(maker: Maker, station: Station, web: WebServer) -> None:
    """The bench's installer goes on, as a service of the system would."""
    maker.ask(web.url(maker.image("say progress 1\nwait 1\n")))
    maker.statuses(*DOWNLOAD, "Installing")
    station.wait_log("progress 1")
    station.restart(Station.kill)
    maker.status("Installed")
    maker.event("FirmwareUpdated")
    told_in_order(maker, *DOWNLOAD, "Installing", "Installed")


def test_killed_while_installing_with_nobody_to_ask(maker: Maker, station: Station, web: WebServer) -> None:
    del station.config["firmware"]["status_command"]
    maker.ask(web.url(maker.image("say progress 1\nwait 1\n")))
    station.wait_log("progress 1")
    station.restart(Station.kill)
    maker.status("InstallationFailed")
    maker.tester.statuses()


def test_stopped_while_installing_the_installer_is_ended(maker: Maker, station: Station, web: WebServer) -> None:
    maker.ask(web.url(maker.image("say progress 1\nwait 60\n")))
    station.wait_log("progress 1")
    station.restart()
    maker.status("InstallationFailed")
    assert "broken off in the middle" in station.log


def test_what_was_not_told_before_the_power_was_cut_is_told_after(
    maker: Maker, csms: Csms, station: Station, web: WebServer
) -> None:
    maker.ask(web.url(maker.image("say progress 1\nwait 0.3\n")))
    maker.status("Installing")
    csms.offline()
    station.wait_log("firmware: Installed")
    station.restart(Station.kill)
    csms.online()
    maker.status("Installed", timeout=20)
    maker.event("FirmwareUpdated")
    told_in_order(maker, *DOWNLOAD, "Installing", "Installed")
