"""E: what ends a transaction."""

import pytest

from tests.conformance.stations import ac_socket, dc_station, with_bays
from tests.conformance.tester import TOKEN, Tester
from tests.csms import Csms

ID_TOKEN = {"idToken": TOKEN, "type": "ISO14443"}
NO_SOONER = ["EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"]


@pytest.mark.parametrize("stop", NO_SOONER)
def test_tc_e_06_cs(tester: Tester, csms: Csms, stop: str) -> None:
    """Local Stop Transaction - Accepted"""
    tester.set("TxCtrlr.TxStopPoint", stop)
    transaction = tester.charging()
    stopped = tester.stop_authorized()
    assert stopped["idToken"] == ID_TOKEN
    assert len(csms.calls("Authorize")) == 1
    if stop == "EVConnected":
        tester.event("Updated", "ChargingStateChanged", "EVConnected")
    tester.ev_disconnected()
    if stop == "EVConnected":
        tester.ended(transaction)
    last = "EVCommunicationLost Idle Local" if stop == "EVConnected" else "StopAuthorized EVConnected Local"
    ends = [row for row in tester.story(transaction) if row.startswith("Ended")]
    assert ends == [f"Ended {last}"]


def local_stop(tester: Tester, stop: str) -> None:
    tester.set("TxCtrlr.TxStopPoint", stop)
    transaction = tester.charging()
    tester.present()
    ended = tester.ended(transaction)
    assert ended["triggerReason"] == "StopAuthorized"
    assert ended["idToken"] == ID_TOKEN
    assert ended["transactionInfo"]["stoppedReason"] == "Local"
    assert ended["transactionInfo"]["chargingState"] == "EVConnected"


def remote_stop(tester: Tester, stop: str) -> None:
    tester.set("TxCtrlr.TxStopPoint", stop)
    transaction = tester.charging()
    tester.remote_stop(transaction)
    ended = tester.ended(transaction)
    assert ended["triggerReason"] == "RemoteStop"
    assert ended["transactionInfo"]["stoppedReason"] == "Remote"
    assert "idToken" not in ended.payload


def test_tc_e_07_cs(tester: Tester) -> None:
    """Stop transaction options - PowerPathClosed - Local stop"""
    local_stop(tester, "PowerPathClosed")


@pytest.mark.under_test(ac_socket, variables={})
@pytest.mark.parametrize("how", ["local", "remote"])
def test_tc_e_14_cs(tester: Tester, how: str) -> None:
    """Stop transaction options - EVDisconnected - Charging Station side"""
    tester.set("TxCtrlr.TxStopPoint", "EVConnected")
    transaction = tester.charging()
    stop(tester, transaction, how)
    tester.event("Updated", "ChargingStateChanged", "EVConnected")
    tester.ev_disconnected()
    ended = tester.ended(transaction)
    assert ended["triggerReason"] == "EVCommunicationLost"
    assert ended["transactionInfo"]["chargingState"] == "Idle"
    assert ended["transactionInfo"]["stoppedReason"] == how.capitalize()


def stop(tester: Tester, transaction: str, how: str) -> None:
    """StopAuthorized, locally or remotely, where that does not end the transaction."""
    if how == "remote":
        tester.remote_stop(transaction)
        tester.event("Updated", "RemoteStop")
    else:
        tester.stop_authorized()


@pytest.mark.under_test(with_bays(dc_station), variables={})
@pytest.mark.parametrize("how", ["local", "remote"])
def test_tc_e_19_cs(tester: Tester, how: str) -> None:
    """Stop transaction options - ParkingBayUnoccupied"""
    tester.set("TxCtrlr.TxStopPoint", "ParkingBayOccupancy")
    tester.drive_in()
    transaction = tester.charging()
    stop(tester, transaction, how)
    tester.event("Updated", "ChargingStateChanged", "EVConnected")
    tester.ev_disconnected()
    tester.event("Updated", "EVCommunicationLost", "Idle")
    tester.drive_out()
    ended = tester.ended(transaction)
    assert ended["triggerReason"] == "EVDeparted"
    assert ended["transactionInfo"]["stoppedReason"] == how.capitalize()


@pytest.mark.parametrize("how", [local_stop, remote_stop])
def test_tc_e_08_cs(tester: Tester, how: object) -> None:
    """Stop transaction options - EnergyTransfer stopped - StopAuthorized"""
    assert callable(how)
    how(tester, "EnergyTransfer")


def test_tc_e_15_cs(tester: Tester) -> None:
    """Stop transaction options - StopAuthorized - Local"""
    local_stop(tester, "Authorized")


def test_tc_e_21_cs(tester: Tester) -> None:
    """Stop transaction options - StopAuthorized - Remote"""
    remote_stop(tester, "Authorized")


def test_tc_e_22_cs(tester: Tester) -> None:
    """Stop transaction options - EnergyTransfer stopped - SuspendedEV"""
    tester.set("TxCtrlr.TxStopPoint", "EnergyTransfer")
    transaction = tester.charging()
    tester.station.ctl("sim.pause", evse=1)
    ended = tester.ended(transaction)
    assert ended["triggerReason"] == "ChargingStateChanged"
    assert ended["transactionInfo"]["chargingState"] in ("EVConnected", "SuspendedEV")
    assert ended["transactionInfo"]["stoppedReason"] == "StoppedByEV"


def test_tc_e_35_cs(tester: Tester) -> None:
    """Stop transaction options - PowerPathClosed - Remote stop"""
    remote_stop(tester, "PowerPathClosed")
