"""Whole transactions at once, through the simulated world: to load the books and to measure.

Each is a real visit: plug in, card, two readings told, card, plug out; every step an event like any other. The next
begins when the last is committed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from chargepointd.control.protocol import ControlError
from chargepointd.core import commands as c
from chargepointd.daemon.local import REFUSED, Local

STEP_S = 30.0
"""how long one step may take: longer than an Authorize that is not answered"""
TOKEN = "SIMULATED0001"

Call = Callable[[dict[str, Any]], Awaitable[Any]]


class Transactions:
    def __init__(self, local: Local, read: Callable[[int], Awaitable[None]], sim: dict[str, Call]) -> None:
        self._local = local
        self._read = read
        self._sim = sim

    async def make(self, params: dict[str, Any]) -> Any:
        """`sim.transactions {count, evse?, token?}`: returns when all are made and kept."""
        evse, token = params.get("evse", 1), params.get("token", TOKEN)
        for _ in range(params["count"]):
            await self._visit(evse, token)
        return {"made": params["count"]}

    async def _visit(self, evse: int, token: str) -> None:
        place = {"evse": evse}
        await self._sim["sim.plug_in"](place)
        await self._until(evse, "record", "started", self._sim["sim.swipe"]({"token": token}))
        for _ in range(2):
            await self._read(evse)
            await self._local.ask(c.TriggerMessage("TransactionEvent", evse))
        await self._until(evse, "transaction", "ended", self._sim["sim.swipe"]({"token": token}))
        await self._sim["sim.plug_out"](place | {"force": True})

    async def _until(self, evse: int, kind: str, word: str, act: Awaitable[Any]) -> None:
        """Act, and wait for a note of that kind that begins with the word."""
        seen = asyncio.Event()

        def watch(event: dict[str, Any]) -> None:
            if event["kind"] == kind and event.get("evse") == evse and event["text"].startswith(word):
                seen.set()

        leave = self._local.subscribe(watch)
        try:
            await act
            async with asyncio.timeout(STEP_S):
                await seen.wait()
        except TimeoutError:
            raise ControlError(
                REFUSED,
                f"EVSE {evse}: no transaction {word} within {STEP_S:.0f} s; is the card accepted, the EVSE free?",
            ) from None
        finally:
            leave()
