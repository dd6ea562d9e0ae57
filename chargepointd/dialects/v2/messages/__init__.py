"""What the station tells in 2.x, and what it is answered; one module a topic, imported when first needed."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from chargepointd.core.messages import Acknowledged, Answer, Message
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v2.messages.common import Said
from chargepointd.dialects.v2.words import Words

TOPICS = {
    "Boot": "station",
    "CableLeft": "pricing",
    "FirmwareStatus": "firmware",
    "Heartbeat": "station",
    "StatusChanged": "station",
    "SecurityEvent": "station",
    "LogStatus": "logs",
    "ChargingLimit": "charging",
    "CustomerData": "customer",
    "ProfilesPart": "charging",
    "ReportPart": "reports",
    "SignCertificate": "certificates",
    "GetEvCertificate": "contracts",
    "ReservationEnded": "reservation",
    "GetCertificateStatus": "contracts",
    "Authorize": "transactions",
    "MetersRead": "transactions",
    "TransactionRecord": "transactions",
}
"""name of a message's type -> the module whose tables `CALLS` and `ANSWERS` have it"""

_calls: dict[type, Callable[[Any, Words], Said | None]] = {}
_answers: dict[type, Callable[[Payload], Answer]] = {}


def _load(kind: type) -> None:
    if kind not in _calls:
        topic = import_module(f"{__name__}.{TOPICS[kind.__name__]}")
        _calls.update(topic.CALLS)
        _answers.update(topic.ANSWERS)


def call(message: Message, words: Words) -> Said | None:
    """Action and payload; None for what 2.x does not say."""
    _load(type(message))
    return _calls[type(message)](message, words)


def answer(message: Message, payload: Payload) -> Answer:
    _load(type(message))
    answered = _answers.get(type(message))
    return answered(payload) if answered else Acknowledged()
