"""The station's time: the monotonic clock plus what is believed of UTC.

The system's clock is believed when it is past `PLAUSIBLE` (a board without a battery wakes up in 1970), until the CSMS
tells the time; the CSMS is believed where `ClockCtrlr.TimeSource` names Heartbeat before NTP.
"""

from chargepointd.core.values import Now, Stamp

PLAUSIBLE = 1_750_000_000.0
"""15 June 2025: no honest clock stands before the first release"""
LATEST = 4_102_444_800.0
"""1 January 2100: nor after it. Years that cannot be written (a CSMS that says 0001 or 9999) are out of the question"""
SLACK_S = 0.5
"""smaller corrections would only make the stamps jump"""


def plausible(utc: float) -> bool:
    return PLAUSIBLE <= utc < LATEST


def put_right(at: float, change: float) -> float:
    """A moment that was noted while the clock was not yet known, now that it was wrong by `change` (s)."""
    return at if at >= PLAUSIBLE else at + change


class Clock:
    def __init__(self, boot_id: str, now: Now) -> None:
        self.boot_id = boot_id
        self.sure = now.wall >= PLAUSIBLE
        self._offset = now.wall - now.mono

    def utc(self, mono: float) -> float:
        """UTC in s since 1970 at a moment of the monotonic clock."""
        return mono + self._offset

    put_right = staticmethod(put_right)

    def stamp(self, mono: float) -> Stamp:
        return Stamp(self.utc(mono), self.sure, mono, self.boot_id)

    def looked_at(self, now: Now) -> float:
        """The system's clock has become plausible (NTP). Returns by how much (s) ours was put right."""
        return 0.0 if self.sure or now.wall < PLAUSIBLE else self.told(now.wall, now.mono)

    def told(self, utc: float, mono: float, age_s: float = 0.0) -> float:
        """Somebody knows that it was `utc`, now or up to `age_s` ago: as long as his answer was under way at most.
        Returns by how much (s) the clock was put right; 0 when it was right, as far as he can tell."""
        behind = utc - self.utc(mono)
        if self.sure and -age_s - SLACK_S <= behind <= SLACK_S:
            return 0.0
        change = behind + age_s / 2
        self._offset += change
        self.sure = True
        return change
