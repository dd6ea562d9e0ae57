"""How the CSMS is reached: by which network connection profile, and what stays possible when one fails (B09, B10, A01,
A05).

What there is to be reached by is in `slots`, and what the next attempt is made with in `attempts`: whatever fails, all
of it is tried again, for ever, so a station is never locked out.

A security profile that is raised without a new address (1.6) is a slot more, on trial: it is tried at once, and deleted
when another slot had to take its place (Improved security, A05).

Good is a connection over which the CSMS has accepted the station.
"""

from collections.abc import Mapping
from typing import Any

from chargepointd.core.certificates import Certificates
from chargepointd.core.clock import Righting
from chargepointd.core.commands import Status
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import Note, PingAnew, Reconnect, SaveState
from chargepointd.core.events import LinkOpened
from chargepointd.core.masking import masked
from chargepointd.core.password import as_bytes, complaint
from chargepointd.core.signing import Signatures
from chargepointd.core.slots import (
    CONFIGURED,
    INTERFACES,
    LONGEST_TIMEOUT_S,
    PASSWORD,
    PRIORITY,
    SLOTS,
    Slot,
    Slots,
    wrong_profile,
)
from chargepointd.core.term import Term
from chargepointd.core.topic import Answer, Guard, Obey, Topic
from chargepointd.core.tuples import NamedTuple

PING = "OCPPCommCtrlr.WebSocketPingInterval"
TIMEOUT = "OCPPCommCtrlr.MessageTimeout[Default]"
PASSWORDS = 4
"""the newest, and those that may still be the one the CSMS knows"""
_EVENTS = {
    "certificate": ("InvalidCsmsCertificate", "CsmsFailedToAuthenticate"),
    "tls-version": ("InvalidTLSVersion",),
    "tls-cipher": ("InvalidTLSCipherSuite",),
    "tls-client": ("FailedToAuthenticateAtCsms",),
    "unauthorized": ("FailedToAuthenticateAtCsms",),
}
"""kind of a failed connection -> security events (A00.FR.310, FR.316, FR.323; A04.FR.04)"""


class SetNetworkProfile(NamedTuple):
    slot: int
    profile: Slot
    wrong: str = ""
    """what of the request this station cannot do"""


class RaiseSecurityProfile(NamedTuple):
    """Reach the CSMS in use by a higher security profile from now on."""

    level: int


class SetMessageTimeout(NamedTuple):
    """How long an answer is waited for, whatever the profile in use says (1.6; in 2.x the profile says it)."""

    seconds: int


class ResetNetwork(NamedTuple):
    """A technician's way back: the configuration's profile and password, nothing else."""


class Way(NamedTuple):
    """How the next attempt is made."""

    slot: int
    profile: Slot
    password: bytes
    certificate: str
    """name of the station's"""
    roots: tuple[str, ...]
    """names of those that may vouch for the CSMS"""
    system_roots: bool
    """those of the system may as well"""


class Network(Topic):
    name = "network"

    def __init__(self, context: Context, certificates: Certificates, signatures: Signatures, saved: Any) -> None:
        saved = saved or {}
        csms = context.plan.csms
        self._context = context
        self._certificates = certificates
        self._signatures = signatures
        configured = Slot(csms.url, csms.security_profile, timeout_s=self._integer("MessageTimeout[Default]"))
        self._slots = Slots(context, certificates, configured, saved)
        self._attempts = self._slots.attempts
        self._timeout_s: int = saved.get("timeout_s", 0)
        """what was set beside the profiles; 0: nothing"""
        self._older: list[str] = saved.get("older", [])
        """passwords before the newest, down to the last that worked"""
        self._password = context.variables.text(PASSWORD)
        self._raised: set[str] = set()
        self._told: tuple[int, Slot] | None = None
        """by which the CSMS was told who we are, in this process"""
        self._linked = False
        self._good = True
        self._term = Term()
        self._tell_active()

    def _integer(self, name: str) -> int:
        return self._context.variables.integer(f"OCPPCommCtrlr.{name}")

    def power_up(self, step: Step) -> None:
        if self.slot != CONFIGURED or self.profile != self._slots.configured:
            what = f"slot {self.slot} is used by order of the CSMS: {masked(self.profile.url)}"
            step.emit(Note("network", 0, f"{what}; `chargepointctl reset-csms` goes back to the configuration's"))

    # -- the way -------------------------------------------------------------------------------------------------------

    @property
    def slot(self) -> int:
        return self._attempts.slot

    @property
    def profile(self) -> Slot:
        return self._slots.active

    def way(self) -> Way:
        certificates = self._certificates
        renewed = certificates.renewed and not self._attempts.old_certificate
        roots = certificates.trusted(fallback=self._by_old_root)
        return Way(
            self.slot,
            self.profile,
            as_bytes([self._password, *self._older][self._attempts.password]),
            certificates.renewed if renewed else certificates.current,
            tuple(roots),
            self._slots.trusts_system(self.profile),
        )

    @property
    def _by_old_root(self) -> bool:
        """For the slot that worked last."""
        return self._attempts.old_root and self.slot == self._slots.worked

    def failed(self, kind: str, reason: str, step: Step) -> None:
        """An attempt did not come to a connection."""
        self._tell_events(_EVENTS.get(kind, ()), reason, step)
        if kind == "profile":
            self._certificates.look(step)
        another = self._attempts.failed(
            kind,
            most=self._integer("NetworkProfileConnectionAttempts"),
            passwords=1 + len(self._older),
            renewed=bool(self._certificates.renewed),
            fallback=bool(self._certificates.fallback),
        )
        if another:
            step.emit(Note("network", 0, f"trying slot {self.slot}: {masked(self.profile.url)}"))

    def _tell_events(self, events: tuple[str, ...], reason: str, step: Step) -> None:
        """Once until the next good connection: a server stays wrong for days."""
        for event in events:
            if event not in self._raised:
                self._raised.add(event)
                self._context.happened(event, reason, step)

    # -- connected -----------------------------------------------------------------------------------------------------

    def linked(self, opened: LinkOpened, step: Step) -> bool:
        """Connected. True when it is to another CSMS than the one before: it has to be told who we are (B10.FR.10)."""
        self._term.shown(opened, step)
        self._linked, self._good = True, False
        self._certificates.vouches = opened.root
        self._tell_active()
        if self._context.clock.vouched:  # since the attempt began
            self.trusts_at(step.utc, step)
        return self._told not in (None, (self.slot, self.profile))

    def put_right(self, right: Righting, step: Step) -> None:
        self._term.put_right(right)
        self.trusts_at(step.utc, step)

    def lets_say(self, utc: float, step: Step) -> bool:
        """Whether the CSMS may make the clock leap there: never to where its own certificate is not good, or its word
        would lock it out, over power cuts too."""
        return self._term.lets_say(utc, step, sure=self._context.clock.sure)

    def trusts_at(self, utc: float, step: Step) -> bool:
        """Whether the certificate that the CSMS has shown while nobody knew the time is good at this one. If not, the
        connection is left; and if it was the CSMS itself that told this time, it is not taken from it, or one wrong
        word would lock the station out for good."""
        wrong = self._term.judged(utc)
        if wrong:
            self._good = True
            self.failed("certificate", wrong, step)
            step.emit(Reconnect("the certificate of the CSMS is not good", at_once=False))
        return not wrong

    def unlinked(self, step: Step) -> None:
        """A connection over which the CSMS did not accept the station was one more attempt that failed."""
        self._linked = False
        self._term.gone()
        if not self._good:
            self._good = True
            self.failed("dropped", "", step)

    def deadline(self) -> float:
        return self._term.expires_at

    def tick(self, step: Step) -> None:
        """A connection that is open stays so: what it was opened with was good then, and over it the CSMS can be told,
        and can have a new root installed. The next one will be refused."""
        if self._term.expired(step):
            what = "the certificate of the CSMS has expired; without a new one no further connection is possible"
            step.emit(Note("certificate", 0, what))
            self._tell_events(("InvalidCsmsCertificate",), what, step)

    def follow(self, step: Step) -> None:
        if self._linked and self._context.online and not self._good:
            self._good = True
            self._proven(step)

    def _proven(self, step: Step) -> None:
        self._raised.clear()
        self._told = (self.slot, self.profile)
        self._slot_proven(step)
        attempts, security_profile = self._attempts, self.profile.security_profile
        if security_profile in (1, 2) and attempts.password == 0 and self._older:
            self._older = []
            self._save(step)
        if security_profile == 3:
            self._signatures.proven(step, renewed=not attempts.old_certificate)
            attempts.old_certificate = False
        attempts.proven()
        if security_profile >= 2:
            self._certificates.proven(step, fallback=self._by_old_root)
        # Never down again: lower profiles are deleted, and leave the order (A05.FR.06).
        if lower := self._slots.lower():
            self._delete(lower, "of a lower security profile", step)

    def _slot_proven(self, step: Step) -> None:
        slots = self._slots
        trial, slots.trial = slots.trial, 0
        if self.slot != slots.worked or trial:
            slots.worked = self.slot
            self._save(step)
        if trial not in (0, self.slot):
            self._delete([trial], "the raised security profile did not work", step)

    def _delete(self, slots: list[int], why: str, step: Step) -> None:
        self._slots.delete(slots, why, step)
        self._save(step)

    def _tell_active(self) -> None:
        assign = self._context.variables.assign
        assign("OCPPCommCtrlr.ActiveNetworkProfile", str(self.slot))
        assign("SecurityCtrlr.SecurityProfile", str(self.profile.security_profile))
        assign(TIMEOUT, str(self._timeout_s or self.profile.timeout_s or self._slots.configured.timeout_s))

    def _save(self, step: Step) -> None:
        slots = self._slots
        facts = {"slots": slots.kept(), "worked": slots.worked, "older": self._older, "trial": slots.trial}
        if self._timeout_s:
            facts["timeout_s"] = self._timeout_s
        step.emit(SaveState(self.name, facts))

    # -- commands ------------------------------------------------------------------------------------------------------

    def commands(self) -> Mapping[type, Obey]:
        return {
            SetNetworkProfile: lambda command, step, answer: answer(self._set(command, step), step),
            RaiseSecurityProfile: self._raise,
            SetMessageTimeout: self._set_timeout,
            ResetNetwork: self._reset,
        }

    def guards(self) -> Mapping[str, Guard]:
        return {PRIORITY: self._wrong_order, PASSWORD: complaint}

    def _set(self, command: SetNetworkProfile, step: Step) -> Status:
        slot, profile = command.slot, command.profile
        if slot not in SLOTS:  # B09.FR.05
            return Status("Rejected", f"no slot {slot}; there are {', '.join(map(str, SLOTS))}", "InvalidConfSlot")
        if slot == self.slot:
            return Status("Rejected", f"slot {slot} is in use; take another", "InvalidConfSlot")
        wrong = command.wrong or wrong_profile(profile)
        if wrong:  # B09.FR.02
            return Status("Rejected", wrong, "InvalidNetworkConf")
        if self._slots.downgrade(profile):  # B09.FR.04, FR.31
            active = self.profile.security_profile
            return Status("Rejected", f"security profile {active} is in use, {profile.security_profile} is lower",
                          "NoSecurityDowngrade")  # fmt: skip
        self._slots.hold(slot, profile)
        self._timeout_s = 0
        step.emit(
            Note("network", 0, f"slot {slot}: {masked(profile.url)}, security profile {profile.security_profile}")
        )
        self._save(step)
        what = f"slot {slot}: security profile {profile.security_profile}"
        self._context.happened("ReconfigurationOfSecurityParameters", what, step)
        return Status("Accepted")

    def _wrong_order(self, value: str) -> str:
        """B10.FR.01, FR.02"""
        order = [int(n) for n in value.split(",") if n.strip()]
        wrong = (self._slots.unusable(n, self._password) for n in order)
        return next(filter(None, wrong), "") if order else "expected at least one slot"

    def _set_timeout(self, command: SetMessageTimeout, step: Step, answer: Answer) -> None:
        if not 1 <= command.seconds <= LONGEST_TIMEOUT_S:
            answer(Status("Rejected", f"expected 1 to {LONGEST_TIMEOUT_S} s"), step)
            return
        self._timeout_s = command.seconds
        self._save(step)
        self._tell_active()
        answer(Status("Accepted"), step)

    def _raise(self, command: RaiseSecurityProfile, step: Step, answer: Answer) -> None:
        """Improved security, A05.FR.01 to 06: only upwards, with what it takes; at once, by a new connection."""
        active, level = self.profile, command.level
        slot = active._replace(security_profile=level, url=self._secured(active) if level >= 2 else active.url)
        wrong = wrong_profile(slot._replace(timeout_s=slot.timeout_s or 1, interface=INTERFACES[0]))
        if level <= active.security_profile:
            answer(Status("Rejected", f"security profile {active.security_profile} is in use; it only goes up"), step)
        elif lacking := wrong or self._slots.lacking(slot, self._password):
            answer(Status("Rejected", lacking), step)
        else:
            self._try(slot, step)
            answer(Status("Accepted"), step)
            step.emit(Reconnect(f"security profile {level}"))

    def _try(self, slot: Slot, step: Step) -> None:
        if self._slots.trial not in (0, self.slot):
            self._delete([self._slots.trial], "another is tried now", step)
        n = self._slots.try_first(slot, step)
        self._good = True
        self._save(step)
        what = f"slot {n}: security profile {slot.security_profile}, {masked(slot.url)}"
        step.emit(Note("network", 0, what))
        self._context.happened("ReconfigurationOfSecurityParameters", what, step)

    def _secured(self, profile: Slot) -> str:
        """The address with TLS: the same, unless the configuration names another."""
        scheme, _, rest = profile.url.partition(":")
        other = self._context.plan.csms.secure_url if profile == self._slots.configured else ""
        return profile.url if scheme == "wss" else other or f"wss:{rest}"

    def _reset(self, command: ResetNetwork, step: Step, answer: Answer) -> None:
        self._slots.reset(step)
        self._older, self._timeout_s = [], 0
        for save in self._context.variables.assign(PASSWORD, self._context.variables.configured(PASSWORD)):
            step.emit(save)
        self._password = self._context.variables.text(PASSWORD)
        self._save(step)
        answer(Status("Accepted"), step)
        step.emit(Reconnect("back to the connection of the configuration, by a technician"))

    # -- the password --------------------------------------------------------------------------------------------------

    def changed(self, names: list[str], step: Step) -> None:
        if PING in names:
            step.emit(PingAnew())
        if PASSWORD not in names:
            return
        known = [self._password, *self._older]
        newest = self._context.variables.text(PASSWORD)
        # The last that worked is never the one to make way.
        self._older = [password for password in known if password and password != newest]
        self._older = self._older[: PASSWORDS - 2] + self._older[PASSWORDS - 2 :][-1:]
        self._password = newest
        self._attempts.new_password()
        self._save(step)
        if self.profile.security_profile in (1, 2):
            step.emit(Reconnect("a new password"))
