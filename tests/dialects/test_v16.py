"""1.6: every message both ways, valid by the official schemas."""

from __future__ import annotations

import json
from base64 import b64encode
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core.local_list import GetLocalListVersion, SendLocalList
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
from chargepointd.core.rules import ConnectorView, StationView
from chargepointd.core.values import Fault, MeterValue, Sample, Signed, Token, TokenInfo
from chargepointd.dialects.dialect import Dialect, Payload, Refusal
from chargepointd.dialects.v16 import requests
from chargepointd.dialects.v16.connectors import NOWHERE, connectors
from chargepointd.dialects.v16.messages.station import ERROR_CODES
from chargepointd.dialects.v16.messages.transactions import REASONS
from chargepointd.dialects.v16.samples import MEASURANDS, UNITS, number
from tests.dialects import neutral
from tests.dialects.neutral import AT, AT_TEXT, FREE, PLAN, TOKEN, answered, asked, record, told, values

BY_CSMS = {
    "CancelReservation", "CertificateSigned", "ChangeAvailability", "ChangeConfiguration", "ClearCache",
    "ClearChargingProfile", "DataTransfer", "DeleteCertificate", "ExtendedTriggerMessage", "GetCompositeSchedule",
    "GetConfiguration", "GetDiagnostics", "GetInstalledCertificateIds", "GetLocalListVersion", "GetLog",
    "InstallCertificate", "RemoteStartTransaction", "RemoteStopTransaction", "ReserveNow", "Reset", "SendLocalList",
    "SetChargingProfile", "SignedUpdateFirmware", "TriggerMessage", "UnlockConnector", "UpdateFirmware",
}  # fmt: skip
OFFERED = BY_CSMS
"""all that there is"""


@pytest.fixture
def dialect() -> Dialect:
    return neutral.loaded("1.6")


# -- connectors --------------------------------------------------------------------------------------------------------


def test_connectors_are_counted_through_the_evses() -> None:
    row = connectors(PLAN)
    assert [row.place(n) for n in range(4)] == [(0, 0), (1, 1), (2, 1), (2, 2)]
    assert [row.number(*row.place(n)) for n in range(4)] == [0, 1, 2, 3]
    assert row.place(4) == row.place(-1) == NOWHERE
    assert row.number(2, 0) == 2, "no connector known: the first of the EVSE"
    assert row.number(7, 1) == 7, "an EVSE of an earlier configuration"


# -- what is told ------------------------------------------------------------------------------------------------------


def test_boot_cuts_names_to_what_fits(dialect: Dialect) -> None:
    assert told(dialect, Boot("PowerUp", PLAN.vendor, PLAN.model, "S-1", "1.2")) == (
        "BootNotification",
        {
            "chargePointVendor": "A vendor with a rath",
            "chargePointModel": "A model with a rathe",
            "chargePointSerialNumber": "S-1",
            "firmwareVersion": "1.2",
        },
    )
    _, payload = told(dialect, Boot("PowerUp", "v", "m")) or ("", {})
    assert set(payload) == {"chargePointVendor", "chargePointModel"}


def test_heartbeat_authorize_and_security_event(dialect: Dialect) -> None:
    assert told(dialect, Heartbeat()) == ("Heartbeat", {})
    assert told(dialect, Authorize(Token("ab12", "KeyCode"))) == ("Authorize", {"idTag": "ab12"})
    assert told(dialect, SecurityEvent("StartupOfTheDevice", AT)) == (
        "SecurityEventNotification",
        {"type": "StartupOfTheDevice", "timestamp": AT_TEXT},
    )


def test_a_token_of_more_than_20_characters_is_never_cut(dialect: Dialect) -> None:
    long = Token("x" * 21)
    assert told(dialect, Authorize(long)) is None
    assert (told(dialect, record("Started", token=long)) or ("", {}))[1]["idTag"] == ""
    assert "idTag" not in (told(dialect, record("Ended", token=long)) or ("", {}))[1]


def test_a_status_with_and_without_a_fault(dialect: Dialect) -> None:
    assert told(dialect, StatusChanged(AT, 2, 2, "Preparing")) == (
        "StatusNotification",
        {"connectorId": 3, "status": "Preparing", "timestamp": AT_TEXT, "errorCode": "NoError"},
    )
    fault = Fault("GroundFailure", "board.pilot", "30 mA " * 20)
    assert told(dialect, StatusChanged(AT, 1, 1, "Faulted", fault)) == (
        "StatusNotification",
        {
            "connectorId": 1,
            "status": "Faulted",
            "timestamp": AT_TEXT,
            "errorCode": "GroundFailure",
            "info": ("30 mA " * 20)[:50],
            "vendorErrorCode": "board.pilot",
        },
    )


def test_a_fault_1_6_has_no_word_for_is_named_in_the_text(dialect: Dialect) -> None:
    said = told(dialect, StatusChanged(AT, 0, 0, "Faulted", Fault("EmergencyStop", "button", "pressed")))
    assert said is not None
    assert said[1]["connectorId"] == 0
    assert (said[1]["errorCode"], said[1]["info"]) == ("OtherError", "EmergencyStop: pressed")


@given(neutral.faults)
def test_any_fault_can_be_told(fault: Fault) -> None:
    said = told(neutral.loaded("1.6"), StatusChanged(AT, 1, 1, "Faulted", fault))
    assert said is not None
    assert said[1]["errorCode"] in (fault.code, "OtherError")


def test_values_outside_a_transaction(dialect: Dialect) -> None:
    assert told(dialect, MetersRead(2, values(Sample("Frequency", 49.98, "Hz"), context="Sample.Clock"))) == (
        "MeterValues",
        {
            "connectorId": 2,
            "meterValue": [
                {
                    "timestamp": AT_TEXT,
                    "sampledValue": [
                        {"value": "49.98", "context": "Sample.Clock", "measurand": "Frequency", "location": "Outlet"}
                    ],
                }
            ],
        },
    )
    assert told(dialect, MetersRead(2, ())) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(16.1, "16.1"), (0.1 * 161, "16.1"), (0.1 + 0.2, "0.3"), (5.0, "5"), (0.0, "0"), (-0.0, "0"), (-1e-9, "0"),
     (12345678.123456, "12345678.123456"), (100.0, "100"), (1e12, "1000000000000"), (-2.5, "-2.5")],
)  # fmt: skip
def test_numbers_are_texts_in_full_resolution_without_noise(value: float, text: str) -> None:
    assert number(value) == text


# -- transaction records -----------------------------------------------------------------------------------------------


def test_start(dialect: Dialect) -> None:
    assert told(dialect, record("Started", starter=TOKEN, reservation_id=5)) == (
        "StartTransaction",
        {"connectorId": 3, "idTag": "04A1B2C3", "meterStart": 1235, "timestamp": AT_TEXT, "reservationId": 5},
    )
    said = told(dialect, record("Started", token=Token("first"), starter=TOKEN, energy_wh=None))
    assert said is not None
    assert (said[1]["idTag"], said[1]["meterStart"]) == ("first", 0)


def test_an_update_is_told_by_its_values_alone(dialect: Dialect) -> None:
    assert told(dialect, record("Updated", charging_state="Charging"), 77) is None
    said = told(dialect, record("Updated", values=values(Sample("Voltage", 230.5, "V", "L1-N"))), 77)
    assert said == (
        "MeterValues",
        {
            "connectorId": 3,
            "transactionId": 77,
            "meterValue": [
                {
                    "timestamp": AT_TEXT,
                    "sampledValue": [
                        {"value": "230.5", "context": "Sample.Periodic", "measurand": "Voltage", "location": "Outlet",
                         "phase": "L1-N", "unit": "V"}
                    ],
                }
            ],
        },
    )  # fmt: skip


def test_stop(dialect: Dialect) -> None:
    said = told(
        dialect, record("Ended", token=TOKEN, stopped_reason="Local", values=values(context="Transaction.End")), 77
    )
    assert said == (
        "StopTransaction",
        {
            "transactionId": 77,
            "meterStop": 1235,
            "timestamp": AT_TEXT,
            "idTag": "04A1B2C3",
            "reason": "Local",
            "transactionData": [
                {
                    "timestamp": AT_TEXT,
                    "sampledValue": [
                        {"value": "16.1", "context": "Transaction.End", "measurand": "Energy.Active.Import.Register",
                         "location": "Outlet", "unit": "Wh"}
                    ],
                }
            ],
        },
    )  # fmt: skip
    assert told(dialect, record("Ended", starter=TOKEN), 77) == (
        "StopTransaction",
        {"transactionId": 77, "meterStop": 1235, "timestamp": AT_TEXT},
    )


def test_a_stop_without_a_card_names_nobody(dialect: Dialect) -> None:
    said = told(dialect, record("Ended", token=Token("", "NoAuthorization"), stopped_reason="Local"), 1)
    assert said is not None
    assert "idTag" not in said[1]


def test_a_transaction_the_csms_never_numbered_is_minus_one(dialect: Dialect) -> None:
    for one in (record("Updated", values=values()), record("Ended")):
        said = told(dialect, one, None)
        assert said is not None
        assert said[1]["transactionId"] == -1
    said = told(dialect, record("Ended"), 0)
    assert said is not None
    assert said[1]["transactionId"] == 0


@pytest.mark.parametrize(
    ("neutral_reason", "reason"),
    [("ImmediateReset", "SoftReset"), ("HardReset", "HardReset"), ("DeAuthorized", "DeAuthorized"),
     ("UnlockCommand", "UnlockCommand"), ("Timeout", "Other"), ("GroundFault", "Other"), ("MasterPass", "Local")],
)  # fmt: skip
def test_why_it_ended(dialect: Dialect, neutral_reason: str, reason: str) -> None:
    said = told(dialect, record("Ended", stopped_reason=neutral_reason), 1)
    assert said is not None
    assert said[1]["reason"] == reason


@given(neutral.records, st.none() | st.integers(-(2**31), 2**31))
def test_any_record_is_valid_or_nothing_to_tell(one: TransactionRecord, reference: int | None) -> None:
    said = told(neutral.loaded("1.6"), one, reference)
    if said is None:
        assert one.kind == "Updated", "a start or an end is always told"
    else:
        actions = {"Started": "StartTransaction", "Updated": "MeterValues", "Ended": "StopTransaction"}
        assert said[0] == actions[one.kind]


@given(st.lists(st.floats(0, 1e12), min_size=2))
def test_a_register_never_goes_back_by_rounding(energies: list[float]) -> None:
    dialect = neutral.loaded("1.6")
    low, high = min(energies), max(energies)
    start = told(dialect, record("Started", energy_wh=low))
    stop = told(dialect, record("Ended", energy_wh=high), 1)
    assert start is not None
    assert stop is not None
    assert start[1]["meterStart"] <= stop[1]["meterStop"]


# -- what is answered --------------------------------------------------------------------------------------------------


def heard(dialect: Dialect, message: Any, action: str, payload: Payload) -> Any:
    return dialect.answer(message, neutral.valid("1.6", action, payload, answer=True))


def test_answers_to_boot_and_heartbeat(dialect: Dialect) -> None:
    boot = {"status": "Rejected", "interval": 30, "currentTime": AT_TEXT}
    assert heard(dialect, Boot("PowerUp", "v", "m"), "BootNotification", boot) == BootAnswered("Rejected", 30, AT)
    assert heard(dialect, Heartbeat(), "Heartbeat", {"currentTime": AT_TEXT}) == HeartbeatAnswered(AT)
    none = {"status": "Accepted", "interval": -1, "currentTime": ""}
    assert dialect.answer(Boot("PowerUp", "v", "m"), none) == BootAnswered("Accepted", 0, None)


def test_what_the_csms_says_of_a_token(dialect: Dialect) -> None:
    info = {"status": "ConcurrentTx", "expiryDate": AT_TEXT, "parentIdTag": "P1"}
    known = TokenInfo("ConcurrentTx", AT, "P1")
    assert heard(dialect, Authorize(TOKEN), "Authorize", {"idTagInfo": info}) == AuthorizeAnswered(known)
    start = {"transactionId": 12, "idTagInfo": info}
    assert heard(dialect, record(), "StartTransaction", start) == RecordAnswered(12, known)
    assert heard(dialect, record("Ended"), "StopTransaction", {"idTagInfo": info}) == RecordAnswered(None, known)
    assert heard(dialect, record("Ended"), "StopTransaction", {}) == RecordAnswered()
    assert heard(dialect, record("Updated"), "MeterValues", {}) == RecordAnswered()


def test_the_rest_is_taken_note_of(dialect: Dialect) -> None:
    for message, action in (
        (StatusChanged(AT, 1, 1, "Available"), "StatusNotification"),
        (MetersRead(1, values()), "MeterValues"),
        (SecurityEvent("x", AT), "SecurityEventNotification"),
    ):
        assert isinstance(heard(dialect, message, action, {}), Acknowledged)


def test_the_end_of_a_reservation_has_no_word(dialect: Dialect) -> None:
    assert told(dialect, ReservationEnded(7, "Expired")) is None


def test_an_expiry_that_is_no_time_is_refused(dialect: Dialect) -> None:
    request = {"connectorId": 1, "expiryDate": "tomorrow", "idTag": "T", "reservationId": 7}
    refusal = dialect.command("ReserveNow", request)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "PropertyConstraintViolation"


# -- what the CSMS asks ------------------------------------------------------------------------------------------------


def test_every_request_of_a_csms_is_offered() -> None:
    assert OFFERED == BY_CSMS


def test_what_is_not_offered_is_refused_by_name(dialect: Dialect) -> None:
    refusal = dialect.command("BatterySwap", {})
    assert isinstance(refusal, Refusal)
    assert refusal.code == "NotSupported"
    assert "BatterySwap" in refusal.description


def test_every_request_that_is_offered_is_in_the_table() -> None:
    assert set(requests.OFFERED) == OFFERED
    assert all(requests.request(action) for action in OFFERED)


def availability(*place: Any) -> c.ChangeAvailability:
    return c.ChangeAvailability(*place, knows_evses=False)


@pytest.mark.parametrize(
    ("action", "payload", "command"),
    [
        ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}, availability(False, 0, 0)),
        ("ChangeAvailability", {"connectorId": 3, "type": "Operative"}, availability(True, 2, 2)),
        ("ChangeAvailability", {"connectorId": 4, "type": "Operative"}, availability(True, *NOWHERE)),
        ("RemoteStartTransaction", {"idTag": "T"}, c.RequestStart(Token("T"))),
        ("RemoteStartTransaction", {"idTag": "T", "connectorId": 3}, c.RequestStart(Token("T"), 2)),
        ("RemoteStartTransaction", {"idTag": "T", "connectorId": 0}, c.RequestStart(Token("T"), -1)),
        ("RemoteStartTransaction", {"idTag": "T", "connectorId": 9}, c.RequestStart(Token("T"), -1)),
        ("RemoteStopTransaction", {"transactionId": 12}, c.RequestStop(reference=12)),
        ("Reset", {"type": "Hard"}, c.Reset(False, hard=True)),
        ("Reset", {"type": "Soft"}, c.Reset(False, hard=False)),
        ("UnlockConnector", {"connectorId": 2}, c.UnlockConnector(2, 1)),
        ("UnlockConnector", {"connectorId": 0}, c.UnlockConnector(*NOWHERE)),
        ("ClearCache", {}, c.ClearCache()),
        ("GetLocalListVersion", {}, GetLocalListVersion()),
        ("SendLocalList", {"listVersion": 3, "updateType": "Full"}, SendLocalList(3, True)),
        ("SendLocalList",
         {"listVersion": 4, "updateType": "Differential", "localAuthorizationList": [
             {"idTag": "T", "idTagInfo": {"status": "Accepted", "expiryDate": AT_TEXT, "parentIdTag": "P"}},
             {"idTag": "U"}]},
         SendLocalList(4, False, ((Token("T"), TokenInfo("Accepted", AT, "P")), (Token("U"), None)))),
        ("GetDiagnostics", {"location": "ftp://h/"}, c.GetLog("DiagnosticsLog", "ftp://h/")),
        ("GetDiagnostics",
         {"location": "ftp://h/", "retries": 2, "retryInterval": 5, "startTime": AT_TEXT, "stopTime": AT_TEXT},
         c.GetLog("DiagnosticsLog", "ftp://h/", None, AT, AT, 2, 5)),
        ("GetLog", {"logType": "SecurityLog", "requestId": 4, "log": {"remoteLocation": "ftp://h/"}},
         c.GetLog("SecurityLog", "ftp://h/", 4)),
        ("DataTransfer", {"vendorId": "v", "data": "d"}, c.TransferData("v", None, "d")),
        ("ReserveNow", {"connectorId": 3, "expiryDate": AT_TEXT, "idTag": "T", "reservationId": 7},
         ReserveNow(7, AT, Token("T"), None, 2, 2)),
        ("ReserveNow", {"connectorId": 0, "expiryDate": AT_TEXT, "idTag": "T", "parentIdTag": "G", "reservationId": 7},
         ReserveNow(7, AT, Token("T"), "G")),
        ("ReserveNow", {"connectorId": 4, "expiryDate": AT_TEXT, "idTag": "T", "reservationId": 7},
         ReserveNow(7, AT, Token("T"), None, *NOWHERE)),
        ("CancelReservation", {"reservationId": 7}, CancelReservation(7)),
        ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 3},
         c.TriggerMessage("MeterValues", 2, 2)),
        ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 4},
         c.TriggerMessage("MeterValues", *NOWHERE)),
        ("TriggerMessage", {"requestedMessage": "StatusNotification"}, c.TriggerMessage("StatusNotification")),
        ("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 0},
         c.TriggerMessage("StatusNotification", itself=True)),
        ("TriggerMessage", {"requestedMessage": "DiagnosticsStatusNotification"},
         c.TriggerMessage("LogStatusNotification")),
    ],
)  # fmt: skip
def test_commands(dialect: Dialect, action: str, payload: Payload, command: Any) -> None:
    got = asked(dialect, action, payload)
    assert (type(got), got) == (type(command), command)


@pytest.mark.parametrize(
    ("action", "reply", "status"),
    [
        ("ChangeAvailability", c.Status("Scheduled"), "Scheduled"),
        ("RemoteStartTransaction", c.StartRequested("Accepted", "b-1"), "Accepted"),
        ("RemoteStopTransaction", c.Status("Rejected", "no such transaction"), "Rejected"),
        ("Reset", c.Status("Scheduled"), "Accepted"),
        ("UnlockConnector", c.Status("Unlocked"), "Unlocked"),
        ("UnlockConnector", c.Status("UnknownConnector"), "NotSupported"),
        ("UnlockConnector", c.Status("NotSupported"), "NotSupported"),
        ("UnlockConnector", c.Status("OngoingAuthorizedTransaction"), "UnlockFailed"),
        ("ClearCache", c.Status("Rejected", "not in use"), "Rejected"),
        ("SendLocalList", c.Status("VersionMismatch"), "VersionMismatch"),
        ("SendLocalList", c.Status("NotSupported"), "NotSupported"),
        ("DataTransfer", c.Status("UnknownVendorId"), "UnknownVendorId"),
        ("TriggerMessage", c.Status("NotImplemented"), "NotImplemented"),
        ("ReserveNow", c.Status("Occupied"), "Occupied"),
        ("CancelReservation", c.Status("Rejected", "no such reservation"), "Rejected"),
    ],
)
def test_responses(dialect: Dialect, action: str, reply: Any, status: str) -> None:
    assert answered(dialect, action, {}, reply) == {"status": status}


# -- statuses ----------------------------------------------------------------------------------------------------------

FAULT = (Fault("GroundFailure", "pilot"),)
PLUGGED = FREE._replace(plugged=True)
RUNNING = PLUGGED._replace(authorized=True, transaction=True)


@pytest.mark.parametrize(
    ("view", "status"),
    [
        (FREE, "Available"),
        (PLUGGED, "Preparing"),
        (FREE._replace(authorized=True), "Preparing"),
        (FREE._replace(reserved=True), "Reserved"),
        (PLUGGED._replace(reserved=True), "Reserved"),
        (FREE._replace(reserved=True, other_plugged=True), "Reserved"),
        (FREE._replace(reserved=True, authorized=True), "Preparing"),
        (RUNNING._replace(charging_state="EVConnected"), "Preparing"),
        (RUNNING._replace(charging_state="Charging"), "Charging"),
        (RUNNING._replace(charging_state="SuspendedEV"), "SuspendedEV"),
        (RUNNING._replace(charging_state="SuspendedEVSE", authorized=False), "SuspendedEVSE"),
        (RUNNING._replace(charging_state="EVConnected", authorized=False), "Finishing"),
        (RUNNING._replace(charging_state="Idle", plugged=False), "SuspendedEV"),
        (RUNNING._replace(charging_state="Idle", plugged=False, authorized=False), "Finishing"),
        (PLUGGED._replace(ended=True), "Finishing"),
        (PLUGGED._replace(ended=True, authorized=True), "Preparing"),
        (FREE._replace(other_plugged=True), "Unavailable"),
        (FREE._replace(operative=False, reserved=True), "Unavailable"),
        (FREE._replace(faults=FAULT, operative=False), "Faulted"),
    ],
)
def test_statuses(dialect: Dialect, view: ConnectorView, status: str) -> None:
    assert dialect.rules.connector_status(view) == status


def test_a_cable_unplugged_at_the_car_is_told_beside_the_status(dialect: Dialect) -> None:
    """1.6 §4.10: why it is suspended."""
    for view, info in (
        (RUNNING, ""),
        (RUNNING._replace(unplugged=True), "EV side disconnected"),
        (RUNNING._replace(unplugged=True, faults=FAULT), ""),
    ):
        assert dialect.rules.connector_info(view) == info
    _, said = told(dialect, StatusChanged(AT, 1, 1, "SuspendedEV", None, "EV side disconnected"))
    assert (said["errorCode"], said["info"]) == ("NoError", "EV side disconnected")


@given(neutral.views)
def test_every_status_is_one_of_the_nine(view: ConnectorView) -> None:
    assert neutral.loaded("1.6").rules.connector_status(view) in enumeration("StatusNotification", "status")


def test_the_station_is_available_unavailable_or_faulted(dialect: Dialect) -> None:
    status = dialect.rules.station_status
    assert status is not None
    assert [status(StationView(True, ())), status(StationView(False, ())), status(StationView(True, FAULT))] == [
        "Available", "Unavailable", "Faulted",
    ]  # fmt: skip


def test_start_and_stop_points_are_fixed(dialect: Dialect) -> None:
    rules = dialect.rules
    assert (rules.subprotocol, rules.start_points, rules.stop_points) == (
        "ocpp1.6",
        {"PowerPathClosed"},
        {"Authorized"},
    )
    assert rules.unlock_stops_transaction


# -- words -------------------------------------------------------------------------------------------------------------


def enumeration(schema: str, *path: str) -> frozenset[str]:
    text = files("ocpp").joinpath("v16", "schemas", f"{schema}.json").read_text(encoding="utf-8-sig")
    node = json.loads(text)
    for name in path:
        node = node["properties"][name]
        node = node.get("items", node)
    return frozenset(node["enum"])


SAMPLE = ("transactionData", "sampledValue")


@pytest.mark.parametrize(
    ("words", "schema", "path"),
    [
        (MEASURANDS, "StopTransaction", (*SAMPLE, "measurand")),
        (UNITS | {"Celcius"}, "StopTransaction", (*SAMPLE, "unit")),
        (frozenset(REASONS.values()) | {"Other"}, "StopTransaction", ("reason",)),
        (
            ERROR_CODES | {"NoError", "LocalListConflict", "ResetFailure", "WeakSignal"},
            "StatusNotification",
            ("errorCode",),
        ),
    ],
)
def test_our_words_are_those_of_the_schemas(words: frozenset[str], schema: str, path: tuple[str, ...]) -> None:
    assert words == enumeration(schema, *path)


@pytest.mark.parametrize(
    ("data", "said"), [(b'OCMF|{"FV":"1.0"}|{"SD":"30"}', 'OCMF|{"FV":"1.0"}|{"SD":"30"}'), (b"\x00\xff", "AP8=")]
)
def test_what_the_meter_signed_is_told_beside_the_values(dialect: Dialect, data: bytes, said: str) -> None:
    signed = Signed(b64encode(data).decode(), "OCMF", "ECDSA", "3059")
    value = MeterValue(AT, "Sample.Clock", (Sample("Energy.Active.Import.Register", 161.0, "Wh"),), signed)
    _, payload = told(dialect, MetersRead(1, (value,))) or ("", {})
    raw, record_ = payload["meterValue"][0]["sampledValue"]
    assert raw["value"] == "161"
    assert record_ == {"value": said, "context": "Sample.Clock", "format": "SignedData", "location": "Outlet"}


def test_how_an_upload_goes_is_told_in_the_words_of_the_request(dialect: Dialect) -> None:
    assert told(dialect, LogStatus("Uploaded", 7)) == ("LogStatusNotification", {"status": "Uploaded", "requestId": 7})
    assert told(dialect, LogStatus("Idle")) == ("DiagnosticsStatusNotification", {"status": "Idle"})
    assert told(dialect, LogStatus("PermissionDenied")) == ("DiagnosticsStatusNotification", {"status": "UploadFailed"})
    assert dialect.call(LogStatus("AcceptedCanceled"), None) is None
    assert dialect.call(LogStatus("AcceptedCanceled", 7), None) is None


def test_what_will_be_uploaded(dialect: Dialect) -> None:
    promised = c.LogPromised("AcceptedCanceled", "d.tar.gz")
    assert dialect.response("GetDiagnostics", {"location": "ftp://h/"}, promised) == {"fileName": "d.tar.gz"}
    assert dialect.response("GetLog", {}, promised) == {"status": "AcceptedCanceled", "filename": "d.tar.gz"}


def test_an_entry_of_the_list_whose_date_is_no_time_is_refused(dialect: Dialect) -> None:
    entry = {"idTag": "T", "idTagInfo": {"status": "Accepted", "expiryDate": "tomorrow"}}
    request = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [entry]}
    refusal = dialect.command("SendLocalList", request)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "PropertyConstraintViolation"
