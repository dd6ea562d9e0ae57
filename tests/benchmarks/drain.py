"""The CSMS comes back: what waited leaves, also when the process was killed meanwhile."""

import signal

from tests.benchmarks.bench import Bench
from tests.benchmarks.csms import Heard
from tests.benchmarks.figures import Figure, Must, figure

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
    return _figures("", back) + _figures(" after SIGKILL", killed)


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


def _figures(when: str, drains: _Drains) -> list[Figure]:
    return [
        figure(PHASE, f"messages{when}", "1/s", drains.rates, must=Must(least=3000)),
        figure(PHASE, f"first message after Accepted{when}", "ms", drains.first, must=Must(most=5)),
        figure(PHASE, f"messages of those queued{when}", "", drains.arrived, must=Must(least=1)),
    ]
