"""The system's clock: whether the kernel calls it synchronised, and which servers it is set by."""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable
from typing import Any

from chargepointd.core.jobs import JobFailed
from chargepointd.core.timekeeping import AskSystemClock, SetNtpServers, SystemClock
from chargepointd.jobs.runner import Place

TIME_ERROR = 5
"""adjtimex(2): not synchronised"""
COMMAND_S = 30.0


def synchronised() -> bool:
    """What adjtimex(2) says when it is asked to change nothing. A `struct timex` begins with `modes`, and has at most
    208 bytes on any Linux; its state is what the call returns. OSError where there is no such call."""
    state: int = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512))
    if state < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return state != TIME_ERROR


async def ask(job: AskSystemClock, place: Place, tell: Callable[[Any], None]) -> SystemClock | JobFailed:
    """A container may be forbidden to ask."""
    try:
        return SystemClock(synchronised(), time.time() - time.monotonic())
    except OSError as error:
        return JobFailed(f"the kernel does not say whether its clock is synchronised: {error.strerror}")


async def set_servers(job: SetNtpServers, place: Place, tell: Callable[[Any], None]) -> JobFailed | None:
    try:
        await _run(job)
    except TimeoutError:
        return JobFailed(f"{job.command[0]} did not end within {COMMAND_S:g} s")
    except OSError as error:
        return JobFailed(str(error))
    return None


async def _run(job: SetNtpServers) -> None:
    """The command with the servers as arguments; it has `COMMAND_S`. Raises OSError with what it said."""
    process = await asyncio.create_subprocess_exec(
        *job.command, *job.servers,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(COMMAND_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise OSError(
            f"{job.command[0]} ended with {process.returncode}: {said.decode(errors='replace')[-200:].strip()}"
        )
