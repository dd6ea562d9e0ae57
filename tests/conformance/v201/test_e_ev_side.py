"""E: the cable is unplugged at the EV."""

import pytest

from tests.conformance.stations import ac_cable, ac_socket, with_bays
from tests.conformance.tester import Tester
from tests.csms import Message
from tests.daemon.visit import until

socket = pytest.mark.under_test(ac_socket, variables={})
cable = pytest.mark.under_test(ac_cable, variables={})
SOCKET, CABLE = pytest.param("detachable", marks=socket), pytest.param("fixed", marks=cable)


def suspended(tester: Tester) -> str:
    """EnergyTransferSuspended: S> chargingState SuspendedEV. The transactionId."""
    transaction = tester.charging()
    tester.station.ctl("sim.pause", evse=1)
    tester.event("Updated", "ChargingStateChanged", "SuspendedEV")
    return transaction


def disconnected(ended: Message) -> None:
    assert ended["triggerReason"] == "EVCommunicationLost"
    assert ended["transactionInfo"]["chargingState"] == "Idle"
    assert ended["transactionInfo"]["stoppedReason"] == "EVDisconnected"


def cable_removed(tester: Tester) -> None:
    """The other end is pulled, as soon as it is let go: S> Available."""
    tester.unplug()
    tester.csms.wait_status("Available")


@pytest.mark.parametrize("cable", [SOCKET, CABLE])
@pytest.mark.parametrize("point", ["Authorized", "PowerPathClosed"])
def test_tc_e_17_cs(tester: Tester, point: str, cable: str) -> None:
    """Stop transaction options - Deauthorized - EV side disconnect"""
    tester.set("TxCtrlr.TxStopPoint", point)
    tester.set("TxCtrlr.StopTxOnEVSideDisconnect", True)
    if cable == "detachable":
        tester.set("OCPPCommCtrlr.UnlockOnEVSideDisconnect", False)
    transaction = suspended(tester)
    tester.unplug_at_ev()
    disconnected(tester.ended(transaction))
    if cable == "detachable":
        assert tester.locked()
        tester.present()
        cable_removed(tester)
    else:
        tester.csms.wait_status("Available")


@pytest.mark.parametrize("cable", [SOCKET, CABLE])
def test_tc_e_20_cs(tester: Tester, cable: str) -> None:
    """Stop transaction options - EVDisconnected - EV side (able to charge IEC 61851-1 EV)"""
    tester.set("TxCtrlr.TxStopPoint", "EVConnected")
    tester.set("TxCtrlr.StopTxOnEVSideDisconnect", False)
    transaction = suspended(tester)
    tester.unplug_at_ev()
    disconnected(tester.ended(transaction))


@socket
@pytest.mark.parametrize("point", ["Authorized", "EVConnected"])
def test_tc_e_24_cs(tester: Tester, point: str) -> None:
    """Disconnect cable on EV-side - Deauthorize transaction - UnlockEVSideDisconnect is true"""
    tester.set("TxCtrlr.TxStopPoint", point)
    tester.set("TxCtrlr.StopTxOnEVSideDisconnect", True)
    tester.set("OCPPCommCtrlr.UnlockOnEVSideDisconnect", True)
    transaction = suspended(tester)
    assert tester.locked()
    tester.unplug_at_ev()
    disconnected(tester.ended(transaction))
    until(lambda: not tester.locked(), "connector that unlocks by itself")
    cable_removed(tester)


@socket
@pytest.mark.parametrize("point", ["Authorized", "EVConnected"])
def test_tc_e_25_cs(tester: Tester, point: str) -> None:
    """Disconnect cable on EV-side - Deauthorize transaction - UnlockOnEVSideDisconnect is false"""
    tester.set("TxCtrlr.TxStopPoint", point)
    tester.set("TxCtrlr.StopTxOnEVSideDisconnect", True)
    tester.set("OCPPCommCtrlr.UnlockOnEVSideDisconnect", False)
    transaction = suspended(tester)
    tester.unplug_at_ev()
    disconnected(tester.ended(transaction))
    assert tester.locked()
    tester.csms.forget()
    tester.present()
    until(lambda: not tester.locked(), "connector that the owner's token unlocks")
    cable_removed(tester)
    assert not tester.csms.calls("Authorize")[1:], "the token is known"


BAYS = [
    pytest.param("detachable", marks=pytest.mark.under_test(with_bays(ac_socket), variables={})),
    pytest.param("fixed", marks=pytest.mark.under_test(with_bays(ac_cable), variables={})),
]


@pytest.mark.parametrize("cable", BAYS)
@pytest.mark.parametrize("point", ["Authorized", "ParkingBayOccupancy"])
def test_tc_e_26_cs(tester: Tester, point: str, cable: str) -> None:
    """Disconnect cable on EV-side - Suspend transaction"""
    tester.set("TxCtrlr.TxStopPoint", point)
    tester.set("TxCtrlr.StopTxOnEVSideDisconnect", False)
    if cable == "detachable":
        tester.set("OCPPCommCtrlr.UnlockOnEVSideDisconnect", False)
    transaction = tester.charging()
    tester.unplug_at_ev()
    tester.event("Updated", "EVCommunicationLost", "Idle")
    if cable == "fixed":
        tester.csms.wait_status("Available")
    else:
        assert tester.locked()
    tester.station.ctl("sim.plug_in", evse=1)
    tester.event("Updated", "CablePluggedIn", "EVConnected")
    assert tester.energy_flows() == transaction
    assert not tester.csms.calls("StatusNotification", {"connectorStatus": "Available", "evseId": 1})[1:] or (
        cable == "fixed"
    )


@pytest.mark.under_test(with_bays(ac_cable), variables={"TxCtrlr.EVConnectionTimeOut": 1})
@pytest.mark.parametrize("point", ["Authorized", "ParkingBayOccupancy"])
def test_tc_e_27_cs(tester: Tester, point: str) -> None:
    """Disconnect cable on EV-side - Suspend transaction - Fixed cable connection timeout"""
    tester.set("TxCtrlr.TxStopPoint", point)
    tester.set("TxCtrlr.StopTxOnEVSideDisconnect", False)
    tester.charging()
    tester.unplug_at_ev()
    tester.event("Updated", "EVCommunicationLost", "Idle")
    tester.csms.wait_status("Available")
    if point == "Authorized":
        tester.event("Ended", "EVConnectTimeout", "Idle", stoppedReason="Timeout")
    else:
        tester.event("Updated", "EVConnectTimeout", "Idle")


@pytest.mark.parametrize("cable", [SOCKET, CABLE])
def test_tc_e_37_cs(tester: Tester, cable: str) -> None:
    """Stop transaction options - PowerPathClosed - EV side disconnect"""
    tester.set("TxCtrlr.TxStopPoint", "PowerPathClosed")
    tester.set("TxCtrlr.StopTxOnEVSideDisconnect", False)
    transaction = suspended(tester)
    tester.unplug_at_ev()
    disconnected(tester.ended(transaction))


def test_tc_e_54_cs(tester: Tester) -> None:
    """Stop transaction options - EVDisconnected - EV side"""
    tester.set("TxCtrlr.TxStopPoint", "EVConnected")
    tester.set("TxCtrlr.StopTxOnEVSideDisconnect", False)
    transaction = suspended(tester)
    tester.unplug_at_ev()
    disconnected(tester.ended(transaction))
