"""Firmware management, and the signed updates of the security extension."""

from pathlib import Path
from typing import Any

import pytest

from tests.conformance import firmware
from tests.conformance.firmware import DOWNLOAD, PAST, soon
from tests.conformance.stations import dc_station, with_installer
from tests.conformance.v16.tester import TOKEN, Tester
from tests.csms import Csms
from tests.daemon.visit import until
from tests.servers.web import WebServer

UNSIGNED = ("Downloading", "Downloaded")
RESTARTS = "say progress 50\nexit 10\n"
DEAD = "http://127.0.0.1:9/firmware.bin"

unsigned = pytest.mark.under_test(with_installer(dc_station, allow_unsigned=True), variables={})
"""UpdateFirmware says nothing of who made an image. A station takes none by default; the owner who has only a CSMS
without the security extension allows it, and that is what the cases of FirmwareManagement are about."""
signed = pytest.mark.under_test(with_installer(dc_station), variables={})


class Maker(firmware.Maker):
    request = "SignedUpdateFirmware"
    told = "SignedFirmwareStatusNotification"


@pytest.fixture
def maker(tester: Tester, folder: Path) -> Maker:
    return Maker(tester, folder)  # type: ignore[arg-type]


def image(folder: Path, text: str = RESTARTS) -> str:
    (folder / "firmware.bin").write_text(text)
    return "firmware.bin"


def update(csms: Csms, location: str, **more: Any) -> None:
    """T> UpdateFirmware, S> empty confirmation."""
    reply = csms.call("UpdateFirmware", {"location": location, "retrieveDate": PAST} | more)
    assert dict(reply) == {}


def statuses(csms: Csms, *words: str) -> None:
    """S> FirmwareStatusNotification: these, one after the other."""
    for word in words:
        csms.wait("FirmwareStatusNotification", status=word)


def all_told(csms: Csms, *words: str) -> None:
    """These and no others, in this order."""
    told = [m["status"] for m in csms.calls("FirmwareStatusNotification")]
    assert told == list(words), csms.told(f"{told}")


@unsigned
@pytest.mark.parametrize("restarts", [True, False], ids=["with a restart", "at once"])
def test_tc_044_1_cs(tester: Tester, csms: Csms, folder: Path, web: WebServer, restarts: bool) -> None:
    """Firmware Update - Download and Install"""
    csms.forget()
    update(csms, web.url(image(folder, RESTARTS if restarts else "say progress 100\n")))
    statuses(csms, *UNSIGNED, "Installing")
    if restarts:
        csms.wait_connected()
        tester.booted()
    statuses(csms, "Installed")
    until(lambda: all(tester.last_status(n) == "Available" for n in (0, *tester.connectors)), "Available")
    csms.wait("SecurityEventNotification", type="FirmwareUpdated")
    all_told(csms, *UNSIGNED, "Installing", "Installed")


@unsigned
@pytest.mark.parametrize("dead", ["no such file", "no such server", "no protocol of ours"])
def test_tc_044_2_cs(tester: Tester, csms: Csms, web: WebServer, dead: str) -> None:
    """Firmware Update - Download Failed"""
    location = {"no such file": web.url("nothing.bin"), "no such server": DEAD}.get(dead, "gopher://here/image")
    update(csms, location, retries=0)
    statuses(csms, "DownloadFailed")
    tester.fence()
    assert [m["status"] for m in csms.calls("FirmwareStatusNotification")][-1] == "DownloadFailed"
    assert all(tester.last_status(n) == "Available" for n in (0, *tester.connectors))


@unsigned
def test_tc_044_3_cs(tester: Tester, csms: Csms, folder: Path, web: WebServer) -> None:
    """Firmware Update - Installation Failed"""
    update(csms, web.url(image(folder, "this is no image of this station\n")))
    statuses(csms, *UNSIGNED, "Installing", "InstallationFailed")
    until(lambda: all(tester.last_status(n) == "Available" for n in (0, *tester.connectors)), "Available")
    all_told(csms, *UNSIGNED, "Installing", "InstallationFailed")


@signed
def test_tc_080_cs(maker: Maker, tester: Tester, csms: Csms, web: WebServer) -> None:
    """Secure Firmware Update"""
    csms.forget()
    maker.ask(web.url(maker.image()))
    maker.statuses(*DOWNLOAD, "Installing", "InstallRebooting")
    csms.wait_connected()
    tester.booted()
    maker.status("Installed")
    maker.event("FirmwareUpdated")
    maker.all_told(*DOWNLOAD, "Installing", "InstallRebooting", "Installed")


@signed
def test_tc_081_cs(maker: Maker, tester: Tester, csms: Csms, web: WebServer) -> None:
    """Secure Firmware Update - Invalid Signature"""
    location = web.url(maker.image())
    maker.image(name="another.bin")
    maker.ask(location)
    maker.statuses("Downloading", "Downloaded", "InvalidSignature")
    maker.event("InvalidFirmwareSignature")
    tester.fence()
    maker.all_told("Downloading", "Downloaded", "InvalidSignature")


# -- besides -----------------------------------------------------------------------------------------------------------


@signed
def test_unsigned_firmware_is_refused_where_nobody_allowed_it(
    tester: Tester, csms: Csms, folder: Path, web: WebServer
) -> None:
    update(csms, web.url(image(folder)))
    statuses(csms, "DownloadFailed")
    tester.fence()
    all_told(csms, "DownloadFailed")
    assert not web.asked


@signed
def test_a_signer_nobody_knows_is_refused_and_told(maker: Maker, csms: Csms, web: WebServer) -> None:
    stranger = firmware.Authority("Stranger").certificate(maker.key)
    maker.ask(web.url(maker.image()), signingCertificate=stranger, expect="InvalidCertificate")
    maker.event("InvalidFirmwareSigningCertificate")
    assert not web.asked


@unsigned
def test_an_installation_waits_for_the_transaction(tester: Tester, csms: Csms, folder: Path, web: WebServer) -> None:
    transaction = tester.charging(1)
    update(csms, web.url(image(folder)))
    statuses(csms, *UNSIGNED)
    for connector in (2, 3, 4):
        tester.status(connector, "Unavailable")
    tester.fence()
    all_told(csms, *UNSIGNED)
    assert tester.last_status(1) == "Charging"
    tester.present(TOKEN)
    csms.wait("StopTransaction", {"transactionId": transaction})
    statuses(csms, "Installing", "Installed")


@unsigned
def test_a_download_that_is_to_come_later(tester: Tester, csms: Csms, folder: Path, web: WebServer) -> None:
    at = soon(2)
    update(csms, web.url(image(folder)), retrieveDate=at)
    tester.trigger("FirmwareStatusNotification")
    csms.wait("FirmwareStatusNotification", status="Idle")
    assert not web.asked
    statuses(csms, *UNSIGNED)
    assert soon(0) >= at
    statuses(csms, "Installed")


@unsigned
def test_nothing_is_under_way(tester: Tester, csms: Csms) -> None:
    tester.trigger("FirmwareStatusNotification")
    csms.wait("FirmwareStatusNotification", status="Idle")
