"""Displays: each shows what it was told last, though it is slow, silent or gone for a while."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chargepointd.config import load
from chargepointd.core.effects import Display
from chargepointd.hardware import screens
from chargepointd.hardware.bindings import Address
from chargepointd.hardware.screens import Screens
from hal.errors import NotConnected
from tests.daemon import toml
from tests.daemon.config import ac_station

FIRST, SECOND = Address("sim", "display"), Address("sim", "other")


class Screen:
    """A display that takes its time, if it answers at all."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, ...]] = []
        self.silent = False
        self.asked = 0
        self.may = asyncio.Event()
        self.may.set()

    async def show(self, lines: tuple[str, ...]) -> None:
        self.asked += 1
        await self.may.wait()
        if self.silent:
            raise NotConnected("test")
        self.shown.append(lines)


class Colourful(Screen):
    def __init__(self) -> None:
        super().__init__()
        self.codes: list[str] = []

    async def show_code(self, lines: tuple[str, ...], code: str) -> None:
        await self.show(lines)
        self.codes.append(code)


async def settled(times: int = 20) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


def with_screens(tmp_path: Path, story: Callable[[Screens, Screen, Colourful], Any]) -> None:
    """The first serves EVSE 1, the second both."""
    config = ac_station("ws://127.0.0.1:1/ocpp", evses=2)
    config["display"] = [{"device": "sim.display", "evses": [1]}, {"device": "sim.other"}]
    file = tmp_path / "station.toml"
    file.write_text(toml.dumps(config))

    async def main() -> None:
        devices = {FIRST: Screen(), SECOND: Colourful()}

        async def call(at: Address, act: Callable[[Any], Any]) -> Any:
            return await act(devices[at])

        shown = Screens(load(file), call)
        async with asyncio.TaskGroup() as tasks:
            lives = [tasks.create_task(shown.run(at)) for at in shown.places]
            await story(shown, *devices.values())  # type: ignore[arg-type]
            for life in lives:
                life.cancel()

    asyncio.run(main())


def test_whom_a_text_is_for(tmp_path: Path) -> None:
    async def story(shown: Screens, first: Screen, second: Colourful) -> None:
        shown.show(Display(0, "all"))
        await settled()
        shown.show(Display(2, "two\nlines"))
        await settled()
        shown.show(Display(1, "that one", screen=0))
        await settled()
        assert first.shown == [("Test station", "all"), ("EVSE 1", "that one")]
        assert second.shown == [("Test station", "all"), ("EVSE 2", "two", "lines")]

    with_screens(tmp_path, story)


def test_what_has_become_old_is_left_out(tmp_path: Path) -> None:
    async def story(shown: Screens, first: Screen, second: Colourful) -> None:
        first.may.clear()
        for n in range(9):
            shown.show(Display(1, str(n)))
            await settled()
        first.may.set()
        await settled()
        assert [lines[1] for lines in first.shown] == ["0", "8"]

    with_screens(tmp_path, story)


def test_a_code_is_for_a_display_that_can(tmp_path: Path) -> None:
    async def story(shown: Screens, first: Screen, second: Colourful) -> None:
        shown.show(Display(1, "pay", code="https://pay"))
        await settled()
        assert first.shown == second.shown == [("EVSE 1", "pay")]
        assert second.codes == ["https://pay"]
        shown.show(Display(1, "thanks"))
        await settled()
        assert second.codes == ["https://pay"]

    with_screens(tmp_path, story)


def test_a_display_that_was_silent_is_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "AGAIN_S", 0.0)

    async def story(shown: Screens, first: Screen, second: Colourful) -> None:
        first.silent = True
        shown.show(Display(1, "hello"))
        await settled()
        assert first.asked > 1
        first.silent = False
        await settled()
        assert first.shown == [("EVSE 1", "hello")]

    with_screens(tmp_path, story)


def test_a_display_that_is_back_is_told_again(tmp_path: Path) -> None:
    async def story(shown: Screens, first: Screen, second: Colourful) -> None:
        shown.again(FIRST)
        await settled()
        assert first.asked == 0, "nothing was to be shown yet"
        shown.show(Display(1, "hello"))
        await settled()
        shown.again(FIRST)
        shown.again(Address("sim", "meter1"))
        await settled()
        assert first.shown == [("EVSE 1", "hello")] * 2
        assert second.shown == [("EVSE 1", "hello")]

    with_screens(tmp_path, story)
