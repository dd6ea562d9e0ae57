"""Remote Trigger."""

import pytest

from tests.conformance.stations import dc_station, with_main_meter
from tests.conformance.v16.tester import Tester
from tests.csms import Csms, Message, Reply


def after(reply: Reply, message: Message) -> Message:
    """First the answer, then the message."""
    assert message.number > reply.message.number
    return message


def test_tc_054_cs(tester: Tester, csms: Csms) -> None:
    """Trigger Message"""
    csms.forget()  # what the boot brought
    values = after(tester.trigger("MeterValues", 1), csms.wait("MeterValues", connectorId=1))
    assert values["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"
    assert "transactionId" not in values.payload
    after(tester.trigger("Heartbeat"), csms.wait("Heartbeat"))
    after(tester.trigger("StatusNotification", 1), tester.status(1, "Available"))
    after(tester.trigger("DiagnosticsStatusNotification"), csms.wait("DiagnosticsStatusNotification", status="Idle"))
    after(tester.trigger("FirmwareStatusNotification"), csms.wait("FirmwareStatusNotification", status="Idle"))


def test_a_boot_is_asked_for(tester: Tester, csms: Csms) -> None:
    csms.forget()
    reply = tester.trigger("BootNotification")
    after(reply, tester.booted())


@pytest.mark.under_test(with_main_meter(dc_station), variables={})
def test_connector_0_is_the_charge_point_itself(tester: Tester, csms: Csms) -> None:
    csms.forget()
    after(tester.trigger("StatusNotification", 0), tester.status(0, "Available"))
    after(tester.trigger("MeterValues", 0), csms.wait("MeterValues", connectorId=0))
    assert [m["connectorId"] for m in csms.transcript.unconsumed() if m.kind == "call" and m.sender == "station"] == []


def test_in_a_transaction_the_values_are_its_own(tester: Tester, csms: Csms) -> None:
    tester.configure("MeterValuesSampledData", "Voltage")
    tester.configure("MeterValueSampleInterval", 0)
    transaction = tester.charging()
    tester.trigger("MeterValues", 1)
    (value,) = csms.wait("MeterValues", connectorId=1, transactionId=transaction)["meterValue"]
    assert {(s["measurand"], s["context"]) for s in value["sampledValue"]} == {("Voltage", "Trigger")}


@pytest.mark.parametrize("message", ["MeterValues", "StatusNotification"])
def test_tc_055_cs(tester: Tester, csms: Csms, message: str) -> None:
    """Trigger Message - Rejected"""
    told = len(csms.calls(message))
    tester.trigger(message, len(tester.connectors) + 1, "Rejected")
    tester.fence()
    assert len(csms.calls(message)) == told
