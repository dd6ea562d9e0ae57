"""F: what is told of an upload when the CSMS asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.tester import Tester
from tests.csms import Csms
from tests.servers.web import WebServer, web_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    with web_server(tmp_path) as made:
        yield made


def trigger(csms: Csms) -> None:
    assert csms.call("TriggerMessage", {"requestedMessage": "LogStatusNotification"})["status"] == "Accepted"


def test_tc_f_15_cs(tester: Tester, csms: Csms) -> None:
    """Trigger message - LogStatusNotification - Idle"""
    trigger(csms)
    message = csms.wait("LogStatusNotification")
    assert message["status"] == "Idle"
    assert "requestId" not in message.payload


def test_tc_f_16_cs(tester: Tester, csms: Csms, server: WebServer) -> None:
    """Trigger message - LogStatusNotification - Uploading"""
    server.go_on.clear()
    log = {"remoteLocation": server.url("")}
    assert csms.call("GetLog", {"logType": "DiagnosticsLog", "requestId": 7, "log": log})["status"] == "Accepted"
    csms.wait("LogStatusNotification", {"status": "Uploading", "requestId": 7})
    trigger(csms)
    csms.wait("LogStatusNotification", {"status": "Uploading", "requestId": 7})
    server.go_on.set()
    csms.wait("LogStatusNotification", {"status": "Uploaded", "requestId": 7})
