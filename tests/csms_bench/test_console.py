"""What is typed becomes a call in the words of the station's version, and its answer becomes lines."""

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepointd.csms.books import KEPT, Books, Reading, Report
from chargepointd.csms.console import COMMANDS, Console, serve
from chargepointd.csms.desk import WrongArguments, flat
from chargepointd.csms.line import CallFailed
from tests.csms_bench.bench import AT, Bench, bench, station

ACCEPTED = {"status": "Accepted"}
SENT_16: list[tuple[str, str, dict[str, Any]]] = [
    ("start CP1 2 ABC", "RemoteStartTransaction", {"connectorId": 2, "idTag": "ABC"}),
    ("stop CP1 7", "RemoteStopTransaction", {"transactionId": 7}),
    ("reset CP1", "Reset", {"type": "Soft"}),
    ("reset CP1 now", "Reset", {"type": "Hard"}),
    ("set CP1 HeartbeatInterval 60", "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}),
    ("set CP1 Key 'two words'", "ChangeConfiguration", {"key": "Key", "value": "two words"}),
    ("availability CP1 inoperative", "ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
    ("availability CP1 2 operative", "ChangeAvailability", {"connectorId": 2, "type": "Operative"}),
    ("trigger CP1 Heartbeat", "TriggerMessage", {"requestedMessage": "Heartbeat"}),
    ('call CP1 Reset {"type": "Soft"}', "Reset", {"type": "Soft"}),
    ("call CP1 ClearCache", "ClearCache", {}),
    ("clear-profiles CP1", "ClearChargingProfile", {}),
    ("schedule CP1 0", "GetCompositeSchedule", {"connectorId": 0, "duration": 86_400}),
    ("cancel CP1 5", "CancelReservation", {"reservationId": 5}),
    ("list CP1 3", "SendLocalList", {"listVersion": 3, "updateType": "Full"}),
    (
        "list CP1 3 AB",
        "SendLocalList",
        {
            "listVersion": 3,
            "updateType": "Full",
            "localAuthorizationList": [{"idTag": "AB", "idTagInfo": {"status": "Accepted"}}],
        },
    ),
]
SENT_201: list[tuple[str, str, dict[str, Any]]] = [
    ("stop CP1 tx-1", "RequestStopTransaction", {"transactionId": "tx-1"}),
    ("reset CP1", "Reset", {"type": "OnIdle"}),
    ("reset CP1 now", "Reset", {"type": "Immediate"}),
    ("availability CP1 inoperative", "ChangeAvailability", {"operationalStatus": "Inoperative"}),
    (
        "availability CP1 2 1 operative",
        "ChangeAvailability",
        {"operationalStatus": "Operative", "evse": {"id": 2, "connectorId": 1}},
    ),
    (
        "trigger CP1 StatusNotification 2",
        "TriggerMessage",
        {"requestedMessage": "StatusNotification", "evse": {"id": 2}},
    ),
    ("clear-profiles CP1", "ClearChargingProfile", {"chargingProfileCriteria": {}}),
    ("schedule CP1 2 600", "GetCompositeSchedule", {"evseId": 2, "duration": 600}),
    ("cancel CP1 5", "CancelReservation", {"reservationId": 5}),
    (
        "list CP1 3 AB",
        "SendLocalList",
        {
            "versionNumber": 3,
            "updateType": "Full",
            "localAuthorizationList": [
                {"idToken": {"idToken": "AB", "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}}
            ],
        },
    ),
]


async def sent(version: str, line: str, answer: dict[str, Any]) -> tuple[list[Any], list[str]]:
    """What the station was asked, and the lines shown of its answer."""
    async with bench() as at, station(at, version) as cs:
        await at.told("connected")
        async with asyncio.TaskGroup() as parts:
            typed = parts.create_task(Console(at.csms).do(line))
            call = await cs.obey(answer)
        return call[2:], typed.result()


@pytest.mark.parametrize(
    ("version", "line", "action", "payload"),
    [("1.6", *case) for case in SENT_16] + [("2.0.1", *case) for case in SENT_201],
)
def test_a_command_is_sent_in_the_words_of_the_version(
    version: str, line: str, action: str, payload: dict[str, Any]
) -> None:
    assert asyncio.run(sent(version, line, ACCEPTED)) == ([action, payload], [f'{action}: {{"status":"Accepted"}}'])


@pytest.mark.parametrize(("version", "evse"), [("1.6", {"connectorId": 1}), ("2.0.1", {"evseId": 1, "connectorId": 1})])
def test_unlock_names_the_plug(version: str, evse: dict[str, int]) -> None:
    assert asyncio.run(sent(version, "unlock CP1 1", {"status": "Unlocked"}))[0] == ["UnlockConnector", evse]


def test_a_remote_start_in_201_has_its_own_number_each_time() -> None:
    (action, first), _ = asyncio.run(sent("2.0.1", "start CP1 2 ABC", ACCEPTED))
    (_, second), _ = asyncio.run(sent("2.0.1", "start CP1 2 ABC", ACCEPTED))
    assert (action, first["evseId"], first["idToken"]["idToken"]) == ("RequestStartTransaction", 2, "ABC")
    assert first["remoteStartId"] != second["remoteStartId"]


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@pytest.mark.parametrize(("evse", "kind"), [(2, "TxDefaultProfile"), (0, "MaxProfile")])
def test_a_limit_of_the_bench_is_a_profile_from_now_on(version: str, evse: int, kind: str) -> None:
    (action, payload), _ = asyncio.run(sent(version, f"profile CP1 {evse} 16A", ACCEPTED))
    profile = payload["csChargingProfiles" if version == "1.6" else "chargingProfile"]
    schedule = profile["chargingSchedule"] if version == "1.6" else profile["chargingSchedule"][0]
    assert (action, payload["connectorId" if version == "1.6" else "evseId"]) == ("SetChargingProfile", evse)
    assert profile["chargingProfilePurpose"].endswith(kind)
    assert (schedule["chargingRateUnit"], schedule["chargingSchedulePeriod"]) == (
        "A",
        [{"startPeriod": 0, "limit": 16.0}],
    )
    assert abs(datetime.fromisoformat(schedule["startSchedule"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_reservation_names_an_evse_or_any() -> None:
    (action, told), _ = asyncio.run(sent("1.6", "reserve CP1 5 0 AB 10", ACCEPTED))
    assert (action, told["connectorId"], told["idTag"], told["reservationId"]) == ("ReserveNow", 0, "AB", 5)
    assert timedelta(minutes=9) < datetime.fromisoformat(told["expiryDate"]) - datetime.now(UTC) < timedelta(minutes=11)
    (_, anywhere), _ = asyncio.run(sent("2.0.1", "reserve CP1 5 0 AB", ACCEPTED))
    assert "evseId" not in anywhere
    (_, there), _ = asyncio.run(sent("2.0.1", "reserve CP1 5 2 AB", ACCEPTED))
    assert (there["id"], there["evseId"]) == (5, 2)
    assert there["idToken"] == {"idToken": "AB", "type": "ISO14443"}


@pytest.mark.parametrize("limit", ["16", "A", "-3A", "1e3W", "nanA", "16 A"])
def test_a_limit_that_is_none(limit: str) -> None:
    with pytest.raises(WrongArguments, match="LIMIT: expected one such as 16A or 11000W"):
        flat(limit)


def test_configuration_keys_are_shown_a_line_each() -> None:
    answer = {
        "configurationKey": [{"key": "A", "readonly": True, "value": "1"}, {"key": "B", "readonly": False}],
        "unknownKey": ["C"],
    }
    asked, lines = asyncio.run(sent("1.6", "get CP1 A B C", answer))
    assert asked == ["GetConfiguration", {"key": ["A", "B", "C"]}]
    assert lines == ["A = 1 (read only)", "B = ", "C: unknown key"]


def test_variables_are_asked_for_and_shown_by_name() -> None:
    name = "Connector[a]#1.2.ConnectorType[b]"
    place = {
        "component": {"name": "Connector", "instance": "a", "evse": {"id": 1, "connectorId": 2}},
        "variable": {"name": "ConnectorType", "instance": "b"},
    }
    result = [{"attributeStatus": "Accepted", "attributeValue": "sType2", **place}]
    asked, lines = asyncio.run(sent("2.0.1", f"get CP1 {name}", {"getVariableResult": result}))
    assert asked == ["GetVariables", {"getVariableData": [place]}]
    assert lines == [f"{name} = sType2: Accepted"]


def test_a_refused_change_is_shown_with_its_reason() -> None:
    place = {"component": {"name": "AuthCtrlr"}, "variable": {"name": "Enabled"}}
    result = [{"attributeStatus": "Rejected", "attributeStatusInfo": {"reasonCode": "ReadOnly"}, **place}]
    asked, lines = asyncio.run(sent("2.0.1", "set CP1 AuthCtrlr.Enabled true", {"setVariableResult": result}))
    assert asked == ["SetVariables", {"setVariableData": [{**place, "attributeValue": "true"}]}]
    assert lines == ["AuthCtrlr.Enabled: Rejected (ReadOnly)"]


def test_without_a_name_all_is_asked_for() -> None:
    assert asyncio.run(sent("1.6", "get CP1", {}))[0] == ["GetConfiguration", {}]
    assert asyncio.run(sent("2.0.1", "get CP1", ACCEPTED))[0][0] == "GetBaseReport"


def test_raw_text_goes_out_as_it_is() -> None:
    async def story() -> None:
        async with bench() as at, station(at) as cs:
            await at.told("connected")
            assert await Console(at.csms).do('raw CP1 [2, "1", "No such thing" ') == []
            assert await asyncio.wait_for(cs.socket.recv(), 10) == '[2, "1", "No such thing"'

    asyncio.run(story())


def test_stations_and_transactions_are_listed() -> None:
    async def story() -> None:
        async with bench() as at:
            console = Console(at.csms)
            assert "no station is connected" in (await console.do("stations"))[0]
            assert "no transactions" in (await console.do("transactions"))[0]
            async with station(at, "1.6") as cp:
                await at.told("connected")
                assert await console.do("stations") == ["CP1  OCPP 1.6  not booted"]
                await cp.boot("1.6")
                assert await console.do("stations") == ["CP1  OCPP 1.6"]
                start = {"connectorId": 1, "idTag": "ABC", "meterStart": 5, "timestamp": AT}
                number = (await cp.ask("StartTransaction", start))["transactionId"]
                row = f"CP1  {number}  EVSE 1  token ABC  {AT} .. open  0.0 Wh"
                assert await console.do("transactions CP1") == [row]
                assert "no transactions" in (await console.do("transactions CP2"))[0]

    asyncio.run(story())


def test_help_names_every_command() -> None:
    async def story() -> list[str]:
        return await Console(Bench().csms).do("help")

    assert [line.split()[0] for line in asyncio.run(story())] == list(COMMANDS)


@pytest.mark.parametrize(
    "line",
    [
        "dance",
        "start CP1 1",
        "start CP1 one ABC",
        "stop CP1 tx-1",
        "reset CP1 later",
        "availability CP1 maybe",
        "availability CP1 1 1 operative",
        "call CP1 Reset {",
        "call CP1 Reset []",
        "set CP1 Key 'open",
    ],
)
def test_what_makes_no_sense_is_said(line: str) -> None:
    async def story() -> None:
        async with bench() as at, station(at, "1.6"):
            await at.told("connected")
            with pytest.raises(WrongArguments):
                await Console(at.csms).do(line)
            assert at.texts("call") == []

    asyncio.run(story())


@pytest.mark.parametrize("name", ["Enabled", "A.B.C", "A#x.B", ".B", "A."])
def test_a_name_that_is_no_variable_is_said(name: str) -> None:
    async def story() -> None:
        async with bench() as at, station(at):
            await at.told("connected")
            with pytest.raises(WrongArguments, match=r"COMPONENT\.VARIABLE"):
                await Console(at.csms).do(f"get CP1 {name}")

    asyncio.run(story())


def test_a_station_that_is_not_there_is_said() -> None:
    async def story() -> None:
        with pytest.raises(CallFailed, match="CP9 is not connected; connected: none"):
            await Console(Bench().csms).do("reset CP9")

    asyncio.run(story())


def test_lines_are_taken_from_a_pipe_until_its_end_and_mistakes_do_not_stop_it() -> None:
    shown: list[str] = []

    async def story() -> None:
        ours, theirs = os.pipe()
        os.write(theirs, b"stations\n\ndan")
        async with asyncio.TaskGroup() as parts:
            parts.create_task(serve(Console(Bench().csms), ours, lambda *lines: shown.extend(lines)))
            os.write(theirs, b"ce\ntransactions")
            os.close(theirs)
        os.close(ours)

    asyncio.run(asyncio.wait_for(story(), 10))
    assert [line.split()[0] for line in shown] == ["no", "error:", "no"]


# -- the books ---------------------------------------------------------------------------------------------------------


def _enter(books: Books, name: str, kind: Any, mark: int, energies: Sequence[float] = ()) -> None:
    books.enter("CP1", Report(kind, name, AT, mark, readings=tuple(Reading(each) for each in energies)))


def test_energy_is_from_the_least_to_the_greatest_register() -> None:
    books = Books(1)
    _enter(books, "a", "Updated", 1, [1500.0])
    _enter(books, "a", "Started", 0, [1000.0])
    _enter(books, "a", "Ended", 2, [1700.0, 1900.0])
    _enter(books, "a", "Ended", 2, [9999.0])
    assert [each.energy_wh for each in books.transactions] == [900.0]


def test_the_books_forget_the_oldest_that_has_ended() -> None:
    books = Books(1)
    _enter(books, "open", "Started", 0)
    _enter(books, "ended", "Ended", 0)
    for number in range(KEPT - 1):
        _enter(books, f"more-{number}", "Started", 0)
    assert len(books.transactions) == KEPT
    assert books.find("CP1", "ended") is None
    assert books.find("CP1", "open") is not None


def test_numbers_are_given_once_for_a_start_of_a_station() -> None:
    books = Books(7)
    assert [books.give_id(station, mark) for station, mark in (("A", 1), ("A", 1), ("B", 1), ("A", 2))] == [7, 7, 8, 9]
