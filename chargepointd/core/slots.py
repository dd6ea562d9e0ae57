"""The slots for network connection profiles (B09, B10): what they hold, in which order they are used, which is in use.

Slot 1 is the configuration's until the CSMS replaces it. The order of `NetworkConfigurationPriority` is taken at the
start; after it comes the slot that worked last (B10.FR.07 to 09).
"""

from typing import Any
from urllib.parse import urlsplit

from chargepointd.core.attempts import Attempts
from chargepointd.core.certificates import CSMS_ROOT, STATION, Certificates
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import Note
from chargepointd.core.tuples import NamedTuple

SLOTS = (1, 2, 3, 4)
CONFIGURED = 1
PASSWORD = "SecurityCtrlr.BasicAuthPassword"
PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
INTERFACES = ("Wired0", "Wired1", "Wired2", "Wired3", "Wireless0", "Wireless1", "Wireless2", "Wireless3")
"""which way a packet goes is a matter of the system's routes"""
LONGEST_TIMEOUT_S = 600


class Slot(NamedTuple):
    """A network connection profile. Kept: fields may only be appended, with a default."""

    url: str
    security_profile: int
    version: str = ""
    """ "1.6" or "2.0.1", asked for first; empty: as the configuration has it"""
    timeout_s: int = 0
    """for an answer; 0: the station's own"""
    interface: str = ""


class Slots:
    def __init__(self, context: Context, certificates: Certificates, configured: Slot, saved: dict[str, Any]) -> None:
        self._context = context
        self._certificates = certificates
        self.configured = configured
        self._held: dict[int, Slot | None] = {CONFIGURED: configured}
        self._held |= {int(n): Slot(*slot) if slot else None for n, slot in saved.get("slots", {}).items()}
        self.worked: int = saved.get("worked", CONFIGURED)
        """the slot over which the CSMS accepted the station last"""
        self.trial: int = saved.get("trial", 0)
        """the slot of a raised security profile, until it has worked; 0: none"""
        self.attempts = Attempts(self._planned())

    def kept(self) -> dict[str, Any]:
        """By number; without the configuration's own, which may change until the next start."""
        return {str(n): slot and list(slot) for n, slot in self._held.items() if slot != self.configured}

    @property
    def active(self) -> Slot:
        profile = self._held[self.attempts.slot]
        assert profile
        return profile

    # -- the order -----------------------------------------------------------------------------------------------------

    def _preferred(self) -> tuple[str, ...]:
        return self._context.variables.members(PRIORITY)

    def _planned(self) -> list[int]:
        order = [n for n in map(int, self._preferred()) if self._held.get(n)]
        if self.worked not in order and self._held.get(self.worked):
            order.append(self.worked)
        return order or [n for n in SLOTS if self._held.get(n)]

    def _prefer(self, order: list[str], step: Step) -> None:
        for save in self._context.variables.assign(PRIORITY, ",".join(order)):
            step.emit(save)

    def hold(self, n: int, profile: Slot) -> None:
        self._held[n] = profile
        self.trial = 0 if n == self.trial else self.trial

    def try_first(self, profile: Slot, step: Step) -> int:
        """Its slot: one that is empty, else the one that is wanted least of those not in use."""
        self.trial = n = self._spare()
        self._held[n] = profile
        self._prefer([str(n), *(m for m in self._preferred() if m != str(n))], step)
        self.attempts.reorder(self._planned())
        self.attempts.begin_slot()
        return n

    def _spare(self) -> int:
        order, used = self._preferred(), (self.attempts.slot, self.worked)

        def wanted(n: int) -> tuple[bool, int]:
            place = order.index(str(n)) if str(n) in order else len(SLOTS)
            return bool(self._held.get(n)), -place

        return min((n for n in SLOTS if n not in used), key=wanted)

    def delete(self, slots: list[int], why: str, step: Step) -> None:
        """Not the one in use."""
        active = self.attempts.slot
        for n in slots:
            self._held[n] = None
        kept = [n for n in self._preferred() if int(n) not in slots]
        self._prefer(kept or [str(active)], step)
        self.attempts.reorder(self._planned(), active)
        step.emit(Note("network", 0, f"slot {', '.join(map(str, slots))} deleted: {why}"))

    def lower(self) -> list[int]:
        return [n for n, slot in self._held.items() if slot and self.downgrade(slot)]

    def reset(self, step: Step) -> None:
        """To the configuration's, and nothing else."""
        self._held = {CONFIGURED: self.configured}
        self.worked, self.trial = CONFIGURED, 0
        self._prefer([str(CONFIGURED)], step)
        self.attempts.back_to(CONFIGURED)

    # -- what may be used ----------------------------------------------------------------------------------------------

    def unusable(self, n: int, password: str) -> str:
        """Why not; empty: it may be used (A05.FR.02, FR.03, FR.10; B10.FR.02)."""
        slot = self._held.get(n)
        if slot is None:
            return f"slot {n} holds no profile; set it first"
        if self.downgrade(slot):
            return f"slot {n} has a lower security profile than the one in use"
        lacking = self.lacking(slot, password)
        return lacking and f"slot {n} needs {lacking}"

    def downgrade(self, profile: Slot) -> bool:
        """Whether this is a step down that is not allowed: 3 to 2 may be (A05.FR.08), to 1 never is (FR.09)."""
        active = self.active.security_profile
        if profile.security_profile >= active:
            return False
        allowed = self._context.variables.boolean("SecurityCtrlr.AllowSecurityProfileDowngrade")
        return not (allowed and (active, profile.security_profile) == (3, 2))

    def lacking(self, slot: Slot, password: str) -> str:
        if slot.url.startswith("wss:") and not self.trusts_system(slot) and not self._certificates.has(CSMS_ROOT):
            return "a root certificate of the CSMS that is valid now; install it first"
        if slot.security_profile == 3 and not self._certificates.has(STATION):
            return "a certificate of the station that is valid now; have one signed first"
        if slot.security_profile in (1, 2) and not password:
            return f"a password; set {PASSWORD} first"
        return ""

    def trusts_system(self, slot: Slot) -> bool:
        """Where the configuration names no root, those of the system vouch for the CSMS it names."""
        return slot == self.configured and not self._context.plan.csms.ca_file


def wrong_profile(profile: Slot) -> str:
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
