"""A 2.0.1 station at the bench CSMS: what it is answered, what is in the books."""

import asyncio
from typing import Any

import pytest

from chargepointd.csms.v201 import ANSWERS
from chargepointd.dialects import rpc
from tests.csms_bench.bench import AT, Desk, bench, station

TOKEN = {"idToken": "ABC", "type": "ISO14443"}
PLACE = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}


def register(wh: float, **more: Any) -> list[dict[str, Any]]:
    return [{"timestamp": AT, "sampledValue": [{"value": wh, **more}]}]


def event(kind: str, number: int, **more: Any) -> dict[str, Any]:
    info = {"transactionId": "tx-1", **more.pop("info", {})}
    return {
        "eventType": kind,
        "timestamp": AT,
        "triggerReason": "Authorized",
        "seqNo": number,
        "transactionInfo": info,
        **more,
    }


def test_a_station_is_accepted_with_the_interval_and_the_time() -> None:
    async def story() -> None:
        async with bench(desk=Desk(interval_s=42)) as at, station(at) as cs:
            answer = await cs.boot("2.0.1")
            assert (answer["status"], answer["interval"]) == ("Accepted", 42)
            assert at.texts("boot") == ["V M, PowerUp: Accepted"]

    asyncio.run(story())


def test_a_whole_transaction_is_in_the_books_whatever_the_order_and_repetitions() -> None:
    reports = [
        event("Started", 0, evse={"id": 2, "connectorId": 1}, idToken=TOKEN, meterValue=register(1000)),
        event(
            "Updated", 1, meterValue=register(1.75, unitOfMeasure={"unit": "kWh"}), info={"chargingState": "Charging"}
        ),
        event("Ended", 2, meterValue=register(250, unitOfMeasure={"multiplier": 1}), info={"stoppedReason": "Remote"}),
    ]

    async def story(order: list[int]) -> None:
        async with bench() as at, station(at) as cs:
            for number in order:
                await cs.ask("TransactionEvent", reports[number])
            (transaction,) = at.csms.books.transactions
            assert (transaction.id, transaction.evse, transaction.token) == ("tx-1", 2, "ABC")
            assert (transaction.energy_wh, transaction.reason) == (1500.0, "Remote")
            assert (transaction.reports, transaction.repeated) == (3, len(order) - 3)

    for order in ([0, 1, 2], [2, 0, 1], [0, 0, 1, 2, 1, 2]):
        asyncio.run(story(order))


def test_the_opinion_of_a_token_is_given_where_one_is_named() -> None:
    async def story() -> None:
        async with bench(desk=Desk(refused=frozenset(["ABC"]))) as at, station(at) as cs:
            assert await cs.ask("TransactionEvent", event("Started", 0)) == {}
            answer = await cs.ask("TransactionEvent", event("Updated", 1, idToken=TOKEN))
            assert answer == {"idTokenInfo": {"status": "Blocked"}}
            assert await cs.ask("Authorize", {"idToken": TOKEN}) == answer
            assert at.texts("transaction")[1].endswith(": Blocked")

    asyncio.run(story())


def test_a_report_and_an_event_name_their_variables() -> None:
    data = {**PLACE, "variableAttribute": [{"value": "11000"}]}
    connector = {
        "component": {"name": "Connector", "instance": "a", "evse": {"id": 1, "connectorId": 2}},
        "variable": {"name": "AvailabilityState"},
    }
    told = {
        "eventId": 1,
        "timestamp": AT,
        "trigger": "Delta",
        "actualValue": "Occupied",
        "eventNotificationType": "HardWiredNotification",
        **connector,
    }

    async def story() -> None:
        async with bench() as at, station(at) as cs:
            report = {"requestId": 7, "generatedAt": AT, "seqNo": 0, "tbc": True, "reportData": [data]}
            await cs.ask("NotifyReport", report)
            await cs.ask("NotifyEvent", {"generatedAt": AT, "seqNo": 0, "eventData": [told]})
            assert at.texts("report") == ["report 7, part 0, 1 variables, more follows; EVSE#1.Power=11000"]
            assert at.texts("event") == ["Connector[a]#1.2.AvailabilityState=Occupied (Delta)"]

    asyncio.run(story())


PERIOD = {"startPeriod": 0, "limit": 6.0}
SCHEDULE = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [PERIOD]}
PROFILE = {
    "id": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": [SCHEDULE],
}
ALERT = {
    "eventId": 1,
    "timestamp": AT,
    "trigger": "Alerting",
    "actualValue": "1",
    "eventNotificationType": "CustomMonitor",
    **PLACE,
}
OCSP = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "a",
    "issuerKeyHash": "b",
    "serialNumber": "1",
    "responderURL": "http://x",
}

REQUESTS: dict[str, dict[str, Any]] = {
    "BootNotification": {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}},
    "Heartbeat": {},
    "Authorize": {"idToken": TOKEN},
    "StatusNotification": {"timestamp": AT, "connectorStatus": "Available", "evseId": 1, "connectorId": 1},
    "TransactionEvent": event("Started", 0, idToken=TOKEN),
    "MeterValues": {"evseId": 1, "meterValue": register(1, measurand="SoC", location="EV")},
    "NotifyReport": {"requestId": 1, "generatedAt": AT, "seqNo": 0},
    "NotifyEvent": {"generatedAt": AT, "seqNo": 0, "eventData": [ALERT]},
    "NotifyMonitoringReport": {"requestId": 1, "seqNo": 0, "generatedAt": AT},
    "NotifyCustomerInformation": {"data": "x", "seqNo": 0, "generatedAt": AT, "requestId": 1},
    "NotifyDisplayMessages": {"requestId": 1},
    "ReportChargingProfiles": {"requestId": 1, "chargingLimitSource": "CSO", "evseId": 1, "chargingProfile": [PROFILE]},
    "SecurityEventNotification": {"type": "SettingSystemTime", "timestamp": AT},
    "SignCertificate": {"csr": "x"},
    "FirmwareStatusNotification": {"status": "Idle"},
    "PublishFirmwareStatusNotification": {"status": "Idle"},
    "LogStatusNotification": {"status": "Idle"},
    "ReservationStatusUpdate": {"reservationId": 1, "reservationUpdateStatus": "Expired"},
    "ClearedChargingLimit": {"chargingLimitSource": "CSO"},
    "NotifyChargingLimit": {"chargingLimit": {"chargingLimitSource": "EMS"}},
    "NotifyEVChargingNeeds": {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "DC"}},
    "NotifyEVChargingSchedule": {"timeBase": AT, "evseId": 1, "chargingSchedule": SCHEDULE},
    "Get15118EVCertificate": {"iso15118SchemaVersion": "x", "action": "Install", "exiRequest": "x"},
    "GetCertificateStatus": {"ocspRequestData": OCSP},
    "DataTransfer": {"vendorId": "x"},
}


@pytest.mark.parametrize("action", sorted(ANSWERS))
def test_every_message_of_a_station_is_answered_validly(action: str) -> None:
    async def story() -> None:
        async with bench() as at, station(at) as cs:
            answer = await cs.ask(action, REQUESTS[action])
            assert rpc.check("2.0.1", action, answer, "response") is None
            assert at.texts("violation") == []
            assert at.events[-1].data == {"action": action, "payload": REQUESTS[action]}

    asyncio.run(story())
