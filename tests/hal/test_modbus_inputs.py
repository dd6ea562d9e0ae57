"""Contacts at a Modbus I/O module: real bytes over TCP, from a module written from the specification."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hal.config import parse
from hal.driver import Site
from hal.drivers.modbus_inputs import DRIVER, Config
from hal.errors import BadConfig, DeviceFault, NotConnected
from hal.testing.contracts import check_driver
from tests.hal.models.modbus_inputs import Module, io_module


@pytest.fixture
def module() -> Iterator[Module]:
    with io_module() as made:
        yield made


def table(module: Module, **more: Any) -> dict[str, Any]:
    return {
        "host": module.host,
        "tcp_port": module.tcp_port,
        "inputs": {"relay": 3},
        "poll_s": 0.02,
        "timeout_s": 0.2,
    } | more


def config(module: Module, **more: Any) -> Config:
    made: Config = parse(Config, table(module, **more), "drivers.io")
    return made


def test_it_keeps_the_contract(module: Module, tmp_path: Path) -> None:
    asyncio.run(check_driver(DRIVER, table(module), Site("io", tmp_path)))


@pytest.mark.parametrize("function", [1, 2])
@pytest.mark.parametrize("inverted", [[], ["relay"]])
def test_a_contact_is_told_at_once_and_at_each_change(
    module: Module, tmp_path: Path, function: int, inverted: list[str]
) -> None:
    async def main() -> list[bool]:
        told = []
        async with DRIVER.open(config(module, function=function, inverted=inverted), Site("io", tmp_path)) as devices:
            async with asyncio.timeout(60):
                async for reading in devices["relay"].watch():  # type: ignore[attr-defined]
                    told.append(reading.closed)
                    if len(told) == 3:
                        break
                    module.bits[3] = not module.bits[3]
        return told

    first = bool(inverted)
    assert asyncio.run(main()) == [first, not first, first]


def test_a_module_that_falls_silent_is_told(module: Module, tmp_path: Path) -> None:
    async def main() -> None:
        async with DRIVER.open(config(module, retries=0), Site("io", tmp_path)) as devices:
            module.silent = True
            async with asyncio.timeout(60):
                async for _ in devices["relay"].watch():  # type: ignore[attr-defined]
                    pass

    with pytest.raises(NotConnected, match="does not answer"):
        asyncio.run(main())


def test_an_input_that_is_not_there_is_told_when_it_is_opened(module: Module, tmp_path: Path) -> None:
    async def main() -> None:
        async with DRIVER.open(config(module, inputs={"relay": 9}), Site("io", tmp_path)):
            pass

    with pytest.raises(DeviceFault, match="illegal data address"):
        asyncio.run(main())


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"port": "/dev/ttyS1"}, "both given"),
        ({"inputs": {}}, "at least one"),
        ({"inputs": {"relay": -1}}, "from 0 to 65535"),
        ({"inverted": ["other"]}, "known: relay"),
        ({"unit": 0}, "1 to 255"),
        ({"poll_s": 0.0}, "more than 0"),
    ],
)
def test_what_cannot_be_is_told_by_its_key(module: Module, tmp_path: Path, wrong: dict[str, Any], told: str) -> None:
    async def main() -> None:
        async with DRIVER.open(config(module, **wrong), Site("io", tmp_path)):
            pass

    with pytest.raises(BadConfig, match=told):
        asyncio.run(main())
