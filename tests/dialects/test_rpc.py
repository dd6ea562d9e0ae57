"""Frames: whatever arrives has a defined answer, and what we write is what the other side reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepointd.dialects import codec, rpc
from chargepointd.dialects.rpc import Bad, Call, Error, Result, ResultError, Send

VERSIONS = ["1.6", "2.0.1", "2.1"]
VERSION = st.sampled_from(VERSIONS)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ID = TEXT.map(lambda text: text[:36])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
PAYLOAD = st.dictionaries(TEXT, st.integers(-(2**53), 2**53) | TEXT | st.lists(st.booleans()), max_size=4)
KINDS = (Call, Send, Result, Error, ResultError, Bad)


@pytest.fixture(params=["json", "orjson"], autouse=True, scope="module")
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "_decode", codec._plain_decode)
        patch.setattr(codec, "_encode", codec._plain_encode)
        if request.param == "orjson":
            pytest.importorskip("orjson")
            assert codec.accelerate()
        yield


def frame(*parts: Any) -> str:
    return json.dumps(list(parts))


@pytest.mark.parametrize("version", VERSIONS)
def test_messages_are_read(version: str) -> None:
    assert rpc.parse('[2,"a","Reset",{"type":"Soft"}]', version) == Call("a", "Reset", {"type": "Soft"})
    assert rpc.parse('[3,"a",{}]', version) == Result("a", {})
    assert rpc.parse('[4,"a","GenericError","d",{"x":1}]', version) == Error("a", "GenericError", "d", {"x": 1})
    assert rpc.parse(frame(2, "x" * 36, "A", {}), version) == Call("x" * 36, "A", {})


def test_2_1_has_two_more_types() -> None:
    assert rpc.parse('[5,"a","InternalError","",{}]', "2.1") == ResultError("a", "InternalError", "", {})
    assert rpc.parse('[6,"a","NotifyPeriodicEventStream",{}]', "2.1") == Send("a", "NotifyPeriodicEventStream", {})


@pytest.mark.parametrize(
    "text", ['[4,"a","InternalError"]', '[4,"a","InternalError",null,null]', '[4,"a","InternalError",7,"x"]']
)
def test_a_sloppy_error_still_answers_its_request(text: str) -> None:
    assert rpc.parse(text, "1.6") == Error("a", "InternalError", "", {})


@given(ID, TEXT, PAYLOAD, VERSION)
def test_a_call_and_its_result_come_back(message_id: str, action: str, payload: dict[str, Any], version: str) -> None:
    assert rpc.parse(rpc.call(message_id, action, payload), version) == Call(message_id, action, payload)
    assert rpc.parse(rpc.result(message_id, payload), version) == Result(message_id, payload)
    assert rpc.parse(rpc.send(message_id, action, payload), "2.1") == Send(message_id, action, payload)


@given(ID, st.sampled_from(sorted(rpc.CODES["1.6"])), TEXT, PAYLOAD, VERSION)
def test_an_error_comes_back(message_id: str, code: str, text: str, details: dict[str, Any], version: str) -> None:
    assert rpc.parse(rpc.error(message_id, code, text, details), version) == Error(message_id, code, text, details)
    sent = rpc.result_error(message_id, code, text, details)
    assert rpc.parse(sent, "2.1") == ResultError(message_id, code, text, details)


def test_a_description_is_cut_to_255_characters() -> None:
    assert json.loads(rpc.error("a", "InternalError", "ä" * 300)) == [4, "a", "InternalError", "ä" * 255, {}]
    assert json.loads(rpc.result_error("a", "InternalError", "ä" * 300))[3] == "ä" * 255


@given(
    st.text() | st.floats().map(json.dumps) | JSON.map(json.dumps) | st.lists(JSON, max_size=6).map(json.dumps), VERSION
)
def test_any_text_is_a_message_or_bad(text: str, version: str) -> None:
    check_answer(rpc.parse(text, version), version)


@given(st.lists(JSON | ID, min_size=0, max_size=5), st.integers(-1, 9), VERSION)
def test_any_frame_is_a_message_or_bad(parts: list[Any], kind: int, version: str) -> None:
    parsed = rpc.parse(frame(kind, *parts), version)
    check_answer(parsed, version)
    if isinstance(parsed, Bad) and kind in (3, 4):
        assert parsed.reply is None


def check_answer(parsed: Any, version: str) -> None:
    assert isinstance(parsed, KINDS)
    if isinstance(parsed, Bad) and parsed.reply is not None:
        kind, message_id, code, description, details = json.loads(parsed.reply)
        assert (kind, details) == (4, {})
        assert len(message_id) <= 36
        assert code in rpc.CODES[version].values()
        assert 0 < len(description) <= 255
        assert parsed.reply.encode()
        assert isinstance(rpc.parse(parsed.reply, version), Error)


def answer(text: str, version: str) -> tuple[str, str] | None:
    parsed = rpc.parse(text, version)
    assert isinstance(parsed, Bad), parsed
    return None if parsed.reply is None else tuple(json.loads(parsed.reply)[1:3])


LONG = "x" * 37
DEEP = '[2,"a","DataTransfer",' + "[" * 200_000 + "]" * 200_000 + "]"
LARGE = '[2,"a","DataTransfer",{"data":"' + "x" * 2_000_000 + '"}]'


@pytest.mark.parametrize(
    "text",
    [
        *("", "hello", "{}", "[]", '"[2]"', "7", "null", "[2", "[2]", '[2,7,"Reset",{}]', '[2,null,"Reset",{}]'),
        *('[2,["a"],"Reset",{}]', frame(2, LONG, "Reset", {}), '[2,"\\ud800","Reset",{}]', '[2,"a","Reset",{"n":NaN}]'),
        *('[2,"a","Reset",{"n":1e999}]', DEEP, LARGE, '[2,"\ud800","Reset",{}]'),
    ],
    ids=lambda text: text[:25].encode("ascii", "backslashreplace").decode(),
)
def test_a_frame_without_readable_id(text: str) -> None:
    assert answer(text, "2.0.1") == ("-1", "RpcFrameworkError")
    assert answer(text, "2.1") == ("-1", "RpcFrameworkError")
    assert answer(text, "1.6") is None


@pytest.mark.parametrize(
    ("text", "code_2", "code_16"),
    [
        ('[2,"a"]', "RpcFrameworkError", "ProtocolError"),
        ('[2,"a","Reset"]', "RpcFrameworkError", "ProtocolError"),
        ('[2,"a","Reset",{},1]', "RpcFrameworkError", "ProtocolError"),
        ('[2,"a",7,{}]', "RpcFrameworkError", "ProtocolError"),
        ('[2,"a",null,{}]', "RpcFrameworkError", "ProtocolError"),
        ('[2,"a","Reset",[]]', "FormatViolation", "FormationViolation"),
        ('[2,"a","Reset",null]', "FormatViolation", "FormationViolation"),
        ('[2,"a","Reset","{}"]', "FormatViolation", "FormationViolation"),
    ],
)
def test_a_malformed_request_is_refused_under_its_id(text: str, code_2: str, code_16: str) -> None:
    assert answer(text, "2.0.1") == answer(text, "2.1") == ("a", code_2)
    assert answer(text, "1.6") == ("a", code_16)


@pytest.mark.parametrize(
    "kind", ["0", "1", "7", "-2", "2.0", "true", '"2"', "null", "[2]", "1e3", "99999999999999999999"]
)
def test_an_unknown_message_type(kind: str) -> None:
    text = f'[{kind},"a","Reset",{{}}]'
    assert answer(text, "2.0.1") == answer(text, "2.1") == ("a", "MessageTypeNotSupported")
    assert answer(text, "1.6") is None
    assert answer(f"[{kind}]", "2.0.1") == ("-1", "MessageTypeNotSupported")


@pytest.mark.parametrize("text", ['[5,"a","InternalError","",{}]', '[6,"a","NotifyPeriodicEventStream",{}]'])
def test_the_types_of_2_1_are_unknown_before(text: str) -> None:
    assert answer(text, "2.0.1") == ("a", "MessageTypeNotSupported")
    assert answer(text, "1.6") is None


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("text", "answer_to"),
    [
        ('[3,"a"]', "a"),
        ('[3,"a",null]', "a"),
        ('[3,"a",{},{}]', "a"),
        ("[3]", None),
        ("[3,7,{}]", None),
        ('[4,"a"]', "a"),
        ('[4,"a",7,"",{}]', "a"),
        ('[4,"a","b","c",{},1]', "a"),
        ("[4]", None),
    ],
)
def test_a_malformed_answer_is_never_answered_but_ends_the_wait(version: str, text: str, answer_to: str | None) -> None:
    parsed = rpc.parse(text, version)
    assert isinstance(parsed, Bad)
    assert (parsed.reply, parsed.answer_to) == (None, answer_to)


@pytest.mark.parametrize("text", ['[5,"a"]', '[6,"a"]', '[6,"a","X",[]]', "[6,1,2,3]", f'[6,"{LONG}","X",{{}}]'])
def test_what_needs_no_answer_in_2_1_gets_none_when_malformed(text: str) -> None:
    parsed = rpc.parse(text, "2.1")
    assert isinstance(parsed, Bad)
    assert (parsed.reply, parsed.answer_to) == (None, None)


def test_of_a_repeated_key_the_last_counts() -> None:
    assert rpc.parse('[2,"a","Reset",{"type":"Hard","type":"Soft"}]', "1.6") == Call("a", "Reset", {"type": "Soft"})


BOOT_16 = {"chargePointVendor": "v", "chargePointModel": "m"}
BOOT_2 = {"reason": "PowerUp", "chargingStation": {"vendorName": "v", "model": "m"}}


def test_a_payload_that_fits_passes() -> None:
    assert rpc.check("1.6", "BootNotification", BOOT_16, "request") is None
    assert rpc.check("2.0.1", "BootNotification", BOOT_2, "request") is None
    accepted = {"currentTime": "2026-11-24T03:31:50Z", "interval": 300, "status": "Accepted"}
    for version in VERSIONS:
        assert rpc.check(version, "BootNotification", accepted, "response") is None


@pytest.mark.parametrize(
    ("changed", "code_2", "code_16", "path"),
    [
        ({"type": 7}, "TypeConstraintViolation", "TypeConstraintViolation", "type"),
        ({"type": "Warm"}, "PropertyConstraintViolation", "PropertyConstraintViolation", "type"),
        ({}, "OccurrenceConstraintViolation", "OccurenceConstraintViolation", "payload"),
        ({"more": 1}, "OccurrenceConstraintViolation", "OccurenceConstraintViolation", "payload"),
    ],
)
def test_each_fault_has_its_code(changed: dict[str, Any], code_2: str, code_16: str, path: str) -> None:
    for version, code, good in (("1.6", code_16, "Soft"), ("2.0.1", code_2, "OnIdle"), ("2.1", code_2, "OnIdle")):
        payload = {**({"type": good} if "more" in changed else {}), **changed}
        refusal = rpc.check(version, "Reset", payload, "request")
        assert refusal is not None
        assert refusal.code == code
        assert refusal.description.startswith(f"{path}: ")


def test_length_format_range_and_number_of_items_have_their_codes() -> None:
    def code(action: str, payload: dict[str, Any], direction: rpc.Direction = "request") -> str | None:
        refusal = rpc.check("2.0.1", action, payload, direction)
        return refusal and refusal.code

    assert code("CancelReservation", {"reservationId": 1}) is None
    assert code("GetVariables", {"getVariableData": []}) == "OccurrenceConstraintViolation"
    assert code("DataTransfer", {"vendorId": "v" * 256}) == "PropertyConstraintViolation"
    assert code("Heartbeat", {"currentTime": "yesterday"}, "response") == "PropertyConstraintViolation"
    assert code("SetMonitoringLevel", {"severity": True}) == "TypeConstraintViolation"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("action", ["", "reset", "ResetRequest", "ResetResponse", "__init__", "x" * 10_000])
def test_an_unknown_action_is_not_implemented(version: str, action: str) -> None:
    refusal = rpc.check(version, action, {}, "request")
    assert refusal is not None
    assert refusal.code == "NotImplemented"
    assert len(refusal.description) <= 255


def test_a_refusal_is_short_whatever_was_sent() -> None:
    refusal = rpc.check("2.0.1", "Heartbeat", {"x" * 1_000_000: 1}, "request")
    assert refusal is not None
    assert len(refusal.description) == 255


@given(
    st.sampled_from(["Reset", "SetChargingProfile", "DataTransfer"]), st.dictionaries(TEXT, JSON, max_size=4), VERSION
)
def test_any_payload_is_judged(action: str, payload: dict[str, Any], version: str) -> None:
    for direction in ("request", "response"):
        refusal = rpc.check(version, action, payload, direction)
        assert refusal is None or refusal.code in rpc.CODES[version].values()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_frame_that_takes_too_long_to_read_is_refused_unread(version: str) -> None:
    bad = rpc.parse('[2,"id-1","ClearCache",{"a":[' + "[]," * (rpc.MAX_FRAME // 3) + "[]]}]", version)
    assert isinstance(bad, Bad)
    assert bad.reason.endswith("characters, at most 400000")
