"""E: what ends a transaction."""

import pytest

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
    last = "EVCommunicationLost Idle EVDisconnected" if stop == "EVConnected" else "StopAuthorized EVConnected Local"
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
