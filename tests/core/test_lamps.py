"""Lamps: what they show follows from the facts, and a card is signalled."""

from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core.plan import ConnectorPlan, EvsePlan, StationPlan
from chargepointd.core.reservation import ReserveNow
from chargepointd.core.values import Token, TokenInfo
from tests.core.world import PLAN, World

LIT = PLAN._replace(lamps=((1,), (2,), (1, 2)))
"""a lamp at each EVSE, and one for both"""


def station(version: str = "2.0.1", plan: StationPlan = LIT, **variables: str) -> World:
    named = {f"{'TxCtrlr' if n.startswith(('Tx', 'Stop')) else 'AuthCtrlr'}.{n}": v for n, v in variables.items()}
    return World(version, named, plan=plan).online()


def signals(w: World) -> list[tuple[int, str, int]]:
    """Lamp, colour, times, since this was asked last."""
    told = [(lit.lamp, lit.colour, lit.times) for lit in w.lit if lit.times]
    w.lit.clear()
    return told


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_a_visit(version: str) -> None:
    w = station(version)
    assert w.lamps[0] == "green"
    assert w.plug().lamps[0] == "yellow blinking", "the card is awaited"
    assert w.present().lamps[0] == "blue blinking", "energy flows"
    assert w.hunger(1, False).after(20).lamps[0] == "blue", "the car is full"
    assert w.hunger(1, True).lamps[0] == "blue blinking"
    assert w.present().after(10).lamps[0] == "yellow", "over, the cable is still in"
    assert w.unplug().after(10).lamps[0] == "green"
    assert w.lamps[1] == "green"


def test_who_is_authorized_is_awaited_where_he_may_plug_in() -> None:
    w = station()
    w.present("AAAA1111", 1)
    assert [*w.lamps.values()] == ["yellow blinking", "green", "green"]
    w.present("AAAA1111", 1)
    assert [*w.lamps.values()] == ["green"] * 3
    w.present("AAAA1111", 1, 2)
    assert [*w.lamps.values()] == ["yellow blinking"] * 3
    w.plug(2)
    assert [*w.lamps.values()] == ["green", "blue blinking", "green"]


def test_what_is_reserved_is_taken_until_its_card_comes() -> None:
    w = station()
    w.ask(ReserveNow(1, w.utc + 600, Token("MINE0001"), evse_id=1))
    assert [*w.lamps.values()] == ["yellow", "green", "green"]
    assert w.plug().lamps[0] == "yellow"
    assert w.present("MINE0001", 1).lamps[0] == "blue blinking"


def test_out_of_service_and_broken() -> None:
    w = station()
    w.ask(c.ChangeAvailability(False, 1))
    assert [*w.lamps.values()] == ["red", "green", "green"]
    w.break_(1)
    assert [*w.lamps.values()] == ["red blinking", "green", "green"]
    w.break_(2)
    assert [*w.lamps.values()] == ["red blinking"] * 3
    w.mend(1).mend(2)
    assert [*w.lamps.values()] == ["red", "green", "green"]
    w.degrade(2, "ReaderFailure")
    assert w.lamps[1] == "green", "one can charge there all the same"


def test_where_nobody_may_begin_nobody_is_invited() -> None:
    w = station()
    w.plug().present("AAAA1111", 1)
    w.tell(e.GridChanged(True))
    assert w.lamps[1] == "red"
    assert w.plug(2).lamps[1] == "red"
    w.unplug(2).tell(e.GridChanged(False))
    assert w.lamps[1] == "green"


def test_who_is_refused_late_has_to_take_his_car_away() -> None:
    w = station(StopTxOnInvalidId="false")
    w.offline().plug().infos["AAAA1111"] = TokenInfo("Blocked")
    w.set("AuthCtrlr.OfflineTxForUnknownIdEnabled", "true")
    assert w.present("AAAA1111", 1).lamps[0] == "blue blinking"
    assert w.online().after(10).lamps[0] == "yellow"


def test_a_transaction_that_waits_for_a_card_does_so_in_yellow() -> None:
    w = station(TxStartPoint="EVConnected", TxStopPoint="EVConnected")
    assert w.plug().lamps[0] == "yellow blinking"
    assert w.station.evses[1].transaction
    assert w.present("AAAA1111", 1).lamps[0] == "blue blinking"
    assert w.present("AAAA1111", 1).after(10).lamps[0] == "yellow"
    assert w.station.evses[1].transaction, "it ends when the car leaves"


def test_one_free_connector_of_an_evse_is_enough() -> None:
    two = (ConnectorPlan(1, "cCCS2", fixed_cable=True), ConnectorPlan(2, "cG105", fixed_cable=True))
    plan = StationPlan("CS", "v", "m", "", "", (EvsePlan(1, two), PLAN.evses[1]), lamps=((1,),))
    w = station(plan=plan)
    w.ask(c.ChangeAvailability(False, 1, 1))
    assert w.lamps == {0: "green"}
    w.ask(c.ChangeAvailability(False, 1, 2))
    assert w.lamps == {0: "red"}


def test_a_card_is_signalled_where_it_was_presented() -> None:
    w = station()
    w.infos["BAD00000"] = TokenInfo("Invalid")
    signals(w)
    w.present("BAD00000", 2)
    assert signals(w) == [(1, "red", 3), (2, "red", 3)]
    w.present("AAAA1111", 1, 2)
    assert signals(w) == [(0, "green", 3), (1, "green", 3), (2, "green", 3)]
    w.present("AAAA1111", 1, 2)
    assert signals(w) == [(0, "green", 3), (1, "green", 3), (2, "green", 3)], "it takes back what it began"
    w.break_(1).present("AAAA1111", 1)
    assert signals(w) == [(0, "red", 3), (2, "red", 3)], "there is nothing to begin"
    w.plug(2).present("AAAA1111", 2)
    assert signals(w) == [(1, "green", 3), (2, "green", 3)]
    w.present("AAAA1111", 2)
    assert signals(w) == [(1, "green", 3), (2, "green", 3)], "and ends it"


def test_how_often_and_how_bright() -> None:
    w = station()
    w.lit.clear()
    w.set("ChargingStatusIndicator.LightIntensity", "40")
    assert [(lit.lamp, lit.intensity_percent) for lit in w.lit] == [(0, 40), (1, 40), (2, 40)]
    w.set("ChargingStatusIndicator.BlinkRepeat", "7")
    w.lit.clear()
    w.present("AAAA1111", 1)
    assert {(lit.intensity_percent, lit.times) for lit in w.lit} == {(40, 7), (40, 0)}
    w.set("ChargingStatusIndicator.BlinkRepeat", "0")
    w.lit.clear()
    w.present("AAAA1111", 1)
    assert signals(w) == []


def test_a_lamp_is_told_only_what_is_new() -> None:
    w = station()
    w.plug().present("AAAA1111", 1)
    w.lit.clear()
    w.after(3600)
    assert w.lit == []


def test_lamps_are_told_anew_after_a_power_cut() -> None:
    w = station()
    w.plug().present("AAAA1111", 1)
    w.lit.clear()
    w.cut()
    assert {lit.lamp for lit in w.lit} == {0, 1, 2}
    assert w.lamps[0] == "blue blinking"


def test_without_lamps_nothing_of_them_is_there() -> None:
    w = World("2.0.1").online().plug().present()
    asked: Any = w.variables.named("ChargingStatusIndicator.LightIntensity")
    assert asked is None
    assert w.lit == []
