"""chargepointctl: the technician's command. See `chargepointd.ctl` for its parts."""

import json
import os
import sys
from argparse import Namespace
from base64 import b64decode
from collections.abc import Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from chargepointd.control.client import Client, ClientError, DaemonNotRunning, NoPermission, Refused
from chargepointd.control.methods import check
from chargepointd.control.protocol import INVALID_PARAMS, ControlError
from chargepointd.control.table import Style, printable, style_for
from chargepointd.ctl.arguments import parse
from chargepointd.ctl.commands import Call, call_for, refusal
from chargepointd.ctl.show import event_line, shown

SOCKET = Path("/run/chargepointd/control.sock")
STATE_DIR = Path("/var/lib/chargepointd")
ALIVE_S = 10.0
"""for the daemon to answer anything, before it is taken for one that stands still"""
BUNDLE_LIMIT_S = 130.0
"""longer than the daemon's own limit"""
AT_ONCE = 50
"""transactions that the daemon is asked to make by one call, which has to be over within its limit"""
_IN_PART = ("get", "outbox")
"""what may be done for some and refused for others: both is shown"""

DONE, REFUSED, USAGE, NOT_RUNNING, NO_PERMISSION = range(5)
INTERRUPTED = 130
"""128 + SIGINT, as a shell says it"""


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit code as in `chargepointctl --help`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name this terminal cannot write is no reason to fail
    args = parse(argv)
    try:
        return _run(args)
    except BrokenPipeError:
        # `chargepointctl get | head`: whoever read has enough. Python's own flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return DONE if args.method == "watch" else INTERRUPTED


def _run(args: Namespace) -> int:
    path = socket_path(args, os.environ)
    try:
        if args.method == "bundle":
            return _bundle(path, args)
        call = call_for(args)
        check(call.method, call.params)
        with Client(path) as client:
            return _watch(client, call, args) if call.method == "watch" else _once(client, call, args)
    except (ControlError, ClientError) as error:
        return _failed(str(error), _exit_code(error))


def socket_path(args: Namespace, environ: Mapping[str, str]) -> Path:
    """--socket, else --state-dir, else $CHARGEPOINTD_SOCKET, else where the package puts it."""
    if args.socket is not None:
        return Path(args.socket)
    if args.state_dir is not None:
        return Path(args.state_dir) / "control.sock"
    return Path(environ.get("CHARGEPOINTD_SOCKET") or SOCKET)


def _once(client: Client, call: Call, args: Namespace) -> int:
    if call.params.get("act") == "export":
        return _export(client, call, args)
    result = (_made if call.method == "sim.transactions" else Client.call)(client, *call)
    refused = refusal(call, result)
    if args.json:
        print(json.dumps(result, indent=2), flush=True)
    elif not refused or call.method in _IN_PART:
        print(shown(call.method, result, style_for(sys.stdout, args.no_color)), flush=True)
    return _failed(f"refused by the station: {refused}", REFUSED) if refused else DONE


def _made(client: Client, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Part by part, however long it takes."""
    made, count = 0, params["count"]
    while made < count:
        made += client.call(method, {**params, "count": min(AT_ONCE, count - made)})["made"]
        if count > AT_ONCE:
            _progress(f"{made} of {count} made")
    return {"made": made}


def _bundle(socket: Path, args: Namespace) -> int:
    """From the daemon, or, where that does not run or does not answer, from what it has left on the disk."""
    call = call_for(args)
    check(call.method, call.params)
    _progress("asking chargepointd, which may take a minute")
    try:
        with Client(socket, ALIVE_S) as client:
            client.call("drivers", {})  # which the daemon answers even where the station itself stands still
        with Client(socket, BUNDLE_LIMIT_S) as client:
            return _write(client.call(call.method, call.params), args)
    except DaemonNotRunning as error:
        from chargepointd.daemon.left import bundle  # most commands need none of it

        _progress("reading what it has left on the disk")
        result = bundle(args.state_dir or STATE_DIR, args.config, str(error), call.params.get("since_s"))
        return _write(result, args) or _failed(f"{error}\nthe archive has what is on the disk", NOT_RUNNING)


def _progress(what: str) -> None:
    """What is under way, for whoever waits at a terminal."""
    if sys.stderr.isatty():
        print(f"{what} …", file=sys.stderr, flush=True)


def _export(client: Client, call: Call, args: Namespace) -> int:
    """Page by page, one record a line; a file is for whoever asked for it alone."""
    to_file = str(args.export) != "-"
    number, after, more = 0, 0, True
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(args.export, flags, 0o600) if to_file else os.dup(1), "w") as lines:
            if to_file:
                os.fchmod(lines.fileno(), 0o600)  # it may have been there already
            while more:
                page = client.call(call.method, call.params | {"after": after})
                for letter in page["letters"]:
                    print(json.dumps(letter, ensure_ascii=False), file=lines)
                    after = letter["id"]
                number, more = number + len(page["letters"]), page["more"]
    except BrokenPipeError:
        raise  # `--export - | head`
    except OSError as error:
        return _failed(f"{args.export}: {error.strerror}", REFUSED)
    if to_file:
        told = json.dumps({"file": str(args.export), "records": number}) if args.json else f"{number} records"
        print(told, flush=True)
    return DONE


def _write(result: Any, args: Namespace) -> int:
    """The archive, readable by whoever asked for it."""
    path = args.file / result["filename"] if args.file.is_dir() else args.file
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(b64decode(result["archive"]))
    except OSError as error:
        return _failed(f"{path}: {error.strerror}", REFUSED)
    if args.json:
        print(json.dumps({"file": str(path), "parts": result["parts"]}, indent=2), flush=True)
    else:
        print(path, flush=True)
    return DONE


def _watch(client: Client, call: Call, args: Namespace) -> int:
    style = style_for(sys.stdout, args.no_color)
    for event in client.stream(call.method, call.params):
        print(_event(event, args.json, style), flush=True)
    return DONE


def _event(event: dict[str, Any], as_json: bool, style: Style) -> str:
    return json.dumps(event) if as_json else event_line(event, style)


def _exit_code(error: Exception) -> int:
    match error:
        case DaemonNotRunning():
            return NOT_RUNNING
        case NoPermission():
            return NO_PERMISSION
        case ControlError(code=code) | Refused(code=code) if code == INVALID_PARAMS:
            return USAGE
    return REFUSED


def _failed(text: str, code: int) -> int:
    style = style_for(sys.stderr, False)
    lines = "\n".join(printable(line) for line in text.splitlines())
    print(f"{style.paint('chargepointctl:', 'red')} {lines}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
