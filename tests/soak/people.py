"""Those who come to charge, at one EVSE, one after the other."""

import asyncio
import random
from typing import Any

from tests.soak.control import Dark, Refused
from tests.soak.ledger import Ledger, Visit
from tests.soak.office import Office
from tests.soak.site import DAY_S, Site

CARDS = [f"04A2B3C4D5{n:04X}" for n in range(60)]
BAD_CARDS = {"04B0000000000A": "Blocked", "04B0000000000B": "Expired", "04B0000000000C": "Invalid"}
NIGHT = (1.5 / 24, 4.5 / 24)
"""part of the day in which nobody comes, so that there is a moment of quiet: who came before stays 2.5 h at most"""
KINDS = {
    "card": 30, "card first": 6, "remote start": 10, "remote stop": 6, "refused card": 8, "leaves at the car": 8,
    "full": 6, "pauses": 6, "reserved": 5, "reserved and not come": 2, "unlocked by the office": 3, "changes mind": 4,
}  # fmt: skip
"""how often"""


class People:
    def __init__(
        self,
        site: Site,
        evse: int,
        ledger: Ledger,
        office: Office,
        seed: int,
        *,
        busy: float = 1.0,
        stay_s: float = 1300.0,
    ) -> None:
        self._site, self._evse, self._ledger, self._office = site, evse, ledger, office
        self._chance = random.Random(f"{seed} {evse}")
        self._busy, self._stay_s = busy, stay_s
        self.here: Visit | None = None
        self.counts: dict[str, int] = {}

    async def come_and_go(self, until_day: float) -> None:
        """Until that day; nobody is here then."""
        while True:
            await asyncio.sleep(180 + self._chance.expovariate(1 / (1500.0 / self._busy)))
            part = self._site.day % 1
            if NIGHT[0] <= part < NIGHT[1]:
                await asyncio.sleep((NIGHT[1] - part) * DAY_S)
            if self._site.day >= until_day - 2 / 24:
                return
            await self._visit(self._chance.choices(list(KINDS), list(KINDS.values()))[0])

    async def _visit(self, kind: str) -> None:
        site, chance = self._site, self._chance
        visit = self.here = Visit(self._evse, kind, site.now, await self._energy())
        self._ledger.visits.append(visit)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        card = self._card()
        site.cards_in_use.add(card)
        visit.refused = kind == "refused card"
        try:
            await self._act(visit, kind, chance.choice(list(BAD_CARDS)) if visit.refused else card)
        finally:
            visit.after_wh = await self._energy()
            visit.end = site.now
            site.cards_in_use.discard(card)
            self.here = None

    def _card(self) -> str:
        return self._chance.choice([card for card in CARDS if card not in self._site.cards_in_use])

    async def _act(self, visit: Visit, kind: str, card: str) -> None:
        if kind.startswith("reserved") and not await self._reserve(visit, kind, card):
            visit.note = "not reserved"
        if kind == "reserved and not come":
            visit.served = True  # nothing to wait for
            return
        if kind == "card first":
            await self._show(card)
            await self._pause(5, 30)
        await self._plug_in()
        await self._pause(2, 20)
        visit.served = await self._begin(kind, card)
        if visit.served:
            await self._charge(kind)
            await self._finish(kind, card)
        await self._leave()

    # -- what they do --------------------------------------------------------------------------------------------------

    async def _reserve(self, visit: Visit, kind: str, card: str) -> bool:
        number = await self._office.reserve(self._evse, card, 900)
        await self._pause(60, 600)
        if number and kind == "reserved and not come" and self._chance.random() < 0.5:
            await self._office.cancel(number)
        elif kind == "reserved and not come":
            await asyncio.sleep(1200)
        return bool(number)

    async def _plug_in(self) -> None:
        if not (await self._world())["connector"]:
            await self._do("sim.plug_in", lenient=True, evse=self._evse)  # it may have been done as the power went

    async def _show(self, card: str) -> None:
        """To the reader at this EVSE."""
        await self._do("start", evse=self._evse, token=card)

    async def _begin(self, kind: str, card: str) -> bool:
        """Whether they may charge in the end."""
        if kind == "card first" and await self._may(30):
            return True
        for attempt in range(3):
            if not (kind.startswith("remote start") and attempt == 0 and await self._office.start(self._evse, card)):
                if await self._may(0):
                    return True
                await self._show(card)
            if await self._may(45):
                return True
            if kind == "refused card":
                return False
        return False

    async def _may(self, within_s: float) -> bool:
        end = self._site.now + within_s
        while True:
            session = await self._session()
            if session.get("authorized") and "transaction_id" in session:
                return True
            if self._site.now >= end:
                return False
            await asyncio.sleep(3)

    async def _charge(self, kind: str) -> None:
        if kind == "changes mind":
            return await self._pause(1, 8)
        stay = min(60 + self._chance.expovariate(1 / self._stay_s), 7200.0)
        if kind == "full":
            stay = 9000.0 * self._stay_s / 1300.0
        if kind == "pauses":
            await asyncio.sleep(stay / 3)
            await self._do("sim.pause", evse=self._evse, lenient=True)
            await asyncio.sleep(stay / 3)
            await self._do("sim.resume", evse=self._evse, lenient=True)
            stay /= 3
        end = self._site.now + stay
        while self._site.now < end:
            await asyncio.sleep(min(300.0, end - self._site.now))
            if "transaction_id" not in await self._session():
                return None  # somebody or something has ended it
        return None

    async def _finish(self, kind: str, card: str) -> None:
        if kind == "leaves at the car":
            await self._do("sim.plug_out", evse=self._evse, side="ev", lenient=True)
            await self._over(120)
            return
        if kind == "remote stop" and await self._office.stop(self._evse, card) and await self._over(60):
            return
        if kind == "unlocked by the office" and await self._office.unlock(self._evse) and await self._over(60):
            return
        for _ in range(4):
            if not (await self._session()).get("authorized"):
                break
            await self._show(card)
            if await self._over(60):
                return

    async def _over(self, within_s: float) -> bool:
        end = self._site.now + within_s
        while (await self._session()).get("authorized"):
            if self._site.now >= end:
                return False
            await asyncio.sleep(3)
        return True

    async def _leave(self) -> None:
        """Pull the plug as soon as it is let go; by force when it never is."""
        await self._pause(5, 60)
        end = self._site.now + 900
        while True:
            world = await self._world()
            if not world["connector"] and not world["plug"]:
                break
            if not world["locked"] or self._site.now > end:
                await self._do("sim.plug_out", evse=self._evse, force=True, lenient=True)
            await asyncio.sleep(5)
        end = self._site.now + 300
        while await self._session():
            if self._site.now > end:
                break
            await asyncio.sleep(5)

    async def _pause(self, least: float, most: float) -> None:
        await asyncio.sleep(self._chance.uniform(least, most))

    # -- what they see -------------------------------------------------------------------------------------------------

    async def _energy(self) -> float:
        return float((await self._world())["energy_wh"])

    async def _world(self) -> dict[str, Any]:
        told: dict[str, Any] = (await self._do("sim.state"))["evses"][self._evse - 1]
        return told

    async def _session(self) -> dict[str, Any]:
        shown: dict[str, Any] = (await self._do("status"))["evses"][self._evse - 1].get("session", {})
        return shown

    async def _do(self, method: str, lenient: bool = False, **params: Any) -> Any:
        """As soon as there is power. lenient: what the world refuses is left undone."""
        while True:
            try:
                return await self._site.ask(method, **params)
            except Dark:
                await asyncio.sleep(10)
            except Refused as error:
                if "was not open yet" in str(error):
                    await asyncio.sleep(1)
                elif lenient:
                    return None
                else:
                    raise
