"""Reservations: an EVSE is kept for a driver until he comes (H01 to H04; 1.6 §3.8, §5.3, §5.13).

A reservation names an EVSE, perhaps one connector of it; or none: then of the EVSEs that fit, so many are kept free as
there are such reservations. Which ones is a matching of reservations to EVSEs:

    free   nobody is there, neither car nor driver; or a stranger's car has come since the EVSE is kept
    kept   reserved by name; or free, and without it not each reservation could have an EVSE of its own

A stranger's cable at a kept EVSE changes nothing (G01.FR.09), while a car that stood there before is why another is
kept: so what is kept survives a restart beside the reservations. Who waits in the lobby will need an EVSE too, and
counts where it is asked who may begin; no connector is shown as Reserved for him.

A reservation ends once: it is used as soon as its driver is authorized where it holds (H03.FR.09), cancelled, replaced,
expired, or removed, when a fault or a command takes away what it needs (H01.FR.16, .17). Of the last two the CSMS hears
for certain, be it after a restart.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from chargepointd.core.commands import Status
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Display, Note, SaveState
from chargepointd.core.evse import Evse
from chargepointd.core.messages import Message
from chargepointd.core.outbox import Outbox, Outcome
from chargepointd.core.session import Session
from chargepointd.core.topic import Answer, Obey, Topic
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Token, TokenInfo

MOST = 100
"""so many at a time, with those whose end the CSMS has not heard of yet"""


class ReserveNow(NamedTuple):
    """The command, and the reservation that it makes."""

    id: int
    expires_at: float
    """UTC, s since 1970"""
    token: Token
    group: str | None = None
    """whoever belongs to it may come as well"""
    evse_id: int = 0
    """0: any that fits"""
    connector_id: int = 0
    """of that EVSE; 0: any"""
    connector_type: str | None = None
    """ConnectorEnumType; None: any"""

    def is_for(self, token: Token, group: str | None) -> bool:
        return token.key == self.token.key or TokenInfo("", group=self.group).is_of(group)


class CancelReservation(NamedTuple):
    id: int


class ReservationEnded(NamedTuple):
    """Without its driver, and without having been cancelled. 1.6 has no word for it."""

    id: int
    status: str
    """ReservationUpdateStatusEnumType: Expired, Removed"""


class Reservations(Topic):
    name = "reservations"

    def __init__(
        self,
        context: Context,
        outbox: Outbox,
        evses: Mapping[int, Evse],
        seats: Mapping[int, Evse],
        saved: Any = None,
    ) -> None:
        """`seats`: the lobby."""
        saved = saved or {"reservations": [], "kept": [], "untold": {}}
        self._context = context
        self._outbox = outbox
        self._evses = evses
        self._seats = seats
        self._reservations = [ReserveNow(*row)._replace(token=Token(*row[2])) for row in saved["reservations"]]
        """oldest first"""
        self._kept: set[int] = set(saved["kept"])
        """the EVSEs that were kept when it was looked last"""
        self._untold: dict[str, tuple[int, str]] = {key: tuple(end) for key, end in saved["untold"].items()}
        """message id -> id and status of reservations of whose end the CSMS has not heard"""
        self._changed = False
        """something is to be saved"""
        self._looked_at = -1
        """`context.settled` when it was looked last"""
        context.admits = self._admits

    def commands(self) -> Mapping[type, Obey]:
        return {ReserveNow: self._reserve, CancelReservation: self._cancel}

    def power_up(self, step: Step) -> None:
        for message_id, end in self._untold.items():
            self._tell(message_id, ReservationEnded(*end))

    # -- the CSMS asks -------------------------------------------------------------------------------------------------

    def _reserve(self, command: ReserveNow, step: Step, answer: Answer) -> None:
        """H01. A known id replaces that reservation, if the new one can be (H01.FR.02)."""
        others = [each for each in self._reservations if each.id != command.id]
        status = self._refusal(command, others, step) or self._room_for(command, others)
        answer(status, step)
        if status.status == "Accepted":
            self._reservations = [*others, command]
            self._changed = True
            step.emit(Note("reservation", command.evse_id, f"{command.id}: kept for {command.token.masked}"))

    def _refusal(self, command: ReserveNow, others: Sequence[ReserveNow], step: Step) -> Status | None:
        """What is wrong with it, however free the station is."""
        variables = self._context.variables
        if not (variables.boolean("ReservationCtrlr.Available") and variables.boolean("ReservationCtrlr.Enabled")):
            return Status("Rejected", "reservations are switched off")
        if command.expires_at <= step.utc:
            return Status("Rejected", "it would be over already")
        if command.token.kind == "NoAuthorization" or not command.token.value:
            return Status("Rejected", "nobody can be told from others by this token")
        if not any(self._connectors(command, evse) for evse in self._evses.values()):
            return Status("Rejected", "there is no such EVSE, or none with such a connector")
        if not command.evse_id and not variables.boolean("ReservationCtrlr.NonEvseSpecific"):
            return Status("Rejected", "name an EVSE")
        if len(others) + len(self._untold) >= MOST:
            return Status("Rejected", f"there are {MOST} reservations already")
        return None

    def _room_for(self, command: ReserveNow, others: Sequence[ReserveNow]) -> Status:
        """Accepted, or why no EVSE can be kept: Occupied, Unavailable, Faulted (H01.FR.11 to .14)."""
        free, wishes = self._free(others), self._wishes(others)
        given = matched(wishes, free)
        if command.evse_id:
            evse = self._evses[command.evse_id]
            possible = self._able(command, evse) and not evse.resetting and evse.id in free
            accepted = possible and matched(wishes, free - {evse.id}) == given
        else:
            accepted = matched([*wishes, self._wish(command)], free) > given
        if accepted:
            return Status("Accepted")
        words = [self._in_the_way(command, evse) for evse in self._evses.values() if self._connectors(command, evse)]
        return Status(next(word for word in ("Occupied", "Unavailable", "Faulted") if word in words))

    def _in_the_way(self, command: ReserveNow, evse: Evse) -> str:
        if evse.stopping_faults:
            return "Faulted"
        return "Occupied" if self._able(command, evse) and not evse.resetting else "Unavailable"

    def _cancel(self, command: CancelReservation, step: Step, answer: Answer) -> None:
        """H02"""
        known = next((each for each in self._reservations if each.id == command.id), None)
        answer(Status("Accepted") if known else Status("Rejected", "no such reservation"), step)
        if known:
            self._end(known, "cancelled", step)

    # -- who may begin -------------------------------------------------------------------------------------------------

    def _admits(self, evse_id: int, token: Token, group: str | None) -> bool:
        """Whether the reservations leave this EVSE to this token, if it is of this group."""
        evse = self._evses.get(evse_id)
        if evse is None or not self._reservations:
            return True
        named = next((each for each in self._reservations if each.evse_id == evse_id), None)
        if named:
            return named.is_for(token, group)
        free = self._free(self._reservations)
        if evse_id not in free:
            return True
        waits = any(seat.session.token and seat.session.token.key == token.key for seat in self._waiting())
        his = None if waits else self.of(token, group, [evse])  # in the lobby, he has used it already
        wishes = self._wishes([each for each in self._reservations if each is not his], but=token)
        return matched(wishes, free - {evse_id}) == matched(wishes, free)

    def of(self, token: Token, group: str | None, evses: Sequence[Evse]) -> ReserveNow | None:
        """The reservation that would be used by whoever is authorized at one of these EVSEs: rather his own than one of
        his group, rather one for the place than for any."""
        mine = [r for r in self._reservations if r.is_for(token, group) and any(self._able(r, e) for e in evses)]

        def rank(r: ReserveNow) -> tuple[bool, bool, bool, float]:
            return r.token.key != token.key, not r.evse_id, not r.connector_type, r.expires_at

        return min(mine, key=rank, default=None)

    def preferred(self, token: Token, group: str | None, evses: Sequence[Evse]) -> list[Evse]:
        """Those of the EVSEs that his reservation is for; all, where he has none."""
        his = self.of(token, group, evses)
        return [evse for evse in evses if his is None or self._able(his, evse)]

    def asks(self, evses: Sequence[Evse]) -> bool:
        """A group is expected at one of these, and only the CSMS may know who belongs to it (H03.FR.08)."""
        groups = {r.evse_id for r in self._reservations if r.group}
        return 0 in groups or any(evse.id in groups for evse in evses)

    def use(self, token: Token, group: str | None, evses: Sequence[Evse], step: Step) -> int | None:
        """He is authorized at one of these EVSEs (H03.FR.09). The id of the reservation that is over by it."""
        his = self.of(token, group, evses)
        if his is None:
            return None
        self._end(his, "used", step)
        return his.id

    def arrived(self, evse: Evse, session: Session, step: Step) -> Session:
        """He comes from the lobby: if this very EVSE has been reserved for him meanwhile, that is used by it."""
        named = next((each for each in self._reservations if each.evse_id == evse.id), None)
        if named is None:
            return session
        self._end(named, "used", step)
        return session if session.reservation_id is not None else session._replace(reservation_id=named.id)

    # -- what is free --------------------------------------------------------------------------------------------------

    def _connectors(self, reservation: ReserveNow, evse: Evse) -> frozenset[int]:
        """Those that it is for, in service or not."""
        wanted, kind = reservation.connector_id, reservation.connector_type
        if reservation.evse_id not in (0, evse.id):
            return frozenset()
        return frozenset(c.id for c in evse.plan.connectors if wanted in (0, c.id) and kind in (None, c.type))

    def _able(self, reservation: ReserveNow, evse: Evse) -> frozenset[int]:
        """The connectors at which it could be used, if nobody were there. An EVSE that is being reset will be back."""
        if evse.stopping_faults or not evse.operative:
            return frozenset()
        return frozenset(n for n in self._connectors(reservation, evse) if evse.connectors_operative[n])

    def _free(self, reservations: Iterable[ReserveNow]) -> set[int]:
        """The EVSEs that are free, and not reserved by name."""
        named = {each.evse_id for each in reservations}
        free = [evse for evse in self._evses.values() if evse.id not in named and not _in_use(evse)]
        return {evse.id for evse in free if _empty(evse) or evse.id in self._kept}

    def _wish(self, reservation: ReserveNow) -> frozenset[int]:
        return frozenset(evse.id for evse in self._evses.values() if self._able(reservation, evse))

    def _wishes(self, reservations: Iterable[ReserveNow], *, but: Token | None = None) -> list[frozenset[int]]:
        """The EVSEs that would do, for each that is due one: for reservations that name none, and in the lobby; but not
        for the owner of this token."""
        lobby = [seat.session for seat in self._waiting()]
        seats = [s.choice for s in lobby if but is None or s.token is None or s.token.key != but.key]
        return [self._wish(each) for each in reservations if not each.evse_id] + [frozenset(choice) for choice in seats]

    def _waiting(self) -> list[Evse]:
        return [seat for seat in self._seats.values() if seat.session.authorized]

    # -- what follows --------------------------------------------------------------------------------------------------

    def settle(self, step: Step) -> None:
        """After each event, before the statuses are told: what has ended, and what is kept."""
        due = step.mono >= self.deadline()
        if not (self._changed or due or (self._reservations and self._looked_at != self._context.settled)):
            return
        self._expire(step)
        self._remove_impossible(step)
        kept = self._needed() | {each.evse_id for each in self._reservations if each.evse_id}
        self._changed = self._changed or kept != self._kept
        self._kept = kept
        for evse in self._evses.values():
            self._show(evse, step)
        self._looked_at = self._context.settled
        if self._changed:
            self._changed = False
            saved = {"reservations": list(self._reservations), "kept": sorted(kept), "untold": dict(self._untold)}
            step.emit(SaveState(self.name, saved if self._reservations or self._untold else None))

    def _expire(self, step: Step) -> None:
        """H04"""
        for each in [r for r in self._reservations if step.mono >= self._moment(r.expires_at)]:
            self._end(each, "Expired", step)

    def _moment(self, at: float) -> float:
        """A moment of UTC on the monotonic clock."""
        return at - self._context.clock.utc(0.0)

    def deadline(self) -> float:
        return self._moment(min([each.expires_at for each in self._reservations])) if self._reservations else NEVER

    def _remove_impossible(self, step: Step) -> None:
        """What it needs is broken or out of service, or is no part of the station any more. Where some can still be
        given an EVSE, the oldest are."""
        for each in [r for r in self._reservations if r.evse_id]:
            evse = self._evses.get(each.evse_id)
            if evse is None or not self._able(each, evse):
                self._end(each, "Removed", step)
        free, possible = self._free(self._reservations), list[frozenset[int]]()
        for each in [r for r in self._reservations if not r.evse_id]:
            wish = self._wish(each)
            if matched([*possible, wish], free) > len(possible):
                possible.append(wish)
            else:
                self._end(each, "Removed", step)

    def _needed(self) -> set[int]:
        """What is kept for reservations that name no EVSE (H01.FR.07, .09): rather an empty EVSE than one where a
        stranger's car is, and rather that than one whose pilot has not spoken yet, after a restart."""
        wishes = [self._wish(each) for each in self._reservations if not each.evse_id]
        if not wishes:
            return set()
        free = self._free(self._reservations)
        empty = {n for n in free if self._evses[n].seen and _empty(self._evses[n])}
        needed, before = set[int](), set[int]()
        for these in (empty, empty | (free & self._kept), free):
            needed |= {n for n in these - before if matched(wishes, these - {n}) < matched(wishes, these)}
            before = these
        return needed

    def _show(self, evse: Evse, step: Step) -> None:
        """H01.FR.20, .23, .24: the connectors that may be used are Reserved; the others of the EVSE are Unavailable."""
        named = [each for each in self._reservations if each.evse_id == evse.id]
        those = named or [each for each in self._reservations if not each.evse_id]
        reserved = frozenset[int]().union(*[self._able(each, evse) for each in those])
        reserved = reserved if evse.id in self._kept else frozenset()
        if reserved == evse.reserved:
            return
        before, evse.reserved = evse.reserved, reserved
        self._context.settled = evse.settled = self._context.settled + 1
        if reserved and not before:
            step.emit(Display(evse.id, "Reserved"))
        elif not reserved and _empty(evse) and not _in_use(evse):
            step.emit(Display(evse.id, "Available"))

    def _end(self, reservation: ReserveNow, how: str, step: Step) -> None:
        self._reservations.remove(reservation)
        self._changed = True
        step.emit(Note("reservation", reservation.evse_id, f"{reservation.id}: {how.lower()}"))
        if how in ("Expired", "Removed"):
            message_id = self._context.new_id()
            self._untold[message_id] = (reservation.id, how)
            self._tell(message_id, ReservationEnded(reservation.id, how))

    def _tell(self, message_id: str, ended: ReservationEnded) -> None:
        def heard(_: Message, outcome: Outcome, step: Step) -> None:
            self._untold.pop(message_id, None)
            self._changed = True

        self._outbox.keep(self.name, message_id, lambda: ended, heard)

    # -- for people ----------------------------------------------------------------------------------------------------

    @property
    def all(self) -> Sequence[ReserveNow]:
        return self._reservations

    def show(self) -> list[dict[str, Any]]:
        """Tokens masked; what a reservation does not say left out."""
        shown = [
            {
                "id": each.id,
                "evse": each.evse_id,
                "connector": each.connector_id,
                "connector_type": each.connector_type,
                "token": each.token.masked,
                "group": Token(each.group or "").masked if each.group else "",
                "expires_at": each.expires_at,
            }
            for each in self._reservations
        ]
        return [{name: value for name, value in row.items() if value} for row in shown]

    def reserved_by(self, evse: Evse) -> str:
        """For whom this EVSE is kept; empty: for nobody."""
        kept = [each for each in self._reservations if evse.reserved and each.evse_id in (0, evse.id)]
        kept = [each for each in kept if each.evse_id] or [each for each in kept if self._able(each, evse)]
        return ", ".join(each.token.masked for each in kept)


def _in_use(evse: Evse) -> bool:
    """By somebody who has, or had, the right to be there; or out of service."""
    session = evse.session
    taken = session.authorized or session.suspended or session.held
    return bool(taken or evse.stopping_faults or not evse.operative)


def _empty(evse: Evse) -> bool:
    """Neither a car is there, nor a cable, nor a transaction that waits for its last reading."""
    return not (evse.plugged or evse.bay or evse.transaction or any(evse.plugs.values()))


def matched(wishes: Sequence[Collection[int]], free: Collection[int]) -> int:
    """How many wishes can be fulfilled at the same time, each by one of the free EVSEs that would do (Kuhn)."""
    given: dict[int, int] = {}

    def fulfil(wish: int, tried: set[int]) -> bool:
        for evse in wishes[wish]:
            if evse in free and evse not in tried:
                tried.add(evse)
                if evse not in given or fulfil(given[evse], tried):
                    given[evse] = wish
                    return True
        return False

    return sum(fulfil(wish, set()) for wish in range(len(wishes)))
