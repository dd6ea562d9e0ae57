"""What the requests of all topics share."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chargepointd.core import commands as c
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v16.connectors import Connectors
from chargepointd.dialects.v16.keys import Keys


class ChargePoint(NamedTuple):
    """The station as 1.6 sees it."""

    connectors: Connectors
    keys: Keys


class Request(NamedTuple):
    command: Callable[[Payload, ChargePoint], c.Command | Refusal]
    response: Callable[[Payload, Any, ChargePoint], Payload]
    """from the request and the station's reply"""


Requests = Mapping[str, Request]
"""by action"""


def plain(_: Payload, reply: c.Status, __: ChargePoint) -> Payload:
    return {"status": reply.status}


def renamed(**words: str) -> Callable[[Payload, c.Status, ChargePoint], Payload]:
    """What the station replies -> what 1.6 says for it, where that differs."""
    return lambda _, reply, __: {"status": words.get(reply.status, reply.status)}
