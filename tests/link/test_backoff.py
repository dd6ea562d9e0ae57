from collections import Counter
from itertools import pairwise
from random import Random

import pytest
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


STANDARD = Retry(5, 10, 5)
STATIONS = 100


def attempts(seed: int, back_at: float, down_at: float = 0.0, retry: Retry = STANDARD) -> list[float]:
    """When a station that lost its CSMS tries, up to the attempt that succeeds."""
    random, backoff, now, tried = Random(seed).random, Backoff(), down_at, []
    while not tried or tried[-1] < back_at:
        now += backoff.next(retry, random)
        tried.append(now)
    return tried


@pytest.mark.parametrize("away_s", [0, 60, 3600, 86_400])
def test_a_hundred_stations_whose_csms_restarts_come_back_spread_out(away_s):
    """However long it was away: no second sees more than a fifth of them, and none is waited for beyond its wait."""
    back = sorted(attempts(seed, float(away_s))[-1] for seed in range(STATIONS))
    longest = 2**5 * 5 + sum(2**n for n in range(6)) * 10
    assert back[-1] - away_s <= longest
    in_second = Counter(int(at) for at in back)
    assert max(in_second.values()) <= STATIONS / 5
    assert len(in_second) >= 10


def test_a_csms_that_is_away_for_a_day_is_asked_ever_less():
    tried = [at for seed in range(STATIONS) for at in attempts(seed, 86_400.0)]
    first, last = (sum(begin <= at < begin + 600 for at in tried) for begin in (0, 85_800))
    assert last < first / 2
    assert last <= STATIONS * 600 / (2**5 * 5) + STATIONS
