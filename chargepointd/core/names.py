"""How transactions are called: by the station's ids, and by the numbers that a CSMS (1.6) gives.

The dialect may change with any connection, in the middle of the queue. A CSMS that numbers transactions (1.6) is told
the start of one that it has not heard of before anything else of it: from the moment, and the register, that was told
last. A transaction that was numbered keeps its number as its name, in a dialect that has the station's names too. So
each stretch of the register is told under one name, and none under two; but for what was sent in one dialect and not
answered. It may have been taken or not, and is told again in another, from the same moment and register on, under
another message id.
"""

from typing import TYPE_CHECKING

from chargepointd.core.context import Context, Step
from chargepointd.core.effects import SaveState
from chargepointd.core.messages import Answer, RecordAnswered, TransactionRecord

if TYPE_CHECKING:
    from chargepointd.core.saved import Saved

GIVEN_UP = -(1 << 62)
"""instead of a number: the CSMS would not take the start of the transaction (1.6 errata v4.0, 3.18)"""


class Names:
    def __init__(self, context: Context, saved: "Saved") -> None:
        self._context = context
        self._references = saved.references
        self._lent: list[str] = list(saved.state.get("lent") or ())
        """transactions that are over, and whose numbers are kept for records that are sent again"""

    def transaction_of(self, reference: int) -> str | None:
        """The station's id of the transaction that the CSMS knows by a number."""
        return next((tx for tx, number in self._references.items() if number == reference), None)

    def name_of(self, transaction_id: str) -> str:
        """How the transaction is called in a dialect that has the station's ids: one that a CSMS has numbered, by its
        number. (Numbers from 1: 0 and -1 are what many a CSMS gives to whatever it refuses.)"""
        number = self._references.get(transaction_id, 0)
        return str(number) if number > 0 else transaction_id

    def transaction_named(self, name: str | None) -> str | None:
        """The station's id of the transaction that is called so."""
        return next((tx for tx in self._references if self.name_of(tx) == name), name)

    def reference_of(self, transaction_id: str) -> int | None:
        number = self._references.get(transaction_id)
        return None if number == GIVEN_UP else number

    def number_of(self, transaction_id: str) -> int | None:
        """As it is kept: a number, or `GIVEN_UP`."""
        return self._references.get(transaction_id)

    def __contains__(self, transaction_id: str) -> bool:
        """A CSMS was told of it, and numbered it or would not have it."""
        return transaction_id in self._references

    def lacks_start(self, record: TransactionRecord) -> bool:
        """This CSMS numbers transactions, and has not heard of this one: it began while another dialect was spoken."""
        return self.lacks_number(record) and record.kind != "Started"

    def lacks_number(self, record: TransactionRecord) -> bool:
        return self._context.rules.numbers_transactions and record.transaction_id not in self._references

    # -- what the CSMS gives ------------------------------------------------------------------------------------------

    def bind(self, record: TransactionRecord, answer: Answer, step: Step) -> None:
        if isinstance(answer, RecordAnswered) and answer.reference is not None:
            self._number(record, answer.reference, step)
        elif record.kind == "Ended":
            # That it was told is kept at once, numbered or not: after a power cut it would be told again, in another
            # dialect perhaps, and as another transaction.
            self._references.pop(record.transaction_id, None)
            step.emit(SaveState(f"reference/{record.transaction_id}", None))

    def give_up(self, record: TransactionRecord, step: Step) -> None:
        """The CSMS would not take its start."""
        self._number(record, GIVEN_UP, step)

    def _number(self, record: TransactionRecord, number: int, step: Step) -> None:
        self._references[record.transaction_id] = number
        step.emit(SaveState(f"reference/{record.transaction_id}", number))

    def lend(self, record: TransactionRecord, number: int, step: Step) -> None:
        """To a record that is sent again, that of its transaction; until the last of them is told."""
        if record.transaction_id not in self._references:
            self._number(record, number, step)
            self._lent.append(record.transaction_id)
            step.emit(SaveState("lent", self._lent))

    def take_back(self, transaction_id: str, step: Step) -> None:
        """The last of its records that were sent again is told, or set aside once more."""
        if transaction_id in self._lent:
            self._lent.remove(transaction_id)
            step.emit(SaveState("lent", self._lent or None))
            if self._references.pop(transaction_id, None) is not None:
                step.emit(SaveState(f"reference/{transaction_id}", None))


def start_of(record: TransactionRecord) -> TransactionRecord:
    """What stands before the first record of a transaction that this CSMS hears of: where the one before it stopped."""
    at, register = record.told_at, record.told_wh
    return TransactionRecord(
        "Started",
        record.transaction_id,
        record.seq_no,
        record.stamp if at is None or register is None else record.stamp._replace(at=at),
        record.trigger,
        record.evse_id,
        record.connector_id,
        energy_wh=record.energy_wh if register is None else register,
        token=record.starter,
        starter=record.starter,
        reservation_id=record.reservation_id,
    )
