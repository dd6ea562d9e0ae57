"""What a dialect is: the translation between neutral commands, messages, replies and one version of OCPP.

Nothing here knows of sockets or time. Validation against the official schemas happens around it, in both directions.
"""

from importlib import import_module
from typing import Any, Protocol

from chargepointd.core.commands import Command, Reply
from chargepointd.core.messages import Answer, Message
from chargepointd.core.plan import StationPlan
from chargepointd.core.rules import Rules
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.variables.registry import Registry

Payload = dict[str, Any]


class Refusal(NamedTuple):
    """A CALL that is answered with a CALLERROR; `code` in the words of 2.x, `rpc` spells it for each version."""

    code: str
    description: str


class Dialect(Protocol):
    version: str
    """ "1.6", "2.0.1" """
    rules: Rules

    def command(self, action: str, payload: Payload) -> Command | Refusal:
        """What the CSMS asks; the payload has passed the schema. NotSupported for what this station does not offer."""
        ...

    def longest(self, action: str) -> int:
        """Bytes that a request of the CSMS may have; 0: whatever fits into a frame."""
        ...

    def response(self, action: str, payload: Payload, reply: Reply) -> Payload | Refusal:
        """The CALLRESULT to a request (its action and payload), from the station's reply; or a CALLERROR, where this
        version has no other word for it."""
        ...

    def call(self, message: Message, reference: int | None) -> tuple[str, Payload] | None:
        """Action and payload of a CALL; None when this version has no words for the message."""
        ...

    def answer(self, message: Message, payload: Payload) -> Answer:
        """What the CSMS answered to a message; the payload has passed the schema."""
        ...


_DIALECTS = {"ocpp1.6": "chargepointd.dialects.v16", "ocpp2.0.1": "chargepointd.dialects.v201"}
VERSIONS = {"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1"}
"""version in a configuration file -> websocket subprotocol"""


def load(subprotocol: str, plan: StationPlan, variables: Registry) -> Dialect:
    """The dialect of a subprotocol; only what is used is imported."""
    dialect: Dialect = import_module(_DIALECTS[subprotocol]).dialect(plan, variables)
    return dialect
