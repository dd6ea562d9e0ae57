"""Which charging profiles are installed (K01, K02, K05, K09, K10; 1.6 §3.13)."""

from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core.charging.profile import Period, Profile, Schedule, packed, unpacked
from chargepointd.core.charging.profiles import (
    MAX_PROFILES,
    ClearChargingProfile,
    GetChargingProfiles,
    SetChargingProfile,
    ShowProfiles,
)
from chargepointd.core.charging.reported import ProfilesPart
from chargepointd.core.context import Step
from chargepointd.core.plan import ConnectorPlan, EvsePlan
from chargepointd.core.values import Token, TokenInfo
from tests.core.world import NOON, PLAN, World

START = NOON
SCHEDULE = Schedule("A", (Period(0, 6),), 3600, START)
DEFAULT = Profile(1, 1, 0, "TxDefaultProfile", "Absolute", SCHEDULE)
MAX = Profile(2, 0, 0, "ChargingStationMaxProfile", "Absolute", SCHEDULE)
TX = Profile(3, 1, 0, "TxProfile", "Relative", SCHEDULE._replace(starts_at=None))
DRIVER = Token("DRIVER", "Central")


@pytest.fixture
def w() -> World:
    return World("2.0.1").online()


def put(w: World, profile: Profile, **more: Any) -> tuple[str, str]:
    reply = w.ask(SetChargingProfile(profile, **more))
    return reply.status, reply.code


def clear(w: World, **criteria: Any) -> str:
    return str(w.ask(ClearChargingProfile(**criteria)).status)


def charging(w: World, evse: int = 1) -> str:
    """The id of the transaction that runs there now."""
    w.plug(evse)
    w.ask(c.RequestStart(DRIVER, evse, 7))
    transaction = w.station.evses[evse].transaction
    assert transaction
    return transaction.id


def installed(w: World) -> list[int]:
    return sorted(profile.id for profile in w.station.profiles.installed)


def of(schedule: Schedule = SCHEDULE, profile: Profile = DEFAULT, **changes: Any) -> Profile:
    return profile._replace(schedule=schedule, **changes)


# -- set ---------------------------------------------------------------------------------------------------------------


def test_what_is_set_survives_a_power_cut_as_it_was(w: World) -> None:
    full = Schedule("W", (Period(0, 6000.5, 3), Period(60, 0, 3)), None, START + 0.25, 1.5, 7)
    weekly = Profile(9, 2, 4, "TxDefaultProfile", "Recurring", full, "Weekly", START, START + 9, custom={"x": [1, "é"]})
    for profile in (DEFAULT, MAX, weekly):
        assert put(w, profile) == ("Accepted", "")
    before = w.station.profiles.installed
    w.cut()
    assert w.station.profiles.installed == before


def test_each_change_writes_one_profile(w: World) -> None:
    put(w, DEFAULT)
    put(w, MAX)
    kept = {name for name in w.disk.state if name.startswith("charging_profile/") and w.disk.state[name]}
    assert kept == {"charging_profile/1", "charging_profile/2"}
    clear(w, id=1)
    assert w.disk.state["charging_profile/1"] is None


@pytest.mark.parametrize(
    ("profile", "code"),
    [
        (of(evse_id=9), "UnknownEvse"),
        (of(evse_id=-1), "UnknownEvse"),
        (of(purpose="ChargingStationExternalConstraints", evse_id=0), "InvalidProfile"),
        (of(profile=MAX, evse_id=1), "InvalidProfile"),
        (of(SCHEDULE._replace(starts_at=None), MAX, kind="Relative"), "InvalidProfile"),
        (of(stack_level=-1), "InvalidStackLevel"),
        (of(stack_level=100), "InvalidStackLevel"),
        (of(valid_from=START, valid_to=START), "InvalidProfile"),
        (of(kind="Recurring"), "InvalidProfile"),
        (of(SCHEDULE._replace(starts_at=None)), "InvalidSchedule"),
        (of(SCHEDULE._replace(starts_at=None), kind="Recurring", recurrency="Daily"), "InvalidSchedule"),
        (of(kind="Relative"), "InvalidSchedule"),
        (of(SCHEDULE._replace(periods=())), "InvalidSchedule"),
        (of(SCHEDULE._replace(periods=(Period(1, 6),))), "InvalidSchedule"),
        (of(SCHEDULE._replace(periods=(Period(0, 6), Period(60, 7), Period(60, 8)))), "InvalidSchedule"),
        (of(SCHEDULE._replace(periods=(Period(0, 6), Period(60, 7), Period(50, 8)))), "InvalidSchedule"),
        (of(SCHEDULE._replace(periods=(Period(0, -1),))), "InvalidSchedule"),
        (of(SCHEDULE._replace(min_rate=-1)), "InvalidSchedule"),
        (of(SCHEDULE._replace(duration_s=0)), "InvalidSchedule"),
        (of(SCHEDULE._replace(periods=tuple(Period(n, 6) for n in range(1025)))), "TooManyElements"),
        (of(SCHEDULE._replace(periods=(Period(0, 6, 1),))), "InvalidSchedule"),
        (of(SCHEDULE._replace(periods=(Period(0, 6, 2),)), evse_id=0), "InvalidSchedule"),
        (of(SCHEDULE._replace(periods=(Period(0, 6, 3, 1),))), "InvalidSchedule"),
        (of(SCHEDULE._replace(periods=(Period(0, 6, 1, 2),))), "InvalidSchedule"),
        (of(custom={"customData": "x" * 150_000}), "TooLargeElement"),
        (of(profile=TX, evse_id=0, transaction_id="t"), "InvalidProfile"),
        (of(TX.schedule, TX, transaction_id="t"), "TxNotFound"),
    ],
)
def test_what_cannot_be_kept_is_refused(w: World, profile: Profile, code: str) -> None:
    assert put(w, profile) == ("Rejected", code)
    assert not installed(w)


def test_periods_after_the_end_and_more_phases_than_there_are_do_no_harm(w: World) -> None:
    periods = (Period(0, 6, 3), Period(3600, 7, 3), Period(7200, 8))
    assert put(w, of(SCHEDULE._replace(periods=periods)))[0] == "Accepted"
    single = World("2.0.1", plan=PLAN._replace(evses=(EvsePlan(1, (ConnectorPlan(1),), phases=1), PLAN.evses[1])))
    single.online()
    assert put(single, of(SCHEDULE._replace(periods=(Period(0, 6, 3), Period(9, 7, 1, 1)))))[0] == "Accepted"
    assert put(single, of(SCHEDULE._replace(periods=(Period(0, 6, 1, 2),))))[1] == "InvalidSchedule"


def test_one_phase_where_phases_can_be_switched() -> None:
    plan = EvsePlan(1, (ConnectorPlan(1),), switches_phases=True)
    w = World("2.0.1", plan=PLAN._replace(evses=(plan, PLAN.evses[1]))).online()
    assert (
        put(w, of(SCHEDULE._replace(periods=(Period(0, 6, 1), Period(9, 6, 1, 1), Period(20, 6, 3)))))[0] == "Accepted"
    )
    assert put(w, of(SCHEDULE._replace(periods=(Period(0, 6, 1, 2),))))[1] == "InvalidSchedule"
    assert put(w, of(SCHEDULE._replace(periods=(Period(0, 6, 2),))))[1] == "InvalidSchedule"
    assert put(w, of(SCHEDULE._replace(periods=(Period(0, 6, 1),)), evse_id=0))[1] == "InvalidSchedule"


def test_phases_mean_nothing_on_dc() -> None:
    dc = EvsePlan(1, (ConnectorPlan(1),), "DC", 0, 1000, 500, 400_000)
    w = World("2.0.1", plan=PLAN._replace(evses=(dc, dc._replace(id=2)))).online()
    assert put(w, of(SCHEDULE._replace(periods=(Period(0, 6, 1, 3),))))[0] == "Accepted"


def test_only_the_units_of_the_station_are_taken() -> None:
    w = World("2.0.1", {"SmartChargingCtrlr.RateUnit": "W"}).online()
    assert put(w, DEFAULT) == ("Rejected", "UnsupportedRateUnit")
    assert put(w, of(SCHEDULE._replace(unit="W"))) == ("Accepted", "")


def test_there_is_one_schedule(w: World) -> None:
    assert put(w, DEFAULT, schedules=2) == ("Rejected", "InvalidSchedule")


def test_the_same_id_replaces(w: World) -> None:
    put(w, DEFAULT)
    put(w, of(SCHEDULE._replace(periods=(Period(0, 10),)), evse_id=2))
    assert [p.evse_id for p in w.station.profiles.installed] == [2]
    assert w.station.profiles.revision == 2


def test_an_external_constraint_is_not_replaced_or_cleared(w: World) -> None:
    external = of(profile=MAX, id=1, purpose="ChargingStationExternalConstraints", source="SO")
    w.station.profiles.install(external, Step(0.0, START))
    assert put(w, DEFAULT) == ("Rejected", "DuplicateProfile")
    assert clear(w, id=1) == clear(w) == "Unknown"
    assert w.station.profiles.installed == (external,)


def test_two_of_a_level_are_duplicates_unless_their_validity_differs(w: World) -> None:
    put(w, of(valid_to=START + 100))
    assert put(w, of(id=5, valid_from=START + 99)) == ("Rejected", "DuplicateProfile")
    assert put(w, of(id=5, valid_from=START + 100)) == ("Accepted", "")
    assert put(w, of(id=6, evse_id=2)) == ("Accepted", "")
    assert put(w, of(id=7, stack_level=1)) == ("Accepted", "")


def test_a_default_for_all_and_one_for_an_evse_have_different_levels(w: World) -> None:
    put(w, DEFAULT)
    assert put(w, of(id=5, evse_id=0)) == ("Rejected", "DuplicateProfile")
    assert put(w, of(id=5, evse_id=0, stack_level=1)) == ("Accepted", "")
    assert put(w, of(id=6, evse_id=2, stack_level=1)) == ("Rejected", "DuplicateProfile")


def test_in_1_6_one_of_the_same_level_replaces() -> None:
    w = World("1.6").online()
    put(w, DEFAULT)
    assert put(w, of(id=5)) == ("Accepted", "")
    assert put(w, of(id=6, evse_id=0)) == ("Accepted", "")
    assert installed(w) == [5, 6]


def test_there_is_room_for_so_many(w: World) -> None:
    for n in range(MAX_PROFILES):
        assert put(w, of(id=n, stack_level=n % 100, evse_id=1 + n // 100))[0] == "Accepted"
    assert put(w, of(id=900, evse_id=2)) == ("Rejected", "OutOfStorage")
    assert put(w, of(id=5, stack_level=5))[0] == "Accepted"


def test_switched_off_they_are_kept_and_not_in_force(w: World) -> None:
    put(w, DEFAULT)
    before = w.station.profiles.revision
    w.set("SmartChargingCtrlr.Enabled", "false")
    assert put(w, MAX) == ("NotSupported", "")
    assert (installed(w), w.station.profiles.revision) == ([], before + 1)
    w.cut()
    w.online().set("SmartChargingCtrlr.Enabled", "true")
    assert installed(w) == [1]


# -- of a transaction --------------------------------------------------------------------------------------------------


def test_one_for_a_transaction_names_the_one_that_runs(w: World) -> None:
    transaction = charging(w)
    assert put(w, TX) == ("Rejected", "MissingParam")
    assert put(w, TX._replace(transaction_id="other")) == ("Rejected", "TxNotFound")
    assert put(w, TX._replace(transaction_id=transaction, evse_id=2)) == ("Rejected", "TxNotFound")
    assert put(w, TX._replace(transaction_id=transaction)) == ("Accepted", "")
    assert put(w, TX._replace(transaction_id=transaction, id=8)) == ("Rejected", "DuplicateProfile")


def test_one_for_a_transaction_goes_with_it(w: World) -> None:
    put(w, DEFAULT)
    put(w, TX._replace(transaction_id=charging(w)))
    w.cut()
    assert installed(w) == [1, 3]
    w.online().ask_stop(1)
    assert installed(w) == [1]


def test_one_whose_transaction_ended_in_a_power_cut_goes_at_power_up(w: World) -> None:
    put(w, TX._replace(transaction_id=charging(w)))
    w.disk.sessions[1] = None
    w.cut()
    assert not installed(w)


def test_in_1_6_the_number_of_the_transaction_is_the_csms_s() -> None:
    w = World("1.6").online()
    assert put(w, TX, of_running=True) == ("Rejected", "TxNotFound")
    transaction = charging(w)
    assert put(w, TX, reference=99) == ("Rejected", "TxNotFound")
    assert put(w, TX, reference=1) == ("Accepted", "")
    assert w.station.profiles.installed[0].transaction_id == transaction
    assert put(w, TX, of_running=True) == ("Accepted", "")
    assert w.station.profiles.installed[0].transaction_id == transaction


def test_in_1_6_a_schedule_may_begin_with_charging() -> None:
    w = World("1.6").online()
    assert put(w, of(SCHEDULE._replace(starts_at=None, periods=(Period(0, 6, 1),)))) == ("Accepted", "")
    assert put(w, of(SCHEDULE._replace(starts_at=None), MAX)) == ("Accepted", "")
    assert put(w, of(kind="Relative", id=4, evse_id=2)) == ("Accepted", "")
    default, whole, relative = w.station.profiles.installed
    assert (default.kind, default.schedule.starts_at) == ("Relative", None)
    assert (whole.kind, whole.schedule.starts_at) == ("Absolute", pytest.approx(w.utc, abs=1))
    assert (relative.kind, relative.schedule.starts_at) == ("Relative", None)


# -- clear -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("criteria", "left"),
    [
        ({"id": 2}, [1, 3, 4]),
        ({"evse_id": 1}, [2, 4]),
        ({"purpose": "TxDefaultProfile"}, [2]),
        ({"stack_level": 5}, [1, 2, 4]),
        ({"evse_id": 1, "stack_level": 0}, [2, 3, 4]),
        ({"purpose": "TxDefaultProfile", "stack_level": 0}, [2, 3]),
        ({}, []),
    ],
)
def test_clear_by_every_criterion(w: World, criteria: dict[str, Any], left: list[int]) -> None:
    for profile in (DEFAULT, MAX, of(id=3, stack_level=5), of(id=4, evse_id=2)):
        assert put(w, profile)[0] == "Accepted"
    assert clear(w, **criteria) == "Accepted"
    assert installed(w) == left
    w.cut()
    assert installed(w) == left


def test_clear_what_there_is_not(w: World) -> None:
    put(w, DEFAULT)
    for criteria in ({"id": 2}, {"evse_id": 2}, {"purpose": "TxDefaultProfile", "stack_level": 1}):
        assert clear(w, **criteria) == "Unknown"


# -- reports -----------------------------------------------------------------------------------------------------------


def report(w: World, **criteria: Any) -> list[int]:
    before = len(w.told(ProfilesPart))
    reply = w.ask(GetChargingProfiles(44, **criteria))
    parts = w.told(ProfilesPart)[before:]
    assert reply.status == ("Accepted" if parts else "NoProfiles")
    assert [part.more for part in parts] == [True] * (len(parts) - 1) + [False] * bool(parts)
    for part in parts:
        assert part.request_id == 44
        assert {(p.evse_id, p.source) for p in part.profiles} == {(part.evse_id, part.source)}
    return [profile.id for part in parts for profile in part.profiles]


@pytest.mark.parametrize(
    ("criteria", "told"),
    [
        ({}, [2, 1, 3]),
        ({"evse_id": 0}, [2]),
        ({"evse_id": 1}, [1, 3]),
        ({"evse_id": 2}, []),
        ({"ids": (1, 2, 9)}, [2, 1]),
        ({"purpose": "TxDefaultProfile", "evse_id": 1, "stack_level": 5}, [3]),
        ({"sources": ("CSO", "EMS")}, [2, 1, 3]),
        ({"sources": ("EMS",)}, []),
    ],
)
def test_report_those_that_are_asked_for(w: World, criteria: dict[str, Any], told: list[int]) -> None:
    for profile in (DEFAULT, MAX, of(id=3, stack_level=5)):
        put(w, profile)
    assert report(w, **criteria) == told


def test_a_message_of_a_report_is_of_a_bounded_size(w: World) -> None:
    many = tuple(Period(n, 6) for n in range(200))
    for n in range(4):
        put(w, of(SCHEDULE._replace(periods=many), id=n, stack_level=n))
    for n in range(4, 7):
        put(w, of(id=n, stack_level=n, custom={"customData": "x" * 7_000}))
    assert report(w) == [0, 1, 2, 3, 4, 5, 6]
    assert [len(part.profiles) for part in w.told(ProfilesPart)] == [1, 1, 1, 1, 2, 1]


# -- remote start ------------------------------------------------------------------------------------------------------

OFFERED = TX._replace(evse_id=0)
"""with a remote start, which says where"""


def start(w: World, profile: Profile = OFFERED, **more: Any) -> Any:
    return w.ask(c.RequestStart(DRIVER, 1, 5, profile=profile, **more))


def test_a_profile_comes_with_a_remote_start(w: World) -> None:
    assert start(w).status == "Accepted"
    waiting = w.station.profiles.installed
    coming = w.station.evses[1].profiled_as
    assert [(p.id, p.evse_id, p.transaction_id) for p in waiting] == [(3, 1, coming)]
    assert (coming is None, w.station.evses[2].profiled_as) == (False, None)
    w.cut()
    assert w.station.profiles.installed == waiting
    w.online().plug(1)
    transaction = w.station.evses[1].transaction
    assert transaction
    assert [(p.id, p.transaction_id) for p in w.station.profiles.installed] == [(3, transaction.id)]
    w.cut()
    assert [p.transaction_id for p in w.station.profiles.installed] == [transaction.id]
    w.unplug(1)
    assert not installed(w)
    assert not any(w.disk.state[name] for name in w.disk.state if "_profile/" in name)


@pytest.mark.parametrize(
    ("profile", "more", "code"),
    [
        (of(evse_id=0), {}, "InvalidProfile"),
        (OFFERED._replace(transaction_id="t"), {}, "InvalidProfile"),
        (OFFERED._replace(schedule=SCHEDULE), {}, "InvalidSchedule"),
        (OFFERED, {"schedules": 2}, "InvalidSchedule"),
    ],
)
def test_a_start_with_a_wrong_profile_is_rejected(w: World, profile: Profile, more: Any, code: str) -> None:
    w.plug(1)
    reply = start(w, profile, **more)
    assert (reply.status, reply.code) == ("Rejected", code)
    assert not w.records
    assert not installed(w)


def test_it_is_dropped_when_nobody_plugs_in(w: World) -> None:
    put(w, of(id=3))
    start(w)
    w.after(61)
    assert [p.purpose for p in w.station.profiles.installed] == ["TxDefaultProfile"]


def test_it_is_dropped_when_the_token_is_refused() -> None:
    w = World("2.0.1", {"AuthCtrlr.AuthorizeRemoteStart": "true"}).online()
    w.slow = True
    w.infos["BAD"] = TokenInfo("Blocked")
    w.ask(c.RequestStart(Token("BAD"), 1, 5, profile=OFFERED))
    assert installed(w) == [3]
    w.answer()
    assert not installed(w)


def overtaken() -> World:
    """The CSMS is still being asked who has a profile when another driver starts, who has none."""
    w = World("2.0.1", {"AuthCtrlr.AuthorizeRemoteStart": "true"}).online()
    w.slow = True
    w.ask(c.RequestStart(Token("SLOW"), 1, 5, profile=OFFERED))
    w.ask(c.RequestStart(DRIVER, 1, 6))
    w.plug(1)
    return w


def test_it_is_not_for_somebody_else_s_transaction() -> None:
    w = overtaken()
    w.answer()
    assert w.station.evses[1].session.token == DRIVER
    assert not installed(w)


def test_it_holds_though_the_csms_is_asked_about_the_same_token_for_another_evse() -> None:
    w = World("2.0.1", {"AuthCtrlr.AuthorizeRemoteStart": "true"}).online()
    w.plug(1).plug(2)
    w.slow = True
    w.present("CARD", 2)
    w.ask(c.RequestStart(Token("CARD"), 1, 5, profile=OFFERED))
    w.answer()
    assert w.station.evses[2].session.authorized
    w.answer()
    assert w.station.evses[1].running
    assert installed(w) == [3]


def test_it_joins_the_transaction_that_already_runs() -> None:
    w = World("2.0.1", {"TxCtrlr.TxStartPoint": "EVConnected"}).online()
    w.plug(1)
    running = w.records[0].transaction_id
    assert start(w).transaction_id == running
    assert [p.transaction_id for p in w.station.profiles.installed] == [running]


def test_it_is_ignored_where_smart_charging_is_switched_off(w: World) -> None:
    w.set("SmartChargingCtrlr.Enabled", "false")
    assert start(w, of(evse_id=0)).status == "Accepted"
    w.set("SmartChargingCtrlr.Enabled", "true")
    assert not installed(w)


# -- kept --------------------------------------------------------------------------------------------------------------


WRONG_WORD: list[Any] = [*packed(DEFAULT)[:3], "X", *packed(DEFAULT)[4:]]


@pytest.mark.parametrize("damage", [3, [], {}, [1, 2, 3], WRONG_WORD, packed(DEFAULT)[:5]])
def test_a_damaged_one_costs_only_itself(w: World, damage: Any) -> None:
    put(w, DEFAULT)
    put(w, MAX)
    w.disk.state["charging_profile/1"] = damage
    w.cut()
    assert installed(w) == [2]
    assert "charging_profile/1 cannot be read and is left out" in w.notes
    assert w.disk.state["charging_profile/1"] is None


def test_what_is_kept_is_read_as_it_was() -> None:
    full = Schedule("W", (Period(0, 6000.5, 3), Period(60, 0, 1, 2)), None, START + 0.25, 1.5, 7)
    profile = Profile(9, 2, 4, "TxProfile", "Recurring", full, "Weekly", START, START + 9, "t", "EMS", {"x": [1]})
    assert unpacked(packed(profile)) == profile


def test_a_technician_sees_them(w: World) -> None:
    put(w, DEFAULT)
    start(w)
    shown = w.ask(ShowProfiles()).data["profiles"]
    assert [(row["id"], row["evse"], row["purpose"], row.get("awaited")) for row in shown] == [
        (1, 1, "TxDefaultProfile", None),
        (3, 1, "TxProfile", True),
    ]


def test_a_transaction_that_1_6_has_numbered_is_reported_by_its_number() -> None:
    w = World("1.6").online()
    charging(w)
    put(w, TX, reference=1)
    w.switch_to("2.0.1")
    w.ask(GetChargingProfiles(1))
    assert [p.transaction_id for part in w.told(ProfilesPart) for p in part.profiles] == ["1"]
    assert put(w, TX._replace(transaction_id="1", id=3)) == ("Accepted", "")


@pytest.mark.parametrize("point", ["EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"])
def test_it_holds_from_the_first_moment(point: str) -> None:
    """K05.FR.03: nothing is offered that it does not allow."""
    w = World("2.0.1", {"TxCtrlr.TxStartPoint": point}).online()
    offers: list[float] = []
    obey = w._obey
    w._obey = lambda effect: (offers.append(effect.limit_a) if hasattr(effect, "limit_a") else None, obey(effect))[1]  # type: ignore[method-assign]
    start(w)
    w.plug(1)
    assert w.station.evses[1].charging_state(Step(w.mono, w.utc)) == "Charging"
    assert set(offers) == {6.0}
    w.ask_stop(1)
    assert w.station.evses[1].allowed_a == 32


def test_it_does_not_hold_for_somebody_else() -> None:
    w = overtaken()
    assert w.station.evses[1].allowed_a == 32
