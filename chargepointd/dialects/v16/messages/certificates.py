"""The request for a certificate (security extension, A02)."""

from chargepointd.core.signing import SignCertificate, Signing
from chargepointd.dialects.v16.messages.common import Answers, Calls

CALLS: Calls = {SignCertificate: lambda asked, _, connectors: ("SignCertificate", {"csr": asked.csr})}
ANSWERS: Answers = {SignCertificate: lambda payload: Signing(payload["status"])}
