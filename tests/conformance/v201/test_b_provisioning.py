"""B: booting, variables, reports, reset, network profiles."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.stations import dc_station
from tests.conformance.tester import OTHER_TOKEN, TOKEN, Tester, named
from tests.csms import Csms
from tests.daemon.config import Config
from tests.daemon.process import Station

THRESHOLD = "OCPPCommCtrlr.OfflineThreshold"


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


def variables(csms: Csms, *names: str, attribute: str | None = None) -> list[dict[str, Any]]:
    """T> GetVariables, S> the results."""
    kind = {} if attribute is None else {"attributeType": attribute}
    reply = csms.call("GetVariables", {"getVariableData": [named(name) | kind for name in names]})
    found: list[dict[str, Any]] = reply["getVariableResult"]
    return found


def setting(csms: Csms, values: dict[str, str], attribute: str | None = None) -> list[dict[str, Any]]:
    """T> SetVariables, S> the results."""
    kind = {} if attribute is None else {"attributeType": attribute}
    data = [named(name) | kind | {"attributeValue": value} for name, value in values.items()]
    found: list[dict[str, Any]] = csms.call("SetVariables", {"setVariableData": data})["setVariableResult"]
    return found


def without_info(result: dict[str, Any]) -> dict[str, Any]:
    """A result whose attributeStatusInfo is left out, or says NoError."""
    info = result.get("attributeStatusInfo")
    assert info is None or info["reasonCode"] == "NoError"
    return {key: value for key, value in result.items() if key != "attributeStatusInfo"}


def test_tc_b_03_cs(csms: Csms, config: Config) -> None:
    """Cold Boot Charging Station - Rejected"""
    interval_s = 2
    csms.answers["BootNotification"] = {"status": "Rejected", "interval": interval_s}
    with Station(config) as station:
        refused = csms.wait("BootNotification")
        del csms.answers["BootNotification"]
        again = Tester(csms, station).booted()
        assert again.at - refused.at >= interval_s
        said = [
            m for m in csms.transcript.messages if m.sender == "station" and refused.number < m.number < again.number
        ]
        assert not said, "nothing at all is sent meanwhile"


def test_tc_b_07_cs(tester: Tester, csms: Csms) -> None:
    """Get Variables - multiple values"""
    tester.set(THRESHOLD, 300)
    tester.set("AuthCtrlr.LocalAuthorizeOffline", True)
    results = variables(csms, THRESHOLD, "AuthCtrlr.LocalAuthorizeOffline", attribute="Actual")
    assert [
        (r["variable"]["name"], r["attributeStatus"], r["attributeType"], r["attributeValue"]) for r in results
    ] == [
        ("OfflineThreshold", "Accepted", "Actual", "300"),
        ("LocalAuthorizeOffline", "Accepted", "Actual", "true"),
    ]


def test_tc_b_09_cs(tester: Tester, csms: Csms) -> None:
    """Set Variables - single value"""
    [result] = setting(csms, {THRESHOLD: "300"}, "Actual")
    assert without_info(result) == named(THRESHOLD) | {"attributeStatus": "Accepted", "attributeType": "Actual"}


def test_tc_b_10_cs(tester: Tester, csms: Csms) -> None:
    """Set Variables - multiple values"""
    wanted = {THRESHOLD: "300", "AuthCtrlr.LocalAuthorizeOffline": "true"}
    results = setting(csms, wanted, "Actual")
    assert [without_info(result) for result in results] == [
        named(name) | {"attributeStatus": "Accepted", "attributeType": "Actual"} for name in wanted
    ]


FITTING = {
    "OCPPCommCtrlr.OfflineThreshold": "integer",
    "AuthCtrlr.AuthorizeRemoteStart": "boolean",
    "ClockCtrlr.NextTimeOffsetTransitionDateTime": "dateTime",
}
VALUES = {"integer": "300", "decimal": "300.1", "boolean": "true", "dateTime": "2026-01-01T00:00:00Z", "string": "abc"}


@pytest.mark.parametrize(("name", "datatype"), FITTING.items())
def test_tc_b_11_cs(tester: Tester, csms: Csms, name: str, datatype: str) -> None:
    """Set Variables - invalidly formatted values"""
    for kind, value in VALUES.items():
        [result] = setting(csms, {name: value})
        assert result["attributeStatus"] == ("Accepted" if kind == datatype else "Rejected"), (value, result)
        info = result.get("attributeStatusInfo")
        assert info is None or info["reasonCode"] in ("NoError", "InvalidValue")


def test_tc_b_21_cs(tester: Tester, csms: Csms) -> None:
    """Reset Charging Station - With Ongoing Transaction - OnIdle"""
    transaction = tester.charging()
    tester.reset("OnIdle", expect="Scheduled")
    tester.fence()
    assert tester.transaction_status(transaction)["ongoingIndicator"] is True
    tester.stop_authorized()
    tester.ended(transaction)
    tester.booted("ScheduledReset", evse1="Occupied")


def test_tc_b_22_cs(tester: Tester, csms: Csms) -> None:
    """Reset Charging Station - With Ongoing Transaction - Immediate"""
    transaction = tester.charging()
    tester.reset("Immediate")
    ended = tester.ended(transaction)
    assert ended["triggerReason"] == "ResetCommand"
    assert ended["transactionInfo"]["stoppedReason"] == "ImmediateReset"
    assert ended["transactionInfo"]["chargingState"] == "EVConnected"
    assert "idToken" not in ended.payload
    tester.booted("RemoteReset", evse1="Occupied")


def test_tc_b_23_cs(tester: Tester, csms: Csms) -> None:
    """Reset Charging Station - Unavailable persists reset"""
    tester.availability("Inoperative", 1, 1)
    csms.wait_status("Unavailable", 1)
    tester.reset("Immediate")
    tester.booted("RemoteReset", evse1="Unavailable")


def only_this_one(tester: Tester, evse: int, status: str) -> None:
    """The EVSE was out of service and is in it again; nothing is told of the others, and there was no boot."""
    tester.csms.wait_status("Unavailable", evse)
    tester.csms.wait_status(status, evse)
    tester.fence()
    told = {
        m["evseId"]
        for m in tester.csms.transcript.unconsumed()
        if m.kind == "call" and m.action == "StatusNotification"
    }
    assert not told, told
    assert len(tester.csms.calls("BootNotification")) == 1


def test_tc_b_25_cs(tester: Tester, csms: Csms) -> None:
    """Reset EVSE - Without ongoing transaction"""
    tester.reset("OnIdle", evse=1)
    only_this_one(tester, 1, "Available")
    tester.charging(1)


def test_tc_b_26_cs(tester: Tester, csms: Csms) -> None:
    """Reset EVSE - With Ongoing Transaction - OnIdle"""
    transaction, other = tester.charging(1, TOKEN), tester.charging(2, OTHER_TOKEN)
    tester.reset("OnIdle", evse=1, expect="Scheduled")
    tester.fence()
    assert tester.transaction_status(transaction)["ongoingIndicator"] is True
    tester.stop_authorized(TOKEN)
    tester.ended(transaction)
    only_this_one(tester, 1, "Occupied")
    assert tester.transaction_status(other)["ongoingIndicator"] is True


def test_tc_b_27_cs(tester: Tester, csms: Csms) -> None:
    """Reset EVSE - With Ongoing Transaction - Immediate"""
    transaction, other = tester.charging(1, TOKEN), tester.charging(2, OTHER_TOKEN)
    tester.reset("Immediate", evse=1)
    ended = tester.ended(transaction)
    assert ended["triggerReason"] == "ResetCommand"
    assert ended["transactionInfo"]["stoppedReason"] == "ImmediateReset"
    assert ended["transactionInfo"]["chargingState"] == "EVConnected"
    only_this_one(tester, 1, "Occupied")
    assert tester.transaction_status(other)["ongoingIndicator"] is True


def one_board(url: str, **variables: Any) -> Config:
    """DC outlets whose boards begin anew together, or not at all."""
    config = dc_station(url, **variables)
    for evse in config["evse"]:
        evse["allow_reset"] = False
    return config


@pytest.mark.under_test(one_board, variables={})
def test_tc_b_28_cs(tester: Tester, csms: Csms) -> None:
    """Reset EVSE - Not Supported"""
    tester.reset("OnIdle", evse=1, expect="Rejected")
    tester.fence()
    assert len(csms.calls("BootNotification")) == 1
    assert not csms.calls("StatusNotification", {"connectorStatus": "Unavailable"})


@pytest.mark.under_test(one_board, variables={})
def test_tc_b_29_cs(tester: Tester, csms: Csms) -> None:
    """Reset EVSE - With ongoing transaction - Not Supported"""
    transaction = tester.charging()
    tester.reset("OnIdle", evse=1, expect="Rejected")
    tester.fence()
    assert tester.transaction_status(transaction)["ongoingIndicator"] is True


def not_got(csms: Csms, name: str, attribute: str | None, status: str) -> None:
    """T> GetVariables of what there is not: the status, names echoed, no value."""
    [result] = variables(csms, name, attribute=attribute)
    assert result["attributeStatus"] == status
    assert {key: result[key] for key in ("component", "variable")} == named(name)
    assert result.get("attributeType") == (attribute or "Actual")
    assert "attributeValue" not in result


def test_tc_b_32_cs(tester: Tester, csms: Csms) -> None:
    """Get Variables - Unknown component"""
    not_got(csms, "UnknownComponent.OfflineThreshold", None, "UnknownComponent")


def test_tc_b_33_cs(tester: Tester, csms: Csms) -> None:
    """Get Variables - Unknown variable"""
    not_got(csms, "OCPPCommCtrlr.UnknownVariable", None, "UnknownVariable")


def test_tc_b_34_cs(tester: Tester, csms: Csms) -> None:
    """Get Variables - Not supported attribute type"""
    not_got(csms, THRESHOLD, "Target", "NotSupportedAttributeType")


def not_set(csms: Csms, name: str, attribute: str | None, status: str) -> None:
    """T> SetVariables of what cannot be set: the status, names echoed."""
    [result] = setting(csms, {name: "300"}, attribute)
    assert result["attributeStatus"] == status
    assert {key: result[key] for key in ("component", "variable")} == named(name)
    assert result.get("attributeType") == (attribute or "Actual")


def test_tc_b_35_cs(tester: Tester, csms: Csms) -> None:
    """Set Variables - Unknown component"""
    not_set(csms, "UnknownComponent.OfflineThreshold", None, "UnknownComponent")


def test_tc_b_36_cs(tester: Tester, csms: Csms) -> None:
    """Set Variables - Unknown variable"""
    not_set(csms, "OCPPCommCtrlr.UnknownVariable", None, "UnknownVariable")


def test_tc_b_37_cs(tester: Tester, csms: Csms) -> None:
    """Set Variables - Not supported attribute type"""
    not_set(csms, THRESHOLD, "Target", "NotSupportedAttributeType")


def test_tc_b_39_cs(tester: Tester, csms: Csms) -> None:
    """Set Variables - Read-only"""
    not_set(csms, "OCPPCommCtrlr.MessageTimeout[Default]", None, "Rejected")


def test_tc_b_41_cs(tester: Tester, csms: Csms) -> None:
    """Reset Charging Station - With multiple ongoing transactions - OnIdle"""
    first, second = tester.charging(1, TOKEN), tester.charging(2, OTHER_TOKEN)
    tester.reset("OnIdle", expect="Scheduled")
    tester.stop_authorized(TOKEN)
    tester.ended(first)
    tester.ev_disconnected(1)
    tester.fence()
    assert tester.transaction_status(second)["ongoingIndicator"] is True
    tester.stop_authorized(OTHER_TOKEN)
    tester.ended(second)
    tester.booted("ScheduledReset", evse2="Occupied")


# -- the clock on the wall ---------------------------------------------------------------------------------------------


def test_a_time_offset_and_a_time_zone_change_what_people_read_and_nothing_that_is_told(tester: Tester) -> None:
    assert hours_ahead(tester) == 0
    tester.set("ClockCtrlr.TimeOffset", "+05:30")
    assert hours_ahead(tester) == 5.5
    tester.set("ClockCtrlr.TimeOffset[NextTransition]", "-03:00")
    tester.set("ClockCtrlr.NextTimeOffsetTransitionDateTime", "2020-03-29T01:00:00Z")
    assert hours_ahead(tester) == -3
    tester.set("ClockCtrlr.TimeZone", "Asia/Tokyo")
    assert hours_ahead(tester) == 9
    tester.set("ClockCtrlr.TimeZone", "Asia/Atlantis", expect="Rejected")
    tester.set("ClockCtrlr.TimeZone", "")
    tester.station.restart(Station.kill)
    tester.booted()
    assert hours_ahead(tester) == -3
    told = datetime.fromisoformat(tester.get("ClockCtrlr.DateTime"))
    assert abs(told - datetime.now(UTC)) < timedelta(minutes=1)
    assert told.utcoffset() == timedelta(0)


def hours_ahead(tester: Tester) -> float:
    """The clock that a technician reads, of that which is told."""
    status = tester.station.ctl("status")
    local, told = datetime.fromisoformat(status["local_time"]), datetime.fromisoformat(status["time"])
    return round((local.replace(tzinfo=UTC) - told).total_seconds() / 3600, 2)
