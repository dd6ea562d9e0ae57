"""N2: whatever a CSMS does, the visit goes on and its books are whole."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.process import Station
from tests.daemon.visit import (
    TOKEN,
    Desk,
    begin,
    brisk,
    charging,
    delivered,
    finish,
    leave,
    register_wh,
    true_to,
    until,
    whole_visit,
    world,
)
from tests.network.conftest import PING
from tests.network.impatient import COMMAND, LOST_MAX
from tests.network.relay import Relay
from tests.network.rude import BINARY, CLOSE, CONT, TEXT, RudeCsms, call, frame, rss_mb
from tests.network.rude import PING as PING_FRAME
from tests.pki import Authority, server_context

pytestmark = pytest.mark.process

OLD = pytest.mark.parametrize("dialect", ["1.6"], indirect=True)
NEW = pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
PATIENT = {"OCPPCommCtrlr.WebSocketPingInterval": 30}
"""no test of this file is about pings, and a CSMS that floods answers late on a busy machine"""
GROWTH_MB = 64.0
"""what a flood may leave behind, generously: nothing of it is kept"""


@pytest.fixture
def csms(dialect: str) -> Iterator[RudeCsms]:
    with RudeCsms(versions=(dialect,)) as made:
        yield made


@pytest.fixture
def station(relay: Relay, dialect: str) -> Iterator[Station]:
    with Station(brisk(relay.url, dialect, **PATIENT)) as made:
        yield made


@pytest.fixture
def visit(station: Station, csms: RudeCsms, dialect: str) -> Iterator[Station]:
    """A visit that runs before the test, and after it is brought to its end."""
    before, pid = register_wh(station), station.pid
    begin(station, csms)
    yield station
    assert station.pid == pid
    whole(station, csms, dialect, before)


def whole(station: Station, csms: RudeCsms, dialect: str, before: float) -> None:
    """It is still heard, and answers; then as any visit."""
    csms.line()
    csms.call("ClearCache", timeout=20)
    csms.forget()
    whole_visit(station, csms, dialect, before)


# -- the websocket -----------------------------------------------------------------------------------------------------


def in_pieces(text: bytes) -> bytes:
    """A frame a byte, with a ping after each hundredth."""
    first, *middle, last = [text[n : n + 1] for n in range(len(text))]
    pieces = [frame(TEXT, first, fin=False)]
    for n, byte in enumerate(middle):
        pieces += [frame(CONT, byte, fin=False)] + ([frame(PING_FRAME, b"p")] if n % 100 == 0 else [])
    return b"".join([*pieces, frame(CONT, last)])


HARMLESS = {
    "ten thousand fragments with pings between": in_pieces(call("raw", "ClearCache", "{" + " " * 9_970 + "}")),
    "a flood of pings": frame(PING_FRAME, b"x" * 100) * 20_000 + frame(TEXT, call("raw", "ClearCache")),
    "binary": frame(BINARY, b"\x00" * 100_000) * 20 + frame(TEXT, call("raw", "ClearCache")),
    "half a million items": frame(TEXT, call("raw", "ClearCache", '{"a":[' + "1," * 590_000 + "1]}")),
    "objects in objects": frame(TEXT, call("raw", "ClearCache", '{"a":' * 300_000 + "1" + "}" * 300_000)),
    "a number beyond numbers": frame(TEXT, call("raw", "ClearCache", '{"a":1e400}')),
    "a number of 300,000 digits": frame(TEXT, call("raw", "ClearCache", '{"a":' + "9" * 300_000 + "}")),
}


@NEW
@pytest.mark.parametrize("what", HARMLESS)
def test_what_is_read_and_answered(visit: Station, csms: RudeCsms, relay: Relay, dialect: str, what: str) -> None:
    csms._raw["TEST001"] += 1
    csms.inject(HARMLESS[what])
    answer = csms.wait_answer()
    assert answer.id in ("raw", "-1")
    assert answer.kind == "result" or answer["code"] in ("RpcFrameworkError", "OccurrenceConstraintViolation")
    assert len(relay.passages) == 1


@NEW
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(TEXT, b'[2,"\xff\xfe","ClearCache",{}]'), id="no UTF-8"),
        pytest.param(frame(TEXT, b"\x04\x00", bits=0x40), id="compressed"),
        pytest.param(frame(TEXT, b"", fin=False) + frame(TEXT, b"{}"), id="a text within a text"),
        pytest.param(b"\x81\x7f" + (8 << 20).to_bytes(8) + b" " * (4 << 20), id="8 MB, half of it sent"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b" " * 100, id="HTTP"),
        pytest.param(frame(CLOSE, b"\x03"), id="a close frame that is none"),
    ],
)
def test_what_costs_the_connection_only(
    visit: Station, csms: RudeCsms, relay: Relay, dialect: str, data: bytes
) -> None:
    csms.inject(data)
    relay.wait_left(1)
    relay.wait_passages(2)


@NEW
def test_a_stream_that_comes_byte_by_byte(station: Station, csms: RudeCsms, relay: Relay, dialect: str) -> None:
    """From the moment the visit begins to its end."""
    before = register_wh(station)
    csms.wait_status("Available")

    def drip(passage: Any) -> None:
        passage.to_station.piece, passage.to_station.pause_s = 1, 0.001

    relay.each(drip)
    station.ctl("sim.plug_in", evse=1)
    station.ctl("sim.swipe", token=TOKEN)
    csms.wait_event("Started")
    whole(station, csms, dialect, before)
    assert len(relay.passages) == 1


# -- who does not read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dialect", "pace"), [("1.6", "never"), ("2.0.1", "a byte a second")], indirect=["dialect"])
def test_a_csms_that_does_not_read(csms: RudeCsms, dialect: str, pace: str) -> None:
    """What it leaves unread is bounded; it is taken for dead, and the next connection serves."""
    action, payload = ("GetConfiguration", {}) if dialect == "1.6" else ("GetVariables", _thousand())
    with (
        Relay(csms.listener.port, receive_buffer=4096) as relay,
        Station(brisk(relay.url, dialect, **PING)) as station,
    ):
        before = register_wh(station)
        begin(station, csms)
        begun = rss_mb(station.pid)

        def slow(passage: Any) -> None:
            if pace == "never":
                passage.to_csms.open.clear()
            else:
                passage.to_csms.piece, passage.to_csms.pause_s = 1, 1.0

        relay.each(slow)
        csms.ask(400, action, payload)
        relay.wait_left(1)
        relay.wait_passages(2)
        assert rss_mb(station.pid) - begun < GROWTH_MB
        whole(station, csms, dialect, before)


def _thousand() -> Any:
    one = {"component": {"name": "ChargingStation"}, "variable": {"name": "Model"}}
    return {"getVariableData": [one] * 200}


# -- answers -----------------------------------------------------------------------------------------------------------


@OLD
def test_each_answer_comes_three_times(visit: Station, csms: RudeCsms, relay: Relay, dialect: str) -> None:
    csms.again = 3
    _two_samples(csms)
    assert len(relay.passages) == 1


@NEW
def test_answers_come_for_somebody_else_first(visit: Station, csms: RudeCsms, relay: Relay, dialect: str) -> None:
    """Whatever was answered wrongly, the right answer is the one that counts."""
    action = "TransactionEvent"

    def others(_: Any) -> Any:
        csms.listener.later(0.0, csms.line().send('[4,"somebody-else","InternalError","",{}]'))
        csms.listener.later(0.0, csms.line().send('[3,"somebody-else",{}]'))
        return {}

    csms.answers[action] = others
    _two_samples(csms)
    assert not any(message.duplicate for message in csms.calls(action)), "an answer to nothing was a refusal"
    assert visit.ctl("outbox")["dead"] == 0
    assert len(relay.passages) == 1


@NEW
def test_answers_come_too_late(csms: RudeCsms, relay: Relay, dialect: str) -> None:
    """Each after the time for it; what was told again meanwhile has the same id and counts once."""
    late = {"OCPPCommCtrlr.MessageTimeout[Default]": 1}
    with Station(brisk(relay.url, dialect, **PATIENT, **late)) as station:
        before = register_wh(station)
        begin(station, csms)
        csms.latency_s = 1.3
        _two_samples(csms)
        csms.latency_s = 0.001
        whole(station, csms, dialect, before)
        assert station.ctl("outbox")["dead"] == 0


def test_everything_is_refused(csms: RudeCsms, relay: Relay, dialect: str) -> None:
    """Records are set aside after their attempts, and nothing stands still: not the car, not the queue."""
    twice = {"OCPPCommCtrlr.MessageAttempts[TransactionEvent]": 2}
    csms.audit = False
    with Station(brisk(relay.url, dialect, **PATIENT, **twice)) as station:
        begin(station, csms)
        for action in ("TransactionEvent", "MeterValues", "StopTransaction", "StatusNotification", "Heartbeat"):
            csms.refuse(action)
        until(lambda: station.ctl("outbox")["dead"] >= 2, "records set aside", 60.0)
        station.ctl("sim.swipe", token=TOKEN)
        leave(station)
        until(lambda: station.ctl("outbox")["queued"] == 0, "empty queue", 60.0)
        for action in list(csms.faults):
            csms.behave(action)
        csms.forget()
        station.ctl("sim.plug_in", evse=1)
        station.ctl("sim.swipe", token=TOKEN)
        assert csms.wait_event("Started")
        finish(station, csms)


def _two_samples(csms: RudeCsms) -> None:
    for _ in range(2):
        csms.forget()
        csms.wait_event("Updated", lambda m: "meterValue" in m.payload)


@NEW
def test_a_csms_that_takes_the_connection_and_answers_nothing_any_more(
    csms: RudeCsms, relay: Relay, dialect: str
) -> None:
    """No boot, no record, over each connection anew; it only pongs. The driver notices nothing, and what happened is
    told when it speaks again, once."""
    patient = {"OCPPCommCtrlr.MessageTimeout[Default]": 1, "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": 1000}
    with Station(brisk(relay.url, dialect, **PATIENT, **patient)) as station:
        before = register_wh(station)
        begin(station, csms)
        mute = (
            "BootNotification", "Heartbeat", "StatusNotification", "TransactionEvent", "MeterValues", "StopTransaction",
            "Authorize", "SecurityEventNotification",
        )  # fmt: skip
        for action in mute:
            csms.silent(action)
        relay.cut()
        relay.wait_passages(2)
        csms.forget()
        station.restart(Station.kill)
        csms.wait("BootNotification")
        charging(station)
        station.ctl("sim.swipe", token=TOKEN)
        leave(station)
        assert station.ctl("outbox")["queued"] > 0
        for action in mute:
            csms.behave(action)
        csms.wait_event("Ended", timeout=60)
        delivered(station)
        transaction = csms.books.only()
        assert true_to(register_wh(station) - before, transaction.energy_wh, dialect)


# -- the boot ----------------------------------------------------------------------------------------------------------

FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"status": "Rejected", "interval": 0}, id="rejected, at once again"),
        pytest.param({"status": "Pending", "interval": 2**31 - 1, "currentTime": LAST}, id="pending till 9999"),
        pytest.param({"status": "Rejected", "interval": 1, "currentTime": FIRST}, id="rejected in the year 1"),
    ],
)
@NEW
def test_a_boot_that_is_not_accepted(csms: RudeCsms, relay: Relay, dialect: str, answer: dict[str, Any]) -> None:
    """No hammering, no crash, and the station serves as soon as another connection accepts it."""
    csms.answers["BootNotification"] = answer
    with Station(brisk(relay.url, dialect, **PATIENT)) as station:
        csms.wait("BootNotification")
        station.ctl("sim.plug_in", evse=1)
        if answer["interval"] == 1:
            csms.wait("BootNotification")
        else:
            csms.quiet("BootNotification", 1.5)
        del csms.answers["BootNotification"]
        station.restart()
        csms.wait("BootNotification")
        csms.wait_status("Occupied")
        station.ctl("sim.swipe", token=TOKEN)
        csms.wait_event("Started")
        finish(station, csms)


# -- connections that do not last --------------------------------------------------------------------------------------


@NEW
def test_each_connection_is_closed_after_its_first_message(
    station: Station, csms: RudeCsms, relay: Relay, dialect: str
) -> None:
    """Until it stops doing so; what was told over each is booked once."""
    before = register_wh(station)
    begin(station, csms)
    received = csms.received

    def close_after(line: Any, data: Any) -> None:
        received(line, data)
        csms.listener.later(0.01, line.close(1000, "that will do"))

    csms.received = close_after  # type: ignore[method-assign]
    relay.wait_passages(4)
    csms.received = received  # type: ignore[method-assign]
    whole(station, csms, dialect, before)
    assert station.ctl("outbox")["dead"] == 0


@pytest.mark.parametrize(("dialect", "mute"), [("1.6", False), ("2.0.1", True)], indirect=["dialect"])
def test_a_csms_that_hangs_up_at_one_record_each_time(csms: RudeCsms, relay: Relay, dialect: str, mute: bool) -> None:
    """It is set aside, and what comes after it is told. `mute`: and the CSMS answers nothing but records."""
    hasty = {"OCPPCommCtrlr.MessageTimeout[Default]": 1}
    action = "MeterValues" if dialect == "1.6" else "TransactionEvent"
    received, cursed = csms.received, list[str]()
    csms.audit = False

    def hang_up_at_the_cursed(line: Any, data: Any) -> None:
        if not cursed and f'"{action}"' in data:
            cursed.append(json.loads(data)[1])
        if cursed and f'"{cursed[0]}"' in data:
            line.abort()
        else:
            received(line, data)

    with Station(brisk(relay.url, dialect, **PATIENT, **hasty), command=COMMAND) as station:
        before = register_wh(station)
        begin(station, csms)
        if mute:
            for other in ("Heartbeat", "StatusNotification", "SecurityEventNotification"):
                csms.silent(other)
        csms.received = hang_up_at_the_cursed  # type: ignore[method-assign]
        until(lambda: station.ctl("outbox")["dead"] == 1, "record that is set aside", 60.0)
        [letter] = station.ctl("outbox", act="dead")["letters"]
        assert letter["reason"] == f"Offline: {LOST_MAX} connections ended before its answer came"
        assert len(relay.passages) >= 1 + LOST_MAX
        csms.received = received  # type: ignore[method-assign]
        for each in list(csms.faults):
            csms.behave(each)
        finish(station, csms)
        until(lambda: station.ctl("outbox")["queued"] == 0, "empty outbox")
        transaction = csms.books.only()
        assert true_to(register_wh(station) - before, transaction.energy_wh, dialect)


# -- too much ----------------------------------------------------------------------------------------------------------


def test_a_hundred_requests_at_once_that_are_kept(visit: Station, csms: RudeCsms, dialect: str) -> None:
    """One CALL at a time is the rule; whoever breaks it is answered all the same, each request once and in order."""
    ids = [f"kept-{n}" for n in range(100)]
    action, payload = "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "300"}
    if dialect != "1.6":
        variable = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
        action, payload = "SetVariables", {"setVariableData": [variable | {"attributeValue": "300"}]}
    csms._raw["TEST001"] += len(ids)
    csms.inject(*(frame(TEXT, json.dumps([2, id_, action, payload]).encode()) for id_ in ids))
    answers = [csms.wait_answer() for _ in ids]
    assert [answer.id for answer in answers] == ids
    assert {answer.kind for answer in answers} == {"result"}
    Desk(csms).sample()
    _two_samples(csms)


FLOODS: dict[str, Callable[[str], tuple[str, Any]]] = {
    "questions": lambda dialect: ("GetLocalListVersion", {}),
    "changes": lambda dialect: ("ClearCache", {}),
    "nonsense": lambda dialect: ("MakeCoffee", {}),
}


@pytest.mark.parametrize(
    ("what", "dialect"),
    [("questions", "1.6"), ("questions", "2.0.1"), ("changes", "2.0.1"), ("nonsense", "2.0.1")],
    indirect=["dialect"],
)
def test_an_emergency_stop_in_a_flood(station: Station, csms: RudeCsms, relay: Relay, dialect: str, what: str) -> None:
    """Ten thousand requests a second, or as many as it takes: the contactor opens, the queue is told, nothing grows."""
    begin(station, csms)
    begun, lines = rss_mb(station.pid), station.log.count("\n")
    with csms.flooding(*FLOODS[what](dialect)):
        until(lambda: csms.answered > 3000, "flood", 60.0)
        station.ctl("sim.raise_error", error="emergency_stop")
        until(lambda: world(station)["contactor"] == "open", "open contactor")
        station.ctl("sim.swipe", token=TOKEN)
        csms.wait_event("Ended", timeout=60)
        answered = csms.answered
        until(lambda: csms.answered > answered + 3000, "flood that goes on", 60.0)
    until(lambda: csms.answered == csms.flooded, "answer to each", 60.0)
    assert rss_mb(station.pid) - begun < GROWTH_MB
    assert station.log.count("\n") - lines < 300
    delivered(station)
    assert len(relay.passages) == 1
    station.ctl("sim.clear_error", error="emergency_stop")


@NEW
def test_an_emergency_stop_in_a_flood_over_tls(dialect: str, tmp_path: Path) -> None:
    """What TLS has decrypted at once is taken in slices as well."""
    root = Authority("Root")
    (tmp_path / "root.pem").write_text(root.pem)
    tls = server_context(root.issue("csms", "localhost"))
    with RudeCsms(versions=(dialect,), tls=tls, host="localhost") as csms:
        config = brisk(csms.url, dialect, **PATIENT)
        config["csms"]["ca_file"] = str(tmp_path / "root.pem")
        with Station(config) as station:
            begin(station, csms)
            with csms.flooding("GetLocalListVersion", {}):
                until(lambda: csms.answered > 3000, "flood", 60.0)
                station.ctl("sim.raise_error", error="emergency_stop")
                until(lambda: world(station)["contactor"] == "open", "open contactor")
            until(lambda: csms.answered == csms.flooded, "answer to each", 60.0)
            assert csms.line().number == 1
            csms.drop()
            csms.line()
            csms.call("ClearCache")


@NEW
def test_the_largest_messages_leave_nothing_behind(visit: Station, csms: RudeCsms, dialect: str) -> None:
    """Not in the queue, not in what is recorded for a bug report."""
    action, payload = "DataTransfer", {"vendorId": "nobody", "data": "x" * 390_000}
    csms.ask(2, action, payload)
    until(lambda: csms.answered == csms.flooded, "answer", 60.0)
    begun = rss_mb(visit.pid)
    for _ in range(210):
        csms.ask(1, action, payload)
        until(lambda: csms.answered == csms.flooded, "answer", 60.0)
    assert csms.answered == 212
    assert rss_mb(visit.pid) - begun < GROWTH_MB
