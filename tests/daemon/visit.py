"""A visit in the words of both dialects, at a station that loses no time.

What a CSMS asks is a method of `Desk`, named as in 2.0.1; a test says it once and runs in each dialect.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.csms import Csms, Reply, Transaction
from tests.daemon.config import Config, ac_station
from tests.daemon.process import Station

TOKEN = "04A2B3C4D5E680"
OTHER = "04FFEEDDCCBBAA"
BRISK = {
    "SampledDataCtrlr.TxUpdatedInterval": 1,
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": 0,
    "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
    "OCPPCommCtrlr.RetryBackOffRepeatTimes": 0,
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": 0,
}


def brisk(url: str, dialect: str, *, evses: int = 1, **variables: Any) -> Config:
    """A sample every second, an eager car, no patience between two attempts. variables: "AuthCtrlr.Enabled"=…"""
    config = ac_station(url, evses=evses, versions=(dialect,), variables=BRISK | variables)
    config["drivers"]["sim"]["reaction_s"] = 0.1
    return config


def until(condition: Callable[[], Any], what: str, timeout: float = 30.0) -> Any:
    """What `condition` gives, as soon as it is true. For what can only be asked for, not be waited on."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < deadline, f"no {what} within {timeout} s"
        time.sleep(0.02)
    return found


def ahead_s(station: Station) -> float:
    """By how much the station's clock is ahead of the true time."""
    return datetime.fromisoformat(station.ctl("status")["time"]).timestamp() - time.time()


def session(station: Station, evse: int = 1) -> dict[str, Any]:
    """What the technician sees of it; empty without one."""
    shown: dict[str, Any] = station.ctl("status")["evses"][evse - 1].get("session", {})
    return shown


def world(station: Station, evse: int = 1) -> dict[str, Any]:
    """What is true of the simulated hardware."""
    told: dict[str, Any] = station.ctl("sim.state")["evses"][evse - 1]
    return told


def register_wh(station: Station, evse: int = 1) -> float:
    """The meter itself."""
    return float(station.ctl("sim.meter", evse=evse)["energy_import_wh"])


def charging(station: Station, evse: int = 1) -> None:
    """Wait until energy flows."""
    until(lambda: world(station, evse)["power_w"] > 0, "energy")


def shown_charging(station: Station, evse: int = 1) -> None:
    """Wait until the station itself says that the car charges."""
    until(lambda: session(station, evse).get("charging_state") == "Charging", "Charging in the status")


def safe(station: Station, evse: int = 1) -> None:
    """Wait until no energy can flow, and the car is offered none."""
    until(lambda: (world(station, evse)["contactor"], world(station, evse)["offer_a"]) == ("open", 0), "safe state")


def begin(station: Station, csms: Csms, evse: int = 1, token: str = TOKEN) -> Transaction:
    """Plug in and present a card; returns when energy flows and the CSMS has booked all of it."""
    csms.wait_status("Available", evse)
    station.ctl("sim.plug_in", evse=evse)
    csms.wait_status("Occupied", evse)
    station.ctl("sim.swipe", token=token)
    started = csms.wait_event("Started")
    charging(station, evse)
    shown_charging(station, evse)
    delivered(station)  # nothing is under way: what a test does to the link is done between two messages
    return csms.books.of(started)


def finish(station: Station, csms: Csms, evse: int = 1, token: str = TOKEN) -> Transaction:
    """Present the card again and leave."""
    station.ctl("sim.swipe", token=token)
    ended = csms.wait_event("Ended")
    leave(station, evse)
    csms.wait_status("Available", evse)
    return csms.books.of(ended)


def leave(station: Station, evse: int = 1) -> None:
    """Pull the plug as soon as it is let go."""
    until(lambda: not world(station, evse)["locked"], "unlocked plug")
    station.ctl("sim.plug_out", evse=evse)


def delivered(station: Station, timeout: float = 60.0) -> None:
    """Wait until nothing is left to tell, and nothing was given up."""
    until(lambda: station.ctl("outbox")["queued"] == 0, "empty outbox", timeout)
    assert station.ctl("outbox")["dead"] == 0


def true_to(register: float, told: float | None, dialect: str) -> bool:
    """Whether the CSMS was told what the register says. meterStart and meterStop of 1.6 are whole Wh."""
    return told is not None and abs(told - register) < (1.01 if dialect == "1.6" else 0.11)


def whole_visit(station: Station, csms: Csms, dialect: str, before: float) -> None:
    """End what runs, and hold the one transaction of the CSMS against the meter. before: what that showed, Wh."""
    charging(station)
    transaction = finish(station, csms)
    delivered(station)
    assert csms.books.only() is transaction
    assert true_to(register_wh(station) - before, transaction.energy_wh, dialect)


class Desk:
    """What a person at the CSMS asks of the station."""

    def __init__(self, csms: Csms) -> None:
        self._csms = csms
        self._old = csms.versions == ("1.6",)

    def _call(self, old: str, old_payload: dict[str, Any], new: str, new_payload: dict[str, Any]) -> Reply:
        return self._csms.call(old, old_payload) if self._old else self._csms.call(new, new_payload)

    def start(self, evse: int = 1, token: str = TOKEN) -> str:
        new = {"idToken": {"idToken": token, "type": "ISO14443"}, "remoteStartId": 7, "evseId": evse}
        old = {"connectorId": evse, "idTag": token}
        return str(self._call("RemoteStartTransaction", old, "RequestStartTransaction", new)["status"])

    def stop(self, transaction: Transaction) -> str:
        old = {"transactionId": int(transaction.id)} if self._old else {}
        new = {"transactionId": transaction.id}
        return str(self._call("RemoteStopTransaction", old, "RequestStopTransaction", new)["status"])

    def unlock(self, evse: int = 1) -> str:
        new = {"evseId": evse, "connectorId": 1}
        return str(self._call("UnlockConnector", {"connectorId": evse}, "UnlockConnector", new)["status"])

    def operate(self, operative: bool, evse: int = 1) -> str:
        word = "Operative" if operative else "Inoperative"
        new = {"operationalStatus": word} | ({"evse": {"id": evse}} if evse else {})
        old = {"type": word, "connectorId": evse}
        return str(self._call("ChangeAvailability", old, "ChangeAvailability", new)["status"])

    def reset(self, on_idle: bool = False) -> str:
        new = {"type": "OnIdle" if on_idle else "Immediate"}
        return str(self._call("Reset", {"type": "Soft"}, "Reset", new)["status"])

    def sample(self, evse: int = 1) -> str:
        """Ask for a meter reading now."""
        old = {"requestedMessage": "MeterValues", "connectorId": evse}
        new = {"requestedMessage": "MeterValues", "evse": {"id": evse}}
        return str(self._call("TriggerMessage", old, "TriggerMessage", new)["status"])

    def get(self, key: str, variable: str) -> str:
        """By its name in 1.6, or in 2.0.1."""
        answer = self._call("GetConfiguration", {"key": [key]}, "GetVariables", {"getVariableData": [_named(variable)]})
        if self._old:
            return str(answer["configurationKey"][0]["value"])
        return str(answer["getVariableResult"][0]["attributeValue"])

    def set(self, key: str, variable: str, value: str) -> str:
        new = {"setVariableData": [_named(variable) | {"attributeValue": value}]}
        answer = self._call("ChangeConfiguration", {"key": key, "value": value}, "SetVariables", new)
        return str(answer["status"] if self._old else answer["setVariableResult"][0]["attributeStatus"])


def _named(variable: str) -> dict[str, Any]:
    component, _, name = variable.partition(".")
    return {"component": {"name": component}, "variable": {"name": name}}
