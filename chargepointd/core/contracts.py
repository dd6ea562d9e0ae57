"""Plug & Charge: the vehicle's contract is its card (C07), and the vehicle gets one over the station (M01, M02).

The chain that a vehicle shows is checked here, by a job, as far as its root is installed. The CSMS decides, who is
told the hashes of the chain, or the chain itself where the root is not installed and CentralContractValidationAllowed.
Offline it is believed where ContractValidationOffline says so and the station could check it; then its identifier
(eMAID) counts like any token. A contract that may not charge leaves the vehicle to be started by a card.

Loaded only where an EVSE has such a device.
"""

from collections.abc import Mapping
from typing import Any

from chargepointd.core.authorization import Authorization
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import AnswerContract, AnswerEvCertificate, Note, StartJob
from chargepointd.core.events import ContractShown, EvCertificateWanted
from chargepointd.core.evse import Evse
from chargepointd.core.messages import Authorize, Message
from chargepointd.core.outbox import Outbox, Outcome
from chargepointd.core.topic import Hear, Topic
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Token

LONGEST_EMAID = 36
ISO = "ISO15118Ctrlr"


class CheckContract(NamedTuple):
    """A job: is this chain whole, valid, and of a root that is installed? A `ContractChecked`."""

    chain: str


class ContractChecked(NamedTuple):
    wrong: str
    """why nobody may believe it; empty: it is good as far as it goes"""
    rooted: bool
    """it leads to a root that is installed (MORootCertificate, V2GRootCertificate)"""
    hashes: tuple[tuple[str, ...], ...] = ()
    """as in `Authorize`"""


class GetEvCertificate(NamedTuple):
    """The message: what a vehicle asks, passed on."""

    action: str
    schema: str
    exi: str


class EvCertificate(NamedTuple):
    """The answer."""

    status: str
    exi: str


class Contracts(Topic):
    name = "contracts"

    def __init__(self, context: Context, outbox: Outbox, evses: dict[int, Evse], authorization: Authorization) -> None:
        self._context = context
        self._outbox = outbox
        self._evses = evses
        self._authorization = authorization
        self._shown: dict[int, ContractShown] = {}
        """whose chains are being checked, by EVSE"""
        self._wanted: dict[int, EvCertificateWanted] = {}
        """who waits for a certificate"""

    def events(self) -> Mapping[type, Hear]:
        return {ContractShown: self._contract_shown, EvCertificateWanted: self._certificate_wanted}

    def _on(self, name: str) -> bool:
        return self._context.variables.boolean(f"{ISO}.{name}")

    # -- a contract ----------------------------------------------------------------------------------------------------

    def _contract_shown(self, event: ContractShown, step: Step) -> None:
        token = Token(event.emaid.strip(), "eMAID")
        session = self._evses[event.evse_id].session
        if session.authorized and session.token == token:  # the vehicle slept, and shows it again
            step.emit(AnswerContract(event.evse_id, accepted=True))
        elif not self._on("PnCEnabled"):
            self._refuse(event.evse_id, "Plug & Charge is switched off (ISO15118Ctrlr.PnCEnabled)", step)
        elif not 0 < len(token.value) <= LONGEST_EMAID:
            self._refuse(event.evse_id, f"an eMAID of {len(token.value)} characters", step)
        else:
            self._shown[event.evse_id] = event
            step.emit(StartJob(self.name, str(event.evse_id), CheckContract(event.chain)))

    def job_ended(self, job_id: str, outcome: Any, step: Step) -> None:
        shown = self._shown.pop(int(job_id))
        if not isinstance(outcome, ContractChecked):
            self._refuse(shown.evse_id, f"it could not be checked: {outcome.reason}", step)
        elif why := outcome.wrong or self._why_not(outcome):
            self._refuse(shown.evse_id, why, step)
        else:
            chain = "" if outcome.rooted else shown.chain
            offline = outcome.rooted and self._on("ContractValidationOffline")
            asked = Authorize(Token(shown.emaid.strip(), "eMAID"), outcome.hashes, chain)
            self._authorization.contract(asked, shown.evse_id, offline, step)

    def _why_not(self, checked: ContractChecked) -> str:
        if not self._context.online and not self._on("ContractValidationOffline"):  # C07.FR.07
            return "the CSMS cannot be asked, and contracts are not believed offline"
        central = self._context.online and self._on("CentralContractValidationAllowed")
        if not checked.rooted and not central:
            return "its root certificate is not installed"
        return ""

    def _refuse(self, evse_id: int, why: str, step: Step) -> None:
        step.emit(Note("token", evse_id, f"the contract of the vehicle does not count: {why}"))
        step.emit(AnswerContract(evse_id, accepted=False))

    # -- a certificate for the vehicle ---------------------------------------------------------------------------------

    def _certificate_wanted(self, event: EvCertificateWanted, step: Step) -> None:
        """Passed on as it is, and the answer too: only vehicle and provider can read them."""
        if not self._on("ContractCertificateInstallationEnabled"):
            step.emit(AnswerEvCertificate(event.evse_id, ""))
            return

        self._wanted[event.evse_id] = event

        def heard(_: Message, outcome: Outcome, step: Step) -> None:
            if self._wanted.get(event.evse_id) is not event:
                return  # it has asked again, or another has
            del self._wanted[event.evse_id]
            good = isinstance(outcome, EvCertificate) and outcome.status == "Accepted"
            if not good:
                step.emit(Note("vehicle", event.evse_id, "the CSMS has no contract certificate for it"))
            step.emit(AnswerEvCertificate(event.evse_id, outcome.exi if good else ""))  # type: ignore[union-attr]

        self._outbox.say(GetEvCertificate(event.action, event.schema, event.exi), heard, step)
