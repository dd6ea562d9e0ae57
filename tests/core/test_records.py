"""A long queue: a window of it at hand, the rest on the disk; and who waits for whom (R2 to R5)."""

import pytest

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import messages as m
from chargepointd.core import outbox, records
from chargepointd.core.context import Step
from chargepointd.core.saved import Saved
from chargepointd.core.values import Stamp
from tests.core.world import World, check_records

SAMPLES = {
    "SampledDataCtrlr.TxUpdatedInterval": "10",
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "3",
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": "60",
}


@pytest.fixture(autouse=True)
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "WINDOW", 8)
    monkeypatch.setattr(records, "LOW", 4)
    monkeypatch.setattr(records, "WIDEST", 16)


def at_hand(w: World) -> int:
    return len(list(w.station.outbox.records))


def visits(w: World, number: int = 2) -> World:
    for _ in range(number):
        w.plug().present("CARD1", 1).after(100).present("CARD1", 1).after(5).unplug()
    return w


def test_a_long_queue_leaves_in_order_and_is_never_at_hand_as_a_whole(version: str) -> None:
    w = visits(World(version, SAMPLES).online().offline(), 4)
    waiting = len(w.station.outbox)
    assert waiting == len(w.records) > 40
    assert at_hand(w) == records.WINDOW
    w.online()
    assert w.delivered() == w.records
    assert len(w.station.outbox) == 0
    assert w.station.outbox.records.size == 0
    check_records(w.records)


def test_a_long_queue_survives_a_power_cut_at_any_place(version: str) -> None:
    w = visits(World(version, SAMPLES).online().offline(), 3)
    w.slow = True
    w.online()
    for _ in range(len(w.records) + 20):
        w.cut()
        w.online()
        for _ in range(8):
            w.answer()
    w.slow = False
    w.after(400)
    assert w.delivered() == w.records
    assert not w.station.outbox.holds()


def test_what_is_made_while_the_queue_drains_comes_after_it(version: str) -> None:
    w = visits(World(version, SAMPLES).online().offline(), 3)
    w.slow = True
    w.online().plug().present("CARD2", 1)
    for _ in range(200):
        w.answer().after(1)
    w.slow = False
    w.present("CARD2", 1).after(100)
    assert w.delivered() == w.records
    check_records(w.records)


def test_what_was_queued_online_says_so_when_the_link_is_lost_also_where_only_the_disk_has_it(version: str) -> None:
    w = World(version, SAMPLES | {"OCPPCommCtrlr.MessageTimeout[Default]": "300"}).online()
    w.mute_records = True
    w.plug().present("CARD1", 1).after(250)
    assert w.station.outbox.records.behind > 5
    w.offline()
    assert [record.offline for record in w.records] == [False] + [True] * (len(w.records) - 1), "the first was sent"
    w.cut()
    w.mute_records = False
    w.online().after(30)
    assert w.delivered() == w.records


def test_the_time_is_put_right_also_where_only_the_disk_has_the_record(version: str) -> None:
    w = visits(World(version, SAMPLES, wall=0.0), 3)
    assert w.station.outbox.records.behind > 10
    assert all(record.stamp.at < 1e6 for record in w.records)
    w.online()
    assert w.delivered() == w.records
    assert all(record.stamp.sure and abs(record.stamp.at - w.utc) < 1e5 for record in w.records)
    assert all(abs(value.at - w.utc) < 1e5 for record in w.records for value in record.values)
    check_records(w.records)


class Choosy(World):
    """A CSMS that refuses the records of one EVSE."""

    def _receive(self, call: object) -> None:
        message = call.message  # type: ignore[attr-defined]
        self.refusing = isinstance(message, m.TransactionRecord) and message.evse_id == 1
        super()._receive(call)  # type: ignore[arg-type]


def told(w: World, evse: int) -> list[str]:
    return [record.kind for record in w.told(m.TransactionRecord) if record.evse_id == evse]


def test_what_the_csms_refuses_holds_up_only_what_has_to_come_after_it(version: str) -> None:
    w = Choosy(version, SAMPLES).online().offline()
    w.plug(1).present("CARD1", 1).plug(2).present("CARD2", 2).after(100).present("CARD2", 2).after(5)
    w.online().after(10)
    assert told(w, 1) == ["Started"], "it waits for its next attempt"
    if version == "1.6":
        assert told(w, 2) == [], "1.6 §4.8: all in one order"
    else:
        assert told(w, 2)[0] == "Started"
        assert told(w, 2)[-1] == "Ended"


def test_a_transaction_that_is_refused_as_a_whole_does_not_stop_another_one_for_ever(version: str) -> None:
    w = Choosy(version, SAMPLES | {"OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": "1"}).online().offline()
    w.plug(1).present("CARD1", 1).plug(2).present("CARD2", 2).after(300).present("CARD2", 2).after(5)
    w.online().after(400)
    assert told(w, 2)[-1] == "Ended"
    assert w.station.outbox.dead > 10


def test_attempts_count_over_restarts(version: str) -> None:
    w = World(version, SAMPLES).plug().present("CARD1", 1)
    w.refusing = True
    for attempts in (1, 2):
        w.online().after(1)
        assert [w.station.outbox.records.attempts(entry) for entry in w.station.outbox.records][:1] == [attempts]
        w.cut()
    w.online().after(1)
    assert len(w.disk.dead) == 1
    assert "1" not in (w.disk.state.get("attempts") or {})


def test_a_record_at_whose_sight_the_csms_hangs_up_is_set_aside_in_the_end(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LOST_MAX", 5)
    w = World(version, SAMPLES).plug().present("CARD1", 1).present("CARD1", 1).after(5)
    w.mute_records = True
    for _ in range(5):  # at the second nothing else was answered, so from then on a heartbeat goes first
        w.online().after(1).offline()
    w.cut()
    assert not w.disk.dead
    w.online().after(1).offline()
    assert [settle.dead for _, settle in w.disk.dead.values()] == [
        "Offline: 5 connections ended before its answer came"
    ]
    w.mute_records = False
    w.online().after(10)
    assert told(w, 1)[-1] == "Ended"


def mute_to_what_waits(version: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """Records wait, and the CSMS will answer none. After five connections a record would be what ends them."""
    monkeypatch.setattr(outbox, "LOST_MAX", 5)
    w = World(version, SAMPLES).online().plug().present("CARD1", 1).after(5)
    w.offline().after(40)
    w.mute = True
    return w


def test_a_link_that_breaks_at_whatever_is_sent_first_is_no_records_fault(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = mute_to_what_waits(version, monkeypatch)
    firsts = []
    for _ in range(40):
        heard = len(w.received)
        w.online().offline()
        firsts.append([type(message) for _, message in w.received[heard:]])
    assert firsts == [[m.TransactionRecord]] + 39 * [[m.Heartbeat]]
    assert not w.disk.dead
    assert "attempts" not in w.disk.saved().state
    w.mute = False
    w.online().after(1)
    assert w.delivered() == w.records
    heard = len(w.received)
    w.offline().after(40).online()
    assert type(w.received[heard][1]) is m.TransactionRecord, "all is well again"


def test_a_heartbeat_that_is_not_answered_proves_nothing_and_holds_up_nothing(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = mute_to_what_waits(version, monkeypatch)
    w.online().offline()
    heard = len(w.received)
    for _ in range(10):
        w.online().after(45).offline()  # the second time one heartbeat is too few before the record, and so on
    told = [type(message) for _, message in w.received[heard:]]
    assert told == 5 * [m.Heartbeat, m.TransactionRecord, m.Heartbeat, m.Heartbeat]
    assert not w.disk.dead
    assert "attempts" not in w.disk.saved().state


def test_what_was_made_before_the_disk_was_read_is_at_hand_with_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a step asks for is read when its own batch is safe; by then later steps may have added to it."""
    monkeypatch.setattr(records, "WINDOW", 2)
    monkeypatch.setattr(records, "LOW", 2)
    queue, step = records.Records(World("2.0.1").station.context, Saved()), Step(0.0, 1.8e9)
    sample = m.TransactionRecord("Updated", "tx-1", 1, Stamp(1.8e9), "MeterValuePeriodic", 1, 1)
    for _ in range(3):
        queue.add(sample, step)
    first = queue.next(0.0)
    assert first
    queue.settle(first, step)
    queue.fill(step)
    asked = step.effects[-1]
    assert isinstance(asked, f.LoadRecords)
    queue.add(sample, step)
    saved = [effect for effect in step.effects if isinstance(effect, f.SaveRecord)]
    read = tuple(records.Entry(*save[:3], len(save.body)) for save in saved if save.record_id > asked.after_id)
    assert len(read) == 2
    queue.loaded(asked.ticket, read, True, step)
    assert (queue.behind, len(queue)) == (0, 3)
    assert not [effect for effect in step.effects if isinstance(effect, f.Note)]


def test_records_that_cannot_be_read_any_more_are_told_of(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    w = visits(World(version, SAMPLES).online().offline())
    whole = w.disk.waiting
    gone = max(w.disk.records)
    monkeypatch.setattr(
        w.disk,
        "waiting",
        lambda after, limit: (
            tuple(entry for entry in whole(after, limit)[0] if entry.id != gone),
            whole(after, limit)[1],
            *((1, 300) if after < gone <= whole(after, limit)[0][-1].id else ()),
        ),
    )
    w.online()
    assert (w.ask(c.ShowOutbox()).data["dead"], w.station.outbox.dead_size) == (1, 300)
    assert "1 record set aside: cannot be read; see `chargepointctl outbox --dead`" in w.notes
    assert len(w.station.outbox) == 0
    [told] = [event.info for event in w.told(m.SecurityEvent) if event.kind == "StateDamaged"]
    assert told == "1 records cannot be read, and were set aside"
