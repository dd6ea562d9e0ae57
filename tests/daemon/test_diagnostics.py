"""What goes into the diagnostics archive, and what never does."""

import asyncio
import json
import logging
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chargepointd.config import CsmsConfig
from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core.values import Token
from chargepointd.daemon import diagnostics
from chargepointd.daemon.diagnostics import Diagnostics, without_secrets
from chargepointd.daemon.log_ring import LINE_LIMIT, LogRing
from chargepointd.daemon.recorder import Recorder


class Modem(NamedTuple):
    port: str
    sim_pin: str


class Files(NamedTuple):
    csms: CsmsConfig
    modem: Modem
    extra: dict[str, Any]


CONFIG = Files(
    CsmsConfig("wss://user:geheim@csms.example.com/ocpp?key=geheim", password="geheim"),
    Modem("/dev/ttyS1", "geheim"),
    {"api_token": "geheim", "limits": (1, 2.5), "file": Path("/etc/x")},
)


async def ask(params: dict[str, Any]) -> Any:
    return {"asked": params}


def gathered(tmp_path: Path, ring: LogRing, recorder: Recorder, *span: float | None) -> dict[str, str]:
    asks = dict.fromkeys(("status", "drivers", "outbox", "security_log", "get"), ask)
    made = Diagnostics(CONFIG, tmp_path, ring, recorder, asks, lambda: {"known_to_be_right": True})
    return asyncio.run(made.gather(*(span or (None, None))))


@pytest.fixture(autouse=True)
def no_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "JOURNAL", ("no-such-program",))


@pytest.fixture
def ring() -> LogRing:
    made = LogRing()
    made.handle(logging.LogRecord("link", logging.INFO, "", 0, "to %s", ("ftp://u:geheim@h/",), None))
    made.handle(logging.LogRecord("link", logging.INFO, "", 0, "y" * 5000, (), None))
    return made


def test_the_parts_and_no_secret_in_them(tmp_path: Path, ring: LogRing) -> None:
    recorder = Recorder()
    recorder.record(time.monotonic(), e.TokenPresented(Token("04A1B2C3D4E5F6"), (1,)))
    recorder.record(time.monotonic(), e.CallReceived("1", c.GetLog("SecurityLog", "sftp://u:geheim@h/x?sig=geheim")))
    (tmp_path / "crash-20260101T000000.jsonl").write_text('{"why": "a bug"}\n')
    parts = gathered(tmp_path, ring, recorder)
    assert parts.keys() >= {
        "status.json", "drivers.json", "outbox.json", "security_log.json", "variables.json", "configuration.json",
        "versions.json", "system.json", "log.txt", "events.jsonl", "crash-20260101T000000.jsonl",
    }  # fmt: skip
    assert not [name for name, text in parts.items() if "geheim" in text or "04A1B2C3D4E5F6" in text]
    assert "…E5F6" in json.loads(parts["events.jsonl"].splitlines()[0])[2]["token"]["token"]
    assert json.loads(parts["system.json"])["clock"] == {"known_to_be_right": True}
    assert json.loads(parts["system.json"])["disk"]["free_bytes"] > 0
    assert json.loads(parts["versions.json"])["packages"]["websockets"]
    assert json.loads(parts["configuration.json"])["modem"] == {"port": "/dev/ttyS1", "sim_pin": "…"}
    assert max(map(len, parts["log.txt"].splitlines())) < LINE_LIMIT + 30


def test_what_has_a_time_is_bounded_by_the_time_asked_for(tmp_path: Path, ring: LogRing) -> None:
    recorder = Recorder()
    recorder.record(time.monotonic(), e.Ticked())
    crash = tmp_path / "crash-20260101T000000.jsonl"
    crash.write_text("{}")
    os.utime(crash, (1_000, 1_000))
    now = time.time()
    past = gathered(tmp_path, ring, recorder, 0.0, now - 1000)
    assert (past["log.txt"], past["events.jsonl"]) == ("", "")
    assert crash.name in past
    recent = gathered(tmp_path, ring, recorder, now - 1000, None)
    assert "link: to" in recent["log.txt"]
    assert "Ticked" in recent["events.jsonl"]
    assert crash.name not in recent


def test_the_journal_goes_along_where_it_can_be_read(
    tmp_path: Path, ring: LogRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "journal"
    program.write_text('#!/bin/sh\necho "journal $@"\n')
    program.chmod(0o700)
    monkeypatch.setattr(diagnostics, "JOURNAL", (str(program), "--quiet"))
    parts = gathered(tmp_path, ring, Recorder(), 10.0, 20.0)
    assert parts["journal.txt"] == "journal --quiet --since=@10 --until=@20\n"


def test_a_journal_that_hangs_is_left_out(tmp_path: Path, ring: LogRing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "JOURNAL", ("sleep", "60"))
    monkeypatch.setattr(diagnostics, "JOURNAL_S", 0.1)
    assert "journal.txt" not in gathered(tmp_path, ring, Recorder())


def test_a_secret_that_is_not_set_is_told_to_be_so() -> None:
    assert without_secrets(CsmsConfig("ws://h"))["password"] == ""
    assert without_secrets({"ocpp16": {"AuthorizationKey": "ab" * 16}}) == {"ocpp16": {"AuthorizationKey": "…"}}
