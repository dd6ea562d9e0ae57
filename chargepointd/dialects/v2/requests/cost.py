"""The running cost (I02)."""

from chargepointd.core import commands as c
from chargepointd.core.tariff import UpdateCost
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects import pricing
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v2.requests.common import Request, Requests


def _updated(payload: Payload, variables: Registry) -> c.Command | Refusal:
    """With the prices behind it, where the CSMS tells them too (application note of the OCA)."""
    if variables.named("TariffCostCtrlr.Available[Cost]") is None:
        return Refusal("NotSupported", "this station has no display")
    custom = payload.get("customData") or {}
    try:
        cost = UpdateCost(pricing.amount(payload, "totalCost"))
        if custom.get("vendorId") == pricing.VENDOR:
            cost = pricing.cost(custom, cost.cost)
    except ValueError as error:
        return Refusal("PropertyConstraintViolation", str(error))
    return cost._replace(transaction_id=payload["transactionId"])


REQUESTS: Requests = {"CostUpdated": Request(_updated, lambda payload, reply: {})}
