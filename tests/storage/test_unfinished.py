"""A power cut in the midst of a write is no damage: whatever blocks of the file system it leaves, nothing is told of
it, no number is left out, and what was synced is there."""

import random
from pathlib import Path

import pytest

from chargepointd.core import effects as f
from chargepointd.storage.database import LONGEST_TAIL
from chargepointd.storage.log import BLOCK, read_log
from chargepointd.storage.store import Store
from tests.storage.saves import reopened
from tests.storage.test_damage import record, session

NAME = "chargepointd.db"
HEADER, FRAME = 32, 24 + 1024


class Writing:
    """Commits, and the log as it was synced and after each of those that were not."""

    def __init__(self, directory: Path, chance: random.Random) -> None:
        self._store, self._log, self._last = Store(directory), directory / f"{NAME}-wal", 0
        self._store.open()
        self._tended = chance.random() < 0.5
        for _ in range(chance.choice((0, 1, 2))):  # older logs, into which the last is written
            self._commit(chance.randrange(1, 40), durable=True)
            self._store.fold()
        self._commit(chance.randrange(30), durable=True)
        self.synced, self.logs = self._last, [self._log.read_bytes()]
        for _ in range(chance.randrange(LONGEST_TAIL + 1)):
            self._commit(1, durable=False)
            self.logs.append(self._log.read_bytes())
        first = self.logs[-1][:HEADER]
        self.logs[0] = first + self.logs[0][HEADER:]  # the header of a log is synced before its first frame
        self.file = (directory / NAME).read_bytes()
        self._store.close()

    def _commit(self, times: int, *, durable: bool) -> None:
        for _ in range(times):
            self._last = n = self._last + 1
            made = record(n - 1, "Started" if n == 1 else "Updated")
            saves = [f.SaveRecord(n, f"m-{n}", made), f.SaveSession(1, session(n)), f.SettleRecord(max(0, n - 3))]
            self._store.commit(saves, durable=durable)
            if self._tended:
                self._store.tend()

    def after_a_cut(self, chance: random.Random) -> bytes:
        """Each block of the log as it was synced, or after one of the commits since. A block of a file that has grown
        and was not written is empty."""
        size = len(chance.choice(self.logs))
        left = b""
        for at in range(0, size, BLOCK):
            log = chance.choice((self.logs[0], self.logs[-1], chance.choice(self.logs)))
            left += log[at : at + BLOCK].ljust(BLOCK, b"\0")
        return left[:size]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_blocks_a_power_cut_leaves_it_is_no_damage(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    (tmp_path / "written").mkdir()
    writing = Writing(tmp_path / "written", chance)
    path = tmp_path / NAME
    for turn in range(40):
        left = writing.after_a_cut(chance)
        path.write_bytes(writing.file)
        path.with_name(f"{NAME}-wal").write_bytes(left)
        read = read_log(path)
        assert not read.damaged
        # Of the last frame there is, nothing behind it says whether its blocks are old: that stays open.
        last = len(left) == HEADER + FRAME * (len(read.frames) + 1) == len(writing.logs[0])
        assert not read.unclear or last
        if turn < 3 and not last:
            saved = reopened(tmp_path)
            assert (saved.damaged, saved.lost) == (False, ())
            going = saved.sessions[1].transaction if saved.sessions else None
            number = going.seq_no if going else 0
            assert number >= writing.synced, "what was synced is gone"
            assert saved.next_record_id == number + 1
