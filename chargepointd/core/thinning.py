"""When the records that wait take more than their room (E04.FR.07 to .09, E11.FR.04 to .06, E12.FR.04 to .09).

A pass goes over all records behind the window, page by page: those at hand may be sent at any moment, so they are left
alone, as is all that was sent once. What goes is kept as gone with each page, counted, so that a power cut loses
nothing but the rest of the pass. One pass after another until there is room:

1. every other sample of each transaction (the first, the third …), as often as it takes: a transaction keeps Started,
   Ended, each change of its charging state, and what tells a token, a reservation or a remote start first;
2. every other value within Ended: the first and the last stay, and those that are of its begin and end.

What is left then has to be billed. When that alone takes more than the room, nobody begins until there is some.
`seqNo` stays as it was: the gaps tell the CSMS that something is missing.
"""

from collections.abc import Callable

from chargepointd.core.context import Context, Step
from chargepointd.core.effects import LoadRecords, SaveState
from chargepointd.core.events import RecordsLoaded
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.records import WINDOW, Entry, Records
from chargepointd.core.values import MeterValue

TOPIC = "thinning"
AGAIN = 0.9
"""of the room: with less than that somebody may begin again"""
OVER = 0.5
"""with less than that it is over, and told anew when it comes again"""
_SAMPLES = ("MeterValuePeriodic", "MeterValueClock")
_ENDS = ("Transaction.Begin", "Transaction.End")


class Thinning:
    """`hold`: nobody begins any more, or somebody may again."""

    def __init__(self, context: Context, records: Records, hold: Callable[[bool, Step], None]) -> None:
        self._context = context
        self._records = records
        self._hold = hold
        self._room = context.plan.outbox_bytes
        self._ticket = 0
        self._asked = (0, 0)
        """behind which record, and how often they had been made right by then"""
        self._under_way = False
        self._samples = True
        """of these first"""
        self._fewer = False
        """something went in this pass"""
        self._odd: set[str] = set()
        """transactions of which the last sample went"""
        self._told = False

    def follow(self, step: Step) -> None:
        size = self._records.size
        if size > self._room and not self._under_way and not self._context.no_room:
            self._under_way = self._samples = True
            self._begin(step)
        elif self._context.no_room and size <= self._room * AGAIN:
            self._make_room(False, step)
        elif size <= self._room * OVER:
            self._told = False

    def _begin(self, step: Step) -> None:
        self._fewer = False
        self._odd.clear()
        self._ask(self._records.read_to, step)

    def _ask(self, after_id: int, step: Step) -> None:
        self._ticket += 1
        self._asked = after_id, self._records.amends
        step.emit(LoadRecords(TOPIC, self._ticket, after_id, WINDOW))

    def loaded(self, event: RecordsLoaded, step: Step) -> None:
        after_id, amends = self._asked
        if amends != self._records.amends:
            self._ask(after_id, step)  # it is not what it was
            return
        behind = [entry for entry in event.entries if entry.id > self._records.read_to and not entry.again]
        if self._samples:
            self._drop(behind, step)
        else:
            self._shorten(behind, step)
        if not event.complete:
            self._ask(event.entries[-1].id, step)
        elif self._records.size <= self._room:
            self._under_way = False
        elif self._fewer or self._samples:
            self._samples = self._samples and self._fewer
            self._begin(step)
        else:
            self._under_way = False
            self._make_room(True, step)

    # -- every other sample --------------------------------------------------------------------------------------------

    def _drop(self, entries: list[Entry], step: Step) -> None:
        gone = [entry for entry in entries if _is_sample(entry.record) and self._turn(entry.record.transaction_id)]
        if gone:
            self._records.drop(gone, step)
            self._count("records", len(gone), step)

    def _turn(self, transaction_id: str) -> bool:
        """Every other one of a transaction, from its first on."""
        if transaction_id in self._odd:
            self._odd.remove(transaction_id)
            return False
        self._odd.add(transaction_id)
        return True

    # -- every other value of an end -----------------------------------------------------------------------------------

    def _shorten(self, entries: list[Entry], step: Step) -> None:
        gone = 0
        for entry in entries:
            record = entry.record
            values = _thinner(record.values) if record.kind == "Ended" else record.values
            if len(values) < len(record.values):
                gone += len(record.values) - len(values)
                self._records.replace(entry, record._replace(values=values), step)
        if gone:
            self._count("values", gone, step)

    # -- told ----------------------------------------------------------------------------------------------------------

    def _count(self, what: str, number: int, step: Step) -> None:
        self._fewer = True
        dropped = self._records.dropped
        dropped[what] = dropped.get(what, 0) + number
        dropped["at"] = step.utc
        step.emit(SaveState("dropped", dict(dropped)))
        if not self._told:
            self._told = True
            info = f"what waits for the CSMS takes more than {self._room} bytes: every other sample is dropped"
            self._context.happened("MemoryExhaustion", info, step)

    def _make_room(self, none: bool, step: Step) -> None:
        self._context.no_room = none
        self._hold(none, step)
        if none:
            info = f"starts and ends that wait for the CSMS take more than {self._room} bytes: nobody begins any more"
            self._context.happened("MemoryExhaustion", info, step)


def _is_sample(record: TransactionRecord) -> bool:
    """Nothing but values."""
    told = (record.token, record.reservation_id)
    return record.kind == "Updated" and record.trigger in _SAMPLES and told == (None, None)


def _thinner(values: tuple[MeterValue, ...]) -> tuple[MeterValue, ...]:
    """Every other one goes; the first, the last, and those of the begin and the end of the transaction stay."""
    last, odd, kept = len(values) - 1, False, []
    for index, value in enumerate(values):
        stays = index in (0, last) or value.context in _ENDS
        odd = odd if stays else not odd
        if stays or not odd:
            kept.append(value)
    return tuple(kept)
