"""In service or not (G03, G04; 1.6 §5.2)."""

import pytest

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core.facts import REACTION_S
from chargepointd.core.plan import ConnectorPlan, EvsePlan, StationPlan
from tests.core.world import NOON, PLAN, World

PLACES = [(0, 0), (1, 0), (1, 1)]


def change(w: World, operative: bool, place: tuple[int, int]) -> str:
    return str(w.ask(c.ChangeAvailability(operative, *place)).status)


def shown(w: World) -> dict[int, str]:
    return {evse: w.statuses[(evse, 1)] for evse in (1, 2)}


@pytest.mark.parametrize("place", PLACES)
def test_out_of_service_and_back(version: str, place: tuple[int, int]) -> None:
    w = World(version).online()
    for _ in range(2):
        assert change(w, False, place) == "Accepted"
        assert shown(w) == {1: "Unavailable", 2: "Unavailable" if place == (0, 0) else "Available"}
    for _ in range(2):
        assert change(w, True, place) == "Accepted"
        assert shown(w) == {1: "Available", 2: "Available"}
    if version == "1.6" and place == (0, 0):
        assert w.statuses[(0, 0)] == "Available"


@pytest.mark.parametrize("place", PLACES)
def test_it_waits_for_a_transaction_and_survives_the_wait(version: str, place: tuple[int, int]) -> None:
    w = World(version).online().plug().present("CARD1", 1).after(10)
    assert change(w, False, place) == "Scheduled"
    assert w.on[1]
    assert shown(w)[2] == ("Unavailable" if place == (0, 0) else "Available"), "what is free goes out at once"
    w.cut()
    w.online().after(10)
    assert w.on[1]
    w.present("CARD1", 1).after(10)
    assert shown(w)[1] == "Unavailable"
    assert w.station.evses[1].transaction is None


def test_what_waits_can_be_taken_back(version: str) -> None:
    w = World(version).online().plug().present("CARD1", 1).after(10)
    assert change(w, False, (0, 0)) == "Scheduled"
    assert change(w, True, (0, 0)) == "Accepted"
    assert shown(w)[2] == "Available"
    w.present("CARD1", 1).after(10).unplug()
    assert shown(w) == {1: "Available", 2: "Available"}


@pytest.mark.parametrize("place", PLACES)
def test_it_survives_a_power_cut(version: str, place: tuple[int, int]) -> None:
    w = World(version).online()
    change(w, False, place)
    w.cut()
    w.online()
    assert shown(w)[1] == "Unavailable"


def test_the_station_back_in_service_leaves_its_parts_as_they_were(version: str) -> None:
    w = World(version).online()
    change(w, False, (2, 0))
    change(w, False, (0, 0))
    change(w, True, (0, 0))
    assert shown(w) == {1: "Available", 2: "Unavailable"}


def test_back_in_service_shows_the_car_that_came_meanwhile(version: str) -> None:
    w = World(version).online()
    change(w, False, (1, 0))
    w.plug()
    assert shown(w)[1] == "Unavailable"
    change(w, True, (1, 0))
    assert shown(w)[1] == ("Preparing" if version == "1.6" else "Occupied")


@pytest.mark.parametrize("start", ["EVConnected", "Authorized", "PowerPathClosed"])
def test_nothing_begins_where_nothing_is_in_service(version: str, start: str) -> None:
    w = World(version, {"TxCtrlr.TxStartPoint": start}).online()
    change(w, False, (1, 0))
    w.plug().present("CARD1", 1)
    assert w.records == []
    assert not w.on[1]


def test_a_card_that_waits_for_its_car_goes_with_the_service(version: str) -> None:
    w = World(version).online().present("CARD1", 1)
    assert change(w, False, (1, 0)) == "Accepted"
    w.plug()
    assert w.records == []
    assert not w.on[1]


def test_another_connector_of_a_busy_evse_need_not_wait(version: str) -> None:
    two = PLAN._replace(evses=(EvsePlan(1, (ConnectorPlan(1), ConnectorPlan(2))), PLAN.evses[1]))
    w = World(version, plan=two).online().plug().present("CARD1", 1).after(10)
    assert change(w, False, (1, 2)) == "Accepted"
    assert change(w, False, (1, 1)) == "Scheduled"
    assert w.on[1]


@pytest.mark.parametrize("place", [(9, 0), (1, 9), (0, 1)])
def test_what_does_not_exist_cannot_be_changed(version: str, place: tuple[int, int]) -> None:
    assert change(World(version).online(), False, place) == "Rejected"


# -- how long a status has to last -------------------------------------------------------------------------------------

SHORTEST = "ChargingStation.MinimumStatusDuration"


def told(w: World) -> list[str]:
    return [s.status for s in w.told(m.StatusChanged) if s.evse_id == 1]


def test_a_status_is_told_when_it_has_lasted(version: str) -> None:
    w = World(version, {SHORTEST: "5"}).online()
    before = len(told(w))
    assert before, "after a boot it is told at once"
    w.plug().after(4.9)
    assert len(told(w)) == before
    w.after(0.2)
    assert told(w)[before:] == ["Preparing" if version == "1.6" else "Occupied"]


def test_what_is_over_again_before_that_is_never_told(version: str) -> None:
    w = World(version, {SHORTEST: "5"}).online()
    before = len(told(w))
    w.plug().after(3).unplug().after(60)
    assert len(told(w)) == before


def test_how_long_may_be_changed_while_one_waits(version: str) -> None:
    w = World(version, {SHORTEST: "500"}).online()
    before = len(told(w))
    w.plug().after(10)
    w.set(SHORTEST, "0")
    assert len(told(w)) == before + 1


def test_what_waits_is_told_after_a_loss_of_the_link(version: str) -> None:
    w = World(version, {SHORTEST: "5"}).online()
    w.plug().after(1).offline().after(20).online()
    assert w.statuses[(1, 1)] == ("Preparing" if version == "1.6" else "Occupied")


TWO_PLUGS = PLAN._replace(evses=(EvsePlan(1, (ConnectorPlan(1), ConnectorPlan(2))), PLAN.evses[1]))


@pytest.mark.parametrize("plan", [PLAN, TWO_PLUGS], ids=["one connector", "two connectors"])
def test_one_who_knows_connectors_only_brings_back_what_was_set_for_their_evse(plan: StationPlan) -> None:
    """A CSMS of 1.6, after one of 2.0.1, or beside a technician: else an EVSE would be out of service for ever."""
    w = World("1.6", plan=plan).online()
    assert change(w, False, (1, 0)) == "Accepted"
    assert w.ask(c.ChangeAvailability(True, 1, 1, knows_evses=False)).status == "Accepted"
    assert w.statuses[(1, 1)] == "Available"
    if plan is TWO_PLUGS:
        assert w.statuses[(1, 2)] == "Unavailable", "the other one is as it was"
    w.cut()
    w.online()
    assert w.statuses[(1, 1)] == "Available"


def test_one_who_knows_connectors_only_takes_back_what_waits_for_their_evse() -> None:
    w = World("1.6").online().plug().present("CARD1", 1).after(10)
    assert change(w, False, (1, 0)) == "Scheduled"
    assert w.ask(c.ChangeAvailability(True, 1, 1, knows_evses=False)).status == "Accepted"
    w.present("CARD1", 1).after(10).unplug()
    assert shown(w) == {1: "Available", 2: "Available"}


def test_a_car_that_does_not_react_is_the_one_who_waits_whatever_is_heard_next() -> None:
    w = World("1.6").online().hunger(1, False).plug().present("CARD1", 1)
    assert w.statuses[(1, 1)] == "Preparing"
    w.mono += REACTION_S + 1  # another EVSE is heard of before the station is woken
    w.tell(e.EnergyWanted(2, False))
    assert w.statuses[(1, 1)] == "SuspendedEV"


def test_what_was_untold_is_queued_as_soon_as_that_is_asked_for(version: str) -> None:
    w = World(version).online().offline().plug().after(20)
    w.configure("OCPPCommCtrlr.QueueAllMessages", "true")
    asked_at = w.mono
    w.after(20).online()
    told = [message for _, message in w.received if isinstance(message, m.StatusChanged) and message.evse_id == 1]
    assert told[-1].status in ("Preparing", "Occupied")
    assert told[-1].at == pytest.approx(NOON + asked_at, abs=1)
