"""What the CSMS does from afar: start, stop, unlock, trigger (F01 to F06; 1.6 §5.11, §5.12, §5.18)."""

from collections.abc import Callable, Mapping

from chargepointd.core.authorization import Authorization
from chargepointd.core.availability import Statuses
from chargepointd.core.boot import Registration
from chargepointd.core.commands import (
    GetTransactionStatus,
    Reply,
    RequestStart,
    RequestStop,
    StartRequested,
    Status,
    StopLocally,
    TransactionStatus,
    TriggerMessage,
    UnlockConnector,
)
from chargepointd.core.consequences import Cause
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import MoveLock, Note
from chargepointd.core.evse import Evse
from chargepointd.core.outbox import Outbox
from chargepointd.core.sampling import TRIGGERED_METERS, TRIGGERED_RECORD, TRIGGERED_SAMPLES, Purpose
from chargepointd.core.topic import Trigger
from chargepointd.core.tuples import NamedTuple

UNLOCK_TIMEOUT_S = 10.0
FREED_S = 30.0
"""a plug that nobody sees can be pulled out (F05.FR.06), before an empty socket is shut again"""
"""three pulses 3 s apart (a motor lock's own retries) have been tried by then"""


_TRIGGERS = ("BootNotification", "Heartbeat", "MeterValues", "StatusNotification", "TransactionEvent")


_PLACED = ("StatusNotification", "MeterValues", "TransactionEvent")
"""triggers for which the EVSE matters; it is ignored for the others (F06.FR.03)"""


class Unlocking(NamedTuple):
    """An unlock that waits for the bolt."""

    place: tuple[int, int]
    answer: Callable[[Reply, Step], None]
    by: float


class Remote:
    def __init__(
        self,
        context: Context,
        outbox: Outbox,
        evses: dict[int, Evse],
        everywhere: Mapping[int, Evse],
        authorization: Authorization,
        statuses: Statuses,
        registration: Registration,
    ) -> None:
        self._context = context
        self._outbox = outbox
        self._evses = evses
        self._everywhere = everywhere
        """with the seats of the lobby, below 0, and the main meter, 0"""
        self._authorization = authorization
        self._statuses = statuses
        self._registration = registration
        self._unlocking: list[Unlocking] = []
        self.triggers: dict[str, Trigger] = {}
        """of other topics, by MessageTriggerEnumType"""
        self.expect: Callable[[RequestStart, int, Step], Status | None] = lambda command, evse_id, step: None
        """takes the charging profile that comes with a start at an EVSE; or why not"""

    # -- start and stop ------------------------------------------------------------------------------------------------

    def start(self, command: RequestStart, step: Step, reply: Callable[[Reply, Step], None]) -> None:
        """The answer first, then what follows from it (F01.FR.01, trap 41)."""
        group = command.group.value if command.group else self._authorization.group_of(command.token, step)
        evse = self._evse_for(command, group)
        if isinstance(evse, Status):
            reply(StartRequested("Rejected", reason=evse.reason), step)
            return
        refused = self.expect(command, evse.id, step)
        if refused:
            reply(StartRequested("Rejected", reason=refused.reason, code=refused.code), step)
            return
        running = evse.transaction
        reply(StartRequested("Accepted", self._outbox.names.name_of(running.id) if running else None), step)
        self._authorization.request(command.token, group, evse.id, command.remote_start_id, step)

    def _evse_for(self, command: RequestStart, group: str | None) -> Evse | Status:
        if not self._context.online:
            return Status("Rejected", "not registered at the CSMS yet")
        if command.evse_id and command.evse_id not in self._evses:
            return Status("Rejected", f"no EVSE {command.evse_id}")
        candidates = [self._evses[command.evse_id]] if command.evse_id else list(self._evses.values())
        free = [evse for evse in candidates if evse.open_to(command.token, group)]
        free = self._authorization.reservations.preferred(command.token, group, free)
        if not free:
            return Status("Rejected", "occupied, reserved, out of service or faulted")
        return next((evse for evse in free if evse.plugged), free[0])

    def stop(self, command: RequestStop, step: Step, reply: Callable[[Reply, Step], None]) -> None:
        transaction_id = self._outbox.names.transaction_named(command.transaction_id)
        if command.reference is not None:
            transaction_id = self._outbox.names.transaction_of(command.reference)
        evse = self._with(transaction_id)
        if not self._context.online:  # B02.FR.05
            reply(Status("Rejected", "not registered at the CSMS yet"), step)
        elif evse is None or not evse.running:
            reply(Status("Rejected", "no such transaction is running"), step)
        else:
            reply(Status("Accepted"), step)
            evse.deauthorize(Cause("RemoteStop", "Remote"), step)

    def stop_locally(self, command: StopLocally, step: Step) -> Status:
        evse = (
            self._evses.get(command.evse_id)
            if command.evse_id
            else self._with(self._outbox.names.transaction_named(command.transaction_id))
        )
        if evse is None:
            known = ", ".join(map(str, self._evses))
            return Status(
                "Unknown", f"no EVSE {command.evse_id}; known: {known}" if command.evse_id else "no such transaction"
            )
        if not evse.running and not evse.session.authorized:
            return Status("Rejected", f"nothing runs at EVSE {evse.id}")
        evse.stop(Cause("StopAuthorized", "Local"), step)
        return Status("Accepted")

    def _with(self, transaction_id: str | None) -> Evse | None:
        def has(evse: Evse) -> bool:
            return evse.transaction is not None and evse.transaction.id == transaction_id

        return next((evse for evse in self._everywhere.values() if has(evse)), None)

    def transaction_status(self, command: GetTransactionStatus) -> TransactionStatus:
        """E14: without an id, whether any record waits."""
        wanted = self._outbox.names.transaction_named(command.transaction_id)
        ongoing = None if wanted is None else self._with(wanted) is not None
        return TransactionStatus(self._outbox.holds(wanted), ongoing)

    # -- unlock --------------------------------------------------------------------------------------------------------

    def unlock(self, command: UnlockConnector, step: Step, reply: Callable[[Reply, Step], None]) -> None:
        """F05; the answer comes when the bolt has moved."""
        evse = self._evses.get(command.evse_id)
        plan = evse.plan.connector(command.connector_id) if evse else None
        if evse is None or plan is None:
            reply(Status("UnknownConnector", f"no connector {command.connector_id} at EVSE {command.evse_id}"), step)
        elif not plan.lock:
            reply(Status("NotSupported", "the cable is fixed, or the connector has no lock"), step)
        elif evse.running and evse.session.authorized and not self._context.rules.unlock_stops_transaction:
            reply(Status("OngoingAuthorizedTransaction"), step)
        else:
            if self._context.rules.unlock_stops_transaction:
                evse.stop(Cause("UnlockCommand", "UnlockCommand"), step)
            evse.freed_until = step.mono + FREED_S
            evse.release(step)
            place = (command.evse_id, command.connector_id)
            self._unlocking.append(Unlocking(place, reply, step.mono + UNLOCK_TIMEOUT_S))
            if not evse.power_on:
                step.emit(MoveLock(*place, locked=False))

    def lock_moved(self, place: tuple[int, int], locked: bool, step: Step) -> None:
        if not locked:
            self._unlocked(place, Status("Unlocked"), step)

    def lock_stuck(self, place: tuple[int, int], info: str, step: Step) -> None:
        self._unlocked(place, Status("UnlockFailed", info), step)

    def _unlocked(self, place: tuple[int, int], status: Status, step: Step) -> None:
        waiting = [u for u in self._unlocking if u.place == place]
        self._unlocking = [u for u in self._unlocking if u.place != place]
        for unlocking in waiting:
            unlocking.answer(status, step)

    @property
    def offered_triggers(self) -> frozenset[str]:
        """What TriggerMessage may ask for."""
        return frozenset((*_TRIGGERS, *self.triggers))

    # -- trigger -------------------------------------------------------------------------------------------------------

    def trigger(self, command: TriggerMessage, step: Step, reply: Callable[[Reply, Step], None]) -> None:
        """F06: the answer first, then the message."""
        act = self._trigger(command, step)
        if isinstance(act, Status):
            reply(act, step)
            return
        reply(Status("Accepted"), step)
        act(step)

    def _trigger(self, command: TriggerMessage, step: Step) -> Status | Callable[[Step], None]:
        if command.kind in _PLACED and command.evse_id and not self._exists(command):
            return Status("Rejected", f"no EVSE {command.evse_id} with connector {command.connector_id}")
        if command.kind == "Heartbeat":
            return lambda step: self._registration.beat(step, asked=True)
        if command.kind == "BootNotification":
            again = self._registration.state == "Accepted" and not self._context.rules.boots_when_asked
            return Status("Rejected", "already accepted") if again else self._registration.announce
        if command.kind == "StatusNotification":
            return lambda step: self._repeat_statuses(command, step)
        if command.kind == "MeterValues":
            return self._trigger_meters(command)
        if command.kind == "TransactionEvent":
            asked = self._triggered(command) if command.evse_id else self._everywhere.values()
            running = [evse for evse in asked if evse.running]
            if not running:
                return Status("Rejected", "no transaction is running there")
            return lambda step: self._sample(running, TRIGGERED_RECORD, 0, step)
        if command.kind in self.triggers:
            return self.triggers[command.kind](command, step)
        return Status("NotImplemented", f"nothing to trigger called {command.kind}")

    def _trigger_meters(self, command: TriggerMessage) -> Status | Callable[[Step], None]:
        purpose = TRIGGERED_SAMPLES if self._context.rules.samples_when_asked else TRIGGERED_METERS
        main = [evse for evse in [self._everywhere.get(0)] if evse and not command.evse_id]
        able = [evse for evse in [*self._triggered(command), *main] if evse.measures]
        if not able:
            return Status("Rejected", "no meter answers there")
        if not self._context.variables.members(purpose.measurands):
            return Status("Rejected", f"{purpose.measurands} is empty")
        return lambda step: self._sample(able, purpose, command.connector_id, step)

    def _exists(self, command: TriggerMessage) -> bool:
        evse = self._evses.get(command.evse_id)
        return evse is not None and (not command.connector_id or evse.plan.connector(command.connector_id) is not None)

    def _triggered(self, command: TriggerMessage) -> list[Evse]:
        if command.itself:
            return []
        return [self._evses[command.evse_id]] if command.evse_id else list(self._evses.values())

    def _repeat_statuses(self, command: TriggerMessage, step: Step) -> None:
        if not command.evse_id:
            self._statuses.repeat((0, 0), step)
        for evse in self._triggered(command):
            for connector in evse.plan.connectors:
                if command.connector_id in (0, connector.id):
                    self._statuses.repeat((evse.id, connector.id), step)

    def _sample(self, evses: list[Evse], purpose: Purpose, connector_id: int, step: Step) -> None:
        for evse in evses:
            evse.sample_now(purpose, step, connector_id)

    # -- time ----------------------------------------------------------------------------------------------------------

    def deadline(self) -> float:
        return min([u.by for u in self._unlocking]) if self._unlocking else NEVER

    def tick(self, step: Step) -> None:
        late = {u.place for u in self._unlocking if step.mono >= u.by}
        for place in late:
            step.emit(Note("lock", place[0], "did not open in time"))
            self._unlocked(place, Status("UnlockFailed", "the lock did not answer in time"), step)
