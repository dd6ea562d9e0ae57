"""The CSMS comes back: what waited leaves, also when the process was killed meanwhile; a long queue costs no memory,
and requests are answered while it drains."""

import asyncio
import signal

from chargepointd.core.effects import SaveRecord
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.values import MeterValue, Sample, Stamp, Token
from chargepointd.storage.store import Store
from tests.benchmarks import proc
from tests.benchmarks.bench import Bench
from tests.benchmarks.csms import RECORDS, Heard, Party
from tests.benchmarks.figures import Figure, Must, figure, percentile

PHASE = "drain"


class _Drains:
    def __init__(self) -> None:
        self.rates: list[float] = []
        self.first: list[float] = []
        self.arrived: list[float] = []

    def note(self, bench: Bench, records: list[Heard], queued: int) -> None:
        party = bench.station.party
        begun = max(party.opened_at, party.accepted_at)
        self.first.append(records[0].at - begun)
        self.rates.append((len(records) - 1) / (records[-1].at - records[0].at))
        self.arrived.append(len(records) / queued)


async def measure(bench: Bench) -> list[Figure]:
    back, killed = _Drains(), _Drains()
    for _ in range(bench.counts.rounds):
        await _back(bench, back)
        await _killed(bench, killed)
    return _figures("", back) + _figures(" after SIGKILL", killed) + await _long(bench)


async def _queue(bench: Bench) -> tuple[int, int]:
    """How many were heard before, and how many wait."""
    await bench.station.away()
    await bench.station.make(bench.counts.drained)
    return len(bench.station.party.heard), await bench.station.queued()


async def _back(bench: Bench, drains: _Drains) -> None:
    since, queued = await _queue(bench)
    await bench.station.ctl("sim.connect")
    drains.note(bench, await bench.station.party.records(since, queued), queued)


async def _killed(bench: Bench, drains: _Drains) -> None:
    since, queued = await _queue(bench)
    await bench.station.end(signal.SIGKILL)
    await bench.station.start()
    drains.note(bench, await bench.station.party.records(since, queued), queued)
    await bench.station.settled()


class _Long:
    """What a long queue costs: memory, and the patience of who asks meanwhile."""

    def __init__(self) -> None:
        self.growth: list[float] = []
        self.draining: list[float] = []
        self.rates: list[float] = []
        self.middle: list[float] = []
        self.tail: list[float] = []


async def _long(bench: Bench) -> list[Figure]:
    found = _Long()
    await bench.station.end()
    for _ in range(bench.counts.rounds):
        await _one_long(bench, found)
    await bench.station.start()
    await bench.station.settled()
    return [
        figure(PHASE, "memory that a long queue adds", "MB", found.growth, must=Must(most=2, stretch=0.5)),
        figure(PHASE, "memory that its leaving adds", "MB", found.draining),
        figure(PHASE, "messages of a long queue", "1/s", found.rates, must=Must(least=3000, stretch=5000)),
        figure(PHASE, "request while it drains, p50", "ms", found.middle),
        figure(PHASE, "request while it drains, p99", "ms", found.tail),
    ]


async def _one_long(bench: Bench, found: _Long) -> None:
    station, party, number = bench.station, bench.station.party, bench.counts.waiting
    await station.start()
    await station.settled()
    await station.away()
    idle = proc.memory(station.pid).rss_mb
    await station.end()
    _fill(bench, number)
    party.muted = RECORDS
    await station.start()
    await station.settled()
    await station.away()
    waiting = proc.memory(station.pid).rss_mb
    party.muted, since = frozenset(), len(party.heard)
    await station.ctl("sim.connect")
    await party.until(lambda: party.line is not None)
    asker = asyncio.create_task(_ask(party), name="asker")
    records = await party.records(since, number)
    asker.cancel()
    took = sorted(await asker)
    found.growth.append(waiting - idle)
    found.draining.append(proc.memory(station.pid).rss_mb - waiting)
    await station.end()
    found.rates.append((len(records) - 1) / (records[-1].at - records[0].at))
    found.middle.append(percentile(took, 0.5))
    found.tail.append(percentile(took, 0.99))


async def _ask(party: Party) -> list[float]:
    """Fifty times a second, how long an answer takes."""
    took: list[float] = []
    try:
        while True:
            took.append((await party.ask("GetLocalListVersion", {})).seconds)
            await asyncio.sleep(0.02)
    except asyncio.CancelledError:
        return took


def _fill(bench: Bench, number: int) -> None:
    """As an earlier process has left it: transactions of six records."""
    store = Store(bench.station.state)
    first = store.open().next_record_id
    try:
        store.commit(
            [SaveRecord(first + n, f"long-{first}-{n}", _record(first, n)) for n in range(number)], durable=True
        )
    finally:
        store.close()


def _record(first: int, number: int) -> TransactionRecord:
    token, at, place = Token("04A1B2C3D4E5F6"), 1.79e9 + number, number % 6
    read = (MeterValue(at, "Sample.Periodic", (Sample("Energy.Active.Import.Register", 1e4 + number, "Wh"),)),)
    kind = "Started" if place == 0 else "Ended" if place == 5 else "Updated"
    return TransactionRecord(
        kind, f"long-{first}-{number // 6}", place, Stamp(at), "MeterValuePeriodic", 1, 1, "Charging", 1e4 + number,
        read, token if place == 0 else None, token, stopped_reason="Local" if place == 5 else None, offline=True,
    )  # fmt: skip


def _figures(when: str, drains: _Drains) -> list[Figure]:
    return [
        figure(PHASE, f"messages{when}", "1/s", drains.rates, must=Must(least=3000, stretch=5000)),
        figure(PHASE, f"first message after Accepted{when}", "ms", drains.first, must=Must(most=5, stretch=2)),
        figure(PHASE, f"messages of those queued{when}", "", drains.arrived, must=Must(least=1)),
    ]
