"""The charging station: `step(event, now) -> effects`.

An event changes facts; what follows from them is settled in the topic it belongs to; then the step looks at what is
due, tells what changed, and sends the next message. `deadline` is when the station wants to be woken if nothing
happens before; the event is then `Ticked`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core import shown
from chargepointd.core.availability import BEFORE_ACCEPTED, NOT_ACCEPTED
from chargepointd.core.certificates import DeleteCertificate, GetInstalledCertificateIds, InstallCertificate
from chargepointd.core.charging.profiles import ShowProfiles
from chargepointd.core.charging.schedules import GetCompositeSchedule
from chargepointd.core.clock import PLAUSIBLE, Righting
from chargepointd.core.context import NEVER, Context, Step, iso
from chargepointd.core.effects import Effect, Note, Refuse, ReplyLocally, Respond, SaveState
from chargepointd.core.evse import Evse
from chargepointd.core.local_list import GetLocalListVersion, ShowToken
from chargepointd.core.messages import Acknowledged, Message
from chargepointd.core.network import RaiseSecurityProfile, SetMessageTimeout, SetNetworkProfile
from chargepointd.core.outbox import Outcome, Refused
from chargepointd.core.reports import GetBaseReport, GetReport
from chargepointd.core.rules import ConnectorView
from chargepointd.core.sampling import REPLANNED, TRIGGERED_RECORD
from chargepointd.core.saved import Saved
from chargepointd.core.signing import CertificateSigned
from chargepointd.core.topic import Answer, Topic
from chargepointd.core.values import Fault, Now
from chargepointd.core.wiring import Wiring

if TYPE_CHECKING:
    from chargepointd.core.keeping import Keeping

_QUESTIONS = (
    c.GetVariables, c.ListVariables, c.GetTransactionStatus, c.ShowStatus, c.ShowOutbox, c.ShowSecurityLog,
    GetCompositeSchedule, GetLocalListVersion, ShowProfiles, ShowToken,
)  # fmt: skip
_ASKED = frozenset((e.CallReceived, e.ControlAsked))
_QUIET = frozenset((e.CallAnswered, e.RecordsLoaded))
_PENDING_MAY = (
    CertificateSigned,
    DeleteCertificate,
    GetInstalledCertificateIds,
    InstallCertificate,
    SetNetworkProfile,
    RaiseSecurityProfile,
    SetMessageTimeout,
    c.GetVariables,
    c.SetVariables,
    c.ListVariables,
    c.TriggerMessage,
    c.RequestStart,
    c.RequestStop,
    GetBaseReport,
    GetReport,
)
"""what is answered while the registration is pending (B02.FR.05); start and stop are answered Rejected"""


def asks_only(event: e.Event) -> bool:
    """A question changes nothing, so nothing follows from it: most of what a CSMS sends."""
    return type(event) in _ASKED and type(event.command) in _QUESTIONS


def _is_quiet(event: e.Event) -> bool:
    """It seldom changes more than the queue: an answer to a record, which is most of what happens while it drains, or
    that something is to be said. What it does change besides is settled at an EVSE, and so seen."""
    if type(event) in _ASKED:
        return type(event.command) is c.TriggerMessage
    return type(event) in _QUIET


class Station(Wiring):
    """The one place where the topics meet. Not thread-safe: one writer, the engine."""

    def __init__(self, context: Context, saved: Saved) -> None:
        super().__init__(context, saved)
        self._boot_reason = saved.state.get("boot_reason")
        self._leapt = False
        """the clock was put right in this step: all that waits for a time is to be looked at"""
        self._told_at = 0
        """`context.settled` when the statuses were last looked at"""
        self.deadline = NEVER
        """s, monotonic clock: when to be woken if nothing happens before; infinity for never"""
        self._offline_since = context.mono
        self._keeping: Keeping | None = None
        """of a disk that has failed"""
        self._topics = {topic.name: topic for topic in self.topics}
        self._following = [topic.follow for topic in self.topics if type(topic).follow is not Topic.follow]
        self._deadlines = self._all_deadlines()
        self._introduce_topics()
        self._handlers = self._handled()
        self._commands = self._commanded()
        for topic in self.topics:
            self._join(topic)

    def _all_deadlines(self) -> list[Callable[[], float]]:
        return [
            *(evse.deadline for evse in self._everywhere.values() if evse.id >= 0),
            self.lobby.deadline,
            *(topic.deadline for topic in self.topics if type(topic).deadline is not Topic.deadline),
            self.registration.deadline,
            self.remote.deadline,
            self.resets.deadline,
            self.statuses.deadline,
            self.outbox.deadline,
        ]

    def _introduce_topics(self) -> None:
        """To those whom they ask, and whom they tell."""
        self.outbox.on_room = lambda none, step: self._hold(none, step, "no room")
        self.outbox.on_record_answered = self._record_answered
        self.registration.believes_csms = self.timekeeping.believes_csms
        self.registration.trusts_csms_at = self.network.trusts_at
        self.registration.lets_say = self.network.lets_say
        self.timekeeping.beat = self.registration.beat
        self.context.on_clock = self._clock_changed

    def _join(self, topic: Topic) -> None:
        self._handlers |= topic.events()
        self._commands |= topic.commands()
        self.remote.triggers |= topic.triggers()
        for name, wrong in topic.guards().items():
            self.variables.guard(name, wrong)

    # -- the step ------------------------------------------------------------------------------------------------------

    def step(self, event: e.Event, now: Now) -> list[Effect]:
        """All that is to be done because of this event."""
        context = self.context
        context.mono, change = now.mono, context.clock.looked_at(now)
        step = Step(now.mono, context.clock.utc(now.mono))
        if change:
            self._clock_changed(change, step, f"to {iso(step.utc)} by the system's clock")
        self._handlers[type(event)](event, step)
        if self._leapt:
            self._leapt = False
            self._ticked(e.Ticked(), step)
        if change or not asks_only(event):
            self._follow(step, quiet=_is_quiet(event) and not change)
            self.deadline = min([deadline() for deadline in self._deadlines])
        return step.effects

    def _follow(self, step: Step, *, quiet: bool) -> None:
        self.authorization.follow(step)
        self.registration.tick(step)
        self.availability.tick(step)
        self.reservations.settle(step)
        if self.registration.just_accepted:
            self.registration.just_accepted = False
            self.statuses.forget()
            self._hold(False, step, NOT_ACCEPTED)
            self._introduce(step)
            quiet = False
        context = self.context
        if not quiet or context.settled != self._told_at:
            self._told_at = context.settled
            self.statuses.tell(step)
        for follow in self._following:
            follow(step)
        if context.settled != self._told_at:  # a limit has paused somebody, or let him go on
            self._told_at = context.settled
            self.statuses.tell(step)
        self.resets.tick(step)
        self.outbox.follow(step)
        self.outbox.pump(step)

    def _introduce(self, step: Step) -> None:
        """To a CSMS that numbers transactions those that run, and that were told in another dialect so far."""
        if self.context.rules.numbers_transactions:
            for evse in self._everywhere.values():
                transaction = evse.transaction
                if evse.number and transaction and transaction.starter and not self.outbox.knows(transaction.id):
                    evse.sample_now(TRIGGERED_RECORD, step)

    def _handled(self) -> dict[type, Callable[[Any, Step], None]]:
        evses = self.evses
        return {
            e.CablePlugged: self._plugged,
            e.CableUnplugged: lambda ev, step: evses[ev.evse_id].unplug(ev.connector_id, step),
            e.PlugMoved: lambda ev, step: evses[ev.evse_id].move_plug(ev.connector_id, ev.present, step),
            e.BayChanged: self._bay_changed,
            e.EnergyWanted: lambda ev, step: evses[ev.evse_id].want(ev.wanted, step),
            e.PowerSwitched: lambda ev, step: evses[ev.evse_id].switch(ev.on, step),
            e.PhasesSwitched: lambda ev, step: evses[ev.evse_id].switch_phases(ev.phases, step),
            e.ContactMoved: lambda ev, step: self.external.contact(ev.number, ev.closed, step),
            e.SiteRead: lambda ev, step: self.external.building(ev.measured, step),
            e.MeterRead: lambda ev, step: self._everywhere[ev.evse_id].read(ev.measured, step),
            e.EvseRestarted: self.resets.restarted,
            e.GridChanged: self.resets.grid_changed,
            e.TokenPresented: lambda ev, step: self.authorization.presented(ev.token, ev.evse_ids, step),
            e.LockMoved: self._lock_moved,
            e.LockStuck: self._lock_stuck,
            e.VehicleIdentified: self._identified,
            e.KeyPressed: self.keypads.pressed,
            e.FaultRaised: self._fault_raised,
            e.FaultCleared: self._fault_cleared,
            e.LinkOpened: self._link_opened,
            e.LinkClosed: self._link_closed,
            e.LinkFailed: lambda ev, step: self.network.failed(ev.kind, ev.reason, step),
            e.CallReceived: self._call_received,
            e.CallAnswered: lambda ev, step: self._answered(ev.message_id, ev.answer, step),
            e.CallRefused: lambda ev, step: self._answered(ev.message_id, Refused(ev.code, ev.description), step),
            e.CallSent: lambda ev, step: self.outbox.call_sent(ev.message_id, ev.at, step),
            e.CallUnspeakable: self._unspeakable,
            e.RecordsLoaded: self._records_loaded,
            e.DeadLoaded: lambda ev, step: self.outbox.dead_letters.loaded(ev, step),
            e.MessageInvalid: lambda ev, step: self.security.invalid_message(ev.reason, step),
            e.JobTold: lambda ev, step: self._topics[ev.topic].job_told(ev.id, ev.news, step),
            e.JobEnded: lambda ev, step: self._topics[ev.topic].job_ended(ev.id, ev.outcome, step),
            e.ControlAsked: self._control_asked,
            e.PoweredUp: self._powered_up,
            e.StorageLow: self._storage_low,
            e.StorageFailed: self._storage_failed,
            e.StorageSound: self._storage_sound,
            e.DamageMet: self._damage_met,
            e.Ticked: self._ticked,
        }

    # -- hardware ------------------------------------------------------------------------------------------------------

    def _plugged(self, event: e.CablePlugged, step: Step) -> None:
        evse = self.evses[event.evse_id]
        self.lobby.leave_for(evse, step)
        evse.plug_in(event.connector_id, event.limit_a, step)

    def _identified(self, event: e.VehicleIdentified, step: Step) -> None:
        step.emit(Note("vehicle", event.evse_id, "identified"))
        self.authorization.identified(event.evse_id, event.mac, step)

    def _bay_changed(self, event: e.BayChanged, step: Step) -> None:
        evse = self.evses[event.evse_id]
        if event.occupied and "ParkingBayOccupancy" in evse.start_points():
            self.lobby.leave_for(evse, step)
        evse.occupy(event.occupied, step)

    def _lock_moved(self, event: e.LockMoved, step: Step) -> None:
        evse = self.evses[event.evse_id]
        evse.move_lock(event.connector_id, event.locked, step)
        evse.mend("ConnectorLockFailure", f"connector {event.connector_id}", step)
        self.remote.lock_moved((event.evse_id, event.connector_id), event.locked, step)

    def _lock_stuck(self, event: e.LockStuck, step: Step) -> None:
        fault = Fault("ConnectorLockFailure", f"connector {event.connector_id}", event.info, event.wanted_locked)
        self.remote.lock_stuck((event.evse_id, event.connector_id), event.info, step)
        self.evses[event.evse_id].fault(fault, step)

    def _fault_raised(self, event: e.FaultRaised, step: Step) -> None:
        fault = event.fault
        step.emit(Note("fault", event.evse_id, f"{fault.code}: {fault.source} {fault.info}".strip()))
        if not event.evse_id:
            self.statuses.station_faults[(fault.code, fault.source)] = fault
        if event.evse_id or fault.stops_charging:
            for evse in self._those(event.evse_id):
                evse.fault(fault, step)

    def _fault_cleared(self, event: e.FaultCleared, step: Step) -> None:
        step.emit(Note("fault cleared", event.evse_id, f"{event.code}: {event.source}"))
        if not event.evse_id:
            self.statuses.station_faults.pop((event.code, event.source), None)
        for evse in self._those(event.evse_id):
            evse.mend(event.code, event.source, step)

    def _those(self, evse_id: int) -> list[Evse]:
        return [self.evses[evse_id]] if evse_id else list(self.evses.values())

    # -- the CSMS ------------------------------------------------------------------------------------------------------

    def _link_opened(self, event: e.LinkOpened, step: Step) -> None:
        self.context.rules = event.rules
        self.outbox.linked()
        if self.network.linked(event, step):
            self.registration.forget()
        self.registration.linked(step)
        away = step.mono - self._offline_since
        if away > self.variables.integer("OCPPCommCtrlr.OfflineThreshold"):
            self.statuses.forget()
        step.emit(Note("link", 0, f"open, {event.rules.subprotocol}"))

    def _link_closed(self, event: e.LinkClosed, step: Step) -> None:
        self._offline_since = step.mono
        self.network.unlinked(step)
        self.registration.unlinked()
        self.outbox.unlinked(step)
        step.emit(Note("link", 0, f"closed: {event.reason}"))

    def _answered(self, message_id: str, outcome: Any, step: Step) -> None:
        if not self.outbox.answered(message_id, outcome, step):
            step.emit(Note("link", 0, f"an answer nobody waits for was dropped: {message_id[:36]}"))

    def _record_answered(self, message: Message, outcome: Outcome, step: Step) -> None:
        self.authorization.record_answered(message, outcome, step)
        if self.pricing:
            self.pricing.record_answered(message, outcome, step)

    def _unspeakable(self, event: e.CallUnspeakable, step: Step) -> None:
        if self.outbox.answered(event.message_id, Acknowledged(), step):
            self.outbox.sent -= 1

    def _records_loaded(self, event: e.RecordsLoaded, step: Step) -> None:
        if event.unreadable:
            self.outbox.set_aside(event.unreadable, event.unreadable_size, "cannot be read", step)
        if event.topic in self._topics:
            self._topics[event.topic].records_loaded(event, step)
        else:
            self.outbox.loaded(event, step)

    def _call_received(self, event: e.CallReceived, step: Step) -> None:
        state = self.registration.state
        may = self.context.rules.pending_obeys or isinstance(event.command, _PENDING_MAY)
        if state != "Accepted" and not (state == "Pending" and may):
            step.emit(Refuse(event.message_id, "SecurityError", "the station is not accepted by the CSMS yet"))
            return

        def reply(answer: c.Reply, step: Step) -> None:
            step.emit(Respond(event.message_id, answer))

        def refuse(reason: str) -> None:
            step.emit(Refuse(event.message_id, "InternalError", reason))

        if not self._refused(event.command, step, reply, refuse):
            self._command(event.command, step, reply)

    # -- people and the process ----------------------------------------------------------------------------------------

    def _control_asked(self, event: e.ControlAsked, step: Step) -> None:
        def reply(answer: c.Reply, step: Step) -> None:
            step.emit(ReplyLocally(event.request_id, answer))

        def refuse(reason: str) -> None:
            reply(c.Status("Rejected", reason), step)

        if not self._refused(event.command, step, reply, refuse):
            self._command(event.command, step, reply)

    def _powered_up(self, event: e.PoweredUp, step: Step) -> None:
        self.registration.reason = self._boot_reason or event.boot_reason
        if self._boot_reason:
            step.emit(SaveState("boot_reason", None))
        for evse in self._everywhere.values():
            evse.power_up(step)
        for topic in self.topics:
            topic.power_up(step)

    def _ticked(self, event: e.Ticked, step: Step) -> None:
        for evse in self._everywhere.values():
            evse.tick(step)
        self.remote.tick(step)
        for topic in self.topics:
            topic.tick(step)
        self.outbox.tick(step)

    def _clock_changed(self, right: Righting, step: Step, why: str) -> None:
        """What was noted by a clock that was not known to be right is put right, durably, before it is told."""
        self._leapt = True
        step.utc = self.context.clock.utc(step.mono)
        begun = [evse.transaction for evse in self._everywhere.values() if evse.transaction]
        stamped = self.outbox.put_right(right, {t.id: t.stamped_at for t in begun if t.stamped_at >= PLAUSIBLE}, step)
        for evse in self._everywhere.values():
            evse.put_right(right, step, stamped)
            evse.sampling.put_right(right, step)
        for topic in self.topics:
            topic.put_right(right, step)
        self.security.clock_changed(right, why, step)

    def _storage_low(self, event: e.StorageLow, step: Step) -> None:
        self.local_list.no_room = not event.over
        if not event.over:
            self.security.storage_low(event.free_bytes, step)

    def _storage_failed(self, event: e.StorageFailed, step: Step) -> None:
        self._disk().failed(event, step)

    def _storage_sound(self, event: e.StorageSound, step: Step) -> None:
        self._disk().sound(step)

    def _damage_met(self, event: e.DamageMet, step: Step) -> None:
        if event.what not in self.security.damaged:
            self.security.damage_met(event.what, step)
            self._disk().damage_met(event, step)

    def _disk(self) -> "Keeping":
        if self._keeping is None:
            from chargepointd.core.keeping import Keeping  # a disk seldom fails, and a start is made of imports

            self._keeping = Keeping(self.context, self.outbox, self.statuses, self.evses, self.resets.when_idle)
            self.topics = (*self.topics, self._keeping)
            self._deadlines.append(self._keeping.deadline)
        return self._keeping

    # -- commands ------------------------------------------------------------------------------------------------------

    def _refused(self, command: c.Command, step: Step, reply: Answer, refuse: Callable[[str], None]) -> bool:
        """Nothing can be kept, and this would have to be."""
        if self.context.keeps or isinstance(command, _QUESTIONS):
            return False
        from chargepointd.core.keeping import MAY, refusal

        if isinstance(command, MAY):
            return False
        answer = refusal(command, self.context.unkept)
        if answer is None:
            refuse(f"nothing can be kept: {self.context.unkept}")
        else:
            reply(answer, step)
        return True

    def _command(self, command: c.Command, step: Step, reply: Callable[[c.Reply, Step], None]) -> None:
        if self.pricing and type(command) not in self._commands:
            self._commands |= self.pricing.obeyed(step)
        self._commands[type(command)](command, step, reply)

    def _commanded(self) -> dict[type, Callable[[Any, Step, Callable[[c.Reply, Step], None]], None]]:
        remote = self.remote
        return {
            c.GetVariables: lambda cmd, step, reply: reply(self._get(cmd), step),
            c.ListVariables: lambda cmd, step, reply: reply(c.VariablesGot(self.variables.listing(cmd.prefix)), step),
            c.SetVariables: self._set,
            c.ChangeAvailability: lambda cmd, step, reply: reply(self.availability.change(cmd, step), step),
            c.RequestStart: remote.start,
            c.RequestStop: remote.stop,
            c.StopLocally: lambda cmd, step, reply: reply(remote.stop_locally(cmd, step), step),
            c.UnlockConnector: remote.unlock,
            c.TriggerMessage: remote.trigger,
            c.GetTransactionStatus: lambda cmd, step, reply: reply(remote.transaction_status(cmd), step),
            c.Reset: self.resets.obey,
            c.ClearCache: lambda cmd, step, reply: reply(self.tokens.clear(step), step),
            c.TransferData: lambda cmd, step, reply: reply(c.Status(cmd.status, cmd.reason), step),
            c.ShowStatus: lambda cmd, step, reply: reply(c.Shown(shown.station(self, step)), step),
            c.MindDead: lambda cmd, step, reply: self.outbox.dead_letters.obey(cmd, step, reply),
            c.ShowOutbox: lambda cmd, step, reply: reply(c.Shown(shown.outbox(self.outbox, cmd.limit)), step),
        }

    def _get(self, command: c.GetVariables) -> c.VariablesGot:
        return c.VariablesGot(tuple([self.variables.get(ref, attribute) for ref, attribute in command.items]))

    def _set(self, command: c.SetVariables, step: Step, reply: Callable[[c.Reply, Step], None]) -> None:
        results, changed = [], []
        for ref, attribute, value in command.items:
            result, save = self.variables.set(ref, attribute, value)
            results.append(result)
            if save:
                step.emit(save)
                changed.append(save.name)
        reply(c.VariablesSet(tuple(results)), step)
        self._changed(changed, step)

    def _changed(self, names: list[str], step: Step) -> None:
        """What acts at once on a new value; all else reads it when it is needed."""
        if "OCPPCommCtrlr.HeartbeatInterval" in names:
            self.registration.interval_changed(step)
        if not REPLANNED.isdisjoint(names):
            for evse in self._everywhere.values():
                evse.sampling.plan(step)
        if BEFORE_ACCEPTED in names:
            allowed = self.variables.boolean(BEFORE_ACCEPTED) or self.registration.state == "Accepted"
            self._hold(not allowed, step, NOT_ACCEPTED)
        for topic in self.topics:
            topic.changed(names, step)

    @property
    def utc(self) -> float:
        """s since 1970: the time of the latest step."""
        return self.context.utc

    def view(self, evse_id: int, connector_id: int) -> ConnectorView:
        """The facts about a connector, for what is computed from them."""
        return self.evses[evse_id].view(connector_id, Step(self.context.mono, self.utc))
