"""What the station knows of a customer: told to the CSMS, and forgotten, on request (N09, N10).

A customer is meant by a token; by a *customer identifier*, which is the group that the CSMS gave tokens (groupIdToken:
the contract behind several cards); or by a certificate, of which this station keeps nothing.

Known are: the entries in the authorization cache and in the local list, reservations, the visit and transaction that go
on, and the records that wait for the CSMS. The cache can be cleared, and the token in records that were set aside; a
reservation, a visit that goes on and what has not been billed yet cannot, and go by themselves when they are over and
delivered; the local list is the CSMS's own, and stays (N10.FR.03). Flight recorder and logs hold masked tokens only.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from chargepointd.core.commands import Status
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import ForgetToken, LoadRecords, Note
from chargepointd.core.events import RecordsLoaded
from chargepointd.core.evse import Evse
from chargepointd.core.local_list import LocalList
from chargepointd.core.messages import Message
from chargepointd.core.outbox import Outbox, Outcome
from chargepointd.core.records import Entry
from chargepointd.core.reservation import Reservations
from chargepointd.core.token_store import Remembered, TokenStore
from chargepointd.core.topic import Answer, Obey, Topic
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Token, TokenInfo

PART = 512
"""characters of data in a message"""
CLEARED = "cleared"
PAGE = 128
"""records that are read at once"""
WAITING_MAX = 100
"""messages that wait for the CSMS: with more of them no further request is obeyed"""


class GiveCustomerInformation(NamedTuple):
    request_id: int
    report: bool
    clear: bool
    token: Token | None = None
    identifier: str | None = None
    certificate: bool = False
    """by a certificate's hash"""


class CustomerData(NamedTuple):
    """A part of the answer (NotifyCustomerInformation)."""

    request_id: int
    seq_no: int
    data: str
    """empty: nothing is known"""
    to_be_continued: bool
    at: float


class Search(NamedTuple):
    """A report that is made."""

    command: GiveCustomerInformation
    cached: frozenset[str]
    """keys of the tokens that the customer had in the cache"""
    known: list[str]
    """so far"""


class Customers(Topic):
    name = "customer"

    def __init__(
        self,
        context: Context,
        outbox: Outbox,
        tokens: TokenStore,
        listed: LocalList,
        reservations: Reservations,
        evses: Mapping[int, Evse],
    ) -> None:
        self._context = context
        self._outbox = outbox
        self._tokens = tokens
        self._listed = listed
        self._reservations = reservations
        self._evses = evses
        self._searches: dict[int, Search] = {}
        """reports that wait for the disk, by ticket"""
        self._ticket = 0
        self._waiting = 0
        """messages that the CSMS has not answered"""
        self.on_clear: Callable[[str], None] = lambda key: None
        """somebody else who knows something of a token is to forget it"""

    def commands(self) -> Mapping[type, Obey]:
        return {GiveCustomerInformation: self._give}

    def _give(self, command: GiveCustomerInformation, step: Step, answer: Answer) -> None:
        meant = (command.token is not None, command.identifier is not None, command.certificate)
        if sum(meant) != 1:
            answer(Status("Invalid", "name one of idToken, customerIdentifier and customerCertificate"), step)
        elif not (command.report or command.clear):
            answer(Status("Rejected", "neither a report nor clearing is asked for"), step)
        elif self._waiting + len(self._searches) >= WAITING_MAX:
            answer(Status("Rejected", "the answers to earlier requests were not taken yet"), step)
        else:
            answer(Status("Accepted"), step)
            self._obey(command, step)

    def _obey(self, command: GiveCustomerInformation, step: Step) -> None:
        cached = dict(self._tokens.known(lambda key, entry: _is_meant(command, key, entry.info.group)))
        known = list(self._known(command, cached)) if command.report else [CLEARED]
        if command.clear:
            self._clear(command, cached, step)
        if command.report and self._outbox.records.behind:
            self._ticket += 1
            self._searches[self._ticket] = Search(command, frozenset(cached), known)
            step.emit(LoadRecords(self.name, self._ticket, self._outbox.records.read_to, PAGE))
        else:
            self._tell(command.request_id, "\n".join(known), step)

    def records_loaded(self, event: RecordsLoaded, step: Step) -> None:
        """A page of the records that only the disk has."""
        search = self._searches[event.ticket]
        search.known.extend(_records_of(search.command, search.cached, event.entries))
        if not event.complete:
            step.emit(LoadRecords(self.name, event.ticket, event.entries[-1].id, PAGE))
            return
        del self._searches[event.ticket]
        self._tell(search.command.request_id, "\n".join(search.known), step)

    def _clear(self, command: GiveCustomerInformation, cached: Iterable[str], step: Step) -> None:
        for key in cached:
            self._tokens.forget(key, step)
        for key in {*cached, *([command.token.key] if command.token else [])}:
            step.emit(ForgetToken(key))
            self.on_clear(key)
        step.emit(Note("customer", 0, "the data of a customer were cleared"))

    # -- what is known -------------------------------------------------------------------------------------------------

    def _known(self, command: GiveCustomerInformation, cached: Mapping[str, Remembered]) -> Iterator[str]:
        for key, entry in cached.items():
            value = key.removeprefix(f"{entry.kind}:")
            yield f"authorization cache: {entry.kind} {value}: {_about(entry.info)}, of {_text(entry.stored_at)}"
        for key, info in self._listed.all():
            if _is_meant(command, key, info.group):
                kept = "; only the CSMS itself changes it" if command.clear else ""
                yield f"local authorization list: {key}: {_about(info)}{kept}"
        for evse in self._evses.values():
            session, transaction = evse.session, evse.transaction
            if session.token and _is_meant(command, session.token.key, session.group):
                where = f"EVSE {evse.id}" if evse.id > 0 else "no EVSE yet"
                charged = f", transaction {transaction.id} since {_text(transaction.started_at)}" if transaction else ""
                yield f"visit: {session.token.kind} {session.token.value} at {where}{charged}"
        for each in self._reservations.all:
            if _is_meant(command, each.token.key, each.group):
                yield f"reservation: {each.id} for {each.token.kind} {each.token.value} until {_text(each.expires_at)}"
        yield from _records_of(command, cached, self._outbox.records)

    # -- what the CSMS hears -------------------------------------------------------------------------------------------

    def _tell(self, request_id: int, data: str, step: Step) -> None:
        parts = [data[at : at + PART] for at in range(0, len(data), PART)] or [""]
        for number, part in enumerate(parts):
            self._say(CustomerData(request_id, number, part, number < len(parts) - 1, step.utc))

    def _say(self, message: CustomerData) -> None:
        self._waiting += 1
        self._outbox.keep(self.name, self._context.new_id(), lambda: message, self._heard)

    def _heard(self, message: Message, outcome: Outcome, step: Step) -> None:
        self._waiting -= 1


def _records_of(command: GiveCustomerInformation, cached: Container[str], entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        record = entry.record
        token = record.token or record.starter
        if token and (_is_meant(command, token.key, None) or token.key in cached):
            which = f"{record.kind} no. {record.seq_no} of transaction {record.transaction_id}"
            yield f"waits for the CSMS: {which}, {_text(record.stamp.at)}"


def _is_meant(command: GiveCustomerInformation, key: str, group: str | None) -> bool:
    if command.token is not None:
        return key == command.token.key
    return command.identifier is not None and (group or "").upper() == command.identifier.upper() != ""


def _about(info: TokenInfo) -> str:
    more = [f"expires {_text(info.expires_at)}"] if info.expires_at is not None else []
    more += [f"group {info.group}"] if info.group else []
    more += [f"language {info.language}"] if info.language else []
    more += [f"message {info.message}"] if info.message else []
    return ", ".join([info.status, *more])


def _text(at: float | None) -> str:
    return "unknown" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
