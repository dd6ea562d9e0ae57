"""JSON text and RFC 3339 timestamps, as OCPP writes them. Pure: no clock is read here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, NoReturn

MAX_DEPTH = 64
"""nested lists and objects; no schema of OCPP nests more than 12, the rest is room for customData"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()
_LAST = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH).total_seconds() + 86_399.999


def decode(text: str) -> Any:
    """The value of a JSON text. Raises ValueError, also for what Python's json would let pass: NaN, numbers that
    overflow, lone surrogates, more than MAX_DEPTH levels. Of a repeated key the last counts (RFC 8259 §4)."""
    value = _decode(text)
    if text.count("[") + text.count("{") > MAX_DEPTH and _too_deep(value):
        raise ValueError(f"nested more than {MAX_DEPTH} deep")
    return value


def encode(value: Any) -> str:
    """Compact JSON. Raises TypeError or ValueError for what is no JSON. Numbers below 0.0001 may look different
    with and without orjson (0.00001, 1e-05); all else gives the same text."""
    return _encode(value)


def accelerate() -> bool:
    """Use orjson from now on, if it is installed; says whether it is.

    Not done on import: orjson pulls in a good ten modules and takes longer to load than the first messages to
    decode. Call it when the station is up. orjson is faster by a factor of about three.
    """
    global _decode, _encode
    try:
        import orjson
    except ImportError:
        return False
    dumps: Callable[[Any], bytes] = orjson.dumps
    _decode = orjson.loads
    _encode = lambda value: dumps(value).decode()  # noqa: E731
    return True


def _too_deep(value: Any) -> bool:
    """Level by level, not by recursion, since too much depth is what it is about."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def _plain_decode(text: str) -> Any:
    try:
        value = _decoder().decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if "\\u" in text or not text.isascii():
        _plain_encode(value).encode()  # UnicodeEncodeError, a ValueError, if half a surrogate pair is in it
    return value


def _plain_encode(value: Any) -> str:
    return _encoder()(value)


@cache
def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(parse_float=_finite, parse_int=_integer, parse_constant=_no_constant)


@cache
def _encoder() -> Callable[[Any], str]:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"number out of range: {text[:20]}")
    return value


def _integer(text: str) -> int | float:
    """Beyond 64 bits a float, as orjson has it; no OCPP integer is that large, and the validators refuse it."""
    if len(text) < 19:
        return int(text)
    value = _finite(text) if len(text) > 20 else int(text)
    return value if -(2**63) <= value < 2**64 else float(value)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


_decode: Callable[[str], Any] = _plain_decode
_encode: Callable[[Any], str] = _plain_encode


@cache
def _rfc3339() -> re.Pattern[str]:
    return re.compile(
        r"(\d{4}-\d\d-\d\d[Tt]\d\d:[0-5]\d):([0-5]\d|60)(\.\d+)?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
        re.ASCII,
    )


def parse_time(text: str) -> float:
    """Seconds since 1970 in UTC of an RFC 3339 timestamp: any offset, any fraction, t and z in lower case too.

    A leap second counts as the second after it. Raises ValueError, also without an offset: OCPP wants times in UTC,
    and what a bare local time means nobody can know; and for what is not in the years 1 to 9999 in UTC, so whatever
    was read can be written.
    """
    match = _rfc3339().fullmatch(text)
    if match is None:
        raise ValueError(f'not an RFC 3339 timestamp such as "2026-11-24T03:31:50Z": {text[:40]!r}')
    minute, second, fraction, sign, off_hour, off_minute = match.groups()
    utc_s = _read_minute(minute) + int(second)
    if sign:
        offset_s = int(off_hour) * 3600 + int(off_minute) * 60
        utc_s += offset_s if sign == "-" else -offset_s
    utc_s += float(fraction) if fraction else 0.0
    if not _FIRST <= utc_s <= _LAST:
        raise ValueError(f"outside the years 1 to 9999 in UTC: {text[:40]!r}")
    return utc_s


def parse_optional_time(text: str | None) -> float | None:
    """None for a field that is not there."""
    return None if text is None else parse_time(text)


def readable_time(text: str) -> float | None:
    """None for what is no time: where a message is worth more than the time in it."""
    try:
        return parse_time(text)
    except ValueError:
        return None


def format_time(utc_s: float) -> str:
    """ "2026-11-24T03:31:50.123Z": RFC 3339 in UTC, rounded to the millisecond (OCPP 2.0.1 part 2, DateTime).

    utc_s: seconds since 1970. Raises OverflowError outside the years 1 to 9999, ValueError for NaN.
    """
    seconds, milliseconds = divmod(round(utc_s * 1000), 1000)
    minute, second = divmod(seconds, 60)
    return f"{_written_minute(minute)}:{second:02}.{milliseconds:03}Z"


# Most times of a moment, and of a queue, are of the same few minutes.


@lru_cache(64)
def _read_minute(text: str) -> float:
    """Seconds since 1970 of "2026-11-24T03:31"."""
    year, month, day, hour, minute = text[:4], text[5:7], text[8:10], text[11:13], text[14:]
    return (datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=UTC) - _EPOCH).total_seconds()


@lru_cache(64)
def _written_minute(minute: int) -> str:
    return (_EPOCH + timedelta(minutes=minute)).isoformat(timespec="minutes")[:16]
