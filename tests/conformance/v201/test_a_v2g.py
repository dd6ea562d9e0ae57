"""A12, M15, M24, M25: the certificate by which vehicles know the station."""

from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.conformance.stations import dc_station, with_contracts
from tests.conformance.tester import Tester
from tests.csms import Csms
from tests.daemon.visit import until
from tests.jobs.hashes import hash_data
from tests.pki import Authority

RESPONDER = "http://ocsp.v2g.example"
ROOT = Authority("V2G root")
SUB = ROOT.authority("V2G sub-CA")
WORDS: dict[str, Any] = {"ISO15118Ctrlr.SeccId": "DE*ABC*E1", "ISO15118Ctrlr.OrganizationName": "Operator"}
pytestmark = pytest.mark.under_test(with_contracts(dc_station), variables=WORDS)


@pytest.fixture(autouse=True)
def root(tester: Tester, csms: Csms) -> None:
    payload = {"certificateType": "V2GRootCertificate", "certificate": ROOT.pem}
    assert csms.call("InstallCertificate", payload)["status"] == "Accepted"


def renewed(tester: Tester, csms: Csms) -> str:
    """RenewV2GChargingStationCertificate: the chain."""
    tester.trigger("SignV2GCertificate")
    csr = csms.wait("SignCertificate", certificateType="V2GCertificate")["csr"]
    request = x509.load_pem_x509_csr(csr.encode())
    key = request.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.key_size >= 256
    names = {part.oid: part.value for part in request.subject}
    assert names == {NameOID.COMMON_NAME: "DE*ABC*E1", NameOID.ORGANIZATION_NAME: "Operator"}
    chain = SUB.sign(csr, ocsp=RESPONDER)
    payload = {"certificateChain": chain, "certificateType": "V2GCertificate"}
    assert csms.call("CertificateSigned", payload)["status"] == "Accepted"
    return chain


def shown(tester: Tester, what: str) -> list[Any]:
    """What each EVSE's ISO 15118 stack has."""
    return [evse[what] for evse in tester.station.ctl("sim.state")["evses"]]


def fingerprint(chain: str) -> str:
    return sha256(x509.load_pem_x509_certificate(chain.encode()).public_bytes(Encoding.DER)).hexdigest()


def test_tc_a_12_cs(tester: Tester, csms: Csms) -> None:
    """Update Charging Station Certificate by request of CSMS - Success - V2G Certificate"""
    chain = renewed(tester, csms)
    until(lambda: shown(tester, "secc") == [fingerprint(chain)] * 4, "the stacks have it")
    csms.forget()
    tester.station.restart()
    tester.booted()
    until(lambda: shown(tester, "secc") == [fingerprint(chain)] * 4, "the stacks have it again")


def test_a_chain_of_another_root_is_not_shown_to_vehicles(tester: Tester, csms: Csms) -> None:
    tester.trigger("SignV2GCertificate")
    csr = csms.wait("SignCertificate", certificateType="V2GCertificate")["csr"]
    payload = {"certificateChain": Authority("Another").sign(csr), "certificateType": "V2GCertificate"}
    assert csms.call("CertificateSigned", payload)["status"] == "Rejected"
    csms.wait("SecurityEventNotification", type="InvalidChargingStationCertificate")
    assert shown(tester, "secc") == [""] * 4


def test_tc_m_15_cs(tester: Tester, csms: Csms) -> None:
    """Retrieve certificates from Charging Station - V2GCertificateChain"""
    chain = renewed(tester, csms)
    reply = csms.call("GetInstalledCertificateIds", {"certificateType": ["V2GCertificateChain"]})
    assert reply["status"] == "Accepted"
    row = {
        "certificateType": "V2GCertificateChain",
        "certificateHashData": hash_data(chain, SUB.pem),
        "childCertificateHashData": [hash_data(SUB.pem, ROOT.pem)],
    }
    assert reply["certificateHashDataChain"] == [row]


def _status(csms: Csms, chain: str) -> None:
    asked = csms.wait("GetCertificateStatus")
    assert asked["ocspRequestData"] == hash_data(chain, SUB.pem) | {"responderURL": RESPONDER}


def test_tc_m_24_cs(tester: Tester, csms: Csms) -> None:
    """Get Charging Station Certificate status - Success"""
    csms.answers["GetCertificateStatus"] = {"status": "Accepted", "ocspResult": b64encode(b"good").decode()}
    _status(csms, renewed(tester, csms))
    until(lambda: shown(tester, "ocsp") == [1] * 4, "the stacks have the status")


def test_tc_m_25_cs(tester: Tester, csms: Csms) -> None:
    """Get Charging Station Certificate status - Rejected"""
    chain = renewed(tester, csms)
    _status(csms, chain)
    tester.fence()
    assert shown(tester, "ocsp") == [0] * 4
    assert shown(tester, "secc") == [fingerprint(chain)] * 4
