"""Plug & Charge: the vehicle's contract is its card (C07), and the vehicle gets one over the station (M01, M02).

The chain that a vehicle shows is checked here, by a job, as far as its root is installed. The CSMS decides, who is
told the hashes of the chain, or the chain itself where the root is not installed and CentralContractValidationAllowed.
Offline it is believed where ContractValidationOffline says so and the station could check it; then its identifier
(eMAID) counts like any token. A contract that may not charge leaves the vehicle to be started by a card.

A contract counts for the vehicle that is plugged in when it is shown, and for the identifier that its certificate is
made out to. At each EVSE one is looked at, and one certificate asked for, at a time: a vehicle that never stops asking
costs no more than one that asks once.

Loaded only where an EVSE has such a device.
"""

from collections.abc import Callable, Mapping
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
LONGEST_CHAIN = 16_384
"""characters of PEM; ISO 15118-2 has 800 bytes a certificate, and four of them"""
LONGEST_TOLD = 5500
"""AuthorizeRequest.certificate"""
LONGEST_EXI = 5600
"""Get15118EVCertificateRequest.exiRequest"""
ISO = "ISO15118Ctrlr"


class CheckContract(NamedTuple):
    """A job: is this chain whole, valid, made out to this eMAID, and of a root that is installed? A
    `ContractChecked`."""

    emaid: str
    chain: str


class ContractChecked(NamedTuple):
    wrong: str
    """why nobody may believe it; empty: it is good as far as it goes"""
    rooted: bool
    """it leads to a root that is installed (MORootCertificate, V2GRootCertificate)"""
    hashes: tuple[tuple[str, ...], ...] = ()
    """as in `Authorize`"""


class Shown(NamedTuple):
    """A contract that is being looked at."""

    event: ContractShown
    token: Token
    came_at: float
    """when its vehicle was plugged in"""


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
        self._shown: dict[int, Shown] = {}
        """by EVSE"""
        self._wanted: dict[int, EvCertificateWanted] = {}
        """who waits for a certificate, by EVSE"""

    def events(self) -> Mapping[type, Hear]:
        return {ContractShown: self._contract_shown, EvCertificateWanted: self._certificate_wanted}

    def _on(self, name: str) -> bool:
        return self._context.variables.boolean(f"{ISO}.{name}")

    # -- a contract ----------------------------------------------------------------------------------------------------

    def _contract_shown(self, event: ContractShown, step: Step) -> None:
        evse = self._evses[event.evse_id]
        token = Token(event.emaid.strip(), "eMAID")
        shown = self._shown.get(event.evse_id)
        if shown and shown.event == event:
            return  # the answer to the first is one to this
        if evse.session.authorized and evse.session.token == token:  # the vehicle slept, and shows it again
            step.emit(AnswerContract(event.evse_id, accepted=True))
        elif why := self._why_not_checked(event, token, evse):
            self._refuse(event.evse_id, why, step)
        else:
            self._shown[event.evse_id] = Shown(event, token, evse.came_at)
            step.emit(StartJob(self.name, str(event.evse_id), CheckContract(token.value, event.chain)))

    def _why_not_checked(self, event: ContractShown, token: Token, evse: Evse) -> str:
        if not self._on("PnCEnabled"):
            return "Plug & Charge is switched off (ISO15118Ctrlr.PnCEnabled)"
        if not 0 < len(token.value) <= LONGEST_EMAID:
            return f"an eMAID of {len(token.value)} characters"
        if len(event.chain) > LONGEST_CHAIN:
            return f"a chain of {len(event.chain)} characters"
        if not evse.plugged:
            return "no vehicle is plugged in"
        return "another is being looked at" if event.evse_id in self._shown else ""

    def job_ended(self, job_id: str, outcome: Any, step: Step) -> None:
        shown = self._shown[int(job_id)]
        evse_id = shown.event.evse_id
        if why := self._why_not(shown, outcome):
            del self._shown[evse_id]
            self._refuse(evse_id, why, step)
            return
        chain = "" if outcome.rooted else shown.event.chain
        offline = outcome.rooted and self._on("ContractValidationOffline")

        def decided(accept: Callable[[Step], None], step: Step) -> None:
            del self._shown[evse_id]
            evse = self._evses[evse_id]
            if not self._still_there(shown):
                self._refuse(evse_id, "its vehicle has left", step)
                return
            accept(step)
            accepted = evse.session.authorized and evse.session.token == shown.token
            step.emit(AnswerContract(evse_id, accepted))

        self._authorization.contract(Authorize(shown.token, outcome.hashes, chain), evse_id, offline, decided, step)

    def _still_there(self, shown: Shown) -> bool:
        evse = self._evses[shown.event.evse_id]
        return bool(evse.plugged) and evse.came_at == shown.came_at

    def _why_not(self, shown: Shown, checked: Any) -> str:
        if not isinstance(checked, ContractChecked):
            return f"it could not be checked: {checked.reason}"
        if checked.wrong:
            return checked.wrong
        if not self._context.online and not self._on("ContractValidationOffline"):  # C07.FR.07
            return "the CSMS cannot be asked, and contracts are not believed offline"
        central = self._context.online and self._on("CentralContractValidationAllowed")
        if not checked.rooted and not central:
            return "its root certificate is not installed"
        if not checked.rooted and len(shown.event.chain) > LONGEST_TOLD:
            return f"its root certificate is not installed, and {len(shown.event.chain)} characters are too many to ask"
        return ""

    def _refuse(self, evse_id: int, why: str, step: Step) -> None:
        step.emit(Note("token", evse_id, f"the contract of the vehicle does not count: {why}"))
        step.emit(AnswerContract(evse_id, accepted=False))

    # -- a certificate for the vehicle ---------------------------------------------------------------------------------

    def _certificate_wanted(self, event: EvCertificateWanted, step: Step) -> None:
        """Passed on as it is, and the answer too: only vehicle and provider can read them."""
        enabled = self._on("ContractCertificateInstallationEnabled")
        if not enabled or not self._context.online or len(event.exi) > LONGEST_EXI:
            step.emit(AnswerEvCertificate(event.evse_id, ""))
            return
        asked = event.evse_id in self._wanted
        self._wanted[event.evse_id] = event
        if not asked:
            self._ask(event, step)

    def _ask(self, event: EvCertificateWanted, step: Step) -> None:
        def heard(_: Message, outcome: Outcome, step: Step) -> None:
            newest = self._wanted[event.evse_id]
            if newest is not event:  # it has asked again, or another has
                self._ask(newest, step)
                return
            del self._wanted[event.evse_id]
            given = outcome if isinstance(outcome, EvCertificate) and outcome.status == "Accepted" else None
            if given is None:
                step.emit(Note("vehicle", event.evse_id, "the CSMS has no contract certificate for it"))
            step.emit(AnswerEvCertificate(event.evse_id, given.exi if given else ""))

        self._outbox.say(GetEvCertificate(event.action, event.schema, event.exi), heard, step)
