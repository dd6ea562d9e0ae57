"""Commit, then tell: what the engine does at once, and what waits for the disk."""

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.messages import Heartbeat
from chargepointd.core.power import OPEN, Power
from chargepointd.core.values import Measured, Signed
from chargepointd.daemon.engine import Engine

SAVE = f.SaveState("availability", {})
LAZY = f.SettleRecord(1)
CALL = f.SendCall("id-1", Heartbeat())
CLOSE = f.ClosePowerPath(1, 16.0)
NOTE = f.Note("link", 0, "open")


class SlowDisk:
    """A writer whose batches are safe when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.lazy = 0

    def submit(self, saves: Sequence[f.Save], done: Callable[[], None]) -> None:
        self.waiting.append(done)

    def submit_lazily(self, saves: Sequence[f.Save], *, at_once: bool = False) -> None:
        self.lazy += len(saves)

    def commit(self) -> None:
        """The oldest batch."""
        self.waiting.pop(0)()


class Scripted:
    """A station whose every step has the effects the test wants."""

    def __init__(self) -> None:
        self.effects: list[f.Effect] = []
        self.deadline = float("inf")
        self.power = Power()
        self.power.asked = (16.0, float("inf"), 0)
        self.evses = {1: SimpleNamespace(power=self.power)}

    def step(self, event: e.Event, now: Any) -> list[f.Effect]:
        return self.effects


class Bench:
    def __init__(self) -> None:
        self.disk, self.station, self.done = SlowDisk(), Scripted(), list[f.Effect]()
        self.engine = Engine(self.station, self.disk, lambda mono, event: None)  # type: ignore[arg-type]
        kinds = (f.SendCall, f.ClosePowerPath, f.OpenPowerPath, f.SetLimit, f.Note, f.Respond)
        self.engine.performers = dict.fromkeys(kinds, self.done.append)

    def step(self, *effects: f.Effect) -> None:
        self.station.effects = list(effects)
        self.engine.post(e.Ticked())


def on_a_loop(test: Callable[[Bench], None]) -> Callable[[], None]:
    async def run() -> None:
        test(Bench())

    def called() -> None:
        asyncio.run(run())

    return called


@on_a_loop
def test_what_a_step_saves_is_safe_before_it_is_told(bench: Bench) -> None:
    bench.step(SAVE, CALL)
    assert bench.done == []
    bench.disk.commit()
    assert bench.done == [CALL]


@on_a_loop
def test_what_saves_nothing_waits_for_nothing_when_nothing_waits(bench: Bench) -> None:
    bench.step(CALL, CLOSE)
    bench.step(LAZY, CALL)
    assert bench.done == [CALL, CLOSE, CALL]
    assert bench.disk.lazy == 1


@on_a_loop
def test_a_message_never_overtakes_what_an_earlier_step_saves(bench: Bench) -> None:
    """Else the CSMS could know of a record that a power cut takes away."""
    bench.step(SAVE)
    bench.step(CALL, NOTE)
    bench.step(LAZY, CALL)
    assert bench.done == [NOTE]
    bench.disk.commit()
    assert bench.done == [NOTE]
    bench.disk.commit()
    bench.disk.commit()
    assert bench.done == [NOTE, CALL, CALL]


@on_a_loop
def test_no_contactor_closes_before_what_it_closes_on_is_safe(bench: Bench) -> None:
    bench.step(SAVE)
    bench.step(CLOSE)
    assert bench.done == []
    bench.disk.commit()
    bench.disk.commit()
    assert bench.done == [CLOSE]


@on_a_loop
def test_opening_waits_for_nothing(bench: Bench) -> None:
    opened = f.OpenPowerPath(1, urgent=False)
    bench.step(SAVE)
    bench.step(opened)
    bench.step(SAVE, opened)
    assert bench.done == [opened, opened]


@on_a_loop
def test_a_limit_is_lowered_at_once_and_what_closes_later_is_never_more(bench: Bench) -> None:
    lower = f.SetLimit(1, 10.0)
    bench.step(SAVE, CLOSE)
    bench.step(SAVE, lower)
    bench.station.power.asked = (10.0, float("inf"), 0)
    assert bench.done == [lower]
    bench.disk.commit()
    assert bench.done == [lower, CLOSE._replace(limit_a=10.0)]


@on_a_loop
def test_what_was_opened_meanwhile_stays_open(bench: Bench) -> None:
    bench.step(SAVE, CLOSE)
    bench.station.power.asked = OPEN
    bench.disk.commit()
    assert bench.done == []


@on_a_loop
def test_what_a_meter_signed_is_not_dropped_for_what_it_did_not_sign(bench: Bench) -> None:
    seen: list[e.Event] = []
    signed = Measured(1.0, 100.0, signed=Signed("data", "OCMF", "ECDSA"))
    events = [e.MeterRead(1, signed), e.MeterRead(1, Measured(2.0, 100.0)), e.MeterRead(1, Measured(3.0, 100.0))]

    def step(event: e.Event, now: Any) -> list[f.Effect]:
        seen.append(event)
        if len(seen) == 1:
            for read in events:
                bench.engine.post(read)
        return []

    bench.station.step = step  # type: ignore[method-assign]
    bench.step()
    assert seen[1:] == [events[0], events[2]]
