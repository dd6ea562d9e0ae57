"""What the device model says of the size of a request holds (B05.FR.11, B06.FR.16, .17, B08.FR.17, .18, D01.FR.11)."""

from typing import Any

import pytest

from tests.conformance.stations import dc_station
from tests.conformance.tester import Tester, named
from tests.csms import CallRefused

SMALL = {
    f"DeviceDataCtrlr.{what}[{action}]": size
    for action in ("GetReport", "GetVariables", "SetVariables")
    for what, size in (("BytesPerMessage", 600), ("ItemsPerMessage", 3))
} | {"LocalAuthListCtrlr.BytesPerMessage": 600, "LocalAuthListCtrlr.ItemsPerMessage": 3}
VARIABLE = named("OCPPCommCtrlr.OfflineThreshold")
REQUESTS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "GetVariables": ({}, "getVariableData", VARIABLE),
    "SetVariables": ({}, "setVariableData", VARIABLE | {"attributeValue": "300"}),
    "GetReport": ({"requestId": 1}, "componentVariable", VARIABLE),
    "SendLocalList": (
        {"versionNumber": 1, "updateType": "Full"},
        "localAuthorizationList",
        {"idToken": {"idToken": "AAAA1111", "type": "ISO14443"}},
    ),
}


@pytest.mark.under_test(dc_station, variables=SMALL)
@pytest.mark.parametrize("action", REQUESTS)
def test_a_request_of_more_items_or_bytes_is_refused(tester: Tester, action: str) -> None:
    rest, field, item = REQUESTS[action]
    tester.csms.call(action, rest | {field: [item] * 3})
    for code, items in (
        ("OccurrenceConstraintViolation", [item] * 4),
        ("FormatViolation", [item | {"customData": {"vendorId": "x" * 255, "more": "x" * 300}}]),
    ):
        with pytest.raises(CallRefused) as refused:
            tester.csms.call(action, rest | {field: items})
        assert refused.value.code == code
