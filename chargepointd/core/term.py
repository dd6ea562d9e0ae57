"""When the certificate is good that the CSMS has shown, as long as its connection lasts, and what times it may tell."""

from chargepointd.core.clock import Righting, plausible
from chargepointd.core.context import LEAP_S, NEVER, Step, iso
from chargepointd.core.effects import Note
from chargepointd.core.events import LinkOpened


class Term:
    def __init__(self) -> None:
        self.expires_at = NEVER
        """s, monotonic clock"""
        self._good: tuple[float, float] | None = None
        """UTC, s since 1970: from when to when"""
        self._unjudged: tuple[float, float] | None = None
        """the same, where nobody had vouched for the time when it was shown"""
        self._misled = False
        """the time that the CSMS told last was not taken: its own certificate is not good then"""

    def shown(self, opened: LinkOpened, step: Step) -> None:
        begins, ends = opened.certificate_from, opened.certificate_until
        if ends is not None:
            self.expires_at = step.mono + max(0.0, ends - step.utc)
            self._good = None if begins is None else (begins, ends)
            self._unjudged = None if opened.certificate_judged else self._good

    def gone(self) -> None:
        """The connection is."""
        self.expires_at, self._good, self._unjudged = NEVER, None, None

    def put_right(self, right: Righting) -> None:
        self.expires_at -= right.change_s

    def expired(self, step: Step) -> bool:
        """Said once."""
        if step.mono < self.expires_at:
            return False
        self.expires_at = NEVER
        return True

    def judged(self, utc: float) -> str:
        """By the first time that is known for certain: what is wrong with it; empty: nothing."""
        if self._unjudged is None or not plausible(utc):
            return ""
        (begins, ends), self._unjudged = self._unjudged, None
        if _within((begins, ends), utc):
            return ""
        self.expires_at = NEVER
        return f"the certificate of the CSMS is good from {iso(begins)} to {iso(ends)}, and it is {iso(utc)}"

    def lets_say(self, utc: float, step: Step, *, sure: bool) -> bool:
        """sure: a time is known, from which this may be a leap."""
        leap = sure and abs(utc - step.utc) > LEAP_S
        if self._good is None or not leap or _within(self._good, utc):
            self._misled = False
            return True
        if not self._misled:
            what = f"the CSMS says {iso(utc)}, when its own certificate is not good: the time is not taken"
            step.emit(Note("clock", 0, what))
        self._misled = True
        return False


def _within(term: tuple[float, float], utc: float) -> bool:
    """A certificate may be fresh, and the clock of its CSMS slow by what is no leap."""
    return term[0] - LEAP_S <= utc <= term[1]
