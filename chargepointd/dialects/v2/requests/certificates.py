"""Certificates (M03 to M05, A02)."""

from chargepointd.core import certificates as c
from chargepointd.core.signing import CertificateSigned
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v2.requests.common import Request, Requests, plain

_HASH_FIELDS = ("hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber")


def _install(payload: Payload, _: Registry) -> c.InstallCertificate:
    return c.InstallCertificate(payload["certificateType"], payload["certificate"])


def _ids(payload: Payload, _: Registry) -> c.GetInstalledCertificateIds:
    return c.GetInstalledCertificateIds(tuple(payload.get("certificateType", ())))


def _ids_got(_: Payload, reply: c.CertificateIds) -> Payload:
    """None: NotFound, without a list (M03.FR.02)."""
    if not reply.certificates:
        return {"status": "NotFound"}
    return {"status": "Accepted", "certificateHashDataChain": [_chain(each) for each in reply.certificates]}


def _chain(certificate: c.Certificate) -> Payload:
    own, *above = [dict(zip(_HASH_FIELDS, hashed, strict=True)) for hashed in certificate.hashes]
    said = {"certificateType": certificate.use, "certificateHashData": own}
    return said | ({"childCertificateHashData": above} if above else {})


def _delete(payload: Payload, _: Registry) -> c.DeleteCertificate:
    return c.DeleteCertificate(tuple(payload["certificateHashData"][field] for field in _HASH_FIELDS))


def _signed(payload: Payload, _: Registry) -> CertificateSigned:
    return CertificateSigned(payload["certificateChain"], payload.get("certificateType", c.STATION))


REQUESTS: Requests = {
    "InstallCertificate": Request(_install, plain),
    "GetInstalledCertificateIds": Request(_ids, _ids_got),
    "DeleteCertificate": Request(_delete, plain),
    "CertificateSigned": Request(_signed, plain),
}
