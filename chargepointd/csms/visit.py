"""One visit to a charging station, from plugging in to leaving: what a person does, and what is then waited for."""

import asyncio
from contextlib import suppress
from typing import Any, Protocol

from chargepointd.control.client import Refused
from chargepointd.csms.books import Books, Transaction
from chargepointd.csms.console import row

TOKEN = "04A1B2C3D4E5F6"
EVSE = 1
INTERVAL_S = 5
"""between meter values"""
CHARGE_S = 6.0
"""of charging, so that one of them is among what is shown"""


class Stage(Protocol):
    """The station and the CSMS, as the visitor has them."""

    @property
    def books(self) -> Books: ...

    def say(self, text: str) -> None: ...

    async def call(self, method: str, **params: Any) -> Any:
        """A method of the station's control socket. Raises ClientError."""
        ...

    async def until(self, what: str, look: Any) -> Any:
        """What the async function `look` finds, as soon as it finds something."""
        ...


class Visit:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._before: list[Transaction] = []

    async def run(self) -> None:
        """The whole visit, after what an earlier one has left is tidied up."""
        stage = self._stage
        await self._tidy()
        self._before = stage.books.transactions
        stage.say(f"a car is plugged in at EVSE {EVSE}")
        await stage.call("sim.plug_in", evse=EVSE)
        await stage.until("the station notices the cable", lambda: self._session("cable"))
        stage.say(f"the driver presents the card {TOKEN}")
        await stage.call("sim.swipe", token=TOKEN)
        await stage.until("the car charges", lambda: self._charging(True))
        stage.say(f"the car charges for {CHARGE_S:g} seconds")
        await asyncio.sleep(CHARGE_S)
        await stage.until("a meter value reaches the CSMS", self._measured)
        stage.say("the driver presents the card again")
        await stage.call("sim.swipe", token=TOKEN)
        await stage.until("the plug is released", self._released)
        stage.say("the car is unplugged and leaves")
        await stage.call("sim.plug_out", evse=EVSE)
        transaction = await stage.until("the CSMS has the end of the transaction", self._ended)
        await stage.until("the EVSE is free again", lambda: self._session("cable", False))
        stage.say(f"in the books: {row(transaction)}")

    async def _tidy(self) -> None:
        """The state directory may be that of a visit that was broken off, or of somebody who tried what there is."""
        call = self._stage.call
        await call("sim.clear_error", evse=0)
        await call("availability", operative=True)
        await call("limit", act="clear")
        await call("set", variable="SampledDataCtrlr.TxUpdatedInterval", value=str(INTERVAL_S))
        evses = [evse["id"] for evse in (await call("status"))["evses"]]
        for evse in evses:
            await call("availability", evse=evse, operative=True)
            await call("limit", act="clear", evse=evse)
            with suppress(Refused):  # nothing is plugged in, as it should be
                await call("sim.plug_out", evse=evse, force=True)
        await self._stage.until("the EVSEs are free", self._free)

    async def _free(self) -> bool:
        """And the CSMS has heard of what was before."""
        status = await self._stage.call("status")
        taken = any(evse.get("session", {}).get("cable") for evse in status["evses"])
        return not taken and not (await self._stage.call("outbox"))["queued"]

    # -- what is waited for --------------------------------------------------------------------------------------------

    async def _evse(self) -> dict[str, Any]:
        evses = (await self._stage.call("status"))["evses"]
        return next(dict(evse) for evse in evses if evse["id"] == EVSE)

    async def _session(self, key: str, wanted: bool = True) -> bool:
        return bool((await self._evse()).get("session", {}).get(key)) is wanted

    async def _charging(self, wanted: bool) -> bool:
        session = (await self._evse()).get("session", {})
        return (session.get("charging_state") == "Charging") is wanted

    async def _released(self) -> bool:
        evse = (await self._stage.call("sim.state"))["evses"][EVSE - 1]
        return not evse["locked"] and await self._charging(False)

    async def _measured(self) -> Transaction | None:
        found = self._transaction()
        return found if found and found.energy_wh else None

    async def _ended(self) -> Transaction | None:
        found = self._transaction()
        return found if found and found.ended_at else None

    def _transaction(self) -> Transaction | None:
        """The one of this visit."""
        return next((each for each in self._stage.books.transactions if each not in self._before), None)
