"""Which source sets the clock, the system's time servers, and the clock on the wall."""

import pytest

from chargepointd.core import commands as c
from chargepointd.core import messages as m
from chargepointd.core.jobs import JobFailed
from chargepointd.core.timekeeping import ASK_S, FIRST_S, SetNtpServers, SystemClock
from chargepointd.core.variables.catalogue import parse_name
from tests.core.world import NOON, PLAN, World

HOUR = 3600.0
MINUTES = 240.0
"""no leap"""
SOURCE = "ClockCtrlr.TimeSource"


def wrong_by(w: World) -> float:
    """s that the station's clock is ahead of the CSMS's."""
    return round(w.station.context.clock.utc(w.mono) - w.utc, 1)


def synchronised(w: World, ahead: float) -> None:
    """The kernel says so of a clock that is ahead of the CSMS's."""
    w.system_clock = SystemClock(True, NOON + ahead)


@pytest.mark.parametrize(
    ("sources", "expected"),
    [("Heartbeat", 0.0), ("Heartbeat,NTP", 0.0), ("NTP,Heartbeat", MINUTES), ("NTP", MINUTES)],
)
def test_the_first_source_in_the_list_sets_the_clock(version: str, sources: str, expected: float) -> None:
    w = World(version, {SOURCE: sources}, wall=NOON + 60)
    synchronised(w, MINUTES)
    w.after(FIRST_S + 1).online().after(2 * ASK_S)
    assert wrong_by(w) == expected


def test_it_falls_through_to_what_can_be_had(version: str) -> None:
    w = World(version, {SOURCE: "NTP,Heartbeat"}, wall=NOON + 60).online().after(2 * ASK_S)
    assert wrong_by(w) == 0.0, "the system's clock is not synchronised"
    synchronised(w, MINUTES)
    w.after(ASK_S)
    assert wrong_by(w) == MINUTES
    w.system_clock = SystemClock(False, NOON)
    w.after(ASK_S + 300)
    assert wrong_by(w) == 0.0


def test_without_the_csms_the_system_s_clock_is_believed_again(version: str) -> None:
    w = World(version, {SOURCE: "Heartbeat,NTP"}).online().after(60)
    synchronised(w, MINUTES)
    w.offline().after(ASK_S)
    assert wrong_by(w) == MINUTES
    w.online()
    w.after(301)
    assert wrong_by(w) == 0.0


@pytest.mark.parametrize("leap", [-400 * 86_400.0, -HOUR, HOUR, 1600 * 86_400.0])
def test_a_csms_that_says_again_and_again_what_ntp_contradicts_is_not_believed(version: str, leap: float) -> None:
    w = World(version, {SOURCE: "Heartbeat,NTP"}).online()
    synchronised(w, 0.0)
    w.after(FIRST_S + 1).plug().present()
    w.wrong_s = leap
    w.after(2 * ASK_S)
    assert wrong_by(w) == 0.0
    assert sum("NTP is believed" in note for note in w.notes) == 1
    w.present().after(20)
    assert w.delivered() == w.records
    assert all(abs(record.stamp.at - NOON - w.made_at(record)) < 1 for record in w.records)


def test_a_leap_of_the_csms_is_undone_as_soon_as_ntp_contradicts_it(version: str) -> None:
    w = World(version, {SOURCE: "Heartbeat,NTP"})
    w.wrong_s = HOUR
    w.online().after(5)
    assert w.station.context.clock.utc(w.mono) - NOON - w.mono == pytest.approx(HOUR, abs=1)
    synchronised(w, 0.0)
    w.after(2 * ASK_S)
    assert w.station.context.clock.utc(w.mono) - NOON - w.mono == pytest.approx(0.0, abs=1)


def test_a_csms_that_is_to_be_believed_whatever_ntp_says_is_the_only_source(version: str) -> None:
    w = World(version, {SOURCE: "Heartbeat"}).online()
    synchronised(w, 0.0)
    w.wrong_s = HOUR
    w.after(2 * ASK_S)
    assert w.station.context.clock.utc(w.mono) - NOON - w.mono == pytest.approx(HOUR, abs=1)


def test_a_change_of_the_list_acts_at_once(version: str) -> None:
    w = World(version, {SOURCE: "Heartbeat"}).online().after(60)
    synchronised(w, HOUR)
    w.configure(SOURCE, "NTP")
    assert wrong_by(w) == HOUR


def test_where_the_kernel_may_not_be_asked_it_is_said_once() -> None:
    w = World("2.0.1", {SOURCE: "NTP"}).online()
    w.system_clock = JobFailed("not permitted")
    w.after(3 * ASK_S)
    assert w.notes.count("not permitted: so NTP is no source") == 1


def test_a_big_step_of_the_clock_is_a_security_event() -> None:
    w = World("2.0.1", {SOURCE: "NTP"}).online()
    synchronised(w, HOUR)
    w.after(FIRST_S + 1)
    assert [event.kind for event in w.told(m.SecurityEvent)][-1] == "SettingSystemTime"


# -- the servers of the system -----------------------------------------------------------------------------------------

WITH_NTP = PLAN._replace(ntp_command=("set-ntp",))


def test_the_command_is_run_with_the_servers_and_without_any_for_those_of_dhcp() -> None:
    w = World("2.0.1", plan=WITH_NTP).online()
    w.set("ClockCtrlr.NtpServerUri[1]", "ntp.example.com")
    assert not w.under_way, "those of DHCP are in use"
    w.set("ClockCtrlr.NtpSource", "manual")
    assert w.finish(None) == SetNtpServers(("set-ntp",), ("ntp.example.com",))
    w.set("ClockCtrlr.NtpServerUri[3]", "192.0.2.1")
    assert w.finish(JobFailed("no such file")) == SetNtpServers(("set-ntp",), ("ntp.example.com", "192.0.2.1"))
    w.cut()
    assert w.finish(None) == SetNtpServers(("set-ntp",), ("ntp.example.com", "192.0.2.1"))
    w.online().set("ClockCtrlr.NtpSource", "DHCP")
    assert w.finish(None) == SetNtpServers(("set-ntp",), ())


@pytest.mark.parametrize("server", ["-x", "a b", "a;b", "ntp.example.com\n"])
def test_what_is_no_name_of_a_server_is_rejected(server: str) -> None:
    w = World("2.0.1", plan=WITH_NTP).online()
    reply = w.ask(c.SetVariables(((parse_name("ClockCtrlr.NtpServerUri[1]"), "Actual", server),)))
    assert reply.items[0].status == "Rejected"


def test_a_station_that_cannot_set_them_does_not_have_the_variables() -> None:
    assert World("2.0.1").variables.named("ClockCtrlr.NtpSource") is None


# -- the clock on the wall ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"), [("+01:00", 3600), ("-05:30", -19_800), ("Z", 0), ("", 0), ("+14:00", 50_400)]
)
def test_the_offset_of_the_clock_on_the_wall(version: str, value: str, seconds: int) -> None:
    w = World(version).online()
    w.set("ClockCtrlr.TimeOffset", value)
    assert w.station.timekeeping.offset_s(w.utc) == seconds


@pytest.mark.parametrize("value", ["1", "01:00", "+1:00", "+25:00", "+01:60", "+14:30", "CET"])
def test_what_is_no_offset_is_rejected(value: str) -> None:
    w = World("2.0.1").online()
    reply = w.ask(c.SetVariables(((parse_name("ClockCtrlr.TimeOffset"), "Actual", value),)))
    assert reply.items[0].status == "Rejected"


def test_the_offset_changes_at_the_transition(version: str) -> None:
    w = World(version).online()
    w.set("ClockCtrlr.TimeOffset", "+01:00")
    w.set("ClockCtrlr.TimeOffset[NextTransition]", "+02:00")
    w.set("ClockCtrlr.NextTimeOffsetTransitionDateTime", "2027-03-28T02:00:00+01:00")
    transition = 1_806_195_600.0
    assert w.station.timekeeping.offset_s(transition - 1) == 3600
    assert w.station.timekeeping.offset_s(transition) == 7200


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("2027-03-28T01:00:00Z", True), ("2027-03-28T02:00:00.5+01:00", True), ("", True),
        ("2027-03-28", False), ("2027-02-30T01:00:00Z", False), ("2027-03-28T01:00:00", False), ("300", False),
    ],
)  # fmt: skip
def test_a_moment_is_a_moment(value: str, fits: bool) -> None:
    w = World("2.0.1").online()
    name = parse_name("ClockCtrlr.NextTimeOffsetTransitionDateTime")
    reply = w.ask(c.SetVariables(((name, "Actual", value),)))
    assert reply.items[0].status == ("Accepted" if fits else "Rejected")


def test_a_time_zone_goes_before_the_offset_and_has_to_be_known(version: str) -> None:
    w = World(version).online()
    w.station.timekeeping.zone_offset_s = lambda name, utc: 7200 if name == "Europe/Oslo" else None
    w.set("ClockCtrlr.TimeOffset", "+01:00")
    w.set("ClockCtrlr.TimeZone", "Europe/Oslo")
    assert w.station.timekeeping.offset_s(w.utc) == 7200
    reply = w.ask(c.SetVariables(((parse_name("ClockCtrlr.TimeZone"), "Actual", "Atlantis"),)))
    assert reply.items[0].status == "Rejected"
    w.set("ClockCtrlr.TimeZone", "")
    assert w.station.timekeeping.offset_s(w.utc) == 3600
