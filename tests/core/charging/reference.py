"""The same as `composite`, slow and plain: what holds at this instant? Written from the specification, not the code."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chargepointd.core.charging.composite import Outlet, Use
from chargepointd.core.charging.profile import Period, Profile


class Caps(NamedTuple):
    amps: float
    watts: float
    phases: int


def period_at(profile: Profile, since: float, t: float) -> Period | None:
    """The period of its schedule that holds at `t`, if any."""
    if profile.valid_from is not None and t < profile.valid_from:
        return None
    if profile.valid_to is not None and t >= profile.valid_to:
        return None
    start = profile.schedule.starts_at
    if start is None or profile.kind == "Relative":
        start = since
    elapsed = t - start
    if elapsed < 0:
        return None
    if profile.kind == "Recurring":
        elapsed %= 24 * 3600 if profile.recurrency == "Daily" else 7 * 24 * 3600
    if profile.schedule.duration_s is not None and elapsed >= profile.schedule.duration_s:
        return None
    return [period for period in profile.schedule.periods if period.start_s <= elapsed][-1]


def highest(profiles: Sequence[Profile], since: float, t: float) -> tuple[str, Period] | None:
    """Unit and period of the profile of the highest level that has one; what is for one EVSE before what is for all."""
    holding = [profile for profile in profiles if period_at(profile, since, t)]
    if not holding:
        return None
    best = max(holding, key=lambda profile: (profile.stack_level, profile.evse_id != 0, profile.id))
    period = period_at(best, since, t)
    assert period
    return best.schedule.unit, period


def found(profiles: Sequence[Profile], evse_id: int, use: Use, at: float, t: float) -> list[tuple[str, Period]]:
    """What limits an EVSE at `t`, besides its outlet and the station."""
    since = at if use.since is None else use.since
    transaction = [
        profile
        for profile in profiles
        if profile.purpose == "TxProfile"
        and profile.evse_id == evse_id
        and profile.transaction_id == use.transaction_id
    ]
    default = [p for p in profiles if p.purpose == "TxDefaultProfile" and p.evse_id in (0, evse_id)]
    all_found = [highest(transaction, since, t) or highest(default, since, t)]
    all_found += caps_of(profiles, evse_id, since, t)
    return [one for one in all_found if one]


def found_of_station(profiles: Sequence[Profile], at: float, t: float) -> list[tuple[str, Period]]:
    return [one for one in caps_of(profiles, 0, at, t) if one]


def caps_of(profiles: Sequence[Profile], evse_id: int, since: float, t: float) -> list[tuple[str, Period] | None]:
    """What is set for the place by the CSMS, and each limit from outside: they outrank nobody."""
    mine = [p for p in profiles if p.evse_id == evse_id]
    outside = [p for p in mine if p.purpose == "ChargingStationExternalConstraints"]
    by_csms = [p for p in mine if p.purpose == "ChargingStationMaxProfile"]
    return [highest(by_csms, since, t), *(highest([one], since, t) for one in outside)]


def evse_at(profiles: Sequence[Profile], evse_id: int, outlet: Outlet, use: Use, at: float, t: float) -> Caps:
    own, station = found(profiles, evse_id, use, at, t), found_of_station(profiles, at, t)
    phases = 1 if outlet.switches and any(period.phases == 1 for _, period in own) else outlet.phases
    volts = outlet.voltage_v * max(1, phases)
    amps = [outlet.max_current_a, outlet.max_power_w / volts]
    for unit, period in own:
        amps.append(period.limit if unit == "A" else period.limit / volts)
    for unit, period in station:
        if unit == "A" and not outlet.grid_v:
            amps.append(period.limit)
        else:
            amps.append((period.limit * 3 * outlet.grid_v if unit == "A" else period.limit) / volts)
    return Caps(min(amps), min(amps) * volts, phases)


def station_at(
    profiles: Sequence[Profile],
    outlets: Mapping[int, Outlet],
    uses: Mapping[int, Use],
    at: float,
    t: float,
    site: tuple[float, float],
) -> Caps:
    """Of outlets of one voltage, DC ones among AC ones with that of the AC ones as `grid_v`."""
    ac = [outlet for outlet in outlets.values() if outlet.phases]
    each = {i: evse_at(profiles, i, outlet, uses.get(i, Use()), at, t) for i, outlet in outlets.items()}
    phases = max(one.phases for one in each.values())
    if ac and len(ac) < len(outlets):
        phases = 3
    volts = (ac or list(outlets.values()))[0].voltage_v * max(1, phases)
    caps = [(unit, period.limit) for unit, period in found_of_station(profiles, at, t)]
    caps += [("A", site[0]), ("W", site[1])]
    supply = [
        each[i].watts / (3 * ac[0].voltage_v) if ac and not outlet.phases else each[i].amps
        for i, outlet in outlets.items()
    ]
    amps = min([sum(supply), *(x if unit == "A" else x / volts for unit, x in caps)])
    watts = min([sum(one.watts for one in each.values()), *(x if unit == "W" else x * volts for unit, x in caps)])
    return Caps(amps, watts, phases)
