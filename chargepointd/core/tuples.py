"""`NamedTuple`: what that of `typing` is and does, defined in 10 µs instead of 50.

A start defines 250 of them. The library evaluates a text for each; here it does so once for every number of fields,
and a class with other names gets a copy that has them. Where it matters how soon a process is there, values are made of
this one; type checkers see the library's.
"""

import sys
from collections import namedtuple
from functools import cache
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or sys.version_info >= (3, 14):
    # The body of a class has no annotations from 3.14 on (PEP 649): the library knows how to do without.
    from typing import NamedTuple as NamedTuple
else:

    @cache
    def _pattern(length: int) -> Any:
        return namedtuple("_pattern", [f"f{number}" for number in range(length)])

    def _repr(self: Any) -> str:
        return f"{type(self).__name__}({', '.join(map('{}={!r}'.format, self._fields, self))})"

    def _replace(self: Any, /, **values: Any) -> Any:
        # Of two dozen fields one or two are others: they are put where they belong, instead of all being asked for.
        fields, replaced = self._fields, [*self]
        try:
            for name, value in values.items():
                replaced[fields.index(name)] = value
        except ValueError:
            unknown = [name for name in values if name not in fields]
            raise ValueError(f"Got unexpected field names: {unknown!r}") from None
        return tuple.__new__(type(self), replaced)

    class _Definition(type):
        def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
            fields = tuple(body.get("__annotations__", ()))
            pattern = _pattern(len(fields))
            defaults = {field: body[field] for field in fields if field in body}
            assert fields[len(fields) - len(defaults) :] == tuple(defaults), f"{name}: defaults come last"
            getters = {field: vars(pattern)[f"f{number}"] for number, field in enumerate(fields)}
            new = pattern.__new__
            code = new.__code__.replace(co_varnames=("_cls", *fields), co_qualname=f"{name}.__new__")
            of_all = {
                "__slots__": (),
                "__match_args__": fields,
                "_fields": fields,
                "_field_defaults": defaults,
                "__new__": FunctionType(code, new.__globals__, "__new__", tuple(defaults.values())),
                "__repr__": _repr,
                "_replace": _replace,
                "__replace__": _replace,
            }
            return type(name, (pattern,), of_all | body | getters)

    NamedTuple = type.__new__(_Definition, "NamedTuple", (), {})
