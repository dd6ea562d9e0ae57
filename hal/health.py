"""Which devices of a driver answer, and what they said last."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from hal.abilities import POWER, abilities
from hal.devices import Device
from hal.errors import DeviceFault, HalError
from hal.polls import Polls
from hal.readings import Reading

log = logging.getLogger("hal.supervisor")

State = Literal["starting", "up", "down"]


class DeviceRead(NamedTuple):
    """A fresh reading."""

    driver: str
    device: str
    reading: Reading


class DeviceHealth(NamedTuple):
    """A device answers again, or does not. While its driver is down, all its devices are."""

    driver: str
    device: str
    """empty: the whole driver"""
    up: bool
    reason: str = ""


Report = DeviceRead | DeviceHealth


class Limits(NamedTuple):
    open_timeout_s: float = 5.0
    """to open the driver; a CAN adapter on a serial port takes 2 s to start"""
    call_timeout_s: float = 2.0
    read_timeout_s: float = 1.0
    safe_timeout_s: float = 2.0
    leave_timeout_s: float = 2.0
    """to leave the context, after the safe state"""
    stale_after: int = 3
    """misses in a row until a device is down"""
    failed_after_s: float = 10.0
    """a driver with nothing but polled devices is opened again when none has answered for so long; and one that was up
    for so long begins again with the shortest pause"""
    retry_first_s: float = 0.5
    retry_max_s: float = 15.0
    retry_config_s: float = 60.0
    poll_idle_s: float = 10.0
    """poll interval of a device that nobody has paced"""
    poll_down_s: float = 5.0
    """least poll interval of a device that is down"""


class DeviceStatus(NamedTuple):
    name: str
    abilities: tuple[str, ...]
    state: Literal["up", "down"]
    reason: str
    since: float
    """s, monotonic clock"""
    reading: Reading | None
    """the last one; it carries its `taken_at`"""


class DriverStatus(NamedTuple):
    name: str
    driver: str
    state: State
    reason: str
    since: float
    devices: tuple[DeviceStatus, ...]
    """while the driver is down: as they were known last"""


class Known:
    """What is known of a device, also while its driver is down."""

    def __init__(self, device: Device) -> None:
        self.abilities = abilities(device)
        self.polled = callable(getattr(device, "read", None))
        self.watched = callable(getattr(device, "watch", None))
        self.up, self.reason, self.since = True, "", time.monotonic()
        self.misses = 0
        self.unanswered = 0
        self.answered_at = self.since
        self.reading: Reading | None = None


class DeviceTable:
    """The health of each device of one driver: logged once and reported when it changes."""

    def __init__(self, driver: str, limits: Limits, polls: Polls, report: Callable[[Report], None]) -> None:
        self._driver = driver
        self._limits = limits
        self._polls = polls
        self._report = report
        self.known: dict[str, Known] = {}

    def opened(self, devices: Mapping[str, Device]) -> None:
        """A device that was down is up when it answers; one that is not asked counts as up with its driver."""
        before, self.known = self.known, {name: Known(device) for name, device in devices.items()}
        self._polls.start([name for name, known in self.known.items() if known.polled], time.monotonic())
        for name, known in self.known.items():
            old = before.get(name)
            if old is None or old.up:
                continue
            known.up, known.reason, known.since = False, old.reason, old.since
            if not (known.watched or (known.polled and self._polls.paced(name))):
                self.up(name)

    def fresh(self, name: str, reading: Reading) -> None:
        known = self.known[name]
        known.reading, known.misses, known.answered_at = reading, 0, time.monotonic()
        self.up(name)
        self._report(DeviceRead(self._driver, name, reading))

    def read_failed(self, name: str, error: HalError) -> None:
        known = self.known[name]
        known.misses += 1
        if isinstance(error, DeviceFault) or known.misses >= self._limits.stale_after:
            self._polls.answers(name, False, time.monotonic())
            self.down(name, str(error))

    def call_answered(self, name: str) -> None:
        known = self.known[name]
        known.unanswered = 0
        if not known.polled:  # of a polled device only a reading proves that it is alive
            self.up(name)

    def call_missed(self, name: str, reason: str) -> bool:
        """Whether this is reason enough to open the whole driver anew."""
        known = self.known[name]
        known.unanswered += 1
        if known.unanswered < self._limits.stale_after:
            return False
        if not known.polled:
            self.down(name, reason)
        return bool(POWER.intersection(known.abilities))

    def up(self, name: str) -> None:
        known = self.known[name]
        self._polls.answers(name, True, time.monotonic())
        if not known.up:
            known.up, known.reason, known.since = True, "", time.monotonic()
            log.info("driver %s: %s: back", self._driver, name)
            self._report(DeviceHealth(self._driver, name, True))

    def down(self, name: str, reason: str) -> None:
        known = self.known[name]
        if known.up:
            known.since = time.monotonic()
            log.warning("driver %s: %s: %s", self._driver, name, reason)
        if known.up or known.reason != reason:
            known.up, known.reason = False, reason
            self._report(DeviceHealth(self._driver, name, False, reason))

    def silence(self) -> str:
        """Why the bus looks dead: nothing but polled devices, and none answers for `failed_after_s`. Else empty."""
        polled = [known for name, known in self.known.items() if known.polled and self._polls.paced(name)]
        if not polled or any(known.watched for known in self.known.values()) or any(known.up for known in polled):
            return ""
        silent_s = time.monotonic() - max(known.answered_at for known in polled)
        return f"no device answers: {polled[0].reason}" if silent_s >= self._limits.failed_after_s else ""

    def status(self, driver_up: bool) -> tuple[DeviceStatus, ...]:
        return tuple(
            DeviceStatus(
                name,
                known.abilities,
                "up" if known.up and driver_up else "down",
                known.reason,
                known.since,
                known.reading,
            )
            for name, known in self.known.items()
        )
