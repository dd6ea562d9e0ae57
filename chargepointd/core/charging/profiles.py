"""Which charging profiles are installed: set, cleared, asked for and kept (K01, K02, K05, K09, K10; 1.6 §3.13).

Each is kept for itself, so that a change writes one. A TxProfile goes with its transaction. One that comes with a
remote start waits for the transaction: it belongs to the token that was to start, holds already while this token is
authorized, and is bound to the transaction as soon as there is one. It is dropped when none comes of it.

What the profiles mean for what may flow is said elsewhere (`composite`, `limits`); whether one may be installed, in
`checks`; what is told of them, in `reported`. These, and the values themselves, are imported when there is a profile.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from chargepointd.core.commands import RequestStart, Shown, Status
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import Note, SaveState
from chargepointd.core.evse import Evse
from chargepointd.core.facts import AWAITED
from chargepointd.core.outbox import Outbox
from chargepointd.core.reports import Series
from chargepointd.core.topic import Answer, Obey, Topic
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Token
from chargepointd.core.variables.model import Ref, Variable

if TYPE_CHECKING:
    from chargepointd.core.charging.checks import Site
    from chargepointd.core.charging.profile import Profile

MAX_PROFILES = 100
"""one of 1024 periods takes 100 kB on the disk, with customData up to 250 kB"""
ENABLED = "SmartChargingCtrlr.Enabled"
_KEPT = "charging_profile/"


class SetChargingProfile(NamedTuple):
    profile: "Profile"
    schedules: int = 1
    """so many came with it, of which it has the first"""
    reference: int | None = None
    """the number of its transaction, where the CSMS does not know the station's id (1.6)"""
    of_running: bool = False
    """a TxProfile that names no transaction is for the one that runs there (1.6)"""


class ClearChargingProfile(NamedTuple):
    """What is None says nothing; what is said must all be so (K10.FR.04; 1.6 §5.5)."""

    id: int | None = None
    evse_id: int | None = None
    purpose: str | None = None
    stack_level: int | None = None


class GetChargingProfiles(NamedTuple):
    request_id: int
    evse_id: int | None = None
    """0: those of the station; None: all"""
    purpose: str | None = None
    stack_level: int | None = None
    ids: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()


class ShowProfiles(NamedTuple):
    """For a technician."""


class Profiles(Topic):
    name = "profiles"

    def __init__(
        self,
        context: Context,
        outbox: Outbox,
        evses: Mapping[int, Evse],
        series: Series,
        asking: Callable[[Token], bool],
        state: Mapping[str, Any],
    ) -> None:
        """asking: whether the CSMS is being asked about a token."""
        self._context = context
        self._outbox = outbox
        self._evses = evses
        self._series = series
        self._asking = asking
        self._profiles: dict[int, Profile] = {}
        self._awaited: dict[int, tuple[Profile, Token]] = {}
        """by EVSE, with who was to start there"""
        self._passing: frozenset[int] = frozenset()
        """those that are not kept"""
        self._damaged: list[str] = []
        self.revision = 0
        """how often what is in force has changed"""
        for name, kept in state.items():
            if kept is not None and name.startswith((_KEPT, AWAITED)):
                self._load(name, kept)

    def _load(self, name: str, kept: Any) -> None:
        from chargepointd.core.charging.profile import unpacked

        try:
            if name.startswith(_KEPT):
                profile = unpacked(kept)
                self._profiles[profile.id] = profile
            else:
                body, token = kept
                profile = unpacked(body)
                self._await(profile, Token(*token))
        except (ValueError, TypeError, LookupError):
            self._damaged.append(name)

    # -- what others ask -----------------------------------------------------------------------------------------------

    @property
    def in_use(self) -> bool:
        """This station has smart charging, and it is switched on."""
        variables = self._context.variables
        return variables.boolean("SmartChargingCtrlr.Available") and variables.boolean(ENABLED)

    @property
    def installed(self) -> "tuple[Profile, ...]":
        """Those in force: without those of the CSMS while smart charging is switched off. One that waits for its
        transaction holds already for whom it is (`Facts.profiled_as`)."""
        if not self.in_use:
            return tuple(profile for profile in self._profiles.values() if profile.source != "CSO")
        awaited = [p._replace(transaction_id=f"{AWAITED}{p.evse_id}") for p, _ in self._awaited.values()]
        return (*self._profiles.values(), *awaited)

    def _everything(self) -> "tuple[Profile, ...]":
        return (*self._profiles.values(), *(profile for profile, _ in self._awaited.values()))

    def entries(self) -> Variable:
        """How many there are, and how many there may be."""
        ref = Ref("SmartChargingCtrlr", "Entries", "ChargingProfiles")
        count = lambda: str(len(self._profiles))  # noqa: E731
        return Variable(ref, "integer", "ReadOnly", max_limit=MAX_PROFILES, live=count)

    def install(self, profile: "Profile", step: Step, *, kept: bool = True) -> None:
        """It takes the place of the one with its id, and of what must give way to it. `kept` False: what changes often,
        and is known anew after a restart."""
        from chargepointd.core.charging.checks import at_the_same_time, clashing
        from chargepointd.core.charging.profile import packed

        outside = profile.purpose == "ChargingStationExternalConstraints"  # each of a source of its own
        level_replaces = self._context.rules.level_replaces and not outside
        if level_replaces or profile.purpose == "TxProfile":
            for other in list(clashing(profile, self._profiles.values())):
                if level_replaces or at_the_same_time(profile, other):
                    self._drop(other, step)
        self._profiles[profile.id] = profile
        if kept:
            step.emit(SaveState(f"{_KEPT}{profile.id}", packed(profile)))
        self._passing = self._passing - {profile.id} if kept else self._passing | {profile.id}
        self.revision += 1

    def remove(self, which: "Callable[[Profile], bool]", step: Step) -> int:
        """Those of which it is true; how many they were."""
        gone = [profile for profile in self._profiles.values() if which(profile)]
        for profile in gone:
            self._drop(profile, step)
        unused = [evse_id for evse_id, (profile, _) in self._awaited.items() if which(profile)]
        for evse_id in unused:
            self._forget(evse_id, step)
        return len(gone) + len(unused)

    def _drop(self, profile: "Profile", step: Step) -> None:
        del self._profiles[profile.id]
        if profile.id not in self._passing:
            step.emit(SaveState(f"{_KEPT}{profile.id}", None))
        self.revision += 1

    def _await(self, profile: "Profile", token: Token) -> None:
        self._evses[profile.evse_id].awaits = token
        self._awaited[profile.evse_id] = profile, token
        self.revision += 1

    def _forget(self, evse_id: int, step: Step) -> None:
        """Of a remote start."""
        del self._awaited[evse_id]
        self._evses[evse_id].awaits = None
        step.emit(SaveState(f"{AWAITED}{evse_id}", None))
        self.revision += 1

    # -- commands ------------------------------------------------------------------------------------------------------

    def commands(self) -> Mapping[type, Obey]:
        return {
            SetChargingProfile: self._set,
            ClearChargingProfile: self._clear,
            GetChargingProfiles: self._get,
            ShowProfiles: lambda command, step, answer: answer(self._show(), step),
        }

    def _set(self, command: SetChargingProfile, step: Step, answer: Answer) -> None:
        from chargepointd.core.charging.checks import wrong

        if not self.in_use:
            answer(Status("NotSupported", "smart charging is switched off"), step)  # K01.FR.29
            return
        profile = self._understood(command, step)
        refused = wrong(profile, command.schedules, self._site())
        if refused:
            step.emit(Note("charging profile", profile.evse_id, f"{profile.id} refused: {refused.reason}"))
            answer(refused, step)
            return
        self.install(profile, step)
        about = f"{profile.id} set: {profile.purpose}, level {profile.stack_level}"
        step.emit(Note("charging profile", profile.evse_id, about))
        answer(Status("Accepted"), step)

    def _understood(self, command: SetChargingProfile, step: Step) -> "Profile":
        profile = command.profile
        if profile.purpose == "TxProfile" and command.of_running:
            profile = profile._replace(transaction_id=self._running().get(profile.evse_id))
        elif command.reference is not None:
            known = self._outbox.names.transaction_of(command.reference)
            profile = profile._replace(transaction_id=known or "unknown")
        elif profile.transaction_id is not None:
            profile = profile._replace(transaction_id=self._outbox.names.transaction_named(profile.transaction_id))
        return self._with_start(profile, step)

    def _with_start(self, profile: "Profile", step: Step) -> "Profile":
        """What 1.6 leaves open (§7.13): without a start, from the start of charging; for the whole station there is
        none but now. Where it is Relative a start says nothing."""
        if not self._context.rules.loose_profiles or profile.kind == "Recurring":
            return profile
        starts_at = profile.schedule.starts_at
        if profile.purpose == "ChargingStationMaxProfile":
            starts_at = step.utc if starts_at is None or profile.kind == "Relative" else starts_at
            return profile._replace(kind="Absolute", schedule=profile.schedule._replace(starts_at=starts_at))
        if profile.kind == "Relative" or starts_at is None:
            return profile._replace(kind="Relative", schedule=profile.schedule._replace(starts_at=None))
        return profile

    def _running(self) -> dict[int, str]:
        return {evse.id: evse.transaction.id for evse in self._evses.values() if evse.transaction and evse.running}

    def _site(self) -> "Site":
        from chargepointd.core.charging.checks import Site

        variables = self._context.variables
        return Site(
            {evse.id: evse.plan for evse in self._evses.values()},
            self._running(),
            self._everything(),
            variables.members("SmartChargingCtrlr.RateUnit"),
            variables.integer("SmartChargingCtrlr.PeriodsPerSchedule"),
            variables.integer("SmartChargingCtrlr.ProfileStackLevel"),
            MAX_PROFILES,
            self._context.rules,
        )

    def _clear(self, command: ClearChargingProfile, step: Step, answer: Answer) -> None:
        """External constraints are not the CSMS's to clear (K10.FR.03, .04, .08, .09)."""

        def meant(profile: "Profile") -> bool:
            if profile.purpose == "ChargingStationExternalConstraints":
                return False
            has = (profile.id, profile.evse_id, profile.purpose, profile.stack_level)
            return all(asked in (None, is_) for asked, is_ in zip(command, has, strict=True))

        cleared = self.remove(meant, step)
        if cleared:
            step.emit(Note("charging profile", command.evse_id or 0, f"{cleared} cleared"))
        answer(Status("Accepted" if cleared else "Unknown"), step)

    def _get(self, command: GetChargingProfiles, step: Step, answer: Answer) -> None:
        """K09: the answer first, then the series."""

        def meant(profile: "Profile") -> bool:
            has = (profile.evse_id, profile.purpose, profile.stack_level)
            asked = (command.evse_id, command.purpose, command.stack_level)
            listed = (profile.id in command.ids or not command.ids) and (
                profile.source in command.sources or not command.sources
            )
            return listed and all(want in (None, is_) for want, is_ in zip(asked, has, strict=True))

        chosen = [profile for profile in self._everything() if meant(profile)]
        if not chosen:
            answer(Status("NoProfiles"), step)
        elif self._series.full:
            answer(Status("NoProfiles", "too many reports are still to be sent"), step)
        else:
            from chargepointd.core.charging.reported import report

            self._series.begin(report(command.request_id, [self._as_named(profile) for profile in chosen]))
            answer(Status("Accepted"), step)

    def _as_named(self, profile: "Profile") -> "Profile":
        """With its transaction as the CSMS calls it."""
        known = profile.transaction_id
        return profile._replace(transaction_id=self._outbox.names.name_of(known)) if known else profile

    def _show(self) -> Shown:
        from chargepointd.core.charging.reported import shown

        awaited = [shown(profile, awaited=True) for profile, _ in self._awaited.values()]
        return Shown({"profiles": [*(shown(profile) for profile in self._profiles.values()), *awaited]})

    # -- remote start --------------------------------------------------------------------------------------------------

    def expect(self, command: RequestStart, evse_id: int, step: Step) -> Status | None:
        """Take the profile of a remote start, for the transaction that will come of it; or why not (K05)."""
        from chargepointd.core.charging.checks import wrong_at_start
        from chargepointd.core.charging.profile import packed

        if command.profile is None or not self.in_use:  # K05.FR.04
            return None
        profile = self._with_start(command.profile._replace(evse_id=evse_id), step)
        refused = wrong_at_start(profile, command.schedules, self._site())
        if refused:
            return refused
        self._await(profile, command.token)
        step.emit(SaveState(f"{AWAITED}{evse_id}", [packed(profile), list(command.token)]))
        return None

    def _bind(self, evse_id: int, step: Step) -> None:
        evse = self._evses[evse_id]
        profile, token = self._awaited[evse_id]
        session, transaction = evse.session, evse.transaction
        mine = session.authorized and session.token is not None and session.token.key == token.key
        if mine and transaction and evse.running:
            self._forget(evse_id, step)
            self.install(profile._replace(transaction_id=transaction.id), step)
        elif not mine and not self._asking(token):
            self._forget(evse_id, step)
            step.emit(Note("charging profile", evse_id, f"{profile.id} dropped: nothing came of the remote start"))

    # -- time ----------------------------------------------------------------------------------------------------------

    def power_up(self, step: Step) -> None:
        for name in self._damaged:
            step.emit(Note("charging profile", 0, f"{name} cannot be read and is left out"))
            step.emit(SaveState(name, None))
        self._damaged.clear()

    def changed(self, names: list[str], step: Step) -> None:
        if ENABLED in names:
            self.revision += 1

    def follow(self, step: Step) -> None:
        if self._awaited or self._profiles:
            for evse_id in list(self._awaited):
                self._bind(evse_id, step)
            self._end_with_transactions(step)
        self._series.follow(step)

    def _end_with_transactions(self, step: Step) -> None:
        """K02.FR.05"""
        bound = [profile for profile in self._profiles.values() if profile.purpose == "TxProfile"]
        if bound:
            going = {evse.transaction.id for evse in self._evses.values() if evse.transaction}
            for profile in bound:
                if profile.transaction_id not in going:
                    self._drop(profile, step)
