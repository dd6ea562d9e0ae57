"""What a visit costs by now: the last number of the CSMS, and what meter and clock have added to it since.

Exact: money is a Decimal, a moment milliseconds, a register milliwatt-hours. What is owed by time is kept as price per
hour times milliseconds and divided only when somebody looks. Nothing is added where the CSMS named no price.
"""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from chargepointd.core.tuples import NamedTuple

ZERO = Decimal(0)
_MWH_PER_KWH = Decimal(1_000_000)
_MS_PER_HOUR = Decimal(3_600_000)
_MS_PER_MINUTE = 60_000
_WIDE = Context(prec=400)
"""digits: those of any number that JSON has, and their decimal places"""


class Rate(NamedTuple):
    """What energy and time cost, in the currency of the station."""

    per_kwh: Decimal = ZERO
    per_hour: Decimal = ZERO
    """while the car charges"""
    idle_per_hour: Decimal = ZERO
    """while it could and does not, after the grace time"""
    grace_min: int = 0


class Running(NamedTuple):
    """The cost at a moment, and what comes after it."""

    told: Decimal
    """what the CSMS said, and the energy since"""
    at: int
    """UTC, ms since 1970"""
    register: int | None
    """mWh; None: not known"""
    idle_since: int | None = None
    """UTC, ms: the grace time counts from here. None: the car charges"""
    rate: Rate | None = None
    next_at: int | None = None
    """UTC, ms: from when on `next_rate` counts"""
    next_rate: Rate | None = None
    by_time: Decimal = ZERO
    """price per hour times ms"""

    @property
    def cost(self) -> Decimal:
        return self.told + self.by_time / _MS_PER_HOUR


def moved(run: Running, at: int, register: int | None) -> Running:
    """The cost at a later moment. A register that is not known, or went back, adds nothing; at the limit of two price
    periods the energy since the last look is shared out by time."""
    if run.rate is None or at <= run.at:
        return run
    if run.next_rate is None or run.next_at is None or run.next_at >= at:
        return _within(run, at, register)
    if run.next_at > run.at:
        run = _within(run, run.next_at, _register_at(run, run.next_at, at, register))
    return moved(run._replace(rate=run.next_rate, next_at=None, next_rate=None), at, register)


def _within(run: Running, at: int, register: int | None) -> Running:
    """No price changes meanwhile."""
    rate = run.rate
    assert rate
    energy = ZERO
    if register is not None and run.register is not None:
        register = max(register, run.register)
        energy = rate.per_kwh * (register - run.register) / _MWH_PER_KWH
    if run.idle_since is None:
        owed = rate.per_hour * (at - run.at)
    else:
        owed = rate.idle_per_hour * max(0, at - max(run.at, run.idle_since + rate.grace_min * _MS_PER_MINUTE))
    known = run.register if register is None else register
    return run._replace(told=run.told + energy, at=at, register=known, by_time=run.by_time + owed)


def _register_at(run: Running, between: int, at: int, register: int | None) -> int | None:
    if register is None or run.register is None:
        return register
    return run.register + max(0, register - run.register) * (between - run.at) // (at - run.at)


def turned(run: Running, idle: bool, at: int, register: int | None) -> Running:
    """The car begins to charge, or no longer does."""
    run = moved(run, at, register)
    return run._replace(idle_since=at if idle else None)


def grows(run: Running) -> bool:
    """Whether time alone adds something, or may."""
    rates = (run.rate, run.next_rate)
    return any(rate.per_hour or rate.idle_per_hour for rate in rates if rate) or run.next_rate is not None


def rounded(cost: Decimal, decimals: int) -> str:
    """As it is shown; half a cent counts as one. Whatever it is: what is kept may be of an older version."""
    return f"{cost.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, _WIDE):f}"


# -- kept --------------------------------------------------------------------------------------------------------------


def plain(run: Running) -> list[Any]:
    """JSON data."""
    rate, then = (None if r is None else [*map(str, r[:3]), r.grace_min] for r in (run.rate, run.next_rate))
    return [str(run.told), run.at, run.register, run.idle_since, rate, run.next_at, then, str(run.by_time)]


def from_plain(kept: list[Any]) -> Running:
    told, at, register, idle_since, rate, next_at, then, by_time = kept
    return Running(Decimal(told), at, register, idle_since, _rate(rate), next_at, _rate(then), Decimal(by_time))


def _rate(kept: list[Any] | None) -> Rate | None:
    if kept is None:
        return None
    per_kwh, per_hour, idle_per_hour, grace_min = kept
    return Rate(Decimal(per_kwh), Decimal(per_hour), Decimal(idle_per_hour), grace_min)
