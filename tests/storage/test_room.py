"""The log has room before it is written to, and nobody who reads it is misled by that."""

import os
from pathlib import Path

import pytest

from chargepointd.core import effects as f
from chargepointd.storage.log import read_log
from chargepointd.storage.room import FRAMES
from chargepointd.storage.store import Store
from tests.storage.saves import reopened
from tests.storage.test_damage import record

NAME = "chargepointd.db"
SLOW_TO_FOLD = 3
"""times the room that is made at once"""


class Kept:
    """A store that is tended as the writer does it."""

    def __init__(self, directory: Path) -> None:
        self.store, self.log, self.count = Store(directory), directory / f"{NAME}-wal", 0
        self.sizes: list[int] = []
        """of the log, before and after each commit"""
        self.store.open()

    def commit(self) -> None:
        self.count += 1
        self.sizes.append(self.log.stat().st_size)
        made = record(self.count - 1, "Started" if self.count == 1 else "Updated")
        self.store.commit([f.SaveRecord(self.count, f"m-{self.count}", made)], durable=True)
        self.sizes.append(self.log.stat().st_size)
        self.store.tend()

    def commit_until(self, size: int) -> None:
        while self.log.stat().st_size <= size:
            self.commit()


def test_no_commit_but_the_first_makes_the_log_grow(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.commit_until(SLOW_TO_FOLD * FRAMES * 1048)
    assert kept.count > SLOW_TO_FOLD
    assert kept.sizes[2::2] == kept.sizes[3::2]


def test_it_is_made_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written as one may be one page of the kernel's memory, all of which counts as written with each frame."""
    written, pwrite = list[tuple[int, int]](), os.pwrite

    def noted(fd: int, data: bytes, at: int) -> int:
        written.append((at // 4096, (at + len(data) - 1) // 4096))
        return pwrite(fd, data, at)

    monkeypatch.setattr(os, "pwrite", noted)
    Kept(tmp_path).commit()
    assert [first for first, _ in written] == [last for _, last in written]
    assert sum(last - first + 1 for first, last in written) >= FRAMES // 4


def test_a_log_that_begins_anew_does_not_grow_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.commit_until(FRAMES * 1048 + 100)
    size, once = kept.log.stat().st_size, kept.count
    for _ in range(3):
        kept.store.fold()
        for _ in range(once):
            kept.commit()
        assert kept.log.stat().st_size == size


def cut(kept: Kept, directory: Path) -> None:
    left = {name: (directory / name).read_bytes() for name in (NAME, f"{NAME}-wal")}
    kept.store.close()
    for name, data in left.items():
        (directory / name).write_bytes(data)


def test_power_cuts_do_not_make_the_log_longer_and_longer(tmp_path: Path) -> None:
    """Nobody shortens it but an end in order, and each start reads all of it."""
    sizes = []
    for _ in range(5):
        kept = Kept(tmp_path)
        kept.commit()
        sizes.append(kept.log.stat().st_size)
        cut(kept, tmp_path)
    assert sizes == sizes[:1] * 5


def test_after_a_power_cut_all_is_there_and_nothing_is_told_of_the_room(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    while kept.count < 20:
        kept.commit()
    cut(kept, tmp_path)
    read = read_log(tmp_path / NAME)
    assert (read.damaged, read.unclear, read.remains) == (False, 0, False)
    saved = reopened(tmp_path)
    assert (saved.next_record_id, saved.damaged, saved.lost) == (21, False, ())


def test_room_that_was_cut_off_in_the_midst_of_a_frame_is_room(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.commit()
    data = kept.log.read_bytes()
    kept.log.write_bytes(data[:-100])
    assert not read_log(tmp_path / NAME).remains
    kept.store.close()


def test_a_disk_without_room_is_no_reason_not_to_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> int:
        raise OSError(28, "No space left on device")

    kept = Kept(tmp_path)
    monkeypatch.setattr(os, "pwrite", full)
    for _ in range(3):
        kept.commit()
    kept.store.close()
    assert reopened(tmp_path).next_record_id == 4
