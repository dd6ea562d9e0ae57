"""P: what is not in the standard."""

from typing import Any

import pytest

from tests.conformance.tester import Tester, named
from tests.csms import Csms

CUSTOM = {"vendorId": "org.example.unknown", "anything": {"at": ["all"]}}


def test_tc_p_01_cs(tester: Tester, csms: Csms) -> None:
    """Data Transfer to the Charging Station - Rejected / Unknown VendorId / Unknown MessageId"""
    asked = {"vendorId": "org.openchargealliance.octt", "messageId": "no-such-message"}
    assert csms.call("DataTransfer", asked)["status"] == "UnknownVendorId"


def custom(where: str) -> dict[str, Any]:
    item: dict[str, Any] = named("OCPPCommCtrlr.OfflineThreshold") | {"attributeValue": "200"}
    request: dict[str, Any] = {"setVariableData": [item]}
    place = {"request": request, "item": item, "component": item["component"]}[where]
    place["customData"] = CUSTOM
    return request


@pytest.mark.parametrize("where", ["request", "item", "component"])
def test_tc_p_03_cs(tester: Tester, csms: Csms, where: str) -> None:
    """CustomData - Receive custom data"""
    assert csms.call("SetVariables", custom(where))["setVariableResult"][0]["attributeStatus"] == "Accepted"
    assert tester.get("OCPPCommCtrlr.OfflineThreshold") == "200"
