"""A board without a battery wakes up in 1970; what it notes gets the right time before it is told."""

from itertools import pairwise

import pytest

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core.charging.external import LimitLocally
from chargepointd.core.clock import Clock
from chargepointd.core.reservation import ReserveNow
from chargepointd.core.values import Now, Token
from tests.core.world import NOON, World, check_records

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
        assert abs(record.stamp.at - (NOON + w.made_at(record))) < 0.01
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


def test_records_of_an_earlier_boot_get_the_latest_time_that_can_have_been_and_say_so(version: str) -> None:
    w = visit_in_1970(version)
    w.after(100).cut()
    booted = w.utc
    w.after(50).online().present().after(20)
    told = w.delivered()
    check_records(told)
    earlier = [record for record in told if record.stamp.boot == "machine1"]
    later = told[len(earlier) :]
    assert {record.stamp.how for record in earlier} == {"estimated"}
    assert {record.stamp.how for record in later} <= {"put right", ""}
    assert all(record.stamp.sure and NOON < record.stamp.at <= booted for record in earlier)
    true = [NOON + record.stamp.mono for record in earlier]
    assert all(record.stamp.at <= at for record, at in zip(earlier, true, strict=True)), "it ran on until the cut"
    spans = [b.stamp.at - a.stamp.at for a, b in pairwise(earlier)]
    assert spans == pytest.approx([b - a for a, b in pairwise(true)]), "what lies between them was measured"
    assert all(record.values[0].at > NOON for record in earlier if record.values)


def test_a_process_that_restarts_in_the_dark_goes_on_with_the_clock_of_the_machine(version: str) -> None:
    w = visit_in_1970(version)
    w.boot()
    w.after(50).online().present().after(20)
    told = w.delivered()
    check_records(told)
    for record in told:
        assert abs(record.stamp.at - NOON - w.made_at(record)) < 0.01
    assert {record.stamp.how for record in told} <= {"put right", ""}


def test_what_was_known_is_known_to_the_next_process_of_the_same_boot(version: str) -> None:
    w = World(version, wall=0.0).online().offline()
    w.boot()
    assert w.station.context.clock.sure
    assert abs(w.station.context.clock.utc(w.mono) - w.utc) < 0.01


def test_three_boots_in_the_dark_keep_their_order(version: str) -> None:
    w = World(version, FREE | {"TxCtrlr.EVConnectionTimeOut": "600"}, wall=0.0).plug().present().after(130)
    for _ in range(3):
        w.cut()
        w.after(130)
    w.online().present().after(20)
    check_records(w.delivered())
    assert all(NOON - 3600 < record.stamp.at <= w.utc for record in w.delivered())


def test_a_dark_boot_in_the_middle_of_a_transaction_is_no_step_back(version: str) -> None:
    w = World(version, FREE).online().plug().present().after(130)
    w.offline().after(100)
    known = w.utc
    w.wall = 0.0
    w.cut()
    w.after(200).online().present().after(20)
    told = w.delivered()
    check_records(told)
    dark = [record for record in told if record.stamp.how in ("put right", "estimated")]
    assert dark
    assert all(record.stamp.at >= known - 60 for record in dark)


def test_what_was_collected_before_a_dark_boot_keeps_its_time(version: str) -> None:
    """The values that the Ended record is to repeat: those of before the power cut were right."""
    w = World(version, FREE).online().plug().present().after(130)
    before = w.station.evses[1].transaction
    assert before is not None
    right = [value.at for value in before.series]
    assert len(right) >= 2
    w.wall = 0.0
    w.cut()
    w.after(200).online().present().after(20)
    series = [value.at for value in w.delivered()[-1].values]
    assert set(right) <= set(series)
    assert series == sorted(series)
    assert all(at <= w.utc for at in series)


def test_a_system_clock_behind_what_was_known_is_not_believed(version: str) -> None:
    w = World(version).online().after(7200)
    w.wall = NOON - 180 * 86_400  # plausible: when the image was made
    w.cut()
    assert not w.station.context.clock.sure
    w.wall = NOON
    w.after(1)
    assert w.station.context.clock.sure


def test_what_was_noted_in_the_dark_is_put_right_by_the_system_s_clock_of_a_later_boot(version: str) -> None:
    w = visit_in_1970(version)
    w.wall = NOON
    w.cut()
    assert all(record.stamp.at > NOON for record in w.records)
    w.online().present().after(20)
    check_records(w.delivered())


# -- whom to believe ---------------------------------------------------------------------------------------------------


def says(w: World, *offsets: float) -> None:
    """The CSMS tells the time, so much wrong, once each."""
    for offset in offsets:
        w.wrong_s = offset
        w.ask(c.TriggerMessage("Heartbeat"))
        w.after(1)
    w.wrong_s = 0.0


def wrong_by(w: World) -> float:
    return round(w.station.context.clock.utc(w.mono) - w.utc, 1)


@pytest.mark.parametrize("leap", [3600.0, -3600.0, 40 * 86_400.0, -40 * 86_400.0])
def test_a_leap_that_is_said_once_is_not_taken(version: str, leap: float) -> None:
    w = World(version).online().plug().present().after(100)
    w.wrong_once_s = leap
    w.ask(c.TriggerMessage("Heartbeat"))
    w.after(100)
    assert wrong_by(w) == 0.0
    assert any("a leap; asked again" in note for note in w.notes)
    w.present().after(20)
    assert {record.stamp.how for record in w.delivered()} <= {"", "system"}
    check_records(w.delivered())


def test_an_absurd_time_at_the_first_contact_rewrites_nothing(version: str) -> None:
    w = World(version, FREE).plug().present().after(86_400)
    w.registrations.append(m.BootAnswered("Accepted", 300, w.utc + 400 * 86_400))
    w.online().after(20)
    assert wrong_by(w) == 0.0
    for record in w.delivered():
        assert abs(record.stamp.at - NOON - w.made_at(record)) < 0.01


def test_a_leap_that_is_said_twice_is_taken(version: str) -> None:
    w = World(version).online()
    says(w, 3600.0)
    assert wrong_by(w) == 3600.0


def test_a_small_step_is_taken_at_once(version: str) -> None:
    w = World(version).online()
    w.wrong_once_s = 120.0
    w.ask(c.TriggerMessage("Heartbeat"))
    assert wrong_by(w) == 120.0


def test_records_wait_while_the_time_is_in_doubt_and_not_for_ever(version: str) -> None:
    w = World(version, FREE, wall=NOON + 7200).plug().present().after(100)
    w.slow = True
    w.online()
    w.answer()  # of the boot
    for _ in range(3):
        w.after(5)
    assert not w.told(m.TransactionRecord)
    w.slow = False
    w.mute = True
    w.after(60)
    w.mute = False
    w.offline().online().after(100)
    assert w.delivered() == w.records


def test_a_wrong_but_plausible_clock_is_put_right_exactly_before_anything_is_told(version: str) -> None:
    w = World(version, FREE, wall=NOON + 200 * 86_400).plug().present().after(200)
    assert {record.stamp.how for record in w.records} == {"system"}
    w.online().after(20).present().after(20)
    told = w.delivered()
    check_records(told)
    for record in told:
        assert abs(record.stamp.at - NOON - w.made_at(record)) < 0.01
        assert all(abs(value.at - record.stamp.at) < 300 for value in record.values)
    assert {record.stamp.how for record in told} <= {"put right", ""}


def test_no_record_is_earlier_than_the_one_before_it_when_the_clock_is_put_back(version: str) -> None:
    w = World(version, {"SampledDataCtrlr.TxUpdatedInterval": "60"}).online()
    says(w, 3600.0)
    w.wrong_s = 3600.0
    w.plug().present().after(130)
    w.wrong_s = 0.0
    says(w, 0.0)
    assert wrong_by(w) == 0.0
    w.after(130).present().after(20)
    told = w.delivered()
    check_records(told)
    assert told[-1].stamp.how == "held"
    ats = [value.at for record in told if record.kind != "Ended" for value in record.values]
    assert ats == sorted(ats)


def test_two_csms_with_different_clocks_turn_no_order_round(version: str) -> None:
    w = World(version).online().plug().present()
    for turn in range(4):
        w.after(100).offline()
        w.wrong_s = 1800.0 if turn % 2 == 0 else 0.0
        w.after(10).online()
        says(w, w.wrong_s)
    w.present().after(20)
    check_records(w.delivered())


def test_a_csms_that_does_not_know_the_time_is_told_all_the_same(version: str) -> None:
    w = World(version, FREE, wall=0.0).plug().present().after(100)
    w.timeless = True
    w.online().after(200)
    assert w.delivered() == w.records
    assert w.records[0].stamp.how == "unknown"
    w.timeless = False
    says(w, 0.0)
    assert w.delivered() == w.records, "what was told stays"


# -- what follows it ---------------------------------------------------------------------------------------------------


def aligned(w: World) -> list[float]:
    return [read.values[0].at for read in w.told(m.MetersRead) if read.evse_id == 1]


def test_no_aligned_moment_is_told_twice_when_the_clock_is_put_back(version: str) -> None:
    w = World(version, {"AlignedDataCtrlr.Interval": "900"}).online()
    says(w, 3600.0)
    w.wrong_s = 3600.0
    w.after(3700)
    w.wrong_s = 0.0
    says(w, 0.0)
    w.after(3 * 3600)
    moments = aligned(w)
    assert len(moments) == len(set(moments))
    assert moments == sorted(moments)
    assert all(at % 900 == 0 for at in moments)
    assert sum(event.kind == "SettingSystemTime" for event in w.told(m.SecurityEvent)) == 2


def test_a_clock_that_was_years_ahead_does_not_silence_the_aligned_values(version: str) -> None:
    w = World(version, {"AlignedDataCtrlr.Interval": "900"}).online()
    says(w, 400 * 86_400.0)
    w.wrong_s = 400 * 86_400.0
    w.after(2000)
    w.wrong_s = 0.0
    says(w, 0.0)
    count = len(aligned(w))
    w.after(2000)
    assert len(aligned(w)) > count


def test_periodic_samples_keep_their_distance_through_every_leap(version: str) -> None:
    w = World(version, {"SampledDataCtrlr.TxUpdatedInterval": "60"}).online().plug().present()
    monos = []
    for offset in (3600.0, 0.0, -3600.0, 5000.0, 0.0):
        w.wrong_s = offset
        says(w, offset)
        w.wrong_s = offset
        w.after(300)
    monos = [w.made_at(r) for r in w.records if r.trigger == "MeterValuePeriodic"]
    assert [round(b - a) for a, b in pairwise(monos)] == [60] * (len(monos) - 1)


def test_a_limit_for_an_hour_holds_for_an_hour_whatever_the_clock_does(version: str) -> None:
    for offsets in ((7200.0,), (-7200.0,), (7200.0, 0.0)):
        w = World(version).online()
        w.tell(e.ControlAsked(1, LimitLocally("set", 0, "A", 10.0, 3600)))
        for offset in offsets:
            says(w, offset)
            w.wrong_s = offset
            w.after(60)
        w.after(3000)
        assert w.station.external._profiles_of_others(), "not before"
        w.after(900)
        assert not w.station.external._profiles_of_others(), "nor later"


def test_a_limit_set_in_the_dark_does_not_end_early_over_a_power_cut() -> None:
    w = World("2.0.1", wall=0.0)
    w.tell(e.ControlAsked(1, LimitLocally("set", 0, "A", 10.0, 3600)))
    w.after(600)
    w.cut()
    w.after(2000)
    assert w.station.external._profiles_of_others()
    w.online().after(300)
    assert w.station.external._profiles_of_others()
    w.after(3600)
    assert not w.station.external._profiles_of_others()


def test_a_reservation_ends_when_the_clock_says_so_be_it_by_a_leap(version: str) -> None:
    w = World(version).online()
    assert w.ask(ReserveNow(1, w.utc + 3600, Token("AAAA1111"), None, 1)).status == "Accepted"
    says(w, 7200.0)
    w.after(2)
    assert not w.station.reservations.show()


def test_the_time_that_was_known_is_kept_each_hour(version: str) -> None:
    w = World(version).online().after(10_000)
    assert w.disk.state["clock"]["known"] > w.utc - 4300


def test_a_system_clock_that_becomes_right_is_believed(version: str) -> None:
    w = visit_in_1970(version)
    w.wall = NOON
    w.after(1)
    assert all(abs(r.stamp.at - NOON - w.made_at(r)) < 0.01 for r in w.records)


def test_small_differences_do_not_make_the_stamps_jump(version: str) -> None:
    w = World(version, wall=NOON + 0.3).online()
    assert abs(w.station.context.clock.utc(w.mono) - NOON - w.mono - 0.3) < 0.01


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.7, 0.99])
def test_a_csms_that_leaves_out_the_fraction_of_a_second_does_not_move_the_clock(fraction: float) -> None:
    clock = Clock("boot", Now(0.0, NOON))
    for mono in range(0, 3000, 300):
        assert clock.told(NOON + mono, mono + fraction) is None
    assert clock.vouched
    assert clock.told(NOON + 2997, 3000.0) is not None, "but what is three seconds wrong is put right"


def test_an_answer_that_was_long_under_way_does_not_set_the_clock_back(version: str) -> None:
    w = World(version).online()
    w.slow = True
    w.after(301)  # the CSMS takes the heartbeat, and says what time it is
    w.after(20).answer()
    assert abs(w.station.context.clock.utc(w.mono) - w.utc) < 0.01


def test_a_wrong_clock_is_put_right_as_far_as_a_slow_answer_can_tell(version: str) -> None:
    w = World(version, wall=NOON + 3600)
    w.slow = True
    w.online().after(4).answer().after(1)
    for _ in range(9):
        w.answer()
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
    assert abs(w.records[0].stamp.at - NOON - w.made_at(w.records[0])) < 1
    assert sum("cannot be" in note for note in w.notes) == 1


@pytest.mark.parametrize("forward", [True, False], ids=["spring", "autumn"])
def test_a_leap_of_the_time_zone_moves_the_clock_on_the_wall_alone(version: str, forward: bool) -> None:
    w = World(version, {"AlignedDataCtrlr.Interval": "900", "SampledDataCtrlr.TxUpdatedInterval": "60"})
    leaps_at = w.utc + 2000
    before, after = (3600, 7200) if forward else (7200, 3600)
    w.station.timekeeping.zone_offset_s = lambda zone, utc: before if utc < leaps_at else after
    w.online().set("ClockCtrlr.TimeZone", "Europe/Oslo")
    w.plug(2).present("AAAA1111", 2)
    offsets = []
    for _ in range(8):
        offsets.append(w.station.timekeeping.offset_s(w.utc))
        w.after(900)
    assert sorted(set(offsets), reverse=not forward) == [before, after]
    moments = aligned(w)
    assert [b - a for a, b in pairwise(moments)] == [900] * (len(moments) - 1)
    assert len(moments) >= 7
    periodic = [r.stamp.at for r in w.records if r.trigger == "MeterValuePeriodic"]
    assert {round(b - a) for a, b in pairwise(periodic)} == {60}
    assert "SettingSystemTime" not in [event.kind for event in w.told(m.SecurityEvent)]
