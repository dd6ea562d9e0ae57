"""N: logs for the CSMS."""

import gzip
import io
import json
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.tester import Tester
from tests.conformance.v201.test_l_firmware import LOGIN as FILE_LOGIN
from tests.conformance.v201.test_l_firmware import served
from tests.csms import Csms, Reply
from tests.servers.web import WebServer, web_server

LOGIN = ("tester", "log-secret")
FAILURES = ("UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    (tmp_path / "logs").mkdir()
    with web_server(tmp_path, login=LOGIN) as made:
        yield made


def get_log(csms: Csms, kind: str, request_id: int, url: str, **more: Any) -> Reply:
    return csms.call("GetLog", {"logType": kind, "requestId": request_id, "log": {"remoteLocation": url}, **more})


def status(csms: Csms, request_id: int, *allowed: str) -> None:
    """S> LogStatusNotification: one of these, as the next."""
    message = csms.wait("LogStatusNotification")
    told = (message["status"], message["requestId"])
    assert told in [(each, request_id) for each in allowed], csms.told(f"{told}, expected {allowed} of {request_id}")


def uploaded(csms: Csms, request_id: int) -> None:
    status(csms, request_id, "Uploading")
    status(csms, request_id, "Uploaded")


@pytest.mark.parametrize("protocol", ["HTTP", "HTTPS", "FTP", "FTPS", "SFTP"])
def test_tc_n_25_cs(tester: Tester, csms: Csms, tmp_path: Path, protocol: str) -> None:
    """Retrieve Log Information - Diagnostics Log - Success"""
    folder = tmp_path / "there"
    (folder / "logs").mkdir(parents=True)
    with served(protocol, folder, tester, tmp_path) as made:
        reply = get_log(csms, "DiagnosticsLog", 1, made.url("logs/", login=FILE_LOGIN))
        assert reply["status"] == "Accepted"
        uploaded(csms, 1)
    archive = (folder / "logs" / reply["filename"]).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {Path(name).name: _text(tar.extractfile(name).read()) for name in tar.getnames()}  # type: ignore[union-attr]
    assert {"status.json", "variables.json", "configuration.json", "log.txt", "recording.jsonl.gz"} <= files.keys()
    assert "CallReceived" in files["recording.jsonl.gz"]
    assert not any(f":{FILE_LOGIN[1]}@" in text for text in files.values())


def _text(data: bytes) -> str:
    return (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode()


def test_tc_n_26_cs(tester: Tester, csms: Csms, server: WebServer) -> None:
    """Retrieve Log Information - Diagnostics Log - Upload failed"""
    interval = 1
    url = server.url("nowhere/", login=LOGIN)
    began = time.monotonic()
    assert get_log(csms, "DiagnosticsLog", 2, url, retries=3, retryInterval=interval)["status"] == "Accepted"
    status(csms, 2, "Uploading")
    status(csms, 2, *FAILURES)
    assert time.monotonic() - began >= 3 * interval
    assert len([asked for asked in server.asked if asked.method == "PUT"]) == 4
    csms.quiet("LogStatusNotification", interval)


def test_tc_n_35_cs(tester: Tester, csms: Csms, server: WebServer) -> None:
    """Retrieve Log Information - Security Log - Success"""
    reply = get_log(csms, "SecurityLog", 3, server.url("logs/", login=LOGIN))
    assert reply["status"] == "Accepted"
    uploaded(csms, 3)
    lines = (server.folder / "logs" / reply["filename"]).read_text().splitlines()
    assert json.loads(lines[0])["kind"] == "StartupOfTheDevice"


def test_tc_n_36_cs(tester: Tester, csms: Csms, server: WebServer) -> None:
    """Retrieve Log Information - Second Request"""
    server.go_on.clear()
    url = server.url("logs/", login=LOGIN)
    first = get_log(csms, "SecurityLog", 1, url)
    assert first["status"] == "Accepted"
    status(csms, 1, "Uploading")
    assert server.busy.wait(10)
    second = get_log(csms, "SecurityLog", 2, url)
    threading.Timer(0.2, server.go_on.set).start()
    assert second["status"] == "AcceptedCanceled"
    assert second["filename"]
    status(csms, 1, "AcceptedCanceled")
    uploaded(csms, 2)
