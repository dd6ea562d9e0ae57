"""How much room is left where the state is kept: a full disk ends the books, so it is said before."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from chargepointd.core import events as e

LOW_BYTES = 32 * 1024 * 1024
"""for the database, its copy before a migration, and an archive of diagnostics"""
EVERY_S = 600.0


async def watch(directory: Path, post: Callable[[e.Event], None]) -> None:
    """Post `StorageLow` whenever it has become so, or is so no longer. Until cancelled."""
    low = False
    while True:
        free = _free(directory)
        if free is not None and (free < LOW_BYTES) != low:
            low = not low
            post(e.StorageLow(free, over=not low))
        await asyncio.sleep(EVERY_S)


def _free(directory: Path) -> int | None:
    """None where it cannot be reached: that is told by who needs it."""
    try:
        facts = os.statvfs(directory)
    except OSError:
        return None
    return facts.f_bavail * facts.f_frsize
