"""What is not as it should be: bad frames, broken schemas, strangers, stations that do not answer."""

import asyncio
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chargepointd.csms.line import CallFailed
from chargepointd.csms.server import BenchCsms, PortTaken
from tests.csms_bench.bench import LIMIT_S, bench, station


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        ("hello", [4, "-1", "RpcFrameworkError"]),
        ("{}", [4, "-1", "RpcFrameworkError"]),
        ('[9,"7"]', [4, "7", "MessageTypeNotSupported"]),
        ('[2,"7","Heartbeat"]', [4, "7", "RpcFrameworkError"]),
        ('[2,"7","Heartbeat",{"x":1}]', [4, "7", "OccurrenceConstraintViolation"]),
        ('[2,"7","Authorize",{"idToken":1}]', [4, "7", "TypeConstraintViolation"]),
        ('[2,"7","NoSuchThing",{}]', [4, "7", "NotImplemented"]),
        ('[2,"7","Reset",{"type":"OnIdle"}]', [4, "7", "NotSupported"]),
    ],
)
def test_a_bad_frame_is_told_and_refused_and_the_conversation_goes_on(frame: str, answer: list[Any]) -> None:
    async def story() -> None:
        async with bench() as at, station(at) as cs:
            assert (await cs.frame(frame))[:3] == answer
            assert len(at.texts("violation")) == 1
            assert "currentTime" in await cs.ask("Heartbeat", {})

    asyncio.run(story())


@pytest.mark.parametrize(
    "frame", [b"\x00\xff", '[3,"nobody-asked",{}]', '[4,"nobody-asked","GenericError","",{}]', "[3]"]
)
def test_what_must_not_be_answered_is_told_only(frame: str | bytes) -> None:
    async def story() -> None:
        async with bench() as at, station(at) as cs:
            await cs.socket.send(frame)
            assert "currentTime" in await cs.ask("Heartbeat", {})
            assert len(at.texts("violation")) == 1

    asyncio.run(story())


def test_in_16_a_frame_without_an_id_is_not_answered() -> None:
    async def story() -> None:
        async with bench() as at, station(at, "1.6") as cp:
            await cp.socket.send("hello")
            assert "currentTime" in await cp.ask("Heartbeat", {})
            assert len(at.texts("violation")) == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([4, "ID", "NotSupported", "not here", {}], "Reset: NotSupported not here"),
        ([3, "ID", {"status": "Perhaps"}], "breaks the schema"),
        ([3, "ID"], "no message"),
    ],
)
def test_a_call_that_is_not_answered_well_fails_with_the_reason(answer: list[Any], reason: str) -> None:
    async def story() -> None:
        async with bench() as at, station(at) as cs, asyncio.TaskGroup() as parts:
            asked = parts.create_task(_failure(at.csms, "Reset", {"type": "OnIdle"}))
            call = await cs.hear()
            await cs.socket.send(json.dumps([call[1] if each == "ID" else each for each in answer]))
            assert reason in await asked

    asyncio.run(story())


def test_a_call_to_a_station_that_leaves_or_is_silent_fails() -> None:
    async def story() -> None:
        async with bench() as at:
            async with station(at) as cs, asyncio.TaskGroup() as parts:
                assert "no answer within 0.01 s" in await _failure(at.csms, "Reset", {"type": "OnIdle"}, 0.01)
                await cs.hear()
                asked = parts.create_task(_failure(at.csms, "Reset", {"type": "OnIdle"}))
                await cs.hear()
                await cs.socket.close()
                assert "disconnected" in await asked
            assert "not connected" in await _failure(at.csms, "Reset", {"type": "OnIdle"})

    asyncio.run(story())


def test_a_call_that_breaks_the_schema_is_not_sent() -> None:
    async def story() -> None:
        async with bench() as at, station(at):
            await at.told("connected")
            assert "not sent" in await _failure(at.csms, "Reset", {"type": "Soft"})
            assert at.texts("call") == []

    asyncio.run(story())


async def _failure(csms: BenchCsms, action: str, payload: dict[str, Any], limit_s: float = LIMIT_S) -> str:
    with pytest.raises(CallFailed) as failed:
        await csms.call("CP1", action, payload, limit_s)
    return str(failed.value)


# -- who may connect ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("password", "status"), [("", 401), ("wrong", 401), ("right", 101)])
def test_a_password_is_asked_for(password: str, status: int) -> None:
    async def story() -> None:
        async with bench(password="right") as at:
            try:
                async with station(at, password=password) as cs:
                    assert "currentTime" in await cs.ask("Heartbeat", {})
                    assert status == 101
            except InvalidStatus as refused:
                assert refused.response.status_code == status
                assert at.texts("refused") == ["wrong or missing password"]

    asyncio.run(story())


def test_the_stations_preference_among_the_offered_versions_wins() -> None:
    async def story() -> None:
        async with bench() as at:
            async with station(at, versions=("1.6", "2.0.1")) as cs:
                assert cs.socket.subprotocol == "ocpp1.6"
            async with station(at, versions=("2.1", "2.0.1", "1.6")) as cs:
                assert cs.socket.subprotocol == "ocpp2.0.1"

    asyncio.run(story())


def test_without_a_common_version_the_connection_is_closed_after_the_handshake() -> None:
    async def story() -> None:
        async with bench(versions=("1.6",)) as at, station(at, "2.0.1") as cs:
            with pytest.raises(ConnectionClosed):
                await cs.hear()
            assert cs.socket.subprotocol is None
            assert at.csms.lines == {}
            assert "ocpp2.0.1" in (await at.told("refused")).text

    asyncio.run(story())


def test_a_path_without_an_identity_is_refused() -> None:
    async def story() -> None:
        async with bench() as at:
            with pytest.raises(InvalidStatus) as refused:
                async with station(at, name=""):
                    pass
            assert refused.value.response.status_code == 404

    asyncio.run(story())


def test_a_station_that_connects_anew_takes_the_place_of_its_earlier_connection() -> None:
    async def story() -> None:
        async with bench() as at, station(at) as old:
            await old.boot("2.0.1")
            async with station(at) as new:
                with pytest.raises(ConnectionClosed):
                    await old.hear()
                await new.boot("2.0.1")
                assert list(at.csms.lines) == ["CP1"]
            await at.told("disconnected", "code 1000")
            assert at.csms.lines == {}

    asyncio.run(story())


def test_an_identity_may_hold_what_is_escaped_in_a_url() -> None:
    async def story() -> None:
        async with bench(password="right") as at, station(at, name="CP 1*ü", password="right") as cs:
            await cs.boot("2.0.1")
            assert list(at.csms.lines) == ["CP 1*ü"]

    asyncio.run(story())


def test_a_taken_port_is_named() -> None:
    async def story() -> None:
        async with bench() as at:
            with pytest.raises(PortTaken, match=rf"cannot listen on 127\.0\.0\.1:{at.csms.address.port}.*--listen"):
                await BenchCsms(lambda event: None, at.csms.address).run()

    asyncio.run(story())
