"""What goes into the archive for a support case, and what never does."""

import asyncio
import gzip
import json
import logging
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core.values import Now, Token
from chargepointd.daemon import bundle
from chargepointd.daemon.bundle import RECORDING, Bundle, without_secrets
from chargepointd.daemon.log_ring import LINE_LIMIT, LogRing
from chargepointd.daemon.recorder import Recorder
from chargepointd.jobs.runner import Parts
from chargepointd.sections import CsmsConfig
from tests.daemon.test_recorder import START


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
    if params.get("act") == "dead":
        return {"letters": [{"id": 1, "reason": "FormationViolation: geheim is unknown"}], "more": False}
    return {"asked": params}


ASKS = ("status", "drivers", "outbox", "security_log", "get", "profiles", "reservations", "limit", "list")


def gathered(tmp_path: Path, ring: LogRing, made: Recorder, *span: float | None, asks: Any = None) -> dict[str, Any]:
    whole = Bundle(CONFIG, tmp_path, ring, made, asks or dict.fromkeys(ASKS, ask), lambda: {"known_to_be_right": True})
    return asyncio.run(whole.gather(*(span or (None, None))))


def steps_of(parts: Parts) -> str:
    """As text."""
    recording = parts[RECORDING]
    assert isinstance(recording, bytes)
    return gzip.decompress(recording).decode()


def recorder(*events: e.Event) -> Recorder:
    made = Recorder(START)
    for event in events:
        made.record(Now(time.monotonic(), time.time()), event, [])
    return made


@pytest.fixture(autouse=True)
def no_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "JOURNAL", ("no-such-program",))


@pytest.fixture
def ring() -> LogRing:
    made = LogRing()
    made.handle(logging.LogRecord("link", logging.INFO, "", 0, "to %s", ("ftp://u:geheim@h/",), None))
    made.handle(logging.LogRecord("link", logging.INFO, "", 0, "y" * 5000, (), None))
    return made


def test_the_parts_and_no_secret_in_them(tmp_path: Path, ring: LogRing) -> None:
    ring.handle(logging.LogRecord("link", logging.INFO, "", 0, "refused: 04a1b2c3d4e5f6", (), None))
    made = recorder(
        e.TokenPresented(Token("04A1B2C3D4E5F6"), (1,)),
        e.CallReceived("1", c.GetLog("SecurityLog", "sftp://u:geheim@h/x?sig=geheim")),
    )
    (tmp_path / "crash-20260101T000000.jsonl.gz").write_bytes(b"a bug")
    parts = gathered(tmp_path, ring, made)
    assert parts.keys() >= {
        "status.json", "drivers.json", "outbox.json", "security_log.json", "variables.json", "configuration.json",
        "versions.json", "system.json", "log.txt", RECORDING, "crash-20260101T000000.jsonl.gz",
    }  # fmt: skip
    texts = parts | {RECORDING: steps_of(parts), "crash-20260101T000000.jsonl.gz": ""}
    assert not [name for name, text in texts.items() if "geheim" in text or "04A1B2C3D4E5F6" in text.upper()]
    presented = json.loads(texts[RECORDING].splitlines()[2])[3]["token"]["value"]
    assert f"refused: {presented.lower()}" in parts["log.txt"], "the same pseudonym everywhere"
    assert json.loads(parts["set_aside.json"])["letters"] == [{"id": 1, "reason": "FormationViolation"}]
    assert json.loads(parts["system.json"])["clock"] == {"known_to_be_right": True}
    assert json.loads(parts["system.json"])["disk"]["free_bytes"] > 0
    assert json.loads(parts["versions.json"])["packages"]["websockets"]
    assert json.loads(parts["configuration.json"])["modem"] == {"port": "/dev/ttyS1", "sim_pin": "…"}
    assert max(map(len, parts["log.txt"].splitlines())) < LINE_LIMIT + 30


def test_what_has_a_time_is_bounded_by_the_time_asked_for(tmp_path: Path, ring: LogRing) -> None:
    made = recorder(e.Ticked())
    crash = tmp_path / "crash-20260101T000000.jsonl.gz"
    crash.write_text("{}")
    os.utime(crash, (1_000, 1_000))
    now = time.time()
    past = gathered(tmp_path, ring, made, 0.0, now - 1000)
    assert "log.txt" not in past
    assert "Ticked" not in steps_of(past)
    assert crash.name in past
    recent = gathered(tmp_path, ring, made, now - 1000, None)
    assert "link: to" in recent["log.txt"]
    assert "Ticked" in steps_of(recent)
    assert crash.name not in recent


def test_the_journal_goes_along_where_it_can_be_read(
    tmp_path: Path, ring: LogRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "journal"
    program.write_text('#!/bin/sh\necho "journal $@"\n')
    program.chmod(0o700)
    monkeypatch.setattr(bundle, "JOURNAL", (str(program), "--quiet"))
    parts = gathered(tmp_path, ring, recorder(), 10.0, 20.0)
    assert parts["journal.txt"] == "journal --quiet --since=@10 --until=@20\n"


def test_a_journal_that_hangs_is_left_out(tmp_path: Path, ring: LogRing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "JOURNAL", ("sleep", "60"))
    monkeypatch.setattr(bundle, "JOURNAL_S", 0.1)
    assert "journal.txt" not in gathered(tmp_path, ring, recorder())


def test_a_secret_that_is_not_set_is_told_to_be_so() -> None:
    assert without_secrets(CsmsConfig("ws://h"))["password"] == ""
    assert without_secrets({"ocpp16": {"AuthorizationKey": "ab" * 16}}) == {"ocpp16": {"AuthorizationKey": "…"}}


def test_what_the_station_does_not_answer_is_missing_and_no_more(
    tmp_path: Path, ring: LogRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(params: dict[str, Any]) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(bundle, "ASK_S", 0.05)
    parts = gathered(tmp_path, ring, recorder(e.Ticked()), asks=dict.fromkeys(ASKS, ask) | {"status": never})
    assert parts["missing.txt"] == "status.json: the station did not answer within 0 s\n"
    assert "status.json" not in parts
    assert "outbox.json" in parts
    assert "Ticked" in steps_of(parts)
