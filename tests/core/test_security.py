"""What endangers the station is written down, and the CSMS hears of it for certain (A04)."""

from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core import security
from chargepointd.core.context import Step
from tests.core.world import NOON, World


class Attacked(World):
    """Whose CSMS may not want to hear of security events."""

    code = ""

    def _receive(self, call: f.SendCall) -> None:
        if self.code and isinstance(call.message, m.SecurityEvent):
            self.received.append((call.message_id, call.message))
            if self.code != "Timeout":
                self._queue.append(e.CallRefused(call.message_id, self.code, "by a test"))
            return
        super()._receive(call)


def happened(w: World, kind: str, info: str = "") -> None:
    """In a step of its own, as a topic would say it."""
    w.station._handlers[e.Ticked] = lambda _, step: w.station.context.happened(kind, info, step)  # type: ignore[assignment]
    w.tell(e.Ticked())
    w.station._handlers[e.Ticked] = w.station._ticked


def kinds(w: World) -> list[str]:
    return [event.kind for event in w.told(m.SecurityEvent)]


def log(w: World) -> list[tuple[str, str]]:
    w.tell(e.ControlAsked(7, c.ShowSecurityLog(1000)))
    return [(entry.kind, entry.message_id) for entry in w.station.security.between(None, None)]


def test_a_critical_event_is_told_and_any_event_is_logged() -> None:
    w = World("2.0.1").online()
    happened(w, "TamperDetectionActivated", "lid open")
    happened(w, "FailedToAuthenticateAtCsms", "401")
    assert kinds(w) == ["StartupOfTheDevice", "TamperDetectionActivated"]
    assert w.told(m.SecurityEvent)[-1].info == "lid open"
    assert log(w) == [("StartupOfTheDevice", ""), ("TamperDetectionActivated", ""), ("FailedToAuthenticateAtCsms", "")]


def test_what_happened_offline_is_told_later_in_order_with_its_own_time(version: str) -> None:
    w = World(version).online().offline()
    happened(w, "TamperDetectionActivated")
    at = w.utc
    w.after(3600)
    happened(w, "InvalidCsmsCertificate", "expired")
    w.online()
    assert kinds(w)[1:] == ["TamperDetectionActivated", "InvalidCsmsCertificate"]
    assert w.told(m.SecurityEvent)[1].at == pytest.approx(at, abs=1)


def test_what_was_not_told_is_told_after_a_power_cut_under_the_same_id() -> None:
    w = Attacked("2.0.1").online()
    w.code = "Timeout"
    happened(w, "TamperDetectionActivated")
    w.code = ""
    w.cut()
    w.online()
    ids = {id for id, message in w.received if getattr(message, "kind", "") == "TamperDetectionActivated"}
    assert len(ids) == 1
    assert kinds(w)[-2:] == ["TamperDetectionActivated", "StartupOfTheDevice"]
    assert all(not message_id for _, message_id in log(w))


def test_a_csms_that_refuses_an_event_three_times_has_no_third_of_the_station_s_time() -> None:
    w = Attacked("2.0.1").online()
    w.code = "InternalError"
    happened(w, "TamperDetectionActivated")
    w.plug().present("AAAA1111", 1).after(1000)
    assert kinds(w).count("TamperDetectionActivated") == 3
    assert w.delivered() == w.records
    assert log(w)[-1] == ("TamperDetectionActivated", "")


def test_a_csms_that_does_not_know_security_events_is_asked_once(version: str) -> None:
    w = Attacked(version)
    w.code = "NotImplemented"
    w.online().after(1000)
    assert kinds(w) == ["StartupOfTheDevice"]


def test_a_csms_that_does_not_answer_gets_it_again_while_all_else_goes_on() -> None:
    w = Attacked("2.0.1").online()
    w.code = "Timeout"
    happened(w, "TamperDetectionActivated")
    w.plug().present("AAAA1111", 1).after(3600)
    assert 3 <= kinds(w).count("TamperDetectionActivated") <= 7
    assert w.delivered() == w.records
    w.code = ""
    w.after(4000)
    assert log(w)[-1] == ("TamperDetectionActivated", "")


def test_events_that_are_not_to_be_told_are_logged(version: str) -> None:
    w = Attacked(version).online()
    w.set(security.SILENT, "true")
    happened(w, "TamperDetectionActivated")
    w.after(100)
    assert kinds(w) == ["StartupOfTheDevice"]
    assert log(w)[-1] == ("TamperDetectionActivated", "")
    w.set(security.SILENT, "false")
    happened(w, "MemoryExhaustion")
    assert kinds(w)[-1] == "MemoryExhaustion"


def test_the_log_is_a_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "KEPT", 5)
    w = World("2.0.1")
    for number in range(8):
        happened(w, "TamperDetectionActivated", str(number))
    w.online()
    assert [event.info for event in w.told(m.SecurityEvent)] == ["3", "4", "5", "6", "7"]
    assert len(log(w)) == 5


def test_an_answer_may_come_when_the_ring_has_gone_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "KEPT", 5)
    w = World("2.0.1").online()
    w.slow = True
    for number in range(8):
        happened(w, "TamperDetectionActivated", str(number))
    w.slow = False
    w.answer().after(100)
    assert kinds(w)[-1] == "TamperDetectionActivated"
    assert [event.info for event in w.told(m.SecurityEvent)][-5:] == ["3", "4", "5", "6", "7"]


def test_what_was_logged_before_the_clock_was_known_gets_its_time() -> None:
    w = World("2.0.1", wall=0.0)
    booted = NOON + w.mono
    w.after(50).online()
    entry = w.station.security.between(None, None)[0]
    assert entry.kind == "StartupOfTheDevice"
    assert entry.stamp.at == pytest.approx(booted, abs=1)
    assert w.disk.security[1].stamp.at == pytest.approx(booted, abs=1)
    assert kinds(w) == ["StartupOfTheDevice", "SettingSystemTime"]


def test_a_small_correction_of_the_clock_is_no_event() -> None:
    w = World("2.0.1", wall=NOON + 19).online()
    assert abs(w.station.context.clock.utc(w.mono) - w.utc) < 0.01
    assert kinds(w) == ["StartupOfTheDevice"]


def test_a_correction_that_counts_is_told_with_both_times(version: str) -> None:
    w = World(version, wall=NOON + 3600).online()
    assert [event.kind for event in w.told(m.SecurityEvent)] == ["StartupOfTheDevice", "SettingSystemTime"]
    assert w.told(m.SecurityEvent)[-1].info == (
        "from 2027-01-15T09:16:40Z to 2027-01-15T08:16:40Z by the CSMS (-3600.0 s)"
    )


def test_a_new_password_is_written_down_without_it() -> None:
    w = World("2.0.1").online()
    w.set("SecurityCtrlr.OrganizationName", "Stadtwerke")
    assert log(w)[-1] == ("ReconfigurationOfSecurityParameters", "")
    assert w.station.security.between(None, None)[-1].info == "SecurityCtrlr.OrganizationName"


def test_invalid_messages_are_counted_not_each_written_down() -> None:
    w = World("2.0.1").online()
    for _ in range(50):
        w.tell(e.MessageInvalid("no JSON"))
    w.after(700)
    w.tell(e.MessageInvalid("no JSON either"))
    infos = [x.info for x in w.station.security.between(None, None) if x.kind == "InvalidMessages"]
    assert infos == ["no JSON", "no JSON either (and 49 more before)"]


def test_the_log_between_two_moments() -> None:
    w = World("2.0.1").after(100)
    happened(w, "InvalidMessages", "a")
    w.after(100)
    happened(w, "InvalidMessages", "b")
    first = w.station.security.between(None, w.utc - 50)
    assert [entry.info for entry in first if entry.kind == "InvalidMessages"] == ["a"]
    assert [entry.info for entry in w.station.security.between(w.utc - 50, None)] == ["b"]


def test_a_technician_sees_the_newest() -> None:
    shown: list[Any] = []
    w = World("2.0.1")
    w.station._commands[c.ShowSecurityLog](c.ShowSecurityLog(1), Step(w.mono, w.utc), lambda r, _: shown.append(r.data))
    assert shown[0]["kept"] == 1
    assert shown[0]["events"][0] | {"at": 0} == {
        "id": 1, "at": 0, "kind": "StartupOfTheDevice", "info": "PowerUp", "state": "waiting",
    }  # fmt: skip


def test_a_log_that_was_lost_is_itself_an_event() -> None:
    w = World("2.0.1")
    saved = w.disk.saved()._replace(security=(), damaged=True, lost=("all that was kept",))
    w.disk.saved = lambda: saved  # type: ignore[method-assign]
    w.disk.state[security.LOST] = ["all that was kept"]
    w.cut()
    w.online()
    assert kinds(w) == ["SecurityLogWasCleared", "StateDamaged", "StartupOfTheDevice"]
    assert w.disk.state[security.LOST] is None, "it would be told again"
