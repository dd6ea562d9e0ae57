"""The certificate by which vehicles know the station (ISO 15118 SECC certificate; A02 with V2GCertificate, M06).

Asked for when the CSMS says so, and in time before it ends. The ISO 15118 stacks get its files, and what the CSMS has
from the OCSP responders for it and the authorities above it, refreshed once a week (M06.FR.10): vehicles want both.

Loaded only where an EVSE does Plug & Charge.
"""

from base64 import b64decode
from typing import Any

from chargepointd.core.certificates import Certificate, Certificates
from chargepointd.core.commands import Status, TriggerMessage
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.contracts import ISO
from chargepointd.core.effects import IdentifyStation, Note
from chargepointd.core.messages import Message
from chargepointd.core.outbox import Outbox, Outcome
from chargepointd.core.signing import DAY_S, Applicant, Signatures, renewal_at
from chargepointd.core.topic import Act
from chargepointd.core.tuples import NamedTuple

CHAIN = "V2GCertificateChain"
WEEK_S = 7 * DAY_S
AGAIN_S = 3600.0
"""a CSMS that had no OCSP status is asked again"""


class GetCertificateStatus(NamedTuple):
    """The message."""

    hashes: tuple[str, ...]
    """hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber, responderURL"""


class CertificateStatus(NamedTuple):
    """The answer."""

    status: str
    ocsp: str = ""
    """base64 of an OCSPResponse in DER (M06.FR.09)"""


class ReadResponders(NamedTuple):
    """A job: the hash data of each certificate of the chain of this name that names an OCSP responder."""

    name: str


class Secc(Applicant):
    name = "secc"
    use = "V2GCertificate"
    kept_as = CHAIN
    root = "V2GRootCertificate"
    trigger = "SignV2GCertificate"

    def __init__(
        self, context: Context, outbox: Outbox, certificates: Certificates, signatures: Signatures, saved: Any
    ) -> None:
        super().__init__(context, outbox, certificates, saved)
        signatures.others[self.use] = self
        self._told: Certificate | None = None
        """whose files the stacks have"""
        self._statuses: dict[tuple[str, ...], str] = {}
        """by hash data: what the CSMS has from the responder"""
        self._refresh_at = NEVER
        self._looked_at = -NEVER

    @property
    def current(self) -> Certificate | None:
        """The newest (A02.FR.15)."""
        return max(self._certificates.of(CHAIN), key=lambda each: each.valid_until, default=None)

    def subject(self) -> tuple[str, str, str]:
        text = self._context.variables.text
        return text(f"{ISO}.SeccId"), text(f"{ISO}.OrganizationName"), text(f"{ISO}.CountryName")

    def key_type(self) -> str:
        """ISO 15118-2, 7.9.1: secp256r1"""
        return "EC-P256"

    def own_keys(self) -> list[str]:
        return [each.name for each in self._certificates.of(CHAIN)]

    def _triggered(self, command: TriggerMessage, step: Step) -> Status | Act:
        if not self._context.variables.boolean(f"{ISO}.V2GCertificateInstallationEnabled"):
            return Status("Rejected", "switched off by ISO15118Ctrlr.V2GCertificateInstallationEnabled")
        return super()._triggered(command, step)

    def take(self, certificate: Certificate, step: Step) -> None:
        self._certificates.add(certificate, step)
        for old in [each for each in self._certificates.of(CHAIN) if each.name != certificate.name]:
            self._certificates.discard(CHAIN, old.name, step)

    # -- what the stacks have ------------------------------------------------------------------------------------------

    def follow(self, step: Step) -> None:
        if self.current != self._told:
            self._told, self._statuses = self.current, {}
            self._tell(step)
            if self._told:
                self._ask(step)
        if self._context.online and step.mono >= self._looked_at + DAY_S:
            self._look(step)

    def _tell(self, step: Step) -> None:
        step.emit(IdentifyStation(self._told.name if self._told else "", tuple(self._statuses.values())))

    def _ask(self, step: Step) -> None:
        assert self._told
        self._refresh_at = step.mono + WEEK_S
        self._certificates.work(ReadResponders(self._told.name), self._read, step)

    def _read(self, rows: Any, step: Step) -> None:
        if isinstance(rows, Status):
            step.emit(Note("certificate", 0, f"the chain shown to vehicles cannot be read: {rows.reason}"))
            return
        for row in rows:
            self._outbox.say(GetCertificateStatus(row), self._heard_status, step)

    def _heard_status(self, message: Message, outcome: Outcome, step: Step) -> None:
        """Without an answer what was known stays, and is asked for again."""
        assert isinstance(message, GetCertificateStatus)
        if isinstance(outcome, CertificateStatus) and outcome.status == "Accepted" and _is_base64(outcome.ocsp):
            self._statuses[message.hashes] = outcome.ocsp
            self._tell(step)
        else:
            self._refresh_at = min(self._refresh_at, step.mono + AGAIN_S)

    # -- dates ---------------------------------------------------------------------------------------------------------

    def _look(self, step: Step) -> None:
        self._looked_at = step.mono
        own = self._told
        if own and self._context.clock.sure and step.utc >= renewal_at(own) and not self._asked:
            step.emit(Note("certificate", 0, "the certificate shown to vehicles ends soon; renewing it"))
            self.make(step)

    def deadline(self) -> float:
        look = self._looked_at + DAY_S if self._context.online else NEVER
        return min(super().deadline(), self._refresh_at, look)

    def tick(self, step: Step) -> None:
        super().tick(step)
        if step.mono >= self._refresh_at and self._told:
            self._ask(step)


def _is_base64(text: str) -> bool:
    try:
        return bool(b64decode(text, validate=True))
    except ValueError:
        return False
