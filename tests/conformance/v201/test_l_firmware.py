"""L: firmware updates. The images come from real servers, and an installer runs that does what the image says."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.firmware import DOWNLOAD, Authority, Maker, soon, trust
from tests.conformance.stations import dc_station, with_installer
from tests.conformance.tester import OTHER_TOKEN, Tester
from tests.csms import Csms
from tests.link.authority import Authority as ServerAuthority
from tests.servers.ftp import ftp_server
from tests.servers.ssh import ssh_server
from tests.servers.web import WebServer, web_server

ALLOW_NEW = "ChargingStation.AllowNewSessionsPendingFirmwareUpdate"
LOGIN = ("firmware", "secret")

pytestmark = pytest.mark.under_test(with_installer(dc_station), variables={})


@contextmanager
def served(protocol: str, folder: Path, tester: Tester, tmp_path: Path) -> Iterator[Any]:
    """A server of the folder that asks for a login and is to be trusted."""
    authority = ServerAuthority(tmp_path, "files")
    trust(tester, "CSMSRootCertificate", authority.file.read_text())
    certificate = authority.issue("localhost", "localhost")
    with ExitStack() as stack:
        if protocol in ("HTTP", "HTTPS"):
            yield stack.enter_context(web_server(folder, certificate if protocol == "HTTPS" else None, LOGIN))
        elif protocol == "SFTP":
            yield stack.enter_context(ssh_server(folder, LOGIN))
        else:
            tls: Any = "implicit" if protocol == "FTPS" else ""
            yield stack.enter_context(ftp_server(folder, certificate, LOGIN, tls))


@pytest.mark.parametrize(
    ("protocol", "key", "restart"),
    [
        ("HTTP", "RSA", True),
        ("HTTP", "EC", False),
        ("HTTPS", "EC", True),
        ("FTP", "EC", True),
        ("FTPS", "EC", True),
        ("SFTP", "EC", True),
    ],
)
def test_tc_l_01_cs(tester: Tester, folder: Path, tmp_path: Path, protocol: str, key: str, restart: bool) -> None:
    """Secure Firmware Update - Installation successful"""
    maker = Maker(tester, folder, key)
    with served(protocol, folder, tester, tmp_path) as server:
        tester.csms.forget()
        maker.ask(server.url(maker.image() if restart else maker.image("say progress 100\n"), login=LOGIN))
        maker.statuses(*DOWNLOAD)
        if restart:
            maker.installed(before=DOWNLOAD)
        else:
            maker.in_use_at_once(before=DOWNLOAD)
            tester.statuses()


def test_tc_l_02_cs(maker: Maker, csms: Csms, web: WebServer) -> None:
    """Secure Firmware Update - InstallScheduled"""
    at = soon(2)
    maker.ask(web.url(maker.image()), installDateTime=at)
    maker.statuses(*DOWNLOAD, "InstallScheduled")
    assert soon(0) < at
    assert not csms.calls("FirmwareStatusNotification", {"status": "Installing"})
    maker.installed(before=(*DOWNLOAD, "InstallScheduled"))
    assert soon(0) >= at


def test_tc_l_03_cs(maker: Maker, csms: Csms, web: WebServer) -> None:
    """Secure Firmware Update - DownloadScheduled"""
    at = soon(2)
    maker.ask(web.url(maker.image()), retrieveDateTime=at, installDateTime=None)
    maker.status("DownloadScheduled")
    assert not web.asked
    maker.status("Downloading")
    assert soon(0) >= at
    maker.statuses(*DOWNLOAD[1:])
    maker.installed(before=("DownloadScheduled", *DOWNLOAD))


@pytest.mark.parametrize("wrong", ["unknown manufacturer", "expired", "not yet valid"])
def test_tc_l_05_cs(maker: Maker, csms: Csms, web: WebServer, wrong: str) -> None:
    """Secure Firmware Update - InvalidCertificate"""
    authority = Authority("Manufacturer") if wrong == "unknown manufacturer" else maker.authority
    days = {"expired": (-3, -1), "not yet valid": (1, 3)}.get(wrong, (-1, 3))
    certificate = authority.certificate(maker.key, *days)
    maker.ask(web.url(maker.image()), signingCertificate=certificate, expect="InvalidCertificate")
    maker.event("InvalidFirmwareSigningCertificate")
    maker.tester.fence()
    assert not csms.calls("FirmwareStatusNotification")
    assert not web.asked


def test_tc_l_06_cs(maker: Maker, csms: Csms, web: WebServer) -> None:
    """Secure Firmware Update - InvalidSignature"""
    location = web.url(maker.image())
    maker.image(name="another.bin")
    maker.ask(location)
    maker.statuses("Downloading", "Downloaded", "InvalidSignature")
    maker.event("InvalidFirmwareSignature")
    maker.tester.fence()
    maker.all_told("Downloading", "Downloaded", "InvalidSignature")


@pytest.mark.parametrize("retries", [None, 2])
def test_tc_l_07_cs(maker: Maker, web: WebServer, retries: int | None) -> None:
    """Secure Firmware Update - DownloadFailed"""
    maker.image()
    more = {} if retries is None else {"retries": retries, "retryInterval": 1}
    maker.ask(web.url("nothing.bin"), **more)
    maker.statuses("Downloading", "DownloadFailed")
    assert len(web.asked) == 1 + (retries or 0)


@pytest.mark.parametrize(
    ("image", "status"),
    [
        ("say unfit it is for another board\nexit 1\n", "InstallVerificationFailed"),
        ("say failed the flash is full\nexit 2\n", "InstallationFailed"),
    ],
)
def test_tc_l_08_cs(maker: Maker, csms: Csms, web: WebServer, image: str, status: str) -> None:
    """Secure Firmware Update - InstallVerificationFailed or InstallationFailed"""
    csms.forget()
    maker.ask(web.url(maker.image(image)))
    maker.statuses(*DOWNLOAD, "Installing", status)
    maker.tester.statuses()
    maker.all_told(*DOWNLOAD, "Installing", status)
    assert not csms.calls("SecurityEventNotification", {"type": "FirmwareUpdated"})


def under_way(maker: Maker, web: WebServer) -> str:
    """Update 1 is being downloaded, until `web.go_on`. Gives the URL of the image."""
    web.go_on.clear()
    location = web.url(maker.image())
    maker.ask(location, 1)
    maker.status("Downloading", 1)
    assert web.busy.wait(10)
    return location


def test_tc_l_10_cs(maker: Maker, web: WebServer) -> None:
    """Secure Firmware Update - AcceptedCanceled"""
    location = under_way(maker, web)
    maker.ask(location, 2, expect="AcceptedCanceled")
    maker.status("DownloadFailed", 1)
    web.go_on.set()
    maker.statuses(*DOWNLOAD, request_id=2)
    maker.installed(2, before=DOWNLOAD)
    maker.all_told("Downloading", "DownloadFailed", request_id=1)


@pytest.mark.under_test(with_installer(dc_station, can_cancel=False), variables={})
def test_tc_l_11_cs(maker: Maker, web: WebServer) -> None:
    """Secure Firmware Update - Unable to cancel"""
    location = under_way(maker, web)
    maker.ask(location, 2, expect="Rejected")
    web.go_on.set()
    maker.statuses(*DOWNLOAD[1:])
    maker.installed(before=DOWNLOAD)
    maker.all_told(request_id=2)


DOWNLOADS_IDLE = with_installer(dc_station, download_during_transactions=False)


@pytest.mark.under_test(DOWNLOADS_IDLE, variables={ALLOW_NEW: True})
def test_tc_l_12_cs(maker: Maker, tester: Tester, csms: Csms, web: WebServer) -> None:
    """Secure Firmware Update - Unable to download/install firmware with ongoing transaction -
    AllowNewSessionsPendingFirmwareUpdate is true"""
    first = tester.charging(1)
    maker.ask(web.url(maker.image()))
    maker.status("DownloadScheduled")
    second = tester.charging(2, OTHER_TOKEN)
    over(tester, first, 1)
    over(tester, second, 2, OTHER_TOKEN)
    maker.statuses(*DOWNLOAD)
    maker.installed(before=("DownloadScheduled", *DOWNLOAD))


@pytest.mark.under_test(DOWNLOADS_IDLE, variables={ALLOW_NEW: False})
def test_tc_l_13_cs(maker: Maker, tester: Tester, csms: Csms, web: WebServer) -> None:
    """Secure Firmware Update - Unable to download/install firmware with ongoing transaction -
    AllowNewSessionsPendingFirmwareUpdate is false"""
    transaction = tester.charging(1)
    maker.ask(web.url(maker.image()))
    maker.status("DownloadScheduled")
    closed(csms, 2, 3, 4)
    assert not web.asked
    over(tester, transaction, 1, available=False)
    maker.statuses(*DOWNLOAD)
    maker.installed(before=("DownloadScheduled", *DOWNLOAD))


@pytest.mark.under_test(with_installer(dc_station), variables={ALLOW_NEW: True})
def test_tc_l_14_cs(maker: Maker, tester: Tester, web: WebServer) -> None:
    """Secure Firmware Update - Unable to install and activate firmware with ongoing transaction -
    AllowNewSessionsPendingFirmwareUpdate is true"""
    first = tester.charging(1)
    maker.ask(web.url(maker.image()))
    maker.statuses(*DOWNLOAD, "InstallScheduled")
    second = tester.charging(2, OTHER_TOKEN)
    over(tester, first, 1)
    over(tester, second, 2, OTHER_TOKEN, available=False)
    maker.installed(before=(*DOWNLOAD, "InstallScheduled"))


@pytest.mark.under_test(with_installer(dc_station), variables={ALLOW_NEW: False})
def test_tc_l_15_cs(maker: Maker, tester: Tester, csms: Csms, web: WebServer) -> None:
    """Secure Firmware Update - Unable to install firmware with ongoing transaction -
    AllowNewSessionsPendingFirmwareUpdate is false"""
    transaction = tester.charging(1)
    maker.ask(web.url(maker.image()))
    maker.statuses(*DOWNLOAD, "InstallScheduled")
    closed(csms, 2, 3, 4)
    over(tester, transaction, 1, available=False)
    maker.installed(before=(*DOWNLOAD, "InstallScheduled"))


@pytest.mark.under_test(with_installer(dc_station, during_transactions=True), variables={})
def test_tc_l_16_cs(maker: Maker, tester: Tester, csms: Csms, web: WebServer) -> None:
    """Secure Firmware Update - Able to update firmware with ongoing transaction"""
    transaction = tester.charging(1)
    csms.forget()
    maker.ask(web.url(maker.image("say progress 100\n")))
    maker.statuses(*DOWNLOAD)
    maker.in_use_at_once(before=DOWNLOAD)
    assert tester.power_w(1) > 0
    over(tester, transaction, 1)


@pytest.mark.parametrize("missing", [("signingCertificate", "signature"), ("signingCertificate",), ("signature",)])
def test_tc_l_18_cs(maker: Maker, csms: Csms, web: WebServer, missing: tuple[str, ...]) -> None:
    """Secure Firmware Update - Missing firmware signing certificate and signature"""
    location = web.url(maker.image())
    maker.ask(location, expect=("Rejected", "InvalidCertificate"), **dict.fromkeys(missing))
    maker.tester.fence()
    assert not csms.calls("FirmwareStatusNotification")
    assert not web.asked


@pytest.mark.under_test(with_installer(dc_station, allow_unsigned=True), variables={})
def test_firmware_without_a_signature_where_the_owner_allows_it(maker: Maker, csms: Csms, web: WebServer) -> None:
    assert maker.tester.get("FirmwareCtrlr.AllowUnsigned") == "true"
    csms.forget()
    maker.ask(web.url(maker.image()), signingCertificate=None, signature=None)
    maker.statuses("Downloading", "Downloaded")
    maker.installed(before=("Downloading", "Downloaded"))


def closed(csms: Csms, *evses: int) -> None:
    """S> Unavailable of these."""
    for evse in evses:
        csms.wait_status("Unavailable", evse)


def over(tester: Tester, transaction: str, evse: int, token: str | None = None, *, available: bool = True) -> None:
    """The transaction is stopped and the car leaves."""
    tester.present(token) if token else tester.present()
    tester.ended(transaction)
    tester.unplug(evse)
    if available:
        tester.csms.wait_status("Available", evse)
