"""The queue of the real process: what the CSMS refuses is set aside, shown, exported, sent again (R2 to R5); a long
queue drains in order over power cuts, and requests are answered meanwhile."""

import itertools
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chargepointd.core.effects import SaveRecord
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.pack import pack
from chargepointd.core.values import MeterValue, Sample, Stamp, Token
from chargepointd.storage.store import Store
from tests.csms import Csms
from tests.csms.answers import Refusal
from tests.daemon.process import Station
from tests.daemon.visit import TOKEN, begin, brisk, delivered, register_wh, true_to, until

pytestmark = pytest.mark.process

RECORDS = ("StartTransaction", "MeterValues", "StopTransaction", "TransactionEvent")
ENDS = {"1.6": "StopTransaction", "2.0.1": "TransactionEvent"}


@pytest.fixture
def patient(csms: Csms, dialect: str) -> Iterator[Station]:
    """Takes cards while offline, and tells their visits later."""
    with Station(brisk(csms.url, dialect, **{"AuthCtrlr.OfflineTxForUnknownIdEnabled": True})) as made:
        csms.wait_connected()
        yield made


def refuse_ends(csms: Csms, dialect: str) -> None:
    """By codes that may pass and by such that will not, and by answers that are none: each is an attempt."""
    codes = ("NotImplemented", "InternalError", "GenericError")
    noes = itertools.cycle([{"idTagInfo": {}, "bogus": 1}, *[Refusal(code, "not today") for code in codes]])

    def answer(payload: dict[str, Any]) -> Any:
        return next(noes) if dialect == "1.6" or payload["eventType"] == "Ended" else {}

    csms.answers[ENDS[dialect]] = answer


def outbox(station: Station, *words: str) -> subprocess.CompletedProcess[str]:
    """chargepointctl outbox …"""
    command = [sys.executable, "-m", "chargepointd.cli", "--state-dir", str(station.state_dir), "outbox", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=20)


def test_an_end_that_the_csms_refuses_is_set_aside_and_sent_again_after_a_power_cut(
    csms: Csms, station: Station, dialect: str, tmp_path: Path
) -> None:
    transaction = begin(station, csms)
    refuse_ends(csms, dialect)
    station.ctl("sim.swipe", token=TOKEN)
    until(lambda: station.ctl("outbox")["dead"], "record that was set aside")
    wh = register_wh(station)
    assert "5" in outbox(station, "--dead").stdout.split()
    assert TOKEN not in outbox(station, "--dead", "--json").stdout
    station.restart(Station.kill)
    file = tmp_path / "unbilled.jsonl"
    assert outbox(station, "--export", str(file)).stdout == "1 records\n"
    (letter,) = [json.loads(line) for line in file.read_text().splitlines()]
    assert (letter["action"], letter["starter"]["value"], letter["attempts"]) == (ENDS[dialect], TOKEN, 5)
    assert true_to(wh, letter["energy_wh"], dialect)
    del csms.answers[ENDS[dialect]]
    csms.mistakes.clear()  # the answer that is none was meant
    csms.wait_connected()
    csms.wait_status("Occupied" if dialect == "2.0.1" else "Finishing")
    until(lambda: not station.ctl("outbox")["queued"], "empty outbox")
    sent = csms.calls(ENDS[dialect])[-1].id
    assert outbox(station, "--retry", "all").stdout.startswith("1 sent again, 0 set aside")
    csms.wait_event("Ended")
    delivered(station)
    assert csms.calls(ENDS[dialect])[-1].id == sent, "the same message"
    assert transaction.check() == []
    assert transaction.ended is not None


def test_no_attempt_is_used_up_by_a_link_that_breaks(csms: Csms, dialect: str) -> None:
    config = brisk(csms.url, dialect, **{"OCPPCommCtrlr.MessageAttempts[TransactionEvent]": 2})
    with Station(config) as station:
        begin(station, csms)
        csms.silent(ENDS[dialect])
        station.ctl("sim.swipe", token=TOKEN)
        for _ in range(4):
            csms.wait(ENDS[dialect])
            csms.offline()
            csms.forget()
            csms.online()
        csms.behave(ENDS[dialect])
        csms.offline()  # nothing that is under way is answered any more
        csms.online()
        until(lambda: station.ctl("outbox")["queued"] == 0, "empty outbox")
        assert station.ctl("outbox")["dead"] == 0
        assert csms.books.check() == []
        sends = Counter(message.id for message in csms.calls(ENDS[dialect]))
        assert max(sends.values()) > 2, "more often than there are attempts"


def test_a_long_queue_drains_in_order_over_power_cuts_and_requests_are_answered_meanwhile(
    csms: Csms, patient: Station
) -> None:
    station = patient
    csms.offline()
    station.ctl("sim.transactions", count=60)
    queued = station.ctl("outbox")["queued"]
    assert queued > 200, "more than are at hand"
    csms.online()
    for _ in range(2):
        csms.wait_event("Started", timeout=40)
        station.restart(Station.kill)
    csms.latency_s = 0.01  # so that the queue is there for a while
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            csms.call("GetLocalListVersion", {})

    csms.wait_event("Started", timeout=40)
    asker = threading.Thread(target=ask)
    asker.start()
    try:
        delivered(station, timeout=60)
    finally:
        done.set()
        asker.join()
    messages = csms.transcript.messages
    last = max(m.number for m in messages if m.action in RECORDS)
    answers = [m for m in messages if m.action == "GetLocalListVersion" and m.kind == "result"]
    assert sum(answer.number < last for answer in answers) >= 10, "requests had to wait for the end of the queue"
    assert csms.books.check() == []
    assert len(csms.books.transactions) == 60


def as_left(directory: Path, transactions: int, samples: int) -> int:
    """The queue as an earlier process has left it. Its bytes."""
    token, size = Token(TOKEN), 0
    others = tuple(Sample("Current.Import", 16.0, "A", phase=f"L{n}") for n in (1, 2, 3) for _ in "ab")
    store = Store(directory)
    store.open()
    number = itertools.count(1)
    for transaction in range(transactions):
        saves = []
        for seq_no in range(samples + 2):
            kind = {0: "Started", samples + 1: "Ended"}.get(seq_no, "Updated")
            at, wh = time.time() - 1e6 + transaction * 1000 + seq_no, 1000.0 * transaction + seq_no
            read = (MeterValue(at, "Sample.Periodic", (Sample("Energy.Active.Import.Register", wh, "Wh"), *others)),)
            record = TransactionRecord(
                kind, f"left-{transaction}", seq_no, Stamp(at), "MeterValuePeriodic", 1, 1, "Charging", wh,
                read if seq_no else (), token if kind == "Started" else None, token, offline=True,
                stopped_reason="Local" if kind == "Ended" else None,
            )  # fmt: skip
            body = pack(record)
            size += len(body)
            saves.append(SaveRecord(next(number), f"left-{transaction}-{seq_no}", record, body))
        store.commit(saves, durable=True)
    store.close()
    return size


def test_more_than_there_is_room_for_is_thinned_and_starts_and_ends_arrive_all(dialect: str) -> None:
    with Csms(versions=(dialect,), audit=False) as csms:
        csms.offline()
        config = brisk(csms.url, dialect)
        config["outbox"] = {"max_bytes": 1_000_000}
        station = Station(config)
        assert as_left(station.state_dir, 40, 100) > 1_400_000
        with station:
            until(lambda: station.ctl("outbox").get("dropped", {}).get("records", 0) > 1000, "samples that went")
            until(lambda: station.ctl("outbox")["bytes"] <= 1_000_000, "room")
            assert "dropped for lack of room" in outbox(station).stdout
            station.restart(Station.kill)
            dropped = station.ctl("outbox")["dropped"]["records"]
            csms.online()
            csms.wait("SecurityEventNotification", type="MemoryExhaustion")
            delivered(station, timeout=60)
            left = list(csms.books.transactions.values())
            assert len(left) == 40
            assert all((each.kinds.count("Started"), each.kinds.count("Ended")) == (1, 1) for each in left)
            assert sum(len(each.kinds) for each in left) == 40 * 102 - dropped
