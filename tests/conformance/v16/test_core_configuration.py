"""Core: configuration keys."""

import pytest

from tests.conformance.v16.tester import Tester

REQUIRED = {
    "AllowOfflineTxForUnknownId": None,
}


def test_tc_021_cs(tester: Tester) -> None:
    """Change/set Configuration"""
    tester.configure("MeterValueSampleInterval", 61)
    assert tester.configuration("MeterValueSampleInterval") == {"MeterValueSampleInterval": "61"}


def test_tc_040_1_cs(tester: Tester) -> None:
    """Configuration key - NotSupported"""
    tester.configure("OrgExampleUnknownKey", "1", "NotSupported")


@pytest.mark.parametrize("value", ["-1", "", "1.5", "many"])
def test_tc_040_2_cs(tester: Tester, value: str) -> None:
    """Configuration key - Invalid value"""
    before = tester.configuration("MeterValueSampleInterval")
    tester.configure("MeterValueSampleInterval", value, "Rejected")
    assert tester.configuration("MeterValueSampleInterval") == before
