"""A station in a small world: cars, cards, a meter, a CSMS and a disk, without a loop, a sleep or a mock.

The world obeys the station's effects at once and keeps what it was told: records in the order they were queued, what
the CSMS received, and what would be on the disk after a power cut.
"""

from base64 import b64encode
from collections import deque
from math import inf
from typing import Any

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core.certificates import Tidied, Tidy
from chargepointd.core.plan import ConnectorPlan, EvsePlan, StationPlan
from chargepointd.core.timekeeping import AskSystemClock, SystemClock
from chargepointd.core.values import Fault, Measured, Now, Signed, Token, TokenInfo
from chargepointd.core.variables.catalogue import parse_name
from chargepointd.daemon.assembly import Start, assembled
from chargepointd.daemon.engine import AFTER_ALL, AT_ONCE, SAVES, binds_nobody
from chargepointd.daemon.recorder import Recorder
from chargepointd.dialects.dialect import VERSIONS, load
from chargepointd.storage.urgency import is_lazy, is_sampled
from chargepointd.storage.writer import LAZY_S, SAMPLES_S
from tests.core.disk import Disk

PLAN = StationPlan(
    "CS1",
    "Vendor",
    "Model",
    "1",
    "1",
    (EvsePlan(1, (ConnectorPlan(1, lock=True),)), EvsePlan(2, (ConnectorPlan(1, fixed_cable=True),))),
)
NOON = 1_800_000_000.0
SOON_S = 2 * LAZY_S
"""so long the steps that tell nobody anything owe it to the disk at most"""


class World:
    """`version` "1.6" or "2.0.1"; `variables` initial values by name; `wall` the system's clock at the start."""

    def __init__(
        self,
        version: str,
        variables: dict[str, str] | None = None,
        *,
        wall: float = NOON,
        plan: StationPlan = PLAN,
        senses_plugs: bool = False,
    ) -> None:
        self.plan = plan
        self.wall = wall
        """what the system's clock says, less the monotonic one"""
        self.version = version
        self.configured = {"SampledDataCtrlr.TxUpdatedInterval": "60"} | (variables or {})
        self.disk = Disk()
        self.mono = 1000.0
        self.boots = 0
        self.recorders: list[Recorder] = []
        """one for each boot"""
        self.machine = "machine1"
        """goes on with its monotonic clock, while the process restarts"""
        self._records: dict[int, m.TransactionRecord] = {}
        self._made_at: dict[tuple[str, int], float] = {}
        self.restarts: list[f.Restart] = []
        self.notes: list[str] = []
        """what a person could see"""
        self.tidied: Tidied | None = None
        """what the key store finds at the next start; None: all is as it was"""
        self.system_clock = SystemClock(False, 0.0)
        self.under_way: deque[f.StartJob] = deque()
        """under way"""
        self.unreadable = ""
        """why what was set aside cannot be read"""
        self._queue: deque[Any] = deque()
        self._next_call = 0
        self._restarting = False
        self._cut_in, self._cut_committed = 0, False
        self._safe: Disk | None = None
        """what the disk has for certain, where later steps owe it their saves; None: all it has"""
        self._safe_at = 0.0
        """when it has all: s, monotonic clock"""
        self.stalled = False
        """the disk does not come back, so no message leaves"""
        self._begin_csms()
        self._begin_hardware(senses_plugs)
        self.boot()

    def _begin_csms(self) -> None:
        self.received: list[tuple[str, Any]] = []
        """(message id, message) as the CSMS got them"""
        self.statuses: dict[tuple[int, int], str] = {}
        self.replies: dict[str, Any] = {}
        self.dialled_anew: list[str] = []
        self.registrations: deque[m.BootAnswered] = deque()
        """what the CSMS answers to the next boots; Accepted when there is none left"""
        self.infos: dict[str, TokenInfo] = {}
        """what the CSMS says of tokens; Accepted otherwise"""
        self.refusing = False
        """the CSMS refuses transaction records"""
        self.refuses: dict[type, str] = {}
        """messages the CSMS refuses, and by which code"""
        self.mute = False
        """the CSMS answers nothing"""
        self.mute_records = False
        """the CSMS answers nothing to transaction records"""
        self.sent_with: list[tuple[m.TransactionRecord, int | None]] = []
        """records as they were sent, with the number the CSMS gave the transaction"""
        self.wrong_s = self.wrong_once_s = 0.0
        """the CSMS's clock is ahead by so much; the other is true of its next answer only"""
        self.timeless = False
        """the CSMS does not tell the time"""
        self.linked = False
        self._references = 0
        self._given: dict[str, int] = {}
        self._named: dict[str, str] = {}
        """the station's ids of transactions by the numbers they were given, which are their names in 2.x"""
        self.slow = False
        """the CSMS answers later, when `answer` says so"""
        self._unanswered: deque[Any] = deque()
        self._sent_at: dict[str, float] = {}
        self._answered: list[Any] = []

    def _begin_hardware(self, senses_plugs: bool) -> None:
        self.renewed: list[int] = []
        """the EVSEs whose devices were asked anew"""
        self.unsafe: dict[int, str] = {}
        """EVSEs whose devices cannot be made safe, and why"""
        self.dumb: set[tuple[int, int]] = set()
        """locks that neither move nor complain"""
        self.senses_plugs = senses_plugs
        """the hardware tells of a plug in a socket, a car at its other end or not"""
        self.plugs: dict[int, bool] = {1: False, 2: False}
        self.bays: dict[int, bool] = {1: False, 2: False}
        """told where the plan has a sensor"""
        self.plugged: dict[int, bool] = {1: False, 2: False}
        self.hungry: dict[int, bool] = {1: True, 2: True}
        self.offered: dict[int, bool] = {1: False, 2: False}
        self.on: dict[int, bool] = {1: False, 2: False}
        self.limits: dict[int, tuple[float, float, int]] = {1: (0.0, 0.0, 0), 2: (0.0, 0.0, 0)}
        """what the hardware was told last: A, W, phases"""
        self.phases: dict[int, int] = {1: 3, 2: 3}
        """that the power paths lead, where they can be switched"""
        self.takes_w: dict[int, float] = {1: 11_000.0, 2: 11_000.0}
        """what the cars can take, within the offer"""
        self.defiant: set[int] = set()
        """EVSEs whose cars do not mind the offer"""
        self.register = {1: 10_000.0, 2: 20_000.0}
        self.shows: dict[int, float | None] = {}
        """what a meter says instead of its register"""
        self.meter_dead: set[int] = set()
        self.silent: set[int] = set()
        """EVSEs whose meter gives no signature"""
        self.stuck: set[tuple[int, int]] = set()
        """locks that do not move"""
        self.welded: set[int] = set()
        """EVSEs whose power path does not move"""
        self.broken: set[tuple[int, Any]] = set()
        """(EVSE, fault code): stays so over a power cut"""
        self.displayed: list[tuple[float, f.Display]] = []
        """what was shown, and when (s, monotonic clock)"""
        self.lamps: dict[int, str] = {}
        """what each shows"""
        self.lit: list[f.Indicate] = []
        """all that they were told, signals included"""

    # -- power ---------------------------------------------------------------------------------------------------------

    def boot(self) -> None:
        self.boots += 1
        self.linked = False
        self.offered = dict.fromkeys(self.offered, False)
        self.on = dict.fromkeys(self.on, False)
        self._queue.clear()
        self._safe = None
        self.stalled = False
        self._held: list[Any] = []
        self.under_way.clear()
        self._restarting = False
        saved, boot_id = self.disk.saved(), f"boot{self.boots}"
        start = Start(self.plan, dict(self.configured), saved, VERSIONS[self.version], boot_id, self.now, self.machine)
        self.station, self.variables = assembled(start)
        self.recorders.append(Recorder(start))
        self.tell(e.PoweredUp())
        for evse, code in sorted(self.broken):
            self.tell(e.FaultRaised(evse, Fault(code, "test")))
        for evse in (1, 2):
            self._tell_all(evse)

    def _tell_all(self, evse: int) -> None:
        """What the devices of an EVSE say when they are asked for the first time."""
        self.read(evse)
        self.tell(e.LockMoved(1, 1, False)) if evse == 1 else None
        self._tell_bay(evse)
        self._tell_plug(evse)
        self.tell(e.CablePlugged(evse, 1, self._cable_a(evse)) if self.plugged[evse] else e.CableUnplugged(evse, 1))
        self._appetite(evse)
        self._run()

    def cut(self, dark_s: float = 0.0) -> None:
        """The power is cut and comes back: nothing but the disk and the world outside remains."""
        self.machine = f"machine{self.boots + 1}"
        self.mono += dark_s
        self.boot()

    def cut_at_once(self) -> None:
        """It is cut before the disk has what the last steps, which told nobody anything, still owe to it."""
        if self._safe:
            self.disk = self._safe
            self._records = {n: record for n, record in self._records.items() if n <= self.disk.last_id}
        self.boot()

    def cut_in(self, steps: int, *, committed: bool) -> None:
        """The power will be cut in the middle of a step: before its commit, or between the commit and its effects."""
        self._cut_in, self._cut_committed = steps, committed

    # -- people and cars -----------------------------------------------------------------------------------------------

    def plug(self, evse: int = 1) -> "World":
        if not self.plugged[evse]:
            self.plugged[evse] = self.plugs[evse] = True
            self._tell_plug(evse)
            self.tell(e.CablePlugged(evse, 1, self._cable_a(evse)))
            self._appetite(evse)
            self._run()
        return self

    def _cable_a(self, evse: int) -> float | None:
        return 32.0 if self.plan.evses[evse - 1].supply == "AC" else None

    def unplug(self, evse: int = 1) -> "World":
        """At both ends."""
        return self.pull(evse).unplug_at_car(evse)

    def unplug_at_car(self, evse: int = 1) -> "World":
        """The cable stays in the socket."""
        if self.plugged[evse]:
            self.plugged[evse] = False
            self.tell(e.CableUnplugged(evse, 1))
            self._appetite(evse)
            self._run()
        return self

    def pull(self, evse: int = 1) -> "World":
        """The cable, out of the socket."""
        if self.plugs[evse]:
            self.plugs[evse] = False
            self._tell_plug(evse)
        return self

    def _tell_plug(self, evse: int) -> None:
        if self.senses_plugs and not self.plan.evses[evse - 1].connectors[0].fixed_cable:
            self.tell(e.PlugMoved(evse, 1, self.plugs[evse]))

    def drive_in(self, evse: int = 1) -> "World":
        self.bays[evse] = True
        self._tell_bay(evse)
        return self

    def drive_out(self, evse: int = 1) -> "World":
        if not self.plugged[evse]:
            self.bays[evse] = False
            self._tell_bay(evse)
        return self

    def _tell_bay(self, evse: int) -> None:
        if self.plan.evses[evse - 1].bay_sensor:
            self.tell(e.BayChanged(evse, self.bays[evse]))

    def present(self, token: str = "AAAA1111", *evses: int) -> "World":
        self.tell(e.TokenPresented(Token(token), evses or (1, 2)))
        return self

    def press(self, keys: str, *evses: int) -> "World":
        """At the keypad that serves these EVSEs."""
        for key in keys:
            self.tell(e.KeyPressed(key, evses or (1, 2)))
        return self

    def push(self, evse: int = 1) -> "World":
        """The start and stop button."""
        self.tell(e.TokenPresented(Token("", "NoAuthorization"), (evse,)))
        return self

    def identify(self, evse: int = 1, mac: str = "02000000CAFE") -> "World":
        """The car says who it is."""
        self.tell(e.VehicleIdentified(evse, mac))
        return self

    def hunger(self, evse: int, hungry: bool) -> "World":
        self.hungry[evse] = hungry
        self._appetite(evse)
        self._run()
        return self

    def switch_phases(self, evse: int = 1) -> "World":
        """What the hardware was told to do takes its time; now it is done."""
        self.phases[evse] = self.limits[evse][2]
        self.offered[evse] = True
        self.tell(e.PhasesSwitched(evse, self.phases[evse]))
        self._appetite(evse)
        self._run()
        return self

    def break_(self, evse: int, code: Any = "GroundFailure") -> "World":
        self.broken.add((evse, code))
        self.tell(e.FaultRaised(evse, Fault(code, "test")))
        return self

    def degrade(self, evse: int, code: Any) -> "World":
        """Something is broken that stops nobody."""
        self.tell(e.FaultRaised(evse, Fault(code, "test", stops_charging=False)))
        return self

    def mend(self, evse: int, code: str = "GroundFailure") -> "World":
        self.broken.discard((evse, code))
        self.tell(e.FaultCleared(evse, code, "test"))
        return self

    # -- the CSMS ------------------------------------------------------------------------------------------------------

    def online(self) -> "World":
        if not self.linked:
            self.linked = True
            dialect = load(VERSIONS[self.version], self.plan, self.variables)
            self.tell(e.LinkOpened(dialect.rules))
        return self

    def fail(self, kind: str) -> "World":
        """An attempt to connect comes to nothing."""
        self.tell(e.LinkFailed(kind, "test"))
        return self

    def offline(self) -> "World":
        if self.linked:
            self.linked = False
            self._held.clear()
            self.tell(e.LinkClosed("test"))
        return self

    def switch_to(self, version: str) -> "World":
        """Another version is agreed when the link is opened again."""
        linked = self.linked
        self.offline()
        self.version = version
        return self.online() if linked else self

    def ask(self, command: Any) -> Any:
        """A request of the CSMS; its reply, a Refuse, or None while it is still to come."""
        return self.replies.get(self.ask_later(command))

    def ask_later(self, command: Any) -> str:
        """A request of the CSMS; the reply will stand in `replies` under what this returns."""
        self._next_call += 1
        message_id = f"csms-{self._next_call}"
        self.tell(e.CallReceived(message_id, command))
        return message_id

    def ask_start(self, evse: int) -> Any:
        return self.ask(c.RequestStart(Token("DRIVER", "Central"), evse, 77))

    def ask_stop(self, evse: int) -> Any:
        transaction = self.station.evses[evse].transaction
        return self.ask_stop_of(transaction.id if transaction else "none")

    def ask_stop_of(self, transaction_id: str) -> Any:
        return self.ask(c.RequestStop(transaction_id))

    # -- time ----------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> Now:
        return Now(self.mono, self.wall + self.mono)

    @property
    def utc(self) -> float:
        """The true time."""
        return NOON + self.mono

    def after(self, seconds: float) -> "World":
        """Time passes; the station is woken whenever it asked to be. Meters are read each 30 s, as if paced."""
        end = self.mono + seconds
        while True:
            due = min(self.station.deadline, self.mono + 30.0)
            if due > end:
                break
            self._pass(max(due, self.mono))
            for evse in (1, 2):
                self.read(evse)
            self.tell(e.Ticked())
        self._pass(max(end, self.mono))  # each step took its millisecond
        self.tell(e.Ticked())
        return self

    def stand_still(self, seconds: float) -> "World":
        """Time passes, and the station is not woken until it is over; then there is a reading."""
        self._pass(self.mono + seconds)
        self.read(1)
        return self

    def _pass(self, until: float) -> None:
        if until > self._safe_at:
            self._safe = None
        for evse, on in self.on.items():
            if on:
                self.register[evse] += (until - self.mono) * self._draws_w(evse) / 3600
        self.mono = until

    def _draws_w(self, evse: int) -> float:
        if not self.on.get(evse):
            return 0.0
        plan, (amps, watts, phases) = self.plan.evses[evse - 1], self.limits[evse]
        takes = self.takes_w[evse]
        if plan.supply == "DC":
            return min(takes, watts)
        return takes if evse in self.defiant else min(takes, amps * plan.voltage_v * (phases or plan.phases))

    # -- the step ------------------------------------------------------------------------------------------------------

    def tell(self, event: Any) -> None:
        self._queue.append(event)
        self._run()

    def _run(self) -> None:
        while self._queue:
            self._step(self._queue.popleft())
        if self._restarting:
            self.boot()

    def _step(self, event: Any) -> None:
        self.mono += 0.001
        effects = self.station.step(event, self.now)
        self.recorders[-1].record(self.now, event, effects)
        if self._cut_in:
            self._cut_in -= 1
            if not self._cut_in:
                self._cut_in_step(effects)
                return
        self._keep(effects)
        for effect in effects:
            self._obey(effect)
        if isinstance(event, e.Ticked):
            assert self.station.deadline > self.mono, "woken for nothing, again and again"
        self.check()

    def _keep(self, effects: list[Any]) -> None:
        """As the engine has it kept: before anything is told, else soon; and what is lazy with what comes next."""
        saves = [effect for effect in effects if type(effect) in SAVES]
        rest = [effect for effect in effects if type(effect) not in SAVES | AT_ONCE]
        lazy, owing = is_lazy(saves), self._safe is not None and self._safe_at < inf
        if not (lazy or binds_nobody(saves, rest)) or (owing and AFTER_ALL & {type(effect) for effect in rest}):
            self._safe = None
        elif saves:
            by = inf if lazy else self.mono + (SAMPLES_S if is_sampled(saves) else SOON_S)
            self._safe_at = min(self._safe_at, by) if self._safe else by
            self._safe = self._safe or self.disk.copied()
        for save in saves:
            self.disk.keep(save)

    def _cut_in_step(self, effects: list[Any]) -> None:
        for effect in effects if self._cut_committed else []:
            self.disk.keep(effect)
            if isinstance(effect, f.SaveRecord):
                self._records[effect.record_id] = effect.record
        self._queue.clear()
        self._restarting = True

    def check(self) -> None:
        """What must hold after every step; a test may watch more."""
        for evse in self.station.evses.values():
            if evse.power_asked:
                assert evse.plugged, "power without a cable"
                assert evse.session.authorized, "power without authorization"
                assert not evse.stopping_faults, "power in spite of a fault"
            if evse.power_on and evse.wanted and evse.power_asked:
                assert evse.transaction, "energy without a transaction"

    def _obey(self, effect: Any) -> None:
        if isinstance(effect, f.SaveRecord):
            self._records[effect.record_id] = effect.record
            self._made_at.setdefault((effect.record.transaction_id, effect.record.seq_no), self.mono)
        elif isinstance(effect, f.AmendRecords):
            self._records |= {entry.id: entry.record for entry in self.disk.records.values()}
        elif self.stalled and type(effect) in (f.SendCall, f.AskWhenSent):
            self._held.append(effect)
        elif isinstance(effect, f.SendCall):
            self._sent_at[effect.message_id] = self.mono
            self._receive(effect)
        elif isinstance(effect, f.AskWhenSent):
            self._queue.append(e.CallSent(effect.message_id, self._sent_at.get(effect.message_id)))
        elif isinstance(effect, f.MoveLock):
            if (effect.evse_id, effect.connector_id) not in self.dumb:
                self._queue.append(self._bolt(effect))
        elif isinstance(effect, f.ReadMeter):
            if effect.evse_id not in self.meter_dead:
                self._queue.append(self._reading(effect.evse_id, effect.signed and effect.evse_id not in self.silent))
        elif isinstance(effect, f.ClosePowerPath):
            self.limits[effect.evse_id] = effect[1:]
            self.offered[effect.evse_id] = effect.phases in (0, self.phases[effect.evse_id])
            self._appetite(effect.evse_id)
        elif isinstance(effect, f.SetLimit):
            self.limits[effect.evse_id] = (effect.limit_a, effect.limit_w, self.limits[effect.evse_id][2])
        elif isinstance(effect, f.OpenPowerPath):
            self.offered[effect.evse_id] = False
            self.limits[effect.evse_id] = (0.0, 0.0, 0)
            self._appetite(effect.evse_id)
        elif isinstance(effect, f.ReplyLocally):
            self.replies["local"] = effect.reply
        elif isinstance(effect, f.Respond):
            self.replies[effect.message_id] = effect.reply
        elif isinstance(effect, f.Refuse):
            self.replies[effect.message_id] = effect
        elif isinstance(effect, f.LoadRecords):
            self._queue.append(
                e.RecordsLoaded(effect.topic, effect.ticket, *self.disk.waiting(effect.after_id, effect.limit))
            )
        elif isinstance(effect, f.LoadDead):
            letters = () if self.unreadable else self.disk.letters(effect.record_ids, effect.limit)
            self._queue.append(e.DeadLoaded(effect.ticket, letters, self.unreadable))
        elif isinstance(effect, f.StartJob):
            self._begin(effect)
        elif isinstance(effect, f.Note):
            self.notes.append(effect.text)
        elif isinstance(effect, f.Display):
            self.displayed.append((self.mono, effect))
        elif isinstance(effect, f.Indicate):
            self.lit.append(effect)
            if not effect.times:
                self.lamps[effect.lamp] = effect.colour + (" blinking" if effect.blink else "")
        elif isinstance(effect, f.Reconnect):
            self.dialled_anew.append(effect.reason)
        elif isinstance(effect, f.RestartEvse):
            self.renewed.append(effect.evse_id)
            self._queue.append(e.EvseRestarted(effect.evse_id, self.unsafe.get(effect.evse_id, "")))
            if effect.evse_id not in self.unsafe:
                self._tell_all(effect.evse_id)
        elif isinstance(effect, f.Restart):
            self.restarts.append(effect)
            self._restarting = True

    def _begin(self, start: f.StartJob) -> None:
        """The key store is in order; what else is to be worked on waits for `finish`."""
        if isinstance(start.job, Tidy):
            found = self.tidied or Tidied((), start.job.taken_in)
            self._queue.append(e.JobEnded(start.topic, start.id, found))
        elif isinstance(start.job, AskSystemClock):
            self._queue.append(e.JobEnded(start.topic, start.id, self.system_clock))
        else:
            self.under_way.append(start)

    def finish(self, outcome: Any) -> Any:
        """The first job that is under way is over; what it was."""
        start = self.under_way.popleft()
        self.tell(e.JobEnded(start.topic, start.id, outcome))
        return start.job

    def _bolt(self, move: f.MoveLock) -> Any:
        place = (move.evse_id, move.connector_id)
        return e.LockStuck(*place, move.locked, "jammed") if place in self.stuck else e.LockMoved(*place, move.locked)

    def _appetite(self, evse: int) -> None:
        """A car that is offered energy and wants it takes it."""
        wants = self.plugged[evse] and self.hungry[evse] and self.offered[evse]
        self._queue.append(e.EnergyWanted(evse, wants))
        if wants != self.on[evse] and evse not in self.welded:
            self._switch(evse, wants)

    def _switch(self, evse: int, on: bool) -> None:
        self.on[evse] = on
        self._queue.append(e.PowerSwitched(evse, on))

    def read(self, evse: int, *, signed: bool = False) -> None:
        if evse not in self.meter_dead:
            self.tell(self._reading(evse, signed))

    def _reading(self, evse: int, signed: bool = False) -> e.MeterRead:
        wh, watts = self.shows.get(evse, self.register[evse]), self._draws_w(evse)
        record = Signed(record_of(wh or 0.0), "OCMF", "ECDSA", "key") if signed else None
        return e.MeterRead(evse, Measured(self.mono + 0.001, wh, power_w=watts, signed=record))

    # -- the CSMS's side -----------------------------------------------------------------------------------------------

    def _receive(self, call: f.SendCall) -> None:
        message = call.message
        self.received.append((call.message_id, message))
        if isinstance(message, m.StatusChanged):
            self.statuses[(message.evse_id, message.connector_id)] = message.status
        if isinstance(message, m.TransactionRecord):
            self.sent_with.append((message, call.reference))
        if self.mute or (self.mute_records and isinstance(message, m.TransactionRecord)):
            return
        if type(message) in self.refuses:
            answer: Any = e.CallRefused(call.message_id, self.refuses[type(message)], "test")
        elif self.refusing and isinstance(message, m.TransactionRecord):
            answer = e.CallRefused(call.message_id, "InternalError", "test")
        else:
            answer = e.CallAnswered(call.message_id, self._answer(call, message))
        (self._unanswered if self.slow else self._queue).append(answer)

    def go_on(self) -> "World":
        """The disk does what it was asked to do, and what has waited for it is done."""
        self.stalled, held, self._held = False, self._held, []
        for effect in held:
            self._obey(effect)
        self._run()
        return self

    def answer(self) -> "World":
        """The slow CSMS gives its next answer, whatever has become of the question."""
        if self._unanswered:
            self._answered.append(self._unanswered.popleft())
            self.tell(self._answered[-1])
        return self

    def answer_again(self, n: int) -> "World":
        """An answer that was given long ago comes a second time."""
        if self._answered:
            self.tell(self._answered[n % len(self._answered)])
        return self

    def _answer(self, call: f.SendCall, message: m.Message) -> m.Answer:
        if isinstance(message, m.Boot):
            accepted = m.BootAnswered("Accepted", 300, self._says())
            return self.registrations.popleft() if self.registrations else accepted
        if isinstance(message, m.Heartbeat):
            return m.HeartbeatAnswered(self._says())
        if isinstance(message, m.Authorize):
            return m.AuthorizeAnswered(self.infos.get(message.token.key, TokenInfo("Accepted")))
        if isinstance(message, m.TransactionRecord):
            token = message.token
            info = self.infos.get(token.key, TokenInfo("Accepted")) if token else None
            return m.RecordAnswered(self._reference(call, message), info)
        return m.Acknowledged()

    def _says(self) -> float | None:
        """What time it is."""
        once, self.wrong_once_s = self.wrong_once_s, 0.0
        return None if self.timeless else self.utc + self.wrong_s + once

    def _reference(self, call: f.SendCall, record: m.TransactionRecord) -> int | None:
        if self.version != "1.6" or record.kind != "Started":
            return None
        if call.message_id not in self._given:
            self._references += 1
            self._given[call.message_id] = self._references
            self._named[str(self._references)] = record.transaction_id
        return self._given[call.message_id]

    @property
    def records(self) -> list[m.TransactionRecord]:
        """In the order they were queued, over all boots, as they were kept at last."""
        return list(self._records.values())

    def made_at(self, record: m.TransactionRecord) -> float:
        """When by the monotonic clock, whatever time it was."""
        return self._made_at[record.transaction_id, record.seq_no]

    def told(self, kind: type) -> list[Any]:
        """The messages of this kind that the CSMS got, in order."""
        return [message for _, message in self.received if type(message) is kind]

    def story(self) -> list[str]:
        """The transactions in short, without what only carries samples: "Started Authorized EVConnected"."""
        rows = [r for r in self.records if not r.trigger.startswith("MeterValue")]
        reasons = [f" ({r.stopped_reason})" if r.stopped_reason else "" for r in rows]
        return [f"{r.kind} {r.trigger} {r.charging_state}{why}" for r, why in zip(rows, reasons, strict=True)]

    def configure(self, name: str, value: str) -> "World":
        """A technician sets a variable, with or without a CSMS."""
        self.tell(e.ControlAsked(1, c.SetVariables(((parse_name(name), "Actual", value),))))
        return self

    def set(self, name: str, value: str) -> "World":
        """The CSMS sets a variable."""
        got = self.ask(c.SetVariables(((parse_name(name), "Actual", value),)))
        assert got.items[0].status == "Accepted", got
        return self

    def delivered(self) -> list[m.TransactionRecord]:
        """The records the CSMS has, each once: a repeat has the same id, but for the version, and the same content."""
        seen: dict[str, m.TransactionRecord] = {}
        for message_id, message in self.received:
            if isinstance(message, m.TransactionRecord):
                known = self._named.get(message.transaction_id, message.transaction_id)
                record = message._replace(transaction_id=known)
                kept, _, _ = message_id.rpartition("-")
                assert seen.setdefault(kept, record) == record, "sent twice with different content"
        return list(seen.values())


def record_of(energy_wh: float) -> str:
    """What the meter signs."""
    return b64encode(f"OCMF|{energy_wh}|seal".encode()).decode()


def check_records(records: list[m.TransactionRecord]) -> None:
    """One start, one end at most and last, no gap, energy and time that only grow, for each transaction."""
    by_transaction: dict[str, list[m.TransactionRecord]] = {}
    for record in records:
        by_transaction.setdefault(record.transaction_id, []).append(record)
    for rows in by_transaction.values():
        assert [row.seq_no for row in rows] == list(range(len(rows))), "a gap in the sequence"
        kinds = [row.kind for row in rows]
        assert kinds[0] == "Started"
        assert kinds.count("Started") == 1
        assert kinds.count("Ended") <= 1
        assert "Ended" not in kinds[:-1], "something after the end"
        energies = [row.energy_wh for row in rows if row.energy_wh is not None]
        assert energies == sorted(energies), "energy went back"
        times = [row.stamp.at for row in rows]
        assert times == sorted(times), "time went back"
