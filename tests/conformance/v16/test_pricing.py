"""OCPP & California Pricing Requirements (OCA): prices and costs over DataTransfer both ways, and on the display."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.stations import ac_socket
from tests.conformance.v16.tester import TOKEN, Tester
from tests.csms import Csms, Message
from tests.daemon.visit import register_wh, until

COSTMSG = "org.openchargealliance.costmsg"
PRICE = {"priceText": "0.45 per kWh", "priceTextOffline": "Call us", "chargingPrice": {"kWhPrice": 0.45}}


def tell(csms: Csms, message_id: str, expect: str = "Accepted", **data: Any) -> str:
    """T> DataTransfer; what the answer says besides its status."""
    reply = csms.call("DataTransfer", {"vendorId": COSTMSG, "messageId": message_id, "data": json.dumps(data)})
    assert reply["status"] == expect, csms.told(f"{message_id}: {reply}")
    return str(reply.get("data", ""))


def sees(tester: Tester, text: str, timeout: float = 10.0) -> list[str]:
    """The driver, in front of the display."""
    return until(lambda: [line for line in tester.shown() if re.search(text, line)] and tester.shown(), text, timeout)  # type: ignore[no-any-return]


def money(tester: Tester, evse: int = 1) -> dict[str, Any]:
    """What the technician sees of it."""
    told: dict[str, Any] = tester.station.ctl("status")["evses"][evse - 1].get("money", {})
    return told


def triggered(message: Message) -> bool:
    return any(s.get("context") == "Trigger" for value in message["meterValue"] for s in value["sampledValue"])


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


@pytest.mark.under_test(
    ac_socket, keys={"CustomIdleFeeAfterStop": "true"}, variables={"TariffCostCtrlr.Currency": "USD"}
)
def test_price_cost_and_total_of_a_visit(tester: Tester, csms: Csms) -> None:
    tester.configure("DefaultPrice", json.dumps(PRICE))
    sees(tester, "0.45 per kWh")
    tell(csms, "SetUserPrice", idToken=TOKEN, priceText="0.12 for you")
    tester.occupied()
    tester.authorized()
    transaction = tester.started()
    sees(tester, "0.12 for you")

    meter = register_wh(tester.station)
    rate = {"kWhPrice": 100, "hourPrice": 0, "flatFee": 1}
    wanted = {"atTime": soon(1), "atCPStatus": ["Finishing"]}
    tell(csms, "RunningCost", transactionId=transaction, timestamp=soon(0), meterValue=round(meter), cost=1.345,
         state="Charging", chargingPrice=rate, idlePrice={"graceMinutes": 0, "hourPrice": 36000},
         triggerMeterValue=wanted)  # fmt: skip
    sees(tester, r"Cost USD \d+\.\d\d")
    csms.wait("MeterValues", triggered, transactionId=transaction)
    first = float(money(tester)["cost"])
    until(lambda: float(money(tester)["cost"]) > first, "growing cost")
    assert money(tester)["price"] == "0.12 for you"
    assert not money(tester)["final"]

    tester.present()
    tester.stopped(transaction)
    csms.wait("MeterValues", triggered, connectorId=1)
    idle = float(money(tester)["cost"])
    until(lambda: float(money(tester)["cost"]) > idle + 5, "idle fee of 10 a second")
    tester.unplugged()
    left = csms.wait("DataTransfer", {"vendorId": COSTMSG, "messageId": "ConnectorUnplugged"})
    data = json.loads(left["data"])
    assert data["transactionId"] == transaction
    assert datetime.fromisoformat(data["timestamp"]).utcoffset() == timedelta(0)

    tell(csms, "FinalCost", transactionId=transaction, cost=31.005, priceText="Thank you", qrCodeText="https://pay/7")
    sees(tester, r"Total USD 31\.01")
    sees(tester, "Thank you")
    assert tester.station.ctl("sim.display")["code"] == "https://pay/7"


@pytest.mark.under_test(ac_socket, variables={})
def test_what_is_unknown_or_does_not_fit(tester: Tester, csms: Csms) -> None:
    def status(**payload: Any) -> str:
        return str(csms.call("DataTransfer", payload)["status"])

    assert status(vendorId="org.example", messageId="RunningCost") == "UnknownVendorId"
    assert status(vendorId=COSTMSG, messageId="Nonsense", data="{}") == "UnknownMessageId"
    assert status(vendorId=COSTMSG) == "UnknownMessageId"
    assert "no such transaction" in tell(csms, "RunningCost", "Rejected", transactionId=1, cost=1)
    assert "cost: expected a number" in tell(csms, "FinalCost", "Rejected", transactionId=1, cost="1")


@pytest.mark.under_test(ac_socket, keys={"CustomIdleFeeAfterStop": "true"})
def test_a_csms_that_does_not_know_the_messages_is_not_asked_again(tester: Tester, csms: Csms) -> None:
    csms.answers["DataTransfer"] = {"status": "UnknownVendorId"}
    tester.visit()
    csms.wait("DataTransfer")
    tester.visit()
    until(lambda: tester.station.ctl("outbox")["others"] == 0, "nothing to tell")
    assert len(csms.calls("DataTransfer")) == 1
    csms.drop()
    csms.wait_connected()
    tester.visit()
    csms.wait("DataTransfer")


@pytest.mark.under_test(ac_socket, variables={})
def test_cost_and_price_survive_a_power_cut_and_the_loss_of_the_link(tester: Tester, csms: Csms) -> None:
    tell(csms, "SetUserPrice", idToken=TOKEN, priceText="fuer alle",
         priceTextExtra=[{"format": "UTF8", "language": "nl", "content": "voor u"}])  # fmt: skip
    tester.configure("Language", "nl")
    transaction = tester.charging()
    tell(csms, "RunningCost", transactionId=transaction, cost=7, state="Charging", chargingPrice={"kWhPrice": 10})
    sees(tester, r"Kosten [789]\.\d\d")
    tester.station.kill()
    tester.station.start()
    csms.wait("BootNotification")
    sees(tester, "voor u")
    sees(tester, r"Kosten \d")
    assert float(money(tester)["cost"]) >= 7
    tester.fence()
    tell(csms, "RunningCost", transactionId=transaction, cost=9, state="Charging", chargingPrice={"kWhPrice": 10})
    csms.offline()
    sees(tester, "offline")
    sees(tester, r"Kosten (9|1\d)\.\d\d")
