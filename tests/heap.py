"""The C library's heap of this process: what Python does not have in its own arenas, and what other libraries have."""

import _sqlite3
import ctypes

EXACT = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
"""environment of a process in which what is free counts as free, also what malloc(3) has at hand for one thread"""
PYTHONS_OWN = 512
"""bytes of the largest block that Python takes from its own arenas"""


class _Mallinfo(ctypes.Structure):
    """struct mallinfo2 of mallinfo(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


_mallinfo = ctypes.CDLL(None).mallinfo2
_mallinfo.restype = _Mallinfo
_memory_used = ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used
_memory_used.restype = ctypes.c_int64


def in_use() -> int:
    """Bytes, in the arenas and mapped."""
    told = _mallinfo()
    return int(told.uordblks + told.hblkhd)


def of_sqlite() -> int:
    """Bytes of it: a cache of pages that grows with what is in the file, to its limit, and statements."""
    return int(_memory_used())
