"""E: transactions while the CSMS is away, and events that it does not take (E04, E08, E11 to E13)."""

from datetime import datetime
from itertools import accumulate

import pytest

from tests.conformance.tester import TOKEN, Tester
from tests.csms import Csms, Message
from tests.daemon.process import Station
from tests.daemon.visit import until

TIMEOUT_S = 1
"""MessageTimeout[Default]: read-only for the CSMS, so set in the configuration"""
INTERVAL_S = 1
RETRIES = {
    "OCPPCommCtrlr.MessageTimeout[Default]": TIMEOUT_S,
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": INTERVAL_S,
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": 3,
}
LATE_S = 5.0
"""a busy machine may be late by this much"""


def test_tc_e_40_cs(tester: Tester, csms: Csms) -> None:
    """Offline Behaviour - Connection loss during transaction"""
    tester.set("OCPPCommCtrlr.OfflineThreshold", 120)
    tester.set("SampledDataCtrlr.TxUpdatedInterval", 1)
    transaction = tester.charging()
    tester.link_cut()
    before = len(csms.transcript)
    tester.queued(2)
    tester.link_back()
    tester.delivered()
    queued = [m for m in tester.events(transaction) if m.number > before]
    offline = [m for m in queued if m.get("offline")]
    assert len(offline) >= 2
    assert all(m["eventType"] == "Updated" and m["meterValue"] for m in offline)
    assert queued[: len(offline)] == offline, "what happened offline is told as offline, and first"


def sends_of_started(tester: Tester, csms: Csms) -> list[float]:
    """A car and a card; then the energy flows and another event has been taken. The moments when the first was sent,
    after the moment before it can have been."""
    before = csms.now
    tester.ev_connected()
    tester.authorized()
    csms.wait("TransactionEvent", eventType="Started")
    csms.wait("TransactionEvent", eventType="Updated")
    tester.fence()
    return [before, *(m.at for m in csms.calls("TransactionEvent", {"eventType": "Started"}))]


def spaced(sends: list[float], *expected_s: float) -> bool:
    """Whether it was sent again after these waits. The tester may be late to see any of it, never early: so the waits
    are counted from before the first."""
    before, first, *again = sends
    early = [before + wait for wait in accumulate(expected_s)]
    late = [first + wait + LATE_S for wait in accumulate(expected_s)]
    return len(again) == len(expected_s) and all(a <= at <= b for a, at, b in zip(early, again, late, strict=True))


@pytest.mark.under_test(variables=RETRIES)
def test_tc_e_41_cs(tester: Tester, csms: Csms) -> None:
    """Retry sending transaction message when failed - Max retry count reached"""
    csms.silent("TransactionEvent", times=3)
    sends = sends_of_started(tester, csms)
    assert spaced(sends, INTERVAL_S * 1 + TIMEOUT_S, INTERVAL_S * 2 + TIMEOUT_S), sends


@pytest.mark.under_test(variables=RETRIES)
def test_tc_e_42_cs(tester: Tester, csms: Csms) -> None:
    """Retry sending transaction message when failed - Success before reaching the max retry count"""
    csms.silent("TransactionEvent", times=1)
    sends = sends_of_started(tester, csms)
    assert spaced(sends, INTERVAL_S + TIMEOUT_S), sends


@pytest.mark.under_test(variables=RETRIES)
def test_tc_e_50_cs(tester: Tester, csms: Csms) -> None:
    """Retry sending transaction message when failed - Max retry count reached - CallError"""
    csms.audit = False  # the start is refused for good, so the books lack it
    csms.refuse("TransactionEvent", times=3)
    sends = sends_of_started(tester, csms)
    assert spaced(sends, INTERVAL_S * 1, INTERVAL_S * 2), sends


@pytest.mark.under_test(variables=RETRIES)
def test_tc_e_51_cs(tester: Tester, csms: Csms) -> None:
    """Retry sending transaction message when failed - Success before reaching the max retry count - CallError"""
    csms.refuse("TransactionEvent", times=1)
    sends = sends_of_started(tester, csms)
    assert spaced(sends, INTERVAL_S), sends


def moments(events: list[Message]) -> list[datetime]:
    return [datetime.fromisoformat(m["timestamp"]) for m in events]


@pytest.mark.under_test(variables={"AuthCtrlr.OfflineTxForUnknownIdEnabled": True})
def test_tc_e_43_cs(tester: Tester, csms: Csms) -> None:
    """Offline Behaviour - Transaction during offline period"""
    tester.link_cut()
    tester.station.ctl("sim.plug_in", evse=1)
    tester.present()
    tester.queued(2)
    tester.present()
    tester.unplug()
    tester.queued(3)
    tester.link_back()
    back = datetime.fromisoformat(csms.call("GetVariables", CLOCK)["getVariableResult"][0]["attributeValue"])
    ended = csms.wait_event("Ended")
    events = tester.events(ended["transactionInfo"]["transactionId"])
    assert [m["eventType"] for m in events] == ["Started", *["Updated"] * (len(events) - 2), "Ended"]
    assert [m["seqNo"] for m in events] == list(range(len(events)))
    assert all(m.get("offline") for m in events)
    assert moments(events) == sorted(moments(events))
    assert moments(events)[-1] < back, "the moment it happened, not the one it was told"


CLOCK = {"getVariableData": [{"component": {"name": "ClockCtrlr"}, "variable": {"name": "DateTime"}}]}


def test_tc_e_44_cs(tester: Tester, csms: Csms) -> None:
    """Offline Behaviour - Stop transaction during offline period"""
    transaction = tester.charging()
    tester.link_cut()
    before = len(csms.transcript)
    tester.present()
    tester.unplug()
    tester.queued(1)
    tester.link_back()
    ended = tester.ended(transaction)
    assert ended["triggerReason"] == "StopAuthorized"
    assert all(m.get("offline") for m in tester.events(transaction) if m.number > before)


@pytest.mark.under_test(variables={"AuthCtrlr.OfflineTxForUnknownIdEnabled": True})
def test_a_transaction_of_an_offline_period_survives_a_power_cut(tester: Tester, csms: Csms) -> None:
    tester.link_cut()
    tester.station.ctl("sim.plug_in", evse=1)
    tester.present()
    tester.queued(2)
    tester.station.restart(Station.kill)
    until(lambda: tester.power_w() > 0, "energy again")
    tester.present()
    tester.unplug()
    until(lambda: not tester.let_in(TOKEN), "end of it")
    tester.link_back()
    ended = csms.wait_event("Ended", timeout=30)
    events = tester.events(ended["transactionInfo"]["transactionId"])
    assert events[0]["eventType"] == "Started"
    assert [m["seqNo"] for m in events] == list(range(len(events)))
    assert all(m.get("offline") for m in events)
    assert moments(events) == sorted(moments(events))
    tester.delivered()
