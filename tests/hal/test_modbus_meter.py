"""The driver modbus-meter against meters of its own kind: real bytes over pseudo-terminals and TCP."""

import asyncio
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hal.buses.modbus import ModbusBus, Refused, SerialLine, TcpLine
from hal.config import parse
from hal.devices import Meter
from hal.driver import Site
from hal.drivers.meter_tables import MODELS
from hal.drivers.modbus_meter import DRIVER, Config, line_of
from hal.errors import BadConfig, DeviceFault, NotConnected
from hal.testing.contracts import Patience, check_driver
from tests.hal.loop import run
from tests.hal.models.modbus_device import RtuBus
from tests.hal.models.modbus_meters import AbbB23, Em340, Iem3155, Sdm72, Sdm120, Sdm630

SITE = Site("meter", Path("/nonexistent"))
SHORT_S = 0.15
"""a time limit for those tests in which it passes"""
CHARGING = {
    "voltage_v": (230.5, 231.25, 229.75),
    "current_a": (16.0, 15.5, 15.25),
    "power_phases_w": (3680.0, 3580.5, 3500.5),
    "power_w": 10761.0,
    "energy_wh": 1234500.0,
    "export_wh": 700.0,
    "frequency_hz": 50.0,
    "power_factor": 0.99,
}


def config(model: str, meter: Any = None, **more: Any) -> Config:
    if meter is not None and "host" not in more:
        more.setdefault("port", meter.port)
    table = {"model": model, "parity": "N", "timeout_s": 0.5, "retries": 2, "gap_s": 0.0, **more}
    return parse(Config, table, "drivers.meter")


def tcp(model: str, meter: Any, **more: Any) -> Config:
    return config(model, meter, host=meter.host, tcp_port=meter.tcp_port, **more)


def opened(configured: Config) -> Any:
    return DRIVER.open(configured, SITE)


@pytest.fixture
def sdm630():
    with Sdm630() as meter:
        yield meter


MAKES = [("sdm630", Sdm630), ("sdm72", Sdm72), ("abb-b23", AbbB23), ("em340", Em340), ("iem3155", Iem3155)]


@pytest.mark.parametrize(("model", "make"), MAKES)
def test_a_three_phase_meter_tells_what_it_measures(model, make):
    with make() as meter:
        meter.set(**CHARGING)
        before = time.monotonic()

        async def story():
            async with opened(config(model, meter)) as devices:
                assert isinstance(devices["meter"], Meter)
                told = await devices["meter"].read()
                assert before < told.taken_at < time.monotonic()
                assert told.energy_import_wh == pytest.approx(1234500.0)
                assert told.energy_export_wh == pytest.approx(700.0)
                assert told.power_w == pytest.approx(10761.0)
                assert told.voltage_v == pytest.approx((230.5, 231.25, 229.75), abs=0.06)
                assert told.current_a == pytest.approx((16.0, 15.5, 15.25))
                assert told.power_phases_w == pytest.approx((3680.0, 3580.5, 3500.5))
                assert told.frequency_hz == pytest.approx(50.0)
                assert told.power_factor == (None if model == "iem3155" else pytest.approx(0.99))

        run(story())


@pytest.mark.parametrize("model", ["sdm120", "sdm230"])
def test_a_single_phase_meter_tells_only_l1(model):
    with Sdm120() as meter:
        meter.set(power_w=2300.0, voltage_v=(230.0, None, None), current_a=(10.0, None, None), energy_wh=42000.0)

        async def story():
            async with opened(config(model, meter)) as devices:
                told = await devices["meter"].read()
                assert told.power_w == 2300.0
                assert told.energy_import_wh == 42000.0
                assert told.voltage_v == (230.0, None, None)
                assert told.current_a == (10.0, None, None)
                assert told.power_phases_w == (2300.0, None, None)

        run(story())


def test_a_single_phase_meter_of_a_three_phase_family_has_its_power_on_l1():
    with AbbB23() as meter:
        meter.raw(3, 0x8960, 0x4232, 0x3120)  # "B21 "
        meter.set(power_w=2300.0, power_phases_w=(None,) * 3, voltage_v=(230.0, None, None))

        async def story():
            async with opened(config("abb-b23", meter)) as devices:
                assert (await devices["meter"].read()).power_phases_w == (2300.0, None, None)

        run(story())


@pytest.mark.parametrize(("model", "make"), MAKES)
def test_what_a_meter_does_not_know_is_none_and_never_a_number(model, make):
    with make() as meter:
        nothing = dict.fromkeys(CHARGING) | dict.fromkeys(("voltage_v", "current_a", "power_phases_w"), (None,) * 3)
        if model == "em340":
            del nothing["frequency_hz"]  # has no such value
        meter.set(**nothing)

        async def story():
            async with opened(config(model, meter)) as devices:
                told = await devices["meter"].read()
                known = {n for n, v in told._asdict().items() if v not in (None, (None, None, None))}
                assert known == {"taken_at"} | ({"frequency_hz"} if model == "em340" else set())

        run(story())


@pytest.mark.parametrize("bits", [0x7F80, 0xFF80, 0x7FC0, 0xFFC0])
def test_infinite_and_nan_floats_are_none(sdm630, bits):
    sdm630.raw(4, 0x48, bits, 0x0000)

    async def story():
        async with opened(config("sdm630", sdm630)) as devices:
            told = await devices["meter"].read()
            assert told.energy_import_wh is None
            assert told.energy_export_wh == 0.0

    run(story())


def test_a_register_that_wraps_or_falls_is_told_as_it_is(sdm630):
    """Whether a counter may fall is not the driver's to judge; it must not hide it either."""

    async def story():
        async with opened(config("sdm630", sdm630)) as devices:
            for energy_wh in (999_999_000.0, 0.0, 64_000.0):
                sdm630.set(energy_wh=energy_wh)
                told = (await devices["meter"].read()).energy_import_wh
                assert told == pytest.approx(energy_wh, rel=1e-7)

    run(story())


@pytest.mark.parametrize(("model", "make"), MAKES)
def test_a_meter_mounted_upside_down_swaps_import_and_export(model, make):
    with make() as meter:
        feeding = {**CHARGING, "power_w": -10761.0, "power_phases_w": (-3680.0, -3580.5, -3500.5)}
        meter.set(**feeding)

        async def story():
            async with opened(config(model, meter, invert=True)) as devices:
                told = await devices["meter"].read()
                assert told.energy_import_wh == pytest.approx(700.0)
                assert told.energy_export_wh == pytest.approx(1234500.0)
                assert told.power_w == pytest.approx(10761.0)
                assert told.power_phases_w == pytest.approx((3680.0, 3580.5, 3500.5))
                assert told.current_a == pytest.approx((16.0, 15.5, 15.25))

        run(story())


def test_energy_towards_the_grid_is_a_negative_power():
    with Em340() as meter:
        meter.set(power_w=-500.5, power_phases_w=(-500.5, 0.0, 0.0), current_a=(-2.2, 0.0, 0.0))

        async def story():
            async with opened(config("em340", meter)) as devices:
                told = await devices["meter"].read()
                assert told.power_w == -500.5
                assert told.current_a == (2.2, 0.0, 0.0)

        run(story())


def test_modbus_tcp_reads_the_same():
    with AbbB23(unit=3, tcp=True) as meter:
        meter.set(**CHARGING)

        async def story():
            async with opened(tcp("abb-b23", meter, units={"main": 3})) as devices:
                assert (await devices["main"].read()).power_w == 10761.0

        run(story())


@pytest.mark.parametrize(
    ("model", "make", "number"),
    [
        ("sdm630", Sdm630, "21370042"),
        ("abb-b23", AbbB23, "987654"),
        ("em340", Em340, "KX1234567890Z"),
        ("iem3155", Iem3155, ""),
    ],
)
def test_the_serial_number_is_told_where_the_meter_has_one(model, make, number):
    with make() as meter:

        async def story():
            async with opened(config(model, meter)) as devices:
                assert await devices["meter"].identity() == number

        run(story())


# --- registers that some devices lack ---


def test_a_power_factor_that_is_not_there_is_none_and_not_asked_for_again():
    with AbbB23() as meter:
        meter.faults.refused = {0x5B3A}

        async def story():
            async with opened(config("abb-b23", meter)) as devices:
                assert (await devices["meter"].read()).power_factor is None
                assert (await devices["meter"].read()).voltage_v == (230.0, 231.0, 229.0)

        run(story())
        assert [r.address for r in meter.requests].count(0x5B3A) == 1


def test_the_first_sdm72_tells_its_totals():
    with Sdm72(totals_only=True) as meter:
        meter.set(power_w=6900.0, energy_wh=5000.0, export_wh=0.0)

        async def story():
            async with opened(config("sdm72", meter)) as devices:
                told = await devices["meter"].read()
                assert (told.power_w, told.energy_import_wh, told.energy_export_wh) == (6900.0, 5000.0, 0.0)
                assert told.voltage_v == told.current_a == (None, None, None)

        run(story())


def test_a_refused_register_that_must_be_there_is_a_fault_that_names_it(sdm630):
    sdm630.faults.refused = {0x0034}

    async def story():
        async with opened(config("sdm630", sdm630)) as devices:
            with pytest.raises(DeviceFault, match=r"unit 1 refuses registers 0x0034 .*illegal data address \(2\)"):
                await devices["meter"].read()

    run(story())


@pytest.mark.parametrize(("code", "error"), [(1, DeviceFault), (4, DeviceFault), (6, NotConnected), (11, NotConnected)])
def test_exceptions_tell_a_broken_meter_from_one_to_be_asked_again(sdm630, code, error):
    async def story():
        async with opened(config("sdm630", sdm630)) as devices:
            sdm630.faults.exception = code
            with pytest.raises(error):
                await devices["meter"].read()
            sdm630.faults.exception = 0
            assert (await devices["meter"].read()).frequency_hz == 50.0

    run(story())


def test_a_busy_meter_is_asked_again_at_once(sdm630):
    async def story():
        async with opened(config("sdm630", sdm630)) as devices:
            sdm630.faults.busy = 1
            assert (await devices["meter"].read()).frequency_hz == 50.0

    run(story())


# --- the wrong model ---


def test_a_meter_of_another_model_is_named():
    with Em340() as meter:
        meter.raw(4, 0x0B, 1234)

        async def story():
            with pytest.raises(BadConfig, match=r"unit 1 says it is model '1234', not one of Carlo Gavazzi"):
                async with opened(config("em340", meter)):
                    pass
            async with opened(config("em340", meter, check_identity=False)) as devices:
                assert (await devices["meter"].read()).frequency_hz == 50.0

        run(story())


def test_the_wrong_model_shows_even_when_the_meter_was_silent_at_first():
    right, wrong = AbbB23(1), AbbB23(2)
    wrong.raw(3, 0x8960, 0x5858, 0x2020)
    wrong.faults.silent = True
    with RtuBus(right, wrong) as bus:

        async def story():
            async with opened(config("abb-b23", bus, units={"a": 1, "b": 2}, timeout_s=SHORT_S)) as devices:
                wrong.faults.silent = False
                assert (await devices["a"].read()).frequency_hz == 50.0
                with pytest.raises(DeviceFault, match="'XX'"):
                    await devices["b"].read()

        run(story())


# --- silence ---


def test_a_silent_meter_does_not_disturb_the_others():
    one, two = Sdm630(1), Sdm630(7)
    two.faults.silent = True
    one.set(power_w=1000.0)
    two.set(power_w=2000.0)
    with RtuBus(one, two) as bus:

        async def story():
            async with opened(config("sdm630", bus, units={"a": 1, "b": 7}, timeout_s=SHORT_S)) as devices:
                with pytest.raises(NotConnected, match="unit 7 does not answer"):
                    await devices["b"].read()
                assert (await devices["a"].read()).power_w == 1000.0
                two.faults.silent = False
                assert (await devices["b"].read()).power_w == 2000.0

        run(story())


def test_a_meter_known_to_be_silent_is_asked_only_once():
    one, two = Sdm630(1), Sdm630(7)
    two.faults.silent = True
    with RtuBus(one, two) as bus:

        async def story():
            async with opened(config("sdm630", bus, units={"a": 1, "b": 7}, retries=3, timeout_s=SHORT_S)) as devices:
                two.faults.silent = False
                await devices["b"].read()
                two.faults.silent = True
                two.requests.clear()
                for asked in (4, 5):
                    with pytest.raises(NotConnected):
                        await devices["b"].read()
                    assert len(two.requests) == asked

        run(story())


def test_a_driver_whose_meters_are_all_silent_does_not_open(sdm630):
    sdm630.faults.silent = True

    async def story():
        with pytest.raises(NotConnected, match=f"{sdm630.port}: unit 1 does not answer"):
            async with opened(config("sdm630", sdm630, timeout_s=SHORT_S)):
                pass
        sdm630.faults.silent = False
        async with opened(config("sdm630", sdm630, timeout_s=SHORT_S)) as devices:
            assert (await devices["meter"].read()).frequency_hz == 50.0

    run(story())


@pytest.mark.parametrize("fault", ["mute", "bad_crc", "half", "wrong_unit", "wrong_function", "wrong_length", "noisy"])
@pytest.mark.parametrize(("model", "make"), [("sdm630", Sdm630), ("em340", Em340)])
def test_a_spoilt_answer_is_asked_for_again(model, make, fault):
    with make() as meter:
        meter.set(**CHARGING)
        meter.faults.garbage = b"\xff\x00\x01\x83"

        async def story():
            async with opened(config(model, meter, timeout_s=SHORT_S)) as devices:
                setattr(meter.faults, fault, 1)
                told = await devices["meter"].read()
                assert told.power_w == pytest.approx(10761.0)
                assert told.energy_import_wh == pytest.approx(1234500.0)
                assert getattr(meter.faults, fault) == 0

        run(story())


@pytest.mark.parametrize("fault", ["bad_crc", "half", "wrong_unit", "wrong_function", "wrong_length"])
def test_a_meter_that_only_answers_nonsense_is_not_connected(sdm630, fault):
    async def story():
        async with opened(config("sdm630", sdm630, timeout_s=SHORT_S)) as devices:
            setattr(sdm630.faults, fault, 1000)
            with pytest.raises(NotConnected):
                await devices["meter"].read()

    run(story())


def test_bytes_that_dribble_in_are_one_answer(sdm630):
    sdm630.faults.slow_s = 0.03
    sdm630.set(**CHARGING)

    async def story():
        async with opened(config("sdm630", sdm630)) as devices:
            assert (await devices["meter"].read()).power_w == 10761.0

    run(story())


# --- an answer that comes too late ---


VOLTAGE, CURRENT = (1, 4, 0x0000, 2), (1, 4, 0x0006, 2)
"""two requests of one length, whose answers an RTU frame cannot tell apart"""
V230, A16 = (0x4366, 0x0000), (0x4180, 0x0000)


@pytest.fixture(params=[False, True], ids=["rtu", "tcp"])
def laggard(request):
    with Sdm630(tcp=request.param) as meter:
        meter.set(voltage_v=(230.0, 0.0, 0.0), current_a=(16.0, 0.0, 0.0))
        yield meter


def bus_of(meter: Sdm630, **limits: Any) -> ModbusBus:
    return ModbusBus(TcpLine(meter.host, meter.tcp_port) if meter.tcp else SerialLine(meter.port), **limits)


def test_a_late_answer_is_not_taken_for_that_to_the_next_request(laggard):
    laggard.faults.held = 1

    async def story():
        async with bus_of(laggard, timeout_s=0.3, retries=0) as bus:
            with pytest.raises(NotConnected):
                await bus.read(*VOLTAGE)
            laggard.release()
            assert await bus.read(*CURRENT) == A16

    run(story())
    asked, asked_next = laggard.requests
    assert laggard.tcp or asked_next.at - asked.at > 1.5 * 0.3  # as long again, less what the machine dawdled


def test_a_second_answer_to_a_repeated_request_is_not_taken_for_that_to_the_next(laggard):
    laggard.faults.held = 2

    async def story():
        async with bus_of(laggard, timeout_s=0.5, retries=2) as bus:
            task = asyncio.ensure_future(bus.read(*VOLTAGE))
            await asyncio.to_thread(laggard.wait_for_requests, 2)
            laggard.release()
            assert await task == V230
            laggard.release()
            assert await bus.read(*CURRENT) == A16

    run(story())
    assert laggard.tcp or laggard.requests[2].at - laggard.requests[1].at > 1.5 * 0.5


def test_the_answer_to_a_cancelled_read_is_not_taken_for_that_to_the_next(laggard):
    laggard.faults.held = 1

    async def story():
        async with bus_of(laggard, timeout_s=0.5, retries=0) as bus:
            task = asyncio.ensure_future(bus.read(*VOLTAGE))
            await asyncio.to_thread(laggard.wait_for_requests, 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            laggard.release()
            assert await bus.read(*CURRENT) == A16

    run(story())
    assert laggard.tcp or laggard.requests[1].at - laggard.requests[0].at > 1.5 * 0.5


@pytest.mark.parametrize("over_tcp", [False, True])
def test_a_frame_whose_content_cannot_be_is_no_bug_of_ours(over_tcp):
    """pymodbus raises it into the event loop."""
    with Sdm630(tcp=over_tcp) as meter:

        async def story():
            bugs: list[dict[str, Any]] = []
            asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context))
            async with bus_of(meter, timeout_s=SHORT_S) as bus:
                meter.faults.nonsense = 1
                assert await bus.read(*VOLTAGE) == V230
            assert bugs == []
            assert len(meter.requests) == 2

        run(story())


def test_on_tcp_an_answer_with_another_number_is_nobodys():
    with Sdm630(tcp=True) as meter:

        async def story():
            async with bus_of(meter, timeout_s=SHORT_S, retries=0) as bus:
                meter.faults.wrong_number = 1
                with pytest.raises(NotConnected):
                    await bus.read(*VOLTAGE)

        run(story())


# --- the port ---


def test_a_cut_wire_is_noticed_in_bounded_time_and_a_mended_one_read_again(sdm630):
    sdm630.set(power_w=500.0)

    async def story():
        configured = config("sdm630", sdm630, timeout_s=SHORT_S)
        async with opened(configured) as devices:
            await devices["meter"].read()
            sdm630.unplug()
            started = time.monotonic()
            with pytest.raises(NotConnected, match=sdm630.port):
                await devices["meter"].read()
            assert time.monotonic() - started < 2.0
        with pytest.raises(NotConnected, match=sdm630.port):
            async with opened(configured):
                pass
        sdm630.plug()
        sdm630.set(power_w=600.0)
        async with opened(configured) as devices:
            assert (await devices["meter"].read()).power_w == 600.0

    run(story())


@pytest.mark.parametrize("over_tcp", [False, True])
def test_a_port_that_comes_back_is_read_again_without_reopening(over_tcp):
    with Sdm630(tcp=over_tcp) as meter:

        async def story():
            async with opened((tcp if over_tcp else config)("sdm630", meter, timeout_s=SHORT_S)) as devices:
                meter.unplug()
                for _ in range(3):
                    with pytest.raises(NotConnected):
                        await devices["meter"].read()
                meter.plug()
                meter.set(power_w=700.0)
                assert (await devices["meter"].read()).power_w == 700.0

        run(story())


def test_a_wire_cut_while_the_answer_is_awaited_ends_the_read(sdm630):
    async def story():
        async with opened(config("sdm630", sdm630, timeout_s=SHORT_S)) as devices:
            sdm630.faults.silent = True
            seen = len(sdm630.requests)
            task = asyncio.ensure_future(devices["meter"].read())
            await asyncio.to_thread(sdm630.wait_for_requests, seen + 1)
            sdm630.unplug()
            with pytest.raises(NotConnected):
                await asyncio.wait_for(task, 60.0)

    run(story())


def test_a_tcp_meter_that_lost_its_power_gets_a_new_connection():
    """The old connection stays open and silent: only a new one can tell."""
    with Sdm630(tcp=True) as meter:

        async def story():
            async with opened(tcp("sdm630", meter, timeout_s=SHORT_S)) as devices:
                meter.faults.silent = True
                for _ in range(5):
                    with pytest.raises(NotConnected):
                        await devices["meter"].read()
                meter.faults.silent = False
                assert (await devices["meter"].read()).frequency_hz == 50.0
                assert meter.connections > 1

        run(story())


def test_a_port_is_used_by_one_driver_only_and_given_back(sdm630):
    async def story():
        async with opened(config("sdm630", sdm630)):
            with pytest.raises(NotConnected, match="in use"):
                async with opened(config("sdm630", sdm630)):
                    pass
        async with opened(config("sdm630", sdm630)) as devices:
            assert (await devices["meter"].read()).frequency_hz == 50.0

    run(story())


def test_a_port_that_is_not_there_is_named():
    async def story():
        with pytest.raises(NotConnected, match="/dev/no-such-port: no such port"):
            async with opened(config("sdm630", port="/dev/no-such-port")):
                pass

    run(story())


def test_a_host_that_does_not_listen_is_named():
    with Sdm630(tcp=True) as meter:
        meter.unplug()
        nobody = meter.tcp_port

        async def story():
            with pytest.raises(NotConnected, match=f"127.0.0.1:{nobody}"):
                async with opened(config("sdm630", host="127.0.0.1", tcp_port=nobody)):
                    pass

        run(story())


def test_many_callers_share_one_bus():
    meters = [Sdm630(unit) for unit in range(1, 5)]
    for meter in meters:
        meter.set(power_w=meter.unit * 100.0)
    with RtuBus(*meters) as bus:

        async def story():
            units = {f"m{meter.unit}": meter.unit for meter in meters}
            async with opened(config("sdm630", bus, units=units)) as devices:
                reads = [devices[f"m{n}"].read() for n in (1, 2, 3, 4) * 3]
                assert [told.power_w for told in await asyncio.gather(*reads)] == [100.0, 200.0, 300.0, 400.0] * 3

        run(story())
        assert bus.bad_requests == 0


def test_the_gap_between_requests_is_kept(sdm630):
    async def story():
        async with opened(config("sdm630", sdm630, gap_s=0.05)) as devices:
            await devices["meter"].read()

    run(story())
    times = [request.at for request in sdm630.requests]
    assert len(times) == 5
    assert all(later - earlier >= 0.049 for earlier, later in pairwise(times))


# --- the contract of all drivers ---


@pytest.mark.parametrize(("model", "make"), MAKES)
@pytest.mark.parametrize("over_tcp", [False, True])
def test_the_driver_keeps_the_contract(model, make, over_tcp):
    with make(tcp=over_tcp) as meter:
        where = {"host": meter.host, "tcp_port": meter.tcp_port} if over_tcp else {"port": meter.port, "parity": "N"}
        run(check_driver(DRIVER, {"model": model, "gap_s": 0, **where}, SITE))


def test_opening_a_bus_of_silent_meters_ends_in_the_time_that_a_driver_has():
    silent = [Sdm630(unit) for unit in range(1, 7)]
    for meter in silent:
        meter.faults.silent = True
    with RtuBus(*silent) as bus:
        units = {f"m{meter.unit}": meter.unit for meter in silent}

        async def story():
            async with asyncio.timeout(Patience().open_s):
                with pytest.raises(NotConnected):
                    async with opened(config("sdm630", bus, units=units)):
                        pass

        run(story())


# --- the configuration ---


def test_delivery_states_and_overrides_of_the_serial_line():
    assert line_of(Config("abb-b23", port="/dev/ttyS1")) == SerialLine("/dev/ttyS1", 9600, "E", 1)
    assert line_of(Config("iem3155", port="/dev/ttyS1")) == SerialLine("/dev/ttyS1", 19200, "E", 1)
    assert line_of(Config("sdm120", port="/dev/ttyS1")) == SerialLine("/dev/ttyS1", 2400, "N", 1)
    overridden = Config("sdm120", port="/dev/ttyS1", baud=9600, parity="O", stop_bits=2)
    assert line_of(overridden) == SerialLine("/dev/ttyS1", 9600, "O", 2)
    assert line_of(Config("sdm630", host="10.0.0.5")) == TcpLine("10.0.0.5", 502)


def test_parity_and_stop_bits_reach_the_port():
    async def story():
        # A pseudo-terminal knows no parity, so what is to be set is looked at instead.
        params = ModbusBus(SerialLine("/dev/ttyS1", 19200, "E", 2))._made().comm_params
        assert (params.host, params.baudrate, params.parity, params.stopbits) == ("/dev/ttyS1", 19200, "E", 2)

    run(story())


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({}, "drivers.meter.port: expected either port, .* neither is given"),
        ({"port": "/dev/ttyS1", "host": "10.0.0.5"}, "drivers.meter.port: .* both is given"),
        ({"port": "/dev/ttyS1", "units": {}}, "drivers.meter.units: expected at least one"),
        (
            {"port": "/dev/ttyS1", "units": {"a": 248}},
            "drivers.meter.units.a: expected a unit id from 1 to 247, got 248",
        ),
        ({"port": "/dev/ttyS1", "units": {"a": 1, "b": 1}}, "two devices have the same unit id"),
        ({"port": "/dev/ttyS1", "timeout_s": 0}, "drivers.meter.timeout_s"),
        ({"port": "/dev/ttyS1", "retries": -1}, "drivers.meter.retries"),
        ({"port": "/dev/ttyS1", "gap_s": -1}, "drivers.meter.gap_s"),
        ({"port": "/dev/ttyS1", "baud": 0}, "drivers.meter.baud"),
        ({"host": "10.0.0.5", "tcp_port": 0}, "drivers.meter.tcp_port"),
    ],
)
def test_a_wrong_configuration_names_the_key_and_the_remedy(wrong, complaint):
    async def story():
        with pytest.raises(BadConfig, match=complaint):
            async with opened(config("sdm630", **wrong)):
                pass

    run(story())


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(BadConfig, match=r'drivers\.meter\.model: expected "sdm630"'):
        parse(Config, {"model": "sdm999", "port": "/dev/ttyS1"}, "drivers.meter")


def test_every_model_name_has_its_table():
    for name in MODELS:
        assert parse(Config, {"model": name, "port": "/dev/ttyS1"}, "drivers.meter").model == name


def test_a_refusal_carries_its_code(sdm630):
    async def story():
        async with ModbusBus(SerialLine(sdm630.port), timeout_s=SHORT_S) as bus:
            with pytest.raises(Refused) as caught:
                await bus.read(1, 3, 0x1234, 1)
            assert caught.value.code == 2

    run(story())
