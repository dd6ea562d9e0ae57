"""A station moves between a CSMS of 1.6 and one of 2.0.1 while a transaction runs and records wait."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import messages as m
from chargepointd.core.plan import StationPlan
from chargepointd.core.reservation import ReserveNow
from chargepointd.core.values import Token, TokenInfo
from tests.core.disk import Disk
from tests.core.world import PLAN, World

ENERGY = "Energy.Active.Import.Register"
CARD = "AAAA1111"


class Told:
    """What the CSMSs were told of a transaction under one name."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.registers: list[float] = []

    def take(self, record: m.TransactionRecord, version: str) -> None:
        """In 1.6 the register is told by meterStart and meterStop, in 2.0.1 by meter values only."""
        values = [s.value for value in record.values for s in value.samples if s.measurand == ENERGY]
        if version == "1.6" and record.kind != "Updated":
            values = [record.energy_wh or 0.0]
        self.kinds.append(record.kind)
        self.registers += values[-1:]  # the end repeats what was collected for it


class Books(World):
    """With a clerk: the transactions by the name they have at the CSMS, in the order in which they were heard of."""

    def __init__(self, version: str, variables: dict[str, str] | None = None, plan: StationPlan = PLAN) -> None:
        self.books: dict[str, Told] = {}
        super().__init__(version, variables, plan=plan)

    def _receive(self, call: f.SendCall) -> None:
        message, again = call.message, call.message_id in {id_ for id_, _ in self.received}
        super()._receive(call)
        if again:  # after a power cut: a clerk knows the message by its id
            return
        if isinstance(message, m.TransactionRecord) and not self.refusing:
            number = self._given.get(call.message_id, call.reference)
            name = str(number) if self.version == "1.6" else message.transaction_id
            if self.version != "1.6" or message.values or message.kind != "Updated":
                self.books.setdefault(name, Told()).take(message, self.version)


def charging(version: str) -> Books:
    w = Books(version)
    w.online().plug().present(CARD, 1).after(130)
    return w


def in_one_piece(stretches: Sequence[Told], begin: float, end: float) -> None:
    """Each stretch of the register is told once: where one account stops, the next begins."""
    assert stretches[0].registers[0] == begin
    assert stretches[-1].registers[-1] == end
    for one, other in pairwise(stretches):
        assert one.registers[-1] == other.registers[0]
    for told in stretches:
        assert told.kinds[0] == "Started"
        assert sorted(told.registers) == told.registers
    assert [told.kinds.count("Ended") for told in stretches] == [0] * (len(stretches) - 1) + [1]


def test_what_1_6_numbered_is_called_by_its_number_in_2_0_1() -> None:
    w = charging("1.6").switch_to("2.0.1")
    w.after(60)
    assert w.ask(c.GetTransactionStatus("1")).ongoing is True
    assert w.ask(c.RequestStop("1")).status == "Accepted"
    w.after(10)
    assert list(w.books) == ["1"]
    in_one_piece(list(w.books.values()), w.records[0].energy_wh or 0, w.records[-1].energy_wh or 0)
    numbers = [record.seq_no for record in w.records]
    assert numbers == list(range(len(numbers)))


def test_what_waited_for_1_6_is_told_in_2_0_1_by_the_number_too() -> None:
    w = charging("1.6").offline()
    w.after(200).present(CARD, 1).after(10)
    assert len(w.station.outbox) >= 4
    w.switch_to("2.0.1").online().after(5)
    assert not len(w.station.outbox)
    assert list(w.books) == ["1"]
    assert w.books["1"].kinds[-1] == "Ended"


def test_what_1_6_never_heard_of_has_the_name_of_the_station_in_2_0_1() -> None:
    w = Books("1.6").plug()
    w.online().offline()
    w.configure("AuthCtrlr.OfflineTxForUnknownIdEnabled", "true").present(CARD, 1).after(100)
    w.switch_to("2.0.1").online().after(5)
    [(name, told)] = w.books.items()
    assert (name, told.kinds[0]) == (w.records[0].transaction_id, "Started")
    assert w.ask(c.RequestStop(name)).status == "Accepted"


def test_a_csms_of_1_6_is_told_the_start_of_what_it_has_not_heard_of() -> None:
    w = charging("2.0.1")
    last = w.books[w.records[0].transaction_id].registers[-1]
    w.after(20).switch_to("1.6").after(1)
    told = w.books["1"]
    assert told.kinds[:2] == ["Started", "Updated"]
    assert told.registers[0] == last < told.registers[1]
    start = next(message for message, _ in w.sent_with if message.kind == "Started" and message.seq_no > 0)
    assert (start.evse_id, start.starter and start.starter.value) == (1, CARD)
    assert w.ask(c.RequestStop(reference=1)).status == "Accepted"
    w.after(10)
    in_one_piece(list(w.books.values()), w.records[0].energy_wh or 0, w.records[-1].energy_wh or 0)


@pytest.mark.parametrize("cut", [True, False])
def test_what_waited_for_2_0_1_is_told_in_1_6_after_its_start(cut: bool) -> None:
    w = charging("2.0.1").offline()
    w.after(90)
    if cut:
        w.cut()
    w.after(30).present(CARD, 1).after(10)
    w.switch_to("1.6").online().after(5)
    assert not len(w.station.outbox)
    [_, told] = w.books.values()
    assert (told.kinds[0], told.kinds[-1], told.kinds.count("Started")) == ("Started", "Ended", 1)
    in_one_piece(list(w.books.values()), w.records[0].energy_wh or 0, w.records[-1].energy_wh or 0)


def test_that_start_has_the_same_message_id_each_time_also_after_a_power_cut() -> None:
    w = charging("2.0.1").offline().after(90)
    w.mute_records = True
    w.switch_to("1.6").online().after(1).cut()
    w.online().after(100)
    ids = {id_ for id_, message in w.received if isinstance(message, m.TransactionRecord) and message.seq_no > 2}
    starts = [id_ for id_, message in w.received if id_ in ids and message.kind == "Started"]
    assert len(starts) >= 2
    assert len(set(starts)) == 1


def test_a_csms_that_will_not_take_the_start_gets_the_rest_without_a_number() -> None:
    w = charging("2.0.1").set("OCPPCommCtrlr.MessageAttempts[TransactionEvent]", "2")
    w.set("OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]", "1")
    w.refusing = True
    w.switch_to("1.6").after(5)
    w.cut()
    w.refusing = False
    w.online().after(5).present(CARD, 1).after(10)
    assert not len(w.station.outbox)
    last, reference = w.sent_with[-1]
    assert (last.kind, reference) == ("Ended", None)


def test_a_card_that_the_new_csms_refuses_ends_what_it_is_told_of() -> None:
    w = charging("2.0.1")
    w.infos[CARD] = TokenInfo("Blocked")
    w.switch_to("1.6").after(20)
    assert w.records[-1].stopped_reason == "DeAuthorized"


def test_what_was_sent_and_not_answered_gets_another_id_in_other_words() -> None:
    """A message id is not used again for something else."""
    w = Books("1.6").online()
    w.mute_records = True
    w.plug().present(CARD, 1).after(5)
    w.mute_records = False
    w.switch_to("2.0.1").after(5)
    sent = [(id_, message) for id_, message in w.received if isinstance(message, m.TransactionRecord)]
    first, second = [id_ for id_, message in sent if message.kind == "Started"]
    assert first != second


class Unanswered(Books):
    """Records of one kind have no answer in 2.0.1, and have arrived or not."""

    def __init__(self, kind: str, *, arrives: bool) -> None:
        self.kind, self.arrives = kind, arrives
        super().__init__("2.0.1")

    def _receive(self, call: f.SendCall) -> None:
        record = call.message
        mute = isinstance(record, m.TransactionRecord) and record.kind == self.kind
        self.mute_records = mute and self.version == "2.0.1"
        if self.arrives or not self.mute_records:
            super()._receive(call)


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("arrives", [False, True])
@pytest.mark.parametrize("kind", ["Updated", "Ended"])
def test_what_nobody_knows_to_have_arrived_is_told_again_from_where_it_began(
    kind: str, arrives: bool, cut: bool
) -> None:
    """Nothing is lost where it did not; where it did, the same stretch is there twice, from the same moment on."""
    w = Unanswered(kind if kind == "Ended" else "none", arrives=arrives)
    w.online().plug().present(CARD, 1).after(130)
    w.kind = kind
    w.after(60)
    if kind == "Ended":
        w.present(CARD, 1).after(10)
    assert len(w.station.outbox)
    if cut:
        w.cut()
    w.switch_to("1.6").online().after(5)
    if kind == "Updated":
        w.present(CARD, 1).after(10)
    assert not len(w.station.outbox)
    old, new = w.books.values()
    begin, end = w.records[0].energy_wh or 0, w.records[-1].energy_wh or 0
    if not arrives:
        in_one_piece([old, new], begin, end)
        return
    assert (old.registers[0], new.registers[-1]) == (begin, end)
    assert new.registers[:2] == old.registers[-2:], "the stretch that was not answered, and nothing more"
    assert new.registers[0] < new.registers[1]


def test_numbers_that_a_csms_gives_to_whatever_it_refuses_are_no_names() -> None:
    w = Books("1.6")
    w._references = -1
    w.online().plug().present(CARD, 1).after(130)
    assert w.station.outbox.names.reference_of(w.records[0].transaction_id) == 0
    w.switch_to("2.0.1").after(60)
    assert list(w.books) == ["0", w.records[0].transaction_id]


class Lazily(Disk):
    """That a record is settled waits for something that does not (`storage.urgency.is_lazy`)."""

    def __init__(self, disk: Disk) -> None:
        self.__dict__.update(disk.__dict__)
        self.settled: list[f.SettleRecord] = []

    def keep(self, save: Any) -> None:
        if isinstance(save, f.SettleRecord):
            self.settled.append(save)
        elif isinstance(save, get_args(f.Save)):
            for settled in self.settled:
                super().keep(settled)
            self.settled.clear()
            super().keep(save)


def test_an_end_that_was_answered_is_not_told_again_in_another_dialect_after_a_power_cut() -> None:
    w = Books("2.0.1")
    w.disk = disk = Lazily(w.disk)
    w.online().plug().present(CARD, 1).after(130).offline().present(CARD, 1).after(10)
    w.online()
    assert not len(w.station.outbox)
    disk.settled.clear()
    w.version = "1.6"
    w.cut()
    w.online().after(5)
    assert "1" not in w.books


MOVES = {
    "1.6": lambda w: w.switch_to("1.6"),
    "2.0.1": lambda w: w.switch_to("2.0.1"),
    "away": lambda w: w.offline(),
    "back": lambda w: w.online(),
    "cut": lambda w: w.cut(),
    "minutes": lambda w: w.after(75),
    "seconds": lambda w: w.after(7),
    "plug": lambda w: w.plug(),
    "card": lambda w: w.present(CARD, 1),
    "leave": lambda w: w.present(CARD, 1).after(10).unplug() if w.station.evses[1].transaction else w.unplug(),
}


@given(version=st.sampled_from(["1.6", "2.0.1"]), moves=st.lists(st.sampled_from(sorted(MOVES)), max_size=40))
@settings(max_examples=200, deadline=None)
def test_each_stretch_of_the_register_is_told_once_however_often_it_moves(version: str, moves: list[str]) -> None:
    w = Books(version, {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"})
    w.online().plug().present(CARD, 1).after(65)
    for move in moves:
        MOVES[move](w)
    w.online().after(400)
    if w.station.evses[1].running:
        w.present(CARD, 1)
    w.after(400).unplug().after(400)
    assert not len(w.station.outbox)
    left = list(w.books.values())
    for start in [record for record in w.records if record.kind == "Started"]:
        [end] = [r for r in w.records if r.kind == "Ended" and r.transaction_id == start.transaction_id]
        mine = left[: next(n for n, told in enumerate(left) if "Ended" in told.kinds) + 1]
        left = left[len(mine) :]
        in_one_piece(mine, start.energy_wh or 0, end.energy_wh or 0)
    assert not left


def test_a_transaction_that_is_nobodys_yet_is_none_for_1_6() -> None:
    """Nothing has flowed. When somebody is authorized, or it is known where, it begins there."""
    w = Books("2.0.1", {"TxCtrlr.TxStartPoint": "EVConnected", "TxCtrlr.TxStopPoint": "EVConnected"})
    w.online().plug().after(5)
    assert w.station.evses[1].running
    w.switch_to("1.6").after(70)
    assert "1" not in w.books
    w.present(CARD, 1).after(5)
    assert w.books["1"].kinds[0] == "Started"
    assert w.books["1"].registers[0] == w.records[0].energy_wh


def test_the_reservation_that_was_used_is_told_with_the_start_in_1_6() -> None:
    w = Books("2.0.1", {"TxCtrlr.TxStartPoint": "EVConnected", "TxCtrlr.TxStopPoint": "EVConnected"})
    w.online().ask(ReserveNow(7, w.utc + 3600, Token(CARD), None, 1))
    w.plug().after(5)
    w.mute_records = True
    w.present(CARD, 1).after(5)
    w.mute_records = False
    w.switch_to("1.6").after(5)
    [start] = [message for message, _ in w.sent_with if message.kind == "Started" and message.token]
    assert start.reservation_id == 7


def test_nor_is_one_that_is_nowhere_yet() -> None:
    w = Books("2.0.1", {"TxCtrlr.TxStartPoint": "Authorized", "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"})
    w.online().offline().present(CARD, 1, 2).after(5)
    assert [record.evse_id for record in w.records] == [0]
    w.switch_to("1.6").online().after(5)
    assert not w.books
    w.plug(2).after(10)
    assert w.books["1"].kinds[0] == "Started"
    start = next(message for message, _ in w.sent_with if message.kind == "Started")
    assert start.evse_id == 2
