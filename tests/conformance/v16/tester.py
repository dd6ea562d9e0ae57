"""What the tester does and expects in a case of 1.6, in the words of the test cases.

A state is a method: it brings the station there and checks what the station reports on the way. A connector is a
number from 1, counted through all EVSEs; 0 is the charge point.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conformance.bench import GROUP, OTHER_TOKEN, TOKEN, Bench
from tests.csms import Csms, Message, Reply
from tests.daemon.process import Station
from tests.daemon.visit import until

__all__ = ["GROUP", "OTHER_TOKEN", "TOKEN", "Tester"]


class Tester(Bench):
    """`connectors`: EVSE and connector of the numbers 1 to n."""

    __test__ = False

    def __init__(self, csms: Csms, station: Station) -> None:
        super().__init__(csms, station)
        places = [(evse, connector) for evse, connectors in self.evses.items() for connector in connectors]
        self.connectors = dict(enumerate(places, 1))

    # -- boot, statuses ------------------------------------------------------------------------------------------

    def booted(self, statuses: Mapping[int, str | Sequence[str]] | None = None, *, timeout: float = 20.0) -> Message:
        """S> BootNotification, S> the status of the charge point and of every connector."""
        boot = self.csms.wait("BootNotification", timeout=timeout)
        self.statuses(statuses)
        return boot

    def statuses(self, statuses: Mapping[int, str | Sequence[str]] | None = None) -> None:
        """S> the status of the charge point and of every connector: Available unless said otherwise."""
        for connector in (0, *self.connectors):
            self.status(connector, (statuses or {}).get(connector, "Available"))

    def status(self, connector: int, words: str | Sequence[str], *, timeout: float = 10.0, **fields: Any) -> Message:
        """S> StatusNotification with this status, or one of several; `fields`: more of it, errorCode NoError unless
        said otherwise."""
        allowed = (words,) if isinstance(words, str) else tuple(words)
        wanted = {"connectorId": connector} | ({} if "Faulted" in allowed else {"errorCode": "NoError"}) | fields

        def fits(m: Message) -> bool:
            return m["status"] in allowed and all(m.get(key) == value for key, value in wanted.items())

        return self.csms.wait("StatusNotification", fits, timeout=timeout)

    def last_status(self, connector: int) -> str | None:
        """What the station told last of a connector, taken or not."""
        told = self.csms.calls("StatusNotification", {"connectorId": connector})
        return told[-1]["status"] if told else None

    def reset(self, kind: str = "Hard", expect: str = "Accepted") -> None:
        """T> Reset"""
        self._asked("Reset", {"type": kind}, expect)

    def trigger(self, message: str, connector: int | None = None, expect: str | Sequence[str] = "Accepted") -> Reply:
        """T> TriggerMessage"""
        place = {} if connector is None else {"connectorId": connector}
        return self._asked("TriggerMessage", {"requestedMessage": message} | place, expect)

    def availability(self, word: str, connector: int = 0, expect: str = "Accepted") -> Reply:
        """T> ChangeAvailability: "Operative" or "Inoperative"."""
        return self._asked("ChangeAvailability", {"connectorId": connector, "type": word}, expect)

    def fence(self) -> None:
        """What the station had to say at once, it has said: a heartbeat that was asked for has come. What belongs to
        transactions may still be queued, see `delivered`."""
        self.trigger("Heartbeat")
        self.csms.wait("Heartbeat")

    def _asked(self, action: str, payload: dict[str, Any], expect: str | Sequence[str]) -> Reply:
        reply = self.csms.call(action, payload)
        allowed = (expect,) if isinstance(expect, str) else tuple(expect)
        assert reply["status"] in allowed, self.csms.told(f"{action}: {reply['status']}, not {' or '.join(allowed)}")
        return reply

    # -- configuration keys --------------------------------------------------------------------------------------

    def configure(self, key: str, value: Any, expect: str | Sequence[str] = "Accepted") -> Reply:
        """T> ChangeConfiguration"""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return self._asked("ChangeConfiguration", {"key": key, "value": text}, expect)

    def configuration(self, *keys: str) -> dict[str, str]:
        """T> GetConfiguration: the values by key. No key, all of them."""
        reply = self.csms.call("GetConfiguration", {"key": list(keys)} if keys else {})
        assert not reply.get("unknownKey"), self.csms.told(f"unknown: {reply.get('unknownKey')}")
        return {each["key"]: each.get("value", "") for each in reply["configurationKey"]}

    # -- states --------------------------------------------------------------------------------------------------

    def plug_in(self, connector: int = 1) -> None:
        """The EV is plugged in; no expectation."""
        evse, there = self.connectors[connector]
        self.station.ctl("sim.plug_in", evse=evse, connector=there)

    def occupied(self, connector: int = 1) -> None:
        """SetConnectorOccupied: plugged in, S> Preparing."""
        self.plug_in(connector)
        self.status(connector, "Preparing")

    def authorized(self, token: str = TOKEN, connector: int | None = None) -> Message:
        """Authorized: the card is shown, S> Authorize, T> Accepted. connector: S> Preparing there, or it is so."""
        self.present(token)
        message = self.csms.wait("Authorize", {"idTag": token})
        until(lambda: self.let_in(token), "authorized driver")
        if connector is not None and self.last_status(connector) != "Preparing":
            self.status(connector, "Preparing")
        return message

    def remote_start(
        self, connector: int | None = 1, token: str = TOKEN, expect: str = "Accepted", **more: Any
    ) -> Reply:
        """T> RemoteStartTransaction"""
        place = {} if connector is None else {"connectorId": connector}
        return self._asked("RemoteStartTransaction", {"idTag": token, **place, **more}, expect)

    def remote_stop(self, transaction: int, expect: str = "Accepted") -> Reply:
        """T> RemoteStopTransaction"""
        return self._asked("RemoteStopTransaction", {"transactionId": transaction}, expect)

    def charging(self, connector: int = 1, token: str = TOKEN) -> int:
        """Charging: plugged in, S> Preparing, started remotely; energy flows. The transactionId."""
        self.occupied(connector)
        self.remote_start(connector, token)
        return self.started(connector, token)

    def started(self, connector: int = 1, token: str = TOKEN, **fields: Any) -> int:
        """S> StartTransaction, T> Accepted; S> Charging (in either order). The transactionId."""
        start = self.csms.wait("StartTransaction", {"connectorId": connector, "idTag": token, **fields})
        self.status(connector, "Charging")
        evse, _ = self.connectors[connector]
        until(lambda: self.power_w(evse) > 0, "energy")
        number = int(self.csms.books.of(start).id)
        until(lambda: self.numbered(evse, number), "number of the transaction")
        return number

    def numbered(self, evse: int, number: int) -> bool:
        """Whether the station has heard the number of the transaction there."""
        session = self.station.ctl("status")["evses"][evse - 1].get("session", {})
        return bool(session.get("reference") == number)

    def stopped(self, transaction: int, connector: int = 1, *, status: str = "Finishing", **fields: Any) -> Message:
        """S> StopTransaction, S> Finishing (in either order)."""
        stop = self.csms.wait("StopTransaction", {"transactionId": transaction, **fields})
        self.status(connector, status)
        return stop

    def unplugged(self, connector: int = 1) -> None:
        """The plug is pulled as soon as it is let go, S> Available."""
        self.unplug(self.connectors[connector][0])
        self.status(connector, "Available")

    def visit(self, connector: int = 1, token: str = TOKEN) -> int:
        """Charging, ended by the same card, unplugged. With the cache on the tag is cached (IdTagCached). The
        transactionId."""
        transaction = self.charging(connector, token)
        self.present(token)
        self.stopped(transaction, connector)
        self.unplugged(connector)
        self.delivered()
        return transaction

    def unavailable(self, connector: int = 0) -> None:
        """SetConnectorUnavailable, with connector 0 SetChargePointUnavailable."""
        self.availability("Inoperative", connector)
        for each in (connector,) if connector else (0, *self.connectors):
            self.status(each, "Unavailable")

    def faulted(self, connector: int = 1, error: str = "ground_fault", **fields: Any) -> None:
        """SetConnectorFaulted: a fault of its outlet, S> Faulted."""
        self.station.ctl("sim.raise_error", evse=self.connectors[connector][0], error=error)
        self.status(connector, "Faulted", **fields)

    def all_faulted(self) -> None:
        """SetChargePointFaulted, of a station `with_stop`: S> Faulted of the charge point and every connector."""
        self.station.ctl("sim.raise_error", error="emergency_stop")
        for connector in (0, *self.connectors):
            self.status(connector, "Faulted")

    def repaired(self) -> None:
        """No fault is there any more; no expectation."""
        self.station.ctl("sim.clear_error")

    def reserved(self, connector: int = 1, token: str = TOKEN, reservation: int = 1, **more: Any) -> None:
        """Reserved, for a day unless said otherwise."""
        payload = {"connectorId": connector, "idTag": token, "reservationId": reservation, "expiryDate": in_days(1)}
        self._asked("ReserveNow", payload | more, "Accepted")
        self.status(connector, "Reserved")

    def listed(self, *tokens: str) -> None:
        """IdTagLocalAuthList: version 1 of the list has these tokens, all Accepted."""
        entries = [{"idTag": token, "idTagInfo": {"status": "Accepted"}} for token in tokens]
        payload = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries}
        self._asked("SendLocalList", payload, "Accepted")

    def profile_set(self, connector: int, profile: Mapping[str, Any], expect: str = "Accepted") -> Reply:
        """SetChargingProfile"""
        return self._asked(
            "SetChargingProfile", {"connectorId": connector, "csChargingProfiles": dict(profile)}, expect
        )


def in_days(days: float) -> str:
    """That time from now, as a request has it."""
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds").replace("+00:00", "Z")
