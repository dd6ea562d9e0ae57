"""The power is cut and comes back: what was billed is billed on, what was ended is ended, and the car may be gone."""

import pytest

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.values import Token
from tests.core.world import World, check_records


def charging(version: str, variables: dict[str, str] | None = None) -> World:
    return World(version, variables).online().plug().present("CARD1", 1).after(100)


def test_the_transaction_goes_on_when_the_car_is_still_there(version: str) -> None:
    w = charging(version)
    w.cut()
    w.online().after(100).present("CARD1", 1).after(10)
    check_records(w.records)
    assert len({record.transaction_id for record in w.records}) == 1
    assert w.records[-1].stopped_reason == "Local"
    assert w.delivered() == w.records


def test_no_energy_flows_before_the_pilot_has_spoken(version: str) -> None:
    w = charging(version)
    w.plugged[1] = False  # pulled in the dark
    w.cut()
    assert not w.station.evses[1].power_asked
    assert w.records[-1].kind == "Ended"
    assert (w.records[-1].trigger, w.records[-1].stopped_reason) == ("EVCommunicationLost", "PowerLoss")


def test_another_car_in_the_dark_is_not_charged_on_the_first_ones_card(version: str) -> None:
    w = charging(version).unplug().after(10)
    w.plugged[1] = True
    w.cut()
    assert not w.on[1]


@pytest.mark.parametrize("seconds", [0, 100])
def test_an_end_that_was_decided_is_brought_to_its_end(version: str, seconds: float) -> None:
    w = charging(version)
    w.meter_dead.add(1)
    w.welded.add(1)
    w.present("CARD1", 1).after(1)
    assert w.station.evses[1].transaction is not None
    w.welded.clear()
    w.meter_dead.clear()
    w.cut()
    w.online().after(seconds)
    ended = w.records[-1]
    assert (ended.kind, ended.trigger, ended.token) == ("Ended", "StopAuthorized", Token("CARD1"))
    assert not w.on[1]


def test_an_end_whose_meter_died_in_the_cut_takes_eight_seconds(version: str) -> None:
    w = charging(version)
    w.meter_dead.add(1)
    w.welded.add(1)
    w.present("CARD1", 1).after(1)
    w.cut()
    assert w.station.evses[1].transaction is not None
    w.after(9)
    assert w.records[-1].kind == "Ended"
    assert w.records[-1].energy_wh is not None, "as it was last known"


def test_a_visit_without_a_transaction_yet_goes_on(version: str) -> None:
    w = World(version, {"TxCtrlr.TxStartPoint": "EnergyTransfer"}).online()
    w.hunger(1, False).plug().present("CARD1", 1)
    w.cut()
    w.online().hunger(1, True)
    assert w.on[1]
    assert w.station.evses[1].running


def test_nothing_is_told_of_the_car_until_it_has_been_seen(version: str) -> None:
    w = charging(version)
    before = len(w.records)
    saved = w.disk.saved()
    station = w.station
    w.station = type(station)(w.plan, w.variables, saved, station.context.rules, "again", w.now)
    effects = w.station.step(e.PoweredUp(), w.now)
    assert not [effect for effect in effects if isinstance(effect, f.SaveRecord)]
    w.cut()
    assert [record.charging_state for record in w.records[before:]] == ["SuspendedEVSE", "Charging"]


def test_the_car_gets_the_time_to_react_before_it_is_the_one_who_waits(version: str) -> None:
    w = charging(version)
    w.hungry[1] = False
    before = len(w.records)
    w.cut()
    w.after(9)
    assert {record.charging_state for record in w.records[before:]} == {"SuspendedEVSE"}
    w.after(3)
    assert w.records[-1].charging_state == "SuspendedEV"
    assert w.station.deadline > w.mono, "and the station sleeps"


def test_the_number_that_the_csms_gave_survives() -> None:
    w = charging("1.6")
    w.cut()
    w.online()
    assert w.ask(c.RequestStop(reference=1)).status == "Accepted"
    assert {reference for record, reference in w.sent_with if record.kind != "Started"} == {1}


def test_what_was_set_survives(version: str) -> None:
    w = World(version).online().set("TxCtrlr.EVConnectionTimeOut", "33")
    w.cut()
    assert w.variables.integer("TxCtrlr.EVConnectionTimeOut") == 33


def test_ids_are_not_used_again(version: str) -> None:
    w = charging(version)
    for _ in range(3):
        w.present("CARD1", 1).after(10)
        w.cut()
        w.online().present("CARD1", 1).after(10)
    ids = [message_id for message_id, _ in w.received]
    assert len(ids) == len(set(ids))
    assert len({record.transaction_id for record in w.records}) == 4
