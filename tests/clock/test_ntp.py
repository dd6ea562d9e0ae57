"""The real daemon beside a kernel whose clock NTP keeps, or keeps no longer (C3)."""

from pathlib import Path
from typing import Any

import pytest

from tests.clock.shifted import COMMAND, SystemClock
from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import ahead_s, brisk, until

pytestmark = pytest.mark.process

HOUR = 3600.0
SOURCE = "ClockCtrlr.TimeSource"
NTP_FIRST, CSMS_FIRST = "NTP,Heartbeat", "Heartbeat,NTP"


@pytest.fixture
def clock(tmp_path: Path) -> SystemClock:
    return SystemClock(tmp_path / "clock.json")


def station(csms: Csms, clock: SystemClock, dialect: str, source: str) -> Station:
    return Station(brisk(csms.url, dialect, **{SOURCE: source}), command=COMMAND, env=clock.env)


def asked(made: Station, source: str) -> None:
    """The kernel is, at once: the list has changed."""
    assert made.ctl("set", variable=SOURCE, value=source)["status"] == "Accepted"


def settings(csms: Csms) -> list[str]:
    told = csms.calls("SecurityEventNotification")
    return [event.payload["techInfo"] for event in told if event.payload["type"] == "SettingSystemTime"]


def heartbeats(csms: Csms, number: int) -> None:
    """The CSMS tells the time so often, and has the last of it heard."""
    for _ in range(number):
        csms.forget()
        csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        csms.wait("Heartbeat")


def near(made: Station, ahead: float) -> None:
    until(lambda: abs(ahead_s(made) - ahead) < 100, f"time that is {ahead} s ahead")


def test_ntp_sets_the_clock_as_long_as_the_kernel_is_synchronised(csms: Csms, clock: SystemClock, dialect: str) -> None:
    clock.tell(ahead_s=HOUR)
    with station(csms, clock, dialect, CSMS_FIRST) as made:
        near(made, 0.0)
        clock.kernel("synchronised")
        asked(made, NTP_FIRST)
        near(made, HOUR)
        until(lambda: len(settings(csms)) == 2, "security event")
        assert "NTP" in settings(csms)[-1]
        heartbeats(csms, 3)
        near(made, HOUR)
        clock.kernel("not synchronised")
        asked(made, CSMS_FIRST)
        heartbeats(csms, 1)
        near(made, 0.0)


@pytest.mark.parametrize("kernel", ["not synchronised", "says nothing"])
def test_a_kernel_that_does_not_vouch_for_its_clock_sets_none(
    csms: Csms, clock: SystemClock, dialect: str, kernel: Any
) -> None:
    clock.tell(ahead_s=HOUR)
    clock.kernel(kernel)
    with station(csms, clock, dialect, CSMS_FIRST) as made:
        near(made, 0.0)
        asked(made, NTP_FIRST)
        until(lambda: len(settings(csms)) == 1, "security event")
        heartbeats(csms, 3)
        near(made, 0.0)
        assert len(settings(csms)) == 1, "the CSMS put it right, and nobody else"
        told = "the kernel does not say whether its clock is synchronised: Operation not permitted: so NTP is no source"
        assert made.log.count(told) == (kernel == "says nothing"), "once"


@pytest.mark.parametrize("source", [NTP_FIRST, CSMS_FIRST])
def test_a_csms_that_wants_to_leap_away_from_ntp_is_not_believed(
    csms: Csms, clock: SystemClock, dialect: str, source: str
) -> None:
    clock.kernel("synchronised")
    with station(csms, clock, dialect, source) as made:
        csms.wait_status("Available")
        asked(made, CSMS_FIRST if source == NTP_FIRST else NTP_FIRST)
        asked(made, source)
        csms.desk.clock_offset_s = -3 * HOUR
        heartbeats(csms, 4)
        near(made, 0.0)
        assert not settings(csms)
        if source == CSMS_FIRST:
            made.wait_log("NTP is believed")
