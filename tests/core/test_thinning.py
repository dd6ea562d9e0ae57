"""More waits for the CSMS than there is room for: samples go, starts and ends never, and that is told (R6)."""

from itertools import pairwise

import pytest

from chargepointd.core import messages as m
from chargepointd.core import records
from tests.core.world import PLAN, World

BUSY = {
    "SampledDataCtrlr.TxUpdatedInterval": "10",
    "SampledDataCtrlr.TxEndedInterval": "10",
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
}


@pytest.fixture(autouse=True)
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "WINDOW", 8)
    monkeypatch.setattr(records, "LOW", 4)


def station(version: str, room: int) -> World:
    return World(version, BUSY, plan=PLAN._replace(outbox_bytes=room)).online().offline()


def visit(w: World, seconds: float) -> World:
    return w.plug().present("CARD1", 1).after(seconds).present("CARD1", 1).after(5).unplug()


def kept(w: World) -> list[m.TransactionRecord]:
    return [entry.record for _, entry in sorted(w.disk.records.items())]


def waiting_bytes(w: World) -> int:
    return sum(entry.size for entry in w.disk.records.values())


def samples(rows: list[m.TransactionRecord], transaction_id: str) -> list[int]:
    return [
        row.seq_no
        for row in rows
        if row.transaction_id == transaction_id and row.kind == "Updated" and row.trigger.startswith("MeterValue")
    ]


def test_every_other_sample_goes_and_nothing_else(version: str) -> None:
    w = station(version, 60_000)
    for _ in range(4):
        visit(w, 600)
    rows = kept(w)
    assert w.station.outbox.records.size == waiting_bytes(w) <= 60_000
    for made in w.records:
        if made.kind != "Updated" or not made.trigger.startswith("MeterValue"):
            assert any((row.transaction_id, row.seq_no) == (made.transaction_id, made.seq_no) for row in rows), made
    dropped = len(w.records) - len(rows)
    assert w.station.outbox.records.dropped["records"] == dropped == w.disk.state["dropped"]["records"]
    assert dropped > 50
    assert len([note for note in w.notes if "every other sample is dropped" in note]) == 1, "told once"


def test_what_is_left_is_told_with_its_gaps(version: str) -> None:
    w = station(version, 40_000)
    for _ in range(4):
        visit(w, 400)
    rows = kept(w)
    w.online().after(5)
    assert w.delivered() == rows
    assert len(w.station.outbox) == 0
    assert w.station.outbox.records.size == 0
    by_transaction: dict[str, list[int]] = {}
    for row in rows:
        by_transaction.setdefault(row.transaction_id, []).append(row.seq_no)
    assert all(numbers == sorted(numbers) for numbers in by_transaction.values())
    assert any(b - a > 1 for numbers in by_transaction.values() for a, b in pairwise(numbers))


def test_values_within_the_end_go_when_there_are_no_samples_left(version: str) -> None:
    w = station(version, 25_000)
    for _ in range(6):
        visit(w, 900)
    ends = [row for row in kept(w) if row.kind == "Ended"]
    behind = ends[1:]
    made = {row.transaction_id: row for row in w.records if row.kind == "Ended"}
    assert w.station.outbox.records.dropped["values"] > 50
    assert any(len(row.values) < 60 for row in behind)
    for row in ends:
        assert (row.values[0].context, row.values[-1].context)[1] == "Transaction.End"
        assert (row.energy_wh, row.stamp) == (made[row.transaction_id].energy_wh, made[row.transaction_id].stamp)
        assert row.values[0] == next(iter(row.values))


def test_with_no_room_for_starts_and_ends_nobody_begins_and_that_is_told(version: str) -> None:
    w = station(version, 9_000)
    for _ in range(12):
        visit(w, 20)
    assert w.station.context.no_room
    assert any("nobody begins any more" in note for note in w.notes)
    made = len(w.records)
    visit(w, 20)
    assert len(w.records) == made, "no transaction without room for its records"
    w.online().after(5)
    assert len(w.station.outbox) == 0
    assert not w.station.context.no_room
    visit(w, 20)
    assert len(w.records) > made
    started = [row for row in w.delivered() if row.kind == "Started"]
    ended = [row for row in w.delivered() if row.kind == "Ended"]
    assert len(started) == len(ended)


def test_a_transaction_that_runs_ends_though_there_is_no_room(version: str) -> None:
    w = station(version, 9_000)
    w.plug(2).present("CARD2", 2)
    for _ in range(12):
        visit(w, 20)
    assert w.station.context.no_room
    w.present("CARD2", 2).after(5)
    assert w.records[-1].kind == "Ended"
    w.online().after(5)
    assert w.delivered()[-1].kind == "Ended"


def test_a_power_cut_in_the_middle_loses_nothing_but_samples(version: str) -> None:
    for steps in range(1, 60, 7):
        w = station(version, 20_000)
        visit(w, 200)
        w.plug().present("CARD1", 1).after(60)
        w.cut_in(steps, committed=bool(steps % 2))
        w.after(300)
        w.present("CARD1", 1).after(5)
        w.online().after(10)
        told = w.delivered()
        kinds = [(row.transaction_id, row.kind) for row in told if row.kind != "Updated"]
        assert len(kinds) == len(set(kinds)) == 4
        assert len(w.station.outbox) == 0
