"""Operative or not (G03, G04; 1.6 §5.2), and what is told of each connector's status (G01, B04; 1.6 §4.9)."""

from collections.abc import Mapping
from typing import Any

from chargepointd.core.commands import ChangeAvailability, Status
from chargepointd.core.consequences import NO_CAUSE
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note, SaveState
from chargepointd.core.evse import Evse
from chargepointd.core.facts import REACTION_S
from chargepointd.core.messages import Message, StatusChanged
from chargepointd.core.outbox import Outbox, Outcome, Refused, unheard
from chargepointd.core.rules import StationView
from chargepointd.core.values import Fault

SHORTEST = "ChargingStation.MinimumStatusDuration"
"""s: a status that has not lasted so long is not told (1.6 §9.1); the first one after a boot is told at once"""

BEFORE_ACCEPTED = "TxCtrlr.TxBeforeAcceptedEnabled"
"""false: nobody begins to charge from the start of the station until the CSMS has accepted it (B02.FR.03, B03.FR.01)"""
NOT_ACCEPTED = "not accepted"

Place = tuple[int, int]
"""(EVSE, connector); (0, 0) is the station, (n, 0) an EVSE"""
Told = tuple[str, Fault | None, str]
"""status, fault, and what else is to be said"""


class Availability:
    """What was set inoperative survives a restart (B01.FR.07, G03.FR.08); what waits for a transaction's end too."""

    def __init__(self, context: Context, evses: Mapping[int, Evse], saved: Any) -> None:
        self._context = context
        self._evses = evses
        self._inoperative: set[Place] = {(e, c) for e, c in (saved or {}).get("inoperative", [])}
        self._scheduled: set[Place] = {(e, c) for e, c in (saved or {}).get("scheduled", [])}
        self._held = set() if context.variables.boolean(BEFORE_ACCEPTED) else {NOT_ACCEPTED}
        self._apply()

    @property
    def station_operative(self) -> bool:
        return (0, 0) not in self._inoperative

    def change(self, command: ChangeAvailability, step: Step) -> Status:
        """Accepted, Scheduled while a transaction runs there, Rejected for what does not exist."""
        place = (command.evse_id, command.connector_id)
        affected = self._affected(place)
        if affected is None:
            return Status("Rejected", f"no EVSE {command.evse_id} with connector {command.connector_id}")
        if command.connector_id and not command.knows_evses:
            self._hand_down(affected[0])
        self._scheduled = {p for p in self._scheduled if not _covers(place, p)}
        waits = not command.operative and place not in self._inoperative and self._busy(place)
        if waits:
            self._scheduled.add(place)
        elif command.operative:
            self._inoperative.discard(place)
        else:
            self._inoperative.add(place)
        self._save(step)
        self._settle(step)
        return Status("Scheduled" if waits else "Accepted")

    def _hand_down(self, evse: Evse) -> None:
        """What was set for the EVSE is set for each of its connectors from now on: for a CSMS of 1.6, which could not
        undo what one of 2.0.1, or a technician, has done."""
        for places in (self._inoperative, self._scheduled):
            if (evse.id, 0) in places:
                places.remove((evse.id, 0))
                places |= {(evse.id, connector.id) for connector in evse.plan.connectors}

    def hold(self, held: bool, step: Step, why: str) -> bool:
        """Whether each EVSE that is free is out of service until further notice, for one of the station's own reasons,
        and beside what was set. True where that is new."""
        before = bool(self._held)
        (self._held.add if held else self._held.discard)(why)
        if before == bool(self._held):
            return False
        self._settle(step)
        return True

    def _busy(self, place: Place) -> bool:
        """A transaction runs there."""
        evses = self._affected(place) or []
        return any(evse.transaction is not None and place[1] in (0, evse.place) for evse in evses)

    def _affected(self, place: Place) -> list[Evse] | None:
        evse_id, connector_id = place
        if evse_id == 0:
            return list(self._evses.values()) if connector_id == 0 else None
        evse = self._evses.get(evse_id)
        if evse is None or (connector_id and evse.plan.connector(connector_id) is None):
            return None
        return [evse]

    def tick(self, step: Step) -> None:
        """Apply what waited for the end of a transaction."""
        if not (self._scheduled or self._held):
            return
        due = {place for place in self._scheduled if not self._busy(place)}
        if due:
            self._scheduled -= due
            self._inoperative |= due
            self._save(step)
        self._settle(step)

    def _settle(self, step: Step) -> None:
        self._apply()
        for evse in self._evses.values():
            before = evse.conditions()
            if evse.session.authorized and evse.transaction is None and not evse.usable(evse.place):
                evse.deauthorize(NO_CAUSE, step)
            else:
                evse.settle(before, NO_CAUSE, step)

    def _apply(self) -> None:
        """Each level keeps what was set for it: the station operative again, its parts are as they were (G04.FR.08)."""
        for evse in self._evses.values():
            # Of a station that waits for its last transaction, what is free goes out of service now (G04, TC_G_14).
            early = (0, 0) in self._scheduled and evse.transaction is None
            held = bool(self._held) and evse.transaction is None and not evse.session.authorized
            evse.operative = self.station_operative and not (early or held) and (evse.id, 0) not in self._inoperative
            for connector in evse.plan.connectors:
                evse.connectors_operative[connector.id] = (evse.id, connector.id) not in self._inoperative

    def _save(self, step: Step) -> None:
        value = {"inoperative": sorted(self._inoperative), "scheduled": sorted(self._scheduled)}
        step.emit(SaveState("availability", value))


def _covers(wide: Place, place: Place) -> bool:
    return wide == (0, 0) or wide == place or (wide[1] == 0 and wide[0] == place[0])


class Statuses:
    """What the CSMS has been told of each connector, and what it has to be told."""

    def __init__(self, context: Context, outbox: Outbox, evses: Mapping[int, Evse], availability: Availability) -> None:
        self._context = context
        self._outbox = outbox
        self._evses = evses
        self._availability = availability
        self._told: dict[Place, Told] = {}
        self._shown: dict[Place, str] = {}
        self._since: dict[Place, float] = {}
        """since when it is shown: s, monotonic clock"""
        self._due = NEVER
        self._looked_at = -1
        """`context.settled` when it was looked last; -1: all are to be looked at"""
        self._rested_on: object = None
        """what statuses rested on then, beside the facts of the EVSEs"""
        self._turns_at = NEVER
        """s, monotonic clock: from then on a car that has not reacted to its offer is the one who waits"""
        self._told_once = False
        """the CSMS has heard of this process: what changes while it is away can wait for it (QueueAllMessages)"""
        self.station_faults: dict[tuple[str, str], Fault] = {}

    def forget(self, evse_id: int = 0) -> None:
        """After a boot, a reset, or a long time offline: tell all anew (B01.FR.05, B04.FR.01); or all of one EVSE."""
        self._told = {place: told for place, told in self._told.items() if evse_id not in (0, place[0])}
        self._looked_at = -1

    def tell(self, step: Step) -> None:
        """Whatever differs from what was told, and has lasted."""
        since = self._since_when(step)
        tells = self._context.online or (self._told_once and self._outbox.queues_all)
        self._due = NEVER
        for place, told in self._now(step, since):
            if self._shown.get(place) != told[0]:
                self._shown[place] = told[0]
                self._since[place] = step.mono
                step.emit(Note("status", place[0], told[0], {"connector": place[1]}))
            if tells and self._told.get(place) != told:
                self._say_if_it_has_lasted(place, told, step)

    def _say_if_it_has_lasted(self, place: Place, told: Told, step: Step) -> None:
        shortest = self._context.variables.integer(SHORTEST)
        lasts = self._since[place] + shortest if self._told.get(place, told)[0] != told[0] else -NEVER
        if step.mono >= lasts:
            self._say(place, told, step)
        else:
            self._due = min(self._due, lasts)

    def _since_when(self, step: Step) -> int:
        """An EVSE whose facts have not moved since then has the status that it had; -1: all are to be looked at."""
        context = self._context
        rests_on = (
            context.rules,
            context.online,
            context.variables.revision,
            self._availability.station_operative,
            *self.station_faults.values(),
        )
        if self._due != NEVER or step.mono >= self._turns_at or rests_on != self._rested_on:
            self._looked_at, self._rested_on, self._turns_at = -1, rests_on, NEVER
        since, self._looked_at = self._looked_at, context.settled
        return since

    def deadline(self) -> float:
        """When a status will have lasted long enough to be told."""
        return self._due

    def repeat(self, place: Place, step: Step) -> bool:
        """Say it again (TriggerMessage). False for what does not exist."""
        for known, told in self._now(step):
            if known == place:
                self._say(place, told, step, asked=True)
                return True
        return False

    def remark(self, fault: Fault, step: Step) -> None:
        """Tell what is wrong elsewhere, beside the status of the station, where it has one (1.6 connector 0)."""
        for place, told in self._now(step):
            if place == (0, 0):
                self._outbox.say(StatusChanged(step.utc, 0, 0, told[0], fault), unheard, step)

    def _say(self, place: Place, told: Told, step: Step, *, asked: bool = False) -> None:
        self._told[place] = told
        if not self._told_once:
            self._told_once, self._looked_at = True, -1

        def heard(_: Message, outcome: Outcome, step: Step) -> None:
            if isinstance(outcome, Refused) and outcome.code in ("Offline", "Timeout"):
                self._told.pop(place, None)
                self._looked_at = -1

        self._outbox.say(
            StatusChanged(step.utc, place[0], place[1], told[0], told[1], told[2]), heard, step, asked=asked
        )

    def _now(self, step: Step, since: int = -1) -> list[tuple[Place, Told]]:
        """Of the EVSEs whose facts have moved since; -1: of all, and of the station."""
        rules = self._context.rules
        rows: list[tuple[Place, Told]] = []
        if rules.station_status and since < 0:
            faults = tuple(self.station_faults.values())
            view = StationView(self._availability.station_operative, tuple([f for f in faults if f.stops_charging]))
            rows.append(((0, 0), (rules.station_status(view), faults[0] if faults else None, "")))
        for evse in self._evses.values():
            if evse.settled > since:
                turns_at = evse.power.offered_at + REACTION_S
                if step.mono < turns_at < self._turns_at:
                    self._turns_at = turns_at
                fault = next(iter(evse.faults.values()), None)
                for connector in evse.plan.connectors:
                    there = evse.view(connector.id, step)
                    told = (rules.connector_status(there), fault, rules.connector_info(there))
                    rows.append(((evse.id, connector.id), told))
        return rows

    def shown(self, place: Place) -> str:
        return self._shown.get(place, "")
