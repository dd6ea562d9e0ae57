"""C: the master pass, which stops what others began, and starts nothing."""

import pytest

from tests.conformance.stations import dc_with_menu
from tests.conformance.tester import Tester
from tests.conformance.v201.test_c_cache import CACHE, cached
from tests.csms import Csms
from tests.daemon.visit import until

MASTER = "04777777777777"
MASTERS = "MASTERS"
MASTER_INFO = {"groupIdToken": {"idToken": MASTERS, "type": "Central"}}
DRIVERS = ("04000000000001", "04000000000002", "04000000000003", "04000000000004")

pytestmark = pytest.mark.under_test(variables={"AuthCtrlr.MasterPassGroupId": MASTERS})
with_menu = pytest.mark.under_test(dc_with_menu, variables={"AuthCtrlr.MasterPassGroupId": MASTERS})


def all_charge(tester: Tester, csms: Csms, evses: int = 4) -> list[str]:
    """Energy flows at so many EVSEs, each by its own token. The transactionIds."""
    csms.tokens[MASTER] = {"status": "Accepted", **MASTER_INFO}
    return [tester.charging(evse, DRIVERS[evse - 1]) for evse in range(1, evses + 1)]


def master_pass(tester: Tester, csms: Csms) -> None:
    tester.present(MASTER)
    csms.wait("Authorize", {"idToken": {"idToken": MASTER}})


def stopped(tester: Tester, transaction: str) -> None:
    """The last event is Ended with stoppedReason MasterPass; the master pass is in no more than one of them."""
    last = tester.ended(transaction)
    assert last["transactionInfo"]["stoppedReason"] == "MasterPass"
    events = tester.events(transaction)
    assert events[-1]["eventType"] == "Ended"
    assert sum(m.get("idToken", {}).get("idToken") == MASTER for m in events) <= 1


@pytest.mark.parametrize("start", ["Authorized", "PowerPathClosed"])
def test_tc_c_45_cs(tester: Tester, csms: Csms, start: str) -> None:
    """Authorization by GroupId - Master pass - Not able to start transaction + groupld"""
    tester.set("TxCtrlr.TxStartPoint", start)
    tester.refused(MASTER, "Accepted", **MASTER_INFO)
    tester.ev_connected()
    tester.refused(MASTER, "Accepted", **MASTER_INFO)
    csms.quiet("TransactionEvent", 0.3)
    assert tester.power_w() == 0


@with_menu
def test_tc_c_47_cs(tester: Tester, csms: Csms) -> None:
    """Stop Transaction with a Master Pass - With UI - All transactions"""
    transactions = all_charge(tester, csms)
    master_pass(tester, csms)
    until(lambda: "Stop? 0 all, EVSE" in tester.shown(), "menu")
    assert "1 2 3 4" in tester.shown()
    tester.press("0#")
    for transaction in transactions:
        stopped(tester, transaction)


@with_menu
def test_tc_c_48_cs(tester: Tester, csms: Csms) -> None:
    """Stop Transaction with a Master Pass - With UI - With UI - Specific transactions"""
    first, *others = all_charge(tester, csms)
    master_pass(tester, csms)
    until(lambda: "Stop? 0 all, EVSE" in tester.shown(), "menu")
    tester.press("1#")
    stopped(tester, first)
    tester.delivered()
    for evse, transaction in enumerate(others, 2):
        assert not any("Ended" in line or "StopAuthorized" in line for line in tester.story(transaction))
        assert tester.power_w(evse) > 0


@pytest.mark.parametrize("stop", ["Authorized", "EVConnected"])
def test_tc_c_49_cs(tester: Tester, csms: Csms, stop: str) -> None:
    """Stop Transaction with a Master Pass - Without UI"""
    tester.set("TxCtrlr.TxStopPoint", stop)
    transactions = all_charge(tester, csms, 2)
    master_pass(tester, csms)
    if stop == "EVConnected":
        for evse, transaction in enumerate(transactions, 1):
            tester.event("Updated", "StopAuthorized", transactionId=transaction)
            until(lambda evse=evse: tester.power_w(evse) == 0, "end of the energy")  # type: ignore[misc]
            tester.ev_disconnected(evse)
    for transaction in transactions:
        stopped(tester, transaction)


@pytest.mark.under_test(variables=CACHE | {"AuthCtrlr.MasterPassGroupId": MASTERS})
def test_tc_c_14_cs(tester: Tester, csms: Csms) -> None:
    """Authorization through authorization cache - GroupID equal to MasterPassGroupId."""
    csms.tokens[MASTER] = {"status": "Accepted", **MASTER_INFO}
    master_pass(tester, csms)
    tester.fence()
    cached(tester)
    transaction = tester.charging(2, DRIVERS[1])
    asked = len(csms.calls("Authorize"))
    message = tester.stop_authorized(MASTER)
    assert message["idToken"]["idToken"] == MASTER
    stopped(tester, transaction)
    assert len(csms.calls("Authorize")) == asked
