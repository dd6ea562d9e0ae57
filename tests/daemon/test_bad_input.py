"""A running session goes on whatever comes in: from the CSMS, over the control socket, from the configuration file."""

import json
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.csms import Csms
from tests.daemon import toml
from tests.daemon.config import Config, ac_station
from tests.daemon.control import ControlError
from tests.daemon.process import COMMAND, ROOT, Station
from tests.daemon.visit import TOKEN, begin, brisk, charging, delivered, finish, session, world

pytestmark = pytest.mark.process

OLD, NEW = "1.6", "2.0.1"
EX_CONFIG = 78


@pytest.fixture
def goes_on(station: Station, csms: Csms) -> Any:
    """A session runs; after the test it runs still, tells new samples, and ends as it should."""
    transaction = begin(station, csms)
    pid = station.pid
    yield transaction
    assert (station.pid, station.running) == (pid, True)
    charging(station)
    csms.forget()
    csms.wait_event("Updated", lambda m: "meterValue" in m.payload)
    finish(station, csms)
    delivered(station)
    assert csms.books.only() is transaction
    assert transaction.kinds[-1] == "Ended"


# -- from the CSMS -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, id_, codes",
    [
        pytest.param("what is this", "-1", {NEW: "RpcFrameworkError"}, id="no JSON"),
        pytest.param("", "-1", {NEW: "RpcFrameworkError"}, id="nothing"),
        pytest.param('{"action": "Reset"}', "-1", {NEW: "RpcFrameworkError"}, id="no list"),
        pytest.param("[" * 100_000, "-1", {NEW: "RpcFrameworkError"}, id="deep"),
        pytest.param(
            '[2, "x1", "MakeCoffee", {}]', "x1", {OLD: "NotImplemented", NEW: "NotImplemented"}, id="unknown action"
        ),
        pytest.param(
            '[2, "x2", "Reset", {"type": 5}]',
            "x2",
            {OLD: "TypeConstraintViolation", NEW: "TypeConstraintViolation"},
            id="wrong type",
        ),
        pytest.param(
            '[2, "x3", "Reset", {}]',
            "x3",
            {OLD: "OccurenceConstraintViolation", NEW: "OccurrenceConstraintViolation"},
            id="missing field",
        ),
        pytest.param(
            '[2, "x4", "Reset", {"type": "Gently"}]',
            "x4",
            {OLD: "PropertyConstraintViolation", NEW: "PropertyConstraintViolation"},
            id="unknown word",
        ),
        pytest.param(
            '[2, "x5", "ClearCache", []]',
            "x5",
            {OLD: "FormationViolation", NEW: "FormatViolation"},
            id="payload a list",
        ),
        pytest.param(
            '[2, "x6", "ClearCache"]', "x6", {OLD: "ProtocolError", NEW: "RpcFrameworkError"}, id="no payload"
        ),
        pytest.param('[99, "x7", {}]', "x7", {NEW: "MessageTypeNotSupported"}, id="unknown message type"),
        pytest.param('[2, "' + "x" * 2_000_000 + '", "Reset", {}]', "-1", {NEW: "RpcFrameworkError"}, id="2 MB"),
    ],
)
def test_a_bad_request_gets_its_error_and_nothing_else_happens(
    goes_on: Any, csms: Csms, dialect: str, text: str, id_: str, codes: dict[str, str]
) -> None:
    csms.send_raw(text)
    if dialect in codes:
        answer = csms.wait_answer(id_)
        assert (answer.kind, answer["code"]) == ("error", codes[dialect])
    else:  # 1.6 has no id for an answer to what has none
        csms.call("ClearCache")
        assert [m.text for m in csms.transcript.messages if m.sender == "station" and m.kind == "error"] == []


@pytest.mark.parametrize(
    "text",
    [
        '[3, "nobody-asked", {}]',
        '[4, "nobody-asked", "GenericError", "", {}]',
        '[3, "nobody-asked"]',
        '[3, {"not": "an id"}, {}]',
        '[4, "nobody-asked"]',
    ],
)
def test_an_answer_to_nothing_is_dropped(goes_on: Any, csms: Csms, text: str) -> None:
    csms.send_raw(text)
    csms.call("ClearCache")
    # An answer to an answer could be answered for ever.
    assert [m.text for m in csms.transcript.messages if m.sender == "station" and m.kind == "error"] == []


def report_of(csms: Csms) -> str:
    """The action of the next report; a second from now, for one has just come."""
    csms.forget()
    csms.wait_event("Updated", lambda m: "meterValue" in m.payload)
    csms.forget()
    return "MeterValues" if csms.versions == (OLD,) else "TransactionEvent"


@pytest.mark.parametrize("code", ["InternalError", "GenericError", "NotSupported"])
def test_a_refused_report_is_told_again(goes_on: Any, csms: Csms, code: str) -> None:
    action = report_of(csms)
    csms.refuse(action, code, times=2)
    refused = csms.wait(action)
    again = csms.wait(action, lambda m: m.id == refused.id and m.number > refused.number)
    assert again.payload == refused.payload


@pytest.mark.parametrize(
    "answer", [{"idTokenInfo": 5, "idTagInfo": 5}, {"nonsense": True}, {"idTokenInfo": {}, "idTagInfo": {}}]
)
def test_a_report_with_a_senseless_answer_is_told_again(goes_on: Any, csms: Csms, answer: dict[str, Any]) -> None:
    action, left = report_of(csms), [answer]
    csms.answers[action] = lambda _: left.pop() if left else {}
    answered_wrongly = csms.wait(action)
    csms.wait(action, lambda m: m.id == answered_wrongly.id and m.number > answered_wrongly.number)
    [mistake] = csms.mistakes
    assert "the test's own" in mistake
    csms.mistakes.clear()
    del csms.answers[action]


def test_a_senseless_answer_to_a_card_refuses_it(station: Station, csms: Csms) -> None:
    csms.wait_status("Available", evse=2)
    csms.answers["Authorize"] = lambda _: {"status": "Accepted"}
    station.ctl("sim.plug_in", evse=1)
    with station.watch() as events:
        station.ctl("sim.swipe", token=TOKEN)
        while "refused" not in events.wait(kind="token")["text"]:
            pass
    assert world(station)["contactor"] == "open"
    csms.mistakes.clear()
    del csms.answers["Authorize"]
    station.ctl("sim.swipe", token=TOKEN)
    csms.wait_event("Started")


def test_a_hundred_requests_at_once_are_answered_each(goes_on: Any, csms: Csms, dialect: str) -> None:
    ids = [f"flood-{n}" for n in range(100)]
    for id_ in ids:
        csms.send_raw(json.dumps([2, id_, "ClearCache", {}]))
    answers = [csms.wait_answer(id_) for id_ in ids]
    assert [answer.id for answer in answers] == ids
    assert {answer.kind for answer in answers} == {"result"}


def test_an_id_used_twice_is_answered_twice(goes_on: Any, csms: Csms) -> None:
    for _ in range(2):
        csms.send_raw('[2, "same", "ClearCache", {}]')
    assert [csms.wait_answer("same").kind for _ in range(2)]


def test_binary_frames_are_passed_over(goes_on: Any, csms: Csms, station: Station) -> None:
    for _ in range(3):
        csms.listener.run(csms.line().send(b'[2, "x", "ClearCache", {}]'))  # type: ignore[arg-type]
    csms.call("ClearCache")
    assert station.log.count("binary") == 1
    assert csms.transcript.messages[-1].connection == 1


def test_a_frame_beyond_all_bounds_costs_the_connection_only(goes_on: Any, csms: Csms) -> None:
    csms.wait_connected()
    csms.send_raw("[" + " " * 5_000_000 + "]")
    csms.wait_disconnected()
    csms.wait_connected()


def test_a_csms_that_answers_nothing_does_not_stop_the_session(goes_on: Any, csms: Csms) -> None:
    action = report_of(csms)
    csms.silent(action, times=1)
    first = csms.wait(action)
    csms.drop()
    csms.wait(action, lambda m: m.id == first.id and m.duplicate)


# -- over the control socket -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running() -> Iterator[Station]:
    """One session for all: the CSMS and the dialect have no part in what a person is told."""
    with Csms() as csms, Station(brisk(csms.url, NEW, evses=2)) as station:
        begin(station, csms)
        yield station
        charging(station)
        finish(station, csms)


def raw(station: Station, line: bytes) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as client, client.makefile("rwb") as stream:
        client.settimeout(10)
        client.connect(str(station.socket))
        stream.write(line + b"\n")
        stream.flush()
        answer: dict[str, Any] = json.loads(stream.readline())
        return answer


@pytest.mark.parametrize(
    "line, code, text",
    [
        (b"what is this", -32700, "not JSON"),
        (b"\xff\xfe\x00", -32700, "not JSON"),
        (b'["status"]', -32600, "expected one object a line"),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 7}', -32600, "method: expected a text"),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "status", "params": [1]}', -32602, "params: expected an object"),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "' + b"x" * 70_000 + b'"}', -32600, "longer than 65536 bytes"),
    ],
)
def test_lines_that_are_no_requests(running: Station, line: bytes, code: int, text: str) -> None:
    error = raw(running, line)["error"]
    assert error["code"] == code
    assert text in error["message"]


@pytest.mark.parametrize(
    "method, params, code, text",
    [
        ("start", {"evse": 2, "token": "X" * 300}, -32602, "token: expected 1-36 letters"),
        ("start", {"evse": 2, "token": "no spaces"}, -32602, "token: expected 1-36 letters"),
        ("start", {"evse": 2, "token": 5}, -32602, "token: expected 1-36 letters"),
        ("start", {"evse": "2", "token": TOKEN}, -32602, "evse: expected a whole number"),
        ("start", {"evse": 9, "token": TOKEN}, 2, "evse 9: unknown; this station has 1, 2"),
        ("start", {"evse": 2}, -32602, "token: missing"),
        ("stop", {"evse": 2}, 1, "nothing runs at EVSE 2"),
        ("stop", {"transaction_id": "nobody"}, 1, "no such transaction"),
        ("stop", {}, -32602, "expected exactly one of evse, transaction_id"),
        ("unlock", {"evse": 1, "connector": 7}, 2, "EVSE 1 has no connector 7; known: 1"),
        ("get", {"variable": "AuthCtrlr.Enable"}, 3, 'did you mean "AuthCtrlr.Enabled"?'),
        ("get", {"variable": "????"}, 3, "is no variable name"),
        ("set", {"variable": "AuthCtrlr.Enabled", "value": 1}, -32602, "value: expected"),
        ("statsu", {}, -32601, 'did you mean "status"?'),
        ("status", {"evse": 1}, -32602, '"evse": unknown param'),
        ("reset", {"mode": "softly"}, -32602, 'mode: expected "immediate" or "onidle" or "resume"'),
        ("sim.plug_in", {"evse": 1}, 1, "a car is at connector 1; sim.plug_out it first"),
        ("sim.plug_out", {"evse": 1}, 1, "plug is locked: unlock first"),
        ("sim.raise_error", {"evse": 1, "error": "earthquake"}, 1, "unknown error"),
    ],
)
def test_a_person_is_told_what_was_wrong(
    running: Station, method: str, params: dict[str, Any], code: int, text: str
) -> None:
    with pytest.raises(ControlError) as refused:
        running.ctl(method, **params)
    assert refused.value.code == code
    assert text in refused.value.message
    assert session(running)["authorized"]


def test_a_value_that_does_not_fit_is_refused_with_the_reason(goes_on: Any, station: Station) -> None:
    interval = "SampledDataCtrlr.TxUpdatedInterval"
    for value in ("soon", "-1", "86401", ""):
        answer = station.ctl("set", variable=interval, value=value)
        assert answer["status"] == "Rejected"
        assert answer["reason"]
    assert station.ctl("set", variable="AuthCacheCtrlr.Available", value="false")["status"] == "Rejected"
    assert station.ctl("get", variable=interval)["variables"][0]["value"] == "1"


# -- the configuration file --------------------------------------------------------------------------------------------


def edited(edit: Callable[[Config], Any]) -> Config:
    config = ac_station("ws://127.0.0.1:9/ocpp")
    edit(config)
    return config


BAD_CONFIGS = {
    "unknown key": (lambda c: c["station"].update(modell="X"), "station.modell", 'did you mean "model"'),
    "unknown section": (lambda c: c.update(ocpp17={"a": 1}), "ocpp17", 'did you mean "ocpp16"'),
    "wrong type": (lambda c: c["csms"].update(url=5), "csms.url", "expected"),
    "wrong type deep": (lambda c: c["evse"][0].update(phases="three"), "evse[0].phases", "expected"),
    "missing key": (lambda c: c["station"].pop("vendor"), "station.vendor", "missing"),
    "missing device": (lambda c: c["evse"][0].update(meter="simm.meter1"), "evse[0].meter", "known: sim"),
    "no device": (lambda c: c["evse"][0].update(meter="meter1"), "evse[0].meter", "expected DRIVER.DEVICE"),
    "missing driver": (lambda c: c["drivers"]["sim"].update(driver="simulater"), "drivers.sim.driver", "simulator"),
    "driver's key": (lambda c: c["drivers"]["sim"].update(evsez=2), "drivers.sim.evsez", 'did you mean "evses"'),
    "driver's type": (lambda c: c["drivers"]["sim"].update(evses="two"), "drivers.sim.evses", "expected"),
    "unknown variable": (lambda c: c["variables"].update({"AuthCtrlr.Enable": True}), "AuthCtrlr.Enable", "did you"),
    "wrong value": (
        lambda c: c["variables"].update({"SampledDataCtrlr.TxUpdatedInterval": "soon"}),
        "SampledDataCtrlr.TxUpdatedInterval",
        "soon",
    ),
    "unknown 1.6 key": (lambda c: c["ocpp16"].update(HeartBeatIntervall=3), "ocpp16.HeartBeatIntervall", "did you"),
    "one thing twice": (
        lambda c: [
            c["variables"].update({"TxCtrlr.EVConnectionTimeOut": 30}),
            c["ocpp16"].update(ConnectionTimeOut=60),
        ],
        'ocpp16.ConnectionTimeOut: variables."TxCtrlr.EVConnectionTimeOut"',
        "leave one",
    ),
    "wrong value of a 1.6 key": (
        lambda c: c["ocpp16"].update(HeartbeatInterval="soon"),
        "ocpp16.HeartbeatInterval: expected a whole number",
        "soon",
    ),
    "more tokens than a message holds": (
        lambda c: c["ocpp16"].update(SendLocalListMaxLength=10_000),
        "ocpp16.SendLocalListMaxLength: above the largest value 2500",
        "10000",
    ),
    "more bytes than are read": (
        lambda c: c["variables"].update({"DeviceDataCtrlr.BytesPerMessage[GetVariables]": 1_000_000}),
        'variables."DeviceDataCtrlr.BytesPerMessage[GetVariables]": above the largest value 300000',
        "1000000",
    ),
    "reader of nobody": (lambda c: c["reader"][0].update(evses=[7]), "reader[0].evses", "known: 1"),
}


def run(config_file: Path, state_dir: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    command = [*COMMAND, "--config", str(config_file), "--state-dir", str(state_dir), *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("name", BAD_CONFIGS)
def test_a_bad_configuration_is_explained_and_nothing_starts(name: str, tmp_path: Path) -> None:
    edit, key, remedy = BAD_CONFIGS[name]
    file = tmp_path / "station.toml"
    file.write_text(toml.dumps(edited(edit)))
    ended = run(file, tmp_path / "state")
    assert ended.returncode == EX_CONFIG
    assert f"{file}: " in ended.stderr
    assert key in ended.stderr
    assert remedy in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "state").exists()


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    def spoil(config: Config) -> None:
        config["csms"]["security_profile"] = 2
        config["evse"][0]["meter"] = "meter1"
        config["drivers"]["sim"]["driver"] = "simulater"

    file = tmp_path / "station.toml"
    file.write_text(toml.dumps(edited(spoil)))
    lines = run(file, tmp_path / "state").stderr.splitlines()
    assert all(re.match(rf"{re.escape(str(file))}: [\w.\[\]]+: ", line) for line in lines)
    assert len(lines) >= 3


@pytest.mark.parametrize("text", ["[station\n", "\x00\x01", "id = 'a' 'b'"])
def test_what_is_no_toml_is_told_with_its_place(tmp_path: Path, text: str) -> None:
    file = tmp_path / "station.toml"
    file.write_text(text)
    ended = run(file, tmp_path / "state")
    assert (ended.returncode, "no valid TOML" in ended.stderr, "line 1" in ended.stderr) == (EX_CONFIG, True, True)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    ended = run(tmp_path / "nowhere.toml", tmp_path / "state")
    assert ended.returncode == EX_CONFIG
    assert "no such file; give one with --config" in ended.stderr


def test_a_good_configuration_is_checked_without_starting(tmp_path: Path) -> None:
    file = tmp_path / "station.toml"
    file.write_text(toml.dumps(ac_station("ws://127.0.0.1:9/ocpp")))
    ended = run(file, tmp_path / "state", "--check-config")
    assert (ended.returncode, ended.stdout) == (0, f"{file}: ok\n")
    assert not (tmp_path / "state").exists()
