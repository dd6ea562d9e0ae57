"""What is readable of a damaged database, and of the newest good copy, goes into a new one.

The rule. What the damaged file itself says, row by row, is true: each row has a checksum. A copy is old, and what it
knows of a transaction may have gone on, ended, been told and been settled since: so

- from a copy come only what was set (variables, availability, network, certificates, charging profiles) and what is for
  a person (the security log, as told; dead letters), and that only where the file's own table is not whole;
- records that only a copy knows are never told by themselves: they become dead letters, which a person may send;
- a transaction goes on only with the file's own session, which is kept with each of its records: else its `seqNo` may
  have been used already;
- one without a session ends with what is known (`orphans`) where no end of it can have been lost; else it is named to
  CSMS and technician, who can close it: the station then answers GetTransactionStatus with false;
- the local list and the cache are not mixed with older ones: they may say who is blocked now. A list that is not whole
  is dropped, with its version, so that the CSMS sends it anew.
"""

import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chargepointd.core.messages import TransactionRecord
from chargepointd.core.pack import unpack
from chargepointd.core.session import Session
from chargepointd.core.tuples import NamedTuple
from chargepointd.storage.checksum import SEEDS, checksum, row_text
from chargepointd.storage.copies import COPIES
from chargepointd.storage.image import with_schema
from chargepointd.storage.orphans import end_orphans
from chargepointd.storage.rows import TABLES, Damaged, columns_of, keep_aside

log = logging.getLogger(__name__)

_SET = ("availability", "network", "certificates", "signatures", "secc")
_PROFILE = "charging_profile/"
_ONLY_A_COPY = "known from a copy only: the CSMS may have it"


class Found(NamedTuple):
    """Of one table."""

    rows: dict[Any, tuple[Any, ...]]
    """whole, by key: all columns, the checksum last"""
    damaged: list[Damaged]
    whole: bool
    """nothing of it is missing, as far as can be seen"""


NOTHING = Found({}, [], False)


class Source(NamedTuple):
    """A database that is read."""

    db: sqlite3.Connection
    guessed: bool
    """its schema is that of another: a row without a checksum may be one of another table"""


def salvage(db: sqlite3.Connection, image: bytearray | None, directory: Path, *, doubt: bool = False) -> list[str]:
    """Fills `db`, which is new and empty. What is told of it: what is missing, in a few words each. doubt: there may
    have been more records."""
    file = _opened(image, db) if image else None
    copy = _newest_copy(directory, db)
    lost: list[str] = []
    try:
        found = {name: _found(file, name) for name in TABLES} if file else dict.fromkeys(TABLES, NOTHING)
        older = {name: _found(copy, name) for name in TABLES} if copy else dict.fromkeys(TABLES, NOTHING)
    finally:
        for each in (file, copy):
            if each:
                each.db.close()
    db.execute("BEGIN IMMEDIATE")
    something = any(table.rows for table in found.values())
    if not something:
        lost.append("all that was kept")
    for name, table in found.items():
        _put(db, name, table.rows.values())
        for damaged in table.damaged:
            keep_aside(db, name, damaged.row)
        lost += [each.what for each in table.damaged]
        if something and not table.whole and not table.damaged:
            lost.append(f"rows of {name}")
    _complete(db, found, older)
    lost += _end_transactions(db, found, older, doubt)
    db.execute("COMMIT")
    return lost


def complete(db: sqlite3.Connection, tables: set[str], directory: Path) -> None:
    """What single rows of these tables have lost, within a transaction of the caller."""
    copy = _newest_copy(directory, db)
    if copy:
        try:
            older = {name: _found(copy, name) for name in TABLES}
        finally:
            copy.db.close()
        _put(db, "variable", older["variable"].rows.values() if "variable" in tables else ())
        _put(db, "state", _what_was_set(older["state"]) if "state" in tables else ())
    if "listed" in tables or not db.execute("SELECT 1 FROM state WHERE name = 'local_list'").fetchone():
        _drop_list(db)


def _what_was_set(state: Found) -> list[tuple[Any, ...]]:
    return [row for name, row in state.rows.items() if name in _SET or str(name).startswith(_PROFILE)]


def _drop_list(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM listed")
    db.execute("DELETE FROM state WHERE name = 'local_list'")


def _opened(data: bytes | bytearray, like: sqlite3.Connection) -> Source | None:
    """`like`: a database of this schema; where the names of columns are damaged, they are as there."""
    db = _read(bytes(data), like)
    if db:
        return Source(db, guessed=False)
    db = _read(with_schema(bytes(data), like.serialize()), like)
    return Source(db, guessed=True) if db else None


def _read(data: bytes, like: sqlite3.Connection) -> sqlite3.Connection | None:
    if not data:
        return None
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        db.deserialize(data)
        db.text_factory = _lenient
        if any(_columns(like, name) != (found := _columns(db, name)) and found for name in TABLES):
            _mend_schema(db, like)
    except (sqlite3.Error, UnicodeDecodeError):
        db.close()
        return None
    return db


def _lenient(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _columns(db: sqlite3.Connection, name: str) -> list[str]:
    return [row[1] for row in db.execute(f"PRAGMA table_info({name})")]


def _mend_schema(db: sqlite3.Connection, like: sqlite3.Connection) -> None:
    db.execute("PRAGMA writable_schema = ON")
    for name in TABLES:
        if len(_columns(db, name)) == len(_columns(like, name)):
            [sql] = like.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
            db.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, name))
    db.execute("PRAGMA writable_schema = RESET")


def _newest_copy(directory: Path, like: sqlite3.Connection) -> Source | None:
    for name in COPIES:
        try:
            opened = _opened((directory / name).read_bytes(), like)
        except OSError:
            continue
        if opened:
            log.warning("state: what the damaged file does not have is looked for in %s", name)
            return opened
    return None


def _found(source: Source, name: str) -> Found:
    """Row by row from the front, until it cannot be read any further, and from the back."""
    db, table = source.db, TABLES[name]
    rows: dict[Any, tuple[Any, ...]] = {}
    damaged: dict[Any, Damaged] = {}
    whole = True
    try:
        columns = _columns(db, name)
    except (sqlite3.Error, UnicodeDecodeError):
        return NOTHING
    wanted = [column for column in columns_of(name) if column in columns]
    if len(wanted) < len(table.columns):
        return NOTHING
    crc = "crc" if "crc" in columns else "NULL"
    for order in ("ASC", "DESC"):
        query = f"SELECT {', '.join(wanted)}, {crc} FROM {name} NOT INDEXED ORDER BY {table.columns[0]} {order}"
        try:
            for row in db.execute(query):
                right = checksum(SEEDS[name], row_text(row[: len(table.columns)]))
                if row[-1] == right or (row[-1] is None and not source.guessed):
                    rows[row[0]] = (*row[:-1], *[None] * (len(columns_of(name)) - len(wanted)), right)
                else:
                    damaged[row[0]] = Damaged(name, row[:-1], "")
        except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
            log.warning("state: %s cannot be read any further: %s", name, error)
            whole = False
        else:
            break
    for lost in damaged.values():
        log.error("state: %s is damaged and left out: its checksum is wrong", lost.what)
    return Found(rows, list(damaged.values()), whole and not damaged)


def _put(db: sqlite3.Connection, name: str, rows: Iterable[tuple[Any, ...]]) -> None:
    names = [*columns_of(name), "crc"]
    for row in rows:
        given = {column: value for column, value in zip(names, row, strict=True) if value is not None}
        marks = ", ".join("?" * len(given))
        try:
            db.execute(f"INSERT OR IGNORE INTO {name} ({', '.join(given)}) VALUES ({marks})", list(given.values()))
        except (sqlite3.Error, UnicodeEncodeError) as error:
            log.warning("state: %s %r cannot be kept: %s", name, row[0], error)


def _complete(db: sqlite3.Connection, found: dict[str, Found], older: dict[str, Found]) -> None:
    if not found["variable"].whole:
        _put(db, "variable", older["variable"].rows.values())
    if not found["state"].whole:
        rows = older["state"].rows
        _put(db, "state", _what_was_set(older["state"]))
        if "settled" not in found["state"].rows and "settled" in rows:  # at least so much was
            _put(db, "state", [rows["settled"]])
    if not found["security"].whole:
        _put(db, "security", older["security"].rows.values())
        copied = older["security"].rows.keys() - found["security"].rows.keys()
        db.executemany("UPDATE security SET message_id = '' WHERE id = ?", [(number,) for number in copied])
    if not found["dead"].whole:
        _put(db, "dead", older["dead"].rows.values())
    if not found["record"].whole:
        _bury_copied(db, found, older)
    if not found["listed"].whole or "local_list" not in found["state"].rows:
        _drop_list(db)


def _bury_copied(db: sqlite3.Connection, found: dict[str, Found], older: dict[str, Found]) -> None:
    """Records that only the copy knows, and that waited when it was made."""
    settled = _settled(db)
    for number, row in older["record"].rows.items():
        if number > settled and number not in found["record"].rows:
            db.execute(
                "INSERT OR IGNORE INTO dead (id, message_id, body, reason, crc) VALUES (?, ?, ?, ?, ?)",
                (*row[:3], _ONLY_A_COPY, row[-1]),
            )


def _end_transactions(
    db: sqlite3.Connection, found: dict[str, Found], older: dict[str, Found], doubt: bool
) -> list[str]:
    """Where sessions or records are missing. Names those of which nobody here knows how they ended."""
    record, session = found["record"], found["session"]
    if record.whole and session.whole:
        return []
    sessions = _sessions(session)
    told, ended = _transactions(record)
    for number, one in list(sessions.items()):
        if one.transaction and one.transaction.id in ended:  # its page is an older one: that was over
            del sessions[number]
            db.execute("DELETE FROM session WHERE evse_id = ?", (number,))
    running = {one.transaction.id for one in sessions.values() if one.transaction}
    doubtful: dict[str, int] = {}
    if record.whole and not doubt:
        end_orphans(db, sessions, _settled(db), ())
    else:
        doubtful = dict.fromkeys(told - ended - running, 0)
    if not session.whole:
        copied = {one.transaction.id: at for at, one in _sessions(older["session"]).items() if one.transaction}
        doubtful |= {name: at for name, at in copied.items() if name not in running | (told if record.whole else ended)}
    for name in doubtful:
        log.error("state: how transaction %s ended is not known", name)
    return [f"the end of transaction {name}" + (f" at EVSE {at}" if at > 0 else "") for name, at in doubtful.items()]


def _sessions(found: Found) -> dict[int, Session]:
    sessions = {}
    for number, row in found.rows.items():
        try:
            sessions[number] = unpack(Session, row[1])
        except ValueError:
            continue
    return sessions


def _transactions(found: Found) -> tuple[set[str], set[str]]:
    """Those there are records of, and those whose end is among them."""
    told, ended = set(), set()
    for row in found.rows.values():
        try:
            record = unpack(TransactionRecord, row[2])
        except ValueError:
            continue
        told.add(record.transaction_id)
        if record.kind == "Ended":
            ended.add(record.transaction_id)
    return told, ended


def _settled(db: sqlite3.Connection) -> int:
    try:
        return int(db.execute("SELECT value FROM state WHERE name = 'settled'").fetchone()[0])
    except (TypeError, ValueError):
        return 0
