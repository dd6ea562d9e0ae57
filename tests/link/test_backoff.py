from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chargepointd.link.backoff import Backoff, Retry

seconds = st.floats(0, 3600)
retries = st.builds(Retry, seconds, seconds, st.integers(0, 8), st.just(0.0), st.just(1e9))
chances = st.lists(st.floats(0, 1, exclude_max=True), min_size=12, max_size=12)


def waits(retry: Retry, randoms: list[float]) -> list[float]:
    backoff, drawn = Backoff(), iter(randoms)
    return [backoff.next(retry, lambda: next(drawn)) for _ in randoms]


@given(retries, chances)
def test_each_wait_is_twice_the_one_before_and_a_random_part(retry, randoms):
    made = waits(retry, randoms)
    assert retry.wait_minimum_s <= made[0] <= retry.wait_minimum_s + retry.random_range_s
    for before, after in pairwise(made[: retry.repeat_times + 1]):
        assert 2 * before <= after <= 2 * before + retry.random_range_s


@given(retries, chances)
def test_after_the_last_doubling_the_wait_is_constant(retry, randoms):
    assert len(set(waits(retry, randoms)[retry.repeat_times :])) == 1


@given(retries, chances)
def test_no_wait_is_below_the_minimum_or_the_floor(retry, randoms):
    floored = retry._replace(floor_s=0.5)
    assert min(waits(floored, randoms)) >= max(0.5, retry.wait_minimum_s)


def test_a_csms_that_sets_all_to_the_most_is_not_waited_for_for_years():
    assert max(waits(Retry(3600, 3600, 16), [0.9] * 20)) == 86_400


def test_the_example_of_the_standard():
    made = waits(Retry(10, 10, 3), [0.5, 0.1, 0.9, 0.2, 0.7, 0.7])
    assert made == [15, 31, 71, 144, 144, 144]


def test_it_begins_anew_after_a_good_connection():
    backoff, retry = Backoff(), Retry(2, 0, 5)
    assert [backoff.next(retry, lambda: 0.0) for _ in range(3)] == [2, 4, 8]
    backoff.reset()
    assert backoff.next(retry, lambda: 0.0) == 2


def test_it_begins_anew_when_the_variables_change():
    backoff = Backoff()
    assert [backoff.next(Retry(600, 0, 5), lambda: 0.0) for _ in range(2)] == [600, 1200]
    assert [backoff.next(Retry(5, 0, 5), lambda: 0.0) for _ in range(2)] == [5, 10]
