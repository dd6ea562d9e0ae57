"""Certificates for vehicles, and what OCSP says of the station's (M01, M02, M06)."""

from chargepointd.core.contracts import EvCertificate, GetEvCertificate
from chargepointd.core.secc import CertificateStatus, GetCertificateStatus
from chargepointd.dialects.certificates import ocsp_request
from chargepointd.dialects.v2.messages.common import Answers, Calls, Said
from chargepointd.dialects.v2.words import Words


def _asked(asked: GetEvCertificate, _: Words) -> Said:
    return "Get15118EVCertificate", {
        "iso15118SchemaVersion": asked.schema[:50],
        "action": asked.action,
        "exiRequest": asked.exi,
    }


def _status(asked: GetCertificateStatus, _: Words) -> Said:
    return "GetCertificateStatus", {"ocspRequestData": ocsp_request(asked.hashes)}


CALLS: Calls = {GetEvCertificate: _asked, GetCertificateStatus: _status}
ANSWERS: Answers = {
    GetEvCertificate: lambda payload: EvCertificate(payload["status"], payload["exiResponse"]),
    GetCertificateStatus: lambda payload: CertificateStatus(payload["status"], payload.get("ocspResult", "")),
}
