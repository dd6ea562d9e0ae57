"""The conversation with one connected station."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from websockets.exceptions import ConnectionClosed

from chargepointd.csms.books import Books
from chargepointd.csms.desk import Case, Desk, Payload, Words
from chargepointd.dialects import rpc

ANSWER_LIMIT_S = 30.0
"""a station that has not answered by then is told as silent"""

Tell = Callable[[str, str, Payload], None]
"""kind, text, details"""


class CallFailed(Exception):
    """The text says what the station answered instead of a result, or why there is no answer."""


class Socket(Protocol):
    async def send(self, message: str, /) -> None: ...


class _Asked(NamedTuple):
    action: str
    answer: asyncio.Future[Payload]


class Line:
    """One station on one connection. `now` gives the time as the answers tell it; `tell` shows what happens."""

    def __init__(
        self, station: str, words: Words, socket: Socket, desk: Desk, books: Books, now: Callable[[], str], tell: Tell
    ) -> None:
        self.station = station
        self.words = words
        self.booted = False
        self._socket = socket
        self._desk = desk
        self._books = books
        self._now = now
        self._tell = tell
        self._asked: dict[str, _Asked] = {}
        self._count = 0
        self._turn = asyncio.Lock()

    # -- from the station ----------------------------------------------------------------------------------------------

    async def heard(self, text: str | bytes) -> None:
        """A frame has come: what it asks for is answered, what it answers is given to who asked."""
        if isinstance(text, bytes):
            self._violation("a binary frame", text[:100].hex())
            return
        message = rpc.parse(text, self.words.version)
        match message:
            case rpc.Call():
                await self._socket.send(self._answer(message))
            case rpc.Result():
                self._result(message)
            case rpc.Error():
                self._error(message)
            case rpc.Bad():
                await self._bad(message, text)
            case _:
                self._violation("a message of a version that was not agreed", text)

    async def _bad(self, bad: rpc.Bad, text: str) -> None:
        self._violation(bad.reason, text)
        if bad.reply is not None:
            await self._socket.send(bad.reply)
        asked = self._asked.pop(bad.answer_to or "", None)
        if asked:
            _fail(asked, f"{asked.action}: the answer is no message: {bad.reason}")

    def _answer(self, call: rpc.Call) -> str:
        refusal = rpc.check(self.words.version, call.action, call.payload, "request")
        answer = self.words.answers.get(call.action)
        if refusal is None and answer is None:
            refusal = rpc.Refusal("NotSupported", f"{call.action} is for a CSMS to send")
        if refusal or answer is None:
            assert refusal
            self._violation(f"{call.action}: {refusal.code}: {refusal.description}", call.payload)
            return rpc.error(call.message_id, refusal.code, refusal.description)
        answered = answer(call.payload, Case(self.station, self._desk, self._books, self._now()))
        self.booted = self.booted or call.action == "BootNotification"
        self._tell(answered.kind, answered.text, {"action": call.action, "payload": call.payload})
        return rpc.result(call.message_id, answered.payload)

    def _result(self, result: rpc.Result) -> None:
        asked = self._asked.pop(result.message_id, None)
        if asked is None:
            self._violation("an answer to nothing that was asked", result.message_id)
            return
        wrong = rpc.check(self.words.version, asked.action, result.payload, "response")
        if wrong:
            self._violation(f"answer to {asked.action}: {wrong.code}: {wrong.description}", result.payload)
            _fail(asked, f"{asked.action}: the answer breaks the schema: {wrong.description}")
        elif not asked.answer.done():
            asked.answer.set_result(result.payload)

    def _error(self, error: rpc.Error) -> None:
        asked = self._asked.pop(error.message_id, None)
        if asked is None:
            self._violation(f"an error about nothing that was asked: {error.code}", error.message_id)
        else:
            _fail(asked, f"{asked.action}: {error.code} {error.description}".rstrip())

    def _violation(self, text: str, shown: Any) -> None:
        self._tell("violation", text, {"frame": shown})

    # -- to the station ------------------------------------------------------------------------------------------------

    async def call(self, action: str, payload: Payload, limit_s: float = ANSWER_LIMIT_S) -> Payload:
        """The station's answer. One call at a time (OCPP-J 1.6 §4.1.1, 2.0.1 part 4 §4.1.1). Raises CallFailed."""
        wrong = rpc.check(self.words.version, action, payload, "request")
        if wrong:
            raise CallFailed(f"not sent, it breaks the schema: {action}: {wrong.description}")
        async with self._turn:
            self._count += 1
            message_id = f"bench-{self._count}"
            asked = _Asked(action, asyncio.get_running_loop().create_future())
            self._asked[message_id] = asked
            self._tell("call", action, {"payload": payload})
            try:
                async with asyncio.timeout(limit_s):
                    await self._send(rpc.call(message_id, action, payload))
                    return await asked.answer
            except TimeoutError:
                raise CallFailed(f"{action}: no answer within {limit_s:g} s") from None
            finally:
                self._asked.pop(message_id, None)

    async def raw(self, text: str) -> None:
        """Send any text at all, to see what the station makes of it."""
        self._tell("call", text, {})
        await self._send(text)

    async def _send(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except ConnectionClosed:
            raise CallFailed("not sent: the station has disconnected") from None

    def lost(self) -> None:
        """The connection is gone, and with it every answer."""
        for asked in self._asked.values():
            _fail(asked, f"{asked.action}: the station disconnected before it answered")
        self._asked.clear()


def _fail(asked: _Asked, text: str) -> None:
    if not asked.answer.done():
        asked.answer.set_exception(CallFailed(text))
