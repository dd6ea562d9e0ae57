"""The station's own certificates: asked for, taken, renewed in time (A02, A03).

A key is made, its request (CSR) told to the CSMS, and the signed chain comes by CertificateSigned, whenever the CSMS
has it. Where none comes the request is repeated, waiting twice as long each time (A02.FR.17 to 19). Keys of the last
few requests are kept, so that an answer that comes late still fits one. What was asked survives a restart.

The new certificate is used at once, and the old one kept until a connection has proven one of the two (`Network`).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from chargepointd.core.certificates import CSMS_ROOT, PENDING, STATION, Certificate, Certificates
from chargepointd.core.clock import Righting
from chargepointd.core.commands import Status, TriggerMessage
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note, Reconnect, SaveState
from chargepointd.core.messages import Message
from chargepointd.core.outbox import Outbox, Outcome
from chargepointd.core.topic import Act, Answer, Obey, Topic, Trigger
from chargepointd.core.tuples import NamedTuple

DAY_S = 86_400.0
EARLY_S = 30 * DAY_S
"""how long before its end a certificate is renewed (A03.FR.02); a third of its life, where that is shorter"""
SHORTEST_REST_S = 300.0
KEYS = 5
"""of requests that wait for their certificate"""


class SignCertificate(NamedTuple):
    """The message: a request in PEM (PKCS#10)."""

    csr: str
    use: str = STATION


class Signing(NamedTuple):
    """The answer."""

    status: str


class CertificateSigned(NamedTuple):
    """The command: a chain in PEM, leaf first."""

    pem: str
    use: str = STATION


class MakeKey(NamedTuple):
    """A job: a new key pair, kept under the name `key`; the request in PEM, or a `Status`."""

    key: str
    key_type: str
    common_name: str
    organization: str
    country: str = ""


class TakeChain(NamedTuple):
    """A job: check a chain and keep it with its key; (`Certificate`, name of the key), or a `Status`."""

    pem: str
    common_name: str
    keys: tuple[tuple[str, str], ...]
    """(use, name) of those it may be for, newest first"""
    kept_as: str = STATION
    root: str = CSMS_ROOT
    """the use of the roots to one of which it must lead"""
    organization: str = ""
    """the owner of the station; empty: nobody knows"""


class Asked(NamedTuple):
    """The request that waits for its certificate."""

    key: str
    csr: str
    sent: int = 0


class Applicant(Topic, ABC):
    """Asks the CSMS for a certificate of one use: a key, its request, the wait, the chain."""

    use = STATION
    """CertificateSigningUseEnumType"""
    kept_as = STATION
    root = CSMS_ROOT
    trigger = "SignChargingStationCertificate"

    def __init__(self, context: Context, outbox: Outbox, certificates: Certificates, saved: list[Any] | None) -> None:
        self._context = context
        self._outbox = outbox
        self._certificates = certificates
        self._asked = Asked(*saved) if saved else None
        self._again_at = NEVER
        self._making = False

    # -- what differs --------------------------------------------------------------------------------------------------

    @abstractmethod
    def subject(self) -> tuple[str, str, str]:
        """Common name, organization, country."""

    @abstractmethod
    def key_type(self) -> str: ...

    @abstractmethod
    def own_keys(self) -> list[str]:
        """Names of the certificates in use: a chain may be for their keys again."""

    @abstractmethod
    def take(self, certificate: Certificate, step: Step) -> None:
        """It is signed, checked and kept."""

    # -- the request ---------------------------------------------------------------------------------------------------

    def triggers(self) -> Mapping[str, Trigger]:
        return {self.trigger: self._triggered}

    def power_up(self, step: Step) -> None:
        if self._asked:
            self._wait(step)

    def _triggered(self, command: TriggerMessage, step: Step) -> Status | Act:
        return self.make

    def make(self, step: Step) -> None:
        """A fresh key for every request (A02.FR.02)."""
        if self._making:
            return
        self._making = True
        key = self._context.new_id()
        job = MakeKey(key, self.key_type(), *self.subject())
        self._certificates.work(job, lambda outcome, step: self._made(key, outcome, step), step)

    def _made(self, key: str, outcome: str | Status, step: Step) -> None:
        self._making = False
        if isinstance(outcome, Status):
            step.emit(Note("certificate", 0, f"no new key: {outcome.reason}"))
            return
        certificates = self._certificates
        certificates.pending.append(key)
        certificates.save(step)
        for old in certificates.pending[:-KEYS]:
            certificates.drop_key(old, step)
        self._set(Asked(key, outcome), step)
        self._send(step)

    def _send(self, step: Step) -> None:
        assert self._asked
        self._set(self._asked._replace(sent=self._asked.sent + 1), step)
        self._wait(step)
        self._outbox.say(SignCertificate(self._asked.csr, self.use), self._heard, step, asked=True)

    def _wait(self, step: Step) -> None:
        assert self._asked
        wait = self._context.variables.integer("SecurityCtrlr.CertSigningWaitMinimum")
        self._again_at = step.mono + wait * 2 ** (max(1, self._asked.sent) - 1)

    def _heard(self, message: Message, outcome: Outcome, step: Step) -> None:
        """No answer, or a CALLERROR, is no certificate either: the wait goes on."""
        assert isinstance(message, SignCertificate)
        if not isinstance(outcome, Signing) or outcome.status == "Accepted":
            return
        step.emit(Note("certificate", 0, "the CSMS refuses to sign; the certificate in use stays"))
        if self._asked and self._asked.csr == message.csr:
            key = self._asked.key
            self._set(None, step)
            self._certificates.drop_key(key, step)

    def _set(self, asked: Asked | None, step: Step) -> None:
        self._asked = asked
        if asked is None:
            self._again_at = NEVER
        step.emit(SaveState(self.name, list(asked) if asked else None))

    # -- the certificate -----------------------------------------------------------------------------------------------

    def signed(self, command: CertificateSigned, step: Step, answer: Answer) -> None:
        most = self._context.variables.integer("SecurityCtrlr.MaxCertificateChainSize")
        if len(command.pem) > most:  # A02.FR.16
            self._refused(Status("Rejected", f"{len(command.pem)} characters, at most {most}"), step, answer)
            return
        certificates = self._certificates
        keys = [(PENDING, name) for name in reversed(certificates.pending)]
        keys += [(self.kept_as, name) for name in self.own_keys() if name]
        common_name, organization, _ = self.subject()
        job = TakeChain(command.pem, common_name, tuple(keys), self.kept_as, self.root, organization.strip())
        certificates.work(job, lambda outcome, step: self._taken(outcome, step, answer), step)

    def _refused(self, status: Status, step: Step, answer: Answer) -> None:
        """A02.FR.07; and no request of our own accord after it (A02.FR.20)."""
        self._set(None, step)
        answer(status._replace(status="Rejected"), step)
        self._context.happened("InvalidChargingStationCertificate", status.reason, step)

    def _taken(self, outcome: tuple[Certificate, str] | Status, step: Step, answer: Answer) -> None:
        if isinstance(outcome, Status):
            self._refused(outcome, step, answer)
            return
        certificate, key = outcome
        if key in self._certificates.pending:
            self._certificates.drop_key(key, step)
        self._set(None, step)
        answer(Status("Accepted"), step)
        self.take(certificate, step)

    def deadline(self) -> float:
        return self._again_at

    def tick(self, step: Step) -> None:
        if step.mono < self._again_at or self._asked is None:
            return
        if self._asked.sent > self._context.variables.integer("SecurityCtrlr.CertSigningRepeatTimes"):
            step.emit(Note("certificate", 0, "no certificate came; no further request until the next trigger"))
            self._set(None, step)
        else:
            self._send(step)


class Signatures(Applicant):
    """The certificate by which the station proves itself to the CSMS."""

    name = "signatures"

    def __init__(self, context: Context, outbox: Outbox, certificates: Certificates, saved: list[Any] | None) -> None:
        super().__init__(context, outbox, certificates, saved)
        self.others: dict[str, Applicant] = {}
        """who asks for certificates of other uses"""
        self._seen = -1
        """`certificates.changes` then"""
        self._look_at = -NEVER
        """when the dates of the certificates are looked at again"""
        self._roots_at = -NEVER
        """the same of the roots: a person is told once a day"""
        self._renewed_at = -NEVER
        """when the last request of our own accord began. One a day, or a twelfth of the certificate's life if that is
        shorter: a CSMS that refuses, or signs for as short a time again, would be asked for ever"""

    def subject(self) -> tuple[str, str, str]:
        """A00.FR.511"""
        plan = self._context.plan
        return plan.serial_number or plan.id, self._context.variables.text("SecurityCtrlr.OrganizationName"), ""

    def key_type(self) -> str:
        return self._context.variables.text("SecurityCtrlr.KeyType")

    def own_keys(self) -> list[str]:
        return [self._certificates.renewed, self._certificates.current]

    def commands(self) -> Mapping[type, Obey]:
        return {CertificateSigned: self._for_whom}

    def _for_whom(self, command: CertificateSigned, step: Step, answer: Answer) -> None:
        applicant = self if command.use == self.use else self.others.get(command.use)
        if applicant:
            applicant.signed(command, step, answer)
        else:
            answer(Status("Rejected", "this station has no certificate for ISO 15118"), step)

    def take(self, certificate: Certificate, step: Step) -> None:
        """At once, by a new connection (A02.FR.08); where no connection shows it, there is nothing to prove."""
        certificates = self._certificates
        certificates.add(certificate, step)
        if certificate.name == certificates.current:
            return
        if certificates.profile_in_use < 3 or not certificates.current:
            certificates.replace(certificate.name, step)
            return
        unproven, certificates.renewed = certificates.renewed, certificate.name
        if unproven and unproven != certificate.name:
            certificates.discard(STATION, unproven, step)
        certificates.save(step)
        step.emit(Reconnect("a new certificate of the station"))

    def proven(self, step: Step, *, renewed: bool) -> None:
        """A connection was good by one of the two: the other is discarded (A02.FR.10)."""
        certificates = self._certificates
        if not certificates.renewed:
            return
        kept = certificates.renewed if renewed else certificates.current
        certificates.replace(kept, step)
        if not renewed:
            self._context.happened("DiscardedRenewedClientCertificate", "the CSMS took the old one only", step)

    def put_right(self, right: Righting, step: Step) -> None:
        self._look_at = step.mono

    # -- dates ---------------------------------------------------------------------------------------------------------

    def _look(self, step: Step) -> None:
        """Once a day, when another certificate is there, and when the station's is due."""
        certificates = self._certificates
        daily = step.mono >= self._roots_at or self._seen != certificates.changes
        self._look_at, self._seen = step.mono + DAY_S, certificates.changes
        if not self._context.clock.sure:
            return
        own = certificates.named(STATION, certificates.renewed or certificates.current)
        if own:
            self._look_at_own(own, step)
        if daily:
            self._look_at_roots(step)

    def _look_at_roots(self, step: Step) -> None:
        self._roots_at = step.mono + DAY_S
        for root in self._certificates.of(CSMS_ROOT):
            if step.utc >= root.valid_until - EARLY_S:
                what = f"a root of the CSMS ends in {_days(root, step)} days: {root.subject}"
                step.emit(Note("certificate", 0, what))

    def _look_at_own(self, own: Certificate, step: Step) -> None:
        due = max(step.mono + renewal_at(own) - step.utc, self._renewed_at + _rest_s(own))
        if step.mono < due:
            self._look_at = min(self._look_at, due)
        elif not self._asked:
            self._renewed_at = step.mono
            self._look_at = min(self._look_at, step.mono + _rest_s(own))
            step.emit(Note("certificate", 0, f"the station's certificate ends in {_days(own, step)} days; renewing it"))
            self.make(step)

    def follow(self, step: Step) -> None:
        if not self._context.online:
            return
        if step.mono >= self._look_at or self._seen != self._certificates.changes:
            self._look(step)

    def deadline(self) -> float:
        return min(self._again_at, self._look_at) if self._context.online else self._again_at


def renewal_at(certificate: Certificate) -> float:
    """UTC."""
    life = certificate.valid_until - certificate.valid_from
    return certificate.valid_until - min(EARLY_S, life / 3)


def _rest_s(certificate: Certificate) -> float:
    life = certificate.valid_until - certificate.valid_from
    return min(DAY_S, max(SHORTEST_REST_S, life / 12))


def _days(certificate: Certificate, step: Step) -> int:
    return max(0, int((certificate.valid_until - step.utc) / DAY_S))
