"""Transactions whose session is lost: brought to an honest end.

Where the records of a transaction are there, none of them its end, and no session goes on with it, the session was
damaged. It ends with what is known: the moment and the register of its last record. Nothing is made up, and at the CSMS
no transaction stays open for ever.
"""

import logging
import secrets
import sqlite3
from collections.abc import Iterable

from chargepointd.core.messages import TransactionRecord
from chargepointd.core.pack import pack, unpack
from chargepointd.core.session import Session
from chargepointd.storage.rows import INSERT, Reader, seal

log = logging.getLogger(__name__)

BY_ID = "ORDER BY id"


def end_orphans(db: sqlite3.Connection, sessions: dict[int, Session], settled: int, unsure: Iterable[str]) -> None:
    """Adds their last records, within a transaction of the caller.

    unsure: transactions whose own end is damaged, and may have been told; an empty name stands for any. They are left
    as they are.
    """
    known = {session.transaction.id for session in sessions.values() if session.transaction}
    doubted = set(unsure)
    ended = []
    for last in _last_records(db).values():
        name = last.transaction_id
        if last.kind == "Ended" or name in known:
            continue
        if doubted & {name, ""}:
            log.error("state: the end of transaction %s is damaged; whether it was told is not known", name)
            continue
        log.error("state: the session of transaction %s is lost: it ends as it was known last", name)
        ended.append(_end_of(last))
    tops = db.execute("SELECT max(id) FROM record UNION ALL SELECT max(id) FROM dead").fetchall()
    first, boot_id = max(settled, *(top or 0 for (top,) in tops)) + 1, secrets.token_hex(6)
    rows = [seal("record", (first + n, f"{boot_id}-{n}", pack(record))) for n, record in enumerate(ended)]
    db.executemany(INSERT["record"], rows)


def leave_gaps(db: sqlite3.Connection, records: int) -> list[str]:
    """So many records may have been told that are not known here: leaves their numbers free behind all that runs. Gives
    what is to be said of it. Within a transaction of the caller."""
    said = []
    for evse_id, session in Reader(db).read("session", lambda number, body: (number, unpack(Session, body))):
        if session.transaction:
            running = session.transaction._replace(seq_no=session.transaction.seq_no + records)
            db.execute(INSERT["session"], seal("session", (evse_id, pack(session._replace(transaction=running)))))
            said.append(f"transaction {running.id} goes on with seqNo {running.seq_no}")
    return said


def _last_records(db: sqlite3.Connection) -> dict[str, TransactionRecord]:
    """By transaction, settled or not; each with the last register that is known."""
    last: dict[str, TransactionRecord] = {}
    for record in Reader(db).read("record", lambda number, message_id, body: unpack(TransactionRecord, body), BY_ID):
        before = last.get(record.transaction_id)
        if before and record.energy_wh is None:
            record = record._replace(energy_wh=before.energy_wh)
        last[record.transaction_id] = record
    return last


def _end_of(last: TransactionRecord) -> TransactionRecord:
    return last._replace(
        kind="Ended",
        seq_no=last.seq_no + 1,
        trigger="AbnormalCondition",
        charging_state=None,
        values=(),
        token=None,
        stopped_reason="Other",
        offline=True,
        reservation_id=None,
    )
