"""The file: one process has it, it is sound, it is of the schema this program knows.

Of a file that is damaged what is readable goes into a new one (`salvage`), and it is set aside for a person: a station
that charges with what is left is worth more than one that does not start.
"""

import fcntl
import logging
import os
import shutil
import sqlite3
from pathlib import Path

from chargepointd.storage.copies import COPIES, sync

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
NAME = "chargepointd.db"
_PARTS = ("", "-wal", "-shm")
SAVED = f"{NAME}.saved"
"""what was saved of a damaged file, complete"""
BROKEN = 3
"""damaged files that are kept; the last one gives way"""

LONGEST_TAIL = 16
"""commits that may wait to be synced, with the one that is made: what more than these follow was on the disk"""
PAGE_SIZE = 1024
_LEAST = 80
"""bytes of a record in the log, at least"""
_PRAGMAS = (
    # Small pages: a commit changes a few rows in three or four of them, and each is written whole. Measured with
    # a record, a session and an acknowledgement: 10 kB per event instead of 19 kB with pages of 4096.
    f"page_size={PAGE_SIZE}",
    "locking_mode=EXCLUSIVE",
    "journal_mode=WAL",
    # Where there was no quiet moment to fold it (`writer`). A log that is written anew from its beginning does not
    # grow: a sync is one write then, without those of the file system's own journal.
    "wal_autocheckpoint=4000",
    "synchronous=FULL",
    "temp_store=MEMORY",
    "cache_size=-1000",  # kB, half of what SQLite takes by itself: a commit works on a few dozen pages
    # As most builds have it. Debian's writes zeros over each page that becomes free: a tenth of all bytes.
    "secure_delete=FAST",
)


class StoreError(Exception):
    """The state cannot be used; the text names the file and the remedy."""


class Unwritable(StoreError):
    """The disk does not take anything now: full, read-only, broken, gone."""

    def __init__(self, text: str, reason: str, *, unread: bool = False) -> None:
        super().__init__(text)
        self.reason = reason
        """in a few words"""
        self.unread = unread
        """it does not give back what is in it"""


class Malformed(StoreError):
    """The file is damaged."""


_UNWRITABLE = frozenset((
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOLFS,
))  # fmt: skip

_UNREAD = frozenset((sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_DATA))


class _Unread(sqlite3.OperationalError):
    sqlite_errorcode = sqlite3.SQLITE_IOERR_READ


def schemas(directory: Path = MIGRATIONS) -> dict[int, Path]:
    """The numbered migrations, in order."""
    return {int(path.stem): path for path in sorted(directory.glob("*.sql"))}


class Database:
    """The open file. `connection` may be used by one thread at a time."""

    def __init__(self, directory: Path, migrations: Path = MIGRATIONS, *, desperate: bool = False) -> None:
        """desperate: what cannot be read has been tried often enough, and is given up."""
        self._desperate = desperate
        self._directory = directory
        self._schemas = schemas(migrations)
        self.path = directory / NAME
        self._lock_fd = -1
        self.damaged = False
        """the file that was there was set aside"""
        self.lost: tuple[str, ...] = ()
        """what of it is missing"""
        self._doubt = 0
        """records that may have been told, and are not known"""
        self._begin_log = False
        """what stands behind the end of the log must not be taken for its continuation at a later start"""
        self.connection: sqlite3.Connection

    def open(self) -> None:
        """StoreError when another process has the directory, or it cannot be written, or a newer program wrote it."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            try:
                self._connect()
            except BaseException:
                self._close_files()
                raise
        except (OSError, sqlite3.Error) as error:
            raise self.trouble(error) from error

    def trouble(self, error: Exception) -> StoreError:
        remedy = "is the state directory writable, and the disk not full?"
        if isinstance(error, OSError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNWRITABLE:
            reason = self._reason(error)
            if _unread(error) and reason == str(error):
                reason = "a part of the disk cannot be read"
                said = f"{reason} ({error}); unless it can soon, what is readable is saved"
                return Unwritable(f"{self.path}: {said}", reason, unread=True)
            return Unwritable(f"{self.path}: {reason}; {remedy}", reason)
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return Malformed(f"{self.path}: {error}; what can be read of it is saved at the next start")
        return StoreError(f"{self.path}: {error}; {remedy}")

    def _reason(self, error: Exception) -> str:
        """SQLite calls most of them "disk I/O error": what the system says to a file beside it tells more."""
        if isinstance(error, OSError):
            return error.strerror or str(error)
        probe = self._directory / "probe"
        try:
            file = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.write(file, bytes(4096))
                os.fsync(file)
            finally:
                os.close(file)
                probe.unlink()
        except OSError as told:
            return told.strerror or str(told)
        return str(error)

    def close(self) -> None:
        self._close_files()

    def _close_files(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def _take_lock(self) -> None:
        path = self._directory / "lock"
        try:
            self._lock_fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:  # a disk that cannot be written can be locked all the same
            if not path.exists():
                raise
            self._lock_fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._close_files()
            raise StoreError(
                f"{self._directory}: another chargepointd runs on this state directory; stop it, or give --state-dir"
            ) from None

    # -- sound ---------------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if self.path.with_name(SAVED).exists():
            self._install()
        try:
            self._check_log()
            self._open_file()
            self._migrate()
            if self._doubt:
                self._leave_gaps()
            if self._begin_log:
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            # OperationalError: full, read-only, locked. Its plain parent: this is no database, or a damaged one.
            damaged = type(error) in (sqlite3.DatabaseError, UnicodeDecodeError)
            if not damaged and not (self._desperate and _unread(error)):
                raise
            if not self._desperate:
                self._check_reading()
            self.salvage(error)

    def _check_reading(self) -> None:
        """What looks damaged to SQLite may only not be read at this moment."""
        from chargepointd.storage.sectors import gives_all

        if not all(gives_all(self.path.with_name(NAME + suffix)) for suffix in _PARTS):
            raise _Unread("disk I/O error")

    def _check_log(self) -> None:
        """SQLite passes over what follows a frame that was changed, and takes an empty file for a new one. After a
        clean end there is no log."""
        logged = _size(self.path.with_name(NAME + "-wal")) > 0
        if not _size(self.path) and (logged or any(_size(self._directory / name) for name in COPIES)):
            raise sqlite3.DatabaseError("it is empty, or gone")
        if logged:
            from chargepointd.storage.log import read_log  # imported here: a start is made of imports

            read = read_log(self.path)
            if not self._desperate:
                self._check_reading()
            self._doubt, self._begin_log = -(-read.unclear // _LEAST), read.remains
            if read.damaged:
                raise sqlite3.DatabaseError("its log was changed on the disk")

    def _open_file(self) -> None:
        created = not self.path.exists()
        if created:
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self.connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        for pragma in _PRAGMAS:
            self.connection.execute(f"PRAGMA {pragma}")
        if not created:
            verdict = self.connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)

    def salvage(self, error: Exception) -> None:
        """Into a new file, which takes the place of the damaged one when it is complete: a power cut in between, or a
        full disk, begins it again."""
        from chargepointd.storage import losses
        from chargepointd.storage.image import image
        from chargepointd.storage.salvage import salvage

        if hasattr(self, "connection"):
            self.connection.close()
        self.damaged = True
        log.error("state: %s is damaged: %s", self.path, error)
        read, own = image(self.path), self.path
        self.path = own.with_name(f"{NAME}.new")
        try:
            for suffix in _PARTS:
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            self._open_file()
            self._migrate()
            self.lost = tuple(salvage(self.connection, read, self._directory, doubt=self._doubt > 0))
            losses.note(self.connection, self.lost)
            if self._doubt:
                self._leave_gaps()
            self.connection.close()  # all of it is in the file, synced
            self.path.rename(own.with_name(SAVED))
        finally:
            self.path = own
        broken = self._install()
        self._open_file()
        missing = "; ".join(self.lost) or "nothing"
        log.error("state: the damaged file is set aside as %s; missing in the new one: %s", broken.name, missing)

    def _leave_gaps(self) -> None:
        """The end of the log is that of a write which the power cut, or it is damaged: then it may have been told."""
        from chargepointd.storage import losses
        from chargepointd.storage.orphans import leave_gaps

        self.connection.execute("BEGIN IMMEDIATE")
        lost = ("the last write, unless the power was cut in its midst", *leave_gaps(self.connection, self._doubt))
        losses.note(self.connection, lost)
        self.connection.execute("COMMIT")
        self.lost += lost
        log.error("state: the end of its log cannot be read: it was not finished, or the disk has changed it")

    def _install(self) -> Path:
        """What was saved, and is complete, takes its place: now, or at the start after a power cut in between."""
        broken = self._set_aside(self.path)
        self.path.with_name(SAVED).rename(self.path)
        sync(self._directory)
        return broken

    def _set_aside(self, own: Path) -> Path:
        number = 1
        while (broken := own.with_name(f"{NAME}.broken-{number}")).exists() and number < BROKEN:
            number += 1
        for suffix in reversed(_PARTS):
            part, aside = own.with_name(NAME + suffix), broken.with_name(broken.name + suffix)
            if part.exists():
                part.rename(aside)
            else:
                aside.unlink(missing_ok=True)
        return broken

    def read_only(self) -> sqlite3.Connection | None:
        """What can be read of it while it cannot be written: a copy in memory, of this schema."""
        from chargepointd.storage.image import image

        read = image(self.path)
        if read is None:
            return None
        connection = sqlite3.connect(":memory:", isolation_level=None)
        try:
            connection.deserialize(bytes(read))
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            for number in [number for number in self._schemas if number > version]:
                connection.executescript(self._schemas[number].read_text("utf-8"))
        except (sqlite3.Error, UnicodeDecodeError) as error:
            log.warning("state: %s cannot be read either: %s", self.path, error)
            connection.close()
            return None
        return connection

    # -- of this schema ------------------------------------------------------------------------------------------------

    def _migrate(self) -> None:
        """Migrations only add, so an older program can go on with a newer file (A/B firmware rolls back); one that
        cannot be read so puts the number of the oldest schema that can into state `min_reader`."""
        version = self.connection.execute("PRAGMA user_version").fetchone()[0]
        newest = max(self._schemas)
        if version > newest:
            self._check_reader(newest)
        missing = [number for number in self._schemas if number > version]
        if version and missing:
            self._copy(version)
        for number in missing:
            script = self._schemas[number].read_text("utf-8")
            self.connection.executescript(f"BEGIN;\n{script}\nPRAGMA user_version={number};\nCOMMIT;")

    def _check_reader(self, newest: int) -> None:
        row = self.connection.execute("SELECT value FROM state WHERE name = 'min_reader'").fetchone()
        if row and int(row[0]) > newest:
            raise StoreError(
                f"{self.path}: written by a newer chargepointd (schema {row[0]}, this one knows {newest}); "
                "install that one again, or move the file away"
            )

    def _copy(self, version: int) -> None:
        """Before anything is changed, for the case that the new program is not the last word."""
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        copy = self.path.with_name(f"{NAME}.schema-{version}")
        shutil.copy2(self.path, copy)
        log.info("state: %s is brought up to date, a copy of before is %s", self.path, copy.name)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _unread(error: Exception) -> bool:
    """A sector that the disk does not give back, or one that is gone."""
    return getattr(error, "sqlite_errorcode", 0) in _UNREAD
