"""The byte stream over a serial port, on real pseudo-terminals."""

import asyncio
import errno
import os
import subprocess
import sys

import pytest

from hal.buses.serial import SerialStream, open_failure
from hal.errors import BadConfig, NotConnected
from tests.hal.loop import run
from tests.hal.models.pty_device import PtyDevice


class Echo(PtyDevice):
    """Answers with what it is told, as long as it listens."""

    heard = b""
    listens = True

    def received(self, data: bytes) -> None:
        self.heard += data
        if self.listens:
            self.transmit(data)

    def powered_up(self) -> None:
        self.heard = b""

    def say(self, data: bytes) -> None:
        with self._lock:
            self.transmit(data)


@pytest.fixture
def echo():
    with Echo() as device:
        yield device


def test_what_is_written_arrives_and_what_arrives_is_read(echo):
    async def story():
        async with SerialStream(echo.port, 115200) as stream:
            await stream.write(b"one\rtwo\rthree")
            assert await stream.read_until(b"\r") == b"one\r"
            assert await stream.read_exactly(2) == b"tw"
            assert await stream.read_until(b"\r") == b"o\r"
            rest = b""
            while len(rest) < 5:
                rest += await stream.read_some()
            assert rest == b"three"

    run(story())


def test_bytes_0_to_255_pass_unchanged_one_by_one(echo):
    async def story():
        echo.piecemeal = True
        async with SerialStream(echo.port, 9600) as stream:
            await stream.write(bytes(range(256)))
            assert await stream.read_exactly(256) == bytes(range(256))

    run(story())


def test_a_cancelled_read_loses_nothing(echo):
    async def story():
        async with SerialStream(echo.port, 9600) as stream:
            await stream.write(b"half")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await stream.read_until(b"\r")
            await stream.write(b"+half\r")
            assert await stream.read_until(b"\r") == b"half+half\r"

    run(story())


def test_of_what_nobody_reads_the_last_4_kib_are_kept(echo):
    async def story():
        async with SerialStream(echo.port, 115200) as stream:
            for n in range(100):
                await stream.write(b"%04d" % n * 25)
                await asyncio.to_thread(echo.wait, lambda n=n: len(echo.heard) == (n + 1) * 100)
            async with asyncio.timeout(60):
                while not stream._kept.endswith(b"0099" * 25):
                    await stream._more()
            assert len(await stream.read_some()) == 4096

    run(story())


def test_discard_forgets_what_came_before(echo):
    async def story():
        echo.listens = False
        async with SerialStream(echo.port, 115200) as stream:
            echo.say(b"late answer")
            stream.discard()
            echo.say(b"fresh")
            assert await stream.read_exactly(5) == b"fresh"
            await stream.write(b"still open")
            await asyncio.to_thread(echo.wait, lambda: echo.heard == b"still open")

    run(story())


def test_a_large_write_waits_for_the_line_and_is_whole(echo):
    async def story():
        echo.listens = False
        data = os.urandom(100_000)
        async with SerialStream(echo.port, 115200) as stream:
            await stream.write(data)
            await asyncio.to_thread(echo.wait, lambda: len(echo.heard) == len(data))
            assert echo.heard == data

    run(story())


def test_pulling_the_adapter_ends_a_waiting_read_and_names_the_port(echo):
    async def story():
        async with SerialStream(echo.port, 115200) as stream:
            waiting = asyncio.ensure_future(stream.read_some())
            await asyncio.sleep(0)
            echo.detach()
            with pytest.raises(NotConnected, match="ttyDEVICE: lost"):
                await waiting
            with pytest.raises(NotConnected, match="ttyDEVICE"):
                await stream.write(b"x")
            with pytest.raises(NotConnected, match="ttyDEVICE"):
                await stream.read_until(b"\r")

    run(story())


def test_what_came_before_the_adapter_was_pulled_can_still_be_read(echo):
    async def story():
        async with SerialStream(echo.port, 115200) as stream:
            await stream.write(b"a\rb\r")
            assert await stream.read_until(b"\r") == b"a\r"
            async with asyncio.timeout(60):
                while not stream._kept.endswith(b"b\r"):
                    await stream._more()
            echo.detach()
            assert await stream.read_until(b"\r") == b"b\r"
            with pytest.raises(NotConnected):
                await stream.read_until(b"\r")

    run(story())


def test_the_port_opens_again_once_it_is_back(echo):
    async def story():
        async with SerialStream(echo.port, 115200):
            echo.detach()
        with pytest.raises(NotConnected, match=r"ttyDEVICE: no such port; is the adapter plugged in\?"):
            async with SerialStream(echo.port, 115200):
                pass
        echo.attach()
        async with SerialStream(echo.port, 115200) as stream:
            await stream.write(b"back")
            assert await stream.read_exactly(4) == b"back"

    run(story())


def test_a_port_is_for_one_program_and_free_again_after_closing(echo):
    async def story():
        async with SerialStream(echo.port, 115200):
            with pytest.raises(NotConnected, match="ttyDEVICE: in use by another"):
                async with SerialStream(echo.port, 115200):
                    pass
        async with SerialStream(echo.port, 115200) as stream:
            await stream.write(b"free")
            assert await stream.read_exactly(4) == b"free"

    run(story())


def test_a_closed_stream_says_so(echo):
    async def story():
        async with SerialStream(echo.port, 115200) as stream:
            pass
        with pytest.raises(NotConnected, match="ttyDEVICE"):
            await stream.write(b"x")
        with pytest.raises(NotConnected, match="ttyDEVICE: closed"):
            await stream.read_some()

    run(story())


OPENED_AND_CLOSED = """
import asyncio, os, sys
from hal.buses.serial import SerialStream
from hal.errors import BadConfig

async def story():
    async with SerialStream(sys.argv[1], 115200):
        pass
    before = os.listdir("/proc/self/fd")
    for _ in range(5):
        async with SerialStream(sys.argv[1], 115200):
            pass
        try:
            async with SerialStream("/dev/null", 9600):
                sys.exit("a port that is none was opened")
        except BadConfig:
            pass
    after = os.listdir("/proc/self/fd")
    sys.exit(0 if after == before else f"before {before}, after {after}")

asyncio.run(story())
"""


def test_no_file_descriptor_is_left_behind(echo):
    # In a process of its own: other tests' servers open and close theirs in this one.
    done = subprocess.run(
        [sys.executable, "-c", OPENED_AND_CLOSED, echo.port], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr


def test_more_than_is_kept_cannot_be_asked_for(echo):
    async def story():
        async with SerialStream(echo.port, 115200) as stream:
            with pytest.raises(ValueError, match="4096"):
                await stream.read_exactly(5000)

    run(story())


@pytest.mark.parametrize(
    ("port", "baud", "complaint"),
    [("/dev/null", 9600, "/dev/null: not a usable serial port"), ("PTY", -1, "does not take these settings")],
)
def test_what_a_person_must_mend_is_a_bad_configuration(echo, port, baud, complaint):
    async def story():
        with pytest.raises(BadConfig, match=complaint):
            async with SerialStream(echo.port if port == "PTY" else port, baud):
                pass

    run(story())


def test_without_permission_the_complaint_names_the_group():
    complaint = open_failure("/dev/null", PermissionError(errno.EACCES, "Permission denied"))
    assert isinstance(complaint, BadConfig)
    assert str(complaint) == '/dev/null: permission denied; add the daemon\'s user to the group "root"'


def test_without_permission_to_look_the_complaint_still_comes():
    complaint = open_failure("/nowhere/ttyS9", PermissionError(errno.EACCES, "Permission denied"))
    assert isinstance(complaint, BadConfig)
    assert "/nowhere/ttyS9: permission denied" in str(complaint)
