"""OCPP 1.6 as the daemon sees it."""

from chargepointd.core.commands import Command, Reply
from chargepointd.core.messages import Answer, Message
from chargepointd.core.plan import StationPlan
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v16 import messages, requests
from chargepointd.dialects.v16.connectors import connectors
from chargepointd.dialects.v16.keys import Keys
from chargepointd.dialects.v16.requests.common import ChargePoint
from chargepointd.dialects.v16.status import RULES


class Translation:
    """A `Dialect`. `reference` is the transactionId that the CSMS gave; it binds when a record is sent."""

    version = "1.6"
    rules = RULES

    def __init__(self, plan: StationPlan, variables: Registry) -> None:
        numbers = connectors(plan)
        self._point = ChargePoint(numbers, Keys(variables, len(numbers.places)))
        self._vendor = ""
        """whose words the message under way is in (DataTransfer)"""
        self._strange: set[str] = set()
        """vendors that this CSMS does not know: it is asked no more, over this connection"""

    def command(self, action: str, payload: Payload) -> Command | Refusal:
        return requests.command(action, payload, self._point)

    def longest(self, action: str) -> int:
        return 0

    def response(self, action: str, payload: Payload, reply: Reply) -> Payload:
        return requests.response(action, payload, reply, self._point)

    def call(self, message: Message, reference: int | None) -> tuple[str, Payload] | None:
        said = messages.call(message, reference, self._point.connectors)
        self._vendor = said[1]["vendorId"] if said and said[0] == "DataTransfer" else ""
        return None if self._vendor in self._strange else said

    def answer(self, message: Message, payload: Payload) -> Answer:
        if self._vendor and payload["status"] == "UnknownVendorId":
            self._strange.add(self._vendor)
        return messages.answer(message, payload)
