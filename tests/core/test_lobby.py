"""Who is authorized and has not chosen an EVSE yet (E01.FR.16, E01.FR.17, E03)."""

import pytest

from chargepointd.core import commands as c
from chargepointd.core.values import TokenInfo
from tests.core.world import PLAN, World

AUTHORIZED = {"TxCtrlr.TxStartPoint": "Authorized", "TxCtrlr.TxStopPoint": "Authorized"}


def waiting(variables: dict[str, str] | None = None) -> World:
    return World("2.0.1", AUTHORIZED | (variables or {})).online().present("CARD1")


def test_a_transaction_begins_before_anybody_knows_where() -> None:
    w = waiting()
    assert w.story() == ["Started Authorized Idle"]
    assert (w.records[0].evse_id, w.records[0].connector_id, w.records[0].values) == (0, 0, ())


@pytest.mark.parametrize("evse", [1, 2])
def test_it_goes_on_where_the_car_is_plugged_in(evse: int) -> None:
    w = waiting().after(5).plug(evse)
    assert w.story() == [
        "Started Authorized Idle",
        "Updated CablePluggedIn EVConnected",
        "Updated ChargingStateChanged Charging",
    ]
    assert len({record.transaction_id for record in w.records}) == 1
    assert [record.evse_id for record in w.records] == [0, evse, evse]
    assert w.station.evses[evse].running


def test_the_values_of_the_beginning_are_in_the_first_record_that_names_the_evse() -> None:
    w = waiting().plug(2)
    assert [[v.context for v in r.values] for r in w.records] == [[], ["Transaction.Begin"], []]


def test_it_is_over_when_no_car_comes() -> None:
    w = waiting().after(61)
    assert w.story()[-1] == "Ended EVConnectTimeout Idle (Timeout)"
    assert not w.plug(1).on[1]


def test_the_same_card_again_ends_the_waiting() -> None:
    w = waiting().present("CARD1")
    assert w.story()[-1] == "Ended StopAuthorized Idle (Local)"
    assert not w.plug(1).on[1]


def test_two_cards_wait_for_two_cars_in_turn() -> None:
    w = waiting().after(5).present("CARD2").plug(2).plug(1)
    owners = {evse.id: evse.session.token.value for evse in w.station.evses.values() if evse.session.token}
    assert owners == {2: "CARD1", 1: "CARD2"}


def test_whoever_waits_still_does_after_a_power_cut() -> None:
    w = waiting()
    w.cut()
    w.online().plug(1)
    assert w.on[1]
    assert w.story()[-2:] == ["Updated CablePluggedIn EVConnected", "Updated ChargingStateChanged Charging"]


def test_the_csms_refuses_who_has_moved_on() -> None:
    w = World("2.0.1", AUTHORIZED).online()
    w.slow = True
    w.present("CARD1").answer()
    w.plug(1)
    w.infos["CARD1"] = TokenInfo("Blocked")
    w.slow = False
    w.offline().online().after(1)
    assert w.story()[-1] == "Ended Deauthorized EVConnected (DeAuthorized)"
    assert not w.on[1]


def test_a_remote_stop_ends_what_has_no_place_yet() -> None:
    w = waiting()
    w.ask_stop_of(w.records[0].transaction_id)
    assert w.story()[-1] == "Ended RemoteStop Idle (Remote)"


def test_the_csms_may_ask_for_what_has_no_place_yet() -> None:
    w = waiting()
    assert w.ask(c.TriggerMessage("TransactionEvent")).status == "Accepted"
    assert w.after(3).story()[-1] == "Updated Trigger Idle"


def test_without_that_start_point_waiting_is_no_transaction(version: str) -> None:
    w = World(version).online().present("CARD1").after(20)
    assert w.records == []
    assert w.plug(1).story()[0] == "Started CablePluggedIn EVConnected"


SENSED = PLAN._replace(evses=tuple(evse._replace(bay_sensor=True) for evse in PLAN.evses))


@pytest.mark.parametrize("start", ["ParkingBayOccupancy", "ParkingBayOccupancy,Authorized"])
def test_where_parking_is_billed_the_bay_is_chosen_by_driving_in(start: str) -> None:
    names = {"TxCtrlr.TxStartPoint": start, "TxCtrlr.TxStopPoint": "ParkingBayOccupancy"}
    w = World("2.0.1", names, plan=SENSED).online().present("CARD1").after(5).drive_in(2)
    assert w.story()[-1].split()[1:] == ["EVDetected", "Idle"]
    assert w.plug(2).on[2]
    assert len({r.transaction_id for r in w.records}) == 1
    assert [r.token.value for r in w.records if r.token] == ["CARD1"]
