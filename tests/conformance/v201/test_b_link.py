"""B: the link is lost and comes back."""

from datetime import datetime

import pytest

from tests.conformance.tester import Tester
from tests.csms import Csms


def replugged_offline(tester: Tester, threshold_s: int, wait_s: int) -> list[tuple[int, str]]:
    """The link is dropped, an EV plugged in, the station reconnects after `wait_s`. The statuses told then."""
    csms = tester.csms
    tester.set("OCPPCommCtrlr.OfflineThreshold", threshold_s)
    tester.set("OCPPCommCtrlr.RetryBackOffWaitMinimum", wait_s)
    csms.drop()
    before = len(csms.transcript)
    tester.station.ctl("sim.plug_in", evse=1)
    csms.wait_connected(timeout=wait_s + 10)
    csms.wait_status("Occupied", 1)
    tester.fence()
    assert not [m for m in csms.calls("BootNotification") if m.number > before]
    told = [m for m in csms.calls("StatusNotification") if m.number > before]
    return sorted((m["evseId"], m["connectorStatus"]) for m in told)


def test_tc_b_51_cs(tester: Tester) -> None:
    """Status change during offline period - > Offline Threshold"""
    told = replugged_offline(tester, threshold_s=1, wait_s=3)
    assert told == [(1, "Occupied"), *((evse, "Available") for evse in tester.evses if evse != 1)]


def test_tc_b_52_cs(tester: Tester) -> None:
    """Status change during offline period - < Offline Threshold"""
    assert replugged_offline(tester, threshold_s=3, wait_s=1) == [(1, "Occupied")]


def test_tc_b_57_cs(tester: Tester, csms: Csms) -> None:
    """Network Reconnection - After connection loss"""
    wait_s = 1
    tester.set("OCPPCommCtrlr.RetryBackOffRepeatTimes", 2)
    tester.set("OCPPCommCtrlr.RetryBackOffRandomRange", 0)
    tester.set("OCPPCommCtrlr.RetryBackOffWaitMinimum", wait_s)
    csms.wait_connected()  # of the boot
    before = csms.now
    csms.close()
    assert csms.wait_connected().at - before >= wait_s
    tester.fence()
    password, csms.password = csms.password, "a password it does not have"
    before = csms.now
    csms.close()
    refused = csms.wait_refused()
    csms.password = password
    assert refused.at - before >= wait_s, "the back-off begins anew after a good connection"
    assert csms.wait_connected().at - refused.at >= 2 * wait_s


# -- what is told of the time without a link (QueueAllMessages) --------------------------------------------------------


@pytest.mark.under_test(variables={"TxCtrlr.TxStartPoint": "EVConnected", "OCPPCommCtrlr.OfflineThreshold": 1000})
@pytest.mark.parametrize("all_messages", [True, False])
def test_all_messages_are_queued_or_only_those_of_transactions(tester: Tester, csms: Csms, all_messages: bool) -> None:
    tester.set("OCPPCommCtrlr.QueueAllMessages", all_messages)
    tester.link_cut()
    before = len(csms.transcript)
    tester.station.ctl("sim.plug_in", evse=1)
    tester.queued(1)
    tester.unplug()
    tester.queued(2)
    tester.link_back()
    back = datetime.fromisoformat(tester.get("ClockCtrlr.DateTime"))
    tester.fence()
    tester.delivered()
    told = [m for m in csms.calls("StatusNotification") if m.number > before]
    assert [m["connectorStatus"] for m in told] == (["Occupied", "Available"] if all_messages else [])
    moments = [datetime.fromisoformat(m["timestamp"]) for m in told]
    assert moments == sorted(moments)
    assert all(moment < back for moment in moments), "when it happened, not when it was told"
    events = [m for m in csms.calls("TransactionEvent") if m.number > before]
    assert [events[0]["eventType"], events[-1]["eventType"]] == ["Started", "Ended"]
    assert all(m["offline"] for m in events)
