"""The file: open, migrate, load, commit.

WAL, `synchronous=FULL`: a commit that returned survives a power cut. A commit that only settles records is made with
`synchronous=NORMAL`: it survives the death of the process, and a power cut at most repeats a delivery under the same
message id. Settled records are a high-water mark, not a delete a row: that would double the bytes written.
"""

import contextlib
import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from chargepointd.core import effects as f
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.outbox import Entry
from chargepointd.core.saved import Saved
from chargepointd.core.session import Session
from chargepointd.core.token_store import Remembered
from chargepointd.core.values import TokenInfo
from chargepointd.storage.pack import pack, unpack

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
PRAGMAS = (
    "page_size=1024",  # a record and a session are 0.5 kB: with 4 kB pages a commit writes twice as much
    "locking_mode=EXCLUSIVE",
    "journal_mode=WAL",
    "wal_autocheckpoint=4000",
    "synchronous=FULL",
    "temp_store=MEMORY",
)
PURGE_EVERY = 256
"""settled rows are deleted this many at a time"""


class StoreError(Exception):
    """The state cannot be used; the text names the file and the remedy."""


def is_lazy(saves: Sequence[f.Save]) -> bool:
    """Nothing in it needs the disk before the next message may go.

    A session without authorization and transaction only says what the pilot will say again.
    """
    return all(map(_can_wait, saves))


def _can_wait(save: f.Save) -> bool:
    if isinstance(save, f.SettleRecord):
        return not save.dead
    if not isinstance(save, f.SaveSession):
        return False
    return save.session is None or not (save.session.authorized or save.session.transaction)


class Store:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / "chargepointd.db"
        self._lock_fd = -1
        self._settled = self._purged = 0
        self._savers = self._by_type()

    # -- open and load -------------------------------------------------------------------------------------------------

    def open(self) -> Saved:
        """Everything an earlier process committed. StoreError when another process has the directory, or it cannot
        be written."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            self._connect()
            self._migrate()
        except (OSError, sqlite3.OperationalError) as error:
            raise StoreError(
                f"{self._path}: {error}; is the state directory writable, and the disk not full?"
            ) from error
        return self._load()

    def _take_lock(self) -> None:
        self._lock_fd = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"{self._directory}: another chargepointd runs on this state directory; stop it, or give --state-dir"
            ) from None

    def _connect(self) -> None:
        try:
            self._open_file()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self._set_aside(error)
            self._open_file()

    def _open_file(self) -> None:
        created = not self._path.exists()
        self._db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        if created:
            self._path.chmod(0o600)
        for pragma in PRAGMAS:
            self._db.execute(f"PRAGMA {pragma}")
        if not created:
            verdict = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        """A file that is no database any more is kept for a person, and the station goes on with what it is told."""
        with contextlib.suppress(AttributeError, sqlite3.Error):
            self._db.close()
        broken = self._path.with_suffix(f".broken-{os.getpid()}")
        for suffix in ("", "-wal", "-shm"):
            part = self._path.with_name(self._path.name + suffix)
            if part.exists():
                part.rename(broken.with_name(broken.name + suffix))
        log.error("state: %s is damaged (%s): set aside as %s, beginning anew", self._path, error, broken.name)

    def _migrate(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        for path in sorted(MIGRATIONS.glob("*.sql")):
            number = int(path.stem)
            if number > version:
                self._db.executescript(f"BEGIN;\n{path.read_text()}\nPRAGMA user_version={number};\nCOMMIT;")

    def _load(self) -> Saved:
        rows = self._db.execute
        state: dict[str, Any] = {name: unpack(object, value) for name, value in rows("SELECT name, value FROM state")}
        self._settled = self._purged = state.get("settled", 0)
        records = rows("SELECT id, message_id, body FROM record WHERE id > ? ORDER BY id", (self._settled,))
        entries = tuple(Entry(n, message_id, unpack(TransactionRecord, body)) for n, message_id, body in records)
        last = rows("SELECT max(id) FROM (SELECT max(id) AS id FROM record UNION SELECT max(id) FROM dead)").fetchone()[
            0
        ]
        return Saved(
            variables=dict(rows("SELECT name, value FROM variable").fetchall()),
            sessions={n: unpack(Session, body) for n, body in rows("SELECT evse_id, body FROM session")},
            records=entries,
            next_record_id=max(last or 0, self._settled) + 1,
            tokens=tuple(
                (key, Remembered(kind, unpack(TokenInfo, info), at))
                for key, kind, info, at in rows("SELECT key, kind, info, stored_at FROM token")
            ),
            state=state,
            dead=rows("SELECT count(*) FROM dead").fetchone()[0],
        )

    # -- commit --------------------------------------------------------------------------------------------------------

    def commit(self, saves: Iterable[f.Save], *, durable: bool) -> None:
        """One transaction. When it returns it survives a power cut (`durable`) or the death of the process."""
        self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            settled = self._settled
            for save in saves:
                self._savers[type(save)](save)
            if self._settled != settled:
                self._put_state("settled", self._settled)
            if self._settled - self._purged >= PURGE_EVERY:
                self._db.execute("DELETE FROM record WHERE id <= ?", (self._settled,))
                self._purged = self._settled
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def _by_type(self) -> dict[type, Any]:
        return {
            f.SaveRecord: self._save_record,
            f.SettleRecord: self._settle,
            f.SaveSession: self._save_session,
            f.SaveVariable: lambda s: self._put("variable", s.name, s.value),
            f.SaveToken: self._save_token,
            f.DropTokens: lambda s: self._db.execute("DELETE FROM token"),
            f.SaveState: lambda s: self._put_state(s.name, s.value),
        }

    def _save_record(self, save: f.SaveRecord) -> None:
        row = (save.record_id, save.message_id, pack(save.record))
        self._db.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", row)

    def _settle(self, save: f.SettleRecord) -> None:
        if save.dead:
            self._db.execute(
                "INSERT OR IGNORE INTO dead SELECT id, message_id, body, ? FROM record WHERE id = ?",
                (save.dead, save.record_id),
            )
        self._settled = max(self._settled, save.record_id)

    def _save_session(self, save: f.SaveSession) -> None:
        if save.session is None:
            self._db.execute("DELETE FROM session WHERE evse_id = ?", (save.evse_id,))
        else:
            self._db.execute("INSERT OR REPLACE INTO session VALUES (?, ?)", (save.evse_id, pack(save.session)))

    def _save_token(self, save: f.SaveToken) -> None:
        if save.info is None:
            self._db.execute("DELETE FROM token WHERE key = ?", (save.key,))
        else:
            row = (save.key, save.kind, pack(save.info), save.stored_at)
            self._db.execute("INSERT OR REPLACE INTO token VALUES (?, ?, ?, ?)", row)

    def _put_state(self, name: str, value: Any) -> None:
        if value is None:
            self._db.execute("DELETE FROM state WHERE name = ?", (name,))
        else:
            self._put("state", name, pack(value))

    def _put(self, table: str, name: str, value: str) -> None:
        self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", (name, value))

    def close(self) -> None:
        self._db.close()
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1
