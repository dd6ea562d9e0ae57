"""A composite schedule is asked for (K08; 1.6 §5.7)."""

from typing import Any

import pytest

from chargepointd.core.charging.composite import CompositeSchedule
from chargepointd.core.charging.profile import Period, Profile, Schedule
from chargepointd.core.charging.profiles import SetChargingProfile
from chargepointd.core.charging.schedules import LONGEST_S, MAX_PERIODS, MOST_CHANGES, GetCompositeSchedule
from chargepointd.core.commands import Status
from chargepointd.core.effects import Refuse
from chargepointd.core.plan import ConnectorPlan, EvsePlan
from tests.core.world import PLAN, World


@pytest.fixture
def w() -> World:
    return World("2.0.1").online()


def asked(w: World, evse_id: int, duration_s: int = 300, unit: Any = "A") -> Schedule:
    reply = w.ask(GetCompositeSchedule(evse_id, duration_s, unit))
    assert isinstance(reply, CompositeSchedule)
    assert reply.evse_id == evse_id
    return reply.schedule


def install(w: World, *periods: tuple[int, float], evse_id: int = 0, **more: Any) -> None:
    schedule = Schedule("A", tuple(Period(*period) for period in periods), more.pop("duration", None), w.utc // 1)
    given: dict[str, Any] = {"id": 1, "stack_level": 0, "purpose": "TxDefaultProfile", "kind": "Absolute"}
    profile = Profile(evse_id=evse_id, schedule=schedule, **given | more)
    assert w.ask(SetChargingProfile(profile)) == Status("Accepted")


def test_without_profiles_the_outlets_are_told_from_this_second_on(w: World) -> None:
    assert asked(w, 1) == Schedule("A", (Period(0, 32.0, 3),), 300, w.utc // 1)
    assert asked(w, 0) == Schedule("A", (Period(0, 64.0, 3),), 300, w.utc // 1)
    assert asked(w, 0, unit="W").periods == (Period(0, 44_160.0, 3),)


def test_profiles_are_told_for_every_evse_and_the_station(w: World) -> None:
    install(w, (0, 6), (60, 8.57), duration=120)
    w.after(20)
    periods = {evse_id: [(p.start_s, p.limit) for p in asked(w, evse_id).periods] for evse_id in (0, 1, 2)}
    assert periods[1] == periods[2] == [(0, 6), (40, 8.5), (100, 32)]
    assert periods[0] == [(0, 12), (40, 17.1), (100, 64)]


def test_the_transaction_profile_counts_where_its_transaction_runs(w: World) -> None:
    w.plug().present("AAAA1111", 1)
    transaction = w.station.evses[1].transaction
    assert transaction
    install(w, (0, 9), evse_id=1, purpose="TxProfile", transaction_id=transaction.id)
    assert [p.limit for p in asked(w, 1).periods] == [9]
    assert [p.limit for p in asked(w, 2).periods] == [32]


@pytest.mark.parametrize("evse_id", [-1, 3])
def test_there_is_no_schedule_of_an_unknown_evse(w: World, evse_id: int) -> None:
    reply = w.ask(GetCompositeSchedule(evse_id, 300, "A"))
    assert reply == Status("Rejected", f"there is no EVSE {evse_id}", "UnknownEvse")


def test_there_is_no_schedule_in_a_unit_that_is_not_used(w: World) -> None:
    w = World("2.0.1", {"SmartChargingCtrlr.RateUnit": "W"}).online()
    assert w.ask(GetCompositeSchedule(1, 300, "A")) == Status(
        "Rejected", "A is not used here, but W", "UnsupportedRateUnit"
    )
    assert asked(w, 1, unit=None).unit == "W"


def test_a_duration_is_not_negative(w: World) -> None:
    assert w.ask(GetCompositeSchedule(1, -1)).status == "Rejected"
    assert asked(w, 1, 0) == Schedule("A", (Period(0, 32.0, 3),), 0, w.utc // 1)


def test_an_output_of_direct_current_is_told_in_watts_unless_asked_otherwise() -> None:
    direct = EvsePlan(2, (ConnectorPlan(1, "cCCS2", True),), "DC", 0, 1000.0, 500.0, 400_000.0)
    w = World("2.0.1", plan=PLAN._replace(evses=(PLAN.evses[0], direct))).online()
    assert asked(w, 2, unit=None) == Schedule("W", (Period(0, 400_000.0),), 300, w.utc // 1)
    assert asked(w, 2).periods == (Period(0, 400.0),)
    assert asked(w, 0, unit=None).unit == "A"


def test_nobody_is_told_more_than_the_supply_bears() -> None:
    w = World("2.0.1", plan=PLAN._replace(max_current_a=20.0)).online()
    assert asked(w, 1).periods == asked(w, 0).periods == (Period(0, 20.0, 3),)
    direct = EvsePlan(2, (ConnectorPlan(1, "cCCS2", True),), "DC", 0, 1000.0, 500.0, 400_000.0)
    w = World("2.0.1", plan=PLAN._replace(evses=(PLAN.evses[0], direct), max_power_w=69_000.0)).online()
    assert asked(w, 2, unit="W").periods == (Period(0, 69_000.0),)
    w = World("2.0.1", plan=PLAN._replace(evses=(direct._replace(id=1), direct), max_current_a=100.0)).online()
    assert asked(w, 2, unit="W").periods == asked(w, 0, unit="W").periods == (Period(0, 69_000.0),)


def test_what_is_too_long_for_an_answer_is_told_as_far_as_it_goes(w: World) -> None:
    minutes = [(60 * n, float(6 + n % 2)) for n in range(1000)]
    install(w, *minutes, duration=60_000, kind="Recurring", recurrency="Daily")
    told = asked(w, 1, 10 * 86_400)
    assert len(told.periods) == MAX_PERIODS
    assert told.duration_s == 86_400 + 60 * (MAX_PERIODS - 1001)  # 1001 a day: the last is the outlet's
    assert asked(w, 2, 2**31 - 1).duration_s == told.duration_s


def test_nothing_is_told_for_longer_than_a_year(w: World) -> None:
    assert asked(w, 1, 2**31 - 1).duration_s == LONGEST_S


def test_nothing_is_told_while_the_registration_is_pending() -> None:
    from chargepointd.core.messages import BootAnswered

    w = World("2.0.1")
    w.registrations.append(BootAnswered("Pending", w.utc, 60))
    w.online()
    assert isinstance(w.ask(GetCompositeSchedule(1, 300, "A")), Refuse)


def test_what_recurs_all_the_time_is_told_for_a_shorter_time(w: World) -> None:
    """Else one question would be a minute's work on a small board."""
    for level in range(1, 10):
        periods = tuple(Period(n, 100.0 + n + level) for n in range(1024))  # more than the outlet has: all one span
        schedule = Schedule("A", periods, None, 0.0)
        profile = Profile(level, 0, level, "TxDefaultProfile", "Recurring", schedule, "Daily")
        assert w.ask(SetChargingProfile(profile)) == Status("Accepted")
    day_s = 86_400
    assert asked(w, 0, 2 * day_s).duration_s == 2 * day_s
    whole = asked(w, 0, 2**31)
    assert whole.duration_s == int(MOST_CHANGES / (2 * 9 * 1025) * day_s)
    assert len(whole.periods) == 1
