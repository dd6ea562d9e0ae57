"""The station comes up and tells who it is."""

import pytest

from chargepointd.core import commands as c
from chargepointd.core import messages as m
from chargepointd.core.effects import Refuse
from chargepointd.core.local_list import SendLocalList
from chargepointd.core.values import Token
from tests.core.world import NOON, World

ACCEPTED = ("Available", "Preparing", "Occupied")


def boots(w: World) -> list[str]:
    return [boot.reason for boot in w.told(m.Boot)]


def test_a_boot_is_told_first_and_then_every_connector(version: str) -> None:
    w = World(version).online()
    kinds = [type(message).__name__ for _, message in w.received]
    assert kinds[0] == "Boot"
    assert set(w.statuses) - {(0, 0)} == {(1, 1), (2, 1)}
    assert ((0, 0) in w.statuses) == (version == "1.6")
    assert kinds[-1] == "SecurityEvent"
    assert w.told(m.SecurityEvent)[0].kind == "StartupOfTheDevice"


def test_while_pending_nothing_is_told_and_the_boot_is_repeated_after_the_interval(version: str) -> None:
    w = World(version)
    w.registrations.append(m.BootAnswered("Pending", 100, NOON))
    w.online().plug().after(95)
    assert [type(message) for _, message in w.received] == [m.Boot]
    w.after(10)
    assert boots(w) == ["PowerUp", "PowerUp"]
    assert w.statuses[(1, 1)] in ACCEPTED


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_an_interval_of_years_is_a_day(version: str, status: str) -> None:
    w = World(version)
    w.registrations += [m.BootAnswered(status, 2**31 - 1, NOON), m.BootAnswered("Accepted", 2**31 - 1, NOON)]
    w.online().after(86_000)
    assert len(boots(w)) == 1
    w.after(500)
    assert len(boots(w)) == 2
    assert w.variables.integer("OCPPCommCtrlr.HeartbeatInterval") == 86_400


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_an_interval_of_zero_is_no_invitation_to_hammer(version: str, status: str) -> None:
    w = World(version)
    w.registrations.extend([m.BootAnswered(status, 0, NOON)] * 9)
    w.online().after(170)
    assert len(boots(w)) == 3


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_a_link_that_comes_and_goes_does_not_shorten_the_wait(version: str, status: str) -> None:
    w = World(version)
    w.registrations.append(m.BootAnswered(status, 100, NOON))
    w.online().after(10).offline().after(10).online().after(10)
    assert len(boots(w)) == 1
    assert w.after(80).statuses


def test_a_refused_boot_is_tried_again(version: str) -> None:
    w = World(version)
    w.mute = True
    w.online().after(35)
    w.mute = False
    assert w.after(20).statuses


def test_a_rejected_station_answers_nothing_but_that_it_may_not(version: str) -> None:
    w = World(version)
    w.registrations.append(m.BootAnswered("Rejected", 100, NOON))
    reply = w.online().ask(c.GetVariables(()))
    assert isinstance(reply, Refuse)
    assert reply.code == "SecurityError"


def test_a_pending_station_answers_questions_but_starts_and_stops_nothing(version: str) -> None:
    w = World(version, {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"})
    w.registrations.append(m.BootAnswered("Pending", 100, NOON))
    w.online()
    w.set("OCPPCommCtrlr.OfflineThreshold", "300")
    assert w.ask(c.RequestStart(Token("A"), 1)).status == "Rejected"
    w.plug().present()
    assert w.station.evses[1].running, "charging before the registration is allowed (TxBeforeAcceptedEnabled)"
    assert w.ask_stop(1).status == "Rejected"
    assert w.station.evses[1].running


def test_nobody_begins_before_the_station_is_accepted_where_that_is_not_allowed(version: str) -> None:
    w = World(version, {"TxCtrlr.TxBeforeAcceptedEnabled": "false", "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"})
    w.registrations.append(m.BootAnswered("Pending", 100, NOON))
    w.plug().present()
    assert not w.station.evses[1].running
    w.online().present()
    assert not w.station.evses[1].running
    w.after(101)
    assert w.statuses[(2, 1)] == "Available"
    assert w.statuses[(1, 1)] in ACCEPTED[1:]
    w.present()
    assert w.station.evses[1].running
    w.offline().present("BBBB2222", 2).plug(2)
    assert w.station.evses[2].running, "it was accepted once"


def test_a_transaction_goes_on_before_the_station_is_accepted_though_none_may_begin(version: str) -> None:
    w = World(version, {"TxCtrlr.TxBeforeAcceptedEnabled": "false", "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"})
    w.online().plug().present()
    w.offline().cut()
    assert w.station.evses[1].running
    w.present("BBBB2222", 2).plug(2)
    assert not w.station.evses[2].running


def test_what_may_begin_before_it_is_accepted_can_be_set_meanwhile() -> None:
    w = World("2.0.1", {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"})
    w.registrations.append(m.BootAnswered("Pending", 100, NOON))
    w.online().set("TxCtrlr.TxBeforeAcceptedEnabled", "false").plug().present()
    assert not w.station.evses[1].running
    w.set("TxCtrlr.TxBeforeAcceptedEnabled", "true").present()
    assert w.station.evses[1].running


@pytest.mark.parametrize(("version", "obeys"), [("1.6", True), ("2.0.1", False)])
def test_in_1_6_a_pending_station_obeys_but_starts_and_stops_nothing(version: str, obeys: bool) -> None:
    w = World(version)
    w.registrations.append(m.BootAnswered("Pending", 100, NOON))
    w.online()
    for command in (c.ClearCache(), c.ChangeAvailability(False, 1), SendLocalList(1, True)):
        reply = w.ask(command)
        assert (reply == c.Status("Accepted")) is obeys
        assert isinstance(reply, Refuse) is not obeys
    assert w.ask(c.RequestStart(Token("A"), 2)).status == "Rejected"
    assert w.told(m.StatusChanged) == []
    w.after(101)
    assert w.statuses[(1, 1)] == ("Unavailable" if obeys else "Available")


def test_a_pending_station_sends_what_it_is_asked_to_send(version: str) -> None:
    w = World(version)
    w.registrations.extend([m.BootAnswered("Pending", 1000, NOON)] * 2)
    w.online()
    for kind, message in (
        ("Heartbeat", m.Heartbeat),
        ("StatusNotification", m.StatusChanged),
        ("MeterValues", m.MetersRead),
    ):
        assert w.ask(c.TriggerMessage(kind, 1 if kind != "Heartbeat" else 0)).status == "Accepted"
        assert len(w.told(message)) == 1, kind
    assert w.ask(c.TriggerMessage("BootNotification")).status == "Accepted"
    assert boots(w) == ["PowerUp", "Triggered"]
    w.after(1001)
    assert boots(w) == ["PowerUp", "Triggered", "PowerUp"]


def test_an_accepted_station_boots_again_because_it_is_asked_in_1_6() -> None:
    w = World("1.6").online()
    w.received.clear()
    assert w.ask(c.TriggerMessage("BootNotification")).status == "Accepted"
    kinds = [type(message) for _, message in w.received]
    assert kinds == [m.Boot, *[m.StatusChanged] * 3], "after an accepted boot every status is told"
    w.mute = True
    w.ask(c.TriggerMessage("BootNotification"))
    w.after(200)
    assert len(boots(w)) == 2, "an answer that does not come changes nothing"


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_who_is_no_longer_accepted_is_silent(status: str) -> None:
    w = World("1.6").online()
    w.registrations.append(m.BootAnswered(status, 100, NOON))
    w.ask(c.TriggerMessage("BootNotification"))
    w.received.clear()
    w.plug().present("CARD1", 1).after(50)
    assert w.received == []
    w.after(60)
    assert boots(w) == ["PowerUp"]
    assert w.statuses[(1, 1)] == "Preparing"


def test_an_accepted_station_does_not_boot_again_because_it_is_asked_in_2_x() -> None:
    w = World("2.0.1").online()
    assert w.ask(c.TriggerMessage("BootNotification")).status == "Rejected"
    assert len(boots(w)) == 1


def test_heartbeats_keep_the_interval_of_the_csms(version: str) -> None:
    w = World(version)
    w.registrations.append(m.BootAnswered("Accepted", 50, w.utc))
    w.online().after(160)
    assert len(w.told(m.Heartbeat)) == 3
    w.set("OCPPCommCtrlr.HeartbeatInterval", "10").after(45)
    assert len(w.told(m.Heartbeat)) == 7


def test_a_reconnect_is_no_boot(version: str) -> None:
    w = World(version).online().offline().after(500).online()
    assert len(boots(w)) == 1
    assert len(w.told(m.SecurityEvent)) == 1


def test_after_a_short_time_offline_only_what_changed_is_told(version: str) -> None:
    w = World(version).online().offline().plug(1).after(30)
    w.received.clear()
    w.online()
    assert [(s.evse_id, s.status) for s in w.told(m.StatusChanged)] == [(1, w.statuses[(1, 1)])]


def test_after_a_long_time_offline_every_status_is_told(version: str) -> None:
    w = World(version).online().offline().plug(1).after(90)
    w.received.clear()
    w.online()
    assert {(s.evse_id, s.connector_id) for s in w.told(m.StatusChanged)} >= {(1, 1), (2, 1)}


def test_a_status_that_was_not_answered_is_told_again(version: str) -> None:
    w = World(version).online()
    w.mute = True
    w.plug()
    w.offline().after(5)
    w.mute = False
    w.received.clear()
    w.online()
    assert [s.evse_id for s in w.told(m.StatusChanged)] == [1]
