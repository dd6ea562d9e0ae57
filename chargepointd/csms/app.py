"""chargepointd-csms: the bench CSMS as a program."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from chargepointd.csms.console import Console, help_lines, serve, station_of
from chargepointd.csms.desk import Desk, WrongArguments
from chargepointd.csms.line import CallFailed
from chargepointd.csms.server import VERSIONS, Address, BenchCsms, PortTaken
from chargepointd.csms.show import Event, Screen

EXIT_FAILED = 1
"""the port is taken, or a command given with --do was not done"""
PASSWORD_VARIABLE = "CHARGEPOINTD_CSMS_PASSWORD"

EPILOG = """\
examples:
  chargepointd-csms                                         stations connect to ws://127.0.0.1:9180/ocpp/IDENTITY
  chargepointd-csms --listen 0.0.0.0:9180 --password bench-password-1
  chargepointd-csms --refuse 04A1B2C3 --json | jq -r 'select(.kind == "transaction") | .text'
  chargepointd-csms --do 'set DEMO001 AuthCtrlr.Enabled false' --do 'reset DEMO001'

At a terminal it takes commands ("help"), as --do does:
  """


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise argparse.ArgumentTypeError(f"expected HOST:PORT such as 0.0.0.0:9180, got {text!r}")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def _interval(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got {text!r}")
    return int(text)


def _command(text: str) -> str:
    try:
        station_of(text)
    except (WrongArguments, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error) or "empty") from None
    return text


def options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="chargepointd-csms",
        description="A small CSMS (OCPP 1.6 and 2.0.1) for a bench without a backend. It takes any station,\n"
        "answers every message, and tells what breaks the schema. Its books are in memory only: they end with it.",
        epilog=EPILOG + "\n  ".join(help_lines()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen",
        type=_address,
        default=Address(),
        metavar="HOST:PORT",
        help="default %(default)s; port 0: a free one",
    )
    parser.add_argument(
        "--password",
        default=os.environ.get(PASSWORD_VARIABLE, ""),
        help=f"ask every station for it (basic authentication); also ${PASSWORD_VARIABLE}",
    )
    parser.add_argument("--interval", type=_interval, default=300, metavar="S", help="between heartbeats (%(default)s)")
    parser.add_argument("--refuse", action="append", default=[], metavar="TOKEN", help="do not accept it; repeatable")
    parser.add_argument("--ocpp", action="append", choices=VERSIONS, help="offer only this version; repeatable")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of text")
    parser.add_argument("--no-color", action="store_true", help="no colours, also on a terminal")
    parser.add_argument("--console", action="store_true", help="take commands also when stdin is no terminal")
    parser.add_argument(
        "--do", type=_command, action="append", default=[], metavar="COMMAND", help="do it, then end; repeatable"
    )
    parser.add_argument(
        "--wait", type=_interval, default=60, metavar="S", help="for the stations that --do names (%(default)s)"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """The program. Returns the exit code."""
    given = options(sys.argv[1:] if argv is None else argv)
    try:
        return asyncio.run(_run(given))
    except PortTaken as error:
        print(f"chargepointd-csms: {error}", file=sys.stderr)
        return EXIT_FAILED


class _Bench:
    """The CSMS with a screen; `changed` is set whenever something has happened."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.screen = Screen(sys.stdout, json=given.json, colour=False if given.no_color else None)
        self.changed = asyncio.Event()
        desk = Desk(given.interval, frozenset(given.refuse))
        self.csms = BenchCsms(self._tell, given.listen, desk, given.password, given.ocpp or VERSIONS)
        self.console = Console(self.csms)

    def _tell(self, event: Event) -> None:
        self.screen.event(event)
        self.changed.set()

    async def booted(self, station: str) -> None:
        while station not in self.csms.lines or not self.csms.lines[station].booted:
            self.changed.clear()
            await self.changed.wait()


async def _run(given: argparse.Namespace) -> int:
    bench = _Bench(given)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.TaskGroup() as parts:
            csms = parts.create_task(bench.csms.run(), name="csms")
            work = parts.create_task(_work(given, bench), name="work")
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, work.cancel)
            await asyncio.wait((work,))
            csms.cancel()
    except BaseExceptionGroup as group:  # not except*: what is raised in it comes out in a group again (3.11.2)
        taken, others = group.split(PortTaken)
        if others or taken is None:
            raise
        raise taken.exceptions[0] from None
    return 0 if work.cancelled() else work.result()


async def _work(given: argparse.Namespace, bench: _Bench) -> int:
    """The commands of --do, else those that are typed until there are no more, else stay until cancelled."""
    typed = given.console or sys.stdin.isatty()  # a terminal that is closed is none any more: its end is seen below
    await bench.csms.listening.wait()
    bench.csms.tell("", "listening", f"{bench.csms.url}/IDENTITY, books in memory only")
    if given.do:
        return await _do_all(bench, given.do, given.wait)
    if typed:
        await serve(bench.console, sys.stdin.fileno(), bench.screen.lines)
        return 0
    await asyncio.Event().wait()
    return 0


async def _do_all(bench: _Bench, commands: Sequence[str], wait_s: float) -> int:
    for command in commands:
        try:
            await _do(bench, command, wait_s)
        except (CallFailed, WrongArguments) as error:
            bench.screen.lines(f"error: {error}")
            return EXIT_FAILED
    return 0


async def _do(bench: _Bench, command: str, wait_s: float) -> None:
    station = station_of(command)
    if station:
        try:
            async with asyncio.timeout(wait_s):
                await bench.booted(station)
        except TimeoutError:
            raise CallFailed(f"{station} did not connect and boot within {wait_s} s") from None
    bench.screen.lines(*await bench.console.do(command))


if __name__ == "__main__":
    sys.exit(main())
