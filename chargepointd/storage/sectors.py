"""A file of which the disk does not give back every sector."""

import os
from pathlib import Path

_BLOCK = 4096
FILL = 0xA5
"""stands for what cannot be read: no zero, for that is what stands where nothing was written"""


def readable(path: Path) -> bytes:
    """What can be read of it. OSError when it cannot be opened."""
    with path.open("rb", buffering=0) as file:
        try:
            return file.readall()
        except OSError:
            size = os.fstat(file.fileno()).st_size
            return b"".join(_block(file.fileno(), at, min(_BLOCK, size - at)) for at in range(0, size, _BLOCK))


def gives_all(path: Path) -> bool:
    """Whether all of it can be read, if there is any."""
    try:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _block(file: int, at: int, size: int) -> bytes:
    try:
        return os.pread(file, size, at)
    except OSError:
        return bytes([FILL]) * size
