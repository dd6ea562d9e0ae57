"""What every topic of the core stands on, and the step in which it acts."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from chargepointd.core.clock import Clock, plausible
from chargepointd.core.effects import Effect, Note
from chargepointd.core.plan import StationPlan
from chargepointd.core.rules import Rules
from chargepointd.core.values import Now, Token

if TYPE_CHECKING:
    from chargepointd.core.variables.registry import Registry

NEVER = float("inf")

Happened = Callable[[str, str, "Step"], None]


class Step:
    """One turn of the station: when it is, and what is to be done."""

    __slots__ = ("effects", "mono", "utc")

    def __init__(self, mono: float, utc: float) -> None:
        self.mono = mono
        """s, monotonic clock"""
        self.utc = utc
        """s since 1970, as the station believes"""
        self.effects: list[Effect] = []

    def emit(self, effect: Effect) -> None:
        self.effects.append(effect)


class Context:
    """Shared by the topics: the plan, the device model, the clock, ids, and the rules of the dialect in use."""

    def __init__(self, plan: StationPlan, variables: "Registry", rules: Rules, boot_id: str, now: Now) -> None:
        self.plan = plan
        self.variables = variables
        self.rules = rules
        self.clock = Clock(boot_id, now)
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
        self.happened: Happened = lambda kind, info, step: None
        """the security log takes down a security event (`core.security`)"""
        self.admits: Callable[[int, Token, str | None], bool] = lambda evse_id, token, group: True
        """no reservation keeps this token, which belongs to this group, from beginning there (`core.reservation`)"""
        self.on_clock: Callable[[float, Step], None] = lambda change, step: None
        """the clock was put right by so much (s)"""
        self._ids = _ids(boot_id)
        self._doubted = False
        """the last time that was told could not be"""

    def tell_time(self, utc: float, step: Step, age_s: float = 0.0) -> None:
        """A source that is believed says that it is `utc` (s since 1970), or was, up to `age_s` ago; what cannot be is
        not taken from it."""
        doubted, self._doubted = self._doubted, not plausible(utc)
        if self._doubted:
            if not doubted:
                step.emit(Note("clock", 0, f"a time that cannot be was not taken: {utc:.0f} s since 1970"))
            return
        change = self.clock.told(utc, step.mono, age_s)
        if change:
            step.emit(Note("clock", 0, f"put right by {change:+.1f} s"))
            self.on_clock(change, step)

    @property
    def keeps(self) -> bool:
        """What happens is kept; else nobody begins, nothing flows, and no record is told (`core.keeping`)."""
        return not self.unkept

    @property
    def closed(self) -> bool:
        """Nobody begins."""
        return self.restarting or not self.keeps

    def new_id(self) -> str:
        """An id never used before, not by an earlier boot either: at most 36 characters."""
        return next(self._ids)


def _ids(boot_id: str) -> Iterator[str]:
    n = 0
    while True:
        n += 1
        yield f"{boot_id}-{n}"
