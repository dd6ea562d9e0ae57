"""C: what is remembered of tokens, the authorization cache."""

import time

import pytest

from tests.conformance.tester import GROUP, OTHER_TOKEN, TOKEN, Tester
from tests.conformance.v201.test_c_authorization import ID_TOKEN, IN_GROUP, offline_start, queued_events
from tests.csms import Csms
from tests.daemon.visit import until

CACHE = {"AuthCacheCtrlr.Enabled": True, "AuthCtrlr.LocalPreAuthorize": True}

pytestmark = pytest.mark.under_test(variables=CACHE)


def cached(tester: Tester, status: str = "Accepted", token: str = TOKEN, group: bool = False) -> None:
    """IdTokenCached: an online session with that token, or an attempt at one; the bay is empty again."""
    info = IN_GROUP if group else {}
    tester.csms.tokens[token] = {"status": status, **info}
    if status == "Accepted":
        tester.visit(token=token)
    else:
        tester.ev_connected()
        tester.refused(token, status, **info)
        tester.ev_disconnected()


def test_tc_c_08_cs(tester: Tester) -> None:
    """Authorization through authorization cache - Accepted"""
    cached(tester)
    tester.ev_connected()
    tester.known()
    tester.energy_flows()


@pytest.mark.parametrize("status", ["Invalid"])
def test_tc_c_09_cs(tester: Tester, status: str) -> None:
    """Authorization through authorization cache - Invalid & Not Accepted"""
    still_refused(tester, status)


def test_tc_c_10_cs(tester: Tester) -> None:
    """Authorization through authorization cache - Blocked"""
    still_refused(tester, "Blocked")


def test_tc_c_11_cs(tester: Tester) -> None:
    """Authorization through authorization cache - Expired"""
    still_refused(tester, "Expired")


def still_refused(tester: Tester, status: str) -> None:
    """Cached as not accepted: asked for again, and refused again."""
    cached(tester, status)
    tester.ev_connected()
    tester.refused(TOKEN, status)
    assert tester.power_w() == 0


def test_tc_c_12_cs(tester: Tester, csms: Csms) -> None:
    """Authorization through authorization cache - Invalid & Accepted"""
    cached(tester, "Invalid")
    csms.tokens[TOKEN] = "Accepted"
    transaction = tester.charging()
    tester.stop_authorized()
    tester.ev_disconnected()
    tester.ended(transaction)
    tester.ev_connected()
    tester.known()


@pytest.mark.parametrize("start", ["Authorized", "PowerPathClosed"])
def test_tc_c_13_cs(tester: Tester, csms: Csms, start: str) -> None:
    """Authorization through authorization cache - Accepted but cable not connected yet."""
    cached(tester)
    tester.set("TxCtrlr.TxStartPoint", start)
    asked = len(csms.calls("Authorize"))
    tester.present()
    if start == "Authorized":
        started = tester.event("Started", "Authorized")
        assert started["idToken"] == ID_TOKEN
    tester.fence()
    assert tester.power_w() == 0
    tester.ev_connected()
    tester.energy_flows()
    assert len(csms.calls("Authorize")) == asked


# -- offline, and the word of the CSMS comes late ----------------------------------------------------------------------


def known_offline_start(tester: Tester, csms: Csms) -> None:
    """A token that is cached starts offline; the CSMS has changed its mind about it."""
    cached(tester)
    csms.tokens[TOKEN] = "Invalid"
    csms.forget()
    offline_start(tester)


def test_tc_c_16_cs(tester: Tester, csms: Csms) -> None:
    """Authorization through authorization cache - StopTxOnInvalidId = true"""
    tester.set("TxCtrlr.StopTxOnInvalidId", True)
    known_offline_start(tester, csms)
    tester.link_back()
    transaction = queued_events(tester, csms)
    ended = tester.event("Ended", "Deauthorized")
    assert ended["transactionInfo"]["transactionId"] == transaction
    assert tester.power_w() == 0


def test_tc_c_17_cs(tester: Tester, csms: Csms) -> None:
    """Authorization through authorization cache - StopTxOnInvalidId = false"""
    tester.set("TxCtrlr.StopTxOnInvalidId", False)
    known_offline_start(tester, csms)
    tester.link_back()
    transaction = queued_events(tester, csms)
    tester.event("Updated", "ChargingStateChanged", "SuspendedEVSE")
    until(lambda: tester.power_w() == 0, "end of the energy")
    tester.fence()
    tester.delivered()
    assert not any("Deauthorized" in line or "Ended" in line for line in tester.story(transaction))


def test_tc_c_15_cs(tester: Tester, csms: Csms) -> None:
    """Authorization through authorization cache - StopTxOnInvalidId = false, MaxEnergyOnInvalidId > 0"""
    allowance(tester, csms, False, 1_500)


def test_tc_c_18_cs(tester: Tester, csms: Csms) -> None:
    """Authorization through authorization cache - StopTxOnInvalidId = true, MaxEnergyOnInvalidId > 0"""
    allowance(tester, csms, True, 500)


def allowance(tester: Tester, csms: Csms, stop: bool, cap_wh: int) -> None:
    """Refused after an offline start: it goes on for so many Wh by the meter, then ends, or is suspended."""
    tester.set("TxCtrlr.StopTxOnInvalidId", stop)
    tester.set("TxCtrlr.MaxEnergyOnInvalidId", cap_wh)
    known_offline_start(tester, csms)
    tester.link_back()
    transaction = queued_events(tester, csms)
    tester.delivered()
    tester.fence()
    assert tester.power_w() > 0
    begun_wh = meter_wh(tester)
    meter(tester, begun_wh + 0.4 * cap_wh)
    csms.quiet("TransactionEvent", 0.3)
    assert tester.power_w() > 0
    meter(tester, begun_wh + cap_wh)
    if stop:
        last = tester.event("Ended", "Deauthorized", stoppedReason="DeAuthorized")
    else:
        last = tester.event("Updated", "ChargingStateChanged", "SuspendedEVSE")
    assert not last.get("offline", False)
    assert last["transactionInfo"]["transactionId"] == transaction
    until(lambda: tester.power_w() == 0, "end of the energy")


def meter_wh(tester: Tester) -> float:
    return float(tester.station.ctl("sim.meter", evse=1)["energy_import_wh"])


def meter(tester: Tester, energy_wh: float) -> None:
    """As if so much had flowed; a register that leaps by more than 2 kWh at once would be doubted."""
    tester.station.ctl("sim.meter", evse=1, energy_wh=energy_wh)


# -- how long, and what changes it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["reset", "power cut"])
def test_tc_c_32_cs(tester: Tester, how: str) -> None:
    """Store Authorization Data in the Authorization Cache - Persistent over reboot"""
    cached(tester)
    if how == "reset":
        tester.reset()
    else:
        tester.station.restart(type(tester.station).kill)
    tester.booted()
    tester.ev_connected()
    tester.known()
    tester.energy_flows()


def test_tc_c_33_cs(tester: Tester, csms: Csms) -> None:
    """Store Authorization Data in the Authorization Cache - Update on AuthorizeResponse"""
    tester.visit()
    csms.tokens[TOKEN] = "Invalid"
    tester.ev_connected()
    tester.known()
    tester.event("Ended", "Deauthorized", stoppedReason="DeAuthorized")


STOP_POINTS = ["Authorized", "PowerPathClosed", "EnergyTransfer", "EVConnected"]


@pytest.mark.parametrize("stop", STOP_POINTS)
def test_tc_c_34_cs(tester: Tester, csms: Csms, stop: str) -> None:
    """Store Authorization Data in the Authorization Cache - Update on TransactionResponse"""
    tester.set("TxCtrlr.StopTxOnInvalidId", True)
    cached(tester)
    tester.set("TxCtrlr.TxStopPoint", stop)
    csms.tokens[TOKEN] = "Invalid"
    tester.ev_connected()
    tester.known()
    if stop == "EVConnected":
        tester.event("Updated", "Deauthorized")
        tester.stop_authorized()  # the plug is held until its owner comes (C15.FR.05)
    else:
        tester.event("Ended", "Deauthorized", stoppedReason="DeAuthorized")
    tester.ev_disconnected()
    tester.ev_connected()
    tester.refused(TOKEN, "Invalid")


@pytest.mark.under_test(variables={"AuthCacheCtrlr.Enabled": True, "AuthCtrlr.LocalPreAuthorize": False})
def test_tc_c_36_cs(tester: Tester) -> None:
    """Store Authorization Data in the Authorization Cache - AuthCacheCtrlr.LocalPreAuthorize = false"""
    cached(tester)
    tester.ev_connected()
    events = len(tester.csms.calls("TransactionEvent"))
    tester.csms.tokens[TOKEN] = "Invalid"
    tester.present()
    tester.csms.wait("Authorize", {"idToken": ID_TOKEN})
    tester.fence()
    tester.delivered()
    assert len(tester.csms.calls("TransactionEvent")) == events
    assert tester.power_w() == 0


def test_tc_c_37_cs(tester: Tester, csms: Csms) -> None:
    """Clear Authorization Data in Authorization Cache - Accepted"""
    cached(tester)
    assert csms.call("ClearCache")["status"] == "Accepted"
    csms.forget()
    tester.ev_connected()
    tester.authorized()
    authorized = tester.event(trigger="Authorized")
    assert authorized["idToken"] == ID_TOKEN
    tester.energy_flows()


@pytest.mark.under_test(variables={"AuthCacheCtrlr.Enabled": False})
def test_tc_c_38_cs(tester: Tester, csms: Csms) -> None:
    """Clear Authorization Data in Authorization Cache - Rejected"""
    assert csms.call("ClearCache")["status"] == "Rejected"


def test_tc_c_46_cs(tester: Tester, csms: Csms) -> None:
    """Store Authorization Data in the Authorization Cache - AuthCacheLifeTime"""
    tester.set("AuthCacheCtrlr.LifeTime", 1)
    cached(tester)
    csms.forget()
    time.sleep(1)
    tester.ev_connected()
    tester.authorized()
    tester.event(trigger="Authorized")
    tester.energy_flows()


def test_tc_c_57_cs(tester: Tester, csms: Csms) -> None:
    """Authorization through authorization cache - AuthCacheDisablePostAuthorize"""
    tester.set("AuthCacheCtrlr.DisablePostAuthorize", True)
    cached(tester, "Invalid")
    csms.tokens[TOKEN] = "Accepted"
    asked = len(csms.calls("Authorize"))
    tester.ev_connected()
    tester.present()
    tester.not_let_in()
    assert len(csms.calls("Authorize")) == asked
    assert tester.power_w() == 0


# -- groups ------------------------------------------------------------------------------------------------------------


def test_tc_c_41_cs(tester: Tester, csms: Csms) -> None:
    """Authorization by GroupId - Success with Authorization Cache"""
    cached(tester, token=TOKEN, group=True)
    cached(tester, token=OTHER_TOKEN, group=True)
    csms.forget()
    asked = len(csms.calls("Authorize"))
    tester.ev_connected()
    tester.known(TOKEN)
    transaction = tester.energy_flows()
    stopped = tester.stop_authorized(OTHER_TOKEN)
    assert stopped["idToken"]["idToken"] == OTHER_TOKEN
    assert len(csms.calls("Authorize")) == asked
    tester.ended(transaction)


def test_tc_c_44_cs(tester: Tester, csms: Csms) -> None:
    """Authorization by GroupId - Invalid status with Authorization Cache"""
    cached(tester, token=TOKEN, group=True)
    cached(tester, "Invalid", token=OTHER_TOKEN, group=True)
    csms.forget()
    tester.ev_connected()
    tester.known(TOKEN)
    transaction = tester.energy_flows()
    tester.refused(OTHER_TOKEN, "Invalid", groupIdToken={"idToken": GROUP, "type": "Central"})
    assert not any("Ended" in line or "StopAuthorized" in line for line in tester.story(transaction))
    assert tester.power_w() > 0
