"""Certificates (M03 to M05, A02)."""

from chargepointd.core import certificates as c
from chargepointd.core.signing import CertificateSigned
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.certificates import hashes, installed
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v2.requests.common import Request, Requests, plain


def _install(payload: Payload, _: Registry) -> c.InstallCertificate:
    return c.InstallCertificate(payload["certificateType"], payload["certificate"])


def _ids(payload: Payload, _: Registry) -> c.GetInstalledCertificateIds:
    return c.GetInstalledCertificateIds(tuple(payload.get("certificateType", ())))


def _delete(payload: Payload, _: Registry) -> c.DeleteCertificate:
    return c.DeleteCertificate(hashes(payload["certificateHashData"]))


def _signed(payload: Payload, _: Registry) -> CertificateSigned:
    return CertificateSigned(payload["certificateChain"], payload.get("certificateType", c.STATION))


REQUESTS: Requests = {
    "InstallCertificate": Request(_install, plain),
    "GetInstalledCertificateIds": Request(_ids, lambda _, reply: installed(reply)),
    "DeleteCertificate": Request(_delete, plain),
    "CertificateSigned": Request(_signed, plain),
}
