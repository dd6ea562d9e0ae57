"""JSON and timestamps: the same with and without orjson."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepointd.dialects import codec

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
# Between these bounds both libraries write a number the same way; readings and limits are there.
NUMBER = st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15).map(lambda x: x if abs(x) >= 1e-4 else 0.0)
LEAF = st.none() | st.booleans() | NUMBER | TEXT
JSON = st.recursive(LEAF, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@pytest.fixture(params=["json", "orjson"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(codec, "_decode", codec._plain_decode)
    monkeypatch.setattr(codec, "_encode", codec._plain_encode)
    if request.param == "orjson":
        pytest.importorskip("orjson")
        assert codec.accelerate()
    yield request.param


def test_without_orjson_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_decode", codec._plain_decode)
    monkeypatch.setitem(__import__("sys").modules, "orjson", None)
    assert codec.accelerate() is False
    assert codec.decode("[1]") == [1]


@given(JSON)
def test_both_backends_write_and_read_the_same(value: Any) -> None:
    orjson = pytest.importorskip("orjson")
    text = codec._plain_encode(value)
    assert orjson.dumps(value).decode() == text
    assert orjson.loads(text) == codec._plain_decode(text) == value


def test_a_message_is_compact_and_keeps_its_letters(backend: str) -> None:
    value = [
        2,
        "id",
        "DataTransfer",
        {"vendorId": "Bäckerei\u2028", "data": '"\\\n\x00', "n": [1, 1.5, -0.25, 1e6, True, None]},
    ]
    text = (
        '[2,"id","DataTransfer",{"vendorId":"Bäckerei\u2028","data":"\\"\\\\\\n\\u0000",'
        '"n":[1,1.5,-0.25,1000000.0,true,null]}]'
    )
    assert codec.encode(value) == text
    assert codec.decode(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "{",
            "[1,]",
            "[1]x",
            "'a'",
            "NaN",
            "[Infinity]",
            "[-Infinity]",
            "[1e999]",
            "[-1e999]",
            "[01]",
            "[+1]",
        ),
        *("[1" + "0" * 400 + "]", "[" + "1" * 5000 + "]"),
        *(
            '["\\ud800"]',
            '["\\udc00\\ud800"]',
            '{"\\uDEAD":1}',
            '["\ud800"]',
            "[\ufeff1]",
            "\ufeff[]",
            '["\n"]',
            '["\\x"]',
        ),
        *("[" * 65 + "]" * 65, "[" * 1_000_000, '{"a":' * 100 + "1" + "}" * 100, "[" * 100_000 + "]" * 100_000),
        '[["]",' * 40 + '["[",' * 40 + "1" + "]" * 120,
    ],
)
def test_what_is_no_json_is_a_value_error(backend: str, text: str) -> None:
    with pytest.raises(ValueError):
        codec.decode(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1,"b":2,"a":3}', {"a": 3, "b": 2}),
        ('"\\ud83d\\ude00 \\u00e4"', "😀 ä"),
        ("[18446744073709551615,-9223372036854775808]", [2**64 - 1, -(2**63)]),
        ("[18446744073709551616]", [float(2**64)]),
        ("[-9223372036854775809]", [-float(2**63)]),
        ("[1.0,1E2,-0.0]", [1.0, 100.0, 0.0]),
        ("[" * 64 + "]" * 64, json.loads("[" * 64 + "]" * 64)),
        ("[" + "[]," * 1000 + '"[[[["]', [*([[]] * 1000), "[[[["]),
        ('"' + "[" * 100 + '"', "[" * 100),
    ],
)
def test_what_is_read(backend: str, text: str, value: Any) -> None:
    read = codec.decode(text)
    assert read == value
    assert [type(x) for x in read] == [type(x) for x in value]


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x"])
def test_what_is_no_json_cannot_be_written(backend: str, value: object) -> None:
    with pytest.raises(TypeError):
        codec.encode([value])


@pytest.mark.parametrize(
    ("text", "utc_s"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-24T03:31:50.123Z", 1795491110.123),
        ("2026-11-24t03:31:50z", 1795491110),
        ("2026-11-24T05:31:50+02:00", 1795491110),
        ("2026-11-23T22:01:50-05:30", 1795491110),
        ("2026-11-24T03:31:50-00:00", 1795491110),
        ("2026-11-24T03:31:50.5Z", 1795491110.5),
        ("2026-11-24T03:31:50.123456789012+00:00", 1795491110.123456789),
        ("2016-12-31T23:59:60Z", 1483228800),
        ("2024-02-29T00:00:00Z", 1709164800),
        ("0001-01-01T00:00:00Z", -62135596800),
        ("9999-12-31T23:59:59Z", 253402300799),
    ],
)
def test_any_offset_and_fraction_is_read(text: str, utc_s: float) -> None:
    assert codec.parse_time(text) == pytest.approx(utc_s, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "now",
            "2026-11-24",
            "2026-11-24T03:31Z",
            "2026-11-24T03:31:50",
            "2026-11-24 03:31:50Z",
            "20261124T033150Z",
        ),
        *("2026-11-24T03:31:50+0200", "2026-11-24T03:31:50+02", "2026-11-24T03:31:50,5Z", "2026-11-24T03:31:50.Z"),
        *("2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-11-24T24:00:00Z"),
        *("2026-11-24T03:60:00Z", "2026-11-24T03:31:61Z", "2026-11-24T03:31:50+24:00", "2026-11-24T03:31:50+02:60"),
        *(
            "0000-01-01T00:00:00Z",
            "2026-11-24T03:31:50Z\n",
            " 2026-11-24T03:31:50Z",
            "２０２６-11-24T03:31:50Z",
            "x" * 10**6,
        ),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-00:01"),
        "2026-W48-2T03:31:50Z",
    ],
)
def test_rubbish_is_no_timestamp(text: str) -> None:
    with pytest.raises(ValueError):
        codec.parse_time(text)


@pytest.mark.parametrize(
    ("utc_s", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1795491110.123, "2026-11-24T03:31:50.123Z"),
        (1795491110.9996, "2026-11-24T03:31:51.000Z"),
        (-0.001, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_written_in_utc_to_the_millisecond(utc_s: float, text: str) -> None:
    assert codec.format_time(utc_s) == text


@pytest.mark.parametrize("utc_s", [math.nan, math.inf, 1e12])
def test_a_time_out_of_this_world_cannot_be_written(utc_s: float) -> None:
    with pytest.raises((ValueError, OverflowError)):
        codec.format_time(utc_s)


@given(st.integers(0, 4_102_444_800_000))
def test_a_time_comes_back(utc_ms: int) -> None:
    assert round(codec.parse_time(codec.format_time(utc_ms / 1000)) * 1000) == utc_ms


@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)), st.integers(-1439, 1439))
def test_a_time_is_read_as_the_standard_library_reads_it(local: datetime, offset_min: int) -> None:
    moment = local.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    assert codec.parse_time(moment.isoformat()) == pytest.approx(seconds, abs=1e-6)


@given(st.text())
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        codec.parse_time(text)
    except ValueError:
        return
    raise AssertionError(f"{text!r} is hardly a timestamp")
