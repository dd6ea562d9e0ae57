"""Certificates for vehicles (M01, M02)."""

from chargepointd.core.contracts import EvCertificate, GetEvCertificate
from chargepointd.dialects.v2.messages.common import Answers, Calls, Said
from chargepointd.dialects.v2.words import Words


def _asked(asked: GetEvCertificate, _: Words) -> Said:
    return "Get15118EVCertificate", {
        "iso15118SchemaVersion": asked.schema[:50],
        "action": asked.action,
        "exiRequest": asked.exi,
    }


CALLS: Calls = {GetEvCertificate: _asked}
ANSWERS: Answers = {GetEvCertificate: lambda payload: EvCertificate(payload["status"], payload["exiResponse"])}
