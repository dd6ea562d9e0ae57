"""Lamps: each shows what it was told last, and gives a signal that it misses to nobody."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chargepointd.config import load
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.effects import Indicate
from chargepointd.hardware import screens
from chargepointd.hardware.bindings import Address, plan
from chargepointd.hardware.hardware import Hardware
from chargepointd.hardware.lamps import Lamps
from hal.errors import NotConnected
from tests.daemon import toml
from tests.daemon.config import Config, ac_station
from tests.hardware.test_hardware import Heard, with_hardware
from tests.hardware.test_screens import settled


class Lamp:
    def __init__(self) -> None:
        self.told: list[Any] = []
        self.silent = False
        self.asked = 0

    async def indicate(self, colour: str, blink: bool, intensity_percent: int) -> None:
        self._hear(colour, blink, intensity_percent)

    async def signal(self, colour: str, times: int, intensity_percent: int) -> None:
        self._hear("signal", colour, times, intensity_percent)

    def _hear(self, *what: Any) -> None:
        self.asked += 1
        if self.silent:
            raise NotConnected("test")
        self.told.append(what)


def lit_station() -> Config:
    config = ac_station("ws://127.0.0.1:1/ocpp", evses=2)
    return config | {"indicator": [{"device": "sim.lamp", "evses": [2]}, {"device": "sim.indicator"}]}


def with_lamps(tmp_path: Path, story: Callable[[Lamps, Lamp, Lamp], Any]) -> None:
    file = tmp_path / "station.toml"
    file.write_text(toml.dumps(lit_station()))

    async def main() -> None:
        devices = {Address("sim", "lamp"): Lamp(), Address("sim", "indicator"): Lamp()}

        async def call(at: Address, act: Callable[[Any], Any]) -> Any:
            return await act(devices[at])

        async with asyncio.TaskGroup() as tasks:

            def spawn(work: Any) -> None:
                tasks.create_task(work)

            lamps = Lamps(load(file), call, spawn)
            lives = [tasks.create_task(lamps.run(at)) for at in lamps.places]
            await story(lamps, *devices.values())
            for life in lives:
                life.cancel()

    asyncio.run(main())


def test_the_plan_says_which_evses_have_a_lamp(tmp_path: Path) -> None:
    file = tmp_path / "station.toml"
    file.write_text(toml.dumps(lit_station()))
    assert plan(load(file), "1").lamps == ((2,), (1, 2))
    file.write_text(toml.dumps(ac_station("ws://127.0.0.1:1/ocpp")))
    assert plan(load(file), "1").lamps == ()


def test_each_lamp_is_told_what_it_shows_and_signals(tmp_path: Path) -> None:
    async def story(lamps: Lamps, first: Lamp, second: Lamp) -> None:
        lamps.show(Indicate(0, "green", False, 100))
        lamps.show(Indicate(1, "blue", True, 40))
        await settled()
        lamps.show(Indicate(1, "red", True, 40, 3))
        await settled()
        assert first.told == [("green", False, 100)]
        assert second.told == [("blue", True, 40), ("signal", "red", 3, 40)]

    with_lamps(tmp_path, story)


def test_a_silent_lamp_is_told_again_what_it_shows_but_not_its_signals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screens, "AGAIN_S", 0.0)

    async def story(lamps: Lamps, first: Lamp, second: Lamp) -> None:
        first.silent = True
        lamps.show(Indicate(0, "green", False, 100))
        lamps.show(Indicate(0, "red", True, 100, 3))
        await settled()
        assert first.asked > 2
        first.silent = False
        await settled()
        assert first.told == [("green", False, 100)]

    with_lamps(tmp_path, story)


def test_a_lamp_that_is_missing_stops_nobody_and_one_that_is_back_is_lit_again(tmp_path: Path) -> None:
    async def story(hardware: Hardware, heard: Heard) -> None:
        raised = await heard.until(lambda event: isinstance(event, e.FaultRaised) and event.fault.source == "sim.lamp")
        assert (raised.evse_id, raised.fault.stops_charging) == (0, False)
        controls = hardware.controls()
        hardware.perform(f.Indicate(1, "yellow", True, 60))
        await settled()
        assert (await controls.call("sim.state", {}))["indicator"] == "yellow, blinking, 60 %"
        heard.events.clear()
        await controls.call("sim.raise_error", {"evse": 1, "error": "driver_dead"})
        await heard.until(lambda event: isinstance(event, e.FaultRaised) and event.fault.source == "sim.indicator")
        assert (await controls.call("sim.state", {}))["indicator"] == "off"
        await controls.call("sim.clear_error", {"evse": 1, "error": "driver_dead"})
        await heard.until(lambda event: isinstance(event, e.FaultCleared) and event.source == "sim.indicator")
        await settled()
        assert (await controls.call("sim.state", {}))["indicator"] == "yellow, blinking, 60 %"

    with_hardware(tmp_path, lit_station(), story)
