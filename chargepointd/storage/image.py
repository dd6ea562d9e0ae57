"""A database and its log read without SQLite's help: where the disk cannot be written, and where it is damaged."""

import struct
from pathlib import Path

from chargepointd.storage.log import read_log
from chargepointd.storage.sectors import readable

GROWTH = 64 << 20
"""bytes by which the log can have made the file longer: what says more was changed, and would take all memory"""


def image(path: Path) -> bytearray | None:
    """The database, the log applied; to be opened by `sqlite3.Connection.deserialize`. None when there is none."""
    data = bytearray(_read(path))
    frames = read_log(path).frames
    last, most = max((n for n, frame in enumerate(frames) if frame.commit), default=-1), len(data) + GROWTH
    for frame in (frame for frame in frames[: last + 1] if frame.page):
        start, size = (frame.page - 1) * len(frame.data), len(frame.data)
        if start + size > most:
            continue
        if len(data) < start + size:
            data.extend(bytes(start + size - len(data)))
        data[start : start + size] = frame.data
    if len(data) < 512:
        return None
    size = struct.unpack_from(">H", data, 16)[0]
    size = 65536 if size == 1 else size
    if size < 512 or size & (size - 1):
        return None
    pages = frames[last].commit if last >= 0 else struct.unpack_from(">I", data, 28)[0]
    if 0 < pages * size < most:  # a file that was cut off: the pages that are gone are empty
        data.extend(bytes(max(0, pages * size - len(data))))
    data[18:20] = b"\x01\x01"  # there is no log any more
    return data


def _read(path: Path) -> bytes:
    try:
        return readable(path)
    except OSError:
        return b""


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
