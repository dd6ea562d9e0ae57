"""Reports of the device model: what is in them, and how they are sent (B07, B08)."""

from typing import Any

import pytest

from chargepointd.core import messages as m
from chargepointd.core import reports as r
from chargepointd.core.variables.model import Ref, Variable
from tests.core.world import World


def parts(w: World, request_id: int) -> list[r.ReportPart]:
    return [part for part in w.told(r.ReportPart) if part.request_id == request_id]


def names(w: World, request_id: int) -> list[str]:
    return [str(variable.ref) for part in parts(w, request_id) for variable, _ in part.rows]


def add(w: World, name: str, value: str, component: str = "Test", **more: Any) -> None:
    w.variables.add(Variable(Ref(component, name), default=value, **more))


def test_the_full_inventory_has_every_variable_once_in_numbered_messages() -> None:
    w = World("2.0.1").online()
    assert w.ask(r.GetBaseReport(7, "FullInventory")).status == "Accepted"
    told = parts(w, 7)
    assert [part.seq_no for part in told] == list(range(len(told)))
    assert [part.more for part in told] == [True] * (len(told) - 1) + [False]
    assert len(told) > 1
    assert sorted(names(w, 7)) == sorted(str(variable.ref) for variable in w.variables.variables)
    assert all(0 < len(part.rows) <= r.ROWS for part in told)


def test_the_configuration_inventory_is_what_can_be_set() -> None:
    w = World("2.0.1").online()
    add(w, "Secret", "abc", mutability="WriteOnly")
    w.ask(r.GetBaseReport(1, "ConfigurationInventory"))
    rows = [row for part in parts(w, 1) for row in part.rows]
    assert {variable.mutability for variable, _ in rows} == {"ReadWrite", "WriteOnly"}
    assert {value for variable, value in rows if variable.mutability == "WriteOnly"} == {None}


def test_the_summary_is_availability_and_what_is_wrong() -> None:
    w = World("2.0.1").online()
    add(w, "AvailabilityState", "Available", mutability="ReadOnly")
    add(w, "Problem", "true", component="Broken", mutability="ReadOnly")
    add(w, "Problem", "false", component="Whole", mutability="ReadOnly")
    add(w, "Available", "true", component="Whole", mutability="ReadOnly")
    w.ask(r.GetBaseReport(1, "SummaryInventory"))
    told = names(w, 1)
    assert "Test.AvailabilityState" in told
    assert "Broken.Problem" in told
    assert not any(name.startswith("Whole") for name in told)


def test_messages_are_split_by_bytes_too_and_none_is_empty() -> None:
    w = World("2.0.1").online()
    for n in range(10):
        add(w, f"Long{n}", "x" * 1000, component="Long")
    w.ask(r.GetReport(1, wanted=(Ref("long", ""),)))
    told = parts(w, 1)
    assert [len(part.rows) for part in told] == [3, 3, 3, 1]


# -- custom reports ----------------------------------------------------------------------------------------------------


def test_with_a_criterion_alone_the_variables_of_that_name_that_are_true() -> None:
    w = World("2.0.1").online()
    add(w, "Enabled", "false")
    w.ask(r.GetReport(1, ("Enabled",)))
    rows = [row for part in parts(w, 1) for row in part.rows]
    assert rows
    assert {(variable.ref.variable, value) for variable, value in rows} == {("Enabled", "true")}


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ((), ["A.X", "B.X", "C.X"]),
        (("Active",), ["A.X", "B.X", "C.X"]),
        (("Enabled",), ["A.X", "C.X"]),
        (("Available",), ["A.X", "B.X", "C.X"]),
        (("Problem",), ["B.X"]),
        (("Enabled", "Problem"), ["A.X", "B.X", "C.X"]),
    ],
)
def test_a_component_without_the_variable_fits_except_for_a_problem(criteria: Any, expected: list[str]) -> None:
    w = World("2.0.1").online()
    for component, enabled, problem in (("A", "true", "false"), ("B", "false", "true"), ("C", "", "")):
        add(w, "X", "1", component=component)
        if enabled:
            add(w, "Enabled", enabled, component=component)
            add(w, "Problem", problem, component=component)
    w.ask(r.GetReport(1, criteria, tuple(Ref(name, "x") for name in "ABC")))
    assert names(w, 1) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Ref("evse", "supplyphases"), ["EVSE#1.SupplyPhases", "EVSE#2.SupplyPhases"]),
        (Ref("EVSE", "SupplyPhases", evse_id=2), ["EVSE#2.SupplyPhases"]),
        (Ref("Connector", "ConnectorType", evse_id=2), ["Connector#2.1.ConnectorType"]),
        (Ref("Connector", "ConnectorType", evse_id=2, connector_id=2), []),
        (Ref("OCPPCommCtrlr", "MessageTimeout"), ["OCPPCommCtrlr.MessageTimeout[Default]"]),
        (Ref("OCPPCommCtrlr", "MessageTimeout", "default"), ["OCPPCommCtrlr.MessageTimeout[Default]"]),
        (Ref("OCPPCommCtrlr", "MessageTimeout", "other"), []),
        (Ref("Stranger", ""), []),
    ],
)
def test_what_is_left_out_stands_for_all(wanted: Ref, expected: list[str]) -> None:
    w = World("2.0.1").online()
    reply = w.ask(r.GetReport(1, wanted=(wanted,)))
    assert reply.status == ("Accepted" if expected else "EmptyResultSet")
    assert names(w, 1) == expected


# -- sending -----------------------------------------------------------------------------------------------------------


def test_a_report_is_sent_while_pending() -> None:
    w = World("2.0.1")
    w.registrations.append(m.BootAnswered("Pending", 300, w.utc))
    w.online()
    assert w.ask(r.GetBaseReport(1, "FullInventory")).status == "Accepted"
    assert not parts(w, 1)[-1].more


def test_one_message_at_a_time_and_other_messages_in_between() -> None:
    w = World("2.0.1").online()
    w.slow = True
    w.ask(r.GetBaseReport(1, "FullInventory"))
    w.plug(2)
    assert len(parts(w, 1)) == 1
    w.answer().answer()
    w.answer()
    statuses = [i for i, (_, message) in enumerate(w.received) if isinstance(message, m.StatusChanged)]
    reports = [i for i, (_, message) in enumerate(w.received) if isinstance(message, r.ReportPart)]
    assert reports[0] < statuses[-1] < reports[-1]


def test_a_message_that_got_lost_with_the_link_is_said_again() -> None:
    w = World("2.0.1").online()
    w.slow = True
    w.ask(r.GetBaseReport(1, "FullInventory"))
    w.answer()
    w.offline()
    w.slow = False
    w.online()
    told = parts(w, 1)
    assert [part.seq_no for part in told[:3]] == [0, 1, 1]
    assert told[1] == told[2]
    assert not told[-1].more


def test_nothing_of_a_report_leaves_before_the_boot_is_answered() -> None:
    w = World("2.0.1").online()
    w.slow = True
    w.ask(r.GetBaseReport(1, "FullInventory"))
    w.offline()
    w.slow = False
    w.registrations.append(m.BootAnswered("Rejected", 300, w.utc))
    w.received.clear()
    w.cut()
    w.online()
    assert not parts(w, 1)


def test_a_report_that_the_csms_refuses_is_over_and_the_next_begins() -> None:
    w = World("2.0.1").online()
    w.mute = True
    w.ask(r.GetBaseReport(1, "FullInventory"))
    w.ask(r.GetReport(2, wanted=(Ref("EVSE", ""),)))
    timeout = w.variables.integer("OCPPCommCtrlr.MessageTimeout[Default]")
    w.after(r.ATTEMPTS * (timeout + 1) + 1)
    assert len(parts(w, 1)) == r.ATTEMPTS
    w.mute = False
    w.after(timeout + 1)
    assert not parts(w, 2)[-1].more


def test_so_many_reports_may_wait_and_no_more() -> None:
    w = World("2.0.1").online()
    w.mute = True
    replies = [w.ask(r.GetBaseReport(n, "FullInventory")).status for n in range(r.WAITING + 1)]
    assert replies == ["Accepted"] * r.WAITING + ["Rejected"]
