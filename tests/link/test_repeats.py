"""A log that nobody else can fill."""

import logging
import time

from chargepointd.link.repeats import AT_ONCE, EVERY_S, Repeats

DAY_S = 86_400.0


def logged(caplog, monkeypatch, moments, key=lambda n: "one"):
    """What is logged at INFO and above of something said at these moments."""
    caplog.set_level(logging.INFO, "repeats")
    repeats = Repeats(logging.getLogger("repeats"))
    for n, moment in enumerate(moments):
        monkeypatch.setattr(time, "monotonic", lambda moment=moment: moment)
        repeats.say(key(n), logging.WARNING, "number %d", n)
    return [record.getMessage() for record in caplog.records]


def test_the_first_lines_are_logged(caplog, monkeypatch):
    assert logged(caplog, monkeypatch, [0.0] * 100) == [f"number {n}" for n in range(AT_ONCE)]


def test_a_month_of_it_is_a_line_each_half_hour(caplog, monkeypatch):
    lines = logged(caplog, monkeypatch, [second * 20.0 for second in range(int(30 * DAY_S / 20))])
    assert len(lines) <= AT_ONCE + 30 * DAY_S / EVERY_S
    assert lines[-1].endswith("(and 89 like it before)")


def test_what_is_seldom_is_all_logged(caplog, monkeypatch):
    assert len(logged(caplog, monkeypatch, [hour * 3600.0 for hour in range(100)])) == 100


def test_each_kind_has_lines_of_its_own(caplog, monkeypatch):
    assert len(logged(caplog, monkeypatch, [0.0] * 100, key=lambda n: f"kind {n % 2}")) == 2 * AT_ONCE
