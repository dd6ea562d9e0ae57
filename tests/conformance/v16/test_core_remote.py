"""Core: remote start and stop, unlock, data transfer."""

import pytest

from tests.conformance.stations import ac_cable, ac_socket
from tests.conformance.v16.tester import TOKEN, Tester
from tests.csms import CallRefused, Csms
from tests.daemon.visit import until

socket = pytest.mark.under_test(ac_socket, variables={})
cable = pytest.mark.under_test(ac_cable, variables={})
checked = pytest.mark.parametrize("asks", [True, False])


def asked(csms: Csms, asks: bool) -> None:
    """S> Authorize where AuthorizeRemoteTxRequests is true, else none."""
    if asks:
        csms.wait("Authorize", idTag=TOKEN)
    else:
        assert not csms.calls("Authorize")


@checked
def test_tc_010_cs(tester: Tester, csms: Csms, asks: bool) -> None:
    """Remote Start Charging Session - Cable Plugged in First"""
    tester.configure("AuthorizeRemoteTxRequests", asks)
    assert tester.configuration("AuthorizeRemoteTxRequests") == {"AuthorizeRemoteTxRequests": str(asks).lower()}
    tester.occupied()
    tester.remote_start()
    tester.started()
    asked(csms, asks)


@checked
def test_tc_011_1_cs(tester: Tester, csms: Csms, asks: bool) -> None:
    """Remote Start Charging Session - Remote Start First"""
    tester.configure("AuthorizeRemoteTxRequests", asks)
    tester.remote_start()
    tester.status(1, "Preparing")
    tester.plug_in()
    tester.started()
    asked(csms, asks)


@checked
def test_tc_011_2_cs(tester: Tester, csms: Csms, asks: bool) -> None:
    """Remote Start Charging Session - Time Out"""
    tester.configure("AuthorizeRemoteTxRequests", asks)
    tester.configure("ConnectionTimeOut", 1)
    before = csms.now
    tester.remote_start()
    tester.status(1, "Preparing")
    assert tester.status(1, "Available").at - before >= 1
    asked(csms, asks)
    assert not csms.calls("StartTransaction")


def test_tc_012_cs(tester: Tester) -> None:
    """Remote Stop Charging Session"""
    transaction = tester.charging()
    answer = tester.remote_stop(transaction)
    assert tester.stopped(transaction, reason="Remote").number > answer.message.number


def test_tc_026_cs(tester: Tester) -> None:
    """Remote Start Charging Session - Rejected"""
    tester.charging()
    tester.remote_start(expect="Rejected")


def test_tc_027_cs(tester: Tester, csms: Csms) -> None:
    """Remote start transaction - connector id shall not be 0"""
    tester.occupied()
    tester.remote_start(0, expect="Rejected")
    tester.fence()
    assert not csms.calls("StartTransaction")


def test_tc_028_cs(tester: Tester, csms: Csms) -> None:
    """Remote Stop Transaction - Rejected"""
    transaction = tester.charging()
    tester.remote_stop(transaction + 1, expect="Rejected")
    tester.fence()
    tester.delivered()
    assert not csms.calls("StopTransaction")


def unlock(csms: Csms, connector: int = 1) -> str:
    """T> UnlockConnector, S> its status."""
    return str(csms.call("UnlockConnector", {"connectorId": connector})["status"])


@socket
def test_tc_017_1_cs(tester: Tester, csms: Csms) -> None:
    """Unlock connector - no charging session running (Not fixed cable)"""
    assert unlock(csms) == "Unlocked"
    assert not tester.locked()


def test_tc_017_2_cs(tester: Tester, csms: Csms) -> None:
    """Unlock connector - no charging session running (Fixed cable)"""
    assert unlock(csms) == "NotSupported"


@socket
def test_tc_018_1_cs(tester: Tester, csms: Csms) -> None:
    """Unlock Connector - With Charging Session (Not fixed cable)"""
    transaction = tester.charging()
    assert tester.locked()
    assert unlock(csms) == "Unlocked"
    tester.stopped(transaction, reason="UnlockCommand")
    assert not tester.locked()
    tester.unplugged()


@pytest.mark.parametrize("station_", ["DC", pytest.param("AC", marks=cable)])
def test_tc_018_2_cs(tester: Tester, csms: Csms, station_: str) -> None:
    """Unlock Connector - With Charging Session (Fixed cable)"""
    tester.charging()
    assert unlock(csms) == "NotSupported"
    tester.fence()
    tester.delivered()
    assert not csms.calls("StopTransaction")
    assert tester.power_w() > 0


@socket
def test_tc_030_cs(tester: Tester, csms: Csms) -> None:
    """Unlock Connector - Unlock Failure"""
    tester.occupied()
    tester.authorized()
    tester.started()
    until(tester.locked, "locked plug")
    tester.station.ctl("sim.raise_error", evse=1, error="lock_failure")
    assert unlock(csms) == "UnlockFailed"


@pytest.mark.parametrize("connector", [0, 99])
@socket
def test_tc_031_cs(tester: Tester, csms: Csms, connector: int) -> None:
    """Unlock Connector - Unknown Connector"""
    try:
        assert unlock(csms, connector) == "NotSupported"
    except CallRefused as refused:
        assert connector == 0 and refused.code == "PropertyConstraintViolation"


def test_tc_062_cs(tester: Tester, csms: Csms) -> None:
    """Data Transfer to a Charge Point"""
    answer = csms.call("DataTransfer", {"vendorId": "org.example.unknown", "messageId": "x", "data": "y"})
    assert answer["status"] == "UnknownVendorId"
