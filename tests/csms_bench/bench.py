"""The bench CSMS in a test's loop, and a small station to talk to it: bare websockets and JSON."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from chargepointd.csms.desk import Desk
from chargepointd.csms.server import VERSIONS, Address, BenchCsms
from chargepointd.csms.show import Event

LIMIT_S = 30.0
AT = "2026-03-01T10:00:00Z"


class Bench:
    def __init__(self, **options: Any) -> None:
        self.events: list[Event] = []
        self._changed = asyncio.Event()
        self.csms = BenchCsms(self._tell, Address(port=0), **options)

    def _tell(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()

    def texts(self, kind: str) -> list[str]:
        return [event.text for event in self.events if event.kind == kind]

    async def told(self, kind: str, part: str = "") -> Event:
        """The first event of the kind with this in its text, as soon as there is one."""

        def look() -> Event | None:
            return next((event for event in self.events if event.kind == kind and part in event.text), None)

        found: Event = await self.until(look)
        return found

    async def until(self, look: Callable[[], Any]) -> Any:
        async with asyncio.timeout(LIMIT_S):
            while not (found := look()):
                self._changed.clear()
                await self._changed.wait()
        return found


class Station:
    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._count = 0

    async def say(self, action: str, payload: dict[str, Any]) -> list[Any]:
        """The frame that comes back."""
        self._count += 1
        return await self.frame(json.dumps([2, str(self._count), action, payload]))

    async def frame(self, text: str | bytes) -> list[Any]:
        await self.socket.send(text)
        return await self.hear()

    async def ask(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The result; anything else fails."""
        answer = await self.say(action, payload)
        assert answer[:2] == [3, str(self._count)], answer
        result: dict[str, Any] = answer[2]
        return result

    async def hear(self) -> list[Any]:
        async with asyncio.timeout(LIMIT_S):
            frame: list[Any] = json.loads(await self.socket.recv())
        return frame

    async def obey(self, result: dict[str, Any]) -> list[Any]:
        """The next call of the CSMS, answered with `result`."""
        call = await self.hear()
        assert call[0] == 2, call
        await self.socket.send(json.dumps([3, call[1], result]))
        return call

    async def boot(self, version: str) -> dict[str, Any]:
        payload: dict[str, Any] = {"chargePointVendor": "V", "chargePointModel": "M"}
        if version == "2.0.1":
            payload = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}
        return await self.ask("BootNotification", payload)


@asynccontextmanager
async def bench(**options: Any) -> AsyncIterator[Bench]:
    """A bench CSMS that listens. options: desk, password, versions."""
    made = Bench(**options)
    async with asyncio.TaskGroup() as parts:
        life = parts.create_task(made.csms.run())
        async with asyncio.timeout(LIMIT_S):
            await made.csms.listening.wait()
        yield made
        life.cancel()


@asynccontextmanager
async def station(
    at: Bench, version: str = "2.0.1", name: str = "CP1", password: str = "", versions: tuple[str, ...] = ()
) -> AsyncIterator[Station]:
    offered = [Subprotocol(f"ocpp{each}") for each in versions or (version,)]
    credentials = base64.b64encode(f"{name}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"} if password else {}
    async with connect(f"{at.csms.url}/{name}", subprotocols=offered, additional_headers=headers, proxy=None) as socket:
        yield Station(socket)


__all__ = ["AT", "VERSIONS", "Bench", "Desk", "Station", "bench", "station"]
