"""Commands by hand: a line of text to a call of a station, and its answer to lines."""

import asyncio
import errno
import os
import shlex
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import NamedTuple

from chargepointd.csms import v16, v201
from chargepointd.csms.books import Transaction
from chargepointd.csms.desk import Payload, WrongArguments
from chargepointd.csms.line import CallFailed
from chargepointd.csms.server import BenchCsms
from chargepointd.dialects import codec

Lines = list[str]


class Usage(NamedTuple):
    arguments: str
    help: str
    least: int
    most: int


COMMANDS = {
    "help": Usage("", "this list", 0, 0),
    "stations": Usage("", "who is connected", 0, 0),
    "transactions": Usage("[STATION]", "the books, since this program started", 0, 1),
    "start": Usage("STATION EVSE TOKEN", "start a transaction", 3, 3),
    "stop": Usage("STATION TRANSACTION", "stop it", 2, 2),
    "reset": Usage("STATION [now]", "restart the station when it is idle, or now", 1, 2),
    "get": Usage("STATION [NAME ...]", "variables or configuration keys; without names all", 1, 50),
    "set": Usage("STATION NAME VALUE", "change one", 3, 3),
    "availability": Usage("STATION [EVSE [CONNECTOR]] operative|inoperative", "in or out of service", 2, 4),
    "unlock": Usage("STATION EVSE [CONNECTOR]", "release the plug", 2, 3),
    "trigger": Usage("STATION MESSAGE [EVSE]", "ask for a message, such as Heartbeat", 2, 3),
    "profile": Usage("STATION EVSE LIMIT", "charge with at most 16A or 11000W; EVSE 0: the whole station", 3, 3),
    "clear-profiles": Usage("STATION", "as if there were no charging profiles", 1, 1),
    "schedule": Usage("STATION EVSE [SECONDS]", "what it may draw from now on; EVSE 0: the whole station", 2, 3),
    "reserve": Usage("STATION NUMBER EVSE TOKEN [MINUTES]", "keep an EVSE for a card; EVSE 0: any", 4, 5),
    "cancel": Usage("STATION NUMBER", "the reservation", 2, 2),
    "list": Usage("STATION VERSION [TOKEN ...]", "the local list: these cards, all accepted", 2, 1000),
    "call": Usage("STATION ACTION [{json}]", "any request, held against the schema", 2, 3),
    "raw": Usage("STATION TEXT", "send any text at all", 2, 2),
}


class Console:
    def __init__(self, csms: BenchCsms) -> None:
        self._csms = csms
        self._own: dict[str, Callable[[list[str]], Awaitable[Lines]]] = {
            "help": self._help,
            "stations": self._stations,
            "transactions": self._transactions,
            "call": self._call,
            "raw": self._raw,
        }

    async def do(self, line: str) -> Lines:
        """Do what a line says. Raises WrongArguments and CallFailed, whose texts are for who typed it."""
        name, args = parse(line)
        own = self._own.get(name)
        return await own(args) if own else await self._request(name, args)

    # -- about the bench -----------------------------------------------------------------------------------------------

    async def _help(self, args: list[str]) -> Lines:
        return help_lines()

    async def _stations(self, args: list[str]) -> Lines:
        lines = self._csms.lines
        rows = [
            f"{name}  OCPP {line.words.version}{'' if line.booted else '  not booted'}" for name, line in lines.items()
        ]
        return rows or [f"no station is connected; connect one to {self._csms.url}/IDENTITY"]

    async def _transactions(self, args: list[str]) -> Lines:
        found = [each for each in self._csms.books.transactions if each.station in (args or [each.station])]
        return [row(each) for each in found] or ["no transactions since this program started"]

    # -- to a station --------------------------------------------------------------------------------------------------

    async def _call(self, args: list[str]) -> Lines:
        station, action, *rest = args
        return _told(action, await self._csms.call(station, action, _object(rest[0] if rest else "{}")))

    async def _raw(self, args: list[str]) -> Lines:
        await self._csms.line(args[0]).raw(args[1])
        return []

    async def _request(self, name: str, args: list[str]) -> Lines:
        station, *rest = args
        action, payload = self._csms.line(station).words.requests[name](rest)
        return _told(action, await self._csms.call(station, action, payload))


def parse(line: str) -> tuple[str, list[str]]:
    """Command and arguments; the braces of `call` and the text of `raw` need no quotes. Raises WrongArguments."""
    name, *rest = line.strip().split(None, 1)
    if name not in COMMANDS:
        raise WrongArguments(f'{name}: no such command; "help" lists them')
    usage = COMMANDS[name]
    args = _arguments(name, rest[0] if rest else "")
    if not usage.least <= len(args) <= usage.most:
        raise WrongArguments(f"usage: {name} {usage.arguments}".rstrip())
    if name == "availability" and args[-1].lower() not in ("operative", "inoperative"):
        raise WrongArguments(f'usage: {name} {usage.arguments}; got "{args[-1]}"')
    if name == "reset" and args[1:] not in ([], ["now"]):
        raise WrongArguments(f'usage: {name} {usage.arguments}; got "{args[1]}"')
    return name, args


def _arguments(name: str, text: str) -> list[str]:
    if name == "call":
        return text.split(None, 2)
    if name == "raw":
        return text.split(None, 1)
    try:
        return shlex.split(text)
    except ValueError as error:
        raise WrongArguments(f"{name}: {error}") from None


def help_lines() -> Lines:
    return [f"{name + ' ' + usage.arguments:<62} {usage.help}" for name, usage in COMMANDS.items()]


def station_of(line: str) -> str:
    """The station that a command is for; empty for one about the bench. Raises WrongArguments."""
    name, args = parse(line)
    return "" if name in ("help", "stations", "transactions") else args[0]


def row(transaction: Transaction) -> str:
    """A transaction on one line."""
    energy = "-" if transaction.energy_wh is None else f"{transaction.energy_wh:.1f} Wh"
    end = f"{transaction.ended_at} ({transaction.reason})" if transaction.ended_at else transaction.state or "open"
    evse = "-" if transaction.evse is None else str(transaction.evse)
    return (
        f"{transaction.station}  {transaction.id}  EVSE {evse}  token {transaction.token or '-'}"
        f"  {transaction.started_at or '?'} .. {end}  {energy}"
    )


def _object(text: str) -> Payload:
    try:
        value = codec.decode(text)
    except ValueError as error:
        raise WrongArguments(f"call: no JSON: {error}") from None
    if not isinstance(value, dict):
        raise WrongArguments('call: expected a JSON object such as {"type": "OnIdle"}')
    return value


def _told(action: str, answer: Payload) -> Lines:
    if action == "GetConfiguration":
        return v16.configuration(answer)
    if action in ("GetVariables", "SetVariables"):
        return v201.variables(answer)
    return [f"{action}: {codec.encode(answer)}"]


async def typed(file: int) -> AsyncGenerator[str, None]:
    """The lines typed at a terminal or written into a pipe, until its end. `file`: a file descriptor."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    waits = True
    try:
        loop.add_reader(file, ready.set)  # it stays blocking: a terminal is also what is written to
    except PermissionError:
        waits = False  # a plain file or /dev/null, of which reading never waits
    rest = b""
    try:
        while True:
            if waits:
                await ready.wait()
                ready.clear()
            data = _read(file)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines if data else filter(None, [rest]):
                yield line.decode(errors="replace").strip()
            if not data:
                return
    finally:
        loop.remove_reader(file)


def _read(file: int) -> bytes:
    """What is there; empty at the end."""
    try:
        return os.read(file, 4096)
    except OSError as error:
        if error.errno == errno.EIO:  # the terminal was closed
            return b""
        raise


async def serve(console: Console, file: int, show: Callable[..., None]) -> None:
    """Do what is typed, until there is no more."""
    async with aclosing(typed(file)) as lines:
        async for line in lines:
            if line:
                await _show(console, line, show)


async def _show(console: Console, line: str, show: Callable[..., None]) -> None:
    try:
        show(*await console.do(line))
    except (WrongArguments, CallFailed) as error:
        show(f"error: {error}")
