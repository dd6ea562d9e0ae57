"""The bare disk, the syncs of a running process, and the daemon's writer alone."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import perf_counter

from chargepointd.core.effects import SaveRecord
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.values import MeterValue, Sample, Stamp, Token
from chargepointd.storage.store import Store
from chargepointd.storage.writer import Writer

RECORD = 600
"""bytes: about a record"""
FILE = 4 << 20


def sync_rate(directory: Path, seconds: float, *, growing: bool) -> float:
    """fdatasync per second, each after RECORD bytes; a growing file costs the file system's journal as well."""
    with tempfile.TemporaryFile(dir=directory) as file:
        fd = file.fileno()
        if not growing:
            os.write(fd, bytes(FILE))
            os.fsync(fd)
        count, began = 0, perf_counter()
        while (took := perf_counter() - began) < seconds:
            os.pwrite(fd, b"x" * RECORD, count * RECORD % (FILE - RECORD) if not growing else count * RECORD)
            os.fdatasync(fd)
            count += 1
        return count / took


class Syncs:
    count = 0


@asynccontextmanager
async def syncs(pid: int, directory: Path) -> AsyncIterator[Syncs | None]:
    """Counts fsync and fdatasync of the process while inside, by strace; None where that is not to be had."""
    if shutil.which("strace") is None:
        yield None
        return
    out, counted = directory / f"strace.{pid}", Syncs()
    strace = await asyncio.create_subprocess_exec(
        "strace", "-f", "-e", "trace=fsync,fdatasync", "-o", str(out), "-p", str(pid), stderr=asyncio.subprocess.PIPE
    )
    assert strace.stderr
    attached = b"attached" in await strace.stderr.readline()
    try:
        yield counted if attached else None
    finally:
        with suppress(ProcessLookupError):
            strace.terminate()
        await strace.communicate()
        if attached:
            counted.count = sum("sync(" in line for line in out.read_text().splitlines())
        out.unlink(missing_ok=True)


class WriterAlone:
    """The daemon's writer and its file, in this process, without a station."""

    def __init__(self, directory: Path) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="cpb-writer-", dir=directory))
        self._next = 0

    async def rate(self, count: int, *, together: bool) -> float:
        """Records kept per second: each alone and waited for, or all handed over at once."""
        store, loop = Store(self._directory), asyncio.get_running_loop()
        self._next = store.open().next_record_id
        broken: asyncio.Future[None] = loop.create_future()
        writer = Writer(store, loop.call_soon_threadsafe, loop.call_later, broken.set_exception)
        writer.start()
        try:
            began = perf_counter()
            await (self._together if together else self._one_by_one)(writer, count)
            return count / (perf_counter() - began)
        finally:
            writer.stop()
            broken.cancel()

    async def _together(self, writer: Writer, count: int) -> None:
        done = asyncio.Event()
        for _ in range(count - 1):
            writer.submit([self._record()], _nothing)
        writer.submit([self._record()], done.set)
        await done.wait()

    async def _one_by_one(self, writer: Writer, count: int) -> None:
        """Each as soon as the one before is kept."""
        done, left = asyncio.Event(), count

        def kept() -> None:
            nonlocal left
            left -= 1
            if left:
                writer.submit([self._record()], kept)
            else:
                done.set()

        writer.submit([self._record()], kept)
        await done.wait()
        assert writer.commits >= count, "each has a sync of its own"

    def _record(self) -> SaveRecord:
        number = self._next
        self._next += 1
        at = 1.8e9 + number
        samples = (Sample("Energy.Active.Import.Register", 1234.5, "Wh"), Sample("Power.Active.Import", 11040.0, "W"))
        record = TransactionRecord(
            "Updated", "01234567-89ab-cdef-0123-456789abcdef", number, Stamp(at, True, 1.0, "boot"),
            "MeterValuePeriodic", 1, 1, "Charging", 1234.5, (MeterValue(at, "Sample.Periodic", samples),),
            starter=Token("SIMULATED0001"),
        )  # fmt: skip
        return SaveRecord(number, f"0123456789ab-{number}", record)

    def close(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)


def _nothing() -> None: ...
