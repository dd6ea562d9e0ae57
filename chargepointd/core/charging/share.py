"""How EVSEs share what the station may draw. A pure function."""

from collections.abc import Sequence

from chargepointd.core.tuples import NamedTuple


class Want(NamedTuple):
    """A car that would charge. All limits in one unit: A per phase; W where there are DC outputs."""

    evse_id: int
    cap: float
    """what its own composite schedule, its outlet and its cable allow"""
    least: float
    """with less it cannot charge (6 A by IEC 61851-1) or is not to (minChargingRate, K01.FR.21)"""
    priority: int
    """chargingPriority: the higher is served first; 0 where none is known (K03.FR.06)"""
    since: float
    """when its session began: among equals the earlier is served first"""


def shared(total: float, wants: Sequence[Want]) -> dict[int, float]:
    """What each EVSE may draw: together never more than `total`, none more than its cap, and either its least or 0.

    In the order of priority (K03.FR.04), then of arrival, each car for whose least there is room beside those before it
    may charge; so whether one is paused depends on `total` and on those before it alone, and among cars with the same
    least more power never pauses one that charged. What is left over raises those who charge evenly, up to their caps:
    a small change of `total` makes small changes of shares."""
    given = dict.fromkeys((want.evse_id for want in wants), 0.0)
    left, charging = total, []
    for want in sorted(wants, key=lambda want: (-want.priority, want.since, want.evse_id)):
        if want.least <= min(want.cap, left):
            charging.append(want)
            left -= want.least
    level = _level(total, charging)
    for want in charging:
        given[want.evse_id] = min(want.cap, max(want.least, level))
    return given


def _level(total: float, wants: Sequence[Want]) -> float:
    """The height at which the shares are even: the sum of all of it, within least and cap, is `total`, or all have
    their cap. The sum rises with the level along a line between one least or cap and the next."""
    below, drawn = 0.0, sum(want.least for want in wants)
    for height in sorted({bound for want in wants for bound in (want.least, want.cap)}):
        rising = sum(want.least <= below < want.cap for want in wants)
        if rising and drawn + rising * (height - below) > total:
            return below + (total - drawn) / rising
        drawn += rising * (height - below)
        below = height
    return below
