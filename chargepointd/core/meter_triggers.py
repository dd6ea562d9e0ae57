"""When the CSMS wants to see the meter during a visit, besides the usual times."""

from chargepointd.core.evse import Evse
from chargepointd.core.visit import Visit

HYSTERESIS = 0.05
"""a power has to be passed by so much of it to be passed"""


def looked_at(visit: Visit, evse: Evse, came: str | None, utc: float) -> tuple[Visit, bool]:
    """The visit without the moment and the energy that are reached, each asked for once; and whether the CSMS wants to
    see the meter now. came: the status that its connector has since the last look, if it had another."""
    wanted = left = visit.triggers
    if wanted.at is not None and utc >= wanted.at:
        left = left._replace(at=None)
    if wanted.energy_wh is not None and _has_flowed(evse, wanted.energy_wh):
        left = left._replace(energy_wh=None)
    above = _side(evse, wanted.power_w, visit.above)
    passed = visit.above is not None and above != visit.above
    return visit._replace(triggers=left, above=above), left != wanted or came in wanted.statuses or passed


def _has_flowed(evse: Evse, energy_wh: float) -> bool:
    transaction, measured = evse.transaction, evse.measured
    read = measured.energy_import_wh if measured else None
    start = transaction.energy_start_wh if transaction else None
    if read is None or start is None:
        return False
    return read >= (energy_wh if energy_wh >= start else start + energy_wh)


def _side(evse: Evse, power_w: float | None, above: bool | None) -> bool | None:
    """On which side of this power the car draws; of one near it, still on the side where it was."""
    drawn = evse.measured.power_w if evse.measured else None
    if power_w is None or drawn is None:
        return above
    margin = 0.0 if above is None else HYSTERESIS * power_w * (-1 if above else 1)
    return drawn >= power_w + margin
