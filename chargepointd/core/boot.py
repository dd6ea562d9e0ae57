"""Registration at the CSMS, and the heartbeat (B01 to B04, G02; 1.6 §4.2, §4.6)."""

from collections.abc import Callable

from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note, Reconnect
from chargepointd.core.messages import Boot, BootAnswered, Heartbeat, HeartbeatAnswered, Message
from chargepointd.core.outbox import Outbox, Outcome, Refused

DEFAULT_RETRY_S = 60
"""an interval of 0 with Pending or Rejected: do not hammer (B02.FR.07, B03.FR.05)"""
LONGEST_S = 86_400
"""no interval is longer, whatever the CSMS says (milliseconds, the largest integer): else it is lost for years"""
DARK_S = 60.0
"""so long is waited for the time, before what was noted without is told as it is"""
FAILED_RETRY_S = 10
"""no answer at all, or a CALLERROR"""
UNANSWERED = 3
"""in a row, over a link that lives: the next one is made by another connection, and by another profile in its turn"""


class Registration:
    """state -> answer -> state; `state` is None (not asked since the link opened), Pending, Rejected or Accepted."""

    def __init__(self, context: Context, outbox: Outbox) -> None:
        self._context = context
        self._outbox = outbox
        self.state: str | None = None
        self.reason = "PowerUp"
        self._subprotocol = ""
        self._linked = False
        self._boot_at = NEVER
        self._asked_again_at = -NEVER
        """not before this moment, though the link may come and go meanwhile (B02.FR.04, B03.FR.02)"""
        self._unanswered = 0
        self._triggered = False
        self._beat_at = NEVER
        self._beating = False
        self.believes_csms: Callable[[], bool] = lambda: True
        """whether the time it tells sets the clock"""
        self.trusts_csms_at: Callable[[float, Step], bool] = lambda utc, step: True
        """its certificate is good at this time (UTC), now that it is known; else the connection is left"""
        self.lets_say: Callable[[float, Step], bool] = lambda utc, step: True
        """whether the CSMS may set the clock to this time (UTC): its certificate is good then, or it is no leap"""
        self.just_accepted = False
        """in this step: the station is to tell all its statuses"""

    def linked(self, step: Step) -> None:
        """A reconnect is no boot (B04), but another dialect, or another CSMS, has to be told who we are."""
        self._linked = True
        changed = self._subprotocol != self._context.rules.subprotocol
        self._subprotocol = self._context.rules.subprotocol
        if self.state == "Accepted" and not changed:
            self._context.online = True
            self._plan_beat(step)
            self._wait_for_time(step)
            if self._outbox.wary:
                self.beat(step)
        else:
            if changed:
                self.state, self._asked_again_at = None, -NEVER
            self._boot_at = max(step.mono, self._asked_again_at)

    @property
    def pending(self) -> bool:
        """Connected, and to be configured by the CSMS before it accepts the station (B02)."""
        return self._linked and self.state == "Pending"

    def forget(self) -> None:
        """Another CSMS: it has to be told who we are (B10.FR.10)."""
        self.state, self._asked_again_at = None, -NEVER

    def unlinked(self) -> None:
        self._linked = False
        self._context.online = False
        self._boot_at = self._beat_at = NEVER

    def announce(self, step: Step) -> None:
        """Boot again now (TriggerMessage)."""
        self._boot_at, self._triggered = step.mono, True

    # -- boot ----------------------------------------------------------------------------------------------------------

    def _boot(self) -> None:
        plan = self._context.plan
        self._boot_at = NEVER
        reason, self._triggered = "Triggered" if self._triggered else self.reason, False
        message = Boot(reason, plan.vendor, plan.model, plan.serial_number, plan.firmware_version)
        self._outbox.boot(message, self._heard)

    def _heard(self, _: Message, outcome: Outcome, step: Step) -> None:
        if isinstance(outcome, Refused):
            self._unheard(outcome, step)
            return
        assert isinstance(outcome, BootAnswered)
        self._unanswered = 0
        if not self._trusted(outcome.time, step):
            return
        self.state = outcome.status
        self._context.online = outcome.status == "Accepted"
        step.emit(Note("registration", 0, outcome.status))
        self._set_time(outcome.time, step)
        self._wait_for_time(step)
        interval_s = min(outcome.interval_s, LONGEST_S)
        if outcome.status == "Accepted":
            self._accepted(interval_s, step)
        else:
            self._boot_at = self._asked_again_at = step.mono + (interval_s or DEFAULT_RETRY_S)

    def _unheard(self, refused: Refused, step: Step) -> None:
        if refused.code == "Offline" or self.state == "Accepted":
            return
        self._boot_at = step.mono + FAILED_RETRY_S
        self._unanswered = self._unanswered + 1 if refused.code == "Timeout" else 0
        if self._unanswered >= UNANSWERED:
            self._unanswered = 0
            step.emit(Reconnect("the CSMS does not answer BootNotification"))

    def _accepted(self, interval_s: int, step: Step) -> None:
        self.just_accepted = True
        if interval_s > 0:
            for save in self._context.variables.assign("OCPPCommCtrlr.HeartbeatInterval", str(interval_s)):
                step.emit(save)
        self._plan_beat(step)

    def _trusted(self, time: float | None, step: Step) -> bool:
        """False: by the time that it tells itself the CSMS is not to be trusted, so nothing is taken from it."""
        return time is None or self.trusts_csms_at(time, step)

    def _set_time(self, time: float | None, step: Step) -> None:
        if time is not None and self.believes_csms() and self._trusted(time, step) and self.lets_say(time, step):
            self._context.tell_time(time, step, step.mono - self._outbox.asked_at)

    def _wait_for_time(self, step: Step) -> None:
        """A CSMS that has not told the time is asked for it before it is told of what has no time yet."""
        if self._context.online and not self._context.clock.sure:
            self._context.hold_until = step.mono + DARK_S
            self.beat(step)

    # -- heartbeat -----------------------------------------------------------------------------------------------------

    def _plan_beat(self, step: Step) -> None:
        interval = self._context.variables.integer("OCPPCommCtrlr.HeartbeatInterval")
        self._beat_at = step.mono + interval if interval > 0 else NEVER

    def interval_changed(self, step: Step) -> None:
        if self._context.online:
            self._plan_beat(step)

    def beat(self, step: Step, *, asked: bool = False) -> None:
        if asked or not self._beating:
            self._beating = True
            self._outbox.say(Heartbeat(), self._beaten, step, asked=asked)

    def _beaten(self, _: Message, outcome: Outcome, step: Step) -> None:
        self._beating = False
        if isinstance(outcome, HeartbeatAnswered):
            self._set_time(outcome.time, step)
        elif self._outbox.holds_back:
            self.beat(step)

    # -- time ----------------------------------------------------------------------------------------------------------

    def deadline(self) -> float:
        return min(self._boot_at, self._beat_at) if self._linked else NEVER

    def tick(self, step: Step) -> None:
        if not self._linked:
            return
        if step.mono >= self._boot_at:
            self._boot()
        if step.mono >= self._beat_at:
            self._plan_beat(step)
            self.beat(step)
