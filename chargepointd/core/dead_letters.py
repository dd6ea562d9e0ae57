"""Records that the CSMS did not take: set aside for a person, who may send them again, or drop them.

A record that is sent again keeps its message id and its content, and its place: before all that was set aside or
settled since (by its id), so that those of one transaction are told in their order. Its attempts begin anew.

What a 1.6 CSMS numbers: a record is told with the number that its transaction had when it was set aside. Where the
start itself is told again and taken, its number is that of all that is told after it. But a start whose end was told
already (with transactionId -1) stays here: it would open a transaction that nobody ends. It is billed by hand.

They may take `DEAD_SHARE` of what the queue may take, beside it; with more the oldest go, and that is told.
"""

from collections.abc import Iterable

from chargepointd.core.commands import MindDead, Reply, Shown, Status
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import DropDead, LoadDead, Note, RetryDead
from chargepointd.core.events import DeadLoaded
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.outbox import DEAD_SHARE, Outbox
from chargepointd.core.records import Entry
from chargepointd.core.topic import Answer
from chargepointd.core.tuples import NamedTuple

AT_ONCE = 500
"""are sent again, or dropped, by one command; each of them is a value in memory until it is answered"""
UNREADABLE = "it cannot be read any more"
NEVER_ENDED = "its end was told already, without a number: the CSMS would have a transaction that never ends"


class DeadLetter(NamedTuple):
    """A record that was set aside."""

    id: int
    message_id: str
    record: TransactionRecord | None
    """None: it cannot be read"""
    size: int
    """bytes"""
    reason: str
    at: float = 0.0
    """when it was set aside: UTC, s since 1970; 0: nobody knows"""
    attempts: int = 0
    reference: int | None = None
    """the number the CSMS gave its transaction"""


class DeadLetters:
    def __init__(self, context: Context, outbox: Outbox) -> None:
        self._context = context
        self._outbox = outbox
        self._asked: dict[int, tuple[MindDead, Answer] | None] = {}
        """by ticket; None: the oldest are to go"""
        self._ticket = 0

    def obey(self, command: MindDead, step: Step, answer: Answer) -> None:
        self._ask(command.ids, (command, answer), step)

    def trim(self, step: Step) -> None:
        """Too many: the oldest are to go."""
        if None not in self._asked.values():
            self._ask((), None, step)

    def _ask(self, ids: tuple[int, ...], why: tuple[MindDead, Answer] | None, step: Step) -> None:
        self._ticket += 1
        self._asked[self._ticket] = why
        step.emit(LoadDead(self._ticket, ids[:AT_ONCE], AT_ONCE))

    def loaded(self, event: DeadLoaded, step: Step) -> None:
        asked = self._asked.pop(event.ticket)
        if asked is None:
            self._drop_oldest(event.letters, step)
            return
        command, answer = asked
        if event.damage:
            answer(Status("Rejected", event.damage), step)
            return
        missing = [{"id": number, "why": "there is none"} for number in _missing(command.ids, event.letters)]
        if command.act == "retry":
            answer(self._send_again(event.letters, missing, step), step)
            return
        dropped = len(event.letters)
        if dropped:
            self._drop(event.letters, step)
            step.emit(Note("outbox", 0, f"{dropped} records that were set aside were dropped by a technician"))
        answer(Shown({"dropped": dropped, "refused": missing, "dead": self._outbox.dead}), step)

    # -- gone ----------------------------------------------------------------------------------------------------------

    def _drop(self, letters: Iterable[DeadLetter], step: Step) -> None:
        self._take(letters)
        step.emit(DropDead(tuple(letter.id for letter in letters)))

    def _take(self, letters: Iterable[DeadLetter]) -> None:
        for letter in letters:
            self._outbox.dead -= 1
            self._outbox.dead_size -= letter.size

    def _drop_oldest(self, letters: tuple[DeadLetter, ...], step: Step) -> None:
        over, oldest = self._outbox.dead_size - self._context.plan.outbox_bytes * DEAD_SHARE, []
        for letter in letters:
            if over <= 0:
                break
            oldest.append(letter)
            over -= letter.size
        if oldest:
            self._drop(oldest, step)
            info = f"{len(oldest)} of the records that the CSMS did not take were dropped, for lack of room"
            self._context.happened("MemoryExhaustion", info, step)

    # -- again ---------------------------------------------------------------------------------------------------------

    def _send_again(self, letters: tuple[DeadLetter, ...], refused: list[dict[str, object]], step: Step) -> Reply:
        ended = {letter.record.transaction_id for letter in letters if letter.record and letter.record.kind == "Ended"}
        sent = []
        for letter in letters:
            why = self._hindrance(letter, ended)
            if why:
                refused.append({"id": letter.id, "why": why})
            else:
                sent.append(letter)
        if sent:
            self._restore(sent, step)
        return Shown({"sent": len(sent), "refused": refused, "dead": self._outbox.dead})

    def _hindrance(self, letter: DeadLetter, ended: set[str]) -> str:
        record = letter.record
        if record is None:
            return UNREADABLE
        opens = record.kind == "Started" and self._context.rules.numbers_transactions
        known = record.transaction_id in ended or self._outbox.knows(record.transaction_id)
        return NEVER_ENDED if opens and not known else ""

    def _restore(self, letters: list[DeadLetter], step: Step) -> None:
        self._take(letters)
        step.emit(RetryDead(tuple(letter.id for letter in letters)))
        entries = []
        for letter in letters:
            assert letter.record
            if letter.reference is not None:
                self._outbox.names.lend(letter.record, letter.reference, step)
            entries.append(Entry(letter.id, letter.message_id, letter.record, letter.size, again=True))
        self._outbox.records.put_in_front(entries)
        step.emit(Note("outbox", 0, f"{len(letters)} records that were set aside are sent again"))


def _missing(ids: tuple[int, ...], letters: Iterable[DeadLetter]) -> list[int]:
    found = {letter.id for letter in letters}
    return [number for number in ids if number not in found]
