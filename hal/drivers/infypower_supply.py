"""Several InfyPower modules as one DC supply: shares, orders and their proof, who takes part."""

import asyncio
import logging
import math
import time
from typing import NamedTuple

from hal.drivers import infypower_protocol as infy
from hal.drivers.infypower_link import ACKNOWLEDGE_S, ANSWER_S, SILENT, Link, Module
from hal.errors import DeviceFault, HalError, NotConnected
from hal.readings import DcCapability, DcReading

log = logging.getLogger(__name__)

REPEAT_S = 0.8
PROBE_S = 5.0
SWITCH_S = 3.0
SAFE_A = 1.0


class Limits(NamedTuple):
    """What a person allows one module, where that is less than its rating plate says."""

    max_voltage_v: float | None = None
    max_current_a: float | None = None
    max_power_w: float | None = None


class Look(NamedTuple):
    """One module's answers."""

    module: Module
    taken_at: float
    output: infy.Output
    status: infy.Status


class Supply:
    """A DcSupply. `run` must run while it is used."""

    def __init__(
        self, link: Link, modules: tuple[Module, ...], name: str, limits: Limits, group: int | None, lost_after_s: float
    ) -> None:
        self._link = link
        self._modules = modules
        self._name = name
        self._limits = limits
        self._group = group
        self._lost_after_s = lost_after_s
        self._set_point: infy.Output | None = None
        self._on = False
        self._proven_on = False
        self._kick = asyncio.Event()
        self._repeated_at = 0.0
        self._reading = asyncio.Lock()
        self._last: DcReading | None = None
        self._last_at = 0.0
        self._turn = 0

    # ---- what a DcSupply can do

    async def read(self) -> DcReading:
        """Fresh values of all modules that answer; 2 frames a module and one, so 0.1 s each at the usual pace.

        Who asks while a round is under way gets its result. voltage_v is the highest, current_a the sum; a module that
        has just fallen silent is missing in the sum until `lost_after_s`, when `fault` tells of it. available_a is
        asked of one module a round, the others' part in it is as many rounds older. Raises NotConnected when no module
        answers, DeviceFault when none has for `lost_after_s` or those that answer refuse.
        """
        asked_at = time.monotonic()
        async with self._reading:
            if self._last is None or self._last_at < asked_at:
                self._last = None
                self._last = await self._read_all()
                self._last_at = time.monotonic()
            return self._last

    async def _read_all(self) -> DcReading:
        asked = self._active()
        looks = [look for module in asked if (look := await self._look(module))]
        if any(self._needs_care(module) for module in self._modules):
            self._kick.set()
        if not looks:
            raise self._nothing(asked)
        return DcReading(
            taken_at=min(look.taken_at for look in looks),
            voltage_v=max(look.output.voltage_v for look in looks),
            current_a=sum(look.output.current_a for look in looks),
            on=any(not look.status.off for look in looks),
            fault="; ".join(self._faults(looks)),
            temperature_c=max(look.status.temperature_c for look in looks),
            available_a=await self._available([look.module for look in looks]),
        )

    async def capability(self) -> DcCapability:
        """The sum of the rating plates of the modules that take part now. DeviceFault when there is none."""
        ratings = [self._limited(module) for module in self._active()]
        return DcCapability(
            max_voltage_v=min(rating.max_voltage_v for rating in ratings),
            min_voltage_v=max(rating.min_voltage_v for rating in ratings),
            max_current_a=sum(rating.max_current_a for rating in ratings),
            max_power_w=sum(rating.max_power_w for rating in ratings),
        )

    async def set(self, voltage_v: float, current_a: float) -> None:
        """Shares the current equally; more than the modules can give is cut to what they can.

        Raises ValueError for what is no voltage or current, DeviceFault for a voltage the modules cannot give (0 V is
        taken while the supply is off, and means: none) or when a module refuses.
        """
        if not (math.isfinite(voltage_v) and math.isfinite(current_a) and voltage_v >= 0 and current_a >= 0):
            raise ValueError(f"no set point: {voltage_v} V, {current_a} A")
        if voltage_v == 0 and not self._on:
            self._set_point = None
            return
        can = await self.capability()
        if not can.min_voltage_v <= voltage_v <= can.max_voltage_v:
            raise DeviceFault(f"{voltage_v:g} V is not in {can.min_voltage_v:g} to {can.max_voltage_v:g} V")
        self._set_point = infy.Output(voltage_v, current_a)
        await self._send_set_points()
        self._raise_refusals()

    async def on(self) -> None:
        """Output on, after the set points. Returns when every module that answers says it is on.

        Raises DeviceFault, and switches off again, when one is not after 3 s or reports a fault. It needs a set point.
        """
        if self._set_point is None:
            raise DeviceFault("no set point: a voltage must be set before the supply is switched on")
        self._on = True
        try:
            await self._send_set_points()
            self._raise_refusals()
            await self._until_on()
        except BaseException:
            self._forget_on()
            await self._command_off()
            raise
        self._proven_on = True
        self._kick.set()

    async def off(self) -> None:
        """Output off. Returns when every module says it is off and together they measure less than 1 A.

        Raises DeviceFault after 3 s, NotConnected when the port is lost; the order is given in any case, and without
        frames the modules switch off by themselves after 10 s.
        """
        self._forget_on()
        lacking = "no answer yet"
        try:
            async with asyncio.timeout(SWITCH_S):
                while lacking:
                    await self._command_off()
                    lacking = await self._not_off()
        except TimeoutError:
            raise DeviceFault(f"not switched off after {SWITCH_S:g} s: {lacking}") from None

    # ---- life

    async def start(self) -> None:
        """Everything off, and who is there. NotConnected when nobody is, DeviceFault when one does not switch off."""
        await self._command_off()
        for module in self._modules:
            module.active = await self._meet(module)
            module.probe_at = time.monotonic() + PROBE_S
        if not any(module.active for module in self._modules):
            raise NotConnected("; ".join(f"{module} {module.trouble}" for module in self._modules))
        for module in self._modules:
            if not module.active:
                log.warning("%s: %s %s", self._name, module, module.trouble)
        if await self._not_off():
            await self.off()

    async def run(self) -> None:
        """Repeats the set points while on, sleeps while off; NotConnected when no module is left."""
        while any(module.active for module in self._modules):
            try:
                async with asyncio.timeout(self._repeated_at + REPEAT_S - time.monotonic() if self._on else None):
                    await self._kick.wait()
            except TimeoutError:
                pass
            self._kick.clear()
            if self._on:
                await self._repeat()
            await self._settle()
        raise NotConnected(f"no module has answered for {self._lost_after_s:g} s")

    async def _repeat(self) -> None:
        """A set() meanwhile counts. Whom neither an acknowledgement nor a reading has let us hear is asked."""
        before = time.monotonic() - REPEAT_S
        if self._repeated_at <= before:
            await self._send_set_points()
        for module in self._modules:
            if module.active and module.heard_at < before:
                await self._link.ask(module)

    # ---- who takes part: changed by `run` alone, so that a cancelled call leaves nothing half done

    def _active(self) -> list[Module]:
        active = [module for module in self._modules if module.active]
        if not active:
            raise DeviceFault("no module is left: " + "; ".join(f"{m} {m.trouble}" for m in self._modules))
        return active

    async def _settle(self) -> None:
        """Leaves out who was silent for too long, looks for who was left out."""
        for module in filter(self._needs_care, self._modules):
            await (self._leave_out(module) if module.active else self._look_for(module))

    def _needs_care(self, module: Module) -> bool:
        if module.active:
            return module.silent_s >= self._lost_after_s
        return time.monotonic() >= module.probe_at

    async def _leave_out(self, module: Module) -> None:
        log.warning("%s: %s lost: silent for %g s", self._name, module, self._lost_after_s)
        module.active = False
        module.probe_at = time.monotonic() + PROBE_S
        await self._switch(module, infy.OFF)  # it may still hear, and what it hears keeps it on
        if self._on and any(module.active for module in self._modules):
            await self._send_set_points()  # the others take its share

    async def _look_for(self, module: Module) -> None:
        module.probe_at = time.monotonic() + PROBE_S
        await self._switch(module, infy.OFF)
        if not await self._meet(module, ACKNOWLEDGE_S):
            return
        log.info("%s: %s is back", self._name, module)
        module.active = True
        if self._on:
            await self._send_set_points()  # the others' shares shrink before this one begins
            await self._switch_on(module)

    async def _meet(self, module: Module, patience_s: float = ANSWER_S) -> bool:
        if await self._link.ask(module, infy.READ_STATUS, patience_s) is None:
            return False
        rating = await self._link.ask(module, infy.READ_RATING)
        if rating is None:
            return False
        module.rating = infy.decode_rating(rating)
        module.tells_available, module.available_a = True, None
        return True

    # ---- orders

    async def _send_set_points(self) -> None:
        self._repeated_at = time.monotonic()
        for module in self._active():
            if self._set_point is None:
                return
            voltage_v, total_a = self._set_point
            most = self._limited(module)
            share_a = min(total_a / len(self._active()), most.max_current_a, most.max_power_w / voltage_v)
            await self._link.tell(module, infy.SET_POINT, infy.encode_set_point(voltage_v, share_a))

    def _raise_refusals(self) -> None:
        refusals = [f"{module} {module.refusal}" for module in self._active() if module.refusal]
        if refusals:
            raise DeviceFault("; ".join(refusals))

    async def _switch(self, module: Module, data: bytes) -> None:
        await self._link.send(infy.ONE, module.address, infy.SWITCH, data)

    async def _switch_on(self, module: Module) -> None:
        if self._on:  # no await between this and the queue of the port: an off() meanwhile is sent after it
            await self._switch(module, infy.ON)

    async def _command_off(self) -> None:
        """To all, also those that do not answer: they may still hear."""
        if self._group is not None:
            await self._link.send(infy.GROUP, self._group, infy.SWITCH, infy.OFF)
        for module in self._modules:
            await self._switch(module, infy.OFF)

    def _forget_on(self) -> None:
        self._on = self._proven_on = False

    async def _until_on(self) -> None:
        lacking = "no module answers"
        try:
            async with asyncio.timeout(SWITCH_S):
                while lacking:
                    lacking = await self._not_on()
        except TimeoutError:
            raise DeviceFault(f"not switched on after {SWITCH_S:g} s: {lacking}") from None

    async def _not_on(self) -> str:
        """Switches on who is not, and says who was not. A silent module does not hold up the others."""
        modules = self._active()
        for module in modules:
            await self._switch_on(module)
        answers = [(module, infy.decode_status(data)) for module in modules if (data := await self._link.ask(module))]
        if not self._on:
            raise DeviceFault("switched off while switching on")
        faults = [f"{module}: {text}" for module, status in answers for text in status.faults]
        if faults:
            raise DeviceFault("; ".join(faults))
        return ", ".join(f"{module} is off" for module, status in answers if status.off) if answers else "no answer"

    async def _not_off(self) -> str:
        total_a, lacking = 0.0, []
        for module in self._active():
            output = await self._link.ask(module, infy.READ_OUTPUT)
            status = await self._link.ask(module) if output else None
            measured = infy.decode_output(output) if output else None
            if measured is None or status is None:
                lacking.append(f"{module} {module.trouble or 'sends no numbers'}")
                continue
            total_a += abs(measured.current_a)
            if not infy.decode_status(status).off:
                lacking.append(f"{module} says it is on")
        if total_a >= SAFE_A:
            lacking.append(f"{total_a:.1f} A still flow")
        return ", ".join(lacking)

    # ---- reading

    async def _look(self, module: Module) -> Look | None:
        taken_at = time.monotonic()
        output = await self._link.ask(module, infy.READ_OUTPUT)
        if output is None and module.silent_s == 0.0 and module.trouble == SILENT:  # one lost frame is no news
            taken_at = time.monotonic()
            output = await self._link.ask(module, infy.READ_OUTPUT)
        status = await self._link.ask(module) if output else None
        if output is None or status is None:
            return None
        measured = infy.decode_output(output)
        if measured is None:
            module.trouble = "sends no numbers"
            return None
        return Look(module, taken_at, measured, infy.decode_status(status))

    async def _available(self, modules: list[Module]) -> float | None:
        """Of these together. The first time all are asked, then one after the other in turn."""
        self._turn += 1
        for place, module in enumerate(modules):
            if module.available_a is None or place == self._turn % len(modules):
                await self._ask_available(module)
        known = [module.available_a for module in modules if module.available_a is not None]
        return sum(known) if len(known) == len(modules) else None

    async def _ask_available(self, module: Module) -> None:
        if not module.tells_available:
            return
        data = await self._link.ask(module, infy.READ_AVAILABLE)
        if data is not None:
            module.available_a = min(infy.decode_available(data), self._limited(module).max_current_a)
        else:
            module.available_a = None
            module.tells_available = module.error != infy.COMMAND_INVALID  # older firmware

    def _faults(self, looks: list[Look]) -> list[str]:
        texts = [f"{look.module}: {text}" for look in looks for text in look.status.faults]
        texts += [f"{look.module}: {look.module.refusal}" for look in looks if look.module.refusal]
        if self._proven_on:
            texts += [f"{look.module}: has switched itself off" for look in looks if look.status.off]
        return texts + [f"{module}: {module.trouble}" for module in self._modules if not module.active]

    def _nothing(self, asked: list[Module]) -> HalError:
        text = "; ".join(f"{module} {module.trouble}" for module in asked)
        if not any(module.active for module in self._modules):
            return DeviceFault(f"no module is left: {text}")
        waiting = any(module.trouble == SILENT or module.error == infy.STARTING for module in asked)
        return NotConnected(text) if waiting else DeviceFault(text)

    def _limited(self, module: Module) -> infy.Rating:
        rating, limits = module.rating, self._limits
        assert rating is not None, "an active module has told its rating"
        return infy.Rating(
            _least(rating.max_voltage_v, limits.max_voltage_v),
            rating.min_voltage_v,
            _least(rating.max_current_a, limits.max_current_a),
            _least(rating.max_power_w, limits.max_power_w),
        )


def _least(rated: float, limit: float | None) -> float:
    return rated if limit is None else min(rated, limit)
