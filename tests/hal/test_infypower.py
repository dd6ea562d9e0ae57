"""The InfyPower driver: its frames against published examples, a supply of modelled modules over both transports."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from hal import devices, registry
from hal.config import parse
from hal.driver import Site
from hal.drivers import infypower_protocol as infy
from hal.drivers import infypower_supply
from hal.drivers.infypower import DRIVER, Config
from hal.errors import BadConfig, DeviceFault, NotConnected
from hal.testing.contracts import check_driver
from tests.hal.loop import run
from tests.hal.models.infy_module import (
    FAN,
    OVER_TEMPERATURE,
    POWER_LIMITED,
    SHORT,
    InfyModule,
    Load,
    SlcanWire,
    UdpWire,
    Wire,
)

SITE = Site("dc", Path("/nonexistent"))
SWITCH, SET_POINT = 0x1A, 0x1C


@pytest.fixture
def wire() -> Iterator[UdpWire]:
    with UdpWire() as wire:
        yield wire


@pytest.fixture
def adapter() -> Iterator[SlcanWire]:
    with SlcanWire() as wire:
        yield wire


@pytest.fixture(params=[UdpWire, SlcanWire])
def any_wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    with request.param() as wire:
        yield wire


def config(wire: Wire, **more: Any) -> Config:
    return parse(Config, {"pace_s": 0.0} | wire.settings | more, "drivers.dc")


@asynccontextmanager
async def supply(wire: Wire, **more: Any) -> AsyncIterator[devices.DcSupply]:
    async with DRIVER.open(config(wire, **more), SITE) as opened:
        found = opened["supply"]
        assert isinstance(found, devices.DcSupply)
        yield found


async def seen(module: InfyModule, condition: Any, seconds: float = 8.0) -> None:
    await asyncio.to_thread(module.wait_for, condition, seconds)


# ---- frames


@pytest.mark.parametrize(
    "wanted, value",
    [
        (infy.Identifier(infy.READ_OUTPUT, 0x00), 0x028300F0),
        (infy.Identifier(infy.READ_OUTPUT, 0xF0, 0x00), 0x0283F000),
        (infy.Identifier(infy.SWITCH, 0x03, device=infy.GROUP), 0x02DA03F0),
        (infy.Identifier(0x1B, 0x3F), 0x029B3FF0),
        (infy.Identifier(infy.SET_POINT, 0xF0, 0x05, error=3), 0x0E9CF005),
    ],
)
def test_identifiers_are_those_of_the_protocol(wanted: infy.Identifier, value: int) -> None:
    assert wanted.encode() == value
    assert infy.decode_identifier(value) == wanted


@pytest.mark.parametrize("value", [0x0757F800, 0x0757F8F0, 0x0757FF12, 0x1FFFF800, 0x06080780])
def test_internal_and_foreign_frames_are_nobodys(value: int) -> None:
    assert infy.decode_identifier(value) is None


def test_payloads_are_those_of_the_protocol() -> None:
    assert infy.decode_output(bytes.fromhex("43FA000040600000")) == (500.0, 3.5)
    assert infy.decode_output(bytes.fromhex("7FC0000040600000")) is None
    assert infy.decode_rating(bytes.fromhex("03E8 0032 03E8 0BB8")) == (1000, 50, 100.0, 30000)
    assert infy.decode_available(bytes.fromhex("0FA0 01F4 0000 0000")) == 50.0
    assert infy.encode_set_point(500.0, 3.5) == bytes.fromhex("0007A120 00000DAC")
    assert (infy.ON.hex(), infy.OFF.hex()) == ("0000000000000000", "0100000000000000")


def test_status_tells_group_temperature_and_output() -> None:
    assert infy.decode_status(bytes.fromhex("0000 03 00 EC 00 01 00")) == (3, -20, True, ())
    assert infy.decode_status(bytes.fromhex("0000 00 00 19 00 00 00")) == (0, 25, False, ())
    assert infy.decode_status(bytes.fromhex("0000 00 00 19 00 00 10")).off  # sleeping


@pytest.mark.parametrize(
    "flags, text",
    [
        ("000001", "over-current"),
        ("000020", "internal fault"),
        ("000200", "internal fault"),
        ("000400", "internal fault"),
        ("000800", "fan"),
        ("001000", "over-temperature"),
        ("002000", "output over-voltage"),
        ("020000", "address used twice"),
        ("040000", "internal fault"),
        ("080000", "input phase lost"),
        ("100000", "input unbalanced"),
        ("200000", "input under-voltage"),
        ("400000", "input over-voltage"),
    ],
)
def test_each_fault_flag_is_told(flags: str, text: str) -> None:
    (fault,) = infy.decode_status(bytes(5) + bytes.fromhex(flags)).faults
    assert text in fault


def test_flags_that_describe_a_state_are_no_faults() -> None:
    assert infy.decode_status(bytes(5) + bytes.fromhex("81C110")).faults == ()


# ---- configuration


@pytest.mark.parametrize(
    "table, words",
    [
        ({"modules": 0}, "drivers.dc.modules"),
        ({"modules": [3, 3]}, "drivers.dc.modules"),
        ({"modules": [63]}, "drivers.dc.modules"),
        ({"group": 63}, "drivers.dc.group"),
        ({"controller": 0x10}, "drivers.dc.controller"),
        ({"lost_after_s": 8.0}, "drivers.dc.lost_after_s: must be longer"),
        ({"pace_s": -1.0}, "drivers.dc.pace_s"),
        ({"interface": "pcan"}, "drivers.dc.interface"),
    ],
)
def test_wrong_configuration_names_the_key(table: dict[str, Any], words: str) -> None:
    async def story() -> None:
        async with DRIVER.open(parse(Config, table, "drivers.dc"), SITE):
            pass

    with pytest.raises(BadConfig, match=words):
        run(story())


def test_the_driver_is_found_by_its_name() -> None:
    assert registry.find("infypower", "drivers.dc.driver") is DRIVER


# ---- charging


def test_a_charge_from_opening_to_leaving(any_wire: Wire) -> None:
    async def story(one: InfyModule, two: InfyModule) -> None:
        async with supply(any_wire, modules=2) as dc:
            can = await dc.capability()
            assert can == (1000, 50, 200.0, 60000)
            assert (await dc.read())[1:4] == (0.0, 0.0, False)
            await dc.set(400.0, 60.0)
            await dc.on()
            await seen(one, lambda m: m.current_a == 30.0)
            await seen(two, lambda m: m.current_a == 30.0)
            before = time.monotonic()
            reading = await dc.read()
            assert before <= reading.taken_at <= time.monotonic()
            assert reading[1:] == (pytest.approx(365.0), pytest.approx(60.0), True, "", 25, 200.0)
            await dc.off()
            assert not one.delivering and not two.delivering
            await dc.off()  # any number of times
            await dc.on()
        assert not one.delivering and not two.delivering

    with InfyModule(bus=any_wire, load=Load()) as one, InfyModule(bus=any_wire, address=1, load=Load()) as two:
        run(story(one, two))


def test_set_points_go_out_more_than_once_a_second_while_on_and_keep_the_module_alive(wire: UdpWire) -> None:
    times: list[float] = []

    async def story(module: InfyModule) -> None:
        async with supply(wire) as dc:
            await dc.set(400.0, 20.0)
            await dc.on()
            for count in range(len(module.commands(SET_POINT)), len(module.commands(SET_POINT)) + 4):
                await seen(module, lambda m, n=count: len(m.commands(SET_POINT)) > n)
                times.append(time.monotonic())
            assert module.delivering

    with InfyModule(bus=wire, load=Load(), silence_s=3.0) as module:  # longer than it may stand still, and than a gap
        run(story(module))
    gaps = [after - before for before, after in pairwise(times)]
    assert median(gaps) < 1.0
    payload = set(module.commands(SET_POINT))
    assert payload == {struct.pack(">II", 400_000, 20_000)}


def test_nothing_is_sent_while_off(wire: UdpWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infypower_supply, "REPEAT_S", 0.02)

    async def story(module: InfyModule) -> int:
        async with supply(wire) as dc:
            await dc.set(400.0, 20.0)
            await dc.on()
            await dc.off()
            await dc.read()
            frames = len(module.seen)
            await asyncio.sleep(0.4)  # the time in which twenty would be sent
            return len(module.seen) - frames

    with InfyModule(bus=wire, load=Load()) as module:
        assert run(story(module)) == 0


def test_a_module_that_nobody_cares_for_switches_itself_off(wire: UdpWire) -> None:
    with InfyModule(bus=wire, load=Load(), silence_s=0.3, output_on=True) as module:
        module.wait_for(lambda m: m.current_a > 0)
        module.wait_for(lambda m: not m.delivering and m.current_a == 0)


def test_what_is_on_when_the_driver_starts_is_switched_off(any_wire: Wire) -> None:
    async def story(module: InfyModule) -> None:
        await seen(module, lambda m: m.current_a > 0)
        async with supply(any_wire) as dc:
            assert not module.delivering
            assert not (await dc.read()).on

    with InfyModule(bus=any_wire, load=Load(), output_on=True) as module:
        run(story(module))


def test_leaving_by_an_error_switches_off_and_keeps_the_error(wire: UdpWire) -> None:
    async def story(module: InfyModule) -> None:
        with pytest.raises(LookupError, match="from outside"):
            async with supply(wire) as dc:
                await dc.set(400.0, 20.0)
                await dc.on()
                assert module.delivering
                raise LookupError("from outside")
        assert not module.delivering

    with InfyModule(bus=wire, load=Load()) as module:
        run(story(module))


def test_cancelling_switches_off(wire: UdpWire) -> None:
    async def story(module: InfyModule) -> None:
        async def charge() -> None:
            async with supply(wire) as dc:
                await dc.set(400.0, 20.0)
                await dc.on()
                charging.set()
                await asyncio.Event().wait()

        charging = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(charge())
            await charging.wait()
            task.cancel()
        assert task.cancelled()
        assert not module.delivering

    with InfyModule(bus=wire, load=Load()) as module:
        run(story(module))


def test_a_group_is_switched_off_by_one_frame(wire: UdpWire) -> None:
    async def story() -> None:
        async with supply(wire, modules=[4, 9], group=3):
            pass

    with InfyModule(bus=wire, address=4, group=3) as module, InfyModule(bus=wire, address=9, group=3):
        run(story())
    assert module.seen[0] == (0x02DA03F0, infy.OFF)


def test_limits_of_a_person_hold(wire: UdpWire) -> None:
    async def story(module: InfyModule) -> None:
        limits = {"max_module_current_a": 40.0, "max_module_voltage_v": 500.0, "max_module_power_w": 10000.0}
        async with supply(wire, **limits) as dc:
            assert await dc.capability() == (500.0, 50, 40.0, 10000.0)
            await dc.set(200.0, 300.0)
            assert (module.set_v, module.set_a) == (200.0, 40.0)
            await dc.set(400.0, 300.0)
            assert (module.set_v, module.set_a) == (400.0, 25.0)
            assert (await dc.read()).available_a == 40.0
            with pytest.raises(DeviceFault, match="501 V is not in 50 to 500 V"):
                await dc.set(501.0, 1.0)

    with InfyModule(bus=wire) as module:
        run(story(module))


@pytest.mark.parametrize(
    "voltage_v, current_a", [(-1.0, 1.0), (400.0, -1.0), (float("nan"), 1.0), (400.0, float("inf"))]
)
def test_what_is_no_set_point_is_refused(wire: UdpWire, voltage_v: float, current_a: float) -> None:
    async def story() -> None:
        async with supply(wire) as dc:
            with pytest.raises(ValueError, match="no set point"):
                await dc.set(voltage_v, current_a)

    with InfyModule(bus=wire):
        run(story())


def test_on_without_a_set_point_is_refused(wire: UdpWire) -> None:
    async def story(module: InfyModule) -> None:
        async with supply(wire) as dc:
            with pytest.raises(DeviceFault, match="no set point"):
                await dc.on()
            await dc.set(400.0, 10.0)
            await dc.set(0.0, 0.0)
            with pytest.raises(DeviceFault, match="no set point"):
                await dc.on()
        assert infy.ON not in module.commands(SWITCH)

    with InfyModule(bus=wire) as module:
        run(story(module))


def test_firmware_that_acknowledges_nothing_and_knows_less_still_charges(any_wire: Wire) -> None:
    async def story(module: InfyModule) -> None:
        async with supply(any_wire) as dc:
            await dc.set(400.0, 20.0)
            await dc.on()
            await seen(module, lambda m: m.current_a == 20.0)
            for _ in range(2):
                reading = await dc.read()
                assert reading[2:] == (pytest.approx(20.0), True, "", 25, None)
        assert len(module.commands(infy.READ_AVAILABLE)) == 1

    with InfyModule(bus=any_wire, load=Load(), acknowledges=False, tells_available=False) as module:
        run(story(module))


def test_who_asks_while_modules_are_read_shares_the_result(wire: UdpWire) -> None:
    async def story(module: InfyModule) -> None:
        async with supply(wire, pace_s=0.02) as dc:
            await dc.read()
            before = len(module.commands(infy.READ_OUTPUT))
            first, second, third = await asyncio.gather(dc.read(), dc.read(), dc.read())
            assert first is second is third
            assert len(module.commands(infy.READ_OUTPUT)) == before + 1
            assert (await dc.read()).taken_at > first.taken_at

    with InfyModule(bus=wire) as module:
        run(story(module))


@pytest.mark.parametrize("count", [1, 6])
def test_a_reading_at_the_modules_pace_is_in_the_time_a_supervisor_gives(wire: UdpWire, count: int) -> None:
    async def story() -> None:
        async with supply(wire, modules=count, pace_s=0.05) as dc:
            await dc.read()
            async with asyncio.timeout(1.0):
                reading = await dc.read()
            assert reading.available_a == count * 100.0

    with ExitStack() as stack:
        for address in range(count):
            stack.enter_context(InfyModule(bus=wire, address=address))
        run(story())


@pytest.mark.parametrize("may_switch", [False, True])
def test_the_driver_keeps_the_contract(any_wire: Wire, tmp_path: Path, may_switch: bool) -> None:
    table = any_wire.settings | {"modules": 2}
    with InfyModule(bus=any_wire, load=Load()), InfyModule(bus=any_wire, address=1, load=Load()):
        run(check_driver(DRIVER, table, Site("dc", tmp_path), may_switch=may_switch))


# ---- faults


def test_nobody_there_is_not_connected_and_says_what_to_check(any_wire: Wire) -> None:
    async def story() -> None:
        async with supply(any_wire, modules=[2]):
            pass

    channel = any_wire.settings["channel"]
    with pytest.raises(NotConnected, match=rf"{channel}: module 2 does not answer; check .*120 ohm"):
        run(story())


def test_a_module_that_is_starting_is_tried_again_later(wire: UdpWire) -> None:
    async def story() -> None:
        async with supply(wire):
            pass

    with InfyModule(bus=wire) as module:
        module.change(error_code=7)
        with pytest.raises(NotConnected, match="module 0 is starting"):
            run(story())


@pytest.mark.parametrize("code, words", [(2, "command invalid"), (3, "data invalid"), (5, "error code 5")])
def test_a_refusal_is_told(wire: UdpWire, code: int, words: str) -> None:
    async def story(module: InfyModule) -> None:
        async with supply(wire) as dc:
            module.change(error_code=code)
            with pytest.raises(DeviceFault, match=f"module 0 refuses command 0x1C: {words}"):
                await dc.set(400.0, 10.0)
            with pytest.raises(DeviceFault, match=f"module 0 refuses command 0x03: {words}"):
                await dc.read()
            module.change(error_code=0)
            await dc.set(400.0, 10.0)
            assert (await dc.read()).fault == ""

    with InfyModule(bus=wire) as module:
        run(story(module))


@pytest.mark.parametrize(
    "flag, words", [(OVER_TEMPERATURE, "over-temperature"), (SHORT, "over-current"), (FAN, "fan fault")]
)
def test_a_fault_is_in_the_reading_and_stops_switching_on(wire: UdpWire, flag: tuple[int, int], words: str) -> None:
    async def story(module: InfyModule) -> None:
        async with supply(wire) as dc:
            await dc.set(400.0, 10.0)
            module.change(flags={flag, POWER_LIMITED})
            assert words in (await dc.read()).fault
            with pytest.raises(DeviceFault, match=words):
                await dc.on()
            await seen(module, lambda m: not m.commanded_on)
            module.change(flags=set())
            await dc.on()
            assert (await dc.read()).fault == ""
            module.change(flags={flag})
            reading = await dc.read()
            assert words in reading.fault
            assert reading.on is (flag == FAN)

    with InfyModule(bus=wire, load=Load()) as module:
        run(story(module))


def test_off_that_does_not_happen_is_a_fault_in_bounded_time(wire: UdpWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infypower_supply, "SWITCH_S", 0.4)

    async def story(module: InfyModule) -> None:
        async with supply(wire) as dc:
            await dc.set(400.0, 20.0)
            await dc.on()
            await seen(module, lambda m: m.current_a == 20.0)
            module.change(deaf_to_off=True)
            with pytest.raises(DeviceFault, match=r"module 0 says it is on, 20.0 A still flow"):
                await dc.off()
            module.change(deaf_to_off=False, mute=True)
            with pytest.raises(DeviceFault, match="module 0 does not answer"):
                await dc.off()
            assert not module.delivering  # it heard
            module.change(mute=False)
            await dc.off()

    with InfyModule(bus=wire, load=Load()) as module:
        run(story(module))


def test_a_supply_that_cannot_be_switched_off_does_not_open(wire: UdpWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infypower_supply, "SWITCH_S", 0.3)

    async def story() -> None:
        async with supply(wire):
            pass

    with InfyModule(bus=wire, load=Load(), output_on=True) as module:
        module.change(deaf_to_off=True)
        with pytest.raises(DeviceFault, match="not switched off"):
            run(story())


def test_off_wins_over_on(wire: UdpWire) -> None:
    async def story(module: InfyModule) -> None:
        async with supply(wire, pace_s=0.02) as dc:
            await dc.set(400.0, 20.0)
            module.change(mute=True)  # so that on() is still waiting when off() comes
            before = len(module.commands(SWITCH))
            async with asyncio.TaskGroup() as tasks:
                switching = tasks.create_task(failing(dc.on()))
                await seen(module, lambda m: len(m.commands(SWITCH)) > before and m.commanded_on)
                module.change(mute=False)
                await dc.off()
            assert "switched off while switching on" in str(await switching)
            assert not module.delivering

    async def failing(call: Coroutine[Any, Any, None]) -> Exception:
        with pytest.raises(DeviceFault) as caught:
            await call
        return caught.value

    with InfyModule(bus=wire, load=Load()) as module:
        run(story(module))


def test_a_module_that_switches_itself_off_is_told(wire: UdpWire) -> None:
    async def story(module: InfyModule) -> None:
        async with supply(wire) as dc:
            await dc.set(400.0, 20.0)
            await dc.on()
            module.change(commanded_on=False)
            reading = await dc.read()
            assert (reading.on, reading.fault) == (False, "module 0: has switched itself off")

    with InfyModule(bus=wire, load=Load()) as module:
        run(story(module))


FAST = {"module_timeout_s": 0.2, "lost_after_s": 0.4}


def test_a_silent_module_is_left_out_and_taken_in_again(wire: UdpWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infypower_supply, "PROBE_S", 0.3)
    monkeypatch.setattr(infypower_supply, "REPEAT_S", 0.1)

    async def story(one: InfyModule, two: InfyModule) -> None:
        async with supply(wire, modules=2, **FAST) as dc:
            await dc.set(400.0, 60.0)
            await dc.on()
            await seen(one, lambda m: m.set_a == 30.0)
            two.change(mute=True)
            await seen(one, lambda m: m.set_a == 60.0)
            await seen(two, lambda m: not m.commanded_on)  # it may hear: it is told to switch off
            reading = await dc.read()
            assert (reading.on, reading.fault) == (True, "module 1: does not answer")
            assert (await dc.capability()).max_current_a == 100.0
            two.change(mute=False)
            await seen(one, lambda m: m.set_a == 30.0)
            await seen(two, lambda m: m.set_a == 30.0 and m.current_a == 30.0)
            reading = await dc.read()
            assert (reading.current_a, reading.fault) == (pytest.approx(60.0), "")

    with InfyModule(bus=wire, load=Load()) as one, InfyModule(bus=wire, address=1, load=Load()) as two:
        run(story(one, two))


def test_one_missing_at_the_start_is_told_and_taken_in_later(wire: UdpWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infypower_supply, "PROBE_S", 0.0)

    async def story(late: InfyModule) -> None:
        async with supply(wire, modules=2) as dc:
            assert (await dc.read()).fault == "module 1: does not answer"
            late.change(unplugged=False)
            while (await dc.read()).fault:
                pass
            assert (await dc.capability()).max_current_a == 200.0

    with InfyModule(bus=wire), InfyModule(bus=wire, address=1, output_on=True) as late:
        late.change(unplugged=True)
        run(story(late))
        assert not late.delivering


def test_one_lost_answer_long_ago_is_no_silence(wire: UdpWire) -> None:
    async def story(module: InfyModule) -> None:
        async with supply(wire, **FAST) as dc:
            module.change(mute=True)
            with pytest.raises(NotConnected, match="module 0 does not answer"):
                await dc.read()
            module.change(mute=False)
            await asyncio.sleep(0.5)  # longer than lost_after_s, and nobody asks
            assert (await dc.read()).fault == ""
            module.change(mute=True)
            with pytest.raises(NotConnected, match="module 0 does not answer"):
                await dc.read()  # another, but the module was heard between them
            module.change(mute=False)
            for _ in range(3):
                assert (await dc.read()).fault == ""

    with InfyModule(bus=wire) as module:
        run(story(module))


def test_when_no_module_is_left_the_driver_ends(any_wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infypower_supply, "REPEAT_S", 0.1)

    async def story(module: InfyModule) -> None:
        async with supply(any_wire, **FAST) as dc:
            await dc.set(400.0, 60.0)
            await dc.on()
            module.change(unplugged=True)
            await asyncio.Event().wait()

    words = r"no module has answered for 0.4 s"
    with InfyModule(bus=any_wire, load=Load()) as module, pytest.raises(NotConnected, match=words):
        run(story(module))


def test_reading_a_supply_without_modules_never_answers_from_memory(wire: UdpWire) -> None:
    async def story(module: InfyModule) -> list[Exception]:
        errors: list[Exception] = []
        with pytest.raises(NotConnected, match="no module has answered"):
            async with supply(wire, **FAST) as dc:
                module.change(unplugged=True)
                while True:
                    try:
                        await dc.read()
                    except (NotConnected, DeviceFault) as error:
                        errors.append(error)
                    else:
                        raise AssertionError("a reading from nowhere")
        return errors

    with InfyModule(bus=wire, load=Load()) as module:
        errors = run(story(module))
    assert "module 0 does not answer" in str(errors[0])


def test_an_adapter_that_hangs_is_noticed_by_the_silence(adapter: SlcanWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infypower_supply, "REPEAT_S", 0.1)

    async def story(module: InfyModule) -> None:
        async with supply(adapter, **FAST) as dc:
            await dc.set(400.0, 60.0)
            await dc.on()
            adapter.dead = True
            await asyncio.Event().wait()

    with InfyModule(bus=adapter, load=Load(), silence_s=1.0) as module:
        with pytest.raises(NotConnected, match="no module has answered"):
            run(story(module))
        module.wait_for(lambda m: not m.delivering)


def test_an_adapter_that_is_pulled_ends_the_driver_at_once(adapter: SlcanWire) -> None:
    async def story(module: InfyModule) -> None:
        async with supply(adapter) as dc:
            await dc.set(400.0, 60.0)
            await dc.on()
            adapter.unplug()
            await asyncio.Event().wait()

    with InfyModule(bus=adapter, load=Load(), silence_s=1.0) as module:
        began = time.monotonic()
        with pytest.raises(NotConnected, match="slcan"):
            run(story(module))
        assert time.monotonic() - began < 10  # and not the 15 s of silence


def test_frames_of_the_modules_among_themselves_and_short_ones_do_no_harm(wire: UdpWire) -> None:
    async def story() -> None:
        async with supply(wire) as dc:
            wire.say(0x0757F800, bytes(8))
            wire.say(0x0283F000, b"\x01")
            wire.say(0x0283F011, bytes(8))
            wire.say(0x1FFFF800, bytes(8))
            assert (await dc.read()).voltage_v == 0.0

    with InfyModule(bus=wire):
        run(story())
