"""The life of a driver: open, poll, watch; on any trouble make safe, report, wait, open again.

Drivers only talk to devices. What is written here, once for all of them: time limits, retries, health, staleness,
logging and the safe state.

- A polled device (`read()`) that does not answer is polled on; after `stale_after` misses in a row it is down.
- A `DeviceFault` from a poll or a watch puts that device down with the reason. The others go on.
- `NotConnected` from the driver's own task or from a watch, a watch that ends, and a device that moves power and does
  not obey, close the whole driver; it is opened again after a pause that grows.
- `BadConfig` waits for a person: it is tried again seldom.
- Any other exception is a bug: its traceback is logged, and the driver is closed and opened again.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from types import MappingProxyType
from typing import Any, TypeVar

from hal.backoff import wait_s
from hal.devices import Device
from hal.driver import Driver, Site
from hal.errors import BadConfig, DeviceFault, HalError, NotConnected
from hal.health import (
    DeviceHealth,
    DeviceRead,
    DeviceStatus,
    DeviceTable,
    DriverStatus,
    Limits,
    Report,
    State,
)
from hal.polls import Polls
from hal.readings import Reading
from hal.safe_state import make_safe, settled

log = logging.getLogger(__name__)

T = TypeVar("T")
_NONE: Mapping[str, Device] = MappingProxyType({})


__all__ = ["DeviceHealth", "DeviceRead", "DeviceStatus", "DriverStatus", "Limits", "Report", "Supervisor"]


class Supervisor:
    def __init__(
        self,
        name: str,
        driver: Driver,
        config: Any,
        site: Site,
        report: Callable[[Report], None],
        limits: Limits = Limits(),  # noqa: B008 - a value
    ) -> None:
        """report: called in the thread of the event loop, and must return at once."""
        self.name = name
        self._driver = driver
        self._config = config
        self._site = site
        self._report = report
        self._limits = limits
        self._state: State = "starting"
        self._reason, self._since = "", time.monotonic()
        self._lost_as: type[Exception] | None = None
        self._attempt = 0
        self._devices: Mapping[str, Device] = _NONE
        self._controls: dict[str, Device] = {}
        self._polls = Polls(limits.poll_idle_s, limits.poll_down_s)
        self._table = DeviceTable(name, limits, self._polls, report)
        self._wake = asyncio.Event()
        self._trouble: asyncio.Future[str] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._watches: dict[str, asyncio.Task[None]] = {}

    # -- what others ask -----------------------------------------------------------------------------------------------

    async def call(self, device: str, act: Callable[[Any], Awaitable[T]], timeout_s: float | None = None) -> T:
        """`act(device)` within `timeout_s` (else `call_timeout_s`). NotConnected when down or when it takes longer.

        What `act` raises passes through. The controls of a simulated world answer also while their driver is down.
        """
        target = self._target(device)
        limit_s = self._limits.call_timeout_s if timeout_s is None else timeout_s
        try:
            result = await _limited(act(target), limit_s)
        except NotConnected as error:
            if self._devices.get(device) is target and self._table.call_missed(device, str(error)):
                self._give_up(f"{device}: {error}")
            raise NotConnected(f"driver {self.name}: {device}: {error}") from error
        except DeviceFault:
            self._answered(device, target)
            raise
        self._answered(device, target)
        return result

    async def read(self, device: str) -> Reading:
        """One reading, taken now; also reported. Raises NotConnected and DeviceFault, which count as at a poll."""
        target = self._target(device)
        try:
            return await self._take_reading(device, target)
        except HalError as error:
            self._read_failed(device, target, error)
            raise type(error)(f"driver {self.name}: {device}: {error}") from error

    async def renew(self, names: Iterable[str]) -> str:
        """Make these devices safe and ask them anew: a watched one says again how it is, a polled one is read. Gives
        what went wrong, empty for nothing; the others of the driver go on."""
        devices = {name: self._devices[name] for name in names if name in self._devices}
        missing = sorted(set(names) - set(devices))
        if missing or self._tasks is None:
            return f"driver {self.name}: {self._reason or 'not open'}: {', '.join(missing)}"
        unsafe = await make_safe(devices, self._limits.safe_timeout_s)
        if self._tasks is None or any(self._devices.get(name) is not device for name, device in devices.items()):
            return f"driver {self.name}: {self._reason or 'was opened anew'}"
        for name, device in devices.items():
            if name in self._watches:
                self._watches[name].cancel()
                self._watches[name] = self._watched(name, device, self._tasks)
            elif self._polls.paced(name):
                self._polls.now(name, time.monotonic())
        self._wake.set()
        return "; ".join(f"driver {self.name}: {name}: {why}" for name, why in unsafe.items())

    def pace(self, device: str, interval_s: float) -> None:
        """Poll `device` every `interval_s` from now on; 0: not at all. Holds also for a driver that is down."""
        self._polls.pace(device, interval_s, time.monotonic())
        self._wake.set()

    def devices(self) -> Mapping[str, Device]:
        """The open devices; none while the driver is down."""
        return self._devices

    def abilities(self, device: str) -> tuple[str, ...]:
        """The protocols it satisfied when the driver was opened last."""
        return self._table.known[device].abilities

    def controls(self) -> Mapping[str, Device]:
        """What steers a simulated world: the same as at the last opening, while the driver is down."""
        return self._controls

    def status(self) -> DriverStatus:
        devices = self._table.status(self._state == "up")
        return DriverStatus(self.name, self._driver.name, self._state, self._reason, self._since, devices)

    def _answered(self, device: str, target: Device) -> None:
        if self._devices.get(device) is target:
            self._table.call_answered(device)

    def _target(self, device: str) -> Device:
        found = self._devices.get(device, self._controls.get(device))
        if found is not None:
            return found
        if not self._devices:
            raise NotConnected(f"driver {self.name}: {self._reason or 'not open'}")
        raise NotConnected(f"driver {self.name}: no device {device!r}; known: {', '.join(sorted(self._devices))}")

    # -- the life ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the driver open until cancelled; then everything is made safe first, within `safe_timeout_s`."""
        try:
            while True:
                trouble = await self._one_life()
                await asyncio.sleep(self._pause_after(trouble))
        finally:
            self._enter("down", "stopped")

    async def _one_life(self) -> Exception:
        """Open the driver and stay until trouble; gives the trouble. In a task of its own, because a driver may hold
        a task group, which cancels the task that entered it: that must not look as if we were cancelled."""
        task = asyncio.create_task(self._live(), name=f"driver {self.name}")  # awaited or cancelled here
        try:
            await asyncio.wait({task})
        finally:
            if not task.done():
                task.cancel()
                await settled({task}, self._limits.safe_timeout_s + self._limits.leave_timeout_s + 0.5)
                if not task.done():
                    log.error("driver %s: does not leave its ports; left behind", self.name)
        if task.cancelled():
            return self._lost(RuntimeError("the driver cancelled the task that holds it"))
        return task.result()

    async def _live(self) -> Exception:
        try:
            await self._open_and_stay()
        except Exception as error:  # noqa: BLE001 - this is the supervisor
            return self._lost(error)
        return self._lost(NotConnected("the driver ended by itself"))

    async def _open_and_stay(self) -> None:
        limits = self._limits
        async with AsyncExitStack() as stack:
            context = self._driver.open(self._config, self._site)
            devices = await _limited(context.__aenter__(), limits.open_timeout_s)
            stack.push_async_exit(lambda *error: _limited(context.__aexit__(*error), limits.leave_timeout_s))
            stack.push_async_callback(self._make_safe, devices)
            self._opened(devices)
            await self._stay(devices)

    async def _stay(self, devices: Mapping[str, Device]) -> None:
        self._trouble = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._poll(devices), name=f"poll {self.name}")
                watched = [name for name in devices if self._table.known[name].watched]
                self._watches = {name: self._watched(name, devices[name], tasks) for name in watched}
                self._tasks = tasks
                raise NotConnected(await self._trouble)
        finally:
            self._tasks = None

    def _watched(self, name: str, device: Device, tasks: asyncio.TaskGroup) -> "asyncio.Task[None]":
        return tasks.create_task(self._watch(name, device), name=f"watch {self.name}.{name}")

    async def _make_safe(self, devices: Mapping[str, Device]) -> None:
        self._devices = _NONE
        for name, why in (await make_safe(devices, self._limits.safe_timeout_s)).items():
            log.warning("driver %s: %s: not known to be safe: %s", self.name, name, why)

    # -- up and down ---------------------------------------------------------------------------------------------------

    def _opened(self, devices: Mapping[str, Device]) -> None:
        self._devices = MappingProxyType(dict(devices))
        if self._state != "up":
            log.info("driver %s: %s", self.name, "back" if self._state == "down" else "open")
        self._enter("up", "")
        self._report(DeviceHealth(self.name, "", True))
        self._table.opened(devices)
        self._controls = {
            name: devices[name] for name, known in self._table.known.items() if "Controls" in known.abilities
        }

    def _lost(self, trouble: Exception) -> Exception:
        """The one exception to tell of: a bug before a wrong configuration before a lost device."""
        self._devices = _NONE
        errors = sorted(
            _leaves(trouble), key=lambda error: isinstance(error, HalError) + isinstance(error, NotConnected)
        )
        worst = errors[0]
        bug = not isinstance(worst, HalError)
        reason = f"{type(worst).__name__}: {worst}" if bug else str(worst) or type(worst).__name__
        if bug:
            log.error("driver %s: bug: %s", self.name, reason, exc_info=worst)
        elif type(worst) is not self._lost_as:
            log.warning("driver %s: %s", self.name, reason)
        else:
            log.debug("driver %s: %s", self.name, reason)
        self._lost_as = type(worst)
        if self._state == "up" and time.monotonic() - self._since >= self._limits.failed_after_s:
            self._attempt = 0
        if self._state != "down" or self._reason != reason:
            self._enter("down", reason)
            self._report(DeviceHealth(self.name, "", False, reason))
        return worst

    def _enter(self, state: State, reason: str) -> None:
        if state != self._state:
            self._since = time.monotonic()
        self._state, self._reason = state, reason
        if state == "up":
            self._lost_as = None

    def _pause_after(self, error: Exception) -> float:
        limits, attempt = self._limits, self._attempt
        self._attempt += 1
        if isinstance(error, BadConfig):
            return wait_s(0, limits.retry_config_s, limits.retry_config_s, random.random())
        return wait_s(attempt, limits.retry_first_s, limits.retry_max_s, random.random())

    # -- polling -------------------------------------------------------------------------------------------------------

    async def _poll(self, devices: Mapping[str, Device]) -> None:
        """One device after the other, so that one that does not answer costs the others its time limit, not theirs."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            for name in self._polls.take(time.monotonic()):
                await self._poll_one(name, devices[name])
            if reason := self._table.silence():
                self._give_up(reason)
            due = self._polls.next_at()
            timer = loop.call_at(due, self._wake.set) if due < float("inf") else None
            try:
                await self._wake.wait()
            finally:
                if timer:
                    timer.cancel()

    async def _poll_one(self, name: str, device: Any) -> None:
        try:
            await self._take_reading(name, device)
        except (NotConnected, DeviceFault) as error:
            self._read_failed(name, device, error)

    async def _take_reading(self, name: str, device: Any) -> Reading:
        limit_s, asked_at = self._limits.read_timeout_s, time.monotonic()
        reading: Reading = await _limited(device.read(), limit_s)
        if reading.taken_at < asked_at - limit_s:
            raise NotConnected(f"a reading of {asked_at - reading.taken_at:.0f} s ago instead of a fresh one")
        if self._devices.get(name) is device:
            self._table.fresh(name, reading)
        return reading

    def _read_failed(self, name: str, device: Device, error: HalError) -> None:
        if self._devices.get(name) is device:
            self._table.read_failed(name, error)

    # -- watching ------------------------------------------------------------------------------------------------------

    async def _watch(self, name: str, device: Any) -> None:
        attempt = 0
        while True:
            begun_at = time.monotonic()
            try:
                await self._watch_once(name, device.watch())
            except DeviceFault as fault:
                self._table.down(name, str(fault))
            attempt = 0 if time.monotonic() - begun_at >= self._limits.failed_after_s else attempt
            pause_s = wait_s(attempt, self._limits.retry_first_s, self._limits.retry_max_s, random.random())
            attempt += 1
            await asyncio.sleep(pause_s)

    async def _watch_once(self, name: str, readings: AsyncIterator[Reading]) -> None:
        """A device that only speaks when something happens counts as up when it has not failed for a while."""
        quiet = asyncio.get_running_loop().call_later(self._limits.read_timeout_s, self._table.up, name)
        try:
            async for reading in readings:
                quiet.cancel()
                self._table.fresh(name, reading)
        except NotConnected as error:
            raise NotConnected(f"{name}: {error}") from error
        finally:
            quiet.cancel()
        raise NotConnected(f"{name}: the watch ended without an error")

    def _give_up(self, reason: str) -> None:
        if self._trouble and not self._trouble.done():
            self._trouble.set_result(reason)


async def _limited(work: Awaitable[T], limit_s: float) -> T:
    """NotConnected when `work` takes longer."""
    try:
        async with asyncio.timeout(limit_s) as limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
        raise NotConnected(f"no answer within {limit_s:g} s") from None


def _leaves(error: BaseException) -> list[Exception]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in _leaves(each)]
    return [error] if isinstance(error, Exception) else []
