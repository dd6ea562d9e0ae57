"""1.6, security extension: certificates, the extended trigger, security events, in words of 1.6 and neutral ones."""

from typing import Any

import pytest

from chargepointd.core import certificates as c
from chargepointd.core.commands import Status, TriggerMessage
from chargepointd.core.messages import LogStatus, SecurityEvent
from chargepointd.core.signing import CertificateSigned, SignCertificate, Signing
from chargepointd.dialects.v16.connectors import NOWHERE
from tests.dialects.neutral import AT, AT_TEXT, answered, asked, loaded, told

HASHES = ("SHA256", "aa", "bb", "1f")
HASH_DATA = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1f"}


@pytest.mark.parametrize(
    ("action", "payload", "command"),
    [
        ("InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": "PEM"},
         c.InstallCertificate("CSMSRootCertificate", "PEM")),
        ("InstallCertificate", {"certificateType": "ManufacturerRootCertificate", "certificate": "PEM"},
         c.InstallCertificate("ManufacturerRootCertificate", "PEM")),
        ("GetInstalledCertificateIds", {"certificateType": "CentralSystemRootCertificate"},
         c.GetInstalledCertificateIds(("CSMSRootCertificate",))),
        ("DeleteCertificate", {"certificateHashData": HASH_DATA}, c.DeleteCertificate(HASHES)),
        ("CertificateSigned", {"certificateChain": "PEM"}, CertificateSigned("PEM", "ChargingStationCertificate")),
        ("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"},
         TriggerMessage("SignChargingStationCertificate", numbered=True)),
        ("ExtendedTriggerMessage", {"requestedMessage": "FirmwareStatusNotification"},
         TriggerMessage("FirmwareStatusNotification", numbered=True)),
        ("ExtendedTriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 3},
         TriggerMessage("MeterValues", 2, 2, numbered=True)),
        ("ExtendedTriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 9},
         TriggerMessage("StatusNotification", *NOWHERE, numbered=True)),
    ],
)  # fmt: skip
def test_requests(action: str, payload: dict[str, Any], command: Any) -> None:
    assert asked(loaded("1.6"), action, payload) == command


@pytest.mark.parametrize(
    ("action", "statuses"),
    [
        ("InstallCertificate", ("Accepted", "Rejected", "Failed")),
        ("DeleteCertificate", ("Accepted", "Failed", "NotFound")),
        ("CertificateSigned", ("Accepted", "Rejected")),
        ("ExtendedTriggerMessage", ("Accepted", "Rejected", "NotImplemented")),
    ],
)
def test_answers(action: str, statuses: tuple[str, ...]) -> None:
    for status in statuses:
        assert answered(loaded("1.6"), action, {}, Status(status, "why")) == {"status": status}


def test_the_hash_data_of_each_certificate_without_what_is_above_it() -> None:
    kept = c.Certificate(c.CSMS_ROOT, "n", (HASHES, ("SHA256", "cc", "dd", "2")), 0.0, 1.0)
    payload = {"certificateType": "CentralSystemRootCertificate"}
    said = answered(loaded("1.6"), "GetInstalledCertificateIds", payload, c.CertificateIds((kept,)))
    assert said == {"status": "Accepted", "certificateHashData": [HASH_DATA]}
    none = answered(loaded("1.6"), "GetInstalledCertificateIds", payload, c.CertificateIds(()))
    assert none == {"status": "NotFound"}


def test_a_request_for_a_certificate_names_no_use() -> None:
    dialect = loaded("1.6")
    assert told(dialect, SignCertificate("CSR")) == ("SignCertificate", {"csr": "CSR"})
    said = told(dialect, SignCertificate("CSR", "V2GCertificate"))
    assert said and said[0] == "DataTransfer", "it would be taken for ours"
    assert dialect.answer(SignCertificate("CSR"), {"status": "UnknownVendorId"}) == Signing("Rejected")
    assert dialect.answer(SignCertificate("CSR"), {"status": "Accepted"}) == Signing("Accepted")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("InvalidCsmsCertificate", "InvalidCentralSystemCertificate"),
        ("InvalidChargingStationCertificate", "InvalidChargePointCertificate"),
        ("FailedToAuthenticateAtCsms", "FailedToAuthenticateAtCentralSystem"),
        ("CsmsFailedToAuthenticate", "CentralSystemFailedToAuthenticate"),
        ("InvalidTLSVersion", "InvalidTLSVersion"),
        ("MaintenanceLoginFailed", "MaintenanceLoginFailed"),
    ],
)
def test_security_events_by_the_names_of_1_6(kind: str, name: str) -> None:
    said = told(loaded("1.6"), SecurityEvent(kind, AT, "why"))
    assert said == ("SecurityEventNotification", {"type": name, "timestamp": AT_TEXT, "techInfo": "why"})


def test_no_upload_in_the_message_that_was_asked_for() -> None:
    dialect = loaded("1.6")
    assert told(dialect, LogStatus("Idle")) == ("DiagnosticsStatusNotification", {"status": "Idle"})
    assert told(dialect, LogStatus("Idle", numbered=True)) == ("LogStatusNotification", {"status": "Idle"})
