"""What all phases share: how much is measured, the CSMS, the two subjects."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.csms import Csms
from tests.benchmarks.subject import Daemon, Floor


class Counts(NamedTuple):
    starts: int = 9
    rounds: int = 3
    requests: int = 1000
    """in each round, of each kind: of fewer the p99 would be the slowest"""
    rate: int = 4000
    """requests in each round"""
    messages: int = 100_000
    """over which the memory may grow"""
    idle_s: float = 12.0
    calm_s: float = 60.0
    """to wait at most until it is at rest"""
    transactions: int = 150
    """in each round of what is durable"""
    drained: int = 300
    """transactions in each round"""
    waiting: int = 10_000
    """records of a long queue"""
    flood_s: float = 5.0


QUICK = Counts(
    starts=3, rounds=2, rate=500, messages=3000, idle_s=2.5, transactions=20, drained=60, waiting=3000,
    flood_s=2.0,
)  # fmt: skip
TINY = Counts(
    starts=1,
    rounds=1,
    requests=5,
    rate=20,
    messages=50,
    idle_s=0.2,
    calm_s=0.2,
    transactions=2,
    drained=3,
    waiting=200,
    flood_s=0.4,
)


class Bench(NamedTuple):
    ocpp: str
    counts: Counts
    station: Daemon
    floor: Floor
    directory: Path
    """on the disk that is measured"""
    csms: Csms
    cpus: set[int] | None


@asynccontextmanager
async def bench(ocpp: str, counts: Counts, directory: Path, cpus: set[int] | None) -> AsyncIterator[Bench]:
    async with Csms() as csms:
        station, floor = Daemon(csms, ocpp, cpus, directory), Floor(csms, ocpp, cpus)
        gc.freeze()
        try:
            yield Bench(ocpp, counts, station, floor, directory, csms, cpus)
        finally:
            station.close()
            floor.close()
