"""What can be saved is saved, from the damaged file first, and nothing that an old copy knows contradicts what was
told."""

import errno
import os
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from chargepointd.core import effects as f
from chargepointd.core.saved import Saved
from chargepointd.storage import copies
from chargepointd.storage.database import Database
from chargepointd.storage.log import BLOCK
from chargepointd.storage.sectors import FILL
from chargepointd.storage.store import Store, Unwritable
from tests.storage.saves import reopened
from tests.storage.test_damage import EVERYTHING, keep, record, session, sql, visit

NAME = "chargepointd.db"
SIZE = 1024


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy at the first commit of each process."""
    monkeypatch.setattr(copies, "FIRST_S", 0.0)
    monkeypatch.setattr(copies, "EVERY_S", 0.0)


def page_of(directory: Path, table: str) -> int:
    return int(sql(directory, f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")[0][0])


def wipe(directory: Path, page: int) -> None:
    with (directory / NAME).open("r+b") as file:
        file.seek((page - 1) * SIZE)
        file.write(random.Random(page).randbytes(SIZE))


def transactions(saved: Saved) -> set[str]:
    return {one.transaction.id for one in saved.sessions.values() if one.transaction}


def test_what_one_table_has_lost_the_others_keep(tmp_path: Path) -> None:
    keep(tmp_path, *EVERYTHING)
    wipe(tmp_path, page_of(tmp_path, "variable"))
    saved = reopened(tmp_path)
    assert saved.damaged
    assert transactions(saved) == {"tx-1"}
    assert [entry.record.seq_no for entry in saved.records] == [0, 1]
    assert (saved.listed, saved.variables) == ({}, {})  # of the list there is no version: it is to come anew
    assert "FF" in dict(saved.tokens)


@pytest.mark.usefixtures("at_once")
def test_what_was_set_comes_from_the_newest_copy(tmp_path: Path) -> None:
    keep(tmp_path, *EVERYTHING)
    keep(tmp_path, f.SaveVariable("AuthCtrlr.Enabled", "true"))
    assert (tmp_path / copies.COPIES[1]).exists()
    wipe(tmp_path, page_of(tmp_path, "variable"))
    wipe(tmp_path, page_of(tmp_path, "state"))
    saved = reopened(tmp_path)
    assert saved.variables == {"AuthCtrlr.Enabled": "true"}
    assert saved.state["availability"] == {"inoperative": []}
    (tmp_path / copies.COPIES[0]).write_bytes(b"damaged too")
    wipe(tmp_path, page_of(tmp_path, "variable"))
    assert reopened(tmp_path).variables == {"AuthCtrlr.Enabled": "false"}


@pytest.mark.usefixtures("at_once")
def test_a_single_row_that_was_set_comes_from_the_newest_copy_too(tmp_path: Path) -> None:
    keep(tmp_path, *EVERYTHING)
    sql(tmp_path, "UPDATE variable SET value = 'maybe'", "UPDATE state SET name = 'availabilitx'")
    saved = reopened(tmp_path)
    assert saved.variables == {"AuthCtrlr.Enabled": "false"}
    assert saved.state["availability"] == {"inoperative": []}
    assert saved.lost == ("state availabilitx", "variable AuthCtrlr.Enabled")


def test_what_was_saved_takes_its_place_after_a_power_cut_in_between(tmp_path: Path) -> None:
    keep(tmp_path, *EVERYTHING)
    (tmp_path / NAME).rename(tmp_path / f"{NAME}.saved")
    (tmp_path / f"{NAME}-wal").write_bytes(b"of the damaged one")
    saved = reopened(tmp_path)
    assert (saved.damaged, transactions(saved)) == (False, {"tx-1"})
    assert not (tmp_path / f"{NAME}.saved").exists()


@pytest.mark.usefixtures("at_once")
def test_no_message_comes_from_a_copy(tmp_path: Path) -> None:
    """The transaction that ran when it was made has ended since, and the CSMS knows."""
    keep(tmp_path, *EVERYTHING)
    copy = (tmp_path / copies.COPIES[0]).read_bytes()
    more = [f.SaveRecord(3, "m-3", record(2, "Ended")), f.SaveSession(1, None), *map(f.SettleRecord, (1, 2, 3))]
    keep(tmp_path, *more)
    for name in copies.COPIES:
        (tmp_path / name).write_bytes(copy)
    (tmp_path / NAME).write_bytes(b"")
    (tmp_path / NAME).write_bytes(b"this is no database" * 500)
    saved = reopened(tmp_path)
    assert (saved.records, saved.sessions) == ((), {})
    assert saved.dead == 2  # for a person
    assert all(not logged.message_id for logged in saved.security)
    assert "the end of transaction tx-1 at EVSE 1" in saved.lost
    assert saved.variables == {"AuthCtrlr.Enabled": "false"}
    assert (saved.tokens, saved.listed) == ((), {})


def test_a_lost_session_ends_where_all_records_are_there(tmp_path: Path) -> None:
    keep(tmp_path, *EVERYTHING)
    wipe(tmp_path, page_of(tmp_path, "session"))
    saved = reopened(tmp_path)
    assert [(entry.record.kind, entry.record.seq_no) for entry in saved.records][-1] == ("Ended", 2)
    assert reopened(tmp_path).records == saved.records


def test_without_records_and_session_no_end_is_made_up(tmp_path: Path) -> None:
    many = [f.SaveRecord(n, f"m-{n}", record(n - 1, "Updated" if n > 1 else "Started")) for n in range(1, 40)]
    keep(tmp_path, *many, f.SaveSession(1, session(39)))
    wipe(tmp_path, page_of(tmp_path, "session"))
    db = sqlite3.connect(tmp_path / NAME)
    leaf = db.execute("SELECT max(pageno) FROM dbstat WHERE name = 'record'").fetchone()[0] if _has_dbstat(db) else None
    db.close()
    if leaf is None:
        leaf = (tmp_path / NAME).stat().st_size // SIZE
    wipe(tmp_path, leaf)
    saved = reopened(tmp_path)
    assert "Ended" not in [entry.record.kind for entry in saved.records]
    assert "the end of transaction tx-1" in saved.lost


def _has_dbstat(db: sqlite3.Connection) -> bool:
    try:
        db.execute("SELECT 1 FROM dbstat LIMIT 1")
    except sqlite3.Error:
        return False
    return True


def test_an_idle_station_makes_no_copy_and_a_busy_one_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    store = Store(tmp_path)
    store.open()
    made = []
    for _ in range(6):
        clock[0] += 0.3 * copies.EVERY_S
        store.commit(visit("Started"), durable=True)
        store.tend()
        made.append((tmp_path / copies.COPIES[0]).stat().st_mtime_ns)
    store.close()
    assert len(set(made)) == 2
    clock[0] += 5 * copies.EVERY_S
    before = sorted(path.name for path in tmp_path.iterdir())
    reopened(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.usefixtures("at_once")
def test_a_copy_that_cannot_be_made_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    in_the_way = tmp_path / f"{copies.COPIES[0]}.new"
    (in_the_way / "content").mkdir(parents=True)  # cannot be removed, as on a disk that has become read-only
    keep(tmp_path, *EVERYTHING)
    assert "no copy could be made" in caplog.text
    in_the_way.joinpath("content").rmdir()
    in_the_way.rmdir()
    keep(tmp_path, f.SaveVariable("a", "1"))
    assert (tmp_path / copies.COPIES[0]).exists()


def damaged_somewhere(whole: bytes, chance: random.Random, times: int) -> bytes:
    changed = bytearray(whole)
    for _ in range(times):
        at = chance.randrange(len(changed))
        changed[at] ^= 1 << chance.randrange(8)
    return bytes(changed)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a process that was killed with two transactions, one of them settled, and its log full."""
    directory = tmp_path_factory.mktemp("killed")
    store = Store(directory)
    store.open()
    for n in range(1, 41):
        kind = "Started" if n == 1 else "Updated"
        store.commit(
            [f.SaveRecord(n, f"m-{n}", record(n - 1, kind, 1000.0 + n)), f.SaveSession(1, session(n))], durable=True
        )
        store.tend()
        if 5 < n < 39:  # so that the last frame is within a block
            store.commit([f.SettleRecord(n - 5)], durable=False)
        if n == 20:
            store.commit(EVERYTHING[3:], durable=True)
            store._db.execute("PRAGMA wal_checkpoint(RESTART)")
    files = {path.name: path.read_bytes() for path in directory.glob(f"{NAME}*")}
    store.close()
    return files


def told_truth(saved: Saved) -> None:
    """Whatever is there is what was kept; a transaction goes on where it was, or not at all."""
    for entry in saved.records:
        wanted = record(entry.id - 1, "Started" if entry.id == 1 else "Updated", 1000.0 + entry.id)
        if entry.record.kind == "Ended":
            assert entry.id == 41
            assert (entry.record.seq_no, entry.record.energy_wh) == (40, 1040.0)
        else:
            assert (entry.record, entry.message_id) == (wanted, f"m-{entry.id}")
    for one in saved.sessions.values():
        assert one.transaction
        assert one.transaction.seq_no >= 40, "a number that was told would be told again"
        assert one == session(one.transaction.seq_no)
        assert one == session(40) or f"transaction tx-1 goes on with seqNo {one.transaction.seq_no}" in saved.lost
    assert saved.variables in ({}, {"AuthCtrlr.Enabled": "false"})
    assert saved.listed in ({}, {"AB": '["Accepted"]'})
    missing = {*range(36, 41)} - {entry.id for entry in saved.records}
    if missing or not saved.sessions:
        assert saved.lost or saved.damaged, "something is missing and nobody is told"


@pytest.mark.parametrize("part", ["", "-wal"])
@pytest.mark.parametrize("seed", range(60))
def test_flipped_bits_anywhere_are_no_facts(part: str, seed: int, killed: dict[str, bytes], tmp_path: Path) -> None:
    chance = random.Random(f"{part} {seed}")
    for name, data in killed.items():
        if not name.endswith("-shm"):
            times = 1 if part else chance.choice((1, 1, 5))
            (tmp_path / name).write_bytes(damaged_somewhere(data, chance, times) if name == NAME + part else data)
    told_truth(reopened(tmp_path))
    again: Any = reopened(tmp_path)
    assert not again.damaged


FRAME = SIZE + 24
CHANGES = ("bits", "salts", "older salts", "zeros", "another", "noise", "block", "unreadable")


def older(log: bytes, chance: random.Random) -> bytes:
    """Frames of the log before, over which this one is written."""
    salt = (int.from_bytes(log[16:20]) - 1).to_bytes(4) + chance.randbytes(4)
    frames = [log[at : at + FRAME] for at in range(32, 32 + 12 * FRAME, FRAME)]
    return b"".join(frame[:8] + salt + frame[16:] for frame in frames)


def log_changed(log: bytes, how: str, back: int, chance: random.Random) -> bytes:
    """In the frame which is so many before the last that was written, or in a sector of it; behind that there are those
    of the log before, or nothing."""
    end = 32
    while log[end + 8 : end + 16] == log[16:24]:
        end += FRAME
    start = end - (back + 1) * FRAME
    assert back or start // BLOCK == (end - 1) // BLOCK, "else it may be a block that was not written"
    behind = chance.choice(("as it is", "nothing", "older"))
    log = log if behind == "as it is" else log[:end] + (older(log, chance) if behind == "older" else b"")
    changed = bytearray(log)
    sector = (start + chance.randrange(FRAME)) // 512 * 512
    at = slice(sector, min(sector + 512, len(log)))
    if how == "bits":
        for _ in range(chance.randrange(2, 12)):
            changed[start + chance.randrange(FRAME)] ^= 1 << chance.randrange(8)
    elif how == "salts":
        for _ in range(chance.randrange(2, 12)):
            changed[start + 8 + chance.randrange(8)] ^= 1 << chance.randrange(8)
    elif how == "older salts":  # as in a frame of the log before
        changed[start + 8 : start + 16] = (int.from_bytes(log[16:20]) - 1).to_bytes(4) + chance.randbytes(4)
    elif how == "zeros":
        changed[at] = bytes(at.stop - at.start)
    elif how == "another":
        changed[at] = log[1024 : 1024 + at.stop - at.start]
    elif how == "noise":
        changed[at] = chance.randbytes(at.stop - at.start)
    else:
        block = sector // BLOCK * BLOCK
        stop = min(block + BLOCK, len(log))
        lost = bytes([FILL]) * (stop - block)
        changed[block:stop] = lost if how == "unreadable" else chance.randbytes(stop - block)
    return bytes(changed)


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("back", [0, 1, 2, 3, 4, 9, 20, 30, 60])
def test_whatever_is_changed_in_the_log_no_number_is_told_twice(
    how: str, back: int, killed: dict[str, bytes], tmp_path: Path
) -> None:
    """All of it was synced, and told."""
    chance = random.Random(f"{how} {back}")
    for turn in range(5):
        directory = tmp_path / str(turn)
        directory.mkdir()
        for name, data in killed.items():
            if not name.endswith("-shm"):
                log = name.endswith("-wal")
                (directory / name).write_bytes(log_changed(data, how, back, chance) if log else data)
        saved = reopened(directory)
        told_truth(saved)
        again = reopened(directory)
        assert (again.lost, again.damaged) == ((), False)
        assert again.sessions == saved.sessions


def test_a_log_whose_beginning_is_lost_is_not_taken_for_the_one_before(
    killed: dict[str, bytes], tmp_path: Path
) -> None:
    """With the head and the first frames nobody knows whose the frames behind are."""
    log = killed[f"{NAME}-wal"]
    for seed in range(5):
        directory = tmp_path / str(seed)
        directory.mkdir()
        for name, data in killed.items():
            if not name.endswith("-shm"):
                noise = random.Random(seed).randbytes(4096)
                (directory / name).write_bytes(noise + log[4096:] if data is log else data)
        told_truth(reopened(directory))


@pytest.mark.parametrize("size", [32, 512, 4096, 8192])
def test_a_log_that_begins_with_zeros_is_not_taken_for_an_empty_one(
    size: int, killed: dict[str, bytes], tmp_path: Path
) -> None:
    """Their checksum is right, and SQLite syncs the head before the frames: so it was there. Nothing but zeros is none:
    they are room."""
    log = killed[f"{NAME}-wal"]
    for left in (log[size:], bytes(len(log) - size)):
        for name, data in killed.items():
            if not name.endswith("-shm"):
                (tmp_path / name).write_bytes(bytes(size) + left if data is log else data)
        saved = reopened(tmp_path)
        if any(left):
            told_truth(saved)
        else:
            assert not saved.damaged


def test_a_gap_that_was_left_stays_after_a_cut_at_the_start(killed: dict[str, bytes], tmp_path: Path) -> None:
    """And what was left behind the end of the log does not leave another at each start."""
    for name, data in killed.items():
        if not name.endswith("-shm"):
            (tmp_path / name).write_bytes(log_changed(data, "noise", 3, random.Random(1)) if "-wal" in name else data)
    seen = []
    for _ in range(3):
        store = Store(tmp_path)
        seen.append(store.open().sessions[1].transaction.seq_no)  # type: ignore[union-attr]
        store.commit([f.SaveVariable("a", str(len(seen)))], durable=True)
        files = {path.name: path.read_bytes() for path in tmp_path.glob(f"{NAME}*")}
        store.close()
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)  # as if it had been killed
    assert seen[0] > 40
    assert seen == [seen[0]] * 3


def schema_pages(directory: Path) -> list[int]:
    """The pages of SQLite's own table, but for the first, which has the header of the file as well."""
    data = (directory / NAME).read_bytes()
    cells = int.from_bytes(data[103:105])
    places = [108, *(int.from_bytes(data[at : at + 2]) for at in range(112, 112 + 2 * cells, 2))]
    return [int.from_bytes(data[at : at + 4]) for at in places]


@pytest.mark.parametrize("which", [0, 1])
def test_a_schema_that_cannot_be_read_costs_no_row(which: int, tmp_path: Path) -> None:
    keep(tmp_path, *EVERYTHING)
    sql(tmp_path, "PRAGMA journal_mode = DELETE")
    wipe(tmp_path, schema_pages(tmp_path)[which])
    saved = reopened(tmp_path)
    assert transactions(saved) == {"tx-1"}
    assert [entry.record.seq_no for entry in saved.records] == [0, 1]
    assert saved.variables == {"AuthCtrlr.Enabled": "false"}
    assert saved.damaged
    assert "all that was kept" not in saved.lost


def test_tables_that_begin_where_another_is_looked_for_are_no_facts(tmp_path: Path) -> None:
    keep(tmp_path, *EVERYTHING)
    sql(tmp_path, "PRAGMA journal_mode = DELETE")
    data = (tmp_path / NAME).read_bytes()
    pages = [data[at : at + SIZE] for at in range(0, len(data), SIZE)]
    one, other = page_of(tmp_path, "session") - 1, page_of(tmp_path, "record") - 1
    pages[one], pages[other] = pages[other], pages[one]
    (tmp_path / NAME).write_bytes(b"".join(pages))
    wipe(tmp_path, schema_pages(tmp_path)[0])
    saved = reopened(tmp_path)
    assert not saved.records
    assert not saved.sessions
    assert saved.lost or saved.damaged


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.999])
def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(
    share: float, killed: dict[str, bytes], tmp_path: Path
) -> None:
    for name, data in killed.items():
        if not name.endswith("-shm"):
            (tmp_path / name).write_bytes(data[: int(len(data) * share)] if name == NAME else data)
    told_truth(reopened(tmp_path))


def test_a_directory_in_place_of_the_file_is_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    store = Store(tmp_path)
    assert store.open() == Saved()
    assert store.trouble
    with pytest.raises(Unwritable, match=NAME):
        store.try_again()
    (tmp_path / NAME).rmdir()
    store.try_again()
    assert reopened(tmp_path).state == {"boot_reason": "ApplicationReset"}


def test_what_can_be_read_is_read_from_a_disk_that_cannot_be_written(
    killed: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, though SQLite itself could not open the file without writing."""
    for name, data in killed.items():
        (tmp_path / name).write_bytes(data)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with monkeypatch.context() as m:
        m.setattr(Database, "_open_file", refuse)
        store = Store(tmp_path)
        saved = store.open()
    assert store.trouble
    assert store.trouble.reason == "Read-only file system"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != "lock"} == before
    assert saved._replace(dead_size=0) == reopened(tmp_path)._replace(dead_size=0)


def refuse(database: Database) -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))
