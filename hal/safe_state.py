"""The safe state, written once for all drivers: contactors open, supplies off, nothing offered."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from hal.abilities import abilities


async def make_safe(devices: Mapping[str, Any], limit_s: float) -> dict[str, str]:
    """All devices at once, each on its own, within `limit_s`. Gives what is not known to be safe, and why.

    Contactors wait for the supplies, at most half of that time: a DC contactor that opens under load may weld. A
    cancellation meanwhile takes effect at the end.
    """
    able = {name: abilities(device) for name, device in devices.items()}
    having = {
        ability: [name for name in devices if ability in able[name]]
        for ability in ("DcSupply", "ControlPilot", "Contactor")
    }
    offs = {_start(name, devices[name].off()): name for name in having["DcSupply"]}
    pauses = {_start(name, devices[name].offer(0.0)): name for name in having["ControlPilot"]}
    opens = {_start(name, _open(devices[name], offs, limit_s / 2)): name for name in having["Contactor"]}
    tasks = {**offs, **pauses, **opens}
    await settled(tasks, limit_s)
    return {name: why for task, name in tasks.items() if (why := _failure(task, limit_s))}


async def settled(tasks: Collection["asyncio.Task[Any]"], limit_s: float) -> None:
    """Wait until all are done, cancelling those that are not after `limit_s`. A cancellation meanwhile waits, too."""
    loop = asyncio.get_running_loop()
    until, cancelled, left = loop.time() + limit_s, None, set(tasks)
    while left and (rest := until - loop.time()) > 0:
        try:
            _, left = await asyncio.wait(left, timeout=rest)
        except asyncio.CancelledError as error:
            cancelled = error
    for task in left:
        task.cancel()
    if cancelled:
        raise cancelled


def _start(name: str, act: Any) -> "asyncio.Task[None]":
    return asyncio.create_task(act, name=f"{name}: safe state")  # owned by make_safe, which waits for it


async def _open(contactor: Any, offs: Collection["asyncio.Task[None]"], patience_s: float) -> None:
    if offs:
        await asyncio.wait(offs, timeout=patience_s)
    await contactor.open()


def _failure(task: "asyncio.Task[None]", limit_s: float) -> str:
    if not task.done() or task.cancelled():
        return f"no answer within {limit_s:g} s"
    error = task.exception()
    return "" if error is None else f"{type(error).__name__}: {error}"
