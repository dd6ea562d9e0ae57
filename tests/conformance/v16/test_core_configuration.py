"""Core: configuration keys."""

import pytest

from tests.conformance.stations import ac_cable, ac_socket
from tests.conformance.v16.tester import Tester
from tests.csms import Csms

READ_WRITE = {
    "Core": (
        "AuthorizeRemoteTxRequests", "ClockAlignedDataInterval", "ConnectionTimeOut", "ConnectorPhaseRotation",
        "HeartbeatInterval", "LocalAuthorizeOffline", "LocalPreAuthorize", "MeterValuesAlignedData",
        "MeterValuesSampledData", "MeterValueSampleInterval", "ResetRetries", "StopTransactionOnEVSideDisconnect",
        "StopTransactionOnInvalidId", "StopTxnAlignedData", "StopTxnSampledData", "TransactionMessageAttempts",
        "TransactionMessageRetryInterval", "UnlockConnectorOnEVSideDisconnect",
    ),
    "LocalAuthListManagement": ("LocalAuthListEnabled",),
}  # fmt: skip
READ_ONLY = {
    "Core": ("GetConfigurationMaxKeys", "NumberOfConnectors", "SupportedFeatureProfiles"),
    "LocalAuthListManagement": ("LocalAuthListMaxLength", "SendLocalListMaxLength"),
    "SmartCharging": (
        "ChargeProfileMaxStackLevel", "ChargingScheduleAllowedChargingRateUnit", "ChargingScheduleMaxPeriods",
        "MaxChargingProfilesInstalled",
    ),
}  # fmt: skip
"""required by each profile (1.6 §9, errata v4.0)"""
FIXED = {"UnlockConnectorOnEVSideDisconnect"}
"""read-only, and false, where no connector has a lock"""


@pytest.mark.parametrize(
    "station_",
    [
        pytest.param("socket", marks=pytest.mark.under_test(ac_socket, variables={})),
        pytest.param("fixed cable", marks=pytest.mark.under_test(ac_cable, variables={})),
    ],
)
def test_tc_019_cs(tester: Tester, csms: Csms, station_: str) -> None:
    """Retrieve configuration"""
    profiles = tester.configuration("SupportedFeatureProfiles")["SupportedFeatureProfiles"].split(",")
    assert "Core" in profiles
    answer = csms.call("GetConfiguration")
    assert not answer.get("unknownKey")
    access = {row["key"]: row["readonly"] for row in answer["configurationKey"]}
    required = {key: False for profile in profiles for key in READ_WRITE.get(profile, ())}
    required |= {key: True for profile in profiles for key in READ_ONLY.get(profile, ())}
    required |= {key: True for key in FIXED if station_ == "fixed cable"}
    assert required.items() <= access.items()
    most = int(tester.configuration("GetConfigurationMaxKeys")["GetConfigurationMaxKeys"])
    known = list(access)[:most]
    assert list(tester.configuration(*known)) == known


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
