"""Values to text and back: a named tuple is a JSON array of its fields, in order.

It is what `json` makes of a tuple anyway, at the speed of C and in few bytes, which a flash disk likes. The price: a
field may only ever be appended to a kept type, with a default. `tests/storage/test_pack.py` holds the order.
"""

import json
import types
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

pack: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def unpack(into: type[T], text: str) -> T:
    """The value of a kept type. ValueError when the text is no such value."""
    try:
        value: T = _decoder(into)(json.loads(text))  # type: ignore[arg-type]
    except (TypeError, KeyError, IndexError) as error:
        raise ValueError(f"no {into.__name__}: {error}") from error
    return value


@cache
def _decoder(hint: Any) -> Callable[[Any], Any]:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _optional(args)
    if origin is tuple:
        return _tuple(args)
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return _named(hint)
    return _as_is


def _optional(args: tuple[Any, ...]) -> Callable[[Any], Any]:
    inner = [_decoder(arg) for arg in args if arg is not type(None)]
    decode = next((d for d in inner if d is not _as_is), _as_is)
    if decode is _as_is:
        return _as_is
    return lambda data: None if data is None else decode(data)


def _tuple(args: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(args) == 2 and args[1] is Ellipsis:
        each = _decoder(args[0])
        return lambda data: tuple(each(item) for item in data)
    return tuple


def _named(into: type[Any]) -> Callable[[Any], Any]:
    hints = get_type_hints(into)
    decoders = [_decoder(hints[field]) for field in into._fields]
    length = len(decoders)
    special = [(index, decode) for index, decode in enumerate(decoders) if decode is not _as_is]

    def decode_all(data: Any) -> Any:
        values = list(data)
        for index, decode in special:
            if index < len(values):
                values[index] = decode(values[index])
        # What an older program wrote is shorter, what a newer one wrote is longer.
        return tuple.__new__(into, values) if len(values) == length else into(*values[:length])

    return decode_all


def _as_is(data: Any) -> Any:
    return data
