"""What the requests of all topics share."""

from collections.abc import Callable, Mapping
from typing import Any

from chargepointd.core import commands as c
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Token
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload, Refusal


class Request(NamedTuple):
    command: Callable[[Payload, Registry], c.Command | Refusal]
    """a ValueError says what of the payload does not fit though the schema lets it pass, such as a time"""
    response: Callable[[Payload, Any], Payload | Refusal]
    """from the request and the station's reply"""


Requests = Mapping[str, Request]
"""by action"""


def too_many(items: int, action: str, variables: Registry, name: str = "") -> Refusal | None:
    """B05.FR.11, B06.FR.16, B08.FR.17; name: of the variable, where it is not of DeviceDataCtrlr (D01.FR.11)."""
    most = variables.integer(name or f"DeviceDataCtrlr.ItemsPerMessage[{action}]")
    if items <= most:
        return None
    return Refusal("OccurrenceConstraintViolation", f"{items} items, at most {most} in a message")


def not_available(controller: str, variables: Registry) -> Refusal | None:
    """A topic that this station was configured without."""
    if variables.boolean(f"{controller}.Available"):
        return None
    return Refusal("NotSupported", f"{controller}.Available is false")


def place(payload: Payload) -> tuple[int, int]:
    """EVSEType to (EVSE, connector); 0 where it does not say."""
    evse = payload.get("evse")
    return (evse["id"], evse.get("connectorId", 0)) if evse else (0, 0)


def token(payload: Payload) -> Token:
    return Token(payload["idToken"], payload["type"])


def plain(_: Payload, reply: c.Status) -> Payload:
    return status(reply.status, reply.reason, reply.code or "Unspecified")


def status(word: str, reason: str, code: str = "Unspecified") -> Payload:
    """With why, where there is something to say (StatusInfoType; codes: 2.0.1 part 2, appendix 5)."""
    if not reason:
        return {"status": word}
    return {"status": word, "statusInfo": {"reasonCode": code, "additionalInfo": reason[:512]}}
