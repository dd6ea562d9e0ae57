"""The PN532 driver against a chip at the end of a pseudo-terminal."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.buses.pn532_hsu import Frame, FrameParser, encode
from hal.config import parse
from hal.driver import Site
from hal.drivers.pn532 import DRIVER, Presence, formatted, uid_of_type_a, uid_of_type_b
from hal.errors import BadConfig, DeviceFault, NotConnected
from hal.testing.contracts import check_driver
from tests.hal.loop import run
from tests.hal.models.pn532_chip import Pn532Chip

SITE = Site("rfid", Path("/nonexistent"))
QUICK = {"poll_s": 0.01, "reply_s": 0.15, "hold_off_s": 0.0}
CARD, OTHER = "04A2B3C4D5E680", "1F2D3A4F"

hexes = bytes.fromhex


@pytest.fixture
def chip():
    with Pn532Chip() as model:
        yield model


@asynccontextmanager
async def driven(chip: Pn532Chip, **config: Any) -> AsyncIterator[Any]:
    table = {"port": chip.port, **QUICK, **config}
    async with DRIVER.open(parse(DRIVER.config, table, "drivers.rfid"), SITE) as devices:
        yield devices["reader"].watch()


@asynccontextmanager
async def collecting(chip: Pn532Chip, **config: Any) -> AsyncIterator[list[str]]:
    """What the reader publishes while the body runs."""
    values: list[str] = []

    async def collect(cards: AsyncIterator[Any]) -> None:
        async for card in cards:
            values.append(card.value)

    async with driven(chip, **config) as cards:
        task = asyncio.create_task(collect(cards))
        try:
            yield values
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.wait([task])


async def polled(chip: Pn532Chip, count: int) -> None:
    await asyncio.to_thread(chip.wait_polls, count)


async def gone(chip: Pn532Chip) -> None:
    chip.take_away()
    await asyncio.to_thread(chip.wait, lambda: chip.empty_polls >= 4)  # the third is surely taken in by then


# Frames


@pytest.mark.parametrize(
    ("data", "frame"),
    [
        ("D4 02", "0000FF02FED4022A00"),
        ("D4 14 01 00 01", "0000FF05FBD4140100011600"),
        ("D4 32 05 FF 01 02", "0000FF06FAD43205FF0102F300"),
        ("D4 4A 01 00", "0000FF04FCD44A0100E100"),
        ("D4 4A 01 03 00", "0000FF05FBD44A010300DE00"),
        ("D4 4A 01 01 00 FF FF 01 00", "0000FF09F7D44A010100FFFF0100E100"),
    ],
)
def test_frames_are_those_of_the_manual(data, frame):
    assert encode(hexes(data)) == hexes(frame)
    assert FrameParser().feed(hexes(frame)) == [Frame("data", hexes(data))]


@pytest.mark.parametrize(
    ("wire", "frame"),
    [
        ("0000FF00FF00", Frame("ack")),
        ("0000FFFF0000", Frame("nack")),
        ("0000FF01FF7F8100", Frame("data", b"\x7f")),
    ],
)
def test_short_frames_are_those_of_the_manual(wire, frame):
    assert FrameParser().feed(hexes(wire)) == [frame]


@pytest.mark.parametrize("size", [0, 256])
def test_what_no_frame_can_hold_is_refused(size):
    with pytest.raises(ValueError, match="1 to 255"):
        encode(bytes(size))


DATA = st.binary(min_size=1, max_size=255)
WIRE = DATA.map(lambda d: (encode(d), Frame("data", d))) | st.sampled_from(
    [(hexes("0000FF00FF00"), Frame("ack")), (hexes("0000FFFF0000"), Frame("nack"))]
)


@settings(deadline=None)
@given(st.lists(WIRE, max_size=4), st.lists(st.integers(1, 60), max_size=30))
def test_frames_are_found_however_the_stream_is_cut(wires, cuts):
    parser, rest = FrameParser(), b"".join(wire for wire, _ in wires)
    found = []
    for cut in [*cuts, len(rest) + 1]:
        found += parser.feed(rest[:cut])
        rest = rest[cut:]
    assert found == [frame for _, frame in wires]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=400), max_size=5))
def test_any_bytes_are_survived_within_bounds(pieces):
    parser = FrameParser()
    for piece in pieces:
        parser.feed(piece)
        assert len(parser._bytes) < 600
    parser.give_up()
    assert parser.feed(encode(b"\xd5\x03")) == [Frame("data", b"\xd5\x03")]


@settings(deadline=None)
@given(st.binary(max_size=400).filter(lambda b: b"\x00\xff" not in b), DATA)
def test_a_frame_behind_any_garbage_without_start_code_is_found_at_once(garbage, data):
    assert FrameParser().feed(garbage + encode(data)) == [Frame("data", data)]


@pytest.mark.parametrize(
    "garbage", ["00", "FF", "00FF", "0000FF05", "00FF0400D5", "00FF20E0", "0000FF02FED50300", "55" * 40]
)
def test_a_frame_behind_known_garbage_is_found(garbage):
    parser = FrameParser()
    assert parser.feed(hexes(garbage) + encode(b"\xd5\x4b\x00")) + parser.give_up() == [Frame("data", b"\xd5\x4b\x00")]


# UIDs


@pytest.mark.parametrize(
    ("reply", "uid"),
    [
        ("01 01 0004 08 04 1F2D3A4F", "1F2D3A4F"),
        ("01 01 0044 00 07 04A2B3C4D5E680", "04A2B3C4D5E680"),
        ("01 01 0344 20 07 04A2B3C4D5E680 06 757781028000", "04A2B3C4D5E680"),
        ("01 01 0004 08 0A 00010203040506070809", "00010203040506070809"),
        ("01 01 0004 08 04 8804A2B3", None),
        ("01 01 0004 08 07 04A2B3", None),
        ("01 01 0004 08 05 0102030405", None),
        ("01 01", None),
    ],
)
def test_the_uid_of_a_type_a_card(reply, uid):
    assert uid_of_type_a(hexes(reply)) == (uid and hexes(uid))


@pytest.mark.parametrize(
    ("reply", "uid"),
    [
        ("01 01 50 11223344 00000000 007177 81 01 00", "11223344"),
        ("01 01 51 11223344 00000000 007177 81 01 00", None),
        ("01 01 50 1122", None),
    ],
)
def test_the_pupi_of_a_type_b_card(reply, uid):
    assert uid_of_type_b(hexes(reply)) == (uid and hexes(uid))


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_no_reply_of_a_card_breaks_the_driver(reply):
    assert uid_of_type_a(reply) is None or len(uid_of_type_a(reply)) in (4, 7, 10)
    assert uid_of_type_b(reply) is None or len(uid_of_type_b(reply)) == 4


@pytest.mark.parametrize(
    ("uid_format", "value"),
    [("hex", "1F2D3A4F"), ("hex_reversed", "4F3A2D1F"), ("dec", "0523057743"), ("dec_reversed", "1329212703")],
)
def test_uid_formats(uid_format, value):
    assert formatted(hexes(OTHER), uid_format) == value


# Presence


def uids(pattern: str) -> list[bytes | None]:
    return [None if c == "." else c.encode() for c in pattern]


@pytest.mark.parametrize(
    ("polls", "published"),
    [
        ("AAAA....", "A       "),
        ("A..A..A.", "A       "),
        ("A...A...", "A       "),
        ("A............A", "A            A"),
        ("ABABABAB", "AB      "),
        ("AAAAAAAABBBBBBBBBBBBAAAA", "A       B           A   "),
        ("ABBBBA", "AB    "),
    ],
)
def test_each_presence_is_published_once(polls, published):
    """Polls each 250 ms, hold-off 2 s."""
    presence = Presence(2.0)
    told = [uid.decode() if presence.poll(uid, n * 0.25) else " " for n, uid in enumerate(uids(polls))]
    assert "".join(told) == published


def test_a_card_held_for_minutes_is_one_presence():
    presence = Presence(2.0)
    assert sum(presence.poll(b"card", n * 0.25) for n in range(5 * 60 * 4)) == 1


@settings(deadline=None)
@given(st.text("AB.", max_size=200))
def test_a_card_is_published_again_only_after_the_hold_off(polls):
    presence, last = Presence(2.0), {}
    for n, uid in enumerate(uids(polls)):
        now = n * 0.25
        if presence.poll(uid, now):
            assert now - last.get(uid, -9) >= 2.0
        last[uid] = now
    assert len(presence._last_seen) <= 2


# The reader


def test_a_card_is_published_and_again_when_it_comes_back(chip):
    async def story():
        async with collecting(chip) as values:
            for uid in (CARD, OTHER, CARD):
                chip.hold(uid)
                await polled(chip, 3)
                await gone(chip)
            assert values == [CARD, OTHER, CARD]

    run(story())


def test_what_is_published_says_what_it_is_and_when(chip):
    async def story():
        async with driven(chip) as cards:
            before = time.monotonic()
            chip.hold(CARD)
            card = await anext(cards)
            assert (card.value, card.kind) == (CARD, "ISO14443")
            assert before <= card.taken_at <= time.monotonic()

    run(story())


def test_a_card_that_stays_is_published_once(chip):
    async def story():
        async with collecting(chip) as values:
            chip.hold(CARD)
            await polled(chip, 60)
            assert values == [CARD]

    run(story())


def test_a_card_that_flickers_is_published_once(chip):
    async def story():
        async with collecting(chip) as values:
            for _ in range(5):
                chip.hold(CARD)
                await polled(chip, 2)
                chip.take_away()
                await asyncio.to_thread(chip.wait, lambda: chip.empty_polls == 1)
            assert values == [CARD]

    run(story())


def test_two_cards_at_once_are_published_once_each(chip):
    async def story():
        async with collecting(chip, hold_off_s=60.0) as values:
            chip.hold(CARD, OTHER)
            await polled(chip, 40)
            assert sorted(values) == sorted([CARD, OTHER])

    run(story())


def test_a_card_that_lies_there_at_the_start_is_not_published(chip):
    async def story():
        chip.hold(CARD)
        async with collecting(chip) as values:
            await polled(chip, 10)
            assert values == []
            await gone(chip)
            chip.hold(CARD)
            await polled(chip, 3)
            assert values == [CARD]

    run(story())


def test_type_b_is_looked_for_only_when_configured(chip):
    async def story():
        async with collecting(chip) as values:
            chip.hold("11223344", kind="B")
            await polled(chip, 10)
            assert values == []
        async with collecting(chip, types=["A", "B"]) as values:
            await gone(chip)
            await polled(chip, 8)
            chip.hold("11223344", kind="B")
            await polled(chip, 5)
            chip.hold(CARD)
            await polled(chip, 5)
            assert values == ["11223344", CARD]

    run(story())


def test_the_uid_format_is_applied(chip):
    async def story():
        async with driven(chip, uid_format="dec_reversed") as cards:
            chip.hold(OTHER)
            assert (await anext(cards)).value == "1329212703"

    run(story())


def test_random_uids_can_be_rejected(chip):
    async def story():
        async with driven(chip, reject_random=True) as cards:
            chip.hold("08123456")
            following = asyncio.create_task(anext(cards))
            await polled(chip, 5)
            chip.hold(CARD)
            assert (await following).value == CARD
        async with driven(chip) as cards:
            chip.hold("08123456")
            assert (await anext(cards)).value == "08123456"

    run(story())


def test_half_a_uid_is_never_published(chip):
    async def story():
        async with collecting(chip) as values:
            chip.hold("8804A2B3")
            await polled(chip, 10)
            chip.hold(CARD)
            await polled(chip, 4)
            assert values == [CARD]

    run(story())


def test_the_log_shows_only_the_end_of_a_uid(chip, caplog):
    async def story():
        async with driven(chip) as cards:
            chip.hold(CARD)
            await anext(cards)

    with caplog.at_level(logging.DEBUG):
        run(story())
    assert "card …E680" in caplog.text
    assert CARD[:-4] not in caplog.text


def test_the_card_is_released_after_each_find(chip):
    async def story():
        async with driven(chip) as cards:
            chip.hold(CARD)
            await anext(cards)
            assert chip.commands[-1] == b"\x52\x00"

    run(story())


# Trouble


@pytest.mark.parametrize("fault", ["silent", "no_reply", "nack", "error", "garble", "half", "late", "no_ack"])
def test_two_failures_in_a_row_are_made_good(chip, fault):
    async def story():
        async with driven(chip) as cards:
            setattr(chip.faults, fault, 2)
            chip.hold(CARD)
            assert (await anext(cards)).value == CARD

    run(story())


@pytest.mark.parametrize("noise", [b"\x00", b"\xff\x00\x55", b"\x00\xff\x07\x01", b"\x00\x00\xff"])
def test_noise_between_the_frames_does_no_harm(chip, noise):
    async def story():
        chip.faults.noise = noise
        async with driven(chip) as cards:
            chip.hold(CARD)
            assert (await anext(cards)).value == CARD

    run(story())


def test_frames_that_come_byte_by_byte_are_whole(chip):
    async def story():
        chip.piecemeal = True
        async with driven(chip) as cards:
            chip.hold(CARD)
            assert (await anext(cards)).value == CARD

    run(story())


def test_a_uid_that_looks_like_an_acknowledgement_is_read(chip):
    async def story():
        chip.piecemeal = True
        async with driven(chip) as cards:
            chip.hold("0000FF00FF0001")
            assert (await anext(cards)).value == "0000FF00FF0001"

    run(story())


def test_a_chip_that_restarted_is_woken_up_and_set_up_again(chip):
    async def story():
        async with driven(chip) as cards:
            following = asyncio.create_task(anext(cards))
            await polled(chip, 2)
            chip.power_cycle()
            await polled(chip, 2)
            chip.hold(CARD)
            assert (await following).value == CARD
            assert sum(command[0] == 0x14 for command in chip.commands) == 2
            assert sum(command[0] == 0x32 for command in chip.commands) == 2

    run(story())


def test_what_was_not_answered_is_aborted(chip):
    async def story():
        async with driven(chip) as cards:
            before = chip.aborts
            chip.faults.no_reply = 1
            chip.hold(CARD)
            await anext(cards)
            assert chip.aborts == before + 1

    run(story())


def test_a_chip_that_falls_silent_is_not_connected(chip):
    async def story():
        async with driven(chip) as cards:
            chip.faults.silent = 1000
            with pytest.raises(NotConnected, match="ttyDEVICE: PN532: no answer"):
                await anext(cards)

    run(story())


def test_a_silent_port_is_not_connected(chip):
    async def story():
        chip.faults.silent = 1000
        with pytest.raises(NotConnected, match=r"ttyDEVICE: PN532: no answer; is the reader powered\?"):
            async with driven(chip):
                pass

    run(story())


def test_a_command_the_chip_does_not_know_is_a_fault(chip):
    async def story():
        chip.faults.unknown = {0x4A}
        with pytest.raises(DeviceFault, match="command 4A not understood"):
            async with driven(chip):
                pass

    run(story())


def test_another_chip_is_a_fault():
    async def story(chip):
        with pytest.raises(DeviceFault, match="not a PN532, the chip calls itself 07"):
            async with driven(chip):
                pass

    with Pn532Chip(ic=7) as chip:
        run(story(chip))


def test_pulling_the_adapter_ends_the_watch_and_it_works_again_once_back(chip):
    async def story():
        async with driven(chip) as cards:
            following = asyncio.create_task(anext(cards))
            await polled(chip, 2)
            chip.detach()
            with pytest.raises(NotConnected, match="ttyDEVICE: lost"):
                await following
        with pytest.raises(NotConnected, match="no such port"):
            async with driven(chip):
                pass
        chip.attach()
        async with driven(chip) as cards:
            chip.hold(CARD)
            assert (await anext(cards)).value == CARD

    run(story())


def test_a_cancelled_watch_leaves_the_chip_usable(chip):
    async def story():
        table = {"port": chip.port, **QUICK}
        async with DRIVER.open(parse(DRIVER.config, table, "drivers.rfid"), SITE) as devices:
            chip.faults.no_reply = 1
            waiting = asyncio.create_task(anext(devices["reader"].watch()))
            await polled(chip, 1)
            waiting.cancel()
            await asyncio.wait([waiting])
            chip.hold(CARD)
            assert (await anext(devices["reader"].watch())).value == CARD

    run(story())


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"types": []}, "drivers.rfid.types"),
        ({"types": ["A", "A"]}, "drivers.rfid.types"),
        ({"types": ["ISO15693"]}, "drivers.rfid.types"),
        ({"poll_s": 0}, "drivers.rfid.poll_s"),
        ({"reply_s": 0}, "drivers.rfid.reply_s"),
        ({"hold_off_s": -1}, "drivers.rfid.hold_off_s"),
        ({"uid_format": "w26"}, "drivers.rfid.uid_format"),
    ],
)
def test_nonsense_in_the_configuration_is_named(chip, config, complaint):
    async def story():
        with pytest.raises(BadConfig, match=complaint):
            async with driven(chip, **config):
                pass

    run(story())


def test_the_driver_keeps_the_contract(chip):
    run(check_driver(DRIVER, {"port": chip.port, **QUICK}, SITE))
