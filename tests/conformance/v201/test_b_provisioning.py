"""B: booting, variables, reports, reset, network profiles."""

import pytest

from tests.conformance.tester import Tester, named
from tests.csms import Csms


def test_tc_b_01_cs(tester: Tester) -> None:
    """Cold Boot Charging Station - Accepted"""
    tester.reset()
    tester.booted()


def test_tc_b_06_cs(tester: Tester, csms: Csms) -> None:
    """Get Variables - single value"""
    tester.set("OCPPCommCtrlr.OfflineThreshold", 300)
    asked = named("OCPPCommCtrlr.OfflineThreshold")
    reply = csms.call("GetVariables", {"getVariableData": [asked | {"attributeType": "Actual"}]})
    assert reply["getVariableResult"] == [
        asked | {"attributeStatus": "Accepted", "attributeType": "Actual", "attributeValue": "300"}
    ]


@pytest.mark.parametrize(("kind", "evse"), [("OnIdle", None)])
def test_tc_b_20_cs(tester: Tester, kind: str, evse: int | None) -> None:
    """Reset Charging Station - Without ongoing transaction - OnIdle"""
    tester.reset(kind, evse)
    tester.booted("ScheduledReset")
