"""The harness sees what the process does, and does to it what it says."""

import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon import toml
from tests.daemon.config import ac_station
from tests.daemon.control import ControlError
from tests.daemon.process import ROOT, Station

pytestmark = pytest.mark.process


def fake(ways: str = "", **how: Any) -> Station:
    program = str(Path(__file__).with_name("fake_daemon.py"))
    return Station(ac_station("ws://127.0.0.1:9/ocpp"), command=(sys.executable, program, ways or "-"), **how)


def test_it_is_ready_when_it_says_so_and_is_ended_by_sigterm():
    with fake(watchdog_s=1.5) as station:
        assert station.wait_ready() > 0
        assert station.wait_notify("STATUS").fields["STATUS"] == "watchdog 1500000"
        assert "start 1 of TEST001" in station.wait_log("start")
        ended = station.terminate()
        assert (ended.code, ended.seconds >= 0) == (0, True)
        station.wait_notify("STOPPING", "1")
        assert (station.state_dir / "stopped").exists()
    assert not station.home.exists()


def test_the_state_survives_a_kill_and_a_changed_configuration():
    with fake() as station:
        station.kill()
        assert not (station.state_dir / "stopped").exists()
        station.config["station"]["id"] = "OTHER"
        station.start()
        station.wait_ready()
        assert "start 2 of OTHER" in station.wait_log("start")
        station.restart()
        assert (station.state_dir / "starts").read_text() == "3"


def test_the_control_socket_gives_results_and_errors():
    with fake() as station:
        assert station.ctl("echo", evse=1) == {"evse": 1}
        with pytest.raises(ControlError) as refused:
            station.ctl("nonsense")
        assert refused.value.code == -32601


def test_a_control_call_without_an_answer_ends_with_the_log():
    with fake() as station:
        with pytest.raises(AssertionError, match=r"hang: TimeoutError[\s\S]*start 1"):
            station.ctl("hang", timeout=0.1)
        station.kill()


def test_watch_takes_each_event_once():
    with fake() as station, station.watch() as events:
        assert events.wait(evse=2)["kind"] == "cable"
        assert events.wait(kind="cable")["evse"] == 1
        with pytest.raises(AssertionError, match="no event"):
            events.wait(kind="cable", timeout=0)


def test_one_that_exits_before_it_is_ready_is_told_with_its_log_at_once():
    with pytest.raises(AssertionError, match=r"READY=1[\s\S]*start 1[\s\S]*exit code 3"), fake("x"):
        pass


def test_one_that_never_gets_ready_is_told():
    with pytest.raises(AssertionError, match=r"no READY=1 to systemd within 0\.3"), fake("r", ready_within_s=0.3):
        pass


def test_one_that_exits_by_itself_fails_the_test_unless_expected():
    with pytest.raises(AssertionError, match="exited by itself with code 4"), fake("l") as station:
        station.wait_log("exit code")
    with fake("l") as station:
        assert station.expect_exit() == 4


def test_one_that_is_deaf_to_sigterm_fails_and_is_killed():
    with fake("d") as station:
        with pytest.raises(AssertionError, match="did not end"):
            station.terminate(timeout=0.2)
        station.kill()
    assert "exit code -9" in station.log


def test_a_traceback_in_the_log_fails_the_test_unless_allowed():
    with pytest.raises(AssertionError, match="a traceback in the log"), fake("t"):
        pass
    with fake("t") as station:
        station.allow_tracebacks = True


def test_the_test_station_has_the_keys_of_the_demo_station():
    made = ac_station("ws://127.0.0.1:9180/ocpp", evses=2, security_profile=1, password="bench-password-1")
    demo = tomllib.loads((ROOT / "etc/demo.toml").read_text(encoding="utf-8"))
    assert made.keys() == demo.keys()
    for section in ("station", "csms", "drivers", "control"):
        assert made[section].keys() == demo[section].keys()
    for section in ("evse", "reader", "display"):
        assert [each.keys() for each in made[section]] == [each.keys() for each in demo[section]]


SCALARS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.one_of(SCALARS, st.lists(SCALARS))
TABLES = st.recursive(
    st.dictionaries(KEYS, VALUES, max_size=4),
    lambda inner: st.dictionaries(KEYS, VALUES | inner | st.lists(inner, min_size=1, max_size=3), max_size=4),
    max_leaves=8,
)


@given(TABLES)
def test_what_is_written_as_toml_is_read_back(table):
    assert tomllib.loads(toml.dumps(table)) == table
