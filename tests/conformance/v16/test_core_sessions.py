"""Core: charging sessions, from the card to the unplugged cable."""

import pytest

from tests.conformance.stations import ac_cable, ac_socket
from tests.conformance.v16.tester import GROUP, OTHER_TOKEN, TOKEN, Tester
from tests.csms import Csms
from tests.daemon.visit import until

socket = pytest.mark.under_test(ac_socket, variables={})
cable = pytest.mark.under_test(ac_cable, variables={})
STATIONS = [pytest.param("socket", marks=socket), pytest.param("fixed cable", marks=cable)]


def others_out_of_service(tester: Tester) -> None:
    """Of the connectors that share the reader only the first can be meant."""
    for connector in tester.connectors:
        if connector != 1:
            tester.unavailable(connector)


def test_tc_003_cs(tester: Tester) -> None:
    """Regular Charging Session - Plugin First"""
    tester.occupied()
    tester.authorized()
    tester.started()


def test_tc_004_1_cs(tester: Tester) -> None:
    """Regular Charging Session - Identification First"""
    tester.configure("MeterValueSampleInterval", 60)
    others_out_of_service(tester)
    tester.authorized(connector=1)
    tester.plug_in()
    tester.started()


def test_tc_004_2_cs(tester: Tester, csms: Csms) -> None:
    """Regular Charging Session - Identification First - ConnectionTimeOut"""
    tester.configure("ConnectionTimeOut", 1)
    others_out_of_service(tester)
    tester.present()
    authorized = tester.csms.wait("Authorize", {"idTag": TOKEN})
    tester.status(1, "Preparing")
    assert tester.status(1, "Available").at - authorized.at >= 1
    tester.fence()
    tester.delivered()
    assert not csms.calls("StartTransaction")


def test_tc_068_cs(tester: Tester, csms: Csms) -> None:
    """Stop transaction - IdTag in StopTransaction matches IdTag in StartTransaction"""
    transaction = tester.charging()
    others_out_of_service(tester)
    tester.present(OTHER_TOKEN)
    tester.fence()
    tester.delivered()
    assert not csms.calls("StopTransaction")
    tester.present()
    tester.stopped(transaction, idTag=TOKEN)


def test_tc_069_cs(tester: Tester, csms: Csms) -> None:
    """Stop transaction - ParentIdTag in StopTransaction matches ParentIdTag in StartTransaction"""
    for token in (TOKEN, OTHER_TOKEN):
        csms.tokens[token] = {"status": "Accepted", "parentIdTag": GROUP}
    tester.occupied()
    tester.authorized()
    transaction = tester.started()
    tester.present(OTHER_TOKEN)
    csms.wait("Authorize", idTag=OTHER_TOKEN)
    tester.stopped(transaction, idTag=OTHER_TOKEN)


def ev_side_disconnect(tester: Tester, *, stops: bool, unlocks: bool) -> int:
    """Charging, and the cable is pulled from the EV. The transactionId."""
    tester.configure("MinimumStatusDuration", 0)
    tester.configure("StopTransactionOnEVSideDisconnect", stops)
    if tester.station.config["evse"][0].get("lock"):
        tester.configure("UnlockConnectorOnEVSideDisconnect", unlocks)
    transaction = tester.charging()
    tester.unplug_at_ev()
    return transaction


def detachable(tester: Tester) -> bool:
    return tester.station.config["evse"][0]["connector"][0]["cable"] == "detachable"


@socket
def test_tc_005_1_cs(tester: Tester) -> None:
    """EV Side Disconnected - StopTransactionOnEVSideDisconnect = true - UnlockConnectorOnEVSideDisconnect = true"""
    transaction = ev_side_disconnect(tester, stops=True, unlocks=True)
    tester.stopped(transaction, reason="EVDisconnected")
    until(lambda: not tester.locked(), "connector that unlocks")
    tester.unplugged()


@pytest.mark.parametrize("station_", STATIONS)
def test_tc_005_2_cs(tester: Tester, csms: Csms, station_: str) -> None:
    """EV Side Disconnected - StopTransactionOnEVSideDisconnect = true - UnlockConnectorOnEVSideDisconnect = false"""
    transaction = ev_side_disconnect(tester, stops=True, unlocks=False)
    status, answer = ("Finishing", "Unlocked") if detachable(tester) else ("Available", "NotSupported")
    tester.stopped(transaction, status=status, reason="EVDisconnected")
    if detachable(tester):
        assert tester.locked()
    assert csms.call("UnlockConnector", {"connectorId": 1})["status"] == answer


@pytest.mark.parametrize("station_", STATIONS)
def test_tc_005_3_cs(tester: Tester, csms: Csms, station_: str) -> None:
    """EV Side Disconnected - StopTransactionOnEVSideDisconnect = false - UnlockConnectorOnEVSideDisconnect = false"""
    transaction = ev_side_disconnect(tester, stops=False, unlocks=False)
    suspended = tester.status(1, ("SuspendedEV", "SuspendedEVSE"))
    assert suspended["info"] == "EV side disconnected"
    tester.fence()
    tester.delivered()
    assert not csms.calls("StopTransaction")
    tester.remote_stop(transaction)
    tester.stopped(transaction, status="Finishing" if detachable(tester) else "Available", reason="Remote")


CACHED = {"AuthorizationCacheEnabled": "true", "LocalPreAuthorize": "true", "AuthorizeRemoteTxRequests": "true"}


@pytest.mark.under_test(keys=CACHED)
def test_tc_007_cs(tester: Tester, csms: Csms) -> None:
    """Regular Start Charging Session - Cached Id"""
    tester.visit()
    asked = len(csms.calls("Authorize"))
    tester.charging()
    assert len(csms.calls("Authorize")) == asked


@pytest.mark.under_test(keys=CACHED | {"ConnectionTimeOut": "1"})
def test_tc_061_cs(tester: Tester, csms: Csms) -> None:
    """Clear Authorization Data in Authorization Cache"""
    others_out_of_service(tester)
    tester.authorized(connector=1)
    tester.status(1, "Available")
    assert csms.call("ClearCache")["status"] == "Accepted"
    tester.authorized(connector=1)


@pytest.mark.parametrize("status", ["Invalid", "Expired", "Blocked"])
def test_tc_023_cs(tester: Tester, csms: Csms, status: str) -> None:
    """Start Charging Session - Authorize invalid"""
    csms.tokens[TOKEN] = status
    tester.occupied()
    tester.present()
    csms.wait("Authorize", idTag=TOKEN)
    tester.fence()
    tester.delivered()
    assert not csms.calls("StartTransaction")
    assert not tester.let_in(TOKEN)


@socket
def test_tc_024_cs(tester: Tester, csms: Csms) -> None:
    """Start Charging Session Lock Failure"""
    tester.remote_start()
    tester.status(1, "Preparing")
    tester.station.ctl("sim.raise_error", evse=1, error="lock_failure")
    tester.plug_in()
    tester.status(1, "Faulted", errorCode="ConnectorLockFailure")
    tester.fence()
    tester.delivered()
    assert not csms.calls("StartTransaction")


def test_tc_041_cs(tester: Tester, csms: Csms) -> None:
    """Fault Behavior"""
    others_out_of_service(tester)
    tester.faulted()
    tester.plug_in()
    tester.present()
    tester.fence()
    tester.delivered()
    assert not csms.calls("StartTransaction")
    assert not tester.let_in(TOKEN)
