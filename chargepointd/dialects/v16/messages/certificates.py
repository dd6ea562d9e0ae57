"""The request for a certificate (security extension, A02); for that of ISO 15118 see `plug_and_charge`."""

from chargepointd.core.certificates import STATION
from chargepointd.core.messages import Answer
from chargepointd.core.signing import SignCertificate, Signing
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.connectors import Connectors
from chargepointd.dialects.v16.messages.common import Answers, Calls, Said


def _asked(asked: SignCertificate, _: int | None, connectors: Connectors) -> Said:
    if asked.use == STATION:
        return "SignCertificate", {"csr": asked.csr}
    from chargepointd.dialects.v16.messages.plug_and_charge import sign

    return sign(asked)


def _answered(payload: Payload) -> Answer:
    """Of a DataTransfer, Accepted says that it has come: its data is the answer."""
    if "data" not in payload:
        return Signing("Accepted" if payload["status"] == "Accepted" else "Rejected")
    from chargepointd.dialects.v16.messages.plug_and_charge import signing

    return signing(payload)


CALLS: Calls = {SignCertificate: _asked}
ANSWERS: Answers = {SignCertificate: _answered}
