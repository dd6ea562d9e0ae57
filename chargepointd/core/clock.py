"""The station's time: the monotonic clock plus what is believed of UTC.

The system's clock is believed when it is past `PLAUSIBLE` (a board without a battery wakes up in 1970) and not before
the last moment that was known (it may also wake up when its image was made), until somebody who knows tells the time.
What was known is kept: it holds as long as the machine runs, over restarts of the process too.

While nobody knows, the clock is *dark*. It counts from 1970, and on from there over power cuts, so that what was noted
keeps its order, and is known by its date to be no time at all. When the time is known, all of it is put right by one
number: what this boot of the machine noted exactly; what an earlier one did as late as it can have been, for nobody
knows how long the power was off.
"""

from collections.abc import Mapping
from typing import Any

from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Now, Stamp

PLAUSIBLE = 1_750_000_000.0
"""15 June 2025: no honest clock stands before the first release"""
LATEST = 4_102_444_800.0
"""1 January 2100: nor after it. Years that cannot be written (a CSMS that says 0001 or 9999) are out of the question"""
NO_TIME = "unknown"
"""`Stamp.how` of what was told to a CSMS that did not know the time either"""
SLACK_S = 0.5
"""smaller corrections would only make the stamps jump"""
DARK_KEPT_S = 600.0
"""a dark clock is kept as often; after a power cut it counts on from so much later"""


def plausible(utc: float) -> bool:
    return PLAUSIBLE <= utc < LATEST


class Righting(NamedTuple):
    """How what was noted by a clock that was wrong is put right; a value, so that the disk can do it too."""

    change_s: float
    boot: str
    """of the machine"""
    offset_s: float
    """UTC less the monotonic clock, as it is now"""
    since: float
    """what was noted later, by the clock as it was, was noted in this boot: UTC, s since 1970"""
    known: float
    """UTC, s since 1970: nothing that was noted in the dark was earlier"""
    dark: bool
    """something may have been"""
    unvouched: bool
    """nobody had vouched for the clock as it was"""
    how: str = "put right"
    """or "system": nobody vouches for it now either"""

    def fact(self, at: float) -> float:
        """A moment that was told to nobody: right, if it was noted by a clock for which nobody had vouched."""
        return self.interval(at) if at < PLAUSIBLE or self.unvouched else at

    def interval(self, at: float) -> float:
        """The beginning, or end, of an interval, which is as long as it is."""
        if at < PLAUSIBLE:
            return max(at + self.change_s, self.known)
        if self.dark:
            return at  # noted before the dark, when the time was known
        return at + self.change_s if at >= self.since else at

    def stamp(self, stamp: Stamp) -> Stamp | None:
        """That of a record which was told to nobody; None: it stays."""
        doubtful = self.unvouched and stamp.how in ("system", "put right")
        if stamp.how == NO_TIME or (stamp.sure and not doubtful):
            return None
        if stamp.boot == self.boot:
            return stamp._replace(at=stamp.mono + self.offset_s, sure=True, how=self.how)
        return None if stamp.sure else stamp._replace(at=self.interval(stamp.at), sure=True, how="estimated")


class Clock:
    """`machine`: the boot of the machine, during which the monotonic clock goes on; empty: not known, so it is that of
    the process. `saved`: what `kept` gave once. `least`: a moment that has been (UTC, s since 1970)."""

    def __init__(
        self, boot_id: str, now: Now, machine: str = "", saved: Mapping[str, Any] | None = None, least: float = 0.0
    ) -> None:
        saved = saved or {}
        self.boot_id = machine or boot_id
        self.known = max(least, float(saved.get("known", 0.0)))
        """UTC, s since 1970: the last moment that was known to an earlier process"""
        self.sure = True
        self.vouched = False
        """somebody who knows has told the time"""
        self._since = 0.0 if machine else now.mono
        """s, monotonic clock: what was noted since then is by this clock"""
        self._offset = now.wall - now.mono
        self._dark = float(saved.get("dark", 0.0))
        """the end of the last dark time that was not put right; 0: there is none"""
        self.lasts = bool(machine) and saved.get("boot") == machine
        """the machine has had power since an earlier process kept the time"""
        if self.lasts and (saved["vouched"] or saved["offset"] + now.mono < PLAUSIBLE):
            self._offset, self.vouched = float(saved["offset"]), bool(saved["vouched"])
            self.sure = self.utc(now.mono) >= PLAUSIBLE
        elif not self._can_be(now.wall):
            self.sure = False
            self._offset = self._dark + 1.0 - now.mono

    def _can_be(self, wall: float) -> bool:
        return plausible(wall) and wall >= self.known

    @property
    def how(self) -> str:
        """How the time is known, for a person."""
        if not self.sure:
            return "not known"
        return "told" if self.vouched else "system clock, not confirmed"

    def kept(self, mono: float) -> dict[str, Any]:
        """Plain JSON data."""
        utc = self.utc(mono)
        known = utc if self.vouched else self.known
        dark = self._dark if self.sure else utc + DARK_KEPT_S
        return {"boot": self.boot_id, "offset": self._offset, "vouched": self.vouched, "known": known, "dark": dark}

    def utc(self, mono: float) -> float:
        """UTC in s since 1970 at a moment of the monotonic clock."""
        return mono + self._offset

    def stamp(self, mono: float) -> Stamp:
        if self.vouched and self.sure:
            return Stamp(self.utc(mono))  # it stays as it is: by what to put it right would be kept for nothing
        return Stamp(self.utc(mono), self.sure, mono, self.boot_id, "system" if self.sure else "")

    def looked_at(self, now: Now) -> Righting | None:
        """The system's clock has become plausible (NTP), or was from the start, and what an earlier boot noted in the
        dark is to be put right."""
        if not self.sure:
            return self._set(now.wall, now.mono)._replace(how="system") if self._can_be(now.wall) else None
        if not self._dark:
            return None
        dark, self._dark = self._dark, 0.0
        return self._righting(self.utc(now.mono) - dark, self._offset, dark=True, unvouched=False)

    def told(self, utc: float, mono: float, age_s: float = 0.0, *, confirmed: bool = True) -> Righting | None:
        """Somebody knows that it was `utc`, now or up to `age_s` ago: as long as his answer was under way at most.
        How what was noted is put right; None when the clock was, as far as he can tell. What is not `confirmed` may be
        put right again."""
        behind = utc - self.utc(mono)
        within = age_s + (1.0 if utc.is_integer() else 0.0)  # many a CSMS leaves out the fraction: any moment of it
        if self.sure and -within - SLACK_S <= behind <= SLACK_S:
            self.vouched = self.vouched or confirmed
            return None
        right = self._set(utc + age_s / 2, mono)
        self.vouched = confirmed
        return right

    def _set(self, utc: float, mono: float) -> Righting:
        dark, before = not self.sure, self._offset
        self._offset = utc - mono
        self.sure, self._dark = True, 0.0
        return self._righting(self._offset - before, before, dark=dark, unvouched=not self.vouched)

    def _righting(self, change_s: float, before: float, *, dark: bool, unvouched: bool) -> Righting:
        since = before + self._since
        return Righting(change_s, self.boot_id, self._offset, since, self.known, dark, unvouched)
