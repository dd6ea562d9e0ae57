"""1.6 configuration keys: a table over the device model."""

from __future__ import annotations

from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core.password import as_bytes
from chargepointd.core.plan import ConnectorPlan, EvsePlan, FirmwarePlan, StationPlan
from chargepointd.core.variables.catalogue import parse_name
from chargepointd.core.variables.model import Ref, Variable
from chargepointd.core.variables.registry import Registry
from chargepointd.core.variables.values import complaint
from chargepointd.dialects.dialect import Dialect, Refusal
from chargepointd.dialects.v16.keys import TABLE, configured
from tests.daemon.keys import READ_WRITE, Line
from tests.dialects.neutral import PLAN, loaded, obeyed, registry

# OCPP 1.6 edition 2, chapter 9.1 with errata v4.0: required keys of the Core profile, and whether they are read-only.
REQUIRED = {
    "AuthorizeRemoteTxRequests": False, "ClockAlignedDataInterval": False, "ConnectionTimeOut": False,
    "ConnectorPhaseRotation": False, "GetConfigurationMaxKeys": True, "HeartbeatInterval": False,
    "LocalAuthorizeOffline": False, "LocalPreAuthorize": False, "MeterValuesAlignedData": False,
    "MeterValuesSampledData": False, "MeterValueSampleInterval": False, "NumberOfConnectors": True,
    "ResetRetries": False, "StopTransactionOnInvalidId": False, "StopTxnAlignedData": False,
    "StopTxnSampledData": False, "SupportedFeatureProfiles": True, "TransactionMessageAttempts": False,
    "TransactionMessageRetryInterval": False, "UnlockConnectorOnEVSideDisconnect": False,
}  # fmt: skip


@pytest.fixture
def variables() -> Registry:
    return registry()


@pytest.fixture
def dialect(variables: Registry) -> Dialect:
    return loaded("1.6", variables)


def got(dialect: Dialect, variables: Registry, *names: str) -> Any:
    return obeyed(dialect, variables, "GetConfiguration", {"key": list(names)} if names else {})


def value(dialect: Dialect, variables: Registry, name: str) -> Any:
    return got(dialect, variables, name)["configurationKey"][0].get("value")


def changed(dialect: Dialect, variables: Registry, name: str, text: str) -> Any:
    return obeyed(dialect, variables, "ChangeConfiguration", {"key": name, "value": text})["status"]


def test_all_keys_with_every_required_one_and_its_access(dialect: Dialect, variables: Registry) -> None:
    said = got(dialect, variables)
    access = {row["key"]: row["readonly"] for row in said["configurationKey"]}
    assert REQUIRED.items() <= access.items()
    assert set(access) == {key.name for key in TABLE}
    assert "unknownKey" not in said
    assert [row["key"] for row in said["configurationKey"] if "value" not in row] == ["AuthorizationKey"]


def test_an_empty_list_of_keys_asks_for_all(dialect: Dialect, variables: Registry) -> None:
    said = obeyed(dialect, variables, "GetConfiguration", {"key": []})
    assert len(said["configurationKey"]) == len(TABLE)


def test_known_and_unknown_keys_in_one_request(dialect: Dialect, variables: Registry) -> None:
    said = got(dialect, variables, "numberofconnectors", "Nonsense", "LOCALPREAUTHORIZE", "MoreNonsense", "CpoName")
    assert said == {
        "configurationKey": [
            {"key": "NumberOfConnectors", "readonly": True, "value": "3"},
            {"key": "LocalPreAuthorize", "readonly": False, "value": "false"},
            {"key": "CpoName", "readonly": False, "value": ""},
        ],
        "unknownKey": ["Nonsense", "MoreNonsense"],
    }


def test_more_keys_than_announced_are_refused(dialect: Dialect, variables: Registry) -> None:
    most = int(value(dialect, variables, "GetConfigurationMaxKeys"))
    assert len(got(dialect, variables, *["CpoName"] * most)["configurationKey"]) == most
    refusal = dialect.command("GetConfiguration", {"key": ["CpoName"] * (most + 1)})
    assert isinstance(refusal, Refusal)
    assert refusal.code == "OccurrenceConstraintViolation"


@pytest.mark.parametrize(
    ("key", "text", "status"),
    [
        ("MeterValueSampleInterval", "15", "Accepted"),
        ("metervaluesampleinterval", "15", "Accepted"),
        ("MeterValueSampleInterval", "-1", "Rejected"),
        ("MeterValueSampleInterval", "abc", "Rejected"),
        ("WebSocketPingInterval", "-5", "Rejected"),
        ("LocalPreAuthorize", "True", "Accepted"),
        ("MeterValuesSampledData", "Voltage,Frequency", "Accepted"),
        ("MeterValuesSampledData", "Voltage,Nonsense", "Rejected"),
        ("NumberOfConnectors", "5", "Rejected"),
        ("GetConfigurationMaxKeys", "5", "Rejected"),
        ("MinimumStatusDuration", "5", "Accepted"),
        ("Nonsense", "1", "NotSupported"),
        ("ConnectorPhaseRotation", "0.RST, 1.RST,3.TSR", "Accepted"),
        ("ConnectorPhaseRotation", "4.RST", "Rejected"),
        ("ConnectorPhaseRotation", "1.RST,1.RST", "Rejected"),
        ("ConnectorPhaseRotation", "1.ABC", "Rejected"),
        ("ConnectorPhaseRotation", "RST", "Rejected"),
    ],
)
def test_changes(dialect: Dialect, variables: Registry, key: str, text: str, status: str) -> None:
    before = value(dialect, variables, key) if status != "NotSupported" else None
    assert changed(dialect, variables, key, text) == status
    if status != "NotSupported":
        assert value(dialect, variables, key) == (text if status == "Accepted" else before)


def test_a_change_is_one_of_the_device_model(dialect: Dialect, variables: Registry) -> None:
    changed(dialect, variables, "MeterValueSampleInterval", "15")
    assert variables.integer("SampledDataCtrlr.TxUpdatedInterval") == 15


def test_a_change_that_waits_for_a_restart_says_so(dialect: Dialect) -> None:
    ref = Ref("TxCtrlr", "EVConnectionTimeOut")
    reply = c.VariablesSet((c.VariableSet(ref, "Actual", "RebootRequired"),))
    payload = {"key": "ConnectionTimeOut", "value": "9"}
    assert dialect.response("ChangeConfiguration", payload, reply) == {"status": "RebootRequired"}


def test_the_phase_rotation_is_unknown_until_it_is_told(dialect: Dialect, variables: Registry) -> None:
    assert value(dialect, variables, "ConnectorPhaseRotation") == "0.Unknown,1.Unknown,2.Unknown,3.Unknown"


def test_a_value_that_may_only_be_written_is_not_shown() -> None:
    variables = registry()
    variables.add(Variable(Ref("SecurityCtrlr", "OrganizationName"), mutability="WriteOnly", default="secret"))
    row = got(loaded("1.6", variables), variables, "CpoName")["configurationKey"][0]
    assert row == {"key": "CpoName", "readonly": False}


def test_a_key_whose_variable_is_not_there_is_unknown() -> None:
    few = Registry(
        [v for v in registry().variables if v.ref.component not in ("SecurityCtrlr", "AuthCacheCtrlr")], {}, {}
    )
    dialect = loaded("1.6", few)
    assert got(dialect, few, "SecurityProfile")["unknownKey"] == ["SecurityProfile"]
    assert changed(dialect, few, "AuthorizationCacheEnabled", "true") == "NotSupported"
    assert "SecurityProfile" not in [row["key"] for row in got(dialect, few)["configurationKey"]]


def test_a_station_without_a_lamp_has_no_keys_of_lamps() -> None:
    variables = registry(PLAN._replace(lamps=()))
    said = got(loaded("1.6", variables), variables, "BlinkRepeat", "LightIntensity")
    assert said == {"configurationKey": [], "unknownKey": ["BlinkRepeat", "LightIntensity"]}
    assert changed(loaded("1.6", variables), variables, "LightIntensity", "50") == "NotSupported"


def test_fixed_cables_are_never_let_go() -> None:
    plan = StationPlan("CS", "v", "m", "", "", (EvsePlan(1, (ConnectorPlan(1, fixed_cable=True),)),))
    variables = registry(plan)
    row = got(loaded("1.6", variables), variables, "UnlockConnectorOnEVSideDisconnect")["configurationKey"][0]
    assert (row["readonly"], row["value"]) == (True, "false")


def test_every_key_names_a_variable_or_is_computed(variables: Registry) -> None:
    for key in TABLE:
        assert (key.variables and all(map(variables.named, key.variables))) or key.computed, key.name


# -- the device model --------------------------------------------------------------------------------------------------


def test_every_default_fits_its_variable(variables: Registry) -> None:
    for variable in variables.variables:
        if variable.live is None and variable.default:
            assert complaint(variable, variable.default) == "", variable


# 2.0.1 part 2, appendices: variables required of every station, and their access where the standard fixes it.
REQUIRED_VARIABLES = {
    "AlignedDataCtrlr.Interval": "ReadWrite", "AlignedDataCtrlr.Measurands": "ReadWrite",
    "AlignedDataCtrlr.TxEndedInterval": "ReadWrite", "AlignedDataCtrlr.TxEndedMeasurands": "ReadWrite",
    "AuthCtrlr.AuthorizeRemoteStart": "", "AuthCtrlr.LocalAuthorizeOffline": "ReadWrite",
    "AuthCtrlr.LocalPreAuthorize": "ReadWrite", "ChargingStation.AvailabilityState": "ReadOnly",
    "ChargingStation.Available": "ReadOnly", "ChargingStation.SupplyPhases": "ReadOnly",
    "ClockCtrlr.DateTime": "ReadOnly", "ClockCtrlr.TimeSource": "ReadWrite",
    "Connector#1.1.Available": "ReadOnly", "Connector#1.1.ConnectorType": "ReadOnly",
    "Connector#1.1.SupplyPhases": "ReadOnly", "DeviceDataCtrlr.BytesPerMessage[GetReport]": "ReadOnly",
    "DeviceDataCtrlr.BytesPerMessage[GetVariables]": "ReadOnly",
    "DeviceDataCtrlr.BytesPerMessage[SetVariables]": "ReadOnly",
    "DeviceDataCtrlr.ItemsPerMessage[GetReport]": "ReadOnly",
    "DeviceDataCtrlr.ItemsPerMessage[GetVariables]": "ReadOnly",
    "DeviceDataCtrlr.ItemsPerMessage[SetVariables]": "ReadOnly", "EVSE#1.AvailabilityState": "ReadOnly",
    "EVSE#1.Available": "ReadOnly", "EVSE#1.SupplyPhases": "ReadOnly",
    "OCPPCommCtrlr.ActiveNetworkProfile": "ReadOnly", "OCPPCommCtrlr.FileTransferProtocols": "ReadOnly",
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": "ReadWrite",
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "ReadWrite",
    "OCPPCommCtrlr.MessageTimeout[Default]": "ReadOnly", "OCPPCommCtrlr.NetworkConfigurationPriority": "ReadWrite",
    "OCPPCommCtrlr.NetworkProfileConnectionAttempts": "ReadWrite", "OCPPCommCtrlr.OfflineThreshold": "ReadWrite",
    "OCPPCommCtrlr.ResetRetries": "ReadWrite", "OCPPCommCtrlr.RetryBackOffRandomRange": "ReadWrite",
    "OCPPCommCtrlr.RetryBackOffRepeatTimes": "ReadWrite", "OCPPCommCtrlr.RetryBackOffWaitMinimum": "ReadWrite",
    "OCPPCommCtrlr.UnlockOnEVSideDisconnect": "", "SampledDataCtrlr.TxEndedInterval": "ReadWrite",
    "SampledDataCtrlr.TxEndedMeasurands": "ReadWrite", "SampledDataCtrlr.TxStartedMeasurands": "ReadWrite",
    "SampledDataCtrlr.TxUpdatedInterval": "ReadWrite", "SampledDataCtrlr.TxUpdatedMeasurands": "ReadWrite",
    "SecurityCtrlr.CertificateEntries": "ReadOnly", "SecurityCtrlr.OrganizationName": "ReadWrite",
    "SecurityCtrlr.SecurityProfile": "ReadOnly", "TxCtrlr.EVConnectionTimeOut": "ReadWrite",
    "TxCtrlr.StopTxOnEVSideDisconnect": "", "TxCtrlr.StopTxOnInvalidId": "ReadWrite", "TxCtrlr.TxStartPoint": "",
    "TxCtrlr.TxStopPoint": "",
}  # fmt: skip


@pytest.mark.parametrize("name", REQUIRED_VARIABLES)
def test_the_required_variables_are_there(variables: Registry, name: str) -> None:
    variable = variables.named(name)
    assert variable is not None
    assert REQUIRED_VARIABLES[name] in ("", variable.mutability)


# -- [ocpp16] ----------------------------------------------------------------------------------------------------------


def test_the_section_of_the_configuration_file() -> None:
    given = {"MinimumStatusDuration": "0", "metervaluesampleinterval": "5", "ConnectorPhaseRotation": "0.RST"}
    assert configured(given) == {
        "ChargingStation.MinimumStatusDuration": "0",
        "SampledDataCtrlr.TxUpdatedInterval": "5",
        "OCPP16Ctrlr.ConnectorPhaseRotation": "0.RST",
    }


def test_the_password_of_the_configuration_file_may_be_bytes() -> None:
    (name, text), *_ = configured({"AuthorizationKey": "ff" * 16}).items()
    assert (name, as_bytes(text)) == ("SecurityCtrlr.BasicAuthPassword", b"\xff" * 16)


def test_the_keys_of_the_security_extension(dialect: Dialect, variables: Registry) -> None:
    said = got(dialect, variables, *SECURITY)
    assert {row["key"]: (row["readonly"], row["value"]) for row in said["configurationKey"]} == SECURITY
    for key, (readonly, _) in SECURITY.items():
        if key != "SecurityProfile":
            text = "true" if key.startswith("Disable") else "7"
            assert changed(dialect, variables, key, text) == ("Rejected" if readonly else "Accepted")


def test_firmware_management_takes_an_installer() -> None:
    for command, claimed in (((), False), (("install",), True)):
        variables = registry(PLAN._replace(firmware=FirmwarePlan(command)))
        profiles = value(loaded("1.6", variables), variables, "SupportedFeatureProfiles").split(",")
        assert profiles[0] == "Core"
        assert ("FirmwareManagement" in profiles) == claimed
        assert len(profiles) <= int(value(loaded("1.6", variables), variables, "SupportedFeatureProfilesMaxLength"))


def test_file_transfers_that_1_6_has_a_word_for(dialect: Dialect, variables: Registry) -> None:
    assert value(dialect, variables, "SupportedFileTransferProtocols") == "FTP,FTPS,HTTP,HTTPS"


SECURITY = {
    "AdditionalRootCertificateCheck": (True, "false"),
    "CertificateSignedMaxChainSize": (True, "10000"),
    "CertificateStoreMaxLength": (True, "500"),
    "CertSigningRepeatTimes": (False, "3"),
    "CertSigningWaitMinimum": (False, "60"),
    "CpoName": (False, ""),
    "DisableSecurityEventNotifications": (False, "false"),
    "SecurityProfile": (False, "0"),
}


@pytest.mark.parametrize(
    ("key", "text", "remedy"),
    [
        ("AuthorizationKey", "abc123", "32 to 40 hexadecimal digits"),
        ("MeterValueInterval", "5", 'did you mean "MeterValueSampleInterval"?'),
        ("zzz", "5", "leave it out"),
        ("NumberOfConnectors", "5", "[[evse]]"),
        ("SecurityProfile", "2", "csms.security_profile"),
        ("StopTxnSampledDataMaxLength", "5", "leave it out"),
        ("ConnectorPhaseRotation", "RST", '"0.RST,1.RST"'),
    ],
)
def test_a_key_that_cannot_be_set_there_is_named_with_the_remedy(key: str, text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: ") as error:
        configured({key: text})
    assert remedy in str(error.value)


def test_all_complaints_at_once() -> None:
    with pytest.raises(ValueError) as error:
        configured({"Nonsense": "1", "NumberOfConnectors": "5"})
    assert [line.split(":")[0] for line in str(error.value).splitlines()] == ["Nonsense", "ocpp16.NumberOfConnectors"]


@pytest.mark.parametrize(
    "line", [line for line in READ_WRITE if line.key != "MessageTimeout"], ids=lambda line: line.key
)
def test_a_key_is_a_row_over_the_device_model(dialect: Dialect, variables: Registry, line: Line) -> None:
    """Both ways, by the same table as the real process is held to (tests/daemon)."""
    for text in (line.first, line.second):
        assert changed(dialect, variables, line.key, text) == "Accepted"
        assert variables.text(line.variable) == text
        assert changed(dialect, variables, line.key, line.bad) == "Rejected"
        assert variables.text(line.variable) == text
    ref = parse_name(line.variable)
    assert variables.set(ref, "Actual", line.first)[0].status == "Accepted"
    assert value(dialect, variables, line.key) == line.first
