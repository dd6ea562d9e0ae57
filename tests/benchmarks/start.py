"""Start and end. Leaves both subjects running, the station with a card that it knows."""

from tests.benchmarks.bench import Bench
from tests.benchmarks.figures import Figure, Must, figure
from tests.benchmarks.subject import Subject

PHASE = "start"
QUEUED = 25
"""transactions in the queue when it ends"""


class _Starts:
    def __init__(self) -> None:
        self.took: list[float] = []
        self.cpu: list[float] = []
        self.ended: list[float] = []

    async def start(self, subject: Subject) -> None:
        self.took.append(await subject.start())
        self.cpu.append(subject.boot_cpu_s)

    async def end(self, subject: Subject) -> None:
        self.ended.append(await subject.end())


async def measure(bench: Bench) -> list[Figure]:
    await _warm_up(bench)
    cold, warm, floor = _Starts(), _Starts(), _Starts()
    for _ in range(bench.counts.starts):
        await floor.start(bench.floor)
        await floor.end(bench.floor)
        bench.station.forget()
        await cold.start(bench.station)
        await bench.station.settled()
        await cold.end(bench.station)
    await bench.station.start()
    await bench.station.settled()
    await bench.station.make(1)
    for _ in range(bench.counts.starts):
        await _queue(bench)
        await warm.end(bench.station)
        await warm.start(bench.station)
        await bench.station.settled()
    await bench.floor.start()
    return _figures(cold, warm, floor)


async def _warm_up(bench: Bench) -> None:
    """Byte code and page cache."""
    for subject in (bench.floor, bench.station):
        await subject.start()
        await subject.end()


async def _queue(bench: Bench) -> None:
    await bench.station.away()
    await bench.station.make(min(QUEUED, bench.counts.transactions))


def _figures(cold: _Starts, warm: _Starts, floor: _Starts) -> list[Figure]:
    gone = Must(most=200, stretch=50)
    most = Must(most=1.6, floor=True, stretch=1.25)
    return [
        figure(PHASE, "start to BootNotification", "ms", cold.took, floor.took, most),
        figure(PHASE, "CPU until then", "ms", cold.cpu, floor.cpu, most),
        figure(PHASE, "start with records to read back", "ms", warm.took, floor.took, most),
        figure(PHASE, "CPU until then, with records", "ms", warm.cpu, floor.cpu, most),
        figure(PHASE, "SIGTERM to exit", "ms", cold.ended, floor.ended, gone),
        figure(PHASE, "SIGTERM to exit, records queued", "ms", warm.ended, must=gone),
    ]
