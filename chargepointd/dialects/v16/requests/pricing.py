"""Prices and costs ("OCPP & California Pricing Requirements" of the OCA)."""

from typing import Any

from chargepointd.core import commands as c
from chargepointd.core.tariff import SetUserPrice, TellFinalCost
from chargepointd.dialects import pricing
from chargepointd.dialects.v16.requests.common import ChargePoint, Transfer, Transfers


def _user_price(data: Any, _: ChargePoint) -> c.Command:
    texts = pricing.texts(data)
    if not texts:
        raise ValueError("priceText is missing")
    return SetUserPrice(pricing.token(data, "idToken"), texts)


def _running(data: Any, _: ChargePoint) -> c.Command:
    number = pricing.whole(data, "transactionId")
    return pricing.cost(data, pricing.amount(data, "cost"))._replace(reference=number)


def _final(data: Any, _: ChargePoint) -> c.Command:
    code = pricing.text(data, "qrCodeText") if data.get("qrCodeText") is not None else ""
    return TellFinalCost(
        pricing.amount(data, "cost"),
        reference=pricing.whole(data, "transactionId"),
        texts=pricing.texts(data),
        code=code,
    )


TRANSFERS: Transfers = {
    "FinalCost": Transfer(_final),
    "RunningCost": Transfer(_running),
    "SetUserPrice": Transfer(_user_price),
}
