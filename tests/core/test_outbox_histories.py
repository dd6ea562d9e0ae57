"""Whatever a CSMS, the link and the power do to the queue: each record arrives once in effect, with one content under
its message id, those of a transaction in order, and nothing is lost but what was told as dropped (R2 to R6)."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core import outbox, records, thinning
from tests.core.world import PLAN, World

NAMES = {
    "SampledDataCtrlr.TxUpdatedInterval": "10",
    "SampledDataCtrlr.TxEndedInterval": "10",
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "2",
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": "5",
}
ROOM = 12_000
TURNS = (
    "online", "offline", "cut", "move", "refuse", "mute", "slow", "retry", "again", "slow disk", "load",
)  # fmt: skip
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("visit"), st.integers(1, 2), st.integers(5, 200)),
        st.tuples(st.just("begin"), st.integers(1, 2), st.integers(5, 60)),
        st.tuples(st.sampled_from(TURNS)),
        st.tuples(st.just("cut in"), st.integers(1, 12), st.booleans()),
        st.tuples(st.just("answer"), st.integers(1, 12)),
        st.tuples(st.just("wait"), st.integers(1, 200)),
    ),
    min_size=6,
    max_size=20,
)


class Observed(World):
    """Holds the order of what arrives, and the message ids, to account."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self.contents: dict[str, m.TransactionRecord] = {}
        self.again: set[str] = set()
        """message ids of what was set aside once"""
        self.slow_disk = False
        """what is read comes later, as it was when its turn came"""
        self.read_later: list[e.RecordsLoaded] = []
        super().__init__(*args, **named)

    def boot(self) -> None:
        self.read_later.clear()
        super().boot()

    def _obey(self, effect: Any) -> None:
        self.again |= {entry.message_id for entry, _ in self.disk.dead.values()}
        if self.slow_disk and isinstance(effect, f.LoadRecords):
            read = self.disk.waiting(effect.after_id, effect.limit)
            self.read_later.append(e.RecordsLoaded(effect.topic, effect.ticket, *read))
        else:
            super()._obey(effect)

    def load(self) -> None:
        while self.read_later:
            self.tell(self.read_later.pop(0))

    def _receive(self, call: Any) -> None:
        record = call.message
        if isinstance(record, m.TransactionRecord):
            known = self.contents.setdefault(call.message_id, record)
            assert known == record, "one message id, two contents"
        super()._receive(call)

    def do(self, deed: str, *more: Any) -> None:
        if deed == "visit":
            evse, seconds = more
            self.plug(evse).present("CARD1", evse).after(seconds).present("CARD1", evse).after(5).unplug(evse)
        elif deed == "begin":
            evse, seconds = more
            self.plug(evse).present("CARD2", evse).after(seconds)
        elif deed == "move":
            self.switch_to("1.6" if self.version == "2.0.1" else "2.0.1")
        elif deed == "cut in":
            self.cut_in(more[0], committed=more[1])
        elif deed in ("refuse", "mute", "slow"):
            name = {"refuse": "refusing", "mute": "mute_records", "slow": "slow"}[deed]
            setattr(self, name, not getattr(self, name))
        elif deed == "slow disk":
            self.slow_disk = not self.slow_disk
        elif deed == "retry":
            self.tell(e.ControlAsked(1, c.MindDead("retry")))
        elif deed == "again":
            self.answer_again(1)
        elif deed == "answer":
            for _ in range(more[0]):
                self.answer()
        elif deed == "wait":
            self.after(more[0])
        else:
            getattr(self, deed)()
        self.watch()

    def watch(self) -> None:
        """What the station counts is what the disk has."""
        queue = self.station.outbox
        assert len(queue) == len(self.disk.records)
        assert queue.dead == len(self.disk.dead)
        held = Counter(entry.record.transaction_id for entry in self.disk.records.values())
        assert held == queue.records._held


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "WINDOW", 5)
    monkeypatch.setattr(records, "LOW", 3)
    monkeypatch.setattr(records, "WIDEST", 12)
    monkeypatch.setattr(outbox, "LOST_MAX", 6)


def settle(w: Observed) -> None:
    """The CSMS is as it should be, and there is time."""
    w.refusing = w.mute_records = w.slow = w.slow_disk = False
    w.load()
    w.cut_in(0, committed=False)
    for _ in range(40):
        w.answer()
    w.offline().online().after(60)
    for _ in range(4):
        w.tell(e.ControlAsked(1, c.MindDead("retry")))
        w.after(30)


@given(deeds)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_every_record_arrives_once_or_is_told_as_dropped(version: str, history: list[tuple[Any, ...]]) -> None:
    assume(any(deed[0] in ("visit", "begin") for deed in history))
    w = Observed(version, NAMES, plan=PLAN._replace(outbox_bytes=ROOM)).online()
    for deed in history:
        w.do(*deed)
    settle(w)
    w.watch()
    assert len(w.station.outbox) == 0, "the queue moves"
    assert w.station.outbox.records.size == 0
    told = Counter((_own(w, record), record.seq_no) for record in w.contents.values())
    made = {(record.transaction_id, record.seq_no): record for record in w.records}
    dropped = w.station.outbox.records.dropped.get("records", 0)
    left = {(entry.record.transaction_id, entry.record.seq_no) for entry, _ in w.disk.dead.values()}
    missing = [record for place, record in made.items() if place not in told and place not in left]
    untold = [record for record in missing if not _speechless(w, record)]
    assert len(untold) <= dropped, untold
    assert all(record.kind == "Updated" for record in untold)
    _in_order(w)


def _own(w: World, record: m.TransactionRecord) -> str:
    return w._named.get(record.transaction_id, record.transaction_id)


def _speechless(w: World, record: m.TransactionRecord) -> bool:
    """1.6 has no word for it (the world's CSMS is told all the same), or nothing was known yet of whose it is."""
    return not (record.evse_id and record.starter)


def _in_order(w: Observed) -> None:
    """What a transaction has to say comes by seqNo, but for what was set aside and sent again."""
    last: dict[str, int] = {}
    seen = set()
    for message_id, record in w.received:
        if not isinstance(record, m.TransactionRecord) or message_id in seen:
            continue
        seen.add(message_id)
        kept = message_id.rpartition("-")[0]
        if kept in w.again or message_id.endswith("-0"):
            continue
        name = _own(w, record)
        assert record.seq_no >= last.get(name, -1), "out of order"
        last[name] = record.seq_no


@pytest.mark.parametrize("deed", [("offline",), ("wait", 300)])
def test_what_was_read_before_it_was_changed_is_read_again(version: str, deed: tuple[Any, ...]) -> None:
    """The flag offline, or thinning, comes while the next records are on their way from the disk."""
    names = NAMES | {"OCPPCommCtrlr.MessageTimeout[Default]": "600"}
    w = Observed(version, names, plan=PLAN._replace(outbox_bytes=5 * ROOM))
    w.online().mute_records = True
    for seconds in (300, 300):
        w.do("visit", 1, seconds)
    w.mute_records, w.slow, w.slow_disk = False, True, True
    w.offline().online()
    w.do("begin", 2, 120)
    for _ in range(3):
        w.answer().after(1)
    w.do(*deed)
    settle(w)
    kept = {(record.transaction_id, record.seq_no): record for record in w.records}
    for record in w.delivered():
        assert kept[_own(w, record), record.seq_no].offline == record.offline
    assert len(w.station.outbox) == 0


def test_what_has_come_to_hand_meanwhile_is_not_thinned(version: str) -> None:
    w = Observed(version, NAMES, plan=PLAN._replace(outbox_bytes=5 * ROOM)).online().offline()
    while w.station.outbox.records.size < 4 * ROOM:
        w.do("visit", 1, 100)
    w.slow = w.slow_disk = True
    w.online()
    for _ in range(30):
        w.answer()
    w.do("begin", 2, 1500)
    assert [read.topic for read in w.read_later] == [records.TOPIC, thinning.TOPIC]
    w.do("load")
    w.do("load")
    settle(w)
    w.watch()
    assert len(w.station.outbox) == 0
    assert w.station.outbox.records.dropped["records"] > 0


def test_an_end_that_is_thinned_keeps_what_was_made_right_meanwhile(version: str) -> None:
    names = NAMES | {"OCPPCommCtrlr.MessageTimeout[Default]": "100000", "AuthCtrlr.LocalPreAuthorize": "true"}
    w = Observed(version, names, plan=PLAN._replace(outbox_bytes=ROOM)).online()
    w.do("visit", 1, 20)
    w.mute_records = w.slow_disk = True
    for _ in range(10):
        w.do("visit", 1, 100)
    thins = w.station.outbox._thinning
    assert thins
    while thins._samples:
        w.tell(w.read_later.pop(0))
    assert any(entry.record.kind == "Ended" for read in w.read_later for entry in read.entries)
    w.offline()
    w.load()
    kept = [entry.record for _, entry in sorted(w.disk.records.items())]
    assert w.station.outbox.records.dropped["values"] > 0
    assert [record.offline for record in kept] == [False] + [True] * (len(kept) - 1), "the first was sent"
