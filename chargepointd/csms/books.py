"""The books: which transactions there were, from when to when, and how much energy went out. In memory only.

A report counts once, however often a station sends it again; reports may come in any order.
"""

from collections.abc import Hashable
from typing import Literal, NamedTuple

KEPT = 1000
"""transactions; the oldest that has ended is forgotten for a new one"""

Kind = Literal["Started", "Updated", "Ended"]


class Reading(NamedTuple):
    """The last values of a message. None: not told."""

    energy_wh: float | None = None
    """Wh, the register"""
    power_w: float | None = None
    current_a: float | None = None
    """A, of the phase with the most"""
    soc_percent: float | None = None


class Report(NamedTuple):
    """What a station told about a transaction."""

    kind: Kind
    transaction_id: str
    """of 1.6 too: the number as a text"""
    at: str
    """RFC 3339, as the station wrote it"""
    mark: Hashable
    """equal for two reports that are the same one"""
    evse: int | None = None
    token: str = ""
    state: str = ""
    reason: str = ""
    readings: tuple[Reading, ...] = ()


class Transaction:
    def __init__(self, station: str, transaction_id: str) -> None:
        self.station = station
        self.id = transaction_id
        self.evse: int | None = None
        self.token = ""
        self.started_at = ""
        self.ended_at = ""
        self.reason = ""
        self.state = ""
        self.power_w: float | None = None
        self.reports = 0
        self.repeated = 0
        self._marks: set[Hashable] = set()
        self._register: list[float] = []

    @property
    def energy_wh(self) -> float | None:
        """Wh between the least and the greatest reading, since the register only grows; None when none was told."""
        return self._register[-1] - self._register[0] if self._register else None

    def enter(self, report: Report) -> bool:
        """Whether it was new."""
        if report.mark in self._marks:
            self.repeated += 1
            return False
        self._marks.add(report.mark)
        self.reports += 1
        self.evse = self.evse if report.evse is None else report.evse
        self.token = self.token or report.token
        self.state = report.state or self.state
        if report.kind == "Started":
            self.started_at = report.at
        if report.kind == "Ended":
            self.ended_at, self.reason = report.at, report.reason or "Local"
        self._measure(report.readings)
        return True

    def _measure(self, readings: tuple[Reading, ...]) -> None:
        told = [each.energy_wh for each in readings if each.energy_wh is not None]
        if told:
            seen = sorted(self._register + told)
            self._register = [seen[0], seen[-1]]
        for each in readings:
            self.power_w = self.power_w if each.power_w is None else each.power_w


class Books:
    """`first_id`: the first number given to a 1.6 transaction."""

    def __init__(self, first_id: int) -> None:
        self._next_id = first_id
        self._by_key: dict[tuple[str, str], Transaction] = {}
        self._given: dict[tuple[str, Hashable], int] = {}

    @property
    def transactions(self) -> list[Transaction]:
        """In the order in which they were first heard of."""
        return list(self._by_key.values())

    def find(self, station: str, transaction_id: str) -> Transaction | None:
        return self._by_key.get((station, transaction_id))

    def give_id(self, station: str, start: Hashable) -> int:
        """The number of a 1.6 transaction: the same one when a station repeats its StartTransaction."""
        if (station, start) not in self._given:
            if len(self._given) >= KEPT:
                del self._given[next(iter(self._given))]
            self._given[station, start] = self._next_id
            self._next_id += 1
        return self._given[station, start]

    def enter(self, station: str, report: Report) -> tuple[Transaction, bool]:
        """The transaction it belongs to, and whether the report was new."""
        key = (station, report.transaction_id)
        if key not in self._by_key:
            self._forget_old()
            self._by_key[key] = Transaction(station, report.transaction_id)
        return self._by_key[key], self._by_key[key].enter(report)

    def _forget_old(self) -> None:
        if len(self._by_key) >= KEPT:
            ended = (key for key, each in self._by_key.items() if each.ended_at)
            del self._by_key[next(ended, next(iter(self._by_key)))]
