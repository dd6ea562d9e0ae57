"""C: who may charge, by the word of the CSMS, and what is done when the word comes late."""

import pytest

from tests.conformance.stations import shut_sockets
from tests.conformance.tester import GROUP, OTHER_TOKEN, TOKEN, Tester
from tests.csms import Csms
from tests.daemon.control import ControlError
from tests.daemon.visit import until

ID_TOKEN = {"idToken": TOKEN, "type": "ISO14443"}
IN_GROUP = {"groupIdToken": {"idToken": GROUP, "type": "Central"}}


@pytest.mark.parametrize("status", ["Invalid", "Unknown"])
def test_tc_c_02_cs(tester: Tester, status: str) -> None:
    """Local start transaction - Authorization Invalid/Unknown"""
    tester.ev_connected()
    tester.refused(TOKEN, status)
    assert tester.power_w() == 0


def test_tc_c_04_cs(tester: Tester, csms: Csms) -> None:
    """Local Stop Transaction - Different idToken"""
    transaction = tester.charging()
    tester.present(OTHER_TOKEN)
    csms.wait("Authorize", {"idToken": {"idToken": OTHER_TOKEN}})
    tester.fence()
    tester.delivered()
    assert not csms.calls("TransactionEvent", {"idToken": {"idToken": OTHER_TOKEN}})
    assert not csms.calls("TransactionEvent", {"eventType": "Ended"})
    assert tester.power_w() > 0
    tester.stop_authorized()
    tester.ended(transaction)


@pytest.mark.under_test(shut_sockets, variables={})
@pytest.mark.parametrize("status", ["Invalid", "Unknown"])
def test_tc_c_05_cs(tester: Tester, csms: Csms, status: str) -> None:
    """Local start transaction - Authorization invalid - Cable lock"""
    shut(tester, 1, 2)
    tester.refused(TOKEN, status)
    assert not csms.calls("TransactionEvent")
    shut(tester, 1, 2)
    tester.authorized(OTHER_TOKEN)  # who is accepted finds them open, until he has chosen one of them
    until(lambda: not (tester.locked(1) or tester.locked(2)), "open sockets")
    tester.ev_connected(2)
    transaction = tester.energy_flows(2)
    assert tester.locked(2)
    shut(tester, 1)
    tester.stop_authorized(OTHER_TOKEN)
    tester.ev_disconnected(2)
    tester.ended(transaction)
    shut(tester, 1, 2)


def shut(tester: Tester, *evses: int) -> None:
    """The empty sockets are locked: no plug goes in."""
    for evse in evses:
        until(lambda evse=evse: tester.locked(evse), "shut socket")  # type: ignore[misc]
        with pytest.raises(ControlError, match="the socket is locked"):
            tester.station.ctl("sim.plug_in", evse=evse)


def test_tc_c_06_cs(tester: Tester) -> None:
    """Local start transaction - Authorization Blocked"""
    tester.ev_connected()
    tester.refused(TOKEN, "Blocked")
    assert tester.power_w() == 0


def test_tc_c_07_cs(tester: Tester) -> None:
    """Local start transaction - Authorization Expired"""
    tester.ev_connected()
    tester.refused(TOKEN, "Expired")
    assert tester.power_w() == 0


def test_tc_c_56_cs(tester: Tester) -> None:
    """Local start transaction - Authorization Unknown"""
    tester.ev_connected()
    tester.refused(TOKEN, "Unknown")
    assert tester.power_w() == 0


# -- groups ------------------------------------------------------------------------------------------------------------


def group_charges(tester: Tester, csms: Csms) -> str:
    """A token of a group charges. The transactionId."""
    csms.tokens[TOKEN] = {"status": "Accepted", **IN_GROUP}
    return tester.charging()


def test_tc_c_39_cs(tester: Tester, csms: Csms) -> None:
    """Authorization by GroupId - Success"""
    transaction = group_charges(tester, csms)
    csms.tokens[OTHER_TOKEN] = {"status": "Accepted", **IN_GROUP}
    tester.present(OTHER_TOKEN)
    csms.wait("Authorize", {"idToken": {"idToken": OTHER_TOKEN}})
    stopped = csms.wait("TransactionEvent", triggerReason="StopAuthorized")
    assert stopped["idToken"]["idToken"] == OTHER_TOKEN
    tester.ev_disconnected()
    tester.ended(transaction)


def test_tc_c_42_cs(tester: Tester, csms: Csms) -> None:
    """Authorization by GroupId - Not stopped by GroupId"""
    transaction = group_charges(tester, csms)
    told = len(tester.events(transaction))
    tester.refused(OTHER_TOKEN, "Invalid", **IN_GROUP)
    assert len(tester.events(transaction)) == told
    assert tester.power_w() > 0


# -- offline, and the word of the CSMS comes late ----------------------------------------------------------------------

UNKNOWN_MAY = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": True}


def offline_start(tester: Tester, *, card_first: bool = False) -> None:
    """StartOfflineTransaction: the link is cut; the token is presented, the cable plugged in; energy flows."""
    tester.link_cut()
    if card_first:
        tester.present()
        tester.station.ctl("sim.plug_in", evse=1)
    else:
        tester.station.ctl("sim.plug_in", evse=1)
        until(lambda: tester.station.ctl("status")["evses"][0].get("session"), "car at the cable")
        tester.present()
    until(lambda: tester.power_w() > 0, "energy")
    tester.queued(2)


def queued_events(tester: Tester, csms: Csms) -> str:
    """S> the queued events: all offline, the first after the authorization with the token. The transactionId."""
    authorized = tester.csms.wait("TransactionEvent", {"idToken": ID_TOKEN})
    charging = tester.event(state="Charging")
    assert authorized["offline"] is True
    assert charging["offline"] is True
    return str(charging["transactionInfo"]["transactionId"])


@pytest.mark.under_test(variables=UNKNOWN_MAY)
def test_tc_c_26_cs(tester: Tester, csms: Csms) -> None:
    """Offline Authorization - Unknown Id"""
    tester.set("TxCtrlr.StopTxOnInvalidId", False)
    csms.tokens[TOKEN] = "Invalid"
    offline_start(tester, card_first=True)
    tester.link_back()
    csms.wait_status("Occupied")
    transaction = queued_events(tester, csms)
    suspended = tester.event("Updated", "ChargingStateChanged", "SuspendedEVSE")
    assert not suspended.get("offline", False)
    until(lambda: tester.power_w() == 0, "end of the energy")
    tester.stop_authorized()
    tester.ev_disconnected()
    tester.ended(transaction)
    assert not csms.calls("TransactionEvent", {"triggerReason": "Deauthorized"})
