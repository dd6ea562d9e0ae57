"""Whatever happens, in whatever order: a reserved EVSE has one driver, a reservation one end, and none is promised that
cannot be kept."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core.plan import ConnectorPlan, EvsePlan
from chargepointd.core.reservation import CancelReservation, ReservationEnded, ReserveNow, matched
from chargepointd.core.values import Token, TokenInfo
from tests.core.deeds import ANY
from tests.core.world import PLAN, World, check_records

TOKENS = ("AAAA1111", "BBBB2222", "MATE3333", "MATE4444")
GROUP = "FLEET"
MATES = TOKENS[2:]
IDS = 5
TYPED = PLAN._replace(
    evses=(EvsePlan(1, (ConnectorPlan(1, lock=True),)), EvsePlan(2, (ConnectorPlan(1, "cType2", fixed_cable=True),)))
)
Deed = tuple[str, int]


class Reserving(World):
    """Its CSMS knows two drivers and two mates of a group; in the bays there may be sensors."""

    def __init__(self, version: str, variables: dict[str, str], senses: bool) -> None:
        evses = tuple(evse._replace(bay_sensor=senses) for evse in TYPED.evses)
        super().__init__(version, variables, plan=TYPED._replace(evses=evses), senses_plugs=senses)
        self.infos |= {mate: TokenInfo("Accepted", group=GROUP) for mate in MATES}

    def reserve(self, n: int) -> None:
        """One of many reservations."""
        token, evse, type_ = TOKENS[n % 4], (0, 1, 2, 0)[n // 4 % 4], (None, None, "cType2")[n // 16 % 3]
        group = GROUP if token in MATES else None
        self.ask(ReserveNow(n % IDS, self.utc + 5 + n, Token(token), group, evse, 0, type_))


DEEDS: dict[str, Callable[[Reserving, int], object]] = {
    **ANY,
    "reserve": lambda w, n: w.reserve(n),
    "reserve another": lambda w, n: w.reserve(n * 7 + 3),
    "cancel": lambda w, n: w.ask(CancelReservation(n % IDS)),
    "card": lambda w, n: w.present(TOKENS[n % 4], 1 + n // 4 % 2),
    "card at the shared reader": lambda w, n: w.present(TOKENS[n % 4]),
    "remote start": lambda w, n: w.ask(c.RequestStart(Token(TOKENS[n % 4]), n // 4 % 3, n)),
}
BREAKING = ("break", "inoperative")
deeds = st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, 200)), max_size=40)


def check_promises(w: World) -> None:
    """Each reservation can still be used: one by name at its EVSE, where nobody else is authorized; to all others an
    EVSE of their own can be given, at which nobody is."""
    reservations = w.station.reservations.all
    evses = w.station.evses
    assert len({r.id for r in reservations}) == len(reservations)
    named = [r for r in reservations if r.evse_id]
    assert len({r.evse_id for r in named}) == len(named), "one EVSE, two drivers"
    for r in named:
        assert not evses[r.evse_id].session.authorized, "a stranger at a reserved EVSE"
        assert evses[r.evse_id].reserved
    left = {n for n, e in evses.items() if n not in {r.evse_id for r in named} and not e.session.authorized}
    wishes = [{n for n in left if fits(w, r, n)} for r in reservations if not r.evse_id]
    assert matched(wishes, left) == len(wishes), "a promise that cannot be kept"
    for r in reservations:
        assert r.expires_at > w.station.context.clock.utc(w.mono), "it is over"


def removals(w: World) -> int:
    return sum(note.endswith(": removed") for note in w.notes)


def fits(w: World, r: ReserveNow, evse_id: int) -> bool:
    evse = w.station.evses[evse_id]
    able = evse.operative and not evse.stopping_faults and evse.connectors_operative[1]
    return able and r.connector_type in (None, evse.plan.connectors[0].type)


def check_statuses(w: World) -> None:
    """What is Reserved is refused to a stranger, and open to whom it is for."""
    stranger = Token("STRANGER")
    for evse in w.station.evses.values():
        if evse.reserved:
            assert not evse.open_to(stranger)
            waiting = any(seat.session.authorized for seat in w.station.lobby.seats.values())
            mine = [r for r in w.station.reservations.all if r.evse_id in (0, evse.id) and fits(w, r, evse.id)]
            able = evse.transaction is None and not evse.resetting and not w.station.context.restarting
            able = able and not waiting  # who has an EVSE coming to him from the lobby uses his other one by his card
            assert not able or any(evse.open_to(r.token, r.group) for r in mine)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@given(history=deeds, point=st.sampled_from(["EVConnected", "Authorized", "PowerPathClosed"]), senses=st.booleans())
@settings(max_examples=200)
def test_any_history_keeps_what_was_promised(version: str, history: list[Deed], point: str, senses: bool) -> None:
    w = Reserving(version, {"TxCtrlr.TxStartPoint": point, "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"}, senses)
    w.online()
    for deed, n in history:
        removed = removals(w)
        DEEDS[deed](w, n)
        assert deed in BREAKING or removals(w) == removed, "removed, and nothing was broken"
        check_promises(w)
        check_statuses(w)
        check_records(w.records)


QUIET = ("reserve", "reserve another", "cancel", "card", "plug", "unplug", "break", "mend", "wait", "inoperative",
         "operative", "cut")  # fmt: skip
quiet = st.lists(st.tuples(st.sampled_from(QUIET), st.integers(0, 200)), max_size=30)


@given(history=quiet)
@settings(max_examples=200)
def test_each_reservation_ends_once(history: list[Deed]) -> None:
    """Used, told as expired or removed, cancelled or replaced: one of them, and once."""
    w = Reserving("2.0.1", {}, senses=False).online()  # type: ignore[assignment]
    made: dict[int, int] = {}
    gone: dict[int, int] = {}
    for deed, n in [*history, ("wait", 3000)]:
        if deed in ("reserve", "reserve another"):
            id_ = (n if deed == "reserve" else n * 7 + 3) % IDS
            before = {r.id: r for r in w.station.reservations.all}
            DEEDS[deed](w, n)
            after = {r.id: r for r in w.station.reservations.all}
            if after.get(id_) != before.get(id_):
                made[id_] = made.get(id_, 0) + 1
                gone[id_] = gone.get(id_, 0) + (id_ in before)
        elif deed == "cancel":
            gone[n % IDS] = gone.get(n % IDS, 0) + (w.ask(CancelReservation(n % IDS)).status == "Accepted")
        else:
            DEEDS[deed](w, n)
        if not w.linked:
            w.online()
    assert not w.station.reservations.all
    for end in w.told(ReservationEnded):
        gone[end.id] = gone.get(end.id, 0) + 1
    for note in w.notes:
        id_, _, how = note.partition(": ")
        if how == "used":
            gone[int(id_)] = gone.get(int(id_), 0) + 1
    assert {n: gone.get(n, 0) for n in made} == made
