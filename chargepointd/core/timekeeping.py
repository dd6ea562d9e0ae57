"""Where the time comes from (ClockCtrlr.TimeSource, B01.FR.06), and what the clock on the wall shows (TimeOffset).

The sources stand in order of preference; the first that can be had now sets the clock. Heartbeat can while the CSMS is
there, NTP while the kernel says that the system's clock is synchronised: it is asked every `ASK_S`. The protocol is in
UTC whatever the offset.

A CSMS that wants the clock to leap has to say so twice, unless NTP says the same; away from NTP it does not leap, for
NTP is the better witness of the two, whichever is preferred (`Context.tell_time`). Who does not want that takes NTP out
of the sources.
What is known of the time is kept (`core.clock`), hourly.
"""

from collections.abc import Callable, Mapping
from re import ASCII, fullmatch
from typing import Any

from chargepointd.core.clock import Righting, plausible
from chargepointd.core.context import LEAP_S, NEVER, Context, Step
from chargepointd.core.effects import Note, SaveState, StartJob
from chargepointd.core.facts import EVER, RESUMPTION_TIMEOUT
from chargepointd.core.jobs import JobFailed
from chargepointd.core.topic import Guard, Topic
from chargepointd.core.tuples import NamedTuple

FIRST_S, ASK_S, KEEP_S = 10.0, 600.0, 3600.0
CLOCK = "clock"
"""the state that is kept"""
_SERVERS = ("ClockCtrlr.NtpServerUri[1]", "ClockCtrlr.NtpServerUri[2]", "ClockCtrlr.NtpServerUri[3]")
_SOURCE = "ClockCtrlr.NtpSource"


class AskSystemClock(NamedTuple):
    """Job: is the system's clock synchronised, and what does it say?"""


class SystemClock(NamedTuple):
    synchronised: bool
    ahead_s: float
    """UTC (s since 1970) less the monotonic clock"""


class SetNtpServers(NamedTuple):
    """Job: run the command that makes these the system's time servers; none: those of DHCP."""

    command: tuple[str, ...]
    servers: tuple[str, ...]


class Timekeeping(Topic):
    name = "time"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._synchronised = False
        self._ask_at = NEVER
        self._asking = self._told = False
        self._ntp: tuple[float, float] | None = None
        """UTC less the monotonic clock (s), as NTP vouched for it, and when it did"""
        self._kept_at = -NEVER
        self._unconfirmed = False
        """what was kept last was not vouched for"""
        self.beat: Callable[[Step], None] = lambda step: None
        """has the CSMS tell the time"""
        context.ask_time = self._ask_again
        context.ntp_ahead_s = self._ntp_ahead_s
        self.zone_offset_s: Callable[[str, float], int | None] = lambda zone, utc: None
        """s that a time zone is ahead of UTC at a moment; None: not known. The daemon's, who can read the zones"""

    @property
    def _sources(self) -> tuple[str, ...]:
        return self._context.variables.members("ClockCtrlr.TimeSource")

    def _prefers(self, first: str, second: str) -> bool:
        sources = self._sources
        return first in sources and (second not in sources or sources.index(first) < sources.index(second))

    def believes_csms(self) -> bool:
        """Whether the time that the CSMS tells sets the clock. Where nobody knows it, any that is told is better."""
        if not self._context.clock.sure:
            return True
        if "Heartbeat" not in self._sources:
            return False
        return not (self._synchronised and self._prefers("NTP", "Heartbeat"))

    def _ask_again(self, step: Step) -> None:
        self._ask_at = min(self._ask_at, step.mono)
        if self._context.online:
            self.beat(step)

    def put_right(self, right: Righting, step: Step) -> None:
        self._keep(step)

    def _keep(self, step: Step) -> None:
        """What a later process, or a later boot of the machine, is to know of the time."""
        self._kept_at = step.mono
        self._unconfirmed = not self._context.clock.vouched
        step.emit(SaveState(CLOCK, self._context.clock.kept(step.mono)))

    def follow(self, step: Step) -> None:
        if self._unconfirmed and self._context.clock.vouched:
            self._keep(step)

    # -- NTP -----------------------------------------------------------------------------------------------------------

    def power_up(self, step: Step) -> None:
        self._ask_at = step.mono + FIRST_S
        if not self._context.clock.sure or self._asks_who_was_away():
            self._keep(step)
        if self._manual():
            self._set_servers(step)

    def _asks_who_was_away(self) -> bool:
        """Where an interruption may end a transaction: the machine, or only the process (E17.FR.21, .22)."""
        return not self._context.clock.lasts and self._context.variables.integer(RESUMPTION_TIMEOUT) < EVER

    def changed(self, names: list[str], step: Step) -> None:
        if "ClockCtrlr.TimeSource" in names:
            self._ask_at = step.mono
        if RESUMPTION_TIMEOUT in names and self._asks_who_was_away():
            self._keep(step)
        if _SOURCE in names or (self._manual() and any(name in names for name in _SERVERS)):
            self._set_servers(step)
        self.tick(step)

    def deadline(self) -> float:
        return self._ask_at

    def tick(self, step: Step) -> None:
        if step.mono < self._ask_at:
            return
        self._ask_at = step.mono + ASK_S
        clock = self._context.clock
        if not clock.sure or (clock.vouched and step.mono >= self._kept_at + KEEP_S):
            self._keep(step)
        if "NTP" in self._sources and not self._asking:
            self._asking = True
            step.emit(StartJob(self.name, "system", AskSystemClock()))

    def job_ended(self, job_id: str, outcome: Any, step: Step) -> None:
        if job_id == "servers":
            if isinstance(outcome, JobFailed):
                step.emit(Note("clock", 0, f"the time servers cannot be set: {outcome.reason}"))
            return
        self._asking = False
        if isinstance(outcome, JobFailed) and not self._told:
            self._told = True
            step.emit(Note("clock", 0, f"{outcome.reason}: so NTP is no source"))
        self._synchronised = isinstance(outcome, SystemClock) and outcome.synchronised
        ahead = self._ntp_ahead(outcome, step)
        self._ntp = None if ahead is None else (ahead, step.mono)
        if ahead is None:
            return
        clock, heartbeat = self._context.clock, self._context.online and self._prefers("Heartbeat", "NTP")
        leap = abs(step.mono + ahead - clock.utc(step.mono)) > LEAP_S
        if not heartbeat or not clock.sure or leap:
            self._context.tell_time(step.mono + ahead, step, by="NTP")

    def _ntp_ahead(self, outcome: Any, step: Step) -> float | None:
        """Only where it is a source, and says what can be."""
        vouches = self._synchronised and "NTP" in self._sources
        return outcome.ahead_s if vouches and plausible(step.mono + outcome.ahead_s) else None

    def _ntp_ahead_s(self, step: Step) -> float | None:
        fresh = self._ntp is not None and step.mono < self._ntp[1] + 2 * ASK_S
        return self._ntp[0] if self._ntp and fresh else None

    def _manual(self) -> bool:
        command = self._context.plan.ntp_command
        return bool(command) and self._context.variables.text(_SOURCE) == "manual"

    def _set_servers(self, step: Step) -> None:
        given = (self._context.variables.text(name) for name in _SERVERS) if self._manual() else ()
        job = SetNtpServers(self._context.plan.ntp_command, tuple(filter(None, given)))
        step.emit(StartJob(self.name, "servers", job))

    # -- the clock on the wall -----------------------------------------------------------------------------------------

    def guards(self) -> Mapping[str, Guard]:
        offsets: dict[str, Guard] = dict.fromkeys(
            ("ClockCtrlr.TimeOffset", "ClockCtrlr.TimeOffset[NextTransition]"), no_offset
        )
        offsets["ClockCtrlr.TimeZone"] = self._no_zone
        return offsets | (dict.fromkeys(_SERVERS, _no_server) if self._context.plan.ntp_command else {})

    def _no_zone(self, value: str) -> str:
        known = not value or self.zone_offset_s(value, 0.0) is not None
        return "" if known else 'not a time zone that the system knows, such as "Europe/Oslo"'

    def offset_s(self, utc: float) -> int:
        """s that the clock on the wall is ahead of UTC: by the time zone, which knows its own transitions; else by the
        offset, and from the next transition on by what was set for it."""
        variables = self._context.variables
        zone = variables.text("ClockCtrlr.TimeZone")
        by_zone = self.zone_offset_s(zone, utc) if zone else None
        if by_zone is not None:
            return by_zone
        at = variables.text("ClockCtrlr.NextTimeOffsetTransitionDateTime")
        after = variables.text("ClockCtrlr.TimeOffset[NextTransition]")
        due = bool(at and after) and utc >= moment(at)
        return offset_s(after if due else variables.text("ClockCtrlr.TimeOffset"))


def moment(text: str) -> float:
    """UTC, s since 1970, of a dateTime that is one."""
    from datetime import datetime

    return datetime.fromisoformat(text.upper()).timestamp()


def offset_s(text: str) -> int:
    if text in ("", "Z"):
        return 0
    return (-60 if text[0] == "-" else 60) * (int(text[1:3]) * 60 + int(text[4:6]))


def no_offset(value: str) -> str:
    """What is wrong with it, empty for nothing."""
    fits = not value or fullmatch(r"Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00)", value, ASCII)
    return "" if fits else 'expected an offset such as "+01:00"'


def _no_server(value: str) -> str:
    fits = not value or (fullmatch(r"[A-Za-z0-9.:_\[\]-]+", value, ASCII) and value[0] != "-")
    return "" if fits else 'expected a name or an address such as "ntp.example.com"'
