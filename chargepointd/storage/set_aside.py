"""The records that were set aside, on the disk: table `dead`, which has the columns of `record` and why."""

import json
import re
import sqlite3
from collections.abc import Sequence

from chargepointd.core import effects as f
from chargepointd.core.dead_letters import DeadLetter
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.pack import unpack
from chargepointd.storage.database import StoreError
from chargepointd.storage.waiting import checksum_of

_YEAR_9999 = 253_402_300_800.0
_ROW = "crc, id, CAST(message_id AS BLOB), CAST(body AS BLOB)"
"""as bytes: what the disk has changed may be no text any more"""


class Unreadable(StoreError):
    """The table is damaged. Nobody but a person needs it, and nothing else is, so there is no hurry."""

    def __init__(self, error: Exception) -> None:
        super().__init__(
            f"the records that were set aside cannot be read ({error}): what is left of them is saved at a restart, "
            "which comes by itself when nobody charges"
        )


def set_aside(db: sqlite3.Connection, settle: f.SettleRecord) -> int:
    """Puts a record there. Gives how many that were: none, where it is there already."""
    return db.execute(
        "INSERT OR IGNORE INTO dead (id, message_id, body, crc, reason, at, attempts, reference) "
        "SELECT id, message_id, body, crc, ?, ?, ?, ? FROM record WHERE id = ?",
        (settle.dead, settle.at, settle.attempts, settle.reference, settle.record_id),
    ).rowcount


def letters(db: sqlite3.Connection, ids: Sequence[int], after_id: int, limit: int) -> tuple[DeadLetter, ...]:
    """Those named, or the oldest after an id. One that the disk has changed is there too, without its record."""
    which = f"id IN ({_list(ids)})" if ids else f"id > {after_id}"
    # The checksum is not of these: whatever stands there.
    facts = "CAST(at AS REAL), CAST(attempts AS INTEGER), CAST(reference AS INTEGER), typeof(reference)"
    found = []
    for crc, number, message_id, body, reason, at, attempts, reference, kind in db.execute(
        f"SELECT {_ROW}, CAST(reason AS BLOB), {facts} FROM dead WHERE {which} ORDER BY id LIMIT {limit}"
    ).fetchall():
        record = _record(crc, number, message_id, body) if kind in ("integer", "null") else None
        shown, why, at = message_id.decode(errors="replace"), reason.decode(errors="replace"), _time(at)
        found.append(DeadLetter(number, shown, record, len(body), why, at, attempts, reference))
    return tuple(found)


def _record(crc: int | None, number: int, message_id: bytes, body: bytes) -> TransactionRecord | None:
    try:
        text = body.decode()
        whole = crc in (None, checksum_of(number, message_id.decode(), text))
        return unpack(TransactionRecord, text) if whole else None
    except ValueError:
        return None


def _time(at: float) -> float:
    return at if 0.0 <= at < _YEAR_9999 else 0.0


def mind(db: sqlite3.Connection, save: f.Save) -> None:
    """What a person has decided of them."""
    if isinstance(save, f.ForgetToken):
        _forget(db, save.key)
    elif isinstance(save, f.RetryDead | f.DropDead):
        which = f"WHERE id IN ({_list(save.record_ids)})"
        if isinstance(save, f.RetryDead):
            db.execute(
                "INSERT OR REPLACE INTO record (id, message_id, body, crc, again) "
                f"SELECT id, message_id, body, crc, 1 FROM dead {which}"
            )
        db.execute(f"DELETE FROM dead {which}")


def _forget(db: sqlite3.Connection, token: str) -> None:
    key = re.compile(re.escape(json.dumps(token, ensure_ascii=False)), re.IGNORECASE)
    for crc, number, *texts in db.execute(f"SELECT {_ROW} FROM dead").fetchall():
        message_id, body = (text.decode(errors="surrogateescape") for text in texts)
        if key.search(body):
            whole = crc in (None, checksum_of(number, message_id, body))
            body = key.sub('""', body)
            right = checksum_of(number, message_id, body)
            row = (body.encode(errors="surrogateescape"), right if whole else ~right, number)  # what was wrong stays so
            db.execute("UPDATE dead SET body = CAST(? AS TEXT), crc = ? WHERE id = ?", row)


def _list(ids: Sequence[int]) -> str:
    return ",".join(map(str, ids))
