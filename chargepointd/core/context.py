"""What every topic of the core stands on, and the step in which it acts."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from chargepointd.core.clock import Clock, Righting, plausible
from chargepointd.core.effects import Effect, Note
from chargepointd.core.plan import StationPlan
from chargepointd.core.rules import Rules
from chargepointd.core.values import Now, Token

if TYPE_CHECKING:
    from chargepointd.core.variables.registry import Registry

NEVER = float("inf")

LEAP_S = 300.0
"""a clock that goes wrong by more within a day is none: it is whoever says so that may be wrong"""
AGREED_S = 10.0
"""two that tell the time within so much say the same"""
DOUBT_S = 30.0
"""who is asked again has so long"""

Happened = Callable[[str, str, "Step"], None]


class Step:
    """One turn of the station: when it is, and what is to be done."""

    __slots__ = ("effects", "emit", "mono", "utc")

    def __init__(self, mono: float, utc: float) -> None:
        self.mono = mono
        """s, monotonic clock"""
        self.utc = utc
        """s since 1970, as the station believes"""
        self.effects: list[Effect] = []
        self.emit = self.effects.append


class Context:
    """Shared by the topics: the plan, the device model, the clock, ids, and the rules of the dialect in use."""

    def __init__(
        self, plan: StationPlan, variables: "Registry", rules: Rules, boot_id: str, now: Now, clock: Clock
    ) -> None:
        self.plan = plan
        self.variables = variables
        self.rules = rules
        self.clock = clock
        self.mono = now.mono
        """s, monotonic clock: the moment of the latest step"""
        self.settled = 0
        """how often the facts of an EVSE were settled: what did not move since needs no second look"""
        self.in_transaction: set[int] = set()
        """the EVSEs where a transaction runs"""
        self.online = False
        """connected, and the CSMS has accepted the station"""
        self.restarting = False
        """nobody begins any more: the station restarts as soon as what runs has ended, or its power is about to go"""
        self.unkept = ""
        """why nothing can be kept, while that is so"""
        self.suspect = ""
        """why the disk is not relied on, though all is kept: nobody charges (`core.keeping`)"""
        self.no_room = False
        """for more records (`core.thinning`): nobody begins, and what runs may end"""
        self.happened: Happened = lambda kind, info, step: None
        """the security log takes down a security event (`core.security`)"""
        self.admits: Callable[[int, Token, str | None], bool] = lambda evse_id, token, group: True
        """no reservation keeps this token, which belongs to this group, from beginning there (`core.reservation`)"""
        self.on_clock: Callable[[Righting, Step, str], None] = lambda right, step, why: None
        """the clock was put right: from when to when, and by whom"""
        self.ask_time: Callable[[Step], None] = lambda step: None
        """the time is to be told again, at once (`core.timekeeping`)"""
        self.ntp_ahead_s: Callable[[Step], float | None] = lambda step: None
        """UTC less the monotonic clock (s), where NTP vouches for it"""
        self.hold_until = -NEVER
        """s, monotonic clock: until then no record is told, for its time may have to be put right"""
        self._ids = _ids(boot_id)
        self._doubted = False
        """the last time that was told could not be"""
        self._against_ntp = False
        """so was the last time that the CSMS told"""
        self._claimed: float | None = None
        """UTC less the monotonic clock (s), as the CSMS told it last, a leap away"""

    def tell_time(self, utc: float, step: Step, age_s: float = 0.0, *, by: str = "the CSMS") -> None:
        """A source that is believed says that it is `utc` (s since 1970), or was, up to `age_s` ago; what cannot be is
        not taken from it, and a leap not before it is said again."""
        doubted, self._doubted = self._doubted, not plausible(utc)
        if self._doubted:
            if not doubted:
                step.emit(Note("clock", 0, f"a time that cannot be was not taken: {utc:.0f} s since 1970"))
            return
        if by == "the CSMS" and (self._is_against_ntp(utc, step, age_s) or self._is_to_say_again(utc, step, age_s)):
            return
        before = self.clock.utc(step.mono)
        right = self.clock.told(utc, step.mono, age_s, confirmed=by != "the CSMS" or self._claimed is None)
        if right:
            step.emit(Note("clock", 0, f"put right by {right.change_s:+.1f} s"))
            self.on_clock(right, step, f"from {iso(before)} to {iso(before + right.change_s)} by {by}")

    def _is_against_ntp(self, utc: float, step: Step, age_s: float) -> bool:
        """A leap away from the time that NTP vouches for: not taken, however often it is said."""
        against, ntp = self._against_ntp, self.ntp_ahead_s(step)
        self._against_ntp = ntp is not None and abs(utc + age_s / 2 - step.mono - ntp) > LEAP_S + age_s
        if self._against_ntp and ntp is not None:
            self._claimed, self.hold_until = None, -NEVER
            if not against:
                said = f"the CSMS says {iso(utc)}, NTP says {iso(step.mono + ntp)}: NTP is believed"
                step.emit(Note("clock", 0, said))
        return self._against_ntp

    def _is_to_say_again(self, utc: float, step: Step, age_s: float) -> bool:
        """A leap is taken when it is said twice, or by NTP too. A clock that knew no time takes it at once, but has it
        said again too; until it is, no record is told."""
        ahead, others = utc + age_s / 2 - step.mono, (self._claimed, self.ntp_ahead_s(step))
        known, self._claimed = self.clock.sure, None
        step_s = abs(utc - self.clock.utc(step.mono))
        agreed = any(other is not None and abs(ahead - other) <= AGREED_S + age_s for other in others)
        if agreed or (known and step_s <= LEAP_S + age_s):
            self.hold_until = -NEVER
            return False
        self._claimed, self.hold_until = ahead, step.mono + DOUBT_S
        self.ask_time(step)
        if known:
            step.emit(Note("clock", 0, f"the CSMS says {iso(utc)}: a leap; asked again"))
        return known

    @property
    def utc(self) -> float:
        """s since 1970: the time of the latest step."""
        return self.clock.utc(self.mono)

    @property
    def keeps(self) -> bool:
        """What happens is kept; else nobody begins, nothing flows, and no record is told (`core.keeping`)."""
        return not self.unkept

    @property
    def closed(self) -> bool:
        """Nobody begins."""
        return self.restarting or not self.keeps or bool(self.suspect) or self.no_room

    def new_id(self) -> str:
        """An id never used before, not by an earlier boot either: at most 36 characters."""
        return next(self._ids)


def _ids(boot_id: str) -> Iterator[str]:
    n = 0
    while True:
        n += 1
        yield f"{boot_id}-{n}"


def iso(utc: float) -> str:
    """For a person."""
    from datetime import UTC, datetime  # only told when something is wrong

    return datetime.fromtimestamp(utc, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
