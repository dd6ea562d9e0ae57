"""What is asked for, or becomes known, while a reset is under way after which the transaction is to go on (2.1 B13)."""

from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.reset import FLUSH_S, LISTEN_S, RETRY_S
from tests.core.test_reset_and_resume import TIMEOUT, Watched, charging, one_piece, opens, reset
from tests.core.world import NOON, World, check_records


def held_up(version: str) -> Watched:
    """The reset of EVSE 1 lasts as long as its devices cannot be made safe."""
    w = charging(version, {"OCPPCommCtrlr.ResetRetries": "9"})
    w.unsafe[1] = "contactor: no answer"
    assert reset(w, 1) == "Accepted"
    w.after(1)
    return w


@pytest.mark.parametrize("stops", [True, False])
def test_one_of_the_evse_that_would_wait_for_its_end_does_not_replace_it(version: str, stops: bool) -> None:
    w = charging(version, {"OCPPCommCtrlr.ResetRetries": "9"})
    if stops:
        w.welded.add(1)
    else:
        w.unsafe[1] = "contactor: no answer"
    reset(w, 1)
    w.after(1)
    assert w.ask(c.Reset(on_idle=True, evse_id=1)).status == "Scheduled"
    if stops:
        opens(w)
    w.unsafe.clear()
    w.after(RETRY_S + 1)
    assert w.on[1]
    one_piece(w)


@pytest.mark.parametrize("whose", ["the CSMS", "the station itself"])
def test_a_restart_that_is_to_wait_for_its_end_does_so(version: str, whose: str) -> None:
    w = held_up(version)
    if whose == "the CSMS":
        assert w.ask(c.Reset(on_idle=True)).status == "Scheduled"
    else:
        w.tell(e.DamageMet("a record"))
    w.after(2 * RETRY_S)
    assert not w.restarts
    assert False not in [locked for _, locked, _ in w.bolts], "nor is its plug let go for that"
    w.unsafe.clear()
    w.after(RETRY_S + 1)
    assert w.on[1]
    w.present("CARD1", 1).after(FLUSH_S + 1)
    assert w.restarts
    one_piece(w, "Started Updated Ended")


@pytest.mark.parametrize("evse", [0, 1])
def test_said_again_it_is_one_interruption_and_the_plug_is_let_go_once(version: str, evse: int) -> None:
    w = charging(version)
    w.mute_records = True
    w.bolts.clear()
    reset(w)
    w.after(1)
    reset(w, evse)
    w.after(1)
    assert w.bolts == [(1, False, 0)]
    assert [r.trigger for r in w.records].count("ResetCommand") == 1
    w.after(2 * FLUSH_S)
    assert w.restarts


@pytest.mark.parametrize("resumes", [True, False])
def test_devices_that_are_asked_anew_as_it_is_are_not_asked_twice(version: str, resumes: bool) -> None:
    w = SlowDevices(version).online()
    w.plug().present("CARD1", 1).after(100)
    reset(w, 1)
    w.after(1)
    assert w.ask(c.Reset(on_idle=False, evse_id=1, resumes=resumes)).status == "Accepted"
    w.after(1)
    w.answer_now()
    w.after(LISTEN_S)
    assert w.renewed == [1]
    assert not w.station.evses[1].resetting
    assert w.on[1] is resumes
    check_records(w.records)


class SlowDevices(World):
    """They are made anew when the test says so."""

    def __init__(self, version: str) -> None:
        self.asked: list[f.RestartEvse] = []
        super().__init__(version)

    def _obey(self, effect: Any) -> None:
        if isinstance(effect, f.RestartEvse):
            self.asked.append(effect)
        else:
            super()._obey(effect)

    def answer_now(self) -> None:
        for effect in self.asked:
            super()._obey(effect)
        self._run()


@pytest.mark.parametrize("interrupted", [True, False])
def test_one_that_waits_for_an_installation_ends_what_runs_afterwards(version: str, interrupted: bool) -> None:
    w = charging(version)
    if interrupted:
        w.welded.add(1)
        reset(w)
    installing = True
    w.station.resets.not_now = lambda: installing
    assert w.ask(c.Reset(on_idle=False)).status == "Scheduled"
    if interrupted:
        opens(w)
    w.after(60)
    assert w.station.evses[1].running
    assert not w.restarts
    installing = False
    w.after(FLUSH_S + 1)
    assert w.restarts == [f.Restart(False, "RemoteReset")]
    assert one_piece(w, "Started Updated Ended")[-1].stopped_reason == "ImmediateReset"


@pytest.mark.parametrize("resumes", [True, False])
def test_a_dip_of_the_grid_does_not_make_it_keep_out_who_comes_before_it_begins(version: str, resumes: bool) -> None:
    w = charging(version)
    w.station.resets.not_now = lambda: True
    assert w.ask(c.Reset(on_idle=False, resumes=resumes)).status == "Scheduled"
    w.tell(e.GridChanged(lost=True))
    w.tell(e.GridChanged(lost=False))
    assert w.plug(2).present("CARD2", 2).after(5).on[2]


@pytest.mark.parametrize("dark_s", [100.0, 900.0])
def test_a_time_that_becomes_known_meanwhile_brings_no_energy_before_the_restart(version: str, dark_s: float) -> None:
    w = charging(version, {TIMEOUT: "600"}).after(20)
    w.wall = 0.0
    w.cut(dark_s)
    w.dumb.add((1, 1))
    w.tell(e.ControlAsked(1, c.Reset(on_idle=False, resumes=True)))
    assert w.station.evses[1].interrupting == "LettingGo"
    w.wall = NOON
    for _ in range(int(FLUSH_S) - 1):
        w.after(1)
        assert not w.station.evses[1].power_asked
    w.dumb.clear()
    w.after(10)
    assert w.restarts
    w.online().after(10)
    one_piece(w, "Started Updated" if dark_s == 100 else "Started Updated Ended")
    assert w.on[1] is (dark_s == 100)
