"""Reports of the device model (B07, B08)."""

from chargepointd.core.reports import ReportPart, Row
from chargepointd.core.variables.model import Ref, Variable
from chargepointd.dialects.codec import format_time
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v2.messages.common import Answers, Calls, Said
from chargepointd.dialects.v2.words import Words


def _part(part: ReportPart, words: Words) -> Said:
    payload: Payload = {
        "requestId": part.request_id,
        "generatedAt": format_time(part.at),
        "seqNo": part.seq_no,
        "tbc": part.more,
    }
    if part.rows:
        payload["reportData"] = [_row(row) for row in part.rows]
    return "NotifyReport", payload


def _row(row: Row) -> Payload:
    variable, value = row
    return {
        "component": component(variable.ref),
        "variable": named(variable.ref),
        "variableAttribute": [_attribute(variable, value)],
        "variableCharacteristics": _characteristics(variable),
    }


def component(ref: Ref) -> Payload:
    """ComponentType"""
    said: Payload = {"name": ref.component}
    if ref.component_instance:
        said["instance"] = ref.component_instance
    if ref.evse_id is not None:
        said["evse"] = {"id": ref.evse_id}
        if ref.connector_id is not None:
            said["evse"]["connectorId"] = ref.connector_id
    return said


def named(ref: Ref) -> Payload:
    """VariableType"""
    return {"name": ref.variable, "instance": ref.instance} if ref.instance else {"name": ref.variable}


def _attribute(variable: Variable, value: str | None) -> Payload:
    """VariableAttributeType; `persistent` and `constant` are false where they are not said."""
    said: Payload = {"type": "Actual", "mutability": variable.mutability}
    if value is not None:
        said["value"] = value
    if variable.persistent and not variable.live:
        said["persistent"] = True
    if variable.constant:
        said["constant"] = True
    return said


def _characteristics(variable: Variable) -> Payload:
    """VariableCharacteristicsType"""
    kind = "string" if variable.datatype == "passwordString" else variable.datatype
    said: Payload = {"dataType": kind, "supportsMonitoring": variable.monitored}
    if variable.unit:
        said["unit"] = variable.unit
    if variable.min_limit is not None:
        said["minLimit"] = variable.min_limit
    if variable.max_limit is not None:
        said["maxLimit"] = variable.max_limit
    if variable.values:
        said["valuesList"] = ",".join(variable.values)
    return said


CALLS: Calls = {ReportPart: _part}
ANSWERS: Answers = {}
