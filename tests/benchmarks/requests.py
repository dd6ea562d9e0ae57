"""Requests of the CSMS: latency one at a time, requests per second, CPU per request, growth of the memory."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple

from tests.benchmarks import proc
from tests.benchmarks.bench import Bench
from tests.benchmarks.figures import Figure, Must, figure, percentile
from tests.benchmarks.subject import Subject

IN_FLIGHT = 8
"""while messages are counted for the memory; more than one saves time"""
WARM_UP = 0.1
"""of the messages, before the memory is looked at"""


class Request(NamedTuple):
    name: str
    action: str
    payload: Any
    share: float = 1.0
    """of the requests of a round: large ones take long"""
    must: Must | None = Must(most=1.5, floor=True, stretch=1.25)
    tail: Must | None = Must(most=1.0, stretch=0.4)
    saves: bool = False
    """its answer waits for the disk"""


def _variable(component: str, name: str, **more: Any) -> Any:
    return {"component": {"name": component}, "variable": {"name": name}, **more}


_FOUR = [
    _variable("OCPPCommCtrlr", "HeartbeatInterval"),
    _variable("AuthCtrlr", "AuthorizeRemoteStart"),
    _variable("SampledDataCtrlr", "TxUpdatedInterval"),
    _variable("ChargingStation", "Model"),
]
_VALUE = _variable("OCPPCommCtrlr", "HeartbeatInterval", attributeValue="3600")
REQUESTS = {
    "2.0.1": (
        Request("GetVariables 1", "GetVariables", {"getVariableData": _FOUR[:1]}),
        Request("GetVariables 4", "GetVariables", {"getVariableData": _FOUR}),
        Request(
            "GetVariables 1000", "GetVariables", {"getVariableData": _FOUR * 250}, 0.1, Must(most=12, stretch=4), None
        ),
        Request("SetVariables 1", "SetVariables", {"setVariableData": [_VALUE]}, 1.0, None, None, True),
        Request("TriggerMessage Heartbeat", "TriggerMessage", {"requestedMessage": "Heartbeat"}),
    ),
    "1.6": (
        Request("GetConfiguration 1", "GetConfiguration", {"key": ["HeartbeatInterval"]}),
        Request("GetConfiguration all", "GetConfiguration", {}, 0.5, None),
        Request(
            "ChangeConfiguration",
            "ChangeConfiguration",
            {"key": "HeartbeatInterval", "value": "3600"},
            1.0,
            None,
            None,
            True,
        ),
        Request("TriggerMessage Heartbeat", "TriggerMessage", {"requestedMessage": "Heartbeat"}),
    ),
}


async def measure(bench: Bench) -> list[Figure]:
    figures = []
    for request in REQUESTS[bench.ocpp]:
        figures += await _latency(bench, request)
    return figures + await _rate(bench) + await _memory(bench)


# -- latency -----------------------------------------------------------------------------------------------------------


async def _latency(bench: Bench, request: Request) -> list[Figure]:
    count = max(int(bench.counts.requests * request.share), 3)
    rounds: dict[Subject, list[list[float]]] = {bench.station: [], bench.floor: []}
    for _ in range(bench.counts.rounds):
        for subject, taken in rounds.items():
            await _ask(subject, request, max(count // 10, 1))
            taken.append(await _ask(subject, request, count))
    station, floor = rounds.values()
    name = request.name + (" (kept)" if request.saves else "")
    return [
        figure(
            "latency", f"{name}: {label}", "ms",
            [percentile(taken, share) for taken in station], [percentile(taken, share) for taken in floor], must,
        )
        for label, share, must in (("p50", 0.5, request.must), ("p99", 0.99, request.tail))
    ]  # fmt: skip


async def _ask(subject: Subject, request: Request, count: int) -> list[float]:
    """Seconds of each. A refusal is quick and must not be taken for work."""
    taken = []
    with _undisturbed():
        for _ in range(count):
            answer = await subject.party.ask(request.action, request.payload)
            assert answer.accepted, f"{request.name}: refused: {answer.payload}"
            taken.append(answer.seconds)
    return taken


@contextmanager
def _undisturbed() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# -- rate --------------------------------------------------------------------------------------------------------------


async def _rate(bench: Bench) -> list[Figure]:
    request = REQUESTS[bench.ocpp][0]
    rates: dict[Subject, list[float]] = {bench.station: [], bench.floor: []}
    costs: dict[Subject, list[float]] = {bench.station: [], bench.floor: []}
    for _ in range(bench.counts.rounds):
        for subject in rates:
            cpu, began = proc.cpu_s(subject.pid), perf_counter()
            await _ask(subject, request, bench.counts.rate)
            rates[subject].append(bench.counts.rate / (perf_counter() - began))
            costs[subject].append((proc.cpu_s(subject.pid) - cpu) / bench.counts.rate)
    return [
        figure("rate", f"{request.name}, one at a time", "1/s", rates[bench.station], rates[bench.floor]),
        figure("rate", "CPU per request", "µs", costs[bench.station], costs[bench.floor], Must(most=110, stretch=80)),
    ]


# -- memory ------------------------------------------------------------------------------------------------------------


async def _memory(bench: Bench) -> list[Figure]:
    messages = bench.counts.messages
    await _flood(bench, int(messages * WARM_UP))
    before = proc.memory(bench.station.pid).rss_mb
    await _flood(bench, messages)
    grown = proc.memory(bench.station.pid).rss_mb - before
    return [figure("memory", f"growth over {messages:,} messages", "MB", [grown], must=Must(most=2, stretch=0.5))]


async def _flood(bench: Bench, messages: int) -> None:
    """A request and its answer are two messages; both change from one to the next."""
    requests = REQUESTS[bench.ocpp]
    kinds = (requests[0], requests[-1])
    party = bench.station.party

    async def asked(count: int) -> None:
        for number in range(count):
            request = kinds[number % 2]
            answer = await party.ask(request.action, request.payload)
            assert answer.accepted, f"{request.name}: refused: {answer.payload}"

    async with asyncio.TaskGroup() as lanes:
        for _ in range(IN_FLIGHT):
            lanes.create_task(asked(max(messages // 2 // IN_FLIGHT, 1)))
    party.heard.clear()
