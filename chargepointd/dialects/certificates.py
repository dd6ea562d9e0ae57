"""Certificates by their hashes, as both versions write them (CertificateHashDataType, OCSPRequestDataType); 1.6 those
of ISO 15118 as the text of a DataTransfer."""

from collections.abc import Callable
from typing import Any

from chargepointd.core.certificates import Certificate, CertificateIds, HashData
from chargepointd.dialects.dialect import Payload

_FIELDS = ("hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber")
_OCSP_FIELDS = (*_FIELDS, "responderURL")


def hash_data(hashes: HashData) -> Payload:
    return dict(zip(_FIELDS, hashes, strict=True))


def ocsp_request(hashes: tuple[str, ...]) -> Payload:
    return dict(zip(_OCSP_FIELDS, hashes, strict=True))


def hashes(data: Any, text: Callable[[Any, str], str] = lambda data, name: str(data[name])) -> HashData:
    """text: reads a field, where no schema has looked at the data yet"""
    return tuple(text(data, field) for field in _FIELDS)


def installed(reply: CertificateIds) -> Payload:
    """None: NotFound, without a list (M03.FR.02)."""
    if not reply.certificates:
        return {"status": "NotFound"}
    return {"status": "Accepted", "certificateHashDataChain": [_chain(each) for each in reply.certificates]}


def _chain(certificate: Certificate) -> Payload:
    own, *above = [hash_data(hashed) for hashed in certificate.hashes]
    said = {"certificateType": certificate.use, "certificateHashData": own}
    return said | ({"childCertificateHashData": above} if above else {})
