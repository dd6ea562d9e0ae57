"""What 1.6 says of contracts and certificates of ISO 15118, in DataTransfer ("Using ISO 15118 Plug & Charge with OCPP
1.6" of the OCA): the messages of 2.0.1 as JSON texts; an eMAID is a plain text.

A CSMS that does not know the vendor, or answers with what cannot be read, has said no.
"""

from typing import Any

from chargepointd.core.contracts import EvCertificate, GetEvCertificate
from chargepointd.core.messages import Answer, Authorize, AuthorizeAnswered
from chargepointd.core.secc import CertificateStatus, GetCertificateStatus
from chargepointd.core.signing import SignCertificate, Signing
from chargepointd.core.values import TokenInfo
from chargepointd.dialects.certificates import ocsp_request
from chargepointd.dialects.codec import decode, readable_time
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.connectors import Connectors
from chargepointd.dialects.v16.messages.common import Answers, Calls, Said, transfer

VENDOR = "org.openchargealliance.iso15118pnc"
_WORD = 36
"""characters of a token, and of any status"""


def authorize(asked: Authorize) -> Said:
    data: Payload = {"idToken": asked.token.value}
    if asked.hashes:
        data["iso15118CertificateHashData"] = [ocsp_request(row) for row in asked.hashes]
    if asked.chain:
        data["certificate"] = asked.chain
    return transfer(VENDOR, "Authorize", data)


def sign(asked: SignCertificate) -> Said:
    return transfer(VENDOR, "SignCertificate", {"csr": asked.csr, "certificateType": asked.use})


def _ev_certificate(asked: GetEvCertificate, _: int | None, connectors: Connectors) -> Said:
    data = {"iso15118SchemaVersion": asked.schema[:50], "action": asked.action, "exiRequest": asked.exi}
    return transfer(VENDOR, "Get15118EVCertificate", data)


def _status(asked: GetCertificateStatus, _: int | None, connectors: Connectors) -> Said:
    return transfer(VENDOR, "GetCertificateStatus", {"ocspRequestData": ocsp_request(asked.hashes)})


CALLS: Calls = {GetEvCertificate: _ev_certificate, GetCertificateStatus: _status}


# -- what is answered --------------------------------------------------------------------------------------------------


def _data(payload: Payload) -> dict[str, Any]:
    """Empty for what is no answer."""
    try:
        found = decode(payload.get("data") or "{}") if payload["status"] == "Accepted" else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(data: dict[str, Any], name: str, otherwise: str, most: int = 6000) -> str:
    """What is too long is none: no text of 2.0.1 is as long (exiResponse has 5600 characters)."""
    value = data.get(name)
    return value if isinstance(value, str) and len(value) <= most else otherwise


def authorized(payload: Payload) -> Answer:
    data = _data(payload)
    info = data.get("idTokenInfo")
    if not isinstance(info, dict):
        return AuthorizeAnswered(TokenInfo("Invalid"))
    group = info.get("groupIdToken")
    group = group.get("idToken") if isinstance(group, dict) else group
    token = TokenInfo(
        _text(info, "status", "Invalid", _WORD),
        readable_time(_text(info, "cacheExpiryDateTime", "")),
        group if isinstance(group, str) and len(group) <= _WORD else None,
    )
    return AuthorizeAnswered(token, _text(data, "certificateStatus", "Accepted"))


def signing(payload: Payload) -> Answer:
    return Signing(_text(_data(payload), "status", "Rejected"))


ANSWERS: Answers = {
    GetEvCertificate: lambda p: EvCertificate(_text(_data(p), "status", "Failed"), _text(_data(p), "exiResponse", "")),
    GetCertificateStatus: lambda p: CertificateStatus(
        _text(_data(p), "status", "Failed"), _text(_data(p), "ocspResult", "")
    ),
}
