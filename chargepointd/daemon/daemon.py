"""The daemon: all parts put together, and their common life.

Start: the state is loaded, the link begins to connect, drivers open, the control socket listens; none waits for
another. End: the station takes no more events, drivers make safe, what was saved is on the disk, in this order.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chargepointd import __version__
from chargepointd.control.protocol import REFUSED, ControlError
from chargepointd.control.server import CannotListen, ControlServer
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.masking import masked
from chargepointd.core.values import Now
from chargepointd.daemon import disk
from chargepointd.daemon.assembly import Start, assembled
from chargepointd.daemon.conversation import Conversation
from chargepointd.daemon.engine import Engine, now
from chargepointd.daemon.local import Local
from chargepointd.daemon.log_ring import LogRing
from chargepointd.daemon.network import disbelieved, known_time, profile, proxied
from chargepointd.daemon.notify import Notifier
from chargepointd.daemon.recorder import Recorder
from chargepointd.dialects import codec
from chargepointd.dialects.codec import format_time
from chargepointd.dialects.dialect import VERSIONS, Dialect, load
from chargepointd.hardware.bindings import plan
from chargepointd.hardware.hardware import Hardware
from chargepointd.jobs.runner import Jobs, Parts, Place
from chargepointd.link.backoff import Retry
from chargepointd.link.connection import Link
from chargepointd.link.ended import Ended
from chargepointd.link.profile import Profile
from chargepointd.sections import Config
from chargepointd.storage.store import Store, StoreError, Unwritable
from chargepointd.storage.writer import Writer

log = logging.getLogger(__name__)

SET_S = 0.5
"""the system's clock was set, if it moved so far against the monotonic one: slewing moves both"""
SETTLED_S = 10.0
"""after the start: what makes it faster or smaller, and costs time to load, is done then"""
ROOM = "make room on the disk of the state directory, or have it written again: all goes on by itself then"
_LEVELS = dict.fromkeys(("link", "status", "record", "running cost", "firmware progress"), logging.DEBUG)
_LEVELS["dead letters"] = logging.WARNING
"""of what the core notes; all else is INFO"""


def machine() -> str:
    """This boot of the machine: as long as it lasts, the monotonic clock goes on. Empty where the kernel tells none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Daemon:
    def __init__(self, config: Config, variables: dict[str, str], state_dir: Path, boot_id: str) -> None:
        self._config = config
        self._state_dir = state_dir
        self._store = Store(state_dir)
        saved = self._store.open()
        self._plan = plan(config, __version__)
        start = Start(self._plan, variables, saved, VERSIONS[config.csms.versions[0]], boot_id, now(), machine())
        self._station, self._variables = assembled(start)
        self._recorder = Recorder(start)
        self._ring = LogRing()
        self._notifier = Notifier()
        self.restart: f.Restart | None = None
        """that the station has asked for"""
        self._connected_at: float | None = None
        at = now()
        self._wall_ahead_s = at.wall - at.mono
        """by how much the system's clock was ahead of the monotonic one at the start: else it was set since"""
        self._judged = False
        """the certificate of the CSMS was judged by a time that somebody had vouched for"""
        self._begun = True
        """the last certificate had begun; False where by the system's clock it had not"""

    def _dialect(self, subprotocol: str) -> Dialect:
        """Anew for each connection: what it learns of one CSMS need not hold for the next."""
        return load(subprotocol, self._plan, self._variables)

    # -- the life ------------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, at_once: asyncio.Event) -> f.Restart | None:
        """Until `stop`; returns a restart that the station asked for. Raises what a step raised, after making safe, and
        StandsStill where the disk does not take what is to be kept in time (`ending`), or before `at_once`."""
        loop = asyncio.get_running_loop()
        self._stop = stop
        self._writer = Writer(self._store, loop.call_soon_threadsafe, loop.call_later, self._commit_failed)
        self._engine = engine = Engine(self._station, self._writer, self._recorder.record)
        self._writer.on_unwritable, self._writer.on_sound = self._unwritable, self._writable
        self._writer.on_reopened = self._begin_anew
        self._link = self._make_link(engine)
        self._conversation = Conversation(self._dialect, self._link.send, engine.post, self._asked, self._link.answered)
        self._hardware = Hardware(self._config, self._state_dir, engine.post)
        self._local = self._make_local(engine)
        self._jobs = Jobs(Place(self._state_dir, self._gather, self._proxied, self._utc, self._dates), engine.post)
        self._dispatch(engine)
        control = self._control()
        # Before any hardware is touched: where another daemon answers, this one has no business.
        heard = self._open(control)
        if self._store.trouble:
            self._unwritable(self._store.trouble)
        self._writer.start()
        logging.getLogger().addHandler(self._ring)
        try:
            await self._live_until(stop, engine, control if heard else None)
        except Exception as error:
            self._write_down(error)
            raise
        finally:
            engine.stop()
            await self._end_storage(at_once)
            logging.getLogger().removeHandler(self._ring)
        return self.restart

    async def _live_until(self, stop: asyncio.Event, engine: Engine, control: ControlServer | None) -> None:
        async with asyncio.TaskGroup() as parts:
            tasks = [parts.create_task(self._link.run(), name="link")]
            hardware = parts.create_task(self._hardware.run(lambda: engine.post(e.PoweredUp())), name="hardware")
            if control:
                tasks.append(parts.create_task(control.run(), name="control"))
            tasks.append(parts.create_task(self._jobs.run(), name="jobs"))
            tasks.append(parts.create_task(disk.watch(self._state_dir, engine.post), name="disk"))
            tasks.append(parts.create_task(self._notifier.watchdog(lambda: engine.post(e.Ticked())), name="watchdog"))
            self._notifier.ready(self._summary())
            log.info("%s: running, %s", self._plan.id, self._summary())
            if why := disbelieved(self._station.context.clock, now()):
                log.warning("clock: %s", why)
            asyncio.get_running_loop().call_later(SETTLED_S, self._settled)
            ended = parts.create_task(stop.wait(), name="stop")
            await asyncio.wait((ended, engine.failed), return_when=asyncio.FIRST_COMPLETED)
            self._notifier.stopping()
            engine.stop()
            hardware.cancel()  # first, for what the others leave behind them may be at a disk that stands still
            await asyncio.wait((hardware,))
            for task in (*tasks, ended):
                task.cancel()
        if engine.failed.done():
            engine.failed.result()

    def _settled(self) -> None:
        codec.accelerate()
        self._recorder.settle()

    def _open(self, control: ControlServer) -> bool:
        """Take the control socket. Where it stands on the disk that cannot be written, the station does without it."""
        try:
            control.open()
        except CannotListen as error:
            if not (self._store.trouble and isinstance(error.__cause__, OSError)):
                raise
            log.warning("%s; chargepointctl cannot be answered until the disk can be written", error)
            return False
        return True

    def _write_down(self, error: Exception) -> None:
        """What led to a bug, for the report of it. Neither a full disk nor another bug must hide the bug itself."""
        from chargepointd.daemon.recording import write_report

        try:
            log.critical("what led to it is in %s", write_report(self._recorder.taken(), self._state_dir, repr(error)))
        except Exception as worse:
            log.critical("what led to it cannot be written: %s", worse, exc_info=not isinstance(worse, OSError))

    def _commit_failed(self, error: BaseException) -> None:
        log.critical("state: cannot be written: %s", error)
        self._engine.commit_failed(error)

    def _unwritable(self, error: Unwritable) -> None:
        log.critical("state: cannot be written, nobody may charge until it can: %s", error)
        self._engine.storage_failed(error.reason)

    def _begin_anew(self) -> None:
        log.warning("state: can be written, beginning anew with what is in it")
        self._restarting(f.Restart(False, "the disk can be written"))

    def _writable(self) -> None:
        log.info("state: can be written again")
        self._engine.storage_sound()

    async def _end_storage(self, at_once: asyncio.Event) -> None:
        from chargepointd.daemon.ending import until_kept, words  # not before there is an end

        await until_kept(self._writer, at_once)
        try:
            self._writer.stop()
            if self._store.trouble:  # it never could be written
                raise self._store.trouble
        except Unwritable as error:
            left = words(self._writer.left())
            log.critical("state: could not be written, and is lost: %s; no record of it was told; %s", left, error)
            if self.restart is None:
                raise

    # -- the parts -----------------------------------------------------------------------------------------------------

    def _make_link(self, engine: Engine) -> Link:
        variables = self._variables

        def retry() -> Retry:
            return Retry(
                variables.integer("OCPPCommCtrlr.RetryBackOffWaitMinimum"),
                variables.integer("OCPPCommCtrlr.RetryBackOffRandomRange"),
                variables.integer("OCPPCommCtrlr.RetryBackOffRepeatTimes"),
            )

        link = Link(
            profile=self._way,
            retry=retry,
            on_open=self._opened,
            on_text=lambda text: self._conversation.heard(text),
            on_close=self._closed,
            on_failed=self._unreachable,
            ping_interval=lambda: float(variables.integer("OCPPCommCtrlr.WebSocketPingInterval")),
        )
        engine.hold = lambda full: link.pause_reading() if full else link.resume_reading()
        engine.stepped = self._notifier.stepped
        return link

    def _asked(self) -> None:
        self._link.asked(self._variables.integer("OCPPCommCtrlr.MessageTimeout[Default]"))

    def _utc(self) -> float | None:
        clock = self._station.context.clock
        return clock.utc(time.monotonic()) if clock.sure else None

    def _known_time(self, at: Now, *, begun: bool = True) -> tuple[float | None, bool]:
        was_set = abs(at.wall - at.mono - self._wall_ahead_s) > SET_S
        return known_time(self._station.context.clock, at, was_set=was_set, begun=begun)

    def _dates(self) -> Callable[[Any], str] | None:
        """Who judges those of a file server's certificates: as those of the CSMS are judged."""
        from chargepointd.link.tls import term, untimely

        utc, sure = self._known_time(now())
        if utc is None:
            return None
        return lambda secured: untimely(*term(secured, secured.getpeercert()), utc, sure=sure)

    def _proxied(self, host: str, secure: bool) -> tuple[str, int, str] | None:
        return proxied(self._config.csms.proxy, host, secure)

    def _way(self) -> Profile:
        station = self._station
        wildcards = self._variables.boolean("SecurityCtrlr.AllowCSMSTLSWildcards")
        time = self._known_time(now(), begun=self._begun)
        self._judged, self._begun = station.context.clock.vouched, True
        return profile(
            self._config.csms, self._plan.id, station.network, station.certificates, self._state_dir,
            wildcards=wildcards, time=time,
        )  # fmt: skip

    def _opened(self, subprotocol: str) -> None:
        self._connected_at = time.time()
        link = self._link
        self._conversation.opened(
            subprotocol, link.certificate_until, link.root, link.certificate_from, judged=self._judged
        )
        self._notifier.status(self._summary())

    def _closed(self, ended: Ended) -> None:
        self._connected_at = None
        self._conversation.closed(ended.reason)
        self._notifier.status(self._summary())

    def _unreachable(self, ended: Ended) -> None:
        self._begun = not ended.early
        self._notifier.status(f"{self._summary()}: {ended.reason}"[:200])
        self._engine.post(e.LinkFailed(ended.kind, ended.reason))

    def _make_local(self, engine: Engine) -> Local:
        plan = self._plan
        identity = {
            "id": plan.id,
            "vendor": plan.vendor,
            "model": plan.model,
            "serial_number": plan.serial_number,
            "firmware_version": plan.firmware_version,
        }
        evses = {evse.id: tuple(c.id for c in evse.connectors) for evse in plan.evses}
        local = Local(engine.post, self._hardware, self._variables, evses, identity, self._link_status)
        local.read_dead = self._read_dead
        local.barred = self._barred
        local.utc = self._station.context.clock.utc
        local.spoken = lambda: self._dialect(self._link.subprotocol or VERSIONS[self._config.csms.versions[0]])
        return local

    def _barred(self, token: str) -> str:
        sessions = [evse.session for evse in self._station.evses.values()]
        here = any(each.token and each.token.value.casefold() == token.casefold() for each in sessions)
        context = self._station.context
        if context.unkept and not here:
            return f"nothing can be kept: {context.unkept}; {ROOM}"
        return "" if here else context.suspect

    def _read_dead(self, after_id: int, limit: int, read: Callable[[Any], object]) -> None:
        from chargepointd.daemon.dead_letters import ask

        if unkept := self._station.context.unkept:  # the thread that reads waits for the disk
            raise ControlError(REFUSED, f"nothing can be kept: {unkept}")
        ask(self._writer, self._engine.post, read, after_id=after_id, limit=limit)

    def _control(self) -> ControlServer:
        control = self._config.control
        methods = self._local.methods()
        methods["pics"] = self._pics
        methods["bundle"] = self._bundle
        if "sim.plug_in" in methods:
            from chargepointd.daemon.transactions import Transactions

            methods["sim.disconnect"] = self._disconnect
            methods["sim.connect"] = self._reconnect
            methods["sim.transactions"] = Transactions(self._local, self._hardware.read_meter, methods).make
        path = control.socket if control.socket.is_absolute() else self._state_dir / control.socket
        return ControlServer(path, control.group, methods, self._local.subscribe)

    async def _disconnect(self, params: dict[str, Any]) -> Any:
        self._link.suspend()
        return {"taken": True}

    async def _reconnect(self, params: dict[str, Any]) -> Any:
        self._link.resume()
        return {"taken": True}

    async def _pics(self, params: dict[str, Any]) -> Any:
        """Of the version that is asked for, that is in use, or that comes first in the configuration."""
        from chargepointd.daemon.pics import statement

        spoken = (self._link.subprotocol or VERSIONS[self._config.csms.versions[0]]).removeprefix("ocpp")
        version = params.get("version", spoken)
        triggers = self._station.remote.offered_triggers
        answers = statement(version, self._config, self._plan, self._variables, triggers)
        return {"version": version, "answers": [answer._asdict() for answer in answers]}

    async def _gather(self, oldest: float | None, latest: float | None, *, whole: bool = False) -> Parts:
        """The parts of the archive."""
        from chargepointd.daemon.bundle import Bundle

        asks = self._local.methods()
        return await Bundle(self._config, self._state_dir, self._ring, self._recorder, asks, self._clock_facts).gather(
            oldest, latest, whole=whole
        )

    async def _bundle(self, params: dict[str, Any]) -> Any:
        from chargepointd.daemon.bundle import packed

        asked_at, since = time.time(), params.get("since_s")
        parts = await self._gather(None if since is None else asked_at - since, None, whole=True)
        return await packed(self._plan.id, asked_at, parts)

    def _clock_facts(self) -> dict[str, Any]:
        moment, clock = now(), self._station.context.clock
        return {
            "station": format_time(clock.utc(moment.mono)),
            "known": clock.how,
            "system": format_time(moment.wall),
            "monotonic_s": moment.mono,
        }

    def _dispatch(self, engine: Engine) -> None:
        engine.performers = dict.fromkeys(self._hardware.performed, self._hardware.perform) | {
            f.SendCall: self._conversation.call,
            f.AskWhenSent: self._conversation.when_sent,
            f.Respond: self._conversation.respond,
            f.Refuse: self._conversation.refuse,
            f.ReplyLocally: self._local.answer,
            f.LoadRecords: self._load_records,
            f.LoadDead: self._load_dead,
            f.StartJob: self._jobs.start,
            f.StopJob: self._jobs.stop,
            f.Note: self._note,
            f.Reconnect: self._connect_anew,
            f.PingAnew: lambda effect: self._link.ping_changed(),
            f.Restart: self._restarting,
            f.IdentifyStation: self._identify,
        }

    def _load_records(self, load: f.LoadRecords) -> None:
        self._writer.ask(
            lambda store: store.waiting(load.after_id, load.limit),
            lambda read: self._engine.post(e.RecordsLoaded(load.topic, load.ticket, *read)),
        )

    def _load_dead(self, load: f.LoadDead) -> None:
        from chargepointd.daemon.dead_letters import ask

        def loaded(found: Any) -> None:
            read = ((), str(found)) if isinstance(found, StoreError) else (found,)
            self._engine.post(e.DeadLoaded(load.ticket, *read))

        ask(self._writer, self._engine.post, loaded, load.record_ids, limit=load.limit)

    def _note(self, note: f.Note) -> None:
        where = f"evse {note.evse_id}: " if note.evse_id else ""
        log.log(_LEVELS.get(note.kind, logging.INFO), "%s%s: %s", where, note.kind, note.text)
        self._local.note(note)
        if note.kind == "storage":
            self._notifier.status(self._summary())

    def _connect_anew(self, effect: f.Reconnect) -> None:
        self._link.close(reason=effect.reason)
        if effect.at_once:
            self._link.retry_now()

    def _identify(self, effect: f.IdentifyStation) -> None:
        from base64 import b64decode

        from chargepointd.jobs.keystore import KeyStore

        store, use = KeyStore(self._state_dir), "V2GCertificateChain"
        chain = store.certificate(use, effect.name) if effect.name else None
        key = store.key(use, effect.name) if effect.name else None
        self._hardware.identify(chain, key, tuple(b64decode(each) for each in effect.ocsp))

    def _restarting(self, effect: f.Restart) -> None:
        self.restart = effect
        self._stop.set()

    # -- what is told of it --------------------------------------------------------------------------------------------

    def _summary(self) -> str:
        url, context = masked(self._station.network.profile.url), self._station.context
        trouble = f"{context.suspect}; " if context.suspect else ""
        trouble = f"nothing can be kept, nobody may charge: {context.unkept}; " if context.unkept else trouble
        link = f"connected to {url} by {self._link.subprotocol}" if self._link.connected else f"not connected to {url}"
        return trouble + link

    def _link_status(self) -> dict[str, Any]:
        return {
            "url": self._station.network.profile.url,
            "proxy": self._link.proxy,
            "slot": self._station.network.slot,
            "security_profile": self._station.network.profile.security_profile,
            "connected": self._link.connected,
            "subprotocol": self._link.subprotocol,
            "since": format_time(self._station.context.clock.utc(self._link.since)),
            "offline_s": None if self._link.connected else round(time.monotonic() - self._link.since, 1),
        }
