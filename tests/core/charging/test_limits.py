"""What each EVSE may draw: profiles, the station's share, phases, and who may go on."""

from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core.charging.profile import Period, Profile, Schedule
from chargepointd.core.charging.profiles import ClearChargingProfile, SetChargingProfile
from chargepointd.core.charging.schedules import GetCompositeSchedule
from chargepointd.core.plan import ConnectorPlan, EvsePlan
from chargepointd.core.values import Measured, TokenInfo
from tests.core.world import NOON, PLAN, World

VERSIONS = ["1.6", "2.0.1"]


def profile(limit: float, evse: int = 1, unit: Any = "A", phases: int | None = None, **more: Any) -> Profile:
    schedule = Schedule(unit, (Period(0, limit, phases),), starts_at=NOON)
    return Profile(evse + 10, evse, 0, "TxDefaultProfile", "Absolute", schedule)._replace(**more)


def at_most(limit: float, unit: Any = "A", **more: Any) -> Profile:
    return profile(limit, 0, unit, purpose="ChargingStationMaxProfile", id=99, **more)


def set_(w: World, it: Profile) -> None:
    assert w.ask(SetChargingProfile(it)).status == "Accepted"


def charging(version: str, **more: Any) -> World:
    return World(version, **more).online().plug().present("CARD1", 1)


def together(w: World, bound_a: float, phases: int = 3) -> None:
    """From now on no moment may have more than that: what is offered, and what the cars draw."""
    check = w.check

    def watched() -> None:
        check()
        drawn_w = sum(w._draws_w(evse) for evse in (1, 2))
        assert drawn_w <= bound_a * 230 * phases + 1, f"{drawn_w} W drawn"

    w.check = watched  # type: ignore[method-assign]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_profile_is_followed_at_once_and_its_end_too(version: str) -> None:
    w = charging(version)
    assert w.limits[1][0] == 32
    set_(w, profile(10))
    assert w.limits[1][0] == 10
    assert w.ask(ClearChargingProfile(id=11)).status == "Accepted"
    assert w.limits[1][0] == 32


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_is_told_as_charging_while_a_profile_forbids_it(version: str) -> None:
    w = charging(version)
    set_(w, profile(0))
    assert w.limits[1][0] == 0
    assert w.story()[-1] == "Updated ChargingStateChanged SuspendedEVSE"
    w.ask(ClearChargingProfile(id=11))
    assert w.story()[-1] == "Updated ChargingStateChanged Charging"
    if version == "1.6":
        assert w.statuses[(1, 1)] == "Charging"
        set_(w, profile(0))
        assert w.statuses[(1, 1)] == "SuspendedEVSE"


def test_less_than_a_pilot_can_say_is_a_pause() -> None:
    w = charging("2.0.1")
    set_(w, profile(5.9))
    assert w.limits[1][0] == 0


def test_watts_are_amperes_of_the_phases_there_are() -> None:
    w = charging("2.0.1")
    set_(w, profile(6900, unit="W"))
    assert w.limits[1][0] == 10


def test_the_next_period_holds_when_it_begins_without_ticking() -> None:
    w = charging("2.0.1")
    start = w.utc
    periods = (Period(0, 16.0), Period(600, 0.0), Period(1200, 8.0))
    set_(w, profile(0)._replace(schedule=Schedule("A", periods, starts_at=start)))
    assert w.limits[1][0] == 16
    w.after(599)
    assert w.limits[1][0] == 16
    w.after(1.1)
    assert w.limits[1][0] == 0
    w.after(600)
    assert w.limits[1][0] == 8


def test_a_relative_profile_begins_with_the_energy_and_outlives_a_power_cut() -> None:
    w = World("2.0.1").online()
    schedule = Schedule("A", (Period(0, 16.0), Period(300, 8.0)))
    set_(w, profile(0, kind="Relative")._replace(schedule=schedule))
    w.after(1000).plug().present("CARD1", 1).after(200)
    assert w.limits[1][0] == 16
    w.cut()
    w.online().after(50)
    assert w.limits[1][0] == 16
    w.after(60)
    assert w.limits[1][0] == 8


def test_a_clock_that_is_put_right_moves_what_stands_in_time() -> None:
    w = charging("2.0.1")
    set_(w, profile(0)._replace(schedule=Schedule("A", (Period(0, 16.0), Period(7200, 8.0)), starts_at=w.utc)))
    answer = w._answer
    late = m.HeartbeatAnswered(w.utc + 7300)
    w._answer = lambda call, said: late if type(said) is m.Heartbeat else answer(call, said)  # type: ignore[method-assign]
    w.after(310)  # a heartbeat
    assert w.limits[1][0] == 8


def test_profiles_hold_from_the_first_moment_after_a_power_cut() -> None:
    w = charging("2.0.1")
    set_(w, profile(10))
    seen: list[float] = []
    obey = w._obey
    w._obey = lambda effect: (obey(effect), seen.append(w.limits[1][0]))[0]  # type: ignore[method-assign]
    w.cut()
    w.online().after(5)
    assert max(seen) == 10


# -- shares ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bound", [{"max_current_a": 20.0}, {"max_power_w": 20 * 690.0}])
def test_who_comes_second_gets_his_share_after_the_first_was_seen_to_take_less(bound: dict[str, float]) -> None:
    w = World("2.0.1", plan=PLAN._replace(**bound)).online()
    together(w, 20)
    w.plug(1).present("CARD1", 1).after(5)
    assert w.limits[1][0] == 20
    w.plug(2).present("CARD2", 2)
    assert w.limits[1][0] == 10  # lowered at once
    assert w.limits[2][0] == 0  # raised when it was seen
    w.after(31)
    assert (w.limits[1][0], w.limits[2][0]) == (10, 10)
    w.unplug(1).after(1)
    assert w.limits[2][0] == 20


def test_a_bound_that_comes_while_cars_charge_counts_what_they_draw() -> None:
    w = World("2.0.1").online()
    w.takes_w = {1: 22_000.0, 2: 22_000.0}
    w.plug(1).present("CARD1", 1).after(31)
    set_(w, at_most(40))
    assert w.limits[1][0] == 32
    set_(w, at_most(20))
    assert w.limits[1][0] == 20
    w.plug(2).present("CARD2", 2)
    assert (w.limits[1][0], w.limits[2][0]) == (10, 0)
    w.after(31)
    assert (w.limits[1][0], w.limits[2][0]) == (10, 10)


def test_a_car_that_ignores_its_offer_leaves_nothing_to_others() -> None:
    w = World("2.0.1", plan=PLAN._replace(max_current_a=20.0)).online()
    w.defiant.add(1)
    w.plug(1).present("CARD1", 1).after(5).plug(2).present("CARD2", 2).after(300)
    assert w.limits[2][0] == 0
    assert w.story()[-1].endswith("SuspendedEVSE")


def test_the_profile_of_the_station_is_shared_and_the_last_waits() -> None:
    w = World("2.0.1").online()
    w.plug(1).present("CARD1", 1).after(1).plug(2).present("CARD2", 2).after(1)
    together(w, 32)
    set_(w, at_most(11))
    w.after(60)
    assert (w.limits[1][0], w.limits[2][0]) == (11, 0)
    w.ask(ClearChargingProfile(id=99))
    assert (w.limits[1][0], w.limits[2][0]) == (32, 32)


@pytest.mark.parametrize("how", ["token", "transaction"])
def test_a_higher_priority_keeps_power_the_longest(how: str) -> None:
    w = World("2.0.1", plan=PLAN._replace(max_current_a=11.0)).online()
    w.infos["CARD2"] = TokenInfo("Accepted", charging_priority=3 if how == "token" else 0)
    w.plug(1).present("CARD1", 1).after(5).plug(2)
    if how == "transaction":
        answer = w._answer
        w._answer = lambda call, message: (  # type: ignore[method-assign]
            answer(call, message)._replace(charging_priority=3)
            if getattr(message, "evse_id", 0) == 2 and hasattr(message, "seq_no")
            else answer(call, message)
        )
    w.present("CARD2", 2).after(61)
    assert (w.limits[1][0], w.limits[2][0]) == (0, 11)


def test_a_full_car_lends_what_it_does_not_take_and_gets_it_back() -> None:
    w = World("2.0.1", plan=PLAN._replace(max_current_a=32.0)).online()
    w.takes_w = {1: 22_000.0, 2: 22_000.0}
    together(w, 32)
    w.plug(1).present("CARD1", 1).after(5).plug(2).present("CARD2", 2).after(31)
    assert (w.limits[1][0], w.limits[2][0]) == (16, 16)
    w.hunger(1, False).after(61)
    assert (w.limits[1][0], w.limits[2][0]) == (6, 26)  # with its least it can begin again
    w.hunger(1, True).after(61)
    assert (w.limits[1][0], w.limits[2][0]) == (16, 16)


def test_a_full_car_keeps_nobody_waiting() -> None:
    w = World("2.0.1", plan=PLAN._replace(max_current_a=11.0)).online()
    w.plug(1).present("CARD1", 1).after(5).hunger(1, False).after(20).plug(2).present("CARD2", 2).after(61)
    assert (w.limits[1][0], w.limits[2][0]) == (0, 11)
    w.after(600)
    assert (w.limits[1][0], w.limits[2][0]) == (0, 11)
    w.unplug(2).after(31)
    assert w.limits[1][0] == 6
    w.hunger(1, True).after(31)
    assert w.limits[1][0] == 11


def test_a_car_that_takes_little_lends_the_rest() -> None:
    w = World("2.0.1", plan=PLAN._replace(max_current_a=32.0)).online()
    w.takes_w = {1: 5520.0, 2: 22_000.0}
    together(w, 32)
    w.plug(1).present("CARD1", 1).after(5).plug(2).present("CARD2", 2).after(120)
    assert (w.limits[1][0], w.limits[2][0]) == (10, 22)  # 8 A drawn, and a margin
    w.takes_w[1] = 22_000.0
    w.after(120)
    assert (w.limits[1][0], w.limits[2][0]) == (16, 16)


def test_the_least_rate_of_a_profile_is_kept_or_nothing() -> None:
    w = World("2.0.1", plan=PLAN._replace(max_current_a=20.0)).online()
    set_(w, profile(32, 2)._replace(schedule=Schedule("A", (Period(0, 32.0),), starts_at=NOON, min_rate=12.0)))
    w.plug(1).present("CARD1", 1).after(1).plug(2).present("CARD2", 2).after(60)
    assert (w.limits[1][0], w.limits[2][0]) == (8, 12)
    set_(w, at_most(17))
    w.after(60)
    assert (w.limits[1][0], w.limits[2][0]) == (17, 0)


def test_an_outlet_that_does_not_open_is_counted_as_before() -> None:
    w = World("2.0.1", plan=PLAN._replace(max_current_a=20.0)).online()
    w.plug(1).present("CARD1", 1).after(5)
    w.welded.add(1)
    w.present("CARD1", 1).after(20).plug(2).present("CARD2", 2).after(60)
    assert w.limits[2][0] == 0


# -- DC ----------------------------------------------------------------------------------------------------------------

DC = EvsePlan(1, (ConnectorPlan(1, "cCCS2", True),), "DC", 0, 1000.0, 500.0, 400_000.0)
DC_PLAN = PLAN._replace(evses=(DC, DC._replace(id=2)))


def test_dc_has_watts_and_amperes_each_as_it_was_set() -> None:
    w = World("2.0.1", plan=DC_PLAN).online().plug().present("CARD1", 1)
    assert w.limits[1] == (500, 400_000, 0)
    set_(w, profile(50_000, unit="W"))
    assert w.limits[1] == (500, 50_000, 0)
    set_(w, profile(100))
    assert w.limits[1] == (100, 400_000, 0)
    set_(w, profile(0, unit="W"))
    assert w.limits[1] == (0, 0, 0)
    assert w.story()[-1].endswith("SuspendedEVSE")


def test_dc_outlets_share_the_watts_of_the_station() -> None:
    w = World("2.0.1", plan=DC_PLAN._replace(max_power_w=100_000.0)).online()
    w.takes_w = {1: 300_000.0, 2: 300_000.0}
    w.plug(1).present("CARD1", 1).after(5)
    assert w.limits[1][1] == 100_000
    w.plug(2).present("CARD2", 2)
    assert (w.limits[1][1], w.limits[2][1]) == (50_000, 0)
    w.after(31)
    assert (w.limits[1][1], w.limits[2][1]) == (50_000, 50_000)


def test_amperes_of_a_station_that_is_all_dc_are_those_of_its_outputs_as_its_composite_schedules_say() -> None:
    w = World("2.0.1", plan=DC_PLAN).online().plug().present("CARD1", 1)
    set_(w, at_most(10))
    assert w.limits[1] == (10, 10_000, 0)
    schedule = w.ask(GetCompositeSchedule(1, 60, "A")).schedule
    assert [period.limit for period in schedule.periods] == [10]


# -- phases ------------------------------------------------------------------------------------------------------------

ONE_OR_THREE = PLAN._replace(evses=(PLAN.evses[0]._replace(switches_phases=True), PLAN.evses[1]))


def test_one_phase_where_a_profile_says_so_and_they_can_be_switched() -> None:
    w = World("2.0.1", {"SampledDataCtrlr.TxUpdatedInterval": "0"}, plan=ONE_OR_THREE).online()
    w.plug().present("CARD1", 1)
    assert w.limits[1] == (32, float("inf"), 3)
    assert w.station.evses[1].phases == 3
    set_(w, profile(2300, unit="W", phases=1))
    assert w.limits[1] == (10, float("inf"), 1)
    assert w.story()[-1] == "Updated ChargingStateChanged SuspendedEVSE"  # while it is switched
    w.switch_phases()
    assert w.story()[-1] == "Updated ChargingStateChanged Charging"
    assert w.records[-1].phases == 1
    assert w.station.evses[1]._offer() == (10, 2300)


def test_phases_that_are_long_in_being_switched_do_not_wake_the_station_again_and_again() -> None:
    """`World` sees to it, at each tick."""
    w = World("2.0.1", plan=ONE_OR_THREE).online().plug().present("CARD1", 1)
    set_(w, profile(2300, unit="W", phases=1))
    w.after(300)
    assert w.story()[-1] == "Updated ChargingStateChanged SuspendedEVSE"
    w.switch_phases()
    assert w.story()[-1] == "Updated ChargingStateChanged Charging"


def test_watts_for_one_phase_are_divided_by_those_that_are_used() -> None:
    """1.6 takes such a profile though nothing can be switched: with 3 x 10 A it would be exceeded."""
    w = charging("1.6")
    w.takes_w[1] = 22_000.0
    set_(w, profile(6900, unit="W", phases=1))
    assert w.limits[1] == (10, float("inf"), 0)


def test_a_meter_with_amperes_is_believed_before_one_with_watts() -> None:
    w = World("2.0.1", plan=PLAN._replace(max_current_a=20.0)).online()
    w.plug(1).present("CARD1", 1).after(5).plug(2).present("CARD2", 2)
    w.tell(e.MeterRead(1, Measured(w.mono + 0.01, 1.0, power_w=100.0, current_a=(18.0, 0.0, 0.0))))
    assert w.limits[2][0] == 0


def test_a_technician_sees_what_is_allowed() -> None:
    w = charging("2.0.1")
    set_(w, profile(10))
    shown = w.ask(c.ShowStatus()).data
    assert shown["evses"][0]["session"]["limit_a"] == 10


# -- what is lowered waits for nothing ---------------------------------------------------------------------------------


def effects(w: World) -> list[Any]:
    """From now on: what the hardware is told."""
    told: list[Any] = []
    obey = w._obey

    def heard(effect: Any) -> None:
        if isinstance(effect, f.OpenPowerPath | f.ClosePowerPath | f.SetLimit):
            told.append(effect)
        obey(effect)

    w._obey = heard  # type: ignore[method-assign]
    return told


def test_watts_are_lowered_at_once_though_amperes_are_raised() -> None:
    w = World("2.0.1", plan=DC_PLAN).online().plug().present("CARD1", 1)
    set_(w, profile(100))
    told = effects(w)
    set_(w, profile(50_000, unit="W"))
    assert told == [f.SetLimit(1, 100, 50_000), f.ClosePowerPath(1, 500, 50_000)]


def test_fewer_phases_wait_for_no_disk() -> None:
    w = World("2.0.1", plan=ONE_OR_THREE).online().plug().present("CARD1", 1)
    told = effects(w)
    set_(w, profile(16, phases=1))
    assert told == [f.OpenPowerPath(1, False), f.ClosePowerPath(1, 16, phases=1)]


def test_what_waited_for_the_disk_uses_no_more_phases_than_there_may_be_by_then() -> None:
    w = World("2.0.1", plan=ONE_OR_THREE).online().plug().present("CARD1", 1)
    set_(w, profile(10, phases=1))
    assert w.station.evses[1].power.still(f.ClosePowerPath(1, 16, phases=3)) == f.ClosePowerPath(1, 10, phases=1)


def test_more_phases_are_more_watts_and_have_to_be_granted() -> None:
    w = World("2.0.1", plan=ONE_OR_THREE._replace(max_power_w=13_800.0)).online()
    w.takes_w = {1: 22_000.0, 2: 22_000.0}
    set_(w, profile(16, phases=1))
    w.plug(1).present("CARD1", 1).switch_phases()
    w.plug(2).present("CARD2", 2).after(61)
    assert (w.limits[1], w.limits[2][0]) == ((16, float("inf"), 1), 14.6)
    together(w, 20)
    w.takes_w[2] = 14.6 * 690
    w.defiant.add(2)
    set_(w, profile(16))
    w.switch_phases() if w.limits[1][2] == 3 else None
    w.after(61)
    assert w.limits[1][0] == 0
    w.defiant.clear()
    w.after(61).switch_phases().after(61)
    assert (w.limits[1], w.limits[2][0]) == ((10, float("inf"), 3), 10)


# -- when nobody knows what time it is ---------------------------------------------------------------------------------

NIGHT = Schedule("A", (Period(0, 20.0), Period(3600, 10.0)), starts_at=NOON)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "it",
    [
        at_most(0)._replace(schedule=NIGHT),
        profile(0)._replace(schedule=NIGHT),
        profile(0, 0)._replace(schedule=NIGHT),
        profile(0, kind="Relative")._replace(schedule=NIGHT._replace(starts_at=None)),
        profile(0)._replace(schedule=NIGHT._replace(duration_s=86_400), kind="Recurring", recurrency="Daily"),
    ],
    ids=["station", "EVSE", "each EVSE", "relative", "recurring"],
)
def test_a_station_that_wakes_up_in_1970_allows_the_least_of_what_it_was_told(version: str, it: Profile) -> None:
    w = charging(version)
    w.takes_w[1] = 22_000.0
    set_(w, it)
    w.after(31)
    assert w.limits[1][0] == 20
    w.wall = -w.mono
    told = effects(w)
    w.cut()
    w.after(60)
    assert {effect.limit_a for effect in told if not isinstance(effect, f.OpenPowerPath)} == {10}
    w.online().after(31)
    assert w.limits[1][0] == 20


def test_a_profile_of_another_transaction_limits_nobody_in_1970() -> None:
    w = charging("2.0.1")
    transaction = w.station.evses[1].transaction
    assert transaction
    it = profile(0, purpose="TxProfile", transaction_id=transaction.id)._replace(schedule=NIGHT)
    set_(w, it)
    w.wall = -w.mono
    w.cut()
    assert w.limits[1][0] == 10
    w.plug(2).configure("AuthCtrlr.OfflineTxForUnknownIdEnabled", "true").present("CARD2", 2)
    assert w.limits[2][0] == 32


def test_a_clock_that_lags_after_a_power_cut_allows_the_least_until_the_time_is_known() -> None:
    w = charging("2.0.1")
    set_(w, profile(0, kind="Relative")._replace(schedule=NIGHT._replace(starts_at=None)))
    assert w.limits[1][0] == 20
    w.wall = NOON - 3600
    told = effects(w)
    w.cut()
    w.after(60)
    assert {effect.limit_a for effect in told if not isinstance(effect, f.OpenPowerPath)} == {10}
    w.online()
    assert w.limits[1][0] == 20
