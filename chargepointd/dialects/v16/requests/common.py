"""What the requests of all topics share."""

from collections.abc import Callable, Mapping
from typing import Any

from chargepointd.core import commands as c
from chargepointd.core.tuples import NamedTuple
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v16.connectors import Connectors
from chargepointd.dialects.v16.keys import Keys


class ChargePoint(NamedTuple):
    """The station as 1.6 sees it."""

    connectors: Connectors
    keys: Keys


class Request(NamedTuple):
    command: Callable[[Payload, ChargePoint], c.Command | Refusal]
    """a ValueError says what of the payload does not fit though the schema lets it pass, such as a time"""
    response: Callable[[Payload, Any, ChargePoint], Payload]
    """from the request and the station's reply"""


Requests = Mapping[str, Request]
"""by action"""


def transferred(reply: c.Status, _: ChargePoint) -> Payload:
    """With why, as text, where there is something to say."""
    return {"status": reply.status} | ({"data": reply.reason} if reply.reason else {})


class Transfer(NamedTuple):
    """A message of a vendor, within a DataTransfer."""

    command: Callable[[Any, ChargePoint], c.Command | Refusal]
    """from its data, an object; a ValueError says what of it does not fit"""
    response: Callable[[Any, ChargePoint], Payload] = transferred
    """from the station's reply, where that is more than a status"""


Transfers = Mapping[str, Transfer]
"""by messageId"""


def trigger(payload: Payload, point: ChargePoint, kind: str, *, numbered: bool = False) -> c.TriggerMessage:
    """kind: in the words of 2.x"""
    number = payload.get("connectorId")
    return c.TriggerMessage(kind, *point.connectors.place(number or 0), itself=number == 0, numbered=numbered)


def plain(_: Payload, reply: c.Status, __: ChargePoint) -> Payload:
    return {"status": reply.status}


def renamed(**words: str) -> Callable[[Payload, c.Status, ChargePoint], Payload]:
    """What the station replies -> what 1.6 says for it, where that differs."""
    return lambda _, reply, __: {"status": words.get(reply.status, reply.status)}
