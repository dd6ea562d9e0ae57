"""Security events that the station itself is the source of (A04; 2.0.1 part 2, appendix "Security events")."""

from chargepointd.core.boot import Registration
from chargepointd.core.context import Context, Step
from chargepointd.core.messages import Message, SecurityEvent
from chargepointd.core.outbox import Outbox, Outcome, Refused

_RESETS = ("RemoteReset", "ScheduledReset", "LocalReset", "ApplicationReset", "Watchdog", "FirmwareUpdate")


class Startup:
    """StartupOfTheDevice or ResetOrReboot: once a process, when the CSMS has accepted the station (TC_B_01)."""

    def __init__(self, context: Context, outbox: Outbox, registration: Registration) -> None:
        self._context = context
        self._outbox = outbox
        self._registration = registration
        self._booted_mono: float | None = None
        self._told = False

    def tell(self, step: Step) -> None:
        if self._booted_mono is None:
            self._booted_mono = step.mono
        if self._told or not self._context.online:
            return
        self._told = True
        kind = "ResetOrReboot" if self._registration.reason in _RESETS else "StartupOfTheDevice"
        at = self._context.clock.utc(self._booted_mono)
        self._outbox.say(SecurityEvent(kind, at), self._heard, step)

    def _heard(self, message: Message, outcome: Outcome, step: Step) -> None:
        if isinstance(outcome, Refused) and outcome.code in ("Offline", "Timeout"):
            self._told = False
