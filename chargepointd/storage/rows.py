"""The rows of the tables, and whether they are what was written.

A row with a wrong checksum, or that is no value, is not used: it goes to table `damaged`, for a person to see, and what
it was is told.
"""

import json
import logging
import re
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from chargepointd.core.tuples import NamedTuple
from chargepointd.storage.checksum import SEEDS, checksum, row_text

T = TypeVar("T")

log = logging.getLogger(__name__)


class Table(NamedTuple):
    columns: tuple[str, ...]
    """what the checksum is of, the key first"""
    more: tuple[str, ...] = ()
    """what a program without checksums changes in place"""
    also: tuple[str, ...] = ()
    """what has a default"""


TABLES = {
    "state": Table(("name", "value")),
    "variable": Table(("name", "value")),
    "session": Table(("evse_id", "body")),
    "record": Table(("id", "message_id", "body"), (), ("again",)),
    "dead": Table(("id", "message_id", "body"), ("reason",), ("at", "attempts", "reference")),
    "token": Table(("key", "kind", "info", "stored_at", "added_at", "used_at", "uses")),
    "listed": Table(("key", "entry")),
    "security": Table(("id", "kind", "at", "info"), ("message_id",)),
}
_NAMES = {name: ", ".join(table.columns + table.more) for name, table in TABLES.items()}
INSERT = {
    name: f"INSERT OR REPLACE INTO {name} ({names}, crc) VALUES (?{', ?' * (names.count(',') + 1)})"
    for name, names in _NAMES.items()
}
"""the values: columns, more, checksum"""


def columns_of(name: str) -> tuple[str, ...]:
    table = TABLES[name]
    return table.columns + table.more + table.also


def seal(name: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of `INSERT`: with its checksum."""
    return *row, checksum(SEEDS[name], row_text(row[: len(TABLES[name].columns)]))


class Damaged(NamedTuple):
    table: str
    row: tuple[Any, ...]
    why: str

    @property
    def ends(self) -> str | None:
        """The transaction whose end this is, as far as a record that is damaged can still be read; empty: it may be
        anybody's."""
        told = re.match(r'\["(Started|Updated|Ended)","([^"]+)",', str(self.row[-1]))
        return None if self.table != "record" or (told and told[1] != "Ended") else told[2] if told else ""

    @property
    def what(self) -> str:
        return f"{self.table} {str(self.row[0])[:60]}".encode("ascii", "replace").decode()


class Reader:
    """Reads what is kept, and remembers what is wrong with it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.damaged: list[Damaged] = []
        self._unsealed: list[tuple[str, int, Any]] = []

    def read(self, name: str, value_of: Callable[..., T | None], where: str = "") -> list[T]:
        """The rows as values; `value_of` raises ValueError for what is none."""
        values: list[T] = []
        width, seed = len(TABLES[name].columns), SEEDS[name]
        for *row, crc in self._rows(f"SELECT {_NAMES[name]}, crc FROM {name} {where}"):
            right = checksum(seed, row_text(tuple(row[:width])))
            if crc not in (None, right):
                self._lose(name, row, "its checksum is wrong")
                continue
            try:
                value = value_of(*row)
                if value is not None:
                    values.append(value)
            except (ValueError, TypeError) as error:
                self._lose(name, row, f"it cannot be read: {error}")
                continue
            if crc is None:
                self._unsealed.append((name, right, row[0]))
        return values

    def check(self, name: str, where: str = "") -> None:
        """Of rows that are read when their turn comes."""
        self.read(name, _nothing, where)

    def _rows(self, query: str) -> Iterator[Any]:
        done = 0
        try:
            for row in self._db.execute(query):
                yield row
                done += 1
            return
        except sqlite3.OperationalError as error:
            if "decode" not in str(error):
                raise
        self._db.text_factory = lambda data: data.decode("utf-8", "surrogateescape")  # a text that is none any more
        try:
            yield from self._db.execute(query).fetchall()[done:]
        finally:
            self._db.text_factory = str

    def _lose(self, name: str, row: list[Any], why: str) -> None:
        lost = Damaged(name, tuple(row), why)
        log.error("state: %s is damaged and left out: %s", lost.what, why)
        self.damaged.append(lost)

    @property
    def ends(self) -> list[str]:
        """The transactions whose end is damaged; an empty name stands for any."""
        return [each.ends for each in self.damaged if each.ends is not None]

    # -- within a transaction of the caller ----------------------------------------------------------------------------

    @property
    def finds(self) -> bool:
        """There is something to put in order."""
        return bool(self.damaged or self._unsealed)

    def put_in_order(self) -> None:
        """What is damaged is put aside, what has no checksum gets one."""
        for name, row, _ in self.damaged:
            keep_aside(self._db, name, row)
            key, column = row[0], TABLES[name].columns[0]
            if isinstance(key, str):  # it may be no text any more
                column, key = f"CAST({column} AS BLOB)", key.encode("utf-8", "surrogateescape")
            self._db.execute(f"DELETE FROM {name} WHERE {column} IS ?", (key,))
        for name, crc, key in self._unsealed:
            self._db.execute(f"UPDATE {name} SET crc = ? WHERE {TABLES[name].columns[0]} = ?", (crc, key))


def _nothing(*row: Any) -> None:
    pass


def keep_aside(db: sqlite3.Connection, name: str, row: tuple[Any, ...]) -> None:
    text = json.dumps([value.hex() if isinstance(value, bytes) else value for value in row])
    db.execute("INSERT INTO damaged (source, row) VALUES (?, ?)", (name, text))
