"""What was found lost on the disk, kept with what is left of it until the station has told it: else a power cut in
between, or a start that only sees whether the disk can be written, would leave it unsaid."""

import sqlite3
from collections.abc import Iterable

from chargepointd.core.pack import as_json, unpack
from chargepointd.core.security import LOST
from chargepointd.storage.rows import INSERT, Reader, seal


def note(db: sqlite3.Connection, lost: Iterable[str]) -> None:
    """Beside what is noted already, within a transaction of the caller if there is one. Even of nothing lost it is told
    that the file was damaged."""
    reader = Reader(db)
    noted = reader.read("state", lambda name, text: list(unpack(list, text)), f"WHERE name = '{LOST}'")
    before = [*(each for one in noted for each in one), *(each.what for each in reader.damaged)]
    db.execute(INSERT["state"], seal("state", (LOST, as_json([*before, *lost]))))
