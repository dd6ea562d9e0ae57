"""The records that wait, on the disk: table `record`, a page at a time, for a queue may be longer than the memory.

Those up to the last that is settled do not wait, but for one that was dead and is to be tried `again`.
"""

import logging
import sqlite3
from collections.abc import Callable
from typing import Any

from chargepointd.core.effects import AmendRecords, SettleRecord
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.pack import pack, unpack
from chargepointd.core.records import Behind, Entry, amended
from chargepointd.storage.checksum import SEEDS, checksum

log = logging.getLogger(__name__)

PAGE = 500
"""records that are made right at once: of a long queue not all shall be in memory"""
PAGE_BYTES = 500_000
"""of records that are read at once; a single one may be larger"""
_TRANSACTION = """substr(body, instr(body, '","') + 3, instr(substr(body, instr(body, '","') + 3), '"') - 1)"""
"""the second text of a record's body: all that a count by transaction has to read of it"""
_ENTRY = "id, CAST(message_id AS BLOB), CAST(body AS BLOB), crc, again"
"""columns of a record; as bytes, for what the disk has changed may be no text any more"""
_SEED = SEEDS["record"]


def checksum_of(number: int, message_id: str, body: str) -> int:
    """Of a record."""
    return checksum(_SEED, f"{number}\0{message_id}\0{body}")


def behind(db: sqlite3.Connection, settled: int, after_id: int) -> Behind:
    """What waits after this one. Row by row: SQLite would sort them all in memory to group them."""
    size, held = 0, dict[str, int]()
    for transaction_id, length in db.execute(
        f"SELECT {_TRANSACTION}, length(CAST(body AS BLOB)) FROM record WHERE id > ? AND (id > ? OR again)",
        (after_id, settled),
    ):
        size += length
        held[transaction_id] = held.get(transaction_id, 0) + 1
    return Behind(sum(held.values()), size, held)


def page(db: sqlite3.Connection, settled: int, after_id: int, limit: int) -> tuple[tuple[Entry, ...], bool, int, int]:
    """As `Store.waiting`."""
    entries: list[Entry] = []
    unreadable = []
    size = 0
    rows = db.execute(
        f"SELECT {_ENTRY} FROM record WHERE id > ? AND (id > ? OR again) ORDER BY id", (after_id, settled)
    )
    complete = True
    for row in rows:
        if len(entries) >= limit or size >= PAGE_BYTES:
            complete = False
            break
        try:
            entries.append(_entry(*row))
            size += entries[-1].size
        except ValueError as error:
            log.warning("state: record %s cannot be read and is left out: %s", row[0], error)
            unreadable.append((row[0], len(row[2])))
    rows.close()
    buried, buried_size = _buried(db, unreadable) if unreadable else (0, 0)
    return tuple(entries), complete, buried, buried_size


def _buried(db: sqlite3.Connection, unreadable: list[tuple[int, int]]) -> tuple[int, int]:
    """How many of these could be set aside, and their bytes."""
    from chargepointd.storage.set_aside import set_aside  # a disk seldom fails

    buried = buried_size = 0
    for record_id, length in unreadable:
        try:
            if set_aside(db, SettleRecord(record_id, "cannot be read")):
                buried, buried_size = buried + 1, buried_size + length
        except sqlite3.OperationalError as error:
            log.warning("state: record %s cannot be set aside: %s", record_id, error)
    return buried, buried_size


def _entry(record_id: int, message_id: bytes, body: bytes, crc: int | None, again: int) -> Entry:
    name, text = message_id.decode(), body.decode()
    if crc not in (None, checksum_of(record_id, name, text)):
        raise ValueError("its checksum is wrong")
    return Entry(record_id, name, unpack(TransactionRecord, text), len(body), bool(again))


# -- made right, within a transaction of the caller --------------------------------------------------------------------


def amend(db: sqlite3.Connection, save: AmendRecords, progressed: Callable[[], None]) -> None:
    """Those behind `after_id` that were not sent yet. `progressed` is called after each page."""
    last, after_id = dict(save.last), save.after_id
    while rows := db.execute(
        f"SELECT {_ENTRY} FROM record WHERE id > ? AND NOT again ORDER BY id LIMIT ?", (after_id, PAGE)
    ).fetchall():
        for row in rows:
            if row[0] not in save.sent:
                _amend_one(db, row, save, last)
        after_id = rows[-1][0]
        progressed()


def _amend_one(db: sqlite3.Connection, row: tuple[Any, ...], save: AmendRecords, last: dict[str, float]) -> None:
    try:
        entry = _entry(*row)
    except ValueError:
        return  # found, and set aside, when its turn comes
    right = amended(entry, save, last)
    if right is not entry.record:
        body = pack(right)
        crc = checksum_of(entry.id, entry.message_id, body)
        db.execute("UPDATE record SET body = ?, crc = ? WHERE id = ?", (body, crc, entry.id))
