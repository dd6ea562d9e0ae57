"""When a transaction starts and ends (E01 to E10): every point alone and in pairs, and who holds the energy up."""

from itertools import combinations

import pytest

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core.plan import ConnectorPlan, EvsePlan
from chargepointd.core.values import Token, TokenInfo
from chargepointd.core.variables.catalogue import parse_name
from tests.core.world import PLAN, World

POINTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer")
SETS = [*[(p,) for p in POINTS], *combinations(POINTS, 2)]
FIRST = {
    "cable first": dict(zip(POINTS, (0, 0, 1, 1, 2), strict=True)),
    "card first": dict(zip(POINTS, (1, 1, 0, 1, 2), strict=True)),
}
"""at which of the steps (cable or card, card or cable, the car is hungry) a point is reached"""


def no_lock() -> World:
    """An EVSE whose cable is fixed: nothing waits for a bolt."""
    plan = PLAN._replace(evses=(EvsePlan(1, (ConnectorPlan(1, fixed_cable=True),), bay_sensor=True), PLAN.evses[1]))
    return World("2.0.1", plan=plan)


def with_points(start: tuple[str, ...], stop: tuple[str, ...]) -> World:
    w = no_lock()
    w.hunger(1, False)
    w.online()
    return w.set("TxCtrlr.TxStartPoint", ",".join(start)).set("TxCtrlr.TxStopPoint", ",".join(stop))


@pytest.mark.parametrize("order", FIRST)
@pytest.mark.parametrize("start", SETS, ids="+".join)
def test_it_starts_with_the_first_start_point_that_is_reached(start: tuple[str, ...], order: str) -> None:
    w = with_points(start, ("EVConnected",))
    begun = []
    steps = [w.plug, lambda: w.present("CARD1", 1)]
    for act in [*(steps if order == "cable first" else reversed(steps)), lambda: w.hunger(1, True)]:
        act()
        begun.append(bool(w.records))
    first = min(FIRST[order][point] for point in start)
    assert begun == [n >= first for n in range(3)]
    assert w.records[0].kind == "Started"
    assert w.on[1]


ENDS = {
    "the card is shown again": {"Authorized", "PowerPathClosed", "EnergyTransfer"},
    "the car is full": {"EnergyTransfer"},
    "the car leaves": set(POINTS),
    "a fault": {"PowerPathClosed", "EnergyTransfer"},
}
DEEDS = {
    "the card is shown again": lambda w: w.present("CARD1", 1),
    "the car is full": lambda w: w.hunger(1, False),
    "the car leaves": lambda w: w.unplug().drive_out(),
    "a fault": lambda w: w.break_(1),
}
TRIGGERS = {
    "the card is shown again": ("StopAuthorized", "Local"),
    "the car is full": ("ChargingStateChanged", "StoppedByEV"),
    "the car leaves": ("EVCommunicationLost", "EVDisconnected"),
    "a fault": ("AbnormalCondition", "GroundFault"),
}


@pytest.mark.parametrize("deed", ENDS)
@pytest.mark.parametrize("stop", SETS, ids="+".join)
def test_it_ends_with_the_first_stop_point_that_is_lost(stop: tuple[str, ...], deed: str) -> None:
    w = with_points(("PowerPathClosed",), stop)
    w.plug().present("CARD1", 1).hunger(1, True).after(100)
    assert w.on[1]
    DEEDS[deed](w)
    w.after(10)
    ended = w.records[-1]
    assert (ended.kind == "Ended") == bool(ENDS[deed] & set(stop))
    if ended.kind == "Ended":
        assert (ended.trigger, ended.stopped_reason) == TRIGGERS[deed]
    assert not w.on[1]
    w.mend(1).unplug().drive_out().after(10)
    assert [r.kind for r in w.records].count("Ended") == 1, "without car and card it is over"


def test_no_start_point_at_all_is_as_good_as_the_usual_one() -> None:
    w = no_lock().online().set("TxCtrlr.TxStartPoint", "").plug().present("CARD1", 1)
    assert w.records[0].kind == "Started"
    assert w.on[1]


def test_a_visit_as_the_csms_sees_it() -> None:
    w = no_lock().online().plug().present("CARD1", 1).after(90).hunger(1, False).after(30).hunger(1, True).after(30)
    w.present("CARD1", 1).after(9)
    assert w.story() == [
        "Started Authorized EVConnected",
        "Updated ChargingStateChanged Charging",
        "Updated ChargingStateChanged SuspendedEV",
        "Updated ChargingStateChanged Charging",
        "Ended StopAuthorized EVConnected (Local)",
    ]


def test_a_car_that_never_asks_is_the_one_who_waits(version: str) -> None:
    w = World(version).online()
    w.hunger(1, False).plug().present("CARD1", 1).after(9)
    assert w.records[-1].charging_state == "EVConnected"
    w.after(2)
    assert w.story()[-1] == "Updated ChargingStateChanged SuspendedEV"
    if version == "1.6":
        assert w.statuses[(1, 1)] == "SuspendedEV"


def test_what_waits_for_the_bolt_starts_by_what_came_last() -> None:
    assert World("2.0.1").online().plug().present("CARD1", 1).records[0].trigger == "Authorized"
    assert World("2.0.1").online().present("CARD1", 1).plug().records[0].trigger == "CablePluggedIn"


# -- the plug ----------------------------------------------------------------------------------------------------------


def test_nothing_starts_while_the_lock_does_not_hold(version: str) -> None:
    w = World(version).online()
    w.stuck.add((1, 1))
    w.plug().present("CARD1", 1)
    assert w.records == []
    assert not w.on[1]
    assert w.statuses[(1, 1)] == "Faulted"


def test_a_lock_that_works_again_lets_the_visit_begin(version: str) -> None:
    w = World(version).online()
    w.stuck.add((1, 1))
    w.plug().present("CARD1", 1)
    w.stuck.clear()
    w.tell(e.LockMoved(1, 1, False))
    assert w.on[1]
    assert w.records[0].kind == "Started"


def test_who_is_not_authorized_is_not_locked_in() -> None:
    points = {"TxCtrlr.TxStartPoint": "EVConnected", "TxCtrlr.TxStopPoint": "EVConnected"}
    w = World("2.0.1", points).online().plug()
    assert not w.station.evses[1].locked[1]
    assert w.present("CARD1", 1).station.evses[1].locked[1]
    w.present("CARD1", 1)
    assert w.station.evses[1].running
    assert not w.station.evses[1].locked[1], "the driver must be able to leave, which ends the transaction"


def test_the_plug_is_let_go_only_when_the_power_path_is_open(version: str) -> None:
    w = World(version).online().plug().present("CARD1", 1).after(10)
    w.welded.add(1)
    w.present("CARD1", 1).after(5)
    assert w.station.evses[1].locked[1]
    w.welded.clear()
    w.tell(e.PowerSwitched(1, False))
    assert not w.station.evses[1].locked[1]


# -- unplugged at the car (E09, E10; 1.6 §3.16.1) ----------------------------------------------------------------------


def unplugged_at_the_car(version: str, stop: str, unlock: str) -> World:
    names = {"TxCtrlr.StopTxOnEVSideDisconnect": stop, "OCPPCommCtrlr.UnlockOnEVSideDisconnect": unlock}
    return World(version, names).online().plug().present("CARD1", 1).after(30).unplug().after(2)


def test_it_ends_and_the_cable_is_free(version: str) -> None:
    w = unplugged_at_the_car(version, "true", "true")
    assert w.story()[-1] == "Ended EVCommunicationLost Idle (EVDisconnected)"
    assert not w.station.evses[1].locked[1]
    assert w.statuses[(1, 1)] == "Available"


def test_it_ends_and_the_cable_is_kept_for_its_owner(version: str) -> None:
    w = unplugged_at_the_car(version, "true", "false")
    assert w.story()[-1] == "Ended EVCommunicationLost Idle (EVDisconnected)"
    assert w.station.evses[1].locked[1]
    assert w.statuses[(1, 1)] == ("Finishing" if version == "1.6" else "Occupied")
    w.cut()
    w.online()
    assert w.station.evses[1].session.held, "over a power cut too"
    w.present("CARD1", 1)
    assert not w.station.evses[1].locked[1]
    assert w.statuses[(1, 1)] == "Available"


def test_a_cable_that_is_kept_is_nobody_elses(version: str) -> None:
    w = unplugged_at_the_car(version, "true", "false")
    w.present("CARD2", 1).present("CARD2", 1).after(200)
    assert w.station.evses[1].locked[1]
    assert w.ask_start(1).status == "Rejected"
    w.present("CARD1", 1)
    assert not w.station.evses[1].locked[1]


def test_a_master_pass_frees_a_cable_that_is_kept(version: str) -> None:
    w = unplugged_at_the_car(version, "true", "false").configure("AuthCtrlr.MasterPassGroupId", "MASTERS")
    w.infos["BOSS"] = TokenInfo("Accepted", group="MASTERS")
    w.present("BOSS", 1)
    assert not w.station.evses[1].locked[1]


def test_a_cable_that_is_kept_can_be_freed_from_afar(version: str) -> None:
    w = unplugged_at_the_car(version, "true", "false")
    assert w.ask(c.UnlockConnector(1, 1)).status == "Unlocked"
    assert w.statuses[(1, 1)] == "Available"


def test_it_waits_for_the_car_and_goes_on(version: str) -> None:
    w = World(version, {"TxCtrlr.StopTxOnEVSideDisconnect": "false", "TxCtrlr.TxStopPoint": "Authorized"}).online()
    w.plug().present("CARD1", 1).after(30).unplug().after(20)
    assert w.story()[-1] == "Updated EVCommunicationLost Idle"
    assert w.station.evses[1].locked[1]
    w.plug()
    assert w.story()[-2:] == ["Updated CablePluggedIn EVConnected", "Updated ChargingStateChanged Charging"]
    assert len({record.transaction_id for record in w.records}) == 1


def test_it_waits_for_the_car_no_longer_than_the_timeout(version: str) -> None:
    w = World(version, {"TxCtrlr.StopTxOnEVSideDisconnect": "false", "TxCtrlr.TxStopPoint": "Authorized"}).online()
    w.plug().present("CARD1", 1).after(30).unplug().after(70)
    assert w.story()[-1] == "Ended EVConnectTimeout Idle (Timeout)"


def test_a_remote_stop_ends_what_waits_for_the_car(version: str) -> None:
    w = World(version, {"TxCtrlr.StopTxOnEVSideDisconnect": "false", "TxCtrlr.TxStopPoint": "Authorized"}).online()
    w.plug().present("CARD1", 1).after(30).unplug()
    assert w.ask_stop(1).status == "Accepted"
    assert w.after(10).story()[-1] == "Ended RemoteStop Idle (Remote)"


# -- two connectors of one EVSE ----------------------------------------------------------------------------------------


def test_the_second_connector_of_a_busy_evse_changes_nothing(version: str) -> None:
    two = PLAN._replace(evses=(EvsePlan(1, (ConnectorPlan(1), ConnectorPlan(2))), PLAN.evses[1]))
    w = World(version, plan=two).online().plug().present("CARD1", 1).after(30)
    w.tell(e.CablePlugged(1, 2))
    w.tell(e.CableUnplugged(1, 2))
    assert w.on[1]
    assert {record.connector_id for record in w.records} == {1}


# -- faults ------------------------------------------------------------------------------------------------------------


def test_a_fault_suspends_and_its_end_resumes(version: str) -> None:
    w = World(version).online().plug().present("CARD1", 1).after(30).break_(1).after(5)
    assert w.story()[-1] == "Updated AbnormalCondition SuspendedEVSE"
    assert w.statuses[(1, 1)] == "Faulted"
    w.mend(1).after(5)
    assert w.story()[-1] == "Updated ChargingStateChanged Charging"


def test_a_dark_display_stops_nobody(version: str) -> None:
    w = World(version).online().plug().present("CARD1", 1).after(30)
    w.degrade(1, "ReaderFailure")
    assert w.on[1]
    assert w.records[-1].trigger != "AbnormalCondition"


def test_a_faulted_evse_takes_no_card(version: str) -> None:
    w = World(version).online().break_(1).plug().present("CARD1", 1).after(100)
    assert w.records == []
    w.mend(1)
    assert not w.on[1]


def test_an_emergency_stop_is_the_reason(version: str) -> None:
    w = World(version, {"TxCtrlr.TxStopPoint": "PowerPathClosed"}).online().plug().present("CARD1", 1).after(30)
    w.break_(1, "EmergencyStop").after(9)
    if version == "1.6":
        assert w.station.evses[1].running, "1.6 has one stop point"
    else:
        assert w.story()[-1] == "Ended AbnormalCondition EVConnected (EmergencyStop)"


# -- remote start ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", POINTS)
def test_the_first_record_after_a_remote_start_says_so(start: str) -> None:
    w = World("2.0.1", {"TxCtrlr.TxStartPoint": start}).online()
    assert w.ask(c.RequestStart(Token("DRIVER", "Central"), 1, 77)).status == "Accepted"
    w.plug()
    first = next(r for r in w.records if r.token)
    assert (first.trigger, first.remote_start_id, first.token) == ("RemoteStart", 77, Token("DRIVER", "Central"))
    assert [r.trigger for r in w.records].count("RemoteStart") == 1
    assert w.on[1]


# -- the bay (E01.FR.01, E06.FR.01) ------------------------------------------------------------------------------------

SENSED = PLAN._replace(evses=tuple(evse._replace(bay_sensor=True) for evse in PLAN.evses))
BAY = {"TxCtrlr.TxStartPoint": "ParkingBayOccupancy", "TxCtrlr.TxStopPoint": "ParkingBayOccupancy"}


def test_a_visit_from_the_bay_to_the_bay() -> None:
    w = World("2.0.1", BAY, plan=SENSED).online().drive_in().present("CARD1").plug().after(30)
    w.present("CARD1").unplug().after(5).drive_out().after(5)
    assert w.story() == [
        "Started EVDetected Idle",
        "Updated Authorized Idle",
        "Updated CablePluggedIn EVConnected",
        "Updated ChargingStateChanged Charging",
        "Updated StopAuthorized Charging",
        "Updated ChargingStateChanged EVConnected",
        "Updated EVCommunicationLost Idle",
        "Ended EVDeparted Idle (Local)",
    ]


def test_who_only_parks_is_told_too() -> None:
    w = World("2.0.1", BAY, plan=SENSED).online().drive_in().after(600).drive_out()
    assert w.story() == ["Started EVDetected Idle", "Ended EVDeparted Idle (Local)"]


def test_a_card_that_waits_for_a_plug_is_forgotten_and_the_car_still_parks() -> None:
    w = World("2.0.1", BAY, plan=SENSED).online().drive_in().present("CARD1").after(61)
    assert w.story()[-1] == "Updated EVConnectTimeout Idle"
    assert w.drive_out().story()[-1] == "Ended EVDeparted Idle (Timeout)"


def test_a_car_that_left_while_the_power_was_out_has_left() -> None:
    w = World("2.0.1", BAY, plan=SENSED).online().drive_in()
    w.bays[1] = False
    w.cut()
    assert w.story()[-1] == "Ended EVDeparted Idle (PowerLoss)"


def test_a_card_is_for_the_car_that_is_plugged_in_not_for_one_that_only_parks() -> None:
    w = World("2.0.1", plan=SENSED).online().drive_in(1).present("CARD1").plug(2)
    assert (w.on[1], w.on[2]) == (False, True)


def test_a_sensor_that_says_nothing_lets_nobody_charge_for_free() -> None:
    w = World("2.0.1", BAY, plan=SENSED).online().plug().present("CARD1").after(30)
    assert w.story()[0] == "Started CablePluggedIn EVConnected"
    w.unplug().after(5)
    assert w.story()[-1] == "Ended EVCommunicationLost Idle (EVDisconnected)"


def test_a_second_visit_in_one_bay_is_another_transaction() -> None:
    names = BAY | {"TxCtrlr.TxStopPoint": "EVConnected"}
    w = World("2.0.1", names, plan=SENSED).online().drive_in().plug().present("CARD1").after(30).unplug().after(5)
    w.plug().present("CARD2").after(5)
    assert [r.kind for r in w.records].count("Started") == 2
    assert w.on[1]


def test_what_nothing_can_tell_is_no_point_to_choose() -> None:
    name = ((parse_name("TxCtrlr.TxStartPoint"), "Actual", "ParkingBayOccupancy"),)
    assert World("2.0.1").online().ask(c.SetVariables(name)).items[0].status == "Rejected"
    assert World("2.0.1", plan=SENSED).online().ask(c.SetVariables(name)).items[0].status == "Accepted"


# -- a plug without a car ----------------------------------------------------------------------------------------------


def test_a_cable_that_is_left_in_the_socket_occupies_it(version: str) -> None:
    w = World(version, senses_plugs=True).online().plug().present("CARD1", 1).after(30).unplug_at_car().after(2)
    assert not w.station.evses[1].locked[1]
    assert w.statuses[(1, 1)] != "Available"
    assert w.pull().statuses[(1, 1)] == "Available"


def test_a_cable_that_was_torn_out_is_kept_for_nobody(version: str) -> None:
    w = World(version, {"OCPPCommCtrlr.UnlockOnEVSideDisconnect": "false"}, senses_plugs=True).online()
    w.plug().present("CARD1", 1).after(30).unplug().after(2)
    assert not w.station.evses[1].session.held
    assert w.statuses[(1, 1)] == "Available"


def test_a_cable_that_was_free_before_the_car_left_is_kept_for_nobody(version: str) -> None:
    names = {"OCPPCommCtrlr.UnlockOnEVSideDisconnect": "false", "TxCtrlr.TxStopPoint": "EVConnected"}
    w = World(version, names).online().plug().present("CARD1", 1).after(30).present("CARD1", 1).after(5)
    w.unplug().after(2)
    assert w.statuses[(1, 1)] == "Available"


def test_while_it_waits_for_its_car_the_socket_is_taken_and_the_fixed_cable_is_not() -> None:
    names = {"TxCtrlr.StopTxOnEVSideDisconnect": "false", "TxCtrlr.TxStopPoint": "Authorized"}
    w = World("2.0.1", names).online()
    for evse in (1, 2):
        w.plug(evse).present(f"CARD{evse}", evse).after(30).unplug_at_car(evse).after(2)
    assert (w.statuses[(1, 1)], w.statuses[(2, 1)]) == ("Occupied", "Available")


def test_in_1_6_what_waits_for_its_car_is_suspended_by_it() -> None:
    names = {"TxCtrlr.StopTxOnEVSideDisconnect": "false"}
    w = World("1.6", names, senses_plugs=True).online().plug().present("CARD1", 1).after(30).unplug_at_car().after(2)
    assert w.statuses[(1, 1)] == "SuspendedEV"


@pytest.mark.parametrize("back", [True, False])
def test_what_waits_for_its_car_still_does_after_a_power_cut(version: str, back: bool) -> None:
    names = {"TxCtrlr.StopTxOnEVSideDisconnect": "false", "TxCtrlr.TxStopPoint": "Authorized"}
    w = World(version, names).online().plug().present("CARD1", 1).after(30).unplug_at_car()
    w.plugged[1] = back
    w.cut()
    w.online().after(30)
    assert w.story().count("Updated EVCommunicationLost Idle") == 1
    if back:
        told = ["CablePluggedIn EVConnected", "TxResumed EVConnected", "ChargingStateChanged Charging"]
        assert w.story()[-3:] == [f"Updated {each}" for each in told]
    else:
        assert w.after(40).story()[-1] == "Ended EVConnectTimeout Idle (Timeout)"


def test_the_reason_is_why_the_right_to_energy_ended() -> None:
    w = World("2.0.1", {"TxCtrlr.TxStopPoint": "EVConnected"}).online().plug().present("CARD1", 1).after(30)
    w.ask_stop(1)
    w.after(5).unplug().after(5)
    assert w.story()[-1] == "Ended EVCommunicationLost Idle (Remote)"
