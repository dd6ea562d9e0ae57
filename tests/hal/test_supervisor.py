"""The supervisor against a small real driver with fault switches. Time limits are short; waits are on reports."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hal.driver import Driver, Site
from hal.errors import BadConfig, DeviceFault, NotConnected
from hal.readings import AlarmReading, DcCapability, DcReading, MeterReading, PilotReading
from hal.supervisor import DeviceHealth, DeviceRead, Limits, Supervisor

QUICK = Limits(
    open_timeout_s=0.5,
    call_timeout_s=0.05,
    read_timeout_s=0.05,
    safe_timeout_s=0.3,
    leave_timeout_s=0.2,
    failed_after_s=60,
    retry_first_s=0.01,
    retry_max_s=0.02,
    poll_idle_s=0.02,
    poll_down_s=0.02,
)
PATIENCE_S = 30.0


class Meter:
    def __init__(self, board: "Board") -> None:
        self.error: Exception | None = None
        self.silent = False
        self.age_s = 0.0
        self.reads = 0
        self.board = board

    async def read(self) -> MeterReading:
        self.reads += 1
        if self.silent:
            await asyncio.Event().wait()
        if self.error:
            raise self.error
        return MeterReading(time.monotonic() - self.age_s, energy_import_wh=float(self.reads))


class Contactor:
    def __init__(self, board: "Board") -> None:
        self.board = board
        self.closed = False
        self.silent = False
        self.error: Exception | None = None

    async def close(self) -> None:
        await self._obey()
        self.closed = True

    async def open(self) -> None:
        await self._obey()
        self.closed = False
        self.board.acts.append("contactor open")

    async def _obey(self) -> None:
        if self.silent:
            await asyncio.Event().wait()
        if self.error:
            raise self.error


class Pilot:
    def __init__(self, board: "Board") -> None:
        self.board = board
        self.error: Exception | None = None
        self.news: asyncio.Queue[str | Exception | None] = asyncio.Queue()

    async def watch(self) -> AsyncIterator[PilotReading]:
        if self.error:
            raise self.error
        yield PilotReading(time.monotonic(), "A")
        while news := await self.news.get():
            if isinstance(news, Exception):
                raise news
            yield PilotReading(time.monotonic(), news)  # type: ignore[arg-type]

    async def offer(self, limit_a: float) -> None:
        if self.error:
            raise self.error
        self.board.acts.append(f"offer {limit_a:g}")


class Supply:
    def __init__(self, board: "Board") -> None:
        self.board = board
        self.off_takes_s = 0.0

    async def read(self) -> DcReading:
        return DcReading(time.monotonic(), 0.0, 0.0, False)

    async def capability(self) -> DcCapability:
        return DcCapability(1000, 150, 100, 30_000)

    async def set(self, voltage_v: float, current_a: float) -> None: ...
    async def on(self) -> None: ...

    async def off(self) -> None:
        await asyncio.sleep(self.off_takes_s)
        self.board.acts.append("supply off")


class Display:
    def __init__(self) -> None:
        self.error: Exception | None = None

    async def show(self, lines: tuple[str, ...]) -> None:
        if self.error:
            raise self.error


class Stop:
    def __init__(self) -> None:
        self.error: Exception | None = None

    async def watch(self) -> AsyncIterator[AlarmReading]:
        """Says nothing unless it fails, as a card reader does."""
        if self.error:
            raise self.error
        await asyncio.Event().wait()
        yield AlarmReading(time.monotonic(), False)


class Nothing(NamedTuple):
    pass


class Board:
    """A driver whose open and background task can be made to fail, and which notes what it was told."""

    def __init__(self, *names: str) -> None:
        makers: dict[str, Callable[[], Any]] = {
            "meter": lambda: Meter(self),
            "meter2": lambda: Meter(self),
            "contactor": lambda: Contactor(self),
            "contactor2": lambda: Contactor(self),
            "pilot": lambda: Pilot(self),
            "supply": lambda: Supply(self),
            "display": Display,
            "stop": Stop,
        }
        self.acts: list[str] = []
        self.opens = 0
        self.open_errors: list[Exception] = []
        self.open_hangs = False
        self.leave_hangs = False
        self.broken: asyncio.Future[None] | None = None
        self.devices = {name: makers[name]() for name in names}

    def __getattr__(self, name: str) -> Any:
        return self.devices[name]

    @asynccontextmanager
    async def open(self, config: Nothing, site: Site) -> AsyncIterator[Mapping[str, Any]]:
        self.opens += 1
        if self.open_hangs:
            await asyncio.Event().wait()
        if self.open_errors:
            raise self.open_errors.pop(0)
        self.broken = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as tasks:
            background = tasks.create_task(self._background(self.broken))
            try:
                yield self.devices
            finally:
                self.acts.append("left")
                background.cancel()
                if self.leave_hangs:
                    await asyncio.Event().wait()

    async def _background(self, broken: "asyncio.Future[None]") -> None:
        await broken

    def breaks(self, error: Exception) -> None:
        assert self.broken is not None
        self.broken.set_exception(error)


class Bench:
    """A supervised board, and the reports that came."""

    def __init__(self, board: Board, limits: Limits = QUICK) -> None:
        self.board = board
        self.reports: asyncio.Queue[Any] = asyncio.Queue()
        self.supervisor = Supervisor(
            "b", Driver("board", Nothing, board.open), Nothing(), Site("b", Path()), self.reports.put_nowait, limits
        )

    async def health(self, device: str, up: bool) -> DeviceHealth:
        return await self.next(lambda r: isinstance(r, DeviceHealth) and r.device == device and r.up == up)

    async def reading(self, device: str) -> Any:
        return (await self.next(lambda r: isinstance(r, DeviceRead) and r.device == device)).reading

    async def next(self, fits: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                report = await self.reports.get()
                if fits(report):
                    return report

    def device_state(self, name: str) -> tuple[str, str]:
        return next((d.state, d.reason) for d in self.supervisor.status().devices if d.name == name)


def story(
    *names: str, limits: Limits = QUICK, before: Callable[[Board], None] = lambda board: None
) -> Callable[[Callable[[Bench], Awaitable[None]]], Bench]:
    """Run the decorated coroutine on an open board, then end the supervisor; the name becomes the bench left behind."""

    def run(tell: Callable[[Bench], Awaitable[None]]) -> Bench:
        async def main() -> Bench:
            board = Board(*names)
            before(board)
            bench = Bench(board, limits)
            task = asyncio.get_running_loop().create_task(bench.supervisor.run())
            try:
                await tell(bench)
            finally:
                task.cancel()
                await asyncio.wait({task}, timeout=PATIENCE_S)
            assert task.cancelled(), "the supervisor did not end when it was cancelled"
            return bench

        return asyncio.run(main())

    return run


# -- readings ----------------------------------------------------------------------------------------------------------


def test_polled_devices_report_readings_again_and_again():
    @story("meter")
    async def _(b):
        first, second = await b.reading("meter"), await b.reading("meter")
        assert second.energy_import_wh > first.energy_import_wh


def test_watched_devices_report_each_change():
    @story("pilot")
    async def _(b):
        assert (await b.reading("pilot")).state == "A"
        b.board.pilot.news.put_nowait("B")
        assert (await b.reading("pilot")).state == "B"


def test_a_dead_meter_is_down_after_three_misses_and_up_when_it_answers():
    @story("meter", "meter2", "pilot")
    async def _(b):
        await b.reading("meter")
        b.board.meter.error = NotConnected("no answer from address 1")
        reads = b.board.meter.reads
        down = await b.health("meter", up=False)
        assert b.board.meter.reads - reads == 3
        assert down.reason == "no answer from address 1"
        assert b.device_state("meter") == ("down", "no answer from address 1")
        await b.reading("meter2")
        assert b.board.opens == 1
        b.board.meter.error = None
        await b.health("meter", up=True)
        assert b.device_state("meter") == ("up", "")


def test_a_meter_that_hangs_does_not_keep_the_others_of_its_bus_from_being_read():
    @story("meter", "meter2", "pilot")
    async def _(b):
        b.board.meter.silent = True
        assert "no answer within" in (await b.health("meter", up=False)).reason
        await b.reading("meter2")
        await b.reading("meter2")
        assert b.board.opens == 1


def test_a_device_fault_puts_one_device_down_at_once():
    @story("meter", "meter2")
    async def _(b):
        await b.reading("meter")
        b.board.meter.error = DeviceFault("checksum of the register is wrong")
        reads = b.board.meter.reads
        assert (await b.health("meter", up=False)).reason == "checksum of the register is wrong"
        assert b.board.meter.reads == reads + 1
        await b.reading("meter2")


def test_a_reading_from_memory_counts_as_a_miss():
    @story("meter", "pilot")
    async def _(b):
        b.board.meter.age_s = 3600.0
        assert "instead of a fresh one" in (await b.health("meter", up=False)).reason


def test_a_device_whose_watch_faults_comes_back_and_the_others_do_not_notice():
    @story("pilot", "meter")
    async def _(b):
        await b.reading("pilot")
        b.board.pilot.news.put_nowait(DeviceFault("diode missing"))
        assert (await b.health("pilot", up=False)).reason == "diode missing"
        await b.health("pilot", up=True)
        assert b.board.opens == 1


def test_a_device_that_never_speaks_is_up_again_when_it_has_not_failed_for_a_while():
    @story("stop", before=lambda board: setattr(board.stop, "error", DeviceFault("wire broken")))
    async def _(b):
        await b.health("stop", up=False)
        b.board.stop.error = None
        await b.health("stop", up=True)


def test_read_gives_and_reports_a_fresh_reading():
    @story("meter", limits=QUICK._replace(poll_idle_s=0))
    async def _(b):
        await b.health("", up=True)
        before = time.monotonic()
        reading = await b.supervisor.read("meter")
        assert reading.taken_at >= before
        assert await b.reading("meter") == reading
        b.board.meter.error = NotConnected("no answer")
        with pytest.raises(NotConnected, match="driver b: meter: no answer"):
            await b.supervisor.read("meter")


def test_pace_takes_effect_at_once_and_zero_stops_polling():
    @story("meter", limits=QUICK._replace(poll_idle_s=3600))
    async def _(b):
        await b.reading("meter")
        b.supervisor.pace("meter", 0.01)
        for _ in range(3):
            await b.reading("meter")
        b.supervisor.pace("meter", 0)
        reads = b.board.meter.reads
        await b.supervisor.read("meter")
        assert b.board.meter.reads <= reads + 1


# -- some devices anew -------------------------------------------------------------------------------------------------


def test_devices_that_are_renewed_are_safe_and_say_again_how_they_are():
    @story("pilot", "contactor", "contactor2", "meter", limits=QUICK._replace(poll_idle_s=3600))
    async def bench(b):
        b.board.pilot.news.put_nowait("C")
        while (await b.reading("pilot")).state != "C":
            pass
        await b.supervisor.call("contactor", lambda device: device.close())
        await b.supervisor.call("contactor2", lambda device: device.close())
        reads = b.board.meter.reads
        assert await b.supervisor.renew({"pilot", "contactor", "meter"}) == ""
        assert (await b.reading("pilot")).state == "A"
        assert not b.board.contactor.closed
        assert b.board.contactor2.closed, "the others go on"
        b.board.pilot.news.put_nowait("B")
        assert (await b.reading("pilot")).state == "B", "and it is watched as before"
        while b.board.meter.reads == reads:  # noqa: ASYNC110 - it is read in a loop that is not ours
            await asyncio.sleep(0)

    assert bench.board.opens == 1


def test_renewing_tells_what_is_not_safe_and_what_there_is_not():
    @story("contactor", "pilot")
    async def _(b):
        await b.reading("pilot")
        b.board.contactor.error = DeviceFault("welded")
        assert "contactor: DeviceFault: welded" in await b.supervisor.renew({"contactor"})
        assert "nobody" in await b.supervisor.renew({"nobody"})


# -- the whole driver --------------------------------------------------------------------------------------------------


def test_it_opens_again_when_the_background_task_loses_the_device():
    @story("contactor")
    async def _(b):
        await b.health("", up=True)
        await b.supervisor.call("contactor", lambda c: c.close())
        b.board.breaks(NotConnected("unplugged"))
        assert (await b.health("", up=False)).reason == "unplugged"
        assert not b.board.contactor.closed
        assert b.board.acts == ["contactor open", "left"]
        await b.health("", up=True)
        assert b.board.opens == 2


def test_a_watch_that_ends_or_is_not_connected_opens_the_driver_again():
    for news in (None, NotConnected("gone")):

        @story("pilot")
        async def _(b, news=news):
            await b.reading("pilot")
            b.board.pilot.news.put_nowait(news)
            assert (await b.health("", up=False)).reason.startswith("pilot: ")
            await b.health("", up=True)


def test_it_keeps_trying_to_open_and_reports_the_loss_once():
    errors = [NotConnected("no such port") for _ in range(4)]

    @story("meter", before=lambda board: board.open_errors.extend(errors))
    async def bench(b):
        b.early = []
        await b.next(lambda r: b.early.append(r) or (isinstance(r, DeviceHealth) and r.up))

    assert [(r.up, r.reason) for r in bench.early] == [(False, "no such port"), (True, "")]
    assert bench.board.opens == 5


def test_a_wrong_configuration_waits_for_a_person():
    errors = [BadConfig("drivers.b.port: expected a path"), NotConnected("no such port")]

    @story("meter", limits=QUICK._replace(retry_config_s=0.2), before=lambda board: board.open_errors.extend(errors))
    async def _(b):
        down_at = time.monotonic()
        assert (await b.health("", up=False)).reason == "drivers.b.port: expected a path"
        assert (await b.health("", up=False)).reason == "no such port"
        assert time.monotonic() - down_at >= 0.1
        await b.health("", up=True)


def test_a_bug_is_logged_with_its_traceback_and_the_driver_made_safe(caplog):
    @story("meter", "contactor")
    async def _(b):
        await b.reading("meter")
        await b.supervisor.call("contactor", lambda c: c.close())
        b.board.meter.error = ZeroDivisionError("scale")
        assert (await b.health("", up=False)).reason == "ZeroDivisionError: scale"
        assert not b.board.contactor.closed
        b.board.meter.error = None
        await b.health("", up=True)

    assert any(r.levelno == logging.ERROR and r.exc_info for r in caplog.records)


def test_a_driver_that_hangs_when_opened_counts_as_not_connected():
    @story("meter", limits=QUICK._replace(open_timeout_s=0.02), before=lambda board: setattr(board, "open_hangs", True))
    async def _(b):
        assert "no answer within 0.02 s" in (await b.health("", up=False)).reason
        b.board.open_hangs = False
        await b.health("", up=True)


def test_a_bus_on_which_nothing_answers_any_more_is_opened_again():
    @story("meter", "meter2", limits=QUICK._replace(failed_after_s=0.1))
    async def _(b):
        await b.reading("meter")
        b.board.meter.error = b.board.meter2.error = NotConnected("no answer")
        assert "no device answers" in (await b.health("", up=False)).reason
        b.board.meter.error = b.board.meter2.error = None
        await b.health("", up=True)
        await b.health("meter", up=True)


def test_lost_and_back_are_logged_once_each(caplog):
    caplog.set_level(logging.INFO, "hal.supervisor")

    @story("meter", "meter2")
    async def _(b):
        await b.reading("meter")
        b.board.meter.error = NotConnected("no answer")
        await b.health("meter", up=False)
        reads = b.board.meter.reads
        await b.next(lambda r: b.board.meter.reads > reads + 3)
        b.board.meter.error = None
        await b.health("meter", up=True)

    texts = [(r.levelname, r.getMessage()) for r in caplog.records]
    assert texts == [
        ("INFO", "driver b: open"),
        ("WARNING", "driver b: meter: no answer"),
        ("INFO", "driver b: meter: back"),
    ]


# -- the safe state ----------------------------------------------------------------------------------------------------


def test_cancelling_makes_safe_before_the_driver_is_left():
    @story("supply", "contactor", "pilot")
    async def bench(b):
        await b.health("", up=True)
        await b.supervisor.call("contactor", lambda c: c.close())

    assert not bench.board.contactor.closed
    assert set(bench.board.acts[:-1]) == {"contactor open", "offer 0", "supply off"}
    assert bench.board.acts[-1] == "left"
    assert bench.supervisor.devices() == {}
    assert bench.supervisor.status().state == "down"


def test_one_device_that_fails_does_not_keep_the_others_from_their_safe_state(caplog):
    @story("contactor", "contactor2", "pilot")
    async def bench(b):
        await b.health("", up=True)
        await b.supervisor.call("contactor2", lambda c: c.close())
        b.board.contactor.silent = True
        b.board.pilot.error = ZeroDivisionError("bug")
        b.began = time.monotonic()

    assert not bench.board.contactor2.closed
    assert time.monotonic() - bench.began < 2.0
    texts = [r.getMessage() for r in caplog.records]
    assert "driver b: contactor: not known to be safe: no answer within 0.3 s" in texts
    assert "driver b: pilot: not known to be safe: ZeroDivisionError: bug" in texts


def test_a_dc_contactor_opens_after_its_supply_but_does_not_wait_for_ever():
    @story("supply", "contactor")
    async def bench(b):
        await b.health("", up=True)
        b.board.supply.off_takes_s = 0.05

    assert bench.board.acts == ["supply off", "contactor open", "left"]

    @story("supply", "contactor")
    async def stuck(b):
        await b.health("", up=True)
        b.board.supply.off_takes_s = 3600.0

    assert stuck.board.acts == ["contactor open", "left"]


def test_leaving_is_bounded_when_the_driver_hangs():
    @story("contactor")
    async def bench(b):
        await b.health("", up=True)
        b.board.leave_hangs = True
        b.began = time.monotonic()

    assert "contactor open" in bench.board.acts
    assert time.monotonic() - bench.began < 2.0


def test_losing_the_driver_and_being_cancelled_at_the_same_time_still_ends():
    @story("contactor", "pilot")
    async def bench(b):
        await b.reading("pilot")
        b.board.breaks(NotConnected("unplugged"))
        b.board.pilot.news.put_nowait(NotConnected("gone"))

    assert bench.board.acts[-1] == "left"


def test_being_cancelled_while_making_safe_does_not_cut_it_short():
    @story("supply", "contactor")
    async def bench(b):
        await b.health("", up=True)
        safe_begun = asyncio.Event()

        async def off() -> None:
            safe_begun.set()
            await asyncio.sleep(0.05)
            b.board.acts.append("supply off")

        b.board.supply.off = off
        b.board.breaks(NotConnected("unplugged"))
        async with asyncio.timeout(PATIENCE_S):
            await safe_begun.wait()

    assert bench.board.acts == ["supply off", "contactor open", "left"]


class Stubborn:
    """A driver context of the worst kind; `way` says how."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.opens = 0
        self.freed = asyncio.Event()

    def __call__(self, config: Nothing, site: Site) -> "Stubborn":
        return self

    async def __aenter__(self) -> Mapping[str, Any]:
        self.opens += 1
        task = asyncio.current_task()
        if self.way == "cancels its holder" and self.opens == 1 and task:
            asyncio.get_running_loop().call_soon(task.cancel)
        return {"meter": Failing() if self.way == "swallows" and self.opens == 1 else Display()}

    async def __aexit__(self, *error: object) -> bool:
        while self.way == "will not leave" and not self.freed.is_set():
            try:
                await self.freed.wait()
            except asyncio.CancelledError:
                continue
        return self.way == "swallows" and self.opens == 1


class Failing:
    async def read(self) -> MeterReading:
        raise ZeroDivisionError("scale")


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("cancels its holder", "RuntimeError: the driver cancelled the task that holds it"),
        ("swallows", "the driver ended by itself"),
    ],
)
def test_a_driver_that_ends_in_an_odd_way_is_opened_again(way, told):
    async def main() -> None:
        stubborn = Stubborn(way)
        reports: asyncio.Queue[Any] = asyncio.Queue()
        driver = Driver("stubborn", Nothing, stubborn)  # type: ignore[arg-type]
        supervisor = Supervisor("s", driver, Nothing(), Site("s", Path()), reports.put_nowait, QUICK)
        life = asyncio.get_running_loop().create_task(supervisor.run())
        try:
            async with asyncio.timeout(PATIENCE_S):
                healths = [await reports.get() for _ in range(3)]
        finally:
            life.cancel()
            await asyncio.wait({life})
        assert [(health.up, health.reason) for health in healths] == [(True, ""), (False, told), (True, "")]

    asyncio.run(main())


def test_a_driver_that_will_not_leave_is_left_behind(caplog):
    async def main() -> None:
        stubborn, opened = Stubborn("will not leave"), asyncio.Event()
        driver = Driver("stubborn", Nothing, stubborn)  # type: ignore[arg-type]
        limits = QUICK._replace(safe_timeout_s=0.01, leave_timeout_s=0.01)
        supervisor = Supervisor("s", driver, Nothing(), Site("s", Path()), lambda _: opened.set(), limits)
        life = asyncio.get_running_loop().create_task(supervisor.run())
        async with asyncio.timeout(PATIENCE_S):
            await opened.wait()
            life.cancel()
            await asyncio.wait({life})
        stubborn.freed.set()

    asyncio.run(main())
    assert "driver s: does not leave its ports; left behind" in caplog.text


# -- calls -------------------------------------------------------------------------------------------------------------


def test_a_call_that_takes_too_long_is_not_connected():
    @story("contactor")
    async def _(b):
        await b.health("", up=True)
        b.board.contactor.silent = True
        with pytest.raises(NotConnected, match=r"driver b: contactor: no answer within 0\.01 s"):
            await b.supervisor.call("contactor", lambda c: c.close(), timeout_s=0.01)


def test_a_contactor_that_does_not_obey_closes_the_driver():
    @story("contactor", "contactor2")
    async def _(b):
        await b.health("", up=True)
        await b.supervisor.call("contactor2", lambda c: c.close())
        b.board.contactor.error = NotConnected("no answer")
        for _ in range(3):
            with pytest.raises(NotConnected):
                await b.supervisor.call("contactor", lambda c: c.close())
        await b.health("", up=False)
        assert not b.board.contactor2.closed
        b.board.contactor.error = None
        await b.health("", up=True)
        await b.supervisor.call("contactor", lambda c: c.close())


def test_a_dark_display_is_down_alone_until_it_shows_again():
    @story("display", "contactor")
    async def _(b):
        await b.health("", up=True)
        b.board.display.error = NotConnected("no answer")
        for _ in range(3):
            with pytest.raises(NotConnected):
                await b.supervisor.call("display", lambda d: d.show(("hello",)))
        await b.health("display", up=False)
        b.board.display.error = None
        await b.supervisor.call("display", lambda d: d.show(("hello",)))
        await b.health("display", up=True)
        assert b.board.opens == 1


def test_calls_while_down_are_refused_with_the_reason():
    @story("contactor", before=lambda board: board.open_errors.append(BadConfig("drivers.b.port: missing")))
    async def _(b):
        await b.health("", up=False)
        with pytest.raises(NotConnected, match=r"driver b: drivers\.b\.port: missing"):
            await b.supervisor.call("contactor", lambda c: c.close())


def test_an_unknown_device_is_named_with_those_there_are():
    @story("contactor", "meter")
    async def _(b):
        await b.health("", up=True)
        with pytest.raises(NotConnected, match="no device 'lock'; known: contactor, meter"):
            await b.supervisor.call("lock", lambda lock: lock.lock())


def test_a_fault_passes_to_the_caller_and_is_no_miss():
    @story("contactor")
    async def bench(b):
        await b.health("", up=True)
        b.board.contactor.error = DeviceFault("interlock open")
        for _ in range(5):
            with pytest.raises(DeviceFault, match="interlock open"):
                await b.supervisor.call("contactor", lambda c: c.close())
        b.board.contactor.error = None
        await b.supervisor.call("contactor", lambda c: c.close())

    assert bench.board.opens == 1


def test_the_status_tells_abilities_and_the_last_reading():
    @story("meter", "contactor", "pilot", "supply", "display")
    async def _(b):
        await b.reading("meter")
        status = b.supervisor.status()
        assert (status.name, status.driver, status.state) == ("b", "board", "up")
        told = {device.name: device.abilities for device in status.devices}
        assert told == {
            "meter": ("Meter",),
            "contactor": ("Contactor",),
            "pilot": ("ControlPilot",),
            "supply": ("DcSupply",),
            "display": ("Display",),
        }
        meter = next(d for d in status.devices if d.name == "meter")
        assert meter.reading.taken_at <= time.monotonic()
