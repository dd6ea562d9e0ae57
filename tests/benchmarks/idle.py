"""Nothing to do: memory, CPU, wake-ups, bytes written; and with a car at each EVSE, two meters read once a second."""

import asyncio
from time import perf_counter

from chargepointd.daemon.daemon import SETTLED_S
from tests.benchmarks import proc
from tests.benchmarks.bench import Bench
from tests.benchmarks.figures import Figure, Must, figure
from tests.benchmarks.subject import Subject

CALM_S = 1.0
"""until what was under way is over: a lazy commit, an allocator, a timer"""
DONE_S = SETTLED_S + CALM_S
"""after its start the station has done what it left for later"""


async def measure(bench: Bench) -> list[Figure]:
    memory = [proc.memory(subject.pid) for subject in (bench.station, bench.floor)]
    station, floor = memory
    figures = [
        figure("memory", "resident, idle (RSS)", "MB", [station.rss_mb], [floor.rss_mb], Must(most=38, stretch=32)),
        figure("memory", "its share (PSS)", "MB", [station.pss_mb], [floor.pss_mb]),
    ]
    figures += await _idle(bench)
    return figures + await _charging(bench)


async def _idle(bench: Bench) -> list[Figure]:
    since_s = perf_counter() - bench.station.party.opened_at
    await asyncio.sleep(min(max(DONE_S - since_s, CALM_S), bench.counts.calm_s))
    (cpu, wakeups, written), (floor_cpu, floor_wakeups, _) = await _watch(bench, bench.station, bench.floor)
    return [
        figure("idle", "CPU", "%", [cpu], [floor_cpu], Must(most=0.05, stretch=0.01)),
        figure("idle", "wake-ups", "1/s", [wakeups], [floor_wakeups], Must(most=1, stretch=0.2)),
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
        figure("idle", "CPU, two cars at 1 Hz", "%", [cpu], must=Must(most=0.5, stretch=0.2)),
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
