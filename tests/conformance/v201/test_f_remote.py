"""F: unlock, and messages on request."""

import pytest

from tests.conformance.stations import ac_socket
from tests.conformance.tester import Tester
from tests.csms import Csms
from tests.daemon.visit import until, world


def unlock(csms: Csms, connector: int = 1) -> str:
    """T> UnlockConnector of EVSE 1, S> its status."""
    return str(csms.call("UnlockConnector", {"evseId": 1, "connectorId": connector})["status"])


@pytest.mark.under_test(ac_socket, variables={})
def test_tc_f_05_cs(tester: Tester, csms: Csms) -> None:
    """Remote unlock Connector - With ongoing transaction"""
    transaction = tester.charging()
    assert unlock(csms) == "OngoingAuthorizedTransaction"
    assert world(tester.station)["locked"] is True
    assert tester.transaction_status(transaction)["ongoingIndicator"] is True


@pytest.mark.under_test(ac_socket, variables={"TxCtrlr.TxStopPoint": "Authorized"})
def test_tc_f_06_cs(tester: Tester, csms: Csms) -> None:
    """Remote unlock Connector - Without ongoing transaction - Accepted"""
    tester.ev_connected()
    assert unlock(csms) == "Unlocked"
    until(lambda: not world(tester.station)["locked"], "unlocked plug")
    tester.ev_disconnected()


@pytest.mark.under_test(ac_socket, variables={})
def test_tc_f_07_cs(tester: Tester, csms: Csms) -> None:
    """Remote unlock Connector - Without ongoing transaction - No cable connected"""
    assert unlock(csms) == "Unlocked"


@pytest.mark.under_test(ac_socket, variables={})
def test_tc_f_10_cs(tester: Tester, csms: Csms) -> None:
    """Remote unlock Connector - Without ongoing transaction - UnknownConnector"""
    assert unlock(csms, 999) == "UnknownConnector"


def test_tc_f_20_cs(tester: Tester, csms: Csms) -> None:
    """Trigger message - Heartbeat"""
    answered = tester.trigger("Heartbeat")
    assert csms.wait("Heartbeat").number > answered.message.number


def test_tc_f_23_cs(tester: Tester, csms: Csms) -> None:
    """Trigger message - StatusNotification - Specific EVSE - Available"""
    answered = tester.trigger("StatusNotification", 1, 1)
    assert csms.wait_status("Available", 1).number > answered.message.number


def test_tc_f_24_cs(tester: Tester, csms: Csms) -> None:
    """Trigger message - StatusNotification - Specific EVSE - Occupied"""
    tester.ev_connected(1)
    answered = tester.trigger("StatusNotification", 1, 1)
    assert csms.wait_status("Occupied", 1).number > answered.message.number


def test_tc_f_26_cs(tester: Tester, csms: Csms) -> None:
    """Trigger message - BootNotification - Rejected"""
    tester.trigger("BootNotification", expect="Rejected")
    tester.fence()
    assert len(csms.calls("BootNotification")) == 1


def test_tc_f_27_cs(tester: Tester) -> None:
    """Trigger message - NotImplemented"""
    tester.trigger("SignCombinedCertificate", expect="NotImplemented")
