"""F: the state of a firmware update on request."""

import pytest

from tests.conformance.firmware import Maker
from tests.conformance.stations import dc_station, with_installer
from tests.conformance.tester import Tester
from tests.csms import Csms
from tests.servers.web import WebServer

pytestmark = pytest.mark.under_test(with_installer(dc_station), variables={})


def idle(csms: Csms) -> None:
    """S> FirmwareStatusNotification Idle, without a requestId."""
    told = csms.wait("FirmwareStatusNotification")
    assert told.payload == {"status": "Idle"}, csms.told(f"{told.payload}")


def trigger(csms: Csms, evse: int | None = None) -> None:
    """T> TriggerMessage FirmwareStatusNotification, S> Accepted."""
    payload = {"requestedMessage": "FirmwareStatusNotification"} | ({} if evse is None else {"evse": {"id": evse}})
    assert csms.call("TriggerMessage", payload)["status"] == "Accepted"


def test_tc_f_17_cs(tester: Tester, csms: Csms) -> None:
    """Trigger message - FirmwareStatusNotification - Specific EVSE not relevant"""
    trigger(csms, evse=1)
    idle(csms)


def test_tc_f_18_cs(tester: Tester, csms: Csms) -> None:
    """Trigger message - FirmwareStatusNotification - Idle"""
    trigger(csms)
    idle(csms)


def test_tc_f_19_cs(maker: Maker, csms: Csms, web: WebServer) -> None:
    """Trigger message - FirmwareStatusNotification - Downloading"""
    web.go_on.clear()
    location = web.url(maker.image())
    maker.image(name="another.bin")  # so the signature is not that of the first
    maker.ask(location)
    maker.status("Downloading")
    trigger(csms)
    maker.status("Downloading")
    web.go_on.set()
    maker.statuses("Downloaded", "InvalidSignature")
    maker.event("InvalidFirmwareSignature")
