"""What the station tells in 1.6, and what it is answered; one module a topic, imported when first needed."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from chargepointd.core.messages import Acknowledged, Answer, Message
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.connectors import Connectors
from chargepointd.dialects.v16.messages.common import Said

TOPICS = {
    "Boot": "station",
    "CableLeft": "pricing",
    "Heartbeat": "station",
    "StatusChanged": "station",
    "SecurityEvent": "station",
    "FirmwareStatus": "firmware",
    "GetCertificateStatus": "plug_and_charge",
    "GetEvCertificate": "plug_and_charge",
    "LogStatus": "logs",
    "SignCertificate": "certificates",
    "Authorize": "transactions",
    "MetersRead": "transactions",
    "TransactionRecord": "transactions",
}
"""name of a message's type -> the module whose tables `CALLS` and `ANSWERS` have it; 1.6 does not say the others"""

_calls: dict[type, Callable[[Any, int | None, Connectors], Said | None]] = {}
_answers: dict[type, Callable[[Payload], Answer]] = {}


def _load(kind: type) -> bool:
    """False for what 1.6 does not say."""
    if kind not in _calls:
        if kind.__name__ not in TOPICS:
            return False
        topic = import_module(f"{__name__}.{TOPICS[kind.__name__]}")
        _calls.update(topic.CALLS)
        _answers.update(topic.ANSWERS)
    return True


def call(message: Message, reference: int | None, connectors: Connectors) -> Said | None:
    """Action and payload; None for what 1.6 does not say."""
    return _calls[type(message)](message, reference, connectors) if _load(type(message)) else None


def answer(message: Message, payload: Payload) -> Answer:
    _load(type(message))
    answered = _answers.get(type(message))
    return answered(payload) if answered else Acknowledged()
