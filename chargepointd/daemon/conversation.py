"""The conversation with the CSMS: texts of the websocket to events, effects to texts, by the dialect in use.

Every message is held against the official schema in both directions. A frame that is none gets its answer here and
goes no further; a running session does not notice.
"""

import logging
from collections.abc import Callable
from typing import Any

from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.messages import Message
from chargepointd.dialects import rpc
from chargepointd.dialects.dialect import Dialect, Payload, Refusal
from chargepointd.link.websocket import NotOpen

log = logging.getLogger(__name__)

MAX_REQUESTS = 32
"""requests of the CSMS that may wait for their answer at once; it is allowed one"""


class Conversation:
    """asked, answered: the link is told that a CALL was sent, and that its answer has come."""

    def __init__(
        self,
        load: Callable[[str], Dialect],
        send: Callable[[str], None],
        post: Callable[[e.Event], None],
        asked: Callable[[], None] = lambda: None,
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        self._load = load
        self._send = send
        self._post = post
        self._ask, self._answered = asked, answered
        self._dialect: Dialect | None = None
        self._asked: dict[str, tuple[str, Payload]] = {}
        """requests of the CSMS that wait for their answer: message id -> (action, payload)"""
        self._open: tuple[str, str, Message] | None = None
        """our CALL under way: message id, action, message"""

    # -- the link ------------------------------------------------------------------------------------------------------

    def opened(self, subprotocol: str, certificate_until: float | None = None, root: str = "") -> None:
        self._asked.clear()
        self._open = None
        self._dialect = self._load(subprotocol)
        self._post(e.LinkOpened(self._dialect.rules, certificate_until, root))

    def closed(self, reason: str) -> None:
        if self._dialect:
            self._dialect = None
            self._post(e.LinkClosed(reason))

    def heard(self, text: str) -> None:
        """A text message of the CSMS."""
        dialect = self._dialect
        if dialect is None:
            return
        message = rpc.parse(text, dialect.version)
        if isinstance(message, rpc.Call):
            self._call(message, text, dialect)
        elif isinstance(message, rpc.Result):
            self._result(message, dialect)
        elif isinstance(message, rpc.Error):
            code, description = message.code[:50], message.description[: rpc.MAX_DESCRIPTION]
            log.warning("csms: refused %s: %s %r", self._open and self._open[1], code, description)
            self._settle(message.message_id, e.CallRefused(message.message_id, code, description))
        elif isinstance(message, rpc.Bad):
            self._bad(message)
        else:
            log.warning("csms: a message of a kind that this station does not use")

    def _bad(self, bad: rpc.Bad) -> None:
        log.warning("csms: %s", bad.reason)
        self._post(e.MessageInvalid(bad.reason))
        if bad.reply:
            self._tell(bad.reply)
        if bad.answer_to:
            self._settle(bad.answer_to, e.CallRefused(bad.answer_to, "FormatViolation", bad.reason))

    # -- what the CSMS asks --------------------------------------------------------------------------------------------

    def _call(self, call: rpc.Call, text: str, dialect: Dialect) -> None:
        most = dialect.longest(call.action)
        if most and (len(text) > most or (not text.isascii() and len(text.encode()) > most)):
            # B05.FR.11, B06.FR.17, B08.FR.18
            self._refuse(call.message_id, "FormatViolation", f"more than {most} bytes in a message", dialect)
            return
        refusal = rpc.check(dialect.version, call.action, call.payload, "request")
        if refusal:
            log.warning("csms: %s refused: %s %s", call.action[:50], refusal.code, refusal.description)
            self._post(e.MessageInvalid(f"{call.action[:50]}: {refusal.code}: {refusal.description}"))
            self._tell(rpc.error(call.message_id, refusal.code, refusal.description))
            return
        if call.message_id in self._asked or len(self._asked) >= MAX_REQUESTS:
            self._refuse(call.message_id, "GenericError", "the answer to an earlier request is still to come", dialect)
            return
        command = dialect.command(call.action, call.payload)
        if isinstance(command, Refusal):
            self._refuse(call.message_id, command.code, command.description, dialect)
            return
        self._asked[call.message_id] = (call.action, call.payload)
        self._post(e.CallReceived(call.message_id, command))

    def respond(self, effect: f.Respond) -> None:
        """Answer a request; one that came over a link that is gone is answered by nobody."""
        asked = self._asked.pop(effect.message_id, None)
        if asked is None or self._dialect is None:
            return
        action, request = asked
        payload = self._dialect.response(action, request, effect.reply)
        if isinstance(payload, Refusal):
            self._refuse(effect.message_id, payload.code, payload.description, self._dialect)
            return
        wrong = rpc.check(self._dialect.version, action, payload, "response")
        if wrong:
            log.error("bug: our answer to %s does not fit its schema: %s", action, wrong.description)
            self._refuse(effect.message_id, "InternalError", "the station made no valid answer", self._dialect)
        else:
            self._tell(rpc.result(effect.message_id, payload))

    def refuse(self, effect: f.Refuse) -> None:
        if self._asked.pop(effect.message_id, None) and self._dialect:
            self._refuse(effect.message_id, effect.code, effect.description, self._dialect)

    def _refuse(self, message_id: str, code: str, description: str, dialect: Dialect) -> None:
        self._tell(rpc.error(message_id, rpc.CODES[dialect.version][code], description))

    # -- what the station tells ----------------------------------------------------------------------------------------

    def call(self, effect: f.SendCall) -> None:
        """Send a CALL. What cannot be said in this dialect, or is not valid, is settled at once."""
        dialect = self._dialect
        if dialect is None:
            return  # the link closed while the step was being committed; LinkClosed has told the station
        spoken = dialect.call(effect.message, effect.reference)
        if spoken is None:
            self._post(e.CallUnspeakable(effect.message_id))
            return
        action, payload = spoken
        wrong = rpc.check(dialect.version, action, payload, "request")
        if wrong:
            log.error("bug: our %s does not fit its schema and is not sent: %s", action, wrong.description)
            self._post(e.CallRefused(effect.message_id, wrong.code, wrong.description))
            return
        self._open = (effect.message_id, action, effect.message)
        self._tell(rpc.call(effect.message_id, action, payload))
        self._ask()

    def _result(self, result: rpc.Result, dialect: Dialect) -> None:
        if self._open is None or self._open[0] != result.message_id:
            log.warning("csms: an answer to nothing was dropped: %s", result.message_id[:36])
            return
        _, action, message = self._open
        wrong = rpc.check(dialect.version, action, result.payload, "response")
        event: Any
        if wrong:
            log.warning("csms: the answer to %s is not valid: %s", action, wrong.description)
            event = e.CallRefused(result.message_id, wrong.code, wrong.description)
        else:
            event = e.CallAnswered(result.message_id, dialect.answer(message, result.payload))
        self._settle(result.message_id, event)

    def _settle(self, message_id: str, event: e.Event) -> None:
        if self._open and self._open[0] == message_id:
            self._open = None
            self._answered()
        self._post(event)

    def _tell(self, text: str) -> None:
        try:
            self._send(text)
        except NotOpen:
            log.debug("csms: not connected any more, a message was not sent")
