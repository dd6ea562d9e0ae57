"""Ping and pong against a clock that is moved by hand."""

import asyncio

from chargepointd.link.pulse import Pulse


class Clock:
    """A loop's clock and its timers; like uvloop's, the clock stands still within a turn."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Clock.Handle]] = []

    class Handle:
        def __init__(self, call) -> None:
            self.call = call

        def cancel(self) -> None:
            self.call = lambda: None

    def time(self) -> float:
        return self.now

    def call_at(self, at, call) -> Handle:
        handle = Clock.Handle(call)
        self.timers.append((at, handle))
        return handle

    def move(self, seconds: float) -> None:
        until = self.now + seconds
        while due := sorted((at, n) for n, (at, _) in enumerate(self.timers) if at <= until):
            self.now, n = max(self.now, due[0][0]), due[0][1]
            self.timers.pop(n)[1].call()
        self.now = until


def started(monkeypatch, interval, answer_s=None, answers=False):
    clock, told = Clock(), []
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: clock)

    def ping():
        told.append(("ping", clock.now - 1000))
        if answers:
            pulse.ponged()

    pulse = Pulse(interval, answer_s, ping, lambda: told.append(("dead", clock.now - 1000)))
    pulse.start()
    return clock, pulse, told


def test_silence_is_asked_after_and_then_taken_for_death(monkeypatch):
    clock, _, told = started(monkeypatch, lambda: 60)
    clock.move(1000)
    assert told == [("ping", 60), ("dead", 120)]
    assert clock.timers == []


def test_an_answer_may_take_its_own_time(monkeypatch):
    clock, _, told = started(monkeypatch, lambda: 60, 5)
    clock.move(1000)
    assert told == [("ping", 60), ("dead", 65)]


def test_an_answer_in_the_same_turn_counts(monkeypatch):
    clock, _, told = started(monkeypatch, lambda: 60, answers=True)
    clock.move(200)
    assert told == [("ping", 60), ("ping", 120), ("ping", 180)]


def test_a_busy_link_is_not_pinged_and_costs_one_timer(monkeypatch):
    clock, pulse, told = started(monkeypatch, lambda: 60)
    for _ in range(100):
        clock.move(9)
        pulse.answered()
        assert len(clock.timers) == 1
    assert told == []
    clock.move(60)
    assert told == [("ping", 960)]


def test_a_link_on_which_something_comes_but_nothing_arrives_is_dead_after_three_pings(monkeypatch):
    clock, pulse, told = started(monkeypatch, lambda: 60)
    for _ in range(25):
        clock.move(10)
        pulse.heard()
    assert told == [("ping", 60), ("ping", 120), ("ping", 180), ("dead", 240)]


def test_a_csms_that_never_pongs_but_answers_is_alive(monkeypatch):
    clock, pulse, told = started(monkeypatch, lambda: 60)
    for _ in range(50):
        clock.move(61)
        pulse.asked(30)
        clock.move(1)
        pulse.answered()
    assert {what for what, _ in told} == {"ping"}


def test_without_pings_an_open_call_finds_out_before_its_time_is_over(monkeypatch):
    clock, pulse, told = started(monkeypatch, lambda: 0)
    clock.move(1000)
    pulse.asked(30)
    clock.move(1000)
    assert told == [("ping", 1015), ("dead", 1027)]


def test_a_call_that_is_answered_asks_nobody(monkeypatch):
    clock, pulse, told = started(monkeypatch, lambda: 0)
    for _ in range(10):
        pulse.asked(30)
        clock.move(10)
        pulse.answered()
    clock.move(1000)
    assert told == clock.timers == []


def test_a_pong_is_enough_for_an_open_call(monkeypatch):
    clock, pulse, told = started(monkeypatch, lambda: 0, answers=True)
    pulse.asked(30)
    clock.move(1000)
    assert told == [("ping", 15)]


def test_what_comes_on_a_one_way_link_without_pings_is_no_proof_for_ever(monkeypatch):
    clock, pulse, told = started(monkeypatch, lambda: 0)
    for _ in range(4):
        pulse.asked(30)
        clock.move(16)
        pulse.heard()
        clock.move(14)
    assert told == [("ping", 15), ("ping", 45), ("ping", 75), ("dead", 105)]


def test_a_short_time_for_a_call_leaves_a_ping_the_least(monkeypatch):
    clock, pulse, told = started(monkeypatch, lambda: 0)
    pulse.asked(1)
    clock.move(100)
    assert told == [("ping", 0.5), ("dead", 5.5)]


def test_off_there_is_no_timer(monkeypatch):
    clock, _, _ = started(monkeypatch, lambda: 0)
    assert clock.timers == []


def test_turned_off_it_stops(monkeypatch):
    interval = [60]
    clock, _, told = started(monkeypatch, lambda: interval[0])
    interval[0] = 0
    clock.move(1000)
    assert told == clock.timers == []


def test_a_shorter_interval_holds_at_once_when_started_anew(monkeypatch):
    interval = [3600]
    clock, pulse, told = started(monkeypatch, lambda: interval[0], answers=True)
    clock.move(100)
    interval[0] = 30
    pulse.start()
    clock.move(65)
    assert told == [("ping", 100), ("ping", 130), ("ping", 160)]


def test_deaf_it_takes_nobody_for_dead(monkeypatch):
    clock, pulse, told = started(monkeypatch, lambda: 60)
    clock.move(60)
    pulse.deaf = True
    clock.move(1000)
    assert told == [("ping", 60)]
    pulse.deaf = False
    clock.move(1000)
    assert [what for what, _ in told] == ["ping", "ping", "dead"]


def test_stopped_it_is_still(monkeypatch):
    clock, pulse, told = started(monkeypatch, lambda: 60)
    pulse.stop()
    clock.move(1000)
    assert told == []


def test_what_still_leaves_gives_the_other_side_another_time(monkeypatch):
    """A report of 64 KB on a line of 1 KB/s: the pong comes when all of it has left."""
    clock, pulse, told = started(monkeypatch, lambda: 0)
    began = clock.now
    pulse._unsent = lambda: max(0, 64_000 - int(clock.now - began) * 1000)
    pulse.asked(30)
    clock.move(70)
    assert told == [("ping", 15)]
    pulse.answered()
    clock.move(1000)
    assert told == [("ping", 15)]


def test_when_all_has_left_there_is_one_more_time(monkeypatch):
    clock, pulse, told = started(monkeypatch, lambda: 60)
    pulse._unsent = lambda: 5000 if clock.now < 1070 else 0
    clock.move(1000)
    assert told == [("ping", 60), ("dead", 180)]


def test_who_reads_a_byte_now_and_then_is_not_waited_for(monkeypatch):
    clock, pulse, told = started(monkeypatch, lambda: 60)
    pulse._unsent = lambda: 100_000 - int(clock.now - 1000)
    clock.move(1000)
    assert told == [("ping", 60), ("dead", 120)]


def test_a_pong_is_no_answer_to_the_call_that_was_sent_before_it_came(monkeypatch):
    """The link may die after it, and the CALL wait in vain: then it is asked after all the same."""
    clock, pulse, told = started(monkeypatch, lambda: 0)
    pulse.asked(30)
    clock.move(1)
    pulse.ponged()
    clock.move(100)
    assert told == [("ping", 15), ("dead", 27)]
