"""What the CSMS does from afar: start, stop, unlock, reset (F01 to F06, B11, B12; 1.6 §5)."""

import pytest

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core.values import Token, TokenInfo
from tests.core.world import World

DRIVER = Token("DRIVER", "ISO14443")


def charging(version: str, variables: dict[str, str] | None = None) -> World:
    return World(version, variables).online().plug().present("CARD1", 1).after(10)


def order(w: World, command: object) -> list[str]:
    """What the step that heard the command did, in order."""
    w._next_call += 1
    w.mono += 1
    event = e.CallReceived(f"x{w._next_call}", command)
    effects = w.station.step(event, w.now)
    return [type(effect).__name__ for effect in effects if type(effect).__name__ not in ("Note", "Display")]


@pytest.mark.parametrize("command", [c.RequestStart(DRIVER, 1, 1), c.TriggerMessage("Heartbeat")])
def test_the_answer_comes_before_what_follows(version: str, command: object) -> None:
    done = order(World(version).online().plug(), command)
    assert done[0] == "Respond"
    assert len(done) > 1


def test_a_stop_is_answered_before_it_happens(version: str) -> None:
    w = charging(version)
    done = order(w, c.RequestStop(w.records[0].transaction_id))
    assert done[0] == "Respond"
    assert "OpenPowerPath" in done


def test_started_and_stopped_from_afar(version: str) -> None:
    w = World(version).online().plug()
    assert w.ask(c.RequestStart(DRIVER, 1, 5)).status == "Accepted"
    assert w.on[1]
    assert not w.told(m.Authorize)
    assert w.ask_stop(1).status == "Accepted"
    w.after(10)
    assert (w.records[-1].trigger, w.records[-1].stopped_reason) == ("RemoteStop", "Remote")
    assert w.records[-1].token is None


def test_a_token_from_afar_is_checked_where_that_is_wanted(version: str) -> None:
    w = World(version, {"AuthCtrlr.AuthorizeRemoteStart": "true"}).online().plug()
    w.infos["DRIVER"] = TokenInfo("Invalid")
    assert w.ask(c.RequestStart(DRIVER, 1, 5)).status == "Accepted"
    assert len(w.told(m.Authorize)) == 1
    assert not w.on[1]


@pytest.mark.parametrize("kind", ["Central", "NoAuthorization"])
def test_what_the_csms_made_up_is_never_asked_for(version: str, kind: str) -> None:
    w = World(version, {"AuthCtrlr.AuthorizeRemoteStart": "true"}).online().plug()
    w.ask(c.RequestStart(Token("X", kind), 1, 5))
    assert not w.told(m.Authorize)
    assert w.on[1]
    assert "X" not in w.disk.tokens


def test_a_start_from_afar_waits_for_the_car(version: str) -> None:
    w = World(version).online()
    w.ask(c.RequestStart(DRIVER, 1, 5))
    assert w.after(20).plug().on[1]


def test_a_start_from_afar_does_not_wait_for_ever(version: str) -> None:
    w = World(version).online()
    w.ask(c.RequestStart(DRIVER, 1, 5))
    w.after(61)
    assert w.statuses[(1, 1)] == "Available"
    assert w.ask(c.RequestStart(DRIVER, 1, 6)).status == "Accepted"


def test_the_station_chooses_the_evse_with_the_car(version: str) -> None:
    w = World(version).online().plug(2)
    assert w.ask(c.RequestStart(DRIVER, 0, 5)).status == "Accepted"
    assert w.on[2]


def test_no_start_where_somebody_charges_or_nothing_works(version: str) -> None:
    w = charging(version)
    assert w.ask(c.RequestStart(DRIVER, 1, 5)).status == "Rejected"
    w.break_(2)
    assert w.ask(c.RequestStart(DRIVER, 2, 5)).status == "Rejected"
    w.mend(2)
    w.ask(c.ChangeAvailability(False, 2))
    assert w.ask(c.RequestStart(DRIVER, 2, 5)).status == "Rejected"
    assert w.ask(c.RequestStart(DRIVER, 9, 5)).status == "Rejected"


def test_a_start_names_the_transaction_that_began_with_the_cable() -> None:
    w = World("2.0.1", {"TxCtrlr.TxStartPoint": "EVConnected"}).online().plug()
    assert w.ask(c.RequestStart(DRIVER, 1, 5)).transaction_id == w.records[0].transaction_id


def test_a_start_for_a_fleet_does_not_stop_the_fleet(version: str) -> None:
    w = World(version).online()
    group = Token("FLEET", "Central")
    w.plug(1).plug(2)
    w.ask(c.RequestStart(DRIVER, 1, 5, group))
    w.ask(c.RequestStart(Token("OTHER"), 2, 6, group))
    assert w.on == {1: True, 2: True}
    w.infos["CARD1"] = TokenInfo("Accepted", group="FLEET")
    w.present("CARD1", 1).after(10)
    assert w.on == {1: False, 2: True}


def test_an_unknown_transaction_is_not_stopped(version: str) -> None:
    w = charging(version)
    assert w.ask(c.RequestStop("nonsense")).status == "Rejected"
    assert w.ask(c.RequestStop(reference=4711)).status == "Rejected"
    assert w.on[1]


def test_the_number_that_the_csms_gave_stops_it() -> None:
    w = charging("1.6")
    assert w.ask(c.RequestStop(reference=1)).status == "Accepted"
    assert not w.on[1]


def test_a_technician_stops_it(version: str) -> None:
    w = charging(version)
    w.tell(e.ControlAsked(1, c.StopLocally(1)))
    w.after(10)
    assert w.records[-1].stopped_reason == "Local"


# -- unlock ------------------------------------------------------------------------------------------------------------


def test_an_idle_plug_is_unlocked(version: str) -> None:
    assert World(version).online().ask(c.UnlockConnector(1, 1)).status == "Unlocked"


def test_unlock_while_charging(version: str) -> None:
    w = charging(version)
    reply = w.ask(c.UnlockConnector(1, 1))
    if version == "2.0.1":
        assert reply.status == "OngoingAuthorizedTransaction"
        assert w.on[1]
    else:
        assert reply.status == "Unlocked"
        w.after(10)
        assert w.records[-1].stopped_reason == "UnlockCommand"


def test_unlock_after_the_stop_leaves_the_transaction_to_its_stop_point() -> None:
    w = charging("2.0.1", {"TxCtrlr.TxStopPoint": "EVConnected"}).present("CARD1", 1).after(10)
    assert w.ask(c.UnlockConnector(1, 1)).status == "Unlocked"
    assert w.station.evses[1].running
    assert not w.station.evses[1].locked[1]


def test_a_jammed_lock_is_told(version: str) -> None:
    w = World(version).online()
    w.stuck.add((1, 1))
    assert w.ask(c.UnlockConnector(1, 1)).status == "UnlockFailed"


def test_a_lock_that_says_nothing_is_told_in_time(version: str) -> None:
    w = World(version).online()
    w.dumb.add((1, 1))
    assert w.ask(c.UnlockConnector(1, 1)) is None
    w.after(11)
    assert next(reversed(w.replies.values())).status == "UnlockFailed"


@pytest.mark.parametrize(("place", "status"), [((2, 1), "NotSupported"), ((1, 9), "UnknownConnector")])
def test_what_cannot_be_unlocked(version: str, place: tuple[int, int], status: str) -> None:
    assert World(version).online().ask(c.UnlockConnector(*place)).status == status


# -- reset -------------------------------------------------------------------------------------------------------------


def boots(w: World) -> list[str]:
    return [boot.reason for boot in w.told(m.Boot)]


def test_an_idle_station_restarts(version: str) -> None:
    w = World(version).online()
    assert w.ask(c.Reset(on_idle=False)).status == "Accepted"
    w.online()
    assert boots(w) == ["PowerUp", "RemoteReset"]
    assert [event.kind for event in w.told(m.SecurityEvent)] == ["StartupOfTheDevice", "ResetOrReboot"]
    w.cut()
    w.online()
    assert boots(w)[-1] == "PowerUp", "the reason is told once"


@pytest.mark.parametrize(("hard", "reason"), [(False, "ImmediateReset"), (True, "HardReset")])
def test_a_reset_now_ends_what_runs(version: str, hard: bool, reason: str) -> None:
    w = charging(version)
    assert w.ask(c.Reset(on_idle=False, hard=hard)).status == "Accepted"
    ended = w.records[-1]
    assert (ended.kind, ended.trigger, ended.stopped_reason, ended.token) == ("Ended", "ResetCommand", reason, None)
    assert w.restarts == [f.Restart(hard, "RemoteReset")]
    w.online()
    assert w.delivered() == w.records


def test_a_reset_waits_five_seconds_for_the_csms_and_loses_nothing(version: str) -> None:
    w = charging(version)
    w.mute_records = True
    w.ask(c.Reset(on_idle=False))
    assert not w.restarts
    w.after(6)
    assert w.restarts
    w.mute_records = False
    w.online()
    assert w.delivered() == w.records
    assert w.records[-1].kind == "Ended"


def test_a_reset_on_idle_waits_for_every_transaction(version: str) -> None:
    w = charging(version).plug(2).present("CARD2", 2).after(10)
    assert w.ask(c.Reset(on_idle=True)).status == "Scheduled"
    w.present("CARD1", 1).after(20)
    assert not w.restarts
    w.present("CARD2", 2).after(20)
    assert w.restarts == [f.Restart(False, "ScheduledReset")]


def test_a_strange_vendor_is_not_known(version: str) -> None:
    assert World(version).online().ask(c.TransferData("com.example")).status == "UnknownVendorId"


def test_a_reset_that_waits_for_a_silent_meter_is_not_woken_for_nothing(version: str) -> None:
    w = World(version).online().plug().present("CARD1", 1).after(30)
    w.meter_dead.add(1)
    w.ask(c.Reset(on_idle=False))
    w.after(20)  # each time the station is woken, something must be due
    assert len(w.restarts) == 1
    assert w.records[-1].kind == "Ended"


@pytest.mark.parametrize(
    ("kind", "place", "status"),
    [
        ("Heartbeat", (99, 1), "Accepted"),
        ("StatusNotification", (1, 1), "Accepted"),
        ("StatusNotification", (99, 1), "Rejected"),
        ("StatusNotification", (1, 9), "Rejected"),
        ("MeterValues", (99, 0), "Rejected"),
        ("TransactionEvent", (1, 0), "Rejected"),
        ("SignCombinedCertificate", (1, 0), "NotImplemented"),
    ],
)
def test_the_place_of_a_trigger_matters_where_the_message_has_one(
    version: str, kind: str, place: tuple[int, int], status: str
) -> None:
    w = World(version).online()
    w.received.clear()
    assert w.ask(c.TriggerMessage(kind, *place)).status == status
    assert bool(w.received) == (status == "Accepted"), "what is accepted is sent (F06.FR.10), nothing else is"


@pytest.mark.parametrize(
    ("command", "places"),
    [
        (c.TriggerMessage("StatusNotification", itself=True), [(0, 0)]),
        (c.TriggerMessage("StatusNotification", 2, 1), [(2, 1)]),
        (c.TriggerMessage("StatusNotification", 2), [(2, 1)]),
        (c.TriggerMessage("StatusNotification"), [(0, 0), (1, 1), (2, 1)]),
    ],
)
def test_a_status_is_told_of_the_places_that_are_meant(
    version: str, command: c.TriggerMessage, places: list[tuple[int, int]]
) -> None:
    w = World(version).online()
    w.received.clear()
    w.ask(command)
    told = [place for place in places if place != (0, 0) or version == "1.6"]
    assert [(status.evse_id, status.connector_id) for status in w.told(m.StatusChanged)] == told


def test_a_heartbeat_that_is_asked_for_is_sent_though_one_is_under_way(version: str) -> None:
    w = World(version).online()
    w.slow = True
    w.ask(c.TriggerMessage("Heartbeat"))
    w.ask(c.TriggerMessage("Heartbeat"))
    w.answer().answer()
    assert len(w.told(m.Heartbeat)) == 2


def test_who_comes_while_the_station_is_to_restart_does_not_keep_it_from_that(version: str) -> None:
    w = World(version, {"AuthCtrlr.LocalPreAuthorize": "true"}).online().present("CARD2", 2).present("CARD2", 2)
    w.plug(1).present("CARD1", 1).after(10)
    w.mute = True
    w.ask(c.Reset(on_idle=False))
    w.after(1).plug(2).present("CARD2", 2).after(6)
    assert len(w.restarts) == 1
    assert {record.evse_id for record in w.records} == {1}
    w.mute = False
    w.online().present("CARD2", 2).after(5)
    assert w.on[2], "afterwards as ever"


def test_nobody_asked_comes_while_the_station_is_to_restart(version: str) -> None:
    w = World(version, {"AuthCtrlr.Enabled": "false"}).online().plug(1).after(10)
    w.mute = True
    w.ask(c.Reset(on_idle=False))
    w.after(1).plug(2).after(6)
    assert len(w.restarts) == 1
