"""A station made anew from a recording, and what it does."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from chargepointd.core import events as e
from chargepointd.core.station import Station
from chargepointd.core.variables.registry import Registry
from chargepointd.daemon.assembly import Start, assembled
from chargepointd.daemon.recorder import Recorded, RulesOf
from chargepointd.daemon.recording import Read
from chargepointd.daemon.words import plain
from chargepointd.dialects.dialect import load

_TAIL = re.compile(r"…\S{1,4}")
_SHOWN = {"effects.Display": "text", "customer.CustomerData": "data"}
"""fields in which words of a text for one person stand beside ours"""
_LETTER = re.compile(r"[^\W\d_]")


class Differs(NamedTuple):
    """A step in which the station does something else."""

    recorded: Recorded
    effects: list[Any]
    """of today, as JSON data"""

    def __str__(self) -> str:
        was = self.recorded.effects
        lines = [f"step {self.recorded.number}, {self.recorded.event}"]
        lines += [f"  - {line}" for line in (["it raised"] if was is None else map(str, was))]
        return "\n".join([*lines, *(f"  + {line}" for line in self.effects)])


class Replay:
    """Makes the steps of a recording, one after another."""

    def __init__(self, start: Start) -> None:
        self.plan = start.plan
        self.station: Station
        self.variables: Registry
        self.station, self.variables = assembled(start)

    def step(self, recorded: Recorded) -> list[Any]:
        """The effects."""
        event = recorded.event
        if isinstance(event, e.LinkOpened) and isinstance(event.rules, RulesOf):
            event = event._replace(rules=load(event.rules.subprotocol, self.plan, self.variables).rules)
        return self.station.step(event, recorded.now)


def made(recording: Read) -> Iterator[tuple[Recorded, list[Any]]]:
    """Each step, and the effects of today. ValueError where a recording does not begin with a start."""
    if recording.start is None:
        raise ValueError(f"it cannot be replayed: {recording.about.get('note', 'it has no start')}")
    replay = Replay(recording.start)
    for recorded in recording.steps:
        yield recorded, replay.step(recorded)


def differing(recording: Read) -> Iterator[Differs]:
    for recorded, effects in made(recording):
        told = [plain(effect) for effect in effects]
        if recorded.effects is not None and not same(told, [plain(effect) for effect in recorded.effects]):
            yield Differs(recorded, told)


def same(one: Any, other: Any) -> bool:
    """Equal, as far as can be told under pseudonyms: not the end of a masked token, nor the letters on a display."""
    return bool(one == other or _leveled(one) == _leveled(other))


def _leveled(data: Any, text: bool = False) -> Any:
    if isinstance(data, dict):
        shown = _SHOWN.get(data.get("$", ""))
        return {key: _leveled(item, key == shown) for key, item in data.items()}
    if isinstance(data, list):
        return [_leveled(item) for item in data]
    if isinstance(data, str):
        return _LETTER.sub("x", data) if text else _TAIL.sub("…", data)
    return data
