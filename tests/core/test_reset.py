"""Reset of one EVSE (B11, B12); that of the station is in test_remote."""

import pytest

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core.reset import ENDING_S, LISTEN_S, RETRY_S
from tests.core.world import PLAN, World


def reset(w: World, *, on_idle: bool = False, evse: int = 1) -> str:
    return str(w.ask(c.Reset(on_idle, evse)).status)


def told(w: World, evse: int) -> list[str]:
    return [s.status for s in w.told(m.StatusChanged) if s.evse_id == evse]


@pytest.mark.parametrize("on_idle", [True, False])
def test_a_free_evse_is_out_of_service_for_a_moment_and_the_other_is_as_before(on_idle: bool) -> None:
    w = World("2.0.1").online()
    w.received.clear()
    assert reset(w, on_idle=on_idle) == "Accepted"
    w.after(1)
    assert w.renewed == [1]
    assert told(w, 1) == ["Unavailable", "Available"]
    assert not told(w, 2)
    assert not w.restarts
    w.plug().present("CARD1", 1).after(5)
    assert w.on[1]


def test_a_running_transaction_ends_at_once_and_that_of_the_other_goes_on() -> None:
    w = World("2.0.1").online().plug(1).present("CARD1", 1).plug(2).present("CARD2", 2).after(10)
    w.received.clear()
    assert reset(w) == "Accepted"
    w.after(10)
    [ended] = [record for record in w.records if record.kind == "Ended"]
    assert (ended.evse_id, ended.trigger, ended.stopped_reason) == (1, "ResetCommand", "ImmediateReset")
    assert (ended.charging_state, ended.token) == ("EVConnected", None)
    assert told(w, 1) == ["Unavailable", "Occupied"]
    assert w.on == {1: False, 2: True}
    assert w.renewed == [1]


def test_on_idle_waits_for_its_own_transaction_only() -> None:
    w = World("2.0.1").online().plug(1).present("CARD1", 1).plug(2).present("CARD2", 2).after(10)
    assert reset(w, on_idle=True) == "Scheduled"
    w.after(30)
    assert w.on == {1: True, 2: True}
    assert not w.renewed
    w.present("CARD1", 1).after(10)
    assert w.renewed == [1]
    assert w.on == {1: False, 2: True}
    assert w.station.evses[1].seen


def test_a_car_that_left_meanwhile_is_noticed() -> None:
    w = World("2.0.1").online().plug().present("CARD1", 1).after(10)
    w.unsafe[1] = "contactor: no answer"
    w.set("OCPPCommCtrlr.ResetRetries", "1")
    reset(w)
    w.after(1)
    w.plugged[1] = False
    del w.unsafe[1]
    w.after(RETRY_S + 1)
    assert w.statuses[(1, 1)] == "Available"


def test_what_fails_is_tried_again_so_often_and_then_left_to_its_faults() -> None:
    w = World("2.0.1").online()
    w.set("OCPPCommCtrlr.ResetRetries", "2")
    w.unsafe[1] = "contactor: no answer"
    reset(w)
    w.after(3 * RETRY_S)
    assert w.renewed == [1, 1, 1]
    w.after(60)
    assert w.renewed == [1, 1, 1]
    assert w.statuses[(1, 1)] == "Available"
    assert not w.station.evses[1].seen, "and no power before its pilot speaks"


def test_a_power_path_that_does_not_open_is_not_waited_for_for_ever() -> None:
    w = World("2.0.1").online().plug().present("CARD1", 1).after(10)
    w.welded.add(1)
    reset(w)
    w.after(ENDING_S + LISTEN_S)
    assert w.renewed == [1]


@pytest.mark.parametrize("evse", [-1, 3])
def test_an_evse_that_there_is_not(evse: int) -> None:
    assert reset(World("2.0.1").online(), evse=evse) == "Rejected"


@pytest.mark.parametrize("on_idle", [True, False])
def test_where_an_evse_cannot_be_reset_alone_its_transaction_goes_on(on_idle: bool) -> None:
    plan = PLAN._replace(evses=tuple(evse._replace(allow_reset=False) for evse in PLAN.evses))
    w = World("2.0.1", plan=plan).online().plug().present("CARD1", 1).after(10)
    assert reset(w, on_idle=on_idle) == "Rejected"
    w.after(30)
    assert w.on[1]
    assert w.station.evses[1].running


def test_a_place_out_of_service_stays_so_and_says_it_again() -> None:
    w = World("2.0.1").online()
    w.ask(c.ChangeAvailability(False, 1, 1))
    w.received.clear()
    reset(w)
    w.after(1)
    assert told(w, 1) == ["Unavailable"]


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_before_the_power_goes_what_runs_is_ended_and_nobody_begins(version: str) -> None:
    w = World(version).online().plug(1).present("CARD1", 1).after(10)
    w.tell(e.GridChanged(lost=True))
    assert w.ask(c.ShowStatus()).data["on_battery"]
    w.after(10)
    assert [record.stopped_reason for record in w.records if record.kind == "Ended"] == ["PowerLoss"]
    assert not w.on[1]
    w.plug(2).present("CARD2", 2).after(10)
    assert not w.on[2]
    w.tell(e.GridChanged(lost=False))
    assert not w.ask(c.ShowStatus()).data["on_battery"]
    w.present("CARD2", 2).after(10)
    assert w.on[2]


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_who_plugs_in_during_a_dip_draws_nothing_before_it_is_over(version: str) -> None:
    w = World(version).online().present("CARD1", 1)
    w.tell(e.GridChanged(lost=True))
    w.plug(1).after(0.5)
    assert not w.on[1]
    w.tell(e.GridChanged(lost=False))
    w.after(1)
    assert w.on[1]
    assert w.station.evses[1].running


def test_who_is_about_to_draw_when_the_grid_goes_has_no_offer_meanwhile() -> None:
    w = World("2.0.1", {"TxCtrlr.TxStartPoint": "EnergyTransfer"}).online().hunger(1, False).plug(1).present("CARD1", 1)
    assert w.station.evses[1].power_asked
    w.tell(e.GridChanged(lost=True))
    assert not w.station.evses[1].power_asked
    w.tell(e.GridChanged(lost=False))
    assert w.station.evses[1].power_asked


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_a_dip_of_the_grid_ends_nothing(version: str) -> None:
    w = World(version).online().plug(1).present("CARD1", 1).after(10)
    w.tell(e.GridChanged(lost=True))
    w.after(0.5).plug(2).present("CARD2", 2)
    assert not w.on[2]
    w.tell(e.GridChanged(lost=False))
    w.after(10)
    assert w.on[1]
    assert w.station.evses[1].running


def test_a_reset_that_is_under_way_goes_on_when_the_grid_is_back() -> None:
    w = World("2.0.1").online().plug(1).present("CARD1", 1).after(10)
    w.tell(e.GridChanged(lost=True))
    assert reset(w, evse=0) == "Accepted"
    w.tell(e.GridChanged(lost=False))
    w.after(15)
    assert w.restarts
