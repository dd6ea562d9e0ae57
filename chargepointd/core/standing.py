"""How the station stands, as variables: what is wrong, what flows, what is locked. Computed when asked, never kept."""

from collections.abc import Callable, Iterator, Mapping

from chargepointd.core.availability import Statuses
from chargepointd.core.evse import Evse
from chargepointd.core.plan import StationPlan
from chargepointd.core.variables.model import DataType, Ref, Variable

Problem = Callable[[Ref, Callable[[], bool]], Variable]
"""the variable of that name which says whether something is wrong"""
OLD_S = 30.0
"""a reading this old says nothing of now: an idle meter is read every 10 s"""


def standing(
    plan: StationPlan, evses: Mapping[int, Evse], statuses: Statuses, mono: Callable[[], float]
) -> Iterator[Variable]:
    """`mono`: s, monotonic clock at the step that was made last."""
    station = statuses.station_faults

    def problem(ref: Ref, has: Callable[[], bool]) -> Variable:
        return _shown(ref, "boolean", lambda: _said(has()))

    yield problem(Ref("ChargingStation", "Problem"), lambda: bool(station) or any(e.faults for e in evses.values()))
    if {"ISO14443", "ISO15693"} & set(plan.token_kinds):
        yield Variable(Ref("TokenReader", "Available"), "boolean", "ReadOnly", "true", constant=True)
        yield problem(Ref("TokenReader", "Problem"), lambda: any(code == "ReaderFailure" for code, _ in station))
    for evse in evses.values():
        yield from _of_evse(evse, problem, mono)


def _of_evse(evse: Evse, problem: Problem, mono: Callable[[], float]) -> Iterator[Variable]:
    yield problem(Ref("EVSE", "Problem", evse_id=evse.id), lambda: bool(evse.faults))
    power = Ref("EVSE", "Power", evse_id=evse.id)
    yield _shown(power, "decimal", lambda: _power(evse, mono()), "W", evse.plan.max_power_w)
    if evse.plan.meter:
        register = Ref("FiscalMetering", "EnergyImportRegister", evse_id=evse.id)
        yield _shown(register, "decimal", lambda: _register(evse), "Wh")
    if evse.plan.signs:  # what verifies the signed values of its meter
        yield _shown(Ref("FiscalMetering", "PublicKey", evse_id=evse.id), "string", lambda: evse.public_key)
    for connector in evse.plan.connectors:
        if connector.lock:
            yield from _of_lock(evse, connector.id, problem)


def _of_lock(evse: Evse, connector_id: int, problem: Problem) -> Iterator[Variable]:
    lock = Ref("ConnectorPlugRetentionLock", "Active", evse_id=evse.id, connector_id=connector_id)
    stuck = ("ConnectorLockFailure", f"connector {connector_id}")
    yield _shown(lock, "boolean", lambda: _said(evse.locked.get(connector_id, False)))
    yield problem(lock._replace(variable="Problem"), lambda: stuck in evse.faults)


def _shown(
    ref: Ref, datatype: DataType, value: Callable[[], str], unit: str = "", largest: float | None = None
) -> Variable:
    return Variable(ref, datatype, "ReadOnly", "", unit, None, largest, live=value)


def _said(yes: bool) -> str:
    return "true" if yes else "false"


def _power(evse: Evse, mono: float) -> str:
    """W, what flows now; nothing where the meter is silent while it should tell."""
    if not evse.power_on:
        return "0"
    measured = evse.measured
    if measured is None or measured.power_w is None or measured.taken_at < mono - OLD_S:
        return ""
    return f"{max(0.0, measured.power_w):.1f}"


def _register(evse: Evse) -> str:
    """Wh; a register stands as it was last read."""
    measured = evse.measured
    return "" if measured is None or measured.energy_import_wh is None else f"{measured.energy_import_wh:.1f}"
