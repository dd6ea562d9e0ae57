"""N1: reconnects are spread and bounded, whatever keeps the station away, and so are the lines it logs about it."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest

from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import begin, brisk, delivered, finish, until
from tests.network.rude import CLOSE, RudeCsms, frame

pytestmark = [pytest.mark.process, pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)]

GROWING = {
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": 1,
    "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
    "OCPPCommCtrlr.RetryBackOffRepeatTimes": 2,
}


def waits(station: Station) -> list[float]:
    """What it waited, or waits, before each attempt (s)."""
    return [float(wait) for wait in re.findall(r"csms: next attempt in ([\d.]+) s", station.log)]


ANSWERS: dict[str, tuple[bytes, str]] = {
    "TCP only": (b"", "no websocket handshake"),
    "HTTP 503": (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP 503: the CSMS or a proxy before it is in trouble"),
    "HTTP 401": (b"HTTP/1.1 401 Unauthorized\r\n\r\n", "HTTP 401: wrong password or unknown identity"),
    "HTTP 404": (b"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404: nothing at this address"),
    "HTTP 301": (b"HTTP/1.1 301 Moved\r\nLocation: ws://elsewhere/\r\n\r\n", "HTTP 301: redirected to"),
}


@contextmanager
def answering(port: int, choose: Callable[[], bytes]) -> Iterator[None]:
    """Somebody at the port of the CSMS who answers each request so, and hangs up."""
    with socket.create_server(("127.0.0.1", port)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    there, _ = server.accept()
                    with there, suppress(OSError):
                        there.settimeout(10)
                        there.recv(65536)
                        there.sendall(choose())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_each_way_to_fail_has_its_remedy_and_the_station_comes_back(csms: Csms, dialect: str) -> None:
    answer = b""
    csms.offline()
    with answering(csms.listener.port, lambda: answer), Station(brisk(csms.url, dialect)) as station:
        for answer, remedy in ANSWERS.values():  # noqa: B007 - `choose` looks at it
            assert "WARNING" in station.wait_log(remedy)
        csms_away = station.log.count("WARNING")
        until(lambda: len(waits(station)) >= len(ANSWERS) + 3, "more attempts")
        assert station.log.count("WARNING") == csms_away, "the same complaint again"
        assert set(waits(station)) == {0.5}, "no wait is shorter, though the variables say 0"
    csms.online()


@pytest.mark.parametrize("what", ["closed at once", "closed after an answer"])
def test_a_csms_that_takes_each_connection_and_drops_it_is_met_with_growing_waits(dialect: str, what: str) -> None:
    """After three answered ones, which may be bad luck (TC_B_57), also where it answers first."""
    with RudeCsms(versions=(dialect,)) as csms:
        connected, answered = csms.on_connected, csms._send_answer

        def abort(line: Any) -> None:
            connected(line)
            line.abort()

        async def answer_and_close(line: Any, reply: Any) -> None:
            await answered(line, reply)
            await csms._inject(line, frame(CLOSE, b"\x03\xe8"))

        def close_if_all_was_said(line: Any) -> None:
            connected(line)
            if line.number > 3:
                csms.listener.later(0.1, csms._inject(line, frame(CLOSE, b"\x03\xe8")))

        if what == "closed at once":
            csms.on_connected = abort  # type: ignore[method-assign]
        else:
            csms.on_connected = close_if_all_was_said  # type: ignore[method-assign]
            csms._send_answer = answer_and_close  # type: ignore[method-assign]
        with Station(brisk(csms.url, dialect, **GROWING)) as station:
            growing = [1.0, 2.0] if what == "closed at once" else [1.0, 1.0, 1.0, 2.0]
            until(lambda: len(waits(station)) >= len(growing), "waits", 60.0)
            assert waits(station)[: len(growing)] == growing
            csms.on_connected, csms._send_answer = connected, answered  # type: ignore[method-assign]
            begin(station, csms)
            finish(station, csms)
            delivered(station)


def test_stations_whose_csms_restarts_wait_each_for_itself(csms: Csms, dialect: str) -> None:
    """The minimum and a random part: what they will wait is in their logs as soon as they are cut off."""
    spread = {"OCPPCommCtrlr.RetryBackOffWaitMinimum": 30, "OCPPCommCtrlr.RetryBackOffRandomRange": 600}
    with ExitStack() as all_of_them:
        stations = []
        for number in range(4):
            config = brisk(csms.url, dialect, **spread)
            config["station"]["id"] = f"STORM{number}"
            stations.append(all_of_them.enter_context(Station(config)))
        for number in range(4):
            csms.line(f"STORM{number}")
        csms.offline()
        for station in stations:
            station.wait_log("csms: next attempt in")
        first = [waits(station)[0] for station in stations]
        assert all(30 <= wait <= 630 for wait in first)
        assert len({round(wait) for wait in first}) >= 3


def test_a_csms_that_comes_and_goes_does_not_fill_the_log(csms: Csms, dialect: str) -> None:
    config = brisk(csms.url, dialect)
    config["log"] = {"level": "info"}
    with Station(config) as station:
        for connection in range(1, 9):
            csms.line()
            assert csms.line().number >= connection
            csms.drop()
        csms.line()
        lines = station.log.splitlines()
        assert sum("csms: connected" in line for line in lines) == 5
        assert sum("csms: disconnected" in line for line in lines) == 5
        assert len(lines) < 40
