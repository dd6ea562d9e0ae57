"""A log file is made, left where it is wanted, and removed here."""

import asyncio
import io
import json
import tarfile
from pathlib import Path

from chargepointd.core.logs import LogFailed, UploadLog
from chargepointd.core.security import Logged
from chargepointd.core.values import Stamp
from chargepointd.jobs.diagnostics import upload_log
from chargepointd.jobs.runner import Place
from tests.servers.web import web_server

EVENTS = (Logged(1, "ResetOrReboot", Stamp(1_800_000_000.0), "RemoteReset"),)


async def gather(oldest: float | None, latest: float | None) -> dict[str, str]:
    return {"span.txt": f"{oldest} {latest}", "größe.json": "{}"}


def uploaded(tmp_path: Path, kind: str, name: str, url: str) -> object:
    job = UploadLog(kind, name, url, 1.0, None, EVENTS)
    return asyncio.run(upload_log(job, Place(tmp_path, gather), lambda news: None))


def test_the_archive_holds_what_the_daemon_knows_of_that_time(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with web_server(tmp_path / "there") as server:
        assert uploaded(tmp_path, "DiagnosticsLog", "d.tar.gz", server.url("")) == ""
    with tarfile.open(fileobj=io.BytesIO((tmp_path / "there/d.tar.gz").read_bytes())) as tar:
        assert tar.getnames() == ["d/span.txt", "d/größe.json"]
        file = tar.extractfile("d/span.txt")
        assert file
        assert file.read() == b"1.0 None"
    assert not list((tmp_path / "outgoing").iterdir())


def test_the_security_log_is_a_line_an_event(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with web_server(tmp_path / "there") as server:
        assert uploaded(tmp_path, "SecurityLog", "s.jsonl", server.url("")) == ""
    assert json.loads((tmp_path / "there/s.jsonl").read_text()) == {
        "id": 1, "at": "2027-01-15T08:00:00Z", "kind": "ResetOrReboot", "info": "RemoteReset", "state": "settled",
    }  # fmt: skip


def test_why_it_could_not_be_left_there(tmp_path: Path) -> None:
    with web_server(tmp_path) as server:
        failed = uploaded(tmp_path, "SecurityLog", "s.jsonl", server.url("nowhere/"))
    assert isinstance(failed, LogFailed)
    assert failed.kind == "NotFound"
    assert not list((tmp_path / "outgoing").iterdir())
