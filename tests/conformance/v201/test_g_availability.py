"""G: the status of connectors, and availability."""

import pytest

from tests.conformance.tester import Tester
from tests.csms import Csms

Place = tuple[int, ...]
"""nothing: the station; an EVSE; an EVSE and a connector"""
STATION: Place = ()
EVSE: Place = (1,)
CONNECTOR: Place = (1, 1)


def down(tester: Tester, place: Place) -> None:
    """State Unavailable: T> Inoperative, S> Unavailable for each connector that it concerns."""
    tester.availability("Inoperative", *place)
    for evse in [1] if place else tester.evses:
        tester.csms.wait_status("Unavailable", evse)


def statuses_since(csms: Csms, number: int) -> list[tuple[int, str]]:
    """(evseId, connectorStatus) of each StatusNotification after this line of the transcript."""
    return [(m["evseId"], m["connectorStatus"]) for m in csms.calls("StatusNotification") if m.number > number]


def test_tc_g_01_cs(tester: Tester, csms: Csms) -> None:
    """Connector status Notification - Available to Occupied"""
    tester.set("TxCtrlr.TxStartPoint", "EVConnected")
    tester.ev_connected(1)
    started = csms.wait_event("Started")
    assert started["evse"] == {"id": 1, "connectorId": 1}
    assert started["triggerReason"] == "CablePluggedIn"


def test_tc_g_02_cs(tester: Tester, csms: Csms) -> None:
    """Connector status Notification - Occupied to Available"""
    tester.set("TxCtrlr.TxStartPoint", "EVConnected")
    tester.ev_connected(1)
    csms.wait_event("Started")
    tester.ev_disconnected(1)
    csms.wait_event("Ended", triggerReason="EVCommunicationLost")


def test_tc_g_03_cs(tester: Tester) -> None:
    """Change Availability EVSE - Operative to inoperative"""
    down(tester, EVSE)


def test_tc_g_04_cs(tester: Tester, csms: Csms) -> None:
    """Change Availability EVSE - Inoperative to operative"""
    down(tester, EVSE)
    tester.availability("Operative", *EVSE)
    csms.wait_status("Available", 1)


def test_tc_g_05_cs(tester: Tester) -> None:
    """Change Availability Charging Station - Operative to inoperative"""
    down(tester, STATION)


def test_tc_g_06_cs(tester: Tester) -> None:
    """Change Availability Charging Station - Inoperative to operative"""
    down(tester, STATION)
    tester.availability("Operative")
    tester.statuses()


def test_tc_g_07_cs(tester: Tester) -> None:
    """Change Availability Connector - Operative to inoperative"""
    down(tester, CONNECTOR)


def test_tc_g_08_cs(tester: Tester, csms: Csms) -> None:
    """Change Availability Connector - Inoperative to operative"""
    down(tester, CONNECTOR)
    tester.availability("Operative", *CONNECTOR)
    csms.wait_status("Available", 1)


def still(tester: Tester, place: Place, word: str, status: str) -> None:
    """T> the availability it has already, S> Accepted; no connector is told to be anything else."""
    before = len(tester.csms.transcript)
    tester.availability(word, *place)
    tester.fence()
    assert {told for _, told in statuses_since(tester.csms, before)} <= {status}
    tester.trigger("StatusNotification", 1, 1)
    tester.csms.wait_status(status, 1)


def test_tc_g_09_cs(tester: Tester) -> None:
    """Change Availability EVSE - Operative to operative"""
    still(tester, EVSE, "Operative", "Available")


def test_tc_g_10_cs(tester: Tester) -> None:
    """Change Availability EVSE - Inoperative to inoperative"""
    down(tester, EVSE)
    still(tester, EVSE, "Inoperative", "Unavailable")


def scheduled(tester: Tester, place: Place) -> None:
    """In a transaction at EVSE 1: S> Scheduled, and it goes on; Unavailable right after its end."""
    transaction = tester.charging(1)
    before = len(tester.csms.transcript)
    tester.availability("Inoperative", *place, expect="Scheduled")
    others = [] if place else [evse for evse in tester.evses if evse != 1]
    for evse in others:
        tester.csms.wait_status("Unavailable", evse)
    tester.fence()
    assert (1, "Unavailable") not in statuses_since(tester.csms, before)
    assert tester.transaction_status(transaction)["ongoingIndicator"] is True
    tester.stop_authorized()
    tester.ended(transaction)
    tester.csms.wait_status("Unavailable", 1)


def test_tc_g_11_cs(tester: Tester) -> None:
    """Change Availability EVSE - With ongoing transaction"""
    scheduled(tester, EVSE)


def test_tc_g_12_cs(tester: Tester) -> None:
    """Change Availability Charging Station - Operative to operative"""
    still(tester, STATION, "Operative", "Available")


def test_tc_g_13_cs(tester: Tester) -> None:
    """Change Availability Charging Station - Inoperative to inoperative"""
    down(tester, STATION)
    still(tester, STATION, "Inoperative", "Unavailable")


def test_tc_g_14_cs(tester: Tester) -> None:
    """Change Availability Charging Station - With ongoing transaction"""
    scheduled(tester, STATION)


def test_tc_g_15_cs(tester: Tester) -> None:
    """Change Availability Connector - Operative to operative"""
    still(tester, CONNECTOR, "Operative", "Available")


def test_tc_g_16_cs(tester: Tester) -> None:
    """Change Availability Connector - Inoperative to inoperative"""
    down(tester, CONNECTOR)
    still(tester, CONNECTOR, "Inoperative", "Unavailable")


def test_tc_g_17_cs(tester: Tester) -> None:
    """Change Availability Connector - With ongoing transaction"""
    scheduled(tester, CONNECTOR)


def restart(tester: Tester, how: str) -> None:
    if how == "power cut":
        tester.station.restart(type(tester.station).kill)
    else:
        tester.reset("Immediate")


@pytest.mark.parametrize("how", ["reset", "power cut"])
def test_tc_g_18_cs(tester: Tester, how: str) -> None:
    """Change Availability EVSE - state persists across reboot"""
    down(tester, EVSE)
    restart(tester, how)
    tester.booted(evse1="Unavailable")


@pytest.mark.parametrize("how", ["reset", "power cut"])
def test_tc_g_19_cs(tester: Tester, how: str) -> None:
    """Change Availability Connector - state persists across reboot"""
    down(tester, CONNECTOR)
    restart(tester, how)
    tester.booted(evse1="Unavailable")


@pytest.mark.parametrize("how", ["reset", "power cut"])
def test_tc_g_21_cs(tester: Tester, how: str) -> None:
    """Change Availability Charging Station - state persists across reboot"""
    down(tester, STATION)
    restart(tester, how)
    tester.booted(**{f"evse{evse}": "Unavailable" for evse in tester.evses})
