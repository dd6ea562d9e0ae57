"""C: the local authorization list decides, online and offline."""

from typing import Any

import pytest

from tests.conformance.stations import dc_station, with_bays
from tests.conformance.tester import GROUP, OTHER_TOKEN, TOKEN, Tester
from tests.conformance.v201.test_c_authorization import ID_TOKEN, IN_GROUP, offline_start, queued_events
from tests.csms import Csms
from tests.daemon.visit import until

LISTS = {"LocalAuthListCtrlr.Enabled": True, "AuthCtrlr.LocalPreAuthorize": True}
OFFLINE = LISTS | {"AuthCtrlr.LocalAuthorizeOffline": True, "AuthCtrlr.OfflineTxForUnknownIdEnabled": False}

pytestmark = pytest.mark.under_test(variables=LISTS)


def listed(tester: Tester, status: str = "Accepted", **info: Any) -> None:
    """IdTokenLocalAuthList."""
    list_sent(tester, (TOKEN, {"status": status, **info}))


def list_sent(tester: Tester, *entries: tuple[str, dict[str, Any]]) -> None:
    """T> SendLocalList Full, S> Accepted."""
    rows = [{"idToken": {"idToken": token, "type": "ISO14443"}, "idTokenInfo": info} for token, info in entries]
    payload = {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": rows}
    assert tester.csms.call("SendLocalList", payload)["status"] == "Accepted"


# -- offline -----------------------------------------------------------------------------------------------------------


@pytest.mark.under_test(variables=OFFLINE)
def test_tc_c_21_cs(tester: Tester, csms: Csms) -> None:
    """Offline authorization through local authorization list - Accepted"""
    listed(tester)
    offline_start(tester)
    tester.present()
    tester.unplug()
    tester.link_back()
    transaction = queued_events(tester, csms)
    tester.ended(transaction)
    events = tester.events(transaction)
    assert all(event["offline"] is True for event in events)
    stopped = [event for event in events if event["triggerReason"] == "StopAuthorized"]
    assert [event["idToken"] for event in stopped] == [ID_TOKEN]
    assert not csms.calls("Authorize")


PLACES = [
    pytest.param("", marks=pytest.mark.under_test(variables=OFFLINE)),
    pytest.param(
        "ParkingBayOccupancy",
        marks=pytest.mark.under_test(
            with_bays(dc_station), variables=OFFLINE | {"TxCtrlr.TxStartPoint": "ParkingBayOccupancy"}
        ),
    ),
]


def refused_offline(tester: Tester, csms: Csms, status: str, bay: str) -> None:
    """Nothing starts; after the reconnect at most the EV in the bay is told of."""
    listed(tester, status)
    tester.link_cut()
    if bay:
        tester.drive_in()
    tester.present()
    tester.station.wait_log(f"refused: {status}")
    tester.link_back()
    if bay:
        assert tester.event("Started", "EVDetected")["offline"] is True
    tester.fence()
    tester.delivered()
    assert len(csms.calls("TransactionEvent")) == bool(bay)
    assert not csms.calls("Authorize")
    assert tester.power_w() == 0


@pytest.mark.parametrize("bay", PLACES)
def test_tc_c_22_cs(tester: Tester, csms: Csms, bay: str) -> None:
    """Offline authorization through local authorization list - Invalid"""
    refused_offline(tester, csms, "Invalid", bay)


@pytest.mark.parametrize("bay", PLACES)
def test_tc_c_23_cs(tester: Tester, csms: Csms, bay: str) -> None:
    """Offline authorization through local authorization list - Blocked"""
    refused_offline(tester, csms, "Blocked", bay)


@pytest.mark.parametrize("bay", PLACES)
def test_tc_c_24_cs(tester: Tester, csms: Csms, bay: str) -> None:
    """Offline authorization through local authorization list - Expired"""
    refused_offline(tester, csms, "Expired", bay)


@pytest.mark.under_test(variables=OFFLINE | {"AuthCtrlr.OfflineTxForUnknownIdEnabled": True})
def test_tc_c_25_cs(tester: Tester, csms: Csms) -> None:
    """Offline authorization through local authorization list - Local Authorization List > Authorization Cache"""
    tester.visit()
    listed(tester, "Invalid")
    events = len(csms.calls("TransactionEvent"))
    tester.link_cut()
    tester.station.ctl("sim.plug_in", evse=1)
    tester.present()
    tester.station.wait_log("refused: Invalid")
    assert tester.power_w() == 0
    tester.link_back()
    tester.csms.wait_status("Occupied")
    tester.fence()
    tester.delivered()
    assert len(csms.calls("TransactionEvent")) == events


# -- online ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["Authorized", "PowerPathClosed"])
def test_tc_c_27_cs(tester: Tester, csms: Csms, start: str) -> None:
    """Online authorization through local authorization list - Accepted"""
    listed(tester)
    tester.set("TxCtrlr.TxStartPoint", start)
    tester.present()
    if start == "Authorized":
        assert tester.event("Started", "Authorized")["idToken"] == ID_TOKEN
    tester.fence()
    tester.ev_connected()
    tester.energy_flows()
    assert csms.calls("TransactionEvent", {"idToken": ID_TOKEN})
    assert not csms.calls("Authorize")


@pytest.mark.parametrize("plugged", [True, False])
def test_tc_c_28_cs(tester: Tester, plugged: bool) -> None:
    """Online authorization through local authorization list - Invalid & Not Accepted"""
    still_refused(tester, "Invalid", plugged=plugged)


def test_tc_c_29_cs(tester: Tester) -> None:
    """Online authorization through local authorization list - Blocked"""
    still_refused(tester, "Blocked")


def test_tc_c_30_cs(tester: Tester) -> None:
    """Online authorization through local authorization list - Expired"""
    still_refused(tester, "Expired")


def still_refused(tester: Tester, status: str, *, plugged: bool = True) -> None:
    """Listed as not accepted: asked for, and refused."""
    tester.set("LocalAuthListCtrlr.DisablePostAuthorize", False)
    listed(tester, status)
    if plugged:
        tester.ev_connected()
    tester.refused(TOKEN, status)
    assert tester.power_w() == 0


def test_tc_c_31_cs(tester: Tester, csms: Csms) -> None:
    """Online authorization through local authorization list - Invalid & Accepted"""
    listed(tester, "Invalid")
    tester.authorized()
    tester.ev_connected()
    tester.energy_flows()
    until(lambda: tester.power_w() > 0, "energy")


def test_tc_c_58_cs(tester: Tester, csms: Csms) -> None:
    """Online authorization through local authorization list - LocalAuthListDisablePostAuthorize"""
    tester.set("LocalAuthListCtrlr.DisablePostAuthorize", True)
    listed(tester, "Invalid")
    tester.ev_connected()
    tester.present()
    tester.station.wait_log("refused: Invalid")
    tester.not_let_in()
    assert not csms.calls("Authorize")
    assert tester.power_w() == 0


# -- groups ------------------------------------------------------------------------------------------------------------


def group_charges(tester: Tester, status: str) -> str:
    """Two tokens of a group are listed, the second with this status; the first charges. The transactionId."""
    list_sent(
        tester, (TOKEN, {"status": "Accepted", **IN_GROUP}), (OTHER_TOKEN, {"status": status, **IN_GROUP})
    )  # fmt: skip
    tester.ev_connected()
    tester.known()
    return tester.energy_flows()


def test_tc_c_40_cs(tester: Tester, csms: Csms) -> None:
    """Authorization by GroupId - Success with Local Authorization List"""
    transaction = group_charges(tester, "Accepted")
    stopped = tester.stop_authorized(OTHER_TOKEN)
    assert stopped["idToken"]["idToken"] == OTHER_TOKEN
    assert not csms.calls("Authorize")
    tester.ev_disconnected()
    tester.ended(transaction)


def test_tc_c_43_cs(tester: Tester) -> None:
    """Authorization by GroupId - Invalid status with Local Authorization List"""
    transaction = group_charges(tester, "Invalid")
    tester.refused(OTHER_TOKEN, "Invalid", groupIdToken={"idToken": GROUP, "type": "Central"})
    assert not any("Ended" in line or "StopAuthorized" in line for line in tester.story(transaction))
    assert tester.power_w() > 0
