"""What the CSMS did not take, and a person sends again or drops (R3, R4)."""

from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core import records
from chargepointd.core.dead_letters import NEVER_ENDED
from tests.core.world import PLAN, World, check_records

ONCE = {
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "1",
    "SampledDataCtrlr.TxUpdatedInterval": "10",
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
}


class Picky(World):
    """A CSMS that refuses records of these kinds."""

    kinds: tuple[str, ...] = ()

    def _receive(self, call: object) -> None:
        message = call.message  # type: ignore[attr-defined]
        self.refusing = isinstance(message, m.TransactionRecord) and message.kind in self.kinds
        super()._receive(call)  # type: ignore[arg-type]


def refused(version: str, *kinds: str) -> Picky:
    """A transaction of which records of these kinds were set aside."""
    w = Picky(version, ONCE)
    w.kinds = kinds
    w.online().plug().present("CARD1", 1).after(35).present("CARD1", 1).after(5).unplug()
    w.kinds = ()
    return w


def mind(w: World, act: str, *ids: int) -> dict[str, Any]:

    w.tell(e.ControlAsked(1, c.MindDead(act, ids)))
    shown: dict[str, Any] = w.replies["local"].data
    return shown


def test_a_whole_transaction_is_sent_again_in_its_order_under_its_message_ids(version: str) -> None:
    w = refused(version, "Started", "Updated", "Ended")
    dead = [entry.message_id for entry, _ in w.disk.dead.values()]
    assert w.station.outbox.dead == len(dead) > 3
    before = len(w.received)
    assert mind(w, "retry") == {"sent": len(dead), "refused": [], "dead": 0}
    again = [message_id for message_id, message in w.received[before:] if isinstance(message, m.TransactionRecord)]
    assert [message_id.rpartition("-")[0] for message_id in again] == dead
    assert (len(w.station.outbox), w.disk.dead, w.disk.records) == (0, {}, {})
    assert w.delivered() == w.records
    check_records(w.records)
    assert not w.disk.saved().references, "nothing is kept of a transaction that is over"


def test_an_end_that_is_sent_again_has_the_number_of_its_start() -> None:
    w = refused("1.6", "Ended")
    assert [why.reference for _, why in w.disk.dead.values()] == [1]
    w.cut()
    w.online()
    mind(w, "retry")
    record, reference = w.sent_with[-1]
    assert (record.kind, reference) == ("Ended", 1)
    assert not w.disk.saved().references


def test_a_sample_that_is_sent_again_borrows_the_number_of_its_transaction() -> None:
    w = refused("1.6", "Updated")
    assert not w.disk.saved().references
    w.offline()
    mind(w, "retry")
    w.cut()
    w.online()
    record, reference = w.sent_with[-1]
    assert (record.kind, reference) == ("Updated", 1)
    assert not w.disk.saved().references
    assert not w.disk.state.get("lent")


def test_a_start_whose_end_was_told_without_a_number_is_not_sent_again() -> None:
    w = refused("1.6", "Started")
    assert w.sent_with[-1][1] is None
    assert mind(w, "retry", 1) == {"sent": 0, "refused": [{"id": 1, "why": NEVER_ENDED}], "dead": 1}


def test_a_start_that_is_sent_again_gives_its_number_to_all_that_follows() -> None:
    w = Picky("1.6", ONCE)
    w.kinds = ("Started",)
    w.online().plug().present("CARD1", 1).after(5)
    w.kinds = ()
    assert w.sent_with[-1][1] is None
    assert mind(w, "retry", 1)["sent"] == 1
    w.after(20).present("CARD1", 1).after(5)
    record, reference = w.sent_with[-1]
    assert (record.kind, reference) == ("Ended", 1)


def test_what_is_sent_again_while_offline_goes_first_and_survives_a_power_cut(version: str) -> None:
    w = refused(version, "Updated")
    dead = len(w.disk.dead)
    w.offline().plug().present("CARD2", 1).after(30).present("CARD2", 1).after(5)
    assert mind(w, "retry")["sent"] == dead
    w.cut()
    before = len(w.received)
    w.online()
    told = [message for _, message in w.received[before:] if isinstance(message, m.TransactionRecord)]
    assert [record.kind for record in told][: dead + 1] == ["Updated"] * dead + ["Started"]
    assert w.delivered() == sorted(w.records, key=lambda record: record.stamp.at)
    assert len(w.station.outbox) == 0


def test_what_is_sent_again_is_at_hand_once_also_where_it_lies_behind_the_window(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is asked for what comes next, and has those that are sent again, too."""
    w = refused(version, "Updated")
    dead = len(w.disk.dead)
    monkeypatch.setattr(records, "WINDOW", 3)
    monkeypatch.setattr(records, "LOW", 3)
    w.cut()
    mind(w, "retry")
    w.plug().present("CARD2", 1).after(30).present("CARD2", 1).after(5)
    before = len(w.received)
    w.online()
    again = [id for id, message in w.received[before:] if isinstance(message, m.TransactionRecord)]
    assert len(again) == len(set(again)) > dead
    assert w.delivered() == sorted(w.records, key=lambda record: record.stamp.at)
    outbox = w.station.outbox
    assert (len(outbox), outbox.records.size, outbox.holds()) == (0, 0, False)


def test_what_is_refused_again_is_set_aside_again(version: str) -> None:
    w = refused(version, "Ended")
    w.kinds = ("Ended",)
    for _ in range(3):
        assert mind(w, "retry")["sent"] == 1
        assert (w.station.outbox.dead, len(w.disk.dead)) == (1, 1)
    w.kinds = ()
    mind(w, "retry")
    assert w.delivered() == w.records


def test_what_is_dropped_is_gone(version: str) -> None:
    w = refused(version, "Updated")
    ids = sorted(w.disk.dead)
    assert mind(w, "forget", ids[0], 999) == {
        "dropped": 1,
        "refused": [{"id": 999, "why": "there is none"}],
        "dead": len(ids) - 1,
    }
    assert sorted(w.disk.dead) == ids[1:]


def test_the_oldest_go_when_there_is_no_room_and_that_is_told(version: str) -> None:
    w = World(version, ONCE, plan=PLAN._replace(outbox_bytes=12_000))
    w.refusing = True
    w.online().plug().present("CARD1", 1).after(300)
    assert w.station.outbox.dead == len(w.disk.dead) < len(w.records) - 5
    size = sum(entry.size for entry, _ in w.disk.dead.values())
    assert size == w.station.outbox.dead_size <= 3_000
    assert any("were dropped, for lack of room" in note for note in w.notes)


@pytest.mark.parametrize("act", ["retry", "forget"])
def test_there_may_be_nothing_to_do(version: str, act: str) -> None:
    w = World(version, ONCE).online()
    assert not mind(w, act, 7).get("sent")


def test_where_they_cannot_be_read_nothing_is_sent_and_the_reason_is_the_answer(version: str) -> None:
    w = refused(version, "Updated")
    dead, before = w.station.outbox.dead, len(w.received)
    w.unreadable = "they are damaged"
    w.tell(e.ControlAsked(1, c.MindDead("retry")))
    assert w.replies["local"] == c.Status("Rejected", "they are damaged")
    assert (w.station.outbox.dead, len(w.received)) == (dead, before)
