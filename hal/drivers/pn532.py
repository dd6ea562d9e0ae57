"""The NXP PN532 card reader on a serial port (HSU): device "reader".

    [drivers.rfid]
    driver = "pn532"
    port = "/dev/serial/by-id/usb-…"

ISO 14443 A and B. The chip cannot read ISO 15693. Source: NXP UM0701-02 (PN532 user manual), 7.3.5
(InListPassiveTarget) and 7.3.11 (InRelease).

Each card is published once per presence: it is gone after three polls without it, and published again only when it was
not seen for `hold_off_s` either. A card that lies on the reader when the driver opens is not published.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from typing import Literal, NamedTuple

from hal.buses.pn532_hsu import Pn532
from hal.buses.serial import SerialStream
from hal.devices import Device
from hal.driver import Driver, Site
from hal.errors import BadConfig, NotConnected
from hal.readings import TokenReading

log = logging.getLogger(__name__)

_IN_LIST_PASSIVE_TARGET, _IN_RELEASE = 0x4A, 0x52
_ONE_TARGET_106_KBPS_A = b"\x01\x00"
_ONE_TARGET_106_KBPS_B = b"\x01\x03\x00"
_ALL_TARGETS = b"\x00"
_GONE_AFTER = 3
"""empty polls"""
_UID_LENGTHS = (4, 7, 10)
_CASCADE_TAG, _RANDOM = 0x88, 0x08
_ATQB, _ATQB_LENGTH = 0x50, 12

CardType = Literal["A", "B"]
UidFormat = Literal["hex", "hex_reversed", "dec", "dec_reversed"]


class Config(NamedTuple):
    port: str
    baud: int = 115200
    types: tuple[CardType, ...] = ("A",)
    """ISO 14443 types to look for, in turn; two of them halve the polls of each"""
    uid_format: UidFormat = "hex"
    """as the CSMS knows its cards: hex in transmission order, or backwards, or the decimal of either"""
    reject_random: bool = False
    """pass over UIDs that change at every tap (4 bytes, first 08: phones, passports)"""
    hold_off_s: float = 2.0
    """s, a card that comes back sooner is the same presence"""
    poll_s: float = 0.25
    reply_s: float = 0.5
    """s until a reply counts as lost; a command is tried three times"""


class Presence:
    """Which card lies on the reader."""

    def __init__(self, hold_off_s: float) -> None:
        self._hold_off_s = hold_off_s
        self._present: bytes | None = None
        self._misses = 0
        self._last_seen: dict[bytes, float] = {}

    def poll(self, uid: bytes | None, now: float) -> bool:
        """What a poll found; whether a presence begins with it. now: s of a monotonic clock."""
        if uid is None:
            self._misses += 1
            if self._misses >= _GONE_AFTER:
                self._present = None
            return False
        recent = {card: at for card, at in self._last_seen.items() if now - at < self._hold_off_s}
        begins = uid != self._present and uid not in recent
        self._present, self._misses, self._last_seen = uid, 0, {**recent, uid: now}
        return begins


class _Reader:
    def __init__(self, chip: Pn532, config: Config) -> None:
        self._chip = chip
        self._config = config
        self._presences = {kind: Presence(config.hold_off_s) for kind in config.types}

    async def begin(self) -> None:
        """Note what lies there already."""
        for kind, presence in self._presences.items():
            presence.poll(await self._find(kind), time.monotonic())

    async def watch(self) -> AsyncIterator[TokenReading]:
        for kind in cycle(self._presences):
            due = time.monotonic() + self._config.poll_s
            uid = await self._find(kind)
            now = time.monotonic()
            if self._presences[kind].poll(uid, now) and uid is not None and self._wanted(uid):
                log.info("%s: card …%s", self._config.port, uid.hex().upper()[-4:])
                yield TokenReading(now, formatted(uid, self._config.uid_format))
            await asyncio.sleep(due - time.monotonic())

    async def _find(self, kind: CardType) -> bytes | None:
        target = _ONE_TARGET_106_KBPS_A if kind == "A" else _ONE_TARGET_106_KBPS_B
        reply = await self._chip.call(_IN_LIST_PASSIVE_TARGET, target, answers=1)
        if reply[0] == 0:
            return None
        # Released, or the card stays selected and does not answer the next poll.
        await self._chip.call(_IN_RELEASE, _ALL_TARGETS)
        uid = uid_of_type_a(reply) if kind == "A" else uid_of_type_b(reply)
        if uid is None:
            log.debug("%s: card without a complete UID", self._config.port)
        return uid

    def _wanted(self, uid: bytes) -> bool:
        if self._config.reject_random and len(uid) == 4 and uid[0] == _RANDOM:
            log.info("%s: card with a random UID passed over", self._config.port)
            return False
        return True


def uid_of_type_a(reply: bytes) -> bytes | None:
    """NbTg Tg SENS_RES(2) SEL_RES NFCIDLength NFCID… A 4-byte UID that begins with the cascade tag is half a UID."""
    length = reply[5] if len(reply) > 5 else 0
    uid = reply[6 : 6 + length]
    if length not in _UID_LENGTHS or len(uid) < length or (length == 4 and uid[0] == _CASCADE_TAG):
        return None
    return uid


def uid_of_type_b(reply: bytes) -> bytes | None:
    """NbTg Tg ATQB(12) … The PUPI, bytes 1 to 4 of ATQB, stands for the UID."""
    atqb = reply[2 : 2 + _ATQB_LENGTH]
    return atqb[1:5] if len(atqb) == _ATQB_LENGTH and atqb[0] == _ATQB else None


def formatted(uid: bytes, uid_format: UidFormat) -> str:
    """Decimals of 4-byte UIDs have ten digits, as readers and cards print them."""
    ordered = uid[::-1] if uid_format.endswith("reversed") else uid
    if uid_format.startswith("hex"):
        return ordered.hex().upper()
    return str(int.from_bytes(ordered, "big")).zfill(10)


@asynccontextmanager
async def open_reader(config: Config, site: Site) -> AsyncIterator[Mapping[str, Device]]:
    """DeviceFault when the chip at the port is another one."""
    _check(config, site)
    async with SerialStream(config.port, config.baud) as stream:
        chip = Pn532(stream, config.reply_s)
        await chip.begin()
        reader = _Reader(chip, config)
        await reader.begin()
        try:
            yield {"reader": reader}
        finally:
            with suppress(NotConnected):  # the port is gone: nothing left to abort
                await chip.abort()


def _check(config: Config, site: Site) -> None:
    where = f"drivers.{site.name}"
    if not config.types:
        raise BadConfig(f'{where}.types: expected "A", "B" or both, got none')
    if len(set(config.types)) < len(config.types):
        raise BadConfig(f"{where}.types: each type once, got {', '.join(config.types)}")
    for key in ("poll_s", "reply_s"):
        if getattr(config, key) <= 0:
            raise BadConfig(f"{where}.{key}: expected more than 0 s, got {getattr(config, key)}")
    if config.hold_off_s < 0:
        raise BadConfig(f"{where}.hold_off_s: expected 0 s or more, got {config.hold_off_s}")


DRIVER = Driver("pn532", Config, open_reader, token_kinds=("ISO14443",))
