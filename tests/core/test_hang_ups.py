"""Connections that end while the answer to a record is awaited: by the record, or by themselves (R4, R5)."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from chargepointd.core import messages as m
from chargepointd.core import outbox
from tests.core.world import World

NAMES = {
    "SampledDataCtrlr.TxUpdatedInterval": "60",
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "1000000",
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": "1",
}
T = 30.0
"""s, OCPPCommCtrlr.MessageTimeout"""
Ends = Callable[["Gate"], bool]


class Gate(World):
    """Somebody takes the connections, and the CSMS behind answers records at best."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self.whole = True
        """as a CSMS should be"""
        self.alive = True
        self.cursed = ""
        """the message id of the record at which the CSMS hangs up; "all": at each"""
        self.since_open = self.since_message = 0.0
        self.messages = 0
        self.at_record = False
        super().__init__(*args, **named)

    def online(self) -> "Gate":
        self.since_open, self.messages, self.at_record = self.mono, 0, False
        super().online()
        return self

    def _receive(self, call: Any) -> None:
        record = isinstance(call.message, m.TransactionRecord)
        self.since_message, self.messages = self.mono, self.messages + 1
        self.at_record = record and (self.cursed == "all" or call.message_id == self.cursed)
        spared = self.whole or isinstance(call.message, m.Boot)
        self.mute = not (spared or (self.alive and record and not self.at_record))
        super()._receive(call)

    def links(self, number: int, ends: Ends) -> None:
        """So many connections, each of which ends when `ends` says so."""
        for _ in range(number):
            self.online()
            while not ends(self):
                assert self.mono - self.since_open < 3600
                self.after(2)
            self.offline().after(5)


def visited(version: str) -> Gate:
    w = Gate(version, NAMES).online()
    w.plug(1).present("CARD1", 1).after(200).offline().after(100).present("CARD1", 1).after(5).unplug(1)
    w.whole = False
    return w


def at_the_record(w: Gate) -> bool:
    return w.at_record


def test_a_csms_that_answers_records_only_and_hangs_up_at_one(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LOST_MAX", 12)
    w = visited(version)
    first = next(iter(w.station.outbox.records))
    w.cursed = f"{first.message_id}-{version}"
    w.links(12, at_the_record)
    assert not w.disk.dead, "the first of them may have ended at anything"
    w.links(1, at_the_record)
    assert [entry.id for entry, _ in w.disk.dead.values()] == [first.id]
    w.online().after(300)
    assert len(w.station.outbox) == 0
    assert not w.disk.saved().state.get("attempts")


def test_what_was_counted_in_silence_outlives_a_power_cut(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LOST_MAX", 6)
    w = visited(version)
    w.cursed = f"{next(iter(w.station.outbox.records)).message_id}-{version}"
    w.links(5, at_the_record)
    w.cut()
    w.links(1, at_the_record)  # the boot was answered over it
    assert not w.disk.dead
    w.links(2, at_the_record)
    assert len(w.disk.dead) == 1


def chance(mean_s: float) -> Ends:
    dice = random.Random(1)
    return lambda w: dice.random() < 2 / mean_s


DOWN: dict[str, Ends] = {
    "after a quarter of a minute": lambda w: w.mono - w.since_open > 15,
    "in the second time-out": lambda w: w.mono - w.since_open > 1.5 * T,
    "in the fifth time-out": lambda w: w.mono - w.since_open > 4.5 * T,
    "after so long an idleness": lambda w: w.mono - max(w.since_open, w.since_message) > 20,
    "at whatever is said": lambda w: w.messages >= 1,
    "at the second message": lambda w: w.messages >= 2,
    "at the sixth message": lambda w: w.messages >= 6,
    "by chance, often": chance(10),
    "by chance": chance(60),
    "by chance, seldom": chance(150),
}


@pytest.mark.parametrize("when", DOWN)
def test_a_csms_that_is_down_behind_a_gateway_that_hangs_up(version: str, when: str) -> None:
    """However long: no record is set aside, and when it is back all of them come."""
    w = visited(version)
    w.alive = False
    w.links(60, DOWN[when])
    assert not w.disk.dead
    waits = w.station.outbox.records
    assert all(tried.lost < 8 for tried in waits._tried.values())
    w.whole = True
    w.online().after(400)
    assert len(w.station.outbox) == 0
    assert not w.disk.dead


def test_one_link_that_ends_of_itself_takes_back_what_was_counted_in_silence(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LOST_MAX", 6)
    w = visited(version)
    w.cursed = "all"
    for _ in range(5):
        w.links(5, at_the_record)
        w.links(1, lambda w: w.messages >= 1)
    assert not w.disk.dead
    assert not w.disk.saved().state.get("attempts")
