"""What a topic of the station is: a part with its own facts that obeys commands, hears events and may wait for a time.

The station asks every topic at the same points of a step, so that a topic more is one more line in `station.py`:

    power_up   the first step of a process: what was kept goes on
    (handler)  its events, commands, triggers and the news of its jobs
    put_right  the clock was wrong
    changed    variables were set, from afar or by a technician
    follow     after each step that changed something: what else follows from the facts of others
    tick       a deadline has come
"""

from collections.abc import Callable, Mapping
from typing import Any

from chargepointd.core.clock import Righting
from chargepointd.core.commands import Reply, Status, TriggerMessage
from chargepointd.core.context import NEVER, Step
from chargepointd.core.events import RecordsLoaded

Answer = Callable[[Reply, Step], None]
"""answers a command; in this step or, kept by the topic, in a later one"""
Obey = Callable[[Any, Step, Answer], None]
Hear = Callable[[Any, Step], None]
Act = Callable[[Step], None]
Trigger = Callable[[TriggerMessage, Step], Status | Act]
"""why not, or what to do after the answer has been given (F06.FR.04)"""
Guard = Callable[[str], str]
"""what is wrong with a new value of a variable, given the facts; empty: nothing"""


class Topic:
    """Nothing of anything. A topic overrides what it has."""

    name = ""
    """routes the news of its jobs (`StartJob.topic`); unique"""

    def events(self) -> Mapping[type, Hear]:
        """Those that are for it alone, by type."""
        return {}

    def commands(self) -> Mapping[type, Obey]:
        return {}

    def triggers(self) -> Mapping[str, Trigger]:
        """By MessageTriggerEnumType."""
        return {}

    def guards(self) -> Mapping[str, Guard]:
        """By the name of a variable: checked after its datatype and limits, before it is set."""
        return {}

    def power_up(self, step: Step) -> None:
        pass

    def changed(self, names: list[str], step: Step) -> None:
        """These variables have new values."""

    def job_told(self, job_id: str, news: Any, step: Step) -> None:
        """News of a job that runs."""

    def job_ended(self, job_id: str, outcome: Any, step: Step) -> None:
        """A job is over; `outcome` is what it returned, or a `JobFailed`. A job that was stopped is not heard of."""

    def records_loaded(self, event: RecordsLoaded, step: Step) -> None:
        """What it has asked for by `LoadRecords`."""

    def put_right(self, right: Righting, step: Step) -> None:
        """The clock was wrong. Intervals are as long as they are; `tick` follows for what is due."""

    def follow(self, step: Step) -> None:
        pass

    def deadline(self) -> float:
        """s, monotonic clock: when `tick` is wanted at the latest."""
        return NEVER

    def tick(self, step: Step) -> None:
        pass
