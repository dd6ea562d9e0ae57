"""OpenEVSE and other boards with its firmware: control pilot, contactor, socket lock and meter over RAPI.

    [drivers.board]
    driver = "openevse-rapi"
    port = "/dev/serial/by-id/usb-…"

Devices: "pilot", "contactor", with lock = true "lock", with meter = true "meter". Source: OpenEVSE/open_evse
(rapi_proc.h, J1772EvseController.h).

The board does what is a matter of milliseconds itself: it closes its relay only while it is enabled and the car is in
state C, and opens it on any fault. The driver decides whether the board is enabled: it is while the contactor is
permitted *and* at least 6 A are offered, and asleep otherwise. A car can ask for energy (C) only while the board is
enabled, so `Contactor.close` must come on authorization, not on state C.

What the board forgets when it restarts, or what somebody changes at its panel, is put right at its boot line and at
each poll. Should the daemon die, heartbeat supervision makes the board fall back to `fallback_a` (firmware with $SY).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from hal.buses.serial import SerialStream
from hal.devices import Device
from hal.driver import Driver, Site
from hal.drivers.openevse_board import Board, Config, number
from hal.errors import BadConfig, DeviceFault, HalError
from hal.readings import LockReading, MeterReading, PilotReading


class _Pilot:
    def __init__(self, board: Board) -> None:
        self._board = board

    async def watch(self) -> AsyncIterator[PilotReading]:
        before = None
        async for status in self._board.watch():
            reading = status.pilot()
            if before is None or reading[1:] != before[1:]:
                yield reading
            before = reading

    async def offer(self, limit_a: float) -> None:
        """Whole amperes, rounded down; 0 puts the board to sleep (steady +12 V)."""
        if limit_a != 0 and not 6 <= limit_a <= 80:
            raise ValueError(f"limit_a: 0 or 6 to 80 A, not {limit_a}")
        self._board.limit_a = int(limit_a)
        await self._board.apply()


class _Contactor:
    def __init__(self, board: Board) -> None:
        self._board = board

    async def close(self) -> None:
        """The permission; the board closes its relay while the car asks and at least 6 A are offered."""
        self._board.permitted = True
        try:
            await self._board.apply()
        except BaseException:
            self._board.permitted = False  # not taken over, so it must not come into force later
            raise

    async def open(self) -> None:
        self._board.permitted = False
        await self._board.cut()


class _Lock:
    def __init__(self, board: Board) -> None:
        self._board = board

    async def watch(self) -> AsyncIterator[LockReading]:
        before = None
        while True:
            locked = await self._locked()
            if locked is not before:
                yield LockReading(time.monotonic(), locked)
            before = locked
            await asyncio.sleep(self._board.config.poll_s)

    async def lock(self) -> None:
        await self._move("1", locked=True)

    async def unlock(self) -> None:
        await self._move("0", locked=False)

    async def _move(self, word: str, locked: bool) -> None:
        await self._board.link.request("S5", word)
        if await self._locked() is not locked:
            raise DeviceFault(f"{self._board.port}: the socket lock did not {'lock' if locked else 'unlock'}")

    async def _locked(self) -> bool:
        words = await self._board.link.request("G5", answers=1)
        if words[0] not in ("0", "1"):
            raise DeviceFault(f"{self._board.port}: the socket lock tells no state: {' '.join(words)}")
        return words[0] == "1"


class _Meter:
    """The board's own current transformer and counter: one conductor, no phases, lost with its EEPROM."""

    def __init__(self, board: Board) -> None:
        self._board = board

    async def read(self) -> MeterReading:
        milliamps, millivolts = map(number, (await self._board.link.request("GG", answers=2))[:2])
        return MeterReading(
            time.monotonic(),
            energy_import_wh=await self._energy_wh(),
            current_a=(_thousandth(milliamps), None, None),
            voltage_v=(_thousandth(millivolts), None, None),
        )

    async def _energy_wh(self) -> float | None:
        """The total lacks the session under way: it is added when the car leaves, in whole Wh."""
        while True:
            before = await self._board.status()
            session_ws, total_wh = map(number, (await self._board.link.request("GU", answers=2))[:2])
            after = await self._board.status()
            if before.ev_connected is after.ev_connected:
                break  # else the session may have moved into the total in between
        if session_ws is None or total_wh is None:
            return None
        under_way = after.ev_connected and not self._board.config.total_includes_session
        return float(total_wh + (session_ws // 3600 if under_way else 0))


def _thousandth(value: int | None) -> float | None:
    """-1 stands for "no ammeter"."""
    return None if value is None or value < 0 else value / 1000


@asynccontextmanager
async def open_board(config: Config, site: Site) -> AsyncIterator[Mapping[str, Device]]:
    """BadConfig for a firmware that cannot what is configured, DeviceFault when the relay is closed and stays so."""
    _check(config, site)
    async with SerialStream(config.port, config.baud) as stream:
        board = Board(stream, config)
        async with alongside(board.run_link()):
            try:
                await board.begin()
                async with alongside(board.poll(), board.heartbeat()):
                    yield _devices(board, config)
            finally:
                await board.leave()


def _check(config: Config, site: Site) -> None:
    where = f"drivers.{site.name}"
    if config.fallback_a != 0 and not 6 <= config.fallback_a <= 80:
        raise BadConfig(f"{where}.fallback_a: expected 0 or 6 to 80 A, got {config.fallback_a}")
    for key in ("poll_s", "reply_s", "open_s"):
        if getattr(config, key) <= 0:
            raise BadConfig(f"{where}.{key}: expected more than 0 s, got {getattr(config, key)}")
    if config.heartbeat_s < 0:
        raise BadConfig(f"{where}.heartbeat_s: expected 0 (none) or an interval in s, got {config.heartbeat_s}")


def _devices(board: Board, config: Config) -> Mapping[str, Device]:
    devices: dict[str, Device] = {"pilot": _Pilot(board), "contactor": _Contactor(board)}
    if config.lock:
        devices["lock"] = _Lock(board)
    if config.meter:
        devices["meter"] = _Meter(board)
    return devices


@asynccontextmanager
async def alongside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` as long as the body runs. What goes wrong first, there or in the body, comes out as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one, name=getattr(one, "__qualname__", None)) for one in work]
            yield
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as failed:
        if all(isinstance(error, HalError) for error in failed.exceptions) or len(failed.exceptions) == 1:
            raise failed.exceptions[0] from None
        raise


_MEASURES = frozenset(("energy_import_wh", "current_a", "voltage_v"))
DRIVER = Driver("openevse-rapi", Config, open_board, lambda config: _MEASURES, senses_plugs=False)
