"""A board without a battery wakes up in 1970; what it notes gets the right time before it is told."""

import pytest

from chargepointd.core import messages as m
from tests.core.world import NOON, World

FREE = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true", "SampledDataCtrlr.TxEndedInterval": "60"}


def visit_in_1970(version: str) -> World:
    return World(version, FREE, wall=0.0).plug().present().after(200)


def test_a_visit_in_1970_is_told_with_the_true_time(version: str) -> None:
    w = visit_in_1970(version)
    started = w.records[0].stamp
    assert started.at < 10_000
    assert not started.sure
    true_start = NOON + started.mono
    w.online().present().after(20)
    told = w.delivered()
    assert told == w.records
    assert abs(told[0].stamp.at - true_start) < 0.01
    for record in told:
        assert record.stamp.sure
        assert abs(record.stamp.at - (NOON + record.stamp.mono)) < 0.01
        assert all(value.at > NOON for value in record.values)


def test_the_right_time_is_kept_not_only_told(version: str) -> None:
    w = visit_in_1970(version)
    w.mute = False
    w.refusing = True
    w.online()
    kept = w.disk.saved()
    assert all(entry.record.stamp.at > NOON for entry in kept.records)
    transaction = kept.sessions[1].transaction
    assert transaction is not None
    assert transaction.started_at > NOON
    assert all(value.at > NOON for value in transaction.series)


def test_records_of_an_earlier_boot_stay_as_they_were_noted(version: str) -> None:
    w = visit_in_1970(version)
    before = list(w.records)
    w.cut()
    w.online().after(20)
    assert [r.stamp for r in w.delivered()[: len(before)]] == [r.stamp for r in before]


def test_a_system_clock_that_becomes_right_is_believed(version: str) -> None:
    w = visit_in_1970(version)
    w.wall = NOON
    w.after(1)
    assert all(abs(r.stamp.at - NOON - r.stamp.mono) < 0.01 for r in w.records)


def test_small_differences_do_not_make_the_stamps_jump(version: str) -> None:
    w = World(version, wall=NOON + 0.3).online()
    assert abs(w.station.context.clock.utc(w.mono) - NOON - w.mono - 0.3) < 0.01


def test_an_answer_that_was_long_under_way_does_not_set_the_clock_back(version: str) -> None:
    w = World(version).online()
    w.slow = True
    w.after(301)  # the CSMS takes the heartbeat, and says what time it is
    w.after(20).answer()
    assert abs(w.station.context.clock.utc(w.mono) - w.utc) < 0.01


def test_a_wrong_clock_is_put_right_as_far_as_a_slow_answer_can_tell(version: str) -> None:
    w = World(version, wall=NOON + 3600)
    w.slow = True
    w.online().after(4).answer()
    assert abs(w.station.context.clock.utc(w.mono) - w.utc) <= 2.1


def test_a_wrong_clock_is_put_right_by_the_csms(version: str) -> None:
    w = World(version, wall=NOON + 3600).online()
    assert abs(w.station.context.clock.utc(w.mono) - w.utc) < 0.01


def test_the_csms_is_not_asked_for_the_time_where_it_is_no_source(version: str) -> None:
    w = World(version, {"ClockCtrlr.TimeSource": "NTP"}, wall=NOON + 3600).online()
    assert abs(w.station.context.clock.utc(w.mono) - w.utc - 3600) < 0.01


def test_aligned_values_follow_the_clock_when_it_is_put_right(version: str) -> None:
    w = World(version, {"AlignedDataCtrlr.Interval": "900"}, wall=NOON - 400).online().after(1900)
    moments = sorted({read.values[0].at for read in w.told(m.MetersRead)})
    assert moments
    assert all(at % 900 < 3 or at % 900 > 897 for at in moments)


@pytest.mark.parametrize("at", [-62_135_596_800.0, 0.0, 253_402_300_799.0], ids=["year 1", "1970", "9999"])
def test_a_csms_whose_clock_cannot_be_right_is_not_believed(version: str, at: float) -> None:
    w = World(version)
    w.registrations.append(m.BootAnswered("Accepted", 300, at))
    w.online().plug().present().after(20)
    assert abs(w.records[0].stamp.at - NOON - w.records[0].stamp.mono) < 1
    assert sum("cannot be" in note for note in w.notes) == 1
