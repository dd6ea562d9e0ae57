"""Whatever meters, clocks and power do: what is billed has flowed, times ascend, and no value is told of a moment at
which nothing was read."""

from collections.abc import Callable
from math import nan
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.values import Measured
from tests.core.world import NOON, World, check_records

DAY = 86_400.0
READ_S = 2.1
"""a reading so far from a moment still stands for it"""


class Witness(World):
    """Sees what has flowed, and when a meter was read."""

    def __init__(self, version: str, wall: float) -> None:
        self.flowed_wh = {1: 0.0, 2: 0.0}
        self.read_at: list[float] = []
        self.counted_at: list[float] = []
        """when it told a number"""
        self.flowed_by: dict[int, float] = {}
        """when a record was made, by its id"""
        names = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true", "SampledDataCtrlr.TxUpdatedInterval": "60"}
        super().__init__(version, names | {"AlignedDataCtrlr.Interval": "300"}, wall=wall)

    def _pass(self, until: float) -> None:
        for evse, on in self.on.items():
            if on:
                self.flowed_wh[evse] += (until - self.mono) * self._draws_w(evse) / 3600
        super()._pass(until)

    def _reading(self, evse: int, signed: bool = False) -> e.MeterRead:
        read = super()._reading(evse, signed)
        self.read_at.append(read.measured.taken_at)
        shown = read.measured.energy_import_wh
        if shown is not None and shown >= 0:
            self.counted_at.append(read.measured.taken_at)
        return read

    def _obey(self, effect: Any) -> None:
        if isinstance(effect, f.SaveRecord) and effect.record_id not in self.flowed_by:
            self.flowed_by[effect.record_id] = self.flowed_wh[effect.record.evse_id]
            self._was_read(effect.record)
        super()._obey(effect)

    def _was_read(self, record: Any) -> None:
        """The values of this moment. Those that were collected are as old as they are; after the clock was put back
        none is earlier than what was told."""
        clock, transaction = self.station.context.clock, self.station.evses[record.evse_id].transaction
        held = transaction.held_until if transaction else 0.0
        if record.kind == "Ended":
            return
        for value in record.values:
            mono = value.at - clock.utc(0.0)
            register = any(sample.measurand == "Energy.Active.Import.Register" for sample in value.samples)
            read = any(abs(mono - at) <= READ_S for at in (self.counted_at if register else self.read_at))
            assert read or value.at <= held, (mono, record)


def csms_says(w: Witness, offset: float, times: int) -> None:
    for _ in range(times):
        w.wrong_once_s = offset
        w.ask(c.TriggerMessage("Heartbeat"))


def one_reading(w: Witness, shown: float | None) -> None:
    w.shows[1] = shown
    w.after(1)
    w.read(1)
    w.shows.pop(1)


def set_back(w: Witness, n: int) -> None:
    w.register[1] = max(0.0, w.register[1] - 50.0 - 977.0 * n)


def overtaken(w: Witness, n: int) -> None:
    if w.station.evses[1].measured:  # else it would be the first, and told
        w.tell(e.MeterRead(1, Measured(w.mono - 10.0 - n, w.register[1] + n * 1e9)))


def dark_cut(w: Witness, n: int) -> None:
    w.wall = 0.0
    w.cut()


def cut(w: Witness, n: int) -> None:
    w.wall = NOON
    w.cut()


def stands(w: Witness, n: int) -> None:
    still = w.shows[1] = w.register[1]
    w.after(60 * n)
    w.shows.pop(1)
    w.register[1] = still


DEEDS: dict[str, Callable[[Witness, int], Any]] = {
    "time passes": lambda w, n: w.after(7 * n + 1),
    "hours pass": lambda w, n: w.after(700 * n),
    "a reading at once": lambda w, n: w.read(1),
    "a car comes": lambda w, n: w.plug(1),
    "it leaves": lambda w, n: w.unplug(1),
    "a card": lambda w, n: w.present("AAAA1111", 1),
    "the register goes back": set_back,
    "the register jumps": lambda w, n: w.register.update({1: w.register[1] + 1e9 * (n + 1)}),
    "the meter is set to 0": lambda w, n: w.register.update({1: 0.0}),
    "one wrong digit": lambda w, n: one_reading(w, w.register[1] + 1e9),
    "one that went back": lambda w, n: one_reading(w, 1.0),
    "no number": lambda w, n: one_reading(w, (None, nan, -5.0)[n % 3]),
    "no number for long": lambda w, n: [one_reading(w, nan) for _ in range(15)],
    "overtaken": overtaken,
    "stands still": stands,
    "the meter dies": lambda w, n: w.meter_dead.add(1),
    "the meter lives": lambda w, n: w.meter_dead.clear(),
    "an absurd time, once": lambda w, n: csms_says(w, (n - 10) * 40 * DAY, 1),
    "a leap": lambda w, n: csms_says(w, (n - 10) * 700.0, 2),
    "the right time": lambda w, n: csms_says(w, 0.0, 2),
    "a step": lambda w, n: csms_says(w, (n - 10) * 11.0, 1),
    "the system's clock jumps": lambda w, n: setattr(w, "wall", NOON + (n - 10) * DAY),
    "a power cut": cut,
    "a power cut in 1970": dark_cut,
    "the process restarts": lambda w, n: w.boot(),
    "a reset that interrupts": lambda w, n: w.tell(e.ControlAsked(1, c.Reset(False, n % 2, resumes=True))),
    "offline": lambda w, n: w.offline(),
    "online": lambda w, n: w.online(),
}
history = st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, 20)), max_size=30)


def bring_to_an_end(w: Witness) -> None:
    w.meter_dead.clear()
    w.shows.clear()
    w.offline().online()
    w.after(200).online().unplug(1)  # the last of them was a reset
    w.after(200)


def check_bills(w: Witness) -> None:
    ids = {record.transaction_id: [] for record in w.records}  # type: ignore[var-annotated]
    for record_id, record in w._records.items():
        ids[record.transaction_id].append((w.flowed_by[record_id], record.energy_wh))
    for rows in ids.values():
        known = [(flowed, energy) for flowed, energy in rows if energy is not None]
        if known:
            billed = known[-1][1] - known[0][1]
            # What had flowed between the reading and the record, at the start, is told by neither.
            assert 0 <= billed <= known[-1][0] - known[0][0] + 1.0, rows


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@example(
    deeds=[("an absurd time, once", 11), ("the system's clock jumps", 11), ("hours pass", 9), ("a power cut", 0)],
    dark=True,
)
@example(deeds=[("a leap", 11), ("hours pass", 9), ("a power cut in 1970", 0)], dark=True)
@example(deeds=[("a leap", 11), ("hours pass", 9), ("the process restarts", 0)], dark=True)
@example(
    deeds=[("a leap", 0), ("a power cut in 1970", 0), ("the meter dies", 0), ("stands still", 1)],
    dark=False,
)
@example(
    deeds=[
        ("the system's clock jumps", 19), ("hours pass", 15), ("an absurd time, once", 18), ("a power cut in 1970", 0),
        ("a power cut", 0),
    ],
    dark=True,
)  # fmt: skip
@given(deeds=history, dark=st.booleans())
@settings(max_examples=120)
def test_what_is_billed_has_flowed_and_time_ascends(version: str, deeds: list[tuple[str, int]], dark: bool) -> None:
    w = Witness(version, 0.0 if dark else NOON)
    w.plug(1).present("AAAA1111", 1).after(65)
    for deed, n in deeds:
        DEEDS[deed](w, n)
        check_bills(w)
    bring_to_an_end(w)
    check_bills(w)
    check_records(w.delivered())
    assert w.delivered() == w.records, "all of it was told, as it is kept"
