"""The state of an OpenEVSE board and what keeps it there: one `Board`, shared by the devices of its driver.

Two facts decide: `permitted` (the contactor) and `limit_a` (the pilot). The board is enabled while it is permitted and
at least 6 A are offered, else it sleeps. Source: OpenEVSE/open_evse (rapi_proc.h, J1772EvseController.h).
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from hal.buses.rapi import Line, RapiLink
from hal.buses.serial import SerialStream
from hal.errors import BadConfig, DeviceFault, HalError, NotConnected
from hal.readings import PilotReading, PilotState

log = logging.getLogger(__name__)

_ASLEEP = {0xFE: "sleeping", 0xFF: "disabled"}
_PILOT: dict[int, PilotState] = {0x01: "A", 0x02: "B", 0x03: "C", 0x04: "D"}
_UNKNOWN = 0x00
_FAULTS = {
    0x05: "diode check failed",
    0x06: "ground fault",
    0x07: "no ground",
    0x08: "stuck relay",
    0x09: "GFI self-test failed",
    0x0A: "over-temperature",
    0x0B: "over-current",
    0x0E: "relay closure fault",
}
_POST_CODES = {0x07: "no ground", 0x08: "stuck relay", 0x09: "GFI self-test failed"}
_HARD_FAULT, _AUTH_LOCKED, _RELAY_CLOSED, _EV_CONNECTED, _BOOT_LOCK = 0x0002, 0x0008, 0x0040, 0x0100, 0x4000

_LEAVE_WITHIN_S = 1.8
_LOOK_AGAIN_S = 0.1
_UNKNOWN_AT_MOST_S = 10.0
_GRACEFUL = 0.5
"""Share of the time for opening after which disabling follows sleeping."""
_NEWS = 64


class Config(NamedTuple):
    port: str
    baud: int = 115200
    lock: bool = False
    """the board has a Mennekes socket lock (a build option of the firmware)"""
    meter: bool = False
    """the board has an ammeter that is to be used; not for billing"""
    total_includes_session: bool = False
    """whether $GU's Wh_total counts the session that is under way; the firmware adds it when the car leaves"""
    heartbeat_s: int = 0
    """s, the board falls back when it hears nothing for so long; 0 without supervision"""
    fallback_a: int = 0
    """A, what the board offers then: 0 or 6 to 80"""
    poll_s: float = 1.0
    reply_s: float = 0.5
    """s until a reply counts as lost; a request is sent three times"""
    open_s: float = 3.0
    """s until a relay that does not open is a fault"""


class Status(NamedTuple):
    """What $GS and $AT say."""

    taken_at: float
    state: int
    flags: int

    @property
    def asleep(self) -> bool:
        return self.state in _ASLEEP

    @property
    def relay_closed(self) -> bool:
        return bool(self.flags & _RELAY_CLOSED)

    @property
    def ev_connected(self) -> bool:
        return bool(self.flags & _EV_CONNECTED)

    def pilot(self) -> PilotReading:
        return PilotReading(self.taken_at, self._pilot_state(), None, self.relay_closed, self._fault())

    def _pilot_state(self) -> PilotState:
        if self.asleep:
            # Steady +12 V: whatever the car wants, it cannot ask for energy now.
            return "B" if self.ev_connected else "A"
        return _PILOT.get(self.state, "F")

    def _fault(self) -> str:
        if self.state in _PILOT or self.asleep:
            return "hard fault" if self.flags & _HARD_FAULT else ""
        return _FAULTS.get(self.state, f"board state {self.state:02X}")


class Board:
    """The board's mode and limit follow from `permitted` and `limit_a`; all devices share it."""

    def __init__(self, stream: SerialStream, config: Config) -> None:
        self.port = stream.port
        self.config = config
        self.link = RapiLink(stream, config.reply_s, self._told)
        self.permitted = False
        self.limit_a = 0
        self._set_a: int | None = None
        self._orders_begun = self._orders_done = 0
        self._booted = False
        self._nudge = asyncio.Event()
        self._watchers: set[asyncio.Queue[Status | HalError]] = set()
        self._unknown_since: float | None = None

    @property
    def _enabled(self) -> bool:
        return self.permitted and self.limit_a > 0

    # Its life

    async def run_link(self) -> None:
        try:
            await self.link.run()
        except HalError as error:
            self._news(error)
            raise

    async def begin(self) -> None:
        """Reach the board, put it to sleep, and set up what it supervises."""
        firmware, protocol = (await self.link.request("GV", answers=2))[:2]
        self.link.speaks(protocol)
        log.info("%s: OpenEVSE firmware %s, RAPI %s", self.port, firmware, protocol)
        await self.cut()
        await self._set_up()

    async def _set_up(self) -> None:
        """What the board forgets when it restarts."""
        if (await self.status()).flags & _BOOT_LOCK:
            await self.link.request("SB")
        if self.config.heartbeat_s:
            words = ("SY", str(self.config.heartbeat_s), str(self.config.fallback_a))
            await self._option(words, "heartbeat supervision", "heartbeat_s = 0")
        if self.config.lock:
            await self._option(("S5", "M"), "socket lock", "lock = false")

    async def _option(self, words: tuple[str, ...], what: str, remedy: str) -> None:
        if (await self.link.ask(*words, answers=None)).kind != "OK":
            raise BadConfig(f"{self.port}: the board's firmware has no {what}; set {remedy}")

    async def poll(self) -> None:
        """Look at the board each `poll_s` and at once after a restart; raises when it is lost."""
        while True:
            self._nudge.clear()
            if self._booted:
                await self._restore()
            orders = self._orders_begun
            status = await self.status()
            if orders == self._orders_begun == self._orders_done:  # else the status may be from before an order
                await self._keep_in_line(status)
            wait_s = _LOOK_AGAIN_S if status.state == _UNKNOWN else self.config.poll_s
            try:
                async with asyncio.timeout(wait_s):
                    await self._nudge.wait()
            except TimeoutError:
                self._patience(status)

    async def heartbeat(self) -> None:
        """Three pulses in each interval. A refused one says that one was missed: acknowledge, and set all again."""
        while self.config.heartbeat_s:
            await asyncio.sleep(self.config.heartbeat_s / 3)
            if (await self.link.ask("SY", answers=None)).kind == "NK":
                log.warning(
                    "%s: the board missed our heartbeat and fell back to %s A", self.port, self.config.fallback_a
                )
                await self.link.ask("SY", "165", answers=None)
                self._set_a = None
                await self.apply()

    async def leave(self) -> None:
        """Asleep, or at least disabled, within 1.8 s; what cannot be reached any more is left to the board."""
        self.permitted = False
        try:
            async with asyncio.timeout(_LEAVE_WITHIN_S):
                await self.cut()
                if self.config.lock:
                    await self.link.request("S5", "A")  # nobody is left to let the plug go
        except (HalError, TimeoutError) as error:
            log.warning("%s: could not put the board to sleep on leaving: %s", self.port, error or "no answer")

    # What it is to do

    async def apply(self) -> None:
        """Bring the board to where `permitted` and `limit_a` want it."""
        with self._order():
            if self.limit_a and self.limit_a != self._set_a:
                await self._set_capacity(self.limit_a)
            await self.link.request("FE" if self._enabled else "FS")

    async def _set_capacity(self, limit_a: int) -> None:
        """Volatile, to spare the EEPROM. The board clamps to its own limits and says so; less is fine, more is not."""
        self._set_a = None
        line = await self.link.ask("SC", str(limit_a), "V", answers=1)
        taken = number(line.words[0]) if line.words else None
        if taken is None or taken > limit_a:
            self.limit_a = 0  # nothing is offered until the next try
            await self.cut()
            raise DeviceFault(f"{self.port}: {limit_a} A asked for, the board offers {taken or 'nothing'} A")
        if taken < limit_a:
            log.info("%s: the board limits %s A to %s A", self.port, limit_a, taken)
        self._set_a = limit_a

    async def cut(self) -> None:
        """Sleep; disable when the relay is still closed at half time; DeviceFault when it never opens."""
        with self._order():
            try:
                await self.link.request("FS")
                disabled = False
            except DeviceFault:
                disabled = await self._disable()
            await self._opened(disabled)

    async def _opened(self, disabled: bool) -> None:
        began = time.monotonic()
        while (await self.status()).relay_closed and not self._enabled:  # enabled: permitted again meanwhile
            elapsed = time.monotonic() - began
            if elapsed > self.config.open_s:
                raise DeviceFault(f"{self.port}: the relay does not open")
            if not disabled and elapsed > self.config.open_s * _GRACEFUL:
                disabled = await self._disable()
            await asyncio.sleep(min(_LOOK_AGAIN_S, self.config.open_s / 10))

    @contextmanager
    def _order(self) -> Iterator[None]:
        self._orders_begun += 1
        try:
            yield
        finally:
            self._orders_done += 1

    async def _disable(self) -> bool:
        await self.link.request("FD")
        return True

    async def _keep_in_line(self, status: Status) -> None:
        """Undo what a restart we did not hear of, or somebody at the panel, changed."""
        if status.state in _PILOT and not self._enabled:
            log.warning("%s: the board woke up by itself; back to sleep", self.port)
            await self.link.request("FS")
        elif status.asleep and self._enabled:
            log.warning("%s: the board fell asleep by itself; waking it", self.port)
            self._set_a = None
            await self.apply()
        elif status.state in _PILOT:
            offered = number((await self.link.request("GE", answers=1))[0])
            if self._enabled and offered is not None and offered > self.limit_a:
                log.warning("%s: the board offers %s A instead of %s A; set again", self.port, offered, self.limit_a)
                await self._set_capacity(self.limit_a)
        if status.flags & _AUTH_LOCKED and self._enabled:
            await self.link.request("S4", "0")

    async def _restore(self) -> None:
        """After a restart the board is awake with its stored limit: sleep first, then all that it forgot."""
        self._booted = False
        self._set_a = None
        if not self._enabled:
            await self.link.request("FS")
        await self._set_up()
        await self.apply()

    # What it tells

    async def status(self) -> Status:
        words = await self.link.request("GS", answers=2)
        if len(words) < 4:
            raise BadConfig(f"{self.port}: the firmware's $GS tells no flags ({' '.join(words)}); update the firmware")
        status = read_status(words[0], words[3])
        if status is None:
            raise NotConnected(f"{self.port}: unintelligible $GS: {' '.join(words)}")
        self._learn(status)
        return status

    def _told(self, line: Line) -> None:
        if line.kind == "AT" and len(line.words) > 3:
            status = read_status(line.words[0], line.words[3])
            if status is not None:
                self._learn(status)
        elif line.kind == "AB":
            code = line.words[0] if line.words else ""
            found = _POST_CODES.get(number(code, 16) or 0, "no fault")
            log.warning("%s: the board restarted (post code %s: %s)", self.port, code, found)
            self._booted = True
            self._nudge.set()

    def _learn(self, status: Status) -> None:
        if status.state != _UNKNOWN:
            self._unknown_since = None
            self._news(status)
        elif self._unknown_since is None:
            self._unknown_since = status.taken_at

    def _patience(self, status: Status) -> None:
        since = self._unknown_since
        if since is not None and status.taken_at - since > _UNKNOWN_AT_MOST_S:
            raise DeviceFault(f"{self.port}: the board has not known its pilot state for {_UNKNOWN_AT_MOST_S:.0f} s")

    def _news(self, news: "Status | HalError") -> None:
        for queue in self._watchers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(news)

    async def watch(self) -> AsyncIterator[Status]:
        """The state now, then all the board tells; of what is not fetched, the last 64."""
        queue: asyncio.Queue[Status | HalError] = asyncio.Queue(_NEWS)
        self._watchers.add(queue)
        try:
            await self.status()
            while True:
                news = await queue.get()
                if isinstance(news, HalError):
                    raise NotConnected(str(news)) from news
                yield news
        finally:
            self._watchers.discard(queue)


def read_status(state_word: str, flags_word: str) -> Status | None:
    state, flags = number(state_word, 16), number(flags_word, 16)
    return None if state is None or flags is None else Status(time.monotonic(), state, flags)


def number(word: str, base: int = 10) -> int | None:
    try:
        return int(word, base)
    except ValueError:
        return None
