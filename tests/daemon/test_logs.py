"""Logs leave the real process in both dialects, and over its sudden end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.csms import Csms
from tests.daemon.process import Station
from tests.servers.ftp import ftp_server
from tests.servers.web import WebServer, web_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    with web_server(tmp_path) as made:
        yield made


@pytest.fixture
def accepted(station: Station, csms: Csms) -> Station:
    csms.wait("BootNotification")
    csms.wait("SecurityEventNotification")
    return station


def asked(csms: Csms, dialect: str, url: str) -> str:
    """The name of the file that was promised."""
    if dialect == "1.6":
        return str(csms.call("GetDiagnostics", {"location": url, "retries": 1, "retryInterval": 1})["fileName"])
    log = {"logType": "DiagnosticsLog", "requestId": 4, "retries": 1, "retryInterval": 1}
    return str(csms.call("GetLog", log | {"log": {"remoteLocation": url}})["filename"])


def told(csms: Csms, dialect: str, status: str) -> None:
    if dialect == "1.6":
        csms.wait("DiagnosticsStatusNotification", status=status)
    else:
        csms.wait("LogStatusNotification", status=status, requestId=4)


def test_diagnostics_are_left_on_an_ftp_server(accepted: Station, csms: Csms, dialect: str, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with ftp_server(tmp_path) as server:
        name = asked(csms, dialect, server.url("logs"))
        told(csms, dialect, "Uploading")
        told(csms, dialect, "Uploaded")
    assert (tmp_path / "logs" / name).stat().st_size > 1000


def test_what_fails_is_told(accepted: Station, csms: Csms, dialect: str, server: WebServer) -> None:
    asked(csms, dialect, server.url("nowhere/"))
    told(csms, dialect, "Uploading")
    told(csms, dialect, "UploadFailed" if dialect == "1.6" else "UploadFailure")


def test_a_trigger_tells_that_nothing_goes_on(accepted: Station, csms: Csms, dialect: str) -> None:
    action = "DiagnosticsStatusNotification" if dialect == "1.6" else "LogStatusNotification"
    csms.call("TriggerMessage", {"requestedMessage": action})
    assert csms.wait(action).payload == {"status": "Idle"}


def test_an_upload_goes_on_after_the_sudden_end_of_the_process(
    accepted: Station, csms: Csms, dialect: str, server: WebServer
) -> None:
    server.go_on.clear()
    name = asked(csms, dialect, server.url(""))
    told(csms, dialect, "Uploading")
    assert server.busy.wait(10)
    accepted.restart(Station.kill)
    server.go_on.set()
    told(csms, dialect, "Uploaded")
    assert (server.folder / name).exists()


def test_the_security_log_goes_the_same_way(csms: Csms, dialect: str, accepted: Station, server: WebServer) -> None:
    log: dict[str, Any] = {"logType": "SecurityLog", "requestId": 9, "log": {"remoteLocation": server.url("")}}
    name = csms.call("GetLog", log)["filename"]
    csms.wait("LogStatusNotification", status="Uploaded", requestId=9)
    assert "StartupOfTheDevice" in (server.folder / name).read_text()


def test_a_technician_gets_the_same_archive(accepted: Station) -> None:
    archive = accepted.ctl("bundle")
    assert archive["filename"].endswith(".tar.gz")
    assert len(archive["archive"]) > 1000


def test_a_bad_message_is_in_the_security_log(accepted: Station, csms: Csms) -> None:
    csms.send_raw("no JSON")
    csms.call("ClearCache", {})
    kinds = [event["kind"] for event in accepted.ctl("security_log")["events"]]
    assert "InvalidMessages" in kinds
