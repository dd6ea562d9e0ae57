"""The power is cut and comes back: what was billed is billed on, what was ended is ended, and the car may be gone."""

import pytest

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.values import Token
from chargepointd.daemon.assembly import Start, assembled
from chargepointd.dialects.dialect import VERSIONS
from tests.core.world import NOON, World, check_records


def charging(version: str, variables: dict[str, str] | None = None) -> World:
    return World(version, variables).online().plug().present("CARD1", 1).after(100)


def test_the_transaction_goes_on_when_the_car_is_still_there(version: str) -> None:
    w = charging(version)
    w.cut()
    w.online().after(100).present("CARD1", 1).after(10)
    check_records(w.records)
    assert len({record.transaction_id for record in w.records}) == 1
    assert w.records[-1].stopped_reason == "Local"
    assert w.delivered() == w.records


def test_no_energy_flows_before_the_pilot_has_spoken(version: str) -> None:
    w = charging(version)
    w.plugged[1] = False  # pulled in the dark
    w.cut()
    assert not w.station.evses[1].power_asked
    assert w.records[-1].kind == "Ended"
    assert (w.records[-1].trigger, w.records[-1].stopped_reason) == ("EVCommunicationLost", "PowerLoss")


def test_another_car_in_the_dark_is_not_charged_on_the_first_ones_card(version: str) -> None:
    w = charging(version).unplug().after(10)
    w.plugged[1] = True
    w.cut()
    assert not w.on[1]


@pytest.mark.parametrize("seconds", [0, 100])
def test_an_end_that_was_decided_is_brought_to_its_end(version: str, seconds: float) -> None:
    w = charging(version)
    w.meter_dead.add(1)
    w.welded.add(1)
    w.present("CARD1", 1).after(1)
    assert w.station.evses[1].transaction is not None
    w.welded.clear()
    w.meter_dead.clear()
    w.cut()
    w.online().after(seconds)
    ended = w.records[-1]
    assert (ended.kind, ended.trigger, ended.token) == ("Ended", "StopAuthorized", Token("CARD1"))
    assert not w.on[1]


def test_an_end_whose_meter_died_in_the_cut_takes_eight_seconds(version: str) -> None:
    w = charging(version)
    w.meter_dead.add(1)
    w.welded.add(1)
    w.present("CARD1", 1).after(1)
    w.cut()
    assert w.station.evses[1].transaction is not None
    w.after(9)
    assert w.records[-1].kind == "Ended"
    assert w.records[-1].energy_wh is not None, "as it was last known"


def test_a_visit_without_a_transaction_yet_goes_on(version: str) -> None:
    w = World(version, {"TxCtrlr.TxStartPoint": "EnergyTransfer"}).online()
    w.hunger(1, False).plug().present("CARD1", 1)
    w.cut()
    w.online().hunger(1, True)
    assert w.on[1]
    assert w.station.evses[1].running


def test_nothing_is_told_of_the_car_until_it_has_been_seen(version: str) -> None:
    w = charging(version)
    before = len(w.records)
    w.station, _ = assembled(Start(w.plan, w.configured, w.disk.saved(), VERSIONS[version], "again", w.now))
    effects = w.station.step(e.PoweredUp(), w.now)
    assert not [effect for effect in effects if isinstance(effect, f.SaveRecord)]
    w.cut()
    assert [record.charging_state for record in w.records[before:]] == ["SuspendedEVSE", "Charging"]


def test_the_car_gets_the_time_to_react_before_it_is_the_one_who_waits(version: str) -> None:
    w = charging(version)
    w.hungry[1] = False
    before = len(w.records)
    w.cut()
    w.after(9)
    assert {record.charging_state for record in w.records[before:]} == {"SuspendedEVSE"}
    w.after(3)
    assert w.records[-1].charging_state == "SuspendedEV"
    assert w.station.deadline > w.mono, "and the station sleeps"


def test_the_number_that_the_csms_gave_survives() -> None:
    w = charging("1.6")
    w.cut()
    w.online()
    assert w.ask(c.RequestStop(reference=1)).status == "Accepted"
    assert {reference for record, reference in w.sent_with if record.kind != "Started"} == {1}


def test_what_was_set_survives(version: str) -> None:
    w = World(version).online().set("TxCtrlr.EVConnectionTimeOut", "33")
    w.cut()
    assert w.variables.integer("TxCtrlr.EVConnectionTimeOut") == 33


def test_ids_are_not_used_again(version: str) -> None:
    w = charging(version)
    for _ in range(3):
        w.present("CARD1", 1).after(10)
        w.cut()
        w.online().present("CARD1", 1).after(10)
    ids = [message_id for message_id, _ in w.received]
    assert len(ids) == len(set(ids))
    assert len({record.transaction_id for record in w.records}) == 4


# -- resume or end, as configured (2.1 E17) ----------------------------------------------------------------------------


def interrupted(version: str, dark_s: float, **variables: str) -> World:
    """variables: of TxCtrlr. A sample has just been told when the power is cut."""
    w = charging(version, {f"TxCtrlr.{name}": value for name, value in variables.items()}).after(20)
    assert w.records[-1].values
    w.cut(dark_s)
    return w


def over(w: World, reason: str) -> bool:
    """Ended for this reason, as far as the books are concerned; and the next one who comes may charge."""
    ended = w.records[-1]
    assert not w.on[1]
    assert w.station.evses[1].transaction is None
    check_records(w.online().records)
    assert w.unplug().after(1).plug().present("CARD2", 1).after(5).on[1]
    return (ended.kind, ended.trigger, ended.stopped_reason) == ("Ended", "AbnormalCondition", reason)


def goes_on(w: World) -> bool:
    check_records(w.records)
    return w.on[1] and [r.kind for r in w.records].count("Started") == 1 and w.records[-1].kind == "Updated"


@pytest.mark.parametrize("knows", [True, False])
def test_by_default_it_goes_on_however_long_the_power_was_away(version: str, knows: bool) -> None:
    w = charging(version)
    w.wall = w.wall if knows else 0.0
    w.cut(30 * 86_400)
    assert w.on[1]
    assert goes_on(w.online())


def test_that_it_goes_on_is_told_with_the_state_of_the_car(version: str) -> None:
    w = charging(version)
    before = len(w.records)
    w.cut()
    told = [(r.trigger, r.charging_state) for r in w.records[before:]]
    assert told == [("TxResumed", "SuspendedEVSE"), ("ChargingStateChanged", "Charging")]
    w.plugged[1] = False
    w.cut()
    assert w.records[-1].kind == "Ended", "what is over has not been resumed"


def test_what_was_interrupted_for_longer_than_the_timeout_ends(version: str) -> None:
    assert goes_on(interrupted(version, 550, ResumptionTimeout="600"))
    assert over(interrupted(version, 650, ResumptionTimeout="600"), "PowerLoss")


def test_without_a_timeout_every_interruption_ends_it(version: str) -> None:
    assert over(interrupted(version, 0, ResumptionTimeout="0"), "PowerLoss")


def test_a_board_that_had_power_all_the_time_says_that_it_was_its_own_fault(version: str) -> None:
    w = charging(version, {"TxCtrlr.ResumptionTimeout": "0"}).after(20)
    w.boot()  # of the process alone
    assert over(w, "Reboot")


@pytest.mark.parametrize("dark_s", [300, 900])
def test_while_nobody_knows_how_long_it_was_no_energy_flows(version: str, dark_s: float) -> None:
    w = charging(version, {"TxCtrlr.ResumptionTimeout": "600"}).after(20)
    before, w.wall = len(w.records), 0.0
    w.cut(dark_s)
    w.after(100)
    assert not w.on[1]
    assert w.station.evses[1].running
    assert {record.charging_state for record in w.records[before:]} == {"SuspendedEVSE"}
    w.online().after(1)  # it tells the time
    assert goes_on(w) if dark_s == 300 else over(w, "PowerLoss")


def test_if_nobody_ever_tells_the_time_it_is_too_late_at_last(version: str) -> None:
    w = charging(version, {"TxCtrlr.ResumptionTimeout": "600"}).after(20)
    w.wall = 0.0
    w.cut(10)
    w.after(590)
    assert w.station.evses[1].running
    w.after(20)
    assert over(w, "PowerLoss")


def test_a_clock_that_was_never_known_says_nothing_of_the_interruption(version: str) -> None:
    w = World(version, {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true", "TxCtrlr.ResumptionTimeout": "600"}, wall=0.0)
    w.plug().present("CARD1", 1).after(100)
    assert w.on[1]
    w.cut(10)
    assert w.records[-1].stopped_reason == "PowerLoss"
    assert not w.on[1]


def test_a_clock_that_stood_still_meanwhile_is_found_out(version: str) -> None:
    w = charging(version, {"TxCtrlr.ResumptionTimeout": "600"}).after(20)
    w.wall -= 7200  # as the board's clock was when it was last written down
    w.cut(7210)
    assert goes_on(w)
    w.online().after(1)
    assert over(w, "PowerLoss")


def test_a_clock_that_is_put_back_behind_the_interruption_takes_nothing_back(version: str) -> None:
    w = World(version, {"TxCtrlr.ResumptionTimeout": "60"}, wall=NOON + 7200)
    w.timeless = True
    w.online().plug().present("CARD1", 1).after(100)
    w.cut(10)
    assert goes_on(w)
    w.timeless = False
    w.online().after(400)
    assert abs(w.station.utc - w.utc) < 1
    assert goes_on(w)


def test_what_goes_on_does_so_though_less_is_allowed_before_its_energy_comes(version: str) -> None:
    w = charging(version, {"TxCtrlr.ResumptionMaxDelay": "600"})
    w.wall = 0.0
    w.cut()
    w.configure("TxCtrlr.ResumptionTimeout", "60").after(600).online()
    assert goes_on(w)


def test_energy_that_may_not_come_back_does_not(version: str) -> None:
    w = interrupted(version, 10, AllowEnergyTransferResumption="false")
    for _ in range(2):
        w.online().after(100)
        assert not w.on[1]
        assert w.records[-1].charging_state == "SuspendedEVSE"
        w.cut()
    w.online().present("CARD1", 1).after(10)
    check_records(w.records)
    assert (w.records[-1].kind, w.records[-1].stopped_reason) == ("Ended", "Local")


def test_energy_that_is_allowed_again_comes_back(version: str) -> None:
    w = interrupted(version, 10, AllowEnergyTransferResumption="false")
    w.online().set("TxCtrlr.AllowEnergyTransferResumption", "true").after(31)
    assert goes_on(w)


def test_a_car_that_took_nothing_may_begin_after_the_interruption(version: str) -> None:
    w = charging(version, {"TxCtrlr.AllowEnergyTransferResumption": "false"}).hunger(1, False).after(20)
    assert w.records[-1].charging_state == "SuspendedEV"
    w.cut()
    w.after(20)
    assert w.records[-1].charging_state == "SuspendedEV"
    assert w.hunger(1, True).on[1]


def test_energy_comes_back_after_a_delay_that_each_start_draws_anew(version: str) -> None:
    delays = set()
    w = charging(version, {"TxCtrlr.ResumptionMaxDelay": "600"})
    for _ in range(4):
        w.cut()
        since = w.mono
        while not w.on[1]:
            assert w.records[-1].charging_state == "SuspendedEVSE"
            w.after(1)
        assert w.mono - since <= 601
        delays.add(round(w.mono - since))
    assert len(delays) > 1
    check_records(w.records)


def test_a_transaction_without_its_car_goes_on_where_it_may(version: str) -> None:
    w = charging(version, {"TxCtrlr.StopTxOnEVSideDisconnect": "false", "TxCtrlr.TxStopPoint": "Authorized"})
    w.plugged[1] = False
    w.cut()
    if version == "2.0.1":
        assert w.records[-1].kind == "Updated"
        assert w.records[-1].charging_state == "Idle"
        w.cut()
        assert (w.records[-1].trigger, w.records[-1].charging_state) == ("TxResumed", "Idle")


def test_a_card_whose_time_was_over_gets_no_other_time_from_a_power_cut(version: str) -> None:
    """Whatever the disk had not synced is gone, but what has been long enough for that."""
    w = World(version, {"TxCtrlr.EVConnectionTimeOut": "60"}).online().present("CARD1", 1).after(61)
    assert not w.station.evses[1].session.authorized
    w.after(1)
    w.cut_at_once()
    assert not w.station.evses[1].session.authorized
    w.online().plug().after(60)
    assert not w.on[1]
    assert not w.records
