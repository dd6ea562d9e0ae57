"""The exchange of messages: receiving, judging, booking and answering, in the thread of the listener."""

import ssl
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any
from uuid import uuid4

from tests.csms import frames
from tests.csms.answers import Answer, Desk, Given, Payload, Refusal, Silence
from tests.csms.books import Books
from tests.csms.frames import BadFrame, Frame
from tests.csms.listener import Line, Listener
from tests.csms.schemas import known, schema_problem
from tests.csms.transcript import Message, Transcript


class CallRefused(Exception):
    """The station answered a CALL with a CALLERROR."""

    def __init__(self, message: Message) -> None:
        super().__init__(f"{message.action}: {message['code']}: {message['description']}")
        self.message = message
        self.code: str = message["code"]


class ConnectionLost(Exception):
    """The connection went while the answer to a CALL was awaited."""


class Reply(dict[str, Any]):
    """The payload of an answer; `.message` is its line in the transcript."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.payload)
        self.message = message


class Pending:
    """A CALL under way."""

    def __init__(self, csms: "Exchange", id_: str, action: str) -> None:
        self.id = id_
        self.action = action
        self._csms = csms
        self._answered: Future[Message] = Future()

    def answer(self, timeout: float = 30.0) -> Reply:
        """The answer. CallRefused on a CALLERROR, ConnectionLost, AssertionError when the time is over."""
        try:
            message = self._answered.result(timeout)
        except TimeoutError:
            self._csms.gave_up(self.id)
            raise AssertionError(self._csms.told(f"no answer to {self.action} within {timeout} s")) from None
        if message.kind == "error":
            raise CallRefused(message)
        return Reply(message)

    def settle(self, message: Message) -> None:
        self._answered.set_result(message)

    def lose(self) -> None:
        self._answered.set_exception(ConnectionLost(self.action))


class Exchange:
    """Its state is written in the listener's thread only; the test's thread waits on the transcript."""

    def __init__(self, versions: Sequence[str], password: str | bytes | None, tls: ssl.SSLContext | None) -> None:
        self.transcript = Transcript(f"OCPP {'/'.join(versions)}")
        self.books = Books()
        self.desk = Desk()
        self.answers: dict[str, Answer] = {}
        self.password = password
        self.violations: list[str] = []
        self.mistakes: list[str] = []
        self.message_timeout_s = 0.9
        self.latency_s = 0.001
        self.lines: dict[str, Line] = {}
        self.faults: dict[str, tuple[Given, float]] = {}
        self.held: set[str] = set()
        self._waiting: list[tuple[Line, Message]] = []
        self._calls: dict[str, tuple[Pending, int]] = {}
        self._late: dict[str, str] = {}
        self._raw = Counter[str]()
        self._said: dict[tuple[str, str], tuple[str, Payload]] = {}
        self._unanswered: dict[int, dict[str, float]] = {}
        self.listener = Listener(self, [f"ocpp{version}" for version in versions], tls)

    # -- the listener tells --------------------------------------------------------------------------------------

    def admits(self, identity: str, user: str | None, password: bytes | None) -> bool:
        wanted = self.password.encode() if isinstance(self.password, str) else self.password
        return wanted is None or (user == identity and password == wanted)

    def refused(self, identity: str, why: str) -> None:
        self.transcript.add(Message("link", "refused", f"refused {identity}: {why}", identity=identity))

    def noted(self, text: str) -> None:
        self.transcript.add(Message("link", "note", text))

    def on_connected(self, line: Line) -> None:
        earlier = self.lines.get(line.identity)
        self.lines[line.identity] = line
        self._unanswered[line.number] = {}
        text = f"{line.identity} connected as {line.subprotocol}"
        self.transcript.add(self._message(line, "link", "connected", text))
        if earlier is not None:  # what a CSMS does with a half-dead connection when the station comes anew
            earlier.abort()

    def on_disconnected(self, line: Line, why: str) -> None:
        if self.lines.get(line.identity) is line:
            del self.lines[line.identity]
        self.transcript.add(self._message(line, "link", "disconnected", f"{line.identity} disconnected: {why}"))
        for id_ in [id_ for id_, (_, number) in self._calls.items() if number == line.number]:
            self._calls.pop(id_)[0].lose()

    def received(self, line: Line, data: str | bytes) -> None:
        try:
            frame = frames.parse(_text(data), line.version)
        except BadFrame as bad:
            shown = data if isinstance(data, str) else repr(data)
            self.transcript.add(self._message(line, "station", "bad", shown))
            self.violations.append(f"bad frame: {bad}: {shown[:300]}")
            return
        if frame.kind == "call":
            self._request(line, frame, str(data))
        else:
            self._settle(line, frame, str(data))

    # -- requests of the station ---------------------------------------------------------------------------------

    def _request(self, line: Line, frame: Frame, text: str) -> None:
        again = self._resent(line, frame)
        message = self._message(line, "station", "call", text, frame, frame.action, duplicate=again)
        self._one_at_a_time(line, frame)
        invalid = schema_problem(line.version, frame.action, False, frame.exact)
        if invalid:
            self.violations.append(f"{frame.action} breaks its schema: {invalid}")
        with self.transcript.lock:  # who waits for the message shall find it in the books
            message = self.transcript.add(message)
            if frame.action in self.held:
                self._waiting.append((line, message))
            else:
                self._answer(line, message, invalid)

    def _resent(self, line: Line, frame: Frame) -> bool:
        content = (frame.action, frame.payload)
        earlier = self._said.setdefault((line.identity, frame.id), content)
        if earlier is not content and earlier != content:
            self.violations.append(f"message id {frame.id} used again: first {earlier}, then {content}")
        return earlier is not content

    def _one_at_a_time(self, line: Line, frame: Frame) -> None:
        now = time.monotonic()
        unanswered = self._unanswered[line.number]
        for id_, since in unanswered.items():
            if now - since < self.message_timeout_s:
                self.violations.append(f"{frame.action} {frame.id} sent while {id_} was open for {now - since:.3f} s")
        unanswered.clear()
        unanswered[frame.id] = now

    def _answer(self, line: Line, message: Message, invalid: str | None = None) -> None:
        given = self._refuse_invalid(line, invalid) if invalid else self._decide(line, message)
        if isinstance(given, Silence):
            return
        if isinstance(given, Refusal):
            error = given._asdict() | {"description": given.description[:255], "details": dict(given.details)}
            kind, payload, text = "error", error, frames.dump(4, message.id, *error.values())
        else:
            self._check_own(line.version, message.action, True, given)
            kind, payload, text = "result", given, frames.dump(3, message.id, given)
        reply = replace(message, sender="csms", kind=kind, text=text, payload=payload, duplicate=False)
        self.listener.later(self.latency_s, self._send_answer(line, reply))

    def _refuse_invalid(self, line: Line, invalid: str) -> Refusal:
        return Refusal("FormationViolation" if line.version == "1.6" else "FormatViolation", invalid)

    def _decide(self, line: Line, message: Message) -> Given:
        fault = self._fault(message.action)
        if isinstance(fault, Refusal):
            return fault
        usual = self.desk.usual(line.version, message.action, message.payload)
        if usual is None:
            if message.action not in self.answers:
                self.violations.append(f"{message.action} is no request of a station")
                return Refusal("NotSupported" if known(line.version, message.action) else "NotImplemented")
            usual = {}
        given = self._given(message, usual)
        if isinstance(given, dict):
            given = dict(given)
            self.books.enter(message, given)
        return given if fault is None else fault

    def _given(self, message: Message, usual: Payload) -> Given:
        mine = self.answers.get(message.action, {})
        if callable(mine):
            try:
                return mine(message.payload)
            except Exception as error:  # noqa: BLE001 - the test's own function: told when the test ends
                self.mistakes.append(f"answers[{message.action!r}] raised {error!r}")
                return Refusal("InternalError")
        return usual | mine if isinstance(mine, dict) else mine

    def _fault(self, action: str) -> Given | None:
        given, left = self.faults.get(action, (None, 0))
        if given is None:
            return None
        if left <= 1:
            del self.faults[action]
        else:
            self.faults[action] = (given, left - 1)
        return given

    async def _send_answer(self, line: Line, reply: Message) -> None:
        self._unanswered[line.number].pop(reply.id, None)
        if self.lines.get(line.identity) is line:
            self.transcript.add(reply)
            await line.send(reply.text)

    async def release(self, action: str) -> None:
        """Answer what was held back, and hold no more."""
        self.held.discard(action)
        due = [(line, message) for line, message in self._waiting if message.action == action]
        self._waiting = [each for each in self._waiting if each not in due]
        for line, message in due:
            self._answer(line, message)

    # -- requests of the CSMS ------------------------------------------------------------------------------------

    async def send_call(self, line: Line, action: str, payload: Payload, valid: bool) -> Pending:
        if valid:
            self._check_own(line.version, action, False, payload, at_once=True)
        pending = Pending(self, str(uuid4()), action)
        if any(number == line.number for _, number in self._calls.values()):
            self.mistakes.append(f"{action} sent while the CSMS had another CALL open")
        text = frames.dump(2, pending.id, action, payload)
        self._calls[pending.id] = (pending, line.number)
        sent = Message("csms", "call", text, pending.id, action, payload, line.version, line.identity, line.number)
        self.transcript.add(sent)
        if not await line.send(text) and pending.id in self._calls:
            del self._calls[pending.id]
            pending.lose()
        return pending

    async def send_raw_text(self, line: Line, text: str) -> None:
        self._raw[line.identity] += 1
        self.transcript.add(self._message(line, "csms", "raw", text))
        await line.send(text)

    def gave_up(self, id_: str) -> None:
        found = self._calls.pop(id_, None)
        if found:
            self._late[id_] = found[0].action

    def told(self, what: str) -> str:
        """A failure text with the end of the transcript."""
        return f"{what}\n{self.transcript.render(last=15, width=220)}"

    def _settle(self, line: Line, frame: Frame, text: str) -> None:
        pending, _ = self._calls.pop(frame.id, (None, 0))
        action = pending.action if pending else self._late.get(frame.id, "")
        message = self._message(line, "station", frame.kind, text, frame, action)
        if not action:
            self._unasked(line, frame, text)
        elif frame.kind == "result":
            invalid = schema_problem(line.version, action, True, frame.exact)
            if invalid:
                self.violations.append(f"answer to {action} breaks its schema: {invalid}")
        message = self.transcript.add(message)
        if pending:
            pending.settle(message)

    def _unasked(self, line: Line, frame: Frame, text: str) -> None:
        """Raw text of a test is answered with an id of its own choosing, or "-1" where none could be read."""
        if self._raw[line.identity] > 0:
            self._raw[line.identity] -= 1
        else:
            self.violations.append(f"answer to nothing that was asked: {text[:300]}")

    def _check_own(self, version: str, action: str, answer: bool, payload: Payload, at_once: bool = False) -> None:
        invalid = schema_problem(version, action, answer, frames.exact(payload))
        if not invalid:
            return
        complaint = f"the test's own {action} {'answer' if answer else 'request'} breaks its schema: {invalid}"
        if at_once:
            raise ValueError(complaint)
        self.mistakes.append(complaint)

    def _message(
        self, line: Line, sender: Any, kind: str, text: str, frame: Frame | None = None, action: str = "", **more: Any
    ) -> Message:
        id_, payload = (frame.id, frame.payload) if frame else ("", {})
        return Message(sender, kind, text, id_, action, payload, line.version, line.identity, line.number, **more)


def _text(data: str | bytes) -> str:
    if isinstance(data, bytes):
        raise BadFrame("a binary frame")
    return data
