"""Our named tuples do what those of the library do."""

import copy
import pickle
import typing
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest

from chargepointd.core import tuples


class Ours(tuples.NamedTuple):
    """A place."""

    name: str
    height_m: float
    parts: tuple[str, ...] = ()
    note: str | None = None

    @property
    def high(self) -> bool:
        return self.height_m > 100

    def __str__(self) -> str:
        return self.name


class Theirs(typing.NamedTuple):
    """A place."""

    name: str
    height_m: float
    parts: tuple[str, ...] = ()
    note: str | None = None

    @property
    def high(self) -> bool:
        return self.height_m > 100

    def __str__(self) -> str:
        return self.name


class Nothing(tuples.NamedTuple):
    pass


class Higher(Ours):
    """Than the place."""

    def twice(self) -> float:
        return self.height_m * 2


def matched(of: Any) -> Any:
    match of:
        case Ours(name, height_m, note=note) | Theirs(name, height_m, note=note):
            return name, height_m, note


DO: dict[str, Callable[[Any], Any]] = {
    "by position": lambda of: tuple(of("hill", 3)),
    "by name": lambda of: tuple(of(note="x", height_m=3, name="hill")),
    "read": lambda of: (of("hill", 3).name, of("hill", 3, ("a",)).parts, of("hill", 3).note),
    "property": lambda of: of("hill", 300).high,
    "method of its own": lambda of: str(of("hill", 300)),
    "unpack": lambda of: [*of("hill", 3)],
    "equal": lambda of: (of("hill", 3) == ("hill", 3, (), None), of("hill", 3) != of("hill", 4)),
    "hash": lambda of: hash(of("hill", 3)),
    "repr": lambda of: repr(of("hill", 3)).removeprefix(of.__name__),
    "replace": lambda of: tuple(of("hill", 3)._replace(height_m=4, note="n")),
    "of its type": lambda of: type(of("hill", 3)._replace(height_m=4)) is of,
    "as a dict": lambda of: of("hill", 3)._asdict(),
    "pickle": lambda of: pickle.loads(pickle.dumps(of("hill", 3))) == of("hill", 3),
    "copy": lambda of: (copy.copy(of("hill", 3)) == of("hill", 3), type(copy.deepcopy(of("hill", 3))) is of),
    "match": lambda of: matched(of("hill", 3)),
    "fields": lambda of: (of._fields, of._field_defaults, of.__match_args__),
    "hints": get_type_hints,
    "documentation": lambda of: of.__doc__,
    "module": lambda of: of.__module__,
    "bases": lambda of: of("hill", 3).__class__.__mro__[-2:],
    "no dict": lambda of: hasattr(of("hill", 3), "__dict__"),
    "written to": lambda of: setattr(of("hill", 3), "name", "valley"),
    "too few": lambda of: of("hill"),
    "too many": lambda of: of(1, 2, 3, 4, 5),
    "unknown": lambda of: of("hill", 3, depth_m=3),
    "unknown replaced": lambda of: of("hill", 3)._replace(depth_m=3),
}  # fmt: skip


def outcome(act: Callable[[Any], Any], of: Any) -> Any:
    try:
        return act(of)
    except (TypeError, ValueError, AttributeError) as error:
        return type(error), str(error).replace(of.__name__, "")


@pytest.mark.parametrize("what", DO)
def test_it_does_what_the_librarys_does(what: str) -> None:
    assert outcome(DO[what], Ours) == outcome(DO[what], Theirs)


def test_it_may_have_no_field() -> None:
    assert Nothing() == () and repr(Nothing()) == "Nothing()"


def test_a_subclass_is_one_too() -> None:
    assert Higher("hill", 3).twice() == 6
    assert Higher("hill", 3)._replace(height_m=4).twice() == 8
