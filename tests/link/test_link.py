"""The link against an ordinary server: what it tells, and when it connects."""

import asyncio
import base64
import logging
import socket
import threading
import time

import pytest
from websockets.asyncio.server import ServerConnection, serve

from chargepointd.link import connection
from chargepointd.link.backoff import Retry
from chargepointd.link.websocket import NotOpen

from .rig import LIMIT_S, NEVER, SHORT, Rig, profile, raw, running, until_gone

BOTH = ["ocpp1.6", "ocpp2.0.1"]


class Csms:
    """An ordinary server that keeps its connections."""

    def __init__(self) -> None:
        self.connections: list[ServerConnection] = []
        self._news = asyncio.Condition()

    async def handle(self, connection: ServerConnection) -> None:
        async with self._news:
            self.connections.append(connection)
            self._news.notify_all()
        await connection.wait_closed()

    async def connection(self, number: int) -> ServerConnection:
        async with asyncio.timeout(LIMIT_S), self._news:
            await self._news.wait_for(lambda: len(self.connections) > number)
        return self.connections[number]

    def serve(self, **options):
        return serve(self.handle, "127.0.0.1", options.pop("port", 0), subprotocols=BOTH, **options)


def port_of(server) -> int:
    return server.sockets[0].getsockname()[1]


def test_the_server_chooses_among_the_versions_offered_and_texts_go_both_ways():
    async def story():
        csms = Csms()
        async with csms.serve() as server, running(profile(port_of(server)), echo=True) as rig:
            connection = await csms.connection(0)
            assert connection.request.path == "/ocpp/CS%201%2F%C3%A4"
            assert connection.request.headers["Sec-WebSocket-Protocol"] == "ocpp2.0.1, ocpp1.6"
            assert "Authorization" not in connection.request.headers
            assert "Sec-WebSocket-Extensions" not in connection.request.headers
            for text in ("[2]", "", "ä€😀", "x" * 100_000):
                await connection.send(text)
                assert await connection.recv() == text
            assert rig.opened == [connection.subprotocol] == [rig.link.subprotocol]
            assert rig.link.connected

    asyncio.run(story())


def test_the_password_is_sent_but_never_logged(caplog):
    async def story():
        csms = Csms()
        made = profile(0, security_profile=1, password=b"\x00\xffgeheim", identity="CS1")
        async with csms.serve() as server, running(made._replace(url=f"ws://127.0.0.1:{port_of(server)}/")):
            sent = (await csms.connection(0)).request.headers["Authorization"]
        assert sent == "Basic " + base64.b64encode(b"CS1:\x00\xffgeheim").decode()
        return sent.removeprefix("Basic ")

    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets.server").setLevel(logging.INFO)
    secret = asyncio.run(story())
    assert "connected" in caplog.text
    assert secret not in caplog.text
    assert "geheim" not in caplog.text


def test_it_reconnects_when_the_server_closes():
    async def story():
        csms = Csms()
        async with csms.serve() as server, running(profile(port_of(server))) as rig:
            await (await csms.connection(0)).close(1001, "maintenance\nWARNING forged")
            await csms.connection(1)
            await rig.until(lambda: len(rig.opened) == 2)
            assert rig.order == ["open", "close", "open"]
            assert rig.closed[0].kind == "closed"
            assert rig.closed[0].reason.endswith("maintenance WARNING forged")

    asyncio.run(story())


def test_it_reconnects_when_the_connection_is_reset():
    async def story():
        csms = Csms()
        async with csms.serve() as server, running(profile(port_of(server))) as rig:
            (await csms.connection(0)).transport.abort()
            await csms.connection(1)
            assert rig.closed[0].kind == "lost"

    asyncio.run(story())


def test_it_keeps_trying_while_nobody_listens():
    async def story():
        csms = Csms()
        async with csms.serve() as server:
            port = port_of(server)
        async with running(profile(port)) as rig:
            await rig.until(lambda: len(rig.failed) >= 3)
            assert {ended.kind for ended in rig.failed} == {"refused"}
            async with csms.serve(port=port):
                await rig.until(lambda: rig.opened)

    asyncio.run(story())


def test_the_same_complaint_is_logged_once(caplog):
    async def story():
        csms = Csms()
        async with csms.serve() as server:
            port = port_of(server)
        async with running(profile(port)) as rig:
            await rig.until(lambda: len(rig.failed) >= 4)

    caplog.set_level(logging.INFO, "chargepointd")
    asyncio.run(story())
    assert [record.levelname for record in caplog.records if record.name.startswith("chargepointd")] == ["WARNING"]


def test_the_waits_double_until_a_good_connection():
    asked = []

    def chance():
        asked.append(1)
        return 0.0

    async def story():
        csms = Csms()
        async with csms.serve() as server:
            port = port_of(server)
        retry = Retry(0.02, 0.0, 2, floor_s=0.0)
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with running(profile(port), retry, random=chance) as rig:
            await rig.until(lambda: len(rig.failed) == 4)
            assert loop.time() - started >= 0.02 + 0.04 + 0.08
        assert len(asked) >= 3

    asyncio.run(story())


def test_a_server_that_drops_each_connection_at_once_is_met_with_growing_waits(caplog):
    async def story():
        async def drop(connection: ServerConnection) -> None:
            connection.transport.abort()

        retry = Retry(0.01, 0.0, 20, floor_s=0.0)
        async with (
            serve(drop, "127.0.0.1", 0, subprotocols=BOTH) as server,
            running(profile(port_of(server)), retry) as rig,
        ):
            await rig.until(lambda: len(rig.closed) == 4)

    caplog.set_level(logging.DEBUG, "chargepointd")
    asyncio.run(story())
    waits = [record.args[0] for record in caplog.records if "next attempt" in record.msg]
    assert waits[:3] == [0.01, 0.02, 0.04]


def test_without_any_wait_configured_there_is_still_no_tight_loop():
    assert Retry(0, 0, 0).floor_s >= 0.5


def test_retry_now_does_not_wait():
    async def story():
        csms = Csms()
        async with csms.serve() as server:
            port = port_of(server)
        async with running(profile(port), NEVER) as rig:
            await rig.until(lambda: rig.failed)
            async with csms.serve(port=port):
                rig.link.retry_now()
                await rig.until(lambda: rig.opened)

    asyncio.run(story())


def test_closing_and_retry_now_changes_the_profile_at_once():
    async def story():
        first, second = Csms(), Csms()
        async with first.serve() as old, second.serve() as new, running(profile(port_of(old)), NEVER) as rig:
            await rig.until(lambda: rig.opened)
            rig.profile = profile(port_of(new))
            rig.link.close(1000, "profile changed")
            assert not rig.link.connected
            rig.link.retry_now()
            await second.connection(0)
            await rig.until(lambda: len(rig.opened) == 2)
            assert rig.order == ["open", "close", "open"]
            assert first.connections[0].close_code == 1000

    asyncio.run(story())


def test_suspended_it_stays_away_until_resumed():
    async def story():
        csms = Csms()
        async with csms.serve() as server, running(profile(port_of(server))) as rig:
            connection = await csms.connection(0)
            await rig.until(lambda: rig.opened)
            rig.link.suspend()
            assert not rig.link.connected
            with pytest.raises(NotOpen):
                rig.link.send("[]")
            await rig.until(lambda: rig.closed)
            async with asyncio.timeout(LIMIT_S):
                await connection.wait_closed()
            rig.link.retry_now()  # does not lift it
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(10 * SHORT.floor_s):
                    await csms.connection(1)
            rig.link.resume()
            await csms.connection(1)
            assert rig.failed == []

    asyncio.run(story())


def test_suspended_and_resumed_in_one_breath_it_is_a_new_connection():
    async def story():
        csms = Csms()
        async with csms.serve() as server, running(profile(port_of(server)), NEVER) as rig:
            await rig.until(lambda: rig.opened)
            rig.link.suspend()
            rig.link.resume()
            await rig.until(lambda: len(rig.opened) == 2)
            assert rig.order == ["open", "close", "open"]

    asyncio.run(story())


def test_suspending_gives_up_an_attempt_under_way():
    async def story():
        gone = asyncio.Event()

        async def silent(reader, _writer):
            await until_gone(reader)
            gone.set()

        async with raw(silent) as server, running(profile(server.port, open_timeout_s=3600)) as rig:
            await server.until_connections(1)
            rig.link.suspend()
            async with asyncio.timeout(LIMIT_S):
                await gone.wait()
            assert rig.order == []
            rig.link.resume()
            await server.until_connections(2)

    asyncio.run(story())


def test_nothing_can_be_sent_before_the_connection():
    async def story():
        rig = Rig(profile(1))
        with pytest.raises(NotOpen):
            rig.link.send("[]")
        assert not rig.link.connected
        assert rig.link.subprotocol is None

    asyncio.run(story())


def test_cancelled_it_says_goodbye():
    async def story():
        csms = Csms()
        async with csms.serve() as server:
            async with running(profile(port_of(server))) as rig:
                connection = await csms.connection(0)
                await rig.until(lambda: rig.opened)
            async with asyncio.timeout(LIMIT_S):
                await connection.wait_closed()
            assert connection.close_code == 1001
            assert rig.order == ["open", "close"]

    asyncio.run(story())


@pytest.mark.parametrize("error", [ZeroDivisionError(), OSError(28, "No space left on device")])
def test_a_callback_that_raises_ends_the_run_with_its_error(error):
    def fail(_text):
        raise error

    async def story():
        csms = Csms()

        async def send(_rig):
            await (await csms.connection(0)).send("[]")

        async with csms.serve() as server:
            rig = Rig(profile(port_of(server)))
            rig.after_text = fail
            asyncio.get_running_loop().set_exception_handler(lambda *_: None)
            async with asyncio.timeout(LIMIT_S):
                _, raised = await asyncio.gather(send(rig), rig.link.run(), return_exceptions=True)
            assert error in (raised, raised.__cause__)
            assert rig.order == ["open", "text", "close"]

    asyncio.run(story())


def test_on_close_that_raises_ends_the_run_with_its_error():
    async def story():
        csms = Csms()

        async def abort():
            (await csms.connection(0)).transport.abort()

        async with csms.serve() as server:
            rig = Rig(profile(port_of(server)))
            rig.after_close = lambda: 1 / 0
            async with asyncio.timeout(LIMIT_S):
                _, error = await asyncio.gather(abort(), rig.link.run(), return_exceptions=True)
            assert isinstance(error, ZeroDivisionError)

    asyncio.run(story())


def test_paused_it_hands_on_nothing_and_loses_nothing():
    async def story():
        csms = Csms()
        async with csms.serve() as server, running(profile(port_of(server))) as rig:
            connection = await csms.connection(0)
            stops = {3, 5}
            rig.after_text = lambda text: rig.link.pause_reading() if len(rig.texts) in stops else None
            for n in range(500):
                await connection.send(str(n))
            await rig.until(lambda: len(rig.texts) == 3)
            rig.link.resume_reading()
            await rig.until(lambda: len(rig.texts) == 5)
            rig.link.resume_reading()
            await rig.until(lambda: len(rig.texts) == 500)
            assert rig.texts == [str(n) for n in range(500)]

    asyncio.run(story())


def test_a_host_name_is_looked_up():
    async def story():
        csms = Csms()
        async with csms.serve() as server, running(profile(port_of(server), host="localhost")) as rig:
            await rig.until(lambda: rig.opened)

    asyncio.run(story())


def test_an_unknown_host_name_is_a_failed_attempt():
    async def story():
        async with running(profile(1, host="no-such-host.invalid")) as rig:
            await rig.until(lambda: rig.failed)
            assert rig.failed[0].kind == "refused"
            assert "no-such-host.invalid" in rig.failed[0].reason

    asyncio.run(story())


def test_a_bad_profile_is_a_failed_attempt():
    async def story():
        async with running(profile(1, scheme="http")) as rig:
            await rig.until(lambda: len(rig.failed) == 2)
            assert rig.failed[0].kind == "profile"

    asyncio.run(story())


@pytest.mark.parametrize(("interval_s", "timers"), [(0, 0), (60, 1)])
def test_nothing_ticks_while_connected_without_pings(interval_s, timers):
    async def story():
        csms = Csms()
        async with (
            csms.serve(ping_interval=None) as server,
            running(profile(port_of(server)), ping_interval=lambda: interval_s) as rig,
        ):
            await rig.until(lambda: rig.opened)
            set_up = [handle for handle in asyncio.get_running_loop()._scheduled if not handle.cancelled()]
            ours = [handle for handle in set_up if handle._callback.__module__.startswith("chargepointd")]
            assert len(ours) == timers

    asyncio.run(story())


def test_cancelling_during_a_lookup_does_not_wait_for_it(monkeypatch):
    release = threading.Event()
    loop = started = None

    def hang(*_args, **_options):
        loop.call_soon_threadsafe(started.set)
        release.wait(LIMIT_S)
        return []

    async def story():
        nonlocal loop, started
        loop, started = asyncio.get_running_loop(), asyncio.Event()
        monkeypatch.setattr("socket.getaddrinfo", hang)
        async with running(profile(1, host="csms.invalid")) as rig, asyncio.timeout(LIMIT_S):
            await started.wait()
            assert rig.order == []

    asyncio.run(story())
    hung = [thread for thread in threading.enumerate() if thread.name == "resolve csms.invalid"]
    release.set()
    assert len(hung) == 1
    hung[0].join(LIMIT_S)  # it tells a loop that is closed: no harm
    assert not hung[0].is_alive()


def test_a_resolver_that_hangs_has_one_thread_for_a_name(monkeypatch):
    over, asked = threading.Event(), []

    def hang(*args, **kwargs):
        asked.append(args)
        over.wait(LIMIT_S)
        raise OSError("gone")

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    async def story():
        async with running(profile(9, host="csms.invalid", open_timeout_s=0.02)) as rig:
            await rig.until(lambda: len(rig.failed) == 5)
            assert len(asked) == 1
            over.set()
            await rig.until(lambda: rig.failed[-1].kind == "refused")

    asyncio.run(story())


def test_the_next_address_of_a_host_is_tried_when_the_first_refuses(monkeypatch):
    async def two(_host, _port):
        return ["127.0.0.2", "127.0.0.1"]

    async def story():
        csms = Csms()
        monkeypatch.setattr(connection, "addresses", two)
        async with csms.serve() as server, running(profile(port_of(server), host="csms.example"), NEVER) as rig:
            await rig.until(lambda: rig.opened)
            assert rig.failed == []
            assert csms.connections[0].request.headers["Host"] == f"csms.example:{port_of(server)}"

    asyncio.run(story())


def test_since_tells_the_last_change():
    async def story():
        csms = Csms()
        async with csms.serve() as server, running(profile(port_of(server)), NEVER) as rig:
            made = rig.link.since
            await rig.until(lambda: rig.opened)
            opened = rig.link.since
            rig.link.suspend()
            await rig.until(lambda: rig.closed)
            assert made < opened < rig.link.since <= time.monotonic()
            assert rig.link.suspended

    asyncio.run(story())
