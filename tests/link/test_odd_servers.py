"""What servers, proxies and networks do that they should not."""

import asyncio
import socket
import struct

import pytest

from chargepointd.link import websocket
from chargepointd.link.websocket import MAX_TEXT

from .rig import (
    BINARY,
    CLOSE,
    CONT,
    LIMIT_S,
    NEVER,
    PING,
    PONG,
    TEXT,
    frame,
    profile,
    raw,
    read_frame,
    running,
    until_gone,
    upgrade,
)

AS_SHIPPED_S = websocket.CLOSE_S  # before any test shortens it


def close_code(payload: bytes) -> int:
    return int.from_bytes(payload[:2])


@pytest.mark.parametrize(
    ("status", "lines", "remedy"),
    [
        ("401 Unauthorized", [], "password"),
        ("403 Forbidden", [], "register"),
        ("404 Not Found", [], "path"),
        ("410 Gone", [], "url"),
        ("302 Found", ["Location: https://elsewhere/"], "elsewhere"),
        ("503 Service Unavailable", [], "trouble"),
    ],
)
def test_a_refused_upgrade_names_the_remedy(status, lines, remedy):
    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write("\r\n".join([f"HTTP/1.1 {status}", *lines, "Content-Length: 4", "", "nope"]).encode())
        await until_gone(reader)

    async def story():
        async with raw(refuse) as server, running(profile(server.port)) as rig:
            await rig.until(lambda: len(rig.failed) == 2)
            assert rig.failed[0].kind == ("unauthorized" if remedy in ("password", "register") else "http")
            assert f"HTTP {status[:3]}" in rig.failed[0].reason
            assert remedy in rig.failed[0].reason
            assert rig.opened == []

    asyncio.run(story())


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.0 200 OK\r\n\r\n", b"\x00" * 9000, b""])
def test_what_is_no_websocket_server(answer):
    async def other(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    async def story():
        async with raw(other) as server, running(profile(server.port)) as rig:
            await rig.until(lambda: len(rig.failed) == 2)
            assert rig.failed[0].kind == "http"

    asyncio.run(story())


def test_a_wrong_accept_key_is_refused():
    async def wrong(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"
        )
        await until_gone(reader)

    async def story():
        async with raw(wrong) as server, running(profile(server.port)) as rig:
            await rig.until(lambda: rig.failed)
            assert rig.failed[0].kind == "http"

    asyncio.run(story())


@pytest.mark.parametrize("chosen", [None, "ocpp1.5", "ocpp1.6, ocpp2.0.1"])
def test_a_server_that_chooses_none_of_the_versions_offered(chosen):
    seen = []

    async def choose(reader, writer):
        await upgrade(reader, writer, subprotocol=chosen)
        seen.append(await reader.read())

    async def story():
        async with raw(choose) as server, running(profile(server.port)) as rig:
            await rig.until(lambda: len(rig.failed) == 2)
            assert [ended.kind for ended in rig.failed[:2]] == ["subprotocol"] * 2
            assert rig.opened == []

    asyncio.run(story())
    assert seen


def test_a_compression_nobody_asked_for_is_refused():
    async def compress(reader, writer):
        await upgrade(reader, writer, "Sec-WebSocket-Extensions: permessage-deflate")
        await until_gone(reader)

    async def story():
        async with raw(compress) as server, running(profile(server.port)) as rig:
            await rig.until(lambda: rig.failed)
            assert rig.failed[0].kind == "http"

    asyncio.run(story())


def test_a_server_that_never_answers_costs_the_open_timeout_only():
    async def silent(reader, _writer):
        await until_gone(reader)

    async def story():
        async with raw(silent) as server, running(profile(server.port, open_timeout_s=0.05)) as rig:
            await server.until_connections(2)
            assert rig.failed[0].kind == "timeout"

    asyncio.run(story())


def test_a_server_that_sends_byte_by_byte():
    async def slow(reader, writer):
        class Single:
            def write(self, data: bytes) -> None:
                for n in range(len(data)):
                    writer.write(data[n : n + 1])

        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        single = Single()
        await upgrade(reader, single)
        for byte in frame(PING, b"hi") + frame(TEXT, '[2,"ä"]'.encode()) + frame(TEXT, b"y" * 300):
            writer.write(bytes([byte]))
            await writer.drain()
        assert await read_frame(reader) == (PONG, b"hi")
        await until_gone(reader)

    async def story():
        async with raw(slow) as server, running(profile(server.port)) as rig:
            await rig.until(lambda: len(rig.texts) == 2)
            assert rig.texts == ['[2,"ä"]', "y" * 300]

    asyncio.run(story())


def test_fragments_are_put_together_with_a_ping_in_between():
    whole = '["ä€😀"]'.encode()

    async def fragmented(reader, writer):
        await upgrade(reader, writer)
        writer.write(frame(TEXT, whole[:3], fin=False) + frame(PING, b"") + frame(CONT, b"", fin=False))
        writer.write(frame(CONT, whole[3:7], fin=False) + frame(CONT, whole[7:]) + frame(TEXT, b"next"))
        await until_gone(reader)

    async def story():
        async with raw(fragmented) as server, running(profile(server.port)) as rig:
            await rig.until(lambda: len(rig.texts) == 2)
            assert rig.texts == [whole.decode(), "next"]

    asyncio.run(story())


def test_a_handshake_and_texts_in_one_packet():
    async def eager(reader, writer):
        class Together:
            data = b""

            def write(self, data: bytes) -> None:
                self.data += data

        together = Together()
        await upgrade(reader, together)
        writer.write(together.data + frame(TEXT, b"1") + frame(TEXT, b"2") + frame(CLOSE, b"\x03\xe8"))
        await until_gone(reader)

    async def story():
        async with raw(eager) as server, running(profile(server.port), NEVER) as rig:
            await rig.until(lambda: rig.closed)
            assert rig.order == ["open", "text", "text", "close"]

    asyncio.run(story())


def test_a_message_of_two_megabytes_is_handed_on():
    big = "x" * (2 * 1024 * 1024)

    async def send(reader, writer):
        await upgrade(reader, writer)
        writer.write(frame(TEXT, big.encode()) + frame(TEXT, b"after"))
        await until_gone(reader)

    async def story():
        async with raw(send) as server, running(profile(server.port)) as rig:
            await rig.until(lambda: len(rig.texts) == 2)
            assert rig.texts == [big, "after"]
            assert rig.closed == []

    asyncio.run(story())


TOO_BIG = (MAX_TEXT + 1).to_bytes(8)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x7f" + TOO_BIG, 1009),
        (b"\x81\x7f\x7f" + b"\xff" * 7, 1009),
        (frame(TEXT, b"x" * MAX_TEXT, fin=False) + frame(CONT, b"x"), 1009),
        (frame(TEXT, b"\xff\xfe"), 1007),
        (frame(TEXT, "ä".encode()[:1], fin=False) + frame(CONT, b"x"), 1007),
        (frame(3, b"x"), 1002),
        (frame(CONT, b"x"), 1002),
        (b"\xc1\x01x", 1002),
        (b"\x81\x81abcdx", 1002),
        (frame(PING, b"x", fin=False), 1002),
    ],
)
def test_a_broken_frame_closes_with_its_code_and_a_new_connection_follows(sent, code):
    codes = []

    async def break_it(reader, writer):
        await upgrade(reader, writer)
        writer.write(sent + frame(TEXT, b"never read"))
        opcode, payload = await read_frame(reader)
        codes.append((opcode, close_code(payload)))

    async def story():
        async with raw(break_it) as server, running(profile(server.port)) as rig:
            await server.until_connections(2)
            assert rig.closed[0].kind == "protocol"
            assert rig.texts == []

    asyncio.run(story())
    assert codes[0] == (CLOSE, code)


def test_binary_messages_are_passed_over(caplog):
    async def binary(reader, writer):
        await upgrade(reader, writer)
        writer.write(frame(BINARY, b"\x00\xff", fin=False) + frame(CONT, b"\xff") + frame(BINARY, b"1"))
        writer.write(frame(TEXT, b"text"))
        await until_gone(reader)

    async def story():
        async with raw(binary) as server, running(profile(server.port)) as rig:
            await rig.until(lambda: rig.texts)
            assert rig.texts == ["text"]

    asyncio.run(story())
    assert len([record for record in caplog.records if "binary" in record.message]) == 1


def test_a_half_open_link_is_given_up():
    pings = []

    async def never_pong(reader, writer):
        await upgrade(reader, writer)
        while True:
            pings.append(await read_frame(reader))

    async def story():
        async with raw(never_pong) as server, running(profile(server.port), ping_interval=lambda: 0.03) as rig:
            await server.until_connections(2)
            assert rig.closed[0].kind == "pong"

    asyncio.run(story())
    assert pings[0] == (PING, b"")


def test_a_server_that_pongs_keeps_its_connection():
    async def story():
        enough = asyncio.Event()

        async def pong(reader, writer):
            await upgrade(reader, writer)
            for _ in range(5):
                opcode, payload = await read_frame(reader)
                assert opcode == PING
                writer.write(frame(PONG, payload))
            enough.set()
            await until_gone(reader)

        async with raw(pong) as server, running(profile(server.port), ping_interval=lambda: 0.03) as rig:
            async with asyncio.timeout(LIMIT_S):
                await enough.wait()
            assert server.connections == 1
            assert rig.closed == []

    asyncio.run(story())


def test_pings_can_be_turned_on_while_connected():
    async def story():
        interval_s = 0.0
        pinged = asyncio.Event()

        async def wait(reader, writer):
            await upgrade(reader, writer)
            assert (await read_frame(reader))[0] == PING
            pinged.set()
            await until_gone(reader)

        async with raw(wait) as server, running(profile(server.port), ping_interval=lambda: interval_s) as rig:
            await rig.until(lambda: rig.opened)
            interval_s = 0.02
            rig.link.ping_changed()
            async with asyncio.timeout(LIMIT_S):
                await pinged.wait()

    asyncio.run(story())


def test_a_link_that_is_not_read_on_purpose_is_not_taken_for_dead():
    async def story():
        enough = asyncio.Event()

        async def never_pong(reader, writer):
            await upgrade(reader, writer)
            writer.write(frame(TEXT, b"stop"))
            await until_gone(reader)

        async with raw(never_pong) as server, running(profile(server.port), ping_interval=lambda: 0.01) as rig:
            rig.after_text = lambda text: rig.link.pause_reading()
            await rig.until(lambda: rig.texts)
            asyncio.get_running_loop().call_later(0.1, enough.set)
            await enough.wait()
            assert rig.closed == []
            rig.link.resume_reading()
            await rig.until(lambda: rig.closed)
            assert rig.closed[0].kind == "pong"

    asyncio.run(story())


def test_a_reset_is_a_lost_connection():
    async def reset(reader, writer):
        await upgrade(reader, writer)
        await writer.drain()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def story():
        async with raw(reset) as server, running(profile(server.port)) as rig:
            await server.until_connections(2)
            assert (rig.closed or rig.failed)[0].kind in ("lost", "refused")

    asyncio.run(story())


def test_a_server_that_ignores_the_close_frame_does_not_hold_up_the_end(monkeypatch):
    assert AS_SHIPPED_S <= 1.0
    monkeypatch.setattr(websocket, "CLOSE_S", 0.3)

    async def story():
        async def stubborn(reader, writer):
            await upgrade(reader, writer)
            await until_gone(reader)

        loop = asyncio.get_running_loop()
        async with raw(stubborn) as server:
            async with running(profile(server.port)) as rig:
                await rig.until(lambda: rig.opened)
                started = loop.time()
            assert 0.25 < loop.time() - started < LIMIT_S / 2

    asyncio.run(story())


def test_a_server_that_does_not_read_is_given_up_before_memory_is():
    async def story():
        done = asyncio.Event()

        async def deaf(reader, writer):
            await upgrade(reader, writer)
            writer.transport.pause_reading()
            await done.wait()

        async with raw(deaf) as server, running(profile(server.port), NEVER) as rig:
            await rig.until(lambda: rig.opened)
            assert rig.link.writable
            text, sent = "x" * (1024 * 1024), 0
            while rig.link.connected and sent < 200:
                rig.link.send(text)
                sent += 1
                assert rig.link.writable is (sent == 0) or sent < 20
            await rig.until(lambda: rig.closed)
            assert 16 <= sent < 40
            assert "unread" in rig.closed[0].reason
            done.set()

    asyncio.run(story())


def test_no_answer_is_lost_when_many_requests_come_in_one_packet():
    async def story():
        answered = asyncio.Event()

        async def burst(reader, writer):
            await upgrade(reader, writer)
            writer.write(b"".join(frame(TEXT, b"%d" % n) for n in range(1000)))
            assert [(await read_frame(reader))[1] for _ in range(1000)] == [b"%d" % n for n in range(1000)]
            answered.set()
            await until_gone(reader)

        async with raw(burst) as server, running(profile(server.port), echo=True):
            async with asyncio.timeout(LIMIT_S):
                await answered.wait()

    asyncio.run(story())


def test_what_has_not_left_is_known_to_the_byte():
    """In our buffer and in the system's: a pong cannot come before it has left."""

    async def story():
        read_on = asyncio.Event()

        async def slow(reader, writer):
            await upgrade(reader, writer)
            writer.transport.pause_reading()
            await read_on.wait()
            writer.transport.resume_reading()
            await until_gone(reader)

        async with raw(slow) as server, running(profile(server.port), NEVER) as rig:
            await rig.until(lambda: rig.opened)
            for _ in range(12):
                rig.link.send("x" * (1024 * 1024))
            ws = rig.link._ws
            assert 1024 * 1024 < ws._unsent() <= 12 * 1024 * 1024 + 1000
            read_on.set()
            async with asyncio.timeout(LIMIT_S):
                while True:
                    if not ws._unsent():
                        return
                    await asyncio.sleep(0.01)

    asyncio.run(story())
