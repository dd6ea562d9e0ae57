"""Diagnostics, and the logs of the security extension."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.v16.tester import Tester
from tests.csms import Csms, Message, Reply
from tests.servers.web import WebServer, web_server

LOGIN = ("tester", "log-secret")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    (tmp_path / "logs").mkdir()
    with web_server(tmp_path, login=LOGIN) as made:
        yield made


def diagnostics(csms: Csms, *words: str) -> None:
    """S> DiagnosticsStatusNotification: these and no others, in this order."""
    for word in words:
        csms.wait("DiagnosticsStatusNotification", status=word)
    assert [m["status"] for m in csms.calls("DiagnosticsStatusNotification")] == list(words)


def get_log(csms: Csms, kind: str, url: str, **more: Any) -> Reply:
    """T> GetLog, S> Accepted."""
    reply = csms.call("GetLog", {"logType": kind, "requestId": 7, "log": {"remoteLocation": url}, **more})
    assert reply["status"] == "Accepted"
    return reply


def log_status(csms: Csms, status: str) -> Message:
    """S> LogStatusNotification"""
    return csms.wait("LogStatusNotification", status=status, requestId=7)


def test_tc_045_1_cs(tester: Tester, csms: Csms, server: WebServer, tmp_path: Path) -> None:
    """Get Diagnostics"""
    reply = csms.call("GetDiagnostics", {"location": server.url("logs/", login=LOGIN)})
    assert reply["fileName"]
    diagnostics(csms, "Uploading", "Uploaded")
    with tarfile.open(tmp_path / "logs" / reply["fileName"]) as archive:
        assert {"status.json", "log.txt"} <= {Path(name).name for name in archive.getnames()}


@pytest.mark.parametrize("dead", ["no such folder", "no such server"])
def test_tc_045_2_cs(tester: Tester, csms: Csms, server: WebServer, dead: str) -> None:
    """Get Diagnostics - Upload Failed"""
    location = server.url("nowhere/", login=LOGIN) if dead == "no such folder" else "ftp://127.0.0.1:9/logs/"
    assert csms.call("GetDiagnostics", {"location": location, "retries": 0})["fileName"]
    diagnostics(csms, "Uploading", "UploadFailed")


def test_tc_079_cs(tester: Tester, csms: Csms, server: WebServer, tmp_path: Path) -> None:
    """Get Security Log"""
    reply = get_log(csms, "SecurityLog", server.url("logs/", login=LOGIN))
    assert log_status(csms, "Uploading").at <= log_status(csms, "Uploaded").at
    lines = (tmp_path / "logs" / reply["filename"]).read_text().splitlines()
    assert any(json.loads(line)["kind"] == "StartupOfTheDevice" for line in lines)


# -- besides -----------------------------------------------------------------------------------------------------------


def test_a_log_that_cannot_be_left(tester: Tester, csms: Csms, server: WebServer) -> None:
    get_log(csms, "DiagnosticsLog", server.url("nowhere/", login=LOGIN), retries=0)
    log_status(csms, "Uploading")
    failed = csms.wait("LogStatusNotification", requestId=7)
    assert failed["status"] in ("UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation")


def test_nothing_is_under_way(tester: Tester, csms: Csms) -> None:
    tester.trigger("DiagnosticsStatusNotification")
    diagnostics(csms, "Idle")
