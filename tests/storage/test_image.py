"""A database and its log read without SQLite: the same as SQLite reads, and more where the log was changed."""

import random
import sqlite3
from pathlib import Path

import pytest

from chargepointd.storage.image import image
from chargepointd.storage.log import read_log
from chargepointd.storage.store import Store
from tests.storage.saves import batch


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a process that was killed leaves: most of it in the log."""
    directory, copy = tmp_path_factory.mktemp("state"), tmp_path_factory.mktemp("copy")
    store = Store(directory)
    store.open()
    for n in range(1, 30):
        store.commit(batch(n), durable=True)
    for part in directory.glob("chargepointd.db*"):
        (copy / part.name).write_bytes(part.read_bytes())
    store.close()
    return copy


def rows(data: bytes) -> list[tuple[int, str]]:
    db = sqlite3.connect(":memory:")
    db.deserialize(bytes(data))
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return db.execute("SELECT id, body FROM record ORDER BY id").fetchall()
    finally:
        db.close()


def files(written: Path, tmp_path: Path, log: bytes) -> Path:
    path = tmp_path / "chargepointd.db"
    path.write_bytes((written / "chargepointd.db").read_bytes())
    (tmp_path / "chargepointd.db-wal").write_bytes(log)
    return path


def test_it_is_what_sqlite_reads(written: Path, tmp_path: Path) -> None:
    log = (written / "chargepointd.db-wal").read_bytes()
    path = files(written, tmp_path, log)
    assert not read_log(path).damaged
    read = image(path)
    assert read
    mine = rows(read)
    db = sqlite3.connect(path)
    assert mine == db.execute("SELECT id, body FROM record ORDER BY id").fetchall()
    assert len(mine) == 29
    db.close()


def test_a_flipped_bit_of_the_log_is_found_and_mostly_undone(written: Path, tmp_path: Path) -> None:
    log = (written / "chargepointd.db-wal").read_bytes()
    whole = image(files(written, tmp_path, log))
    chance = random.Random(5)
    undone = 0
    for _ in range(200):
        at, changed = chance.randrange(32, len(log)), bytearray(log)
        changed[at] ^= 1 << chance.randrange(8)
        path = files(written, tmp_path, bytes(changed))
        assert read_log(path).damaged, f"changed at {at}"
        undone += image(path) == whole  # type: ignore[union-attr]
    assert undone > 150


def test_a_page_far_behind_the_file_takes_no_memory(written: Path, tmp_path: Path) -> None:
    """Its number was changed, and is kept where more was: the frame is passed over."""
    changed = bytearray((written / "chargepointd.db-wal").read_bytes())
    changed[32] ^= 0b0110_0000
    changed[32 + 24 + 500 : 32 + 24 + 540] = bytes(40)
    path = files(written, tmp_path, bytes(changed))
    assert read_log(path).frames[0].page > 1 << 29
    assert len(image(path) or b"") < 1 << 20


@pytest.mark.parametrize("cut", [1, 500, 1047, 1048, 1049, 5000])
def test_a_log_without_its_end_is_the_end_of_a_write(cut: int, written: Path, tmp_path: Path) -> None:
    log = (written / "chargepointd.db-wal").read_bytes()[:-cut]
    path = files(written, tmp_path, log)
    assert not read_log(path).damaged
    mine = rows(image(path))  # type: ignore[union-attr]
    db = sqlite3.connect(path)
    assert mine == db.execute("SELECT id, body FROM record ORDER BY id").fetchall()
    db.close()
