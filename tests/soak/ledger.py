"""What really happened, visit by visit, held against the books of the CSMS.

The world has its own meter: what flowed at an EVSE between two moments. Each transaction belongs to one visit, by its
place and its start; what it bills is what flowed in that visit. A transaction nobody can have caused, a visit that took
energy and is not billed, or is billed twice, is an imbalance.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.csms.books import Books, Transaction


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

    def __init__(
        self, books: Books, begin: float, disturbed: Callable[[float, float], bool], unread_wh: float = 60.0
    ) -> None:
        """disturbed: whether anything was wrong between two moments. unread_wh: what may flow while nobody can read it,
        until the power path is open."""
        self.books = books
        self.visits: list[Visit] = []
        self._disturbed = disturbed
        self.unread_wh = unread_wh
        self.unread: list[Trouble] = []
        """times in which a meter could not be read"""
        self._given_up: set[tuple[str, int]] = set()
        self.billed_wh: dict[int, float] = {}
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
        billed = transaction.energy_wh or 0.0
        rounded = 1.01 if any(r.message.version == "1.6" for r in transaction.reports.values()) else 0.11
        unread = any(t.begin < visit.end and visit.begin < t.end for t in self.unread)
        lost = self.unread_wh if unread else rounded
        if not -rounded <= visit.energy_wh - billed <= lost:
            yield f"{visit.energy_wh:.1f} Wh flowed, {billed:.1f} Wh were billed, {_told(transaction)}"


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
