"""What it costs that a record survives a power cut: records per second, syncs and bytes of each."""

import asyncio
import os
from time import perf_counter

from tests.benchmarks import proc
from tests.benchmarks.bench import Bench
from tests.benchmarks.disk import WriterAlone, sync_rate, syncs
from tests.benchmarks.events import EngineAlone, syncs_per_sample
from tests.benchmarks.figures import Figure, Must, figure

PHASE = "durable"
IN_FLIGHT = 32
"""requests at once: as many as the station takes"""
SETTLED_S = 0.6
"""until acknowledgements, which wait for company, are on their way to the disk"""
BARE_S = 0.3
ALONE = Must(least=0.5, floor=True, stretch=0.9)
ONE = Must(most=1.01)
"""and two for each folding of the log, which holds some 800 records"""
GROUPED = Must(least=10_000, stretch=20_000)


async def measure(bench: Bench) -> list[Figure]:
    bare, growing, visits = [], [], []
    station = bench.station
    await station.away()
    for _ in range(bench.counts.rounds):
        bare.append(sync_rate(bench.directory, min(BARE_S, bench.counts.idle_s), growing=False))
        growing.append(sync_rate(bench.directory, min(BARE_S, bench.counts.idle_s), growing=True))
        visits.append(await _visits(bench))
    figures = [
        figure(PHASE, "bare disk: fdatasync", "1/s", bare),
        figure(PHASE, "bare disk: fdatasync of a growing file", "1/s", growing),
        figure(PHASE, "records of one visit after another", "1/s", visits, bare),
    ]
    figures += await _syncs(bench)
    figures += await _bytes(bench)
    if bench.ocpp != "1.6":  # there a request cannot ask for a record
        figures += await _triggered(bench, bare)
    return figures + await _engine(bench, bare) + await _writer(bench, bare)


async def _visits(bench: Bench) -> float:
    """Shown, and held to nothing: of the 17 events of a visit 13 make no record, and the simulated hardware takes its
    time between them. What an event with its record costs is `_engine`."""
    before, began = await bench.station.queued(), perf_counter()
    await bench.station.make(bench.counts.transactions)
    took = perf_counter() - began
    return (await bench.station.queued() - before) / took


async def _syncs(bench: Bench) -> list[Figure]:
    station, before = bench.station, await bench.station.queued()
    async with syncs(station.pid, bench.directory) as counted:
        await station.make(bench.counts.transactions)
    made = await station.queued() - before
    if counted is None:
        return []
    return [figure(PHASE, "syncs per record, one visit after another", "", [counted.count / made], must=ONE)]


async def _bytes(bench: Bench) -> list[Figure]:
    """From before the records are made until they are acknowledged and the disk has all of it."""
    await _drain(bench)
    task, device = [], []
    for _ in range(bench.counts.rounds):
        await bench.station.away()
        os.sync()
        before = proc.usage(bench.station.pid).written, proc.device_written(bench.directory)
        await bench.station.make(bench.counts.transactions)
        made = await bench.station.queued()
        await _drain(bench)
        os.sync()
        after = proc.usage(bench.station.pid).written, proc.device_written(bench.directory)
        task.append((after[0] - before[0]) / made / 1000)
        if before[1] is not None and after[1] is not None:
            device.append((after[1] - before[1]) / made / 1000)
    figures = [figure(PHASE, "written per record with its acknowledgement", "kB", task, must=Must(most=12, stretch=3))]
    return figures + ([figure(PHASE, "the same, the whole device", "kB", device)] if device else [])


async def _drain(bench: Bench) -> None:
    station = bench.station
    since, queued = len(station.party.heard), await station.queued()
    await station.ctl("sim.connect")
    await station.party.records(since, queued)
    await asyncio.sleep(min(SETTLED_S, bench.counts.idle_s))


# -- records that the CSMS asks for ------------------------------------------------------------------------------------


async def _triggered(bench: Bench, bare: list[float]) -> list[Figure]:
    """Each is a request, a record that is kept, and an answer after that. The records stay in the queue meanwhile.
    Shown, and held to nothing: most of it is the link, and the CSMS of this process."""
    station = bench.station
    station.party.muted = frozenset({"TransactionEvent"})
    since = len(station.party.heard)
    await station.ctl("sim.plug_in", evse=1)
    await station.ctl("start", evse=1, token="SIMULATED0001")
    await station.party.heard_of("TransactionEvent", since=since)
    one, many = [], []
    for _ in range(bench.counts.rounds):
        one.append(await _trigger(bench, 1))
        many.append(await _trigger(bench, IN_FLIGHT))
    await station.ctl("sim.plug_out", evse=1, force=True)
    station.party.muted = frozenset()
    await station.away()
    await _drain(bench)
    name = "records asked for by a request"
    return [
        figure(PHASE, f"{name}, one at a time", "1/s", one, bare),
        figure(PHASE, f"{name}, {IN_FLIGHT} at a time", "1/s", many),
    ]


async def _trigger(bench: Bench, lanes: int) -> float:
    payload = {"requestedMessage": "TransactionEvent", "evse": {"id": 1}}
    each = max(bench.counts.transactions * 4 // lanes, 1)

    async def ask() -> None:
        for _ in range(each):
            answer = await bench.station.party.ask("TriggerMessage", payload)
            assert answer.accepted and answer.payload["status"] == "Accepted", answer

    before, began = await bench.station.queued(), perf_counter()
    async with asyncio.TaskGroup() as asking:
        for _ in range(lanes):
            asking.create_task(ask())
    took = perf_counter() - began
    made = await bench.station.queued() - before
    assert made >= lanes * each, f"{lanes * each} triggers made {made} records"
    return made / took


# -- the engine, and the writer, alone ---------------------------------------------------------------------------------


async def _engine(bench: Bench, bare: list[float]) -> list[Figure]:
    """Of a durable event what is the daemon's own: one step of the station, one commit, one sync. The car pauses and
    goes on: each is an event that makes one record by itself. (A reading makes none. With the request that has one made
    of it, it is two steps for a record, which is measured beside it; a visit has 17, and the simulated hardware.)"""
    alone = EngineAlone(bench.ocpp, bench.directory)
    count = bench.counts.transactions * 4
    one, two, shared, many, asked = [], [], [], [], []
    try:
        for _ in range(bench.counts.rounds):
            one.append(await alone.rate(alone.happen, count, 1))
            two.append(await alone.rate(alone.happen, count, 2))
            shared.append(alone.synced)
            many.append(await alone.rate(alone.happen, count * 10, IN_FLIGHT))
            asked.append(await alone.rate(alone.ask, count * 10, IN_FLIGHT))
    finally:
        alone.close()
    sampled = await syncs_per_sample(bench.ocpp, bench.directory, bench.counts.transactions)
    name = "events through the engine alone"
    return [
        figure(PHASE, f"{name}, one at a time", "1/s", one, bare),
        figure(PHASE, f"{name}, one made while one is synced", "1/s", two, bare),
        figure(PHASE, "syncs of each of these", "", shared),
        figure(PHASE, f"{name}, {IN_FLIGHT} at a time", "1/s", many, must=GROUPED),
        figure(PHASE, f"readings, each with a record asked for, {IN_FLIGHT} at a time", "1/s", asked),
        figure(
            PHASE, "syncs per sample of a station offline, one each 10 s", "", [sampled], must=Must(most=1, stretch=0.2)
        ),
    ]


async def _writer(bench: Bench, bare: list[float]) -> list[Figure]:
    alone = WriterAlone(bench.directory)
    count = bench.counts.transactions * 4
    one, together = [], []
    try:
        for _ in range(bench.counts.rounds):
            one.append(await alone.rate(count, together=False))
            together.append(await alone.rate(count * 10, together=True))
    finally:
        alone.close()
    return [
        figure(PHASE, "records by the writer alone, one at a time", "1/s", one, bare, ALONE),
        figure(PHASE, "records by the writer alone, all at once", "1/s", together, must=GROUPED),
    ]
