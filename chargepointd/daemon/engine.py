"""The engine: one writer, no locks.

Events come in by `post`, from the loop's thread, in the order they happened. Each is one step of the station; then

- what makes safe is done at once, waiting for nothing;
- what is to be kept goes to the writer's thread as one batch, together with what other steps of the same turn save;
- all else is done when that batch is safe; at once, where the step keeps nothing. But no message leaves, nothing is
  promised and no contactor closes before all earlier batches are safe.

A step that tells nobody anything may owe its batch to the disk: it goes with the next that cannot wait, or with the
first thing that is told, and by itself a moment later; samples that nobody is told of up to a minute.

Full queue. Meter readings coalesce (only the newest of an EVSE waits, and the newest it signed), a token that already
waits is dropped, and while `full` the link does not read its socket; nothing else is bounded, for it comes from a
bounded world.

While the disk cannot be written (`storage_failed` until `storage_sound`), what is to be kept waits here, of each thing
the newest. All else is done at once, for the station tells no record then, closes nothing and promises nothing
(`core.keeping`); only an answer that rests on what could not be kept becomes a refusal.

A step that raises is a bug: `failed` gets the exception, and no further step is made.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any, get_args

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.station import Station, asks_only
from chargepointd.core.values import Now
from chargepointd.daemon.unkept import MOST, Unkept
from chargepointd.storage.store import StoreError
from chargepointd.storage.urgency import is_hurried, is_lazy, is_sampled, may_follow
from chargepointd.storage.writer import Writer

log = logging.getLogger(__name__)

FULL = 1000
"""events or uncommitted batches waiting"""
SAVES = frozenset(get_args(f.Save))
AT_ONCE = frozenset((f.OpenPowerPath, f.SetLimit))
QUIET = frozenset((
    f.MoveLock, f.ReadMeter, f.PaceMeter, f.RestartEvse, f.Display, f.Indicate, f.Note, f.StopJob, f.Reconnect,
    f.LoadRecords, f.LoadDead, f.PingAnew,
))  # fmt: skip
"""binds nobody: a power cut may take back what led to it"""
AFTER_ALL = frozenset(
    (f.SendCall, f.AskWhenSent, f.ClosePowerPath, f.Respond, f.ReplyLocally, f.StartJob, f.AnswerContract,
     f.AnswerEvCertificate)
)  # fmt: skip
"""what rests on earlier steps, whose batches may still wait for the disk"""
AFTER_OWN = frozenset((f.Refuse, f.Restart, f.IdentifyStation))
"""what rests on its own step alone; the end of the process commits what waits"""
ANSWERS = frozenset((f.Respond, f.ReplyLocally))
NOT_WITHOUT = frozenset((f.SendCall, f.ClosePowerPath))
"""what is not done while the disk cannot be written"""
UNKEPT = "what this rests on could not be kept"

Perform = Callable[[Any], None]
Record = Callable[[Now, e.Event, list[f.Effect] | None], None]
"""a step that was made, or that raised (None)"""


def now() -> Now:
    return Now(time.monotonic(), time.time())


class Engine:
    """Runs the station. `performers` by effect type; `full` is told to hold or release the link's reading."""

    def __init__(self, station: Station, writer: Writer, record: Record) -> None:
        self._station = station
        self._writer = writer
        self._record = record
        self._inbox: deque[e.Event] = deque()
        self._busy = False
        self._waiting: deque[list[f.Effect]] = deque()
        """for each batch that is not safe yet, what is to be done when it is"""
        self._unkept: Unkept | None = None
        """there while the disk cannot be written"""
        self._holding = False
        self._stopped = False
        self._timer: asyncio.TimerHandle | None = None
        self.performers: dict[type, Perform] = {}
        self._loop = asyncio.get_running_loop()
        self.failed: asyncio.Future[None] = self._loop.create_future()
        """gets the exception of a step, or of a commit"""
        self.hold: Callable[[bool], None] = lambda full: None
        self.stepped: Callable[[], None] = lambda: None
        """after each completed turn: proves that the engine works"""

    def post(self, event: e.Event) -> None:
        """Take an event; its step is made before this returns, unless a step is under way."""
        if not self._admit(event):
            return
        self._inbox.append(event)
        if not self._busy:
            self._turn()

    def _admit(self, event: e.Event) -> bool:
        if not self._inbox:
            return not self._stopped
        if isinstance(event, e.MeterRead):
            stale = next((x for x in self._inbox if _says_more(event, x)), None)
            if stale is not None:
                self._inbox.remove(stale)
        elif isinstance(event, e.TokenPresented):
            return not any(isinstance(x, e.TokenPresented) and x.token == event.token for x in self._inbox)
        return not self._stopped

    def _turn(self) -> None:
        self._busy = True
        try:
            while self._inbox:
                self._step(self._inbox.popleft())
        except BaseException as error:
            self._fail(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._busy = False
        if not self._stopped:
            self._arm()
            self.stepped()

    def _step(self, event: e.Event) -> None:
        moment = now()
        try:
            effects = self._station.step(event, moment)
        except BaseException:
            self._record(moment, event, None)
            raise
        self._record(moment, event, effects)
        if type(event) is e.LinkClosed:
            self._take_back()
        if self._unkept is not None:
            self._keep_later(event, effects, self._unkept)
            return
        saves = [effect for effect in effects if type(effect) in SAVES]
        if not saves:
            # A question promises nothing: its answer is how things are.
            self._tell(effects, AFTER_ALL if not asks_only(event) else AFTER_ALL - ANSWERS)
            return
        rest = []
        for effect in effects:
            if type(effect) in AT_ONCE:
                self._perform(effect)
            elif type(effect) not in SAVES:
                rest.append(effect)
        self._commit(saves, rest)

    def _take_back(self) -> None:
        """Messages that waited for the disk when their link was lost are not for the next one: the station knows that
        they did not arrive."""
        for rest in self._waiting:
            rest[:] = [effect for effect in rest if type(effect) not in (f.SendCall, f.AskWhenSent)]

    def _commit(self, saves: list[f.Save], rest: list[f.Effect]) -> None:
        if is_lazy(saves):
            self._writer.submit_lazily(saves, at_once=is_hurried(saves))
            self._tell(rest)
        elif binds_nobody(saves, rest):
            self._writer.owe(saves, sampled=is_sampled(saves))
            self._tell(rest)
        else:
            self._when_safe(saves, rest)

    def _tell(self, effects: list[f.Effect], after_all: frozenset[type] = AFTER_ALL) -> None:
        """What needs no disk of its own. The record a message carries, and the authorization a contactor closes on, may
        be of an earlier step that is not safe yet."""
        if self._waiting or self._writer.owing:
            waiting: list[f.Effect] = []
            free: list[f.Effect] = []
            for effect in effects:
                (waiting if type(effect) in after_all or lets_go(effect) else free).append(effect)
            effects = free
            if waiting and self._writer.owing and all(map(lets_go, waiting)):
                self._let_go(waiting)
            elif waiting:
                self._when_safe([], waiting)
        for effect in effects:
            self._perform(effect)

    def _let_go(self, unlocking: list[f.Effect]) -> None:
        """Most plugs are let go between the opening of the contactor and the last reading: the end of the transaction,
        which comes with that, shares its sync."""
        self._waiting.append(unlocking)
        self._check_full()
        self._writer.attend(self._committed)

    def _when_safe(self, saves: list[f.Save], rest: list[f.Effect]) -> None:
        self._waiting.append(rest)
        self._check_full()
        self._writer.submit(saves, self._committed)

    def _committed(self) -> None:
        rest = self._waiting.popleft()
        self._check_full()
        if self._stopped:
            return
        self._busy, before = True, self._busy
        try:
            for effect in rest:
                self._perform(effect)
        except Exception as error:  # noqa: BLE001 - as in a step: `failed` carries it to where it is logged
            self._fail(error)
        finally:
            self._busy = before
        if self._inbox and not before and not self._stopped:
            self._turn()

    def _perform(self, effect: f.Effect) -> None:
        if isinstance(effect, f.ClosePowerPath):
            effect = self._station.evses[effect.evse_id].power.still(effect)
            if effect is None:
                return  # overtaken by an OpenPowerPath while it waited for the disk
        elif isinstance(effect, f.MoveLock) and not effect.locked:
            evse = self._station.evses[effect.evse_id]
            if evse.power.keeps_plug(evse, effect.connector_id):
                return  # its next owner came while it waited for the disk
        self.performers[type(effect)](effect)

    def _check_full(self) -> None:
        full = self._unkept is None and len(self._waiting) >= FULL
        if full != self._holding:
            self._holding = full
            self.hold(full)

    # -- the disk ------------------------------------------------------------------------------------------------------

    def storage_failed(self, reason: str) -> None:
        """The writer's: what it has, and what follows, is kept when the disk is back."""
        if self._stopped:
            return
        if self._unkept is None:
            self._unkept = Unkept()
        self._check_full()
        self._busy = True  # what is refused makes room for the next request: the station has to know by then
        unsent = self._withdraw()
        self._busy = False
        if not self._stopped:
            self._inbox.appendleft(e.StorageFailed(reason, tuple(unsent)))
            self._turn()

    def _withdraw(self) -> list[str]:
        """What waited for the disk is done without it; but messages do not leave, and no contactor closes. The ids of
        the messages."""
        unsent = []
        for rest in self._waiting:
            now, rest[:] = list(rest), [effect for effect in rest if type(effect) is f.ClosePowerPath]
            unsent += [effect.message_id for effect in now if type(effect) is f.SendCall]
            self._perform_unkept([effect for effect in now if type(effect) not in NOT_WITHOUT], promises=True)
        return unsent

    def storage_sound(self) -> None:
        """The writer's: it has kept what it had. When the rest is, too, the station hears of it."""
        if self._unkept is None:
            return
        saves, self._unkept = self._unkept.saves, None
        self._waiting.append([])
        self._writer.submit(saves, self._all_kept)

    def _all_kept(self) -> None:
        self._committed()
        if self._unkept is None:
            self.post(e.StorageSound())

    def _keep_later(self, event: e.Event, effects: list[f.Effect], unkept: Unkept) -> None:
        saves = [effect for effect in effects if type(effect) in SAVES]
        unkept.add(saves)
        # What is asked while nothing can be kept is refused by the station, if it has to be: what it answers, it may.
        promises = bool(saves) and type(event) is not e.CallReceived
        self._perform_unkept([effect for effect in effects if type(effect) not in SAVES], promises=promises)
        if unkept.too_many:
            raise StoreError(f"more than {MOST} changes wait for the disk: beginning anew from what is kept")

    def _perform_unkept(self, effects: list[f.Effect], *, promises: bool) -> None:
        for effect in effects:
            if promises and type(effect) is f.Respond:
                effect = f.Refuse(effect.message_id, "InternalError", UNKEPT)
            elif promises and type(effect) is f.ReplyLocally:
                effect = effect._replace(reply=c.Status("Rejected", UNKEPT))
            try:
                self._perform(effect)
            except Exception as error:  # noqa: BLE001 - as in a step
                self._fail(error)

    # -- time ----------------------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Wake the station at its deadline; nothing ticks when nothing is due. A deadline that is put off, as with each
        message, costs nothing: who is woken for the one before finds it later, and sleeps on."""
        deadline = self._station.deadline
        if self._timer is not None:
            if self._timer.when() <= deadline < float("inf"):
                return
            self._timer.cancel()
        if deadline == float("inf"):
            self._timer = None
            return
        # The loop's clock is the monotonic clock.
        self._timer = self._loop.call_at(deadline, self._tick, deadline)

    def _tick(self, due: float) -> None:
        self._timer = None
        if due < self._station.deadline:
            self._arm()
        else:
            self.post(e.Ticked())

    # -- the end -------------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """No further step."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._unkept is not None:  # the writer tries once more
            self._writer.submit_lazily(self._unkept.saves)
            self._unkept = None

    def _fail(self, error: BaseException) -> None:
        self.stop()
        if not self.failed.done():
            self.failed.set_exception(error)

    def commit_failed(self, error: BaseException) -> None:
        """The writer's: nothing is reported safe any more, so nothing may be told or closed any more."""
        self._fail(error)


def binds_nobody(saves: list[f.Save], rest: list[f.Effect]) -> bool:
    """Nothing is told or done that could not be taken back by a power cut."""
    return may_follow(saves) and all(type(effect) in QUIET and not lets_go(effect) for effect in rest)


def lets_go(effect: f.Effect) -> bool:
    """Of the plug: its owner hears that all is over, and leaves."""
    return type(effect) is f.MoveLock and not effect.locked


def _says_more(new: e.MeterRead, old: e.Event) -> bool:
    """Of two readings of an EVSE the later; but one without signature does not take the place of a signed one."""
    same = isinstance(old, e.MeterRead) and old.evse_id == new.evse_id
    return same and bool(new.measured.signed or not old.measured.signed)
