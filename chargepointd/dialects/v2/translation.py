"""OCPP 2.x as the daemon sees it."""

from chargepointd.core.commands import Command, Reply
from chargepointd.core.messages import Answer, Message
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v2 import messages, requests, status
from chargepointd.dialects.v2.words import Words

_BOUNDED = {
    "GetReport": "DeviceDataCtrlr.BytesPerMessage[GetReport]",
    "GetVariables": "DeviceDataCtrlr.BytesPerMessage[GetVariables]",
    "SendLocalList": "LocalAuthListCtrlr.BytesPerMessage",
    "SetVariables": "DeviceDataCtrlr.BytesPerMessage[SetVariables]",
}
"""request -> the variable that says how long it may be"""


class Translation:
    """A `Dialect`. A 1.6 number of a transaction (`reference`) means nothing here: 2.x has the station's own id."""

    def __init__(self, words: Words, variables: Registry) -> None:
        self.version = words.version
        self.rules = status.rules(words.subprotocol)
        self._words = words
        self._variables = variables

    def command(self, action: str, payload: Payload) -> Command | Refusal:
        return requests.command(action, payload, self._variables)

    def longest(self, action: str) -> int:
        return self._variables.integer(_BOUNDED[action]) if action in _BOUNDED else 0

    def response(self, action: str, payload: Payload, reply: Reply) -> Payload | Refusal:
        return requests.response(action, payload, reply)

    def call(self, message: Message, reference: int | None) -> tuple[str, Payload] | None:
        return messages.call(message, self._words)

    def answer(self, message: Message, payload: Payload) -> Answer:
        return messages.answer(message, payload)
