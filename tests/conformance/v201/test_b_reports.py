"""B: reports of the device model, and what is answered before the station is accepted."""

from pathlib import Path
from typing import Any

import pytest

from tests.conformance.stations import ac_socket, dc_with_menu, signing, with_bays, with_contracts, with_installer
from tests.conformance.tester import Tester, named
from tests.csms import CallRefused, Csms, Message
from tests.daemon.config import Config
from tests.daemon.process import Station

Row = dict[str, Any]


def base_report(csms: Csms, base: str, request_id: int = 1) -> None:
    """T> GetBaseReport, S> Accepted."""
    reply = csms.call("GetBaseReport", {"requestId": request_id, "reportBase": base})
    assert reply["status"] == "Accepted", csms.told(f"{base}: {reply['status']}")


def custom_report(csms: Csms, request_id: int, expect: str = "Accepted", **criteria: Any) -> None:
    """T> GetReport, S> the status."""
    reply = csms.call("GetReport", {"requestId": request_id, **criteria})
    assert reply["status"] == expect, csms.told(f"GetReport: {reply['status']}")
    info = reply.get("statusInfo")
    assert info is None or info["reasonCode"] in ("NoError", "NotFound")


def address(row: Row) -> str:
    """ "Component#evse.connector.Variable[instance]" """
    evse = row["component"].get("evse", {})
    place = f"#{evse['id']}" if evse else ""
    place += f".{evse['connectorId']}" if "connectorId" in evse else ""
    instance = row["variable"].get("instance")
    return f"{row['component']['name']}{place}.{row['variable']['name']}" + (f"[{instance}]" if instance else "")


def value(row: Row) -> str | None:
    found: str | None = row["variableAttribute"][0].get("value")
    return found


def check_rows(rows: list[Row]) -> None:
    """What holds in every report: each variable once, with characteristics; lists with the values they may hold."""
    addresses = [address(row) for row in rows]
    assert len(set(addresses)) == len(addresses)
    for row in rows:
        characteristics = row["variableCharacteristics"]
        attribute = row["variableAttribute"][0]
        if attribute["mutability"] == "WriteOnly":
            assert "value" not in attribute, row
        else:
            assert "value" in attribute, row
        if characteristics["dataType"].endswith("List"):
            known = characteristics["valuesList"].split(",")
            assert all(known), row
            given = [item for item in attribute["value"].split(",") if item]
            assert set(given) <= set(known), row
            assert given or characteristics["dataType"] != "OptionList", row


def booting(csms: Csms) -> Message:
    """S> BootNotification, and the tester has answered it."""
    boot = csms.wait("BootNotification")

    def answered() -> bool:
        return any(m.sender == "csms" and m.id == boot.id for m in csms.transcript.messages)

    assert csms.transcript.until(answered, 5.0), csms.told("not answered")
    return boot


def test_tc_b_02_cs(csms: Csms, config: Config) -> None:
    """Cold Boot Charging Station - Pending"""
    interval_s = 60
    csms.answers["BootNotification"] = {"status": "Pending", "interval": interval_s}
    with Station(config) as station:
        tester = Tester(csms, station)
        pending = booting(csms)
        tester.set("OCPPCommCtrlr.OfflineThreshold", 300)
        assert tester.get("OCPPCommCtrlr.OfflineThreshold") == "300"
        base_report(csms, "FullInventory")
        check_rows(tester.report(1))
        start = {"idToken": {"idToken": "T1", "type": "ISO14443"}, "remoteStartId": 1, "evseId": 1}
        assert csms.call("RequestStartTransaction", start)["status"] == "Rejected"
        del csms.answers["BootNotification"]
        tester.trigger("BootNotification")
        again = tester.booted("Triggered")
        assert again.at - pending.at < interval_s


REQUIRED_WRITABLE = (
    "AlignedDataCtrlr.Interval", "AlignedDataCtrlr.Measurands", "AlignedDataCtrlr.TxEndedInterval",
    "AlignedDataCtrlr.TxEndedMeasurands", "AuthCtrlr.LocalAuthorizeOffline", "AuthCtrlr.LocalPreAuthorize",
    "ClockCtrlr.TimeSource", "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]",
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]", "OCPPCommCtrlr.NetworkConfigurationPriority",
    "OCPPCommCtrlr.NetworkProfileConnectionAttempts", "OCPPCommCtrlr.OfflineThreshold", "OCPPCommCtrlr.ResetRetries",
    "OCPPCommCtrlr.RetryBackOffRandomRange", "OCPPCommCtrlr.RetryBackOffRepeatTimes",
    "OCPPCommCtrlr.RetryBackOffWaitMinimum", "SampledDataCtrlr.TxEndedInterval", "SampledDataCtrlr.TxEndedMeasurands",
    "SampledDataCtrlr.TxStartedMeasurands", "SampledDataCtrlr.TxUpdatedInterval",
    "SampledDataCtrlr.TxUpdatedMeasurands", "SecurityCtrlr.OrganizationName", "TxCtrlr.EVConnectionTimeOut",
    "TxCtrlr.StopTxOnInvalidId",
)  # fmt: skip
REQUIRED = (
    "AuthCtrlr.AuthorizeRemoteStart", "ChargingStation.AvailabilityState", "ChargingStation.Available",
    "ChargingStation.SupplyPhases", "ClockCtrlr.DateTime", "DeviceDataCtrlr.BytesPerMessage[GetReport]",
    "DeviceDataCtrlr.BytesPerMessage[GetVariables]", "DeviceDataCtrlr.BytesPerMessage[SetVariables]",
    "DeviceDataCtrlr.ItemsPerMessage[GetReport]", "DeviceDataCtrlr.ItemsPerMessage[GetVariables]",
    "DeviceDataCtrlr.ItemsPerMessage[SetVariables]", "OCPPCommCtrlr.ActiveNetworkProfile",
    "OCPPCommCtrlr.FileTransferProtocols", "OCPPCommCtrlr.MessageTimeout[Default]",
    "OCPPCommCtrlr.UnlockOnEVSideDisconnect", "SecurityCtrlr.CertificateEntries", "SecurityCtrlr.SecurityProfile",
    "TxCtrlr.StopTxOnEVSideDisconnect", "TxCtrlr.TxStartPoint", "TxCtrlr.TxStopPoint",
)  # fmt: skip
REQUIRED_OF_EVSE = ("AvailabilityState", "Available", "Power", "SupplyPhases")
REQUIRED_OF_CONNECTOR = ("Available", "ConnectorType", "SupplyPhases")


def test_tc_b_12_cs(tester: Tester, csms: Csms) -> None:
    """Get Base Report - ConfigurationInventory"""
    base_report(csms, "ConfigurationInventory", 12)
    rows = tester.report(12)
    check_rows(rows)
    assert {row["variableAttribute"][0]["mutability"] for row in rows} <= {"ReadWrite", "WriteOnly"}
    assert set(REQUIRED_WRITABLE) <= {address(row) for row in rows}


def full_inventory(tester: Tester, request_id: int) -> dict[str, Row]:
    base_report(tester.csms, "FullInventory", request_id)
    rows = tester.report(request_id)
    check_rows(rows)
    return {address(row): row for row in rows}


def check_inventory(tester: Tester, rows: dict[str, Row]) -> None:
    """Every required variable of the blocks that the station offers."""
    required = {*REQUIRED, *REQUIRED_WRITABLE}
    for evse, connectors in tester.evses.items():
        required |= {f"EVSE#{evse}.{name}" for name in REQUIRED_OF_EVSE}
        for connector in connectors:
            required |= {f"Connector#{evse}.{connector}.{name}" for name in REQUIRED_OF_CONNECTOR}
    assert required <= rows.keys(), required - rows.keys()
    assert rows["EVSE#1.Power"]["variableCharacteristics"]["maxLimit"] > 0


def test_tc_b_13_cs(tester: Tester) -> None:
    """Get Base Report - FullInventory"""
    check_inventory(tester, full_inventory(tester, 13))


def test_tc_b_53_cs(tester: Tester) -> None:
    """Get Base Report - Test mandatory DM variables via FullInventory"""
    rows = full_inventory(tester, 53)
    check_inventory(tester, rows)
    assert {"AuthCacheCtrlr.Enabled", "AuthCacheCtrlr.Available"} <= rows.keys(), "the blocks it offers"


def test_tc_b_14_cs(tester: Tester, csms: Csms) -> None:
    """Get Base Report - SummaryInventory"""
    base_report(csms, "SummaryInventory", 14)
    rows = tester.report(14)
    check_rows(rows)
    states = {"ChargingStation.AvailabilityState"}
    for evse, connectors in tester.evses.items():
        states |= {f"EVSE#{evse}.AvailabilityState"}
        states |= {f"Connector#{evse}.{connector}.AvailabilityState" for connector in connectors}
    assert {address(row) for row in rows} == states, "nothing is wrong here"


def test_tc_b_16_cs(tester: Tester, csms: Csms) -> None:
    """Get Custom Report - with component criteria"""
    custom_report(csms, 16, componentCriteria=["Enabled"])
    rows = tester.report(16)
    check_rows(rows)
    assert {(row["variable"]["name"], value(row)) for row in rows} == {("Enabled", "true")}
    full = full_inventory(tester, 17)
    enabled = {a for a, row in full.items() if row["variable"]["name"] == "Enabled" and value(row) == "true"}
    assert {address(row) for row in rows} == enabled
    for row in rows:
        asked = {"component": row["component"], "variable": row["variable"]}
        [got] = csms.call("GetVariables", {"getVariableData": [asked]})["getVariableResult"]
        assert (got["attributeStatus"], got["attributeValue"]) == ("Accepted", "true")


STATE = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}


def test_tc_b_17_cs(tester: Tester, csms: Csms) -> None:
    """Get Custom Report - with component/variable"""
    custom_report(csms, 17, componentVariable=[STATE])
    [row] = tester.report(17)
    assert {key: row[key] for key in STATE} == STATE
    characteristics = row["variableCharacteristics"]
    assert characteristics["dataType"] == "OptionList"
    assert set(characteristics["valuesList"].split(",")) == {
        "Available", "Occupied", "Reserved", "Unavailable", "Faulted",
    }  # fmt: skip
    [attribute] = row["variableAttribute"]
    assert (attribute["mutability"], attribute["type"]) == ("ReadOnly", "Actual")


def test_tc_b_18_cs(tester: Tester, csms: Csms) -> None:
    """Get Custom Report - with component criteria and component/variable"""
    custom_report(csms, 18, componentCriteria=["Available"], componentVariable=[STATE])
    [row] = tester.report(18)
    assert address(row) == "EVSE#1.AvailabilityState"
    custom_report(csms, 19, "EmptyResultSet", componentCriteria=["Problem"], componentVariable=[STATE])
    tester.fence()
    assert not csms.calls("NotifyReport", {"requestId": 19})


def reported(tester: Tester, request_id: int, wanted: Row) -> dict[str, Row]:
    """GetReport of one component and variable, with what comes of it."""
    custom_report(tester.csms, request_id, componentVariable=[wanted])
    rows = tester.report(request_id)
    check_rows(rows)
    return {address(row): row for row in rows}


def test_tc_b_54_cs(tester: Tester) -> None:
    """Get Custom Report - with component/variable, but no instance"""
    rows = reported(tester, 54, named("DeviceDataCtrlr.ItemsPerMessage"))
    kinds = ("GetReport", "GetVariables", "SetVariables")
    assert rows.keys() == {f"DeviceDataCtrlr.ItemsPerMessage[{kind}]" for kind in kinds}


def test_tc_b_55_cs(tester: Tester) -> None:
    """Get Custom Report - with component/variable/instance"""
    rows = reported(tester, 55, named("DeviceDataCtrlr.ItemsPerMessage[GetReport]"))
    assert rows.keys() == {"DeviceDataCtrlr.ItemsPerMessage[GetReport]"}


def test_tc_b_56_cs(tester: Tester) -> None:
    """Get Custom Report - with component/variable, but no evseId"""
    rows = reported(tester, 56, named("EVSE.AvailabilityState"))
    assert rows.keys() == {f"EVSE#{evse}.AvailabilityState" for evse in tester.evses}


def test_tc_b_30_cs(csms: Csms, config: Config) -> None:
    """Cold Boot Charging Station - Pending/Rejected - SecurityError"""
    csms.answers["BootNotification"] = {"status": "Rejected", "interval": 1}
    with Station(config) as station:
        booting(csms)
        with pytest.raises(CallRefused) as refused:
            csms.call("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
        assert refused.value.code == "SecurityError"
        del csms.answers["BootNotification"]
        Tester(csms, station).booted()


def test_what_is_named_is_found(tester: Tester) -> None:
    """Every variable of the full inventory can be read one by one."""
    rows = full_inventory(tester, 1)
    readable = [row for row in rows.values() if row["variableAttribute"][0]["mutability"] != "WriteOnly"]
    asked = [{"component": row["component"], "variable": row["variable"]} for row in readable]
    results = tester.csms.call("GetVariables", {"getVariableData": asked})["getVariableResult"]
    assert {result["attributeStatus"] for result in results} == {"Accepted"}


STANDARD = Path(__file__).with_name("variables.tsv")
"""What the appendices of 2.0.1 and its errata say of the variables that this station may have: whether they are
required, who may change them, what they hold. An empty column is left to the station."""
ONLY_WAYS = {
    "SampledDataCtrlr.RegisterValuesWithoutPhases": "no meter of ours has registers by phase: there is nothing to set"
}
"""ReadOnly here, where the standard has ReadWrite"""
ALL_OF_IT = with_installer(signing(with_bays(dc_with_menu)), during_transactions=True)


@pytest.mark.parametrize(
    "station_of",
    [
        pytest.param("DC", marks=pytest.mark.under_test(ALL_OF_IT, variables={})),
        pytest.param("AC", marks=pytest.mark.under_test(ac_socket, variables={})),
        pytest.param("Plug & Charge", marks=pytest.mark.under_test(with_contracts(ac_socket), variables={})),
    ],
)
def test_every_variable_is_as_the_standard_has_it(tester: Tester, station_of: str) -> None:
    base_report(tester.csms, "FullInventory")
    told: dict[tuple[str, str, str], Row] = {}
    for row in tester.report(1):
        told.setdefault((row["component"]["name"], row["variable"]["name"], row["variable"].get("instance", "")), row)
    wrong = []
    head, *lines = STANDARD.read_text(encoding="utf-8").splitlines()
    for line in lines:
        known = dict(zip(head.split("\t"), line.split("\t"), strict=True))
        row = told.get((known["component"], known["variable"], known["instance"]))
        name = f"{known['component']}.{known['variable']}"
        if row is None:
            wrong += [f"{name} is missing"] if known["required"] == "yes" else []
            continue
        characteristics = row["variableCharacteristics"]
        found = {
            "mutability": row["variableAttribute"][0]["mutability"],
            "datatype": characteristics["dataType"],
            "unit": characteristics.get("unit", ""),
        }
        wrong += [
            f"{name}: {what} {is_} instead of {known[what]}"
            for what, is_ in found.items()
            if known[what] not in ("", is_) and not (what == "mutability" and name in ONLY_WAYS)
        ]
    assert not wrong
