import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepointd.control.protocol import (
    DEPTH_LIMIT,
    INVALID_PARAMS,
    INVALID_REQUEST,
    LINE_LIMIT,
    PARSE_ERROR,
    Failure,
    Lines,
    Notification,
    Request,
    encode_notification,
    encode_result,
    named,
    parse,
)

# A busy machine is no reason to fail: how long an example takes says nothing here.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def line(**message: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "status", **message}).encode()


def test_a_request_has_id_method_and_params() -> None:
    assert parse(line(method="start", params={"evse": 1})) == Request(1, "start", {"evse": 1})


def test_without_an_id_it_is_a_notification() -> None:
    assert parse(b'{"jsonrpc":"2.0","method":"status"}') == Notification("status", {})


def test_an_id_of_null_wants_an_answer() -> None:
    assert parse(line(id=None)) == Request(None, "status", {})


@pytest.mark.parametrize(
    "bad, code, word",
    [
        (b"hello", PARSE_ERROR, "not JSON"),
        (b"\xff\xfe", PARSE_ERROR, "not JSON"),
        (b'{"a": NaN}', PARSE_ERROR, "NaN"),
        (b'{"a": ' + b"9" * 5000 + b"}", PARSE_ERROR, "not JSON"),
        (b"[]", INVALID_REQUEST, "one object a line"),
        (b"7", INVALID_REQUEST, "got 7"),
        (b"[" * 60000, INVALID_REQUEST, "nested deeper"),
        (line(jsonrpc="1.0"), INVALID_REQUEST, "jsonrpc"),
        (line(id=1.5), INVALID_REQUEST, "id:"),
        (line(id=True), INVALID_REQUEST, "id:"),
        (line(id="x" * 65), INVALID_REQUEST, "id:"),
        (line(id={}), INVALID_REQUEST, "id:"),
        (line(method=3), INVALID_REQUEST, "method:"),
        (line(method=""), INVALID_REQUEST, "method:"),
        (line(params=[1]), INVALID_PARAMS, "params:"),
        (b" " * (LINE_LIMIT + 1), INVALID_REQUEST, str(LINE_LIMIT)),
    ],
)
def test_what_is_no_request_is_answered_with_the_reason(bad: bytes, code: int, word: str) -> None:
    answer = parse(bad)
    assert isinstance(answer, Failure)
    assert answer.code == code
    assert word in answer.message
    assert len(answer.message) < 200


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def test_nesting_is_limited_on_both_sides_of_the_limit() -> None:
    assert isinstance(parse(line(params=nested(DEPTH_LIMIT - 1))), Request)
    answer = parse(line(params=nested(DEPTH_LIMIT)))
    assert isinstance(answer, Failure)
    assert answer.id == 1
    assert str(DEPTH_LIMIT) in answer.message


@patient
@given(st.binary(max_size=300))
def test_no_bytes_at_all_raise(data: bytes) -> None:
    assert isinstance(parse(data), Request | Notification | Failure)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@patient
@given(st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params"]), json_values | st.just("2.0")))
def test_no_object_at_all_raises(message: dict[str, object]) -> None:
    assert isinstance(parse(json.dumps(message).encode()), Request | Notification | Failure)


@patient
@given(st.lists(st.binary(max_size=20).filter(lambda b: b"\n" not in b and b.strip()), max_size=8), st.data())
def test_lines_are_the_same_however_they_are_cut(wanted: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(each + b"\n" for each in wanted)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    lines = Lines()
    assert [got for piece in pieces for got in lines.feed(piece)] == wanted


def test_a_line_that_is_too_long_is_told_once_and_the_next_one_is_read() -> None:
    lines = Lines()
    got = [each for _ in range(16) for each in lines.feed(b"x" * LINE_LIMIT)]
    got += lines.feed(b"end\nnext\n")
    assert [len(each) for each in got] == [LINE_LIMIT + 1, 4]
    assert got[-1] == b"next"


def test_the_longest_line_allowed_passes_whole() -> None:
    lines = Lines()
    longest = b"x" * LINE_LIMIT
    assert list(lines.feed(longest)) == []
    assert list(lines.feed(b"\n")) == [longest]


def test_blank_lines_are_no_requests() -> None:
    assert list(Lines().feed(b"\n  \n\r\na\n")) == [b"a"]


@patient
@given(st.text())
def test_an_answer_is_one_line_of_ascii_whatever_is_in_it(text: str) -> None:
    encoded = encode_result(1, {"text": text})
    assert encoded.count(b"\n") == 1
    assert encoded.isascii()
    assert json.loads(encoded)["result"]["text"] == text


def test_an_answer_never_holds_what_is_not_json() -> None:
    with pytest.raises(ValueError):
        encode_notification("event", {"power_w": float("nan")})


def test_a_long_value_is_named_by_its_beginning_and_length() -> None:
    assert named("A" * 300).endswith("(300 characters)")
    assert len(named("A" * 300)) < 80
