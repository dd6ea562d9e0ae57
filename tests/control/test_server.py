import grp
import logging
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from chargepointd.control import output
from chargepointd.control.client import Client, DaemonNotRunning, Refused
from chargepointd.control.protocol import (
    BUSY,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    NOT_AVAILABLE,
    PARSE_ERROR,
    REFUSED,
    UNKNOWN_EVSE,
    UNKNOWN_METHOD,
    ControlError,
)
from chargepointd.control.server import CLIENT_LIMIT, CannotListen
from tests.control.conftest import STATUS, Station, Wire, deadline

Connect = Callable[[], Wire]


def test_a_call_is_answered_with_its_id(wire: Wire) -> None:
    assert wire.ask("status", "abc") == {"jsonrpc": "2.0", "id": "abc", "result": STATUS}


def test_many_requests_at_once_are_answered_in_their_order(wire: Wire) -> None:
    for n in range(50):
        wire.send(b'{"jsonrpc":"2.0","id":%d,"method":"start","params":{"evse":1,"token":"A"}}\n' % n)
    assert [wire.line()["id"] for _ in range(50)] == list(range(50))


def test_a_notification_is_done_and_not_answered(station: Station, wire: Wire) -> None:
    wire.send(b'{"jsonrpc":"2.0","method":"stop","params":{"evse":1}}\n')
    assert wire.ask("status", 7)["id"] == 7
    assert station.asked[0] == ("stop", {"evse": 1})


@pytest.mark.parametrize(
    "line, code, words",
    [
        (b"hello\n", PARSE_ERROR, "not JSON"),
        (b"[1, 2]\n", INVALID_REQUEST, "one object a line"),
        (b"[" * 60000 + b"\n", INVALID_REQUEST, "nested deeper"),
        (b'{"jsonrpc":"2.0","id":1,"method":"stauts"}\n', UNKNOWN_METHOD, 'did you mean "status"?'),
        (b'{"jsonrpc":"2.0","id":1,"method":"wtach"}\n', UNKNOWN_METHOD, 'did you mean "watch"?'),
        (b'{"jsonrpc":"2.0","id":1,"method":"sim.pause","params":{"evse":1}}\n', NOT_AVAILABLE, "simulator"),
        (b'{"jsonrpc":"2.0","id":1,"method":"start","params":{"evse":"one","token":"A"}}\n', INVALID_PARAMS, "evse:"),
        (
            b'{"jsonrpc":"2.0","id":1,"method":"start","params":{"evse":1,"token":"' + b"A" * 300 + b'"}}\n',
            INVALID_PARAMS,
            "token: expected 1-36",
        ),
        (b"x" * 1_000_000 + b"\n", INVALID_REQUEST, "longer than 65536 bytes"),
    ],
)
def test_bad_input_is_answered_and_the_connection_goes_on(
    station: Station, wire: Wire, line: bytes, code: int, words: str
) -> None:
    wire.send(line)
    error = wire.line()["error"]
    assert error["code"] == code
    assert words in error["message"]
    assert station.asked == []
    assert wire.ask("status", 2)["result"] == STATUS


def test_a_megabyte_without_an_end_is_answered_before_it_ends(wire: Wire) -> None:
    wire.send(b"x" * 1_000_000)
    assert wire.line()["error"]["code"] == INVALID_REQUEST
    wire.send(b"\n")
    assert wire.ask("status", 2)["id"] == 2


def test_half_a_line_is_no_request(station: Station, connect: Connect) -> None:
    wire = connect()
    wire.send(b'{"jsonrpc":"2.0","id":1,"method":"reset","params":{"mode":"immediate"}}')
    wire.socket.shutdown(socket.SHUT_WR)
    assert wire.rest() == []
    assert connect().ask("status")["result"] == STATUS
    assert [method for method, _ in station.asked] == ["status"]


def test_a_client_that_has_said_all_still_hears_the_answers(wire: Wire) -> None:
    wire.send(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n{"jsonrpc":"2.0","id":2,"method":"status"}\n')
    wire.socket.shutdown(socket.SHUT_WR)
    assert [line["id"] for line in wire.rest()] == [1, 2]


def test_a_client_that_vanishes_harms_nobody(station: Station, connect: Connect) -> None:
    for _ in range(CLIENT_LIMIT):
        wire = connect()
        wire.send(b'{"jsonrpc":"2.0","id":1,"method":"watch"}\n{"jsonrpc":"2.0","id":2,"method":"status"}\n')
        wire.close()
    assert _status_when_admitted(station.path) == STATUS
    station.wait_for_watchers(0)


def _status_when_admitted(path: Path) -> object:
    """What a client gets as soon as the server has noticed that others left."""
    in_time = deadline()
    while in_time():
        with Client(path) as client:
            try:
                return client.call("status", {})
            except Refused as refused:
                assert refused.code == BUSY
    raise AssertionError("always turned away")


def test_a_refusal_has_its_own_code_and_text(station: Station, wire: Wire) -> None:
    station.answers["unlock"] = ControlError(REFUSED, "evse 1: a transaction is going on")
    error = wire.ask("unlock", evse=1)["error"]
    assert error == {"code": REFUSED, "message": "evse 1: a transaction is going on"}


def test_an_unknown_evse_names_the_known_ones(wire: Wire) -> None:
    error = wire.ask("start", evse=9, token="A")["error"]
    assert error["code"] == UNKNOWN_EVSE
    assert "this station has 1, 2" in error["message"]


@pytest.mark.parametrize("bug", [RuntimeError("boom"), ConnectionResetError("boom")])
def test_a_bug_in_a_method_is_logged_and_ends_nothing(
    station: Station, wire: Wire, caplog: pytest.LogCaptureFixture, bug: Exception
) -> None:
    station.answers["bug"] = bug
    assert wire.ask("bug")["error"]["code"] == INTERNAL_ERROR
    assert "boom" in caplog.text
    assert wire.ask("status")["result"] == STATUS


def test_a_result_that_is_not_json_is_a_bug_of_the_method(station: Station, wire: Wire) -> None:
    station.answers["drivers"] = {"age_s": float("inf")}
    assert wire.ask("drivers")["error"]["code"] == INTERNAL_ERROR
    assert wire.ask("status")["result"] == STATUS


def test_what_changes_the_station_is_logged_with_who_asked_and_without_the_token(
    station: Station, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "chargepointd.control")
    wire.ask("status")
    wire.ask("start", evse=1, token="04A1B2C3D4E5F6")
    assert f"start asked for by uid {os.getuid()}, pid {os.getpid()}" in caplog.text
    assert "status asked" not in caplog.text
    assert "04A1B2C3D4E5F6" not in caplog.text


def test_watch_streams_events_until_the_client_leaves(station: Station, wire: Wire) -> None:
    assert wire.ask("watch")["result"] == {"watching": True}
    station.emit({"at": "2026-03-01T10:00:00Z", "kind": "plugged", "evse": 1, "text": "cable plugged in"})
    assert wire.line()["params"]["text"] == "cable plugged in"
    wire.close()
    station.wait_for_watchers(0)


def test_watching_twice_gives_each_event_once(station: Station, wire: Wire) -> None:
    wire.ask("watch")
    wire.ask("watch", 2)
    station.emit({"text": "one"})
    assert wire.line()["params"]["text"] == "one"
    assert wire.ask("status", 3)["id"] == 3


def test_an_event_that_is_not_json_is_left_out(station: Station, wire: Wire) -> None:
    wire.ask("watch")
    station.emit({"text": object()}, {"text": "next"})
    assert wire.line()["params"]["text"] == "next"


def test_a_slow_watcher_is_told_and_dropped_and_the_others_go_on(station: Station, connect: Connect) -> None:
    slow, other = connect(), connect()
    slow.ask("watch")
    event = {"text": "x" * 4000}
    for _ in range(2 * output.EVENT_LIMIT // 10):
        station.emit(*[event] * 10)
    assert other.ask("status")["result"] == STATUS
    *events, last = slow.rest()
    assert last["method"] == "dropped"
    assert "events behind" in last["params"]["text"]
    assert len(events) < output.EVENT_LIMIT
    station.wait_for_watchers(0)


def test_a_dropped_watcher_that_never_reads_is_left_after_a_while(
    station: Station, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "FAREWELL_LIMIT_S", 0.05)
    slow = connect()
    slow.ask("watch")
    for _ in range(2 * output.EVENT_LIMIT // 10):
        station.emit(*[{"text": "x" * 4000}] * 10)
    station.wait_for_watchers(0)
    assert b"dropped" not in slow.raw()


def test_a_client_that_asks_and_does_not_listen_stops_only_itself(station: Station, connect: Connect) -> None:
    station.answers["get"] = {"variables": ["x" * 1000] * 1000}
    deaf = connect()
    deaf.send(b'{"jsonrpc":"2.0","id":1,"method":"get","params":{"prefix":""}}\n' * 50)
    assert connect().ask("status")["result"] == STATUS
    deaf.socket.shutdown(socket.SHUT_WR)
    assert len(deaf.rest()) == 50  # and all of it waited in its own socket


def test_one_client_too_many_is_told_so_and_gets_in_when_another_leaves(station: Station, connect: Connect) -> None:
    first, *_ = [connect() for _ in range(CLIENT_LIMIT)]
    first.ask("status")
    turned_away = connect()
    assert turned_away.line()["error"]["code"] == BUSY
    assert turned_away.rest() == []
    first.close()
    assert _status_when_admitted(station.path) == STATUS


def test_the_client_learns_why_it_was_turned_away(station: Station, connect: Connect) -> None:
    for _ in range(CLIENT_LIMIT):
        connect().ask("status")
    with Client(station.path) as client, pytest.raises(Refused, match="16 clients are connected"):
        client.call("status", {})


def test_the_client_makes_many_calls_on_one_connection(station: Station) -> None:
    with Client(station.path) as client:
        assert client.call("status", {}) == STATUS
        assert client.call("stop", {"evse": 1}) == {"taken": True}
        with pytest.raises(Refused) as caught:
            client.call("stop", {"evse": 7})
    assert caught.value.code == UNKNOWN_EVSE


def test_a_daemon_that_hangs_is_told_from_one_that_is_not_there(socket_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(socket_path))
        mute.listen(1)
        with Client(socket_path, timeout_s=0.05) as client, pytest.raises(DaemonNotRunning, match="does not answer"):
            client.call("status", {})


def test_the_socket_is_for_owner_and_group_only(station: Station) -> None:
    mode = station.path.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660


def test_the_socket_is_given_to_the_configured_group(socket_path: Path) -> None:
    ids = [each.gr_gid for each in grp.getgrall()] if os.getuid() == 0 else os.getgroups() or [os.getgid()]
    gid = max(ids)
    with Station(socket_path, grp.getgrgid(gid).gr_name):
        assert socket_path.stat().st_gid == gid
        assert stat.S_IMODE(socket_path.stat().st_mode) == 0o660


def test_an_unknown_group_is_named_with_the_remedy(socket_path: Path) -> None:
    with pytest.raises(CannotListen, match=r'no group "no-such-group".*groupadd'):
        Station(socket_path, "no-such-group").server.open()
    assert not socket_path.exists()


def test_the_socket_is_gone_when_the_daemon_stops_and_clients_hear_of_it(station: Station, wire: Wire) -> None:
    wire.ask("watch")
    station.stop()
    assert wire.rest() == []
    assert not station.path.exists()
    station.wait_for_watchers(0)


def test_a_socket_left_by_a_dead_daemon_is_taken_over(socket_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path))
        dead.listen(1)
    with Station(socket_path), Client(socket_path) as client:
        assert client.call("status", {}) == STATUS


def test_a_socket_of_a_living_daemon_is_left_alone(station: Station) -> None:
    with pytest.raises(CannotListen, match="another chargepointd answers there"):
        Station(station.path).server.open()
    with Client(station.path) as client:
        assert client.call("status", {}) == STATUS


def test_a_file_in_the_place_of_the_socket_is_not_removed(socket_path: Path) -> None:
    socket_path.write_text("precious")
    with pytest.raises(CannotListen, match="is no socket"):
        Station(socket_path).server.open()
    assert socket_path.read_text() == "precious"


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotListen, match=r"directory .*/nowhere is missing"):
        Station(tmp_path / "nowhere" / "control.sock").server.open()


def test_a_path_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotListen, match="too long"):
        Station(tmp_path / ("x" * 120)).server.open()


def test_a_socket_that_somebody_else_put_there_is_not_removed(socket_path: Path) -> None:
    with Station(socket_path) as first:
        socket_path.unlink()
        with Station(socket_path), Client(socket_path) as client:
            first.stop()
            assert client.call("status", {}) == STATUS
