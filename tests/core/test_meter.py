"""Meters lie: registers go back, wrap, jump, stand still or say nothing. What is billed is what one register showed."""

from math import inf, nan

import pytest

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core.values import Measured
from tests.core.world import PLAN, World, check_records

ENERGY = "Energy.Active.Import.Register"
SLICED = {"SampledDataCtrlr.TxUpdatedInterval": "30"}


def charging(version: str, **plan: float) -> World:
    evses = (PLAN.evses[0]._replace(**plan), PLAN.evses[1])
    return World(version, SLICED, plan=PLAN._replace(evses=evses)).online().plug().present("CARD1", 1).after(130)


def faults(w: World) -> dict[str, bool]:
    """What is told of the meter, and whether it stops charging."""
    found = w.station.evses[1].faults.values()
    return {fault.source: fault.stops_charging for fault in found if fault.code == "PowerMeterFailure"}


def registers(record: m.TransactionRecord) -> list[float]:
    return [s.value for value in record.values for s in value.samples if s.measurand == ENERGY and not s.phase]


def one_reading(w: World, shown: float | None, seconds: float = 1.0) -> None:
    w.shows[1] = shown
    w.after(seconds).read(1)
    del w.shows[1]


@pytest.mark.parametrize("new", [0.0, 5.0, 9_000.0, 5_000_000.0, 1e12], ids=lambda wh: f"{wh:g} Wh")
def test_a_meter_exchanged_ends_what_runs_with_the_last_good_register(version: str, new: float) -> None:
    w = charging(version)
    w.read(1)
    highest = w.station.evses[1].register.known_wh
    w.register[1] = new
    for _ in range(4):
        w.after(1).read(1)
    w.after(20)
    ended = w.records[-1]
    assert (ended.kind, ended.trigger, ended.stopped_reason) == ("Ended", "AbnormalCondition", "Other")
    assert ended.energy_wh == highest
    assert all(10_000 <= shown <= highest for shown in registers(ended)), "and no other register is told"
    assert not w.on[1]
    assert any("exchanged, or set back" in note for note in w.notes)


def test_the_next_transaction_begins_with_the_register_of_the_new_meter(version: str) -> None:
    w = charging(version)
    w.register[1] = 5.0
    w.after(100)
    assert not faults(w), "the new one counts"
    w.present("CARD2", 1).after(3600).present("CARD2", 1).after(20)
    first, last = [r for r in w.records if r.transaction_id == w.records[-1].transaction_id and r.kind != "Updated"]
    assert first.energy_wh is not None
    assert 5.0 <= first.energy_wh < 1000, "and not before"
    assert last.energy_wh == pytest.approx(w.register[1])
    assert last.energy_wh > 10_000, "what flows is billed again"
    check_records(w.records)


def test_the_fault_is_told_while_it_stops_what_runs(version: str) -> None:
    w = charging(version)
    told = len(w.told(m.StatusChanged))
    w.register[1] = 5.0
    for _ in range(5):
        w.after(1).read(1)
    w.after(100)
    codes = [change.fault.code for change in w.told(m.StatusChanged)[told:] if change.fault]
    assert codes == ["PowerMeterFailure"]


def test_one_reading_with_a_flipped_digit_changes_nothing(version: str) -> None:
    for wrong in (5.0, 9_000_000.0):
        w = charging(version)
        one_reading(w, wrong)
        w.read(1)
        w.after(60)
        assert w.station.evses[1].running
        assert w.on[1]
        w.present("CARD1", 1).after(20)
        assert w.records[-1].energy_wh == pytest.approx(w.register[1])
        assert not any(wrong in registers(record) for record in w.records)


def test_what_is_doubted_is_told_by_nobody(version: str) -> None:
    w = charging(version)
    count = len(w.records)
    w.shows[1] = 9_000_000.0
    w.after(1.5).read(1)
    w.ask(c.TriggerMessage("MeterValues", 1))
    told = [value for record in w.records[count:] for value in registers(record)]
    assert 9_000_000.0 not in told


def test_a_register_that_wraps_counts_on_where_its_width_is_known(version: str) -> None:
    w = World(
        version, SLICED, plan=PLAN._replace(evses=(PLAN.evses[0]._replace(register_wraps_at_wh=1e6), PLAN.evses[1]))
    )
    w.register[1] = 1e6 - 100
    w.after(100).online().plug().present("CARD1", 1)
    for _ in range(100):
        w.after(1)
        if w.register[1] >= 1e6:
            w.register[1] -= 1e6
            w.read(1)
            break
        w.read(1)
    w.after(300)
    w.cut()
    w.online().after(300).present("CARD1", 1).after(20)
    started, ended = (r for r in w.records if r.kind != "Updated")
    assert started.energy_wh == pytest.approx(1e6 - 100, abs=5)
    assert ended.energy_wh == pytest.approx(w.register[1] + 1e6), "over a power cut too"
    w.present("CARD1", 1).after(60)
    assert w.records[-1].energy_wh == pytest.approx(w.register[1], abs=200), "the next one begins with what it shows"
    assert w.station.evses[1].running
    check_records(w.records)


def test_a_register_that_wraps_where_nobody_knows_its_width_is_taken_as_exchanged(version: str) -> None:
    w = World(version, SLICED)
    w.register[1] = 1e6 - 100
    w.after(100).online().plug().present("CARD1", 1).after(20)
    w.register[1] -= 990_000
    w.after(150)
    assert [r.energy_wh for r in w.records if r.kind == "Ended"] == [pytest.approx(1e6 - 100, abs=100)]


@pytest.mark.parametrize("shown", [None, nan, inf, -5.0])
def test_a_meter_that_tells_no_register_stops_charging(version: str, shown: float | None) -> None:
    w = charging(version)
    w.read(1)
    highest = w.register[1]
    w.shows[1] = shown
    w.after(1).read(1)
    assert w.on[1], "once is no reason"
    for _ in range(14):
        w.after(1).read(1)
    assert faults(w) == {"register": True}
    assert not w.on[1]
    w.present("CARD1", 1).after(20)
    ended = w.records[-1]
    assert ended.kind == "Ended"
    assert ended.energy_wh is not None
    assert ended.energy_wh <= highest + 10
    for value in ended.values:
        assert value.at <= w.station.context.clock.utc(w.mono) - 20, "the last that is known, with its own time"
    w.shows.clear()
    w.read(1)
    assert not faults(w)


def test_nobody_begins_where_the_meter_tells_no_register(version: str) -> None:
    w = World(version, SLICED)
    w.shows[1] = nan
    w.cut()
    w.online().plug().present("CARD1", 1).after(60)
    assert not w.on[1]
    assert not w.records
    w.shows.clear()
    w.read(1)
    w.after(1)
    assert w.on[1]
    assert w.records[0].energy_wh == 10_000


def test_what_was_counted_while_the_meter_was_silent_is_billed(version: str) -> None:
    w = charging(version)
    w.meter_dead.add(1)
    w.after(3600)
    w.meter_dead.clear()
    w.present("CARD1", 1).after(20)
    assert w.records[-1].energy_wh == pytest.approx(w.register[1])
    assert w.register[1] > 20_000


def test_a_meter_dead_at_the_end_is_told_as_it_was_last_and_when(version: str) -> None:
    w = charging(version)
    w.read(1)
    known, at = w.register[1], w.utc
    w.meter_dead.add(1)
    w.after(300).present("CARD1", 1).after(20)
    ended = w.records[-1]
    assert (ended.kind, ended.energy_wh) == ("Ended", pytest.approx(known, abs=1))
    ends = [value for value in ended.values if value.context == "Transaction.End"]
    assert all(value.at == pytest.approx(at, abs=35) for value in ends), "when it was read, not when it was told"


def test_a_register_that_stands_still_while_power_flows_is_told_of_and_not_billed(version: str) -> None:
    w = charging(version)
    w.shows[1] = w.register[1]
    still = w.shows[1]
    w.after(900)
    assert faults(w) == {"register still": False}
    assert w.on[1], "the owner loses, not the driver"
    w.after(900).present("CARD1", 1).after(20)
    assert w.records[-1].energy_wh == still
    w.shows.clear()
    w.register[1] = still + 50
    w.read(1)
    assert not faults(w)


def test_a_register_in_steps_of_a_kilowatt_hour_does_not_stand_still(version: str) -> None:
    w = charging(version)
    for _ in range(120):
        w.shows[1] = w.register[1] // 100 * 100
        w.after(29).read(1)
        assert not faults(w)


def test_a_reading_that_was_overtaken_tells_nothing(version: str) -> None:
    w = charging(version)
    w.read(1)
    known = w.station.evses[1].measured
    assert known
    w.tell(e.MeterRead(1, Measured(known.taken_at - 60, known.energy_import_wh, power_w=0.0)))
    assert w.station.evses[1].measured == known


def test_a_register_that_trembles_by_its_last_bit_is_no_fault(version: str) -> None:
    w = World(version, SLICED)
    w.register[1] = 9e7
    w.after(100).online().plug().present("CARD1", 1).after(60)
    for _ in range(20):
        one_reading(w, w.register[1] - 8)
        w.read(1)
    assert not faults(w)
    w.present("CARD1", 1).after(20)
    check_records(w.records)
    assert len({record.transaction_id for record in w.records}) == 1


def test_a_meter_exchanged_in_the_dark_ends_what_ran_with_what_was_known(version: str) -> None:
    w = charging(version)
    known = w.records[-1].energy_wh
    w.register[1] = 7.0
    w.cut()
    w.online().after(100)
    ended = w.records[-1]
    assert (ended.kind, ended.energy_wh) == ("Ended", known)
    assert 7.0 not in registers(ended)


def test_a_meter_exchanged_while_nobody_charges_is_only_noted(version: str) -> None:
    w = World(version, SLICED).online()
    w.register[1] = 3.0
    w.after(100)
    assert not faults(w)
    assert any("exchanged, or set back" in note for note in w.notes)
    w.plug().present("CARD1", 1).after(1)
    assert w.records[0].energy_wh == pytest.approx(3.0, abs=5)


def test_what_flowed_for_one_is_not_billed_to_the_next(version: str) -> None:
    w = charging(version)
    w.read(1)
    w.meter_dead.add(1)
    w.after(60).present("CARD1", 1).after(20)
    count = len(w.records)
    w.present("CARD2", 1).after(30)
    assert not w.on[1], "the last reading is from before the first one ended"
    w.meter_dead.clear()
    w.read(1)
    begins = w.register[1]
    w.after(60).present("CARD2", 1).after(20)
    second = [record.energy_wh for record in w.records[count:] if record.energy_wh is not None]
    assert second[0] == pytest.approx(begins)
    assert second[-1] == pytest.approx(w.register[1])


def test_a_sample_without_a_register_says_nothing_of_it(version: str) -> None:
    w = charging(version)
    count = len(w.records)
    w.shows[1] = nan
    w.after(61)
    assert not [value for record in w.records[count:] for value in registers(record)]
