"""What the tester does and expects in a case, in the words of the test cases (their "reusable states").

A state is a method: it brings the station there and checks what the station reports on the way. Waiting is always for
a message; `csms.quiet` where a case says that nothing may come.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conformance.bench import GROUP, OTHER_TOKEN, STARTUP, TOKEN, Bench
from tests.csms import Csms, Message, Reply
from tests.daemon.process import Station
from tests.daemon.visit import until

__all__ = ["GROUP", "OTHER_TOKEN", "STARTUP", "TOKEN", "Tester", "named", "text"]


class Tester(Bench):
    """In the words of 2.0.1."""

    __test__ = False

    def __init__(self, csms: Csms, station: Station) -> None:
        super().__init__(csms, station)
        self.remote_start_id = 0

    # -- boot ----------------------------------------------------------------------------------------------------

    def booted(self, reason: str | None = None, *, timeout: float = 20.0, **statuses: str) -> Message:
        """S> BootNotification, S> the state of every connector, S> the security event. `statuses`: "evse2"="Occupied",
        where it is not Available."""
        boot = self.csms.wait("BootNotification", timeout=timeout)
        if reason:
            assert boot["reason"] == reason, self.csms.told(f"boot reason {boot['reason']}, expected {reason}")
        self.statuses(**statuses)
        self.csms.wait("SecurityEventNotification", lambda m: m["type"] in STARTUP)
        return boot

    def statuses(self, **statuses: str) -> None:
        """S> the state of every connector: Available unless said otherwise."""
        for evse, connectors in self.evses.items():
            for connector in connectors:
                self.csms.wait_status(statuses.get(f"evse{evse}", "Available"), evse, connector)

    def reset(self, kind: str = "Immediate", evse: int | None = None, expect: str = "Accepted") -> None:
        """T> Reset"""
        payload: dict[str, Any] = {"type": kind} | ({} if evse is None else {"evseId": evse})
        status = self.csms.call("Reset", payload)["status"]
        assert status == expect, self.csms.told(f"Reset {kind}: {status}, expected {expect}")

    def trigger(
        self, kind: str, evse: int | None = None, connector: int | None = None, expect: str = "Accepted"
    ) -> Reply:
        """T> TriggerMessage."""
        place = {"id": evse} | ({} if connector is None else {"connectorId": connector})
        reply = self.csms.call("TriggerMessage", {"requestedMessage": kind} | ({} if evse is None else {"evse": place}))
        assert reply["status"] == expect, self.csms.told(f"TriggerMessage {kind}: {reply['status']}")
        return reply

    def availability(
        self, word: str, evse: int | None = None, connector: int | None = None, expect: str = "Accepted"
    ) -> None:
        """T> ChangeAvailability of the station, an EVSE or a connector: "Operative" or "Inoperative"."""
        place = {"id": evse} | ({} if connector is None else {"connectorId": connector})
        payload = {"operationalStatus": word} | ({} if evse is None else {"evse": place})
        status = self.csms.call("ChangeAvailability", payload)["status"]
        assert status == expect, self.csms.told(f"ChangeAvailability {word}: {status}, expected {expect}")

    def fence(self) -> None:
        """What the station had to say at once, it has said: a heartbeat that was asked for has come. Transaction events
        may still be queued, see `delivered`."""
        self.trigger("Heartbeat")
        self.csms.wait("Heartbeat")

    # -- variables -----------------------------------------------------------------------------------------------

    def set(self, name: str, value: Any, *, expect: str | Sequence[str] = "Accepted") -> Reply:
        """T> SetVariables of one variable, "Component.Variable[instance]"; the status expected, or several."""
        reply = self.csms.call("SetVariables", {"setVariableData": [named(name) | {"attributeValue": text(value)}]})
        status = reply["setVariableResult"][0]["attributeStatus"]
        allowed = (expect,) if isinstance(expect, str) else tuple(expect)
        assert status in allowed, self.csms.told(f"{name} = {value}: {status}, expected {' or '.join(allowed)}")
        return reply

    def get(self, name: str) -> str:
        """T> GetVariables of one variable: its actual value."""
        reply = self.csms.call("GetVariables", {"getVariableData": [named(name)]})
        result = reply["getVariableResult"][0]
        assert result["attributeStatus"] == "Accepted", self.csms.told(f"{name}: {result['attributeStatus']}")
        return str(result["attributeValue"])

    # -- a visit -------------------------------------------------------------------------------------------------

    def event(
        self,
        kind: str | None = None,
        trigger: str | Sequence[str] = (),
        state: str | None = None,
        *,
        timeout: float = 10.0,
        **info: Any,
    ) -> Message:
        """S> TransactionEvent, the next not taken that has this eventType, triggerReason (or one of several) and
        chargingState. `info`: more of its transactionInfo."""
        triggers = (trigger,) if isinstance(trigger, str) else tuple(trigger)
        wanted = info if state is None else info | {"chargingState": state}

        def fits(m: Message) -> bool:
            told = m["transactionInfo"]
            named = (kind is None or m["eventType"] == kind) and (not triggers or m["triggerReason"] in triggers)
            return named and all(told.get(key) == value for key, value in wanted.items())

        return self.csms.wait("TransactionEvent", fits, timeout=timeout)

    def events(self, transaction: str) -> list[Message]:
        """All TransactionEvents of a transaction so far, by seqNo."""
        return [report.message for report in self.csms.books.transactions[transaction].in_order]

    def story(self, transaction: str) -> list[str]:
        """ "Started Authorized EVConnected" of each TransactionEvent so far; the Ended with its stoppedReason."""
        rows = []
        for m in self.events(transaction):
            info = m["transactionInfo"]
            words = [m["eventType"], m["triggerReason"], info.get("chargingState"), info.get("stoppedReason")]
            rows.append(" ".join(filter(None, words)))
        return rows

    def ev_connected(self, evse: int = 1, connector: int = 1) -> None:
        """EVConnectedPreSession: the EV is plugged in, S> Occupied."""
        self.station.ctl("sim.plug_in", evse=evse, connector=connector)
        self.csms.wait_status("Occupied", evse, connector)

    def authorized(self, token: str = TOKEN, kind: str = "ISO14443") -> Message:
        """Authorized (local): the token is presented, S> Authorize, T> Accepted; the station has heard it."""
        self.present(token, kind)
        message = self.csms.wait("Authorize", {"idToken": {"idToken": token, "type": kind}})
        until(lambda: self.let_in(token), "authorized driver")
        return message

    def known(self, token: str = TOKEN, kind: str = "ISO14443", evse: int = 1) -> Message:
        """Authorized (local) by what the station remembers: the token is presented at a plugged-in EVSE, no Authorize,
        S> triggerReason Authorized with it."""
        asked = len(self.csms.calls("Authorize"))
        self.present(token, kind)
        message = self.event(trigger="Authorized")
        assert message["idToken"] == {"idToken": token, "type": kind}, self.csms.told("another token")
        assert len(self.csms.calls("Authorize")) == asked, self.csms.told("Authorize was not expected")
        return message

    def refused(self, token: str = TOKEN, status: str = "Invalid", kind: str = "ISO14443", **info: Any) -> None:
        """The token is presented, S> Authorize, T> not accepted: no TransactionEvent carries it, it is not let in."""
        self.csms.tokens[token] = {"status": status, **info}
        events = self._with_token(token)
        self.present(token, kind)
        self.csms.wait("Authorize", {"idToken": {"idToken": token, "type": kind}})
        self.not_let_in(token, events)

    def not_let_in(self, token: str = TOKEN, events: int = 0) -> None:
        """No more than so many TransactionEvents carry the token, and nobody charges by it."""
        self.fence()
        self.delivered()
        assert self._with_token(token) == events, self.csms.told("a TransactionEvent carries the token")
        assert not self.let_in(token), self.csms.told("the token was let in")

    def _with_token(self, token: str) -> int:
        return len(self.csms.calls("TransactionEvent", {"idToken": {"idToken": token}}))

    def reserve(
        self,
        evse: int | None = 1,
        token: str = TOKEN,
        reservation: int = 1,
        *,
        seconds: float = 3600,
        group: str | None = None,
        expect: str = "Accepted",
        **more: Any,
    ) -> None:
        """T> ReserveNow, of any EVSE where it is None."""
        expiry = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
        payload = {"id": reservation, "expiryDateTime": expiry, "idToken": {"idToken": token, "type": "ISO14443"}}
        payload |= {} if evse is None else {"evseId": evse}
        payload |= {} if group is None else {"groupIdToken": {"idToken": group, "type": "Central"}}
        status = self.csms.call("ReserveNow", payload | more)["status"]
        assert status == expect, self.csms.told(f"ReserveNow: {status}, expected {expect}")

    def reserved(self, evse: int = 1, token: str = TOKEN, reservation: int = 1, **more: Any) -> None:
        """Reserved: T> ReserveNow, S> Accepted, S> Reserved for the connectors of the EVSE."""
        self.reserve(evse, token, reservation, **more)
        for connector in self.evses[evse]:
            self.csms.wait_status("Reserved", evse, connector)

    def remote_start(self, evse: int | None = 1, token: str = TOKEN, kind: str = "ISO14443", **more: Any) -> Reply:
        """T> RequestStartTransaction, S> Accepted."""
        self.remote_start_id += 1
        payload = {"idToken": {"idToken": token, "type": kind}, "remoteStartId": self.remote_start_id, **more}
        reply = self.csms.call("RequestStartTransaction", payload | ({} if evse is None else {"evseId": evse}))
        assert reply["status"] == "Accepted", self.csms.told(f"remote start: {reply['status']}")
        return reply

    def remote_stop(self, transaction: str) -> None:
        """T> RequestStopTransaction, S> Accepted."""
        reply = self.csms.call("RequestStopTransaction", {"transactionId": transaction})
        assert reply["status"] == "Accepted", self.csms.told(f"remote stop: {reply['status']}")

    def charging(self, evse: int = 1, token: str = TOKEN) -> str:
        """EnergyTransferStarted, cable first: S> chargingState Charging. The transactionId."""
        self.ev_connected(evse)
        self.authorized(token)
        return self.energy_flows(evse)

    def energy_flows(self, evse: int = 1) -> str:
        """S> TransactionEvent chargingState Charging at this EVSE. The transactionId."""
        transactions = {
            m["transactionInfo"]["transactionId"]
            for m in self.csms.calls("TransactionEvent")
            if m.get("evse", {}).get("id") == evse
        }

        def charges(m: Message) -> bool:
            info = m["transactionInfo"]
            here = m["evse"]["id"] == evse if "evse" in m.payload else info["transactionId"] in transactions
            return here and info.get("chargingState") == "Charging"

        message = self.csms.wait("TransactionEvent", charges)
        return str(message["transactionInfo"]["transactionId"])

    def stop_authorized(self, token: str = TOKEN) -> Message:
        """StopAuthorized (local): the same token is presented, S> triggerReason StopAuthorized."""
        self.present(token)
        return self.csms.wait("TransactionEvent", triggerReason="StopAuthorized")

    def ev_disconnected(self, evse: int = 1, connector: int = 1) -> None:
        """EVDisconnected: unplugged, S> Available."""
        self.unplug(evse)
        self.csms.wait_status("Available", evse, connector)

    def visit(self, evse: int = 1, token: str = TOKEN) -> str:
        """A whole session, to its end. The transactionId."""
        transaction = self.charging(evse, token)
        self.stop_authorized(token)
        self.ev_disconnected(evse)
        self.ended(transaction)
        return transaction

    def ended(self, transaction: str) -> Message:
        """S> the Ended event of this transaction, if it has not been taken as something else already."""
        wanted = {"eventType": "Ended", "transactionInfo": {"transactionId": transaction}}
        known = self.csms.calls("TransactionEvent", wanted)
        return known[0] if known else self.csms.wait("TransactionEvent", wanted)

    # -- the link ------------------------------------------------------------------------------------------------

    def transaction_status(self, transaction: str | None = None) -> Reply:
        """T> GetTransactionStatus"""
        return self.csms.call("GetTransactionStatus", {} if transaction is None else {"transactionId": transaction})

    # -- reports -------------------------------------------------------------------------------------------------

    def report(self, request_id: int, action: str = "NotifyReport", timeout: float = 10.0) -> list[dict[str, Any]]:
        """S> the whole series of NotifyReport: the rows of all messages. seqNo from 0, tbc on all but the last."""
        rows: list[dict[str, Any]] = []
        for number in range(10_000):
            part = self.csms.wait(action, {"requestId": request_id, "seqNo": number}, timeout=timeout)
            assert part.get("generatedAt"), self.csms.told("generatedAt is missing")
            rows += part.get("reportData", [])
            if not part.get("tbc", False):
                return rows
        raise AssertionError("the report does not end")


def named(name: str) -> dict[str, Any]:
    """ "Component#evse.connector.Variable[instance]" as component and variable of a request."""
    found = re.fullmatch(r"([^#.]+)(?:#(\d+)(?:\.(\d+))?)?\.([^\[]+)(?:\[(.*)\])?", name)
    assert found, name
    component, evse, connector, variable, instance = found.groups()
    place = {"id": int(evse)} if evse else {}
    place |= {"connectorId": int(connector)} if connector else {}
    where = {"name": component} | ({"evse": place} if place else {})
    return {"component": where, "variable": {"name": variable} | ({"instance": instance} if instance else {})}


def text(value: Any) -> str:
    """A value as SetVariables has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(map(str, value))
    return str(value)
