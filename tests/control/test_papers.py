"""What is written about chargepointctl says what the program does."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargepointd.control.methods import ATTRIBUTES, METHODS, TOKEN_TYPES
from chargepointd.ctl.arguments import COMMANDS, SIM_COMMANDS, Command, parse, parser
from hal.drivers.simulator.controls import ERRORS

ROOT = Path(__file__).parents[2]
COMPLETION = ROOT / "etc/completion/chargepointctl.bash"
MAN = ROOT / "docs/man/chargepointctl.1"
ALL = [(c.name, c) for c in COMMANDS] + [(f"sim {c.name}", c) for c in SIM_COMMANDS]


def complete(*words: str) -> list[str]:
    """What bash offers for the last of the words."""
    script = f"""
source {COMPLETION}
compopt() {{ :; }}
COMP_WORDS=(chargepointctl {" ".join(f"'{word}'" for word in words)})
COMP_CWORD={len(words)}
_chargepointctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    bash = shutil.which("bash") or "/bin/bash"
    done = subprocess.run([bash, "-uc", script], capture_output=True, text=True, check=True, timeout=20)
    assert done.stderr == ""
    return done.stdout.split()


def options(command: Command) -> Iterator[str]:
    return (argument.name for argument in command.arguments if argument.name.startswith("--"))


def test_every_method_has_its_command() -> None:
    assert {command.method for _, command in ALL} == set(METHODS)


def test_every_argument_is_a_param_of_its_method() -> None:
    for _, command in ALL:
        own = {"names", "state", "on_idle", "resume", "file", "contact", "rate", "for_s", "config"}
        own |= {"set_aside", "retry", "export", "forget"}
        taken = {argument.param for argument in command.arguments} - own
        assert taken <= set(METHODS[command.method].params), command.name


@pytest.mark.parametrize("name, command", ALL)
def test_every_example_in_the_help_can_be_parsed(name: str, command: Command) -> None:
    import shlex

    assert command.examples
    for example in command.examples:
        args = parse([*name.split(), *shlex.split(example.split("|")[0])])
        assert args.method == command.method


def test_help_tells_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert "3 chargepointd is not running" in parser().format_help()
    with pytest.raises(SystemExit):
        parse(["start", "--help"])
    assert "chargepointctl start 1 --token" in capsys.readouterr().out


def test_completion_offers_every_command() -> None:
    assert {command.name for command in COMMANDS} | {"sim"} <= set(complete(""))
    assert {command.name for command in SIM_COMMANDS} <= set(complete("sim", ""))


@pytest.mark.parametrize("name, command", ALL)
def test_completion_offers_every_option_of_a_command_and_no_other(name: str, command: Command) -> None:
    general = {"--socket", "--state-dir", "--json", "--no-color", "--help"}
    assert set(complete("--socket", "/x", *name.split(), "--")) == {*options(command), *general}


def test_the_errors_of_the_simulator_are_the_same_everywhere() -> None:
    errors = set(ERRORS)
    offered = {word for word in complete("sim", "raise-error", "1", "") if "_" in word}
    assert offered == errors
    told = next(command.help for command in SIM_COMMANDS if command.name == "raise-error")
    assert set(re.findall(r"\w+_\w+", told)) == errors
    assert errors <= set(re.findall(r"\w+", MAN.read_text()))


def test_completion_offers_what_an_option_takes() -> None:
    assert complete("start", "1", "--type", "") == list(TOKEN_TYPES)
    assert complete("set", "A.B", "1", "--attribute", "") == list(ATTRIBUTES)
    assert complete("availability", "in") == ["inoperative"]
    assert complete("start", "--token", "") == []


@pytest.mark.parametrize("name, command", ALL)
def test_the_man_page_tells_every_command_with_its_options(name: str, command: Command) -> None:
    text = MAN.read_text().replace("\\-", "-").replace("\\fR", "").replace("\\fI", "")
    lines = [line for line in text.splitlines() if line.startswith(".") and name in line]
    assert lines, f"{name} is missing"
    for option in options(command):
        assert any(option in line for line in lines), f"{name} {option} is missing"


@pytest.mark.parametrize("page", ["chargepointctl.1", "chargepointd.8"])
def test_the_man_pages_are_well_formed(page: str) -> None:
    man = shutil.which("man")
    if man is None:
        pytest.skip("no man(1) here")
    path = ROOT / "docs/man" / page
    env = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "120"}
    done = subprocess.run(
        [man, "--warnings", "-l", path], capture_output=True, text=True, check=True, timeout=20, env=env
    )
    assert done.stderr == ""
    assert "SEE ALSO" in done.stdout
