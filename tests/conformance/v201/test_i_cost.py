"""Tariff and cost on the display (I)."""

from typing import Any

import pytest

from tests.conformance.stations import ac_socket
from tests.conformance.tester import TOKEN, Tester
from tests.csms import Csms
from tests.daemon.visit import until

COSTS = (1.1, 2.25, 13.0)


def text(content: str) -> dict[str, Any]:
    return {"format": "UTF8", "language": "en", "content": content}


def sees(tester: Tester, words: str) -> None:
    """The driver, on the display."""
    until(lambda: words in " ".join(tester.shown()), f"{words!r} on the display")


def tariff_is_shown(tester: Tester, csms: Csms) -> str:
    """Authorized with a tariff text, which is shown; charging; another text comes, and is shown. The transactionId."""
    csms.tokens[TOKEN] = {"status": "Accepted", "personalMessage": text("0.30 per kWh")}
    transaction = tester.charging()
    sees(tester, "0.30 per kWh")
    csms.answers["TransactionEvent"] = {"updatedPersonalMessage": text("0.25 per kWh")}
    tester.trigger("TransactionEvent", 1)
    tester.event("Updated", "Trigger")
    sees(tester, "0.25 per kWh")
    assert "0.30" not in " ".join(tester.shown())
    return transaction


@pytest.mark.under_test(ac_socket, variables={"TariffCostCtrlr.Currency": "EUR"})
def test_tc_i_01_cs(tester: Tester, csms: Csms) -> None:
    """Show EV Driver running total cost during charging - CostUpdatedRequest"""
    transaction = tariff_is_shown(tester, csms)
    for cost in COSTS:
        assert csms.call("CostUpdated", {"totalCost": cost, "transactionId": transaction}) == {}
        sees(tester, f"Cost EUR {cost:.2f}")


@pytest.mark.under_test(ac_socket, variables={"TariffCostCtrlr.Currency": "EUR"})
def test_tc_i_02_cs(tester: Tester, csms: Csms) -> None:
    """Show EV Driver Final Total Cost After Charging"""
    transaction = tester.charging()
    csms.answers["TransactionEvent"] = lambda m: {"totalCost": 8.75} if m["eventType"] == "Ended" else {}
    tester.stop_authorized()
    tester.ev_disconnected()
    tester.ended(transaction)
    sees(tester, "Total EUR 8.75")


@pytest.mark.under_test(ac_socket, variables={"TariffCostCtrlr.Currency": "EUR"})
def test_tc_i_07_cs(tester: Tester, csms: Csms) -> None:
    """Show EV Driver running total cost during charging - TransactionEventResponse"""
    tariff_is_shown(tester, csms)
    for cost in COSTS:
        csms.answers["TransactionEvent"] = {"totalCost": cost}
        tester.trigger("TransactionEvent", 1)
        tester.event("Updated", "Trigger")
        sees(tester, f"Cost EUR {cost:.2f}")
