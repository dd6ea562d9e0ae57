"""Limits of every kind, reservations, clocks, power cuts and versions of OCPP in one world: no car is ever offered more
than each of them allows, no two draw more than the supply bears, nobody charges where another is expected, and each
stretch of the register is told once."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core.charging.composite import Outlet, at_any_time, in_force, of_supply
from chargepointd.core.charging.external import LimitLocally
from chargepointd.core.charging.limits import GRID_V
from chargepointd.core.charging.profile import Period, Profile, Schedule
from chargepointd.core.charging.profiles import ClearChargingProfile, SetChargingProfile
from chargepointd.core.charging.schedules import outlet, use
from chargepointd.core.plan import LimitPlan, SitePlan
from chargepointd.core.reservation import CancelReservation, ReserveNow
from chargepointd.core.values import Measured, Token, TokenInfo
from tests.core.test_histories import check_statuses
from tests.core.test_move import Books, in_one_piece
from tests.core.world import NOON, PLAN

CARDS = ("AAAA1111", "BBBB2222", "CCCC3333")
STATION = PLAN._replace(
    evses=(PLAN.evses[0]._replace(switches_phases=True), PLAN.evses[1]),
    max_current_a=40.0,
    max_power_w=24_000.0,
    limits=(LimitPlan(0, "A", 14.0), LimitPlan(1, "W", 5_000.0)),
    site=SitePlan(50.0, 6.0),
)
SLACK_S = 0.003
"""a step takes its time"""


class Everything(Books):
    def __init__(self, version: str) -> None:
        self.ahead_s = 0.0
        """that the CSMS's clock is"""
        super().__init__(version, {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"}, STATION)
        self.infos["CCCC3333"] = TokenInfo("Accepted", group="FLEET")

    def boot(self) -> None:
        self.limits = dict.fromkeys(self.limits, (0.0, 0.0, 0))
        super().boot()

    @property
    def utc(self) -> float:
        return NOON + self.mono + self.ahead_s

    def check(self) -> None:
        super().check()
        station = self.station
        at = station.context.clock.utc(self.mono)
        profiles = station.profiles.installed
        if not station.context.clock.sure:
            profiles = at_any_time(profiles, {n: use(evse) for n, evse in station.evses.items()}, at)
        drawn_a = drawn_w = 0.0
        for n, evse in station.evses.items():
            amps, _, phases = self.limits[n]
            used = phases or evse.plan.phases
            watts = self._draws_w(n)
            drawn_a, drawn_w = drawn_a + watts / (GRID_V * used), drawn_w + watts
            both = [in_force(profiles, n, outlet(evse.plan), use(evse), t) for t in (at - SLACK_S, at)]
            assert amps <= max(most for most, _, _ in both) + 0.001, (n, amps, both)
            assert amps * GRID_V * used <= max(most for _, most, _ in both) + 0.1, (n, amps, used, both)
            assert amps == 0 or amps >= 6
            if amps and any(r.evse_id == n for r in station.reservations.all):
                raise AssertionError("energy where another is expected")
        both = [of_supply(profiles, Outlet(0, GRID_V, 40.0, 24_000.0), t) for t in (at - SLACK_S, at)]
        assert drawn_a <= max(most for most, _ in both) + 0.001, (drawn_a, both)
        assert drawn_w <= max(most for _, most in both) + 0.1, (drawn_w, both)

    # -- deeds ---------------------------------------------------------------------------------------------------------

    def profile(self, n: int) -> Profile:
        evse = n % 3
        periods = (Period(0, (0, 6, 9, 16, 32)[n % 5], (None, 1)[n % 2]), Period(10 + n, (5, 7, 20)[n % 3]))
        unit = ("A", "W")[n // 5 % 2]
        if unit == "W":
            periods = tuple(p._replace(limit=p.limit * 690) for p in periods)  # type: ignore[assignment]
        purpose = ("TxDefaultProfile", "TxProfile", "ChargingStationMaxProfile")[n // 10 % 3]
        relative = purpose != "ChargingStationMaxProfile" and n // 30 % 2
        starts = None if relative else self.utc - n
        found = Profile(
            n % 9, evse, n % 3, purpose, "Relative" if relative else "Absolute",
            Schedule(unit, periods, (None, 100 + n)[n // 3 % 2], starts),  # type: ignore[arg-type]
        )  # fmt: skip
        if purpose == "ChargingStationMaxProfile":
            return found._replace(evse_id=0)
        transaction = self.station.evses[evse].transaction if evse else None
        return found._replace(transaction_id=transaction.id if transaction and purpose == "TxProfile" else None)

    def clock(self, n: int) -> None:
        """It jumps, and the station hears of it."""
        self.ahead_s = (-4000.0, -30.0, 0.0, 30.0, 4000.0)[n % 5]
        self.after(310)

    def wake_in_1970(self) -> None:
        self.wall = -self.mono
        self.cut()

    def switched(self) -> None:
        if self.limits[1][2]:
            self.switch_phases()


def building(amps: float | None) -> Callable[[Everything], object]:
    def read(w: Everything) -> None:
        own = sum(w._draws_w(n) for n in (1, 2)) / 690
        total = None if amps is None else (amps + own,) * 3
        w.tell(e.SiteRead(total and Measured(w.mono + 0.001, current_a=total)))  # type: ignore[arg-type]

    return read


DEEDS: dict[str, Callable[[Everything, int], object]] = {
    "come": lambda w, n: w.plug(1 + n % 2).present(CARDS[n % 3], 1 + n % 2),
    "card": lambda w, n: w.present(CARDS[n % 3], 1 + n // 3 % 2),
    "card at the shared reader": lambda w, n: w.present(CARDS[n % 3]),
    "plug": lambda w, n: w.plug(1 + n % 2),
    "unplug": lambda w, n: w.unplug(1 + n % 2),
    "start": lambda w, n: w.ask(
        c.RequestStart(Token(CARDS[n % 3]), 1 + n % 2, n, profile=w.profile(10 + n % 10)._replace(transaction_id=None))
    ),
    "hungry": lambda w, n: w.hunger(1 + n % 2, n % 3 > 0),
    "takes": lambda w, n: w.takes_w.update({1 + n % 2: (1_400.0, 4_000.0, 22_000.0)[n % 3]}),
    "wait": lambda w, n: w.after(float(n)),
    "set": lambda w, n: w.ask(SetChargingProfile(w.profile(n))),
    "clear": lambda w, n: w.ask(ClearChargingProfile(n % 9)),
    "limit": lambda w, n: w.ask(
        LimitLocally("set", n % 3, "AW"[n % 2], (0, 8, 5_000, 20)[n % 4], (None, 60)[n // 3 % 2])
    ),  # type: ignore[arg-type]
    "free": lambda w, n: w.ask(LimitLocally("clear", n % 3)),
    "relay": lambda w, n: w.tell(e.ContactMoved(n // 3 % 2, (True, False, None)[n % 3])),
    "building": lambda w, n: building((0.0, 20.0, 45.0, None)[n % 4])(w),
    "phases": lambda w, n: w.switched(),
    "reserve": lambda w, n: w.ask(ReserveNow(n % 4, w.utc + 60 + n, Token(CARDS[n % 3]), None, n % 3)),
    "cancel": lambda w, n: w.ask(CancelReservation(n % 4)),
    "clock": lambda w, n: w.clock(n),
    "1970": lambda w, n: w.wake_in_1970(),
    "cut": lambda w, n: w.cut(),
    "reset and resume": lambda w, n: w.tell(e.ControlAsked(1, c.Reset(False, n % 3, resumes=True))),
    "cut before a commit": lambda w, n: w.cut_in(1 + n % 5, committed=False),
    "offline": lambda w, n: w.offline(),
    "online": lambda w, n: w.online(),
    "other version": lambda w, n: w.switch_to("1.6" if w.version == "2.0.1" else "2.0.1"),
}
deeds = st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, 99)), max_size=40)


def check_books(w: Everything) -> None:
    """Each stretch of each register is told under one name, and none is left out."""
    for start in [record for record in w.records if record.kind == "Started"]:
        [end] = [r for r in w.records if r.kind == "Ended" and r.transaction_id == start.transaction_id]
        mine = [told for name, told in w.books.items() if w._named.get(name, name) == start.transaction_id]
        in_one_piece(mine, start.energy_wh or 0, end.energy_wh or 0)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@given(history=deeds)
@settings(max_examples=60, deadline=None)
def test_no_limit_is_passed_nobody_takes_anothers_place_and_nothing_is_told_twice(
    version: str, history: list[tuple[str, int]]
) -> None:
    w = Everything(version)
    w.tell(e.ContactMoved(0, False))
    w.tell(e.ContactMoved(1, False))
    w.online()
    for deed, n in history:
        DEEDS[deed](w, n)
        check_statuses(w)
    w.cut_in(0, committed=False)
    w.online().after(100).online()  # the last of them was a reset
    for evse in (1, 2):
        w.unplug(evse)
    w.after(400)
    assert not len(w.station.outbox)
    check_books(w)
    assert not [p for p in w.station.profiles.installed if p.purpose == "TxProfile"]
