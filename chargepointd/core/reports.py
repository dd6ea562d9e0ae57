"""Reports of the device model (B07, B08): the answer first, then a series of messages.

What is reported is chosen when it is asked for; a value is read when its message is made, one message at a time, so a
report of any length takes the memory of one message. A message that was not answered, because the link went or the
CSMS was busy, is said again when the CSMS listens; one that the CSMS refuses is the end of its report. Reports do not
survive a restart: who wants one asks again.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from chargepointd.core.boot import Registration
from chargepointd.core.commands import Status
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import Note
from chargepointd.core.messages import Message
from chargepointd.core.outbox import Outbox, Outcome, Refused
from chargepointd.core.topic import Answer, Obey, Topic
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.variables.model import Ref, Variable
from chargepointd.core.variables.registry import Registry

ROWS = 50
"""in one message"""
BYTES = 16_000
"""of one message, as estimated by `_size`; a single row is always less"""
WAITING = 10
"""reports that may wait for their turn; one more is Rejected (B07.FR.13, B08.FR.16)"""
ATTEMPTS = 3
"""of a message that is not answered in time"""

_STATES = ("availabilitystate",)
_ALARMS = ("problem", "tripped", "overload", "fallback")


class GetBaseReport(NamedTuple):
    request_id: int
    base: str
    """ReportBaseEnumType"""


class GetReport(NamedTuple):
    request_id: int
    criteria: tuple[str, ...] = ()
    """ComponentCriterionEnumType"""
    wanted: tuple[Ref, ...] = ()
    """an empty variable name: all of the component"""


Row = tuple[Variable, str | None]
"""a variable and its actual value; None: WriteOnly"""


class ReportPart(NamedTuple):
    """One message of a report."""

    request_id: int
    seq_no: int
    at: float
    """UTC, s since 1970: when it was made"""
    more: bool
    rows: tuple[Row, ...]


class Telling(Protocol):
    """What is still to be told of one report, a message at a time."""

    request_id: int

    def next(self, utc: float) -> Message:
        """The same again until it is answered."""
        ...

    def answered(self) -> bool:
        """Whether that was the last message."""
        ...


class Series:
    """Reports of one kind, one after the other."""

    def __init__(self, context: Context, outbox: Outbox, registration: Registration) -> None:
        self._context = context
        self._outbox = outbox
        self._registration = registration
        self._waiting: deque[Telling] = deque()
        self._saying = False
        self._attempts = 0

    @property
    def full(self) -> bool:
        return len(self._waiting) >= WAITING

    def begin(self, report: Telling) -> None:
        self._waiting.append(report)

    def follow(self, step: Step) -> None:
        """The next message, when the one before is answered; while Pending too (B02.FR.02)."""
        if self._waiting and not self._saying and (self._context.online or self._registration.pending):
            self._saying = True
            self._outbox.say(self._waiting[0].next(step.utc), self._heard, step, asked=True)

    def _heard(self, message: Message, outcome: Outcome, step: Step) -> None:
        self._saying = False
        report = self._waiting[0]
        if not isinstance(outcome, Refused):
            self._attempts = 0
            if report.answered():
                self._waiting.popleft()
            return
        if outcome.code == "Timeout":
            self._attempts += 1
        elif outcome.code != "Offline":
            self._attempts = ATTEMPTS
        if self._attempts >= ATTEMPTS:
            self._attempts = 0
            self._waiting.popleft()
            step.emit(Note("report", 0, f"{report.request_id} given up: {outcome.code}"))


class Report:
    """Of variables."""

    def __init__(self, request_id: int, variables: Iterable[Variable], registry: Registry) -> None:
        self.request_id = request_id
        self.seq_no = 0
        self.part: ReportPart | None = None
        """said, and not answered yet"""
        self._registry = registry
        self._left = deque(variables)

    def next(self, utc: float) -> ReportPart:
        if self.part is None:
            rows = tuple(self._rows(self._registry))
            self.part = ReportPart(self.request_id, self.seq_no, utc, bool(self._left), rows)
        return self.part

    def _rows(self, registry: Registry) -> Iterator[Row]:
        size = 0
        for _ in range(ROWS):
            if not self._left:
                return
            variable = self._left[0]
            row = variable, registry.get(variable.ref).value
            size += _size(row)
            if size > BYTES:
                return
            self._left.popleft()
            yield row

    def answered(self) -> bool:
        """Whether that was the last message."""
        assert self.part
        last = not self.part.more
        self.part, self.seq_no = None, self.seq_no + 1
        return last


def _size(row: Row) -> int:
    """Bytes, rather too many: what is written in every row, and four for each character of what differs."""
    variable, value = row
    ref = variable.ref
    differs = (ref.component, ref.variable, ref.instance, ref.component_instance, value)
    return 300 + 4 * sum(len(text) for text in differs if text) + sum(len(text) + 1 for text in variable.values)


class Reports(Topic):
    name = "reports"

    def __init__(self, context: Context, outbox: Outbox, registration: Registration) -> None:
        self._context = context
        self._series = Series(context, outbox, registration)

    def commands(self) -> Mapping[type, Obey]:
        return {GetBaseReport: self._base, GetReport: self._custom}

    # -- what is asked -------------------------------------------------------------------------------------------------

    def _base(self, command: GetBaseReport, step: Step, reply: Answer) -> None:
        self._begin(command.request_id, base_report(command.base, self._context.variables), step, reply)

    def _custom(self, command: GetReport, step: Step, reply: Answer) -> None:
        self._begin(command.request_id, custom_report(command, self._context.variables), step, reply)

    def _begin(self, request_id: int, chosen: list[Variable], step: Step, reply: Answer) -> None:
        if not chosen:
            reply(Status("EmptyResultSet"), step)
        elif self._series.full:
            reply(Status("Rejected", f"{WAITING} reports are still to be sent"), step)
        else:
            self._series.begin(Report(request_id, chosen, self._context.variables))
            reply(Status("Accepted"), step)

    def follow(self, step: Step) -> None:
        self._series.follow(step)


# -- which variables ---------------------------------------------------------------------------------------------------


def base_report(base: str, registry: Registry) -> list[Variable]:
    """B07.FR.07 to .09."""
    if base == "FullInventory":
        return list(registry.variables)
    if base == "ConfigurationInventory":
        return [variable for variable in registry.variables if variable.mutability != "ReadOnly"]
    return [variable for variable in registry.variables if _in_summary(variable, registry)]


def _in_summary(variable: Variable, registry: Registry) -> bool:
    """Availability, and what is wrong: the rest of what is well says nothing."""
    name = variable.ref.variable.lower()
    return name in _STATES or (name in _ALARMS and _true(variable, registry))


def custom_report(command: GetReport, registry: Registry) -> list[Variable]:
    """With listed variables: those of them whose component fits the criteria (B08.FR.05). With criteria alone: the
    variables of that name that are true, which say which components fit (TC_B_16)."""
    criteria = tuple(name.lower() for name in command.criteria)
    if not command.wanted:
        return [v for v in registry.variables if v.ref.variable.lower() in criteria and _true(v, registry)]
    wanted = tuple(ref.key for ref in command.wanted)
    listed = [v for v in registry.variables if any(_is_wanted(v.ref.key, key) for key in wanted)]
    return [v for v in listed if not criteria or any(_fits(v.ref, name, registry) for name in criteria)]


Key = tuple[str | int | None, ...]


def _is_wanted(key: Key, wanted: Key) -> bool:
    """What is left out stands for all (B08.FR.20 to .25)."""
    return key[0] == wanted[0] and all(asked in (None, "", has) for has, asked in zip(key[1:], wanted[1:], strict=True))


def _fits(ref: Ref, criterion: str, registry: Registry) -> bool:
    """A component without that variable fits too, except Problem (B08.FR.07 to .10)."""
    sign = registry.find(ref._replace(variable=criterion, instance=None))
    return criterion != "problem" if sign is None else _true(sign, registry)


def _true(variable: Variable, registry: Registry) -> bool:
    return registry.get(variable.ref).value == "true"
