"""Events that each make a record, through the real station, engine and writer: no device, no link, no process."""

import asyncio
import gc
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from chargepointd.config import load
from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.values import Measured, Now, Token
from chargepointd.daemon import engine
from chargepointd.daemon.assembly import Start, assembled
from chargepointd.daemon.recorder import Recorder
from chargepointd.hardware.bindings import plan
from chargepointd.storage.store import Store
from chargepointd.storage.writer import Writer
from tests.benchmarks.subject import CALM
from tests.daemon import toml
from tests.daemon.config import ac_station

CARD = Token("SIMULATED0001")
UNKNOWN_MAY = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"}


class EngineAlone:
    """A transaction runs at EVSE 1, and the CSMS is out of reach. `call_later`: another clock for the writer."""

    def __init__(
        self,
        ocpp: str,
        directory: Path,
        interval_s: int = 0,
        call_later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        loop = self._loop = asyncio.get_running_loop()
        self._directory = Path(tempfile.mkdtemp(prefix="cpb-engine-", dir=directory))
        store = Store(self._directory)
        file = self._directory / "station.toml"
        file.write_text(toml.dumps(ac_station("ws://127.0.0.1:9/", evses=2, versions=(ocpp,))), encoding="utf-8")
        sampled = {"SampledDataCtrlr.TxUpdatedInterval": str(interval_s)}
        variables = {name: str(value) for name, value in (CALM | sampled | UNKNOWN_MAY).items()}
        start = Start(plan(load(file), "1"), variables, store.open(), f"ocpp{ocpp}", "boot", engine.now())
        self.station, _ = assembled(start)
        self.writer = Writer(store, loop.call_soon_threadsafe, call_later or loop.call_later, self._broken)
        self.engine = engine.Engine(self.station, self.writer, Recorder(start).record)
        effects = [kind for kind in vars(f).values() if isinstance(kind, type)]
        self.engine.performers = dict.fromkeys(effects, lambda effect: None) | {f.ReplyLocally: self._replied}
        self._asked: dict[int, Callable[[], None]] = {}
        self._wh = 1000.0
        self._wanted = True
        self.synced = 0.0
        """syncs per record of the last rate"""
        self.writer.start()
        for event in (
            e.PoweredUp(), e.CablePlugged(1, 1, 32.0), e.TokenPresented(CARD, (1,)), e.LockMoved(1, 1, True),
            e.EnergyWanted(1, True), e.PowerSwitched(1, True),
        ):  # fmt: skip
            self.read(time.monotonic())
            self.engine.post(event)
        assert self.station.evses[1].running
        gc.freeze()  # as the daemon does after its start

    def _broken(self, error: BaseException) -> None:
        self.engine.commit_failed(error)

    def read(self, taken_at: float) -> None:
        self._wh += 1.0
        self.engine.post(e.MeterRead(1, Measured(taken_at, self._wh, power_w=11_000.0)))

    def happen(self, kept: Callable[[], None]) -> None:
        """The pilot says that the car pauses, or wants energy again: one event, one step, one record, which the station
        is free to owe to the disk, for the CSMS is out of reach. `kept` is told of it as the CSMS would be: after a
        sync, its own unless others wait for one too."""
        self._wanted = not self._wanted
        self.engine.post(e.EnergyWanted(1, self._wanted))
        self.writer.submit((), kept)

    def ask(self, kept: Callable[[], None]) -> None:
        """Two events, a reading and a request for a record of it; the answer says that it is kept."""
        self.read(time.monotonic())
        number = int(self._wh)
        self._asked[number] = kept
        self.engine.post(e.ControlAsked(number, c.TriggerMessage("TransactionEvent", 1)))

    def _replied(self, effect: f.ReplyLocally) -> None:
        assert effect.reply.status == "Accepted", effect.reply
        self._loop.call_soon(self._asked.pop(effect.request_id))  # as what is asked next comes: not within this answer

    async def rate(self, make: Callable[[Callable[[], None]], None], count: int, at_once: int) -> float:
        """Records kept per second, so many under way at a time: for each that is kept the next is made. Of two each has
        a sync of its own still, for while one is synced the other is made."""
        before, commits = len(self.station.outbox), self.writer.commits
        done: asyncio.Future[None] = self._loop.create_future()
        to_make, to_keep = count, count

        def begin() -> None:
            nonlocal to_make
            if to_make:
                to_make -= 1
                make(kept)

        def kept() -> None:
            nonlocal to_keep
            to_keep -= 1
            if not to_keep:
                done.set_result(None)
            begin()

        began = perf_counter()
        for _ in range(at_once):
            begin()
        await done
        took = perf_counter() - began
        made, commits = len(self.station.outbox) - before, self.writer.commits - commits
        assert made == count and commits * at_once >= count, "what is kept was synced"
        self.synced = commits / made
        return made / took

    async def written(self) -> None:
        """The writer has done what it was given."""
        written = asyncio.Event()
        self.writer.ask(lambda store: None, lambda nothing: written.set())
        await written.wait()

    def close(self) -> None:
        gc.unfreeze()
        self.engine.stop()
        self.writer.stop()
        shutil.rmtree(self._directory, ignore_errors=True)


class Timers:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = engine.now()
        self._timers: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, delay_s: float, call: Callable[[], None]) -> None:
        self._timers.append((self.now.mono + delay_s, call))

    def pass_(self, seconds: float) -> None:
        """What becomes due meanwhile is called when it is."""
        end = self.now.mono + seconds
        while due := sorted(at for at, _ in self._timers if at <= end):
            self._set(due[0])
            called = [call for at, call in self._timers if at <= due[0]]
            self._timers = [timer for timer in self._timers if timer[0] > due[0]]
            for call in called:
                call()
        self._set(end)

    def _set(self, mono: float) -> None:
        self.now = Now(mono, self.now.wall + mono - self.now.mono)


async def syncs_per_sample(ocpp: str, directory: Path, samples: int, each_s: int = 10) -> float:
    """Offline, by a clock that is set: a station that samples at intervals."""
    timers, real = Timers(), engine.now
    alone = EngineAlone(ocpp, directory, each_s, timers.call_later)
    engine.now = lambda: timers.now
    try:
        await alone.written()
        before = len(alone.station.outbox), alone.writer.commits
        for _ in range(samples):
            timers.pass_(each_s)
            alone.engine.post(e.Ticked())
            alone.read(timers.now.mono)
            await alone.written()
        made, commits = len(alone.station.outbox) - before[0], alone.writer.commits - before[1]
    finally:
        engine.now = real
        alone.close()
    assert made >= samples - 1, f"{samples} samples made {made} records"
    return commits / made
