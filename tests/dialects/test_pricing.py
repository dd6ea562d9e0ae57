"""Prices and costs in both versions: the DataTransfer of 1.6, CostUpdated and customData of 2.0.1, the keys of 1.6."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core.cost import Rate
from chargepointd.core.departures import CableLeft
from chargepointd.core.messages import Authorize, RecordAnswered
from chargepointd.core.tariff import SetUserPrice, TellFinalCost, UpdateCost
from chargepointd.core.values import Token
from chargepointd.core.variables.registry import Registry
from chargepointd.core.visit import Triggers
from chargepointd.dialects.dialect import Dialect, Refusal
from chargepointd.dialects.v16.keys import configured
from tests.dialects.neutral import AT, AT_TEXT, PLAN, answered, asked, loaded, obeyed, record, registry, told

COSTMSG = "org.openchargealliance.costmsg"
D = Decimal


def transfer(message_id: str | None, data: Any, vendor: str = COSTMSG) -> dict[str, Any]:
    text = data if isinstance(data, str) else json.dumps(data)
    return {"vendorId": vendor, "data": text} | ({"messageId": message_id} if message_id else {})


def says(dialect: Dialect, payload: dict[str, Any]) -> Any:
    """What the station answers to what is not for it to do."""
    command = asked(dialect, "DataTransfer", payload)
    assert isinstance(command, c.TransferData)
    return answered(dialect, "DataTransfer", payload, c.Status(command.status, command.reason))


@pytest.fixture
def dialect() -> Dialect:
    return loaded("1.6")


RUNNING = {
    "transactionId": 98765, "timestamp": AT_TEXT, "meterValue": 1234000, "cost": 1.345, "state": "Charging",
    "chargingPrice": {"kWhPrice": 0.123, "hourPrice": 0.00, "flatFee": 0.00},
    "idlePrice": {"graceMinutes": 30, "hourPrice": 1.00},
    "nextPeriod": {
        "atTime": AT_TEXT,
        "chargingPrice": {"kWhPrice": 0.1, "hourPrice": 0.00, "flatFee": 0.00},
        "idlePrice": {"hourPrice": 0.00},
    },
    "triggerMeterValue": {
        "atTime": AT_TEXT, "atEnergykWh": 5.0, "atPowerkW": 8.0, "atCPStatus": ["Finishing", "Available"],
    },
}  # fmt: skip
COST = UpdateCost(
    D("1.345"), None, None, AT, 1_234_000.0, False, Rate(D("0.123"), D(0), D(1), 30), AT, Rate(D("0.1")),
    Triggers(AT, 5000.0, 8000.0, ("Finishing", "Available")),
)  # fmt: skip


def test_a_running_cost(dialect: Dialect) -> None:
    payload = transfer("RunningCost", RUNNING)
    assert asked(dialect, "DataTransfer", payload) == COST._replace(reference=98765)
    assert answered(dialect, "DataTransfer", payload, c.Status("Accepted")) == {"status": "Accepted"}
    refused = c.Status("Rejected", "no such transaction is running")
    assert answered(dialect, "DataTransfer", payload, refused) == {
        "status": "Rejected",
        "data": "no such transaction is running",
    }


def test_a_running_cost_of_the_least(dialect: Dialect) -> None:
    payload = transfer("RunningCost", {"transactionId": 1, "cost": 0, "triggerMeterValue": {"atCPStatus": "Available"}})
    command = asked(dialect, "DataTransfer", payload)
    assert command == UpdateCost(D(0), reference=1, triggers=Triggers(statuses=("Available",)))


def test_a_price_for_a_driver_in_his_language(dialect: Dialect) -> None:
    extra = [
        {"format": "UTF8", "language": "nl", "content": "€0.12/kWh"},
        {"format": "HTML", "language": "de", "content": "<b>0.12</b>"},
        {"format": "ASCII", "language": "es", "content": "0.12/kWh mas"},
    ]
    payload = transfer("SetUserPrice", {"idToken": "ABCDEF", "priceText": "0.12/kWh", "priceTextExtra": extra})
    texts = (("", "0.12/kWh"), ("nl", "€0.12/kWh"), ("es", "0.12/kWh mas"))
    assert asked(dialect, "DataTransfer", payload) == SetUserPrice(Token("ABCDEF"), texts)


def test_a_final_cost(dialect: Dialect) -> None:
    data = {"transactionId": 7, "cost": 3.31, "priceText": "$2.81 @ $0.12/kWh", "qrCodeText": "https://pay.example/7"}
    payload = transfer("FinalCost", data)
    wanted = TellFinalCost(D("3.31"), None, 7, (("", "$2.81 @ $0.12/kWh"),), "https://pay.example/7")
    assert asked(dialect, "DataTransfer", payload) == wanted


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (transfer("RunningCost", RUNNING, "org.example"), "UnknownVendorId"),
        ({"vendorId": "org.example"}, "UnknownVendorId"),
        (transfer("Nonsense", {}), "UnknownMessageId"),
        (transfer(None, {}), "UnknownMessageId"),
        ({"vendorId": COSTMSG}, "UnknownMessageId"),
    ],
)
def test_what_is_not_known(dialect: Dialect, payload: dict[str, Any], status: str) -> None:
    assert says(dialect, payload) == {"status": status}


@pytest.mark.parametrize(
    ("message_id", "data", "why"),
    [
        ("RunningCost", "", "transactionId: expected a number"),
        ("RunningCost", "{", "data: "),
        ("RunningCost", "[]", "expected a JSON object"),
        ("RunningCost", {"transactionId": 1}, "cost: expected a number"),
        ("RunningCost", {"transactionId": 1.5, "cost": 1}, "transactionId: expected a whole number"),
        ("RunningCost", {"transactionId": 1, "cost": "1"}, "cost: expected a number"),
        ("RunningCost", {"transactionId": 1, "cost": True}, "cost: expected a number"),
        ("RunningCost", {"transactionId": 1, "cost": 1e300}, "cost: expected a number"),
        ("RunningCost", RUNNING | {"state": "Sleeping"}, "state: "),
        ("RunningCost", RUNNING | {"timestamp": "yesterday"}, "RFC 3339"),
        ("RunningCost", RUNNING | {"chargingPrice": 5}, "chargingPrice: expected an object"),
        ("RunningCost", RUNNING | {"triggerMeterValue": {"atCPStatus": 5}}, "atCPStatus: expected"),
        ("SetUserPrice", {"priceText": "x"}, "idToken: expected a text"),
        ("SetUserPrice", {"idToken": "x"}, "priceText is missing"),
        ("SetUserPrice", {"idToken": "x", "priceText": "x", "priceTextExtra": "nl"}, "priceTextExtra: expected a list"),
        ("SetUserPrice", {"idToken": "x", "priceText": "x", "priceTextExtra": ["nl"]}, "priceTextExtra: expected an"),
        ("FinalCost", {"transactionId": 1, "cost": 1, "qrCodeText": 5}, "qrCodeText: expected a text"),
        ("RunningCost", RUNNING | {"triggerMeterValue": {"atCPStatus": [["x"]]}}, "atCPStatus: expected a list"),
        ("SetUserPrice", {"idToken": "x" * 37, "priceText": "x"}, "idToken: expected a text of at most 36"),
        ("SetUserPrice", {"idToken": "x", "priceText": "x" * 1025}, "priceText: expected a text of at most 1024"),
        ("SetUserPrice", {"idToken": "x", "priceText": "x", "priceTextExtra": [{}] * 21}, "a list of at most 20"),
    ],
)
def test_data_that_does_not_fit_is_refused_with_the_reason(
    dialect: Dialect, message_id: str, data: Any, why: str
) -> None:
    said = says(dialect, transfer(message_id, data))
    assert said["status"] == "Rejected"
    assert why in said["data"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted({*RUNNING, "atCPStatus"})), inner)
    ),
    max_leaves=9,
)


@given(
    st.dictionaries(st.sampled_from(sorted({*RUNNING, "idToken", "priceText", "priceTextExtra", "qrCodeText"})), JSON)
)
def test_whatever_the_data_is_it_has_an_answer(data: dict[str, Any]) -> None:
    dialect = loaded("1.6")
    for message_id in ("RunningCost", "SetUserPrice", "FinalCost"):
        command = asked(dialect, "DataTransfer", transfer(message_id, RUNNING | data))
        assert not isinstance(command, Refusal)


def test_a_station_without_a_display_does_not_know_the_vendor() -> None:
    from chargepointd.dialects.dialect import load

    plan = PLAN._replace(displays=())
    dialect = load("ocpp1.6", plan, registry(plan))
    assert says(dialect, transfer("RunningCost", RUNNING)) == {"status": "UnknownVendorId"}
    refusal = load("ocpp2.0.1", plan, registry(plan)).command("CostUpdated", {"totalCost": 1, "transactionId": "t"})
    assert isinstance(refusal, Refusal)
    assert refusal.code == "NotSupported"


def test_that_a_car_has_left(dialect: Dialect) -> None:
    said = told(dialect, CableLeft("b-1", 98765, AT))
    assert said
    assert said[0] == "DataTransfer"
    assert said[1] | {"data": json.loads(said[1]["data"])} == {
        "vendorId": COSTMSG,
        "messageId": "ConnectorUnplugged",
        "data": {"transactionId": 98765, "timestamp": AT_TEXT},
    }
    assert told(dialect, CableLeft("b-1", None, AT)) is None
    assert told(loaded("2.0.1"), CableLeft("b-1", 98765, AT)) is None


def test_a_csms_that_does_not_know_the_vendor_is_asked_no_more(dialect: Dialect) -> None:
    left = CableLeft("b-1", 98765, AT)
    assert dialect.call(left, None)
    dialect.answer(left, {"status": "Rejected"})
    assert dialect.call(left, None)
    dialect.answer(left, {"status": "UnknownVendorId"})
    assert dialect.call(left, None) is None
    assert loaded("1.6").call(left, None), "over another connection it may have learned"


# -- 2.0.1 -------------------------------------------------------------------------------------------------------------


def test_cost_updated() -> None:
    dialect = loaded("2.0.1")
    payload: dict[str, Any] = {"totalCost": 1.345, "transactionId": "b-1"}
    assert asked(dialect, "CostUpdated", payload) == UpdateCost(D("1.345"), "b-1")
    assert answered(dialect, "CostUpdated", payload, c.Status("Rejected", "no such transaction is running")) == {}


@pytest.mark.parametrize("cost", [1e27, 1e308, -1e308])
def test_a_cost_that_nobody_could_owe_is_none(cost: float) -> None:
    """Nor could a display show it."""
    dialect = loaded("2.0.1")
    command = asked(dialect, "CostUpdated", {"totalCost": cost, "transactionId": "T1"})
    assert isinstance(command, Refusal)
    assert told_cost(dialect, {"totalCost": cost}) is None
    assert told_cost(dialect, {"totalCost": 3.5}) == 3.5


def told_cost(dialect: Dialect, payload: dict[str, Any]) -> float | None:
    """In the answer to a TransactionEvent."""
    found = dialect.answer(record(), payload)
    assert isinstance(found, RecordAnswered)
    return found.total_cost


def test_cost_updated_with_the_prices_behind_it() -> None:
    dialect = loaded("2.0.1")
    custom = {"vendorId": COSTMSG, **{k: v for k, v in RUNNING.items() if k not in ("transactionId", "cost")}}
    payload: dict[str, Any] = {"totalCost": 1.345, "transactionId": "b-1", "customData": custom}
    assert asked(dialect, "CostUpdated", payload) == COST._replace(transaction_id="b-1")
    custom["state"] = "Sleeping"
    assert isinstance(dialect.command("CostUpdated", payload), Refusal)


def test_the_answer_to_a_transaction_event_may_have_the_prices_too() -> None:
    dialect = loaded("2.0.1")
    custom = {"vendorId": COSTMSG, **{k: v for k, v in RUNNING.items() if k not in ("transactionId", "cost")}}
    said: Any = dialect.answer(record("Updated"), {"totalCost": 1.345, "customData": custom})
    assert (said.total_cost, said.cost) == (1.345, COST)
    for other in ({"vendorId": "org.example"}, {"vendorId": COSTMSG, "state": "Sleeping"}):
        said = dialect.answer(record("Updated"), {"totalCost": 1.345, "customData": other})
        assert (said.total_cost, said.cost) == (1.345, None)


def test_what_a_display_cannot_show_is_no_text_for_it() -> None:
    dialect = loaded("2.0.1")
    for style, text in (("UTF8", "0.30"), ("ASCII", "0.30"), ("HTML", None), ("URI", None)):
        message = {"format": style, "content": "0.30"}
        said: Any = dialect.answer(record("Updated"), {"updatedPersonalMessage": message})
        assert said.message == text
        info = {"status": "Accepted", "personalMessage": message}
        said = dialect.answer(Authorize(Token("T")), {"idTokenInfo": info})
        assert said.info.message == text


# -- keys --------------------------------------------------------------------------------------------------------------

PRICE = {
    "priceText": "$0.45/kWh", "priceTextOffline": "Unknown while offline",
    "chargingPrice": {"kWhPrice": 0.45, "hourPrice": 0, "flatFee": 1},
}  # fmt: skip


def change(dialect: Dialect, variables: Registry, key: str, value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value)
    return obeyed(dialect, variables, "ChangeConfiguration", {"key": key, "value": text})["status"]


def value(dialect: Dialect, variables: Registry, key: str) -> Any:
    return obeyed(dialect, variables, "GetConfiguration", {"key": [key]})["configurationKey"][0]["value"]


def test_the_default_price_is_that_of_the_device_model() -> None:
    variables = registry()
    dialect = loaded("1.6", variables)
    assert value(dialect, variables, "DefaultPrice") == ""
    assert change(dialect, variables, "DefaultPrice", PRICE) == "Accepted"
    assert variables.text("TariffCostCtrlr.TariffFallbackMessage") == "$0.45/kWh"
    assert variables.text("TariffCostCtrlr.OfflineTariffFallbackMessage") == "Unknown while offline"
    assert variables.text("TariffCostCtrlr.DefaultPrice[kWh]") == "0.45"
    assert json.loads(value(dialect, variables, "DefaultPrice")) == PRICE
    assert change(dialect, variables, "DefaultPrice", {"priceText": "free"}) == "Accepted"
    assert json.loads(value(dialect, variables, "DefaultPrice")) == {"priceText": "free"}
    assert variables.text("TariffCostCtrlr.OfflineTariffFallbackMessage") == ""


def test_a_price_text_by_language() -> None:
    variables = registry()
    dialect = loaded("1.6", variables)
    assert change(dialect, variables, "DefaultPriceText,nl", {"priceText": "gratis"}) == "Accepted"
    assert variables.text("TariffCostCtrlr.TariffFallbackMessage[nl]") == "gratis"
    assert json.loads(value(dialect, variables, "defaultpricetext,NL")) == {"priceText": "gratis"}
    assert change(dialect, variables, "DefaultPriceText,tlh", {"priceText": "DIlo'"}) == "NotSupported"
    assert value(dialect, variables, "SupportedLanguages").split(",")[0] == "en"


@pytest.mark.parametrize(
    "wrong",
    [
        "free",
        "[]",
        {"priceText": 5},
        {"priceText": "x" * 256},
        {"chargingPrice": {"kWhPrice": "0.45"}},
        {"chargingPrice": 1},
    ],
)
def test_what_is_no_price_changes_nothing(wrong: Any) -> None:
    variables = registry()
    dialect = loaded("1.6", variables)
    change(dialect, variables, "DefaultPrice", PRICE)
    assert change(dialect, variables, "DefaultPrice", wrong) == "Rejected"
    assert json.loads(value(dialect, variables, "DefaultPrice")) == PRICE


def test_prices_in_the_configuration_file() -> None:
    assert configured({"DefaultPrice": json.dumps({"priceText": "free"})}) == {
        "TariffCostCtrlr.TariffFallbackMessage": "free",
        "TariffCostCtrlr.OfflineTariffFallbackMessage": "",
        "TariffCostCtrlr.DefaultPrice[kWh]": "0",
        "TariffCostCtrlr.DefaultPrice[Hour]": "0",
        "TariffCostCtrlr.DefaultPrice[FlatFee]": "0",
    }
    with pytest.raises(ValueError, match="DefaultPrice: expected a JSON object such as"):
        configured({"DefaultPrice": "5"})
