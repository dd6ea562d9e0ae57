"""A station as the daemon has it: with its device model, the dialect's rules, and the values that follow from facts.

What comes in from outside beside events is in `Start`, so a station made from it again does the same again.
"""

from collections.abc import Mapping

from chargepointd.core.clock import Clock
from chargepointd.core.context import Context
from chargepointd.core.plan import StationPlan
from chargepointd.core.rules import ConnectorView
from chargepointd.core.saved import Saved
from chargepointd.core.station import Station
from chargepointd.core.timekeeping import CLOCK
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Now
from chargepointd.core.variables import catalogue
from chargepointd.core.variables.registry import Registry
from chargepointd.daemon import zones
from chargepointd.dialects.codec import format_time
from chargepointd.dialects.dialect import load


class Start(NamedTuple):
    """All that a station begins with."""

    plan: StationPlan
    configured: Mapping[str, str]
    """initial values of variables by name"""
    saved: Saved
    subprotocol: str
    """whose rules hold until a connection has agreed on one"""
    boot_id: str
    now: Now
    machine: str = ""
    """the boot of the machine; empty: not known"""


def assembled(start: Start) -> tuple[Station, Registry]:
    plan = start.plan
    variables = Registry(catalogue.standard(plan), start.configured, start.saved.variables)
    rules = load(start.subprotocol, plan, variables).rules
    saved, boot_id, now = start.saved, start.boot_id, start.now
    clock = Clock(boot_id, now, start.machine, saved.state.get(CLOCK), saved.last_known)
    station = Station(Context(plan, variables, rules, boot_id, now, clock), saved)
    for variable in catalogue.living(plan, _live(plan, station)):
        variables.add(variable)
    station.timekeeping.zone_offset_s = zones.offset_s
    return station, variables


def _live(plan: StationPlan, station: Station) -> catalogue.Live:
    """By the time of the step in which they are asked for."""

    def connector_status(evse_id: int, connector_id: int) -> str:
        return availability_state(station.view(evse_id, connector_id))

    def evse_status(evse_id: int) -> str:
        evses = [each for each in plan.evses if evse_id in (0, each.id)]
        states = {connector_status(each.id, c.id) for each in evses for c in each.connectors}
        return next(s for s in ("Occupied", "Reserved", "Faulted", "Unavailable", "Available") if s in states)

    return catalogue.Live(
        station_available=lambda: station.availability.station_operative,
        evse_status=evse_status,
        connector_status=connector_status,
        now=lambda: format_time(station.utc),
    )


def availability_state(view: ConnectorView) -> str:
    """AvailabilityStateEnumType, from the facts, whatever the dialect in use calls it."""
    if not view.operative:
        return "Unavailable"
    if view.faults:
        return "Faulted"
    if view.reserved and not view.authorized:
        return "Reserved"
    return "Occupied" if view.plugged or view.transaction else "Available"
