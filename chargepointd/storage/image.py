"""A database and its log (WAL) read without SQLite's help: where the disk cannot be written, and where it is damaged.

SQLite takes the log up to the first frame whose checksum is wrong, silently: the end of a write that the power cut is
there. But a frame that the disk has changed hides all that was committed after it. It is told apart: the checksums of
a log are linear, so a flipped bit is known by what it does to them, and mostly undone; what a power cut has left half
written is not so small. (A frame that is changed in more than a bit is taken for the end of a write too, unless more
follows than can have been written without a sync.)

File format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from chargepointd.core.tuples import NamedTuple

_MASK = 0xFFFFFFFF
_HEADER, _FRAME = 32, 24

Sums = tuple[int, int]
SECTOR = 512
"""what a disk writes as one"""
LONGEST_TAIL = 16
"""transactions that may have been written and not synced"""


class Image(NamedTuple):
    data: bytearray
    """of the database, the log applied; to be opened by `sqlite3.Connection.deserialize`"""
    damaged: bool
    """a frame of the log was changed on the disk"""


class Frame(NamedTuple):
    page: int
    commit: int
    """the size of the database in pages, in the last frame of a transaction"""
    data: bytes
    sound: bool


def log_damaged(path: Path) -> bool:
    """Whether the disk has changed what is in the log of this database."""
    log = _read(path.with_name(path.name + "-wal"))
    return any(not frame.sound for frame in _frames(log))


def image(path: Path) -> Image | None:
    """None when there is no database."""
    data = bytearray(_read(path))
    frames = list(_frames(_read(path.with_name(path.name + "-wal"))))
    last = max((n for n, frame in enumerate(frames) if frame.commit), default=-1)
    for frame in frames[: last + 1]:
        start, size = (frame.page - 1) * len(frame.data), len(frame.data)
        if len(data) < start + size:
            data.extend(bytes(start + size - len(data)))
        data[start : start + size] = frame.data if frame.page else data[start : start + size]
    if len(data) < 512:
        return None
    size = struct.unpack_from(">H", data, 16)[0]
    size = 65536 if size == 1 else size
    if size < 512 or size & (size - 1):
        return None
    pages = frames[last].commit if last >= 0 else struct.unpack_from(">I", data, 28)[0]
    if 0 < pages * size < len(data) + (64 << 20):  # a file that was cut off: the pages that are gone are empty
        data.extend(bytes(max(0, pages * size - len(data))))
    data[18:20] = b"\x01\x01"  # there is no log any more
    return Image(data, any(not frame.sound for frame in frames))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _frames(log: bytes) -> Iterator[Frame]:
    """Those of the log as it was written last, up to its end, or to what cannot be trusted any more."""
    if len(log) < _HEADER:
        return
    magic, _, size, _, *salt = struct.unpack_from(">6I", log)
    if magic not in (0x377F0682, 0x377F0683) or not 512 <= size <= 65536 or size % 4:
        return
    words = struct.Struct(f"{'<' if magic == 0x377F0682 else '>'}{2 + size // 4}I")
    chain: Sums = struct.unpack_from(">2I", log, 24)
    raw = [_Raw(log, start, size, words) for start in range(_HEADER, len(log) - _FRAME - size + 1, _FRAME + size)]
    for n, frame in enumerate(raw):
        right, changed = _sum(frame.words, chain), frame.stored
        if right == changed:
            yield frame.read(frame.words, sound=frame.salt == salt)
            chain = right
            continue
        if frame.salt != salt:
            return  # of the log before
        after = raw[n + 1] if n + 1 < len(raw) and raw[n + 1].salt == salt else None
        if _one_bit(changed, right) and not (after and _sum(after.words, changed) == after.stored):
            yield frame.read(frame.words)  # it is the checksum that was changed
            chain = right
            continue
        explaining = _explaining(frame.words, right, changed)
        if explaining and all(frame.unwritten(log, word) for word, _ in explaining):
            return  # what seems a bit that is gone is a sector that was never written
        if not explaining and _goes_on(raw[n:], salt) <= LONGEST_TAIL:
            return  # a write that was not finished
        yield frame.read(_mended(explaining, frame.words))
        chain = changed


def _goes_on(raw: "list[_Raw]", salt: list[int]) -> int:
    """For how many transactions the chain goes on behind the first frame."""
    count = 0
    for before, frame in pairwise(raw):
        if frame.salt != salt or _sum(frame.words, before.stored) != frame.stored:
            break
        count += frame.commits
    return count


class _Raw:
    def __init__(self, log: bytes, start: int, size: int, words: struct.Struct) -> None:
        first, second, third, fourth = struct.unpack_from(">4I", log, start + 8)
        self.salt, self.stored = [first, second], (third, fourth)
        self._start, self._struct = start, words
        self.commits = log[start + 4 : start + 8] != bytes(4)
        self.words = list(words.unpack(log[start : start + 8] + log[start + _FRAME : start + _FRAME + size]))

    def unwritten(self, log: bytes, word: int) -> bool:
        """From this word on its sector holds nothing."""
        at = self._start + 4 * word + (16 if word > 1 else 0)
        return not any(log[at : at - at % SECTOR + SECTOR])

    def read(self, words: list[int], *, sound: bool = False) -> Frame:
        raw = self._struct.pack(*words)
        page, commit = struct.unpack(">2I", raw[:8])
        return Frame(page, commit, raw[8:], sound)


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
    as it is: its rows have checksums of their own. Where none does, the page is empty: an older one would be worse."""
    if not explaining:
        return [*words[:2], *[0] * (len(words) - 2)]
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


_INTERIOR = 5
"""a page of a table that leads to others"""


def with_schema(data: bytes, sound: bytes) -> bytes:
    """The database with the schema of a sound one in pages behind its own: for where only its schema cannot be read,
    and with it none of its tables. Empty where that is another schema.

    The tables are looked for where those of `sound` begin, for the same statements made both. Where they begin
    elsewhere no row fits its checksum.
    """
    size = int.from_bytes(sound[16:18])
    if data[16:18] != sound[16:18] or data[60:64] != sound[60:64]:  # size of a page, version of the schema
        return b""
    pages, root = bytearray(data[: len(data) // size * size]), bytearray(data[:100] + sound[100:size])
    for at in _children(root):
        number = int.from_bytes(root[at : at + 4])
        pages += sound[(number - 1) * size : number * size]
        root[at : at + 4] = (len(pages) // size).to_bytes(4)
    root[28:32] = (len(pages) // size).to_bytes(4)
    pages[:size] = root
    return bytes(pages)


def _children(root: bytearray) -> list[int]:
    """Where in the first page the numbers of others stand (SQLite file format §1.6)."""
    if root[100] != _INTERIOR:
        return []
    cells = int.from_bytes(root[103:105])
    return [108, *(int.from_bytes(root[at : at + 2]) for at in range(112, 112 + 2 * cells, 2))]
