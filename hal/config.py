"""A TOML table to a typed config, with complaints that name the key and the remedy.

`parse(Config, table, "drivers.meter")` fills a NamedTuple or dataclass from a table by its annotations. Supported:
str, int, float (takes an int), bool, Path, Literal, X | None, tuple[X, ...], dict[str, X], nested NamedTuples and
dataclasses. Numbers are finite. Unknown keys, missing keys and wrong types raise BadConfig: all of one table in one
text, a line each.
"""

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from hal.errors import BadConfig

T = TypeVar("T")


def parse(into: type[T], table: Mapping[str, Any], where: str) -> T:
    """`table` as an `into`. BadConfig names every wrong key as `where.key: what was expected, what was found`."""
    hints = {key: hint for key, hint in get_type_hints(into).items() if get_origin(hint) is not ClassVar}
    required = set(hints) - set(_defaults(into))
    problems = [_unknown(key, hints, where) for key in table if key not in hints]
    problems += [f"{_at(where, key)}: missing; expected {_wanted(hints[key])}" for key in sorted(required - set(table))]
    values: dict[str, Any] = {}
    for key in table.keys() & hints.keys():
        try:
            values[key] = _value(hints[key], table[key], _at(where, key))
        except BadConfig as error:
            problems.append(str(error))
    if problems:
        raise BadConfig("\n".join(sorted(problems)))
    try:
        return into(**values)
    except ValueError as error:  # what a __post_init__ has against the values together
        raise BadConfig(f"{where}: {error}") from error


def _at(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _defaults(into: type[Any]) -> Mapping[str, Any]:
    if issubclass(into, tuple):
        defaults: Mapping[str, Any] = into._field_defaults  # type: ignore[attr-defined]
        return defaults
    from dataclasses import MISSING, fields

    return {f.name: f for f in fields(into) if f.default is not MISSING or f.default_factory is not MISSING}


def _unknown(key: str, hints: Mapping[str, Any], where: str) -> str:
    from difflib import get_close_matches  # only who has made a mistake waits for it

    near = get_close_matches(key, hints, 1)
    remedy = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(sorted(hints)) or 'none'}"
    return f"{_at(where, key)}: unknown key; {remedy}"


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union(hint, value, where)
    if origin is Literal:
        return _checked(any(type(arg) is type(value) and arg == value for arg in args), value, hint, where)
    if origin is tuple:
        _checked(isinstance(value, list), value, hint, where)
        return tuple(_value(args[0], item, f"{where}[{n}]") for n, item in enumerate(value))
    if origin is dict:
        _checked(isinstance(value, dict), value, hint, where)
        return {key: _value(args[1], item, _at(where, key)) for key, item in value.items()}
    if hint is Any:
        return value
    if hint is Path:
        return Path(_checked(isinstance(value, str) and value != "", value, hint, where))
    if hint is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(_checked(number and -_MOST < value < _MOST, value, hint, where))
    if hint is int:
        return _checked(isinstance(value, int) and not isinstance(value, bool), value, hint, where)
    if hint in (str, bool):
        return _checked(isinstance(value, hint), value, hint, where)
    if not (isinstance(hint, type) and (hasattr(hint, "_fields") or hasattr(hint, "__dataclass_fields__"))):
        raise TypeError(f"{where}: a config type cannot have a field of type {hint}")
    _checked(isinstance(value, dict), value, hint, where)
    return parse(hint, value, where)


def _union(hint: Any, value: Any, where: str) -> Any:
    args = [arg for arg in get_args(hint) if arg is not type(None)]
    if len(args) == 1:
        return _value(args[0], value, where)
    for arg in args:
        try:
            return _value(arg, value, where)
        except BadConfig:
            continue
    return _checked(False, value, hint, where)


def _checked(ok: bool, value: Any, hint: Any, where: str) -> Any:
    if ok:
        return value
    raise BadConfig(f"{where}: expected {_wanted(hint)}, got {_shown(value)}")


def _shown(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


_MOST = 1e300
_WORDS = {
    Any: "a value",
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: 'a path such as "/dev/ttyS1"',
}


def _wanted(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_wanted(arg) for arg in args if arg is not type(None))
    if origin is Literal:
        return " or ".join(f'"{arg}"' if isinstance(arg, str) else str(arg) for arg in args)
    if origin is tuple:
        return f"a list, each {_wanted(args[0])}"
    if origin is dict or hint not in _WORDS:
        return "a table"
    return _WORDS[hint]
