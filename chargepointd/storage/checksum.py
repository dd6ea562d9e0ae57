"""A checksum of each row, over what identifies it and what it says: what a disk has changed is recognised.

It finds every burst of 32 bits, and all but one in 4 billion of other changes; it is no protection against people. Rows
without one are of a program that had none.
"""

from binascii import crc32

SEEDS = {
    name: crc32(name.encode()) for name in ("state", "variable", "session", "record", "token", "listed", "security")
} | {"dead": crc32(b"record")}
"""by table: a row of one is none of another; but what was set aside keeps the checksum it had as a record"""


def checksum(seed: int, row: str) -> int:
    """Of a row, written as `row_text` does; 32 bits with a sign, which is how SQLite needs the fewest bytes."""
    said = crc32(row.encode("utf-8", "surrogatepass"), seed)
    return said - ((said & 0x80000000) << 1)


def row_text(values: tuple[object, ...]) -> str:
    return "\0".join(map(str, values))
