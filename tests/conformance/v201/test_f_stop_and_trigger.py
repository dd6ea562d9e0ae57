"""F: remote stop; meter values and transaction events on request."""

import pytest

from tests.conformance.tester import Tester
from tests.csms import Csms, Message

MEASURANDS = ["Energy.Active.Import.Register", "Power.Active.Import"]


def contexts(message: Message) -> set[str]:
    return {sample["context"] for value in message["meterValue"] for sample in value["sampledValue"]}


def measurands(message: Message) -> set[str]:
    return {sample["measurand"] for value in message["meterValue"] for sample in value["sampledValue"]}


def test_tc_f_08_cs(tester: Tester) -> None:
    """Remote stop transaction - Success"""
    transaction = tester.charging()
    tester.remote_stop(transaction)
    stopped = tester.event(trigger="RemoteStop", transactionId=transaction)
    assert "idToken" not in stopped.payload


def test_tc_f_09_cs(tester: Tester, csms: Csms) -> None:
    """Remote stop transaction - Rejected"""
    transaction = tester.charging()
    assert csms.call("RequestStopTransaction", {"transactionId": f"{transaction}9"})["status"] == "Rejected"
    tester.fence()
    assert tester.transaction_status(transaction)["ongoingIndicator"] is True
    assert not csms.calls("TransactionEvent", {"triggerReason": "RemoteStop"})


@pytest.mark.parametrize("evse", [1, 4])
def test_tc_f_11_cs(tester: Tester, csms: Csms, evse: int) -> None:
    """Trigger message - MeterValues - Specific EVSE"""
    tester.set("AlignedDataCtrlr.Measurands", MEASURANDS)
    answered = tester.trigger("MeterValues", evse)
    told = csms.wait("MeterValues", evseId=evse)
    assert told.number > answered.message.number
    assert contexts(told) == {"Trigger"}
    assert measurands(told) == set(MEASURANDS)


def test_tc_f_12_cs(tester: Tester, csms: Csms) -> None:
    """Trigger message - MeterValues - All EVSE"""
    tester.set("AlignedDataCtrlr.Measurands", MEASURANDS)
    answered = tester.trigger("MeterValues")
    for evse in tester.evses:
        told = csms.wait("MeterValues", evseId=evse)
        assert told.number > answered.message.number
        assert contexts(told) == {"Trigger"}
        assert measurands(told) == set(MEASURANDS)


def triggered(tester: Tester, transaction: str) -> None:
    """S> TransactionEvent on request, with values of that moment."""
    told = tester.event("Updated", "Trigger", "Charging", transactionId=transaction)
    assert contexts(told) == {"Trigger"}
    assert measurands(told) == set(MEASURANDS)


def test_tc_f_13_cs(tester: Tester) -> None:
    """Trigger message - TransactionEvent - Specific EVSE"""
    tester.set("SampledDataCtrlr.TxUpdatedMeasurands", MEASURANDS)
    transaction = tester.charging(2)
    tester.trigger("TransactionEvent", 2)
    triggered(tester, transaction)


def test_tc_f_14_cs(tester: Tester) -> None:
    """Trigger message - TransactionEvent - All EVSE"""
    tester.set("SampledDataCtrlr.TxUpdatedMeasurands", MEASURANDS)
    transactions = [tester.charging(evse, f"04A2B3C4D5E68{evse}") for evse in tester.evses]
    tester.trigger("TransactionEvent")
    for transaction in transactions:
        triggered(tester, transaction)
