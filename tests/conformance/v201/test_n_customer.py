"""N: what the station knows of a customer."""

from typing import Any

import pytest

from tests.conformance.tester import GROUP, OTHER_TOKEN, TOKEN, Tester
from tests.csms import Csms

BY_TOKEN = {"idToken": {"idToken": TOKEN, "type": "ISO14443"}}


def information(csms: Csms, who: dict[str, Any], *, report: bool, clear: bool) -> str:
    """T> CustomerInformation, S> Accepted, S> NotifyCustomerInformation: the data of all parts."""
    information.requests += 1  # type: ignore[attr-defined]
    request_id = information.requests  # type: ignore[attr-defined]
    asked = {"requestId": request_id, "report": report, "clear": clear, **who}
    assert csms.call("CustomerInformation", asked)["status"] == "Accepted"
    data, number = "", 0
    while True:
        part = csms.wait("NotifyCustomerInformation", {"requestId": request_id, "seqNo": number})
        data += part["data"]
        number += 1
        if not part.payload.get("tbc", False):
            return data


information.requests = 0  # type: ignore[attr-defined]


@pytest.fixture
def known(tester: Tester) -> Tester:
    """The token was used, so it is in the cache."""
    tester.visit()
    tester.delivered()
    return tester


def test_tc_n_27_cs(known: Tester, csms: Csms) -> None:
    """Get Customer Information - Accepted + data"""
    assert TOKEN in information(csms, BY_TOKEN, report=True, clear=False)


def test_tc_n_28_cs(known: Tester, csms: Csms) -> None:
    """Get Customer Information - Accepted + no data"""
    information(csms, BY_TOKEN, report=False, clear=True)
    assert information(csms, BY_TOKEN, report=True, clear=False) == ""


def test_tc_n_30_cs(known: Tester, csms: Csms) -> None:
    """Clear Customer Information - Clear and report + data"""
    assert TOKEN in information(csms, BY_TOKEN, report=True, clear=True)
    assert information(csms, BY_TOKEN, report=True, clear=False) == ""


def test_tc_n_31_cs(tester: Tester, csms: Csms) -> None:
    """Clear Customer Information - Clear and report + no data"""
    unknown = {"idToken": {"idToken": OTHER_TOKEN, "type": "ISO14443"}}
    assert information(csms, unknown, report=True, clear=True) == ""


def test_tc_n_32_cs(known: Tester, csms: Csms) -> None:
    """Clear Customer Information - Clear and no report"""
    assert information(csms, BY_TOKEN, report=False, clear=True) == "cleared"
    csms.quiet("NotifyCustomerInformation", 0.3)


def test_tc_n_62_cs(tester: Tester, csms: Csms) -> None:
    """Clear Customer Information - Clear and report - customerIdentifier"""
    csms.tokens[TOKEN] = {"status": "Accepted", "groupIdToken": {"idToken": GROUP, "type": "Central"}}
    tester.visit()
    tester.delivered()
    assert TOKEN in information(csms, {"customerIdentifier": GROUP}, report=True, clear=True)
    assert information(csms, {"customerIdentifier": GROUP}, report=True, clear=False) == ""


def test_a_request_that_names_no_customer_or_two_is_invalid(tester: Tester, csms: Csms) -> None:
    """Neither nobody nor two customers at once (N09.FR.09), and nothing to do (N09.FR.07)"""
    asked = {"requestId": 1, "report": True, "clear": False}
    assert csms.call("CustomerInformation", asked)["status"] == "Invalid"
    assert csms.call("CustomerInformation", asked | BY_TOKEN | {"customerIdentifier": "x"})["status"] == "Invalid"
    assert csms.call("CustomerInformation", asked | BY_TOKEN | {"report": False})["status"] == "Rejected"
