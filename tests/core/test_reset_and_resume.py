"""A reset after which transactions go on (2.1 B13), of the station and of one EVSE."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core.charging.profiles import SetChargingProfile
from chargepointd.core.consequences import LAST_READING_S
from chargepointd.core.keeping import QUIET_S
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.reset import FLUSH_S, RETRY_S
from tests.core.deeds import QUIET
from tests.core.test_histories import check_statuses, profile
from tests.core.world import PLAN, World, check_records

TIMEOUT = "TxCtrlr.ResumptionTimeout"
ENERGY = "TxCtrlr.AllowEnergyTransferResumption"


class Watched(World):
    """Sees which plugs were let go and held, and when the meter moved."""

    def __init__(self, version: str, variables: dict[str, str] | None = None, **how: Any) -> None:
        self.bolts: list[tuple[int, bool, int]] = []
        """(boot, locked, restarts so far) as the lock of EVSE 1 was told"""
        super().__init__(version, variables, **how)

    def _obey(self, effect: Any) -> None:
        if isinstance(effect, f.MoveLock) and effect.evse_id == 1:
            self.bolts.append((self.boots, effect.locked, len(self.restarts)))
        super()._obey(effect)


def charging(version: str, variables: dict[str, str] | None = None, **how: Any) -> Watched:
    w = Watched(version, variables, **how).online()
    assert isinstance(w, Watched)
    w.plug().present("CARD1", 1).after(100)
    return w


def reset(w: World, evse: int = 0) -> str:
    """Its answer. A reset of the station is over when the world has come to rest."""
    return str(w.ask(c.Reset(on_idle=False, evse_id=evse, resumes=True)).status)


def opens(w: World) -> None:
    """The power path that did not."""
    w.welded.clear()
    w.on[1] = False
    w.tell(e.PowerSwitched(1, False))


def told_since(w: World, before: int) -> list[tuple[str, str]]:
    return [(r.trigger, r.charging_state) for r in w.records[before:]]


def one_piece(w: World, kinds: str = "Started Updated") -> list[TransactionRecord]:
    """One transaction in the books so far, with these kinds of records; its records."""
    check_records(w.records)
    assert {r.transaction_id for r in w.records} == {w.records[0].transaction_id}
    assert [kind for kind, _ in itertools.groupby(r.kind for r in w.records)] == kinds.split()
    return w.records


def registers(record: TransactionRecord) -> list[tuple[str, float]]:
    return [
        (value.context, sample.value)
        for value in record.values
        for sample in value.samples
        if sample.measurand == "Energy.Active.Import.Register"
    ]


# -- the answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evse", [0, 1])
def test_b13_fr_01_rejected_where_nothing_would_go_on(version: str, evse: int) -> None:
    w = charging(version, {TIMEOUT: "0"})
    assert reset(w, evse) == "Rejected"
    w.after(30)
    assert w.on[1]
    assert not w.restarts
    assert not w.renewed


@pytest.mark.parametrize("evse", [0, 1])
def test_what_could_not_be_kept_is_not_promised(version: str, evse: int) -> None:
    w = charging(version)
    w.tell(e.StorageFailed("the disk is full"))
    assert reset(w, evse) == "Rejected"
    assert w.ask(c.Reset(on_idle=False)).status == "Accepted"


def test_b13_fr_02_without_a_transaction_it_is_a_reset_like_any_other(version: str) -> None:
    w = Watched(version).online()
    assert reset(w) == "Accepted"
    w.after(FLUSH_S).online()
    assert w.restarts == [f.Restart(False, "RemoteReset")]
    assert [boot.reason for boot in w.told(m.Boot)] == ["PowerUp", "RemoteReset"]
    assert reset(w, 1) == "Accepted"
    w.after(1)
    assert w.renewed == [1]
    assert w.plug().present("CARD1", 1).after(5).on[1]


def test_b13_fr_03_with_transactions_it_is_accepted(version: str) -> None:
    assert reset(charging(version)) == "Accepted"
    assert reset(charging(version), 1) == "Accepted"


@pytest.mark.parametrize("evse", [-1, 3])
def test_an_evse_that_there_is_not_or_that_cannot(evse: int) -> None:
    assert reset(charging("2.0.1"), evse) == "Rejected"
    plan = PLAN._replace(evses=tuple(each._replace(allow_reset=False) for each in PLAN.evses))
    w = charging("2.0.1", plan=plan)
    assert reset(w, 1) == "Rejected"
    assert w.after(30).on[1]


# -- before it ---------------------------------------------------------------------------------------------------------


def test_b13_fr_04_each_transaction_is_told_once_with_the_meter_at_rest(version: str) -> None:
    w = charging(version).plug(2).present("CARD2", 2).after(10)
    before, boots = len(w.records), w.boots
    reset(w)
    told = [r for r in w.records[before:] if r.trigger == "ResetCommand"]
    assert [(r.evse_id, r.kind, r.charging_state) for r in told] == [
        (1, "Updated", "SuspendedEVSE"),
        (2, "Updated", "SuspendedEVSE"),
    ]
    for record in told:
        assert registers(record) == [("Interruption.Begin", w.register[record.evse_id])]
    w.after(10)
    assert w.boots == boots + 1
    assert w.on == {1: True, 2: True}


@pytest.mark.parametrize("evse", [0, 1])
def test_while_energy_still_flows_nothing_is_told_nor_reset(version: str, evse: int) -> None:
    w = charging(version)
    w.welded.add(1)
    before = len(w.records)
    reset(w, evse)
    w.after(LAST_READING_S - 1)
    assert "ResetCommand" not in [r.trigger for r in w.records[before:]]
    assert not w.restarts
    assert not w.renewed
    assert not w.station.evses[1].power_asked
    opens(w)
    shown = w.register[1]
    w.after(1)
    [told] = [r for r in w.records[before:] if r.trigger == "ResetCommand"]
    assert registers(told) == [("Interruption.Begin", shown)]


@pytest.mark.parametrize("evse", [0, 1])
@pytest.mark.parametrize("broken", ["welded", "meter_dead"])
def test_what_does_not_stop_or_says_nothing_is_not_waited_for_for_ever(version: str, evse: int, broken: str) -> None:
    w = charging(version)
    getattr(w, broken).add(1)
    before = len(w.records)
    reset(w, evse)
    w.after(LAST_READING_S + FLUSH_S + 6)
    record = w.records[before]
    assert (record.trigger, record.values) == ("ResetCommand", ()), "a register that was not read is not told"
    assert w.restarts or w.renewed
    check_records(w.records)


@pytest.mark.parametrize("dead", [False, True])
def test_where_no_energy_flowed_the_meter_is_read_all_the_same(version: str, dead: bool) -> None:
    w = charging(version).hunger(1, False).after(20)
    if dead:
        w.meter_dead.add(1)
    before, at = len(w.records), w.utc
    reset(w)
    w.after(LAST_READING_S)
    values = w.records[before].values
    assert w.records[before].trigger == "ResetCommand"
    assert not values if dead else values[0].at >= at, "an old reading tells nothing of now"


def test_energy_does_not_come_back_while_another_evse_is_waited_for(version: str) -> None:
    w = charging(version).plug(2).present("CARD2", 2).after(10)
    w.cut()
    w.online().after(5)
    w.welded.add(2)
    reset(w)
    for _ in range(int(LAST_READING_S) - 1):
        w.after(1)
        assert not w.station.evses[1].power_asked


@pytest.mark.parametrize("evse", [0, 1])
@pytest.mark.parametrize("points", ["PowerPathClosed", "EnergyTransfer", "EVConnected,DataSigned"])
def test_energy_that_a_reset_stops_ends_nothing_whatever_the_stop_points(evse: int, points: str) -> None:
    w = charging("2.0.1", {"TxCtrlr.TxStopPoint": points})
    reset(w, evse)
    w.after(10).online().after(10)
    one_piece(w)
    assert w.on[1]


@pytest.mark.parametrize("evse", [0, 1])
def test_a_fault_meanwhile_ends_what_it_would_end_at_any_time(evse: int) -> None:
    w = charging("2.0.1", {"TxCtrlr.TxStopPoint": "PowerPathClosed"})
    w.welded.add(1)
    reset(w, evse)
    w.break_(1)
    opens(w)
    w.after(LAST_READING_S)
    ended = [r for r in w.records if r.kind == "Ended"]
    assert [r.stopped_reason for r in ended] == ["GroundFault"]
    assert "ResetCommand" not in [r.trigger for r in w.records]


@pytest.mark.parametrize("how", ["card", "remote", "unplug"])
@pytest.mark.parametrize("evse", [0, 1])
def test_who_ends_it_before_the_reset_has_ended_it(version: str, evse: int, how: str) -> None:
    w = charging(version)
    w.welded.add(1)
    w.meter_dead.add(1)
    reset(w, evse)
    w.after(1)
    if how == "card":
        w.present("CARD1", 1)
    elif how == "remote":
        assert w.ask_stop(1).status == "Accepted"
    else:
        w.unplug()
    w.meter_dead.clear()
    opens(w)
    w.after(FLUSH_S + 1)
    records = one_piece(w, "Started Updated Ended")
    assert records[-1].stopped_reason == {"card": "Local", "remote": "Remote", "unplug": "EVDisconnected"}[how]
    assert w.restarts or w.renewed
    w.online().unplug().after(1).plug().present("CARD2", 1).after(5)
    assert w.on[1], "and the next one may charge"


@pytest.mark.parametrize("evse", [0, 1])
def test_nobody_begins_meanwhile(version: str, evse: int) -> None:
    w = charging(version)
    w.welded.add(1)
    reset(w, evse)
    w.plug(2).present("CARD2", 2).after(1)
    assert w.on[2] is (evse == 1), "another EVSE is none of this one's business"
    assert w.station.evses[2].running is (evse == 1)


def test_somebody_who_was_about_to_begin_does_so_afterwards() -> None:
    w = Watched("2.0.1", {"TxCtrlr.TxStartPoint": "EnergyTransfer"}).online()
    w.hunger(1, False).plug().present("CARD1", 1)
    assert w.station.evses[1].power_asked
    for evse in (1, 0):
        reset(w, evse)
        w.after(FLUSH_S).online()
        assert w.station.evses[1].session.authorized
    assert w.restarts
    w.hunger(1, True).after(1)
    assert w.on[1]


def test_an_installation_is_not_cut_off_and_costs_no_energy_meanwhile(version: str) -> None:
    w = charging(version)
    installing = True
    w.station.resets.not_now = lambda: installing
    assert reset(w) == "Scheduled"
    w.after(60)
    assert w.on[1]
    installing = False
    w.after(30).online()
    assert w.restarts
    assert w.on[1]
    one_piece(w)


# -- one EVSE ----------------------------------------------------------------------------------------------------------


def test_b13_fr_10_11_its_energy_stops_and_it_alone_is_reset(version: str) -> None:
    w = charging(version).plug(2).present("CARD2", 2).after(10)
    w.unsafe[1] = "contactor: no answer"  # so that the moment lasts
    reset(w, 1)
    w.after(1)
    assert w.on == {1: False, 2: True}
    assert w.renewed == [1]
    assert not w.restarts
    assert "Unavailable" not in [s.status for s in w.told(m.StatusChanged)], "it is in use"
    assert w.bolts == [(1, True, 0)], "nobody is let go: it takes a moment only"


def test_b13_fr_12_its_transaction_goes_on_even_past_the_timeout(version: str) -> None:
    w = charging(version, {TIMEOUT: "1", "OCPPCommCtrlr.ResetRetries": "3"})
    w.unsafe[1] = "contactor: no answer"
    reset(w, 1)
    w.after(2.5 * RETRY_S)
    assert not w.on[1]
    w.unsafe.clear()
    w.after(RETRY_S)
    assert w.on[1]
    one_piece(w)


def test_b13_fr_13_energy_comes_back_without_a_delay(version: str) -> None:
    w = charging(version, {"TxCtrlr.ResumptionMaxDelay": "3600"})
    reset(w, 1)
    w.after(1)
    assert w.on[1], "the delay is for many stations at one grid that comes back"
    one_piece(w)


@pytest.mark.parametrize("evse", [0, 1])
def test_b13_fr_14_25_energy_that_may_not_come_back_does_not(version: str, evse: int) -> None:
    w = charging(version, {ENERGY: "false"})
    reset(w, evse)
    for _ in range(2):
        w.after(10).online().after(100)
        assert not w.on[1]
        assert w.records[-1].charging_state == "SuspendedEVSE"
        reset(w, evse)
    w.after(10).online().set(ENERGY, "true").after(31)
    assert w.on[1]
    one_piece(w)


def test_b13_fr_14_two_resets_do_not_bring_it_back_either(version: str) -> None:
    w = charging(version, {ENERGY: "false", "OCPPCommCtrlr.ResetRetries": "1"})
    w.unsafe[1] = "contactor: no answer"
    reset(w, 1)
    w.after(1)
    reset(w, 1)
    w.unsafe.clear()
    w.after(RETRY_S + 10)
    assert w.station.evses[1].running
    assert not w.on[1]


@pytest.mark.parametrize("evse", [0, 1])
def test_a_car_that_took_nothing_may_begin_afterwards(version: str, evse: int) -> None:
    w = charging(version, {ENERGY: "false"}).hunger(1, False).after(20)
    assert w.records[-1].charging_state == "SuspendedEV"
    reset(w, evse)
    w.after(20).online()
    assert w.records[-1].charging_state == "SuspendedEV"
    assert w.hunger(1, True).on[1]


def test_what_fails_for_good_leaves_a_transaction_without_energy(version: str) -> None:
    w = charging(version)
    w.unsafe[1] = "contactor: no answer"
    reset(w, 1)
    w.after(60)
    assert w.station.evses[1].running
    assert not w.station.evses[1].power_asked, "nobody has seen the car"
    w._tell_all(1)  # its driver is back
    assert w.on[1]
    assert "TxResumed" in [r.trigger for r in one_piece(w)]


# -- the station -------------------------------------------------------------------------------------------------------


def test_b13_fr_20_21_22_the_plug_is_let_go_for_the_restart_and_held_again(version: str) -> None:
    w = charging(version)
    w.bolts.clear()
    reset(w)
    w.after(FLUSH_S)
    assert w.bolts == [(1, False, 0), (2, True, 1)], "let go when all energy had stopped, and held when it was back"
    assert w.restarts == [f.Restart(False, "RemoteReset")]
    assert w.station.evses[1].locked[1]
    assert w.on[1]


def test_b13_fr_20_a_plug_is_not_let_go_while_energy_flows_anywhere(version: str) -> None:
    w = charging(version).plug(2).present("CARD2", 2).after(10)
    w.bolts.clear()
    w.welded.add(2)
    reset(w)
    w.after(LAST_READING_S - 1)
    assert not w.bolts


@pytest.mark.parametrize("trouble", ["dumb", "stuck"])
def test_a_lock_that_does_not_move_is_not_waited_for_for_ever(version: str, trouble: str) -> None:
    w = charging(version)
    getattr(w, trouble).add((1, 1))
    reset(w)
    w.after(FLUSH_S + 1)
    assert w.restarts
    getattr(w, trouble).clear()
    w.cut()
    assert w.on[1]
    one_piece(w)


def test_without_a_csms_it_is_the_lock_that_is_waited_for(version: str) -> None:
    w = charging(version)
    w.offline()
    w.dumb.add((1, 1))
    w.tell(e.ControlAsked(1, c.Reset(on_idle=False, resumes=True)))
    w.after(FLUSH_S - 1)
    assert w.bolts[-1] == (1, False, 0)
    assert not w.restarts
    w.tell(e.LockMoved(1, 1, locked=False))
    assert w.restarts


def test_what_ends_while_the_csms_is_waited_for_is_brought_to_its_end_first(version: str) -> None:
    w = charging(version)
    w.mute_records = True
    reset(w)
    w.after(1)
    w.meter_dead.add(1)
    w.present("CARD1", 1).after(FLUSH_S + 1)
    assert not w.restarts
    w.after(LAST_READING_S)
    assert w.restarts
    assert one_piece(w, "Started Updated Ended")[-1].stopped_reason == "Local"


def test_a_fixed_cable_is_not_let_go(version: str) -> None:
    fixed = PLAN.evses[0]._replace(connectors=(PLAN.evses[0].connectors[0]._replace(fixed_cable=True),))
    w = charging(version, plan=PLAN._replace(evses=(fixed, PLAN.evses[1])))
    reset(w)
    w.after(FLUSH_S)
    assert False not in [locked for _, locked, _ in w.bolts]
    assert w.on[1]


@pytest.mark.parametrize("dark_s", [0.0, 86_400.0])
@pytest.mark.parametrize("knows", [True, False])
def test_b13_fr_23_24_it_goes_on_even_past_the_timeout(version: str, dark_s: float, knows: bool) -> None:
    w = charging(version, {TIMEOUT: "60"})
    reset_in_the_dark(w, dark_s, knows=knows)
    assert w.on[1], "nobody has to tell the time first"
    w.online().after(100)
    assert w.on[1]
    one_piece(w)


def reset_in_the_dark(w: Watched, dark_s: float, *, knows: bool = True) -> None:
    """The power is cut while it restarts."""
    boot = w.boot

    def dark() -> None:
        w.boot = boot  # type: ignore[method-assign]
        w.wall = w.wall if knows else 0.0
        w.cut(dark_s)

    w.boot = dark  # type: ignore[method-assign]
    reset(w)
    w.after(FLUSH_S)
    assert w.restarts


def test_the_interruption_after_the_next_is_one_like_any_other(version: str) -> None:
    w = charging(version, {TIMEOUT: "60"})
    reset(w)
    w.after(FLUSH_S).online().after(60)
    assert w.on[1]
    w.cut(200)
    w.online()
    assert w.records[-1].stopped_reason == "PowerLoss"


def test_a_clock_that_is_put_right_afterwards_makes_it_not_too_late(version: str) -> None:
    w = charging(version, {TIMEOUT: "60"})
    w.wall -= 7200
    reset_in_the_dark(w, 3600)
    w.online().after(10)
    assert w.on[1]
    one_piece(w)


@pytest.mark.parametrize("evse", [0, 1])
def test_b13_fr_30_that_it_goes_on_is_told_as_txresumed(version: str, evse: int) -> None:
    w = charging(version)
    before = len(w.records)
    reset(w, evse)
    w.after(FLUSH_S)
    assert told_since(w, before) == [
        ("ResetCommand", "SuspendedEVSE"),
        ("TxResumed", "SuspendedEVSE"),
        ("ChargingStateChanged", "Charging"),
    ]
    reset(w.online(), evse)
    w.after(FLUSH_S)
    assert [trigger for trigger, _ in told_since(w, before)].count("TxResumed") == 2


def test_b13_fr_31_profiles_of_the_transaction_are_kept_here(version: str) -> None:
    w = charging(version)
    limits = profile(w, 5)._replace(evse_id=1, purpose="TxProfile", transaction_id=w.records[0].transaction_id)
    assert w.ask(SetChargingProfile(limits)).status == "Accepted"
    installed = w.station.profiles.installed
    reset(w)
    w.after(FLUSH_S).online()
    assert w.station.profiles.installed == installed


# -- the car, and those who come in between ----------------------------------------------------------------------------


def test_a_car_that_left_while_the_station_restarted_has_left(version: str) -> None:
    w = charging(version)
    boot = w.boot

    def leaves() -> None:
        w.boot = boot  # type: ignore[method-assign]
        w.plugged[1] = False
        boot()

    w.boot = leaves  # type: ignore[method-assign]
    reset(w)
    w.after(FLUSH_S).online().after(1)
    ended = one_piece(w, "Started Updated Ended")[-1]
    assert (ended.trigger, ended.stopped_reason) == ("EVCommunicationLost", "EVDisconnected")
    assert ended.energy_wh == w.register[1]
    assert w.statuses[(1, 1)] == "Available"


def test_a_car_that_left_while_its_evse_was_reset_has_left(version: str) -> None:
    w = charging(version, {"OCPPCommCtrlr.ResetRetries": "1"})
    w.unsafe[1] = "contactor: no answer"
    reset(w, 1)
    w.after(1)
    w.plugged[1] = False
    del w.unsafe[1]
    w.after(RETRY_S + 1)
    ended = one_piece(w, "Started Updated Ended")[-1]
    assert (ended.trigger, ended.stopped_reason) == ("EVCommunicationLost", "EVDisconnected")
    assert w.statuses[(1, 1)] == "Available"


def test_a_car_that_left_the_bay_meanwhile_has_left() -> None:
    plan = PLAN._replace(evses=tuple(each._replace(bay_sensor=True) for each in PLAN.evses))
    points = {"TxCtrlr.TxStartPoint": "ParkingBayOccupancy", "TxCtrlr.TxStopPoint": "ParkingBayOccupancy"}
    w = Watched("2.0.1", points, plan=plan).online().drive_in().after(10)
    boot = w.boot

    def leaves() -> None:
        w.boot = boot  # type: ignore[method-assign]
        w.bays[1] = False
        boot()

    w.boot = leaves  # type: ignore[method-assign]
    reset(w)
    w.after(FLUSH_S).online().after(LAST_READING_S)
    ended = one_piece(w, "Started Updated Ended")[-1]
    assert (ended.trigger, ended.stopped_reason) == ("EVDeparted", "Local")


@pytest.mark.parametrize("evse", [0, 1])
def test_a_transaction_without_its_car_goes_on_where_it_may(evse: int) -> None:
    w = charging("2.0.1", {"TxCtrlr.StopTxOnEVSideDisconnect": "false", "TxCtrlr.TxStopPoint": "Authorized"})
    w.unplug_at_car().after(5)
    before = len(w.records)
    reset(w, evse)
    w.after(FLUSH_S).online()
    assert told_since(w, before) == [("ResetCommand", "Idle"), ("TxResumed", "Idle")]
    w.plug().after(5)
    assert w.on[1]
    one_piece(w)


def test_one_that_waits_for_its_evse_goes_on_waiting() -> None:
    w = Watched("2.0.1", {"TxCtrlr.TxStartPoint": "Authorized"}).online()
    w.present("CARD1")
    assert [r.kind for r in w.records] == ["Started"]
    reset(w)
    w.after(FLUSH_S).online()
    assert [r.trigger for r in w.records] == ["Authorized", "ResetCommand", "TxResumed"]
    w.plug(2).after(10)
    assert w.on[2]
    assert not w.station.evses[2].session.transaction.interrupted
    one_piece(w)


def test_a_reset_that_waits_for_everybody_to_leave_does_not_hold_up_this_one(version: str) -> None:
    w = charging(version)
    assert w.ask(c.Reset(on_idle=True)).status == "Scheduled"
    w.welded.add(1)
    reset(w)
    assert w.ask(c.Reset(on_idle=True)).status == "Scheduled"
    w.after(LAST_READING_S + FLUSH_S)
    assert w.restarts == [f.Restart(False, "RemoteReset")]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("second", [0, 1])
def test_two_in_succession_are_one_interruption(version: str, first: int, second: int) -> None:
    w = charging(version, {"OCPPCommCtrlr.ResetRetries": "3"})
    w.welded.add(1)
    w.unsafe[1] = "contactor: no answer"
    reset(w, first)
    w.after(1)
    reset(w, second)
    opens(w)
    w.after(1)
    w.unsafe.clear()
    w.after(3 * FLUSH_S + RETRY_S).online().after(10)
    assert bool(w.restarts) is (0 in (first, second))
    assert w.on[1]
    one_piece(w)


def test_an_evse_whose_own_reset_is_over_waits_for_that_of_the_station(version: str) -> None:
    w = charging(version, {"OCPPCommCtrlr.ResetRetries": "1"}).plug(2).present("CARD2", 2).after(10)
    w.unsafe[1] = "contactor: no answer"
    reset(w, 1)
    w.after(1)
    w.welded.add(2)
    reset(w)
    w.unsafe.clear()
    w.after(RETRY_S + 1)
    assert (w.renewed, w.on) == ([1, 1], {1: False, 2: True})
    w.after(LAST_READING_S)
    assert w.restarts


@pytest.mark.parametrize("evse", [0, 1])
def test_a_reset_now_ends_what_another_had_only_interrupted(version: str, evse: int) -> None:
    w = charging(version)
    w.welded.add(1)
    reset(w, evse)
    w.ask(c.Reset(on_idle=False, evse_id=evse))
    opens(w)
    w.after(LAST_READING_S)
    ended = one_piece(w, "Started Updated Ended")[-1]
    assert (ended.trigger, ended.stopped_reason) == ("ResetCommand", "ImmediateReset")
    assert w.restarts or w.renewed


def test_a_grid_that_goes_meanwhile_ends_it(version: str) -> None:
    w = charging(version)
    w.welded.add(1)
    reset(w)
    w.tell(e.GridChanged(lost=True))
    w.after(2)
    opens(w)
    w.after(FLUSH_S)
    assert one_piece(w, "Started Updated Ended")[-1].stopped_reason == "PowerLoss"


def test_what_may_be_too_late_is_not_made_timely_by_a_reset(version: str) -> None:
    w = charging(version, {TIMEOUT: "600"}).after(20)
    w.wall = 0.0
    w.cut(900)
    before = len(w.records)
    w.tell(e.ControlAsked(1, c.Reset(on_idle=False, resumes=True)))
    assert w.replies["local"].status == "Accepted"
    w.after(FLUSH_S)
    assert w.restarts
    assert "ResetCommand" not in [r.trigger for r in w.records[before:]]
    w.online().after(10)
    assert w.records[-1].stopped_reason in ("PowerLoss", "Reboot")
    assert not w.on[1]


# -- in any order ------------------------------------------------------------------------------------------------------

STOP_POINTS = ("PowerPathClosed", "EnergyTransfer", "EVConnected", "Authorized")


def disk_is_back(w: World) -> None:
    if not w.station.context.keeps:
        w.tell(e.StorageSound())


def installs(w: World, installing: bool) -> None:
    """Until the next start."""
    w.station.resets.not_now = lambda: installing


DEEDS: dict[str, Callable[[World, int], object]] = QUIET | {
    "card": lambda w, n: w.present(f"CARD{1 + n % 2}", 1 + n % 2),
    "full": lambda w, n: w.hunger(1 + n % 2, False),
    "hungry": lambda w, n: w.hunger(1 + n % 2, True),
    "remote stop": lambda w, n: w.ask_stop(1 + n % 2),
    "reset": lambda w, n: w.ask(c.Reset(on_idle=n % 2 == 0, evse_id=n // 2 % 3)),
    "reset and resume": lambda w, n: w.ask(c.Reset(on_idle=False, evse_id=n % 3, resumes=True)),
    "local stop": lambda w, n: w.tell(e.ControlAsked(1, c.StopLocally(1 + n % 2))),
    "unlock": lambda w, n: w.ask(c.UnlockConnector(1, 1)),
    "cannot be made safe": lambda w, n: w.unsafe.update({1 + n % 2: "no answer"}),
    "can be made safe": lambda w, n: w.unsafe.clear(),
    "the disk fails": lambda w, n: w.tell(e.StorageFailed("full")),
    "the disk is back": lambda w, n: disk_is_back(w),
    "installing": lambda w, n: installs(w, n % 2 == 0),
    "stop point": lambda w, n: w.configure("TxCtrlr.TxStopPoint", STOP_POINTS[n % len(STOP_POINTS)]),
    "cut": lambda w, n: w.cut(10.0 * n),
    "cut at once": lambda w, n: w.cut_at_once(),
    "cut before a commit": lambda w, n: w.cut_in(1 + n % 5, committed=False),
    "cut after a commit": lambda w, n: w.cut_in(1 + n % 5, committed=True),
    "welds": lambda w, n: w.welded.add(1 + n % 2),
    "meter dies": lambda w, n: w.meter_dead.add(1 + n % 2),
    "lock jams": lambda w, n: w.stuck.add((1, 1)),
    "the grid goes": lambda w, n: w.tell(e.GridChanged(lost=True)),
    "the grid comes": lambda w, n: w.tell(e.GridChanged(lost=False)),
    "interruptions may take so long": lambda w, n: w.configure(TIMEOUT, str(n % 3 * 100)),
    "energy after a while": lambda w, n: w.configure("TxCtrlr.ResumptionMaxDelay", str(n % 60)),
    "1970": lambda w, n: setattr(w, "wall", 0.0),
    "offline": lambda w, n: w.offline(),
    "online": lambda w, n: w.online(),
}


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@given(history=st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, 59)), max_size=30))
@settings(max_examples=100)
def test_whatever_comes_in_between_nobody_is_left_without_energy(version: str, history: list[tuple[str, int]]) -> None:
    w = charging(version, {"OCPPCommCtrlr.ResetRetries": "2", "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"})
    for deed, n in history:
        DEEDS[deed](w, n)
        check_statuses(w)
    w.cut_in(0, committed=False)
    installs(w, False)
    disk_is_back(w)
    for broken in (w.unsafe, w.meter_dead, w.stuck):
        broken.clear()
    for evse in sorted(w.welded):
        w.welded.discard(evse)
        w._appetite(evse)
    w.tell(e.GridChanged(lost=False))
    for evse in (1, 2):
        w.mend(evse)
        w.tell(e.FaultCleared(evse, "ConnectorLockFailure", "connector 1"))
        w.hunger(evse, True)
    w.after(100 + QUIET_S[1]).online().after(100)
    assert not w.station.context.restarting, "what was accepted has taken place"
    for evse, there in w.station.evses.items():
        assert not (there.interrupting or there.held_back or there.resetting)
        if there.transaction and there.plugged and there.session.authorized:
            assert not there.transaction.interrupted
            assert w.on[evse]
    check_records(w.records)
    assert w.delivered() == w.records


# -- power cuts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evse", [0, 1])
@pytest.mark.parametrize("committed", [False, True])
def test_a_power_cut_at_any_step_of_it_changes_nothing_in_the_books(version: str, evse: int, committed: bool) -> None:
    """Each step of the reset, and of the start after it, is cut once."""
    uncut = cut_at(version, evse, 0, committed=committed)
    for n in range(1, 60):
        w = cut_at(version, evse, n, committed=committed)
        billed = [(r.kind, r.energy_wh) for r in one_piece(w, "Started Updated Ended") if r.kind != "Updated"]
        assert [kind for kind, _ in billed] == ["Started", "Ended"]
        assert billed[-1][1] == w.register[1], "true to the meter"
        assert w.records[-1].stopped_reason == uncut.records[-1].stopped_reason == "Local"
        assert w.delivered() == w.records


def cut_at(version: str, evse: int, n: int, *, committed: bool) -> Watched:
    """The whole visit; the power is cut in the n-th step from the reset on."""
    w = charging(version, {TIMEOUT: "60"})
    w.cut_in(n, committed=committed)
    w.ask(c.Reset(on_idle=False, evse_id=evse, resumes=True))
    w.after(FLUSH_S).online().after(30)
    w.cut_in(0, committed=False)
    assert w.on[1], "it goes on"
    w.online().present("CARD1", 1).after(10).unplug().after(10)
    return w
