"""Customer information (N09, N10)."""

from chargepointd.core import commands as c
from chargepointd.core.customer import GiveCustomerInformation
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v2.requests.common import Request, Requests, plain, token


def _give(payload: Payload, _: Registry) -> c.Command:
    id_token = payload.get("idToken")
    return GiveCustomerInformation(
        payload["requestId"],
        payload["report"],
        payload["clear"],
        token(id_token) if id_token else None,
        payload.get("customerIdentifier"),
        "customerCertificate" in payload,
    )


REQUESTS: Requests = {"CustomerInformation": Request(_give, plain)}
