"""Sockets that are shut until somebody is authorized: the card first, then the plug."""

import pytest
from hypothesis import given, settings

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core.context import Step
from chargepointd.core.values import TokenInfo
from tests.core.test_histories import DEEDS, Deed, deeds
from tests.core.world import PLAN, World

SOCKET = PLAN.evses[0]._replace(connectors=(PLAN.evses[0].connectors[0]._replace(shut=True),))
SHUT = PLAN._replace(evses=(SOCKET, PLAN.evses[1]))


def world(version: str, **variables: str) -> World:
    named = {name.replace("_", ".", 1): value for name, value in variables.items()}
    return World(version, named, plan=SHUT, senses_plugs=True).online()


def shut(w: World) -> bool:
    """The bolt is out, and nobody holds a plug with it."""
    return w.station.evses[1].locked[1] and not w.plugs[1]


def test_an_empty_socket_is_shut(version: str) -> None:
    assert shut(world(version))


@pytest.mark.parametrize("evses", [(1,), (1, 2)], ids=["own reader", "one reader for all"])
def test_whoever_is_authorized_finds_it_open(version: str, evses: tuple[int, ...]) -> None:
    w = world(version).present("CARD1", *evses)
    assert not shut(w)
    w.plug().after(20)
    assert w.on[1]
    assert w.station.evses[1].locked[1]
    w.present("CARD1", *evses).after(20)
    assert not w.station.evses[1].locked[1], "his plug is let go"
    w.unplug()
    assert shut(w)


def test_whoever_is_refused_does_not(version: str) -> None:
    w = world(version)
    w.infos["CARD1"] = TokenInfo("Invalid")
    assert shut(w.present("CARD1", 1))


def test_a_driver_who_does_not_come_finds_it_shut_again(version: str) -> None:
    w = world(version, TxCtrlr_EVConnectionTimeOut="60").present("CARD1", 1, 2).after(59)
    assert not shut(w)
    assert shut(w.after(2))


def test_who_has_chosen_another_evse_shuts_it(version: str) -> None:
    w = world(version).present("CARD1", 1, 2)
    assert not shut(w)
    assert shut(w.plug(2))


def test_it_opens_for_a_start_from_afar(version: str) -> None:
    w = world(version)
    w.ask_start(1)
    assert not shut(w)


def test_without_authorization_it_is_open(version: str) -> None:
    w = world(version)
    w.set("AuthCtrlr.Enabled", "false")
    assert not shut(w)
    w.ask(c.ChangeAvailability(False, 1))
    assert shut(w)


def test_a_restart_opens_it_for_nobody_and_shuts_it_on_nobody(version: str) -> None:
    w = world(version)
    w.cut()
    assert shut(w)
    w.online().present("CARD1", 1)
    w.cut()
    assert not shut(w)


def test_until_the_pilot_has_spoken_the_bolt_stays_where_it_is(version: str) -> None:
    w = world(version)
    w.station.evses[1].forget(Step(w.mono, w.utc))
    w.tell(e.LockMoved(1, 1, True))
    assert shut(w)


def test_a_cable_that_is_left_in_it_is_not_held(version: str) -> None:
    """Nobody is authorized any more: the lock stays open while there is a plug, so that it can be taken away."""
    w = world(version).present("CARD1", 1).plug().after(20).present("CARD1", 1).after(20).unplug_at_car()
    assert not w.station.evses[1].locked[1]
    assert shut(w.pull())


def test_unlocking_an_empty_socket_opens_it_for_who_has_a_plug_in_it_that_is_not_seen(version: str) -> None:
    """F05.FR.06: also where no cable is seen. It is shut again, and nobody is authorized by it."""
    w = world(version)
    assert w.ask(c.UnlockConnector(1, 1)).status == "Unlocked"
    assert not shut(w.after(29))
    assert shut(w.after(2))
    w.ask(c.UnlockConnector(1, 1))
    w.plug().after(60)
    assert not w.on[1]
    assert not w.station.evses[1].locked[1], "nobody's plug is held"


def test_a_bolt_that_does_not_open_an_empty_socket_is_told(version: str) -> None:
    w = world(version)
    w.stuck.add((1, 1))
    assert w.ask(c.UnlockConnector(1, 1)).status == "UnlockFailed"


def test_a_bolt_that_jams_while_it_is_to_shut_is_a_fault(version: str) -> None:
    w = world(version).present("CARD1", 1).plug().after(20).present("CARD1", 1).after(20)
    w.stuck.add((1, 1))
    w.unplug()
    assert w.statuses[(1, 1)] == "Faulted"


def test_a_pilot_that_knows_of_no_plug_leaves_it_open(version: str) -> None:
    w = World(version, plan=SHUT).online()
    assert not w.station.evses[1].locked[1]


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@given(history=deeds)
@settings(max_examples=60)
def test_in_any_history_it_is_shut_while_empty_and_holds_nobodys_plug(version: str, history: list[Deed]) -> None:
    w = world(version)
    for deed, n in history:
        stuck = deed == "pull" and w.plugged[1 + n % 2]  # with a car at the other end it is "unplug"
        if "jams" not in deed and not stuck and not ("plug" in deed and shut(w)):
            DEEDS[deed](w, n)
        w.go_on()
        check_socket(w)


def check_socket(w: World) -> None:
    evse = w.station.evses[1]
    session = evse.session
    if w.plugs[1]:
        owned = session.authorized or session.suspended or session.held
        assert owned or evse.power_on or not evse.locked[1], "nobody's plug is held"
    else:
        assert evse.locked[1] != evse.invites
