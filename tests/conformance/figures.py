"""The four times a test laboratory measures, on the station of four DC outlets that otherwise does nothing.

Each from the moment the tester has sent its request until what is awaited has come: the answer; the message that was
triggered; the first TransactionEvent (1.6: StartTransaction, StopTransaction) after a remote start, and after a remote
stop. Over loopback, with security profile 1; the tester takes a millisecond to answer.
"""

from collections.abc import Sequence
from statistics import fmean
from typing import Any, NamedTuple, Protocol

from tests.conformance import tester as v201
from tests.conformance.stations import PASSWORD, dc_station
from tests.conformance.tester import TOKEN, named
from tests.conformance.v16 import tester as v16
from tests.csms import Csms, Message
from tests.daemon.process import Station
from tests.daemon.visit import until

ROUNDS = 5
Asked = Sequence[tuple[str, dict[str, Any]]]
QUESTIONS: Asked = (
    ("GetVariables", {"getVariableData": [named("OCPPCommCtrlr.OfflineThreshold")]}),
    ("SetVariables", {"setVariableData": [named("OCPPCommCtrlr.OfflineThreshold") | {"attributeValue": "300"}]}),
    ("GetTransactionStatus", {}),
    ("ChangeAvailability", {"operationalStatus": "Operative"}),
    ("ClearCache", {}),
    ("DataTransfer", {"vendorId": "org.example"}),
)
TRIGGERS: Asked = (
    ("Heartbeat", {}),
    ("MeterValues", {"evse": {"id": 1}}),
    ("StatusNotification", {"evse": {"id": 1, "connectorId": 1}}),
)
QUESTIONS_16: Asked = (
    ("GetConfiguration", {"key": ["HeartbeatInterval"]}),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "300"}),
    ("ChangeAvailability", {"connectorId": 0, "type": "Operative"}),
    ("UnlockConnector", {"connectorId": 1}),
    ("ClearCache", {}),
    ("DataTransfer", {"vendorId": "org.example"}),
)
TRIGGERS_16: Asked = (
    ("Heartbeat", {}),
    ("MeterValues", {"connectorId": 1}),
    ("StatusNotification", {"connectorId": 1}),
)


class Figure(NamedTuple):
    name: str
    values: tuple[float, ...]
    """s"""
    target: float
    """s, what the average is to stay under"""


def measure(version: str = "2.0.1", rounds: int = ROUNDS) -> list[Figure]:
    """`rounds` times all questions and triggers, and a visit at each outlet."""
    old = version == "1.6"
    with Csms(versions=(version,), password=PASSWORD) as csms:
        config = dc_station(csms.url)
        config["csms"]["versions"] = [version]
        with Station(config) as station:
            lab: _Lab = _Lab16(csms, station) if old else _Lab201(csms, station)
            questions, triggers = (QUESTIONS_16, TRIGGERS_16) if old else (QUESTIONS, TRIGGERS)
            answers = [_answer(csms, action, payload) for _ in range(rounds) for action, payload in questions]
            triggered = [_triggered(csms, action, payload) for _ in range(rounds) for action, payload in triggers]
            visits = [lab.visit(evse) for _ in range(rounds) for evse in lab.places]
    start, stop = ("StartTransaction", "StopTransaction") if old else ("TransactionEvent", "TransactionEvent")
    return [
        Figure("OCPP response time", tuple(answers), 0.01),
        Figure("triggered function response time", tuple(triggered), 0.05),
        Figure(f"remote start to {start}", tuple(start for start, _ in visits), 0.05),
        Figure(f"remote stop to {stop}", tuple(stop for _, stop in visits), 0.05),
    ]


def table(figures: list[Figure]) -> str:
    lines = [f"{'':34}{'min':>8}{'average':>9}{'max':>8}{'target':>9}"]
    for each in figures:
        low, average, high = min(each.values), fmean(each.values), max(each.values)
        lines.append(f"{each.name:34}{low:8.4f}{average:9.4f}{high:8.4f}{each.target:9.2f}")
    return "\n".join(lines)


def _answer(csms: Csms, action: str, payload: dict[str, Any]) -> float:
    return _since_asked(csms, csms.call(action, payload).message)


def _triggered(csms: Csms, action: str, payload: dict[str, Any]) -> float:
    reply = csms.call("TriggerMessage", {"requestedMessage": action, **payload})
    assert reply["status"] == "Accepted", csms.told(f"TriggerMessage {action}: {reply['status']}")
    asked = _asked(csms, reply.message)
    return csms.wait(action, lambda m: m.number > asked.number).at - asked.at


class _Lab(Protocol):
    places: list[int]

    def visit(self, place: int) -> tuple[float, float]:
        """A whole one, with the cable first: seconds to the first report after the start, and after the stop."""


class _Lab201:
    def __init__(self, csms: Csms, station: Station) -> None:
        self.tester = v201.Tester(csms, station)
        self.tester.booted()
        self.places = list(self.tester.evses)

    def visit(self, place: int) -> tuple[float, float]:
        tester, csms = self.tester, self.tester.csms
        tester.ev_connected(place)
        reply = tester.remote_start(place, TOKEN)
        started = _since_asked(csms, reply.message, csms.wait("TransactionEvent", triggerReason="RemoteStart"))
        transaction = tester.energy_flows(place)
        reply = csms.call("RequestStopTransaction", {"transactionId": transaction})
        stopped = _since_asked(csms, reply.message, csms.wait("TransactionEvent", triggerReason="RemoteStop"))
        tester.ev_disconnected(place)
        until(lambda: not csms.books.open, "end of the transaction")
        return started, stopped


class _Lab16:
    def __init__(self, csms: Csms, station: Station) -> None:
        self.tester = v16.Tester(csms, station)
        self.tester.booted()
        self.places = list(self.tester.connectors)

    def visit(self, place: int) -> tuple[float, float]:
        tester, csms = self.tester, self.tester.csms
        tester.occupied(place)
        reply = tester.remote_start(place)
        start = csms.wait("StartTransaction")
        started = _since_asked(csms, reply.message, start)
        tester.status(place, "Charging")
        transaction = int(csms.books.of(start).id)
        until(lambda: tester.numbered(place, transaction), "number of the transaction")
        reply = tester.remote_stop(transaction)
        stopped = _since_asked(csms, reply.message, csms.wait("StopTransaction"))
        tester.unplugged(place)
        return started, stopped


def _since_asked(csms: Csms, answer: Message, came: Message | None = None) -> float:
    return (came or answer).at - _asked(csms, answer).at


def _asked(csms: Csms, answer: Message) -> Message:
    return next(m for m in csms.transcript.messages if m.sender == "csms" and m.kind == "call" and m.id == answer.id)
