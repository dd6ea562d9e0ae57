"""How the CSMS is reached: network connection profiles, their order, and what stays possible when one fails (B09, B10,
A01, A05).

A slot holds a profile; slot 1 is the configuration's until the CSMS replaces it. The order of
`NetworkConfigurationPriority` is taken at the start. A slot that failed `NetworkProfileConnectionAttempts` times makes
way for the next, after the last comes the one that worked last, and then the first again, for ever: a station is never
locked out (B10.FR.07 to 09).

A security profile that is raised without a new address (1.6) is a slot more, on trial: it is tried at once, and deleted
when another slot had to take its place (Improved security, A05).

What may be wrong is tried the other way too, until a connection is good:
- the password: the newest, then those before it to the last that worked, each time the CSMS refuses one (A01);
- the station's certificate: the new one, the old one, by rounds of the slots (A02.FR.28);
- the root of the CSMS, where the new one was signed by the old: the old one for the slot that worked last (M05.FR.14).

Good is a connection over which the CSMS has accepted the station.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from chargepointd.core.certificates import CSMS_ROOT, STATION, Certificates
from chargepointd.core.clock import Righting
from chargepointd.core.commands import Status
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import Note, PingAnew, Reconnect, SaveState
from chargepointd.core.events import LinkOpened
from chargepointd.core.masking import masked
from chargepointd.core.password import as_bytes, complaint
from chargepointd.core.signing import Signatures
from chargepointd.core.term import Term
from chargepointd.core.topic import Answer, Guard, Obey, Topic
from chargepointd.core.tuples import NamedTuple

SLOTS = (1, 2, 3, 4)
CONFIGURED = 1
PASSWORD = "SecurityCtrlr.BasicAuthPassword"
PING = "OCPPCommCtrlr.WebSocketPingInterval"
PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
TIMEOUT = "OCPPCommCtrlr.MessageTimeout[Default]"
INTERFACES = ("Wired0", "Wired1", "Wired2", "Wired3", "Wireless0", "Wireless1", "Wireless2", "Wireless3")
"""which way a packet goes is a matter of the system's routes"""
LONGEST_TIMEOUT_S = 600
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


class Slot(NamedTuple):
    """A network connection profile. Kept: fields may only be appended, with a default."""

    url: str
    security_profile: int
    version: str = ""
    """ "1.6" or "2.0.1", asked for first; empty: as the configuration has it"""
    timeout_s: int = 0
    """for an answer; 0: the station's own"""
    interface: str = ""


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
        self._configured = Slot(csms.url, csms.security_profile, timeout_s=self._integer("MessageTimeout[Default]"))
        self._slots: dict[int, Slot | None] = {CONFIGURED: self._configured}
        self._slots |= {int(n): Slot(*slot) if slot else None for n, slot in saved.get("slots", {}).items()}
        self._timeout_s: int = saved.get("timeout_s", 0)
        """what was set beside the profiles; 0: nothing"""
        self._worked: int = saved.get("worked", CONFIGURED)
        """the slot over which the CSMS accepted the station last"""
        self._trial: int = saved.get("trial", 0)
        """the slot of a raised security profile, until it has worked; 0: none"""
        self._older: list[str] = saved.get("older", [])
        """passwords before the newest, down to the last that worked"""
        self._password = context.variables.text(PASSWORD)
        self._round = self._planned()
        self._place = 0
        self._failed = 0
        """attempts on this slot"""
        self._with = 0
        """which password: 0 the newest, then those of `_older`"""
        self._old_certificate = False
        self._first = (0, False)
        """with which password, and whether with the old certificate, each slot of this round begins"""
        self._refused = False
        """a password was, in this round"""
        self._old_root = False
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
        if self.slot != CONFIGURED or self.profile != self._configured:
            what = f"slot {self.slot} is used by order of the CSMS: {masked(self.profile.url)}"
            step.emit(Note("network", 0, f"{what}; `chargepointctl reset-csms` goes back to the configuration's"))

    # -- the way -------------------------------------------------------------------------------------------------------

    def _planned(self) -> list[int]:
        order = [int(n) for n in self._context.variables.members(PRIORITY)]
        order = [n for n in order if self._slots.get(n)]
        if self._worked not in order and self._slots.get(self._worked):
            order.append(self._worked)
        return order or [n for n in SLOTS if self._slots.get(n)]

    @property
    def slot(self) -> int:
        return self._round[self._place]

    @property
    def profile(self) -> Slot:
        profile = self._slots[self.slot]
        assert profile
        return profile

    def way(self) -> Way:
        certificates = self._certificates
        renewed = certificates.renewed and not self._old_certificate
        roots = certificates.trusted(fallback=self._by_old_root)
        return Way(
            self.slot,
            self.profile,
            as_bytes([self._password, *self._older][self._with]),
            certificates.renewed if renewed else certificates.current,
            tuple(roots),
            self._trusts_system(self.profile),
        )

    @property
    def _by_old_root(self) -> bool:
        return self._old_root and self.slot == self._worked

    def _trusts_system(self, slot: Slot) -> bool:
        """Where the configuration names no root, those of the system vouch for the CSMS it names."""
        return slot == self._configured and not self._context.plan.csms.ca_file

    def failed(self, kind: str, reason: str, step: Step) -> None:
        """An attempt did not come to a connection."""
        self._tell_events(_EVENTS.get(kind, ()), reason, step)
        if kind == "certificate" and self._certificates.fallback:
            self._old_root = not self._old_root
        if kind == "profile":
            self._certificates.look(step)
        self._refused = self._refused or kind == "unauthorized"
        self._failed += 1
        if self._failed >= self._integer("NetworkProfileConnectionAttempts"):
            self._next_slot(step)
            return
        if kind == "unauthorized":
            self._with = (self._with + 1) % (1 + len(self._older))
        if kind in ("tls", "tls-cipher", "tls-client", "unauthorized"):
            self._old_certificate = bool(self._certificates.renewed) and not self._old_certificate

    def _next_slot(self, step: Step) -> None:
        """Each slot of a round begins with the same password and certificate, and each round with the next ones: so
        every slot meets every password and certificate, whatever the number of attempts."""
        self._failed = 0
        self._place = (self._place + 1) % len(self._round)
        if self._place == 0:
            first, old = self._first
            first = (first + 1) % (1 + len(self._older)) if self._refused else first
            self._first, self._refused = (first, bool(self._certificates.renewed) and not old), False
        self._with, self._old_certificate = self._first
        if len(self._round) > 1:
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
        self._failed = 0
        self._told = (self.slot, self.profile)
        trial, self._trial = self._trial, 0
        if self.slot != self._worked or trial:
            self._worked = self.slot
            self._save(step)
        if trial not in (0, self.slot):
            self._delete([trial], "the raised security profile did not work", step)
        if self.profile.security_profile in (1, 2) and self._with == 0 and self._older:
            self._older = []
            self._save(step)
        if self.profile.security_profile == 3:
            self._signatures.proven(step, renewed=not self._old_certificate)
            self._old_certificate = False
        self._first, self._refused = (self._with, self._old_certificate), False
        if self.profile.security_profile >= 2:
            self._certificates.proven(step, fallback=self._by_old_root)
        self._drop_lower(step)

    def _drop_lower(self, step: Step) -> None:
        """Never down again: lower profiles are deleted, and leave the order (A05.FR.06)."""
        lower = [n for n, slot in self._slots.items() if slot and self._downgrade(slot)]
        if lower:
            self._delete(lower, "of a lower security profile", step)

    def _delete(self, slots: list[int], why: str, step: Step) -> None:
        """Not the one in use."""
        active = self.slot
        for n in slots:
            self._slots[n] = None
        kept = [n for n in self._context.variables.members(PRIORITY) if int(n) not in slots]
        self._prefer(kept or [str(active)], step)
        self._place = self._round.index(active)
        step.emit(Note("network", 0, f"slot {', '.join(map(str, slots))} deleted: {why}"))
        self._save(step)

    def _prefer(self, order: list[str], step: Step) -> None:
        for save in self._context.variables.assign(PRIORITY, ",".join(order)):
            step.emit(save)
        self._round, self._place = self._planned(), 0

    def _downgrade(self, profile: Slot) -> bool:
        """Whether this is a step down that is not allowed: 3 to 2 may be (A05.FR.08), to 1 never is (FR.09)."""
        active = self.profile.security_profile
        if profile.security_profile >= active:
            return False
        allowed = self._context.variables.boolean("SecurityCtrlr.AllowSecurityProfileDowngrade")
        return not (allowed and (active, profile.security_profile) == (3, 2))

    def _tell_active(self) -> None:
        assign = self._context.variables.assign
        assign("OCPPCommCtrlr.ActiveNetworkProfile", str(self.slot))
        assign("SecurityCtrlr.SecurityProfile", str(self.profile.security_profile))
        assign(TIMEOUT, str(self._timeout_s or self.profile.timeout_s or self._configured.timeout_s))

    def _save(self, step: Step) -> None:
        kept = {str(n): slot and list(slot) for n, slot in self._slots.items() if slot != self._configured}
        facts = {"slots": kept, "worked": self._worked, "older": self._older, "trial": self._trial}
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
        wrong = command.wrong or _wrong_profile(profile)
        if wrong:  # B09.FR.02
            return Status("Rejected", wrong, "InvalidNetworkConf")
        if self._downgrade(profile):  # B09.FR.04, FR.31
            active = self.profile.security_profile
            return Status("Rejected", f"security profile {active} is in use, {profile.security_profile} is lower",
                          "NoSecurityDowngrade")  # fmt: skip
        self._slots[slot] = profile
        self._timeout_s = 0
        self._trial = 0 if slot == self._trial else self._trial
        step.emit(
            Note("network", 0, f"slot {slot}: {masked(profile.url)}, security profile {profile.security_profile}")
        )
        self._save(step)
        what = f"slot {slot}: security profile {profile.security_profile}"
        self._context.happened("ReconfigurationOfSecurityParameters", what, step)
        return Status("Accepted")

    def _wrong_order(self, value: str) -> str:
        """B10.FR.01, FR.02, A05.FR.02, FR.03, FR.10"""
        order = [int(n) for n in value.split(",") if n.strip()]
        return next(filter(None, map(self._unusable, order)), "") if order else "expected at least one slot"

    def _unusable(self, n: int) -> str:
        slot = self._slots.get(n)
        if slot is None:
            return f"slot {n} holds no profile; set it first"
        if self._downgrade(slot):
            return f"slot {n} has a lower security profile than the one in use"
        lacking = self._lacking(slot)
        return lacking and f"slot {n} needs {lacking}"

    def _lacking(self, slot: Slot) -> str:
        if slot.url.startswith("wss:") and not self._trusts_system(slot) and not self._certificates.has(CSMS_ROOT):
            return "a root certificate of the CSMS that is valid now; install it first"
        if slot.security_profile == 3 and not self._certificates.has(STATION):
            return "a certificate of the station that is valid now; have one signed first"
        if slot.security_profile in (1, 2) and not self._password:
            return f"a password; set {PASSWORD} first"
        return ""

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
        wrong = _wrong_profile(slot._replace(timeout_s=slot.timeout_s or 1, interface=INTERFACES[0]))
        if level <= active.security_profile:
            answer(Status("Rejected", f"security profile {active.security_profile} is in use; it only goes up"), step)
        elif lacking := wrong or self._lacking(slot):
            answer(Status("Rejected", lacking), step)
        else:
            if self._trial not in (0, self.slot):
                self._delete([self._trial], "another is tried now", step)
            self._trial = n = self._spare()
            self._slots[n] = slot
            self._prefer([str(n), *(m for m in self._context.variables.members(PRIORITY) if m != str(n))], step)
            self._failed, self._good = 0, True
            self._with, self._old_certificate = self._first
            self._save(step)
            what = f"slot {n}: security profile {level}, {masked(slot.url)}"
            step.emit(Note("network", 0, what))
            self._context.happened("ReconfigurationOfSecurityParameters", what, step)
            answer(Status("Accepted"), step)
            step.emit(Reconnect(f"security profile {level}"))

    def _secured(self, profile: Slot) -> str:
        """The address with TLS: the same, unless the configuration names another."""
        scheme, _, rest = profile.url.partition(":")
        other = self._context.plan.csms.secure_url if profile == self._configured else ""
        return profile.url if scheme == "wss" else other or f"wss:{rest}"

    def _spare(self) -> int:
        """A slot that is empty, else the one that is wanted least of those not in use."""
        order = self._context.variables.members(PRIORITY)

        def wanted(n: int) -> tuple[bool, int]:
            place = order.index(str(n)) if str(n) in order else len(SLOTS)
            return bool(self._slots.get(n)), -place

        return min((n for n in SLOTS if n not in (self.slot, self._worked)), key=wanted)

    def _reset(self, command: ResetNetwork, step: Step, answer: Answer) -> None:
        self._slots = {CONFIGURED: self._configured}
        self._worked, self._older, self._with, self._first = CONFIGURED, [], 0, (0, False)
        self._trial = self._timeout_s = 0
        for name, value in ((PRIORITY, str(CONFIGURED)), (PASSWORD, self._context.variables.configured(PASSWORD))):
            for save in self._context.variables.assign(name, value):
                step.emit(save)
        self._password = self._context.variables.text(PASSWORD)
        self._round, self._place, self._failed = [CONFIGURED], 0, 0
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
        self._password, self._with = newest, 0
        self._first = (0, self._first[1])
        self._save(step)
        if self.profile.security_profile in (1, 2):
            step.emit(Reconnect("a new password"))


def _wrong_profile(profile: Slot) -> str:
    scheme = profile.url.partition("://")[0]
    if not _is_address(profile.url):
        return 'expected a url such as "wss://csms.example.com/ocpp", without user and password'
    if profile.security_profile not in (0, 1, 2, 3):
        return f"no security profile {profile.security_profile}"
    if profile.security_profile >= 2 and scheme != "wss":
        return f"security profile {profile.security_profile} needs wss://"
    if not 1 <= profile.timeout_s <= LONGEST_TIMEOUT_S:  # one message that is not answered holds up all others
        return f"expected a messageTimeout of 1 to {LONGEST_TIMEOUT_S} s"
    if profile.interface not in INTERFACES:
        return f"no interface {profile.interface}"
    return ""


def _is_address(url: str) -> bool:
    """Whether the link could use it: better refused now than found out when the slot is needed."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("ws", "wss") and parts.hostname and parts.port != 0 and not parts.fragment
        return bool(whole) and parts.username is None and parts.password is None
    except ValueError:
        return False
