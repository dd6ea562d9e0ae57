"""2.0.1: certificates and network profiles, valid by the official schemas."""

from typing import Any

import pytest

from chargepointd.core import certificates as c
from chargepointd.core.commands import Status
from chargepointd.core.network import SetNetworkProfile
from chargepointd.core.signing import CertificateSigned, SignCertificate, Signing
from chargepointd.core.slots import Slot
from tests.dialects.neutral import answered, asked, loaded, told

HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1f"}
ABOVE = HASH | {"serialNumber": "2"}
HASHES = (("SHA256", "aa", "bb", "1f"), ("SHA256", "aa", "bb", "2"))
PROFILE = {
    "ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": "wss://csms/", "messageTimeout": 30,
    "securityProfile": 2, "ocppInterface": "Wired0",
}  # fmt: skip


@pytest.mark.parametrize(
    ("action", "payload", "command"),
    [
        (
            "InstallCertificate",
            {"certificateType": "CSMSRootCertificate", "certificate": "PEM"},
            c.InstallCertificate("CSMSRootCertificate", "PEM"),
        ),
        ("GetInstalledCertificateIds", {}, c.GetInstalledCertificateIds()),
        (
            "GetInstalledCertificateIds",
            {"certificateType": ["MORootCertificate"]},
            c.GetInstalledCertificateIds(("MORootCertificate",)),
        ),
        ("DeleteCertificate", {"certificateHashData": HASH}, c.DeleteCertificate(HASHES[0])),
        ("CertificateSigned", {"certificateChain": "PEM"}, CertificateSigned("PEM", "ChargingStationCertificate")),
        (
            "CertificateSigned",
            {"certificateChain": "PEM", "certificateType": "V2GCertificate"},
            CertificateSigned("PEM", "V2GCertificate"),
        ),
        (
            "SetNetworkProfile",
            {"configurationSlot": 2, "connectionData": PROFILE},
            SetNetworkProfile(2, Slot("wss://csms/", 2, "2.0.1", 30, "Wired0")),
        ),
    ],
)
def test_requests(action: str, payload: dict[str, Any], command: Any) -> None:
    made = asked(loaded("2.0.1"), action, payload)
    assert (type(made), made) == (type(command), command)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"ocppTransport": "SOAP"}, "SOAP"),
        ({"ocppVersion": "OCPP15"}, "OCPP15"),
        ({"apn": {"apn": "internet", "apnAuthentication": "AUTO"}}, "modem"),
        ({"vpn": {"server": "s", "user": "u", "password": "p", "key": "k", "type": "IKEv2"}}, "VPN"),
    ],
)
def test_what_a_profile_asks_for_and_the_station_cannot_do(changes: dict[str, Any], what: str) -> None:
    payload = {"configurationSlot": 2, "connectionData": PROFILE | changes}
    assert what in asked(loaded("2.0.1"), "SetNetworkProfile", payload).wrong


def test_certificates_are_listed_with_those_above_them() -> None:
    kept = c.Certificate("V2GRootCertificate", "name", HASHES[:1], 0, 1)
    chain = c.Certificate("V2GCertificateChain", "name", HASHES, 0, 1)
    dialect = loaded("2.0.1")
    assert answered(dialect, "GetInstalledCertificateIds", {}, c.CertificateIds(())) == {"status": "NotFound"}
    assert answered(dialect, "GetInstalledCertificateIds", {}, c.CertificateIds((kept, chain))) == {
        "status": "Accepted",
        "certificateHashDataChain": [
            {"certificateType": "V2GRootCertificate", "certificateHashData": HASH},
            {
                "certificateType": "V2GCertificateChain",
                "certificateHashData": HASH,
                "childCertificateHashData": [ABOVE],
            },
        ],
    }


def test_a_refusal_carries_the_code_that_is_prescribed() -> None:
    payload = {"configurationSlot": 9, "connectionData": PROFILE}
    said = answered(loaded("2.0.1"), "SetNetworkProfile", payload, Status("Rejected", "no slot 9", "InvalidConfSlot"))
    assert said == {
        "status": "Rejected",
        "statusInfo": {"reasonCode": "InvalidConfSlot", "additionalInfo": "no slot 9"},
    }


def test_a_request_for_a_certificate_and_its_answer() -> None:
    dialect = loaded("2.0.1")
    message = SignCertificate("CSR")
    said = {"csr": "CSR", "certificateType": "ChargingStationCertificate"}
    assert told(dialect, message) == ("SignCertificate", said)
    assert dialect.answer(message, {"status": "Rejected"}) == Signing("Rejected")
