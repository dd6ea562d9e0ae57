"""E: what becomes of a transaction whose authorization ends: refused late, no car in time, the same group offline."""

import pytest

from tests.conformance.tester import OTHER_TOKEN, TOKEN, Tester
from tests.conformance.v201.test_c_authorization import IN_GROUP, queued_events
from tests.conformance.v201.test_c_cache import CACHE, cached, known_offline_start
from tests.csms import Csms
from tests.daemon.visit import until

NO_CAR = {"TxCtrlr.EVConnectionTimeOut": 1}


def let_in_for_a_second(tester: Tester) -> None:
    """S> Authorize, T> Accepted, and the station has heard it; by now its patience may be over."""
    tester.present()
    tester.csms.wait("Authorize", {"idToken": {"idToken": TOKEN, "type": "ISO14443"}})
    tester.fence()


@pytest.mark.under_test(variables=NO_CAR)
@pytest.mark.parametrize("start", ["Authorized", "PowerPathClosed"])
@pytest.mark.parametrize("stop", [["Authorized", "EVConnected"], ["EVConnected"], ["PowerPathClosed"]])
def test_tc_e_05_cs(tester: Tester, csms: Csms, start: str, stop: list[str]) -> None:
    """Local start transaction - Authorization first - Cable plugin timeout"""
    tester.set("TxCtrlr.TxStartPoint", start)
    tester.set("TxCtrlr.TxStopPoint", stop)
    let_in_for_a_second(tester)
    if start == "Authorized":
        tester.event("Started", "Authorized")
        tester.event("Ended", "EVConnectTimeout", stoppedReason="Timeout")
    else:
        until(lambda: not tester.station.ctl("status")["lobby"], "time-out")
        assert not csms.calls("TransactionEvent")
    tester.set("TxCtrlr.EVConnectionTimeOut", 60)
    tester.authorized()
    tester.ev_connected()
    tester.energy_flows()


@pytest.mark.parametrize("stop", ["Authorized", "PowerPathClosed"])
@pytest.mark.under_test(variables=CACHE)
def test_tc_e_16_cs(tester: Tester, csms: Csms, stop: str) -> None:
    """Stop transaction options - Deauthorized - Invalid idToken"""
    tester.set("TxCtrlr.StopTxOnInvalidId", True)
    tester.set("TxCtrlr.TxStopPoint", stop)
    known_offline_start(tester, csms)
    tester.link_back()
    transaction = queued_events(tester, csms)
    ended = tester.event("Ended", "Deauthorized", stoppedReason="DeAuthorized")
    assert ended["transactionInfo"]["transactionId"] == transaction
    assert not ended.get("offline", False)


@pytest.mark.under_test(variables=CACHE)
def test_tc_e_52_cs(tester: Tester, csms: Csms) -> None:
    """Local start transaction - Authorization first - DisableRemoteAuthorization"""
    tester.set("AuthCtrlr.DisableRemoteAuthorization", True)
    tester.present()
    tester.ev_connected()
    tester.not_let_in()
    assert not csms.calls("Authorize")
    assert not csms.calls("TransactionEvent")
    assert tester.power_w() == 0


@pytest.mark.under_test(variables=NO_CAR)
@pytest.mark.parametrize("start", [["Authorized"], ["EVConnected", "Authorized"], ["PowerPathClosed"]])
def test_tc_e_39_cs(tester: Tester, csms: Csms, start: list[str]) -> None:
    """Stop transaction options - Deauthorized - timeout"""
    tester.set("TxCtrlr.TxStartPoint", start)
    tester.set("TxCtrlr.TxStopPoint", "Authorized")
    let_in_for_a_second(tester)
    if "Authorized" in start:
        tester.event("Started", "Authorized")
        tester.event("Ended", "EVConnectTimeout", stoppedReason="Timeout")
    else:
        until(lambda: not tester.station.ctl("status")["lobby"], "time-out")
    told = len(csms.calls("TransactionEvent"))
    tester.ev_connected()
    if "EVConnected" in start:
        tester.event("Started", "CablePluggedIn", "EVConnected")
        told += 1
    csms.quiet("TransactionEvent", 0.5)
    assert len(csms.calls("TransactionEvent")) == told
    assert tester.power_w() == 0


@pytest.mark.under_test(variables=CACHE)
def test_tc_e_45_cs(tester: Tester, csms: Csms) -> None:
    """Offline Behaviour - Stop transaction during offline period - Same GroupId"""
    cached(tester, token=OTHER_TOKEN, group=True)
    csms.tokens[TOKEN] = {"status": "Accepted", **IN_GROUP}
    csms.forget()
    transaction = tester.charging()
    tester.link_cut()
    tester.present(OTHER_TOKEN)
    until(lambda: tester.power_w() == 0, "end of the energy")
    tester.queued(1)
    tester.unplug()
    tester.link_back()
    stopped = tester.event(trigger="StopAuthorized", transactionId=transaction)
    assert stopped["offline"] is True
    assert stopped["idToken"]["idToken"] == OTHER_TOKEN
    assert tester.ended(transaction)["offline"] is True
