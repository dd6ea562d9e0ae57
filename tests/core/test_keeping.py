"""While nothing can be kept: power paths are open, nobody begins, nothing is told that is billed, nothing promised."""

from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core.certificates import Tidy
from chargepointd.core.keeping import FORGOTTEN_S, QUIET_S
from chargepointd.core.values import Token
from tests.core.world import World

FULL = "the disk is full"


@pytest.fixture(params=["1.6", "2.0.1"])
def w(request: pytest.FixtureRequest) -> World:
    return World(request.param).online()


def records(w: World) -> int:
    return len(w.told(m.TransactionRecord))


def test_power_opens_at_once_nothing_is_billed_and_all_goes_on_when_the_disk_is_back(w: World) -> None:
    w.plug(1).present("AAAA1111", 1)
    assert w.on[1]
    told = records(w)
    w.tell(e.StorageFailed(FULL))
    assert not w.on[1]
    assert w.statuses[(1, 1)] == "Faulted"
    assert w.statuses[(2, 1)] == "Faulted"
    event = w.told(m.SecurityEvent)[-1]
    assert (event.kind, FULL in event.info) == ("MemoryExhaustion", True)
    w.after(7200)
    assert records(w) == told
    kept = len(w.station.outbox)
    w.after(7200)
    assert len(w.station.outbox) == kept, "no samples are taken of what does not flow"
    w.tell(e.StorageSound())
    assert w.on[1]
    assert records(w) > told
    assert w.statuses[(1, 1)] != "Faulted"
    assert [r.seq_no for r in w.told(m.TransactionRecord)] == list(range(records(w)))


def test_nobody_begins(w: World) -> None:
    w.tell(e.StorageFailed(FULL))
    w.plug(1).present("AAAA1111", 1)
    w.present("BBBB2222")
    assert not w.on[1]
    assert records(w) == 0
    assert len(w.station.outbox) == 0


def test_who_is_plugged_in_can_leave(w: World) -> None:
    w.plug(1).present("AAAA1111", 1)
    w.tell(e.StorageFailed(FULL))
    w.present("AAAA1111", 1)
    assert not w.station.evses[1].locked[1]
    told = records(w)
    w.unplug(1).after(30)
    assert records(w) == told
    w.tell(e.StorageSound())
    assert w.told(m.TransactionRecord)[-1].kind == "Ended"


def test_questions_are_answered_and_promises_refused(w: World) -> None:
    w.tell(e.StorageFailed(FULL))
    asked = {
        "get": c.GetVariables(()),
        "start": c.RequestStart(Token("AAAA1111"), 1),
        "availability": c.ChangeAvailability(False),
        "clear": c.ClearCache(),
        "trigger": c.TriggerMessage("Heartbeat"),
        "reset": c.Reset(on_idle=True),
    }
    for name, command in asked.items():
        w.tell(e.CallReceived(name, command))
    assert isinstance(w.replies["get"], c.VariablesGot)
    assert (w.replies["start"].status, w.replies["start"].reason) == ("Rejected", f"nothing can be kept: {FULL}")
    assert w.replies["availability"].status == "Rejected"
    assert FULL in w.replies["availability"].reason
    assert w.replies["clear"].status == "Rejected"
    assert w.replies["reset"].status in ("Accepted", "Scheduled")
    assert w.replies["trigger"].status == "Accepted"
    assert w.station.availability.station_operative


def test_the_key_store_is_left_alone(w: World) -> None:
    """What is not known would be removed from it, and the disk may not have given back what is."""
    w.tell(e.StorageFailed(FULL))
    assert not tidies(w)
    w.tell(e.StorageSound())
    assert tidies(w)


def tidies(w: World) -> bool:
    effects = w.station.step(e.PoweredUp(), w.now)
    return any(isinstance(effect, f.StartJob) and isinstance(effect.job, Tidy) for effect in effects)


def test_what_has_no_word_for_it_is_refused_by_an_error(w: World) -> None:
    from chargepointd.core.reservation import CancelReservation

    w.tell(e.StorageFailed(FULL))
    w.tell(e.CallReceived("cancel", CancelReservation(1)))
    assert w.replies["cancel"] == f.Refuse("cancel", "InternalError", f"nothing can be kept: {FULL}")


def test_a_record_that_has_not_left_uses_up_no_attempt() -> None:
    w = World("2.0.1").online()
    w.mute_records = True
    w.plug(1).present("AAAA1111", 1)
    open_ = w.station.outbox._open
    assert open_
    assert isinstance(open_[1], m.TransactionRecord)
    w.tell(e.StorageFailed(FULL, (open_[0],)))
    w.mute_records = False
    w.after(3600)
    queue = w.station.outbox.records
    assert queue.attempts(next(iter(queue))) == 0
    before = records(w)
    w.tell(e.StorageSound())
    assert [r.seq_no for r in w.told(m.TransactionRecord)[before:]][:2] == [0, 1]


def test_a_message_that_has_not_left_is_said_again() -> None:
    w = World("2.0.1").online()
    w.mute = True
    w.ask(c.TriggerMessage("Heartbeat"))
    open_ = w.station.outbox._open
    assert open_
    assert isinstance(open_[1], m.Heartbeat)
    before = len(w.told(m.Heartbeat))
    w.mute = False
    w.tell(e.StorageFailed(FULL, (open_[0],)))
    assert len(w.told(m.Heartbeat)) == before + 1


def test_another_reason_is_shown_and_told_once_as_an_event(w: World) -> None:
    w.tell(e.StorageFailed(FULL))
    w.tell(e.StorageFailed("read-only"))
    assert [fault.info for fault in w.station.evses[1].faults.values()] == ["nothing can be kept: read-only"]
    assert len([event for event in w.told(m.SecurityEvent) if event.kind == "MemoryExhaustion"]) == 1
    w.tell(e.StorageSound())
    assert not w.station.evses[1].faults
    assert not w.station.statuses.station_faults


STALLED = "the disk does not answer"


def pauses(w: World) -> None:
    w.tell(e.StorageFailed(STALLED))
    assert not w.on[1]
    w.tell(e.StorageSound())


def off_s(w: World) -> float:
    """How long until power is on again."""
    began = w.mono
    while not w.on[1]:
        w.after(1)
    return w.mono - began


def warnings(w: World) -> list[str]:
    return [event.info for event in w.told(m.SecurityEvent) if event.kind == "MemoryExhaustion"]


def shown_to_technician(w: World) -> dict[str, Any]:
    w.tell(e.ControlAsked(1, c.ShowStatus()))
    shown: dict[str, Any] = w.replies["local"].data
    return shown


def test_a_disk_that_pauses_again_and_again_has_to_be_quiet_for_longer_and_longer(w: World) -> None:
    w.plug(1).present("AAAA1111", 1)
    pauses(w)
    assert w.on[1], "once is no habit"
    waited = []
    for _ in range(9):
        pauses(w)
        waited.append(round(off_s(w), -1))
    assert waited == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]
    assert not w.station.statuses.station_faults
    w.after(FORGOTTEN_S)
    pauses(w)
    assert w.on[1], "an hour of good behaviour is not forgotten"


def test_a_disk_may_fail_more_often_than_a_float_can_be_doubled(w: World) -> None:
    """Every ten seconds, for four hours."""
    for _ in range(1200):
        pauses(w)
        w.after(10)
    assert not w.on[1]
    w.after(QUIET_S[1])
    assert not w.station.statuses.station_faults


def test_meanwhile_all_is_kept_and_told_but_nobody_charges(w: World) -> None:
    w.plug(1).present("AAAA1111", 1)
    pauses(w)
    pauses(w)
    assert w.statuses[(1, 1)] == w.statuses[(2, 1)] == "Faulted"
    w.plug(2).present("BBBB2222", 2)
    assert not w.on[2]
    w.ask(c.ChangeAvailability(False, 2))
    assert not w.station.evses[2].operative
    told = records(w)
    w.unplug(1).after(10)
    assert w.told(m.TransactionRecord)[-1].kind == "Ended"
    assert records(w) > told
    w.after(30)
    assert w.statuses[(1, 1)] == "Available"


def test_the_quiet_begins_anew_with_each_failure(w: World) -> None:
    w.plug(1).present("AAAA1111", 1)
    for _ in range(2):
        pauses(w)
    w.after(QUIET_S[0] - 1)
    pauses(w)
    w.after(2 * QUIET_S[0] - 1)
    assert not w.on[1]
    w.after(1)
    assert w.on[1]


def test_a_transaction_is_told_of_it_once_not_with_each_failure(w: World) -> None:
    w.plug(1).present("AAAA1111", 1)
    pauses(w)
    pauses(w)
    told = records(w)
    for _ in range(40):
        pauses(w)
    assert records(w) == told, "a worn card is written to no more often for it"


def test_csms_and_technician_hear_why_and_what_to_do_and_not_each_time(w: World) -> None:
    pauses(w)
    [first] = warnings(w)
    pauses(w)
    said = (
        "the disk has failed 2 times, each within an hour of the last (the disk does not answer): nobody may charge "
        "before it has been sound for 30 s; replace the card, or make room on it where it is full"
    )
    assert warnings(w) == [first, first, said]
    assert [fault.info for fault in w.station.evses[1].faults.values()] == [said]
    shown = shown_to_technician(w)
    assert (shown["storage"], shown["suspect"]) == ("", said)
    for _ in range(40):
        pauses(w)
    assert len(warnings(w)) == 2 + 7, "once for each length of time"
    w.after(QUIET_S[1])
    assert "suspect" not in shown_to_technician(w)


UNREADABLE = "the records that were set aside cannot be read"


def test_damage_that_only_people_meet_is_told_once_and_mended_by_a_restart_when_nobody_charges(w: World) -> None:
    w.plug(1).present("AAAA1111", 1)
    for _ in range(2):
        w.tell(e.DamageMet(UNREADABLE))
    told = [event.info for event in w.told(m.SecurityEvent) if event.kind == "StateDamaged"]
    assert told == [UNREADABLE]
    assert shown_to_technician(w)["damaged"] == [UNREADABLE]
    assert shown_to_technician(w)["faults"] == ["InternalError (damage)"]
    boots = w.boots
    w.after(3600)
    assert (w.on[1], w.boots) == (True, boots), "somebody charges"
    w.present("AAAA1111", 1).unplug(1).after(30)
    assert w.boots == boots + 1
    assert shown_to_technician(w)["damaged"] == []
    assert records(w) == len({r.seq_no for r in w.told(m.TransactionRecord)})


def test_who_has_asked_gets_the_answer_before_the_restart(w: World) -> None:
    boots = w.boots
    w.tell(e.DamageMet(UNREADABLE))
    w.after(1)
    assert w.boots == boots
    w.after(60)
    assert w.boots == boots + 1


def test_a_restart_that_is_planned_is_the_one_that_comes(w: World) -> None:
    w.plug(1).present("AAAA1111", 1)
    w.ask(c.Reset(on_idle=False))
    w.tell(e.DamageMet(UNREADABLE))
    boots = w.boots
    w.after(60)
    assert w.boots == boots + 1
