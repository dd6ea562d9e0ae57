"""The methods of the control socket: the same events as all else."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from chargepointd.control.protocol import INVALID_PARAMS, ControlError, unknown_evse
from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.charging.external import LimitLocally
from chargepointd.core.local_list import ShowToken
from chargepointd.core.network import ResetNetwork
from chargepointd.core.values import Token
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.codec import format_time
from chargepointd.hardware.hardware import Hardware

if TYPE_CHECKING:
    from chargepointd.core.charging.profile import Schedule
    from chargepointd.core.dead_letters import DeadLetter
    from chargepointd.dialects.dialect import Dialect

log = logging.getLogger(__name__)

REFUSED, UNKNOWN_PLACE, NOT_HERE = 1, 2, 4

LETTERS = 200
"""records that were set aside, in one answer"""

Method = Callable[[dict[str, Any]], Awaitable[Any]]


class Local:
    """`evses`: connector ids by EVSE id. `link_status` gives the CSMS part of `status`."""

    def __init__(
        self,
        post: Callable[[e.Event], None],
        hardware: Hardware,
        variables: Registry,
        evses: Mapping[int, tuple[int, ...]],
        identity: Mapping[str, Any],
        link_status: Callable[[], dict[str, Any]],
    ) -> None:
        self._post = post
        self._hardware = hardware
        self._variables = variables
        self._evses = evses
        self._identity = identity
        self._link_status = link_status
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._next_id = 0
        self.read_dead: Callable[[int, int, Callable[[Any], object]], None]
        """the records that were set aside, behind an id, at most so many"""
        self.barred: Callable[[str], str] = lambda token: ""
        """why nobody can begin with this token, for the disk's sake, and what to do; empty: somebody can, or it may end
        what it began"""
        self.spoken: Callable[[], Dialect]
        """the dialect in use, or the one that comes first"""
        self._watchers: list[Callable[[dict[str, Any]], None]] = []
        self._started = time.monotonic()
        self.utc: Callable[[float], float] = lambda mono: time.time() - (time.monotonic() - mono)
        """the station's time at a moment of the monotonic clock: UTC, s since 1970"""

    def methods(self) -> dict[str, Method]:
        return {
            "status": self._status,
            "start": self._start,
            "stop": self._stop,
            "availability": self._availability,
            "get": self._get,
            "set": self._set,
            "unlock": self._unlock,
            "reset": self._reset,
            "reset_csms": self._reset_csms,
            "limit": self._limit,
            "grid": self._grid,
            "outbox": self._outbox,
            "schedule": self._schedule,
            "profiles": self._profiles,
            "drivers": self._drivers,
            "security_log": self._security_log,
            "list": self._list,
            "reservations": self._reservations,
        } | self._simulated()

    # -- from the engine -----------------------------------------------------------------------------------------------

    def answer(self, effect: f.ReplyLocally) -> None:
        future = self._asked.pop(effect.request_id, None)
        if future is not None and not future.done():
            reply = effect.reply
            # The methods write times into it, and the effect is recorded as it was.
            future.set_result(c.Shown(deepcopy(reply.data)) if isinstance(reply, c.Shown) else reply)

    def note(self, effect: f.Note) -> None:
        """Tell those who watch."""
        if not self._watchers:
            return
        event: dict[str, Any] = {
            "at": format_time(self.utc(time.monotonic())),
            "kind": effect.kind,
            "text": effect.text,
        }
        if effect.evse_id:
            event["evse"] = effect.evse_id
        for watcher in tuple(self._watchers):
            watcher(event | effect.data)

    def subscribe(self, watcher: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    async def ask(self, command: c.Command) -> Any:
        self._next_id += 1
        request_id = self._next_id
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[request_id] = future
        try:
            self._post(e.ControlAsked(request_id, command))
            return await future
        finally:
            self._asked.pop(request_id, None)

    async def told(self, command: c.Command) -> Any:
        """As `ask`, of what answers with more than a status, unless it is refused: while nothing can be kept."""
        reply = await self.ask(command)
        if isinstance(reply, c.Status):
            raise ControlError(REFUSED, reply.reason)
        return reply

    # -- the methods ---------------------------------------------------------------------------------------------------

    async def _status(self, params: dict[str, Any]) -> Any:
        shown = (await self.ask(c.ShowStatus())).data
        started_at, up_s = format_time(self.utc(self._started)), round(time.monotonic() - self._started, 1)
        station = {**self._identity, "started_at": started_at, "uptime_s": up_s}
        for evse in shown["evses"]:
            session = evse.get("session", {})
            if "started_at" in session:
                session["started_at"] = format_time(session["started_at"])
            money = evse.get("money", {})
            if money.get("cost_at") is not None:
                money["cost_at"] = format_time(money["cost_at"])
        _write_expiries(shown["reservations"])
        _write_dropped(shown["outbox"])
        oldest = shown["outbox"].pop("oldest_at")
        if oldest is not None:
            shown["outbox"]["oldest_at"] = format_time(oldest)
        csms = {**self._link_status(), "registration": shown.pop("registration")}
        now_s, offset_s = shown["time"], shown.pop("time_offset_s")
        clock = {"time": format_time(now_s), "local_time": format_time(now_s + offset_s)[:19].replace("T", " ")}
        return {"station": station, "csms": csms, **shown, **clock}

    def _place(self, params: dict[str, Any]) -> tuple[int, int]:
        evse, connector = params.get("evse", 0), params.get("connector", 0)
        if evse and evse not in self._evses:
            raise unknown_evse(evse, self._evses)
        if connector and connector not in self._evses[evse]:
            known = ", ".join(map(str, self._evses[evse]))
            raise ControlError(UNKNOWN_PLACE, f"connector: EVSE {evse} has no connector {connector}; known: {known}")
        return evse, connector

    async def _start(self, params: dict[str, Any]) -> Any:
        evse, _ = self._place(params)
        self._check_disk(params["token"])
        self._post(e.TokenPresented(Token(params["token"], params.get("type", "ISO14443")), (evse,)))
        return {"taken": True}

    def _check_disk(self, token: str) -> None:
        if reason := self.barred(token):
            raise ControlError(REFUSED, f"nobody can begin, for {reason}")

    async def _stop(self, params: dict[str, Any]) -> Any:
        self._place(params)
        status = await self.ask(c.StopLocally(params.get("evse", 0), params.get("transaction_id")))
        if status.status != "Accepted":
            raise ControlError(REFUSED, status.reason)
        return {"taken": True}

    async def _availability(self, params: dict[str, Any]) -> Any:
        return _plain(await self.ask(c.ChangeAvailability(params["operative"], *self._place(params))))

    async def _grid(self, params: dict[str, Any]) -> Any:
        """What a back-up supply's own program has noticed."""
        self._post(e.GridChanged(params["lost"]))
        return {"taken": True}

    async def _unlock(self, params: dict[str, Any]) -> Any:
        evse, connector = self._place(params)
        return _plain(await self.ask(c.UnlockConnector(evse, connector or self._evses[evse][0])))

    async def _reset(self, params: dict[str, Any]) -> Any:
        evse, _ = self._place(params)
        mode = params["mode"]
        return _plain(await self.ask(c.Reset(mode == "onidle", evse, resumes=mode == "resume")))

    async def _reset_csms(self, params: dict[str, Any]) -> Any:
        return _plain(await self.ask(ResetNetwork()))

    async def _limit(self, params: dict[str, Any]) -> Any:
        """From outside: an EMS on this machine."""
        evse, _ = self._place(params)
        act, amps, watts = params["act"], params.get("current_a"), params.get("power_w")
        if (act == "set") != ((amps is None) != (watts is None)) or (act != "set" and (amps, watts) != (None, None)):
            raise ControlError(INVALID_PARAMS, "set takes exactly one of current_a and power_w, the others none")
        command = LimitLocally(act, evse, "A" if watts is None else "W", amps or watts or 0.0, params.get("for_s"))
        if act != "show":
            return _plain(await self.ask(command))
        reply = await self.told(command)
        for limit in reply.data["limits"]:
            limit["until"] = None if limit["until"] is None else format_time(limit["until"])
        return reply.data

    async def _outbox(self, params: dict[str, Any]) -> Any:
        act = params.get("act", "waiting")
        if act in ("dead", "export"):
            return await self._dead(params, in_full=act == "export")
        if act != "waiting":
            ids = tuple(params.get("ids", ()))
            if act == "forget" and not ids:
                raise ControlError(INVALID_PARAMS, "ids: missing; expected those that are to be dropped")
            return (await self.told(c.MindDead(act, ids))).data
        shown = (await self.ask(c.ShowOutbox(params.get("limit", 50)))).data
        for message in shown["messages"]:
            message["at"] = format_time(message["at"])
        _write_dropped(shown)
        return shown

    async def _dead(self, params: dict[str, Any], *, in_full: bool) -> Any:
        """Past the station, which knows only how many there are."""
        from chargepointd.daemon.dead_letters import exported, listed

        limit = min(params.get("limit", LETTERS), LETTERS)
        read: asyncio.Future[tuple[DeadLetter, ...]] = asyncio.get_running_loop().create_future()

        def answered(found: "tuple[DeadLetter, ...] | Exception") -> None:
            if read.done():
                return
            if isinstance(found, Exception):
                read.set_exception(ControlError(REFUSED, str(found)))
            else:
                read.set_result(found)

        self.read_dead(params.get("after", 0), limit + 1, answered)
        found = await read
        letters = found[:limit]
        if in_full:
            if letters:
                log.warning("outbox: %d of the records set aside are exported, with tokens in full", len(letters))
            dialect = self.spoken()
            shown = [{"station": self._identity["id"]} | exported(letter, dialect) for letter in letters]
        else:
            shown = [listed(letter) for letter in letters]
        return {"letters": shown, "more": len(found) > limit}

    async def _security_log(self, params: dict[str, Any]) -> Any:
        shown = (await self.ask(c.ShowSecurityLog(params.get("limit", 50)))).data
        for event in shown["events"]:
            event["at"] = format_time(event["at"])
        return shown

    async def _reservations(self, params: dict[str, Any]) -> Any:
        reservations = (await self.ask(c.ShowStatus())).data["reservations"]
        _write_expiries(reservations)
        return {"reservations": reservations}

    async def _schedule(self, params: dict[str, Any]) -> Any:
        from chargepointd.core.charging.schedules import GetCompositeSchedule

        evse, _ = self._place(params)
        asked = GetCompositeSchedule(evse, params.get("duration", 86_400), params.get("unit"))
        reply = await self.told(asked)
        return _shown_schedule(evse, reply.schedule)

    async def _profiles(self, params: dict[str, Any]) -> Any:
        from chargepointd.core.charging.profiles import ShowProfiles

        shown = (await self.ask(ShowProfiles())).data
        for profile in shown["profiles"]:
            for name in ("starts_at", "valid_from", "valid_to"):
                if name in profile:
                    profile[name] = format_time(profile[name])
        return shown

    async def _list(self, params: dict[str, Any]) -> Any:
        token = Token(params["token"], params.get("type", "ISO14443")) if "token" in params else None
        shown = (await self.ask(ShowToken(token))).data
        if "expires_at" in shown:
            shown["expires_at"] = format_time(shown["expires_at"])
        return shown

    # -- variables -----------------------------------------------------------------------------------------------------

    async def _get(self, params: dict[str, Any]) -> Any:
        from chargepointd.daemon.variables import known, shown  # a technician asks: a start needs it not

        if "prefix" in params:
            got = await self.ask(c.ListVariables(params["prefix"]))
        else:
            names = params.get("variables") or [params["variable"]]
            got = await self.ask(c.GetVariables(tuple((known(name, self._variables), "Actual") for name in names)))
        return {"variables": [shown(item, self._variables) for item in got.items]}

    async def _set(self, params: dict[str, Any]) -> Any:
        from chargepointd.daemon.variables import known

        ref = known(params["variable"], self._variables)
        value = (ref, params.get("attribute", "Actual"), params["value"])
        result = (await self.told(c.SetVariables((value,)))).items[0]
        return {"status": result.status} | ({"reason": result.reason} if result.reason else {})

    # -- drivers -------------------------------------------------------------------------------------------------------

    async def _drivers(self, params: dict[str, Any]) -> Any:
        from chargepointd.daemon.devices import shown  # a technician asks: a start needs it not

        now, supervisors, used_by = time.monotonic(), self._hardware.supervisors.values(), self._hardware.used_by
        return {"drivers": [shown(supervisor.status(), used_by, now, self.utc) for supervisor in supervisors]}

    # -- the simulator -------------------------------------------------------------------------------------------------

    def _simulated(self) -> dict[str, Method]:
        """What a simulated world offers; nothing where there is none."""
        if not any(d.driver.name == "simulator" for d in self._hardware.drivers):
            return {}
        names = (
            "plug_in",
            "plug_out",
            "drive_in",
            "drive_out",
            "swipe",
            "press",
            "contract",
            "want_contract",
            "pause",
            "resume",
            "raise_error",
            "clear_error",
            "meter",
            "contact",
            "site",
            "state",
            "display",
        )
        return {f"sim.{name}": self._sim(f"sim.{name}") for name in names}

    def _sim(self, method: str) -> Method:
        async def call(params: dict[str, Any]) -> Any:
            if params.get("evse"):
                self._place(params)
            if method == "sim.swipe":
                self._check_disk(params["token"])
            try:
                return await self._hardware.controls().call(method, params)
            except LookupError as error:
                raise ControlError(NOT_HERE, f"{method}: {error.args[0]}") from None
            except ValueError as error:
                raise ControlError(REFUSED, str(error)) from None

        return call


def _shown_schedule(evse: int, schedule: "Schedule") -> dict[str, Any]:
    starts_at = schedule.starts_at or 0
    periods = []
    for period in schedule.periods:
        shown = {"at": format_time(starts_at + period.start_s)} | period._asdict()
        periods.append({name: value for name, value in shown.items() if value is not None})
    return {
        "evse": evse,
        "starts_at": format_time(starts_at),
        "duration_s": schedule.duration_s,
        "unit": schedule.unit,
        "periods": periods,
    }


def _plain(status: c.Status) -> dict[str, Any]:
    return {"status": status.status} | ({"reason": status.reason} if status.reason else {})


def _write_dropped(outbox: dict[str, Any]) -> None:
    dropped = outbox.pop("dropped")
    if dropped:
        outbox["dropped"] = {**dropped, "at": format_time(dropped["at"])}


def _write_expiries(reservations: list[dict[str, Any]]) -> None:
    for each in reservations:
        each["expires_at"] = format_time(each["expires_at"])
