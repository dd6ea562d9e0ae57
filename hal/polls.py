"""When which device is to be polled. Pure: the time comes in as an argument.

Due times are multiples of the interval on the monotonic clock. So devices of the same interval are due at the same
instant, whichever driver they belong to, and an idle board wakes up once for all of them.
"""

from math import inf


class Polls:
    def __init__(self, idle_s: float, down_s: float) -> None:
        """idle_s: the interval of a device nobody has paced. down_s: the least interval of one that does not answer."""
        self._idle_s = idle_s
        self._down_s = down_s
        self._paces: dict[str, float] = {}
        self._down: set[str] = set()
        self._due: dict[str, float] = {}

    def start(self, devices: list[str], now: float) -> None:
        """These devices are there, and each that is polled at all is due now."""
        self._down.clear()
        self._due = {device: now if self._interval(device) else inf for device in devices}

    def pace(self, device: str, interval_s: float, now: float) -> None:
        """From now on every `interval_s`; 0: not at all. Kept for devices that are not there yet."""
        if interval_s < 0:
            raise ValueError(f"{device}: an interval of 0 s or more expected, got {interval_s}")
        if self._paces.get(device, self._idle_s) == interval_s:
            return
        self._paces[device] = interval_s
        if device in self._due:
            self._due[device] = self._following(device, now)

    def now(self, device: str, now: float) -> None:
        """Poll it at once, and then as before."""
        if device in self._due:
            self._due[device] = now

    def answers(self, device: str, yes: bool, now: float) -> None:
        """A device that does not answer is polled seldom: each of its time limits holds up those on the same bus."""
        if yes != (device in self._down):
            return
        (self._down.discard if yes else self._down.add)(device)
        if device in self._due:
            self._due[device] = self._following(device, now)

    def paced(self, device: str) -> bool:
        return bool(self._interval(device))

    def next_at(self) -> float:
        """The earliest due time, inf when there is none."""
        return min(self._due.values(), default=inf)

    def take(self, now: float) -> list[str]:
        """The devices that are due, which moves each on to its next instant. What was missed meanwhile stays missed."""
        due = [device for device, at in self._due.items() if at <= now]
        for device in due:
            self._due[device] = self._following(device, now)
        return due

    def _interval(self, device: str) -> float:
        interval = self._paces.get(device, self._idle_s)
        return max(interval, self._down_s) if interval and device in self._down else interval

    def _following(self, device: str, now: float) -> float:
        interval = self._interval(device)
        if not interval:
            return inf
        at = (now // interval + 1) * interval
        return at if at > now else at + interval
