"""Variables (B05, B06)."""

from chargepointd.core import commands as c
from chargepointd.core.variables.model import Ref
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v2.requests.common import Request, Requests, too_many


def _get_variables(payload: Payload, variables: Registry) -> c.Command | Refusal:
    items = payload["getVariableData"]
    refused = too_many(len(items), "GetVariables", variables)
    return refused or c.GetVariables(tuple([(_ref(item), item.get("attributeType", "Actual")) for item in items]))


def _set_variables(payload: Payload, variables: Registry) -> c.Command | Refusal:
    items = payload["setVariableData"]
    refused = too_many(len(items), "SetVariables", variables)
    return refused or c.SetVariables(
        tuple([(_ref(item), item.get("attributeType", "Actual"), item["attributeValue"]) for item in items])
    )


def _ref(item: Payload) -> Ref:
    component, variable = item["component"], item["variable"]
    evse = component.get("evse")
    if evse is None:
        return Ref(component["name"], variable["name"], variable.get("instance"), component.get("instance"))
    return Ref(
        component["name"],
        variable["name"],
        variable.get("instance"),
        component.get("instance"),
        evse["id"],
        evse.get("connectorId"),
    )


def _variables_got(payload: Payload, reply: c.VariablesGot) -> Payload:
    """Component and variable are echoed as they were written (B06.FR.02)."""
    return {
        "getVariableResult": [
            {
                "attributeStatus": got.status,
                "attributeType": got.attribute,
                "component": item["component"],
                "variable": item["variable"],
            }
            if got.value is None
            else {
                "attributeStatus": got.status,
                "attributeType": got.attribute,
                "attributeValue": got.value,
                "component": item["component"],
                "variable": item["variable"],
            }
            for item, got in zip(payload["getVariableData"], reply.items, strict=True)
        ]
    }


def _variables_set(payload: Payload, reply: c.VariablesSet) -> Payload:
    return {
        "setVariableResult": [
            _variable_set(item, result) for item, result in zip(payload["setVariableData"], reply.items, strict=True)
        ]
    }


def _variable_set(item: Payload, result: c.VariableSet) -> Payload:
    said = {
        "attributeStatus": result.status,
        "attributeType": result.attribute,
        "component": item["component"],
        "variable": item["variable"],
    }
    if result.status == "Rejected" and result.reason:
        code = "ReadOnly" if result.reason == "read-only" else "InvalidValue"
        said["attributeStatusInfo"] = {"reasonCode": code, "additionalInfo": result.reason[:512]}
    return said


REQUESTS: Requests = {
    "GetVariables": Request(_get_variables, _variables_got),
    "SetVariables": Request(_set_variables, _variables_set),
}
