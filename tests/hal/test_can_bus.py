"""The CAN port on real interfaces of python-can, and on a fake one where the kernel of a test machine has no CAN."""

import asyncio
import errno
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import can
import pytest

from hal.buses.can import QUEUE_FRAMES, CanBus, CanFilter, CanFrame, CanPort, open_can
from hal.errors import BadConfig, NotConnected
from tests.hal.loop import run
from tests.hal.models.infy_module import SlcanWire, UdpWire

DATA = bytes(range(8))


def port_to(wire: UdpWire | SlcanWire, **more: Any) -> CanPort:
    return CanPort(**{"pace_s": 0.0} | wire.settings | more)


@pytest.fixture(params=[UdpWire, SlcanWire])
def wire(request: pytest.FixtureRequest) -> Iterator[UdpWire | SlcanWire]:
    with request.param() as wire:
        yield wire


@pytest.fixture
def adapter() -> Iterator[SlcanWire]:
    with SlcanWire() as wire:
        yield wire


class FakeRaw:
    """A python-can bus whose errors a test chooses."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.inbox: list[can.Message | Exception] = []
        self.failure: Exception | None = None
        self.sent: list[int] = []

    def fileno(self) -> int:
        return self.ours.fileno()

    def arrive(self, *what: can.Message | Exception) -> None:
        self.inbox += what
        self.theirs.send(b"." * len(what))

    def recv(self, timeout: float) -> can.Message | None:
        self.ours.recv(1)
        what = self.inbox.pop(0)
        if isinstance(what, Exception):
            raise what
        return what

    def send(self, message: can.Message, timeout: float) -> None:
        if self.failure:
            raise self.failure
        self.sent.append(message.arbitration_id)

    def shutdown(self) -> None:
        self.ours.close()
        self.theirs.close()


async def fake_bus(raw: FakeRaw) -> CanBus:
    return CanBus(raw, CanPort("socketcan", "can7", pace_s=0.0), ThreadPoolExecutor(1))  # type: ignore[arg-type]


def frame(identifier: int) -> can.Message:
    return can.Message(arbitration_id=identifier, is_extended_id=True, data=DATA)


def os_error(number: int) -> can.CanOperationError:
    error = can.CanOperationError("Failed", number)
    error.__cause__ = OSError(number, os.strerror(number))
    return error


def test_frames_of_others_arrive_and_our_own_do_not(wire: UdpWire | SlcanWire) -> None:
    async def story() -> CanFrame:
        async with open_can(port_to(wire), "drivers.dc") as bus:
            await bus.send(0x028300F0, DATA)
            await bus.send(0x028300F0, DATA)
            wire.say(0x0283F000, DATA)
            return await bus.receive()

    got = run(story())
    assert got[:2] == (0x0283F000, DATA)
    assert abs(time.monotonic() - got.received_at) < 5


def test_a_filter_keeps_what_is_for_others_away(wire: UdpWire | SlcanWire) -> None:
    async def story() -> int:
        async with open_can(port_to(wire), "drivers.dc", (CanFilter(0xF000, 0xFF00),)) as bus:
            wire.say(0x0757F800, DATA)
            wire.say(0x0283F100, DATA)
            wire.say(0x0283F000, DATA)
            return (await bus.receive()).identifier

    assert run(story()) == 0x0283F000


def test_frames_are_sent_apart_and_in_the_order_of_the_calls() -> None:
    async def story() -> tuple[list[int], float]:
        raw = FakeRaw()
        bus = CanBus(raw, CanPort("socketcan", "can7", pace_s=0.03), ThreadPoolExecutor(1))  # type: ignore[arg-type]
        began = time.monotonic()
        await asyncio.gather(*(bus.send(n, DATA) for n in range(5)))
        took = time.monotonic() - began
        await bus.close()
        return raw.sent, took

    sent, took = run(story())
    assert sent == [0, 1, 2, 3, 4]
    assert took >= 4 * 0.03 * 0.95


def test_a_full_queue_loses_the_oldest_frame_and_counts_it() -> None:
    async def story() -> tuple[int, int, int]:
        raw = FakeRaw()
        bus = await fake_bus(raw)
        raw.arrive(*(frame(n) for n in range(QUEUE_FRAMES + 3)))
        async with asyncio.timeout(60):
            while raw.inbox:  # noqa: ASYNC110 - the fake has no event, its reader runs in this loop
                await asyncio.sleep(0)
        first = (await bus.receive()).identifier
        last = [(await bus.receive()).identifier for _ in range(QUEUE_FRAMES - 1)][-1]
        await bus.close()
        return first, last, bus.dropped

    assert run(story()) == (3, QUEUE_FRAMES + 2, 3)


@pytest.mark.parametrize("number, words", [(errno.ENOBUFS, "acknowledges"), (errno.ENETDOWN, "Failed")])
def test_a_frame_that_cannot_leave_is_not_connected_and_ends_receiving(number: int, words: str) -> None:
    async def story() -> None:
        raw = FakeRaw()
        raw.failure = os_error(number)
        bus = await fake_bus(raw)
        with pytest.raises(NotConnected, match=rf"socketcan can7: .*{words}.*ip -details link show can7"):
            await bus.send(1, DATA)
        with pytest.raises(NotConnected, match=words):
            await bus.receive()
        raw.failure = None
        await bus.send(2, DATA)  # an order to switch off is tried even then
        assert raw.sent == [2]
        await bus.close()

    run(story())


def test_bus_off_and_an_interface_going_down_end_receiving() -> None:
    async def story(event: can.Message | Exception, words: str) -> None:
        raw = FakeRaw()
        bus = await fake_bus(raw)
        raw.arrive(can.Message(is_error_frame=True, arbitration_id=0x04), frame(5), event)
        assert (await bus.receive()).identifier == 5
        with pytest.raises(NotConnected, match=words):
            await bus.receive()
        await bus.close()

    run(story(can.Message(is_error_frame=True, arbitration_id=0x40), "bus-off"))
    run(story(os_error(errno.ENETDOWN), "Failed"))


def test_standard_and_remote_frames_are_not_ours() -> None:
    async def story() -> int:
        raw = FakeRaw()
        bus = await fake_bus(raw)
        remote = can.Message(arbitration_id=2, is_extended_id=True, is_remote_frame=True, dlc=8)
        raw.arrive(can.Message(arbitration_id=1, is_extended_id=False, data=DATA), remote, frame(3))
        got = (await bus.receive()).identifier
        await bus.close()
        return got

    assert run(story()) == 3


def test_garbled_input_is_dropped_and_later_frames_arrive() -> None:
    async def story(wire: UdpWire | SlcanWire, noise: bytes) -> int:
        async with open_can(port_to(wire), "drivers.dc") as bus:
            if isinstance(wire, SlcanWire):
                await asyncio.to_thread(wire.wait_open)
            wire.give_raw(noise)
            while True:  # what stood in the adapter together with the noise may be lost with it
                wire.say(0x0283F000, DATA)
                with suppress(TimeoutError):
                    return (await asyncio.wait_for(bus.receive(), 0.1)).identifier

    for noise in (b"\xff\xfe\xfd\r", b"Tnonsense\r", b"T0\r", b"\a"):
        with SlcanWire() as adapter:
            assert run(story(adapter, noise)) == 0x0283F000, noise
    for noise in (b"", b"\xc1", b"nonsense"):
        with UdpWire() as net:
            assert run(story(net, noise)) == 0x0283F000, noise


def test_an_adapter_that_is_pulled_ends_receiving_at_once(adapter: SlcanWire) -> None:
    async def story() -> None:
        async with open_can(port_to(adapter), "drivers.dc") as bus:
            adapter.unplug()
            with pytest.raises(NotConnected, match="by-id"):
                await bus.receive()
            with pytest.raises(NotConnected):
                await bus.send(1, DATA)

    run(story())


def test_the_adapter_is_opened_at_the_configured_rate_and_closed(adapter: SlcanWire) -> None:
    async def story() -> None:
        async with open_can(port_to(adapter, bitrate=125_000), "drivers.dc"):
            pass

    run(story())
    adapter.wait_closed()
    assert "S4" in adapter.commands and adapter.commands[-2:] == ["O", "C"]


def test_a_second_driver_on_the_same_adapter_is_told(adapter: SlcanWire) -> None:
    async def story() -> None:
        async with open_can(port_to(adapter), "drivers.dc"):
            with pytest.raises(NotConnected, match="in use"):
                async with open_can(port_to(adapter), "drivers.dc2"):
                    pass
        async with open_can(port_to(adapter), "drivers.dc2"):
            pass

    run(story())


def test_opening_can_be_cancelled_and_gives_the_port_back(adapter: SlcanWire) -> None:
    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), open_can(port_to(adapter, settle_s=0.6), "drivers.dc"):
                pass
        await asyncio.to_thread(adapter.wait_closed)
        while True:
            try:
                async with open_can(port_to(adapter), "drivers.dc"):
                    return
            except NotConnected as error:  # the first opening is giving the port back in its own thread
                assert "in use" in str(error)

    run(story())


def test_the_loop_runs_on_while_an_adapter_settles(adapter: SlcanWire) -> None:
    async def story() -> int:
        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.01)

        turns = 0
        counting = asyncio.ensure_future(count())
        async with open_can(port_to(adapter, settle_s=0.4), "drivers.dc"):
            counting.cancel()
        return turns

    assert run(story()) >= 5


@pytest.mark.parametrize(
    "port, kind, words",
    [
        (CanPort("socketcan", "can99"), NotConnected, "ip -details link show can99"),
        (CanPort("slcan", "/dev/serial/by-id/none", settle_s=0), NotConnected, "/dev/serial/by-id/none"),
        (CanPort("udp_multicast", "192.0.2.1"), BadConfig, r"drivers.dc.channel: .*multicast address"),
        (CanPort("udp_multicast", "can0"), BadConfig, r'drivers.dc.channel: .*got "can0"'),
    ],
)
def test_a_port_that_cannot_be_opened_says_why(port: CanPort, kind: type[Exception], words: str) -> None:
    async def story() -> None:
        async with open_can(port, "drivers.dc"):
            pass

    with pytest.raises(kind, match=words):
        run(story())


def test_a_bit_rate_an_adapter_does_not_know_is_a_matter_of_configuration(adapter: SlcanWire) -> None:
    async def story() -> None:
        async with open_can(port_to(adapter, bitrate=123_456), "drivers.dc"):
            pass

    with pytest.raises(BadConfig, match=r"drivers.dc.*Invalid bitrate"):
        run(story())


def test_multicast_never_leaves_the_machine() -> None:
    async def story() -> int:
        async with open_can(port_to(wire), "drivers.dc") as bus:
            copy = socket.socket(fileno=os.dup(bus._raw.fileno()))
            with copy:
                return copy.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL)

    with UdpWire() as wire:
        assert run(story()) == 0
