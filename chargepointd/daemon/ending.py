"""The end of the process: what is to be kept is waited for, but not for ever."""

import asyncio
import logging
from collections.abc import Iterable

from chargepointd.core import effects as f
from chargepointd.storage.stall import REASON, StandsStill
from chargepointd.storage.writer import Writer

log = logging.getLogger(__name__)

END_S = 8.0
"""how long a disk is waited for. With what makes the hardware safe it is less than the unit's TimeoutStopSec"""
SAY_S = 0.5
"""that it is waited for is said, if it takes longer; so long it is in any case"""
AGAIN = "told so again, it ends at once"
NAMED = 5
"""records that are told one by one"""


async def until_kept(writer: Writer, at_once: asyncio.Event) -> None:
    """Have the writer end. StandsStill where it has not within END_S, or soon after `at_once`."""
    ended = asyncio.Event()
    writer.end(ended.set)
    if await _first(SAY_S, ended):
        return
    log.warning("the station ends, and waits %g s for the disk to take what is to be kept; %s", END_S, AGAIN)
    await _first(END_S, ended, at_once)
    if not await _first(SAY_S if at_once.is_set() else 0.0, ended):
        left = words(writer.left())
        raise StandsStill(f"state: {REASON}; not known to be kept: {left}; no record of it was told")


async def _first(timeout_s: float, *events: asyncio.Event) -> bool:
    """Whether one of them comes in time."""
    tasks = [asyncio.create_task(event.wait(), name="end") for event in events]
    done, waiting = await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return bool(done)


def words(saves: Iterable[f.Save]) -> str:
    """For a person: what these are."""
    saves = list(saves)
    records = [save.record for save in saves if isinstance(save, f.SaveRecord)]
    named = [f"{each.kind} {each.seq_no} of transaction {each.transaction_id}" for each in records[-NAMED:]]
    parts = [f"records: {len(records)} (the last: {', '.join(named)})"] if records else []
    others = len(saves) - len(records)
    parts += [f"other changes: {others}"] if others else []
    return ", ".join(parts) or "nothing"
