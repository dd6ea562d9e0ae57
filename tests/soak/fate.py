"""What befalls a station: the network, the power, its devices, its CSMS, and those who look after it.

Each kind is a life of its own, drawn from the seed. In the night all is well, but for an outage that lasts for days.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

from tests.csms.answers import Refusal
from tests.csms.transcript import Message
from tests.pki import Authority
from tests.servers.web import WebServer
from tests.soak.control import Dark, Refused
from tests.soak.ledger import Ledger, Trouble
from tests.soak.office import Office
from tests.soak.people import CARDS, NIGHT
from tests.soak.site import DAY_S, INF, Site

Life = Callable[[], Coroutine[Any, Any, None]]

HOUR_S = 3600.0
AC_FAULTS = ("meter_dead", "lock_failure", "ground_fault", "over_temperature", "over_current", "pilot_fault")
DC_FAULTS = ("meter_dead", "isolation_fault", "supply_fault", "over_temperature", "ground_fault")
STATION_FAULTS = ("emergency_stop", "driver_dead")
BILLING = frozenset(("StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent"))
SAMPLING = ("MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval")
ZONES = ("Europe/Oslo", "America/New_York", "Asia/Kolkata", "Europe/Berlin")


class Plan(NamedTuple):
    """How much of what. days: of the soak. rough: until which day the program may end and begin anew."""

    days: float
    rough_until: float
    evses: int
    supply: str
    long_outages: tuple[tuple[float, float], ...] = ()
    changes_version: bool = True
    often: float = 1.0
    pace: float = 1.0
    """see `launcher`"""


class Fate:
    def __init__(self, site: Site, plan: Plan, ledger: Ledger, office: Office, web: WebServer, seed: int) -> None:
        self._operator = Authority("Root of the operator")
        self._site, self._plan, self._ledger, self._office, self._web = site, plan, ledger, office, web
        self._seed = seed
        self._power, self._network = asyncio.Lock(), asyncio.Lock()
        self._slot = 1
        """the network configuration by which the station came last"""
        self.counts: dict[str, int] = {}
        self.refused_for_good: set[str] = set()
        self._refusals: dict[str, int] = {}
        self._judge = random.Random(f"{seed} refusals")
        site.csms.refuse = self._refuse

    def lives(self) -> list[Life]:
        often = self._plan.often
        table: tuple[tuple[str, float, Callable[[random.Random], Awaitable[None]]], ...] = (
            ("outage", 9 * HOUR_S, self._outage),
            ("lost link", 7 * HOUR_S, self._lost_link),
            ("deaf CSMS", 15 * HOUR_S, self._deaf),
            ("restart of the CSMS", 16 * HOUR_S, self._csms_restart),
            ("power cut", 6 * HOUR_S, self._cut),
            ("fault", 5 * HOUR_S, self._fault),
            ("reset", 16 * HOUR_S, self._reset),
            ("firmware", 22 * HOUR_S, self._firmware),
            ("log", 14 * HOUR_S, self._log),
            ("office", 0.8 * HOUR_S, self._routine),
            ("out of service", 11 * HOUR_S, self._out_of_service),
            ("clock", 30 * HOUR_S, self._clock),
            ("password", 26 * HOUR_S, self._password),
            ("certificate", 20 * HOUR_S, self._certificate),
            ("network profile", 14 * HOUR_S, self._network_profile),
            ("technician", 8 * HOUR_S, self._technician),
        )
        return [self._life(name, mean_s / often, act) for name, mean_s, act in table] + [self._long_outages]

    def _life(self, name: str, mean_s: float, act: Callable[[random.Random], Awaitable[None]]) -> Life:
        chance = random.Random(f"{self._seed} {name}")

        async def live() -> None:
            while True:
                await asyncio.sleep(60 + chance.expovariate(1 / mean_s))
                part = self._site.day % 1
                if NIGHT[0] - 0.5 / 24 <= part < NIGHT[1]:
                    await asyncio.sleep((NIGHT[1] - part) * DAY_S + chance.uniform(0, 1800))
                if self._site.day > self._plan.days - 1 / 24:
                    return
                await act(chance)

        return live

    def _noted(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def _until_night(self, wanted_s: float) -> float:
        """So long, but not into the night."""
        part = self._site.day % 1
        left = (NIGHT[0] - part) % 1 * DAY_S
        return max(1.0, min(wanted_s, left))

    @property
    def _rough(self) -> bool:
        return self._site.day < self._plan.rough_until

    # -- the network ---------------------------------------------------------------------------------------------------

    async def _outage(self, chance: random.Random) -> None:
        long = chance.random() < 0.2
        lasts = chance.uniform(1, 6) * HOUR_S if long else chance.uniform(20, 900)
        async with self._network:
            with self._site.trouble("outage"):
                self._noted("outages")
                await self._site.csms.offline()
                await asyncio.sleep(self._until_night(lasts))
                await self._site.csms.online()

    async def _long_outages(self) -> None:
        for begin, end in self._plan.long_outages:
            await self._site.until_day(begin)
            await self._office.set(*SAMPLING, "10")  # so that thousands of records wait
            async with self._network:
                with self._site.trouble("outage"):
                    self._noted("outages")
                    await self._site.csms.offline()
                    await self._site.until_day(end)
                    await self._site.csms.online()
            await asyncio.sleep(HOUR_S)
            await self._office.set(*SAMPLING, "60")

    async def _lost_link(self, chance: random.Random) -> None:
        async with self._network:
            with self._site.trouble("lost link"):
                self._noted("links")
                await self._site.csms.drop()

    async def _deaf(self, chance: random.Random) -> None:
        """It takes the station two ping intervals to find out."""
        async with self._network:
            if not self._site.csms.connected:
                return
            with self._site.trouble("deaf CSMS"):
                self._noted("links")
                connections = self._site.csms.counts["connections"]
                self._site.deaf = True
                self._site.csms.freeze()
                await self._site.until(
                    lambda: self._site.csms.counts["connections"] > connections or not self._site.alive,
                    "end of a half-open link", 1200.0, every=5.0,
                )  # fmt: skip
                self._site.deaf = False

    async def _csms_restart(self, chance: random.Random) -> None:
        csms = self._site.csms
        async with self._network:
            with self._site.trouble("restart of the CSMS"):
                self._noted("restarts")
                await csms.close()
                await csms.offline()
                if self._plan.changes_version and chance.random() < 0.6:
                    csms.versions = ("1.6",) if csms.versions == ("2.0.1",) else ("2.0.1",)
                    self._noted("versions")
                await asyncio.sleep(self._until_night(chance.uniform(10, 400)))
                await csms.online()

    # -- the power -----------------------------------------------------------------------------------------------------

    async def _cut(self, chance: random.Random) -> None:
        if not self._rough:
            return
        site = self._site
        async with self._power:
            with site.trouble("power cut"):
                self._noted("cuts")
                if chance.random() < 0.7:
                    site.stage.ask(die=True, turns=chance.randint(1, 500))
                    await site.until(lambda: not site.alive, "power cut", 3 * HOUR_S, every=1.0)
                site.cut()
                site.drift_s = chance.choice((0.0, 0.0, chance.uniform(-3, 3)))
                long = chance.random() < 0.2
                await asyncio.sleep(self._until_night(chance.uniform(600, 7200) if long else chance.uniform(3, 120)))
                if chance.random() < 0.3 and not self._network.locked():
                    await self._wake_in_1973()
                else:
                    await site.restore()
                await asyncio.sleep(60)

    async def _wake_in_1973(self) -> None:
        """A board whose clock has no battery: nobody knows what time it is until the CSMS tells, which it does here. Of
        a board that never hears it before the next power cut no book can say when something was."""
        async with self._network:
            self._site.drift_s = -self._site.now - 1_700_000_000.0
            await self._site.restore()
            await self._site.until(lambda: self._site.csms.connected, "connection", every=5.0)
            await asyncio.sleep(30)

    async def _reset(self, chance: random.Random) -> None:
        if not self._rough:
            return
        site = self._site
        async with self._power:
            starts = site.stage.starts
            with site.trouble("reset"):
                how = chance.choices(("immediate", "onidle", "resume"), (4, 3, 3))[0]
                if how == "resume":  # the technician's; no version spoken here has it
                    taken = (await site.ask("reset", mode=how))["status"] == "Accepted"
                else:
                    taken = await self._office.reset(on_idle=how == "onidle")
                if not taken:
                    return
                self._noted(f"resets, {how}")
                patience = 6 * HOUR_S if how == "onidle" else 600.0
                await site.until(lambda: site.stage.starts > starts, "restart after a reset", patience, every=5.0)
                site.control.leave()
                await asyncio.sleep(60)

    # -- the devices ---------------------------------------------------------------------------------------------------

    async def _fault(self, chance: random.Random) -> None:
        evse = chance.randint(1, self._plan.evses)
        kinds = DC_FAULTS if self._plan.supply == "DC" else AC_FAULTS
        kind = chance.choice(STATION_FAULTS if chance.random() < 0.2 else kinds)
        begin = self._site.now
        with self._site.trouble(kind):
            self._noted("faults")
            await self._world("sim.raise_error", evse=evse, error=kind)
            await asyncio.sleep(self._until_night(chance.uniform(5, 900)))
            await self._world("sim.clear_error", evse=evse, error=kind)
        if kind in ("meter_dead", "driver_dead"):
            self._ledger.unread.append(Trouble(kind, begin, self._site.now + 30))

    async def _world(self, method: str, **params: object) -> None:
        """A world without power has no faults: they go with it."""
        try:
            await self._site.ask(method, **params)
        except (Dark, Refused):
            return

    # -- the CSMS ------------------------------------------------------------------------------------------------------

    def _refuse(self, message: Message) -> Refusal | None:
        """A database of theirs that is away for a while; and now and then a record they will never take."""
        if message.action not in BILLING:
            return None
        left = self._refusals.get(message.id)
        if left is None:
            left = self._verdict(message)
            self._refusals[message.id] = left
        if left <= 0:
            return None
        self._refusals[message.id] = left - 1
        self._noted("refusals")
        return Refusal("InternalError", "by the soak")

    def _verdict(self, message: Message) -> int:
        drawn, updates = self._judge.random(), _is_update(message)
        if updates and drawn < 0.001:
            self.refused_for_good.add(message.id)
            if "seqNo" in message.payload:
                self._ledger.give_up(message["transactionInfo"]["transactionId"], message["seqNo"])
            return 1_000_000
        return self._judge.randint(1, 3) if drawn < 0.006 else 0

    async def _firmware(self, chance: random.Random) -> None:
        async with self._power:
            kind = chance.choice(("works", "restarts" if self._rough else "works", "fails", "not there"))
            name = {"works": "works.bin", "restarts": "restarts.bin", "fails": "fails.bin"}.get(kind, "nowhere.bin")
            csms = self._site.csms
            with self._site.trouble("firmware"):
                starts, csms.firmware = self._site.stage.starts, ""
                if await self._office.update_firmware(self._web.url(name)):
                    csms.firmware = csms.firmware or "asked for"
                self._noted("firmware")
                await asyncio.sleep(300)
                # While it waits for a transaction to end, what is free is out of service.
                await self._site.until(self._updated, "end of an update", 10 * HOUR_S, every=30.0)
                if self._site.stage.starts > starts:
                    self._site.control.leave()

    def _updated(self) -> bool:
        return self._site.csms.firmware in ("Installed", "InstallationFailed", "DownloadFailed", "")

    async def _log(self, chance: random.Random) -> None:
        if await self._office.upload_log(self._web.url("" if chance.random() < 0.8 else "nowhere/")):
            self._noted("logs")
            await asyncio.sleep(120)

    async def _out_of_service(self, chance: random.Random) -> None:
        evse = chance.randint(1, self._plan.evses)
        with self._site.trouble("out of service"):
            self._noted("out of service")
            if await self._office.operate(False, evse):
                await asyncio.sleep(self._until_night(chance.uniform(300, 4000)))
            # The station may have taken what it could not answer any more.
            await self._site.until(lambda: self._office.operate(True, evse), "answer", INF, every=120.0)

    async def _clock(self, chance: random.Random) -> None:
        self._noted("clock")
        if chance.random() < 0.3:
            zone = chance.choice(ZONES)
            await self._office.set("", "ClockCtrlr.TimeZone", zone)
        else:
            self._site.csms_off_s = chance.uniform(-4.0, 4.0)

    async def _routine(self, chance: random.Random) -> None:
        office, evse = self._office, chance.randint(1, self._plan.evses)
        self._noted("office")
        match chance.randrange(9):
            case 0:
                await office.look()
            case 1:
                await office.limit(evse, chance.choice((8.0, 12.0, 16.0, 32.0)))
            case 2:
                await office.clear_limits()
            case 3:
                await office.send_list(chance.sample(CARDS, 20))
            case 4:
                await office.clear_cache()
            case 5:
                value = chance.choice(("60", "60", "90", "30"))
                await office.set(*SAMPLING, value)
            case _:
                await office.trigger(chance.choice(("StatusNotification", "MeterValues", "Heartbeat")), evse)

    async def _password(self, chance: random.Random) -> None:
        """The station comes again by the new one; while nobody knows whether it was taken, by either."""
        csms = self._site.csms
        async with self._network:
            if not csms.connected or len(csms.passwords) > 1:
                return
            password = f"new {chance.getrandbits(64):016x}"  # 1.6 takes 16 to 20 bytes
            csms.passwords.append(password)
            with self._site.trouble("password"):
                csms.changing = True
                taken = await self._office.change_password(password)
                csms.changing = False
                if taken:
                    self._noted("passwords")
                    await asyncio.sleep(300)

    async def _network_profile(self, chance: random.Random) -> None:
        """Another way to the CSMS, taken after a reset; where nobody is there, the station comes by the last."""
        site, office = self._site, self._office
        async with self._power, self._network:
            if not (self._rough and site.csms.version == "2.0.1" and len(site.csms.passwords) == 1):
                return
            slot, nobody = (3 if self._slot == 2 else 2), chance.random() < 0.3
            url = "ws://127.0.0.1:1/ocpp" if nobody else f"{site.csms.url}/by/{slot}"
            with site.trouble("network profile"):
                if await office.set_network(slot, url) and await self._prefer(slot, self._slot):
                    self._noted("network profiles")
                    self._slot = self._slot if nobody else slot
                    await self._restarted(self._slot)
                    await self._prefer(self._slot)

    async def _prefer(self, *slots: int) -> bool:
        order = ",".join(map(str, slots))
        given = await self._office.set("", "OCPPCommCtrlr.NetworkConfigurationPriority", order)
        return bool(given) and given["setVariableResult"][0]["attributeStatus"] == "RebootRequired"

    async def _restarted(self, slot: int) -> None:
        """By a reset, and come by this slot."""
        site, starts = self._site, self._site.stage.starts
        assert await self._office.reset(on_idle=False)
        await site.until(lambda: site.stage.starts > starts, "restart after a reset", every=5.0)
        site.control.leave()
        await site.until(lambda: site.csms.connected, "connection by another slot", 1800.0, every=5.0)
        await asyncio.sleep(30)
        if (used := await self._office.slot_in_use()) not in (slot, 0):
            self._office.unanswered.append(f"network profile: it came by {used}, not by {slot}")

    async def _certificate(self, chance: random.Random) -> None:
        """A new one each time, now and then by an authority that the station does not know."""
        csms = self._site.csms
        if not await self._office.trust(self._operator.pem):
            return
        csms.requests.clear()
        if not await self._office.ask_for_request():
            return
        await asyncio.sleep(60)
        if not csms.requests:
            return
        stranger = chance.random() < 0.2
        authority = Authority("Stranger") if stranger else self._operator
        told = await self._office.sign(authority.sign(csms.requests.pop()))
        if told:
            self._noted("certificates")
        if told and (told == "Rejected") != stranger:
            self._office.unanswered.append(f"CertificateSigned by a {'stranger' if stranger else 'known root'}: {told}")

    async def _technician(self, chance: random.Random) -> None:
        self._noted("technician")
        for method in chance.sample(("drivers", "outbox", "security_log", "profiles", "reservations", "list"), 3):
            await self._world(method)
        if chance.random() < 0.2:
            await self._world("bundle")


def _is_update(message: Message) -> bool:
    return message.action == "MeterValues" or message.payload.get("eventType") == "Updated"


def images(folder: Path) -> None:
    """Firmware for the bench's installer."""
    for name, text in (("works", "say progress 50\nexit 0\n"), ("restarts", "exit 10\n"), ("fails", "exit 1\n")):
        (folder / f"{name}.bin").write_text(text + "#" * 50_000 + "\n")
