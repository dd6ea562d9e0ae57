"""Commit, then tell: what the engine does at once, and what waits for the disk."""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.messages import Heartbeat, TransactionRecord
from chargepointd.core.plan import ConnectorPlan, EvsePlan
from chargepointd.core.power import OPEN, Power
from chargepointd.core.session import Session
from chargepointd.core.values import Measured, Signed, Stamp, Token
from chargepointd.daemon import engine
from chargepointd.daemon.engine import FULL, Engine
from chargepointd.daemon.unkept import MOST
from chargepointd.storage.store import StoreError

SAVE = f.SaveState("availability", {})
LAZY = f.SettleRecord(1)
CALL = f.SendCall("id-1", Heartbeat())
ASK = f.AskWhenSent(CALL.message_id)
CLOSE = f.ClosePowerPath(1, 16.0)
NOTE = f.Note("link", 0, "open")
CARD = f.SaveSession(1, Session(1, Token("CARD1"), authorized=True))
"""of a card that was read: as long as nobody was told, it may be kept together with what comes next"""
RESPOND = f.Respond("id-2", c.Status("Accepted"))
REPLY = f.ReplyLocally(1, c.Status("Accepted"))


EFFECTS = frozenset(kind for _, kind in inspect.getmembers(f, inspect.isclass) if kind.__module__ == f.__name__)


def record(kind: str, trigger: str = "Authorized") -> f.SaveRecord:
    return f.SaveRecord(7, "id-7", TransactionRecord(kind, "tx-1", 3, Stamp(1.8e9), trigger, 1, 1))


class SlowDisk:
    """A writer whose batches are safe when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.attending: list[Callable[[], None]] = []
        self.saves: list[list[f.Save]] = []
        self.lazy = 0
        self.owed: list[f.Save] = []
        self.sampled: list[bool] = []

    @property
    def owing(self) -> bool:
        return bool(self.owed)

    def submit(self, saves: Sequence[f.Save], done: Callable[[], None]) -> None:
        self.owed.clear()
        self.waiting += [*self.attending, done]
        self.attending.clear()
        self.saves.append(list(saves))

    def attend(self, done: Callable[[], None]) -> None:
        self.attending.append(done)

    def owe(self, saves: Sequence[f.Save], *, sampled: bool = False) -> None:
        self.owed += saves
        self.sampled.append(sampled)

    def submit_lazily(self, saves: Sequence[f.Save], *, at_once: bool = False) -> None:
        self.lazy += len(saves)

    def commit(self) -> None:
        """The oldest batch."""
        self.waiting.pop(0)()


class Scripted:
    """A station whose every step has the effects the test wants."""

    def __init__(self) -> None:
        self.effects: list[f.Effect] = []
        self.events: list[e.Event] = []
        self.deadline = float("inf")
        self.power = Power()
        self.power.asked = (16.0, float("inf"), 0)
        facts = {"plugged": 1, "power_on": False, "session": Session(1), "seen": True, "interrupting": ""}
        self.evses = {1: SimpleNamespace(power=self.power, plan=EvsePlan(1, (ConnectorPlan(1),)), **facts)}

    def step(self, event: e.Event, now: Any) -> list[f.Effect]:
        self.events.append(event)
        return [] if isinstance(event, e.StorageFailed | e.StorageSound) else self.effects


class Bench:
    def __init__(self) -> None:
        self.disk, self.station, self.done = SlowDisk(), Scripted(), list[f.Effect]()
        self.engine = Engine(self.station, self.disk, lambda now, event, effects: None)  # type: ignore[arg-type]
        self.engine.performers = dict.fromkeys(EFFECTS - engine.SAVES, self.done.append)

    def step(self, *effects: f.Effect, event: e.Event | None = None) -> None:
        self.station.effects = list(effects)
        self.engine.post(event or e.Ticked())


def on_a_loop(test: Callable[[Bench], None]) -> Callable[[], None]:
    async def run() -> None:
        test(Bench())

    def called() -> None:
        asyncio.run(run())

    return called


@on_a_loop
def test_what_a_step_saves_is_safe_before_it_is_told(bench: Bench) -> None:
    bench.step(SAVE, CALL)
    assert bench.done == []
    bench.disk.commit()
    assert bench.done == [CALL]


@on_a_loop
def test_what_saves_nothing_waits_for_nothing_when_nothing_waits(bench: Bench) -> None:
    bench.step(CALL, CLOSE)
    bench.step(LAZY, CALL)
    assert bench.done == [CALL, CLOSE, CALL]
    assert bench.disk.lazy == 1


@on_a_loop
def test_a_message_never_overtakes_what_an_earlier_step_saves(bench: Bench) -> None:
    """Else the CSMS could know of a record that a power cut takes away."""
    bench.step(SAVE)
    bench.step(CALL, NOTE)
    bench.step(LAZY, CALL)
    assert bench.done == [NOTE]
    bench.disk.commit()
    assert bench.done == [NOTE]
    bench.disk.commit()
    bench.disk.commit()
    assert bench.done == [NOTE, CALL, CALL]


@on_a_loop
def test_when_a_message_left_is_told_when_it_has(bench: Bench) -> None:
    bench.step(SAVE, CALL)
    bench.step(ASK)
    assert bench.done == []
    bench.disk.commit()
    bench.disk.commit()
    assert bench.done == [CALL, ASK]


@on_a_loop
def test_a_message_that_waited_longer_than_its_link_held_does_not_leave_over_the_next(bench: Bench) -> None:
    bench.step(SAVE, CALL, CLOSE)
    bench.step(event=e.LinkClosed("lost"))
    bench.step(f.SendCall("boot", Heartbeat()), event=e.Ticked())
    bench.disk.commit()
    bench.disk.commit()
    assert bench.done == [CLOSE, f.SendCall("boot", Heartbeat())]


@on_a_loop
def test_no_promise_overtakes_what_an_earlier_step_saves(bench: Bench) -> None:
    """What is set a second time changes nothing and saves nothing; but that it was set is not safe yet."""
    bench.step(SAVE, RESPOND)
    bench.step(RESPOND, REPLY)
    assert bench.done == []
    bench.disk.commit()
    assert bench.done == [RESPOND]
    bench.disk.commit()
    assert bench.done == [RESPOND, RESPOND, REPLY]


@on_a_loop
def test_a_question_is_answered_whatever_the_disk_does(bench: Bench) -> None:
    bench.step(SAVE)
    bench.step(RESPOND, event=e.CallReceived("id-2", c.GetVariables(())))
    bench.step(REPLY, event=e.ControlAsked(1, c.ShowStatus()))
    assert bench.done == [RESPOND, REPLY]


@on_a_loop
def test_what_nobody_was_told_of_waits_for_company(bench: Bench) -> None:
    bench.step(CARD, NOTE)
    bench.step(record("Updated"), CARD, NOTE)
    assert (bench.disk.owed, bench.disk.waiting) == ([CARD, record("Updated"), CARD], [])
    assert bench.done == [NOTE, NOTE]


@on_a_loop
def test_only_what_is_sampled_at_intervals_may_wait_long(bench: Bench) -> None:
    bench.step(record("Updated", "MeterValuePeriodic"), CARD, NOTE)
    bench.step(record("Updated", "MeterValueClock"), CARD, NOTE)
    bench.step(record("Updated", "ChargingStateChanged"), CARD, NOTE)
    bench.step(record("Updated", "MeterValuePeriodic"), record("Updated", "Trigger"), NOTE)
    bench.step(CARD, NOTE)
    assert bench.disk.sampled == [True, True, False, False, False]


@pytest.mark.parametrize("effect", [CALL, CLOSE, RESPOND, REPLY, f.StartJob("log", "1", None)])
def test_nothing_is_told_before_what_an_earlier_step_owes_is_safe(effect: f.Effect) -> None:
    def test(bench: Bench) -> None:
        bench.step(CARD)
        bench.step(LAZY, effect)
        assert bench.done == []
        bench.disk.commit()
        assert bench.done == [effect]
        bench.step(effect)
        assert bench.done == [effect, effect], "and then nothing is owed any more"

    on_a_loop(test)()


@pytest.mark.parametrize("effect", [CALL, CLOSE, RESPOND, REPLY])
def test_what_is_told_of_a_step_waits_for_what_the_step_saves(effect: f.Effect) -> None:
    def test(bench: Bench) -> None:
        bench.step(CARD, effect)
        assert bench.done == []
        bench.disk.commit()
        assert bench.done == [effect]

    on_a_loop(test)()


@pytest.mark.parametrize("save", [record("Started"), record("Ended"), SAVE, f.SaveVariable("A.B", "1")])
def test_what_begins_or_ends_or_was_set_is_kept_at_once(save: f.Save) -> None:
    def test(bench: Bench) -> None:
        bench.step(save, CARD, NOTE)
        assert (len(bench.disk.waiting), bench.disk.owed) == (1, [])
        assert bench.done == [], "and nobody hears of it before"

    on_a_loop(test)()


def test_of_every_effect_it_is_known_what_it_waits_for() -> None:
    classes = [engine.SAVES, engine.AT_ONCE, engine.QUIET, engine.AFTER_ALL, engine.AFTER_OWN]
    assert frozenset().union(*classes) == EFFECTS
    assert sum(map(len, classes)) == len(EFFECTS), "one class each"


@on_a_loop
def test_no_contactor_closes_before_what_it_closes_on_is_safe(bench: Bench) -> None:
    bench.step(SAVE)
    bench.step(CLOSE)
    assert bench.done == []
    bench.disk.commit()
    bench.disk.commit()
    assert bench.done == [CLOSE]


@on_a_loop
def test_a_plug_is_let_go_when_it_is_kept_that_all_is_over(bench: Bench) -> None:
    bench.step(CARD, f.MoveLock(1, 1, locked=True))
    assert bench.done.pop() == f.MoveLock(1, 1, locked=True), "nothing is told by that"
    bench.step(f.MoveLock(1, 1, locked=False))
    bench.step(CARD, f.MoveLock(1, 1, locked=False))
    assert bench.done == []
    bench.disk.commit()
    assert bench.done == [f.MoveLock(1, 1, locked=False)]
    bench.station.evses[1].session = Session(1, Token("CARD2"), authorized=True)
    bench.disk.commit()
    assert len(bench.done) == 1, "its next owner came meanwhile"


@on_a_loop
def test_a_plug_that_is_let_go_shares_the_sync_of_the_end(bench: Bench) -> None:
    unlock, ended = f.MoveLock(1, 1, locked=False), record("Ended")
    bench.step(CARD)
    bench.step(unlock)
    assert bench.disk.attending and not bench.disk.saves
    bench.step(ended)
    assert bench.disk.saves == [[ended]]
    bench.disk.commit()
    assert bench.done == [unlock]
    bench.step(unlock)
    assert not bench.disk.attending, "nothing is owed: there is no company to wait for"


@on_a_loop
def test_opening_waits_for_nothing(bench: Bench) -> None:
    opened = f.OpenPowerPath(1, urgent=False)
    bench.step(SAVE)
    bench.step(opened)
    bench.step(SAVE, opened)
    bench.step(CARD, opened)
    assert bench.done == [opened, opened, opened]


@on_a_loop
def test_a_limit_is_lowered_at_once_and_what_closes_later_is_never_more(bench: Bench) -> None:
    lower = f.SetLimit(1, 10.0)
    bench.step(SAVE, CLOSE)
    bench.step(SAVE, lower)
    bench.station.power.asked = (10.0, float("inf"), 0)
    assert bench.done == [lower]
    bench.disk.commit()
    assert bench.done == [lower, CLOSE._replace(limit_a=10.0)]


@on_a_loop
def test_what_was_opened_meanwhile_stays_open(bench: Bench) -> None:
    bench.step(SAVE, CLOSE)
    bench.station.power.asked = OPEN
    bench.disk.commit()
    assert bench.done == []


@on_a_loop
def test_what_a_meter_signed_is_not_dropped_for_what_it_did_not_sign(bench: Bench) -> None:
    seen: list[e.Event] = []
    signed = Measured(1.0, 100.0, signed=Signed("data", "OCMF", "ECDSA"))
    events = [e.MeterRead(1, signed), e.MeterRead(1, Measured(2.0, 100.0)), e.MeterRead(1, Measured(3.0, 100.0))]

    def step(event: e.Event, now: Any) -> list[f.Effect]:
        seen.append(event)
        if len(seen) == 1:
            for read in events:
                bench.engine.post(read)
        return []

    bench.station.step = step  # type: ignore[method-assign]
    bench.step()
    assert seen[1:] == [events[0], events[2]]


RECORD = f.SaveSecurityEvent(1, "kind", 0.0, "", "")


@on_a_loop
def test_while_nothing_can_be_kept_statuses_leave_and_what_is_kept_waits_as_one(bench: Bench) -> None:
    bench.step(SAVE, f.SendCall("record", Heartbeat()), CLOSE, NOTE)
    bench.step(f.SendCall("status", Heartbeat()))
    bench.engine.storage_failed("full")
    assert bench.station.events[-1] == e.StorageFailed("full", ("record", "status"))
    assert bench.done == [NOTE]  # and the messages have not left, nor will the contactor close
    bench.station.power.asked = OPEN
    for n in range(3):
        bench.step(f.SaveState("availability", n), CALL)
    assert bench.done == [NOTE, CALL, CALL, CALL]
    bench.step()
    bench.disk.commit()
    bench.disk.commit()
    bench.engine.storage_sound()
    assert bench.disk.saves[-1] == [f.SaveState("availability", 2)]
    assert type(bench.station.events[-1]) is e.Ticked
    bench.disk.commit()
    assert type(bench.station.events[-1]) is e.StorageSound
    assert bench.done == [NOTE, CALL, CALL, CALL]
    bench.step(SAVE, CALL)
    assert bench.done[4:] == []
    bench.disk.commit()
    assert bench.done[4:] == [CALL]


@on_a_loop
def test_an_answer_that_rests_on_what_could_not_be_kept_is_an_error(bench: Bench) -> None:
    answer = f.Respond("q-1", c.Status("Accepted"))
    bench.step(SAVE, answer)
    bench.engine.storage_failed("full")
    bench.step(SAVE, f.Respond("q-2", c.Status("Accepted")))
    bench.step(f.Respond("q-3", c.Status("Accepted")))
    assert [type(effect) for effect in bench.done] == [f.Refuse, f.Refuse, f.Respond]
    assert {effect.code for effect in bench.done[:2]} == {"InternalError"}


@on_a_loop
def test_a_technician_is_not_told_that_it_is_done_either(bench: Bench) -> None:
    bench.step(SAVE, REPLY)
    bench.engine.storage_failed("full")
    bench.step(SAVE, REPLY)
    bench.step(REPLY)
    assert [effect.reply.status for effect in bench.done] == ["Rejected", "Rejected", "Accepted"]


@on_a_loop
def test_the_station_knows_of_the_disk_before_it_hears_of_what_follows_from_it(bench: Bench) -> None:
    """A request that is refused makes room for the next one of the CSMS."""
    bench.step(SAVE, RESPOND)
    bench.engine.performers[f.Refuse] = lambda effect: bench.engine.post(e.CallReceived("q-9", c.ClearCache()))
    bench.engine.storage_failed("full")
    assert [type(event) for event in bench.station.events[1:]] == [e.StorageFailed, e.CallReceived]


@on_a_loop
def test_a_disk_that_fails_at_the_very_end_has_nothing_done(bench: Bench) -> None:
    bench.step(SAVE, NOTE)
    bench.engine.stop()
    bench.engine.storage_failed("full")
    assert bench.done == []


@on_a_loop
def test_the_disk_may_fail_again_before_all_is_kept(bench: Bench) -> None:
    bench.engine.storage_failed("full")
    bench.step(SAVE)
    bench.engine.storage_sound()
    bench.engine.storage_failed("full")
    bench.step(RECORD)
    bench.disk.commit()
    assert type(bench.station.events[-1]) is e.Ticked
    bench.engine.storage_sound()
    assert bench.disk.saves[-2:] == [[SAVE], [RECORD]]
    bench.disk.commit()
    assert type(bench.station.events[-1]) is e.StorageSound


@on_a_loop
def test_the_socket_is_read_while_nothing_can_be_kept(bench: Bench) -> None:
    held: list[bool] = []
    bench.engine.hold = held.append
    for _ in range(FULL):
        bench.step(SAVE)
    bench.engine.storage_failed("full")
    assert held == [True, False]
    for _ in range(FULL):
        bench.step(SAVE)
    assert held == [True, False]


@on_a_loop
def test_what_waits_for_the_disk_has_a_bound(bench: Bench) -> None:
    bench.engine.storage_failed("full")
    for n in range(MOST):
        bench.step(f.SaveSession(1, None), f.SaveSecurityEvent(n, "kind", 0.0, "", ""))
    assert isinstance(bench.engine.failed.exception(), StoreError)


@on_a_loop
def test_at_the_end_what_waits_is_handed_to_the_disk_once_more(bench: Bench) -> None:
    bench.engine.storage_failed("full")
    bench.step(SAVE)
    bench.engine.stop()
    assert bench.disk.lazy == 1


def test_a_station_is_woken_at_its_latest_deadline_and_not_at_those_before() -> None:
    async def run() -> None:
        bench, loop = Bench(), asyncio.get_running_loop()
        woken = loop.create_future()
        now = loop.time()
        for deadline in (now + 3600, now + 0.01, due := now + 0.05):
            bench.station.deadline = deadline
            bench.step()

        def stepped() -> None:
            woken.set_result(loop.time())
            bench.engine.stop()

        bench.engine.stepped = stepped
        assert await woken >= due - 0.001  # as exact as the loop is
        assert len(bench.station.events) == 3 + 1

    asyncio.run(run())
