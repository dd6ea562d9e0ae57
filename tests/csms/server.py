"""The test CSMS as tests see it. The package docstring shows how it is used."""

import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from tests import evidence
from tests.csms.answers import SILENCE, Payload, Refusal
from tests.csms.exchange import Exchange, Pending, Reply
from tests.csms.listener import Line
from tests.csms.transcript import Match, Message, matches

_EVENTS_16 = {"Started": "StartTransaction", "Updated": "MeterValues", "Ended": "StopTransaction"}
_OCCUPIED_16 = {"Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"}
TIMEOUT_S = 30.0


class Csms(Exchange):
    """A CSMS for one test, or for several stations of it.

    versions: what is offered, "2.0.1" or "ocpp2.0.1"; the station's preference among them wins. password: asked for by
    basic authentication, may be changed at any time; None asks for nothing. tls: a server context; its certificate
    must be for `host`. audit: whether the books are checked when the context ends.
    """

    def __init__(
        self,
        versions: Sequence[str] = ("2.0.1",),
        *,
        password: str | bytes | None = None,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        audit: bool = True,
    ) -> None:
        super().__init__([version.removeprefix("ocpp") for version in versions], password, tls)
        self.versions = tuple(version.removeprefix("ocpp") for version in versions)
        self.audit = audit
        self.url = f"{'wss' if tls else 'ws'}://{host}:{self.listener.port}/ocpp"
        self.tokens = self.desk.tokens
        evidence.offer(self.transcript.title, self.transcript.render)

    def __enter__(self) -> Self:
        self.online()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.end()
        if kind is None:
            self.verify()

    def verify(self) -> None:
        """Fail with all that was wrong: violations by the station, mistakes of the test, books that do not add up."""
        wrong = [f"violation: {each}" for each in self.violations] + [f"mistake: {each}" for each in self.mistakes]
        wrong += [f"books: {each}" for each in self.books.check()] if self.audit else []
        if wrong:
            raise AssertionError(self.told("\n".join(wrong)))

    def take_violations(self) -> list[str]:
        """The violations so far, which were expected and will not fail the test."""
        taken, self.violations = self.violations, []
        return taken

    # -- the link ------------------------------------------------------------------------------------------------

    def offline(self) -> None:
        """Refuse connections and break those there are; when this returns none is left."""
        self.listener.shut()

    def online(self) -> None:
        """Listen again, on the same port."""
        self.listener.open()

    def speak(self, *versions: str) -> None:
        """Offer these versions, from the next connection on."""
        self.versions = tuple(version.removeprefix("ocpp") for version in versions)
        self.listener.subprotocols = tuple(f"ocpp{version}" for version in self.versions)

    def drop(self, identity: str | None = None) -> None:
        """Break the connection without a closing handshake, as a lost network does; stay online."""
        line = self.line(identity)
        self.listener.run(_do(line.abort))
        self._expect(lambda: self.lines.get(line.identity) is not line, "the connection is still there")

    def close(self, code: int = 1000, reason: str = "", identity: str | None = None) -> None:
        """Close the connection properly."""
        line = self.line(identity)
        self.listener.run(line.close(code, reason))
        self._expect(lambda: self.lines.get(line.identity) is not line, "the connection is still there")

    def freeze(self, identity: str | None = None) -> None:
        """Go deaf on the present connection: it stays open, but neither messages nor pings are answered."""
        self.listener.run(_do(self.line(identity).freeze))

    @property
    def now(self) -> float:
        """By the clock of `Message.at`: what a test does after this moment has no effect before it."""
        return self.transcript.now

    @property
    def connected(self) -> bool:
        return bool(self.lines)

    def line(self, identity: str | None = None, timeout: float = TIMEOUT_S) -> Line:
        """The connection of a station (with None: the only one), when it is there: path, headers, peer_certificate."""

        def look() -> Line | None:
            if identity is not None:
                return self.lines.get(identity)
            assert len(self.lines) < 2, f"whose connection? {sorted(self.lines)}"
            return next(iter(self.lines.values()), None)

        found: Line = self._expect(look, f"{identity or 'any station'}: no connection within {timeout} s", timeout)
        return found

    # -- waiting for the station ---------------------------------------------------------------------------------

    def wait(self, action: str, match: Match = None, timeout: float = TIMEOUT_S, **fields: Any) -> Message:
        """The first request of this action not taken before that matches, come already or coming within `timeout` s.

        match: a part of the payload, or a function of the Message. fields: more of the payload.
        """
        wanted = _wanted("station", ("call",), action, match, fields)
        shown = {**(match if isinstance(match, Mapping) else {}), **fields} or match or ""
        return self._take(wanted, f"{action} {shown}".strip(), timeout)

    def wait_event(self, kind: str, match: Match = None, timeout: float = TIMEOUT_S, **fields: Any) -> Message:
        """Like `wait`, for a report of a transaction: "Started", "Updated" or "Ended" in every version."""

        def wanted(message: Message) -> bool:
            if message.sender != "station" or message.kind != "call":
                return False
            told = message.action == _EVENTS_16[kind] and (kind != "Updated" or "transactionId" in message.payload)
            told = message.get("eventType") == kind if message.version != "1.6" else told
            return told and matches(message, match) and matches(message, fields)

        return self._take(wanted, f"transaction {kind} {match or fields or ''}".strip(), timeout)

    def wait_status(self, status: str, evse: int = 1, connector: int = 1, timeout: float = TIMEOUT_S) -> Message:
        """A report that a connector has this status, by StatusNotification or NotifyEvent.

        In 1.6 the EVSE is the connectorId, and "Occupied" means any of its words for it.
        """

        def wanted(message: Message) -> bool:
            if message.sender != "station" or message.kind != "call":
                return False
            if message.version == "1.6":
                words = _OCCUPIED_16 if status == "Occupied" else {status}
                told = message.action == "StatusNotification" and message["connectorId"] == evse
                return told and message["status"] in words
            return (evse, connector, status) in set(_statuses_2(message))

        return self._take(wanted, f"status {status} of connector {connector} of EVSE {evse}", timeout)

    def wait_answer(self, id_: str | None = None, timeout: float = TIMEOUT_S) -> Message:
        """An answer (kind "result" or "error") of the station not taken before; meant for `send_raw`."""

        def wanted(message: Message) -> bool:
            return message.sender == "station" and message.kind in ("result", "error") and id_ in (None, message.id)

        return self._take(wanted, f"answer to {id_ or 'anything'}", timeout)

    def wait_connected(self, timeout: float = TIMEOUT_S) -> Message:
        """The next connection not taken before; `csms.line()` tells its headers."""
        return self._take(_wanted("link", ("connected",)), "connection", timeout)

    def wait_disconnected(self, timeout: float = TIMEOUT_S) -> Message:
        return self._take(_wanted("link", ("disconnected",)), "disconnection", timeout)

    def wait_refused(self, timeout: float = TIMEOUT_S) -> Message:
        """A connection that was not let in: wrong password, no common subprotocol."""
        return self._take(_wanted("link", ("refused",)), "refused connection", timeout)

    def quiet(self, action: str, seconds: float, match: Match = None) -> None:
        """Fail if such a request, not taken before, is there or comes within `seconds`.

        Costs that time. Better, where there is one: wait for something that comes after, then look at `calls`.
        """
        found = self.transcript.take(_wanted("station", ("call",), action, match), seconds)
        assert found is None, self.told(f"{action} was not expected: {found.text if found else ''}")

    def calls(self, action: str, match: Match = None) -> list[Message]:
        """All such requests so far, taken or not."""
        return [m for m in self.transcript.messages if _wanted("station", ("call",), action, match)(m)]

    def forget(self) -> None:
        """What came so far is not waited for any more."""
        self.transcript.consume_all()

    # -- talking to the station ----------------------------------------------------------------------------------

    def call(
        self,
        action: str,
        payload: Payload | None = None,
        *,
        timeout: float = TIMEOUT_S,
        valid: bool = True,
        identity: str | None = None,
    ) -> Reply:
        """The station's answer. Raises CallRefused, ConnectionLost, and AssertionError when none comes in time.

        valid=False lets a payload pass that breaks the schema (otherwise ValueError).
        """
        began = time.monotonic()
        pending = self.start_call(action, payload, timeout=timeout, valid=valid, identity=identity)
        return pending.answer(timeout - (time.monotonic() - began))

    def start_call(
        self,
        action: str,
        payload: Payload | None = None,
        *,
        timeout: float = TIMEOUT_S,
        valid: bool = True,
        identity: str | None = None,
    ) -> Pending:
        """Send a request and do not wait: `.answer()` later."""
        line = self.line(identity, timeout)
        return self.listener.run(self.send_call(line, action, payload or {}, valid))

    def send_raw(self, text: str, identity: str | None = None) -> None:
        """Send any text at all. One answer to it, a CALLERROR say, is no violation."""
        self.listener.run(self.send_raw_text(self.line(identity), text))

    # -- behaving badly ------------------------------------------------------------------------------------------

    def silent(self, action: str, times: float = float("inf")) -> None:
        """Take requests of this action, and book them, but let the answer be lost."""
        self.faults[action] = (SILENCE, times)

    def refuse(self, action: str, code: str = "InternalError", times: float = float("inf")) -> None:
        """Answer with a CALLERROR; nothing is booked."""
        self.faults[action] = (Refusal(code, "by the test"), times)

    def behave(self, action: str) -> None:
        """The end of `silent` and `refuse`."""
        self.faults.pop(action, None)

    @contextmanager
    def holding(self, action: str) -> Iterator[None]:
        """Hold answers to this action back, and give them at the end of the block."""
        self.held.add(action)
        try:
            yield
        finally:
            self.listener.run(self.release(action))

    # -- inside --------------------------------------------------------------------------------------------------

    def _take(self, wanted: Any, what: str, timeout: float) -> Message:
        found = self.transcript.take(wanted, timeout)
        if found is None:
            waiting = [m.action for m in self.transcript.unconsumed() if m.kind == "call" and m.sender == "station"]
            raise AssertionError(
                self.told(f"no {what} within {timeout} s; not taken: {', '.join(waiting) or 'nothing'}")
            )
        return found

    def _expect(self, condition: Any, otherwise: str, timeout: float = TIMEOUT_S) -> Any:
        found = self.transcript.until(condition, timeout)
        if not found:
            raise AssertionError(self.told(otherwise))
        return found


def _wanted(
    sender: str, kinds: Sequence[str], action: str = "", match: Match = None, fields: Mapping[str, Any] | None = None
) -> Any:
    def wanted(message: Message) -> bool:
        fits = message.sender == sender and message.kind in kinds and (not action or message.action == action)
        return fits and matches(message, match) and matches(message, fields)

    return wanted


def _statuses_2(message: Message) -> Iterator[tuple[int, int, str]]:
    if message.action == "StatusNotification":
        yield message["evseId"], message["connectorId"], message["connectorStatus"]
    for event in message.get("eventData", []) if message.action == "NotifyEvent" else []:
        evse = event["component"].get("evse", {})
        if event["component"]["name"] == "Connector" and event["variable"]["name"] == "AvailabilityState":
            yield evse.get("id", 0), evse.get("connectorId", 0), event["actualValue"]


async def _do(work: Any) -> None:
    work()
