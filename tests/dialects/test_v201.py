"""2.0.1: every message both ways, valid by the official schemas."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core.customer import CustomerData, GiveCustomerInformation
from chargepointd.core.local_list import NOT_IN_USE, GetLocalListVersion, SendLocalList
from chargepointd.core.messages import (
    Acknowledged,
    Authorize,
    AuthorizeAnswered,
    Boot,
    BootAnswered,
    Heartbeat,
    HeartbeatAnswered,
    LogStatus,
    MetersRead,
    RecordAnswered,
    SecurityEvent,
    StatusChanged,
    TransactionRecord,
)
from chargepointd.core.reservation import CancelReservation, ReservationEnded, ReserveNow
from chargepointd.core.rules import ConnectorView
from chargepointd.core.values import Fault, MeterValue, Sample, Signed, Token, TokenInfo
from chargepointd.core.variables.catalogue import standard
from chargepointd.core.variables.model import Ref
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Dialect, Payload, Refusal
from chargepointd.dialects.v2 import requests
from chargepointd.dialects.v201 import WORDS
from tests.dialects import neutral
from tests.dialects.neutral import AT, AT_TEXT, FREE, TOKEN, answered, asked, obeyed, record, registry, told, values

OFFERED = set(requests.OFFERED)
BY_CSMS = {
    "CancelReservation", "CertificateSigned", "ChangeAvailability", "ClearCache", "ClearChargingProfile",
    "ClearDisplayMessage", "ClearVariableMonitoring", "CostUpdated", "CustomerInformation", "DataTransfer",
    "DeleteCertificate", "GetBaseReport", "GetChargingProfiles", "GetCompositeSchedule", "GetDisplayMessages",
    "GetInstalledCertificateIds", "GetLocalListVersion", "GetLog", "GetMonitoringReport", "GetReport",
    "GetTransactionStatus", "GetVariables", "InstallCertificate", "PublishFirmware", "RequestStartTransaction",
    "RequestStopTransaction", "ReserveNow", "Reset", "SendLocalList", "SetChargingProfile", "SetDisplayMessage",
    "SetMonitoringBase", "SetMonitoringLevel", "SetNetworkProfile", "SetVariableMonitoring", "SetVariables",
    "TriggerMessage", "UnlockConnector", "UnpublishFirmware", "UpdateFirmware",
}  # fmt: skip


@pytest.fixture
def dialect() -> Dialect:
    return neutral.loaded("2.0.1")


# -- what is told ------------------------------------------------------------------------------------------------------


def test_boot_says_who_it_is_and_why(dialect: Dialect) -> None:
    assert told(dialect, Boot("RemoteReset", "v" * 60, "m" * 30, "S-1", "1.2")) == (
        "BootNotification",
        {
            "reason": "RemoteReset",
            "chargingStation": {
                "model": "m" * 20, "vendorName": "v" * 50, "serialNumber": "S-1", "firmwareVersion": "1.2",
            },
        },
    )  # fmt: skip
    assert told(dialect, Boot("Haunted", "v", "m")) == (
        "BootNotification",
        {"reason": "Unknown", "chargingStation": {"model": "m", "vendorName": "v"}},
    )


def test_heartbeat_authorize_status_and_security_event(dialect: Dialect) -> None:
    assert told(dialect, Heartbeat()) == ("Heartbeat", {})
    assert told(dialect, Authorize(Token("ab12", "KeyCode"))) == (
        "Authorize",
        {"idToken": {"idToken": "ab12", "type": "KeyCode"}},
    )
    assert told(dialect, StatusChanged(AT, 2, 1, "Occupied")) == (
        "StatusNotification",
        {"timestamp": AT_TEXT, "connectorStatus": "Occupied", "evseId": 2, "connectorId": 1},
    )
    assert told(dialect, SecurityEvent("StartupOfTheDevice", AT, "x" * 300)) == (
        "SecurityEventNotification",
        {"type": "StartupOfTheDevice", "timestamp": AT_TEXT, "techInfo": "x" * 255},
    )


def test_the_station_has_no_status_of_its_own(dialect: Dialect) -> None:
    assert told(dialect, StatusChanged(AT, 0, 0, "Available")) is None
    assert dialect.rules.station_status is None


def test_a_token_that_does_not_fit_is_never_cut(dialect: Dialect) -> None:
    assert told(dialect, Authorize(Token("x" * 37))) is None
    _, payload = told(dialect, record(token=Token("x" * 37))) or ("", {})
    assert "idToken" not in payload


def test_values_outside_a_transaction(dialect: Dialect) -> None:
    assert told(dialect, MetersRead(1, values(context="Sample.Clock"))) == (
        "MeterValues",
        {
            "evseId": 1,
            "meterValue": [
                {
                    "timestamp": AT_TEXT,
                    "sampledValue": [
                        {
                            "value": 16.1,
                            "context": "Sample.Clock",
                            "measurand": "Energy.Active.Import.Register",
                            "location": "Outlet",
                            "unitOfMeasure": {"unit": "Wh"},
                        }
                    ],
                }
            ],
        },
    )
    assert told(dialect, MetersRead(1, values(Sample("Temperature", 31.0, "Celsius")))) is None


def test_a_record_says_everything(dialect: Dialect) -> None:
    said = told(
        dialect,
        record(
            "Started", seq_no=3, trigger="RemoteStart", charging_state="Charging", token=TOKEN, starter=Token("X"),
            remote_start_id=7, offline=True, reservation_id=9, phases=3, cable_limit_a=32.9,
            values=values(
                Sample("Voltage", 230.123456789, "V", "L1-N"), Sample("Power.Factor", 0.98, ""),
                Sample("SoC", 55.0, "Percent", None, "EV"), context="Transaction.Begin",
            ),
        ),
        reference=44,
    )  # fmt: skip
    begin = {"context": "Transaction.Begin"}
    assert said == (
        "TransactionEvent",
        {
            "eventType": "Started",
            "timestamp": AT_TEXT,
            "triggerReason": "RemoteStart",
            "seqNo": 3,
            "transactionInfo": {"transactionId": "b-1", "chargingState": "Charging", "remoteStartId": 7},
            "offline": True,
            "evse": {"id": 2, "connectorId": 2},
            "numberOfPhasesUsed": 3,
            "cableMaxCurrent": 32,
            "reservationId": 9,
            "idToken": {"idToken": "04A1B2C3", "type": "ISO14443"},
            "meterValue": [
                {
                    "timestamp": AT_TEXT,
                    "sampledValue": [
                        {"value": 230.123457, "measurand": "Voltage", "location": "Outlet", "phase": "L1-N",
                         "unitOfMeasure": {"unit": "V"}} | begin,
                        {"value": 0.98, "measurand": "Power.Factor", "location": "Outlet"} | begin,
                        {"value": 55.0, "measurand": "SoC", "location": "EV",
                         "unitOfMeasure": {"unit": "Percent"}} | begin,
                    ],
                }
            ],
        },
    )  # fmt: skip


def test_a_plain_record_says_no_more_than_there_is(dialect: Dialect) -> None:
    said = told(dialect, record("Updated", evse_id=0, connector_id=0, starter=TOKEN, phases=3, charging_state="Idle"))
    assert said == (
        "TransactionEvent",
        {
            "eventType": "Updated",
            "timestamp": AT_TEXT,
            "triggerReason": "Authorized",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "b-1", "chargingState": "Idle"},
        },
    )


def test_that_it_goes_on_after_an_interruption_is_its_state_told_anew(dialect: Dialect) -> None:
    _, payload = told(dialect, record("Updated", trigger="TxResumed", charging_state="SuspendedEVSE")) or ("", {})
    assert payload["triggerReason"] == "ChargingStateChanged"
    assert payload["transactionInfo"]["chargingState"] == "SuspendedEVSE"


@pytest.mark.parametrize(
    ("neutral_reason", "reason"),
    [
        ("HardReset", "ImmediateReset"),
        ("SoftReset", "ImmediateReset"),
        ("UnlockCommand", "Other"),
        ("Timeout", "Timeout"),
        ("EVDisconnected", "EVDisconnected"),
        (None, None),
    ],
)
def test_why_it_ended(dialect: Dialect, neutral_reason: str | None, reason: str | None) -> None:
    _, payload = told(dialect, record("Ended", stopped_reason=neutral_reason)) or ("", {})
    assert payload["transactionInfo"].get("stoppedReason") == reason


@given(neutral.records, st.none() | st.integers())
def test_any_record_is_a_valid_event_with_its_number(one: TransactionRecord, reference: int | None) -> None:
    said = told(neutral.loaded("2.0.1"), one, reference)
    assert said is not None
    action, payload = said
    assert action == "TransactionEvent"
    assert (payload["eventType"], payload["seqNo"]) == (one.kind, one.seq_no)
    assert payload["transactionInfo"]["transactionId"] == one.transaction_id
    assert ("idToken" in payload) == (one.token is not None and len(one.token.value) <= 36)


# -- what is answered --------------------------------------------------------------------------------------------------


def heard(dialect: Dialect, message: Any, action: str, payload: Payload) -> Any:
    return dialect.answer(message, neutral.valid("2.0.1", action, payload, answer=True))


def test_answers_to_boot_and_heartbeat(dialect: Dialect) -> None:
    boot = {"status": "Pending", "interval": 30, "currentTime": "2026-11-24T07:00:00.5+01:00"}
    assert heard(dialect, Boot("PowerUp", "v", "m"), "BootNotification", boot) == BootAnswered("Pending", 30, AT)
    assert heard(dialect, Heartbeat(), "Heartbeat", {"currentTime": AT_TEXT}) == HeartbeatAnswered(AT)


def test_a_time_that_is_none_and_a_negative_interval_do_no_harm(dialect: Dialect) -> None:
    boot = {"status": "Accepted", "interval": -5, "currentTime": "noon"}
    assert dialect.answer(Boot("PowerUp", "v", "m"), boot) == BootAnswered("Accepted", 0, None)
    assert dialect.answer(Heartbeat(), {"currentTime": ""}) == HeartbeatAnswered(None)


def test_what_the_csms_says_of_a_token(dialect: Dialect) -> None:
    info = {
        "status": "Accepted",
        "cacheExpiryDateTime": AT_TEXT,
        "groupIdToken": {"idToken": "G1", "type": "Central"},
        "language1": "de",
        "personalMessage": {"format": "UTF8", "content": "Hallo"},
    }
    known = TokenInfo("Accepted", AT, "G1", "de", "Hallo")
    assert heard(dialect, Authorize(TOKEN), "Authorize", {"idTokenInfo": info}) == AuthorizeAnswered(known)
    only = heard(dialect, Authorize(TOKEN), "Authorize", {"idTokenInfo": info | {"evseId": [2, 3]}})
    assert only == AuthorizeAnswered(known._replace(evse_ids=(2, 3)))
    event = {
        "totalCost": 1.25,
        "idTokenInfo": info,
        "updatedPersonalMessage": {"format": "UTF8", "content": "1.25 EUR"},
    }
    answer = heard(dialect, record(), "TransactionEvent", event)
    assert answer == RecordAnswered(None, known, 1.25, "1.25 EUR")
    assert heard(dialect, record(), "TransactionEvent", {}) == RecordAnswered()


def test_who_keeps_power_the_longest(dialect: Dialect) -> None:
    """K03.FR.04 of a token, K03.FR.05 of a transaction."""
    info = {"status": "Accepted", "chargingPriority": -3}
    known = TokenInfo("Accepted", charging_priority=-3)
    assert heard(dialect, Authorize(TOKEN), "Authorize", {"idTokenInfo": info}) == AuthorizeAnswered(known)
    answer = heard(dialect, record(), "TransactionEvent", {"idTokenInfo": info, "chargingPriority": 4})
    assert answer == RecordAnswered(info=known, charging_priority=4)


def test_the_rest_is_taken_note_of(dialect: Dialect) -> None:
    for message, action in (
        (StatusChanged(AT, 1, 1, "Available"), "StatusNotification"),
        (MetersRead(1, values()), "MeterValues"),
        (SecurityEvent("x", AT), "SecurityEventNotification"),
    ):
        assert isinstance(heard(dialect, message, action, {}), Acknowledged)


# -- what the CSMS asks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", sorted(BY_CSMS - OFFERED))
def test_what_is_not_offered_is_refused_by_name(dialect: Dialect, action: str) -> None:
    refusal = dialect.command(action, {})
    assert isinstance(refusal, Refusal)
    assert refusal.code == "NotSupported"
    assert action in refusal.description


def test_every_request_that_is_offered_is_known_to_the_schemas() -> None:
    assert {action for action in OFFERED if requests.request(action)} == OFFERED
    assert OFFERED <= BY_CSMS


ID_TOKEN = {"idToken": "c1", "type": "Central"}


@pytest.mark.parametrize(
    ("action", "payload", "command"),
    [
        ("ChangeAvailability", {"operationalStatus": "Inoperative"}, c.ChangeAvailability(False)),
        (
            "ChangeAvailability",
            {"operationalStatus": "Operative", "evse": {"id": 2, "connectorId": 1}},
            c.ChangeAvailability(True, 2, 1),
        ),
        ("RequestStartTransaction", {"idToken": ID_TOKEN, "remoteStartId": 4, "evseId": 0},
         c.RequestStart(Token("c1", "Central"), -1, 4)),
        ("RequestStartTransaction", {"idToken": ID_TOKEN, "remoteStartId": 4},
         c.RequestStart(Token("c1", "Central"), 0, 4)),
        ("RequestStartTransaction",
         {"idToken": ID_TOKEN, "remoteStartId": 4, "evseId": 2, "groupIdToken": {"idToken": "g", "type": "Local"}},
         c.RequestStart(Token("c1", "Central"), 2, 4, Token("g", "Local"))),
        ("RequestStopTransaction", {"transactionId": "b-1"}, c.RequestStop("b-1")),
        ("UnlockConnector", {"evseId": 1, "connectorId": 999}, c.UnlockConnector(1, 999)),
        ("Reset", {"type": "OnIdle"}, c.Reset(True)),
        ("Reset", {"type": "Immediate", "evseId": 1}, c.Reset(False, 1)),
        ("ClearCache", {}, c.ClearCache()),
        ("GetLocalListVersion", {}, GetLocalListVersion()),
        ("SendLocalList", {"versionNumber": 3, "updateType": "Full"}, SendLocalList(3, True)),
        ("SendLocalList",
         {"versionNumber": 4, "updateType": "Differential", "localAuthorizationList": [
             {"idToken": ID_TOKEN, "idTokenInfo": {
                 "status": "Accepted", "cacheExpiryDateTime": AT_TEXT, "evseId": [2],
                 "groupIdToken": {"idToken": "P", "type": "Central"}}},
             {"idToken": ID_TOKEN | {"type": "KeyCode"}}]},
         SendLocalList(4, False, (
             (Token("c1", "Central"), TokenInfo("Accepted", AT, "P", evse_ids=(2,))), (Token("c1", "KeyCode"), None)))),
        ("ReserveNow", {"id": 7, "expiryDateTime": AT_TEXT, "idToken": ID_TOKEN},
         ReserveNow(7, AT, Token("c1", "Central"))),
        ("ReserveNow",
         {"id": 7, "expiryDateTime": AT_TEXT, "idToken": ID_TOKEN, "groupIdToken": {"idToken": "g", "type": "Central"},
          "evseId": 2, "connectorType": "cCCS2"},
         ReserveNow(7, AT, Token("c1", "Central"), "g", 2, 0, "cCCS2")),
        ("CancelReservation", {"reservationId": 7}, CancelReservation(7)),
        ("GetLog", {"logType": "SecurityLog", "requestId": 4, "log": {"remoteLocation": "ftp://h/"}},
         c.GetLog("SecurityLog", "ftp://h/", 4)),
        ("GetLog",
         {"logType": "DiagnosticsLog", "requestId": 4, "retries": 2, "retryInterval": 5,
          "log": {"remoteLocation": "ftp://h/", "oldestTimestamp": AT_TEXT, "latestTimestamp": AT_TEXT}},
         c.GetLog("DiagnosticsLog", "ftp://h/", 4, AT, AT, 2, 5)),
        ("DataTransfer", {"vendorId": "v", "messageId": "m", "data": {"a": 1}}, c.TransferData("v", "m", {"a": 1})),
        ("GetTransactionStatus", {}, c.GetTransactionStatus()),
        ("GetTransactionStatus", {"transactionId": "t"}, c.GetTransactionStatus("t")),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}, c.TriggerMessage("Heartbeat")),
        ("TriggerMessage", {"requestedMessage": "MeterValues", "evse": {"id": 2}}, c.TriggerMessage("MeterValues", 2)),
    ],
)  # fmt: skip
def test_commands(dialect: Dialect, action: str, payload: Payload, command: Any) -> None:
    got = asked(dialect, action, payload)
    assert (type(got), got) == (type(command), command)


@pytest.mark.parametrize(
    ("action", "reply", "response"),
    [
        ("ChangeAvailability", c.Status("Scheduled"), {"status": "Scheduled"}),
        ("RequestStartTransaction", c.StartRequested("Accepted", "b-1"),
         {"status": "Accepted", "transactionId": "b-1"}),
        ("RequestStartTransaction", c.StartRequested("Rejected", reason="occupied"),
         {"status": "Rejected", "statusInfo": {"reasonCode": "Unspecified", "additionalInfo": "occupied"}}),
        ("RequestStopTransaction", c.Status("Accepted"), {"status": "Accepted"}),
        ("ReserveNow", c.Status("Occupied"), {"status": "Occupied"}),
        ("CancelReservation", c.Status("Accepted"), {"status": "Accepted"}),
        ("UnlockConnector", c.Status("OngoingAuthorizedTransaction"), {"status": "OngoingAuthorizedTransaction"}),
        ("UnlockConnector", c.Status("NotSupported", "no lock"),
         {"status": "UnlockFailed", "statusInfo": {"reasonCode": "FixedCable", "additionalInfo": "no lock"}}),
        ("Reset", c.Status("Scheduled"), {"status": "Scheduled"}),
        ("GetLog", c.LogPromised("AcceptedCanceled", "d.tar.gz"),
         {"status": "AcceptedCanceled", "filename": "d.tar.gz"}),
        ("SendLocalList", c.Status("VersionMismatch"), {"status": "VersionMismatch"}),
        ("SendLocalList", c.Status("NotSupported"), {"status": "Failed"}),
        ("GetLocalListVersion", 5, {"versionNumber": 5}),
        ("GetLocalListVersion", NOT_IN_USE, {"versionNumber": 0}),
        ("ClearCache", c.Status("Rejected", "r" * 600),
         {"status": "Rejected", "statusInfo": {"reasonCode": "Unspecified", "additionalInfo": "r" * 512}}),
        ("DataTransfer", c.Status("UnknownVendorId"), {"status": "UnknownVendorId"}),
        ("GetTransactionStatus", c.TransactionStatus(True), {"messagesInQueue": True}),
        ("GetTransactionStatus", c.TransactionStatus(False, False),
         {"messagesInQueue": False, "ongoingIndicator": False}),
        ("TriggerMessage", c.Status("NotImplemented"), {"status": "NotImplemented"}),
    ],
)  # fmt: skip
def test_responses(dialect: Dialect, action: str, reply: Any, response: Payload) -> None:
    assert answered(dialect, action, {}, reply) == response


# -- variables ---------------------------------------------------------------------------------------------------------


def datum(component: str, variable: str, **more: Any) -> Payload:
    return {"component": {"name": component}, "variable": {"name": variable}} | more


def test_an_address_is_read_in_full(dialect: Dialect) -> None:
    payload = {
        "getVariableData": [
            {
                "component": {"name": "Connector", "instance": "ci", "evse": {"id": 2, "connectorId": 1}},
                "variable": {"name": "Available", "instance": "vi"},
                "attributeType": "Target",
            },
            datum("A", "b"),
        ]
    }
    assert asked(dialect, "GetVariables", payload).items == (
        (Ref("Connector", "Available", "vi", "ci", 2, 1), "Target"),
        (Ref("A", "b"), "Actual"),
    )


def test_each_element_gets_its_own_status_and_its_address_as_asked(dialect: Dialect) -> None:
    asks = [
        datum("authctrlr", "LOCALPREAUTHORIZE"),
        datum("AuthCtrlr", "LocalPreAuthorize", attributeType="MaxSet"),
        datum("AuthCtrlr", "Nothing"),
        datum("Nobody", "Nothing"),
    ]
    results = obeyed(dialect, registry(), "GetVariables", {"getVariableData": asks})["getVariableResult"]
    assert results == [
        asks[0] | {"attributeStatus": "Accepted", "attributeType": "Actual", "attributeValue": "false"},
        asks[1] | {"attributeStatus": "NotSupportedAttributeType"},
        asks[2] | {"attributeStatus": "UnknownVariable", "attributeType": "Actual"},
        asks[3] | {"attributeStatus": "UnknownComponent", "attributeType": "Actual"},
    ]


def test_setting_says_what_is_wrong_with_a_value(dialect: Dialect) -> None:
    asks = [
        datum("OCPPCommCtrlr", "OfflineThreshold", attributeValue="300"),
        datum("OCPPCommCtrlr", "OfflineThreshold", attributeValue="abc"),
        datum("AuthCacheCtrlr", "Available", attributeValue="false"),
        datum("AuthCtrlr", "Nothing", attributeValue="1"),
    ]
    variables = registry()
    results = obeyed(dialect, variables, "SetVariables", {"setVariableData": asks})["setVariableResult"]
    assert [r["attributeStatus"] for r in results] == ["Accepted", "Rejected", "Rejected", "UnknownVariable"]
    assert [r.get("attributeStatusInfo", {}).get("reasonCode") for r in results] == [
        None, "InvalidValue", "ReadOnly", None,
    ]  # fmt: skip
    assert [r["component"] for r in results] == [a["component"] for a in asks]
    assert [r["variable"] for r in results] == [a["variable"] for a in asks]
    assert variables.integer("OCPPCommCtrlr.OfflineThreshold") == 300


@pytest.mark.parametrize(
    ("action", "field"), [("GetVariables", "getVariableData"), ("SetVariables", "setVariableData")]
)
def test_more_items_than_announced_are_refused(dialect: Dialect, action: str, field: str) -> None:
    item = datum("AuthCtrlr", "Enabled", attributeValue="x")
    assert not isinstance(dialect.command(action, {field: [item] * 1000}), Refusal)
    refusal = dialect.command(action, {field: [item] * 1001})
    assert isinstance(refusal, Refusal)
    assert refusal.code == "OccurrenceConstraintViolation"


# -- statuses ----------------------------------------------------------------------------------------------------------

FAULT = (Fault("GroundFailure", "pilot"),)


@pytest.mark.parametrize(
    ("view", "status"),
    [
        (FREE, "Available"),
        (FREE._replace(plugged=True), "Occupied"),
        (FREE._replace(plugged=True, ended=True), "Occupied"),
        (FREE._replace(authorized=True), "Available"),
        (FREE._replace(other_plugged=True), "Available"),
        (FREE._replace(reserved=True), "Reserved"),
        (FREE._replace(reserved=True, plugged=True), "Reserved"),
        (FREE._replace(reserved=True, plugged=True, authorized=True), "Occupied"),
        (FREE._replace(reserved=True, authorized=True), "Available"),
        (FREE._replace(operative=False, reserved=True), "Unavailable"),
        (FREE._replace(operative=False, plugged=True), "Unavailable"),
        (FREE._replace(faults=FAULT, operative=False), "Faulted"),
    ],
)
def test_statuses(dialect: Dialect, view: ConnectorView, status: str) -> None:
    assert dialect.rules.connector_status(view) == status


@given(neutral.views)
def test_every_status_is_one_of_the_five(view: ConnectorView) -> None:
    status = neutral.loaded("2.0.1").rules.connector_status(view)
    assert status in enumeration("StatusNotificationRequest", "ConnectorStatusEnumType")


def test_start_and_stop_points_are_the_variables(dialect: Dialect) -> None:
    rules = dialect.rules
    assert (rules.subprotocol, rules.start_points, rules.stop_points) == ("ocpp2.0.1", None, None)
    assert not rules.unlock_stops_transaction


# -- words -------------------------------------------------------------------------------------------------------------


def enumeration(schema: str, name: str) -> frozenset[str]:
    text = files("ocpp").joinpath("v201", "schemas", f"{schema}.json").read_text(encoding="utf-8-sig")
    return frozenset(json.loads(text)["definitions"][name]["enum"])


@pytest.mark.parametrize(
    ("words", "schema", "name"),
    [
        (WORDS.measurands, "TransactionEventRequest", "MeasurandEnumType"),
        (WORDS.token_kinds, "TransactionEventRequest", "IdTokenEnumType"),
        (WORDS.triggers, "TransactionEventRequest", "TriggerReasonEnumType"),
        (WORDS.stop_reasons, "TransactionEventRequest", "ReasonEnumType"),
        (WORDS.boot_reasons, "BootNotificationRequest", "BootReasonEnumType"),
    ],
)
def test_our_words_are_those_of_the_schemas(words: frozenset[str], schema: str, name: str) -> None:
    assert words == enumeration(schema, name)


def test_what_the_meter_signed_goes_with_each_value_it_measured(dialect: Dialect) -> None:
    data = b'OCMF|{"FV":"1.0"}|{"SD":"30"}'
    signed = Signed(b64encode(data).decode(), "OCMF", "ECDSA-secp256r1-SHA256", "3059")
    samples = (Sample("Energy.Active.Import.Register", 161.0, "Wh"), Sample("Power.Offered", 5.0, "W"))
    value = MeterValue(AT, "Sample.Clock", samples, signed)
    _, payload = told(dialect, MetersRead(1, (value,))) or ("", {})
    energy, offered = payload["meterValue"][0]["sampledValue"]
    assert "signedMeterValue" not in offered
    assert b64decode(energy["signedMeterValue"]["signedMeterData"]) == data
    assert b64decode(energy["signedMeterValue"]["publicKey"]) == b"oca:base16:asn1:3059"


def test_a_signed_record_that_does_not_fit_is_not_cut(dialect: Dialect) -> None:
    signed = Signed("A" * 2504, "OCMF", "ECDSA", "")
    value = MeterValue(AT, "Sample.Clock", (Sample("Energy.Active.Import.Register", 161.0, "Wh"),), signed)
    _, payload = told(dialect, MetersRead(1, (value,))) or ("", {})
    assert "signedMeterValue" not in payload["meterValue"][0]["sampledValue"][0]


def test_how_an_upload_goes(dialect: Dialect) -> None:
    assert told(dialect, LogStatus("Uploading", 7)) == (
        "LogStatusNotification",
        {"status": "Uploading", "requestId": 7},
    )
    assert told(dialect, LogStatus("Idle")) == ("LogStatusNotification", {"status": "Idle"})


def test_how_a_reservation_ended(dialect: Dialect) -> None:
    said = {"reservationId": 7, "reservationUpdateStatus": "Removed"}
    assert told(dialect, ReservationEnded(7, "Removed")) == ("ReservationStatusUpdate", said)


def test_an_expiry_that_is_no_time_is_refused(dialect: Dialect) -> None:
    refusal = dialect.command("ReserveNow", {"id": 7, "expiryDateTime": "tomorrow", "idToken": ID_TOKEN})
    assert isinstance(refusal, Refusal)
    assert refusal.code == "PropertyConstraintViolation"


def test_an_entry_of_the_list_whose_date_is_no_time_is_refused(dialect: Dialect) -> None:
    entry = {"idToken": ID_TOKEN, "idTokenInfo": {"status": "Accepted", "cacheExpiryDateTime": "tomorrow"}}
    request = {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [entry]}
    refusal = dialect.command("SendLocalList", request)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "PropertyConstraintViolation"


@pytest.mark.parametrize(
    ("action", "request_"),
    [("SendLocalList", {"versionNumber": 1, "updateType": "Full"}), ("GetLocalListVersion", {})],
)
def test_a_station_that_is_configured_without_a_list_does_not_offer_it(action: str, request_: Payload) -> None:
    variables = Registry(standard(neutral.PLAN), {"LocalAuthListCtrlr.Available": "false"}, {})
    refusal = neutral.loaded("2.0.1", variables).command(action, request_)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "NotSupported"


def test_what_is_known_of_a_customer(dialect: Dialect) -> None:
    id_token = {"idToken": "04A1", "type": "ISO14443"}
    payload = {"requestId": 3, "report": True, "clear": False, "idToken": id_token, "customerIdentifier": "c"}
    asked_for = GiveCustomerInformation(3, True, False, Token("04A1"), "c")
    assert asked(dialect, "CustomerInformation", payload) == asked_for
    assert told(dialect, CustomerData(3, 1, "visit", True, AT)) == (
        "NotifyCustomerInformation",
        {"requestId": 3, "seqNo": 1, "data": "visit", "tbc": True, "generatedAt": AT_TEXT},
    )
