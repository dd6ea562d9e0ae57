"""E: the CSMS asks how a transaction stands (E14)."""

from tests.conformance.tester import Tester
from tests.csms import Csms


def sampled_offline(tester: Tester) -> str:
    """Charging, the link down for longer than the sampling interval, and back: nothing of the queue is answered yet."""
    tester.set("SampledDataCtrlr.TxUpdatedInterval", 1)
    transaction = tester.charging()
    tester.link_cut()
    tester.queued(2)
    return transaction


def told_offline(tester: Tester, transaction: str) -> None:
    """S> the queued Updated events: with meterValue, offline."""
    first = tester.event("Updated", "MeterValuePeriodic", transactionId=transaction)
    while not first.get("offline"):
        first = tester.event("Updated", "MeterValuePeriodic", transactionId=transaction)
    assert first["meterValue"]


def test_tc_e_28_cs(tester: Tester) -> None:
    """Check Transaction status - TransactionId unknown"""
    assert tester.transaction_status("no-such-transaction") == {"ongoingIndicator": False, "messagesInQueue": False}


def test_tc_e_29_cs(tester: Tester, csms: Csms) -> None:
    """Check Transaction status - Transaction with id ongoing - with message in queue"""
    transaction = sampled_offline(tester)
    with csms.holding("TransactionEvent"):
        tester.link_back()
        assert tester.transaction_status(transaction) == {"ongoingIndicator": True, "messagesInQueue": True}
    told_offline(tester, transaction)


def test_tc_e_30_cs(tester: Tester) -> None:
    """Check Transaction status - Transaction with id ongoing - without message in queue"""
    transaction = tester.charging()
    tester.delivered()
    assert tester.transaction_status(transaction) == {"ongoingIndicator": True, "messagesInQueue": False}


def test_tc_e_31_cs(tester: Tester, csms: Csms) -> None:
    """Check Transaction status - Transaction with id ended - with message in queue"""
    transaction = tester.charging()
    tester.link_cut()
    tester.present()
    tester.unplug()
    tester.queued(1)
    with csms.holding("TransactionEvent"):
        tester.link_back()
        assert tester.transaction_status(transaction) == {"ongoingIndicator": False, "messagesInQueue": True}
    assert tester.ended(transaction)["offline"] is True


def test_tc_e_32_cs(tester: Tester) -> None:
    """Check Transaction status - Transaction with id ended - without message in queue"""
    transaction = tester.visit()
    tester.delivered()
    assert tester.transaction_status(transaction) == {"ongoingIndicator": False, "messagesInQueue": False}


def test_tc_e_33_cs(tester: Tester, csms: Csms) -> None:
    """Check Transaction status - Without transactionId - with message in queue"""
    transaction = sampled_offline(tester)
    with csms.holding("TransactionEvent"):
        tester.link_back()
        assert tester.transaction_status() == {"messagesInQueue": True}
    told_offline(tester, transaction)


def test_tc_e_34_cs(tester: Tester) -> None:
    """Check Transaction status - Without transactionId - without message in queue"""
    assert tester.transaction_status() == {"messagesInQueue": False}
