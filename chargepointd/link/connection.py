"""The link to the CSMS: connects, serves, reconnects by the back-off, until cancelled."""

import asyncio
import logging
import os
import socket
import ssl
import time
from collections.abc import Callable
from random import random as _random

from chargepointd.link.backoff import Backoff, Retry
from chargepointd.link.ended import Ended, ProxyRefused, transport_ended
from chargepointd.link.library import WebSocketURI
from chargepointd.link.profile import BadProfile, Profile, address, authorization
from chargepointd.link.repeats import Repeats
from chargepointd.link.resolve import addresses, is_address
from chargepointd.link.tls import context
from chargepointd.link.websocket import NotOpen, WebSocket

log = logging.getLogger(__name__)

GOOD_AFTER_S = 10.0
"""A connection over which nothing came counts as good, for the back-off, when it held this long. A proxy that
takes connections for a CSMS that is down, and drops them, does not."""
BRIEF = 3
"""So many connections in a row that held less, but over which something came, count as good too; a CSMS that takes
and drops each of them is met with growing waits like one that is not there."""


def _nothing(_ended: Ended) -> None: ...


class Link:
    """The one connection to the CSMS.

    profile, retry, ping_interval (s, 0 off): asked anew whenever they are needed, as they may change.
    on_open(subprotocol), on_text(text), on_close(ended): of an open connection, in this order and paired. The first
    two are called from within the loop's read, so they must be quick; on_close in the turn after the end, which
    `connected` tells at once. An exception in one of them ends `run` with it.
    on_failed(ended): an attempt did not come to an open connection; the next one asks for the profile again.
    pong_timeout_s: how long an answer to a ping may take; None: the ping interval.
    """

    def __init__(
        self,
        *,
        profile: Callable[[], Profile],
        retry: Callable[[], Retry],
        on_open: Callable[[str], None],
        on_text: Callable[[str], None],
        on_close: Callable[[Ended], None],
        on_failed: Callable[[Ended], None] = _nothing,
        ping_interval: Callable[[], float] = lambda: 0.0,
        pong_timeout_s: float | None = None,
        random: Callable[[], float] = _random,
    ) -> None:
        self._profile = profile
        self._retry = retry
        self._tell_open = on_open
        self._on_text = on_text
        self._tell_close = on_close
        self._tell_failed = on_failed
        self._ping_interval = ping_interval
        self._pong_timeout_s = pong_timeout_s
        self._random = random
        self._backoff = Backoff()
        self._wake = asyncio.Event()
        self._attempt: asyncio.Timeout | None = None
        self._ws: WebSocket | None = None
        self._suspended = False
        self._hurry = False
        self._holding = False
        self._brief = 0
        self._complaint: Ended | None = None
        self.proxy: str | None = None
        """host and port of the one on the way to the CSMS, as of the last attempt; None: there is none"""
        self._log = Repeats(log)
        self._subprotocol: str | None = None
        self._since = time.monotonic()

    @property
    def connected(self) -> bool:
        return self._ws is not None and self._ws.is_open

    @property
    def subprotocol(self) -> str | None:
        """The one the CSMS chose; None while not connected."""
        return self._subprotocol if self.connected else None

    @property
    def certificate_until(self) -> float | None:
        """UTC, s since 1970: the end of the certificate the CSMS has shown; None without TLS."""
        return self._ws.certificate_until if self._ws is not None else None

    @property
    def certificate_from(self) -> float | None:
        """UTC, s since 1970: its beginning. Where nobody could say whether that has been (`Profile.utc_sure`), nobody
        could say for sure that it has not ended either."""
        return self._ws.certificate_from if self._ws is not None else None

    @property
    def root(self) -> str:
        """Fingerprint (SHA-256, hexadecimal) of the root that vouched for the CSMS; empty without TLS."""
        return self._ws.root if self._ws is not None else ""

    @property
    def since(self) -> float:
        """time.monotonic() of the last on_open or on_close, or of the start."""
        return self._since

    @property
    def suspended(self) -> bool:
        return self._suspended

    @property
    def writable(self) -> bool:
        """False while the CSMS does not read what is sent: a good time to hold back what can wait."""
        return self._ws is None or self._ws.writable

    def send(self, text: str) -> None:
        """Raises NotOpen when not connected. Returning means sent, not received."""
        if self._ws is None:
            raise NotOpen("not connected to the CSMS")
        self._ws.send(text)

    def asked(self, within_s: float) -> None:
        """What was sent last is a CALL: its answer may take so long. A link that proves to be dead by then is closed
        before, so that the CALL counts as not sent rather than as not answered. `answered`: its answer has come."""
        if self._ws is not None:
            self._ws.asked(within_s)

    def answered(self) -> None:
        if self._ws is not None:
            self._ws.answered_to()

    def close(self, code: int = 1000, reason: str = "", *, reconnect: bool = True) -> None:
        """Close the connection, if there is one; on_close follows in the next turn of the loop.

        The next attempt comes by the back-off; call `retry_now` as well to have it at once. With reconnect=False
        there is none before `resume`, and one under way is given up.
        """
        if not reconnect:
            self._suspended = True
            self._wake.set()
        if self.connected:
            assert self._ws is not None
            self._ws.close(code, reason, Ended("left", f"closed by the station: {code} {reason}".rstrip()))
        elif self._suspended and self._attempt is not None and not self._attempt.expired():
            self._attempt.reschedule(asyncio.get_running_loop().time())

    def suspend(self) -> None:
        """Take the link away: close it, and make no attempt before `resume`."""
        self.close(1001, "suspended", reconnect=False)

    def resume(self) -> None:
        """Connect again, at once."""
        if self._suspended:
            self._suspended = False
            self.retry_now()

    def retry_now(self) -> None:
        """Make the next attempt now, and begin the back-off anew. Nothing happens while connected or suspended."""
        if not self.connected and not self._suspended:
            self._hurry = True
            self._backoff.reset()
            self._wake.set()

    def pause_reading(self) -> None:
        """Hand on no text and do not read the socket, until `resume_reading`; holds over a reconnect."""
        self._holding = True
        if self._ws is not None:
            self._ws.hold()

    def resume_reading(self) -> None:
        self._holding = False
        if self._ws is not None:
            self._ws.release()

    def ping_changed(self) -> None:
        """`ping_interval` has another value; needed when it was 0."""
        if self._ws is not None:
            self._ws.ping_changed()

    async def run(self) -> None:
        """Until cancelled; then the connection is closed in order, in CLOSE_S at most."""
        try:
            while True:
                await self._until_allowed()
                await self._visit()
                await self._pause()
        finally:
            await self._stop()

    async def _stop(self) -> None:
        ended = Ended("left", "the station stops")
        if self._ws is not None:
            if self._subprotocol is not None:
                self._ws.close(1001, "station stops", ended)
                self._over(ended)
            await self._leave(ended)

    async def _until_allowed(self) -> None:
        while self._suspended:
            self._wake.clear()
            await self._wake.wait()

    async def _pause(self) -> None:
        wait_s = self._backoff.next(self._retry(), self._random)
        log.debug("csms: next attempt in %.1f s", wait_s)
        try:
            async with asyncio.timeout(wait_s):
                while not (self._hurry or self._suspended):
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            pass

    async def _visit(self) -> None:
        """One attempt and, if it succeeds, the connection to its end."""
        self._hurry = False
        try:
            ws = await self._open(self._profile())
            await asyncio.wait([ws.ended])
            ended = ws.ended.result()
        except BadProfile as error:
            ended = Ended("profile", str(error))
        except TimeoutError:
            ended = Ended("timeout", "no answer from the CSMS in time; check the url and the network")
        except ProxyRefused as error:
            ended = Ended("proxy", str(error))
        except OSError as error:
            ended = transport_ended(error)
        self._over(ended)
        await self._leave(ended)

    async def _open(self, profile: Profile) -> WebSocket:
        where, secret = address(profile), authorization(profile)
        log.debug("csms: connecting to %s:%d%s", where.host, where.port, where.path)
        try:
            async with asyncio.timeout(profile.open_timeout_s) as self._attempt:
                # In a thread: 500 roots, or those of the system, take a board seconds.
                tls = await asyncio.to_thread(context, profile) if where.secure else None
                ws = await self._reach(profile, where, secret, tls)
                await asyncio.wait([ws.settled])
                return ws
        finally:
            self._attempt = None

    async def _reach(
        self, profile: Profile, where: WebSocketURI, secret: str | None, tls: ssl.SSLContext | None
    ) -> WebSocket:
        """TCP and TLS to the first address that takes it; each has an equal share of the time. Where none does, what
        was wrong with TLS says more than that another address cannot be reached."""
        through = await self._by_proxy(profile, where)
        if through is not None:
            return await self._connect(where.host, profile, where, secret, tls, through)
        hosts = [where.host] if is_address(where.host) else await addresses(where.host, where.port)
        told: OSError | None = None
        for host in hosts:
            try:
                async with asyncio.timeout(profile.open_timeout_s / len(hosts)):
                    return await self._connect(host, profile, where, secret, tls)
            except OSError as error:
                log.debug("csms: %s: %s", host, error)
                told = told if isinstance(told, ssl.SSLError) else error
        assert told
        raise told

    async def _by_proxy(self, profile: Profile, where: WebSocketURI) -> socket.socket | None:
        """A socket that leads to the CSMS through a proxy, where there is to be one."""
        self.proxy = None
        if not profile.proxy and not any(name.lower().endswith("_proxy") for name in os.environ):
            return None
        from chargepointd.link import proxy  # few stations have one

        found = proxy.chosen(profile.proxy, where.host, where.secure, os.environ)
        if found is None:
            return None
        self.proxy = str(found)
        log.debug("csms: by the proxy %s", found)
        return await proxy.connect(found, where.host, where.port, profile.open_timeout_s)

    async def _connect(
        self,
        host: str,
        profile: Profile,
        where: WebSocketURI,
        secret: str | None,
        tls: ssl.SSLContext | None,
        through: socket.socket | None = None,
    ) -> WebSocket:
        self._ws = ws = WebSocket(
            where,
            profile,
            authorization=secret,
            on_open=self._opened,
            on_text=self._on_text,
            ping_interval=self._ping_interval,
            pong_timeout_s=self._pong_timeout_s,
        )
        name = where.host if tls is not None else None
        loop = asyncio.get_running_loop()
        if through is None:
            await loop.create_connection(lambda: ws, host, where.port, ssl=tls, server_hostname=name)
        else:
            await loop.create_connection(lambda: ws, sock=through, ssl=tls, server_hostname=name)
        return ws

    def _opened(self, subprotocol: str) -> None:
        assert self._ws is not None
        if self._holding:
            self._ws.hold()
        self._subprotocol = subprotocol
        self._since = time.monotonic()
        self._complaint = None
        self._log.say("connected", logging.INFO, "csms: connected, %s", subprotocol)
        self._tell_open(subprotocol)

    def _over(self, ended: Ended) -> None:
        """Tell of the end of the connection, or of the failed attempt."""
        if self._subprotocol is not None:
            self._judge(ended)
            self._subprotocol = None
            self._since = time.monotonic()
            level = logging.INFO if ended.kind == "left" else logging.WARNING
            self._log.say(f"over {ended.kind}", level, "csms: disconnected: %s", ended.reason)
            self._tell_close(ended)
        elif not self._suspended:
            if ended != self._complaint:
                self._log.say(ended.kind, logging.WARNING, "csms: %s", ended.reason)
            else:
                log.debug("csms: %s", ended.reason)
            self._complaint = ended
            self._tell_failed(ended)

    def _judge(self, ended: Ended) -> None:
        """Whether the connection was a good one, after which the back-off begins anew (2.0.1 errata, TC_B_57)."""
        answered = self._ws is not None and self._ws.answered
        held = time.monotonic() - self._since >= GOOD_AFTER_S
        self._brief = 0 if held else self._brief + 1
        if (held and ended.kind != "pong") or (answered and self._brief <= BRIEF):
            self._backoff.reset()

    async def _leave(self, ended: Ended) -> None:
        """See to it that the socket is closed. Raises what a callback raised."""
        ws = self._ws
        if ws is None or not ws.attached:
            return
        if ws.is_open:
            ws.close(1001, "station stops", ended)
        elif not ws.ended.done():
            ws.abort(ended)
        await asyncio.wait([ws.closed])
        self._ws = None
        ws.closed.result()
