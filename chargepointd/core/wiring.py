"""How the topics of a station hang together: each is made with those it stands on, and told whom it calls."""

from typing import Any

from chargepointd.core.authorization import Authorization
from chargepointd.core.availability import Availability, Statuses
from chargepointd.core.boot import Registration
from chargepointd.core.certificates import Certificates
from chargepointd.core.charging.external import External
from chargepointd.core.charging.limits import Limits
from chargepointd.core.charging.profiles import Profiles
from chargepointd.core.charging.schedules import Schedules
from chargepointd.core.context import Context, Step
from chargepointd.core.customer import Customers
from chargepointd.core.evse import Evse
from chargepointd.core.firmware import Firmware
from chargepointd.core.keypad import Keypads
from chargepointd.core.lobby import Lobby
from chargepointd.core.local_list import LocalList
from chargepointd.core.logs import Logs
from chargepointd.core.master_pass import MasterPass
from chargepointd.core.network import Network
from chargepointd.core.outbox import Outbox
from chargepointd.core.plan import EvsePlan, StationPlan
from chargepointd.core.pricing import Pricing
from chargepointd.core.remote import Remote
from chargepointd.core.reports import Reports, Series
from chargepointd.core.reservation import Reservations
from chargepointd.core.reset import Resets
from chargepointd.core.saved import Saved
from chargepointd.core.security import Security
from chargepointd.core.signing import Signatures
from chargepointd.core.standing import standing
from chargepointd.core.timekeeping import Timekeeping
from chargepointd.core.token_store import TokenStore
from chargepointd.core.topic import Topic
from chargepointd.core.variables.registry import Registry
from chargepointd.core.verdicts import Verdicts


class Wiring:
    """The topics. What they do in a step is `Station`'s."""

    def __init__(self, context: Context, saved: Saved) -> None:
        plan, state = context.plan, saved.state
        self.context = context
        self.variables = context.variables
        self.outbox = outbox = Outbox(context, saved)
        self.evses = {p.id: Evse(p, context, outbox, saved.sessions.get(p.id)) for p in plan.evses}
        self.availability = Availability(context, self.evses, state.get("availability"))
        self.statuses = Statuses(context, outbox, self.evses, self.availability)
        self.tokens = TokenStore(context, saved.tokens)
        self.local_list = LocalList(context, self.tokens, state.get(LocalList.name), saved.listed)
        self._add_variables(plan, self.variables)
        self.lobby = Lobby(context, outbox, saved.sessions, len(plan.evses))
        self._everywhere = self.evses | self.lobby.seats
        if plan.main_meter:  # nobody charges there, but it is read like any other (J01.FR.03)
            self._everywhere[0] = Evse(EvsePlan(0, ()), context, outbox, None)
        self.reservations = Reservations(context, outbox, self.evses, self.lobby.seats, state.get(Reservations.name))
        self.lobby.arrived = self.reservations.arrived
        self._let_people_in()
        self.registration = Registration(context, outbox)
        self.remote = Remote(
            context, outbox, self.evses, self._everywhere, self.authorization, self.statuses, self.registration
        )
        self.resets = Resets(context, outbox, self._everywhere, self.statuses)
        self.security = Security(context, outbox, self.registration, saved.security, saved.damaged, saved.lost)
        self.pricing: Pricing | None = None
        """of a station with a display"""
        self.topics = self._made_topics(saved)

    def _let_people_in(self) -> None:
        context = self.context
        verdicts = Verdicts(context, self.tokens, self.local_list, self.statuses)
        master_pass = MasterPass(context, self._everywhere.values())
        self.authorization = Authorization(
            context, self.outbox, verdicts, self.evses, self.lobby, master_pass, self.reservations
        )
        self.keypads = Keypads(self.authorization, master_pass)

    def _add_variables(self, plan: StationPlan, variables: Registry) -> None:
        """Those whose value follows from the facts of the station."""
        variables.add(self.tokens.storage())
        variables.add(self.local_list.entries())
        for variable in standing(plan, self.evses, self.statuses, lambda: self.context.mono):
            variables.add(variable)

    def _made_topics(self, saved: Saved) -> tuple[Topic, ...]:
        """In the order in which they follow from each other."""
        firmware = saved.state.get(Firmware.name)
        self.firmware = Firmware(self.context, self.outbox, self._everywhere, self._hold, firmware)
        self.resets.not_now = self.firmware.installing
        context, state = self.context, saved.state
        self.certificates = Certificates(context, state.get("certificates"), damaged=saved.damaged)
        signatures = Signatures(context, self.outbox, self.certificates, state.get("signatures"))
        self.network = Network(context, self.certificates, signatures, state.get("network"))
        self.timekeeping = Timekeeping(self.context)
        series = Series(context, self.outbox, self.registration)
        self.profiles = Profiles(context, self.outbox, self.evses, series, self.authorization.asks, state)
        self.limits = Limits(context, self.evses, self.profiles)
        self.external = External(context, self.outbox, self.evses, self.profiles, state.get(External.name))
        self.variables.add(self.profiles.entries())
        self.remote.expect = self.profiles.expect
        customers = Customers(context, self.outbox, self.tokens, self.local_list, self.reservations, self._everywhere)
        pricing = self._made_pricing(customers, state) if context.plan.displays else ()
        lamps = self._made_lamps() if context.plan.lamps else ()
        shut = any(connector.shut for evse in context.plan.evses for connector in evse.connectors)
        shutters = self._made_shutters() if shut else ()
        return (
            *self._plug_and_charge(signatures, state.get("secc")),
            self.security,
            self.network,
            self.certificates,
            signatures,
            Reports(self.context, self.outbox, self.registration),
            self.firmware,
            customers,
            Logs(self.context, self.outbox, self.security, saved.state.get("log")),
            self.keypads,
            self.local_list,
            self.timekeeping,
            self.profiles,
            Schedules(context, self.evses, lambda: self.profiles.installed, self.limits.supply),
            self.external,
            self.limits,
            self.reservations,
            *pricing,
            *lamps,
            *shutters,
        )

    def _plug_and_charge(self, signatures: Signatures, saved: Any) -> tuple[Topic, ...]:
        if "eMAID" not in self.context.plan.token_kinds:
            return ()
        # Imported here: few stations have it, and a start is made of imports.
        from chargepointd.core.contracts import Contracts
        from chargepointd.core.secc import Secc

        return (
            Contracts(self.context, self.outbox, self.evses, self.authorization),
            Secc(self.context, self.outbox, self.certificates, signatures, saved),
        )

    def _made_pricing(self, customers: Customers, state: dict[str, Any]) -> tuple[Topic, ...]:
        clock, kept = self.timekeeping.offset_s, state.get(Pricing.name)
        self.pricing = Pricing(self.context, self.outbox, self.evses, self.lobby, self.statuses, clock, kept)
        self.pricing.hear(self.authorization)
        customers.on_clear = self.pricing.forget
        return (self.pricing,)

    def _made_lamps(self) -> tuple[Topic, ...]:
        from chargepointd.core.lamps import Lamps  # many a station has none

        return (Lamps(self.context, self.evses, self.lobby, self.authorization),)

    def _made_shutters(self) -> tuple[Topic, ...]:
        from chargepointd.core.shutters import Shutters  # few stations have them

        return (Shutters(self.context, self.evses, self.lobby),)

    def _hold(self, held: bool, step: Step, why: str = "firmware") -> None:
        if self.availability.hold(held, step, why):
            self.reservations.settle(step)
            self.statuses.tell(step)
