"""What charging profiles come to: told examples, and any profiles against a reference that samples every instant."""

from collections.abc import Sequence
from itertools import pairwise
from math import inf, isclose
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargepointd.core.charging.composite import UNBOUND, Outlet, Span, Use, next_change, of_evse, of_station, whole
from chargepointd.core.charging.profile import Period, Profile, Purpose, Schedule, Unit
from tests.core.charging import reference

NOW = 1_764_000_000.0
DAY = 86_400
AC = Outlet(3, 230.0, 32.0, 22_080.0)
EITHER = AC._replace(switches=True)
ONE = Outlet(1, 230.0, 32.0, 7_360.0)
DC = Outlet(0, 400.0, 200.0, 60_000.0)
IDLE = Use()


def profile(
    *periods: tuple[int, float] | Period,
    level: int = 0,
    purpose: Purpose = "TxDefaultProfile",
    evse_id: int = 0,
    unit: Unit = "A",
    duration: int | None = None,
    starts_at: float | None = NOW,
    **more: Any,
) -> Profile:
    kind = more.pop("kind", "Absolute" if starts_at is not None else "Relative")
    schedule = Schedule(unit, tuple(Period(*period) for period in periods), duration, starts_at)
    return Profile(more.pop("id", level + 1), evse_id, level, purpose, kind, schedule, **more)


def told(
    profiles: Sequence[Profile], at: float = NOW, duration_s: float = 400, **more: Any
) -> list[tuple[float, float]]:
    outlet, use, unit = more.get("outlet", AC), more.get("use", IDLE), more.get("unit", "A")
    return [(s.start_s, s.limit) for s in of_evse(profiles, 1, outlet, use, at, duration_s, unit)]


# -- as the certification cases tell it ------------------------------------------------------------------------------


def test_without_profiles_the_outlet_alone_limits() -> None:
    assert told([]) == [(0, 32.0)]
    assert told([], unit="W") == [(0, 22_080.0)]
    assert told([], outlet=DC) == [(0, 150.0)]  # 60 kW at 400 V
    assert told([], outlet=DC._replace(max_power_w=100_000.0), unit="W") == [(0, 80_000.0)]


def test_a_lower_level_shows_through_when_the_higher_has_run_out() -> None:
    lower = profile((0, 6), (100, 8), (200, 10), duration=400)
    higher = profile((0, 7), (100, 9), duration=150, level=1)
    assert told([lower, higher], duration_s=350) == [(0, 7), (100, 9), (150, 8), (200, 10)]
    assert told([lower, higher], NOW + 30, 350) == [(0, 7), (70, 9), (120, 8), (170, 10)]


def test_the_lowest_of_all_purposes_counts_and_the_transaction_profile_goes_before_the_default() -> None:
    profiles = [
        profile((0, 10), duration=DAY, purpose="ChargingStationMaxProfile"),
        profile((0, 6), (60, 10), (120, 8), (180, 15), (260, 8), duration=300, level=5),
        profile(
            *((0, 8), (50, 11), (140, 16), (200, 6), (240, 12)),
            duration=260,
            purpose="TxProfile",
            evse_id=1,
            transaction_id="tx",
        ),
    ]
    assert told(profiles, use=Use("tx", NOW)) == [(0, 8), (50, 10), (200, 6), (240, 10), (260, 8), (300, 10)]
    assert told(profiles, use=Use("another", NOW)) == [(0, 6), (60, 10), (120, 8), (180, 10), (260, 8), (300, 10)]


def test_a_profile_counts_from_valid_from_on() -> None:
    assert told([profile((0, 6), starts_at=None, valid_from=NOW + 300)]) == [(0, 32), (300, 6)]


def test_a_profile_counts_before_valid_to() -> None:
    assert told([profile((0, 6), valid_to=NOW + 300)]) == [(0, 6), (300, 32)]


def test_a_schedule_that_has_not_begun_limits_nothing() -> None:
    assert told([profile((0, 6), starts_at=NOW + 60)], duration_s=300) == [(0, 32), (60, 6)]


# -- recurrence ------------------------------------------------------------------------------------------------------


def test_a_daily_schedule_shorter_than_a_day_leaves_the_rest_to_the_level_below() -> None:
    nightly = profile((0, 6), (60, 8), duration=3600, kind="Recurring", recurrency="Daily", level=1)
    below = profile((0, 16))
    hours = [(0, 6), (60, 8), (3600, 16), (DAY, 6), (DAY + 60, 8), (DAY + 3600, 16)]
    assert told([nightly, below], duration_s=2 * DAY) == hours
    later = [(0, 16), (DAY - 5000, 6), (DAY - 4940, 8), (DAY - 1400, 16)]
    assert told([nightly, below], NOW + 700 * DAY + 5000, DAY) == later


def test_periods_beyond_the_recurrence_are_not_run() -> None:
    daily = profile((0, 6), (DAY - 10, 8), (DAY + 10, 10), kind="Recurring", recurrency="Daily")
    assert told([daily], NOW + DAY - 100, 200) == [(0, 6), (90, 8), (100, 6)]


def test_a_weekly_schedule_begins_again_after_seven_days() -> None:
    weekly = profile((0, 6), duration=DAY, kind="Recurring", recurrency="Weekly")
    assert told([weekly], duration_s=8 * DAY) == [(0, 6), (DAY, 32), (7 * DAY, 6)]


def test_a_recurring_schedule_does_not_run_before_its_start() -> None:
    daily = profile((0, 6), kind="Recurring", recurrency="Daily", starts_at=NOW + 3 * DAY)
    assert told([daily], duration_s=4 * DAY) == [(0, 32), (3 * DAY, 6)]


# -- units and phases ------------------------------------------------------------------------------------------------


def test_watts_are_of_all_phases_and_amperes_of_each() -> None:
    assert told([profile((0, 6_900), unit="W")]) == [(0, 10)]
    assert told([profile((0, 10))], unit="W") == [(0, 6_900)]
    assert told([profile((0, 2_300), unit="W")], outlet=ONE) == [(0, 10)]
    assert told([profile((0, 40_000), unit="W")], outlet=DC) == [(0, 100)]


def test_a_period_of_one_phase_decides_the_conversion_where_the_outlet_can_be_switched() -> None:
    on_one = profile(Period(0, 2_300, 1, 2), Period(100, 2_300, 3), unit="W")
    assert of_evse([on_one], 1, EITHER, IDLE, NOW, 400, "A") == (Span(0, 10, 1, 2), Span(100, 2_300 / 690, 3))
    assert of_evse([on_one], 1, AC, IDLE, NOW, 400, "A") == (Span(0, 2_300 / 690, 3),)
    assert of_evse([on_one], 1, ONE, IDLE, NOW, 400, "A") == (Span(0, 10, 1),)
    assert of_evse([on_one], 1, DC, IDLE, NOW, 400, "W") == (Span(0, 2_300, None),)


def test_one_phase_draws_no_more_than_another_purpose_allows_a_phase() -> None:
    """In W the maximum would be the higher of the two; its A are of each phase nevertheless."""
    on_one = profile(Period(0, 16, 1))
    most = profile((0, 10), purpose="ChargingStationMaxProfile")
    assert of_evse([on_one, most], 1, EITHER, IDLE, NOW, 400, "W") == (Span(0, 2_300, 1),)


# -- the station -----------------------------------------------------------------------------------------------------


def test_the_station_draws_what_its_evses_draw_together() -> None:
    outlets = {1: AC, 2: AC}
    default = profile((0, 6), valid_to=NOW + 300)
    assert of_station([default], outlets, {}, NOW, 400, "A") == (Span(0, 12, 3), Span(300, 64, 3))


def test_the_station_draws_no_more_than_its_maximum_an_external_limit_and_its_site_allow() -> None:
    profiles = [
        profile((0, 40), duration=100, purpose="ChargingStationMaxProfile"),
        profile((0, 13_800), starts_at=NOW + 50, unit="W", purpose="ChargingStationExternalConstraints"),
    ]
    spans = of_station(profiles, {1: AC, 2: AC}, {}, NOW, 400, "A", (48.0, inf))
    assert [(s.start_s, s.limit) for s in spans] == [(0, 40), (50, 20)]
    assert of_station([], {1: AC, 2: AC}, {}, NOW, 400, "A", (48.0, inf)) == (Span(0, 48, 3),)


def test_a_dc_output_beside_an_ac_one_counts_as_a_load_of_three_phases() -> None:
    beside = DC._replace(max_power_w=20_700.0, grid_v=230.0)
    (span,) = of_station([], {1: ONE, 2: beside}, {}, NOW, 10, "A")
    assert span == Span(0, 32 + 30, 3)
    most = profile((0, 10), purpose="ChargingStationMaxProfile")
    (span,) = of_evse([most], 2, beside, IDLE, NOW, 10, "W")
    assert span == Span(0, 6_900, None)
    (span,) = of_station([], {1: DC, 2: DC}, {}, NOW, 10, "W", (inf, 100_000.0))
    assert span == Span(0, 100_000, None)


# -- whole seconds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 10), (5, 20), (9, 6)], [(0, 10), (5, 20), (9, 6)]),
        ([(0, 10), (5.5, 20), (9.5, 6)], [(0, 10), (6, 20), (9, 6)]),
        ([(0, 10), (5.2, 20), (5.8, 10)], [(0, 10)]),
        ([(0, 10), (5.2, 4), (5.8, 10)], [(0, 10), (5, 4), (6, 10)]),
        ([(0, 5), (0.6, 10), (0.8, 20), (1.5, 15)], [(0, 5), (1, 15)]),
        ([(0, 10), (59.9999999, 6)], [(0, 10), (60, 6)]),
    ],
)
def test_a_limit_between_two_seconds_is_rounded_to_the_lower_side(
    spans: list[tuple[float, float]], expected: list[tuple[float, float]]
) -> None:
    assert [(s.start_s, s.limit) for s in whole([Span(*span, 3) for span in spans])] == expected


# -- any profiles ----------------------------------------------------------------------------------------------------

LENGTH = 40


def ticks(lowest: float, highest: float) -> st.SearchStrategy[float]:
    """On quarters of a second, so that floats are exact and sampling these finds everything."""
    return st.integers(round(lowest * 4), round(highest * 4)).map(lambda n: n / 4)


AT = NOW + 14 * DAY
START = st.one_of(
    st.none(),
    ticks(-60, 60).map(lambda offset: AT + offset),
    st.tuples(ticks(-30, 30), st.integers(-14, 1)).map(lambda start: AT + start[1] * DAY + start[0]),
)
BOUND = st.one_of(st.none(), st.none(), ticks(-10, 50).map(lambda offset: AT + offset))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    later = draw(st.lists(st.one_of(st.integers(1, 60), st.integers(DAY - 30, DAY + 30)), max_size=4, unique=True))
    unit: Unit = draw(st.sampled_from(("A", "W")))
    limits = st.integers(0, 40) if unit == "A" else st.integers(0, 30_000)
    periods = tuple(
        Period(start, draw(limits), draw(st.sampled_from((None, 1, 2, 3)))) for start in (0, *sorted(later))
    )
    duration = draw(st.one_of(st.none(), st.integers(0, 90), st.integers(DAY - 30, DAY + 30), st.just(7 * DAY)))
    return Schedule(unit, periods, duration, draw(START))


@st.composite
def any_profile(draw: st.DrawFn, number: int) -> Profile:
    purpose: Purpose = draw(
        st.sampled_from(
            ("TxProfile", "TxDefaultProfile", "ChargingStationMaxProfile", "ChargingStationExternalConstraints")
        )
    )
    return Profile(
        id=number,
        evse_id=draw(st.integers(0, 2)),
        stack_level=draw(st.integers(0, 2)),
        purpose=purpose,
        kind=draw(st.sampled_from(("Absolute", "Recurring", "Relative"))),
        schedule=draw(schedules()),
        recurrency=draw(st.sampled_from(("Daily", "Weekly"))),
        valid_from=draw(BOUND),
        valid_to=draw(BOUND),
        transaction_id=draw(st.sampled_from((None, "one", "two"))) if purpose == "TxProfile" else None,
    )


PROFILES = st.integers(0, 7).flatmap(lambda n: st.tuples(*(any_profile(number) for number in range(n))))
OUTLET = st.sampled_from((AC, EITHER, ONE, DC, AC._replace(max_power_w=11_000.0), Outlet(2, 230.0, 16.0, 7_360.0)))
USE = st.builds(
    Use, st.sampled_from((None, "one", "two")), st.one_of(st.none(), ticks(-60, 0).map(lambda offset: AT + offset))
)
UNITS = st.sampled_from(("A", "W"))
SITE = st.tuples(st.integers(0, 60) | st.just(inf), st.integers(0, 40_000) | st.just(inf))


def held(spans: Sequence[Span], offset: float) -> Span:
    return [span for span in spans if span.start_s <= offset][-1]


def check_form(spans: Sequence[Span]) -> None:
    assert spans[0].start_s == 0
    assert all(a.start_s < b.start_s < LENGTH and a[1:] != b[1:] for a, b in pairwise(spans))


@settings(max_examples=200, deadline=None)
@given(PROFILES, OUTLET, USE, ticks(0, 1), UNITS)
def test_an_evse_is_limited_as_the_reference_says_at_each_instant(
    profiles: tuple[Profile, ...], outlet: Outlet, use: Use, later: float, unit: Unit
) -> None:
    at = AT + later
    spans = of_evse(profiles, 1, outlet, use, at, LENGTH, unit)
    check_form(spans)
    for tick in range(LENGTH * 4):
        expected = reference.evse_at(profiles, 1, outlet, use, at, at + tick / 4)
        span = held(spans, tick / 4)
        assert isclose(span.limit, expected.amps if unit == "A" else expected.watts, abs_tol=1e-9)
        assert span.phases == (expected.phases or None)


@settings(max_examples=200, deadline=None)
@given(PROFILES, OUTLET, st.tuples(USE, USE), UNITS, SITE, st.booleans())
def test_the_station_is_limited_as_the_reference_says_at_each_instant(
    profiles: tuple[Profile, ...],
    outlet: Outlet,
    both: tuple[Use, Use],
    unit: Unit,
    site: tuple[float, float],
    beside: bool,
) -> None:
    outlets, uses = {1: outlet, 2: outlet._replace(max_current_a=20.0)}, dict(enumerate(both, 1))
    if beside and outlet.phases:
        outlets[3] = DC._replace(grid_v=outlet.voltage_v)
    spans = of_station(profiles, outlets, uses, AT, LENGTH, unit, site)
    check_form(spans)
    for tick in range(LENGTH * 4):
        expected = reference.station_at(profiles, outlets, uses, AT, AT + tick / 4, site)
        span = held(spans, tick / 4)
        assert isclose(span.limit, expected.amps if unit == "A" else expected.watts, abs_tol=1e-9)
        assert span.phases == (expected.phases or None)


@settings(max_examples=100, deadline=None)
@given(PROFILES, OUTLET, USE, UNITS)
def test_nothing_that_limits_is_ever_exceeded(
    profiles: tuple[Profile, ...], outlet: Outlet, use: Use, unit: Unit
) -> None:
    amps = of_evse(profiles, 1, outlet, use, AT, LENGTH, "A")
    watts = of_evse(profiles, 1, outlet, use, AT, LENGTH, "W")
    for tick in range(LENGTH * 4):
        a, w = held(amps, tick / 4).limit, held(watts, tick / 4).limit
        assert a <= outlet.max_current_a
        assert w <= outlet.max_power_w
        found = reference.found(profiles, 1, use, AT, AT + tick / 4)
        for of, period in found + reference.found_of_station(profiles, AT, AT + tick / 4):
            assert (a if of == "A" else w) <= period.limit


@settings(max_examples=100, deadline=None)
@given(PROFILES.flatmap(lambda p: st.tuples(st.just(p), st.permutations(p))), OUTLET, USE, UNITS)
def test_the_order_in_which_profiles_were_set_changes_nothing(
    orders: tuple[Sequence[Profile], Sequence[Profile]], outlet: Outlet, use: Use, unit: Unit
) -> None:
    one, other = (of_evse(profiles, 1, outlet, use, AT, LENGTH, unit) for profiles in orders)
    assert one == other
    outlets, uses = {1: outlet, 2: outlet}, {1: use}
    one, other = (of_station(profiles, outlets, uses, AT, LENGTH, unit, (20.0, 9_000.0)) for profiles in orders)
    assert one == other


@settings(max_examples=100, deadline=None)
@given(PROFILES, OUTLET, st.tuples(USE, USE), st.integers(0, 3))
def test_nothing_changes_before_the_next_change(
    profiles: tuple[Profile, ...], outlet: Outlet, both: tuple[Use, Use], most: int
) -> None:
    uses = {number: use for number, use in enumerate(both, 1) if number <= most}
    change = next_change(profiles, uses, AT)
    assert change > AT
    outlets = {1: outlet, 2: outlet}
    first = reference.station_at(profiles, outlets, uses, AT, AT, UNBOUND)
    for tick in range(LENGTH * 4):
        t = AT + tick / 4
        if t < change:  # what an idle EVSE has begins anew at each instant
            assert reference.station_at(profiles, outlets, uses, t, t, UNBOUND) == first


@settings(max_examples=100, deadline=None)
@given(PROFILES, ticks(0, 1))
def test_in_whole_seconds_no_limit_is_exceeded_and_none_is_lower_for_longer_than_a_second(
    profiles: tuple[Profile, ...], later: float
) -> None:
    exact = of_evse(profiles, 1, AC, IDLE, AT + later, LENGTH, "A")
    rounded = whole(exact)
    assert all(span.start_s == int(span.start_s) for span in rounded)
    assert all(a.start_s < b.start_s and a[1:] != b[1:] for a, b in pairwise(rounded))
    for second in range(LENGTH):
        within = min(held(exact, second + quarter / 4).limit for quarter in range(4))
        assert held(rounded, second).limit == within


@given(PROFILES, st.integers(1, 4))
def test_the_first_spans_are_those_of_all(profiles: tuple[Profile, ...], most: int) -> None:
    assert of_evse(profiles, 1, AC, IDLE, AT, 400, "A", most) == of_evse(profiles, 1, AC, IDLE, AT, 400, "A")[:most]


def test_nothing_ever_changes_without_profiles() -> None:
    assert next_change([], {}, NOW) == inf
