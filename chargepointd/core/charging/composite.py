"""What charging profiles come to over a stretch of time (2.x K01, K08; 1.6 §3.13). Pure functions; times are UTC, s
since 1970.

A *run* is a stretch in which the schedule of one profile has a period: its validity, its start, its duration and its
recurrence, cut into each other (K01.FR.11, .13, .30, .36, .37). A *stack* is all that competes: at each instant the
first of its profiles that has a run then holds, so that a lower one shows through wherever a higher one has none. The
TxProfile of a transaction and the TxDefaultProfiles are one stack, TxProfiles first whatever their level (K02.FR.04,
.08); the ChargingStationMaxProfiles, of the station and of the EVSE, are stacks of their own, and so is each of the
ChargingStationExternalConstraints: they come from different sources, of which none outranks another. What holds in
each stack, and the local limit of the outlet, is a cap (K08.FR.04): no more A per phase than any of them allows, and no
more W. The phases are those of the outlet; one, where it can be switched and a profile for the EVSE says so.

Everything goes from change to change, never from second to second, and nothing is computed before it is asked for. With
P profiles, R runs that begin and S periods that hold within the stretch, the work is O(P + (R + S) log (P + R)); how
many periods a profile has does not matter.
"""

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, islice
from math import ceil, floor, inf
from operator import itemgetter
from typing import Any

from chargepointd.core.charging.profile import Period, Profile, Schedule, Unit
from chargepointd.core.tuples import NamedTuple

_RECURS = {"Daily": 86_400, "Weekly": 604_800}
_CAPS = ("ChargingStationMaxProfile", "ChargingStationExternalConstraints")


class Outlet(NamedTuple):
    """What an EVSE can deliver at most: the local limit."""

    phases: int
    """1 to 3; 0: DC"""
    voltage_v: float
    """of a phase; at a DC output, where A are to be compared with W"""
    max_current_a: float
    """per phase, or of the DC output"""
    max_power_w: float
    """of all phases, or of the DC output; both limits hold"""
    switches: bool = False
    """it can lead one phase instead of three"""
    grid_v: float = 0.0
    """of a phase of the supply: at a DC outlet beside AC ones, for which the A of the station are of three such phases.
    0: the A of the station are like those of the outlet"""


class Use(NamedTuple):
    transaction_id: str | None = None
    """None: none yet; a TxProfile without one is for the first that comes"""
    since: float | None = None
    """when energy could be delivered: what relative schedules count from (K01.FR.42). None: counts as `at`"""


class Span(NamedTuple):
    start_s: float
    """from `at`; holds until the next one begins or the stretch is over"""
    limit: float
    """A per phase, or W over all phases; at a DC output A or W of the output"""
    phases: int | None
    """None: DC"""
    phase_to_use: int | None = None
    """1, 2 or 3, where a profile names one for an outlet that is switched to one"""


class CompositeSchedule(NamedTuple):
    """As it is told to others."""

    evse_id: int
    """0: of the station"""
    schedule: Schedule


Rate = tuple[float, float, int, int | None]
"""A, W, phases (0: DC), phase to use"""
_Run = tuple[float, float, float]
"""begins, ends, begin of the schedule"""
_Level = tuple[Unit, Period] | None
_Step = tuple[float, _Level]
"""from then on this holds; None: nothing of this stack"""
IDLE = Use()
UNBOUND = (inf, inf)
_NO_MORE = (inf, 0, inf, inf)


def of_evse(
    profiles: Iterable[Profile],
    evse_id: int,
    outlet: Outlet,
    use: Use,
    at: float,
    duration_s: float,
    unit: Unit,
    most: int | None = None,
) -> tuple[Span, ...]:
    """The composite schedule of an EVSE (K08); of one without a transaction as if one began at `at` (K08.FR.06). At
    least one span, the first at 0, adjacent ones differ; no more than the `most` first."""
    rates = _rates(list(profiles), evse_id, outlet, use, at, at + duration_s)
    return tuple(islice(_spans(rates, at, unit), most))


def of_station(
    profiles: Iterable[Profile],
    outlets: Mapping[int, Outlet],
    uses: Mapping[int, Use],
    at: float,
    duration_s: float,
    unit: Unit,
    site: tuple[float, float] = UNBOUND,
    most: int | None = None,
) -> tuple[Span, ...]:
    """The composite schedule of the station (K08.FR.03): what its EVSEs may draw together, and what the station may.

    A are those of the most loaded phase of the supply: currents of all EVSEs added up, as if their first phases were
    the same one. A DC output beside AC ones (`Outlet.grid_v`) takes three phases of the supply; where all are DC, A and
    W are those of the outputs. `site`: what the supply bears, A per phase and W."""
    profiles, until = list(profiles), at + duration_s
    shared = _station_stacks(profiles, at)
    each = [_rates(profiles, i, outlet, uses.get(i, IDLE), at, until) for i, outlet in outlets.items()]
    sizes, n = list(outlets.values()), len(shared)
    supply = _supply(sizes)
    rates = ((t, _sum(sizes, supply, now[n:], now[:n], site)) for t, now in _together([*shared, *each], at, until))
    return tuple(islice(_spans(rates, at, unit), most))


def in_force(
    profiles: Iterable[Profile], evse_id: int, outlet: Outlet, use: Use, at: float
) -> tuple[float, float, int]:
    """What an EVSE may draw at `at` as far as it alone is concerned: A, W and phases, each as it was set. Which of A
    and W binds depends on the voltage and phases that there are then."""
    profiles = list(profiles)
    return _set(outlet, _now(_evse_stacks(profiles, evse_id, use, at), at))[:3]


def of_supply(profiles: Iterable[Profile], supply: Outlet, at: float) -> tuple[float, float]:
    """What all EVSEs may draw together at `at`: A per phase and W, each as it was set."""
    return _set(supply, _now(_station_stacks(list(profiles), at), at))[:2]


def _now(stacks: list[Iterator[_Step]], at: float) -> list[_Level]:
    return next(_together(stacks, at, at))[1]


def next_change(profiles: Iterable[Profile], uses: Mapping[int, Use], at: float) -> float:
    """When, after `at`, a limit of any EVSE, or of the station, may next be another than at `at`; infinity: never.
    O(P log S)."""
    return min((_next(profile, since, at) for profile in profiles for since in _sinces(profile, uses)), default=inf)


def changes_per_s(profiles: Iterable[Profile]) -> float:
    """How often at most profiles that recur change what one EVSE may draw, in the long run. Those that do not are done
    with some day."""
    recurring = [p for p in profiles if p.kind == "Recurring" and p.recurrency in _RECURS]
    return sum((len(p.schedule.periods) + 1) / _RECURS[p.recurrency or ""] for p in recurring)


def at_any_time(profiles: Iterable[Profile], uses: Mapping[int, Use], at: float) -> tuple[Profile, ...]:
    """What is safe while nobody knows what time it is: each profile that goes by the clock is a cap of its own, of the
    least that it ever allows. (A board without a battery wakes up in 1970, where nothing of today holds.) One that
    counts from the start of charging goes by the clock too, where that was before a power cut."""
    found, resumed = list[Profile](), any(use.since is not None and use.since > at for use in uses.values())
    for profile in profiles:
        if profile.kind == "Relative" and profile.valid_from is None and profile.valid_to is None and not resumed:
            found.append(profile)
        elif profile.purpose != "TxProfile" or uses.get(profile.evse_id, IDLE).transaction_id == profile.transaction_id:
            everywhere = profile.purpose == "TxDefaultProfile" and not profile.evse_id
            found += [_least(profile)._replace(evse_id=n) for n in (uses if everywhere else (profile.evse_id,))]
    return tuple(found)


def _least(profile: Profile) -> Profile:
    periods = profile.schedule.periods
    phases = min((period.phases for period in periods if period.phases), default=None)
    period = Period(0, min(period.limit for period in periods), phases)
    schedule = profile.schedule._replace(periods=(period,), duration_s=None, starts_at=0.0)
    return profile._replace(
        purpose="ChargingStationExternalConstraints", kind="Absolute", schedule=schedule, valid_from=None,
        valid_to=None, transaction_id=None,
    )  # fmt: skip


def told(evse_id: int, spans: Iterable[Span], at: float, duration_s: int, unit: Unit, most: int) -> CompositeSchedule:
    """In whole seconds and tenths of A or W, as messages have it; with `most` periods, as far as these go."""
    floored = (span._replace(limit=floor(span.limit * 10 + 1e-6) / 10) for span in spans)
    periods = [Period(int(span.start_s), *span[1:]) for span in whole(floored)]
    if len(periods) > most:
        duration_s = periods[most].start_s
    return CompositeSchedule(evse_id, Schedule(unit, tuple(periods[:most]), duration_s, at))


def whole(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans in whole seconds, as messages have them. In every second holds the lowest of what holds in a part of
    it: a limit begins to fall up to a second early and to rise up to a second late, and is never exceeded."""
    found: list[Span] = []
    for span in spans:
        shared, alone = floor(span.start_s + 1e-6), ceil(span.start_s - 1e-6)
        if shared < alone:  # it begins within a second, after others
            before = found[-1]
            while found and found[-1].start_s > shared:
                found.pop()
            if found and found[-1].start_s == shared:
                before = found.pop()
            found.append(min(before, span, key=_height)._replace(start_s=shared))
        elif found and found[-1].start_s == alone:
            found.pop()
        found.append(span._replace(start_s=alone))
    return tuple(span for i, span in enumerate(found) if i == 0 or span[1:] != found[i - 1][1:])


def _height(span: Span) -> tuple[float, int]:
    return span.limit, span.phases or 0


# -- what a profile says ---------------------------------------------------------------------------------------------


def _start(profile: Profile, since: float) -> float:
    """1.6 lets an absolute schedule leave its start open: then it is a relative one."""
    starts_at = profile.schedule.starts_at
    return since if profile.kind == "Relative" or starts_at is None else starts_at


def _runs(profile: Profile, since: float, at: float) -> Iterator[_Run]:
    """In order, those that end after `at`."""
    start, duration = (
        _start(profile, since),
        inf if profile.schedule.duration_s is None else profile.schedule.duration_s,
    )
    first = max(at, -inf if profile.valid_from is None else profile.valid_from)
    end = inf if profile.valid_to is None else profile.valid_to
    every = _RECURS.get(profile.recurrency or "") if profile.kind == "Recurring" else None
    begins: Iterable[float] = (start,)
    if every is not None:
        duration = min(duration, every)
        begins = (start + every * n for n in count(max(0, floor((first - start) / every) - 1)))
    for begin in begins if duration > 0 else ():
        if begin >= end:
            return
        run = max(first, begin), min(end, begin + duration), begin
        if run[0] < run[1]:
            yield run


def _holds(profile: Profile, begin: float, at: float) -> int:
    """The index of the period that holds at `at`. By absolute times, as the changes are told: differences of floats
    would differ from them."""
    return bisect_right(profile.schedule.periods, at, key=lambda period: begin + period.start_s) - 1


def _next(profile: Profile, since: float | None, at: float) -> float:
    """When it says something else than at `at`."""
    if since is None and (profile.kind == "Relative" or profile.schedule.starts_at is None):
        bounds = (profile.valid_from, profile.valid_to)  # it begins anew at each instant
        return min((bound for bound in bounds if bound is not None and bound > at), default=inf)
    run = next(_runs(profile, at if since is None else since, at), None)
    if run is None:
        return inf
    starts, ends, begin = run
    if starts > at:
        return starts
    periods, i = profile.schedule.periods, _holds(profile, begin, at) + 1
    return min(ends, begin + periods[i].start_s if i < len(periods) else inf)


def _sinces(profile: Profile, uses: Mapping[int, Use]) -> Iterable[float | None]:
    if profile.purpose == "TxProfile":
        use = uses.get(profile.evse_id, IDLE)
        return {use.since} if use.transaction_id == profile.transaction_id else ()
    if profile.evse_id or profile.purpose in _CAPS:
        return {uses.get(profile.evse_id, IDLE).since}
    return {use.since for use in uses.values()} | {None}


# -- stacks ----------------------------------------------------------------------------------------------------------


def _station_stacks(profiles: Iterable[Profile], at: float) -> list[Iterator[_Step]]:
    return _cap_stacks(profiles, 0, at, at)


def _cap_stacks(profiles: Iterable[Profile], evse_id: int, since: float, at: float) -> list[Iterator[_Step]]:
    caps = [[p for p in profiles if p.purpose == cap and p.evse_id == evse_id] for cap in _CAPS]
    return [_stack(stack, since, at) for stack in [caps[0], *([each] for each in caps[1])]]


def _evse_stacks(profiles: Iterable[Profile], evse_id: int, use: Use, at: float) -> list[Iterator[_Step]]:
    def governs(profile: Profile) -> bool:
        if profile.purpose == "TxDefaultProfile":
            return profile.evse_id in (0, evse_id)
        mine = profile.evse_id == evse_id and profile.transaction_id == use.transaction_id
        return mine and profile.purpose == "TxProfile"

    since = at if use.since is None else use.since
    return [_stack([p for p in profiles if governs(p)], since, at), *_cap_stacks(profiles, evse_id, since, at)]


def _rank(profile: Profile) -> tuple[bool, int, bool, int]:
    """The lowest holds. One level twice is refused when it is set (K01.FR.06, .52, .53); should it be so nevertheless,
    what is set for an EVSE holds against what is set for all, and the later id against the earlier."""
    return profile.purpose != "TxProfile", -profile.stack_level, profile.evse_id == 0, -profile.id


def _stack(profiles: list[Profile], since: float, at: float) -> Iterator[_Step]:
    """What holds from `at` on, change by change; that of a recurring profile has no end. Some steps change nothing."""
    ranked = sorted(profiles, key=_rank)
    begun: list[tuple[int, float, float]] = []  # a heap of runs: rank, end, begin of the schedule
    coming = heapq.merge(*(_ranked_runs(rank, profile, since, at) for rank, profile in enumerate(ranked)))
    run = next(coming, _NO_MORE)
    now = at
    while now < inf:
        while run[0] <= now:
            heapq.heappush(begun, run[1:])
            run = next(coming, _NO_MORE)
        while begun and begun[0][1] <= now:
            heapq.heappop(begun)
        if begun:
            rank, ends, begin = begun[0]
            until = min(ends, run[0])
            yield from _periods(ranked[rank], begin, now, until)
        else:
            until = run[0]
            yield now, None
        now = until


def _ranked_runs(rank: int, profile: Profile, since: float, at: float) -> Iterator[tuple[float, int, float, float]]:
    return ((starts, rank, ends, begin) for starts, ends, begin in _runs(profile, since, at))


def _periods(profile: Profile, begin: float, start: float, end: float) -> Iterator[_Step]:
    unit, periods = profile.schedule.unit, profile.schedule.periods
    i = max(0, _holds(profile, begin, start))
    yield start, (unit, periods[i])
    for j in range(i + 1, len(periods)):
        if begin + periods[j].start_s >= end:
            return
        yield begin + periods[j].start_s, (unit, periods[j])


def _together(
    each: Sequence[Iterator[tuple[float, Any]]], at: float, until: float
) -> Iterator[tuple[float, list[Any]]]:
    """What all of them say together, from `at` on, whenever one says something else; `at` itself at least. Each begins
    at `at`."""
    now, values = at, [None] * len(each)
    for t, i, value in heapq.merge(*(_numbered(i, one) for i, one in enumerate(each)), key=itemgetter(0)):
        if t > now:
            yield now, values
            now = t
            if now >= until:
                return
        values[i] = value
    yield now, values


def _numbered(i: int, steps: Iterator[tuple[float, Any]]) -> Iterator[tuple[float, int, Any]]:
    return ((t, i, value) for t, value in steps)


# -- limits ----------------------------------------------------------------------------------------------------------


def _rates(
    profiles: list[Profile], evse_id: int, outlet: Outlet, use: Use, at: float, until: float
) -> Iterator[tuple[float, Rate]]:
    """Of an EVSE, change by change."""
    own, shared = _evse_stacks(profiles, evse_id, use, at), _station_stacks(profiles, at)
    n = len(own)
    steps = _together([*own, *shared], at, until)
    return ((t, _rate(outlet, levels[:n], levels[n:])) for t, levels in steps)


def _rate(outlet: Outlet, own: Iterable[_Level], shared: Iterable[_Level]) -> Rate:
    """K01.FR.49 to .51: on AC, A are per phase, W are A x voltage x phases, and phases not named are three."""
    amps, watts, phases, to_use = _set(outlet, own)
    for unit, period in filter(None, shared):
        if unit == "A" and not outlet.grid_v:
            amps = min(amps, period.limit)
        else:
            watts = min(watts, period.limit * 3 * outlet.grid_v if unit == "A" else period.limit)
    volts = outlet.voltage_v * (phases or 1)
    return min(amps, watts / volts), min(watts, amps * volts), phases, to_use


def _set(outlet: Outlet, levels: Iterable[_Level]) -> Rate:
    amps, watts, phases, to_use = outlet.max_current_a, outlet.max_power_w, outlet.phases, None
    for level in levels:
        if level is None:
            continue
        unit, period = level
        if unit == "A":
            amps = min(amps, period.limit)
        else:
            watts = min(watts, period.limit)
        if outlet.switches and period.phases == 1:
            phases, to_use = 1, to_use or period.phase_to_use
    return amps, watts, phases, to_use


def _supply(outlets: list[Outlet]) -> tuple[int, float, float]:
    """How many phases of the supply the outlets take at least; the lowest and the highest voltage of one."""
    ac = [outlet.voltage_v for outlet in outlets if outlet.phases]
    voltages = ac or [outlet.voltage_v for outlet in outlets]
    supplied = (3 if len(ac) < len(outlets) else 1) if ac else 0
    return supplied, min(voltages, default=0.0), max(voltages, default=0.0)


def _sum(
    outlets: list[Outlet],
    supply: tuple[int, float, float],
    rates: list[Rate],
    shared: Iterable[_Level],
    site: tuple[float, float],
) -> Rate:
    """One loop: of many EVSEs there are thousands of changes in a day."""
    phases, low, high = supply
    amps = watts = 0.0
    for outlet, (a, w, n, _) in zip(outlets, rates, strict=True):
        amps += w / (3 * outlet.grid_v) if outlet.grid_v else a
        watts += w
        if n > phases:
            phases = n
    low, high = low * (phases or 1), high * (phases or 1)
    amps, watts = min(amps, site[0]), min(watts, site[0] * low)
    amps, watts = min(amps, site[1] / high) if high else 0.0, min(watts, site[1])
    for unit, period in filter(None, shared):
        if unit == "A":
            amps, watts = min(amps, period.limit), min(watts, period.limit * low)
        else:
            amps, watts = min(amps, period.limit / high) if high else 0.0, min(watts, period.limit)
    return amps, watts, phases, None


def _spans(rates: Iterable[tuple[float, Rate]], at: float, unit: Unit) -> Iterator[Span]:
    last: tuple[float, int | None, int | None] | None = None
    for t, (amps, watts, phases, to_use) in rates:
        said = amps if unit == "A" else watts, phases or None, to_use
        if said != last:
            yield Span(t - at, *said)
            last = said
