"""What every driver must do, as one call in a test. No pytest needed.

    # tests/test_my_meter.py of an OEM
    import asyncio
    from hal.driver import Site
    from hal.testing.contracts import check_driver
    from my_pkg import DRIVER

    def test_the_driver_keeps_the_contract(tmp_path, my_fake_meter):
        asyncio.run(check_driver(DRIVER, {"port": my_fake_meter.port}, Site("meter", tmp_path)))

`config_table` is what stands in the TOML file under [drivers.NAME], without `driver`. Run it against a device model in
CI and, before a release, against the real device on the bench. With `may_switch=True` contactors are closed and
supplies switched on: never with a car or a person at the connector.

All that is wrong comes in one `ContractBroken`, a line each.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple

from hal import readings
from hal.abilities import abilities
from hal.config import parse
from hal.driver import Driver, Site
from hal.errors import BadConfig, HalError

READS: dict[str, type[Any]] = {
    "Meter": readings.MeterReading,
    "DcSupply": readings.DcReading,
    "IsolationMonitor": readings.IsolationReading,
    "TemperatureSensor": readings.TemperatureReading,
}
WATCHES: dict[str, type[Any]] = {
    "ControlPilot": readings.PilotReading,
    "ConnectorLock": readings.LockReading,
    "OccupancySensor": readings.OccupancyReading,
    "VehicleLink": readings.VehicleReading,
    "ContactInput": readings.ContactReading,
    "ResidualCurrentMonitor": readings.AlarmReading,
    "EmergencyStop": readings.AlarmReading,
}
Open = Callable[[], AbstractAsyncContextManager[Mapping[str, Any]]]


class ContractBroken(AssertionError):
    """What a driver does wrong, a line each."""


class Patience(NamedTuple):
    """How long which step may take, in s; the supervisor's own limits."""

    open_s: float = 5.0
    call_s: float = 3.0
    leave_s: float = 2.0


async def check_driver(
    driver: Driver,
    config_table: Mapping[str, Any],
    site: Site,
    *,
    may_switch: bool = False,
    patience: Patience = Patience(),  # noqa: B008 - a value
) -> None:
    """Open, try and leave the driver several times. ContractBroken names what is wrong; what `open` raises passes."""
    where = f"drivers.{site.name}"
    problems = _refuses_unknown_keys(driver, config_table, where)
    config = parse(driver.config, config_table, where)

    def open_it() -> AbstractAsyncContextManager[Mapping[str, Any]]:
        return _opened(driver, config, site, patience, problems)

    before = asyncio.all_tasks()
    devices = await _first_visit(open_it, patience, problems)
    problems += await _dead_after_leaving(devices, patience)
    if may_switch:
        await _left_switched_on(open_it, patience)
    await _left_by_error(open_it)
    await _left_by_cancelling(open_it, patience, problems)
    async with open_it() as devices:  # the ports were given back each time, and nothing is on
        problems += [text for name, device in devices.items() for text in await _off(name, device, patience)]
    if left := asyncio.all_tasks() - before:
        problems.append(f"tasks are left behind: {', '.join(sorted(task.get_name() for task in left))}")
    if problems:
        raise ContractBroken("\n".join(dict.fromkeys(problems)))


def _refuses_unknown_keys(driver: Driver, table: Mapping[str, Any], where: str) -> list[str]:
    try:
        parse(driver.config, {**table, "no_such_key_": 1}, where)
    except BadConfig as error:
        return [] if f"{where}.no_such_key_" in str(error) else [f"config: {error}"]
    return ["config: an unknown key is taken without complaint"]


# -- entering and leaving ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def _opened(
    driver: Driver, config: Any, site: Site, patience: Patience, problems: list[str]
) -> AsyncIterator[Mapping[str, Any]]:
    context = driver.open(config, site)
    try:
        async with asyncio.timeout(patience.open_s):
            devices = await context.__aenter__()
    except TimeoutError:
        raise ContractBroken(f"opening takes more than {patience.open_s:g} s") from None
    trouble: BaseException | None = None
    try:
        yield devices
    except BaseException as error:
        trouble = error
        raise
    finally:
        await _leave(context, trouble, patience, problems)


async def _leave(
    context: AbstractAsyncContextManager[Any], trouble: BaseException | None, patience: Patience, problems: list[str]
) -> None:
    begun_at = time.monotonic()
    error = (type(trouble), trouble, trouble.__traceback__) if trouble else (None, None, None)
    try:
        async with asyncio.timeout(patience.leave_s) as limit:
            if await context.__aexit__(*error) and trouble:
                problems.append(f"leaving swallows {type(trouble).__name__}")
    except TimeoutError:
        if not limit.expired():
            raise
        problems.append(f"leaving takes more than {patience.leave_s:g} s")
    except BaseException as raised:
        if trouble is None or not _contains(raised, trouble):
            raise
    if time.monotonic() - begun_at > patience.leave_s + 0.5:
        problems.append("leaving blocks the event loop")


def _contains(raised: BaseException, wanted: BaseException) -> bool:
    """A task group wraps what passes through it."""
    if isinstance(raised, BaseExceptionGroup):
        return any(_contains(each, wanted) for each in raised.exceptions)
    return raised is wanted or isinstance(raised, type(wanted))


async def _first_visit(open_it: Open, patience: Patience, problems: list[str]) -> Mapping[str, Any]:
    async with open_it() as devices:
        if not devices:
            problems.append("no device is yielded")
        for name, device in devices.items():
            problems += _named(name, device)
            problems += await _off(name, device, patience)
            problems += await _tried(name, device, patience)
    return dict(devices)


def _named(name: str, device: object) -> list[str]:
    texts = []
    if not name.isidentifier():
        texts.append(f"{name!r}: a device name of letters, digits and _ expected, as it is written DRIVER.DEVICE")
    if not abilities(device):
        texts.append(f"{name}: satisfies none of the protocols in hal.devices")
    return texts


class _Injected(Exception):
    """What a supervisor has on its hands while it leaves the driver."""


async def _left_by_error(open_it: Open) -> None:
    error = _Injected()
    try:
        async with open_it():
            raise error
    except BaseException as raised:
        if not _contains(raised, error):
            raise


async def _left_by_cancelling(open_it: Open, patience: Patience, problems: list[str]) -> None:
    inside = asyncio.Event()

    async def visit() -> None:
        async with open_it():
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(visit(), name="contract: visit")  # awaited below
    entered = asyncio.create_task(inside.wait(), name="contract: entered")
    await asyncio.wait({task, entered}, return_when=asyncio.FIRST_COMPLETED)
    entered.cancel()
    task.cancel()
    await asyncio.wait({task, entered}, timeout=patience.leave_s + 1.0)
    if not task.done():
        problems.append("cancelling does not end the driver")
    elif not task.cancelled() and (error := task.exception()):
        raise error


async def _left_switched_on(open_it: Open, patience: Patience) -> None:
    """Switch on what can be; that all is off again is seen at the next visit."""
    async with open_it() as devices:
        for device in devices.values():
            able = abilities(device)
            if "Contactor" in able:
                await _within(patience, device.close())
            if "DcSupply" in able:
                can = await _within(patience, device.capability())
                await _within(patience, device.set(can.min_voltage_v, 1.0))
                await _within(patience, device.on())
            if "ControlPilot" in able:
                await _within(patience, device.offer(6.0))


# -- what a device does ------------------------------------------------------------------------------------------------


async def _within(patience: Patience, work: Awaitable[Any]) -> Any:
    async with asyncio.timeout(patience.call_s):
        return await work


async def _off(name: str, device: Any, patience: Patience) -> list[str]:
    """Nothing is switched on by opening."""
    able, texts = abilities(device), []
    if "DcSupply" in able:
        reading = await _within(patience, device.read())
        if reading.on or reading.current_a >= 1.0:
            texts.append(f"{name}: the supply is on when the driver is opened")
    if "ControlPilot" in able:
        pilot = await _present(device, patience)
        if pilot is not None and pilot.power_on:
            texts.append(f"{name}: the power is on when the driver is opened")
    return texts


async def _tried(name: str, device: Any, patience: Patience) -> list[str]:
    able, texts = abilities(device), []
    for act in _safe_acts(able):
        for _ in range(2):
            try:
                await _within(patience, act(device))
            except (HalError, TimeoutError) as error:
                texts.append(f"{name}: the safe state is not reached at any time: {type(error).__name__} {error}")
    if "ControlPilot" in able:
        texts += await _refuses_small_offers(name, device, patience)
    texts += [text for ability in READS if ability in able for text in await _reads(name, device, ability, patience)]
    if "PhaseSwitch" in able:
        texts += await _switches_phases(name, device, patience)
    if "Indicator" in able:
        texts += await _lights(name, device, patience)
    if "SignedReadings" in able:
        texts += await _signs(name, device, patience)
    texts += [text for ability in WATCHES if ability in able for text in await _tells(name, device, ability, patience)]
    return texts


def _safe_acts(able: tuple[str, ...]) -> list[Callable[[Any], Awaitable[None]]]:
    acts: list[tuple[str, Callable[[Any], Awaitable[None]]]] = [
        ("DcSupply", lambda device: device.off()),
        ("ControlPilot", lambda device: device.offer(0.0)),
        ("Contactor", lambda device: device.open()),
    ]
    return [act for ability, act in acts if ability in able]


async def _refuses_small_offers(name: str, device: Any, patience: Patience) -> list[str]:
    try:
        await _within(patience, device.offer(3.0))
    except ValueError:
        return []
    return [f"{name}: an offer of 3 A must raise ValueError (IEC 61851-1, Annex A: 6 A at least)"]


async def _switches_phases(name: str, device: Any, patience: Patience) -> list[str]:
    """Nothing flows here, so it may be tried."""
    for phases in (1, 3):
        try:
            await _within(patience, device.use(phases))
        except (HalError, TimeoutError) as error:
            return [f"{name}: {phases} of the phases cannot be used: {type(error).__name__} {error}"]
    try:
        await _within(patience, device.use(2))
    except ValueError:
        return []
    return [f"{name}: to use 2 phases must raise ValueError: 1 or 3 expected"]


async def _lights(name: str, device: Any, patience: Patience) -> list[str]:
    """Every colour, steady and blinking, dark and bright; and a long signal is not waited for."""
    try:
        for colour in ("green", "blue", "yellow", "red", "off"):
            await _within(patience, device.indicate(colour, False, 100))
            await _within(patience, device.indicate(colour, True, 0))
        await _within(patience, device.signal("green", 20, 50))
    except (HalError, TimeoutError) as error:
        return [f"{name}: cannot be lit: {type(error).__name__} {error}"]
    texts = []
    for colour, percent in (("pink", 50), ("green", 101)):
        try:
            await _within(patience, device.indicate(colour, False, percent))
            texts.append(f"{name}: {colour} at {percent} % must raise ValueError")
        except ValueError:
            continue
    return texts


async def _reads(name: str, device: Any, ability: str, patience: Patience) -> list[str]:
    """Fresh, of the right type, and a register that only grows."""
    texts: list[str] = []
    begun_at = time.monotonic()
    try:
        first = await _within(patience, device.read())
        between = time.monotonic()
        second = await _within(patience, device.read())
    except (HalError, TimeoutError) as error:
        return [f"{name}: cannot be read: {type(error).__name__} {error}"]
    if not isinstance(first, READS[ability]):
        return [f"{name}: read() gives {type(first).__name__}, a {READS[ability].__name__} expected"]
    if not begun_at <= first.taken_at <= between or not between <= second.taken_at <= time.monotonic():
        texts.append(f"{name}: taken_at is not the moment of the reading by time.monotonic(): an answer from memory?")
    if ability == "Meter":
        texts += _grows(name, first, second)
    return texts


def _grows(name: str, first: readings.MeterReading, second: readings.MeterReading) -> list[str]:
    if all(value is None for value in (first.energy_import_wh, first.power_w, *first.current_a)):
        return [f"{name}: a meter that knows neither energy nor power nor current"]
    if (second.energy_import_wh or 0.0) < (first.energy_import_wh or 0.0):
        return [f"{name}: the register fell from {first.energy_import_wh} to {second.energy_import_wh} Wh"]
    return []


async def _signs(name: str, device: Any, patience: Patience) -> list[str]:
    """Fresh, with a signed record and the key that verifies it."""
    begun_at = time.monotonic()
    try:
        signed = await _within(patience, device.read_signed())
    except (HalError, TimeoutError) as error:
        return [f"{name}: gives no signed reading: {type(error).__name__} {error}"]
    if not isinstance(signed, readings.SignedReading):
        return [f"{name}: read_signed() gives {type(signed).__name__}, a SignedReading expected"]
    texts = []
    if not begun_at <= signed.taken_at <= time.monotonic():
        texts.append(f"{name}: taken_at of a signed reading is not its moment by time.monotonic()")
    empty = [field for field in ("data", "encoding", "method", "public_key") if not getattr(signed, field)]
    if empty:
        texts.append(f"{name}: a signed reading without {', '.join(empty)}")
    return texts


async def _tells(name: str, device: Any, ability: str, patience: Patience) -> list[str]:
    reading = await _present(device, patience)
    if reading is None:
        return [f"{name}: watch() does not yield the present state at once"]
    if not isinstance(reading, WATCHES[ability]):
        return [f"{name}: watch() yields {type(reading).__name__}, a {WATCHES[ability].__name__} expected"]
    if reading.taken_at > time.monotonic():
        return [f"{name}: taken_at lies in the future of time.monotonic()"]
    return []


async def _present(device: Any, patience: Patience) -> Any:
    """The first word of a watch; None when there is none in time."""
    watch = aiter(device.watch())
    try:
        return await _within(patience, anext(watch))
    except (TimeoutError, StopAsyncIteration):
        return None
    finally:
        if close := getattr(watch, "aclose", None):
            await close()


async def _dead_after_leaving(devices: Mapping[str, Any], patience: Patience) -> list[str]:
    """A device never answers from memory, least of all when its port is closed."""
    texts = []
    for name, device in devices.items():
        if not any(ability in READS for ability in abilities(device)):
            continue
        try:
            await _within(patience, device.read())
        except (HalError, TimeoutError):
            continue
        texts.append(f"{name}: still gives readings after its driver was left")
    return texts
