"""The four times a test laboratory measures, on the station of four DC outlets that otherwise does nothing.

Each from the moment the tester has sent its request until what is awaited has come: the answer; the message that was
triggered; the first TransactionEvent after a remote start, and after a remote stop. Over loopback, with security
profile 1; the tester takes a millisecond to answer.
"""

from statistics import fmean
from typing import Any, NamedTuple

from tests.conformance.stations import PASSWORD, dc_station
from tests.conformance.tester import TOKEN, Tester, named
from tests.csms import Csms, Message
from tests.daemon.process import Station
from tests.daemon.visit import until

ROUNDS = 5
QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("GetVariables", {"getVariableData": [named("OCPPCommCtrlr.OfflineThreshold")]}),
    ("SetVariables", {"setVariableData": [named("OCPPCommCtrlr.OfflineThreshold") | {"attributeValue": "300"}]}),
    ("GetTransactionStatus", {}),
    ("ChangeAvailability", {"operationalStatus": "Operative"}),
    ("ClearCache", {}),
    ("DataTransfer", {"vendorId": "org.example"}),
)
TRIGGERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Heartbeat", {}),
    ("MeterValues", {"evse": {"id": 1}}),
    ("StatusNotification", {"evse": {"id": 1, "connectorId": 1}}),
)


class Figure(NamedTuple):
    name: str
    values: tuple[float, ...]
    """s"""
    target: float
    """s, what the average is to stay under"""


def measure(rounds: int = ROUNDS) -> list[Figure]:
    """`rounds` times all questions and triggers, and a visit at each outlet."""
    with Csms(versions=("2.0.1",), password=PASSWORD) as csms, Station(dc_station(csms.url)) as station:
        tester = Tester(csms, station)
        tester.booted()
        answers = [_answer(csms, action, payload) for _ in range(rounds) for action, payload in QUESTIONS]
        triggered = [_triggered(csms, action, payload) for _ in range(rounds) for action, payload in TRIGGERS]
        visits = [_visit(tester, evse) for _ in range(rounds) for evse in tester.evses]
    return [
        Figure("OCPP response time", tuple(answers), 0.01),
        Figure("triggered function response time", tuple(triggered), 0.05),
        Figure("remote start to TransactionEvent", tuple(start for start, _ in visits), 0.05),
        Figure("remote stop to TransactionEvent", tuple(stop for _, stop in visits), 0.05),
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


def _visit(tester: Tester, evse: int) -> tuple[float, float]:
    """A whole one, with the cable first: seconds to the first event after the start, and after the stop."""
    csms = tester.csms
    tester.ev_connected(evse)
    reply = tester.remote_start(evse, TOKEN)
    started = _since_asked(csms, reply.message, csms.wait("TransactionEvent", triggerReason="RemoteStart"))
    transaction = tester.energy_flows(evse)
    reply = csms.call("RequestStopTransaction", {"transactionId": transaction})
    stopped = _since_asked(csms, reply.message, csms.wait("TransactionEvent", triggerReason="RemoteStop"))
    tester.ev_disconnected(evse)
    until(lambda: not csms.books.open, "end of the transaction")
    return started, stopped


def _since_asked(csms: Csms, answer: Message, came: Message | None = None) -> float:
    return (came or answer).at - _asked(csms, answer).at


def _asked(csms: Csms, answer: Message) -> Message:
    return next(m for m in csms.transcript.messages if m.sender == "csms" and m.kind == "call" and m.id == answer.id)
