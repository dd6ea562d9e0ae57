"""What is kept: load it, commit to it.

WAL, `synchronous=FULL`: a commit that returned survives a power cut. A commit that only settles records is made with
`synchronous=NORMAL`: it survives the death of the process, and a power cut at most repeats a delivery under the same
message id. Settled records are a high-water mark, not a delete a row: that would double the bytes written.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chargepointd.core import effects as f
from chargepointd.core.pack import as_json, pack, unpack
from chargepointd.core.records import WINDOW, Behind, Entry
from chargepointd.core.saved import Saved
from chargepointd.core.security import KEPT as SECURITY_LOG
from chargepointd.core.security import LOST, Logged
from chargepointd.core.session import Session
from chargepointd.core.token_store import Remembered
from chargepointd.core.values import Stamp, TokenInfo
from chargepointd.storage import waiting
from chargepointd.storage.checksum import SEEDS, checksum
from chargepointd.storage.copies import Copies
from chargepointd.storage.database import LONGEST_TAIL, Database, Malformed, StoreError, Unwritable
from chargepointd.storage.rows import INSERT, TABLES, Reader, seal

if TYPE_CHECKING:
    from chargepointd.core.dead_letters import DeadLetter
    from chargepointd.storage.room import Room

__all__ = ["Store", "StoreError", "Unwritable"]

log = logging.getLogger(__name__)

PATIENCE = 3
"""a cable may be loose for a moment; a sector that is gone is so for good"""
PURGE_EVERY = 256
"""settled rows are deleted this many at a time"""
LOG_PURGE_EVERY = 64
FOLD_AFTER = 250
"""commits: a quarter of `wal_autocheckpoint`"""
_OF_SESSION = SEEDS["session"]


class Store:
    def __init__(self, directory: Path, *, desperate: bool = False) -> None:
        self._directory = directory
        self._database = Database(directory, desperate=desperate)
        self._unread = 0
        """how often in succession something could not be read when it was tried again"""
        self.trouble: Unwritable | None = None
        """why nothing can be kept since the start"""
        self._copies = Copies(directory)
        self._settled = self._purged = 0
        self._durable = True
        self._unsynced = 0
        """commits"""
        self._logged = 0
        """commits since the log was folded"""
        self._room: Room | None = None
        self._savers = self._by_type()
        self.progressed: Callable[[], None] = lambda: None
        """a part of what takes long is done"""

    # -- open and load -------------------------------------------------------------------------------------------------

    def open(self) -> Saved:
        """Everything an earlier process committed. Where the disk cannot be written, what can be read of it, and
        `trouble` says why. StoreError when another process has the directory, or a newer program wrote it."""
        try:
            saved = self._opened()
        except Unwritable as error:
            self.trouble = error
            return self._read_only()
        self._copies.begin()
        return saved

    def _opened(self) -> Saved:
        self._database.open()
        self._db = self._database.connection
        try:
            try:
                return self._load()
            except (sqlite3.Error, UnicodeDecodeError) as error:
                trouble = self._database.trouble(error)
                if isinstance(trouble, Unwritable) or self._database.damaged:
                    raise trouble from error
                self._database.salvage(error)
                self._db = self._database.connection
                return self._load()
        except BaseException as error:
            self.close()
            if isinstance(error, sqlite3.Error | OSError):
                raise self._database.trouble(error) from error
            raise

    def _read_only(self) -> Saved:
        connection = self._database.read_only()
        if connection is None:
            return Saved()
        self._db = connection
        try:
            return self._load()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            log.warning("state: cannot be read either: %s", error)
            return Saved()
        finally:
            connection.close()

    def try_again(self) -> None:
        """To open what could not be written at the start, and to note why the station begins anew. Raises as `open`. A
        disk that does not give back what is in it is tried PATIENCE times: then what is readable is saved."""
        again = Store(self._directory, desperate=self._unread >= PATIENCE)
        try:
            again._opened()
        except Unwritable as error:
            self._unread = self._unread + 1 if error.unread else 0
            raise
        try:
            again.commit([f.SaveState("boot_reason", "ApplicationReset")], durable=True)
        finally:
            again.close()

    def _load(self) -> Saved:
        reader = Reader(self._db)
        state: dict[str, Any] = dict(reader.read("state", lambda name, text: (name, unpack(object, text))))
        self._settled = state.get("settled", 0)
        lost = state.pop(LOST, None)
        reader.check("record", f"WHERE id > {self._settled} OR again")
        saved = Saved(
            variables=dict(reader.read("variable", lambda name, value: (name, value))),
            sessions=dict(reader.read("session", lambda evse_id, body: (evse_id, unpack(Session, body)))),
            tokens=tuple(reader.read("token", _remembered)),
            listed=dict(reader.read("listed", lambda key, entry: (key, entry))),
            state=state,
            damaged=lost is not None,
            lost=tuple(lost or ()),
            security=tuple(reader.read("security", _logged, "ORDER BY id")),
        )
        if reader.finds:
            self._put_in_order(reader, saved)
        if reader.damaged:
            return self._load()
        first, last = self._db.execute("SELECT min(id), max(id) FROM record").fetchone()
        self._purged = min((first or 1) - 1, self._settled)
        records, complete, _, _ = waiting.page(self._db, self._settled, 0, WINDOW)
        behind = Behind() if complete else waiting.behind(self._db, self._settled, records[-1].id)
        last_dead, dead, dead_size = self._db.execute(
            "SELECT max(id), count(*), total(length(CAST(body AS BLOB))) FROM dead"
        ).fetchone()
        next_id = max(last or 0, last_dead or 0, self._settled) + 1
        return saved._replace(
            records=records, behind=behind, next_record_id=next_id, dead=dead, dead_size=int(dead_size)
        )

    def _put_in_order(self, reader: Reader, saved: Saved) -> None:
        """What is damaged is put aside and told, once; what it leaves without an end is brought to one."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            reader.put_in_order()
            if reader.damaged:
                from chargepointd.storage import losses  # a disk seldom fails
                from chargepointd.storage.orphans import end_orphans
                from chargepointd.storage.salvage import complete

                losses.note(self._db, [each.what for each in reader.damaged])
                complete(self._db, {each.table for each in reader.damaged}, self._directory)
                end_orphans(self._db, saved.sessions, self._settled, reader.ends)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def waiting(self, after_id: int, limit: int) -> tuple[tuple[Entry, ...], bool, int, int]:
        """The next records that wait, and whether there are no more behind them. One that cannot be read is set aside
        for a person to see: its row would go with those that are settled. How many were, and their bytes. StoreError
        where none can be read."""
        try:
            return waiting.page(self._db, self._settled, after_id, limit)
        except sqlite3.Error as error:
            raise self._database.trouble(error) from error

    # -- commit --------------------------------------------------------------------------------------------------------

    def commit(self, saves: Iterable[f.Save], *, durable: bool) -> None:
        """One transaction. When it returns it survives a power cut (`durable`, and so does all before it) or the death
        of the process."""
        try:
            self._commit(saves, durable)
        except (sqlite3.Error, OSError) as error:
            raise self._database.trouble(error) from error

    def _commit(self, saves: Iterable[f.Save], durable: bool) -> None:
        saves = _newest(saves)
        sync_only = durable and self._unsynced and not saves
        if not saves and not sync_only:
            return
        durable = durable or self._unsynced + 1 >= LONGEST_TAIL
        if durable != self._durable:
            self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        self._db.execute("BEGIN IMMEDIATE")
        settled, purged = self._settled, self._purged
        try:
            for save in saves:
                self._savers[type(save)](save)
            if self._settled != settled or sync_only:  # a sync goes with something that is written
                self._put_state("settled", self._settled)
            if self._settled - self._purged >= PURGE_EVERY:
                self._db.execute("DELETE FROM record WHERE id <= ? AND NOT again", (self._settled,))
                self._purged = self._settled
            self._db.execute("COMMIT")
            self._unsynced = 0 if durable else self._unsynced + 1
            self._logged += 1
        except BaseException:
            self._settled, self._purged = settled, purged
            if self._db.in_transaction:  # a full disk has rolled back by itself
                self._db.execute("ROLLBACK")
            raise

    @property
    def log_is_long(self) -> bool:
        """So that folding it soon is worth its syncs. At four times the length SQLite does so by itself, within a
        commit."""
        return self._logged >= FOLD_AFTER

    def fold(self) -> None:
        """Bring what the log holds into the database, so that it is written anew from its beginning."""
        try:
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            raise self._database.trouble(error) from error
        self._logged = 0

    def tend(self) -> None:
        """After a commit, when its news is told: what makes the next ones faster, or safer."""
        if self._room is None:
            from chargepointd.storage.room import Room  # imported here: a start is made of imports

            self._room = Room(self._database.path)
        self._room.look()
        self._copies.make_if_due(self._db)

    def recover(self) -> None:
        """After a failed write, before anything is built on what was written: the kernel forgets what it could not sync
        and says so once, so all that the log holds is brought into the database, synced. Unwritable when it cannot."""
        try:
            self._db.execute("PRAGMA wal_checkpoint(RESTART)")
        except sqlite3.Error as error:
            raise self._database.trouble(error) from error

    def _by_type(self) -> dict[type, Any]:
        return {
            f.SaveRecord: self._save_record,
            f.SettleRecord: self._settle,
            f.AmendRecords: lambda s: waiting.amend(self._db, s, self.progressed),
            f.DropRecords: lambda s: self._db.execute(f"DELETE FROM record WHERE id IN ({_list(s.record_ids)})"),
            f.RetryDead: self._mind_dead,
            f.DropDead: self._mind_dead,
            f.SaveSession: self._save_session,
            f.SaveVariable: lambda s: self._put("variable", s.name, s.value),
            f.SaveToken: self._save_token,
            f.DropTokens: lambda s: self._db.execute("DELETE FROM token"),
            f.SaveListed: self._save_listed,
            f.SaveState: lambda s: self._put_state(s.name, s.value),
            f.ForgetToken: self._mind_dead,
            f.SaveSecurityEvent: self._save_security_event,
            f.SettleSecurityEvent: lambda s: self._db.execute(
                "UPDATE security SET message_id = '' WHERE id = ?", (s.id,)
            ),
        }

    def _save_record(self, save: f.SaveRecord) -> None:
        number, message_id, body = save.record_id, save.message_id, save.body or pack(save.record)
        crc = waiting.checksum_of(number, message_id, body)
        self._db.execute(INSERT["record"], (number, message_id, body, crc))

    def _settle(self, save: f.SettleRecord) -> None:
        if save.dead:
            from chargepointd.storage.set_aside import set_aside  # few stations ever need it

            set_aside(self._db, save)
        if save.alone:
            self._db.execute("DELETE FROM record WHERE id = ?", (save.record_id,))
        else:
            self._settled = max(self._settled, save.record_id)

    def dead(self, ids: Sequence[int] = (), *, after_id: int = 0, limit: int) -> "tuple[DeadLetter, ...]":
        """The oldest of those that were set aside, or of these. Unreadable where they are damaged and nothing else is;
        StoreError where more is."""
        from chargepointd.storage.set_aside import Unreadable, letters

        try:
            return letters(self._db, ids, after_id, limit)
        except sqlite3.Error as error:
            trouble = self._database.trouble(error)
            gone = isinstance(trouble, Unwritable) and trouble.unread
            if (gone or isinstance(trouble, Malformed)) and self._is_whole_beside("dead"):
                raise Unreadable(error) from error
            raise trouble from error

    def _is_whole_beside(self, table: str) -> bool:
        """With the list of free pages, which goes with the schema: so what is written is written to sound pages."""
        try:
            for name in ("sqlite_master", *(TABLES.keys() - {table})):
                self.progressed()
                if self._db.execute(f"PRAGMA quick_check({name})").fetchone()[0] != "ok":
                    return False
        except sqlite3.Error:
            return False
        return True

    def _mind_dead(self, save: f.Save) -> None:
        from chargepointd.storage.set_aside import mind  # a person asks for it

        mind(self._db, save)

    def _save_session(self, save: f.SaveSession) -> None:
        if save.session is None:
            self._db.execute("DELETE FROM session WHERE evse_id = ?", (save.evse_id,))
        else:
            body = pack(save.session)
            crc = checksum(_OF_SESSION, f"{save.evse_id}\0{body}")
            self._db.execute(INSERT["session"], (save.evse_id, body, crc))

    def _save_token(self, save: f.SaveToken) -> None:
        if save.info is None:
            self._db.execute("DELETE FROM token WHERE key = ?", (save.key,))
        else:
            row = (save.key, save.kind, pack(save.info), *map(_real, save[3:6]), save.uses)
            self._db.execute(INSERT["token"], seal("token", row))

    def _save_listed(self, save: f.SaveListed) -> None:
        if save.full:
            self._db.execute("DELETE FROM listed")
        changed = [seal("listed", (key, text)) for key, text in save.entries if text is not None]
        self._db.executemany(INSERT["listed"], changed)
        removed = [(key,) for key, text in save.entries if text is None]
        self._db.executemany("DELETE FROM listed WHERE key = ?", removed)

    def _save_security_event(self, save: f.SaveSecurityEvent) -> None:
        row = (save.id, save.kind, _real(save.at), save.info, save.message_id)
        self._db.execute(INSERT["security"], seal("security", row))
        if save.id % LOG_PURGE_EVERY == 0:
            self._db.execute("DELETE FROM security WHERE id <= ?", (save.id - SECURITY_LOG,))

    def _put_state(self, name: str, value: Any) -> None:
        if value is None:
            self._db.execute("DELETE FROM state WHERE name = ?", (name,))
        else:
            self._put("state", name, as_json(value))

    def _put(self, table: str, name: str, value: str) -> None:
        self._db.execute(INSERT[table], (name, value, checksum(SEEDS[table], f"{name}\0{value}")))

    def close(self) -> None:
        if self._room:
            self._room.close()
        self._database.close()


def _newest(saves: Iterable[f.Save]) -> list[f.Save]:
    """Of the sessions of an EVSE, and of the facts of a name, the last that one commit would write is enough."""
    saves = list(saves)
    last = {_place(save): save for save in saves}
    return [save for save in saves if last[_place(save)] is save]


def _place(save: f.Save) -> object:
    """What is written there later takes its place."""
    if isinstance(save, f.SaveSession):
        return f.SaveSession, save.evse_id
    return (f.SaveState, save.name) if isinstance(save, f.SaveState) else (None, id(save))


def _list(ids: Iterable[int]) -> str:
    return ",".join(map(str, ids))


def _real(value: float) -> float:
    """As it will be read: there is no -0.0 on the disk."""
    return float(value) + 0.0


def _logged(event_id: int, kind: str, at: float, info: str, message_id: str) -> Logged:
    return Logged(event_id, kind, Stamp(at), info, message_id)


def _remembered(key: str, kind: str, info: str, stored_at: float, *use: Any) -> tuple[str, Remembered]:
    return key, Remembered(kind, unpack(TokenInfo, info), stored_at, *use)
