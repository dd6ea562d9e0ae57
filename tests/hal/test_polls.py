"""When polls are due, and how long a retry waits. Pure."""

from math import inf

import pytest

from hal.backoff import wait_s
from hal.polls import Polls


def test_devices_of_the_same_interval_are_due_at_the_same_instant():
    polls = Polls(idle_s=10.0, down_s=5.0)
    polls.start(["a", "b"], now=3.7)
    assert polls.take(3.7) == ["a", "b"]
    assert polls.next_at() == 10.0
    polls.start(["c"], now=9.9)
    polls.take(9.9)
    assert polls.next_at() == 10.0


def test_what_was_missed_stays_missed():
    polls = Polls(idle_s=1.0, down_s=5.0)
    polls.start(["a"], now=0.5)
    assert polls.take(7.25) == ["a"]
    assert polls.take(7.25) == []
    assert polls.next_at() == 8.0


def test_a_pace_is_kept_for_a_device_that_is_not_there_yet():
    polls = Polls(idle_s=10.0, down_s=5.0)
    polls.pace("a", 1.0, now=0.0)
    assert polls.next_at() == inf
    polls.start(["a"], now=0.5)
    polls.take(0.5)
    assert polls.next_at() == 1.0


def test_zero_means_not_at_all():
    polls = Polls(idle_s=0.0, down_s=5.0)
    polls.start(["a"], now=0.5)
    assert polls.take(100.0) == [] and polls.next_at() == inf and not polls.paced("a")


def test_a_negative_interval_is_refused():
    with pytest.raises(ValueError, match="a: an interval of 0 s or more"):
        Polls(10.0, 5.0).pace("a", -1.0, now=0.0)


def test_a_device_that_does_not_answer_is_polled_seldom_until_it_does():
    polls = Polls(idle_s=1.0, down_s=5.0)
    polls.start(["a"], now=0.5)
    polls.take(0.5)
    polls.answers("a", False, now=0.6)
    assert polls.next_at() == 5.0
    polls.answers("a", True, now=5.1)
    assert polls.next_at() == 6.0


def test_waits_double_up_to_the_ceiling_and_jitter_is_never_more_than_half():
    assert [wait_s(n, 0.5, 15.0, 1.0) for n in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]
    assert wait_s(3, 0.5, 15.0, 0.0) == 2.0
    assert wait_s(10_000, 0.5, 15.0, 1.0) == 15.0
