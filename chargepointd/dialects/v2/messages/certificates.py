"""The request for a certificate (A02, A03)."""

from chargepointd.core.signing import SignCertificate, Signing
from chargepointd.dialects.v2.messages.common import Answers, Calls

CALLS: Calls = {
    SignCertificate: lambda asked, words: ("SignCertificate", {"csr": asked.csr, "certificateType": asked.use}),
}
ANSWERS: Answers = {
    SignCertificate: lambda payload: Signing(payload["status"]),
}
