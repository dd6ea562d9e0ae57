"""What the CSMS is told, in order, once, and what happens when it does not listen (E04, E13; 1.6 §3.7)."""

from itertools import pairwise

import pytest

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core import outbox
from tests.core.world import World

RETRIES = {
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "3",
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": "20",
    "SampledDataCtrlr.TxUpdatedInterval": "0",
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
}


class Watched(World):
    """Notes when each record was sent."""

    def _receive(self, call: object) -> None:
        if isinstance(call.message, m.TransactionRecord):  # type: ignore[attr-defined]
            self.times.setdefault(call.message_id, []).append(self.mono)  # type: ignore[attr-defined]
        super()._receive(call)  # type: ignore[arg-type]

    def boot(self) -> None:
        self.times: dict[str, list[float]] = getattr(self, "times", {})
        super().boot()


def waits(times: list[float]) -> list[int]:
    return [round(b - a) for a, b in pairwise(times)]


@pytest.mark.parametrize(("how", "first", "second"), [("refusing", 20, 40), ("mute", 50, 70)])
def test_a_record_is_tried_so_often_and_so_far_apart(version: str, how: str, first: int, second: int) -> None:
    w = Watched(version, RETRIES)
    w.plug().present("CARD1", 1)
    w.refusing, w.mute_records = how == "refusing", how == "mute"
    w.online().after(400)
    tried = next(iter(w.times.values()))
    assert waits(tried) == [first, second]


def test_a_record_that_is_never_taken_is_set_aside_and_the_next_goes_on(version: str) -> None:
    w = Watched(version, RETRIES)
    w.plug().present("CARD1", 1)
    w.refusing = True
    w.online().after(61)
    w.refusing = False
    w.present("CARD1", 1).after(30)
    assert w.station.outbox.dead == 1
    assert len(w.station.outbox) == 0
    assert w.told(m.TransactionRecord)[-1].kind == "Ended"
    assert w.ask(c.ShowOutbox()).data["dead"] == 1


def test_a_record_that_is_taken_late_is_not_sent_again(version: str) -> None:
    w = Watched(version, RETRIES)
    w.plug().present("CARD1", 1)
    w.refusing = True
    w.online()
    w.refusing = False
    w.after(300)
    assert len(next(iter(w.times.values()))) == 2
    assert w.delivered() == w.records


def test_being_offline_is_no_attempt(version: str) -> None:
    w = Watched(version, RETRIES)
    w.plug().present("CARD1", 1)
    w.mute_records = True
    for _ in range(6):
        w.online().after(5).offline().after(5)
    w.mute_records = False
    w.online().after(100)
    assert w.station.outbox.dead == 0
    assert w.delivered() == w.records


def test_what_waits_for_the_disk_is_not_unanswered(version: str) -> None:
    w = World(version, RETRIES).online().plug().present("CARD1", 1)
    w.stalled = True
    heard = len(w.received)
    w.unplug().after(500)
    assert len(w.received) == heard
    w.go_on().after(1)
    ids = [message_id for message_id, _ in w.received]
    assert len(ids) == len(set(ids))
    assert w.delivered() == w.records
    assert "attempts" not in w.disk.saved().state


@pytest.mark.parametrize("first", [m.Boot, m.Heartbeat, m.StatusChanged, m.TransactionRecord])
def test_the_time_for_an_answer_runs_from_when_the_message_left(version: str, first: type) -> None:
    w = World(version, RETRIES | {"SampledDataCtrlr.TxUpdatedInterval": "20"})
    if first is not m.Boot:
        w.online().after(1)
    if first is m.TransactionRecord:
        w.plug().present("CARD1", 1).after(10)
    w.stalled = w.mute = True
    heard = len(w.received)
    if first is m.Boot:
        w.online()
    elif first is m.Heartbeat:
        w.ask(c.TriggerMessage("Heartbeat"))
    elif first is m.StatusChanged:
        w.plug()
    w.after(40).go_on()
    assert type(w.received[heard][1]) is first
    w.plug(2).after(28)
    assert len(w.received) == heard + 1, "two at once"
    w.after(60)
    assert len(w.received) > heard + 1


def test_late_and_double_answers_are_dropped(version: str) -> None:
    w = World(version).online().plug()
    w.mute = True
    w.present("CARD1", 1)
    message_id, _ = w.received[-1]
    w.after(31)
    for _ in range(3):
        w.tell(e.CallAnswered(message_id, m.AuthorizeAnswered(m.TokenInfo("Accepted"))))
        w.tell(e.CallRefused("never heard of", "InternalError", ""))
    assert not w.station.evses[1].session.authorized


def test_what_was_queued_when_the_link_was_lost_says_so(version: str) -> None:
    w = World(version, {"SampledDataCtrlr.TxUpdatedInterval": "10"}).online().plug().present("CARD1", 1).after(1)
    w.mute_records = True
    w.after(25)
    queued = [entry.record for entry in w.station.outbox.records]
    assert len(queued) > 1
    assert not any(record.offline for record in queued)
    w.offline()
    after = [entry.record.offline for entry in w.station.outbox.records]
    assert after == [False] + [True] * (len(queued) - 1), "the first was sent: the CSMS may have it"
    w.mute_records = False
    w.cut()
    w.online().after(20)
    assert w.delivered() == w.records


def test_what_may_have_been_sent_before_a_power_cut_stays_as_it_was(version: str) -> None:
    w = World(version, RETRIES).online().plug()
    w.mute_records = True
    w.present("CARD1", 1).after(1)
    w.cut()
    w.mute = True
    w.online().offline()
    first = next(iter(w.station.outbox.records))
    assert not first.record.offline
    w.mute = w.mute_records = False
    w.online().after(60)
    assert w.delivered() == w.records


def test_what_happened_offline_is_told_in_order_with_the_times_that_were(version: str) -> None:
    w = World(version, RETRIES).online().offline()
    w.plug().present("CARD1", 1).after(3600).present("CARD1", 1).after(10).unplug().after(600)
    w.online()
    assert w.delivered() == w.records
    assert all(record.offline for record in w.records)
    assert w.records[-1].stamp.at - w.records[0].stamp.at > 3600
    assert w.utc - w.records[-1].stamp.at > 600


def test_a_stop_that_was_made_before_its_start_was_told_gets_its_number() -> None:
    w = World("1.6", RETRIES).plug().present("CARD1", 1).after(60).present("CARD1", 1).after(10)
    w.online()
    references = [(message.kind, reference) for message, reference in w.sent_with]
    assert references[0] == ("Started", None)
    assert {reference for _, reference in references[1:]} == {1}
    assert not w.disk.saved().references, "nothing is kept of a transaction that is over"


def test_whether_anything_waits_is_told(version: str) -> None:
    w = World(version, RETRIES).online()
    assert w.ask(c.GetTransactionStatus()) == (False, None)
    assert w.ask(c.GetTransactionStatus("unknown")) == (False, False)
    w.plug().present("CARD1", 1)
    one = w.records[0].transaction_id
    assert w.ask(c.GetTransactionStatus(one)) == (False, True)
    w.mute_records = True
    w.present("CARD1", 1).after(10)
    assert w.ask(c.GetTransactionStatus(one)) == (True, False)
    assert w.ask(c.GetTransactionStatus()) == (True, None)


def test_statuses_and_heartbeats_go_on_while_a_record_waits_for_its_next_attempt(version: str) -> None:
    w = World(version, RETRIES | {"OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": "1000"})
    w.online().plug().present("CARD1", 1)
    w.refusing = True
    w.present("CARD1", 1).after(10)
    w.unplug()
    assert w.statuses[(1, 1)] == "Available"


# -- all messages wait for the connection (QueueAllMessages) -----------------------------------------------------------

ALL = {"OCPPCommCtrlr.QueueAllMessages": "true", "AlignedDataCtrlr.Interval": "900"}


def statuses(w: World) -> list[str]:
    return [status.status for status in w.told(m.StatusChanged) if status.evse_id == 1]


def test_what_changed_while_offline_is_not_told_unless_all_is_queued() -> None:
    w = World("2.0.1").online().offline()
    before = len(w.received)
    w.plug().unplug().after(30).online()
    assert [message for _, message in w.received[before:] if not isinstance(message, m.TransactionRecord)] == []


def test_all_that_was_said_while_offline_is_told_in_order_with_its_time() -> None:
    w = World("2.0.1", ALL).online().offline()
    w.plug().after(10).unplug().after(10).plug().after(2000).online()
    told = [s for s in w.told(m.StatusChanged) if s.evse_id == 1]
    assert [s.status for s in told][:4] == ["Available", "Occupied", "Available", "Occupied"]
    assert [round(b.at - a.at) for a, b in pairwise(told[1:4])] == [10, 10]
    assert len(w.told(m.MetersRead)) >= 2, "the clock-aligned values of the time without a connection"


def test_what_was_under_way_when_the_link_broke_is_told_again_where_all_is_queued() -> None:
    w = World("2.0.1", ALL).online()
    w.mute = True
    w.plug()
    w.mute = False
    w.offline().online()
    assert statuses(w) == ["Available", "Occupied", "Occupied"]


def test_authorizations_of_the_time_without_a_connection_are_not_asked_for_later() -> None:
    w = World("2.0.1", ALL).online().offline()
    w.present("AAAA1111").after(30).online()
    assert w.told(m.Authorize) == []


def test_so_many_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chargepointd.core.outbox.LATE_MAX", 3)
    w = World("2.0.1", ALL).online().offline()
    for _ in range(5):
        w.plug().unplug()
    w.online()
    assert len(statuses(w)) <= 1 + 3 + 1, "what was dropped is told as it is now"
    assert statuses(w)[-1] == "Available"


def test_a_record_that_was_sent_before_a_power_cut_is_sent_again_as_it_was(version: str) -> None:
    w = World(version).online()
    w.mute_records = True
    w.plug().present("CARD1", 1)
    w.cut()
    w.mute = True
    w.online().offline()
    w.mute = w.mute_records = False
    w.online().after(5)
    assert [record.kind for record in w.delivered()][:1] == ["Started"], "each with one content only"


def test_a_record_that_was_sent_keeps_its_time_when_the_clock_is_put_right(version: str) -> None:
    names = RETRIES | {"ClockCtrlr.TimeSource": "NTP"}
    w = Watched(version, names, wall=0.0).online().plug()
    w.mute_records = True
    w.present("CARD1", 1).after(5)
    w.wall = 1_800_000_000.0
    w.after(5)
    w.mute_records = False
    w.after(200)
    assert w.delivered()


class Picky(World):
    """A CSMS that answers everything but statuses."""

    def _receive(self, call: object) -> None:
        self.mute = isinstance(call.message, m.StatusChanged)  # type: ignore[attr-defined]
        super()._receive(call)  # type: ignore[arg-type]


def test_a_status_that_is_never_answered_does_not_hold_up_the_records(version: str) -> None:
    w = Picky(version, RETRIES).online().plug().present("CARD1", 1).after(200).present("CARD1", 1).after(200)
    assert w.delivered() == w.records
    assert w.records[-1].kind == "Ended"


def test_what_is_said_to_a_csms_that_answers_nothing_is_bounded(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LATE_MAX", 20)
    w = World(version, {"AlignedDataCtrlr.Interval": "1"}).online()
    w.mute = True
    w.after(100)
    assert w.station.outbox.others() <= 20 + 1
    assert any("the oldest is dropped" in note for note in w.notes)
    w.mute = False
    w.after(60)
    assert w.station.outbox.others() == 0
