"""A 1.6 station at the bench CSMS: what it is answered, what is in the books."""

import asyncio
from typing import Any

import pytest

from chargepointd.csms.v16 import ANSWERS
from chargepointd.dialects import rpc
from tests.csms_bench.bench import AT, Bench, Desk, Station, bench, station

START = {"connectorId": 1, "idTag": "ABC", "meterStart": 1000, "timestamp": AT}


def values(**sampled: Any) -> list[dict[str, Any]]:
    return [{"timestamp": "2026-03-01T10:30:00Z", "sampledValue": [sampled]}]


def test_a_station_is_accepted_with_the_interval_and_the_time() -> None:
    async def story() -> None:
        async with bench(desk=Desk(interval_s=42)) as at, station(at, "1.6") as cp:
            answer = await cp.boot("1.6")
            assert (answer["status"], answer["interval"]) == ("Accepted", 42)
            assert rpc.check("1.6", "BootNotification", answer, "response") is None
            assert at.csms.lines["CP1"].booted

    asyncio.run(story())


def test_a_whole_transaction_is_in_the_books() -> None:
    async def story() -> None:
        async with bench() as at, station(at, "1.6") as cp:
            started = await cp.ask("StartTransaction", START)
            number = started["transactionId"]
            assert started["idTagInfo"] == {"status": "Accepted"}
            await cp.ask(
                "MeterValues",
                {"connectorId": 1, "transactionId": number, "meterValue": values(value="2.5", unit="kWh")},
            )
            await cp.ask(
                "StopTransaction",
                {
                    "transactionId": number,
                    "meterStop": 4000,
                    "timestamp": "2026-03-01T11:00:00Z",
                    "reason": "EVDisconnected",
                },
            )
            (transaction,) = at.csms.books.transactions
            assert (transaction.station, transaction.id, transaction.evse, transaction.token) == (
                "CP1",
                str(number),
                1,
                "ABC",
            )
            assert (transaction.started_at, transaction.ended_at) == (AT, "2026-03-01T11:00:00Z")
            assert (transaction.energy_wh, transaction.reason) == (3000.0, "EVDisconnected")
            assert "1500.0 Wh so far" in at.texts("transaction")[1]

    asyncio.run(story())


def test_a_repeated_start_gets_the_same_number_and_a_new_one_another() -> None:
    async def story() -> None:
        async with bench() as at, station(at, "1.6") as cp:
            first, again = [await cp.ask("StartTransaction", START) for _ in range(2)]
            other = await cp.ask("StartTransaction", START | {"connectorId": 2})
            assert first == again
            assert other["transactionId"] != first["transactionId"]
            assert len(at.csms.books.transactions) == 2
            assert at.texts("transaction")[1].endswith("(told before)")

    asyncio.run(story())


def test_what_belongs_to_a_start_that_got_no_number_is_not_booked() -> None:
    async def story() -> None:
        async with bench() as at, station(at, "1.6") as cp:
            await cp.ask("StopTransaction", {"transactionId": -1, "meterStop": 1, "timestamp": AT})
            assert at.csms.books.transactions == []

    asyncio.run(story())


def test_a_refused_token_is_refused_everywhere_and_in_any_case() -> None:
    async def story() -> None:
        async with bench(desk=Desk(refused=frozenset(["abc"]))) as at, station(at, "1.6") as cp:
            assert await cp.ask("Authorize", {"idTag": "ABC"}) == {"idTagInfo": {"status": "Blocked"}}
            assert (await cp.ask("StartTransaction", START))["idTagInfo"] == {"status": "Blocked"}
            assert await cp.ask("Authorize", {"idTag": "DEF"}) == {"idTagInfo": {"status": "Accepted"}}
            assert at.texts("token") == ["ABC: Blocked", "DEF: Accepted"]

    asyncio.run(story())


REQUESTS: dict[str, dict[str, Any]] = {
    "BootNotification": {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1"},
    "Heartbeat": {},
    "Authorize": {"idTag": "ABC"},
    "StatusNotification": {"connectorId": 0, "errorCode": "GroundFailure", "status": "Faulted", "info": "wet"},
    "StartTransaction": START,
    "StopTransaction": {
        "transactionId": 7,
        "meterStop": 5,
        "timestamp": AT,
        "idTag": "ABC",
        "transactionData": values(value="x"),
    },
    "MeterValues": {"connectorId": 1, "meterValue": values(value="230", measurand="Voltage")},
    "DataTransfer": {"vendorId": "x"},
    "DiagnosticsStatusNotification": {"status": "Idle"},
    "FirmwareStatusNotification": {"status": "Idle"},
    "LogStatusNotification": {"status": "Idle"},
    "SecurityEventNotification": {"type": "Tampering", "timestamp": AT, "techInfo": "lid"},
    "SignedFirmwareStatusNotification": {"status": "Idle"},
    "SignCertificate": {"csr": "x"},
}


@pytest.mark.parametrize("action", sorted(ANSWERS))
def test_every_message_of_a_station_is_answered_validly(action: str) -> None:
    async def story() -> None:
        async with bench() as at, station(at, "1.6") as cp:
            answer = await cp.ask(action, REQUESTS[action])
            assert rpc.check("1.6", action, answer, "response") is None
            assert at.texts("violation") == []
            assert at.events[-1].data == {"action": action, "payload": REQUESTS[action]}

    asyncio.run(story())


def test_a_call_is_answered_by_the_station() -> None:
    async def story(at: Bench, cp: Station) -> None:
        async with asyncio.TaskGroup() as parts:
            asked = parts.create_task(at.csms.call("CP1", "Reset", {"type": "Soft"}))
            assert (await cp.obey({"status": "Accepted"}))[2:] == ["Reset", {"type": "Soft"}]
        assert asked.result() == {"status": "Accepted"}

    async def run() -> None:
        async with bench() as at, station(at, "1.6") as cp:
            await story(at, cp)

    asyncio.run(run())
