"""What a hostile CSMS, and the largest messages there are, cost: steps of the engine, processor, memory.

The daemon runs under a stop-watch (`watched.py`). A step is one event of the engine with all that follows from it; a
message is a text of the CSMS from its arrival to its answer, the parsing and the step included: nothing else runs
meanwhile.
"""

import asyncio
import json
from time import perf_counter
from typing import Any, NamedTuple

from tests.benchmarks import proc
from tests.benchmarks.bench import Bench
from tests.benchmarks.figures import Figure, Must, figure, percentile
from tests.benchmarks.requests import REQUESTS
from tests.benchmarks.subject import POLL_S, TIMEOUT_S, Watched

PHASE = "hostile"
STEP = Must(most=50)
A_SECOND = 10_000
MOST_PROFILES = 99
"""stack levels, and so profiles of one kind, that the station takes"""
UNREAD = 64 * 1024
"""bytes that the daemon may leave unread before no more are sent"""


class Taken(NamedTuple):
    steps: list[float]
    messages: list[float]
    slowest: str
    cpu: float
    """share of one core"""
    grown_mb: float


async def measure(bench: Bench) -> list[Figure]:
    subject = Watched(bench.csms, bench.ocpp, bench.cpus, bench.directory)
    try:
        await subject.start()
        await subject.settled()
        await subject.make(1)
        return await _all(bench, subject)
    finally:
        subject.close()


async def _all(bench: Bench, subject: Watched) -> list[Figure]:
    flood = await _watched(subject, _flood(bench, subject))
    seconds = await _stopped_in_a_flood(bench, subject)
    hundred = await _watched(subject, _hundred(bench, subject))
    dripped = await _watched(subject, _dripped(bench, subject))
    drained = await _watched(subject, _drained(bench, subject))
    figures = [
        *_figures("flood", flood),
        figure(PHASE, "flood: emergency stop to open contactor", "ms", [seconds]),
        *_figures("a hundred at once", hundred),
        *_figures("byte by byte", dripped),
        *_figures("drain", drained),
    ]
    for name, action, payload in _largest(bench.ocpp):
        if name:
            figures += await _single(subject, name, action, payload)
        else:
            assert (await subject.party.ask(action, payload)).accepted
    return figures


def _figures(name: str, taken: Taken) -> list[Figure]:
    steps = taken.steps or [0.0]
    return [
        figure(PHASE, f"{name}: step p50", "ms", [percentile(steps, 0.5)]),
        figure(PHASE, f"{name}: step p99", "ms", [percentile(steps, 0.99)], must=STEP),
        figure(PHASE, f"{name}: longest step", "ms", [max(steps)]),
        figure(PHASE, f"{name}: CPU", "%", [taken.cpu * 100]),
        figure(PHASE, f"{name}: growth of the memory", "MB", [taken.grown_mb], must=Must(most=32)),
    ]


async def _watched(subject: Watched, work: Any) -> Taken:
    await subject.watched()
    cpu, memory, began = proc.cpu_s(subject.pid), proc.memory(subject.pid).rss_mb, perf_counter()
    await work
    seconds = perf_counter() - began
    cpu, memory = proc.cpu_s(subject.pid) - cpu, proc.memory(subject.pid).rss_mb - memory
    told = await subject.watched()
    messages = told["messages"]
    return Taken(told["steps"]["taken"], messages["taken"], messages["longest"], cpu / seconds, memory)


# -- too much ----------------------------------------------------------------------------------------------------------


async def _flood(bench: Bench, subject: Watched, over: asyncio.Event | None = None) -> None:
    """As many requests as the daemon takes, 10,000 a second at most; returns when all are answered."""
    request = REQUESTS[bench.ocpp][0]
    until = perf_counter() + bench.counts.flood_s
    asked: list[asyncio.Future[Any]] = []
    while perf_counter() < until and not (over and over.is_set()):
        assert subject.party.line is not None, "the daemon has left"
        if subject.party.line.unsent() < UNREAD:
            more = (subject.party.ask(request.action, request.payload) for _ in range(A_SECOND // 100))
            asked += map(asyncio.ensure_future, more)
        asked = [task for task in asked if not task.done()]
        await asyncio.sleep(0.01)
    await asyncio.gather(*asked)


async def _stopped_in_a_flood(bench: Bench, subject: Watched) -> float:
    """Seconds from the call of the simulator to the open contactor."""
    await subject.ctl("sim.plug_in", evse=1)
    await subject.ctl("sim.swipe", token="SIMULATED0001")
    await _contactor(subject, "closed")
    over = asyncio.Event()
    async with asyncio.TaskGroup() as both:
        both.create_task(_flood(bench, subject, over))
        await asyncio.sleep(bench.counts.flood_s / 4)
        began = perf_counter()
        await subject.ctl("sim.raise_error", error="emergency_stop")
        await _contactor(subject, "open")
        seconds = perf_counter() - began
        over.set()
    await subject.ctl("sim.clear_error", error="emergency_stop")
    await subject.ctl("unlock", evse=1)
    await subject.ctl("sim.plug_out", evse=1, force=True)
    return seconds


async def _contactor(subject: Watched, state: str) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            if (await subject.ctl("sim.state"))["evses"][0]["contactor"] == state:
                return
            await asyncio.sleep(POLL_S)


async def _hundred(bench: Bench, subject: Watched) -> None:
    kept = next(request for request in REQUESTS[bench.ocpp] if request.saves)
    answers = await asyncio.gather(*(subject.party.ask(kept.action, kept.payload) for _ in range(100)))
    assert all(answer.accepted for answer in answers)


async def _dripped(bench: Bench, subject: Watched) -> None:
    request = REQUESTS[bench.ocpp][0]
    assert subject.party.line is not None
    answer = await subject.party.line.ask(request.action, json.dumps(request.payload), byte_by_byte=True)
    assert answer.accepted


async def _drained(bench: Bench, subject: Watched) -> None:
    await subject.away()
    await subject.make(bench.counts.drained)
    since, queued = len(subject.party.heard), await subject.queued()
    await subject.ctl("sim.connect")
    assert len(await subject.party.records(since, queued)) == queued


# -- the largest messages ----------------------------------------------------------------------------------------------


async def _single(subject: Watched, name: str, action: str, payload: Any) -> list[Figure]:
    await subject.watched()
    answer = await subject.party.ask(action, payload)
    assert answer.accepted, f"{name}: refused: {answer.payload}"
    told = await subject.watched()
    whole, step = max(told["messages"]["taken"]), max(told["steps"]["taken"])
    return [
        figure(PHASE, f"{name}: step", "ms", [step], must=STEP),
        figure(PHASE, f"{name}: message", "ms", [whole]),
    ]


def _largest(ocpp: str) -> list[tuple[str, str, Any]]:
    """name, action, payload; in this order. Without a name: only asked, so that the next one has more to do."""
    return _largest_16() if ocpp == "1.6" else _largest_201()


def _periods(count: int) -> list[Any]:
    return [{"startPeriod": 60 * n, "limit": 6.0 + n % 20} for n in range(count)]


def _schedule(n: int) -> Any:
    """Each recurs a second after the one before, and hides another."""
    begin = f"2026-01-01T00:{n // 60:02}:{n % 60:02}Z"
    return {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": _periods(1024),
        "startSchedule": begin,
        "duration": 80_000,
    }


def _largest_201() -> list[tuple[str, str, Any]]:
    def tokens(first: int) -> Any:
        named = [{"idToken": f"TOKEN{n:08}", "type": "ISO14443"} for n in range(first, first + 1000)]
        return [{"idToken": token, "idTokenInfo": {"status": "Accepted"}} for token in named]

    def profile(n: int) -> Any:
        kind = {"chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Recurring"}
        schedule = [_schedule(n) | {"id": n}]
        made = {"id": n, "stackLevel": n, "recurrencyKind": "Daily", "chargingSchedule": schedule}
        return {"evseId": 0, "chargingProfile": kind | made}

    values = next(request.payload for request in REQUESTS["2.0.1"] if request.name == "GetVariables 1000")
    value = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    lists = [("Full", 1, 0), *(("Differential", n, 1000 * (n - 1)) for n in range(2, 11))]
    return [
        ("GetVariables of 1000", "GetVariables", values),
        ("SetVariables of 1000", "SetVariables", {"setVariableData": [value | {"attributeValue": "3600"}] * 1000}),
        ("GetBaseReport", "GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}),
        *(
            (
                "SendLocalList of 1000, 10,000 then" if version == 10 else "", "SendLocalList",
                {"versionNumber": version, "updateType": kind, "localAuthorizationList": tokens(first)},
            )
            for kind, version, first in lists
        ),
        *(("", "SetChargingProfile", profile(n)) for n in range(1, MOST_PROFILES)),
        ("SetChargingProfile of 1024, the last", "SetChargingProfile", profile(MOST_PROFILES)),
        (
            "GetCompositeSchedule of a year", "GetCompositeSchedule",
            {"duration": 366 * 86_400, "evseId": 0, "chargingRateUnit": "A"},
        ),
        ("ClearChargingProfile", "ClearChargingProfile", {"chargingProfileCriteria": {"stackLevel": 1}}),
        ("DataTransfer of 0.39 MB", "DataTransfer", {"vendorId": "nobody", "data": "x" * 390_000}),
    ]  # fmt: skip


def _largest_16() -> list[tuple[str, str, Any]]:
    def tokens(first: int) -> Any:
        ids = [f"TOKEN{n:08}" for n in range(first, first + 1000)]
        return [{"idTag": token, "idTagInfo": {"status": "Accepted"}} for token in ids]

    def profile(n: int) -> Any:
        kind = {"chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Recurring"}
        made = {"chargingProfileId": n, "stackLevel": n, "recurrencyKind": "Daily", "chargingSchedule": _schedule(n)}
        return {"connectorId": 0, "csChargingProfiles": kind | made}

    return [
        ("GetConfiguration of all", "GetConfiguration", {}),
        *(
            (
                "SendLocalList of 1000, 10,000 then" if version == 10 else "", "SendLocalList",
                {"listVersion": version, "updateType": kind, "localAuthorizationList": tokens(1000 * version)},
            )
            for kind, version in (("Full", 1), *(("Differential", n) for n in range(2, 11)))
        ),
        *(("", "SetChargingProfile", profile(n)) for n in range(1, MOST_PROFILES)),
        ("SetChargingProfile of 1024, the last", "SetChargingProfile", profile(MOST_PROFILES)),
        ("GetCompositeSchedule of a year", "GetCompositeSchedule", {"duration": 366 * 86_400, "connectorId": 0}),
        ("ClearChargingProfile", "ClearChargingProfile", {"stackLevel": 1}),
    ]  # fmt: skip
