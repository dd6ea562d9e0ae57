"""Values to text and back, as they are kept: a named tuple is a JSON array of its fields, in order.

It is what `json` makes of a tuple anyway, at the speed of C and in few bytes, which a flash disk likes. Fields at the
end that have their default are left out, in the values within it too, so that more records fit on a page of the disk.

The price: a field may only ever be appended to a kept type, with a default, and that default stays what it is.
`tests/storage/test_migrations.py` holds both.
"""

import json
import types
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Do = Callable[[Any], Any]

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _encoder() -> Callable[[Any], str]:
    """What `JSONEncoder.encode` does, without making the encoder, which is in C, anew for each value: half of the time.
    It is not public, so another Python may not have it, or have it differently: then it is `encode`."""
    try:
        make = json.encoder.c_make_encoder  # type: ignore[attr-defined]
        made = make(None, _json.default, json.encoder.encode_basestring, None, ":", ",", False, False, True)
    except (AttributeError, TypeError):
        return _json.encode
    return lambda value: "".join(made(value, 0))


as_json = _encoder()


def pack(value: tuple[Any, ...]) -> str:
    """A value of a kept type."""
    return as_json(_shortener(type(value))(value))


def unpack(into: type[T], text: str) -> T:
    """The value of a kept type. ValueError when the text is no such value."""
    try:
        value: T = _decoder(into)(json.loads(text))  # type: ignore[arg-type]
    except (TypeError, KeyError, IndexError) as error:
        raise ValueError(f"no {into.__name__}: {error}") from error
    return value


def _as_is(data: Any) -> Any:
    return data


def _of_kept_types(into: type[Any], of: Callable[[Any], Do]) -> list[tuple[int, Do]]:
    """The fields that are more than what JSON makes of them, and what is done to them."""
    hints = get_type_hints(into)
    done = [(index, of(hints[field])) for index, field in enumerate(into._fields)]
    return [(index, do) for index, do in done if do is not _as_is]


def _is_kept(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields")


def _optional(args: tuple[Any, ...], of: Callable[[Any], Do]) -> Do:
    do = next((each for each in map(of, args) if each is not _as_is), _as_is)
    return do if do is _as_is else lambda data: None if data is None else do(data)


# -- to text -----------------------------------------------------------------------------------------------------------


@cache
def _shortener(hint: Any) -> Do:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _optional(args, _shortener)
    if origin is tuple:
        each = _shortener(args[0]) if args[1:] == (Ellipsis,) else _as_is
        return each if each is _as_is else lambda items: [each(item) for item in items]
    return _shortened(hint) if _is_kept(hint) else _as_is


def _shortened(kind: type[Any]) -> Do:
    special = _of_kept_types(kind, _shortener)
    defaults = [(type(default), default) for default in reversed(kind._field_defaults.values())]

    def shorten(value: Any) -> Any:
        end = len(value)
        for type_, default in defaults:
            last = value[end - 1]
            if last is not default and (type(last) is not type_ or last != default):  # 0 and False are equal
                break
            end -= 1
        if not special:
            return value[:end]
        short = list(value[:end])
        for index, do in special:
            if index < end and short[index]:  # often there is none
                short[index] = do(short[index])
        return short

    return shorten


# -- and back ----------------------------------------------------------------------------------------------------------


@cache
def _decoder(hint: Any) -> Do:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _optional(args, _decoder)
    if origin is tuple:
        return _tuple(args)
    return _named(hint) if _is_kept(hint) else _as_is


def _tuple(args: tuple[Any, ...]) -> Do:
    if len(args) == 2 and args[1] is Ellipsis:
        each = _decoder(args[0])
        return lambda data: tuple(each(item) for item in data)
    return tuple


def _named(into: type[Any]) -> Do:
    special = _of_kept_types(into, _decoder)
    length, defaults = len(into._fields), list(into._field_defaults.values())
    required = length - len(defaults)

    def decode_all(data: Any) -> Any:
        values = list(data)
        for index, decode in special:
            if index < len(values):
                values[index] = decode(values[index])
        # It is shorter where the rest has its defaults, or an older program wrote it; longer where a newer one did.
        if required <= len(values) < length:
            values += defaults[len(values) - required :]
        return tuple.__new__(into, values) if len(values) == length else into(*values[:length])

    return decode_all
