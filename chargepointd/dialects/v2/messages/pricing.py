"""Costs in answers; and what only 1.6 has to say: in 2.x, TransactionEvent tells when a car leaves."""

from decimal import Decimal

from chargepointd.core.departures import CableLeft
from chargepointd.core.tariff import UpdateCost
from chargepointd.dialects import pricing
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v2.messages.common import Answers, Calls


def running(payload: Payload) -> UpdateCost | None:
    """The cost, and what comes after it, in a TransactionEventResponse; None where it does not say, or what does not
    fit: totalCost alone counts then."""
    custom = payload["customData"]
    if custom.get("vendorId") != pricing.VENDOR:
        return None
    try:
        return pricing.cost(custom, Decimal(repr(payload["totalCost"])))
    except ValueError:
        return None


CALLS: Calls = {CableLeft: lambda left, words: None}
ANSWERS: Answers = {}
