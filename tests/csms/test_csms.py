"""The test CSMS finds what it is there to find, and lets pass what is right."""

import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.csms import CallRefused, ConnectionLost, Csms, side_by_side
from tests.csms.fake_station import TOKEN, FakeStation, event
from tests.csms.schemas import VERSIONS, date_time_problem, schema_problem
from tests.csms.transcript import Message, Transcript, contains

BOOT_2 = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}


def status(connector_status: str) -> dict[str, Any]:
    at = "2026-01-01T00:00:00Z"
    return {"timestamp": at, "connectorStatus": connector_status, "evseId": 1, "connectorId": 1}


# -- answers -----------------------------------------------------------------------------------------------------


def test_a_boot_is_accepted_and_the_answer_fits_the_schema(csms, fake):
    kind, _, answer = fake.ask("BootNotification", BOOT_2)
    assert (kind, answer["status"], answer["interval"]) == (3, "Accepted", 300)
    assert schema_problem("2.0.1", "BootNotification", True, answer) is None
    assert csms.wait("BootNotification", reason="PowerUp")["chargingStation"]["model"] == "M"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_usual_answer_fits_its_schema(version):
    desk = Csms(versions=(version,)).desk
    request = {"idToken": TOKEN, "idTag": "04A2"}
    actions = desk._usual[version]
    assert len(actions) > 10
    for action in actions:
        assert schema_problem(version, action, True, desk.usual(version, action, request)) is None


def test_a_dict_is_laid_over_the_usual_answer_and_a_function_answers_for_itself(csms, fake):
    csms.answers["BootNotification"] = {"status": "Pending"}
    csms.answers["Authorize"] = lambda request: {"idTokenInfo": {"status": "Expired"}}
    answer = fake.ask("BootNotification", BOOT_2)[2]
    assert (answer["status"], answer["interval"]) == ("Pending", 300)
    assert fake.ask("Authorize", {"idToken": TOKEN})[2] == {"idTokenInfo": {"status": "Expired"}}


def test_a_token_the_csms_does_not_like_is_refused_everywhere(csms, fake):
    csms.tokens["04A2"] = "Blocked"
    assert fake.ask("Authorize", {"idToken": TOKEN})[2]["idTokenInfo"]["status"] == "Blocked"
    assert fake.ask("TransactionEvent", event("Started", 0, idToken=TOKEN))[2]["idTokenInfo"]["status"] == "Blocked"


def test_refused_once_then_answered_as_usual(csms, fake):
    csms.refuse("Heartbeat", "GenericError", times=1)
    assert fake.ask("Heartbeat", {})[:1] + fake.ask("Heartbeat", {})[:1] == [4, 3]


def test_silence_lasts_until_the_csms_behaves(csms, fake):
    csms.message_timeout_s = 0
    csms.silent("Heartbeat")
    fake.tell("Heartbeat", {})
    csms.wait("Heartbeat")
    csms.behave("Heartbeat")
    fake.ask("Heartbeat", {})


def test_a_held_answer_is_given_at_the_end_of_the_block(csms, fake):
    with csms.holding("Heartbeat"):
        id_ = fake.tell("Heartbeat", {})
        csms.wait("Heartbeat")
        with pytest.raises(TimeoutError):
            fake.receive(timeout=0.05)
    assert fake.receive()[:2] == [3, id_]


def test_a_wrong_answer_of_the_test_itself_fails_the_test(fake, csms):
    csms.answers["Heartbeat"] = {"currentTime": "yesterday"}
    csms.answers["Authorize"] = lambda request: {}["missing"]
    fake.ask("Heartbeat", {})
    assert fake.ask("Authorize", {"idToken": TOKEN})[2] == "InternalError"
    with pytest.raises(AssertionError, match=r"mistake: the test's own Heartbeat answer[\s\S]*raised KeyError"):
        csms.verify()
    csms.mistakes.clear()


# -- violations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        ([2, "1", "BootNotification", {"reason": "PowerUp"}], "breaks its schema.*'chargingStation' is a required"),
        ([2, "1", "BootNotification", BOOT_2 | {"surplus": 1}], "surplus"),
        ([2, "1", "BootNotification", BOOT_2 | {"reason": "Boredom"}], "Boredom"),
        ([2, "1", "StatusNotification", status("Available") | {"timestamp": "1.1.2026"}], "date-time"),
        ([2, "1", "Nonsense", {}], "no such message"),
        ([2, "1", "Reset", {"type": "Immediate"}], "no request of a station"),
        ([2, "x" * 37, "Heartbeat", {}], "36 characters"),
        ([2, 7, "Heartbeat", {}], "message id"),
        ([2, "1", "Heartbeat"], "4 elements"),
        ([2, "1", "Heartbeat", []], "no object"),
        ([9, "1", "Heartbeat", {}], "unknown message type"),
        ([True, "1", "Heartbeat", {}], "unknown message type"),
        ([3, "unknown", {}], "nothing that was asked"),
        ([4, "unknown", "Whatever", "", {}], "no error code"),
        ({"not": "a list"}, "not a JSON array"),
    ],
)
def test_what_breaks_the_rules_is_a_violation_and_fails_the_test(csms, fake, frame, complaint):
    fake.send(json.dumps(frame))
    fake.tell("Heartbeat", {}, "later")
    csms.wait("Heartbeat", lambda message: message.id == "later")
    with pytest.raises(AssertionError, match=complaint):
        csms.verify()
    assert csms.take_violations()


@pytest.mark.parametrize("text", ["[2,", '[2,"1","Heartbeat",{"a":NaN}]', '[2,"1","Heartbeat",{"a":1,"a":2}]', b"[2]"])
def test_what_is_not_json_is_a_violation(csms, fake, text):
    fake.send(text)
    fake.ask("Heartbeat", {})
    assert "bad frame" in csms.take_violations()[0]


def test_an_invalid_request_is_answered_with_an_error(csms, fake):
    assert fake.ask("BootNotification", {})[:3:2] == [4, "FormatViolation"]
    csms.take_violations()


def test_a_second_request_before_the_answer_is_a_violation(csms, fake):
    with csms.holding("Heartbeat"):
        fake.tell("Heartbeat", {})
        fake.tell("BootNotification", BOOT_2)
        csms.wait("BootNotification")
    assert "while" in csms.take_violations()[0]


def test_a_second_request_after_the_time_limit_is_none(csms, fake):
    csms.message_timeout_s = 0
    csms.silent("Heartbeat")
    fake.tell("Heartbeat", {})
    fake.ask("BootNotification", BOOT_2)


def test_a_message_id_may_be_used_again_for_the_same_content_only(csms, fake):
    fake.ask("Heartbeat", {}, "same")
    fake.ask("Heartbeat", {}, "same")
    assert [message.duplicate for message in csms.calls("Heartbeat")] == [False, True]
    fake.ask("BootNotification", BOOT_2, "same")
    assert "used again" in csms.take_violations()[0]


def test_message_ids_are_remembered_over_connections(csms):
    for payload in (BOOT_2, BOOT_2 | {"reason": "Watchdog"}):
        with FakeStation(csms.url) as station:
            station.ask("BootNotification", payload, "same")
    assert "used again" in csms.take_violations()[0]


def test_tenths_in_1_6_are_exact_and_finer_is_a_violation(csms16, fake16):
    def schedule(limit: str) -> str:
        period = f'{{"startPeriod":0,"limit":{limit}}}'
        return (
            f'{{"status":"Accepted","chargingSchedule":{{"chargingRateUnit":"A","chargingSchedulePeriod":[{period}]}}}}'
        )

    for limit, wrong in (("21.4", 0), ("0.3", 0), ("21.45", 1)):
        pending = csms16.start_call("GetCompositeSchedule", {"connectorId": 1, "duration": 60})
        fake16.send(f'[3,"{fake16.receive()[1]}",{schedule(limit)}]')
        assert pending.answer()["status"] == "Accepted"
        assert len(csms16.take_violations()) == wrong


@pytest.mark.parametrize("good", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123Z", "2026-02-28T23:59:59.9+02:00"])
def test_good_times(good):
    assert date_time_problem(good) is None


@pytest.mark.parametrize(
    "bad", ["", "2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z",
            "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.1234Z", "2026-1-1T00:00:00Z"],
)  # fmt: skip
def test_bad_times(bad):
    assert date_time_problem(bad)


# -- requests of the CSMS ----------------------------------------------------------------------------------------


def answered(fake: FakeStation, csms: Csms, action: str, payload: Any, reply: Any, **how: Any) -> Any:
    """What `csms.call` gives when the station answers with what `reply` makes of the request."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(csms.call, action, payload, **how)
        fake.answer(reply)
        return asked.result(10)


def test_a_call_gives_the_answer(csms, fake):
    reply = answered(fake, csms, "Reset", {"type": "OnIdle"}, lambda request: [3, request[1], {"status": "Scheduled"}])
    assert reply == {"status": "Scheduled"}
    assert reply.message.action == "Reset"


def test_an_error_is_raised_with_its_code(csms, fake):
    with pytest.raises(CallRefused) as refused:
        answered(fake, csms, "Reset", {"type": "OnIdle"}, lambda request: [4, request[1], "NotSupported", "no", {}])
    assert refused.value.code == "NotSupported"


def test_an_answer_that_breaks_its_schema_is_a_violation(csms, fake):
    answered(fake, csms, "Reset", {"type": "OnIdle"}, lambda request: [3, request[1], {"status": "Maybe"}])
    assert "answer to Reset" in csms.take_violations()[0]


def test_no_answer_in_time_fails_with_the_transcript_and_a_late_one_is_no_violation(csms, fake):
    with pytest.raises(AssertionError, match=r"no answer to Reset within[\s\S]*T> "):
        csms.call("Reset", {"type": "OnIdle"}, timeout=0.05)
    fake.answer(lambda request: [3, request[1], {"status": "Accepted"}])
    assert csms.wait_answer().action == "Reset"


def test_a_lost_connection_ends_a_call(csms, fake):
    pending = csms.start_call("Reset", {"type": "OnIdle"})
    csms.drop()
    with pytest.raises(ConnectionLost):
        pending.answer()


def test_two_open_calls_of_the_csms_are_a_mistake_of_the_test(csms, fake):
    for _ in range(2):
        csms.start_call("Reset", {"type": "OnIdle"})
    with pytest.raises(AssertionError, match="another CALL open"):
        csms.verify()
    csms.mistakes.clear()


def test_an_invalid_call_is_sent_only_when_it_is_meant(csms, fake):
    with pytest.raises(ValueError, match="breaks its schema"):
        csms.call("Reset", {})
    with pytest.raises(CallRefused):
        answered(fake, csms, "Reset", {}, lambda request: [4, request[1], "FormatViolation", "", {}], valid=False)


def test_one_answer_to_raw_text_is_no_violation_a_second_is(csms, fake):
    csms.send_raw('[2,"-1"]')
    fake.receive()
    fake.send('[4,"-1","RpcFrameworkError","",{}]')
    assert csms.wait_answer("-1")["code"] == "RpcFrameworkError"
    assert not csms.violations
    fake.send('[4,"-1","RpcFrameworkError","",{}]')
    csms.wait_answer("-1")
    assert csms.take_violations()


# -- waiting -----------------------------------------------------------------------------------------------------


def test_wait_takes_each_message_once_and_in_order(csms, fake):
    for word in ("Available", "Occupied", "Available"):
        fake.ask("StatusNotification", status(word))
    assert csms.wait("StatusNotification", connectorStatus="Occupied").number > 0
    first = csms.wait("StatusNotification")
    second = csms.wait("StatusNotification", {"connectorStatus": "Available"})
    assert first.number < second.number
    with pytest.raises(AssertionError, match="no StatusNotification within 0"):
        csms.wait("StatusNotification", timeout=0)


def test_wait_waits_for_what_is_still_to_come(csms, fake):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(csms.wait, "Heartbeat", timeout=5)
        fake.ask("BootNotification", BOOT_2)
        fake.ask("Heartbeat", {})
        assert waiting.result(10).action == "Heartbeat"


def test_wait_names_what_it_did_not_take(csms, fake):
    fake.ask("BootNotification", BOOT_2)
    with pytest.raises(AssertionError, match=r"not taken: BootNotification[\s\S]*S> \[2"):
        csms.wait("Heartbeat", timeout=0.01)


def test_status_may_be_told_by_either_message(csms, fake):
    fake.ask("StatusNotification", status("Available"))
    place = {"name": "Connector", "evse": {"id": 1, "connectorId": 1}}
    told = {
        "eventId": 1, "timestamp": "2026-01-01T00:00:00Z", "trigger": "Delta", "actualValue": "Occupied",
        "eventNotificationType": "HardWiredNotification", "component": place, "variable": {"name": "AvailabilityState"},
    }  # fmt: skip
    fake.ask("NotifyEvent", {"generatedAt": "2026-01-01T00:00:00Z", "seqNo": 0, "eventData": [told]})
    csms.wait_status("Available")
    assert csms.wait_status("Occupied").action == "NotifyEvent"


def test_in_1_6_any_word_for_occupied_will_do(csms16, fake16):
    fake16.ask("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"})
    assert csms16.wait_status("Occupied")["status"] == "Preparing"


def test_quiet_fails_on_what_came(csms, fake):
    csms.quiet("Heartbeat", 0.01)
    fake.ask("Heartbeat", {})
    with pytest.raises(AssertionError, match="not expected"):
        csms.quiet("Heartbeat", 0.01)


def test_contains_looks_into_objects_and_lists():
    whole = {"a": {"b": [1, {"c": 2, "d": 3}]}}
    assert contains(whole, {"a": {"b": [{"c": 2}]}})
    assert not contains(whole, {"a": {"b": [{"c": 3}]}})
    assert not contains(whole, {"a": {"e": None}})


# -- the link ----------------------------------------------------------------------------------------------------


def test_offline_refuses_and_online_is_the_same_port(csms):
    with FakeStation(csms.url) as station:
        csms.wait_connected()
        csms.offline()
        csms.wait_disconnected()
        with pytest.raises(ConnectionClosed):
            station.receive()
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            FakeStation(csms.url)
        csms.online()
        with FakeStation(csms.url) as station:
            station.ask("Heartbeat", {})
        csms.offline()


def test_drop_breaks_the_connection_and_close_says_goodbye(csms):
    for breaking, code in ((csms.drop, None), (lambda: csms.close(1012, "restart"), 1012)):
        with FakeStation(csms.url) as station:
            breaking()
            with pytest.raises(ConnectionClosed) as closed:
                station.receive()
            assert (closed.value.rcvd.code if closed.value.rcvd else None) == code


def test_a_frozen_connection_answers_nothing(csms, fake):
    csms.freeze()
    fake.tell("Heartbeat", {})
    with pytest.raises(TimeoutError):
        fake.receive(timeout=0.1)
    assert csms.connected
    assert not csms.calls("Heartbeat")


def test_a_new_connection_of_a_station_replaces_the_old(csms, fake):
    with FakeStation(csms.url) as again:
        with pytest.raises(ConnectionClosed):
            fake.receive()
        again.ask("Heartbeat", {})


def test_two_stations_at_once(csms):
    with ExitStack() as stack:
        for name in ("A", "B"):
            stack.enter_context(FakeStation(csms.url, name=name)).ask("Heartbeat", {}, "same")
            csms.wait_connected()
        assert {message.identity for message in csms.calls("Heartbeat")} == {"A", "B"}
        assert csms.line("B").identity == "B"


def test_the_password_is_asked_for_and_may_change(csms):
    csms.password = "secret"

    def station(password: str) -> FakeStation:
        return FakeStation(csms.url.replace("//", f"//FAKE:{password}@"))

    with station("secret") as one:
        one.ask("Heartbeat", {})
    csms.password = b"other"
    with pytest.raises(InvalidStatus, match="401"):
        station("secret")
    assert csms.wait_refused().identity == "FAKE"
    with station("other") as one:
        one.ask("Heartbeat", {})


def test_over_tls_the_certificate_of_the_station_is_seen(tmp_path):
    certificate = self_signed(tmp_path)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate))
    server.load_cert_chain(certificate)
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.create_default_context(cafile=str(certificate))
    client.load_cert_chain(certificate)
    with Csms(tls=server, host="localhost") as csms:
        with FakeStation(csms.url, ssl=client) as station:
            station.ask("Heartbeat", {})
            assert csms.line().peer_certificate == ssl.PEM_cert_to_DER_cert(certificate.read_text().split("\n\n")[0])
        with pytest.raises(ssl.SSLCertVerificationError):
            FakeStation(csms.url, ssl=ssl.create_default_context())


def self_signed(folder: Path) -> Path:
    """A PEM file with a certificate for localhost, and its key after an empty line."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    made = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    path = folder / "both.pem"
    path.write_bytes(made + b"\n" + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def test_the_subprotocol_follows_the_preference_of_the_station():
    with Csms(versions=("1.6", "ocpp2.0.1")) as csms:
        for offer, got in ((("ocpp2.1", "ocpp2.0.1", "ocpp1.6"), "ocpp2.0.1"), (("ocpp1.6", "ocpp2.0.1"), "ocpp1.6")):
            with FakeStation(csms.url, subprotocols=offer) as station:
                assert station.subprotocol == got


def test_without_a_common_subprotocol_the_connection_is_closed(csms):
    with FakeStation(csms.url, subprotocols=("ocpp1.5",)) as station, pytest.raises(ConnectionClosed):
        station.receive()
    assert "ocpp1.5" in csms.wait_refused().text


# -- the transcript ----------------------------------------------------------------------------------------------


def test_the_transcript_shows_both_directions(csms, fake):
    fake.ask("Heartbeat", {})
    csms.wait("Heartbeat")
    lines = csms.transcript.render().splitlines()
    assert [line.split()[1] for line in lines] == ["--", "S>", "T>"]
    assert "Heartbeat [3," in lines[2]


def test_two_dialects_stand_side_by_side_by_meaning():
    left, right = Transcript("1.6"), Transcript("2.0.1")
    left.add(Message("station", "call", "boot", action="BootNotification"))
    left.add(Message("station", "call", "start", action="StartTransaction"))
    right.add(Message("station", "call", "boot", action="BootNotification"))
    right.add(Message("station", "call", "extra", action="NotifyReport"))
    right.add(Message("station", "call", "event", action="TransactionEvent", payload={"eventType": "Started"}))
    rows = [
        [cell.strip().split(" ")[-1] for cell in line.split("|")] for line in side_by_side(left, right).splitlines()
    ]
    assert rows == [["1.6", "2.0.1"], ["boot", "boot"], ["", "extra"], ["start", "event"]]
