"""What really happened, visit by visit, held against the books of the CSMS.

The world has its own meter: what flowed at an EVSE between two moments. Each transaction belongs to one visit, by its
place and its start; what it bills is what flowed in that visit. A transaction nobody can have caused, a visit that took
energy and is not billed, or is billed twice, is an imbalance.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.csms.books import WHOLE_WH, Books, Sample, Transaction


class Trouble(NamedTuple):
    """Something that may keep people from charging."""

    kind: str
    begin: float
    end: float


class Visit:
    def __init__(self, evse: int, kind: str, begin: float, before_wh: float) -> None:
        self.evse, self.kind, self.begin, self.before_wh = evse, kind, begin, before_wh
        self.end, self.after_wh = float("inf"), before_wh
        self.served = False
        """they saw that they may charge"""
        self.refused = False
        """the CSMS refuses the card: they may not"""
        self.note = ""

    @property
    def energy_wh(self) -> float:
        return self.after_wh - self.before_wh

    def __repr__(self) -> str:
        times = f"{_day(self.begin)} to {_day(self.end)}"
        return f"visit ({self.kind}) at evse {self.evse}, {times}: {self.energy_wh:.1f} Wh {self.note}".rstrip()


class Ledger:
    """begin: of the virtual time, s since 1970."""

    def __init__(self, books: Books, begin: float, disturbed: Callable[[float, float], bool], unread_wh: float) -> None:
        """disturbed: whether anything was wrong between two moments. unread_wh: what flows at most between the last
        reading of a meter and the moment in which the power path is open because there was no other."""
        self.books = books
        self.visits: list[Visit] = []
        self._disturbed = disturbed
        self.unread_wh = unread_wh
        self.unread: list[Trouble] = []
        """times in which a meter could not be read"""
        self._given_up: set[tuple[str, int]] = set()
        self.billed_wh: dict[int, float] = {}
        self.shown_wh: dict[int, float] = {}
        """by EVSE, of the visits that were balanced"""
        self.transactions = 0
        self._begin = begin

    def give_up(self, name: str, seq_no: int) -> None:
        """A record that the CSMS refuses for good, which leaves a gap. name: as it is told at present."""
        joined = self.books._joined.get(name)
        self._given_up.add((joined.id if joined else name, seq_no))

    def close(self, before: float) -> list[str]:
        """Balance the visits that were over by then, take them and their transactions off the books; what is wrong."""
        wrong = [*self.books.problems]
        self.books.problems.clear()
        due = [visit for visit in self.visits if visit.end < before]
        self.visits = [visit for visit in self.visits if visit.end >= before]
        for visit in due:
            found = [t for t in list(self.books.transactions.values()) if self._belongs(t, visit)]
            for transaction in found:
                del self.books.transactions[transaction.id]
                self.transactions += 1
                wrong += self._check(transaction)
            wrong += [f"{visit}: {problem}" for problem in self._balance(visit, found)]
            billed = sum(transaction.energy_wh or 0.0 for transaction in found)
            self.billed_wh[visit.evse] = self.billed_wh.get(visit.evse, 0.0) + billed
            self.shown_wh[visit.evse] = self.shown_wh.get(visit.evse, 0.0) + visit.energy_wh
        for transaction in list(self.books.transactions.values()):
            if self._at(transaction) < before - 3600:
                del self.books.transactions[transaction.id]
                wrong.append(f"{_told(transaction)}: nobody was there")
        self.books._by_message.clear()
        self.unread = [trouble for trouble in self.unread if trouble.end > before - 86_400]
        return wrong

    def _belongs(self, transaction: Transaction, visit: Visit) -> bool:
        return transaction.evse == visit.evse and visit.begin - 30 <= self._at(transaction) <= visit.end + 30

    def _at(self, transaction: Transaction) -> float:
        return transaction.in_order[0].at.timestamp() - self._begin

    def _check(self, transaction: Transaction) -> Iterator[str]:
        for problem in transaction.check():
            gap = problem.rpartition("no report with seqNo ")[2]
            numbers = {int(number) for number in gap.split(", ")} if "no report with seqNo" in problem else {-1}
            if not all((transaction.id, number + transaction.first_seq_no) in self._given_up for number in numbers):
                yield f"{problem}; {_told(transaction)}"
        if transaction.ended is None:
            yield f"{_told(transaction)}: is open still"

    def _balance(self, visit: Visit, found: list[Transaction]) -> Iterator[str]:
        if len(found) > 1:
            yield "several transactions: " + ", ".join(map(_told, found))
        if visit.refused and found:
            yield f"was refused, and has {', '.join(map(_told, found))}"
        if visit.energy_wh > 0.05 and not found:
            yield "no transaction"
        if not visit.refused and not visit.served and not self._disturbed(visit.begin, visit.end):
            yield "was not served, and nothing was wrong"
        if len(found) == 1:
            yield from self._energy(visit, found[0])

    def _energy(self, visit: Visit, transaction: Transaction) -> Iterator[str]:
        """Billed is what the meter showed, to the last digit told; less only where it could not be read to the end."""
        samples = transaction.samples
        first, last = (samples[0], samples[-1]) if samples else (None, None)
        shown = round(_as_told(visit.after_wh, last) - _as_told(visit.before_wh, first), 1)
        billed = round(transaction.energy_wh or 0.0, 1)
        unread = any(t.begin < visit.end and visit.begin < t.end for t in self.unread)
        if billed > shown or shown - billed > (self.unread_wh if unread else 0.0):
            yield f"the meter showed {shown:.1f} Wh, {billed:.1f} Wh were billed, {_told(transaction)}"


def _as_told(register_wh: float, like: Sample | None) -> float:
    """A register in the resolution of that sample: 1.6 has fields for whole Wh only. Whatever was read earlier was told
    as no more than this."""
    return round(register_wh) if like and like.context in WHOLE_WH else round(register_wh, 1)


def _told(transaction: Transaction) -> str:
    reports = transaction.in_order
    kinds = "".join(kind[0] for kind in transaction.kinds)
    token = (transaction.token or "")[-4:]
    return (
        f"transaction {transaction.id} at evse {transaction.evse}, …{token}, {reports[0].at:%d %H:%M:%S} to "
        f"{reports[-1].at:%d %H:%M:%S}, {transaction.reason}, {kinds[:8]}{'…' if len(kinds) > 8 else ''}{kinds[-2:]}, "
        f"{transaction.energy_wh} Wh"
    )


def _day(at: float) -> str:
    if at == float("inf"):
        return "now"
    day, rest = divmod(at, 86_400)
    return f"day {int(day) + 1} {int(rest // 3600):02}:{int(rest // 60 % 60):02}:{int(rest % 60):02}"
