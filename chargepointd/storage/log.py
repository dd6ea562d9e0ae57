"""SQLite's log (WAL), read without its help: what was committed, and what can no longer be known.

SQLite takes the log up to the first frame whose checksum is wrong, silently: the end of a write that the power cut is
there. But a frame that the disk has changed hides all that was committed after it, and its last transactions may have
been told. So the first frame that is wrong is

- *mended*, where its checksum says what is wrong. They are linear, so a flipped bit is known by what it does to them;
- *damaged*, where more transactions follow it than can have been written without a sync (`LONGEST_TAIL`): it was whole;
- *unfinished*, where something is seen that only a write which was not finished leaves. File systems write whole
  blocks, of which a power cut leaves any: where a block was not written a frame begins as one of the log before, or as
  nothing. That is this frame, or the next if this one reaches into its block;
- else *unclear*: then the log is taken as SQLite takes it, and what may have been told is kept free (`doubt`). A disk
  that has written half of a block shows the same: some sectors are as they were. How that was is kept nowhere else (in
  an older log, over which this one is written), so it cannot be told from what was changed after the sync.

File format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

import struct
from itertools import pairwise
from pathlib import Path
from sys import byteorder

from chargepointd.core.tuples import NamedTuple
from chargepointd.storage.database import LONGEST_TAIL, PAGE_SIZE
from chargepointd.storage.room import FRAME, HEADER
from chargepointd.storage.sectors import readable

_MASK = 0xFFFFFFFF
_MAGIC = 0x377F0682

Sums = tuple[int, int]
SECTOR = 512
"""what a disk writes as one"""
BLOCK = 4096
"""what a file system writes as one, at most: a page of the kernel's memory"""
_NONE: Sums = (0, 0)
"""the salt of what was never written"""
_OTHER_BITS = 5
"""a salt that was drawn anew differs in more"""


class Frame(NamedTuple):
    page: int
    commit: int
    """the size of the database in pages, in the last frame of a transaction"""
    data: bytes


class Log(NamedTuple):
    frames: tuple[Frame, ...] = ()
    damaged: bool = False
    """a frame was changed on the disk"""
    unclear: int = 0
    """bytes behind the frames that may have been committed, and cannot be read"""
    remains: bool = False
    """behind the last transaction stands something of this log that is none: the next frames must not be written there,
    for at the next start it would be taken for what followed them"""


def read_log(path: Path) -> Log:
    """Of the database at this path. What the disk does not give back counts as changed."""
    try:
        file = path.with_name(path.name + "-wal")
        log, block = readable(file), file.stat().st_blksize
    except OSError:
        return Log()
    return _Reading(log, min(max(block, 2 * SECTOR), BLOCK)).result() if len(log) >= HEADER else Log()


class _Raw:
    """As it stands there."""

    def __init__(self, log: bytes, start: int, size: int, words: struct.Struct) -> None:
        first, second, third, fourth = struct.unpack_from(">4I", log, start + 8)
        self.salt: Sums = first, second
        self.stored: Sums = third, fourth
        self.start, self._struct = start, words
        self.commits = log[start + 4 : start + 8] != bytes(4)
        self.words = list(words.unpack(log[start : start + 8] + log[start + FRAME : start + FRAME + size]))

    def unwritten(self, log: bytes, word: int) -> bool:
        """From this word on its sector holds nothing."""
        at = self.start + 4 * word + (16 if word > 1 else 0)
        return not any(log[at : at - at % SECTOR + SECTOR])

    def follows(self, before: Sums) -> bool:
        return _sum(self.words, before) == self.stored

    def read(self, words: list[int]) -> Frame:
        raw = self._struct.pack(*words)
        page, commit = struct.unpack(">2I", raw[:8])
        return Frame(page, commit, raw[8:])


class _Reading:
    def __init__(self, log: bytes, block: int) -> None:
        magic, _, size, _, *salt, first, second = struct.unpack_from(">8I", log)
        order = ">" if magic == _MAGIC + 1 else "<"
        sound = magic in (_MAGIC, _MAGIC + 1)  # the checksum of zeros is right
        sound = sound and _sum(list(struct.unpack_from(f"{order}6I", log)), (0, 0)) == (first, second)
        if not sound:
            size, order = PAGE_SIZE, "<" if byteorder == "little" else ">"
        words = struct.Struct(f"{order}{2 + size // 4}I")
        self._log, self._block, self._step = log, block, FRAME + size
        starts = range(HEADER, len(log) - self._step + 1, self._step)
        self._raw = [_Raw(log, start, size, words) for start in starts]
        self._chain: Sums | None = (first, second) if sound else None
        """what the next frame goes on from; None: that was changed"""
        self._salt = (salt[0], salt[1]) if sound or not self._raw else self._raw[0].salt
        self._frames: list[Frame] = []
        self._damaged = not sound and any(
            frame.salt != _NONE and frame.follows(before.stored) for before, frame in pairwise(self._raw)
        )
        """else there is nothing to be read"""
        # Else they may be of the log before.
        known = sound or (self._damaged and _NONE != self._salt == self._raw[1].salt)
        self._unclear = 0 if known else len(log.rstrip(b"\0"))
        if self._unclear:
            self._raw = []

    def result(self) -> Log:
        n = 0
        while n < len(self._raw) and self._take(n):
            n += 1
        last = max((at for at, frame in enumerate(self._frames) if frame.commit), default=-1)
        rest = self._raw[last + 1 :]
        behind = any(self._log[HEADER + self._step * len(self._raw) :])
        remains = bool(self._unclear or behind or any(frame.salt == self._salt for frame in rest))
        return Log(tuple(self._frames), self._damaged, self._unclear, remains)

    def _take(self, n: int) -> bool:
        """Whether what follows is worth a look."""
        frame = self._raw[n]
        after = self._raw[n + 1] if n + 1 < len(self._raw) else None
        if self._chain is None:
            right = frame.stored
            whole = frame.salt == self._salt and (after is None or after.follows(right))
        else:
            right = _sum(frame.words, self._chain)
            whole = right == frame.stored
        if whole and frame.salt == self._salt:
            return self._keep(frame.read(frame.words), right)
        sure = self._commits_behind(n) > LONGEST_TAIL
        if not (whole or sure) and (self._old(frame.start) or self._has_hole(frame.start)):
            return False
        if whole:
            self._damaged = True
            return self._keep(frame.read(frame.words), right)
        if (after and after.follows(right)) or (
            frame.salt == self._salt and _one_bit(frame.stored, right) and not (after and after.follows(frame.stored))
        ):
            self._damaged = True  # only its header
            return self._keep(frame.read(frame.words), right)
        explaining = _explaining(frame.words, right, frame.stored) if frame.salt == self._salt else []
        if explaining and not all(frame.unwritten(self._log, word) for word, _ in explaining):
            self._damaged = True
            return self._keep(frame.read(_mended(explaining, frame.words)), frame.stored)
        if sure:
            return self._pass_over(n)
        if not (self._old(frame.start + self._step) and self._ends_elsewhere(frame.start)):
            self._doubt(n)
        return False

    def _old(self, start: int) -> bool:
        """Here a frame of a log that was here before begins: the first number of its salt counts up, the second is
        drawn (`walRestartHdr`). Or there was none yet."""
        if len(self._log) < start + 16:
            return False
        first, second = struct.unpack_from(">2I", self._log, start + 8)
        older = 0 < (self._salt[0] - first) & _MASK < 1 << 16 and (self._salt[1] ^ second).bit_count() >= _OTHER_BITS
        return older or (self._rest_of_block(start) > self._step and self._nothing(start))

    def _ends_elsewhere(self, start: int) -> bool:
        """The frame that begins here ends in another block, which the next begins in too."""
        end = start + self._step
        last = (end - 1) // self._block
        return bool(start // self._block < last == end // self._block)

    def _has_hole(self, start: int) -> bool:
        """In the frame that begins here a block was not written, or all of its page: nothing is there. (SQLite writes
        the header and the page one after the other, and a process may be killed in between.)"""
        if not any(self._log[start + FRAME : start + self._step]):
            return True
        blocks = range(-(-start // self._block) * self._block, start + self._step, self._block)
        return any(map(self._nothing, (start, *blocks)))

    def _nothing(self, at: int) -> bool:
        """As far as its block goes."""
        return not any(self._log[at : at + self._rest_of_block(at)])

    def _rest_of_block(self, at: int) -> int:
        return self._block - at % self._block

    def _keep(self, frame: Frame, chain: Sums | None) -> bool:
        self._frames.append(frame)
        self._chain = chain
        return True

    def _pass_over(self, n: int) -> bool:
        """It was whole, and no longer is: its page is empty, for an older one would be worse. Where its header is no
        more, nobody knows which page that was, and the older one may be what is used."""
        frame = self._raw[n]
        self._damaged = True
        self._doubt(n)
        headed = frame.salt == self._salt
        empty = frame.read([*frame.words[:2], *[0] * (len(frame.words) - 2)])
        return self._keep(empty if headed else Frame(0, 0, empty.data), frame.stored if headed else None)

    def _commits_behind(self, n: int) -> int:
        """Transactions of this log that go on behind this frame; others of its frames may be changed as well."""
        pairs = pairwise(self._raw[n:])
        return sum(
            frame.commits for before, frame in pairs if frame.salt == self._salt and frame.follows(before.stored)
        )

    def _doubt(self, n: int) -> None:
        last = max((at for at in range(n, len(self._raw)) if self._raw[at].salt == self._salt), default=n)
        self._unclear = max(self._unclear, (last - n + 1) * self._step)


def _sum(words: list[int], chain: Sums) -> Sums:
    first, second = chain
    for n in range(0, len(words), 2):
        first = (first + words[n] + second) & _MASK
        second = (second + words[n + 1] + first) & _MASK
    return first, second


def _less(one: Sums, other: Sums) -> Sums:
    return (one[0] - other[0]) & _MASK, (one[1] - other[1]) & _MASK


def _mended(explaining: list[tuple[int, int]], words: list[int]) -> list[int]:
    """With the word put right that explains the checksum. Where several do (changes of high bits), the frame is taken
    as it is: its rows have checksums of their own."""
    if len(explaining) == 1:
        [(n, change)] = explaining
        return [*words[:n], (words[n] + change) & _MASK, *words[n + 1 :]]
    return words


def _one_bit(one: Sums, other: Sums) -> bool:
    return sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True)) == 1


def _explaining(words: list[int], right: Sums, stored: Sums) -> list[tuple[int, int]]:
    """The words, and how much has to be added to one of them, so that the sums are what is stored: for one bit."""
    wrong, found = _less(stored, right), []
    weight = (0, 1)  # of a word in the two sums: towards the front it grows as the Fibonacci numbers do
    for n in range(len(words) - 1, -1, -1):
        first, second = weight
        odd, total = (first, wrong[0]) if first & 1 else (second, wrong[1])
        change = total * pow(odd, -1, 1 << 32) & _MASK
        if (first * change & _MASK, second * change & _MASK) == wrong:
            flipped = words[n] ^ (words[n] + change & _MASK)
            if flipped.bit_count() == 1:
                found.append((n, change))
        weight = (second, (first + second) & _MASK)
    return found
