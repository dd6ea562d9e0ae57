"""The CSMS's books: what it would bill, from what the station reported, and whether the reports add up.

A request counts once however often it is resent. 2.0.1: by transactionId and seqNo, in whatever order they come
(E01.FR.07, E04.FR.03). 1.6: the CSMS gives the transactionId in its answer to StartTransaction.

A transaction may go on in another version. From 1.6 to 2.0.1 the number stays its name. The other way round there is a
StartTransaction, which the books join to the open transaction of that place and token to which the register at that
moment was told: it is a report "Resumed", no start. Where that transaction has ended, its end had no answer, and comes
once more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from tests.csms.transcript import Message

Payload = dict[str, Any]
WHOLE_WH = {"meterStart", "meterStop"}  # integers in 1.6, so up to 1 Wh off the samples beside them


class Sample(NamedTuple):
    """A reading of the energy import register."""

    at: datetime
    energy_wh: float
    context: str


class Report(NamedTuple):
    """One booked message of a transaction."""

    kind: str  # "Started" "Updated" "Ended"; "Resumed" in another version
    at: datetime
    message: Message


@dataclass(slots=True)
class Transaction:
    id: str  # of 1.6 too: the number as a text
    reports: dict[int, Report] = field(default_factory=dict)  # by seqNo; 1.6: in order of arrival
    version: str = ""  # in which it was told last
    first_seq_no: int = 0  # that counts as place 0, of the present version
    duplicates: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def in_order(self) -> list[Report]:
        return [self.reports[number] for number in sorted(self.reports)]

    @property
    def kinds(self) -> list[str]:
        return [report.kind for report in self.in_order]

    @property
    def started(self) -> Report | None:
        return next((report for report in self.in_order if report.kind == "Started"), None)

    @property
    def ended(self) -> Report | None:
        return next((report for report in self.in_order if report.kind == "Ended"), None)

    @property
    def reason(self) -> str | None:
        """Why it ended; Local where the station left it out, as both versions allow."""
        if self.ended is None:
            return None
        payload = self.ended.message.payload
        return str(payload.get("reason") or payload.get("transactionInfo", {}).get("stoppedReason") or "Local")

    @property
    def token(self) -> str | None:
        """The first token the station named."""
        payloads = [report.message.payload for report in self.in_order]
        named = [p.get("idTag") or p.get("idToken", {}).get("idToken") for p in payloads]
        return next((token for token in named if token), None)

    @property
    def evse(self) -> int | None:
        payloads = [report.message.payload for report in self.in_order]
        return next((p["connectorId"] if "connectorId" in p else p["evse"]["id"] for p in payloads if _placed(p)), None)

    @property
    def samples(self) -> list[Sample]:
        """In order of time, each once: the transactionData of a 1.6 StopTransaction repeats what came before. Where
        the clock was put back several have one time: they stay as they were told."""
        told = dict.fromkeys(sample for report in self.in_order for sample in samples(report))
        return sorted(told, key=lambda sample: sample.at)

    @property
    def energy_wh(self) -> float | None:
        """Last register less first; None as long as there are no two."""
        seen = self.samples
        return seen[-1].energy_wh - seen[0].energy_wh if len(seen) > 1 else None

    def repeat(self, end: Report) -> None:
        """The end once more, in another version: it has to be the same."""
        told = self.ended
        assert told
        self.duplicates += 1
        stop = end.message["meterStop"]
        if told.at != end.at or not any(abs(s.energy_wh - stop) <= 0.5 for s in samples(told)[-1:]):
            self.problems.append(f"ended twice: at {told.at.isoformat()}, and at {end.at.isoformat()} with {stop} Wh")

    def check(self) -> list[str]:
        found = [*self.problems, *self._numbering(), *self._order(), *self._register()]
        return [f"transaction {self.id}: {problem}" for problem in found]

    def _numbering(self) -> Iterator[str]:
        missing = sorted(set(range(max(self.reports, default=-1) + 1)) - set(self.reports))
        if missing:
            yield f"no report with seqNo {', '.join(map(str, missing))}"
        if self.kinds and self.kinds[0] != "Started" and not missing:
            yield f"begins with {self.kinds[0]}, not with Started"
        if self.kinds.count("Started") > 1:
            yield "Started more than once"
        if self.kinds.count("Ended") > 1:
            yield "Ended more than once"
        if "Ended" in self.kinds[:-1]:
            yield f"reports after Ended: {self.kinds}"

    def _order(self) -> Iterator[str]:
        for one, other in pairwise([report for report in self.in_order if report.kind != "Resumed"]):
            if other.at < one.at:
                yield f"time runs back: {one.kind} at {one.at.isoformat()}, then {other.kind} at {other.at.isoformat()}"

    def _register(self) -> Iterator[str]:
        for one, other in pairwise(self.samples):
            mixed = (one.context in WHOLE_WH) != (other.context in WHOLE_WH)
            back = one.energy_wh - other.energy_wh
            if back >= 1.0 if mixed else back > 0.0:
                yield f"energy register runs back: {one.energy_wh} Wh, then {other.energy_wh} Wh"


class Books:
    def __init__(self) -> None:
        self.transactions: dict[str, Transaction] = {}
        self.problems: list[str] = []
        self._by_message: dict[int, Transaction] = {}
        self._starts: list[tuple[Payload, int]] = []
        self._joined: dict[str, Transaction] = {}  # by a number given later
        self._first_id_16 = 1001

    def enter(self, message: Message, answer: Payload) -> None:
        """Book a request that was understood, and put the 1.6 transactionId into its answer."""
        match message.action:
            case "TransactionEvent":
                self._event(message)
            case "StartTransaction":
                self._start(message, answer)
            case "MeterValues" if "transactionId" in message.payload:
                self._report_16(message, "Updated", message["meterValue"][0]["timestamp"])
            case "StopTransaction":
                self._report_16(message, "Ended", message["timestamp"])

    def of(self, message: Message) -> Transaction:
        """The transaction a message belongs to."""
        return self._by_message[message.number]

    def only(self) -> Transaction:
        """The one transaction there is."""
        assert len(self.transactions) == 1, f"expected one transaction, the books have {sorted(self.transactions)}"
        return next(iter(self.transactions.values()))

    @property
    def open(self) -> list[Transaction]:
        return [each for each in self.transactions.values() if each.ended is None]

    @property
    def energy_wh(self) -> float:
        return sum(each.energy_wh or 0.0 for each in self.transactions.values())

    def check(self) -> list[str]:
        """All that does not add up; empty when the books are in order."""
        return self.problems + [problem for each in self.transactions.values() for problem in each.check()]

    def _event(self, message: Message) -> None:
        name = message["transactionInfo"]["transactionId"]
        transaction = self._joined.get(name) or self._transaction(name)
        report = Report(message["eventType"], _moment(message["timestamp"]), message)
        if transaction.version == "1.6":  # it goes on from here; gaps before are what 1.6 has no message for
            transaction.first_seq_no = message["seqNo"] - len(transaction.reports)
        transaction.version = message.version
        self._put(transaction, message["seqNo"] - transaction.first_seq_no, report)

    def _start(self, message: Message, answer: Payload) -> None:
        number = next((number for payload, number in self._starts if payload == message.payload), None)
        if number is None:
            number = answer.get("transactionId") or self._first_id_16 + len(self._starts)
            self._starts.append((message.payload, number))
        answer["transactionId"] = number
        goes_on = self._joined.get(str(number)) or self._resumed(message)
        if goes_on is None:
            self._report_16(message, "Started", message["timestamp"], self._transaction(str(number)))
        else:
            self._joined[str(number)] = goes_on
            if goes_on.ended and goes_on.version.startswith("2"):
                goes_on.duplicates += 1
                self._by_message[message.number] = goes_on
            else:
                self._report_16(message, "Resumed", message["timestamp"], goes_on)

    def _resumed(self, message: Message) -> Transaction | None:
        """The transaction of another version that this start continues."""
        at, register = _moment(message["timestamp"]), message["meterStart"]
        for each in (*self.open, *(each for each in self.transactions.values() if each.ended)):
            same = (each.evse, each.token) == (message["connectorId"], message["idTag"]) and each.version != "1.6"
            if same and any(s.at == at and abs(s.energy_wh - register) <= 0.5 for s in each.samples):
                return each
        return None

    def _report_16(self, message: Message, kind: str, at: str, transaction: Transaction | None = None) -> None:
        if transaction is None:
            number = str(message["transactionId"])
            transaction = self._joined.get(number) or self.transactions.get(number)
        if transaction is None:
            if message["transactionId"] != -1:  # -1: of a start that was never taken (1.6 errata 3.18)
                self.problems.append(f"{message.action} for transactionId {number}, which was never given")
            return
        if kind == "Ended" and transaction.ended and transaction.version.startswith("2"):
            transaction.repeat(Report(kind, _moment(at), message))
            self._by_message[message.number] = transaction
            return
        earlier = (n for n, r in transaction.reports.items() if r.message.payload == message.payload and r.kind == kind)
        place = next(earlier, max(transaction.reports, default=-1) + 1)
        transaction.version = message.version
        self._put(transaction, place, Report(kind, _moment(at), message))

    def _transaction(self, name: str) -> Transaction:
        return self.transactions.setdefault(name, Transaction(name))

    def _put(self, transaction: Transaction, place: int, report: Report) -> None:
        self._by_message[report.message.number] = transaction
        earlier = transaction.reports.setdefault(place, report)
        if earlier is report:
            return
        transaction.duplicates += 1
        if earlier.message.payload != report.message.payload:
            transaction.problems.append(f"two different reports with seqNo {place}")


def samples(report: Report) -> list[Sample]:
    """Readings of Energy.Active.Import.Register of the whole outlet, in order of the message."""
    payload = report.message.payload
    found = [sample for value in _meter_values(payload) for sample in _energy(value)]
    if "meterStart" in payload:
        found.insert(0, Sample(report.at, float(payload["meterStart"]), "meterStart"))
    if "meterStop" in payload:
        found.append(Sample(report.at, float(payload["meterStop"]), "meterStop"))
    return found


def _meter_values(payload: Payload) -> Iterable[Payload]:
    return [*payload.get("meterValue", []), *payload.get("transactionData", [])]


def _energy(meter_value: Payload) -> Iterator[Sample]:
    at = _moment(meter_value["timestamp"])
    for sampled in meter_value["sampledValue"]:
        register = sampled.get("measurand", "Energy.Active.Import.Register") == "Energy.Active.Import.Register"
        outlet = sampled.get("location", "Outlet") == "Outlet" and "phase" not in sampled
        if register and outlet and sampled.get("format", "Raw") == "Raw":
            yield Sample(at, float(sampled["value"]) * _scale(sampled), sampled.get("context", "Sample.Periodic"))


def _scale(sampled: Payload) -> float:
    unit = sampled.get("unitOfMeasure", {})
    name = sampled.get("unit") or unit.get("unit", "Wh")
    power: int = unit.get("multiplier", 0)
    return (1000.0 if name == "kWh" else 1.0) * float(10**power)


def _placed(payload: Payload) -> bool:
    return "connectorId" in payload or "evse" in payload


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
