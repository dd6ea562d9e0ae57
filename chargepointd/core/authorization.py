"""Who may charge (use cases C01 to C15, E03, E07; 1.6 §3.5).

A token is presented at a reader that serves some EVSEs. It first ends what it, or its group, began; otherwise it is for
the EVSE that waits. Whether it is good is decided at once where the list or the cache may, by the CSMS when there is
one, else by what is known here (`core.verdicts`).
"""

from collections.abc import Callable, Sequence

from chargepointd.core.consequences import Cause
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Display, Note
from chargepointd.core.evse import Evse
from chargepointd.core.lobby import Lobby
from chargepointd.core.master_pass import MasterPass
from chargepointd.core.messages import Authorize, AuthorizeAnswered, Message, RecordAnswered, TransactionRecord
from chargepointd.core.outbox import Outbox, Outcome
from chargepointd.core.reservation import Reservations
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Token, TokenInfo
from chargepointd.core.variables.catalogue import AUTOCHARGE
from chargepointd.core.verdicts import Verdicts

NOBODY_ASKED = Token("", "NoAuthorization")
"""a start button, or a station without authorization (C02.FR.01)"""
WRONG_CODES, CODES_REST_S = 5, 60.0
"""so many wrong codes in a row, and none is taken for so long"""


class Attempt(NamedTuple):
    """Somebody wants to charge at one of these EVSEs."""

    token: Token
    evse_ids: tuple[int, ...]
    trigger: str = "Authorized"
    """TriggerReasonEnumType: Authorized, RemoteStart"""
    remote_start_id: int | None = None

    @property
    def remote(self) -> bool:
        return self.trigger == "RemoteStart"


class Authorization:
    def __init__(
        self,
        context: Context,
        outbox: Outbox,
        verdicts: Verdicts,
        evses: dict[int, Evse],
        lobby: Lobby,
        master_pass: MasterPass,
        reservations: Reservations,
    ) -> None:
        self._context = context
        self._outbox = outbox
        self._verdicts = verdicts
        self._evses = evses
        self._lobby = lobby
        self._master_pass = master_pass
        self.reservations = reservations
        self._asking: list[str] = []
        """the keys of the tokens that the CSMS is being asked about; one twice, by a card and from afar"""
        self._wrong_codes = 0
        self._codes_again_at = -NEVER
        self.on_info: Callable[[Token, TokenInfo, Step], None] = lambda token, info, step: None
        """what the CSMS says of a token that is accepted"""
        self.waits: Callable[[Token, Callable[[Step], None], Step], bool] = lambda token, go_on, step: False
        """whether an accepted token is to wait, for its price (`core.tariff`); `go_on` is called then"""
        self.on_verdict: Callable[[bool, Sequence[int], Step], None] = lambda accepted, evse_ids, step: None
        """a token was accepted or refused, to be seen at these EVSEs (`core.lamps`)"""

    # -- a token is presented ------------------------------------------------------------------------------------------

    def presented(self, token: Token, evse_ids: Sequence[int], step: Step) -> None:
        """At a reader that serves these EVSEs."""
        step.emit(Note("token", 0, f"{token.masked} presented"))
        mine = [self._evses[n] for n in evse_ids if n in self._evses]
        for evse in mine:
            if self._began(evse, token):
                self._end(evse, token, step)
                return
        if token.kind == "KeyCode" and step.mono < self._codes_again_at:
            self._refuse(evse_ids, "Wait a minute", step)
            return
        seat = self._lobby.of(token)
        if seat:
            self._end(seat, token, step)
            return
        if token.key in self._asking:
            return  # the same card again while the CSMS is being asked
        if not (any(evse.open_to(token) or _busy(evse) for evse in mine) or self.reservations.asks(mine)):
            self._say_nothing_is_free(mine, step)
            return
        self._check(Attempt(token, tuple(evse.id for evse in mine)), step)

    def _began(self, evse: Evse, token: Token) -> bool:
        known = evse.session.token
        if known is None or known.key != token.key:
            return False
        return evse.session.authorized or evse.session.suspended or evse.session.held

    def _end(self, evse: Evse, token: Token, step: Step) -> None:
        self.on_verdict(True, evse.session.choice if evse.id < 0 else (evse.id,), step)
        evse.deauthorize(Cause("StopAuthorized", "Local", token), step)

    def asks(self, token: Token) -> bool:
        """Whether the CSMS is being asked about it."""
        return token.key in self._asking

    # -- is it good? ---------------------------------------------------------------------------------------------------

    def request(self, token: Token, group: str | None, evse_id: int, remote_start_id: int | None, step: Step) -> None:
        """A remote start: checked like a card only where AuthorizeRemoteStart says so (F01, F02)."""
        checked = self._context.variables.boolean("AuthCtrlr.AuthorizeRemoteStart")
        attempt = Attempt(token, (evse_id,), "RemoteStart", remote_start_id)
        if checked and token.kind not in ("Central", "NoAuthorization"):
            self._check(attempt, step)
        else:
            self._accept(attempt, TokenInfo("Accepted", group=group), step)

    def contract(
        self,
        asked: Authorize,
        evse_id: int,
        offline: bool,
        decided: Callable[[Callable[[Step], None], Step], None],
        step: Step,
    ) -> None:
        """A vehicle has shown its contract, and its chain was checked: the CSMS decides (C07.FR.01), whatever is known
        of it here. offline: without an answer it counts like any token. `decided` is given what is to be done then."""
        token = asked.token

        def heard(_: Message, outcome: Outcome, step: Step) -> None:
            self._asking.remove(token.key)
            if isinstance(outcome, AuthorizeAnswered) and outcome.certificate_status != "Accepted":
                outcome = AuthorizeAnswered(TokenInfo("Invalid", message=outcome.info.message))

            def accept(step: Step) -> None:
                if offline or isinstance(outcome, AuthorizeAnswered):
                    self._decide(Attempt(token, (evse_id,)), self._learned(token, outcome, step), step)

            decided(accept, step)

        if token.key in self._asking:  # at another EVSE, or by a card
            decided(lambda step: None, step)
            return
        self._asking.append(token.key)
        self._outbox.say(asked, heard, step)

    def group_of(self, token: Token, step: Step) -> str | None:
        """As far as the station remembers (H03.FR.07)."""
        known = self._verdicts.known(token, step)
        return known.group if known else None

    def _check(self, attempt: Attempt, step: Step) -> None:
        token = attempt.token
        if token.kind == "NoAuthorization" or not self._context.variables.boolean("AuthCtrlr.Enabled"):
            self._accept(attempt, TokenInfo("Accepted"), step)
            return
        self._verdicts.presented(token, step)
        verdict = self._verdicts.online(token, step) if self._context.online else None
        if verdict:
            self._decide(attempt, verdict, step)
            return

        def heard(_: Message, outcome: Outcome, step: Step) -> None:
            info = self._learned(token, outcome, step)

            def decide(step: Step) -> None:
                self._asking.remove(token.key)
                self._decide(attempt, info, step)

            answered = isinstance(outcome, AuthorizeAnswered) and info.status == "Accepted"
            if not (answered and self.waits(token, decide, step)):
                decide(step)

        self._asking.append(token.key)
        self._outbox.say(Authorize(token), heard, step)

    def _learned(self, token: Token, outcome: Outcome, step: Step) -> TokenInfo:
        if not isinstance(outcome, AuthorizeAnswered):
            return self._verdicts.offline(token, step)
        self._verdicts.learn(token, outcome.info, step)
        return outcome.info

    def _decide(self, attempt: Attempt, info: TokenInfo, step: Step) -> None:
        token = attempt.token
        good = info.status == "Accepted"
        if token.kind == "KeyCode":
            self._code_checked(good, step)
        if good:
            self.on_info(token, info, step)
            self._accept(attempt, info, step)
        else:
            step.emit(Note("token", 0, f"{token.masked} refused: {info.status}"))
            self._refuse(attempt.evse_ids, info.message or "Card not accepted", step)

    def _code_checked(self, good: bool, step: Step) -> None:
        """C04.FR.06: codes cannot be tried one after the other."""
        self._wrong_codes = 0 if good else self._wrong_codes + 1
        if self._wrong_codes >= WRONG_CODES:
            self._wrong_codes = 0
            self._codes_again_at = step.mono + CODES_REST_S

    # -- it is good ----------------------------------------------------------------------------------------------------

    def _accept(self, attempt: Attempt, info: TokenInfo, step: Step) -> None:
        token = attempt.token
        if self._master_pass.names(info):  # C16.FR.03: it starts nothing
            if not attempt.remote:
                self.on_verdict(True, attempt.evse_ids, step)
                self._master_pass.use(token, step)
            return
        mine = [self._evses[n] for n in attempt.evse_ids]
        allowed = [evse for evse in mine if not info.evse_ids or evse.id in info.evse_ids]
        free = [evse for evse in allowed if evse.open_to(token, info.group)]
        if not attempt.remote and not self.reservations.of(token, info.group, free):
            for evse in mine:
                if info.is_of(evse.session.group) and evse.session.authorized:  # C01.FR.03, C09.FR.03
                    self._end(evse, token, step)
                    return
        free = self.reservations.preferred(token, info.group, free)
        here = [evse for evse in free if evse.plugged] or [evse for evse in free if evse.bay and evse.running]
        if here:  # who came last stands at the reader
            last = max(here, key=lambda evse: evse.came_at)
            self._start(last, attempt, info, step)
        elif len(free) == 1:
            self._start(free[0], attempt, info, step)
        elif free:
            self._wait(attempt, info, free, step)
        else:
            self._say_nothing_is_free(mine, step)

    def _wait(self, attempt: Attempt, info: TokenInfo, evses: Sequence[Evse], step: Step) -> None:
        """It is for the first that is plugged in."""
        seat = self._lobby.free()
        if seat is None:
            self._refuse([evse.id for evse in evses], "Not available", step)
            return
        reservation_id = self.reservations.use(attempt.token, info.group, evses, step)
        self._lobby.sit(seat, [evse.id for evse in evses])
        _authorize(seat, attempt, info, reservation_id, step)
        self.on_verdict(True, seat.session.choice, step)
        self._say(0, "Plug in", step)

    def _start(self, evse: Evse, attempt: Attempt, info: TokenInfo, step: Step) -> None:
        step.emit(Note("authorized", evse.id, f"{attempt.token.masked} may charge"))
        reservation_id = self.reservations.use(attempt.token, info.group, [evse], step)
        _authorize(evse, attempt, info, reservation_id, step)
        self.on_verdict(True, (evse.id,), step)
        self._say(evse.id, "Charging" if evse.plugged else "Plug in", step)

    # -- without a card ------------------------------------------------------------------------------------------------

    def identified(self, evse_id: int, mac: str, step: Step) -> None:
        """A car says who it is: that authorizes it, where this is wanted."""
        evse = self._evses[evse_id]
        told = "MacAddress" in self._context.plan.token_kinds
        token = Token(mac, "MacAddress")
        if told and self._context.variables.boolean(AUTOCHARGE) and self._is_new(evse, token):
            self._check(Attempt(token, (evse_id,)), step)

    def follow(self, step: Step) -> None:
        """Where AuthCtrlr.Enabled is false, a car need only be plugged in."""
        if self._context.variables.boolean("AuthCtrlr.Enabled"):
            return
        for evse in self._evses.values():
            if evse.plugged and evse.seen and self._is_new(evse, NOBODY_ASKED):
                self._start(evse, Attempt(NOBODY_ASKED, (evse.id,)), TokenInfo("Accepted"), step)

    def _is_new(self, evse: Evse, token: Token) -> bool:
        """Nobody has been authorized in this visit: who has stopped is not to be started anew."""
        new = evse.session.token is None and not evse.session.ended
        return new and (evse.open_to(token) or (token is not NOBODY_ASKED and self.reservations.asks([evse])))

    # -- the CSMS thinks again -----------------------------------------------------------------------------------------

    def record_answered(self, message: Message, outcome: Outcome, step: Step) -> None:
        """What the answer to a transaction record says of its token (C15, E05)."""
        if not isinstance(message, TransactionRecord) or not isinstance(outcome, RecordAnswered):
            return
        if outcome.info is None and outcome.charging_priority is None:
            return  # as most
        token = message.token or message.starter
        evse = self._with(message.transaction_id)
        if evse and outcome.charging_priority is not None:
            evse.prioritise(outcome.charging_priority, step)
        if outcome.info is None or token is None:
            return
        self._verdicts.learn(token, outcome.info, step)
        if evse is None or not _concerns(evse, token):
            return
        if outcome.info.status == "Accepted" and not self._master_pass.names(outcome.info):
            evse.confirm(outcome.info.group, outcome.info.charging_priority, step)
            return
        step.emit(Note("token", evse.number, f"{token.masked} refused by the CSMS: {outcome.info.status}"))
        evse.refuse(step)

    def _with(self, transaction_id: str) -> Evse | None:
        """Where the transaction is now: who began in the lobby may have moved on."""
        everywhere = [*self._evses.values(), *self._lobby.seats.values()]
        return next((e for e in everywhere if e.transaction and e.transaction.id == transaction_id), None)

    def _say_nothing_is_free(self, evses: Sequence[Evse], step: Step) -> None:
        why = "Reserved" if any(evse.reserved for evse in evses) else "Not available"
        self._refuse([evse.id for evse in evses], why, step)

    def _refuse(self, evse_ids: Sequence[int], text: str, step: Step) -> None:
        self.on_verdict(False, evse_ids, step)
        self._say(0, text, step)

    def _say(self, evse_id: int, text: str, step: Step) -> None:
        step.emit(Display(evse_id, text))


def _authorize(evse: Evse, attempt: Attempt, info: TokenInfo, reservation_id: int | None, step: Step) -> None:
    token, _, trigger, remote_start_id = attempt
    priority = info.charging_priority
    evse.authorize(token, info.group, trigger, remote_start_id, step, reservation_id=reservation_id, priority=priority)


def _busy(evse: Evse) -> bool:
    """Somebody charges there, or his cable is kept: another card of the same group may end it, which only the CSMS may
    know (C09.FR.05), and a master pass."""
    return evse.session.authorized or evse.session.held or evse.running


def _concerns(evse: Evse, token: Token) -> bool:
    """Whether the transaction there still runs, and by this token."""
    known = evse.session.token
    return evse.running and evse.session.authorized and known is not None and known.key == token.key
