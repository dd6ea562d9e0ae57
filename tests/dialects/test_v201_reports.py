"""NotifyReport, GetBaseReport and GetReport in the words of 2.0.1 (B07, B08)."""

import json
from collections import deque
from typing import Any

from chargepointd.core import reports as r
from chargepointd.core.commands import Status
from chargepointd.core.variables.model import Ref, Variable
from chargepointd.dialects.dialect import Refusal
from tests.dialects.neutral import AT, AT_TEXT, answered, asked, loaded, registry, told


def row(variable: Variable, value: str | None) -> dict[str, Any]:
    said = told(loaded("2.0.1"), r.ReportPart(1, 0, AT, False, ((variable, value),)))
    assert said
    assert said[0] == "NotifyReport"
    return dict(said[1]["reportData"][0])


def test_a_part_of_a_report() -> None:
    variable = Variable(
        Ref("OCPPCommCtrlr", "MessageTimeout", "Default"), "integer", "ReadWrite", "30", "s", 1, 600, monitored=True
    )
    assert told(loaded("2.0.1"), r.ReportPart(7, 3, AT, True, ((variable, "30"),))) == (
        "NotifyReport",
        {
            "requestId": 7,
            "seqNo": 3,
            "generatedAt": AT_TEXT,
            "tbc": True,
            "reportData": [
                {
                    "component": {"name": "OCPPCommCtrlr"},
                    "variable": {"name": "MessageTimeout", "instance": "Default"},
                    "variableAttribute": [
                        {"type": "Actual", "value": "30", "mutability": "ReadWrite", "persistent": True}
                    ],
                    "variableCharacteristics": {
                        "dataType": "integer",
                        "supportsMonitoring": True,
                        "unit": "s",
                        "minLimit": 1,
                        "maxLimit": 600,
                    },
                }
            ],
        },
    )


def test_a_secret_is_written_only() -> None:
    said = row(Variable(Ref("SecurityCtrlr", "BasicAuthPassword"), "passwordString", "WriteOnly"), None)
    assert said["variableAttribute"] == [{"type": "Actual", "mutability": "WriteOnly", "persistent": True}]
    assert said["variableCharacteristics"]["dataType"] == "string"


def test_what_follows_from_facts_is_not_kept_and_what_is_built_never_changes() -> None:
    states = ("Available", "Occupied")
    ref = Ref("Connector", "AvailabilityState", None, "a", 1, 2)
    said = row(Variable(ref, "OptionList", "ReadOnly", values=states, live=lambda: "Available"), "Available")
    assert said["component"] == {"name": "Connector", "instance": "a", "evse": {"id": 1, "connectorId": 2}}
    assert said["variableAttribute"] == [{"type": "Actual", "value": "Available", "mutability": "ReadOnly"}]
    assert said["variableCharacteristics"]["valuesList"] == "Available,Occupied"
    said = row(Variable(Ref("Connector", "ConnectorType"), mutability="ReadOnly", constant=True), "cCCS2")
    assert said["variableAttribute"][0]["constant"]


def test_the_estimate_of_bytes_is_never_too_small() -> None:
    variables = deque(registry().variables)
    variables.append(Variable(Ref("C" * 50, "V" * 50, "I" * 50, "K" * 50, 1, 1), values=("a" * 400, "b" * 400)))
    known = registry()
    for variable in variables:
        value = known.get(variable.ref).value or "\u20ac" * 2500
        said = json.dumps(row(variable, value), ensure_ascii=False).encode()
        assert len(said) <= r._size((variable, value)), variable


def test_what_is_asked() -> None:
    dialect = loaded("2.0.1")
    base = {"requestId": 1, "reportBase": "SummaryInventory"}
    assert asked(dialect, "GetBaseReport", base) == r.GetBaseReport(1, "SummaryInventory")
    custom = {
        "requestId": 2,
        "componentCriteria": ["Problem"],
        "componentVariable": [
            {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}},
            {"component": {"name": "X", "instance": "i", "evse": {"id": 1, "connectorId": 2}}},
        ],
    }
    wanted = (Ref("EVSE", "Power", evse_id=1), Ref("X", "", None, "i", 1, 2))
    assert asked(dialect, "GetReport", custom) == r.GetReport(2, ("Problem",), wanted)
    assert asked(dialect, "GetReport", {"requestId": 3}) == r.GetReport(3)
    assert answered(dialect, "GetReport", custom, Status("EmptyResultSet")) == {"status": "EmptyResultSet"}


def test_more_than_what_fits_in_a_message_is_refused() -> None:
    variables = registry()
    most = variables.integer("DeviceDataCtrlr.ItemsPerMessage[GetReport]")
    item = {"component": {"name": "EVSE"}}
    refused = asked(loaded("2.0.1", variables), "GetReport", {"requestId": 1, "componentVariable": [item] * (most + 1)})
    assert isinstance(refused, Refusal)
    assert refused.code == "OccurrenceConstraintViolation"
