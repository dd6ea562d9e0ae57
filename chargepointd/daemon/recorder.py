"""The flight recorder: what the station was told and what it did, and what it began with.

Two things are kept, both bounded:

- the last steps, as they were, to be read;
- since the start of the process all steps that change anything, packed, until they take `BUDGET` bytes. A step depends
  on nothing but the start and the events before it (`Station.step`), so from these the station can be made again and
  does the same again. Questions (GetVariables …) change nothing: they are left out once they are not among the last.

When the budget is spent a recording is no more than the last steps, and says so.

It runs in every step of the station, so a step costs it an append; what leaves the last steps is packed some at a
time. `recording.py` writes it down, with tokens and secrets under other names.
"""

import logging
import zlib
from typing import Any

from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.clock import plausible
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.pack import unpack
from chargepointd.core.rules import Rules
from chargepointd.core.station import asks_only
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Now
from chargepointd.core.variables.model import Variable
from chargepointd.daemon.assembly import Start

log = logging.getLogger(__name__)

CHUNK = 32
"""steps that are packed together: four times as many take a fifth less room, but are four times as long a pause"""
LAST = 8 * CHUNK
"""steps at least that can be read, whatever the budget"""
LEVEL = 3
"""of compression: the next takes half as long again, for a fiftieth of the room"""
BUDGET = 512 * 1024
"""bytes, packed, for the start and all that came after it"""
LARGE: dict[type, int] = {tuple: 20, dict: 20, str: 2000}
"""items and characters from which a step is packed by itself"""
LARGE_BUDGET = 256 * 1024
"""bytes for large steps among the last"""
_ASKED = (e.CallReceived, e.ControlAsked)
_LARGER = (*_ASKED, e.RecordsLoaded)
"""what may be large, or answered at length"""
_TELLING = (f.Respond, f.ReplyLocally)


class Recorded(NamedTuple):
    """A step."""

    number: int
    """from 1; questions that were left out are counted"""
    now: Now
    event: e.Event
    effects: list[f.Effect] | None
    """None: the step raised"""


class Taken(NamedTuple):
    """What there is at a moment; it may be unpacked in any thread."""

    start: Start | bytes | None
    """None: no longer known, so that nothing can be replayed"""
    packed: tuple[bytes, ...]
    last: tuple[Recorded | bytes, ...]

    def began(self) -> Start | None:
        return _unpacked(self.start) if isinstance(self.start, bytes) else self.start

    def chunks(self) -> "list[bytes | tuple[Recorded | bytes, ...]]":
        return [*self.packed, self.last]


class Recorder:
    def __init__(self, start: Start) -> None:
        # What the station gets are the same values; what it may change in place are these.
        own: dict[str, Any] = {
            name: dict(getattr(start.saved, name)) for name in ("variables", "sessions", "listed", "state")
        }
        self._start: Start | bytes | None = start._replace(saved=start.saved._replace(**own))
        self._packed: list[bytes] = []
        self._bytes = 0
        self._last: list[Recorded | bytes] = []
        self._large = 0
        self._count = 0
        self._clock_seen = False

    def record(self, now: Now, event: e.Event, effects: list[f.Effect] | None) -> None:
        """A step that was made; without effects one that raised."""
        self._count += 1
        self._last.append(Recorded(self._count, now, event, effects))
        if type(event) in _LARGER and effects and _is_large(event, effects):
            self._pack_last()
        if len(self._last) >= LAST + CHUNK:
            self._retire()

    def taken(self) -> Taken:
        return Taken(self._start, tuple(self._packed), tuple(self._last))

    def settle(self) -> None:
        """Some seconds after the start, which has other things to do: what it began with takes less room packed."""
        if isinstance(self._start, Start):
            self._start = _packed(self._start)
            self._spend(len(self._start))

    # -- room ----------------------------------------------------------------------------------------------------------

    def _pack_last(self) -> None:
        packed = _packed(self._last[-1])
        self._last[-1] = packed
        self._large += len(packed)
        while self._large > LARGE_BUDGET:
            self._retire()

    def _retire(self) -> None:
        """The oldest of the last steps are only kept for a replay."""
        leaving, self._last = self._last[:CHUNK], self._last[CHUNK:]
        self._large -= sum(len(step) for step in leaving if isinstance(step, bytes))
        if self._start is None:
            return
        kept = [_flat(step) for step in leaving if isinstance(step, bytes) or self._changes(step)]
        if kept:
            chunk = _packed(kept)
            self._packed.append(chunk)
            self._spend(len(chunk))

    def _changes(self, step: Recorded) -> bool:
        """A question does not; but the first step in which the system's clock can be believed does, whatever it is."""
        if not self._clock_seen and plausible(step.now.wall):
            self._clock_seen = True
            return True
        return not asks_only(step.event)

    def _spend(self, size: int) -> None:
        self._bytes += size
        if self._bytes > BUDGET:
            log.debug("the recording no longer begins with the start of the process")
            self._start, self._packed = None, []


def _is_large(event: Any, effects: list[f.Effect]) -> bool:
    for value in event.command if type(event) in _ASKED else event:
        if type(value) in LARGE and len(value) > LARGE[type(value)]:
            return True
    for effect in effects:
        if type(effect) in _TELLING and isinstance(effect.reply, tuple):
            for value in effect.reply:
                if type(value) in LARGE and len(value) > LARGE[type(value)]:
                    return True
    return False


# -- packing -----------------------------------------------------------------------------------------------------------


class RulesOf(NamedTuple):
    """The rules of a dialect are functions: they are named."""

    subprotocol: str


def _save_record(record_id: int, message_id: str, body: str) -> f.SaveRecord:
    """The body has all that the record has, and takes a third of the time."""
    return f.SaveRecord(record_id, message_id, unpack(TransactionRecord, body), body)


class _Reducers(dict[type, Any]):
    """How a type is pickled: a named tuple as its fields, which takes half the time of what the library does."""

    def __missing__(self, kind: type) -> Any:
        if not hasattr(kind, "_fields"):
            raise KeyError(kind)
        self[kind] = reducer = lambda value: (kind, tuple(value))
        return reducer


_REDUCERS = _Reducers(
    {
        Rules: lambda rules: (RulesOf, (rules.subprotocol,)),
        f.SaveRecord: lambda save: (_save_record, (save.record_id, save.message_id, save.body)),
        Variable: lambda variable: (Variable, tuple(variable._replace(live=None))),
    }
)


def _packed(value: Any) -> bytes:
    """For this process only: `_unpacked` gets nothing from outside."""
    import io
    import pickle  # not needed for a start

    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, 5)
    pickler.dispatch_table = _REDUCERS
    pickler.dump(value)
    return zlib.compress(buffer.getvalue(), LEVEL)


def _unpacked(packed: bytes) -> Any:
    import pickle

    return pickle.loads(zlib.decompress(packed))


def _flat(step: Recorded | bytes) -> Any:
    return step if isinstance(step, bytes) else (step.number, *step.now, step.event, step.effects)


def recorded(chunk: "bytes | tuple[Recorded | bytes, ...]") -> list[Recorded]:
    """Of a chunk of `Taken`, oldest first."""
    mixed = _unpacked(chunk) if isinstance(chunk, bytes) else chunk
    return [_whole(_unpacked(step) if isinstance(step, bytes) else step) for step in mixed]


def _whole(step: Any) -> Recorded:
    if isinstance(step, Recorded):
        return step
    number, mono, wall, event, effects = step
    return Recorded(number, Now(mono, wall), event, effects)
