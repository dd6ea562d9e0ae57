"""The transaction records that wait for the CSMS: the first of them as values, the rest only counted.

Theory of operation. A record is kept by the step that makes it (`SaveRecord`), so the disk has all of them; of a long
queue it alone has all but the first `WINDOW`, and is asked for the next (`LoadRecords`, `RecordsLoaded`) before those
are used up. So a queue costs what its window costs, however long it is. Ids grow in the order in which records are
told; those of one transaction are told in that order whatever happens.

*Lanes.* What the CSMS does not take waits for its next attempt, and so does what has to come after it: everything where
transactions are numbered (1.6 §4.8: one queue), else its own transaction only. Others pass, as far as the window, which
grows for that up to `WIDEST`.

*Content.* What is made right later (the flag offline, the time) is made right in what was not sent yet: in the window
record by record, behind it by one effect that the disk obeys (`AmendRecords`). What was sent is never touched. Of
records that an earlier process made only those that have no time are made right: any other may have been sent.

*Attempts* are counted over restarts (state "attempts").
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from chargepointd.core.clock import NO_TIME, Righting
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import AmendRecords, DropRecords, LoadRecords, Note, SaveRecord, SaveState, SettleRecord
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.pack import pack
from chargepointd.core.tuples import NamedTuple

if TYPE_CHECKING:
    from chargepointd.core.saved import Saved

TOPIC = "outbox"
WINDOW = 128
"""records that are asked for at once"""
LOW = 64
"""with fewer at hand the next are asked for: at 5,000 a second that is 13 ms before they are missed"""
WIDEST = 1024
"""at hand, where the first of them wait for their next attempt"""


class Entry(NamedTuple):
    """A record in the queue."""

    id: int
    message_id: str
    record: TransactionRecord
    size: int = 0
    """bytes, as it is kept"""
    again: bool = False
    """it was set aside once: its id is older than what was settled since"""


class Behind(NamedTuple):
    """What waits on the disk behind the records at hand."""

    number: int = 0
    size: int = 0
    """bytes"""
    held: dict[str, int] = {}
    """how many, by transaction"""


class Tried(NamedTuple):
    """A record that was sent in vain."""

    refused: int = 0
    """or not answered in time"""
    lost: int = 0
    """connections that ended before the answer came"""
    silent: int = 0
    """of these, over which nothing else was answered either"""


NOT_TRIED = Tried()


class Records:
    def __init__(self, context: Context, saved: "Saved") -> None:
        behind, next_id = saved.behind, saved.next_record_id
        self._context = context
        self._head = deque(saved.records)
        self._behind = behind.number
        self._held = dict(behind.held)
        for entry in self._head:
            self._hold(entry)
        self.size = behind.size + sum(entry.size for entry in self._head)
        """bytes of all that wait"""
        self._next_id = self._own_from = self._online_from = next_id
        self.read_to = self._head[-1].id if self._head else 0
        """the id of the last that is, or was, at hand"""
        self.dropped: dict[str, Any] = dict(saved.state.get("dropped") or {})
        """for lack of room, ever: how many records, how many values within ends, and when (UTC) the last"""
        self.amends = 0
        """how often those behind were made right"""
        self._ticket = 0
        self._since = -1
        """records made since the next were asked for; -1: they are not asked for"""
        self._sent: set[int] = set()
        self._restored: set[int] = set()
        """ids of those that a person has sent again: they came to hand by themselves, and do not with a page"""
        self._told_at: dict[str, float] = {}
        """when the last record that was sent of a transaction was: UTC, s since 1970"""
        self._waits: dict[str, float] = {}
        """lane -> when its first record is tried again"""
        self._tried = {int(number): Tried(*counts) for number, counts in (saved.state.get("attempts") or {}).items()}

    # -- in ------------------------------------------------------------------------------------------------------------

    def add(self, record: TransactionRecord, step: Step) -> None:
        body = pack(record)
        entry = Entry(self._next_id, self._context.new_id(), record, len(body) if body.isascii() else _bytes(body))
        self._next_id += 1
        self.size += entry.size
        self._hold(entry)
        if self._behind or len(self._head) >= WINDOW:
            self._behind += 1
            self._since += self._since >= 0
        else:
            self._head.append(entry)
            self.read_to = entry.id
        step.emit(SaveRecord(entry.id, entry.message_id, record, body))

    def fill(self, step: Step) -> None:
        """Ask for the next ones in time; not while the disk has not got all of them."""
        if not self._behind or self._since >= 0 or not self._context.keeps:
            return
        stuck = bool(self._waits) and len(self._head) < WIDEST and self._next(step.mono) is None
        if len(self._head) < LOW or stuck:
            self._ticket += 1
            self._since = 0
            step.emit(LoadRecords(TOPIC, self._ticket, self.read_to, WINDOW))

    def loaded(self, ticket: int, entries: tuple[Entry, ...], complete: bool, step: Step) -> None:
        if ticket != self._ticket or self._since < 0:
            return  # of before they were made right
        entries = tuple([entry for entry in entries if not (entry.again and entry.id in self._restored)])
        left = self._behind - self._since - len(entries)
        self._behind -= len(entries)
        if complete and left > 0:
            step.emit(Note("outbox", 0, f"{left} records cannot be read"))
            self._context.happened("StateDamaged", f"{left} records cannot be read, and were set aside", step)
            self._behind = self._since
        self._since = -1
        self._head.extend(entries)
        if entries:
            self.read_to = entries[-1].id

    def put_in_front(self, entries: Iterable[Entry]) -> None:
        """Those that were set aside once are told before what waits now: by their ids."""
        for entry in entries:
            self.size += entry.size
            self._hold(entry)
            self._head.append(entry)
            self._restored.add(entry.id)
        self._head = deque(sorted(self._head, key=lambda entry: entry.id))

    def _hold(self, entry: Entry) -> None:
        transaction_id = entry.record.transaction_id
        self._held[transaction_id] = self._held.get(transaction_id, 0) + 1

    # -- out -----------------------------------------------------------------------------------------------------------

    def next(self, mono: float) -> Entry | None:
        """Whose turn it is."""
        entry = self._next(mono)
        if entry is not None and self._waits:
            self._waits.pop(self._lane(entry.record), None)
        return entry

    def _next(self, mono: float) -> Entry | None:
        if not self._waits:
            return self._head[0] if self._head else None
        waiting = {lane for lane, until in self._waits.items() if until > mono}
        return next((entry for entry in self._head if self._lane(entry.record) not in waiting), None)

    def _lane(self, record: TransactionRecord) -> str:
        return "" if self._context.rules.numbers_transactions else record.transaction_id

    def due(self) -> float:
        """When the next may be sent, if none may now."""
        if not self._head:
            return NEVER
        return min(self._waits.values()) if self._waits else -NEVER

    def sent(self, entry: Entry) -> None:
        self._sent.add(entry.id)
        self._told_at[entry.record.transaction_id] = entry.record.stamp.at

    def without_time(self, entry: Entry, step: Step) -> Entry:
        """The CSMS does not know the time either: once told, it stays as it was noted."""
        record = entry.record._replace(stamp=entry.record.stamp._replace(how=NO_TIME))
        body = pack(record)
        self.size += _bytes(body) - entry.size
        marked = entry._replace(record=record, size=_bytes(body))
        self._head[self._head.index(entry)] = marked
        step.emit(SaveRecord(entry.id, entry.message_id, record, body))
        return marked

    def settle(self, entry: Entry, step: Step, dead: str = "", reference: int | None = None) -> None:
        """It is delivered, or given up (`dead`: why)."""
        alone = entry.again or entry is not self._head[0]
        if alone:
            self._head.remove(entry)
        else:
            self._head.popleft()
        self._sent.discard(entry.id)
        tried = self._tried.get(entry.id, NOT_TRIED)
        self._forget(entry)
        step.emit(SettleRecord(entry.id, dead, alone, step.utc if dead else 0.0, tried.refused + tried.lost, reference))
        if entry.record.kind == "Ended":
            self._told_at.pop(entry.record.transaction_id, None)
        if tried != NOT_TRIED:
            del self._tried[entry.id]
            self._save_tried(step)

    def _forget(self, entry: Entry) -> None:
        self.size -= entry.size
        left = self._held.get(entry.record.transaction_id, 0) - 1
        if left > 0:
            self._held[entry.record.transaction_id] = left
        else:
            self._held.pop(entry.record.transaction_id, None)
        if not len(self):
            self.size = 0

    def drop(self, entries: list[Entry], step: Step) -> None:
        """These were not at hand, and go."""
        for entry in entries:
            self._behind -= 1
            self._forget(entry)
        step.emit(DropRecords(tuple(entry.id for entry in entries)))
        self._ask_anew()

    def replace(self, entry: Entry, record: TransactionRecord, step: Step) -> None:
        """This was not at hand, and becomes smaller."""
        body = pack(record)
        self.size += _bytes(body) - entry.size
        step.emit(SaveRecord(entry.id, entry.message_id, record, body))
        self._ask_anew()

    def _ask_anew(self) -> None:
        """What was asked for may be of before."""
        self._ticket += self._since >= 0
        self._since = -1

    # -- in vain -------------------------------------------------------------------------------------------------------

    def refused(self, entry: Entry, step: Step) -> int:
        """How often by now."""
        tried = self._tried.get(entry.id, NOT_TRIED)
        return self._try(entry, tried._replace(refused=tried.refused + 1), step).refused

    def lost(self, entry: Entry, step: Step, *, silent: bool) -> int:
        """The connection ended before its answer came; how often by now. `silent`: and nothing else was answered."""
        tried = self._tried.get(entry.id, NOT_TRIED)
        return self._try(entry, tried._replace(lost=tried.lost + 1, silent=tried.silent + silent), step).lost

    def acquit(self, record_id: int, step: Step) -> None:
        """A connection ended without it: so may those have done that were silent."""
        tried = self._tried.get(record_id)
        if tried and tried.silent:
            self._tried[record_id] = tried._replace(lost=tried.lost - tried.silent, silent=0)
            if self._tried[record_id] == NOT_TRIED:
                del self._tried[record_id]
            self._save_tried(step)

    def _try(self, entry: Entry, tried: Tried, step: Step) -> Tried:
        self._tried[entry.id] = tried
        self._save_tried(step)
        return tried

    def try_anew(self, entry: Entry, step: Step) -> None:
        """Its attempts begin from the first."""
        if self._tried.pop(entry.id, None):
            self._save_tried(step)

    def _save_tried(self, step: Step) -> None:
        step.emit(SaveState("attempts", {str(number): list(tried) for number, tried in self._tried.items()} or None))

    def wait(self, entry: Entry, until: float) -> None:
        self._waits[self._lane(entry.record)] = until

    def unlinked(self, step: Step) -> None:
        """What was still queued when the connection was lost says so (E11.FR.07); over the next one nothing waits for
        its attempt."""
        self._waits.clear()
        if self._online_from < self._next_id:
            self._amend(AmendRecords(self._online_from - 1, offline=True), step)
            self._online_from = self._next_id

    # -- made right later ----------------------------------------------------------------------------------------------

    def put_right(self, right: Righting, stamped: dict[str, float], step: Step) -> dict[str, float]:
        """The clock was wrong: records that were told to nobody get the time that was, and none is earlier than the one
        before it. When the last of each transaction was, as far as it is at hand."""
        last = (stamped if right.dark else {}) | self._told_at
        if right.dark or (right.unvouched and self._own_from < self._next_id):
            after_id = 0 if right.dark else self._own_from - 1
            self._amend(AmendRecords(after_id, right=right, own_from=self._own_from), step, last)
        else:
            last |= {entry.record.transaction_id: entry.record.stamp.at for entry in self._head}
        return last

    def _amend(self, amend: AmendRecords, step: Step, last: dict[str, float] | None = None) -> None:
        last = {} if last is None else last
        for index, entry in enumerate(self._head):
            if entry.id > amend.after_id and entry.id not in self._sent and not entry.again:
                record = amended(entry, amend, last)
                if record != entry.record:
                    body = pack(record)
                    self.size += _bytes(body) - entry.size
                    self._head[index] = entry._replace(record=record, size=_bytes(body))
                    step.emit(SaveRecord(entry.id, entry.message_id, record, body))
            last[entry.record.transaction_id] = self._head[index].record.stamp.at
        if self._behind:
            # A time is held to the record before it, be that one of those that stay as they are.
            after_id = self.read_to if amend.right else max(self.read_to, amend.after_id)
            sent = tuple(self._sent)
            step.emit(amend._replace(after_id=after_id, sent=sent, last=tuple(last.items())))
            self.amends += 1
            self._ask_anew()

    # -- what others ask -----------------------------------------------------------------------------------------------

    def attempts(self, entry: Entry) -> int:
        return self._tried.get(entry.id, NOT_TRIED).refused

    def silent(self, record_id: int) -> int:
        """Connections that ended at it in silence."""
        return self._tried.get(record_id, NOT_TRIED).silent

    def holds(self, transaction_id: str) -> bool:
        return transaction_id in self._held

    @property
    def behind(self) -> int:
        """How many are only on the disk."""
        return self._behind

    def __iter__(self) -> Iterator[Entry]:
        """Those at hand."""
        return iter(self._head)

    def __len__(self) -> int:
        return len(self._head) + self._behind


def _bytes(body: str) -> int:
    return len(body.encode())


def amended(entry: Entry, amend: AmendRecords, last: dict[str, float]) -> TransactionRecord:
    """As `AmendRecords` says; the same where there is nothing to be made right. `last`: when the record before it was,
    by transaction; this one joins it."""
    record, right = entry.record, amend.right
    if amend.offline and not record.offline:
        record = record._replace(offline=True)
    stamp = right.stamp(record.stamp) if right else None
    if right and stamp and (entry.id >= amend.own_from or not record.stamp.sure):
        # One that may follow what an earlier process has told is not put back.
        least = last.get(record.transaction_id, record.stamp.at if record.seq_no and record.stamp.sure else 0.0)
        record = record._replace(
            stamp=stamp if stamp.at >= least else stamp._replace(at=least, how="held"),
            values=tuple(value._replace(at=right.fact(value.at)) for value in record.values),
            told_at=record.told_at and right.fact(record.told_at),
        )
    last[record.transaction_id] = record.stamp.at
    return record
