"""chargepointd: the composition root. Reads the configuration, puts the parts together, runs until told to stop."""

import asyncio
import gc
import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from chargepointd import __version__
from chargepointd.config import BadConfig, load, remarks
from chargepointd.core.tuples import NamedTuple
from chargepointd.sections import Config

log = logging.getLogger("chargepointd")

DEFAULT_CONFIG = Path("/etc/chargepointd/chargepointd.toml")
DEFAULT_STATE = Path("/var/lib/chargepointd")

EXIT_CONFIG = 78
"""EX_CONFIG: systemd does not restart (RestartPreventExitStatus)"""
EXIT_BUG = 70
"""EX_SOFTWARE: made safe, written down; systemd restarts"""
EXIT_UNKEPT = 74
"""EX_IOERR: ended as it was told, but the disk has not taken all that was to be kept"""


PASSWORD = "SecurityCtrlr.BasicAuthPassword"


class Options(NamedTuple):
    config: Path
    state_dir: Path
    check_config: bool


def options(argv: Sequence[str]) -> Options:
    """What the command line says. It ends the process for --help, --version and what it does not understand."""
    return _plain(argv) or _parsed(argv)


def _plain(argv: Sequence[str]) -> Options | None:
    """`--option FILE` and no more, as in a unit. For anything else the parser is loaded, which takes 4 ms."""
    given = dict(zip(argv[::2], argv[1::2], strict=False))
    if 2 * len(given) != len(argv) or not given.keys() <= {"--config", "--state-dir"}:
        return None
    if any(not value or value.startswith("-") for value in given.values()):
        return None
    return Options(Path(given.get("--config", DEFAULT_CONFIG)), Path(given.get("--state-dir", _state_dir())), False)


def _state_dir() -> str | Path:
    return os.environ.get("STATE_DIRECTORY", DEFAULT_STATE)


def _parsed(argv: Sequence[str]) -> Options:
    import argparse

    parser = argparse.ArgumentParser(
        prog="chargepointd",
        description="The program on a charging station's controller board: OCPP 1.6 and 2.0.1 above, devices below.",
        epilog="examples:\n"
        "  chargepointd --check-config --config ac-station.toml\n"
        "  chargepointd --config etc/demo.toml --state-dir /tmp/station\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help=f"default {DEFAULT_CONFIG}")
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=Path(_state_dir()),
        metavar="DIR",
        help=f"what survives a power cut (default $STATE_DIRECTORY or {DEFAULT_STATE})",
    )
    parser.add_argument("--check-config", action="store_true", help="say what is wrong with the configuration, and end")
    parser.add_argument("--version", action="version", version=f"chargepointd {__version__}")
    given = parser.parse_args(argv)
    return Options(given.config, given.state_dir, given.check_config)


def main(argv: Sequence[str] | None = None) -> int:
    """The daemon. Returns the exit code."""
    given = options(sys.argv[1:] if argv is None else argv)
    try:
        config = load(given.config)
        variables = _initial_variables(config, given.config)
    except BadConfig as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIG
    if given.check_config:
        for remark in remarks(config):
            print(f"{given.config}: {remark}", file=sys.stderr)
        print(f"{given.config}: ok")
        return 0
    _log_to_stderr(config.log.level)
    return _run(config, variables, given.state_dir)


def _run(config: Config, variables: dict[str, str], state_dir: Path) -> int:
    from chargepointd.control.server import CannotListen
    from chargepointd.daemon.daemon import Daemon
    from chargepointd.storage.store import StoreError, Unwritable

    def restarting(restart: Any) -> None:
        _restart(config.station.reboot_command if restart.hard else (), restart.retries)

    try:
        daemon = Daemon(config, variables, state_dir, secrets.token_hex(6))
        restart = asyncio.run(_until_stopped(daemon, restarting))
    except Unwritable:  # it has said what that means
        return EXIT_UNKEPT
    except (StoreError, CannotListen) as error:
        log.critical("%s", error)
        return 1
    except Exception:
        log.critical("a bug: the station was made safe and ends", exc_info=True)
        return EXIT_BUG
    if restart:
        restarting(restart)
    return 0


async def _until_stopped(daemon: Any, restarting: Callable[[Any], None]) -> Any:
    from chargepointd.storage.stall import StandsStill

    stop, at_once = asyncio.Event(), asyncio.Event()

    def told() -> None:
        (at_once if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    gc.freeze()
    gc.enable()
    try:
        restart = await daemon.run(stop, at_once)
    except StandsStill as error:
        # Here and now: an end in order would wait for threads that wait for the disk.
        log.critical("%s", error)
        if daemon.restart and not at_once.is_set():
            restarting(daemon.restart)
        os._exit(EXIT_UNKEPT)
    return None if at_once.is_set() else restart


def _restart(command: tuple[str, ...], retries: int) -> None:
    """A hard reset restarts the board, where the configuration says how; else, or where that cannot be run however
    often it is tried, the program begins anew in its place."""
    for _ in range(1 + retries if command else 0):
        log.warning("reset: running %s", " ".join(command))
        try:
            os.execvp(command[0], command)
        except OSError as error:
            log.warning("reset: cannot run %s: %s", command[0], error.strerror)
    os.execv(sys.executable, [sys.executable, "-m", "chargepointd", *sys.argv[1:]])


def _initial_variables(config: Config, file: Path) -> dict[str, str]:
    """[variables] and [ocpp16] as device-model values by name. BadConfig names what does not exist or does not fit."""
    from chargepointd.hardware.bindings import plan

    station = plan(config, __version__)
    given = dict(config.variables)
    places = {name: f'variables."{name}"' for name in given}
    problems: list[str] = []
    if config.ocpp16:
        from chargepointd.dialects.v16.keys import configured

        for key, said in config.ocpp16.items():
            try:
                meant = configured({key: said})
            except ValueError as error:
                problems.append(f"ocpp16.{error}")
                continue
            problems += [
                _twice(key, name) for name, value in meant.items() if given.get(name, value).lower() != value.lower()
            ]
            given = meant | given
            places = dict.fromkeys(meant, f"ocpp16.{key}") | places
    problems += _variable_problems(station, given, places)
    if PASSWORD in config.variables:
        problems.append(f'variables."{PASSWORD}": set csms.password instead')
    if problems:
        raise BadConfig("\n".join(f"{file}: {line}" for problem in problems for line in problem.splitlines()))
    return given | ({PASSWORD: config.csms.password} if config.csms.password else {})


def _twice(key: str, name: str) -> str:
    return f'ocpp16.{key}: variables."{name}" is set as well, to something else; leave one of the two out'


def _variable_problems(station: Any, given: dict[str, str], places: dict[str, str]) -> list[str]:
    """`places`: where each stands in the file."""
    if not given:
        return []
    from chargepointd.core.timekeeping import no_offset
    from chargepointd.core.variables.catalogue import standard
    from chargepointd.core.variables.values import complaint

    more = {"ClockCtrlr.TimeOffset": no_offset, "ClockCtrlr.TimeZone": _no_zone}
    known = {str(variable.ref): variable for variable in standard(station)}
    problems = []
    for name, value in given.items():
        variable = known.get(name)
        if variable is None:
            from difflib import get_close_matches

            near = get_close_matches(name, known, 1)
            remedy = f'; did you mean "{near[0]}"?' if near else ""
            problems.append(f"{places[name]}: no such variable{remedy}")
        elif wrong := complaint(variable, value) or (name in more and more[name](value)):
            got = "" if name == PASSWORD else f', got "{value}"'
            problems.append(f"{places[name]}: {wrong}{got}")
    return problems


def _no_zone(value: str) -> str:
    from chargepointd.daemon.zones import offset_s

    known = not value or offset_s(value, 0.0) is not None
    return "" if known else 'not a time zone that the system knows, such as "Europe/Oslo"'


class _JournalFormat(logging.Formatter):
    """The journal's priority in front (sd-daemon(3)); it stamps the time itself."""

    _PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{self._PRIORITY.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


def _log_to_stderr(level: str) -> None:
    handler = logging.StreamHandler()
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(_JournalFormat("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for noisy in ("websockets", "pymodbus", "can", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
