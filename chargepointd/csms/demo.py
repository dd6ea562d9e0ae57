"""One whole visit on a simulated station, shown as it happens: the bench CSMS in this process, the daemon in another.

    python -m chargepointd.csms.demo [--ocpp 1.6] [--once]

Each step waits for what the station and the CSMS say of the one before. Then the station stays up until Ctrl-C.
"""

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from chargepointd.control.client import Client, ClientError, DaemonNotRunning
from chargepointd.csms.books import Books
from chargepointd.csms.server import VERSIONS, Address, BenchCsms, PortTaken
from chargepointd.csms.show import Event, Screen, on_terminal
from chargepointd.csms.visit import Visit
from chargepointd.dialects.codec import format_time

SOURCES = Path(__file__).parents[2]
CONFIGS = (SOURCES / "etc" / "demo.toml", Path(__file__).with_name("demo.toml"))
"""in the source tree; in an installed package"""
PORT = 9180
URL = f"ws://127.0.0.1:{PORT}/ocpp"
"""as it stands in demo.toml"""
START_LIMIT_S = 60.0
STEP_LIMIT_S = 30.0
END_LIMIT_S = 15.0
LOOK_AGAIN_S = 0.2
LOG_LINES = 25
"""of the daemon's log, shown when it died"""


class Failed(Exception):
    """The demo cannot go on; the text says why."""


class Demo:
    """The two programs and the screen they share."""

    def __init__(self, state_dir: Path, versions: Sequence[str]) -> None:
        self.state_dir = state_dir
        self.csms = BenchCsms(self._tell, Address(port=_free_port(PORT)), versions=versions)
        colour = on_terminal(sys.stdout)
        self._said = Screen(sys.stdout, colour=colour, prefix=">> ")
        self._csms_says = Screen(sys.stdout, colour=colour, prefix="csms     ")
        self._station_says = Screen(sys.stdout, colour=colour, prefix="station  ")
        self._changed = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self.ending = False
        """somebody wants it to end; Ctrl-C reaches the station as well, which may then be the first to go"""

    @property
    def books(self) -> Books:
        return self.csms.books

    @property
    def log(self) -> Path:
        return self.state_dir / "daemon.log"

    # -- the screen ----------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        self._said.lines("", self._said.paint(f"{format_time(time.time())[11:19]} >> {text}", "1"))

    def _tell(self, event: Event) -> None:
        self._csms_says.event(event._replace(station=""))
        self._changed.set()

    async def watch(self) -> None:
        """Show what the station tells, until it ends."""
        await asyncio.to_thread(self._watch, asyncio.get_running_loop())

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        with Client(self.state_dir / "control.sock") as client, contextlib.suppress(ClientError, RuntimeError):
            for told in client.stream("watch", {}):
                if told["kind"] == "record":  # the CSMS has a line for each of them
                    continue
                place = f"EVSE {told['evse']}: " if "evse" in told else ""
                self._station_says.event(Event(told["at"], "", told["kind"], place + told["text"], {}))
                loop.call_soon_threadsafe(self._changed.set)  # RuntimeError when the loop is over before the station

    # -- the station ---------------------------------------------------------------------------------------------------

    async def station(self) -> None:
        """The daemon, until cancelled. Raises Failed when it ends by itself."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        program = (sys.executable, "-m", "chargepointd")
        with self.log.open("w") as log:
            process = await asyncio.create_subprocess_exec(
                *program,
                "--config",
                self._config(),
                "--state-dir",
                self.state_dir,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._process = process
            code = await process.wait()
            if not self.ending or code != 0:
                raise self._died(code)
        finally:
            await _end(process)

    def _died(self, code: int) -> Failed:
        return Failed(f"the station ended with exit code {code}; the end of {self.log}:\n{_tail(self.log)}")

    def _config(self) -> Path:
        """demo.toml, or a copy with the url of this CSMS."""
        found = next((path for path in CONFIGS if path.exists()), None)
        if found is None:
            raise Failed(f"no demo.toml at {' or '.join(map(str, CONFIGS))}; run this from the source tree")
        if self.csms.url == URL:
            return found
        copy = self.state_dir / "demo.toml"
        copy.write_text(found.read_text("utf-8").replace(URL, self.csms.url), "utf-8")
        return copy

    async def call(self, method: str, **params: Any) -> Any:
        """A method of the control socket. Raises ClientError, and Failed when the station has died over it."""
        try:
            return await asyncio.to_thread(_call, self.state_dir / "control.sock", method, params)
        except DaemonNotRunning:
            if self._process and not self.ending:
                with contextlib.suppress(TimeoutError):
                    raise self._died(await asyncio.wait_for(self._process.wait(), END_LIMIT_S)) from None
            raise

    async def until(self, what: str, look: Callable[[], Awaitable[Any]], limit_s: float = STEP_LIMIT_S) -> Any:
        """What `look` finds, when it finds something; asked again whenever something was told, and now and then."""
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    self._changed.clear()
                    if found := await look():
                        return found
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), LOOK_AGAIN_S)
        except TimeoutError:
            raise Failed(f"waited {limit_s:g} s in vain until {what}; see {self.log}") from None

    async def answers(self) -> bool:
        """Whether the station has its control socket."""
        try:
            await asyncio.to_thread(_call, self.state_dir / "control.sock", "status", {})
        except DaemonNotRunning:
            return False
        return True

    async def booted(self) -> bool:
        return any(line.booted for line in self.csms.lines.values())


def _call(path: Path, method: str, params: dict[str, Any]) -> Any:
    with Client(path) as client:
        return client.call(method, params)


async def _end(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, on which it makes safe; SIGKILL if it does not."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(END_LIMIT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:])


def _free_port(wanted: int) -> int:
    """`wanted` if one can listen there, else 0 for any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
    return wanted


# -- the program -------------------------------------------------------------------------------------------------------


def options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m chargepointd.csms.demo",
        description="One whole visit on a simulated station: plug in, card, charge, card, leave. Then it stays up.",
        epilog="examples:\n"
        "  python -m chargepointd.csms.demo --ocpp 1.6\n"
        "  python -m chargepointd.csms.demo --once --state-dir /tmp/station\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--ocpp", choices=VERSIONS, help="the only version the CSMS offers (the station prefers 2.0.1)")
    parser.add_argument("--once", action="store_true", help="end after the visit")
    parser.add_argument(
        "--state-dir", type=Path, default=Path("run"), metavar="DIR", help="of the station (default ./run)"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """The program. Returns the exit code."""
    given = options(sys.argv[1:] if argv is None else argv)
    demo = Demo(given.state_dir, (given.ocpp,) if given.ocpp else VERSIONS)
    try:
        return asyncio.run(_run(demo, once=given.once))
    except (Failed, ClientError, PortTaken, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


async def _run(demo: Demo, *, once: bool) -> int:
    """Both programs and the visit. Ctrl-C and SIGTERM cancel the visit, and with it everything ends."""
    loop = asyncio.get_running_loop()

    def end() -> None:
        demo.ending = True
        visit.cancel()

    try:
        async with asyncio.TaskGroup() as parts:
            tasks = [parts.create_task(demo.csms.run(), name="csms")]
            visit = parts.create_task(_visit(demo, parts, tasks, once=once), name="visit")
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, end)
            await asyncio.wait((visit,))
            for task in reversed(tasks):  # the station before the CSMS, so that it can say what it has to
                task.cancel()
                await asyncio.wait((task,))
    except BaseExceptionGroup as group:  # not except*: what is raised in it comes out in a group again (3.11.2)
        told, others = group.split((Failed, ClientError, PortTaken, OSError))
        if others or told is None:
            raise
        raise _first(told) from None
    return 0


async def _visit(demo: Demo, parts: asyncio.TaskGroup, tasks: list["asyncio.Task[None]"], *, once: bool) -> None:
    await demo.csms.listening.wait()
    demo.say(f"bench CSMS at {demo.csms.url}, station with its state in {demo.state_dir}/")
    tasks.append(parts.create_task(demo.station(), name="station"))
    await demo.until("the station's control socket answers", demo.answers, START_LIMIT_S)
    tasks.append(parts.create_task(demo.watch(), name="watch"))
    await demo.until("the station has booted at the CSMS", demo.booted)
    await Visit(demo).run()
    if once:
        return
    ctl = Path(sys.executable).with_name("chargepointctl")
    demo.say("the station stays up until Ctrl-C. Try in another terminal:")
    for words in ("status", "watch", "sim plug-in 2", "sim swipe 04A1B2C3D4E5F6", "limit set 10A", "get", "drivers"):
        print(f"            {_short(ctl)} --state-dir {demo.state_dir} {words}", flush=True)
    await asyncio.Event().wait()


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    sys.exit(main())
