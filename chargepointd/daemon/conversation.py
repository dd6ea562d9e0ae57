"""The conversation with the CSMS: texts of the websocket to events, effects to texts, by the dialect in use.

Every message is held against the official schema in both directions. A frame that is none gets its answer here and
goes no further; a running session does not notice.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.messages import Message
from chargepointd.dialects import rpc
from chargepointd.dialects.dialect import Dialect, Payload, Refusal
from chargepointd.link.repeats import Repeats
from chargepointd.link.websocket import NotOpen

log = logging.getLogger(__name__)

MAX_ASKED = 32
MAX_ASKED_TEXT = 4_000_000
"""requests of the CSMS, and characters of them, that may wait for their answer at once. OCPP-J allows it one; what it
sends beyond these waits unread, in order, and is answered as well"""
MAX_LATER = 1000
MAX_LATER_TEXT = 1_000_000
"""and what it sends beyond these is refused"""


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
        self._asked: dict[str, tuple[str, Payload, int]] = {}
        """requests of the CSMS that wait for their answer: message id -> (action, payload, characters)"""
        self._asked_text = 0
        self._later: deque[tuple[rpc.Call, str]] = deque()
        self._later_text = 0
        self._log = Repeats(log)
        self._open: tuple[str, str, Message] | None = None
        """our CALL under way: message id, action, message"""
        self._sent_at = 0.0
        """when it left: s, monotonic clock"""

    # -- the link ------------------------------------------------------------------------------------------------------

    def opened(
        self,
        subprotocol: str,
        certificate_until: float | None = None,
        root: str = "",
        certificate_from: float | None = None,
        *,
        judged: bool = False,
    ) -> None:
        self._forget()
        self._dialect = self._load(subprotocol)
        self._post(e.LinkOpened(self._dialect.rules, certificate_until, root, certificate_from, judged))

    def closed(self, reason: str) -> None:
        if self._dialect:
            self._dialect = None
            self._forget()
            self._post(e.LinkClosed(reason))

    def _forget(self) -> None:
        self._asked.clear()
        self._later.clear()
        self._asked_text = self._later_text = 0
        self._open = None

    def heard(self, text: str) -> None:
        """A text message of the CSMS."""
        dialect = self._dialect
        if dialect is None:
            return
        message = rpc.parse(text, dialect.version)
        if isinstance(message, rpc.Call):
            self._call(message, text)
        elif isinstance(message, rpc.Result):
            self._result(message, dialect)
        elif isinstance(message, rpc.Error):
            code, description = message.code[:50], message.description[: rpc.MAX_DESCRIPTION]
            action = self._open[1] if self._open and self._open[0] == message.message_id else "what was not asked"
            self._log.say(f"refused {action}", logging.WARNING, "csms: refused %s: %s %r", action, code, description)
            self._settle(message.message_id, e.CallRefused(message.message_id, code, description))
        elif isinstance(message, rpc.Bad):
            self._bad(message)
        else:
            self._log.say("kind", logging.WARNING, "csms: a message of a kind that this station does not use")

    def _bad(self, bad: rpc.Bad) -> None:
        self._log.say("bad", logging.WARNING, "csms: %s", bad.reason)
        self._post(e.MessageInvalid(bad.reason))
        if bad.reply:
            self._tell(bad.reply)
        if bad.answer_to:
            self._settle(bad.answer_to, e.CallRefused(bad.answer_to, "FormatViolation", bad.reason))

    # -- what the CSMS asks --------------------------------------------------------------------------------------------

    def _call(self, call: rpc.Call, text: str) -> None:
        if not self._later and self._room_for(text):
            self._take(call, text)
        elif len(self._later) < MAX_LATER and self._later_text + len(text) <= MAX_LATER_TEXT:
            self._log.say(
                "many", logging.INFO, "csms: sends requests before it has the answers to %d", len(self._asked)
            )
            self._later.append((call, text))
            self._later_text += len(text)
        else:
            self._refuse(call.message_id, "GenericError", "the answers to earlier requests are still to come")

    def _room_for(self, text: str) -> bool:
        fits = len(self._asked) < MAX_ASKED and self._asked_text + len(text) <= MAX_ASKED_TEXT
        return fits or not self._asked

    def _take_later(self) -> None:
        """What waited, as there is room for it now."""
        while self._later and self._room_for(self._later[0][1]):
            call, text = self._later.popleft()
            self._later_text -= len(text)
            self._take(call, text)

    def _take(self, call: rpc.Call, text: str) -> None:
        dialect = self._dialect
        assert dialect is not None
        most = dialect.longest(call.action)
        if most and (len(text) > most or (not text.isascii() and len(text.encode()) > most)):
            # B05.FR.11, B06.FR.17, B08.FR.18
            self._refuse(call.message_id, "FormatViolation", f"more than {most} bytes in a message")
            return
        refusal = rpc.check(dialect.version, call.action, call.payload, "request")
        if refusal:
            what = f"{call.action[:50]} refused: {refusal.code} {refusal.description}"
            self._log.say("invalid", logging.WARNING, "csms: %s", what)
            self._post(e.MessageInvalid(f"{call.action[:50]}: {refusal.code}: {refusal.description}"))
            self._tell(rpc.error(call.message_id, refusal.code, refusal.description))
            return
        if call.message_id in self._asked:
            self._refuse(
                call.message_id, "GenericError", "the answer to an earlier request of this id is still to come"
            )
            return
        command = dialect.command(call.action, call.payload)
        if isinstance(command, Refusal):
            self._refuse(call.message_id, command.code, command.description)
            return
        self._asked[call.message_id] = (call.action, call.payload, len(text))
        self._asked_text += len(text)
        self._post(e.CallReceived(call.message_id, command))

    def _pop(self, message_id: str) -> tuple[str, Payload] | None:
        """A request whose answer goes out now; None: it came over a link that is gone."""
        asked = self._asked.pop(message_id, None)
        if asked is None or self._dialect is None:
            return None
        action, payload, size = asked
        self._asked_text -= size
        return action, payload

    def respond(self, effect: f.Respond) -> None:
        """Answer a request; one that came over a link that is gone is answered by nobody."""
        asked = self._pop(effect.message_id)
        if asked is None:
            return
        self._answer(effect, *asked)
        self._take_later()

    def _answer(self, effect: f.Respond, action: str, request: Payload) -> None:
        assert self._dialect is not None
        payload = self._dialect.response(action, request, effect.reply)
        if isinstance(payload, Refusal):
            self._refuse(effect.message_id, payload.code, payload.description)
            return
        wrong = rpc.check(self._dialect.version, action, payload, "response")
        if wrong:
            log.error("bug: our answer to %s does not fit its schema: %s", action, wrong.description)
            self._refuse(effect.message_id, "InternalError", "the station made no valid answer")
        else:
            self._tell(rpc.result(effect.message_id, payload))

    def refuse(self, effect: f.Refuse) -> None:
        if self._pop(effect.message_id):
            self._refuse(effect.message_id, effect.code, effect.description)
            self._take_later()

    def _refuse(self, message_id: str, code: str, description: str) -> None:
        assert self._dialect is not None
        self._tell(rpc.error(message_id, rpc.CODES[self._dialect.version][code], description))

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
        self._open, self._sent_at = (effect.message_id, action, effect.message), time.monotonic()
        self._tell(rpc.call(effect.message_id, action, payload))
        self._ask()

    def when_sent(self, effect: f.AskWhenSent) -> None:
        sent = self._open is not None and self._open[0] == effect.message_id
        self._post(e.CallSent(effect.message_id, self._sent_at if sent else None))

    def _result(self, result: rpc.Result, dialect: Dialect) -> None:
        if self._open is None or self._open[0] != result.message_id:
            what = "csms: an answer to nothing was dropped: %s"
            self._log.say("unasked", logging.WARNING, what, result.message_id[:36])
            return
        _, action, message = self._open
        wrong = rpc.check(dialect.version, action, result.payload, "response")
        event: Any
        if wrong:
            what = "csms: the answer to %s is not valid: %s"
            self._log.say(f"invalid answer {action}", logging.WARNING, what, action, wrong.description)
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
