"""The soak itself: people and fate for so many days, a census each night, and the books at the end."""

import asyncio
import base64
import io
import os
import re
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from chargepointd.core.signing import KEYS
from chargepointd.hardware.hardware import ACTIVE_S
from hal.health import Limits
from tests.csms.transcript import Message
from tests.daemon.config import Config, ac_station, dc_evse
from tests.daemon.process import ROOT
from tests.servers.web import WebServer, web_server
from tests.soak.fate import BILLING, Fate, Plan, images
from tests.soak.ledger import Ledger
from tests.soak.night import TITLES, Night, growth, row
from tests.soak.office import Office
from tests.soak.people import BAD_CARDS, NIGHT, People
from tests.soak.site import BEGIN, Site

CAR_W = {"AC": 11_000, "DC": 50_000}
"""what a car takes at most"""
OPEN_S = 0.5
"""until a power path that is to be opened at once is open"""
RENEWED = Counter(
    {
        "/certificates/CSMSRootCertificate/N.pem": 1, "/certificates/ChargingStationCertificate/N.key": 1,
        "/certificates/ChargingStationCertificate/N.pem": 1, "/certificates/PendingKey/N.key": KEYS,
    }
)  # fmt: skip
"""files there may be however often a certificate was asked for; the last are of requests that were not answered"""
MANY = 30
"""things that are wrong, after which nothing is to be learned by going on"""
LOG_LINES = 20_000
"""a day, at most"""


class Imbalance(Exception):
    """What does not add up, a line each."""


PASSWORD = "the first of many passwords"


def ac(url: str) -> Config:
    return _common(_station(url, "SOAK01"))


def _station(url: str, identity: str) -> Config:
    versions = ("2.0.1", "1.6")
    return ac_station(url, evses=2, versions=versions, identity=identity, security_profile=1, password=PASSWORD)


def dc(url: str) -> Config:
    config = _common(_station(url, "SOAK02"))
    config["drivers"]["sim"] |= {
        "supply": "DC", "fixed_cable": True, "dc_max_power_w": 150_000, "car_voltage_v": 400,
        "car_power_w": CAR_W["DC"],
    }  # fmt: skip
    config["evse"] = [dc_evse(number, max_power_w=150_000) for number in (1, 2)]
    return config


def _common(config: Config) -> Config:
    installer = str(ROOT / "etc" / "bench-installer")
    return config | {
        "emergency_stop": ["sim.estop"],
        "firmware": {
            "install_command": [installer, "install"], "status_command": [installer, "status"], "allow_unsigned": True,
        },
        "log": {"level": "info"},
    }  # fmt: skip


class Soak:
    def __init__(self, plan: Plan, seed: int, say: Callable[[str], None] = print, keep: Path | None = None) -> None:
        """keep: a folder for the whole log of the station, and all that was said."""
        self.keep = keep
        self.plan, self.seed, self._say = plan, seed, say
        self.site = site = Site(dc if plan.supply == "DC" else ac, ("2.0.1",), seed, plan.pace)
        unread_wh = CAR_W[plan.supply] * _unread_s(plan.pace) / 3600
        self.ledger = Ledger(site.csms.books, BEGIN, site.disturbed, unread_wh)
        self.office = Office(site)
        stay_s = 700.0 if plan.supply == "DC" else 1300.0
        self.people = [
            People(site, evse, self.ledger, self.office, seed, busy=plan.often, stay_s=stay_s)
            for evse in range(1, plan.evses + 1)
        ]
        self.nights: list[Night] = []
        self.wrong: list[str] = []
        self._said = 0
        self._told: dict[tuple[int, int], str] = {}
        self._first: dict[str, Any] = {}
        self._last: Counter[str] = Counter()
        self._began = time.monotonic()
        self._registers: dict[int, float] = {}
        site.csms.desk.tokens |= BAD_CARDS
        site.csms.passwords = [PASSWORD]
        site.csms.heard = self._heard

    def run(self) -> None:
        """Raises Imbalance, or whatever else went wrong."""
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-web-"))
            web = stack.enter_context(web_server(Path(folder)))
            images(Path(folder))
            self.site.station.allow_tracebacks = True  # they are looked for each night
            if self.keep:
                self.keep.mkdir(parents=True, exist_ok=True)
                self.site.csms.transcript = stack.enter_context((self.keep / "transcript.txt").open("w"))
            try:
                self.site.run(lambda site: self._life(web))
            finally:
                self._keep(self.site.station._lines)
        if self.wrong:
            raise Imbalance("\n".join(self.wrong))

    async def _life(self, web: WebServer) -> None:
        site = self.site
        self.fate = Fate(site, self.plan, self.ledger, self.office, web, self.seed)
        await site.csms.online()
        await site.start()
        await site.until(lambda: site.csms.counts["StatusNotification"] >= self.plan.evses, "statuses")
        self._registers = {evse: await self._register(evse) for evse in range(1, self.plan.evses + 1)}
        await self._quiet()
        there = self._there(site.stage.survey())
        self._first = there | {"files": there["files"] | RENEWED}
        self._say(row(TITLES))
        async with asyncio.TaskGroup() as lives:
            lives.create_task(self._nights(), name="nights")
            for one in self.people:
                lives.create_task(one.come_and_go(self.plan.days), name="people")
            tasks = [lives.create_task(life(), name="fate") for life in self.fate.lives()]
            tasks.append(lives.create_task(self._guard(), name="guard"))
            await site.until_day(self.plan.days)
            for task in tasks:
                task.cancel()
        await self._close()
        await self._settle()
        assert await site.end() == 0

    # -- each night ----------------------------------------------------------------------------------------------------

    async def _nights(self) -> None:
        day = 1
        while day + NIGHT[0] < self.plan.days - 0.05:
            await self.site.until_day(day + NIGHT[0] + 1 / 24)
            await self._census(day)
            day += 1

    async def _census(self, day: int) -> None:
        site = self.site
        await self._record(day)
        away = not (site.csms.listening and await self._quiet())
        queued = 0 if not away else (await self._ask("outbox"))["queued"]
        seen, outbox = site.stage.survey(), await self._ask("outbox")
        counts = site.csms.counts - self._last
        self._last = site.csms.counts.copy()
        visits = [v for v in self.ledger.visits if v.end < site.now]
        state = site.station.state_dir
        night = Night(
            day, site.csms.version or "away", len(visits), sum(v.energy_wh for v in visits) / 1000, counts["messages"],
            sum(counts[action] for action in BILLING),
            site.stage.starts, len(site.troubles), outbox["queued"], outbox["dead"],
            _kb(state / "chargepointd.db"), _kb(state / "chargepointd.db-wal"), len(_files(state)), seen["rss_kb"],
            seen["heap_kb"], seen["sqlite_kb"], seen["objects"], seen["modules"], seen["blocks"], len(seen["tasks"]),
            len(seen["fds"]), len(seen["threads"]), len(site.station._lines), seen["leaps"],
            time.monotonic() - self._began,
        )  # fmt: skip
        self._log(night)
        self.nights.append(night)
        self._say(row(night))
        if not away:
            self._compare(night, seen)
            self.wrong += self.ledger.close(site.now)
            self._rules(outbox)
        elif queued > 20_000:
            self.wrong.append(f"night {day}: {queued} records wait")
        for each in self.wrong[self._said :]:
            self._say(each)
        self._said = len(self.wrong)
        if len(self.wrong) > MANY:
            raise Imbalance("\n".join(self.wrong))

    async def _record(self, day: int) -> None:
        """What the flight recorder has, where things are kept."""
        if self.keep:
            bundle = base64.b64decode((await self._ask("bundle"))["archive"])
            with tarfile.open(fileobj=io.BytesIO(bundle)) as archive:
                [member] = [each for each in archive.getmembers() if each.name.endswith("recording.jsonl.gz")]
                recording = archive.extractfile(member)
                assert recording is not None
                (self.keep / f"day-{day}.jsonl.gz").write_bytes(recording.read())

    async def _quiet(self) -> bool:
        """All delivered, nobody there, nothing under way; False where the CSMS has gone away before that."""
        site = self.site

        async def quiet() -> bool:
            if not site.csms.listening:
                return True
            status = await self._ask("status")
            sessions = any("session" in evse for evse in status["evses"])
            here = any(one.here for one in self.people)
            return site.csms.connected and not (sessions or here or (await self._ask("outbox"))["queued"])

        await site.until(quiet, "quiet night", 2 * 3600.0, every=30.0)
        await asyncio.sleep(120)
        return site.csms.listening

    def _keep(self, lines: list[str]) -> None:
        if self.keep:
            with (self.keep / "log.txt").open("a") as file:
                file.writelines(lines)

    def _log(self, night: Night) -> None:
        lines = self.site.station._lines
        broken = [line for line in lines if "Traceback" in line or "bug" in line]
        self.wrong += [f"in the log of day {night.day}: {line.strip()}" for line in broken]
        if broken:
            self.wrong.append(self.site.station.tail(200))
        if night.log_lines > LOG_LINES:
            self.wrong.append(f"day {night.day}: {night.log_lines} lines in the log")
        self._keep(lines)
        del lines[: len(lines) - 200 if len(lines) > 200 else 0]

    def _compare(self, night: Night, seen: dict[str, Any]) -> None:
        """What there is on a quiet night is what there was before anybody came."""
        there = self._there(seen)
        for kind, now in there.items():
            more = now - self._first[kind]
            if more and kind == "files" and night.day <= 3:
                self._first[kind] = now | self._first[kind]
            elif more:
                self.wrong.append(f"night {night.day}: {kind} that were not there at the beginning: {dict(more)}")
        self.wrong += growth(self.nights)

    def _there(self, seen: dict[str, Any]) -> dict[str, Counter[str]]:
        threads = Counter(re.sub(r"asyncio_\d+", "asyncio", name) for name in set(seen["threads"]))
        threads["asyncio"] = 1  # the pool has as many as were needed at once
        return {
            "tasks": Counter(seen["tasks"]),
            "threads": threads,
            "descriptors": Counter(re.sub(r":\[\d+\]", "", name) for name in seen["fds"]),
            "files": Counter(_files(self.site.station.state_dir)),
        }

    def _rules(self, outbox: dict[str, Any]) -> None:
        csms = self.site.csms
        self.wrong += [f"violation: {each}" for each in csms.violations]
        self.wrong += [f"asked: {each}" for each in self.office.unanswered]
        csms.violations.clear()
        self.office.unanswered.clear()
        if outbox["dead"] > len(self.fate.refused_for_good):
            self.wrong.append(f"{outbox['dead']} dead letters, {len(self.fate.refused_for_good)} were refused for good")

    # -- the end -------------------------------------------------------------------------------------------------------

    async def _close(self) -> None:
        """All that is left is told, and balanced."""
        site = self.site
        await site.csms.online()
        await self._quiet()
        site.csms.refuse = lambda message: None
        await self._quiet()
        self.wrong += self.ledger.close(site.now)
        self._rules(await self._ask("outbox"))
        self.wrong += [f"left in the books: {name}" for name in site.csms.books.transactions]

    async def _settle(self) -> None:
        for evse, before in self._registers.items():
            way = await self._register(evse) - before
            billed = self.ledger.billed_wh.get(evse, 0.0)
            self._say(f"evse {evse}: {way / 1000:.1f} kWh by the register, {billed / 1000:.1f} kWh billed")
            flowed = self.ledger.shown_wh.get(evse, 0.0)
            if round(way - flowed, 1):
                self.wrong.append(f"evse {evse}: {way:.1f} Wh by the register, {flowed:.1f} Wh in all visits")
        status = await self._ask("status")
        for evse in status["evses"]:
            for connector in evse["connectors"]:
                shown, told = connector["status"], self._told.get((evse["id"], connector["id"]))
                if shown != told:
                    self.wrong.append(f"evse {evse['id']}: is {shown}, the CSMS was told {told}")

    def _heard(self, message: Message) -> None:
        if message.action == "StatusNotification":
            payload = message.payload
            evse = payload.get("evseId", payload["connectorId"])
            connector = payload["connectorId"] if "evseId" in payload else 1
            self._told[evse, connector] = payload.get("connectorStatus") or payload["status"]

    async def _guard(self) -> None:
        """A process that ends by itself has a reason, which is no good one."""
        while True:
            await asyncio.sleep(30)
            process = self.site.station._process
            code = process.poll() if process else None
            if code not in (None, -9):
                raise Imbalance(f"the daemon ended with code {code}\n{self.site.station.tail(60)}")

    async def _register(self, evse: int) -> float:
        return float((await self._ask("sim.meter", evse=evse))["energy_import_wh"])

    async def _ask(self, method: str, **params: Any) -> Any:
        return await self.people[0]._do(method, **params)


def _unread_s(pace: float) -> float:
    """At that pace, from the last reading of a meter to the miss that is one too many, upon which the power path is
    opened at once; the misses follow each other as in life."""
    return ACTIVE_S * (pace + Limits().stale_after - 1) + OPEN_S


def _kb(file: Path) -> int:
    return file.stat().st_size // 1024 if file.exists() else 0


def _files(state: Path) -> list[str]:
    """Names without numbers: certificates are named by theirs, which is of hexadecimal digits."""
    found = [str(Path(folder) / name) for folder, _, names in os.walk(state) for name in names]
    named = [re.sub(r"[0-9a-f-]+(?=\.(key|pem)$)|\d+", "N", file.removeprefix(str(state))) for file in found]
    return sorted(name for name in named if not name.endswith((".bin.pid", ".bin.result")))  # the bench's installer's
