"""Reports of the device model (B07, B08)."""

from chargepointd.core import commands as c
from chargepointd.core.reports import GetBaseReport, GetReport
from chargepointd.core.variables.model import Ref
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v2.requests.common import Request, Requests, plain, too_many


def _custom(payload: Payload, variables: Registry) -> c.Command | Refusal:
    wanted = payload.get("componentVariable", ())
    refused = too_many(len(wanted), "GetReport", variables)
    criteria = tuple(payload.get("componentCriteria", ()))
    return refused or GetReport(payload["requestId"], criteria, tuple(_wanted(item) for item in wanted))


def _wanted(item: Payload) -> Ref:
    component, variable = item["component"], item.get("variable", {})
    evse = component.get("evse", {})
    return Ref(
        component["name"],
        variable.get("name", ""),
        variable.get("instance"),
        component.get("instance"),
        evse.get("id"),
        evse.get("connectorId"),
    )


REQUESTS: Requests = {
    "GetBaseReport": Request(lambda p, _: GetBaseReport(p["requestId"], p["reportBase"]), plain),
    "GetReport": Request(_custom, plain),
}
