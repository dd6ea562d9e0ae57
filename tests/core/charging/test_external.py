"""Limits from outside: contacts, the meter of the building, an EMS; what the CSMS hears of them."""

from typing import Any

import pytest

from chargepointd.core import events as e
from chargepointd.core.charging.external import ChargingLimit, LimitLocally
from chargepointd.core.charging.profiles import ClearChargingProfile, GetChargingProfiles
from chargepointd.core.charging.reported import ProfilesPart
from chargepointd.core.plan import LimitPlan, SitePlan
from chargepointd.core.values import Measured
from tests.core.charging.test_limits import DC_PLAN
from tests.core.world import PLAN, World

RELAY = PLAN._replace(limits=(LimitPlan(0, "W", 4140.0), LimitPlan(1, "A", 10.0, "EMS", closed=False)))
BUILDING = PLAN._replace(site=SitePlan(50.0, 6.0))


def charging(version: str = "2.0.1", **more: Any) -> World:
    w = World(version, **more)
    if w.plan.limits:  # neither limits
        relay(w, False)
        relay(w, True, 1)
    return w.online().plug().present("CARD1", 1).after(1)


def relay(w: World, closed: bool | None, number: int = 0) -> None:
    w.tell(e.ContactMoved(number, closed))


def limits(w: World) -> list[Any]:
    return w.told(ChargingLimit)


def ask(w: World, *command: Any) -> Any:
    return w.ask(LimitLocally(*command))


# -- contacts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_a_relay_limits_while_it_is_closed(version: str) -> None:
    w = charging(version, plan=RELAY)
    relay(w, False)
    assert w.limits[1][0] == 32
    relay(w, True)
    assert w.limits[1][0] == 6
    relay(w, False)
    assert w.limits[1][0] == 32
    relay(w, True, 1)  # this one limits while it is open
    assert w.limits[1][0] == 32
    relay(w, False, 1)
    assert w.limits[1][0] == 10


def test_a_relay_that_is_lost_limits() -> None:
    w = charging(plan=RELAY)
    relay(w, None)
    assert w.limits[1][0] == 6
    relay(w, False)
    assert w.limits[1][0] == 32


def test_a_relay_holds_over_a_power_cut_until_it_says_otherwise() -> None:
    w = charging(plan=RELAY)
    relay(w, True)
    w.cut()
    relay(w, True, 1)
    w.online().after(5)
    assert w.limits[1][0] == 6
    relay(w, False)
    assert w.limits[1][0] == 32
    assert [told.cleared for told in limits(w)] == [False, True]


def test_a_relay_that_was_never_heard_of_limits() -> None:
    w = World("2.0.1", plan=RELAY).online().plug().present("CARD1", 1)
    assert w.limits[1][0] == 6


def test_what_is_not_configured_any_more_does_not_hold() -> None:
    w = charging(plan=RELAY)
    relay(w, True)
    w.plan = PLAN
    w.cut()
    w.online().after(5)
    assert w.limits[1][0] == 32
    assert limits(w)[-1] == ChargingLimit(0, "SO", cleared=True)


def test_the_csms_is_told_of_limit_rate_and_release() -> None:
    w = charging(plan=RELAY)
    relay(w, True)
    assert limits(w) == [ChargingLimit(0, "SO", cleared=False)]
    assert w.story()[-1] == "Updated ChargingRateChanged Charging"
    relay(w, False)
    assert limits(w)[1:] == [ChargingLimit(0, "SO", cleared=True)]
    assert w.story()[-1] == "Updated ChargingRateChanged Charging"


def test_with_schedules_where_the_csms_wants_them() -> None:
    w = charging(plan=RELAY).set("SmartChargingCtrlr.NotifyChargingLimitWithSchedules", "true")
    relay(w, True)
    (told,) = limits(w)
    assert [(s.unit, s.periods[0].limit) for s in told.schedules] == [("W", 4140)]


def test_a_small_change_of_rate_is_not_told() -> None:
    w = charging(plan=RELAY).set("SmartChargingCtrlr.LimitChangeSignificance", "90")
    relay(w, True)
    assert w.limits[1][0] == 6
    assert len(limits(w)) == 1  # that there is one is told
    assert not any(r.trigger == "ChargingRateChanged" for r in w.records)


def test_a_fault_is_no_change_of_the_limit() -> None:
    w = charging(plan=RELAY)
    relay(w, True)
    changes = len([r for r in w.records if r.trigger == "ChargingRateChanged"])
    w.break_(1)
    assert w.station.evses[1].allowed_a == 6
    w.mend(1).after(1)
    assert w.limits[1][0] == 6
    assert len([r for r in w.records if r.trigger == "ChargingRateChanged"]) == changes


def test_what_happened_offline_is_told_as_it_is_by_then() -> None:
    w = charging(plan=RELAY).offline()
    relay(w, True)
    relay(w, False)
    relay(w, False, 1)
    assert limits(w) == []
    w.online().after(1)
    assert limits(w) == [ChargingLimit(1, "EMS", cleared=False)]


def test_who_changes_to_a_version_with_words_for_it_hears_of_it() -> None:
    w = charging("1.6", plan=RELAY)
    relay(w, True)
    before = len(limits(w))
    w.switch_to("2.0.1").after(1)
    assert limits(w)[before:] == [ChargingLimit(0, "SO", cleared=False)]


def test_a_csms_that_refuses_is_not_told_again() -> None:
    w = charging(plan=RELAY)
    answer = w._answer
    w._answer = lambda call, said: (  # type: ignore[method-assign]
        e.CallRefused(call.message_id, "NotSupported", "") if type(said) is ChargingLimit else answer(call, said)
    )
    receive = w._receive

    def refusing(call: Any) -> None:
        receive(call)
        if type(call.message) is ChargingLimit:
            w._queue.pop()
            w._queue.append(e.CallRefused(call.message_id, "NotSupported", "no"))

    w._receive = refusing  # type: ignore[method-assign]
    relay(w, True)
    w.after(600)
    assert len(limits(w)) == 1


def test_the_csms_sees_it_and_cannot_clear_it() -> None:
    w = charging(plan=RELAY)
    relay(w, True)
    purpose = "ChargingStationExternalConstraints"
    assert w.ask(ClearChargingProfile(purpose=purpose)).status == "Unknown"
    assert w.ask(GetChargingProfiles(7, purpose=purpose)).status == "Accepted"
    (part,) = w.told(ProfilesPart)
    assert (part.source, part.profiles[0].evse_id) == ("SO", 0)


# -- an EMS on the gateway ---------------------------------------------------------------------------------------------


def test_an_ems_sets_and_clears() -> None:
    w = charging()
    assert ask(w, "set", 1, "A", 16.0).status == "Accepted"
    assert w.limits[1][0] == 16
    ask(w, "set", 0, "A", 10.0)
    assert w.limits[1][0] == 10
    assert [row["limit"] for row in ask(w, "show").data["limits"]] == [16, 10]
    assert ask(w, "clear", 0).status == "Accepted"
    assert w.limits[1][0] == 16
    assert ask(w, "clear", 0).status == "Rejected"
    assert ask(w, "set", 9, "A", 10.0).status == "Rejected"


def test_a_limit_for_a_time_is_over_by_itself_after_a_power_cut_too() -> None:
    w = charging()
    ask(w, "set", 1, "A", 16.0, 3600)
    w.after(1800).cut()
    w.online().after(1700)
    assert w.limits[1][0] == 16
    w.after(200)
    assert w.limits[1][0] == 32
    assert [told.cleared for told in limits(w)] == [False, True]


@pytest.mark.parametrize("change", [-7300.0, 1800.0, 7300.0])
def test_a_clock_that_is_put_right_neither_lifts_a_limit_nor_makes_it_last_for_ever(change: float) -> None:
    w = charging()
    w.takes_w[1] = 22_000.0
    ask(w, "set", 1, "A", 16.0, 3600)
    ask(w, "set", 0, "A", 20.0)
    w.wrong_s = change
    w.after(310)  # a heartbeat
    assert w.limits[1][0] == 16, "an hour is an hour"
    w.wrong_s = 0.0
    w.after(12_000)
    assert w.limits[1][0] == 20


def test_an_hour_is_an_hour_though_the_time_is_not_known_when_it_begins() -> None:
    w = World("2.0.1", wall=0.0)
    w.tell(e.ControlAsked(1, LimitLocally("set", 1, "A", 16.0, 3600)))
    w.online().plug().present("CARD1", 1).after(3000)
    assert w.limits[1][0] == 16
    w.after(700)
    assert w.limits[1][0] == 32


def test_amperes_of_the_supply_are_watts_where_all_outlets_are_dc() -> None:
    w = World("2.0.1", plan=DC_PLAN).online().plug().present("CARD1", 1)
    ask(w, "set", 0, "A", 100.0)
    assert w.limits[1] == (500, 69_000, 0)


def test_nothing_is_allowed_by_an_ems_that_others_forbid() -> None:
    w = charging(plan=RELAY)
    relay(w, True)
    ask(w, "set", 0, "A", 30.0)
    assert w.limits[1][0] == 6


# -- the meter of the building -----------------------------------------------------------------------------------------


def site(w: World, building_a: float, phases: int = 3) -> None:
    """Its meter sees the cars too."""
    station_a = sum(w._draws_w(evse) for evse in (1, 2)) / 690
    for evse in (1, 2):
        w.read(evse)
    drawn = [building_a + station_a if n < phases else station_a for n in range(3)]
    w.tell(e.SiteRead(Measured(w.mono + 0.001, current_a=(drawn[0], drawn[1], drawn[2]))))


def seconds(w: World, n: int, building_a: float) -> None:
    for _ in range(n):
        w.after(1)
        site(w, building_a)


def test_the_station_takes_what_the_building_leaves() -> None:
    w = World("2.0.1", plan=BUILDING).online()
    w.takes_w[1] = 22_000.0
    w.plug()
    seconds(w, 3, 20)
    w.present("CARD1", 1)
    seconds(w, 5, 20)
    assert w.limits[1][0] == 30
    seconds(w, 2, 35)
    assert w.limits[1][0] == 15  # at the second look
    seconds(w, 20, 5)
    assert w.limits[1][0] == 15  # not at once
    seconds(w, 15, 5)
    assert w.limits[1][0] == 32
    seconds(w, 3, 47)
    assert w.limits[1][0] == 0
    assert w.story()[-1].endswith("SuspendedEVSE")


def test_one_phase_of_the_building_is_enough_to_bound() -> None:
    w = World("2.0.1", plan=BUILDING).online().plug()
    for _ in range(3):
        w.after(1)
        site(w, 40, phases=1)
    w.present("CARD1", 1)
    assert w.limits[1][0] == 10


@pytest.mark.parametrize("how", ["silent", "lost", "never heard of"])
def test_a_meter_that_does_not_tell_leaves_the_safe_limit(how: str) -> None:
    w = World("2.0.1", plan=BUILDING).online().plug()
    if how != "never heard of":
        seconds(w, 3, 20)
    w.present("CARD1", 1)
    if how == "silent":
        assert w.limits[1][0] == 30
        w.after(5.1)
    elif how == "lost":
        w.tell(e.SiteRead(None))
    assert w.limits[1][0] == 6
    seconds(w, 1, 20)
    assert w.limits[1][0] > 6


def test_what_the_meter_says_is_not_written_down() -> None:
    w = World("2.0.1", plan=BUILDING).online().plug().present("CARD1", 1)
    seconds(w, 3, 20)
    assert not [name for name in w.disk.state if name.startswith("charging_profile")]
