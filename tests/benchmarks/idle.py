"""Nothing to do: memory, CPU, wake-ups, bytes written; and with a car at each EVSE, two meters read once a second."""

import asyncio
from time import perf_counter

from tests.benchmarks import proc
from tests.benchmarks.bench import Bench
from tests.benchmarks.figures import Figure, Must, figure
from tests.benchmarks.subject import Subject

CALM_S = 1.0
"""until what was under way is over: a lazy commit, an allocator, a timer"""


async def measure(bench: Bench) -> list[Figure]:
    memory = [proc.memory(subject.pid) for subject in (bench.station, bench.floor)]
    station, floor = memory
    figures = [
        figure("memory", "resident, idle (RSS)", "MB", [station.rss_mb], [floor.rss_mb], Must(most=38)),
        figure("memory", "its share (PSS)", "MB", [station.pss_mb], [floor.pss_mb]),
    ]
    figures += await _idle(bench)
    return figures + await _charging(bench)


async def _idle(bench: Bench) -> list[Figure]:
    await asyncio.sleep(min(CALM_S, bench.counts.idle_s))
    (cpu, wakeups, written), (floor_cpu, floor_wakeups, _) = await _watch(bench, bench.station, bench.floor)
    return [
        figure("idle", "CPU", "%", [cpu], [floor_cpu], Must(most=0.05)),
        figure("idle", "wake-ups", "1/s", [wakeups], [floor_wakeups], Must(most=1)),
        figure("idle", "written", "B/s", [written], must=Must(most=0)),
    ]


async def _charging(bench: Bench) -> list[Figure]:
    station = bench.station
    for evse in (1, 2):
        await station.ctl("sim.plug_in", evse=evse)
        await station.ctl("start", evse=evse, token=f"IDLE000{evse}")
    await asyncio.sleep(min(2 * CALM_S, bench.counts.idle_s))  # the cars draw a second after they are authorized
    ((cpu, wakeups, written),) = await _watch(bench, station)
    for evse in (1, 2):
        await station.ctl("sim.plug_out", evse=evse, force=True)
    return [
        figure("idle", "CPU, two cars at 1 Hz", "%", [cpu], must=Must(most=0.5)),
        figure("idle", "wake-ups, two cars at 1 Hz", "1/s", [wakeups]),
        figure("idle", "written, two cars at 1 Hz", "B/s", [written]),
    ]


async def _watch(bench: Bench, *subjects: Subject) -> list[tuple[float, float, float]]:
    """CPU in percent of one, wake-ups and bytes per second, over the window."""
    before, began = [proc.usage(subject.pid) for subject in subjects], perf_counter()
    await asyncio.sleep(bench.counts.idle_s)
    window = perf_counter() - began
    after = [proc.usage(subject.pid) for subject in subjects]
    return [
        (100 * (b.cpu_s - a.cpu_s) / window, (b.wakeups - a.wakeups) / window, (b.written - a.written) / window)
        for a, b in zip(before, after, strict=True)
    ]
