"""How EVSEs share the limit of the station."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from chargepointd.core.charging.share import Want, shared


def want(evse_id: int, cap: float = 32.0, least: float = 6.0, priority: int = 0, since: float = 0.0) -> Want:
    return Want(evse_id, cap, least, priority, since)


def test_what_is_there_is_shared_evenly() -> None:
    assert shared(30, [want(1), want(2), want(3)]) == {1: 10, 2: 10, 3: 10}
    assert shared(200, [want(1), want(2)]) == {1: 32, 2: 32}


def test_what_one_cannot_use_is_left_to_the_others() -> None:
    assert shared(40, [want(1, cap=8), want(2), want(3)]) == {1: 8, 2: 16, 3: 16}
    assert shared(40, [want(1, least=20), want(2), want(3)]) == {1: 20, 2: 10, 3: 10}


def test_the_last_that_came_waits_when_it_is_not_enough_for_all() -> None:
    three = [want(1, since=30), want(2, since=10), want(3, since=20)]
    assert shared(17, three) == {1: 0, 2: 8.5, 3: 8.5}
    assert shared(11, three) == {1: 0, 2: 11, 3: 0}
    assert shared(5, three) == {1: 0, 2: 0, 3: 0}


def test_the_higher_priority_keeps_power_the_longest() -> None:
    two = [want(1, priority=-2), want(2, since=99, priority=1)]
    assert shared(12, two) == {1: 6, 2: 6}
    assert shared(11, two) == {1: 0, 2: 11}


def test_who_may_not_draw_its_least_takes_nothing_from_the_others() -> None:
    assert shared(16, [want(1, cap=5, priority=9), want(2)]) == {1: 0, 2: 16}
    assert shared(16, [want(1, least=20, priority=9), want(2)]) == {1: 0, 2: 16}


NUMBERS = st.integers(0, 400).map(lambda n: n / 10)


def wants(least: st.SearchStrategy[float] = NUMBERS) -> st.SearchStrategy[list[Want]]:
    one = st.builds(want, st.integers(1, 8), NUMBERS, least, st.integers(-9, 9), st.integers(0, 5))
    return st.lists(one, max_size=8, unique_by=lambda want: want.evse_id)


@given(NUMBERS, wants())
def test_nobody_gets_more_than_its_cap_or_less_than_its_least_and_all_together_no_more_than_there_is(
    total: float, some: list[Want]
) -> None:
    given_out = shared(total, some)
    assert set(given_out) == {want.evse_id for want in some}
    assert sum(given_out.values()) <= total + 1e-9
    for one in some:
        share = given_out[one.evse_id]
        assert share == 0 or one.least <= share <= one.cap


@given(NUMBERS, wants())
def test_nothing_is_left_that_one_who_charges_could_use(total: float, some: list[Want]) -> None:
    given_out = shared(total, some)
    left = total - sum(given_out.values())
    assert left <= 1e-9 or all(given_out[one.evse_id] in (0, one.cap) for one in some)


@given(NUMBERS, wants().flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_the_order_in_which_they_are_named_changes_nothing(
    total: float, orders: tuple[Sequence[Want], Sequence[Want]]
) -> None:
    assert shared(total, orders[0]) == shared(total, orders[1])


@given(NUMBERS, NUMBERS, wants(st.just(6.0)))
def test_more_power_pauses_nobody(total: float, more: float, some: list[Want]) -> None:
    before, after = shared(total, some), shared(total + more, some)
    assert all(after[evse_id] > 0 for evse_id, share in before.items() if share)


@given(NUMBERS, wants(st.just(6.0)))
def test_nobody_waits_while_one_after_it_charges(total: float, some: list[Want]) -> None:
    given_out = shared(total, some)
    order = sorted((w for w in some if w.cap >= 6), key=lambda w: (-w.priority, w.since, w.evse_id))
    charging = [given_out[one.evse_id] > 0 for one in order]
    assert charging == sorted(charging, reverse=True)


@given(NUMBERS, wants())
def test_a_small_change_of_power_changes_those_who_go_on_by_no_more(total: float, some: list[Want]) -> None:
    before, after = shared(total, some), shared(total + 0.1, some)
    if {key for key, share in before.items() if share} == {key for key, share in after.items() if share}:
        assert all(abs(after[key] - before[key]) <= 0.1 + 1e-9 for key in before)


@given(NUMBERS, wants(), st.integers(1, 9))
def test_a_higher_priority_never_pauses_one_that_charges(total: float, some: list[Want], higher: int) -> None:
    before = shared(total, some)
    for i, one in enumerate(some):
        after = shared(total, [*some[:i], one._replace(priority=one.priority + higher), *some[i + 1 :]])
        assert after[one.evse_id] > 0 or not before[one.evse_id]
