"""The variables of a station, whatever it is built like: coherent, and all that must be there (TC_B_53)."""

from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core import reports as r
from chargepointd.core.plan import ConnectorPlan, EvsePlan, StationPlan
from chargepointd.core.variables.catalogue import parse_name
from chargepointd.core.variables.values import complaint
from tests.core.world import PLAN, World

DC = PLAN._replace(
    evses=tuple(
        EvsePlan(n, (ConnectorPlan(1, "cCCS2", fixed_cable=True),), "DC", 0, 1000, 500, 400_000) for n in (1, 2)
    ),
    token_kinds=("Central",),
)
BAY = PLAN._replace(evses=tuple(evse._replace(bay_sensor=True, signs=True) for evse in PLAN.evses))
PLANS = [PLAN, DC, BAY]


@pytest.mark.parametrize("plan", PLANS)
def test_every_variable_is_coherent(plan: StationPlan) -> None:
    w = World("2.0.1", plan=plan)
    for variable in w.variables.variables:
        value = w.variables.get(variable.ref).value
        if variable.datatype.endswith("List"):
            assert variable.values, f"{variable.ref}: no list of values"
            assert len(",".join(variable.values)) <= 1000
            assert value or variable.datatype != "OptionList", variable.ref
        if value:
            assert complaint(variable._replace(live=None), value) == "", variable.ref
        assert len(variable.ref.component) <= 50
        assert len(variable.ref.variable) <= 50
        assert len(variable.unit) <= 16
        assert not (variable.constant and (variable.live or variable.mutability != "ReadOnly")), variable.ref


@pytest.mark.parametrize("plan", PLANS)
def test_addresses_are_unique_and_written_as_they_are_read(plan: StationPlan) -> None:
    variables = World("2.0.1", plan=plan).variables.variables
    assert len({variable.ref.key for variable in variables}) == len(variables)
    assert all(parse_name(str(variable.ref)) == variable.ref for variable in variables)


def values(w: World) -> dict[str, Any]:
    w.ask(r.GetBaseReport(1, "FullInventory"))
    return {str(v.ref): value for part in w.told(r.ReportPart) for v, value in part.rows}


def test_power_register_and_lock_as_they_are() -> None:
    w = World("2.0.1").online()
    assert w.variables.text("EVSE#1.Power") == "0"
    assert w.variables.text("ConnectorPlugRetentionLock#1.1.Active") == "false"
    w.plug().present("CARD1", 1).after(40)
    shown = values(w)
    assert shown["EVSE#1.Power"] == "11000.0"
    assert shown["EVSE#2.Power"] == "0"
    assert float(shown["FiscalMetering#1.EnergyImportRegister"]) == pytest.approx(w.register[1], abs=1000)
    assert shown["ConnectorPlugRetentionLock#1.1.Active"] == "true"
    w.meter_dead.add(1)
    w.after(120)
    assert w.variables.text("EVSE#1.Power") == "", "a dead meter says nothing"


def test_what_is_wrong_is_a_problem_until_it_is_mended() -> None:
    w = World("2.0.1").online()
    problems = ("ChargingStation.Problem", "EVSE#1.Problem", "EVSE#2.Problem", "TokenReader.Problem")
    assert [w.variables.text(name) for name in problems] == ["false"] * 4
    w.break_(1)
    assert [w.variables.text(name) for name in problems] == ["true", "true", "false", "false"]
    w.ask(r.GetBaseReport(1, "SummaryInventory"))
    told = {str(v.ref) for part in w.told(r.ReportPart) for v, _ in part.rows}
    assert {"ChargingStation.Problem", "EVSE#1.Problem"} <= told
    w.mend(1)
    w.degrade(0, "ReaderFailure")
    assert [w.variables.text(name) for name in problems] == ["true", "false", "false", "true"]


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("OCPPCommCtrlr.OfflineThreshold", "300", True),
        ("OCPPCommCtrlr.OfflineThreshold", "300.1", False),
        ("OCPPCommCtrlr.OfflineThreshold", "3_0", False),
        ("OCPPCommCtrlr.OfflineThreshold", " 30", False),
        ("OCPPCommCtrlr.OfflineThreshold", "\u0663\u0660", False),
        ("OCPPCommCtrlr.OfflineThreshold", "true", False),
        ("OCPPCommCtrlr.OfflineThreshold", "", False),
        ("AuthCtrlr.AuthorizeRemoteStart", "true", True),
        ("AuthCtrlr.AuthorizeRemoteStart", "1", False),
        ("SecurityCtrlr.OrganizationName", "x" * 65, False),
        ("TxCtrlr.TxStartPoint", "Authorized,Authorized", False),
        ("TxCtrlr.TxStartPoint", "Nonsense", False),
        ("SampledDataCtrlr.TxUpdatedMeasurands", "", True),
    ],
)
def test_a_value_fits_its_datatype_or_is_rejected(name: str, value: str, fits: bool) -> None:
    w = World("2.0.1").online()
    reply = w.ask(c.SetVariables(((parse_name(name), "Actual", value),)))
    assert reply.items[0].status == ("Accepted" if fits else "Rejected")
    assert fits or reply.items[0].reason
