"""When the meter of an EVSE is read for the CSMS (J01, J02, E06.FR.11; 1.6 §3.16).

A sample is taken from a fresh reading or not at all: nothing is invented for a meter that is silent. What is due waits
`FRESH_S` for a reading. Periodic samples are counted from the start of the transaction, aligned ones from midnight UTC;
they carry the moment they were due, so that those of one interval are the same everywhere and exactly apart.
"""

from collections.abc import Iterator
from typing import Literal

from chargepointd.core import metering
from chargepointd.core.clock import PLAUSIBLE, Righting
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.tuples import NamedTuple

SERIES_MAX = 120
"""values collected for an Ended record; beyond it every second one in the middle is dropped (E06.FR.13)"""
SIGNED_MAX = 30
"""as long as each comes with a record of the meter"""
SIGNING_S = 5.0
"""how long a sample waits for a meter that is to sign it"""
TICK_S = 0.5
"""a moment that was just served is not due again, whatever floating point makes of it"""


class Purpose(NamedTuple):
    interval: str
    """a variable; "" for what was asked for once"""
    measurands: str
    trigger: str
    context: str
    goes: Literal["record", "series", "message", "record or message"]
    """an Updated record, the Ended record, MeterValues outside a transaction, or what fits"""
    aligned: bool = False


UPDATED = Purpose(
    "SampledDataCtrlr.TxUpdatedInterval",
    "SampledDataCtrlr.TxUpdatedMeasurands",
    "MeterValuePeriodic",
    "Sample.Periodic",
    "record",
)
ENDED = Purpose(
    "SampledDataCtrlr.TxEndedInterval", "SampledDataCtrlr.TxEndedMeasurands", "", "Sample.Periodic", "series"
)
ALIGNED = Purpose(
    "AlignedDataCtrlr.Interval",
    "AlignedDataCtrlr.Measurands",
    "MeterValueClock",
    "Sample.Clock",
    "record or message",
    aligned=True,
)
ALIGNED_ENDED = Purpose(
    "AlignedDataCtrlr.TxEndedInterval",
    "AlignedDataCtrlr.TxEndedMeasurands",
    "",
    "Sample.Clock",
    "series",
    aligned=True,
)
TRIGGERED_METERS = Purpose("", "AlignedDataCtrlr.Measurands", "", "Trigger", "message")
TRIGGERED_SAMPLES = Purpose("", "SampledDataCtrlr.TxUpdatedMeasurands", "Trigger", "Trigger", "record or message")
TRIGGERED_RECORD = Purpose("", "SampledDataCtrlr.TxUpdatedMeasurands", "Trigger", "Trigger", "record")

_REGULAR = (UPDATED, ENDED, ALIGNED, ALIGNED_ENDED)
_ENABLED = {purpose: f"{purpose.interval.partition('.')[0]}.Enabled" for purpose in _REGULAR}
"""the variables that switch values off; not those of a start or an end, by which is billed"""
REPLANNED = frozenset((*(purpose.interval for purpose in _REGULAR), *_ENABLED.values()))
"""the variables by which the moments are planned"""
_ONE_INTERVAL = {ENDED: UPDATED.interval, ALIGNED_ENDED: ALIGNED.interval}


class Due(NamedTuple):
    """What waits for a fresh reading."""

    purpose: Purpose
    by: float
    """s, monotonic clock: given up then"""
    at: float | None = None
    """UTC, the moment it stands for; None: that of the reading"""
    connector_id: int = 0
    """that was asked for"""


class Sampling:
    def __init__(self, context: Context) -> None:
        self._context = context
        self.patient = False
        """the meter is to sign: give it time"""
        self._since = NEVER
        self._told_at = -NEVER
        """when the last reading that was told was taken: s, monotonic clock"""
        self._at: dict[Purpose, float] = {}
        self._next_at = NEVER
        """the first of those moments"""
        self._served: dict[Purpose, float] = {}
        """the last moment that was served: monotonic, or UTC for the aligned ones"""
        self._waiting: list[Due] = []

    def begin(self, since: float, step: Step) -> None:
        """A transaction runs since this moment of the monotonic clock."""
        self._since = since
        self._served.clear()
        self.plan(step)

    def end(self, step: Step) -> None:
        self._since = NEVER
        self._waiting = [due for due in self._waiting if due.purpose.goes != "series"]
        self.plan(step)

    def put_right(self, right: Righting, step: Step) -> None:
        """Moments that were told are not told again when the clock is put back by less than a day; by more, it was no
        clock. What falls between two times when it is put forward was never measured: the leap itself is told."""
        forgotten = right.unvouched or not -86_400 < right.change_s < 0
        self._served = {p: at for p, at in self._served.items() if not (p.aligned and forgotten)}
        self._waiting = [due._replace(at=due.at and _put_right(due.at, right)) for due in self._waiting]
        self.plan(step)

    def plan(self, step: Step) -> None:
        """Anew, from the intervals as they are now."""
        for purpose in _REGULAR:
            self._at[purpose] = self._next(purpose, step)
        self._next_at = min(self._at.values())

    def _next(self, purpose: Purpose, step: Step) -> float:
        interval = self._context.variables.integer(self._interval(purpose))
        in_transaction = self._since != NEVER
        if interval <= 0 or (not in_transaction and purpose is not ALIGNED):
            return NEVER
        if not self._context.variables.boolean(_ENABLED[purpose]):
            return NEVER
        served = self._served.get(purpose, -NEVER) + TICK_S
        if purpose.aligned:
            return step.mono + metering.next_aligned(max(step.utc, served), interval) - step.utc
        return metering.next_periodic(self._since, max(step.mono, served), interval)

    def _interval(self, purpose: Purpose) -> str:
        if self._context.rules.one_interval:
            return _ONE_INTERVAL.get(purpose, purpose.interval)
        return purpose.interval

    def ask(self, purpose: Purpose, step: Step, at: float | None = None, connector_id: int = 0) -> None:
        """A sample as soon as there is a fresh reading; it takes the place of one that still waits in vain."""
        if purpose.interval:
            self._waiting = [due for due in self._waiting if due.purpose is not purpose]
        by = step.mono + (SIGNING_S if self.patient else metering.FRESH_S)
        self._waiting.append(Due(purpose, by, at, connector_id))

    def deadline(self) -> float:
        return min(self._next_at, min([due.by for due in self._waiting])) if self._waiting else self._next_at

    def fall_due(self, step: Step) -> bool:
        """Whether something fell due in this step, and so wants a reading."""
        if step.mono < self._next_at:
            return False
        due = [purpose for purpose, at in self._at.items() if step.mono >= at]
        for purpose in due:
            at = self._at[purpose]
            moment = step.utc + (at - step.mono)
            moment = float(round(moment)) if purpose.aligned else moment
            self._served[purpose] = moment if purpose.aligned else at
            self.ask(purpose, step, moment)
            self._at[purpose] = self._next(purpose, step)
        self._next_at = min(self._at.values(), default=NEVER)
        return bool(due)

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    def tells_more(self, taken_at: float) -> bool:
        """Whether a reading was taken in the transaction that runs, and after the last that was told."""
        return taken_at > self._told_at and (self._since == NEVER or taken_at >= self._since)

    def told(self, taken_at: float) -> None:
        """A reading of this moment is told: not again."""
        self._told_at = max(self._told_at, taken_at)

    def take(self) -> Iterator[Due]:
        """There is a fresh reading: what waits for one, each once."""
        waiting, self._waiting = self._waiting, []
        yield from waiting

    def give_up(self, step: Step) -> list[Due]:
        """What has waited too long for a reading."""
        if not self._waiting:
            return []
        late = [due for due in self._waiting if step.mono >= due.by]
        self._waiting = [due for due in self._waiting if step.mono < due.by]
        return late


def _put_right(at: float, right: Righting) -> float:
    """Of a moment of this process: exact, also where what is known is later, for another time may be told before the
    reading comes."""
    return at + right.change_s if at < PLAUSIBLE else right.interval(at)
