"""The OpenEVSE driver against a board at the end of a pseudo-terminal."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hal.buses.rapi import Line, RapiLink, decode, encode
from hal.buses.serial import SerialStream
from hal.config import parse
from hal.driver import Site
from hal.drivers.openevse_rapi import DRIVER
from hal.errors import BadConfig, DeviceFault, NotConnected
from hal.readings import PilotReading
from hal.supervisor import DeviceHealth, Limits, Supervisor
from hal.testing.contracts import check_driver
from tests.hal.loop import run
from tests.hal.models.openevse_board import OpenEvseBoard

SITE = Site("board", Path("/nonexistent"))
QUICK = {"poll_s": 0.05, "reply_s": 0.15}


@pytest.fixture
def board():
    with OpenEvseBoard() as model:
        yield model


@asynccontextmanager
async def driven(board: OpenEvseBoard, **config: Any) -> AsyncIterator[Any]:
    table = {"port": board.port, **QUICK, **config}
    async with DRIVER.open(parse(DRIVER.config, table, "drivers.board"), SITE) as devices:
        yield devices


async def until(board: OpenEvseBoard, condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(board.wait, condition)


async def seen(readings: AsyncIterator[PilotReading], wanted: Callable[[PilotReading], bool]) -> PilotReading:
    """The next reading that is wanted."""
    async for reading in readings:
        if wanted(reading):
            return reading
    raise AssertionError("watch ended without raising")


async def charging(board: OpenEvseBoard, devices: Any, limit_a: float = 16) -> AsyncIterator[PilotReading]:
    board.plug()
    await devices["pilot"].offer(limit_a)
    await devices["contactor"].close()
    readings = devices["pilot"].watch()
    await seen(readings, lambda r: r.state == "C" and r.power_on is True)
    return readings


# Lines


@pytest.mark.parametrize(
    ("words", "wire"),
    [
        ("GS", b"$GS^30\r"),
        ("GG", b"$GG^24\r"),
        ("GE", b"$GE^26\r"),
        ("GU", b"$GU^36\r"),
        ("GV", b"$GV^35\r"),
        ("FE", b"$FE^27\r"),
        ("FD", b"$FD^26\r"),
        ("FS", b"$FS^31\r"),
        ("SC 16", b"$SC 16^13\r"),
    ],
)
def test_requests_carry_the_checksum_of_the_specification(words, wire):
    assert encode(tuple(words.split())) == wire


def test_a_numbered_request_has_its_number_before_the_checksum():
    assert encode(("GS",), 0x0A).startswith(b"$GS :0A^")
    assert decode(encode(("OK", "16"), 0x0A)) == Line("OK", ("16",), 0x0A)


@pytest.mark.parametrize(
    "raw", [b"$OK 1^00\r", b"$OK^2\r", b"$OK^2G\r", b"$OK^+2\r", b"OK^20\r", b"", b"\r", b"$^24\r", b"$\xff\r"]
)
def test_a_garbled_line_is_no_line(raw):
    assert decode(raw) is None


def test_what_is_left_of_a_lost_line_does_not_spoil_the_next():
    assert decode(b"\x00$AT 03 03 1" + encode(("OK", "7"))) == Line("OK", ("7",))


def test_a_line_without_checksum_is_marked():
    assert decode(b"$OK 1 2\r") == Line("OK", ("1", "2"), None, checked=False)


WORDS = st.lists(st.text("ABCXYZ0123456789-.", min_size=1, max_size=8), min_size=1, max_size=6).map(tuple)


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_line_or_garbage(raw):
    line = decode(raw)
    assert line is None or b"$" + line.kind.encode() in raw


@settings(deadline=None)
@given(st.binary(max_size=40).filter(lambda b: b"\r" not in b), WORDS, st.none() | st.integers(1, 255))
def test_a_line_is_found_after_any_garbage(garbage, words, sequence):
    assert decode(garbage + encode(words, sequence)) == Line(words[0], words[1:], sequence)


@settings(deadline=None)
@given(WORDS, st.integers(0, 200), st.integers(1, 127))
def test_one_changed_character_is_noticed(words, at, flip):
    raw = bytearray(encode(words, 5))
    at %= len(raw) - 4  # the "^" itself may turn the line into one without checksum, which is marked
    raw[at] ^= flip
    assume(raw[at] != ord("$"))  # that begins another line
    line = decode(bytes(raw))
    assert line is None or not line.checked


# Opening and leaving


def test_opening_puts_the_board_to_sleep_and_switches_nothing_on(board):
    async def story():
        board.plug()
        await until(board, lambda: board.relay_closed)
        async with driven(board) as devices:
            assert not board.relay_closed
            assert (board.mode, board.pilot_amps) == ("sleep", 0)
            assert sorted(devices) == ["contactor", "pilot"]

    run(story())


def test_leaving_while_charging_puts_the_board_to_sleep(board):
    async def story():
        async with driven(board) as devices:
            await charging(board, devices)
        assert not board.relay_closed
        assert board.mode == "sleep"

    run(story())


def test_leaving_by_an_error_of_the_caller_is_safe_too_and_the_error_comes_out_as_itself(board):
    async def story():
        with pytest.raises(ZeroDivisionError):
            async with driven(board) as devices:
                await charging(board, devices)
                _ = 1 / 0
        assert not board.relay_closed

    run(story())


def test_leaving_by_cancellation_is_safe_too(board):
    async def story():
        up = asyncio.Event()

        async def life():
            async with driven(board) as devices:
                await charging(board, devices)
                up.set()
                await asyncio.Event().wait()

        task = asyncio.ensure_future(life())
        await up.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not board.relay_closed

    run(story())


def test_leaving_a_board_that_does_not_sleep_disables_it(board):
    async def story():
        async with driven(board, open_s=0.3) as devices:
            await charging(board, devices)
            board.faults.ignores_sleep = board.faults.stubborn = True
        assert not board.relay_closed
        assert board.mode == "disabled"

    run(story())


def test_a_missing_port_is_named(board):
    async def story():
        board.detach()
        with pytest.raises(NotConnected, match="ttyDEVICE: no such port"):
            async with driven(board):
                pass

    run(story())


def test_a_board_that_says_nothing_is_not_connected(board):
    async def story():
        board.faults.silent = 1000
        with pytest.raises(NotConnected, match=r"ttyDEVICE: no answer to \$GV"):
            async with driven(board, reply_s=0.02):
                pass

    run(story())


def test_a_welded_relay_is_reported_at_opening(board):
    async def story():
        board.plug()
        await until(board, lambda: board.relay_closed)
        board.faults.welded = True
        with pytest.raises(DeviceFault, match="relay does not open"):
            async with driven(board, open_s=0.2):
                pass

    run(story())


def test_a_boot_lock_is_cleared(board):
    async def story():
        board.boot_locked = True
        async with driven(board) as devices:
            await charging(board, devices)
            assert board.heard("SB") == 1

    run(story())


def test_an_auth_locked_board_is_unlocked_when_charging_is_permitted(board):
    async def story():
        board.auth_locked = True
        async with driven(board) as devices:
            assert board.auth_locked
            await charging(board, devices)

    run(story())


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"fallback_a": 3}, "drivers.board.fallback_a"),
        ({"poll_s": 0}, "drivers.board.poll_s"),
        ({"reply_s": -1}, "drivers.board.reply_s"),
        ({"heartbeat_s": -1}, "drivers.board.heartbeat_s"),
    ],
)
def test_nonsense_in_the_configuration_is_named(board, config, complaint):
    async def story():
        with pytest.raises(BadConfig, match=complaint):
            async with driven(board, **config):
                pass

    run(story())


@pytest.mark.parametrize(
    ("config", "command", "remedy"), [("lock", "S5", "lock = false"), ("heartbeat_s", "SY", "heartbeat_s = 0")]
)
def test_an_option_the_firmware_lacks_is_a_bad_configuration(board, config, command, remedy):
    async def story():
        board.faults.refuse = {command}
        with pytest.raises(BadConfig, match=remedy):
            async with driven(board, **{config: True if config == "lock" else 5}):
                pass

    run(story())


# A visit


def test_a_visit_from_plug_to_unplug(board):
    async def story():
        async with driven(board) as devices:
            readings = devices["pilot"].watch()
            assert (await anext(readings))[1:] == PilotReading(0, "A", None, False)[1:]
            board.plug()
            assert (await anext(readings)).state == "B"
            await devices["pilot"].offer(16)
            await devices["contactor"].close()
            await seen(readings, lambda r: r.state == "C" and r.power_on is True)
            assert board.pilot_amps == 16
            board.car_wants(False)
            assert (await seen(readings, lambda r: r.power_on is False)).state == "B"
            board.car_wants(True)
            await seen(readings, lambda r: r.state == "C" and r.power_on is True)
            await devices["contactor"].open()
            assert not board.relay_closed
            assert (await seen(readings, lambda r: r.power_on is False)).state == "B"
            board.unplug()
            assert (await seen(readings, lambda r: r.state == "A")).power_on is False

    run(story())


def test_a_sleeping_board_with_a_car_that_wants_energy_says_b(board):
    async def story():
        async with driven(board) as devices:
            board.plug(wants=True)
            board.press_button("disabled")
            await until(board, lambda: board._told.startswith("ff"))
            assert (await anext(devices["pilot"].watch())).state == "B"

    run(story())


@pytest.mark.parametrize("first", ["offer", "close"])
def test_power_needs_both_the_permission_and_the_offer(board, first):
    async def story():
        async with driven(board) as devices:
            board.plug()
            steps = {"offer": lambda: devices["pilot"].offer(10), "close": devices["contactor"].close}
            await steps.pop(first)()
            assert board.mode == "sleep"
            await steps.popitem()[1]()
            await until(board, lambda: board.relay_closed)
            assert board.pilot_amps == 10

    run(story())


def test_an_offer_of_0_pauses_and_the_next_offer_resumes(board):
    async def story():
        async with driven(board) as devices:
            readings = await charging(board, devices)
            await devices["pilot"].offer(0)
            assert board.pilot_amps == 0
            assert (await seen(readings, lambda r: r.power_on is False)).state == "B"
            await devices["pilot"].offer(8)
            await seen(readings, lambda r: r.state == "C" and r.power_on is True)
            assert board.pilot_amps == 8

    run(story())


def test_a_changed_offer_reaches_the_pilot_and_spares_the_eeprom(board):
    async def story():
        async with driven(board) as devices:
            await charging(board, devices)
            await devices["pilot"].offer(12.9)
            assert (board.pilot_amps, board.stored_a) == (12, 24)
            assert board.relay_closed

    run(story())


@pytest.mark.parametrize("limit_a", [-1, 0.5, 5.99, 80.1, float("nan")])
def test_an_offer_outside_the_standard_is_a_mistake_of_the_caller(board, limit_a):
    async def story():
        async with driven(board) as devices:
            with pytest.raises(ValueError, match="0 or 6 to 80"):
                await devices["pilot"].offer(limit_a)

    run(story())


def test_a_board_may_offer_less_than_asked(board):
    async def story():
        async with driven(board) as devices:
            await charging(board, devices, 63)
            assert board.pilot_amps == 32

    run(story())


def test_a_board_that_cannot_limit_is_put_to_sleep(board):
    async def story():
        async with driven(board) as devices:
            await charging(board, devices)
            board.faults.refuse = {"SC"}
            with pytest.raises(DeviceFault, match="8 A asked for"):
                await devices["pilot"].offer(8)
            assert not board.relay_closed

    run(story())


@pytest.mark.parametrize(
    ("trip", "text"),
    [
        ("diode", "diode check failed"),
        ("gfi", "ground fault"),
        ("ground", "no ground"),
        ("stuck relay", "stuck relay"),
        ("gfi test", "GFI self-test failed"),
        ("hot", "over-temperature"),
        ("over-current", "over-current"),
        ("relay", "relay closure fault"),
    ],
)
def test_a_fault_of_the_board_is_told_in_words_and_goes_again(board, trip, text):
    async def story():
        async with driven(board, poll_s=5) as devices:
            readings = await charging(board, devices)
            board.trip(trip)
            reading = await anext(readings)
            assert (reading.state, reading.power_on, reading.fault) == ("F", False, text)
            board.clear()
            assert (await seen(readings, lambda r: r.state == "C")).fault == ""

    run(story())


def test_changes_are_told_without_waiting_for_the_poll(board):
    async def story():
        async with driven(board, poll_s=1000) as devices:
            readings = devices["pilot"].watch()
            await anext(readings)
            for _ in range(3):
                board.plug()
                board.unplug()
            assert [(await anext(readings)).state for _ in range(6)] == list("BABABA")

    run(story())


def test_two_watchers_see_the_same(board):
    async def story():
        async with driven(board) as devices:
            one, two = devices["pilot"].watch(), devices["pilot"].watch()
            assert (await anext(one)).state == (await anext(two)).state == "A"
            board.plug()
            assert (await anext(one)).state == (await anext(two)).state == "B"

    run(story())


def test_a_relay_that_stays_closed_is_a_fault(board):
    async def story():
        async with driven(board, open_s=0.2) as devices:
            await charging(board, devices)
            board.faults.welded = True
            with pytest.raises(DeviceFault, match="relay does not open"):
                await devices["contactor"].open()
            assert board.heard("FD") >= 1
            board.faults.welded = False

    run(story())


def test_opening_is_idempotent(board):
    async def story():
        async with driven(board) as devices:
            await devices["contactor"].open()
            await asyncio.gather(devices["contactor"].open(), devices["contactor"].open())
            assert board.mode == "sleep"

    run(story())


# Trouble on the line


@pytest.mark.parametrize("fault", ["silent", "garble", "half", "deaf_to_replies", "misheard", "late"])
def test_two_lost_lines_in_a_row_are_made_good(board, fault):
    async def story():
        async with driven(board, poll_s=1000) as devices:
            board.plug()
            await devices["pilot"].offer(16)
            setattr(board.faults, fault, 2)
            await devices["contactor"].close()
            await until(board, lambda: board.relay_closed)
            setattr(board.faults, fault, 2)
            await devices["pilot"].offer(9)
            assert board.pilot_amps == 9

    run(story())


def test_lines_told_between_request_and_reply_do_no_harm(board):
    async def story():
        board.faults.merge = 1000
        async with driven(board) as devices:
            await charging(board, devices)
            await devices["contactor"].open()
            assert not board.relay_closed

    run(story())


def test_a_line_that_comes_byte_by_byte_is_whole(board):
    async def story():
        board.piecemeal = True
        async with driven(board) as devices:
            await charging(board, devices)

    run(story())


@pytest.mark.parametrize("protocol", ["5.2.1", "1.0.3"])
def test_a_late_reply_is_not_taken_for_the_next_one(protocol):
    async def story(board):
        lines = []
        async with SerialStream(board.port, 115200) as stream:
            link = RapiLink(stream, 0.6, lines.append)  # what is later than twice this is anybody's
            link.speaks(protocol)
            reader = asyncio.create_task(link.run())
            board.total_wh, board.faults.late_s, board.faults.late = 4711, 0.7, 1
            assert (await link.request("GU", answers=2)) == ("0", "4711")
            assert (await link.request("GG", answers=2)) == ("0", "230000")
            board.faults.late = 1
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await link.request("GU", answers=2)
            assert (await link.request("GG", answers=2)) == ("0", "230000")
            reader.cancel()
            await asyncio.wait([reader])

    with OpenEvseBoard(protocol=protocol) as board:
        run(story(board))


def test_one_request_is_in_flight_at_a_time(board):
    async def story():
        async with driven(board, meter=True) as devices:
            readings = await asyncio.gather(*(devices["meter"].read() for _ in range(8)))
            assert {r.energy_import_wh for r in readings} == {1000.0}

    run(story())


def test_old_firmware_without_numbers_and_checksums_works():
    async def story(board):
        board.faults.no_checksum = True
        async with driven(board) as devices:
            await charging(board, devices)
            assert not any(":" in request for request in board.requests)

    with OpenEvseBoard(protocol="1.0.3") as board:
        run(story(board))


def test_new_firmware_must_send_checksums(board):
    async def story():
        async with driven(board, poll_s=1000) as devices:
            board.faults.no_checksum = True
            with pytest.raises(NotConnected):
                await devices["contactor"].close()
            board.faults.no_checksum = False

    run(story())


def test_a_permission_that_got_lost_does_not_come_into_force_later(board):
    async def story():
        async with driven(board, poll_s=1000) as devices:
            board.plug()
            await devices["pilot"].offer(16)
            board.faults.deaf_to_replies = 3
            with pytest.raises(NotConnected):
                await devices["contactor"].close()
            board.boot()  # makes the driver look at the board now
            await until(board, lambda: board.mode == "sleep" and not board.relay_closed)

    run(story())


def test_a_refused_permission_is_a_fault_of_the_device(board):
    async def story():
        async with driven(board) as devices:
            await devices["pilot"].offer(16)
            board.faults.refuse = {"FE"}
            with pytest.raises(DeviceFault, match=r"refuses \$FE"):
                await devices["contactor"].close()

    run(story())


def test_a_refused_sleep_falls_back_to_disabling(board):
    async def story():
        async with driven(board) as devices:
            await charging(board, devices)
            board.faults.refuse = {"FS"}
            await devices["contactor"].open()
            assert board.mode == "disabled"
            assert not board.relay_closed
            board.faults.refuse = set()

    run(story())


def test_pulling_the_adapter_ends_watch_and_context(board):
    async def story():
        with pytest.raises(NotConnected, match="ttyDEVICE"):
            async with driven(board, poll_s=1000) as devices:
                readings = devices["pilot"].watch()
                await anext(readings)
                board.detach()
                await anext(readings)
        board.attach()
        async with driven(board) as devices:
            await charging(board, devices)

    run(story())


def test_pulling_the_adapter_ends_an_idle_context(board):
    async def story():
        with pytest.raises(NotConnected, match="ttyDEVICE"):
            async with driven(board, poll_s=1000):
                board.detach()
                await asyncio.Event().wait()

    run(story())


def test_a_board_that_falls_silent_ends_the_context(board):
    async def story():
        with pytest.raises(NotConnected, match="no answer"):
            async with driven(board, reply_s=0.02):
                board.faults.silent = 10_000
                await asyncio.Event().wait()

    run(story())


# Restarts and strangers


@pytest.mark.parametrize("how", ["idle", "during a request"])
def test_a_restart_while_charging_keeps_the_limit(board, how):
    async def story():
        async with driven(board, poll_s=1000) as devices:
            readings = await charging(board, devices, 10)
            if how == "idle":
                board.boot()
            else:
                board.faults.boot = 1
                await devices["pilot"].offer(10)
            await until(board, lambda: board.relay_closed and board.pilot_amps == 10)
            assert board.stored_a == 24
            await readings.aclose()

    run(story())


def test_a_restart_without_permission_goes_back_to_sleep(board, caplog):
    async def story():
        async with driven(board, poll_s=1000):
            board.plug()
            board.boot("08")
            await until(board, lambda: board.mode == "sleep" and not board.relay_closed)

    with caplog.at_level(logging.WARNING):
        run(story())
    assert "the board restarted (post code 08: stuck relay)" in caplog.text


def test_an_unannounced_restart_is_noticed_by_the_poll(board):
    async def story():
        async with driven(board) as devices:
            board.plug()
            board.boot(announce=False)
            await until(board, lambda: board.mode == "sleep" and not board.relay_closed)
            await charging(board, devices, 10)
            board.boot(announce=False)
            await until(board, lambda: board.relay_closed and board.pilot_amps == 10)

    run(story())


def test_what_somebody_does_at_the_panel_is_undone(board):
    async def story():
        async with driven(board) as devices:
            await charging(board, devices)
            board.press_button("sleep")
            await until(board, lambda: board.relay_closed and board.mode == "on")
            await devices["contactor"].open()
            board.press_button("on")
            await until(board, lambda: board.mode == "sleep" and not board.relay_closed)

    run(story())


def test_with_heartbeat_the_board_falls_back_when_the_driver_is_dead(board):
    async def story():
        async with driven(board, heartbeat_s=1, fallback_a=6) as devices:
            await charging(board, devices)
            assert (board.heartbeat_s, board.heartbeat_a) == (1, 6)
            await until(board, lambda: board.heard("SY") >= 2 and board.pilot_amps == 16)
            board.faults.refuse = {"SY"}  # hears no pulse, as if the daemon hung
            await until(board, lambda: board.pilot_amps == 6)
            board.faults.refuse = set()
            await until(board, lambda: board.pilot_amps == 16)
            assert board.heard("SY 165") >= 1

    run(story())


# Lock and meter


def test_the_lock_locks_and_tells(board):
    async def story():
        async with driven(board, lock=True) as devices:
            lock = devices["lock"]
            readings = lock.watch()
            assert (await anext(readings)).locked is False
            await lock.lock()
            assert board.lock_state == "1"
            assert (await anext(readings)).locked is True
            await lock.unlock()
            assert (await anext(readings)).locked is False
        assert board.lock_mode == "A"

    run(story())


def test_a_lock_that_does_not_move_is_a_fault(board):
    async def story():
        async with driven(board, lock=True) as devices:
            board.lock_mode = "A"  # someone took manual mode away: the board ignores the order
            with pytest.raises(DeviceFault, match="did not lock"):
                await devices["lock"].lock()

    run(story())


def test_the_meter_adds_the_session_under_way(board):
    async def story():
        async with driven(board, meter=True) as devices:
            await charging(board, devices)
            board.meter_counts(3600 * 250 + 1800)
            reading = await devices["meter"].read()
            assert reading.energy_import_wh == 1250
            assert (reading.current_a, reading.voltage_v) == ((16, None, None), (230, None, None))
            board.unplug()
            assert (await devices["meter"].read()).energy_import_wh == 1250
            board.plug()
            assert (await devices["meter"].read()).energy_import_wh == 1250

    run(story())


def test_without_ammeter_current_is_unknown_not_zero(board):
    async def story():
        board.ammeter = False
        async with driven(board, meter=True, total_includes_session=True) as devices:
            board.plug()
            board.meter_counts(3600)
            reading = await devices["meter"].read()
            assert (reading.current_a[0], reading.voltage_v[0], reading.energy_import_wh) == (None, None, 1000)

    run(story())


# The contract of all drivers


def test_the_driver_keeps_the_contract(board):
    board.plug()
    table = {"port": board.port, **QUICK, "lock": True, "meter": True, "heartbeat_s": 5}
    run(check_driver(DRIVER, table, SITE, may_switch=True))
    assert not board.relay_closed


def test_under_the_supervisor_a_board_that_is_unplugged_comes_back(board):
    async def story():
        heard: asyncio.Queue[Any] = asyncio.Queue(1000)
        config = parse(DRIVER.config, {"port": board.port, **QUICK}, "drivers.board")
        limits = Limits(retry_first_s=0.01, retry_max_s=0.05)
        supervisor = Supervisor("board", DRIVER, config, SITE, heard.put_nowait, limits)
        life = asyncio.create_task(supervisor.run())
        await health(heard, up=True)
        board.detach()
        assert "ttyDEVICE" in (await health(heard, up=False)).reason
        board.attach()
        await health(heard, up=True)
        board.plug()
        await supervisor.call("pilot", lambda pilot: pilot.offer(16))
        await supervisor.call("contactor", lambda contactor: contactor.close())
        await until(board, lambda: board.relay_closed)
        life.cancel()
        await asyncio.wait([life])
        assert not board.relay_closed

    async def health(heard: asyncio.Queue[Any], up: bool) -> DeviceHealth:
        while True:
            report = await heard.get()
            if isinstance(report, DeviceHealth) and report.device == "" and report.up is up:
                return report

    run(story())
