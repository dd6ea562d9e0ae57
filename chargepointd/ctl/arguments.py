"""The command line of chargepointctl: names, help, examples. What the values may be stands in `control.methods`."""

from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any, NamedTuple

from chargepointd.control.methods import ATTRIBUTES, TOKEN_TYPES

EPILOG = """\
the socket: --socket, else control.sock in --state-dir, else $CHARGEPOINTD_SOCKET, else /run/chargepointd/control.sock
exit codes: 0 done, 1 refused by the station, 2 wrong usage, 3 chargepointd is not running, 4 no permission
`chargepointctl COMMAND --help` shows examples"""


class Argument(NamedTuple):
    """One argument: what argparse is told about it. `name` without a dash is positional."""

    name: str
    help: str
    options: dict[str, Any] = {}

    @property
    def param(self) -> str:
        return str(self.options.get("dest", self.name.lstrip("-").replace("-", "_")))


class Command(NamedTuple):
    name: str
    method: str
    help: str
    examples: tuple[str, ...]
    arguments: tuple[Argument, ...] = ()


def _evse(text: str = "number of the EVSE, as in the configuration") -> Argument:
    return Argument("evse", text, {"type": int, "metavar": "EVSE"})


def _evse_option(text: str) -> Argument:
    return Argument("--evse", text, {"type": int, "metavar": "N"})


_PERHAPS = {"type": int, "metavar": "EVSE", "nargs": "?"}

_TYPE = Argument(
    "--type", "what kind of token it is", {"choices": TOKEN_TYPES, "default": "ISO14443", "metavar": "TYPE"}
)
_HERE = {"type": Path, "metavar": "FILE", "nargs": "?", "default": Path()}
_SINCE = {"metavar": "TIME", "dest": "since_s"}
_CONFIG = {"type": Path, "metavar": "FILE", "default": Path("/etc/chargepointd/chargepointd.toml")}
_NO_PARAM = {
    "names", "prefix", "state", "on_idle", "resume", "file", "contact", "chain", "rate", "for_s", "since_s", "config",
    "set_aside", "retry", "export", "forget",
}  # fmt: skip
"""what commands.call_for turns into params itself"""

_SIM_ERRORS = (
    "ground_fault, stuck_relay, over_temperature, over_current, lock_failure, meter_dead, meter_still, meter_nan,"
    " pilot_fault, isolation_fault, supply_fault, emergency_stop, driver_dead"
)

COMMANDS = (
    Command("status", "status", "the station, its EVSEs, the CSMS link and what waits for it", ("", "--json")),
    Command("watch", "watch", "events as they happen, until Ctrl-C", ("", "--json | jq -r .text")),
    Command(
        "start",
        "start",
        "present a token to an EVSE, like a card at its reader",
        ("1 --token 04A1B2C3D4E5F6", "2 --token 1234 --type KeyCode"),
        (_evse(), Argument("--token", "the token, 1-36 characters", {"required": True}), _TYPE),
    ),
    Command(
        "stop",
        "stop",
        "end the transaction of an EVSE, or one by its id",
        ("1", "--transaction 7c9e6679-7425-40de-944b-e07fc1f90ae7"),
        (
            Argument("evse", "number of the EVSE", {"type": int, "metavar": "EVSE", "nargs": "?"}),
            Argument("--transaction", "id of the transaction", {"dest": "transaction_id", "metavar": "ID"}),
        ),
    ),
    Command(
        "availability",
        "availability",
        "take the station, an EVSE or a connector out of service, or back",
        ("inoperative", "operative --evse 1", "inoperative --evse 1 --connector 2"),
        (
            Argument("state", "operative or inoperative", {"choices": ("operative", "inoperative")}),
            _evse_option("this EVSE only"),
            Argument("--connector", "this connector of the EVSE only", {"type": int, "metavar": "M"}),
        ),
    ),
    Command(
        "get",
        "get",
        "variables of the device model; without a name, all",
        ("AuthCtrlr.AuthorizeRemoteStart", "--prefix SampledDataCtrlr", "--json"),
        (
            Argument("names", "Component.Variable", {"nargs": "*", "metavar": "NAME"}),
            Argument("--prefix", "those whose name begins so", {"metavar": "P"}),
        ),
    ),
    Command(
        "set",
        "set",
        "set a variable of the device model",
        ("SampledDataCtrlr.TxUpdatedInterval 60", "'EVSE#1.Power' 11000 --attribute MaxSet"),
        (
            Argument("variable", "Component.Variable", {"metavar": "NAME"}),
            Argument("value", "the new value", {"metavar": "VALUE"}),
            Argument(
                "--attribute",
                "which attribute: " + ", ".join(ATTRIBUTES),
                {"choices": ATTRIBUTES, "metavar": "ATTRIBUTE"},
            ),
        ),
    ),
    Command(
        "unlock",
        "unlock",
        "let go of a plug",
        ("1", "1 2"),
        (_evse(), Argument("connector", "which one", {"type": int, "nargs": "?", "metavar": "CONNECTOR"})),
    ),
    Command(
        "reset",
        "reset",
        "restart the station or an EVSE",
        ("", "--on-idle", "--resume", "--evse 2 --resume"),
        (
            _evse_option("this EVSE only"),
            Argument("--on-idle", "not before the last transaction has ended", {"action": "store_true"}),
            Argument("--resume", "interrupt transactions only: they go on afterwards", {"action": "store_true"}),
        ),
    ),
    Command(
        "reset-csms",
        "reset_csms",
        "go back to the CSMS and the password of the configuration, whatever a CSMS has set",
        ("",),
    ),
    Command(
        "limit",
        "limit",
        "what the station, or an EVSE, may draw at most, as an EMS on the spot wants it",
        ("set 16A", "set 11kW --evse 1 --for 1h", "clear --evse 1", "show"),
        (
            Argument("act", "set, clear or show", {"choices": ("set", "clear", "show")}),
            Argument("rate", "A per phase, W or kW: 16A, 11000W, 11kW", {"nargs": "?", "metavar": "LIMIT"}),
            _evse_option("of this EVSE; without it, of the whole station"),
            Argument("--for", "then it is over: 90s, 30min, 8h", {"dest": "for_s", "metavar": "TIME"}),
        ),
    ),
    Command(
        "grid",
        "grid",
        "tell that the grid is away and a back-up supply runs, or that it is back; for the program that watches it",
        ("lost", "back"),
        (Argument("state", "lost or back", {"choices": ("lost", "back")}),),
    ),
    Command(
        "outbox",
        "outbox",
        "messages that wait for the CSMS, and those it did not take: to be sent again, billed by hand, or dropped",
        ("", "--limit 5", "--dead", "--retry all", "--retry 17 18", "--export /root/unbilled.jsonl", "--forget 17"),
        (
            Argument("--limit", "at most so many messages", {"type": int, "metavar": "N"}),
            Argument(
                "--dead",
                "records that the CSMS did not take, oldest first",
                {"dest": "set_aside", "action": "store_true"},
            ),
            Argument("--retry", "send these to the CSMS again, or the oldest 500", {"nargs": "+", "metavar": "ID|all"}),
            Argument(
                "--export",
                "write them for billing by hand, as JSON lines, with tokens in full; -: to standard output",
                {"type": Path, "metavar": "FILE"},
            ),
            Argument("--forget", "drop these for good", {"nargs": "+", "metavar": "ID"}),
        ),
    ),
    Command(
        "list",
        "list",
        "whether a token is known here, by the local list or the cache; without one, how many are",
        ("", "04A1B2C3D4E5F6", "1234 --type KeyCode"),
        (Argument("token", "the token, 1-36 characters", {"metavar": "TOKEN", "nargs": "?"}), _TYPE),
    ),
    Command(
        "security-log",
        "security_log",
        "what endangered the station, newest last",
        ("", "--limit 500 --json"),
        (Argument("--limit", "the newest so many", {"type": int, "metavar": "N"}),),
    ),
    Command(
        "bundle",
        "bundle",
        "write the archive a support case needs: recording, state, logs, configuration; no passwords, no tokens",
        ("", "/tmp/station.tar.gz --since 2h", "/media/stick --config /etc/chargepointd/chargepointd.toml"),
        (
            Argument("file", "where to: a file, or a folder (default: this one)", _HERE),
            Argument("--since", "logs and reports of the last 90min, 2h, 3d …; all, unless told otherwise", _SINCE),
            Argument("--config", "the daemon's configuration, for when it does not run", _CONFIG),
        ),
    ),
    Command(
        "schedule",
        "schedule",
        "what an EVSE, or the whole station, may draw from now on by its charging profiles",
        ("", "1", "1 --duration 3600 --unit W"),
        (
            Argument("evse", "number of the EVSE; 0, or none: the station", _PERHAPS),
            Argument("--duration", "so many seconds; a day, unless told otherwise", {"type": int, "metavar": "S"}),
            Argument("--unit", "A (per phase) or W", {"choices": ("A", "W")}),
        ),
    ),
    Command("reservations", "reservations", "for whom EVSEs are kept, and until when", ("", "--json")),
    Command("profiles", "profiles", "the charging profiles that are installed", ("", "--json")),
    Command("drivers", "drivers", "drivers and devices: whether they are up, and what they read", ("", "--json")),
    Command(
        "pics",
        "pics",
        "the optional features of OCPP that this station has",
        ("", "--version 1.6 --json"),
        (
            Argument(
                "--version",
                "of OCPP: 1.6 or 2.0.1; without it, the one in use",
                {"choices": ("1.6", "2.0.1"), "metavar": "VERSION"},
            ),
        ),
    ),
)

SIM_COMMANDS = (
    Command(
        "plug-in",
        "sim.plug_in",
        "plug a car in",
        ("1", "1 --connector 2"),
        (_evse(), Argument("--connector", "into this connector", {"type": int, "metavar": "M"})),
    ),
    Command(
        "plug-out",
        "sim.plug_out",
        "pull the plug",
        ("1", "1 --force", "1 --side ev"),
        (
            _evse(),
            Argument("--force", "even when it is locked", {"action": "store_true"}),
            Argument("--side", "at this end of the cable", {"choices": ("station", "ev")}),
        ),
    ),
    Command("drive-in", "sim.drive_in", "a car drives into the bay", ("1",), (_evse(),)),
    Command("drive-out", "sim.drive_out", "the car leaves the bay", ("1",), (_evse(),)),
    Command(
        "swipe",
        "sim.swipe",
        "hold a card to a reader",
        ("04A1B2C3D4E5F6", "1234 --type KeyCode"),
        (
            Argument("token", "the token, 1-36 characters", {"metavar": "TOKEN"}),
            _TYPE,
            Argument("--reader", "which reader", {"metavar": "READER"}),
        ),
    ),
    Command(
        "press",
        "sim.press",
        "press a key of the keypad, or a button",
        ("1", "'#'", "'#' --device button1"),
        (
            Argument("key", "0 to 9, * or #", {"metavar": "KEY"}),
            Argument("--device", "keypad (default), button1 …", {"metavar": "DEVICE"}),
        ),
    ),
    Command(
        "contract",
        "sim.contract",
        "the car shows its contract certificate",
        ("1 DEABCC1234567X contract.pem",),
        (
            _evse(),
            Argument("emaid", "identifier of the contract", {"metavar": "EMAID"}),
            Argument("chain", "its certificate and those above it, PEM", {"metavar": "FILE", "type": Path}),
        ),
    ),
    Command(
        "want-contract",
        "sim.want_contract",
        "the car asks for a contract certificate",
        ("1 gJgC…",),
        (
            _evse(),
            Argument("exi", "its message, base64", {"metavar": "EXI"}),
            Argument("--action", "Install (default) or Update", {"choices": ("Install", "Update")}),
        ),
    ),
    Command("pause", "sim.pause", "the car stops taking energy", ("1",), (_evse(),)),
    Command("resume", "sim.resume", "the car takes energy again", ("1",), (_evse(),)),
    Command(
        "raise-error",
        "sim.raise_error",
        f"break something: {_SIM_ERRORS}",
        ("1 ground_fault", "0 emergency_stop"),
        (_evse("number of the EVSE; 0: all, or the station"), Argument("error", "what breaks", {"metavar": "ERROR"})),
    ),
    Command(
        "clear-error",
        "sim.clear_error",
        "mend it; without a name, everything",
        ("", "1", "1 ground_fault"),
        (
            Argument("evse", "number of the EVSE; 0: all", {"type": int, "metavar": "EVSE", "nargs": "?"}),
            Argument("error", "what is mended", {"metavar": "ERROR", "nargs": "?"}),
        ),
    ),
    Command("disconnect", "sim.disconnect", "cut the link to the CSMS", ("",)),
    Command("connect", "sim.connect", "let the link to the CSMS come back", ("",)),
    Command(
        "meter",
        "sim.meter",
        "read the meter of an EVSE, or set its register",
        ("1", "1 --energy-wh 123456"),
        (_evse(), Argument("--energy-wh", "the new register, Wh", {"type": float, "metavar": "WH"})),
    ),
    Command(
        "contact",
        "sim.contact",
        "close or open the relay of a grid operator",
        ("closed", "open --device contact2"),
        (
            Argument("contact", "closed or open", {"choices": ("closed", "open")}),
            Argument("--device", "contact1 (default), contact2", {"metavar": "DEVICE"}),
        ),
    ),
    Command(
        "site",
        "sim.site",
        "what the building draws besides the station",
        ("20", "20 --dead"),
        (
            Argument("current_a", "A per phase", {"type": float, "metavar": "A"}),
            Argument("--dead", "the meter at its connection does not answer", {"action": "store_true"}),
        ),
    ),
    Command("state", "sim.state", "the whole simulated world", ("", "--json")),
    Command("display", "sim.display", "what the display shows", ("",)),
    Command(
        "transactions",
        "sim.transactions",
        "make many transactions, one after the other",
        ("100", "1000 --evse 1 --token LOAD01"),
        (
            Argument("count", "how many", {"type": int, "metavar": "COUNT"}),
            _evse_option("at this EVSE only"),
            Argument("--token", "with this token", {"metavar": "TOKEN"}),
        ),
    ),
)


def parser() -> ArgumentParser:
    """The whole command line. Parsed arguments carry `method`, and `takes`: the names that are its params."""
    top = _Parser(
        prog="chargepointctl",
        description="Look at a charging station and operate it, through its chargepointd.",
        epilog=EPILOG,
    )
    _add_general(top, first=True)
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    for command in COMMANDS:
        _add(commands, command, "chargepointctl")
    sim = commands.add_parser("sim", help="the simulated world, where the simulator driver is configured")
    _add_general(sim, first=False)
    scenes = sim.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    for command in SIM_COMMANDS:
        _add(scenes, command, "chargepointctl sim")
    return top


class _Parser(ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=RawDescriptionHelpFormatter, **options)


def _add(commands: Any, command: Command, program: str) -> None:
    lines = (f"  {program} {command.name} {example}".rstrip() for example in command.examples)
    about = command.help[0].upper() + command.help[1:] + "."
    sub = commands.add_parser(
        command.name, help=command.help, description=about, epilog="\n".join(("examples:", *lines))
    )
    for argument in command.arguments:
        sub.add_argument(argument.name, help=argument.help, **argument.options)
    _add_general(sub, first=False)
    takes = [argument.param for argument in command.arguments if argument.param not in _NO_PARAM]
    sub.set_defaults(method=command.method, takes=takes)


def _add_general(to: ArgumentParser, first: bool) -> None:
    """The options of all commands, taken before and after the command's name. SUPPRESS: given before, a later default
    must not undo them."""
    group = to.add_argument_group("for every command")

    def add(name: str, default: Any, text: str, **options: Any) -> None:
        group.add_argument(name, default=default if first else SUPPRESS, help=text, **options)

    add("--socket", None, "the control socket", type=Path, metavar="PATH")
    add("--state-dir", None, "state directory of the daemon, for its control.sock", type=Path, metavar="DIR")
    add("--json", False, "JSON, for scripts", action="store_true")
    add("--no-color", False, "no colours; $NO_COLOR does the same", action="store_true")


def parse(argv: list[str] | None) -> Namespace:
    """SystemExit(2) with the usage when they are wrong."""
    return parser().parse_args(argv)
