"""Reservations: who may begin where, what is kept free, and how each ends (H01 to H04; 1.6 §5.13)."""

from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core.customer import CustomerData, GiveCustomerInformation
from chargepointd.core.plan import ConnectorPlan, EvsePlan, StationPlan
from chargepointd.core.reservation import (
    MOST,
    CancelReservation,
    ReservationEnded,
    ReserveNow,
    matched,
)
from chargepointd.core.values import Token, TokenInfo
from chargepointd.daemon.assembly import Start, assembled
from tests.core.world import NOON, PLAN, World

MINE, OTHER = "MINE0001", "OTHER002"
TYPED = PLAN._replace(
    evses=(
        EvsePlan(1, (ConnectorPlan(1, "cCCS2", fixed_cable=True), ConnectorPlan(2, "cG105", fixed_cable=True))),
        EvsePlan(2, (ConnectorPlan(1, "cCCS2", fixed_cable=True),)),
    )
)
"""EVSE 1 with two connectors, of which one can be used at a time"""


def station(version: str = "2.0.1", variables: dict[str, str] | None = None, plan: StationPlan = PLAN) -> World:
    return World(version, variables, plan=plan).online()


def reserve(w: World, id_: int = 1, token: str = MINE, *, lasts_s: float = 600.0, **more: Any) -> str:
    """The status that is answered; of any EVSE, unless `evse_id` says which."""
    return str(w.ask(ReserveNow(id_, w.utc + lasts_s, Token(token), **more)).status)


def reserved(w: World, evse: int = 1, token: str = MINE, **more: Any) -> World:
    assert reserve(w, evse, token, evse_id=evse, **more) == "Accepted"
    return w


def at(w: World, *evses: int) -> list[str]:
    """The status of connector 1 of each EVSE, as the CSMS was told."""
    return [w.statuses[(evse, 1)] for evse in evses or (1, 2)]


def ended(w: World) -> list[tuple[int, str]]:
    return [(end.id, end.status) for end in w.told(ReservationEnded)]


def owner(w: World, evse: int = 1) -> str | None:
    session = w.station.evses[evse].session
    return session.token.value if session.token and session.authorized else None


# -- an EVSE by name ---------------------------------------------------------------------------------------------------


def test_a_reserved_evse_is_for_its_driver_alone(version: str) -> None:
    w = reserved(station(version))
    assert at(w) == ["Reserved", "Available"]
    w.present(OTHER, 1)
    assert owner(w) is None
    w.present(MINE, 1)
    assert owner(w) == MINE
    w.plug()
    assert w.on[1]


def test_the_transaction_says_which_reservation_it_has_used(version: str) -> None:
    w = reserved(station(version))
    w.present(MINE, 1).plug().after(10).present(MINE, 1)
    assert [r.reservation_id for r in w.records if r.token] == [1, None]
    assert w.records[0].kind == "Started"
    w.unplug().plug().present(MINE, 1)
    assert w.records[-1].reservation_id is None, "it was used once"


def test_where_the_cable_begins_the_transaction_the_record_with_the_token_says_it() -> None:
    w = reserved(station("2.0.1", {"TxCtrlr.TxStartPoint": "EVConnected"})).plug()
    assert [r.reservation_id for r in w.records] == [None]
    w.present(MINE, 1)
    assert [r.reservation_id for r in w.records if r.token] == [1]


def test_the_driver_is_there_but_has_not_plugged_in() -> None:
    w = reserved(station()).present(MINE, 1)
    assert at(w, 1) == ["Available"], "H03.FR.10"
    assert w.station.reservations.show() == []
    w.after(61).present(OTHER, 1).plug()
    assert owner(w) == OTHER, "who does not come in time has lost it"


def test_in_1_6_it_is_preparing_then() -> None:
    assert at(reserved(station("1.6")).present(MINE, 1), 1) == ["Preparing"]


def test_a_strangers_cable_leaves_it_reserved(version: str) -> None:
    w = reserved(station(version)).plug()
    assert at(w, 1) == ["Reserved"]
    w.present(OTHER, 1)
    assert owner(w) is None
    w.present(MINE, 1)
    assert owner(w) == MINE, "it may have been his"
    assert at(w, 1) != ["Reserved"]


def test_a_strangers_transaction_leaves_it_reserved() -> None:
    w = reserved(station("2.0.1", {"TxCtrlr.TxStartPoint": "EVConnected"})).plug()
    assert at(w, 1) == ["Reserved"]


def test_the_remote_start_of_another_is_rejected(version: str) -> None:
    w = reserved(station(version))
    assert w.ask(c.RequestStart(Token(OTHER), 1, 5)).status == "Rejected"
    assert w.ask(c.RequestStart(Token(MINE), 1, 5)).status == "Accepted"
    w.plug()
    assert [r.reservation_id for r in w.records if r.kind == "Started"] == [1]


def test_a_remote_start_anywhere_takes_what_is_reserved_for_it(version: str) -> None:
    w = reserved(station(version), 2)
    assert w.ask(c.RequestStart(Token(MINE), 0, 5)).status == "Accepted"
    assert owner(w, 2) == MINE
    w = reserved(station(version), 1)
    assert w.ask(c.RequestStart(Token(OTHER), 0, 5)).status == "Accepted"
    assert owner(w, 2) == OTHER


def test_at_a_shared_reader_the_driver_gets_the_reserved_evse(version: str) -> None:
    w = reserved(station(version), 2).plug(1).present(MINE)
    assert owner(w, 2) == MINE, "whoever plugged in at the other"
    w.plug(2)
    assert w.on == {1: False, 2: True}


def test_at_a_shared_reader_a_stranger_gets_another(version: str) -> None:
    w = reserved(station(version), 1).present(OTHER)
    assert owner(w, 2) == OTHER


def test_nothing_but_the_card_starts_it(version: str) -> None:
    w = reserved(station(version)).plug().push(1)
    assert owner(w) is None
    w.configure("AuthCtrlr.Enabled", "false").after(1)
    assert owner(w) is None
    w.plug(2)
    assert w.on == {1: False, 2: True}


def test_a_car_that_says_who_it_is_may_have_reserved() -> None:
    plan = PLAN._replace(token_kinds=(*PLAN.token_kinds, "MacAddress"))
    w = station("2.0.1", {"AuthCtrlr.AutochargeEnabled": "true"}, plan)
    w.ask(ReserveNow(1, w.utc + 60, Token("02000000CAFE", "MacAddress"), None, 1))
    w.plug().identify(1, "02000000BEEF")
    assert owner(w) is None
    w.identify(1, "02000000CAFE")
    assert owner(w) == "02000000CAFE"


def test_the_number_of_a_car_is_not_that_of_a_card() -> None:
    w = reserved(station(), 1, "1234")
    w.tell(e.TokenPresented(Token("1234", "KeyCode"), (1,)))
    assert owner(w) is None


def test_a_master_pass_uses_nothing() -> None:
    w = station("2.0.1", {"AuthCtrlr.MasterPassGroupId": "MASTERS"})
    w.infos[MINE] = TokenInfo("Accepted", group="MASTERS")
    reserved(w).present(MINE, 1)
    assert at(w, 1) == ["Reserved"]


def test_a_card_that_the_csms_refuses_uses_nothing() -> None:
    w = reserved(station())
    w.infos[MINE] = TokenInfo("Blocked")
    w.present(MINE, 1)
    assert at(w, 1) == ["Reserved"]


def test_offline_the_driver_comes_in_as_ever() -> None:
    w = reserved(station("2.0.1", {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"})).offline()
    assert owner(w.present(OTHER, 1)) is None
    assert owner(w.present(MINE, 1)) == MINE


# -- groups ------------------------------------------------------------------------------------------------------------


def test_whoever_is_of_the_group_may_come(version: str) -> None:
    w = reserved(station(version), group="Fleet")
    w.infos["MATE0003"] = TokenInfo("Accepted", group="FLEET")
    w.infos[OTHER] = TokenInfo("Accepted", group="others")
    assert owner(w.present(OTHER, 1)) is None
    assert owner(w.present("MATE0003", 1)) == "MATE0003"
    w.plug()
    assert w.records[0].reservation_id == 1


def test_a_remote_start_is_told_of_the_group_or_the_station_remembers_it() -> None:
    w = reserved(station(), group="Fleet")
    assert w.ask(c.RequestStart(Token("MATE0003"), 1, 5)).status == "Rejected"
    assert w.ask(c.RequestStart(Token("MATE0003"), 1, 5, Token("fleet"))).status == "Accepted"
    w = station()
    w.infos["MATE0003"] = TokenInfo("Accepted", group="FLEET")
    w.present("MATE0003", 2).present("MATE0003", 2).after(1)
    assert reserved(w, group="Fleet").ask(c.RequestStart(Token("MATE0003"), 1, 5)).status == "Accepted"
    assert owner(w) == "MATE0003"


def test_a_remote_start_that_is_checked_is_of_the_group_that_the_csms_says() -> None:
    w = station("2.0.1", {"AuthCtrlr.AuthorizeRemoteStart": "true"})
    w.infos["MATE0003"] = TokenInfo("Accepted", group="FLEET")
    reserved(w, group="Fleet")
    assert w.ask(c.RequestStart(Token("MATE0003"), 1, 5, Token("Fleet"))).status == "Accepted"
    assert owner(w) == "MATE0003"
    assert w.station.reservations.show() == []


def test_a_mate_who_charges_is_not_stopped_by_who_comes_to_the_reserved_evse(version: str) -> None:
    w = station(version)
    for token in (MINE, "MATE0003"):
        w.infos[token] = TokenInfo("Accepted", group="Fleet")
    w.plug(1).present("MATE0003", 1)
    reserved(w, 2, group="Fleet").present(MINE)
    assert (owner(w, 1), owner(w, 2)) == ("MATE0003", MINE)


def test_where_none_is_free_for_him_he_stops_his_mate(version: str) -> None:
    w = station(version)
    for token in (MINE, "MATE0003"):
        w.infos[token] = TokenInfo("Accepted", group="Fleet")
    w.plug(1).present("MATE0003", 1)
    assert reserve(w, 2, group="Fleet") == "Accepted"
    w.present(MINE, 1)
    assert owner(w, 1) is None
    assert at(w, 2) == ["Reserved"]


# -- what is answered --------------------------------------------------------------------------------------------------


def test_an_evse_that_is_taken_is_occupied(version: str) -> None:
    w = reserved(station(version))
    assert reserve(w, 2, OTHER, evse_id=1) == "Occupied", "reserved"
    w.plug(2)
    assert reserve(w, 2, OTHER, evse_id=2) == "Occupied", "a cable"
    w.present(OTHER, 2)
    assert reserve(w, 2, OTHER, evse_id=2) == "Occupied", "a transaction"


def test_an_evse_at_which_somebody_is_awaited_is_occupied() -> None:
    assert reserve(station().present(OTHER, 1), evse_id=1) == "Occupied"


def test_broken_and_out_of_service(version: str) -> None:
    w = station(version).break_(1)
    w.ask(c.ChangeAvailability(False, 2))
    assert reserve(w, evse_id=1) == "Faulted"
    assert reserve(w, evse_id=2) == "Unavailable"
    assert reserve(w) == "Unavailable"
    w.ask(c.ChangeAvailability(True, 2))
    w.break_(2)
    assert reserve(w) == "Faulted"
    w.mend(2).plug(2)
    assert reserve(w) == "Occupied"


@pytest.mark.parametrize(
    "command",
    [
        ReserveNow(1, NOON + 1000.0, Token(MINE), None, 1),
        ReserveNow(1, NOON + 5000.0, Token(MINE), None, 3),
        ReserveNow(1, NOON + 5000.0, Token(MINE), None, -1, -1),
        ReserveNow(1, NOON + 5000.0, Token(MINE), None, 1, 2),
        ReserveNow(1, NOON + 5000.0, Token(MINE), None, 0, 0, "cGBT-DC"),
        ReserveNow(1, NOON + 5000.0, Token("", "NoAuthorization"), None, 1),
    ],
)
def test_what_cannot_be_reserved_is_rejected(version: str, command: ReserveNow) -> None:
    w = station(version)
    assert w.ask(command).status == "Rejected"
    assert "Reserved" not in at(w)


def test_reservations_can_be_switched_off(version: str) -> None:
    w = station(version, {"ReservationCtrlr.Enabled": "false"})
    assert reserve(w, evse_id=1) == "Rejected"
    w.set("ReservationCtrlr.Enabled", "true")
    assert reserve(w, evse_id=1) == "Accepted"


def test_without_that_ability_an_evse_has_to_be_named(version: str) -> None:
    w = station(version, {"ReservationCtrlr.NonEvseSpecific": "false"})
    assert reserve(w) == "Rejected"
    assert reserve(w, connector_type="sType2") == "Rejected"
    assert reserve(w, evse_id=1) == "Accepted"


def test_the_same_id_replaces(version: str) -> None:
    w = reserved(station(version))
    assert reserve(w, 1, OTHER, evse_id=1) == "Accepted"
    assert owner(w.present(MINE, 1)) is None
    assert owner(w.present(OTHER, 1)) == OTHER
    assert ended(w) == []


def test_the_same_id_moves_to_another_evse() -> None:
    w = reserved(station())
    assert reserve(w, 1, evse_id=2) == "Accepted"
    assert at(w) == ["Available", "Reserved"]


def test_what_cannot_be_replaced_stays() -> None:
    w = reserved(reserved(station()), 2, OTHER)
    assert reserve(w, 1, evse_id=2) == "Occupied"
    assert at(w) == ["Reserved", "Reserved"]
    assert owner(w.present(MINE, 1)) == MINE


def test_it_can_be_replaced_under_a_strangers_cable() -> None:
    w = reserved(station()).plug()
    assert reserve(w, 1, OTHER, evse_id=1) == "Accepted"
    assert at(w, 1) == ["Reserved"]


def test_there_are_so_many_at_most() -> None:
    plan = PLAN._replace(evses=tuple(EvsePlan(n, (ConnectorPlan(1),)) for n in range(1, MOST + 3)))
    w = World("2.0.1", plan=plan).online()
    assert [reserve(w, n, evse_id=n) for n in range(1, MOST + 2)] == ["Accepted"] * MOST + ["Rejected"]
    assert reserve(w, MOST, OTHER, evse_id=MOST) == "Accepted", "in the place of another"


# -- cancelled ---------------------------------------------------------------------------------------------------------


def test_cancelled(version: str) -> None:
    w = reserved(station(version))
    assert w.ask(CancelReservation(2)).status == "Rejected"
    assert at(w, 1) == ["Reserved"]
    assert w.ask(CancelReservation(1)).status == "Accepted"
    assert at(w, 1) == ["Available"]
    assert w.ask(CancelReservation(1)).status == "Rejected"
    w.present(OTHER, 1).plug()
    assert [r.reservation_id for r in w.records if r.kind == "Started"] == [None]
    assert ended(w) == []


# -- expired -----------------------------------------------------------------------------------------------------------


def test_expired(version: str) -> None:
    w = reserved(station(version), lasts_s=20).after(19)
    assert at(w, 1) == ["Reserved"]
    w.after(2)
    assert at(w, 1) == ["Available"]
    assert ended(w) == [(1, "Expired")], "whether a dialect has a word for it is not asked here"
    assert owner(w.present(OTHER, 1)) == OTHER


def test_expired_while_the_power_was_off() -> None:
    w = reserved(station(), lasts_s=20)
    w.mono += 30
    w.cut()
    assert ended(w) == []
    w.online()
    assert ended(w) == [(1, "Expired")]
    assert at(w, 1) == ["Available"]


def test_expired_while_offline_is_told_once_though_the_power_is_cut() -> None:
    w = reserved(station(), lasts_s=20).offline().after(30)
    w.cut()
    w.online()
    assert ended(w) == [(1, "Expired")]
    w.cut()
    w.online()
    assert ended(w) == [(1, "Expired")]


def test_by_the_right_clock() -> None:
    w = reserved(station(), lasts_s=600)
    w.wall = -1000.0  # no battery: 1970, until the CSMS has told the time
    w.cut()
    assert w.station.evses[1].reserved
    w.after(700)
    assert w.station.evses[1].reserved
    w.online()
    assert ended(w) == [(1, "Expired")]


def test_it_waits_for_no_longer_than_it_is() -> None:
    w = reserved(station("2.0.1", {"OCPPCommCtrlr.HeartbeatInterval": "86400"}), lasts_s=40)
    assert w.station.deadline <= w.mono + 40


# -- removed -----------------------------------------------------------------------------------------------------------


def test_removed_by_a_fault(version: str) -> None:
    w = reserved(station(version)).break_(1)
    assert at(w, 1) == ["Faulted"]
    assert ended(w) == [(1, "Removed")]
    w.mend(1)
    assert at(w, 1) == ["Available"]


@pytest.mark.parametrize("place", [(1,), (1, 1), (0,)])
def test_removed_when_out_of_service(version: str, place: tuple[int, ...]) -> None:
    w = reserved(station(version))
    w.ask(c.ChangeAvailability(False, *place))
    assert at(w, 1) == ["Unavailable"]
    assert ended(w) == [(1, "Removed")]
    w.ask(c.ChangeAvailability(True, *place))
    assert owner(w.present(OTHER, 1)) == OTHER


def test_what_only_degrades_removes_nothing() -> None:
    w = reserved(station()).degrade(1, "ReaderFailure")
    assert at(w, 1) == ["Reserved"]


def test_the_reset_of_the_evse_removes_nothing() -> None:
    w = reserved(station())
    w.ask(c.Reset(on_idle=False, evse_id=1))
    w.after(5)
    assert at(w, 1) == ["Reserved"]
    assert ended(w) == []


@pytest.mark.parametrize("how", ["reset", "power cut"])
def test_it_survives(version: str, how: str) -> None:
    w = reserved(station(version), group="Fleet").plug()
    if how == "reset":
        w.ask(c.Reset(on_idle=False))
        w.after(10)
    else:
        w.cut()
    w.online()
    assert w.boots == 2
    assert at(w) == ["Reserved", "Available"]
    assert owner(w.present(OTHER, 1)) is None
    assert owner(w.present(MINE, 1)) == MINE
    assert w.records[0].reservation_id == 1


def test_what_the_driver_has_used_survives_until_it_is_told() -> None:
    w = reserved(station("2.0.1", {"TxCtrlr.EVConnectionTimeOut": "600"})).present(MINE, 1)
    w.cut()
    w.online().plug()
    assert [r.reservation_id for r in w.records if r.kind == "Started"] == [1]


def test_nothing_is_left_on_the_disk() -> None:
    w = reserved(station(), lasts_s=20).after(30)
    assert "reservations" not in w.disk.saved().state


def test_an_evse_that_is_no_part_of_the_station_any_more() -> None:
    w = reserved(station(), 2)
    plan = PLAN._replace(evses=PLAN.evses[:1])
    made, _ = assembled(Start(plan, {}, w.disk.saved(), "ocpp2.0.1", "again", w.now))
    made.step(e.PoweredUp(), w.now)
    assert made.reservations.show() == []


# -- any EVSE ----------------------------------------------------------------------------------------------------------


def test_one_evse_is_kept_free(version: str) -> None:
    w = station(version)
    assert reserve(w) == "Accepted"
    assert at(w) == ["Available", "Available"], "two are free"
    w.plug(1)
    assert at(w, 2) == ["Reserved"]
    w.present(OTHER, 1)
    assert owner(w, 1) == OTHER
    w.plug(2).present("THIRD003", 2)
    assert owner(w, 2) is None
    assert at(w, 2) == ["Reserved"]
    w.present(MINE, 2)
    assert owner(w, 2) == MINE
    assert [r.reservation_id for r in w.records if r.evse_id == 2 and r.token] == [1]


def test_as_many_reservations_as_evses(version: str) -> None:
    w = station(version)
    assert reserve(w, 1, MINE) == "Accepted"
    assert reserve(w, 2, OTHER) == "Accepted"
    assert at(w) == ["Reserved", "Reserved"]
    assert reserve(w, 3, "THIRD003") == "Occupied"
    assert reserve(w, 3, "THIRD003", evse_id=1) == "Occupied"
    w.present("THIRD003", 1)
    assert owner(w, 1) is None
    w.present(OTHER, 1)
    assert owner(w, 1) == OTHER


def test_cancelled_all_are_free_again() -> None:
    w = station()
    reserve(w, 1, MINE)
    reserve(w, 2, OTHER)
    w.ask(CancelReservation(2))
    assert at(w) == ["Available", "Available"]


def test_by_name_no_evse_is_taken_from_who_has_reserved_any() -> None:
    w = station()
    reserve(w, 1, MINE)
    assert reserve(w, 2, OTHER, evse_id=1) == "Accepted"
    assert at(w) == ["Reserved", "Reserved"]
    assert owner(w.present(MINE, 1)) is None
    assert owner(w.present(MINE, 2), 2) == MINE


def test_a_cable_that_was_there_before_does_not_count_as_free(version: str) -> None:
    w = station(version).plug(1)
    assert reserve(w) == "Accepted"
    assert at(w, 2) == ["Reserved"]
    w.unplug(1)
    assert at(w) == ["Available", "Available"]


def test_when_another_gets_free_the_strangers_cable_may_be_used(version: str) -> None:
    w = station(version).plug(1)
    reserve(w)
    w.plug(2)
    assert at(w, 2) == ["Reserved"]
    w.unplug(1)
    assert at(w, 1) == ["Reserved"], "an empty one is better"
    assert owner(w.present(OTHER, 2), 2) == OTHER


def test_what_is_kept_under_a_strangers_cable_survives() -> None:
    w = station().plug(1)
    reserve(w)
    w.plug(2)
    w.cut()
    w.online()
    assert at(w) == ["Occupied", "Reserved"]
    assert owner(w.present(OTHER, 2), 2) is None
    assert owner(w.present(OTHER, 1), 1) == OTHER


def test_after_a_restart_a_broken_evse_is_not_taken_for_a_free_one() -> None:
    w = station().break_(2)
    reserve(w)
    w.plug(1)
    w.cut()
    w.online()
    assert at(w, 1) == ["Reserved"]
    assert ended(w) == []


def test_the_youngest_goes_when_too_few_are_left() -> None:
    w = station()
    reserve(w, 1, MINE)
    reserve(w, 2, OTHER)
    w.break_(1)
    assert ended(w) == [(2, "Removed")]
    assert at(w) == ["Faulted", "Reserved"]
    w.ask(c.ChangeAvailability(False, 0))
    assert ended(w) == [(2, "Removed"), (1, "Removed")]


def test_at_a_shared_reader_he_chooses(version: str) -> None:
    w = station(version)
    reserve(w, 1, MINE)
    w.present(MINE)
    assert w.station.reservations.show() == []
    w.plug(2)
    assert owner(w, 2) == MINE
    assert [r.reservation_id for r in w.records if r.kind == "Started"] == [1]


def test_who_waits_in_the_lobby_needs_one_too() -> None:
    w = station().present(OTHER)
    assert reserve(w, 1, MINE) == "Accepted"
    assert reserve(w, 2, "THIRD003") == "Occupied"
    w.present("FOURTH04")
    assert owner(w.plug(1), 1) == OTHER
    assert at(w, 2) == ["Reserved"]
    assert owner(w.plug(2), 2) is None
    assert owner(w.present(MINE), 2) == MINE


@pytest.mark.parametrize("start", ["Authorized", "EVConnected", "PowerPathClosed"])
def test_who_waits_in_the_lobby_uses_what_is_reserved_for_him_meanwhile(start: str) -> None:
    w = station("2.0.1", {"TxCtrlr.TxStartPoint": start}).present(MINE)
    assert reserve(w, 4, evse_id=1) == "Accepted"
    w.plug(1).after(5)
    assert owner(w) == MINE
    assert at(w, 1) == ["Occupied"]
    assert [r.reservation_id for r in w.records if r.reservation_id is not None] == [4]


def test_where_the_authorization_begins_the_transaction_its_first_record_says_it() -> None:
    w = station("2.0.1", {"TxCtrlr.TxStartPoint": "Authorized"})
    reserve(w, 1, MINE)
    w.present(MINE)
    assert [(r.kind, r.evse_id, r.reservation_id) for r in w.records] == [("Started", 0, 1)]
    w.plug(2)
    assert [r.reservation_id for r in w.records[1:]] == [None] * len(w.records[1:])


def test_the_whole_group_may_use_one_of_any(version: str) -> None:
    w = station(version)
    reserve(w, 1, MINE, group="Fleet")
    reserve(w, 2, OTHER)
    w.infos["MATE0003"] = TokenInfo("Accepted", group="FLEET")
    w.infos["THIRD003"] = TokenInfo("Accepted")
    assert owner(w.present("THIRD003", 2), 2) is None
    assert owner(w.present("MATE0003", 2), 2) == "MATE0003"


def test_everybody_uses_his_own_before_that_of_his_group() -> None:
    w = station()
    reserve(w, 1, MINE, group="Fleet", lasts_s=100)
    reserve(w, 2, OTHER, group="Fleet", lasts_s=900)
    w.infos[OTHER] = TokenInfo("Accepted", group="Fleet")
    w.present(OTHER, 1)
    assert [row["id"] for row in w.station.reservations.show()] == [1]


def test_a_bay_that_is_occupied_is_not_free() -> None:
    plan = PLAN._replace(evses=tuple(evse._replace(bay_sensor=True) for evse in PLAN.evses))
    w = station(plan=plan).drive_in(1)
    assert reserve(w, 1, evse_id=1) == "Occupied"
    assert reserve(w, 1) == "Accepted"
    assert at(w) == ["Available", "Reserved"]
    w.drive_in(2)
    assert at(w, 2) == ["Reserved"], "whoever it is"
    assert owner(w.present(OTHER, 2), 2) is None
    assert owner(w.present(MINE, 2), 2) == MINE


# -- by type -----------------------------------------------------------------------------------------------------------


def test_by_type_a_connector_of_that_type_is_kept() -> None:
    w = station(plan=TYPED)
    assert reserve(w, 1, MINE, connector_type="cG105") == "Accepted"
    assert (w.statuses[(1, 1)], w.statuses[(1, 2)], w.statuses[(2, 1)]) == ("Unavailable", "Reserved", "Available")
    assert reserve(w, 2, OTHER, connector_type="cG105") == "Occupied"
    assert reserve(w, 2, OTHER, connector_type="cCCS2") == "Accepted"
    assert [w.statuses[place] for place in ((1, 1), (1, 2), (2, 1))] == ["Reserved", "Reserved", "Reserved"]


def test_by_type_he_is_sent_where_there_is_one() -> None:
    w = station(plan=TYPED)
    reserve(w, 1, MINE, connector_type="cG105")
    w.present(MINE)
    assert owner(w, 1) == MINE


def test_one_of_any_leaves_the_only_one_of_a_type_to_who_needs_it() -> None:
    w = station(plan=TYPED)
    reserve(w, 1, MINE)
    reserve(w, 2, OTHER, connector_type="cG105")
    assert owner(w.present(MINE, 1), 1) is None
    assert owner(w.present(MINE, 2), 2) == MINE


def test_one_connector_of_an_evse_with_two() -> None:
    w = World("1.6", plan=TYPED).online()
    assert reserve(w, 1, MINE, evse_id=1, connector_id=2) == "Accepted"
    assert (w.statuses[(1, 1)], w.statuses[(1, 2)], w.statuses[(2, 1)]) == ("Unavailable", "Reserved", "Available")
    assert reserve(w, 2, OTHER, evse_id=1, connector_id=1) == "Occupied", "only one can be used at a time"
    w.ask(c.ChangeAvailability(False, 1, 1))
    assert w.statuses[(1, 2)] == "Reserved"
    w.ask(c.ChangeAvailability(False, 1, 2))
    assert w.statuses[(1, 2)] == "Unavailable"
    assert ended(w) == [(1, "Removed")]


# -- the matching ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wishes", "free", "number"),
    [
        ([], {1}, 0),
        ([{1, 2}], set(), 0),
        ([{1, 2}, {1}], {1, 2}, 2),
        ([{1}, {1, 2}, {2}], {1, 2}, 2),
        ([{1, 2}, {1, 3}, {1}], {1, 2, 3}, 3),
        ([{1}, {1}], {1, 2}, 1),
    ],
)
def test_as_many_wishes_as_possible_are_fulfilled(wishes: list[set[int]], free: set[int], number: int) -> None:
    assert matched(wishes, free) == number


def test_people_see_no_token_in_full() -> None:
    w = reserved(station(), group="GROUP123")
    [row] = w.ask(c.ShowStatus()).data["reservations"]
    assert row == {"id": 1, "evse": 1, "token": "…0001", "group": "…P123", "expires_at": row["expires_at"]}
    assert MINE not in " ".join(w.notes)


def test_people_see_for_whom_an_evse_is_kept() -> None:
    w = reserved(station())
    reserve(w, 7, OTHER)
    evses = w.ask(c.ShowStatus()).data["evses"]
    assert [evse["reserved_by"] for evse in evses] == ["…0001", "…R002"]
    w.ask(CancelReservation(1))
    assert ["reserved_by" in evse for evse in w.ask(c.ShowStatus()).data["evses"]] == [False, False]


def test_the_customer_is_told_of_his_reservation() -> None:
    w = reserved(station(), group="Fleet")
    w.ask(GiveCustomerInformation(1, True, False, identifier="fleet"))
    [data] = w.told(CustomerData)
    assert data.data.startswith(f"reservation: 1 for ISO14443 {MINE} until 20")
