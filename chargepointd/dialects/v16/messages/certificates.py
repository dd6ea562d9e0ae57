"""The request for a certificate (security extension, A02)."""

from chargepointd.core.certificates import STATION
from chargepointd.core.signing import SignCertificate, Signing
from chargepointd.dialects.v16.connectors import Connectors
from chargepointd.dialects.v16.messages.common import Answers, Calls, Said


def _sign(asked: SignCertificate, _: int | None, connectors: Connectors) -> Said | None:
    """The request has no word for a use: it is for the certificate of the charge point, and no other."""
    return ("SignCertificate", {"csr": asked.csr}) if asked.use == STATION else None


CALLS: Calls = {SignCertificate: _sign}
ANSWERS: Answers = {SignCertificate: lambda payload: Signing(payload["status"])}
