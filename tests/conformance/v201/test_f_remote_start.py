"""F and K: a transaction is started from afar."""

from typing import Any

import pytest

from tests.conformance.tester import TOKEN, Tester
from tests.csms import Csms, Message
from tests.daemon.visit import until

ID_TOKEN = {"idToken": TOKEN, "type": "ISO14443"}
PROFILE: dict[str, Any] = {
    "id": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": [
        {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 0.0}]}
    ],
}

both = pytest.mark.parametrize("checked", [True, False])


def remote_started(tester: Tester, csms: Csms, checked: bool, kind: str = "ISO14443") -> Message:
    """S> Authorize where AuthorizeRemoteStart is true, S> triggerReason RemoteStart with id and token."""
    if checked:
        csms.wait("Authorize", {"idToken": {"idToken": TOKEN, "type": kind}})
    message = tester.event(trigger="RemoteStart", remoteStartId=tester.remote_start_id)
    assert message["idToken"] == {"idToken": TOKEN, "type": kind}
    assert len(csms.calls("Authorize")) == int(checked)
    return message


@both
@pytest.mark.parametrize("start", ["EVConnected", "Authorized", "PowerPathClosed"])
def test_tc_f_01_cs(tester: Tester, csms: Csms, start: str, checked: bool) -> None:
    """Remote start transaction - Cable plugin first"""
    tester.set("AuthCtrlr.AuthorizeRemoteStart", checked)
    tester.set("TxCtrlr.TxStartPoint", start)
    tester.ev_connected()
    running = None
    if start == "EVConnected":
        running = tester.event("Started", "CablePluggedIn")["transactionInfo"]["transactionId"]
    reply = tester.remote_start()
    assert reply.get("transactionId") == running
    message = remote_started(tester, csms, checked)
    assert running in (None, message["transactionInfo"]["transactionId"])
    assert tester.energy_flows() == message["transactionInfo"]["transactionId"]


def remote_first(tester: Tester, csms: Csms, checked: bool, start: str) -> None:
    tester.set("AuthCtrlr.AuthorizeRemoteStart", checked)
    tester.set("TxCtrlr.TxStartPoint", start)
    reply = tester.remote_start()
    assert reply.get("transactionId") is None
    if start == "Authorized":
        remote_started(tester, csms, checked)
        tester.ev_connected()
    else:
        tester.ev_connected()
        remote_started(tester, csms, checked)
    tester.energy_flows()


@pytest.mark.parametrize("start", ["Authorized", "PowerPathClosed"])
def test_tc_f_02_cs(tester: Tester, csms: Csms, start: str) -> None:
    """Remote start transaction - Remote start first - AuthorizeRemoteStart is true"""
    remote_first(tester, csms, True, start)


@pytest.mark.parametrize("start", ["Authorized", "PowerPathClosed"])
def test_tc_f_03_cs(tester: Tester, csms: Csms, start: str) -> None:
    """Remote start transaction - Remote start first - AuthorizeRemoteStart is false"""
    remote_first(tester, csms, False, start)


@pytest.mark.under_test(variables={"TxCtrlr.EVConnectionTimeOut": 1, "TxCtrlr.TxStartPoint": "Authorized"})
def test_tc_f_04_cs(tester: Tester, csms: Csms) -> None:
    """Remote start transaction - Remote start first - Cable plugin timeout"""
    tester.remote_start()
    remote_started(tester, csms, False)
    tester.event("Ended", "EVConnectTimeout", stoppedReason="Timeout")
    tester.set("TxCtrlr.EVConnectionTimeOut", 60)
    tester.remote_start()
    remote_started(tester, csms, False)
    tester.ev_connected()
    tester.energy_flows()


@pytest.mark.under_test(variables={"SmartChargingCtrlr.Enabled": False})
@both
def test_tc_k_38_cs(tester: Tester, csms: Csms, checked: bool) -> None:
    """Remote start transaction with charging profile - Ignore chargingProfile"""
    tester.set("AuthCtrlr.AuthorizeRemoteStart", checked)
    tester.ev_connected()
    tester.remote_start(chargingProfile=PROFILE)
    remote_started(tester, csms, checked)
    tester.energy_flows()
    until(lambda: tester.power_w() > 0, "energy in spite of a profile that allows none")
