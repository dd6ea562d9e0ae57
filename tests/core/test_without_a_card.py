"""Codes, buttons, cars that say who they are, and stations that ask nobody (C02, C04, C06; AuthCtrlr.Enabled)."""

import pytest

from chargepointd.core import messages as m
from chargepointd.core.values import Token, TokenInfo
from tests.core.world import PLAN, World

FREE = {"AuthCtrlr.Enabled": "false"}
NOBODY = Token("", "NoAuthorization")
LINKED = PLAN._replace(token_kinds=(*PLAN.token_kinds, "MacAddress"))
AUTOCHARGE = {"AuthCtrlr.AutochargeEnabled": "true"}
MAC = Token("02000000CAFE", "MacAddress")


def asked(w: World) -> list[Token]:
    return [message.token for _, message in w.received if isinstance(message, m.Authorize)]


# -- codes -------------------------------------------------------------------------------------------------------------


def test_a_typed_code_charges_and_stops(version: str) -> None:
    w = World(version).online().plug().press("1234#", 1)
    assert asked(w) == [Token("1234", "KeyCode")]
    assert w.on[1]
    assert w.press("1234#", 1).after(10).records[-1].trigger == "StopAuthorized"
    assert len(asked(w)) == 1


def test_what_was_typed_can_be_taken_back_and_is_forgotten(version: str) -> None:
    w = World(version).online().plug().press("99*12", 1).after(5).press("34#", 1)
    assert asked(w) == [Token("1234", "KeyCode")]
    w = World(version).online().plug().press("99", 1).after(21).press("1234#", 1)
    assert asked(w) == [Token("1234", "KeyCode")]


def test_two_keypads_do_not_mix(version: str) -> None:
    w = World(version).online().plug(1).plug(2).press("12", 1).press("56", 2).press("34#", 1).press("78#", 2)
    assert asked(w) == [Token("1234", "KeyCode"), Token("5678", "KeyCode")]


def test_codes_cannot_be_tried_one_after_the_other(version: str) -> None:
    w = World(version).online().plug()
    for n in range(9):
        w.infos[Token(f"000{n}", "KeyCode").key] = TokenInfo("Invalid")
        w.press(f"000{n}#", 1)
    assert len(asked(w)) == 5
    assert not w.press("1234#", 1).on[1], "not even the right one"
    assert w.present("CARD1", 1).on[1], "a card is no code"
    w.present("CARD1", 1).after(61).unplug().plug().press("1234#", 1)
    assert w.on[1]


def test_a_code_is_never_shown(version: str) -> None:
    assert "4" not in Token("123454", "KeyCode").masked


def test_a_code_is_not_the_card_of_the_same_number(version: str) -> None:
    w = World(version, {"AuthCtrlr.LocalPreAuthorize": "true"}).online().plug().present("04112233", 1).after(10)
    w.infos[Token("04112233").key] = TokenInfo("Invalid")
    w.press("04112233#", 1).after(10)
    assert w.on[1]
    assert asked(w) == [Token("04112233"), Token("04112233", "KeyCode")]


# -- a button ----------------------------------------------------------------------------------------------------------


def test_a_button_starts_and_stops(version: str) -> None:
    w = World(version).online().plug().push()
    assert w.on[1]
    assert w.records[0].token == NOBODY
    w.push().after(10)
    assert (w.records[-1].trigger, w.records[-1].stopped_reason) == ("StopAuthorized", "Local")
    assert asked(w) == []
    assert not w.disk.tokens


def test_a_button_first_then_the_car(version: str) -> None:
    assert World(version).online().push().after(10).plug().on[1]


def test_a_button_does_not_stop_who_has_a_card(version: str) -> None:
    assert World(version).online().plug().present("CARD1", 1).after(10).push().after(10).on[1]


def test_a_button_works_offline(version: str) -> None:
    assert World(version).plug().push().on[1]


# -- no authorization at all -------------------------------------------------------------------------------------------


def test_where_nobody_is_asked_a_car_need_only_be_plugged_in(version: str) -> None:
    w = World(version, FREE).online().plug()
    assert w.on[1]
    assert w.records[0].token == NOBODY
    assert asked(w) == []
    w.after(60).unplug().after(10)
    assert w.records[-1].kind == "Ended"


def test_where_nobody_is_asked_a_card_is_told_and_not_asked_for(version: str) -> None:
    w = World(version, FREE).online().present("CARD1", 1).plug()
    assert w.on[1]
    assert w.records[0].token == Token("CARD1")
    assert asked(w) == []


def test_who_has_stopped_is_not_started_anew(version: str) -> None:
    w = World(version, FREE).online().plug().push().after(60)
    assert not w.on[1]
    assert len({r.transaction_id for r in w.records}) == 1
    assert w.unplug().plug().on[1]
    w.ask_stop(1)
    assert not w.after(60).on[1]


@pytest.mark.parametrize("points", ["EVConnected", "PowerPathClosed", "EnergyTransfer"])
def test_a_power_cut_does_not_ask_either(points: str) -> None:
    w = World("2.0.1", FREE | {"TxCtrlr.TxStartPoint": points}).online().plug().after(60)
    w.cut()
    w.online().after(60)
    assert w.on[1]
    assert len({r.transaction_id for r in w.records}) == 1


def test_a_refusal_is_obeyed_though_nobody_was_asked(version: str) -> None:
    w = World(version, FREE).online()
    w.infos[NOBODY.key] = TokenInfo("Blocked")
    w.plug().after(60)
    assert not w.on[1]


# -- the car says who it is --------------------------------------------------------------------------------------------


def test_a_car_charges_by_its_mac_address(version: str) -> None:
    w = World(version, AUTOCHARGE, plan=LINKED).online().plug().identify()
    assert asked(w) == [MAC]
    assert w.on[1]
    assert w.records[0].token == MAC


def test_a_car_may_say_who_it_is_before_its_cable_is_noticed(version: str) -> None:
    assert World(version, AUTOCHARGE, plan=LINKED).online().identify().plug().on[1]


def test_a_car_that_is_refused_waits_for_a_card(version: str) -> None:
    w = World(version, AUTOCHARGE, plan=LINKED).online()
    w.infos[MAC.key] = TokenInfo("Unknown")
    assert not w.plug().identify().after(10).on[1]
    assert w.present("CARD1", 1).on[1]


def test_a_car_that_says_who_it_is_changes_nothing_once_somebody_charges(version: str) -> None:
    w = World(version, AUTOCHARGE, plan=LINKED).online().plug().present("CARD1", 1).identify().after(10)
    assert asked(w) == [Token("CARD1")]
    w.present("CARD1", 1).after(10).identify().after(10)
    assert not w.on[1]


def test_a_car_is_not_asked_for_where_that_is_not_wanted(version: str) -> None:
    assert asked(World(version, plan=LINKED).online().plug().identify()) == []
