"""Remote Trigger."""

import pytest

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


@pytest.mark.parametrize("message", ["MeterValues", "StatusNotification"])
def test_tc_055_cs(tester: Tester, csms: Csms, message: str) -> None:
    """Trigger Message - Rejected"""
    told = len(csms.calls(message))
    tester.trigger(message, len(tester.connectors) + 1, "Rejected")
    tester.fence()
    assert len(csms.calls(message)) == told
